/* SPDX-License-Identifier: MIT
 *
 * spline_test.c - the kernels of rational-quadratic splines
 *
 * Every table that the machine has, in both precisions, against Durkan's formulas in long double (eqs. 4 and 5 of arXiv:1906.04032, with
 * slopes and secants instead of their ratios), the inverse against bisection of them, gradients against their central differences.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "math/kernels.h"
#include <nflow/nflow.h>

#define N_ISAS 4
static const int32_t isas[N_ISAS] = { NF_ISA_BASELINE, NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON };

#define COUNT 96
#define MOST_PARAMS (3 * NFI_SPLINE_BINS)

static uint64_t draws;
static double draw(void) { return 2 * nfi_uniform(31, NFI_STREAM_CHECK, draws++) - 1; }

/* The forms under test: safe, free and softclip, tails and circles, few and many bins. */
static const nfi_spline forms[] = {
    { .bins = 8, .bound = 3, .min_width = 1e-2, .min_height = 1e-2, .min_slope = 1e-2, .logit_bound = 2 },
    { .bins = 8, .bound = 3, .min_width = 1e-3, .min_height = 1e-3, .min_slope = 1e-3 },
    { .bins = 2, .bound = 1, .min_width = 1e-2, .min_height = 1e-2, .min_slope = 1e-2 },
    { .bins = 5, .circular = 1, .bound = 3.25, .min_width = 1e-2, .min_height = 2e-2, .min_slope = 5e-2, .logit_bound = 2 },
    { .bins = 2, .circular = 1, .bound = 0.5, .min_width = 1e-3, .min_height = 1e-3, .min_slope = 1e-3 },
    { .bins = 8, .bound = 5, .softclip = 1, .logit_bound = 3.4538776394910684 },
    { .bins = 3, .circular = 1, .bound = 3.25, .softclip = 1, .logit_bound = 1 },
    { .bins = 64, .bound = 10, .min_width = 5e-3, .min_height = 5e-3, .min_slope = 1e-2, .logit_bound = 3 },
};
#define N_FORMS ((int)(sizeof forms / sizeof *forms))

static int params_of(const nfi_spline *s) { return 3 * s->bins - (s->circular ? 0 : 1); }

/* The reference */

typedef long double wide;
struct knots {
    wide x[NFI_SPLINE_BINS + 1], y[NFI_SPLINE_BINS + 1], d[NFI_SPLINE_BINS + 1];
};

static wide limited(const nfi_spline *s, wide times, wide u)
{
    const wide m = times * (wide)s->logit_bound;
    if (s->softclip) return u / (1 + fabsl(u) / m);
    return m > 0 ? m * tanhl(u / m) : u;
}

static void reference_side(const nfi_spline *s, double minimum, const wide *u, wide *knot)
{
    wide most = -INFINITY, sum = 0, e[NFI_SPLINE_BINS];
    for (int k = 0; k < s->bins; k++) most = fmaxl(most, limited(s, 1, u[k]));
    for (int k = 0; k < s->bins; k++) sum += e[k] = expl(limited(s, 1, u[k]) - most);
    wide at = 0;
    for (int k = 0; k <= s->bins; k++) {
        knot[k] = (2 * at - 1) * (wide)s->bound;
        if (k < s->bins) at += (wide)minimum + (1 - (wide)s->bins * (wide)minimum) * e[k] / sum;
    }
}

static void reference_knots(const nfi_spline *s, const wide *u, struct knots *knots)
{
    reference_side(s, s->min_width, u, knots->x);
    reference_side(s, s->min_height, u + s->bins, knots->y);
    const wide *slopes = u + 2 * s->bins;
    for (int k = 0; k <= s->bins; k++) {
        const int end = k == 0 || k == s->bins;
        const int at = s->circular ? k % s->bins : k - 1;
        const wide v = end && !s->circular ? 0 : limited(s, 2, slopes[at]);
        knots->d[k] = end && !s->circular ? 1 : s->softclip ? expl(v) : (wide)s->min_slope + log1pl(expl(v + (wide)s->slope_centre));
    }
}

static wide reference(const nfi_spline *s, const wide *u, wide x, wide *log_slope)
{
    struct knots t;
    int k = 0;
    *log_slope = 0;
    if (fabsl(x) > (wide)s->bound) return x;
    reference_knots(s, u, &t);
    while (k + 1 < s->bins && x >= t.x[k + 1]) k++;
    const wide w = t.x[k + 1] - t.x[k], h = t.y[k + 1] - t.y[k], secant = h / w, q = (x - t.x[k]) / w, r = 1 - q;
    const wide below = secant + (t.d[k + 1] + t.d[k] - 2 * secant) * q * r;
    *log_slope = logl(secant * secant * (t.d[k + 1] * q * q + 2 * secant * q * r + t.d[k] * r * r) / (below * below));
    return t.y[k] + h * (secant * q * q + t.d[k] * q * r) / below;
}

static wide least_side(const nfi_spline *s, const wide *u)
{
    struct knots t;
    wide least = INFINITY;
    reference_knots(s, u, &t);
    for (int k = 0; k < s->bins; k++) least = fminl(least, fminl(t.x[k + 1] - t.x[k], t.y[k + 1] - t.y[k]));
    return least;
}

/* Scenes: COUNT numbers and their parameters, in the dtype of a table */

struct scene {
    const nfi_kernels *k;
    nfi_spline s;
    void *x, *z, *log_slope, *p, *dx, *dp, *h, *g, *gp, *work;
};

static double get(const struct scene *c, const void *a, int64_t i)
{
    return c->k->dtype == NF_F32 ? (double)((const float *)a)[i] : ((const double *)a)[i];
}
static void set(const struct scene *c, void *a, int64_t i, double value)
{
    if (c->k->dtype == NF_F32) ((float *)a)[i] = (float)value;
    else ((double *)a)[i] = value;
}
static void *make(int64_t n)
{
    void *a = aligned_alloc(64, (size_t)n * 8);
    ck_assert_ptr_nonnull(a);
    memset(a, 0, (size_t)n * 8);
    return a;
}

static struct scene scene_make(const nfi_kernels *k, const nfi_spline *form)
{
    struct scene c = { .k = k, .s = *form };
    c.s.count = COUNT;
    c.s.stride = COUNT;
    c.s.slope_centre = log(expm1(1 - form->min_slope));
    c.s.x = c.x = make(COUNT);
    c.s.z = c.z = make(COUNT);
    c.s.log_slope = c.log_slope = make(COUNT);
    c.s.dx = c.dx = make(COUNT);
    c.s.h = c.h = make(COUNT);
    c.s.g = c.g = make(COUNT);
    c.s.p = c.p = make(COUNT * MOST_PARAMS);
    c.s.dp = c.dp = make(COUNT * MOST_PARAMS);
    c.s.gp = c.gp = make(COUNT * MOST_PARAMS);
    c.s.work = c.work = make(NFI_SPLINE_WORK(NFI_SPLINE_BINS) / 8);
    return c;
}

static void scene_free(struct scene *c)
{
    void *const all[] = { c->x, c->z, c->log_slope, c->p, c->dx, c->dp, c->h, c->g, c->gp, c->work };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Numbers from a bit beyond one tail to a bit beyond the other. */
static void scene_draw(struct scene *c, double gain)
{
    for (int i = 0; i < COUNT; i++) {
        set(c, c->x, i, 1.1 * c->s.bound * draw());
        set(c, c->dx, i, draw());
        set(c, c->h, i, draw());
        set(c, c->g, i, draw());
        for (int q = 0; q < params_of(&c->s); q++) {
            set(c, c->p, q * COUNT + i, gain * draw());
            set(c, c->dp, q * COUNT + i, draw());
        }
    }
}

static void scene_params(const struct scene *c, int i, wide *u)
{
    for (int q = 0; q < params_of(&c->s); q++) u[q] = (wide)get(c, c->p, q * COUNT + i);
}

static double eps_of(const nfi_kernels *k) { return k->dtype == NF_F32 ? 0x1p-23 : 0x1p-52; }

/* Calls `check` with every table and form. */
static void for_all(void (*check)(struct scene *c))
{
    int tables = 0;
    for (int i = 0; i < N_ISAS; i++)
        for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
            const nfi_kernels *k = nfi_kernels_isa(isas[i], dtype);
            if (!k) continue;
            tables++;
            for (int f = 0; f < N_FORMS; f++) {
                struct scene c = scene_make(k, &forms[f]);
                check(&c);
                scene_free(&c);
            }
        }
    ck_assert_int_ge(tables, 2);
}

/* Knots are sums of as many roundings as there are bins. */
static double most_of(const struct scene *c) { return 6 + c->s.bins / 16.0; }

/* Tests. Errors of z are in units of eps (bound + slope bound): a rounding of z, and one of x. Those of the log slope, which changes over
 * a bin, in units of eps bound / the least side. */

static void check_value(struct scene *c)
{
    wide u[MOST_PARAMS], log_slope;
    double worst = 0, worst_log = 0;
    for (double gain = 0.1; gain < 4; gain *= 3) {
        scene_draw(c, gain);
        c->k->spline_value(&c->s);
        for (int i = 0; i < COUNT; i++) {
            scene_params(c, i, u);
            const wide z = reference(&c->s, u, (wide)get(c, c->x, i), &log_slope);
            const wide unit = (wide)(eps_of(c->k) * c->s.bound), slope = expl(log_slope), side = least_side(&c->s, u);
            worst = fmax(worst, (double)(fabsl(z - (wide)get(c, c->z, i)) / (unit * (1 + slope))));
            worst_log = fmax(worst_log, (double)(fabsl(log_slope - (wide)get(c, c->log_slope, i)) * side / unit));
        }
    }
    ck_assert_msg(worst < most_of(c) && worst_log < 8 * most_of(c), "%s dtype %d, %d bins: %g, log slope %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, worst, worst_log);
}
START_TEST(value_is_that_of_the_formulas) { for_all(check_value); }
END_TEST

static wide bisect(const nfi_spline *s, const wide *u, wide z)
{
    wide low = -(wide)s->bound, high = (wide)s->bound, log_slope;
    if (fabsl(z) > (wide)s->bound) return z;
    for (int step = 0; step < 66; step++) {
        const wide middle = (low + high) / 2;
        if (reference(s, u, middle, &log_slope) < z) low = middle;
        else high = middle;
    }
    return (low + high) / 2;
}

static void check_inverse(struct scene *c)
{
    wide u[MOST_PARAMS], log_slope;
    double worst = 0, worst_log = 0;
    for (double gain = 0.1; gain < 400; gain *= 10) {
        scene_draw(c, gain);
        c->k->spline_inverse(&c->s); /* of x */
        for (int i = 0; i < COUNT; i++) {
            scene_params(c, i, u);
            const wide x = bisect(&c->s, u, (wide)get(c, c->x, i)), unit = (wide)(eps_of(c->k) * c->s.bound);
            (void)reference(&c->s, u, x, &log_slope);
            worst = fmax(worst, (double)(fabsl(x - (wide)get(c, c->z, i)) / (unit * (1 + expl(-log_slope)))));
            worst_log = fmax(worst_log, (double)(fabsl(log_slope + (wide)get(c, c->log_slope, i)) * least_side(&c->s, u) / (unit * (1 + expl(-log_slope)))));
        }
    }
    ck_assert_msg(worst < most_of(c) && worst_log < 8 * most_of(c), "%s dtype %d, %d bins: %g, log slope %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, worst, worst_log);
}
START_TEST(inverse_is_that_of_the_formulas) { for_all(check_inverse); }
END_TEST

/* f(f^-1(y)) against y by the same table, at any gain */
static void check_round_trip(struct scene *c)
{
    double worst = 0;
    for (double gain = 0.1; gain < 400; gain *= 10) {
        scene_draw(c, gain);
        void *y = c->x;
        c->k->spline_inverse(&c->s);
        struct scene back = *c;
        back.s.x = c->z;
        back.s.z = c->g;
        c->k->spline_value(&back.s);
        for (int i = 0; i < COUNT; i++) {
            const double slope = exp(get(c, c->log_slope, i));
            ck_assert(isfinite(get(c, c->g, i)) && isfinite(slope));
            worst = fmax(worst, fabs(get(c, c->g, i) - get(c, y, i)) / (eps_of(c->k) * c->s.bound * (1 + slope)));
        }
    }
    ck_assert_msg(worst < 4, "%s dtype %d, %d bins: %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, worst);
}
START_TEST(round_trip_at_any_gain) { for_all(check_round_trip); }
END_TEST

/* g z + h log_slope */
static wide loss(const struct scene *c, const wide *u, wide x, int i)
{
    wide log_slope;
    const wide z = reference(&c->s, u, x, &log_slope);
    return (wide)get(c, c->g, i) * z + (wide)get(c, c->h, i) * log_slope;
}

#define STEP 1e-6L

/* The reference's log slope bends at knots, where differences see neither side. */
static bool near_a_knot(const nfi_spline *s, const wide *u, wide x)
{
    struct knots t;
    reference_knots(s, u, &t);
    for (int k = 0; k <= s->bins; k++)
        if (fabsl(x - t.x[k]) < 30 * STEP * (wide)s->bound) return true;
    return false;
}

static void check_gradient(struct scene *c)
{
    const double allowed = c->k->dtype == NF_F32 ? 2e-3 : 1e-8;
    wide u[MOST_PARAMS];
    double worst = 0;
    int seen = 0;
    scene_draw(c, 1.5);
    void *g_z = make(COUNT);
    memcpy(g_z, c->g, COUNT * 8);
    c->k->spline_backward(&c->s);
    void *g_x = c->g;
    c->g = g_z;
    for (int i = 0; i < COUNT; i += c->s.bins > 8 ? 5 : 1) {
        const wide x = (wide)get(c, c->x, i);
        scene_params(c, i, u);
        if (near_a_knot(&c->s, u, x)) continue;
        seen++;
        wide expected = (loss(c, u, x + STEP, i) - loss(c, u, x - STEP, i)) / (2 * STEP), scale = 1 + fabsl(expected);
        worst = fmax(worst, (double)(fabsl(expected - (wide)get(c, g_x, i)) / scale));
        for (int q = 0; q < params_of(&c->s); q++) {
            const wide keep = u[q];
            u[q] = keep + STEP;
            expected = loss(c, u, x, i);
            u[q] = keep - STEP;
            expected = (expected - loss(c, u, x, i)) / (2 * STEP);
            u[q] = keep;
            worst = fmax(worst, (double)(fabsl(expected - (wide)get(c, c->gp, q * COUNT + i)) / scale));
        }
    }
    c->g = g_x;
    free(g_z);
    ck_assert_int_gt(seen, COUNT / 8);
    ck_assert_msg(worst < allowed, "%s dtype %d, %d bins: %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, worst);
}
START_TEST(gradient_is_that_of_differences) { for_all(check_gradient); }
END_TEST

/* Tangents and gradients are each other's transposes: g dz + h dlog = dL/dx dx + dL/dp dp */
static void check_tangent(struct scene *c)
{
    double worst = 0;
    scene_draw(c, 1.5);
    c->k->spline_jvp(&c->s);
    double left[COUNT];
    for (int i = 0; i < COUNT; i++) left[i] = get(c, c->g, i) * get(c, c->z, i) + get(c, c->h, i) * get(c, c->log_slope, i);
    c->k->spline_backward(&c->s);
    for (int i = 0; i < COUNT; i++) {
        double right = get(c, c->g, i) * get(c, c->dx, i), scale = 1 + fabs(right);
        for (int q = 0; q < params_of(&c->s); q++) {
            const double term = get(c, c->gp, q * COUNT + i) * get(c, c->dp, q * COUNT + i);
            right += term;
            scale += fabs(term);
        }
        worst = fmax(worst, fabs(left[i] - right) / scale);
    }
    ck_assert_msg(worst < 2000 * eps_of(c->k), "%s dtype %d, %d bins: %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, worst);
}
START_TEST(tangent_is_the_gradient_turned) { for_all(check_tangent); }
END_TEST

/* Zero parameters: the identity. At +-bound, whatever the parameters, z = x but for roundings, and not beyond; beyond exactly. */
static void check_identity(struct scene *c)
{
    const double eps = eps_of(c->k);
    scene_draw(c, 0);
    c->k->spline_value(&c->s);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_double_le(fabs(get(c, c->z, i) - get(c, c->x, i)), 4 * eps * c->s.bound);
        ck_assert_double_le(fabs(get(c, c->log_slope, i)), 12 * eps * c->s.bins);
    }
    scene_draw(c, 3);
    const double ends[] = { c->s.bound, -c->s.bound, 1.5 * c->s.bound, -1e30, 1e30, c->s.bound * (1 + eps) };
    for (int i = 0; i < COUNT; i++) set(c, c->x, i, ends[i % 6]);
    for (int inverse = 0; inverse < 2; inverse++) {
        (inverse ? c->k->spline_inverse : c->k->spline_value)(&c->s);
        for (int i = 0; i < COUNT; i++) {
            const double x = get(c, c->x, i), z = get(c, c->z, i), slope = exp(get(c, c->log_slope, i));
            const double allowed = i % 6 < 2 ? 2 * eps * c->s.bound * (1 + slope) : 0;
            ck_assert(fabs(z - x) <= allowed && (i % 6 > 1 || fabs(z) <= c->s.bound));
        }
    }
}
START_TEST(identity_at_zero_and_beyond) { for_all(check_identity); }
END_TEST

static void all_finite(const struct scene *c, const void *a, int64_t n, const char *what, double gain)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(isfinite(get(c, a, i)), "%s dtype %d, %d bins, gain %g: %s[%lld], x = %g", c->k->isa, (int)c->k->dtype, (int)c->s.bins, gain,
                      what, (long long)i, get(c, c->x, i % COUNT));
}

/* On knots, one step beside them, far away; parameters as large as the dtype has. */
static void check_finite(struct scene *c)
{
    const double most = c->k->dtype == NF_F32 ? 3.4e38 : 1.7e308, gains[] = { 0, 1, 10, 100, 1e4, 1e20, most };
    for (size_t n = 0; n < sizeof gains / sizeof *gains; n++) {
        scene_draw(c, gains[n]);
        for (int i = 0; i < COUNT; i += 2) { /* knots of this very table: those of equal bins, or the ends of others */
            const double at = -c->s.bound + 2 * c->s.bound * ((i / 2) % (c->s.bins + 1)) / c->s.bins;
            set(c, c->x, i, i % 3 == 0 ? at : at * (1 + (i % 3 == 1 ? 1 : -1) * eps_of(c->k)));
        }
        set(c, c->x, 1, most);
        set(c, c->x, 3, -most);
        c->k->spline_value(&c->s);
        all_finite(c, c->z, COUNT, "z", gains[n]);
        all_finite(c, c->log_slope, COUNT, "log slope", gains[n]);
        c->k->spline_inverse(&c->s);
        all_finite(c, c->z, COUNT, "x", gains[n]);
        all_finite(c, c->log_slope, COUNT, "log slope of the inverse", gains[n]);
        c->k->spline_jvp(&c->s);
        all_finite(c, c->z, COUNT, "dz", gains[n]);
        all_finite(c, c->log_slope, COUNT, "dlog", gains[n]);
        c->k->spline_backward(&c->s);
        all_finite(c, c->g, COUNT, "dL/dx", gains[n]);
        all_finite(c, c->gp, (int64_t)params_of(&c->s) * COUNT, "dL/dp", gains[n]);
    }
}
START_TEST(finite_in_finite_out) { for_all(check_finite); }
END_TEST

/* NaN stays where it is. */
static void check_nan(struct scene *c)
{
    scene_draw(c, 1);
    set(c, c->x, 5, NAN);
    set(c, c->p, 2 * COUNT + 9, NAN);
    set(c, c->x, 9, 0.1 * c->s.bound);
    c->k->spline_value(&c->s);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(isnan(get(c, c->z, i)), i == 5 || i == 9);
    c->k->spline_inverse(&c->s);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(isnan(get(c, c->z, i)), i == 5 || i == 9);
}
START_TEST(nan_stays_in_its_place) { for_all(check_nan); }
END_TEST

/* Instruction sets with FMA give the same bits, in every call. */
START_TEST(same_bits_everywhere)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++)
        for (int f = 0; f < N_FORMS; f++) {
            struct scene first = { 0 };
            for (int i = 1; i < N_ISAS; i++) { /* 0: the baseline has no FMA on x86 */
                const nfi_kernels *k = nfi_kernels_isa(isas[i], dtype);
                if (!k) continue;
                draws = 1000;
                struct scene c = scene_make(k, &forms[f]);
                scene_draw(&c, 2);
                k->spline_value(&c.s);
                k->spline_backward(&c.s);
                if (!first.k) {
                    first = c;
                    continue;
                }
                const size_t bytes = (size_t)(COUNT * k->size);
                ck_assert_mem_eq(c.z, first.z, bytes);
                ck_assert_mem_eq(c.log_slope, first.log_slope, bytes);
                ck_assert_mem_eq(c.g, first.g, bytes);
                ck_assert_mem_eq(c.gp, first.gp, bytes * (size_t)params_of(&c.s));
                k->spline_inverse(&c.s);
                first.k->spline_inverse(&first.s);
                ck_assert_mem_eq(c.z, first.z, bytes);
                k->spline_jvp(&c.s);
                first.k->spline_jvp(&first.s);
                ck_assert_mem_eq(c.z, first.z, bytes);
                ck_assert_mem_eq(c.log_slope, first.log_slope, bytes);
                scene_free(&c);
            }
            if (first.k) scene_free(&first);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spline");
    TCase *tests = tcase_create("spline");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, value_is_that_of_the_formulas);
    tcase_add_test(tests, inverse_is_that_of_the_formulas);
    tcase_add_test(tests, round_trip_at_any_gain);
    tcase_add_test(tests, gradient_is_that_of_differences);
    tcase_add_test(tests, tangent_is_the_gradient_turned);
    tcase_add_test(tests, identity_at_zero_and_beyond);
    tcase_add_test(tests, finite_in_finite_out);
    tcase_add_test(tests, nan_stays_in_its_place);
    tcase_add_test(tests, same_bits_everywhere);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
