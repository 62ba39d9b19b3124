/* SPDX-License-Identifier: MIT
 *
 * coupling_affine.c - affine coupling
 *
 *   z_a = x_a,   z_b = exp(s) x_b + t,   (t, u) = net(x_a, cond),   s = s(u) by layers/scale.c
 *   log|det dz/dx| = sum_j s_j
 *
 * a are the columns kept, b the columns transformed; the network sees the columns of a and of cond, never masked ones.
 * theta: one network with 2 |b| outputs, t before u (views "net.<l>..."), or with `separate` two of |b| outputs, first
 * "t.<l>...", then "s.<l>..."; the additive form has t alone. The networks run in the flow's dtype, s and everything
 * after it in double; log|det| is the sum of s itself, never the logarithm of exp(s), and the inverse computes s from
 * the same inputs with the same operations, so both directions use the same bits.
 * saved, per tile: the networks' input, what the networks keep, exp(s), ds/du.
 *
 * Check value: dim=2, hidden={0}, tanh with m=2, W = (-0.4, 0.9), b = (0.3, -0.2), x = (0.7, 2.385):
 * t = 0.02, u = 0.43 -> z = (0.7, 3.6625857417), log|det| = 0.4234946737
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"
#include "layers/scale.h"
#include "nets/mlp.h"

extern const nf_layer_ops nfi_coupling_affine_ops_f32, nfi_coupling_affine_ops_f64;

#define COUPLING_NETS 2

struct coupling { /* hyper-parameters only, immutable after creation */
    int64_t dim, cond_dim;
    const int64_t *a, *b; /* columns kept and transformed, ascending */
    int64_t n_a, n_b;
    int32_t n_nets; /* 1 or 2 */
    const char *prefix[COUPLING_NETS];
    nfi_mlp net[COUPLING_NETS];
    const nfi_scale_form *form;
    double bound;
};

/* Memory of a tile */

struct coupling_work { /* in scratch */
    real *in, *d_in;                                 /* [n][ld] the networks' input, and its tangent or gradient */
    real *out[COUPLING_NETS], *d_out[COUPLING_NETS]; /* [n][ld] the networks' outputs, and their tangents */
    double *u, *s, *e;                               /* [n][n_b]: u, s(u), and ds/du or exp(+-s) */
    void *net;                                       /* the networks' own */
};

struct coupling_saved { /* from forward to backward */
    real *in;                 /* [n][ld] */
    real *e, *d;              /* [n][n_b]: exp(s), ds/du */
    void *net[COUPLING_NETS]; /* what the networks keep */
};

/* The next `bytes` of base (NULL: only counted). */
static void *coupling_take(char *base, int64_t *at, int64_t bytes)
{
    const int64_t here = *at;
    *at += nfi_round_up(bytes, NFI_ALIGN);
    return base ? base + here : NULL;
}

static int64_t coupling_ld_in(const struct coupling *cp) { return nfi_mlp_ld(cp->net[0].width[0]); }
static int64_t coupling_ld_out(const struct coupling *cp) { return nfi_mlp_ld(cp->net[0].width[cp->net[0].n_layers]); }

static int64_t coupling_carve_work(const struct coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                   struct coupling_work *w)
{
    const int64_t in = n * coupling_ld_in(cp) * k->size, out = n * coupling_ld_out(cp) * k->size;
    const int64_t wide = n * cp->n_b * (int64_t)sizeof(double);
    int64_t at = 0, net = 0;

    w->in = coupling_take(base, &at, in);
    w->d_in = coupling_take(base, &at, in);
    for (int32_t i = 0; i < cp->n_nets; i++) {
        w->out[i] = coupling_take(base, &at, out);
        w->d_out[i] = coupling_take(base, &at, out);
        net = nfi_max(net, nfi_mlp_scratch_bytes(&cp->net[i], k));
    }
    w->u = coupling_take(base, &at, wide);
    w->s = coupling_take(base, &at, wide);
    w->e = coupling_take(base, &at, wide);
    w->net = coupling_take(base, &at, 2 * n * net); /* twice: values and tangents */
    return at;
}

static int64_t coupling_carve_saved(const struct coupling *cp, const nfi_kernels *k, int64_t n, void *base,
                                    struct coupling_saved *saved)
{
    int64_t at = 0;
    saved->in = coupling_take(base, &at, n * coupling_ld_in(cp) * k->size);
    saved->e = coupling_take(base, &at, n * cp->n_b * k->size);
    saved->d = coupling_take(base, &at, n * cp->n_b * k->size);
    for (int32_t i = 0; i < cp->n_nets; i++)
        saved->net[i] = coupling_take(base, &at, n * nfi_mlp_saved_bytes(&cp->net[i], k));
    return at;
}

/* The parts of forward and inverse */

/* in[i] = (x_a, cond) of row i; cond NULL: zeros, as for tangents. */
static void coupling_gather(const struct coupling *cp, int64_t n, const real *x, const real *cond, int64_t ld_cond,
                            real *in)
{
    for (int64_t i = 0; i < n; i++, x += cp->dim, in += coupling_ld_in(cp)) {
        for (int64_t j = 0; j < cp->n_a; j++) in[j] = x[cp->a[j]];
        for (int64_t j = 0; j < cp->cond_dim; j++) in[cp->n_a + j] = cond ? cond[i * ld_cond + j] : (real)0;
    }
}

static const char *coupling_packed(const struct coupling *cp, const nf_tile *tile, int32_t net)
{
    const char *packed = tile->packed;
    return net == 0 ? packed : packed + nfi_mlp_packed_bytes(&cp->net[0], tile->kernels);
}

static const char *coupling_turned(const struct coupling *cp, const nf_tile *tile, int32_t net)
{
    const char *turned = tile->packed_backward;
    return net == 0 ? turned : turned + nfi_mlp_turned_bytes(&cp->net[0], tile->kernels);
}

/* The networks' outputs of x into w->out; saved NULL: nothing is kept. */
static void coupling_networks(const struct coupling *cp, const nf_tile *tile, const real *x, struct coupling_work *w,
                              const struct coupling_saved *saved)
{
    coupling_gather(cp, tile->n, x, tile->cond, tile->cond_dim, w->in);
    for (int32_t i = 0; i < cp->n_nets; i++)
        nfi_mlp_value(&cp->net[i], tile->kernels, tile->n, coupling_packed(cp, tile, i), w->in, w->out[i],
                      saved ? saved->net[i] : NULL, w->net);
}

/* Where u stands in the outputs: after t, or in a network of its own. */
static real *coupling_u(const struct coupling *cp, real *const out[COUPLING_NETS])
{
    return cp->n_nets == 2 ? out[1] : out[0] + cp->n_b;
}

/* w->u and w->s from the outputs. */
static void coupling_scales(const struct coupling *cp, const nfi_kernels *k, int64_t n, struct coupling_work *w)
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
static void coupling_slopes(const struct coupling *cp, const nfi_kernels *k, int64_t n, struct coupling_work *w)
{
    if (cp->form->slope)
        cp->form->slope(k->f64, cp->bound, n * cp->n_b, w->u, w->s, w->e);
    else
        memset(w->e, 0, (size_t)(n * cp->n_b) * sizeof *w->e);
}

static double coupling_row_sum(const struct coupling *cp, const double *s)
{
    double sum = 0.0;
    for (int64_t j = 0; j < cp->n_b; j++) sum += s[j];
    return sum;
}

static void coupling_narrow(int64_t n, const double *from, real *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (real)from[i];
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */

static nf_status coupling_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const struct coupling *cp = self;
    real *to = theta;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        NFI_NAME(nfi_mlp_reset)(&cp->net[i], seed, stream + (uint32_t)i, to);
        to += cp->net[i].theta_count;
    }
    return NF_OK;
}

static void coupling_pack(const void *self, const void *kernels, const void *theta, void *packed, void *turned, int64_t part)
{
    const struct coupling *cp = self;
    const real *from = theta;
    char *to = packed, *to_turned = turned;
    if (part == 1) { /* the second network */
        from += cp->net[0].theta_count;
        if (to) to += nfi_mlp_packed_bytes(&cp->net[0], kernels);
        if (to_turned) to_turned += nfi_mlp_turned_bytes(&cp->net[0], kernels);
    }
    nfi_mlp_pack(&cp->net[part], kernels, from, to, to_turned);
}

static nf_status coupling_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct coupling *cp = self;
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
            z[cp->b[j]] = (real)(w.e[i * n_b + j] * (double)x[cp->b[j]] + (double)t[j]);
        tile->log_det[i] += coupling_row_sum(cp, w.s + i * n_b);
    }
    return NF_OK;
}

/* x_b = exp(-s) (z_b - t): z_a = x_a, so the networks answer the same s and t. */
static nf_status coupling_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct coupling *cp = self;
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
            x[cp->b[j]] = (real)(((double)z[cp->b[j]] - (double)t[j]) * w.e[i * n_b + j]);
        tile->log_det[i] -= coupling_row_sum(cp, w.s + i * n_b);
    }
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det and e = exp(s):
 *   dL/dt = g_b,   dL/ds = g_b e x_b + h,   dL/du = dL/ds ds/du,   dL/dx_b = g_b e,
 *   dL/dx_a = g_a + (dL/dinput)_a,   dL/dcond = (dL/dinput)_cond, where dL/dinput, and dL/dtheta, are what the networks'
 *   reverse makes of dL/dt and dL/du. */
static void coupling_output_gradient(const struct coupling *cp, const nf_tile *tile, const real *x,
                                     const struct coupling_saved *keep, real *g, const double *h,
                                     struct coupling_work *w)
{
    const int64_t n_b = cp->n_b, ld = coupling_ld_out(cp);
    real *gt = w->out[0], *gu = cp->form->value ? coupling_u(cp, w->out) : NULL;

    for (int64_t i = 0; i < tile->n; i++, x += cp->dim, g += cp->dim)
        for (int64_t j = 0; j < n_b; j++) {
            const double gz = (double)g[cp->b[j]], gx = gz * (double)keep->e[i * n_b + j];
            gt[i * ld + j] = (real)gz;
            if (gu) gu[i * ld + j] = (real)((gx * (double)x[cp->b[j]] + h[i]) * (double)keep->d[i * n_b + j]);
            g[cp->b[j]] = (real)gx;
        }
}

/* Adds the gradient of the networks' input where its columns came from. */
static void coupling_scatter(const struct coupling *cp, const nf_tile *tile, const real *gin, real *g)
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
    const struct coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    real *grad = tile->grad;
    struct coupling_work w;
    struct coupling_saved keep;

    (void)out;
    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w);
    (void)coupling_carve_saved(cp, k, tile->n, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    coupling_output_gradient(cp, tile, in, &keep, g, h, &w);
    real *gin = cp->n_a > 0 || tile->grad_cond ? w.d_in : NULL;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        nfi_mlp_reverse(&cp->net[i], k, tile->n, coupling_turned(cp, tile, i), keep.in, keep.net[i], w.out[i], gin,
                        grad, w.net);
        if (gin) coupling_scatter(cp, tile, gin, g);
        if (grad) grad += cp->net[i].theta_count;
    }
    return NF_OK;
}

/* dz_a = dx_a,   ds = ds/du du,   dz_b = e (dx_b + x_b ds) + dt,   dlog_det = sum_j ds_j */
static void coupling_tangent(const struct coupling *cp, const nf_tile *tile, const struct coupling_work *w,
                             const real *x, const real *dx, real *dz, double *d_log_det)
{
    const int64_t n_b = cp->n_b, ld = coupling_ld_out(cp);
    const real *dt = w->d_out[0], *du = cp->form->value ? coupling_u(cp, w->d_out) : NULL;

    memcpy(dz, dx, (size_t)(tile->n * cp->dim) * sizeof *dz);
    for (int64_t i = 0; i < tile->n; i++, x += cp->dim, dx += cp->dim, dz += cp->dim)
        for (int64_t j = 0; j < n_b; j++) {
            const double ds = du ? w->u[i * n_b + j] * (double)du[i * ld + j] : 0.0; /* u holds ds/du here */
            const double inner = (double)dx[cp->b[j]] + (double)x[cp->b[j]] * ds;
            dz[cp->b[j]] = (real)(w->e[i * n_b + j] * inner + (double)dt[i * ld + j]);
            d_log_det[i] += ds;
        }
}

static nf_status coupling_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                              void *d_out, double *d_log_det)
{
    const struct coupling *cp = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t wide = tile->n * cp->n_b;
    const real *theta = tile->theta;
    struct coupling_work w;

    const nf_status status = coupling_forward(self, tile, in, out, NULL);
    (void)coupling_carve_work(cp, k, tile->n, tile->scratch, &w); /* in, u and s are as forward left them */
    coupling_gather(cp, tile->n, d_in, NULL, 0, w.d_in);
    for (int32_t i = 0; i < cp->n_nets; i++) {
        nfi_mlp_jvp(&cp->net[i], k, tile->n, theta, coupling_packed(cp, tile, i), w.in, w.d_in, w.out[i], w.d_out[i],
                    w.net);
        theta += cp->net[i].theta_count;
    }
    coupling_slopes(cp, k, tile->n, &w);
    memcpy(w.u, w.e, (size_t)wide * sizeof *w.u);
    k->f64->exp(wide, w.s, w.e);
    coupling_tangent(cp, tile, &w, in, d_in, d_out, d_log_det);
    return status;
}

const nf_layer_ops NFI_NAME(nfi_coupling_affine_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = coupling_reset,
    .pack = coupling_pack,
    .forward = coupling_forward,
    .inverse = coupling_inverse,
    .backward = coupling_backward,
    .jvp = coupling_jvp,
};

#if NFI_ONCE
/* What exists once: creation and description */

static const char coupling_function[] = "nf_coupling_affine_create";

static bool coupling_mask_takes(const nf_coupling_affine_config *config, int64_t j)
{
    if (config->mask == NF_MASK_INDEX) return false; /* marked one by one */
    return config->mask == NF_MASK_HALF ? j >= config->dim / 2 : j % 2 == 1;
}

static nf_status coupling_check(const nf_coupling_affine_config *config)
{
    if (config->dim == 1 && config->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: dim is 1; a coupling needs 2 columns, or cond_dim > 0", coupling_function);
    if (config->n_index > 0 && config->mask != NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: index is given, but mask is not index", coupling_function);
    if (config->n_index == 0 && config->mask == NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: mask is index, but index is empty", coupling_function);
    for (int64_t l = 0; l < config->n_hidden; l++)
        if (config->hidden[l] == 0 && config->n_hidden > 1)
            return nfi_fail(NF_ERR_ARG, "%s: hidden[%lld] is 0; only {0} alone means no hidden layer",
                            coupling_function, (long long)l);
    return NF_OK;
}

/* taken[j] = 1 for the columns of b. */
static nf_status coupling_mark(const nf_coupling_affine_config *config, unsigned char *taken)
{
    for (int64_t j = 0; j < config->dim; j++) taken[j] = coupling_mask_takes(config, j);
    for (int64_t i = 0; i < config->n_index; i++) {
        const int64_t j = config->index[i];
        if (j < 0 || j >= config->dim || taken[j])
            return nfi_fail(NF_ERR_ARG, "%s: index[%lld] is %lld, not a column of %lld or given twice",
                            coupling_function, (long long)i, (long long)j, (long long)config->dim);
        taken[j] = 1;
    }
    for (int64_t j = 0; config->swap && j < config->dim; j++) taken[j] = !taken[j];
    if (config->dim == 1) taken[0] = 1; /* the one column depends on cond alone */
    return NF_OK;
}

static nf_status coupling_columns(struct coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    unsigned char *taken = nfi_maker_alloc(maker, config->dim, 1);
    int64_t *columns = nfi_maker_alloc(maker, config->dim, (int64_t)sizeof *columns);
    if (!taken || !columns) return NF_ERR_MEMORY;
    const nf_status status = coupling_mark(config, taken);
    if (status != NF_OK) return status;

    for (int64_t j = 0; j < config->dim; j++) cp->n_a += !taken[j];
    cp->n_b = config->dim - cp->n_a;
    int64_t *a = columns, *b = columns + cp->n_a;
    for (int64_t j = 0; j < config->dim; j++) *(taken[j] ? b++ : a++) = j;
    cp->a = columns;
    cp->b = columns + cp->n_a;
    if (cp->n_b == 0) return nfi_fail(NF_ERR_ARG, "%s: mask and swap transform no column", coupling_function);
    if (cp->n_a + config->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: mask and swap keep no column, and cond_dim is 0", coupling_function);
    return NF_OK;
}

/* Fills the defaults that depend on other fields, so that the description tells them. */
static nf_status coupling_normalise(nf_maker *maker, nf_coupling_affine_config *config)
{
    static const int64_t widths[] = { 64, 64 };
    if (config->bound == 0.0) config->bound = nfi_scale_form_of(config->scale)->bound;
    if (config->n_hidden > 0) return NF_OK;
    int64_t *hidden = nf_maker_alloc(maker, (int64_t)sizeof widths);
    if (!hidden) return NF_ERR_MEMORY;
    memcpy(hidden, widths, sizeof widths);
    config->hidden = hidden;
    config->n_hidden = NFI_COUNT(widths);
    return NF_OK;
}

static nf_status coupling_nets(struct coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    static const char *const names[] = { "t", "s" };
    const bool additive = !cp->form->value;
    const int64_t in = cp->n_a + cp->cond_dim;
    const int64_t n_hidden = config->hidden[0] == 0 ? 0 : config->n_hidden;
    nf_status status = NF_OK;

    cp->n_nets = config->separate && !additive ? 2 : 1;
    for (int32_t i = 0; i < cp->n_nets && status == NF_OK; i++) {
        cp->prefix[i] = config->separate ? names[i] : "net";
        status = nfi_mlp_create(&cp->net[i], maker, in, config->separate || additive ? cp->n_b : 2 * cp->n_b,
                                config->hidden, n_hidden, config->activation, config->weights, !config->random_last);
    }
    return status;
}

static nf_status coupling_make(nf_maker *maker, void *resolved, void **self)
{
    nf_coupling_affine_config *config = resolved;
    struct coupling *cp = nf_maker_alloc(maker, (int64_t)sizeof *cp);
    if (!cp) return NF_ERR_MEMORY;

    nf_status status = coupling_check(config);
    if (status == NF_OK) status = coupling_normalise(maker, config);
    if (status != NF_OK) return status;
    cp->dim = config->dim;
    cp->cond_dim = config->cond_dim;
    cp->form = nfi_scale_form_of(config->scale);
    cp->bound = config->bound;
    status = coupling_columns(cp, maker, config);
    if (status == NF_OK) status = coupling_nets(cp, maker, config);
    *self = cp;
    return status;
}

static nf_status coupling_describe(const void *self, nf_layer_info *info)
{
    const struct coupling *cp = self;
    const nfi_kernels *k = info->kernels;
    struct coupling_work w;
    struct coupling_saved saved;

    info->dim = cp->dim;
    info->cond_dim = cp->cond_dim;
    info->scratch_row = coupling_carve_work(cp, k, 1, NULL, &w);
    info->saved_row = coupling_carve_saved(cp, k, 1, NULL, &saved);
    info->packed_parts = cp->n_nets;
    for (int32_t i = 0; i < cp->n_nets; i++) {
        info->packed += nfi_mlp_packed_bytes(&cp->net[i], k);
        info->packed_backward += nfi_mlp_turned_bytes(&cp->net[i], k);
    }
    return NF_OK;
}

static nf_status coupling_param(const void *self, int32_t i, nf_param *param)
{
    const struct coupling *cp = self;
    int64_t first = 0;
    if (i < 0) return NF_ERR_ARG;
    for (int32_t net = 0; net < cp->n_nets; net++) {
        if (i < nfi_mlp_param_count(&cp->net[net])) {
            nfi_mlp_param(&cp->net[net], cp->prefix[net], first, i, param);
            return NF_OK;
        }
        i -= nfi_mlp_param_count(&cp->net[net]);
        first += cp->net[net].theta_count;
    }
    return NF_ERR_ARG;
}

#define COUPLING_FIELD(member, kind, properties, fallback, min, max, choices, help)                                    \
    NFI_FIELD(nf_coupling_affine_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field coupling_fields[] = {
    COUPLING_FIELD(mask, NF_FIELD_CHOICE, 0, 1, 1, 3, "alternating,half,index", "Which columns are transformed"),
    COUPLING_FIELD(dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    COUPLING_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "Conditioning columns"),
    COUPLING_FIELD(swap, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Transform the columns that the mask would keep"),
    COUPLING_FIELD(scale, NF_FIELD_CHOICE, 0, 1, 1, 9,
                   "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive", "Form of the log-scale"),
    COUPLING_FIELD(bound, NF_FIELD_F64, 0, 0, 0, 80, NULL,
                   "Bound of the log-scale; 0 means 2 (tanh, asymmetric) or ln 1000 (softclip)"),
    COUPLING_FIELD(separate, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Two networks, one for the shift and one for the scale"),
    COUPLING_FIELD(activation, NF_FIELD_CHOICE, 0, 1, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu",
                   "Activation of the networks"),
    COUPLING_FIELD(weights, NF_FIELD_CHOICE, NF_FIELD_INITIAL, 1, 1, 4, "glorot,he,lecun,spread", "Rule of the initial weights"),
    COUPLING_FIELD(random_last, NF_FIELD_FLAG, NF_FIELD_INITIAL, 0, 0, 1, NULL,
                   "The last dense layer starts random instead of zero"),
    NFI_ARRAY(nf_coupling_affine_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,
              "Widths of the hidden layers, 64 and 64 unless given; a single 0 means none"),
    NFI_ARRAY(nf_coupling_affine_config, index, n_index, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM,
              "Columns to transform, with mask index"),
};
const nfi_config_type nfi_coupling_affine_config_type =
    NFI_CONFIG_TYPE("coupling_affine", nf_coupling_affine_config, coupling_fields);
const nf_layer_type nfi_coupling_affine_type = {
    NFI_LAYER_TYPE("coupling_affine", nf_coupling_affine_config, coupling_fields),
    .create = coupling_make,
    .describe = coupling_describe,
    .param = coupling_param,
    .f32 = &nfi_coupling_affine_ops_f32,
    .f64 = &nfi_coupling_affine_ops_f64,
};

void nf_coupling_affine_config_init(nf_coupling_affine_config *config)
{
    if (config) *config = (nf_coupling_affine_config)NF_COUPLING_AFFINE_CONFIG_INIT;
}

nf_status nf_coupling_affine_create(nf_layer **out, nf_context *context, const nf_coupling_affine_config *config)
{
    return nfi_layer_make(out, context, &nfi_coupling_affine_type, config, coupling_function);
}
#endif
