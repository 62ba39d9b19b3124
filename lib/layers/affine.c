/* SPDX-License-Identifier: MIT
 *
 * affine.c - elementwise affine layer
 *
 *   z_j = exp(s_j) x_j + t_j,   s_j = m tanh(a_j / m)          x, z in R^dim
 *   log|det dz/dx| = sum_j s_j                     (the same for every row)
 *
 * theta = (a_0..a_{dim-1}, t_0..t_{dim-1}), 2 dim values; theta = 0 is the identity.
 * Tanh, rather than clamping, keeps |s| < m (exp cannot overflow) without a region of zero gradient.
 *
 * Check value: dim=1, m=3, a=0.7, t=-1.3, x=2.385 -> z = 3.4434566166, log|det| = 0.6875669896
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "math/functions.h"

extern const nf_layer_ops nfi_affine_ops_f32, nfi_affine_ops_f64;

struct affine { /* hyper-parameters only, immutable after creation */
    int64_t dim;
    double bound; /* m above */
};

/* Fills scale[j] = exp(sign s_j) and returns sum_j s_j. */
static double affine_fill_scales(const struct affine *af, const real *a, double sign, double *scale)
{
    double sum = 0.0;
    for (int64_t j = 0; j < af->dim; j++) {
        const double s = af->bound * nfi_tanh((double)a[j] / af->bound);
        scale[j] = nfi_exp(sign * s);
        sum += s;
    }
    return sum;
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */
static nf_status affine_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct affine *af = self;
    const real *x = in, *a = tile->theta, *t = a + af->dim;
    real *z = out;
    double *scale = tile->scratch;
    const double sum = affine_fill_scales(af, a, 1.0, scale);

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < tile->n; i++, x += af->dim, z += af->dim) {
        for (int64_t j = 0; j < af->dim; j++) z[j] = (real)(scale[j] * (double)x[j] + (double)t[j]);
        tile->log_det[i] += sum; /* layers add; the flow starts from zero */
    }
    return NF_OK;
}

static nf_status affine_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct affine *af = self;
    const real *z = out, *a = tile->theta, *t = a + af->dim;
    real *x = in;
    double *scale = tile->scratch;
    const double sum = affine_fill_scales(af, a, -1.0, scale);

    for (int64_t i = 0; i < tile->n; i++, x += af->dim, z += af->dim) {
        for (int64_t j = 0; j < af->dim; j++) x[j] = (real)(((double)z[j] - (double)t[j]) * scale[j]);
        tile->log_det[i] -= sum;
    }
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det and u_j = sum_i (g_ij exp(s_j) x_ij + h_i):
 *   dL/dx_ij = g_ij exp(s_j),   dL/dt_j = sum_i g_ij
 *   dL/da_j  = u_j ds_j/da_j,   ds_j/da_j = 1 - tanh^2(a_j / m)
 */
static nf_status affine_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                 const void *saved, void *g_inout, const double *h)
{
    const struct affine *af = self;
    const int64_t dim = af->dim;
    const real *x = in, *a = tile->theta;
    real *g = g_inout, *grad = tile->grad;
    double *scale = tile->scratch;

    (void)out, (void)saved;
    (void)affine_fill_scales(af, a, 1.0, scale);
    for (int64_t j = 0; j < dim; j++) {
        const double r = nfi_tanh((double)a[j] / af->bound);
        double u = 0.0, sum_g = 0.0;
        for (int64_t i = 0; i < tile->n; i++) {
            const double gz = (double)g[i * dim + j], gx = gz * scale[j];
            u += gx * (double)x[i * dim + j] + h[i];
            sum_g += gz;
            g[i * dim + j] = (real)gx;
        }
        if (!grad) continue; /* only dL/dx was asked for */
        grad[j] += (real)(u * (1.0 - r * r));
        grad[dim + j] += (real)sum_g;
    }
    return NF_OK;
}

/* w = exp(-s) v */
static nf_status affine_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                         void *g_inout)
{
    const struct affine *af = self;
    double *scale = tile->scratch;
    real *g = g_inout;

    (void)in, (void)out, (void)saved;
    (void)affine_fill_scales(af, tile->theta, -1.0, scale);
    for (int64_t i = 0; i < tile->n; i++, g += af->dim)
        for (int64_t j = 0; j < af->dim; j++) g[j] = (real)(scale[j] * (double)g[j]);
    return NF_OK;
}

/* dz = exp(s) dx; log|det| does not depend on x. */
static nf_status affine_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                            void *d_out, double *d_log_det)
{
    const struct affine *af = self;
    const real *dx = d_in;
    real *dz = d_out;
    const double *scale = tile->scratch; /* left there by forward */

    (void)d_log_det;
    const nf_status status = affine_forward(self, tile, in, out, NULL);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < af->dim; j++)
            dz[i * af->dim + j] = (real)(scale[j] * (double)dx[i * af->dim + j]);
    return status;
}

const nf_layer_ops NFI_NAME(nfi_affine_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = affine_forward,
    .inverse = affine_inverse,
    .backward = affine_backward,
    .jvp = affine_jvp,
    .inverse_backward = affine_inverse_backward,
};

#if NFI_ONCE
static nf_status affine_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_affine_config *config = resolved;
    struct affine *af = nf_maker_alloc(maker, (int64_t)sizeof *af);
    if (!af) return NF_ERR_MEMORY;
    *af = (struct affine){ .dim = config->dim, .bound = config->bound };
    *self = af;
    return NF_OK;
}

static nf_status affine_describe(const void *self, nf_layer_info *info)
{
    const struct affine *af = self;
    info->dim = af->dim;
    info->scratch_fixed = af->dim * (int64_t)sizeof(double);
    return NF_OK;
}

static nf_status affine_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "log_scale", "shift" };
    const struct affine *af = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i * af->dim;
    param->rank = 1;
    param->shape[0] = af->dim;
    return NF_OK;
}

static const nf_field affine_fields[] = {
    NFI_FIELD(nf_affine_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_FIELD(nf_affine_config, bound, NF_FIELD_F64, 0, 7, 1e-3, 80, NULL, "Largest log-scale"),
};
const nfi_config_type nfi_affine_config_type = NFI_CONFIG_TYPE("affine", nf_affine_config, affine_fields);
const nf_layer_type nfi_affine_type = {
    NFI_LAYER_TYPE("affine", nf_affine_config, affine_fields),
    .create = affine_make,
    .describe = affine_describe,
    .param = affine_param,
    .f32 = &nfi_affine_ops_f32,
    .f64 = &nfi_affine_ops_f64,
};

void nf_affine_config_init(nf_affine_config *config)
{
    if (config) *config = (nf_affine_config)NF_AFFINE_CONFIG_INIT;
}

nf_status nf_affine_create(nf_layer **out, nf_context *context, const nf_affine_config *config)
{
    return nfi_layer_make(out, context, &nfi_affine_type, config, "nf_affine_create");
}
#endif
