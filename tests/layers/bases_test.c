/* SPDX-License-Identifier: MIT
 *
 * bases_test.c - every base: check values, gradients against central differences, samples against their distribution
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bases/base.h"
#include "core/rng.h"

#define ROWS 4
#define DIM 3
#define SAMPLES 4096
#define STEP 1e-5
#define SLOPE_TOL 1e-7

static double draw(uint64_t index) { return 2.0 * nfi_uniform(99, NFI_STREAM_CHECK, index) - 1.0; }

static nf_base *make(int32_t i, int64_t dim)
{
    nf_base *base = NULL;
    nf_status status = NF_ERR_UNKNOWN;
    const char *name = nf_base_type_at(i);
    if (strcmp(name, "normal") == 0) status = nf_base_normal_create(&base, NULL, dim);
    if (strcmp(name, "diagonal") == 0) status = nf_base_diagonal_create(&base, NULL, dim);
    if (strcmp(name, "uniform") == 0) status = nf_base_uniform_create(&base, NULL, dim, -1.0, 1.5);
    ck_assert_msg(status == NF_OK, "no case for base %s", name);
    return base;
}

static double log_prob(const nf_base *base, const double *theta, int64_t n, const double *z, const double *weight)
{
    double log_det[ROWS] = { 0 }, sum = 0.0;
    nf_tile tile = { .struct_size = sizeof tile, .dtype = NF_F64, .n = n, .theta = theta, .log_det = log_det,
                     .kernels = nfi_kernels_for(NULL, NF_F64) };
    ck_assert_int_eq(base->type->f64->log_prob(base->self, &tile, z), NF_OK);
    for (int64_t i = 0; i < n; i++) sum += (weight ? weight[i] : 1.0) * log_det[i];
    return sum;
}

static double slope(const nf_base *base, const double *theta, const double *z, const double *weight, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    const double above = log_prob(base, theta, ROWS, z, weight);
    *at = keep - STEP;
    const double below = log_prob(base, theta, ROWS, z, weight);
    *at = keep;
    return (above - below) / (2.0 * STEP);
}

START_TEST(base__gradients_match_central_differences)
{
    nf_base *base = make(_i, DIM);
    double theta[2 * DIM], grad[2 * DIM] = { 0 }, z[ROWS * DIM], g[ROWS * DIM], weight[ROWS];
    for (int k = 0; k < 2 * DIM; k++) theta[k] = draw((uint64_t)k);
    for (int k = 0; k < ROWS * DIM; k++) z[k] = 0.9 * draw(50 + (uint64_t)k);
    for (int i = 0; i < ROWS; i++) weight[i] = draw(90 + (uint64_t)i);
    nf_tile tile = { .struct_size = sizeof tile, .dtype = NF_F64, .n = ROWS, .theta = theta, .grad = grad,
                     .kernels = nfi_kernels_for(NULL, NF_F64) };
    ck_assert_int_eq(base->type->f64->backward(base->self, &tile, z, weight, g), NF_OK);
    for (int k = 0; k < ROWS * DIM; k++) ck_assert_double_eq_tol(g[k], slope(base, theta, z, weight, z + k), SLOPE_TOL);
    for (int k = 0; k < base->param_count; k++)
        ck_assert_double_eq_tol(grad[k], slope(base, theta, z, weight, theta + k), SLOPE_TOL);
    nf_base_unref(base);
}
END_TEST

/* Mean and standard deviation of SAMPLES draws, and the draws in two tiles have the bits of one. */
START_TEST(base__samples_follow_the_distribution)
{
    static const double want_mean[] = { 0.0, 0.3, 0.25 }, want_sd[] = { 0.5, 0.67492940378, 0.36084391824 };
    static double z[SAMPLES], part[SAMPLES], scratch[SAMPLES];
    nf_base *base = make(_i, 1);
    const double theta[] = { 0.3, 0.3 };
    double mean = 0.0, square = 0.0;
    nf_tile tile = { .struct_size = sizeof tile, .dtype = NF_F64, .n = SAMPLES, .theta = theta, .scratch = scratch,
                     .seed = 5, .kernels = nfi_kernels_for(NULL, NF_F64) };
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, 0.5, z), NF_OK);
    for (int i = 0; i < SAMPLES; i++) mean += z[i] / SAMPLES;
    for (int i = 0; i < SAMPLES; i++) square += (z[i] - mean) * (z[i] - mean) / SAMPLES;
    ck_assert_double_eq_tol(mean, want_mean[_i], 0.05); /* 4 standard errors of the widest */
    ck_assert_double_eq_tol(sqrt(square), want_sd[_i], 0.03);
    tile.row = 1001;
    tile.n = 57;
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, 0.5, part), NF_OK);
    ck_assert_mem_eq(part, z + 1001, 57 * sizeof *z);
    nf_base_unref(base);
}
END_TEST

START_TEST(base__check_values)
{
    nf_base *normal = make(0, 2), *diagonal = make(1, 1), *uniform = make(2, 2);
    ck_assert_double_eq_tol(log_prob(normal, NULL, 1, (double[]){ 0.7, -1.3 }, NULL), -2.9278770664, 1e-9);
    ck_assert_double_eq_tol(log_prob(diagonal, (double[]){ 0.7, -0.4 }, 1, (double[]){ -1.3 }, NULL), -4.9700203902, 1e-9);
    ck_assert_double_eq_tol(log_prob(uniform, NULL, 1, (double[]){ 0.7, -0.3 }, NULL), -1.8325814637, 1e-9);
    ck_assert(log_prob(uniform, NULL, 1, (double[]){ 0.7, 1.6 }, NULL) == -INFINITY);
    ck_assert(isnan(log_prob(uniform, NULL, 1, (double[]){ NAN, 1.6 }, NULL)));
    nf_base_unref(normal), nf_base_unref(diagonal), nf_base_unref(uniform);
}
END_TEST

/* Groups scale samples, column by column, and nothing else; alone and among others alike. */
START_TEST(normal__groups_have_temperatures)
{
    static const int64_t columns[] = { 2, 1, 2 };
    static const double temperature[] = { 1.0, 0.25, 3.0 }, factor[] = { 1.0, 1.0, 0.25, 3.0, 3.0 };
    const nf_base_normal_config config = { .struct_size = sizeof config, .dim = 5, .columns = columns, .n_columns = 3,
                                           .temperature = temperature, .n_temperature = 3 };
    nf_base *groups, *plain;
    double scratch[10], a[10], b[10];
    nf_tile tile = { .struct_size = sizeof tile, .dtype = NF_F64, .n = 2, .row = 7, .scratch = scratch, .seed = 4,
                     .kernels = nfi_kernels_for(NULL, NF_F64) };
    ck_assert_int_eq(nf_base_create(&groups, NULL, "normal", &config), NF_OK);
    ck_assert_int_eq(nf_base_normal_create(&plain, NULL, 5), NF_OK);
    ck_assert_int_eq(groups->type->f64->sample(groups->self, &tile, 0.5, a), NF_OK);
    ck_assert_int_eq(plain->type->f64->sample(plain->self, &tile, 1.0, b), NF_OK);
    for (int k = 0; k < 10; k++) ck_assert(a[k] == 0.5 * factor[k % 5] * b[k]);
    ck_assert(log_prob(groups, NULL, 2, b, NULL) == log_prob(plain, NULL, 2, b, NULL));
    nf_base_unref(groups), nf_base_unref(plain);
}
END_TEST

START_TEST(normal__refuses_bad_groups)
{
    static const int64_t columns[] = { 2, 1 }, zero[] = { 3, 0 };
    static const double warm[] = { 1.0, 2.0 }, cold[] = { 1.0, 0.0 }, infinite[] = { 1.0, INFINITY };
    const struct {
        nf_base_normal_config config;
        nf_status status;
    } bad[] = {
        { { .dim = 4, .columns = columns, .n_columns = 2, .temperature = warm, .n_temperature = 2 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = warm, .n_temperature = 1 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = columns, .n_columns = 2 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = zero, .n_columns = 2, .temperature = warm, .n_temperature = 2 }, NF_ERR_ARG },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = cold, .n_temperature = 2 }, NF_ERR_ARG },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = infinite, .n_temperature = 2 }, NF_ERR_NONFINITE },
    };
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        nf_base *base = (nf_base *)&base;
        nf_base_normal_config config = bad[k].config;
        config.struct_size = sizeof config;
        ck_assert_msg(nf_base_create(&base, NULL, "normal", &config) == bad[k].status, "%d: %s", k, nf_last_error());
        ck_assert_ptr_null(base);
        if (k == 0) ck_assert_str_eq(nf_last_error(), "nf_base_create: columns add up to 3, dim is 4");
    }
}
END_TEST

START_TEST(base__refuses_bad_configs)
{
    nf_base *base = (nf_base *)&base;
    ck_assert_int_eq(nf_base_normal_create(&base, NULL, 0), NF_ERR_ARG);
    ck_assert_ptr_null(base);
    ck_assert_int_eq(nf_base_uniform_create(&base, NULL, 2, 1.0, 1.0), NF_ERR_ARG);
    ck_assert_int_eq(nf_base_create(&base, NULL, "cauchy", NULL), NF_ERR_UNKNOWN);
    ck_assert_int_eq(nf_base_create(&base, NULL, "normal", NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_base_normal_create(NULL, NULL, 1), NF_ERR_NULL);
    ck_assert_int_eq(nf_base_uniform_create(&base, NULL, 2, 0.0, 0.0), NF_OK);
    ck_assert_double_eq_tol(log_prob(base, NULL, 1, (double[]){ 0.1, 0.2 }, NULL), -2.0 * log(2.0), 1e-14);
    ck_assert_int_eq(nf_base_dim(base), 2);
    ck_assert_str_eq(nf_base_type_name(base), "uniform");
    nf_base_unref(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bases");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, base__gradients_match_central_differences, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__samples_follow_the_distribution, 0, nfi_base_type_count());
    tcase_add_test(all, base__check_values);
    tcase_add_test(all, base__refuses_bad_configs);
    tcase_add_test(all, normal__groups_have_temperatures);
    tcase_add_test(all, normal__refuses_bad_groups);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
