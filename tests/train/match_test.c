/* SPDX-License-Identifier: MIT
 *
 * match_test.c - fitting by flow matching: what it reaches, what it leaves alone, its bits, its refusals
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include <nflow/nflow.h>

enum { MOST = 16384 };
static const int64_t small[] = { 16, 16 };

static void ok(nf_status status) { ck_assert_msg(status == NF_OK, "%d: %s", (int)status, nf_last_error()); }

/* A flow of one continuous layer, standardised or not. */
static nf_flow *flow_of(nf_context *context, int32_t dtype, int64_t dim, const int64_t *hidden, int64_t n_hidden)
{
    nf_ffjord_config config = { .struct_size = sizeof config, .dim = dim, .hidden = hidden, .n_hidden = n_hidden, .dtype = dtype, .seed = 11 };
    nf_flow *flow = NULL;

    ok(nf_flow_create_ffjord(&flow, context, &config));
    ck_assert_int_le(nf_flow_param_count(flow), MOST);
    return flow;
}

static nf_dataset *density(const char *name, int64_t n, uint64_t seed)
{
    nf_dataset *data = NULL;

    ok(nf_dataset_synthetic(&data, NULL, name, n, -1, seed));
    return data;
}

static nf_optimizer *optimizer_of(double lr)
{
    const nf_adam_config config = { .struct_size = sizeof config, .lr = lr };
    nf_optimizer *optimizer = NULL;

    ok(nf_optimizer_adam_create(&optimizer, NULL, &config));
    return optimizer;
}

static nf_status fit_flow(nf_flow *flow, double lr, const nf_dataset *train, const nf_dataset *valid, const nf_fit_config *config, nf_fit_report *report)
{
    nf_optimizer *optimizer = optimizer_of(lr);
    const nf_status status = nf_flow_fit(flow, optimizer, train, valid, config, report);

    nf_optimizer_unref(optimizer);
    return status;
}

/* Fits a new small flow in 2 columns and copies its weights. */
static nf_status fit_new(nf_context *context, int32_t dtype, const nf_dataset *train, const nf_dataset *valid, const nf_fit_config *config,
                         nf_fit_report *report, double *theta)
{
    nf_flow *flow = flow_of(context, dtype, 2, small, 2);
    const nf_status status = fit_flow(flow, 5e-3, train, valid, config, report);

    if (theta) ok(nf_flow_get_params(flow, nf_flow_param_count(flow), theta));
    nf_flow_unref(flow);
    return status;
}

/* What it reaches */

/* N(m, A A^T) with |det A| = 0.6: rows, and -log p of each. */
static nf_dataset *gaussian(int64_t n, uint64_t seed, double *mean_nll)
{
    double *x = support_malloc(2 * n * 8);
    uint64_t state = seed;
    nf_dataset *data = NULL;

    *mean_nll = log(2 * 3.14159265358979323846) + log(0.6);
    for (int64_t i = 0; i < n; i++) {
        const double a = random_normal(&state), b = random_normal(&state);
        x[2 * i] = 0.7 + a;
        x[2 * i + 1] = -0.4 + 0.5 * a + 0.6 * b;
        *mean_nll += 0.5 * (a * a + b * b) / (double)n;
    }
    ok(nf_dataset_from_array_f64(&data, NULL, n, 2, x));
    free(x);
    return data;
}

START_TEST(a_gaussian_is_learned)
{
    for (int32_t pairing = NF_PAIRING_STRAIGHT; pairing <= NF_PAIRING_TRANSPORT; pairing++) {
        double exact, exact_valid;
        nf_dataset *train = gaussian(4000, 5, &exact), *valid = gaussian(2000, 6, &exact_valid);
        const nf_fit_config config = { .struct_size = sizeof config, .epochs = pairing == NF_PAIRING_STRAIGHT ? 80 : 30, .batch = 128, .ema_decay = 0.99,
                                       .schedule = NF_SCHEDULE_COSINE, .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = pairing };
        nf_fit_report report = { .struct_size = sizeof report };

        ok(fit_new(NULL, NF_F64, train, valid, &config, &report, NULL));
        ck_assert_int_eq(report.skipped, 0);
        ck_assert_msg(fabs(report.valid_nll - exact_valid) < 0.03, "pairing %d: NLL %g, of the density itself %g", (int)pairing, report.valid_nll, exact_valid);
        ck_assert_msg(fabs(report.train_nll - exact) < 0.03, "pairing %d: NLL %g, of the density itself %g", (int)pairing, report.train_nll, exact);
        nf_dataset_unref(train);
        nf_dataset_unref(valid);
    }
}
END_TEST

/* Evaluations of a solve on rows of the data. */
static double evaluations(const nf_flow *flow, uint64_t seed)
{
    static float x[2 * 500];
    nf_solver_report report = { .struct_size = sizeof report };

    ok(nf_flow_sample(flow, seed, 0, 500, NULL, 1, x, NULL));
    ok(nf_flow_solver_report(flow, 500, x, NULL, &report));
    ck_assert_int_eq(report.failed, 0);
    return report.evaluations_mean;
}

START_TEST(a_density_is_learned_and_transport_is_straighter)
{
    nf_dataset *train = density("8gaussians", 4000, 1), *valid = density("8gaussians", 1000, 2);
    double work[3] = { 0 };

    for (int32_t pairing = NF_PAIRING_STRAIGHT; pairing <= NF_PAIRING_TRANSPORT; pairing++) {
        const nf_fit_config config = { .struct_size = sizeof config, .epochs = 40, .batch = 128, .ema_decay = 0.99, .schedule = NF_SCHEDULE_COSINE,
                                       .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = pairing };
        nf_fit_report report = { .struct_size = sizeof report };
        nf_flow *flow = flow_of(NULL, NF_F32, 2, NULL, 0);
        double before, after;

        ok(nf_flow_mean_nll(flow, valid, &before));
        ok(fit_flow(flow, 5e-3, train, valid, &config, &report));
        ok(nf_flow_mean_nll(flow, valid, &after));
        ck_assert_double_eq(after, report.valid_nll); /* the report's are NLLs */
        ck_assert_msg(after < 3.5 && after < before - 2, "pairing %d: NLL from %g to %g", (int)pairing, before, after);
        work[pairing] = evaluations(flow, 7);
        nf_flow_unref(flow);
    }
    ck_assert_msg(work[NF_PAIRING_TRANSPORT] < 0.8 * work[NF_PAIRING_STRAIGHT], "%g evaluations straight, %g by transport", work[NF_PAIRING_STRAIGHT],
                  work[NF_PAIRING_TRANSPORT]);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

/* y = c + 0.5 noise: the condition is learned. */
START_TEST(a_condition_is_learned)
{
    enum { N = 2000 };
    float *x = support_malloc(N * 4), *c = support_malloc(N * 4);
    nf_ffjord_config shape = { .struct_size = sizeof shape, .dim = 1, .cond_dim = 1, .hidden = small, .n_hidden = 2, .seed = 3 };
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 60, .batch = 128, .schedule = NF_SCHEDULE_COSINE, .ema_decay = 0.99,
                                   .objective = NF_OBJECTIVE_FLOW_MATCHING };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_dataset *data = NULL;
    nf_flow *flow = NULL;
    uint64_t state = 9;

    for (int i = 0; i < N; i++) {
        c[i] = (float)random_uniform(&state, -2, 2);
        x[i] = c[i] + 0.5f * (float)random_normal(&state);
    }
    ok(nf_dataset_from_array(&data, NULL, N, 1, x));
    ok(nf_dataset_set_cond(data, 1, c));
    ok(nf_flow_create_ffjord(&flow, NULL, &shape));
    ok(fit_flow(flow, 1e-2, data, NULL, &config, &report));
    const double entropy = 0.5 * log(2 * 3.14159265358979323846) + 0.5 + log(0.5);
    ck_assert_msg(fabs(report.train_nll - entropy) < 0.06, "NLL %g, entropy %g", report.train_nll, entropy);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    free(x);
    free(c);
}
END_TEST

/* What callbacks see */

static int32_t see(void *user, const nf_fit_progress *p)
{
    int *seen = user;

    ck_assert_int_eq(p->objective, NF_OBJECTIVE_FLOW_MATCHING);
    ck_assert(isnan(p->train_bits) && isnan(p->valid_bits) && isnan(p->best_bits));
    ck_assert(isfinite(p->train_nll) && p->train_nll > 0);
    if (p->end_of_epoch) ck_assert_double_gt(p->valid_nll, 0);
    ++*seen;
    return 0;
}

/* Losses of a validation set are those of the weights alone: a run that does not move them has the same each epoch. */
START_TEST(losses_are_the_objectives_and_compare)
{
    nf_dataset *train = density("moons", 300, 1), *valid = density("moons", 150, 2);
    double curve[4], other[4];
    int seen = 0;
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 4, .batch = 64, .progress = see, .progress_user = &seen, .progress_steps = 2,
                             .objective = NF_OBJECTIVE_FLOW_MATCHING };
    nf_fit_report report = { .struct_size = sizeof report, .curve_train = other, .curve_valid = curve, .curve_capacity = 4 };
    nf_flow *flow = flow_of(NULL, NF_F32, 2, small, 2);
    double nll;

    ok(nf_flow_mean_nll(flow, train, &nll));
    ok(fit_flow(flow, 1e-30, train, valid, &config, &report)); /* too little for a float to change */
    ck_assert_int_gt(seen, 8);
    for (int i = 1; i < 4; i++) {
        ck_assert_double_eq(curve[i], curve[0]);
        ck_assert_double_ne(other[i], other[0]); /* times and noise of training are new each epoch */
    }
    ck_assert_int_eq(report.best_epoch, 1);
    ck_assert_double_eq(report.train_nll, nll);
    ck_assert(isfinite(report.train_bits));
    nf_flow_unref(flow);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

/* Bits */

START_TEST(same_weights_for_any_threads)
{
    static double theta[4][MOST];

    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++)
        for (int32_t pairing = NF_PAIRING_STRAIGHT; pairing <= NF_PAIRING_TRANSPORT; pairing++) {
            nf_dataset *train = density("moons", 700, 3), *valid = density("moons", 100, 4);
            const nf_fit_config config = { .struct_size = sizeof config, .epochs = 3, .batch = 300, .ema_decay = 0.9, .l2 = 1e-4,
                                           .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = pairing };
            nf_fit_report report[4];
            memset(theta, 0, sizeof theta);
            for (int32_t threads = 1; threads <= 4; threads++) {
                nf_context *context = support_context(threads, NULL);
                report[threads - 1] = (nf_fit_report){ .struct_size = sizeof *report };
                ok(fit_new(context, dtype, train, valid, &config, &report[threads - 1], theta[threads - 1]));
                ck_assert_int_eq(memcmp(theta[0], theta[threads - 1], sizeof theta[0]), 0);
                ck_assert_double_eq(report[0].train_nll, report[threads - 1].train_nll);
                nf_context_unref(context);
            }
            nf_dataset_unref(train);
            nf_dataset_unref(valid);
        }
}
END_TEST

static int32_t stop_after(void *user, const nf_fit_progress *progress)
{
    int64_t *left = user;

    ck_assert_int_ge(progress->epoch, 1);
    return --*left <= 0;
}

static const nf_fit_config resumed = { .struct_size = sizeof resumed, .epochs = 5, .batch = 64, .ema_decay = 0.95, .seed = 9, .warmup_steps = 7,
                                       .schedule = NF_SCHEDULE_COSINE, .progress_steps = 2, .objective = NF_OBJECTIVE_FLOW_MATCHING,
                                       .pairing = NF_PAIRING_TRANSPORT };

static void refused(nf_fit_config config, const nf_dataset *train, const nf_dataset *valid, const char *word)
{
    ck_assert_int_eq(fit_new(NULL, NF_F32, train, valid, &config, NULL, NULL), NF_ERR_STATE);
    ck_assert_msg(strstr(nf_last_error(), word) != NULL, "%s", nf_last_error());
}

static void check_resume(int64_t reports, const nf_dataset *train, const nf_dataset *valid, const double *want)
{
    static double theta[MOST];
    char path[64];
    int64_t left = reports;
    nf_fit_config config = resumed;

    snprintf(path, sizeof path, "match_test_%ld.nflow", (long)getpid());
    memset(theta, 0, sizeof theta);
    config.checkpoint = path;
    config.progress = stop_after;
    config.progress_user = &left;
    ck_assert_int_eq(fit_new(NULL, NF_F32, train, valid, &config, NULL, theta), NF_STOPPED);
    config = resumed;
    config.resume = path;
    ok(fit_new(NULL, NF_F32, train, valid, &config, NULL, theta));
    ck_assert_int_eq(memcmp(theta, want, sizeof theta), 0);
    config.pairing = NF_PAIRING_STRAIGHT;
    refused(config, train, valid, "pairing");
    config.objective = NF_OBJECTIVE_LIKELIHOOD;
    refused(config, train, valid, "objective");
    unlink(path);
    unlink(strcat(path, ".previous"));
}

START_TEST(resume_ends_in_the_same_bits)
{
    static double want[MOST];
    nf_dataset *train = density("moons", 300, 4), *valid = density("moons", 100, 5);

    memset(want, 0, sizeof want);
    ok(fit_new(NULL, NF_F32, train, valid, &resumed, NULL, want));
    check_resume(1, train, valid, want); /* within the first epoch */
    check_resume(3, train, valid, want); /* at its end */
    check_resume(8, train, valid, want); /* within the third */
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
}
END_TEST

/* What it leaves alone */

static nf_flow *flow_with(nf_context *context, nf_base *base, nf_layer **layers, int64_t n)
{
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = NF_F64, .seed = 4 };
    nf_flow *flow = NULL;

    ok(nf_flow_create(&flow, context, &config, base, layers, n));
    for (int64_t i = 0; i < n; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    return flow;
}

static nf_layer *continuous(int64_t dim, int64_t cond_dim)
{
    const nf_cnf_config config = { .struct_size = sizeof config, .dim = dim, .cond_dim = cond_dim, .hidden = small, .n_hidden = 2 };
    nf_layer *layer = NULL;

    ok(nf_cnf_create(&layer, NULL, &config));
    return layer;
}

static nf_layer *affine(int64_t dim)
{
    const nf_affine_config config = { .struct_size = sizeof config, .dim = dim };
    nf_layer *layer = NULL;

    ok(nf_affine_create(&layer, NULL, &config));
    return layer;
}

static nf_base *normal(int64_t dim)
{
    nf_base *base = NULL;

    ok(nf_base_normal_create(&base, NULL, dim));
    return base;
}

/* The optimizer decays weights and has moments of all parameters from a fit by likelihood, and yet only f moves; nor does what that fit
 * left in gradient buffers count in the norm. */
START_TEST(other_parameters_do_not_move)
{
    static double first[MOST];

    for (int32_t threads = 1; threads <= 3; threads++) {
        nf_context *context = support_context(threads, NULL);
        nf_layer *layers[] = { affine(2), continuous(2, 0) };
        nf_base *base = NULL;
        nf_adam_config rule = { .struct_size = sizeof rule, .lr = 1e-2, .weight_decay = 0.1 };
        nf_fit_config config = { .struct_size = sizeof config, .epochs = 1, .batch = 100, .l2 = 1e-3, .keep_last = 1, .clip_norm = 0.1 };
        nf_dataset *train = density("moons", 300, 4);
        nf_optimizer *optimizer = NULL;
        double before[MOST], after[MOST] = { 0 }, *grad;
        int64_t count, moved = 0;

        ok(nf_base_diagonal_create(&base, context, 2));
        nf_flow *flow = flow_with(context, base, layers, 2);
        ok(nf_optimizer_create(&optimizer, context, "adamw", &rule));
        ok(nf_flow_fit(flow, optimizer, train, NULL, &config, NULL));
        count = nf_flow_param_count(flow);
        ok(nf_flow_get_params(flow, count, before));
        config.objective = NF_OBJECTIVE_FLOW_MATCHING;
        ok(nf_flow_fit(flow, optimizer, train, NULL, &config, NULL));
        ok(nf_flow_get_params(flow, count, after));
        if (threads == 1) memcpy(first, after, sizeof first);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_double_eq(after[i], first[i]);
            nf_param_view view = { .struct_size = sizeof view };
            int64_t v = 0;
            while (nf_flow_param(flow, v, &view) == NF_OK && i >= view.offset + view.count) v++;
            const bool net = strncmp(view.name, "layers.1.net", 12) == 0;
            if (!net) ck_assert_msg(before[i] == after[i], "%s moved from %.17g to %.17g", view.name, before[i], after[i]);
            moved += net && before[i] != after[i];
        }
        ck_assert_int_gt(moved, count / 2);
        config.objective = 0; /* and the optimizer moves all again */
        ok(nf_flow_fit(flow, optimizer, train, NULL, &config, NULL));
        ok(nf_flow_get_params(flow, count, before));
        ck_assert_double_ne(before[0], after[0]);
        ck_assert_double_ne(before[count - 1], after[count - 1]);
        ok(nf_flow_params_f64(flow, NULL, &grad, &count));
        for (int64_t i = 0; i < count; i++) ck_assert_double_eq(grad[i], 0);
        nf_optimizer_unref(optimizer);
        nf_flow_unref(flow);
        nf_dataset_unref(train);
        nf_context_unref(context);
    }
}
END_TEST

/* Columns that leave before the continuous layer stay as they are, and those that go on are learned. */
START_TEST(columns_may_leave_before)
{
    const nf_split_config config = { .struct_size = sizeof config, .height = 1, .width = 1, .channels = 4, .keep = 2 };
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 250, .batch = 100, .ema_decay = 0.99, .schedule = NF_SCHEDULE_COSINE,
                                .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = NF_PAIRING_TRANSPORT };
    nf_fit_report report = { .struct_size = sizeof report };
    double *x = support_malloc(600 * 4 * 8), exact = 0, before;
    nf_layer *layers[2] = { NULL, continuous(2, 0) };
    nf_dataset *data = NULL;
    uint64_t state = 6;

    for (int i = 0; i < 600; i++)
        for (int j = 0; j < 4; j++) {
            const double e = random_normal(&state);
            x[4 * i + j] = j < 2 ? 2 + 0.5 * e : e;
            exact += (0.5 * (e * e + log(2 * 3.14159265358979323846)) + (j < 2 ? log(0.5) : 0)) / 600;
        }
    ok(nf_dataset_from_array_f64(&data, NULL, 600, 4, x));
    ok(nf_split_create(&layers[0], NULL, &config));
    nf_flow *flow = flow_with(NULL, normal(4), layers, 2);
    ok(nf_flow_mean_nll(flow, data, &before));
    ok(fit_flow(flow, 1e-2, data, NULL, &fit, &report));
    ck_assert_double_gt(before, exact + 2);
    ck_assert_msg(fabs(report.train_nll - exact) < 0.1, "NLL %g, of the density itself %g", report.train_nll, exact);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    free(x);
}
END_TEST

/* Temperatures of a base concern samples alone: noise is that of its density. */
START_TEST(noise_has_the_bases_density)
{
    const int64_t columns[] = { 1, 1 };
    const double temperature[] = { 0.25, 4 };
    const nf_base_normal_config config = { .struct_size = sizeof config, .dim = 2, .columns = columns, .n_columns = 2, .temperature = temperature,
                                           .n_temperature = 2 };
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 3, .batch = 100, .objective = NF_OBJECTIVE_FLOW_MATCHING };
    nf_dataset *data = density("moons", 300, 4);
    double theta[2][MOST];

    for (int k = 0; k < 2; k++) {
        nf_layer *layer = continuous(2, 0);
        nf_base *base = normal(2);
        if (k == 1) {
            nf_base_unref(base);
            ok(nf_base_create(&base, NULL, "normal", &config));
        }
        nf_flow *flow = flow_with(NULL, base, &layer, 1);
        ok(fit_flow(flow, 1e-2, data, NULL, &fit, NULL));
        memset(theta[k], 0, sizeof theta[k]);
        ok(nf_flow_get_params(flow, nf_flow_param_count(flow), theta[k]));
        nf_flow_unref(flow);
    }
    ck_assert_int_eq(memcmp(theta[0], theta[1], sizeof theta[0]), 0);
    nf_dataset_unref(data);
}
END_TEST

/* Memory and faults */

struct watch {
    ledger book;
    long long calls;
    int steps;
};

static int32_t watch_calls(void *user, const nf_fit_progress *p)
{
    struct watch *w = user;

    (void)p;
    if (w->steps++ > 0) ck_assert_msg(w->book.calls == w->calls, "step %d allocates", w->steps);
    w->calls = w->book.calls;
    return 0;
}

START_TEST(steps_do_not_allocate)
{
    for (int32_t pairing = NF_PAIRING_STRAIGHT; pairing <= NF_PAIRING_TRANSPORT; pairing++) {
        struct watch w = { .steps = 0 };
        ledger_reset(&w.book);
        nf_context *context = support_context(1, &w.book);
        nf_dataset *train = density("moons", 300, 4), *valid = density("moons", 100, 5);
        const nf_fit_config config = { .struct_size = sizeof config, .epochs = 3, .batch = 70, .progress = watch_calls, .progress_user = &w,
                                       .progress_steps = 1, .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = pairing };
        ok(fit_new(context, NF_F32, train, valid, &config, NULL, NULL));
        ck_assert_int_gt(w.steps, 15);
        nf_context_unref(context);
        ck_assert_int_eq(w.book.blocks, 0);
        ck_assert_int_eq(w.book.damaged, 0);
        nf_dataset_unref(train);
        nf_dataset_unref(valid);
    }
}
END_TEST

/* Each allocation of a fit fails once: an answer, no leak. */
START_TEST(no_memory_is_an_answer)
{
    nf_dataset *train = density("moons", 60, 4);
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 1, .batch = 30, .objective = NF_OBJECTIVE_FLOW_MATCHING,
                                   .pairing = NF_PAIRING_TRANSPORT };
    nf_status status = NF_ERR_MEMORY;

    for (long long k = 0; status != NF_OK; k++) {
        ledger book = { .fail_at = -1 };
        ledger_reset(&book);
        nf_context *context = support_context(1, &book);
        nf_flow *flow = flow_of(context, NF_F32, 2, small, 2);
        ck_assert_int_lt(k, 200);
        book.fail_at = book.calls + k;
        status = fit_flow(flow, 1e-3, train, NULL, &config, NULL);
        if (status != NF_OK) ck_assert_int_eq(status, NF_ERR_MEMORY);
        book.fail_at = -1;
        nf_flow_unref(flow);
        nf_context_unref(context);
        ck_assert_int_eq(book.blocks, 0);
        ck_assert_int_eq(book.damaged, 0);
    }
    nf_dataset_unref(train);
}
END_TEST

START_TEST(steps_that_are_not_finite_are_skipped)
{
    for (int32_t pairing = NF_PAIRING_STRAIGHT; pairing <= NF_PAIRING_TRANSPORT; pairing++) {
        const nf_fit_config config = { .struct_size = sizeof config, .epochs = 5, .batch = 8, .objective = NF_OBJECTIVE_FLOW_MATCHING, .pairing = pairing };
        nf_fit_report report = { .struct_size = sizeof report };
        nf_dataset *data = NULL;
        double x[96];

        for (int i = 0; i < 96; i++) x[i] = i < 2 ? 1e200 : sin(i);
        ok(nf_dataset_from_array_f64(&data, NULL, 48, 2, x));
        ok(fit_new(NULL, NF_F64, data, NULL, &config, &report, NULL));
        ck_assert_int_eq(report.skipped, 5);
        ck_assert_int_eq(report.steps, 25);
        nf_dataset_unref(data);
    }
}
END_TEST

/* Refusals */

/* NF_ERR_ARG, the words in the line, and a flow as it was. */
static void refuses(nf_flow *flow, const nf_dataset *data, const nf_fit_config *config, const char *words, const char *more)
{
    double before[MOST], after[MOST];
    const int64_t count = nf_flow_param_count(flow);

    ok(nf_flow_get_params(flow, count, before));
    ck_assert_int_eq(fit_flow(flow, 1e-2, data, NULL, config, NULL), NF_ERR_ARG);
    ck_assert_msg(strstr(nf_last_error(), words) && strstr(nf_last_error(), more), "\"%s\" and \"%s\" are not in: %s", words, more, nf_last_error());
    ok(nf_flow_get_params(flow, count, after));
    ck_assert_int_eq(memcmp(before, after, (size_t)count * sizeof *before), 0);
    nf_flow_unref(flow);
}

START_TEST(other_flows_are_refused)
{
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 1, .objective = NF_OBJECTIVE_FLOW_MATCHING };
    nf_dataset *data = density("moons", 100, 1);
    nf_layer *one[] = { affine(2) }, *two[] = { continuous(2, 0), affine(2), continuous(2, 0) }, *behind[] = { continuous(2, 0), affine(2) };

    refuses(flow_with(NULL, normal(2), NULL, 0), data, &config, "needs a continuous layer", "0 layers");
    refuses(flow_with(NULL, normal(2), one, 1), data, &config, "needs a continuous layer", "1 layers");
    refuses(flow_with(NULL, normal(2), two, 3), data, &config, "layer 0 (cnf)", "layer 2 (cnf)");
    refuses(flow_with(NULL, normal(2), behind, 2), data, &config, "layer 1 (affine)", "behind layer 0 (cnf)");
    nf_dataset_unref(data);
}
END_TEST

START_TEST(pairings_have_limits)
{
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 1, .batch = 4097, .objective = NF_OBJECTIVE_FLOW_MATCHING,
                             .pairing = NF_PAIRING_TRANSPORT };
    nf_dataset *data = density("moons", 5000, 1), *few = density("moons", 100, 1);
    nf_layer *plain = continuous(2, 0), *conditioned = continuous(2, 1), *again = continuous(2, 0);
    float *c = support_malloc(100 * 4);

    refuses(flow_with(NULL, normal(2), &plain, 1), data, &config, "4097", "4096");
    config.batch = 50;
    memset(c, 0, 100 * 4);
    ok(nf_dataset_set_cond(few, 1, c));
    refuses(flow_with(NULL, normal(2), &conditioned, 1), few, &config, "transport", "conditioning columns");
    config.objective = NF_OBJECTIVE_LIKELIHOOD;
    refuses(flow_with(NULL, normal(2), &again, 1), data, &config, "pairing transport", "likelihood");
    config.batch = 5000; /* of 100 rows: no more than they are */
    config.objective = NF_OBJECTIVE_FLOW_MATCHING;
    nf_dataset_unref(few);
    few = density("moons", 100, 1);
    ok(fit_new(NULL, NF_F32, few, NULL, &config, NULL, NULL));
    nf_dataset_unref(few);
    nf_dataset_unref(data);
    free(c);
}
END_TEST

START_TEST(unknown_values_are_refused)
{
    nf_dataset *data = density("moons", 100, 1);
    nf_fit_config config = { .struct_size = sizeof config, .objective = 3 };

    ck_assert_int_lt(fit_new(NULL, NF_F32, data, NULL, &config, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "objective"));
    config.objective = 2;
    config.pairing = -1;
    ck_assert_int_lt(fit_new(NULL, NF_F32, data, NULL, &config, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "pairing"));
    nf_dataset_unref(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match");
    TCase *cases = tcase_create("match");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 200);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, a_gaussian_is_learned);
    tcase_add_test(cases, a_density_is_learned_and_transport_is_straighter);
    tcase_add_test(cases, a_condition_is_learned);
    tcase_add_test(cases, losses_are_the_objectives_and_compare);
    tcase_add_test(cases, same_weights_for_any_threads);
    tcase_add_test(cases, resume_ends_in_the_same_bits);
    tcase_add_test(cases, other_parameters_do_not_move);
    tcase_add_test(cases, columns_may_leave_before);
    tcase_add_test(cases, noise_has_the_bases_density);
    tcase_add_test(cases, steps_do_not_allocate);
    tcase_add_test(cases, no_memory_is_an_answer);
    tcase_add_test(cases, steps_that_are_not_finite_are_skipped);
    tcase_add_test(cases, other_flows_are_refused);
    tcase_add_test(cases, pairings_have_limits);
    tcase_add_test(cases, unknown_values_are_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
