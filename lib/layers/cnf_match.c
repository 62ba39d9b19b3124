/* SPDX-License-Identifier: MIT
 *
 * cnf_match.c - flow matching of a continuous layer: f is fitted to the straight ways from x to z, without solving
 *
 *   s uniform on (0, 1),  y = (1 - s) x + s z,  t = s T;      loss = |T f(y, t, c) - (z - x)|^2 / dim
 *
 * x and z are a row and a draw of the base, joined by the caller. The way y from x at t = 0 to z at t = T has the velocity
 * dy/dt = (z - x) / T, and the mean of such velocities at (y, t) moves the density of x into that of z: the f that is fitted.
 * |f - (z - x) / T|^2 is weighed by T^2, so that the loss is that of the field T f in the time s, whatever T is; and by 1 / dim, so that
 * it is near the mean variance of z - x, given y and s, when f is as good as it gets. T is held constant: how fast the way is
 * gone does not change where it leads.
 *
 * s of row i in epoch e is the fractional part of u + e (sqrt(5) - 1) / 2, u uniform from the row's key: so its times over the epochs
 * are spread evenly, which is less noise than independent ones, and one epoch's are uniform over the rows.
 *
 * Check value: dim=1, no hidden layer, ignore, W = 0.7, b = -0.3, T = 0.5, x = z = 1.3: T f = 0.305, loss = 0.093025 at any s
 * Refs: Lipman et al., "Flow matching for generative modeling", arXiv:2210.02747; Liu et al., "Flow straight and fast",
 * arXiv:2209.03003.
 */
#include "layers/cnf.h"

#include <string.h>

#include "core/rng.h"

#define CNF_MATCH_TURN 0x9e3779b97f4a7c15u /* (sqrt(5) - 1) / 2, as a fraction of 2^64 */

struct cnf_match {
    nfi_cnf_work w;
    double *y, *t;  /* [n][dim], [n] */
    int64_t *row;   /* [n]: 0, 1, ... */
    real *g_out;    /* [n][ld_out] */
    void *g_in;     /* [n][ld_in]: for cond's gradient alone */
    void *saved;    /* of the network, for its reverse */
    double end_time;
};

static int64_t cnf_match_carve(const nfi_cnf *cf, const nfi_kernels *k, int64_t n, char *base, struct cnf_match *m)
{
    const int64_t d = (int64_t)sizeof(double);
    int64_t at = 0;

    m->y = nfi_carve(base, &at, n * cf->dim * d);
    m->t = nfi_carve(base, &at, n * d);
    m->row = nfi_carve(base, &at, n * (int64_t)sizeof *m->row);
    m->w.in = nfi_carve(base, &at, n * nfi_dynamics_ld_in(&cf->net) * k->size);
    m->w.out = nfi_carve(base, &at, n * nfi_dynamics_ld_out(&cf->net) * k->size);
    m->w.net = nfi_carve(base, &at, nfi_dynamics_scratch_bytes(&cf->net, k, n, 0));
    m->g_out = nfi_carve(base, &at, n * nfi_dynamics_ld_out(&cf->net) * k->size);
    m->g_in = nfi_carve(base, &at, n * nfi_dynamics_ld_in(&cf->net) * k->size);
    m->saved = nfi_carve(base, &at, nfi_dynamics_saved_bytes(&cf->net, k, n, 0));
    return at;
}

static double cnf_match_time(const nf_tile *tile, int64_t i)
{
    const uint64_t seed = nfi_row_seed(tile->seed, tile->row_key[i]);
    const uint64_t turns = nfi_random_u64(seed, tile->stream + NFI_STREAM_MATCH, 0) + tile->epoch * CNF_MATCH_TURN;
    return ((double)(turns >> 11) + 0.5) * 0x1p-53;
}

/* Where each row is on its way. */
static void cnf_match_place(struct cnf_match *m, const real *x, const real *z)
{
    const nf_tile *tile = m->w.tile;
    const int64_t dim = m->w.cf->dim;

    for (int64_t i = 0; i < tile->n; i++) {
        const double s = cnf_match_time(tile, i);
        for (int64_t j = i * dim; j < (i + 1) * dim; j++) m->y[j] = (1.0 - s) * (double)x[j] + s * (double)z[j];
        m->t[i] = s * m->end_time;
        m->row[i] = i;
    }
}

/* Losses, and g_out = h dloss/df,  dloss/df_j = 2 T (T f_j - (z_j - x_j)) / dim */
static void cnf_match_losses(struct cnf_match *m, const real *x, const real *z, const double *h, double *loss)
{
    const int64_t dim = m->w.cf->dim, ld = nfi_dynamics_ld_out(&m->w.cf->net), n = m->w.tile->n;
    const double share = 1.0 / (double)dim;
    const real *f = m->w.out;
    real *g = m->g_out;

    memset(g, 0, (size_t)(n * ld) * sizeof *g);
    for (int64_t i = 0; i < n; i++, f += ld, g += ld, x += dim, z += dim) {
        double square = 0.0;
        for (int64_t j = 0; j < dim; j++) {
            const double miss = m->end_time * (double)f[j] - ((double)z[j] - (double)x[j]);
            square += miss * miss;
            g[j] = (real)(h[i] * 2.0 * m->end_time * share * miss);
        }
        loss[i] = share * square;
    }
}

nf_status NFI_NAME(nfi_cnf_match)(const void *self, const nf_tile *tile, const void *in, const void *out, const double *h, double *loss)
{
    const nfi_cnf *cf = self;
    const double root = (double)((const real *)tile->theta)[cf->net.theta_count];
    struct cnf_match m = { .w = { .cf = cf, .tile = tile }, .end_time = root * root };

    (void)cnf_match_carve(cf, tile->kernels, tile->n, tile->scratch, &m);
    cnf_match_place(&m, in, out);
    NFI_NAME(nfi_cnf_fill)(&m.w, tile->n, 0, m.row, m.y, cf->dim, m.w.in);
    nfi_dynamics_value(&cf->net, tile->kernels, tile->n, 0, tile->packed, m.t, m.w.in, m.w.out, tile->grad ? m.saved : NULL, m.w.net);
    cnf_match_losses(&m, in, out, h, loss);
    if (!tile->grad) return NF_OK;
    nfi_dynamics_reverse(&cf->net, tile->kernels, tile->n, 0, tile->packed_backward, m.t, m.w.in, m.saved, m.g_out,
                         tile->grad_cond ? m.g_in : NULL, NULL, tile->grad, m.w.net);
    NFI_NAME(nfi_cnf_add_cond)(&m.w, tile->n, m.row, m.g_in);
    return NF_OK;
}

#if NFI_ONCE
int64_t nfi_cnf_match_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n)
{
    return cnf_match_carve(cf, kernels, n, NULL, &(struct cnf_match){ 0 });
}
#endif
