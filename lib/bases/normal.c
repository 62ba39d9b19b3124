/* SPDX-License-Identifier: MIT
 *
 * normal.c - standard normal base
 *
 *   log p(z) = -(|z|^2 + dim log(2 pi)) / 2,   d log p / dz_j = -z_j
 *   samples: z_j = temperature t_g eps_j, eps standard normal, g the group of column j
 *
 * Groups of consecutive columns, such as the levels of a multi-scale flow, may have a temperature of their own, t_g, which
 * concerns samples alone; without groups it is 1.
 *
 * Check value: dim=2, z = (0.7, -1.3) -> log p = -2.9278770664
 */
#include "core/real.h"
#include "bases/base.h"

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

extern const nfi_base_ops nfi_base_normal_ops_f32, nfi_base_normal_ops_f64;

struct normal { /* immutable after creation */
    int64_t dim, n_groups;
    const int64_t *columns;    /* [n_groups], the config's */
    const double *temperature; /* [n_groups] */
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

/* One row, group by group */
static void normal_scale_groups(const struct normal *nm, double temperature, const double *eps, real *z)
{
    for (int64_t g = 0; g < nm->n_groups; g++) {
        const double t = temperature * nm->temperature[g];
        for (int64_t j = 0; j < nm->columns[g]; j++) z[j] = (real)(t * eps[j]);
        z += nm->columns[g];
        eps += nm->columns[g];
    }
}

static nf_status normal_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct normal *nm = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t count = tile->n * nm->dim;
    double *eps = tile->scratch;
    real *z = to;

    k->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)(tile->row * nm->dim), count, eps);
    if (nm->n_groups == 0 || tile->training)
        for (int64_t i = 0; i < count; i++) z[i] = (real)(temperature * eps[i]);
    else
        for (int64_t i = 0; i < tile->n; i++) normal_scale_groups(nm, temperature, eps + i * nm->dim, z + i * nm->dim);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_normal_ops) = {
    .log_prob = normal_log_prob,
    .backward = normal_backward,
    .sample = normal_sample,
};

#if NFI_ONCE
/* As many temperatures as groups, which together are all columns */
static nf_status normal_check_groups(const nf_base_normal_config *c)
{
    int64_t sum = 0;

    if (c->n_columns != c->n_temperature)
        return nfi_fail(NF_ERR_SHAPE, "nf_base_create: n_columns is %lld and n_temperature %lld, both must be the number of groups",
                        (long long)c->n_columns, (long long)c->n_temperature);
    for (int64_t g = 0; g < c->n_columns; g++)
        if (!nfi_add(sum, c->columns[g], &sum)) return nfi_fail(NF_ERR_OVERFLOW, "nf_base_create: columns are too many to add up");
    if (c->n_columns && sum != c->dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_base_create: columns add up to %lld, dim is %lld", (long long)sum, (long long)c->dim);
    return NF_OK;
}

static nf_status normal_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_normal_config *config = resolved;
    const nf_status status = normal_check_groups(config);
    struct normal *nm = status == NF_OK ? nf_maker_alloc(maker, (int64_t)sizeof *nm) : NULL;
    if (!nm) return status ? status : NF_ERR_MEMORY;
    *nm = (struct normal){ .dim = config->dim, .n_groups = config->n_columns, .columns = config->columns,
                           .temperature = config->temperature };
    *dim = config->dim;
    *self = nm;
    return NF_OK;
}

#define NORMAL_COLDEST 1e-30 /* far inside the range of float */
#define NORMAL_HOTTEST 1e30
static const nf_field normal_fields[] = {
    NFI_FIELD(nf_base_normal_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_ARRAY(nf_base_normal_config, columns, n_columns, NF_FIELD_I64_ARRAY, 0, 1, 2147483647.0,
              "Columns of each group of z, which add up to dim"),
    NFI_ARRAY(nf_base_normal_config, temperature, n_temperature, NF_FIELD_F64_ARRAY, 0, NORMAL_COLDEST, NORMAL_HOTTEST,
              "What the temperature of samples is multiplied by in each group"),
};
const nfi_base_type nfi_base_normal_type = {
    .name = "normal",
    .version = 1,
    .config = { .name = "base_normal", .first_size = sizeof(nf_base_normal_config),
                .size = sizeof(nf_base_normal_config), .fields = normal_fields, .n_fields = 3 },
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
