/* SPDX-License-Identifier: MIT
 *
 * gradient.c - the gradient of the negative log-likelihood, and the score
 *
 *   L = -scale sum_i w_i log p(x_i),   log p(x) = log p_base(z) + log_det
 *   dL/dlog_det_i = -scale w_i,   dL/dz_i = -scale w_i dlog p_base(z_i)/dz
 *
 * Order of sums: the batch is cut into slots, whose number depends on the number of rows only. A slot adds up in row order, and
 * the slots' sums are added in order: so the bits do not depend on the threads. Several workers take a slot each, with a buffer of
 * all parameters each (slot 0: the flow's gradient block). One worker takes as many slots at once as its memory holds, layer
 * by layer, so that weights and gradients come from memory once, and needs room for one layer's slice only.
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/gradient.h"
#include "flow/rows.h"
#include "flow/sums.h"
#include "math/functions.h"
#include <stdio.h>
#include <string.h>

/* Table rows below which 1, 2, 4 slots are used: few rows do not pay for another buffer of all parameters. */
static int64_t gradient_slots(int64_t n) { return n < 64 ? 1 : n < 512 ? 2 : n < 2048 ? 4 : NFI_GRAD_SLOTS; }

static void *gradient_buffer(const nfi_grad_job *g, int64_t s)
{
    nf_flow *flow = g->flow;
    return s == 0 ? flow->grad : (char *)flow->slots + (s - 1) * flow->count * flow->size;
}

static nfi_grad_plan gradient_plan_for(const nf_flow *flow, int64_t n)
{
    const nf_context_config *config = nfi_context_config(flow->object.context);
    nfi_grad_plan p = { .n_slots = gradient_slots(n > INT64_MAX / flow->row_weight ? n : n * flow->row_weight) };
    int32_t recompute;

    p.slot_rows = nfi_round_up(n / p.n_slots + (n % p.n_slots > 0), flow->quantum);
    if (p.n_slots == 1 || nfi_context_worker_count(flow->object.context) > 1 || config->parallel_for) return p;
    p.group = nfi_min(nfi_train_block_rows(flow, n, &recompute) / p.slot_rows, p.n_slots);
    if (recompute) p.group = 0;
    return p;
}

/* Buffers of all parameters beside the gradient block. */
static int64_t gradient_buffers(const nfi_grad_plan *p) { return p->group > 0 ? 1 : p->n_slots - 1; }

static void gradient_first_bad(struct nfi_grad_slot *slot, const nfi_workspace *w, int64_t row)
{
    const nfi_row_failure *f = &w->failure;
    slot->first_bad = row;
    if (f->row == row) (void)snprintf(slot->line, sizeof slot->line, ": %s: %s", nf_status_name(f->status), f->line);
}

bool nfi_grad_count(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t i, double loss)
{
    struct nfi_grad_slot *slot = &g->slot[(row + i) / g->plan.slot_rows];
    const double weight = nfi_grad_weight(g, row + i);

    if (loss - loss != 0.0) w->bad[i] = 1; /* finite values, but no finite loss */
    if (!w->bad[i]) {
        if (weight > 0.0) slot->loss += weight * loss;
        return true;
    }
    if (!slot->n_bad++) gradient_first_bad(slot, w, row + i);
    return false;
}

/* Weights of the loss in w->weight, 0 for bad rows; adds to the slots' sums. */
static void gradient_weigh(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        w->weight[i] = nfi_grad_count(g, w, row, i, -w->log_det[i]) ? -g->batch->scale * nfi_grad_weight(g, row + i) : 0.0;
}

/* Rows that a layer gave up on the way back: their densities count, but the gradient is lost. */
static void gradient_count_late(nfi_grad_job *g, const nfi_workspace *w, int64_t row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct nfi_grad_slot *slot = &g->slot[(row + i) / g->plan.slot_rows];
        if (!w->bad[i] || w->weight[i] == 0.0) continue;
        if (slot->n_bad++ && slot->first_bad < row + i) continue;
        slot->line[0] = 0;
        gradient_first_bad(slot, w, row + i);
    }
}

nf_status nfi_grad_base(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad)
{
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        const int64_t offset = i * flow->dim * flow->size;
        m = nfi_tile_size(w, i, n, flow->tile_base);
        nf_tile tile = nfi_chain_tile(flow, NULL, w, row, i, m);
        tile.grad = nfi_grad_open(flow, w, grad, flow->base_theta, flow->base->param_count, i);
        tile.grad_cond = nfi_condition_grad(flow, w, grad, i);
        status = ops->backward(flow->base->self, &tile, w->z + offset, w->weight + i, w->state[1] + offset);
        if (!status) nfi_grad_close(flow, w, grad, flow->base_theta, flow->base->param_count, i + m, n);
    }
    if (!status) memcpy(w->z, w->state[1], (size_t)(n * flow->dim * flow->size));
    return status;
}

/* Rows of weight 0 become copies of row `stand_in`, their conditions too. */
static void gradient_replace(const nf_flow *flow, nfi_workspace *w, int64_t n, int64_t stand_in)
{
    const int64_t bytes = flow->dim * flow->size, bytes_cond = flow->cond_dim * flow->size;

    for (int64_t i = 0; i < n; i++) {
        if (w->weight[i] != 0.0) continue;
        memcpy(w->state[0] + i * bytes, w->state[0] + stand_in * bytes, (size_t)bytes);
        memcpy(w->raw + i * bytes_cond, w->raw + stand_in * bytes_cond, (size_t)bytes_cond);
    }
    nfi_condition_apply(flow, w, n);
}

/* log p of the block in w->log_det; stand_in -1: of the rows as they are. */
static nf_status gradient_forward(const nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, int64_t stand_in)
{
    nf_status status;

    nfi_chain_load(&g->job, w, row, n, w->state[0]);
    if (stand_in >= 0) gradient_replace(g->flow, w, n, stand_in);
    if (g->batch->keys) memcpy(w->key, g->batch->keys + row, (size_t)n * sizeof *w->key);
    if ((status = nfi_chain_forward(g->flow, w, row, n, 1, g->batch->epoch))) return status;
    return nfi_chain_base(g->flow, w, row, n);
}

/* A row without a density, such as one that overflows on its way, leaves infinities in what layers keep, which a weight of 0 does not keep
 * out of sums. The block goes forward again with a row that has one in the place of each. *any: there is such a row. */
static nf_status gradient_mend(const nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, bool *any)
{
    int64_t stand_in = 0;
    bool bad = false;

    while (stand_in < n && w->weight[stand_in] == 0.0) stand_in++;
    for (int64_t i = 0; i < n; i++) bad |= w->bad[i] != 0;
    *any = !bad || stand_in < n;
    return bad && *any ? gradient_forward(g, w, row, n, stand_in) : NF_OK;
}

static nf_status gradient_block(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad)
{
    const nf_flow *flow = g->flow;
    nf_status status;
    bool any;

    if ((status = gradient_forward(g, w, row, n, -1))) return status;
    gradient_weigh(g, w, row, n);
    if (g->batch->no_gradient) return NF_OK;
    if ((status = gradient_mend(g, w, row, n, &any))) return status;
    if (!any && grad->fresh && !grad->later) memset(grad->block, 0, (size_t)(flow->count * flow->size));
    if (!any) return NF_OK;
    if ((status = nfi_grad_base(flow, w, row, n, grad))) return status;
    status = nfi_chain_backward(flow, w, row, n, grad, g->batch->epoch);
    gradient_count_late(g, w, row, n);
    return status;
}

/* Slots [s, s + group) of one worker, layer by layer. */
static void gradient_run_group(nfi_grad_job *g, int64_t s)
{
    const int64_t first = s * g->plan.slot_rows, end = nfi_min(first + g->plan.group * g->plan.slot_rows, g->batch->n);
    const nfi_grad grad = { .block = g->flow->grad, .fresh = g->flow->grad_clean, .extra = g->flow->slots, .later = s > 0,
                            .likelihood = g->batch->likelihood };
    struct nfi_grad_slot *slot = &g->slot[s];

    if (first >= end) return;
    nfi_workspace *w = nfi_workspace_take(g->flow, end - first, 1);
    if (w) w->segment = g->plan.slot_rows;
    slot->status = w ? g->block(g, w, first, end - first, &grad) : NF_ERR_MEMORY;
    if (slot->status) strncpy(slot->line, nf_last_error(), sizeof slot->line - 1);
    nfi_workspace_put(g->flow, w);
}

/* Rows of a block: all n, or whole tiles. So the tiles of a slot, and with them the sums of gradients, are the same whatever the memory
 * budget, and whatever workspace earlier calls have left. */
static int64_t gradient_block_rows(const nf_flow *flow, const nfi_workspace *w, int64_t n)
{
    return w->rows >= n ? n : w->rows / flow->tile_most * flow->tile_most;
}

static void gradient_run_slot(void *arg, int64_t s)
{
    nfi_grad_job *g = arg;
    struct nfi_grad_slot *slot = &g->slot[s];
    const int64_t first = s * g->plan.slot_rows, end = nfi_min(first + g->plan.slot_rows, g->batch->n);
    nfi_grad grad = { .block = gradient_buffer(g, s), .fresh = s > 0 || g->flow->grad_clean, .likelihood = g->batch->likelihood };

    if (first >= end) {
        memset(grad.block, 0, (size_t)(g->flow->count * g->flow->size));
        return;
    }
    nfi_workspace *w = nfi_workspace_take(g->flow, end - first, 1);
    slot->status = w ? NF_OK : NF_ERR_MEMORY;
    const int64_t rows = w ? gradient_block_rows(g->flow, w, end - first) : 1;
    for (int64_t row = first; row < end && !slot->status; row += rows) {
        slot->status = g->block(g, w, row, nfi_min(rows, end - row), &grad);
        grad.fresh = false;
    }
    if (slot->status) strncpy(slot->line, nf_last_error(), sizeof slot->line - 1);
    nfi_workspace_put(g->flow, w);
}

static void gradient_square_chunk(void *arg, int64_t c)
{
    nf_flow *flow = arg;
    const int64_t first = c * NFI_GRAD_CHUNK, n = nfi_min(NFI_GRAD_CHUNK, flow->count - first);

    flow->squares[c] = (flow->dtype == NF_F32 ? nfi_sum_squares_f32 : nfi_sum_squares_f64)(n, (char *)flow->grad + first * flow->size);
}

/* Adds a chunk of the other slots to slot 0, and squares it while it is in the cache. */
static void gradient_sum_chunk(void *arg, int64_t c)
{
    const nfi_grad_job *g = arg;
    nf_flow *flow = g->flow;
    const int64_t first = c * NFI_GRAD_CHUNK, n = nfi_min(NFI_GRAD_CHUNK, flow->count - first), at = first * flow->size;

    for (int64_t s = 1; s < g->plan.n_slots; s++)
        nfi_add_scaled(flow->dtype, n, 1.0, (char *)gradient_buffer(g, s) + at, (char *)flow->grad + at);
    gradient_square_chunk(flow, c);
}

double nfi_flow_grad_norm(nf_flow *flow)
{
    const int64_t chunks = nfi_grad_chunks(flow);
    double sum = 0.0;

    (void)nfi_flow_grad_block(flow);
    if (!flow->squares_known) nfi_parallel_for(flow->object.context, chunks, gradient_square_chunk, flow);
    for (int64_t i = 0; i < chunks; i++) sum += flow->squares[i];
    return nfi_sqrt(sum);
}

static nf_status gradient_reserve_slots(nf_flow *flow, int64_t buffers)
{
    nf_status status = NF_OK;
    int64_t bytes;
    void *slots;

    if (flow->n_slots >= buffers) return NF_OK;
    if (!nfi_mul(flow->count, flow->size, &bytes)) return nfi_fail(NF_ERR_OVERFLOW, "gradient slots are too large to compute");
    slots = nfi_alloc(flow->object.context, buffers, bytes, &status);
    if (!slots) return status;
    nfi_free(flow->object.context, flow->slots, flow->n_slots, bytes);
    flow->slots = slots;
    flow->n_slots = buffers;
    return NF_OK;
}

/* The lowest slot's failure; the gradient block is then not meaningful and is zeroed. */
static nf_status gradient_collect(nfi_grad_job *g, double *sum, nfi_bad_rows *bad)
{
    *sum = 0.0;
    *bad = (nfi_bad_rows){ .first = -1 };
    for (int64_t s = 0; s < g->plan.n_slots; s++) {
        const struct nfi_grad_slot *slot = &g->slot[s];
        if (slot->status) {
            nfi_flow_clear_grad(g->flow);
            return nfi_fail(slot->status, "%s: %s", g->job.function, slot->line);
        }
        *sum += slot->loss;
        if (slot->n_bad && bad->count == 0) {
            bad->first = slot->first_bad;
            strncpy(bad->reason, slot->line, sizeof bad->reason - 1);
        }
        bad->count += slot->n_bad;
    }
    return NF_OK;
}

nf_status nfi_grad_run(nfi_grad_job *g, double *sum, nfi_bad_rows *bad)
{
    nf_flow *flow = g->flow;
    nf_status status;

    g->plan = gradient_plan_for(flow, g->batch->n);
    if ((status = nfi_flow_need_grad(flow))) return status;
    if ((status = gradient_reserve_slots(flow, gradient_buffers(&g->plan)))) return status;
    if (flow->lent) nfi_flow_pack(flow);
    if (g->plan.group > 0)
        for (int64_t s = 0; s < g->plan.n_slots; s += g->plan.group) gradient_run_group(g, s);
    else
        nfi_parallel_for(flow->object.context, g->plan.n_slots, gradient_run_slot, g);
    if (g->batch->no_gradient) return gradient_collect(g, sum, bad);
    flow->grad_clean = false;
    flow->squares_known = false;
    if (g->plan.n_slots > 1 && !g->plan.group) {
        nfi_parallel_for(flow->object.context, nfi_grad_chunks(flow), gradient_sum_chunk, g);
        flow->squares_known = !flow->grad_lent; /* else the caller may yet change it */
    }
    return gradient_collect(g, sum, bad);
}

nf_status nfi_flow_grad(nf_flow *flow, const nfi_batch *batch, double *nll_sum, nfi_bad_rows *bad, const char *function)
{
    nfi_grad_job g = { .job = { .function = function, .flow = flow, .n = batch->n, .in = batch->x, .cond = batch->cond },
                       .flow = flow, .batch = batch, .block = gradient_block };
    return nfi_grad_run(&g, nll_sum, bad);
}

/* Weights of rows for the public call: finite, >= 0, with a positive sum. */
static nf_status gradient_weight_sum(const nfi_call *c, const double *weights, double *sum)
{
    *sum = weights ? 0.0 : (double)c->n;
    for (int64_t i = 0; weights && i < c->n; i++) {
        const double weight = nfi_get_f64(weights, i);
        if (weight - weight != 0.0)
            return nfi_fail(NF_ERR_NONFINITE, "%s: weights[%lld] is not finite", c->function, (long long)i);
        if (weight < 0.0)
            return nfi_fail(NF_ERR_ARG, "%s: weights[%lld] is %g, must be at least 0", c->function, (long long)i, weight);
        *sum += weight;
    }
    return *sum > 0.0 ? NF_OK : nfi_fail(NF_ERR_ARG, "%s: the weights are all zero", c->function);
}

static nf_status gradient_run_call(nf_flow *flow, const nfi_call *c, const double *weights)
{
    nf_status status = nfi_call_check(c);
    nfi_batch batch = { .n = c->n, .x = c->in, .cond = c->cond, .weights = weights };
    double nll, weight_sum;
    nfi_bad_rows bad;
    bool strict;

    if (status || c->n == 0) return status;
    strict = nfi_context_config(flow->object.context)->strict;
    if ((status = gradient_weight_sum(c, weights, &weight_sum))) return status;
    if ((status = nfi_flow_begin(flow, c->function))) return status;
    batch.scale = 1.0 / weight_sum;
    status = nfi_flow_grad(flow, &batch, &nll, &bad, c->function);
    if (!status && bad.count && strict) nfi_flow_clear_grad(flow);
    nfi_flow_end(flow);
    if (status) return status;
    nfi_put_f64(c->value, 0, bad.count ? (double)__builtin_nanf("") : nll * batch.scale);
    if (!bad.count) return NF_OK;
    return nfi_fail(strict ? NF_ERR_NONFINITE : NF_ROWS_NONFINITE, "%s: %lld of %lld rows are not finite, the first is row %lld%s", c->function,
                    (long long)bad.count, (long long)c->n, (long long)bad.first, bad.reason);
}

static nf_status gradient_call(nf_flow *flow, const nfi_call *c, const double *weights)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    const nf_status status = gradient_run_call(flow, c, weights);

    nfi_fpenv_leave(fpenv);
    return status;
}

static nf_status gradient_call_f32(const char *function, nf_flow *flow, int64_t n, const float *x, const float *cond, const double *weights,
                                   double *mean_nll)
{
    double sink;
    return gradient_call(flow, &(nfi_call){ function, flow, NF_F32, n, "x", x, cond, "x", NULL, 0, "mean_nll", mean_nll ? mean_nll : &sink, NFI_VALUE_SINGLE }, weights);
}

static nf_status gradient_call_f64(const char *function, nf_flow *flow, int64_t n, const double *x, const double *cond, const double *weights,
                                   double *mean_nll)
{
    double sink;
    return gradient_call(flow, &(nfi_call){ function, flow, NF_F64, n, "x", x, cond, "x", NULL, 0, "mean_nll", mean_nll ? mean_nll : &sink, NFI_VALUE_SINGLE }, weights);
}

nf_status nf_flow_nll_grad(nf_flow *flow, int64_t n, const float *x, const float *cond, double *mean_nll)
{
    return gradient_call_f32("nf_flow_nll_grad", flow, n, x, cond, NULL, mean_nll);
}

nf_status nf_flow_nll_grad_weighted(nf_flow *flow, int64_t n, const float *x, const float *cond, const double *weights, double *mean_nll)
{
    return gradient_call_f32("nf_flow_nll_grad_weighted", flow, n, x, cond, weights, mean_nll);
}

nf_status nf_flow_nll_grad_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, double *mean_nll)
{
    return gradient_call_f64("nf_flow_nll_grad_f64", flow, n, x, cond, NULL, mean_nll);
}

nf_status nf_flow_nll_grad_weighted_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, const double *weights, double *mean_nll)
{
    return gradient_call_f64("nf_flow_nll_grad_weighted_f64", flow, n, x, cond, weights, mean_nll);
}

/* Score of a block: weight 1 makes the backward pass yield dlog p/dx itself. */
static nf_status gradient_score_rows(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    const nf_flow *flow = job->flow;
    const int64_t bytes = flow->dim * flow->size;
    const nfi_grad none = { 0 };
    const double nan = (double)__builtin_nanf("");
    nf_status status;

    nfi_chain_load(job, w, row, n, w->state[0]);
    if ((status = nfi_chain_forward(flow, w, row, n, 1, 0))) return status;
    if ((status = nfi_chain_base(flow, w, row, n))) return status;
    for (int64_t i = 0; i < n; i++) {
        w->weight[i] = 1.0;
        if (job->value) nfi_put_f64(job->value, row + i, w->bad[i] ? nan : nfi_rows_value(w->log_det[i]));
        if (w->log_det[i] - w->log_det[i] != 0.0) w->bad[i] = 1;
    }
    if ((status = nfi_grad_base(flow, w, row, n, &none))) return status;
    if ((status = nfi_chain_backward(flow, w, row, n, &none, 0))) return status;
    nfi_rows_mark(flow->dtype, n, flow->dim, w->z, w->bad);
    memcpy(job->out + row * bytes, w->z, (size_t)(n * bytes));
    nfi_rows_spoil(flow->dtype, n, flow->dim, job->out + row * bytes, w->bad);
    return NF_OK;
}

static nf_status gradient_score_block(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nfi_workspace *train = nfi_workspace_take(job->flow, n, 1);
    nf_status status = train ? NF_OK : NF_ERR_MEMORY;

    for (int64_t i = 0; i < n && !status; i += train->rows) {
        const int64_t m = nfi_min(train->rows, n - i);
        status = gradient_score_rows(job, train, row + i, m);
        memcpy(w->bad + i, train->bad, (size_t)m);
    }
    nfi_workspace_put(job->flow, train);
    return status;
}

static nf_status gradient_score(const nfi_call *c)
{
    nf_status status = nfi_call_check(c);
    nfi_job job = { .function = c->function, .flow = c->flow, .n = c->n, .in = c->in, .cond = c->cond, .out = c->out, .value = c->value, .run = gradient_score_block };

    if (status || c->n == 0) return status;
    if ((status = nfi_flow_need_backward(c->flow))) return nfi_fail_in(status, "%s", c->function);
    return nfi_job_run(&job);
}

nf_status nf_flow_score(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob, float *grad_x)
{
    return gradient_score(&(nfi_call){ "nf_flow_score", flow, NF_F32, n, "x", x, cond, "grad_x", grad_x, 1, "log_prob", log_prob, NFI_VALUE_OPTIONAL });
}

nf_status nf_flow_score_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob, double *grad_x)
{
    return gradient_score(&(nfi_call){ "nf_flow_score_f64", flow, NF_F64, n, "x", x, cond, "grad_x", grad_x, 1, "log_prob", log_prob, NFI_VALUE_OPTIONAL });
}

/* One workspace of each kind a call of n rows takes, per worker: taken all at once, then put back. */
static nf_status gradient_reserve_workspaces(const nf_flow *flow, int64_t n, int32_t gradient)
{
    nfi_workspace *taken[NFI_WORKSPACES] = { NULL };
    const int64_t workers = nfi_min(nfi_context_worker_count(flow->object.context), NFI_WORKSPACES / 2);
    nf_status status = NF_OK;
    int64_t k = 0;

    for (int64_t i = 0; i < workers && !status && n; i++) {
        for (int32_t train = 0; train <= (gradient ? 1 : 0) && !status; train++) {
            taken[k] = nfi_workspace_take(flow, nfi_min(n, train ? NFI_BLOCK_ROWS : flow->block_most), train);
            if (!taken[k++]) status = NF_ERR_MEMORY;
        }
    }
    while (k > 0) nfi_workspace_put(flow, taken[--k]);
    return status;
}

nf_status nf_flow_reserve(const nf_flow *flow, int64_t n, int32_t gradient)
{
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_reserve: flow");

    if (status) return status;
    if (n < 0) return nfi_fail(NF_ERR_SHAPE, "nf_flow_reserve: n is %lld, must be at least 0", (long long)n);
    if (gradient) { /* the slots are the flow's, and of no const call */
        nf_flow *owner = (nf_flow *)(uintptr_t)flow;
        if ((status = nfi_flow_begin(owner, "nf_flow_reserve"))) return status;
        const nfi_grad_plan plan = gradient_plan_for(flow, n);
        status = nfi_flow_need_grad(owner);
        if (!status) status = gradient_reserve_slots(owner, gradient_buffers(&plan));
        nfi_flow_end(owner);
        if (status) return status;
    }
    return gradient_reserve_workspaces(flow, n, gradient);
}

nfi_grad_sizes nfi_flow_grad_sizes(const nf_flow *flow, int64_t n)
{
    const nfi_grad_plan plan = gradient_plan_for(flow, n);
    nfi_grad_sizes sizes = { .buffers = gradient_buffers(&plan) };

    sizes.rows = nfi_train_block_rows(flow, plan.slot_rows * nfi_max(plan.group, 1), &sizes.recompute);
    sizes.workers = plan.group > 0 ? 1 : nfi_min(nfi_context_worker_count(flow->object.context), plan.n_slots);
    return sizes;
}

nf_status nfi_flow_reserve_grad(nf_flow *flow, int64_t n)
{
    const nfi_grad_plan plan = gradient_plan_for(flow, n);
    nf_status status = nfi_flow_need_grad(flow);

    if (!status) status = gradient_reserve_slots(flow, gradient_buffers(&plan));
    return status ? status : gradient_reserve_workspaces(flow, plan.slot_rows * nfi_max(plan.group, 1), 1);
}
