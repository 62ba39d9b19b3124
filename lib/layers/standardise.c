/* SPDX-License-Identifier: MIT
 *
 * standardise.c - standardisation by constants
 *
 *   z_j = (x_j - mean_j) / sd_j          x, z in R^dim
 *   log|det dz/dx| = -sum_j log sd_j     (the same for every row)
 *
 * theta = (mean_0..mean_{dim-1}, sd_0..sd_{dim-1}), frozen: saved with the model, never trained. The config's arrays
 * only set their initial values; without them the layer is the identity.
 *
 * Check value: dim=1, mean=0.7, sd=1.3, x=2.385 -> z = 1.2961538462, log|det| = -0.2623642645
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"
#include "math/functions.h"

#define STANDARDISE_MAX 1e30 /* of |mean|, sd and 1 / sd: far inside the range of float */

extern const nf_layer_ops nfi_standardise_ops_f32, nfi_standardise_ops_f64;

struct standardise { /* immutable after creation */
    int64_t dim;
    const double *mean, *sd; /* initial values, or NULL */
};

static double standardise_log_det(const struct standardise *st, const real *sd)
{
    double sum = 0.0;
    for (int64_t j = 0; j < st->dim; j++) sum -= nfi_log((double)sd[j]);
    return sum;
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */
static nf_status standardise_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const struct standardise *st = self;
    real *mean = theta, *sd = mean + st->dim;

    (void)seed, (void)stream;
    for (int64_t j = 0; j < st->dim; j++) {
        mean[j] = (real)(st->mean ? st->mean[j] : 0.0);
        sd[j] = (real)(st->sd ? st->sd[j] : 1.0);
    }
    return NF_OK;
}

static nf_status standardise_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct standardise *st = self;
    const real *x = in, *mean = tile->theta, *sd = mean + st->dim;
    real *z = out;
    const double sum = standardise_log_det(st, sd);

    (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += st->dim, z += st->dim) {
        for (int64_t j = 0; j < st->dim; j++) z[j] = (real)(((double)x[j] - (double)mean[j]) / (double)sd[j]);
        tile->log_det[i] += sum;
    }
    return NF_OK;
}

static nf_status standardise_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct standardise *st = self;
    const real *z = out, *mean = tile->theta, *sd = mean + st->dim;
    real *x = in;
    const double sum = standardise_log_det(st, sd);

    for (int64_t i = 0; i < tile->n; i++, x += st->dim, z += st->dim) {
        for (int64_t j = 0; j < st->dim; j++) x[j] = (real)((double)sd[j] * (double)z[j] + (double)mean[j]);
        tile->log_det[i] -= sum;
    }
    return NF_OK;
}

/* to_ij = from_ij / sd_j: gradients and tangents alike; to may be from */
static void standardise_divide(const struct standardise *st, const nf_tile *tile, const real *from, real *to)
{
    const real *sd = (const real *)tile->theta + st->dim;
    for (int64_t i = 0; i < tile->n; i++, from += st->dim, to += st->dim)
        for (int64_t j = 0; j < st->dim; j++) to[j] = (real)((double)from[j] / (double)sd[j]);
}

/* dL/dx_ij = dL/dz_ij / sd_j; the parameters are frozen, and log|det| does not depend on x. */
static nf_status standardise_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                      const void *saved, void *g, const double *h)
{
    (void)in, (void)out, (void)saved, (void)h;
    standardise_divide(self, tile, g, g);
    return NF_OK;
}

/* w = sd v */
static nf_status standardise_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                              void *g_inout)
{
    const struct standardise *st = self;
    const real *sd = (const real *)tile->theta + st->dim;
    real *g = g_inout;

    (void)in, (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, g += st->dim)
        for (int64_t j = 0; j < st->dim; j++) g[j] = (real)((double)sd[j] * (double)g[j]);
    return NF_OK;
}

static nf_status standardise_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                                 void *d_out, double *d_log_det)
{
    (void)d_log_det;
    standardise_divide(self, tile, d_in, d_out);
    return standardise_forward(self, tile, in, out, NULL);
}

const nf_layer_ops NFI_NAME(nfi_standardise_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = standardise_reset,
    .forward = standardise_forward,
    .inverse = standardise_inverse,
    .backward = standardise_backward,
    .jvp = standardise_jvp,
    .inverse_backward = standardise_inverse_backward,
};

#if NFI_ONCE
static nf_status standardise_check(const char *name, int64_t n, int64_t dim)
{
    if (n == 0 || n == dim) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "nf_standardise_create: %s has %lld values, dim is %lld", name, (long long)n,
                    (long long)dim);
}

static nf_status standardise_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_standardise_config *config = resolved;
    struct standardise *st = nf_maker_alloc(maker, (int64_t)sizeof *st);
    if (!st) return NF_ERR_MEMORY;

    nf_status status = standardise_check("mean", config->n_mean, config->dim);
    if (status == NF_OK) status = standardise_check("sd", config->n_sd, config->dim);
    *st = (struct standardise){ .dim = config->dim, .mean = config->n_mean ? config->mean : NULL,
                                .sd = config->n_sd ? config->sd : NULL };
    *self = st;
    return status;
}

static nf_status standardise_describe(const void *self, nf_layer_info *info)
{
    const struct standardise *st = self;
    info->dim = st->dim;
    return NF_OK;
}

static nf_status standardise_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "mean", "sd" };
    const struct standardise *st = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_FROZEN;
    param->offset = i * st->dim;
    param->rank = 1;
    param->shape[0] = st->dim;
    return NF_OK;
}

static const nf_field standardise_fields[] = {
    NFI_FIELD(nf_standardise_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL,
              "Columns in and out"),
    NFI_ARRAY(nf_standardise_config, mean, n_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -STANDARDISE_MAX,
              STANDARDISE_MAX, "Mean of each column, 0 unless given"),
    NFI_ARRAY(nf_standardise_config, sd, n_sd, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, 1.0 / STANDARDISE_MAX,
              STANDARDISE_MAX, "Standard deviation of each column, 1 unless given"),
};
const nfi_config_type nfi_standardise_config_type =
    NFI_CONFIG_TYPE("standardise", nf_standardise_config, standardise_fields);
const nf_layer_type nfi_standardise_type = {
    NFI_LAYER_TYPE("standardise", nf_standardise_config, standardise_fields),
    .create = standardise_make,
    .describe = standardise_describe,
    .param = standardise_param,
    .f32 = &nfi_standardise_ops_f32,
    .f64 = &nfi_standardise_ops_f64,
};

void nf_standardise_config_init(nf_standardise_config *config)
{
    if (config) *config = (nf_standardise_config)NF_STANDARDISE_CONFIG_INIT;
}

nf_status nf_standardise_create(nf_layer **out, nf_context *context, const nf_standardise_config *config)
{
    return nfi_layer_make(out, context, &nfi_standardise_type, config, "nf_standardise_create");
}
#endif
