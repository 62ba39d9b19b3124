/* SPDX-License-Identifier: MIT
 *
 * memory.c - allocation through the context, checked sizes, arenas
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/memory.h"
#include "core/status.h"
#include <nflow/layer_type.h>

#define MEMORY_HUGE ((uintptr_t)1 << 21) /* bytes of a huge page of x86-64 and aarch64 with 4 KiB pages */

bool nfi_add(int64_t a, int64_t b, int64_t *out)
{
    *out = 0;
    if (a < 0 || b < 0 || a > INT64_MAX - b)
        return false;
    *out = a + b;
    return true;
}

bool nfi_mul(int64_t a, int64_t b, int64_t *out)
{
    *out = 0;
    if (a < 0 || b < 0 || (b > 0 && a > INT64_MAX / b))
        return false;
    *out = a * b;
    return true;
}

/* Bytes behind count elements; never 0, so that every block has an address of its own. */
static bool memory_bytes(int64_t count, int64_t size, int64_t *bytes)
{
    if (!nfi_mul(count, size, bytes) || (uint64_t)*bytes > (uint64_t)PTRDIFF_MAX)
        return false;
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

static void memory_report(nf_status *out, nf_status status)
{
    if (out != NULL)
        *out = status;
}

/* Memory of the system. Large blocks ask for huge pages, where the system leaves that to the program: weights, gradients and
 * moments are streamed, and address translation costs a training step 2 % otherwise (docs/performance.md). */
static void *memory_system(int64_t bytes)
{
    void *ptr = NULL;

    if (posix_memalign(&ptr, NFI_ALIGN, (size_t)bytes) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
    const uintptr_t first = ((uintptr_t)ptr + MEMORY_HUGE - 1) / MEMORY_HUGE * MEMORY_HUGE;
    const uintptr_t last = ((uintptr_t)ptr + (uintptr_t)bytes) / MEMORY_HUGE * MEMORY_HUGE;
    if (last >= first + 2 * MEMORY_HUGE) (void)madvise((void *)first, last - first, MADV_HUGEPAGE); /* advice: may be refused */
#endif
    return ptr;
}

void *nfi_alloc(nf_context *context, int64_t count, int64_t size, nf_status *status)
{
    const nf_context_config *config = nfi_context_config(context);
    void *ptr = NULL;
    int64_t bytes;

    if (!memory_bytes(count, size, &bytes)) {
        memory_report(status, nfi_fail(NF_ERR_OVERFLOW, "%lld elements of %lld bytes are too many", (long long)count,
                                       (long long)size));
        return NULL;
    }
    if (config->alloc != NULL)
        ptr = config->alloc(config->alloc_user, bytes, NFI_ALIGN);
    else
        ptr = memory_system(bytes);
    if (ptr == NULL) {
        memory_report(status, nfi_fail(NF_ERR_MEMORY, "out of memory: %lld bytes", (long long)bytes));
        return NULL;
    }
    if ((uintptr_t)ptr % NFI_ALIGN != 0) { /* only a host's allocator: kernels would fault far from the cause */
        config->free(config->alloc_user, ptr, bytes);
        memory_report(status, nfi_fail(NF_ERR_MEMORY, "the context's alloc returned memory not aligned to %d bytes",
                                       NFI_ALIGN));
        return NULL;
    }
    memory_report(status, NF_OK);
    return memset(ptr, 0, (size_t)bytes);
}

void nfi_free(nf_context *context, void *ptr, int64_t count, int64_t size)
{
    const nf_context_config *config = nfi_context_config(context);
    int64_t bytes;

    if (ptr == NULL)
        return;
    if (config->free == NULL)
        free(ptr);
    else if (memory_bytes(count, size, &bytes))
        config->free(config->alloc_user, ptr, bytes);
}

char *nfi_strdup(nf_context *context, const char *text, nf_status *status)
{
    const size_t length = strlen(text);
    char *copy = nfi_alloc(context, (int64_t)length + 1, 1, status);

    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

void nfi_strfree(nf_context *context, char *text)
{
    if (text != NULL)
        nfi_free(context, text, (int64_t)strlen(text) + 1, 1);
}

/* A piece of an arena stands NFI_ALIGN bytes behind its head. Pieces are allocated one by one: arenas serve set-up
 * alone, and tools that watch memory then see every overrun. */
struct memory_piece {
    struct memory_piece *next;
    int64_t bytes; /* head included */
};

_Static_assert(sizeof(struct memory_piece) <= NFI_ALIGN, "the head of a piece fits before it");

struct nf_maker {
    nf_context *context; /* own reference */
    struct memory_piece *pieces;
};

nf_status nfi_maker_create(nf_maker **out, nf_context *context)
{
    nf_status status;

    *out = nfi_alloc(context, 1, sizeof(nf_maker), &status);
    if (*out != NULL)
        (*out)->context = nf_context_ref(context);
    return status;
}

void nfi_maker_free(nf_maker *maker)
{
    nf_context *context;

    if (maker == NULL)
        return;
    context = maker->context;
    for (struct memory_piece *piece = maker->pieces, *next; piece != NULL; piece = next) {
        next = piece->next;
        nfi_free(context, piece, piece->bytes, 1);
    }
    nfi_free(context, maker, 1, sizeof *maker);
    nf_context_unref(context);
}

void *nfi_maker_alloc(nf_maker *maker, int64_t count, int64_t size)
{
    struct memory_piece *piece;
    int64_t bytes;

    if (!nfi_mul(count, size, &bytes) || !nfi_add(bytes > 0 ? bytes : 1, NFI_ALIGN, &bytes)) {
        (void)nfi_fail(NF_ERR_OVERFLOW, "%lld elements of %lld bytes are too many", (long long)count, (long long)size);
        return NULL;
    }
    piece = nfi_alloc(maker->context, bytes, 1, NULL);
    if (piece == NULL)
        return NULL;
    piece->bytes = bytes;
    piece->next = maker->pieces;
    maker->pieces = piece;
    return (char *)piece + NFI_ALIGN;
}

nf_context *nfi_maker_context(nf_maker *maker) { return maker->context; }

void *nf_maker_alloc(nf_maker *maker, int64_t bytes)
{
    if (maker == NULL) {
        (void)nfi_fail(NF_ERR_NULL, "nf_maker_alloc: maker is NULL");
        return NULL;
    }
    return nfi_maker_alloc(maker, bytes, 1);
}

int64_t nfi_layout_add(nfi_layout *layout, int64_t count, int64_t width)
{
    const int64_t offset = layout->size;
    int64_t bytes, end;

    if (layout->overflow || !nfi_mul(count, width, &bytes) || bytes > INT64_MAX - (NFI_ALIGN - 1) ||
        !nfi_add(offset, nfi_round_up(bytes, NFI_ALIGN), &end)) {
        layout->overflow = true;
        return 0;
    }
    layout->size = end;
    return offset;
}
