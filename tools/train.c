/* SPDX-License-Identifier: MIT
 *
 * train.c - nflow train: fit a flow to a table or to a synthetic density, and save it
 *
 * NLLs are reported in nats a row, in the units of the data, and for standardised data:
 *   nll = nll_standardised + sum_j log sd_j
 * and of images in bits per dimension, nll / (dim ln 2), too. With --objective flow-matching, progress and the curve are its losses, which
 * are no NLLs; what is reported at the end is.
 */
#include "train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONDITIONS "cond_dim,cond_mean,cond_sd,cond_standardise" /* fields that the data give */
#define OPTIMIZERS "adam,adamw,adamax,sgd" /* in the order of the table below */

static const nf_field train_fields[] = {
    OPTION(train_options, output, NF_FIELD_STRING, NULL, "the model file to write (required)"),
    { .name = "arch", .help = "architecture (default nsf, of density:NAME and with a --preset of its own realnvp, of images glow)", .choices = ARCHITECTURES, .kind = NF_FIELD_CHOICE,
      .offset = (uint32_t)offsetof(train_options, arch) },
    OPTION_CHOICE(train_options, optimizer, OPTIMIZERS, "update rule"),
    OPTION(train_options, val, NF_FIELD_STRING, NULL,
           "part held out: 20%, 0.2, or 0 for none (default 20% of a density, its last rows; 10% of a table, by --seed)"),
    OPTION(train_options, columns_kind, NF_FIELD_STRING, NULL,
           "nsf, maf, iaf, nice: columns that are not plain real numbers, as in age:integer,share:bounded(0,1),2:positive,hour:periodic(0,24); periodic is of nsf alone"),
    OPTION(train_options, curve, NF_FIELD_STRING, NULL, "CSV file to write the losses of each epoch to"),
    OPTION_RANGE(train_options, rows, NF_FIELD_I64, 3000, 2, 1e12, "rows to draw from density:NAME"),
    OPTION(train_options, noise, NF_FIELD_F64, NULL, "noise sd of density:NAME (default its own)"),
    OPTION(train_options, seed, NF_FIELD_U64, NULL, "seed of the weights, the shuffles, the split and the density"),
    { .name = "preset", .help = "what other options default to: realnvp has default and book, ffjord toy, tabular and images "
                                  "(default the first, ffjord's for images images)",
      .choices = PRESETS, .kind = NF_FIELD_CHOICE, .offset = (uint32_t)offsetof(train_options, preset) },
    OPTION(train_options, no_standardise, NF_FIELD_FLAG, NULL, "train on the columns as they are"),
    OPTION(train_options, standardise_all, NF_FIELD_FLAG, NULL, "standardise by all rows, those held out too, as the preset book does"),
    OPTION(train_options, robust, NF_FIELD_FLAG, NULL, "standardise by median and 1.4826 mad"),
    OPTION_RANGE(train_options, hidden_channels, NF_FIELD_I64, 0, 1, 65536,
                 "glow, realnvp_image: channels of the networks' hidden layers (default 128, 32)"),
    OPTION_RANGE(train_options, blocks, NF_FIELD_I64, 0, 1, 1024,
                 "realnvp_image: residual blocks of a network (default 2); ffjord: continuous layers (default 1, of images 2 "
                 "before and after each halving)"),
    OPTION_RANGE(train_options, alpha, NF_FIELD_F64, 0, 0, 0.25,
                 "glow, realnvp_image, ffjord: margin of the logit behind the pixels (default 1e-6, 0.05, 1e-6); glow: 0 for no logit"),
};

/* Optimizers: which config they take. */
static const struct { const char *name; size_t offset; } optimizers[] = {
    { "adam", offsetof(train_options, adam) },
    { "adamw", offsetof(train_options, adam) },
    { "adamax", offsetof(train_options, adam) },
    { "sgd", offsetof(train_options, sgd) },
};

/* "20%" or "0.2" -> 0.2; negative: malformed. */
static double read_fraction(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end != text && *end == '%') {
        value /= 100.0;
        end++;
    }
    return end == text || *end || !(value >= 0.0 && value < 1.0) ? -1.0 : value;
}

static int split(train_run *run, const train_options *o)
{
    const int density = table_density(run->data_name) != NULL;
    const double held_out = o->val ? read_fraction(o->val) : density ? 0.2 : 0.1;
    nf_status status;

    if (held_out < 0.0) return tool_usage(&command_train, "--val: '%s' is not a part such as 20%% or 0.2; 0 holds out nothing", o->val);
    if (held_out <= 0.0) {
        run->train = nf_dataset_ref(run->all);
        return CODE_OK;
    }
    if (floor((1.0 - held_out) * (double)nf_dataset_rows(run->all) + 0.5) >= (double)nf_dataset_rows(run->all)) /* as the library rounds */
        return tool_usage(&command_train, "--val: %g of %lld rows is none; hold out more, or nothing with --val 0", held_out,
                          (long long)nf_dataset_rows(run->all));
    status = nf_dataset_split(run->all, 1.0 - held_out, density ? UINT64_MAX : o->seed, &run->train, &run->valid);
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* Mean and sd of column j. A circle keeps its place and its length. */
static int measure_column(train_run *run, const train_options *o, const nf_dataset *data, int64_t j)
{
    nf_column_report column = { .struct_size = sizeof column };
    const int circle = table_kinds_periodic(&run->kinds, j);
    const nf_status status = nf_dataset_check(data, j, &column);

    if (status < 0) return tool_library_failed(status);
    run->mean[j] = circle ? 0.0 : o->robust ? column.median : column.mean;
    run->sd[j] = circle ? 1.0 : o->robust ? 1.4826 * column.mad : column.sd;
    run->log_sd += log(run->sd[j]);
    return CODE_OK;
}

/* Mean and sd of each column, refused in the library's words when a column is constant or not finite. */
static int measure_columns(train_run *run, const train_options *o, const nf_dataset *data)
{
    const int64_t dim = nf_dataset_dim(data);
    nf_layer *layer = NULL;
    const nf_status status = nf_standardise_from_dataset(&layer, run->context, data, o->robust);
    int code = CODE_OK;

    nf_layer_unref(layer);
    if (status < 0) return tool_library_failed(status);
    run->mean = malloc(2 * (size_t)dim * sizeof *run->mean);
    if (!run->mean) return tool_fail("out of memory");
    run->sd = run->mean + dim;
    for (int64_t j = 0; j < dim && !code; j++) code = measure_column(run, o, data, j);
    return code;
}

/* Of columns that are not plain real numbers what is measured is what their kinds make of them. */
static int measure(train_run *run, const train_options *o)
{
    const nf_dataset *data = o->standardise_all || train_preset(o)->standardise_all ? run->all : run->train;
    nf_dataset *mapped = NULL;
    int code;

    if (!run->kinds.kind) return measure_columns(run, o, data);
    code = table_kinds_apply(&mapped, run->context, data, &run->kinds, o->seed, run->data_name);
    if (!code) code = measure_columns(run, o, mapped);
    nf_dataset_unref(mapped);
    return code;
}

static int check_circles(const train_run *run, const train_options *o)
{
    for (int64_t j = 0; j < nf_dataset_dim(run->all); j++)
        if (table_kinds_periodic(&run->kinds, j) && o->arch != NSF)
            return tool_usage(&command_train, "--columns-kind: column %lld is periodic, which --arch %s does not keep; --arch nsf does", (long long)j,
                              train_architecture(o)->name);
    return CODE_OK;
}

static int read_data(train_run *run, train_options *o)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    int code = table_read(&run->all, run->context, run->data_name, &o->common.read, &density);

    if (!code) code = tool_image_shape(&command_train, run->all, &o->images, &run->shape);
    if (!code) code = train_choose(run, o);
    if (!code && o->columns_kind) code = table_kinds_read(&run->kinds, run->all, o->columns_kind);
    if (!code) code = check_circles(run, o);
    if (!code) code = train_vet(run, o);
    if (!code) code = split(run, o);
    if (!code && !o->no_standardise) code = measure(run, o);
    if (!code) code = train_conditions(run, o);
    return code;
}

/* The shape of the rows: the data's, or what the flow's layers take them for. */
static int create_flow(train_run *run, train_options *o)
{
    const nf_status status = train_architecture(o)->create(&run->flow, run, o);

    if (status < 0) return tool_library_failed(status);
    return run->shape.height ? CODE_OK : tool_model_image_shape(&command_train, run->flow, &o->images, &run->shape);
}

static int create_optimizer(train_run *run, train_options *o)
{
    const void *config = (const char *)o + optimizers[o->optimizer - 1].offset;
    const nf_status status = nf_optimizer_create(&run->optimizer, run->context, optimizers[o->optimizer - 1].name, config);

    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* Fits. A run that was interrupted or diverged still leaves the best parameters: *code tells, 0 is returned. */
static int fit(train_run *run, train_options *o, int *code)
{
    nf_status status;

    run->report.struct_size = sizeof run->report;
    run->report.valid_nll = run->report.train_nll = (double)NAN;
    progress_begin(&run->line, !o->common.quiet);
    run->line.shift = -run->log_sd;
    run->line.bits = run->shape.height > 0;
    o->fit.progress = progress_show;
    o->fit.progress_user = &run->line;
    if (train_curve_begin(run, o)) return CODE_FAILED;
    status = nf_flow_fit(run->flow, run->optimizer, run->train, run->valid, &o->fit, &run->report);
    progress_end(&run->line);
    train_curve_end(run, o);
    if (status < 0 && status != NF_ERR_DIVERGED) return tool_library_failed(status);
    *code = status == NF_OK ? CODE_OK : tool_code(status);
    if (status == NF_ERR_DIVERGED) tool_fail("%s; the best model seen is saved", tool_library_line(status));
    if (status == NF_STOPPED) tool_fail("interrupted after epoch %lld; the best model so far is saved",
                                       (long long)run->report.epochs);
    nf_context_resume(run->context);
    if (!isfinite(run->report.train_nll)) run->report.train_nll = tool_mean_nll(run->flow, run->train);
    if (run->valid && !isfinite(run->report.valid_nll)) run->report.valid_nll = tool_mean_nll(run->flow, run->valid);
    return CODE_OK;
}

/* What the flow has to beat: of a table, the Gaussian of its training rows, on the rows held out. */
static void fit_gaussian(train_run *run)
{
    const int table = !run->shape.height && !table_density(run->data_name);

    run->gaussian = table && run->valid ? table_gaussian_nll(run->train, run->valid) : (double)NAN;
}

static int train(train_run *run, train_options *o)
{
    nf_status status;
    int code, fit_code = CODE_OK;

    if ((code = tool_check_output(o->output))) return code;
    if ((code = tool_context_open(&run->context, &o->common.context))) return code;
    if ((code = read_data(run, o))) return code;
    if ((code = create_flow(run, o))) return code;
    if ((code = create_optimizer(run, o))) return code;
    train_print_plan(run, o);
    if ((code = fit(run, o, &fit_code))) return code;
    fit_gaussian(run);
    if ((status = nf_flow_save(run->flow, o->output)) < 0) return tool_file_failed(status, o->output);
    if (o->common.json)
        train_print_json(run, o);
    else if (!o->common.quiet)
        train_print_summary(run, o);
    return fit_code;
}

static void train_close(train_run *run)
{
    nf_optimizer_unref(run->optimizer);
    nf_flow_unref(run->flow);
    nf_dataset_unref(run->valid);
    nf_dataset_unref(run->train);
    nf_dataset_unref(run->all);
    nf_context_unref(run->context);
    free(run->mean);
    free(run->cond_mean);
    table_kinds_free(&run->kinds);
}

static int parse(options **set, train_options *o, int argc, char **argv, int *first)
{
    const option_group groups[] = {
        { .title = "Training", .target = o, .fields = train_fields, .n_fields = sizeof train_fields / sizeof *train_fields },
        { .title = "Conditioning columns, named by --cond", .target = &o->condition, .config = "flow", .only = "embed_hidden,embed_dim,embed_activation" },
        { .title = "RealNVP", .target = &o->realnvp, .config = "realnvp", .skip = "preset,dim,mean,sd," CONDITIONS,
          .decided = "layers,hidden,activation,separate,actnorm,weights,bound" },
        { .title = "GLOW", .target = &o->glow, .config = "glow", .skip = "height,width,channels,hidden,noise,temperature,alpha," CONDITIONS },
        { .title = "RealNVP on images", .target = &o->realnvp_image, .config = "realnvp_image",
          .skip = "height,width,channels,hidden,blocks,noise,bits,alpha," CONDITIONS },
        { .title = "FFJORD, besides --hidden and --activation", .target = &o->ffjord, .config = "ffjord", .skip = "preset,dim,blocks,mean,sd,height,width,channels,noise,alpha," CONDITIONS,
          .decided = "hidden,activation,time,trace,end_time,rtol,atol" },
        { .title = "Tables: nsf, maf, iaf, nice, besides --layers, --hidden, --activation, --bound", .target = &o->table, .config = "table",
          .skip = "dim,mean,sd,kind,low,high,alpha,noise," CONDITIONS, .decided = "layers,hidden,activation,mix,bins,bound" },
        { .title = "Fit", .target = &o->fit, .config = "fit", .decided = "schedule,epochs,batch,clip_norm,ema_decay,l2,patience,warmup_steps,progress_steps,factor" },
        { .title = "Optimizer: adam, adamw, adamax", .target = &o->adam, .config = "adam", .decided = "lr,eps,weight_decay" },
        { .title = "Optimizer: sgd", .target = &o->sgd, .config = "sgd" },
        image_group(&o->images, "zoom,columns"),
        common_read_group(&o->common),
        common_threads_group(&o->common),
        common_context_group(&o->common),
        { .title = "Memory", .target = &o->common.context, .config = "context", .only = "memory_budget" },
        common_output_group(&o->common),
    };

    return options_parse(set, &command_train, groups, sizeof groups / sizeof *groups, argc, argv, first);
}

static int train_run_command(int argc, char **argv)
{
    train_options o = { .common = COMMON_OPTIONS_INIT, .optimizer = 1, .noise = -1.0, .alpha = (double)NAN,
                        .rows = 3000, .realnvp = NF_REALNVP_CONFIG_INIT, .glow = NF_GLOW_CONFIG_INIT,
                        .realnvp_image = NF_REALNVP_IMAGE_CONFIG_INIT, .ffjord = NF_FFJORD_CONFIG_INIT, .table = NF_TABLE_CONFIG_INIT,
                        .fit = NF_FIT_CONFIG_INIT,
                        .adam = NF_ADAM_CONFIG_INIT, .sgd = NF_SGD_CONFIG_INIT };
    train_run run = { 0 };
    options *set;
    int first, code = parse(&set, &o, argc, argv, &first);

    if (!code && argc - first != 1) code = tool_usage(&command_train, "expects one table or density:NAME");
    if (!code && !o.output) code = tool_usage(&command_train, "-o FILE is required");
    if (!code) {
        run.data_name = argv[first];
        run.set = set;
        code = train(&run, &o);
        train_close(&run);
    }
    options_free(set);
    return code;
}

const command command_train = { .name = "train", .arguments = "DATA|density:NAME -o MODEL [options]",
                              .help = "fit a flow to a table (CSV, NPY, - for stdin), to images (IDX, CIFAR-10, PNG) or to a synthetic density",
                              .run = train_run_command, .notes = train_notes };
