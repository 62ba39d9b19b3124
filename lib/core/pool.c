/* SPDX-License-Identifier: MIT
 *
 * pool.c - regions of tasks on the threads of a context
 *
 * A region has an owner, the thread that called nfi_parallel_for. The owner opens a gate, workers that are free come
 * in, everyone inside takes task numbers from one counter, the owner closes the gate when the numbers have run out and
 * waits until the last worker has left. Nobody waits for a worker that never came in, so a sleeping thread costs
 * nothing. The job is written only while the gate is closed and nobody is inside.
 *
 * One region at a time: a call that finds the pool taken - a nested call, or another thread of the host - runs its
 * tasks itself. This needs neither a queue nor thread-local state, and cannot deadlock.
 *
 * Fork: a child has none of the threads. The owner word holds a process id, so a word left by the parent does not look
 * taken in the child, and the first owner in the child starts from a clean pool.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/fpenv.h"
#include "core/memory.h"
#include "core/pool.h"

#define POOL_STACK (256 * 1024) /* bytes per worker */
#define POOL_SPIN_NS 20000      /* how long to watch before sleeping: several times a futex wake-up */
#define POOL_SPIN_CHECK 64      /* pauses between two looks at the clock */

/* The gate: number of the region << 16 | open | workers inside. */
#define GATE_OPEN 0x8000u
#define GATE_INSIDE 0x7fffu
#define GATE_REGION_SHIFT 16
#define GATE_NO_REGION UINT32_MAX /* differs from all numbers of regions */

struct nfi_pool {
    atomic_int owner; /* process id of the owner of the present region, 0: none */

    /* Touched by owners alone. */
    pid_t pid; /* of the process that started the workers */
    int32_t started, wanted;

    /* The job: see the top. */
    nf_task_fn task;
    void *arg;
    int64_t n;

    _Alignas(NFI_ALIGN) atomic_uint gate;
    atomic_int sleepers; /* workers in, or about to enter, pthread_cond_wait */
    atomic_bool waiting; /* so is the owner */
    atomic_bool stop;
    _Alignas(NFI_ALIGN) _Atomic int64_t next; /* task to be taken */

    _Alignas(NFI_ALIGN) pthread_mutex_t mutex; /* guards only falling asleep and waking */
    pthread_cond_t opened, emptied;
    pthread_t threads[];
};

static int64_t pool_bytes(int32_t threads)
{
    return (int64_t)sizeof(nfi_pool) + (int64_t)(threads - 1) * (int64_t)sizeof(pthread_t);
}

static void pool_reset(nfi_pool *pool)
{
    pool->pid = getpid();
    pool->started = 0;
    atomic_store(&pool->gate, 0);
    atomic_store(&pool->sleepers, 0);
    atomic_store(&pool->waiting, false);
    atomic_store(&pool->stop, false);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->opened, NULL);
    (void)pthread_cond_init(&pool->emptied, NULL);
}

nfi_pool *nfi_pool_create(nf_context *context, int32_t threads, nf_status *status)
{
    nfi_pool *pool = nfi_alloc(context, pool_bytes(threads), 1, status);

    if (pool == NULL)
        return NULL;
    atomic_init(&pool->owner, 0);
    pool->wanted = threads - 1;
    pool_reset(pool);
    return pool;
}

void nfi_pool_free(nfi_pool *pool, nf_context *context)
{
    int32_t threads;

    if (pool == NULL)
        return;
    threads = nfi_context_config(context)->threads;
    if (pool->pid == getpid()) { /* a child leaves what its parent's threads may hold as it is */
        atomic_store(&pool->stop, true);
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->opened);
        pthread_mutex_unlock(&pool->mutex);
        for (int32_t i = 0; i < pool->started; i++)
            pthread_join(pool->threads[i], NULL);
        pthread_cond_destroy(&pool->emptied);
        pthread_cond_destroy(&pool->opened);
        pthread_mutex_destroy(&pool->mutex);
    }
    nfi_free(context, pool, pool_bytes(threads), 1);
}

static int64_t pool_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void pool_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Watches until ready(pool, seen) or POOL_SPIN_NS have passed; true: ready. */
static bool pool_spin(nfi_pool *pool, uint32_t seen, bool (*ready)(nfi_pool *, uint32_t))
{
    const int64_t end = pool_now() + POOL_SPIN_NS;

    do {
        for (int32_t i = 0; i < POOL_SPIN_CHECK; i++) {
            if (ready(pool, seen))
                return true;
            pool_pause();
        }
    } while (pool_now() < end);
    return false;
}

/* A worker has something to do: a region it has not been in, or the end. */
static bool pool_has_news(nfi_pool *pool, uint32_t seen)
{
    const uint32_t gate = atomic_load(&pool->gate);

    return ((gate & GATE_OPEN) != 0 && gate >> GATE_REGION_SHIFT != seen) || atomic_load(&pool->stop);
}

static bool pool_is_empty(nfi_pool *pool, uint32_t seen)
{
    (void)seen;
    return (atomic_load(&pool->gate) & GATE_INSIDE) == 0;
}

/* Falling asleep: the sleeper announces itself and then looks at the gate; who changes the gate does so and then looks
 * for sleepers. In the one order of all sequentially consistent operations one of the two sees the other, and the
 * mutex closes the gap between the sleeper's last look and its sleep. */
static void pool_wait_for_news(nfi_pool *pool, uint32_t seen)
{
    if (pool_spin(pool, seen, pool_has_news))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!pool_has_news(pool, seen))
        pthread_cond_wait(&pool->opened, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void pool_wait_until_empty(nfi_pool *pool)
{
    if (pool_spin(pool, 0, pool_is_empty))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, true);
    while (!pool_is_empty(pool, 0))
        pthread_cond_wait(&pool->emptied, &pool->mutex);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->mutex);
}

static void pool_take_tasks(nfi_pool *pool)
{
    for (;;) {
        const int64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);

        if (i >= pool->n)
            return;
        pool->task(pool->arg, i);
    }
}

/* Comes in if the gate is open for a region other than *seen, and then notes the region there. */
static bool pool_enter(nfi_pool *pool, uint32_t *seen)
{
    uint32_t gate = atomic_load(&pool->gate);

    while ((gate & GATE_OPEN) != 0 && gate >> GATE_REGION_SHIFT != *seen) {
        if (atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) {
            *seen = gate >> GATE_REGION_SHIFT;
            return true;
        }
    }
    return false;
}

static void pool_leave(nfi_pool *pool)
{
    const uint32_t gate = atomic_fetch_sub(&pool->gate, 1) - 1;

    if ((gate & (GATE_OPEN | GATE_INSIDE)) == 0 && atomic_load(&pool->waiting)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->emptied);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *pool_worker(void *arg)
{
    nfi_pool *pool = arg;
    uint32_t seen = GATE_NO_REGION;

    for (;;) {
        pool_wait_for_news(pool, seen);
        if (atomic_load(&pool->stop))
            return NULL;
        if (pool_enter(pool, &seen)) {
            const uint64_t saved = nfi_fpenv_enter();

            pool_take_tasks(pool);
            nfi_fpenv_leave(saved);
            pool_leave(pool);
        }
    }
}

/* Starts workers until there are `count`. Where the system refuses one, the pool stays as large as it is, for good:
 * asking again at every region would cost more than the thread would bring. Signals belong to the host's threads. */
static void pool_start(nfi_pool *pool, int32_t count)
{
    pthread_attr_t attr;
    sigset_t all, before;
    bool has_attr;

    if (pool->started >= count)
        return;
    has_attr = pthread_attr_init(&attr) == 0;
    if (has_attr)
        (void)pthread_attr_setstacksize(&attr, POOL_STACK);
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->started < count) {
        pthread_t *thread = &pool->threads[pool->started];

        /* A host with much thread-local data may leave no room on a small stack: then the default size. */
        if ((!has_attr || pthread_create(thread, &attr, pool_worker, pool) != 0) &&
            pthread_create(thread, NULL, pool_worker, pool) != 0) {
            pool->wanted = pool->started;
            break;
        }
        pool->started++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (has_attr)
        (void)pthread_attr_destroy(&attr);
}

static void pool_run(nfi_pool *pool, int64_t n, nf_task_fn task, void *arg)
{
    const int32_t helpers = (int32_t)nfi_min(n - 1, pool->wanted);
    uint32_t region;
    int32_t asleep;

    pool_start(pool, helpers);
    pool->task = task;
    pool->arg = arg;
    pool->n = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    region = ((atomic_load(&pool->gate) >> GATE_REGION_SHIFT) + 1) & 0xffffu;
    atomic_store(&pool->gate, region << GATE_REGION_SHIFT | GATE_OPEN);
    asleep = (int32_t)nfi_min(atomic_load(&pool->sleepers), helpers);
    if (asleep > 0) {
        pthread_mutex_lock(&pool->mutex);
        for (int32_t i = 0; i < asleep; i++)
            pthread_cond_signal(&pool->opened);
        pthread_mutex_unlock(&pool->mutex);
    }
    pool_take_tasks(pool);
    if ((atomic_fetch_and(&pool->gate, ~GATE_OPEN) & GATE_INSIDE) != 0)
        pool_wait_until_empty(pool);
}

/* Tasks on threads of the host: each under the default floating-point state. */
struct pool_host_job {
    nf_task_fn task;
    void *arg;
};

static void pool_host_task(void *arg, int64_t i)
{
    const struct pool_host_job *job = arg;
    const uint64_t saved = nfi_fpenv_enter();

    job->task(job->arg, i);
    nfi_fpenv_leave(saved);
}

static bool pool_acquire(nfi_pool *pool)
{
    const int pid = (int)getpid();
    int owner = atomic_load(&pool->owner);

    if (owner == pid || !atomic_compare_exchange_strong(&pool->owner, &owner, pid))
        return false;
    if (pool->pid != (pid_t)pid)
        pool_reset(pool);
    return true;
}

void nfi_parallel_for(nf_context *context, int64_t n, nf_task_fn task, void *arg)
{
    nfi_pool *pool = n > 1 ? nfi_context_pool(context) : NULL;
    const uint64_t saved = nfi_fpenv_enter();

    if (pool != NULL && pool_acquire(pool)) {
        const nf_context_config *config = nfi_context_config(context);

        if (config->parallel_for != NULL) {
            struct pool_host_job job = { task, arg };

            config->parallel_for(config->parallel_user, n, pool_host_task, &job);
        } else {
            pool_run(pool, n, task, arg);
        }
        atomic_store(&pool->owner, 0);
    } else {
        for (int64_t i = 0; i < n; i++)
            task(arg, i);
    }
    nfi_fpenv_leave(saved);
}
