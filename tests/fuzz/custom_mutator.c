/* SPDX-License-Identifier: MIT
 *
 * custom_mutator.c - for libFuzzer: its own changes and the driver's, with checksums put right
 */
#include "fuzz.h"
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* An empty input becomes one of the target's seeds. */
static size_t custom_seed(uint8_t *data, size_t max_size, unsigned int seed)
{
    int64_t size = 0;
    void *bytes = fuzz_seed((int)(seed % 4), &size);

    if (!bytes || (size_t)size > max_size) size = 0;
    else memcpy(data, bytes, (size_t)size);
    free(bytes);
    return (size_t)size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    const size_t before = size < 8 ? custom_seed(data, max_size, seed) : size;
    const size_t after = LLVMFuzzerMutate(data, before, max_size);

    if (seed % 8) fuzz_repair(data, (int64_t)after);
    return after;
}
