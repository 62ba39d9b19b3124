/* SPDX-License-Identifier: MIT
 *
 * glow_test.c - flows of images: what the recipes make and refuse, the density by hand, what a trained flow keeps to, files
 *
 * usage: glow_test                     the tests
 *        glow_test score MODEL CASE    prints a digest of the log densities of the case's images: another process's answer
 */
#include "glow_scene.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 24
#define LOG_2_PI 1.8378770664093454836
#define LOG_2 0.69314718055994530942

static const char *program;

/* Recipes */

static const struct { nf_glow_config config; nf_status status; const char *words; } bad_glows[] = {
    { { .height = 7, .width = 8, .channels = 1 }, NF_ERR_SHAPE, "height 7 and width 8 can be halved 0 times" },
    { { .height = 8, .width = 6, .channels = 1, .levels = 2 }, NF_ERR_SHAPE, "levels is 2; height 8 and width 6 can be halved 1 times" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 4 }, NF_ERR_SHAPE, "levels is 4; height 8 and width 8 can be halved 3 times" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 17 }, NF_ERR_ARG, "levels is 17" },
    { { .height = 8, .width = 8 }, NF_ERR_ARG, "channels is required" },
    { { .height = 8, .width = 8, .channels = 1, .bits = 9 }, NF_ERR_ARG, "bits is 9, must be 1 to 8, or NF_GLOW_REAL" },
    { { .height = 8, .width = 8, .channels = 1, .bits = 18 }, NF_ERR_ARG, "bits is 18" },
    { { .height = 8, .width = 8, .channels = 1, .steps = -1 }, NF_ERR_ARG, "steps is -1" },
    { { .height = 8, .width = 8, .channels = 1, .hidden = 65537 }, NF_ERR_ARG, "hidden is 65537" },
    { { .height = 8, .width = 8, .channels = 1, .coupling = 3 }, NF_ERR_ARG, "coupling is 3" },
    { { .height = 8, .width = 8, .channels = 1, .linear = 3 }, NF_ERR_ARG, "linear is 3" },
    { { .height = 8, .width = 8, .channels = 1, .noise = 3 }, NF_ERR_ARG, "noise is 3" },
    { { .height = 8, .width = 8, .channels = 1, .dtype = 3 }, NF_ERR_ARG, "dtype is 3" },
    { { .height = 8, .width = 8, .channels = 1, .alpha = 0.3 }, NF_ERR_ARG, "alpha is 0.3" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 2, .temperature = (const double[]){ 1, 1, 1 }, .n_temperature = 3 }, NF_ERR_SHAPE,
      "n_temperature is 3, must be 0 or levels, 2" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 1, .temperature = (const double[]){ -1 }, .n_temperature = 1 }, NF_ERR_ARG, "element 0: temperature is -1" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 1, .n_temperature = 1 }, NF_ERR_ARG, "temperature is NULL, its length is 1" },
    { { .height = 8, .width = 8, .channels = 1, .levels = 3, .steps = 1024 }, NF_ERR_LIMIT, "layers" },
    { { .height = 65536, .width = 65536, .channels = 4096 }, NF_ERR_ARG, "dim is 17592186044416" },
    { { .height = 32768, .width = 32768, .channels = 1 }, NF_ERR_LIMIT, "max_dim" },
};

START_TEST(glow__refuses_bad_configs)
{
    nf_context_config limits = NF_CONTEXT_CONFIG_INIT;
    nf_glow_config config = bad_glows[_i].config;
    nf_context *context = NULL;
    nf_flow *flow = (nf_flow *)&flow;

    limits.max_layers = 1000;
    glow_expect(nf_context_create(&context, &limits));
    config.struct_size = sizeof config;
    glow_refused(nf_flow_create_glow(&flow, context, &config), bad_glows[_i].status, bad_glows[_i].words);
    ck_assert_ptr_null(flow);
    nf_context_unref(context);
}
END_TEST

static const struct { nf_realnvp_image_config config; nf_status status; const char *words; } bad_realnvps[] = {
    { { .height = 8, .width = 6, .channels = 1, .levels = 3 }, NF_ERR_SHAPE, "levels is 3; height 8 and width 6 allow 2" },
    { { .height = 4, .width = 4, .channels = 1, .levels = 3 }, NF_ERR_SHAPE, "levels is 3; height 4 and width 4 allow 2" }, /* one pixel */
    { { .height = 7, .width = 7, .channels = 1, .levels = 2 }, NF_ERR_SHAPE, "levels is 2; height 7 and width 7 allow 1" },
    { { .height = 1, .width = 1, .channels = 3 }, NF_ERR_ARG, "a checkerboard needs 2" },
    { { .height = 8, .width = 8, .channels = 1, .bits = 9 }, NF_ERR_ARG, "bits is 9" },
    { { .height = 8, .width = 8, .channels = 1, .alpha = 0.26 }, NF_ERR_ARG, "alpha is 0.26" },
    { { .height = 8, .width = 8, .channels = 1, .blocks = 65 }, NF_ERR_ARG, "blocks is 65" },
    { { .width = 8, .channels = 1 }, NF_ERR_ARG, "height is required" },
};

START_TEST(realnvp_image__refuses_bad_configs)
{
    nf_realnvp_image_config config = bad_realnvps[_i].config;
    nf_flow *flow = (nf_flow *)&flow;

    config.struct_size = sizeof config;
    glow_refused(nf_flow_create_realnvp_image(&flow, NULL, &config), bad_realnvps[_i].status, bad_realnvps[_i].words);
    ck_assert_ptr_null(flow);
}
END_TEST

/* The defaults make a flow of every image that can be halved at all, and of those that need no halving. */
START_TEST(recipes__take_small_images_by_default)
{
    static const int64_t sides[][2] = { { 2, 2 }, { 4, 4 }, { 2, 6 }, { 8, 8 }, { 12, 4 }, { 1, 2 }, { 3, 3 }, { 5, 1 } };
    for (int i = 0; i < SUPPORT_COUNT(sides); i++) {
        nf_glow_config glow = { .struct_size = sizeof glow, .height = sides[i][0], .width = sides[i][1], .channels = 1, .steps = 1, .hidden = 4 };
        nf_realnvp_image_config realnvp = { .struct_size = sizeof realnvp, .height = sides[i][0], .width = sides[i][1], .channels = 1, .hidden = 4 };
        nf_flow *flow = NULL;
        if (i < 5) glow_expect(nf_flow_create_glow(&flow, NULL, &glow));
        nf_flow_unref(flow);
        glow_expect(nf_flow_create_realnvp_image(&flow, NULL, &realnvp));
        ck_assert_int_eq(nf_flow_dim(flow), sides[i][0] * sides[i][1]);
        nf_flow_unref(flow);
    }
}
END_TEST

/* The density */

/* Columns of z that level `l` of `levels`, next to the data first, lets go: [first, first + count). */
static void level_columns(int64_t dim, int64_t levels, int64_t l, int64_t *first, int64_t *count)
{
    const bool last = l + 1 == levels;
    *count = last ? dim >> (levels - 1) : dim >> (l + 1);
    *first = last ? 0 : *count;
}

/* log p = sum over levels of standard normal densities of the level's z, plus the log-determinant; each column in one level. */
START_TEST(log_prob__is_the_sum_over_levels)
{
    const glow_case *c = &glow_cases[_i / 2];
    const int32_t dtype = _i % 2 ? NF_F64 : NF_F32;
    const int64_t dim = glow_dim(c);
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    void *x = glow_images(c, dtype, ROWS, 5), *cond = glow_cond(c, dtype, ROWS), *z = support_malloc(ROWS * dim * 8);
    double lp[ROWS], log_det[ROWS];
    int64_t first, count, columns = 0;

    support_perturb(flow, 0.05, 9);
    glow_expect(any_log_prob(flow, ROWS, x, cond, lp));
    glow_expect(any_forward(flow, ROWS, x, cond, z, log_det));
    for (int i = 0; i < ROWS; i++) {
        double want = log_det[i];
        columns = 0;
        for (int64_t l = 0; l < c->levels; l++, columns += count) {
            level_columns(dim, c->levels, l, &first, &count);
            for (int64_t j = first; j < first + count; j++) {
                const double v = support_at(dtype, z, i * dim + j);
                want -= 0.5 * (v * v + LOG_2_PI);
            }
        }
        ck_assert_msg(fabs(lp[i] - want) <= 1e-10 * fabs(want), "row %d: %.15g, by hand %.15g", i, lp[i], want);
    }
    ck_assert_int_eq(columns, dim);
    free(x), free(cond), free(z);
    nf_flow_unref(flow);
}
END_TEST

/* Sum of the log-determinants of all actnorms, from their parameters. */
static double actnorm_log_det(const nf_flow *flow)
{
    double *theta = glow_theta(flow), sum = 0;
    nf_param_view view = { .struct_size = sizeof view };

    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++) {
        nf_layer *layer = nf_flow_layer(flow, atoi(view.name + strlen("layers.")));
        if (!layer || strcmp(nf_layer_type_name(layer), "actnorm") || !strstr(view.name, ".log_scale")) continue;
        for (int64_t k = 0; k < view.count; k++) sum += theta[view.offset + k] * (double)(nf_layer_dim(layer) / view.count);
    }
    free(theta);
    return sum;
}

/* Networks answer 0 at first, and tanh(0) = 0: log|det| is that of dequantise and the actnorms. */
START_TEST(glow__starts_as_its_elementary_layers)
{
    const glow_case *c = glow_case_named(_i < 2 ? "additive" : "affine");
    const int32_t dtype = _i % 2 ? NF_F64 : NF_F32;
    const int64_t dim = glow_dim(c);
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    void *x = glow_images(c, dtype, ROWS, 5), *z = support_malloc(ROWS * dim * 8);
    double log_det[ROWS];

    glow_expect(any_init_data(flow, ROWS, x, NULL));
    glow_expect(any_forward(flow, ROWS, x, NULL, z, log_det));
    const double want = -8.0 * (double)dim * LOG_2 + actnorm_log_det(flow);
    ck_assert(fabs(actnorm_log_det(flow)) > 1); /* of something */
    for (int i = 0; i < ROWS; i++)
        ck_assert_msg(fabs(log_det[i] - want) <= (dtype == NF_F32 ? 1e-5 : 1e-11) * fabs(want), "row %d: %.15g, should be %.15g", i, log_det[i], want);
    free(x), free(z);
    nf_flow_unref(flow);
}
END_TEST

/* One level, additive: the very bits of the chain without couplings. */
START_TEST(glow__starts_with_the_bits_of_its_elementary_layers)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    const glow_case c = { .height = 4, .width = 4, .channels = 2, .levels = 1, .coupling = NF_GLOW_ADDITIVE };
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype, .seed = 3 };
    nf_flow *flow = glow_make(NULL, &c, dtype, 0), *plain = NULL;
    nf_layer *layers[16];
    nf_base *base = NULL;
    int64_t n = 0, at = 0;
    void *x = glow_images(&c, dtype, ROWS, 5);
    double lp[ROWS], want[ROWS];
    nf_param_view view = { .struct_size = sizeof view };

    glow_expect(any_init_data(flow, ROWS, x, NULL));
    double *theta = glow_theta(flow);
    for (int64_t l = 0; l < nf_flow_layers(flow); l++)
        if (strcmp(nf_layer_type_name(nf_flow_layer(flow, l)), "coupling_conv")) layers[n++] = nf_flow_layer(flow, l);
    ck_assert_int_eq(n, nf_flow_layers(flow) - 3); /* two steps and the prior */
    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++) {
        nf_layer *layer = nf_flow_layer(flow, atoi(view.name + strlen("layers.")));
        if (strcmp(nf_layer_type_name(layer), "coupling_conv") == 0) continue;
        memmove(theta + at, theta + view.offset, (size_t)view.count * 8);
        at += view.count;
    }
    glow_expect(nf_base_normal_create(&base, NULL, glow_dim(&c)));
    glow_expect(nf_flow_create(&plain, NULL, &config, base, layers, n));
    glow_expect(nf_flow_set_params(plain, at, theta));
    glow_expect(any_log_prob(flow, ROWS, x, NULL, lp));
    glow_expect(any_log_prob(plain, ROWS, x, NULL, want));
    ck_assert_mem_eq(lp, want, sizeof lp);
    free(theta), free(x);
    nf_base_unref(base);
    nf_flow_unref(flow);
    nf_flow_unref(plain);
}
END_TEST

/* Temperatures: each level's columns of a sample's z, and no other, are those of the flow without times the level's factor. */
START_TEST(temperatures__scale_the_columns_of_their_level)
{
    static const double temperature[] = { 0.5, 1.25, 2.0 };
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_glow_config config = { .struct_size = sizeof config, .height = 8, .width = 8, .channels = 1, .levels = 3, .steps = 1, .hidden = 6,
                              .bits = NF_GLOW_REAL, .dtype = dtype, .seed = 4 };
    nf_flow *flow = NULL, *scaled = NULL;
    void *x = support_malloc(ROWS * 64 * 8), *z = support_malloc(ROWS * 64 * 8), *hot = support_malloc(ROWS * 64 * 8);
    int64_t first, count;

    glow_expect(nf_flow_create_glow(&flow, NULL, &config));
    config.temperature = temperature;
    config.n_temperature = 3;
    glow_expect(nf_flow_create_glow(&scaled, NULL, &config));
    support_perturb(flow, 0.05, 9);
    support_perturb(scaled, 0.05, 9);
    glow_expect(any_sample(flow, 7, 0, ROWS, NULL, 0.8, x, NULL));
    glow_expect(any_forward(flow, ROWS, x, NULL, z, NULL));
    glow_expect(any_sample(scaled, 7, 0, ROWS, NULL, 0.8, x, NULL));
    glow_expect(any_forward(flow, ROWS, x, NULL, hot, NULL));
    for (int64_t l = 0; l < 3; l++) {
        level_columns(64, 3, l, &first, &count);
        for (int64_t k = 0; k < ROWS * count; k++) {
            const int64_t at = k / count * 64 + first + k % count;
            const double got = support_at(dtype, hot, at), want = support_at(dtype, z, at) * temperature[l];
            ck_assert_msg(fabs(got - want) <= (dtype == NF_F32 ? 1e-4 : 1e-11) * (1 + fabs(want)), "level %d, column %d: %g, not %g", (int)l,
                          (int)(at % 64), got, want);
        }
    }
    free(x), free(z), free(hot);
    nf_flow_unref(flow);
    nf_flow_unref(scaled);
}
END_TEST

/* What a trained flow keeps to */

static void train(nf_flow *flow, const glow_case *c, int64_t epochs)
{
    nf_fit_config fit = { .struct_size = sizeof fit, .epochs = epochs, .batch = 25 };
    const nf_adamax_config adamax = { .struct_size = sizeof adamax, .lr = 1e-3 };
    nf_dataset *data = glow_dataset(NULL, c, nf_flow_dtype(flow), 100, 21);
    nf_optimizer *optimizer = NULL;

    glow_expect(nf_optimizer_adamax_create(&optimizer, NULL, &adamax));
    glow_expect(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL));
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
}

static double mean_nll(const nf_flow *flow, const glow_case *c)
{
    nf_dataset *data = glow_dataset(NULL, c, nf_flow_dtype(flow), 100, 21);
    double nll = 0;

    glow_expect(nf_flow_mean_nll(flow, data, &nll));
    nf_dataset_unref(data);
    return nll;
}

static void check_round_trip(const nf_flow *flow, const glow_case *c)
{
    const int32_t dtype = nf_flow_dtype(flow);
    const int64_t dim = glow_dim(c), drop = c->bits == 5 ? 8 : 1;
    void *x = glow_images(c, dtype, ROWS, 31), *cond = glow_cond(c, dtype, ROWS), *z = support_malloc(ROWS * dim * 8), *back = support_malloc(ROWS * dim * 8);

    glow_expect(any_forward(flow, ROWS, x, cond, z, NULL));
    glow_expect(any_inverse(flow, ROWS, z, cond, back, NULL));
    for (int64_t k = 0; k < ROWS * dim; k++) {
        const double value = support_at(dtype, x, k), got = support_at(dtype, back, k);
        if (c->bits == NF_GLOW_REAL)
            ck_assert_msg(fabs(got - value) <= (dtype == NF_F32 ? 1e-4 : 1e-11), "value %d: %g became %g", (int)k, value, got);
        else
            ck_assert_msg(got == floor(value / (double)drop) * (double)drop, "value %d: %g became %g", (int)k, value, got);
    }
    free(x), free(cond), free(z), free(back);
}

static void check_report_of(const nf_flow *flow, const glow_case *c)
{
    const int32_t dtype = nf_flow_dtype(flow);
    void *x = glow_images(c, dtype, 6, 31), *cond = glow_cond(c, dtype, 6);
    nf_check_report r = { .struct_size = sizeof r };

    glow_expect(dtype == NF_F32 ? nf_flow_check(flow, 6, x, cond, &r) : nf_flow_check_f64(flow, 6, x, cond, &r));
    ck_assert_msg(r.passed, "%s: round trip %g, log-dets %g, Jacobian %g, gradients %g and %g", c->name, r.round_trip_max, r.log_det_sum_max,
                  r.log_det_error_max, r.grad_x_error_max, r.grad_theta_error_max);
    ck_assert(r.log_det_error_max == r.log_det_error_max); /* made: dim is at most 64 */
    free(x), free(cond);
}

/* A sample's own density: of what was drawn before it became whole numbers, so near that of log_prob, and equal to it for real numbers. */
static void check_samples(const nf_flow *flow, const glow_case *c)
{
    const int32_t dtype = nf_flow_dtype(flow);
    const int64_t dim = glow_dim(c);
    void *x = support_malloc(ROWS * dim * 8), *cond = glow_cond(c, dtype, ROWS);
    double own[ROWS], again[ROWS], mean = 0;

    glow_expect(any_sample(flow, 8, 100, ROWS, cond, 0.9, x, own));
    for (int64_t k = 0; k < ROWS * dim && c->bits != NF_GLOW_REAL; k++) {
        const double value = support_at(dtype, x, k);
        ck_assert(value >= 0 && value <= 255 && value == floor(value));
    }
    glow_expect(any_log_prob(flow, ROWS, x, cond, again));
    for (int i = 0; i < ROWS; i++) {
        mean += (again[i] - own[i]) / ROWS;
        if (c->bits == NF_GLOW_REAL) ck_assert_msg(fabs(again[i] - own[i]) <= (dtype == NF_F32 ? 1e-2 : 1e-9), "%g and %g", own[i], again[i]);
    }
    ck_assert_msg(fabs(mean) < 0.25 * (double)dim, "%s: log_prob of samples is %g off on average", c->name, mean);
    free(x), free(cond);
}

/* Loaded, every parameter and density has its bits, and a fit does not initialise again: nothing moves at a learning rate of nothing. */
static void check_file(const nf_flow *flow, const glow_case *c)
{
    const int32_t dtype = nf_flow_dtype(flow);
    const int64_t count = nf_flow_param_count(flow);
    nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 1, .keep_last = 1 };
    const nf_sgd_config sgd = { .struct_size = sizeof sgd, .lr = 1e-30 };
    nf_flow *loaded = glow_reload(NULL, flow);
    nf_dataset *other = glow_dataset(NULL, c, dtype, 30, 99);
    nf_optimizer *optimizer = NULL;
    void *x = glow_images(c, dtype, ROWS, 31), *cond = glow_cond(c, dtype, ROWS);
    double *theta = glow_theta(flow), *same = glow_theta(loaded), a[ROWS], b[ROWS];

    ck_assert_int_eq(support_differ(theta, same, count, 8), -1);
    glow_expect(any_log_prob(flow, ROWS, x, cond, a));
    glow_expect(any_log_prob(loaded, ROWS, x, cond, b));
    ck_assert_mem_eq(a, b, sizeof a);
    glow_expect(nf_optimizer_sgd_create(&optimizer, NULL, &sgd));
    glow_expect(nf_flow_fit(loaded, optimizer, other, NULL, &fit, NULL));
    free(same);
    same = glow_theta(loaded);
    for (int64_t k = 0; k < count; k++) ck_assert_msg(fabs(theta[k] - same[k]) < 1e-24, "parameter %d: %g became %g", (int)k, theta[k], same[k]);
    free(x), free(cond), free(theta), free(same);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(other);
    nf_flow_unref(loaded);
}

START_TEST(trained__keeps_its_promises)
{
    const glow_case *c = &glow_cases[_i / 2];
    const int32_t dtype = _i % 2 ? NF_F64 : NF_F32;
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    void *x = glow_images(c, dtype, 100, 21), *cond = glow_cond(c, dtype, 100);

    glow_expect(any_init_data(flow, 100, x, cond));
    const double before = mean_nll(flow, c);
    train(flow, c, 25); /* 100 steps */
    const double after = mean_nll(flow, c);
    ck_assert_msg(after < before - 0.05 * (double)glow_dim(c), "%s: %g nats at first, %g after 100 steps", c->name, before, after);
    check_round_trip(flow, c);
    check_report_of(flow, c);
    check_samples(flow, c);
    check_file(flow, c);
    free(x), free(cond);
    nf_flow_unref(flow);
}
END_TEST

/* Another process */

/* Outside of a test in the other process: 0 instead of a failed assertion. */
static uint64_t score_digest(const nf_flow *flow, const glow_case *c)
{
    const int32_t dtype = nf_flow_dtype(flow);
    void *x = glow_images(c, dtype, ROWS, 55), *cond = glow_cond(c, dtype, ROWS), *s = support_malloc(ROWS * glow_dim(c) * 8);
    double lp[ROWS];
    uint64_t h = 0xcbf29ce484222325u;

    nf_status status = any_log_prob(flow, ROWS, x, cond, lp);
    h = glow_digest(h, lp, sizeof lp);
    if (!status) status = any_sample(flow, 2, 0, ROWS, cond, 0.7, s, lp);
    h = status ? 0 : glow_digest(glow_digest(h, s, ROWS * glow_dim(c) * support_size(dtype)), lp, sizeof lp);
    free(x), free(cond), free(s);
    return h;
}

static int score(const char *path, const char *name)
{
    nf_flow *flow = NULL;

    if (nf_flow_load(&flow, NULL, path) != NF_OK) {
        printf("%s\n", nf_last_error());
        return 1;
    }
    printf("%016llx\n", (unsigned long long)score_digest(flow, glow_case_named(name)));
    nf_flow_unref(flow);
    return 0;
}

/* What `program score path name` prints. */
static uint64_t score_elsewhere(const char *path, const char *name)
{
    int ends[2], state = 0;
    char text[256] = { 0 };

    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], 1);
        (void)execl(program, program, "score", path, name, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    for (size_t at = 0; at + 1 < sizeof text;) {
        const ssize_t got = read(ends[0], text + at, sizeof text - 1 - at);
        if (got <= 0) break;
        at += (size_t)got;
    }
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "the other process: %s", text);
    return strtoull(text, NULL, 16);
}

START_TEST(model__has_the_same_bits_in_another_process)
{
    const glow_case *c = &glow_cases[_i / 2];
    char path[] = "/tmp/nflow-glow-XXXXXX";
    const int file = mkstemp(path);
    nf_flow *flow = glow_make(NULL, c, _i % 2 ? NF_F64 : NF_F32, 0);

    ck_assert_int_ge(file, 0);
    (void)close(file);
    train(flow, c, 2);
    glow_expect(nf_flow_save(flow, path));
    const uint64_t here = score_digest(flow, c), there = score_elsewhere(path, c->name);
    (void)unlink(path);
    ck_assert_msg(here != 0 && here == there, "%s: %#llx here, %#llx there", c->name, (unsigned long long)here, (unsigned long long)there);
    nf_flow_unref(flow);
}
END_TEST

/* What goes wrong */

START_TEST(images__of_another_size_are_refused)
{
    const glow_case *c = glow_case_named("plain"), *other = glow_case_named("affine");
    nf_flow *flow = glow_make(NULL, c, NF_F32, 0);
    nf_dataset *data = glow_dataset(NULL, other, NF_F32, 30, 1);
    nf_optimizer *optimizer = NULL;
    double nll, *before = glow_theta(flow), *after;

    glow_expect(nf_optimizer_adam_create(&optimizer, NULL, NULL));
    glow_refused(nf_flow_fit(flow, optimizer, data, NULL, NULL, NULL), NF_ERR_SHAPE, "48");
    glow_refused(nf_flow_mean_nll(flow, data, &nll), NF_ERR_SHAPE, "64");
    after = glow_theta(flow);
    ck_assert_int_eq(support_differ(before, after, nf_flow_param_count(flow), 8), -1);
    free(before), free(after);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Channel 1 of 2 is constant, so channel 1 of the squeezed 8 is; the noise of whole numbers would make it vary. */
START_TEST(fit__names_a_constant_channel_and_changes_nothing)
{
    const glow_case *c = glow_case_named("real");
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    void *x = glow_images(c, dtype, 40, 1);
    nf_optimizer *optimizer = NULL;
    nf_dataset *data = NULL;
    double *before = glow_theta(flow), *after, lp[2][40];

    for (int64_t k = 1; k < 40 * glow_dim(c); k += 2) support_set(dtype, x, k, 0.25);
    glow_expect(any_log_prob(flow, 40, x, NULL, lp[0]));
    glow_expect(any_dataset(&data, NULL, dtype, 40, glow_dim(c), x));
    glow_expect(nf_optimizer_adam_create(&optimizer, NULL, NULL));
    glow_refused(nf_flow_fit(flow, optimizer, data, NULL, NULL, NULL), NF_ERR_DEGENERATE, "layer 1 (actnorm)");
    glow_refused(any_init_data(flow, 40, x, NULL), NF_ERR_DEGENERATE, "channel 1");
    after = glow_theta(flow);
    ck_assert_int_eq(support_differ(before, after, nf_flow_param_count(flow), 8), -1);
    glow_expect(any_log_prob(flow, 40, x, NULL, lp[1]));
    ck_assert_mem_eq(lp[0], lp[1], sizeof lp[0]);
    free(x), free(before), free(after);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* A value that is no whole number of 0..255, and one that is not finite: found before the first step. */
START_TEST(fit__names_values_outside_the_domain_and_changes_nothing)
{
    static const struct { double value; nf_status status; const char *words; } bad[] = {
        { 0.5, NF_ERR_DOMAIN, "is 0.5, not a whole number in [0, 255]" }, { 256, NF_ERR_DOMAIN, "is 256" }, { -1, NF_ERR_DOMAIN, "is -1" },
        { NAN, NF_ERR_NONFINITE, "nf_flow_fit" },
    };
    const glow_case *c = glow_case_named(_i % 2 ? "realnvp" : "logit");
    nf_flow *flow = glow_make(NULL, c, NF_F32, 0);
    float *x = glow_images(c, NF_F32, 40, 1);
    nf_optimizer *optimizer = NULL;
    nf_dataset *data = NULL;
    double *before = glow_theta(flow), *after;

    x[17 * 48 + 5] = (float)bad[_i / 2].value;
    glow_expect(nf_dataset_from_array(&data, NULL, 40, 48, x));
    glow_expect(nf_optimizer_adam_create(&optimizer, NULL, NULL));
    glow_refused(nf_flow_fit(flow, optimizer, data, NULL, NULL, NULL), bad[_i / 2].status, bad[_i / 2].words);
    after = glow_theta(flow);
    ck_assert_int_eq(support_differ(before, after, nf_flow_param_count(flow), 8), -1);
    free(x), free(before), free(after);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Far too high a learning rate: the run ends, in whatever way, with weights that are finite and a flow that answers. */
START_TEST(fit__ends_with_sound_weights_at_any_rate)
{
    const glow_case *c = &glow_cases[_i / 2];
    const nf_adamax_config adamax = { .struct_size = sizeof adamax, .lr = _i % 2 ? 1e3 : 3 };
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 4, .batch = 20 };
    nf_flow *flow = glow_make(NULL, c, NF_F32, 0);
    nf_dataset *data = glow_dataset(NULL, c, NF_F32, 60, 3);
    nf_optimizer *optimizer = NULL;
    double nll = 0;

    glow_expect(nf_optimizer_adamax_create(&optimizer, NULL, &adamax));
    const nf_status status = nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL);
    ck_assert_msg(status == NF_OK || status == NF_ERR_DIVERGED, "%s: %s: %s", c->name, nf_status_name(status), nf_last_error());
    double *theta = glow_theta(flow);
    for (int64_t k = 0; k < nf_flow_param_count(flow); k++) ck_assert(isfinite(theta[k]));
    const nf_status after = nf_flow_mean_nll(flow, data, &nll);
    ck_assert_msg(after >= 0 || after == NF_ERR_SINGULAR, "%s: %s", c->name, nf_last_error());
    ck_assert(after != NF_OK || isfinite(nll));
    free(theta);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Sets the weight of the first 1x1 convolution to zero. */
static void make_singular(nf_flow *flow)
{
    double *theta = glow_theta(flow);
    nf_param_view view = { .struct_size = sizeof view };
    int64_t i = 0;

    do glow_expect(nf_flow_param(flow, i++, &view));
    while (strcmp(nf_layer_type_name(nf_flow_layer(flow, atoi(view.name + strlen("layers.")))), "invconv") || !strstr(view.name, ".weight"));
    for (int64_t k = 0; k < view.count; k++) theta[view.offset + k] = 0;
    glow_expect(nf_flow_set_params(flow, nf_flow_param_count(flow), theta));
    free(theta);
}

START_TEST(singular_weights__are_named_by_every_call)
{
    const glow_case *c = glow_case_named("plain");
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    nf_dataset *data = glow_dataset(NULL, c, dtype, 50, 21);
    nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 9, .batch = 10, .no_init = 1 };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *optimizer = NULL;
    void *x = glow_images(c, dtype, ROWS, 5), *s = support_malloc(ROWS * glow_dim(c) * 8);
    double lp[ROWS], nll;

    make_singular(flow);
    glow_refused(any_log_prob(flow, ROWS, x, NULL, lp), NF_ERR_SINGULAR, "layer 3 (invconv)");
    for (int i = 0; i < ROWS; i++) ck_assert(isnan(lp[i]));
    glow_refused(any_sample(flow, 1, 0, ROWS, NULL, 1.0, s, lp), NF_ERR_SINGULAR, "layer 3 (invconv)");
    glow_refused(any_forward(flow, ROWS, x, NULL, s, lp), NF_ERR_SINGULAR, "singular");
    glow_refused(any_nll_grad(flow, ROWS, x, NULL, NULL, &nll), NF_ERR_SINGULAR, "layer 3 (invconv)");
    /* in training it is a numeric failure: the step is skipped, and the run goes back, here to the same weights, until it has diverged */
    glow_expect(nf_optimizer_adam_create(&optimizer, NULL, NULL));
    glow_refused(nf_flow_fit(flow, optimizer, data, NULL, &fit, &report), NF_ERR_DIVERGED, "singular");
    ck_assert(report.stopped == 3 && report.skipped > 0 && report.rollbacks > 0 && report.steps == 0);
    free(x), free(s);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* A flow that gives every image the same probability scores its bits: dequantise over a uniform base. */
START_TEST(uniform_images__score_eight_bits_a_value)
{
    const glow_case *c = glow_case_named("plain");
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype };
    const nf_squeeze_config squeeze = { .struct_size = sizeof squeeze, .height = 4, .width = 4, .channels = 3 };
    const nf_dequantise_config dequantise = { .struct_size = sizeof dequantise, .dim = 48, .shift = 0.5 };
    nf_layer *layers[2] = { NULL };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    void *x = glow_images(c, dtype, ROWS, 5);
    double lp[ROWS];

    glow_expect(nf_dequantise_create(&layers[0], NULL, &dequantise));
    glow_expect(nf_squeeze_create(&layers[1], NULL, &squeeze));
    glow_expect(nf_base_uniform_create(&base, NULL, 48, -0.5, 0.5));
    glow_expect(nf_flow_create(&flow, NULL, &config, base, layers, 2));
    glow_expect(any_log_prob(flow, ROWS, x, NULL, lp));
    for (int i = 0; i < ROWS; i++) ck_assert_double_eq_tol(-lp[i] / 48 / LOG_2, 8, 1e-12);
    free(x);
    nf_layer_unref(layers[0]);
    nf_layer_unref(layers[1]);
    nf_base_unref(base);
    nf_flow_unref(flow);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "score") == 0) return score(argv[2], argv[3]);
    Suite *suite = suite_create("glow");
    TCase *cases = tcase_create("glow");

    program = argv[0];
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, glow__refuses_bad_configs, 0, SUPPORT_COUNT(bad_glows));
    tcase_add_loop_test(cases, realnvp_image__refuses_bad_configs, 0, SUPPORT_COUNT(bad_realnvps));
    tcase_add_test(cases, recipes__take_small_images_by_default);
    tcase_add_loop_test(cases, log_prob__is_the_sum_over_levels, 0, 2 * glow_case_count);
    tcase_add_loop_test(cases, glow__starts_as_its_elementary_layers, 0, 4);
    tcase_add_loop_test(cases, glow__starts_with_the_bits_of_its_elementary_layers, 0, 2);
    tcase_add_loop_test(cases, temperatures__scale_the_columns_of_their_level, 0, 2);
    tcase_add_loop_test(cases, trained__keeps_its_promises, 0, 2 * glow_case_count);
    tcase_add_loop_test(cases, model__has_the_same_bits_in_another_process, 0, 2 * glow_case_count);
    tcase_add_test(cases, images__of_another_size_are_refused);
    tcase_add_loop_test(cases, fit__names_a_constant_channel_and_changes_nothing, 0, 2);
    tcase_add_loop_test(cases, fit__names_values_outside_the_domain_and_changes_nothing, 0, 8);
    tcase_add_loop_test(cases, fit__ends_with_sound_weights_at_any_rate, 0, 2 * glow_case_count);
    tcase_add_loop_test(cases, singular_weights__are_named_by_every_call, 0, 2);
    tcase_add_loop_test(cases, uniform_images__score_eight_bits_a_value, 0, 2);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
