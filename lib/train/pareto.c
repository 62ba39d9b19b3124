/* SPDX-License-Identifier: MIT
 *
 * pareto.c - how heavy the tail of importance weights is
 *
 * The M = min(n / 5, 3 sqrt n) largest weights, less the largest of the others, are fitted by a generalised Pareto distribution with
 * P(t > x) = (1 + k x / sigma)^(-1/k), whose moments of order 1 / k and more are infinite: k >= 1/2 is an infinite variance. The fit is the
 * posterior mean of Zhang and Stephens, by a sum over a grid in b = -k / sigma; as in the second reference, it is drawn towards 1/2 by as
 * much as 10 observations.
 *
 * Refs: Zhang, Stephens, "A new and efficient estimation method for the generalized Pareto distribution", Technometrics 51 (2009);
 * Vehtari, Simpson, Gelman, Yao, Gabry, "Pareto smoothed importance sampling", arXiv:1507.02646.
 */
#include "math/functions.h"
#include "train/draws.h"
#include <math.h>

#define PARETO_LEAST 5        /* weights in the tail */
#define PARETO_GRID 30        /* points of the grid, and sqrt(M) more */
#define PARETO_PRIOR_SCALE 3.0
#define PARETO_PRIOR_COUNT 10.0
#define PARETO_PRIOR_K 0.5

/* Heap sort, ascending: in place, and without the C library's order of equal elements. */
static void pareto_sift(double *a, int64_t i, int64_t n)
{
    const double value = a[i];

    for (int64_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
        if (child + 1 < n && a[child + 1] > a[child]) child++;
        if (!(a[child] > value)) break;
        a[i] = a[child];
    }
    a[i] = value;
}

static void pareto_sort(int64_t n, double *a)
{
    for (int64_t i = n / 2 - 1; i >= 0; i--) pareto_sift(a, i, n);
    for (int64_t end = n - 1; end > 0; end--) {
        const double largest = a[0];
        a[0] = a[end];
        a[end] = largest;
        pareto_sift(a, 0, end);
    }
}

/* mean of log(1 - b x): k at this b */
static double pareto_k_at(int64_t m, const double *x, double b)
{
    double sum = 0;

    for (int64_t i = 0; i < m; i++) sum += nfi_log1p(-b * x[i]);
    return sum / (double)m;
}

static double pareto_log_likelihood(int64_t m, const double *x, double b)
{
    const double k = pareto_k_at(m, x, b);

    return (double)m * (nfi_log(-b / k) - k - 1);
}

static double pareto_grid(int64_t j, int64_t points, int64_t m, const double *x)
{
    const double quartile = x[(int64_t)nfi_floor((double)m / 4 + 0.5) - 1];

    return 1 / x[m - 1] + (1 - nfi_sqrt((double)points / ((double)j + 0.5))) / (PARETO_PRIOR_SCALE * quartile);
}

/* Mean of b over the grid, by likelihood. */
static double pareto_mean_b(int64_t m, const double *x)
{
    const int64_t points = PARETO_GRID + (int64_t)nfi_floor(nfi_sqrt((double)m));
    double top = -INFINITY, sum = 0, total = 0;

    for (int64_t j = 0; j < points; j++) {
        const double l = pareto_log_likelihood(m, x, pareto_grid(j, points, m, x));
        if (l > top) top = l;
    }
    for (int64_t j = 0; j < points; j++) {
        const double b = pareto_grid(j, points, m, x), weight = nfi_exp(pareto_log_likelihood(m, x, b) - top);
        if (!(weight > 0)) continue; /* NaN: a point where the likelihood is not defined */
        sum += weight * b;
        total += weight;
    }
    return sum / total;
}

double nfi_pareto_k(int64_t n, double *log_w)
{
    const int64_t m = nfi_min(n / 5, (int64_t)(3 * nfi_sqrt((double)n)));
    double *x = log_w + n - m;

    if (m < PARETO_LEAST) return NAN;
    pareto_sort(n, log_w);
    const double top = log_w[n - 1], cut = nfi_exp(log_w[n - m - 1] - top);
    if (!(top > -INFINITY)) return NAN;
    for (int64_t i = 0; i < m; i++) x[i] = nfi_exp(x[i] - top) - cut;
    if (!(x[m / 4] > 0) || !(x[(int64_t)nfi_floor((double)m / 4 + 0.5) - 1] > 0)) return NAN; /* no spread: equal weights */
    const double k = pareto_k_at(m, x, pareto_mean_b(m, x));
    return ((double)m * k + PARETO_PRIOR_COUNT * PARETO_PRIOR_K) / ((double)m + PARETO_PRIOR_COUNT);
}
