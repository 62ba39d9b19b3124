/* SPDX-License-Identifier: MIT
 *
 * sylvester.c - planar with many units: a step within a subspace, by a network of one hidden layer of where a row is in it
 *
 *   y = Q^T x,   a = S y + b,   t = tanh(a),   z = x + Q R t,   log|det dz/dx| = sum_i log(1 + m_i (1 - t_i^2)),   m_i = R_ii S_ii
 *
 * Q [dim][M] has orthonormal columns, R and S [M][M] are upper triangular: by Sylvester's identity the determinant is that of
 * I + R diag(1 - t^2) S. It can be inverted where all m_i > -1. With c = log(e - 1),
 *   S_ii = least + (1 - least) softplus(a_i + c) > 0,   m_i = softplus(s_i + c) - 1 > -1 (fold.h),   R_ii = m_i / S_ii
 * which leaves nothing out: (S_ii, b_i, R_.i) with all signs turned is the same unit. s = 0 and R = 0 are the identity; `least` keeps R_ii
 * from what tanh of nothing would have to be multiplied with. Q is the first M columns of H_1 ... H_k, reflections (reflect.h).
 *
 * Inverse: c = Q^T z = y + R t. From the last unit to the first, with what later units give taken off c_i and added up in e_i,
 *   a_i + m_i tanh(a_i) = S_ii c_i + e_i        (fold.c),   y_i = c_i - R_ii t_i,   and then x = z - Q R t.
 *
 * theta = (v [k][dim], r [M][M], a [M], b [M]): r holds R above its diagonal, s on it, and S transposed below. It starts as normal v, zeros else.
 * Everything is in double: products by the kernels in double, whose panels pack makes, once per change of theta. Gradients: sylvester_back.c.
 *
 * Check value: dim=2, rank=2, v=(0.7, -1.3; 2, 0.4), r=(0.3, -0.8; 0.6, -0.5), a=(0.2, -0.4), b=(0.1, -0.3), x=(0.7, 0.385)
 *   -> z = (0.6844424228, 0.2665195146), log|det| = -0.2023024027
 * Ref: van den Berg, Hasenclever, Tomczak, Welling, "Sylvester Normalizing Flows for Variational Inference", arXiv:1803.05649.
 */
#include "layers/sylvester.h"
#include <nflow/planar.h>

#include <string.h>

#include "core/status.h"
#include "math/functions.h"

#define SYLVESTER_MAX 256 /* of units and reflections */
#define SYLVESTER_USUAL 32 /* units, unless given */
#define SYLVESTER_LEAST 1e-3 /* of S_ii, in units of what it starts as */

extern const nf_layer_ops nfi_sylvester_ops_f32, nfi_sylvester_ops_f64;

/* Row i of q is H_1 ... H_k e_i. */
static void sylvester_make_q(const struct sylvester *sy, const real *theta, const sylvester_block *b)
{
    const nfi_reflections h = sylvester_reflections(sy, b, theta);

    nfi_reflect_scales(sy->dim, sy->k, theta, b->scales);
    memset(b->q, 0, (size_t)(sy->rank * sy->dim) * sizeof *b->q);
    for (int64_t i = 0; i < sy->rank; i++) b->q[i * sy->dim + i] = 1.0;
    nfi_reflect_rows(&h, true, sy->rank, b->q);
    for (int64_t i = 0; i < sy->rank; i++)
        for (int64_t j = 0; j < sy->dim; j++) b->turned[j * sy->rank + i] = b->q[i * sy->dim + j];
}

/* The triangles, transposed, and their diagonals */
static void sylvester_make_triangles(const struct sylvester *sy, const real *r, const sylvester_block *b)
{
    const int64_t m = sy->rank;
    const real *a = r + m * m, *shift = a + m;

    for (int64_t i = 0; i < m; i++) {
        const nfi_fold steep = nfi_fold_at((double)a[i]);
        b->fold[i] = nfi_fold_at((double)r[i * m + i]);
        b->s_diagonal[i] = SYLVESTER_LEAST + (1.0 - SYLVESTER_LEAST) * steep.p;
        b->s_slope[i] = (1.0 - SYLVESTER_LEAST) * steep.slope;
        b->r_diagonal[i] = b->fold[i].m / b->s_diagonal[i];
        b->b[i] = (double)shift[i];
        for (int64_t j = 0; j < m; j++) {
            b->r[i * m + j] = j < i ? (double)r[j * m + i] : 0.0;
            b->s[i * m + j] = j < i ? (double)r[i * m + j] : 0.0;
        }
        b->r[i * m + i] = b->r_diagonal[i];
        b->s[i * m + i] = b->s_diagonal[i];
    }
}

static void sylvester_pack(const void *self, const void *kernels, const void *theta, void *packed, void *packed_backward, int64_t part)
{
    const struct sylvester *sy = self;
    const nfi_kernels *f64 = ((const nfi_kernels *)kernels)->f64;
    const int64_t m = sy->rank;

    (void)packed_backward, (void)part; /* there are none */
    if (!packed) return;
    const sylvester_block b = sylvester_at(sy, f64, packed);
    sylvester_make_q(sy, theta, &b);
    sylvester_make_triangles(sy, (const real *)theta + sy->k * sy->dim, &b);
    f64->pack(sy->dim, m, b.turned, NULL, NULL, b.into, b.out);
    f64->pack(m, m, b.s, b.b, NULL, b.s_panels, b.s_back);
    f64->pack(m, m, b.r, NULL, NULL, b.r_panels, b.r_back);
}

/* log|det| of row i, with w->a as working memory */
static double sylvester_log_det(const sylvester_work *w, int64_t i)
{
    const double *t = w->t + i * w->narrow;
    double *slopes = w->a + i * w->narrow, sum = 0.0;

    for (int64_t j = 0; j < w->sy->rank; j++) slopes[j] = nfi_fold_slope(&w->b.fold[j], t[j]);
    w->f64->log(w->sy->rank, slopes, slopes);
    for (int64_t j = 0; j < w->sy->rank; j++) sum += slopes[j];
    return sum;
}

static nf_status sylvester_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const sylvester_work w = sylvester_open(self, tile);

    (void)saved;
    sylvester_values(&w, in);
    sylvester_step(&w);
    sylvester_store(&w, w.x, 1.0, out);
    for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] += sylvester_log_det(&w, i);
    return NF_OK;
}

/* Unit i of all rows: t_i of c_i and e_i, in w->solve; then what it gives to the units before it. */
static void sylvester_solve_unit(const sylvester_work *w, int64_t i)
{
    const sylvester_block *b = &w->b;
    const double *r = b->r + i * w->sy->rank, *s = b->s + i * w->sy->rank;
    double *c = w->y, *e = w->a, *t = w->t;

    for (int64_t row = 0; row < w->n; row++) w->solve[row] = b->s_diagonal[i] * c[row * w->narrow + i] + e[row * w->narrow + i];
    nfi_fold_solve(w->f64, &b->fold[i], w->n, w->solve, w->solve, w->solve + w->n);
    for (int64_t row = 0; row < w->n; row++, c += w->narrow, e += w->narrow, t += w->narrow) {
        t[i] = w->solve[row];
        const double y = c[i] - b->r_diagonal[i] * t[i];
        for (int64_t j = 0; j < i; j++) c[j] -= r[j] * t[i], e[j] += s[j] * y;
    }
}

static nf_status sylvester_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const sylvester_work w = sylvester_open(self, tile);

    sylvester_load(&w, out, w.x);
    sylvester_into(&w, w.x, w.y);
    for (int64_t row = 0; row < tile->n; row++) memcpy(w.a + row * w.narrow, w.b.b, (size_t)w.sy->rank * sizeof *w.a);
    for (int64_t i = w.sy->rank - 1; i >= 0; i--) sylvester_solve_unit(&w, i);
    sylvester_step(&w);
    sylvester_store(&w, w.x, -1.0, in);
    for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] -= sylvester_log_det(&w, i);
    return NF_OK;
}

/* dy = Q^T dx,   da = S dy,   dt = q da,   dz = dx + Q R dt,   dlog|det| = -sum 2 m t q / D da */
static nf_status sylvester_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                               double *d_log_det)
{
    const nf_status status = sylvester_forward(self, tile, in, out, NULL);
    const sylvester_work w = sylvester_open(self, tile); /* t is as forward left it */
    const nfi_epilogue tangents = { .no_bias = 1 };

    sylvester_load(&w, d_in, w.g);
    sylvester_into(&w, w.g, w.e);
    w.f64->gemm(w.n, w.sy->rank, w.sy->rank, w.e, w.narrow, w.b.s_panels, w.u, w.narrow, &tangents);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < w.sy->rank; j++) {
            double *u = w.u + i * w.narrow + j;
            const double t = w.t[i * w.narrow + j], da = *u;
            *u = (1.0 - t * t) * da;
            d_log_det[i] -= 2.0 * w.b.fold[j].m * t * *u / nfi_fold_slope(&w.b.fold[j], t);
        }
    sylvester_square(&w, w.b.r_panels, w.u, w.d);
    sylvester_out(&w, w.d, w.step);
    sylvester_store(&w, w.g, 1.0, d_out);
    return status;
}

static nf_status sylvester_reset(const void *self, uint64_t seed, uint32_t stream, void *to)
{
    const struct sylvester *sy = self;
    const int64_t count = sy->k * sy->dim;
    real *v = to;
    for (int64_t i = 0; i < count; i++) v[i] = (real)nfi_normal(seed, stream, (uint64_t)i);
    memset(v + count, 0, (size_t)(sy->rank * (sy->rank + 2)) * sizeof *v);
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_sylvester_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = sylvester_reset,
    .pack = sylvester_pack,
    .forward = sylvester_forward,
    .inverse = sylvester_inverse,
    .backward = NFI_NAME(nfi_sylvester_backward),
    .jvp = sylvester_jvp,
    .inverse_backward = NFI_NAME(nfi_sylvester_inverse_backward),
};

#if NFI_ONCE
static nf_status sylvester_make(nf_maker *maker, void *resolved, void **self)
{
    nf_sylvester_config *config = resolved;
    struct sylvester *sy = nf_maker_alloc(maker, (int64_t)sizeof *sy);
    if (!sy) return NF_ERR_MEMORY;
    if (!config->rank) config->rank = nfi_min(config->dim, SYLVESTER_USUAL);
    if (config->rank > config->dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_sylvester_create: rank is %lld, must be at most dim, %lld", (long long)config->rank,
                        (long long)config->dim);
    if (!config->reflections) config->reflections = config->rank;
    *sy = (struct sylvester){ .dim = config->dim, .rank = config->rank, .k = config->reflections };
    *self = sy;
    return NF_OK;
}

static nf_status sylvester_describe(const void *self, nf_layer_info *info)
{
    const struct sylvester *sy = self;
    const int64_t fixed = sylvester_carve(sy, 0, NULL).bytes;

    info->dim = sy->dim;
    info->scratch_fixed = fixed;
    info->scratch_row = sylvester_carve(sy, 1, NULL).bytes - fixed;
    info->packed = sylvester_at(sy, ((const nfi_kernels *)info->kernels)->f64, NULL).bytes;
    info->flop_row = 4.0 * (double)sy->rank * (double)(sy->dim + sy->rank);
    info->inverse_is_iterative = 1;
    return NF_OK;
}

static nf_status sylvester_param(const void *self, int32_t i, nf_param *param)
{
    const struct sylvester *sy = self;
    const int64_t m = sy->rank, at = sy->k * sy->dim;
    const struct sylvester_view {
        const char *name;
        int64_t offset, rows, columns;
    } views[] = { { "v", 0, sy->k, sy->dim }, { "r", at, m, m }, { "a", at + m * m, m, 0 }, { "b", at + m * m + m, m, 0 } };

    if (i < 0 || i >= NFI_COUNT(views)) return NF_ERR_ARG;
    memcpy(param->name, views[i].name, 2);
    param->properties = NF_PARAM_NO_DECAY; /* the length of v means nothing, diagonals at 0 are ones */
    param->offset = views[i].offset;
    param->rank = views[i].columns ? 2 : 1;
    param->shape[0] = views[i].rows;
    param->shape[1] = views[i].columns;
    return NF_OK;
}

static const nf_field sylvester_fields[] = {
    NFI_FIELD(nf_sylvester_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_FIELD(nf_sylvester_config, rank, NF_FIELD_I64, 0, 0, 0, SYLVESTER_MAX, NULL, "Units, at most dim; 0: dim, at most 32"),
    NFI_FIELD(nf_sylvester_config, reflections, NF_FIELD_I64, 0, 0, 0, SYLVESTER_MAX, NULL, "Reflections that make Q; 0: as many as units"),
};
const nfi_config_type nfi_sylvester_config_type = NFI_CONFIG_TYPE("sylvester", nf_sylvester_config, sylvester_fields);
const nf_layer_type nfi_sylvester_type = {
    NFI_LAYER_TYPE("sylvester", nf_sylvester_config, sylvester_fields),
    .create = sylvester_make,
    .describe = sylvester_describe,
    .param = sylvester_param,
    .f32 = &nfi_sylvester_ops_f32,
    .f64 = &nfi_sylvester_ops_f64,
};

void nf_sylvester_config_init(nf_sylvester_config *config)
{
    if (config) *config = (nf_sylvester_config)NF_SYLVESTER_CONFIG_INIT;
}

nf_status nf_sylvester_create(nf_layer **out, nf_context *context, const nf_sylvester_config *config)
{
    return nfi_layer_make(out, context, &nfi_sylvester_type, config, "nf_sylvester_create");
}
#endif
