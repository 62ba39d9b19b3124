/* SPDX-License-Identifier: MIT
 *
 * bench.h - workloads, windows and the line of JSON
 */
#ifndef NFLOW_BENCH_H
#define NFLOW_BENCH_H

#include <nflow/nflow.h>

typedef struct bench_options {
    int32_t threads;
    double seconds; /* measured time of all windows of one batch size */
    int cpu_clock;  /* 1: the time of the calling thread on its core, for one thread on a shared machine; 0: wall clock */
} bench_options;

/* One thing to time: unit() does one unit of work (a step, or a call); it returns a status. */
typedef struct bench_case {
    const char *workload, *metric; /* "steps/s", "samples/s", "us" (time of one call) */
    int64_t batch;
    double per_call;       /* units of the metric in one call: 1 for steps, batch for samples */
    double gflop_per_call; /* matrix products only */
    double gflop_per_unit;
    char note[200];
    nf_status (*call)(void *arg);
    nf_status (*floor)(void *arg); /* the least that a call must do, timed in turn with it; NULL: none */
    void *arg;
} bench_case;

double bench_now(void);                  /* seconds, wall clock */
double bench_clock(const bench_options *options); /* seconds of the chosen clock */
double bench_peak(int32_t threads, int32_t dtype); /* GFLOP/s of FMA loops on so many threads at once, about 10 ms */
void bench_measure(const bench_case *c, const bench_options *options); /* prints the line */

enum { MODEL_MOONS, MODEL_TABULAR, MODEL_NSF, MODEL_MAF, MODEL_MAF_SPLINE, MODEL_GLOW_K8_H512, MODEL_GLOW_K8_H128,
       MODEL_GLOW_K32_H512, MODEL_FFJORD_TOY, MODEL_FFJORD_TABULAR, MODEL_FFJORD_TOY_ADJOINT, MODEL_FFJORD_IMAGES };

/* A workload prints one line a batch size. */
typedef struct bench_workload {
    const char *name, *help;
    void (*run)(const struct bench_workload *w, int64_t batch, const bench_options *options);
    int64_t batches[6]; /* defaults, ended by 0 */
    int32_t model;
} bench_workload;

void bench_train(const bench_workload *w, int64_t batch, const bench_options *options);
void bench_train_rows(const bench_workload *w, int64_t batch, const bench_options *options); /* rows a second instead of steps */
void bench_log_prob(const bench_workload *w, int64_t batch, const bench_options *options);
void bench_sample(const bench_workload *w, int64_t batch, const bench_options *options);
void bench_kernels(const bench_workload *w, int64_t batch, const bench_options *options);
void bench_start(const bench_workload *w, int64_t batch, const bench_options *options);

void bench_match(const bench_workload *w, int64_t batch, const bench_options *options); /* steps of flow matching */
void bench_solver(const bench_workload *w, int64_t batch, const bench_options *options);

/* Solves of a flow that is one continuous layer: evaluations of the dynamics a row, and their matrix products. */
typedef struct bench_solve {
    double evaluations, gflop_row;
} bench_solve;
bench_solve bench_count_solve(nf_flow *flow, int64_t n, const float *x, int inverse, int32_t training);
/* Times solves of n rows, in turn with the network alone; fills in what c lacks. */
void bench_time_solver(bench_case *c, nf_flow *flow, int64_t n, const float *x, const bench_options *options);

void bench_die(const char *what, nf_status status);

#endif
