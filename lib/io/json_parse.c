/* SPDX-License-Identifier: MIT
 *
 * json_parse.c - JSON text to jansson's tree
 *
 * jansson's own parser does not look whether its buffers grew: refused one allocation it goes on with a string that is cut short, or
 * writes past the end of a block (2.14; tests/fault/malloc_test.c shows it). Its constructors are sound. So the text is parsed here,
 * without recursion and without the locale, and the tree is made through them.
 * Ref: RFC 8259.
 */
#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"
#include "data/number.h"
#include "io/json_text.h"

typedef struct json_reader {
    const char *what;
    const char *text; /* scanned: UTF-8, one object, no deeper than NFI_JSON_MAX_DEPTH */
    int64_t size, at;
    char *scratch;    /* [size + 1]: the key that waits for its value, and behind it the value where it is a string */
    json_t *root;
    json_t *open[NFI_JSON_MAX_DEPTH]; /* borrowed from the tree, the innermost last */
    int32_t depth;
} json_reader;

static nf_status json_invalid(const json_reader *r)
{
    return nfi_fail(NF_ERR_FORMAT, "%s: JSON is not valid at byte %lld", r->what, (long long)r->at);
}

static nf_status json_no_memory(const json_reader *r) { return nfi_fail(NF_ERR_MEMORY, "%s: out of memory while reading JSON", r->what); }

static char json_peek(json_reader *r)
{
    while (r->at < r->size && strchr(" \t\n\r", r->text[r->at])) r->at++; /* no NUL in scanned text */
    return r->at < r->size ? r->text[r->at] : '\0';
}

static bool json_accept(json_reader *r, char c)
{
    if (json_peek(r) != c) return false;
    r->at++;
    return true;
}

/* Strings */

/* Four hexadecimal digits at `at`, or -1. */
static int32_t json_hex(const json_reader *r, int64_t at)
{
    int32_t code = 0;

    if (r->size - at < 4) return -1;
    for (int64_t i = at; i < at + 4; i++) {
        const char c = r->text[i];
        const int32_t digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* The code point of the escape whose u is at r->at, passed over; -1: none, half of a pair, or NUL, which no string here may hold. */
static int32_t json_code_point(json_reader *r)
{
    const int32_t first = json_hex(r, r->at + 1);
    int32_t second;

    r->at += 5;
    if (first <= 0 || (first >= 0xdc00 && first <= 0xdfff)) return -1;
    if (first < 0xd800 || first > 0xdfff) return first;
    if (r->size - r->at < 6 || r->text[r->at] != '\\' || r->text[r->at + 1] != 'u') return -1;
    second = json_hex(r, r->at + 2);
    r->at += 6;
    return second >= 0xdc00 && second <= 0xdfff ? 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00) : -1;
}

static char *json_put_utf8(char *to, int32_t code)
{
    const int n = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* continuation bytes */
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

    *to++ = (char)(lead[n] | code >> (6 * n));
    for (int i = n - 1; i >= 0; i--) *to++ = (char)(0x80 | (code >> (6 * i) & 0x3f));
    return to;
}

/* At the backslash; where the next character goes, NULL: not an escape. */
static char *json_escape(json_reader *r, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *name = ++r->at < r->size ? strchr(names, r->text[r->at]) : NULL;
    int32_t code;

    if (name) {
        r->at++;
        *to = values[name - names];
        return to + 1;
    }
    code = r->at < r->size && r->text[r->at] == 'u' ? json_code_point(r) : -1;
    return code < 0 ? NULL : json_put_utf8(to, code);
}

/* At the opening quote: the string to `to`, ending in NUL, and behind the closing quote. False: not valid. An escape is never longer
 * than what it stands for, so that scratch has room for a key and a value. */
static bool json_read_string(json_reader *r, char *to)
{
    for (r->at++; r->at < r->size && r->text[r->at] != '"';) {
        if ((unsigned char)r->text[r->at] < 0x20) return false;
        if (r->text[r->at] == '\\')
            to = json_escape(r, to);
        else
            *to++ = r->text[r->at++];
        if (!to) return false;
    }
    *to = '\0';
    return r->at++ < r->size;
}

/* Numbers */

static int64_t json_skip_digits(const json_reader *r, int64_t at)
{
    while (at < r->size && r->text[at] >= '0' && r->text[at] <= '9') at++;
    return at;
}

/* End of the number at `at`, -1: not one. *real: it has a fraction or an exponent. */
static int64_t json_number_end(const json_reader *r, int64_t at, bool *real)
{
    const int64_t first = at + (r->text[at] == '-');
    int64_t end = json_skip_digits(r, first), digits;

    if (end == first || (r->text[first] == '0' && end > first + 1)) return -1;
    *real = false;
    if (end < r->size && r->text[end] == '.') {
        *real = true;
        digits = end + 1;
        if ((end = json_skip_digits(r, digits)) == digits) return -1;
    }
    if (end < r->size && (r->text[end] == 'e' || r->text[end] == 'E')) {
        *real = true;
        digits = end + 1;
        if (digits < r->size && (r->text[digits] == '+' || r->text[digits] == '-')) digits++;
        if ((end = json_skip_digits(r, digits)) == digits) return -1;
    }
    return end;
}

/* False: does not fit in 64 bits. */
static bool json_integer_of(const char *text, int64_t size, int64_t *out)
{
    const bool negative = text[0] == '-';
    const uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;

    for (int64_t i = negative; i < size; i++) {
        const uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (most - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = !negative ? (int64_t)value : value ? -(int64_t)(value - 1) - 1 : 0;
    return true;
}

static nf_status json_read_number(json_reader *r, json_t **out)
{
    bool real = false;
    const int64_t end = json_number_end(r, r->at, &real);
    const char *text = r->text + r->at;
    int64_t integer = 0;
    double value = 0;

    if (end < 0) return json_invalid(r);
    if (real ? nfi_number_parse(text, end - r->at, &value) != NFI_NUMBER_OK : !json_integer_of(text, end - r->at, &integer))
        return json_invalid(r);
    r->at = end;
    *out = real ? json_real(value) : json_integer(integer);
    return NF_OK;
}

/* Values */

static nf_status json_read_word(json_reader *r, json_t **out)
{
    static const struct { const char *word; json_t *(*make)(void); } words[] = { { "true", json_true }, { "false", json_false }, { "null", json_null } };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t length = strlen(words[i].word);
        if ((size_t)(r->size - r->at) < length || memcmp(r->text + r->at, words[i].word, length) != 0) continue;
        r->at += (int64_t)length;
        *out = words[i].make();
        return NF_OK;
    }
    return json_invalid(r);
}

/* Puts a value into the innermost container, or makes it the root; takes it over. */
static nf_status json_attach(json_reader *r, const char *key, json_t *value)
{
    json_t *parent = r->depth ? r->open[r->depth - 1] : NULL;

    if (!value) return json_no_memory(r);
    if (!parent) r->root = value;
    else if (json_is_object(parent) ? json_object_set_new_nocheck(parent, key, value) : json_array_append_new(parent, value))
        return json_no_memory(r); /* they have dropped the value */
    return NF_OK;
}

static nf_status json_read_value(json_reader *r, const char *key)
{
    const char c = json_peek(r);
    char *string = key ? r->scratch + strlen(key) + 1 : r->scratch;
    json_t *value = NULL;
    nf_status status = NF_OK;

    if (c == '{' || c == '[') {
        if (r->depth == NFI_JSON_MAX_DEPTH) return json_invalid(r);
        r->at++;
        value = c == '{' ? json_object() : json_array();
        if ((status = json_attach(r, key, value))) return status;
        r->open[r->depth++] = value;
        return NF_OK;
    }
    if (c == '"') {
        if (!json_read_string(r, string)) return json_invalid(r);
        value = json_string_nocheck(string);
    } else {
        status = c == '-' || (c >= '0' && c <= '9') ? json_read_number(r, &value) : json_read_word(r, &value);
    }
    return status ? status : json_attach(r, key, value);
}

static nf_status json_read_member(json_reader *r, json_t *object)
{
    if (json_peek(r) != '"' || !json_read_string(r, r->scratch)) return json_invalid(r);
    if (json_object_get(object, r->scratch))
        return nfi_fail(NF_ERR_FORMAT, "%s: JSON has a key twice before byte %lld", r->what, (long long)r->at);
    return json_accept(r, ':') ? json_read_value(r, r->scratch) : json_invalid(r);
}

/* The next value of the innermost container, or its end. */
static nf_status json_read_next(json_reader *r)
{
    json_t *container = r->open[r->depth - 1];
    const bool object = json_is_object(container), empty = object ? json_object_size(container) == 0 : json_array_size(container) == 0;

    if (json_accept(r, object ? '}' : ']')) {
        r->depth--;
        return NF_OK;
    }
    if (!empty && !json_accept(r, ',')) return json_invalid(r);
    return object ? json_read_member(r, container) : json_read_value(r, NULL);
}

nf_status nfi_json_parse(json_t **out, nf_context *context, const char *text, int64_t size, const char *what)
{
    json_reader r = { .what = what, .text = text, .size = size };
    nf_status status = nfi_json_scan(text, size, what);
    uint64_t fpenv;

    *out = NULL;
    if (status) return status;
    r.scratch = nfi_alloc(context, size + 1, 1, &status);
    if (!r.scratch) return nfi_fail_in(status, "%s", what);
    fpenv = nfi_fpenv_enter();
    status = json_read_value(&r, NULL);
    while (!status && r.depth > 0) status = json_read_next(&r);
    nfi_fpenv_leave(fpenv);
    nfi_free(context, r.scratch, size + 1, 1);
    if (status)
        json_decref(r.root);
    else
        *out = r.root;
    return status;
}
