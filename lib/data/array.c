/* SPDX-License-Identifier: MIT
 *
 * array.c - arrays of one number type as tables
 */
#include "data/array.h"

#include <math.h>
#include <string.h>

#include "core/status.h"

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

static const nfi_number_type number_types[] = {
    {"f2", 2, NF_F32, half_value},     {"f4", 4, NF_F32, float_value},    {"f8", 8, NF_F64, double_value},
    {"i1", 1, NF_F32, i1_value},       {"i2", 2, NF_F32, i2_value},       {"i4", 4, NF_F64, i4_value},
    {"i8", 8, NF_F64, i8_value},       {"u1", 1, NF_F32, unsigned_value}, {"u2", 2, NF_F32, unsigned_value},
    {"u4", 4, NF_F64, unsigned_value}, {"u8", 8, NF_F64, unsigned_value}, {"b1", 1, NF_F32, bool_value},
};

const nfi_number_type *nfi_number_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof number_types / sizeof number_types[0]; i++)
        if (strcmp(name, number_types[i].name) == 0)
            return &number_types[i];
    return NULL;
}

static uint64_t load_bits(const unsigned char *bytes, int32_t width, bool big)
{
    uint64_t bits = 0;
    for (int32_t i = 0; i < width; i++)
        bits |= (uint64_t)bytes[big ? width - 1 - i : i] << 8 * i;
    return bits;
}

/* ---- shape ----------------------------------------------------------------------------------------------------- */

static nf_status fail(const nfi_source *source, const char *problem)
{
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: %s", source->function, source->name, problem);
}

static nf_status measure(const nfi_source *source, const nfi_array *a, int64_t *rows, int64_t *width)
{
    if (a->axes == 0)
        return fail(source, "the array has no axes, a table has 1 or 2");
    if (a->axes > 2 && a->fortran)
        return fail(source, "an array of more than 2 axes in Fortran order is not read; store it in C order");
    *rows = a->shape[0];
    *width = 1;
    for (int64_t k = 1; k < a->axes; k++)
        if (!nfi_mul(*width, a->shape[k], width))
            return nfi_fail(NF_ERR_OVERFLOW, "%s: %s: the product of the shape is too large to compute", source->function,
                            source->name);
    return *rows > 0 && *width > 0 ? NF_OK : fail(source, "the array is empty");
}

static nf_status size_of(const nfi_source *source, const nfi_array *a, int64_t rows, int64_t width, int64_t *bytes)
{
    if (!nfi_mul(rows, width, bytes) || !nfi_mul(*bytes, a->type->width, bytes))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: %s: %lld rows of %lld columns are too many to compute", source->function,
                        source->name, (long long)rows, (long long)width);
    return NF_OK;
}

nf_status nfi_array_size(const nfi_source *source, const nfi_array *array, int64_t *bytes)
{
    int64_t rows = 0, width = 0;
    const nf_status status = measure(source, array, &rows, &width);
    return status < 0 ? status : size_of(source, array, rows, width, bytes);
}

static nf_status check_size(const nfi_source *source, const nfi_array *a, int64_t rows, int64_t width)
{
    int64_t needed = 0;
    const nf_status status = size_of(source, a, rows, width, &needed);
    if (status < 0 || needed == a->present)
        return status;
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: %lld rows of %lld columns take %lld bytes, %lld are there", source->function,
                    source->name, (long long)rows, (long long)width, (long long)needed, (long long)a->present);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Where the values of a row go: `n` columns of the array to a row of `to`. */
typedef struct target {
    void *to;
    int32_t dtype;
    const int64_t *columns;
    int64_t n;
} target;

static nf_status fail_range(const nfi_source *source, const nfi_array *a, int64_t row, int64_t column, int64_t at, double value)
{
    return nfi_fail(NF_ERR_PARSE, "%s: %s: row %lld, column %lld, byte %lld: %g is out of range of f32", source->function,
                    source->name, (long long)row, (long long)column,
                    (long long)(a->data - (const unsigned char *)source->bytes + at), value);
}

/* Bytes are most of all images: their values need no function. */
static void copy_bytes(const unsigned char *row, const target *t, int64_t i)
{
    for (int64_t j = 0; j < t->n; j++)
        nfi_dataset_store(t->to, t->dtype, i * t->n + j, row[t->columns[j]]);
}

/* Row i; values of a row are `step` apart and the row's first is value `first`. */
static nf_status copy_row(const nfi_source *source, const nfi_array *a, int64_t first, int64_t step, const target *t, int64_t i)
{
    const int32_t width = a->type->width;
    if (a->type->value == unsigned_value && width == 1 && step == 1) {
        copy_bytes(a->data + first, t, i);
        return NF_OK;
    }
    for (int64_t j = 0; j < t->n; j++) {
        const int64_t at = (first + t->columns[j] * step) * width;
        const double value = a->type->value(load_bits(a->data + at, width, a->big));
        if (t->dtype == NF_F32 && isfinite(value) && fabs(value) >= NFI_F32_LIMIT)
            return fail_range(source, a, i, t->columns[j], at, value);
        nfi_dataset_store(t->to, t->dtype, i * t->n + j, value);
    }
    return NF_OK;
}

static nf_status copy_rows(const nfi_source *source, const nfi_array *a, int64_t rows, int64_t width, const nfi_selection *s,
                           nf_dataset *d)
{
    const target x = {.to = d->x, .dtype = d->dtype, .columns = s->columns, .n = s->dim};
    const target cond = {.to = d->cond, .dtype = d->dtype, .columns = s->columns + s->dim, .n = s->cond_dim};
    nf_status status = NF_OK;
    for (int64_t i = 0; status >= 0 && i < d->n; i++) {
        const int64_t first = a->fortran ? i : i * width, step = a->fortran ? rows : 1;
        status = copy_row(source, a, first, step, &x, i);
        if (status >= 0)
            status = copy_row(source, a, first, step, &cond, i);
    }
    return status;
}

static void keep_image_shape(const nfi_source *source, const nfi_array *a, nf_dataset *d)
{
    const nf_read_config *config = source->config;
    if (a->axes < 3 || a->axes > 4 || config->n_columns > 0 || config->n_drop_columns > 0 || config->n_cond_columns > 0)
        return;
    d->height = a->shape[1];
    d->width = a->shape[2];
    d->channels = a->axes == 4 ? a->shape[3] : 1;
}

nf_status nfi_array_read(const nfi_source *source, const nfi_array *a, nfi_table *out)
{
    int64_t rows = 0, width = 0;
    nfi_selection selection = {0};
    nf_status status = measure(source, a, &rows, &width);
    if (status >= 0)
        status = check_size(source, a, rows, width);
    if (status >= 0)
        status = nfi_selection_create(&selection, source, width);
    if (status < 0)
        return status;
    out->rows = rows;
    status = nfi_dataset_create(&out->dataset, source->context, source->function, nfi_rows_wanted(source, rows), selection.dim,
                                selection.cond_dim, source->config->dtype != 0 ? source->config->dtype : a->type->dtype);
    if (status >= 0)
        status = copy_rows(source, a, rows, width, &selection, out->dataset);
    if (status >= 0)
        keep_image_shape(source, a, out->dataset);
    nfi_selection_free(&selection);
    return status;
}
