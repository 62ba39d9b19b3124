/* SPDX-License-Identifier: MIT
 *
 * ffjord_test.c - the recipe of continuous flows: presets, refusals, densities, files, training; what its solves are reported to cost
 */
#include "support.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 300
#define LOG_2_PI 1.8378770664093454836

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

static void refused(nf_status answer, nf_status wanted, const char *words)
{
    ck_assert_msg(answer == wanted, "%s instead of %s: %s", nf_status_name(answer), nf_status_name(wanted), nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), words) != NULL, "'%s' lacks '%s'", nf_last_error(), words);
}

static nf_flow *make(nf_context *context, nf_ffjord_config config)
{
    nf_flow *flow = NULL;

    config.struct_size = sizeof config;
    expect(nf_flow_create_ffjord(&flow, context, &config));
    return flow;
}

static nf_flow *small(nf_context *context, int32_t dtype, int64_t blocks)
{
    static const int64_t hidden[] = { 8, 8 };
    nf_flow *flow = make(context, (nf_ffjord_config){ .dim = 2, .blocks = blocks, .hidden = hidden, .n_hidden = 2, .dtype = dtype, .seed = 3 });
    support_perturb(flow, 0.3, 5);
    return flow;
}

static void *rows_of(int32_t dtype, int64_t count)
{
    void *rows = support_malloc(count * support_size(dtype));
    for (int64_t i = 0; i < count; i++) support_set(dtype, rows, i, 2.0 * sin(1.3 * (double)i) + 0.01 * (double)(i % 7));
    return rows;
}

static nf_status any_report(const nf_flow *flow, int64_t n, const void *x, const void *cond, nf_solver_report *report)
{
    report->struct_size = sizeof *report;
    report->trace_error = NULL;
    report->trace_error_capacity = 0;
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_solver_report(flow, n, x, cond, report) : nf_flow_solver_report_f64(flow, n, x, cond, report);
}

/* The description holds this. */
static bool described(const nf_flow *flow, const char *words)
{
    static char text[16384];
    int64_t size;

    expect(nf_flow_to_json(flow, text, sizeof text, &size));
    return strstr(text, words) != NULL;
}

/* The recipe */

static const struct { nf_ffjord_config config; int64_t layers; double end_time; const char *words[5]; } presets[] = {
    { { .dim = 2 }, 1, 0.5, { "\"hidden\":[64,64,64]", "\"tanh\"", "\"exact\"", "\"rtol\":1.0000000000000001e-05", "\"concat_squash\"" } },
    { { .dim = 3, .preset = NF_FFJORD_TABULAR }, 1, 1.0, { "\"hidden\":[60,60]", "\"softplus\"", "\"auto\"", "\"rademacher\"", "\"dopri5\"" } },
    { { .dim = 100, .preset = NF_FFJORD_TABULAR, .trace = NF_TRACE_HUTCHINSON, .probe = NF_PROBE_GAUSSIAN, .probes = 2 }, 1, 1.0,
      { "\"hidden\":[1024,1024]", "\"hutchinson\"", "\"gaussian\"", "\"probes\":2", "\"cnf\"" } },
    { { .dim = 2, .blocks = 3, .solver = NF_ODE_RK4, .step = 0.125, .time = NF_TIME_CONCAT, .activation = NF_ACTIVATION_SILU, .end_time = 2,
        .end_time_fixed = 1 }, 3, 2.0, { "\"rk4\"", "\"step\":0.125", "\"concat\"", "\"silu\"", "\"end_time_fixed\":true" } },
    { { .preset = NF_FFJORD_IMAGES, .height = 8, .width = 8, .channels = 1, .hidden = (const int64_t[]){ 4 }, .n_hidden = 1 }, 10, 1.0,
      { "\"softplus\"", "\"concat\"", "\"squeeze\"", "\"split\"", "\"alpha\":9.9999999999999995e-07" } },
    { { .preset = NF_FFJORD_IMAGES, .dim = 18, .height = 3, .width = 3, .channels = 2, .bits = 5, .alpha = 0.125, .time = NF_TIME_SQUASH }, 4, 1.0,
      { "\"hidden\":[64,64,64]", "\"bits\":5", "\"alpha\":0.125", "\"concat_squash\"", "\"auto\"" } },
    { { .preset = NF_FFJORD_IMAGES, .height = 4, .width = 4, .channels = 1, .blocks = 1, .bits = NF_GLOW_REAL, .levels = 1 }, 1, 1.0,
      { "\"layers\":[{\"type\":\"cnf\"", "\"height\":4", "\"width\":4", "\"channels\":1", "\"rademacher\"" } },
    { { .dim = 2, .mean = (const double[]){ 1, 2 }, .n_mean = 2, .kinetic = 0.25, .jacobian = 0.125, .rtol = 0.5, .atol = 0.25, .max_steps = 7,
        .cond_dim = 4 }, 2, 0.5, { "\"standardise\"", "\"kinetic\":0.25", "\"jacobian\":0.125", "\"max_steps\":7", "\"rtol\":0.5" } },
};

START_TEST(ffjord__makes_what_the_preset_says)
{
    nf_flow *flow = make(NULL, presets[_i].config);
    char description[16384];
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);
    int64_t size;

    expect(nf_flow_get_params(flow, count, theta));
    ck_assert_double_eq_tol(theta[count - 1] * theta[count - 1], presets[_i].end_time, 1e-6);
    free(theta);
    ck_assert_int_eq(nf_flow_layers(flow), presets[_i].layers);
    const nf_ffjord_config *c = &presets[_i].config;
    ck_assert_int_eq(nf_flow_dim(flow), c->height ? c->height * c->width * c->channels : c->dim);
    ck_assert_int_eq(nf_flow_cond_dim(flow), presets[_i].config.cond_dim);
    expect(nf_flow_to_json(flow, description, sizeof description, &size));
    for (int k = 0; k < 5; k++) ck_assert_msg(described(flow, presets[_i].words[k]), "no %s in %s", presets[_i].words[k], description);
    nf_flow_unref(flow);
}
END_TEST

static const struct { nf_ffjord_config config; nf_status status; const char *words; } bad[] = {
    { { .dim = 0 }, NF_ERR_ARG, "dim is required" },
    { { .dim = 2, .preset = 4 }, NF_ERR_ARG, "preset is 4" },
    { { .dim = 2, .blocks = -1 }, NF_ERR_ARG, "blocks is -1" },
    { { .dim = 2, .activation = NF_ACTIVATION_RELU }, NF_ERR_ARG, "activation" },
    { { .dim = 2, .solver = NF_ODE_EULER }, NF_ERR_ARG, "step must be given" },
    { { .dim = 2, .trace = 5 }, NF_ERR_ARG, "trace is 5" },
    { { .dim = 2, .end_time = -1 }, NF_ERR_ARG, "end_time is -1" },
    { { .dim = 2, .end_time = 1e-9 }, NF_ERR_ARG, "end_time is 1e-09" },
    { { .dim = 2, .rtol = 1e-15 }, NF_ERR_ARG, "rtol is 1e-15" },
    { { .dim = 2, .probes = 1025 }, NF_ERR_ARG, "probes is 1025" },
    { { .dim = 2, .mean = (const double[]){ 1 }, .n_mean = 1 }, NF_ERR_SHAPE, "n_mean is 1 and n_sd 0, each must be 0 or dim, 2" },
    { { .dim = 2, .blocks = 1024 }, NF_ERR_LIMIT, "1025 layers, the context allows 100" },
    { { .dim = 2, .hidden = (const int64_t[]){ 4, 0 }, .n_hidden = 2 }, NF_ERR_LIMIT, "nf_cnf_create: hidden[1] is 0" },
    { { .dim = 4, .height = 2, .width = 2, .channels = 1 }, NF_ERR_ARG, "height is 2, width 2, channels 1, levels 0: they are of preset images" },
    { { .dim = 4, .levels = 2 }, NF_ERR_ARG, "levels 2: they are of preset images" },
    { { .preset = NF_FFJORD_IMAGES, .width = 2, .channels = 1 }, NF_ERR_ARG, "height is required with preset images" },
    { { .preset = NF_FFJORD_IMAGES, .dim = 4, .height = 2, .channels = 1 }, NF_ERR_ARG, "width is required" },
    { { .preset = NF_FFJORD_IMAGES, .height = 2, .width = 2 }, NF_ERR_ARG, "channels is required" },
    { { .preset = NF_FFJORD_IMAGES, .dim = 5, .height = 2, .width = 2, .channels = 1 }, NF_ERR_SHAPE, "dim is 5, must be 0 or height times" },
    { { .preset = NF_FFJORD_IMAGES, .height = 12, .width = 6, .channels = 1, .levels = 3 }, NF_ERR_SHAPE,
      "levels is 3; height 12 and width 6 allow 2: pad the images" },
    { { .preset = NF_FFJORD_IMAGES, .height = 2, .width = 2, .channels = 1, .cond_dim = 3 }, NF_ERR_ARG, "cond_dim is 3, must be 0" },
    { { .preset = NF_FFJORD_IMAGES, .height = 2, .width = 2, .channels = 1, .sd = (const double[]){ 1 }, .n_sd = 1 }, NF_ERR_ARG, "n_sd 1" },
    { { .preset = NF_FFJORD_IMAGES, .height = 2, .width = 2, .channels = 1, .bits = 9 }, NF_ERR_ARG, "bits is 9, must be 1 to 8, or" },
    { { .preset = NF_FFJORD_IMAGES, .height = 2048, .width = 1024, .channels = 1, .levels = 1 }, NF_ERR_LIMIT, "images of 2097152 numbers" },
};

START_TEST(ffjord__refuses_bad_configs)
{
    nf_context_config limits = NF_CONTEXT_CONFIG_INIT;
    nf_ffjord_config config = bad[_i].config;
    nf_context *context = NULL;
    nf_flow *flow = (nf_flow *)&flow;

    limits.max_layers = 100;
    expect(nf_context_create(&context, &limits));
    config.struct_size = sizeof config;
    refused(nf_flow_create_ffjord(&flow, context, &config), bad[_i].status, bad[_i].words);
    ck_assert_ptr_null(flow);
    refused(nf_flow_create_ffjord(NULL, context, &config), NF_ERR_NULL, "out is NULL");
    nf_context_unref(context);
}
END_TEST

/* A flow whose loss has more than log p, or estimates it in training from the row's probes, is what it says it is. */
static const nf_ffjord_config checked[] = {
    { .kinetic = 0.3, .jacobian = 0.2 },
    { .kinetic = 0.3, .gradient = NF_GRADIENT_ADJOINT },
    { .trace = NF_TRACE_HUTCHINSON_TRAIN, .jacobian = 0.2 },
};

START_TEST(ffjord__with_energies_passes_its_check)
{
    nf_ffjord_config config = checked[_i];
    const int64_t hidden[] = { 8, 8 };
    double x[40];
    nf_check_report r = { .struct_size = sizeof r };

    config.dim = 2;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.dtype = NF_F64;
    config.rtol = config.atol = 1e-12;
    nf_flow *flow = make(NULL, config);
    support_perturb(flow, 0.3, 5);
    for (int i = 0; i < 40; i++) x[i] = 1.5 * sin(1.3 * i);
    expect(nf_flow_check_f64(flow, 20, x, NULL, &r));
    ck_assert_msg(r.grad_theta_error_max < 1e-6, "theta: %g", r.grad_theta_error_max);
    ck_assert_msg(r.passed, "round trip %g, sum %g, log_det %g, x %g", r.round_trip_max, r.log_det_sum_max, r.log_det_error_max, r.grad_x_error_max);
    nf_flow_unref(flow);
}
END_TEST

/* max_steps is what a model file can make a row cost: the context has the last word. */
START_TEST(ffjord__steps_are_within_the_context_s_limit)
{
    nf_context_config limits = NF_CONTEXT_CONFIG_INIT;
    nf_ffjord_config config = { .struct_size = sizeof config, .dim = 2, .max_steps = 100001 };
    nf_context *context;
    nf_flow *flow;

    refused(nf_flow_create_ffjord(&flow, NULL, &config), NF_ERR_LIMIT, "max_steps is 100001, over the context's max_solver_steps 100000");
    limits.max_solver_steps = 500;
    expect(nf_context_create(&context, &limits));
    config.max_steps = 501;
    refused(nf_flow_create_ffjord(&flow, context, &config), NF_ERR_LIMIT, "max_solver_steps 500");
    nf_flow *other = small(NULL, NF_F32, 1);
    char text[4096];
    int64_t size;
    expect(nf_flow_to_json(other, text, sizeof text, &size));
    refused(nf_flow_from_json(&flow, context, text), NF_ERR_LIMIT, "max_steps is 1000, over");
    nf_flow_unref(other);
    config.max_steps = 500;
    expect(nf_flow_create_ffjord(&flow, context, &config));
    nf_flow_unref(flow);
    nf_context_unref(context);
}
END_TEST

/* A rtol below what float resolves is told by the call that computes, and works in double. */
START_TEST(ffjord__tells_of_tolerances_below_float)
{
    const float x[2] = { 0.5f, -1.0f };
    nf_flow *flow = make(NULL, (nf_ffjord_config){ .dim = 2, .rtol = 1e-9 }), *wide;
    double log_prob;

    refused(nf_flow_log_prob(flow, 1, x, NULL, &log_prob), NF_ERR_ODE_TOL, "rtol is 1e-09");
    expect(nf_flow_convert(&wide, flow, NF_F64));
    expect(nf_flow_log_prob_f64(wide, 1, (const double[]){ 0.5, -1.0 }, NULL, &log_prob));
    nf_flow_unref(wide);
    nf_flow_unref(flow);
}
END_TEST

/* Density */

/* By the mid-point rule over a box that holds all but a little. */
START_TEST(ffjord__density_integrates_to_one)
{
    enum { SIDE = 60 };
    nf_flow *flow = small(NULL, NF_F64, 2);
    double *x = support_malloc(SIDE * SIDE * 2 * 8), *log_prob = support_malloc(SIDE * SIDE * 8), sum = 0;
    const double cell = 16.0 / SIDE;

    for (int i = 0; i < SIDE * SIDE; i++) {
        x[2 * i] = (i % SIDE + 0.5) * cell - 8.0;
        x[2 * i + 1] = (i / SIDE + 0.5) * cell - 8.0; /* NOLINT(bugprone-integer-division): the row */
    }
    expect(nf_flow_log_prob_f64(flow, SIDE * SIDE, x, NULL, log_prob));
    for (int i = 0; i < SIDE * SIDE; i++) sum += exp(log_prob[i]) * cell * cell;
    ck_assert_msg(fabs(sum - 1.0) < 1e-3, "the integral is %.6f", sum);
    free(log_prob);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(ffjord__is_consistent)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = small(NULL, dtype, 2);
    void *x = rows_of(dtype, 2 * ROWS), *z = support_malloc(2 * ROWS * 8), *y = support_malloc(2 * ROWS * 8);
    double log_prob[ROWS], log_det[ROWS], back[ROWS];

    expect(any_log_prob(flow, ROWS, x, NULL, log_prob));
    expect(any_forward(flow, ROWS, x, NULL, z, log_det));
    expect(any_inverse(flow, ROWS, z, NULL, y, back));
    for (int i = 0; i < ROWS; i++) {
        const double a = support_at(dtype, z, 2 * i), b = support_at(dtype, z, 2 * i + 1);
        ck_assert_double_eq_tol(log_prob[i], log_det[i] - LOG_2_PI - (a * a + b * b) / 2, 1e-9);
        ck_assert_double_eq_tol(log_det[i], -back[i], 1e-3);
        ck_assert_double_eq_tol(support_at(dtype, x, 2 * i), support_at(dtype, y, 2 * i), 1e-3);
    }
    free(y);
    free(z);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(ffjord__comes_back_from_a_file)
{
    nf_flow *flow = small(NULL, NF_F32, 2), *loaded = NULL;
    void *x = rows_of(NF_F32, 2 * ROWS), *bytes;
    double a[ROWS], b[ROWS];
    int64_t size;

    expect(nf_flow_save_memory(flow, NULL, 0, &size));
    bytes = support_malloc(size);
    expect(nf_flow_save_memory(flow, bytes, size, &size));
    expect(nf_flow_load_memory(&loaded, NULL, bytes, size));
    expect(nf_flow_log_prob(flow, ROWS, x, NULL, a));
    expect(nf_flow_log_prob(loaded, ROWS, x, NULL, b));
    ck_assert_int_eq(support_differ(a, b, ROWS, 8), -1);
    free(bytes);
    free(x);
    nf_flow_unref(loaded);
    nf_flow_unref(flow);
}
END_TEST

/* A few steps on points far from the base bring the loss down, and the end time moves. */
START_TEST(ffjord__learns)
{
    static const int64_t hidden[] = { 16, 16 };
    nf_flow *flow = make(NULL, (nf_ffjord_config){ .dim = 2, .hidden = hidden, .n_hidden = 2, .seed = 1 });
    nf_adam_config rule = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *adam = NULL;
    nf_dataset *data = NULL;
    const int64_t count = nf_flow_param_count(flow);
    double before, *theta = support_malloc(count * 8);

    rule.lr = 5e-3;
    fit.epochs = 8;
    fit.batch = 100;
    expect(nf_dataset_synthetic(&data, NULL, "8gaussians", 500, -1.0, 1));
    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_mean_nll(flow, data, &before));
    expect(nf_flow_fit(flow, adam, data, NULL, &fit, &report));
    ck_assert_msg(report.train_nll < before - 0.5, "from %.3f to %.3f", before, report.train_nll);
    expect(nf_flow_get_params(flow, count, theta));
    ck_assert_msg(fabs(theta[count - 1] - sqrt(0.5)) > 1e-3, "sqrt_time is still %.6f", theta[count - 1]);
    free(theta);
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Images */

enum { SIDE_8 = 8, PICTURES = 48 };

/* Diagonal stripes that move, in 16 steps of grey. */
static float *stripes(void)
{
    float *x = support_malloc(PICTURES * SIDE_8 * SIDE_8 * 4);
    for (int i = 0; i < PICTURES * SIDE_8 * SIDE_8; i++)
        x[i] = (float)((i / SIDE_8 % SIDE_8 + i % SIDE_8 + i / (SIDE_8 * SIDE_8) * 7) % 16 * 16); /* NOLINT(bugprone-integer-division) */
    return x;
}

static nf_flow *small_images(nf_context *context, int32_t dtype, double tolerance)
{
    static const int64_t hidden[] = { 6 };
    return make(context, (nf_ffjord_config){ .preset = NF_FFJORD_IMAGES, .height = SIDE_8, .width = SIDE_8, .channels = 1, .blocks = 1,
                                             .hidden = hidden, .n_hidden = 1, .rtol = tolerance, .atol = tolerance, .alpha = 0.01, .dtype = dtype, .seed = 2 });
}

START_TEST(ffjord_images__learns)
{
    nf_flow *flow = small_images(NULL, NF_F32, 1e-3);
    nf_adam_config rule = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *adam = NULL;
    nf_dataset *data = NULL;
    float *x = stripes();
    double before;

    rule.lr = 1e-2;
    fit.epochs = 4;
    fit.batch = 8;
    expect(nf_dataset_from_array(&data, NULL, PICTURES, SIDE_8 * SIDE_8, x));
    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_mean_nll(flow, data, &before));
    expect(nf_flow_fit(flow, adam, data, NULL, &fit, &report));
    ck_assert_int_eq(report.skipped, 0);
    ck_assert_msg(report.train_nll < before - 10.0, "from %.3f to %.3f", before, report.train_nll);
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* Whole numbers come back exactly where the solves are; the flow knows its shape; a file gives the same bits, and so do four threads. */
START_TEST(ffjord_images__come_back_exactly)
{
    enum { FEW = 6 };
    const int64_t dim = SIDE_8 * SIDE_8;
    nf_context *four = support_context(4, NULL);
    nf_flow *flow = small_images(NULL, NF_F64, 1e-9), *loaded = NULL;
    float *pixels = stripes();
    double *x = support_malloc(3 * FEW * dim * 8), *z = x + FEW * dim, *back = z + FEW * dim, a[FEW], b[FEW];
    int64_t size, height, width, channels;
    void *bytes;

    support_perturb(flow, 0.1, 5);
    expect(nf_flow_image_shape(flow, &height, &width, &channels));
    ck_assert(height == SIDE_8 && width == SIDE_8 && channels == 1);
    for (int64_t i = 0; i < FEW * dim; i++) x[i] = (double)pixels[i];
    expect(nf_flow_forward_f64(flow, FEW, x, NULL, z, NULL));
    expect(nf_flow_inverse_f64(flow, FEW, z, NULL, back, NULL));
    for (int64_t i = 0; i < FEW * dim; i++) ck_assert_msg(back[i] == x[i], "number %lld: %g of %g", (long long)i, back[i], x[i]);
    expect(nf_flow_save_memory(flow, NULL, 0, &size));
    bytes = support_malloc(size);
    expect(nf_flow_save_memory(flow, bytes, size, &size));
    expect(nf_flow_load_memory(&loaded, four, bytes, size));
    expect(nf_flow_log_prob_f64(flow, FEW, x, NULL, a));
    expect(nf_flow_log_prob_f64(loaded, FEW, x, NULL, b));
    ck_assert_int_eq(support_differ(a, b, FEW, 8), -1);
    free(bytes);
    free(x);
    free(pixels);
    nf_flow_unref(loaded);
    nf_flow_unref(flow);
    nf_context_unref(four);
}
END_TEST

/* What a step takes is bounded by tiles of a few images, not by the batch; tracks of 16 states a layer come with the rows. */
START_TEST(ffjord_images__memory_is_that_of_tiles)
{
    nf_flow *flow = make(NULL, (nf_ffjord_config){ .preset = NF_FFJORD_IMAGES, .height = 28, .width = 28, .channels = 1 });
    nf_step_memory_report few = { .struct_size = sizeof few }, many = { .struct_size = sizeof many };

    expect(nf_flow_step_memory(flow, 16, &few));
    expect(nf_flow_step_memory(flow, 64, &many));
    ck_assert_msg(many.scratch < few.scratch / 10 * 11, "%lld bytes of 64 images, %lld of 16", (long long)many.scratch, (long long)few.scratch);
    ck_assert_msg(few.scratch < (int64_t)100 << 20, "%lld bytes of scratch", (long long)few.scratch);
    ck_assert_msg(few.hidden < (int64_t)16 * 10 * (17 * 784 * 8 + 8192), "%lld bytes of tracks", (long long)few.hidden);
    nf_flow_unref(flow);
}
END_TEST

/* What solves cost */

/* With fixed steps all is known: T / step steps, and so many evaluations each. */
START_TEST(report__counts_fixed_steps)
{
    static const struct { int32_t solver; double evaluations; } rows[] = { { NF_ODE_EULER, 4 }, { NF_ODE_MIDPOINT, 8 }, { NF_ODE_RK4, 16 } };
    nf_flow *flow = make(NULL, (nf_ffjord_config){ .dim = 2, .blocks = 3, .solver = rows[_i].solver, .step = 0.25, .end_time = 1 });
    void *x = rows_of(NF_F32, 2 * ROWS);
    nf_solver_report r;

    expect(any_report(flow, ROWS, x, NULL, &r));
    ck_assert_int_eq(r.solves, 3 * ROWS);
    ck_assert_int_eq(r.failed, 0);
    ck_assert_double_eq(r.accepted_mean, 4);
    ck_assert_int_eq(r.accepted_max, 4);
    ck_assert_double_eq(r.rejected_mean, 0);
    ck_assert_int_eq(r.rejected_max, 0);
    ck_assert_double_eq_tol(r.evaluations_mean, rows[_i].evaluations, 1e-12);
    ck_assert_int_eq(r.evaluations_max, (int64_t)rows[_i].evaluations);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* dopri5: two evaluations to choose the first step, six for each further one; the same figures in any batch, on any threads. */
START_TEST(report__is_the_same_in_any_batch)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_context *one = support_context(1, NULL), *four = support_context(4, NULL);
    nf_flow *flow = small(one, dtype, 2), *other = small(four, dtype, 2);
    char *x = rows_of(dtype, 2 * ROWS);
    nf_solver_report whole, threads, single;
    double accepted = 0, evaluations = 0;
    int64_t most = 0;

    expect(any_report(flow, ROWS, x, NULL, &whole));
    expect(any_report(other, ROWS, x, NULL, &threads));
    ck_assert_mem_eq(&whole, &threads, sizeof whole);
    for (int64_t i = 0; i < ROWS; i++) {
        expect(any_report(flow, 1, x + 2 * i * support_size(dtype), NULL, &single));
        ck_assert_int_eq(single.solves, 2);
        accepted += 2 * single.accepted_mean;
        evaluations += 2 * single.evaluations_mean;
        most = single.evaluations_max > most ? single.evaluations_max : most;
    }
    ck_assert_double_eq_tol(whole.accepted_mean, accepted / (2 * ROWS), 1e-12);
    ck_assert_double_eq_tol(whole.evaluations_mean, evaluations / (2 * ROWS), 1e-9);
    ck_assert_double_eq_tol(whole.evaluations_mean, 2 + 6 * (whole.accepted_mean + whole.rejected_mean), 1e-9);
    ck_assert_int_eq(whole.evaluations_max, most);
    free(x);
    nf_flow_unref(other);
    nf_flow_unref(flow);
    nf_context_unref(four);
    nf_context_unref(one);
}
END_TEST

/* Steps run out in the first layer: such rows are counted once and not in the second; NaN rows are not counted at all. */
START_TEST(report__counts_failures)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *strict = NULL;
    nf_flow *flow, *refusing;
    float x[8] = { 0.5f, 1, (float)NAN, 1, 2, 2, -1, -2 };
    nf_solver_report r, kept;
    const nf_ffjord_config shape = { .dim = 2, .blocks = 2, .max_steps = 1, .rtol = 1e-6, .end_time = 1 };

    config.strict = 1;
    expect(nf_context_create(&strict, &config));
    flow = make(NULL, shape);
    support_perturb(flow, 0.5, 5);
    refused(any_report(flow, 4, x, NULL, &r), NF_ROWS_NONFINITE, "NF_ERR_ODE_MAXSTEPS");
    ck_assert_int_eq(r.solves, 3);
    ck_assert_int_eq(r.failed, 3);
    ck_assert_int_eq(r.accepted_max + r.rejected_max, 1);
    refusing = make(strict, shape);
    support_perturb(refusing, 0.5, 5);
    kept = r;
    refused(any_report(refusing, 4, x, NULL, &r), NF_ERR_NONFINITE, "NF_ERR_ODE_MAXSTEPS");
    ck_assert_mem_eq(&r, &kept, sizeof r);
    nf_flow_unref(refusing);
    nf_flow_unref(flow);
    nf_context_unref(strict);
}
END_TEST

/* The mean of squared errors is the mean of the squares that the report tells, of one block and of two. */
START_TEST(report__standard_error_is_that_of_the_estimates)
{
    enum { N = 4000, D = 5 };
    static const int64_t hidden[] = { 16 };
    nf_ffjord_config config = { .dim = D, .blocks = 1 + _i % 2, .hidden = hidden, .n_hidden = 1, .dtype = NF_F64, .seed = 3, .rtol = 1e-6, .atol = 1e-6,
                                .trace = NF_TRACE_EXACT, .probes = 4, .probe = _i / 2 ? NF_PROBE_GAUSSIAN : NF_PROBE_RADEMACHER };
    nf_flow *exact = make(NULL, config);
    config.trace = NF_TRACE_HUTCHINSON;
    nf_flow *flow = make(NULL, config);
    double *x = support_malloc(N * D * 8), *truth = support_malloc(N * 8), *value = support_malloc(N * 8), *error = support_malloc(N * 8);
    double squares = 0.0, mean = 0.0, spread = 0.0, sum = 0.0;
    nf_solver_report r = { .struct_size = sizeof r, .trace_error = error, .trace_error_capacity = N }, none = { .struct_size = sizeof none };

    support_perturb(exact, 0.4, 5);
    support_perturb(flow, 0.4, 5);
    for (int i = 0; i < N * D; i++) x[i] = 1.5 * sin(1.3 * i + 1e-4 * i * i);
    expect(nf_flow_log_prob_f64(exact, N, x, NULL, truth));
    expect(nf_flow_log_prob_f64(flow, N, x, NULL, value));
    expect(nf_flow_solver_report_f64(flow, N, x, NULL, &r));
    expect(nf_flow_solver_report_f64(exact, N, x, NULL, &none));
    ck_assert(none.trace_error_mean == 0.0 && none.trace_error_max == 0.0);
    for (int i = 0; i < N; i++) {
        const double square = (value[i] - truth[i]) * (value[i] - truth[i]), gap = square - error[i] * error[i];
        squares += square / N;
        mean += gap / N;
        spread += gap * gap / N;
        sum += error[i] / N;
    }
    const double sampling = sqrt((spread - mean * mean) / N);
    ck_assert_msg(sampling < 0.1 * squares, "squares of %g are known to %g only", squares, sampling);
    ck_assert_msg(fabs(mean) < 4 * sampling, "mean squared error %g, told %g, sampling error %g", squares, squares - mean, sampling);
    ck_assert_double_eq_tol(r.trace_error_mean, sum, 1e-9 * sum);
    ck_assert(r.trace_error_max > sum && r.trace_error == error);
    free(x), free(truth), free(value), free(error);
    nf_flow_unref(flow);
    nf_flow_unref(exact);
}
END_TEST

/* The error of each row has the same bits in any batch and on any threads; room for fewer rows than there are; one probe tells nothing. */
START_TEST(report__standard_errors_of_rows)
{
    enum { N = 300 };
    static const int64_t hidden[] = { 8 };
    nf_ffjord_config config = { .dim = 3, .hidden = hidden, .n_hidden = 1, .dtype = NF_F64, .trace = NF_TRACE_HUTCHINSON,
                                .probe = NF_PROBE_GAUSSIAN, .probes = 3 };
    nf_context *four = support_context(4, NULL);
    nf_flow *flow = make(NULL, config), *other = make(four, config);
    double *x = rows_of(NF_F64, 3 * N), all[N], threads[N], one;
    nf_solver_report r = { .struct_size = sizeof r, .trace_error = all, .trace_error_capacity = N }, more = r, single = r;

    x[3 * 7] = NAN;
    more.trace_error = threads;
    more.trace_error_capacity = N - 1;
    threads[N - 1] = -5.0;
    single.trace_error = &one;
    ck_assert_int_eq(nf_flow_solver_report_f64(flow, N, x, NULL, &r), NF_ROWS_NONFINITE);
    ck_assert_int_eq(nf_flow_solver_report_f64(other, N, x, NULL, &more), NF_ROWS_NONFINITE);
    ck_assert(threads[N - 1] == -5.0 && isnan(all[7]) && !isnan(r.trace_error_mean));
    ck_assert_mem_eq(all, threads, (N - 1) * 8);
    ck_assert_mem_eq(&r.trace_error_mean, &more.trace_error_mean, 16);
    for (int i = 8; i < N; i += 13) {
        single.trace_error_capacity = 1;
        expect(nf_flow_solver_report_f64(flow, 1, x + 3 * i, NULL, &single));
        ck_assert(one == all[i] && one > 0.0 && single.trace_error_max == one);
    }
    nf_flow_unref(other);
    nf_flow_unref(flow);
    config.probes = 1;
    flow = make(NULL, config);
    expect(nf_flow_solver_report_f64(flow, 1, x, NULL, &single));
    ck_assert(isnan(single.trace_error_mean) && isnan(single.trace_error_max) && isnan(one));
    free(x);
    nf_flow_unref(flow);
    nf_context_unref(four);
}
END_TEST

START_TEST(report__of_nothing)
{
    nf_realnvp_config realnvp = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;
    const float x[2] = { 1, 2 };
    nf_solver_report r, old = { .struct_size = 4 };

    realnvp.dim = 2;
    expect(nf_flow_create_realnvp(&flow, NULL, &realnvp));
    expect(any_report(flow, 1, x, NULL, &r));
    ck_assert_int_eq(r.solves, 0);
    ck_assert(isnan(r.evaluations_mean) && isnan(r.accepted_mean) && isnan(r.rejected_mean));
    expect(any_report(flow, 0, NULL, NULL, &r));
    ck_assert_int_eq(r.solves, 0);
    refused(any_report(flow, -1, x, NULL, &r), NF_ERR_SHAPE, "n is -1");
    refused(any_report(flow, 1, NULL, NULL, &r), NF_ERR_NULL, "x is NULL");
    refused(any_report(flow, 1, x, x, &r), NF_ERR_SHAPE, "cond is given");
    refused(nf_flow_solver_report(flow, 1, x, NULL, NULL), NF_ERR_NULL, "report");
    refused(nf_flow_solver_report(flow, 1, x, NULL, &old), NF_ERR_CONFIG_SMALL, "struct_size");
    refused(nf_flow_solver_report_f64(flow, 1, (const double[]){ 1, 2 }, NULL, &r), NF_ERR_DTYPE, "f32");
    nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ffjord");
    TCase *tests = tcase_create("recipe"), *reports = tcase_create("report");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_set_timeout(reports, 120);
    tcase_add_loop_test(tests, ffjord__makes_what_the_preset_says, 0, SUPPORT_COUNT(presets));
    tcase_add_loop_test(tests, ffjord__refuses_bad_configs, 0, SUPPORT_COUNT(bad));
    tcase_add_test(tests, ffjord__tells_of_tolerances_below_float);
    tcase_add_loop_test(tests, ffjord__with_energies_passes_its_check, 0, SUPPORT_COUNT(checked));
    tcase_add_test(tests, ffjord__steps_are_within_the_context_s_limit);
    tcase_add_test(tests, ffjord__density_integrates_to_one);
    tcase_add_loop_test(tests, ffjord__is_consistent, 0, 2);
    tcase_add_test(tests, ffjord__comes_back_from_a_file);
    tcase_add_test(tests, ffjord__learns);
    tcase_add_test(tests, ffjord_images__learns);
    tcase_add_test(tests, ffjord_images__come_back_exactly);
    tcase_add_test(tests, ffjord_images__memory_is_that_of_tiles);
    tcase_add_loop_test(reports, report__counts_fixed_steps, 0, 3);
    tcase_add_loop_test(reports, report__is_the_same_in_any_batch, 0, 2);
    tcase_add_test(reports, report__counts_failures);
    tcase_add_test(reports, report__of_nothing);
    tcase_add_loop_test(reports, report__standard_error_is_that_of_the_estimates, 0, 4);
    tcase_add_test(reports, report__standard_errors_of_rows);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, reports);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
