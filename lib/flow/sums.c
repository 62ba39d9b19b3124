/* SPDX-License-Identifier: MIT
 *
 * sums.c - loops over a stretch of the flat block, in either precision
 */
#include "core/real.h"
#include "flow/sums.h"
#include <math.h>

#define SUMS_LANES 16

double NFI_NAME(nfi_sum_squares)(int64_t n, const void *x)
{
    const real *restrict a = x;
    double lane[SUMS_LANES] = { 0 };
    double sum = 0;
    int64_t i = 0;

    for (; i + SUMS_LANES <= n; i += SUMS_LANES)
        for (int64_t j = 0; j < SUMS_LANES; j++) lane[j] += (double)a[i + j] * (double)a[i + j];
    for (int64_t j = 0; i + j < n; j++) lane[j] += (double)a[i + j] * (double)a[i + j];
    for (int64_t j = 0; j < SUMS_LANES; j++) sum += lane[j];
    return sum;
}

void NFI_NAME(nfi_blend)(int64_t n, double rate, const void *x, void *a)
{
    const real *restrict from = x;
    real *restrict to = a;
    const real r = (real)rate;

    for (int64_t i = 0; i < n; i++) to[i] += r * (from[i] - to[i]);
}

void NFI_NAME(nfi_add_scaled)(int64_t n, double factor, const void *x, void *a)
{
    const real *restrict from = x;
    real *restrict to = a;
    const real f = (real)factor;

    for (int64_t i = 0; i < n; i++) to[i] += f * from[i];
}

int64_t NFI_NAME(nfi_find_nonfinite)(int64_t n, const void *x)
{
    const real *a = x;

    for (int64_t i = 0; i < n; i++)
        if (!isfinite(a[i])) return i;
    return -1;
}
