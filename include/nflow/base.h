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

NF_END_DECLS
#endif
