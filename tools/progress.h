/* SPDX-License-Identifier: MIT
 *
 * progress.h - one line about a running fit, on a terminal only
 */
#ifndef NFT_PROGRESS_H
#define NFT_PROGRESS_H

#include <nflow/train.h>

typedef struct progress_line {
    int shown;    /* stderr is a terminal and progress is wanted */
    double last;  /* time of the last line */
    double shift; /* added to NLLs before they are shown */
    int bits;     /* 1: losses are shown in bits per dimension instead */
} progress_line;

void progress_begin(progress_line *line, int wanted);
/* An nf_progress_fn; user is the progress_line. */
int32_t progress_show(void *user, const nf_fit_progress *p);
void progress_end(progress_line *line);

#endif
