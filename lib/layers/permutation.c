/* SPDX-License-Identifier: MIT
 *
 * permutation.c - permutation of columns
 *
 *   z_j = x_{p(j)},   x_{p(j)} = z_j,   log|det dz/dx| = 0 exactly
 *
 * No parameters. p is part of the config: create replaces a random or reversed permutation by its index, so that model
 * files hold p itself and do not depend on the generator.
 *
 * Check value: p = (2, 0, 1), x = (0.7, -1.3, 2.385) -> z = (2.385, 0.7, -1.3), log|det| = 0
 * Ref: Dinh, Krueger, Bengio, "NICE", arXiv:1410.8516.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/rng.h"
#include "core/status.h"

extern const nf_layer_ops nfi_permutation_ops_f32, nfi_permutation_ops_f64;

struct permutation { /* immutable after creation */
    int64_t dim;
    const int64_t *p;
};

/* z_j = x_{p(j)} for n rows */
static void permutation_gather(const struct permutation *pm, int64_t n, const real *x, real *z)
{
    for (int64_t i = 0; i < n; i++, x += pm->dim, z += pm->dim)
        for (int64_t j = 0; j < pm->dim; j++) z[j] = x[pm->p[j]];
}

/* x_{p(j)} = z_j for n rows */
static void permutation_scatter(const struct permutation *pm, int64_t n, const real *z, real *x)
{
    for (int64_t i = 0; i < n; i++, x += pm->dim, z += pm->dim)
        for (int64_t j = 0; j < pm->dim; j++) x[pm->p[j]] = z[j];
}

/* Operations: the contract is nflow/layer_type.h; log_det gets nothing added. */
static nf_status permutation_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)saved;
    permutation_gather(self, tile->n, in, out);
    return NF_OK;
}

static nf_status permutation_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    permutation_scatter(self, tile->n, out, in);
    return NF_OK;
}

/* dL/dx_{p(j)} = dL/dz_j, through one row of scratch because g is input and output. */
static nf_status permutation_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                      const void *saved, void *g_inout, const double *h)
{
    const struct permutation *pm = self;
    real *g = g_inout, *row = tile->scratch;

    (void)in, (void)out, (void)saved, (void)h;
    for (int64_t i = 0; i < tile->n; i++, g += pm->dim) {
        memcpy(row, g, (size_t)pm->dim * sizeof *g);
        permutation_scatter(pm, 1, row, g);
    }
    return NF_OK;
}

/* P^T w = v: w = P v. */
static nf_status permutation_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                              void *g_inout)
{
    const struct permutation *pm = self;
    real *g = g_inout, *row = tile->scratch;

    (void)in, (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, g += pm->dim) {
        memcpy(row, g, (size_t)pm->dim * sizeof *g);
        permutation_gather(pm, 1, row, g);
    }
    return NF_OK;
}

static nf_status permutation_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                                 void *d_out, double *d_log_det)
{
    (void)d_log_det;
    permutation_gather(self, tile->n, in, out);
    permutation_gather(self, tile->n, d_in, d_out);
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_permutation_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = permutation_forward,
    .inverse = permutation_inverse,
    .backward = permutation_backward,
    .jvp = permutation_jvp,
    .inverse_backward = permutation_inverse_backward,
};

#if NFI_ONCE
static const char permutation_function[] = "nf_permutation_create";

static nf_status permutation_given(nf_maker *maker, const nf_permutation_config *config)
{
    if (config->kind == NF_PERMUTATION_REVERSE)
        return nfi_fail(NF_ERR_ARG, "%s: index is given, but kind is reverse", permutation_function);
    if (config->n_index != config->dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: index has %lld values, dim is %lld", permutation_function,
                        (long long)config->n_index, (long long)config->dim);
    unsigned char *seen = nfi_maker_alloc(maker, config->dim, 1);
    return seen ? nfi_config_mark(permutation_function, "index", config->index, config->dim, config->dim, seen) : NF_ERR_MEMORY;
}

static nf_status permutation_drawn(nf_maker *maker, nf_permutation_config *config)
{
    if (config->kind == NF_PERMUTATION_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: kind is index, but index is empty", permutation_function);
    int64_t *p = nfi_maker_alloc(maker, config->dim, (int64_t)sizeof *p);
    if (!p) return NF_ERR_MEMORY;
    if (config->kind == NF_PERMUTATION_RANDOM)
        nfi_random_permutation(config->seed, NFI_STREAM_PERMUTATION, 0, config->dim, p);
    else
        for (int64_t j = 0; j < config->dim; j++) p[j] = config->dim - 1 - j;
    config->index = p;
    config->n_index = config->dim;
    return NF_OK;
}

static nf_status permutation_make(nf_maker *maker, void *resolved, void **self)
{
    nf_permutation_config *config = resolved;
    struct permutation *pm = nf_maker_alloc(maker, (int64_t)sizeof *pm);
    if (!pm) return NF_ERR_MEMORY;
    const nf_status status = config->n_index > 0 ? permutation_given(maker, config) : permutation_drawn(maker, config);
    if (status != NF_OK) return status;
    config->kind = NF_PERMUTATION_INDEX;
    config->seed = 0;
    *pm = (struct permutation){ .dim = config->dim, .p = config->index };
    *self = pm;
    return NF_OK;
}

static nf_status permutation_describe(const void *self, nf_layer_info *info)
{
    const struct permutation *pm = self;
    info->dim = pm->dim;
    info->scratch_fixed = pm->dim * (int64_t)sizeof(double);
    return NF_OK;
}

static const nf_field permutation_fields[] = {
    NFI_FIELD(nf_permutation_config, kind, NF_FIELD_CHOICE, 0, NF_PERMUTATION_RANDOM, 1, 3, "index,random,reverse",
              "Which permutation; index when index is given"),
    NFI_FIELD(nf_permutation_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL,
              "Columns in and out"),
    NFI_FIELD(nf_permutation_config, seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "Seed of the random one"),
    NFI_ARRAY(nf_permutation_config, index, n_index, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM,
              "Column of x that becomes column j of z, for each j"),
};
const nfi_config_type nfi_permutation_config_type =
    NFI_CONFIG_TYPE("permutation", nf_permutation_config, permutation_fields);
const nf_layer_type nfi_permutation_type = {
    NFI_LAYER_TYPE("permutation", nf_permutation_config, permutation_fields),
    .create = permutation_make,
    .describe = permutation_describe,
    .f32 = &nfi_permutation_ops_f32,
    .f64 = &nfi_permutation_ops_f64,
};

void nf_permutation_config_init(nf_permutation_config *config)
{
    if (config) *config = (nf_permutation_config)NF_PERMUTATION_CONFIG_INIT;
}

nf_status nf_permutation_create(nf_layer **out, nf_context *context, const nf_permutation_config *config)
{
    return nfi_layer_make(out, context, &nfi_permutation_type, config, permutation_function);
}
#endif
