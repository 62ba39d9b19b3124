/* SPDX-License-Identifier: MIT
 *
 * attribute.c - nflow attribute: move rows along the direction of a label in the latent space
 *
 * The labels are the conditioning columns of the table: one column holds them as numbers, several are one for each class, and the
 * largest names it. A model without conditioning columns does not see them; one that has as many is conditioned by each row's own.
 */
#include "common.h"
#include "images.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct attribute_options {
    common_options common;
    const char *output;
    int64_t with_label, without_label, rows;
    const int64_t *pick;
    int64_t n_pick;
    const double *amounts;
    int64_t n_amounts;
    uint64_t seed;
    double noise;
    image_options images;
} attribute_options;

static const nf_field attribute_fields[] = {
    OPTION_RANGE(attribute_options, with_label, NF_FIELD_I64, 0, -1e15, 1e15, "label of the rows that have the attribute (required)"),
    OPTION_RANGE(attribute_options, without_label, NF_FIELD_I64, 0, -1e15, 1e15, "label of those that have not (default: all others)"),
    OPTION_LIST(attribute_options, pick, n_pick, NF_FIELD_I64_ARRAY, "rows to move, counted from 0 (default 0)"),
    OPTION_LIST(attribute_options, amounts, n_amounts, NF_FIELD_F64_ARRAY, "how far: 1 is as far as the means are apart (default -2,-1,0,1,2)"),
    OPTION(attribute_options, output, NF_FIELD_STRING, NULL, "where to write, .npy, CSV, or .png for images; default stdout"),
    OPTION_RANGE(attribute_options, rows, NF_FIELD_I64, 3000, 2, 1e12, "rows to draw from density:NAME"),
    OPTION(attribute_options, seed, NF_FIELD_U64, NULL, "seed of density:NAME"),
    OPTION(attribute_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
};

/* Rows in the model's precision. */
typedef struct row_set {
    int64_t n;
    char *x, *cond; /* cond NULL: the model has none */
} row_set;

typedef struct attribute_run {
    const attribute_options *o;
    int any_other; /* no --without-label: every label but the first */
    nf_flow *flow;
    nf_dataset *data;
    int64_t dim, cond_dim, labels, size; /* labels: the data's conditioning columns */
    double *label;                       /* [labels] of a row */
    row_set with, without, pick;
    char *direction, *moved; /* [dim], [pick][dim] */
    nf_status remark;
} attribute_run;

static int set_open(const attribute_run *r, row_set *set, int64_t n)
{
    set->n = n;
    set->x = malloc((size_t)(n * r->dim * r->size) + 1);
    set->cond = r->cond_dim ? malloc((size_t)(n * r->cond_dim * r->size) + 1) : NULL;
    return set->x && (set->cond || !r->cond_dim) ? CODE_OK : tool_fail("out of memory");
}

static void set_close(row_set *set)
{
    free(set->x);
    free(set->cond);
}

/* Row `row` of the data as row `at` of a set. */
static int set_take(const attribute_run *r, row_set *set, int64_t at, int64_t row)
{
    void *x = set->x + at * r->dim * r->size, *cond = set->cond ? set->cond + at * r->cond_dim * r->size : NULL;
    const nf_status status = nf_flow_dtype(r->flow) == NF_F64 ? nf_dataset_copy_f64(r->data, row, 1, x, cond)
                                                              : nf_dataset_copy(r->data, row, 1, x, cond);

    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* The label of a row; INT64_MIN when it is none. */
static int64_t label_of(const attribute_run *r, int64_t row)
{
    int64_t best = 0;

    if (nf_dataset_copy_f64(r->data, row, 1, NULL, r->label) < 0) return INT64_MIN;
    for (int64_t j = 1; j < r->labels; j++)
        if (r->label[j] > r->label[best]) best = j;
    if (r->labels > 1) return best;
    return fabs(r->label[0]) < 1e15 && fabs(r->label[0] - rint(r->label[0])) <= 0.0 ? (int64_t)r->label[0] : INT64_MIN;
}

/* The set that a row is of, or NULL. */
static row_set *side_of(attribute_run *r, int64_t row)
{
    const int64_t label = label_of(r, row);

    if (label == r->o->with_label) return &r->with;
    return label != INT64_MIN && (r->any_other || label == r->o->without_label) ? &r->without : NULL;
}

static int gather(attribute_run *r)
{
    const int64_t rows = nf_dataset_rows(r->data);
    row_set *side;
    int64_t with = 0, without = 0;
    int code = CODE_OK;

    for (int64_t i = 0; i < rows; i++)
        if ((side = side_of(r, i))) ++*(side == &r->with ? &with : &without);
    if (!with) return tool_usage(&command_attribute, "--with-label: no row has the label %lld", (long long)r->o->with_label);
    if (!without) return tool_usage(&command_attribute, "--without-label: no row has %s", r->any_other ? "another label" : "that label");
    if ((code = set_open(r, &r->with, with)) || (code = set_open(r, &r->without, without))) return code;
    with = without = 0;
    for (int64_t i = 0; !code && i < rows; i++)
        if ((side = side_of(r, i))) code = set_take(r, side, (*(side == &r->with ? &with : &without))++, i);
    return code;
}

static int take_picked(attribute_run *r)
{
    static const int64_t first = 0;
    const int64_t n = r->o->n_pick ? r->o->n_pick : 1, rows = nf_dataset_rows(r->data), *pick = r->o->n_pick ? r->o->pick : &first;
    int code = set_open(r, &r->pick, n);

    for (int64_t k = 0; !code && k < n; k++) {
        if (pick[k] < 0 || pick[k] >= rows)
            return tool_usage(&command_attribute, "--pick: there is no row %lld, rows are 0 to %lld", (long long)pick[k], (long long)rows - 1);
        code = set_take(r, &r->pick, k, pick[k]);
    }
    return code;
}

static nf_status find_direction(const attribute_run *r)
{
    const row_set *a = &r->with, *b = &r->without;

    if (nf_flow_dtype(r->flow) == NF_F64)
        return nf_flow_direction_f64(r->flow, a->n, (const void *)a->x, (const void *)a->cond, b->n, (const void *)b->x, (const void *)b->cond,
                                     (void *)r->direction);
    return nf_flow_direction(r->flow, a->n, (const void *)a->x, (const void *)a->cond, b->n, (const void *)b->x, (const void *)b->cond,
                             (void *)r->direction);
}

static nf_status move(const attribute_run *r, double amount)
{
    const row_set *p = &r->pick;

    if (nf_flow_dtype(r->flow) == NF_F64)
        return nf_flow_move_f64(r->flow, p->n, (const void *)p->x, (const void *)p->cond, (const void *)r->direction, amount, (void *)r->moved);
    return nf_flow_move(r->flow, p->n, (const void *)p->x, (const void *)p->cond, (const void *)r->direction, amount, (void *)r->moved);
}

/* Moved rows into column k of x [pick][amounts][dim]. */
static void put_column(const attribute_run *r, int64_t k, int64_t n_amounts, double *x)
{
    for (int64_t i = 0; i < r->pick.n; i++)
        for (int64_t j = 0; j < r->dim; j++) {
            const char *at = r->moved + (i * r->dim + j) * r->size;
            float narrow;
            double *to = &x[(i * n_amounts + k) * r->dim + j];
            if (r->size == sizeof narrow) {
                memcpy(&narrow, at, sizeof narrow);
                *to = (double)narrow;
            } else {
                memcpy(to, at, sizeof *to);
            }
        }
}

static int move_all(attribute_run *r, const double *amounts, int64_t n_amounts, double *x)
{
    nf_status status = find_direction(r);

    if (status) return tool_library_failed(status); /* a row that is not finite leaves no direction */
    for (int64_t k = 0; k < n_amounts; k++) {
        if ((status = move(r, amounts[k])) < 0) return tool_library_failed(status);
        if (status) r->remark = status;
        put_column(r, k, n_amounts, x);
    }
    return CODE_OK;
}

static int work(attribute_run *r)
{
    static const double usual[] = { -2, -1, 0, 1, 2 };
    const int64_t n_amounts = r->o->n_amounts ? r->o->n_amounts : (int64_t)(sizeof usual / sizeof *usual);
    const double *amounts = r->o->n_amounts ? r->o->amounts : usual;
    image_grid grid;
    double *x = NULL;
    int code = take_picked(r);

    if (!code) code = lines_check(&command_attribute, r->flow, r->o->output, &r->o->images, r->pick.n, n_amounts, &grid);
    if (!code) code = gather(r);
    if (code) return code;
    x = malloc((size_t)(grid.block * r->dim) * sizeof *x);
    r->direction = malloc((size_t)(r->dim * r->size));
    r->moved = malloc((size_t)(r->pick.n * r->dim * r->size));
    code = x && r->direction && r->moved ? move_all(r, amounts, n_amounts, x) : tool_fail("out of memory");
    if (!code) code = lines_write(r->flow, r->o->output, &grid, x);
    if (!code && r->remark) {
        tool_fail("some rows are not finite");
        code = tool_code(r->remark);
    }
    free(x);
    return code;
}

/* Sizes, and whether the table has labels and fits the model. */
static int look(attribute_run *r, const char *data)
{
    r->dim = nf_flow_dim(r->flow);
    r->cond_dim = nf_flow_cond_dim(r->flow);
    r->labels = nf_dataset_cond_dim(r->data);
    r->size = nf_flow_dtype(r->flow) == NF_F64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
    if (!r->labels) return tool_usage(&command_attribute, "%s has no labels: --cond names the column that holds them", data);
    if (nf_dataset_dim(r->data) != r->dim || (r->cond_dim && r->cond_dim != r->labels)) return tool_check_columns(r->flow, r->data, data);
    r->label = malloc((size_t)r->labels * sizeof *r->label);
    return r->label ? CODE_OK : tool_fail("out of memory");
}

static void print_json(const attribute_run *r, const char *model, const char *data)
{
    nft_json_writer json;

    nft_json_begin(&json, stdout);
    nft_json_string(&json, "model", model);
    nft_json_string(&json, "data", data);
    nft_json_string(&json, "output", r->o->output ? r->o->output : "-");
    nft_json_integer(&json, "rows_with", r->with.n);
    nft_json_integer(&json, "rows_without", r->without.n);
    nft_json_integer(&json, "rows_moved", r->pick.n);
    nft_json_integer(&json, "columns", r->dim);
    nft_json_end(&json);
}

static int attribute(attribute_run *r, const char *model, const char *data)
{
    const density_source density = { .rows = r->o->rows, .noise = r->o->noise, .seed = r->o->seed };
    nf_context *context = NULL;
    int code = tool_model_open(&r->flow, &context, &r->o->common.context, model);

    if (!code) code = table_read(&r->data, context, data, &r->o->common.read, &density);
    if (!code) code = look(r, data);
    if (!code) code = work(r);
    if (!code && r->o->common.json) print_json(r, model, data);
    set_close(&r->with);
    set_close(&r->without);
    set_close(&r->pick);
    free(r->label);
    free(r->direction);
    free(r->moved);
    nf_dataset_unref(r->data);
    nf_flow_unref(r->flow);
    nf_context_unref(context);
    return code;
}

static int attribute_run_command(int argc, char **argv)
{
    attribute_options o = { .common = COMMON_OPTIONS_INIT, .rows = 3000, .noise = -1.0 };
    const option_group groups[] = {
        { .title = "Attribute", .target = &o, .fields = attribute_fields, .n_fields = sizeof attribute_fields / sizeof *attribute_fields },
        image_group(&o.images, "columns"),
        common_read_group(&o.common),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_attribute, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 2) code = tool_usage(&command_attribute, "expects a model and a table with labels");
    if (!code && !options_given(set, "with_label")) code = tool_usage(&command_attribute, "--with-label is required");
    if (!code) {
        attribute_run r = { .o = &o, .any_other = !options_given(set, "without_label") };
        code = attribute(&r, argv[first], argv[first + 1]);
    }
    options_free(set);
    return code;
}

const command command_attribute = { .name = "attribute", .arguments = "MODEL DATA --with-label L [--without-label M] [--pick I,J] [-o FILE] [options]",
                                    .help = "move rows along the direction of a label in the latent space",
                                    .run = attribute_run_command };
