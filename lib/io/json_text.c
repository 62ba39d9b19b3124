/* SPDX-License-Identifier: MIT
 *
 * json_text.c - JSON text: a reader with limits, and a writer; neither depends on the locale
 *
 * What a tree's size and depth depend on is checked first, without recursion or memory; json_parse.c then makes the tree.
 */
#include "io/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/print.h"
#include "core/status.h"

/* Reading */

/* Bytes of the UTF-8 sequence at p, 0: not one. */
static int64_t json_utf8_length(const unsigned char *p, int64_t left)
{
    const unsigned char c = p[0];
    int64_t length;

    if (c == 0) return 0;
    if (c < 0x80) return 1;
    if (c < 0xc2 || c > 0xf4) return 0;
    length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (length > left) return 0;
    for (int64_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) return 0; /* overlong; surrogates */
    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) return 0; /* overlong; past U+10FFFF */
    return length;
}

bool nfi_utf8_valid(const void *text, int64_t size)
{
    const unsigned char *p = text;

    for (int64_t i = 0, length; i < size; i += length) {
        length = json_utf8_length(p + i, size - i);
        if (length == 0) return false;
    }
    return true;
}

static bool json_is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Position behind the string that opens at i, or -1. */
static int64_t json_skip_string(const char *text, int64_t size, int64_t i)
{
    for (i++; i < size; i++) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\') i++;
    }
    return -1;
}

static int64_t json_skip_scalar(const char *text, int64_t size, int64_t i)
{
    while (i < size && !json_is_space(text[i]) && !strchr(",:[]{}\"", text[i])) i++;
    return i;
}

static nf_status json_scan_limit(const char *what, const char *name, int64_t limit)
{
    return nfi_fail(NF_ERR_LIMIT, "%s: JSON has more %s than %lld", what, name, (long long)limit);
}

static nf_status json_scan_tokens(const char *text, int64_t size, const char *what)
{
    int64_t depth = 0, tokens = 0;
    bool closed = false;

    for (int64_t i = 0; i < size;) {
        const char c = text[i];
        if (json_is_space(c)) { i++; continue; }
        if (closed || (depth == 0 && c != '{'))
            return nfi_fail(NF_ERR_FORMAT, "%s: JSON is not one object, at byte %lld", what, (long long)i);
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && --depth == 0) closed = true;
        if (depth > NFI_JSON_MAX_DEPTH) return json_scan_limit(what, "levels", NFI_JSON_MAX_DEPTH);
        if (strchr(",:}]", c)) { i++; continue; }
        if (++tokens > NFI_JSON_MAX_TOKENS) return json_scan_limit(what, "keys and values", NFI_JSON_MAX_TOKENS);
        i = c == '{' || c == '[' ? i + 1 : c == '"' ? json_skip_string(text, size, i) : json_skip_scalar(text, size, i);
        if (i < 0) return nfi_fail(NF_ERR_FORMAT, "%s: a string in JSON does not end", what);
    }
    return closed ? NF_OK : nfi_fail(NF_ERR_FORMAT, "%s: JSON ends early", what);
}

nf_status nfi_json_scan(const char *text, int64_t size, const char *what)
{
    if (size > NFI_JSON_MAX_BYTES) return json_scan_limit(what, "bytes", NFI_JSON_MAX_BYTES);
    if (!nfi_utf8_valid(text, size)) return nfi_fail(NF_ERR_FORMAT, "%s: JSON is not UTF-8 without NUL", what);
    return json_scan_tokens(text, size, what);
}

const char *nfi_printable(const char *text, char out[65])
{
    int i = 0;

    for (; i < 64 && text[i] != '\0'; i++) {
        const unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c >= 0x7f ? '?' : text[i];
    }
    out[i] = '\0';
    return out;
}

/* Writing */

static bool json_grow(nfi_text *text, int64_t more)
{
    int64_t need, capacity = nfi_max(text->capacity * 2, 256);
    char *data;

    if (text->status) return false;
    if (!nfi_add(text->size, more, &need) || !nfi_add(need, 1, &need)) {
        text->status = nfi_fail(NF_ERR_OVERFLOW, "JSON text is too long");
        return false;
    }
    if (need <= text->capacity) return true;
    capacity = nfi_max(capacity, need);
    data = nfi_alloc(text->context, capacity, 1, &text->status);
    if (!data) return false;
    if (text->data) memcpy(data, text->data, (size_t)text->size);
    nfi_free(text->context, text->data, text->capacity, 1);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void nfi_text_bytes(nfi_text *text, const char *bytes, int64_t size)
{
    if (!json_grow(text, size)) return;
    memcpy(text->data + text->size, bytes, (size_t)size);
    text->size += size;
    text->data[text->size] = '\0';
}

void nfi_text_raw(nfi_text *text, const char *string) { nfi_text_bytes(text, string, (int64_t)strlen(string)); }

static void json_put_char(nfi_text *text, char c)
{
    char escape[8];

    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = c;
        nfi_text_bytes(text, escape, 2);
    } else if ((unsigned char)c < 0x20) {
        (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)c);
        nfi_text_raw(text, escape);
    } else {
        nfi_text_bytes(text, &c, 1);
    }
}

void nfi_text_quoted(nfi_text *text, const char *string)
{
    const int64_t length = (int64_t)strlen(string);

    if (!text->status && !nfi_utf8_valid(string, length)) text->status = nfi_fail(NF_ERR_ARG, "a text is not UTF-8");
    nfi_text_raw(text, "\"");
    for (int64_t i = 0; i < length && !text->status; i++) json_put_char(text, string[i]);
    nfi_text_raw(text, "\"");
}

void nfi_text_separate(nfi_text *text)
{
    const char last = text->size > 0 ? text->data[text->size - 1] : '{';

    if (last != '{' && last != '[') nfi_text_raw(text, ",");
}

void nfi_text_key(nfi_text *text, const char *key)
{
    nfi_text_separate(text);
    nfi_text_quoted(text, key);
    nfi_text_raw(text, ":");
}

void nfi_text_i64(nfi_text *text, int64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    nfi_text_raw(text, digits);
}

void nfi_text_u64(nfi_text *text, uint64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof digits, "\"%" PRIu64 "\"", value);
    nfi_text_raw(text, digits);
}

/* A number without a point gets ".0", so that -0 stays a real. */
void nfi_text_real(nfi_text *text, double value)
{
    char digits[48];

    if (!isfinite(value)) {
        if (!text->status) text->status = nfi_fail(NF_ERR_NONFINITE, "NaN and Inf cannot be written to JSON");
        return;
    }
    nfi_print(digits, sizeof digits, "%.17g", value);
    nfi_text_raw(text, digits);
    if (strspn(digits, "-0123456789") == strlen(digits)) nfi_text_raw(text, ".0");
}

void nfi_text_free(nfi_text *text)
{
    nfi_free(text->context, text->data, text->capacity, 1);
    text->data = NULL;
    text->size = text->capacity = 0;
}
