/* SPDX-License-Identifier: MIT
 *
 * snapshot.c - copies of the weights: the best, the last good state, the moving average
 *
 *   average: a += (1 - decay) (theta - a), started at the first weights.  Ref: Polyak, Juditsky, SIAM J. Control Optim. 30 (1992).
 */
#include "flow/sums.h"
#include "train/trainer.h"
#include <string.h>

static size_t snapshot_bytes(const nfi_trainer *t) { return (size_t)(t->flow->count * t->flow->size); }

void nfi_snapshot_good(nfi_trainer *t)
{
    memcpy(t->good, t->flow->theta, snapshot_bytes(t));
    memcpy(t->good_m, t->optimizer->m, snapshot_bytes(t));
    if (t->good_v) memcpy(t->good_v, t->optimizer->v, snapshot_bytes(t));
    t->good_steps = t->optimizer->steps;
}

void nfi_snapshot_back(nfi_trainer *t)
{
    memcpy(t->flow->theta, t->good, snapshot_bytes(t));
    memcpy(t->optimizer->m, t->good_m, snapshot_bytes(t));
    if (t->good_v) memcpy(t->optimizer->v, t->good_v, snapshot_bytes(t));
    t->optimizer->steps = t->good_steps;
    nfi_flow_pack(t->flow);
}

void nfi_snapshot_best(nfi_trainer *t) { memcpy(t->best, t->ema ? t->ema : t->flow->theta, snapshot_bytes(t)); }

static void snapshot_average_chunk(void *arg, int64_t chunk)
{
    const nfi_trainer *t = arg;
    const int64_t first = chunk * NFI_OPTIM_CHUNK, n = nfi_min(NFI_OPTIM_CHUNK, t->flow->count - first);
    const char *theta = (const char *)t->flow->theta + first * t->flow->size;
    char *ema = (char *)t->ema + first * t->flow->size;
    const double rate = 1 - t->config.ema_decay;

    if (t->flow->dtype == NF_F32)
        nfi_blend_f32(n, rate, theta, ema);
    else
        nfi_blend_f64(n, rate, theta, ema);
}

void nfi_snapshot_average(nfi_trainer *t)
{
    if (!t->ema) return;
    nfi_parallel_for(t->flow->object.context, (t->flow->count + NFI_OPTIM_CHUNK - 1) / NFI_OPTIM_CHUNK, snapshot_average_chunk, t);
}

void nfi_snapshot_swap(nfi_trainer *t)
{
    char buffer[1024];
    char *a = t->flow->theta, *b = t->ema;
    const int64_t bytes = t->flow->count * t->flow->size;

    if (!b) return;
    for (int64_t i = 0; i < bytes; i += (int64_t)sizeof buffer) {
        const size_t n = (size_t)nfi_min((int64_t)sizeof buffer, bytes - i);
        memcpy(buffer, a + i, n);
        memcpy(a + i, b + i, n);
        memcpy(b + i, buffer, n);
    }
    nfi_flow_pack(t->flow);
}

bool nfi_snapshot_healthy(const nfi_trainer *t)
{
    const nf_flow *flow = t->flow;

    if (t->streak > 0) return false;
    return (flow->dtype == NF_F32 ? nfi_find_nonfinite_f32(flow->count, flow->theta) :
                                    nfi_find_nonfinite_f64(flow->count, flow->theta)) < 0;
}

void nfi_snapshot_result(nfi_trainer *t)
{
    const bool last = t->config.keep_last && t->stopped != NFI_RUN_DIVERGED;
    const void *from = t->ema;

    if (t->now.best_epoch > 0 && !last)
        from = t->best;
    else if (t->stopped == NFI_RUN_DIVERGED || !nfi_snapshot_healthy(t))
        from = t->good;
    if (!from) return;
    memcpy(t->flow->theta, from, snapshot_bytes(t));
    nfi_flow_pack(t->flow);
}
