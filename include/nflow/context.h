/* SPDX-License-Identifier: MIT
 *
 * context.h - the environment of the other objects: memory, threads, log, limits
 *
 * NULL is accepted wherever a context is, and means: malloc, one thread, silent, native kernels of the best instruction set of
 * the machine, the default limits.
 */
#ifndef NFLOW_CONTEXT_H
#define NFLOW_CONTEXT_H

#include <nflow/config.h>

NF_BEGIN_DECLS

/**
 * A context. Nothing in it is global: a process may have any number of them.
 * Threads: shared-read; its configuration never changes. nf_context_cancel and nf_context_resume from any thread.
 * Lifetime: reference counted; every object holds a reference to the context it was made with, so it may be released first.
 * Fork: a child may use the context and its objects. It has none of the parent's threads and starts its own at need. Since 0.1
 */
typedef struct nf_context nf_context;

/* Who multiplies matrices. */
enum {
    NF_BACKEND_NATIVE = 1, /* own kernels: the same bits for any batch, thread count and machine with FMA */
    NF_BACKEND_CBLAS = 2   /* the CBLAS library; bits depend on it and on the batch */
};

/* Which instruction set the native kernels use. The default is the best that the machine has. */
enum {
    NF_ISA_BASELINE = 1, /* what the library was compiled for; without FMA the last bits differ */
    NF_ISA_AVX2 = 2,     /* AVX2 and FMA */
    NF_ISA_AVX512 = 3,   /* AVX-512 F, DQ, BW, VL */
    NF_ISA_NEON = 4
};

/* Levels of log lines. */
enum { NF_LOG_WARNING = 1, NF_LOG_INFO = 2 };

/* Memory: alloc returns `size` bytes (size > 0) aligned to `alignment` (a power of two), or NULL; they need not be cleared. free
 * gets the size that was asked for. Both are called from any thread of the context. */
typedef void *(*nf_alloc_fn)(void *user, int64_t size, int64_t alignment);
typedef void (*nf_free_fn)(void *user, void *ptr, int64_t size);
/* Runs task(arg, i) once for every i in [0, n), in any order and on any threads, and returns when all are done. */
typedef void (*nf_task_fn)(void *arg, int64_t i);
typedef void (*nf_parallel_for_fn)(void *user, int64_t n, nf_task_fn task, void *arg);
/* One line of text, no line end, valid during the call; level is NF_LOG_... */
typedef void (*nf_log_fn)(void *user, int32_t level, const char *line);
/* The context is gone: nothing of it will call back any more, and the memory that it had is returned. */
typedef void (*nf_released_fn)(void *user);

/* Callbacks must return: leaving one by longjmp or a C++ exception is undefined. */
typedef struct nf_context_config {
    uint32_t struct_size;
    int32_t threads;        /* default 1; up to 1024; -1: as many as the process may use */
    int32_t backend;        /* NF_BACKEND_..., default native */
    int32_t isa;            /* NF_ISA_..., default: the best of this machine */
    int32_t strict;         /* 1: a row that is not finite fails the call */
    int32_t reserved;       /* 0 */
    int64_t memory_budget;  /* bytes of saved activations per thread in training, default 64 MiB: beyond it blocks of rows get
                               smaller, down to one tile, and at last activations are computed again; the results keep their bits */
    int64_t max_file_bytes; /* of a file that is read, default 2 GiB */
    int64_t max_layers;     /* of a flow, default 4096 */
    int64_t max_dim;        /* columns of a layer, base or dataset, default 2^24 */
    int64_t max_elements;   /* parameters of a flow, values of a dataset; default 2^31 - 1 */
    int64_t max_solver_steps; /* that a continuous layer may allow a row: what a model file can make a row cost; default 100000 */
    nf_alloc_fn alloc;      /* NULL: malloc; alloc and free are set both or neither */
    nf_free_fn free;
    void *alloc_user;
    nf_parallel_for_fn parallel_for; /* used when threads > 1, by one call at a time (others then run on their caller's thread);
                                        NULL: the library's own pool, started at first need */
    void *parallel_user;
    nf_log_fn log; /* NULL: silent. Called from the calling thread, never with a lock held */
    void *log_user;
    nf_released_fn released; /* called once, by whoever gives the last reference back, after everything else: what the callbacks' users
                                point to may be freed there. Never called when nf_context_create fails */
    void *released_user;
} nf_context_config;

#define NF_CONTEXT_CONFIG_INIT { .struct_size = sizeof(nf_context_config) }
NF_API void nf_context_config_init(nf_context_config *config);

/**
 * Creates a context with one reference.
 *
 * config  NULL: all defaults; copied
 * Returns NF_OK; NF_ERR_NULL, NF_ERR_ARG (alloc without free, or the converse), NF_ERR_CONFIG_*, NF_ERR_MEMORY;
 * NF_ERR_UNSUPPORTED when the machine lacks the instruction set asked for, or the library the back end cblas. *out is NULL after
 * failure. Allocates the context; starts no thread. Threads: any. Since 0.1
 */
NF_API nf_status nf_context_create(nf_context **out, const nf_context_config *config);
NF_API nf_context *nf_context_ref(nf_context *context);  /* returns its argument; NULL accepted */
NF_API void nf_context_unref(nf_context *context);       /* the last one joins the pool's threads; NULL accepted */

/**
 * Asks every long call on objects of this context to end: evaluations at their next block of rows, with NF_ERR_CANCELLED;
 * nf_flow_fit at its next step, with NF_STOPPED and the best parameters. It stays in force until nf_context_resume.
 * nf_flow_nll_grad and nf_optimizer_step, which are one step themselves, run to their end.
 * One atomic store: may be called from any thread and from a signal handler. NULL does nothing. Since 0.1
 */
NF_API void nf_context_cancel(nf_context *context);
NF_API void nf_context_resume(nf_context *context);

/**
 * What a context settled on: the number of threads; the instruction set of the native kernels, "avx512", "avx2", "neon" or
 * "baseline"; "native" or "cblas". context may be NULL. Static memory. Threads: any. Since 0.1
 */
NF_API int32_t nf_context_threads(const nf_context *context);
NF_API const char *nf_context_isa(const nf_context *context);
NF_API const char *nf_context_backend(const nf_context *context);

/**
 * What the CBLAS library calls itself, e.g. "OpenBLAS 0.3.21 ... Prescott": its name, version and the core type whose kernels it
 * chose, as far as it tells; "none": the library was built without. Never NULL; the text is the calling thread's own and stays as
 * it is. Threads: any. Since 0.1
 */
NF_API const char *nf_blas_description(void);

NF_END_DECLS
#endif
