/* SPDX-License-Identifier: MIT
 *
 * loss.h - the mean negative log-likelihood of a dataset
 */
#ifndef NFI_TRAIN_LOSS_H
#define NFI_TRAIN_LOSS_H

#include "data/dataset.h"
#include "flow/flow.h"

#define NFI_LOSS_ROWS 4096 /* rows of one evaluation */

/* Room for gathered rows. */
typedef struct nfi_rows {
    int64_t n; /* rows */
    void *x, *cond;
    double *weights, *log_prob;
} nfi_rows;

/* Buffers for n rows from `maker`; cond NULL for an unconditional flow. NF_ERR_MEMORY. */
nf_status nfi_rows_make(nfi_rows *rows, nf_maker *maker, const nf_flow *flow, int64_t n);
/* NF_ERR_SHAPE when the columns of `data` are not those of the flow. `what` names the argument. */
nf_status nfi_loss_check(const nf_flow *flow, const nf_dataset *data, const char *what);
/* sum w nll / sum w, rows in order; rows of weight 0 do not count. The sum is NaN when a row is, and the call then returns
 * NF_ROWS_NONFINITE. */
nf_status nfi_loss_mean(const nf_flow *flow, const nf_dataset *data, const nfi_rows *rows, double *mean, const char *function);

#endif
