/* SPDX-License-Identifier: MIT
 *
 * base.h - base distributions of the latent z
 *
 * Constructors answer as those of layers do (nflow/layer.h), temperature is that of nf_flow_sample. Each base has a typed
 * constructor of plain arguments and, for nf_base_create, a config of its own. Everything here since 0.1
 */
#ifndef NFLOW_BASE_H
#define NFLOW_BASE_H

#include <nflow/context.h>

NF_BEGIN_DECLS

/** A base distribution: its shape only; what is trained lives in the flow. Threads: immutable. Lifetime: reference counted. */
typedef struct nf_base nf_base;

NF_API nf_base *nf_base_ref(nf_base *base); /* returns its argument */
NF_API void nf_base_unref(nf_base *base);
NF_API int64_t nf_base_dim(const nf_base *base);             /* columns of z; 0 for NULL */
NF_API int64_t nf_base_cond_dim(const nf_base *base);        /* conditioning columns that it wants; 0 for none, and for NULL */
NF_API const char *nf_base_type_name(const nf_base *base);   /* static; NULL for NULL */
NF_API const char *nf_base_type_at(int32_t index);           /* name of base type `index`; NULL past the last */
/** A base by the name of its type; config is that type's config struct. Further error: NF_ERR_UNKNOWN. */
NF_API nf_status nf_base_create(nf_base **out, nf_context *context, const char *type, const void *config);

/**
 * Base "normal", the standard normal: log p(z) = -(|z|^2 + dim log(2 pi)) / 2. No parameters. Temperature multiplies z.
 * Groups of columns, in the order of z, may be sampled colder or hotter than the others: the temperature of columns of group g is
 * multiplied by temperature[g]. They are part of the model, and log_prob does not depend on them. NF_ERR_SHAPE (columns do not
 * add up to dim, or there are not as many temperatures).
 */
typedef struct nf_base_normal_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
    const int64_t *columns; /* [n_columns], >= 1 each; NULL: one group, factor 1 */
    int64_t n_columns;
    const double *temperature; /* [n_temperature], in [1e-30, 1e30] */
    int64_t n_temperature;
} nf_base_normal_config;
#define NF_BASE_NORMAL_CONFIG_INIT { .struct_size = sizeof(nf_base_normal_config) }
NF_API void nf_base_normal_config_init(nf_base_normal_config *config);
NF_API nf_status nf_base_normal_create(nf_base **out, nf_context *context, int64_t dim);

/**
 * Base "diagonal", a normal with trained mean and log-sd, both starting at 0: z_j = mean_j + exp(log_sd_j) eps_j, eps standard
 * normal. 2 dim parameters. Temperature multiplies eps.
 */
typedef struct nf_base_diagonal_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
} nf_base_diagonal_config;
#define NF_BASE_DIAGONAL_CONFIG_INIT { .struct_size = sizeof(nf_base_diagonal_config) }
NF_API void nf_base_diagonal_config_init(nf_base_diagonal_config *config);
NF_API nf_status nf_base_diagonal_create(nf_base **out, nf_context *context, int64_t dim);

/**
 * Base "uniform", on the box from low to high: log p(z) = -dim log(high - low) inside and on the border, -inf outside;
 * d log p / dz = 0, so that a flow learns through its log-determinant alone, and nf_flow_fit skips steps of which a row lands
 * outside. No parameters. Temperature shrinks the box about its middle.
 */
typedef struct nf_base_uniform_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;      /* required */
    double low, high; /* both 0: -1 and 1. low < high, else NF_ERR_ARG */
} nf_base_uniform_config;
#define NF_BASE_UNIFORM_CONFIG_INIT { .struct_size = sizeof(nf_base_uniform_config) }
NF_API void nf_base_uniform_config_init(nf_base_uniform_config *config);
NF_API nf_status nf_base_uniform_create(nf_base **out, nf_context *context, int64_t dim, double low, double high);

/**
 * Base "box", uniform with sides of its own in each column: log p(z) = -sum_j log(high_j - low_j) inside and on the border, -inf outside;
 * d log p / dz = 0. Columns listed in `normal` are standard normal instead, whatever low and high have there. For flows of periodic columns ("columns",
 * "coupling_spline"), and others that map onto a box. No parameters. Temperature shrinks the sides about their middles and multiplies
 * normal columns. NF_ERR_SHAPE (n_low, n_high), NF_ERR_ARG (low not below high; normal names no column or one twice).
 */
typedef struct nf_base_box_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;           /* required */
    const double *low;     /* [dim], in [-1e30, 1e30]; both NULL: -1 and 1. Copied, as high and normal are */
    int64_t n_low;         /* dim, or 0 */
    const double *high;    /* [dim] */
    int64_t n_high;        /* as n_low */
    const int64_t *normal; /* [n_normal], columns from 0, distinct */
    int64_t n_normal;
} nf_base_box_config;
#define NF_BASE_BOX_CONFIG_INIT { .struct_size = sizeof(nf_base_box_config) }
NF_API void nf_base_box_config_init(nf_base_box_config *config);
NF_API nf_status nf_base_box_create(nf_base **out, nf_context *context, const nf_base_box_config *config);

/**
 * Base "normal_full", a normal with trained mean and covariance L L^T: z = mean + L eps, L lower triangular with a diagonal exp(l) > 0;
 * log p(z) = -|L^-1 (z - mean)|^2 / 2 - sum l - dim log(2 pi) / 2. dim + dim (dim + 1) / 2 parameters. Temperature multiplies eps.
 * NF_ERR_SHAPE (an array of another length), NF_ERR_ARG (covariance not symmetric or not positive definite: the line says where).
 */
typedef struct nf_base_normal_full_config {
    uint32_t struct_size;
    int32_t fixed;            /* 1: not trained */
    int64_t dim;              /* required; at most 4096 */
    const double *mean;       /* [dim], where it starts; NULL: 0. Copied, as covariance is; models keep them as parameters */
    int64_t n_mean;           /* dim, or 0 */
    const double *covariance; /* [dim][dim], where it starts; NULL: the identity */
    int64_t n_covariance;     /* dim dim, or 0 */
} nf_base_normal_full_config;
#define NF_BASE_NORMAL_FULL_CONFIG_INIT { .struct_size = sizeof(nf_base_normal_full_config) }
NF_API void nf_base_normal_full_config_init(nf_base_normal_full_config *config);
NF_API nf_status nf_base_normal_full_create(nf_base **out, nf_context *context, const nf_base_normal_full_config *config);

/**
 * Base "mixture" of diagonal normals: p(z) = sum_c w_c N(z; mean_c, exp(log_sd_c)^2), w the softmax of trained logits. components
 * (2 dim + 1) parameters. Means start at normal numbers from the flow's seed, times spread. Temperature multiplies eps within the
 * component that a sample is of; weights and means stay, so that cold samples sit at the means. NF_ERR_LIMIT (components x dim over 2^30).
 */
typedef struct nf_base_mixture_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;        /* required */
    int64_t components; /* required; at most 65536 */
    double spread;      /* of the means at the start; 0: 1 */
} nf_base_mixture_config;
#define NF_BASE_MIXTURE_CONFIG_INIT { .struct_size = sizeof(nf_base_mixture_config) }
NF_API void nf_base_mixture_config_init(nf_base_mixture_config *config);
NF_API nf_status nf_base_mixture_create(nf_base **out, nf_context *context, const nf_base_mixture_config *config);

/**
 * Base "student", Student's t of each column with trained location, log-scale and log-degrees of freedom nu:
 * log p = log Gamma((nu + 1)/2) - log Gamma(nu/2) - log(pi nu)/2 - log_scale - (nu + 1)/2 log(1 + r^2/nu), r = (z - location) / scale.
 * 3 dim parameters. Tails are powers: a layer before it need not send far rows to infinity. Temperature multiplies z - location.
 */
typedef struct nf_base_student_config {
    uint32_t struct_size;
    int32_t fixed;    /* 1: location 0 and scale 1 are not trained */
    int64_t dim;      /* required */
    double df;        /* degrees of freedom at the start, in [0.1, 1e6]; 0: 5 */
    int32_t df_fixed; /* 1: degrees of freedom are not trained */
    int32_t reserved;
} nf_base_student_config;
#define NF_BASE_STUDENT_CONFIG_INIT { .struct_size = sizeof(nf_base_student_config) }
NF_API void nf_base_student_config_init(nf_base_student_config *config);
NF_API nf_status nf_base_student_create(nf_base **out, nf_context *context, const nf_base_student_config *config);

/**
 * Base "laplace", of each column with trained location and log-scale, both starting at 0: log p = -|r| - log 2 - log_scale,
 * r = (z - location) / scale. 2 dim parameters. The score jumps at the location, where it is taken as 0. Temperature multiplies
 * z - location.
 */
typedef struct nf_base_laplace_config {
    uint32_t struct_size;
    int32_t fixed; /* 1: location and scale are not trained */
    int64_t dim;   /* required */
} nf_base_laplace_config;
#define NF_BASE_LAPLACE_CONFIG_INIT { .struct_size = sizeof(nf_base_laplace_config) }
NF_API void nf_base_laplace_config_init(nf_base_laplace_config *config);
NF_API nf_status nf_base_laplace_create(nf_base **out, nf_context *context, int64_t dim);

/** Base "logistic", as "laplace" with log p = -|r| - 2 log(1 + exp(-|r|)) - log_scale, which is smooth. */
typedef struct nf_base_logistic_config {
    uint32_t struct_size;
    int32_t fixed; /* 1: location and scale are not trained */
    int64_t dim;   /* required */
} nf_base_logistic_config;
#define NF_BASE_LOGISTIC_CONFIG_INIT { .struct_size = sizeof(nf_base_logistic_config) }
NF_API void nf_base_logistic_config_init(nf_base_logistic_config *config);
NF_API nf_status nf_base_logistic_create(nf_base **out, nf_context *context, int64_t dim);

/**
 * Base "normal_conditional", a normal whose mean and log-sd depend on the conditioning columns: z_j = mean_j(c) + exp(l_j(c)) eps_j, where a
 * perceptron of c answers mean and u, and l = bound tanh(u / bound). It starts as the standard normal for every c. Temperature
 * multiplies eps. A flow over it has its cond_dim: nf_flow_create refuses layers that have another. Parameters are the network's.
 * NF_ERR_ARG (a hidden width of 0 beside others), NF_ERR_LIMIT (cond_dim over the context's max_dim).
 */
typedef struct nf_base_normal_conditional_config {
    uint32_t struct_size;
    int32_t activation;    /* NF_ACTIVATION_... (nflow/layer.h), default relu */
    int64_t dim;           /* required; at most 32768 */
    int64_t cond_dim;      /* required; at most 65536 */
    const int64_t *hidden; /* widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer. Copied */
    int64_t n_hidden;
    double bound;          /* of the log-sd, in [1e-6, 80]; 0: 5 */
    int32_t weights;       /* NF_WEIGHTS_..., of the hidden layers at the start; default glorot */
    int32_t reserved;
} nf_base_normal_conditional_config;
#define NF_BASE_NORMAL_CONDITIONAL_CONFIG_INIT { .struct_size = sizeof(nf_base_normal_conditional_config) }
NF_API void nf_base_normal_conditional_config_init(nf_base_normal_conditional_config *config);
NF_API nf_status nf_base_normal_conditional_create(nf_base **out, nf_context *context, const nf_base_normal_conditional_config *config);

NF_END_DECLS
#endif
