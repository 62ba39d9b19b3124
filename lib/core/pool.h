/* SPDX-License-Identifier: MIT
 *
 * pool.h - the threads of a context
 */
#ifndef NFI_CORE_POOL_H
#define NFI_CORE_POOL_H

#include "core/context.h"

typedef struct nfi_pool nfi_pool;

/* A pool for `threads` threads, the caller included; starts none. NULL when out of memory (line recorded). */
nfi_pool *nfi_pool_create(nf_context *context, int32_t threads, nf_status *status);
void nfi_pool_free(nfi_pool *pool, nf_context *context); /* joins its threads; NULL accepted */
nfi_pool *nfi_context_pool(nf_context *context);         /* NULL: the context has one thread */

#endif
