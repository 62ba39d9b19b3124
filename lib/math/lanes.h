/* SPDX-License-Identifier: MIT
 *
 * lanes.h - sums over the columns of a row, in double
 *
 * Of every eight terms one goes to each of eight lanes; the lanes, and what is left over, are added in one order: the same bits whichever
 * vectors the compiler makes of them, and wherever the arrays lie. Compiled per precision: `real` arrays beside double ones.
 */
#ifndef NFI_MATH_LANES_H
#define NFI_MATH_LANES_H
#include "core/real.h"
#include <stdint.h>

#define NFI_LANES 8

static inline double nfi_lanes_sum(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* sum_j a_j b_j */
static inline double nfi_dot(int64_t n, const real *a, const double *b)
{
    double s[NFI_LANES] = { 0.0 }, rest = 0.0;
    const int64_t whole = n - n % NFI_LANES;
    for (int64_t j = whole; j < n; j++) rest += (double)a[j] * b[j];
    if (whole == 0) return rest;
    for (int64_t j = 0; j < whole; j += NFI_LANES)
        for (int l = 0; l < NFI_LANES; l++) s[l] += (double)a[j + l] * b[j + l];
    return nfi_lanes_sum(s) + rest;
}

/* The same of two rows in double. */
static inline double nfi_dot_wide(int64_t n, const double *a, const double *b)
{
    double s[NFI_LANES] = { 0.0 }, rest = 0.0;
    const int64_t whole = n - n % NFI_LANES;
    for (int64_t j = whole; j < n; j++) rest += a[j] * b[j];
    if (whole == 0) return rest;
    for (int64_t j = 0; j < whole; j += NFI_LANES)
        for (int l = 0; l < NFI_LANES; l++) s[l] += a[j + l] * b[j + l];
    return nfi_lanes_sum(s) + rest;
}

#endif
