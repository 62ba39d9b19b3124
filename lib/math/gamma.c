/* SPDX-License-Identifier: MIT
 *
 * gamma.c - half steps of the log-gamma function
 *
 * Stirling's series of log Gamma(x + a), in powers of 1/x with Bernoulli polynomials at a (DLMF 5.11.8), at a = 1/2 less at a = 0:
 *
 *   log Gamma(x + 1/2) - log Gamma(x) = log(x)/2 + sum_{n odd} c_n x^-n,   c_n = -(2 - 2^-n) B_{n+1} / (n (n + 1))
 *
 * since B_m(1/2) = -(1 - 2^(1-m)) B_m (DLMF 24.4.27). Seven terms leave less than 1e-16 at x >= 10. Smaller x are brought there by
 * Gamma(x + 1) = x Gamma(x): the factors (x + k + 1/2)/(x + k) are all above 1, so nothing cancels before one logarithm.
 *
 * Check value: Gamma(1)/Gamma(1/2) = pi^(-1/2): nfi_lgamma_step(1/2) = -0.57236494292;  nfi_digamma_step(1/2) = 2 log 2
 * Ref: NIST Digital Library of Mathematical Functions, 5.11, 24.4.
 */
#include "math/gamma.h"

#include "math/functions.h"

#define GAMMA_LARGE 10.0 /* where the series is used */
#define GAMMA_TERMS 7
static const double gamma_series[GAMMA_TERMS] = { -1.0 / 8,       1.0 / 192,        -1.0 / 640,       17.0 / 14336,
                                                  -31.0 / 18432, 691.0 / 180224, -5461.0 / 425984 }; /* c_1, c_3, ... */

double nfi_lgamma_step(double x)
{
    double product = 1.0, sum = 0.0;

    for (; x < GAMMA_LARGE; x += 1.0) product *= (x + 0.5) / x;
    const double inverse = 1.0 / x, square = inverse * inverse;
    for (int n = GAMMA_TERMS - 1; n >= 0; n--) sum = sum * square + gamma_series[n];
    return 0.5 * nfi_log(x) + sum * inverse - nfi_log(product);
}

double nfi_digamma_step(double x)
{
    double shifts = 0.0, sum = 0.0;

    for (; x < GAMMA_LARGE; x += 1.0) shifts += 0.5 / (x * (x + 0.5));
    const double inverse = 1.0 / x, square = inverse * inverse;
    for (int n = GAMMA_TERMS - 1; n >= 0; n--) sum = sum * square - (2 * n + 1) * gamma_series[n];
    return 0.5 * inverse + sum * square + shifts;
}
