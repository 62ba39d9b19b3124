/* SPDX-License-Identifier: MIT
 *
 * reverse.c - the gradient of a reverse Kullback-Leibler divergence
 *
 *   L = scale sum_i [ log q(x_i) - beta log p(x_i) ],   x_i = f^-1(z_i; theta),  z_i ~ base
 *
 * Draws move with theta while z stays: f(x; theta) = z gives dx/dtheta = -J^-1 df/dtheta, J = df/dx. With v = dL/dx at fixed theta,
 *
 *   v_i = scale (d log q/dx - beta d log p/dx),   w = J^-T v,
 *   dL/dtheta = -(df/dtheta)^T w                           the path: what is left when q's parameters stand still in log q
 *             + scale (d log q/dtheta at fixed x)          whose mean over draws is 0, and whose variance is not
 *
 * Both are backward passes of f: the first with dL/dz = -w and dL/dlog_det = 0; with both, dL/dz = scale dlog p_base/dz - w and
 * dL/dlog_det = scale. Without the second the gradient vanishes row by row, not only in the mean, where q is p ("sticking the
 * landing"). So a block runs forward, back to d log q/dx without parameters, with the inverse's backward to w, and back once more
 * for the parameters: one pass adds to gradients, so that sums have the order of gradient.c.
 *
 * The base's own parameters phi move z: with dL/dz = w they get w^T dz/dphi, as the base tells (sample_backward), and of `total` dlog
 * p_base/dphi besides. Where draws jump with phi instead, as between the components of a mixture, what is left is the score's gradient,
 * scale sum_i (L_i - b_i) dlog p_base(z_i)/dphi, L_i the row's loss and b_i the mean of the others', which takes noise and no meaning away.
 *
 * Check: with x = z exp(-s) + t, and p normal with mean 0 and sd 1, KL = (exp(-2 s) + t^2 - 1) / 2 + s.
 * Refs: Rezende, Mohamed, "Variational inference with normalizing flows", arXiv:1505.05770; Roeder, Wu, Duvenaud, "Sticking the
 * landing", arXiv:1703.09194; Vaitl et al., "Path-gradient estimators for continuous normalizing flows", arXiv:2206.09016;
 * Kool, van Hoof, Welling, "Buy 4 REINFORCE samples, get a baseline for free!", ICLR 2019 workshop.
 */
#include "flow/reverse.h"
#include "core/status.h"
#include "flow/dense.h"
#include <string.h>

nf_status nfi_reverse_check(const nf_flow *flow, const char *function)
{
    for (int64_t l = 0; l < flow->n_places; l++) {
        const nfi_place *p = &flow->places[l];
        const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
        const char *name = p->layer->type->name;
        if (!ops->inverse)
            return nfi_fail(NF_ERR_ARG, "%s: layer %lld (%s) has no inverse, and without one there are no draws", function, (long long)l, name);
        if (p->info.discrete)
            return nfi_fail(NF_ERR_ARG, "%s: layer %lld (%s) makes whole numbers, which have no gradient", function, (long long)l, name);
        if (!ops->inverse_backward && p->info.dim > NFI_DENSE_MOST)
            return nfi_fail(NF_ERR_ARG, "%s: layer %lld (%s) has dim %lld, at most %d without an inverse_backward of its own", function,
                            (long long)l, name, (long long)p->info.dim, NFI_DENSE_MOST);
    }
    return NF_OK;
}

nf_status nfi_reverse_make(nfi_reverse *reverse, nf_maker *maker, const nf_flow *flow)
{
    *reverse = (nfi_reverse){ .dense_bytes = nfi_dense_bytes(flow) };
    if (!reverse->dense_bytes) return NF_OK;
    reverse->dense = nfi_maker_alloc(maker, NFI_GRAD_SLOTS, reverse->dense_bytes);
    return reverse->dense ? NF_OK : NF_ERR_MEMORY;
}

typedef struct reverse_job {
    nfi_grad_job g; /* first: what blocks get */
    const nfi_reverse *reverse;
    const nfi_target *target;
} reverse_job;

/* Losses of the block, and in w->weight the scale of each row; 0 for bad ones. */
static void reverse_weigh(const reverse_job *r, nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const double loss = w->log_det[i] - r->target->beta * r->target->log_p[row + i];
        w->weight[i] = nfi_grad_count(g, w, row, i, loss) ? g->batch->scale : 0.0;
    }
}

/* v += -scale beta d log p/dx, of finite rows */
static void reverse_add_target(const reverse_job *r, const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n)
{
    const int64_t dim = flow->dim;
    const double *grad = r->target->grad + row * dim;
    float *narrow = (float *)(void *)w->z;
    double *wide = (double *)(void *)w->z;

    for (int64_t i = 0; i < n; i++) {
        const double factor = -r->target->beta * w->weight[i];
        for (int64_t j = 0; j < dim; j++) {
            const int64_t at = i * dim + j;
            const double more = w->bad[i] ? 0.0 : factor * grad[at];
            if (flow->dtype == NF_F32) narrow[at] = (float)((double)narrow[at] + more);
            else wide[at] += more;
        }
    }
}

/* w->z = explicit - w->z, where explicit [n][dim] may be NULL: zeros */
static void reverse_subtract(const nf_flow *flow, nfi_workspace *w, int64_t n, const char *explicit_part)
{
    const float *from = (const float *)(const void *)explicit_part;
    const double *from_wide = (const double *)(const void *)explicit_part;
    float *narrow = (float *)(void *)w->z;
    double *wide = (double *)(void *)w->z;

    for (int64_t at = 0; at < n * flow->dim; at++) {
        if (flow->dtype == NF_F32) narrow[at] = (from ? from[at] : 0.0f) - narrow[at];
        else wide[at] = (from_wide ? from_wide[at] : 0.0) - wide[at];
    }
}

/* d log q/dx in w->z times the scale */
static nf_status reverse_score(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n)
{
    const nfi_grad none = { .likelihood = true };
    const nf_status status = nfi_grad_base(flow, w, row, n, &none);

    return status ? status : nfi_chain_backward(flow, w, row, n, &none, 0);
}

/* Of each row L_i - b_i, times the scale, in w->spare: (L_i - mean) n/(n - 1) is that; 0 where there is no other row, and for bad ones. */
static void reverse_values(const reverse_job *r, const nfi_workspace *w, int64_t row, int64_t n)
{
    const int64_t all = r->g.batch->n;
    const double factor = all > 1 ? (double)all / (double)(all - 1) : 0.0;

    for (int64_t i = 0; i < n; i++) {
        const double loss = w->log_det[i] - r->target->beta * r->target->log_p[row + i];
        w->spare[i] = w->weight[i] == 0.0 ? 0.0 : w->weight[i] * factor * (loss - r->target->baseline);
    }
}

/* The base's parameters, from dL/dz by the draws in w->z. With `total`, state[1] is then scale dlog p_base/dz. */
static nf_status reverse_base(const reverse_job *r, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad)
{
    const nf_flow *flow = r->g.flow;
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    const int64_t bytes = flow->dim * flow->size;
    nf_status status = NF_OK;

    nfi_chain_kept_z(flow, w, n, r->g.job.in + row * bytes, w->state[0]);
    reverse_values(r, w, row, n);
    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, flow->tile_base);
        nf_tile tile = nfi_chain_tile(flow, NULL, w, row, i, m);
        tile.row = r->target->first + row + i;
        tile.seed = r->target->seed;
        tile.grad = nfi_grad_open(flow, w, grad, flow->base_theta, flow->base->param_count, i);
        tile.grad_cond = nfi_condition_grad(flow, w, grad, i);
        const char *z = w->state[0] + i * bytes;
        if (ops->sample_backward) status = ops->sample_backward(flow->base->self, &tile, z, w->z + i * bytes, w->spare + i);
        if (!status && !r->target->path) status = ops->backward(flow->base->self, &tile, z, w->weight + i, w->state[1] + i * bytes);
        if (!status) nfi_grad_close(flow, w, grad, flow->base_theta, flow->base->param_count, i + m, n);
    }
    return status;
}

static nf_status reverse_block(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad)
{
    const reverse_job *r = (const reverse_job *)(const void *)g;
    const nf_flow *flow = g->flow;
    char *dense = r->reverse->dense ? r->reverse->dense + row / g->plan.slot_rows * r->reverse->dense_bytes : NULL;
    nf_status status;

    nfi_chain_load(&g->job, w, row, n, w->state[0]);
    if ((status = nfi_chain_forward(flow, w, row, n, 1, 0))) return status;
    if ((status = nfi_chain_base(flow, w, row, n))) return status;
    reverse_weigh(r, g, w, row, n);
    if ((status = reverse_score(flow, w, row, n))) return status;
    reverse_add_target(r, flow, w, row, n);
    if ((status = nfi_chain_inverse_backward(flow, w, row, n, dense, 0))) return status;
    if ((status = reverse_base(r, w, row, n, grad))) return status;
    reverse_subtract(flow, w, n, r->target->path ? NULL : w->state[1]);
    if (r->target->path) memset(w->weight, 0, (size_t)n * sizeof *w->weight);
    return nfi_chain_backward(flow, w, row, n, grad, 0);
}

nf_status nfi_reverse_grad(nf_flow *flow, const nfi_reverse *reverse, const nfi_target *target, const nfi_batch *batch, double *sum,
                           nfi_bad_rows *bad, const char *function)
{
    reverse_job r = { .g = { .job = { .function = function, .flow = flow, .n = batch->n, .in = batch->x, .cond = batch->cond }, .flow = flow,
                             .batch = batch, .block = reverse_block },
                      .reverse = reverse, .target = target };
    return nfi_grad_run(&r.g, sum, bad);
}
