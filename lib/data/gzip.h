/* SPDX-License-Identifier: MIT
 *
 * gzip.h - gzip files whose content says how long it is
 *
 * A compressed file can grow a thousandfold, so it is unpacked only as far as its content promises: the first bytes are a header that
 * tells the whole size, and exactly that many must come out. Memory grows with the bytes that came, not with the promise.
 */
#ifndef NFI_DATA_GZIP_H
#define NFI_DATA_GZIP_H

#include "data/source.h"

/* From the first `size` bytes: how many bytes are wanted in all to say more, or, when it returns a number <= size, that these are all.
 * `source` names the file in messages. */
typedef nf_status (*nfi_promise)(const nfi_source *source, const char *bytes, int64_t size, int64_t *wanted);

bool nfi_gzip_recognise(const char *bytes, int64_t size);
/* Unpacks source->bytes, members one behind the other, into out. NF_ERR_CORRUPT (damaged: the byte of the file), NF_ERR_FORMAT (less or more
 * than promised), NF_ERR_LIMIT (max_file_bytes holds for what comes out too), NF_ERR_MEMORY, NF_ERR_UNSUPPORTED (built without zlib), and
 * what promise returns. */
nf_status nfi_gunzip(const nfi_source *source, nfi_promise promise, nfi_buffer *out);

#endif
