/* SPDX-License-Identifier: MIT
 *
 * flow.h - flows: exact densities and exact samples
 *
 *   log p(x) = log p_base(f(x)) + log|det df/dx|,   f = layers in order, x -> z
 *
 * Arrays are row-major: x, z [n][dim]; cond [n][cond_dim], NULL for an unconditional flow; log_prob, log_det [n] in
 * double. They are borrowed for the call, need no alignment, and outputs must not overlap inputs (NF_ERR_ALIAS). n = 0 succeeds
 * doing nothing. A flow of NF_F32 takes the calls with float, one of NF_F64 those named _f64; the other ones return
 * NF_ERR_DTYPE. Row i of every result has the same bits whatever the batch, the threads and the neighbours.
 * For errors and rows with NaN see nflow/status.h.
 */
#ifndef NFLOW_FLOW_H
#define NFLOW_FLOW_H

#include <nflow/base.h>
#include <nflow/layer.h>

NF_BEGIN_DECLS

/**
 * A flow: a chain of layers over a base, and one flat block of parameters.
 * Threads: shared-read: calls on a const flow run from any number of threads at once, without a lock. Calls on a flow that is
 * not const are exclusive; a second one at the same time returns NF_ERR_BUSY.
 * Lifetime: reference counted; holds its own references to context, layers and base. Since 0.1
 */
typedef struct nf_flow nf_flow;

typedef struct nf_flow_config {
    uint32_t struct_size;
    int32_t dtype; /* NF_F32 (default) or NF_F64 */
    uint64_t seed; /* of the initial weights and of the layers' noise */
} nf_flow_config;
#define NF_FLOW_CONFIG_INIT { .struct_size = sizeof(nf_flow_config) }
NF_API void nf_flow_config_init(nf_flow_config *config);

/**
 * Composes a flow; layers[0] is next to the data. config may be NULL. Layers' dims must chain and end in the base's dim
 * (factored-out columns included). Takes references, leaves the caller's. n_layers = 0 is allowed.
 * NF_ERR_NULL, NF_ERR_SHAPE (layer, its dim, expected), NF_ERR_DTYPE, NF_ERR_LIMIT, NF_ERR_OVERFLOW, NF_ERR_MEMORY.
 */
NF_API nf_status nf_flow_create(nf_flow **out, nf_context *context, const nf_flow_config *config, nf_base *base,
                                nf_layer *const *layers, int64_t n_layers);

enum { NF_PRESET_DEFAULT = 1, NF_PRESET_BOOK = 2 };

/**
 * RealNVP: [standardise] then n_layers times ([actnorm], coupling), couplings alternating which columns they transform.
 * preset "book": 6 couplings, separate s and t networks of 4 x 256 ReLU, tanh on s (bound 1), random last layers, Glorot.
 * preset "default": 12 couplings, one network of 2 x 64 ReLU each, spread weights, bound 2, actnorm.
 */
typedef struct nf_realnvp_config {
    uint32_t struct_size;
    int32_t preset;     /* NF_PRESET_..., default "default"; the other fields override it */
    int64_t dim;        /* required; >= 2, or >= 1 with cond_dim > 0 */
    int64_t cond_dim;
    int64_t layers;     /* number of couplings */
    const int64_t *hidden; /* widths of the hidden layers */
    int64_t n_hidden;
    int32_t activation; /* NF_ACTIVATION_... */
    int32_t mask;       /* NF_MASK_ALTERNATING or NF_MASK_HALF */
    int32_t scale;      /* NF_SCALE_... */
    int32_t separate;   /* 1: yes, 2: no */
    int32_t actnorm;    /* 1: yes, 2: no */
    int32_t dtype;      /* NF_F32 or NF_F64 */
    int32_t weights;    /* NF_WEIGHTS_... */
    int32_t reserved;
    double bound;
    uint64_t seed;
    const double *mean; /* [dim]: with sd, a standardise layer comes first */
    int64_t n_mean;
    const double *sd;
    int64_t n_sd;
} nf_realnvp_config;
#define NF_REALNVP_CONFIG_INIT { .struct_size = sizeof(nf_realnvp_config) }
NF_API void nf_realnvp_config_init(nf_realnvp_config *config);
NF_API nf_status nf_flow_create_realnvp(nf_flow **out, nf_context *context, const nf_realnvp_config *config);

NF_API nf_flow *nf_flow_ref(nf_flow *flow);
NF_API void nf_flow_unref(nf_flow *flow);
NF_API int64_t nf_flow_dim(const nf_flow *flow);
NF_API int64_t nf_flow_cond_dim(const nf_flow *flow);
NF_API int32_t nf_flow_dtype(const nf_flow *flow);
NF_API int64_t nf_flow_layers(const nf_flow *flow);
NF_API nf_layer *nf_flow_layer(const nf_flow *flow, int64_t index); /* borrowed */
NF_API nf_base *nf_flow_base(const nf_flow *flow);                  /* borrowed */
NF_API int64_t nf_flow_param_count(const nf_flow *flow);

/** log p(x) of each row, nats, in the user's units. Allocates nothing after the first call of a size (nf_flow_reserve). */
NF_API nf_status nf_flow_log_prob(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob);
NF_API nf_status nf_flow_log_prob_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob);

/**
 * Samples first .. first + n - 1 of the endless sequence that `seed` names: sample i is the same whether drawn alone or in a million.
 * temperature > 0 multiplies the latent (1 is the model itself); log_prob (may be NULL) is the model's log density at x.
 */
NF_API nf_status nf_flow_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const float *cond,
                                double temperature, float *x, double *log_prob);
NF_API nf_status nf_flow_sample_f64(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                                    double temperature, double *x, double *log_prob);

/** z = f(x), log_det = log|det dz/dx| (may be NULL); and x = f^-1(z), log_det = log|det dx/dz|. z columns: see layer_type.h. */
NF_API nf_status nf_flow_forward(const nf_flow *flow, int64_t n, const float *x, const float *cond, float *z, double *log_det);
NF_API nf_status nf_flow_forward_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *z, double *log_det);
NF_API nf_status nf_flow_inverse(const nf_flow *flow, int64_t n, const float *z, const float *cond, float *x, double *log_det);
NF_API nf_status nf_flow_inverse_f64(const nf_flow *flow, int64_t n, const double *z, const double *cond, double *x, double *log_det);

/** Score: grad_x [n][dim] = d log p(x) / dx, and log_prob (may be NULL). */
NF_API nf_status nf_flow_score(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob, float *grad_x);
NF_API nf_status nf_flow_score_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob, double *grad_x);

/**
 * Mean negative log-likelihood (nats a row) and its gradient, *added* to the flow's gradient block; weights [n] in _weighted calls
 * (NULL: all 1; the mean is sum w nll / sum w). A row that is not finite contributes nothing to the gradient, and *mean_nll is then NaN
 * (NF_ROWS_NONFINITE). A failure met after the arguments were found right (NF_ERR_MEMORY, NF_ERR_CANCELLED, NF_ERR_CALLBACK and what layers
 * answer) leaves the gradient block zero. Exclusive. The same bits for any number of threads.
 */
NF_API nf_status nf_flow_nll_grad(nf_flow *flow, int64_t n, const float *x, const float *cond, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_weighted(nf_flow *flow, int64_t n, const float *x, const float *cond, const double *weights, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_weighted_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, const double *weights, double *mean_nll);

/**
 * The flat parameter block and the gradient block, [count] each, alive as long as the flow; any of the three may be NULL.
 * After writing theta call nf_flow_update before a const call (nf_flow_nll_grad and nf_optimizer_step see to it themselves).
 */
NF_API nf_status nf_flow_params(nf_flow *flow, float **theta, float **grad, int64_t *count);
NF_API nf_status nf_flow_params_f64(nf_flow *flow, double **theta, double **grad, int64_t *count);
NF_API nf_status nf_flow_update(nf_flow *flow);   /* exclusive */
NF_API nf_status nf_flow_zero_grad(nf_flow *flow); /* exclusive */
/** Copies: count must be nf_flow_param_count (NF_ERR_SHAPE); values finite (NF_ERR_NONFINITE, flow unchanged). set is exclusive. */
NF_API nf_status nf_flow_get_params(const nf_flow *flow, int64_t count, double *theta);
NF_API nf_status nf_flow_set_params(nf_flow *flow, int64_t count, const double *theta);

/** A named view of the flat block, for tables and transfer. */
typedef struct nf_param_view {
    uint32_t struct_size;
    int32_t properties; /* NF_PARAM_... of nflow/layer_type.h */
    char name[96];      /* "layers.3.net.0.weight", "base.mean" */
    int64_t offset;     /* elements from the start of the block */
    int64_t count;
    int32_t rank;
    int32_t reserved;
    int64_t shape[4];
} nf_param_view;
NF_API nf_status nf_flow_param(const nf_flow *flow, int64_t index, nf_param_view *out); /* NF_ERR_ARG past the last */

/** Data-dependent initialisation of layers that want it and have not had it, front to back. n >= 2. Exclusive.
 * NF_ERR_DEGENERATE names layer and column; the flow is unchanged then. */
NF_API nf_status nf_flow_init_data(nf_flow *flow, int64_t n, const float *x, const float *cond);
NF_API nf_status nf_flow_init_data_f64(nf_flow *flow, int64_t n, const double *x, const double *cond);

/** Prepares memory for calls of up to n rows (gradient = 1: nf_flow_nll_grad and nf_flow_score too), so that they allocate nothing. */
NF_API nf_status nf_flow_reserve(const nf_flow *flow, int64_t n, int32_t gradient);

/** A copy with the other (or the same) precision. */
NF_API nf_status nf_flow_convert(nf_flow **out, const nf_flow *flow, int32_t dtype);

/** What a flow is, in figures. */
typedef struct nf_flow_info_report {
    uint32_t struct_size;
    int32_t dtype;
    int64_t dim, cond_dim, layers, params, trainable;
    int64_t bytes_params, bytes_packed;
    int64_t saved_bytes_row;   /* kept per row in training */
    double gflop_row;          /* matrix products of one log_prob row: 2 x weights, in 1e9 */
} nf_flow_info_report;
NF_API nf_status nf_flow_info(const nf_flow *flow, nf_flow_info_report *report);

/**
 * Checks a flow on the caller's own rows: the round trip, the log-det against a dense Jacobian, gradients against central
 * differences. n rows of x (at most 64 are used for the Jacobian and the gradients).
 */
typedef struct nf_check_report {
    uint32_t struct_size;
    int32_t passed;             /* 1: all within the bounds of the flow's precision */
    double round_trip_max;      /* max |x - inverse(forward(x))| */
    double round_trip_p99;
    double log_det_sum_max;     /* max |log_det(forward) + log_det(inverse)| */
    double log_det_error_max;   /* against the dense Jacobian by central differences, max(1, |.|) relative; NaN: dim > 64 */
    double grad_x_error_max;    /* relative to the largest entry */
    double grad_theta_error_max;
    int64_t worst_layer;        /* layer with the largest round-trip error of its own, -1: none */
    int64_t rows_nonfinite;
    int32_t not_invertible;     /* 1: the round trip fails its bound */
    int32_t reserved;
} nf_check_report;
NF_API nf_status nf_flow_check(const nf_flow *flow, int64_t n, const float *x, const float *cond, nf_check_report *report);
NF_API nf_status nf_flow_check_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, nf_check_report *report);

NF_END_DECLS
#endif
