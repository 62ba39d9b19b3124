/* SPDX-License-Identifier: MIT
 *
 * dataset.h - rows of features, optionally with conditioning columns and weights
 *
 * Row-major [n][dim]. Constructors: *out is NULL after failure; arrays are copied.
 */
#ifndef NFLOW_DATASET_H
#define NFLOW_DATASET_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

/** A dataset. Threads: immutable once made and its cond and weights set; confined until then. Lifetime: reference counted. Since 0.1 */
typedef struct nf_dataset nf_dataset;

NF_API nf_dataset *nf_dataset_ref(nf_dataset *dataset);
NF_API void nf_dataset_unref(nf_dataset *dataset);

/** From an array [n][dim], n >= 1. NF_ERR_NULL, NF_ERR_SHAPE, NF_ERR_OVERFLOW, NF_ERR_LIMIT, NF_ERR_MEMORY. */
NF_API nf_status nf_dataset_from_array(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const float *x);
NF_API nf_status nf_dataset_from_array_f64(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const double *x);

/** Adds conditioning columns [n][cond_dim] or row weights [n] (finite, >= 0, not all zero; NULL removes). Exclusive. */
NF_API nf_status nf_dataset_set_cond(nf_dataset *dataset, int64_t cond_dim, const float *cond);
NF_API nf_status nf_dataset_set_cond_f64(nf_dataset *dataset, int64_t cond_dim, const double *cond);
NF_API nf_status nf_dataset_set_weights(nf_dataset *dataset, const double *weights);

enum { NF_FORMAT_CSV = 1, NF_FORMAT_NPY = 2 };
enum { NF_HEADER_YES = 1, NF_HEADER_NO = 2 };

/** How to read a file. */
typedef struct nf_read_config {
    uint32_t struct_size;
    int32_t format;   /* NF_FORMAT_...; default by the file's ending */
    int32_t header;   /* NF_HEADER_...; default: a first line with a field that is no number is a header */
    int32_t dtype;    /* storage, default NF_F64 for text, the file's own for npy */
    const char *separator; /* CSV: one character; default: the one of , ; tab that the first line has most of, else blanks */
    int64_t skip_lines;    /* CSV: lines to pass over first */
    const int64_t *columns; /* which columns to keep, 0-based, in this order; default all */
    int64_t n_columns;
    const int64_t *cond_columns; /* which columns condition instead; they are not features then */
    int64_t n_cond_columns;
    const int64_t *drop_columns; /* columns to leave out (when `columns` is empty) */
    int64_t n_drop_columns;
} nf_read_config;
#define NF_READ_CONFIG_INIT { .struct_size = sizeof(nf_read_config) }
NF_API void nf_read_config_init(nf_read_config *config);

/**
 * Reads a table: CSV (locale-free numbers, quotes, CRLF, byte-order mark) or NPY (versions 1-3, <=2-D, little and big
 * endian floats and integers, C and Fortran order). config may be NULL.
 * NF_ERR_IO, NF_ERR_PARSE (line, column, byte, text), NF_ERR_FORMAT, NF_ERR_LIMIT, NF_ERR_MEMORY, NF_ERR_ARG. "nan" and "inf"
 * are read as such: see nf_dataset_check.
 */
NF_API nf_status nf_dataset_load(nf_dataset **out, nf_context *context, const char *path, const nf_read_config *config);
NF_API nf_status nf_dataset_load_memory(nf_dataset **out, nf_context *context, const void *bytes, int64_t size, const nf_read_config *config);

/**
 * A synthetic density: "moons", "8gaussians", "pinwheel", "2spirals", "checkerboard", "rings", "swissroll", "circles"
 * (after FFJORD's toy data), "moons-sklearn", "circles-sklearn" (scikit-learn's make_moons and make_circles), and "moons-rotated"
 * (moons-sklearn turned by an angle that is the conditioning column, uniform in [0, pi)). noise: the generator's own noise
 * sd; negative or NaN: its default. NF_ERR_UNKNOWN lists the names.
 */
NF_API nf_status nf_dataset_synthetic(nf_dataset **out, nf_context *context, const char *name, int64_t n, double noise, uint64_t seed);
NF_API const char *nf_dataset_synthetic_at(int32_t index);          /* name, NULL past the last */
NF_API double nf_dataset_synthetic_entropy(const char *name, double noise); /* differential entropy in nats, in the data's units; NaN when not known */

/** Random split: round(fraction * n) rows to `first`, the others to `second`, both in their old order; seed UINT64_MAX: the first
 * rows in file order. 0 < fraction < 1, both parts get a row. */
NF_API nf_status nf_dataset_split(const nf_dataset *dataset, double fraction, uint64_t seed, nf_dataset **first, nf_dataset **second);

NF_API int64_t nf_dataset_rows(const nf_dataset *dataset);
NF_API int64_t nf_dataset_dim(const nf_dataset *dataset);
NF_API int64_t nf_dataset_cond_dim(const nf_dataset *dataset);
/** Copies rows [first, first + n) as float or double; x or cond may be NULL. Shared-read. */
NF_API nf_status nf_dataset_copy(const nf_dataset *dataset, int64_t first, int64_t n, float *x, float *cond);
NF_API nf_status nf_dataset_copy_f64(const nf_dataset *dataset, int64_t first, int64_t n, double *x, double *cond);
NF_API const char *nf_dataset_column_name(const nf_dataset *dataset, int64_t column); /* from a header, else NULL */

/** One column's figures, in double. */
typedef struct nf_column_report {
    uint32_t struct_size;
    int32_t is_constant;
    int64_t n_nonfinite;
    int64_t first_nonfinite; /* row, -1: none */
    int64_t n_distinct;      /* counted up to 1000 */
    double min, max, mean, sd; /* of the finite values; two-pass, divisor n */
    double median, mad;        /* median absolute deviation */
} nf_column_report;
NF_API nf_status nf_dataset_check(const nf_dataset *dataset, int64_t column, nf_column_report *report);

/** A standardise layer from the columns' mean and sd (robust = 1: median and 1.4826 mad).
 * NF_ERR_DEGENERATE names a constant column and its remedy, NF_ERR_NONFINITE the first bad row and column. */
NF_API nf_status nf_standardise_from_dataset(nf_layer **out, nf_context *context, const nf_dataset *dataset, int32_t robust);

NF_END_DECLS
#endif
