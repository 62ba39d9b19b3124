/* SPDX-License-Identifier: MIT
 *
 * optimizer.h - the inside of nf_optimizer: a rule, its moments and the pieces of the block it works on
 */
#ifndef NFI_OPTIM_OPTIMIZER_H
#define NFI_OPTIM_OPTIMIZER_H

#include "flow/flow.h"
#include "optim/rule.h"

#define NFI_OPTIM_CHUNK 16384 /* elements: the unit of parallel work */

/* A stretch of trained parameters with the same properties, inside one chunk. */
typedef struct nfi_piece {
    int64_t offset, n;
    double decay; /* 1: weight decay applies, 0: it does not */
} nfi_piece;

/* The trained parameters of a flow, in chunks: chunk c holds pieces first[c] .. first[c + 1] - 1. */
typedef struct nfi_pieces {
    int64_t n_pieces, n_chunks;
    nfi_piece *piece;
    int64_t *first;  /* [n_chunks + 1] */
    nf_context *context; /* borrowed: that of the memory */
    int64_t capacity;    /* of piece */
    int64_t chunk_capacity;
} nfi_pieces;

/* Lists the pieces of `flow`; memory is reused and grows only. NF_ERR_MEMORY leaves the list empty. */
nf_status nfi_pieces_build(nfi_pieces *pieces, nf_context *context, const nf_flow *flow);
/* The same without what flow matching does not train: all but elements [first, first + count), and NF_PARAM_NO_MATCH. */
nf_status nfi_pieces_match(nfi_pieces *pieces, nf_context *context, const nf_flow *flow, int64_t first, int64_t count);
void nfi_pieces_free(nfi_pieces *pieces);
/* grad += factor theta over the pieces that decay. */
void nfi_pieces_decay(const nfi_pieces *pieces, nf_flow *flow, double factor);

typedef union nfi_optimizer_config {
    nf_adam_config adam;
    nf_sgd_config sgd;
} nfi_optimizer_config;

struct nf_optimizer {
    nfi_object object;
    const nfi_optimizer_type *type;
    nfi_optimizer_config config; /* resolved */
    int32_t wide;                /* 1: the machine takes the rule's version for wide vectors */
    int64_t count;               /* elements of the moments; 0: no state yet */
    int32_t dtype;
    int64_t steps;
    double lr;
    void *m, *v; /* [count] of dtype; v NULL when the rule has one moment */
    nfi_pieces pieces;
};

/* Makes the moments (zeros) at first use, and lists the flow's pieces. NF_ERR_SHAPE, NF_ERR_DTYPE, NF_ERR_MEMORY. */
nf_status nfi_optimizer_bind(nf_optimizer *optimizer, nf_flow *flow, const char *function);
/* One update of a bound optimizer, the flow begun by the caller: see nf_optimizer_step_clipped. Packs the flow. */
nf_status nfi_optimizer_apply(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm, const char *function);

const nfi_config_type *nfi_optim_configs(int32_t i); /* NULL past the last */

#endif
