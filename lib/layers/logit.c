/* SPDX-License-Identifier: MIT
 *
 * logit.c - logit of the unit interval
 *
 *   p_j = alpha + (1 - 2 alpha) x_j,   z_j = log(p_j / (1 - p_j)),          x in [0, 1]^dim
 *   log|det dz/dx| = sum_j softplus(z_j) + softplus(-z_j) + log(1 - 2 alpha)
 *
 * No parameters. alpha keeps z finite at 0 and 1. 1 - p is formed as alpha + (1 - 2 alpha) (1 - x), which keeps its
 * digits near x = 1. log|det| comes from z, in both directions. x outside [0, 1] is an error, never clipped; the
 * inverse of a z beyond logit(1 - alpha), which no x maps to, is the nearest end of [0, 1], so that what the layer
 * generates can be evaluated.
 *
 * Check value: dim=1, alpha=0.05, x=0.2385 -> z = -1.0219383780, log|det| = 1.5313952677
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/layer.h"

#include "core/status.h"
#include "math/functions.h"

extern const nf_layer_ops nfi_logit_ops_f32, nfi_logit_ops_f64;

struct logit { /* immutable after creation */
    int64_t dim;
    double alpha, width; /* width = 1 - 2 alpha */
};

static double logit_p(const struct logit *lg, double x) { return lg->alpha + lg->width * x; }
static double logit_q(const struct logit *lg, double x) { return lg->alpha + lg->width * (1.0 - x); }

/* log|dz/dx| but for the constant log(1 - 2 alpha) */
static double logit_log_slope(double z) { return nfi_softplus(z) + nfi_softplus(-z); }

/* Operations: the contract is nflow/layer_type.h. */
static nf_status logit_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct logit *lg = self;
    const real *x = in;
    real *to = out;
    const double constant = (double)lg->dim * nfi_log(lg->width);

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < tile->n; i++, x += lg->dim, to += lg->dim) {
        double sum = 0.0;
        for (int64_t j = 0; j < lg->dim; j++) {
            const double xj = (double)x[j];
            if (xj < 0.0 || xj > 1.0) /* NaN passes and makes its row NaN */
                return nfi_fail(NF_ERR_DOMAIN, "logit: row %lld, column %lld is %g, not in [0, 1]",
                                (long long)(tile->row + i), (long long)j, xj);
            const double z = nfi_log(logit_p(lg, xj)) - nfi_log(logit_q(lg, xj));
            to[j] = (real)z;
            sum += logit_log_slope(z);
        }
        tile->log_det[i] += sum + constant;
    }
    return NF_OK;
}

/* x = (sigmoid(z) - alpha) / (1 - 2 alpha) */
static nf_status logit_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct logit *lg = self;
    const real *from = out;
    real *x = in;
    const double constant = (double)lg->dim * nfi_log(lg->width);

    for (int64_t i = 0; i < tile->n; i++, x += lg->dim, from += lg->dim) {
        double sum = 0.0;
        for (int64_t j = 0; j < lg->dim; j++) {
            const double z = (double)from[j], xj = (nfi_sigmoid(z) - lg->alpha) / lg->width;
            x[j] = (real)(xj < 0.0 ? 0.0 : xj > 1.0 ? 1.0 : xj);
            sum += logit_log_slope(z);
        }
        tile->log_det[i] -= sum + constant;
    }
    return NF_OK;
}

/* With q = 1 - p: log|dz/dx| = log(1 - 2 alpha) - log p - log q, hence
 *   dz/dx = (1 - 2 alpha) / (p q),   d log|dz/dx| / dx = (1 - 2 alpha) (1 / q - 1 / p),
 *   dL/dx = g dz/dx + h d log|dz/dx| / dx. */
static nf_status logit_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                const void *saved, void *g_inout, const double *h)
{
    const struct logit *lg = self;
    const real *x = in;
    real *g = g_inout;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += lg->dim, g += lg->dim)
        for (int64_t j = 0; j < lg->dim; j++) {
            const double p = logit_p(lg, (double)x[j]), q = logit_q(lg, (double)x[j]);
            g[j] = (real)(lg->width * ((double)g[j] / (p * q) + h[i] * (1.0 / q - 1.0 / p)));
        }
    return NF_OK;
}

/* w = v p q / (1 - 2 alpha) */
static nf_status logit_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                        void *g_inout)
{
    const struct logit *lg = self;
    const real *x = in;
    real *g = g_inout;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += lg->dim, g += lg->dim)
        for (int64_t j = 0; j < lg->dim; j++)
            g[j] = (real)((double)g[j] * logit_p(lg, (double)x[j]) * logit_q(lg, (double)x[j]) / lg->width);
    return NF_OK;
}

static nf_status logit_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                           void *d_out, double *d_log_det)
{
    const struct logit *lg = self;
    const real *x = in, *dx = d_in;
    real *dz = d_out;

    for (int64_t i = 0; i < tile->n; i++, x += lg->dim, dx += lg->dim, dz += lg->dim)
        for (int64_t j = 0; j < lg->dim; j++) {
            const double p = logit_p(lg, (double)x[j]), q = logit_q(lg, (double)x[j]);
            dz[j] = (real)(lg->width * (double)dx[j] / (p * q));
            d_log_det[i] += lg->width * (double)dx[j] * (1.0 / q - 1.0 / p);
        }
    return logit_forward(self, tile, in, out, NULL);
}

const nf_layer_ops NFI_NAME(nfi_logit_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = logit_forward,
    .inverse = logit_inverse,
    .backward = logit_backward,
    .jvp = logit_jvp,
    .inverse_backward = logit_inverse_backward,
};

#if NFI_ONCE
static nf_status logit_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_logit_config *config = resolved;
    struct logit *lg = nf_maker_alloc(maker, (int64_t)sizeof *lg);
    if (!lg) return NF_ERR_MEMORY;
    *lg = (struct logit){ .dim = config->dim, .alpha = config->alpha, .width = 1.0 - 2.0 * config->alpha };
    *self = lg;
    return NF_OK;
}

static nf_status logit_describe(const void *self, nf_layer_info *info)
{
    const struct logit *lg = self;
    info->dim = lg->dim;
    return NF_OK;
}

static const nf_field logit_fields[] = {
    NFI_FIELD(nf_logit_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_FIELD(nf_logit_config, alpha, NF_FIELD_F64, 0, 1e-6, 1e-12, 0.25, NULL,
              "Margin that keeps the logit of 0 and 1 finite"),
};
const nfi_config_type nfi_logit_config_type = NFI_CONFIG_TYPE("logit", nf_logit_config, logit_fields);
const nf_layer_type nfi_logit_type = {
    NFI_LAYER_TYPE("logit", nf_logit_config, logit_fields),
    .create = logit_make,
    .describe = logit_describe,
    .f32 = &nfi_logit_ops_f32,
    .f64 = &nfi_logit_ops_f64,
};

void nf_logit_config_init(nf_logit_config *config)
{
    if (config) *config = (nf_logit_config)NF_LOGIT_CONFIG_INIT;
}

nf_status nf_logit_create(nf_layer **out, nf_context *context, const nf_logit_config *config)
{
    return nfi_layer_make(out, context, &nfi_logit_type, config, "nf_logit_create");
}
#endif
