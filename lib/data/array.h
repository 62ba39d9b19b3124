/* SPDX-License-Identifier: MIT
 *
 * array.h - arrays of one number type as tables: what NPY, IDX and images have in common
 */
#ifndef NFI_DATA_ARRAY_H
#define NFI_DATA_ARRAY_H

#include "data/read.h"

enum { NFI_MAX_AXES = 32 };

typedef struct nfi_number_type {
    const char *name; /* of NumPy, without the byte order */
    int32_t width;
    int32_t dtype; /* the smaller one that holds every value (i8 and u8: up to 2^53) */
    double (*value)(uint64_t bits);
} nfi_number_type;

/* NULL: none of that name. */
const nfi_number_type *nfi_number_type_find(const char *name);

/* Values in memory with their shape. One axis is one column, axes behind the second are part of the row: those of an image, [n][height][width]
 * or [n][height][width][channels]. */
typedef struct nfi_array {
    const unsigned char *data;
    int64_t present; /* bytes from data on: must be those that the shape takes */
    const nfi_number_type *type;
    bool big, fortran;
    int64_t axes, shape[NFI_MAX_AXES];
} nfi_array;

/* Bytes that the shape takes. NF_ERR_OVERFLOW, NF_ERR_FORMAT (no axes, empty). */
nf_status nfi_array_size(const nfi_source *source, const nfi_array *array, int64_t *bytes);
/* Checks the size before anything is allocated, and copies the chosen columns of the first rows (max_rows) to a dataset, which keeps the
 * image shape when all columns are chosen. */
nf_status nfi_array_read(const nfi_source *source, const nfi_array *array, nfi_table *out);

#endif
