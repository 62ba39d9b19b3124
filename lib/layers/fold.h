/* SPDX-License-Identifier: MIT
 *
 * fold.h - a + m tanh(a) with m > -1, which increases in a: the one equation that planar and sylvester solve, and how m stays above -1
 */
#ifndef NFI_LAYERS_FOLD_H
#define NFI_LAYERS_FOLD_H

#include "math/kernels.h"

typedef struct nfi_fold {
    double m, p;  /* p = 1 + m, positive */
    double slope; /* dm/ds */
} nfi_fold;

#define NFI_FOLD_C 0.54132485461291805737 /* log(e - 1) */

/* m = softplus(s + NFI_FOLD_C) - 1 of any s: m(0) = 0. */
nfi_fold nfi_fold_at(double s);

/* d(a + m tanh(a))/da at t = tanh(a); both terms are positive. */
static inline double nfi_fold_slope(const nfi_fold *fold, double t) { return t * t + (1.0 - t * t) * fold->p; }

/* t[i] = tanh(a) of the a that a + m tanh(a) = y[i], for n rows, each as if it were alone; t may be y. Of y that is NaN or infinite: NaN or an
 * end. work [NFI_FOLD_WORK n]; f64 are the kernels in double. */
#define NFI_FOLD_WORK 5
void nfi_fold_solve(const nfi_kernels *f64, const nfi_fold *fold, int64_t n, const double *y, double *t, double *work);

#endif
