/* SPDX-License-Identifier: MIT
 *
 * fuzz_npy.c - NumPy's array files
 */
#include "fuzz.h"
#include <nflow/dataset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NPY_FACTOR 24 /* a byte becomes a double; a column takes its number, its role and a float */

const char *const fuzz_words[] = { "'descr'", "'<f8'", "'>f4'", "'|u1'", "'|O'", "'fortran_order'", "True", "False", "'shape'", "(2, 3)", "(,)",
                                   "9223372036854775807", "4294967296", "L", "[('a','<f4')]", NULL };

void *fuzz_seed(int index, int64_t *size)
{
    static const struct { int version; const char *dict; int payload; } seeds[] = {
        { 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24 },
        { 1, "{'descr': '>f8', 'fortran_order': True, 'shape': (3, 2), }", 48 },
        { 2, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }", 5 },
        { 3, "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1, 2), }", 32 },
        { 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (4, 1), }", 8 },
    };
    if (index >= SUPPORT_COUNT(seeds)) return NULL;
    const int start = seeds[index].version == 1 ? 10 : 12, length = (int)strlen(seeds[index].dict), header = (start + length + 64) / 64 * 64 - start;
    char *bytes = support_malloc(start + header + seeds[index].payload);
    memset(bytes, ' ', (size_t)(start + header));
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (char)seeds[index].version;
    memset(bytes + 7, 0, (size_t)start - 7);
    bytes[8] = (char)header;
    memcpy(bytes + start, seeds[index].dict, (size_t)length);
    bytes[start + header - 1] = '\n';
    memset(bytes + start + header, 1, (size_t)seeds[index].payload);
    *size = start + header + seeds[index].payload;
    return bytes;
}

/* The header's length, so that changes of the header's text are not all refused for it: the dict ends at the first line end. */
void fuzz_repair(unsigned char *bytes, int64_t size)
{
    const int64_t start = size > 6 && bytes[6] == 1 ? 10 : 12;
    const unsigned char *end = size > start ? memchr(bytes + start, '\n', (size_t)(size - start)) : NULL;
    const int64_t header = end ? end + 1 - bytes - start : 0;

    if (!end) return;
    bytes[8] = (unsigned char)(header & 255);
    bytes[9] = (unsigned char)(header >> 8 & 255);
}

static void npy_try(const uint8_t *data, size_t size, const nf_read_config *config)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_OVERFLOW, NF_ERR_LIMIT, NF_ERR_PARSE, NF_OK };
    fuzz_memory memory = { 0 };
    nf_context *context = fuzz_context(&memory);
    nf_dataset *set = NULL;

    fault_mark();
    const nf_status status = nf_dataset_load_memory(&set, context, data, (int64_t)size, config);
    fuzz_check_most(&memory, NPY_FACTOR, size, "npy");
    if (status) fuzz_check_failure(status, allowed, "npy");
    if (!status != !!set) fuzz_found("status %d and handle do not agree", (int)status);
    if (set) fuzz_accepted++;
    nf_dataset_unref(set);
    nf_context_unref(context);
    fuzz_check_none(&memory, "npy");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nf_read_config config = NF_READ_CONFIG_INIT;

    config.format = NF_FORMAT_NPY;
    npy_try(data, size, &config);
    config.dtype = size % 2 ? NF_F32 : NF_F64;
    npy_try(data, size, &config);
    return 0;
}
