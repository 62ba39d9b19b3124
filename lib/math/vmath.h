/* SPDX-License-Identifier: MIT
 *
 * vmath.h - exp, log, tanh, sigmoid, softplus on vectors, and Box-Muller normals
 *
 * exp:     n = rint(x log2 e) by the magic number 1.5 2^(p-1); r = x - n ln 2 with ln 2 in two parts, the first with
 *          enough trailing zeros for n ln2_hi to be exact; e = e^r - 1 = r + r^2 q(r), q the Taylor series: on
 *          |r| <= ln2/2 the first term left out is below 2^-27 (f32, through r^7) or 2^-57 (f64, through r^13);
 *          exp = 2^n (1 + e), the scale applied in two halves so that denormal results are rounded once.
 * expm1:   2^n e + (2^n - 1): relatively accurate, n = 0 near zero.
 * tanh:    m / (m + 2), m = expm1(2 |x|), with the sign of x.
 * sigmoid: z = exp(-|x|), z / (1 + z) or 1 / (1 + z).
 * log:     x = 2^k (1 + f), sqrt(1/2) < 1 + f < sqrt(2); s = f / (2 + f); log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))).
 *          R: fdlibm e_log.c (f64) and FreeBSD msun e_logf.c (f32), with their two-part ln 2.
 * log1p:   of z in [0, 1]: f = z, or f = (z - 1) / 2 (exact) and k = 1 when z > sqrt(2) - 1.
 * softplus: max(x, 0) + log1p(exp(-|x|)).
 * Largest errors measured against long double are asserted in tests/math/math_test.c.
 */
#ifndef NFI_MATH_VMATH_H
#define NFI_MATH_VMATH_H

#include "math/vec.h"

#if NFI_REAL == 32
#define NFI_MAGIC 12582912.0f /* 1.5 2^23 */
#define NFI_MANTISSA 23
#define NFI_BIAS 127
#define NFI_EXP_HIGH 89.0f      /* e^89 > FLT_MAX */
#define NFI_EXP_LOW (-104.0f)   /* e^-104 < half the least denormal */
#define NFI_TANH_HIGH 20.0f     /* m + 2 rounds to m */
#define NFI_EXPM1_LOW (-30.0f)  /* e^x - 1 rounds to -1 */
#define NFI_SILU_FAR 200.0f     /* sigmoid(-u) is zero beyond */
#define NFI_EXP_LN2_HI 0.693359375f /* 355/512; Cody and Waite */
#define NFI_EXP_LN2_LO (-2.12194440054690582767e-4f)
#define NFI_LN2_HI 6.9313812256e-01f /* FreeBSD msun e_logf.c */
#define NFI_LN2_LO 9.0580006145e-06f
#define NFI_SPLIT 0x3f3504f3 /* sqrt(1/2) */
#define NFI_ONE_BITS 0x3f800000
#define NFI_LEAST_NORMAL 1.17549435e-38f
#define NFI_DENORMAL_SCALE 33554432.0f /* 2^25 */
#define NFI_DENORMAL_SHIFT 25.0f
#else
#define NFI_MAGIC 6755399441055744.0 /* 1.5 2^52 */
#define NFI_MANTISSA 52
#define NFI_BIAS 1023
#define NFI_EXP_HIGH 710.0
#define NFI_EXP_LOW (-746.0)
#define NFI_TANH_HIGH 44.0
#define NFI_EXPM1_LOW (-50.0)
#define NFI_SILU_FAR 1000.0
#define NFI_EXP_LN2_HI 6.93147180369123816490e-01 /* fdlibm */
#define NFI_EXP_LN2_LO 1.90821492927058770002e-10
#define NFI_LN2_HI NFI_EXP_LN2_HI
#define NFI_LN2_LO NFI_EXP_LN2_LO
#define NFI_SPLIT 0x3fe6a09e00000000
#define NFI_ONE_BITS 0x3ff0000000000000
#define NFI_LEAST_NORMAL 2.2250738585072014e-308
#define NFI_DENORMAL_SCALE 18014398509481984.0 /* 2^54 */
#define NFI_DENORMAL_SHIFT 54.0
#endif
#define NFI_LOG2E 1.4426950408889634074

NF_INLINE vreal vabs(vreal x) { return (vreal)(((vuint)x << 1) >> 1); }
NF_INLINE vreal vsign_of(vreal magnitude, vreal x) /* magnitude >= 0 or NaN */
{
    return (vreal)((vuint)magnitude | (((vuint)x >> (8 * NFI_SIZE - 1)) << (8 * NFI_SIZE - 1)));
}
/* 2^n. Powers are unsigned, modulo 2^32 or 2^64: those of NaN are any bits, and may wrap around. */
NF_INLINE vreal vpow2(vuint n) { return (vreal)((n + (ureal)NFI_BIAS) << NFI_MANTISSA); }

/* e = e^r - 1 and n of x = n ln 2 + r */
NF_INLINE vreal vexp_reduce(vreal x, vuint *n)
{
    const vreal magic = vsplat(NFI_MAGIC);
    const vreal t = NF_FMA(x, vsplat(RC(NFI_LOG2E)), magic);
    const vreal k = t - magic;
    vreal r = NF_FMA(k, vsplat(-NFI_EXP_LN2_HI), x);
    r = NF_FMA(k, vsplat(-NFI_EXP_LN2_LO), r);
    *n = (vuint)t - (vuint)magic;
#if NFI_REAL == 32
    vreal q = vsplat(RC(1.0 / 5040)); /* 1/j! */
#else
    vreal q = vsplat(1.0 / 6227020800);
    q = NF_FMA(q, r, vsplat(1.0 / 479001600));
    q = NF_FMA(q, r, vsplat(1.0 / 39916800));
    q = NF_FMA(q, r, vsplat(1.0 / 3628800));
    q = NF_FMA(q, r, vsplat(1.0 / 362880));
    q = NF_FMA(q, r, vsplat(1.0 / 40320));
    q = NF_FMA(q, r, vsplat(1.0 / 5040));
#endif
    q = NF_FMA(q, r, vsplat(RC(1.0 / 720)));
    q = NF_FMA(q, r, vsplat(RC(1.0 / 120)));
    q = NF_FMA(q, r, vsplat(RC(1.0 / 24)));
    q = NF_FMA(q, r, vsplat(RC(1.0 / 6)));
    q = NF_FMA(q, r, vsplat(RC(0.5)));
    return NF_FMA(r * r, q, r);
}

NF_INLINE vreal vexp(vreal x)
{
    vuint n;
    x = vclip_low(vsplat(NFI_EXP_LOW), vclip_high(vsplat(NFI_EXP_HIGH), x));
    const vreal e = vexp_reduce(x, &n);
    const vuint half = ((n + (ureal)4096) >> 1) - (ureal)2048;
    return (vsplat(1) + e) * vpow2(half) * vpow2(n - half);
}

/* NFI_EXPM1_LOW <= x <= NFI_TANH_HIGH, or NaN */
NF_INLINE vreal vexpm1_within(vreal x)
{
    vuint n;
    const vreal e = vexp_reduce(x, &n);
    const vreal s = vpow2(n);
    return NF_FMA(s, e, s - vsplat(1));
}
NF_INLINE vreal vexpm1_negative(vreal x) /* x <= 0, or NaN */
{
    return vexpm1_within(vclip_low(vsplat(NFI_EXPM1_LOW), x));
}

NF_INLINE vreal vtanh(vreal x)
{
    const vreal a = vabs(x);
    const vreal m = vexpm1_within(vclip_high(vsplat(NFI_TANH_HIGH), a + a));
    return vsign_of(m / (m + vsplat(2)), x);
}

NF_INLINE vreal vsigmoid(vreal x)
{
    const vreal z = vexp(-vabs(x));
    return vselect(vless(x, vsplat(0)), z, vsplat(1)) / (vsplat(1) + z);
}

/* k ln 2 + log(1 + f) */
NF_INLINE vreal vlog_core(vreal k, vreal f)
{
    const vreal s = f / (vsplat(2) + f);
    const vreal z = s * s;
#if NFI_REAL == 32
    vreal r = NF_FMA(z, vsplat(0.24279078841f), vsplat(0.28498786688f));
    r = NF_FMA(z, r, vsplat(0.40000972152f));
    r = NF_FMA(z, r, vsplat(0.66666662693f));
#else
    vreal r = NF_FMA(z, vsplat(1.479819860511658591e-01), vsplat(1.531383769920937332e-01));
    r = NF_FMA(z, r, vsplat(1.818357216161805012e-01));
    r = NF_FMA(z, r, vsplat(2.222219843214978396e-01));
    r = NF_FMA(z, r, vsplat(2.857142874366239149e-01));
    r = NF_FMA(z, r, vsplat(3.999999999940941908e-01));
    r = NF_FMA(z, r, vsplat(6.666666666666735130e-01));
#endif
    r = r * z;
    const vreal h = vsplat(RC(0.5)) * f * f;
    return NF_FMA(k, vsplat(NFI_LN2_HI), f - (h - NF_FMA(s, h + r, k * vsplat(NFI_LN2_LO))));
}

NF_INLINE vreal vlog(vreal x)
{
    const vmask small = vless(x, vsplat(NFI_LEAST_NORMAL));
    const vreal y = vselect(small, x * vsplat(NFI_DENORMAL_SCALE), x);
    const vuint u = (vuint)y + (ureal)(NFI_ONE_BITS - NFI_SPLIT);
    const vuint exponent = u >> NFI_MANTISSA;
#if NFI_REAL == 32
    vreal k = __builtin_convertvector((vint)exponent - (ireal)NFI_BIAS, vreal);
#else
    /* 2^52 + exponent as bits */
    vreal k = (vreal)(exponent | (ureal)0x4330000000000000) - vsplat(4503599627370496.0 + NFI_BIAS);
#endif
    k = k - vkeep(small, vsplat(NFI_DENORMAL_SHIFT));
    const vreal m = (vreal)((u & (ureal)(((ureal)1 << NFI_MANTISSA) - 1)) + (ureal)NFI_SPLIT);
    vreal r = vlog_core(k, m - vsplat(1));
    const vreal infinity = vsplat(RC(__builtin_inf()));
    r = vselect(vequal(x, infinity), infinity, r);
    r = vselect(vequal(x, vsplat(0)), -infinity, r);
    r = vselect(vless(x, vsplat(0)), vsplat(RC(__builtin_nan(""))), r);
    return vselect(vis_nan(x), x, r);
}

NF_INLINE vreal vsoftplus(vreal x)
{
    const vreal z = vexp(-vabs(x));
    const vmask large = vless(vsplat(RC(0.41421356237309504880)), z); /* sqrt(2) - 1 */
    const vreal f = vselect(large, (z - vsplat(1)) * vsplat(RC(0.5)), z);
    const vreal k = vkeep(large, vsplat(1));
    return vkeep(vless(vsplat(0), x), x) + vlog_core(k, f);
}

#if NFI_REAL == 64
/* sin and cos of 2 pi u, 0 <= u <= 1: 4 u = q + d exactly, angle d pi/2; series: fdlibm k_sin.c, k_cos.c */
NF_INLINE void vsincos_turn(vreal u, vreal *sine, vreal *cosine)
{
    const vreal magic = vsplat(NFI_MAGIC);
    const vreal four = u * vsplat(4);
    const vreal t = four + magic;
    const vint q = (vint)((vuint)t - (vuint)magic);
    const vreal a = (four - (t - magic)) * vsplat(1.57079632679489661923); /* pi/2 */
    const vreal z = a * a;
    vreal p = NF_FMA(z, vsplat(1.58969099521155010221e-10), vsplat(-2.50507602534068634195e-08));
    p = NF_FMA(z, p, vsplat(2.75573137070700676789e-06));
    p = NF_FMA(z, p, vsplat(-1.98412698298579493134e-04));
    p = NF_FMA(z, p, vsplat(8.33333333332248946124e-03));
    p = NF_FMA(z, p, vsplat(-1.66666666666666324348e-01));
    const vreal s = NF_FMA(a * z, p, a);
    p = NF_FMA(z, vsplat(-1.13596475577881948265e-11), vsplat(2.08757232129817482790e-09));
    p = NF_FMA(z, p, vsplat(-2.75573143513906633035e-07));
    p = NF_FMA(z, p, vsplat(2.48015872894767294178e-05));
    p = NF_FMA(z, p, vsplat(-1.38888888888741095749e-03));
    p = NF_FMA(z, p, vsplat(4.16666666666666019037e-02));
    const vreal h = z * vsplat(0.5);
    const vreal w = vsplat(1) - h;
    const vreal c = w + ((vsplat(1) - w) - h + z * z * p);
    const vmask odd = vless(vsplat(0), (vreal)((vuint)(q & 1) << 52)); /* a small positive number, or zero */
    const vuint sign_s = (vuint)(q & 2) << 62;       /* quadrants 2, 3 */
    const vuint sign_c = (vuint)((q + 1) & 2) << 62; /* quadrants 1, 2 */
    *sine = (vreal)((vuint)vselect(odd, c, s) ^ sign_s);
    *cosine = (vreal)((vuint)vselect(odd, s, c) ^ sign_c);
}

/* (a + 0.5) 2^-53 of the 53 high bits a of w0 | w1 << 32; the words are in 64-bit lanes */
NF_INLINE vreal vuniform(vuint w0, vuint w1)
{
    const vuint a = (w0 | w1 << 32) >> 11;
    const vreal two52 = vsplat(4503599627370496.0);
    const vreal low = (vreal)((a & 0xffffffffu) | (ureal)0x4330000000000000) - two52;
    const vreal high = (vreal)((a >> 32) | (ureal)0x4330000000000000) - two52;
    return ((high * vsplat(4294967296.0) + low) + vsplat(0.5)) * vsplat(0x1p-53);
}

/* NFI_VL blocks of Philox4x32-10 from `block`: cosine and sine normals. Ref: core/rng.h. */
NF_INLINE void vnormal_blocks(uint64_t seed, uint32_t stream, uint64_t block, real *even, real *odd)
{
    vuint lane;
    for (int i = 0; i < NFI_VL; i++) lane[i] = (ureal)i;
    const vuint low_bits = (vuint){ 0 } + (ureal)0xffffffffu;
    const vuint counter = lane + (ureal)block;
    vuint c0 = counter & low_bits, c1 = counter >> 32, c2 = (vuint){ 0 } + (ureal)stream, c3 = (vuint){ 0 };
    const vuint m0 = (vuint){ 0 } + (ureal)0xD2511F53u, m1 = (vuint){ 0 } + (ureal)0xCD9E8D57u;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    NF_UNROLL
    for (int round = 0; round < 10; round++) {
        const vuint p0 = vmul32(m0, c0), p1 = vmul32(m1, c2);
        c0 = (p1 >> 32) ^ c1 ^ (ureal)k0;
        c1 = p1 & low_bits;
        c2 = (p0 >> 32) ^ c3 ^ (ureal)k1;
        c3 = p0 & low_bits;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    vreal s, c;
    const vreal r = vsqrt(vsplat(-2) * vlog(vuniform(c0, c1)));
    vsincos_turn(vuniform(c2, c3), &s, &c);
    vstore(even, r * c);
    vstore(odd, r * s);
}
#endif

#endif
