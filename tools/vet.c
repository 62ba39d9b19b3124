/* SPDX-License-Identifier: MIT
 *
 * vet.c - what nflow train refuses of a table, or warns of, before rows are held out, so that messages count rows as the file does
 */
#include "train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEW_VALUES = 100, ROWS_A_VALUE = 20 }; /* a column of so few values, each in so many rows, is a set of spikes */

/* "column 3 "count"". */
static const char *column_text(const nf_dataset *data, int64_t j, char *text, size_t size)
{
    const char *name = nf_dataset_column_name(data, j);

    snprintf(text, size, name ? "column %lld \"%.60s\"" : "column %lld", (long long)j, name);
    return text;
}

static int refuse_gap(const train_run *run, int64_t j, const nf_column_report *c)
{
    char column[96];

    return tool_fail("%s: row %lld, from 0, %s is NaN or Inf (%lld such rows); leave these rows out, or fill them in", run->data_name,
                     (long long)c->first_nonfinite, column_text(run->all, j, column, sizeof column), (long long)c->n_nonfinite);
}

static int is_few(const train_run *run, int64_t j, const nf_column_report *c)
{
    const int whole = run->kinds.kind && run->kinds.kind[j] == NF_COLUMN_INTEGER;

    return !whole && c->n_distinct > 1 && c->n_distinct <= FEW_VALUES && c->n_distinct * ROWS_A_VALUE <= nf_dataset_rows(run->all);
}

/* One line, however many columns there are. */
static void warn_of_spikes(const train_run *run, int64_t n, int64_t j, int64_t values)
{
    char column[96], more[48] = "";

    if (n > 1) snprintf(more, sizeof more, ", and %lld more columns have few", (long long)(n - 1));
    tool_fail("warning: %s has %lld distinct values%s: a density of spikes, whose likelihood has no bound; --columns-kind NAME:integer for whole "
              "numbers, --cond for categories, or add noise", column_text(run->all, j, column, sizeof column), (long long)values, more);
}

static int vet_columns(const train_run *run, int quiet)
{
    int64_t few = 0, first = 0, values = 0;

    for (int64_t j = 0; j < nf_dataset_dim(run->all); j++) {
        nf_column_report c = { .struct_size = sizeof c };
        const nf_status status = nf_dataset_check(run->all, j, &c);
        if (status < 0) return tool_library_failed(status);
        if (c.n_nonfinite) return refuse_gap(run, j, &c);
        if (!is_few(run, j, &c)) continue;
        if (!few++) {
            first = j;
            values = c.n_distinct;
        }
    }
    if (few && !quiet) warn_of_spikes(run, few, first, values);
    return CODE_OK;
}

int train_vet(train_run *run, const train_options *o)
{
    nf_dataset *mapped = NULL;
    int code;

    if (run->shape.height || table_density(run->data_name)) return CODE_OK;
    code = vet_columns(run, o->common.quiet);
    if (!code && run->kinds.kind) code = table_kinds_apply(&mapped, run->context, run->all, &run->kinds, o->seed, run->data_name);
    nf_dataset_unref(mapped);
    return code;
}
