/* SPDX-License-Identifier: MIT
 *
 * table_io.c - tables in and out
 *
 * Numbers are written with 9 (f32) or 17 (f64) significant digits, so that they read back to the same bits. The
 * command never calls setlocale: numbers always have a point.
 */
#include "table_io.h"
#include "common.h"
#include "suggest.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *table_density(const char *data)
{
    static const char prefix[] = "density:";

    return strncmp(data, prefix, sizeof prefix - 1) == 0 ? data + sizeof prefix - 1 : NULL;
}

/* All of stdin; NULL after a message. */
static char *read_stdin(size_t *size)
{
    size_t capacity = 1 << 16, n;
    char *bytes = malloc(capacity), *grown;

    *size = 0;
    while (bytes && (n = fread(bytes + *size, 1, capacity - *size, stdin)) > 0) {
        *size += n;
        if (*size < capacity) continue;
        grown = capacity > SIZE_MAX / 2 ? NULL : realloc(bytes, capacity * 2);
        if (!grown) free(bytes);
        bytes = grown;
        capacity *= 2;
    }
    if (!bytes) {
        tool_fail("stdin: out of memory");
    } else if (ferror(stdin)) {
        tool_fail("stdin: %s", strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

static int table_read_stdin(nf_dataset **out, nf_context *context, const nf_read_config *read)
{
    size_t size;
    nf_read_config config = *read;
    char *bytes = read_stdin(&size);

    if (!bytes) return CODE_FAILED;
    const nf_status status = nf_dataset_load_memory(out, context, bytes, (int64_t)size, &config);
    free(bytes);
    return status < 0 ? tool_file_failed(status, "stdin") : CODE_OK;
}

static int is_density(const char *name)
{
    const char *known;

    for (int32_t i = 0; (known = nf_dataset_synthetic_at(i)); i++)
        if (strcmp(known, name) == 0) return 1;
    return 0;
}

static int unknown_density(const char *name)
{
    suggestion near = suggest_begin(name);
    char names[512] = "", hint[96];
    const char *known;

    for (int32_t i = 0; (known = nf_dataset_synthetic_at(i)); i++) {
        const size_t used = strlen(names);
        suggest_offer(&near, known, strlen(known));
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", known);
    }
    suggest_text(&near, "density:", hint, sizeof hint);
    tool_fail("density:%s: there is no such density%s The names are %s", name, *hint ? hint : ".", names);
    return CODE_USAGE;
}

static int table_read_file(nf_dataset **out, nf_context *context, const char *path, const nf_read_config *read)
{
    const nf_status status = nf_dataset_load(out, context, path, read);

    if (status >= 0) return CODE_OK;
    tool_file_failed(status, path);
    if (status == NF_ERR_IO && is_density(path)) fprintf(stderr, "nflow: the synthetic density is density:%s\n", path);
    return tool_code(status);
}

int table_read(nf_dataset **out, nf_context *context, const char *data, const nf_read_config *read,
               const density_source *density)
{
    const char *name = table_density(data);
    nf_status status;

    *out = NULL;
    if (!name) return strcmp(data, "-") == 0 ? table_read_stdin(out, context, read) : table_read_file(out, context, data, read);
    if (!is_density(name)) return unknown_density(name);
    status = nf_dataset_synthetic(out, context, name, density->rows, density->noise, density->seed);
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

static int is_npy(const char *path)
{
    const size_t n = strlen(path);

    return n >= 4 && strcmp(path + n - 4, ".npy") == 0;
}

/* NPY 1.0: magic, version, length of the header, the header padded to a multiple of 64 bytes. */
static void write_npy_header(table_writer *w, int64_t rows)
{
    const uint16_t one = 1;
    const char order = *(const unsigned char *)&one ? '<' : '>';
    char shape[64], header[192];
    int length;

    if (w->columns)
        snprintf(shape, sizeof shape, "(%" PRId64 ", %" PRId64 ")", rows, w->columns);
    else
        snprintf(shape, sizeof shape, "(%" PRId64 ",)", rows);
    length = snprintf(header, sizeof header, "{'descr': '%cf%d', 'fortran_order': False, 'shape': %s, }", order,
                      w->dtype == NF_F32 ? 4 : 8, shape);
    while ((10 + length + 1) % 64)
        header[length++] = ' ';
    header[length++] = '\n';
    fwrite("\x93NUMPY\x01\x00", 1, 8, w->file);
    putc(length & 0xFF, w->file);
    putc(length >> 8, w->file);
    fwrite(header, 1, (size_t)length, w->file);
}

/* A plain file is written beside its place and renamed when complete. */
static FILE *open_beside(table_writer *w)
{
    struct stat info;
    const size_t size = strlen(w->path) + 32;

    if (stat(w->path, &info) == 0 && !S_ISREG(info.st_mode)) return fopen(w->path, "wb");
    if (!(w->temporary = malloc(size))) return NULL;
    snprintf(w->temporary, size, "%s.%ld.tmp", w->path, (long)getpid());
    return fopen(w->temporary, "wb");
}

int table_open(table_writer *w, const char *path, int64_t rows, int64_t columns, int32_t dtype)
{
    *w = (table_writer){ .path = path, .columns = columns, .dtype = dtype };
    if (!path || strcmp(path, "-") == 0) {
        w->path = "stdout";
        w->file = stdout;
        return CODE_OK;
    }
    w->npy = is_npy(path);
    w->file = open_beside(w);
    if (!w->file) {
        tool_fail("%s: %s", path, strerror(errno));
        free(w->temporary);
        w->temporary = NULL;
        return CODE_FAILED;
    }
    if (w->npy) write_npy_header(w, rows);
    return CODE_OK;
}

int table_write(table_writer *w, int64_t rows, const double *values)
{
    const int64_t columns = w->columns ? w->columns : 1, count = rows * columns;
    const int digits = w->dtype == NF_F32 ? 9 : 17;

    for (int64_t i = 0; i < count; i++) {
        if (!w->npy) {
            fprintf(w->file, "%.*g%c", digits, values[i], (i + 1) % columns ? ',' : '\n');
        } else if (w->dtype == NF_F32) {
            const float value = (float)values[i];
            fwrite(&value, sizeof value, 1, w->file);
        } else {
            fwrite(&values[i], sizeof values[i], 1, w->file);
        }
    }
    return ferror(w->file) ? tool_fail("%s: %s", w->path, strerror(errno)) : CODE_OK;
}

int table_close(table_writer *w)
{
    FILE *file = w->file;
    int failed;

    if (file == stdout) {
        w->file = NULL;
        return fflush(file) ? tool_fail("%s: %s", w->path, strerror(errno)) : CODE_OK;
    }
    failed = fflush(file) || fsync(fileno(file)) ? errno != EINVAL && errno != EROFS && errno != ENOTSUP : 0;
    w->file = NULL;
    if (fclose(file)) failed = 1;
    if (!failed && w->temporary && rename(w->temporary, w->path)) failed = 1;
    if (failed) {
        tool_fail("%s: %s", w->path, strerror(errno));
        if (w->temporary) unlink(w->temporary);
    }
    free(w->temporary);
    w->temporary = NULL;
    return failed ? CODE_FAILED : CODE_OK;
}

void table_discard(table_writer *w)
{
    if (w->file && w->file != stdout) fclose(w->file);
    if (w->temporary) unlink(w->temporary);
    free(w->temporary);
    *w = (table_writer){ 0 };
}
