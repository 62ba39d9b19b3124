/* SPDX-License-Identifier: MIT
 *
 * layer_type.h - writing a layer of your own (expert)
 *
 * A layer type is a const table of functions. Built-in layers use this very contract. A type registered with a context
 * (nf_context_register_layer) can be created by name, trained, checked, saved and loaded like any other. examples/custom_layer.c
 * is a whole one, docs/adding-a-layer.md the way to it.
 *
 * Life of a layer: `create` turns a resolved config (every default filled in) into `self`, the immutable hyper-parameters,
 * allocated with nf_maker_alloc and freed with the layer. `describe` tells sizes, `param` names the views of the layer's slice of
 * the flat block, `reset` writes initial weights, `forward`, `inverse`, `backward` work on tiles of rows.
 *
 * Operations are single-threaded, run in parallel on different tiles, and must not allocate, lock, print or keep state. They run
 * under the default floating-point state. They return NF_OK or a negative status, having put a line with nf_fail; the caller of
 * the flow gets that status, its line with the layer's place before it. A positive status becomes NF_ERR_CALLBACK. Sizes that
 * describe and param answer are checked when the layer is made; what operations write is trusted, so run nf_flow_check on a new
 * type. Leaving an operation by longjmp or a C++ exception is undefined.
 *
 * Rows are dense and row-major: in [n][dim], out [n][dim]. dim_out < dim (describe) factors columns out: the first dim_out
 * columns of `out` go on to the next layer, the others are final, and stand in z at the columns where they left.
 *
 * Slots are REQUIRED, or OPTIONAL with the meaning of NULL. Tables say their own size: one of another release is NF_ERR_VERSION.
 * Everything here since 0.1
 */
#ifndef NFLOW_LAYER_TYPE_H
#define NFLOW_LAYER_TYPE_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

#define NF_LAYER_TYPE_VERSION 1 /* of the built-in types; types of your own count their versions themselves */

/** Memory that lives as long as the layer: zeroed, 64-byte aligned; NULL when out of memory (line recorded: return
 * NF_ERR_MEMORY). Only within `create`. */
typedef struct nf_maker nf_maker;
NF_API void *nf_maker_alloc(nf_maker *maker, int64_t bytes);

/** Records a line, copied, for nf_last_error() of this thread, and returns `status`. NULL or "": the status's English. */
NF_API nf_status nf_fail(nf_status status, const char *line);

/** A tile: rows that an operation works on. Arrays of void are of `dtype`. */
typedef struct nf_tile {
    uint32_t struct_size;
    int32_t dtype;         /* NF_F32 or NF_F64 */
    int64_t n;             /* rows, >= 1, <= the tile_rows of describe */
    int64_t row;           /* index of row 0 within the call, for messages */
    const void *theta;     /* this layer's parameters */
    const void *packed;    /* what `pack` made of them */
    const void *packed_backward; /* and for backward alone; NULL where no backward can follow */
    void *grad;            /* this layer's slice of a gradient, to be added to; NULL: not wanted */
    const void *cond;      /* [n][cond_dim], or NULL */
    int64_t cond_dim;      /* columns of cond: those of the flow's embedding, where it has one; a layer that declares 0 ignores cond */
    void *grad_cond;       /* backward, match: [n][cond_dim] to be added to; NULL: not wanted. Flows want it where an embedding is trained */
    void *scratch;         /* as many bytes as describe asked for, 64-aligned, not cleared */
    double *log_det;       /* [n], to be added to by forward and inverse */
    const uint64_t *row_key; /* [n] keys of random numbers: the data row's number in fit, a hash of its bits elsewhere */
    uint64_t seed;         /* of the flow's noise */
    uint64_t epoch;        /* in fit; 0 elsewhere */
    uint32_t stream;       /* random streams of this place in the chain: stream .. stream + 255 */
    int32_t training;      /* 1: backward may follow and training tolerances apply */
    int32_t pass;          /* init: of init_passes */
    int32_t likelihood;    /* backward: 1: of log p alone, without what the layer adds to the loss of training (nf_flow_check) */
    int32_t precise;       /* 1: what is solved for is to be solved more precisely than asked for (nf_flow_check, of the maths alone) */
    int32_t reserved;
    void *failures;        /* private: nf_fail_row */
    const void *kernels;   /* private to built-in layers */
} nf_tile;

/**
 * Gives up row i of a tile, for a reason that is its own (a stiff row of an ODE, say): what forward or inverse writes for it does not
 * matter, its results become NaN, the other rows complete, and the call answers NF_ROWS_NONFINITE with `status` and `line` of the
 * first such row in nf_last_error(); in a strict context it answers NF_ERR_NONFINITE. In backward: the row's gradient is lost, and tile->grad
 * should be made NaN where a part of it was added. Only within these three.
 */
NF_API void nf_fail_row(const nf_tile *tile, int64_t i, nf_status status, const char *line);

/** What describe answers. All zero on entry but the first three. */
typedef struct nf_layer_info {
    uint32_t struct_size;
    int32_t dtype;        /* asked for */
    const void *kernels;  /* private to built-in layers */
    int64_t dim;          /* columns in */
    int64_t dim_out;      /* columns that go on; the others (dim - dim_out) are final. 0 means dim */
    int64_t cond_dim;     /* conditioning columns wanted, 0 none */
    int64_t tile_rows;    /* most rows a tile may have; 0: no limit of its own */
    int64_t saved_row;    /* bytes per row that forward keeps for backward; rounded up to 64. Inputs and outputs are kept anyway */
    int64_t scratch_row;  /* bytes of scratch per row of a tile ... */
    int64_t scratch_fixed; /* ... plus these */
    int64_t packed;       /* bytes that pack fills; 0: no pack */
    int64_t packed_backward; /* bytes that pack fills for backward alone: kept only by flows that take gradients */
    int64_t packed_parts; /* pack may be split into this many independent parts; 0 means 1 */
    int32_t needs_init;   /* 1: has `init` and wants data before training: until its frozen scalar parameter "initialised" is not 0 */
    int32_t inverse_is_iterative; /* 1: the inverse is solved for; informative */
    int32_t init_passes;  /* how often init is called, theta packed anew in between, tile->pass counting; 0 means once */
    int32_t discrete;     /* 1: x are whole numbers that forward spreads by noise: differences in x mean nothing, and checks look at what follows */
    double flop_row;      /* floating-point operations of forward's matrix products for a row; 0: 2 a parameter */
    int32_t wraps;        /* 1: columns of x are circles: turns are left out of what inverse answers, and checks look at what follows */
    int32_t reserved;
} nf_layer_info;

/* Properties of parameters. */
enum {
    NF_PARAM_FROZEN = 1,  /* not trained: constants and flags; its gradient stays zero */
    NF_PARAM_NO_DECAY = 2, /* weight decay and L2 leave it alone: biases, scales */
    NF_PARAM_NO_MATCH = 4 /* flow matching leaves it alone: times */
};

/** One named view of the flat block. */
typedef struct nf_param {
    uint32_t struct_size;
    int32_t properties;
    char name[64];  /* "net.0.weight"; model files put "layers.<i>." before it */
    int64_t offset; /* in elements, from the start of the layer's slice */
    int32_t rank;   /* 0..4; 0 is a scalar */
    int32_t reserved;
    int64_t shape[4];
} nf_param;

/** The operations, per precision. */
typedef struct nf_layer_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* OPTIONAL (NULL: zeros). Initial parameters; random ones from (seed, stream). */
    nf_status (*reset)(const void *self, uint64_t seed, uint32_t stream, void *theta);
    /* OPTIONAL (NULL: no such). Data-dependent initialisation from x [n][dim], all rows of the initial batch, however many tile_rows are
     * allowed elsewhere; the tile's theta and packed are the present ones, its log_det is not used, its scratch serves tile_rows rows.
     * Writes theta, all or nothing; the flag "initialised" in its last pass. */
    nf_status (*init)(const void *self, const nf_tile *tile, const void *x, void *theta);
    /* OPTIONAL (NULL: nothing is packed). Rearranges theta into `packed` and `packed_backward`, either of which may be NULL: not
     * wanted; part in [0, packed_parts). Called after every change of theta. Must not fail. */
    void (*pack)(const void *self, const void *kernels, const void *theta, void *packed, void *packed_backward, int64_t part);
    /* REQUIRED. out = f(in), tile->log_det += log|det d out / d in|; keeps what backward needs in saved [n][saved_row]
     * (NULL: no backward will follow). in and out do not overlap. */
    nf_status (*forward)(const void *self, const nf_tile *tile, const void *in, void *out, void *saved);
    /* OPTIONAL (NULL: NF_ERR_NOT_INVERTIBLE). in = f^-1(out), tile->log_det += log|det d in / d out|. */
    nf_status (*inverse)(const void *self, const nf_tile *tile, const void *out, void *in);
    /* REQUIRED. g holds dL/d out and becomes dL/d in; g_log_det [n] is dL/d log_det. Adds to tile->grad and
     * tile->grad_cond where they are not NULL. in, out, saved are those of the forward call on the same rows. */
    nf_status (*backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                          void *g, const double *g_log_det);
    /* OPTIONAL (NULL: none). Tangents: d_out = J d_in along with out and log_det; d_log_det [n] added to. No call of 0.1 uses it. */
    nf_status (*jvp)(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                     double *d_log_det);
    /* OPTIONAL (NULL: all finite values will do). Refuses parameters from a file that the layer cannot work with: NF_ERR_FORMAT. */
    nf_status (*check)(const void *self, const void *theta);
    /* OPTIONAL (NULL: the layer cannot be trained by flow matching). in and out are rows that are to be joined, x and z, not f(x); the
     * layer has dim_out = dim. loss[i] (overwritten) is how far row i is from that, at a time drawn from its row_key, stream and epoch;
     * adds sum_i h[i] dloss[i]/dtheta to tile->grad, and h[i] dloss[i]/dcond to tile->grad_cond where it is not NULL. grad NULL: the loss alone,
     * and packed_backward may be NULL. Parameters with NF_PARAM_NO_MATCH get no gradient. */
    nf_status (*match)(const void *self, const nf_tile *tile, const void *in, const void *out, const double *h, double *loss);
    /* OPTIONAL (NULL: solved for, from dim calls of backward). backward of in = f^-1(out), as far as rows go: g holds v = dL/d in and
     * becomes w = dL/d out, with J^T w = v, J = d out / d in; log_det has no part in it. in, out, saved are those of the forward call
     * on the same rows. Nothing is added to tile->grad. */
    nf_status (*inverse_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g);
} nf_layer_ops;

/** A layer type. Static: it must outlive every context it is registered with. */
typedef struct nf_layer_type {
    uint32_t struct_size;
    uint32_t version;     /* of the parameter layout and the config, from 1: stored in model files; a file of a later one is refused */
    const char *name;     /* stored in model files: never rename. [a-z0-9_], at most 48 characters */
    uint32_t config_size; /* of the config struct that create takes */
    uint32_t config_first_size; /* its size in its first release */
    const nf_field *fields; /* the config's fields; a field dim or cond_dim is held to the context's max_dim before create */
    int32_t n_fields;
    int32_t reserved;
    /* REQUIRED. config is resolved and its arrays live as long as the layer. The function may normalise config in place: what it leaves
     * is what model files describe. */
    nf_status (*create)(nf_maker *maker, void *config, void **self);
    /* OPTIONAL (NULL: nothing to free). Frees what create took from elsewhere than the maker. */
    void (*destroy)(void *self);
    /* REQUIRED. Asked once per precision that has operations, and again when a flow is made; the columns must be the same in both. */
    nf_status (*describe)(const void *self, nf_layer_info *info);
    /* OPTIONAL (NULL: no parameters). View i in order of offset, views are contiguous; NF_ERR_ARG past the last. */
    nf_status (*param)(const void *self, int32_t i, nf_param *param);
    const nf_layer_ops *f32; /* NULL: not available in this precision; one table may serve both */
    const nf_layer_ops *f64;
} nf_layer_type;

/**
 * Makes a type known to a context: nf_layer_create, nf_flow_from_json and nf_flow_load find it by its name. The table is borrowed
 * for the context's life.
 * NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_ARG (a REQUIRED slot is NULL, a bad name, or a name already taken), NF_ERR_LIMIT (256 types
 * a context), NF_ERR_VERSION, NF_ERR_MEMORY: the context is as before. Threads: any.
 */
NF_API nf_status nf_context_register_layer(nf_context *context, const nf_layer_type *type);
/** Creates a layer of a type, registered or not; answers as nf_layer_create and nf_context_register_layer do. To load its models
 * the type must be registered. */
NF_API nf_status nf_layer_create_custom(nf_layer **out, nf_context *context, const nf_layer_type *type, const void *config);

NF_END_DECLS
#endif
