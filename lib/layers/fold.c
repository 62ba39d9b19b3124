/* SPDX-License-Identifier: MIT
 *
 * fold.c - a + m tanh(a) = y, and m > -1
 *
 *   m = softplus(s + c) - 1,   c = log(e - 1),   dm/ds = sigmoid(s + c)
 * c makes m(0) = 0. m loses no digits at small s as log1p((1 - 1/e) expm1(s)), and p = 1 + m none at large negative s as softplus(s + c);
 * at s = 0 they are 0 and 1 to the last bit.
 *
 * a lies within |m| of y: Newton's steps, and a bisection whenever one would leave the interval that is known to hold the solution.
 *
 * Check value: s = 0.88: m = 0.6375597907; a + m tanh(a) = 1 at tanh(a) = 0.5648248945
 */
#include "layers/fold.h"

#include "math/functions.h"

#define FOLD_SHARE 0.63212055882855767840 /* 1 - 1/e */
#define FOLD_STEPS 100 /* a bisection halves |m| to nothing in fewer */
#define FOLD_DONE 0x1p-52 /* relative to a, or to 1 */

nfi_fold nfi_fold_at(double s)
{
    const double p = nfi_softplus(s + NFI_FOLD_C), m = s < 1.0 ? nfi_log1p(FOLD_SHARE * nfi_expm1(s)) : p - 1.0;
    return (nfi_fold){ .m = m, .p = s < -1.0 ? p : 1.0 + m, .slope = nfi_sigmoid(s + NFI_FOLD_C) };
}

double nfi_fold_solve(const nfi_fold *fold, double y)
{
    const double reach = fold->m < 0.0 ? -fold->m : fold->m;
    double low = y - reach, high = y + reach, a = y;

    for (int k = 0; k < FOLD_STEPS; k++) {
        const double t = nfi_tanh(a), f = a + fold->m * t - y;
        if (f > 0.0) high = a;
        else low = a;
        double next = a - f / nfi_fold_slope(fold, t);
        if (!(next >= low && next <= high)) next = 0.5 * (low + high);
        const double step = next > a ? next - a : a - next, size = next < 0.0 ? -next : next;
        a = next;
        if (!(step > FOLD_DONE * (size > 1.0 ? size : 1.0))) break;
    }
    return nfi_tanh(a);
}
