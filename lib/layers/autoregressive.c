/* SPDX-License-Identifier: MIT
 *
 * autoregressive.c - each column transformed by a network of the columns before it
 *
 *   v_k = T(u_k; p_k),   p_k = net_k(cond, u_1 .. u_{k-1}),   k the column's place in the order;   l(u) = sum_k log dT/du_k
 *
 * direction forward: u = x, v = z, log|det| = l (MAF); direction inverse: u = z, v = x, log|det| = -l (IAF). In both, v of u ("direct") is
 * one evaluation of the network, batched; u of v ("solve") goes column by column: p_k, then u_k = T^-1(v_k; p_k), by nets/made.h, which
 * evaluates each unit once. p has the same bits both ways, but for signs of zeros, and with CBLAS.
 * theta: views "net.<l>..."; inputs cond, then columns in the order; outputs [dim][params], columns in the order.
 * saved, per tile: the network's input, what the transform and the network keep.
 *
 * Check value: dim=2, hidden={0}, tanh with m=2, W = (0, 0, -0.4, 0.9; 0), b = (0, 0, 0.3, -0.2), x = (0.7, 2.385):
 * t = 0.02, u = 0.43 for column 1 -> z = (0.7, 3.6625857417), log|det| = 0.4234946737
 * Refs: Papamakarios, Pavlakou, Murray, arXiv:1705.07057; Kingma et al., arXiv:1606.04934; Durkan et al., arXiv:1906.04032.
 */
#include "core/real.h"
#include "layers/autoregressive.h"

#include <string.h>

/* Memory of a tile */

struct auto_work { /* in scratch; [n] stands for columns, one number a row */
    real *in, *d_in, *out, *d_out; /* [n][ld] of the network; their gradients or tangents */
    real *u, *v, *d, *e;           /* [n][dim], in the order */
    real *column, *other, *slope, *tangent; /* [n] */
    double *sink, *zeros;          /* [n]: log-dets that nobody asked for, and cotangents; no cotangents */
    real *h, *pre, *d_unit;        /* of a pass */
    real *p, *dp, *none;           /* [params][ld] of a column in a pass, its tangent, and zeros */
    real *gp;                      /* [dim][params][ld] in a pass */
    void *transform, *net;         /* their own */
};

struct auto_saved { /* from forward to backward */
    real *in;
    void *transform, *net;
};

static const nfi_transform_ops *auto_transform(const nfi_autoregressive *a, const nfi_kernels *k) { return nfi_transform_ops_of(&a->transform, k); }
static int64_t auto_ld_in(const nfi_autoregressive *a) { return nfi_mlp_ld(a->made.mlp.width[0]); }
static int64_t auto_ld_out(const nfi_autoregressive *a) { return nfi_mlp_ld(a->transform.params * a->dim); }

/* Rows of a pass are counted in sixteens: 16 more than n hold them. */
static void auto_carve_pass(const nfi_autoregressive *a, const nfi_kernels *k, int64_t n, void *base, int64_t *at, struct auto_work *w)
{
    const int64_t lanes = (n + 16) * k->size, units = nfi_made_units(&a->made) * lanes, params = a->transform.params * lanes;
    w->h = nfi_carve(base, at, units);
    w->pre = nfi_carve(base, at, units);
    w->d_unit = nfi_carve(base, at, units);
    w->p = nfi_carve(base, at, params);
    w->dp = nfi_carve(base, at, params);
    w->none = nfi_carve(base, at, params);
    w->gp = nfi_carve(base, at, a->dim * params);
}

static int64_t auto_carve_work(const nfi_autoregressive *a, const nfi_kernels *k, int64_t n, void *base, struct auto_work *w)
{
    const nfi_transform_ops *transform = auto_transform(a, k);
    const int64_t column = n * k->size, in = auto_ld_in(a) * column, out = auto_ld_out(a) * column;
    int64_t at = 0;

    real **const nets[] = { &w->in, &w->d_in, &w->out, &w->d_out }, **const rows[] = { &w->u, &w->v, &w->d, &w->e };
    real **const columns[] = { &w->column, &w->other, &w->slope, &w->tangent };
    for (int32_t i = 0; i < 4; i++) {
        *nets[i] = nfi_carve(base, &at, i < 2 ? in : out);
        *rows[i] = nfi_carve(base, &at, a->dim * column);
        *columns[i] = nfi_carve(base, &at, column);
    }
    w->sink = nfi_carve(base, &at, n * (int64_t)sizeof *w->sink);
    w->zeros = nfi_carve(base, &at, n * (int64_t)sizeof *w->zeros);
    auto_carve_pass(a, k, n, base, &at, w);
    w->transform = nfi_carve(base, &at, nfi_max(transform->scratch_bytes(a->transform.self, k, n, a->dim),
                                                transform->scratch_bytes(a->transform.self, k, n, 1)));
    w->net = nfi_carve(base, &at, 2 * n * nfi_mlp_scratch_bytes(&a->made.mlp, k)); /* twice: values and tangents */
    return at;
}

static int64_t auto_carve_saved(const nfi_autoregressive *a, const nfi_kernels *k, int64_t n, void *base, struct auto_saved *saved)
{
    int64_t at = 0;
    saved->in = nfi_carve(base, &at, n * auto_ld_in(a) * k->size);
    saved->transform = nfi_carve(base, &at, auto_transform(a, k)->saved_bytes(a->transform.self, k, n, a->dim));
    saved->net = nfi_carve(base, &at, n * nfi_mlp_saved_bytes(&a->made.mlp, k));
    return at;
}

/* Columns in the order, and back */

static void auto_gather(const nfi_autoregressive *a, int64_t n, const real *x, real *to)
{
    for (int64_t i = 0; i < n; i++, x += a->dim, to += a->dim)
        for (int64_t k = 0; k < a->dim; k++) to[k] = x[a->order[k]];
}

static void auto_scatter(const nfi_autoregressive *a, int64_t n, const real *from, real *x)
{
    for (int64_t i = 0; i < n; i++, x += a->dim, from += a->dim)
        for (int64_t k = 0; k < a->dim; k++) x[a->order[k]] = from[k];
}

/* in[i] = (cond, u) of row i; cond NULL: zeros, as for tangents. */
static void auto_input(const nfi_autoregressive *a, int64_t n, const real *u, const real *cond, int64_t ld_cond, real *in)
{
    for (int64_t i = 0; i < n; i++, u += a->dim, in += auto_ld_in(a)) {
        for (int64_t j = 0; j < a->cond_dim; j++) in[j] = cond ? cond[i * ld_cond + j] : (real)0;
        memcpy(in + a->cond_dim, u, (size_t)a->dim * sizeof *u);
    }
}

/* Rows of all columns, and of one column in a pass. */
static nfi_transform_rows auto_rows(const nfi_autoregressive *a, const nf_tile *tile, const struct auto_work *w, const real *out)
{
    return (nfi_transform_rows){ .kernels = tile->kernels, .n = tile->n, .m = a->dim, .p = { out, out + 1 }, .ld = auto_ld_out(a), .step = 1,
                                 .column = a->transform.params, .scratch = w->transform };
}
static nfi_transform_rows auto_column_rows(const nf_tile *tile, const struct auto_work *w)
{
    const int64_t ld = nfi_made_ld(tile->n);
    return (nfi_transform_rows){ .kernels = tile->kernels, .n = tile->n, .m = 1, .p = { w->p, w->p + ld }, .ld = 1, .step = ld, .column = 1,
                                 .scratch = w->transform };
}

/* The two maps */

/* w->v of w->u; saved NULL: nothing is kept. */
static void auto_direct(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, double *log_det, const struct auto_saved *saved)
{
    auto_input(a, tile->n, w->u, tile->cond, tile->cond_dim, w->in);
    nfi_mlp_value(&a->made.mlp, tile->kernels, tile->n, tile->packed, w->in, w->out, saved ? saved->net : NULL, w->net);
    const nfi_transform_rows rows = auto_rows(a, tile, w, w->out);
    auto_transform(a, tile->kernels)->forward(a->transform.self, &rows, w->u, w->v, log_det, saved ? saved->transform : NULL);
}

static nfi_made_pass auto_pass(const nfi_autoregressive *a, const nf_tile *tile, const struct auto_work *w, const void *weights)
{
    return (nfi_made_pass){ .made = &a->made, .kernels = tile->kernels, .ld = nfi_made_ld(tile->n), .weights = weights, .h = w->h, .u = w->pre };
}

/* Input j of a pass: `from` is a column of rows of ld_from, NULL: zeros. */
static void auto_set_input(const nfi_made_pass *pass, int64_t n, int64_t j, const real *from, int64_t ld_from, real *units)
{
    real *to = units + j * pass->ld;
    memset(to, 0, (size_t)pass->ld * sizeof *to);
    for (int64_t i = 0; from && i < n; i++) to[i] = from[i * ld_from];
}

static void auto_take(int64_t n, const real *from, int64_t ld, real *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = from[i * ld];
}
static void auto_put(int64_t n, const real *from, real *to, int64_t ld)
{
    for (int64_t i = 0; i < n; i++) to[i * ld] = from[i];
}

/* w->u of w->v, column by column; log_det gets -l(u). */
static void auto_solve(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, double *log_det)
{
    const int64_t n = tile->n;
    const nfi_made_pass pass = auto_pass(a, tile, w, nfi_mlp_packed_weights(&a->made.mlp, tile->kernels, tile->packed));
    const nfi_transform_rows rows = auto_column_rows(tile, w);
    const real *cond = tile->cond;

    for (int64_t j = 0; j < a->cond_dim; j++) auto_set_input(&pass, n, j, cond ? cond + j : NULL, tile->cond_dim, w->h);
    for (int64_t k = 0; k < a->dim; k++) {
        nfi_made_column(&pass, k + 1, w->p, NULL);
        auto_take(n, w->v + k, a->dim, w->column);
        auto_transform(a, tile->kernels)->inverse(a->transform.self, &rows, w->column, w->column, log_det);
        auto_put(n, w->column, w->u + k, a->dim);
        auto_set_input(&pass, n, a->cond_dim + k, w->column, 1, w->h);
    }
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */

static nf_status auto_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const nfi_autoregressive *a = self;
    NFI_NAME(nfi_mlp_reset)(&a->made.mlp, seed, stream, theta);
    return NF_OK;
}

static void auto_pack(const void *self, const void *kernels, const void *theta, void *packed, void *turned, int64_t part)
{
    const nfi_autoregressive *a = self;
    (void)part;
    nfi_mlp_pack(&a->made.mlp, kernels, theta, packed, turned);
}

static nf_status auto_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const nfi_autoregressive *a = self;
    struct auto_work w;
    struct auto_saved keep;

    (void)auto_carve_work(a, tile->kernels, tile->n, tile->scratch, &w);
    (void)auto_carve_saved(a, tile->kernels, tile->n, saved, &keep);
    auto_gather(a, tile->n, in, a->solves ? w.v : w.u);
    if (a->solves) {
        auto_solve(a, tile, &w, tile->log_det);
        auto_scatter(a, tile->n, w.u, out);
    }
    if (saved) w.in = keep.in;
    memset(w.sink, 0, (size_t)tile->n * sizeof *w.sink);
    if (saved || !a->solves) auto_direct(a, tile, &w, a->solves ? w.sink : tile->log_det, saved ? &keep : NULL);
    if (!a->solves) auto_scatter(a, tile->n, w.v, out);
    return NF_OK;
}

static nf_status auto_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const nfi_autoregressive *a = self;
    struct auto_work w;

    (void)auto_carve_work(a, tile->kernels, tile->n, tile->scratch, &w);
    auto_gather(a, tile->n, out, a->solves ? w.u : w.v);
    if (a->solves)
        auto_direct(a, tile, &w, tile->log_det, NULL);
    else
        auto_solve(a, tile, &w, tile->log_det);
    auto_scatter(a, tile->n, a->solves ? w.v : w.u, in);
    return NF_OK;
}

/* Gradient. Of direct, with cotangents g = dL/dv and h = dL/dl, the transform and the network answer, row by row,
 *   R_u(g, h) = J^T g + h dl/du,   R_theta(g, h) = (dv/dtheta)^T g + h dl/dtheta,   J = dv/du,
 * which is all of direction forward. Direction inverse maps v to u: v = G(u; theta) holds, so that J du + (dv/dtheta) dtheta = dv, and
 * log|det| = -l(u; theta). With g = dL/du, h = dL/dlog_det:
 *   dL/dv = a,   J^T a = g - h dl/du;      dL/dtheta = -(dv/dtheta)^T a - h dl/dtheta = R_theta(-a, -h);      R_u(-a, -h) = -g.
 * J is triangular, so the last equation gives a column by column from the end: R_u of column k is -a_k T'_k + c_k + what the network
 * hands down from dL/dp of the columns after k, with T' = R(1, 0) and c = R(0, -h) of the transform alone, which is linear in both:
 * dL/dp_k = -a_k R_p(1, 0) + R_p(0, -h). The same for dL/dcond. */

static void auto_back_net(const nfi_autoregressive *a, const nf_tile *tile, const struct auto_work *w, const struct auto_saved *keep, real *gp, real *gin)
{
    nfi_mlp_reverse(&a->made.mlp, tile->kernels, tile->n, tile->packed_backward, keep->in, keep->net, gp, gin, tile->grad, w->net);
    real *gc = tile->grad_cond;
    const real *from = gin;
    for (int64_t i = 0; gc && i < tile->n; i++, from += auto_ld_in(a))
        for (int64_t j = 0; j < a->cond_dim; j++) gc[i * tile->cond_dim + j] += from[j];
}

static void auto_backward_direct(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, const struct auto_saved *keep, real *g, const double *h)
{
    const nfi_transform_rows rows = auto_rows(a, tile, w, NULL);
    void *const gp[2] = { w->d_out, w->d_out + 1 };

    auto_gather(a, tile->n, g, w->d);
    auto_transform(a, tile->kernels)->backward(a->transform.self, &rows, w->u, w->v, keep->transform, w->d, h, gp);
    auto_back_net(a, tile, w, keep, w->d_out, w->d_in);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t k = 0; k < a->dim; k++) w->d[i * a->dim + k] += w->d_in[i * auto_ld_in(a) + a->cond_dim + k];
    auto_scatter(a, tile->n, w->d, g);
}

/* w->d = T', w->out = R_p(1, 0);  w->e = c, w->d_out = R_p(0, -h) */
static void auto_back_parts(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, const struct auto_saved *keep, const double *h)
{
    const nfi_transform_ops *transform = auto_transform(a, tile->kernels);
    const nfi_transform_rows rows = auto_rows(a, tile, w, NULL);
    void *const unit[2] = { w->out, w->out + 1 }, *const other[2] = { w->d_out, w->d_out + 1 };

    for (int64_t i = 0; i < tile->n * a->dim; i++) w->d[i] = 1, w->e[i] = 0;
    memset(w->sink, 0, (size_t)tile->n * sizeof *w->sink);
    transform->backward(a->transform.self, &rows, w->u, w->v, keep->transform, w->d, w->sink, unit);
    for (int64_t i = 0; i < tile->n; i++) w->sink[i] = -h[i];
    transform->backward(a->transform.self, &rows, w->u, w->v, keep->transform, w->e, w->sink, other);
}

/* Column k of w->out: dL/dp, and as a pass wants it. */
static void auto_back_column(const nfi_autoregressive *a, int64_t n, int64_t ld, struct auto_work *w, int64_t k)
{
    const int64_t params = a->transform.params;
    real *to = w->gp + k * params * ld;
    for (int64_t i = 0; i < n; i++)
        for (int64_t q = 0; q < params; q++) {
            const int64_t at = i * auto_ld_out(a) + k * params + q;
            to[q * ld + i] = w->out[at] = w->d_out[at] - w->column[i] * w->out[at];
        }
    for (int64_t q = 0; q < params; q++)
        for (int64_t i = n; i < ld; i++) to[q * ld + i] = 0;
}

static void auto_backward_solve(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, const struct auto_saved *keep, real *g, const double *h)
{
    const int64_t n = tile->n, dim = a->dim;
    nfi_made_pass pass = auto_pass(a, tile, w, nfi_mlp_turned_weights(&a->made.mlp, tile->kernels, tile->packed_backward));

    pass.d = w->d_unit;
    auto_back_parts(a, tile, w, keep, h);
    nfi_made_load(&pass, n, keep->net);
    for (int64_t k = dim - 1; k >= 0; k--) {
        const real *net = nfi_made_back(&pass, k + 1, w->gp);
        for (int64_t i = 0; i < n; i++) {
            real *gi = g + i * dim + a->order[k];
            w->column[i] = (*gi + w->e[i * dim + k] + net[i]) / w->d[i * dim + k];
            *gi = w->column[i];
        }
        auto_back_column(a, n, pass.ld, w, k);
    }
    if (tile->grad || tile->grad_cond) auto_back_net(a, tile, w, keep, w->out, tile->grad_cond ? w->d_in : NULL);
}

static nf_status auto_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    const nfi_autoregressive *a = self;
    struct auto_work w;
    struct auto_saved keep;

    (void)auto_carve_work(a, tile->kernels, tile->n, tile->scratch, &w);
    (void)auto_carve_saved(a, tile->kernels, tile->n, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    auto_gather(a, tile->n, a->solves ? out : in, w.u);
    auto_gather(a, tile->n, a->solves ? in : out, w.v);
    (a->solves ? auto_backward_solve : auto_backward_direct)(a, tile, &w, &keep, g, h);
    return NF_OK;
}

/* J_f^T w = v with J_f = dz/dx. Direction forward has J_f = J: what backward of direction inverse solves, at h = 0. Direction inverse has
 * J_f = J^-1, and w = J^T v is backward of the direct map. */
static nf_status auto_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const nfi_autoregressive *a = self;
    nf_tile rows_only = *tile;
    struct auto_work w;
    struct auto_saved keep;

    rows_only.grad = rows_only.grad_cond = NULL;
    (void)auto_carve_work(a, tile->kernels, tile->n, tile->scratch, &w);
    (void)auto_carve_saved(a, tile->kernels, tile->n, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    auto_gather(a, tile->n, a->solves ? out : in, w.u);
    auto_gather(a, tile->n, a->solves ? in : out, w.v);
    memset(w.zeros, 0, (size_t)tile->n * sizeof *w.zeros);
    (a->solves ? auto_backward_direct : auto_backward_solve)(a, &rows_only, &w, &keep, g, w.zeros);
    return NF_OK;
}

/* Tangents. dv_k = T'_k du_k + dT/dp_k dp_k: direction inverse solves for du_k in the order. T's own jvp gives T' (of 1, 0), the second term
 * (of 0, dp), and dl. */

static void auto_jvp_direct(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, double *d_log_det)
{
    auto_input(a, tile->n, w->d, NULL, 0, w->d_in);
    nfi_mlp_jvp(&a->made.mlp, tile->kernels, tile->n, tile->packed, w->in, w->d_in, w->out, w->d_out, w->net);
    const nfi_transform_rows rows = auto_rows(a, tile, w, w->out);
    const void *const dp[2] = { w->d_out, w->d_out + 1 };
    auto_transform(a, tile->kernels)->jvp(a->transform.self, &rows, w->u, w->v, w->d, dp, w->e, d_log_det);
}

/* w->tangent = du_k of w->tangent = dv_k; w->column and w->other are u_k and v_k. */
static void auto_jvp_column(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, double *d_log_det)
{
    const nfi_transform_ops *transform = auto_transform(a, tile->kernels);
    const nfi_transform_rows rows = auto_column_rows(tile, w);
    const void *const zero[2] = { w->none, w->none + rows.step }, *const dp[2] = { w->dp, w->dp + rows.step };
    const int64_t n = tile->n;

    for (int64_t i = 0; i < n; i++) w->slope[i] = 1, w->sink[i] = 0;
    transform->jvp(a->transform.self, &rows, w->column, w->other, w->slope, zero, w->slope, w->sink);
    real *part = w->d; /* free here */
    memset(part, 0, (size_t)n * sizeof *part);
    transform->jvp(a->transform.self, &rows, w->column, w->other, part, dp, part, w->sink);
    for (int64_t i = 0; i < n; i++) w->tangent[i] = (w->tangent[i] - part[i]) / w->slope[i], w->sink[i] = 0;
    transform->jvp(a->transform.self, &rows, w->column, w->other, w->tangent, dp, part, w->sink);
    for (int64_t i = 0; i < n; i++) d_log_det[i] -= w->sink[i];
}

/* w->e = du of w->e = dv, behind auto_solve */
static void auto_jvp_solve(const nfi_autoregressive *a, const nf_tile *tile, struct auto_work *w, double *d_log_det)
{
    const int64_t n = tile->n, dim = a->dim;
    nfi_made_pass pass = auto_pass(a, tile, w, nfi_mlp_packed_weights(&a->made.mlp, tile->kernels, tile->packed));

    pass.d = w->d_unit;
    memset(w->none, 0, (size_t)(pass.ld * a->transform.params) * sizeof *w->none);
    for (int64_t j = 0; j < a->cond_dim; j++) auto_set_input(&pass, n, j, NULL, 0, w->d_unit); /* values are as auto_solve left them */
    for (int64_t k = 0; k < dim; k++) {
        nfi_made_column(&pass, k + 1, w->p, w->dp);
        auto_take(n, w->u + k, dim, w->column);
        auto_take(n, w->v + k, dim, w->other);
        auto_take(n, w->e + k, dim, w->tangent);
        auto_jvp_column(a, tile, w, d_log_det);
        auto_put(n, w->tangent, w->e + k, dim);
        auto_set_input(&pass, n, a->cond_dim + k, w->tangent, 1, w->d_unit);
    }
}

static nf_status auto_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out, double *d_log_det)
{
    const nfi_autoregressive *a = self;
    struct auto_work w;

    const nf_status status = auto_forward(self, tile, in, out, NULL);
    (void)auto_carve_work(a, tile->kernels, tile->n, tile->scratch, &w); /* u, v, in and the units of a pass are as forward left them */
    auto_gather(a, tile->n, d_in, a->solves ? w.e : w.d);
    (a->solves ? auto_jvp_solve : auto_jvp_direct)(a, tile, &w, d_log_det);
    auto_scatter(a, tile->n, w.e, d_out);
    return status;
}

const nf_layer_ops NFI_NAME(nfi_autoregressive_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = auto_reset,
    .pack = auto_pack,
    .forward = auto_forward,
    .inverse = auto_inverse,
    .backward = auto_backward,
    .jvp = auto_jvp,
    .inverse_backward = auto_inverse_backward,
};

#if NFI_ONCE
nf_status nfi_autoregressive_describe(const void *self, nf_layer_info *info)
{
    const nfi_autoregressive *a = self;
    const nfi_kernels *k = info->kernels;
    const int64_t fixed = auto_carve_work(a, k, 0, NULL, &(struct auto_work){ 0 });

    info->dim = a->dim;
    info->cond_dim = a->cond_dim;
    info->inverse_is_iterative = !a->solves;
    info->scratch_fixed = fixed;
    info->scratch_row = auto_carve_work(a, k, 1, NULL, &(struct auto_work){ 0 }) - fixed;
    info->saved_row = auto_carve_saved(a, k, 1, NULL, &(struct auto_saved){ 0 });
    info->packed = nfi_mlp_packed_bytes(&a->made.mlp, k);
    info->packed_backward = nfi_mlp_turned_bytes(&a->made.mlp, k);
    info->flop_row = nfi_mlp_flop(&a->made.mlp);
    return NF_OK;
}

nf_status nfi_autoregressive_param(const void *self, int32_t i, nf_param *param)
{
    const nfi_autoregressive *a = self;
    if (i < 0 || i >= nfi_mlp_param_count(&a->made.mlp)) return NF_ERR_ARG;
    nfi_mlp_param(&a->made.mlp, "net", 0, i, param);
    return NF_OK;
}
#endif
