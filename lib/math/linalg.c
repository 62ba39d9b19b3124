/* SPDX-License-Identifier: MIT
 *
 * linalg.c - small dense algebra in double
 *
 * LU by rows (right-looking), partial pivoting. Ref: Golub, Van Loan, "Matrix Computations", 4th ed., 3.4.
 */
#include "math/linalg.h"

#include "math/functions.h"

static double magnitude(double x) { return x < 0 ? -x : x; }

int32_t nfi_lu_factor(int64_t n, double *a, int64_t ld, int64_t *pivots)
{
    int32_t sign = 1;
    for (int64_t j = 0; j < n; j++) {
        int64_t best = j;
        for (int64_t i = j + 1; i < n; i++)
            if (magnitude(a[i * ld + j]) > magnitude(a[best * ld + j])) best = i;
        pivots[j] = best;
        if (!(magnitude(a[best * ld + j]) > 0)) return 0;
        if (best != j) {
            sign = -sign;
            for (int64_t k = 0; k < n; k++) {
                const double swapped = a[j * ld + k];
                a[j * ld + k] = a[best * ld + k];
                a[best * ld + k] = swapped;
            }
        }
        const double *pivot = a + j * ld;
        if (pivot[j] < 0) sign = -sign;
        for (int64_t i = j + 1; i < n; i++) {
            double *row = a + i * ld;
            const double factor = row[j] / pivot[j];
            row[j] = factor;
            for (int64_t k = j + 1; k < n; k++) row[k] -= factor * pivot[k];
        }
    }
    return sign;
}

int64_t nfi_lu_bad_pivot(int64_t n, const double *a, int64_t ld)
{
    int64_t i = 0;
    while (i < n && magnitude(a[i * ld + i]) > 0) i++;
    return i;
}

void nfi_lu_order(int64_t n, const int64_t *pivots, int64_t *order)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = 0; i < n; i++) {
        const int64_t swapped = order[i];
        order[i] = order[pivots[i]];
        order[pivots[i]] = swapped;
    }
}

void nfi_lu_solve(int64_t n, const double *lu, int64_t ld, const int64_t *pivots, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        const double swapped = x[pivots[i]];
        x[pivots[i]] = x[i];
        x[i] = swapped;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < i; k++) x[i] -= lu[i * ld + k] * x[k];
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < n; k++) x[i] -= lu[i * ld + k] * x[k];
        x[i] /= lu[i * ld + i];
    }
}

void nfi_lu_solve_transposed(int64_t n, const double *lu, int64_t ld, const int64_t *pivots, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++) x[i] -= lu[k * ld + i] * x[k];
        x[i] /= lu[i * ld + i];
    }
    for (int64_t i = n - 1; i >= 0; i--)
        for (int64_t k = i + 1; k < n; k++) x[i] -= lu[k * ld + i] * x[k];
    for (int64_t i = n - 1; i >= 0; i--) {
        const double swapped = x[pivots[i]];
        x[pivots[i]] = x[i];
        x[i] = swapped;
    }
}

double nfi_lu_log_det(int64_t n, const double *lu, int64_t ld)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += nfi_log(magnitude(lu[i * ld + i]));
    return sum;
}
