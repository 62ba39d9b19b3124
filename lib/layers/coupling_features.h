/* SPDX-License-Identifier: MIT
 *
 * coupling_features.h - what a coupling's networks see of the columns kept: value, tangent, gradient
 *
 *   a column x_j          f = x_j
 *   periodic, period 2B   f = (cos w x_j, sin w x_j),  w = pi / B:    df/dx = (-w sin w x_j, w cos w x_j)
 *
 * so that the ends of a circle are one point to the networks. Features stand in the order of the columns; behind them cond.
 * Included by coupling.c alone, once per precision.
 */
#ifndef NFI_LAYERS_COUPLING_FEATURES_H
#define NFI_LAYERS_COUPLING_FEATURES_H

#include "layers/coupling.h"
#include "math/functions.h"

static inline bool features_circle(const nfi_coupling *cp, int64_t j) { return cp->circle && cp->circle[j]; }

/* Whole turns are taken off first: both ends have the same bits, and far latents features at all. */
static inline void features_turn(double turns, real *in)
{
    const double angle = 2.0 * NFI_PI * (turns - nfi_floor(turns + 0.5));
    in[0] = (real)nfi_cos(angle);
    in[1] = (real)nfi_sin(angle);
}

/* in: the features of a row; answers where the next input goes. */
static real *features_value(const nfi_coupling *cp, const real *x, real *in)
{
    for (int64_t j = 0; j < cp->n_a; j++) {
        const real xj = x[cp->a[j]];
        if (!features_circle(cp, j)) {
            *in++ = xj;
            continue;
        }
        features_turn((double)xj / (2.0 * (double)(real)cp->half_period), in);
        in += 2;
    }
    return in;
}

/* d_in of dx, where in are the features */
static void features_tangent(const nfi_coupling *cp, const real *in, const real *dx, real *d_in)
{
    const real w = (real)cp->frequency;
    for (int64_t j = 0; j < cp->n_a; j++) {
        const real d = dx[cp->a[j]];
        if (!features_circle(cp, j)) {
            *d_in++ = d;
            in++;
            continue;
        }
        d_in[0] = -w * in[1] * d;
        d_in[1] = w * in[0] * d;
        d_in += 2;
        in += 2;
    }
}

/* g_a += what the gradient gin of the features makes of it; answers where that of cond stands. */
static const real *features_gradient(const nfi_coupling *cp, const real *in, const real *gin, real *g)
{
    const real w = (real)cp->frequency;
    for (int64_t j = 0; j < cp->n_a; j++) {
        real *to = &g[cp->a[j]];
        if (!features_circle(cp, j)) {
            *to += *gin++;
            in++;
            continue;
        }
        *to += w * (in[0] * gin[1] - in[1] * gin[0]);
        gin += 2;
        in += 2;
    }
    return gin;
}

#endif
