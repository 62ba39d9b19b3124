/* SPDX-License-Identifier: MIT
 *
 * objective.c - what a fit minimises besides the negative log-likelihood: flow matching
 *
 * The validation set goes through in batches of its own order, whose keys are the numbers of its rows, at an epoch that training does
 * not come to: the same noise, times and pairs each time, so that differences between epochs are those of the weights.
 */
#include "core/status.h"
#include "train/trainer.h"
#include <math.h>

nf_status nfi_trainer_check_objective(const nfi_trainer *t)
{
    const int32_t transport = t->config.pairing == NF_PAIRING_TRANSPORT;

    if (t->matching) return nfi_match_check(t->flow, transport, t->batch, "nf_flow_fit");
    if (!transport) return NF_OK;
    return nfi_fail(NF_ERR_ARG, "nf_flow_fit: pairing transport belongs to objective flow-matching, objective is likelihood");
}

/* Rows [first, first + n) of `valid`: adds to sum and total. */
static nf_status objective_batch(nfi_trainer *t, int64_t first, int64_t n, double *sum, double *total)
{
    const nf_dataset *data = t->valid;
    const nfi_rows *rows = &t->rows;
    const nfi_batch batch = { .n = n, .x = rows->x, .cond = rows->cond, .keys = t->keys, .epoch = NFI_MATCH_FIXED };
    nf_status status;

    nfi_dataset_gather(data, NULL, first, n, t->flow->dtype, rows->x, rows->cond, data->weights ? rows->weights : NULL);
    for (int64_t i = 0; i < n; i++) t->keys[i] = (uint64_t)(first + i);
    if ((status = nfi_match_losses(t->flow, &t->match, &batch, "nf_flow_fit: valid")) < 0) return status;
    for (int64_t i = 0; i < n; i++) {
        const double w = data->weights ? rows->weights[i] : 1;
        if (!(w > 0)) continue;
        *sum += w * t->match.loss[i];
        *total += w;
    }
    return status;
}

nf_status nfi_trainer_match_loss(nfi_trainer *t, double *mean)
{
    nf_status result = NF_OK;
    double sum = 0, total = 0;

    *mean = NAN;
    for (int64_t first = 0; first < t->valid->n; first += t->batch) {
        const nf_status status = objective_batch(t, first, nfi_min(t->batch, t->valid->n - first), &sum, &total);
        if (status < 0) return status;
        if (status > 0) result = status;
    }
    if (total > 0) *mean = sum / total;
    return result;
}
