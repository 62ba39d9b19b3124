/* SPDX-License-Identifier: MIT
 *
 * jobs.h - every public call that allocates, each on a fresh scene, with its memory refused at will
 */
#ifndef NFLOW_TESTS_JOBS_H
#define NFLOW_TESTS_JOBS_H

#include "fault.h"
#include <nflow/nflow.h>

#define JOB_ROWS 40

/* What a job works on, and what it makes. */
typedef struct job_scene {
    int32_t dtype;
    nf_context *context; /* NULL in the runs that refuse malloc itself */
    nf_flow *flow;       /* dim 2, cond_dim 1: standardise, actnorm, two couplings; not initialised from data */
    nf_optimizer *optimizer;
    nf_dataset *data, *valid;
    nf_layer *layer;
    nf_base *base;
    char *json;
    void *model;
    int64_t model_size;
    void *x, *cond; /* [JOB_ROWS][2], [JOB_ROWS][1] of dtype */
    /* made */
    nf_context *out_context;
    nf_flow *out_flow;
    nf_optimizer *out_optimizer;
    nf_dataset *out_data, *out_second;
    nf_layer *out_layer;
    nf_base *out_base;
    double values[JOB_ROWS];
    double rows[2 * JOB_ROWS]; /* of dtype */
    uint64_t other; /* a hash of what else came out */
} job_scene;

typedef struct job {
    const char *name; /* of the public call */
    nf_status (*run)(job_scene *scene);
    nf_status (*before)(job_scene *scene); /* may be NULL: runs with all memory there */
    bool may_change;   /* a failure may leave the flow trained: only its weights' soundness is promised */
} job;

extern const job jobs[];
extern const int job_count;

/* Which allocations are refused: number k, all from k on, or one in four at random with k as the seed (which reaches the clean-up
 * after a failure too). */
enum { REFUSE_ONCE, REFUSE_FOREVER, REFUSE_RANDOM };
bool job_refuses(int mode, long long k, long long call);

/* Where refusals come from: the allocator of a context, or malloc. */
typedef struct job_source {
    nf_context *(*open)(int32_t threads); /* a context, or NULL; afterwards nothing is refused */
    void (*arm)(int mode, long long k);   /* counts from here */
    bool (*disarm)(void);                 /* nothing is refused any more; whether a refusal took place */
    long long (*live)(void);              /* blocks that are not given back, and damaged ones */
} job_source;

bool job_sweep(fault_log *log, const job_source *source, const job *j, int32_t dtype, int32_t threads, int mode);
/* All jobs, in both precisions. */
bool job_sweep_all(fault_log *log, const job_source *source, int32_t threads, int mode);
/* Files that the jobs read; call once, before. */
void job_files(void);

#endif
