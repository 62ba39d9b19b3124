/* SPDX-License-Identifier: MIT
 *
 * chain.c - running a block of rows through the layers
 *
 *   x = h_0,  h_l = f_l(h_{l-1}),  z = (h_L, columns factored out on the way),  log_det = sum_l log|det df_l|
 *
 * Layers outside, tiles inside: a layer's weights stay in cache while its tiles pass. A layer with dim_out < dim leaves
 * columns [dim_out, dim) where they will stay in z.
 */
#include "core/status.h"
#include "flow/dense.h"
#include "flow/job.h"
#include "flow/rows.h"
#include "flow/sums.h"
#include <string.h>

nf_tile nfi_chain_tile(const nf_flow *flow, const nfi_place *place, const nfi_workspace *w, int64_t row, int64_t i, int64_t n)
{
    const int64_t theta = place ? place->theta : flow->base_theta;
    const char *backward = atomic_load_explicit(&((nf_flow *)(uintptr_t)flow)->packed_backward, memory_order_acquire);
    return (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = flow->dtype, .n = n, .row = row + i,
                      .theta = (const char *)flow->theta + theta * flow->size,
                      .packed = (const char *)flow->packed + (place ? place->packed : flow->base_packed),
                      .packed_backward = backward ? backward + (place ? place->packed_backward : flow->base_packed_backward) : NULL,
                      .cond = flow->cond_dim ? w->cond + i * flow->condition.width * flow->size : NULL, .cond_dim = flow->condition.width,
                      .scratch = w->scratch, .log_det = w->log_det + i, .row_key = w->key + i, .seed = flow->seed,
                      .stream = place ? place->stream : 0, .precise = flow->precise, .failures = (nfi_workspace *)(uintptr_t)w, .kernels = flow->kernels };
}

void nf_fail_row(const nf_tile *tile, int64_t i, nf_status status, const char *line)
{
    nfi_workspace *w = tile ? tile->failures : NULL;
    if (!w || i < 0 || i >= tile->n) return;
    nfi_row_failure *f = &w->failure;
    const int64_t row = tile->row + i;

    w->bad[tile->row_key - w->key + i] = 1; /* the tile's place in the block */
    if (f->row >= 0 && f->row <= row) return;
    *f = (nfi_row_failure){ .row = row, .status = status };
    strncpy(f->line, line ? line : "", sizeof f->line - 1);
}

void nfi_count_solve(const nf_tile *tile, int64_t i, bool failed, int64_t accepted, int64_t rejected, int64_t evaluations)
{
    nfi_workspace *w = tile->failures;
    if (!w || w->bad[tile->row_key - w->key + i]) return;
    nfi_solve_sums_add(&w->solves, &(nfi_solve_sums){ 1, failed, accepted, rejected, evaluations, accepted, rejected, evaluations });
}

bool nfi_row_is_bad(const nf_tile *tile, int64_t i)
{
    const nfi_workspace *w = tile->failures;
    return w && w->bad[tile->row_key - w->key + i];
}

double *nfi_trace_error(const nf_tile *tile)
{
    const nfi_workspace *w = tile->failures;
    return w && w->trace_error ? w->trace_error + (tile->row_key - w->key) : NULL;
}

void nfi_solve_sums_add(nfi_solve_sums *sums, const nfi_solve_sums *more)
{
    sums->solves += more->solves;
    sums->failed += more->failed;
    sums->accepted += more->accepted;
    sums->rejected += more->rejected;
    sums->evaluations += more->evaluations;
    sums->accepted_max = nfi_max(sums->accepted_max, more->accepted_max);
    sums->rejected_max = nfi_max(sums->rejected_max, more->rejected_max);
    sums->evaluations_max = nfi_max(sums->evaluations_max, more->evaluations_max);
}

/* A layer may answer NF_OK or a failure; anything else is a broken layer. The line gets the layer's place. */
static nf_status chain_status(const nf_flow *flow, const nfi_place *p, nf_status status)
{
    if (status == NF_OK) return NF_OK;
    if (status > 0) status = nfi_fail(NF_ERR_CALLBACK, "the layer returned %d, which is not a failure", (int)status);
    return nfi_fail_in(status, "layer %lld (%s)", (long long)(p - flow->places), p->layer->type->name);
}

void nfi_chain_load(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n, char *state)
{
    const nf_flow *flow = job->flow;
    const int64_t bytes = flow->dim * flow->size, bytes_cond = flow->cond_dim * flow->size;

    w->failure.row = -1;
    w->solves = (nfi_solve_sums){ 0 };
    memset(w->bad, 0, (size_t)n);
    memset(w->log_det, 0, (size_t)n * sizeof *w->log_det);
    if (flow->cond_dim) nfi_rows_load(flow->dtype, n, flow->cond_dim, job->cond + row * bytes_cond, w->raw, w->bad);
    nfi_condition_apply(flow, w, n);
    if (!job->in) return;
    nfi_rows_load(flow->dtype, n, flow->dim, job->in + row * bytes, state, w->bad);
    nfi_rows_hash(n, bytes, state, bytes_cond, w->raw, w->key);
}

/* Splits h [n][dim] into z's columns [dim_out, dim) and dense rows [n][dim_out]. */
static void chain_factor_out(const nf_flow *flow, const nfi_place *p, int64_t n, const char *h, char *z, char *rest)
{
    const int64_t size = flow->size, keep = p->info.dim_out * size, all = p->info.dim * size, ld = flow->dim * size;

    nfi_rows_copy(n, all - keep, h + keep, all, z + keep, ld);
    nfi_rows_copy(n, keep, h, all, rest, keep);
}

/* The converse: dense rows [n][dim] from rest and z. */
static void chain_put_back(const nf_flow *flow, const nfi_place *p, int64_t n, const char *rest, const char *z, char *h)
{
    const int64_t size = flow->size, keep = p->info.dim_out * size, all = p->info.dim * size, ld = flow->dim * size;

    nfi_rows_copy(n, keep, rest, keep, h, all);
    nfi_rows_copy(n, all - keep, z + keep, ld, h + keep, all);
}

static int64_t chain_last_dim(const nf_flow *flow) { return flow->n_places ? flow->places[flow->n_places - 1].info.dim_out : flow->dim; }

/* h_l of one layer, tile by tile. saved NULL: nothing is kept. */
static nf_status chain_forward_place(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t row, int64_t n,
                                     const char *in, char *out, char *saved, uint64_t epoch, int32_t training)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    const int64_t bytes = p->info.dim * flow->size;
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, p->info.tile_rows);
        nf_tile tile = nfi_chain_tile(flow, p, w, row, i, m);
        tile.epoch = epoch;
        tile.training = training;
        status = ops->forward(p->layer->self, &tile, in + i * bytes, out + i * bytes, saved ? saved + i * p->info.saved_row : NULL);
    }
    return chain_status(flow, p, status);
}

/* Evaluation: ping-pong between the two state buffers, starting in state[0] and ending in state[*end]. */
static nf_status chain_forward_places(const nf_flow *flow, int64_t n_places, nfi_workspace *w, int64_t row, int64_t n, uint64_t epoch, int *end)
{
    int at = 0;

    for (int64_t l = 0; l < n_places; l++) {
        const nfi_place *p = &flow->places[l];
        const nf_status status = chain_forward_place(flow, p, w, row, n, w->state[at], w->state[!at], NULL, epoch, 0);
        if (status) return status;
        if (p->info.dim_out < p->info.dim)
            chain_factor_out(flow, p, n, w->state[!at], w->z, w->state[at]);
        else
            at = !at;
    }
    *end = at;
    return NF_OK;
}

static nf_status chain_forward_plain(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, uint64_t epoch)
{
    int at;
    const nf_status status = chain_forward_places(flow, flow->n_places, w, row, n, epoch, &at);

    if (status) return status;
    nfi_rows_copy(n, chain_last_dim(flow) * flow->size, w->state[at], chain_last_dim(flow) * flow->size, w->z, flow->dim * flow->size);
    return NF_OK;
}

nf_status nfi_chain_lead(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, uint64_t epoch, const char **in)
{
    int at = 0;
    const nf_status status = chain_forward_places(flow, flow->n_places - 1, w, row, n, epoch, &at);

    *in = w->state[at];
    return status;
}

/* Training: every layer's rows stay where create_place_rows put them. */
static nf_status chain_forward_keep(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, uint64_t epoch)
{
    const char *last = w->state[0];

    for (int64_t l = 0; l < flow->n_places; l++) {
        const nfi_place *p = &flow->places[l];
        char *in = w->acts + w->rows * p->in, *out = w->acts + w->rows * p->out;
        char *saved = w->recompute ? NULL : w->saved + w->rows * p->saved;
        if (l == 0) memcpy(in, w->state[0], (size_t)(n * flow->dim * flow->size));
        const nf_status status = chain_forward_place(flow, p, w, row, n, in, out, saved, epoch, 1);
        if (status) return status;
        last = out;
        if (p->info.dim_out == p->info.dim) continue;
        char *rest = l + 1 < flow->n_places ? w->acts + w->rows * p[1].in : w->state[1];
        chain_factor_out(flow, p, n, out, w->z, rest);
        last = rest;
    }
    nfi_rows_copy(n, chain_last_dim(flow) * flow->size, last, chain_last_dim(flow) * flow->size, w->z, flow->dim * flow->size);
    return NF_OK;
}

nf_status nfi_chain_forward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, int32_t keep, uint64_t epoch)
{
    return keep ? chain_forward_keep(flow, w, row, n, epoch) : chain_forward_plain(flow, w, row, n, epoch);
}

static nf_status chain_inverse_place(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t row, int64_t n,
                                     const char *out, char *in)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    const int64_t bytes = p->info.dim * flow->size;
    nf_status status = NF_OK;

    if (!ops->inverse) status = nfi_fail(NF_ERR_NOT_INVERTIBLE, "the layer has no inverse");
    for (int64_t i = 0; i < n && !status; i += p->info.tile_rows) {
        nf_tile tile = nfi_chain_tile(flow, p, w, row, i, nfi_min(p->info.tile_rows, n - i));
        status = ops->inverse(p->layer->self, &tile, out + i * bytes, in + i * bytes);
    }
    return chain_status(flow, p, status);
}

nf_status nfi_chain_inverse(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n)
{
    const int64_t last = chain_last_dim(flow) * flow->size;
    int at = 0;

    nfi_rows_copy(n, last, w->z, flow->dim * flow->size, w->state[0], last);
    for (int64_t l = flow->n_places - 1; l >= 0; l--) {
        const nfi_place *p = &flow->places[l];
        if (p->info.dim_out < p->info.dim) {
            chain_put_back(flow, p, n, w->state[at], w->z, w->state[!at]);
            at = !at;
        }
        const nf_status status = chain_inverse_place(flow, p, w, row, n, w->state[at], w->state[!at]);
        if (status) return status;
        at = !at;
    }
    if (at) memcpy(w->state[0], w->state[1], (size_t)(n * flow->dim * flow->size));
    return NF_OK;
}

/* The first segment of the first slots adds to the block itself. */
static bool chain_adds_directly(const nfi_workspace *w, const nfi_grad *grad, int64_t i) { return !grad->later && i < w->segment; }

void *nfi_grad_open(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad, int64_t theta, int64_t count, int64_t i)
{
    if (!grad->block) return NULL;
    const bool direct = chain_adds_directly(w, grad, i);
    char *slice = direct ? grad->block + theta * flow->size : grad->extra;

    if (i % w->segment == 0 && (!direct || grad->fresh)) memset(slice, 0, (size_t)(count * flow->size));
    return slice;
}

void nfi_grad_close(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad, int64_t theta, int64_t count, int64_t end, int64_t n)
{
    const bool last = end == n || end % w->segment == 0;

    if (!grad->block || !last || chain_adds_directly(w, grad, end - 1)) return;
    nfi_add_scaled(flow->dtype, count, 1.0, grad->extra, grad->block + theta * flow->size);
}

/* What the forward pass kept of the tile at row i. */
struct chain_kept {
    char *in, *out, *saved;
};

static nf_status chain_keep(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, nf_tile *tile, int64_t i, struct chain_kept *kept)
{
    const int64_t bytes = p->info.dim * flow->size;
    nf_status status = NF_OK;

    *kept = (struct chain_kept){ .in = w->acts + w->rows * p->in + i * bytes, .out = w->acts + w->rows * p->out + i * bytes,
                                 .saved = w->recompute ? w->saved : w->saved + w->rows * p->saved + i * p->info.saved_row };
    if (w->recompute) { /* forward fills `saved` for one tile again, its log_det thrown away */
        tile->log_det = w->spare + i;
        status = nfi_layer_ops(p->layer, flow->dtype)->forward(p->layer->self, tile, kept->in, kept->out, kept->saved);
        tile->log_det = w->log_det + i;
    }
    return status;
}

static nf_status chain_backward_tile(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, nf_tile *tile, int64_t i, char *g)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    struct chain_kept kept;
    const nf_status status = chain_keep(flow, p, w, tile, i, &kept);

    if (status) return status;
    return ops->backward(p->layer->self, tile, kept.in, kept.out, kept.saved, g + i * p->info.dim * flow->size, w->weight + i);
}

/* dL/dout in g becomes dL/din. */
static nf_status chain_backward_place(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t row, int64_t n,
                                      char *g, const nfi_grad *grad, uint64_t epoch)
{
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, p->info.tile_rows);
        nf_tile tile = nfi_chain_tile(flow, p, w, row, i, m);
        tile.epoch = epoch;
        tile.training = 1;
        tile.likelihood = grad->likelihood;
        tile.grad = nfi_grad_open(flow, w, grad, p->theta, p->layer->param_count, i);
        tile.grad_cond = nfi_condition_grad(flow, w, grad, i);
        status = chain_backward_tile(flow, p, w, &tile, i, g);
        if (!status) nfi_grad_close(flow, w, grad, p->theta, p->layer->param_count, i + m, n);
    }
    return chain_status(flow, p, status);
}

nf_status nfi_chain_backward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad, uint64_t epoch)
{
    const int64_t last = chain_last_dim(flow) * flow->size;
    int at = 0;

    nfi_rows_copy(n, last, w->z, flow->dim * flow->size, w->state[0], last);
    for (int64_t l = flow->n_places - 1; l >= 0; l--) {
        const nfi_place *p = &flow->places[l];
        if (p->info.dim_out < p->info.dim) {
            chain_put_back(flow, p, n, w->state[at], w->z, w->state[!at]);
            at = !at;
        }
        const nf_status status = chain_backward_place(flow, p, w, row, n, w->state[at], grad, epoch);
        if (status) return status;
    }
    nfi_condition_backward(flow, w, n, grad);
    memcpy(w->z, w->state[at], (size_t)(n * flow->dim * flow->size));
    return NF_OK;
}

static nf_status chain_inverse_backward_place(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t row, int64_t n, char *g,
                                              void *dense, uint64_t epoch)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    struct chain_kept kept;
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, p->info.tile_rows);
        nf_tile tile = nfi_chain_tile(flow, p, w, row, i, m);
        tile.epoch = epoch;
        tile.training = 1;
        char *to = g + i * p->info.dim * flow->size;
        if ((status = chain_keep(flow, p, w, &tile, i, &kept))) break;
        status = ops->inverse_backward ? ops->inverse_backward(p->layer->self, &tile, kept.in, kept.out, kept.saved, to)
                                       : nfi_dense_inverse_backward(p, &tile, kept.in, kept.out, kept.saved, to, dense);
    }
    return chain_status(flow, p, status);
}

/* Columns that leave are final: their gradients wait in w->z, while those of the others go on. */
nf_status nfi_chain_inverse_backward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, void *dense, uint64_t epoch)
{
    const int64_t last = chain_last_dim(flow) * flow->size;
    nf_status status = NF_OK;
    int at = 0;

    memcpy(w->state[at], w->z, (size_t)(n * flow->dim * flow->size));
    for (int64_t l = 0; l < flow->n_places && !status; l++) {
        const nfi_place *p = &flow->places[l];
        status = chain_inverse_backward_place(flow, p, w, row, n, w->state[at], dense, epoch);
        if (p->info.dim_out == p->info.dim) continue;
        chain_factor_out(flow, p, n, w->state[at], w->z, w->state[!at]);
        at = !at;
    }
    nfi_rows_copy(n, last, w->state[at], last, w->z, flow->dim * flow->size);
    return status;
}

void nfi_chain_kept_z(const nf_flow *flow, const nfi_workspace *w, int64_t n, const char *x, char *to)
{
    const int64_t last = chain_last_dim(flow) * flow->size, ld = flow->dim * flow->size;

    if (!flow->n_places) memcpy(to, x, (size_t)(n * ld));
    for (int64_t l = 0; l < flow->n_places; l++) {
        const nfi_place *p = &flow->places[l];
        const int64_t keep = p->info.dim_out * flow->size, all = p->info.dim * flow->size;
        const char *out = w->acts + w->rows * p->out;
        nfi_rows_copy(n, all - keep, out + keep, all, to + keep, ld);
        if (l + 1 == flow->n_places) nfi_rows_copy(n, last, out, all, to, ld);
    }
}

nf_status nfi_chain_base(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n)
{
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, flow->tile_base);
        const nf_tile tile = nfi_chain_tile(flow, NULL, w, row, i, m);
        status = ops->log_prob(flow->base->self, &tile, w->z + i * flow->dim * flow->size);
    }
    return status;
}

nf_status nfi_chain_match(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const char *in, const char *out, const nfi_grad *grad,
                          uint64_t epoch)
{
    const nfi_place *p = &flow->places[flow->n_places - 1];
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    const int64_t bytes = p->info.dim * flow->size;
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_tile_size(w, i, n, p->info.tile_rows);
        nf_tile tile = nfi_chain_tile(flow, p, w, row, i, m);
        tile.epoch = epoch;
        tile.training = 1;
        tile.grad = nfi_grad_open(flow, w, grad, p->theta, p->layer->param_count, i);
        tile.grad_cond = nfi_condition_grad(flow, w, grad, i);
        status = ops->match(p->layer->self, &tile, in + i * bytes, out + i * bytes, w->weight + i, w->spare + i);
        if (!status) nfi_grad_close(flow, w, grad, p->theta, p->layer->param_count, i + m, n);
    }
    if (!status) nfi_condition_backward(flow, w, n, grad);
    return chain_status(flow, p, status);
}
