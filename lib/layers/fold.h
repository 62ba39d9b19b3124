/* SPDX-License-Identifier: MIT
 *
 * fold.h - a + m tanh(a) with m > -1, which increases in a: the one equation that planar and sylvester solve, and how m stays above -1
 */
#ifndef NFI_LAYERS_FOLD_H
#define NFI_LAYERS_FOLD_H

typedef struct nfi_fold {
    double m, p;  /* p = 1 + m, positive */
    double slope; /* dm/ds */
} nfi_fold;

#define NFI_FOLD_C 0.54132485461291805737 /* log(e - 1) */

/* m = softplus(s + NFI_FOLD_C) - 1 of any s: m(0) = 0. */
nfi_fold nfi_fold_at(double s);

/* d(a + m tanh(a))/da at t = tanh(a); both terms are positive. */
static inline double nfi_fold_slope(const nfi_fold *fold, double t) { return t * t + (1.0 - t * t) * fold->p; }

/* tanh(a) of the a that a + m tanh(a) = y. Of y that is NaN or infinite: NaN or an end. */
double nfi_fold_solve(const nfi_fold *fold, double y);

#endif
