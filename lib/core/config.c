/* SPDX-License-Identifier: MIT
 *
 * config.c - reading configs through their field tables
 *
 * Values are copied in and out with memcpy: one reader for all structs, no aliasing between their types.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/fpenv.h"
#include "core/print.h"
#include "core/status.h"

#define CONFIG_SMALLEST 8      /* bytes: struct_size and one field */
#define CONFIG_LARGEST 65536   /* bytes: no release of any config comes near; more is an uninitialised struct_size */
#define CONFIG_WHERE 160       /* bytes: a function's name and an element's number */
#define CONFIG_NUMBER 32       /* characters of a number in a message */

static const char *config_number(double value, char text[CONFIG_NUMBER])
{
    nfi_print(text, CONFIG_NUMBER, "%.10g", value);
    return text;
}

static nf_status config_out_of_range(const nf_field *field, const char *function, const char *value)
{
    char min[CONFIG_NUMBER], max[CONFIG_NUMBER];

    return nfi_fail(NF_ERR_ARG, "%s: %s is %s, allowed are %s to %s", function, field->name, value,
                    config_number(field->min, min), config_number(field->max, max));
}

static nf_status config_missing(const nf_field *field, const char *function)
{
    return nfi_fail(NF_ERR_ARG, "%s: %s is required and not set", function, field->name);
}

static nf_status config_check_integer(const nf_field *field, int64_t value, const char *function)
{
    char text[CONFIG_NUMBER];

    if ((double)value >= field->min && (double)value <= field->max)
        return NF_OK;
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return config_out_of_range(field, function, text);
}

static nf_status config_check_double(const nf_field *field, double value, const char *function)
{
    char text[CONFIG_NUMBER];

    if (!isfinite(value))
        return nfi_fail(NF_ERR_NONFINITE, "%s: %s is %s, must be finite", function, field->name,
                        config_number(value, text));
    if (value >= field->min && value <= field->max)
        return NF_OK;
    return config_out_of_range(field, function, config_number(value, text));
}

static int32_t config_count_choices(const nf_field *field)
{
    int32_t count = 1;

    if (field->choices == NULL || field->choices[0] == '\0')
        return 0;
    for (const char *c = field->choices; *c != '\0'; c++)
        count += *c == ',';
    return count;
}

static bool config_is_required(const nf_field *field) { return (field->properties & NF_FIELD_REQUIRED) != 0; }

static nf_status config_resolve_i32(const nf_field *field, char *at, const char *function)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    if (value == 0)
        value = (int32_t)field->fallback;
    memcpy(at, &value, sizeof value);
    return config_check_integer(field, value, function);
}

static nf_status config_resolve_i64(const nf_field *field, char *at, const char *function)
{
    int64_t value;

    memcpy(&value, at, sizeof value);
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    if (value == 0)
        value = (int64_t)field->fallback;
    memcpy(at, &value, sizeof value);
    return config_check_integer(field, value, function);
}

static nf_status config_resolve_u64(const nf_field *field, char *at, const char *function)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    if (value == 0)
        value = (uint64_t)field->fallback;
    memcpy(at, &value, sizeof value);
    return NF_OK;
}

static nf_status config_resolve_f64(const nf_field *field, char *at, const char *function)
{
    double value;

    memcpy(&value, at, sizeof value);
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    if (value == 0)
        value = field->fallback;
    memcpy(at, &value, sizeof value);
    return config_check_double(field, value, function);
}

/* A fallback of 0 leaves 0 in place: the constructor decides what it means. */
static nf_status config_resolve_choice(const nf_field *field, char *at, const char *function)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    if (value < 0 || value > config_count_choices(field))
        return nfi_fail(NF_ERR_ARG, "%s: %s is %d, allowed are 1 to %d: %s", function, field->name, (int)value,
                        (int)config_count_choices(field), field->choices != NULL ? field->choices : "");
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    if (value == 0)
        value = (int32_t)field->fallback;
    memcpy(at, &value, sizeof value);
    return NF_OK;
}

static nf_status config_resolve_flag(const nf_field *field, const char *at, const char *function)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    if (value != 0 && value != 1)
        return nfi_fail(NF_ERR_ARG, "%s: %s is %d, allowed are 0 and 1", function, field->name, (int)value);
    if (value == 0 && config_is_required(field))
        return config_missing(field, function);
    return NF_OK;
}

/* Strings, callbacks and objects: their bytes tell whether they are set. */
static nf_status config_resolve_pointer(const nf_field *field, const char *at, const char *function)
{
    uintptr_t bits;

    memcpy(&bits, at, sizeof bits);
    if (bits == 0 && config_is_required(field))
        return config_missing(field, function);
    return NF_OK;
}

static nf_status config_resolve_array(const nf_field *field, const char *resolved, const char *function)
{
    const void *items;
    int64_t count;
    char where[CONFIG_WHERE];
    nf_status status = NF_OK;

    memcpy(&items, resolved + field->offset, sizeof items);
    memcpy(&count, resolved + field->count_offset, sizeof count);
    if (count < 0)
        return nfi_fail(NF_ERR_ARG, "%s: the length of %s is %lld, must not be negative", function, field->name,
                        (long long)count);
    if (count > 0 && items == NULL)
        return nfi_fail(NF_ERR_ARG, "%s: %s is NULL, its length is %lld", function, field->name, (long long)count);
    if (count == 0 && config_is_required(field))
        return config_missing(field, function);
    for (int64_t i = 0; i < count && status == NF_OK; i++) {
        (void)snprintf(where, sizeof where, "%s: element %lld", function, (long long)i);
        status = field->kind == NF_FIELD_I64_ARRAY ? config_check_integer(field, ((const int64_t *)items)[i], where)
                                                   : config_check_double(field, ((const double *)items)[i], where);
    }
    return status;
}

static nf_status config_resolve_field(const nf_field *field, char *resolved, const char *function)
{
    char *at = resolved + field->offset;

    switch (field->kind) {
    case NF_FIELD_I32:
        return config_resolve_i32(field, at, function);
    case NF_FIELD_I64:
        return config_resolve_i64(field, at, function);
    case NF_FIELD_U64:
        return config_resolve_u64(field, at, function);
    case NF_FIELD_F64:
        return config_resolve_f64(field, at, function);
    case NF_FIELD_CHOICE:
        return config_resolve_choice(field, at, function);
    case NF_FIELD_FLAG:
        return config_resolve_flag(field, at, function);
    case NF_FIELD_STRING:
    case NF_FIELD_POINTER:
        return config_resolve_pointer(field, at, function);
    case NF_FIELD_I64_ARRAY:
    case NF_FIELD_F64_ARRAY:
        return config_resolve_array(field, resolved, function);
    default: /* a user's table */
        return nfi_fail(NF_ERR_ARG, "%s: field %s is of kind %d, which does not exist", function, field->name,
                        (int)field->kind);
    }
}

static nf_status config_check_size(const nfi_config_type *type, const void *config, uint32_t size, const char *function)
{
    const unsigned char *bytes = config;

    if (size < CONFIG_SMALLEST || size > CONFIG_LARGEST)
        return nfi_fail(NF_ERR_CONFIG_SMALL, "%s: struct_size of the %s config is %lu, it was not initialised", function,
                        type->name, (unsigned long)size);
    if (size < type->first_size)
        return nfi_fail(NF_ERR_CONFIG_OLD, "%s: struct_size of the %s config is %lu, the oldest known is %lu", function,
                        type->name, (unsigned long)size, (unsigned long)type->first_size);
    for (uint32_t i = type->size; i < size; i++)
        if (bytes[i] != 0)
            return nfi_fail(NF_ERR_CONFIG_NEW,
                            "%s: struct_size of the %s config is %lu, this library knows %lu and byte %lu is set",
                            function, type->name, (unsigned long)size, (unsigned long)type->size, (unsigned long)i);
    return NF_OK;
}

static nf_status config_resolve(const nfi_config_type *type, const void *config, void *resolved, const char *function)
{
    uint32_t size;
    nf_status status;

    if (config == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: config is NULL", function);
    memcpy(&size, config, sizeof size);
    status = config_check_size(type, config, size, function);
    if (status < 0)
        return status;
    memset(resolved, 0, type->size);
    memcpy(resolved, config, size < type->size ? size : type->size);
    memcpy(resolved, &type->size, sizeof type->size);
    for (int32_t i = 0; i < type->n_fields; i++) {
        status = config_resolve_field(&type->fields[i], resolved, function);
        if (status < 0)
            return status;
    }
    return NF_OK;
}

nf_status nfi_config_resolve(const nfi_config_type *type, const void *config, void *resolved, const char *function)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    const nf_status status = config_resolve(type, config, resolved, function);

    nfi_fpenv_leave(fpenv);
    return status;
}

/* Puts a copy of `count` items in the place of the pointer at `at`; NULL for none. */
static nf_status config_own_items(char *at, int64_t count, int64_t size, nf_maker *maker)
{
    const void *items;
    void *copy = NULL;
    int64_t bytes;

    memcpy(&items, at, sizeof items);
    if (items != NULL && count > 0) {
        if (!nfi_mul(count, size, &bytes))
            return nfi_fail(NF_ERR_OVERFLOW, "%lld elements of %lld bytes are too many", (long long)count,
                            (long long)size);
        copy = nfi_maker_alloc(maker, count, size);
        if (copy == NULL)
            return NF_ERR_MEMORY;
        memcpy(copy, items, (size_t)bytes);
    }
    memcpy(at, &copy, sizeof copy);
    return NF_OK;
}

nf_status nfi_config_mark(const char *function, const char *field, const int64_t *index, int64_t n, int64_t dim, unsigned char *marks)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = index[i];
        if (j < 0 || j >= dim || marks[j])
            return nfi_fail(NF_ERR_ARG, "%s: %s[%lld] is %lld, not a column of %lld or given twice", function, field, (long long)i, (long long)j,
                            (long long)dim);
        marks[j] = 1;
    }
    return NF_OK;
}

nf_status nfi_config_own(const nfi_config_type *type, void *resolved, nf_maker *maker)
{
    char *base = resolved;

    for (int32_t i = 0; i < type->n_fields; i++) {
        const nf_field *field = &type->fields[i];
        nf_status status = NF_OK;

        if (field->kind == NF_FIELD_STRING) {
            const char *text;

            memcpy(&text, base + field->offset, sizeof text);
            status = config_own_items(base + field->offset, text != NULL ? (int64_t)strlen(text) + 1 : 0, 1, maker);
        } else if (field->kind == NF_FIELD_I64_ARRAY || field->kind == NF_FIELD_F64_ARRAY) {
            int64_t count;

            memcpy(&count, base + field->count_offset, sizeof count);
            status = config_own_items(base + field->offset, count, sizeof(int64_t), maker);
        }
        if (status < 0)
            return status;
    }
    return NF_OK;
}

_Static_assert(sizeof(double) == sizeof(int64_t), "elements of both kinds of arrays have one size");

nf_status nfi_report_check(const void *report, uint32_t first, const char *function)
{
    uint32_t size = 0;

    if (report == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: report is NULL", function);
    memcpy(&size, report, sizeof size);
    if (size < first)
        return nfi_fail(NF_ERR_CONFIG_SMALL, "%s: struct_size of the report is %u, must be at least %u: initialise it with sizeof", function,
                        (unsigned)size, (unsigned)first);
    return NF_OK;
}

void nfi_report_write(void *report, const void *own, uint32_t size)
{
    uint32_t known;

    memcpy(&known, report, sizeof known);
    if (known > size) known = size;
    memcpy((char *)report + sizeof known, (const char *)own + sizeof known, known - sizeof known);
}

void nfi_choice_name(const nf_field *field, int32_t value, char *buffer, int64_t size)
{
    const char *name = field->choices;
    int length;

    if (size <= 0)
        return;
    if (value < 1 || value > config_count_choices(field)) {
        (void)snprintf(buffer, (size_t)size, "?");
        return;
    }
    while (--value > 0)
        name = strchr(name, ',') + 1;
    length = (int)strcspn(name, ",");
    (void)snprintf(buffer, (size_t)size, "%.*s", length, name);
}

int32_t nfi_choice_value(const nf_field *field, const char *name)
{
    const int32_t count = config_count_choices(field);
    const char *at = field->choices;

    if (name == NULL)
        return 0;
    for (int32_t value = 1; value <= count; value++) {
        const size_t length = strcspn(at, ",");

        if (strlen(name) == length && memcmp(at, name, length) == 0)
            return value;
        at += length + 1; /* the last step may pass the end by one and is not read */
    }
    return 0;
}
