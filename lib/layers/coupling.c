/* SPDX-License-Identifier: MIT
 *
 * coupling.c - couplings, whatever the columns, the networks and the transform
 *
 *   z_a = x_a,   z_b = T(x_b; p),   p = net(f(x_a), cond);      log|det dz/dx| = sum_j log dT/dx_b
 *
 * a are the columns kept, b the columns transformed, T the transform of each (transform.h); the network sees features f of the columns of
 * a (coupling_features.h) and cond, never masked ones.
 * theta: one network that answers all parameters, or two, the first for parameter 0, the second for the others; then the flag
 * "initialised" where the networks want data.
 * saved, per tile: the networks' input, what the networks and the transform keep.
 *
 * Rows of this table of layers: coupling_affine.c, coupling_conv.c.
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/coupling.h"

#include <string.h>

#include "core/status.h"
#include "layers/coupling_features.h"

/* Memory of a tile */

struct coupling_work { /* in scratch */
    real *in, *d_in;                                 /* [n][ld] the networks' input, and its tangent or gradient */
    real *out[NFI_COUPLING_NETS], *d_out[NFI_COUPLING_NETS]; /* [n][ld] the networks' outputs, and their tangents or gradients */
    real *x, *z, *d;                                 /* [n][n_b]: x_b, z_b, and a gradient or tangent of either */
    void *transform, *net;                           /* their own */
};

struct coupling_saved { /* from forward to backward */
    real *in;                     /* [n][ld] */
    void *transform;
    void *net[NFI_COUPLING_NETS]; /* what the networks keep */
};

static int64_t coupling_ld_in(const nfi_coupling *cp) { return cp->net[0].ld_in; }
static int64_t coupling_ld_out(const nfi_coupling *cp) { return cp->net[0].ld_out; }

static int64_t coupling_carve_work(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                   struct coupling_work *w)
{
    const int64_t in = n * coupling_ld_in(cp) * k->size, out = n * coupling_ld_out(cp) * k->size;
    const int64_t wide = n * cp->n_b * k->size;
    int64_t at = 0, net = 0, fixed = 0;

    w->in = nfi_carve(base, &at, in);
    w->d_in = nfi_carve(base, &at, in);
    for (int32_t i = 0; i < cp->n_nets; i++) {
        w->out[i] = nfi_carve(base, &at, out);
        w->d_out[i] = nfi_carve(base, &at, out);
        net = nfi_max(net, cp->net[i].ops->scratch_bytes(cp->net[i].self, k));
        fixed = nfi_max(fixed, nfi_net_scratch_fixed(&cp->net[i], k));
    }
    w->x = nfi_carve(base, &at, wide);
    w->z = nfi_carve(base, &at, wide);
    w->d = nfi_carve(base, &at, wide);
    w->transform = nfi_carve(base, &at, nfi_transform_ops_of(&cp->transform, k)->scratch_bytes(cp->transform.self, k, n, cp->n_b));
    w->net = nfi_carve(base, &at, 2 * n * net + fixed); /* twice: values and tangents */
    return at;
}

static int64_t coupling_carve_saved(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                    struct coupling_saved *saved)
{
    int64_t at = 0;
    saved->in = nfi_carve(base, &at, n * coupling_ld_in(cp) * k->size);
    saved->transform = nfi_carve(base, &at, nfi_transform_ops_of(&cp->transform, k)->saved_bytes(cp->transform.self, k, n, cp->n_b));
    for (int32_t i = 0; i < cp->n_nets; i++)
        saved->net[i] = nfi_carve(base, &at, n * cp->net[i].ops->saved_bytes(cp->net[i].self, k));
    return at;
}

/* The parts of forward and inverse */

/* in[i] = (f(x_a), cond) of row i */
static void coupling_gather(const nfi_coupling *cp, int64_t n, const real *x, const real *cond, int64_t ld_cond,
                            real *in)
{
    for (int64_t i = 0; i < n; i++, x += cp->dim, in += coupling_ld_in(cp)) {
        real *to = features_value(cp, x, in);
        for (int64_t j = 0; j < cp->cond_dim; j++) to[j] = cond[i * ld_cond + j];
    }
}

/* Tangents of the networks' input; cond is held fixed. */
static void coupling_gather_tangent(const nfi_coupling *cp, int64_t n, const real *in, const real *dx, real *d_in)
{
    const int64_t ld = coupling_ld_in(cp);
    for (int64_t i = 0; i < n; i++, dx += cp->dim, in += ld, d_in += ld) {
        features_tangent(cp, in, dx, d_in);
        for (int64_t j = cp->n_in - cp->cond_dim; j < cp->n_in; j++) d_in[j] = 0;
    }
}

static const char *coupling_packed(const nfi_coupling *cp, const nf_tile *tile, int32_t net)
{
    const char *packed = tile->packed;
    return net == 0 ? packed : packed + cp->net[0].ops->packed_bytes(cp->net[0].self, tile->kernels);
}

static const char *coupling_turned(const nfi_coupling *cp, const nf_tile *tile, int32_t net)
{
    const char *turned = tile->packed_backward;
    return net == 0 ? turned : turned + cp->net[0].ops->turned_bytes(cp->net[0].self, tile->kernels);
}

/* The networks' outputs of x into w->out; saved NULL: nothing is kept. */
static void coupling_networks(const nfi_coupling *cp, const nf_tile *tile, const real *x, struct coupling_work *w,
                              const struct coupling_saved *saved)
{
    coupling_gather(cp, tile->n, x, tile->cond, tile->cond_dim, w->in);
    for (int32_t i = 0; i < cp->n_nets; i++)
        cp->net[i].ops->value(cp->net[i].self, tile->kernels, tile->n, coupling_packed(cp, tile, i), w->in, w->out[i],
                              saved ? saved->net[i] : NULL, w->net);
}

/* The parameters' places in the outputs: all but the first stand behind it, or in a network of their own. */
static void coupling_params(const nfi_coupling *cp, real *const out[NFI_COUPLING_NETS], void *p[2])
{
    p[0] = out[0];
    p[1] = cp->n_nets == 2 ? out[1] : out[0] + cp->n_b;
}

static nfi_transform_rows coupling_rows_of(const nfi_coupling *cp, const nf_tile *tile, const struct coupling_work *w)
{
    nfi_transform_rows rows = { .kernels = tile->kernels, .n = tile->n, .m = cp->n_b, .ld = coupling_ld_out(cp), .step = cp->n_b, .column = 1,
                                .scratch = w->transform };
    void *p[2];
    coupling_params(cp, w->out, p);
    rows.p[0] = p[0];
    rows.p[1] = p[1];
    return rows;
}

/* to [n][n_b] = the columns of b, and the converse */
static void coupling_take(const nfi_coupling *cp, int64_t n, const real *x, real *to)
{
    for (int64_t i = 0; i < n; i++, x += cp->dim, to += cp->n_b)
        for (int64_t j = 0; j < cp->n_b; j++) to[j] = x[cp->b[j]];
}
static void coupling_put(const nfi_coupling *cp, int64_t n, const real *from, real *x)
{
    for (int64_t i = 0; i < n; i++, x += cp->dim, from += cp->n_b)
        for (int64_t j = 0; j < cp->n_b; j++) x[cp->b[j]] = from[j];
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */

static nf_status coupling_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const nfi_coupling *cp = self;
    real *to = theta;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        cp->net[i].ops->reset(cp->net[i].self, NFI_DTYPE, seed, stream + (uint32_t)i, to);
        to += cp->net[i].theta_count;
    }
    if (cp->init_passes) *to = 0; /* initialised */
    return NF_OK;
}

static void coupling_pack(const void *self, const void *kernels, const void *theta, void *packed, void *turned, int64_t part)
{
    const nfi_coupling *cp = self;
    const real *from = theta;
    char *to = packed, *to_turned = turned;
    if (part == 1) { /* the second network */
        from += cp->net[0].theta_count;
        if (to) to += cp->net[0].ops->packed_bytes(cp->net[0].self, kernels);
        if (to_turned) to_turned += cp->net[0].ops->turned_bytes(cp->net[0].self, kernels);
    }
    cp->net[part].ops->pack(cp->net[part].self, kernels, from, to, to_turned);
}

static nf_status coupling_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const nfi_coupling *cp = self;
    const int64_t n = tile->n;
    struct coupling_work w;
    struct coupling_saved keep;

    (void)coupling_carve_work(cp, tile->kernels, n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, tile->kernels, n, saved, &keep);
    if (saved) w.in = keep.in;
    coupling_networks(cp, tile, in, &w, saved ? &keep : NULL);
    const nfi_transform_rows rows = coupling_rows_of(cp, tile, &w);
    coupling_take(cp, n, in, w.x);
    nfi_transform_ops_of(&cp->transform, tile->kernels)->forward(cp->transform.self, &rows, w.x, w.z, tile->log_det, saved ? keep.transform : NULL);
    memcpy(out, in, (size_t)(n * cp->dim) * sizeof(real));
    coupling_put(cp, n, w.z, out);
    return NF_OK;
}

/* z_a = x_a, so the networks answer the same parameters. */
static nf_status coupling_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const nfi_coupling *cp = self;
    const int64_t n = tile->n;
    struct coupling_work w;

    (void)coupling_carve_work(cp, tile->kernels, n, tile->scratch, &w);
    coupling_networks(cp, tile, out, &w, NULL);
    const nfi_transform_rows rows = coupling_rows_of(cp, tile, &w);
    coupling_take(cp, n, out, w.z);
    nfi_transform_ops_of(&cp->transform, tile->kernels)->inverse(cp->transform.self, &rows, w.z, w.x, tile->log_det);
    memcpy(in, out, (size_t)(n * cp->dim) * sizeof(real));
    coupling_put(cp, n, w.x, in);
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det: the transform turns g_b into dL/dx_b and answers dL/dp;
 *   dL/dx_a = g_a + df/dx_a^T dL/df,   dL/dcond, where dL/d(f, cond), and dL/dtheta, are what the networks' reverse makes of dL/dp. */
/* Adds the gradient of the networks' input where its columns came from. */
static void coupling_scatter(const nfi_coupling *cp, const nf_tile *tile, const real *in, const real *gin, real *g)
{
    const int64_t ld = coupling_ld_in(cp);
    real *gc = tile->grad_cond;
    for (int64_t i = 0; i < tile->n; i++, g += cp->dim, in += ld, gin += ld) {
        const real *g_cond = features_gradient(cp, in, gin, g);
        for (int64_t j = 0; gc && j < cp->cond_dim; j++) gc[i * tile->cond_dim + j] += g_cond[j];
    }
}

static nf_status coupling_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                   const void *saved, void *g, const double *h)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    real *grad = tile->grad;
    struct coupling_work w;
    struct coupling_saved keep;
    void *gp[2];

    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, k, tile->n, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    const nfi_transform_rows rows = coupling_rows_of(cp, tile, &w);
    coupling_params(cp, w.out, gp);
    coupling_take(cp, tile->n, in, w.x);
    coupling_take(cp, tile->n, out, w.z);
    coupling_take(cp, tile->n, g, w.d);
    nfi_transform_ops_of(&cp->transform, k)->backward(cp->transform.self, &rows, w.x, w.z, keep.transform, w.d, h, gp);
    coupling_put(cp, tile->n, w.d, g);
    real *gin = cp->n_a > 0 || tile->grad_cond ? w.d_in : NULL;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        cp->net[i].ops->reverse(cp->net[i].self, k, tile->n, coupling_turned(cp, tile, i), keep.in, keep.net[i], w.out[i], gin,
                                grad, w.net);
        if (gin) coupling_scatter(cp, tile, keep.in, gin, g);
        if (grad) grad += cp->net[i].theta_count;
    }
    return NF_OK;
}

/* J = (I, 0; C, S) in columns (a, b), S = diag(dT/dx_b): J^T w = v has w_b = v_b / S, w_a = v_a - C^T w_b. */

/* g_b /= S, which the transform's backward answers where all its g are 1 */
static void coupling_divide_slopes(const nfi_coupling *cp, const nfi_transform_rows *rows, const struct coupling_work *w, const void *saved,
                                   const double *zeros, real *g)
{
    void *gp[2];

    coupling_params(cp, w->out, gp);
    for (int64_t i = 0; i < rows->n * cp->n_b; i++) w->d[i] = 1;
    nfi_transform_ops_of(&cp->transform, rows->kernels)->backward(cp->transform.self, rows, w->x, w->z, saved, w->d, zeros, gp);
    for (int64_t i = 0; i < rows->n; i++, g += cp->dim)
        for (int64_t j = 0; j < cp->n_b; j++) g[cp->b[j]] /= w->d[i * cp->n_b + j];
}

static void coupling_negate_kept(const nfi_coupling *cp, int64_t n, real *g)
{
    for (int64_t i = 0; i < n; i++, g += cp->dim)
        for (int64_t j = 0; j < cp->n_a; j++) g[cp->a[j]] = -g[cp->a[j]];
}

/* backward turns (-v_a, w_b) into (-w_a, .). It leaves `in` and `d_out` of its memory alone: they keep zeros and w_b meanwhile. */
static nf_status coupling_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                           void *g)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    nf_tile rows_only = *tile;
    struct coupling_work w;
    struct coupling_saved keep;

    rows_only.grad = rows_only.grad_cond = NULL;
    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, k, tile->n, (void *)(uintptr_t)saved, &keep);
    const double *zeros = memset(w.in, 0, (size_t)tile->n * sizeof *zeros); /* its rows are multiples of 16 elements */
    const nfi_transform_rows rows = coupling_rows_of(cp, tile, &w);
    coupling_take(cp, tile->n, in, w.x);
    coupling_take(cp, tile->n, out, w.z);
    coupling_divide_slopes(cp, &rows, &w, keep.transform, zeros, g);
    coupling_take(cp, tile->n, g, w.d_out[0]);
    coupling_negate_kept(cp, tile->n, g);
    const nf_status status = coupling_backward(self, &rows_only, in, out, saved, g, zeros);
    coupling_negate_kept(cp, tile->n, g);
    coupling_put(cp, tile->n, w.d_out[0], g);
    return status;
}

static nf_status coupling_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                              void *d_out, double *d_log_det)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    struct coupling_work w;
    void *dp[2];

    const nf_status status = coupling_forward(self, tile, in, out, NULL);
    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w); /* in, x and z are as forward left them */
    coupling_gather_tangent(cp, tile->n, w.in, d_in, w.d_in);
    for (int32_t i = 0; i < cp->n_nets; i++)
        cp->net[i].ops->jvp(cp->net[i].self, k, tile->n, coupling_packed(cp, tile, i), w.in, w.d_in, w.out[i], w.d_out[i], w.net);
    const nfi_transform_rows rows = coupling_rows_of(cp, tile, &w);
    coupling_params(cp, w.d_out, dp);
    coupling_take(cp, tile->n, d_in, w.d);
    nfi_transform_ops_of(&cp->transform, k)->jvp(cp->transform.self, &rows, w.x, w.z, w.d, (const void *const *)dp, w.d, d_log_det);
    memcpy(d_out, d_in, (size_t)(tile->n * cp->dim) * sizeof(real));
    coupling_put(cp, tile->n, w.d, d_out);
    return status;
}

/* Data for networks that want them: rows of the initial batch, in parts. */
struct coupling_rows {
    const nfi_coupling *cp;
    const real *x, *cond;
    int64_t ld_cond;
};

static void coupling_fill(const void *user, int64_t first, int64_t n, void *in)
{
    const struct coupling_rows *rows = user;
    coupling_gather(rows->cp, n, rows->x + first * rows->cp->dim, rows->cond ? rows->cond + first * rows->ld_cond : NULL, rows->ld_cond, in);
}

static nf_status coupling_init(const void *self, const nf_tile *tile, const void *x, void *theta)
{
    const nfi_coupling *cp = self;
    const int64_t most = nfi_min(tile->n, cp->tile_rows);
    const struct coupling_rows rows = { .cp = cp, .x = x, .cond = tile->cond, .ld_cond = tile->cond_dim };
    nf_status status = NF_OK;
    real *to = theta;
    struct coupling_work w;

    if (cp->init_passes == 0) return NF_OK;
    (void)coupling_carve_work(cp, tile->kernels, most, tile->scratch, &w);
    const nfi_net_data data = { .fill = coupling_fill, .user = &rows, .n = tile->n, .most = most, .in = w.in, .scratch = w.net };
    for (int32_t i = 0; i < cp->n_nets && status == NF_OK; i++) {
        status = cp->net[i].ops->init(cp->net[i].self, tile->kernels, tile->pass, &data, coupling_packed(cp, tile, i), to);
        to += cp->net[i].theta_count;
    }
    if (status == NF_OK && tile->pass + 1 == cp->init_passes) *to = 1; /* initialised */
    return status;
}

const nf_layer_ops NFI_NAME(nfi_coupling_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = coupling_reset,
    .init = coupling_init,
    .pack = coupling_pack,
    .forward = coupling_forward,
    .inverse = coupling_inverse,
    .backward = coupling_backward,
    .jvp = coupling_jvp,
    .inverse_backward = coupling_inverse_backward,
};

#if NFI_ONCE
/* What exists once: what the contract asks of every coupling */

/* Columns [0, dim) by taken[j]: 0 kept, 1 transformed. */
nf_status nfi_coupling_columns(nfi_coupling *cp, nf_maker *maker, const unsigned char *taken)
{
    int64_t *columns = nfi_maker_alloc(maker, cp->dim, (int64_t)sizeof *columns);
    if (!columns) return NF_ERR_MEMORY;
    for (int64_t j = 0; j < cp->dim; j++) cp->n_a += !taken[j];
    cp->n_b = cp->dim - cp->n_a;
    cp->n_in = cp->n_a + cp->cond_dim;
    int64_t *a = columns, *b = columns + cp->n_a;
    for (int64_t j = 0; j < cp->dim; j++) *(taken[j] ? b++ : a++) = j;
    cp->a = columns;
    cp->b = columns + cp->n_a;
    return NF_OK;
}

nf_status nfi_coupling_circles(nfi_coupling *cp, nf_maker *maker, const unsigned char *periodic, double half_period)
{
    unsigned char *circle = nfi_maker_alloc(maker, nfi_max(1, cp->n_a), 1);
    if (!circle) return NF_ERR_MEMORY;
    cp->circle = circle;
    cp->half_period = half_period;
    cp->frequency = NFI_PI / half_period;
    for (int64_t j = 0; j < cp->n_a; j++) {
        circle[j] = periodic[cp->a[j]];
        cp->n_in += circle[j];
    }
    return NF_OK;
}

nf_status nfi_coupling_describe(const void *self, nf_layer_info *info)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = info->kernels;
    const int64_t fixed = coupling_carve_work(cp, k, 0, NULL, &(struct coupling_work){ 0 });
    struct coupling_saved saved;

    info->dim = cp->dim;
    info->cond_dim = cp->cond_dim;
    info->tile_rows = cp->tile_rows;
    info->init_passes = cp->init_passes;
    info->needs_init = cp->init_passes > 0;
    info->scratch_fixed = fixed;
    info->scratch_row = coupling_carve_work(cp, k, 1, NULL, &(struct coupling_work){ 0 }) - fixed;
    info->saved_row = coupling_carve_saved(cp, k, 1, NULL, &saved);
    info->packed_parts = cp->n_nets;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        info->packed += cp->net[i].ops->packed_bytes(cp->net[i].self, k);
        info->packed_backward += cp->net[i].ops->turned_bytes(cp->net[i].self, k);
        info->flop_row += cp->net[i].flop_row;
    }
    return NF_OK;
}

nf_status nfi_coupling_param(const void *self, int32_t i, nf_param *param)
{
    const nfi_coupling *cp = self;
    int64_t first = 0;
    if (i < 0) return NF_ERR_ARG;
    for (int32_t net = 0; net < cp->n_nets; net++) {
        const int32_t count = cp->net[net].ops->param_count(cp->net[net].self);
        if (i < count) {
            cp->net[net].ops->param(cp->net[net].self, cp->prefix[net], first, i, param);
            return NF_OK;
        }
        i -= count;
        first += cp->net[net].theta_count;
    }
    if (i > 0 || cp->init_passes == 0) return NF_ERR_ARG;
    memcpy(param->name, "initialised", sizeof "initialised");
    param->properties = NF_PARAM_FROZEN;
    param->offset = first;
    return NF_OK;
}
#endif
