/* SPDX-License-Identifier: MIT
 *
 * check.c - nflow check: does a model keep its promises on the user's own rows
 */
#include "common.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

/* Rows that are enough: the round trip sees all of them, Jacobian and gradients the first 64. */
enum { CHECK_ROWS = 4096 };

typedef struct check_options {
    common_options common;
    int64_t rows;
    uint64_t seed;
    double noise;
} check_options;

static const nf_field check_fields[] = {
    OPTION_RANGE(check_options, rows, NF_FIELD_I64, 3000, 2, 1e12, "rows to draw from density:NAME"),
    OPTION(check_options, seed, NF_FIELD_U64, NULL, "seed of density:NAME"),
    OPTION(check_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
};

/* The figures of the report, for both outputs. */
static const struct { const char *key, *text; size_t offset; } figures[] = {
    { "round_trip_max", "round trip, largest", offsetof(nf_check_report, round_trip_max) },
    { "round_trip_p99", "round trip, 99th percentile", offsetof(nf_check_report, round_trip_p99) },
    { "log_det_sum_max", "log-dets of both directions", offsetof(nf_check_report, log_det_sum_max) },
    { "log_det_error_max", "log-det against a Jacobian", offsetof(nf_check_report, log_det_error_max) },
    { "grad_x_error_max", "gradient in x", offsetof(nf_check_report, grad_x_error_max) },
    { "grad_theta_error_max", "gradient in parameters", offsetof(nf_check_report, grad_theta_error_max) },
};

static double figure(const nf_check_report *r, size_t i)
{
    return *(const double *)(const void *)((const char *)r + figures[i].offset);
}

static void print_text(const nf_check_report *r, int64_t rows)
{
    printf("%-30s %12lld\n", "rows", (long long)rows);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        printf("%-30s %12.3g\n", figures[i].text, figure(r, i));
    if (r->rows_nonfinite) printf("%-30s %12lld\n", "rows not finite", (long long)r->rows_nonfinite);
    if (!r->passed && r->worst_layer >= 0) printf("%-30s %12lld\n", "worst layer", (long long)r->worst_layer);
    printf("%s\n", r->passed ? "passed" : "failed");
}

static void print_json(const nf_check_report *r, const char *model, const char *data, int64_t rows)
{
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", model);
    nft_json_string(&w, "data", data);
    nft_json_integer(&w, "rows", rows);
    nft_json_flag(&w, "passed", r->passed);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        nft_json_number(&w, figures[i].key, figure(r, i));
    nft_json_integer(&w, "worst_layer", r->worst_layer);
    nft_json_integer(&w, "rows_nonfinite", r->rows_nonfinite);
    nft_json_flag(&w, "not_invertible", r->not_invertible);
    nft_json_end(&w);
}

static nf_status check_f32(const nf_flow *flow, const nf_dataset *data, int64_t n, nf_check_report *report)
{
    const int64_t dim = nf_dataset_dim(data), cond_dim = nf_dataset_cond_dim(data);
    float *x = malloc((size_t)(n * (dim + cond_dim)) * sizeof *x), *cond = x && cond_dim ? x + n * dim : NULL;
    nf_status status = x ? nf_dataset_copy(data, 0, n, x, cond) : NF_ERR_MEMORY;

    if (status >= 0) status = nf_flow_check(flow, n, x, cond, report);
    free(x);
    return status;
}

static nf_status check_f64(const nf_flow *flow, const nf_dataset *data, int64_t n, nf_check_report *report)
{
    const int64_t dim = nf_dataset_dim(data), cond_dim = nf_dataset_cond_dim(data);
    double *x = malloc((size_t)(n * (dim + cond_dim)) * sizeof *x), *cond = x && cond_dim ? x + n * dim : NULL;
    nf_status status = x ? nf_dataset_copy_f64(data, 0, n, x, cond) : NF_ERR_MEMORY;

    if (status >= 0) status = nf_flow_check_f64(flow, n, x, cond, report);
    free(x);
    return status;
}

static int check_rows(const check_options *o, const nf_flow *flow, const nf_dataset *data, const char *model,
                      const char *data_name)
{
    const int64_t all = nf_dataset_rows(data), n = all < CHECK_ROWS ? all : CHECK_ROWS;
    nf_check_report report = { .struct_size = sizeof report };
    const nf_status status = nf_flow_dtype(flow) == NF_F64 ? check_f64(flow, data, n, &report)
                                                           : check_f32(flow, data, n, &report);

    if (status < 0) return tool_library_failed(status);
    if (o->common.json)
        print_json(&report, model, data_name, n);
    else if (!o->common.quiet)
        print_text(&report, n);
    if (!report.passed) return CODE_CHECK;
    return report.rows_nonfinite ? CODE_ROWS : CODE_OK;
}

static int check(const check_options *o, const char *model, const char *data_name)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    nf_dataset *data = NULL;
    int code = tool_model_open(&flow, &context, &o->common.context, model);

    if (!code) code = table_read(&data, context, data_name, &o->common.read, &density);
    if (!code) code = tool_check_columns(flow, data, data_name);
    if (!code) code = check_rows(o, flow, data, model, data_name);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

static int check_run_command(int argc, char **argv)
{
    check_options o = { .common = COMMON_OPTIONS_INIT, .rows = 3000, .noise = -1.0 };
    const option_group groups[] = {
        { .title = "Check", .target = &o, .fields = check_fields, .n_fields = sizeof check_fields / sizeof *check_fields },
        common_read_group(&o.common),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code = options_parse(&set, &command_check, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc - first != 2) code = tool_usage(&command_check, "expects a model and a table");
    if (!code) code = check(&o, argv[first], argv[first + 1]);
    options_free(set);
    return code;
}

const command command_check = { .name = "check", .arguments = "MODEL DATA [options]",
                              .help = "round trip, log-determinants and gradients of a model on your own rows",
                              .run = check_run_command };
