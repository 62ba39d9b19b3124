/* SPDX-License-Identifier: MIT
 *
 * normal_full.c - normal base with trained mean and full covariance
 *
 *   z = mean + L eps,   L lower triangular, L_ii = exp(l_i): covariance L L^T
 *   r = L^-1 (z - mean),   log p(z) = -sum_i (r_i^2 / 2 + l_i + log(2 pi) / 2)
 *   samples: z = mean + temperature L eps, eps standard normal
 *
 * theta = (mean [dim], factor [dim (dim + 1) / 2]): the rows of L one after the other, row i holding L_i0 .. L_i(i-1), l_i. theta = 0 is
 * the standard normal; a covariance that is given is factored once (Cholesky). r is solved for in double, row by row of L, for all rows of a tile at once.
 *
 * Check value: dim=2, mean=(0.7, -1.3), factor=(-0.4, 0.6, 0.2), z=(-0.5, 0.25) -> log p = -5.5481694519
 * Ref: Golub, Van Loan, "Matrix Computations", 4th ed., 3.1, 4.2.
 */
#include "core/real.h"
#include "bases/base.h"

#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define FULL_MAX_DIM 4096 /* the factor takes 64 MB in double */
#define FULL_ASYMMETRY 1e-6 /* of a covariance, relative to its diagonal: what rounding to float leaves */

extern const nfi_base_ops nfi_base_normal_full_ops_f32, nfi_base_normal_full_ops_f64;

struct full { /* immutable after creation */
    int64_t dim;
    int32_t fixed;
    const double *mean, *factor; /* as theta begins; NULL: zeros */
};

/* Row i of the factor */
static const real *full_row(const struct full *fu, const void *theta, int64_t i)
{
    return (const real *)theta + fu->dim + i * (i + 1) / 2;
}

static nf_status full_reset(const void *self, uint64_t seed, void *to)
{
    const struct full *fu = self;
    const int64_t dim = fu->dim, count = dim * (dim + 1) / 2;
    real *theta = to;
    (void)seed;
    for (int64_t j = 0; j < dim; j++) theta[j] = fu->mean ? (real)fu->mean[j] : 0;
    for (int64_t k = 0; k < count; k++) theta[dim + k] = fu->factor ? (real)fu->factor[k] : 0;
    return NF_OK;
}

/* Memory of a tile. Rows lie side by side, column by column, so that lanes are rows: what a row gets is the same chain in any tile. */
struct full_work {
    double *r;    /* [dim][n] */
    double *keep; /* [n] */
    double *l;    /* [dim] of a row or column of the factor */
};

static struct full_work full_memory(const struct full *fu, const nf_tile *tile)
{
    struct full_work w = { .r = tile->scratch };
    w.keep = w.r + tile->n * fu->dim;
    w.l = w.keep + tile->n;
    return w;
}

/* to [n] += sum_j l_j r_j, j ascending, r [count][n]; four at a time, between which `to` stays in registers */
static void full_add(int64_t n, int64_t count, const double *l, const double *r, double *to)
{
    int64_t j = 0;

    for (; j + 4 <= count; j += 4, r += 4 * n) {
        const double a = l[j], b = l[j + 1], c = l[j + 2], d = l[j + 3];
        const double *second = r + n, *third = r + 2 * n, *fourth = r + 3 * n;
        for (int64_t k = 0; k < n; k++) to[k] = (((to[k] + a * r[k]) + b * second[k]) + c * third[k]) + d * fourth[k];
    }
    for (; j < count; j++, r += n)
        for (int64_t k = 0; k < n; k++) to[k] += l[j] * r[k];
}

/* r = L^-1 (z - mean) of each row */
static void full_solve(const struct full *fu, const nf_tile *tile, const real *z, const struct full_work *w)
{
    const int64_t dim = fu->dim, n = tile->n;
    const real *mean = tile->theta;

    for (int64_t i = 0; i < dim; i++) {
        const real *row = full_row(fu, tile->theta, i);
        const double inverse = nfi_exp(-(double)row[i]);
        double *r = w->r + i * n;
        for (int64_t k = 0; k < n; k++) r[k] = (double)z[k * dim + i] - (double)mean[i];
        for (int64_t j = 0; j < i; j++) w->l[j] = -(double)row[j];
        full_add(n, i, w->l, w->r, r);
        for (int64_t k = 0; k < n; k++) r[k] *= inverse;
    }
}

static nf_status full_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct full *fu = self;
    const int64_t dim = fu->dim, n = tile->n;
    const struct full_work w = full_memory(fu, tile);
    double constant = 0.5 * (double)dim * NFI_LOG_2PI;

    for (int64_t i = 0; i < dim; i++) constant += (double)full_row(fu, tile->theta, i)[i];
    full_solve(fu, tile, from, &w);
    memset(w.keep, 0, (size_t)n * sizeof *w.keep);
    for (int64_t i = 0; i < dim; i++)
        for (int64_t k = 0; k < n; k++) w.keep[k] += w.r[i * n + k] * w.r[i * n + k];
    for (int64_t k = 0; k < n; k++) tile->log_det[k] -= 0.5 * w.keep[k] + constant;
    return NF_OK;
}

/* row_j += sum_k a_k r_jk, k ascending: four chains side by side */
static void full_dot(int64_t n, int64_t count, const double *a, const double *r, real *row)
{
    int64_t j = 0;

    for (; j + 4 <= count; j += 4, r += 4 * n) {
        double sum[4] = { 0.0, 0.0, 0.0, 0.0 };
        for (int64_t k = 0; k < n; k++)
            for (int q = 0; q < 4; q++) sum[q] += a[k] * r[q * n + k];
        for (int q = 0; q < 4; q++) row[j + q] += (real)sum[q];
    }
    for (; j < count; j++, r += n) {
        double sum = 0.0;
        for (int64_t k = 0; k < n; k++) sum += a[k] * r[k];
        row[j] += (real)sum;
    }
}

/* Row i of dL/dfactor from u_i, in r's place, and r_j, j < i; keep holds r_i, and then w u_i. */
static void full_gradient_row(const struct full *fu, const nf_tile *tile, const double *weight, const struct full_work *w, int64_t i)
{
    const int64_t dim = fu->dim, n = tile->n;
    const double diagonal = nfi_exp((double)full_row(fu, tile->theta, i)[i]), *u = w->r + i * n;
    real *grad = tile->grad, *row = grad + dim + i * (i + 1) / 2;
    double mean = 0.0, log_diagonal = 0.0;

    for (int64_t k = 0; k < n; k++) {
        log_diagonal += weight[k] * (u[k] * w->keep[k] * diagonal - 1.0);
        w->keep[k] = weight[k] * u[k];
        mean += w->keep[k];
    }
    grad[i] += (real)mean;
    row[i] += (real)log_diagonal;
    full_dot(n, i, w->keep, w->r, row);
}

/* u = L^-T r, from the last column to the first, in r's place: u_i = (r_i - sum_{k > i} L_ki u_k) / L_ii. Then
 *   g = -w u,   dL/dmean = sum w u,   dL/dL_ij = sum w u_i r_j for j < i,   dL/dl_i = sum w (u_i r_i L_ii - 1)
 * since d(-|r|^2/2) = r^T L^-1 (dL r + dmean - dz) = u^T (dL r + dmean - dz). */
static nf_status full_backward(const void *self, const nf_tile *tile, const void *from, const double *weight, void *gradient)
{
    const struct full *fu = self;
    const int64_t dim = fu->dim, n = tile->n;
    const struct full_work w = full_memory(fu, tile);
    real *g = gradient;

    full_solve(fu, tile, from, &w);
    for (int64_t i = dim - 1; i >= 0; i--) {
        const double inverse = nfi_exp(-(double)full_row(fu, tile->theta, i)[i]);
        double *r = w.r + i * n;
        memcpy(w.keep, r, (size_t)n * sizeof *r);
        for (int64_t m = i + 1; m < dim; m++) w.l[m] = -(double)full_row(fu, tile->theta, m)[i];
        full_add(n, dim - i - 1, w.l + i + 1, r + n, r);
        for (int64_t k = 0; k < n; k++) {
            r[k] *= inverse;
            g[k * dim + i] = (real)(-weight[k] * r[k]);
        }
        if (tile->grad && !fu->fixed) full_gradient_row(fu, tile, weight, &w, i);
    }
    return NF_OK;
}

/* eps of the samples, in r */
static void full_draw(const struct full *fu, const nf_tile *tile, const struct full_work *w)
{
    const nfi_kernels *kernels = tile->kernels;
    const int64_t dim = fu->dim;

    for (int64_t k = 0; k < tile->n; k++) {
        kernels->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)((tile->row + k) * dim), dim, w->l);
        for (int64_t i = 0; i < dim; i++) w->r[i * tile->n + k] = w->l[i];
    }
}

static nf_status full_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct full *fu = self;
    const int64_t dim = fu->dim, n = tile->n;
    const struct full_work w = full_memory(fu, tile);
    const real *mean = tile->theta;
    real *z = to;

    full_draw(fu, tile, &w);
    for (int64_t i = 0; i < dim; i++) {
        const real *row = full_row(fu, tile->theta, i);
        const double diagonal = nfi_exp((double)row[i]);
        for (int64_t j = 0; j < i; j++) w.l[j] = (double)row[j];
        for (int64_t k = 0; k < n; k++) w.keep[k] = diagonal * w.r[i * n + k];
        full_add(n, i, w.l, w.r, w.keep);
        for (int64_t k = 0; k < n; k++) z[k * dim + i] = (real)((double)mean[i] + temperature * w.keep[k]);
    }
    return NF_OK;
}

/* dz_i/dmean_i = 1,   dz_i/dL_ij = eps_j for j < i,   dz_i/dl_i = L_ii eps_i */
static nf_status full_sample_backward(const void *self, const nf_tile *tile, const void *from, const void *gradient, const double *value)
{
    const struct full *fu = self;
    const int64_t dim = fu->dim, n = tile->n;
    const struct full_work w = full_memory(fu, tile);
    const real *g = gradient;
    real *grad = tile->grad;

    (void)from, (void)value;
    if (fu->fixed) return NF_OK;
    full_draw(fu, tile, &w);
    for (int64_t i = 0; i < dim; i++) {
        const double diagonal = nfi_exp((double)full_row(fu, tile->theta, i)[i]);
        real *row = grad + dim + i * (i + 1) / 2;
        double mean = 0.0, log_diagonal = 0.0;
        for (int64_t k = 0; k < n; k++) {
            w.keep[k] = (double)g[k * dim + i];
            mean += w.keep[k];
            log_diagonal += w.keep[k] * w.r[i * n + k];
        }
        grad[i] += (real)mean;
        row[i] += (real)(log_diagonal * diagonal);
        full_dot(n, i, w.keep, w.r, row);
    }
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_normal_full_ops) = {
    .reset = full_reset,
    .log_prob = full_log_prob,
    .backward = full_backward,
    .sample = full_sample,
    .sample_backward = full_sample_backward,
};

#if NFI_ONCE
static nf_status full_check(const nf_base_normal_full_config *c)
{
    const int64_t dim = c->dim;

    if (c->n_mean && c->n_mean != dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_base_normal_full_create: n_mean is %lld, dim is %lld", (long long)c->n_mean, (long long)dim);
    if (c->n_covariance && c->n_covariance != dim * dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_base_normal_full_create: n_covariance is %lld, dim x dim is %lld", (long long)c->n_covariance,
                        (long long)(dim * dim));
    for (int64_t i = 0; c->n_covariance && i < dim; i++)
        for (int64_t j = 0; j < i; j++) {
            const double a = c->covariance[i * dim + j], b = c->covariance[j * dim + i], apart = a > b ? a - b : b - a;
            const double limit = FULL_ASYMMETRY * nfi_sqrt(c->covariance[i * dim + i]) * nfi_sqrt(c->covariance[j * dim + j]);
            if (apart > limit)
                return nfi_fail(NF_ERR_ARG, "nf_base_normal_full_create: covariance is not symmetric: [%lld][%lld] is %g, [%lld][%lld] %g",
                                (long long)i, (long long)j, a, (long long)j, (long long)i, b);
        }
    return NF_OK;
}

/* The rows of L behind one another, its diagonal as logarithms */
static nf_status full_cholesky(int64_t dim, const double *covariance, double *factor)
{
    for (int64_t i = 0; i < dim; i++) {
        double *row = factor + i * (i + 1) / 2, pivot = covariance[i * dim + i];
        for (int64_t j = 0; j < i; j++) {
            const double *other = factor + j * (j + 1) / 2;
            double sum = covariance[i * dim + j];
            for (int64_t k = 0; k < j; k++) sum -= row[k] * other[k];
            row[j] = sum * nfi_exp(-other[j]);
            pivot -= row[j] * row[j];
        }
        if (!(pivot > 0.0))
            return nfi_fail(NF_ERR_ARG, "nf_base_normal_full_create: covariance is not positive definite: pivot %lld is %g, must be > 0",
                            (long long)i, pivot);
        row[i] = 0.5 * nfi_log(pivot);
    }
    return NF_OK;
}

static nf_status full_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    const nf_base_normal_full_config *config = resolved;
    nf_status status = full_check(config);
    struct full *fu = status ? NULL : nf_maker_alloc(maker, (int64_t)sizeof *fu);
    if (!fu) return status ? status : NF_ERR_MEMORY;
    *fu = (struct full){ .dim = config->dim, .fixed = config->fixed, .mean = config->n_mean ? config->mean : NULL };
    if (config->n_covariance) {
        double *factor = nf_maker_alloc(maker, config->dim * (config->dim + 1) / 2 * (int64_t)sizeof *factor);
        if (!factor) return NF_ERR_MEMORY;
        if ((status = full_cholesky(config->dim, config->covariance, factor))) return status;
        fu->factor = factor;
    }
    *dim = config->dim;
    *self = fu;
    return NF_OK;
}

static void full_describe(const void *self, nfi_base_info *info)
{
    const struct full *fu = self;
    info->scratch_row = (fu->dim + 1) * (int64_t)sizeof(double);
    info->scratch_fixed = fu->dim * (int64_t)sizeof(double);
}

static nf_status full_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "mean", "factor" };
    const struct full *fu = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY | (fu->fixed ? NF_PARAM_FROZEN : 0);
    param->offset = i * fu->dim;
    param->rank = 1;
    param->shape[0] = i ? fu->dim * (fu->dim + 1) / 2 : fu->dim;
    return NF_OK;
}

#define FULL_VALUE 1e30 /* largest size of a given number: far inside the range of float */
static const nf_field full_fields[] = {
    NFI_FIELD(nf_base_normal_full_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, FULL_MAX_DIM, NULL, "Columns of z"),
    NFI_FIELD(nf_base_normal_full_config, fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Mean and covariance are not trained"),
    NFI_ARRAY(nf_base_normal_full_config, mean, n_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -FULL_VALUE, FULL_VALUE,
              "Mean at the start"),
    NFI_ARRAY(nf_base_normal_full_config, covariance, n_covariance, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -FULL_VALUE, FULL_VALUE,
              "Covariance at the start, [dim][dim]"),
};
const nfi_base_type nfi_base_normal_full_type = {
    .name = "normal_full",
    .version = 1,
    .config = { .name = "base_normal_full", .first_size = sizeof(nf_base_normal_full_config),
                .size = sizeof(nf_base_normal_full_config), .fields = full_fields, .n_fields = NFI_COUNT(full_fields) },
    .create = full_make,
    .describe = full_describe,
    .param = full_param,
    .f32 = &nfi_base_normal_full_ops_f32,
    .f64 = &nfi_base_normal_full_ops_f64,
};

void nf_base_normal_full_config_init(nf_base_normal_full_config *config)
{
    if (config) *config = (nf_base_normal_full_config)NF_BASE_NORMAL_FULL_CONFIG_INIT;
}

nf_status nf_base_normal_full_create(nf_base **out, nf_context *context, const nf_base_normal_full_config *config)
{
    return nfi_base_make(out, context, &nfi_base_normal_full_type, config, "nf_base_normal_full_create");
}
#endif
