/* SPDX-License-Identifier: MIT
 *
 * logistic.c - logistic density of each column, with trained location and scale
 *
 *   log q(r) = -|r| - 2 log(1 + exp(-|r|)),   d log q / dr = -tanh(r/2)
 *   Q(u) = log u - log(1 - u)
 *
 * Layout of theta, gradient and samples: location.c. The density is even, and written in -|r| nothing overflows.
 *
 * Check value: dim=1, location=0.7, s=-0.4, z=-1.3 -> log p = -2.6823871193
 */
#include "bases/location.h"
#include "core/memory.h"
#include "math/functions.h"

#define LOGISTIC_PART 64 /* numbers at a time */

/* -|r| - 2 log(1 + exp(-|r|)) = r - 2 softplus(r) at r = -|r| */
static void logistic_log_p(const nfi_kernels *f64, int64_t n, const double *r, double *out)
{
    double part[LOGISTIC_PART];

    for (int64_t first = 0, m; first < n; first += m) {
        m = nfi_min(n - first, LOGISTIC_PART);
        for (int64_t i = 0; i < m; i++) part[i] = r[first + i] < 0.0 ? r[first + i] : -r[first + i];
        f64->softplus(m, part, out + first);
        for (int64_t i = 0; i < m; i++) out[first + i] = part[i] - 2.0 * out[first + i];
    }
}

static void logistic_slope(const nfi_kernels *f64, int64_t n, const double *r, double *out)
{
    for (int64_t i = 0; i < n; i++) out[i] = 0.5 * r[i];
    f64->tanh(n, out, out);
    for (int64_t i = 0; i < n; i++) out[i] = -out[i];
}

static double logistic_quantile(double u) { return nfi_log(u) - nfi_log(1.0 - u); }
static const nfi_location_density logistic_density = { logistic_log_p, logistic_slope, logistic_quantile };

static nf_status logistic_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_logistic_config *config = resolved;
    *dim = config->dim;
    return nfi_location_make(maker, &logistic_density, config->dim, config->fixed, self);
}

static const nf_field logistic_fields[] = {
    NFI_FIELD(nf_base_logistic_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_FIELD(nf_base_logistic_config, fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Location 0 and scale 1 are not trained"),
};
const nfi_base_type nfi_base_logistic_type = {
    .name = "logistic",
    .version = 1,
    .config = { .name = "base_logistic", .first_size = sizeof(nf_base_logistic_config),
                .size = sizeof(nf_base_logistic_config), .fields = logistic_fields, .n_fields = 2 },
    .create = logistic_make,
    .describe = nfi_location_describe,
    .param = nfi_location_param,
    .f32 = &nfi_location_ops_f32,
    .f64 = &nfi_location_ops_f64,
};

void nf_base_logistic_config_init(nf_base_logistic_config *config)
{
    if (config) *config = (nf_base_logistic_config)NF_BASE_LOGISTIC_CONFIG_INIT;
}

nf_status nf_base_logistic_create(nf_base **out, nf_context *context, int64_t dim)
{
    nf_base_logistic_config config = NF_BASE_LOGISTIC_CONFIG_INIT;
    config.dim = dim;
    return nfi_base_make(out, context, &nfi_base_logistic_type, &config, "nf_base_logistic_create");
}
