/* SPDX-License-Identifier: MIT
 *
 * back.c - gradient of one step of a Runge-Kutta method, for many rows at once
 *
 * The step is a composition, and its chain rule is exact for the numbers that were computed (discretise, then optimise); h counts
 * as a constant. With ybar1 = dL/dy1 and from
 *   Y_i = y + h sum_{j<i} a_ij k_j,   k_i = f(t + c_i h, Y_i),   y1 = y + h sum b_i k_i
 * stages descending:
 *   kbar_i = h (b_i ybar1 + sum_{j>i} a_ji Ybar_j),   Ybar_i = (df/dY_i)^T kbar_i,   ybar = ybar1 + sum_i Ybar_i
 * The stages are computed again from y, once; a stage's k is not needed any more when its Ybar is known, which takes its place.
 *
 * Check value: y' = -2 y, h = 0.1, euler: dy1/dy = 0.8; rk4: 0.8187333333 = sum_{p<=4} (-0.2)^p / p!
 * Ref: Hager, "Runge-Kutta methods in optimal control and the transformed adjoint system", Numer. Math. 87 (2000).
 */
#include "ode/ode.h"

/* stage Y [stages], k or Ybar [stages], kbar, h of each element */
#define BACK_ARRAYS (2 * NFI_ODE_STAGES + 2)

static int64_t back_stride(int64_t dim) { return NFI_ODE_ROWS * dim + NFI_ODE_STAGGER; }

int64_t nfi_ode_back_bytes(int64_t dim) { return (NFI_ODE_ROWS + BACK_ARRAYS * back_stride(dim)) * (int64_t)sizeof(double); }

/* Does y1 depend on k_i? From the last stage down: needed[j] of later stages is known. */
static bool back_needs(const nfi_ode_method *method, int32_t i, const bool *needed)
{
    bool needs = method->b[i] != 0.0;
    for (int32_t j = i + 1; j < method->stages; j++) needs = needs || (needed[j] && method->a[j * method->stages + i] != 0.0);
    return needs;
}

/* kbar_i; at least one term is not zero, because the stage is needed. */
static void back_kbar(const nfi_ode_back *back, int32_t i, const bool *needed, const double *ybar, int64_t stride,
                      const double *h, double *kbar)
{
    const nfi_ode_method *method = back->method;
    nfi_ode_terms terms = { .count = 0 };
    nfi_ode_terms_add(&terms, method->b[i], back->g);
    for (int32_t j = i + 1; j < method->stages; j++)
        if (needed[j]) nfi_ode_terms_add(&terms, method->a[j * method->stages + i], ybar + j * stride);
    nfi_ode_combine(&terms, back->n * back->dim, h, NULL, kbar);
}

static void back_times(const nfi_ode_back *back, double c, double *t)
{
    for (int64_t r = 0; r < back->n; r++) t[r] = back->t[r] + c * back->h[r];
}

void nfi_ode_step_back(const nfi_ode_back *back, void *scratch)
{
    const nfi_ode_method *method = back->method;
    const int64_t stride = back_stride(back->dim), count = back->n * back->dim;
    double *t = scratch, *stage = t + NFI_ODE_ROWS, *k = stage + NFI_ODE_STAGES * stride, *kbar = k + NFI_ODE_STAGES * stride;
    double *h = kbar + stride;
    bool needed[NFI_ODE_STAGES];

    for (int32_t i = method->stages - 1; i >= 0; i--) needed[i] = back_needs(method, i, needed);
    nfi_ode_spread(back->n, back->dim, back->h, h);
    for (int32_t i = 0; i < method->stages; i++) {
        if (!needed[i]) continue;
        back_times(back, method->c[i], t);
        nfi_ode_stage(method, i, count, k, stride, h, back->y, stage + i * stride);
        back->eval(back->user, i, back->n, back->row, t, stage + i * stride, k + i * stride);
    }
    for (int32_t i = method->stages - 1; i >= 0; i--) {
        if (!needed[i]) continue;
        back_times(back, method->c[i], t);
        back_kbar(back, i, needed, k, stride, h, kbar);
        back->vjp(back->user, i, back->n, back->row, t, stage + i * stride, kbar, k + i * stride);
    }
    for (int32_t i = 0; i < method->stages; i++)
        for (int64_t e = 0; needed[i] && e < count; e++) back->g[e] += k[i * stride + e];
}
