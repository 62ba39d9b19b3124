/* SPDX-License-Identifier: MIT
 *
 * box.c - uniform base on a box with sides of its own in each column, some columns standard normal instead
 *
 *   uniform  log p(z_j) = -log(high_j - low_j) for z_j in [low_j, high_j], else -inf;   d log p / dz_j = 0
 *   normal   log p(z_j) = -(z_j^2 + log(2 pi)) / 2;                                     d log p / dz_j = -z_j
 *   samples: z_j = middle_j + temperature (v - 1/2) (high_j - low_j), v uniform on (0, 1), or temperature eps, eps standard normal
 *
 * The ends are compared in the flow's dtype, so that a sample rounded onto an end still counts as inside. v comes from a stream of its own:
 * eps of the same index is made of the same words.
 *
 * Check value: dim=2, low_0=-1, high_0=1.5, normal {1}, z = (0.7, -1.3) -> log p = -2.6802292651
 */
#include "core/real.h"
#include "bases/base.h"

#include <math.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

extern const nfi_base_ops nfi_base_box_ops_f32, nfi_base_box_ops_f64;

struct side {
    double low, high, inside; /* log p = inside; all 0: standard normal */
};

struct box { /* immutable after creation */
    int64_t dim;
    struct side side[];
};

static bool side_normal(const struct side *s) { return !(s->low < s->high); }

static double side_log_prob(const struct side *s, double z)
{
    if (z != z) return z; /* NaN: the row is not finite, not merely outside */
    if (side_normal(s)) return -0.5 * (z * z + NFI_LOG_2PI);
    return z >= (double)(real)s->low && z <= (double)(real)s->high ? s->inside : -(double)INFINITY;
}

static nf_status box_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct box *box = self;
    const real *z = from;

    for (int64_t i = 0; i < tile->n; i++, z += box->dim) {
        double sum = 0.0;
        for (int64_t j = 0; j < box->dim; j++) sum += side_log_prob(&box->side[j], (double)z[j]);
        tile->log_det[i] += sum;
    }
    return NF_OK;
}

static nf_status box_backward(const void *self, const nf_tile *tile, const void *from, const double *weight, void *gradient)
{
    const struct box *box = self;
    const real *z = from;
    real *g = gradient;

    for (int64_t i = 0; i < tile->n; i++, z += box->dim, g += box->dim)
        for (int64_t j = 0; j < box->dim; j++) g[j] = side_normal(&box->side[j]) ? (real)(-weight[i] * (double)z[j]) : 0;
    return NF_OK;
}

static double side_sample(const struct side *s, uint64_t seed, uint64_t index, double temperature, double eps)
{
    if (side_normal(s)) return temperature * eps;
    return 0.5 * (s->low + s->high) + temperature * (nfi_uniform(seed, NFI_STREAM_BOX, index) - 0.5) * (s->high - s->low);
}

static nf_status box_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct box *box = self;
    const nfi_kernels *k = tile->kernels;
    const uint64_t first = (uint64_t)(tile->row * box->dim);
    double *eps = tile->scratch;
    real *z = to;

    k->normal(tile->seed, NFI_STREAM_BASE, first, tile->n * box->dim, eps);
    for (int64_t i = 0, at = 0; i < tile->n; i++)
        for (int64_t j = 0; j < box->dim; j++, at++) z[at] = (real)side_sample(&box->side[j], tile->seed, first + (uint64_t)at, temperature, eps[at]);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_box_ops) = {
    .log_prob = box_log_prob,
    .backward = box_backward,
    .sample = box_sample,
};

#if NFI_ONCE
static const char box_function[] = "nf_base_box_create";

static nf_status box_check_lengths(const nf_base_box_config *c)
{
    if (c->n_low == c->n_high && (c->n_low == 0 || c->n_low == c->dim)) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "%s: n_low is %lld and n_high %lld, both must be dim, %lld, or both 0", box_function, (long long)c->n_low,
                    (long long)c->n_high, (long long)c->dim);
}

/* Side j; low < high in both precisions. */
static nf_status box_side(const nf_base_box_config *c, int64_t j, struct side *side)
{
    const double low = c->n_low ? c->low[j] : -1.0, high = c->n_low ? c->high[j] : 1.0;
    if (!((float)low < (float)high))
        return nfi_fail(NF_ERR_ARG, "%s: low[%lld] is %g and high[%lld] %g; low must be below high unless `normal` lists the column", box_function,
                        (long long)j, low, (long long)j, high);
    *side = (struct side){ low, high, -nfi_log(high - low) };
    return NF_OK;
}

static nf_status box_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_box_config *config = resolved;
    nf_status status = box_check_lengths(config);
    if (status) return status;
    unsigned char *normal = nfi_maker_alloc(maker, config->dim, 1);
    struct box *box = normal ? nf_maker_alloc(maker, (int64_t)sizeof *box + config->dim * (int64_t)sizeof box->side[0]) : NULL;
    if (!box) return NF_ERR_MEMORY;
    box->dim = config->dim;
    status = nfi_config_mark(box_function, "normal", config->normal, config->n_normal, config->dim, normal);
    for (int64_t j = 0; j < config->dim && !status; j++) {
        box->side[j] = (struct side){ 0.0, 0.0, 0.0 };
        if (!normal[j]) status = box_side(config, j, &box->side[j]);
    }
    *dim = config->dim;
    *self = box;
    return status;
}

#define BOX_MAX 1e30 /* of |low| and |high|: far inside the range of float */
static const nf_field box_fields[] = {
    NFI_FIELD(nf_base_box_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_ARRAY(nf_base_box_config, low, n_low, NF_FIELD_F64_ARRAY, 0, -BOX_MAX, BOX_MAX, "Lower end of each column; low and high empty: -1 and 1"),
    NFI_ARRAY(nf_base_box_config, high, n_high, NF_FIELD_F64_ARRAY, 0, -BOX_MAX, BOX_MAX, "Upper end of each column"),
    NFI_ARRAY(nf_base_box_config, normal, n_normal, NF_FIELD_I64_ARRAY, 0, 0, 2147483647.0, "Columns that are standard normal instead"),
};
const nfi_base_type nfi_base_box_type = {
    .name = "box",
    .version = 1,
    .config = { .name = "base_box", .first_size = sizeof(nf_base_box_config), .size = sizeof(nf_base_box_config), .fields = box_fields, .n_fields = 4 },
    .create = box_make,
    .f32 = &nfi_base_box_ops_f32,
    .f64 = &nfi_base_box_ops_f64,
};

void nf_base_box_config_init(nf_base_box_config *config)
{
    if (config) *config = (nf_base_box_config)NF_BASE_BOX_CONFIG_INIT;
}

nf_status nf_base_box_create(nf_base **out, nf_context *context, const nf_base_box_config *config)
{
    return nfi_base_make(out, context, &nfi_base_box_type, config, box_function);
}
#endif
