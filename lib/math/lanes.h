/* SPDX-License-Identifier: MIT
 *
 * lanes.h - sums over the columns of a row, in double
 *
 * Term j goes to lane j mod 8 and the lanes are added in one order: the same bits whichever vectors the compiler makes of them, and
 * wherever the arrays lie. Compiled per precision: `real` arrays beside double ones.
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
    double s[NFI_LANES] = { 0.0 };
    int64_t j = 0;
    for (; j + NFI_LANES <= n; j += NFI_LANES)
        for (int l = 0; l < NFI_LANES; l++) s[l] += (double)a[j + l] * b[j + l];
    for (int l = 0; j + l < n; l++) s[l] += (double)a[j + l] * b[j + l];
    return nfi_lanes_sum(s);
}

/* The same of two rows in double. */
static inline double nfi_dot_wide(int64_t n, const double *a, const double *b)
{
    double s[NFI_LANES] = { 0.0 };
    int64_t j = 0;
    for (; j + NFI_LANES <= n; j += NFI_LANES)
        for (int l = 0; l < NFI_LANES; l++) s[l] += a[j + l] * b[j + l];
    for (int l = 0; j + l < n; l++) s[l] += a[j + l] * b[j + l];
    return nfi_lanes_sum(s);
}

#endif
