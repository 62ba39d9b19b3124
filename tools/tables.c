/* SPDX-License-Identifier: MIT
 *
 * tables.c - kinds of columns, a Gaussian to beat, a size that fits the rows
 *
 * The Gaussian of rows y = (c, x), c conditioning: log p(x | c) = log p(y) - log p(c), both of one Cholesky factor L of the covariance of
 * the standardised y, since the leading part of L is the factor of c:
 *   log p(x | c) = -sum over j in x of (w_j^2 / 2 + log L_jj + log sd_j + log(2 pi) / 2),   L w = (y - mean) / sd
 */
#include "tables.h"
#include "common.h"
#include "suggest.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds */

enum { KIND_TEXT = 128 };

static const struct kind_row {
    const char *name;
    int64_t kind;
    int least, most; /* numbers in brackets */
    const char *usage;
} kind_rows[] = {
    { "real", NF_COLUMN_REAL, 0, 0, "real" },
    { "positive", NF_COLUMN_POSITIVE, 0, 1, "positive, or positive(LOW) for values above LOW" },
    { "bounded", NF_COLUMN_BOUNDED, 2, 2, "bounded(LOW,HIGH)" },
    { "integer", NF_COLUMN_INTEGER, 0, 2, "integer, or integer(LOW,HIGH)" },
    { "periodic", NF_COLUMN_PERIODIC, 0, 2, "periodic, for angles from -pi to pi, or periodic(LOW,HIGH)" },
};
enum { N_KINDS = sizeof kind_rows / sizeof *kind_rows };

/* The column called so, or -1. */
static int64_t find_column(const nf_dataset *data, const char *name)
{
    const int64_t dim = nf_dataset_dim(data);
    char *end;
    int64_t number;

    for (int64_t j = 0; j < dim; j++) {
        const char *known = nf_dataset_column_name(data, j);
        if (known && strcmp(known, name) == 0) return j;
    }
    number = strtoll(name, &end, 10);
    return end != name && !*end && number >= 0 && number < dim ? number : -1;
}

static int unknown_column(const nf_dataset *data, const char *name)
{
    suggestion near = suggest_begin(name);
    char hint[96];

    for (int64_t j = 0; j < nf_dataset_dim(data); j++) {
        const char *known = nf_dataset_column_name(data, j);
        if (known) suggest_offer(&near, known, strlen(known));
    }
    suggest_text(&near, "", hint, sizeof hint);
    return tool_usage(&command_train, "--columns-kind: there is no column '%s'; columns have the header's names, or numbers from 0 to %" PRId64
                      ", those apart that are dropped or condition%s",
                      name, nf_dataset_dim(data) - 1, hint);
}

/* "(0,1)" -> 2 numbers; -1: malformed. */
static int read_numbers(const char *text, double *numbers)
{
    int n = 0;

    if (!*text) return 0;
    if (*text != '(') return -1;
    do {
        char *end;
        if (n == 2) return -1;
        numbers[n] = strtod(text + 1, &end);
        if (end == text + 1 || !isfinite(numbers[n])) return -1;
        n++;
        text = end + strspn(end, " ");
    } while (*text == ',');
    return text[0] == ')' && !text[1] ? n : -1;
}

static int read_kind(table_kinds *kinds, int64_t j, const char *text)
{
    const size_t length = strcspn(text, "(");
    double numbers[2] = { 0.0, 0.0 };
    const int n = read_numbers(text + length, numbers);

    for (int i = 0; i < N_KINDS; i++) {
        const struct kind_row *k = &kind_rows[i];
        if (strlen(k->name) != length || strncmp(k->name, text, length) != 0) continue;
        if (n < k->least || n > k->most || (k->most == 2 && n == 1))
            return tool_usage(&command_train, "--columns-kind: '%s' is not %s", text, k->usage);
        kinds->kind[j] = k->kind;
        kinds->low[j] = numbers[0];
        kinds->high[j] = numbers[1];
        return CODE_OK;
    }
    return tool_usage(&command_train, "--columns-kind: '%s' is not one of real, positive, bounded(LOW,HIGH), integer, periodic(LOW,HIGH)", text);
}

/* Without spaces at both ends, in place. */
static char *trim(char *text)
{
    size_t n;

    text += strspn(text, " ");
    for (n = strlen(text); n && text[n - 1] == ' '; n--) continue;
    text[n] = '\0';
    return text;
}

/* One "column:kind"; the kind begins at the last ':', so that names may hold one. */
static int read_entry(table_kinds *kinds, const nf_dataset *data, char *entry)
{
    char *colon = strrchr(entry, ':');
    int64_t j;

    if (!colon || colon == entry) return tool_usage(&command_train, "--columns-kind: '%s' is not COLUMN:KIND, such as age:integer", entry);
    *colon = '\0';
    entry = trim(entry);
    j = find_column(data, entry);
    if (j < 0) return unknown_column(data, entry);
    if (kinds->kind[j]) return tool_usage(&command_train, "--columns-kind: column '%s' stands twice", entry);
    return read_kind(kinds, j, trim(colon + 1));
}

/* Up to the next comma that is in no brackets. */
static size_t entry_length(const char *text)
{
    size_t n = 0;

    for (int depth = 0; text[n] && (text[n] != ',' || depth); n++) depth += (text[n] == '(') - (text[n] == ')' && depth);
    return n;
}

int table_kinds_read(table_kinds *kinds, const nf_dataset *data, const char *text)
{
    const size_t dim = (size_t)nf_dataset_dim(data);
    int code = CODE_OK;

    kinds->kind = calloc(dim, sizeof *kinds->kind);
    kinds->low = calloc(2 * dim, sizeof *kinds->low);
    if (!kinds->kind || !kinds->low) return tool_fail("out of memory");
    kinds->high = kinds->low + dim;
    for (size_t n; *text && !code; text += n + (text[n] == ',')) {
        char entry[KIND_TEXT];
        n = entry_length(text);
        if (n >= sizeof entry) return tool_usage(&command_train, "--columns-kind: '%.20s...' is longer than %d characters", text, KIND_TEXT - 1);
        memcpy(entry, text, n);
        entry[n] = '\0';
        code = read_entry(kinds, data, entry);
    }
    for (size_t j = 0; j < dim; j++)
        if (!kinds->kind[j]) kinds->kind[j] = NF_COLUMN_REAL;
    return code;
}

int table_kinds_periodic(const table_kinds *kinds, int64_t j) { return kinds->kind && kinds->kind[j] == NF_COLUMN_PERIODIC; }

void table_kinds_free(table_kinds *kinds)
{
    free(kinds->kind);
    free(kinds->low);
    *kinds = (table_kinds){ 0 };
}

/* A flow of the layer alone. */
static nf_status kinds_flow(nf_flow **out, nf_context *context, int64_t dim, const table_kinds *kinds, uint64_t seed)
{
    const nf_columns_config columns = { .struct_size = sizeof columns, .dim = dim, .kind = kinds->kind, .n_kind = dim, .low = kinds->low,
                                        .n_low = dim, .high = kinds->high, .n_high = dim };
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = NF_F64, .seed = seed };
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_status status = nf_columns_create(&layer, context, &columns);

    if (!status) status = nf_base_normal_create(&base, context, dim);
    if (!status) status = nf_flow_create(out, context, &config, base, &layer, 1);
    nf_base_unref(base);
    nf_layer_unref(layer);
    return status;
}

/* A value outside its kind: past the names of the layer, which the user did not ask for. */
static int kinds_failed(nf_status status, const char *name)
{
    static const char layer[] = "columns: row ";
    const char *line = tool_library_line(status), *at = strstr(line, layer);

    if (status != NF_ERR_DOMAIN || !at) return tool_library_failed(status);
    tool_fail("%s: row %s; rows from 0", name, at + sizeof layer - 1);
    return tool_code(status);
}

int table_kinds_apply(nf_dataset **out, nf_context *context, const nf_dataset *data, const table_kinds *kinds, uint64_t seed, const char *name)
{
    const int64_t n = nf_dataset_rows(data), dim = nf_dataset_dim(data);
    double *x = malloc(2 * (size_t)(n * dim) * sizeof *x);
    nf_flow *flow = NULL;
    nf_status status;

    if (!x) return tool_fail("out of memory");
    status = kinds_flow(&flow, context, dim, kinds, seed);
    if (status >= 0) status = nf_dataset_copy_f64(data, 0, n, x, NULL);
    if (status >= 0) status = nf_flow_forward_f64(flow, n, x, NULL, x + n * dim, NULL);
    if (status >= 0) status = nf_dataset_from_array_f64(out, context, n, dim, x + n * dim);
    free(x);
    nf_flow_unref(flow);
    return status < 0 ? kinds_failed(status, name) : CODE_OK;
}

/* ---- the Gaussian */

enum { GAUSSIAN_MOST = 1024 /* columns */ };
static const double least_pivot = 1e-10; /* of a correlation matrix: less is a column that the others determine */
static const double log_2pi = 1.8378770664093454836;

typedef struct gaussian {
    int64_t cond_dim, dim; /* of y: cond_dim conditioning columns first */
    double *mean, *sd, *factor, *y; /* [dim], [dim], [dim][dim], a row [dim] */
} gaussian;

static int gaussian_open(gaussian *g, const nf_dataset *data)
{
    g->cond_dim = nf_dataset_cond_dim(data);
    g->dim = g->cond_dim + nf_dataset_dim(data);
    if (g->dim > GAUSSIAN_MOST || nf_dataset_rows(data) <= g->dim) return -1;
    g->mean = calloc((size_t)(g->dim * (g->dim + 3)), sizeof *g->mean);
    if (!g->mean) return -1;
    g->sd = g->mean + g->dim;
    g->y = g->sd + g->dim;
    g->factor = g->y + g->dim;
    return 0;
}

static void gaussian_row(const gaussian *g, const nf_dataset *data, int64_t i)
{
    nf_dataset_copy_f64(data, i, 1, g->y + g->cond_dim, g->cond_dim ? g->y : NULL);
}

static void gaussian_moments(gaussian *g, const nf_dataset *data)
{
    const int64_t n = nf_dataset_rows(data);

    for (int64_t i = 0; i < n; i++) {
        gaussian_row(g, data, i);
        for (int64_t j = 0; j < g->dim; j++) g->mean[j] += g->y[j] / (double)n;
    }
    for (int64_t i = 0; i < n; i++) {
        gaussian_row(g, data, i);
        for (int64_t j = 0; j < g->dim; j++)
            for (int64_t k = 0; k <= j; k++) g->factor[j * g->dim + k] += (g->y[j] - g->mean[j]) * (g->y[k] - g->mean[k]) / (double)n;
    }
    for (int64_t j = 0; j < g->dim; j++) g->sd[j] = sqrt(g->factor[j * g->dim + j]);
    for (int64_t j = 0; j < g->dim; j++)
        for (int64_t k = 0; k <= j; k++) g->factor[j * g->dim + k] /= g->sd[j] * g->sd[k];
}

/* The correlations become their Cholesky factor; -1: they have none. */
static int gaussian_factor(gaussian *g)
{
    double *l = g->factor;

    for (int64_t j = 0; j < g->dim; j++)
        for (int64_t k = 0; k <= j; k++) {
            double sum = l[j * g->dim + k];
            for (int64_t m = 0; m < k; m++) sum -= l[j * g->dim + m] * l[k * g->dim + m];
            if (k < j)
                l[j * g->dim + k] = sum / l[k * g->dim + k];
            else if (sum > least_pivot)
                l[j * g->dim + j] = sqrt(sum);
            else
                return -1; /* NaN too */
        }
    return 0;
}

/* -log p(x | c) of the row in y, which it overwrites. */
static double gaussian_row_nll(const gaussian *g)
{
    double nll = 0.0;

    for (int64_t j = 0; j < g->dim; j++) {
        const double *l = g->factor + j * g->dim;
        double w = (g->y[j] - g->mean[j]) / g->sd[j];
        for (int64_t k = 0; k < j; k++) w -= l[k] * g->y[k];
        g->y[j] = w / l[j];
        if (j >= g->cond_dim) nll += 0.5 * (g->y[j] * g->y[j] + log_2pi) + log(l[j]) + log(g->sd[j]);
    }
    return nll;
}

double table_gaussian_nll(const nf_dataset *train, const nf_dataset *held_out)
{
    const int64_t n = nf_dataset_rows(held_out);
    gaussian g = { 0 };
    double sum = (double)NAN;

    if (n && gaussian_open(&g, train) == 0) {
        gaussian_moments(&g, train);
        if (gaussian_factor(&g) == 0) {
            sum = 0.0;
            for (int64_t i = 0; i < n; i++) {
                gaussian_row(&g, held_out, i);
                sum += gaussian_row_nll(&g);
            }
        }
        free(g.mean);
    }
    return sum / (double)n;
}

/* ---- size */

/* By rows, ascending. Few rows: little to learn from, so small networks that are held back; epochs fall as rows grow, steps stay alike. */
static const struct size_row {
    int64_t rows; /* fewer than so many */
    const char *layers, *hidden, *batch, *epochs, *patience, *l2;
} sizes[] = {
    { 1000, "3", "32x2", "64", "300", "40", "1e-3" },
    { 10000, "4", "64x2", "128", "200", "30", "3e-4" },
    { 100000, "6", "128x2", "512", "100", "15", "1e-5" },
    { INT64_MAX, "8", "256x2", "1024", "40", "6", "1e-6" },
};
enum { WIDE = 256 /* columns from which a matrix that mixes them is too much to learn */ };

int table_size(options *set, int64_t rows, int64_t dim)
{
    const struct size_row *s = sizes;

    while (rows >= s->rows) s++;
    const struct { const char *name, *value; } values[] = {
        { "layers", s->layers }, { "hidden", s->hidden }, { "batch", s->batch }, { "epochs", s->epochs }, { "patience", s->patience },
        { "l2", s->l2 }, { "mix", dim >= WIDE ? "random" : NULL },
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const int code = values[i].value ? options_default(set, values[i].name, values[i].value) : CODE_OK;
        if (code) return code;
    }
    return CODE_OK;
}
