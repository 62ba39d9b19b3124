/* SPDX-License-Identifier: MIT
 *
 * tables.h - what training on a table needs besides the flow: kinds of columns, a Gaussian to beat, a size that fits the rows
 */
#ifndef NFT_TABLES_H
#define NFT_TABLES_H

#include "options.h"

/* Kinds of the columns, as nf_table_config takes them. All NULL: every column is real. */
typedef struct table_kinds {
    int64_t *kind;
    double *low, *high; /* [dim] each */
} table_kinds;

/* Reads "age:integer,hour:periodic(0,24),3:positive": columns by name, or by number from 0. Returns CODE_OK, or another code after a
 * message. */
int table_kinds_read(table_kinds *kinds, const nf_dataset *data, const char *text);
int table_kinds_periodic(const table_kinds *kinds, int64_t j);
void table_kinds_free(table_kinds *kinds);
/* The rows as a layer "columns" maps them, whole numbers with their noise; conditioning columns are left out. Messages begin with `name`. */
int table_kinds_apply(nf_dataset **out, nf_context *context, const nf_dataset *data, const table_kinds *kinds, uint64_t seed, const char *name);

/* Mean NLL of `held_out`, nats a row in the units of the data, under the Gaussian with the mean and the full covariance of `train`;
 * conditioned on the conditioning columns when there are some. NaN when there is none: columns that depend on each other linearly, too few
 * rows, too many columns, values that are not finite. */
double table_gaussian_nll(const nf_dataset *train, const nf_dataset *held_out);

/* Defaults for so many rows and columns, of options that the user did not give. */
int table_size(options *set, int64_t rows, int64_t dim);

#endif
