/* SPDX-License-Identifier: MIT
 *
 * fold.c - a + m tanh(a) = y, and m > -1
 *
 *   m = softplus(s + c) - 1,   c = log(e - 1),   dm/ds = sigmoid(s + c)
 * c makes m(0) = 0. m loses no digits at small s as log1p((1 - 1/e) expm1(s)), and p = 1 + m none at large negative s as softplus(s + c);
 * at s = 0 they are 0 and 1 to the last bit.
 *
 * a lies within |m| of y: Newton's steps, and a bisection whenever one would leave the interval that is known to hold the solution, or is
 * not clearly shorter than the one before (with m of 5 and more they would circle).
 *
 * Check value: s = 0.88: m = 0.6375597907; a + m tanh(a) = 1 at tanh(a) = 0.5648248945
 */
#include "layers/fold.h"

#include "math/functions.h"

#define FOLD_SHARE 0.63212055882855767840 /* 1 - 1/e */
#define FOLD_STEPS 250 /* a guard: the most that were seen are 64, next to the fold */
#define FOLD_SHRINK 0.75 /* where the slope vanishes, Newton's steps shrink by 2/3; where they circle, not at all */
#define FOLD_DONE 0x1p-52 /* relative to a, or to 1 */

nfi_fold nfi_fold_at(double s)
{
    const double p = nfi_softplus(s + NFI_FOLD_C), m = s < 1.0 ? nfi_log1p(FOLD_SHARE * nfi_expm1(s)) : p - 1.0;
    return (nfi_fold){ .m = m, .p = s < -1.0 ? p : 1.0 + m, .slope = nfi_sigmoid(s + NFI_FOLD_C) };
}

/* One step of one row, t = tanh(a); `last` is the length of the step before, and of this one then; 0: it has arrived. */
static void fold_step(const nfi_fold *fold, double y, double t, double *a, double *low, double *high, double *last)
{
    const double f = *a + fold->m * t - y, newton = -f / nfi_fold_slope(fold, t), at = *a;
    if (f > 0.0) *high = at;
    else *low = at;
    *a = at + newton;
    if (!(*a >= *low && *a <= *high && newton <= FOLD_SHRINK * *last && newton >= -FOLD_SHRINK * *last)) *a = 0.5 * (*low + *high);
    const double step = *a > at ? *a - at : at - *a, size = *a < 0.0 ? -*a : *a;
    *last = step > FOLD_DONE * (size > 1.0 ? size : 1.0) ? step : 0.0;
}

/* Rows step together, for the sake of tanh; a row that has arrived stays where it is. */
void nfi_fold_solve(const nfi_kernels *f64, const nfi_fold *fold, int64_t n, const double *y, double *t, double *work)
{
    const double reach = fold->m < 0.0 ? -fold->m : fold->m;
    double *a = work, *low = a + n, *high = low + n, *to = high + n, *last = to + n;
    int64_t left = n;

    for (int64_t i = 0; i < n; i++) a[i] = to[i] = y[i], low[i] = y[i] - reach, high[i] = y[i] + reach, last[i] = 2.0 * reach;
    for (int k = 0; k < FOLD_STEPS && left > 0; k++) {
        f64->tanh(n, a, t);
        left = 0;
        for (int64_t i = 0; i < n; i++) {
            if (last[i] > 0.0) fold_step(fold, to[i], t[i], &a[i], &low[i], &high[i], &last[i]);
            left += last[i] > 0.0;
        }
    }
    f64->tanh(n, a, t);
}
