/* SPDX-License-Identifier: MIT
 *
 * source.h - whole files in memory, and memory for libraries that ask for blocks
 */
#ifndef NFI_DATA_SOURCE_H
#define NFI_DATA_SOURCE_H

#include "data/read.h"

/* Bytes that grow. A zeroed one is empty. */
typedef struct nfi_buffer {
    char *bytes;
    int64_t size, capacity;
} nfi_buffer;

/* Room for at least `wanted` bytes in all; at least twice the old room when it grows. NF_ERR_OVERFLOW, NF_ERR_MEMORY: as before. */
nf_status nfi_buffer_grow(nfi_buffer *buffer, nf_context *context, int64_t wanted);
void nfi_buffer_free(nfi_buffer *buffer, nf_context *context);

/* NF_ERR_IO with the path, what could not be done and the reason; NF_ERR_MEMORY for ENOMEM. */
nf_status nfi_source_fail_io(const nfi_source *source, const char *what, int number);
/* Reads the file source->name to its end; whatever its size claims, never more than the context's max_file_bytes. What the buffer
 * held is overwritten. *folder: it is a directory and nothing was read (NULL: that is an error). */
nf_status nfi_source_read(const nfi_source *source, nfi_buffer *buffer, bool *folder);
/* NF_ERR_LIMIT: the file is larger than the context allows. */
nf_status nfi_source_fail_large(const nfi_source *source);

/* A block of the context's memory that knows its size, as zlib and libpng ask for it. NULL: refused, line recorded. */
void *nfi_block_alloc(nf_context *context, int64_t size);
void nfi_block_free(nf_context *context, void *block); /* NULL accepted */

#endif
