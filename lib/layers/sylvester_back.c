/* SPDX-License-Identifier: MIT
 *
 * sylvester_back.c - gradients of Sylvester layers: of rows and parameters, and the way of the inverse back
 *
 * The layer, its letters and the check value are in sylvester.c; reflections go back by themselves (reflect.c).
 * Ref: van den Berg, Hasenclever, Tomczak, Welling, "Sylvester Normalizing Flows for Variational Inference", arXiv:1803.05649.
 */
#include "layers/sylvester.h"

#include <string.h>

#include "math/lanes.h"

/* w->u = dL/da from dL/dt in w->u; sums of dL/db and of what log|det| gives to dL/dm */
static void sylvester_back_units(const sylvester_work *w, const double *h)
{
    for (int64_t i = 0; i < w->n; i++)
        for (int64_t j = 0; j < w->sy->rank; j++) {
            double *u = w->u + i * w->narrow + j;
            const double t = w->t[i * w->narrow + j], q = 1.0 - t * t, more = h[i] * q / nfi_fold_slope(&w->b.fold[j], t);
            *u = *u * q - 2.0 * more * w->b.fold[j].m * t;
            w->db[j] += *u;
            w->dm[j] += more;
        }
}

/* Q has dL/dQ = X^T dY + G^T D, rows of its transpose are reflected unit vectors, and reflections go back by themselves. */
static void sylvester_gradient_q(const sylvester_work *w, const void *theta, real *grad)
{
    const int64_t dim = w->sy->dim, m = w->sy->rank;
    const nfi_reflections h = sylvester_reflections(w->sy, &w->b, theta);

    memset(w->dq, 0, (size_t)(dim * m) * sizeof *w->dq);
    w->f64->gemm_tn(w->n, dim, m, w->x, w->wide, w->a, w->narrow, w->dq, NULL);
    w->f64->gemm_tn(w->n, dim, m, w->g, w->wide, w->d, w->narrow, w->dq, NULL);
    memcpy(w->q, w->b.q, (size_t)(dim * m) * sizeof *w->q);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < dim; j++) w->gq[i * dim + j] = w->dq[j * m + i];
    nfi_reflect_back(&h, true, m, w->q, w->gq, w->sum, grad);
}

/* dL/dR = E^T T and dL/dS = dA^T Y above their diagonals; on them, R_ii = m_i / S_ii:
 *   dL/dm_i += dL/dR_ii / S_ii,   dL/dS_ii -= dL/dR_ii R_ii / S_ii */
static void sylvester_gradient_triangles(const sylvester_work *w, real *grad)
{
    const int64_t m = w->sy->rank;
    const sylvester_block *b = &w->b;
    real *a = grad + m * m, *shift = a + m;

    memset(w->ds, 0, (size_t)(m * m) * sizeof *w->ds);
    memset(w->dr, 0, (size_t)(m * m) * sizeof *w->dr);
    w->f64->gemm_tn(w->n, m, m, w->u, w->narrow, w->y, w->narrow, w->ds, NULL);
    w->f64->gemm_tn(w->n, m, m, w->e, w->narrow, w->t, w->narrow, w->dr, NULL);
    for (int64_t i = 0; i < m; i++) {
        const double both = w->dr[i * m + i] / b->s_diagonal[i];
        for (int64_t j = i + 1; j < m; j++) {
            grad[i * m + j] += (real)w->dr[i * m + j];
            grad[j * m + i] += (real)w->ds[i * m + j];
        }
        grad[i * m + i] += (real)((w->dm[i] + both) * b->fold[i].slope);
        a[i] += (real)((w->ds[i * m + i] - both * b->r_diagonal[i]) * b->s_slope[i]);
        shift[i] += (real)w->db[i];
    }
}

/* With q = 1 - t^2, D = 1 + m q, g = dL/dz and h = dL/dlog_det of a row:
 *   e = Q^T g,   dL/dt = R^T e,   dL/da = q dL/dt - 2 h m t q / D,   dL/dy = S^T dL/da,   dL/dx = g + Q dL/dy,   dL/dm += h q / D */
nf_status NFI_NAME(nfi_sylvester_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                           const double *g_log_det)
{
    const struct sylvester *sy = self;
    const sylvester_work w = sylvester_open(sy, tile);
    real *grad = tile->grad;

    (void)out, (void)saved;
    memset(w.dm, 0, (size_t)sy->rank * sizeof *w.dm);
    memset(w.db, 0, (size_t)sy->rank * sizeof *w.db);
    sylvester_values(&w, in);
    sylvester_load(&w, g, w.g);
    sylvester_into(&w, w.g, w.e);
    sylvester_square(&w, w.b.r_back, w.e, w.u);
    sylvester_back_units(&w, g_log_det);
    sylvester_square(&w, w.b.s_back, w.u, w.a); /* dL/dy */
    sylvester_out(&w, w.a, w.step);
    sylvester_store(&w, w.g, 1.0, g);
    if (!grad) return NF_OK;
    sylvester_square(&w, w.b.r_panels, w.t, w.d);
    sylvester_gradient_q(&w, tile->theta, grad);
    sylvester_gradient_triangles(&w, grad + sy->k * sy->dim);
    return NF_OK;
}

/* One row: u [M] of e [M]; f and s [M] are working memory. */
static void sylvester_solve_turned(const sylvester_work *w, const double *t, const double *e, double *f, double *s, double *u)
{
    const sylvester_block *b = &w->b;

    for (int64_t i = 0; i < w->sy->rank; i++) {
        const double q = 1.0 - t[i] * t[i];
        const double by_r = nfi_dot_wide(i, b->r + i * w->sy->rank, f), by_s = nfi_dot_wide(i, b->s + i * w->sy->rank, s);
        f[i] = (e[i] - by_s - b->s_diagonal[i] * q * by_r) / nfi_fold_slope(&b->fold[i], t[i]);
        s[i] = q * (b->r_diagonal[i] * f[i] + by_r);
        u[i] = -(by_s + b->s_diagonal[i] * s[i]);
    }
}

/* J = I + Q B Q^T, B = R diag(q) S, so that J^T w = v has w = v + Q (f - e) with e = Q^T v and (I + B^T) f = e, a lower triangle. By rows, with
 * s = diag(q) R^T f:   f_i + sum_{k <= i} S_ki s_k = e_i,   s_i = q_i (R_ii f_i + sum_{j < i} R_ji f_j),   f - e = -S^T s */
nf_status NFI_NAME(nfi_sylvester_inverse_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const sylvester_work w = sylvester_open(self, tile);

    (void)out, (void)saved;
    sylvester_values(&w, in);
    sylvester_load(&w, g, w.g);
    sylvester_into(&w, w.g, w.e);
    for (int64_t i = 0, at = 0; i < tile->n; i++, at += w.narrow)
        sylvester_solve_turned(&w, w.t + at, w.e + at, w.a + at, w.d + at, w.u + at);
    sylvester_out(&w, w.u, w.step);
    sylvester_store(&w, w.g, 1.0, g);
    return NF_OK;
}
