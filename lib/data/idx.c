/* SPDX-License-Identifier: MIT
 *
 * idx.c - IDX, the format of MNIST and its relatives, plain or in gzip
 *
 * Two bytes 0, a byte for the type, a byte for the number of axes; each axis a big-endian uint32; then the values, big-endian, in C
 * order. Ref: LeCun, Cortes, Burges, "The MNIST database", where the format is defined.
 */
#include "data/array.h"
#include "data/gzip.h"

#include <stddef.h>

#include "core/status.h"

enum { START = 4, AXIS = 4 };

static const struct { unsigned char code; const char *name; } types[] = {
    {0x08, "u1"}, {0x09, "i1"}, {0x0b, "i2"}, {0x0c, "i4"}, {0x0d, "f4"}, {0x0e, "f8"},
};

static const nfi_number_type *type_of(unsigned code)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == code)
            return nfi_number_type_find(types[i].name);
    return NULL;
}

/* ---- the header ------------------------------------------------------------------------------------------------ */

static bool is_start(const unsigned char *b) { return b[0] == 0 && b[1] == 0 && type_of(b[2]) != NULL && b[3] >= 1 && b[3] <= NFI_MAX_AXES; }

static nf_status check_start(const nfi_source *source, const unsigned char *b)
{
    if (is_start(b))
        return NF_OK;
    return nfi_fail(NF_ERR_FORMAT,
                    "%s: %s starts with %02x %02x %02x %02x, an IDX file with 00 00, a type (08 09 0b 0c 0d 0e) and the number of axes (01 to "
                    "%02x)", source->function, source->name, b[0], b[1], b[2], b[3], (unsigned)NFI_MAX_AXES);
}

static int64_t header_size(const unsigned char *b) { return START + AXIS * (int64_t)b[3]; }

/* The array behind a header that is there in full. */
static nfi_array parse(const unsigned char *b)
{
    nfi_array array = {.data = b + header_size(b), .type = type_of(b[2]), .big = true, .axes = b[3]};
    for (int64_t k = 0; k < array.axes; k++) {
        const unsigned char *axis = b + START + AXIS * k;
        array.shape[k] = (int64_t)axis[0] << 24 | (int64_t)axis[1] << 16 | (int64_t)axis[2] << 8 | axis[3];
    }
    return array;
}

/* What the bytes say of the whole: first the start, then the header, then all. */
static nf_status promise(const nfi_source *source, const char *bytes, int64_t size, int64_t *wanted)
{
    const unsigned char *b = (const unsigned char *)bytes;
    int64_t values = 0;
    *wanted = START;
    if (size < START)
        return NF_OK;
    nf_status status = check_start(source, b);
    if (status < 0)
        return status;
    *wanted = header_size(b);
    if (size < *wanted)
        return NF_OK;
    const nfi_array array = parse(b);
    status = nfi_array_size(source, &array, &values);
    if (status < 0)
        return status;
    return nfi_add(values, header_size(b), wanted) ? NF_OK
                                                   : nfi_fail(NF_ERR_OVERFLOW, "%s: %s: the shape is too large to compute",
                                                              source->function, source->name);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static nf_status read_plain(const nfi_source *source, nfi_table *out)
{
    int64_t wanted = 0;
    nf_status status = promise(source, source->bytes, source->size, &wanted);
    if (status < 0)
        return status;
    if (source->size < START || source->size < header_size((const unsigned char *)source->bytes))
        return nfi_fail(NF_ERR_FORMAT, "%s: %s: the header takes %lld bytes, %lld are there", source->function, source->name,
                        (long long)wanted, (long long)source->size);
    nfi_array array = parse((const unsigned char *)source->bytes);
    array.present = source->size - header_size((const unsigned char *)source->bytes);
    return nfi_array_read(source, &array, out);
}

bool nfi_idx_recognise(const char *bytes, int64_t size, bool named)
{
    return named || nfi_gzip_recognise(bytes, size) || (size >= START && is_start((const unsigned char *)bytes));
}

nf_status nfi_idx_read(const nfi_source *source, nfi_table *out)
{
    if (!nfi_gzip_recognise(source->bytes, source->size))
        return read_plain(source, out);
    nfi_buffer whole = {0};
    nfi_source plain = *source;
    nf_status status = nfi_gunzip(source, promise, &whole);
    plain.bytes = whole.bytes;
    plain.size = whole.size;
    if (status >= 0)
        status = read_plain(&plain, out);
    nfi_buffer_free(&whole, source->context);
    return status;
}
