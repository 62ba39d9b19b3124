/* SPDX-License-Identifier: MIT
 *
 * progress.c - one line about a running fit
 */
#include "progress.h"
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Seconds between two lines: readable, and no load. */
static const double progress_interval = 0.1;

void progress_begin(progress_line *line, int wanted)
{
    *line = (progress_line){ .shown = wanted && isatty(STDERR_FILENO), .last = -1.0 };
}

int32_t progress_show(void *user, const nf_fit_progress *p)
{
    progress_line *line = user;
    const int last = p->end_of_epoch && p->epoch == p->epochs;

    if (!line->shown || (!last && line->last >= 0.0 && p->seconds - line->last < progress_interval)) return 0;
    line->last = p->seconds;
    fprintf(stderr, "\repoch %lld/%lld  train %.4f", (long long)p->epoch, (long long)p->epochs, p->train_nll + line->shift);
    if (isfinite(p->valid_nll)) fprintf(stderr, "  held out %.4f", p->valid_nll + line->shift);
    if (isfinite(p->best_nll)) fprintf(stderr, "  best %.4f", p->best_nll + line->shift);
    fprintf(stderr, "  lr %.2g", p->lr);
    if (p->skipped) fprintf(stderr, "  skipped %lld", (long long)p->skipped);
    if (isfinite(p->eta_seconds) && p->eta_seconds >= 0.0)
        fprintf(stderr, "  ETA %lld:%02lld", (long long)p->eta_seconds / 60, (long long)p->eta_seconds % 60);
    fputs("\033[K", stderr);
    return 0;
}

void progress_end(progress_line *line)
{
    if (line->shown && line->last >= 0.0) putc('\n', stderr);
    line->shown = 0;
}
