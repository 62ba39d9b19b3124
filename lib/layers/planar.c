/* SPDX-License-Identifier: MIT
 *
 * planar.c - a step along one direction, by how far a row is along another
 *
 *   a = w.x + b,   t = tanh(a),   z = x + v t,   log|det dz/dx| = log(1 + m (1 - t^2)) = log(t^2 + (1 - t^2) (1 + m)),   m = w.v
 *
 * It can be inverted where m > -1. u is what is trained, and v is u with its part along w made so:
 *   v = u + (m - s) w / |w|^2,   s = w.u,   m = softplus(s + c) - 1,   c = log(e - 1)
 * c, which the paper has not, makes m(0) = 0, so that u = 0 is the identity and w = 0 has a limit. Both terms of the determinant are positive.
 *
 * Inverse: with y = w.z + b, a solves a + m tanh(a) = y, which increases in a (fold.c). Then x = z - v tanh(a).
 *
 * theta = (w [dim], u [dim], b). It starts at u = b = 0 and w normal with variance 1/dim.
 *
 * Check value: dim=2, w=(0.7, -1.3), u=(2, 0.4), b=0.2, x=(0.7, 0.385) -> z = (1.0599495011, 0.4869790702), log|det| = 0.4794600381
 * Ref: Rezende, Mohamed, "Variational Inference with Normalizing Flows", arXiv:1505.05770, appendix A.1.
 */
#include "core/real.h"
#include "layers/fold.h"
#include "layers/layer.h"
#include <nflow/planar.h>

#include <string.h>

#include "math/functions.h"
#include "math/lanes.h"

extern const nf_layer_ops nfi_planar_ops_f32, nfi_planar_ops_f64;

struct planar { /* immutable after creation */
    int64_t dim;
};

typedef struct planar_step {
    const real *u;
    double *w, *v, *sum_v, *sum_w; /* [dim], scratch */
    double b;
    nfi_fold fold;                 /* m of s */
    double k, inverse;             /* (m - s)/|w|^2, 1/|w|^2 (0 where w is 0) */
} planar_step;

static planar_step planar_at(const struct planar *pl, const nf_tile *tile)
{
    const int64_t dim = pl->dim;
    const real *w = tile->theta;
    planar_step p = { .u = w + dim, .w = tile->scratch };
    double s, square;

    p.v = p.w + dim;
    p.sum_v = p.v + dim;
    p.sum_w = p.sum_v + dim;
    p.b = (double)p.u[dim];
    for (int64_t j = 0; j < dim; j++) p.w[j] = (double)w[j];
    s = nfi_dot(dim, p.u, p.w);
    square = nfi_dot_wide(dim, p.w, p.w);
    p.fold = nfi_fold_at(s);
    p.inverse = square == 0.0 ? 0.0 : 1.0 / square;
    p.k = (p.fold.m - s) * p.inverse;
    for (int64_t j = 0; j < dim; j++) p.v[j] = (double)p.u[j] + p.k * p.w[j];
    return p;
}

/* to = from + a v */
static void planar_add(int64_t dim, const real *from, double a, const double *restrict v, real *to)
{
    for (int64_t j = 0; j < dim; j++) to[j] = (real)((double)from[j] + a * v[j]);
}

static double planar_tanh(const planar_step *p, int64_t dim, const real *x) { return nfi_tanh(nfi_dot(dim, x, p->w) + p->b); }

static nf_status planar_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct planar *pl = self;
    const planar_step p = planar_at(pl, tile);
    const real *x = in;
    real *z = out;

    (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += pl->dim, z += pl->dim) {
        const double t = planar_tanh(&p, pl->dim, x);
        planar_add(pl->dim, x, t, p.v, z);
        tile->log_det[i] += nfi_log(nfi_fold_slope(&p.fold, t));
    }
    return NF_OK;
}

static nf_status planar_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct planar *pl = self;
    const planar_step p = planar_at(pl, tile);
    const real *z = out;
    double *t = p.sum_w + pl->dim;
    real *x = in;

    for (int64_t i = 0; i < tile->n; i++) t[i] = nfi_dot(pl->dim, z + i * pl->dim, p.w) + p.b;
    nfi_fold_solve(((const nfi_kernels *)tile->kernels)->f64, &p.fold, tile->n, t, t, t + tile->n);
    for (int64_t i = 0; i < tile->n; i++, x += pl->dim, z += pl->dim) {
        planar_add(pl->dim, z, -t[i], p.v, x);
        tile->log_det[i] -= nfi_log(nfi_fold_slope(&p.fold, t[i]));
    }
    return NF_OK;
}

/* From the sums G = sum t g, X = sum x dL/da, M = sum dL/dm of the rows, with dm/ds = slope and S = (G.w) (slope - 1)/|w|^2 + M slope:
 *   dL/du = G + S w,   dL/dw = X + k G + S u - 2 k (G.w)/|w|^2 w */
static void planar_gradient(const struct planar *pl, const planar_step *p, double sum_m, double sum_b, real *grad)
{
    const int64_t dim = pl->dim;
    const double along = nfi_dot_wide(dim, p->sum_v, p->w), slope = p->fold.slope;
    const double s = along * (slope - 1.0) * p->inverse + sum_m * slope, turn = 2.0 * p->k * along * p->inverse;

    for (int64_t j = 0; j < dim; j++) {
        grad[j] += (real)(p->sum_w[j] + p->k * p->sum_v[j] + s * (double)p->u[j] - turn * p->w[j]);
        grad[dim + j] += (real)(p->sum_v[j] + s * p->w[j]);
    }
    grad[2 * dim] += (real)sum_b;
}

/* sum_v += t g, sum_w += da x, g += da w */
static void planar_back_row(const planar_step *p, int64_t dim, double t, double da, const real *restrict x, real *restrict g)
{
    double *restrict sum_v = p->sum_v, *restrict sum_w = p->sum_w;
    const double *restrict w = p->w;
    for (int64_t j = 0; j < dim; j++) {
        sum_v[j] += t * (double)g[j];
        sum_w[j] += da * (double)x[j];
        g[j] = (real)((double)g[j] + da * w[j]);
    }
}

/* With q = 1 - t^2, D = 1 + m q, g = dL/dz and h = dL/dlog_det of a row:
 *   dL/da = (g.v) q - 2 h m t q / D,   dL/dx = g + w dL/da,   dL/dm = h q / D,   dL/dv = t g */
static nf_status planar_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                 const double *g_log_det)
{
    const struct planar *pl = self;
    const planar_step p = planar_at(pl, tile);
    const int64_t dim = pl->dim;
    const real *x = in;
    real *gradient = g;
    double sum_m = 0.0, sum_b = 0.0;

    (void)out, (void)saved;
    memset(p.sum_v, 0, (size_t)(2 * dim) * sizeof *p.sum_v); /* and sum_w, behind it */
    for (int64_t i = 0; i < tile->n; i++, x += dim, gradient += dim) {
        const double t = planar_tanh(&p, dim, x), q = 1.0 - t * t, h = g_log_det[i] * q / nfi_fold_slope(&p.fold, t);
        const double da = nfi_dot(dim, gradient, p.v) * q - 2.0 * h * p.fold.m * t;
        planar_back_row(&p, dim, t, da, x, gradient);
        sum_m += h;
        sum_b += da;
    }
    if (tile->grad) planar_gradient(pl, &p, sum_m, sum_b, tile->grad);
    return NF_OK;
}

/* J = I + q v w^T, so that J^T w = v is  w = v - q (v.v)/D w  with the layer's own v and w on the right */
static nf_status planar_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const struct planar *pl = self;
    const planar_step p = planar_at(pl, tile);
    const real *x = in;
    real *row = g;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += pl->dim, row += pl->dim) {
        const double t = planar_tanh(&p, pl->dim, x), along = nfi_dot(pl->dim, row, p.v);
        planar_add(pl->dim, row, -(1.0 - t * t) * along / nfi_fold_slope(&p.fold, t), p.w, row);
    }
    return NF_OK;
}

/* da = w.dx,   dz = dx + v q da,   dlog|det| = -2 m t q / D da */
static nf_status planar_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                            double *d_log_det)
{
    const struct planar *pl = self;
    const nf_status status = planar_forward(self, tile, in, out, NULL);
    const planar_step p = planar_at(pl, tile);
    const real *x = in, *dx = d_in;
    real *dz = d_out;

    for (int64_t i = 0; i < tile->n; i++, x += pl->dim, dx += pl->dim, dz += pl->dim) {
        const double t = planar_tanh(&p, pl->dim, x), q = 1.0 - t * t, da = nfi_dot(pl->dim, dx, p.w);
        planar_add(pl->dim, dx, q * da, p.v, dz);
        d_log_det[i] -= 2.0 * p.fold.m * t * q / nfi_fold_slope(&p.fold, t) * da;
    }
    return status;
}

static nf_status planar_reset(const void *self, uint64_t seed, uint32_t stream, void *to)
{
    const struct planar *pl = self;
    const double sd = 1.0 / nfi_sqrt((double)pl->dim);
    real *theta = to;
    memset(theta, 0, (size_t)(2 * pl->dim + 1) * sizeof(real));
    for (int64_t j = 0; j < pl->dim; j++) theta[j] = (real)(sd * nfi_normal(seed, stream, (uint64_t)j));
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_planar_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = planar_reset,
    .forward = planar_forward,
    .inverse = planar_inverse,
    .backward = planar_backward,
    .jvp = planar_jvp,
    .inverse_backward = planar_inverse_backward,
};

#if NFI_ONCE
static nf_status planar_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_planar_config *config = resolved;
    struct planar *pl = nf_maker_alloc(maker, (int64_t)sizeof *pl);
    if (!pl) return NF_ERR_MEMORY;
    pl->dim = config->dim;
    *self = pl;
    return NF_OK;
}

static nf_status planar_describe(const void *self, nf_layer_info *info)
{
    const struct planar *pl = self;
    info->dim = pl->dim;
    info->scratch_fixed = 4 * pl->dim * (int64_t)sizeof(double);
    info->scratch_row = (1 + NFI_FOLD_WORK) * (int64_t)sizeof(double);
    info->inverse_is_iterative = 1;
    return NF_OK;
}

static nf_status planar_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "w", "u", "b" };
    const struct planar *pl = self;
    if (i < 0 || i >= NFI_COUNT(names)) return NF_ERR_ARG;
    memcpy(param->name, names[i], 2);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i * pl->dim;
    param->rank = i < 2;
    param->shape[0] = pl->dim;
    return NF_OK;
}

static const nf_field planar_fields[] = {
    NFI_FIELD(nf_planar_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
};
const nfi_config_type nfi_planar_config_type = NFI_CONFIG_TYPE("planar", nf_planar_config, planar_fields);
const nf_layer_type nfi_planar_type = {
    NFI_LAYER_TYPE("planar", nf_planar_config, planar_fields),
    .create = planar_make,
    .describe = planar_describe,
    .param = planar_param,
    .f32 = &nfi_planar_ops_f32,
    .f64 = &nfi_planar_ops_f64,
};

void nf_planar_config_init(nf_planar_config *config)
{
    if (config) *config = (nf_planar_config)NF_PLANAR_CONFIG_INIT;
}

nf_status nf_planar_create(nf_layer **out, nf_context *context, const nf_planar_config *config)
{
    return nfi_layer_make(out, context, &nfi_planar_type, config, "nf_planar_create");
}
#endif
