/* SPDX-License-Identifier: MIT
 *
 * rows.h - moving rows between the caller's arrays and the chain's, in either precision
 */
#ifndef NFI_FLOW_ROWS_H
#define NFI_FLOW_ROWS_H

#include <stdint.h>

/* Copies rows src [n][dim] to dst. A row with NaN or Inf becomes all 1 and bad[i] = 1: whole, positive and
 * in (0, 1], so inside the domain of every layer. */
void nfi_rows_load(int32_t dtype, int64_t n, int64_t dim, const void *src, void *dst, uint8_t *bad);
/* Overwrites the rows marked bad with NaN. */
void nfi_rows_spoil(int32_t dtype, int64_t n, int64_t dim, void *x, const uint8_t *bad);
/* Marks rows that hold NaN or Inf. */
void nfi_rows_mark(int32_t dtype, int64_t n, int64_t dim, const void *x, uint8_t *bad);
/* key[i] = hash of the bits of row i (and of its cond): keys of random numbers where no row number is known. */
void nfi_rows_hash(int64_t n, int64_t bytes_x, const void *x, int64_t bytes_cond, const void *cond, uint64_t *key);
/* Copies `bytes` of each of n rows between arrays of row lengths ld (bytes). Ranges do not overlap. */
void nfi_rows_copy(int64_t n, int64_t bytes, const void *src, int64_t ld_src, void *dst, int64_t ld_dst);
/* dst = (other precision) src */
void nfi_rows_convert(int32_t dtype, int64_t count, const void *src, void *dst);
/* A log density as calls return it: -inf (outside the support) stays, what else is not finite is NaN. */
static inline double nfi_rows_value(double log_prob)
{
    if (log_prob == -(double)__builtin_inff() || log_prob - log_prob == 0.0) return log_prob;
    return (double)__builtin_nanf("");
}
void nfi_fill_nan(int32_t dtype, int64_t count, void *x);
int64_t nfi_first_nonfinite(int32_t dtype, int64_t count, const void *x); /* -1: none */

#endif
