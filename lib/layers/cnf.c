/* SPDX-License-Identifier: MIT
 *
 * cnf.c - continuous layer: z is where the solution of an ordinary differential equation leads x
 *
 *   dy/dt = f(y, t, cond),  y(0) = x,  y(T) = z;      log|det dz/dx| = integral over [0, T] of tr(df/dy) dt
 *
 * f is a network (nets/dynamics.h), the integrators are those of ode/. The state that is integrated is (y, l, K, J): l the trace,
 * and in training, where a weight asks for them, K the kinetic energy |f|^2 and J the squared norm of Jacobian times probe, in double.
 * Trace: exact, by dim tangents e_k, sum_k (df/dy e_k)_k; or Hutchinson's estimate, the mean over probes e of e . (df/dy e), E e e^T = I.
 * Where the error of that mean is asked for (nfi_trace_error), each probe's own integral is carried along, with no say in the steps.
 * A row's probes are drawn once a solve, from the row's key: all stages, and backward, see the same ones.
 * The inverse solves from T to 0. Each row has steps of its own; a row that fails becomes NaN, with its t and h as the reason.
 *
 * Backward is that of the discrete solution (ode/ode.h), exact for the z and log|det| that forward returned, step sizes held constant.
 * forward keeps a row's steps in `saved`: (t, h) of all, y of every k-th, k doubling when the room is full, so memory is bounded; backward
 * solves again from a kept state to the next, and takes the steps in between from there.
 * With gradient = adjoint backward solves the adjoint equation instead (cnf_adjoint.c), and `saved` holds no steps.
 * T = theta_T^2 (trained, unless end_time_fixed), since it must not change its sign. With the steps' proportions held,
 *   dL/dT = (1 / T) sum over steps and stages of (kbar_i . k_i + t_i dL/dt_i).
 * Weights of K and J add  -g_log_det (kinetic K + jacobian J)  to the loss, g_log_det < 0 being the weight of the row's log p.
 *
 * theta: net views "net.<l>....", then sqrt_time.
 *
 * Check value: dim=1, no hidden layer, ignore, W = 0.7, b = -0.3, T = 0.5, x = 1.3: f = 0.7 y - 0.3:
 * z = 3/7 + (1.3 - 3/7) exp(0.35) = 1.6651874352, log|det| = 0.35
 * Refs: Grathwohl et al., "FFJORD", arXiv:1810.01367; Finlay et al., "How to train your neural ODE", arXiv:2002.02798.
 */
#include "layers/cnf.h"

#include <string.h>

#include "core/print.h"
#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define CNF_F32_TOLERANCE 1.2e-7

/* Memory */

static int64_t cnf_carve(const nfi_cnf *cf, const nfi_kernels *k, int64_t n, int64_t m, char *base, nfi_cnf_work *w)
{
    int64_t at = 0;
    w->probe = nfi_carve(base, &at, n * m * cf->dim * k->size);
    w->in = nfi_carve(base, &at, (n + n * m) * nfi_dynamics_ld_in(&cf->net) * k->size);
    w->out = nfi_carve(base, &at, (n + n * m) * nfi_dynamics_ld_out(&cf->net) * k->size);
    w->net = nfi_carve(base, &at, nfi_dynamics_scratch_bytes(&cf->net, k, n, m));
    w->rest = base ? base + at : NULL;
    return at;
}

/* Probes */

/* The row's own: the same at every stage of a solve, and in backward. Rademacher: the bits of words; Gaussian: Box-Muller. */
static void cnf_draw(const nfi_cnf_work *w, int64_t i, real *probe)
{
    const nf_tile *tile = w->tile;
    const uint64_t seed = nfi_row_seed(tile->seed, tile->row_key[i]);
    const uint32_t stream = tile->stream + NFI_STREAM_NOISE;
    const int64_t count = w->m * w->cf->dim;

    for (int64_t j = 0; j < count && w->cf->gaussian; j++) probe[j] = (real)nfi_normal(seed, stream, (tile->epoch << 32) + (uint64_t)j);
    for (int64_t j = 0; j < count && !w->cf->gaussian; j += 128) {
        uint32_t word[4];
        nfi_random_block(seed, stream, (tile->epoch << 32) + (uint64_t)(j / 128), word);
        for (int64_t b = 0; b < 128 && j + b < count; b++) probe[j + b] = word[b / 32] >> (b % 32) & 1u ? 1 : -1;
    }
}

nfi_cnf_work NFI_NAME(nfi_cnf_begin)(const nfi_cnf *cf, const nf_tile *tile)
{
    nfi_cnf_work w = { .cf = cf, .tile = tile, .m = nfi_cnf_tangents(cf, tile->training), .exact = nfi_cnf_exact(cf, tile->training) };

    (void)cnf_carve(cf, tile->kernels, tile->n, w.m, tile->scratch, &w);
    for (int64_t i = 0; i < tile->n && !w.exact; i++) cnf_draw(&w, i, (real *)w.probe + i * w.m * cf->dim);
    return w;
}

/* The network */

static void cnf_fill_tangents(const nfi_cnf_work *w, int64_t m, int64_t row, real *to)
{
    const int64_t dim = w->cf->dim, ld = nfi_dynamics_ld_in(&w->cf->net);
    for (int64_t j = 0; j < m; j++, to += ld) {
        memset(to, 0, (size_t)ld * sizeof *to);
        if (w->exact)
            to[j] = 1;
        else
            memcpy(to, (const real *)w->probe + (row * w->m + j) * dim, (size_t)dim * sizeof *to);
    }
}

void NFI_NAME(nfi_cnf_fill)(const nfi_cnf_work *w, int64_t n, int64_t m, const int64_t *row, const double *y, int64_t ld_y, void *in)
{
    const nfi_cnf *cf = w->cf;
    const int64_t ld = nfi_dynamics_ld_in(&cf->net);
    const real *cond = w->tile->cond;
    real *to = in, *tangents = to + n * ld;

    for (int64_t i = 0; i < n; i++, to += ld, y += ld_y, tangents += m * ld) {
        for (int64_t j = 0; j < cf->dim; j++) to[j] = (real)y[j];
        for (int64_t j = 0; j < cf->cond_dim; j++) to[cf->dim + j] = cond[row[i] * w->tile->cond_dim + j];
        cnf_fill_tangents(w, m, row[i], tangents);
    }
}

void NFI_NAME(nfi_cnf_rates)(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *out, int64_t aug, double *dy)
{
    const int64_t dim = w->cf->dim, ld = nfi_dynamics_ld_out(&w->cf->net);
    const double share = w->exact ? 1.0 : 1.0 / (double)w->m;
    const real *f = out, *fd = f + n * ld;

    for (int64_t i = 0; i < n; i++, f += ld, dy += aug) {
        double trace = 0.0, kinetic = 0.0, jacobian = 0.0;
        for (int64_t j = 0; j < dim; j++) {
            dy[j] = (double)f[j];
            kinetic += dy[j] * dy[j];
        }
        for (int64_t p = 0; p < w->m; p++, fd += ld) {
            const real *e = (const real *)w->probe + (row[i] * w->m + p) * dim;
            if (w->exact) trace += (double)fd[p];
            for (int64_t j = 0; !w->exact && j < dim; j++) trace += (double)e[j] * (double)fd[j];
            for (int64_t j = 0; aug > dim + 1 && j < dim; j++) jacobian += (double)fd[j] * (double)fd[j];
        }
        dy[dim] = share * trace;
        if (aug == dim + 1) continue;
        dy[dim + 1] = kinetic;
        dy[dim + 2] = share * jacobian;
    }
}

/* Solving */

struct cnf_solve {
    nfi_cnf_work w;
    int64_t aug;      /* dim + 1, and one for each probe where the error of their mean is wanted */
    double *y;        /* [n][aug] */
    double *scale;    /* [aug]: what steps are chosen by */
    double *error;    /* [n] squares of standard errors; NULL: not wanted */
    nfi_ode_end *end; /* [n] */
    void *ode;
    void *saved; /* tracks; NULL: none are kept */
    void *lost;  /* NULL: not wanted */
};

static int64_t cnf_carve_solve(const nfi_cnf *cf, int64_t n, char *base, struct cnf_solve *s)
{
    const int64_t most = cf->dim + 1 + (!nfi_cnf_exact(cf, 0) && cf->probes > 1 ? cf->probes : 0);
    int64_t at = 0;
    s->y = nfi_carve(base, &at, n * most * (int64_t)sizeof *s->y);
    s->scale = nfi_carve(base, &at, most * (int64_t)sizeof *s->scale);
    s->end = nfi_carve(base, &at, n * (int64_t)sizeof *s->end);
    s->ode = nfi_carve(base, &at, nfi_ode_scratch_bytes(most));
    return at;
}

/* Each probe's own estimate of the trace, behind that of all; there are two at least, and what the rates say of energies gives way. */
static void cnf_probe_rates(const nfi_cnf_work *w, int64_t n, const int64_t *row, int64_t aug, double *dy)
{
    const int64_t dim = w->cf->dim, ld = nfi_dynamics_ld_out(&w->cf->net);
    const real *fd = (const real *)w->out + n * ld;

    for (int64_t i = 0; i < n; i++) {
        for (int64_t p = 0; p < w->m; p++, fd += ld) {
            const real *e = (const real *)w->probe + (row[i] * w->m + p) * dim;
            double trace = 0.0;
            for (int64_t j = 0; j < dim; j++) trace += (double)e[j] * (double)fd[j];
            dy[i * aug + dim + 1 + p] = trace;
        }
    }
}

static void cnf_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    const struct cnf_solve *s = user;
    const nfi_cnf_work *w = &s->w;
    const int64_t aug = s->aug;

    NFI_NAME(nfi_cnf_fill)(w, n, w->m, row, y, aug, w->in);
    nfi_dynamics_value(&w->cf->net, w->tile->kernels, n, w->m, w->tile->packed, t, w->in, w->out, NULL, w->net);
    NFI_NAME(nfi_cnf_rates)(w, n, row, w->out, aug, dy);
    if (aug > w->cf->dim + 1) cnf_probe_rates(w, n, row, aug, dy);
}

/* Keeps every `every`-th state; when the room is full, every other one of them stays. */
static void cnf_accepted(void *user, int64_t row, double t, double h, const double *y, const double *k, int64_t stride)
{
    const struct cnf_solve *s = user;
    const size_t bytes = (size_t)s->w.cf->dim * sizeof *y;
    nfi_cnf_track *track = nfi_cnf_track_of(s->w.cf, s->saved, row);
    const int64_t i = track->steps++;

    (void)k, (void)stride;
    track->t[i] = t;
    track->h[i] = h;
    if (i % track->every) return;
    if (i / track->every == NFI_CNF_KEPT) {
        for (int64_t at = 1; at < NFI_CNF_KEPT / 2; at++) memcpy(track->y + at * s->w.cf->dim, track->y + 2 * at * s->w.cf->dim, bytes);
        track->every *= 2;
    }
    memcpy(track->y + i / track->every * s->w.cf->dim, y, bytes);
}

static double cnf_end_time(const nfi_cnf *cf, const nf_tile *tile)
{
    const double root = (double)((const real *)tile->theta)[cf->net.theta_count];
    return root * root;
}

/* Square of the standard error of the mean of a row's estimates l_p: sum (l_p - mean)^2 / ((k - 1) k). One says nothing of it. */
static double cnf_error(const struct cnf_solve *s, const double *l)
{
    const int64_t k = s->w.m;
    double mean = 0.0, sum = 0.0;

    if (s->w.exact) return 0.0;
    if (k < 2) return __builtin_nan("");
    for (int64_t p = 0; p < k; p++) mean += l[p] / (double)k;
    for (int64_t p = 0; p < k; p++) sum += (l[p] - mean) * (l[p] - mean);
    return sum / (double)((k - 1) * k);
}

/* out and log_det of the solve from t0 to t1. A row that fails goes on as it came. */
static void cnf_run(struct cnf_solve *s, double t0, double t1, const real *in, real *out)
{
    const nfi_cnf *cf = s->w.cf;
    const nf_tile *tile = s->w.tile;
    const int64_t n = tile->n, dim = cf->dim, aug = s->aug;
    nfi_ode_problem p = { .config = nfi_cnf_ode(cf, tile), .n = n, .dim = aug, .t0 = t0, .t1 = t1, .scale = s->scale, .eval = cnf_eval, .user = s,
                          .accepted = s->saved ? cnf_accepted : NULL };

    for (int64_t j = 0; j < aug; j++) s->scale[j] = j <= dim ? 1.0 : 0.0;
    if (s->saved) p.config.max_steps = nfi_min(p.config.max_steps, NFI_CNF_STEPS);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < dim; j++) s->y[i * aug + j] = (double)in[i * dim + j];
        for (int64_t j = dim; j < aug; j++) s->y[i * aug + j] = 0.0;
        if (s->saved) nfi_cnf_track_of(cf, s->saved, i)->steps = 0;
        if (s->saved) nfi_cnf_track_of(cf, s->saved, i)->every = 1;
    }
    nfi_ode_solve(&p, s->y, s->end, s->ode);
    for (int64_t i = 0; i < n; i++) {
        const bool failed = s->end[i].status != NF_OK;
        for (int64_t j = 0; j < dim; j++) out[i * dim + j] = failed ? in[i * dim + j] : (real)s->y[i * aug + j];
        nfi_count_solve(tile, i, failed, s->end[i].accepted, s->end[i].rejected, s->end[i].evaluations);
        if (!failed) tile->log_det[i] += s->y[i * aug + dim];
        if (s->error) s->error[i] += cnf_error(s, s->y + i * aug + dim + 1);
        if (failed) nfi_cnf_fail_row(cf, tile, i, &s->end[i], "cnf");
        if (s->lost) *nfi_cnf_lost(s->lost, i) = failed;
        if (failed && s->saved) nfi_cnf_track_of(cf, s->saved, i)->steps = 0;
    }
}

/* A relative tolerance below the resolution of float cannot be met in it. */
static nf_status cnf_check_tolerance(const nfi_cnf *cf)
{
    if (NFI_DTYPE == NF_F64 || !cf->ode.method->adaptive || cf->ode.rtol >= CNF_F32_TOLERANCE) return NF_OK;
    return nfi_fail(NF_ERR_ODE_TOL, "cnf: rtol is %g, below what float resolves (%g): use NF_F64 or a larger one", cf->ode.rtol, CNF_F32_TOLERANCE);
}

/* Operations: the contract is nflow/layer_type.h. */

static nf_status cnf_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const nfi_cnf *cf = self;
    nfi_dynamics_reset(&cf->net, NFI_DTYPE, seed, stream, theta);
    ((real *)theta)[cf->net.theta_count] = (real)nfi_sqrt(cf->end_time);
    return NF_OK;
}

static void cnf_pack(const void *self, const void *kernels, const void *theta, void *packed, void *turned, int64_t part)
{
    const nfi_cnf *cf = self;
    (void)part;
    nfi_dynamics_pack(&cf->net, kernels, theta, packed, turned);
}

static nf_status cnf_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const nfi_cnf *cf = self;
    struct cnf_solve s = { .w = NFI_NAME(nfi_cnf_begin)(cf, tile), .saved = cf->adjoint ? NULL : saved, .lost = cf->adjoint ? saved : NULL,
                           .aug = cf->dim + 1, .error = nfi_trace_error(tile) };
    const nf_status status = cnf_check_tolerance(cf);
    (void)cnf_carve_solve(cf, tile->n, s.w.rest, &s);
    if (s.error && !s.w.exact && s.w.m > 1) s.aug += s.w.m;
    if (status == NF_OK) cnf_run(&s, 0.0, cnf_end_time(cf, tile), in, out);
    return status;
}

static nf_status cnf_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const nfi_cnf *cf = self;
    struct cnf_solve s = { .w = NFI_NAME(nfi_cnf_begin)(cf, tile), .aug = cf->dim + 1 };
    const nf_status status = cnf_check_tolerance(cf);
    (void)cnf_carve_solve(cf, tile->n, s.w.rest, &s);
    if (status == NF_OK) cnf_run(&s, cnf_end_time(cf, tile), 0.0, out, in);
    return status;
}

static nf_status cnf_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    const nfi_cnf *cf = self;
    return (cf->adjoint ? NFI_NAME(nfi_cnf_adjoint) : NFI_NAME(nfi_cnf_backward))(self, tile, in, out, saved, g, h);
}

const nf_layer_ops NFI_NAME(nfi_cnf_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = cnf_reset,
    .pack = cnf_pack,
    .forward = cnf_forward,
    .inverse = cnf_inverse,
    .backward = cnf_backward,
    .match = NFI_NAME(nfi_cnf_match),
};

#if NFI_ONCE
nfi_ode_config nfi_cnf_ode(const nfi_cnf *cf, const nf_tile *tile)
{
    nfi_ode_config ode = cf->ode;

    for (int32_t i = 0; tile->precise && ode.method->adaptive && i < ode.method->order; i++) {
        ode.rtol /= NFI_CNF_PRECISE;
        ode.atol /= NFI_CNF_PRECISE;
    }
    if (!tile->precise) return ode;
    ode.step /= NFI_CNF_PRECISE;
    ode.max_steps *= NFI_CNF_PRECISE;
    return ode;
}

int64_t nfi_cnf_work_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    return cnf_carve(cf, kernels, n, m, NULL, &(nfi_cnf_work){ 0 });
}

void nfi_cnf_fail_row(const nfi_cnf *cf, const nf_tile *tile, int64_t i, const nfi_ode_end *end, const char *which)
{
    char line[176];
    nfi_print(line, sizeof line, "%s: at t = %.6g with a step of %.3g, after %lld steps and %lld refused (rtol %g, atol %g)", which, end->t,
                   end->h, (long long)end->accepted, (long long)end->rejected, cf->ode.rtol, cf->ode.atol);
    nf_fail_row(tile, i, end->status, line);
}

int64_t nfi_cnf_solve_bytes(const nfi_cnf *cf, int64_t n) { return cnf_carve_solve(cf, n, NULL, &(struct cnf_solve){ 0 }); }
#endif
