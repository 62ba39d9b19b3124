/* SPDX-License-Identifier: MIT
 *
 * dynamics.h - networks f(t, z, c) of continuous layers: value, tangents, and the reverse of both
 *
 *   h_0 = (z, c),   a_l = W_l h_{l-1} + b_l,   u_l by the kind of layer,   h_l = phi(u_l) (l < L),   f = u_L
 *   ignore         u = a
 *   concat         u = a + w t
 *   concat_squash  u = a g + w t,   g = sigmoid(v t + d)
 *
 * A row has m tangents (m may be 0): hd_0 = e, ad = W hd, ud = ad (or ad g), hd' = phi'(u) ud; fd = J e. Rows and tangents are
 * stacked, [n rows; n m tangents], so that one product serves both; tangents take no bias. t differs from row to row.
 *
 * With images, z is [height][width][channels], W a 3x3 convolution of zeros beyond the border, so that every h is an image as large:
 *   a(p) = sum over dy, dx in 0..2 of W[dy][dx] h(p + (dy - 1, dx - 1)) + b
 * b, w, v, d are numbers of a channel, the same at every pixel. weight is [3][3][in][out] then. There is no condition.
 * theta per layer: weight [in][out], bias [out], then time [out] (concat), or gate [out], gate_bias [out], time [out] (concat_squash):
 * views "<prefix>.<l>....".
 */
#ifndef NFI_NETS_DYNAMICS_H
#define NFI_NETS_DYNAMICS_H

#include "core/memory.h"
#include "math/kernels.h"
#include <nflow/layer_type.h>

enum { NFI_DYNAMICS_IGNORE = 1, NFI_DYNAMICS_CONCAT = 2, NFI_DYNAMICS_SQUASH = 3 };

typedef struct nfi_dynamics {
    int32_t n_layers, activation, kind;
    int64_t dim, cond_dim;
    int64_t height, across; /* of images, else 0 */
    const int64_t *width; /* [n_layers + 1]: dim + cond_dim first, dim last; with images channels */
    int64_t theta_count;
} nfi_dynamics;

typedef struct nfi_dynamics_config {
    int64_t dim, cond_dim;
    int64_t height, width, channels; /* 0: no images; else they make dim, and cond_dim is 0 */
    const int64_t *hidden;           /* widths, or channels */
    int64_t n_hidden;
    int32_t activation, kind;
    const char *function;            /* whom messages name, with its fields: dim, cond_dim, height, ..., hidden, activation, time */
} nfi_dynamics_config;

/* Activations need a second derivative: relu and leaky_relu are NF_ERR_ARG, the line says why and names those allowed. */
nf_status nfi_dynamics_create(nfi_dynamics *net, nf_maker *maker, const nfi_dynamics_config *config);
int32_t nfi_dynamics_param_count(const nfi_dynamics *net);
void nfi_dynamics_param(const nfi_dynamics *net, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param);
int64_t nfi_dynamics_ld_in(const nfi_dynamics *net);  /* elements of a row of z (and of e) */
int64_t nfi_dynamics_ld_out(const nfi_dynamics *net);
int64_t nfi_dynamics_packed_bytes(const nfi_dynamics *net, const nfi_kernels *kernels);
int64_t nfi_dynamics_turned_bytes(const nfi_dynamics *net, const nfi_kernels *kernels);
int64_t nfi_dynamics_saved_bytes(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m);   /* of value, for reverse */
int64_t nfi_dynamics_scratch_bytes(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m); /* of value and of reverse */
double nfi_dynamics_flop(const nfi_dynamics *net, int64_t m); /* products of value, a row */
/* NULL: not wanted. */
void nfi_dynamics_pack(const nfi_dynamics *net, const nfi_kernels *kernels, const void *theta, void *packed, void *turned);
/* Uniform in +-1/sqrt(inputs), biases too; time, gate and gate_bias in +-1: from (seed, stream, running index). */
void nfi_dynamics_reset(const nfi_dynamics *net, int32_t dtype, uint64_t seed, uint32_t stream, void *theta);

/* in: [n + n m][ld_in]: rows (z, c), then the m tangents of row 0, of row 1, ... with zeros for c; the column behind its width is
 * written, but with images. out: [n + n m][ld_out]: f, then J e. t [n]: not read (may be NULL) where the kind ignores it. The time parameters are in packed and
 * turned. saved NULL: nothing is kept. */
void nfi_dynamics_value(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m, const void *packed, const double *t,
                        void *in, void *out, void *saved, void *scratch);
/* g_out = dL/d(f, J e) (destroyed) -> g_in [n][ld_in] = dL/d(z, c), NULL: not wanted; the tangents e are constants; g_t [n] += dL/dt,
 * NULL: not wanted; grad += dL/dtheta, NULL: not wanted. in, saved, n, m and t are those of value. */
void nfi_dynamics_reverse(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m, const void *turned, const double *t,
                          const void *in, const void *saved, void *g_out, void *g_in, double *g_t, void *grad, void *scratch);

#endif
