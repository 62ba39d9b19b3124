/* SPDX-License-Identifier: MIT
 *
 * householder.c - an orthogonal matrix, as a product of reflections
 *
 *   z = H_k ... H_1 x,   H_r = I - s_r v_r v_r^T,   s_r = 2 / |v_r|^2        (0 where |v_r|^2 is 0: no reflection)
 *   log|det dz/dx| = 0, and the inverse is H_1 ... H_k z
 *
 * theta = v [k][dim]. dim reflections make every orthogonal matrix with determinant (-1)^dim; fewer leave dim - k dimensions alone
 * (k < dim). The length of v_r has no effect; v starts as normal numbers. reflect.c does the work, in double.
 *
 * Check value: dim=2, k=2, v=(0.7, -1.3; 2, 0.4), x=(0.7, 2.385) -> z = (-1.9134932957, -1.5864326041)
 * Ref: Tomczak, Welling, "Improving Variational Auto-Encoders using Householder Flow", arXiv:1611.09630.
 */
#include "core/real.h"
#include "layers/layer.h"
#include "layers/reflect.h"

#include <string.h>

#include "math/functions.h"

#define HOUSEHOLDER_MAX 4096 /* dim and reflections: v takes 128 MB beyond */

extern const nf_layer_ops nfi_householder_ops_f32, nfi_householder_ops_f64;

struct householder { /* immutable after creation */
    int64_t dim, k;
};

typedef struct householder_scratch {
    double *y, *g; /* [n][dim] each */
    double *s;     /* [k] */
    double *sum;   /* [dim] */
    nfi_reflections h;
} householder_scratch;

static householder_scratch householder_memory(const struct householder *hh, const nf_tile *tile)
{
    householder_scratch m = { .y = tile->scratch };
    m.g = m.y + tile->n * hh->dim;
    m.s = m.g + tile->n * hh->dim;
    m.sum = m.s + hh->k;
    m.h = (nfi_reflections){ .dim = hh->dim, .k = hh->k, .v = tile->theta, .s = m.s };
    nfi_reflect_scales(hh->dim, hh->k, tile->theta, m.s);
    return m;
}

/* from and to may be one */
static void householder_map(const struct householder *hh, const nf_tile *tile, bool inverse, const real *from, real *to)
{
    const householder_scratch m = householder_memory(hh, tile);
    const int64_t count = tile->n * hh->dim;

    for (int64_t i = 0; i < count; i++) m.y[i] = (double)from[i];
    nfi_reflect_rows(&m.h, inverse, tile->n, m.y);
    for (int64_t i = 0; i < count; i++) to[i] = (real)m.y[i];
}

static nf_status householder_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)saved;
    householder_map(self, tile, false, in, out);
    return NF_OK;
}

static nf_status householder_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    householder_map(self, tile, true, out, in);
    return NF_OK;
}

/* g becomes Q^T g, and dL/dv is that of the reflections one by one: reflect.c */
static nf_status householder_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                      const double *g_log_det)
{
    const struct householder *hh = self;
    const householder_scratch m = householder_memory(hh, tile);
    const int64_t count = tile->n * hh->dim;
    const real *x = in;
    real *gradient = g;

    (void)out, (void)saved, (void)g_log_det;
    for (int64_t i = 0; i < count; i++) m.y[i] = (double)x[i], m.g[i] = (double)gradient[i];
    nfi_reflect_rows(&m.h, false, tile->n, m.y);
    nfi_reflect_back(&m.h, false, tile->n, m.y, m.g, m.sum, tile->grad);
    for (int64_t i = 0; i < count; i++) gradient[i] = (real)m.g[i];
    return NF_OK;
}

/* Q^T w = v: w = Q v */
static nf_status householder_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    (void)in, (void)out, (void)saved;
    householder_map(self, tile, false, g, g);
    return NF_OK;
}

/* dz = Q dx */
static nf_status householder_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                                 double *d_log_det)
{
    (void)d_log_det;
    householder_map(self, tile, false, in, out);
    householder_map(self, tile, false, d_in, d_out);
    return NF_OK;
}

static nf_status householder_reset(const void *self, uint64_t seed, uint32_t stream, void *to)
{
    const struct householder *hh = self;
    real *v = to;
    for (int64_t i = 0; i < hh->k * hh->dim; i++) v[i] = (real)nfi_normal(seed, stream, (uint64_t)i);
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_householder_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = householder_reset,
    .forward = householder_forward,
    .inverse = householder_inverse,
    .backward = householder_backward,
    .jvp = householder_jvp,
    .inverse_backward = householder_inverse_backward,
};

#if NFI_ONCE
static nf_status householder_make(nf_maker *maker, void *resolved, void **self)
{
    nf_householder_config *config = resolved;
    struct householder *hh = nf_maker_alloc(maker, (int64_t)sizeof *hh);
    if (!hh) return NF_ERR_MEMORY;
    if (!config->reflections) config->reflections = config->dim;
    *hh = (struct householder){ .dim = config->dim, .k = config->reflections };
    *self = hh;
    return NF_OK;
}

static nf_status householder_describe(const void *self, nf_layer_info *info)
{
    const struct householder *hh = self;
    info->dim = hh->dim;
    info->scratch_row = 2 * hh->dim * (int64_t)sizeof(double);
    info->scratch_fixed = (hh->k + hh->dim) * (int64_t)sizeof(double);
    info->flop_row = 4.0 * (double)hh->k * (double)hh->dim;
    return NF_OK;
}

static nf_status householder_param(const void *self, int32_t i, nf_param *param)
{
    const struct householder *hh = self;
    if (i != 0) return NF_ERR_ARG;
    memcpy(param->name, "v", 2);
    param->properties = NF_PARAM_NO_DECAY; /* its length means nothing */
    param->rank = 2;
    param->shape[0] = hh->k;
    param->shape[1] = hh->dim;
    return NF_OK;
}

static const nf_field householder_fields[] = {
    NFI_FIELD(nf_householder_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, HOUSEHOLDER_MAX, NULL, "Columns in and out"),
    NFI_FIELD(nf_householder_config, reflections, NF_FIELD_I64, 0, 0, 0, HOUSEHOLDER_MAX, NULL, "Reflections; 0: as many as columns"),
};
const nfi_config_type nfi_householder_config_type = NFI_CONFIG_TYPE("householder", nf_householder_config, householder_fields);
const nf_layer_type nfi_householder_type = {
    NFI_LAYER_TYPE("householder", nf_householder_config, householder_fields),
    .create = householder_make,
    .describe = householder_describe,
    .param = householder_param,
    .f32 = &nfi_householder_ops_f32,
    .f64 = &nfi_householder_ops_f64,
};

void nf_householder_config_init(nf_householder_config *config)
{
    if (config) *config = (nf_householder_config)NF_HOUSEHOLDER_CONFIG_INIT;
}

nf_status nf_householder_create(nf_layer **out, nf_context *context, const nf_householder_config *config)
{
    return nfi_layer_make(out, context, &nfi_householder_type, config, "nf_householder_create");
}
#endif
