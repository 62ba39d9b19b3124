/* SPDX-License-Identifier: MIT
 *
 * safetensors.h - the container of model files: named tensors behind a JSON header
 *
 * u64 little-endian N, N bytes of JSON, tensor bytes from offset 0 in the order of the header, no hole, no overlap, no
 * trailing byte.
 */
#ifndef NFI_IO_SAFETENSORS_H
#define NFI_IO_SAFETENSORS_H

#include "io/json_text.h"

#define NFI_TENSOR_MAX_RANK 8
#define NFI_TENSOR_MAX_NAME 255
#define NFI_MAX_TENSORS 65536
#define NFI_DTYPE_I64 3   /* besides NF_F32 and NF_F64: int64_t */
#define NFI_DTYPE_OTHER 0 /* a type of the format that the library does not compute with */

typedef struct nfi_tensor {
    const char *name; /* of the container's */
    int32_t dtype;    /* NF_F32, NF_F64, NFI_DTYPE_... */
    int32_t rank;
    int64_t shape[NFI_TENSOR_MAX_RANK];
    int64_t count, bytes;
    const unsigned char *data; /* in the caller's bytes: any alignment, little-endian */
} nfi_tensor;

typedef struct nfi_container {
    nf_context *context;
    json_t *header; /* name -> index in tensors, once read */
    nfi_tensor *tensors;
    int64_t n_tensors;
    const unsigned char *payload;
    int64_t payload_size;
} nfi_container;

/* Validates everything about `bytes` that does not need its meaning. They are borrowed until the close. NF_ERR_FORMAT,
 * _LIMIT, _MEMORY; the container is empty then. */
nf_status nfi_container_open(nfi_container *container, nf_context *context, const void *bytes, int64_t size, const char *function);
void nfi_container_close(nfi_container *container);
const nfi_tensor *nfi_container_find(const nfi_container *container, const char *name); /* NULL: none */
const char *nfi_container_meta(const nfi_container *container, const char *key);        /* NULL: none */

/* Copies elements between the file's little-endian bytes and the host's. */
void nfi_tensor_copy(void *to, const void *from, int64_t count, int64_t width);
int64_t nfi_dtype_width(int32_t dtype);

/* What a writer puts in. Names are ASCII without control characters, data is the host's. */
typedef struct nfi_entry {
    const char *name;
    int32_t dtype;
    int32_t rank;
    int64_t shape[4];
    const void *data;
} nfi_entry;

/* A header under construction: metadata first, then tensors, 8-byte types before 4-byte ones, so that all are aligned. */
nf_status nfi_writer_finish(nfi_text *header, const nfi_entry *entries, int64_t n_entries, int64_t *file_size);
void nfi_writer_begin(nfi_text *header);
void nfi_writer_meta(nfi_text *header, const char *key, const char *value);
uint32_t nfi_writer_checksum(const nfi_entry *entries, int64_t n_entries); /* CRC-32C of the payload */
/* The whole file into buffer [file_size]. */
void nfi_writer_emit(const nfi_text *header, const nfi_entry *entries, int64_t n_entries, void *buffer);

#endif
