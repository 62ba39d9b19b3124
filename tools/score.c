/* SPDX-License-Identifier: MIT
 *
 * score.c - nflow score: the log-density of each row of a table
 */
#include "common.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct score_options {
    common_options common;
    const char *output;
    int64_t rows;
    uint64_t seed;
    double noise;
} score_options;

static const nf_field score_fields[] = {
    OPTION(score_options, output, NF_FIELD_STRING, NULL, "where to write, .npy or text; default stdout"),
    OPTION_RANGE(score_options, rows, NF_FIELD_I64, 3000, 2, 1e12, "rows to draw from density:NAME"),
    OPTION(score_options, seed, NF_FIELD_U64, NULL, "seed of density:NAME"),
    OPTION(score_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
};

/* Sums over the rows scored. */
typedef struct score_totals {
    int64_t rows, bad, first_bad;
    double sum, min, max;
    double bits; /* mean bits per dimension; NaN: rows are no images */
} score_totals;

static void add(score_totals *t, int64_t n, const double *log_prob)
{
    for (int64_t i = 0; i < n; i++) {
        t->rows++;
        if (!isfinite(log_prob[i])) {
            if (!t->bad++) t->first_bad = t->rows - 1;
            continue;
        }
        t->sum += log_prob[i];
        t->min = fmin(t->min, log_prob[i]);
        t->max = fmax(t->max, log_prob[i]);
    }
}

static int score_rows(const nf_flow *flow, const nf_dataset *data, table_writer *out, score_totals *totals)
{
    const int64_t rows = nf_dataset_rows(data);
    double *log_prob = malloc(BLOCK_ROWS * sizeof *log_prob);
    int code = log_prob ? CODE_OK : tool_fail("out of memory");

    for (int64_t first = 0; !code && first < rows; first += BLOCK_ROWS) {
        const int64_t n = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        const nf_status status = tool_log_prob_dataset(flow, data, first, n, log_prob);
        if (status < 0) {
            code = tool_library_failed(status);
            break;
        }
        add(totals, n, log_prob);
        code = table_write(out, n, log_prob);
    }
    free(log_prob);
    return code;
}

static double mean(const score_totals *t)
{
    return t->rows > t->bad ? t->sum / (double)(t->rows - t->bad) : (double)NAN;
}

/* Bits per dimension of images, as the model or the data tell; NaN for other rows. */
static double mean_bits(const nf_flow *flow, const nf_dataset *data, const score_totals *t)
{
    int64_t height = 0, width = 0, channels = 0;

    nf_flow_image_shape(flow, &height, &width, &channels);
    if (!height) nf_dataset_image_shape(data, &height, &width, &channels);
    return height ? -mean(t) / ((double)nf_flow_dim(flow) * log(2.0)) : (double)NAN;
}

static void print_json(const score_options *o, const char *model, const char *data, const score_totals *t)
{
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", model);
    nft_json_string(&w, "data", data);
    nft_json_string(&w, "output", o->output ? o->output : "-");
    nft_json_integer(&w, "rows", t->rows);
    nft_json_integer(&w, "rows_nonfinite", t->bad);
    nft_json_number(&w, "mean_log_prob", mean(t));
    nft_json_number(&w, "mean_bits", t->bits);
    nft_json_number(&w, "min_log_prob", t->min);
    nft_json_number(&w, "max_log_prob", t->max);
    nft_json_end(&w);
}

/* After a file, which holds the rows themselves. */
static void print_summary(const score_options *o, const score_totals *t)
{
    const int good = t->rows > t->bad;

    printf("%-22s %14lld\n", "rows", (long long)t->rows);
    if (t->bad) printf("%-22s %14lld\n", "rows not finite", (long long)t->bad);
    if (good) printf("%-22s %14.4f\n", "mean log-density", mean(t));
    if (isfinite(t->bits)) printf("%-22s %14.4f\n", "mean bits/dim", t->bits);
    if (good) printf("%-22s %14.4f\n%-22s %14.4f\n", "smallest", t->min, "largest", t->max);
    printf("saved as %s\n", o->output);
}

static int score(const score_options *o, const char *model, const char *data_name)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    nf_dataset *data = NULL;
    table_writer out = { 0 };
    score_totals totals = { .min = INFINITY, .max = -INFINITY };
    int code = tool_model_open(&flow, &context, &o->common.context, model);

    if (!code) code = table_read(&data, context, data_name, &o->common.read, &density);
    if (!code) code = tool_check_columns(flow, data, data_name);
    if (!code) code = table_open(&out, o->output, nf_dataset_rows(data), 0, NF_F64);
    if (!code) code = score_rows(flow, data, &out, &totals);
    if (!code) code = table_close(&out);
    table_discard(&out);
    if (!code) totals.bits = mean_bits(flow, data, &totals);
    if (!code && o->common.json)
        print_json(o, model, data_name, &totals);
    else if (!code && o->output && strcmp(o->output, "-") != 0 && !o->common.quiet)
        print_summary(o, &totals);
    if (!code && totals.bad) {
        tool_fail("%lld of %lld rows have no finite log-density, the first is row %lld, from 0", (long long)totals.bad, (long long)totals.rows,
                  (long long)totals.first_bad);
        code = CODE_ROWS;
    }
    nf_dataset_unref(data);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

static int score_run_command(int argc, char **argv)
{
    score_options o = { .common = COMMON_OPTIONS_INIT, .rows = 3000, .noise = -1.0 };
    const option_group groups[] = {
        { .title = "Score", .target = &o, .fields = score_fields, .n_fields = sizeof score_fields / sizeof *score_fields },
        common_read_group(&o.common),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_score, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 2) code = tool_usage(&command_score, "expects a model and a table");
    if (!code) code = score(&o, argv[first], argv[first + 1]);
    options_free(set);
    return code;
}

const command command_score = { .name = "score", .arguments = "MODEL DATA [-o FILE] [options]",
                              .help = "log-density of each row of a table, one a line, in nats",
                              .run = score_run_command };
