/* SPDX-License-Identifier: MIT
 *
 * laplace.c - Laplace's density of each column, with trained location and scale
 *
 *   log q(r) = -|r| - log 2,   d log q / dr = -sign(r), 0 at the kink itself
 *   Q(u) = log(2u) below the median, -log(2(1 - u)) above
 *
 * Layout of theta, gradient and samples: location.c. 1 - u is exact for u of 53 bits, so both tails are alike.
 *
 * Check value: dim=1, location=0.7, s=-0.4, z=-1.3 -> log p = -3.2767965758
 */
#include "bases/location.h"
#include "math/functions.h"

static void laplace_log_p(const nfi_kernels *f64, int64_t n, const double *r, double *out)
{
    (void)f64;
    for (int64_t i = 0; i < n; i++) out[i] = -(r[i] < 0.0 ? -r[i] : r[i]) - NFI_LOG_2;
}

static void laplace_slope(const nfi_kernels *f64, int64_t n, const double *r, double *out)
{
    (void)f64;
    for (int64_t i = 0; i < n; i++) out[i] = r[i] > 0.0 ? -1.0 : r[i] < 0.0 ? 1.0 : 0.0 * r[i]; /* NaN stays one */
}

static double laplace_quantile(double u) { return u < 0.5 ? nfi_log(2.0 * u) : -nfi_log(2.0 * (1.0 - u)); }
static const nfi_location_density laplace_density = { laplace_log_p, laplace_slope, laplace_quantile };

static nf_status laplace_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_laplace_config *config = resolved;
    *dim = config->dim;
    return nfi_location_make(maker, &laplace_density, config->dim, config->fixed, self);
}

static const nf_field laplace_fields[] = {
    NFI_FIELD(nf_base_laplace_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_FIELD(nf_base_laplace_config, fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Location 0 and scale 1 are not trained"),
};
const nfi_base_type nfi_base_laplace_type = {
    .name = "laplace",
    .version = 1,
    .config = { .name = "base_laplace", .first_size = sizeof(nf_base_laplace_config),
                .size = sizeof(nf_base_laplace_config), .fields = laplace_fields, .n_fields = 2 },
    .create = laplace_make,
    .describe = nfi_location_describe,
    .param = nfi_location_param,
    .f32 = &nfi_location_ops_f32,
    .f64 = &nfi_location_ops_f64,
};

void nf_base_laplace_config_init(nf_base_laplace_config *config)
{
    if (config) *config = (nf_base_laplace_config)NF_BASE_LAPLACE_CONFIG_INIT;
}

nf_status nf_base_laplace_create(nf_base **out, nf_context *context, int64_t dim)
{
    nf_base_laplace_config config = NF_BASE_LAPLACE_CONFIG_INIT;
    config.dim = dim;
    return nfi_base_make(out, context, &nfi_base_laplace_type, &config, "nf_base_laplace_create");
}
