/* SPDX-License-Identifier: MIT
 *
 * diagonal.c - normal base with trained mean and standard deviation of each column
 *
 *   r_j = (z_j - mean_j) exp(-l_j),   log p(z) = -sum_j (r_j^2 / 2 + l_j + log(2 pi) / 2)
 *   samples: z_j = mean_j + temperature exp(l_j) eps_j, eps standard normal
 *
 * theta = (mean_0..mean_{dim-1}, l_0..l_{dim-1}), l the log of the standard deviation; theta = 0 is the standard normal.
 *
 * Check value: dim=1, mean=0.7, l=-0.4, z=-1.3 -> log p = -4.9700203902
 */
#include "core/real.h"
#include "bases/location.h"

#include <string.h>

#include "core/rng.h"
#include "math/functions.h"

extern const nfi_base_ops nfi_base_diagonal_ops_f32, nfi_base_diagonal_ops_f64;

struct diagonal { /* immutable after creation */
    int64_t dim;
};

static nf_status diagonal_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct diagonal *dg = self;
    const int64_t dim = dg->dim;
    const real *z = from, *mean = tile->theta, *log_sd = mean + dim;
    for (int64_t j = 0; j < dim; j++) {
        const double inverse = nfi_exp(-(double)log_sd[j]), constant = (double)log_sd[j] + 0.5 * NFI_LOG_2PI;
        for (int64_t i = 0; i < tile->n; i++) {
            const double r = ((double)z[i * dim + j] - (double)mean[j]) * inverse;
            tile->log_det[i] -= 0.5 * r * r + constant;
        }
    }
    return NF_OK;
}

/* With w the weights: g_ij = -w_i r_ij exp(-l_j),   dL/dmean_j = -sum_i g_ij,   dL/dl_j = sum_i w_i (r_ij^2 - 1). */
static nf_status diagonal_backward(const void *self, const nf_tile *tile, const void *from, const double *weight,
                                   void *gradient)
{
    const struct diagonal *dg = self;
    const int64_t dim = dg->dim;
    const real *z = from, *mean = tile->theta, *log_sd = mean + dim;
    real *g = gradient, *grad = tile->grad;

    for (int64_t j = 0; j < dim; j++) {
        const double inverse = nfi_exp(-(double)log_sd[j]);
        double sum_mean = 0.0, sum_log_sd = 0.0;
        for (int64_t i = 0; i < tile->n; i++) {
            const double r = ((double)z[i * dim + j] - (double)mean[j]) * inverse, gz = -weight[i] * r * inverse;
            g[i * dim + j] = (real)gz;
            sum_mean -= gz;
            sum_log_sd += weight[i] * (r * r - 1.0);
        }
        if (!grad) continue; /* only d log p / dz was asked for */
        grad[j] += (real)sum_mean;
        grad[dim + j] += (real)sum_log_sd;
    }
    return NF_OK;
}

static nf_status diagonal_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct diagonal *dg = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t dim = dg->dim;
    const real *mean = tile->theta, *log_sd = mean + dim;
    double *eps = tile->scratch;
    real *z = to;

    k->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)(tile->row * dim), tile->n * dim, eps);
    for (int64_t j = 0; j < dim; j++) {
        const double sd = temperature * nfi_exp((double)log_sd[j]);
        for (int64_t i = 0; i < tile->n; i++) z[i * dim + j] = (real)((double)mean[j] + sd * eps[i * dim + j]);
    }
    return NF_OK;
}

/* theta is that of a location family. */
static nf_status diagonal_sample_backward(const void *self, const nf_tile *tile, const void *z, const void *g, const double *value)
{
    const struct diagonal *dg = self;

    (void)value;
    NFI_NAME(nfi_location_move)(dg->dim, tile, z, g);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_diagonal_ops) = {
    .log_prob = diagonal_log_prob,
    .backward = diagonal_backward,
    .sample = diagonal_sample,
    .sample_backward = diagonal_sample_backward,
};

#if NFI_ONCE
static nf_status diagonal_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_diagonal_config *config = resolved;
    struct diagonal *dg = nf_maker_alloc(maker, (int64_t)sizeof *dg);
    if (!dg) return NF_ERR_MEMORY;
    dg->dim = *dim = config->dim;
    *self = dg;
    return NF_OK;
}

static nf_status diagonal_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "mean", "log_sd" };
    const struct diagonal *dg = self;
    if (i < 0 || i > 1) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i * dg->dim;
    param->rank = 1;
    param->shape[0] = dg->dim;
    return NF_OK;
}

static const nf_field diagonal_fields[] = {
    NFI_FIELD(nf_base_diagonal_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
};
const nfi_base_type nfi_base_diagonal_type = {
    .name = "diagonal",
    .version = 1,
    .config = { .name = "base_diagonal", .first_size = sizeof(nf_base_diagonal_config),
                .size = sizeof(nf_base_diagonal_config), .fields = diagonal_fields, .n_fields = 1 },
    .create = diagonal_make,
    .param = diagonal_param,
    .f32 = &nfi_base_diagonal_ops_f32,
    .f64 = &nfi_base_diagonal_ops_f64,
};

void nf_base_diagonal_config_init(nf_base_diagonal_config *config)
{
    if (config) *config = (nf_base_diagonal_config)NF_BASE_DIAGONAL_CONFIG_INIT;
}

nf_status nf_base_diagonal_create(nf_base **out, nf_context *context, int64_t dim)
{
    nf_base_diagonal_config config = NF_BASE_DIAGONAL_CONFIG_INIT;
    config.dim = dim;
    return nfi_base_make(out, context, &nfi_base_diagonal_type, &config, "nf_base_diagonal_create");
}
#endif
