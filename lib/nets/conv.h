/* SPDX-License-Identifier: MIT
 *
 * conv.h - convolutional networks over images: value, tangent and reverse on tiles of whole images
 *
 *   y_0 = planes,   y_l = phi_l((K_l * y_{l-1} + b_l) exp(3 r_l) + skip_l),   l = 1..L
 *
 * K_l is a convolution of 3x3 or 1x1 with zeros beyond the border, and, where a stage has `edge`, one more input channel that is 1
 * beyond the border and 0 inside. b_l and r_l are one number a channel. phi_l is a ReLU, but nothing at the last stage, whose K, b
 * and r start at zero. skip_l is the output of an earlier stage (residual blocks).
 * Hidden stages want data: b and r are then set so that (K * y + b) exp(3 r) has mean 0 and variance 1 in each channel, stage by
 * stage (Glow's actnorm inside the network).
 */
#ifndef NFI_NETS_CONV_H
#define NFI_NETS_CONV_H

#include "nets/net.h"

/* How a stage is computed. Only the thin side of a 3x3 is ever rearranged: */
enum {
    NFI_CONV_POINT = 1,  /* 1x1: one product */
    NFI_CONV_GATHER = 2, /* 3x3, in <= out: gathers the 9 neighbours of each pixel, then one product */
    NFI_CONV_SCATTER = 3 /* 3x3, in > out: one product to 9 contributions a pixel, then scatters and adds */
};

typedef struct nfi_conv { /* one stage */
    int64_t in, out;
    int32_t form, relu, edge;
    int32_t back;  /* the skip is y of this many stages before; 0: none */
    int64_t theta; /* offset of its parameters, elements */
} nfi_conv;

typedef struct nfi_convnet {
    int64_t height, width, pixels;
    int32_t n_stages;
    const nfi_conv *stage;
    int64_t in, out;           /* channels of planes and of y_L */
    int64_t n_in, n_out;       /* numbers of a row in and out */
    const int32_t *plane;      /* [pixels][in]: which number of the row a plane shows, or NFI_PLANE_... */
    const int32_t *answer;     /* [n_out]: which of y_L [pixels][nfi_convnet_ld_out] goes out */
    int64_t theta_count;
    int64_t ld;                /* elements of a pixel of hidden stages */
} nfi_convnet;
enum { NFI_PLANE_ZERO = -1, NFI_PLANE_ONE = -2 };

/* Kinds of networks: which stages they have. */
enum {
    NFI_CONVNET_GLOW = 1,     /* 3x3, 1x1, 3x3 */
    NFI_CONVNET_RESIDUAL = 2, /* 3x3, `blocks` times (3x3, 3x3 + skip), 1x1 */
    NFI_CONVNET_LINEAR = 3    /* 3x3 */
};

/* Height, width, pixels, in, out, n_in, n_out are set; plane and answer may follow, and are borrowed for the net's life. NF_ERR_LIMIT, NF_ERR_OVERFLOW, NF_ERR_MEMORY. */
nf_status nfi_convnet_create(nfi_convnet *net, nf_maker *maker, int32_t kind, int64_t hidden, int64_t blocks);
int64_t nfi_convnet_ld_out(const nfi_convnet *net);
nfi_net nfi_convnet_net(const nfi_convnet *net);

#endif
