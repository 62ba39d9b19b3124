/* SPDX-License-Identifier: MIT
 *
 * cifar.c - the binary files of CIFAR-10
 *
 * Records of one byte of label, 0 to 9, and 3072 of a picture: 1024 red, 1024 green, 1024 blue, each 32 rows of 32. Nothing in the
 * file says what it is. Ref: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
 */
#include "data/array.h"

#include "core/status.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, CHANNELS = 3, RECORD = 1 + CHANNELS * PIXELS, CLASSES = 10 };

bool nfi_cifar_recognise(const char *bytes, int64_t size, bool named)
{
    (void)bytes;
    return named && size > 0 && size % RECORD == 0;
}

static nf_status check_records(const nfi_source *source)
{
    if (source->size == 0 || source->size % RECORD != 0)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s has %lld bytes, a CIFAR-10 file has one or more records of %d", source->function, source->name,
                        (long long)source->size, RECORD);
    for (int64_t at = 0; at < source->size; at += RECORD)
        if ((unsigned char)source->bytes[at] >= CLASSES)
            return nfi_fail(NF_ERR_FORMAT, "%s: %s: byte %lld, the label of record %lld, is %d, CIFAR-10 has labels 0 to %d", source->function,
                            source->name, (long long)at, (long long)(at / RECORD), (int)(unsigned char)source->bytes[at], CLASSES - 1);
    return NF_OK;
}

/* Planes to pixels: [3][1024] to [1024][3]. */
static void interleave(const unsigned char *planes, unsigned char *pixels)
{
    for (int64_t i = 0; i < PIXELS; i++)
        for (int64_t c = 0; c < CHANNELS; c++)
            pixels[i * CHANNELS + c] = planes[c * PIXELS + i];
}

static nf_status read_labels(const nfi_source *source, nfi_table *out)
{
    nf_status status = NF_OK;
    out->classes = CLASSES;
    out->labels = nfi_alloc(source->context, out->dataset->n, sizeof *out->labels, &status);
    if (out->labels == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t i = 0; i < out->dataset->n; i++)
        out->labels[i] = (unsigned char)source->bytes[i * RECORD];
    return NF_OK;
}

nf_status nfi_cifar_read(const nfi_source *source, nfi_table *out)
{
    nf_status status = check_records(source);
    if (status < 0)
        return status;
    const int64_t all = source->size / RECORD, rows = nfi_rows_wanted(source, all), size = CHANNELS * PIXELS;
    unsigned char *pixels = nfi_alloc(source->context, rows, size, &status);
    if (pixels == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t i = 0; i < rows; i++)
        interleave((const unsigned char *)source->bytes + i * RECORD + 1, pixels + i * size);
    const nfi_array array = {.data = pixels, .present = rows * size, .type = nfi_number_type_find("u1"), .axes = 4,
                             .shape = {rows, SIDE, SIDE, CHANNELS}};
    status = nfi_array_read(source, &array, out);
    nfi_free(source->context, pixels, rows, size);
    out->rows = all;
    return status < 0 ? status : read_labels(source, out);
}
