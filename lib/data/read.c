/* SPDX-License-Identifier: MIT
 *
 * read.c - tables from files and memory: readers, formats, columns
 */
#include "data/read.h"

#include <stddef.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"
#include "data/source.h"

/* ---- config ---------------------------------------------------------------------------------------------------- */

#define COLUMN_MAX 9007199254740992.0 /* 2^53 */
#define READ(member, kind, fallback, min, max, choices, help)                                                          \
    NFI_FIELD(nf_read_config, member, kind, 0, fallback, min, max, choices, help)
#define READ_COLUMNS(member, help)                                                                                     \
    NFI_ARRAY(nf_read_config, member, n_##member, NF_FIELD_I64_ARRAY, 0, 0, COLUMN_MAX, help)

static const nf_field read_fields[] = {
    READ(format, NF_FIELD_CHOICE, 0, 1, 5, "csv,npy,idx,cifar10,png", "format of the file; default by its ending, else by its content"),
    READ(header, NF_FIELD_CHOICE, 0, 1, 2, "yes,no",
         "whether the first line names the columns; default: yes when one of its fields is no number"),
    READ(dtype, NF_FIELD_CHOICE, 0, 1, 2, "f32,f64", "precision of storage; default f64 for text, the file's own for npy"),
    READ(separator, NF_FIELD_STRING, 0, 0, 0, NULL,
         "character between fields; default: the one of comma, semicolon and tab that the first line has most of"),
    READ(skip_lines, NF_FIELD_I64, 0, 0, COLUMN_MAX, NULL, "lines to pass over first"),
    READ_COLUMNS(columns, "columns to keep, from 0, in this order; default all"),
    READ_COLUMNS(cond_columns, "columns that condition and are no features"),
    READ_COLUMNS(drop_columns, "columns to leave out, when columns is not given"),
    READ(labels, NF_FIELD_STRING, 0, 0, 0, NULL, "file of labels, one for each row, that condition"),
    READ(label_classes, NF_FIELD_I64, 0, 0, COLUMN_MAX, NULL, "number of classes of the labels; default the largest label + 1"),
    READ(max_rows, NF_FIELD_I64, 0, 0, COLUMN_MAX, NULL, "reads the first rows only; default all"),
    READ(label_kind, NF_FIELD_CHOICE, 0, 1, 2, "one_hot,number",
         "how labels condition: one column for each class, or one of the number; default one_hot"),
};

static const nfi_config_type nfi_read_config_type = {
    .name = "read",
    .first_size = sizeof(nf_read_config),
    .size = sizeof(nf_read_config),
    .fields = read_fields,
    .n_fields = (int32_t)(sizeof read_fields / sizeof read_fields[0]),
};

const nfi_config_type *nfi_data_configs(int32_t index) { return index == 0 ? &nfi_read_config_type : NULL; }

void nf_read_config_init(nf_read_config *config)
{
    if (config != NULL)
        *config = (nf_read_config)NF_READ_CONFIG_INIT;
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

enum { UNUSED = 0, FEATURE = 1, COND = 2, DROPPED = 3 };

/* Gives the listed columns a role. A column listed twice, or beyond the file's width, is refused. */
static nf_status mark(const nfi_source *source, unsigned char *roles, int64_t width, const char *list,
                      const int64_t *columns, int64_t n, unsigned char role)
{
    for (int64_t i = 0; i < n; i++) {
        if (columns[i] >= width)
            return nfi_fail(NF_ERR_ARG, "%s: %s holds column %lld, %s has columns 0 to %lld", source->function, list,
                            (long long)columns[i], source->name, (long long)(width - 1));
        if (roles[columns[i]] == role)
            return nfi_fail(NF_ERR_ARG, "%s: %s holds column %lld twice", source->function, list, (long long)columns[i]);
        roles[columns[i]] = role;
    }
    return NF_OK;
}

static nf_status assign(const nfi_source *source, unsigned char *roles, int64_t width)
{
    const nf_read_config *config = source->config;
    if (config->n_columns > 0 && config->n_drop_columns > 0)
        return nfi_fail(NF_ERR_ARG, "%s: columns and drop_columns are both given, one of them suffices", source->function);
    nf_status status = mark(source, roles, width, "columns", config->columns, config->n_columns, FEATURE);
    if (status >= 0)
        status = mark(source, roles, width, "drop_columns", config->drop_columns, config->n_drop_columns, DROPPED);
    for (int64_t i = 0; status >= 0 && i < config->n_cond_columns; i++)
        if (config->cond_columns[i] < width && roles[config->cond_columns[i]] == DROPPED)
            return nfi_fail(NF_ERR_ARG, "%s: column %lld is in cond_columns and in drop_columns", source->function,
                            (long long)config->cond_columns[i]);
    if (status >= 0)
        status = mark(source, roles, width, "cond_columns", config->cond_columns, config->n_cond_columns, COND);
    return status;
}

/* Lists the features, then the conditioning columns. */
static void list(nfi_selection *selection, const nf_read_config *config, const unsigned char *roles, int64_t width)
{
    int64_t n = 0;
    for (int64_t i = 0; i < config->n_columns; i++)
        if (roles[config->columns[i]] == FEATURE)
            selection->columns[n++] = config->columns[i];
    for (int64_t j = 0; config->n_columns == 0 && j < width; j++)
        if (roles[j] == UNUSED)
            selection->columns[n++] = j;
    selection->dim = n;
    for (int64_t i = 0; i < config->n_cond_columns; i++)
        selection->columns[n++] = config->cond_columns[i];
    selection->cond_dim = config->n_cond_columns;
}

nf_status nfi_selection_create(nfi_selection *selection, const nfi_source *source, int64_t width)
{
    nf_status status = NF_OK;
    *selection = (nfi_selection){.context = source->context, .capacity = width};
    unsigned char *roles = nfi_alloc(source->context, width, 1, &status);
    if (roles == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    status = assign(source, roles, width);
    if (status >= 0) {
        selection->columns = nfi_alloc(source->context, width, sizeof *selection->columns, &status);
        if (selection->columns != NULL)
            list(selection, source->config, roles, width);
        else
            status = status < 0 ? status : NF_ERR_MEMORY;
    }
    nfi_free(source->context, roles, width, 1);
    if (status >= 0 && selection->dim == 0)
        status = nfi_fail(NF_ERR_ARG, "%s: none of the %lld columns of %s is left as a feature", source->function,
                          (long long)width, source->name);
    if (status < 0)
        nfi_selection_free(selection);
    return status;
}

void nfi_selection_free(nfi_selection *selection)
{
    nfi_free(selection->context, selection->columns, selection->capacity, sizeof *selection->columns);
    *selection = (nfi_selection){0};
}

/* ---- readers --------------------------------------------------------------------------------------------------- */

typedef struct reader {
    int32_t format;
    const char *suffixes; /* each followed by a blank */
    bool folders;         /* reads a directory as a whole */
    bool (*recognise)(const char *bytes, int64_t size, bool named); /* NULL: anything */
    nf_status (*read)(const nfi_source *source, nfi_table *out);
} reader;

static const reader readers[] = {
    {NF_FORMAT_NPY, ".npy ", false, nfi_npy_recognise, nfi_npy_read},
    {NF_FORMAT_IDX, ".idx -ubyte .gz ", false, nfi_idx_recognise, nfi_idx_read},
    {NF_FORMAT_CIFAR10, ".bin ", false, nfi_cifar_recognise, nfi_cifar_read},
    {NF_FORMAT_PNG, ".png ", true, nfi_png_recognise, nfi_images_read},
    {NF_FORMAT_CSV, ".csv .tsv .txt .dat .data ", false, NULL, nfi_csv_read}, /* last: takes what no other knows */
};
enum { N_READERS = sizeof readers / sizeof readers[0] };

/* Whether the blank-terminated `suffix` ends `path`, in any case of ASCII letters. */
static bool ends_with(const char *path, const char *suffix, size_t size)
{
    const size_t length = strlen(path);
    if (length < size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const char c = path[length - size + i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != suffix[i])
            return false;
    }
    return true;
}

static bool has_suffix(const reader *r, const char *path)
{
    for (const char *suffix = r->suffixes; *suffix != '\0'; suffix = strchr(suffix, ' ') + 1)
        if (ends_with(path, suffix, strcspn(suffix, " ")))
            return true;
    return false;
}

static bool recognises(const reader *r, const nfi_source *source, bool named)
{
    return r->recognise == NULL || r->recognise(source->bytes, source->size, named);
}

/* By the config, the ending, the content, in this order. path may be NULL. */
static const reader *choose_reader(const nfi_source *source, const char *path)
{
    for (int i = 0; i < N_READERS; i++)
        if (readers[i].format == source->config->format)
            return &readers[i];
    for (int i = 0; source->folder && i < N_READERS; i++)
        if (readers[i].folders)
            return &readers[i];
    for (int i = 0; path != NULL && i < N_READERS; i++)
        if (has_suffix(&readers[i], path) && recognises(&readers[i], source, true))
            return &readers[i];
    for (int i = 0; i < N_READERS; i++)
        if (recognises(&readers[i], source, false))
            return &readers[i];
    return &readers[N_READERS - 1];
}

static nf_status read_table(const nfi_source *source, const char *path, nfi_table *out)
{
    const reader *r = choose_reader(source, path);
    if (source->folder && !r->folders)
        return nfi_fail(NF_ERR_IO, "%s: %s: cannot read: it is a directory", source->function, source->name);
    const uint64_t saved = nfi_fpenv_enter();
    nf_status status = r->read(source, out);
    if (status >= 0)
        status = nfi_labels_apply(source, out);
    nfi_fpenv_leave(saved);
    return status;
}

nf_status nfi_read_file(const nfi_source *source, nfi_table *out)
{
    nfi_source file = *source;
    nfi_buffer b = {0};
    nf_status status = nfi_source_read(source, &b, &file.folder);
    file.bytes = b.bytes;
    file.size = b.size;
    if (status >= 0)
        status = read_table(&file, source->name, out);
    nfi_buffer_free(&b, source->context);
    return status;
}

void nfi_table_free(nfi_table *table, nf_context *context)
{
    if (table->labels != NULL)
        nfi_free(context, table->labels, table->dataset->n, sizeof *table->labels);
    nf_dataset_unref(table->dataset);
    *table = (nfi_table){0};
}

/* Hands the dataset over after success and frees the rest. */
static nf_status finish(nf_status status, nfi_table *table, nf_context *context, nf_dataset **out)
{
    if (status >= 0)
        *out = nf_dataset_ref(table->dataset);
    nfi_table_free(table, context);
    return status;
}

/* ---- public ---------------------------------------------------------------------------------------------------- */

/* What both entries check, and the resolved config. */
static nf_status prepare(nfi_source *source, nf_dataset **out, const void *what, const char *what_name,
                         const nf_read_config *config, nf_read_config *resolved)
{
    static const nf_read_config defaults = NF_READ_CONFIG_INIT;
    if (out == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: out is NULL", source->function);
    *out = NULL;
    if (what == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: %s is NULL", source->function, what_name);
    const nf_status status = nfi_context_check(source->context, source->function);
    if (status < 0)
        return status;
    source->config = resolved;
    return nfi_config_resolve(&nfi_read_config_type, config != NULL ? config : &defaults, resolved, source->function);
}

nf_status nf_dataset_load(nf_dataset **out, nf_context *context, const char *path, const nf_read_config *config)
{
    nfi_source source = {.context = context, .function = "nf_dataset_load", .name = path};
    nf_read_config resolved;
    nfi_table table = {0};
    const nf_status status = prepare(&source, out, path, "path", config, &resolved);
    return status < 0 ? status : finish(nfi_read_file(&source, &table), &table, context, out);
}

nf_status nf_dataset_load_memory(nf_dataset **out, nf_context *context, const void *bytes, int64_t size,
                                 const nf_read_config *config)
{
    nfi_source source = {
        .context = context, .function = "nf_dataset_load_memory", .name = "memory", .bytes = bytes, .size = size};
    nf_read_config resolved;
    nfi_table table = {0};
    const nf_status status = prepare(&source, out, bytes, "bytes", config, &resolved);
    if (status < 0)
        return status;
    if (size < 0)
        return nfi_fail(NF_ERR_SHAPE, "nf_dataset_load_memory: size is %lld, must not be negative", (long long)size);
    if (size > nfi_context_config(context)->max_file_bytes)
        return nfi_source_fail_large(&source);
    return finish(read_table(&source, NULL, &table), &table, context, out);
}
