/* SPDX-License-Identifier: MIT
 *
 * gzip_none.c - a build without zlib
 */
#include <string.h>

#include "core/status.h"
#include "data/gzip.h"

bool nfi_gzip_recognise(const char *bytes, int64_t size) { return size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0; }

nf_status nfi_gunzip(const nfi_source *source, nfi_promise promise, nfi_buffer *out)
{
    (void)promise, (void)out;
    return nfi_fail(NF_ERR_UNSUPPORTED, "%s: %s is compressed and this library was built without zlib: unpack it with gzip -d, or build with "
                    "-Dzlib=enabled", source->function, source->name);
}
