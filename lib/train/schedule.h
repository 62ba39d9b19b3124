/* SPDX-License-Identifier: MIT
 *
 * schedule.h - the learning rate of a step, as a factor of the optimizer's
 */
#ifndef NFI_TRAIN_SCHEDULE_H
#define NFI_TRAIN_SCHEDULE_H

#include <nflow/train.h>

/* Where a run stands. */
typedef struct nfi_schedule_state {
    int64_t epoch;    /* from 0 */
    int64_t step;     /* batches seen since the start of the run, from 0 */
    int64_t steps;    /* batches of the whole run */
    double plateau;   /* product of the drops so far */
} nfi_schedule_state;

typedef struct nfi_schedule {
    const char *name;
    double (*factor)(const nf_fit_config *config, const nfi_schedule_state *state);
    int32_t drops; /* 1: `plateau` is lowered when the loss stops falling */
} nfi_schedule;

const nfi_schedule *nfi_schedule_at(int32_t schedule); /* NF_SCHEDULE_...; NULL: no such */
/* Factor of the schedule, warm-up included. */
double nfi_schedule_factor(const nf_fit_config *config, const nfi_schedule_state *state);

#endif
