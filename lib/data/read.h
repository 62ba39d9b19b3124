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
    const nf_read_config *config; /* resolved */
} nfi_source;

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

/* The readers. The default floating-point state is set. *out is NULL on entry and after failure. */
nf_status nfi_csv_read(const nfi_source *source, nf_dataset **out);
nf_status nfi_npy_read(const nfi_source *source, nf_dataset **out);
bool nfi_npy_recognise(const char *bytes, int64_t size);

#endif
