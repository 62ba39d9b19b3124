/* SPDX-License-Identifier: MIT
 *
 * alloc.c - a counting allocator that can refuse, with canaries around every block
 */
#include "support.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER_CANARY 0xC5
#define LEDGER_TAIL 64

/* [head: alignment bytes, the last 16 hold size and alignment][the caller's bytes][LEDGER_TAIL canary bytes] */

void ledger_reset(ledger *book)
{
    atomic_init(&book->calls, 0);
    atomic_init(&book->blocks, 0);
    atomic_init(&book->bytes, 0);
    atomic_init(&book->damaged, 0);
    book->fail_at = -1;
    book->fail_forever = false;
}

void *ledger_alloc(void *user, int64_t size, int64_t alignment)
{
    ledger *l = user;
    const long long call = atomic_fetch_add(&l->calls, 1);
    const int64_t head = alignment < 64 ? 64 : alignment;
    void *block = NULL;

    if (size <= 0 || alignment <= 0 || (alignment & (alignment - 1))) {
        atomic_fetch_add(&l->damaged, 1);
        return NULL;
    }
    if (l->fail_at >= 0 && (call == l->fail_at || (l->fail_forever && call > l->fail_at))) return NULL;
    if (size > INT64_MAX - head - LEDGER_TAIL || posix_memalign(&block, (size_t)head, (size_t)(head + size + LEDGER_TAIL))) return NULL;
    char *ptr = (char *)block + head;
    memset(block, LEDGER_CANARY, (size_t)head);
    memset(ptr, 0xA5, (size_t)size); /* nothing may rely on fresh memory being zero */
    memset(ptr + size, LEDGER_CANARY, LEDGER_TAIL);
    memcpy(ptr - 8, &size, 8);
    memcpy(ptr - 16, &head, 8);
    atomic_fetch_add(&l->blocks, 1);
    atomic_fetch_add(&l->bytes, size);
    return ptr;
}

static bool ledger_is_whole(const char *ptr, int64_t size, int64_t head)
{
    for (int64_t i = -head; i < -16; i++)
        if ((unsigned char)ptr[i] != LEDGER_CANARY) return false;
    for (int64_t i = 0; i < LEDGER_TAIL; i++)
        if ((unsigned char)ptr[size + i] != LEDGER_CANARY) return false;
    return true;
}

void ledger_free(void *user, void *ptr, int64_t size)
{
    ledger *l = user;
    int64_t stored, head;

    memcpy(&stored, (char *)ptr - 8, 8);
    memcpy(&head, (char *)ptr - 16, 8);
    if (stored != size || !ledger_is_whole(ptr, stored, head)) atomic_fetch_add(&l->damaged, 1);
    atomic_fetch_sub(&l->blocks, 1);
    atomic_fetch_sub(&l->bytes, stored);
    free((char *)ptr - head);
}

nf_status support_context_try(nf_context **out, int32_t threads, ledger *book)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;

    config.threads = threads;
    if (book) {
        config.alloc = ledger_alloc;
        config.free = ledger_free;
        config.alloc_user = book;
    }
    return nf_context_create(out, &config);
}

nf_context *support_context(int32_t threads, ledger *book)
{
    nf_context *context = NULL;

    if (support_context_try(&context, threads, book) != NF_OK) abort();
    return context;
}
