/* SPDX-License-Identifier: MIT
 *
 * conv_params.c - parameters of convolutional networks: initial values, and their packed copies
 */
#include "core/real.h"
#include "nets/conv_shape.h"

#include <string.h>

#include "core/rng.h"
#include "math/functions.h"

#define CONV_INITIAL_SD 0.05 /* Glow's */

/* e into every column of the product, edges and bias times e. scale holds e on entry. */
static void conv_pack_value(const nfi_conv *c, const nfi_kernels *k, const real *w, char *to, const struct conv_packed *at)
{
    const real *edge = w + conv_weights(c), *bias = edge + conv_edges(c);
    const bool scatter = c->form == NFI_CONV_SCATTER;
    real *scale = (real *)(void *)(to + at->scale), *to_edge = (real *)(void *)(to + at->edge), *to_bias = (real *)(void *)(to + at->bias);

    for (int64_t t = 0; c->edge && t < CONV_TAPS; t++)
        for (int64_t j = 0; j < c->out; j++) to_edge[t * c->out + j] = edge[t * c->out + j] * scale[j];
    for (int64_t j = 0; j < c->out; j++) to_bias[j] = bias[j] * scale[j];
    for (int64_t j = c->out; j < conv_m(c); j++) scale[j] = scale[j - c->out];
    k->pack(conv_k(c), conv_m(c), w, scatter ? NULL : bias, scale, to, NULL);
}

static void conv_pack_turned(const nfi_conv *c, const nfi_kernels *k, const real *w, const real *e, char *to)
{
    const int64_t rows = c->form == NFI_CONV_GATHER ? CONV_TAPS * c->in : conv_k(c);
    real *scale = (real *)(void *)(to + conv_turned_scale(c, k));
    for (int64_t j = 0; j < nfi_round_up(c->out, 16); j++) scale[j] = j < c->out ? e[j] : 0;
    if (rows > 0) k->pack(rows, conv_m(c), w, NULL, NULL, NULL, to);
}

void NFI_NAME(nfi_conv_pack)(const nfi_convnet *net, const nfi_kernels *k, const void *theta, void *packed, void *turned)
{
    char *to = packed, *back = turned;
    for (int32_t l = 0; l < net->n_stages; l++) {
        const nfi_conv *c = &net->stage[l];
        const struct conv_packed at = conv_packed_layout(c, k);
        const real *w = (const real *)theta + c->theta, *r = w + conv_count(c) - c->out;
        real *e = (real *)(void *)(to ? to + at.scale : back + conv_turned_scale(c, k));

        for (int64_t j = 0; j < c->out; j++) e[j] = (real)nfi_exp(CONV_LOG_SCALE * (double)r[j]);
        if (back) {
            conv_pack_turned(c, k, w, e, back);
            back += conv_turned_end(c, k);
        }
        if (to) {
            conv_pack_value(c, k, w, to, &at);
            to += at.end;
        }
    }
}

void NFI_NAME(nfi_conv_reset)(const nfi_convnet *net, uint64_t seed, uint32_t stream, void *theta)
{
    const double limit = CONV_INITIAL_SD * 1.7320508075688772; /* sqrt(3): uniform in +-limit has this sd */
    real *to = theta;
    memset(to, 0, (size_t)net->theta_count * sizeof *to);
    for (int32_t l = 0; l + 1 < net->n_stages; l++) {
        const nfi_conv *c = &net->stage[l];
        for (int64_t i = c->theta; i < c->theta + conv_weights(c); i++)
            to[i] = (real)((2.0 * nfi_uniform(seed, stream, (uint64_t)i) - 1.0) * limit);
    }
}
