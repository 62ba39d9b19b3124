/* SPDX-License-Identifier: MIT
 *
 * npy.c - NumPy's array files, versions 1 to 3
 *
 * The header is a Python dict literal of three keys; what is read here is that much of the language and no more.
 * Ref: NEP 1, "A simple file format for NumPy arrays".
 */
#include <string.h>

#include "core/status.h"
#include "data/array.h"

enum { MAGIC = 6, MAX_HEADER = 65536, MAX_DESCR = 16 };

typedef struct npy {
    const nfi_source *source;
    const char *header;
    int64_t size, at; /* of the header */
    char descr[MAX_DESCR];
    nfi_array array; /* its order and shape are in the header too */
    unsigned seen; /* keys, one bit each */
} npy;

enum { KEY_DESCR = 0, KEY_FORTRAN = 1, KEY_SHAPE = 2, N_KEYS = 3 };

/* ---- the header ------------------------------------------------------------------------------------------------ */

static nf_status fail(const nfi_source *source, const char *problem)
{
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: %s", source->function, source->name, problem);
}

static nf_status fail_at(const npy *p, const char *expected)
{
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: byte %lld of the header: expected %s", p->source->function, p->source->name,
                    (long long)p->at, expected);
}

static char peek(npy *p)
{
    while (p->at < p->size && (p->header[p->at] == ' ' || p->header[p->at] == '\t' || p->header[p->at] == '\n'))
        p->at++;
    return p->at < p->size ? p->header[p->at] : '\0';
}

static bool accept(npy *p, char c)
{
    if (peek(p) != c || p->at == p->size)
        return false;
    p->at++;
    return true;
}

/* A quoted string without escapes, shorter than `capacity`. */
static nf_status parse_string(npy *p, char *text, int64_t capacity)
{
    const char quote = peek(p);
    if (quote != '\'' && quote != '"')
        return fail_at(p, "a string");
    p->at++;
    int64_t n = 0;
    for (; p->at < p->size && p->header[p->at] != quote; p->at++) {
        if (n + 1 >= capacity || p->header[p->at] == '\\' || p->header[p->at] < ' ' || p->header[p->at] > '~')
            return fail_at(p, "a short plain string");
        text[n++] = p->header[p->at];
    }
    text[n] = '\0';
    return accept(p, quote) ? NF_OK : fail_at(p, "the closing quote");
}

static nf_status parse_descr(npy *p)
{
    if (peek(p) == '[')
        return fail(p->source, "structured types are not read, only arrays of one number type");
    return parse_string(p, p->descr, MAX_DESCR);
}

static bool accept_word(npy *p, const char *word)
{
    const int64_t length = (int64_t)strlen(word);
    (void)peek(p);
    if (p->size - p->at < length || memcmp(p->header + p->at, word, (size_t)length) != 0)
        return false;
    p->at += length;
    return true;
}

static nf_status parse_fortran(npy *p)
{
    p->array.fortran = accept_word(p, "True");
    return p->array.fortran || accept_word(p, "False") ? NF_OK : fail_at(p, "True or False");
}

static nf_status parse_length(npy *p, int64_t *out)
{
    char c = peek(p);
    if (c < '0' || c > '9')
        return fail_at(p, "a length");
    for (*out = 0; p->at < p->size && (c = p->header[p->at]) >= '0' && c <= '9'; p->at++)
        if (!nfi_mul(*out, 10, out) || !nfi_add(*out, c - '0', out))
            return nfi_fail(NF_ERR_OVERFLOW, "%s: %s: a length of the shape is too large", p->source->function,
                            p->source->name);
    (void)accept(p, 'L'); /* as Python 2 wrote long integers */
    return NF_OK;
}

static nf_status parse_shape(npy *p)
{
    if (!accept(p, '('))
        return fail_at(p, "'('");
    for (p->array.axes = 0; !accept(p, ')'); p->array.axes++) {
        if (p->array.axes == NFI_MAX_AXES)
            return fail(p->source, "the array has more than 32 axes");
        const nf_status status = parse_length(p, &p->array.shape[p->array.axes]);
        if (status < 0)
            return status;
        if (!accept(p, ',') && peek(p) != ')')
            return fail_at(p, "',' or ')'");
    }
    return NF_OK;
}

static nf_status parse_entry(npy *p)
{
    static const struct {
        const char *name;
        nf_status (*parse)(npy *p);
    } keys[N_KEYS] = {{"descr", parse_descr}, {"fortran_order", parse_fortran}, {"shape", parse_shape}};
    char name[16];
    const nf_status status = parse_string(p, name, sizeof name);
    if (status < 0)
        return status;
    for (unsigned k = 0; k < N_KEYS; k++) {
        if (strcmp(name, keys[k].name) != 0)
            continue;
        if (p->seen >> k & 1)
            return fail(p->source, "a key of the header stands twice");
        p->seen |= 1u << k;
        return accept(p, ':') ? keys[k].parse(p) : fail_at(p, "':'");
    }
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: the header holds an unknown key \"%s\"", p->source->function, p->source->name,
                    name);
}

static nf_status parse_dict(npy *p)
{
    if (!accept(p, '{'))
        return fail_at(p, "'{'");
    while (!accept(p, '}')) {
        const nf_status status = parse_entry(p);
        if (status < 0)
            return status;
        if (!accept(p, ',') && peek(p) != '}')
            return fail_at(p, "',' or '}'");
    }
    if (p->seen != (1u << N_KEYS) - 1)
        return fail(p->source, "the header lacks descr, fortran_order or shape");
    (void)peek(p);
    return p->at == p->size ? NF_OK : fail_at(p, "nothing behind the dict");
}

static bool has_magic(const char *bytes, int64_t size)
{
    return size >= MAGIC && memcmp(bytes, "\x93NUMPY", MAGIC) == 0;
}

bool nfi_npy_recognise(const char *bytes, int64_t size, bool named) { return named || has_magic(bytes, size); }

/* Finds the header; *data is where the values start. */
static nf_status find_header(npy *p, int64_t *data)
{
    const nfi_source *source = p->source;
    const unsigned char *bytes = (const unsigned char *)source->bytes;
    if (!has_magic(source->bytes, source->size))
        return fail(source, "this is no NPY file: it does not start with \\x93NUMPY");
    const int64_t major = source->size > MAGIC ? bytes[MAGIC] : 0;
    const int64_t start = major == 1 ? 10 : 12;
    if (major < 1 || major > 3)
        return nfi_fail(source->size > MAGIC ? NF_ERR_VERSION : NF_ERR_FORMAT,
                        "%s: %s is of NPY version %lld, versions 1 to 3 are known", source->function, source->name,
                        (long long)major);
    if (source->size < start)
        return fail(source, "the file ends within its first 12 bytes");
    int64_t size = bytes[8] | (int64_t)bytes[9] << 8;
    if (major > 1)
        size |= (int64_t)bytes[10] << 16 | (int64_t)bytes[11] << 24;
    if (size > MAX_HEADER || size > source->size - start)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s: the header claims %lld bytes, %lld are there and %d allowed",
                        source->function, source->name, (long long)size, (long long)(source->size - start), MAX_HEADER);
    p->header = source->bytes + start;
    p->size = size;
    *data = start + size;
    return NF_OK;
}

/* ---- the array ------------------------------------------------------------------------------------------------- */

static nf_status find_type(const npy *p, nfi_array *array)
{
    const char order = p->descr[0];
    array->type = order != '\0' ? nfi_number_type_find(p->descr + 1) : NULL;
    array->big = order == '>';
    if (array->type != NULL && (order == '<' || order == '>' || (order == '|' && array->type->width == 1)))
        return NF_OK;
    return nfi_fail(NF_ERR_FORMAT,
                    "%s: %s holds values of type \"%s\"; read are f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, of '<' or '>' order%s",
                    p->source->function, p->source->name, p->descr,
                    p->descr[0] != '\0' && p->descr[1] == 'O' ? ", never objects" : "");
}

nf_status nfi_npy_read(const nfi_source *source, nfi_table *out)
{
    npy p = {.source = source};
    int64_t data = 0;
    nf_status status = find_header(&p, &data);
    if (status >= 0)
        status = parse_dict(&p);
    nfi_array *array = &p.array;
    if (status >= 0)
        status = find_type(&p, array);
    if (status < 0)
        return status;
    array->data = (const unsigned char *)source->bytes + data;
    array->present = source->size - data;
    return nfi_array_read(source, array, out);
}
