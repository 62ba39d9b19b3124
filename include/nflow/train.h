/* SPDX-License-Identifier: MIT
 *
 * train.h - fitting a flow to data by maximum likelihood
 */
#ifndef NFLOW_TRAIN_H
#define NFLOW_TRAIN_H

#include <nflow/dataset.h>
#include <nflow/optimizer.h>

NF_BEGIN_DECLS

enum {
    NF_SCHEDULE_CONSTANT = 1,
    NF_SCHEDULE_COSINE = 2, /* from lr to lr * final_lr_factor over the epochs */
    NF_SCHEDULE_STEP = 3,   /* times `factor` every `step_epochs` epochs */
    NF_SCHEDULE_PLATEAU = 4 /* times `factor` after `plateau_epochs` epochs without a better loss */
};

/** What a progress callback sees, after each epoch (and each `progress_steps` steps). Valid during the call. */
typedef struct nf_fit_progress {
    uint32_t struct_size;
    int32_t end_of_epoch;
    int64_t epoch, epochs, step, steps_per_epoch; /* epoch counts from 1 */
    double train_nll;  /* mean over the epoch so far */
    double valid_nll;  /* NaN until known */
    double best_nll;
    double lr, grad_norm, seconds, eta_seconds;
    int64_t skipped;   /* steps not applied because not finite */
} nf_fit_progress;
typedef int32_t (*nf_progress_fn)(void *user, const nf_fit_progress *progress); /* not 0: stop, keep the best */

typedef struct nf_fit_config {
    uint32_t struct_size;
    int32_t schedule;      /* NF_SCHEDULE_..., default constant */
    int64_t epochs;        /* default 100 */
    int64_t batch;         /* rows a step, default 256; the last batch of an epoch may be smaller */
    uint64_t seed;         /* of the shuffles */
    int64_t patience;      /* stop after this many epochs without a better validation loss; 0: never */
    double clip_norm;      /* default 5; negative: off */
    double l2;             /* adds l2 |W|^2 over the decayed weights to the loss; default 0 */
    double ema_decay;      /* in [0, 1): average of the weights; validation and the result use it; 0: off */
    int64_t warmup_steps;  /* lr rises linearly over these first steps */
    double final_lr_factor; /* cosine, default 0.01 */
    double factor;         /* step and plateau, default 0.5 */
    int64_t step_epochs;   /* default 50 */
    int64_t plateau_epochs; /* default 10 */
    int32_t keep_last;     /* 1: the result is the last weights; default: those of the best validation (or training) loss */
    int32_t no_init;       /* 1: no data-dependent initialisation before the first epoch */
    int64_t progress_steps; /* also report every this many steps; 0: epochs only */
    nf_progress_fn progress; /* called on the calling thread */
    void *progress_user;
    const char *checkpoint;   /* path: written every checkpoint_epochs epochs and at the end */
    int64_t checkpoint_epochs; /* default 10 */
    const char *resume;       /* path of a checkpoint to go on from: ends in the bits of a run that was not stopped */
} nf_fit_config;
#define NF_FIT_CONFIG_INIT { .struct_size = sizeof(nf_fit_config) }
NF_API void nf_fit_config_init(nf_fit_config *config);

typedef struct nf_fit_report {
    uint32_t struct_size;
    int32_t stopped;      /* 0: all epochs done, 1: early stopping, 2: callback or cancel, 3: diverged */
    int64_t epochs, steps, skipped, rollbacks;
    int64_t best_epoch;
    double train_nll;     /* mean NLL, nats a row, of the resulting weights over the training set */
    double valid_nll;     /* the same over the validation set; NaN without one */
    double seconds;
    double *curve_train;  /* in: arrays [curve_capacity] or NULL; out: one value an epoch */
    double *curve_valid;
    int64_t curve_capacity;
    int64_t curve_count;
} nf_fit_report;

/**
 * Fits by maximum likelihood. valid, config and report may be NULL. Data of the other dtype are converted. Weights of the
 * dataset count. Returns NF_OK, NF_STOPPED (callback or cancel; best kept), NF_ERR_DIVERGED (best kept);
 * NF_ERR_NONFINITE, NF_ERR_DEGENERATE (data; row and column), NF_ERR_SHAPE, NF_ERR_ARG, NF_ERR_CONFIG_*, NF_ERR_IO,
 * NF_ERR_MEMORY: flow unchanged when the failure comes before the first step. Exclusive on flow and optimizer.
 * The same seeds give the same weights for any number of threads.
 */
NF_API nf_status nf_flow_fit(nf_flow *flow, nf_optimizer *optimizer, const nf_dataset *train, const nf_dataset *valid,
                             const nf_fit_config *config, nf_fit_report *report);
/** Mean NLL of a dataset under a flow (weights count). Shared-read. */
NF_API nf_status nf_flow_mean_nll(const nf_flow *flow, const nf_dataset *data, double *mean_nll);

NF_END_DECLS
#endif
