/* SPDX-License-Identifier: MIT
 *
 * flow.h - flows: exact densities and exact samples
 *
 *   log p(x) = log p_base(f(x)) + log|det df/dx|,   f = layers in order, x -> z
 *
 * Arrays are row-major: x, z, grad_x [n][dim]; cond [n][cond_dim], NULL for an unconditional flow; log_prob, log_det [n] in
 * double. They are borrowed for the call, need no alignment, and outputs must overlap neither inputs nor each other. n = 0
 * succeeds doing nothing. A flow of NF_F32 takes the calls with float, one of NF_F64 those named _f64.
 *
 * Computing calls answer, besides what stands at them: NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_DTYPE (the other precision's call),
 * NF_ERR_SHAPE (n < 0; cond given or missing against cond_dim), NF_ERR_OVERFLOW, NF_ERR_ALIAS, NF_ERR_BUSY (exclusive calls):
 * nothing is changed, outputs included. NF_ROWS_NONFINITE, and failures found while computing (NF_ERR_DOMAIN,
 * NF_ERR_NOT_INVERTIBLE, NF_ERR_CANCELLED, NF_ERR_CALLBACK, NF_ERR_MEMORY ...; the line names layer and row): see nflow/status.h.
 *
 * Row i of every result has the same bits whatever the batch, the threads and the neighbours (with the native back end: see
 * docs/threads-and-determinism.md). Computing calls allocate work space at the first call of a size and keep it in the flow;
 * after that, or after nf_flow_reserve, evaluating allocates nothing. Everything here since 0.1
 */
#ifndef NFLOW_FLOW_H
#define NFLOW_FLOW_H

#include <nflow/base.h>
#include <nflow/coupling.h>

NF_BEGIN_DECLS

/**
 * A flow: a chain of layers over a base, and one flat block of parameters.
 * Threads: shared-read: calls on a const flow run from any number of threads at once, without a lock. Calls on a flow that is not
 * const are exclusive: a second exclusive one at the same time returns NF_ERR_BUSY; that no const call runs meanwhile is the
 * caller's part.
 * Lifetime: reference counted; holds its own references to context, layers and base.
 */
typedef struct nf_flow nf_flow;

/**
 * How to compose a flow.
 *
 * Conditions may pass through a stage before layers and base see them: standardised, s = (cond - mean) / sd, and then embedded by one network
 * that all of them share, e = net(s), trained with the rest; a multilayer perceptron whose last layer is linear. Calls take raw conditions,
 * [n][cond_dim], all the same; layers and base have cond_dim columns, with an embedding embed_dim. Parameters: condition.mean, condition.sd
 * [cond_dim], frozen; condition.net.<l>.weight [in][out], condition.net.<l>.bias [out]. Without these fields conditions are seen as they are.
 */
typedef struct nf_flow_config {
    uint32_t struct_size;
    int32_t dtype; /* NF_F32 (default) or NF_F64 */
    uint64_t seed; /* of the initial weights and of the layers' noise; each place draws from a stream of its own */
    int64_t cond_dim;        /* conditioning columns of calls; default: as many as cond_mean or cond_sd have, or else as layers want */
    const double *cond_mean; /* [cond_dim]: conditions are standardised; one without the other: sd 1, or mean 0 */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden; /* widths of the embedding's hidden layers, at most 65536; default 32, 32. {0}: none */
    int64_t n_embed_hidden;
    int64_t embed_dim;        /* columns of the embedding; 0: none */
    int32_t embed_activation; /* NF_ACTIVATION_..., default silu */
    int32_t cond_standardise; /* 1: conditions are standardised, by mean 0 and sd 1 unless given */
} nf_flow_config;
#define NF_FLOW_CONFIG_INIT { .struct_size = sizeof(nf_flow_config) }
NF_API void nf_flow_config_init(nf_flow_config *config);

/**
 * Composes a flow of layers over a base; layers[0] is next to the data. config may be NULL. Each layer's dim must be the number
 * of columns that reach it: the base's dim, less what layers before it factored out; layers that condition must agree on
 * cond_dim, which is embed_dim where there is an embedding. Takes references, leaves the caller's. n_layers = 0 is allowed: the flow is its base.
 * NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_SHAPE (layer, its dim, expected; of conditions: arrays of other lengths, columns that no layer has),
 * NF_ERR_DTYPE (a layer lacks this precision), NF_ERR_LIMIT (max_layers, max_elements, max_dim), NF_ERR_OVERFLOW, NF_ERR_CONFIG_*, NF_ERR_MEMORY: *out NULL.
 */
NF_API nf_status nf_flow_create(nf_flow **out, nf_context *context, const nf_flow_config *config, nf_base *base,
                                nf_layer *const *layers, int64_t n_layers);

enum { NF_PRESET_DEFAULT = 1, NF_PRESET_BOOK = 2 };

/**
 * RealNVP: [standardise] then `layers` times ([actnorm], coupling), over a standard normal; couplings alternate which columns
 * they transform. A field that is 0 takes its value from the preset:
 *   "default"  16 couplings, each one network of 2 x 64 tanh, spread weights, bound 2, actnorm; starts as actnorm alone
 *   "book"     6 couplings, separate s and t networks of 4 x 256 relu, glorot, tanh on s (bound 1), random last layers, no
 *              actnorm
 */
typedef struct nf_realnvp_config {
    uint32_t struct_size;
    int32_t preset;     /* NF_PRESET_..., default "default"; the other fields override it */
    int64_t dim;        /* required; >= 2, or >= 1 with cond_dim > 0 */
    int64_t cond_dim;
    int64_t layers;     /* number of couplings, at most 1024 */
    const int64_t *hidden; /* widths of the hidden layers, as in nf_coupling_affine_config */
    int64_t n_hidden;
    int32_t activation; /* NF_ACTIVATION_... */
    int32_t mask;       /* NF_MASK_ALTERNATING (default) or NF_MASK_HALF */
    int32_t scale;      /* NF_SCALE_..., default tanh */
    int32_t separate;   /* 1: yes, 2: no */
    int32_t actnorm;    /* 1: yes, 2: no */
    int32_t dtype;      /* NF_F32 (default) or NF_F64 */
    int32_t weights;    /* NF_WEIGHTS_... */
    int32_t reserved;
    double bound;       /* of the log-scale; forms other than tanh: the coupling's default */
    uint64_t seed;
    const double *mean; /* [dim]: with sd, a standardise layer comes first; one without the other: sd 1, or mean 0 */
    int64_t n_mean;
    const double *sd;
    int64_t n_sd;
    const double *cond_mean; /* [cond_dim]; this and what follows: as in nf_flow_config */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden;
    int64_t n_embed_hidden;
    int64_t embed_dim;
    int32_t embed_activation;
    int32_t cond_standardise;
} nf_realnvp_config;
#define NF_REALNVP_CONFIG_INIT { .struct_size = sizeof(nf_realnvp_config) }
NF_API void nf_realnvp_config_init(nf_realnvp_config *config);
/** Creates a RealNVP flow. Answers as nf_flow_create; config is required. NF_ERR_ARG and NF_ERR_SHAPE name the field. */
NF_API nf_status nf_flow_create_realnvp(nf_flow **out, nf_context *context, const nf_realnvp_config *config);

/**
 * GLOW on images [height][width][channels], rows in height-width-channel order: dequantise [, logit], then per level squeeze 2x2,
 * `steps` times (actnorm per channel, invertible 1x1 convolution, coupling by a convolutional network 3x3 - 1x1 - 3x3), and, but
 * at the last level, a split that factors half the channels out under a normal distribution learned from the other half; the last
 * level ends in a learned normal of each channel.
 *
 * log p is that of the integers: the dequantised density's lower bound on log P(x), in nats. z holds the whitened latent of every
 * level: that of the last level first, the first split's last.
 * height and width must be multiples of 2^levels.
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
typedef struct nf_glow_config {
    uint32_t struct_size;
    int32_t coupling;  /* NF_GLOW_AFFINE (default; better likelihood) or NF_GLOW_ADDITIVE (better conditioned, for deep flows) */
    int64_t height, width, channels; /* required */
    int64_t levels;    /* default 0: as many as height and width allow, at most 3 */
    int64_t steps;     /* of each level, default 8 */
    int64_t hidden;    /* channels of the networks' hidden layers, default 128 */
    int64_t cond_dim;  /* conditioning columns: all networks see them */
    int32_t bits;      /* of a pixel's values: default 8; fewer drop the lowest bits of 8; 17 (NF_GLOW_REAL): x is real, no dequantise */
    int32_t noise;     /* NF_NOISE_...: of evaluation */
    int32_t linear;    /* NF_LINEAR_PLU (default) or NF_LINEAR_PLAIN */
    int32_t dtype;     /* NF_F32 (default) or NF_F64 */
    uint64_t seed;     /* of the initial weights and of the noise */
    double alpha;      /* > 0: a logit with this margin follows dequantise, as in RealNVP: for images with much black or white */
    const double *temperature; /* [levels], NULL: 1. Factor of a sample's temperature at each level, the one next to the data first */
    int64_t n_temperature;
    int32_t scale;     /* NF_SCALE_... of affine couplings, default tanh (bound 2); sigmoid as the paper's code */
    int32_t reserved;
    const double *cond_mean; /* [cond_dim]; this and what follows: as in nf_flow_config */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden;
    int64_t n_embed_hidden;
    int64_t embed_dim;
    int32_t embed_activation;
    int32_t cond_standardise;
} nf_glow_config;
enum { NF_GLOW_AFFINE = 1, NF_GLOW_ADDITIVE = 2 };
enum { NF_GLOW_REAL = 17 };
#define NF_GLOW_CONFIG_INIT { .struct_size = sizeof(nf_glow_config) }
NF_API void nf_glow_config_init(nf_glow_config *config);
/** Creates a GLOW flow. Answers as nf_flow_create; config is required. NF_ERR_ARG and NF_ERR_SHAPE name the field. */
NF_API nf_status nf_flow_create_glow(nf_flow **out, nf_context *context, const nf_glow_config *config);

/**
 * RealNVP on images: dequantise, logit; per scale three checkerboard couplings, squeeze, three channel couplings, and, but at the
 * last scale, half the channels factored out; the last scale has four checkerboard couplings instead. Networks are residual,
 * `hidden` channels wide at the first scale and twice as wide at each next one, with an actnorm where the paper has batch
 * normalisation (rows stay independent); each coupling ends in an actnorm.
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
typedef struct nf_realnvp_image_config {
    uint32_t struct_size;
    int32_t dtype;     /* NF_F32 (default) or NF_F64 */
    int64_t height, width, channels; /* required */
    int64_t levels;    /* scales, default 0: as many as height and width allow (each but the last halves them), at most 3 */
    int64_t hidden;    /* default 32 */
    int64_t blocks;    /* residual blocks of a network, default 2 */
    int64_t cond_dim;
    int32_t bits;      /* as in nf_glow_config, but for NF_GLOW_REAL */
    int32_t noise;     /* NF_NOISE_... */
    double alpha;      /* of the logit, default 0.05 */
    uint64_t seed;
    const double *cond_mean; /* [cond_dim]; this and what follows: as in nf_flow_config */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden;
    int64_t n_embed_hidden;
    int64_t embed_dim;
    int32_t embed_activation;
    int32_t cond_standardise;
} nf_realnvp_image_config;
#define NF_REALNVP_IMAGE_CONFIG_INIT { .struct_size = sizeof(nf_realnvp_image_config) }
NF_API void nf_realnvp_image_config_init(nf_realnvp_image_config *config);
/** Creates a RealNVP flow of images. Answers as nf_flow_create; config is required. NF_ERR_ARG and NF_ERR_SHAPE name the field.
 * */
NF_API nf_status nf_flow_create_realnvp_image(nf_flow **out, nf_context *context, const nf_realnvp_image_config *config);

/* Lifetime, sizes and parts of a flow; 0 or NULL for NULL. Layers and base are borrowed: take a reference to keep one. */
NF_API nf_flow *nf_flow_ref(nf_flow *flow); /* returns its argument */
NF_API void nf_flow_unref(nf_flow *flow);
NF_API int64_t nf_flow_dim(const nf_flow *flow);
NF_API int64_t nf_flow_cond_dim(const nf_flow *flow);
NF_API int32_t nf_flow_dtype(const nf_flow *flow);
NF_API int64_t nf_flow_layers(const nf_flow *flow);
NF_API nf_layer *nf_flow_layer(const nf_flow *flow, int64_t index); /* NULL past the last */
NF_API nf_base *nf_flow_base(const nf_flow *flow);
NF_API int64_t nf_flow_param_count(const nf_flow *flow);

/** log p(x) of each row, in nats and in the user's units of x: layers that rescale count their log-determinants. */
NF_API nf_status nf_flow_log_prob(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob);
NF_API nf_status nf_flow_log_prob_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob);

/**
 * Samples first .. first + n - 1 of the endless sequence that `seed` names: sample i has the same bits whether drawn alone or in
 * a million. Row k of cond conditions sample first + k.
 *
 * temperature  > 0, finite: multiplies the latent (1 is the model itself)
 * log_prob     NULL, or the model's own log density at x, whatever the temperature
 * NF_ERR_ARG (first < 0 or out of range, temperature): nothing is changed.
 */
NF_API nf_status nf_flow_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const float *cond,
                                double temperature, float *x, double *log_prob);
NF_API nf_status nf_flow_sample_f64(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                                    double temperature, double *x, double *log_prob);

/**
 * Both directions: z = f(x) with log_det = log|det dz/dx|, and x = f^-1(z) with log_det = log|det dx/dz|; log_det may be NULL.
 * Columns that a layer factors out stand in z where they left: see nflow/layer_type.h.
 */
NF_API nf_status nf_flow_forward(const nf_flow *flow, int64_t n, const float *x, const float *cond, float *z, double *log_det);
NF_API nf_status nf_flow_forward_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *z, double *log_det);
NF_API nf_status nf_flow_inverse(const nf_flow *flow, int64_t n, const float *z, const float *cond, float *x, double *log_det);
NF_API nf_status nf_flow_inverse_f64(const nf_flow *flow, int64_t n, const double *z, const double *cond, double *x, double *log_det);

/** The score: grad_x = d log p(x) / dx, and log_prob (may be NULL). A row outside a uniform base's support has
 * log_prob -inf, as in nf_flow_log_prob, and grad_x NaN. */
NF_API nf_status nf_flow_score(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob, float *grad_x);
NF_API nf_status nf_flow_score_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob, double *grad_x);

/**
 * The loss and its gradient: mean negative log-likelihood (nats a row), and dL / dtheta, *added* to the flow's gradient block,
 *   L = -sum w_i log p(x_i) / sum w_i
 * with the weights of the _weighted calls, [n], finite (else NF_ERR_NONFINITE), >= 0, not all 0 (else NF_ERR_ARG); NULL: all 1.
 * mean_nll may be NULL. A row with NaN or Inf, or without a finite density (outside a uniform base), contributes nothing
 * to the gradient, *mean_nll is then NaN, and the call returns NF_ROWS_NONFINITE; in a strict context NF_ERR_NONFINITE. A row that has a
 * density but that a layer gives up on the way back (NF_GRADIENT_ADJOINT) is told likewise, and the gradient holds NaN. A failure
 * found while computing leaves the gradient block zeroed.
 * Exclusive. The same bits for any number of threads. Allocates gradient buffers, up to 7 times the block, at the first call
 * that needs them; the flow keeps them: nf_flow_step_memory tells. (For rows of a table n >= 64: 1, >= 512: 3, >= 2048: 7; an image
 * counts for up to 16 rows.)
 */
NF_API nf_status nf_flow_nll_grad(nf_flow *flow, int64_t n, const float *x, const float *cond, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_weighted(nf_flow *flow, int64_t n, const float *x, const float *cond, const double *weights, double *mean_nll);
NF_API nf_status nf_flow_nll_grad_weighted_f64(nf_flow *flow, int64_t n, const double *x, const double *cond, const double *weights, double *mean_nll);

/**
 * The flat parameter block and the gradient block: [count] each, alive as long as the flow; any of the three may be NULL. The
 * caller may read and write them while no other call on the flow runs. After writing theta call nf_flow_update before a const
 * call (nf_flow_nll_grad and nf_optimizer_step see to it themselves). NF_ERR_DTYPE, NF_ERR_BUSY: outputs untouched.
 */
NF_API nf_status nf_flow_params(nf_flow *flow, float **theta, float **grad, int64_t *count);
NF_API nf_status nf_flow_params_f64(nf_flow *flow, double **theta, double **grad, int64_t *count);
NF_API nf_status nf_flow_update(nf_flow *flow);    /* brings packed copies of the weights up to date; exclusive */
NF_API nf_status nf_flow_zero_grad(nf_flow *flow); /* exclusive */
/**
 * Copies the parameters out, or in, as double whatever the flow's precision. count must be nf_flow_param_count (NF_ERR_SHAPE);
 * values finite (NF_ERR_NONFINITE): the flow is unchanged otherwise. get is shared-read, set exclusive; set needs no
 * nf_flow_update.
 */
NF_API nf_status nf_flow_get_params(const nf_flow *flow, int64_t count, double *theta);
NF_API nf_status nf_flow_set_params(nf_flow *flow, int64_t count, const double *theta);

/** A named view of the flat block, for tables and transfer. */
typedef struct nf_param_view {
    uint32_t struct_size;
    int32_t properties; /* NF_PARAM_... of nflow/layer_type.h */
    char name[96];      /* "layers.3.net.0.weight", "condition.sd", "base.mean" */
    int64_t offset;     /* elements from the start of the block */
    int64_t count;
    int32_t rank;
    int32_t reserved;
    int64_t shape[4];
} nf_param_view;
/** A named view of the flat block: number `index`, layers first, then the conditions' stage, then the base; views are contiguous and cover the block.
 * NF_ERR_ARG past the last. Shared-read. */
NF_API nf_status nf_flow_param(const nf_flow *flow, int64_t index, nf_param_view *out);

/**
 * Data-dependent initialisation: of layers that want it and have not had it (actnorm), front to back, each sees the rows as the
 * layers before it, already initialised, map them. n >= 2 (NF_ERR_SHAPE). nf_flow_fit does it by itself.
 * NF_ERR_DEGENERATE (layer and column), NF_ERR_NONFINITE (row and column of x or cond), NF_ERR_MEMORY: the flow is unchanged. Exclusive.
 */
NF_API nf_status nf_flow_init_data(nf_flow *flow, int64_t n, const float *x, const float *cond);
NF_API nf_status nf_flow_init_data_f64(nf_flow *flow, int64_t n, const double *x, const double *cond);

/**
 * Prepares work space for calls of up to n rows: on the context's threads, so that evaluating allocates nothing from the first
 * call on; gradient = 1: for nf_flow_score and nf_flow_nll_grad too, exclusive then (NF_ERR_BUSY).
 * NF_ERR_SHAPE (n < 0), NF_ERR_MEMORY. Shared-read.
 */
NF_API nf_status nf_flow_reserve(const nf_flow *flow, int64_t n, int32_t gradient);

/**
 * A copy with the other (or the same) precision, initialised layers included; to float, values are rounded. NF_ERR_ARG (dtype),
 * NF_ERR_DTYPE (a layer lacks it), NF_ERR_MEMORY: *out NULL. Shared-read.
 */
NF_API nf_status nf_flow_convert(nf_flow **out, const nf_flow *flow, int32_t dtype);

/** What a flow is, in figures. */
typedef struct nf_flow_info_report {
    uint32_t struct_size;
    int32_t dtype;
    int64_t dim, cond_dim, layers, params, trainable;
    int64_t bytes_params, bytes_packed;
    int64_t saved_bytes_row;   /* kept per row in training */
    double gflop_row;          /* matrix products of one log_prob row, in 1e9: 2 x weights that are multiplied */
} nf_flow_info_report;
/** Sizes of a flow, and the work of a row. Overwrites *report. Shared-read, allocates nothing. */
NF_API nf_status nf_flow_info(const nf_flow *flow, nf_flow_info_report *report);

/** Bytes that nf_flow_nll_grad takes for a batch, by what they are for; nf_flow_fit takes the optimizer's moments and copies of the
 * parameters besides. */
typedef struct nf_step_memory_report {
    uint32_t struct_size;
    int32_t recompute;   /* 1: hidden activations do not fit the context's memory_budget: each layer's are computed again in backward */
    int64_t workers;     /* that work at once, each with inputs, hidden and scratch of its own */
    int64_t block_rows;  /* rows that a worker takes at once */
    int64_t params;      /* the weights and their packed copies */
    int64_t gradients;
    int64_t inputs;      /* of every layer: kept always, so that backward never reconstructs them */
    int64_t hidden;      /* what layers keep for backward beside them */
    int64_t scratch;
    int64_t total;
} nf_step_memory_report;
/** What a training step of n rows will take of memory. NF_ERR_SHAPE (n < 1), NF_ERR_OVERFLOW: *report is untouched.
 * Shared-read, allocates nothing. */
NF_API nf_status nf_flow_step_memory(const nf_flow *flow, int64_t n, nf_step_memory_report *report);

/**
 * The images that the flow's rows are: the height, width and channels of the first layer whose config has such fields and whose
 * rows have as many columns as the flow's. All 0: the flow is not one of images, or no layer tells.
 * NF_ERR_NULL, NF_ERR_HANDLE: outputs untouched. Shared-read, allocates nothing.
 */
NF_API nf_status nf_flow_image_shape(const nf_flow *flow, int64_t *height, int64_t *width, int64_t *channels);

/**
 * Checks a flow on the caller's own rows, n >= 1: the round trip of all of them in the flow's precision; on a copy in double, and
 * at most the first 64 finite rows, the log-determinant against a dense Jacobian, and gradients against central differences (step
 * 1e-5; smaller ones where that finds an error, for kinks of ReLU) of the training loss, by the noise that the gradient has, and without what
 * layers add to it besides log p. Bounds of `passed`, f32 / f64: round trip 1e-3 / 1e-10 at most and 1e-4 / 1e-10 for 99 rows in 100, in the
 * units of x or, where that is more than 1, in the column's standard deviation over these rows;
 * log_det_sum 1e-3 / 1e-9; log_det_error 1e-5 / 1e-6; gradients 1e-4 / 1e-5; no row that is not finite. Where a layer's inverse is solved for: round
 * trip 1e-2 and 1e-3, log_det_sum 1e-2, by the flow's own tolerances; the differences, of solves more precise than those, as in f32.
 */
typedef struct nf_check_report {
    uint32_t struct_size;
    int32_t passed;             /* 1: all within the bounds of the flow's precision */
    double round_trip_max;      /* max |x - inverse(forward(x))| / max(1, sd of the column); another turn of a circle is no error */
    double round_trip_p99;
    double log_det_sum_max;     /* max |log_det(forward) + log_det(inverse)| */
    double log_det_error_max;   /* against the dense Jacobian by central differences, max(1, |.|) relative; NaN: dim > 64. All
                                 * three errors are NaN when a layer has no f64 */
    double grad_x_error_max;    /* relative to the largest entry */
    double grad_theta_error_max;
    int64_t worst_layer;        /* layer with the largest round-trip error of its own, -1: none */
    int64_t rows_nonfinite;
    int32_t not_invertible;     /* 1: the round trip fails its bound */
    int32_t reserved;
} nf_check_report;
/** Tests a flow on rows of one's own. NF_OK when the check could be made, whatever it found: read report->passed. NF_ERR_SHAPE
 * (n < 1), NF_ERR_MEMORY: *report untouched. Allocates for the call. Shared-read. */
NF_API nf_status nf_flow_check(const nf_flow *flow, int64_t n, const float *x, const float *cond, nf_check_report *report);
NF_API nf_status nf_flow_check_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, nf_check_report *report);

NF_END_DECLS
#endif
