/* SPDX-License-Identifier: MIT
 *
 * radial.c - towards a centre or away from it, by how near a row is
 *
 *   y = x - x0,   r = |y|,   q = alpha / (alpha + r),   z = x + m q y = x0 + D y
 *   log|det dz/dx| = (dim - 1) log D + log E,   D = 1 + m q = (1 - q) + q p,   E = 1 + m q^2 = (1 - q^2) + q^2 p,   p = 1 + m
 *
 * It can be inverted where m > -1 and alpha > 0, the paper's beta being alpha m. Both are made of numbers that may be any:
 *   m = softplus(b + c) - 1,   alpha = softplus(a + c),   c = log(e - 1),   so that b = 0 is the identity and alpha(0) = 1 (fold.h).
 * The terms of D and E are positive, q = 1 / (1 + r/alpha) and 1 - q = 1 / (1 + alpha/r) lose no digits and end at 0 and 1; alpha is kept
 * from underflow.
 *
 * Inverse: with d = |z - x0| - alpha p, r solves r^2 - d r - alpha |z - x0| = 0; of the two forms of its positive solution the one that
 * adds. Then x = x0 + (z - x0) / D.
 *
 * theta = (x0 [dim], a, b). It starts at a = b = 0 and x0 normal.
 *
 * Check value: dim=2, x0=(0.7, -1.3), a=0.2, b=0.4, x=(0.5, 0.385) -> z = (0.4783460016, 0.5674349368), log|det| = 0.1451915707
 * Ref: Rezende, Mohamed, "Variational Inference with Normalizing Flows", arXiv:1505.05770, appendix A.2.
 */
#include "core/real.h"
#include "layers/fold.h"
#include "layers/layer.h"
#include <nflow/planar.h>

#include <string.h>

#include "math/functions.h"
#include "math/lanes.h"

#define RADIAL_LEAST 0x1p-500 /* of alpha: alpha / r and r / alpha stay numbers */

extern const nf_layer_ops nfi_radial_ops_f32, nfi_radial_ops_f64;

struct radial { /* immutable after creation */
    int64_t dim;
};

typedef struct radial_step {
    const real *x0;
    double *y, *sum;     /* [dim], scratch: a row from the centre; of dL/dx0 */
    nfi_fold fold;       /* m of b */
    double alpha, slope; /* slope = dalpha/da */
} radial_step;

typedef struct radial_row {
    double r, inverse; /* 1/r, 0 where r is 0 */
    double q, rest;    /* rest = 1 - q */
    double d, e;
} radial_row;

static radial_step radial_at(const struct radial *ra, const nf_tile *tile)
{
    const real *theta = tile->theta;
    const nfi_fold alpha = nfi_fold_at((double)theta[ra->dim]);
    return (radial_step){ .x0 = theta, .y = tile->scratch, .sum = (double *)tile->scratch + ra->dim,
                          .fold = nfi_fold_at((double)theta[ra->dim + 1]), .alpha = alpha.p + RADIAL_LEAST, .slope = alpha.slope };
}

/* p->y = row - x0; answers its length. */
static double radial_distance(const radial_step *p, int64_t dim, const real *row)
{
    double *restrict y = p->y;
    for (int64_t j = 0; j < dim; j++) y[j] = (double)row[j] - (double)p->x0[j];
    return nfi_sqrt(nfi_dot_wide(dim, y, y));
}

static radial_row radial_of(const radial_step *p, double r)
{
    radial_row row = { .r = r, .inverse = r > 0.0 ? 1.0 / r : 0.0, .q = 1.0 / (1.0 + r / p->alpha), .rest = 1.0 / (1.0 + p->alpha / r) };
    row.d = row.rest + row.q * p->fold.p;
    row.e = row.rest * (1.0 + row.q) + row.q * row.q * p->fold.p;
    return row;
}

static radial_row radial_row_of(const radial_step *p, int64_t dim, const real *x) { return radial_of(p, radial_distance(p, dim, x)); }

/* r of |z - x0| */
static double radial_solve(const radial_step *p, double far)
{
    const double d = far - p->alpha * p->fold.p, root = nfi_sqrt(d * d + 4.0 * p->alpha * far);
    return d > 0.0 ? 0.5 * (d + root) : 2.0 * p->alpha * far / (root - d);
}

static double radial_log_det(int64_t dim, const radial_row *row) { return (double)(dim - 1) * nfi_log(row->d) + nfi_log(row->e); }

/* to = from + a y */
static void radial_add(int64_t dim, const real *from, double a, const double *restrict y, real *to)
{
    for (int64_t j = 0; j < dim; j++) to[j] = (real)((double)from[j] + a * y[j]);
}

/* to = d from + a y */
static void radial_scale_add(int64_t dim, double d, const real *from, double a, const double *restrict y, real *to)
{
    for (int64_t j = 0; j < dim; j++) to[j] = (real)(d * (double)from[j] + a * y[j]);
}

static nf_status radial_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct radial *ra = self;
    const radial_step p = radial_at(ra, tile);
    const real *x = in;
    real *z = out;

    (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += ra->dim, z += ra->dim) {
        const radial_row row = radial_row_of(&p, ra->dim, x);
        radial_add(ra->dim, x, p.fold.m * row.q, p.y, z);
        tile->log_det[i] += radial_log_det(ra->dim, &row);
    }
    return NF_OK;
}

/* x - z = (1/D - 1) (z - x0) */
static nf_status radial_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct radial *ra = self;
    const radial_step p = radial_at(ra, tile);
    const real *z = out;
    real *x = in;

    for (int64_t i = 0; i < tile->n; i++, x += ra->dim, z += ra->dim) {
        const radial_row row = radial_of(&p, radial_solve(&p, radial_distance(&p, ra->dim, z)));
        radial_add(ra->dim, z, -p.fold.m * row.q / row.d, p.y, x);
        tile->log_det[i] -= radial_log_det(ra->dim, &row);
    }
    return NF_OK;
}

/* dlog|det|/dq over m: (dim - 1) / D + 2 q / E */
static double radial_turn(int64_t dim, const radial_row *row) { return (double)(dim - 1) / row->d + 2.0 * row->q / row->e; }

/* With e = y / r, dq/dr = -q^2 / alpha, dq/dalpha = q (1 - q) / alpha, and w = dlog|det|/dq / m; g = dL/dz and h = dL/dlog_det of a row:
 *   dL/dx = D g + e k,   k = -m q^2 / alpha (g.y + h w),   dL/dx0 = g - dL/dx
 *   dL/dm = q (g.y) + h ((dim - 1) q / D + q^2 / E),   dL/dalpha = m q (1 - q) / alpha (g.y + h w) */
static nf_status radial_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                 const double *g_log_det)
{
    const struct radial *ra = self;
    const radial_step p = radial_at(ra, tile);
    const int64_t dim = ra->dim;
    const real *x = in;
    real *gradient = g, *grad = tile->grad;
    double sum_m = 0.0, sum_alpha = 0.0;

    (void)out, (void)saved;
    memset(p.sum, 0, (size_t)dim * sizeof *p.sum);
    for (int64_t i = 0; i < tile->n; i++, x += dim, gradient += dim) {
        const radial_row row = radial_row_of(&p, dim, x);
        const double along = nfi_dot(dim, gradient, p.y), h = g_log_det[i], all = along + h * radial_turn(dim, &row);
        const double turned = -p.fold.m * row.q * row.q / p.alpha * all * row.inverse, grown = p.fold.m * row.q;
        for (int64_t j = 0; j < dim; j++) p.sum[j] -= grown * (double)gradient[j] + turned * p.y[j];
        radial_scale_add(dim, row.d, gradient, turned, p.y, gradient);
        sum_m += row.q * (along + h * ((double)(dim - 1) / row.d + row.q / row.e));
        sum_alpha += p.fold.m * row.q * row.rest / p.alpha * all;
    }
    for (int64_t j = 0; grad && j < dim; j++) grad[j] += (real)p.sum[j];
    if (grad) grad[dim] += (real)(sum_alpha * p.slope), grad[dim + 1] += (real)(sum_m * p.fold.slope);
    return NF_OK;
}

/* J = D I + (E - D) e e^T is its own transpose: D w = v + (D/E - 1) (e.v) e,   D - E = m q (1 - q) */
static nf_status radial_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const struct radial *ra = self;
    const radial_step p = radial_at(ra, tile);
    const int64_t dim = ra->dim;
    const real *x = in;
    real *v = g;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += dim, v += dim) {
        const radial_row row = radial_row_of(&p, dim, x);
        const double along = nfi_dot(dim, v, p.y) * row.inverse * row.inverse;
        radial_scale_add(dim, 1.0 / row.d, v, p.fold.m * row.q * row.rest / (row.d * row.e) * along, p.y, v);
    }
    return NF_OK;
}

/* dz = D dx + (E - D) (e.dx) e,   dlog|det| = -m q^2 / alpha w (e.dx) */
static nf_status radial_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                            double *d_log_det)
{
    const struct radial *ra = self;
    const nf_status status = radial_forward(self, tile, in, out, NULL);
    const radial_step p = radial_at(ra, tile);
    const int64_t dim = ra->dim;
    const real *x = in, *dx = d_in;
    real *dz = d_out;

    for (int64_t i = 0; i < tile->n; i++, x += dim, dx += dim, dz += dim) {
        const radial_row row = radial_row_of(&p, dim, x);
        const double along = nfi_dot(dim, dx, p.y) * row.inverse, grown = p.fold.m * row.q;
        radial_scale_add(dim, row.d, dx, -grown * row.rest * along * row.inverse, p.y, dz);
        d_log_det[i] -= grown * row.q / p.alpha * radial_turn(dim, &row) * along;
    }
    return status;
}

static nf_status radial_reset(const void *self, uint64_t seed, uint32_t stream, void *to)
{
    const struct radial *ra = self;
    real *theta = to;
    for (int64_t j = 0; j < ra->dim; j++) theta[j] = (real)nfi_normal(seed, stream, (uint64_t)j);
    theta[ra->dim] = theta[ra->dim + 1] = 0;
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_radial_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = radial_reset,
    .forward = radial_forward,
    .inverse = radial_inverse,
    .backward = radial_backward,
    .jvp = radial_jvp,
    .inverse_backward = radial_inverse_backward,
};

#if NFI_ONCE
static nf_status radial_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_radial_config *config = resolved;
    struct radial *ra = nf_maker_alloc(maker, (int64_t)sizeof *ra);
    if (!ra) return NF_ERR_MEMORY;
    ra->dim = config->dim;
    *self = ra;
    return NF_OK;
}

static nf_status radial_describe(const void *self, nf_layer_info *info)
{
    const struct radial *ra = self;
    info->dim = ra->dim;
    info->scratch_fixed = 2 * ra->dim * (int64_t)sizeof(double);
    return NF_OK;
}

static nf_status radial_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "x0", "a", "b" };
    const struct radial *ra = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i ? ra->dim + i - 1 : 0;
    param->rank = i == 0;
    param->shape[0] = ra->dim;
    return NF_OK;
}

static const nf_field radial_fields[] = {
    NFI_FIELD(nf_radial_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
};
const nfi_config_type nfi_radial_config_type = NFI_CONFIG_TYPE("radial", nf_radial_config, radial_fields);
const nf_layer_type nfi_radial_type = {
    NFI_LAYER_TYPE("radial", nf_radial_config, radial_fields),
    .create = radial_make,
    .describe = radial_describe,
    .param = radial_param,
    .f32 = &nfi_radial_ops_f32,
    .f64 = &nfi_radial_ops_f64,
};

void nf_radial_config_init(nf_radial_config *config)
{
    if (config) *config = (nf_radial_config)NF_RADIAL_CONFIG_INIT;
}

nf_status nf_radial_create(nf_layer **out, nf_context *context, const nf_radial_config *config)
{
    return nfi_layer_make(out, context, &nfi_radial_type, config, "nf_radial_create");
}
#endif
