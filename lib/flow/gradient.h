/* SPDX-License-Identifier: MIT
 *
 * gradient.h - a gradient over a batch: slots of rows, their order of sums, and the failures of each
 */
#ifndef NFI_FLOW_GRADIENT_H
#define NFI_FLOW_GRADIENT_H

#include "flow/job.h"

#define NFI_GRAD_SLOTS 8

/* How n rows are cut up. */
typedef struct nfi_grad_plan {
    int64_t n_slots, slot_rows;
    int64_t group; /* slots that one worker takes at once; 0: a worker a slot */
} nfi_grad_plan;

typedef struct nfi_grad_job nfi_grad_job;
struct nfi_grad_job {
    nfi_job job; /* the caller's rows, as for evaluation */
    nf_flow *flow;
    const nfi_batch *batch;
    /* Rows [row, row + n) of a worker: adds gradients to `grad`, weights and losses by nfi_grad_count. Slices that it never opens mean
     * nothing afterwards. */
    nf_status (*block)(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad);
    nfi_grad_plan plan;
    struct nfi_grad_slot {
        nf_status status;
        double loss;
        int64_t n_bad, first_bad;
        char line[304]; /* of status; NF_OK: why first_bad is bad */
    } slot[NFI_GRAD_SLOTS];
};

static inline double nfi_grad_weight(const nfi_grad_job *g, int64_t row)
{
    return g->batch->weights ? nfi_get_f64(g->batch->weights, row) : 1.0;
}
/* Row i of the block that begins at `row`, with its loss: into its slot's sum, or, where it has none or is marked bad, marked and counted
 * so. Returns whether it has one. */
bool nfi_grad_count(nfi_grad_job *g, nfi_workspace *w, int64_t row, int64_t i, double loss);
/* w->z holds z and becomes w->weight dlog p_base/dz, of which w->state[1] has a copy. */
nf_status nfi_grad_base(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad);
/* Cuts up the batch and runs `block` over it. The gradient block has the gradient, *sum the weighted sum of losses; after a failure
 * the gradient is zeros. The caller has begun the flow and entered the default floating-point state. */
nf_status nfi_grad_run(nfi_grad_job *g, double *sum, nfi_bad_rows *bad);

#endif
