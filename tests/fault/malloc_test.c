/* SPDX-License-Identifier: MIT
 *
 * malloc_test.c - malloc itself refuses: what jansson and the system's library allocate, and objects without a context
 *
 * The program's own malloc, calloc, realloc and posix_memalign stand before the C library's: glibc offers the names behind which it
 * keeps its own. Elsewhere, and under a sanitiser, which has an allocator of its own, only jansson is refused, through its hooks.
 */
#include "jobs.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MALLOC_HOOKS 1
#else
#define MALLOC_HOOKS 0
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *ptr);
#endif

/* Only the thread that arms is refused. */
static _Thread_local struct refusals {
    bool armed;
    int mode;
    long long k, calls, refused;
} refusals;
static atomic_llong live_blocks;

static bool refused(void)
{
    if (!refusals.armed || !job_refuses(refusals.mode, refusals.k, refusals.calls++)) return false;
    refusals.refused++;
    errno = ENOMEM;
    return true;
}

static void *counted(void *ptr)
{
    if (ptr) atomic_fetch_add(&live_blocks, 1);
    return ptr;
}

#if MALLOC_HOOKS

static void *hook_malloc(size_t size) { return refused() ? NULL : counted(malloc(size)); }

static void hook_free(void *ptr)
{
    if (ptr) atomic_fetch_sub(&live_blocks, 1);
    free(ptr);
}

static void hook_install(void) { json_set_alloc_funcs(hook_malloc, hook_free); }

#else

/* The names of the C library, declared there: the other libraries of the process must see these. */
#pragma GCC visibility push(default)
void *malloc(size_t size) { return refused() ? NULL : counted(__libc_malloc(size)); }

void free(void *ptr)
{
    if (ptr) atomic_fetch_sub(&live_blocks, 1);
    __libc_free(ptr);
}

void *calloc(size_t count, size_t size)
{
    void *ptr = size && count > SIZE_MAX / size ? NULL : malloc(count * size);

    return ptr ? memset(ptr, 0, count * size) : NULL;
}

void *realloc(void *ptr, size_t size)
{
    if (!ptr) return malloc(size);
    return refused() ? NULL : __libc_realloc(ptr, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *ptr = refused() ? NULL : counted(__libc_memalign(alignment, size));

    if (ptr) *out = ptr;
    return ptr ? 0 : ENOMEM;
}
#pragma GCC visibility pop

static void hook_install(void) {}

#endif

static nf_context *source_open(int32_t threads)
{
    (void)threads;
    return NULL;
}

static void source_arm(int mode, long long k) { refusals = (struct refusals){ .armed = true, .mode = mode, .k = k }; }

static bool source_disarm(void)
{
    refusals.armed = false;
    return refusals.refused > 0;
}

static long long source_live(void) { return atomic_load(&live_blocks); }

static const job_source source = { source_open, source_arm, source_disarm, source_live };

static bool case_once(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_ONCE); }
static bool case_forever(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_FOREVER); }
static bool case_random(fault_log *log) { return job_sweep_all(log, &source, 1, REFUSE_RANDOM); }

/* Control: a block that only malloc can see is lost. */
static char *volatile lost; /* given back once the sweep has ended at it */
static nf_status control_leaks(job_scene *s)
{
#if MALLOC_HOOKS
    lost = hook_malloc(3);
#else
    lost = malloc(3);
#endif

    return lost ? nf_dataset_synthetic(&s->out_data, NULL, "moons", 10, 0.1, 1) : nf_fail(NF_ERR_MEMORY, "control");
}

static bool case_control(fault_log *log)
{
    static const job broken = { "leaks", control_leaks, NULL, false };
    fault_log own = { 0 };

    job_files();
    const bool missed = job_sweep(&own, &source, &broken, NF_F32, 1, REFUSE_ONCE);
    free(lost);
    return !missed || fault_fails(log, "a leak is not caught");
}

static const fault_case cases[] = {
    { "malloc__one_refusal_changes_nothing", case_once },
    { "malloc__refusals_for_ever_change_nothing", case_forever },
    { "malloc__random_refusals_change_nothing", case_random },
    { "malloc__control_a_leak_is_caught", case_control },
};

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IONBF, 0); /* no buffer that appears in the middle */
    hook_install();
    return fault_main(cases, SUPPORT_COUNT(cases), argc, argv);
}
