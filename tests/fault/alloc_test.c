/* SPDX-License-Identifier: MIT
 *
 * alloc_test.c - the context's allocator refuses: once, and for ever from then on, at every allocation of every public call
 */
#include "jobs.h"
#include <stdio.h>
#include <stdlib.h>

static ledger book;
static struct refusals {
    bool armed;
    int mode;
    long long k;
    atomic_llong calls, refused;
} refusals;

static void *refusing_alloc(void *user, int64_t size, int64_t alignment)
{
    if (refusals.armed && job_refuses(refusals.mode, refusals.k, atomic_fetch_add(&refusals.calls, 1))) {
        atomic_fetch_add(&refusals.refused, 1);
        return NULL;
    }
    return ledger_alloc(user, size, alignment);
}

static nf_context *source_open(int32_t threads)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.threads = threads;
    config.alloc = refusing_alloc;
    config.free = ledger_free;
    config.alloc_user = &book;
    if (nf_context_create(&context, &config)) abort();
    return context;
}

static void source_arm(int mode, long long k)
{
    refusals.mode = mode;
    refusals.k = k;
    atomic_store(&refusals.calls, 0);
    atomic_store(&refusals.refused, 0);
    refusals.armed = true;
}

static bool source_disarm(void)
{
    refusals.armed = false;
    return atomic_load(&refusals.refused) > 0;
}

static long long source_live(void) { return atomic_load(&book.blocks) + atomic_load(&book.damaged); }

static const job_source source = { source_open, source_arm, source_disarm, source_live };

static bool case_once(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_ONCE); }
static bool case_forever(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_FOREVER); }
static bool case_random(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_RANDOM); }
static bool case_once_threads(fault_log *log) { return job_sweep_all(log, &source, 3, REFUSE_ONCE); }
static bool case_forever_threads(fault_log *log) { return job_sweep_all(log, &source, 3, REFUSE_FOREVER); }
static bool case_random_threads(fault_log *log) { return job_sweep_all(log, &source, 3, REFUSE_RANDOM); }

/* Controls: calls that leak, that change what they should not, and that do not say what failed. */

static nf_dataset *lost; /* given back once the sweep has ended at it */
static nf_status control_leaks(job_scene *s)
{
    const nf_status status = nf_dataset_synthetic(&lost, s->context, "moons", 10, 0.1, 1);

    return status ? status : nf_dataset_synthetic(&s->out_data, s->context, "moons", 10, 0.1, 1);
}

static nf_status control_changes(job_scene *s)
{
    const nf_status status = nf_optimizer_set_lr(s->optimizer, 0.25);

    return status ? status : nf_dataset_synthetic(&s->out_data, s->context, "moons", 10, 0.1, 1);
}

static nf_status control_swallows(job_scene *s)
{
    return nf_dataset_synthetic(&s->out_data, s->context, "moons", 10, 0.1, 1) < 0 ? NF_OK : NF_OK;
}

static bool case_control(fault_log *log)
{
    static const job broken[] = { { "leaks", control_leaks, NULL, false }, { "changes", control_changes, NULL, false },
                                  { "swallows", control_swallows, NULL, false } };

    job_files();
    for (int i = 0; i < SUPPORT_COUNT(broken); i++) {
        fault_log own = { 0 };
        if (job_sweep(&own, &source, &broken[i], NF_F32, 1, REFUSE_ONCE)) return fault_fails(log, "the call that %s is not caught", broken[i].name);
        log->points += own.points;
        nf_dataset_unref(lost);
        lost = NULL;
    }
    return true;
}

static const fault_case cases[] = {
    { "alloc__one_refusal_changes_nothing", case_once },
    { "alloc__refusals_for_ever_change_nothing", case_forever },
    { "alloc__random_refusals_change_nothing", case_random },
    { "alloc__one_refusal_with_threads_changes_nothing", case_once_threads },
    { "alloc__refusals_for_ever_with_threads_change_nothing", case_forever_threads },
    { "alloc__random_refusals_with_threads_change_nothing", case_random_threads },
    { "alloc__control_broken_calls_are_caught", case_control },
};

int main(int argc, char **argv)
{
    ledger_reset(&book);
    return fault_main(cases, SUPPORT_COUNT(cases), argc, argv);
}
