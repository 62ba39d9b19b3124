/* SPDX-License-Identifier: MIT
 *
 * fuzz_idx.c - IDX, as it is and in gzip
 */
#include "fuzz.h"
#include "pack.h"
#include <nflow/dataset.h>
#include <stdlib.h>
#include <string.h>

#define IDX_FACTOR 24      /* a byte becomes a double; a column takes its number, its role and a float */
#define IDX_EXPANSION 1032 /* bytes that one byte of deflate can become */
#define INFLATE_STATE 2048 /* bytes of input that stand for the state of zlib */

const char *const fuzz_words[] = { "\x1f\x8b\x08", "\x7f\xff\xff\xff", "\xff\xff\xff\xff", NULL };

static const struct { unsigned char bytes[28]; int n; } seeds[] = {
    { { 0, 0, 8, 1, 0, 0, 0, 5, 1, 2, 3, 4, 255 }, 13 },
    { { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8 }, 24 },
    { { 0, 0, 9, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 250, 251, 252 }, 18 },
    { { 0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 0, 255, 0 }, 12 },
    { { 0, 0, 0x0c, 1, 0, 0, 0, 2, 1, 0, 0, 0, 255, 0, 0, 0 }, 16 },
    { { 0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0x7f, 0x80, 0, 0 }, 20 },
    { { 0, 0, 0x0e, 1, 0, 0, 0, 2, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x7e, 0x37, 0, 0, 0, 0, 0, 0 }, 24 },
};

void *fuzz_seed(int index, int64_t *size)
{
    const int plain = SUPPORT_COUNT(seeds);

    if (index >= 2 * plain) return NULL;
    unsigned char *bytes = support_malloc(64);
    memcpy(bytes, seeds[index % plain].bytes, sizeof seeds[0].bytes);
    *size = index < plain ? seeds[index].n : pack_gzip(bytes, seeds[index % plain].bytes, seeds[index % plain].n);
    return bytes;
}

void fuzz_repair(unsigned char *bytes, int64_t size) { (void)bytes, (void)size; }

static void idx_try(const uint8_t *data, size_t size, double factor, const nf_read_config *config)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_CORRUPT, NF_ERR_OVERFLOW, NF_ERR_LIMIT, NF_ERR_PARSE, NF_ERR_UNSUPPORTED, NF_OK };
    fuzz_memory memory = { 0 };
    nf_context *context = fuzz_context(&memory);
    nf_dataset *set = NULL;
    int64_t height, width, channels;

    fault_mark();
    const nf_status status = nf_dataset_load_memory(&set, context, data, (int64_t)size, config);
    fuzz_check_most(&memory, factor, size + INFLATE_STATE, "idx");
    if (status) fuzz_check_failure(status, allowed, "idx");
    if (!status != !!set) fuzz_found("status %d and handle do not agree", (int)status);
    if (set) fuzz_accepted++;
    if (set && (nf_dataset_image_shape(set, &height, &width, &channels) || (height && height * width * channels != nf_dataset_dim(set))))
        fuzz_found("the shape of the image is not that of the rows");
    nf_dataset_unref(set);
    nf_context_unref(context);
    fuzz_check_none(&memory, "idx");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nf_read_config config = NF_READ_CONFIG_INIT;
    const int packed = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;

    config.format = NF_FORMAT_IDX;
    config.dtype = size % 2 ? NF_F32 : 0;
    idx_try(data, size, packed ? IDX_FACTOR * IDX_EXPANSION : IDX_FACTOR, &config);
    if (packed || size > PACK_MOST) return 0;
    unsigned char *wrapped = support_malloc((int64_t)size + PACK_GZIP_MORE); /* gets past the checksum of gzip */
    const int64_t n = pack_gzip(wrapped, data, (int64_t)size);
    idx_try(wrapped, (size_t)n, 2 * IDX_FACTOR, &config);
    free(wrapped);
    return 0;
}
