/* SPDX-License-Identifier: MIT
 *
 * trainer.c - the memory of a fit, allocated once before the first step
 */
#include "train/trainer.h"
#include "core/rng.h"
#include "core/status.h"
#include <math.h>

/* 4 rows a column, but of images, whose channels have many pixels, no more than hold 2^18 numbers; 256 at least. */
int64_t nfi_trainer_init_rows(const nfi_trainer *t)
{
    const int64_t wanted = nfi_min(4 * t->flow->dim, ((int64_t)1 << 18) / t->flow->dim);
    return nfi_min(t->train->n, nfi_max(256, wanted));
}

static int64_t trainer_rows(const nfi_trainer *t)
{
    const int64_t init = nfi_trainer_init_rows(t);
    const int64_t most = nfi_max(t->train->n, t->valid ? t->valid->n : 0);

    return nfi_max(nfi_max(t->batch, init), nfi_min(most, NFI_LOSS_ROWS));
}

static nf_status trainer_snapshots(nfi_trainer *t)
{
    const int64_t count = t->flow->count, size = t->flow->size;
    const bool two = t->optimizer->type->n_moments > 1;

    t->best = nfi_maker_alloc(t->maker, count, size);
    t->good = nfi_maker_alloc(t->maker, count, size);
    t->good_m = nfi_maker_alloc(t->maker, count, size);
    t->good_v = two ? nfi_maker_alloc(t->maker, count, size) : NULL;
    t->ema = t->config.ema_decay > 0 ? nfi_maker_alloc(t->maker, count, size) : NULL;
    if (!t->best || !t->good || !t->good_m || (two && !t->good_v) || (t->config.ema_decay > 0 && !t->ema)) return NF_ERR_MEMORY;
    return NF_OK;
}

/* All memory that steps and losses take from the flow: running out of it later would leave a flow that is half trained. */
static nf_status trainer_reserve(const nfi_trainer *t)
{
    const nf_status status = nf_flow_reserve(t->flow, t->rows.n, 0);

    return status ? status : nfi_flow_reserve_grad(t->flow, t->batch);
}

/* What an objective needs beside that. */
static nf_status trainer_objective(nfi_trainer *t)
{
    int64_t first;
    nf_status status;

    if (!t->matching) return NF_OK;
    first = t->flow->places[t->flow->n_places - 1].theta; /* the last layer's parameters, and behind them the embedding's of conditions */
    status = nfi_match_make(&t->match, t->maker, t->flow, t->config.pairing == NF_PAIRING_TRANSPORT, t->batch);
    return status ? status : nfi_pieces_match(&t->optimizer->pieces, t->optimizer->object.context, t->flow, first, t->flow->base_theta - first);
}

nf_status nfi_trainer_make(nfi_trainer *t)
{
    nf_status status = nfi_maker_create(&t->maker, t->flow->object.context);

    if (status) return status;
    t->steps_per_epoch = (t->train->n + t->batch - 1) / t->batch;
    t->steps = t->config.epochs * t->steps_per_epoch;
    t->order = nfi_maker_alloc(t->maker, t->train->n, sizeof *t->order);
    t->keys = nfi_maker_alloc(t->maker, t->batch, sizeof *t->keys);
    if (!t->order || !t->keys) return NF_ERR_MEMORY;
    if ((status = nfi_rows_make(&t->rows, t->maker, t->flow, trainer_rows(t)))) return status;
    if ((status = trainer_reserve(t))) return nfi_fail_in(status, "nf_flow_fit");
    if ((status = nfi_trainer_make_state(t))) return status;
    status = trainer_objective(t);
    return status ? nfi_fail_in(status, "nf_flow_fit") : NF_OK;
}

nf_status nfi_trainer_make_state(nfi_trainer *t)
{
    nf_status status = trainer_snapshots(t);

    if (status) return status;
    if ((status = nfi_optimizer_bind(t->optimizer, t->flow, t->names.function))) return status;
    t->base_lr = t->optimizer->lr;
    t->now = (nfi_counters){ .best_nll = INFINITY, .best_train = NAN, .best_valid = NAN, .lr_factor = 1, .plateau = 1 };
    t->norm = t->train_nll = t->valid_nll = NAN;
    t->saved_epoch = t->saved_position = -1;
    t->dirty = true;
    return NF_OK;
}

void nfi_trainer_free(nfi_trainer *t) { nfi_maker_free(t->maker); }

void nfi_trainer_shuffle(nfi_trainer *t)
{
    const uint64_t base = (uint64_t)t->now.epoch * (uint64_t)t->train->n;

    nfi_random_permutation(t->config.seed, NFI_STREAM_SHUFFLE, base, t->train->n, t->order);
}

bool nfi_trainer_is_numeric(nf_status status)
{
    switch (status) {
    case NF_ROWS_NONFINITE:
    case NF_ERR_NONFINITE:
    case NF_ERR_SINGULAR:
    case NF_ERR_ODE_MAXSTEPS:
    case NF_ERR_ODE_STEP:
    case NF_ERR_ODE_TOL:
    case NF_ERR_ODE_RHS: return true;
    default: return false;
    }
}
