/* SPDX-License-Identifier: MIT
 *
 * location.c - independent columns of one standard density, each with a location and a scale
 *
 *   r_j = (z_j - location_j) exp(-s_j),   log p(z) = sum_j (log q(r_j) - s_j)
 *   samples: z_j = location_j + temperature exp(s_j) Q(u_j), u uniform on (0, 1), Q the quantile of q
 *
 * theta = (location_0..location_{dim-1}, s_0..s_{dim-1}), s the log of the scale; theta = 0 is the standard density. Fixed: theta
 * stays there, and has no gradient. The densities q, and check values, are in laplace.c and logistic.c.
 */
#include "core/real.h"
#include "bases/location.h"

#include <string.h>

#include "core/rng.h"
#include "math/functions.h"

/* r of column j, [n] */
static void location_residuals(const nfi_location *lo, const nf_tile *tile, const real *z, int64_t j, double inverse, double *r)
{
    const double location = (double)((const real *)tile->theta)[j];
    for (int64_t i = 0; i < tile->n; i++) r[i] = ((double)z[i * lo->dim + j] - location) * inverse;
}

static nf_status location_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const nfi_location *lo = self;
    const int64_t dim = lo->dim;
    const nfi_kernels *kernels = tile->kernels;
    const real *z = from, *log_scale = (const real *)tile->theta + dim;
    double *r = tile->scratch;

    for (int64_t j = 0; j < dim; j++) {
        location_residuals(lo, tile, z, j, nfi_exp(-(double)log_scale[j]), r);
        lo->density->log_p(kernels->f64, tile->n, r, r);
        for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] += r[i] - (double)log_scale[j];
    }
    return NF_OK;
}

/* With w the weights and k = d log q / dr:  g_ij = w_i k_ij exp(-s_j),   dL/dlocation_j = -sum_i g_ij,
 * dL/ds_j = -sum_i w_i (k_ij r_ij + 1). */
static nf_status location_backward(const void *self, const nf_tile *tile, const void *from, const double *weight, void *gradient)
{
    const nfi_location *lo = self;
    const int64_t dim = lo->dim;
    const nfi_kernels *kernels = tile->kernels;
    const real *z = from, *log_scale = (const real *)tile->theta + dim;
    real *g = gradient, *grad = lo->fixed ? NULL : tile->grad;
    double *r = tile->scratch, *k = r + tile->n;

    for (int64_t j = 0; j < dim; j++) {
        const double inverse = nfi_exp(-(double)log_scale[j]);
        double sum_location = 0.0, sum_scale = 0.0;
        location_residuals(lo, tile, z, j, inverse, r);
        lo->density->slope(kernels->f64, tile->n, r, k);
        for (int64_t i = 0; i < tile->n; i++) {
            g[i * dim + j] = (real)(weight[i] * k[i] * inverse);
            sum_location -= weight[i] * k[i] * inverse;
            sum_scale -= weight[i] * (k[i] * r[i] + 1.0);
        }
        if (!grad) continue;
        grad[j] += (real)sum_location;
        grad[dim + j] += (real)sum_scale;
    }
    return NF_OK;
}

static nf_status location_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const nfi_location *lo = self;
    const int64_t dim = lo->dim;
    const uint64_t first = (uint64_t)(tile->row * dim);
    const real *location = tile->theta, *log_scale = location + dim;
    real *z = to;

    for (int64_t j = 0; j < dim; j++) {
        const double scale = temperature * nfi_exp((double)log_scale[j]);
        for (int64_t k = j; k < tile->n * dim; k += dim) {
            const double u = nfi_uniform(tile->seed, NFI_STREAM_BASE, first + (uint64_t)k);
            z[k] = (real)((double)location[j] + scale * lo->density->quantile(u));
        }
    }
    return NF_OK;
}

void NFI_NAME(nfi_location_move)(int64_t dim, const nf_tile *tile, const void *from, const void *gradient)
{
    const real *z = from, *g = gradient, *location = tile->theta;
    real *grad = tile->grad;

    for (int64_t j = 0; j < dim; j++) {
        double sum_location = 0.0, sum_scale = 0.0;
        for (int64_t k = j; k < tile->n * dim; k += dim) {
            sum_location += (double)g[k];
            sum_scale += (double)g[k] * ((double)z[k] - (double)location[j]);
        }
        grad[j] += (real)sum_location;
        grad[dim + j] += (real)sum_scale;
    }
}

static nf_status location_sample_backward(const void *self, const nf_tile *tile, const void *z, const void *g, const double *value)
{
    const nfi_location *lo = self;

    (void)value;
    if (!lo->fixed) NFI_NAME(nfi_location_move)(lo->dim, tile, z, g);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_location_ops) = {
    .log_prob = location_log_prob,
    .backward = location_backward,
    .sample = location_sample,
    .sample_backward = location_sample_backward,
};

#if NFI_ONCE
void nfi_location_describe(const void *self, nfi_base_info *info)
{
    (void)self;
    info->scratch_row = 2 * (int64_t)sizeof(double); /* r and its slope */
}

nf_status nfi_location_make(nf_maker *maker, const nfi_location_density *density, int64_t dim, int32_t fixed, void **self)
{
    nfi_location *lo = nf_maker_alloc(maker, (int64_t)sizeof *lo);
    if (!lo) return NF_ERR_MEMORY;
    *lo = (nfi_location){ .density = density, .dim = dim, .fixed = fixed };
    *self = lo;
    return NF_OK;
}

nf_status nfi_location_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "location", "log_scale" };
    const nfi_location *lo = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY | (lo->fixed ? NF_PARAM_FROZEN : 0);
    param->offset = i * lo->dim;
    param->rank = 1;
    param->shape[0] = lo->dim;
    return NF_OK;
}
#endif
