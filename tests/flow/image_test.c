/* SPDX-License-Identifier: MIT
 *
 * image_test.c - flows of images put together by hand: bits a column, noise, checks behind whole numbers, initialisation, faults
 */
#include "layers/layer.h"
#include "support.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEIGHT 4
#define WIDTH 2
#define CHANNELS 3
#define DIM (HEIGHT * WIDTH * CHANNELS)
#define ROWS 40

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

/* Whole numbers, brighter in one channel than in the other, multiples of `step`. */
static void *images(int32_t dtype, int64_t n, int32_t step)
{
    uint64_t state = 77;
    void *x = support_malloc(n * DIM * support_size(dtype));

    for (int64_t k = 0; k < n * DIM; k++)
        support_set(dtype, x, k, step * floor(random_uniform(&state, 0, 100 + 50 * (double)(k % CHANNELS)) / step));
    return x;
}

static nf_layer *dequantise(nf_context *context, int32_t bits, double shift)
{
    nf_dequantise_config config = NF_DEQUANTISE_CONFIG_INIT;
    nf_layer *layer = NULL;

    config.dim = DIM;
    config.bits = bits;
    config.shift = shift;
    expect(nf_dequantise_create(&layer, context, &config));
    return layer;
}

static nf_layer *invconv(nf_context *context, int64_t height, int64_t width, int64_t channels, int32_t form)
{
    nf_invconv_config config = NF_INVCONV_CONFIG_INIT;
    nf_layer *layer = NULL;

    config.height = height;
    config.width = width;
    config.channels = channels;
    config.form = form;
    expect(nf_invconv_create(&layer, context, &config));
    return layer;
}

static nf_layer *actnorm(nf_context *context, int64_t channels)
{
    nf_actnorm_config config = NF_ACTNORM_CONFIG_INIT;
    nf_layer *layer = NULL;

    config.dim = DIM;
    config.channels = channels;
    expect(nf_actnorm_create(&layer, context, &config));
    return layer;
}

static nf_layer *squeeze(nf_context *context)
{
    nf_squeeze_config config = NF_SQUEEZE_CONFIG_INIT;
    nf_layer *layer = NULL;

    config.height = HEIGHT;
    config.width = WIDTH;
    config.channels = CHANNELS;
    expect(nf_squeeze_create(&layer, context, &config));
    return layer;
}

/* Of layers that it takes over, over a standard normal; base NULL */
static nf_flow *flow_of(nf_context *context, int32_t dtype, nf_base *base, nf_layer **layers, int64_t n)
{
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype, .seed = 9 };
    nf_flow *flow = NULL;

    if (!base) expect(nf_base_normal_create(&base, context, DIM));
    expect(nf_flow_create(&flow, context, &config, base, layers, n));
    for (int64_t l = 0; l < n; l++) nf_layer_unref(layers[l]);
    nf_base_unref(base);
    return flow;
}

static nf_flow *small_glow(nf_context *context, int32_t dtype)
{
    nf_layer *layers[] = { dequantise(context, 8, 0.5), squeeze(context), actnorm(context, 4 * CHANNELS),
                           invconv(context, HEIGHT / 2, WIDTH / 2, 4 * CHANNELS, NF_LINEAR_PLU), actnorm(context, 4 * CHANNELS),
                           invconv(context, HEIGHT / 2, WIDTH / 2, 4 * CHANNELS, NF_LINEAR_PLAIN) };
    return flow_of(context, dtype, NULL, layers, SUPPORT_COUNT(layers));
}

/* Bits */

START_TEST(uniform_model__scores_its_bits)
{
    const int32_t bits = 1 + _i / 2, dtype = _i % 2 ? NF_F64 : NF_F32;
    nf_layer *layer = dequantise(NULL, bits, 0);
    nf_base *base = NULL;
    double lp[ROWS];
    void *x = images(dtype, ROWS, 1 << (8 - bits));

    expect(nf_base_uniform_create(&base, NULL, DIM, 0.0, 1.0));
    nf_flow *flow = flow_of(NULL, dtype, base, &layer, 1);
    expect(any_log_prob(flow, ROWS, x, NULL, lp));
    for (int i = 0; i < ROWS; i++) ck_assert_msg(fabs(-lp[i] / (DIM * log(2.0)) - bits) < 1e-12, "row %d: %.17g", i, lp[i]);
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* Whole numbers out, in their range; and whole numbers come back through the whole chain. */
START_TEST(samples__are_whole_numbers)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = small_glow(NULL, dtype);
    const int64_t bytes = ROWS * DIM * support_size(dtype);
    void *x = images(dtype, ROWS, 1), *z = support_malloc(bytes), *back = support_malloc(bytes);
    double log_det[ROWS], inverse[ROWS];

    expect(any_init_data(flow, ROWS, x, NULL));
    expect(any_forward(flow, ROWS, x, NULL, z, log_det));
    expect(any_inverse(flow, ROWS, z, NULL, back, inverse));
    for (int64_t k = 0; k < ROWS * DIM; k++) ck_assert(fabs(support_at(dtype, x, k) - support_at(dtype, back, k)) <= (dtype == NF_F32));
    for (int i = 0; i < ROWS; i++) ck_assert(fabs(log_det[i] + inverse[i]) < 1e-9 * fabs(log_det[i]));
    expect(any_sample(flow, 3, 0, ROWS, NULL, 1.0, back, NULL));
    for (int64_t k = 0; k < ROWS * DIM; k++) {
        const double value = support_at(dtype, back, k);
        ck_assert(value >= 0 && value <= 255 && value == floor(value));
    }
    free(x), free(z), free(back);
    nf_flow_unref(flow);
}
END_TEST

/* Training: the noise of an epoch does not depend on threads; another epoch has another noise. */

static void *fitted_theta(int32_t threads, int64_t epochs, int64_t *count)
{
    nf_context *context = support_context(threads, NULL);
    nf_flow *flow = small_glow(context, NF_F32);
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_optimizer *optimizer = NULL;
    nf_dataset *data = NULL;
    void *x = images(NF_F32, 200, 1), *theta;

    fit.epochs = epochs;
    fit.batch = 50;
    expect(nf_dataset_from_array(&data, context, 200, DIM, x));
    expect(nf_optimizer_create(&optimizer, context, "adam", NULL));
    expect(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL));
    *count = nf_flow_param_count(flow);
    theta = support_malloc(*count * 8);
    expect(nf_flow_get_params(flow, *count, theta));
    nf_dataset_unref(data);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    nf_context_unref(context);
    free(x);
    return theta;
}

START_TEST(fit__has_the_same_noise_on_any_threads)
{
    int64_t count, same = 0;
    double *one = fitted_theta(1, 3, &count), *three = fitted_theta(3, 3, &count), *shorter = fitted_theta(1, 2, &count);

    ck_assert_int_eq(support_differ(one, three, count, 8), -1);
    for (int64_t k = 0; k < count; k++) same += one[k] == shorter[k];
    ck_assert(same < count / 2); /* the control: bits that can differ */
    free(one), free(three), free(shorter);
}
END_TEST

/* Initialisation from data is part of what is saved. */
START_TEST(actnorm__state_goes_with_the_model)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = small_glow(NULL, dtype), *loaded = NULL;
    void *x = images(dtype, ROWS, 1), *other = images(dtype, ROWS, 16), *bytes;
    double lp[4][ROWS];
    int64_t size = 0;

    expect(any_log_prob(flow, ROWS, x, NULL, lp[0]));
    expect(any_init_data(flow, ROWS, x, NULL));
    expect(any_log_prob(flow, ROWS, x, NULL, lp[1]));
    ck_assert_mem_ne(lp[0], lp[1], sizeof lp[0]);
    expect(nf_flow_save_memory(flow, NULL, 0, &size));
    bytes = support_malloc(size);
    expect(nf_flow_save_memory(flow, bytes, size, &size));
    expect(nf_flow_load_memory(&loaded, NULL, bytes, size));
    expect(any_log_prob(loaded, ROWS, x, NULL, lp[2]));
    expect(any_init_data(loaded, ROWS, other, NULL)); /* has had its data */
    expect(any_log_prob(loaded, ROWS, x, NULL, lp[3]));
    ck_assert_mem_eq(lp[1], lp[2], sizeof lp[1]);
    ck_assert_mem_eq(lp[1], lp[3], sizeof lp[1]);
    free(x), free(other), free(bytes);
    nf_flow_unref(flow);
    nf_flow_unref(loaded);
}
END_TEST

/* nf_flow_check */

static nf_check_report checked(nf_flow *flow, int32_t dtype, int32_t step)
{
    nf_check_report report = { .struct_size = sizeof report };
    void *x = images(dtype, ROWS, step);

    expect(dtype == NF_F32 ? nf_flow_check(flow, ROWS, x, NULL, &report) : nf_flow_check_f64(flow, ROWS, x, NULL, &report));
    free(x);
    return report;
}

START_TEST(check__goes_behind_whole_numbers)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    nf_flow *flow = small_glow(NULL, dtype);

    support_perturb(flow, 0.1, 4);
    const nf_check_report report = checked(flow, dtype, 1);
    ck_assert_msg(report.passed, "round trip %g %g, log-det %g %g, gradients %g %g, not invertible %d, rows not finite %d", report.round_trip_max,
                  report.round_trip_p99, report.log_det_sum_max, report.log_det_error_max, report.grad_x_error_max,
                  report.grad_theta_error_max, (int)report.not_invertible, (int)report.rows_nonfinite);
    ck_assert(report.log_det_error_max >= 0 && report.grad_theta_error_max > 0); /* measured */
    ck_assert(report.worst_layer != 0);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(check__takes_fewer_bits_and_nothing_behind)
{
    nf_layer *layer = dequantise(NULL, 5, 0.25);
    nf_flow *flow = flow_of(NULL, NF_F32, NULL, &layer, 1);
    const nf_check_report report = checked(flow, NF_F32, 1); /* lower bits are dropped: no error of the inverse */

    ck_assert(report.passed && report.round_trip_max == 0);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(check__counts_rows_not_finite_behind_whole_numbers)
{
    nf_flow *flow = small_glow(NULL, NF_F32);
    nf_check_report report = { .struct_size = sizeof report };
    float *x = images(NF_F32, ROWS, 1);

    x[5 * DIM + 2] = NAN;
    ck_assert_int_ge(nf_flow_check(flow, ROWS, x, NULL, &report), 0);
    ck_assert_int_eq(report.rows_nonfinite, 1);
    ck_assert(!report.passed);
    x[5 * DIM + 2] = 0.5F;
    ck_assert_int_eq(nf_flow_check(flow, ROWS, x, NULL, &report), NF_ERR_DOMAIN);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "row 5, column 2 is 0.5"));
    free(x);
    nf_flow_unref(flow);
}
END_TEST

/* Controls: an inverse that misses by one level, and one behind the whole numbers that misses by a little. */

static const nf_layer_type *type_of(const char *name)
{
    for (int32_t i = 0; i < nfi_layer_type_count(); i++)
        if (!strcmp(nfi_layer_type_row(i)->name, name)) return nfi_layer_type_row(i);
    ck_abort_msg("no type %s", name);
    return NULL;
}

static nf_status wrong_inverse(const nf_tile *tile, const void *self, const void *out, void *in, const char *type, double off)
{
    const nf_status status = type_of(type)->f32->inverse(self, tile, out, in);

    for (int64_t k = 0; k < tile->n * DIM; k++) ((float *)in)[k] = (float)fabs((double)((float *)in)[k] - off);
    return status;
}

static nf_status wrong_level(const void *self, const nf_tile *tile, const void *out, void *in)
{
    return wrong_inverse(tile, self, out, in, "dequantise", 1.0);
}

static nf_status wrong_product(const void *self, const nf_tile *tile, const void *out, void *in)
{
    return wrong_inverse(tile, self, out, in, "invconv", 0.01);
}

static nf_layer *wrong_layer(nf_layer_type *type, nf_layer_ops *ops, const char *name, const void *config,
                             nf_status (*inverse)(const void *self, const nf_tile *tile, const void *out, void *in))
{
    nf_layer *layer = NULL;

    *type = *type_of(name);
    *ops = *type->f32;
    ops->inverse = inverse;
    type->name = "wrong";
    type->f32 = ops;
    type->f64 = NULL;
    expect(nf_layer_create_custom(&layer, NULL, type, config));
    return layer;
}

START_TEST(check__sees_a_wrong_level)
{
    const nf_dequantise_config config = { .struct_size = sizeof config, .dim = DIM };
    static nf_layer_type type;
    static nf_layer_ops ops;
    nf_layer *layers[] = { wrong_layer(&type, &ops, "dequantise", &config, wrong_level), actnorm(NULL, CHANNELS) };
    nf_flow *flow = flow_of(NULL, NF_F32, NULL, layers, 2);
    const nf_check_report report = checked(flow, NF_F32, 1);

    ck_assert(!report.passed && report.not_invertible && report.round_trip_max >= 1);
    ck_assert_int_eq(report.worst_layer, 0);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(check__sees_a_wrong_layer_behind_whole_numbers)
{
    const nf_invconv_config config = { .struct_size = sizeof config, .height = HEIGHT, .width = WIDTH, .channels = CHANNELS };
    static nf_layer_type type;
    static nf_layer_ops ops;
    nf_layer *layers[] = { dequantise(NULL, 8, 0), actnorm(NULL, CHANNELS), wrong_layer(&type, &ops, "invconv", &config, wrong_product) };
    nf_flow *flow = flow_of(NULL, NF_F32, NULL, layers, 3);
    const nf_check_report report = checked(flow, NF_F32, 1);

    ck_assert(!report.passed && report.not_invertible && report.round_trip_max < 1);
    ck_assert_int_eq(report.worst_layer, 2);
    nf_flow_unref(flow);
}
END_TEST

/* Faults */

START_TEST(singular__names_layer_and_place)
{
    nf_layer *layers[] = { actnorm(NULL, CHANNELS), invconv(NULL, HEIGHT, WIDTH, CHANNELS, NF_LINEAR_PLAIN) };
    nf_flow *flow = flow_of(NULL, NF_F32, NULL, layers, 2);
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8), lp[ROWS], nll;
    float *x = images(NF_F32, ROWS, 1), *grad = NULL, *z = support_malloc(ROWS * DIM * 4);

    expect(nf_flow_get_params(flow, count, theta));
    for (int64_t k = count - 3; k < count; k++) theta[k] = theta[k - 3]; /* the last row is the one before it */
    expect(nf_flow_set_params(flow, count, theta));
    ck_assert_int_eq(nf_flow_log_prob(flow, ROWS, x, NULL, lp), NF_ERR_SINGULAR);
    ck_assert_str_eq(nf_last_error(), "nf_flow_log_prob: layer 1 (invconv): invconv: W is singular: zero at pivot 2");
    ck_assert(isnan(lp[0]));
    ck_assert_int_eq(nf_flow_inverse(flow, ROWS, x, NULL, z, NULL), NF_ERR_SINGULAR);
    ck_assert_int_eq(nf_flow_sample(flow, 1, 0, ROWS, NULL, 1.0, z, NULL), NF_ERR_SINGULAR);
    ck_assert_int_eq(nf_flow_nll_grad(flow, ROWS, x, NULL, &nll), NF_ERR_SINGULAR);
    expect(nf_flow_params(flow, NULL, &grad, NULL));
    for (int64_t k = 0; k < count; k++) ck_assert(grad[k] == 0);
    theta[count - 1] += 1; /* and it is whole again with another W */
    expect(nf_flow_set_params(flow, count, theta));
    expect(nf_flow_log_prob(flow, ROWS, x, NULL, lp));
    free(theta), free(x), free(z);
    nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, uniform_model__scores_its_bits, 0, 16);
    tcase_add_loop_test(all, samples__are_whole_numbers, 0, 2);
    tcase_add_test(all, fit__has_the_same_noise_on_any_threads);
    tcase_add_loop_test(all, actnorm__state_goes_with_the_model, 0, 2);
    tcase_add_loop_test(all, check__goes_behind_whole_numbers, 0, 2);
    tcase_add_test(all, check__takes_fewer_bits_and_nothing_behind);
    tcase_add_test(all, check__counts_rows_not_finite_behind_whole_numbers);
    tcase_add_test(all, check__sees_a_wrong_level);
    tcase_add_test(all, check__sees_a_wrong_layer_behind_whole_numbers);
    tcase_add_test(all, singular__names_layer_and_place);
    suite_add_tcase(suite, all);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
