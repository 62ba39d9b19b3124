/* SPDX-License-Identifier: MIT
 *
 * match.h - flow matching: the loss of a batch, and its gradient
 */
#ifndef NFI_FLOW_MATCH_H
#define NFI_FLOW_MATCH_H

#include "flow/flow.h"
#include "math/assignment.h"

#define NFI_MATCH_MOST 4096 /* rows of a batch that are paired by transport: 128 MiB of costs */
/* The epoch of losses that are compared with one another; training has none so late. */
#define NFI_MATCH_FIXED ((uint64_t)1 << 30)

/* Memory for batches of up to `rows` rows, taken once. */
typedef struct nfi_match {
    int64_t rows;
    int32_t transport; /* 1: rows are paired by the least cost */
    char *x, *z;       /* [rows][dim of the last layer]: its rows in, and draws of what should come out */
    double *loss;      /* [rows] */
    char *unpaired;    /* transport alone: as z */
    int64_t *column;   /* [rows] */
    double *cost;      /* [rows][rows] */
    nfi_assignment assignment;
} nfi_match;

/* NF_ERR_ARG where this flow cannot be trained by flow matching so; the line, after `function`, says which layer is in the way. */
nf_status nfi_match_check(const nf_flow *flow, int32_t transport, int64_t rows, const char *function);
nf_status nfi_match_make(nfi_match *match, nf_maker *maker, const nf_flow *flow, int32_t transport, int64_t rows);
/* As nfi_flow_grad does: *sum is that of the losses, each times its weight. Keys are required. Rows that cannot be led to the last layer
 * are bad, and then there is no gradient. */
nf_status nfi_match_grad(nf_flow *flow, nfi_match *match, const nfi_batch *batch, double *sum, nfi_bad_rows *bad, const char *function);
/* The losses alone, in match->loss [batch->n]; NF_ROWS_NONFINITE: some are NaN. */
nf_status nfi_match_losses(const nf_flow *flow, nfi_match *match, const nfi_batch *batch, const char *function);

#endif
