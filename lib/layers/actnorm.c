/* SPDX-License-Identifier: MIT
 *
 * actnorm.c - activation normalisation
 *
 *   z_j = exp(s_j) (x_j + b_j)          x, z in R^dim
 *   log|det dz/dx| = sum_j s_j          (the same for every row)
 *
 * theta = (s_0..s_{dim-1}, b_0..b_{dim-1}, initialised): theta = 0 is the identity. From the first batch, init sets
 * b = -mean and s = -log sd, so that z has mean 0 and variance 1 there, and the flag, which is saved with the model: a
 * loaded flow is not initialised again. Mean and variance take two passes in double: one pass in float loses all
 * digits of the variance at mean 1e6, sd 1. A column that does not vary is refused, because a floor under sd would
 * only hide it behind a huge scale.
 *
 * Check value: dim=1, s=0.7, b=-1.3, x=2.385 -> z = 2.1849216876, log|det| = 0.7;
 * init from x = (1, 2, 4): b = -7/3, s = -0.2209163761
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"
#include "math/functions.h"

#define ACTNORM_MAX_LOG_SCALE 7.0 /* of init: exp(7) = 1097 */
#define ACTNORM_DEGENERATE 1e-6   /* sd <= this (|mean| + 1) does not vary: the resolution of float data */
#define ACTNORM_MIN_ROWS 2

extern const nf_layer_ops nfi_actnorm_ops_f32, nfi_actnorm_ops_f64;

struct actnorm { /* immutable after creation */
    int64_t dim;
};

/* Fills scale[j] = exp(sign s_j) and returns sum_j s_j. */
static double actnorm_fill_scales(const struct actnorm *an, const real *s, double sign, double *scale)
{
    double sum = 0.0;
    for (int64_t j = 0; j < an->dim; j++) {
        scale[j] = nfi_exp(sign * (double)s[j]);
        sum += (double)s[j];
    }
    return sum;
}

/* Mean and standard deviation of column j, two passes in double. */
static void actnorm_moments(int64_t n, int64_t dim, const real *x, int64_t j, double *mean, double *sd)
{
    double sum = 0.0, square = 0.0, rest = 0.0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i * dim + j];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double r = (double)x[i * dim + j] - *mean;
        square += r * r;
        rest += r; /* what rounding left in the mean */
    }
    *sd = nfi_sqrt((square - rest * rest / (double)n) / (double)n);
}

static bool actnorm_varies(double mean, double sd)
{
    return sd > ACTNORM_DEGENERATE * ((mean < 0.0 ? -mean : mean) + 1.0); /* false for NaN */
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */
static nf_status actnorm_init(const void *self, const nf_tile *tile, const void *in, void *theta)
{
    const struct actnorm *an = self;
    const int64_t dim = an->dim;
    const real *x = in;
    real *s = theta, *b = s + dim;
    double mean, sd;

    if (tile->n < ACTNORM_MIN_ROWS)
        return nfi_fail(NF_ERR_DEGENERATE, "actnorm: %lld rows to initialise from, at least %d are needed",
                        (long long)tile->n, ACTNORM_MIN_ROWS);
    for (int64_t j = 0; j < dim; j++) { /* before theta is touched */
        actnorm_moments(tile->n, dim, x, j, &mean, &sd);
        if (!actnorm_varies(mean, sd))
            return nfi_fail(NF_ERR_DEGENERATE, "actnorm: column %lld does not vary: mean %g, standard deviation %g",
                            (long long)j, mean, sd);
    }
    for (int64_t j = 0; j < dim; j++) {
        actnorm_moments(tile->n, dim, x, j, &mean, &sd);
        const double log_sd = nfi_log(sd);
        const double low = log_sd < -ACTNORM_MAX_LOG_SCALE ? -ACTNORM_MAX_LOG_SCALE : log_sd;
        s[j] = (real)-(low > ACTNORM_MAX_LOG_SCALE ? ACTNORM_MAX_LOG_SCALE : low);
        b[j] = (real)-mean;
    }
    b[dim] = 1; /* initialised */
    return NF_OK;
}

static nf_status actnorm_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct actnorm *an = self;
    const real *x = in, *s = tile->theta, *b = s + an->dim;
    real *z = out;
    double *scale = tile->scratch;
    const double sum = actnorm_fill_scales(an, s, 1.0, scale);

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < tile->n; i++, x += an->dim, z += an->dim) {
        for (int64_t j = 0; j < an->dim; j++) z[j] = (real)(scale[j] * ((double)x[j] + (double)b[j]));
        tile->log_det[i] += sum;
    }
    return NF_OK;
}

static nf_status actnorm_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct actnorm *an = self;
    const real *z = out, *s = tile->theta, *b = s + an->dim;
    real *x = in;
    double *scale = tile->scratch;
    const double sum = actnorm_fill_scales(an, s, -1.0, scale);

    for (int64_t i = 0; i < tile->n; i++, x += an->dim, z += an->dim) {
        for (int64_t j = 0; j < an->dim; j++) x[j] = (real)(scale[j] * (double)z[j] - (double)b[j]);
        tile->log_det[i] -= sum;
    }
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det:
 *   dL/dx_ij = g_ij exp(s_j),   dL/db_j = sum_i g_ij exp(s_j),
 *   dL/ds_j  = sum_i (g_ij exp(s_j) (x_ij + b_j) + h_i);   the flag has no gradient. */
static nf_status actnorm_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                  const void *saved, void *g_inout, const double *h)
{
    const struct actnorm *an = self;
    const int64_t dim = an->dim;
    const real *x = in, *s = tile->theta, *b = s + dim;
    real *g = g_inout, *grad = tile->grad;

    (void)out, (void)saved;
    for (int64_t j = 0; j < dim; j++) {
        const double scale = nfi_exp((double)s[j]);
        double sum_s = 0.0, sum_b = 0.0;
        for (int64_t i = 0; i < tile->n; i++) {
            const double gx = (double)g[i * dim + j] * scale;
            sum_s += gx * ((double)x[i * dim + j] + (double)b[j]) + h[i];
            sum_b += gx;
            g[i * dim + j] = (real)gx;
        }
        if (!grad) continue; /* only dL/dx was asked for */
        grad[j] += (real)sum_s;
        grad[dim + j] += (real)sum_b;
    }
    return NF_OK;
}

/* dz = exp(s) dx; log|det| does not depend on x. */
static nf_status actnorm_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                             void *d_out, double *d_log_det)
{
    const struct actnorm *an = self;
    const real *dx = d_in;
    real *dz = d_out;
    const double *scale = tile->scratch; /* left there by forward */

    (void)d_log_det;
    const nf_status status = actnorm_forward(self, tile, in, out, NULL);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < an->dim; j++)
            dz[i * an->dim + j] = (real)(scale[j] * (double)dx[i * an->dim + j]);
    return status;
}

const nf_layer_ops NFI_NAME(nfi_actnorm_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .init = actnorm_init,
    .forward = actnorm_forward,
    .inverse = actnorm_inverse,
    .backward = actnorm_backward,
    .jvp = actnorm_jvp,
};

#if NFI_ONCE
static nf_status actnorm_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_actnorm_config *config = resolved;
    struct actnorm *an = nf_maker_alloc(maker, (int64_t)sizeof *an);
    if (!an) return NF_ERR_MEMORY;
    an->dim = config->dim;
    *self = an;
    return NF_OK;
}

static nf_status actnorm_describe(const void *self, nf_layer_info *info)
{
    const struct actnorm *an = self;
    info->dim = an->dim;
    info->scratch_fixed = an->dim * (int64_t)sizeof(double);
    info->needs_init = 1;
    return NF_OK;
}

static nf_status actnorm_param(const void *self, int32_t i, nf_param *param)
{
    static const struct {
        const char *name;
        int32_t properties, rank;
    } views[] = { { "log_scale", NF_PARAM_NO_DECAY, 1 },
                  { "shift", NF_PARAM_NO_DECAY, 1 },
                  { "initialised", NF_PARAM_FROZEN, 0 } };
    const struct actnorm *an = self;

    if (i < 0 || i >= NFI_COUNT(views)) return NF_ERR_ARG;
    memcpy(param->name, views[i].name, strlen(views[i].name) + 1);
    param->properties = views[i].properties;
    param->offset = i * an->dim;
    param->rank = views[i].rank;
    if (param->rank == 1) param->shape[0] = an->dim;
    return NF_OK;
}

static const nf_field actnorm_fields[] = {
    NFI_FIELD(nf_actnorm_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
};
const nfi_config_type nfi_actnorm_config_type = NFI_CONFIG_TYPE("actnorm", nf_actnorm_config, actnorm_fields);
const nf_layer_type nfi_actnorm_type = {
    NFI_LAYER_TYPE("actnorm", nf_actnorm_config, actnorm_fields),
    .create = actnorm_make,
    .describe = actnorm_describe,
    .param = actnorm_param,
    .f32 = &nfi_actnorm_ops_f32,
    .f64 = &nfi_actnorm_ops_f64,
};

void nf_actnorm_config_init(nf_actnorm_config *config)
{
    if (config) *config = (nf_actnorm_config)NF_ACTNORM_CONFIG_INIT;
}

nf_status nf_actnorm_create(nf_layer **out, nf_context *context, const nf_actnorm_config *config)
{
    return nfi_layer_make(out, context, &nfi_actnorm_type, config, "nf_actnorm_create");
}
#endif
