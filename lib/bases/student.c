/* SPDX-License-Identifier: MIT
 *
 * student.c - Student's t of each column, with trained location, scale and degrees of freedom
 *
 *   r_j = (z_j - location_j) exp(-s_j),   nu_j = exp(l_j)
 *   log p(z) = sum_j (log Gamma((nu_j + 1)/2) - log Gamma(nu_j/2) - log(pi nu_j)/2 - s_j - (nu_j + 1)/2 log(1 + r_j^2/nu_j))
 *   samples: z_j = location_j + temperature exp(s_j) sqrt(nu_j (u^(-2/nu_j) - 1)) cos(2 pi v), u and v uniform on (0, 1)
 *
 * theta = (location, s, l), dim of each; it starts at (0, 0, log df). The difference of the log-gammas is taken as one function
 * (math/gamma.h), which loses no digits at large nu, where the density becomes the normal's. u^(-2/nu) - 1 = expm1(-2 log(u)/nu).
 *
 * Check value: dim=1, location=0.7, s=-0.4, l=log 3, z=-1.3 -> log p = -3.3571046889
 * Ref: Bailey, "Polar generation of random variates with the t-distribution", Mathematics of Computation 62 (1994), 779-781.
 */
#include "core/real.h"
#include "bases/base.h"

#include <string.h>

#include "core/rng.h"
#include "math/functions.h"
#include "math/gamma.h"

#define STUDENT_DF 5.0 /* by default: four moments exist */

extern const nfi_base_ops nfi_base_student_ops_f32, nfi_base_student_ops_f64;

struct student { /* immutable after creation */
    int64_t dim;
    double df;
    int32_t fixed, df_fixed;
};

/* One column of theta */
typedef struct student_column {
    double location, log_scale, inverse, nu;
} student_column;

static student_column student_at(const struct student *st, const real *theta, int64_t j)
{
    const double log_scale = (double)theta[st->dim + j];
    return (student_column){ .location = (double)theta[j], .log_scale = log_scale, .inverse = nfi_exp(-log_scale),
                             .nu = nfi_exp((double)theta[2 * st->dim + j]) };
}

static nf_status student_reset(const void *self, uint64_t seed, void *to)
{
    const struct student *st = self;
    real *theta = to;
    (void)seed;
    memset(theta, 0, (size_t)(2 * st->dim) * sizeof(real));
    for (int64_t j = 0; j < st->dim; j++) theta[2 * st->dim + j] = (real)nfi_log(st->df);
    return NF_OK;
}

static nf_status student_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct student *st = self;
    const real *z = from;

    for (int64_t j = 0; j < st->dim; j++) {
        const student_column c = student_at(st, tile->theta, j);
        const double constant = nfi_lgamma_step(0.5 * c.nu) - 0.5 * nfi_log(NFI_PI * c.nu) - c.log_scale;
        for (int64_t i = 0; i < tile->n; i++) {
            const double r = ((double)z[i * st->dim + j] - c.location) * c.inverse;
            tile->log_det[i] += constant - 0.5 * (c.nu + 1.0) * nfi_log1p(r * r / c.nu);
        }
    }
    return NF_OK;
}

/* With w the weights, q = r^2/nu, k = d log p / dr = -(nu + 1)/nu r/(1 + q):
 *   g_ij = w_i k_ij exp(-s_j),   dL/dlocation_j = -sum_i g_ij,   dL/ds_j = -sum_i w_i (k_ij r_ij + 1)
 *   dL/dl_j = nu_j sum_i w_i ((psi((nu + 1)/2) - psi(nu/2))/2 - 1/(2 nu) - log(1 + q)/2 - k r/(2 nu)) */
static nf_status student_backward(const void *self, const nf_tile *tile, const void *from, const double *weight, void *gradient)
{
    const struct student *st = self;
    const int64_t dim = st->dim;
    const real *z = from;
    real *g = gradient, *grad = tile->grad;

    for (int64_t j = 0; j < dim; j++) {
        const student_column c = student_at(st, tile->theta, j);
        const double constant = 0.5 * nfi_digamma_step(0.5 * c.nu) - 0.5 / c.nu;
        double sum_location = 0.0, sum_scale = 0.0, sum_nu = 0.0;
        for (int64_t i = 0; i < tile->n; i++) {
            const double r = ((double)z[i * dim + j] - c.location) * c.inverse, q = r * r / c.nu;
            const double k = -(c.nu + 1.0) / c.nu * r / (1.0 + q);
            g[i * dim + j] = (real)(weight[i] * k * c.inverse);
            sum_location -= weight[i] * k * c.inverse;
            sum_scale -= weight[i] * (k * r + 1.0);
            if (grad && !st->df_fixed) sum_nu += weight[i] * (constant - 0.5 * nfi_log1p(q) - 0.5 * k * r / c.nu);
        }
        if (!grad) continue;
        if (!st->fixed) grad[j] += (real)sum_location;
        if (!st->fixed) grad[dim + j] += (real)sum_scale;
        if (!st->df_fixed) grad[2 * dim + j] += (real)(c.nu * sum_nu);
    }
    return NF_OK;
}

static double student_uniform(uint32_t low, uint32_t high)
{
    return ((double)(((uint64_t)low | (uint64_t)high << 32) >> 11) + 0.5) * 0x1p-53;
}

/* (u, v) of element `index` of the samples */
static void student_uniforms(uint64_t seed, uint64_t index, double uniform[2])
{
    uint32_t words[4];
    nfi_random_block(seed, NFI_STREAM_BASE, index, words);
    uniform[0] = student_uniform(words[0], words[1]);
    uniform[1] = student_uniform(words[2], words[3]);
}

static nf_status student_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct student *st = self;
    const int64_t dim = st->dim;
    const uint64_t first = (uint64_t)(tile->row * dim);
    double uniform[2];
    real *z = to;

    for (int64_t j = 0; j < dim; j++) {
        const student_column c = student_at(st, tile->theta, j);
        const double scale = temperature * nfi_exp(c.log_scale);
        for (int64_t k = j; k < tile->n * dim; k += dim) {
            student_uniforms(tile->seed, first + (uint64_t)k, uniform);
            const double radius = nfi_sqrt(c.nu * nfi_expm1(-2.0 * nfi_log(uniform[0]) / c.nu));
            z[k] = (real)(c.location + scale * radius * nfi_cos(2.0 * NFI_PI * uniform[1]));
        }
    }
    return NF_OK;
}

/* dz/dlocation = 1,   dz/ds = z - location, and with a = -2 log(u)/nu, whose u no parameter moves,
 * dz/dl = (z - location) (1 + dlog(exp(a) - 1)/dlog nu)/2 = (z - location) (1 + a/(exp(-a) - 1))/2 */
static nf_status student_sample_backward(const void *self, const nf_tile *tile, const void *from, const void *gradient, const double *value)
{
    const struct student *st = self;
    const int64_t dim = st->dim;
    const uint64_t first = (uint64_t)(tile->row * dim);
    const real *z = from, *g = gradient;
    real *grad = tile->grad;
    double uniform[2];

    (void)value;
    for (int64_t j = 0; j < dim; j++) {
        const student_column c = student_at(st, tile->theta, j);
        double sum_location = 0.0, sum_scale = 0.0, sum_nu = 0.0;
        for (int64_t k = j; k < tile->n * dim; k += dim) {
            const double moved = (double)g[k] * ((double)z[k] - c.location);
            sum_location += (double)g[k];
            sum_scale += moved;
            if (st->df_fixed) continue;
            student_uniforms(tile->seed, first + (uint64_t)k, uniform);
            const double a = -2.0 * nfi_log(uniform[0]) / c.nu;
            sum_nu += 0.5 * moved * (1.0 + a / nfi_expm1(-a));
        }
        if (!st->fixed) grad[j] += (real)sum_location;
        if (!st->fixed) grad[dim + j] += (real)sum_scale;
        if (!st->df_fixed) grad[2 * dim + j] += (real)sum_nu;
    }
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_student_ops) = {
    .reset = student_reset,
    .log_prob = student_log_prob,
    .backward = student_backward,
    .sample = student_sample,
    .sample_backward = student_sample_backward,
};

#if NFI_ONCE
static nf_status student_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_student_config *config = resolved;
    struct student *st = nf_maker_alloc(maker, (int64_t)sizeof *st);
    if (!st) return NF_ERR_MEMORY;
    *st = (struct student){ .dim = config->dim, .df = config->df, .fixed = config->fixed, .df_fixed = config->df_fixed };
    *dim = config->dim;
    *self = st;
    return NF_OK;
}

static nf_status student_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "location", "log_scale", "log_df" };
    const struct student *st = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY | ((i < 2 ? st->fixed : st->df_fixed) ? NF_PARAM_FROZEN : 0);
    param->offset = i * st->dim;
    param->rank = 1;
    param->shape[0] = st->dim;
    return NF_OK;
}

static const nf_field student_fields[] = {
    NFI_FIELD(nf_base_student_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_FIELD(nf_base_student_config, df, NF_FIELD_F64, NF_FIELD_INITIAL, STUDENT_DF, 0.1, 1e6, NULL,
              "Degrees of freedom at the start"),
    NFI_FIELD(nf_base_student_config, fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Location 0 and scale 1 are not trained"),
    NFI_FIELD(nf_base_student_config, df_fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Degrees of freedom are not trained"),
};
const nfi_base_type nfi_base_student_type = {
    .name = "student",
    .version = 1,
    .config = { .name = "base_student", .first_size = sizeof(nf_base_student_config),
                .size = sizeof(nf_base_student_config), .fields = student_fields, .n_fields = NFI_COUNT(student_fields) },
    .create = student_make,
    .param = student_param,
    .f32 = &nfi_base_student_ops_f32,
    .f64 = &nfi_base_student_ops_f64,
};

void nf_base_student_config_init(nf_base_student_config *config)
{
    if (config) *config = (nf_base_student_config)NF_BASE_STUDENT_CONFIG_INIT;
}

nf_status nf_base_student_create(nf_base **out, nf_context *context, const nf_base_student_config *config)
{
    return nfi_base_make(out, context, &nfi_base_student_type, config, "nf_base_student_create");
}
#endif
