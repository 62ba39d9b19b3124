/* SPDX-License-Identifier: MIT
 *
 * latent.h - walking through the latent space: between rows, along an attribute, at several temperatures
 *
 *   z = f(x), z' = some other z, x' = f^-1(z')
 *
 * To encode a row is nf_flow_forward, to decode it nf_flow_inverse (nflow/flow.h); there is nothing else to either. z is [dim]
 * whatever the flow: where layers factor columns out, as GLOW does at each level, z holds the whitened latents of all levels side
 * by side, and what is said of z below holds for all of them at once.
 *
 * Arrays are those of nflow/flow.h: rows are [n][dim], cond [n][cond_dim] or NULL, borrowed for the call; a row whose input or
 * result is not finite gets NaN and the call answers NF_ROWS_NONFINITE. Errors are those of its computing calls, with the state
 * that they leave: NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_DTYPE, NF_ERR_SHAPE, NF_ERR_OVERFLOW, NF_ERR_ALIAS, and NF_ERR_DOMAIN,
 * NF_ERR_NOT_INVERTIBLE, NF_ERR_CANCELLED, NF_ERR_CALLBACK, NF_ERR_MEMORY and the like while computing.
 *
 * Calls are shared-read on the flow and give the same bits for any number of threads: those of nf_flow_forward, the formula in
 * double, and nf_flow_inverse one after the other. They allocate nothing beyond what those calls do, unless it is said. Everything
 * here since 0.1
 */
#ifndef NFLOW_LATENT_H
#define NFLOW_LATENT_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/* Ways from z0 to z1, t from 0 to 1. */
enum {
    NF_PATH_LINEAR = 1,   /* (1 - t) z0 + t z1 */
    NF_PATH_SPHERICAL = 2 /* (sin((1 - t) a) z0 + sin(t a) z1) / sin a, a the angle between z0 and z1 seen from 0: keeps the length
                             that a normal base's rows have in many dimensions. Linear where sin a < 1e-6 or an end is 0.
                             Ref: White, "Sampling generative networks", arXiv:1609.04468 */
};

/**
 * Interpolates between two rows: row k of x is f^-1 of the point at t = k / (steps - 1) on the way from f(x0) to f(x1). Rows 0 and
 * steps - 1 are the ends as the flow gives them back.
 *
 * path    NF_PATH_...; else NF_ERR_ARG
 * steps   >= 2, else NF_ERR_SHAPE: with both nothing is changed
 * x0, x1  [dim], may be the same; neither overlaps x
 * cond    [steps][cond_dim], or NULL: row k conditions row k of x. x0 is encoded under the first row, x1 under the last
 * x       [steps][dim], overwritten
 */
NF_API nf_status nf_flow_interpolate(const nf_flow *flow, int32_t path, int64_t steps, const float *x0, const float *x1,
                                     const float *cond, float *x);
NF_API nf_status nf_flow_interpolate_f64(const nf_flow *flow, int32_t path, int64_t steps, const double *x0, const double *x1,
                                         const double *cond, double *x);

/**
 * The direction of an attribute: mean f(x) of rows that have it less mean f(x) of rows that have not, in z, for nf_flow_move.
 * Means are added row by row in double.
 *
 * n_with, n_without  >= 1, else NF_ERR_SHAPE: nothing is changed
 * direction          [dim], overwritten; overlaps no input. All NaN after NF_ROWS_NONFINITE: a row is not finite, the line names it
 * Allocates up to 1024 rows and two rows of double for the call.
 */
NF_API nf_status nf_flow_direction(const nf_flow *flow, int64_t n_with, const float *x_with, const float *cond_with,
                                   int64_t n_without, const float *x_without, const float *cond_without, float *direction);
NF_API nf_status nf_flow_direction_f64(const nf_flow *flow, int64_t n_with, const double *x_with, const double *cond_with,
                                       int64_t n_without, const double *x_without, const double *cond_without, double *direction);

/**
 * Moves rows along a direction: out = f^-1(f(x) + amount direction).
 *
 * direction  [dim], finite, else NF_ERR_NONFINITE; overlaps not out
 * amount     finite, else NF_ERR_ARG; 1 goes as far as the means are apart, negative the other way: with both nothing is changed
 */
NF_API nf_status nf_flow_move(const nf_flow *flow, int64_t n, const float *x, const float *cond, const float *direction,
                              double amount, float *out);
NF_API nf_status nf_flow_move_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, const double *direction,
                                  double amount, double *out);

/**
 * The same samples at several temperatures: x [n_temperatures][n][dim], block k the rows that nf_flow_sample gives at
 * temperatures[k] with the other arguments.
 *
 * temperatures  [n_temperatures], each > 0 and finite, else NF_ERR_ARG; n_temperatures >= 1, else NF_ERR_SHAPE: nothing is
 *               changed. After any later failure all of x is NaN
 */
NF_API nf_status nf_flow_sample_temperatures(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const float *cond,
                                             int64_t n_temperatures, const double *temperatures, float *x);
NF_API nf_status nf_flow_sample_temperatures_f64(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                                                 int64_t n_temperatures, const double *temperatures, double *x);

NF_END_DECLS
#endif
