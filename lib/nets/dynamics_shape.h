/* SPDX-License-Identifier: MIT
 *
 * dynamics_shape.h - layouts of networks of time, for the files that share them: dynamics.c, dynamics_params.c, dynamics_net.c
 *
 * Layers are numbered from 0; layer l takes width[l] numbers to width[l + 1], of a row or, in images, of each of its pixels. A strip
 * works on pixels: a row without image is one. All sizes are in elements.
 */
#ifndef NFI_NETS_DYNAMICS_SHAPE_H
#define NFI_NETS_DYNAMICS_SHAPE_H

#include "nets/dynamics.h"
#include "nets/mlp.h" /* nfi_mlp_ld */

#define DYNAMICS_STRIP 128 /* rows and tangents worked on at once: of layers of 64 numbers, 40 kB each way. Images: pixels, as far as whole
                              images allow, and the most pixels whose neighbours are gathered at once */
#define DYNAMICS_TAPS 9
#define DYNAMICS_BEYOND 3  /* elements that gathering may write behind the neighbours */

static inline bool dynamics_is_last(const nfi_dynamics *net, int32_t l) { return l + 1 == net->n_layers; }
static inline int64_t dynamics_ld(const nfi_dynamics *net, int32_t l) { return nfi_mlp_ld(net->width[l]); }

static inline bool dynamics_has_images(const nfi_dynamics *net) { return net->height > 0; }
static inline int64_t dynamics_pixels(const nfi_dynamics *net) { return dynamics_has_images(net) ? net->height * net->across : 1; }
/* Rows of the weights of layer l. */
static inline int64_t dynamics_inputs(const nfi_dynamics *net, int32_t l)
{
    return (dynamics_has_images(net) ? DYNAMICS_TAPS : 1) * net->width[l];
}
/* Elements of a row of `in`: images are dense, with room to read a vector beyond; others have a column behind the numbers. */
static inline int64_t dynamics_ld_row(const nfi_dynamics *net, int32_t l)
{
    return dynamics_has_images(net) ? nfi_round_up(net->dim + 16, 16) : dynamics_ld(net, l);
}

/* Rows of a strip: as many as fit with their tangents. */
static inline int64_t dynamics_strip_rows(const nfi_dynamics *net, int64_t m)
{
    return nfi_max(1, DYNAMICS_STRIP / ((1 + m) * dynamics_pixels(net)));
}

/* Vectors of one number an output that a layer has behind its bias: time; or gate, gate_bias, time. */
static inline int64_t dynamics_vectors(const nfi_dynamics *net)
{
    return net->kind == NFI_DYNAMICS_SQUASH ? 3 : net->kind == NFI_DYNAMICS_CONCAT ? 1 : 0;
}

/* theta: where a layer begins; l = n_layers: the end. */
static inline int64_t dynamics_theta_at(const nfi_dynamics *net, int32_t l)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += (dynamics_inputs(net, i) + 1 + dynamics_vectors(net)) * net->width[i + 1];
    return at;
}

/* The packed block of a layer, or the turned one: the weights, then the vectors, each with zeros up to a multiple of 16. */
static inline int64_t dynamics_weights(const nfi_kernels *k, int64_t in, int64_t out)
{
    return nfi_round_up(k->packed_count(in, out), NFI_ALIGN / 4);
}
static inline int64_t dynamics_padded(const nfi_dynamics *net, int32_t l) { return nfi_round_up(net->width[l + 1], 16); }
static inline int64_t dynamics_block(const nfi_dynamics *net, const nfi_kernels *k, int32_t l, bool turned)
{
    const int64_t in = dynamics_inputs(net, l), out = net->width[l + 1];
    return (turned ? dynamics_weights(k, out, in) : dynamics_weights(k, in, out)) + dynamics_vectors(net) * dynamics_padded(net, l);
}
static inline int64_t dynamics_block_at(const nfi_dynamics *net, const nfi_kernels *k, int32_t l, bool turned)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += dynamics_block(net, k, i, turned);
    return at;
}

/* saved, a pixel with m tangents: a and ad of a layer, then its h and hd, then its gates. Of the last layer h is the output, and a is
 * wanted by gates alone. */
static inline int64_t dynamics_kept(const nfi_dynamics *net, int32_t l, int64_t m)
{
    const int64_t stack = (1 + m) * dynamics_ld(net, l + 1), gates = net->kind == NFI_DYNAMICS_SQUASH ? dynamics_ld(net, l + 1) : 0;
    return dynamics_is_last(net, l) ? (gates ? stack + gates : 0) : 2 * stack + gates;
}
static inline int64_t dynamics_kept_at(const nfi_dynamics *net, int32_t l, int64_t m)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += dynamics_kept(net, i, m);
    return at;
}

/* scratch: two stacks of the widest hidden layer in turns; gates of a strip; the four sums of nfi_timed. Images: the last layer takes its
 * turn too; t and dL/dt of each pixel; neighbours of some pixels, or of the tangents of one. */
static inline int64_t dynamics_ld_most(const nfi_dynamics *net, bool hidden)
{
    int64_t most = 0;
    for (int32_t l = 1; l <= net->n_layers - hidden; l++) most = nfi_max(most, dynamics_ld(net, l));
    return most;
}
static inline int64_t dynamics_stack_size(const nfi_dynamics *net, int64_t n, int64_t m)
{
    return n * (1 + m) * dynamics_ld_most(net, !dynamics_has_images(net));
}
static inline int64_t dynamics_times_at(const nfi_dynamics *net, int64_t n, int64_t m)
{
    return 2 * dynamics_stack_size(net, n, m) + (n + 4) * dynamics_ld_most(net, false);
}
static inline int64_t dynamics_patches_at(const nfi_dynamics *net, int64_t n, int64_t m, int64_t element_bytes)
{
    return dynamics_times_at(net, n, m) + nfi_round_up(2 * n * (int64_t)sizeof(double) / element_bytes, 16);
}
static inline int64_t dynamics_ld_patch(const nfi_dynamics *net)
{
    int64_t most = 0;
    for (int32_t l = 0; l < net->n_layers; l++) most = nfi_max(most, dynamics_inputs(net, l));
    return nfi_round_up(most + 1 + DYNAMICS_BEYOND, 16);
}
static inline int64_t dynamics_scratch(const nfi_dynamics *net, int64_t n, int64_t m, int64_t element_bytes)
{
    if (!dynamics_has_images(net)) return dynamics_times_at(net, n, m);
    return dynamics_patches_at(net, n, m, element_bytes) + (nfi_max(DYNAMICS_STRIP, m) + 1) * dynamics_ld_patch(net);
}

/* What is compiled once per precision. */
#define DYNAMICS_DECLARE(suffix)                                                                                                        \
    void nfi_dynamics_pack_##suffix(const nfi_dynamics *net, const nfi_kernels *k, const void *theta, void *packed, void *turned);      \
    void nfi_dynamics_reset_##suffix(const nfi_dynamics *net, uint64_t seed, uint32_t stream, void *theta);                             \
    void nfi_dynamics_value_##suffix(const nfi_dynamics *net, const nfi_kernels *k, int64_t n, int64_t m, const void *packed,           \
                                     const double *t, void *in, void *out, void *saved, void *scratch);                                \
    void nfi_dynamics_reverse_##suffix(const nfi_dynamics *net, const nfi_kernels *k, int64_t n, int64_t m, const void *turned,         \
                                       const double *t, const void *in, const void *saved, void *g_out, void *g_in, double *g_t,       \
                                       void *grad, void *scratch);
DYNAMICS_DECLARE(f32)
DYNAMICS_DECLARE(f64)

#endif
