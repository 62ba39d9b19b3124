/* SPDX-License-Identifier: MIT
 *
 * base.h - base distributions of the latent z
 *
 * Constructors answer as those of layers do (nflow/layer.h).
 */
#ifndef NFLOW_BASE_H
#define NFLOW_BASE_H

#include <nflow/context.h>

NF_BEGIN_DECLS

/** A base distribution. Threads: immutable. Lifetime: reference counted. Since 0.1 */
typedef struct nf_base nf_base;

NF_API nf_base *nf_base_ref(nf_base *base);
NF_API void nf_base_unref(nf_base *base);
NF_API int64_t nf_base_dim(const nf_base *base);
NF_API const char *nf_base_type_name(const nf_base *base);
NF_API const char *nf_base_type_at(int32_t index); /* NULL past the last */
NF_API nf_status nf_base_create(nf_base **out, nf_context *context, const char *type, const void *config);

/** Standard normal: log p(z) = -(|z|^2 + dim log(2 pi)) / 2. Temperature multiplies z. */
typedef struct nf_base_normal_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
} nf_base_normal_config;
#define NF_BASE_NORMAL_CONFIG_INIT { .struct_size = sizeof(nf_base_normal_config) }
NF_API void nf_base_normal_config_init(nf_base_normal_config *config);
NF_API nf_status nf_base_normal_create(nf_base **out, nf_context *context, int64_t dim);

/** Diagonal normal with trained mean and log-sd, starting at 0: z_j = mean_j + exp(log_sd_j) eps_j. */
typedef struct nf_base_diagonal_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
} nf_base_diagonal_config;
#define NF_BASE_DIAGONAL_CONFIG_INIT { .struct_size = sizeof(nf_base_diagonal_config) }
NF_API void nf_base_diagonal_config_init(nf_base_diagonal_config *config);
NF_API nf_status nf_base_diagonal_create(nf_base **out, nf_context *context, int64_t dim);

/** Uniform on [low, high]^dim: log p = -dim log(high - low) inside, -inf outside. Temperature shrinks the box about its middle. */
typedef struct nf_base_uniform_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;      /* required */
    double low, high; /* both 0: -1 and 1. low < high */
} nf_base_uniform_config;
#define NF_BASE_UNIFORM_CONFIG_INIT { .struct_size = sizeof(nf_base_uniform_config) }
NF_API void nf_base_uniform_config_init(nf_base_uniform_config *config);
NF_API nf_status nf_base_uniform_create(nf_base **out, nf_context *context, int64_t dim, double low, double high);

NF_END_DECLS
#endif
