/* SPDX-License-Identifier: MIT
 *
 * flow.h - the inside of nf_flow: composition, the flat block, plan, execution
 */
#ifndef NFI_FLOW_FLOW_H
#define NFI_FLOW_FLOW_H

#include "bases/base.h"
#include "flow/condition.h"
#include "layers/layer.h"
#include <nflow/flow.h>

/* One place of a layer in the chain. */
typedef struct nfi_place {
    nf_layer *layer;
    nf_layer_info info;
    int64_t theta;  /* offset of its slice in the block, elements */
    int64_t packed, packed_backward; /* offsets in bytes in the packed blocks */
    int64_t in, out; /* where its rows in and out are kept in training: bytes a row before them in workspace.acts */
    int64_t saved;   /* the same in workspace.saved */
    uint32_t stream;
} nfi_place;

#define NFI_TILE_ROWS 128
#define NFI_BLOCK_ROWS 1024
#define NFI_TILE_ELEMENTS 65536   /* of a tile of wide rows: 256 KiB in f32 ... */
#define NFI_SMALL_ELEMENTS 4096   /* ... and where some layer wants tiles of few rows: blocks are multiples of the largest tile */
#define NFI_BLOCK_ELEMENTS 131072 /* the same of a block that is evaluated */
#define NFI_ROW_WEIGHT 16         /* most table rows that an image counts for, when a batch is cut into slots */
#define NFI_GRAD_CHUNK 16384 /* elements of the gradient that one task adds and squares */
#define NFI_WORKSPACES 64 /* kept for reuse: concurrent calls beyond this many allocate each time */
typedef struct nfi_workspace nfi_workspace;

struct nf_flow {
    nfi_object object;
    int32_t dtype;
    int64_t size; /* bytes of an element */
    uint64_t seed;
    int64_t dim, cond_dim, n_places, count, packed_bytes, packed_backward_bytes; /* cond_dim: of calls; layers see condition.width */
    int64_t act_row, saved_row;          /* bytes a row kept in training */
    int64_t saved_most;                  /* most bytes that one tile of one layer saves */
    int64_t scratch;                     /* most bytes that a tile of any layer or of the base needs */
    bool factors;                        /* some layer factors columns out */
    int64_t tile_most;                   /* most rows of a tile of any place: blocks and slots are whole multiples of it */
    int64_t tile_base;                   /* rows of the base's tiles */
    int64_t block_most;                  /* rows of a block that is evaluated */
    int64_t quantum;                     /* blocks are multiples of it: 16, or less for rows that fill a tile alone */
    int64_t row_weight;                  /* table rows that a row counts for */
    double flop_row;                     /* matrix products of one row of log_prob */
    nfi_place *places;
    nf_base *base;
    nfi_base_info base_info;
    int64_t base_theta, base_packed, base_packed_backward; /* as of a place */
    nfi_condition condition;
    const nfi_kernels *kernels;
    void *theta, *packed;
    _Atomic(void *) packed_backward; /* NULL until a backward pass is wanted: nfi_flow_need_backward */
    void *grad;                      /* NULL until a gradient is wanted: nfi_flow_need_grad */
    atomic_int busy; /* 1: an exclusive call is running */
    bool precise;    /* solvers take shorter steps than they were asked to: nf_flow_check's copy */
    bool lent;       /* nf_flow_params gave theta away: pack before each exclusive computation */
    bool grad_lent;  /* nf_flow_params gave grad away: it always holds what it means */
    bool grad_clean; /* grad means zeros, whatever it holds: the next gradient writes each slice when it comes to it */
    double *squares; /* [NFI_GRAD_CHUNK elements each]: sums of squares of the gradient; with grad */
    bool squares_known; /* squares are those of what grad holds now */
    void *slots;     /* n_slots buffers [count] of gradients beside grad */
    int64_t n_slots;
    _Atomic(nfi_workspace *) free_list[NFI_WORKSPACES];
};

static inline int64_t nfi_grad_chunks(const nf_flow *flow) { return (flow->count + NFI_GRAD_CHUNK - 1) / NFI_GRAD_CHUNK; }

/* nf_flow_create without drawing weights: they are zero, and the caller fills them in and packs. */
nf_status nfi_flow_create_bare(nf_flow **out, nf_context *context, const nf_flow_config *config, nf_base *base,
                               nf_layer *const *layers, int64_t n_layers);
nf_status nfi_flow_begin(nf_flow *flow, const char *function); /* exclusive: NF_ERR_BUSY */
void nfi_flow_end(nf_flow *flow);
/* Euclidean norm of the gradient block, exclusive: the same bits for any number of threads. */
double nfi_flow_grad_norm(nf_flow *flow);
/* Parameters [count] of a file, finite, that every layer can work with: NF_ERR_FORMAT, the line names the layer. */
nf_status nfi_flow_check_theta(const nf_flow *flow, const void *theta);
void nfi_flow_clear_grad(nf_flow *flow);  /* the gradient block means zeros */
void *nfi_flow_grad_block(nf_flow *flow); /* the gradient block, zeros written out if they were only meant */
/* What takes gradients has more memory than what evaluates: made at the first need. NF_ERR_MEMORY, nothing changed. A const flow may
 * come by the first from several threads at once. */
nf_status nfi_flow_need_backward(const nf_flow *flow);
nf_status nfi_flow_need_grad(nf_flow *flow);
void nfi_flow_pack_place(const nf_flow *flow, const nfi_place *place, void *packed, void *packed_backward); /* of the whole flow */
void nfi_flow_pack(nf_flow *flow);  /* theta -> packed, in parallel over places and the base: after every change of theta */

/* The gradient of the weighted NLL sum over rows: adds to flow->grad; *nll_sum, *weight_sum. For train and the public call; the flow is
 * begun by the caller. x, cond of the flow's dtype. keys [n]: random-number keys of the rows (NULL: hash of bits); scale multiplies the
 * loss (1 / sum of weights for the mean). */
typedef struct nfi_batch {
    int64_t n;
    const void *x, *cond;
    const double *weights;   /* NULL: ones */
    const uint64_t *keys;    /* NULL: hash */
    uint64_t epoch;
    double scale;
    bool likelihood;         /* of log p alone, without what layers add to the loss of training */
    bool no_gradient;        /* the loss only: that of training, with its noise; the gradient block stays as it is */
} nfi_batch;
/* Rows without a finite loss. */
typedef struct nfi_bad_rows {
    int64_t count, first; /* first is -1 where there are none */
    char reason[240];     /* ": NF_ERR_...: ..." where a layer gave the first one up, else "" */
} nfi_bad_rows;
/* The caller has begun the flow and entered the default floating-point state. */
nf_status nfi_flow_grad(nf_flow *flow, const nfi_batch *batch, double *nll_sum, nfi_bad_rows *bad, const char *function);
/* How nfi_flow_grad would cut n rows: buffers of all parameters beside the gradient block, rows that a worker keeps at once, whether it
 * computes hidden activations twice, and how many workers there are. */
typedef struct nfi_grad_sizes {
    int64_t buffers, rows, workers;
    int32_t recompute;
} nfi_grad_sizes;
nfi_grad_sizes nfi_flow_grad_sizes(const nf_flow *flow, int64_t n);
/* The memory of nfi_flow_grad for batches of n rows, taken beforehand; the flow is begun by the caller. */
nf_status nfi_flow_reserve_grad(nf_flow *flow, int64_t n);
/* log_prob of a const flow in its dtype; the engine behind the public calls; no boundary checks. */
nf_status nfi_flow_log_prob(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob, const char *function);
nf_status nfi_flow_init_data(nf_flow *flow, int64_t n, const void *x, const void *cond, const char *function); /* begun by the caller */
bool nfi_flow_wants_init(const nf_flow *flow); /* a layer with needs_init whose "initialised" parameter is 0 */

/* Ranges of the block with the same properties, ascending: for decay and clipping. Returns false past the last. */
bool nfi_flow_range(const nf_flow *flow, int64_t index, int64_t *offset, int64_t *count, int32_t *properties, char name[96]);

const nfi_config_type *nfi_flow_configs(int32_t i); /* NULL past the last */

#endif
