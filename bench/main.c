/* SPDX-License-Identifier: MIT
 *
 * main.c - nflow-bench WORKLOAD --threads T --batch B --seconds S [--batches B1,B2,...] [--clock cpu] | --list | all
 *
 * One line of JSON a batch size. Medians over windows; the peak is measured on the same threads just before and just after
 * each window, so that frac_peak compares within the window whatever else the machine does.
 */
#include "bench.h"
#include "math/kernels.h"
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WINDOWS 9
#define MAX_THREADS 64


static const bench_workload workloads[] = {
    { "moons_train", "training step, 2 columns, 6 couplings, s and t networks 4 x 256", bench_train, { 256 }, MODEL_MOONS },
    { "log_prob_moons", "log density of a batch", bench_log_prob, { 1, 16, 256, 4096, 65536 }, MODEL_MOONS },
    { "sample_moons", "samples", bench_sample, { 1, 16, 256, 4096, 65536 }, MODEL_MOONS },
    { "tabular_train", "training step, 43 columns, 10 couplings, networks 22-256-256-42", bench_train, { 1024 }, MODEL_TABULAR },
    { "log_prob_tabular", "log density of a batch", bench_log_prob, { 1, 16, 256, 4096, 65536 }, MODEL_TABULAR },
    { "sample_tabular", "samples", bench_sample, { 1, 16, 256, 4096, 65536 }, MODEL_TABULAR },
    { "tabular_train_nsf", "the same with rational-quadratic splines, 8 bins, tails at 3, networks 22-256-256-483", bench_train, { 1024 }, MODEL_NSF },
    { "log_prob_nsf", "log density of a batch", bench_log_prob, { 1, 16, 256, 4096, 65536 }, MODEL_NSF },
    { "sample_nsf", "samples", bench_sample, { 1, 16, 256, 4096, 65536 }, MODEL_NSF },
    { "maf_train", "training step, 43 columns, 10 autoregressive layers, networks 43-256-256-86", bench_train, { 1024 }, MODEL_MAF },
    { "log_prob_maf", "log density of a batch", bench_log_prob, { 1, 16, 256, 4096 }, MODEL_MAF },
    { "sample_maf", "samples, column by column", bench_sample, { 1, 16, 256, 4096 }, MODEL_MAF },
    { "maf_spline_train", "the same with rational-quadratic splines, 8 bins, tails at 3, networks 43-256-256-989", bench_train, { 1024 }, MODEL_MAF_SPLINE },
    { "log_prob_maf_spline", "log density of a batch", bench_log_prob, { 1, 16, 256, 4096 }, MODEL_MAF_SPLINE },
    { "sample_maf_spline", "samples, column by column", bench_sample, { 1, 16, 256, 4096 }, MODEL_MAF_SPLINE },
    { "glow_train_K8_h512", "images a second in training, GLOW 32x32x3, 3 levels of 8 steps, 512 hidden channels", bench_train_rows, { 16 }, MODEL_GLOW_K8_H512 },
    { "glow_log_prob_K8_h512", "log density of images", bench_log_prob, { 1, 16 }, MODEL_GLOW_K8_H512 },
    { "glow_sample_K8_h512", "samples", bench_sample, { 1, 16 }, MODEL_GLOW_K8_H512 },
    { "glow_train_K8_h128", "the same with 128 hidden channels", bench_train_rows, { 16 }, MODEL_GLOW_K8_H128 },
    { "glow_log_prob_K8_h128", "log density of images", bench_log_prob, { 1, 16 }, MODEL_GLOW_K8_H128 },
    { "glow_sample_K8_h128", "samples", bench_sample, { 1, 16 }, MODEL_GLOW_K8_H128 },
    { "glow_train_K32_h512", "the same with 32 steps", bench_train_rows, { 16 }, MODEL_GLOW_K32_H512 },
    { "glow_log_prob_K32_h512", "log density of images", bench_log_prob, { 1, 16 }, MODEL_GLOW_K32_H512 },
    { "glow_sample_K32_h512", "samples", bench_sample, { 1, 16 }, MODEL_GLOW_K32_H512 },
    { "ffjord_train_toy", "training step, 2 columns, continuous, 64-64-64 tanh, exact trace, dopri5 1e-5", bench_train, { 100, 1000 }, MODEL_FFJORD_TOY },
    { "ffjord_train_toy_adjoint", "the same, gradient by the adjoint equation", bench_train, { 100, 1000 }, MODEL_FFJORD_TOY_ADJOINT },
    { "ffjord_log_prob_toy", "log density of a batch", bench_log_prob, { 1, 1000 }, MODEL_FFJORD_TOY },
    { "ffjord_sample_toy", "samples", bench_sample, { 1, 1000 }, MODEL_FFJORD_TOY },
    { "ffjord_solver_toy", "evaluations in solves, beside the network alone", bench_solver, { 1000 }, MODEL_FFJORD_TOY },
    { "ffjord_match_toy", "step of flow matching instead, each row with noise of its own", bench_match, { 100, 1000 }, MODEL_FFJORD_TOY },
    { "ffjord_train_tabular", "training step, 43 columns, continuous, 860-860 softplus, Hutchinson, dopri5 1e-8 1e-6", bench_train, { 1000 }, MODEL_FFJORD_TABULAR },
    { "ffjord_log_prob_tabular", "log density of a batch", bench_log_prob, { 1000 }, MODEL_FFJORD_TABULAR },
    { "ffjord_sample_tabular", "samples", bench_sample, { 1000 }, MODEL_FFJORD_TABULAR },
    { "ffjord_solver_tabular", "evaluations in solves, beside the network alone", bench_solver, { 1000 }, MODEL_FFJORD_TABULAR },
    { "ffjord_match_tabular", "step of flow matching instead, each row with noise of its own", bench_match, { 1000 }, MODEL_FFJORD_TABULAR },
    { "ffjord_train_images", "images a second in training, 28x28x1, continuous, convolutions 16-16 softplus, Hutchinson, dopri5 1e-5", bench_train_rows, { 16 }, MODEL_FFJORD_IMAGES },
    { "ffjord_log_prob_images", "log density of images", bench_log_prob, { 1, 16 }, MODEL_FFJORD_IMAGES },
    { "ffjord_sample_images", "samples", bench_sample, { 16 }, MODEL_FFJORD_IMAGES },
    { "ffjord_solver_images", "evaluations in solves, beside the network alone", bench_solver, { 16 }, MODEL_FFJORD_IMAGES },
    { "kernels", "matrix products at the shapes of the networks, vector functions, splines, normals", bench_kernels, { 128 }, 0 },
    { "start", "load of a model and first log_prob", bench_start, { 1 }, MODEL_MOONS },
};
#define N_WORKLOADS (sizeof workloads / sizeof *workloads)

static int table; /* "all": lines for people; set once before any work */

static double clock_seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_now(void) { return clock_seconds(CLOCK_MONOTONIC); }
double bench_clock(const bench_options *o) { return o->cpu_clock ? clock_seconds(CLOCK_THREAD_CPUTIME_ID) : bench_now(); }

void bench_die(const char *what, nf_status status)
{
    fprintf(stderr, "nflow-bench: %s: %s: %s\n", what, nf_status_name(status), nf_last_error());
    exit(1);
}

typedef struct peak_task {
    pthread_t thread;
    int32_t dtype;
    double gflops;
} peak_task;

static void *peak_run(void *arg)
{
    peak_task *t = arg;
    t->gflops = nfi_fma_peak(nfi_kernels_for(NULL, t->dtype), 0.01);
    return NULL;
}

double bench_peak(int32_t threads, int32_t dtype)
{
    peak_task task[MAX_THREADS] = { { .dtype = dtype } };
    double sum = 0.0;

    for (int32_t i = 0; i < threads; i++) task[i].dtype = dtype;
    for (int32_t i = 1; i < threads; i++)
        if (pthread_create(&task[i].thread, NULL, peak_run, &task[i])) exit(1);
    peak_run(&task[0]);
    for (int32_t i = 1; i < threads; i++) pthread_join(task[i].thread, NULL);
    for (int32_t i = 0; i < threads; i++) sum += task[i].gflops;
    return sum;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static long calls_per_window(const bench_case *c, double window)
{
    long calls = 1;

    for (;;) {
        const double start = bench_now();
        for (long i = 0; i < calls; i++) {
            const nf_status status = c->call(c->arg);
            if (status < 0) bench_die(c->workload, status);
        }
        const double seconds = bench_now() - start;
        if (seconds >= window / 4) return (long)((double)calls * window / seconds) + 1;
        calls *= 4;
    }
}

static void print_line(const bench_case *c, const bench_options *o, double *value, double *peak, double *fraction, double gflops)
{
    struct rusage usage;
    const double middle = median(value, WINDOWS);

    getrusage(RUSAGE_SELF, &usage);
    if (table) {
        printf("%-23s %7lld %2d  %14.4g %-10s %8.4g %8.1f %6.1f %%  %s\n", c->workload, (long long)c->batch, (int)o->threads, middle,
               c->metric, value[WINDOWS - 1], gflops, 100.0 * median(fraction, WINDOWS), c->note);
    } else {
        printf("{\"workload\":\"%s\",\"peer\":\"nflow\",\"threads\":%d,\"batch\":%lld,\"metric\":\"%s\",\"value\":%.6g,\"min\":%.6g,"
               "\"max\":%.6g,\"n\":%d,\"gflop_per_unit\":%.6g,\"gflops\":%.5g,\"peak_gflops\":%.5g,\"frac_peak\":%.4f,"
               "\"peak_rss_mib\":%.1f,\"note\":\"%s\"}\n",
               c->workload, (int)o->threads, (long long)c->batch, c->metric, middle, value[0], value[WINDOWS - 1], WINDOWS,
               c->gflop_per_unit, gflops, median(peak, WINDOWS), median(fraction, WINDOWS), (double)usage.ru_maxrss / 1024.0, c->note);
    }
    fflush(stdout);
}

/* Mean seconds of one call. */
static double time_calls(nf_status (*call)(void *), void *arg, long calls, const bench_options *o)
{
    const double start = bench_clock(o);

    for (long i = 0; i < calls; i++) (void)call(arg);
    return (bench_clock(o) - start) / (double)calls;
}

void bench_measure(const bench_case *c, const bench_options *o)
{
    double value[WINDOWS], peak[WINDOWS], fraction[WINDOWS], rate[WINDOWS], floor[WINDOWS], ratio[WINDOWS];
    bench_case told = *c;
    const int is_time = !strcmp(c->metric, "us");
    const long calls = calls_per_window(c, o->seconds / WINDOWS);

    for (int w = 0; w < WINDOWS; w++) {
        const double before = bench_peak(o->threads, NF_F32), seconds = time_calls(c->call, c->arg, calls, o);
        peak[w] = (before + bench_peak(o->threads, NF_F32)) / 2;
        value[w] = is_time ? 1e6 * seconds : c->per_call / seconds;
        rate[w] = c->gflop_per_call / seconds;
        fraction[w] = rate[w] / peak[w];
        floor[w] = c->floor ? time_calls(c->floor, c->arg, calls, o) : seconds;
        ratio[w] = seconds / floor[w];
    }
    if (c->floor)
        snprintf(told.note, sizeof told.note, "%.120s: %.1f us, the call takes %.2f of it", c->note, 1e6 * median(floor, WINDOWS), median(ratio, WINDOWS));
    print_line(&told, o, value, peak, fraction, median(rate, WINDOWS));
}

static int usage(void)
{
    fprintf(stderr, "usage: nflow-bench WORKLOAD|all [--threads T] [--batch B | --batches B1,B2,...] [--seconds S] [--clock wall|cpu]\n       nflow-bench --list\n");
    return 2;
}

static void run(const bench_workload *w, const char *batches, const bench_options *o)
{
    for (int i = 0; !batches && w->batches[i]; i++) w->run(w, w->batches[i], o);
    while (batches && *batches) {
        char *end;
        const long long batch = strtoll(batches, &end, 10);
        if (end == batches || batch < 1) exit(usage());
        w->run(w, batch, o);
        batches = *end == ',' ? end + 1 : end;
        if (batches == end && *end) exit(usage());
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "threads", 1, NULL, 't' }, { "batch", 1, NULL, 'b' }, { "batches", 1, NULL, 'b' },
                                             { "seconds", 1, NULL, 's' }, { "clock", 1, NULL, 'c' }, { "list", 0, NULL, 'l' }, { NULL, 0, NULL, 0 } };
    bench_options o = { .threads = 1, .seconds = 2.0 };
    const char *batches = NULL;
    int option, found = 0;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't') o.threads = atoi(optarg);
        else if (option == 'b') batches = optarg;
        else if (option == 's') o.seconds = atof(optarg);
        else if (option == 'c' && (!strcmp(optarg, "cpu") || !strcmp(optarg, "wall"))) o.cpu_clock = *optarg == 'c';
        else if (option == 'l') {
            for (size_t i = 0; i < N_WORKLOADS; i++) printf("%-23s %s\n", workloads[i].name, workloads[i].help);
            return 0;
        } else return usage();
    }
    if (optind + 1 != argc || (o.cpu_clock && o.threads != 1) || o.threads < 1 || o.threads > MAX_THREADS || !(o.seconds > 0)) return usage();
    table = !strcmp(argv[optind], "all");
    if (table) printf("%-23s %7s %2s  %14s %-10s %8s %8s %8s\n", "workload", "batch", "T", "median", "metric", "max", "GFLOP/s", "of peak");
    for (size_t i = 0; i < N_WORKLOADS; i++) {
        if (!table && strcmp(argv[optind], workloads[i].name)) continue;
        run(&workloads[i], table ? NULL : batches, &o);
        found = 1;
    }
    if (!found) fprintf(stderr, "nflow-bench: no workload \"%s\"; --list names them\n", argv[optind]);
    return found ? 0 : 2;
}
