/* SPDX-License-Identifier: MIT
 *
 * latent_test.c - the calls of nflow/latent.h against forward, arithmetic and inverse by hand: the same bits
 */
#include "support.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIM 3
#define COND 2
#define STEPS 7
#define PI 3.14159265358979323846

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

/* A call must answer this, with a line that holds the words. */
static void refused(nf_status answer, nf_status wanted, const char *words)
{
    ck_assert_msg(answer == wanted, "%s instead of %s: %s", nf_status_name(answer), nf_status_name(wanted), nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), words) != NULL, "'%s' lacks '%s'", nf_last_error(), words);
}

static nf_flow *flow_of(nf_context *context, int32_t dtype, int64_t cond_dim)
{
    static const int64_t hidden[] = { 16 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;

    config.dim = DIM;
    config.cond_dim = cond_dim;
    config.layers = 4;
    config.hidden = hidden;
    config.n_hidden = 1;
    config.dtype = dtype;
    config.seed = 11;
    expect(nf_flow_create_realnvp(&flow, context, &config));
    support_perturb(flow, 0.3, 5);
    return flow;
}

static void *rows_of(int32_t dtype, int64_t count, double shift)
{
    void *rows = support_malloc(count * support_size(dtype));
    for (int64_t i = 0; i < count; i++) support_set(dtype, rows, i, sin(1.3 * (double)i + shift) + 0.2 * shift);
    return rows;
}

static void *at(int32_t dtype, void *rows, int64_t element) { return (char *)rows + element * support_size(dtype); }

static void same(int32_t dtype, const void *a, const void *b, int64_t count)
{
    ck_assert_int_eq(support_differ(a, b, count, support_size(dtype)), -1);
}

/* The calls in the precision of the flow. */
static nf_status any_interpolate(const nf_flow *flow, int32_t path, int64_t steps, const void *x0, const void *x1, const void *cond, void *x)
{
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_interpolate(flow, path, steps, x0, x1, cond, x)
                                         : nf_flow_interpolate_f64(flow, path, steps, x0, x1, cond, x);
}
static nf_status any_direction(const nf_flow *flow, int64_t n_with, const void *with, const void *cond_with, int64_t n_without,
                               const void *without, const void *cond_without, void *direction)
{
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_direction(flow, n_with, with, cond_with, n_without, without, cond_without, direction)
                                         : nf_flow_direction_f64(flow, n_with, with, cond_with, n_without, without, cond_without, direction);
}
static nf_status any_move(const nf_flow *flow, int64_t n, const void *x, const void *cond, const void *direction, double amount, void *out)
{
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_move(flow, n, x, cond, direction, amount, out)
                                         : nf_flow_move_f64(flow, n, x, cond, direction, amount, out);
}
static nf_status any_temperatures(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const void *cond, int64_t count,
                                  const double *temperatures, void *x)
{
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_sample_temperatures(flow, seed, first, n, cond, count, temperatures, x)
                                         : nf_flow_sample_temperatures_f64(flow, seed, first, n, cond, count, temperatures, x);
}

/* Cases i: precision, with and without cond. */
static int32_t case_dtype(int i) { return i % 2 ? NF_F64 : NF_F32; }
static int64_t case_cond(int i) { return i / 2 ? COND : 0; }

/* Interpolation */

static double dot(int32_t dtype, const void *a, const void *b)
{
    double sum = 0;
    for (int j = 0; j < DIM; j++) sum += support_at(dtype, a, j) * support_at(dtype, b, j);
    return sum;
}

/* z of all steps, by the formulas and libm. */
static void path_by_hand(int32_t dtype, int32_t path, const void *z0, const void *z1, double z[STEPS][DIM])
{
    const double angle = acos(dot(dtype, z0, z1) / sqrt(dot(dtype, z0, z0) * dot(dtype, z1, z1)));

    for (int k = 0; k < STEPS; k++) {
        const double t = k / (double)(STEPS - 1);
        const double a = path == NF_PATH_LINEAR ? 1 - t : sin((1 - t) * angle) / sin(angle);
        const double b = path == NF_PATH_LINEAR ? t : sin(t * angle) / sin(angle);
        for (int j = 0; j < DIM; j++) z[k][j] = a * support_at(dtype, z0, j) + b * support_at(dtype, z1, j);
    }
}

static void check_interpolate(int i, int32_t path)
{
    const int32_t dtype = case_dtype(i);
    nf_flow *flow = flow_of(NULL, dtype, case_cond(i));
    void *ends = rows_of(dtype, 2 * DIM, 0.4), *cond = case_cond(i) ? rows_of(dtype, STEPS * COND, 1) : NULL;
    void *x = rows_of(dtype, STEPS * DIM, 0), *z = rows_of(dtype, STEPS * DIM, 0), *want = rows_of(dtype, STEPS * DIM, 0);
    double by_hand[STEPS][DIM];
    const int64_t last = (STEPS - 1) * DIM;

    expect(any_interpolate(flow, path, STEPS, ends, at(dtype, ends, DIM), cond, x));
    expect(any_forward(flow, 1, ends, cond, z, NULL));
    expect(any_forward(flow, 1, at(dtype, ends, DIM), cond ? at(dtype, cond, (STEPS - 1) * COND) : NULL, at(dtype, z, last), NULL));
    path_by_hand(dtype, path, z, at(dtype, z, last), by_hand);
    for (int64_t k = DIM; k < last; k++) support_set(dtype, z, k, by_hand[k / DIM][k % DIM]);
    expect(any_inverse(flow, STEPS, z, cond, want, NULL));
    same(dtype, x, want, DIM); /* the ends are the flow's own round trip, to the bit */
    same(dtype, at(dtype, x, last), at(dtype, want, last), DIM);
    if (path == NF_PATH_LINEAR) same(dtype, x, want, STEPS * DIM);
    for (int64_t k = 0; k < STEPS * DIM; k++) {
        const double v = support_at(dtype, want, k);
        ck_assert_double_eq_tol(support_at(dtype, x, k), v, (dtype == NF_F32 ? 1e-5 : 1e-12) * (1 + fabs(v)));
    }
    free(ends), free(cond), free(x), free(z), free(want);
    nf_flow_unref(flow);
}

START_TEST(interpolate__is_decode_of_the_line) { check_interpolate(_i, NF_PATH_LINEAR); }
END_TEST
START_TEST(interpolate__is_decode_of_the_great_circle) { check_interpolate(_i, NF_PATH_SPHERICAL); }
END_TEST

/* A flow without layers: z is x. */
static nf_flow *base_alone(int32_t dtype, int64_t dim)
{
    nf_flow_config config = NF_FLOW_CONFIG_INIT;
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    config.dtype = dtype;
    expect(nf_base_normal_create(&base, NULL, dim));
    expect(nf_flow_create(&flow, NULL, &config, base, NULL, 0));
    nf_base_unref(base);
    return flow;
}

START_TEST(interpolate__keeps_the_angle_on_the_circle)
{
    nf_flow *flow = base_alone(NF_F64, 2);

    for (int k = 1; k < 180; k++) {
        const double angle = k * PI / 180, x0[2] = { 3, 0 }, x1[2] = { 3 * cos(angle), 3 * sin(angle) };
        double x[STEPS][2];
        expect(nf_flow_interpolate_f64(flow, NF_PATH_SPHERICAL, STEPS, x0, x1, NULL, x[0]));
        for (int s = 0; s < STEPS; s++) {
            const double a = angle * s / (STEPS - 1);
            ck_assert_double_eq_tol(x[s][0], 3 * cos(a), 1e-11); /* at 179 degrees an ulp of the cosine is 1e-12 here */
            ck_assert_double_eq_tol(x[s][1], 3 * sin(a), 1e-11);
        }
    }
    nf_flow_unref(flow);
}
END_TEST

START_TEST(interpolate__is_linear_where_there_is_no_circle)
{
    static const double ends[][4] = { { 1, 2, 2, 4 }, { 1, 2, -1, -2 }, { 0, 0, 3, 4 }, { 3, 4, 0, 0 }, { 0, 0, 0, 0 }, { 5, 6, 5, 6 } };
    nf_flow *flow = base_alone(NF_F64, 2);

    for (int k = 0; k < SUPPORT_COUNT(ends); k++) {
        double line[2 * STEPS], circle[2 * STEPS];
        expect(nf_flow_interpolate_f64(flow, NF_PATH_LINEAR, STEPS, ends[k], ends[k] + 2, NULL, line));
        expect(nf_flow_interpolate_f64(flow, NF_PATH_SPHERICAL, STEPS, ends[k], ends[k] + 2, NULL, circle));
        ck_assert_int_eq(support_differ(line, circle, 2 * STEPS, 8), -1);
        ck_assert_double_eq_tol(line[6], (ends[k][0] + ends[k][2]) / 2, 1e-15);
    }
    nf_flow_unref(flow);
}
END_TEST

/* Directions */

/* More rows than are encoded at a time. */
START_TEST(direction__is_the_difference_of_means)
{
    enum { WITH = 2500, WITHOUT = 700 };
    const int32_t dtype = case_dtype(_i);
    nf_flow *flow = flow_of(NULL, dtype, case_cond(_i));
    void *x = rows_of(dtype, (WITH + WITHOUT) * DIM, 0.3), *cond = case_cond(_i) ? rows_of(dtype, (WITH + WITHOUT) * COND, 1) : NULL;
    void *z = rows_of(dtype, (WITH + WITHOUT) * DIM, 0), *direction = rows_of(dtype, DIM, 0), *want = rows_of(dtype, DIM, 0);
    double with[DIM] = { 0 }, without[DIM] = { 0 };

    expect(any_direction(flow, WITH, x, cond, WITHOUT, at(dtype, x, WITH * DIM), cond ? at(dtype, cond, WITH * COND) : NULL, direction));
    expect(any_forward(flow, WITH + WITHOUT, x, cond, z, NULL));
    for (int64_t i = 0; i < WITH * DIM; i++) with[i % DIM] += support_at(dtype, z, i);
    for (int64_t i = WITH * DIM; i < (WITH + WITHOUT) * DIM; i++) without[i % DIM] += support_at(dtype, z, i);
    for (int j = 0; j < DIM; j++) support_set(dtype, want, j, with[j] / WITH - without[j] / WITHOUT);
    same(dtype, direction, want, DIM);
    ck_assert(support_at(dtype, direction, 0) != 0);
    free(x), free(cond), free(z), free(direction), free(want);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(direction__names_the_row_that_is_not_finite)
{
    enum { N = 1500 };
    nf_flow *flow = flow_of(NULL, NF_F64, 0);
    double *x = rows_of(NF_F64, N * DIM, 0), direction[DIM] = { 1, 1, 1 };

    x[1100 * DIM + 1] = NAN;
    refused(nf_flow_direction_f64(flow, N, x, NULL, 2, x, NULL, direction), NF_ROWS_NONFINITE, "x_with from row 1024 on: 1 of 476 rows");
    for (int j = 0; j < DIM; j++) ck_assert(isnan(direction[j]));
    direction[0] = direction[1] = direction[2] = 1;
    refused(nf_flow_direction_f64(flow, 2, x, NULL, N, x, NULL, direction), NF_ROWS_NONFINITE, "x_without");
    for (int j = 0; j < DIM; j++) ck_assert(isnan(direction[j]));
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* Moves */

START_TEST(move__is_decode_of_the_sum)
{
    enum { N = 300 };
    static const double amounts[] = { -1.7, 0, 0.3, 2 };
    const int32_t dtype = case_dtype(_i);
    nf_flow *flow = flow_of(NULL, dtype, case_cond(_i));
    void *x = rows_of(dtype, N * DIM, 0.3), *cond = case_cond(_i) ? rows_of(dtype, N * COND, 1) : NULL, *direction = rows_of(dtype, DIM, 2);
    void *z = rows_of(dtype, N * DIM, 0), *out = rows_of(dtype, N * DIM, 0), *want = rows_of(dtype, N * DIM, 0);

    for (int k = 0; k < SUPPORT_COUNT(amounts); k++) {
        expect(any_move(flow, N, x, cond, direction, amounts[k], out));
        expect(any_forward(flow, N, x, cond, z, NULL));
        for (int64_t i = 0; i < N * DIM; i++)
            support_set(dtype, z, i, support_at(dtype, z, i) + amounts[k] * support_at(dtype, direction, i % DIM));
        expect(any_inverse(flow, N, z, cond, want, NULL));
        same(dtype, out, want, N * DIM);
    }
    free(x), free(cond), free(direction), free(z), free(out), free(want);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(move__spoils_bad_rows_alone)
{
    enum { N = 5 };
    nf_flow *flow = flow_of(NULL, NF_F32, 0);
    float *x = rows_of(NF_F32, N * DIM, 0.3), clean[N * DIM], out[N * DIM];
    const float direction[DIM] = { 1, 2, 3 };

    expect(nf_flow_move(flow, N, x, NULL, direction, 1, clean));
    x[2 * DIM + 1] = INFINITY;
    refused(nf_flow_move(flow, N, x, NULL, direction, 1, out), NF_ROWS_NONFINITE, "nf_flow_move: 1 of 5 rows are not finite, the first is row 2");
    for (int i = 0; i < N * DIM; i++)
        if (i / DIM == 2)
            ck_assert(isnan(out[i]));
        else
            ck_assert_int_eq(support_differ(&out[i], &clean[i], 1, 4), -1);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* Temperatures */

START_TEST(temperatures__are_samples_one_after_the_other)
{
    enum { N = 150, COUNT = 4 };
    static const double temperatures[COUNT] = { 0.5, 1, 0.7, 1.3 };
    const int32_t dtype = case_dtype(_i);
    nf_flow *flow = flow_of(NULL, dtype, case_cond(_i));
    void *cond = case_cond(_i) ? rows_of(dtype, N * COND, 1) : NULL, *x = rows_of(dtype, COUNT * N * DIM, 0), *want = rows_of(dtype, N * DIM, 0);

    expect(any_temperatures(flow, 9, 4, N, cond, COUNT, temperatures, x));
    for (int k = 0; k < COUNT; k++) {
        expect(any_sample(flow, 9, 4, N, cond, temperatures[k], want, NULL));
        same(dtype, at(dtype, x, (int64_t)k * N * DIM), want, N * DIM);
    }
    ck_assert_int_ne(support_differ(x, at(dtype, x, N * DIM), N * DIM, support_size(dtype)), -1);
    free(cond), free(x), free(want);
    nf_flow_unref(flow);
}
END_TEST

/* All calls */

static uint64_t hash_of(const void *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return hash;
}

START_TEST(all__the_same_bits_for_any_threads)
{
    enum { N = 5000 };
    static const double temperatures[2] = { 0.6, 1.1 };
    static float x[N * DIM], out[4][2 * N * DIM];
    uint64_t first[4] = { 0 };

    for (int i = 0; i < N * DIM; i++) x[i] = (float)sin(0.7 * i);
    for (int32_t threads = 1; threads <= 3; threads++) {
        nf_context *context = support_context(threads, NULL);
        nf_flow *flow = flow_of(context, NF_F32, 0);
        memset(out, 0, sizeof out);
        expect(nf_flow_interpolate(flow, NF_PATH_SPHERICAL, N, x, x + DIM, NULL, out[0]));
        expect(nf_flow_direction(flow, N, x, NULL, N / 3, x, NULL, out[1]));
        expect(nf_flow_move(flow, N, x, NULL, out[1], 0.8, out[2]));
        expect(nf_flow_sample_temperatures(flow, 3, 0, N, NULL, 2, temperatures, out[3]));
        for (int k = 0; k < 4; k++) {
            const uint64_t hash = hash_of(out[k], sizeof out[k]);
            if (threads == 1) first[k] = hash;
            ck_assert_msg(hash == first[k], "call %d with %d threads", k, threads);
        }
        nf_flow_unref(flow);
        nf_context_unref(context);
    }
}
END_TEST

/* In a strict context rows that are not finite fail the call, and nothing half done is left. */
START_TEST(all__strict_contexts_fill_with_nan)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    float x[2 * DIM] = { 0, NAN, 0, 1, 1, 1 }, out[5 * DIM];
    const float direction[DIM] = { 1, 1, 1 };

    config.strict = 1;
    expect(nf_context_create(&context, &config));
    nf_flow *flow = flow_of(context, NF_F32, 0);
    for (int call = 0; call < 4; call++) {
        const int count = call == 2 ? DIM : call == 3 ? 2 * DIM : 5 * DIM;
        memset(out, 0, sizeof out);
        if (call == 0) refused(nf_flow_interpolate(flow, NF_PATH_LINEAR, 5, x, x + DIM, NULL, out), NF_ERR_NONFINITE, "nf_flow_interpolate: x0");
        if (call == 1) refused(nf_flow_interpolate(flow, NF_PATH_LINEAR, 5, x + DIM, x, NULL, out), NF_ERR_NONFINITE, "nf_flow_interpolate: x1");
        if (call == 2) refused(nf_flow_direction(flow, 1, x + DIM, NULL, 2, x, NULL, out), NF_ERR_NONFINITE, "nf_flow_direction: x_without");
        if (call == 3) refused(nf_flow_move(flow, 2, x, NULL, direction, 1, out), NF_ERR_NONFINITE, "nf_flow_move");
        for (int i = 0; i < count; i++) ck_assert_msg(isnan(out[i]), "call %d, element %d", call, i);
    }
    nf_flow_unref(flow);
    nf_context_unref(context);
}
END_TEST

START_TEST(interpolate__spreads_a_bad_end)
{
    nf_flow *flow = flow_of(NULL, NF_F32, 0);
    float x[2 * DIM] = { 0, NAN, 0, 1, 1, 1 }, out[5 * DIM];

    for (int32_t path = NF_PATH_LINEAR; path <= NF_PATH_SPHERICAL; path++) {
        refused(nf_flow_interpolate(flow, path, 5, x, x + DIM, NULL, out), NF_ROWS_NONFINITE, "nf_flow_interpolate: 4 of 5 rows are not finite");
        for (int i = 0; i < 4 * DIM; i++) ck_assert(isnan(out[i]));
        for (int i = 4 * DIM; i < 5 * DIM; i++) ck_assert(isfinite(out[i])); /* x1 itself */
    }
    nf_flow_unref(flow);
}
END_TEST

/* After a refusal the outputs are as before. */
static float room[64], before[64];
static void untouched(void) { ck_assert_int_eq(memcmp(room, before, sizeof room), 0); }
#define REFUSED(call, status, words) (refused(call, status, words), untouched())

START_TEST(all__refuse_what_is_wrong_and_touch_nothing)
{
    static const double good[2] = { 1, 0.5 }, zero[2] = { 1, 0 }, infinite[1] = { INFINITY };
    nf_flow *flow = flow_of(NULL, NF_F32, 0), *cond = flow_of(NULL, NF_F32, COND), *wide = flow_of(NULL, NF_F64, 0);
    float *x = rows_of(NF_F32, 8 * DIM, 0), *out = room;
    const float bad[DIM] = { 0, 0, NAN };

    for (int i = 0; i < 64; i++) room[i] = before[i] = (float)i;
    REFUSED(nf_flow_interpolate(flow, 0, 3, x, x, NULL, out), NF_ERR_ARG, "path is 0, allowed are 1 (linear) and 2 (spherical)");
    REFUSED(nf_flow_interpolate(flow, 3, 3, x, x, NULL, out), NF_ERR_ARG, "path is 3");
    REFUSED(nf_flow_interpolate(flow, 1, 1, x, x, NULL, out), NF_ERR_SHAPE, "steps is 1, must be at least 2");
    REFUSED(nf_flow_interpolate(flow, 1, -1, x, x, NULL, out), NF_ERR_SHAPE, "steps is -1");
    REFUSED(nf_flow_interpolate(flow, 1, INT64_MAX, x, x, NULL, out), NF_ERR_OVERFLOW, "too many");
    REFUSED(nf_flow_interpolate(flow, 1, 3, NULL, x, NULL, out), NF_ERR_NULL, "x0 is NULL");
    REFUSED(nf_flow_interpolate(flow, 1, 3, x, NULL, NULL, out), NF_ERR_NULL, "x1 is NULL");
    REFUSED(nf_flow_interpolate(flow, 1, 3, x, x, NULL, NULL), NF_ERR_NULL, "x is NULL");
    REFUSED(nf_flow_interpolate(flow, 1, 3, out + 8, x, NULL, out), NF_ERR_ALIAS, "x overlaps x0");
    REFUSED(nf_flow_interpolate(flow, 1, 3, x, out + 8, NULL, out), NF_ERR_ALIAS, "x overlaps x1");
    REFUSED(nf_flow_interpolate(flow, 1, 3, x, x, x, out), NF_ERR_SHAPE, "cond is given");
    REFUSED(nf_flow_interpolate(cond, 1, 3, x, x, NULL, out), NF_ERR_SHAPE, "cond is NULL, the flow has cond_dim 2");
    REFUSED(nf_flow_interpolate(cond, 1, 3, x, x, out + 8, out), NF_ERR_ALIAS, "x overlaps an input");
    REFUSED(nf_flow_interpolate(wide, 1, 3, x, x, NULL, out), NF_ERR_DTYPE, "the flow is f64");
    REFUSED(nf_flow_interpolate(NULL, 1, 3, x, x, NULL, out), NF_ERR_NULL, "flow is NULL");

    REFUSED(nf_flow_direction(flow, 0, x, NULL, 2, x, NULL, out), NF_ERR_SHAPE, "n_with is 0, must be at least 1");
    REFUSED(nf_flow_direction(flow, 2, x, NULL, -1, x, NULL, out), NF_ERR_SHAPE, "n_without is -1");
    REFUSED(nf_flow_direction(flow, INT64_MAX / 8, x, NULL, 2, x, NULL, out), NF_ERR_OVERFLOW, "too many");
    REFUSED(nf_flow_direction(flow, 2, NULL, NULL, 2, x, NULL, out), NF_ERR_NULL, "x_with is NULL");
    REFUSED(nf_flow_direction(flow, 2, x, NULL, 2, NULL, NULL, out), NF_ERR_NULL, "x_without is NULL");
    REFUSED(nf_flow_direction(flow, 2, x, NULL, 2, x, NULL, NULL), NF_ERR_NULL, "direction is NULL");
    REFUSED(nf_flow_direction(flow, 2, x, x, 2, x, NULL, out), NF_ERR_SHAPE, "cond_with is given");
    REFUSED(nf_flow_direction(cond, 2, x, x, 2, x, NULL, out), NF_ERR_SHAPE, "cond_without is NULL, the flow has cond_dim 2");
    REFUSED(nf_flow_direction(flow, 2, x, NULL, 2, out, NULL, out + 5), NF_ERR_ALIAS, "direction overlaps x_without");
    REFUSED(nf_flow_direction(cond, 2, x, out + 2, 2, x, x, out), NF_ERR_ALIAS, "direction overlaps cond_with");
    REFUSED(nf_flow_direction(wide, 2, x, NULL, 2, x, NULL, out), NF_ERR_DTYPE, "the flow is f64");

    REFUSED(nf_flow_move(flow, -1, x, NULL, x, 1, out), NF_ERR_SHAPE, "n is -1");
    REFUSED(nf_flow_move(flow, 2, NULL, NULL, x, 1, out), NF_ERR_NULL, "x is NULL");
    REFUSED(nf_flow_move(flow, 2, x, NULL, NULL, 1, out), NF_ERR_NULL, "direction is NULL");
    REFUSED(nf_flow_move(flow, 2, x, NULL, x, 1, NULL), NF_ERR_NULL, "out is NULL");
    REFUSED(nf_flow_move(flow, 2, out, NULL, x, 1, out + 5), NF_ERR_ALIAS, "out overlaps an input");
    REFUSED(nf_flow_move(flow, 2, x, NULL, out + 5, 1, out), NF_ERR_ALIAS, "out overlaps direction");
    REFUSED(nf_flow_move(flow, 2, x, NULL, bad, 1, out), NF_ERR_NONFINITE, "direction[2] is not finite");
    REFUSED(nf_flow_move(flow, 2, x, NULL, x, INFINITY, out), NF_ERR_ARG, "amount must be finite");
    REFUSED(nf_flow_move(flow, 2, x, NULL, x, NAN, out), NF_ERR_ARG, "amount must be finite");
    REFUSED(nf_flow_move(cond, 2, x, NULL, x, 1, out), NF_ERR_SHAPE, "cond is NULL");
    expect(nf_flow_move(flow, 0, NULL, NULL, NULL, 1, NULL));

    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, 0, good, out), NF_ERR_SHAPE, "n_temperatures is 0, must be at least 1");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, 2, NULL, out), NF_ERR_NULL, "temperatures is NULL");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, 2, zero, out), NF_ERR_ARG, "temperatures[1] must be positive and finite");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, 1, infinite, out), NF_ERR_ARG, "temperatures[0]");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, INT64_MAX / 16, good, out), NF_ERR_OVERFLOW, "are too many");
    REFUSED(nf_flow_sample_temperatures(flow, 1, -3, 2, NULL, 2, good, out), NF_ERR_ARG, "first is -3");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, -2, NULL, 2, good, out), NF_ERR_SHAPE, "n is -2");
    REFUSED(nf_flow_sample_temperatures(flow, 1, 0, 2, NULL, 2, good, NULL), NF_ERR_NULL, "x is NULL");
    REFUSED(nf_flow_sample_temperatures(cond, 1, 0, 2, out + 11, 2, good, out), NF_ERR_ALIAS, "x overlaps cond");
    REFUSED(nf_flow_sample_temperatures(wide, 1, 0, 2, NULL, 2, good, out), NF_ERR_DTYPE, "the flow is f64");
    expect(nf_flow_sample_temperatures(flow, 1, 0, 0, NULL, 2, good, out));
    untouched();
    free(x);
    nf_flow_unref(flow), nf_flow_unref(cond), nf_flow_unref(wide);
}
END_TEST

/* After nf_flow_reserve only the direction allocates, and gives back what it took. */
START_TEST(all__allocate_what_they_say)
{
    static const double temperatures[2] = { 0.5, 1 };
    ledger book;
    float *x = rows_of(NF_F32, 40 * DIM, 0), *out = rows_of(NF_F32, 80 * DIM, 0), direction[DIM];

    ledger_reset(&book);
    nf_context *context = support_context(1, &book);
    nf_flow *flow = flow_of(context, NF_F32, 0);
    expect(nf_flow_reserve(flow, 40, 0));
    const long long calls = atomic_load(&book.calls), blocks = atomic_load(&book.blocks);
    expect(nf_flow_interpolate(flow, NF_PATH_LINEAR, 40, x, x + DIM, NULL, out));
    expect(nf_flow_move(flow, 40, x, NULL, x, 0.5, out));
    expect(nf_flow_sample_temperatures(flow, 1, 0, 40, NULL, 2, temperatures, out));
    ck_assert_int_eq(atomic_load(&book.calls), calls);
    expect(nf_flow_direction(flow, 40, x, NULL, 20, x, NULL, direction));
    ck_assert_int_gt(atomic_load(&book.calls), calls);
    ck_assert_int_eq(atomic_load(&book.blocks), blocks);
    book.fail_at = atomic_load(&book.calls); /* the next one */
    refused(nf_flow_direction(flow, 40, x, NULL, 20, x, NULL, direction), NF_ERR_MEMORY, "");
    ck_assert(isnan(direction[0]) && isnan(direction[DIM - 1]));
    nf_flow_unref(flow);
    nf_context_unref(context);
    ck_assert_int_eq(atomic_load(&book.blocks), 0);
    free(x), free(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("latent");
    TCase *cases = tcase_create("latent");

    tcase_add_loop_test(cases, interpolate__is_decode_of_the_line, 0, 4);
    tcase_add_loop_test(cases, interpolate__is_decode_of_the_great_circle, 0, 4);
    tcase_add_test(cases, interpolate__keeps_the_angle_on_the_circle);
    tcase_add_test(cases, interpolate__is_linear_where_there_is_no_circle);
    tcase_add_test(cases, interpolate__spreads_a_bad_end);
    tcase_add_loop_test(cases, direction__is_the_difference_of_means, 0, 4);
    tcase_add_test(cases, direction__names_the_row_that_is_not_finite);
    tcase_add_loop_test(cases, move__is_decode_of_the_sum, 0, 4);
    tcase_add_test(cases, move__spoils_bad_rows_alone);
    tcase_add_loop_test(cases, temperatures__are_samples_one_after_the_other, 0, 4);
    tcase_add_test(cases, all__the_same_bits_for_any_threads);
    tcase_add_test(cases, all__strict_contexts_fill_with_nan);
    tcase_add_test(cases, all__refuse_what_is_wrong_and_touch_nothing);
    tcase_add_test(cases, all__allocate_what_they_say);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
