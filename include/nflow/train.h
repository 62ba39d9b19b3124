/* SPDX-License-Identifier: MIT
 *
 * train.h - fitting a flow to data by maximum likelihood, a continuous one by flow matching too
 *
 *   loss = -sum_i w_i log p(x_i) / sum_i w_i  (+ l2 |W|^2),   one shuffled pass over the rows an epoch
 *   loss = sum_i w_i |T f(y_i, t_i) - (z_i - x_i)|^2 / (dim sum_i w_i)  (+ l2 |W|^2)     with NF_OBJECTIVE_FLOW_MATCHING
 *
 * Losses are in nats a row, and beside them in bits per dimension: nll / (dim ln 2), NaN where the loss is NaN. For whole-number
 * data behind a dequantise layer this is the usual bits/dim. docs/training.md walks through it. Everything here since 0.1
 */
#ifndef NFLOW_TRAIN_H
#define NFLOW_TRAIN_H

#include <nflow/dataset.h>
#include <nflow/optimizer.h>

NF_BEGIN_DECLS

/* The learning rate of a step is that of the optimizer times a factor. */
enum {
    NF_SCHEDULE_CONSTANT = 1, /* 1 */
    NF_SCHEDULE_COSINE = 2, /* from 1 to final_lr_factor along half a cosine over the epochs */
    NF_SCHEDULE_STEP = 3,   /* times `factor` every `step_epochs` epochs */
    NF_SCHEDULE_PLATEAU = 4 /* times `factor` after `plateau_epochs` epochs without a better loss */
};

/* What is minimised. */
enum {
    NF_OBJECTIVE_LIKELIHOOD = 1,   /* the negative log-likelihood. Default */
    NF_OBJECTIVE_FLOW_MATCHING = 2 /* the distance of a continuous layer's field from straight ways between data and noise: no solving */
};
/* Which noise a row of the batch is joined with in flow matching. */
enum {
    NF_PAIRING_STRAIGHT = 1, /* a draw of its own. Default */
    NF_PAIRING_TRANSPORT = 2 /* of the batch's draws the one that makes the sum of |x_i - z_pi(i)|^2 least: ways that cross less */
};

/** What a progress callback sees, after each epoch (and each `progress_steps` steps). Valid during the call. */
typedef struct nf_fit_progress {
    uint32_t struct_size;
    int32_t end_of_epoch; /* 1: an epoch is done; 0: one of progress_steps */
    int64_t epoch, epochs, step, steps_per_epoch; /* epoch counts from 1; step: batches of this epoch done */
    double train_nll;  /* mean over the epoch so far; this and the next two are losses of `objective`: with flow matching no NLLs */
    double valid_nll;  /* of the latest epoch; NaN until known, and without a validation set */
    double best_nll;   /* NaN until known */
    double lr, grad_norm, seconds, eta_seconds; /* grad_norm: before clipping */
    int64_t skipped;   /* steps not applied because not finite */
    double train_bits, valid_bits, best_bits; /* the three losses in bits per dimension; NaN with flow matching */
    int32_t objective; /* NF_OBJECTIVE_... of the run */
    int32_t reserved;
} nf_fit_progress;
/* Not 0: stop, keep the best. May make const calls on the flow, which see the present weights; exclusive ones are NF_ERR_BUSY. */
typedef int32_t (*nf_progress_fn)(void *user, const nf_fit_progress *progress);

/** How to fit. "Loss" below is the objective's over the validation set, or without one its mean over the epoch of training. */
typedef struct nf_fit_config {
    uint32_t struct_size;
    int32_t schedule;      /* NF_SCHEDULE_..., default constant */
    int64_t epochs;        /* default 100 */
    int64_t batch;         /* rows a step, default 256, at most all rows; the last batch of an epoch may be smaller */
    uint64_t seed;         /* of the shuffles */
    int64_t patience;      /* stop after this many epochs without a better loss; 0: never */
    double clip_norm;      /* largest norm of the gradient, default 5; negative: off */
    double l2;             /* adds l2 |W|^2 over the weights (not biases, scales) to the loss; default 0 */
    double ema_decay;      /* d in [0, 1): average a += (1 - d) (theta - a) of the weights; validation and the result use it; 0: off */
    int64_t warmup_steps;  /* lr rises linearly over these first steps */
    double final_lr_factor; /* cosine, default 0.01 */
    double factor;         /* step and plateau, default 0.5 */
    int64_t step_epochs;   /* default 50 */
    int64_t plateau_epochs; /* default 10 */
    int32_t keep_last;     /* 1: the result is the last weights (their average, with ema_decay); default: those of the best loss */
    int32_t no_init;       /* 1: no data-dependent initialisation before the first epoch */
    int64_t progress_steps; /* also report every this many steps; 0: epochs only */
    nf_progress_fn progress; /* called on the calling thread */
    void *progress_user;
    const char *checkpoint;   /* path: replaced every checkpoint_epochs epochs and at the end; the one before is kept
                               * as path + ".previous" */
    int64_t checkpoint_epochs; /* default 10 */
    const char *resume;       /* path of a checkpoint to go on from, with the same flow, optimizer type, rows, batch, seed (else
                                 NF_ERR_FORMAT, NF_ERR_STATE), objective and pairing: ends in the bits of a run that was not stopped */
    int32_t objective;     /* NF_OBJECTIVE_..., default likelihood */
    int32_t pairing;       /* NF_PAIRING_..., default straight; of flow matching */
} nf_fit_config;
#define NF_FIT_CONFIG_INIT { .struct_size = sizeof(nf_fit_config) }
NF_API void nf_fit_config_init(nf_fit_config *config);

/** What a fit did. */
typedef struct nf_fit_report {
    uint32_t struct_size; /* sizeof, or 0 */
    int32_t stopped;      /* 0: all epochs done, 1: early stopping, 2: callback or cancel, 3: diverged */
    int64_t epochs, steps, skipped, rollbacks; /* steps: applied; skipped: not finite; rollbacks: returns to good weights */
    int64_t best_epoch;   /* from 1; 0: none was finished */
    double train_nll;     /* mean NLL, nats a row, of the resulting weights over the training set, whatever the objective */
    double valid_nll;     /* the same over the validation set; NaN without one. NaN, too, of a cancelled run of flow matching */
    double seconds;
    double *curve_train;  /* in: arrays [curve_capacity] or NULL; out: one loss of the objective an epoch of this run */
    double *curve_valid;
    int64_t curve_capacity;
    int64_t curve_count;
    double train_bits, valid_bits; /* train_nll and valid_nll in bits per dimension */
} nf_fit_report;

/**
 * Fits by maximum likelihood, or as config->objective says. valid, config and report may be NULL. Data of the other precision are converted; weights of the
 * datasets count; a flow with cond_dim needs datasets with as many conditioning columns, one without ignores them.
 *
 * Layers that want data are initialised first, from the first rows of the shuffle: 256, or if more min(4 dim, 2^18 / dim). A step whose loss or gradient
 * is not finite is not applied; after three in a row the weights and moments return to the last good ones and the learning rate
 * is halved; after five returns the run has diverged. The optimizer keeps its moments and its own learning rate; the gradient
 * block is zeroed.
 *
 * NF_OBJECTIVE_FLOW_MATCHING (docs/continuous-flows.md) is for flows whose last layer is continuous, and no other. It alone is trained,
 * but for its end time; the other parameters do not move, whatever decay and moments. Noise and times follow from flow seed, row number
 * and epoch; in validation the epoch is a fixed one, so that its losses compare, and rows are joined in batches in the order of the set.
 * NF_PAIRING_TRANSPORT ignores weights, costs up to the third power of the batch in time and 8 bytes times its square in memory.
 * NF_ERR_ARG, the line naming the layer: no continuous layer, several, or one that is not the last; transport with conditioning columns
 * (noise would tell them), with a batch of more than 4096 rows, or with NF_OBJECTIVE_LIKELIHOOD.
 *
 * NF_OK; NF_STOPPED (callback or nf_context_cancel; the best weights so far); NF_ERR_DIVERGED (the best, or the last good ones;
 * the line names epoch, batch and reason): report is filled.
 * NF_ERR_NONFINITE (row and column of the data), NF_ERR_DEGENERATE (a column does not vary), NF_ERR_SHAPE, NF_ERR_DTYPE,
 * NF_ERR_ARG, NF_ERR_CONFIG_*, NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_BUSY, and resume's NF_ERR_IO, NF_ERR_FORMAT, NF_ERR_CORRUPT,
 * NF_ERR_STATE:
 * found before the first step, flow unchanged. Later failures (NF_ERR_MEMORY, NF_ERR_DOMAIN, NF_ERR_CALLBACK, NF_ERR_IO of the
 * last checkpoint) leave the best weights so far. A checkpoint that cannot be written in between is a warning in the log.
 *
 * Exclusive on flow and optimizer, shared-read on the data. Allocates before the first step: at most six copies of the
 * parameters, the optimizer's moments, 8 bytes a row, one batch (flow matching: three, and what transport takes). The same seeds give the same weights for any number of threads.
 */
NF_API nf_status nf_flow_fit(nf_flow *flow, nf_optimizer *optimizer, const nf_dataset *train, const nf_dataset *valid,
                             const nf_fit_config *config, nf_fit_report *report);
/**
 * Mean NLL of a dataset under a flow, -sum w log p / sum w; rows of weight 0 do not count. NF_ROWS_NONFINITE: a row is not
 * finite, and the mean is not either. NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_SHAPE (columns), NF_ERR_CANCELLED, ...: *mean_nll is
 * NaN. Shared-read; allocates up to 4096 rows for the call.
 */
NF_API nf_status nf_flow_mean_nll(const nf_flow *flow, const nf_dataset *data, double *mean_nll);

NF_END_DECLS
#endif
