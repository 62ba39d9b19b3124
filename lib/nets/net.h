/* SPDX-License-Identifier: MIT
 *
 * net.h - what layers ask of a network, whatever its kind: value, tangent and reverse on tiles of rows
 *
 * A row goes in as a vector, of columns kept and of conditioning columns, and comes out as a vector. Kinds: multilayer perceptrons
 * (mlp.h), convolutions over images (conv.h). Row buffers are [n][ld_in] and [n][ld_out], both multiples of 16 elements.
 */
#ifndef NFI_NETS_NET_H
#define NFI_NETS_NET_H

#include "core/memory.h"
#include "math/kernels.h"
#include <nflow/layer_type.h>

/* Rows that a data-dependent initialisation sees, in parts: `fill` writes rows [first, first + n) into in [n][ld_in]. */
typedef struct nfi_net_data {
    void (*fill)(const void *user, int64_t first, int64_t n, void *in);
    const void *user;
    int64_t n;      /* all rows */
    int64_t most;   /* rows of a part, at most */
    void *in;       /* room for a part */
    void *scratch;  /* as for value, of `most` rows */
} nfi_net_data;

/* One kind. `net` is its state; sizes are in bytes; kernels tell the dtype; every pointer to reals is of that dtype. */
typedef struct nfi_net_ops {
    int32_t (*param_count)(const void *net);
    /* View i, named "<prefix>.<name>", its offset after theta_offset. */
    void (*param)(const void *net, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param);
    int64_t (*packed_bytes)(const void *net, const nfi_kernels *kernels);  /* for value and jvp, multiple of 64 */
    int64_t (*turned_bytes)(const void *net, const nfi_kernels *kernels);  /* for reverse, multiple of 64 */
    int64_t (*saved_bytes)(const void *net, const nfi_kernels *kernels);   /* per row */
    int64_t (*scratch_bytes)(const void *net, const nfi_kernels *kernels); /* per row, multiple of 64 ... */
    int64_t (*scratch_fixed)(const void *net, const nfi_kernels *kernels); /* ... plus these; NULL: none */
    void (*pack)(const void *net, const nfi_kernels *kernels, const void *theta, void *packed, void *turned); /* NULL: not wanted */
    void (*reset)(const void *net, int32_t dtype, uint64_t seed, uint32_t stream, void *theta);
    /* out of in; may write columns of `in` beyond its width. saved NULL: nothing is kept. */
    void (*value)(const void *net, const nfi_kernels *kernels, int64_t n, const void *packed, void *in, void *out, void *saved, void *scratch);
    /* g_out = dL/dout (destroyed) -> g_in = dL/din, NULL: not wanted; grad += dL/dtheta, NULL: not wanted. */
    void (*reverse)(const void *net, const nfi_kernels *kernels, int64_t n, const void *turned, const void *in, const void *saved,
                    void *g_out, void *g_in, void *grad, void *scratch);
    /* d_out = J d_in along with out; twice the scratch. */
    void (*jvp)(const void *net, const nfi_kernels *kernels, int64_t n, const void *packed, void *in, const void *d_in, void *out,
                void *d_out, void *scratch);
    /* Pass `pass` of init_passes of a data-dependent initialisation: writes theta, all or nothing. NULL: none. */
    nf_status (*init)(const void *net, const nfi_kernels *kernels, int32_t pass, const nfi_net_data *data, const void *packed, void *theta);
} nfi_net_ops;

typedef struct nfi_net {
    const nfi_net_ops *ops;
    const void *self;
    int64_t theta_count;   /* elements */
    int64_t ld_in, ld_out; /* elements */
    int64_t tile_rows;     /* rows that fill the kernels; 0: as many as there may be */
    int32_t init_passes;
    double flop_row;       /* of the matrix products of value */
} nfi_net;

static inline int64_t nfi_net_scratch_fixed(const nfi_net *net, const nfi_kernels *kernels)
{
    return net->ops->scratch_fixed ? net->ops->scratch_fixed(net->self, kernels) : 0;
}

#endif
