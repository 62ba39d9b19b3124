/* SPDX-License-Identifier: MIT
 *
 * job.h - one public computing call, split into blocks of rows that workers take
 *
 * A job holds what the caller passed and what the blocks found out: the first failure (of the lowest block, so that the
 * answer does not depend on scheduling) and the rows that are not finite.
 */
#ifndef NFI_FLOW_JOB_H
#define NFI_FLOW_JOB_H

#include "flow/workspace.h"

typedef struct nfi_job nfi_job;
struct nfi_job {
    const char *function;
    const nf_flow *flow;
    int64_t n, block;
    const char *in, *cond; /* [n][dim], [n][cond_dim] of the flow's dtype; in NULL: sample */
    char *out;             /* [n][dim] or NULL */
    double *value;         /* [n] log_prob or log_det, or NULL */
    uint64_t seed;         /* sample */
    int64_t first;
    double temperature;
    bool density;          /* of the density itself, whatever temperatures the base has for samples */
    nf_status (*run)(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n);
    /* found out */
    atomic_flag lock;
    nf_status status;
    int64_t status_block;
    char line[400];
    atomic_llong n_bad, first_bad;
    nfi_row_failure failure; /* of the lowest row that a layer gave up */
    nfi_solve_sums *solves;  /* added up over blocks; NULL: not wanted */
};

/* Where a backward pass adds gradients. Each segment of rows has a sum of its own: the first segment's is `block` itself, the
 * others' are made in `extra`, one slice at a time, and added to the block's slice at once, while both are in the cache. */
typedef struct nfi_grad {
    char *block; /* of all parameters; NULL: not wanted */
    bool fresh;  /* what block holds counts as zeros: each slice is cleared just before its layer adds to it */
    char *extra; /* room for the largest slice; NULL where there is one segment */
    bool later;  /* the first segment goes through extra too: earlier ones stand in block already */
    bool likelihood; /* of log p alone: nf_tile */
} nfi_grad;
/* Around each tile [i, end) of a block of n rows: where its layer's slice [theta, theta + count) adds up (NULL: not wanted), cleared
 * at a segment's first tile; and what is done after its last. */
void *nfi_grad_open(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad, int64_t theta, int64_t count, int64_t i);
void nfi_grad_close(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad, int64_t theta, int64_t count, int64_t end, int64_t n);
/* Rows of the tile that begins at row i of a block of n, `most` at most. */
static inline int64_t nfi_tile_size(const nfi_workspace *w, int64_t i, int64_t n, int64_t most)
{
    return nfi_min(nfi_min(most, n - i), w->segment - i % w->segment);
}

/* Runs the job over all blocks; returns its status with the line recorded, outputs NaN after a failure. */
nf_status nfi_job_run(nfi_job *job);

/* Loads rows [row, row + n) of the job's input and cond into the workspace, cond through the flow's stage; sets bad, log_det = 0, keys. */
void nfi_chain_load(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n, char *state);
/* z = f(state): leaves z in w->z; adds to w->log_det. keep: 1 stores acts and saved for a backward pass. */
nf_status nfi_chain_forward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, int32_t keep, uint64_t epoch);
/* x = f^-1(w->z): leaves x in w->state[0]. */
nf_status nfi_chain_inverse(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n);
/* w->z holds dL/dz, w->weight dL/dlog_det: w->z becomes dL/dx. After nfi_chain_forward with keep, and where there is an embedding after the
 * base's backward (nfi_grad_base), which adds to the same dL/dcond: the gradient ends with the embedding's. */
nf_status nfi_chain_backward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const nfi_grad *grad, uint64_t epoch);
/* The way of the inverse back: w->z holds dL/dx, of x = f^-1(z), and becomes dL/dz, J^T dL/dz = dL/dx. After nfi_chain_forward with keep.
 * dense: flow/dense.h. */
nf_status nfi_chain_inverse_backward(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, void *dense, uint64_t epoch);
/* z [n][dim] once more, into `to`, of nfi_chain_forward with keep; x are the rows that it began with. */
void nfi_chain_kept_z(const nf_flow *flow, const nfi_workspace *w, int64_t n, const char *x, char *to);
/* log_det += log p_base(z) */
nf_status nfi_chain_base(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n);
/* Through all layers but the last: *in [n][dim of the last] is what it would get, and stays until the workspace is used again. */
nf_status nfi_chain_lead(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, uint64_t epoch, const char **in);
/* The last layer's match, over rows in and out of it, and the embedding's gradient of it: w->weight are weights of losses, which become
 * w->spare. */
nf_status nfi_chain_match(const nf_flow *flow, nfi_workspace *w, int64_t row, int64_t n, const char *in, const char *out, const nfi_grad *grad,
                          uint64_t epoch);
/* The tile of rows [i, i + n) of a block that starts at `row`; place NULL: the base's. */
nf_tile nfi_chain_tile(const nf_flow *flow, const nfi_place *place, const nfi_workspace *w, int64_t row, int64_t i, int64_t n);

#endif
