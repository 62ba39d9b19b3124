/* SPDX-License-Identifier: MIT
 *
 * read.h - readers of tables
 */
#ifndef NFI_DATA_READ_H
#define NFI_DATA_READ_H

#include "data/dataset.h"

#define NFI_F32_LIMIT 0x1.ffffffp127 /* doubles from here on round to an infinite float */

/* What a reader works on: a whole file in memory, and whom to name in messages. */
typedef struct nfi_source {
    nf_context *context;
    const char *function; /* "nf_dataset_load" */
    const char *name;     /* the path, or "memory" */
    const char *bytes;
    int64_t size;
    bool folder; /* name is a directory; there are no bytes */
    const nf_read_config *config; /* resolved */
} nfi_source;

/* What a reader makes. All zero on entry; after a failure the caller frees what stands here. */
typedef struct nfi_table {
    nf_dataset *dataset;
    int64_t rows;    /* of the file; the dataset has fewer when max_rows says so */
    int64_t *labels; /* [dataset->n], what the file itself says of its rows; or NULL */
    int64_t classes; /* of these labels */
} nfi_table;

/* Rows to read of a file that has `rows`: max_rows of the config. */
static inline int64_t nfi_rows_wanted(const nfi_source *source, int64_t rows)
{
    return source->config->max_rows > 0 ? nfi_min(source->config->max_rows, rows) : rows;
}

/* Where each column of the file goes. */
typedef struct nfi_selection {
    nf_context *context;
    int64_t *columns; /* [dim + cond_dim]: columns of the file; the features first */
    int64_t capacity;
    int64_t dim, cond_dim;
} nfi_selection;

/* Applies columns, cond_columns and drop_columns to a file of `width` columns. NF_ERR_ARG, NF_ERR_MEMORY. */
nf_status nfi_selection_create(nfi_selection *selection, const nfi_source *source, int64_t width);
void nfi_selection_free(nfi_selection *selection); /* a zeroed one is accepted */

/* The readers. The default floating-point state is set. */
nf_status nfi_csv_read(const nfi_source *source, nfi_table *out);
nf_status nfi_npy_read(const nfi_source *source, nfi_table *out);
nf_status nfi_idx_read(const nfi_source *source, nfi_table *out);
nf_status nfi_cifar_read(const nfi_source *source, nfi_table *out);
nf_status nfi_images_read(const nfi_source *source, nfi_table *out); /* one PNG file, or a folder of them */
/* Whether a reader takes these bytes; `named`: the file's ending is one of its own. */
bool nfi_npy_recognise(const char *bytes, int64_t size, bool named);
bool nfi_idx_recognise(const char *bytes, int64_t size, bool named);
bool nfi_cifar_recognise(const char *bytes, int64_t size, bool named);
bool nfi_png_recognise(const char *bytes, int64_t size, bool named);

/* Reads any file by the table of readers, with labels as conditioning columns where the config asks for them. */
nf_status nfi_read_file(const nfi_source *source, nfi_table *out);
void nfi_table_free(nfi_table *table, nf_context *context);
/* Makes conditioning columns of the labels that the config asks for: those of the file `labels`, else those of the table. Nothing when
 * it asks for none. */
nf_status nfi_labels_apply(const nfi_source *source, nfi_table *table);

#endif
