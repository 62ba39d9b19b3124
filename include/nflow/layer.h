/* SPDX-License-Identifier: MIT
 *
 * layer.h - bijections: the parts that flows are made of
 *
 * forward maps x to z (towards the base distribution), inverse maps z to x (generates). A layer holds hyper-parameters only; the
 * weights live in the flow's one flat block. The same layer may therefore stand in several flows, or several times in one: each
 * place has weights of its own. Formulas below are those of forward; rows are [n][dim], x_j and z_j column j of a row.
 *
 * Constructors: *out is NULL after failure. NF_OK; NF_ERR_NULL (out or config), NF_ERR_ARG and NF_ERR_SHAPE (the line names the
 * field, its value and the range), NF_ERR_CONFIG_*, NF_ERR_LIMIT (the context's max_dim, max_elements), NF_ERR_MEMORY. Configs
 * and their arrays are copied. Both precisions come with every layer: the flow chooses. Everything here since 0.1
 */
#ifndef NFLOW_LAYER_H
#define NFLOW_LAYER_H

#include <nflow/context.h>

NF_BEGIN_DECLS

/** A bijection with a log-determinant, without weights. Threads: immutable. Lifetime: reference counted; holds a reference to
 * its context. */
typedef struct nf_layer nf_layer;

NF_API nf_layer *nf_layer_ref(nf_layer *layer); /* returns its argument */
NF_API void nf_layer_unref(nf_layer *layer);
NF_API int64_t nf_layer_dim(const nf_layer *layer);      /* columns in and out; 0 for NULL */
NF_API int64_t nf_layer_cond_dim(const nf_layer *layer); /* conditioning columns; 0 for none */
NF_API const char *nf_layer_type_name(const nf_layer *layer); /* alive as long as the layer; NULL for NULL */

/**
 * Creates a layer by the name of its type: built in or registered with the context (nflow/layer_type.h); config is that type's
 * config struct. Further error: NF_ERR_UNKNOWN.
 */
NF_API nf_status nf_layer_create(nf_layer **out, nf_context *context, const char *type, const void *config);

/** Name of built-in layer type `index`, static; NULL past the last. */
NF_API const char *nf_layer_type_at(int32_t index);

/* Activations of networks. Default: relu. Networks are dense layers, h_l = phi(h_{l-1} W_l + b_l), the last one without phi. */
enum {
    NF_ACTIVATION_RELU = 1,
    NF_ACTIVATION_LEAKY_RELU = 2, /* slope 0.01 */
    NF_ACTIVATION_TANH = 3,
    NF_ACTIVATION_SOFTPLUS = 4,
    NF_ACTIVATION_SILU = 5,
    NF_ACTIVATION_ELU = 6 /* alpha 1 */
};

/* Initial weights of a network's dense layers; biases start at zero, but for "spread". */
enum {
    NF_WEIGHTS_GLOROT = 1, /* uniform in +-sqrt(6 / (in + out)), the default */
    NF_WEIGHTS_HE = 2,     /* uniform in +-sqrt(6 / in) */
    NF_WEIGHTS_LECUN = 3,  /* uniform in +-sqrt(3 / in) */
    NF_WEIGHTS_SPREAD = 4  /* weights and biases uniform in +-1/sqrt(in), as PyTorch: with few inputs the bends of the
                              activations start spread out instead of all at the origin */
};

/* The log-scale s as a function of the network's output u, and its range. m is `bound`. */
enum {
    NF_SCALE_TANH = 1,       /* s = m tanh(u / m): (-m, m). Default, with m = 2 */
    NF_SCALE_SAFE = 2,       /* exp(s) = 1/2 + sigmoid(u) / 2: (1/2, 1), volume only shrinks; pair with actnorm */
    NF_SCALE_ASYMMETRIC = 3, /* s = m tanh(u / m) for u < 0, (m/10) tanh(10 u / m) for u > 0: (-m, m/10) */
    NF_SCALE_SIGMOID = 4,    /* exp(s) = sigmoid(u + 2), as GLOW: (0, 1) */
    NF_SCALE_SIGMOID_EPS = 5, /* exp(s) = sigmoid(u + 2) + 1e-3, as nflows: (0.001, 1.001) */
    NF_SCALE_SOFTPLUS = 6,   /* exp(s) = min(softplus(u) + 1e-3, 3), as nflows */
    NF_SCALE_SOFTCLIP = 7,   /* s = u / (1 + |u| / m), as zuko with m = ln 1000: (-m, m) */
    NF_SCALE_EXP = 8,        /* s = u, unbounded: can overflow; for imports */
    NF_SCALE_ADDITIVE = 9,   /* s = 0: z = x + t, volume preserving (NICE) */
    NF_SCALE_SOFTPLUS_EPS = 10 /* exp(s) = softplus(u) + 1e-3, as nflows' autoregressive layers; for imports */
};

/* How the outputs u of a network become logits v of a spline; those of slopes are twice as wide. m is `logit_bound`. */
enum {
    NF_SPLINE_SAFE = 1,    /* v = m tanh(u / m): no bin and no slope can become extreme, and the inverse is as exact as the dtype. Default */
    NF_SPLINE_FREE = 2,    /* v = u: as nflows and others, sharper, for imports; in f32 the inverse may be wrong by 1e-2 and more */
    NF_SPLINE_SOFTCLIP = 3 /* v = u / (1 + |u| / m), slope = exp(v), no minima: as zuko, with m = ln(1000) / 2 */
};

/* What a coupling of images transforms. */
enum {
    NF_IMAGE_MASK_CHANNELS = 1,     /* the channels from channels / 2 (rounded down) on; with swap those before. Default */
    NF_IMAGE_MASK_CHECKERBOARD = 2, /* the pixels whose y + x is odd; with swap even */
    NF_IMAGE_MASK_ALL = 3           /* everything, depending on cond and on the border alone: a learned normal */
};
/* Networks of convolutions; hidden stages are followed by an actnorm and a ReLU, the last stage starts at zero. */
enum {
    NF_CONV_GLOW = 1,     /* 3x3, 1x1, 3x3. Default */
    NF_CONV_RESIDUAL = 2, /* 3x3, then `blocks` times 3x3 and 3x3 added to what went in, then 1x1 */
    NF_CONV_LINEAR = 3    /* one 3x3: no hidden stage */
};

/**
 * Layer "coupling_conv", a coupling of images by a convolutional network. Of [height][width][channels],
 *   z_a = x_a,  z_b = exp(s(x_a, c)) (x_b + t(x_a, c)),  log|det| = sum s.
 * The shift comes first, as in Glow. 3x3 convolutions have zeros beyond the border, and learn what the border adds. s = s(u)
 * is one of the forms above. Conditioning columns are planes of their own.
 * Networks with hidden stages are initialised from data (nf_flow_init_data), so that hidden channels have mean 0 and variance 1
 * there; a hidden channel that does not vary is NF_ERR_DEGENERATE. That it was done is saved with the model.
 * Parameters: net.<l>.weight, .edge [9][out] (3x3 only), .bias [out], .log_scale [out] for each stage l, initialised (a frozen flag).
 * weight is [in][out] (1x1), [3][3][in][out], or, where in > out, [in][3][3][out]: docs/model-format.md.
 * NF_ERR_ARG (one channel with mask channels, one pixel with checkerboard).
 * Refs: Kingma, Dhariwal, "Glow", arXiv:1807.03039; Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803.
 */
typedef struct nf_coupling_conv_config {
    uint32_t struct_size;
    int32_t mask;    /* NF_IMAGE_MASK_... */
    int64_t height, width, channels; /* required */
    int64_t cond_dim;
    int32_t swap;    /* 1: transform what the mask would keep */
    int32_t scale;   /* NF_SCALE_..., default sigmoid */
    double bound;    /* as in nf_coupling_affine_config (nflow/coupling.h) */
    int32_t net;     /* NF_CONV_... */
    int32_t reserved;
    int64_t hidden;  /* channels of the hidden stages, default 128 */
    int64_t blocks;  /* of NF_CONV_RESIDUAL, default 2 */
} nf_coupling_conv_config;

#define NF_COUPLING_CONV_CONFIG_INIT { .struct_size = sizeof(nf_coupling_conv_config) }
NF_API void nf_coupling_conv_config_init(nf_coupling_conv_config *config);
NF_API nf_status nf_coupling_conv_create(nf_layer **out, nf_context *context, const nf_coupling_conv_config *config);

/**
 * Layer "split", which lets channels of an image leave: of an image [height][width][channels], the first `keep` channels go on
 * as an image [height][width][keep]; the others are final and stand in z at the columns where they left. log|det| = 0 exactly.
 * No parameters. For a density of what leaves that depends on what goes on, put a "coupling_conv" with mask channels and net
 * linear in front.
 * NF_ERR_ARG (keep not in 1 .. channels - 1).
 */
typedef struct nf_split_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t height, width, channels; /* required */
    int64_t keep;    /* default channels / 2 */
} nf_split_config;

#define NF_SPLIT_CONFIG_INIT { .struct_size = sizeof(nf_split_config) }
NF_API void nf_split_config_init(nf_split_config *config);
NF_API nf_status nf_split_create(nf_layer **out, nf_context *context, const nf_split_config *config);

/**
 * Layer "permutation", of columns: z_j = x_{p(j)}; log|det| = 0 exactly. p is `index`, else it reverses the columns, or is
 * drawn from `seed` (the description stores p itself). No parameters. NF_ERR_ARG (no bijection; index with kind reverse),
 * NF_ERR_SHAPE (n_index).
 */
typedef struct nf_permutation_config {
    uint32_t struct_size;
    int32_t kind; /* NF_PERMUTATION_..., default random, or index when index is given */
    int64_t dim;  /* required */
    uint64_t seed; /* of the random one */
    const int64_t *index; /* [dim], a bijection */
    int64_t n_index;
} nf_permutation_config;

enum { NF_PERMUTATION_INDEX = 1, NF_PERMUTATION_RANDOM = 2, NF_PERMUTATION_REVERSE = 3 };

#define NF_PERMUTATION_CONFIG_INIT { .struct_size = sizeof(nf_permutation_config) }
NF_API void nf_permutation_config_init(nf_permutation_config *config);
NF_API nf_status nf_permutation_create(nf_layer **out, nf_context *context, const nf_permutation_config *config);

/**
 * Layer "actnorm", scales and shifts initialised from data: z_j = exp(s_c) (x_j + b_c), c = j mod channels, trained; log|det| =
 * dim / channels sum s_c. Without `channels` every column has its own s and b; images in height-width-channel order have one of
 * each a channel. Initialised from data so that every channel of the first batch has mean 0 and variance 1 over rows and pixels
 * (nf_flow_init_data, which nf_flow_fit calls before its first step), with |s_c| <= 7; until then it is the identity. That it
 * was is saved with the model, so a loaded flow is not initialised again. A channel whose sd is at most 1e-6 (|mean| + 1) is
 * NF_ERR_DEGENERATE at initialisation; the line names it. NF_ERR_SHAPE (channels does not divide dim). Parameters: log_scale
 * [channels], shift [channels], initialised (a frozen flag).
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
typedef struct nf_actnorm_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;      /* required */
    int64_t channels; /* divides dim; default dim */
} nf_actnorm_config;

#define NF_ACTNORM_CONFIG_INIT { .struct_size = sizeof(nf_actnorm_config) }
NF_API void nf_actnorm_config_init(nf_actnorm_config *config);
NF_API nf_status nf_actnorm_create(nf_layer **out, nf_context *context, const nf_actnorm_config *config);

/**
 * Layer "affine", elementwise: z_j = exp(s_j) x_j + t_j with s_j = m tanh(a_j / m); log|det| = sum s_j. Starts as the identity.
 * Parameters: log_scale [dim] (the a_j), shift [dim] (the t_j).
 */
typedef struct nf_affine_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;  /* required */
    double bound; /* m in [0.001, 80], default 7 */
} nf_affine_config;

#define NF_AFFINE_CONFIG_INIT { .struct_size = sizeof(nf_affine_config) }
NF_API void nf_affine_config_init(nf_affine_config *config);
NF_API nf_status nf_affine_create(nf_layer **out, nf_context *context, const nf_affine_config *config);

/**
 * Layer "standardise", constants that give columns mean 0 and sd 1: z_j = (x_j - mean_j) / sd_j; log|det| = -sum log sd_j. mean
 * and sd are constants: frozen parameters, saved as tensors, never trained, so that densities stay in the units of x. The
 * config's arrays are their initial values; NULL means 0 and 1. nf_standardise_from_dataset (nflow/dataset.h) takes them from
 * data. Parameters: mean [dim], sd [dim]. NF_ERR_SHAPE (n_mean or n_sd is neither 0 nor dim).
 */
typedef struct nf_standardise_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;        /* required */
    const double *mean; /* [dim] or NULL, finite */
    int64_t n_mean;
    const double *sd; /* [dim] or NULL, > 0 */
    int64_t n_sd;
} nf_standardise_config;

#define NF_STANDARDISE_CONFIG_INIT { .struct_size = sizeof(nf_standardise_config) }
NF_API void nf_standardise_config_init(nf_standardise_config *config);
NF_API nf_status nf_standardise_create(nf_layer **out, nf_context *context, const nf_standardise_config *config);

/**
 * Layer "logit", from the unit interval to the line: z_j = log(p / (1 - p)), p = alpha + (1 - 2 alpha) x_j;
 *   log|det| = sum_j (softplus(z_j) + softplus(-z_j) + log(1 - 2 alpha)).
 * x outside [0, 1] is NF_ERR_DOMAIN with row and column when the flow computes, never clipped. The inverse of a z that no x in
 * [0, 1] maps to is the nearest end, so that what is generated can be evaluated. No parameters.
 */
typedef struct nf_logit_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;  /* required */
    double alpha; /* in [1e-12, 0.25], default 1e-6 */
} nf_logit_config;

#define NF_LOGIT_CONFIG_INIT { .struct_size = sizeof(nf_logit_config) }
NF_API void nf_logit_config_init(nf_logit_config *config);
NF_API nf_status nf_logit_create(nf_layer **out, nf_context *context, const nf_logit_config *config);

/* Forms of an invertible matrix W. */
enum {
    NF_LINEAR_PLU = 1,  /* W = P L (U + diag(sign exp(log_s))), P and sign fixed: log|det W| = sum log_s. Default */
    NF_LINEAR_PLAIN = 2 /* W itself; LU in double whenever it changes */
};

/**
 * Layer "linear", an invertible matrix: z = W x, W [dim][dim]; log|det| = log|det W|. Starts as a random rotation. Parameters,
 * plu: permutation [dim] and sign [dim] (frozen), lu [dim][dim]: row i of L (U + diag(...)) is row permutation[i] of W; lu
 * holds L below (its diagonal is 1), log_s on and U above the diagonal. plain: weight [dim][dim]. dim over 4096 is NF_ERR_ARG. A W
 * that is singular or not finite is NF_ERR_SINGULAR when the flow computes; the line names layer and pivot.
 */
typedef struct nf_linear_config {
    uint32_t struct_size;
    int32_t form; /* NF_LINEAR_..., default plu */
    int64_t dim;  /* required, at most 4096 */
} nf_linear_config;

#define NF_LINEAR_CONFIG_INIT { .struct_size = sizeof(nf_linear_config) }
NF_API void nf_linear_config_init(nf_linear_config *config);
NF_API nf_status nf_linear_create(nf_layer **out, nf_context *context, const nf_linear_config *config);

/**
 * Layer "householder", an orthogonal matrix: z = H_k ... H_1 x, H_r = I - 2 v_r v_r^T / |v_r|^2 (the identity where v_r is 0);
 * log|det| = 0 exactly. As many reflections as columns, the default, are the orthogonal layer of a general kind; fewer are cheaper,
 * 4 k dim operations a row. Starts as a random rotation or reflection, of determinant (-1)^k. Parameters: v [k][dim].
 */
typedef struct nf_householder_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;         /* required, at most 4096 */
    int64_t reflections; /* k, at most 4096; 0: dim */
} nf_householder_config;

#define NF_HOUSEHOLDER_CONFIG_INIT { .struct_size = sizeof(nf_householder_config) }
NF_API void nf_householder_config_init(nf_householder_config *config);
NF_API nf_status nf_householder_create(nf_layer **out, nf_context *context, const nf_householder_config *config);

/**
 * Layer "invconv", the invertible 1x1 convolution: z_p = W x_p at each of height width pixels, W [channels][channels];
 * log|det| = height width log|det W|. Rows are [height][width][channels]. Start, parameters and errors as "linear", with channels
 * for dim.
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
typedef struct nf_invconv_config {
    uint32_t struct_size;
    int32_t form; /* NF_LINEAR_..., default plu */
    int64_t height, width, channels; /* required; channels at most 4096 */
} nf_invconv_config;

#define NF_INVCONV_CONFIG_INIT { .struct_size = sizeof(nf_invconv_config) }
NF_API void nf_invconv_config_init(nf_invconv_config *config);
NF_API nf_status nf_invconv_create(nf_layer **out, nf_context *context, const nf_invconv_config *config);

/* Order of the four sub-pixels (row, column) of each 2x2 square. */
enum {
    NF_SQUEEZE_ROWS = 1,    /* (0,0) (0,1) (1,0) (1,1). Default */
    NF_SQUEEZE_DIAGONAL = 2 /* (0,0) (1,1) (0,1) (1,0): the first half of the channels is a diagonal of each square, as RealNVP */
};

/**
 * Layer "squeeze", resolution traded for channels: squares of 2x2 pixels become pixels of four times the channels,
 *   [height][width][channels] -> [height/2][width/2][4 channels],  out channel = sub channels + c,
 * sub the place of the sub-pixel in `order`. With reverse the opposite: [height][width][channels] -> [2 height][2 width][channels/4].
 * height, width and channels are always those of x. log|det| = 0 exactly. No parameters. NF_ERR_SHAPE (odd height or width; with
 * reverse, channels not a multiple of 4).
 */
typedef struct nf_squeeze_config {
    uint32_t struct_size;
    int32_t order; /* NF_SQUEEZE_..., default rows */
    int64_t height, width, channels; /* of x, required */
    int32_t reverse; /* 1: the opposite mapping */
    int32_t reserved;
} nf_squeeze_config;

#define NF_SQUEEZE_CONFIG_INIT { .struct_size = sizeof(nf_squeeze_config) }
NF_API void nf_squeeze_config_init(nf_squeeze_config *config);
NF_API nf_status nf_squeeze_create(nf_layer **out, nf_context *context, const nf_squeeze_config *config);

/* When noise is drawn. */
enum {
    NF_NOISE_ALWAYS = 1,  /* default: log_prob is a lower bound of the probability of x, exact in the mean over the noise */
    NF_NOISE_TRAINING = 2 /* outside gradients and fit, u = 1/2: no bound, but no noise in scores */
};

/**
 * Layer "dequantise", noise that makes densities of whole numbers: 0..255 are spread over the unit interval,
 *   z_j = (floor(x_j / 2^(8 - bits)) + u_j) / 2^bits - shift,  u uniform in (0, 1);   log|det| = -dim bits log 2
 * so that a flow whose z is uniform scores `bits` bits a column. u depends on the seed of the flow, the epoch (in nf_flow_fit) and
 * the row: its number in nf_flow_fit, its bits elsewhere; not on batches or threads. The inverse is the whole number again,
 * clipped to the range: forward(x) comes back to x (its upper bits, when bits < 8) exactly. x that is no whole number in
 * [0, 255] is NF_ERR_DOMAIN with row and column when the flow computes. Gradients hold u fixed: dz/dx = 1/256. No parameters.
 * Ref: Theis, van den Oord, Bethge, "A note on the evaluation of generative models", arXiv:1511.01844.
 */
typedef struct nf_dequantise_config {
    uint32_t struct_size;
    int32_t noise; /* NF_NOISE_..., default always */
    int64_t dim;   /* required */
    int32_t bits;  /* 1..8, default 8 */
    int32_t reserved;
    double shift;  /* in [0, 1], default 0 */
} nf_dequantise_config;

#define NF_DEQUANTISE_CONFIG_INIT { .struct_size = sizeof(nf_dequantise_config) }
NF_API void nf_dequantise_config_init(nf_dequantise_config *config);
NF_API nf_status nf_dequantise_create(nf_layer **out, nf_context *context, const nf_dequantise_config *config);

/* Kinds of a column. */
enum {
    NF_COLUMN_REAL = 1,
    NF_COLUMN_POSITIVE = 2, /* above low */
    NF_COLUMN_BOUNDED = 3,  /* in [low, high] */
    NF_COLUMN_INTEGER = 4,  /* a whole number, in [low, high] unless both are 0 */
    NF_COLUMN_PERIODIC = 5  /* any number, of period high - low; both 0: an angle, from -pi to pi */
};

/**
 * Layer "columns", tables whose columns are of several kinds: each is mapped by the formula of its kind,
 *   real      z = x
 *   positive  z = log(x - low)                                                           log dz/dx = -z
 *   bounded   z = log(p / (1 - p)),  p = alpha + (1 - 2 alpha) (x - low) / (high - low)  log dz/dx = softplus(z) + softplus(-z) + log((1 - 2 alpha) / (high - low))
 *   integer   z = x + u - 1/2,  u uniform in (0, 1)                                      log dz/dx = 0
 *   periodic  z = -T + 2 T (v - floor v),  v = (x - low) / (high - low)                  log dz/dx = log(2 T / (high - low))
 * so that what follows needs to know of no bounds, and no density is wasted outside them. Put it first, "standardise" behind it. Density of
 * an integer column: that of x + u, whose logarithm bounds log P(x) from below in the mean. u is drawn as in "dequantise". x that its
 * column does not take is NF_ERR_DOMAIN with row and column when the flow computes, never clipped; whole numbers are at most 65535 in
 * float, 2^31 - 1 in double. Inverses end at the nearest value that the column takes. low and high are taken as the flow's precision
 * rounds them. Periodic columns take every number, an hour of 25 being 1; z lies in [-T, T), T being half_turn, inverses in [low, high). What
 * follows must keep the circle: "coupling_spline" with `periodic`, over base "box"; no layer that mixes columns does. No parameters.
 * NF_ERR_SHAPE (n_kind, n_low or n_high is neither 0 nor dim), NF_ERR_ARG (a bounded or periodic column whose low is not below high, an
 * integer column with such bounds, or with bounds that are no whole numbers).
 */
typedef struct nf_columns_config {
    uint32_t struct_size;
    int32_t noise;       /* NF_NOISE_..., default always: of integer columns */
    int64_t dim;         /* required */
    const int64_t *kind; /* [dim], NF_COLUMN_..., or NULL: all real */
    int64_t n_kind;
    const double *low;   /* [dim] or NULL: 0 */
    int64_t n_low;
    const double *high;  /* [dim] or NULL: 0 */
    int64_t n_high;
    double alpha;        /* in [1e-12, 0.25], default 1e-6: of bounded columns */
    double half_turn;    /* T of periodic columns, in [1e-3, 1e6], default pi */
} nf_columns_config;

#define NF_COLUMNS_CONFIG_INIT { .struct_size = sizeof(nf_columns_config) }
NF_API void nf_columns_config_init(nf_columns_config *config);
NF_API nf_status nf_columns_create(nf_layer **out, nf_context *context, const nf_columns_config *config);

NF_END_DECLS
#endif
