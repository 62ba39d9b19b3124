/* SPDX-License-Identifier: MIT
 *
 * spline.h - monotone rational-quadratic splines on vectors: value, inverse, gradient, tangent
 *
 * The contract is nfi_spline (math/kernels.h). Included by kernels_isa.c, once per instruction set and precision; a lane is an element.
 *
 * Knots (x_k, y_k), k = 0 .. K, from (-B, -B) to (B, B), slopes d_k. In bin k, of width W and height H, with theta = (x - x_k) / W,
 * phi = 1 - theta, a = d_k W / H, b = d_{k+1} W / H:
 *   G = (theta^2 + a theta phi) / D,   D = 1 + (a + b - 2) theta phi,   z = y_k + H G
 *   log dz/dx = log(H / W N / D^2),    N = b theta^2 + 2 theta phi + a phi^2
 * Outside [-B, B] z = x. The inverse solves with eta = (z - y_k) / H and c = a - eta (a + b - 2)
 *   (1 - c) theta^2 + c theta - eta = 0:   r = sqrt(max(0, c^2 + 4 (1 - c) eta)),   theta = 2 eta / (c + r), or (r - c) / (2 (1 - c))
 * clipped to [0, 1] and mended by two steps of Newton, theta += (eta - G) D^2 / N.
 * From parameters: v = m tanh(u / m), m at most 40 (m = 0: v = u);  width = 2 B (w + (1 - K w) softmax(v)), height likewise, so that they sum to 2 B;
 * slope = d + softplus(v + s), s such that v = 0 gives 1, and m twice as large; at +-B it is 1, or with circular one parameter for both.
 * With softclip v = u / (1 + |u| / m), w = 0 and slope = exp(v).
 *
 * Gradient, with g = dL/dz, h = dL/dlog and
 *   G_theta = N / D^2,   G_a = theta phi (1 - G) / D,   G_b = -theta phi G / D,
 *   l_theta = N' / N - 2 D' / D,   l_a = phi^2 / N - 2 theta phi / D,   l_b = theta^2 / N - 2 theta phi / D:
 *   T = g H G_theta + h l_theta,   A = g H G_a + h l_a,   B = g H G_b + h l_b,   S = A a + B b
 *   dL/dx = T / W,   dL/dx_k = -T / W,   dL/dW = (S - h - T theta) / W,   dL/dy_k = g,   dL/dH = g G + (h - S) / H,
 *   dL/dd_k = A W / H,   dL/dd_{k+1} = B W / H
 * and x_k is the sum of the widths before. The tangent uses the same partial derivatives.
 * Ref: Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", arXiv:1906.04032.
 */
#ifndef NFI_MATH_SPLINE_H
#define NFI_MATH_SPLINE_H

#include "math/kernels.h"
#include "math/vmath.h"

struct spline_form { /* the constants, splat */
    vreal B, floor_x, floor_y, share_x, share_y, floor_d, centre, m, per_m; /* per_m = 1 / m */
    int K;
    bool circular, bounded, softclip;
};

NF_INLINE struct spline_form spline_form_of(const nfi_spline *s, int K, bool softclip)
{
    const double bins = (double)K;
    return (struct spline_form){
        .B = vsplat((real)s->bound), .floor_x = vsplat((real)(2 * s->bound * s->min_width)), .floor_y = vsplat((real)(2 * s->bound * s->min_height)),
        .share_x = vsplat((real)(2 * s->bound * (1 - bins * s->min_width))), .share_y = vsplat((real)(2 * s->bound * (1 - bins * s->min_height))),
        .floor_d = vsplat((real)s->min_slope), .centre = vsplat((real)s->slope_centre), .m = vsplat((real)s->logit_bound),
        .per_m = vsplat((real)(s->logit_bound > 0 ? 1 / s->logit_bound : 0)), .K = K, .circular = s->circular != 0, .bounded = s->logit_bound > 0,
        .softclip = softclip };
}

/* e^x of x in [SPLINE_EXP_LOW, 40] */
#if NFI_REAL == 32
#define SPLINE_EXP_LOW (-87)
#else
#define SPLINE_EXP_LOW (-700)
#endif
NF_INLINE vreal spline_exp(vreal x)
{
    vuint n;
    const vreal e = vexp_reduce(x, &n), scale = vpow2(n);
    return NF_FMA(e, scale, scale);
}

/* 1 + e^(2 u / m): m tanh(u / m) = m - 2 m / that. The error of v is one of m, not of v, and becomes a relative one of e^v. */
NF_INLINE vreal spline_tail(const struct spline_form *f, vreal u)
{
    const vreal two = vsplat(2) * f->per_m;
    return vsplat(1) + spline_exp(vclip_low(vsplat(-40), vclip_high(vsplat(40), two * u)));
}
NF_INLINE vreal spline_limit(const struct spline_form *f, vreal u)
{
    if (f->softclip) return f->m * (u / (f->m + vabs(u)));
    return f->bounded ? f->m - (f->m + f->m) / spline_tail(f, u) : u;
}
/* dv/du of v */
NF_INLINE vreal spline_limit_slope(const struct spline_form *f, vreal v)
{
    const vreal r = v * f->per_m, rest = vsplat(1) - vabs(r);
    if (f->softclip) return rest * rest;
    return f->bounded ? (vsplat(1) - r) * (vsplat(1) + r) : vsplat(1);
}

/* part[k] = v_k - m; two by one division, for divisions take the time. bend[k stride] = dv/du where it is wanted. */
NF_INLINE void spline_bounded(const struct spline_form *f, const real *p, int64_t stride, vreal *part, real *bend)
{
    const vreal most = f->m + f->m;
    for (int k = 0; k + 1 < f->K; k += 2) {
        const vreal t0 = spline_tail(f, vload(p + k * stride)), t1 = spline_tail(f, vload(p + (k + 1) * stride)), q = -most / (t0 * t1);
        part[k] = q * t1;
        part[k + 1] = q * t0;
    }
    if (f->K % 2) part[f->K - 1] = -most / spline_tail(f, vload(p + (f->K - 1) * stride));
    for (int k = 0; bend && k < f->K; k++) {
        const vreal r = part[k] * f->per_m;
        vstore(bend + k * stride, -r * (vsplat(2) + r));
    }
}

/* part[k] = v_k - m of softclip */
NF_INLINE void spline_softclip(const struct spline_form *f, const real *p, int64_t stride, vreal *part, real *bend)
{
    for (int k = 0; k < f->K; k++) {
        const vreal v = spline_limit(f, vload(p + k * stride));
        part[k] = v - f->m;
        if (bend) vstore(bend + k * stride, spline_limit_slope(f, v));
    }
}

/* part[k] = v_k less the largest, not below what spline_exp takes */
NF_INLINE void spline_free(const struct spline_form *f, const real *p, int64_t stride, vreal *part, real *bend)
{
    vreal most = vsplat(RC(-__builtin_inf()));
    for (int k = 0; k < f->K; k++) {
        part[k] = vload(p + k * stride);
        most = vclip_low(part[k], most);
        if (bend) vstore(bend + k * stride, vsplat(1));
    }
    for (int k = 0; k < f->K; k++) part[k] = vclip_low(vsplat(SPLINE_EXP_LOW), part[k] - most);
}

/* part[k] = softmax(v)_k of K parameters */
NF_INLINE void spline_softmax(const struct spline_form *f, const real *p, int64_t stride, vreal *part, real *bend)
{
    vreal sum = vsplat(0);
    if (f->softclip) spline_softclip(f, p, stride, part, bend);
    else if (f->bounded) spline_bounded(f, p, stride, part, bend);
    else spline_free(f, p, stride, part, bend);
    for (int k = 0; k < f->K; k++) {
        part[k] = spline_exp(part[k]);
        sum += part[k];
    }
    const vreal each = vsplat(1) / sum;
    for (int k = 0; k < f->K; k++) part[k] *= each;
}

/* Of slopes. Without a bound, beyond SPLINE_STEEP they stay what they are: their squares must not overflow. */
#define SPLINE_STEEP 1000
NF_INLINE vreal spline_limit_d(const struct spline_form *f, vreal u)
{
    const vreal half = vsplat(RC(0.5)), two = vsplat(2);
    return f->bounded ? two * spline_limit(f, half * u) : vclip_low(vsplat(-SPLINE_STEEP), vclip_high(vsplat(SPLINE_STEEP), u));
}
NF_INLINE vreal spline_limit_d_slope(const struct spline_form *f, vreal v)
{
    return f->bounded ? spline_limit_slope(f, vsplat(RC(0.5)) * v) : vkeep(vless(vabs(v), vsplat(SPLINE_STEEP)), vsplat(1));
}

/* Slope of v, and its derivative */
NF_INLINE vreal spline_d(const struct spline_form *f, vreal v)
{
    return f->softclip ? spline_exp(v) : f->floor_d + vsoftplus(v + f->centre);
}
NF_INLINE vreal spline_d_slope(const struct spline_form *f, vreal v) { return f->softclip ? spline_exp(v) : vsigmoid(v + f->centre); }

struct spline_bin { /* the bin of each lane */
    vreal k, x, W, y, H;   /* its number, its lower knot, its sides */
    vreal d0, d1, v0, v1;  /* slopes at its knots, and v of them */
    vreal ratio, a, b;     /* W / H, a, b */
    vreal *part_x, *part_y, *third; /* [K] each: softmax(v) of widths and heights */
};

NF_INLINE struct spline_bin spline_work(const nfi_spline *s)
{
    vreal *work = s->work;
    return (struct spline_bin){ .part_x = work, .part_y = work + s->bins, .third = work + 2 * s->bins };
}

/* Where v of slope k stands among the slopes' parameters; -1: it is 1. */
NF_INLINE int spline_slope_at(const struct spline_form *f, int k)
{
    if (f->circular) return k == f->K ? 0 : k;
    return k == 0 || k == f->K ? -1 : k - 1;
}

NF_INLINE vreal spline_slope_logit(const struct spline_form *f, const real *p, int64_t stride, int k)
{
    const int at = spline_slope_at(f, k);
    return at < 0 ? vsplat(0) : vload(p + at * stride);
}

/* The bin in which `from` lies, among the x_k or with inverse among the y_k. bend: dv/du of widths and heights; NULL: not wanted. */
NF_INLINE void spline_find(const struct spline_form *f, const real *p, int64_t stride, vreal from, bool inverse, struct spline_bin *bin, real *bend)
{
    const real *slopes = p + 2 * f->K * stride;
    vreal x = -f->B, y = -f->B, u1 = spline_slope_logit(f, slopes, stride, 0);

    spline_softmax(f, p, stride, bin->part_x, bend);
    spline_softmax(f, p + f->K * stride, stride, bin->part_y, bend ? bend + f->K * stride : NULL);
    bin->k = bin->x = bin->y = bin->W = bin->H = bin->v0 = bin->v1 = vsplat(0);
    for (int k = 0; k < f->K; k++) {
        const bool last = k + 1 == f->K;
        const vreal next_x = last ? f->B : x + NF_FMA(f->share_x, bin->part_x[k], f->floor_x);
        const vreal next_y = last ? f->B : y + NF_FMA(f->share_y, bin->part_y[k], f->floor_y);
        const vreal after = spline_slope_logit(f, slopes, stride, k + 1);
        const vmask here = vless_equal(k == 0 ? vsplat(RC(-__builtin_inf())) : inverse ? y : x, from);
        bin->k = vselect(here, vsplat((real)k), bin->k);
        bin->x = vselect(here, x, bin->x);
        bin->y = vselect(here, y, bin->y);
        bin->W = vselect(here, next_x - x, bin->W);
        bin->H = vselect(here, next_y - y, bin->H);
        bin->v0 = vselect(here, u1, bin->v0);
        bin->v1 = vselect(here, after, bin->v1);
        x = next_x;
        y = next_y;
        u1 = after;
    }
    bin->v0 = spline_limit_d(f, bin->v0);
    bin->v1 = spline_limit_d(f, bin->v1);
    bin->d0 = spline_d(f, bin->v0);
    bin->d1 = spline_d(f, bin->v1);
    if (!f->circular) { /* exactly 1 */
        bin->d0 = vselect(vequal(bin->k, vsplat(0)), vsplat(1), bin->d0);
        bin->d1 = vselect(vequal(bin->k, vsplat((real)(f->K - 1))), vsplat(1), bin->d1);
    }
    bin->ratio = bin->W / bin->H;
    bin->a = bin->d0 * bin->ratio;
    bin->b = bin->d1 * bin->ratio;
}

struct spline_at { /* at theta */
    vreal theta, phi, tp, G, D, N;
};

NF_INLINE struct spline_at spline_at_of(const struct spline_bin *bin, vreal theta)
{
    struct spline_at at = { .theta = theta, .phi = vsplat(1) - theta };
    at.tp = theta * at.phi;
    at.D = NF_FMA(bin->a + bin->b - vsplat(2), at.tp, vsplat(1));
    at.N = NF_FMA(bin->b * theta, theta, NF_FMA(bin->a * at.phi, at.phi, vsplat(2) * at.tp));
    at.G = NF_FMA(theta, theta, bin->a * at.tp) / at.D;
    return at;
}
NF_INLINE vreal spline_unit(vreal theta) { return vclip_high(vsplat(1), vclip_low(vsplat(0), theta)); }
NF_INLINE vreal spline_log_slope(const struct spline_bin *bin, const struct spline_at *at)
{
    return vlog(at->N / (bin->ratio * at->D * at->D));
}
NF_INLINE vreal spline_within(const struct spline_form *f, vreal z) { return vclip_high(f->B, vclip_low(-f->B, z)); }
NF_INLINE vmask spline_inside(const struct spline_form *f, vreal x) { return vless_equal(vabs(x), f->B); }

NF_INLINE void spline_value_of(const nfi_spline *s, int K, bool softclip)
{
    const struct spline_form f = spline_form_of(s, K, softclip);
    const real *in = s->x, *p = s->p;
    real *out = s->z, *log_slope = s->log_slope;
    struct spline_bin bin = spline_work(s);

    for (int64_t i = 0; i < s->count; i += NFI_VL) {
        const vreal x = vload(in + i);
        const vmask inside = spline_inside(&f, x);
        spline_find(&f, p + i, s->stride, x, false, &bin, NULL);
        const struct spline_at at = spline_at_of(&bin, spline_unit((x - bin.x) / bin.W));
        vstore(out + i, vselect(inside, spline_within(&f, NF_FMA(bin.H, at.G, bin.y)), x));
        vstore(log_slope + i, vkeep(inside, spline_log_slope(&bin, &at)));
    }
}

/* theta of eta. Where c < 0 the other form of the root has no cancellation, and 1 - c > 1. */
NF_INLINE vreal spline_solve(const struct spline_bin *bin, vreal eta)
{
    const vreal c = bin->a - eta * (bin->a + bin->b - vsplat(2)), two = vsplat(2);
    const vreal r = vsqrt(vclip_low(vsplat(0), NF_FMA(c, c, vsplat(4) * (vsplat(1) - c) * eta)));
    const vmask other = vless(c, vsplat(0));
    vreal theta = spline_unit(vselect(other, r - c, two * eta) / vselect(other, two * (vsplat(1) - c), c + r));
    for (int step = 0; step < 2; step++) {
        const struct spline_at at = spline_at_of(bin, theta);
        theta = spline_unit(NF_FMA(eta - at.G, at.D * at.D / at.N, theta));
    }
    return theta;
}

NF_INLINE void spline_inverse_of(const nfi_spline *s, int K, bool softclip) /* x of z */
{
    const struct spline_form f = spline_form_of(s, K, softclip);
    const real *in = s->x, *p = s->p;
    real *out = s->z, *log_slope = s->log_slope;
    struct spline_bin bin = spline_work(s);

    for (int64_t i = 0; i < s->count; i += NFI_VL) {
        const vreal z = vload(in + i);
        const vmask inside = spline_inside(&f, z);
        spline_find(&f, p + i, s->stride, z, true, &bin, NULL);
        const struct spline_at at = spline_at_of(&bin, spline_solve(&bin, spline_unit((z - bin.y) / bin.H)));
        vstore(out + i, vselect(inside, spline_within(&f, NF_FMA(bin.W, at.theta, bin.x)), z));
        vstore(log_slope + i, vkeep(inside, -spline_log_slope(&bin, &at)));
    }
}

struct spline_partial { /* of G and of the log slope, by theta, a, b */
    vreal G_theta, G_a, G_b, l_theta, l_a, l_b;
};

NF_INLINE struct spline_partial spline_partial_of(const struct spline_bin *bin, const struct spline_at *at)
{
    const vreal D = vsplat(1) / at->D, N = vsplat(1) / at->N, tilt = vsplat(1) - vsplat(2) * at->theta;
    const vreal slope_N = vsplat(2) * (bin->b * at->theta + tilt - bin->a * at->phi), slope_D = (bin->a + bin->b - vsplat(2)) * tilt;
    const vreal pull = vsplat(-2) * at->tp * D;
    return (struct spline_partial){
        .G_theta = at->N * D * D, .G_a = at->tp * (vsplat(1) - at->G) * D, .G_b = -at->tp * at->G * D,
        .l_theta = slope_N * N - vsplat(2) * slope_D * D, .l_a = NF_FMA(at->phi * at->phi, N, pull), .l_b = NF_FMA(at->theta * at->theta, N, pull) };
}

/* dL/du of one side's parameters from dL/dknot and dL/dside of the bin: c_j = before for j < k, side for j = k;
 * dL/dv_j = share p_j (c_j - sum c_i p_i). gp holds dv/du. */
NF_INLINE void spline_side_gradient(const struct spline_form *f, const struct spline_bin *bin, const vreal *part, vreal share,
                                    vreal before, vreal side, int64_t stride, real *gp)
{
    vreal mean = vsplat(0);
    for (int j = 0; j < f->K; j++) {
        const vreal at = vsplat((real)j), c = vselect(vless(at, bin->k), before, vkeep(vequal(at, bin->k), side));
        mean = NF_FMA(c, part[j], mean);
    }
    for (int j = 0; j < f->K; j++) {
        const vreal at = vsplat((real)j), c = vselect(vless(at, bin->k), before, vkeep(vequal(at, bin->k), side));
        vstore(gp + j * stride, share * part[j] * (c - mean) * vload(gp + j * stride));
    }
}

/* The lower knot of bin k has slope k, the upper one slope k + 1. */
NF_INLINE void spline_slope_gradient(const struct spline_form *f, const struct spline_bin *bin, vreal g0, vreal g1, int64_t stride, real *gp)
{
    g0 *= spline_d_slope(f, bin->v0) * spline_limit_d_slope(f, bin->v0);
    g1 *= spline_d_slope(f, bin->v1) * spline_limit_d_slope(f, bin->v1);
    for (int k = 0; k < (f->circular ? f->K : f->K - 1); k++) {
        const int knot = f->circular ? k : k + 1;
        vreal g = vkeep(vequal(bin->k, vsplat((real)knot)), g0);
        g += vkeep(vequal(bin->k, vsplat((real)(knot == 0 ? f->K - 1 : knot - 1))), g1);
        vstore(gp + k * stride, g);
    }
}

NF_INLINE void spline_backward_of(const nfi_spline *s, int K, bool softclip)
{
    const struct spline_form f = spline_form_of(s, K, softclip);
    const real *in = s->x, *p = s->p, *h_log = s->h;
    real *g_inout = s->g, *gp = s->gp;
    struct spline_bin bin = spline_work(s);

    for (int64_t i = 0; i < s->count; i += NFI_VL) {
        const vreal x = vload(in + i), g_z = vload(g_inout + i);
        const vmask inside = spline_inside(&f, x);
        spline_find(&f, p + i, s->stride, vselect(inside, x, vsplat(0)), false, &bin, gp + i);
        const struct spline_at at = spline_at_of(&bin, spline_unit((vselect(inside, x, vsplat(0)) - bin.x) / bin.W));
        const struct spline_partial d = spline_partial_of(&bin, &at);
        const vreal g = vkeep(inside, g_z), h = vkeep(inside, vload(h_log + i)), gH = g * bin.H;
        const vreal T = NF_FMA(gH, d.G_theta, h * d.l_theta), A = NF_FMA(gH, d.G_a, h * d.l_a), B = NF_FMA(gH, d.G_b, h * d.l_b);
        const vreal S = NF_FMA(A, bin.a, B * bin.b), by_W = vsplat(1) / bin.W;
        vstore(g_inout + i, vselect(inside, T * by_W, g_z));
        spline_side_gradient(&f, &bin, bin.part_x, f.share_x, -T * by_W, (S - h - T * at.theta) * by_W, s->stride, gp + i);
        spline_side_gradient(&f, &bin, bin.part_y, f.share_y, g, NF_FMA(g, at.G, (h - S) / bin.H), s->stride,
                             gp + i + f.K * s->stride);
        spline_slope_gradient(&f, &bin, A * bin.ratio, B * bin.ratio, s->stride, gp + i + 2 * f.K * s->stride);
    }
}

/* Tangents of the lower knot and of the side of the bin: dside_j = share p_j (dv_j - sum p_i dv_i). */
NF_INLINE void spline_side_tangent(const struct spline_form *f, const struct spline_bin *bin, const vreal *part, const real *p, const real *dp,
                                   vreal share, int64_t stride, vreal *d_knot, vreal *d_side)
{
    vreal *dv = bin->third, mean = vsplat(0);
    for (int j = 0; j < f->K; j++) {
        dv[j] = vload(dp + j * stride) * spline_limit_slope(f, spline_limit(f, vload(p + j * stride)));
        mean = NF_FMA(part[j], dv[j], mean);
    }
    *d_knot = *d_side = vsplat(0);
    for (int j = 0; j < f->K; j++) {
        const vreal at = vsplat((real)j), d = share * part[j] * (dv[j] - mean);
        *d_knot += vkeep(vless(at, bin->k), d);
        *d_side += vkeep(vequal(at, bin->k), d);
    }
}

NF_INLINE void spline_slope_tangent(const struct spline_form *f, const struct spline_bin *bin, const real *dp, int64_t stride, vreal *d0, vreal *d1)
{
    *d0 = *d1 = vsplat(0);
    for (int k = 0; k <= f->K; k++) {
        const int at = spline_slope_at(f, k);
        const vreal d = at < 0 ? vsplat(0) : vload(dp + at * stride);
        *d0 += vkeep(vequal(bin->k, vsplat((real)k)), d);
        *d1 += vkeep(vequal(bin->k, vsplat((real)(k - 1))), d);
    }
    *d0 *= spline_d_slope(f, bin->v0) * spline_limit_d_slope(f, bin->v0);
    *d1 *= spline_d_slope(f, bin->v1) * spline_limit_d_slope(f, bin->v1);
}

static void spline_jvp(const nfi_spline *s)
{
    const struct spline_form f = spline_form_of(s, (int)s->bins, s->softclip != 0);
    const real *in = s->x, *p = s->p, *d_in = s->dx, *dp = s->dp;
    real *d_out = s->z, *d_log = s->log_slope;
    const int64_t stride = s->stride;
    struct spline_bin bin = spline_work(s);

    for (int64_t i = 0; i < s->count; i += NFI_VL) {
        const vreal x = vload(in + i), dx = vload(d_in + i);
        const vmask inside = spline_inside(&f, x);
        vreal dx_k, dy_k, dW, dH, d0, d1;
        spline_find(&f, p + i, stride, x, false, &bin, NULL);
        const struct spline_at at = spline_at_of(&bin, spline_unit((x - bin.x) / bin.W));
        const struct spline_partial d = spline_partial_of(&bin, &at);
        spline_side_tangent(&f, &bin, bin.part_x, p + i, dp + i, f.share_x, stride, &dx_k, &dW);
        spline_side_tangent(&f, &bin, bin.part_y, p + i + f.K * stride, dp + i + f.K * stride, f.share_y, stride, &dy_k, &dH);
        spline_slope_tangent(&f, &bin, dp + i + 2 * f.K * stride, stride, &d0, &d1);
        const vreal w = dW / bin.W, h = dH / bin.H, d_theta = (dx - dx_k) / bin.W - at.theta * w;
        const vreal da = NF_FMA(bin.a, w - h, d0 * bin.ratio), db = NF_FMA(bin.b, w - h, d1 * bin.ratio);
        const vreal dG = NF_FMA(d.G_theta, d_theta, NF_FMA(d.G_a, da, d.G_b * db));
        vstore(d_out + i, vselect(inside, dy_k + NF_FMA(dH, at.G, bin.H * dG), dx));
        vstore(d_log + i, vkeep(inside, h - w + NF_FMA(d.l_theta, d_theta, NF_FMA(d.l_a, da, d.l_b * db))));
    }
}

/* The usual number of bins and forms is known to the compiler, which then unrolls the loops over them; a function each, for the stack's sake. */
#define SPLINE_USUAL(name)                                                                                             \
    static __attribute__((noinline)) void spline_##name##_of_8(const nfi_spline *s) { spline_##name##_of(s, 8, false); } \
    static __attribute__((noinline)) void spline_##name##_of_any(const nfi_spline *s)                                  \
    {                                                                                                                  \
        spline_##name##_of(s, (int)s->bins, s->softclip != 0);                                                         \
    }                                                                                                                  \
    static void spline_##name(const nfi_spline *s)                                                                     \
    {                                                                                                                  \
        (s->bins == 8 && !s->softclip ? spline_##name##_of_8 : spline_##name##_of_any)(s);                             \
    }
SPLINE_USUAL(value)
SPLINE_USUAL(inverse)
SPLINE_USUAL(backward)

#endif
