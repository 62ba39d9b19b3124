/* SPDX-License-Identifier: MIT
 *
 * kernels_isa.h - names of what each object of kernels_isa.c exports (hidden)
 */
#ifndef NFI_MATH_KERNELS_ISA_H
#define NFI_MATH_KERNELS_ISA_H

#include "math/kernels.h"

/* read: loads every byte once with the widest vectors; the sum keeps the loads alive.
 * peak: `count` rounds of an FMA loop; returns the operations done. sink keeps the result alive. */
#define NFI_DECLARE_KERNELS(isa)                                                                                       \
    extern const nfi_kernels nfi_kernels_##isa##_f32, nfi_kernels_##isa##_f64;                                         \
    extern const nfi_kernels nfi_kernels_cblas_##isa##_f32, nfi_kernels_cblas_##isa##_f64;                             \
    void nfi_kernel_normal_##isa(uint64_t seed, uint32_t stream, uint64_t first, int64_t n, double *out);              \
    double nfi_kernel_peak_##isa##_f32(int64_t count, double *sink);                                                   \
    double nfi_kernel_peak_##isa##_f64(int64_t count, double *sink);                                                   \
    double nfi_kernel_read_##isa(const void *block, int64_t bytes);

NFI_DECLARE_KERNELS(baseline)
#if defined(__x86_64__) || defined(__i386__)
#define NFI_X86 1
NFI_DECLARE_KERNELS(avx2)
NFI_DECLARE_KERNELS(avx512)
#elif defined(__aarch64__)
#define NFI_ARM64 1
NFI_DECLARE_KERNELS(neon)
#endif

/* kernels_cblas.c */
int64_t nfi_cblas_packed_count(int64_t k, int64_t m);
#define NFI_DECLARE_CBLAS(suffix)                                                                                      \
    void nfi_cblas_pack_##suffix(int64_t k, int64_t m, const void *w, const void *bias, const void *scale,             \
                                 void *packed, void *turned);                                                          \
    void nfi_cblas_gemm_##suffix(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *packed,      \
                                 void *y, int64_t ldy, const nfi_epilogue *epilogue);                                  \
    void nfi_cblas_gemm_tn_##suffix(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *dy,       \
                                    int64_t ldy, void *dw, const nfi_stairs *stairs);
NFI_DECLARE_CBLAS(f32)
NFI_DECLARE_CBLAS(f64)

#endif
