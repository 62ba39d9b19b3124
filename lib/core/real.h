/* SPDX-License-Identifier: MIT
 *
 * real.h - one source, two precisions
 *
 * Numerical sources are written in terms of `real` and compiled twice, with -DNFI_REAL=32 and -DNFI_REAL=64.
 * NFI_NAME(f) is f_f32 or f_f64. What must exist once stands in one block guarded by NFI_ONCE.
 */
#ifndef NFI_CORE_REAL_H
#define NFI_CORE_REAL_H

#ifndef NFI_REAL
#define NFI_REAL 64 /* editors and linters that compile a file alone */
#endif
#define NFI_PASTE_(a, b) a##b
#define NFI_PASTE(a, b) NFI_PASTE_(a, b)
#if NFI_REAL == 32
typedef float real;
#define NFI_NAME(f) NFI_PASTE(f, _f32)
#define NFI_DTYPE NF_F32
#else
typedef double real;
#define NFI_NAME(f) NFI_PASTE(f, _f64)
#define NFI_DTYPE NF_F64
#endif
#define NFI_ONCE (NFI_REAL == 64)

#endif
