/* SPDX-License-Identifier: MIT
 *
 * workspace.h - the memory of one worker of one call
 *
 * One aligned block, laid out for `rows` rows (a multiple of the flow's quantum). Workspaces are kept in the flow's lock-free free list: a call
 * takes one (or makes one), and puts it back, so that calls after the first of a size allocate nothing.
 */
#ifndef NFI_FLOW_WORKSPACE_H
#define NFI_FLOW_WORKSPACE_H

#include "flow/flow.h"

/* The lowest row that a layer gave up, and why: nf_fail_row. */
typedef struct nfi_row_failure {
    int64_t row; /* of the call; -1: none */
    int64_t layer;
    nf_status status;
    char line[200];
} nfi_row_failure;

/* What continuous layers needed: nf_flow_solver_report. */
typedef struct nfi_solve_sums {
    int64_t solves, failed, accepted, rejected, evaluations; /* sums */
    int64_t accepted_max, rejected_max, evaluations_max;
} nfi_solve_sums;
void nfi_solve_sums_add(nfi_solve_sums *sums, const nfi_solve_sums *more);

struct nfi_workspace {
    nfi_row_failure failure;
    nfi_solve_sums solves; /* of the block */
    double *trace_error;   /* [rows] squared standard errors of log p, by probes, to be added to; NULL: not wanted */
    int64_t bytes, rows;
    int32_t train;     /* 1: acts and saved are there */
    int32_t recompute; /* 1: saved holds one tile: backward runs forward again */
    int64_t segment;   /* rows of a segment: no tile crosses the end of one. Most often there is only one, without end */
    char *state[2];    /* [rows][dim]: ping-pong of the chain */
    char *z;           /* [rows][dim] */
    char *raw;         /* [rows][cond_dim]: conditions as the caller gives them */
    char *cond;        /* [rows][condition.width]: as layers see them; without a stage raw itself */
    char *grad_cond;   /* [rows][condition.width]: dL/dcond, summed over layers; NULL: no embedding, or not for training */
    double *log_det, *weight, *spare; /* [rows] */
    uint64_t *key;     /* [rows] */
    uint8_t *bad;      /* [rows]: 1 where an input is not finite */
    char *scratch;
    char *acts, *saved;
};

/* NULL with the line recorded (NF_ERR_MEMORY, NF_ERR_OVERFLOW). */
nfi_workspace *nfi_workspace_take(const nf_flow *flow, int64_t rows, int32_t train);
void nfi_workspace_put(const nf_flow *flow, nfi_workspace *workspace);
void nfi_workspace_free_all(nf_flow *flow);
/* Bytes of a workspace; -1: too large to compute. */
int64_t nfi_workspace_bytes(const nf_flow *flow, int64_t rows, int32_t train, int32_t recompute);
/* Rows of a training block that fit the context's memory budget; *recompute: not even a tile's saved activations do. */
int64_t nfi_train_block_rows(const nf_flow *flow, int64_t rows, int32_t *recompute);

#endif
