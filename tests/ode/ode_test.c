/* SPDX-License-Identifier: MIT
 *
 * ode_test.c - integrators: order conditions, orders seen, a zoo of fields, rows that must not see each other, gradients of steps
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "ode/ode.h"

#define METHODS 6
#define ADAPTIVE 3 /* the first ones */
#define MOST_ROWS 1000
#define MOST_DIM 4
#define MOST_STEPS 4096
#define CANARY 64 /* bytes behind the scratch */

/* of lib/ode/solve.c */
#define CHECK_Y 2.4825797012
#define CHECK_ACCEPTED 7
#define CHECK_REJECTED 1
#define CHECK_EVALUATIONS 50

typedef void field_of(double t, int64_t dim, double p, const double *y, double *dy);

struct world { /* user of a problem */
    field_of *field;
    double p;             /* of all rows, where params is NULL */
    const double *params; /* [rows] */
    int64_t dim, calls;
    int64_t watched, steps; /* a row whose accepted steps are kept */
    double t[MOST_STEPS], h[MOST_STEPS], y[MOST_STEPS][MOST_DIM];
};

static struct world world; /* large: not on the stack */

static void growth(double t, int64_t dim, double p, const double *y, double *dy)
{
    (void)t;
    for (int64_t j = 0; j < dim; j++) dy[j] = p * y[j];
}
static void swing(double t, int64_t dim, double p, const double *y, double *dy) /* y0 exp(p sin t) */
{
    for (int64_t j = 0; j < dim; j++) dy[j] = p * y[j] * cos(t);
}
static void rotation(double t, int64_t dim, double p, const double *y, double *dy)
{
    (void)t, (void)dim;
    dy[0] = -p * y[1];
    dy[1] = p * y[0];
}
static void stiff(double t, int64_t dim, double p, const double *y, double *dy)
{
    for (int64_t j = 0; j < dim; j++) dy[j] = -p * (y[j] - cos(t));
}
static void square(double t, int64_t dim, double p, const double *y, double *dy)
{
    (void)t;
    for (int64_t j = 0; j < dim; j++) dy[j] = p * y[j] * y[j];
}
static void jump(double t, int64_t dim, double p, const double *y, double *dy) /* y0 + t, from 0.3 on y0 + 0.3 - p (t - 0.3) */
{
    (void)y;
    for (int64_t j = 0; j < dim; j++) dy[j] = t < 0.3 ? 1.0 : -p;
}
static void nothing(double t, int64_t dim, double p, const double *y, double *dy)
{
    (void)t, (void)p, (void)y;
    for (int64_t j = 0; j < dim; j++) dy[j] = 0.0;
}
static void late_nan(double t, int64_t dim, double p, const double *y, double *dy)
{
    for (int64_t j = 0; j < dim; j++) dy[j] = t > p ? NAN : -y[j];
}
static void late_inf(double t, int64_t dim, double p, const double *y, double *dy)
{
    for (int64_t j = 0; j < dim; j++) dy[j] = t > p ? INFINITY : -y[j];
}
static void hidden_nan(double t, int64_t dim, double p, const double *y,
                       double *dy) /* not finite where the argument is the least too large */
{
    (void)t;
    for (int64_t j = 0; j < dim; j++) dy[j] = fabs(y[j]) > p ? NAN : 1.0;
}
static void window(double t, int64_t dim, double p, const double *y,
                   double *dy) /* not finite near t = p, but blind to such arguments */
{
    (void)y;
    for (int64_t j = 0; j < dim; j++) dy[j] = fabs(t - p) < 1e-3 ? NAN : 1.0;
}
static void flaky(double t, int64_t dim, double p, const double *y, double *dy) /* not finite in two of five steps of p stages */
{
    (void)t;
    for (int64_t j = 0; j < dim; j++) dy[j] = (world.calls - 3) / (int64_t)p % 5 >= 3 ? NAN : -y[j];
}
static void huge_field(double t, int64_t dim, double p, const double *y, double *dy)
{
    (void)t, (void)y;
    for (int64_t j = 0; j < dim; j++) dy[j] = p;
}
static void net(double t, int64_t dim, double p, const double *y, double *dy) /* smooth, coupled, depends on t */
{
    for (int64_t j = 0; j < dim; j++) dy[j] = p * (sin(y[(j + 1) % dim] + t) + 0.3 * cos(2.0 * y[j]));
}
static void net_vjp(double t, int64_t dim, double p, const double *y, const double *gk, double *gy)
{
    for (int64_t j = 0; j < dim; j++) gy[j] = -0.6 * p * sin(2.0 * y[j]) * gk[j];
    for (int64_t j = 0; j < dim; j++) gy[(j + 1) % dim] += p * cos(y[(j + 1) % dim] + t) * gk[j];
}
static void mixed(double t, int64_t dim, double p, const double *y,
                  double *dy) /* the harder the larger p; over 1000 it explodes; nan: no number */
{
    if (p > 1000.0)
        square(t, dim, 2.0, y, dy);
    else
        stiff(t, dim, p, y, dy);
    if (isnan(p)) dy[0] = p;
}

static void world_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    struct world *w = user;
    ck_assert(n >= 1 && n <= NFI_ODE_ROWS);
    w->calls++;
    for (int64_t i = 0; i < n; i++) w->field(t[i], w->dim, w->params ? w->params[row[i]] : w->p, y + i * w->dim, dy + i * w->dim);
}

static void world_accepted(void *user, int64_t row, double t, double h, const double *y, const double *k, int64_t stride)
{
    struct world *w = user;
    (void)k, (void)stride;
    if (row != w->watched || w->steps >= MOST_STEPS) return;
    w->t[w->steps] = t;
    w->h[w->steps] = h;
    memcpy(w->y[w->steps++], y, (size_t)w->dim * sizeof *y);
}

static double draw(uint64_t index) { return 2.0 * nfi_uniform(4711, NFI_STREAM_CHECK, index) - 1.0; }

static void *memory(int64_t bytes)
{
    char *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + CANARY, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xFF, (size_t)(bytes + CANARY)); /* not a number, for those who read before they write */
    return p;
}

static void release(void *memory_of, int64_t bytes)
{
    const unsigned char *p = memory_of;
    for (int64_t i = bytes; i < bytes + CANARY; i++)
        ck_assert_msg(p[i] == 0xFF, "byte %lld behind the scratch was written", (long long)i);
    free(memory_of);
}

static nfi_ode_problem problem_of(int32_t method, field_of *field, double p, int64_t dim)
{
    world.field = field;
    world.p = p;
    world.params = NULL;
    world.dim = dim;
    world.calls = world.steps = world.watched = 0;
    return (nfi_ode_problem){
        .config = { .method = nfi_ode_method_at(method), .rtol = 1e-6, .atol = 1e-6, .max_steps = 1000, .max_rejects = 10 },
        .n = 1,
        .dim = dim,
        .t0 = 0.0,
        .t1 = 1.0,
        .eval = world_eval,
        .user = &world,
        .accepted = world_accepted
    };
}

static void solve(const nfi_ode_problem *problem, double *y, nfi_ode_end *end)
{
    const int64_t bytes = nfi_ode_scratch_bytes(problem->dim);
    void *scratch = memory(bytes);
    memset(end, 0xA5, (size_t)problem->n * sizeof *end);
    nfi_ode_solve(problem, y, end, scratch);
    release(scratch, bytes);
}

static void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.15g, should be %.15g", what, (long long)k, got,
                  want);
}

/* Order conditions: products of a with vectors, and sums against weights. */
static void times_a(const nfi_ode_method *m, const double *v, double *out)
{
    for (int32_t i = 0; i < m->stages; i++) {
        out[i] = 0.0;
        for (int32_t j = 0; j < i; j++) out[i] += m->a[i * m->stages + j] * v[j];
    }
}
static double weigh(const nfi_ode_method *m, const double *b, const double *u, const double *v)
{
    double sum = 0.0;
    for (int32_t i = 0; i < m->stages; i++) sum += b[i] * u[i] * v[i];
    return sum;
}

/* Defects of all conditions up to order 5 (Hairer, Norsett, Wanner, II.2), by order; exact: the right sides times that. */
static double defect(const nfi_ode_method *m, const double *b, int32_t order, double exact)
{
    double one[7] = { 0 }, c2[7] = { 0 }, c3[7] = { 0 }, cac[7] = { 0 };
    double ac[7], ac2[7], ac3[7], aac[7], aac2[7], aaac[7], acac[7], most = 0.0;
    const double *c = m->c;
    for (int32_t i = 0; i < m->stages; i++) one[i] = 1.0, c2[i] = c[i] * c[i], c3[i] = c2[i] * c[i];
    times_a(m, c, ac), times_a(m, c2, ac2), times_a(m, c3, ac3), times_a(m, ac, aac), times_a(m, ac2, aac2),
        times_a(m, aac, aaac);
    for (int32_t i = 0; i < m->stages; i++) cac[i] = c[i] * ac[i];
    times_a(m, cac, acac);
    const struct {
        int32_t order;
        const double *u, *v;
        double right;
    } trees[] = {
        { 1, one, one, 1.0 },        { 2, c, one, 1.0 / 2 },    { 3, c2, one, 1.0 / 3 },    { 3, ac, one, 1.0 / 6 },
        { 4, c3, one, 1.0 / 4 },     { 4, c, ac, 1.0 / 8 },     { 4, ac2, one, 1.0 / 12 },  { 4, aac, one, 1.0 / 24 },
        { 5, c2, c2, 1.0 / 5 },      { 5, c2, ac, 1.0 / 10 },   { 5, ac, ac, 1.0 / 20 },    { 5, c, ac2, 1.0 / 15 },
        { 5, c, aac, 1.0 / 30 },     { 5, ac3, one, 1.0 / 20 }, { 5, acac, one, 1.0 / 40 }, { 5, aac2, one, 1.0 / 60 },
        { 5, aaac, one, 1.0 / 120 },
    };
    for (size_t k = 0; k < sizeof trees / sizeof *trees; k++)
        if (trees[k].order == order) most = fmax(most, fabs(weigh(m, b, trees[k].u, trees[k].v) - exact * trees[k].right));
    return most;
}

START_TEST(ode__methods_fulfil_their_order_conditions)
{
    static const char *const names[METHODS] = { "dopri5", "tsit5", "bosh3", "rk4", "midpoint", "euler" };
    const nfi_ode_method *m = nfi_ode_method_at(_i);
    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(m->name, names[_i - 1]);
    ck_assert(m->stages >= 1 && m->stages <= NFI_ODE_STAGES);
    for (int32_t i = 0; i < m->stages; i++) {
        double sum = 0.0;
        for (int32_t j = 0; j < m->stages; j++) {
            if (j >= i) ck_assert(m->a[i * m->stages + j] == 0.0);
            sum += m->a[i * m->stages + j];
        }
        near(sum, m->c[i], 2e-14, "row sum", i);
        if (m->fsal) ck_assert(m->a[(m->stages - 1) * m->stages + i] == m->b[i]);
    }
    for (int32_t order = 1; order <= m->order; order++)
        ck_assert_msg(defect(m, m->b, order, 1.0) < 1e-14, "%s: order %d", m->name, (int)order);
    if (m->order < 5) ck_assert(defect(m, m->b, m->order + 1, 1.0) > 1e-3);
    ck_assert_int_eq(m->adaptive, m->e != NULL);
    if (!m->adaptive) return;
    ck_assert_int_eq(m->fsal, 1);
    for (int32_t order = 1; order < m->order; order++)
        ck_assert_msg(defect(m, m->e, order, 0.0) < 1e-14, "%s: e, order %d", m->name, (int)order);
    ck_assert(defect(m, m->e, m->order, 0.0) > 1e-5);
}
END_TEST

START_TEST(ode__table_ends)
{
    ck_assert_ptr_null(nfi_ode_method_at(0));
    ck_assert_ptr_null(nfi_ode_method_at(-1));
    ck_assert_ptr_null(nfi_ode_method_at(METHODS + 1));
}
END_TEST

/* |error| at t = 1.2 of y' = y cos t with steps of a length, which adaptive methods take where nothing is rejected */
static double error_with_steps(int32_t method, int64_t steps)
{
    nfi_ode_problem p = problem_of(method, swing, 1.0, 1);
    nfi_ode_end end;
    double y = 1.0;
    p.t1 = 1.2;
    p.config.atol = 1e300;
    p.config.step = p.config.step_most = 1.2 / (double)steps;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_OK);
    ck_assert_int_eq(end.accepted, steps);
    ck_assert(end.t == 1.2);
    return fabs(y - exp(sin(1.2)));
}

START_TEST(ode__order_of_convergence)
{
    const nfi_ode_method *m = nfi_ode_method_at(_i);
    const double coarse = error_with_steps(_i, 24), fine = error_with_steps(_i, 48), order = log2(coarse / fine);
    ck_assert_msg(fabs(order - m->order) < 0.3, "%s: %.3g and %.3g, order %.3g", m->name, coarse, fine, order);
}
END_TEST

START_TEST(ode__errors_follow_the_tolerance)
{
    int64_t steps[2] = { 0, 0 };
    for (int k = 0; k < 7; k++) {
        nfi_ode_problem p = problem_of(_i, net, 2.0, 3);
        nfi_ode_end end;
        double y[3] = { 0.3, -0.8, 1.1 }, exact[3] = { 0.3, -0.8, 1.1 };
        const double tol = pow(10.0, -3 - k);
        p.config.max_steps = 100000;
        p.config.rtol = p.config.atol = tol;
        solve(&p, y, &end);
        ck_assert_int_eq(end.status, NF_OK);
        ck_assert(end.t == 1.0);
        if (k == 2) steps[0] = end.accepted;
        if (k == 6) steps[1] = end.accepted;
        p = problem_of(1, net, 2.0, 3);
        p.config.max_steps = 100000;
        p.config.rtol = p.config.atol = 1e-13;
        solve(&p, exact, &end);
        for (int64_t j = 0; j < 3; j++) near(y[j], exact[j], 50.0 * tol, "component", j);
    }
    const double ratio = log((double)steps[1] / (double)steps[0]) / log(1e4) * nfi_ode_method_at(_i)->order;
    ck_assert_msg(ratio > 0.75 && ratio < 1.25, "steps %lld and %lld", (long long)steps[0], (long long)steps[1]);
}
END_TEST

START_TEST(ode__smooth_fields_there_and_back)
{
    static const struct {
        field_of *field;
        double p, t0, t1;
    } cases[] = {
        { growth, 1.0, 0.0, 1.0 }, { growth, -3.0, 0.0, 1.0 },      { rotation, 3.0, 0.0, 2.0 }, { rotation, 1.0, 2.0, -1.5 },
        { swing, 1.0, 0.0, 2.0 },  { growth, 1.0, 1e6, 1e6 + 1.0 }, { nothing, 0.0, 0.0, 5.0 },  { swing, 1.0, 3.0, -1.0 },
        { net, 1.5, -1.0, 1.0 },   { huge_field, 1e-30, 0.0, 1.0 },
    };
    const int method = 1 + _i % ADAPTIVE, k = _i / ADAPTIVE;
    for (double tol = 1e-4; tol > 1e-9; tol *= 1e-2) {
        nfi_ode_problem p = problem_of(method, cases[k].field, cases[k].p, 2);
        nfi_ode_end end;
        double y[2] = { 0.7, -0.4 };
        p.config.rtol = p.config.atol = tol;
        p.config.max_steps = 20000;
        p.t0 = cases[k].t0, p.t1 = cases[k].t1;
        solve(&p, y, &end);
        ck_assert_int_eq(end.status, NF_OK);
        ck_assert(end.t == p.t1);
        const double span = p.t1 - p.t0;
        if (cases[k].field == growth) near(y[0], 0.7 * exp(cases[k].p * span), 50 * tol, "growth", k);
        if (cases[k].field == rotation)
            near(y[1], 0.7 * sin(cases[k].p * span) - 0.4 * cos(cases[k].p * span), 50 * tol, "rotation", k);
        if (cases[k].field == swing) near(y[1], -0.4 * exp(sin(p.t1) - sin(p.t0)), 50 * tol, "swing", k);
        const double swapped = p.t0;
        p.t0 = p.t1, p.t1 = swapped;
        solve(&p, y, &end);
        ck_assert_int_eq(end.status, NF_OK);
        ck_assert(end.t == p.t1);
        near(y[0], 0.7, 50 * tol, "back", 0);
        near(y[1], -0.4, 50 * tol, "back", 1);
    }
}
END_TEST
#define SMOOTH 10

START_TEST(ode__bad_fields_end_in_a_code)
{
    static const struct {
        const char *name;
        field_of *field;
        double p, y0, t1;
        nf_status adaptive, fixed;
    } cases[] = {
        { "stiff 1e2", stiff, 1e2, 1.0, 1.0, NF_OK, 1 },
        { "stiff 1e3", stiff, 1e3, 1.0, 1.0, 2, 1 },
        { "stiff 1e4", stiff, 1e4, 0.0, 1.0, NF_ERR_ODE_MAXSTEPS, 1 },
        { "stiff 1e6", stiff, 1e6, 0.0, 1.0, NF_ERR_ODE_MAXSTEPS, 1 },
        { "stiff 1e8", stiff, 1e8, 0.0, 1.0, NF_ERR_ODE_MAXSTEPS, 1 },
        { "blow-up", square, 1.0, 1.0, 2.0, 3, 1 },
        { "jump", jump, 2.0, 0.5, 1.0, NF_OK, NF_OK },
        { "nan at once", late_nan, -1.0, 1.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "nan after", late_nan, 0.0, 1.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "nan later", late_nan, 0.5, 1.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "inf at once", late_inf, -1.0, 1.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "inf later", late_inf, 0.5, 1.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "nan beyond", hidden_nan, 0.5, 0.0, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "huge", huge_field, 1e200, 0.0, 1.0, 4, 1 },
        { "huger", huge_field, 1.7e308, 1e308, 1.0, 4, 1 },
        { "nan row", growth, 1.0, NAN, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "inf row", nothing, 1.0, INFINITY, 1.0, NF_ERR_ODE_RHS, NF_ERR_ODE_RHS },
        { "endless", swing, 1.0, 1.0, INFINITY, NF_ERR_ODE_MAXSTEPS, 4 },
        { "never", swing, 1.0, 1.0, NAN, 4, 4 },
    }; /* 1: any; 2: NF_OK or MAXSTEPS; 3: any ODE code; 4: any but NF_OK, or NF_OK at a finite t1 */
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nfi_ode_problem p = problem_of(_i, cases[k].field, cases[k].p, 2);
        const int64_t stages = p.config.method->stages;
        nfi_ode_end end;
        double y[2] = { cases[k].y0, cases[k].y0 };
        p.t1 = cases[k].t1;
        p.config.step = p.config.method->adaptive ? 0.0 : 0.01;
        solve(&p, y, &end);
        const nf_status wanted = p.config.method->adaptive ? cases[k].adaptive : cases[k].fixed;
        const bool ode = end.status <= NF_ERR_ODE_MAXSTEPS && end.status >= NF_ERR_ODE_RHS && end.status != NF_ERR_ODE_TOL;
        ck_assert_msg(end.status == NF_OK || ode, "%s: %d", cases[k].name, (int)end.status);
        if (wanted <= NF_OK)
            ck_assert_msg(end.status == wanted, "%s: %d, should be %d", cases[k].name, (int)end.status, (int)wanted);
        if (wanted == 2) ck_assert(end.status == NF_OK || end.status == NF_ERR_ODE_MAXSTEPS);
        if (wanted == 3) ck_assert_msg(ode, "%s: %d", cases[k].name, (int)end.status);
        if (wanted == 4) ck_assert(ode || isfinite(p.t1));
        ck_assert(end.accepted + end.rejected <= 1000 && end.evaluations <= 2 + 1000 * stages && world.calls == end.evaluations);
        ck_assert(end.accepted == world.steps);
        if (!p.config.method->adaptive) ck_assert(end.rejected == (end.status == NF_ERR_ODE_RHS)); /* never again */
        if (end.status == NF_OK)
            ck_assert(end.t == p.t1);
        else
            ck_assert(end.t == (world.steps ? world.t[world.steps - 1] + world.h[world.steps - 1] : 0.0));
        if (isfinite(cases[k].y0)) ck_assert_msg(isfinite(y[0]) && isfinite(y[1]), "%s: y is not finite", cases[k].name);
        if (cases[k].field == jump && p.config.method->adaptive) near(y[1], 0.8 - 1.4, 500e-6, "jump", 0);
        if (cases[k].field == stiff && end.status == NF_OK && p.config.method->adaptive)
            near(y[0], cos(1.0), 2e-2, "stiff", (int64_t)k);
    }
}
END_TEST

START_TEST(ode__stage_that_is_not_finite_rejects_the_step)
{
    const nfi_ode_method *m = nfi_ode_method_at(_i);
    for (int32_t k = 1; k < m->stages; k++) {
        nfi_ode_problem p = problem_of(_i, window, m->c[k], 2);
        nfi_ode_end end;
        double y[2] = { 0.0, 1.0 };
        p.config.step = 1.0;
        solve(&p, y, &end);
        ck_assert_msg(end.rejected >= 1, "%s: not finite in stage %d, and not seen", m->name, (int)k);
        if (world.steps) ck_assert(world.h[0] < 1.0);
        if (!m->adaptive) ck_assert_int_eq(end.status, NF_ERR_ODE_RHS);
    }
}
END_TEST

START_TEST(ode__rejects_count_from_the_last_accepted_step)
{
    nfi_ode_problem p = problem_of(_i, flaky, (double)(nfi_ode_method_at(_i)->stages - 1), 1);
    nfi_ode_end end;
    double y = 1.0;
    p.t1 = 10.0;
    p.config.step_most = 0.5;
    p.config.max_rejects = 2;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_OK);
    ck_assert_msg(end.rejected >= 4, "%d", (int)end.rejected);
    near(y, exp(-10.0), 5e-5, "y", 0);
    p.config.max_rejects = 1;
    world.calls = 0;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_ERR_ODE_RHS);
}
END_TEST

/* One row by the formulas of lib/ode/solve.c, with libm; w: weights, of which none is 0. */
static double twin_norm(const nfi_ode_problem *p, const double *w, const double *y, const double *y1, const double *v)
{
    double sum = 0.0;
    for (int64_t j = 0; j < p->dim; j++)
        sum += pow(w[j] * v[j] / (p->config.atol + p->config.rtol * fmax(fabs(y[j]), fabs(y1[j]))), 2.0);
    return sqrt(sum / (double)p->dim);
}

static double twin_first_step(const nfi_ode_problem *p, const double *w, const double *y, double sign)
{
    double f[MOST_DIM], f1[MOST_DIM], y1[MOST_DIM];
    world.field(p->t0, p->dim, world.p, y, f);
    const double d0 = twin_norm(p, w, y, y, y), d1 = twin_norm(p, w, y, y, f);
    const double h0 = fmin(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1, fabs(p->t1 - p->t0));
    for (int64_t j = 0; j < p->dim; j++) y1[j] = y[j] + sign * h0 * f[j];
    world.field(p->t0 + sign * h0, p->dim, world.p, y1, f1);
    for (int64_t j = 0; j < p->dim; j++) f1[j] -= f[j];
    const double d = fmax(d1, twin_norm(p, w, y, y, f1) / h0);
    return fmin(100.0 * h0, d <= 1e-15 ? fmax(1e-6, 1e-3 * h0) : pow(0.01 / d, 1.0 / p->config.method->order));
}

/* Steps accepted and rejected; y at t1, and the steps against those of `world`. */
static void twin_solve(const nfi_ode_problem *p, const double *w, double *y, int64_t *accepted, int64_t *rejected)
{
    const nfi_ode_method *m = p->config.method;
    const double sign = p->t1 < p->t0 ? -1.0 : 1.0;
    double t = p->t0, h = twin_first_step(p, w, y, sign), k[NFI_ODE_STAGES][MOST_DIM], y1[MOST_DIM], error[MOST_DIM];
    for (*accepted = *rejected = 0; t != p->t1;) {
        const bool last = 1.01 * h >= fabs(p->t1 - t);
        if (last) h = fabs(p->t1 - t);
        for (int32_t i = 0; i < m->stages; i++) {
            for (int64_t d = 0; d < p->dim; d++) {
                y1[d] = y[d];
                for (int32_t j = 0; j < i; j++) y1[d] += sign * h * m->a[i * m->stages + j] * k[j][d];
            }
            world.field(t + sign * m->c[i] * h, p->dim, world.p, y1, k[i]);
        }
        for (int64_t d = 0; d < p->dim; d++) {
            error[d] = 0.0;
            for (int32_t i = 0; i < m->stages; i++) error[d] += h * m->e[i] * k[i][d];
        }
        const double en = twin_norm(p, w, y, y1, error), factor = fmax(0.2, fmin(10.0, 0.9 * pow(en, -1.0 / m->order)));
        if (en <= 1.0) {
            near(world.t[*accepted], t, 1e-7, "t of step", *accepted);
            ck_assert_msg(fabs(world.h[*accepted] - sign * h) < 1e-6 * h, "h of step %lld: %.12g, should be %.12g",
                          (long long)*accepted, world.h[*accepted], sign * h);
            memcpy(y, y1, (size_t)p->dim * sizeof *y);
            t = last ? p->t1 : t + sign * h;
            ++*accepted;
        } else
            ++*rejected;
        h *= en <= 1.0 ? fmax(factor, 1.0) : factor;
    }
}

START_TEST(ode__control_equals_a_plain_twin)
{
    static const struct {
        field_of *field;
        double p, t1, y0;
    } cases[] = {
        { net, 4.0, 2.0, 0.7 },        { net, 4.0, -2.0, 0.7 },       { growth, -3.0, 2.0, 50.0 },
        { growth, 3.0, 1.0, 1.0 },     { stiff, 80.0, 1.0, 0.0 },     { swing, 6.0, 3.0, 1.0 },
        { huge_field, 3.0, 1.0, 0.0 }, { rotation, 9.0, 1.0, 1e-13 }, { square, 1.0, 0.9, 1.0 },
    };
    const double scale[2] = { 1.0, 0.4 }, ones[2] = { 1.0, 1.0 };
    const int method = 1 + _i % ADAPTIVE, k = _i / ADAPTIVE;
    for (int weighed = 0; weighed < 2; weighed++) {
        nfi_ode_problem p = problem_of(method, cases[k].field, cases[k].p, 2);
        nfi_ode_end end;
        double y[2] = { cases[k].y0, -0.3 * cases[k].y0 }, twin[2] = { cases[k].y0, -0.3 * cases[k].y0 };
        int64_t accepted, rejected;
        p.t1 = cases[k].t1;
        p.config.rtol = 1e-5, p.config.atol = 1e-7;
        p.scale = weighed ? scale : NULL;
        solve(&p, y, &end);
        ck_assert_int_eq(end.status, NF_OK);
        twin_solve(&p, weighed ? scale : ones, twin, &accepted, &rejected);
        ck_assert_int_eq(end.accepted, accepted);
        ck_assert_int_eq(end.rejected, rejected);
        for (int64_t j = 0; j < 2; j++) near(y[j], twin[j], 1e-9, "component", j);
    }
}
END_TEST
#define CONTROL 9

START_TEST(ode__failing_row_stops_at_its_last_step)
{
    nfi_ode_problem p = problem_of(_i, late_nan, 0.5, 1);
    nfi_ode_end end;
    double y = 1.0;
    p.config.max_rejects = 4;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_ERR_ODE_RHS);
    ck_assert_msg(end.t > 0.45 && end.t <= 0.5, "t %.17g, h %.3g", end.t, end.h);
    near(y, exp(-end.t), 5e-5, "y at the last step", 0);
    ck_assert_int_eq(end.evaluations, 2 + (p.config.method->stages - 1) * (end.accepted + end.rejected));

    p = problem_of(_i, late_nan, 0.0, 1); /* whatever the step */
    p.config.max_rejects = 4;
    p.config.step = 0.5;
    y = 1.0;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_ERR_ODE_RHS);
    ck_assert(end.t == 0.0 && end.accepted == 0 && end.rejected == 5 && y == 1.0);
    near(end.h, 0.5 * 0.0016, 1e-15, "step tried last", 0);

    p = problem_of(_i, net, 3.0, 1);
    p.config.max_steps = 3;
    p.config.atol = p.config.rtol = 1e-10;
    y = 0.2;
    solve(&p, &y, &end);
    ck_assert_int_eq(end.status, NF_ERR_ODE_MAXSTEPS);
    ck_assert_int_eq(end.accepted + end.rejected, 3);
    ck_assert(end.t > 0.0 && end.t < 1.0);
}
END_TEST

static void same_end(const nfi_ode_end *a, const nfi_ode_end *b, int64_t row)
{
    ck_assert_msg(a->status == b->status && a->t == b->t && (a->h == b->h || (isnan(a->h) && isnan(b->h))) &&
                      a->accepted == b->accepted && a->rejected == b->rejected && a->evaluations == b->evaluations,
                  "row %lld: %d after %lld steps, alone %d after %lld", (long long)row, (int)a->status, (long long)a->accepted,
                  (int)b->status, (long long)b->accepted);
}

START_TEST(ode__rows_do_not_see_each_other)
{
    static const int64_t counts[] = { 1, 2, 127, 128, 129, MOST_ROWS };
    static double params[MOST_ROWS], y0[MOST_ROWS * 3], y[MOST_ROWS * 3], alone[MOST_ROWS * 3];
    static nfi_ode_end end[MOST_ROWS], end_alone[MOST_ROWS];
    const double scale[3] = { 1.0, 0.5, 0.0 };
    int64_t failures = 0;
    for (int64_t i = 0; i < MOST_ROWS; i++) {
        params[i] = i % 97 == 5 ? NAN : i % 31 == 3 ? 2000.0 : i % 11 == 7 ? 600.0 : exp(2.5 + 2.5 * draw((uint64_t)i));
        for (int64_t j = 0; j < 3; j++) y0[3 * i + j] = 1.0 + 0.5 * draw((uint64_t)(5000 + 3 * i + j));
    }
    nfi_ode_problem p = problem_of(_i, mixed, 0.0, 3);
    p.scale = _i == 1 ? scale : NULL;
    p.config.step = p.config.method->adaptive ? 0.0 : 0.01;
    p.config.max_steps = 200;
    memcpy(alone, y0, sizeof alone);
    for (int64_t i = 0; i < MOST_ROWS; i++) {
        world.params = params + i;
        solve(&p, alone + 3 * i, end_alone + i);
        failures += end_alone[i].status != NF_OK;
    }
    ck_assert(failures > 10 && failures < 500);
    world.params = params;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        memcpy(y, y0, sizeof y);
        p.n = counts[k];
        solve(&p, y, end);
        for (int64_t i = 0; i < p.n; i++) {
            same_end(end + i, end_alone + i, i);
            ck_assert_msg(memcmp(y + 3 * i, alone + 3 * i, 3 * sizeof *y) == 0, "row %lld of %lld differs", (long long)i,
                          (long long)p.n);
        }
        ck_assert(memcmp(y + 3 * p.n, y0 + 3 * p.n, (size_t)(MOST_ROWS - p.n) * 3 * sizeof *y) == 0);
    }
}
END_TEST

START_TEST(ode__rows_share_evaluations)
{
    static double y[MOST_ROWS], params[MOST_ROWS];
    static nfi_ode_end end[MOST_ROWS];
    nfi_ode_problem p = problem_of(1, swing, 1.0, 1);
    int64_t evaluations = 0;
    world.params = params;
    p.n = MOST_ROWS;
    for (int64_t i = 0; i < p.n; i++) y[i] = 1.0 + 0.3 * draw((uint64_t)i), params[i] = 1.0 + (double)(i % 9);
    solve(&p, y, end);
    for (int64_t i = 0; i < p.n; i++) evaluations += end[i].evaluations;
    ck_assert_msg(world.calls * 90 < evaluations, "%lld calls for %lld evaluations, best %lld", (long long)world.calls,
                  (long long)evaluations, (long long)evaluations / NFI_ODE_ROWS);
}
END_TEST

START_TEST(ode__no_way_to_go)
{
    nfi_ode_problem p = problem_of(_i, late_nan, -1.0, 2);
    nfi_ode_end end;
    double y[2] = { 0.25, -0.0 };
    p.t0 = p.t1 = 0.3;
    solve(&p, y, &end);
    ck_assert_int_eq(end.status, NF_OK);
    ck_assert(end.t == 0.3 && end.accepted == 0 && end.rejected == 0 && end.evaluations == 0 && world.calls == 0);
    ck_assert(y[0] == 0.25 && y[1] == 0.0 && signbit(y[1]));
    p.n = 0; /* nor anyone to go */
    p.t1 = 1.0;
    solve(&p, y, &end);
    ck_assert_int_eq(world.calls, 0);
}
END_TEST

START_TEST(ode__accepted_sees_every_step)
{
    nfi_ode_problem p = problem_of(_i, net, 4.0, 3);
    nfi_ode_end end;
    double y[3] = { 0.3, -0.8, 1.1 };
    p.config.step = p.config.method->adaptive ? 0.0 : 0.03;
    p.t0 = 0.5, p.t1 = -1.0;
    solve(&p, y, &end);
    ck_assert_int_eq(end.status, NF_OK);
    ck_assert(world.steps == end.accepted && world.steps > 5);
    ck_assert(world.t[0] == 0.5 && world.y[0][0] == 0.3 && world.y[0][2] == 1.1);
    for (int64_t k = 0; k < world.steps; k++) {
        ck_assert(world.h[k] < 0.0);
        if (k) ck_assert(world.t[k] == world.t[k - 1] + world.h[k - 1]);
    }
    ck_assert(world.h[world.steps - 1] == p.t1 - world.t[world.steps - 1] && end.h == world.h[world.steps - 1]);
    if (!p.config.method->adaptive) {
        ck_assert_int_eq(world.steps, 50);
        for (int64_t k = 0; k < 50; k++) near(world.h[k], -0.03, 1e-13, "step", k);
    }
}
END_TEST

START_TEST(ode__fixed_steps_fill_the_way)
{
    static const struct {
        double span, step;
        int64_t steps;
    } cases[] = { { 1.0, 0.3, 4 }, { 1.0, 0.1, 10 },    { 0.3, 0.1, 3 },    { 1.0, 2.0, 1 },
                  { 1.0, 0.0, 1 }, { 0.7, 0.007, 100 }, { 1.0, 1.0 / 3, 3 } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (double sign = -1.0; sign < 2.0; sign += 2.0) {
            nfi_ode_problem p = problem_of(_i, swing, 1.0, 1);
            nfi_ode_end end;
            double y = 1.0;
            p.t1 = sign * cases[k].span;
            p.config.step = cases[k].step;
            solve(&p, &y, &end);
            ck_assert_int_eq(end.status, NF_OK);
            ck_assert_int_eq(end.accepted, cases[k].steps);
            ck_assert_int_eq(end.evaluations, cases[k].steps * p.config.method->stages);
            ck_assert(end.t == p.t1);
        }
    nfi_ode_problem p = problem_of(_i, growth, 1.0, 1); /* t0 + (t1 - t0) is 0 here */
    nfi_ode_end end;
    double y = 1.0;
    p.t0 = 0.1, p.t1 = 1e-20;
    solve(&p, &y, &end);
    ck_assert(end.status == NF_OK && end.t == 1e-20);
}
END_TEST

START_TEST(ode__first_and_longest_step)
{
    nfi_ode_problem p = problem_of(_i, swing, 1.0, 1);
    nfi_ode_end end;
    double y = 1.0;
    p.config.step = 1e-3;
    p.config.step_most = 0.02;
    p.t1 = -1.0;
    solve(&p, &y, &end);
    ck_assert(world.h[0] == -1e-3);
    for (int64_t k = 0; k < world.steps; k++) ck_assert(world.h[k] >= -0.02 * 1.01 && world.h[k] < 0.0);
    ck_assert(end.accepted >= 50 && end.accepted < 60);
    ck_assert_int_eq(end.evaluations, 1 + (p.config.method->stages - 1) * (end.accepted + end.rejected));
}
END_TEST

static void two_speeds(double t, int64_t dim, double p, const double *y, double *dy)
{
    net(t, 1, p, y, dy);
    for (int64_t j = 1; j < dim; j++) dy[j] = 40.0 * cos(40.0 * t);
}

START_TEST(ode__components_without_weight_do_not_steer)
{
    const double scale[3] = { 1.0, 0.0, 0.0 }, large[3] = { 1e3, 1e3, 1e3 };
    nfi_ode_problem p = problem_of(_i, net, 2.0, 1);
    nfi_ode_end end, other;
    double one = 0.4, three[3] = { 0.4, 0.0, 0.0 };
    solve(&p, &one, &end);
    p = problem_of(_i, two_speeds, 2.0, 3);
    p.scale = scale;
    solve(&p, three, &other);
    ck_assert_int_eq(other.status, NF_OK);
    ck_assert(one == three[0]);
    same_end(&other, &end, 0);

    p = problem_of(_i, net, 2.0, 3); /* weights of 1000 are tolerances of a thousandth */
    memcpy(three, (const double[3]){ 0.4, 0.1, 0.2 }, sizeof three);
    p.scale = large;
    solve(&p, three, &end);
    p.scale = NULL;
    p.config.rtol = p.config.atol = 1e-9;
    solve(&p, (double[3]){ 0.4, 0.1, 0.2 }, &other);
    ck_assert(llabs(other.accepted - end.accepted) <= 1 && end.accepted > 5);
}
END_TEST

/* A plain step, for one row. */
static void twin_step(const nfi_ode_method *m, field_of *field, double p, int64_t dim, double t, double h, double *y)
{
    double k[NFI_ODE_STAGES][MOST_DIM], at[MOST_DIM];
    for (int32_t i = 0; i < m->stages; i++) {
        for (int64_t d = 0; d < dim; d++) {
            at[d] = y[d];
            for (int32_t j = 0; j < i; j++) at[d] += h * m->a[i * m->stages + j] * k[j][d];
        }
        field(t + m->c[i] * h, dim, p, at, k[i]);
    }
    for (int32_t i = 0; i < m->stages; i++)
        for (int64_t d = 0; d < dim; d++) y[d] += h * m->b[i] * k[i][d];
}

static void twin_path(const nfi_ode_method *m, double p, const double *y0, double *y)
{
    memcpy(y, y0, (size_t)world.dim * sizeof *y);
    for (int64_t k = 0; k < world.steps; k++) twin_step(m, net, p, world.dim, world.t[k], world.h[k], y);
}

START_TEST(ode__steps_equal_a_plain_twin)
{
    nfi_ode_problem p = problem_of(_i, net, 2.0, 3);
    nfi_ode_end end;
    double y[3] = { 0.3, -0.8, 1.1 }, twin[3];
    p.config.step = p.config.method->adaptive ? 0.0 : 0.02;
    solve(&p, y, &end);
    twin_path(p.config.method, 2.0, (const double[3]){ 0.3, -0.8, 1.1 }, twin);
    for (int64_t j = 0; j < 3; j++) near(y[j], twin[j], 1e-14, "component", j);
}
END_TEST

/* Fields of step_back: those of net, with a parameter for each row; stages are counted. */
struct reverse {
    const double *params;
    int64_t dim, seen[NFI_ODE_STAGES], reversed[NFI_ODE_STAGES];
};
static void reverse_eval(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    struct reverse *r = user;
    r->seen[stage]++;
    for (int64_t i = 0; i < n; i++) net(t[i], r->dim, r->params[row[i]], y + i * r->dim, dy + i * r->dim);
}
static void reverse_vjp(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y,
                        const double *gk, double *gy)
{
    struct reverse *r = user;
    r->reversed[stage]++;
    for (int32_t later = stage + 1; later < NFI_ODE_STAGES; later++) ck_assert_int_eq(r->seen[later], r->reversed[later]);
    for (int64_t i = 0; i < n; i++) net_vjp(t[i], r->dim, r->params[row[i]], y + i * r->dim, gk + i * r->dim, gy + i * r->dim);
}

/* dL/dy0 of L = sum_j w_j y_j(t1) along the steps of `world`: one step of one row after the other */
static void back_path(struct reverse *r, const nfi_ode_method *m, const int64_t *row, double *g)
{
    const int64_t bytes = nfi_ode_back_bytes(r->dim);
    void *scratch = memory(bytes);
    for (int64_t k = world.steps - 1; k >= 0; k--) {
        const nfi_ode_back back = { .method = m,
                                    .n = 1,
                                    .dim = r->dim,
                                    .row = row,
                                    .t = world.t + k,
                                    .h = world.h + k,
                                    .y = world.y[k],
                                    .g = g,
                                    .eval = reverse_eval,
                                    .vjp = reverse_vjp,
                                    .user = r };
        nfi_ode_step_back(&back, scratch);
    }
    release(scratch, bytes);
}

START_TEST(ode__step_back_matches_central_differences)
{
    const int method = 1 + _i % METHODS;
    const int64_t dim = 1 + _i / METHODS, row = 1;
    const double params[2] = { NAN, 2.0 }, step = 1e-5;
    nfi_ode_problem p = problem_of(method, net, 2.0, dim);
    nfi_ode_end end;
    double y0[MOST_DIM], y[MOST_DIM], g[MOST_DIM], up[MOST_DIM], down[MOST_DIM];
    for (int64_t j = 0; j < dim; j++) y0[j] = y[j] = draw((uint64_t)j), g[j] = 1.0 + 0.2 * (double)j;
    p.config.step = p.config.method->adaptive ? 0.0 : 0.05;
    if (dim == 2) p.t0 = 1.0, p.t1 = -0.5; /* steps backward in time, too */
    solve(&p, y, &end);
    ck_assert(world.steps > 2);
    struct reverse r = { .params = params, .dim = dim };
    back_path(&r, p.config.method, &row, g);
    for (int64_t j = 0; j < dim; j++) {
        const double kept = y0[j];
        double slope = 0.0;
        y0[j] = kept + step, twin_path(p.config.method, 2.0, y0, up);
        y0[j] = kept - step, twin_path(p.config.method, 2.0, y0, down);
        y0[j] = kept;
        for (int64_t d = 0; d < dim; d++) slope += (1.0 + 0.2 * (double)d) * (up[d] - down[d]) / (2.0 * step);
        near(g[j], slope, 1e-8, "slope", j);
    }
    for (int32_t i = 0; i < p.config.method->stages; i++) {
        const bool idle = (p.config.method->fsal && i == p.config.method->stages - 1); /* y1 does not depend on it */
        ck_assert_int_eq(r.seen[i], idle ? 0 : world.steps);
        ck_assert_int_eq(r.reversed[i], r.seen[i]);
    }
}
END_TEST

START_TEST(ode__step_back_of_many_rows_is_that_of_each)
{
    static double params[NFI_ODE_ROWS], t[NFI_ODE_ROWS], h[NFI_ODE_ROWS], y[NFI_ODE_ROWS * 3], g[NFI_ODE_ROWS * 3],
        one[NFI_ODE_ROWS * 3];
    static int64_t row[NFI_ODE_ROWS];
    const int64_t bytes = nfi_ode_back_bytes(3);
    void *scratch = memory(bytes);
    struct reverse r = { .params = params, .dim = 3 };
    for (int64_t i = 0; i < NFI_ODE_ROWS; i++) {
        row[i] = NFI_ODE_ROWS - 1 - i;
        params[i] = 1.0 + draw((uint64_t)i), t[i] = draw((uint64_t)(200 + i)), h[i] = 0.2 * draw((uint64_t)(400 + i));
        for (int64_t j = 0; j < 3; j++)
            y[3 * i + j] = draw((uint64_t)(1000 + 3 * i + j)), g[3 * i + j] = one[3 * i + j] = draw((uint64_t)(3000 + 3 * i + j));
    }
    nfi_ode_back back = { .method = nfi_ode_method_at(_i),
                          .n = NFI_ODE_ROWS,
                          .dim = 3,
                          .row = row,
                          .t = t,
                          .h = h,
                          .y = y,
                          .g = g,
                          .eval = reverse_eval,
                          .vjp = reverse_vjp,
                          .user = &r };
    nfi_ode_step_back(&back, scratch);
    for (int64_t i = 0; i < NFI_ODE_ROWS; i++) {
        nfi_ode_back single = back;
        single.n = 1, single.row = row + i, single.t = t + i, single.h = h + i, single.y = y + 3 * i, single.g = one + 3 * i;
        nfi_ode_step_back(&single, scratch);
    }
    ck_assert(memcmp(g, one, sizeof g) == 0);
    release(scratch, bytes);
}
END_TEST

/* What `accepted` is given makes the step that was taken, and `judged` comes once a round, after it. */
static struct { const nfi_ode_method *method; double y1[2]; int64_t accepted, judged, pending; } watch;

static void watch_accepted(void *user, int64_t row, double t, double h, const double *y, const double *k, int64_t stride)
{
    (void)user, (void)t;
    ck_assert(row == 0 && watch.pending == 0);
    for (int j = 0; j < 2; j++) {
        if (watch.accepted > 0) ck_assert_double_eq_tol(y[j], watch.y1[j], 1e-14);
        watch.y1[j] = y[j];
        for (int32_t i = 0; i < watch.method->stages; i++) watch.y1[j] += h * watch.method->b[i] * k[i * stride + j];
    }
    watch.accepted++;
    watch.pending = 1;
}

static void watch_judged(void *user)
{
    (void)user;
    watch.judged++;
    watch.pending = 0;
}

START_TEST(ode__accepted_steps_come_with_their_stages)
{
    nfi_ode_problem p = problem_of(_i, swing, 1.0, 2);
    double y[2] = { 1.0, -0.5 };
    nfi_ode_end end;
    memset(&watch, 0, sizeof watch);
    watch.method = p.config.method;
    p.t1 = 4.0;
    p.config.step = 0.5;
    p.accepted = watch_accepted;
    p.judged = watch_judged;
    solve(&p, y, &end);
    ck_assert_int_eq(end.status, NF_OK);
    ck_assert(watch.accepted == end.accepted && end.accepted > 1 && watch.pending == 0);
    ck_assert_int_eq(watch.judged, end.accepted + end.rejected);
    for (int j = 0; j < 2; j++) ck_assert_double_eq_tol(y[j], watch.y1[j], 1e-14);
}
END_TEST

static void decay_eval(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    (void)user, (void)stage, (void)row, (void)t;
    for (int64_t i = 0; i < n; i++) dy[i] = -2.0 * y[i];
}
static void decay_vjp(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y,
                      const double *gk, double *gy)
{
    (void)y;
    decay_eval(user, stage, n, row, t, gk, gy);
}

START_TEST(ode__check_values)
{
    nfi_ode_problem p = problem_of(1, swing, 1.0, 1);
    nfi_ode_end end;
    double y = 1.0, g = 1.0;
    p.t1 = 2.0;
    solve(&p, &y, &end);
    near(y, CHECK_Y, 1e-10, "y", 0);
    ck_assert_int_eq(end.accepted, CHECK_ACCEPTED);
    ck_assert_int_eq(end.rejected, CHECK_REJECTED);
    ck_assert_int_eq(end.evaluations, CHECK_EVALUATIONS);

    double sum = 0.0; /* of lib/ode/methods.c */
    for (int32_t i = 0; i < 7; i++) sum += nfi_ode_method_at(1)->e[i] * pow(nfi_ode_method_at(1)->c[i], 4);
    ck_assert_msg(fabs(sum - 1.753086420e-4) < 1e-13, "%.12g", sum);

    const int64_t row = 0, bytes = nfi_ode_back_bytes(1); /* of lib/ode/back.c */
    const double t = 0.0, h = 0.1, at = 1.0;
    void *scratch = memory(bytes);
    nfi_ode_back back = { .method = nfi_ode_method_at(6),
                          .n = 1,
                          .dim = 1,
                          .row = &row,
                          .t = &t,
                          .h = &h,
                          .y = &at,
                          .g = &g,
                          .eval = decay_eval,
                          .vjp = decay_vjp };
    nfi_ode_step_back(&back, scratch);
    near(g, 0.8, 1e-15, "euler", 0);
    g = 1.0;
    back.method = nfi_ode_method_at(4);
    nfi_ode_step_back(&back, scratch);
    near(g, 0.8187333333333333, 1e-15, "rk4", 0);
    release(scratch, bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ode");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, ode__methods_fulfil_their_order_conditions, 1, METHODS + 1);
    tcase_add_test(all, ode__table_ends);
    tcase_add_loop_test(all, ode__order_of_convergence, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__errors_follow_the_tolerance, 1, ADAPTIVE + 1);
    tcase_add_loop_test(all, ode__smooth_fields_there_and_back, 0, ADAPTIVE * SMOOTH);
    tcase_add_loop_test(all, ode__bad_fields_end_in_a_code, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__stage_that_is_not_finite_rejects_the_step, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__rejects_count_from_the_last_accepted_step, 1, ADAPTIVE + 1);
    tcase_add_loop_test(all, ode__control_equals_a_plain_twin, 0, ADAPTIVE * CONTROL);
    tcase_add_loop_test(all, ode__failing_row_stops_at_its_last_step, 1, ADAPTIVE + 1);
    tcase_add_loop_test(all, ode__rows_do_not_see_each_other, 1, METHODS + 1);
    tcase_add_test(all, ode__rows_share_evaluations);
    tcase_add_loop_test(all, ode__no_way_to_go, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__accepted_sees_every_step, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__fixed_steps_fill_the_way, ADAPTIVE + 1, METHODS + 1);
    tcase_add_loop_test(all, ode__first_and_longest_step, 1, ADAPTIVE + 1);
    tcase_add_loop_test(all, ode__components_without_weight_do_not_steer, 1, ADAPTIVE + 1);
    tcase_add_loop_test(all, ode__steps_equal_a_plain_twin, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__step_back_matches_central_differences, 0, METHODS * MOST_DIM);
    tcase_add_loop_test(all, ode__step_back_of_many_rows_is_that_of_each, 1, METHODS + 1);
    tcase_add_loop_test(all, ode__accepted_steps_come_with_their_stages, 1, METHODS + 1);
    tcase_add_test(all, ode__check_values);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
