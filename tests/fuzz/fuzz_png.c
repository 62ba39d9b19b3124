/* SPDX-License-Identifier: MIT
 *
 * fuzz_png.c - a PNG file
 */
#include "fuzz.h"
#include "pack.h"
#include <nflow/dataset.h>
#include <stdlib.h>
#include <string.h>

#define PNG_FACTOR (1032 * 8 * 24) /* deflate's expansion, pixels of one bit, and what a column takes */
#define PNG_STATE 2 /* bytes of input that stand for the state of libpng and zlib */

const char *const fuzz_words[] = { "IHDR", "PLTE", "tRNS", "IDAT", "IEND", "iCCP", "zTXt", "gAMA", "\x7f\xff\xff\xff", NULL };

void *fuzz_seed(int index, int64_t *size)
{
    static const unsigned char lines[] = { 0, 1, 2, 3, 1, 4, 5, 6, 2, 7, 8, 9, 4, 3, 2, 1, 3, 9, 8, 7, 0, 1, 2, 3, 0, 1, 2, 3 };
    static const unsigned char palette[] = { 1, 2, 3, 250, 251, 252 }, clear[] = { 0, 128 };
    static const pack_picture seeds[] = {
        { .height = 4, .width = 3, .bits = 8, .colour = 0, .lines = lines, .n = 16 },
        { .height = 2, .width = 1, .bits = 8, .colour = 2, .lines = lines, .n = 8 },
        { .height = 3, .width = 1, .bits = 8, .colour = 4, .lines = "\0\1\2\1\3\4\2\5\6", .n = 9 },
        { .height = 1, .width = 2, .bits = 8, .colour = 6, .lines = "\4\1\2\3\4\5\6\7\x08", .n = 9 },
        { .height = 2, .width = 9, .bits = 1, .colour = 0, .lines = "\0\xaa\x80\2\0\0", .n = 6 },
        { .height = 1, .width = 4, .bits = 1, .colour = 3, .lines = "\0\x50", .n = 2, .palette = palette, .n_palette = 6,
          .transparent = clear, .n_transparent = 2 },
        { .height = 2, .width = 2, .bits = 8, .colour = 0, .interlaced = 1, .lines = "\0\1\0\2\0\3\4", .n = 7 },
    };

    if (index >= SUPPORT_COUNT(seeds)) return NULL;
    unsigned char *bytes = support_malloc(256);
    *size = pack_png(bytes, &seeds[index]);
    return bytes;
}

/* The CRC of each chunk, so that changes reach what reads it. */
void fuzz_repair(unsigned char *bytes, int64_t size)
{
    for (int64_t at = 8; at + 12 <= size;) {
        const int64_t n = (int64_t)bytes[at] << 24 | (int64_t)bytes[at + 1] << 16 | (int64_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (n > size - at - 12) return;
        pack_u32(bytes + at + 8 + n, pack_crc32(bytes + at + 4, 4 + n));
        at += 12 + n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_CORRUPT, NF_ERR_LIMIT, NF_ERR_UNSUPPORTED, NF_OK };
    nf_read_config config = NF_READ_CONFIG_INIT;
    fuzz_memory memory = { 0 };
    nf_context *context = fuzz_context(&memory);
    nf_dataset *set = NULL;
    int64_t height = 0, width = 0, channels = 0;

    config.format = NF_FORMAT_PNG;
    fault_mark();
    const nf_status status = nf_dataset_load_memory(&set, context, data, (int64_t)size, &config);
    fuzz_check_most(&memory, PNG_FACTOR, size + PNG_STATE, "png");
    if (status) fuzz_check_failure(status, allowed, "png");
    if (!status != !!set) fuzz_found("status %d and handle do not agree", (int)status);
    if (set) fuzz_accepted++;
    if (set && (nf_dataset_image_shape(set, &height, &width, &channels) || height * width * channels != nf_dataset_dim(set)))
        fuzz_found("the shape of the picture is not that of the row");
    nf_dataset_unref(set);
    nf_context_unref(context);
    fuzz_check_none(&memory, "png");
    return 0;
}
