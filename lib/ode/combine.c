/* SPDX-License-Identifier: MIT
 *
 * combine.c - linear combinations of stages over all elements of a working set
 *
 *   out[e] = y[e] + h[e] sum_j coef_j k_j[e]        e runs over rows x components; every row has its own h
 *
 * One pass whatever the number of terms, and flat, so that rows of two components fill vectors as well as rows of a thousand.
 * Terms are added in their order, and never contracted: an element's bits depend on nothing but its own operands.
 */
#include "ode/ode.h"

/* With a constant number of terms the inner loop disappears. */
static inline void combine_terms(int32_t terms, int64_t count, const double *coef, const double *const *k, const double *h,
                                 const double *y, double *restrict out)
{
    for (int64_t e = 0; e < count; e++) {
        double sum = coef[0] * k[0][e];
        for (int32_t j = 1; j < terms; j++) sum += coef[j] * k[j][e];
        out[e] = y ? y[e] + h[e] * sum : h[e] * sum;
    }
}

void nfi_ode_combine(const nfi_ode_terms *terms, int64_t count, const double *h, const double *y, double *out)
{
    const double *coef = terms->coef, *const *k = terms->k;
    switch (terms->count) {
    case 1: combine_terms(1, count, coef, k, h, y, out); break;
    case 2: combine_terms(2, count, coef, k, h, y, out); break;
    case 3: combine_terms(3, count, coef, k, h, y, out); break;
    case 4: combine_terms(4, count, coef, k, h, y, out); break;
    case 5: combine_terms(5, count, coef, k, h, y, out); break;
    case 6: combine_terms(6, count, coef, k, h, y, out); break;
    default: combine_terms(terms->count, count, coef, k, h, y, out); break;
    }
}

void nfi_ode_terms_add(nfi_ode_terms *terms, double coef, const double *k)
{
    if (coef == 0.0) return;
    terms->coef[terms->count] = coef;
    terms->k[terms->count++] = k;
}

void nfi_ode_stage(const nfi_ode_method *method, int32_t stage, int64_t count, const double *k, int64_t stride, const double *h,
                   const double *y, double *out)
{
    const double *coef = stage < method->stages ? method->a + stage * method->stages : method->b;
    nfi_ode_terms terms = { .count = 0 };
    for (int32_t j = 0; j < nfi_min(stage, method->stages); j++) nfi_ode_terms_add(&terms, coef[j], k + j * stride);
    if (terms.count == 0)
        memcpy(out, y, (size_t)count * sizeof *out);
    else
        nfi_ode_combine(&terms, count, h, y, out);
}

void nfi_ode_spread(int64_t n, int64_t dim, const double *h, double *out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < dim; j++) *out++ = h[i];
}
