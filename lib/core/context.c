/* SPDX-License-Identifier: MIT
 *
 * context.c - contexts, objects, registered types
 *
 * What a context settled on about matrix products (nf_context_isa, nf_context_backend, nf_blas_description) is answered
 * by the math module: core knows the request alone. isa 0 in a resolved config means the best of the machine.
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/context.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/print.h"
#include "core/status.h"

#define CONTEXT_MAX_THREADS 1024
#define CONTEXT_MAX_TYPES 256
#define CONTEXT_LOG_LINE 1024

/* Defaults, stated once for the table and for the NULL context. */
#define CONTEXT_MEMORY_BUDGET (64 * 1024 * 1024)
#define CONTEXT_MAX_FILE_BYTES (INT64_C(2) << 30)
#define CONTEXT_MAX_LAYERS 4096
#define CONTEXT_MAX_DIM (1 << 24)
#define CONTEXT_MAX_ELEMENTS INT32_MAX
#define CONTEXT_MAX_SOLVER_STEPS 100000

#define CONTEXT_FIELD(member, kind, fallback, min, max, choices, help)                                                 \
    NFI_FIELD(nf_context_config, member, kind, 0, fallback, min, max, choices, help)

static const nf_field context_fields[] = {
    CONTEXT_FIELD(threads, NF_FIELD_I32, 1, -1, CONTEXT_MAX_THREADS, NULL,
                  "threads to compute on; -1 takes as many as the process may use"),
    CONTEXT_FIELD(backend, NF_FIELD_CHOICE, NF_BACKEND_NATIVE, 1, 2, "native,cblas", "who multiplies matrices"),
    CONTEXT_FIELD(isa, NF_FIELD_CHOICE, 0, 1, 4, "baseline,avx2,avx512,neon",
                  "instruction set of the native kernels; the default is the best of the machine"),
    CONTEXT_FIELD(strict, NF_FIELD_FLAG, 0, 0, 1, NULL, "a row that is not finite fails the call"),
    CONTEXT_FIELD(memory_budget, NF_FIELD_I64, CONTEXT_MEMORY_BUDGET, 1, 0x1p62, NULL,
                  "bytes of saved activations per thread in training"),
    CONTEXT_FIELD(max_file_bytes, NF_FIELD_I64, (double)CONTEXT_MAX_FILE_BYTES, 1, 0x1p62, NULL,
                  "largest file that is read, in bytes"),
    CONTEXT_FIELD(max_layers, NF_FIELD_I64, CONTEXT_MAX_LAYERS, 1, 0x1p20, NULL, "most layers of a flow"),
    CONTEXT_FIELD(max_dim, NF_FIELD_I64, CONTEXT_MAX_DIM, 1, INT32_MAX, NULL, "most columns of a flow or a dataset"),
    CONTEXT_FIELD(max_elements, NF_FIELD_I64, CONTEXT_MAX_ELEMENTS, 1, 0x1p48, NULL,
                  "most parameters of a flow and values of a dataset"),
    CONTEXT_FIELD(max_solver_steps, NF_FIELD_I64, CONTEXT_MAX_SOLVER_STEPS, 1, 0x1p20, NULL,
                  "most steps of a row that a continuous layer may allow"),
    CONTEXT_FIELD(alloc, NF_FIELD_POINTER, 0, 0, 0, NULL, "allocates memory; NULL is malloc"),
    CONTEXT_FIELD(free, NF_FIELD_POINTER, 0, 0, 0, NULL, "frees memory; set with alloc"),
    CONTEXT_FIELD(alloc_user, NF_FIELD_POINTER, 0, 0, 0, NULL, "first argument of alloc and free"),
    CONTEXT_FIELD(parallel_for, NF_FIELD_POINTER, 0, 0, 0, NULL, "runs tasks on the host's threads; NULL is a pool"),
    CONTEXT_FIELD(parallel_user, NF_FIELD_POINTER, 0, 0, 0, NULL, "first argument of parallel_for"),
    CONTEXT_FIELD(log, NF_FIELD_POINTER, 0, 0, 0, NULL, "receives log lines; NULL is silent"),
    CONTEXT_FIELD(log_user, NF_FIELD_POINTER, 0, 0, 0, NULL, "first argument of log"),
    CONTEXT_FIELD(released, NF_FIELD_POINTER, 0, 0, 0, NULL, "called when the context is gone; NULL is nothing"),
    CONTEXT_FIELD(released_user, NF_FIELD_POINTER, 0, 0, 0, NULL, "argument of released"),
};

const nfi_config_type nfi_context_config_type = {
    .name = "context",
    .first_size = offsetof(nf_context_config, released_user) + sizeof(void *), /* as of 0.1 */
    .size = sizeof(nf_context_config),
    .fields = context_fields,
    .n_fields = (int32_t)(sizeof context_fields / sizeof context_fields[0]),
};

/* What context == NULL means. */
static const nf_context_config context_default = {
    .struct_size = sizeof(nf_context_config),
    .threads = 1,
    .backend = NF_BACKEND_NATIVE,
    .memory_budget = CONTEXT_MEMORY_BUDGET,
    .max_file_bytes = CONTEXT_MAX_FILE_BYTES,
    .max_layers = CONTEXT_MAX_LAYERS,
    .max_dim = CONTEXT_MAX_DIM,
    .max_elements = CONTEXT_MAX_ELEMENTS,
    .max_solver_steps = CONTEXT_MAX_SOLVER_STEPS,
};

/* A registered type. Nodes are added in front and never change, so that finding takes no lock. */
struct context_type {
    struct context_type *next;
    const char *name; /* own copy, behind the node */
    const void *type;
    int64_t bytes;
};

struct nf_context {
    nfi_object object;
    nf_context_config config; /* resolved, immutable after creation */
    atomic_int cancelled;
    nfi_pool *pool; /* NULL: one thread */
    pthread_mutex_t types_mutex; /* held while a type is added */
    struct context_type *_Atomic types;
    int32_t n_types;
};

#if ATOMIC_INT_LOCK_FREE != 2
#error "nf_context_cancel is promised to signal handlers and needs a lock-free atomic_int"
#endif

void nf_context_config_init(nf_context_config *config)
{
    if (config != NULL)
        *config = (nf_context_config)NF_CONTEXT_CONFIG_INIT;
}

static int32_t context_usable_cpus(void)
{
    long count = 0;
#if defined(__linux__)
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
#endif
    if (count < 1) /* more processors than a cpu_set_t holds, or no such call */
        count = sysconf(_SC_NPROCESSORS_ONLN);
    return (int32_t)nfi_max(1, nfi_min(count, CONTEXT_MAX_THREADS));
}

static nf_status context_resolve(const nf_context_config *config, nf_context_config *resolved)
{
    static const char function[] = "nf_context_create";
    const nf_context_config defaults = NF_CONTEXT_CONFIG_INIT;
    const nf_status status =
        nfi_config_resolve(&nfi_context_config_type, config != NULL ? config : &defaults, resolved, function);

    if (status < 0)
        return status;
    if (resolved->reserved != 0)
        return nfi_fail(NF_ERR_CONFIG_NEW, "%s: reserved is %d, must be 0", function, (int)resolved->reserved);
    if ((resolved->alloc == NULL) != (resolved->free == NULL))
        return nfi_fail(NF_ERR_ARG, "%s: alloc and free are set both or neither", function);
    if (resolved->isa != 0 && !nfi_cpu_has_isa(resolved->isa))
        return nfi_fail(NF_ERR_UNSUPPORTED, "%s: isa is %d, this machine lacks that instruction set", function,
                        (int)resolved->isa);
#if !defined(NFI_CBLAS)
    if (resolved->backend == NF_BACKEND_CBLAS)
        return nfi_fail(NF_ERR_UNSUPPORTED, "%s: backend is cblas and this library was built without: leave it native, or "
                        "build with -Dblas=auto", function);
#endif
    if (resolved->threads == -1)
        resolved->threads = context_usable_cpus();
    return NF_OK;
}

nf_status nf_context_create(nf_context **out, const nf_context_config *config)
{
    nf_context draft; /* carries the allocator until the context exists */
    nf_context *context = NULL;
    nf_status status;

    if (out == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_context_create: out is NULL");
    *out = NULL;
    status = context_resolve(config, &draft.config);
    if (status < 0)
        return status;
    context = nfi_alloc(&draft, 1, sizeof *context, &status);
    if (context == NULL)
        return nfi_fail_in(status, "nf_context_create");
    context->config = draft.config;
    context->object.tag = NFI_TAG_CONTEXT;
    atomic_init(&context->object.refs, 1);
    atomic_init(&context->cancelled, 0);
    atomic_init(&context->types, NULL);
    (void)pthread_mutex_init(&context->types_mutex, NULL);
    if (context->config.threads > 1) {
        context->pool = nfi_pool_create(context, context->config.threads, &status);
        if (context->pool == NULL) {
            context->config.released = NULL; /* the caller keeps what it would free */
            nf_context_unref(context);
            return nfi_fail_in(status, "nf_context_create");
        }
    }
    *out = context;
    return NF_OK;
}

static bool context_is_one(const nf_context *context) { return context != NULL && context->object.tag == NFI_TAG_CONTEXT; }

nf_context *nf_context_ref(nf_context *context) { return nfi_object_ref(context, NFI_TAG_CONTEXT); }

/* Clears the tag where no optimiser may drop the store: a handle used after its end is then told apart. */
static void context_clear_tag(nfi_object *object) { *(volatile uint32_t *)&object->tag = 0; }

void nf_context_unref(nf_context *context)
{
    nf_context draft; /* carries the allocator beyond the context's end */

    if (!nfi_object_release(context, NFI_TAG_CONTEXT))
        return;
    nfi_pool_free(context->pool, context);
    for (struct context_type *node = atomic_load(&context->types); node != NULL;) {
        struct context_type *next = node->next;

        nfi_free(context, node, node->bytes, 1);
        node = next;
    }
    (void)pthread_mutex_destroy(&context->types_mutex);
    draft.config = context->config;
    context_clear_tag(&context->object);
    nfi_free(&draft, context, 1, sizeof *context);
    if (draft.config.released != NULL)
        draft.config.released(draft.config.released_user);
}

void nf_context_cancel(nf_context *context)
{
    if (context_is_one(context))
        atomic_store(&context->cancelled, 1);
}

void nf_context_resume(nf_context *context)
{
    if (context_is_one(context))
        atomic_store(&context->cancelled, 0);
}

int32_t nf_context_threads(const nf_context *context)
{
    return nfi_context_check(context, "nf_context_threads") == NF_OK ? nfi_context_config(context)->threads : 0;
}

int32_t nfi_context_worker_count(const nf_context *context) { return nfi_context_config(context)->threads; }

const nf_context_config *nfi_context_config(const nf_context *context)
{
    return context != NULL ? &context->config : &context_default;
}

bool nfi_context_cancelled(const nf_context *context)
{
    return context != NULL && atomic_load_explicit(&context->cancelled, memory_order_relaxed) != 0;
}

nfi_pool *nfi_context_pool(nf_context *context) { return context != NULL ? context->pool : NULL; }

void nfi_context_log(const nf_context *context, int32_t level, const char *format, ...)
{
    const nf_context_config *config = nfi_context_config(context);
    char line[CONTEXT_LOG_LINE];
    va_list args;

    if (config->log == NULL)
        return;
    va_start(args, format);
    nfi_vprint(line, sizeof line, format, args);
    va_end(args);
    config->log(config->log_user, level, line);
}

nf_status nfi_object_check(const void *object, uint32_t tag, const char *what)
{
    const nfi_object *head = object;

    if (head == NULL)
        return nfi_fail(NF_ERR_NULL, "%s is NULL", what);
    if (head->tag != tag)
        return nfi_fail(NF_ERR_HANDLE, "%s is a handle of another kind or was released", what);
    return NF_OK;
}

nf_status nfi_argument_check(const void *object, uint32_t tag, const char *function, const char *argument)
{
    const nf_status status = nfi_object_check(object, tag, argument);

    return status < 0 ? nfi_fail_in(status, "%s", function) : NF_OK;
}

nf_status nfi_context_check(const nf_context *context, const char *function)
{
    return context == NULL ? NF_OK : nfi_argument_check(context, NFI_TAG_CONTEXT, function, "context");
}

void *nfi_object_create(nf_context *context, int64_t size, uint32_t tag)
{
    nfi_object *object = nfi_alloc(context, 1, size, NULL);

    if (object == NULL)
        return NULL;
    object->tag = tag;
    atomic_init(&object->refs, 1);
    object->context = nf_context_ref(context);
    return object;
}

void *nfi_object_ref(void *object, uint32_t tag)
{
    nfi_object *head = object;

    if (head != NULL && head->tag == tag)
        (void)atomic_fetch_add_explicit(&head->refs, 1, memory_order_relaxed);
    return object;
}

bool nfi_object_release(void *object, uint32_t tag)
{
    nfi_object *head = object;

    return head != NULL && head->tag == tag && atomic_fetch_sub_explicit(&head->refs, 1, memory_order_acq_rel) == 1;
}

void nfi_object_free(void *object, int64_t size)
{
    nfi_object *head = object;
    nf_context *context;

    if (head == NULL)
        return;
    context = head->context;
    context_clear_tag(head);
    nfi_free(context, head, 1, size);
    nf_context_unref(context);
}

nf_status nfi_context_add_type(nf_context *context, const char *name, const void *type)
{
    struct context_type *node;
    nf_status status = NF_OK;
    int64_t bytes;
    char *copy;

    if (context == NULL || name == NULL || type == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_context_register_layer: %s is NULL",
                        context == NULL ? "context" : name == NULL ? "the type's name" : "type");
    bytes = (int64_t)sizeof *node + (int64_t)strlen(name) + 1;
    node = nfi_alloc(context, bytes, 1, &status); /* before the lock: the host's allocator may do anything */
    if (node == NULL)
        return nfi_fail_in(status, "nf_context_register_layer");
    copy = (char *)(node + 1);
    memcpy(copy, name, strlen(name) + 1);
    node->name = copy;
    node->type = type;
    node->bytes = bytes;

    pthread_mutex_lock(&context->types_mutex);
    if (nfi_context_find_type(context, name) != NULL) {
        status = nfi_fail(NF_ERR_ARG, "nf_context_register_layer: the name %s is taken", name);
    } else if (context->n_types >= CONTEXT_MAX_TYPES) {
        status = nfi_fail(NF_ERR_LIMIT, "nf_context_register_layer: the context has %d types, the limit",
                          CONTEXT_MAX_TYPES);
    } else {
        node->next = atomic_load(&context->types);
        atomic_store(&context->types, node);
        context->n_types++;
        node = NULL;
    }
    pthread_mutex_unlock(&context->types_mutex);
    nfi_free(context, node, bytes, 1);
    return status;
}

const void *nfi_context_find_type(const nf_context *context, const char *name)
{
    const struct context_type *node = context != NULL && name != NULL ? atomic_load(&context->types) : NULL;

    while (node != NULL && strcmp(node->name, name) != 0)
        node = node->next;
    return node != NULL ? node->type : NULL;
}
