/* SPDX-License-Identifier: MIT
 *
 * sums.h - loops over a stretch of the flat block, in either precision
 */
#ifndef NFI_FLOW_SUMS_H
#define NFI_FLOW_SUMS_H
#include <nflow/config.h>
#include <stdint.h>

/* Sum of squares in double: 16 fixed lanes, added in a fixed order. */
double nfi_sum_squares_f32(int64_t n, const void *x);
double nfi_sum_squares_f64(int64_t n, const void *x);
/* a += rate (x - a) */
void nfi_blend_f32(int64_t n, double rate, const void *x, void *a);
void nfi_blend_f64(int64_t n, double rate, const void *x, void *a);
/* a += factor x */
void nfi_add_scaled_f32(int64_t n, double factor, const void *x, void *a);
void nfi_add_scaled_f64(int64_t n, double factor, const void *x, void *a);
static inline void nfi_add_scaled(int32_t dtype, int64_t n, double factor, const void *x, void *a)
{
    (dtype == NF_F32 ? nfi_add_scaled_f32 : nfi_add_scaled_f64)(n, factor, x, a);
}
/* First element that is not finite, -1: none. */
int64_t nfi_find_nonfinite_f32(int64_t n, const void *x);
int64_t nfi_find_nonfinite_f64(int64_t n, const void *x);

#endif
