/* SPDX-License-Identifier: MIT
 *
 * cnf_back.c - gradient of a continuous layer's discrete solution: the derivation stands in cnf.c
 *
 * Rows go backwards segment by segment: a segment is what lies between two kept states, at most NFI_CNF_STEPS / NFI_CNF_KEPT steps. Its
 * states are computed again from its first, then its steps are reversed, the last one first. All rows of the tile do their own last
 * segment at once, then the one before; a row that has no more rests.
 */
#include "layers/cnf.h"

#include <string.h>

#define CNF_SEGMENT (NFI_CNF_STEPS / NFI_CNF_KEPT)

struct cnf_stage { /* what one stage keeps from its evaluation to its reverse */
    real *in, *out;
    void *saved;
    double *rates; /* [n][aug] */
};

struct cnf_back {
    nfi_cnf_work w;
    int64_t aug;
    double *segment;  /* [n][CNF_SEGMENT][dim]: states before each step */
    double *y, *g, *gl; /* [n][aug]: of working rows, and [tile rows][aug] dL/dy */
    double *t, *h, *g_t; /* [n] */
    double *k;        /* [stages][n][dim], of a replay */
    int64_t *row, *first, *count; /* [n]: working rows; first step and steps of a tile row's segment */
    struct cnf_stage stage[NFI_ODE_STAGES];
    real *g_out, *g_in;
    void *ode;
    double g_time;    /* T dL/dT */
    real *grad;
};

static int64_t cnf_back_carve(const nfi_cnf *cf, const nfi_kernels *k, int64_t n, int64_t m, char *base, struct cnf_back *b)
{
    const int64_t ld_in = nfi_dynamics_ld_in(&cf->net), ld_out = nfi_dynamics_ld_out(&cf->net), aug = cf->dim + 3, d = (int64_t)sizeof(double);
    int64_t at = 0;

    b->segment = nfi_carve(base, &at, n * CNF_SEGMENT * cf->dim * d);
    b->y = nfi_carve(base, &at, n * aug * d);
    b->g = nfi_carve(base, &at, n * aug * d);
    b->gl = nfi_carve(base, &at, n * aug * d);
    b->t = nfi_carve(base, &at, n * d);
    b->h = nfi_carve(base, &at, n * d);
    b->g_t = nfi_carve(base, &at, n * d);
    b->k = nfi_carve(base, &at, NFI_ODE_STAGES * n * cf->dim * d);
    b->row = nfi_carve(base, &at, n * (int64_t)sizeof *b->row);
    b->first = nfi_carve(base, &at, n * (int64_t)sizeof *b->first);
    b->count = nfi_carve(base, &at, n * (int64_t)sizeof *b->count);
    b->g_out = nfi_carve(base, &at, (n + n * m) * ld_out * k->size);
    b->g_in = nfi_carve(base, &at, n * ld_in * k->size);
    b->ode = nfi_carve(base, &at, nfi_ode_back_bytes(aug));
    for (int32_t i = 0; i < cf->ode.method->stages; i++) {
        b->stage[i].in = nfi_carve(base, &at, (n + n * m) * ld_in * k->size);
        b->stage[i].out = nfi_carve(base, &at, (n + n * m) * ld_out * k->size);
        b->stage[i].saved = nfi_carve(base, &at, nfi_dynamics_saved_bytes(&cf->net, k, n, m));
        b->stage[i].rates = nfi_carve(base, &at, n * aug * d);
    }
    return at;
}

/* Replaying a segment. States alone: no tangents. */

/* Rows whose segment has more than `s` steps; their t, h, and state s into y [..][dim]. */
static int64_t cnf_gather(struct cnf_back *b, const void *saved, int64_t s, int64_t ld_y)
{
    const nfi_cnf *cf = b->w.cf;
    int64_t n = 0;
    for (int64_t i = 0; i < b->w.tile->n; i++) {
        if (b->count[i] <= s) continue;
        const nfi_cnf_track *track = nfi_cnf_track_of(cf, saved, i);
        b->row[n] = i;
        b->t[n] = track->t[b->first[i] + s];
        b->h[n] = track->h[b->first[i] + s];
        memset(b->y + n * ld_y, 0, (size_t)ld_y * sizeof *b->y);
        memcpy(b->y + n * ld_y, b->segment + (i * CNF_SEGMENT + s) * cf->dim, (size_t)cf->dim * sizeof *b->y);
        n++;
    }
    return n;
}

static void cnf_field(struct cnf_back *b, int64_t n, const double *t, const double *y, double *dy)
{
    const nfi_cnf *cf = b->w.cf;
    const int64_t ld = nfi_dynamics_ld_out(&cf->net);
    NFI_NAME(nfi_cnf_fill)(&b->w, n, 0, b->row, y, cf->dim, b->w.in);
    nfi_dynamics_value(&cf->net, b->w.tile->kernels, n, 0, b->w.tile->packed, t, b->w.in, b->w.out, NULL, b->w.net);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < cf->dim; j++) dy[i * cf->dim + j] = (double)((real *)b->w.out)[i * ld + j];
}

/* The states after step s of the working rows, from those before. The working arrays g, gl are free meanwhile. */
static void cnf_replay_step(struct cnf_back *b, int64_t n, int64_t s)
{
    const nfi_ode_method *method = b->w.cf->ode.method;
    const int64_t dim = b->w.cf->dim, count = n * dim;
    double *h = b->g, *state = b->stage[0].rates;

    nfi_ode_spread(n, dim, b->h, h);
    for (int32_t i = 0; i < method->stages; i++) {
        nfi_ode_stage(method, i, count, b->k, count, h, b->y, state);
        for (int64_t r = 0; r < n; r++) b->g_t[r] = b->t[r] + method->c[i] * b->h[r];
        cnf_field(b, n, b->g_t, state, b->k + i * count);
    }
    nfi_ode_stage(method, method->stages, count, b->k, count, h, b->y, state);
    for (int64_t r = 0; r < n; r++)
        if (s + 1 < b->count[b->row[r]])
            memcpy(b->segment + (b->row[r] * CNF_SEGMENT + s + 1) * dim, state + r * dim, (size_t)dim * sizeof *state);
}

static void cnf_replay(struct cnf_back *b, const void *saved)
{
    for (int64_t s = 0; s + 1 < CNF_SEGMENT; s++) {
        int64_t more = 0;
        const int64_t n = cnf_gather(b, saved, s, b->w.cf->dim);
        for (int64_t r = 0; r < n; r++) more += b->count[b->row[r]] > s + 1;
        if (more == 0) return;
        cnf_replay_step(b, n, s);
    }
}

/* Reversing a step */

static void cnf_back_eval(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    struct cnf_back *b = user;
    const nfi_cnf_work *w = &b->w;
    const struct cnf_stage *st = &b->stage[stage];

    NFI_NAME(nfi_cnf_fill)(w, n, w->m, row, y, b->aug, st->in);
    nfi_dynamics_value(&w->cf->net, w->tile->kernels, n, w->m, w->tile->packed, t, st->in, st->out, st->saved, w->net);
    NFI_NAME(nfi_cnf_rates)(w, n, row, st->out, b->aug, dy);
    memcpy(st->rates, dy, (size_t)(n * b->aug) * sizeof *dy);
}

void NFI_NAME(nfi_cnf_seed)(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *out, int64_t aug, const double *gk, void *g_out)
{
    const int64_t dim = w->cf->dim, ld = nfi_dynamics_ld_out(&w->cf->net);
    const bool energies = aug > dim + 1;
    const double share = w->exact ? 1.0 : 1.0 / (double)w->m;
    const real *f = out, *fd = f + n * ld;
    real *gf = g_out, *gfd = gf + n * ld;

    memset(gf, 0, (size_t)((n + n * w->m) * ld) * sizeof *gf);
    for (int64_t i = 0; i < n; i++, f += ld, gf += ld, gk += aug) {
        const double trace = share * gk[dim], kinetic = energies ? 2.0 * gk[dim + 1] : 0.0, jacobian = energies ? 2.0 * share * gk[dim + 2] : 0.0;
        for (int64_t j = 0; j < dim; j++) gf[j] = (real)(gk[j] + kinetic * (double)f[j]);
        for (int64_t p = 0; p < w->m; p++, fd += ld, gfd += ld) {
            const real *e = (const real *)w->probe + (row[i] * w->m + p) * dim;
            for (int64_t j = 0; j < dim; j++)
                gfd[j] = (real)(trace * (w->exact ? (double)(j == p) : (double)e[j]) + jacobian * (double)fd[j]);
        }
    }
}

void NFI_NAME(nfi_cnf_add_cond)(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *g_in)
{
    const nfi_cnf *cf = w->cf;
    const int64_t ld = nfi_dynamics_ld_in(&cf->net), ld_cond = w->tile->cond_dim;
    const real *g = g_in;
    real *g_cond = w->tile->grad_cond;
    for (int64_t i = 0; g_cond && i < n; i++)
        for (int64_t j = 0; j < cf->cond_dim; j++) g_cond[row[i] * ld_cond + j] += g[i * ld + cf->dim + j];
}

static void cnf_back_vjp(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, const double *gk, double *gy)
{
    struct cnf_back *b = user;
    const nfi_cnf *cf = b->w.cf;
    const struct cnf_stage *st = &b->stage[stage];
    const int64_t ld = nfi_dynamics_ld_in(&cf->net);

    (void)y;
    NFI_NAME(nfi_cnf_seed)(&b->w, n, row, st->out, b->aug, gk, b->g_out);
    memset(b->g_t, 0, (size_t)n * sizeof *b->g_t);
    nfi_dynamics_reverse(&cf->net, b->w.tile->kernels, n, b->w.m, b->w.tile->packed_backward, t, st->in, st->saved, b->g_out, b->g_in, b->g_t,
                         b->grad, b->w.net);
    memset(gy, 0, (size_t)(n * b->aug) * sizeof *gy);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < cf->dim; j++) gy[i * b->aug + j] = (double)b->g_in[i * ld + j];
        for (int64_t j = 0; j < b->aug; j++) b->g_time += gk[i * b->aug + j] * st->rates[i * b->aug + j];
        b->g_time += b->g_t[i] * t[i];
    }
    NFI_NAME(nfi_cnf_add_cond)(&b->w, n, row, b->g_in);
}

static void cnf_reverse_step(struct cnf_back *b, const void *saved, int64_t s)
{
    const int64_t n = cnf_gather(b, saved, s, b->aug);
    const size_t bytes = (size_t)b->aug * sizeof *b->g;

    for (int64_t r = 0; r < n; r++) memcpy(b->g + r * b->aug, b->gl + b->row[r] * b->aug, bytes);
    const nfi_ode_back back = { .method = b->w.cf->ode.method, .n = n, .dim = b->aug, .row = b->row, .t = b->t, .h = b->h, .y = b->y, .g = b->g,
                                .eval = cnf_back_eval, .vjp = cnf_back_vjp, .user = b };
    if (n > 0) nfi_ode_step_back(&back, b->ode);
    for (int64_t r = 0; r < n; r++) memcpy(b->gl + b->row[r] * b->aug, b->g + r * b->aug, bytes);
}

/* The `last`-th segment of each row, counted from its end; false when no row has so many. */
static bool cnf_take_segment(struct cnf_back *b, const void *saved, int64_t last)
{
    const nfi_cnf *cf = b->w.cf;
    bool any = false;
    for (int64_t i = 0; i < b->w.tile->n; i++) {
        const nfi_cnf_track *track = nfi_cnf_track_of(cf, saved, i);
        const int64_t kept = (track->steps + track->every - 1) / track->every - 1 - last;
        b->count[i] = 0;
        if (kept < 0) continue;
        b->first[i] = kept * track->every;
        b->count[i] = nfi_min(track->every, track->steps - b->first[i]);
        memcpy(b->segment + i * CNF_SEGMENT * cf->dim, track->y + kept * cf->dim, (size_t)cf->dim * sizeof(double));
        any = true;
    }
    return any;
}

/* dL/d of the state at T. The energies weigh in the loss of training alone: score asks for no gradient of theta. */
static void cnf_start(struct cnf_back *b, const real *g, const double *h)
{
    const nfi_cnf *cf = b->w.cf;
    for (int64_t i = 0; i < b->w.tile->n; i++) {
        double *to = b->gl + i * b->aug;
        for (int64_t j = 0; j < cf->dim; j++) to[j] = (double)g[i * cf->dim + j];
        to[cf->dim] = h[i];
        if (b->aug == cf->dim + 1) continue;
        to[cf->dim + 1] = -h[i] * cf->kinetic;
        to[cf->dim + 2] = -h[i] * cf->jacobian;
    }
}

nf_status NFI_NAME(nfi_cnf_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g_inout,
                                     const double *h)
{
    const nfi_cnf *cf = self;
    struct cnf_back b = { .w = NFI_NAME(nfi_cnf_begin)(cf, tile), .grad = tile->grad };
    real *g = g_inout;

    (void)in, (void)out;
    (void)cnf_back_carve(cf, tile->kernels, tile->n, b.w.m, b.w.rest, &b);
    b.aug = nfi_cnf_components(cf, tile);
    cnf_start(&b, g, h);
    for (int64_t last = 0; cnf_take_segment(&b, saved, last); last++) {
        cnf_replay(&b, saved);
        for (int64_t s = CNF_SEGMENT - 1; s >= 0; s--) cnf_reverse_step(&b, saved, s);
    }
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < cf->dim; j++) g[i * cf->dim + j] = (real)b.gl[i * b.aug + j];
    const double root = (double)((const real *)tile->theta)[cf->net.theta_count];
    if (b.grad && !cf->time_fixed && root != 0.0) b.grad[cf->net.theta_count] += (real)(2.0 * b.g_time / root);
    return NF_OK;
}

#if NFI_ONCE
int64_t nfi_cnf_back_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    return cnf_back_carve(cf, kernels, n, m, NULL, &(struct cnf_back){ 0 });
}
#endif
