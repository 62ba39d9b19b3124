/* SPDX-License-Identifier: MIT
 *
 * solve.c - the loop of the integrators: a working set of rows, each with its own t, h, and verdict on its steps
 *
 *   norm(v)  = sqrt(mean_j (w_j v_j / tol_j)^2),   tol_j = atol + rtol max(|y_j|, |y1_j|),   over j whose weight w_j is not 0
 *   en       = norm(h sum e_i k_i)                 accepted where en <= 1
 *   h       *= clamp(0.9 en^(-1/order), 0.2, 10)   10 where en = 0; never shorter after an accepted step
 *   first h  = min(100 h0, h1):  d0 = norm(y0), d1 = norm(f0), h0 = 0.01 d0 / d1 (1e-6 where d0 or d1 < 1e-5),
 *              d2 = norm(f(t0 + h0, y0 + h0 f0) - f0) / h0,
 *              h1 = (0.01 / max(d1, d2))^(1/order)  (h0 where max(d1, d2) <= 1e-15: the reference's
 *              max(1e-6, 1e-3 h0), as h0 is 1e-6 then)
 *
 * A step with a value that is not finite is tried again with 0.2 h. The last step ends at t1 to the bit, and may be 1 % longer
 * for that. How a row ends:
 *   NF_OK                 at t1
 *   NF_ERR_ODE_RHS        f is not finite at t0, or in more than max_rejects steps since the last accepted one, or until
 *                         |h| <= 16 eps |t|
 *   NF_ERR_ODE_STEP       the error asks for |h| <= 16 eps |t|
 *   NF_ERR_ODE_MAXSTEPS   t1 is out of reach
 * Errors may reject any number of steps one after another: a jump of f inside a long step needs about twenty.
 *
 * A round is one step of every working row: its stages are evaluated together, then each row is judged; rows that end make room,
 * and new ones come in once there is room for a batch. Everything is elementwise, or within a row in a fixed order: bits do not
 * depend on neighbours.
 *
 * Check value: y' = y cos t, y(0) = 1 to t = 2 by dopri5, rtol = atol = 1e-6: 2.4825797012 (exact: 2.4825777280),
 * 7 steps accepted, 1 rejected, 50 evaluations.
 * Ref: Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", 2nd ed., II.4.
 */
#include "ode/ode.h"

#include <float.h>

#include "math/functions.h"

#define SAFETY 0.9
#define FACTOR_LEAST 0.2
#define FACTOR_MOST 10.0
#define STEP_ULPS 16.0 /* a step below that many ulp of t is lost in it */
#define STRETCH 1.01   /* of the last step */
/* Free places that are worth the two evaluations of a start: for a tile of a network one row costs nearly as much as eight. */
#define REFILL (NFI_ODE_ROWS / 8)
#define SOLVE_ARRAYS (NFI_ODE_STAGES + 6)

struct solve_place { /* a row at work */
    int64_t bad;  /* steps since the last accepted one that were not finite */
    int32_t last; /* this step ends at t1 */
    int32_t leaves;
};

struct solve {
    const nfi_ode_problem *problem;
    const nfi_ode_method *method;
    double *rows; /* the caller's y */
    nfi_ode_end *end;
    int64_t m, next, stride; /* working rows, the next to come in, elements between arrays */
    double sign, weights;    /* of t1 - t0; components in the norm */
    double fixed;            /* length of fixed steps */
    struct solve_place *place;
    int64_t *row;
    double *t, *h, *stage_t;
    double *k, *y, *stage, *check, *error, *spread, *weight; /* k [stages]; each [rows][dim] */
};

static double magnitude(double x) { return x < 0 ? -x : x; }
static bool is_finite(double x) { return x - x == 0.0; }

static int64_t solve_stride(int64_t dim) { return NFI_ODE_ROWS * dim + NFI_ODE_STAGGER; }

int64_t nfi_ode_scratch_bytes(int64_t dim)
{
    const int64_t each = (int64_t)sizeof(struct solve_place) + (int64_t)sizeof(int64_t) + 3 * (int64_t)sizeof(double);
    return NFI_ODE_ROWS * each + SOLVE_ARRAYS * solve_stride(dim) * (int64_t)sizeof(double);
}

static void solve_carve(struct solve *s, int64_t dim, void *scratch)
{
    s->stride = solve_stride(dim);
    s->k = scratch;
    s->y = s->k + NFI_ODE_STAGES * s->stride;
    s->stage = s->y + s->stride;
    s->check = s->stage + s->stride;
    s->error = s->check + s->stride;
    s->spread = s->error + s->stride;
    s->weight = s->spread + s->stride;
    s->t = s->weight + s->stride;
    s->h = s->t + NFI_ODE_ROWS;
    s->stage_t = s->h + NFI_ODE_ROWS;
    s->row = (int64_t *)(void *)(s->stage_t + NFI_ODE_ROWS);
    s->place = (struct solve_place *)(void *)(s->row + NFI_ODE_ROWS);
}

static void solve_weights(struct solve *s)
{
    const nfi_ode_problem *p = s->problem;
    const int64_t most = nfi_min(p->n, NFI_ODE_ROWS);
    s->weights = 0.0;
    for (int64_t j = 0; j < p->dim; j++) {
        const double w = p->scale ? p->scale[j] : 1.0;
        if (w != 0.0) s->weights += 1.0;
        for (int64_t i = 0; i < most; i++) s->weight[i * p->dim + j] = w;
    }
    if (s->weights == 0.0) s->weights = 1.0;
}

/* The longest step not longer than wanted that fits a whole number of times; round-off in the quotient adds no step. */
static double solve_fixed_step(const nfi_ode_problem *p)
{
    const double span = p->t1 - p->t0, wanted = p->config.step;
    const double steps = wanted > 0.0 ? -nfi_floor(-magnitude(span) / wanted * (1.0 - 16.0 * DBL_EPSILON)) : 1.0;
    return steps > 1.0 ? span / steps : span;
}

static void solve_leave(struct solve *s, int64_t i, nf_status status)
{
    nfi_ode_end *end = &s->end[s->row[i]];
    end->status = status;
    end->t = s->t[i];
    end->h = s->h[i];
    s->place[i].leaves = 1;
}

/* Is there a next step, and how long may it be? */
static void solve_plan(struct solve *s, int64_t i)
{
    const nfi_ode_config *config = &s->problem->config;
    const nfi_ode_end *end = &s->end[s->row[i]];
    const double left = s->problem->t1 - s->t[i];
    if (config->step_most > 0.0 && s->method->adaptive && magnitude(s->h[i]) > config->step_most)
        s->h[i] = s->sign * config->step_most;
    s->place[i].last = magnitude(s->h[i]) * STRETCH >= magnitude(left);
    if (end->accepted + end->rejected >= config->max_steps)
        solve_leave(s, i, NF_ERR_ODE_MAXSTEPS);
    else if (s->place[i].last)
        s->h[i] = left;
    else if (!(magnitude(s->h[i]) > STEP_ULPS * DBL_EPSILON * magnitude(s->t[i])))
        solve_leave(s, i, s->place[i].bad ? NF_ERR_ODE_RHS : NF_ERR_ODE_STEP);
}

/* Rows that leave hand out their y; the last working row takes their place. */
static void solve_compact(struct solve *s)
{
    const int64_t dim = s->problem->dim;
    const size_t bytes = (size_t)dim * sizeof(double);
    for (int64_t i = s->m - 1; i >= 0; i--) {
        if (!s->place[i].leaves) continue;
        const int64_t from = --s->m;
        memcpy(s->rows + s->row[i] * dim, s->y + i * dim, bytes);
        if (from == i) continue;
        memcpy(s->y + i * dim, s->y + from * dim, bytes);
        memcpy(s->k + i * dim, s->k + from * dim, bytes); /* the first stage, of fsal methods */
        s->row[i] = s->row[from];
        s->t[i] = s->t[from];
        s->h[i] = s->h[from];
        s->place[i] = s->place[from];
    }
}

/* norm(v) / sqrt(mean) of a row for the first step, tolerances at y alone */
static double solve_norm(const struct solve *s, const double *y, const double *v)
{
    const nfi_ode_config *config = &s->problem->config;
    double sum = 0.0;
    for (int64_t j = 0; j < s->problem->dim; j++) {
        const double tol = config->atol + config->rtol * magnitude(y[j]);
        const double r = s->weight[j] * v[j] / (tol > DBL_MIN ? tol : DBL_MIN);
        sum += r * r;
    }
    return nfi_sqrt(sum / s->weights);
}

/* x^(1/order) */
static double solve_root(const struct solve *s, double x) { return x > 0.0 ? nfi_exp(nfi_log(x) / s->method->order) : 0.0; }

/* h0 of places from `first`, and y0 + h0 f0 */
static void solve_probe(struct solve *s, int64_t first)
{
    const int64_t dim = s->problem->dim;
    const double span = magnitude(s->problem->t1 - s->problem->t0);
    for (int64_t i = first; i < s->m; i++) {
        const double *y = s->y + i * dim, *f = s->k + i * dim;
        const double d0 = solve_norm(s, y, y), d1 = solve_norm(s, y, f);
        const double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
        s->h[i] = s->sign * (h0 < span ? h0 : span);
        s->stage_t[i] = s->t[i] + s->h[i];
        for (int64_t j = 0; j < dim; j++) s->stage[i * dim + j] = y[j] + s->h[i] * f[j];
    }
}

/* min(100 h0, h1) from f at the probe, in error; h0 where that is not finite */
static double solve_first_step(const struct solve *s, int64_t i)
{
    const int64_t dim = s->problem->dim;
    const double *y = s->y + i * dim, *f = s->k + i * dim, h0 = magnitude(s->h[i]);
    double *turn = s->error + i * dim;
    for (int64_t j = 0; j < dim; j++) turn[j] -= f[j];
    const double d1 = solve_norm(s, y, f), d2 = solve_norm(s, y, turn) / h0;
    if (!is_finite(d2)) return h0;
    const double d = d1 > d2 ? d1 : d2;
    const double h1 = d <= 1e-15 ? h0 : solve_root(s, 0.01 / d);
    return 100.0 * h0 < h1 ? 100.0 * h0 : h1;
}

static void solve_choose_steps(struct solve *s, int64_t first)
{
    const nfi_ode_problem *p = s->problem;
    const int64_t at = first * p->dim;
    solve_probe(s, first);
    p->eval(p->user, s->m - first, s->row + first, s->stage_t + first, s->stage + at, s->error + at);
    for (int64_t i = first; i < s->m; i++) {
        s->end[s->row[i]].evaluations++;
        s->h[i] = s->sign * solve_first_step(s, i);
    }
}

/* f(t0, y0) is the first stage of fsal methods. */
static void solve_first_stage(struct solve *s, int64_t first)
{
    const nfi_ode_problem *p = s->problem;
    const int64_t dim = p->dim;
    p->eval(p->user, s->m - first, s->row + first, s->t + first, s->y + first * dim, s->k + first * dim);
    for (int64_t i = first; i < s->m; i++) {
        double check = 0.0;
        for (int64_t j = 0; j < dim; j++) check += 0.0 * s->k[i * dim + j] + 0.0 * s->y[i * dim + j];
        s->end[s->row[i]].evaluations++;
        if (!is_finite(check)) solve_leave(s, i, NF_ERR_ODE_RHS);
    }
    solve_compact(s);
}

static void solve_enter(struct solve *s)
{
    const nfi_ode_problem *p = s->problem;
    const int64_t i = s->m++, row = s->next++;
    s->row[i] = row;
    s->t[i] = p->t0;
    s->h[i] = s->method->adaptive ? s->sign * p->config.step : s->fixed;
    s->place[i] = (struct solve_place){ .bad = 0 };
    memcpy(s->y + i * p->dim, s->rows + row * p->dim, (size_t)p->dim * sizeof(double));
}

static void solve_refill(struct solve *s)
{
    const int64_t first = s->m;
    while (s->m < NFI_ODE_ROWS && s->next < s->problem->n) solve_enter(s);
    if (s->method->fsal) solve_first_stage(s, first);
    if (s->method->adaptive && !(s->problem->config.step > 0.0) && s->m > first) solve_choose_steps(s, first);
    for (int64_t i = first; i < s->m; i++) solve_plan(s, i);
    solve_compact(s);
}

static void solve_stages(struct solve *s)
{
    const nfi_ode_problem *p = s->problem;
    const nfi_ode_method *method = s->method;
    const int64_t count = s->m * p->dim;
    nfi_ode_spread(s->m, p->dim, s->h, s->spread);
    for (int32_t k = method->fsal; k < method->stages; k++) {
        for (int64_t i = 0; i < s->m; i++) s->stage_t[i] = s->t[i] + method->c[k] * s->h[i];
        nfi_ode_stage(method, k, count, s->k, s->stride, s->spread, s->y, s->stage);
        p->eval(p->user, s->m, s->row, s->stage_t, s->stage, s->k + k * s->stride);
    }
    if (!method->fsal) /* else stage is y1 already */
        nfi_ode_stage(method, method->stages, count, s->k, s->stride, s->spread, s->y, s->stage);
}

/* check: y1, or not finite where any stage is not: one without weight reaches y1 through later ones only, which may hide it. */
static void solve_check(struct solve *s)
{
    nfi_ode_terms all = { .count = s->method->stages };
    for (int32_t k = 0; k < all.count; k++) all.k[k] = s->k + k * s->stride; /* with zero coefficients */
    nfi_ode_combine(&all, s->m * s->problem->dim, s->spread, s->stage, s->check);
}

/* error: (w error / tol)^2, or not a number where check is not finite */
static void solve_ratios(struct solve *s)
{
    const nfi_ode_config *config = &s->problem->config;
    const int64_t count = s->m * s->problem->dim;
    const double *y = s->y, *y1 = s->stage, *check = s->check, *w = s->weight, *h = s->spread;
    double *error = s->error;
    nfi_ode_terms terms = { .count = 0 };
    for (int32_t k = 0; k < s->method->stages; k++) nfi_ode_terms_add(&terms, s->method->e[k], s->k + k * s->stride);
    nfi_ode_combine(&terms, count, h, NULL, error);
    for (int64_t e = 0; e < count; e++) {
        const double a = magnitude(y[e]), b = magnitude(y1[e]);
        const double tol = config->atol + config->rtol * (a > b ? a : b);
        const double r = w[e] * error[e] / (tol > DBL_MIN ? tol : DBL_MIN);
        error[e] = r * r + (check[e] - check[e]);
    }
}

/* Mean square of the error of a row in tolerances; not a number where the step is not finite. Fixed steps have none. */
static double solve_measure(const struct solve *s, int64_t i)
{
    const int64_t dim = s->problem->dim;
    const double *error = s->error + i * dim, *check = s->check + i * dim;
    double sum = 0.0;
    if (s->method->adaptive)
        for (int64_t j = 0; j < dim; j++) sum += error[j];
    else
        for (int64_t j = 0; j < dim; j++) sum += check[j] - check[j];
    return sum / s->weights;
}

/* 0.9 en^(-1/order) from en^2 */
static double solve_factor(const struct solve *s, double square)
{
    if (!(square > 0.0)) return FACTOR_MOST;
    const double factor = SAFETY * nfi_exp(-0.5 * nfi_log(square) / s->method->order);
    return factor < FACTOR_LEAST ? FACTOR_LEAST : factor > FACTOR_MOST ? FACTOR_MOST : factor;
}

static void solve_reject(struct solve *s, int64_t i, double factor)
{
    s->end[s->row[i]].rejected++;
    s->h[i] *= factor;
    solve_plan(s, i);
}

/* A fixed step is not tried again: it would be another method. */
static void solve_not_finite(struct solve *s, int64_t i)
{
    const int64_t most = s->method->adaptive ? s->problem->config.max_rejects : 0;
    if (++s->place[i].bad <= most) {
        solve_reject(s, i, FACTOR_LEAST);
        return;
    }
    s->end[s->row[i]].rejected++;
    solve_leave(s, i, NF_ERR_ODE_RHS);
}

static void solve_accept(struct solve *s, int64_t i, double factor)
{
    const nfi_ode_problem *p = s->problem;
    const size_t bytes = (size_t)p->dim * sizeof(double);
    const int64_t at = i * p->dim;
    if (p->accepted) p->accepted(p->user, s->row[i], s->t[i], s->h[i], s->y + at, s->k + at, s->stride);
    s->end[s->row[i]].accepted++;
    s->place[i].bad = 0;
    memcpy(s->y + at, s->stage + at, bytes);
    if (s->method->fsal) memcpy(s->k + at, s->k + (s->method->stages - 1) * s->stride + at, bytes);
    s->t[i] = s->place[i].last ? p->t1 : s->t[i] + s->h[i];
    if (s->place[i].last) {
        solve_leave(s, i, NF_OK);
        return;
    }
    s->h[i] *= factor;
    solve_plan(s, i);
}

static void solve_judge(struct solve *s, int64_t i)
{
    const double square = solve_measure(s, i);
    s->end[s->row[i]].evaluations += s->method->stages - s->method->fsal;
    if (square != square) {
        solve_not_finite(s, i);
    } else if (!s->method->adaptive) {
        solve_accept(s, i, 1.0);
    } else {
        const double factor = solve_factor(s, square);
        if (square > 1.0)
            solve_reject(s, i, factor);
        else
            solve_accept(s, i, factor > 1.0 ? factor : 1.0);
    }
}

static void solve_round(struct solve *s)
{
    solve_stages(s);
    solve_check(s);
    if (s->method->adaptive) solve_ratios(s);
    for (int64_t i = 0; i < s->m; i++) solve_judge(s, i);
    if (s->problem->judged) s->problem->judged(s->problem->user);
    solve_compact(s);
}

void nfi_ode_solve(const nfi_ode_problem *problem, double *y, nfi_ode_end *end, void *scratch)
{
    struct solve s = { .problem = problem, .method = problem->config.method, .rows = y, .end = end };
    for (int64_t i = 0; i < problem->n; i++) end[i] = (nfi_ode_end){ .status = NF_OK, .t = problem->t1 };
    if (problem->t0 == problem->t1) return;

    s.sign = problem->t1 < problem->t0 ? -1.0 : 1.0;
    s.fixed = solve_fixed_step(problem);
    solve_carve(&s, problem->dim, scratch);
    solve_weights(&s);
    while (s.m > 0 || s.next < problem->n) {
        if (s.next < problem->n && (s.m == 0 || NFI_ODE_ROWS - s.m >= REFILL)) solve_refill(&s);
        if (s.m > 0) solve_round(&s);
    }
}
