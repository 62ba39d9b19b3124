/* SPDX-License-Identifier: MIT
 *
 * misuse.h - what the misuse tests share: objects of every kind, and a record of the codes that were provoked
 */
#ifndef NFLOW_TESTS_MISUSE_H
#define NFLOW_TESTS_MISUSE_H

#include "fault.h"
#include <nflow/nflow.h>

#define MISUSE_ROWS 6

enum { KIND_CONTEXT, KIND_LAYER, KIND_BASE, KIND_FLOW, KIND_DATASET, KIND_OPTIMIZER, KINDS };

typedef struct misuse_scene {
    nf_context *context;
    void *live[KINDS];     /* one good handle of each kind */
    void *released[KINDS]; /* released ones, in memory that stays readable: the context's allocator keeps it */
    nf_flow *flow[2][2];   /* [f64][cond] of dim 2 and cond_dim 1 or 0 */
} misuse_scene;

void misuse_open(misuse_scene *scene);
void misuse_close(misuse_scene *scene);
/* Status, and a line of its own that begins with `function` and holds `words` (may be NULL). Records the code. */
bool misuse_expect(fault_log *log, const char *function, const char *words, nf_status status, nf_status expected);
void misuse_record(nf_status status);

/* The tables: misuse_handles.c, misuse_rows.c, misuse_configs.c, misuse_codes.c */
bool misuse_handles(fault_log *log);
bool misuse_queries(fault_log *log);
bool misuse_rows(fault_log *log);
bool misuse_unaligned(fault_log *log);
bool misuse_config_sizes(fault_log *log);
bool misuse_config_fields(fault_log *log);
bool misuse_codes(fault_log *log);
bool misuse_control(fault_log *log);
bool misuse_is_recorded(nf_status status);

#endif
