/* SPDX-License-Identifier: MIT
 *
 * csv.c - tables of text
 *
 * Two passes over the bytes: the first finds the header and the rows and checks their shape, the second reads the
 * numbers of the columns asked for. Both use one tokeniser. Lines end with LF, CRLF or CR; lines of nothing but blanks
 * are passed over.
 */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "data/number.h"
#include "data/read.h"

enum { SHOWN = 40 }; /* bytes of a field shown in messages */

typedef struct csv {
    const nfi_source *source;
    const char *bytes;
    int64_t size, at;
    int64_t line;   /* 1-based, of `at` */
    int64_t column; /* 1-based, of the field last read */
    char separator; /* ' ': runs of blanks */
} csv;

typedef struct field {
    int64_t start, size; /* of the content, without quotes and the blanks around it */
    int64_t line;
    bool quoted, last; /* last: the line ends after it */
} field;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool is_end(char c) { return c == '\n' || c == '\r'; }

/* ---- messages -------------------------------------------------------------------------------------------------- */

static nf_status fail_at(const csv *c, nf_status status, int64_t line, int64_t byte, const char *problem)
{
    return nfi_fail(status, "%s: %s: line %lld, column %lld, byte %lld: %s", c->source->function, c->source->name,
                    (long long)line, (long long)c->column, (long long)byte, problem);
}

/* The start of a field as printable text. */
static const char *show(const csv *c, const field *f, char text[SHOWN + 4])
{
    const int64_t shown = nfi_min(f->size, SHOWN);
    for (int64_t i = 0; i < shown; i++) {
        const char byte = c->bytes[f->start + i];
        text[i] = byte < ' ' || byte > '~' ? '?' : byte;
    }
    memcpy(text + shown, f->size > SHOWN ? "..." : "", f->size > SHOWN ? 4 : 1);
    return text;
}

static nf_status fail_number(const csv *c, const field *f, nfi_number_result result)
{
    char text[SHOWN + 4];
    const char *hint = "";
    if (result == NFI_NUMBER_NONE && memchr(c->bytes + f->start, ',', (size_t)f->size) != NULL)
        hint = " (the decimal sign is '.'; see also the separator)";
    return nfi_fail(NF_ERR_PARSE, "%s: %s: line %lld, column %lld, byte %lld: \"%s\" is %s%s", c->source->function,
                    c->source->name, (long long)f->line, (long long)c->column, (long long)f->start, show(c, f, text),
                    result == NFI_NUMBER_RANGE ? "out of range" : "not a number", hint);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static void skip_blanks(csv *c)
{
    while (c->at < c->size && is_blank(c->bytes[c->at]) && (c->separator == ' ' || c->bytes[c->at] != c->separator))
        c->at++;
}

/* Passes the line end at `at`, if there is one. */
static void skip_end(csv *c)
{
    if (c->at == c->size)
        return;
    c->at += c->bytes[c->at] == '\r' && c->at + 1 < c->size && c->bytes[c->at + 1] == '\n' ? 2 : 1;
    c->line++;
}

/* At the opening quote: to behind the closing one. */
static nf_status read_quoted(csv *c, field *f)
{
    const int64_t open = c->at++, line = c->line;
    f->quoted = true;
    f->start = c->at;
    for (; c->at < c->size; c->at++) {
        const char byte = c->bytes[c->at];
        c->line += byte == '\n' || (byte == '\r' && (c->at + 1 == c->size || c->bytes[c->at + 1] != '\n'));
        if (byte != '"')
            continue;
        if (c->at + 1 < c->size && c->bytes[c->at + 1] == '"') {
            c->at++;
            continue;
        }
        f->size = c->at++ - f->start;
        return NF_OK;
    }
    return fail_at(c, NF_ERR_PARSE, line, open, "the quote opened here is not closed");
}

static void read_plain(csv *c, field *f)
{
    f->start = c->at;
    while (c->at < c->size && !is_end(c->bytes[c->at]) && c->bytes[c->at] != c->separator &&
           !(c->separator == ' ' && c->bytes[c->at] == '\t'))
        c->at++;
    f->size = c->at - f->start;
    while (f->size > 0 && is_blank(c->bytes[f->start + f->size - 1]))
        f->size--;
}

/* The next field of the line; `at` ends behind its separator or at the line's end. */
static nf_status next_field(csv *c, field *f)
{
    *f = (field){.line = c->line};
    skip_blanks(c);
    if (c->at < c->size && c->bytes[c->at] == '"') {
        const nf_status status = read_quoted(c, f);
        if (status < 0)
            return status;
    } else {
        read_plain(c, f);
    }
    const int64_t behind = c->at;
    skip_blanks(c);
    f->last = c->at == c->size || is_end(c->bytes[c->at]);
    if (f->last)
        return NF_OK;
    if (c->separator == ' ')
        return c->at > behind ? NF_OK : fail_at(c, NF_ERR_PARSE, c->line, c->at, "text behind a closing quote");
    if (c->bytes[c->at] != c->separator)
        return fail_at(c, NF_ERR_PARSE, c->line, c->at, "text behind a closing quote");
    c->at++;
    return NF_OK;
}

/* To the next line that is not blank; false at the end. */
static bool next_line(csv *c)
{
    while (c->at < c->size) {
        int64_t at = c->at;
        while (at < c->size && is_blank(c->bytes[at]))
            at++;
        if (at < c->size && !is_end(c->bytes[at])) {
            c->column = 0;
            return true;
        }
        c->at = at;
        skip_end(c);
    }
    return false;
}

/* ---- the shape of the table ------------------------------------------------------------------------------------ */

static nf_status check_bytes(const csv *c)
{
    const unsigned char first = c->size > 0 ? (unsigned char)c->bytes[0] : 0;
    const unsigned char second = c->size > 1 ? (unsigned char)c->bytes[1] : 0;
    if ((first == 0xff && second == 0xfe) || (first == 0xfe && second == 0xff))
        return nfi_fail(NF_ERR_FORMAT, "%s: %s is UTF-16 text, UTF-8 is needed", c->source->function, c->source->name);
    const char *zero = c->size > 0 ? memchr(c->bytes, 0, (size_t)c->size) : NULL;
    if (zero == NULL)
        return NF_OK;
    int64_t line = 1, start = 0;
    for (int64_t i = 0; i < zero - c->bytes; i++) {
        if (c->bytes[i] != '\n')
            continue;
        line++;
        start = i + 1;
    }
    return nfi_fail(NF_ERR_FORMAT, "%s: %s: line %lld, byte %lld (%lld of the line) is NUL: this is no text",
                    c->source->function, c->source->name, (long long)line, (long long)(zero - c->bytes),
                    (long long)(zero - c->bytes - start));
}

static nf_status choose_separator(csv *c, const char *wanted)
{
    static const char candidates[] = {',', ';', '\t'};
    int64_t counts[sizeof candidates] = {0}, most = 0;
    bool quoted = false;
    c->separator = ' ';
    if (wanted != NULL && wanted[0] != '\0') {
        if (wanted[1] != '\0' || strchr("\"\r\n.+-0123456789", wanted[0]) != NULL)
            return nfi_fail(NF_ERR_ARG, "%s: separator is \"%.20s\", must be one character that numbers, quotes and lines "
                            "do not use", c->source->function, wanted);
        c->separator = wanted[0];
        return NF_OK;
    }
    for (int64_t at = c->at; at < c->size && (quoted || !is_end(c->bytes[at])); at++) {
        quoted = quoted != (c->bytes[at] == '"');
        for (size_t k = 0; k < sizeof candidates; k++)
            counts[k] += !quoted && c->bytes[at] == candidates[k];
    }
    for (size_t k = 0; k < sizeof candidates; k++) {
        if (counts[k] <= most)
            continue;
        most = counts[k];
        c->separator = candidates[k];
    }
    return NF_OK;
}

/* Passes over the byte-order mark, the lines to skip and blank lines, to the first line of the table. */
static nf_status find_table(csv *c)
{
    if (c->size >= 3 && memcmp(c->bytes, "\xef\xbb\xbf", 3) == 0)
        c->at = 3;
    for (int64_t i = 0; i < c->source->config->skip_lines && c->at < c->size; i++) {
        while (c->at < c->size && !is_end(c->bytes[c->at]))
            c->at++;
        skip_end(c);
    }
    if (!next_line(c))
        return nfi_fail(NF_ERR_FORMAT, "%s: %s holds no table (%lld bytes, %lld lines to skip)", c->source->function,
                        c->source->name, (long long)c->size, (long long)c->source->config->skip_lines);
    return choose_separator(c, c->source->config->separator);
}

/* Counts the fields of the line and whether one of them is no number; ends at the next line's start. */
static nf_status measure_line(csv *c, int64_t *width, bool *text)
{
    field f = {0};
    for (*width = 0; !f.last; ++*width) {
        c->column++;
        const nf_status status = next_field(c, &f);
        if (status < 0)
            return status;
        double ignored;
        if (text != NULL && nfi_number_parse(c->bytes + f.start, f.size, &ignored) == NFI_NUMBER_NONE)
            *text = true;
    }
    skip_end(c);
    return NF_OK;
}

/* Counts the rows from here to the end, each of `width` fields. */
static nf_status count_rows(csv c, int64_t width, int64_t *rows)
{
    for (*rows = 0; next_line(&c); ++*rows) {
        const int64_t line = c.line, start = c.at;
        int64_t fields;
        const nf_status status = measure_line(&c, &fields, NULL);
        if (status < 0)
            return status;
        if (fields != width)
            return nfi_fail(NF_ERR_PARSE,
                            "%s: %s: line %lld, column %lld, byte %lld: the row has %lld fields, the first line has %lld",
                            c.source->function, c.source->name, (long long)line, (long long)nfi_min(fields, width) + 1,
                            (long long)start, (long long)fields, (long long)width);
    }
    return NF_OK;
}

/* ---- header and numbers ---------------------------------------------------------------------------------------- */

/* A field as a string: doubled quotes made single. NULL when out of memory. */
static char *field_text(const csv *c, const field *f, nf_status *status)
{
    char *text = nfi_alloc(c->source->context, f->size + 1, 1, status);
    if (text == NULL)
        return NULL;
    int64_t used = 0;
    for (int64_t i = 0; i < f->size; i++) {
        text[used++] = c->bytes[f->start + i];
        i += f->quoted && c->bytes[f->start + i] == '"';
    }
    char *copy = nfi_strdup(c->source->context, text, status);
    nfi_free(c->source->context, text, f->size + 1, 1);
    return copy;
}

/* The fields of the header (a line already measured) to `names` [width]. */
static nf_status read_header(csv c, char **names)
{
    field f = {0};
    nf_status status = NF_OK;
    for (int64_t j = 0; !f.last; j++) {
        c.column++;
        (void)next_field(&c, &f);
        names[j] = field_text(&c, &f, &status);
        if (names[j] == NULL)
            return status < 0 ? status : NF_ERR_MEMORY;
    }
    return NF_OK;
}

static nf_status read_number(const csv *c, const field *f, int32_t dtype, double *out)
{
    const nfi_number_result result = nfi_number_parse(c->bytes + f->start, f->size, out);
    if (result != NFI_NUMBER_OK)
        return fail_number(c, f, result);
    if (dtype == NF_F32 && isfinite(*out) && fabs(*out) >= NFI_F32_LIMIT)
        return fail_number(c, f, NFI_NUMBER_RANGE);
    return NF_OK;
}

/* One line's fields as numbers where `wanted`; the shape was checked. */
static nf_status read_line(csv *c, const unsigned char *wanted, int32_t dtype, double *row)
{
    field f = {0};
    for (int64_t j = 0; !f.last; j++) {
        c->column++;
        (void)next_field(c, &f);
        if (!wanted[j])
            continue;
        const nf_status status = read_number(c, &f, dtype, &row[j]);
        if (status < 0)
            return status;
    }
    skip_end(c);
    return NF_OK;
}

static void store_row(nf_dataset *dataset, const nfi_selection *selection, int64_t i, const double *row)
{
    for (int64_t j = 0; j < selection->dim; j++)
        nfi_dataset_store(dataset->x, dataset->dtype, i * selection->dim + j, row[selection->columns[j]]);
    const int64_t *cond = selection->columns + selection->dim;
    for (int64_t j = 0; j < selection->cond_dim; j++)
        nfi_dataset_store(dataset->cond, dataset->dtype, i * selection->cond_dim + j, row[cond[j]]);
}

/* What the first pass found, and the storage of the second. */
typedef struct table {
    int64_t rows, width;
    bool header;
    csv start, body;       /* at the first line, and at the first row of numbers */
    nfi_selection selection;
    double *row;           /* [width] */
    unsigned char *wanted; /* [width] */
    char **names;          /* [width] or NULL */
} table;

static void table_free(table *t, nf_context *context)
{
    nfi_selection_free(&t->selection);
    nfi_free(context, t->row, t->width, sizeof *t->row);
    nfi_free(context, t->wanted, t->width, 1);
    for (int64_t j = 0; t->names != NULL && j < t->width; j++)
        nfi_strfree(context, t->names[j]);
    nfi_free(context, t->names, t->width, sizeof *t->names);
}

static nf_status table_measure(table *t, csv *c)
{
    bool text = false;
    nf_status status = check_bytes(c);
    if (status >= 0)
        status = find_table(c);
    t->start = *c;
    if (status >= 0)
        status = measure_line(c, &t->width, &text);
    if (status < 0)
        return status;
    const int32_t header = c->source->config->header;
    t->header = header == NF_HEADER_YES || (header != NF_HEADER_NO && text);
    t->body = t->header ? *c : t->start;
    status = count_rows(t->body, t->width, &t->rows);
    if (status >= 0 && t->rows == 0)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s holds a header and no rows", c->source->function, c->source->name);
    return status;
}

static nf_status table_prepare(table *t, const nfi_source *source)
{
    nf_status status = nfi_selection_create(&t->selection, source, t->width);
    if (status < 0)
        return status;
    t->row = nfi_alloc(source->context, t->width, sizeof *t->row, &status);
    t->wanted = t->row != NULL ? nfi_alloc(source->context, t->width, 1, &status) : NULL;
    if (t->wanted == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t j = 0; j < t->selection.dim + t->selection.cond_dim; j++)
        t->wanted[t->selection.columns[j]] = 1;
    if (!t->header)
        return NF_OK;
    t->names = nfi_alloc(source->context, t->width, sizeof *t->names, &status);
    if (t->names == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    return read_header(t->start, t->names);
}

static nf_status copy_names(const table *t, nf_dataset *dataset)
{
    nf_status status = NF_OK;
    nf_context *context = dataset->object.context;
    if (t->names == NULL)
        return NF_OK;
    dataset->names = nfi_alloc(context, dataset->dim, sizeof *dataset->names, &status);
    if (dataset->names == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t j = 0; j < dataset->dim; j++) {
        dataset->names[j] = nfi_strdup(context, t->names[t->selection.columns[j]], &status);
        if (dataset->names[j] == NULL)
            return status < 0 ? status : NF_ERR_MEMORY;
    }
    return NF_OK;
}

static nf_status table_read(table *t, const nfi_source *source, nfi_table *out)
{
    const int32_t dtype = source->config->dtype != 0 ? source->config->dtype : NF_F64;
    const int64_t rows = nfi_rows_wanted(source, t->rows);
    nf_status status = nfi_dataset_create(&out->dataset, source->context, source->function, rows, t->selection.dim,
                                          t->selection.cond_dim, dtype);
    out->rows = t->rows;
    if (status >= 0)
        status = copy_names(t, out->dataset);
    csv c = t->body;
    for (int64_t i = 0; status >= 0 && i < rows && next_line(&c); i++) {
        status = read_line(&c, t->wanted, dtype, t->row);
        if (status >= 0)
            store_row(out->dataset, &t->selection, i, t->row);
    }
    return status;
}

nf_status nfi_csv_read(const nfi_source *source, nfi_table *out)
{
    csv c = {.source = source, .bytes = source->bytes, .size = source->size, .line = 1};
    table t = {0};
    nf_status status = table_measure(&t, &c);
    if (status >= 0)
        status = table_prepare(&t, source);
    if (status >= 0)
        status = table_read(&t, source, out);
    table_free(&t, source->context);
    return status;
}
