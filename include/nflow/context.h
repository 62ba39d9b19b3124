/* SPDX-License-Identifier: MIT
 *
 * context.h - the environment of the other objects: memory, threads, log, limits
 *
 * NULL is accepted wherever a context is, and means: malloc, one thread, silent, native kernels
 * of the best instruction set of the machine.
 */
#ifndef NFLOW_CONTEXT_H
#define NFLOW_CONTEXT_H

#include <nflow/config.h>

NF_BEGIN_DECLS

/**
 * A context. Threads: shared-read; nf_context_cancel and nf_context_resume from any thread.
 * Lifetime: reference counted; every object holds a reference to the context it was made with.
 * Since 0.1
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

/* Memory: alloc returns `size` bytes (size > 0) aligned to `alignment` (a power of two), or NULL. */
typedef void *(*nf_alloc_fn)(void *user, int64_t size, int64_t alignment);
typedef void (*nf_free_fn)(void *user, void *ptr, int64_t size);
/* Runs task(arg, i) for every i in [0, n), in any order and on any threads, and returns when all are done. */
typedef void (*nf_task_fn)(void *arg, int64_t i);
typedef void (*nf_parallel_for_fn)(void *user, int64_t n, nf_task_fn task, void *arg);
typedef void (*nf_log_fn)(void *user, int32_t level, const char *line);

typedef struct nf_context_config {
    uint32_t struct_size;
    int32_t threads;        /* default 1; -1: as many as the process may use */
    int32_t backend;        /* NF_BACKEND_..., default native */
    int32_t isa;            /* NF_ISA_..., default: the best of this machine */
    int32_t strict;         /* 1: a row that is not finite fails the call */
    int32_t reserved;
    int64_t memory_budget;  /* bytes of saved activations per thread in training, default 64 MiB */
    int64_t max_file_bytes; /* default 2 GiB */
    int64_t max_layers;     /* default 4096 */
    int64_t max_dim;        /* default 2^24 */
    int64_t max_elements;   /* parameters of a flow, values of a dataset; default 2^31 - 1 */
    nf_alloc_fn alloc;      /* NULL: malloc; alloc and free are set both or neither */
    nf_free_fn free;
    void *alloc_user;
    nf_parallel_for_fn parallel_for; /* NULL: the library's own pool, started at first need */
    void *parallel_user;
    nf_log_fn log; /* NULL: silent. Called from the calling thread, never with a lock held */
    void *log_user;
} nf_context_config;

#define NF_CONTEXT_CONFIG_INIT { .struct_size = sizeof(nf_context_config) }
NF_API void nf_context_config_init(nf_context_config *config);

/**
 * Creates a context. config may be NULL (all defaults) and is copied.
 * Returns NF_OK; NF_ERR_NULL, NF_ERR_ARG, NF_ERR_CONFIG_*, NF_ERR_MEMORY; NF_ERR_UNSUPPORTED when
 * the machine lacks the instruction set asked for. *out is NULL after failure.
 * Starts no thread. Threads: any. Since 0.1
 */
NF_API nf_status nf_context_create(nf_context **out, const nf_context_config *config);
NF_API nf_context *nf_context_ref(nf_context *context);
NF_API void nf_context_unref(nf_context *context);

/**
 * Asks every long call on objects of this context to end at its next batch: evaluations return
 * NF_ERR_CANCELLED, nf_flow_fit returns NF_STOPPED with the best parameters. One atomic store, so
 * it may be called from any thread and from a signal handler. It stays in force until
 * nf_context_resume. Since 0.1
 */
NF_API void nf_context_cancel(nf_context *context);
NF_API void nf_context_resume(nf_context *context);

/* What the context settled on. context may be NULL. isa: "avx512", "avx2", "neon", "baseline". */
NF_API int32_t nf_context_threads(const nf_context *context);
NF_API const char *nf_context_isa(const nf_context *context);
NF_API const char *nf_context_backend(const nf_context *context);

/**
 * What the CBLAS library calls itself, e.g. "OpenBLAS 0.3.21 ... Prescott": its name, version and
 * the core type whose kernels it chose, as far as it tells. Static memory. Threads: any. Since 0.1
 */
NF_API const char *nf_blas_description(void);

NF_END_DECLS
#endif
