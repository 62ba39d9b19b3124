/* SPDX-License-Identifier: MIT
 *
 * match.c - flow matching: rows meet draws of the base, and the last layer learns the way from one to the other
 *
 *   x_i = h_{L-1} of row i,   z_i ~ base,   joined as they come, or by the pi that minimises sum_i |x_i - z_pi(i)|^2
 *   L = scale sum_i w_i loss(x_i, z_pi(i))         (loss: the layer's `match`)
 *
 * Layers before the last are followed as in evaluation and get no gradient, and neither has the base. z of row i follows from its key
 * and the epoch, so that a batch's draws depend neither on the batch nor on the threads; which of them row i is joined with by
 * transport depends on the batch, that is what it is for. Sums have the order of gradient.c.
 *
 * |x - z|^2 = |x|^2 + |z|^2 - 2 x . z, whose squares add up to the same for every pi: the costs are -x . z.
 *
 * Refs: Tong et al., "Improving and generalizing flow-based generative models with minibatch optimal transport", arXiv:2302.00482;
 * Pooladian et al., "Multisample flow matching", arXiv:2304.14772.
 */
#include "flow/match.h"
#include "core/rng.h"
#include "core/status.h"
#include "flow/gradient.h"
#include "flow/rows.h"
#include <stdio.h>

#define MATCH_FAR 1e290 /* costs beyond are as good as equal: n of them must not overflow */

static const nfi_place *match_last(const nf_flow *flow) { return &flow->places[flow->n_places - 1]; }

/* Checks */

static bool match_can(const nf_flow *flow, int64_t l)
{
    return nfi_layer_ops(flow->places[l].layer, flow->dtype)->match != NULL;
}

static const char *match_name(const nf_flow *flow, int64_t l) { return flow->places[l].layer->type->name; }

/* The first layer that can, -1: none. */
static int64_t match_first(const nf_flow *flow)
{
    for (int64_t l = 0; l < flow->n_places; l++)
        if (match_can(flow, l)) return l;
    return -1;
}

static nf_status match_check_layers(const nf_flow *flow, const char *function)
{
    const int64_t first = match_first(flow), last = flow->n_places - 1;

    if (first < 0)
        return nfi_fail(NF_ERR_ARG, "%s: objective flow-matching needs a continuous layer at the end, and none of the flow's %lld layers is one",
                        function, (long long)flow->n_places);
    if (first < last && match_can(flow, last))
        return nfi_fail(NF_ERR_ARG, "%s: objective flow-matching trains one continuous layer, the flow has layer %lld (%s) and layer %lld (%s)", function,
                        (long long)first, match_name(flow, first), (long long)last, match_name(flow, last));
    if (first < last)
        return nfi_fail(NF_ERR_ARG, "%s: objective flow-matching needs its continuous layer at the end, layer %lld (%s) stands behind layer %lld (%s)",
                        function, (long long)last, match_name(flow, last), (long long)first, match_name(flow, first));
    if (match_last(flow)->info.dim_out < match_last(flow)->info.dim)
        return nfi_fail(NF_ERR_ARG, "%s: objective flow-matching: layer %lld (%s) factors columns out", function, (long long)last, match_name(flow, last));
    return NF_OK;
}

nf_status nfi_match_check(const nf_flow *flow, int32_t transport, int64_t rows, const char *function)
{
    const nf_status status = match_check_layers(flow, function);

    if (status || !transport) return status;
    if (flow->cond_dim)
        return nfi_fail(NF_ERR_ARG, "%s: pairing transport is for flows without conditioning columns, this one has %lld: noise would depend on them, "
                        "and densities given them be biased", function, (long long)flow->cond_dim);
    if (rows > NFI_MATCH_MOST)
        return nfi_fail(NF_ERR_ARG, "%s: batch is %lld rows, pairing transport allows %d", function, (long long)rows, NFI_MATCH_MOST);
    return NF_OK;
}

/* Memory */

static nf_status match_make_transport(nfi_match *m, nf_maker *maker, int64_t row_bytes)
{
    void *work;

    m->unpaired = nfi_maker_alloc(maker, m->rows, row_bytes);
    m->column = nfi_maker_alloc(maker, m->rows, sizeof *m->column);
    m->cost = nfi_maker_alloc(maker, m->rows, m->rows * (int64_t)sizeof *m->cost);
    work = nfi_maker_alloc(maker, nfi_assignment_bytes(m->rows), 1);
    if (!m->unpaired || !m->column || !m->cost || !work) return NF_ERR_MEMORY;
    nfi_assignment_carve(&m->assignment, m->rows, work);
    return NF_OK;
}

nf_status nfi_match_make(nfi_match *match, nf_maker *maker, const nf_flow *flow, int32_t transport, int64_t rows)
{
    const int64_t row_bytes = match_last(flow)->info.dim * flow->size;

    *match = (nfi_match){ .rows = rows, .transport = transport };
    match->x = nfi_maker_alloc(maker, rows, row_bytes);
    match->z = nfi_maker_alloc(maker, rows, row_bytes);
    match->loss = nfi_maker_alloc(maker, rows, sizeof *match->loss);
    if (!match->x || !match->z || !match->loss) return NF_ERR_MEMORY;
    return transport ? match_make_transport(match, maker, row_bytes) : NF_OK;
}

/* Both ends of the ways */

typedef struct match_job {
    nfi_job job; /* first: what blocks get */
    const nfi_batch *batch;
    nfi_match *match;
} match_job;

static void match_keys(const nfi_batch *batch, nfi_workspace *w, int64_t row, int64_t n)
{
    memcpy(w->key, batch->keys + row, (size_t)n * sizeof *w->key);
}

/* Draws of the base for n rows, in w->z: row by row, since each has a seed of its own. */
static nf_status match_draw(const nf_flow *flow, nfi_workspace *w, int64_t n, uint64_t epoch)
{
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    nf_status status = NF_OK;

    for (int64_t i = 0; i < n && !status; i++) {
        nf_tile tile = nfi_chain_tile(flow, NULL, w, 0, i, 1);
        tile.seed = nfi_row_seed(flow->seed, w->key[i]);
        tile.row = (int64_t)epoch;
        tile.training = 1;
        status = ops->sample(flow->base->self, &tile, 1.0, w->z + i * flow->dim * flow->size);
    }
    return status;
}

/* Columns that earlier layers factored out are final: the last layer's are the first ones of z. */
static nf_status match_lead_block(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    const match_job *m = (const match_job *)(const void *)job;
    const nf_flow *flow = job->flow;
    const int64_t dim = match_last(flow)->info.dim, bytes = dim * flow->size;
    const char *x;
    nf_status status;

    nfi_chain_load(job, w, row, n, w->state[0]);
    match_keys(m->batch, w, row, n);
    if ((status = nfi_chain_lead(flow, w, row, n, m->batch->epoch, &x))) return status;
    nfi_rows_mark(flow->dtype, n, dim, x, w->bad);
    memcpy(m->match->x + row * bytes, x, (size_t)(n * bytes));
    if ((status = match_draw(flow, w, n, m->batch->epoch))) return status;
    char *z = m->match->transport ? m->match->unpaired : m->match->z;
    nfi_rows_copy(n, bytes, w->z, flow->dim * flow->size, z + row * bytes, bytes);
    return NF_OK;
}

static double match_value(const nf_flow *flow, const char *rows, int64_t i)
{
    float narrow;

    if (flow->dtype == NF_F64) return nfi_get_f64(rows, i);
    memcpy(&narrow, rows + i * (int64_t)sizeof narrow, sizeof narrow);
    return (double)narrow;
}

static void match_cost_row(void *arg, int64_t i)
{
    const match_job *m = arg;
    const nf_flow *flow = m->job.flow;
    const int64_t dim = match_last(flow)->info.dim;

    for (int64_t k = 0; k < m->job.n; k++) {
        double cost = 0.0;
        for (int64_t j = 0; j < dim; j++) cost -= match_value(flow, m->match->x, i * dim + j) * match_value(flow, m->match->unpaired, k * dim + j);
        m->match->cost[i * m->job.n + k] = cost < -MATCH_FAR ? -MATCH_FAR : cost < MATCH_FAR ? cost : MATCH_FAR;
    }
}

static void match_pair(match_job *m)
{
    nfi_match *match = m->match;
    const int64_t bytes = match_last(m->job.flow)->info.dim * m->job.flow->size;

    nfi_parallel_for(m->job.flow->object.context, m->job.n, match_cost_row, m);
    nfi_assign(&match->assignment, m->job.n, match->cost, match->column);
    for (int64_t i = 0; i < m->job.n; i++) memcpy(match->z + i * bytes, match->unpaired + match->column[i] * bytes, (size_t)bytes);
}

static match_job match_begin(const nf_flow *flow, nfi_match *match, const nfi_batch *batch, const char *function)
{
    return (match_job){ .job = { .function = function, .flow = flow, .n = batch->n, .in = batch->x, .cond = batch->cond, .run = match_lead_block },
                        .batch = batch, .match = match };
}

/* match->x and match->z of the batch. NF_ROWS_NONFINITE: some rows do not get there, as *bad tells. */
static nf_status match_ends(const nf_flow *flow, nfi_match *match, const nfi_batch *batch, nfi_bad_rows *bad, const char *function)
{
    match_job m = match_begin(flow, match, batch, function);
    const nf_status status = nfi_job_run(&m.job);
    const nfi_row_failure *f = &m.job.failure;

    *bad = (nfi_bad_rows){ .count = atomic_load(&m.job.n_bad), .first = atomic_load(&m.job.first_bad) };
    if (f->row >= 0 && f->row == bad->first) (void)snprintf(bad->reason, sizeof bad->reason, ": %s: %s", nf_status_name(f->status), f->line);
    if (status == NF_OK && match->transport) match_pair(&m);
    return status;
}

/* The gradient */

typedef struct match_grad {
    nfi_grad_job g; /* first: what blocks get */
    const nfi_match *match;
} match_grad;

/* Parameters that have no gradient have slices all the same, which mean zeros. */
static void match_clear_others(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad)
{
    for (int64_t l = 0; l + 1 < flow->n_places; l++)
        (void)nfi_grad_open(flow, w, grad, flow->places[l].theta, flow->places[l].layer->param_count, 0);
    (void)nfi_grad_open(flow, w, grad, flow->base_theta, flow->base->param_count, 0);
}

static nf_status match_grad_block(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad)
{
    const match_grad *m = (const match_grad *)(const void *)g;
    const nf_flow *flow = g->flow;
    const int64_t at = row * match_last(flow)->info.dim * flow->size;

    nfi_chain_load(&g->job, w, row, n, NULL);
    match_keys(g->batch, w, row, n);
    for (int64_t i = 0; i < n; i++) w->weight[i] = g->batch->scale * nfi_grad_weight(g, row + i);
    match_clear_others(flow, w, grad);
    const nf_status status = nfi_chain_match(flow, w, row, n, m->match->x + at, m->match->z + at, grad, g->batch->epoch);
    for (int64_t i = 0; i < n && !status; i++) (void)nfi_grad_count(g, w, row, i, w->spare[i]);
    return status;
}

static nf_status match_run(nf_flow *flow, const nfi_match *match, const nfi_batch *batch, double *sum, nfi_bad_rows *bad, const char *function)
{
    match_grad m = { .g = { .job = { .function = function, .flow = flow, .n = batch->n, .cond = batch->cond }, .flow = flow, .batch = batch,
                            .block = match_grad_block }, .match = match };
    return nfi_grad_run(&m.g, sum, bad);
}

nf_status nfi_match_grad(nf_flow *flow, nfi_match *match, const nfi_batch *batch, double *sum, nfi_bad_rows *bad, const char *function)
{
    const nf_status status = match_ends(flow, match, batch, bad, function);

    if (status == NF_OK) return match_run(flow, match, batch, sum, bad, function);
    nfi_flow_clear_grad(flow);
    *sum = (double)__builtin_nanf("");
    return status < 0 ? status : NF_OK;
}

/* The losses alone */

static nf_status match_loss_block(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    const match_job *m = (const match_job *)(const void *)job;
    const int64_t at = row * match_last(job->flow)->info.dim * job->flow->size;
    const nfi_grad none = { 0 };

    nfi_chain_load(job, w, row, n, NULL);
    match_keys(m->batch, w, row, n);
    memset(w->weight, 0, (size_t)n * sizeof *w->weight);
    const nf_status status = nfi_chain_match(job->flow, w, row, n, m->match->x + at, m->match->z + at, &none, m->batch->epoch);
    for (int64_t i = 0; i < n && !status; i++) {
        if (w->spare[i] - w->spare[i] != 0.0) w->bad[i] = 1;
        job->value[row + i] = w->bad[i] ? (double)__builtin_nanf("") : w->spare[i];
    }
    return status;
}

nf_status nfi_match_losses(const nf_flow *flow, nfi_match *match, const nfi_batch *batch, const char *function)
{
    match_job m = match_begin(flow, match, batch, function);
    nfi_bad_rows bad;
    const nf_status status = match_ends(flow, match, batch, &bad, function);

    m.job.in = NULL;
    m.job.value = match->loss;
    m.job.run = match_loss_block;
    if (status == NF_OK) return nfi_job_run(&m.job);
    nfi_fill_nan(NF_F64, batch->n, match->loss);
    return status;
}
