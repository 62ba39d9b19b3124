/* SPDX-License-Identifier: MIT
 *
 * pack.h - small gzip and PNG files for tests, made without zlib and libpng: their data are stored, not compressed
 */
#ifndef NFLOW_TESTS_PACK_H
#define NFLOW_TESTS_PACK_H

#include <stdint.h>
#include <string.h>

#define PACK_MOST 65535 /* bytes of data in one call: one stored block */
#define PACK_GZIP_MORE 23 /* bytes that gzip adds */
#define PACK_PNG_MORE 80  /* bytes that PNG adds without a palette */

static inline uint32_t pack_crc32(const unsigned char *bytes, int64_t n)
{
    uint32_t crc = 0xffffffffu;

    for (int64_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static inline uint32_t pack_adler32(const unsigned char *bytes, int64_t n)
{
    uint32_t a = 1, b = 0;

    for (int64_t i = 0; i < n; i++) b = (b + (a = (a + bytes[i]) % 65521)) % 65521;
    return b << 16 | a;
}

static inline unsigned char *pack_u32(unsigned char *to, uint32_t value)
{
    for (int i = 3; i >= 0; i--) *to++ = (unsigned char)(value >> 8 * i);
    return to;
}

/* One stored block of deflate, the last. */
static inline unsigned char *pack_stored(unsigned char *to, const void *data, int64_t n)
{
    const unsigned char head[5] = { 1, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)~n, (unsigned char)(~n >> 8) };

    memcpy(to, head, 5);
    if (n > 0) memcpy(to + 5, data, (size_t)n);
    return to + 5 + n;
}

/* A gzip member of n <= PACK_MOST bytes; returns its size. */
static inline int64_t pack_gzip(unsigned char *to, const void *data, int64_t n)
{
    static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    const uint32_t tail[2] = { pack_crc32(data, n), (uint32_t)n };
    unsigned char *at = to;

    memcpy(at, head, sizeof head);
    at = pack_stored(at + sizeof head, data, n);
    for (int i = 0; i < 8; i++) *at++ = (unsigned char)(tail[i / 4] >> 8 * (i % 4));
    return at - to;
}

static inline unsigned char *pack_chunk(unsigned char *to, const char *type, const void *data, int64_t n)
{
    unsigned char *at = pack_u32(to, (uint32_t)n);

    memcpy(at, type, 4);
    if (n > 0) memcpy(at + 4, data, (size_t)n);
    return pack_u32(at + 4 + n, pack_crc32(at, 4 + n));
}

typedef struct pack_picture {
    uint32_t height, width;
    int bits, colour, interlaced;
    const void *lines; /* n bytes: each line with its filter byte first; passes one behind the other */
    int64_t n;
    const void *palette, *transparent; /* chunks PLTE and tRNS, or NULL */
    int64_t n_palette, n_transparent;
} pack_picture;

/* A PNG file; returns its size. */
static inline int64_t pack_png(unsigned char *to, const pack_picture *p)
{
    unsigned char head[13], data[PACK_MOST / 2];
    unsigned char *at = to, *end;

    pack_u32(pack_u32(head, p->width), p->height);
    head[8] = (unsigned char)p->bits;
    head[9] = (unsigned char)p->colour;
    head[10] = head[11] = 0;
    head[12] = (unsigned char)p->interlaced;
    memcpy(at, "\x89PNG\r\n\x1a\n", 8);
    at = pack_chunk(at + 8, "IHDR", head, 13);
    if (p->palette) at = pack_chunk(at, "PLTE", p->palette, p->n_palette);
    if (p->transparent) at = pack_chunk(at, "tRNS", p->transparent, p->n_transparent);
    memcpy(data, "\x78\x01", 2);
    end = pack_stored(data + 2, p->lines, p->n);
    end = pack_u32(end, pack_adler32(p->lines, p->n));
    at = pack_chunk(at, "IDAT", data, end - data);
    return pack_chunk(at, "IEND", NULL, 0) - to;
}

#endif
