/* SPDX-License-Identifier: MIT
 *
 * interpolate.c - nflow interpolate: walk through the latent space from one row of a table to another
 *
 * Each pair of rows gives `steps` rows, or a line of a picture: its ends are the rows as the model gives them back. Conditioning
 * columns go from those of one row to those of the other in equal steps.
 */
#include "common.h"
#include "images.h"
#include "json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct interpolate_options {
    common_options common;
    const char *output, *pairs;
    int64_t steps, rows;
    int32_t path; /* NF_PATH_... */
    uint64_t seed;
    double noise;
    image_options images;
} interpolate_options;

static const nf_field interpolate_fields[] = {
    OPTION(interpolate_options, pairs, NF_FIELD_STRING, NULL, "rows to go between, counted from 0, such as 0:1,5:9 (default 0:1)"),
    OPTION_RANGE(interpolate_options, steps, NF_FIELD_I64, 8, 2, 10000, "rows of each way, both ends included"),
    OPTION_CHOICE(interpolate_options, path, "linear,spherical", "the way in the latent space"),
    OPTION(interpolate_options, output, NF_FIELD_STRING, NULL, "where to write, .npy, CSV, or .png for images; default stdout"),
    OPTION_RANGE(interpolate_options, rows, NF_FIELD_I64, 3000, 2, 1e12, "rows to draw from density:NAME"),
    OPTION(interpolate_options, seed, NF_FIELD_U64, NULL, "seed of density:NAME"),
    OPTION(interpolate_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
};

enum { MOST_PAIRS = 1000 };

/* The ways to go, and what is needed to go them. */
typedef struct walk {
    const interpolate_options *o;
    nf_flow *flow;
    nf_dataset *data;
    int64_t from[MOST_PAIRS], to[MOST_PAIRS], n_pairs;
    double *ends, *cond; /* [2][dim + cond_dim], [steps][cond_dim] */
    nf_status remark;
} walk;

/* A row number of "0:1,5:9" with what must follow it. */
static const char *read_row(const char *text, const char *ends, int64_t *row)
{
    char *end;

    errno = 0;
    *row = strtoll(text, &end, 10);
    return end == text || errno || *row < 0 || !strchr(ends, *end) ? NULL : end;
}

static int read_pairs(walk *w)
{
    const char *text = w->o->pairs ? w->o->pairs : "0:1";

    for (const char *at = text;; at++) {
        if (w->n_pairs == MOST_PAIRS) return tool_usage(&command_interpolate, "--pairs: at most %d pairs", MOST_PAIRS);
        at = read_row(at, ":", &w->from[w->n_pairs]);
        if (at && *at == ':') at = read_row(at + 1, ",", &w->to[w->n_pairs]); /* the end of the text is found, too */
        else at = NULL;
        if (!at) return tool_usage(&command_interpolate, "--pairs: '%s' is not a list of pairs such as 0:1,5:9", text);
        w->n_pairs++;
        if (!*at) return CODE_OK;
    }
}

static int check_pairs(const walk *w, const char *name)
{
    const int64_t rows = nf_dataset_rows(w->data);

    for (int64_t k = 0; k < w->n_pairs; k++) {
        const int64_t last = w->from[k] > w->to[k] ? w->from[k] : w->to[k];
        if (last >= rows)
            return tool_usage(&command_interpolate, "--pairs: %s has no row %lld, its rows are 0 to %lld", name, (long long)last,
                              (long long)rows - 1);
    }
    return CODE_OK;
}

/* Conditioning values of every step, on the line between those of the ends. */
static void blend_cond(walk *w, int64_t cond_dim, const double *first, const double *last)
{
    const int64_t steps = w->o->steps;

    for (int64_t k = 0; k < steps; k++) {
        const double t = (double)k / (double)(steps - 1);
        for (int64_t j = 0; j < cond_dim; j++)
            w->cond[k * cond_dim + j] = (1.0 - t) * first[j] + t * last[j];
    }
}

/* x [steps][dim] of one pair. */
static int walk_pair(walk *w, int64_t k, double *x)
{
    const int64_t dim = nf_flow_dim(w->flow), cond_dim = nf_flow_cond_dim(w->flow);
    double *x0 = w->ends, *x1 = x0 + dim, *first = x1 + dim, *last = first + cond_dim;
    nf_status status = nf_dataset_copy_f64(w->data, w->from[k], 1, x0, cond_dim ? first : NULL);

    if (status >= 0) status = nf_dataset_copy_f64(w->data, w->to[k], 1, x1, cond_dim ? last : NULL);
    if (status < 0) return tool_library_failed(status);
    if (cond_dim) blend_cond(w, cond_dim, first, last);
    status = tool_interpolate(w->flow, w->o->path, w->o->steps, x0, x1, cond_dim ? w->cond : NULL, x);
    if (status > 0) w->remark = status;
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

static int walk_all(walk *w)
{
    image_grid grid;
    const int64_t dim = nf_flow_dim(w->flow), cond_dim = nf_flow_cond_dim(w->flow), way = w->o->steps * dim;
    int code = lines_check(&command_interpolate, w->flow, w->o->output, &w->o->images, w->n_pairs, w->o->steps, &grid);
    double *x = code ? NULL : malloc((size_t)(w->n_pairs * way) * sizeof *x);

    if (code) return code;
    w->ends = malloc((size_t)(2 * (dim + cond_dim)) * sizeof *w->ends);
    w->cond = malloc((size_t)(w->o->steps * cond_dim + 1) * sizeof *w->cond);
    if (!x || !w->ends || !w->cond) code = tool_fail("out of memory");
    for (int64_t k = 0; !code && k < w->n_pairs; k++)
        code = walk_pair(w, k, x + k * way);
    if (!code) code = lines_write(w->flow, w->o->output, &grid, x);
    if (!code && w->remark) {
        tool_fail("some rows are not finite");
        code = tool_code(w->remark);
    }
    free(x);
    free(w->ends);
    free(w->cond);
    return code;
}

static void print_json(const walk *w, const char *model, const char *data)
{
    nft_json_writer json;

    nft_json_begin(&json, stdout);
    nft_json_string(&json, "model", model);
    nft_json_string(&json, "data", data);
    nft_json_string(&json, "output", w->o->output ? w->o->output : "-");
    nft_json_integer(&json, "pairs", w->n_pairs);
    nft_json_integer(&json, "steps", w->o->steps);
    nft_json_integer(&json, "columns", nf_flow_dim(w->flow));
    nft_json_string(&json, "path", w->o->path == NF_PATH_SPHERICAL ? "spherical" : "linear");
    nft_json_end(&json);
}

static int interpolate(const interpolate_options *o, const char *model, const char *data)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    nf_context *context = NULL;
    walk *w = calloc(1, sizeof *w);
    int code;

    if (!w) return tool_fail("out of memory");
    w->o = o;
    code = read_pairs(w);
    if (!code) code = tool_model_open(&w->flow, &context, &o->common.context, model);
    if (!code) code = table_read(&w->data, context, data, &o->common.read, &density);
    if (!code) code = tool_check_columns(w->flow, w->data, data);
    if (!code) code = check_pairs(w, data);
    if (!code) code = walk_all(w);
    if (!code && o->common.json) print_json(w, model, data);
    nf_dataset_unref(w->data);
    nf_flow_unref(w->flow);
    nf_context_unref(context);
    free(w);
    return code;
}

static int interpolate_run_command(int argc, char **argv)
{
    interpolate_options o = { .common = COMMON_OPTIONS_INIT, .steps = 8, .rows = 3000, .path = NF_PATH_LINEAR, .noise = -1.0 };
    const option_group groups[] = {
        { .title = "Interpolate", .target = &o, .fields = interpolate_fields,
          .n_fields = sizeof interpolate_fields / sizeof *interpolate_fields },
        image_group(&o.images, "columns"),
        common_read_group(&o.common),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_interpolate, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 2) code = tool_usage(&command_interpolate, "expects a model and a table or density:NAME");
    if (!code) code = interpolate(&o, argv[first], argv[first + 1]);
    options_free(set);
    return code;
}

const command command_interpolate = { .name = "interpolate", .arguments = "MODEL DATA|density:NAME [--pairs I:J,...] [-o FILE] [options]",
                                      .help = "walk from one row to another through the latent space",
                                      .run = interpolate_run_command };
