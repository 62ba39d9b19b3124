/* SPDX-License-Identifier: MIT
 *
 * data_test.c - datasets: arrays, checks, splits, densities, numbers, CSV and NPY
 */
#include <check.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/rng.h"
#include "data/dataset.h"
#include "data/number.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define PI 3.14159265358979323846

static void *must(int64_t count, size_t size)
{
    void *p = calloc((size_t)count, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

static void expect_line(const char *part)
{
    ck_assert_msg(strstr(nf_last_error(), part) != NULL, "\"%s\" lacks \"%s\"", nf_last_error(), part);
}

/* An allocator that counts what lives and refuses the allocation number fail_at (-1: none). */
struct ledger {
    int64_t blocks, calls, fail_at;
};

static void *ledger_alloc(void *user, int64_t size, int64_t alignment)
{
    struct ledger *ledger = user;
    void *ptr = NULL;
    if (ledger->calls++ == ledger->fail_at || posix_memalign(&ptr, (size_t)alignment, (size_t)size) != 0)
        return NULL;
    ledger->blocks++;
    return ptr;
}

static void ledger_free(void *user, void *ptr, int64_t size)
{
    (void)size;
    ((struct ledger *)user)->blocks--;
    free(ptr);
}

static nf_context *ledger_context(struct ledger *ledger)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    config.alloc = ledger_alloc;
    config.free = ledger_free;
    config.alloc_user = ledger;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    return context;
}

/* ---- datasets -------------------------------------------------------------------------------------------------- */

static nf_dataset *counting(int64_t n, int64_t dim)
{
    double *x = must(n * dim, sizeof *x);
    nf_dataset *dataset = NULL;
    for (int64_t i = 0; i < n * dim; i++)
        x[i] = (double)i;
    ck_assert_int_eq(nf_dataset_from_array_f64(&dataset, NULL, n, dim, x), NF_OK);
    free(x);
    return dataset;
}

START_TEST(arrays)
{
    const float x[6] = {1, 2, 3, 4, 5, 6};
    char unaligned[sizeof x + 1];
    nf_dataset *d = NULL;
    memcpy(unaligned + 1, x, sizeof x);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 3, 2, (const float *)(const void *)(unaligned + 1)), NF_OK);
    ck_assert_int_eq(nf_dataset_rows(d), 3);
    ck_assert_int_eq(nf_dataset_dim(d), 2);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 0);
    ck_assert_ptr_null(nf_dataset_column_name(d, 0));
    double wide[4];
    float narrow[2];
    ck_assert_int_eq(nf_dataset_copy_f64(d, 1, 2, wide, NULL), NF_OK);
    ck_assert(wide[0] == 3 && wide[3] == 6);
    ck_assert_int_eq(nf_dataset_copy(d, 0, 1, narrow, NULL), NF_OK);
    ck_assert(narrow[1] == 2);
    ck_assert_int_eq(nf_dataset_copy(d, 3, 0, narrow, NULL), NF_OK);
    ck_assert_int_eq(nf_dataset_copy(d, 3, 1, narrow, NULL), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_copy(d, -1, 1, narrow, NULL), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_copy(d, 1, INT64_MAX, narrow, NULL), NF_ERR_SHAPE);
    nf_dataset *other = nf_dataset_ref(d);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_rows(other), 3);
    nf_dataset_unref(other);
    nf_dataset_unref(NULL);
    ck_assert_int_eq(nf_dataset_rows(NULL), 0);
}
END_TEST

START_TEST(array_errors)
{
    const float x[2] = {1, 2};
    nf_dataset *d = NULL;
    ck_assert_int_eq(nf_dataset_from_array(NULL, NULL, 1, 2, x), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 1, 2, NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 0, 2, x), NF_ERR_SHAPE);
    ck_assert_str_eq(nf_last_error(), "nf_dataset_from_array: n is 0, must be at least 1");
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 1, 0, x), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 1, INT64_MAX, x), NF_ERR_LIMIT);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, INT64_MAX, 2, x), NF_ERR_OVERFLOW);
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, INT64_C(1) << 40, 2, x), NF_ERR_LIMIT);
    ck_assert_ptr_null(d);
    ck_assert_int_eq(nf_dataset_copy(NULL, 0, 1, NULL, NULL), NF_ERR_NULL);
    nf_context *context = NULL;
    ck_assert_int_eq(nf_context_create(&context, NULL), NF_OK);
    ck_assert_int_eq(nf_dataset_copy((const nf_dataset *)(const void *)context, 0, 1, NULL, NULL), NF_ERR_HANDLE);
    d = counting(1, 1);
    nf_dataset *e = NULL;
    ck_assert_int_eq(nf_dataset_from_array(&e, (nf_context *)(void *)d, 1, 2, x), NF_ERR_HANDLE);
    nf_dataset_unref(d);
    nf_context_unref(context);
}
END_TEST

START_TEST(cond_and_weights)
{
    nf_dataset *d = counting(3, 2);
    const float cond[3] = {.5f, 1.5f, 2.5f};
    const double weights[3] = {0, 1, 2}, zero[3] = {0}, negative[3] = {1, -1, 1}, bad[3] = {1, (double)NAN, 1};
    ck_assert_int_eq(nf_dataset_set_cond(d, 0, cond), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_set_cond(d, -1, cond), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_set_cond(d, 1, cond), NF_OK);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 1);
    double c[2];
    ck_assert_int_eq(nf_dataset_copy_f64(d, 1, 2, NULL, c), NF_OK);
    ck_assert(c[0] == 1.5 && c[1] == 2.5);
    ck_assert_int_eq(nf_dataset_set_weights(d, weights), NF_OK);
    ck_assert_int_eq(nf_dataset_set_weights(d, zero), NF_ERR_ARG);
    ck_assert_int_eq(nf_dataset_set_weights(d, negative), NF_ERR_ARG);
    ck_assert_int_eq(nf_dataset_set_weights(d, bad), NF_ERR_NONFINITE);
    expect_line("weight 1");
    const int64_t index[2] = {2, 0};
    float x[4], cf[2];
    double w[2];
    nfi_dataset_gather(d, index, 0, 2, NF_F32, x, cf, w);
    ck_assert(x[0] == 4 && x[3] == 1 && cf[0] == 2.5f && cf[1] == .5f && w[0] == 2 && w[1] == 0);
    ck_assert_int_eq(nf_dataset_set_weights(d, NULL), NF_OK);
    nfi_dataset_gather(d, NULL, 1, 2, NF_F32, x, NULL, w);
    ck_assert(x[0] == 2 && w[0] == 1 && w[1] == 1);
    ck_assert_int_eq(nf_dataset_set_cond(d, 0, NULL), NF_OK);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 0);
    const double inf_cond[3] = {0, (double)INFINITY, 0};
    ck_assert_int_eq(nfi_dataset_check_finite(d, NF_F64, "t"), NF_OK);
    ck_assert_int_eq(nf_dataset_set_cond_f64(d, 1, inf_cond), NF_OK);
    ck_assert_int_eq(nfi_dataset_check_finite(d, NF_F64, "t"), NF_ERR_NONFINITE);
    ck_assert_str_eq(nf_last_error(), "t: row 1, conditioning column 0 is NaN or Inf");
    nf_dataset_unref(d);
}
END_TEST

START_TEST(split_is_a_partition)
{
    enum { N = 101 };
    nf_dataset *d = counting(N, 1), *a = NULL, *b = NULL, *again = NULL, *rest = NULL;
    double cond[N], w[N], x[N], c[N];
    for (int i = 0; i < N; i++) {
        cond[i] = 2.0 * i;
        w[i] = i + 1;
    }
    ck_assert_int_eq(nf_dataset_set_cond_f64(d, 1, cond), NF_OK);
    ck_assert_int_eq(nf_dataset_set_weights(d, w), NF_OK);
    ck_assert_int_eq(nf_dataset_split(d, .3, 7, &a, &b), NF_OK);
    ck_assert_int_eq(nf_dataset_rows(a), 30);
    ck_assert_int_eq(nf_dataset_rows(b), 71);
    int seen[N] = {0};
    for (int part = 0; part < 2; part++) {
        const nf_dataset *p = part ? b : a;
        ck_assert_int_eq(nf_dataset_copy_f64(p, 0, p->n, x, c), NF_OK);
        for (int64_t i = 0; i < p->n; i++) {
            seen[(int)x[i]]++;
            ck_assert(c[i] == 2 * x[i] && p->weights[i] == x[i] + 1);
            ck_assert(i == 0 || x[i] > x[i - 1]);
        }
    }
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(nf_dataset_split(d, .3, 7, &again, &rest), NF_OK);
    ck_assert_mem_eq(again->x, a->x, 30 * sizeof(double));
    nf_dataset_unref(again);
    nf_dataset_unref(rest);
    ck_assert_int_eq(nf_dataset_split(d, .8, UINT64_MAX, &again, &rest), NF_OK);
    ck_assert(((double *)again->x)[80] == 80 && ((double *)rest->x)[0] == 81);
    nf_dataset_unref(again);
    nf_dataset_unref(rest);
    const double fractions[] = {0, 1, -1, 2, (double)NAN, .001, .999};
    for (int i = 0; i < COUNT(fractions); i++) {
        ck_assert_int_eq(nf_dataset_split(d, fractions[i], 1, &again, &rest), NF_ERR_ARG);
        ck_assert(again == NULL && rest == NULL);
    }
    ck_assert_int_eq(nf_dataset_split(d, .5, 1, NULL, &rest), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_split(d, .5, 1, &rest, &rest), NF_ERR_ALIAS);
    ck_assert_int_eq(nf_dataset_split(NULL, .5, 1, &again, &rest), NF_ERR_NULL);
    nf_dataset_unref(a);
    nf_dataset_unref(b);
    nf_dataset_unref(d);
}
END_TEST

START_TEST(reports)
{
    const double nan_ = (double)NAN;
    const double x[5 * 5] = {
        1, 7, nan_, 1e300,  -0.0, //
        2, 7, 1,    -1e300, 0.0,  //
        3, 7, 2,    1e300,  0.0,  //
        4, 7, nan_, -1e300, 0.0,  //
        10, 7, 3,   0,      5e-324};
    nf_dataset *d = NULL;
    nf_column_report r = {.struct_size = sizeof r};
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 5, 5, x), NF_OK);
    ck_assert_int_eq(nf_dataset_check(d, 0, &r), NF_OK);
    ck_assert(r.min == 1 && r.max == 10 && r.mean == 4 && r.median == 3 && r.mad == 1 && r.n_distinct == 5);
    ck_assert_double_eq_tol(r.sd, sqrt(10), 1e-15);
    ck_assert(!r.is_constant && r.n_nonfinite == 0 && r.first_nonfinite == -1);
    ck_assert_int_eq(nf_dataset_check(d, 1, &r), NF_OK);
    ck_assert(r.is_constant == 1 && r.sd == 0 && r.mean == 7 && r.n_distinct == 1 && r.mad == 0);
    ck_assert_int_eq(nf_dataset_check(d, 2, &r), NF_OK);
    ck_assert(r.n_nonfinite == 2 && r.first_nonfinite == 0 && r.mean == 2 && r.median == 2);
    ck_assert_int_eq(nf_dataset_check(d, 3, &r), NF_OK);
    ck_assert(r.mean == 0 && r.n_distinct == 3);
    ck_assert_double_eq_tol(r.sd / 1e300, sqrt(.8), 1e-15);
    ck_assert_int_eq(nf_dataset_check(d, 4, &r), NF_OK);
    ck_assert(r.n_distinct == 2 && !r.is_constant);
    ck_assert_int_eq(nf_dataset_check(d, 5, &r), NF_ERR_ARG);
    ck_assert_int_eq(nf_dataset_check(d, -1, &r), NF_ERR_ARG);
    ck_assert_int_eq(nf_dataset_check(d, 0, NULL), NF_ERR_NULL);
    r.struct_size = 4;
    ck_assert_int_eq(nf_dataset_check(d, 0, &r), NF_ERR_CONFIG_SMALL);
    nf_dataset_unref(d);
    d = counting(3000, 1);
    r.struct_size = sizeof r;
    ck_assert_int_eq(nf_dataset_check(d, 0, &r), NF_OK);
    ck_assert(r.n_distinct == 1000 && r.median == 1499.5 && r.mad == 750);
    nf_dataset_unref(d);
}
END_TEST

START_TEST(standardising)
{
    const double x[4 * 2] = {1, 10, 2, 20, 3, 30, 4, 50};
    const double same[4 * 2] = {1, 5, 2, 5, 3, 5, 4, 5}, mostly[4] = {1, 1, 1, 2};
    const double bad[4] = {1, (double)INFINITY, 1, 2}, rounding[4] = {.1, .1, .1 + 2e-17, .1};
    nf_dataset *d = NULL;
    nf_layer *layer = NULL;
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 4, 2, x), NF_OK);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 0), NF_OK);
    ck_assert_int_eq(nf_layer_dim(layer), 2);
    nf_layer_unref(layer);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 1), NF_OK);
    nf_layer_unref(layer);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 2), NF_ERR_ARG);
    ck_assert_int_eq(nf_standardise_from_dataset(NULL, NULL, d, 0), NF_ERR_NULL);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, NULL, 0), NF_ERR_NULL);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 4, 2, same), NF_OK);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 0), NF_ERR_DEGENERATE);
    expect_line("column 1");
    ck_assert_ptr_null(layer);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 4, 1, mostly), NF_OK);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 0), NF_OK);
    nf_layer_unref(layer);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 1), NF_ERR_DEGENERATE);
    expect_line("robust 0");
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 4, 1, rounding), NF_OK);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 0), NF_ERR_DEGENERATE);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_from_array_f64(&d, NULL, 4, 1, bad), NF_OK);
    ck_assert_int_eq(nf_standardise_from_dataset(&layer, NULL, d, 0), NF_ERR_NONFINITE);
    expect_line("row 1, column 0");
    nf_dataset_unref(d);
}
END_TEST

/* ---- densities ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double mean[2], sd[2], noise, entropy;
} densities[] = {
    {"moons", {0, .3}, {1.744, 1.009}, .1, 2.393},
    {"8gaussians", {0, 0}, {2.032, 2.032}, .5, 2.8326},
    {"pinwheel", {0, 0}, {1.483, 1.483}, .1, 2.317},
    {"2spirals", {0, 0}, {1.610, 1.584}, .1, 2.643},
    {"checkerboard", {0, 0}, {2.309, 2.309}, 0, 3.465736},
    {"rings", {0, 0}, {1.455, 1.455}, .08, 2.622},
    {"swissroll", {.40, .04}, {1.339, 1.405}, 1, 2.668},
    {"circles", {0, 0}, {1.694, 1.694}, .08, 3.268},
    {"moons-sklearn", {.5, .25}, {.8675, .4967}, .05, .289},
    {"circles-sklearn", {0, 0}, {.6423, .6423}, .05, .781},
    {"moons-rotated", {0, .3183 + .159}, {0, 0}, .05, .289}, /* its sd is checked below */
};

START_TEST(density_moments)
{
    enum { N = 200000 };
    const char *name = densities[_i].name;
    nf_dataset *d = NULL;
    ck_assert_str_eq(nf_dataset_synthetic_at(_i), name);
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, name, N, -1, 5), NF_OK);
    ck_assert_int_eq(nfi_dataset_check_finite(d, NF_F64, "t"), NF_OK);
    for (int j = 0; j < 2 && densities[_i].sd[0] > 0; j++) {
        nf_column_report r = {.struct_size = sizeof r};
        ck_assert_int_eq(nf_dataset_check(d, j, &r), NF_OK);
        ck_assert_double_eq_tol(r.mean, densities[_i].mean[j], .01 * densities[_i].sd[j] + .005);
        ck_assert_double_eq_tol(r.sd, densities[_i].sd[j], .006 * densities[_i].sd[j]);
    }
    ck_assert_double_eq_tol(nf_dataset_synthetic_entropy(name, (double)NAN), densities[_i].entropy, .0015);
    ck_assert(isfinite(nf_dataset_synthetic_entropy(name, densities[_i].noise)));
    ck_assert(isnan(nf_dataset_synthetic_entropy(name, .7)));
    nf_dataset_unref(d);
}
END_TEST

START_TEST(density_sizes)
{
    const char *name = densities[_i].name;
    for (int64_t n = 1; n <= 23; n++) {
        nf_dataset *a = NULL, *b = NULL, *c = NULL;
        ck_assert_int_eq(nf_dataset_synthetic(&a, NULL, name, n, (double)NAN, 3), NF_OK);
        ck_assert_int_eq(nf_dataset_synthetic(&b, NULL, name, n, densities[_i].noise, 3), NF_OK);
        ck_assert_int_eq(nf_dataset_synthetic(&c, NULL, name, n, -2, 4), NF_OK);
        ck_assert_int_eq(nf_dataset_rows(a), n);
        ck_assert_int_eq(nfi_dataset_check_finite(a, NF_F64, "t"), NF_OK);
        ck_assert_mem_eq(a->x, b->x, (size_t)n * 2 * sizeof(double));
        ck_assert(memcmp(a->x, c->x, (size_t)n * 2 * sizeof(double)) != 0);
        nf_dataset_unref(a);
        nf_dataset_unref(b);
        nf_dataset_unref(c);
    }
}
END_TEST

static nf_dataset *made(const char *name, int64_t n, double noise)
{
    nf_dataset *d = NULL;
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, name, n, noise, 11), NF_OK);
    return d;
}

/* Without noise every row lies on the curves of the definition, and the counts of the parts are those of numpy. */
START_TEST(density_definitions)
{
    enum { N = 1001 };
    int upper = 0, outer = 0, count[4] = {0};
    nf_dataset *d = made("moons-sklearn", N, 0);
    const double *x = d->x;
    for (int i = 0; i < N; i++, x += 2) {
        const double on_upper = fabs(hypot(x[0], x[1]) - 1), on_lower = fabs(hypot(x[0] - 1, x[1] - .5) - 1);
        ck_assert(on_upper < 1e-14 || on_lower < 1e-14);
        upper += on_upper < 1e-14 && x[1] >= 0;
    }
    ck_assert_int_eq(upper, 500);
    nf_dataset_unref(d);
    d = made("circles-sklearn", N, 0);
    x = d->x;
    for (int i = 0; i < N; i++, x += 2) {
        const double r = hypot(x[0], x[1]);
        ck_assert(fabs(r - 1) < 1e-14 || fabs(r - .8) < 1e-14);
        outer += r > .9;
    }
    ck_assert_int_eq(outer, 500);
    nf_dataset_unref(d);
    d = made("rings", N + 2, 0);
    x = d->x;
    for (int i = 0; i < N + 2; i++, x += 2) {
        const double k = 4 - hypot(x[0], x[1]) / .75;
        ck_assert(fabs(k - round(k)) < 1e-13);
        count[(int)round(k)]++;
    }
    ck_assert(count[0] == 250 && count[1] == 250 && count[2] == 250 && count[3] == 253);
    nf_dataset_unref(d);
    d = made("8gaussians", N, 0);
    x = d->x;
    for (int i = 0; i < N; i++, x += 2)
        ck_assert_double_eq_tol(hypot(x[0], x[1]), 4 / 1.414, 1e-14);
    nf_dataset_unref(d);
    d = made("checkerboard", 4 * N, 0);
    x = d->x;
    for (int i = 0; i < 4 * N; i++, x += 2) {
        ck_assert(fabs(x[0]) <= 4 && fabs(x[1]) <= 4);
        ck_assert_int_eq((int)(floor(x[0] / 2) - floor(x[1] / 2)) & 1, 0);
    }
    nf_dataset_unref(d);
    d = made("2spirals", 2 * N, 0);
    x = d->x;
    double sum = 0;
    for (int i = 0; i < 4 * N; i++)
        sum += x[i];
    ck_assert_double_eq_tol(sum, 0, 1e-9);
    nf_dataset_unref(d);
    d = made("swissroll", N, 0);
    x = d->x;
    for (int i = 0; i < N; i++, x += 2) {
        const double t = 5 * hypot(x[0], x[1]);
        ck_assert_double_eq_tol(5 * x[0], t * cos(t), 1e-12);
        ck_assert(t >= 1.5 * PI && t <= 4.5 * PI);
    }
    nf_dataset_unref(d);
}
END_TEST

START_TEST(rotated_moons)
{
    enum { N = 2000 };
    nf_dataset *d = made("moons-rotated", N, -1), *plain = made("moons-sklearn", N, -1);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 1);
    double low = 9, high = 0;
    for (int i = 0; i < N; i++) {
        const double c = ((double *)d->cond)[i], *x = (double *)d->x + 2 * i, *p = (double *)plain->x + 2 * i;
        low = fmin(low, c);
        high = fmax(high, c);
        ck_assert_double_eq_tol(x[0], cos(c) * p[0] - sin(c) * p[1], 1e-14);
        ck_assert_double_eq_tol(x[1], sin(c) * p[0] + cos(c) * p[1], 1e-14);
    }
    ck_assert(low >= 0 && low < .01 && high < PI && high > PI - .01);
    nf_dataset_unref(d);
    nf_dataset_unref(plain);
}
END_TEST

START_TEST(density_errors)
{
    nf_dataset *d = NULL;
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, "moon", 5, -1, 1), NF_ERR_UNKNOWN);
    expect_line("moons-rotated");
    expect_line("8gaussians");
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, NULL, 5, -1, 1), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_synthetic(NULL, NULL, "moons", 5, -1, 1), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, "moons", 0, -1, 1), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, "moons", 5, (double)INFINITY, 1), NF_ERR_ARG);
    ck_assert_int_eq(nf_dataset_synthetic(&d, NULL, "checkerboard", 5, .1, 1), NF_ERR_ARG);
    expect_line("takes no noise");
    ck_assert_ptr_null(d);
    ck_assert_ptr_null(nf_dataset_synthetic_at(11));
    ck_assert_ptr_null(nf_dataset_synthetic_at(-1));
    ck_assert(isnan(nf_dataset_synthetic_entropy("moon", -1)));
    ck_assert(isnan(nf_dataset_synthetic_entropy(NULL, -1)));
}
END_TEST

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static void same_as_strtod(const char *text)
{
    double got = 0;
    const double want = strtod(text, NULL);
    const nfi_number_result result = nfi_number_parse(text, (int64_t)strlen(text), &got);
    if (isinf(want)) {
        ck_assert_msg(result == NFI_NUMBER_RANGE, "%s", text);
        return;
    }
    ck_assert_msg(result == NFI_NUMBER_OK, "%s", text);
    ck_assert_msg(memcmp(&got, &want, sizeof got) == 0, "%s: %a, not %a", text, got, want);
}

START_TEST(numbers_random)
{
    char text[64];
    for (uint64_t i = 0; i < 200000; i++) {
        const uint64_t bits = nfi_random_u64(9, 1, 2 * i), choice = nfi_random_u64(9, 1, 2 * i + 1);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        if (choice % 4 == 0)
            x = ldexp((double)(bits >> 11), -(int)(choice % 90));
        const int digits = (int)(choice >> 8 & 31);
        (void)snprintf(text, sizeof text, choice % 3 ? "%.*e" : "%.*g", digits, x);
        same_as_strtod(text);
    }
    for (uint64_t i = 0; i < 20000; i++) { /* any digits, any exponent */
        const uint64_t bits = nfi_random_u64(9, 2, i);
        (void)snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(bits >> 40),
                       (unsigned long long)(bits & 0xffffffff), (int)(bits >> 32 & 1023) - 512);
        same_as_strtod(text);
    }
}
END_TEST

/* The exact decimal expansion of a point halfway between neighbours, and just beside it. */
START_TEST(numbers_halfway)
{
    static char text[2000];
    for (uint64_t i = 0; i < 3000; i++) {
        const uint64_t bits = nfi_random_u64(9, 3, i);
        const int shift = (int)(bits >> 53) % 1100 - 1074;
        const uint64_t odd = ((bits & ((UINT64_C(1) << 53) - 1)) | UINT64_C(1) << 53) | 1; /* 54 bits: halfway */
        double x = (double)(odd & ~UINT64_C(1)), half = 1;
        if (shift < -1000) /* among the denormals: halfway between multiples of 2^-1074 */
            x = (double)(bits & 0xffffff);
        x = ldexp(x, shift < -1000 ? -1074 : shift);
        half = ldexp(1, shift < -1000 ? -1074 : shift);
        const long double between = (long double)x + (long double)half / (shift < -1000 ? 2 : 1);
        if (LDBL_MANT_DIG < 64)
            break;
        (void)snprintf(text, sizeof text, "%.1100Le", between);
        same_as_strtod(text);
        char *e = strchr(text, 'e');
        e[-1] = '1';
        same_as_strtod(text);
    }
}
END_TEST

START_TEST(numbers_special)
{
    static const char *const good[] = {
        "0", "-0", "+1", ".5", "5.", "1e5", "1E+5", "1e-5", "00012", "0.000", "000.0001e4", "9007199254740993",
        "9007199254740992.999999999999999999999", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.797693134862315807e308", "1.7976931348623159e308", "2e308", "4.9e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1e-400", "1e999",
        "0e999999999999999999999", "1e-999999999999999999999", "123456789012345678901234567890", "1e23", "8.5e22",
        "6.0221409e+23", "0.1", "0.30000000000000004", "18446744073709551615", "18446744073709551616e10",
        "9999999999999999999e27", "9999999999999999999e-27", "1e22", "1e-22", "1e27", "1e28",
        "100000000000000000000000000000000000000000e-40",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000001e80"};
    static const char *const bad[] = {"",    "-",   "+",   ".",    "e5",  "1e",  "1e+", "1,5", "1 ",  " 1",   "0x10", "1.2.3",
                                      "--1", "1f",  "nanx", "na",  "infi", "in", "1_0", "-.",  "1e5.", "+-1", "nan(1)", "\xd9\xa1"};
    double x = 0;
    for (int i = 0; i < COUNT(good); i++)
        same_as_strtod(good[i]);
    for (int i = 0; i < COUNT(bad); i++)
        ck_assert_msg(nfi_number_parse(bad[i], (int64_t)strlen(bad[i]), &x) == NFI_NUMBER_NONE, "%s", bad[i]);
    ck_assert(nfi_number_parse("NaN", 3, &x) == NFI_NUMBER_OK && isnan(x));
    ck_assert(nfi_number_parse("-inf", 4, &x) == NFI_NUMBER_OK && isinf(x) && x < 0);
    ck_assert(nfi_number_parse("+Infinity", 9, &x) == NFI_NUMBER_OK && isinf(x) && x > 0);
    const int64_t size = 3000000;
    char *large = must(size, 1);
    memset(large, '0', (size_t)size);
    large[0] = '1';
    ck_assert(nfi_number_parse(large, size, &x) == NFI_NUMBER_RANGE);
    large[1] = '.';
    ck_assert(nfi_number_parse(large, size, &x) == NFI_NUMBER_OK && x == 1);
    memset(large, '9', (size_t)size);
    large[0] = '.';
    ck_assert(nfi_number_parse(large, size, &x) == NFI_NUMBER_OK && x == 1);
    free(large);
}
END_TEST

/* ---- CSV ------------------------------------------------------------------------------------------------------- */

static nf_status read_text(nf_dataset **out, const char *text, const nf_read_config *config)
{
    const size_t size = strlen(text);
    char *exact = must((int64_t)size + 1, 1); /* so that a sanitiser sees a read past the end */
    memcpy(exact, text, size);
    exact = realloc(exact, size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    const nf_status status = nf_dataset_load_memory(out, NULL, exact, (int64_t)size, config);
    free(exact);
    return status;
}

static const struct {
    const char *text;
    int64_t n, dim;
    double x[6];
    const char *name; /* of column 0 */
} tables[] = {
    {"1,2\n3,4\n", 2, 2, {1, 2, 3, 4}, NULL},
    {"1,2\n3,4", 2, 2, {1, 2, 3, 4}, NULL},
    {"\xef\xbb\xbf" "1,2\r\n3,4\r\n", 2, 2, {1, 2, 3, 4}, NULL},
    {"1,2\r3,4\r", 2, 2, {1, 2, 3, 4}, NULL},
    {"a,b\n1,2\n", 1, 2, {1, 2}, "a"},
    {"\"a \"\"x\"\", y\";b\n1;\"2\"\n", 1, 2, {1, 2}, "a \"x\", y"},
    {"a\tb\n 1\t2 \n", 1, 2, {1, 2}, "a"},
    {"  1  2 3\n4 5\t6 \n", 2, 3, {1, 2, 3, 4, 5, 6}, NULL},
    {"\n \n1;2\n\n  \n3;4\n\n", 2, 2, {1, 2, 3, 4}, NULL},
    {"7", 1, 1, {7}, NULL},
    {"x\n7\n8\n", 2, 1, {7, 8}, "x"},
    {" 1 , \"2\" \n", 1, 2, {1, 2}, NULL},
    {"\"a\nb\",c\n1,2\n", 1, 2, {1, 2}, "a\nb"},
    {"1e3,-.5\n", 1, 2, {1000, -.5}, NULL},
};

START_TEST(csv_good)
{
    nf_dataset *d = NULL;
    ck_assert_msg(read_text(&d, tables[_i].text, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_dataset_rows(d), tables[_i].n);
    ck_assert_int_eq(nf_dataset_dim(d), tables[_i].dim);
    ck_assert_int_eq(d->dtype, NF_F64);
    ck_assert_mem_eq(d->x, tables[_i].x, (size_t)(tables[_i].n * tables[_i].dim) * sizeof(double));
    if (tables[_i].name != NULL)
        ck_assert_str_eq(nf_dataset_column_name(d, 0), tables[_i].name);
    else
        ck_assert_ptr_null(nf_dataset_column_name(d, 0));
    ck_assert_ptr_null(nf_dataset_column_name(d, d->dim));
    nf_dataset_unref(d);
}
END_TEST

static const struct {
    const char *text;
    nf_status status;
    const char *line;
} bad_tables[] = {
    {"", NF_ERR_FORMAT, "holds no table"},
    {"\n\n", NF_ERR_FORMAT, "holds no table"},
    {"a,b\n", NF_ERR_FORMAT, "no rows"},
    {"1,2\n3\n", NF_ERR_PARSE, "line 2, column 2, byte 4: the row has 1 fields, the first line has 2"},
    {"1,2\n3,4,5\n", NF_ERR_PARSE, "has 3 fields"},
    {"1,2\n3,\n", NF_ERR_PARSE, "line 2, column 2, byte 6: \"\" is not a number"},
    {"1;2\n1;1,5\n", NF_ERR_PARSE, "line 2, column 2, byte 6: \"1,5\" is not a number (the decimal sign is '.'"},
    {"1,2\n3,1e999\n", NF_ERR_PARSE, "\"1e999\" is out of range"},
    {"1e999\n", NF_ERR_PARSE, "out of range"},
    {"1,2\n3,\"4\n", NF_ERR_PARSE, "line 2, column 2, byte 6: the quote opened here is not closed"},
    {"1,\"2\"x\n", NF_ERR_PARSE, "text behind a closing quote"},
    {"1,2\n3,ab\tc\xc3\xa9\n", NF_ERR_PARSE, "\"ab?c??\" is not a number"},
    {"1,2\n3,0123456789012345678901234567890123456789x\n", NF_ERR_PARSE, "6789...\" is not"},
    {"\xff\xfe" "1", NF_ERR_FORMAT, "UTF-16"},
};

START_TEST(csv_bad)
{
    nf_dataset *d = NULL;
    ck_assert_msg(read_text(&d, bad_tables[_i].text, NULL) == bad_tables[_i].status, "%s", nf_last_error());
    expect_line(bad_tables[_i].line);
    expect_line("nf_dataset_load_memory: ");
    ck_assert_ptr_null(d);
}
END_TEST

START_TEST(csv_words_and_nul)
{
    nf_dataset *d = NULL;
    ck_assert_int_eq(read_text(&d, "nan,-Inf\n1,INFINITY\n", NULL), NF_OK);
    const double *x = d->x;
    ck_assert(isnan(x[0]) && isinf(x[1]) && x[1] < 0 && isinf(x[3]));
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n3,\0\n", 8, NULL), NF_ERR_FORMAT);
    expect_line("line 2, byte 6");
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "", -1, NULL), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, NULL, 0, NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_load_memory(NULL, NULL, "1", 1, NULL), NF_ERR_NULL);
}
END_TEST

START_TEST(columns)
{
    const char *text = "skip me\na,b,c,label\n1,2,3,x\n4,5,6,y\n";
    const int64_t pick[] = {2, 0}, cond[] = {1}, drop[] = {3, 0}, wide[] = {4}, twice[] = {1, 1}, negative[] = {-1};
    nf_dataset *d = NULL;
    nf_read_config config;
    nf_read_config_init(&config);
    config.skip_lines = 1;
    config.columns = pick;
    config.n_columns = 2;
    config.cond_columns = cond;
    config.n_cond_columns = 1;
    ck_assert_msg(read_text(&d, text, &config) == NF_OK, "%s", nf_last_error());
    const double *x = d->x, *c = d->cond;
    ck_assert(d->n == 2 && d->dim == 2 && x[0] == 3 && x[1] == 1 && x[2] == 6 && c[0] == 2 && c[1] == 5);
    ck_assert_str_eq(nf_dataset_column_name(d, 0), "c");
    nf_dataset *a = NULL, *b = NULL;
    ck_assert_int_eq(nf_dataset_split(d, .5, 1, &a, &b), NF_OK);
    ck_assert_str_eq(nf_dataset_column_name(b, 1), "a");
    nf_dataset_unref(a);
    nf_dataset_unref(b);
    nf_dataset_unref(d);
    config.drop_columns = drop;
    config.n_drop_columns = 2;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    config.n_columns = 0;
    ck_assert_int_eq(read_text(&d, text, &config), NF_OK);
    ck_assert(d->dim == 1 && ((double *)d->x)[1] == 6);
    nf_dataset_unref(d);
    config.cond_columns = drop;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    config.n_drop_columns = config.n_cond_columns = 0;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_PARSE);
    config.n_columns = 1;
    config.columns = wide;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    config.columns = negative;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    config.columns = twice;
    config.n_columns = 2;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    config.n_columns = 1;
    config.cond_columns = cond;
    config.n_cond_columns = 1;
    ck_assert_int_eq(read_text(&d, text, &config), NF_ERR_ARG);
    expect_line("left as a feature");
}
END_TEST

START_TEST(read_options)
{
    nf_dataset *d = NULL;
    nf_read_config config = NF_READ_CONFIG_INIT;
    config.dtype = NF_F32;
    ck_assert_int_eq(read_text(&d, "1.5\n", &config), NF_OK);
    ck_assert(d->dtype == NF_F32 && ((float *)d->x)[0] == 1.5f);
    nf_dataset_unref(d);
    ck_assert_int_eq(read_text(&d, "1e39\n", &config), NF_ERR_PARSE);
    ck_assert_int_eq(read_text(&d, "inf\n3.4028235e38\n", &config), NF_OK);
    nf_dataset_unref(d);
    config.header = NF_HEADER_YES;
    ck_assert_int_eq(read_text(&d, "1\n2\n", &config), NF_OK);
    ck_assert(d->n == 1);
    ck_assert_str_eq(nf_dataset_column_name(d, 0), "1");
    nf_dataset_unref(d);
    config.header = NF_HEADER_NO;
    ck_assert_int_eq(read_text(&d, "a\n2\n", &config), NF_ERR_PARSE);
    config.separator = "|";
    ck_assert_int_eq(read_text(&d, "1|2\n", &config), NF_OK);
    ck_assert(d->dim == 2);
    nf_dataset_unref(d);
    const char *separators[] = {"||", "\"", "\n", ".", "7"};
    for (int i = 0; i < COUNT(separators); i++) {
        config.separator = separators[i];
        ck_assert_int_eq(read_text(&d, "1|2\n", &config), NF_ERR_ARG);
    }
    config.separator = NULL;
    config.format = NF_FORMAT_PNG + 1;
    ck_assert_int_eq(read_text(&d, "1\n", &config), NF_ERR_ARG);
    config.format = NF_FORMAT_NPY;
    ck_assert_int_eq(read_text(&d, "1\n", &config), NF_ERR_FORMAT);
    config = (nf_read_config){0};
    ck_assert_int_eq(read_text(&d, "1\n", &config), NF_ERR_CONFIG_SMALL);
    ck_assert_ptr_nonnull(nfi_data_configs(0));
    ck_assert_ptr_null(nfi_data_configs(1));
    ck_assert_ptr_null(nfi_data_configs(-1));
    nf_read_config_init(NULL);
}
END_TEST

START_TEST(long_lines)
{
    const int64_t size = 10 << 20;
    char *text = must(size, 1);
    memset(text, '1', (size_t)size);
    nf_dataset *d = NULL;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, text, size, NULL), NF_ERR_PARSE);
    for (int64_t i = 1; i < size; i += 2)
        text[i] = ',';
    text[size - 1] = '\n';
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, text, size, NULL), NF_OK);
    ck_assert_int_eq(nf_dataset_dim(d), size / 2);
    nf_dataset_unref(d);
    free(text);
}
END_TEST

START_TEST(limits)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_dataset *d = NULL;
    config.max_file_bytes = 8;
    config.max_dim = 2;
    config.max_elements = 3;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, "1\n2\n3\n4\n5", 9, NULL), NF_ERR_LIMIT);
    expect_line("max_file_bytes");
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, "1\n2\n3\n4\n", 8, NULL), NF_ERR_LIMIT);
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, "1,2,3\n", 6, NULL), NF_ERR_LIMIT);
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, "1\n2\n3\n", 6, NULL), NF_OK);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_load(&d, context, "/dev/zero", NULL), NF_ERR_LIMIT);
    nf_context_unref(context);
}
END_TEST

START_TEST(files)
{
    char path[] = "/tmp/nflow-data-XXXXXX.CSV";
    const int descriptor = mkstemps(path, 4);
    nf_dataset *d = NULL;
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq((int)write(descriptor, "a,b\n1,2\n", 8), 8);
    (void)close(descriptor);
    ck_assert_int_eq(nf_dataset_load(&d, NULL, path, NULL), NF_OK);
    ck_assert(d->n == 1 && d->dim == 2);
    nf_dataset_unref(d);
    (void)unlink(path);
    ck_assert_int_eq(nf_dataset_load(&d, NULL, path, NULL), NF_ERR_IO);
    expect_line("no such file");
    const nf_read_config text = {.struct_size = sizeof text, .format = NF_FORMAT_CSV};
    ck_assert_int_eq(nf_dataset_load(&d, NULL, "/tmp", &text), NF_ERR_IO);
    expect_line("directory");
    ck_assert_int_eq(nf_dataset_load(&d, NULL, "/dev/null", NULL), NF_ERR_FORMAT);
    ck_assert_int_eq(nf_dataset_load(&d, NULL, NULL, NULL), NF_ERR_NULL);
    ck_assert_ptr_null(d);
}
END_TEST

START_TEST(locales)
{
    nf_dataset *d = NULL;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL)
        return; /* none installed here */
    ck_assert_int_eq(read_text(&d, "a\n1.5\n0.12345678901234567890123\n", NULL), NF_OK);
    ck_assert(((double *)d->x)[0] == 1.5 && ((double *)d->x)[1] == 0.12345678901234567890123);
    nf_dataset_unref(d);
    ck_assert_int_eq(read_text(&d, "a;b\n1,5;2\n", NULL), NF_ERR_PARSE);
    (void)setlocale(LC_ALL, "C");
}
END_TEST

/* ---- NPY ------------------------------------------------------------------------------------------------------- */

/* A file in memory: version, header, data. Returns its size. */
static int64_t npy(char *out, int version, const char *dict, const void *data, size_t size)
{
    const size_t start = version == 1 ? 10 : 12, padded = (start + strlen(dict) + 1 + 63) / 64 * 64, header = padded - start;
    memset(out, ' ', padded);
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (char)version;
    out[7] = 0;
    for (size_t i = 0; i < (version == 1 ? 2u : 4u); i++)
        out[8 + i] = (char)(header >> 8 * i & 255);
    memcpy(out + start, dict, strlen(dict));
    out[padded - 1] = '\n';
    memcpy(out + padded, data, size);
    return (int64_t)(padded + size);
}

static const struct {
    const char *descr;
    int bytes;
    int64_t raw[4]; /* the bits of the values */
    double x[4];
    int32_t dtype;
} npy_types[] = {
    {"f8", 8, {0x3ff0000000000000, 0x4000000000000000, 0x4008000000000000, INT64_C(-0x3ff0000000000000)}, {1, 2, 3, -4}, NF_F64},
    {"f4", 4, {0x3f800000, 0x40000000, 0x40400000, 0xc0800000}, {1, 2, 3, -4}, NF_F32},
    {"f2", 2, {0x3c00, 0x0001, 0x7bff, 0xc400}, {1, 0x1p-24, 65504, -4}, NF_F32},
    {"i1", 1, {1, 127, 0x80, 0xff}, {1, 127, -128, -1}, NF_F32},
    {"u1", 1, {1, 127, 0x80, 0xff}, {1, 127, 128, 255}, NF_F32},
    {"i2", 2, {1, 0x7fff, 0x8000, 0xffff}, {1, 32767, -32768, -1}, NF_F32},
    {"u2", 2, {1, 0x7fff, 0x8000, 0xffff}, {1, 32767, 32768, 65535}, NF_F32},
    {"i4", 4, {1, 0x7fffffff, 0x80000000, 0xffffffff}, {1, 2147483647, -2147483648.0, -1}, NF_F64},
    {"u4", 4, {1, 0x7fffffff, 0x80000000, 0xffffffff}, {1, 2147483647, 2147483648.0, 4294967295.0}, NF_F64},
    {"i8", 8, {1, 256, INT64_MIN, -1}, {1, 256, -0x1p63, -1}, NF_F64},
    {"u8", 8, {1, 256, INT64_MIN, 3}, {1, 256, 0x1p63, 3}, NF_F64},
    {"b1", 1, {1, 0, 0, 1}, {1, 0, 0, 1}, NF_F32},
};

static void put_raw(unsigned char *to, int type, bool big)
{
    const int width = npy_types[type].bytes;
    for (int k = 0; k < 4; k++)
        for (int b = 0; b < width; b++)
            to[k * width + (big ? width - 1 - b : b)] = (unsigned char)((uint64_t)npy_types[type].raw[k] >> 8 * b & 255);
}

static void check_npy(int type, int version, char order, bool fortran)
{
    char dict[128], file[512];
    unsigned char raw[32];
    nf_dataset *d = NULL;
    double x[4];
    put_raw(raw, type, order == '>');
    (void)snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (2, 2), }", order,
                   npy_types[type].descr, fortran ? "True" : "False");
    const int64_t size = npy(file, version, dict, raw, (size_t)(4 * npy_types[type].bytes));
    ck_assert_msg(nf_dataset_load_memory(&d, NULL, file, size, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert(d->n == 2 && d->dim == 2 && d->dtype == npy_types[type].dtype);
    ck_assert_int_eq(nf_dataset_copy_f64(d, 0, 2, x, NULL), NF_OK);
    for (int k = 0; k < 4; k++)
        ck_assert(x[fortran ? k % 2 * 2 + k / 2 : k] == npy_types[type].x[k]);
    nf_dataset_unref(d);
    for (int64_t cut = 0; cut < size; cut++) /* every shorter file is refused */
        ck_assert_int_lt(nf_dataset_load_memory(&d, NULL, file, cut, &(nf_read_config){.struct_size = sizeof(nf_read_config),
                                                                                       .format = NF_FORMAT_NPY}), 0);
    file[size] = 0;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size + 1, NULL), NF_ERR_FORMAT);
}

START_TEST(npy_good)
{
    for (int version = 1; version <= 3; version++)
        for (int fortran = 0; fortran < 2; fortran++) {
            check_npy(_i, version, '<', fortran != 0);
            check_npy(_i, version, '>', fortran != 0);
        }
    if (npy_types[_i].bytes == 1)
        check_npy(_i, 1, '|', false);
}
END_TEST

static const struct {
    const char *dict;
    size_t bytes;
    nf_status status;
    int64_t n, dim;
} npy_headers[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, NF_OK, 3, 1},
    {"{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }", 12, NF_OK, 3, 1},
    {"{\"shape\":(2L,1,3),\"descr\":\"<f4\",\"fortran_order\":False}", 24, NF_OK, 2, 3},
    {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,1,3), }", 24, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", 0, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", 16, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '', 'fortran_order': False, 'shape': (1,), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,) 'x': 1}", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'shape': (1,)}", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4", 4, NF_ERR_FORMAT, 0, 0},
    {"exit()", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648, 2147483648, 4)}", 4, NF_ERR_OVERFLOW, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 4, NF_ERR_OVERFLOW, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 9223372036854775807)}", 4, NF_ERR_OVERFLOW, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648, 2147483647)}", 4, NF_ERR_OVERFLOW, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824, 1)}", 4, NF_ERR_FORMAT, 0, 0},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", 4,
     NF_ERR_FORMAT, 0, 0},
};

START_TEST(npy_header)
{
    char file[512];
    const char data[24] = {0};
    nf_dataset *d = NULL;
    const int64_t size = npy(file, 1, npy_headers[_i].dict, data, npy_headers[_i].bytes);
    const nf_status status = nf_dataset_load_memory(&d, NULL, file, size, NULL);
    ck_assert_msg(status == npy_headers[_i].status, "%d: %s", (int)status, nf_last_error());
    ck_assert_int_eq(nf_dataset_rows(d), npy_headers[_i].n);
    ck_assert_int_eq(nf_dataset_dim(d), npy_headers[_i].dim);
    nf_dataset_unref(d);
}
END_TEST

START_TEST(npy_options)
{
    char file[512];
    const double data[4] = {1, 2, 1e300, (double)NAN};
    const int64_t pick[] = {1}, cond[] = {0};
    nf_dataset *d = NULL;
    nf_read_config config = NF_READ_CONFIG_INIT;
    const int64_t size =
        npy(file, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}", data, sizeof data);
    config.cond_columns = cond;
    config.n_cond_columns = 1;
    config.columns = pick;
    config.n_columns = 1;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size, &config), NF_OK);
    ck_assert(d->dim == 1 && ((double *)d->x)[0] == 2 && ((double *)d->cond)[1] == 1e300);
    nf_dataset_unref(d);
    config.dtype = NF_F32;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size, &config), NF_ERR_PARSE);
    expect_line("out of range of f32");
    file[6] = 4;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size, NULL), NF_ERR_VERSION);
    file[6] = 2;
    file[10] = file[11] = (char)0xff; /* a header of 4 GB */
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size, NULL), NF_ERR_FORMAT);
    expect_line("65536 allowed");
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static nf_status job_csv(nf_context *context, nf_dataset **out)
{
    static const char text[] = "a,b,c\n1,2,3\n4,5,6\n";
    const int64_t cond[] = {1};
    nf_read_config config = NF_READ_CONFIG_INIT;
    config.cond_columns = cond;
    config.n_cond_columns = 1;
    return nf_dataset_load_memory(out, context, text, (int64_t)sizeof text - 1, &config);
}

static nf_status job_npy(nf_context *context, nf_dataset **out)
{
    char file[512];
    const float data[2] = {1, 2};
    const int64_t size = npy(file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data, sizeof data);
    return nf_dataset_load_memory(out, context, file, size, NULL);
}

static nf_status job_synthetic(nf_context *context, nf_dataset **out)
{
    return nf_dataset_synthetic(out, context, "moons-rotated", 10, -1, 1);
}

static nf_status job_split(nf_context *context, nf_dataset **out)
{
    static const double weights[2] = {1, 2};
    nf_dataset *d = NULL, *second = NULL;
    nf_column_report report = {.struct_size = sizeof report};
    nf_status status = job_csv(context, &d);
    if (status >= 0)
        status = nf_dataset_set_weights(d, weights);
    if (status >= 0)
        status = nf_dataset_set_cond_f64(d, 1, weights);
    if (status >= 0)
        status = nf_dataset_check(d, 0, &report);
    if (status >= 0)
        status = nf_dataset_split(d, .5, 3, out, &second);
    nf_dataset_unref(d);
    nf_dataset_unref(second);
    return status;
}

START_TEST(out_of_memory)
{
    static nf_status (*const jobs[])(nf_context *, nf_dataset **) = {job_csv, job_npy, job_synthetic, job_split};
    struct ledger ledger = {.fail_at = -1};
    nf_context *context = ledger_context(&ledger);
    const int64_t before = ledger.blocks;
    nf_status status = NF_ERR_MEMORY;
    for (int64_t fail_at = 0; status != NF_OK; fail_at++) {
        nf_dataset *d = NULL;
        ledger.calls = 0;
        ledger.fail_at = fail_at;
        status = jobs[_i](context, &d);
        if (status < 0) {
            ck_assert_int_eq(status, NF_ERR_MEMORY);
            ck_assert_ptr_null(d);
        }
        nf_dataset_unref(d);
        ck_assert_int_eq(ledger.blocks, before);
    }
    ck_assert_int_gt(ledger.calls, 3);
    nf_context_unref(context);
    ck_assert_int_eq(ledger.blocks, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("data");
    TCase *sets = tcase_create("datasets"), *synthetic = tcase_create("densities"), *text = tcase_create("text");
    TCase *arrays_case = tcase_create("npy");
    tcase_add_test(sets, arrays);
    tcase_add_test(sets, array_errors);
    tcase_add_test(sets, cond_and_weights);
    tcase_add_test(sets, split_is_a_partition);
    tcase_add_test(sets, reports);
    tcase_add_test(sets, standardising);
    tcase_add_loop_test(sets, out_of_memory, 0, 4);
    tcase_add_loop_test(synthetic, density_moments, 0, COUNT(densities));
    tcase_add_loop_test(synthetic, density_sizes, 0, COUNT(densities));
    tcase_add_test(synthetic, density_definitions);
    tcase_add_test(synthetic, rotated_moons);
    tcase_add_test(synthetic, density_errors);
    tcase_add_test(text, numbers_random);
    tcase_add_test(text, numbers_halfway);
    tcase_add_test(text, numbers_special);
    tcase_add_loop_test(text, csv_good, 0, COUNT(tables));
    tcase_add_loop_test(text, csv_bad, 0, COUNT(bad_tables));
    tcase_add_test(text, csv_words_and_nul);
    tcase_add_test(text, columns);
    tcase_add_test(text, read_options);
    tcase_add_test(text, long_lines);
    tcase_add_test(text, limits);
    tcase_add_test(text, files);
    tcase_add_test(text, locales);
    tcase_add_loop_test(arrays_case, npy_good, 0, COUNT(npy_types));
    tcase_add_loop_test(arrays_case, npy_header, 0, COUNT(npy_headers));
    tcase_add_test(arrays_case, npy_options);
    tcase_set_timeout(synthetic, 60);
    tcase_set_timeout(text, 120);
    suite_add_tcase(s, sets);
    suite_add_tcase(s, synthetic);
    suite_add_tcase(s, text);
    suite_add_tcase(s, arrays_case);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
