/* SPDX-License-Identifier: MIT
 *
 * context.h - the inside of nf_context, and objects
 */
#ifndef NFI_CORE_CONTEXT_H
#define NFI_CORE_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <nflow/context.h>

/* First member of every handle: kind and life are checked at the boundary, cleared when freed. */
typedef struct nfi_object {
    uint32_t tag; /* NFI_TAG_... */
    atomic_int refs;
    nf_context *context; /* own reference, or NULL */
} nfi_object;

#define NFI_TAG(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define NFI_TAG_CONTEXT NFI_TAG('n', 'c', 't', 'x')
#define NFI_TAG_DATASET NFI_TAG('n', 'd', 'a', 't')
#define NFI_TAG_LAYER NFI_TAG('n', 'l', 'a', 'y')
#define NFI_TAG_BASE NFI_TAG('n', 'b', 'a', 's')
#define NFI_TAG_FLOW NFI_TAG('n', 'f', 'l', 'o')
#define NFI_TAG_OPTIMIZER NFI_TAG('n', 'o', 'p', 't')

/* NF_OK, NF_ERR_NULL or NF_ERR_HANDLE; `what` is "nf_flow_log_prob: flow". */
nf_status nfi_object_check(const void *object, uint32_t tag, const char *what);
/* The same with the line in two parts: "nf_flow_log_prob", "flow". */
nf_status nfi_argument_check(const void *object, uint32_t tag, const char *function, const char *argument);
/* The same for the context argument of a constructor, where NULL is fine. */
nf_status nfi_context_check(const nf_context *context, const char *function);
/* A zeroed object of `size` bytes holding one reference, and a reference of its own on context; NULL when out of memory
 * (line recorded). */
void *nfi_object_create(nf_context *context, int64_t size, uint32_t tag);
void *nfi_object_ref(void *object, uint32_t tag);    /* returns object; counts only what is of this kind */
bool nfi_object_release(void *object, uint32_t tag); /* drops a reference: true when it was the last: the caller then frees the
                                                        members and calls nfi_object_free. NULL, other kinds, freed handles: false */
void nfi_object_free(void *object, int64_t size); /* clears the tag, frees, drops the context's reference */

/* The resolved configuration; valid for context == NULL too. Immutable after creation. */
const nf_context_config *nfi_context_config(const nf_context *context);
bool nfi_context_cancelled(const nf_context *context); /* false for NULL */
void nfi_context_log(const nf_context *context, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern const struct nfi_config_type nfi_context_config_type; /* its field table: core/config.h */

/* User's layer types: registered types of a context, as opaque pointers kept by name (see layers/registry.c). */
nf_status nfi_context_add_type(nf_context *context, const char *name, const void *type);
const void *nfi_context_find_type(const nf_context *context, const char *name); /* NULL: none */

/* Runs task(arg, i) for i in [0, n) on the context's threads, the caller included; returns when all are done. Inline
 * (no pool) when n == 1, the context has one thread or is NULL. Tasks must write to disjoint places. Nested calls run
 * inline. Never fails: if no thread can be started the caller does all. Every worker runs under the default
 * floating-point state (core/fpenv.h). */
void nfi_parallel_for(nf_context *context, int64_t n, nf_task_fn task, void *arg);
int32_t nfi_context_worker_count(const nf_context *context); /* >= 1: upper bound on threads at once */

#endif
