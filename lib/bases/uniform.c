/* SPDX-License-Identifier: MIT
 *
 * uniform.c - uniform base on a box
 *
 *   log p(z) = -dim log(high - low) for z in [low, high]^dim, else -inf;   d log p / dz = 0
 *   samples: z_j = middle + temperature (v_j - 1/2) (high - low), v uniform on (0, 1)
 *
 * The ends are compared in the flow's dtype, so that a sample rounded onto an end still counts as inside.
 *
 * Check value: dim=2, low=-1, high=1.5, z = (0.7, -0.3) -> log p = -1.8325814637
 */
#include "core/real.h"
#include "bases/base.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

extern const nfi_base_ops nfi_base_uniform_ops_f32, nfi_base_uniform_ops_f64;

struct uniform { /* immutable after creation */
    int64_t dim;
    double low, high;
};

static nf_status uniform_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct uniform *un = self;
    const real *z = from, low = (real)un->low, high = (real)un->high;
    const double inside = -nfi_log(un->high - un->low);

    for (int64_t i = 0; i < tile->n; i++, z += un->dim) {
        double sum = 0.0;
        for (int64_t j = 0; j < un->dim; j++) {
            if (z[j] != z[j]) sum += (double)z[j]; /* NaN: the row is not finite, not merely outside */
            else sum += z[j] >= low && z[j] <= high ? inside : -(double)INFINITY;
        }
        tile->log_det[i] += sum;
    }
    return NF_OK;
}

static nf_status uniform_backward(const void *self, const nf_tile *tile, const void *from, const double *weight,
                                  void *gradient)
{
    const struct uniform *un = self;
    (void)from, (void)weight;
    memset(gradient, 0, (size_t)(tile->n * un->dim) * sizeof(real));
    return NF_OK;
}

static nf_status uniform_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct uniform *un = self;
    const double middle = 0.5 * (un->low + un->high), width = temperature * (un->high - un->low);
    const uint64_t first = (uint64_t)(tile->row * un->dim);
    real *z = to;

    for (int64_t i = 0; i < tile->n * un->dim; i++)
        z[i] = (real)(middle + (nfi_uniform(tile->seed, NFI_STREAM_BASE, first + (uint64_t)i) - 0.5) * width);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_uniform_ops) = {
    .log_prob = uniform_log_prob,
    .backward = uniform_backward,
    .sample = uniform_sample,
};

#if NFI_ONCE
static nf_status uniform_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    nf_base_uniform_config *config = resolved;
    struct uniform *un = nf_maker_alloc(maker, (int64_t)sizeof *un);
    if (!un) return NF_ERR_MEMORY;
    if (config->low == 0.0 && config->high == 0.0) {
        config->low = -1.0;
        config->high = 1.0;
    }
    if (!(config->low < config->high))
        return nfi_fail(NF_ERR_ARG, "nf_base_uniform_create: low is %g, high %g; low must be below high", config->low,
                        config->high);
    *un = (struct uniform){ .dim = config->dim, .low = config->low, .high = config->high };
    *dim = config->dim;
    *self = un;
    return NF_OK;
}

#define UNIFORM_MAX 1e30 /* of |low| and |high|: far inside the range of float */
static const nf_field uniform_fields[] = {
    NFI_FIELD(nf_base_uniform_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_FIELD(nf_base_uniform_config, low, NF_FIELD_F64, 0, 0, -UNIFORM_MAX, UNIFORM_MAX, NULL,
              "Lower end of the box; low and high both 0 mean -1 and 1"),
    NFI_FIELD(nf_base_uniform_config, high, NF_FIELD_F64, 0, 0, -UNIFORM_MAX, UNIFORM_MAX, NULL,
              "Upper end of the box"),
};
const nfi_base_type nfi_base_uniform_type = {
    .name = "uniform",
    .version = 1,
    .config = { .name = "base_uniform", .first_size = sizeof(nf_base_uniform_config),
                .size = sizeof(nf_base_uniform_config), .fields = uniform_fields, .n_fields = 3 },
    .create = uniform_make,
    .f32 = &nfi_base_uniform_ops_f32,
    .f64 = &nfi_base_uniform_ops_f64,
};

void nf_base_uniform_config_init(nf_base_uniform_config *config)
{
    if (config) *config = (nf_base_uniform_config)NF_BASE_UNIFORM_CONFIG_INIT;
}

nf_status nf_base_uniform_create(nf_base **out, nf_context *context, int64_t dim, double low, double high)
{
    nf_base_uniform_config config = NF_BASE_UNIFORM_CONFIG_INIT;
    config.dim = dim;
    config.low = low;
    config.high = high;
    return nfi_base_make(out, context, &nfi_base_uniform_type, &config, "nf_base_uniform_create");
}
#endif
