/* SPDX-License-Identifier: MIT
 *
 * mutate.h - small changes of an input, by a random number generator of known seed
 */
#ifndef NFLOW_TESTS_MUTATE_H
#define NFLOW_TESTS_MUTATE_H

#include "fuzz.h"

typedef struct fuzz_input {
    unsigned char *bytes; /* [FUZZ_MOST] */
    int64_t size;
    uint64_t random;
} fuzz_input;

/* 1 to 8 changes of random kinds. `other` is what pieces are taken from. */
void fuzz_mutate(fuzz_input *input, const unsigned char *other, int64_t other_size);

#endif
