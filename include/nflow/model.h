/* SPDX-License-Identifier: MIT
 *
 * model.h - model files and descriptions: see docs/model-format.md
 *
 * A model file is a safetensors file: the flow's description as JSON text, its parameters as named tensors, checksums, and rows
 * with which it checks itself. It is data only: nothing in it is a path, a command or code. Equal flows give equal bytes. Files
 * of 1.0 and later load for ever; before that the changelog says what does not. Everything here since 0.1
 */
#ifndef NFLOW_MODEL_H
#define NFLOW_MODEL_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/**
 * Saves a flow, atomically and durably: after any failure or crash the path holds the old file or the new one, whole. A symbolic
 * link is followed, and the file that it leads to replaced; the old file's mode is kept. The file carries 16 self-test rows,
 * drawn from the flow itself; a flow that cannot be sampled is saved without.
 * NF_ERR_IO (path and the system's reason), NF_ERR_NONFINITE (a parameter is not finite, or has a value that no loader would
 * take), NF_ERR_LIMIT (a header over 1 MiB, over 65536 tensors), NF_ERR_MEMORY. Shared-read; allocates about the size of the
 * file.
 */
NF_API nf_status nf_flow_save(const nf_flow *flow, const char *path);
/** Saves a flow into memory: the bytes of nf_flow_save into buffer [capacity]; *size is their number. buffer NULL: the size
 * only. NF_ERR_SHAPE: capacity is too small, *size tells what is needed, buffer untouched. */
NF_API nf_status nf_flow_save_memory(const nf_flow *flow, void *buffer, int64_t capacity, int64_t *size);

/**
 * Loads a flow from a file, or from memory: `size` bytes, borrowed for the call. All of it is checked: layout, checksums,
 * description, shapes, values; a file that passes can be used without further checks. Layer types of your own must be registered
 * with the context. A checkpoint of nf_flow_fit loads as the model that it holds. *out is NULL after failure:
 * NF_ERR_IO, NF_ERR_FORMAT (not a model file, or one that contradicts itself), NF_ERR_VERSION (of a newer format or layer, or an
 * unknown layer type), NF_ERR_CORRUPT (a checksum), NF_ERR_LIMIT (max_file_bytes, max_layers, max_dim ...), NF_ERR_ARG (size <
 * 0), NF_ERR_MEMORY.
 */
NF_API nf_status nf_flow_load(nf_flow **out, nf_context *context, const char *path);
NF_API nf_status nf_flow_load_memory(nf_flow **out, nf_context *context, const void *bytes, int64_t size);

/**
 * Loads a file and recomputes its self-test rows: *max_error = max |log_prob - stored|, *rows their number; both may be NULL.
 * NF_ERR_CORRUPT: an error beyond 1e-3 (f32) or 1e-9 (f64), relative where |log_prob| > 1. NF_ERR_STATE: the file has no such
 * rows. Else as nf_flow_load, with *max_error NaN.
 */
NF_API nf_status nf_flow_verify(nf_context *context, const char *path, double *max_error, int64_t *rows);

/**
 * Makes a flow from a description: the JSON text that model files carry, with fresh weights from its seed. Unknown keys, missing
 * required ones and values out of range are NF_ERR_FORMAT, and the line names place and value: "layers[3]: bound is 99".
 * NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_LIMIT, NF_ERR_MEMORY: *out NULL.
 */
NF_API nf_status nf_flow_from_json(nf_flow **out, nf_context *context, const char *description);
/** Describes a flow as JSON text: with its NUL, into buffer [capacity]; *size counts the NUL. buffer NULL: the size only.
 * NF_ERR_SHAPE as nf_flow_save_memory. Shared-read. */
NF_API nf_status nf_flow_to_json(const nf_flow *flow, char *buffer, int64_t capacity, int64_t *size);

NF_END_DECLS
#endif
