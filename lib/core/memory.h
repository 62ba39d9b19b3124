/* SPDX-License-Identifier: MIT
 *
 * memory.h - allocation through the context, checked sizes, arenas
 */
#ifndef NFI_CORE_MEMORY_H
#define NFI_CORE_MEMORY_H

#include <string.h>

#include "core/context.h"

#define NFI_ALIGN 64 /* bytes: a cache line and the widest vector */

/* *out = a op b; true when the result is exact and both inputs and the result are >= 0. */
bool nfi_add(int64_t a, int64_t b, int64_t *out);
bool nfi_mul(int64_t a, int64_t b, int64_t *out);
/* count * size bytes, zeroed, aligned to NFI_ALIGN; NULL with the line recorded (NF_ERR_OVERFLOW or NF_ERR_MEMORY in
 * *status when status is not NULL). count 0 gives a valid pointer. */
void *nfi_alloc(nf_context *context, int64_t count, int64_t size, nf_status *status);
void nfi_free(nf_context *context, void *ptr, int64_t count, int64_t size); /* NULL accepted */
char *nfi_strdup(nf_context *context, const char *text, nf_status *status); /* freed with nfi_strfree */
void nfi_strfree(nf_context *context, char *text);

/* A growing arena: pieces live until the arena is freed. For set-up, never for hot paths. */
typedef struct nf_maker nf_maker; /* public name: layer types allocate their state with nf_maker_alloc */
nf_status nfi_maker_create(nf_maker **out, nf_context *context);
void nfi_maker_free(nf_maker *maker); /* NULL accepted */
void *nfi_maker_alloc(nf_maker *maker, int64_t count, int64_t size); /* zeroed, 64-aligned; NULL, line recorded */
nf_context *nfi_maker_context(nf_maker *maker);

/* Offsets into one block: size grows by count * width rounded up to NFI_ALIGN. An overflow sticks: check once. */
typedef struct nfi_layout {
    int64_t size;
    bool overflow;
} nfi_layout;
int64_t nfi_layout_add(nfi_layout *layout, int64_t count, int64_t width); /* returns the offset */

/* Elements of a caller's array, whose address may be any. */
static inline double nfi_get_f64(const void *array, int64_t i)
{
    double value;
    memcpy(&value, (const char *)array + i * (int64_t)sizeof value, sizeof value);
    return value;
}
static inline void nfi_put_f64(void *array, int64_t i, double value) { memcpy((char *)array + i * (int64_t)sizeof value, &value, sizeof value); }

static inline int64_t nfi_round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline int64_t nfi_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t nfi_max(int64_t a, int64_t b) { return a > b ? a : b; }

/* The next `bytes` of base at *at, which moves on to a multiple of NFI_ALIGN. base NULL: only counted. */
static inline void *nfi_carve(void *base, int64_t *at, int64_t bytes)
{
    const int64_t here = *at;
    *at += nfi_round_up(bytes, NFI_ALIGN);
    return base ? (char *)base + here : NULL;
}

#endif
