/* SPDX-License-Identifier: MIT
 *
 * step.c - one batch: gradient, clipped update, and what to do when it is not finite
 *
 * A step whose loss or gradient is not finite is not applied. After NFI_BAD_STEPS of them in a row the weights and moments go back to
 * the last good snapshot and the learning rate is halved; after NFI_ROLLBACKS such returns the run has diverged.
 */
#include "core/status.h"
#include "train/schedule.h"
#include "train/trainer.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Loads the batch at `position`; its weight sum. */
static double step_load(nfi_trainer *t, nfi_batch *batch, double *weight)
{
    const int64_t *index = t->order + t->now.position * t->batch;
    const int64_t n = nfi_min(t->batch, t->train->n - t->now.position * t->batch);
    double sum = 0;

    nfi_dataset_gather(t->train, index, 0, n, t->flow->dtype, t->rows.x, t->rows.cond, t->train->weights ? t->rows.weights : NULL);
    for (int64_t i = 0; i < n; i++) {
        t->keys[i] = (uint64_t)index[i];
        sum += t->train->weights ? t->rows.weights[i] : 1;
    }
    *batch = (nfi_batch){ .n = n, .x = t->rows.x, .cond = t->rows.cond, .keys = t->keys, .epoch = (uint64_t)t->now.epoch,
                          .weights = t->train->weights ? t->rows.weights : NULL, .scale = sum > 0 ? 1 / sum : 0 };
    *weight = sum;
    return sum;
}

static void step_set_lr(nfi_trainer *t)
{
    const nfi_schedule_state state = { .epoch = t->now.epoch, .plateau = t->now.plateau,
                                       .step = t->now.epoch * t->steps_per_epoch + t->now.position,
                                       .steps = t->steps };

    t->optimizer->lr = t->base_lr * t->now.lr_factor * nfi_schedule_factor(&t->config, &state);
}

/* Not applied: counts, and goes back when it happens too often. */
static nf_status step_bad(nfi_trainer *t)
{
    t->now.skipped++;
    t->dirty = true;
    if (++t->streak < NFI_BAD_STEPS) return NF_OK;
    t->streak = 0;
    if (t->now.rollbacks >= NFI_ROLLBACKS) {
        t->stopped = NFI_RUN_DIVERGED;
        return NF_OK;
    }
    t->now.rollbacks++;
    t->now.lr_factor *= 0.5;
    nfi_snapshot_back(t);
    nfi_context_log(t->flow->object.context, NF_LOG_WARNING,
                    "%s: %s %lld, %s %lld: %s; went back to the last good weights, learning rate halved", t->names.function,
                    t->names.epoch, (long long)t->now.epoch + 1, t->names.batch, (long long)t->now.position + 1, t->reason);
    return NF_OK;
}

/* Goes back at once: an update overflowed, and yet loss and gradient are finite, because the weight hides behind a bounded function. */
static nf_status step_lost(nfi_trainer *t)
{
    snprintf(t->reason, sizeof t->reason, "a weight is not finite");
    t->streak = NFI_BAD_STEPS - 1;
    return step_bad(t);
}

/* The gradient of the batch in the flow's block; true when loss and rows are finite. A failure that is not numeric is in *status. */
static bool step_gradient(nfi_trainer *t, const nfi_batch *batch, double *loss_sum, nf_status *status)
{
    nfi_bad_rows bad = { .first = -1 };

    if (t->dirty) nfi_flow_clear_grad(t->flow);
    t->dirty = true;
    *status = t->matching ? nfi_match_grad(t->flow, &t->match, batch, loss_sum, &bad, "nf_flow_fit")
                          : nfi_flow_grad(t->flow, batch, loss_sum, &bad, "nf_flow_fit");
    if (*status < 0) {
        snprintf(t->reason, sizeof t->reason, "%s", nf_last_error());
        if (nfi_trainer_is_numeric(*status)) *status = NF_OK;
        return false;
    }
    *status = NF_OK;
    if (bad.count == 0 && isfinite(*loss_sum)) return true;
    if (bad.first >= 0 && bad.first < batch->n)
        snprintf(t->reason, sizeof t->reason, "the loss of row %llu is not finite (%lld rows of the batch)%s",
                 (unsigned long long)t->keys[bad.first], (long long)bad.count, bad.reason);
    else
        snprintf(t->reason, sizeof t->reason, "the loss is not finite");
    return false;
}

static nf_status step_apply(nfi_trainer *t, double loss_sum, double weight)
{
    nf_status status;

    if (t->config.l2 > 0) nfi_pieces_decay(&t->optimizer->pieces, t->flow, 2 * t->config.l2);
    step_set_lr(t);
    status = nfi_optimizer_apply(t->optimizer, t->flow, t->config.clip_norm, &t->norm, t->names.function);
    if (status == NF_ERR_NONFINITE) {
        snprintf(t->reason, sizeof t->reason, "%s", nf_last_error());
        return step_bad(t);
    }
    if (status) return status;
    t->dirty = false;
    t->streak = 0;
    t->now.applied++;
    t->now.loss_sum += loss_sum;
    t->now.weight_sum += weight;
    nfi_snapshot_average(t);
    return NF_OK;
}

nf_status nfi_trainer_update(nfi_trainer *t, bool finite, double loss_sum, double weight)
{
    const bool marked = t->now.position % NFI_GOOD_STEPS == 0;

    if (!finite) return step_bad(t);
    if (marked && !nfi_snapshot_finite(t)) return step_lost(t);
    if (marked) nfi_snapshot_good(t);
    return step_apply(t, loss_sum, weight);
}

nf_status nfi_trainer_step(nfi_trainer *t)
{
    nfi_batch batch;
    double weight, loss_sum = NAN;
    nf_status status = NF_OK;

    if (step_load(t, &batch, &weight) > 0) {
        const bool finite = step_gradient(t, &batch, &loss_sum, &status);
        if (!status) status = nfi_trainer_update(t, finite, loss_sum, weight);
    }
    if (status) return status;
    t->now.position++;
    return NF_OK;
}
