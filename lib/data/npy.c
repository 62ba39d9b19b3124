/* SPDX-License-Identifier: MIT
 *
 * npy.c - NumPy's array files, versions 1 to 3
 *
 * The header is a Python dict literal of three keys; what is read here is that much of the language and no more.
 * Ref: NEP 1, "A simple file format for NumPy arrays".
 */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "data/read.h"

enum { MAGIC = 6, MAX_HEADER = 65536, MAX_AXES = 32, MAX_DESCR = 16 };

typedef struct npy {
    const nfi_source *source;
    const char *header;
    int64_t size, at; /* of the header */
    char descr[MAX_DESCR];
    bool fortran;
    int64_t axes, shape[MAX_AXES];
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
    p->fortran = accept_word(p, "True");
    return p->fortran || accept_word(p, "False") ? NF_OK : fail_at(p, "True or False");
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
    for (p->axes = 0; !accept(p, ')'); p->axes++) {
        if (p->axes == MAX_AXES)
            return fail(p->source, "the array has more than 32 axes");
        const nf_status status = parse_length(p, &p->shape[p->axes]);
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

bool nfi_npy_recognise(const char *bytes, int64_t size)
{
    return size >= MAGIC && memcmp(bytes, "\x93NUMPY", MAGIC) == 0;
}

/* Finds the header; *data is where the values start. */
static nf_status find_header(npy *p, int64_t *data)
{
    const nfi_source *source = p->source;
    const unsigned char *bytes = (const unsigned char *)source->bytes;
    if (!nfi_npy_recognise(source->bytes, source->size))
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

/* ---- number types ---------------------------------------------------------------------------------------------- */

static double half_value(uint64_t bits)
{
    const int64_t exponent = (int64_t)(bits >> 10 & 31), fraction = (int64_t)(bits & 1023);
    double value;
    if (exponent == 31)
        value = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = (double)fraction * 0x1p-24;
    else
        value = (double)((fraction + 1024) << exponent) * 0x1p-25;
    return bits >> 15 ? -value : value;
}

static double float_value(uint64_t bits)
{
    const uint32_t narrow = (uint32_t)bits;
    float value;
    memcpy(&value, &narrow, sizeof value);
    return (double)value;
}

static double double_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Two's complement without conversions that depend on the implementation. */
static double signed_value(uint64_t bits, int width)
{
    const uint64_t sign = UINT64_C(1) << (8 * width - 1);
    return bits & sign ? -(double)((~bits & (sign - 1)) + 1) : (double)bits;
}

static double i1_value(uint64_t bits) { return signed_value(bits, 1); }
static double i2_value(uint64_t bits) { return signed_value(bits, 2); }
static double i4_value(uint64_t bits) { return signed_value(bits, 4); }
static double i8_value(uint64_t bits) { return signed_value(bits, 8); }
static double unsigned_value(uint64_t bits) { return (double)bits; }
static double bool_value(uint64_t bits) { return bits != 0; }

typedef struct number_type {
    const char *name; /* without the byte order */
    int32_t width;
    int32_t dtype; /* the smaller one that holds every value (i8 and u8: up to 2^53) */
    double (*value)(uint64_t bits);
} number_type;

static const number_type number_types[] = {
    {"f2", 2, NF_F32, half_value},     {"f4", 4, NF_F32, float_value},    {"f8", 8, NF_F64, double_value},
    {"i1", 1, NF_F32, i1_value},       {"i2", 2, NF_F32, i2_value},       {"i4", 4, NF_F64, i4_value},
    {"i8", 8, NF_F64, i8_value},       {"u1", 1, NF_F32, unsigned_value}, {"u2", 2, NF_F32, unsigned_value},
    {"u4", 4, NF_F64, unsigned_value}, {"u8", 8, NF_F64, unsigned_value}, {"b1", 1, NF_F32, bool_value},
};

static nf_status find_type(const npy *p, const number_type **type, bool *big)
{
    const char order = p->descr[0];
    for (size_t i = 0; i < sizeof number_types / sizeof number_types[0]; i++) {
        if (order == '\0' || strcmp(p->descr + 1, number_types[i].name) != 0)
            continue;
        *type = &number_types[i];
        *big = order == '>';
        if (order == '<' || order == '>' || (order == '|' && number_types[i].width == 1))
            return NF_OK;
    }
    return nfi_fail(NF_ERR_FORMAT,
                    "%s: %s holds values of type \"%s\"; read are f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, of '<' or '>' order%s",
                    p->source->function, p->source->name, p->descr,
                    p->descr[0] != '\0' && p->descr[1] == 'O' ? ", never objects" : "");
}

static uint64_t load_bits(const unsigned char *bytes, int32_t width, bool big)
{
    uint64_t bits = 0;
    for (int32_t i = 0; i < width; i++)
        bits |= (uint64_t)bytes[big ? width - 1 - i : i] << 8 * i;
    return bits;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

/* The array as a table: one axis is one column, axes behind the second are part of the row. */
static nf_status measure(const npy *p, int64_t *rows, int64_t *width)
{
    if (p->axes == 0)
        return fail(p->source, "the array has no axes, a table has 1 or 2");
    if (p->axes > 2 && p->fortran)
        return fail(p->source, "an array of more than 2 axes in Fortran order is not read; store it in C order");
    *rows = p->shape[0];
    *width = 1;
    for (int64_t k = 1; k < p->axes; k++)
        if (!nfi_mul(*width, p->shape[k], width))
            return nfi_fail(NF_ERR_OVERFLOW, "%s: %s: the product of the shape is too large to compute",
                            p->source->function, p->source->name);
    return *rows > 0 && *width > 0 ? NF_OK : fail(p->source, "the array is empty");
}

static nf_status check_size(const npy *p, int64_t rows, int64_t width, int64_t value_size, int64_t present)
{
    int64_t needed = 0;
    if (!nfi_mul(rows, width, &needed) || !nfi_mul(needed, value_size, &needed))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: %s: %lld rows of %lld columns are too many to compute", p->source->function,
                        p->source->name, (long long)rows, (long long)width);
    if (needed != present)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s: %lld rows of %lld columns take %lld bytes, %lld are there",
                        p->source->function, p->source->name, (long long)rows, (long long)width, (long long)needed,
                        (long long)present);
    return NF_OK;
}

/* How to reach a value: its type and the distances between rows and between columns, in values. */
typedef struct access {
    const unsigned char *data;
    const number_type *type;
    bool big;
    int64_t row_step, column_step;
} access;

static nf_status copy_column(const nfi_source *source, const access *a, int64_t column, void *to, int32_t dtype, int64_t n,
                             int64_t stride, int64_t place)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = (i * a->row_step + column * a->column_step) * a->type->width;
        const double value = a->type->value(load_bits(a->data + at, a->type->width, a->big));
        if (dtype == NF_F32 && isfinite(value) && fabs(value) >= NFI_F32_LIMIT)
            return nfi_fail(NF_ERR_PARSE, "%s: %s: row %lld, column %lld, byte %lld: %g is out of range of f32",
                            source->function, source->name, (long long)i, (long long)column,
                            (long long)(a->data - (const unsigned char *)source->bytes + at), value);
        nfi_dataset_store(to, dtype, i * stride + place, value);
    }
    return NF_OK;
}

static nf_status copy_table(const nfi_source *source, const access *a, const nfi_selection *s, nf_dataset *dataset)
{
    nf_status status = NF_OK;
    for (int64_t j = 0; status >= 0 && j < s->dim; j++)
        status = copy_column(source, a, s->columns[j], dataset->x, dataset->dtype, dataset->n, s->dim, j);
    for (int64_t j = 0; status >= 0 && j < s->cond_dim; j++)
        status = copy_column(source, a, s->columns[s->dim + j], dataset->cond, dataset->dtype, dataset->n, s->cond_dim, j);
    return status;
}

static nf_status read_table(const npy *p, access *a, int64_t present, nf_dataset **out)
{
    int64_t rows = 0, width = 0;
    nfi_selection selection = {0};
    const nfi_source *source = p->source;
    nf_status status = find_type(p, &a->type, &a->big);
    if (status >= 0)
        status = measure(p, &rows, &width);
    if (status >= 0)
        status = check_size(p, rows, width, a->type->width, present);
    if (status >= 0)
        status = nfi_selection_create(&selection, source, width);
    if (status < 0)
        return status;
    a->row_step = p->fortran ? 1 : width;
    a->column_step = p->fortran ? rows : 1;
    status = nfi_dataset_create(out, source->context, source->function, rows, selection.dim, selection.cond_dim,
                                source->config->dtype != 0 ? source->config->dtype : a->type->dtype);
    if (status >= 0)
        status = copy_table(source, a, &selection, *out);
    nfi_selection_free(&selection);
    return status;
}

nf_status nfi_npy_read(const nfi_source *source, nf_dataset **out)
{
    npy p = {.source = source};
    int64_t data = 0;
    nf_status status = find_header(&p, &data);
    if (status >= 0)
        status = parse_dict(&p);
    if (status >= 0) {
        access a = {.data = (const unsigned char *)source->bytes + data};
        status = read_table(&p, &a, source->size - data, out);
    }
    if (status < 0) {
        nf_dataset_unref(*out);
        *out = NULL;
    }
    return status;
}
