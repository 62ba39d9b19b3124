/* SPDX-License-Identifier: MIT
 *
 * sample.c - nflow sample: draw rows from a model
 */
#include "common.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct sample_options {
    common_options common;
    const char *output;
    int64_t rows, first;
    uint64_t seed;
    double temperature;
    const double *cond;
    int64_t n_cond;
} sample_options;

static const nf_field sample_fields[] = {
    OPTION_RANGE(sample_options, rows, NF_FIELD_I64, 1000, 0, 1e15, "rows to draw"),
    OPTION(sample_options, seed, NF_FIELD_U64, NULL, "names the endless sequence that rows come from"),
    OPTION_RANGE(sample_options, first, NF_FIELD_I64, 0, 0, 9e15, "first row of the sequence to draw"),
    OPTION_RANGE(sample_options, temperature, NF_FIELD_F64, 1, 1e-6, 1e6, "multiplies the latent"),
    OPTION_LIST(sample_options, cond, n_cond, NF_FIELD_F64_ARRAY, "values of the conditioning columns"),
    OPTION(sample_options, output, NF_FIELD_STRING, NULL, "where to write, .npy or CSV; default stdout"),
};

static int sample_rows(const nf_flow *flow, const sample_options *o, table_writer *out)
{
    double *x = malloc(BLOCK_ROWS * (size_t)nf_flow_dim(flow) * sizeof *x);
    int code = x ? CODE_OK : tool_fail("out of memory");

    for (int64_t done = 0; !code && done < o->rows; done += BLOCK_ROWS) {
        const int64_t n = o->rows - done < BLOCK_ROWS ? o->rows - done : BLOCK_ROWS;
        const nf_status status = tool_sample(flow, o->seed, o->first + done, n, o->cond, o->temperature, x);
        code = status < 0 ? tool_library_failed(status) : table_write(out, n, x);
    }
    free(x);
    return code;
}

static void print_json(const sample_options *o, const char *model, const nf_flow *flow)
{
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", model);
    nft_json_string(&w, "output", o->output ? o->output : "-");
    nft_json_integer(&w, "rows", o->rows);
    nft_json_integer(&w, "columns", nf_flow_dim(flow));
    nft_json_integer(&w, "first", o->first);
    nft_json_natural(&w, "seed", o->seed);
    nft_json_number(&w, "temperature", o->temperature);
    nft_json_end(&w);
}

static int sample(const sample_options *o, const char *model)
{
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    table_writer out = { 0 };
    int code = tool_model_open(&flow, &context, &o->common.context, model);

    if (!code && o->n_cond != nf_flow_cond_dim(flow))
        code = tool_usage(&command_sample, "--cond: %lld values given, the model has %lld conditioning columns",
                          (long long)o->n_cond, (long long)nf_flow_cond_dim(flow));
    if (!code) code = table_open(&out, o->output, o->rows, nf_flow_dim(flow), nf_flow_dtype(flow));
    if (!code) code = sample_rows(flow, o, &out);
    if (!code) code = table_close(&out);
    table_discard(&out);
    if (!code && o->common.json) print_json(o, model, flow);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

static int sample_run_command(int argc, char **argv)
{
    sample_options o = { .common = COMMON_OPTIONS_INIT, .rows = 1000, .temperature = 1.0 };
    const option_group groups[] = {
        { .title = "Sample", .target = &o, .fields = sample_fields, .n_fields = sizeof sample_fields / sizeof *sample_fields },
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_sample, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 1) code = tool_usage(&command_sample, "expects a model");
    if (!code && (o.rows < 0 || o.first < 0)) code = tool_usage(&command_sample, "--rows and --first must not be negative");
    if (!code && !(o.temperature > 0.0)) code = tool_usage(&command_sample, "--temperature must be positive");
    if (!code) code = sample(&o, argv[first]);
    options_free(set);
    return code;
}

const command command_sample = { .name = "sample", .arguments = "MODEL [-n N] [--seed S] [-o FILE] [options]",
                              .help = "draw rows from a model",
                              .run = sample_run_command };
