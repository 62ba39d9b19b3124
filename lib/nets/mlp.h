/* SPDX-License-Identifier: MIT
 *
 * mlp.h - multilayer perceptrons: value, tangent and reverse on tiles of rows
 *
 *   h_0 = x,  u_l = h_{l-1} W_l + b_l,  h_l = phi(u_l) (l < L),  y = u_L
 *
 * theta: per dense layer W [in][out] then b [out]; views "<prefix>.<l>.weight" and "<prefix>.<l>.bias".
 * Every row buffer has ld = nfi_mlp_ld(width), a multiple of 16 elements beyond width; column `width` of an input buffer holds
 * 1.0 so that one product yields the weight and the bias gradient.
 */
#ifndef NFI_NETS_MLP_H
#define NFI_NETS_MLP_H

#include "nets/net.h"

/* Weights of a dense layer that are zero, whatever theta holds there: row i has none before column first[i]. */
typedef struct nfi_mlp_mask {
    const int64_t *first;      /* [in], ascending, in [0, out] */
    nfi_stairs stairs, turned; /* what that leaves of W and of W^T */
} nfi_mlp_mask;

typedef struct nfi_mlp {
    int32_t n_layers; /* dense layers, >= 1 */
    int32_t activation, weights, zero_last;
    const int64_t *width; /* [n_layers + 1], inputs first */
    int64_t theta_count;  /* elements */
    const nfi_mlp_mask *mask; /* [n_layers], by nfi_mlp_set_mask; NULL: full layers */
} nfi_mlp;

static inline int64_t nfi_mlp_ld(int64_t width)
{
    const int64_t ld = nfi_round_up(width + 1, 16);
    return ld % 256 ? ld : ld + 16; /* rows a multiple of 1 KiB apart would share few sets of the first cache */
}

/* `hidden`, an array of widths in a config. {0} alone means no hidden layer: how many there are; NF_ERR_ARG where a 0 stands beside others;
 * 64 and 64 where none are given, so that descriptions tell them (NF_ERR_MEMORY). */
static inline int64_t nfi_mlp_n_hidden(const int64_t *hidden, int64_t n) { return n == 1 && hidden[0] == 0 ? 0 : n; }
nf_status nfi_mlp_check_hidden(const char *function, const char *field, const int64_t *hidden, int64_t n);
nf_status nfi_mlp_default_hidden(nf_maker *maker, const int64_t **hidden, int64_t *n);
/* hidden is borrowed during the call. Overflow and limits are refused (NF_ERR_OVERFLOW, NF_ERR_LIMIT: widths up to 65,536). */
nf_status nfi_mlp_create(nfi_mlp *mlp, nf_maker *maker, int64_t in, int64_t out, const int64_t *hidden, int64_t n_hidden,
                         int32_t activation, int32_t weights, int32_t zero_last);
/* After creation: mask [n_layers] with first, both the maker's; the stairs are filled in. */
nf_status nfi_mlp_set_mask(nfi_mlp *mlp, nf_maker *maker, nfi_mlp_mask *mask);
double nfi_mlp_flop(const nfi_mlp *mlp); /* of the products of one row of value, biases included */
int32_t nfi_mlp_param_count(const nfi_mlp *mlp);
void nfi_mlp_param(const nfi_mlp *mlp, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param);
int64_t nfi_mlp_packed_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels);  /* W, multiple of 64 */
int64_t nfi_mlp_turned_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels);  /* W^T, for reverse, multiple of 64 */
int64_t nfi_mlp_saved_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels);   /* per row: hidden activations (and u where the activation needs it) */
int64_t nfi_mlp_scratch_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels); /* per row, multiple of 64: two widest hidden buffers */
void nfi_mlp_pack(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *theta, void *packed, void *turned); /* NULL: not wanted */

/* The weights within the mask, laid out as theta, in what pack made, `packed` or `turned`; of masked networks only. */
const void *nfi_mlp_packed_weights(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *packed);
const void *nfi_mlp_turned_weights(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *turned);
/* Element of theta where dense layer l begins; bytes before hidden layer l of what a row keeps: h_l [n][ld], then u_l where saves_input. */
int64_t nfi_mlp_theta_at(const nfi_mlp *mlp, int32_t l);
int64_t nfi_mlp_saved_at(const nfi_mlp *mlp, const nfi_kernels *kernels, int32_t l);

/* Fills theta: weights by rule from (seed, stream, running index), biases zero, last layer zero if zero_last. */
void nfi_mlp_reset_f32(const nfi_mlp *mlp, uint64_t seed, uint32_t stream, void *theta);
void nfi_mlp_reset_f64(const nfi_mlp *mlp, uint64_t seed, uint32_t stream, void *theta);

/* y [n][ld(out)] of x [n][ld(in)]; sets the ones column of x itself. saved [n * saved_bytes] NULL: not kept.
 * scratch: n * scratch_bytes. dtype is that of the kernels. */
void nfi_mlp_value(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *packed, void *x, void *y, void *saved, void *scratch);
/* gy [n][ld(out)] = dL/dy; gx [n][ld(in)] = dL/dx, NULL: not wanted; grad += dL/dtheta, NULL: not wanted; gy is destroyed. */
void nfi_mlp_reverse(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *turned, const void *x, const void *saved,
                     void *gy, void *gx, void *grad, void *scratch);
/* dy = J dx, with y as above: scratch n * 2 * scratch_bytes. */
void nfi_mlp_jvp(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *packed, void *x, const void *dx, void *y, void *dy,
                 void *scratch);
nfi_net nfi_mlp_net(const nfi_mlp *mlp); /* mlp is borrowed as long as the net is used */

#endif
