/* SPDX-License-Identifier: MIT
 *
 * linalg.h - small dense algebra in double: LU with partial pivoting
 */
#ifndef NFI_MATH_LINALG_H
#define NFI_MATH_LINALG_H
#include <stdint.h>

/* P A = L U in place: a[n][ld] gets U, and below the diagonal L (unit diagonal). pivots[i]: the row swapped with row i.
 * Returns the sign of the determinant, or 0 when a pivot is exactly zero or not a number: then a is not usable. */
int32_t nfi_lu_factor(int64_t n, double *a, int64_t ld, int64_t *pivots);
/* After a 0: the first pivot that is zero or not a number; n if there is none. */
int64_t nfi_lu_bad_pivot(int64_t n, const double *a, int64_t ld);
/* order[i]: the row of A that row i of the factors belongs to */
void nfi_lu_order(int64_t n, const int64_t *pivots, int64_t *order);
/* x := A^-1 x, or A^-T x, from the factors */
void nfi_lu_solve(int64_t n, const double *lu, int64_t ld, const int64_t *pivots, double *x);
void nfi_lu_solve_transposed(int64_t n, const double *lu, int64_t ld, const int64_t *pivots, double *x);
double nfi_lu_log_det(int64_t n, const double *lu, int64_t ld); /* log|det A| = sum of log|u_ii|, in order */

#endif
