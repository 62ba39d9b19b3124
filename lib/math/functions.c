/* SPDX-License-Identifier: MIT
 *
 * functions.c - scalar functions in double
 *
 * Multiplications and additions only, never contracted: the same bits on every machine. Methods and constants:
 * exp, expm1: reduction by ln 2 in two parts (fdlibm), Taylor series of e^r - 1 through r^13 on |r| <= ln2/2;
 * log, log1p: fdlibm e_log.c, s_log1p.c; sin, cos: fdlibm e_rem_pio2.c (three parts of pi/2, 33 bits each), k_sin.c,
 * k_cos.c. Errors against long double: tests/math/math_test.c.
 */
#include "math/functions.h"
#include "math/kernels.h"
#include <nflow/nflow.h>

#include <string.h>

#define LN2_HI 6.93147180369123816490e-01
#define LN2_LO 1.90821492927058770002e-10
#define LOG2E 1.44269504088896338700
#define MAGIC 6755399441055744.0 /* 1.5 2^52: x + MAGIC - MAGIC rounds to an integer */

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
static double of_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}
static double pow2(int64_t n) { return of_bits((uint64_t)(n + 1023) << 52); } /* -1022 <= n <= 1023 */
static double with_sign(double magnitude, double x)
{
    return of_bits((bits_of(magnitude) & ~((uint64_t)1 << 63)) | (bits_of(x) & (uint64_t)1 << 63));
}
static double absolute(double x) { return of_bits(bits_of(x) & ~((uint64_t)1 << 63)); }

/* e^r - 1 of x = n ln 2 + r, |x| <= 746 */
static double exp_reduce(double x, int64_t *n)
{
    const double k = x * LOG2E + MAGIC - MAGIC;
    const double hi = x - k * LN2_HI, lo = k * LN2_LO;
    const double r = hi - lo;
    const double tail = (hi - r) - lo; /* what r lost */
    double q = 1.0 / 6227020800;       /* 1/j! */
    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    *n = (int64_t)k;
    return (r * r * q + tail) + r;
}

double nfi_exp(double x)
{
    if (x != x) return x;
    if (x > 710) return __builtin_inf();
    if (x < -746) return 0;
    int64_t n;
    const double e = exp_reduce(x, &n);
    const int64_t half = (n + 4096) / 2 - 2048;
    return (1 + e) * pow2(half) * pow2(n - half);
}

double nfi_expm1(double x)
{
    if (x != x || x == 0) return x;
    if (x > 50) return nfi_exp(x);
    if (x < -50) return -1;
    int64_t n;
    const double e = exp_reduce(x, &n);
    if (n == 0) return e;
    const double s = pow2(n);
    return s * e + (s - 1);
}

/* k ln 2 + log(1 + f) + c */
static double log_core(double k, double f, double c)
{
    const double s = f / (2 + f), z = s * s;
    double r = z * 1.479819860511658591e-01 + 1.531383769920937332e-01;
    r = z * r + 1.818357216161805012e-01;
    r = z * r + 2.222219843214978396e-01;
    r = z * r + 2.857142874366239149e-01;
    r = z * r + 3.999999999940941908e-01;
    r = z * r + 6.666666666666735130e-01;
    r *= z;
    const double h = 0.5 * f * f;
    return k * LN2_HI - ((h - (s * (h + r) + (k * LN2_LO + c))) - f);
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); x positive and normal */
static double log_split(double x, double *f)
{
    const uint64_t u = bits_of(x) + (0x3ff0000000000000u - 0x3fe6a09e00000000u);
    *f = of_bits((u & 0xfffffffffffffu) + 0x3fe6a09e00000000u) - 1;
    return (double)((int64_t)(u >> 52) - 1023);
}

double nfi_log(double x)
{
    if (x != x) return x;
    if (x == 0) return -__builtin_inf();
    if (x < 0) return __builtin_nan("");
    if (x > 1.7976931348623157e308) return x;
    double f, shift = 0;
    if (x < 2.2250738585072014e-308) {
        x *= 0x1p54;
        shift = 54;
    }
    const double k = log_split(x, &f);
    return log_core(k - shift, f, 0);
}

double nfi_log1p(double x)
{
    if (x != x || x == 0) return x;
    if (x == -1) return -__builtin_inf();
    if (x < -1) return __builtin_nan("");
    if (x > 0x1p60) return nfi_log(x);
    if (absolute(x) < 0x1p-54) return x;
    if (x > -0.29 && x < 0.41) return log_core(0, x, 0);
    const double u = 1 + x;
    const double lost = x >= 1 ? 1 - (u - x) : x - (u - 1);
    double f;
    const double k = log_split(u, &f);
    return log_core(k, f, lost / u);
}

double nfi_tanh(double x)
{
    if (x != x || x == 0) return x;
    const double a = absolute(x);
    if (a > 22) return with_sign(1, x);
    const double m = nfi_expm1(a + a);
    return with_sign(m / (m + 2), x);
}

double nfi_sigmoid(double x)
{
    const double z = nfi_exp(-absolute(x));
    return (x < 0 ? z : 1) / (1 + z);
}

double nfi_softplus(double x)
{
    if (x != x) return x;
    return (x > 0 ? x : 0) + nfi_log1p(nfi_exp(-absolute(x)));
}

double nfi_log_sigmoid(double x) { return -nfi_softplus(-x); }

/* x = q pi/2 + (*hi + *lo), |hi| <= pi/4; returns q mod 4 */
static int reduce_quarter(double x, double *hi, double *lo)
{
    if (absolute(x) < 0.78539816339744830962) {
        *hi = x;
        *lo = 0;
        return 0;
    }
    const double k = x * 6.36619772367581382433e-01 + MAGIC - MAGIC;
    /* pi/2 = P1 + P2 + P3 + P3T; k P1, k P2 and k P3 are exact */
    const double t = x - k * 1.57079632673412561417e+00;
    const double w2 = k * 6.07710050630396597660e-11;
    const double r = t - w2;
    double c = (t - r) - w2;
    const double w3 = k * 2.02226624871116645580e-21;
    const double r3 = r - w3;
    c += (r - r3) - w3;
    c -= k * 8.47842766036889956997e-32;
    *hi = r3 + c;
    *lo = (r3 - *hi) + c;
    return (int)((int64_t)k & 3);
}

static double sin_kernel(double x, double y)
{
    const double z = x * x, v = z * x;
    double r = z * 1.58969099521155010221e-10 + -2.50507602534068634195e-08;
    r = z * r + 2.75573137070700676789e-06;
    r = z * r + -1.98412698298579493134e-04;
    r = z * r + 8.33333333332248946124e-03;
    return x - ((z * (0.5 * y - v * r) - y) - v * -1.66666666666666324348e-01);
}
static double cos_kernel(double x, double y)
{
    const double z = x * x;
    double r = z * -1.13596475577881948265e-11 + 2.08757232129817482790e-09;
    r = z * r + -2.75573143513906633035e-07;
    r = z * r + 2.48015872894767294178e-05;
    r = z * r + -1.38888888888741095749e-03;
    r = z * r + 4.16666666666666019037e-02;
    const double h = 0.5 * z, w = 1 - h;
    return w + (((1 - w) - h) + (z * (z * r) - x * y));
}

static double sine(double x, int quarter)
{
    if (!(absolute(x) < 0x1p50)) return __builtin_nan(""); /* infinities, NaN, and where k would not be exact at all */
    double hi, lo;
    quarter = (quarter + reduce_quarter(x, &hi, &lo)) & 3;
    const double y = quarter & 1 ? cos_kernel(hi, lo) : sin_kernel(hi, lo);
    return quarter & 2 ? -y : y;
}
double nfi_sin(double x) { return x == 0 ? x : sine(x, 0); }
double nfi_cos(double x) { return sine(x, 1); }

double nfi_sqrt(double x) { return __builtin_sqrt(x); }
double nfi_floor(double x)
{
    if (!(absolute(x) < 0x1p52)) return x;
    const double t = (double)(int64_t)x;
    return with_sign(t > x ? t - 1 : t, x);
}
double nfi_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

double nfi_normal(uint64_t seed, uint32_t stream, uint64_t index)
{
    double x;
    nfi_kernels_isa(nfi_best_isa(), NF_F64)->normal(seed, stream, index, 1, &x);
    return x;
}
