/* SPDX-License-Identifier: MIT
 *
 * cnf_adjoint.c - gradient of a continuous layer by the adjoint equation
 *
 *   a(t) = dL/dy(t),   dy/dt = f(y, t),   da/dt = -(df/dy)^T a - g dq/dy,   from y(T) = z, a(T) = dL/dz back to 0
 *   dL/dx = a(0),   dL/dtheta = integral over [0, T] of a^T df/dtheta + g dq/dtheta dt,   dL/dT = a(T) . f + g q  at T
 *
 * where g q is what the loss has of integrals: g_log_det (trace - kinetic |f|^2 - jacobian |J e|^2), the last two for theta alone. The
 * probes are those of forward. All of it is linear in (a, g), so one product of nets/dynamics.h in reverse gives each right-hand side.
 *
 * (y, a) is integrated with the row's own error control. a is solved for in units of the row's largest of |dL/dz|, |g_log_det|, so that
 * tolerances mean the same whatever the batch divides the loss by. The integral for theta takes no part in it and has no state: it
 * is summed by the weights b_i of the method, at the stages of accepted steps, once a round has judged them; a refused step adds nothing.
 * Its stages are known by then, and one more evaluation of the network serves all rows whose step was accepted.
 *
 * Nothing of forward's solve is kept, whatever its steps; but the gradient is that of the equation, not of the numbers that forward
 * returned, and differs from theirs by the tolerance. A field that contracts strongly forward is unstable on the way back.
 *
 * Check value: dim=1, no hidden layer, ignore, W = 0.7, b = -0.3, T = 0.5, x = 1.3, L = z: dL/dx = e^0.35 = 1.4190675486,
 * dL/db = (e^0.35 - 1) / 0.7 = 0.5986679266, dL/dT = (0.7 1.3 - 0.3) e^0.35 = 0.8656312046
 * Ref: Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential equations", arXiv:1806.07366, appendices B and C.
 */
#include "layers/cnf.h"

#include <string.h>

struct cnf_adjoint {
    nfi_cnf_work w;
    int64_t aug;         /* components of the integrand */
    int64_t n;           /* rows that are solved: */
    int64_t *index;      /* [n] their numbers in the tile */
    double *unit, *pull; /* [tile rows]: what a is in units of; g_log_det in them */
    double *u;           /* [n][2 dim]: (y, a) */
    nfi_ode_end *end;    /* [n] */
    /* an evaluation */
    int64_t *row;        /* [n] in the tile */
    double *gk;          /* [n][aug] */
    real *g_out, *g_in;
    void *saved;
    /* the accepted steps of a round */
    int64_t taken;
    int64_t *taken_row;  /* [taken] in the tile */
    double *taken_t, *taken_h, *taken_y, *taken_k; /* [taken], [taken][2 dim], [stages][n][2 dim] */
    double *stage, *stage_t, *spread;
    void *ode;
    double g_time;       /* dL/dT */
};

static int64_t adjoint_carve(const nfi_cnf *cf, const nfi_kernels *k, int64_t n, int64_t m, char *base, struct cnf_adjoint *a)
{
    const int64_t ld_in = nfi_dynamics_ld_in(&cf->net), ld_out = nfi_dynamics_ld_out(&cf->net), d = (int64_t)sizeof(double);
    const int64_t wide = nfi_max(2 * cf->dim, cf->dim + 3);
    int64_t at = 0;

    a->index = nfi_carve(base, &at, n * (int64_t)sizeof *a->index);
    a->row = nfi_carve(base, &at, n * (int64_t)sizeof *a->row);
    a->taken_row = nfi_carve(base, &at, n * (int64_t)sizeof *a->taken_row);
    a->end = nfi_carve(base, &at, n * (int64_t)sizeof *a->end);
    a->unit = nfi_carve(base, &at, n * d);
    a->pull = nfi_carve(base, &at, n * d);
    a->taken_t = nfi_carve(base, &at, n * d);
    a->taken_h = nfi_carve(base, &at, n * d);
    a->stage_t = nfi_carve(base, &at, n * d);
    a->u = nfi_carve(base, &at, n * wide * d);
    a->gk = nfi_carve(base, &at, n * wide * d);
    a->stage = nfi_carve(base, &at, n * wide * d);
    a->spread = nfi_carve(base, &at, n * wide * d);
    a->taken_y = nfi_carve(base, &at, n * wide * d);
    a->taken_k = nfi_carve(base, &at, cf->ode.method->stages * n * wide * d);
    a->g_out = nfi_carve(base, &at, (n + n * m) * ld_out * k->size);
    a->g_in = nfi_carve(base, &at, n * ld_in * k->size);
    a->saved = nfi_carve(base, &at, nfi_dynamics_saved_bytes(&cf->net, k, n, m));
    a->ode = nfi_carve(base, &at, nfi_ode_scratch_bytes(2 * cf->dim));
    return at;
}

/* The right-hand side */

static void adjoint_value(struct cnf_adjoint *a, int64_t n, const int64_t *row, const double *t, const double *u)
{
    const nfi_cnf_work *w = &a->w;
    NFI_NAME(nfi_cnf_fill)(w, n, w->m, row, u, 2 * w->cf->dim, w->in);
    nfi_dynamics_value(&w->cf->net, w->tile->kernels, n, w->m, w->tile->packed, t, w->in, w->out, a->saved, w->net);
}

/* dL/d(f, trace, energies) in units of the row. */
static void adjoint_integrand(struct cnf_adjoint *a, int64_t n, const int64_t *row, const double *u)
{
    const nfi_cnf *cf = a->w.cf;
    for (int64_t i = 0; i < n; i++) {
        double *gk = a->gk + i * a->aug;
        memcpy(gk, u + (2 * i + 1) * cf->dim, (size_t)cf->dim * sizeof *gk);
        gk[cf->dim] = a->pull[row[i]];
        if (a->aug == cf->dim + 1) continue;
        gk[cf->dim + 1] = -a->pull[row[i]] * cf->kinetic;
        gk[cf->dim + 2] = -a->pull[row[i]] * cf->jacobian;
    }
}

/* What adjoint_value evaluated, in reverse from gk. g_in and grad may be NULL: not wanted. */
static void adjoint_reverse(struct cnf_adjoint *a, int64_t n, const int64_t *row, const double *t, real *g_in, void *grad)
{
    const nfi_cnf_work *w = &a->w;
    NFI_NAME(nfi_cnf_seed)(w, n, row, w->out, a->aug, a->gk, a->g_out);
    nfi_dynamics_reverse(&w->cf->net, w->tile->kernels, n, w->m, w->tile->packed_backward, t, w->in, a->saved, a->g_out, g_in, NULL, grad, w->net);
}

static void adjoint_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *u, double *du)
{
    struct cnf_adjoint *a = user;
    const int64_t dim = a->w.cf->dim, ld_in = nfi_dynamics_ld_in(&a->w.cf->net), ld_out = nfi_dynamics_ld_out(&a->w.cf->net);
    const real *f = a->w.out;

    for (int64_t i = 0; i < n; i++) a->row[i] = a->index[row[i]];
    adjoint_value(a, n, a->row, t, u);
    adjoint_integrand(a, n, a->row, u);
    adjoint_reverse(a, n, a->row, t, a->g_in, NULL);
    for (int64_t i = 0; i < n; i++, du += 2 * dim) {
        for (int64_t j = 0; j < dim; j++) du[j] = (double)f[i * ld_out + j];
        for (int64_t j = 0; j < dim; j++) du[dim + j] = -(double)a->g_in[i * ld_in + j];
    }
}

/* The integrals for theta and cond */

static void adjoint_accepted(void *user, int64_t row, double t, double h, const double *u, const double *k, int64_t stride)
{
    struct cnf_adjoint *a = user;
    const int64_t i = a->taken++, wide = 2 * a->w.cf->dim;

    a->taken_row[i] = a->index[row];
    a->taken_t[i] = t;
    a->taken_h[i] = h;
    memcpy(a->taken_y + i * wide, u, (size_t)wide * sizeof *u);
    for (int32_t s = 0; s < a->w.cf->ode.method->stages; s++)
        memcpy(a->taken_k + (s * a->n + i) * wide, k + s * stride, (size_t)wide * sizeof *k);
}

/* Adds -h b_s (a^T df/dtheta + g dq/dtheta) at stage s of the steps taken: h is negative. */
static void adjoint_add_stage(struct cnf_adjoint *a, int32_t s)
{
    const nfi_ode_method *method = a->w.cf->ode.method;
    const int64_t wide = 2 * a->w.cf->dim;
    const nf_tile *tile = a->w.tile;

    for (int64_t i = 0; i < a->taken; i++) a->stage_t[i] = a->taken_t[i] + method->c[s] * a->taken_h[i];
    nfi_ode_stage(method, s, a->taken * wide, a->taken_k, a->n * wide, a->spread, a->taken_y, a->stage);
    adjoint_value(a, a->taken, a->taken_row, a->stage_t, a->stage);
    adjoint_integrand(a, a->taken, a->taken_row, a->stage);
    for (int64_t i = 0; i < a->taken; i++)
        for (int64_t j = 0; j < a->aug; j++) a->gk[i * a->aug + j] *= -a->taken_h[i] * method->b[s] * a->unit[a->taken_row[i]];
    adjoint_reverse(a, a->taken, a->taken_row, a->stage_t, tile->grad_cond ? a->g_in : NULL, tile->grad);
    NFI_NAME(nfi_cnf_add_cond)(&a->w, a->taken, a->taken_row, a->g_in);
}

static void adjoint_judged(void *user)
{
    struct cnf_adjoint *a = user;
    const nfi_ode_method *method = a->w.cf->ode.method;

    if (a->taken == 0) return;
    nfi_ode_spread(a->taken, 2 * a->w.cf->dim, a->taken_h, a->spread);
    for (int32_t s = 0; s < method->stages; s++)
        if (method->b[s] != 0.0) adjoint_add_stage(a, s);
    a->taken = 0;
}

/* Start and end */

static double adjoint_size(double x) { return x < 0 ? -x : x; }

/* The largest of |dL/dz| and |dL/dlog_det|; not finite where one of them is not. */
static double adjoint_unit(int64_t dim, const real *g, double h)
{
    double most = adjoint_size(h), check = h - h;
    for (int64_t j = 0; j < dim; j++) {
        const double size = adjoint_size((double)g[j]);
        check += size - size;
        if (size > most) most = size;
    }
    return most + check;
}

/* Rows to solve: those that have a solution, and a gradient. Without the one g stays as it is, without the other it is zero or NaN. */
static void adjoint_begin(struct cnf_adjoint *a, const real *z, const void *saved, const real *g, const double *h)
{
    const int64_t dim = a->w.cf->dim;
    for (int64_t i = 0; i < a->w.tile->n; i++) {
        const double unit = adjoint_unit(dim, g + i * dim, h[i]);
        if (*nfi_cnf_lost(saved, i) || !(unit > 0.0) || unit - unit != 0.0) continue;
        double *u = a->u + 2 * dim * a->n;
        a->index[a->n++] = i;
        a->unit[i] = unit;
        a->pull[i] = h[i] / unit;
        for (int64_t j = 0; j < dim; j++) u[j] = (double)z[i * dim + j];
        for (int64_t j = 0; j < dim; j++) u[dim + j] = (double)g[i * dim + j] / unit;
    }
}

/* dL/dT, at T */
static void adjoint_time(struct cnf_adjoint *a, double end_time)
{
    for (int64_t i = 0; i < a->n; i++) a->stage_t[i] = end_time;
    adjoint_value(a, a->n, a->index, a->stage_t, a->u);
    adjoint_integrand(a, a->n, a->index, a->u);
    NFI_NAME(nfi_cnf_rates)(&a->w, a->n, a->index, a->w.out, a->aug, a->stage);
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t j = 0; j < a->aug; j++) a->g_time += a->unit[a->index[i]] * a->gk[i * a->aug + j] * a->stage[i * a->aug + j];
}

/* A row that fails has added a part of its gradient: that of all rows is lost with it. */
static void adjoint_spoil(const nfi_cnf *cf, const nf_tile *tile)
{
    real *grad = tile->grad;
    const int64_t count = cf->net.theta_count + !cf->time_fixed;
    for (int64_t k = 0; grad && k < count; k++) grad[k] = (real)__builtin_nan("");
}

static void adjoint_end(struct cnf_adjoint *a, real *g)
{
    const nfi_cnf *cf = a->w.cf;
    for (int64_t r = 0; r < a->n; r++) {
        const int64_t i = a->index[r];
        const double *x = a->u + (2 * r + 1) * cf->dim, unit = a->end[r].status == NF_OK ? a->unit[i] : __builtin_nan("");
        for (int64_t j = 0; j < cf->dim; j++) g[i * cf->dim + j] = (real)(unit * x[j]);
        if (a->end[r].status == NF_OK) continue;
        nfi_cnf_fail_row(cf, a->w.tile, i, &a->end[r], "cnf, the adjoint");
        adjoint_spoil(cf, a->w.tile);
    }
}

nf_status NFI_NAME(nfi_cnf_adjoint)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                    const double *h)
{
    const nfi_cnf *cf = self;
    const double root = (double)((const real *)tile->theta)[cf->net.theta_count];
    const bool integrals = tile->grad || tile->grad_cond;
    struct cnf_adjoint a = { .w = NFI_NAME(nfi_cnf_begin)(cf, tile), .aug = nfi_cnf_components(cf, tile) };
    nfi_ode_problem p = { .config = nfi_cnf_ode(cf, tile), .dim = 2 * cf->dim, .t0 = root * root, .t1 = 0.0, .eval = adjoint_eval, .user = &a,
                          .accepted = integrals ? adjoint_accepted : NULL, .judged = integrals ? adjoint_judged : NULL };

    (void)in;
    (void)adjoint_carve(cf, tile->kernels, tile->n, a.w.m, a.w.rest, &a);
    adjoint_begin(&a, out, saved, g, h);
    if (a.n == 0) return NF_OK;
    p.n = a.n;
    if (tile->grad && !cf->time_fixed) adjoint_time(&a, p.t0);
    nfi_ode_solve(&p, a.u, a.end, a.ode);
    if (tile->grad && !cf->time_fixed) ((real *)tile->grad)[cf->net.theta_count] += (real)(2.0 * root * a.g_time);
    adjoint_end(&a, g);
    return NF_OK;
}

#if NFI_ONCE
int64_t nfi_cnf_adjoint_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    return adjoint_carve(cf, kernels, n, m, NULL, &(struct cnf_adjoint){ 0 });
}
#endif
