/* SPDX-License-Identifier: MIT
 *
 * plot.c - nflow plot: a picture of a model
 *
 * Two columns: the density as a heat map, and samples (over data, if given). More: samples of a pair of columns.
 * One: the density as a curve.
 */
#include "common.h"
#include "json.h"
#include "plotting.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cells of the density map along an axis: finer than the eye sees once interpolated. */
enum { PANEL = 420, DEFAULT_GRID = 240 };

typedef struct plot_options {
    common_options common;
    const char *output, *data;
    int64_t rows, grid;
    uint64_t seed;
    double noise, temperature;
    const double *cond;
    int64_t n_cond;
    const int64_t *pair;
    int64_t n_pair;
} plot_options;

static const nf_field plot_fields[] = {
    OPTION(plot_options, output, NF_FIELD_STRING, NULL, "the picture to write, .png or .svg (required)"),
    OPTION(plot_options, data, NF_FIELD_STRING, NULL, "a table or density:NAME to show beside the samples"),
    OPTION_RANGE(plot_options, rows, NF_FIELD_I64, 3000, 10, 1e6, "samples to draw"),
    OPTION(plot_options, seed, NF_FIELD_U64, NULL, "seed of the samples"),
    OPTION_RANGE(plot_options, grid, NF_FIELD_I64, DEFAULT_GRID, 16, 2000, "cells of the density map along an axis"),
    OPTION_RANGE(plot_options, temperature, NF_FIELD_F64, 1, 1e-6, 1e6, "of the samples"),
    OPTION(plot_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
    OPTION_LIST(plot_options, pair, n_pair, NF_FIELD_I64_ARRAY, "the two columns to show, from 0 (default 0,1)"),
    OPTION_LIST(plot_options, cond, n_cond, NF_FIELD_F64_ARRAY, "values of the model's conditioning columns"),
};

/* What is drawn: pairs of coordinates. */
typedef struct plot_points {
    double *samples, *data, *density;
    int64_t n_samples, n_data;
    nfplot_range range;
    int equal; /* 1: both axes have the same scale */
    double max;
    char names[2][64]; /* of the columns: from the header of the data, else their numbers */
} plot_points;

/* Columns a and b of x [n][dim], as pairs. */
static double *take_pair(int64_t n, int64_t dim, const double *x, const int64_t *pair)
{
    double *xy = malloc((size_t)n * 2 * sizeof *xy);

    for (int64_t i = 0; xy && i < n; i++) {
        xy[2 * i] = x[i * dim + pair[0]];
        xy[2 * i + 1] = dim > 1 ? x[i * dim + pair[1]] : 0.0;
    }
    return xy;
}

static int draw_samples(const nf_flow *flow, const plot_options *o, const int64_t *pair, plot_points *p)
{
    const int64_t dim = nf_flow_dim(flow);
    double *x = malloc((size_t)(o->rows * dim) * sizeof *x);
    const nf_status status = x ? tool_sample(flow, o->seed, 0, o->rows, o->cond, o->temperature, x) : NF_ERR_MEMORY;

    if (status >= 0) p->samples = take_pair(o->rows, dim, x, pair);
    p->n_samples = o->rows;
    free(x);
    return status < 0 ? tool_library_failed(status) : p->samples ? CODE_OK : tool_fail("out of memory");
}

static void name_columns(const nf_dataset *data, const int64_t *pair, plot_points *p)
{
    for (int k = 0; k < 2; k++) {
        const char *name = data ? nf_dataset_column_name(data, pair[k]) : NULL;
        if (name && *name)
            snprintf(p->names[k], sizeof p->names[k], "%s", name);
        else
            snprintf(p->names[k], sizeof p->names[k], "column %lld", (long long)pair[k]);
    }
}

static int read_points(nf_context *context, const nf_flow *flow, const plot_options *o, const int64_t *pair, plot_points *p)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    nf_dataset *data = NULL;
    double *x = NULL;
    int code = o->data ? table_read(&data, context, o->data, &o->common.read, &density) : CODE_OK;

    name_columns(NULL, pair, p);
    if (!data) return code;
    if (nf_dataset_dim(data) != nf_flow_dim(flow))
        code = tool_fail("%s: has %lld columns, the model has %lld; choose them with --columns or --drop", o->data,
                         (long long)nf_dataset_dim(data), (long long)nf_flow_dim(flow));
    if (!code) name_columns(data, pair, p);
    p->n_data = nf_dataset_rows(data) < o->rows ? nf_dataset_rows(data) : o->rows;
    if (!code && !(x = malloc((size_t)(p->n_data * nf_dataset_dim(data)) * sizeof *x))) code = tool_fail("out of memory");
    if (!code && nf_dataset_copy_f64(data, 0, p->n_data, x, NULL) < 0) code = tool_fail("%s", nf_last_error());
    if (!code && !(p->data = take_pair(p->n_data, nf_dataset_dim(data), x, pair))) code = tool_fail("out of memory");
    free(x);
    nf_dataset_unref(data);
    return code;
}

/* The samples' middle 99 %, and the data's. */
static void choose_range(plot_points *p)
{
    p->range = nfplot_range_of(p->n_samples, p->samples, 0.005);
    if (!p->data) return;
    const nfplot_range d = nfplot_range_of(p->n_data, p->data, 0.005);
    p->range.x0 = fmin(p->range.x0, d.x0);
    p->range.x1 = fmax(p->range.x1, d.x1);
    p->range.y0 = fmin(p->range.y0, d.y0);
    p->range.y1 = fmax(p->range.y1, d.y1);
}

/* A square range about the same centre, so that the density fills a panel of equal aspect; columns of unlike scales keep theirs. */
static void choose_aspect(plot_points *p)
{
    static const double most_unlike = 3.0;
    nfplot_range *r = &p->range;
    const double width = r->x1 - r->x0, height = r->y1 - r->y0, half = 0.5 * fmax(width, height);
    const double x = 0.5 * (r->x0 + r->x1), y = 0.5 * (r->y0 + r->y1);

    p->equal = half <= 0.5 * most_unlike * fmin(width, height);
    if (p->equal) *r = (nfplot_range){ x - half, x + half, y - half, y + half };
}

/* 1 when column k of the samples has whole numbers alone: it is one of the kind `integer`, with no density in between. */
static int is_whole(const plot_points *p, int k)
{
    for (int64_t i = 0; i < p->n_samples; i++)
        if (floor(p->samples[2 * i + k]) < p->samples[2 * i + k]) return 0;
    return 1;
}

/* The middle of cell j of n, or the whole number next to it. */
static double cell(double low, double high, int64_t j, int64_t n, int whole)
{
    const double at = low + (high - low) * ((double)j + 0.5) / (double)n;
    return whole ? floor(at + 0.5) : at;
}

/* Densities at the middles of nx by ny cells of the range, row by row from the bottom. */
static int map_density(const nf_flow *flow, const plot_options *o, const int64_t *pair, int64_t nx, int64_t ny, plot_points *p)
{
    const int64_t dim = nf_flow_dim(flow);
    double *x = malloc((size_t)(nx * dim) * sizeof *x);
    const int whole[] = { is_whole(p, 0), is_whole(p, 1) };
    nf_status status = NF_OK;

    p->density = malloc((size_t)(nx * ny) * sizeof *p->density);
    for (int64_t i = 0; x && p->density && status >= 0 && i < ny; i++) {
        double *row = p->density + i * nx;
        for (int64_t j = 0; j < nx; j++) {
            x[j * dim + pair[0]] = cell(p->range.x0, p->range.x1, j, nx, whole[0]);
            if (dim > 1) x[j * dim + pair[1]] = cell(p->range.y0, p->range.y1, i, ny, whole[1]);
        }
        status = tool_log_prob(flow, nx, x, o->cond, row);
        for (int64_t j = 0; j < nx; j++) {
            row[j] = isfinite(row[j]) ? exp(row[j]) : 0.0;
            p->max = fmax(p->max, row[j]);
        }
    }
    free(x);
    if (!(p->max > 0.0)) p->max = 1.0;
    if (!p->density || !x) return tool_fail("out of memory");
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* 1 when the top right corner holds more samples than the top left one: the legend goes where fewer are. */
static int fuller_right(const plot_points *p)
{
    const nfplot_range *r = &p->range;
    int64_t left = 0, right = 0;

    for (int64_t i = 0; i < p->n_samples; i++) {
        const double x = (p->samples[2 * i] - r->x0) / (r->x1 - r->x0), y = (p->samples[2 * i + 1] - r->y0) / (r->y1 - r->y0);
        left += y > 0.8 && x < 0.3;
        right += y > 0.8 && x > 0.7;
    }
    return right > left;
}

static void draw_scatter(nfplot *figure, double left, const plot_points *p)
{
    const nfplot_color sample_color = { 0.12, 0.38, 0.66, 0.55 }, data_color = { 0.87, 0.42, 0.10, 0.45 };
    const char *labels[] = { "samples", "data" };
    const nfplot_color colors[] = { NFPLOT_BLUE, NFPLOT_ORANGE };
    const nfplot_axes axes = { p->range, p->data ? "samples and data" : "samples", p->names[0], p->names[1], p->equal, 1 };

    nfplot_begin(figure, left, 4.0, PANEL, PANEL, &axes);
    if (p->data) nfplot_scatter(figure, p->n_data, p->data, 1.5, data_color);
    nfplot_scatter(figure, p->n_samples, p->samples, 1.5, sample_color);
    if (p->data) nfplot_legend(figure, 2, labels, colors, 0, fuller_right(p));
    nfplot_end(figure);
}

static void draw_density(nfplot *figure, int64_t grid, const plot_points *p)
{
    const nfplot_axes axes = { p->range, "density", p->names[0], p->names[1], p->equal, 0 };

    nfplot_begin(figure, 4.0, 4.0, PANEL, PANEL, &axes);
    nfplot_heat(figure, grid, grid, p->density, p->max, p->range);
    nfplot_color_bar(figure, p->max, "p(x)");
    nfplot_end(figure);
}

static int draw_curve(const plot_options *o, plot_points *p)
{
    nfplot_axes axes = { p->range, "density", p->names[0], "p(x)", 0, 1 };
    nfplot *figure = nfplot_create(o->output, PANEL * 1.4, PANEL);
    double *x = malloc((size_t)o->grid * sizeof *x);

    axes.range.y0 = 0.0;
    axes.range.y1 = 1.08 * p->max;
    for (int64_t j = 0; x && j < o->grid; j++)
        x[j] = p->range.x0 + (p->range.x1 - p->range.x0) * ((double)j + 0.5) / (double)o->grid;
    if (figure && x) {
        nfplot_begin(figure, 4.0, 4.0, PANEL * 1.4 - 8.0, PANEL - 8.0, &axes);
        nfplot_line(figure, o->grid, x, p->density, 1.8, NFPLOT_BLUE);
        nfplot_end(figure);
    }
    free(x);
    return nfplot_finish(figure) ? tool_fail("%s", nfplot_error()) : CODE_OK;
}

static int draw_pair(const plot_options *o, int both, const plot_points *p)
{
    const double bar = 52.0;
    nfplot *figure = nfplot_create(o->output, both ? 2 * PANEL + bar + 8.0 : PANEL + 8.0, PANEL + 8.0);

    if (figure && both) draw_density(figure, o->grid, p);
    if (figure) draw_scatter(figure, both ? PANEL + bar : 4.0, p);
    return nfplot_finish(figure) ? tool_fail("%s", nfplot_error()) : CODE_OK;
}

static int draw(nf_context *context, const nf_flow *flow, const plot_options *o, const int64_t *pair, plot_points *p)
{
    const int64_t dim = nf_flow_dim(flow);
    int code = draw_samples(flow, o, pair, p);

    if (!code) code = read_points(context, flow, o, pair, p);
    if (code) return code;
    choose_range(p);
    if (dim == 2) choose_aspect(p);
    if (dim <= 2) code = map_density(flow, o, pair, o->grid, dim == 1 ? 1 : o->grid, p);
    if (code) return code;
    return dim == 1 ? draw_curve(o, p) : draw_pair(o, dim == 2, p);
}

static int check_options(const nf_flow *flow, const plot_options *o, int64_t *pair)
{
    const int64_t dim = nf_flow_dim(flow);

    if (o->n_cond != nf_flow_cond_dim(flow))
        return tool_usage(&command_plot, "--cond: %lld values given, the model has %lld conditioning columns",
                          (long long)o->n_cond, (long long)nf_flow_cond_dim(flow));
    if (o->n_pair == 0) return CODE_OK;
    if (o->n_pair != 2 || dim < 2)
        return tool_usage(&command_plot, "--pair: two columns are shown, %lld given, the model has %lld", (long long)o->n_pair,
                          (long long)dim);
    for (int k = 0; k < 2; k++) {
        pair[k] = o->pair[k];
        if (pair[k] < 0 || pair[k] >= dim)
            return tool_usage(&command_plot, "--pair: no column %lld, the model has 0 to %lld", (long long)pair[k], (long long)dim - 1);
    }
    if (pair[0] == pair[1]) return tool_usage(&command_plot, "--pair: %lld is given twice", (long long)pair[0]);
    return CODE_OK;
}

/* Refuses what cannot be written before the work is done. */
static int check_output(const char *path)
{
    const size_t n = strlen(path);

    if (n < 5 || (strcmp(path + n - 4, ".png") != 0 && strcmp(path + n - 4, ".svg") != 0))
        return tool_usage(&command_plot, "-o: '%s' does not end in .png or .svg", path);
    return tool_check_output(path);
}

static int plot(const plot_options *o, const char *model)
{
    int64_t pair[2] = { 0, 1 };
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    plot_points points = { 0 };
    int code = check_output(o->output);

    if (!code) code = tool_model_open(&flow, &context, &o->common.context, model);
    if (!code) code = check_options(flow, o, pair);
    if (!code) code = draw(context, flow, o, pair, &points);
    if (!code && o->common.json) {
        nft_json_writer w;
        nft_json_begin(&w, stdout);
        nft_json_string(&w, "model", model);
        nft_json_string(&w, "output", o->output);
        nft_json_integer(&w, "samples", points.n_samples);
        nft_json_number(&w, "max_density", points.density ? points.max : (double)NAN);
        nft_json_end(&w);
    }
    free(points.samples);
    free(points.data);
    free(points.density);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return code;
}

static int plot_run_command(int argc, char **argv)
{
    plot_options o = { .common = COMMON_OPTIONS_INIT, .rows = 3000, .grid = DEFAULT_GRID, .noise = -1.0, .temperature = 1.0 };
    option_group groups[] = {
        { .title = "Plot", .target = &o, .fields = plot_fields, .n_fields = sizeof plot_fields / sizeof *plot_fields },
        common_read_group(&o.common),
        common_threads_group(&o.common),
        common_context_group(&o.common),
        common_output_group(&o.common),
    };
    options *set;
    int first, code;

    groups[1].skip = "dtype,cond_columns";
    code = options_parse(&set, &command_plot, groups, sizeof groups / sizeof *groups, argc, argv, &first);
    if (!code && argc - first != 1) code = tool_usage(&command_plot, "expects a model");
    if (!code && !o.output) code = tool_usage(&command_plot, "-o FILE.png or FILE.svg is required");
    if (!code && (o.rows < 1 || o.grid < 1)) code = tool_usage(&command_plot, "--rows and --grid must be positive");
    if (!code && !(o.temperature > 0.0)) code = tool_usage(&command_plot, "--temperature must be positive");
    if (!code) code = plot(&o, argv[first]);
    options_free(set);
    return code;
}

const command command_plot = { .name = "plot", .arguments = "MODEL -o FILE.png|FILE.svg [--data DATA] [options]",
                              .help = "draw the density of a model, and samples",
                              .run = plot_run_command };
