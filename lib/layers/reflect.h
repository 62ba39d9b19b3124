/* SPDX-License-Identifier: MIT
 *
 * reflect.h - products of reflections H_k ... H_1, H_r = I - s_r v_r v_r^T, s_r = 2 / |v_r|^2, applied to rows in double
 *
 * Compiled per precision, that of v. What householder and sylvester share.
 */
#ifndef NFI_LAYERS_REFLECT_H
#define NFI_LAYERS_REFLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/real.h"

#define nfi_reflect_scales NFI_NAME(nfi_reflect_scales_of)
#define nfi_reflect_rows NFI_NAME(nfi_reflect_rows_of)
#define nfi_reflect_back NFI_NAME(nfi_reflect_back_of)

typedef struct nfi_reflections {
    int64_t dim, k;
    const real *v;   /* [k][dim] */
    const double *s; /* [k] of nfi_reflect_scales */
} nfi_reflections;

/* s [k]; 0 where v_r is 0: no reflection */
void nfi_reflect_scales(int64_t dim, int64_t k, const real *v, double *s);

/* y [n][dim] becomes H_k ... H_1 y of each row; inverse: H_1 ... H_k y */
void nfi_reflect_rows(const nfi_reflections *h, bool inverse, int64_t n, double *y);

/* The way back: y [n][dim] holds what nfi_reflect_rows left and becomes what it was given, g likewise dL/dy. grad [k][dim] += dL/dv, NULL:
 * not wanted; sum [dim] is working memory. */
void nfi_reflect_back(const nfi_reflections *h, bool inverse, int64_t n, double *y, double *g, double *sum, real *grad);

#endif
