/* SPDX-License-Identifier: MIT
 *
 * reverse.h - reverse KL: the loss of a flow's own draws under an unnormalised target, and its gradient
 */
#ifndef NFI_FLOW_REVERSE_H
#define NFI_FLOW_REVERSE_H

#include "flow/gradient.h"

/* Memory for batches of any size, taken once. */
typedef struct nfi_reverse {
    char *dense;         /* a piece of dense_bytes for each slot; NULL where no layer needs it */
    int64_t dense_bytes;
} nfi_reverse;

/* What the caller found out about the draws of a batch. */
typedef struct nfi_target {
    const double *log_p; /* [n] */
    const double *grad;  /* [n][dim]: d log_p / dx */
    double beta;
    double baseline;     /* mean of the losses log q(x) - beta log p(x) */
    uint64_t seed;       /* draws of the batch are samples first, first + 1, ... of this seed */
    int64_t first;
    bool path;           /* the gradient through the draws alone */
} nfi_target;

/* NF_ERR_ARG where this flow cannot be trained so; the line, after `function`, says which layer is in the way. */
nf_status nfi_reverse_check(const nf_flow *flow, const char *function);
nf_status nfi_reverse_make(nfi_reverse *reverse, nf_maker *maker, const nf_flow *flow);
/* As nfi_flow_grad does, of draws batch->x of the flow: *sum is that of log q(x) - beta log p(x). */
nf_status nfi_reverse_grad(nf_flow *flow, const nfi_reverse *reverse, const nfi_target *target, const nfi_batch *batch, double *sum,
                           nfi_bad_rows *bad, const char *function);

#endif
