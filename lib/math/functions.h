/* SPDX-License-Identifier: MIT
 *
 * functions.h - scalar functions in double, and stable forms; no libm, so the same bits everywhere
 *
 * Accurate to about 2 ulp; NaN, infinities, signed zeros and denormals as IEEE 754 functions treat them.
 */
#ifndef NFI_MATH_FUNCTIONS_H
#define NFI_MATH_FUNCTIONS_H
#include <stdint.h>

double nfi_exp(double x);
double nfi_expm1(double x);
double nfi_log(double x);
double nfi_log1p(double x);
double nfi_tanh(double x);
double nfi_sigmoid(double x);
double nfi_softplus(double x);      /* log(1 + e^x) = max(x, 0) + log1p(exp(-|x|)) */
double nfi_log_sigmoid(double x);   /* -softplus(-x) */
double nfi_sin(double x);           /* |x| <= 1e5 at full accuracy */
double nfi_cos(double x);
double nfi_sqrt(double x);
double nfi_floor(double x);
double nfi_fma(double a, double b, double c);

/* Whole arrays, best instruction set of the machine given by `kernels->f64`: see kernels.h. */
#define NFI_LOG_2PI 1.8378770664093454836 /* log(2 pi) */
#define NFI_LOG_2 0.69314718055994530942
#define NFI_PI 3.14159265358979323846

/* Normal number `index` of (seed, stream): Box-Muller on Philox block index/2 with u1 = ((w0 | w1 << 32) >> 11) + .5)
 * 2^-53 and u2 likewise of w2, w3: r = sqrt(-2 log u1); even index r cos(2 pi u2), odd index r sin(2 pi u2).
 * The same bits as kernels->normal. */
double nfi_normal(uint64_t seed, uint32_t stream, uint64_t index);

#endif
