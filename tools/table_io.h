/* SPDX-License-Identifier: MIT
 *
 * table_io.h - tables in and out: CSV or NPY by the file's ending, "-" for stdin and stdout
 */
#ifndef NFT_TABLE_IO_H
#define NFT_TABLE_IO_H

#include <nflow/nflow.h>
#include <stdio.h>

/* Where the rows of "density:NAME" come from. */
typedef struct density_source {
    int64_t rows;
    double noise; /* negative: the density's own */
    uint64_t seed;
} density_source;

/* Name of the density when `data` is "density:NAME", else NULL. */
const char *table_density(const char *data);

/* Reads "density:NAME", "-" or a file. Returns an exit code, after a message. */
int table_read(nf_dataset **out, nf_context *context, const char *data, const nf_read_config *read,
               const density_source *density);

/* A table being written. A file gets its name only when it is complete. */
typedef struct table_writer {
    FILE *file;
    const char *path;
    char *temporary; /* NULL: written in place (stdout, devices, pipes) */
    int64_t columns;
    int32_t dtype;
    int32_t npy;
} table_writer;

/* columns 0: a vector. path NULL or "-": stdout. Exit codes, after a message. */
int table_open(table_writer *w, const char *path, int64_t rows, int64_t columns, int32_t dtype);
int table_write(table_writer *w, int64_t rows, const double *values);
int table_close(table_writer *w);
void table_discard(table_writer *w); /* after a failure; nothing happens to a closed one */

#endif
