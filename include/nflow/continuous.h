/* SPDX-License-Identifier: MIT
 *
 * continuous.h - continuous flows: a layer that solves an ordinary differential equation, FFJORD made of it, what its solves cost
 *
 *   dy/dt = f(y, t, c),  y(0) = x,  y(T) = z;      log p(x) = log p_base(z) + integral over [0, T] of tr(df/dy) dt
 *
 * The layer is one like those of nflow/layer.h, the flow one like those of nflow/flow.h; errors are theirs. docs/continuous-flows.md
 * says what to choose. Everything here since 0.1
 */
#ifndef NFLOW_CONTINUOUS_H
#define NFLOW_CONTINUOUS_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/* Integrators. */
enum {
    NF_ODE_DOPRI5 = 1,   /* Dormand-Prince 5(4). Default */
    NF_ODE_TSIT5 = 2,    /* Tsitouras 5(4) */
    NF_ODE_BOSH3 = 3,    /* Bogacki-Shampine 3(2) */
    NF_ODE_RK4 = 4,      /* fixed steps from here on */
    NF_ODE_MIDPOINT = 5,
    NF_ODE_EULER = 6
};
/* How a network of dynamics sees the time: with a = W h + b, */
enum {
    NF_TIME_IGNORE = 1, /* a */
    NF_TIME_CONCAT = 2, /* a + w t */
    NF_TIME_SQUASH = 3  /* a sigmoid(v t + d) + w t. Default */
};
enum {
    NF_TRACE_AUTO = 1,      /* exact up to 32 columns, up to 4 in training; else Hutchinson. Default */
    NF_TRACE_EXACT = 2,
    NF_TRACE_HUTCHINSON = 3,
    NF_TRACE_HUTCHINSON_TRAIN = 4 /* in training; else exact */
};
enum { NF_PROBE_RADEMACHER = 1, NF_PROBE_GAUSSIAN = 2 };
/* What backward differentiates. */
enum {
    NF_GRADIENT_DISCRETE = 1, /* the steps that forward took: exact for what it returned. Default */
    NF_GRADIENT_ADJOINT = 2   /* the equation: the adjoint one is solved from T to 0; off by its tolerance, keeps no steps */
};

/**
 * "cnf", continuous: dy/dt = f(y, t, c) from y(0) = x to z = y(T);  log|det| = integral of tr(df/dy) dt. f is a network of dense layers;
 * or, with height, width and channels, of 3x3 convolutions over images [height][width][channels] with zeros beyond their border, where
 * `hidden` are channels and gates and times are numbers of a channel, the same at every pixel. T is trained unless end_time_fixed. Every row has time steps of its own, so that its bits do not depend on its batch; a row whose
 * solution cannot be had (too many steps, steps too small, values that are not finite) becomes NaN, and nf_last_error() tells where.
 * Hutchinson's trace is estimated from probes drawn once a solve, by the row's number in nf_flow_fit and by its bits elsewhere.
 * Gradients are those of the discrete solution, its steps held constant; a solve in training has then at most 256 steps. With
 * NF_GRADIENT_ADJOINT they are those of the equation, as exact as the tolerances, by a solve of (y, dL/dy) backwards that keeps nothing of
 * forward's: max_steps alone bounds both. A row whose adjoint solve fails makes the gradient NaN, and the call NF_ROWS_NONFINITE.
 * kinetic and jacobian add the integrals of |f|^2 and |df/dy|^2 to the loss of training, times these weights.
 * Parameters: net.<l>.weight [in][out] or [3][3][in][out], .bias [out], with concat .time [out], with concat_squash .gate, .gate_bias, .time [out]; sqrt_time,
 * the square root of T.
 * NF_ERR_ARG (an activation without a second derivative: relu, leaky_relu; a solver with fixed steps and no step); NF_ERR_ODE_TOL when a
 * flow of NF_F32 computes with rtol below 1.2e-7. Of images: NF_ERR_ARG (some of height, width and channels are 0, or cond_dim is not:
 * convolutions take no condition), NF_ERR_SHAPE (dim is not their product), NF_ERR_LIMIT (more than 2^20 numbers an image).
 * Refs: Grathwohl et al., "FFJORD", arXiv:1810.01367; Finlay et al., arXiv:2002.02798.
 */
typedef struct nf_cnf_config {
    uint32_t struct_size;
    int32_t solver;     /* NF_ODE_... */
    int64_t dim;        /* required */
    int64_t cond_dim;
    int32_t activation; /* NF_ACTIVATION_..., default tanh */
    int32_t time;       /* NF_TIME_... */
    int32_t trace;      /* NF_TRACE_... */
    int32_t probe;      /* NF_PROBE_... */
    int64_t probes;     /* of a row, averaged; default 1 */
    int32_t end_time_fixed;
    int32_t gradient;   /* NF_GRADIENT_... */
    double end_time;    /* initial, default 0.5 */
    double rtol, atol;  /* default 1e-5 each */
    double step;        /* fixed steps: their length, required; else the first one, 0: chosen */
    int64_t max_steps;  /* default 1000 */
    double kinetic, jacobian; /* default 0 */
    const int64_t *hidden; /* default 64, 64, 64; {0}: none */
    int64_t n_hidden;
    int64_t height, width, channels; /* of images, whose product is dim; all 0: rows are no images */
} nf_cnf_config;

#define NF_CNF_CONFIG_INIT { .struct_size = sizeof(nf_cnf_config) }
NF_API void nf_cnf_config_init(nf_cnf_config *config);
NF_API nf_status nf_cnf_create(nf_layer **out, nf_context *context, const nf_cnf_config *config);

enum { NF_FFJORD_TOY = 1, NF_FFJORD_TABULAR = 2, NF_FFJORD_IMAGES = 3 };

/**
 * FFJORD: [standardise] then `blocks` continuous layers over a standard normal. Of images, [height][width][channels] of whole numbers:
 * dequantise, logit, then at each level but the last `blocks` continuous layers, squeeze, `blocks` more, and split, which lets half of the
 * channels go; at the last level `blocks` layers. A field that is 0 takes its value from the preset:
 *   "toy"      one block, networks of 64, 64, 64 tanh, T = 0.5 at the start, dopri5 with rtol = atol = 1e-5, exact traces
 *   "tabular"  one block, networks of two layers of 20 dim (at most 1024) softplus, T = 1 at the start, dopri5 with rtol = 1e-6 and
 *              atol = 1e-8, traces exact up to 32 columns, up to 4 in training, and estimated beyond (NF_TRACE_AUTO)
 *   "images"   two blocks, networks of 3x3 convolutions with 64, 64, 64 channels, softplus, NF_TIME_CONCAT, T = 1 at the start, dopri5 with
 *              rtol = atol = 1e-5, NF_TRACE_AUTO. height, width and channels are required, cond_dim, mean and sd are not taken
 * Ref: Grathwohl et al., "FFJORD", arXiv:1810.01367.
 */
typedef struct nf_ffjord_config {
    uint32_t struct_size;
    int32_t preset;     /* NF_FFJORD_..., default "toy"; the other fields override it */
    int64_t dim;        /* required; of images 0, or their numbers */
    int64_t cond_dim;
    int64_t blocks;     /* continuous layers, one after the other, at most 1024 */
    const int64_t *hidden; /* as in nf_cnf_config */
    int64_t n_hidden;
    int32_t activation; /* NF_ACTIVATION_... with a second derivative */
    int32_t time;       /* NF_TIME_..., default concat_squash, of images concat */
    int32_t solver;     /* NF_ODE_... */
    int32_t trace;      /* NF_TRACE_... */
    int32_t probe;      /* NF_PROBE_..., default rademacher */
    int32_t end_time_fixed;
    int64_t probes;     /* default 1 */
    int64_t max_steps;  /* default 1000 */
    double end_time;
    double rtol, atol;
    double step;        /* as in nf_cnf_config: required by solvers with fixed steps */
    double kinetic, jacobian; /* default 0 */
    int32_t dtype;      /* NF_F32 (default) or NF_F64 */
    int32_t gradient;   /* NF_GRADIENT_..., default discrete */
    uint64_t seed;
    const double *mean; /* [dim], with sd: as in nf_realnvp_config */
    int64_t n_mean;
    const double *sd;
    int64_t n_sd;
    int64_t height, width, channels; /* of images; else 0 */
    int64_t levels;     /* of images: the sides are halved levels - 1 times; default as often as they stay whole and at least 4, at most twice */
    int32_t bits;       /* as in nf_glow_config */
    int32_t noise;      /* NF_NOISE_... */
    double alpha;       /* margin of the logit; default 1e-6, of real numbers (NF_GLOW_REAL) no logit */
    const double *cond_mean; /* [cond_dim]; this and what follows: as in nf_flow_config */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden;
    int64_t n_embed_hidden;
    int64_t embed_dim;
    int32_t embed_activation;
    int32_t cond_standardise;
} nf_ffjord_config;
#define NF_FFJORD_CONFIG_INIT { .struct_size = sizeof(nf_ffjord_config) }
NF_API void nf_ffjord_config_init(nf_ffjord_config *config);
/** Creates an FFJORD flow. Answers as nf_flow_create and nf_cnf_create; config is required. NF_ERR_ARG and NF_ERR_SHAPE name the field. */
NF_API nf_status nf_flow_create_ffjord(nf_flow **out, nf_context *context, const nf_ffjord_config *config);

/** What the continuous layers of a flow needed for some rows. A solve is one row's way through one such layer. */
typedef struct nf_solver_report {
    uint32_t struct_size;
    int32_t reserved;
    int64_t solves;
    int64_t failed;      /* of them, without a solution; what such a row meets in later layers is not counted */
    double accepted_mean, rejected_mean; /* steps of a solve, failed ones included; NaN: no solves */
    double evaluations_mean; /* of f, and of its tangents for the trace: what time is spent on */
    int64_t accepted_max, rejected_max, evaluations_max;
    /* Standard error of log p (nats) that comes from Hutchinson's probes, over rows that have a solution: with k >= 2 probes the standard
     * deviation of their own estimates by sqrt(k), of several layers the root of the sum of squares. 0: all traces are exact. NaN: an
     * estimate from one probe, whose error nothing tells; or no rows. */
    double trace_error_mean, trace_error_max;
    double *trace_error;          /* in: array or NULL; out: that of each row, NaN where it has none */
    int64_t trace_error_capacity; /* in: elements of it; the rows beyond are not told */
} nf_solver_report;
/**
 * What the solves of some rows cost: follows them as nf_flow_forward does, and counts. A row with NaN or Inf is not counted. Shared-read; the same figures for any
 * batch and any number of threads. NF_ROWS_NONFINITE: *report is written; failures, in a strict context NF_ERR_NONFINITE too: untouched.
 * n = 0, and a flow without continuous layers: solves is 0. The report is zeroed, or filled in, before the call: it says where the
 * errors of rows go; that array is written when the report is. log p has the bits of nf_flow_log_prob. Allocates n doubles for the call.
 */
NF_API nf_status nf_flow_solver_report(const nf_flow *flow, int64_t n, const float *x, const float *cond, nf_solver_report *report);
NF_API nf_status nf_flow_solver_report_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, nf_solver_report *report);

NF_END_DECLS
#endif
