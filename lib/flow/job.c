/* SPDX-License-Identifier: MIT
 *
 * job.c - splitting a call into blocks, and collecting what they found
 */
#include "flow/job.h"
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/rows.h"
#include <string.h>

/* Work below this many floating-point operations stays on the calling thread: about 50 microseconds of one core. */
#define JOB_PARALLEL_FLOP 5e6

static void job_lock(nfi_job *job)
{
    while (atomic_flag_test_and_set_explicit(&job->lock, memory_order_acquire)) {}
}

/* Keeps the failure of the lowest block, with its line, which lives in the worker's thread. */
static void job_fail(nfi_job *job, int64_t block, nf_status status)
{
    job_lock(job);
    if (!job->status || block < job->status_block) {
        job->status = status;
        job->status_block = block;
        strncpy(job->line, nf_last_error(), sizeof job->line - 1);
    }
    atomic_flag_clear_explicit(&job->lock, memory_order_release);
}

/* Sums of whole numbers: the order of blocks does not matter. */
static void job_count_solves(nfi_job *job, const nfi_workspace *w)
{
    if (!job->solves) return;
    job_lock(job);
    nfi_solve_sums_add(job->solves, &w->solves);
    atomic_flag_clear_explicit(&job->lock, memory_order_release);
}

static void job_count_bad(nfi_job *job, const nfi_workspace *w, int64_t row, int64_t n)
{
    long long bad = 0, first = -1, seen;

    for (int64_t i = 0; i < n; i++) {
        if (!w->bad[i]) continue;
        if (!bad++) first = row + i;
    }
    if (!bad) return;
    atomic_fetch_add(&job->n_bad, bad);
    seen = atomic_load(&job->first_bad);
    while ((seen < 0 || first < seen) && !atomic_compare_exchange_weak(&job->first_bad, &seen, first)) {}
    if (w->failure.row < 0) return;
    job_lock(job);
    if (job->failure.row < 0 || w->failure.row < job->failure.row) job->failure = w->failure;
    atomic_flag_clear_explicit(&job->lock, memory_order_release);
}

static void job_block(void *arg, int64_t b)
{
    nfi_job *job = arg;
    const int64_t row = b * job->block, n = nfi_min(job->block, job->n - row);
    nf_status status;

    if (nfi_context_cancelled(job->flow->object.context)) {
        job_fail(job, b, nfi_fail(NF_ERR_CANCELLED, "the call was cancelled"));
        return;
    }
    nfi_workspace *w = nfi_workspace_take(job->flow, job->block, 0);
    if (!w) {
        job_fail(job, b, NF_ERR_MEMORY);
        return;
    }
    status = job->run(job, w, row, n);
    if (status) {
        job_fail(job, b, status);
    } else {
        job_count_bad(job, w, row, n);
        job_count_solves(job, w);
    }
    nfi_workspace_put(job->flow, w);
}

static int64_t job_block_rows(const nfi_job *job)
{
    const double flop = (double)job->n * job->flow->flop_row;
    const int64_t threads = flop < JOB_PARALLEL_FLOP ? 1 : nfi_context_worker_count(job->flow->object.context);

    return nfi_min(nfi_round_up((job->n + threads - 1) / threads, job->flow->quantum), job->flow->block_most);
}

static void job_fill(const nfi_job *job)
{
    if (job->out) nfi_fill_nan(job->flow->dtype, job->n * job->flow->dim, job->out);
    if (job->value) nfi_fill_nan(NF_F64, job->n, job->value);
}

nf_status nfi_job_run(nfi_job *job)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    const bool strict = nfi_context_config(job->flow->object.context)->strict;
    long long bad;

    atomic_flag_clear(&job->lock);
    atomic_init(&job->n_bad, 0);
    atomic_init(&job->first_bad, -1);
    job->failure.row = -1;
    job->block = job_block_rows(job);
    nfi_parallel_for(job->flow->object.context, (job->n + job->block - 1) / job->block, job_block, job);
    bad = atomic_load(&job->n_bad);
    if (job->status) {
        nfi_fail(job->status, "%s: %s", job->function, job->line);
    } else if (bad) {
        const bool told = job->failure.row >= 0 && job->failure.row == atomic_load(&job->first_bad);
        job->status = nfi_fail(strict ? NF_ERR_NONFINITE : NF_ROWS_NONFINITE, "%s: %lld of %lld rows are not finite, the first is row %lld%s%s%s%s",
                               job->function, bad, (long long)job->n, (long long)atomic_load(&job->first_bad), told ? ": " : "",
                               told ? nf_status_name(job->failure.status) : "", told ? ": " : "", told ? job->failure.line : "");
    }
    if (job->status < 0) job_fill(job);
    nfi_fpenv_leave(fpenv);
    return job->status;
}
