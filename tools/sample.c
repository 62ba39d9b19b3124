/* SPDX-License-Identifier: MIT
 *
 * sample.c - nflow sample: draw rows from a model, as a table or as a picture of images
 */
#include "common.h"
#include "images.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct sample_options {
    common_options common;
    const char *output;
    int64_t rows, first;
    uint64_t seed;
    double temperature;
    const double *cond, *temperatures;
    int64_t n_cond, n_temperatures;
    image_options images;
} sample_options;

enum { PICTURE_ROWS = 64 }; /* images drawn when their number is not given */

static const nf_field sample_fields[] = {
    OPTION_RANGE(sample_options, rows, NF_FIELD_I64, 1000, 0, 1e15, "rows to draw, 64 images of a picture"),
    OPTION(sample_options, seed, NF_FIELD_U64, NULL, "names the endless sequence that rows come from"),
    OPTION_RANGE(sample_options, first, NF_FIELD_I64, 0, 0, 9e15, "first row of the sequence to draw"),
    OPTION_RANGE(sample_options, temperature, NF_FIELD_F64, 1, 1e-6, 1e6, "multiplies the latent"),
    OPTION_LIST(sample_options, temperatures, n_temperatures, NF_FIELD_F64_ARRAY, "of a picture: the same images at each of these"),
    OPTION_LIST(sample_options, cond, n_cond, NF_FIELD_F64_ARRAY, "values of the conditioning columns"),
    OPTION(sample_options, output, NF_FIELD_STRING, NULL, "where to write, .npy, CSV, or .png for images; default stdout"),
};

/* *remark: NF_OK, or that rows are not finite. */
static int sample_rows(const nf_flow *flow, const sample_options *o, table_writer *out, nf_status *remark)
{
    double *x = malloc(BLOCK_ROWS * (size_t)nf_flow_dim(flow) * sizeof *x);
    int code = x ? CODE_OK : tool_fail("out of memory");

    for (int64_t done = 0; !code && done < o->rows; done += BLOCK_ROWS) {
        const int64_t n = o->rows - done < BLOCK_ROWS ? o->rows - done : BLOCK_ROWS;
        const nf_status status = tool_sample(flow, o->seed, o->first + done, n, o->cond, o->temperature, x);
        code = status < 0 ? tool_library_failed(status) : table_write(out, n, x);
        if (status > 0) *remark = status;
    }
    free(x);
    return code;
}

/* The same images at every temperature, a block of lines each. */
static int sample_images(const nf_flow *flow, const sample_options *o, const image_grid *grid)
{
    const int64_t dim = nf_flow_dim(flow), count = grid->blocks * grid->block;
    double *x = malloc((size_t)(count * dim) * sizeof *x);
    nf_status status, remark = NF_OK;
    int code = x ? CODE_OK : tool_fail("out of memory");

    for (int64_t k = 0; !code && k < grid->blocks; k++) {
        const double temperature = o->n_temperatures ? o->temperatures[k] : o->temperature;
        status = tool_sample(flow, o->seed, o->first, grid->block, o->cond, temperature, x + k * grid->block * dim);
        if (status < 0) code = tool_library_failed(status);
        if (status > 0) remark = status;
    }
    if (!code) code = image_grid_write(o->output, grid, x);
    if (!code && remark) code = tool_library_failed(remark);
    free(x);
    return code;
}

static int sample_picture(const nf_flow *flow, const sample_options *o)
{
    image_grid grid = { .blocks = o->n_temperatures ? o->n_temperatures : 1, .block = o->rows, .columns = o->images.columns,
                        .zoom = o->images.zoom };
    int code = tool_model_image_shape(&command_sample, flow, &o->images, &grid.shape);

    if (!code && !grid.shape.height)
        code = tool_usage(&command_sample, "the model does not tell the shape of its images: give --height, --width and --channels");
    if (!code) code = image_grid_check(&command_sample, &grid);
    return code ? code : sample_images(flow, o, &grid);
}

static int sample_table(const nf_flow *flow, const sample_options *o)
{
    table_writer out = { 0 };
    nf_status remark = NF_OK;
    int code = table_open(&out, o->output, o->rows, nf_flow_dim(flow), nf_flow_dtype(flow));

    if (!code) code = sample_rows(flow, o, &out, &remark);
    if (!code) code = table_close(&out);
    table_discard(&out);
    return code || !remark ? code : tool_library_failed(remark);
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
    nft_json_open(&w, "temperatures", '[');
    for (int64_t k = 0; k < o->n_temperatures; k++)
        nft_json_number(&w, NULL, o->temperatures[k]);
    nft_json_close(&w, ']');
    nft_json_end(&w);
}

static int sample(const sample_options *o, const char *model)
{
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    int code = tool_model_open(&flow, &context, &o->common.context, model);

    if (!code && o->n_cond != nf_flow_cond_dim(flow))
        code = tool_usage(&command_sample, "--cond: %lld values given, the model has %lld conditioning columns",
                          (long long)o->n_cond, (long long)nf_flow_cond_dim(flow));
    if (!code) code = image_path(o->output) ? sample_picture(flow, o) : sample_table(flow, o);
    if ((!code || code == CODE_ROWS) && o->common.json) print_json(o, model, flow);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

/* What no option's own range says. */
static int check_options(const options *set, sample_options *o)
{
    if (o->rows < 0 || o->first < 0) return tool_usage(&command_sample, "--rows and --first must not be negative");
    if (!(o->temperature > 0.0)) return tool_usage(&command_sample, "--temperature must be positive");
    if (o->n_temperatures && options_given(set, "temperature"))
        return tool_usage(&command_sample, "--temperature and --temperatures exclude each other");
    if (o->n_temperatures && !image_path(o->output)) return tool_usage(&command_sample, "--temperatures needs a picture: -o FILE.png");
    for (int64_t k = 0; k < o->n_temperatures; k++)
        if (!(o->temperatures[k] > 0.0 && isfinite(o->temperatures[k])))
            return tool_usage(&command_sample, "--temperatures: %g is not positive and finite", o->temperatures[k]);
    if (image_path(o->output) && !options_given(set, "rows")) o->rows = PICTURE_ROWS;
    return CODE_OK;
}

static int sample_run_command(int argc, char **argv)
{
    sample_options o = { .common = COMMON_OPTIONS_INIT, .rows = 1000, .temperature = 1.0 };
    const option_group groups[] = {
        { .title = "Sample", .target = &o, .fields = sample_fields, .n_fields = sizeof sample_fields / sizeof *sample_fields },
        image_group(&o.images, NULL),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_sample, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 1) code = tool_usage(&command_sample, "expects a model");
    if (!code) code = check_options(set, &o);
    if (!code) code = sample(&o, argv[first]);
    options_free(set);
    return code;
}

const command command_sample = { .name = "sample", .arguments = "MODEL [-n N] [--seed S] [-o FILE] [options]",
                              .help = "draw rows from a model, or a picture of images",
                              .run = sample_run_command };
