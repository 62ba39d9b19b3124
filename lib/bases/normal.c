/* SPDX-License-Identifier: MIT
 *
 * normal.c - standard normal base
 *
 *   log p(z) = -(|z|^2 + dim log(2 pi)) / 2,   d log p / dz_j = -z_j
 *   samples: z = temperature eps, eps standard normal
 *
 * Check value: dim=2, z = (0.7, -1.3) -> log p = -2.9278770664
 */
#include "core/real.h"
#include "bases/base.h"

#include "core/rng.h"
#include "math/functions.h"

extern const nfi_base_ops nfi_base_normal_ops_f32, nfi_base_normal_ops_f64;

struct normal { /* immutable after creation */
    int64_t dim;
};

static nf_status normal_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct normal *nm = self;
    const real *z = from;
    for (int64_t i = 0; i < tile->n; i++, z += nm->dim) {
        double square = 0.0;
        for (int64_t j = 0; j < nm->dim; j++) square += (double)z[j] * (double)z[j];
        tile->log_det[i] -= 0.5 * (square + (double)nm->dim * NFI_LOG_2PI);
    }
    return NF_OK;
}

/* g_ij = -weight_i z_ij */
static nf_status normal_backward(const void *self, const nf_tile *tile, const void *from, const double *weight,
                                 void *gradient)
{
    const struct normal *nm = self;
    const real *z = from;
    real *g = gradient;
    for (int64_t i = 0; i < tile->n; i++, z += nm->dim, g += nm->dim)
        for (int64_t j = 0; j < nm->dim; j++) g[j] = (real)(-weight[i] * (double)z[j]);
    return NF_OK;
}

static nf_status normal_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct normal *nm = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t count = tile->n * nm->dim;
    double *eps = tile->scratch;
    real *z = to;

    k->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)(tile->row * nm->dim), count, eps);
    for (int64_t i = 0; i < count; i++) z[i] = (real)(temperature * eps[i]);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_normal_ops) = {
    .log_prob = normal_log_prob,
    .backward = normal_backward,
    .sample = normal_sample,
};

#if NFI_ONCE
static nf_status normal_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_normal_config *config = resolved;
    struct normal *nm = nf_maker_alloc(maker, (int64_t)sizeof *nm);
    if (!nm) return NF_ERR_MEMORY;
    nm->dim = *dim = config->dim;
    *self = nm;
    return NF_OK;
}

static const nf_field normal_fields[] = {
    NFI_FIELD(nf_base_normal_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
};
const nfi_base_type nfi_base_normal_type = {
    .name = "normal",
    .version = 1,
    .config = { .name = "base_normal", .first_size = sizeof(nf_base_normal_config),
                .size = sizeof(nf_base_normal_config), .fields = normal_fields, .n_fields = 1 },
    .create = normal_make,
    .f32 = &nfi_base_normal_ops_f32,
    .f64 = &nfi_base_normal_ops_f64,
};

void nf_base_normal_config_init(nf_base_normal_config *config)
{
    if (config) *config = (nf_base_normal_config)NF_BASE_NORMAL_CONFIG_INIT;
}

nf_status nf_base_normal_create(nf_base **out, nf_context *context, int64_t dim)
{
    nf_base_normal_config config = NF_BASE_NORMAL_CONFIG_INIT;
    config.dim = dim;
    return nfi_base_make(out, context, &nfi_base_normal_type, &config, "nf_base_normal_create");
}
#endif
