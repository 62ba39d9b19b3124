/* SPDX-License-Identifier: MIT
 *
 * train_test.c - fitting: lower loss, same bits for any threads and after resuming, stopping, faults
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/rng.h"
#include "math/functions.h"
#include "train/schedule.h"
#include "train/train.h"
#include <nflow/nflow.h>

enum { ROWS = 600, MOST = 8192 };

static nf_context *context_of(int32_t threads)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.threads = threads;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    return context;
}

static nf_flow *flow_of(nf_context *context, int32_t dtype)
{
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    const int64_t hidden[2] = { 16, 16 };
    nf_flow *flow = NULL;

    config.dim = 2;
    config.layers = 4;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.dtype = dtype;
    config.seed = 11;
    ck_assert_msg(nf_flow_create_realnvp(&flow, context, &config) == NF_OK, "%s", nf_last_error());
    ck_assert_int_le(nf_flow_param_count(flow), MOST);
    return flow;
}

static nf_dataset *moons(int64_t n, uint64_t seed)
{
    nf_dataset *data = NULL;

    ck_assert_msg(nf_dataset_synthetic(&data, NULL, "moons-sklearn", n, 0.1, seed) == NF_OK, "%s", nf_last_error());
    return data;
}

static nf_optimizer *optimizer_of(double lr)
{
    nf_adam_config config = { .struct_size = sizeof config, .lr = lr };
    nf_optimizer *optimizer = NULL;

    ck_assert_int_eq(nf_optimizer_adam_create(&optimizer, NULL, &config), NF_OK);
    return optimizer;
}

/* Fits a new flow, copies its weights; the status. */
static nf_status fit_new(nf_context *context, int32_t dtype, double lr, const nf_dataset *train, const nf_dataset *valid,
                         const nf_fit_config *config, nf_fit_report *report, double *theta)
{
    nf_flow *flow = flow_of(context, dtype);
    nf_optimizer *optimizer = optimizer_of(lr);
    const nf_status status = nf_flow_fit(flow, optimizer, train, valid, config, report);

    if (status == NF_OK) ck_assert_double_eq(nf_optimizer_lr(optimizer), lr);
    if (theta) ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), theta), NF_OK);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return status;
}

START_TEST(loss_falls)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_dataset *train = moons(ROWS, 1), *valid = moons(200, 2);
        nf_fit_config config = { .struct_size = sizeof config, .epochs = 30, .batch = 64 };
        nf_fit_report report = { .struct_size = sizeof report };
        nf_flow *flow = flow_of(NULL, dtype);
        nf_optimizer *optimizer = optimizer_of(3e-3);
        double curve[40] = { 0 }, curve_valid[40] = { 0 }, before, after;
        report.curve_train = curve;
        report.curve_valid = curve_valid;
        report.curve_capacity = 40;
        ck_assert_int_eq(nf_flow_mean_nll(flow, valid, &before), NF_OK);
        ck_assert_msg(nf_flow_fit(flow, optimizer, train, valid, &config, &report) == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(nf_flow_mean_nll(flow, valid, &after), NF_OK);
        ck_assert_double_eq(after, report.valid_nll);
        ck_assert_msg(after < before - 0.4, "from %g to %g", before, after);
        ck_assert_double_eq(after, curve_valid[report.best_epoch - 1]);
        ck_assert_int_eq(report.curve_count, 30);
        ck_assert_int_eq(report.epochs, 30);
        ck_assert_int_eq(report.steps, 300);
        ck_assert_int_eq(report.skipped, 0);
        ck_assert_double_lt(curve[29], curve[0]);
        nf_optimizer_unref(optimizer);
        nf_flow_unref(flow);
        nf_dataset_unref(train);
        nf_dataset_unref(valid);
    }
}
END_TEST

/* nll / (dim ln 2), and NaN as long as the loss is. */
static void check_bits(double bits, double nll)
{
    if (isnan(nll))
        ck_assert(isnan(bits));
    else
        ck_assert_double_eq_tol(bits, nll / (2 * log(2)), 1e-12 * fmax(1, fabs(nll)));
}

static int32_t see_bits(void *user, const nf_fit_progress *progress)
{
    int *seen = user;

    ck_assert_uint_eq(progress->struct_size, sizeof *progress);
    check_bits(progress->train_bits, progress->train_nll);
    check_bits(progress->valid_bits, progress->valid_nll);
    check_bits(progress->best_bits, progress->best_nll);
    seen[isnan(progress->best_bits) ? 0 : 1]++;
    return 0;
}

START_TEST(bits_are_those_of_the_losses)
{
    nf_dataset *train = moons(ROWS, 1), *valid = moons(200, 2);
    int seen[2] = { 0, 0 };
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 3, .batch = 200, .progress_steps = 1, .progress = see_bits, .progress_user = seen };
    nf_fit_report report = { .struct_size = sizeof report, .train_bits = -1, .valid_bits = -1 };

    ck_assert_int_eq(fit_new(NULL, NF_F32, 1e-3, train, valid, &config, &report, NULL), NF_OK);
    ck_assert_int_gt(seen[0], 0);
    ck_assert_int_gt(seen[1], 0);
    ck_assert(isfinite(report.valid_nll));
    check_bits(report.train_bits, report.train_nll);
    check_bits(report.valid_bits, report.valid_nll);
    ck_assert_int_eq(fit_new(NULL, NF_F32, 1e-3, train, NULL, &config, &report, NULL), NF_OK);
    check_bits(report.train_bits, report.train_nll);
    ck_assert(isnan(report.valid_bits));
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

START_TEST(same_weights_for_any_threads)
{
    static double theta[3][MOST];
    nf_dataset *train = moons(ROWS, 3);
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 4, .batch = 150, .ema_decay = 0.9, .l2 = 1e-4 };

    memset(theta, 0, sizeof theta);
    for (int32_t threads = 1; threads <= 3; threads++) {
        nf_context *context = context_of(threads);
        ck_assert_int_eq(fit_new(context, NF_F32, 1e-3, train, NULL, &config, NULL, theta[threads - 1]), NF_OK);
        nf_context_unref(context);
    }
    ck_assert_int_eq(memcmp(theta[0], theta[1], sizeof theta[0]), 0);
    ck_assert_int_eq(memcmp(theta[0], theta[2], sizeof theta[0]), 0);
    nf_dataset_unref(train);
}
END_TEST

static int32_t stop_after(void *user, const nf_fit_progress *progress)
{
    int64_t *left = user;

    ck_assert_int_ge(progress->epoch, 1);
    return --*left <= 0;
}

/* Stops at `reports` progress reports (one each 3 steps and each epoch), resumes, compares with a run that was not stopped. */
static void check_resume(int64_t reports, const double *want)
{
    static double theta[MOST];
    nf_dataset *train = moons(ROWS, 4), *valid = moons(200, 5);
    char path[64];
    int64_t left = reports;
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 6, .batch = 64, .ema_decay = 0.95, .seed = 9,
                             .schedule = NF_SCHEDULE_COSINE, .warmup_steps = 7, .progress_steps = 3 };
    nf_fit_report report = { .struct_size = sizeof report };

    snprintf(path, sizeof path, "train_test_%ld.nflow", (long)getpid());
    memset(theta, 0, sizeof theta);
    config.checkpoint = path;
    config.progress = stop_after;
    config.progress_user = &left;
    ck_assert_int_eq(fit_new(NULL, NF_F32, 2e-3, train, valid, &config, &report, theta), NF_STOPPED);
    ck_assert_int_eq(report.stopped, 2);
    config.progress = NULL;
    config.checkpoint = NULL;
    config.resume = path;
    ck_assert_msg(fit_new(NULL, NF_F32, 2e-3, train, valid, &config, &report, theta) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(report.steps, 60);
    ck_assert_int_eq(memcmp(theta, want, sizeof theta), 0);
    config.batch = 65;
    ck_assert_int_eq(fit_new(NULL, NF_F32, 2e-3, train, valid, &config, NULL, NULL), NF_ERR_STATE);
    unlink(path);
    unlink(strcat(path, ".previous"));
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}

/* The checkpoint before the last is kept, and a run goes on from it to the same bits. */
START_TEST(resume_from_the_previous_checkpoint)
{
    static double want[MOST], theta[MOST];
    nf_dataset *train = moons(ROWS, 4);
    char path[64], previous[80];
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 4, .batch = 64, .seed = 9, .checkpoint_epochs = 1 };
    nf_fit_report report = { .struct_size = sizeof report };

    snprintf(path, sizeof path, "train_test_%ld.kept", (long)getpid());
    snprintf(previous, sizeof previous, "%s.previous", path);
    memset(want, 0, sizeof want);
    memset(theta, 0, sizeof theta);
    config.checkpoint = path;
    ck_assert_int_eq(fit_new(NULL, NF_F32, 2e-3, train, NULL, &config, &report, want), NF_OK);
    config.checkpoint = NULL;
    config.resume = previous;
    ck_assert_msg(fit_new(NULL, NF_F32, 2e-3, train, NULL, &config, &report, theta) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(report.epochs, 4);
    ck_assert_int_eq(memcmp(theta, want, sizeof theta), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(unlink(previous), 0);
    nf_dataset_unref(train);
}
END_TEST

START_TEST(resume_ends_in_the_same_bits)
{
    static double want[MOST];
    nf_dataset *train = moons(ROWS, 4), *valid = moons(200, 5);
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 6, .batch = 64, .ema_decay = 0.95, .seed = 9,
                             .schedule = NF_SCHEDULE_COSINE, .warmup_steps = 7 };

    memset(want, 0, sizeof want);
    ck_assert_int_eq(fit_new(NULL, NF_F32, 2e-3, train, valid, &config, NULL, want), NF_OK);
    check_resume(2, want);  /* within the first epoch */
    check_resume(4, want);  /* at its end */
    check_resume(8, want);  /* at the end of the second */
    check_resume(11, want); /* within the third */
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

START_TEST(early_stopping_keeps_the_best)
{
    static double theta[MOST];
    nf_dataset *train = moons(40, 6), *valid = moons(300, 7);
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 2000, .batch = 40, .patience = 15 };
    nf_fit_report report = { .struct_size = sizeof report };
    static double curve[2000];
    double best = INFINITY;

    report.curve_valid = curve;
    report.curve_capacity = 2000;
    ck_assert_int_eq(fit_new(NULL, NF_F64, 5e-3, train, valid, &config, &report, theta), NF_OK);
    ck_assert_int_eq(report.stopped, 1);
    ck_assert_int_eq(report.epochs, report.best_epoch + 15);
    for (int64_t i = 0; i < report.curve_count; i++) best = fmin(best, curve[i]);
    ck_assert_double_eq(best, report.valid_nll);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

START_TEST(bad_data_are_named_and_change_nothing)
{
    static double theta[MOST], start[MOST];
    double x[20];
    nf_dataset *data = NULL, *wide = NULL;
    nf_flow *flow = flow_of(NULL, NF_F64);

    for (int i = 0; i < 20; i++) x[i] = sin(i);
    ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), start), NF_OK);
    x[7] = NAN;
    ck_assert_int_eq(nf_dataset_from_array_f64(&data, NULL, 10, 2, x), NF_OK);
    ck_assert_int_eq(fit_new(NULL, NF_F64, 1e-3, data, NULL, NULL, NULL, theta), NF_ERR_NONFINITE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "3"));
    ck_assert_int_eq(memcmp(theta, start, sizeof theta), 0);
    x[7] = 0;
    ck_assert_int_eq(nf_dataset_from_array_f64(&wide, NULL, 5, 4, x), NF_OK);
    ck_assert_int_eq(fit_new(NULL, NF_F64, 1e-3, wide, NULL, NULL, NULL, theta), NF_ERR_SHAPE);
    ck_assert_int_eq(memcmp(theta, start, sizeof theta), 0);
    nf_dataset_unref(data);
    nf_dataset_unref(wide);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(cancelled_runs_stop)
{
    nf_context *context = context_of(1);
    nf_dataset *train = moons(ROWS, 8);
    nf_fit_report report = { .struct_size = sizeof report };
    int64_t left = 3;
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 50, .progress = stop_after, .progress_user = &left };

    ck_assert_int_eq(fit_new(context, NF_F32, 1e-3, train, NULL, &config, &report, NULL), NF_STOPPED);
    ck_assert_int_eq(report.epochs, 3);
    ck_assert_int_eq(report.stopped, 2);
    nf_context_cancel(context);
    ck_assert_int_eq(fit_new(context, NF_F32, 1e-3, train, NULL, NULL, &report, NULL), NF_STOPPED);
    ck_assert_int_eq(report.epochs, 0);
    nf_context_unref(context);
    nf_dataset_unref(train);
}
END_TEST

/* A learning rate that destroys the weights: the result is no worse than the best seen, and finite. */
START_TEST(divergence_keeps_the_best)
{
    static double theta[MOST];
    nf_dataset *train = moons(ROWS, 9), *valid = moons(200, 10);
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 20, .batch = 32, .clip_norm = -1 };
    nf_fit_report report = { .struct_size = sizeof report };
    double curve[20], best = INFINITY;
    nf_status status;

    report.curve_valid = curve;
    report.curve_capacity = 20;
    status = fit_new(NULL, NF_F32, 3e4, train, valid, &config, &report, theta);
    ck_assert_msg(status == NF_OK || status == NF_ERR_DIVERGED, "%s", nf_last_error());
    for (int64_t i = 0; i < report.curve_count; i++)
        if (isfinite(curve[i])) best = fmin(best, curve[i]);
    if (report.best_epoch) ck_assert_double_eq(report.valid_nll, best);
    for (int64_t i = 0; i < MOST; i++) ck_assert(isfinite(theta[i]));
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

/* 48 rows of which `huge` overflow the loss, one batch of 8 rows a step. */
static nf_status fit_overflow(int64_t huge, nf_fit_report *report, double *theta)
{
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 5, .batch = 8, .no_init = 1 };
    nf_dataset *data = NULL;
    double x[96];
    nf_status status;

    for (int i = 0; i < 96; i++) x[i] = i < 2 * huge ? 1e200 : sin(i);
    ck_assert_int_eq(nf_dataset_from_array_f64(&data, NULL, 48, 2, x), NF_OK);
    memset(theta, 0, MOST * sizeof *theta);
    *report = (nf_fit_report){ .struct_size = sizeof *report };
    status = fit_new(NULL, NF_F64, 1e-3, data, NULL, &config, report, theta);
    nf_dataset_unref(data);
    return status;
}

START_TEST(steps_that_are_not_finite_are_skipped)
{
    static double theta[MOST], start[MOST];
    nf_flow *flow = flow_of(NULL, NF_F64);
    nf_fit_report report;

    memset(start, 0, sizeof start);
    ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), start), NF_OK);
    ck_assert_int_eq(fit_overflow(1, &report, theta), NF_OK);
    ck_assert_int_eq(report.skipped, 5);
    ck_assert_int_eq(report.steps, 25);
    ck_assert_int_eq(report.rollbacks, 0);
    ck_assert_int_ne(memcmp(theta, start, sizeof theta), 0);
    for (int64_t i = 0; i < MOST; i++) ck_assert(isfinite(theta[i]));
    ck_assert_int_eq(fit_overflow(48, &report, theta), NF_ERR_DIVERGED);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "epoch 3"));
    ck_assert_int_eq(report.stopped, 3);
    ck_assert_int_eq(report.steps, 0);
    ck_assert_int_eq(report.skipped, 18);
    ck_assert_int_eq(report.rollbacks, 5);
    ck_assert_int_eq(memcmp(theta, start, sizeof theta), 0);
    nf_flow_unref(flow);
}
END_TEST

/* A weight of 2 is a row that stands twice; rows of weight 0 do not count. */
START_TEST(weights_count)
{
    const double x[] = { 0.5, 0.1, -1, 2, 9, 9 }, twice[] = { 0.5, 0.1, 0.5, 0.1, -1, 2 }, weights[] = { 2, 1, 0 };
    nf_dataset *a = NULL, *b = NULL;
    nf_flow *flow = flow_of(NULL, NF_F64);
    double nll_a, nll_b;

    ck_assert_int_eq(nf_dataset_from_array_f64(&a, NULL, 3, 2, x), NF_OK);
    ck_assert_int_eq(nf_dataset_set_weights(a, weights), NF_OK);
    ck_assert_int_eq(nf_dataset_from_array_f64(&b, NULL, 3, 2, twice), NF_OK);
    ck_assert_int_eq(nf_flow_mean_nll(flow, a, &nll_a), NF_OK);
    ck_assert_int_eq(nf_flow_mean_nll(flow, b, &nll_b), NF_OK);
    ck_assert_double_eq_tol(nll_a, nll_b, 1e-13);
    nf_dataset_unref(a);
    nf_dataset_unref(b);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(schedules_have_their_values)
{
    nf_fit_config c = { .struct_size = sizeof c, .schedule = NF_SCHEDULE_COSINE, .final_lr_factor = 0.1, .factor = 0.5,
                        .step_epochs = 10 };
    nfi_schedule_state s = { .steps = 100, .plateau = 0.125 };

    ck_assert_double_eq_tol(nfi_schedule_factor(&c, &s), 1, 1e-15);
    s.step = 50;
    ck_assert_double_eq_tol(nfi_schedule_factor(&c, &s), 0.55, 1e-15);
    s.step = 100;
    ck_assert_double_eq_tol(nfi_schedule_factor(&c, &s), 0.1, 1e-15);
    c.schedule = NF_SCHEDULE_STEP;
    s.epoch = 9;
    ck_assert_double_eq(nfi_schedule_factor(&c, &s), 1);
    s.epoch = 30;
    ck_assert_double_eq(nfi_schedule_factor(&c, &s), 0.125);
    c.schedule = NF_SCHEDULE_PLATEAU;
    ck_assert_double_eq(nfi_schedule_factor(&c, &s), 0.125);
    c.schedule = NF_SCHEDULE_CONSTANT;
    c.warmup_steps = 200;
    ck_assert_double_eq(nfi_schedule_factor(&c, &s), 101.0 / 200);
    ck_assert_ptr_null(nfi_schedule_at(0));
    ck_assert_ptr_null(nfi_schedule_at(5));
    ck_assert_str_eq(nfi_train_configs(0)->name, "fit");
    ck_assert_str_eq(nfi_train_configs(1)->name, "target");
    ck_assert_ptr_null(nfi_train_configs(2));
}
END_TEST

/* y = sin(2 c) + exp((c - 1)/2) eps, of which the base of a flow without layers learns both parts */
START_TEST(conditional_base_learns_place_and_width)
{
    enum { N = 3000 };
    static double x[2][N], cond[2][N];
    static const int64_t hidden[] = { 24, 24 };
    const nf_base_normal_conditional_config base_config = { .struct_size = sizeof base_config, .dim = 1, .cond_dim = 1, .hidden = hidden, .n_hidden = 2,
                                                            .activation = NF_ACTIVATION_TANH };
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64, .seed = 6 };
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 60, .batch = 128, .seed = 2, .schedule = NF_SCHEDULE_COSINE };
    nf_check_report check = { .struct_size = sizeof check };
    nf_dataset *data[2] = { NULL };
    nf_optimizer *optimizer = optimizer_of(1e-2);
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    double nll = 0, truth = 0;

    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < N; i++) {
            const double c = 2 * nfi_uniform(5, NFI_STREAM_CHECK, (uint64_t)(d * N + i)) - 1, eps = nfi_normal(6, NFI_STREAM_CHECK, (uint64_t)(d * N + i));
            cond[d][i] = c;
            x[d][i] = sin(2 * c) + exp(0.5 * (c - 1)) * eps;
            if (d) truth += (0.5 * log(2 * 3.14159265358979323846) + 0.5 * (c - 1) + 0.5 * eps * eps) / N;
        }
        ck_assert_int_eq(nf_dataset_from_array_f64(&data[d], NULL, N, 1, x[d]), NF_OK);
        ck_assert_int_eq(nf_dataset_set_cond_f64(data[d], 1, cond[d]), NF_OK);
    }
    ck_assert_int_eq(nf_base_normal_conditional_create(&base, NULL, &base_config), NF_OK);
    ck_assert_int_eq(nf_flow_create(&flow, NULL, &flow_config, base, NULL, 0), NF_OK);
    ck_assert_msg(nf_flow_fit(flow, optimizer, data[0], NULL, &config, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_mean_nll(flow, data[1], &nll), NF_OK);
    ck_assert_msg(fabs(nll - truth) < 0.02, "NLL %g, of the density itself %g", nll, truth);
    ck_assert_int_eq(nf_flow_check_f64(flow, 50, x[0], cond[0], &check), NF_OK);
    ck_assert_msg(check.passed, "gradients %g and %g", check.grad_x_error_max, check.grad_theta_error_max);
    for (int d = 0; d < 2; d++) nf_dataset_unref(data[d]);
    nf_optimizer_unref(optimizer), nf_flow_unref(flow), nf_base_unref(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train");
    TCase *cases = tcase_create("train");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 300);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, loss_falls);
    tcase_add_test(cases, bits_are_those_of_the_losses);
    tcase_add_test(cases, same_weights_for_any_threads);
    tcase_add_test(cases, resume_ends_in_the_same_bits);
    tcase_add_test(cases, resume_from_the_previous_checkpoint);
    tcase_add_test(cases, early_stopping_keeps_the_best);
    tcase_add_test(cases, bad_data_are_named_and_change_nothing);
    tcase_add_test(cases, cancelled_runs_stop);
    tcase_add_test(cases, divergence_keeps_the_best);
    tcase_add_test(cases, steps_that_are_not_finite_are_skipped);
    tcase_add_test(cases, weights_count);
    tcase_add_test(cases, schedules_have_their_values);
    tcase_add_test(cases, conditional_base_learns_place_and_width);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
