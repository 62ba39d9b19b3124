/* SPDX-License-Identifier: MIT
 *
 * dense.c - the way of an inverse back, from nothing but backward
 *
 *   backward of e_k is J^T e_k: dim calls are the columns of A = J^T;   A w = v by LU with partial pivoting, row by row, in double
 *
 * Costs dim times a backward pass, and dim^3 / 3 a row: for layers with few columns, or that nobody wrote better. J is the Jacobian at
 * the row's input.
 */
#include "flow/dense.h"
#include "core/memory.h"
#include "math/linalg.h"
#include <string.h>

struct dense {
    double *jacobian; /* [n][dim][dim]: A of each row */
    double *zeros;    /* [n]: dL/dlog_det */
    double *v;        /* [dim] */
    int64_t *pivots;  /* [dim] */
    char *g;          /* [n][dim] of the flow's dtype */
};

static int64_t dense_carve(int64_t n, int64_t dim, void *base, struct dense *d)
{
    int64_t at = 0;

    d->jacobian = nfi_carve(base, &at, n * dim * dim * 8);
    d->zeros = nfi_carve(base, &at, n * 8);
    d->v = nfi_carve(base, &at, dim * 8);
    d->pivots = nfi_carve(base, &at, dim * 8);
    d->g = nfi_carve(base, &at, n * dim * 8);
    return at;
}

int64_t nfi_dense_bytes(const nf_flow *flow)
{
    int64_t most = 0;
    struct dense d;

    for (int64_t l = 0; l < flow->n_places; l++) {
        const nfi_place *p = &flow->places[l];
        if (nfi_layer_ops(p->layer, flow->dtype)->inverse_backward) continue;
        most = nfi_max(most, dense_carve(p->info.tile_rows, p->info.dim, NULL, &d));
    }
    return most;
}

static double dense_get(int32_t dtype, const void *array, int64_t i)
{
    return dtype == NF_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static void dense_put(int32_t dtype, void *array, int64_t i, double value)
{
    if (dtype == NF_F32) ((float *)array)[i] = (float)value;
    else ((double *)array)[i] = value;
}

/* Column k of every row's A. */
static nf_status dense_column(const nfi_place *p, const nf_tile *tile, const void *in, const void *out, const void *saved, int64_t k,
                              const struct dense *d)
{
    const int64_t n = tile->n, dim = p->info.dim;

    for (int64_t i = 0; i < n * dim; i++) dense_put(tile->dtype, d->g, i, i % dim == k ? 1.0 : 0.0);
    const nf_status status = nfi_layer_ops(p->layer, tile->dtype)->backward(p->layer->self, tile, in, out, saved, d->g, d->zeros);
    for (int64_t i = 0; i < n * dim && !status; i++) d->jacobian[i * dim + k] = dense_get(tile->dtype, d->g, i);
    return status;
}

static void dense_solve_row(int32_t dtype, int64_t dim, double *a, const struct dense *d, int64_t first, void *g)
{
    for (int64_t j = 0; j < dim; j++) d->v[j] = dense_get(dtype, g, first + j);
    if (nfi_lu_factor(dim, a, dim, d->pivots)) nfi_lu_solve(dim, a, dim, d->pivots, d->v);
    else
        for (int64_t j = 0; j < dim; j++) d->v[j] = (double)__builtin_nanf("");
    for (int64_t j = 0; j < dim; j++) dense_put(dtype, g, first + j, d->v[j]);
}

nf_status nfi_dense_inverse_backward(const nfi_place *p, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                     void *memory)
{
    const int64_t dim = p->info.dim;
    nf_tile rows_only = *tile;
    nf_status status = NF_OK;
    struct dense d;

    (void)dense_carve(tile->n, dim, memory, &d);
    memset(d.zeros, 0, (size_t)tile->n * sizeof *d.zeros);
    rows_only.grad = rows_only.grad_cond = NULL;
    for (int64_t k = 0; k < dim && !status; k++) status = dense_column(p, &rows_only, in, out, saved, k, &d);
    for (int64_t i = 0; i < tile->n && !status; i++) dense_solve_row(tile->dtype, dim, d.jacobian + i * dim * dim, &d, i * dim, g);
    return status;
}
