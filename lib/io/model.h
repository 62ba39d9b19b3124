/* SPDX-License-Identifier: MIT
 *
 * model.h - model files and checkpoints: docs/model-format.md
 */
#ifndef NFI_IO_MODEL_H
#define NFI_IO_MODEL_H

#include "flow/flow.h"
#include "io/file.h"
#include "io/safetensors.h"

#define NFI_MODEL_FORMAT "1"
#define NFI_SELFTEST_ROWS 16

/* Keys of __metadata__. */
#define NFI_META_FORMAT "nflow.format"
#define NFI_META_PRODUCER "nflow.producer"
#define NFI_META_DESCRIPTION "nflow.description"
#define NFI_META_DESCRIPTION_CHECKSUM "nflow.description_checksum"
#define NFI_META_CHECKSUM "nflow.checksum"
#define NFI_META_CHECKPOINT "nflow.checkpoint"
#define NFI_META_CHECKPOINT_CHECKSUM "nflow.checkpoint_checksum"

/* A further tensor of a checkpoint, [count]; its name begins with "optim." or "train.". */
typedef struct nfi_extra {
    const char *name;
    int32_t dtype; /* NF_F32, NF_F64, NFI_DTYPE_I64 */
    int64_t count;
    void *data;
} nfi_extra;

/* A further number of a checkpoint: exactly one pointer is set. Numbers may be NaN or infinite. */
typedef struct nfi_state {
    const char *key;
    int64_t *integer;
    double *number;
} nfi_state;

nf_status nfi_checkpoint_save(const nf_flow *flow, const char *path, const nfi_extra *extras, int64_t n_extras, const nfi_state *state,
                              int64_t n_state);
/* The flow's description must be the checkpoint's; every extra and state asked for must be there with its length. All or nothing:
 * after a failure flow, extras and state are as before. The caller has begun the flow (nfi_flow_begin). */
nf_status nfi_checkpoint_load(nf_flow *flow, const char *path, nfi_extra *extras, int64_t n_extras, nfi_state *state, int64_t n_state);

/* What is saved besides the flow; state NULL: a model, not a checkpoint. */
typedef struct nfi_model_parts {
    const nfi_extra *extras;
    int64_t n_extras;
    const nfi_state *state;
    int64_t n_state;
    bool checkpoint;
} nfi_model_parts;

/* The file's bytes, freed with nfi_free(context of the flow, *bytes, *size, 1); bytes NULL: the size only. */
nf_status nfi_model_bytes(const nf_flow *flow, const nfi_model_parts *parts, void **bytes, int64_t *size, const char *function);
nf_status nfi_model_save(const nfi_io_ops *ops, const nf_flow *flow, const nfi_model_parts *parts, const char *path, const char *function);
/* "crc32c:" and 8 hex digits. */
void nfi_model_checksum_text(uint32_t crc, char out[16]);
/* Index of the first parameter in `theta` [count], in the host's order, that is not allowed: not finite, an sd that is not positive, a
 * flag that is not 0 or 1; -1: none. *name [96] is its tensor's. */
int64_t nfi_model_bad_parameter(const nf_flow *flow, const void *theta, char name[96]);
int64_t nfi_model_views(const nf_flow *flow);

#endif
