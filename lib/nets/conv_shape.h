/* SPDX-License-Identifier: MIT
 *
 * conv_shape.h - sizes and layouts of convolutional networks, for the files that share them: conv.c, conv_params.c, conv_net.c
 */
#ifndef NFI_NETS_CONV_SHAPE_H
#define NFI_NETS_CONV_SHAPE_H

#include "nets/conv.h"

#define CONV_STRIP 128
#define CONV_TAPS 9
#define CONV_BUFFERS 3       /* a stage, the one before, and the one that is skipped from */
#define CONV_BEYOND 16       /* elements that steps of a vector may touch past an array */
#define CONV_LOG_SCALE 3.0   /* Glow's factor of r: a faster learning rate of the scales */

/* Shapes. The product of a stage is [pixels][k] times [k][m]. */

static inline int64_t conv_taps(const nfi_conv *c) { return c->form == NFI_CONV_POINT ? 1 : CONV_TAPS; }
static inline int64_t conv_k(const nfi_conv *c)
{
    if (c->form == NFI_CONV_GATHER) return CONV_TAPS * (c->in + c->edge);
    return c->in;
}
static inline int64_t conv_m(const nfi_conv *c) { return c->form == NFI_CONV_SCATTER ? CONV_TAPS * c->out : c->out; }
static inline int64_t conv_weights(const nfi_conv *c) { return conv_taps(c) * c->in * c->out; }
static inline int64_t conv_edges(const nfi_conv *c) { return c->edge ? CONV_TAPS * c->out : 0; }
static inline int64_t conv_count(const nfi_conv *c) { return conv_weights(c) + conv_edges(c) + 2 * c->out; }
static inline int64_t conv_ld(int64_t width) { return nfi_round_up(width + 1, 16); }

/* Elements of a pixel of y_L: dense where it is scattered to, else whole vectors, which the product writes. */
static inline int64_t conv_ld_last(const nfi_convnet *net)
{
    const nfi_conv *c = &net->stage[net->n_stages - 1];
    return c->form == NFI_CONV_SCATTER ? c->out : conv_ld(c->out);
}

/* The same for the planes: dense where neighbours are gathered from them. */
static inline int64_t conv_ld_planes(const nfi_convnet *net)
{
    return net->stage[0].form == NFI_CONV_GATHER ? net->in : conv_ld(net->in);
}

/* Elements of a pixel of a strip. */
static inline int64_t conv_ld_strip(const nfi_convnet *net)
{
    int64_t widest = net->in;
    for (int32_t l = 0; l < net->n_stages; l++)
        widest = nfi_max(widest, nfi_max(conv_k(&net->stage[l]), conv_m(&net->stage[l])));
    return conv_ld(widest);
}

/* The packed block of a stage, in bytes from its start. */
struct conv_packed {
    int64_t weights, scale, edge, bias, end; /* scale: of each column of the product */
};

static inline struct conv_packed conv_packed_layout(const nfi_conv *c, const nfi_kernels *k)
{
    struct conv_packed at = { .weights = 0 };
    at.scale = nfi_round_up(k->packed_count(conv_k(c), conv_m(c)) * k->size, NFI_ALIGN);
    at.edge = at.scale + nfi_round_up(nfi_round_up(conv_m(c), 16) * k->size, NFI_ALIGN);
    at.bias = at.edge + nfi_round_up(conv_edges(c) * k->size, NFI_ALIGN);
    at.end = at.bias + nfi_round_up(c->out * k->size, NFI_ALIGN);
    return at;
}

/* The block for reverse: turned weights, then exp(3 r), zeros beyond the channels. */
static inline int64_t conv_turned_scale(const nfi_conv *c, const nfi_kernels *k)
{
    const int64_t columns = c->form == NFI_CONV_GATHER ? CONV_TAPS * c->in : conv_k(c); /* the edge has no input */
    return nfi_round_up(k->packed_count(conv_m(c), columns) * k->size, NFI_ALIGN);
}
static inline int64_t conv_turned_end(const nfi_conv *c, const nfi_kernels *k)
{
    return conv_turned_scale(c, k) + nfi_round_up(nfi_round_up(c->out, 16) * k->size, NFI_ALIGN);
}

/* Elements that an image needs; the fixed part. */
static inline int64_t conv_image_size(const nfi_convnet *net)
{
    return nfi_round_up(net->pixels * conv_ld_planes(net) + CONV_BEYOND, 16) + nfi_round_up(net->pixels * conv_ld_last(net) + CONV_BEYOND, 16) +
           CONV_BUFFERS * net->pixels * net->ld;
}
static inline int64_t conv_fixed_size(const nfi_convnet *net) { return (CONV_STRIP + 1) * conv_ld_strip(net); }

#define CONV_DECLARE(suffix)                                                                                           \
    void nfi_conv_value_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in, void *out,  \
                                 void *saved, void *scratch);                                                          \
    void nfi_conv_reverse_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *turned, const void *in,  \
                                   const void *saved, void *g_out, void *g_in, void *grad, void *scratch);             \
    void nfi_conv_jvp_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in,  \
                               const void *d_in, void *out, void *d_out, void *scratch);                               \
    void nfi_conv_pack_##suffix(const nfi_convnet *net, const nfi_kernels *k, const void *theta, void *packed, void *turned);  \
    void nfi_conv_reset_##suffix(const nfi_convnet *net, uint64_t seed, uint32_t stream, void *theta);                 \
    nf_status nfi_conv_init_##suffix(const nfi_convnet *net, const nfi_kernels *k, int32_t stage, const nfi_net_data *data,  \
                                     const void *packed, void *theta);
CONV_DECLARE(f32)
CONV_DECLARE(f64)

#endif
