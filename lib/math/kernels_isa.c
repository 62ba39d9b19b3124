/* SPDX-License-Identifier: MIT
 *
 * kernels_isa.c - the kernels of one dtype and one instruction set
 *
 * Compiled with -DNFI_REAL=32|64 and -DNFI_ISA=baseline|avx2|avx512|neon, contraction off: what is fused is written
 * NF_FMA. Activations: phi, and from what the row keeps, phi' and phi'':
 *   relu h = max(u, 0); leaky h = u or 0.01 u; tanh h: 1 - h^2, -2 h (1 - h^2); softplus h: 1 - e^-h, (1 - e^-h) e^-h;
 *   silu of u, s = sigmoid(u), t = sigmoid(-u): s + u s t, s t (2 + u (t - s)); elu h = u or e^u - 1: h + 1, h + 1.
 */
#include "math/gemm.h"
#include "math/kernels_isa.h"
#include "math/spline.h"
#include "math/timed.h"
#include "math/vmath.h"
#include <nflow/nflow.h>

#ifndef NFI_ISA
#define NFI_ISA baseline
#endif
#define NFI_STRING_(a) #a
#define NFI_STRING(a) NFI_STRING_(a)

/* A tail goes through a padded vector, so an element's bits do not depend on where it stands */
#define NFI_MAP(name, expression)                                                                                      \
    static void name(int64_t n, const void *x_, void *y_)                                                              \
    {                                                                                                                  \
        const real *in = x_;                                                                                           \
        real *out = y_;                                                                                                \
        int64_t i = 0;                                                                                                 \
        for (; i + NFI_VL <= n; i += NFI_VL) {                                                                         \
            const vreal x = vload(in + i);                                                                             \
            vstore(out + i, expression);                                                                               \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            real pad[NFI_VL] = { 0 };                                                                                  \
            memcpy(pad, in + i, (size_t)(n - i) * sizeof(real));                                                       \
            const vreal x = vload(pad);                                                                                \
            vstore(pad, expression);                                                                                   \
            memcpy(out + i, pad, (size_t)(n - i) * sizeof(real));                                                      \
        }                                                                                                              \
    }
/* g from g and what the row saved, x */
#define NFI_SLOPE(name, expression)                                                                                    \
    static void name(int64_t n, const void *x_, void *g_)                                                              \
    {                                                                                                                  \
        const real *in = x_;                                                                                           \
        real *out = g_;                                                                                                \
        int64_t i = 0;                                                                                                 \
        for (; i + NFI_VL <= n; i += NFI_VL) {                                                                         \
            const vreal x = vload(in + i), g = vload(out + i);                                                         \
            vstore(out + i, expression);                                                                               \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            real pad[NFI_VL] = { 0 }, pad_g[NFI_VL] = { 0 };                                                           \
            memcpy(pad, in + i, (size_t)(n - i) * sizeof(real));                                                       \
            memcpy(pad_g, out + i, (size_t)(n - i) * sizeof(real));                                                    \
            const vreal x = vload(pad), g = vload(pad_g);                                                              \
            vstore(pad, expression);                                                                                   \
            memcpy(out + i, pad, (size_t)(n - i) * sizeof(real));                                                      \
        }                                                                                                              \
    }

#define ZERO vsplat(0)
#define ONE vsplat(1)
#define LEAK vsplat(RC(0.01))

NF_INLINE vreal silu_range(vreal u) /* beyond, sigmoid is 0 or 1: keeps infinity times zero away */
{
    return vclip_high(vsplat(NFI_SILU_FAR), vclip_low(vsplat(-NFI_SILU_FAR), u));
}
NF_INLINE vreal silu_value(vreal u)
{
    const vreal low = vclip_low(vsplat(-NFI_SILU_FAR), u);
    return low * vsigmoid(low);
}
NF_INLINE void sigmoid_pair(vreal u, vreal *s, vreal *t)
{
    const vreal z = vexp(-vabs(u)), d = ONE + z, big = ONE / d, little = z / d;
    *s = vselect(vless(u, ZERO), little, big);
    *t = vselect(vless(u, ZERO), big, little);
}
NF_INLINE vreal silu_slope_of(vreal u)
{
    vreal s, t;
    u = silu_range(u);
    sigmoid_pair(u, &s, &t);
    return NF_FMA(u * s, t, s);
}
NF_INLINE vreal silu_curve_of(vreal u)
{
    vreal s, t;
    u = silu_range(u);
    sigmoid_pair(u, &s, &t);
    return s * t * NF_FMA(u, t - s, vsplat(2));
}
NF_INLINE vreal elu_of(vreal u)
{
    return vselect(vless(ZERO, u), u, vexpm1_negative(vclip_high(ZERO, u)));
}

NFI_MAP(map_exp, vexp(x))
NFI_MAP(map_log, vlog(x))
NFI_MAP(map_tanh, vtanh(x))
NFI_MAP(map_sigmoid, vsigmoid(x))
NFI_MAP(map_softplus, vsoftplus(x))
NFI_MAP(map_relu, vselect(vless_equal(x, ZERO), ZERO, x))
NFI_MAP(map_leaky, vselect(vless_equal(x, ZERO), LEAK * x, x))
NFI_MAP(map_silu, silu_value(x))
NFI_MAP(map_elu, elu_of(x))
NFI_SLOPE(relu_slope, vkeep(vless(ZERO, x), g))
NFI_SLOPE(leaky_slope, vselect(vless(ZERO, x), g, g * LEAK))
NFI_SLOPE(tanh_slope, g * ((ONE - x) * (ONE + x)))
NFI_SLOPE(tanh_curve, g * (vsplat(-2) * x * ((ONE - x) * (ONE + x))))
NFI_SLOPE(softplus_slope, g * -vexpm1_negative(-x))
NFI_SLOPE(softplus_curve, g * (-vexpm1_negative(-x) * vexp(-x)))
NFI_SLOPE(silu_slope, g * silu_slope_of(x))
NFI_SLOPE(silu_curve, g * silu_curve_of(x))
NFI_SLOPE(elu_slope, vselect(vless(ZERO, x), g, g * (x + ONE)))
NFI_SLOPE(elu_curve, vselect(vless(ZERO, x), ZERO, g * (x + ONE)))

static const nfi_activation activations[NFI_N_ACTIVATIONS] = {
    { "relu", 0, map_relu, relu_slope, NULL },
    { "leaky_relu", 0, map_leaky, leaky_slope, NULL },
    { "tanh", 0, map_tanh, tanh_slope, tanh_curve },
    { "softplus", 0, map_softplus, softplus_slope, softplus_curve },
    { "silu", 1, map_silu, silu_slope, silu_curve },
    { "elu", 0, map_elu, elu_slope, elu_curve },
};

/* Networks of time: value and slope of u in one go, slope and curve of what is kept */
NF_INLINE void none_phi(vreal u, vreal *h, vreal *slope)
{
    *h = u;
    *slope = ONE;
}
NF_INLINE void tanh_phi(vreal u, vreal *h, vreal *slope)
{
    *h = vtanh(u);
    *slope = (ONE - *h) * (ONE + *h);
}
NF_INLINE void tanh_bend(vreal h, vreal *slope, vreal *curve)
{
    *slope = (ONE - h) * (ONE + h);
    *curve = vsplat(-2) * h * *slope;
}
NF_INLINE void softplus_phi(vreal u, vreal *h, vreal *slope)
{
    *h = vsoftplus(u);
    *slope = vsigmoid(u); /* 1 - e^-h; the compiler takes the exponential of both once */
}
NF_INLINE void softplus_bend(vreal h, vreal *slope, vreal *curve)
{
    *slope = -vexpm1_negative(-h);
    *curve = *slope * vexp(-h);
}
NF_INLINE void silu_phi(vreal u, vreal *h, vreal *slope)
{
    vreal s, t;
    const vreal within = silu_range(u);
    sigmoid_pair(within, &s, &t);
    *h = vclip_low(vsplat(-NFI_SILU_FAR), u) * s;
    *slope = NF_FMA(within * s, t, s);
}
NF_INLINE void silu_bend(vreal u, vreal *slope, vreal *curve)
{
    vreal s, t;
    u = silu_range(u);
    sigmoid_pair(u, &s, &t);
    *slope = NF_FMA(u * s, t, s);
    *curve = s * t * NF_FMA(u, t - s, vsplat(2));
}
NF_INLINE void elu_phi(vreal u, vreal *h, vreal *slope)
{
    *h = elu_of(u);
    *slope = vselect(vless(ZERO, u), ONE, *h + ONE);
}
NF_INLINE void elu_bend(vreal h, vreal *slope, vreal *curve)
{
    *slope = vselect(vless(ZERO, h), ONE, h + ONE);
    *curve = vselect(vless(ZERO, h), ZERO, h + ONE);
}

#define NFI_TIMED(name, bend, from_u)                                                                                  \
    static void name##_timed_value(const nfi_timed *p) { timed_value(p, name##_phi); }                                 \
    static void name##_timed_reverse(const nfi_timed *p) { timed_reverse(p, bend, from_u); }
NFI_TIMED(none, NULL, false)
NFI_TIMED(tanh, tanh_bend, false)
NFI_TIMED(softplus, softplus_bend, false)
NFI_TIMED(silu, silu_bend, true)
NFI_TIMED(elu, elu_bend, false)

static const nfi_timed_phi timed_phis[NFI_N_ACTIVATIONS + 1] = {
    { none_timed_value, none_timed_reverse }, { NULL, NULL }, { NULL, NULL }, { tanh_timed_value, tanh_timed_reverse },
    { softplus_timed_value, softplus_timed_reverse }, { silu_timed_value, silu_timed_reverse }, { elu_timed_value, elu_timed_reverse },
};

#define NFI_NORMAL NFI_PASTE(nfi_kernel_normal_, NFI_ISA)
#if NFI_REAL == 64
double NFI_PASTE(nfi_kernel_read_, NFI_ISA)(const void *block, int64_t bytes)
{
    const double *x = block;
    vreal sum[8];
    double total = 0;
    for (int i = 0; i < 8; i++) sum[i] = vsplat(0);
    for (int64_t at = 0; at + 8 * NFI_VL <= bytes / 8; at += 8 * NFI_VL) {
        NF_UNROLL
        for (int i = 0; i < 8; i++) sum[i] += vload(x + at + i * NFI_VL);
    }
    for (int i = 0; i < 8; i++) total += sum[i][0];
    return total;
}

void NFI_NORMAL(uint64_t seed, uint32_t stream, uint64_t first, int64_t n, double *out)
{
    double even[NFI_VL], odd[NFI_VL];
    uint64_t block = first / 2;
    int64_t i = -(int64_t)(first & 1); /* place of the block's first normal */
    for (; i < n; i += 2 * NFI_VL, block += NFI_VL) {
        vnormal_blocks(seed, stream, block, even, odd);
        if (i >= 0 && i + 2 * NFI_VL <= n) {
            for (int l = 0; l < NFI_VL; l++) {
                out[i + 2 * l] = even[l];
                out[i + 2 * l + 1] = odd[l];
            }
        } else {
            for (int l = 0; l < NFI_VL; l++) {
                const int64_t at = i + 2 * l;
                if (at >= 0 && at < n) out[at] = even[l];
                if (at + 1 < n) out[at + 1] = odd[l];
            }
        }
    }
}
#endif

double NFI_NAME(NFI_PASTE(nfi_kernel_peak_, NFI_ISA))(int64_t count, double *sink)
{
    vreal c[12];
    const vreal a = vsplat(RC(0.999)), b = vsplat(RC(0.001));
    NF_UNROLL
    for (int i = 0; i < 12; i++) c[i] = vsplat((real)i);
    for (int64_t r = 0; r < count; r++) {
        NF_UNROLL /* ten rounds, so that the loop itself costs nothing */
        for (int i = 0; i < 120; i++) c[i % 12] = NF_FMA(a, c[i % 12], b);
    }
    __asm__ volatile("" : : "r"(c) : "memory"); /* every lane counts */
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += (double)c[i][0];
    *sink += sum;
    return (double)count * 120 * 2 * NFI_VL;
}

/* What both back ends share */
#define NFI_ELEMENTWISE                                                                                                \
    .dtype = NFI_DTYPE, .size = NFI_SIZE, .gemm_turned = gemm_turned, .turn = turn, .unscale = unscale, .activations = activations, .gates = timed_gates,               \
    .timed = timed_phis, .spline_value = spline_value, .spline_inverse = spline_inverse, .spline_backward = spline_backward, \
    .spline_jvp = spline_jvp, .exp = map_exp, .log = map_log, .tanh = map_tanh,                                             \
    .sigmoid = map_sigmoid, .softplus = map_softplus, .normal = NFI_NORMAL

const nfi_kernels NFI_NAME(NFI_PASTE(nfi_kernels_, NFI_ISA)) = {
    .isa = NFI_STRING(NFI_ISA),
    .packed_count = packed_count,
    .pack = pack,
    .gemm = gemm,
    .gemm_tn = gemm_tn,
    .f64 = &NFI_PASTE(NFI_PASTE(nfi_kernels_, NFI_ISA), _f64),
    NFI_ELEMENTWISE,
};

#if defined(NFI_CBLAS)
const nfi_kernels NFI_NAME(NFI_PASTE(nfi_kernels_cblas_, NFI_ISA)) = {
    .isa = "cblas",
    .packed_count = nfi_cblas_packed_count,
    .pack = NFI_NAME(nfi_cblas_pack),
    .gemm = NFI_NAME(nfi_cblas_gemm),
    .gemm_tn = NFI_NAME(nfi_cblas_gemm_tn),
    .f64 = &NFI_PASTE(NFI_PASTE(nfi_kernels_cblas_, NFI_ISA), _f64),
    NFI_ELEMENTWISE,
};
#endif
