/* SPDX-License-Identifier: MIT
 *
 * json_text.h - JSON text: a reader with limits, and a writer; neither depends on the locale
 */
#ifndef NFI_IO_JSON_TEXT_H
#define NFI_IO_JSON_TEXT_H

#include <jansson.h>

#include "core/memory.h"
#include <nflow/status.h>

#define NFI_JSON_MAX_DEPTH 16
#define NFI_JSON_MAX_TOKENS 262144
#define NFI_JSON_MAX_BYTES (1 << 20)

/* UTF-8 without NUL, overlong forms and surrogates. */
bool nfi_utf8_valid(const void *text, int64_t size);
/* Checks what the tree's size and the parser's recursion depend on: UTF-8, no NUL, depth, keys and values, one object.
 * NF_ERR_FORMAT, NF_ERR_LIMIT; `what` begins the line. */
nf_status nfi_json_scan(const char *text, int64_t size, const char *what);
/* Scans, then parses: duplicate keys and NUL in strings refused, integers exact. json_decref frees the tree. NF_ERR_FORMAT, _LIMIT,
 * _MEMORY. */
nf_status nfi_json_parse(json_t **out, nf_context *context, const char *text, int64_t size, const char *what);
/* The start of `text` with control characters replaced, for messages about what a file holds. */
const char *nfi_printable(const char *text, char out[65]);

/* Text that grows. The first failure sticks in `status`: check once. data always ends in NUL (NULL before the first byte). */
typedef struct nfi_text {
    nf_context *context;
    char *data;
    int64_t size, capacity; /* size without the NUL */
    nf_status status;
} nfi_text;

void nfi_text_bytes(nfi_text *text, const char *bytes, int64_t size);
void nfi_text_raw(nfi_text *text, const char *string);
void nfi_text_quoted(nfi_text *text, const char *string); /* as a JSON string; must be UTF-8 */
void nfi_text_key(nfi_text *text, const char *key);       /* "key": with a comma before it unless it comes first */
void nfi_text_separate(nfi_text *text);                   /* a comma, unless something was just opened */
void nfi_text_i64(nfi_text *text, int64_t value);
void nfi_text_u64(nfi_text *text, uint64_t value); /* as a JSON string: not every reader has 64 bits */
void nfi_text_real(nfi_text *text, double value);  /* 17 digits; NF_ERR_NONFINITE for NaN and Inf */
void nfi_text_free(nfi_text *text);

#endif
