/* SPDX-License-Identifier: MIT
 *
 * dynamics_params.c - parameters of networks of time: initial values, and their packed copies
 */
#include "core/real.h"
#include "nets/dynamics_shape.h"

#include <string.h>

#include "core/rng.h"
#include "math/functions.h"

/* Whole vectors read the vectors of a layer: each gets zeros behind its numbers. */
static void dynamics_pack_vectors(const nfi_dynamics *net, int32_t l, const real *from, real *to)
{
    const int64_t out = net->width[l + 1], padded = dynamics_padded(net, l);
    for (int64_t i = 0; i < dynamics_vectors(net); i++, from += out, to += padded) {
        memset(to, 0, (size_t)padded * sizeof *to);
        memcpy(to, from, (size_t)out * sizeof *to);
    }
}

void NFI_NAME(nfi_dynamics_pack)(const nfi_dynamics *net, const nfi_kernels *k, const void *theta, void *packed, void *turned)
{
    const real *w = theta;
    real *to = packed, *back = turned;
    for (int32_t l = 0; l < net->n_layers; l++) {
        const int64_t in = dynamics_inputs(net, l), out = net->width[l + 1];
        const real *bias = w + in * out, *vectors = bias + out;
        k->pack(in, out, w, bias, NULL, to, back);
        if (to) {
            dynamics_pack_vectors(net, l, vectors, to + dynamics_weights(k, in, out));
            to += dynamics_block(net, k, l, false);
        }
        if (back) {
            dynamics_pack_vectors(net, l, vectors, back + dynamics_weights(k, out, in));
            back += dynamics_block(net, k, l, true);
        }
        w = vectors + dynamics_vectors(net) * out;
    }
}

/* As linear layers start in PyTorch, biases too: uniform in +-1/sqrt(inputs); what multiplies t has one input. Drawn in double whatever
 * the dtype: both precisions start from the same network. */
void NFI_NAME(nfi_dynamics_reset)(const nfi_dynamics *net, uint64_t seed, uint32_t stream, void *theta)
{
    real *to = theta;
    int64_t i = 0;
    for (int32_t l = 0; l < net->n_layers; l++) {
        const int64_t dense = dynamics_theta_at(net, l) + (dynamics_inputs(net, l) + 1) * net->width[l + 1], end = dynamics_theta_at(net, l + 1);
        const double limit = nfi_sqrt(1.0 / (double)dynamics_inputs(net, l));
        for (; i < end; i++) to[i] = (real)((2.0 * nfi_uniform(seed, stream, (uint64_t)i) - 1.0) * (i < dense ? limit : 1.0));
    }
}
