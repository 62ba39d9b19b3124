/* SPDX-License-Identifier: MIT
 *
 * gamma.h - half steps of the log-gamma function, as Student's t needs them
 *
 *   nfi_lgamma_step(x) = log Gamma(x + 1/2) - log Gamma(x),   nfi_digamma_step(x) = psi(x + 1/2) - psi(x),   x > 0
 *
 * The difference itself, not two large numbers subtracted: at x = 1e8 these would leave 7 digits. Relative error below 1e-14, or that
 * absolute where the value is small.
 */
#ifndef NFI_MATH_GAMMA_H
#define NFI_MATH_GAMMA_H

double nfi_lgamma_step(double x);
double nfi_digamma_step(double x);

#endif
