/* SPDX-License-Identifier: MIT
 *
 * vec.h - one vector of the instruction set this file is compiled for
 *
 * GCC vector extensions; intrinsics only for what they do not express (fused multiply-add, broadcast, square root,
 * 32 x 32 -> 64 product). NF_FMA(a, b, c) = a b + c with one rounding; only x86 without FMA rounds twice (mul + add).
 * MR x NV vectors are the accumulators of the products: 12 x 2 with 32 registers of 512 bits, 6 x 2 with 16 registers,
 * 6 x 4 with 32 registers of 128 bits.
 */
#ifndef NFI_MATH_VEC_H
#define NFI_MATH_VEC_H

#include <stdint.h>
#include <string.h>

#include "core/real.h"

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#define NF_INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define NF_UNROLL _Pragma("clang loop unroll(full)")
#else
#define NF_UNROLL _Pragma("GCC unroll 128")
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define NFI_VBYTES 64
#define NFI_MR 12
#define NFI_NV 2
#elif defined(__AVX2__) && defined(__FMA__)
#define NFI_VBYTES 32
#define NFI_MR 6
#define NFI_NV 2
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define NFI_VBYTES 16
#define NFI_MR 6
#define NFI_NV 4
#else
#define NFI_VBYTES 16
#define NFI_MR 6
#define NFI_NV 2
#endif

#if NFI_REAL == 32
typedef int32_t ireal;
typedef uint32_t ureal;
#define NFI_SIZE 4
#else
typedef int64_t ireal;
typedef uint64_t ureal;
#define NFI_SIZE 8
#endif
#define NFI_VL (NFI_VBYTES / NFI_SIZE) /* elements of a vector */
#define NFI_NR (NFI_VL * NFI_NV)       /* columns of a panel */

typedef real vreal __attribute__((vector_size(NFI_VBYTES)));
typedef ireal vint __attribute__((vector_size(NFI_VBYTES)));
typedef ureal vuint __attribute__((vector_size(NFI_VBYTES)));
typedef real vreal_any __attribute__((vector_size(NFI_VBYTES), aligned(NFI_SIZE), may_alias)); /* any alignment */

#define RC(x) ((real)(x))

NF_INLINE vreal vload(const real *p) { return *(const vreal_any *)p; }
NF_INLINE void vstore(real *p, vreal v) { *(vreal_any *)p = v; }
/* Comparisons (false on NaN) and selection by lanes. vclip_high(a, x) = a < x ? a : x, vclip_low(a, x) = a > x ? a : x:
 * NaN in x stays. */
#if NFI_VBYTES == 64
#if NFI_REAL == 32
typedef __mmask16 vmask;
#define NFI_M512(f) _mm512_##f##_ps
#define NFI_CMP512 _mm512_cmp_ps_mask
#else
typedef __mmask8 vmask;
#define NFI_M512(f) _mm512_##f##_pd
#define NFI_CMP512 _mm512_cmp_pd_mask
#endif
NF_INLINE vmask vless(vreal a, vreal b) { return NFI_CMP512(a, b, _CMP_LT_OQ); }
NF_INLINE vmask vless_equal(vreal a, vreal b) { return NFI_CMP512(a, b, _CMP_LE_OQ); }
NF_INLINE vmask vequal(vreal a, vreal b) { return NFI_CMP512(a, b, _CMP_EQ_OQ); }
NF_INLINE vmask vis_nan(vreal a) { return NFI_CMP512(a, a, _CMP_UNORD_Q); }
NF_INLINE vreal vselect(vmask mask, vreal yes, vreal no) { return NFI_M512(mask_mov)(no, mask, yes); }
NF_INLINE vreal vkeep(vmask mask, vreal yes) { return NFI_M512(maskz_mov)(mask, yes); }
NF_INLINE vreal vclip_high(vreal a, vreal x) { return NFI_M512(min)(a, x); }
NF_INLINE vreal vclip_low(vreal a, vreal x) { return NFI_M512(max)(a, x); }
#else
typedef vint vmask; /* all ones or all zeros in each lane */
NF_INLINE vmask vless(vreal a, vreal b) { return a < b; }
NF_INLINE vmask vless_equal(vreal a, vreal b) { return a <= b; }
NF_INLINE vmask vequal(vreal a, vreal b) { return a == b; }
NF_INLINE vmask vis_nan(vreal a) { return a != a; }
NF_INLINE vreal vkeep(vmask mask, vreal yes) { return (vreal)(mask & (vint)yes); }
#if NFI_VBYTES == 32
#if NFI_REAL == 32
#define NFI_M256(f) _mm256_##f##_ps
#else
#define NFI_M256(f) _mm256_##f##_pd
#endif
NF_INLINE vreal vselect(vmask mask, vreal yes, vreal no) { return NFI_M256(blendv)(no, yes, (vreal)mask); }
NF_INLINE vreal vclip_high(vreal a, vreal x) { return NFI_M256(min)(a, x); }
NF_INLINE vreal vclip_low(vreal a, vreal x) { return NFI_M256(max)(a, x); }
#else
NF_INLINE vreal vselect(vmask mask, vreal yes, vreal no)
{
    return (vreal)((mask & (vint)yes) | (~mask & (vint)no));
}
NF_INLINE vreal vclip_high(vreal a, vreal x) { return vselect(a < x, a, x); }
NF_INLINE vreal vclip_low(vreal a, vreal x) { return vselect(a > x, a, x); }
#endif
#endif

#if NFI_VBYTES == 64 && NFI_REAL == 32
NF_INLINE vreal vsplat(real s) { return _mm512_set1_ps(s); }
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm512_fmadd_ps(a, b, c); }
NF_INLINE vreal vsqrt(vreal a) { return _mm512_sqrt_ps(a); }
#elif NFI_VBYTES == 64
NF_INLINE vreal vsplat(real s) { return _mm512_set1_pd(s); }
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm512_fmadd_pd(a, b, c); }
NF_INLINE vreal vsqrt(vreal a) { return _mm512_sqrt_pd(a); }
NF_INLINE vuint vmul32(vuint a, vuint b) { return (vuint)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
#elif NFI_VBYTES == 32 && NFI_REAL == 32
NF_INLINE vreal vsplat(real s) { return _mm256_set1_ps(s); }
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm256_fmadd_ps(a, b, c); }
NF_INLINE vreal vsqrt(vreal a) { return _mm256_sqrt_ps(a); }
#elif NFI_VBYTES == 32
NF_INLINE vreal vsplat(real s) { return _mm256_set1_pd(s); }
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm256_fmadd_pd(a, b, c); }
NF_INLINE vreal vsqrt(vreal a) { return _mm256_sqrt_pd(a); }
NF_INLINE vuint vmul32(vuint a, vuint b) { return (vuint)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#elif NFI_REAL == 32
NF_INLINE vreal vsplat(real s) { return (vreal){ s, s, s, s }; }
#if defined(__ARM_NEON) && defined(__aarch64__)
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return (vreal)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#elif defined(__FMA__)
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm_fmadd_ps(a, b, c); }
#else
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return a * b + c; }
#endif
#if defined(__SSE2__)
NF_INLINE vreal vsqrt(vreal a) { return _mm_sqrt_ps(a); }
#else
NF_INLINE vreal vsqrt(vreal a)
{
    return (vreal){ __builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3]) };
}
#endif
#else
NF_INLINE vreal vsplat(real s) { return (vreal){ s, s }; }
#if defined(__ARM_NEON) && defined(__aarch64__)
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return (vreal)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#elif defined(__FMA__)
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return _mm_fmadd_pd(a, b, c); }
#else
NF_INLINE vreal NF_FMA(vreal a, vreal b, vreal c) { return a * b + c; }
#endif
#if defined(__SSE2__)
NF_INLINE vreal vsqrt(vreal a) { return _mm_sqrt_pd(a); }
NF_INLINE vuint vmul32(vuint a, vuint b) { return (vuint)_mm_mul_epu32((__m128i)a, (__m128i)b); }
#else
NF_INLINE vreal vsqrt(vreal a) { return (vreal){ __builtin_sqrt(a[0]), __builtin_sqrt(a[1]) }; }
NF_INLINE vuint vmul32(vuint a, vuint b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
#endif
#endif

#endif
