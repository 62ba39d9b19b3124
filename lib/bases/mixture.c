/* SPDX-License-Identifier: MIT
 *
 * mixture.c - mixture of normals with diagonal covariances, everything trained
 *
 *   r_cj = (z_j - mean_cj) exp(-l_cj),   log_w = logit - logsumexp(logit)
 *   a_c = log_w_c - sum_j (r_cj^2 / 2 + l_cj + log(2 pi) / 2),   log p(z) = logsumexp_c a_c
 *   samples: component c of probability w_c, z_j = mean_cj + temperature exp(l_cj) eps_j, eps standard normal
 *
 * theta = (logit [k], mean [k][dim], l [k][dim]), l the log of the standard deviation. It starts at logit = l = 0 and means drawn from
 * the flow's seed, normal with sd `spread`: components at one place would have one gradient, and never part. The sums of exponentials
 * are carried as (largest, sum of exp(a - largest)) in double, so that no component overflows and far rows keep a slope.
 *
 * Check value: dim=1, k=2, logit=(0.3, -0.5), mean=(0.7, -1.1), l=(-0.4, 0.2), z=-1.3 -> log p = -2.2566133388
 * Ref: Bishop, "Pattern Recognition and Machine Learning", 9.2.
 */
#include "core/real.h"
#include "bases/base.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define MIXTURE_MAX 65536 /* components; and of components times columns, 2^30 */
#define MIXTURE_MAX_ENTRIES ((int64_t)1 << 30)
#define MIXTURE_SPREAD 1.0

extern const nfi_base_ops nfi_base_mixture_ops_f32, nfi_base_mixture_ops_f64;

struct mixture { /* immutable after creation */
    int64_t dim, k;
    double spread;
};

typedef struct mixture_scratch {
    double *largest, *sum; /* [n]: log p = largest + log(sum), or log p in `largest` */
    double *rows;          /* [n][dim] */
    double *columns;       /* [dim][n] of z: lanes are rows */
    double *square;        /* [n] of one component */
    double *inverse, *mean, *log_sd; /* [dim], of one component */
    double *log_w;         /* [k] */
} mixture_scratch;

static mixture_scratch mixture_memory(const struct mixture *mx, const nf_tile *tile)
{
    mixture_scratch m = { .largest = tile->scratch };
    m.sum = m.largest + tile->n;
    m.rows = m.sum + tile->n;
    m.columns = m.rows + tile->n * mx->dim;
    m.square = m.columns + tile->n * mx->dim;
    m.inverse = m.square + tile->n;
    m.mean = m.inverse + mx->dim;
    m.log_sd = m.mean + mx->dim;
    m.log_w = m.log_sd + mx->dim;
    return m;
}

/* (largest, sum) with exp(a) added */
static void mixture_add(double a, double *largest, double *sum)
{
    if (a > *largest) {
        *sum = *sum * nfi_exp(*largest - a) + 1.0;
        *largest = a;
    } else if (a != -(double)INFINITY) { /* NaN gets here, and stays */
        *sum += nfi_exp(a - *largest);
    }
}

static void mixture_weights(const struct mixture *mx, const real *logit, double *log_w)
{
    double largest = -(double)INFINITY, sum = 0.0;
    for (int64_t c = 0; c < mx->k; c++) mixture_add((double)logit[c], &largest, &sum);
    const double total = largest + nfi_log(sum);
    for (int64_t c = 0; c < mx->k; c++) log_w[c] = (double)logit[c] - total;
}

/* Of component c: 1/sd of each column; answers what a_c has that no row changes. */
static double mixture_component(const struct mixture *mx, const real *theta, int64_t c, const mixture_scratch *m)
{
    const real *log_sd = theta + mx->k + (mx->k + c) * mx->dim;
    double constant = m->log_w[c] - 0.5 * (double)mx->dim * NFI_LOG_2PI;
    for (int64_t j = 0; j < mx->dim; j++) {
        m->inverse[j] = nfi_exp(-(double)log_sd[j]);
        constant -= (double)log_sd[j];
    }
    return constant;
}

/* square = sum_j r_cj^2 of each row, j ascending */
static void mixture_square(int64_t n, int64_t dim, const real *mean, const mixture_scratch *m)
{
    double *restrict square = m->square;

    memset(square, 0, (size_t)n * sizeof *square);
    for (int64_t j = 0; j < dim; j++) {
        const double centre = (double)mean[j], inverse = m->inverse[j], *restrict z = m->columns + j * n;
        for (int64_t i = 0; i < n; i++) {
            const double r = (z[i] - centre) * inverse;
            square[i] += r * r;
        }
    }
}

static void mixture_load(int64_t n, int64_t dim, const real *z, double *columns)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < dim; j++) columns[j * n + i] = (double)z[i * dim + j];
}

/* log p of each row, in m->largest */
static void mixture_rows(const struct mixture *mx, const nf_tile *tile, const real *z, const mixture_scratch *m)
{
    const real *theta = tile->theta, *mean = theta + mx->k;

    mixture_load(tile->n, mx->dim, z, m->columns);
    mixture_weights(mx, theta, m->log_w);
    for (int64_t i = 0; i < tile->n; i++) m->largest[i] = -(double)INFINITY, m->sum[i] = 0.0;
    for (int64_t c = 0; c < mx->k; c++) {
        const double constant = mixture_component(mx, theta, c, m);
        mixture_square(tile->n, mx->dim, mean + c * mx->dim, m);
        for (int64_t i = 0; i < tile->n; i++) mixture_add(constant - 0.5 * m->square[i], &m->largest[i], &m->sum[i]);
    }
    for (int64_t i = 0; i < tile->n; i++) m->largest[i] += nfi_log(m->sum[i]);
}

static nf_status mixture_log_prob(const void *self, const nf_tile *tile, const void *z)
{
    const struct mixture *mx = self;
    const mixture_scratch m = mixture_memory(mx, tile);

    mixture_rows(mx, tile, z, &m);
    for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] += m.largest[i];
    return NF_OK;
}

/* One row's part of component c, of which the row has a share h = w p(c | z) in the loss */
static void mixture_backward_row(int64_t dim, double h, const real *z, const real *mean, const mixture_scratch *m, double *restrict g)
{
    const double *restrict inverse = m->inverse;
    double *restrict sum_mean = m->mean, *restrict sum_log_sd = m->log_sd;

    for (int64_t j = 0; j < dim; j++) {
        const double r = ((double)z[j] - (double)mean[j]) * inverse[j], slope = h * r * inverse[j];
        g[j] -= slope;
        sum_mean[j] += slope;
        sum_log_sd[j] += h * (r * r - 1.0);
    }
}

/* With p(c | z) = exp(a_c - log p) and h = weight p(c | z):
 *   g_j = -sum_c h r_cj / sd_cj,   dL/dmean_cj = sum h r_cj / sd_cj,   dL/dl_cj = sum h (r_cj^2 - 1),
 *   dL/dlogit_c = sum (h - weight w_c) */
static void mixture_backward_component(const struct mixture *mx, const nf_tile *tile, const real *z, const double *weight,
                                       const mixture_scratch *m, int64_t c)
{
    const int64_t dim = mx->dim;
    const real *theta = tile->theta, *mean = theta + mx->k + c * dim;
    const double constant = mixture_component(mx, theta, c, m), w = nfi_exp(m->log_w[c]);
    double logit = 0.0;
    real *grad = tile->grad;

    for (int64_t j = 0; j < dim; j++) m->mean[j] = m->log_sd[j] = 0.0;
    mixture_square(tile->n, dim, mean, m);
    for (int64_t i = 0; i < tile->n; i++) {
        const double h = weight[i] * nfi_exp(constant - 0.5 * m->square[i] - m->largest[i]);
        mixture_backward_row(dim, h, z + i * dim, mean, m, m->rows + i * dim);
        logit += h - weight[i] * w;
    }
    if (!grad) return;
    grad[c] += (real)logit;
    for (int64_t j = 0; j < dim; j++) {
        grad[mx->k + c * dim + j] += (real)m->mean[j];
        grad[mx->k + (mx->k + c) * dim + j] += (real)m->log_sd[j];
    }
}

static nf_status mixture_backward(const void *self, const nf_tile *tile, const void *z, const double *weight, void *gradient)
{
    const struct mixture *mx = self;
    const mixture_scratch m = mixture_memory(mx, tile);
    real *g = gradient;

    mixture_rows(mx, tile, z, &m);
    memset(m.rows, 0, (size_t)(tile->n * mx->dim) * sizeof *m.rows);
    for (int64_t c = 0; c < mx->k; c++) mixture_backward_component(mx, tile, z, weight, &m, c);
    for (int64_t i = 0; i < tile->n * mx->dim; i++) g[i] = (real)m.rows[i];
    return NF_OK;
}

static int64_t mixture_choose(const struct mixture *mx, const double *log_w, double u)
{
    int64_t c = 0;
    while (c < mx->k - 1 && (u -= nfi_exp(log_w[c])) > 0.0) c++;
    return c;
}

/* Component c of the draw of row i */
static int64_t mixture_component_of(const struct mixture *mx, const nf_tile *tile, const double *log_w, int64_t i)
{
    return mixture_choose(mx, log_w, nfi_uniform(tile->seed, NFI_STREAM_COMPONENT, (uint64_t)(tile->row + i)));
}

static nf_status mixture_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct mixture *mx = self;
    const nfi_kernels *kernels = tile->kernels;
    const mixture_scratch m = mixture_memory(mx, tile);
    const int64_t dim = mx->dim;
    const real *theta = tile->theta;
    real *z = to;

    mixture_weights(mx, theta, m.log_w);
    kernels->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)(tile->row * dim), tile->n * dim, m.rows);
    for (int64_t i = 0; i < tile->n; i++) {
        const real *mean = theta + mx->k + mixture_component_of(mx, tile, m.log_w, i) * dim, *log_sd = mean + mx->k * dim;
        for (int64_t j = 0; j < dim; j++)
            z[i * dim + j] = (real)((double)mean[j] + temperature * nfi_exp((double)log_sd[j]) * m.rows[i * dim + j]);
    }
    return NF_OK;
}

/* Within its component a draw moves: dz/dmean_c = 1,   dz/dl_c = z - mean_c. With the logits it jumps from one to another: theirs is
 * the score's, sum_i value_i ([c_i = c] - w_c), conditioned on z: sum_i value_i (p(c | z_i) - w_c). */
static nf_status mixture_sample_backward(const void *self, const nf_tile *tile, const void *from, const void *gradient, const double *value)
{
    const struct mixture *mx = self;
    const mixture_scratch m = mixture_memory(mx, tile);
    const int64_t dim = mx->dim;
    const real *z = from, *g = gradient, *theta = tile->theta;
    real *grad = tile->grad;

    mixture_rows(mx, tile, z, &m);
    for (int64_t c = 0; c < mx->k; c++) {
        const real *mean = theta + mx->k + c * dim;
        const double constant = mixture_component(mx, theta, c, &m), w = nfi_exp(m.log_w[c]);
        double sum = 0.0;
        mixture_square(tile->n, dim, mean, &m);
        for (int64_t i = 0; i < tile->n; i++) sum += value[i] * (nfi_exp(constant - 0.5 * m.square[i] - m.largest[i]) - w);
        grad[c] += (real)sum;
    }
    for (int64_t i = 0; i < tile->n; i++) {
        const int64_t at = mx->k + mixture_component_of(mx, tile, m.log_w, i) * dim;
        for (int64_t j = 0; j < dim; j++) {
            grad[at + j] += g[i * dim + j];
            grad[at + mx->k * dim + j] += (real)((double)g[i * dim + j] * ((double)z[i * dim + j] - (double)theta[at + j]));
        }
    }
    return NF_OK;
}

static nf_status mixture_reset(const void *self, uint64_t seed, void *to)
{
    const struct mixture *mx = self;
    const int64_t count = mx->k * mx->dim;
    real *theta = to;

    memset(theta, 0, (size_t)(mx->k + 2 * count) * sizeof(real));
    for (int64_t i = 0; i < count; i++) theta[mx->k + i] = (real)(mx->spread * nfi_normal(seed, NFI_STREAM_INIT, (uint64_t)i));
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_mixture_ops) = {
    .reset = mixture_reset,
    .log_prob = mixture_log_prob,
    .backward = mixture_backward,
    .sample = mixture_sample,
    .sample_backward = mixture_sample_backward,
};

#if NFI_ONCE
static nf_status mixture_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_mixture_config *config = resolved;
    if (config->dim > MIXTURE_MAX_ENTRIES / config->components)
        return nfi_fail(NF_ERR_LIMIT, "nf_base_mixture_create: components is %lld and dim %lld, their product at most %lld",
                        (long long)config->components, (long long)config->dim, (long long)MIXTURE_MAX_ENTRIES);
    struct mixture *mx = nf_maker_alloc(maker, (int64_t)sizeof *mx);
    if (!mx) return NF_ERR_MEMORY;
    *mx = (struct mixture){ .dim = config->dim, .k = config->components, .spread = config->spread };
    *dim = config->dim;
    *self = mx;
    return NF_OK;
}

static void mixture_describe(const void *self, nfi_base_info *info)
{
    const struct mixture *mx = self;
    info->scratch_row = (2 * mx->dim + 3) * (int64_t)sizeof(double);
    info->scratch_fixed = (3 * mx->dim + mx->k) * (int64_t)sizeof(double);
}

static nf_status mixture_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "logit", "mean", "log_sd" };
    const struct mixture *mx = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i ? mx->k + (i - 1) * mx->k * mx->dim : 0;
    param->rank = i ? 2 : 1;
    param->shape[0] = mx->k;
    param->shape[1] = mx->dim;
    return NF_OK;
}

static const nf_field mixture_fields[] = {
    NFI_FIELD(nf_base_mixture_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 2147483647.0, NULL, "Columns of z"),
    NFI_FIELD(nf_base_mixture_config, components, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, MIXTURE_MAX, NULL, "Normals that are mixed"),
    NFI_FIELD(nf_base_mixture_config, spread, NF_FIELD_F64, NF_FIELD_INITIAL, MIXTURE_SPREAD, 1e-6, 1e6, NULL,
              "Standard deviation of the means at the start"),
};
const nfi_base_type nfi_base_mixture_type = {
    .name = "mixture",
    .version = 1,
    .config = { .name = "base_mixture", .first_size = sizeof(nf_base_mixture_config),
                .size = sizeof(nf_base_mixture_config), .fields = mixture_fields, .n_fields = NFI_COUNT(mixture_fields) },
    .create = mixture_make,
    .describe = mixture_describe,
    .param = mixture_param,
    .f32 = &nfi_base_mixture_ops_f32,
    .f64 = &nfi_base_mixture_ops_f64,
};

void nf_base_mixture_config_init(nf_base_mixture_config *config)
{
    if (config) *config = (nf_base_mixture_config)NF_BASE_MIXTURE_CONFIG_INIT;
}

nf_status nf_base_mixture_create(nf_base **out, nf_context *context, const nf_base_mixture_config *config)
{
    return nfi_base_make(out, context, &nfi_base_mixture_type, config, "nf_base_mixture_create");
}
#endif
