/* SPDX-License-Identifier: MIT
 *
 * model.h - model files and descriptions: see docs/model-format.md
 */
#ifndef NFLOW_MODEL_H
#define NFLOW_MODEL_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/**
 * Saves a flow as a safetensors file, atomically and durably: after any failure or crash the path holds the old file or the new
 * one, whole. Rows x [n_rows][dim] (NULL: rows drawn from the flow) become the self-test rows of _with_rows.
 * NF_ERR_IO (path and the system's reason), NF_ERR_NONFINITE (a parameter is not finite), NF_ERR_MEMORY. Shared-read.
 */
NF_API nf_status nf_flow_save(const nf_flow *flow, const char *path);
NF_API nf_status nf_flow_save_memory(const nf_flow *flow, void *buffer, int64_t capacity, int64_t *size); /* buffer NULL: size only; too small: NF_ERR_SHAPE */

/** Loads and validates. NF_ERR_IO, NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_CORRUPT, NF_ERR_LIMIT, NF_ERR_MEMORY; *out NULL then. */
NF_API nf_status nf_flow_load(nf_flow **out, nf_context *context, const char *path);
NF_API nf_status nf_flow_load_memory(nf_flow **out, nf_context *context, const void *bytes, int64_t size);

/** Recomputes the self-test rows of a file: *max_error = max |log_prob - stored|; NF_ERR_CORRUPT beyond the bound of the dtype,
 * NF_ERR_STATE when the file has none. */
NF_API nf_status nf_flow_verify(nf_context *context, const char *path, double *max_error, int64_t *rows);

/** A flow from its description (the JSON text of model files), with fresh weights; and the description of a flow, ending in NUL:
 * *size counts the NUL; buffer NULL: size only. */
NF_API nf_status nf_flow_from_json(nf_flow **out, nf_context *context, const char *description);
NF_API nf_status nf_flow_to_json(const nf_flow *flow, char *buffer, int64_t capacity, int64_t *size);

NF_END_DECLS
#endif
