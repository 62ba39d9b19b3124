/* SPDX-License-Identifier: MIT
 *
 * reflect.c - products of reflections, and their gradient
 *
 *   H_r = I - s_r v_r v_r^T,   s_r = 2 / |v_r|^2        (0 where |v_r|^2 is 0)
 *
 * In double, so that k of them lose no more than storing a row once.
 */
#include "layers/reflect.h"

#include <string.h>

#include "math/lanes.h"

void nfi_reflect_scales(int64_t dim, int64_t k, const real *v, double *s)
{
    for (int64_t r = 0; r < k; r++, v += dim) {
        double square = 0.0;
        for (int64_t j = 0; j < dim; j++) square += (double)v[j] * (double)v[j];
        s[r] = square == 0.0 ? 0.0 : 2.0 / square; /* NaN stays one */
    }
}

/* y += a v */
static void reflect_add(int64_t dim, double a, const real *restrict v, double *restrict y)
{
    for (int64_t j = 0; j < dim; j++) y[j] += a * (double)v[j];
}

void nfi_reflect_rows(const nfi_reflections *h, bool inverse, int64_t n, double *y)
{
    for (int64_t i = 0; i < n; i++, y += h->dim)
        for (int64_t r = 0; r < h->k; r++) {
            const int64_t at = inverse ? h->k - 1 - r : r;
            const real *v = h->v + at * h->dim;
            reflect_add(h->dim, -h->s[at] * nfi_dot(h->dim, v, y), v, y);
        }
}

/* One row at one reflection: y is the row after it and becomes the row before, g likewise. */
static void reflect_back_row(int64_t dim, double s, const real *restrict v, double *restrict y, double *restrict g, double *restrict sum)
{
    reflect_add(dim, -s * nfi_dot(dim, v, y), v, y);
    const double p = nfi_dot(dim, v, y), q = nfi_dot(dim, v, g), turn = s * s * p * q;
    for (int64_t j = 0; j < dim; j++) sum[j] += turn * (double)v[j] - s * (q * y[j] + p * g[j]);
    reflect_add(dim, -s * q, v, g);
}

/* For one reflection y' = y - s (v.y) v with g' = dL/dy', p = v.y and q = v.g', and ds = -s^2 v.dv:
 *   g = g' - s q v,   dL/dv = -s (q y + p g') + s^2 p q v
 * The rows between reflections are undone one by one from the last: a reflection is its own inverse and lengthens no error, so that
 * nothing has to be kept. */
void nfi_reflect_back(const nfi_reflections *h, bool inverse, int64_t n, double *y, double *g, double *sum, real *grad)
{
    for (int64_t r = 0; r < h->k; r++) {
        const int64_t at = inverse ? r : h->k - 1 - r;
        memset(sum, 0, (size_t)h->dim * sizeof *sum);
        for (int64_t i = 0; i < n; i++) reflect_back_row(h->dim, h->s[at], h->v + at * h->dim, y + i * h->dim, g + i * h->dim, sum);
        for (int64_t j = 0; grad && j < h->dim; j++) grad[at * h->dim + j] += (real)sum[j];
    }
}
