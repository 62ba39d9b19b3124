/* SPDX-License-Identifier: MIT
 *
 * scale.c - the forms of the coupling's log-scale, s(u) and ds/du, always in double
 *
 * Check values at u = 0.7, m = 3 (s, ds/du), SIGMA(x) = 1 / (1 + e^-x):
 *   tanh         0.6875669896, 0.9474724039     safe       -0.1814093097, 0.1329064252
 *   asymmetric   0.2944104244, 0.0369166890     sigmoid    -0.0650435618, 0.0629733561
 *   sigmoid_eps -0.0639769253, 0.0629062222     softplus    0.0991084562, 0.6051405674
 *   softclip     0.5675675676, 0.6574141709     exp         0.7, 1
 *   softplus_eps as softplus, which differs above u = 2.95
 * Refs: tanh, exp: arXiv:1605.08803; sigmoid: arXiv:1807.03039; additive: arXiv:1410.8516.
 */
#include "layers/scale.h"

#include <math.h>
#include <stddef.h>

#define SCALE_SHIFT 2.0      /* sigmoid forms start near exp(s) = 0.88: Glow */
#define SCALE_FLOOR 1e-3     /* added to exp(s): nflows */
#define SCALE_CEILING 3.0    /* of exp(s), softplus: nflows */
#define SCALE_ASYMMETRY 10.0 /* shrinking may be this many times stronger than growing */

/* s = m tanh(u / m),   ds/du = 1 - (s / m)^2 */
static void scale_tanh_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    for (int64_t i = 0; i < n; i++) s[i] = u[i] / m;
    f64->tanh(n, s, s);
    for (int64_t i = 0; i < n; i++) s[i] *= m;
}

static void scale_tanh_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s, double *d)
{
    (void)f64, (void)u;
    for (int64_t i = 0; i < n; i++) d[i] = (1.0 - s[i] / m) * (1.0 + s[i] / m);
}

/* As tanh, with m / 10 in place of m for u > 0 */
static double scale_side(double m, double u) { return u > 0.0 ? m / SCALE_ASYMMETRY : m; }

static void scale_asymmetric_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    for (int64_t i = 0; i < n; i++) s[i] = u[i] / scale_side(m, u[i]);
    f64->tanh(n, s, s);
    for (int64_t i = 0; i < n; i++) s[i] *= scale_side(m, u[i]);
}

static void scale_asymmetric_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                   double *d)
{
    (void)f64;
    for (int64_t i = 0; i < n; i++) {
        const double r = s[i] / scale_side(m, u[i]);
        d[i] = (1.0 - r) * (1.0 + r);
    }
}

/* exp(s) = 1/2 + p / 2, p = SIGMA(u),   ds/du = p (1 - p) / (1 + p) */
static void scale_safe_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)m;
    f64->sigmoid(n, u, s);
    for (int64_t i = 0; i < n; i++) s[i] = 0.5 + 0.5 * s[i];
    f64->log(n, s, s);
}

static void scale_safe_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s, double *d)
{
    (void)m, (void)s;
    f64->sigmoid(n, u, d);
    for (int64_t i = 0; i < n; i++) d[i] = d[i] * (1.0 - d[i]) / (1.0 + d[i]);
}

/* s = log SIGMA(u + 2) = -softplus(-(u + 2)),   ds/du = SIGMA(-(u + 2)) */
static void scale_sigmoid_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)m;
    for (int64_t i = 0; i < n; i++) s[i] = -(u[i] + SCALE_SHIFT);
    f64->softplus(n, s, s);
    for (int64_t i = 0; i < n; i++) s[i] = -s[i];
}

static void scale_sigmoid_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                double *d)
{
    (void)m, (void)s;
    for (int64_t i = 0; i < n; i++) d[i] = -(u[i] + SCALE_SHIFT);
    f64->sigmoid(n, d, d);
}

/* exp(s) = p + 1e-3, p = SIGMA(u + 2),   ds/du = p (1 - p) / (p + 1e-3) */
static void scale_sigmoid_eps_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)m;
    for (int64_t i = 0; i < n; i++) s[i] = u[i] + SCALE_SHIFT;
    f64->sigmoid(n, s, s);
    for (int64_t i = 0; i < n; i++) s[i] += SCALE_FLOOR;
    f64->log(n, s, s);
}

static void scale_sigmoid_eps_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                    double *d)
{
    (void)m, (void)s;
    for (int64_t i = 0; i < n; i++) d[i] = u[i] + SCALE_SHIFT;
    f64->sigmoid(n, d, d);
    for (int64_t i = 0; i < n; i++) d[i] = d[i] * (1.0 - d[i]) / (d[i] + SCALE_FLOOR);
}

/* exp(s) = e = min(softplus(u) + 1e-3, ceiling),   ds/du = SIGMA(u) / e below the ceiling, else 0 */
static void scale_under_value(const nfi_kernels *f64, double ceiling, int64_t n, const double *u, double *s)
{
    f64->softplus(n, u, s);
    for (int64_t i = 0; i < n; i++) {
        const double e = s[i] + SCALE_FLOOR;
        s[i] = e > ceiling ? ceiling : e;
    }
    f64->log(n, s, s);
}

#define SCALE_BLOCK 64 /* elements on the stack: two functions of u are needed at once */

static void scale_under_slope(const nfi_kernels *f64, double ceiling, int64_t n, const double *u, double *d)
{
    double e[SCALE_BLOCK];
    f64->sigmoid(n, u, d);
    for (int64_t first = 0; first < n; first += SCALE_BLOCK) {
        const int64_t count = n - first < SCALE_BLOCK ? n - first : SCALE_BLOCK;
        f64->softplus(count, u + first, e);
        for (int64_t i = 0; i < count; i++) {
            e[i] += SCALE_FLOOR;
            d[first + i] = e[i] > ceiling ? 0.0 : d[first + i] / e[i];
        }
    }
}

static void scale_softplus_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)m;
    scale_under_value(f64, SCALE_CEILING, n, u, s);
}

static void scale_softplus_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                 double *d)
{
    (void)m, (void)s;
    scale_under_slope(f64, SCALE_CEILING, n, u, d);
}

static void scale_softplus_eps_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)m;
    scale_under_value(f64, HUGE_VAL, n, u, s);
}

static void scale_softplus_eps_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                     double *d)
{
    (void)m, (void)s;
    scale_under_slope(f64, HUGE_VAL, n, u, d);
}

/* s = u / q, q = 1 + |u| / m,   ds/du = 1 / q^2 */
static double scale_softclip_q(double m, double u) { return 1.0 + (u < 0.0 ? -u : u) / m; }

static void scale_softclip_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)f64;
    for (int64_t i = 0; i < n; i++) s[i] = u[i] / scale_softclip_q(m, u[i]);
}

static void scale_softclip_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s,
                                 double *d)
{
    (void)f64, (void)s;
    for (int64_t i = 0; i < n; i++) {
        const double q = scale_softclip_q(m, u[i]);
        d[i] = 1.0 / (q * q);
    }
}

/* s = u */
static void scale_exp_value(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s)
{
    (void)f64, (void)m;
    for (int64_t i = 0; i < n; i++) s[i] = u[i];
}

static void scale_exp_slope(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s, double *d)
{
    (void)f64, (void)m, (void)u, (void)s;
    for (int64_t i = 0; i < n; i++) d[i] = 1.0;
}

static const nfi_scale_form scale_forms[] = { /* in the order of NF_SCALE_* */
    { "tanh", 2.0, scale_tanh_value, scale_tanh_slope },
    { "safe", 0.0, scale_safe_value, scale_safe_slope },
    { "asymmetric", 2.0, scale_asymmetric_value, scale_asymmetric_slope },
    { "sigmoid", 0.0, scale_sigmoid_value, scale_sigmoid_slope },
    { "sigmoid_eps", 0.0, scale_sigmoid_eps_value, scale_sigmoid_eps_slope },
    { "softplus", 0.0, scale_softplus_value, scale_softplus_slope },
    { "softclip", 6.9077552789821370521, scale_softclip_value, scale_softclip_slope }, /* ln 1000 */
    { "exp", 0.0, scale_exp_value, scale_exp_slope },
    { "additive", 0.0, NULL, NULL },
    { "softplus_eps", 0.0, scale_softplus_eps_value, scale_softplus_eps_slope },
};

const nfi_scale_form *nfi_scale_form_of(int32_t scale)
{
    const int32_t count = (int32_t)(sizeof scale_forms / sizeof *scale_forms);
    return scale >= 1 && scale <= count ? &scale_forms[scale - 1] : NULL;
}
