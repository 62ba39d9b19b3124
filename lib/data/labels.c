/* SPDX-License-Identifier: MIT
 *
 * labels.c - labels of rows as conditioning columns
 *
 * They come from a file of their own, any table of one column, or from the file of the rows: CIFAR-10's records, folders of pictures.
 */
#include "data/read.h"

#include <stddef.h>

#include "core/status.h"

#define LABEL_MAX 9007199254740992.0 /* 2^53: all whole numbers up to here are exact */

/* Labels as numbers, wherever they come from. */
typedef struct labels {
    const char *name;          /* of their file */
    const nf_dataset *file;    /* a column of numbers */
    const int64_t *own;        /* or of the table itself */
    int64_t n, classes;
} labels;

static double label_at(const labels *l, int64_t i)
{
    return l->own != NULL ? (double)l->own[i] : nfi_dataset_value(l->file->x, l->file->dtype, i);
}

/* Whole numbers from 0 on, below the number of classes. */
static nf_status check_labels(const nfi_source *source, const labels *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        const double label = label_at(l, i);
        if (!(label >= 0 && label <= LABEL_MAX) || (double)(int64_t)label < label)
            return nfi_fail(NF_ERR_ARG, "%s: label %lld of %s is %g, labels are whole numbers from 0 on", source->function, (long long)i,
                            l->name, label);
        if (label >= (double)l->classes)
            return nfi_fail(NF_ERR_ARG, "%s: label %lld of %s is %g, label_classes is %lld", source->function, (long long)i, l->name, label,
                            (long long)l->classes);
    }
    return NF_OK;
}

/* The largest label + 1; check_labels judges them. */
static int64_t count_classes(const labels *l)
{
    double most = 0;
    for (int64_t i = 0; i < l->n; i++)
        if (label_at(l, i) > most && label_at(l, i) <= LABEL_MAX)
            most = label_at(l, i);
    return (int64_t)most + 1;
}

static nf_status store_labels(const nfi_source *source, const labels *l, nf_dataset *d)
{
    const bool number = source->config->label_kind == NF_LABEL_NUMBER;
    const nf_status status = nfi_dataset_make_cond(d, source->function, number ? 1 : l->classes);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < d->n; i++) {
        const double label = label_at(l, i);
        nfi_dataset_store(d->cond, d->dtype, number ? i : i * l->classes + (int64_t)label, number ? label : 1);
    }
    return NF_OK;
}

static nf_status apply(const nfi_source *source, labels *l, nf_dataset *d)
{
    const int64_t given = source->config->label_classes;
    l->classes = given > 0 ? given : l->classes > 0 ? l->classes : count_classes(l);
    const nf_status status = check_labels(source, l);
    return status < 0 ? status : store_labels(source, l, d);
}

static nf_status check_file(const nfi_source *source, const labels *l, int64_t rows)
{
    if (l->file->dim != 1)
        return nfi_fail(NF_ERR_SHAPE, "%s: %s has %lld columns, a file of labels has one", source->function, l->name, (long long)l->file->dim);
    if (l->n != rows)
        return nfi_fail(NF_ERR_SHAPE, "%s: %s holds %lld labels, %s has %lld rows", source->function, l->name, (long long)l->n, source->name,
                        (long long)rows);
    return NF_OK;
}

static nf_status apply_file(const nfi_source *source, nfi_table *table)
{
    static const nf_read_config plain = NF_READ_CONFIG_INIT; /* every zero is its default here, as far as readers look */
    const nfi_source file = {.context = source->context, .function = source->function, .name = source->config->labels, .config = &plain};
    nfi_table read = {0};
    nf_status status = nfi_read_file(&file, &read);
    if (status >= 0) {
        labels l = {.name = source->config->labels, .file = read.dataset, .n = read.dataset->n};
        status = check_file(source, &l, table->rows);
        if (status >= 0)
            status = apply(source, &l, table->dataset);
    }
    nfi_table_free(&read, source->context);
    return status;
}

nf_status nfi_labels_apply(const nfi_source *source, nfi_table *table)
{
    const nf_read_config *config = source->config;
    const bool asked = config->labels != NULL || config->label_kind != 0 || config->label_classes > 0;
    if (!asked)
        return NF_OK;
    if (config->n_cond_columns > 0)
        return nfi_fail(NF_ERR_ARG, "%s: cond_columns and labels are both given, a row has one condition", source->function);
    if (config->labels != NULL)
        return apply_file(source, table);
    if (table->labels == NULL)
        return nfi_fail(NF_ERR_ARG, "%s: %s has no labels of its own: name their file with labels", source->function, source->name);
    labels l = {.name = source->name, .own = table->labels, .n = table->dataset->n, .classes = table->classes};
    return apply(source, &l, table->dataset);
}
