/* SPDX-License-Identifier: MIT
 *
 * training_test.c - what goes wrong while a flow is trained: values that are not finite, a learning rate that is far too high, signals,
 * cancelling, and a process that ends
 */
#include "fault.h"
#include <nflow/nflow.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_MOST 256 /* parameters */
#define RUN_EPOCHS 6

/* A user's layer, z = x + a + b, that goes wrong at a chosen call */

enum { ODD_GRAD, ODD_OUT, ODD_LOG_DET, ODD_G, ODD_STATUS, ODD_KINDS };
static struct odd_site {
    atomic_int calls;
    int at, kind, element;
    bool forever;
} odd;

static bool odd_now(int kind)
{
    if (odd.kind != kind) return false;
    const int call = atomic_fetch_add(&odd.calls, 1);
    return odd.at >= 0 && (call == odd.at || (odd.forever && call > odd.at));
}

struct odd_config {
    uint32_t struct_size, reserved;
    int64_t dim;
};

static nf_status odd_create(nf_maker *maker, void *config, void **self)
{
    int64_t *dim = nf_maker_alloc(maker, 8);

    if (!dim) return NF_ERR_MEMORY;
    *dim = ((const struct odd_config *)config)->dim;
    *self = dim;
    return NF_OK;
}

static nf_status odd_describe(const void *self, nf_layer_info *info)
{
    info->dim = *(const int64_t *)self;
    return NF_OK;
}

static nf_status odd_param(const void *self, int32_t i, nf_param *param)
{
    const int64_t dim = *(const int64_t *)self;

    if (i > 1) return NF_ERR_ARG;
    (void)snprintf(param->name, sizeof param->name, "%s", i ? "b" : "a");
    param->offset = i * dim;
    param->rank = 1;
    param->shape[0] = dim;
    return NF_OK;
}

static nf_status odd_forward(const void *self, const nf_tile *t, const void *in, void *out, void *saved)
{
    const int64_t dim = *(const int64_t *)self;

    for (int64_t i = 0; i < t->n * dim; i++)
        support_set(t->dtype, out, i, support_at(t->dtype, in, i) + support_at(t->dtype, t->theta, i % dim) + support_at(t->dtype, t->theta, dim + i % dim));
    if (!saved && !t->training) return NF_OK; /* evaluations stay sound: they are what the run is judged by */
    if (odd_now(ODD_OUT)) support_set(t->dtype, out, odd.element % (t->n * dim), NAN);
    if (odd_now(ODD_LOG_DET)) t->log_det[odd.element % t->n] = NAN;
    return odd_now(ODD_STATUS) ? nf_fail(NF_ERR_SINGULAR, "odd: this step is singular") : NF_OK;
}

static nf_status odd_inverse(const void *self, const nf_tile *t, const void *out, void *in)
{
    const int64_t dim = *(const int64_t *)self;

    for (int64_t i = 0; i < t->n * dim; i++)
        support_set(t->dtype, in, i, support_at(t->dtype, out, i) - support_at(t->dtype, t->theta, i % dim) - support_at(t->dtype, t->theta, dim + i % dim));
    return NF_OK;
}

static nf_status odd_backward(const void *self, const nf_tile *t, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    const int64_t dim = *(const int64_t *)self;

    (void)in, (void)out, (void)saved, (void)h;
    for (int64_t i = 0; i < t->n * dim && t->grad; i++)
        for (int64_t k = 0; k < 2; k++)
            support_set(t->dtype, t->grad, k * dim + i % dim, support_at(t->dtype, t->grad, k * dim + i % dim) + support_at(t->dtype, g, i));
    if (t->grad && odd_now(ODD_GRAD)) support_set(t->dtype, t->grad, odd.element % (2 * dim), NAN);
    if (odd_now(ODD_G)) support_set(t->dtype, g, odd.element % (t->n * dim), INFINITY);
    return NF_OK;
}

static const nf_layer_ops odd_ops = { .struct_size = sizeof odd_ops, .forward = odd_forward, .inverse = odd_inverse, .backward = odd_backward };
static const nf_field odd_fields[] = { { .name = "dim", .help = "columns", .kind = NF_FIELD_I64, .properties = NF_FIELD_REQUIRED,
                                         .offset = offsetof(struct odd_config, dim), .min = 1, .max = 1000 } };
static const nf_layer_type odd_type = { .struct_size = sizeof odd_type, .version = 1, .name = "odd", .config_size = sizeof(struct odd_config),
                                        .config_first_size = sizeof(struct odd_config), .fields = odd_fields, .n_fields = 1,
                                        .create = odd_create, .describe = odd_describe, .param = odd_param, .f32 = &odd_ops, .f64 = &odd_ops };

/* Runs */

static void must(nf_status status, const char *what)
{
    if (status >= 0) return;
    (void)fprintf(stderr, "%s: %s\n", what, nf_last_error());
    abort();
}

static nf_flow *run_flow(nf_context *context, int32_t dtype)
{
    nf_flow_config config = NF_FLOW_CONFIG_INIT;
    static const int64_t hidden[] = { 6 };
    nf_coupling_affine_config coupling = { .struct_size = sizeof coupling, .dim = 2, .hidden = hidden, .n_hidden = 1, .activation = NF_ACTIVATION_TANH };
    const struct odd_config odd_config = { .struct_size = sizeof odd_config, .dim = 2 };
    nf_layer *layers[3] = { NULL };
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    config.dtype = dtype;
    config.seed = 3;
    must(nf_coupling_affine_create(&layers[0], context, &coupling), "coupling");
    coupling.swap = 1;
    must(nf_coupling_affine_create(&layers[1], context, &coupling), "coupling");
    must(nf_layer_create_custom(&layers[2], context, &odd_type, &odd_config), "odd"); /* last: the couplings see what its backward does */
    must(nf_base_normal_create(&base, context, 2), "base");
    must(nf_flow_create(&flow, context, &config, base, layers, 3), "flow");
    for (int i = 0; i < 3; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    return flow;
}

typedef struct run {
    nf_context *context;
    int32_t dtype;
    double lr;
    nf_fit_config config;
    /* answers */
    nf_fit_report report;
    double curve[64];
    double theta[RUN_MOST], start[RUN_MOST];
    double start_nll;
} run;

static nf_status run_fit(run *r)
{
    nf_flow *flow = run_flow(r->context, r->dtype);
    const int64_t count = nf_flow_param_count(flow);
    nf_dataset *train = NULL, *valid = NULL;
    nf_optimizer *optimizer = NULL;

    must(nf_dataset_synthetic(&train, r->context, "moons", 96, 0.1, 4), "train");
    must(nf_dataset_synthetic(&valid, r->context, "moons", 60, 0.1, 5), "valid");
    must(nf_optimizer_adam_create(&optimizer, r->context, NULL), "adam");
    if (r->lr > 0) must(nf_optimizer_set_lr(optimizer, r->lr), "lr");
    must(nf_flow_get_params(flow, count, r->start), "start");
    must(nf_flow_mean_nll(flow, valid, &r->start_nll), "nll");
    r->report = (nf_fit_report){ .struct_size = sizeof r->report, .curve_valid = r->curve, .curve_capacity = SUPPORT_COUNT(r->curve) };
    const nf_status status = nf_flow_fit(flow, optimizer, train, valid, &r->config, &r->report);
    must(nf_flow_get_params(flow, count, r->theta), "theta");
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
    nf_flow_unref(flow);
    return status;
}

static run run_of(int32_t dtype)
{
    run r = { .dtype = dtype };

    r.config = (nf_fit_config)NF_FIT_CONFIG_INIT;
    r.config.epochs = RUN_EPOCHS;
    r.config.batch = 24; /* 4 steps an epoch */
    r.config.seed = 8;
    return r;
}

/* The weights are finite, and those of the best loss seen. */
static bool run_is_best(fault_log *log, const run *r, const char *what, int at)
{
    double best = INFINITY;

    for (int i = 0; i < RUN_MOST; i++)
        if (!isfinite(r->theta[i])) return fault_fails(log, "%s %d: weight %d is not finite", what, at, i);
    for (int64_t i = 0; i < r->report.curve_count; i++)
        if (r->curve[i] < best) best = r->curve[i];
    if (isfinite(best) ? r->report.valid_nll != best : memcmp(r->theta, r->start, sizeof r->start) != 0)
        return fault_fails(log, "%s %d: the result has loss %.17g, the best seen was %.17g", what, at, r->report.valid_nll, best);
    return true;
}

/* T19 */

static bool drill(fault_log *log, int32_t dtype, int at, int kind, int element, bool forever)
{
    run r = run_of(dtype);

    odd.at = at, odd.kind = kind, odd.element = element, odd.forever = forever;
    atomic_store(&odd.calls, 0);
    const nf_status status = run_fit(&r);
    const bool reached = atomic_load(&odd.calls) > at;
    odd.at = -1;
    log->points++;
    if (!reached) return fault_fails(log, "call %d was never reached", at);
    if (!fault_said(log, "drill", status, forever ? NF_ERR_DIVERGED : NF_OK)) return false;
    if (r.report.skipped < 1) return fault_fails(log, "call %d, kind %d: no step was skipped", at, kind);
    if (!forever && r.report.skipped + r.report.steps != RUN_EPOCHS * 4)
        return fault_fails(log, "call %d: %lld steps and %lld skipped", at, (long long)r.report.steps, (long long)r.report.skipped);
    return run_is_best(log, &r, "call", at);
}

static bool drill_many(fault_log *log, bool forever)
{
    const int n = fault_is_full() ? 2000 : 400;
    uint64_t random = 19;
    bool ok = true;

    for (int i = 0; i < n && ok; i++) /* 24 steps of one tile each; a run that shall fail for good needs 18 bad ones */
        ok = drill(log, i % 2 ? NF_F64 : NF_F32, (int)(random_bits(&random) % (forever ? 6 : 24)), i % ODD_KINDS, (int)(random_bits(&random) % 1000), forever);
    return ok;
}

static bool case_drill(fault_log *log) { return drill_many(log, false); }
static bool case_drill_forever(fault_log *log) { return drill_many(log, true); }

static bool case_rate(fault_log *log)
{
    const int n = fault_is_full() ? 1000 : 120;
    int diverged = 0;
    bool ok = true;

    odd.at = -1;
    for (int i = 0; i < n && ok; i++, log->points++) {
        run r = run_of(i % 2 ? NF_F64 : NF_F32);
        r.lr = i % 3 ? 10.0 : 1e30; /* Adam's own is 1e-3 */
        r.config.seed = (uint64_t)i;
        r.config.clip_norm = i % 4 < 2 ? -1 : 0;
        r.config.ema_decay = i % 5 == 0 ? 0.9 : 0;
        const nf_status status = run_fit(&r);
        diverged += status == NF_ERR_DIVERGED;
        ok = (status == NF_OK || fault_said(log, "lr", status, NF_ERR_DIVERGED)) && run_is_best(log, &r, "seed", i);
    }
    (void)snprintf(log->note, sizeof log->note, "(%d diverged)", diverged);
    return ok;
}

/* Rows that are not finite: refused by row and column before anything is changed. */
static bool case_bad_rows(fault_log *log)
{
    static const double values[] = { NAN, INFINITY, -INFINITY };
    nf_flow *flow = fault_trained_flow(NULL, NF_F64);
    nf_optimizer *optimizer = NULL;
    const uint64_t before = fault_hash_flow(flow);
    bool ok = true;
    double x[60];
    char words[2][24];

    must(nf_optimizer_adam_create(&optimizer, NULL, NULL), "adam");
    for (int i = 0; i < 60 && ok; i++, log->points++) {
        nf_dataset *data = NULL;
        for (int k = 0; k < 60; k++) x[k] = sin(k);
        x[i] = values[i % 3];
        (void)snprintf(words[0], sizeof words[0], "%d", i / 2);
        (void)snprintf(words[1], sizeof words[1], "%d", i % 2);
        must(nf_dataset_from_array_f64(&data, NULL, 30, 2, x), "data");
        fault_mark();
        ok = fault_said(log, "fit", nf_flow_fit(flow, optimizer, data, NULL, NULL, NULL), NF_ERR_NONFINITE);
        if (ok && (!strstr(nf_last_error(), words[0]) || !strstr(nf_last_error(), words[1]) || strncmp(nf_last_error(), "nf_flow_fit", 11)))
            ok = fault_fails(log, "row %s, column %s: %.200s", words[0], words[1], nf_last_error());
        if (ok && fault_hash_flow(flow) != before) ok = fault_fails(log, "the flow changed");
        nf_dataset_unref(data);
    }
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return ok;
}

/* T25 */

static atomic_int alarms;
static void on_alarm(int number) { (void)number, atomic_fetch_add(&alarms, 1); }

static void alarms_set(bool on)
{
    const struct itimerval timer = { .it_interval = { .tv_usec = on ? 1000 : 0 }, .it_value = { .tv_usec = on ? 1000 : 0 } };
    struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART: calls are interrupted */

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* Trains with checkpoints, saves, loads, reads a table: a hash of all that came out. */
static uint64_t scenario(int32_t threads)
{
    nf_context *context = support_context(threads, NULL);
    const char *checkpoint = fault_path("checkpoint"), *model = fault_path("model"), *table = fault_path("table.csv");
    run r = run_of(NF_F32);
    nf_flow *flow = fault_trained_flow(context, NF_F64), *back = NULL;
    nf_dataset *data = NULL;
    uint64_t hash;
    int64_t size;

    r.context = context;
    r.config.checkpoint = checkpoint;
    r.config.checkpoint_epochs = 1;
    must(run_fit(&r), "fit");
    hash = fault_hash_bytes(0, r.theta, sizeof r.theta);
    void *bytes = fault_read_file(checkpoint, &size);
    hash = fault_hash_bytes(hash, bytes, size);
    free(bytes);
    for (int i = 0; i < 20; i++) {
        must(nf_flow_save(flow, model), "save");
        must(nf_flow_load(&back, context, model), "load");
        hash ^= fault_hash_flow(back);
        nf_flow_unref(back);
        if (!fault_write_file(table, "1,2\n3,4\n5,6.5\n", 14)) abort();
        must(nf_dataset_load(&data, context, table, NULL), "read");
        hash = fault_hash_bytes(hash, &(int64_t){ nf_dataset_rows(data) }, 8);
        nf_dataset_unref(data);
    }
    nf_flow_unref(flow);
    nf_context_unref(context);
    return hash;
}

static bool case_alarms(fault_log *log)
{
    bool ok = true;

    odd.at = -1;
    for (int i = 0; i < (fault_is_full() ? 60 : 20) && ok; i++) {
        const uint64_t want = scenario(1);
        alarms_set(true);
        const uint64_t got = scenario(1 + i % 3);
        alarms_set(false);
        if (got != want) ok = fault_fails(log, "signals change results");
    }
    log->points = atomic_load(&alarms);
    return ok && (log->points > 3 || fault_fails(log, "no signal arrived"));
}

struct canceller {
    nf_context *context;
    int wait;          /* microseconds */
    atomic_int begun;  /* 1: training runs; before that a cancel would stop the set-up */
};

static int32_t canceller_begins(void *user, const nf_fit_progress *progress)
{
    (void)progress;
    atomic_store(&((struct canceller *)user)->begun, 1);
    return 0;
}

static void *cancel_later(void *arg)
{
    struct canceller *c = arg;

    while (!atomic_load(&c->begun)) (void)usleep(50);
    (void)usleep((useconds_t)c->wait);
    nf_context_cancel(c->context);
    return NULL;
}

static double clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool cancel_once(fault_log *log, int i)
{
    nf_context *context = support_context(1 + i % 2, NULL);
    struct canceller c = { .context = context, .wait = 200 + i * 731 % 5000 };
    run r = run_of(i % 2 ? NF_F64 : NF_F32);
    pthread_t thread;
    bool ok;

    r.context = context;
    r.config.epochs = 100000000; /* would take days */
    r.config.progress = canceller_begins;
    r.config.progress_user = &c;
    if (pthread_create(&thread, NULL, cancel_later, &c)) abort();
    const double start = clock_now();
    const nf_status status = run_fit(&r);
    const double seconds = clock_now() - start;
    (void)pthread_join(thread, NULL);
    ok = fault_said(log, "cancelled", status, NF_STOPPED);
    if (ok && r.report.stopped != 2) ok = fault_fails(log, "stopped is %d", r.report.stopped);
    if (ok && seconds > 5) ok = fault_fails(log, "it took %g s to stop", seconds);
    for (int k = 0; k < RUN_MOST && ok; k++) ok = isfinite(r.theta[k]) || fault_fails(log, "weight %d is not finite", k);
    nf_context_unref(context);
    log->points++;
    return ok;
}

/* The curve has room for 64 epochs only: whether the best is kept is seen in the drills. */
static bool case_cancel(fault_log *log)
{
    bool ok = true;

    odd.at = -1;
    for (int i = 0; i < (fault_is_full() ? 400 : 40) && ok; i++) ok = cancel_once(log, i);
    return ok;
}

/* T18 */

static int64_t stop_left;
static int32_t stop_after(void *user, const nf_fit_progress *progress)
{
    (void)user, (void)progress;
    return --stop_left <= 0;
}

/* In a process of its own: trains, stops after `reports` reports (0: never), leaves a checkpoint or the weights. */
static bool train_apart(const char *checkpoint, const char *result, int reports, bool resumes, int variant)
{
    const pid_t child = fork();
    int answer = 0;

    if (child == 0) {
        run r = run_of(variant % 2 ? NF_F64 : NF_F32);
        odd.at = -1;
        r.context = support_context(1 + (variant + resumes) % 3, NULL);
        r.config.schedule = variant % 3 ? NF_SCHEDULE_COSINE : NF_SCHEDULE_PLATEAU;
        r.config.plateau_epochs = 1;
        r.config.ema_decay = variant % 4 < 2 ? 0.9 : 0;
        r.config.progress_steps = 1;
        if (reports) r.config.progress = stop_after, r.config.checkpoint = checkpoint;
        if (resumes) r.config.resume = checkpoint;
        stop_left = reports;
        const nf_status status = run_fit(&r);
        if (status != (reports ? NF_STOPPED : NF_OK)) _exit(1);
        _exit(!reports && !fault_write_file(result, r.theta, sizeof r.theta));
    }
    return waitpid(child, &answer, 0) == child && answer == 0;
}

static bool same_files(const char *a, const char *b)
{
    int64_t size_a, size_b;
    void *bytes_a = fault_read_file(a, &size_a), *bytes_b = fault_read_file(b, &size_b);
    const bool same = bytes_a && bytes_b && size_a == size_b && memcmp(bytes_a, bytes_b, (size_t)size_a) == 0;

    free(bytes_a);
    free(bytes_b);
    return same;
}

/* 24 steps and 6 ends of epochs are 30 reports: cuts within epochs and at their ends. */
static bool case_resume(fault_log *log)
{
    static const int cuts[] = { 1, 2, 4, 5, 6, 9, 10, 13, 17, 22, 27, 29 };
    const char *want = fault_path("want"), *got = fault_path("got"), *checkpoint = fault_path("checkpoint");

    for (int variant = 0; variant < (fault_is_full() ? 12 : 6); variant++) {
        if (!train_apart(checkpoint, want, 0, false, variant)) return fault_fails(log, "variant %d: the whole run fails", variant);
        for (int i = 0; i < SUPPORT_COUNT(cuts); i++, log->points++) {
            if (!train_apart(checkpoint, got, cuts[i], false, variant)) return fault_fails(log, "variant %d, cut %d: the first part fails", variant, cuts[i]);
            if (!train_apart(checkpoint, got, 0, true, variant)) return fault_fails(log, "variant %d, cut %d: the second part fails", variant, cuts[i]);
            if (!same_files(want, got)) return fault_fails(log, "variant %d, cut after report %d: other weights", variant, cuts[i]);
        }
    }
    /* control: a run that is not resumed ends elsewhere than a shorter one */
    return !same_files(want, checkpoint) || fault_fails(log, "files that differ compare equal");
}

/* Controls */

static bool case_control(fault_log *log)
{
    run r = run_of(NF_F64);
    fault_log own = { 0 };

    odd.at = -1;
    must(run_fit(&r), "fit");
    if (!run_is_best(&own, &r, "control", 0)) return fault_fails(log, "a sound run is refused: %s", own.why);
    r.theta[3] = NAN;
    if (run_is_best(&own, &r, "control", 0)) return fault_fails(log, "a weight that is NaN is not caught");
    r.theta[3] = 0;
    r.report.valid_nll += 1e-9;
    return !run_is_best(&own, &r, "control", 0) || fault_fails(log, "a result that is not the best is not caught");
}

static const fault_case cases[] = {
    { "training__one_bad_step_is_skipped", case_drill },
    { "training__lasting_faults_diverge_and_keep_the_best", case_drill_forever },
    { "training__a_rate_1e4_too_high_keeps_the_best", case_rate },
    { "training__bad_rows_are_named_and_change_nothing", case_bad_rows },
    { "training__signals_change_nothing", case_alarms },
    { "training__cancelling_stops_at_the_next_batch", case_cancel },
    { "training__a_resumed_run_ends_in_the_same_bits", case_resume },
    { "training__control_wrong_results_are_caught", case_control },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
