/* SPDX-License-Identifier: MIT
 *
 * info.c - nflow info: what a model file holds
 */
#include "common.h"
#include "json.h"
#include <nflow/layer_type.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_options {
    common_options common;
    int32_t verify, params;
} info_options;

static const nf_field info_fields[] = {
    OPTION(info_options, verify, NF_FIELD_FLAG, NULL, "recompute the self-test rows of the file"),
    OPTION(info_options, params, NF_FIELD_FLAG, NULL, "list every parameter tensor"),
};

/* A model being described. */
typedef struct info_view {
    const char *path;
    const nf_flow *flow;
    nf_flow_info_report report;
    int verified; /* 1: yes, 0: the file has no rows, -1: not asked */
    double error;
    int64_t rows;
} info_view;

static const char *dtype_name(int32_t dtype)
{
    return dtype == NF_F64 ? "f64" : "f32";
}

static int next_param(const nf_flow *flow, int64_t index, nf_param_view *view)
{
    *view = (nf_param_view){ .struct_size = sizeof *view };
    return nf_flow_param(flow, index, view) >= 0;
}

/* Parameters whose name begins with "layers.<i>." */
static int64_t layer_params(const nf_flow *flow, int64_t layer)
{
    char prefix[48];
    nf_param_view view;
    int64_t count = 0;
    const int length = snprintf(prefix, sizeof prefix, "layers.%lld.", (long long)layer);

    for (int64_t i = 0; next_param(flow, i, &view); i++)
        if (strncmp(view.name, prefix, (size_t)length) == 0) count += view.count;
    return count;
}

static void shape_text(const nf_param_view *view, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "scalar");
    for (int32_t k = 0; k < view->rank && k < 4 && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", k ? "x" : "", (long long)view->shape[k]);
}

static void print_params(const nf_flow *flow)
{
    nf_param_view view;
    char shape[96];

    printf("\n%-36s %14s %12s %12s\n", "parameter", "shape", "offset", "count");
    for (int64_t i = 0; next_param(flow, i, &view); i++) {
        shape_text(&view, shape, sizeof shape);
        printf("%-36s %14s %12lld %12lld%s\n", view.name, shape, (long long)view.offset, (long long)view.count,
               view.properties & NF_PARAM_FROZEN ? "  frozen" : "");
    }
}

/* Behind the number of conditions, what becomes of them: "condition.sd", and the last bias of "condition.net", tell. */
static void print_stage(const nf_flow *flow)
{
    nf_param_view view;
    int64_t embedded = 0;
    int scaled = 0;

    for (int64_t i = 0; next_param(flow, i, &view); i++) {
        if (strcmp(view.name, "condition.sd") == 0) scaled = 1;
        if (strncmp(view.name, "condition.net.", 14) == 0 && view.rank == 1) embedded = view.shape[0];
    }
    if (scaled) printf(", standardised");
    if (embedded) printf(", embedded in %lld", (long long)embedded);
    putchar('\n');
}

static void print_text(const info_view *v, const info_options *o)
{
    const nf_flow_info_report *r = &v->report;
    int64_t height = 0, width = 0, channels = 0;

    nf_flow_image_shape(v->flow, &height, &width, &channels);
    printf("%-22s %s\n", "model", v->path);
    printf("%-22s %s\n", "precision", dtype_name(r->dtype));
    printf("%-22s %lld\n", "columns", (long long)r->dim);
    if (height) printf("%-22s %lld x %lld x %lld\n", "images", (long long)height, (long long)width, (long long)channels);
    printf("%-22s %lld", "conditioning columns", (long long)r->cond_dim);
    print_stage(v->flow);
    printf("%-22s %s\n", "base", nf_base_type_name(nf_flow_base(v->flow)));
    printf("%-22s %lld (%lld trained)\n", "parameters", (long long)r->params, (long long)r->trainable);
    printf("%-22s %.2f MiB, packed %.2f MiB\n", "memory", (double)r->bytes_params / 1048576.0,
           (double)r->bytes_packed / 1048576.0);
    printf("%-22s %.6f GFLOP\n", "log-density of a row", r->gflop_row);
    printf("\n%5s  %-22s %8s %12s\n", "layer", "type", "columns", "parameters");
    for (int64_t i = 0; i < r->layers; i++) {
        const nf_layer *layer = nf_flow_layer(v->flow, i);
        printf("%5lld  %-22s %8lld %12lld\n", (long long)i, nf_layer_type_name(layer), (long long)nf_layer_dim(layer),
               (long long)layer_params(v->flow, i));
    }
    if (o->params) print_params(v->flow);
    if (v->verified == 1) printf("\nverified: %lld self-test rows, largest error %.3g\n", (long long)v->rows, v->error);
}

static void json_layers(nft_json_writer *w, const info_view *v)
{
    nft_json_open(w, "layers", '[');
    for (int64_t i = 0; i < v->report.layers; i++) {
        nft_json_open(w, NULL, '{');
        nft_json_string(w, "type", nf_layer_type_name(nf_flow_layer(v->flow, i)));
        nft_json_integer(w, "dim", nf_layer_dim(nf_flow_layer(v->flow, i)));
        nft_json_integer(w, "params", layer_params(v->flow, i));
        nft_json_close(w, '}');
    }
    nft_json_close(w, ']');
}

static void json_params(nft_json_writer *w, const nf_flow *flow)
{
    nf_param_view view;

    nft_json_open(w, "parameters", '[');
    for (int64_t i = 0; next_param(flow, i, &view); i++) {
        nft_json_open(w, NULL, '{');
        nft_json_string(w, "name", view.name);
        nft_json_integer(w, "offset", view.offset);
        nft_json_open(w, "shape", '[');
        for (int32_t k = 0; k < view.rank && k < 4; k++)
            nft_json_integer(w, NULL, view.shape[k]);
        nft_json_close(w, ']');
        nft_json_flag(w, "frozen", (view.properties & NF_PARAM_FROZEN) != 0);
        nft_json_close(w, '}');
    }
    nft_json_close(w, ']');
}

static void print_json(const info_view *v, const info_options *o)
{
    const nf_flow_info_report *r = &v->report;
    int64_t height = 0, width = 0, channels = 0;
    nft_json_writer w;

    nf_flow_image_shape(v->flow, &height, &width, &channels);
    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", v->path);
    nft_json_string(&w, "dtype", dtype_name(r->dtype));
    nft_json_integer(&w, "dim", r->dim);
    nft_json_integer(&w, "cond_dim", r->cond_dim);
    nft_json_integer(&w, "height", height);
    nft_json_integer(&w, "width", width);
    nft_json_integer(&w, "channels", channels);
    nft_json_string(&w, "base", nf_base_type_name(nf_flow_base(v->flow)));
    nft_json_integer(&w, "params", r->params);
    nft_json_integer(&w, "trainable", r->trainable);
    nft_json_integer(&w, "bytes_params", r->bytes_params);
    nft_json_integer(&w, "bytes_packed", r->bytes_packed);
    nft_json_number(&w, "gflop_row", r->gflop_row);
    json_layers(&w, v);
    if (o->params) json_params(&w, v->flow);
    if (v->verified >= 0) {
        nft_json_flag(&w, "verified", v->verified);
        nft_json_integer(&w, "verify_rows", v->rows);
        nft_json_number(&w, "verify_max_error", v->verified ? v->error : (double)NAN);
    }
    nft_json_end(&w);
}

/* A damaged file is a check that failed; a file without rows cannot be verified, which is one too. */
static int verify(info_view *v, nf_context *context)
{
    const nf_status status = nf_flow_verify(context, v->path, &v->error, &v->rows);

    v->verified = status >= 0;
    if (status >= 0) return CODE_OK;
    tool_library_failed(status);
    return status == NF_ERR_CORRUPT || status == NF_ERR_STATE ? CODE_CHECK : tool_code(status);
}

static int info(const info_options *o, const char *path)
{
    info_view v = { .path = path, .report = { .struct_size = sizeof v.report }, .verified = -1 };
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    nf_status status;
    int code = tool_model_open(&flow, &context, &o->common.context, path);

    v.flow = flow;
    if (!code && (status = nf_flow_info(flow, &v.report)) < 0) code = tool_library_failed(status);
    if (!code) {
        if (o->verify) code = verify(&v, context);
        if (o->common.json)
            print_json(&v, o);
        else
            print_text(&v, o);
    }
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

static int info_run_command(int argc, char **argv)
{
    info_options o = { .common = COMMON_OPTIONS_INIT };
    const option_group groups[] = {
        { .title = "Info", .target = &o, .fields = info_fields, .n_fields = sizeof info_fields / sizeof *info_fields },
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_info, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 1) code = tool_usage(&command_info, "expects a model");
    if (!code) code = info(&o, argv[first]);
    options_free(set);
    return code;
}

const command command_info = { .name = "info", .arguments = "MODEL [--verify] [--params] [options]",
                              .help = "what a model file holds",
                              .run = info_run_command };
