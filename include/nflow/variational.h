/* SPDX-License-Identifier: MIT
 *
 * variational.h - fitting a flow to a density known up to a factor, and what the flow then says about it
 *
 *   loss = E_{x ~ q} [ log q(x) - beta log p(x) ],   p not normalised, q the flow         (reverse Kullback-Leibler divergence)
 *   ELBO = E_{x ~ q} [ log p(x) - log q(x) ] <= log Z = log of the integral of p;   weights w = p(x) / q(x):  Z = E_q w
 *
 * docs/variational.md walks through it. Everything here since 0.1
 */
#ifndef NFLOW_VARIATIONAL_H
#define NFLOW_VARIATIONAL_H

#include <nflow/dataset.h>
#include <nflow/optimizer.h>

NF_BEGIN_DECLS

/**
 * The target: log_p [n] of rows x [n][dim], up to a constant, and grad [n][dim] = d log_p / dx, NULL: not wanted. cond [n][cond_dim],
 * NULL for an unconditional flow. All in double, whatever the flow's precision; borrowed for the call. Called on the calling thread,
 * under the caller's floating-point state. -inf is "outside the support": a weight of 0 in nf_flow_importance, a bad step in training.
 * Returns NF_OK; anything else ends the call with NF_ERR_CALLBACK.
 */
typedef nf_status (*nf_log_density_fn)(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p,
                                       double *grad);

/* Which gradient of the loss. */
enum {
    NF_ESTIMATOR_PATH = 1, /* through the draws alone: no noise where q is p ("sticking the landing"). Default */
    NF_ESTIMATOR_TOTAL = 2 /* all of it, with d log q / d theta at the draws, whose mean is 0 */
};

/** What a progress callback sees, after each round. Valid during the call. */
typedef struct nf_target_progress {
    uint32_t struct_size;
    int32_t reserved;
    int64_t step, steps; /* done, of all */
    double loss;         /* mean over the round */
    double elbo;         /* the same with beta 1, of the draws of training; NaN where no step of the round was applied */
    double beta, lr, grad_norm, seconds, eta_seconds; /* of the latest step; grad_norm: before clipping */
    int64_t skipped;     /* steps not applied because not finite */
} nf_target_progress;
/* Not 0: stop. May make const calls on the flow; exclusive ones are NF_ERR_BUSY. */
typedef int32_t (*nf_target_progress_fn)(void *user, const nf_target_progress *progress);

/** How to fit to a target. */
typedef struct nf_target_config {
    uint32_t struct_size;
    int32_t estimator;     /* NF_ESTIMATOR_..., default path */
    int64_t steps;         /* default 2000 */
    int64_t batch;         /* draws a step, default 256 */
    uint64_t seed;         /* of the draws */
    double beta_start;     /* beta of the first step, default 1; less is a flatter target, whose modes are found more easily ... */
    int64_t beta_steps;    /* ... rising linearly to 1 over this many steps */
    double data_weight;    /* in [0, 1): (1 - data_weight) loss + data_weight mean NLL of a batch of `data`; default 0 */
    double clip_norm;      /* largest norm of the gradient, default 5; negative: off */
    double ema_decay;      /* moving average of the weights, the result; 0: off */
    int32_t schedule;      /* NF_SCHEDULE_CONSTANT or NF_SCHEDULE_COSINE (default, over all steps): nflow/train.h */
    int32_t no_init;       /* 1: no initialisation, from data or draws, of layers that want it */
    int64_t warmup_steps;  /* lr rises linearly over these first steps */
    double final_lr_factor; /* cosine, default 0.01 */
    int64_t round_steps;   /* steps between calls of progress, default 100 */
    int64_t report_draws;  /* of the report's nf_flow_importance, default 10000 */
    nf_target_progress_fn progress; /* called on the calling thread */
    void *progress_user;
    const char *checkpoint;    /* path: replaced every checkpoint_rounds rounds and at the end; the one before is kept as path + ".previous" */
    int64_t checkpoint_rounds; /* default 10 */
    const char *resume;        /* path of a checkpoint to go on from, with the same flow, optimizer type, rows of data, batch, seed,
                                  estimator and round_steps (else NF_ERR_FORMAT, NF_ERR_STATE): ends in the bits of a run that was not stopped */
} nf_target_config;
#define NF_TARGET_CONFIG_INIT { .struct_size = sizeof(nf_target_config) }
NF_API void nf_target_config_init(nf_target_config *config);

/** What draws and their weights say about the target. */
typedef struct nf_importance_report {
    uint32_t struct_size; /* sizeof */
    int32_t reserved;
    int64_t n;        /* draws; those outside the support count */
    double elbo;      /* mean of log w; -inf where a draw is outside the support */
    double elbo_se;   /* its standard error */
    double log_z;     /* log of the mean of w */
    double log_z_se;  /* its standard error, that of the mean of w over the mean (delta method); trust it while pareto_k is below 0.7 */
    double ess;       /* (sum w)^2 / sum w^2, in [1, n]: independent draws from p that are worth as much */
    double pareto_k;  /* shape of the weights' upper tail: below 0.5 fine, above 0.7 not to be trusted; NaN: too few draws to tell */
} nf_importance_report;

/** What a fit to a target did. The last seven are of report_draws new draws from the result. */
typedef struct nf_target_report {
    uint32_t struct_size; /* sizeof */
    int32_t stopped;      /* 0: all steps done, 2: callback or cancel, 3: diverged */
    int64_t steps, skipped, rollbacks; /* as in nf_fit_report */
    double seconds;
    int64_t draws;
    double elbo, elbo_se, log_z, log_z_se, ess, pareto_k; /* as in nf_importance_report */
} nf_target_report;

/**
 * Fits a flow to an unnormalised log density. data (NULL where data_weight is 0 and the flow has no cond_dim) are rows of p, if some are
 * known: they keep modes that draws would forget; each step takes the next batch of a shuffle. A flow with cond_dim learns q(x | c) for
 * the conditioning columns of data: draw i of a step belongs to row i of its batch. config and report may be NULL.
 *
 * The base's parameters are trained with the others: draws move with them (a mixture's logits by the score of the draws, whose loss is
 * taken less the mean of the others'). Layers that want data are initialised first, from data, or without them from 256 of the flow's
 * draws. Draw i of step s is sample s batch + i of nf_flow_sample with the seed (of base "normal" without its temperatures of groups). Steps that are not
 * finite are skipped, and answered by returns to good weights and at last NF_ERR_DIVERGED, as in nf_flow_fit; the result is the last
 * weights, or their average. The optimizer keeps its moments and its own learning rate; the gradient block is zeroed.
 *
 * A step is one batch of draws (inverse), log_density, and a forward and three backward passes. Layers without inverse_backward
 * (nflow/layer_type.h: couplings and elementwise layers have one) take dim backward passes more and at most 128 columns.
 *
 * NF_OK; NF_STOPPED (callback or nf_context_cancel); NF_ERR_DIVERGED (the last good weights; the line names step and reason).
 * NF_ERR_ARG (the line names field or layer: one without inverse, or of whole numbers), NF_ERR_SHAPE (data's
 * columns, or none where they are needed), NF_ERR_NONFINITE (data), NF_ERR_CONFIG_*, NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_BUSY,
 * NF_ERR_DTYPE (the optimizer's), NF_ERR_MEMORY, and resume's NF_ERR_IO, NF_ERR_FORMAT, NF_ERR_CORRUPT, NF_ERR_STATE: found before the
 * first step, flow unchanged. Later failures (NF_ERR_CALLBACK, NF_ERR_MEMORY, NF_ERR_NOT_INVERTIBLE, NF_ERR_IO of the last checkpoint)
 * leave the weights so far. A checkpoint that cannot be written in between is a warning in the log.
 *
 * Exclusive on flow and optimizer, shared-read on the data. Allocates before the first step, and for the report. The same seeds give
 * the same weights for any number of threads, as far as log_density answers the same.
 */
NF_API nf_status nf_flow_fit_target(nf_flow *flow, nf_optimizer *optimizer, nf_log_density_fn log_density, void *user,
                                    const nf_dataset *data, const nf_target_config *config, nf_target_report *report);
/**
 * Importance sampling of a target with a flow: draws [first, first + n) of nf_flow_sample with this seed (of base "normal" without its
 * temperatures of groups, which are none of its density), and their weights. cond
 * [cond_dim]: one condition, that of all draws; NULL for an unconditional flow. x [n][dim] and log_weight [n] = log p - log q, each may be
 * NULL; an integral of h against the normalised target is sum w h / sum w. x is in double whatever the flow's precision.
 * n >= 1. NF_ERR_SHAPE (n, cond), NF_ERR_ARG (first), NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_ALIAS (x and log_weight overlap), NF_ERR_OVERFLOW,
 * NF_ERR_CONFIG_SMALL, NF_ERR_MEMORY: outputs untouched. NF_ERR_CALLBACK, NF_ERR_NONFINITE (a draw, or log_p NaN or +inf; the line names it),
 * NF_ERR_CANCELLED and the flow's: report untouched, arrays written in part. Shared-read; allocates for the call.
 */
NF_API nf_status nf_flow_importance(const nf_flow *flow, nf_log_density_fn log_density, void *user, uint64_t seed, int64_t first, int64_t n,
                                    const double *cond, double *x, double *log_weight, nf_importance_report *report);

NF_END_DECLS
#endif
