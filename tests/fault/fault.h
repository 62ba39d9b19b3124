/* SPDX-License-Identifier: MIT
 *
 * fault.h - what the fault tests share: a runner that counts points, sample flows, files, checksums put right
 *
 * A case does something wrong many times over and counts each time as a point. It answers true, or false with the reason in
 * log->why. Counts are short by default; NFLOW_TEST_FULL=1 in the environment asks for the full ones.
 */
#ifndef NFLOW_TESTS_FAULT_H
#define NFLOW_TESTS_FAULT_H

#include "support.h"

#define FAULT_WHY 600
#define FAULT_ROWS 8 /* rows of a sample's density */

typedef struct fault_log {
    int64_t points;
    char why[FAULT_WHY];
    char note[FAULT_WHY]; /* printed beside the count */
    bool skipped;         /* the reason is in why */
} fault_log;

typedef struct fault_case {
    const char *name; /* place__promise */
    bool (*run)(fault_log *log);
} fault_case;

/* Runs the cases, or those named on the command line. The exit code: 0 when all pass. */
int fault_main(const fault_case *cases, int n, int argc, char **argv);
bool fault_is_full(void);
/* Records the reason and answers false. */
__attribute__((format(printf, 2, 3))) bool fault_fails(fault_log *log, const char *format, ...);
/* Records why a case cannot run here and answers true. */
__attribute__((format(printf, 2, 3))) bool fault_skips(fault_log *log, const char *format, ...);
/* A failure says which and why: `status` is `expected`, the line is not empty and not the marker put there before. */
void fault_mark(void);
bool fault_said(fault_log *log, const char *what, nf_status status, nf_status expected);

/* A sample: a small flow of one kind, with parameters that are not the initial ones. */
/* Domain of a sample's rows */
enum { FAULT_ANY = 0, FAULT_UNIT = 1, FAULT_WHOLE = 2 }; /* FAULT_UNIT: in [0, 1]; FAULT_WHOLE: whole numbers 0..255 */

typedef struct fault_sample {
    const char *name;   /* of the layer or base type it is there for */
    const char *layers; /* JSON, without the brackets */
    const char *base;   /* JSON, and perhaps more keys of the flow */
    int32_t rows;       /* FAULT_ANY, ... */
} fault_sample;
extern const fault_sample fault_samples[];
extern const int fault_sample_count;
nf_flow *fault_flow(nf_context *context, const fault_sample *sample, int32_t dtype);
/* GLOW (kind 0) or RealNVP (1) of images of 2 x 2 grey pixels; NULL: refused, with its line. */
nf_flow *fault_image_flow(nf_context *context, int kind, int32_t dtype);
/* Log density of FAULT_ROWS rows that suit the sample. */
nf_status fault_density(const nf_flow *flow, int32_t rows, double out[FAULT_ROWS]);
/* The bytes of its model file, freed with free(). */
void *fault_model(const nf_flow *flow, int64_t *size);
/* A fit of a small flow, and the bytes of a checkpoint from its middle. */
nf_flow *fault_trained_flow(nf_context *context, int32_t dtype);
nf_status fault_train(nf_flow *flow, const nf_fit_config *config, nf_fit_report *report);
void *fault_checkpoint(int32_t dtype, int64_t *size);

/* Puts every checksum of a model file right after a change, as far as the file can be read. False: it cannot. */
bool fault_repair(unsigned char *bytes, int64_t size);

/* A hash of everything that calls on the flow can see. */
uint64_t fault_hash_bytes(uint64_t hash, const void *bytes, int64_t size);
uint64_t fault_hash_flow(const nf_flow *flow);

/* A folder of the test's own. */
const char *fault_folder(void);                 /* made at the first call */
const char *fault_path(const char *name);       /* in it; 4 paths are kept */
int fault_files(void);                          /* how many files stand in it */
void fault_clean(void);                         /* removes them */
void fault_remove(void);                        /* and the folder */
bool fault_write_file(const char *path, const void *bytes, int64_t size);
void *fault_read_file(const char *path, int64_t *size);

#endif
