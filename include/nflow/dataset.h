/* SPDX-License-Identifier: MIT
 *
 * dataset.h - rows of features, optionally with conditioning columns and weights
 *
 * Rows are [n][dim], row-major, held in float or double as they came. Constructors copy what they are given, arrays of any
 * alignment. *out is NULL after failure, and besides the errors listed: NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_MEMORY, and for sizes
 * NF_ERR_SHAPE (below 1), NF_ERR_LIMIT (the context's max_dim, max_elements), NF_ERR_OVERFLOW. The line names argument, value and
 * limit. Everything here since 0.1
 */
#ifndef NFLOW_DATASET_H
#define NFLOW_DATASET_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

/**
 * Rows of features, perhaps with conditioning columns and weights.
 * Threads: immutable once made and its cond and weights set, confined until then; the _set_ calls are exclusive.
 * Lifetime: reference counted; holds a reference to its context.
 */
typedef struct nf_dataset nf_dataset;

NF_API nf_dataset *nf_dataset_ref(nf_dataset *dataset); /* returns its argument */
NF_API void nf_dataset_unref(nf_dataset *dataset);

/** A dataset from an array: n >= 1 rows of dim >= 1 columns, x [n][dim]. Values that are not finite are kept: see
 * nf_dataset_check. */
NF_API nf_status nf_dataset_from_array(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const float *x);
NF_API nf_status nf_dataset_from_array_f64(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const double *x);

/**
 * Gives every row conditioning columns, or a weight: cond [n][cond_dim], copied and kept in the dataset's precision; weights [n],
 * finite, >= 0, not all 0. NULL removes what was set. Weights count in nf_flow_fit and nf_flow_mean_nll.
 * NF_ERR_SHAPE (cond_dim < 1), NF_ERR_LIMIT, NF_ERR_NONFINITE (a weight), NF_ERR_ARG (a weight is negative, or all are 0): the
 * dataset is as before. Exclusive.
 */
NF_API nf_status nf_dataset_set_cond(nf_dataset *dataset, int64_t cond_dim, const float *cond);
NF_API nf_status nf_dataset_set_cond_f64(nf_dataset *dataset, int64_t cond_dim, const double *cond);
NF_API nf_status nf_dataset_set_weights(nf_dataset *dataset, const double *weights);

enum { NF_FORMAT_CSV = 1, NF_FORMAT_NPY = 2, NF_FORMAT_IDX = 3, NF_FORMAT_CIFAR10 = 4, NF_FORMAT_PNG = 5 };
enum { NF_HEADER_YES = 1, NF_HEADER_NO = 2 };
enum { NF_LABEL_ONE_HOT = 1, NF_LABEL_NUMBER = 2 };

/** How to read a file. Columns are counted from 0; no list may hold one twice, `columns` and `drop_columns` exclude each other,
 * and at least one column must be left as a feature. */
typedef struct nf_read_config {
    uint32_t struct_size;
    int32_t format;   /* NF_FORMAT_...; default by the file's ending, else by its content */
    int32_t header;   /* CSV: NF_HEADER_...; default: a first line with a field that is no number is a header */
    int32_t dtype;    /* storage, NF_F32 or NF_F64; default NF_F64 for text, the file's own for arrays, NF_F32 for pictures */
    const char *separator; /* CSV: one character; default: the one of , ; tab that the first line has most of, else blanks */
    int64_t skip_lines;    /* CSV: lines to pass over first */
    const int64_t *columns; /* which columns to keep, in this order; default all that have no other role */
    int64_t n_columns;
    const int64_t *cond_columns; /* which columns condition; they are not features then */
    int64_t n_cond_columns;
    const int64_t *drop_columns; /* columns to leave out (when `columns` is empty) */
    int64_t n_drop_columns;
    const char *labels;    /* path of a table of one column, a whole number >= 0 for each row of the file: they condition */
    int64_t label_classes; /* default: the classes of the file (CIFAR-10: 10, sub-folders), else the largest label + 1 */
    int64_t max_rows;      /* only the first rows; the file is still checked as a whole. Default all */
    int32_t label_kind;    /* NF_LABEL_...: a column for each class (the default) or one of the number itself. Without `labels`, this
                              or label_classes asks for the labels that CIFAR-10 and sub-folders hold themselves */
    int32_t reserved;
} nf_read_config;
#define NF_READ_CONFIG_INIT { .struct_size = sizeof(nf_read_config) }
NF_API void nf_read_config_init(nf_read_config *config);

/**
 * Reads a table, from a file, a folder of pictures, or `size` bytes in memory. config may be NULL.
 *
 * CSV: UTF-8 text; numbers with a decimal point in every locale, "nan" and "inf" as such; quotes, LF, CRLF or CR, a byte-order
 * mark, blank lines. NPY: versions 1 to 3; f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, little and big endian; C order, or Fortran order
 * up to two axes. IDX: all six types, plain or in gzip. CIFAR-10: its binary records; by `format`, or by the ending .bin and a
 * size of whole records. PNG: 8 bits or fewer, any colour type, as stored; one file is one row, a folder is a row for each of its
 * .png files sorted bytewise by name, or for each of its sub-folders', whose sorted names are the classes 0, 1, ...
 * Of NPY and IDX one axis is one column, axes behind the second belong to the row. Bytes stay whole numbers, 0 to 255. A row that is
 * read in full from 3 axes [n][height][width], 4 axes [n][height][width][channels] or a picture is in height-width-channel order and
 * has an image shape.
 *
 * Labels: see the config. `labels` is a path for nf_dataset_load_memory too, read in its own format by ending and content.
 *
 * NF_ERR_IO (path and reason), NF_ERR_PARSE (line, column, byte, text), NF_ERR_FORMAT (no table at all, not the format it
 * should be, sizes that are not those promised, pictures of two sizes: both named), NF_ERR_CORRUPT (gzip or PNG data are damaged:
 * near which byte), NF_ERR_VERSION (a later version of NPY), NF_ERR_LIMIT (max_file_bytes too, which holds for what gzip unpacks to),
 * NF_ERR_ARG (columns, separator, a label that is no class, no labels there), NF_ERR_SHAPE (as many labels as rows),
 * NF_ERR_UNSUPPORTED (built without zlib or libpng: the line tells what to do), NF_ERR_CONFIG_*. Memory follows the bytes that are
 * there, never the sizes that a header claims.
 */
NF_API nf_status nf_dataset_load(nf_dataset **out, nf_context *context, const char *path, const nf_read_config *config);
NF_API nf_status nf_dataset_load_memory(nf_dataset **out, nf_context *context, const void *bytes, int64_t size, const nf_read_config *config);

/**
 * n rows of a synthetic density in two columns: "moons", "8gaussians", "pinwheel", "2spirals", "checkerboard", "rings",
 * "swissroll", "circles" (after FFJORD's toy data), "moons-sklearn", "circles-sklearn" (scikit-learn's make_moons and
 * make_circles), and "moons-rotated" (moons-sklearn turned by an angle that is the conditioning column, uniform in [0, pi)).
 * Definitions and entropies: docs/data.md. Rows are in double and depend on (name, n, noise, seed) alone.
 *
 * noise  the generator's own noise sd; negative or NaN: its default
 * NF_ERR_UNKNOWN (the line lists the names), NF_ERR_ARG (infinite noise, or noise for "checkerboard", which takes none).
 */
NF_API nf_status nf_dataset_synthetic(nf_dataset **out, nf_context *context, const char *name, int64_t n, double noise, uint64_t seed);
/** Name of synthetic density `index`, static; NULL past the last. Threads: any. */
NF_API const char *nf_dataset_synthetic_at(int32_t index);
/** Differential entropy of a synthetic density, in nats: in the data's units, the mean NLL that no model beats. NaN for an
 * unknown name and for any noise but the default. Threads: any. */
NF_API double nf_dataset_synthetic_entropy(const char *name, double noise);

/**
 * Splits a dataset at random: round(fraction * n) rows into *first, the others into *second, both in their old order, with
 * cond, weights, column names and image shape; seed UINT64_MAX: the first rows in file order instead. The parts are datasets of
 * their own.
 * NF_ERR_ARG (fraction not in (0, 1), or one part would be empty), NF_ERR_ALIAS (first == second): both NULL.
 */
NF_API nf_status nf_dataset_split(const nf_dataset *dataset, double fraction, uint64_t seed, nf_dataset **first, nf_dataset **second);

/** Sizes of a dataset; cond_dim is 0 when there are no conditioning columns. 0 for NULL. */
NF_API int64_t nf_dataset_rows(const nf_dataset *dataset);
NF_API int64_t nf_dataset_dim(const nf_dataset *dataset);
NF_API int64_t nf_dataset_cond_dim(const nf_dataset *dataset);
/**
 * The shape of rows that are images, in height-width-channel order: from their file, or set. All 0 for a plain table and after
 * set(0, 0, 0). Parts of a split keep it.
 * NF_ERR_NULL; set: NF_ERR_SHAPE (the product is not the number of columns). Nothing is changed then. Get is shared-read, set
 * exclusive.
 */
NF_API nf_status nf_dataset_image_shape(const nf_dataset *dataset, int64_t *height, int64_t *width, int64_t *channels);
NF_API nf_status nf_dataset_set_image_shape(nf_dataset *dataset, int64_t height, int64_t width, int64_t channels);
/** Copies rows out: [first, first + n) into x [n][dim] and cond [n][cond_dim] as float or double; x or cond may be NULL, and
 * cond is left alone when the dataset has none. NF_ERR_SHAPE (rows that do not exist): arrays untouched. Shared-read, allocates
 * nothing. */
NF_API nf_status nf_dataset_copy(const nf_dataset *dataset, int64_t first, int64_t n, float *x, float *cond);
NF_API nf_status nf_dataset_copy_f64(const nf_dataset *dataset, int64_t first, int64_t n, double *x, double *cond);
/** Name of a feature, from the file's header: alive as long as the dataset; NULL when there is none. */
NF_API const char *nf_dataset_column_name(const nf_dataset *dataset, int64_t column);

/** One column's figures, in double, over its finite values (all NaN when there are none). */
typedef struct nf_column_report {
    uint32_t struct_size;
    int32_t is_constant;     /* 1: all finite values are equal */
    int64_t n_nonfinite;
    int64_t first_nonfinite; /* row, -1: none */
    int64_t n_distinct;      /* counted up to 1000 */
    double min, max, mean, sd; /* two-pass, divisor n */
    double median, mad;        /* median absolute deviation from the median */
} nf_column_report;
/** Figures of one feature, over its finite values. Set report->struct_size first (NF_ERR_CONFIG_SMALL). NF_ERR_ARG (no such
 * column): report untouched. Allocates 24 bytes a row for the call. Shared-read. */
NF_API nf_status nf_dataset_check(const nf_dataset *dataset, int64_t column, nf_column_report *report);

/**
 * A standardise layer from the columns' mean and sd; robust = 1: from the median and 1.4826 mad.
 * NF_ERR_DEGENERATE (a constant column, named with the remedy; or robust and over half of a column's values equal),
 * NF_ERR_NONFINITE (the first bad row and column), NF_ERR_ARG (robust is not 0 or 1). Shared-read on the dataset.
 */
NF_API nf_status nf_standardise_from_dataset(nf_layer **out, nf_context *context, const nf_dataset *dataset, int32_t robust);

NF_END_DECLS
#endif
