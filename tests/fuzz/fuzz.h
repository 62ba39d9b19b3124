/* SPDX-License-Identifier: MIT
 *
 * fuzz.h - fuzz targets, for libFuzzer and for the small driver beside them
 *
 * A target is one file: LLVMFuzzerTestOneInput, its seeds, and how inputs are put right before they are tried. The same file
 * links to libFuzzer (README.md says how) or to driver.c, which any compiler builds.
 */
#ifndef NFLOW_TESTS_FUZZ_H
#define NFLOW_TESTS_FUZZ_H

#include "fault.h"
#include <stddef.h>
#include <stdint.h>

#define FUZZ_MOST 65536 /* bytes of an input */
#define FUZZ_SLACK 65536 /* bytes that a loader may allocate whatever its input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed `index` of the target as a block for free(), NULL past the last. */
void *fuzz_seed(int index, int64_t *size);
/* Puts checksums right, so that inputs reach what lies behind them; nothing where there are none. */
void fuzz_repair(unsigned char *bytes, int64_t size);
/* Words of the format, NULL at the end. */
extern const char *const fuzz_words[];

/* Ends the program, as a sanitiser would: the input is a finding. */
_Noreturn __attribute__((format(printf, 1, 2))) void fuzz_found(const char *format, ...);

/* A context that counts its memory. After the call everything must be given back, and the most that was held at once must be
 * at most `factor` bytes for each of `size`, and FUZZ_SLACK. */
typedef struct fuzz_memory {
    long long now, most;
} fuzz_memory;
nf_context *fuzz_context(fuzz_memory *memory);
void fuzz_check_most(const fuzz_memory *memory, double factor, size_t size, const char *what);
void fuzz_check_none(const fuzz_memory *memory, const char *what);
/* A failure has a line of its own and a status of the list. Call fault_mark() before. */
void fuzz_check_failure(nf_status status, const nf_status *allowed, const char *what);
/* Inputs that were accepted: a target that refuses everything tests little. */
extern long long fuzz_accepted;

#endif
