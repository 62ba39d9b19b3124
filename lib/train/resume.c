/* SPDX-License-Identifier: MIT
 *
 * resume.c - checkpoints: everything that the next step depends on
 *
 * Weights, moments, the best weights, the average, and the counters. The order of an epoch follows from (seed, epoch), so a run that
 * goes on from here ends in the bits of one that was not stopped. Loss values that are not known yet are not finite and are stored as
 * 0; best_epoch = 0 tells.
 */
#include "core/status.h"
#include "io/model.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

/* What must be the same in both runs. */
typedef struct resume_identity {
    int64_t rule, rows, batch, seed, objective, pairing, round, estimator;
} resume_identity;

static resume_identity resume_identify(const nfi_trainer *t)
{
    resume_identity id = { .rule = nfi_rule_index(t->optimizer->type), .rows = t->train ? t->train->n : 0, .batch = t->batch,
                           .objective = t->config.objective, .pairing = t->config.pairing, .round = t->steps_per_epoch,
                           .estimator = t->estimator };

    memcpy(&id.seed, &t->config.seed, sizeof id.seed);
    return id;
}

#define RESUME_STATES 23
static void resume_states(nfi_state state[RESUME_STATES], nfi_counters *c, resume_identity *id, int64_t *steps)
{
    const nfi_state all[RESUME_STATES] = {
        { "optim.rule", &id->rule, NULL },
        { "optim.steps", steps, NULL },
        { "train.rows", &id->rows, NULL },
        { "train.batch", &id->batch, NULL },
        { "train.seed", &id->seed, NULL },
        { "train.objective", &id->objective, NULL },
        { "train.pairing", &id->pairing, NULL },
        { "train.round", &id->round, NULL },
        { "train.estimator", &id->estimator, NULL },
        { "train.epoch", &c->epoch, NULL },
        { "train.position", &c->position, NULL },
        { "train.applied", &c->applied, NULL },
        { "train.skipped", &c->skipped, NULL },
        { "train.rollbacks", &c->rollbacks, NULL },
        { "train.best_epoch", &c->best_epoch, NULL },
        { "train.since_best", &c->since_best, NULL },
        { "train.since_drop", &c->since_drop, NULL },
        { "train.loss_sum", NULL, &c->loss_sum },
        { "train.weight_sum", NULL, &c->weight_sum },
        { "train.elbo_sum", NULL, &c->elbo_sum },
        { "train.best_nll", NULL, &c->best_nll },
        { "train.lr_factor", NULL, &c->lr_factor },
        { "train.plateau", NULL, &c->plateau },
    };

    memcpy(state, all, sizeof all);
}

static int64_t resume_extras(const nfi_trainer *t, nfi_extra extra[4], void *m, void *v)
{
    const nf_flow *flow = t->flow;
    int64_t n = 0;

    extra[n++] = (nfi_extra){ "optim.m", flow->dtype, flow->count, m };
    if (v) extra[n++] = (nfi_extra){ "optim.v", flow->dtype, flow->count, v };
    extra[n++] = (nfi_extra){ "train.best", flow->dtype, flow->count, t->best };
    if (t->ema) extra[n++] = (nfi_extra){ "train.ema", flow->dtype, flow->count, t->ema };
    return n;
}

nf_status nfi_trainer_save(nfi_trainer *t)
{
    resume_identity id = resume_identify(t);
    nfi_counters counters = t->now;
    nfi_state state[RESUME_STATES];
    nfi_extra extra[4];
    int64_t n;
    nf_status status;

    if (!t->config.checkpoint || !nfi_snapshot_healthy(t)) return NF_OK;
    if (t->saved_epoch == t->now.epoch && t->saved_position == t->now.position) return NF_OK;
    if (!isfinite(counters.best_nll)) counters.best_nll = 0;
    resume_states(state, &counters, &id, &t->optimizer->steps);
    n = resume_extras(t, extra, t->optimizer->m, t->optimizer->v);
    status = nfi_checkpoint_save(t->flow, t->config.checkpoint, extra, n, state, RESUME_STATES);
    if (status < 0) return nfi_fail_in(status, "%s: checkpoint", t->names.function);
    t->saved_epoch = t->now.epoch;
    t->saved_position = t->now.position;
    return NF_OK;
}

static nf_status resume_compare(const char *function, const resume_identity *file, const resume_identity *own)
{
    const struct { const char *name; int64_t file, own; } pairs[] = {
        { "optimizer", file->rule, own->rule },
        { "number of rows", file->rows, own->rows },
        { "batch", file->batch, own->batch },
        { "seed", file->seed, own->seed },
        { "objective", file->objective, own->objective },
        { "pairing", file->pairing, own->pairing },
        { "number of steps a round", file->round, own->round },
        { "estimator", file->estimator, own->estimator },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].file != pairs[i].own)
            return nfi_fail(NF_ERR_STATE, "%s: the checkpoint is of a run with another %s: %lld, this run has %lld",
                            function, pairs[i].name, (long long)pairs[i].file, (long long)pairs[i].own);
    return NF_OK;
}

/* Counters only ever grow by one: below this they never overflow. */
#define RESUME_MOST ((int64_t)1 << 53)
#define RESUME_EPOCHS 1000000000 /* as many as a config may ask for */

static bool resume_is_count(int64_t value) { return value >= 0 && value <= RESUME_MOST; }

static nf_status resume_check(const nfi_trainer *t, const nfi_counters *c, int64_t steps)
{
    const bool counts = resume_is_count(steps) && resume_is_count(c->applied) && resume_is_count(c->skipped) &&
                        resume_is_count(c->since_best) && resume_is_count(c->since_drop);
    const bool places = c->epoch >= 0 && c->epoch <= RESUME_EPOCHS && c->position >= 0 && c->position <= t->steps_per_epoch &&
                        c->rollbacks >= 0 && c->rollbacks <= NFI_ROLLBACKS && c->best_epoch >= 0 && c->best_epoch <= c->epoch;
    const bool numbers = isfinite(c->loss_sum) && isfinite(c->weight_sum) && c->weight_sum >= 0 && isfinite(c->elbo_sum) && isfinite(c->best_nll) &&
                         c->lr_factor > 0 && c->lr_factor <= 1 && c->plateau >= 0 && c->plateau <= 1;

    if (counts && places && numbers) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: the checkpoint's counters contradict each other", t->names.function);
}

static double resume_value(const nfi_trainer *t, const void *values, int64_t i)
{
    return t->flow->dtype == NF_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

static nf_status resume_check_weights(const nfi_trainer *t, const char *tensor, const void *weights)
{
    char name[96];
    const int64_t bad = weights ? nfi_model_bad_parameter(t->flow, weights, name) : -1;

    if (bad < 0) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: the checkpoint's %s: element %lld of %s has a value that is not allowed", t->names.function, tensor,
                    (long long)bad, name);
}

static nf_status resume_check_moment(const nfi_trainer *t, const char *tensor, const void *moment, double least)
{
    for (int64_t i = 0; moment && i < t->flow->count; i++) {
        const double value = resume_value(t, moment, i);
        if (isfinite(value) && value >= least) continue;
        return nfi_fail(NF_ERR_FORMAT, "%s: the checkpoint's %s: element %lld is %g, must be finite%s", t->names.function, tensor, (long long)i, value,
                        least < 0 ? "" : " and not negative");
    }
    return NF_OK;
}

/* What training would go on with, and might end with. */
static nf_status resume_check_tensors(const nfi_trainer *t)
{
    nf_status status = resume_check_weights(t, "train.best", t->best);

    if (!status) status = resume_check_weights(t, "train.ema", t->ema);
    if (!status) status = resume_check_moment(t, "optim.m", t->good_m, -INFINITY);
    return status ? status : resume_check_moment(t, "optim.v", t->good_v, 0);
}

nf_status nfi_trainer_load(nfi_trainer *t)
{
    const size_t bytes = (size_t)(t->flow->count * t->flow->size);
    const resume_identity own = resume_identify(t);
    resume_identity id = own;
    nfi_counters counters = t->now;
    nfi_state state[RESUME_STATES];
    nfi_extra extra[4];
    int64_t n, steps = 0;
    nf_status status;

    memcpy(t->good, t->flow->theta, bytes); /* to put back */
    resume_states(state, &counters, &id, &steps);
    n = resume_extras(t, extra, t->good_m, t->good_v);
    status = nfi_checkpoint_load(t->flow, t->config.resume, extra, n, state, RESUME_STATES);
    if (status < 0) return nfi_fail_in(status, "%s: resume", t->names.function);
    if ((status = resume_compare(t->names.function, &id, &own)) || (status = resume_check(t, &counters, steps)) || (status = resume_check_tensors(t))) {
        memcpy(t->flow->theta, t->good, bytes);
        nfi_flow_pack(t->flow);
        return status;
    }
    memcpy(t->optimizer->m, t->good_m, bytes);
    if (t->good_v) memcpy(t->optimizer->v, t->good_v, bytes);
    t->optimizer->steps = steps;
    t->now = counters;
    if (!t->now.best_epoch) t->now.best_nll = INFINITY;
    nfi_flow_pack(t->flow);
    return NF_OK;
}
