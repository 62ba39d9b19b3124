/* SPDX-License-Identifier: MIT
 *
 * gzip.c - gzip files, by zlib; its memory comes from the context
 *
 * Ref: RFC 1952. zlib compares the length and the CRC-32 at the end of each member.
 */
#include "data/gzip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "core/status.h"

enum {
    GZIP_ONLY = 16 + MAX_WBITS, /* inflateInit2: no bare zlib or deflate streams */
    FIRST_PIECE = 1 << 16,
    PIECE = 1 << 30
};

typedef struct stream {
    const nfi_source *source;
    z_stream z;
    int64_t at; /* byte of the file behind what zlib took */
    bool ended; /* the last member is complete and nothing follows */
} stream;

static void *stream_alloc(void *context, unsigned items, unsigned size)
{
    int64_t bytes = 0;
    return nfi_mul((int64_t)items, (int64_t)size, &bytes) ? nfi_block_alloc(context, bytes) : NULL;
}

static void stream_free(void *context, void *block) { nfi_block_free(context, block); }

static nf_status fail_memory(const stream *s)
{
    return nfi_fail(NF_ERR_MEMORY, "%s: %s: out of memory while unpacking", s->source->function, s->source->name);
}

static nf_status fail_damaged(const stream *s, const char *reason)
{
    return nfi_fail(NF_ERR_CORRUPT, "%s: %s: the gzip data are damaged near byte %lld: %s", s->source->function, s->source->name,
                    (long long)s->at, reason);
}

/* Behind a complete member: another one, or the end. */
static nf_status next_member(stream *s)
{
    const int64_t left = s->source->size - s->at;
    if (left == 0) {
        s->ended = true;
        return NF_OK;
    }
    if (!nfi_gzip_recognise(s->source->bytes + s->at, left))
        return nfi_fail(NF_ERR_FORMAT, "%s: %s: %lld bytes follow the last gzip member, from byte %lld on", s->source->function,
                        s->source->name, (long long)left, (long long)s->at);
    return inflateReset(&s->z) == Z_OK ? NF_OK : fail_damaged(s, "its state cannot be reset");
}

/* One call of inflate: up to `room` bytes to `to`, *got came. */
static nf_status inflate_piece(stream *s, char *to, int64_t room, int64_t *got)
{
    const int64_t in = nfi_min(s->source->size - s->at, PIECE), out = nfi_min(room, PIECE);
    s->z.next_in = (z_const Bytef *)(uintptr_t)(s->source->bytes + s->at); /* zlib does not write there */
    s->z.avail_in = (uInt)in;
    s->z.next_out = (Bytef *)to;
    s->z.avail_out = (uInt)out;
    const int result = inflate(&s->z, Z_NO_FLUSH);
    s->at += in - (int64_t)s->z.avail_in;
    *got = out - (int64_t)s->z.avail_out;
    if (result == Z_STREAM_END)
        return next_member(s);
    if (result == Z_MEM_ERROR)
        return fail_memory(s);
    if (result == Z_OK && (*got > 0 || (int64_t)s->z.avail_in < in))
        return NF_OK;
    if (result == Z_OK || result == Z_BUF_ERROR)
        return fail_damaged(s, "the file ends there");
    return fail_damaged(s, result == Z_NEED_DICT ? "a dictionary is needed" : s->z.msg != NULL ? s->z.msg : "not gzip");
}

/* Until the buffer holds `wanted` bytes. */
static nf_status fill(stream *s, int64_t wanted, nfi_buffer *out)
{
    nf_status status = NF_OK;
    if (wanted > nfi_context_config(s->source->context)->max_file_bytes)
        return nfi_fail(NF_ERR_LIMIT, "%s: %s unpacks to %lld bytes, the context allows %lld (max_file_bytes)", s->source->function,
                        s->source->name, (long long)wanted, (long long)nfi_context_config(s->source->context)->max_file_bytes);
    while (status >= 0 && out->size < wanted) {
        int64_t got = 0;
        if (s->ended)
            return nfi_fail(NF_ERR_FORMAT, "%s: %s: %lld bytes come out of the gzip data, its header promises %lld",
                            s->source->function, s->source->name, (long long)out->size, (long long)wanted);
        if (out->size == out->capacity)
            status = nfi_buffer_grow(out, s->source->context, nfi_min(wanted, nfi_max(2 * out->capacity, FIRST_PIECE)));
        if (status >= 0)
            status = inflate_piece(s, out->bytes + out->size, nfi_min(wanted, out->capacity) - out->size, &got);
        out->size += got;
    }
    return status;
}

/* Nothing more may come: the checks at the end of the member are still to be made. */
static nf_status drain(stream *s, int64_t promised)
{
    nf_status status = NF_OK;
    while (status >= 0 && !s->ended) {
        char spare;
        int64_t got = 0;
        status = inflate_piece(s, &spare, 1, &got);
        if (status >= 0 && got > 0)
            return nfi_fail(NF_ERR_FORMAT, "%s: %s: more bytes come out of the gzip data than the %lld that its header promises",
                            s->source->function, s->source->name, (long long)promised);
    }
    return status;
}

static nf_status unpack(stream *s, nfi_promise promise, nfi_buffer *out)
{
    int64_t wanted = 0;
    nf_status status = promise(s->source, "", 0, &wanted);
    while (status >= 0 && wanted > out->size) {
        status = fill(s, wanted, out);
        if (status >= 0)
            status = promise(s->source, out->bytes, out->size, &wanted);
    }
    return status < 0 ? status : drain(s, wanted);
}

bool nfi_gzip_recognise(const char *bytes, int64_t size) { return size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0; }

nf_status nfi_gunzip(const nfi_source *source, nfi_promise promise, nfi_buffer *out)
{
    stream s = {.source = source};
    s.z.zalloc = stream_alloc;
    s.z.zfree = stream_free;
    s.z.opaque = source->context;
    const int result = inflateInit2(&s.z, GZIP_ONLY);
    if (result == Z_MEM_ERROR)
        return fail_memory(&s);
    if (result != Z_OK)
        return nfi_fail(NF_ERR_UNSUPPORTED, "%s: the zlib found here does not fit the one built for (%s)", source->function, ZLIB_VERSION);
    const nf_status status = unpack(&s, promise, out);
    (void)inflateEnd(&s.z);
    return status;
}
