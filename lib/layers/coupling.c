/* SPDX-License-Identifier: MIT
 *
 * coupling.c - affine couplings, whatever the columns and the networks
 *
 *   z_a = x_a,   z_b = exp(s) x_b + t,   (t, u) = net(x_a, cond),   s = s(u) by layers/scale.c
 *   log|det dz/dx| = sum_j s_j
 *
 * or with shift_first  z_b = exp(s) (x_b + t).  a are the columns kept, b the columns transformed; the network sees the columns of a
 * and of cond, never masked ones.
 * theta: one network with 2 |b| outputs, t before u, or two of |b| outputs, first that of t, then that of u; the additive form has t
 * alone; then the flag "initialised" where the networks want data. The networks run in the flow's dtype, s and everything
 * after it in double; log|det| is the sum of s itself, never the logarithm of exp(s), and the inverse computes s from
 * the same inputs with the same operations, so both directions use the same bits.
 * saved, per tile: the networks' input, what the networks keep, exp(s), ds/du.
 *
 * Rows of this table of layers: coupling_affine.c, coupling_conv.c.
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/coupling.h"

#include <string.h>

#include "core/status.h"

/* Memory of a tile */

struct coupling_work { /* in scratch */
    real *in, *d_in;                                 /* [n][ld] the networks' input, and its tangent or gradient */
    real *out[NFI_COUPLING_NETS], *d_out[NFI_COUPLING_NETS]; /* [n][ld] the networks' outputs, and their tangents */
    double *u, *s, *e;                               /* [n][n_b]: u, s(u), and ds/du or exp(+-s) */
    void *net;                                       /* the networks' own */
};

struct coupling_saved { /* from forward to backward */
    real *in;                 /* [n][ld] */
    real *e, *d;              /* [n][n_b]: exp(s), ds/du */
    void *net[NFI_COUPLING_NETS]; /* what the networks keep */
};

static int64_t coupling_ld_in(const nfi_coupling *cp) { return cp->net[0].ld_in; }
static int64_t coupling_ld_out(const nfi_coupling *cp) { return cp->net[0].ld_out; }

static int64_t coupling_carve_work(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                   struct coupling_work *w)
{
    const int64_t in = n * coupling_ld_in(cp) * k->size, out = n * coupling_ld_out(cp) * k->size;
    const int64_t wide = n * cp->n_b * (int64_t)sizeof(double);
    int64_t at = 0, net = 0, fixed = 0;

    w->in = nfi_carve(base, &at, in);
    w->d_in = nfi_carve(base, &at, in);
    for (int32_t i = 0; i < cp->n_nets; i++) {
        w->out[i] = nfi_carve(base, &at, out);
        w->d_out[i] = nfi_carve(base, &at, out);
        net = nfi_max(net, cp->net[i].ops->scratch_bytes(cp->net[i].self, k));
        fixed = nfi_max(fixed, nfi_net_scratch_fixed(&cp->net[i], k));
    }
    w->u = nfi_carve(base, &at, wide);
    w->s = nfi_carve(base, &at, wide);
    w->e = nfi_carve(base, &at, wide);
    w->net = nfi_carve(base, &at, 2 * n * net + fixed); /* twice: values and tangents */
    return at;
}

static int64_t coupling_carve_saved(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                    struct coupling_saved *saved)
{
    int64_t at = 0;
    saved->in = nfi_carve(base, &at, n * coupling_ld_in(cp) * k->size);
    saved->e = nfi_carve(base, &at, n * cp->n_b * k->size);
    saved->d = nfi_carve(base, &at, n * cp->n_b * k->size);
    for (int32_t i = 0; i < cp->n_nets; i++)
        saved->net[i] = nfi_carve(base, &at, n * cp->net[i].ops->saved_bytes(cp->net[i].self, k));
    return at;
}

/* The parts of forward and inverse */

/* in[i] = (x_a, cond) of row i; cond NULL: zeros, as for tangents. */
static void coupling_gather(const nfi_coupling *cp, int64_t n, const real *x, const real *cond, int64_t ld_cond,
                            real *in)
{
    for (int64_t i = 0; i < n; i++, x += cp->dim, in += coupling_ld_in(cp)) {
        for (int64_t j = 0; j < cp->n_a; j++) in[j] = x[cp->a[j]];
        for (int64_t j = 0; j < cp->cond_dim; j++) in[cp->n_a + j] = cond ? cond[i * ld_cond + j] : (real)0;
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

/* Where u stands in the outputs: after t, or in a network of its own. */
static real *coupling_u(const nfi_coupling *cp, real *const out[NFI_COUPLING_NETS])
{
    return cp->n_nets == 2 ? out[1] : out[0] + cp->n_b;
}

/* w->u and w->s from the outputs. */
static void coupling_scales(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, struct coupling_work *w)
{
    const int64_t n_b = cp->n_b, ld = coupling_ld_out(cp);
    if (!cp->form->value) {
        memset(w->s, 0, (size_t)(n * n_b) * sizeof *w->s);
        return;
    }
    const real *u = coupling_u(cp, w->out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n_b; j++) w->u[i * n_b + j] = (double)u[i * ld + j];
    cp->form->value(k->f64, cp->bound, n * n_b, w->u, w->s);
}

/* w->e = ds/du */
static void coupling_slopes(const nfi_coupling *cp, const nfi_kernels *k, int64_t n, struct coupling_work *w)
{
    if (cp->form->slope)
        cp->form->slope(k->f64, cp->bound, n * cp->n_b, w->u, w->s, w->e);
    else
        memset(w->e, 0, (size_t)(n * cp->n_b) * sizeof *w->e);
}

static double coupling_row_sum(const nfi_coupling *cp, const double *s)
{
    double sum = 0.0;
    for (int64_t j = 0; j < cp->n_b; j++) sum += s[j];
    return sum;
}

static double coupling_value(const nfi_coupling *cp, double e, double t, double x) { return cp->shift_first ? e * (x + t) : e * x + t; }
static double coupling_solve(const nfi_coupling *cp, double e, double t, double z) { return cp->shift_first ? e * z - t : (z - t) * e; }

static void coupling_narrow(int64_t n, const double *from, real *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (real)from[i];
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
    const nfi_kernels *k = tile->kernels;
    const int64_t n = tile->n, n_b = cp->n_b;
    const real *x = in;
    real *z = out;
    struct coupling_work w;
    struct coupling_saved keep;

    (void)coupling_carve_work(cp, k, n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, k, n, saved, &keep);
    if (saved) w.in = keep.in;
    coupling_networks(cp, tile, x, &w, saved ? &keep : NULL);
    coupling_scales(cp, k, n, &w);
    if (saved) {
        coupling_slopes(cp, k, n, &w);
        coupling_narrow(n * n_b, w.e, keep.d);
    }
    k->f64->exp(n * n_b, w.s, w.e);
    if (saved) coupling_narrow(n * n_b, w.e, keep.e);

    memcpy(z, x, (size_t)(n * cp->dim) * sizeof *z);
    for (int64_t i = 0; i < n; i++, x += cp->dim, z += cp->dim) {
        const real *t = w.out[0] + i * coupling_ld_out(cp);
        for (int64_t j = 0; j < n_b; j++)
            z[cp->b[j]] = (real)coupling_value(cp, w.e[i * n_b + j], (double)t[j], (double)x[cp->b[j]]);
        tile->log_det[i] += coupling_row_sum(cp, w.s + i * n_b);
    }
    return NF_OK;
}

/* x_b = exp(-s) (z_b - t), or exp(-s) z_b - t: z_a = x_a, so the networks answer the same s and t. */
static nf_status coupling_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t n = tile->n, n_b = cp->n_b;
    const real *z = out;
    real *x = in;
    struct coupling_work w;

    (void)coupling_carve_work(cp, k, n, tile->scratch, &w);
    coupling_networks(cp, tile, z, &w, NULL);
    coupling_scales(cp, k, n, &w);
    for (int64_t i = 0; i < n * n_b; i++) w.e[i] = -w.s[i];
    k->f64->exp(n * n_b, w.e, w.e);

    memcpy(x, z, (size_t)(n * cp->dim) * sizeof *x);
    for (int64_t i = 0; i < n; i++, x += cp->dim, z += cp->dim) {
        const real *t = w.out[0] + i * coupling_ld_out(cp);
        for (int64_t j = 0; j < n_b; j++)
            x[cp->b[j]] = (real)coupling_solve(cp, w.e[i * n_b + j], (double)t[j], (double)z[cp->b[j]]);
        tile->log_det[i] -= coupling_row_sum(cp, w.s + i * n_b);
    }
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det and e = exp(s):
 *   dL/dt = g_b,   dL/ds = g_b e x_b + h,   dL/du = dL/ds ds/du,   dL/dx_b = g_b e,   or with shift_first
 *   dL/dt = g_b e,   dL/ds = g_b z_b + h,
 *   dL/dx_a = g_a + (dL/dinput)_a,   dL/dcond = (dL/dinput)_cond, where dL/dinput, and dL/dtheta, are what the networks'
 *   reverse makes of dL/dt and dL/du. */
static void coupling_output_gradient(const nfi_coupling *cp, const nf_tile *tile, const real *x, const real *z,
                                     const struct coupling_saved *keep, real *g, const double *h,
                                     struct coupling_work *w)
{
    const int64_t n_b = cp->n_b, ld = coupling_ld_out(cp);
    real *gt = w->out[0], *gu = cp->form->value ? coupling_u(cp, w->out) : NULL;

    for (int64_t i = 0; i < tile->n; i++, x += cp->dim, z += cp->dim, g += cp->dim)
        for (int64_t j = 0; j < n_b; j++) {
            const double gz = (double)g[cp->b[j]], gx = gz * (double)keep->e[i * n_b + j];
            const double gs = (cp->shift_first ? gz * (double)z[cp->b[j]] : gx * (double)x[cp->b[j]]) + h[i];
            gt[i * ld + j] = (real)(cp->shift_first ? gx : gz);
            if (gu) gu[i * ld + j] = (real)(gs * (double)keep->d[i * n_b + j]);
            g[cp->b[j]] = (real)gx;
        }
}

/* Adds the gradient of the networks' input where its columns came from. */
static void coupling_scatter(const nfi_coupling *cp, const nf_tile *tile, const real *gin, real *g)
{
    real *gc = tile->grad_cond;
    for (int64_t i = 0; i < tile->n; i++, g += cp->dim, gin += coupling_ld_in(cp)) {
        for (int64_t j = 0; j < cp->n_a; j++) g[cp->a[j]] += gin[j];
        for (int64_t j = 0; gc && j < cp->cond_dim; j++) gc[i * tile->cond_dim + j] += gin[cp->n_a + j];
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

    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, k, tile->n, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    coupling_output_gradient(cp, tile, in, out, &keep, g, h, &w);
    real *gin = cp->n_a > 0 || tile->grad_cond ? w.d_in : NULL;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        cp->net[i].ops->reverse(cp->net[i].self, k, tile->n, coupling_turned(cp, tile, i), keep.in, keep.net[i], w.out[i], gin,
                                grad, w.net);
        if (gin) coupling_scatter(cp, tile, gin, g);
        if (grad) grad += cp->net[i].theta_count;
    }
    return NF_OK;
}

/* dz_a = dx_a,   ds = ds/du du,   dlog_det = sum_j ds_j,
 * dz_b = e (dx_b + x_b ds) + dt,   or with shift_first  e (dx_b + dt) + z_b ds */
static void coupling_tangent(const nfi_coupling *cp, const nf_tile *tile, const struct coupling_work *w,
                             const real *x, const real *z, const real *dx, real *dz, double *d_log_det)
{
    const int64_t n_b = cp->n_b, ld = coupling_ld_out(cp);
    const real *dt = w->d_out[0], *du = cp->form->value ? coupling_u(cp, w->d_out) : NULL;

    memcpy(dz, dx, (size_t)(tile->n * cp->dim) * sizeof *dz);
    for (int64_t i = 0; i < tile->n; i++, x += cp->dim, z += cp->dim, dx += cp->dim, dz += cp->dim)
        for (int64_t j = 0; j < n_b; j++) {
            const double ds = du ? w->u[i * n_b + j] * (double)du[i * ld + j] : 0.0; /* u holds ds/du here */
            const double dxj = (double)dx[cp->b[j]], dtj = (double)dt[i * ld + j], e = w->e[i * n_b + j];
            dz[cp->b[j]] = (real)(cp->shift_first ? e * (dxj + dtj) + (double)z[cp->b[j]] * ds : e * (dxj + (double)x[cp->b[j]] * ds) + dtj);
            d_log_det[i] += ds;
        }
}

static nf_status coupling_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                              void *d_out, double *d_log_det)
{
    const nfi_coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t wide = tile->n * cp->n_b;
    struct coupling_work w;

    const nf_status status = coupling_forward(self, tile, in, out, NULL);
    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w); /* in, u and s are as forward left them */
    coupling_gather(cp, tile->n, d_in, NULL, 0, w.d_in);
    for (int32_t i = 0; i < cp->n_nets; i++)
        cp->net[i].ops->jvp(cp->net[i].self, k, tile->n, coupling_packed(cp, tile, i), w.in, w.d_in, w.out[i], w.d_out[i], w.net);
    coupling_slopes(cp, k, tile->n, &w);
    memcpy(w.u, w.e, (size_t)wide * sizeof *w.u);
    k->f64->exp(wide, w.s, w.e);
    coupling_tangent(cp, tile, &w, in, out, d_in, d_out, d_log_det);
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
    int64_t *a = columns, *b = columns + cp->n_a;
    for (int64_t j = 0; j < cp->dim; j++) *(taken[j] ? b++ : a++) = j;
    cp->a = columns;
    cp->b = columns + cp->n_a;
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
