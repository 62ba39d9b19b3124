/* SPDX-License-Identifier: MIT
 *
 * progress.c - one line about a running fit
 */
#include "progress.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Seconds between two lines: readable, and no load. */
static const double progress_interval = 0.1;

void progress_begin(progress_line *line, int wanted)
{
    *line = (progress_line){ .shown = wanted && isatty(STDERR_FILENO), .last = -1.0 };
}

/* Appends what fits into one line of the terminal as a whole: a line that wraps cannot be overwritten. */
static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text + used, size - used, format, arguments) >= (int)(size - used)) text[used] = '\0';
    va_end(arguments);
}

static void add_time(char *text, size_t size, double seconds)
{
    const long long s = (long long)seconds;

    if (!isfinite(seconds) || seconds < 0.0) return;
    if (s < 3600)
        add(text, size, "  ETA %lld:%02lld", s / 60, s % 60);
    else
        add(text, size, "  ETA %lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

static size_t terminal_width(void)
{
    struct winsize window;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

/* What flow matching minimises is no NLL: it is neither shifted to the units of the data nor shown in bits. */
static void add_losses(char *text, size_t size, const progress_line *line, const nf_fit_progress *p)
{
    const int likelihood = p->objective == NF_OBJECTIVE_LIKELIHOOD, bits = likelihood && line->bits;
    const double shift = likelihood ? line->shift : 0.0;

    add(text, size, bits ? "  bits/dim %.4f" : likelihood ? "  NLL %.4f" : "  matching loss %.4f", bits ? p->train_bits : p->train_nll + shift);
    if (isfinite(p->valid_nll)) add(text, size, "  held out %.4f", bits ? p->valid_bits : p->valid_nll + shift);
    if (isfinite(p->best_nll)) add(text, size, "  best %.4f", bits ? p->best_bits : p->best_nll + shift);
}

int32_t progress_show(void *user, const nf_fit_progress *p)
{
    progress_line *line = user;
    const int last = p->end_of_epoch && p->epoch == p->epochs;
    const size_t width = terminal_width();
    char text[256] = "";
    const size_t size = width < sizeof text ? width : sizeof text;

    if (!line->shown || (!last && line->last >= 0.0 && p->seconds - line->last < progress_interval)) return 0;
    line->last = p->seconds;
    add(text, size, "epoch %lld/%lld", (long long)p->epoch, (long long)p->epochs);
    add_time(text, size, p->eta_seconds);
    add_losses(text, size, line, p);
    if (p->skipped) add(text, size, "  skipped %lld", (long long)p->skipped);
    add(text, size, "  lr %.2g", p->lr);
    fprintf(stderr, "\r%s\033[K", text);
    return 0;
}

void progress_end(progress_line *line)
{
    if (line->shown && line->last >= 0.0) putc('\n', stderr);
    line->shown = 0;
}
