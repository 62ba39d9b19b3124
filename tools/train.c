/* SPDX-License-Identifier: MIT
 *
 * train.c - nflow train: fit a flow to a table or to a synthetic density, and save it
 *
 * NLLs are reported in nats a row, in the units of the data, and for standardised data:
 *   nll = nll_standardised + sum_j log sd_j
 * and of images in bits per dimension, nll / (dim ln 2), too. With --objective flow-matching, progress and the curve are its losses, which
 * are no NLLs; what is reported at the end is.
 */
#include "common.h"
#include "images.h"
#include "json.h"
#include "progress.h"
#include "tables.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct train_options {
    common_options common;
    const char *output, *val, *curve, *columns_kind;
    int32_t arch, optimizer; /* from 1 */
    int64_t rows;
    double noise;
    uint64_t seed;
    int32_t no_standardise, standardise_all, robust;
    image_options images;
    int64_t hidden_channels, blocks;
    int32_t preset; /* from 1, of PRESETS; 0: not given */
    double alpha; /* NaN: not given */
    nf_realnvp_config realnvp;
    nf_glow_config glow;
    nf_realnvp_image_config realnvp_image;
    nf_ffjord_config ffjord;
    nf_table_config table;
    nf_fit_config fit;
    nf_adam_config adam;
    nf_sgd_config sgd;
} train_options;

/* Names, in the order of the tables below. */
#define ARCHITECTURES "realnvp,glow,realnvp_image,ffjord,nsf,maf,iaf,nice"
#define PRESETS "default,book,toy,tabular,images"
#define OPTIMIZERS "adam,adamw,adamax,sgd"

/* What stands around the run. */
typedef struct train_run {
    const char *data_name;
    options *set;
    nf_context *context;
    nf_dataset *all, *train, *valid;
    nf_flow *flow;
    nf_optimizer *optimizer;
    double *mean, *sd; /* [dim], NULL: no standardise layer */
    double log_sd;     /* sum of log sd */
    table_kinds kinds; /* of the columns; all NULL: not asked for */
    double gaussian;   /* held-out NLL of the full-covariance Gaussian; NaN: none */
    image_shape shape; /* of the rows, all 0: they are no images */
    nf_fit_report report;
    progress_line line;
} train_run;

static const nf_field train_fields[] = {
    OPTION(train_options, output, NF_FIELD_STRING, NULL, "the model file to write (required)"),
    { .name = "arch", .help = "architecture (default nsf, of density:NAME and with a --preset of its own realnvp, of images glow)", .choices = ARCHITECTURES, .kind = NF_FIELD_CHOICE,
      .offset = (uint32_t)offsetof(train_options, arch) },
    OPTION_CHOICE(train_options, optimizer, OPTIMIZERS, "update rule"),
    OPTION(train_options, val, NF_FIELD_STRING, NULL,
           "part held out: 20%, 0.2, or 0 for none (default 20% of a density, its last rows; 10% of a table, by --seed)"),
    OPTION(train_options, columns_kind, NF_FIELD_STRING, NULL,
           "nsf, maf, iaf, nice: columns that are not plain real numbers, as in age:integer,share:bounded(0,1),2:positive"),
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

/* Values that a preset gives to options the user did not set. The flow's own preset adds its shape. */
typedef struct preset_value {
    const char *option, *value;
} preset_value;
typedef struct preset {
    const char *name, *arch; /* NULL: the name says all */
    int standardise_all; /* mean and sd of all rows, not of the training part */
    preset_value values[14];
} preset;

static const preset presets[] = {
    { "default", NULL, 0,
      { { "lr", "3e-3" }, { "schedule", "cosine" }, { "batch", "256" }, { "epochs", "300" }, { "ema_decay", "0.99" }, { "l2", "1e-5" }, { "patience", "60" } } },
    { "book", NULL, 1,
      { { "lr", "1e-4" }, { "eps", "1e-7" }, { "batch", "256" }, { "epochs", "300" }, { "clip_norm", "-1" } } },
    { "toy", NULL, 0,
      { { "lr", "1e-2" }, { "weight_decay", "1e-5" }, { "batch", "100" }, { "epochs", "60" }, { "schedule", "cosine" }, { "ema_decay", "0.99" },
        { "patience", "30" } } },
    { "tabular", NULL, 0,
      { { "lr", "1e-3" }, { "weight_decay", "1e-6" }, { "batch", "1000" }, { "epochs", "300" }, { "schedule", "plateau" }, { "factor", "0.1" },
        { "patience", "30" } } },
    { "images", "ffjord", 0,
      { { "lr", "1e-3" }, { "schedule", "cosine" }, { "warmup_steps", "500" }, { "batch", "32" }, { "epochs", "12" }, { "ema_decay", "0.995" },
        { "clip_norm", "100" }, { "progress_steps", "1" } } },
    { "images", "glow, realnvp_image", 0,
      { { "optimizer", "adam" }, { "lr", "3e-3" }, { "schedule", "cosine" }, { "warmup_steps", "500" }, { "batch", "16" }, { "epochs", "12" },
        { "ema_decay", "0.995" }, { "clip_norm", "100" }, { "progress_steps", "1" } } },
    { "tables", "nsf, maf, iaf, nice; size by the rows", 0,
      { { "lr", "2e-3" }, { "schedule", "cosine" }, { "ema_decay", "0.99" } } },
};
enum { PRESET_DEFAULT = 1, PRESET_BOOK = 2, PRESET_TOY = 3, PRESET_TABULAR = 4, PRESET_FFJORD_IMAGES = 5, PRESET_IMAGES = 6, PRESET_TABLES = 7 }; /* from 1 */
enum { CURVE_EPOCHS = 100 /* the library's default */ };

/* Architectures: how a flow is made of the options. */
typedef struct architecture {
    const char *name;
    int images; /* 1: of rows that are images, not standardised: the flow takes pixels. Also one of preset images, whatever this says */
    int32_t first, last; /* of its presets */
    nf_status (*create)(nf_flow **out, train_run *run, train_options *o);
    const char *own; /* options that mean nothing to some other architecture, separated by ',' */
} architecture;

static nf_status create_realnvp(nf_flow **out, train_run *run, train_options *o)
{
    o->realnvp.preset = o->preset;
    o->realnvp.dim = nf_dataset_dim(run->train);
    o->realnvp.cond_dim = nf_dataset_cond_dim(run->train);
    o->realnvp.mean = run->mean;
    o->realnvp.sd = run->sd;
    o->realnvp.n_mean = o->realnvp.n_sd = run->mean ? o->realnvp.dim : 0;
    return nf_flow_create_realnvp(out, run->context, &o->realnvp);
}

/* Black and white pixels are so many in most images that a flow without a logit spends its steps on them. */
static const double glow_alpha = 1e-6;

static nf_status create_glow(nf_flow **out, train_run *run, train_options *o)
{
    o->glow.height = run->shape.height;
    o->glow.width = run->shape.width;
    o->glow.channels = run->shape.channels;
    o->glow.cond_dim = nf_dataset_cond_dim(run->train);
    o->glow.hidden = o->hidden_channels;
    o->glow.alpha = isfinite(o->alpha) ? o->alpha : o->glow.bits == NF_GLOW_REAL ? 0.0 : glow_alpha;
    return nf_flow_create_glow(out, run->context, &o->glow);
}

static nf_status create_realnvp_image(nf_flow **out, train_run *run, train_options *o)
{
    o->realnvp_image.height = run->shape.height;
    o->realnvp_image.width = run->shape.width;
    o->realnvp_image.channels = run->shape.channels;
    o->realnvp_image.cond_dim = nf_dataset_cond_dim(run->train);
    o->realnvp_image.hidden = o->hidden_channels;
    o->realnvp_image.blocks = o->blocks;
    o->realnvp_image.bits = o->glow.bits;
    o->realnvp_image.alpha = isfinite(o->alpha) ? o->alpha : 0.0;
    return nf_flow_create_realnvp_image(out, run->context, &o->realnvp_image);
}

static nf_status create_ffjord(nf_flow **out, train_run *run, train_options *o)
{
    o->ffjord.preset = o->preset - PRESET_TOY + NF_FFJORD_TOY;
    o->ffjord.dim = nf_dataset_dim(run->train);
    o->ffjord.cond_dim = nf_dataset_cond_dim(run->train);
    o->ffjord.blocks = o->blocks;
    o->ffjord.mean = run->mean;
    o->ffjord.sd = run->sd;
    o->ffjord.n_mean = o->ffjord.n_sd = run->mean ? o->ffjord.dim : 0;
    if (o->preset == PRESET_FFJORD_IMAGES) {
        o->ffjord.height = run->shape.height;
        o->ffjord.width = run->shape.width;
        o->ffjord.channels = run->shape.channels;
        o->ffjord.alpha = isfinite(o->alpha) ? o->alpha : 0.0;
    }
    return nf_flow_create_ffjord(out, run->context, &o->ffjord);
}

/* The four recipes for tables. */
static nf_table_config *table_config(train_run *run, train_options *o)
{
    const int64_t dim = nf_dataset_dim(run->train);

    o->table.dim = dim;
    o->table.cond_dim = nf_dataset_cond_dim(run->train);
    o->table.mean = run->mean;
    o->table.sd = run->sd;
    o->table.n_mean = o->table.n_sd = run->mean ? dim : 0;
    o->table.kind = run->kinds.kind;
    o->table.low = run->kinds.low;
    o->table.high = run->kinds.high;
    o->table.n_kind = o->table.n_low = o->table.n_high = run->kinds.kind ? dim : 0;
    return &o->table;
}
static nf_status create_nsf(nf_flow **out, train_run *run, train_options *o) { return nf_flow_create_nsf(out, run->context, table_config(run, o)); }
static nf_status create_maf(nf_flow **out, train_run *run, train_options *o) { return nf_flow_create_maf(out, run->context, table_config(run, o)); }
static nf_status create_iaf(nf_flow **out, train_run *run, train_options *o) { return nf_flow_create_iaf(out, run->context, table_config(run, o)); }
static nf_status create_nice(nf_flow **out, train_run *run, train_options *o) { return nf_flow_create_nice(out, run->context, table_config(run, o)); }
#define TABLE_OPTIONS "layers,hidden,activation,mix,columns_kind,no_standardise,standardise_all,robust"

static const architecture architectures[] = {
    { "realnvp", 0, PRESET_DEFAULT, PRESET_BOOK, create_realnvp,
      "preset,layers,hidden,activation,mask,scale,separate,actnorm,weights,bound,no_standardise,standardise_all,robust" },
    { "glow", 1, PRESET_IMAGES, PRESET_IMAGES, create_glow, "coupling,scale,levels,steps,bits,linear,alpha,hidden_channels" },
    { "realnvp_image", 1, PRESET_IMAGES, PRESET_IMAGES, create_realnvp_image, "levels,blocks,bits,alpha,hidden_channels" },
    { "ffjord", 0, PRESET_TOY, PRESET_FFJORD_IMAGES, create_ffjord,
      "preset,blocks,hidden,activation,time,solver,trace,probe,probes,end_time,end_time_fixed,rtol,atol,step,max_steps,gradient,kinetic,jacobian,"
      "no_standardise,standardise_all,robust,levels,bits,alpha" },
    { "nsf", 0, PRESET_TABLES, PRESET_TABLES, create_nsf, TABLE_OPTIONS ",bins,bound" },
    { "maf", 0, PRESET_TABLES, PRESET_TABLES, create_maf, TABLE_OPTIONS ",transform,bins,bound" },
    { "iaf", 0, PRESET_TABLES, PRESET_TABLES, create_iaf, TABLE_OPTIONS ",transform,bins,bound" },
    { "nice", 0, PRESET_TABLES, PRESET_TABLES, create_nice, TABLE_OPTIONS },
};
enum { REALNVP = 1, GLOW = 2, REALNVP_IMAGE = 3, FFJORD = 4, NSF = 5, N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

/* Optimizers: which config they take. */
static const struct { const char *name; size_t offset; } optimizers[] = {
    { "adam", offsetof(train_options, adam) },
    { "adamw", offsetof(train_options, adam) },
    { "adamax", offsetof(train_options, adam) },
    { "sgd", offsetof(train_options, sgd) },
};

static void train_notes(void)
{
    printf("A preset sets what is not given:\n");
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        printf("  %-10s%s%s%s", presets[i].name, presets[i].arch ? "(" : "", presets[i].arch ? presets[i].arch : "", presets[i].arch ? ")" : "");
        for (const preset_value *v = presets[i].values; v->option; v++) {
            printf(" --");
            for (const char *c = v->option; *c; c++)
                putchar(*c == '_' ? '-' : *c);
            printf(" %s", v->value);
        }
        putchar('\n');
    }
}

static const architecture *arch_of(const train_options *o)
{
    return &architectures[o->arch - 1];
}

static const preset *preset_of(const train_options *o)
{
    return &presets[o->preset - 1];
}

/* The flow takes pixels. */
static int takes_images(const train_options *o)
{
    return arch_of(o)->images || o->preset == PRESET_FFJORD_IMAGES;
}

static int apply_preset(options *set, const train_options *o)
{
    const preset *p = preset_of(o);

    for (const preset_value *v = p->values; v->option; v++) {
        const int code = options_default(set, v->option, v->value);
        if (code) return code;
    }
    return CODE_OK;
}

/* Refuses the options of other architectures that this one does not know. */
static int check_own(const options *set, const train_options *o)
{
    char name[64];

    for (int i = 0; i < N_ARCHITECTURES; i++)
        for (const char *at = architectures[i].own; *at; at += strspn(at, ",")) {
            const int length = (int)strcspn(at, ",");
            snprintf(name, sizeof name, "%.*s", length, at);
            at += length;
            if (!options_given(set, name) || options_listed(arch_of(o)->own, name)) continue;
            for (char *c = name; *c; c++)
                if (*c == '_') *c = '-';
            return tool_usage(&command_train, "--%s: not an option of --arch %s", name, arch_of(o)->name);
        }
    return CODE_OK;
}

/* The architecture's first preset, or for images its last, unless one was asked for, which must be its own. */
static int choose_preset(const train_run *run, train_options *o)
{
    const architecture *a = arch_of(o);
    char known[80] = "";
    size_t used = 0;

    if (!o->preset) o->preset = o->arch == FFJORD && run->shape.height ? a->last : a->first;
    if (o->preset >= a->first && o->preset <= a->last) return CODE_OK;
    for (int32_t i = a->first; i <= a->last; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == a->first ? "" : i == a->last ? " and " : ", ", presets[i - 1].name);
    return tool_usage(&command_train, "--preset: %s is not one of --arch %s, which has %s", presets[o->preset - 1].name, a->name, known);
}

/* What continuous flows of images alone take. */
static int check_image_options(const options *set, const train_options *o)
{
    static const char *const names[] = { "levels", "bits", "alpha" };

    if (o->arch != FFJORD || o->preset == PRESET_FFJORD_IMAGES) return CODE_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (options_given(set, names[i]))
            return tool_usage(&command_train, "--%s: not an option of --arch ffjord with --preset %s: it is of images", names[i],
                              presets[o->preset - 1].name);
    return CODE_OK;
}

/* Architectures but glow have no pixels without a logit. */
static int check_alpha(const train_options *o)
{
    if (!isfinite(o->alpha) || o->alpha > 0.0 || o->arch == GLOW || (o->arch == FFJORD && o->ffjord.bits == NF_GLOW_REAL)) return CODE_OK;
    return tool_usage(&command_train, "--alpha: 0 is no logit, which --arch %s needs; above 0 to 0.25", arch_of(o)->name);
}

/* Which architecture, and what follows from it: known as soon as the data are read. */
static int choose_architecture(train_run *run, train_options *o)
{
    int code;

    if (!o->arch) o->arch = run->shape.height ? GLOW : table_density(run->data_name) || o->preset ? REALNVP : NSF;
    if ((code = check_own(run->set, o))) return code;
    if ((code = choose_preset(run, o))) return code;
    if (takes_images(o) && !run->shape.height)
        return tool_usage(&command_train, "--arch %s: %s does not tell the shape of its images: give --height, --width and --channels",
                          arch_of(o)->name, run->data_name);
    if (takes_images(o)) o->no_standardise = 1;
    if ((code = check_image_options(run->set, o))) return code;
    if ((code = check_alpha(o))) return code;
    if (o->preset == PRESET_TABLES && (code = table_size(run->set, nf_dataset_rows(run->all), nf_dataset_dim(run->all)))) return code;
    return apply_preset(run->set, o);
}

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
    if (!(held_out * (double)nf_dataset_rows(run->all) >= 0.5))
        return tool_usage(&command_train, "--val: %g of %lld rows is none; hold out more, or nothing with --val 0", held_out,
                          (long long)nf_dataset_rows(run->all));
    status = nf_dataset_split(run->all, 1.0 - held_out, density ? UINT64_MAX : o->seed, &run->train, &run->valid);
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* Mean and sd of each column, refused in the library's words when a column is constant or not finite. */
static int measure_columns(train_run *run, const train_options *o, const nf_dataset *data)
{
    const int64_t dim = nf_dataset_dim(data);
    nf_layer *layer = NULL;
    nf_status status = nf_standardise_from_dataset(&layer, run->context, data, o->robust);

    nf_layer_unref(layer);
    if (status < 0) return tool_library_failed(status);
    run->mean = malloc(2 * (size_t)dim * sizeof *run->mean);
    if (!run->mean) return tool_fail("out of memory");
    run->sd = run->mean + dim;
    for (int64_t j = 0; j < dim; j++) {
        nf_column_report column = { .struct_size = sizeof column };
        if ((status = nf_dataset_check(data, j, &column)) < 0) return tool_library_failed(status);
        run->mean[j] = o->robust ? column.median : column.mean;
        run->sd[j] = o->robust ? 1.4826 * column.mad : column.sd;
        run->log_sd += log(run->sd[j]);
    }
    return CODE_OK;
}

/* Of columns that are not plain real numbers what is measured is what their kinds make of them. */
static int measure(train_run *run, const train_options *o)
{
    const nf_dataset *data = o->standardise_all || preset_of(o)->standardise_all ? run->all : run->train;
    nf_dataset *mapped = NULL;
    int code;

    if (!run->kinds.kind) return measure_columns(run, o, data);
    code = table_kinds_apply(&mapped, run->context, data, &run->kinds, o->seed);
    if (!code) code = measure_columns(run, o, mapped);
    nf_dataset_unref(mapped);
    return code;
}

static int read_data(train_run *run, train_options *o)
{
    const density_source density = { .rows = o->rows, .noise = o->noise, .seed = o->seed };
    int code = table_read(&run->all, run->context, run->data_name, &o->common.read, &density);

    if (!code) code = tool_image_shape(&command_train, run->all, &o->images, &run->shape);
    if (!code) code = choose_architecture(run, o);
    if (!code) code = split(run, o);
    if (!code && o->columns_kind) code = table_kinds_read(&run->kinds, run->all, o->columns_kind);
    if (!code && !o->no_standardise) code = measure(run, o);
    return code;
}

/* The shape of the rows: the data's, or what the flow's layers take them for. */
static int create_flow(train_run *run, train_options *o)
{
    const nf_status status = arch_of(o)->create(&run->flow, run, o);

    if (status < 0) return tool_library_failed(status);
    return run->shape.height ? CODE_OK : tool_model_image_shape(&command_train, run->flow, &o->images, &run->shape);
}

/* What is about to be trained, before the wait. */
static void print_plan(const train_run *run, const train_options *o)
{
    nf_step_memory_report m = { .struct_size = sizeof m };
    const int64_t rows = nf_dataset_rows(run->train), batch = o->fit.batch < rows ? o->fit.batch : rows;
    const double mib = 1048576.0;

    if (!takes_images(o) || o->common.quiet || o->common.json || nf_flow_step_memory(run->flow, batch, &m) < 0) return;
    printf("%s of %lld x %lld x %lld: %lld parameters\n", arch_of(o)->name, (long long)run->shape.height, (long long)run->shape.width,
           (long long)run->shape.channels, (long long)nf_flow_param_count(run->flow));
    printf("a step of %lld images takes %.1f MiB: weights %.1f, gradients %.1f, inputs %.1f, hidden %.1f%s, scratch %.1f\n", (long long)batch,
           (double)m.total / mib, (double)m.params / mib, (double)m.gradients / mib, (double)m.inputs / mib, (double)m.hidden / mib,
           m.recompute ? " (computed twice)" : "", (double)m.scratch / mib);
    fflush(stdout);
}

static int create_optimizer(train_run *run, train_options *o)
{
    const void *config = (const char *)o + optimizers[o->optimizer - 1].offset;
    const nf_status status = nf_optimizer_create(&run->optimizer, run->context, optimizers[o->optimizer - 1].name, config);

    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

/* Bits per dimension; NaN for rows that are no images. */
static double bits(const train_run *run, double nll)
{
    return run->shape.height ? nll / ((double)nf_flow_dim(run->flow) * log(2.0)) : (double)NAN;
}

/* Room for the losses of every epoch. 0, or -1 after a message. */
static int curve_begin(train_run *run, const train_options *o)
{
    const size_t epochs = (size_t)(o->fit.epochs > 0 ? o->fit.epochs : CURVE_EPOCHS);
    nf_fit_report *r = &run->report;

    if (!o->curve) return 0;
    r->curve_train = malloc(epochs * sizeof(double));
    r->curve_valid = malloc(epochs * sizeof(double));
    r->curve_capacity = (int64_t)epochs;
    return r->curve_train && r->curve_valid ? 0 : (tool_fail("out of memory"), -1);
}

/* A loss as the curve has it: bits per dimension of images, else nats a row in the units of the data; that of flow matching as it is. */
static double curve_value(const train_run *run, const train_options *o, double loss)
{
    if (o->fit.objective == NF_OBJECTIVE_FLOW_MATCHING) return loss;
    return run->shape.height ? bits(run, loss + run->line.shift) : loss + run->line.shift;
}

/* Writes them. A file that cannot be written does not lose the model. */
static void curve_end(train_run *run, const train_options *o)
{
    nf_fit_report *r = &run->report;
    FILE *file = o->curve ? fopen(o->curve, "w") : NULL;

    if (o->curve && !file) tool_fail("%s: cannot be written", o->curve);
    if (file) fprintf(file, "epoch,train,valid\n");
    for (int64_t i = 0; file && i < r->curve_count; i++)
        fprintf(file, "%lld,%.9g,%.9g\n", (long long)i + 1, curve_value(run, o, r->curve_train[i]), curve_value(run, o, r->curve_valid[i]));
    if (file && fclose(file)) tool_fail("%s: could not be written", o->curve);
    free(r->curve_train);
    free(r->curve_valid);
    r->curve_train = r->curve_valid = NULL;
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
    if (curve_begin(run, o)) return CODE_FAILED;
    status = nf_flow_fit(run->flow, run->optimizer, run->train, run->valid, &o->fit, &run->report);
    progress_end(&run->line);
    curve_end(run, o);
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

static double entropy(const train_run *run, const train_options *o)
{
    const char *name = table_density(run->data_name);

    return name ? nf_dataset_synthetic_entropy(name, o->noise) : (double)NAN;
}

static void print_json(const train_run *run, const train_options *o)
{
    const nf_fit_report *r = &run->report;
    const double valid = run->valid ? r->valid_nll : (double)NAN, h = entropy(run, o);
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", o->output);
    nft_json_string(&w, "data", run->data_name);
    nft_json_string(&w, "arch", arch_of(o)->name);
    nft_json_string(&w, "preset", preset_of(o)->name);
    nft_json_string(&w, "objective", o->fit.objective == NF_OBJECTIVE_FLOW_MATCHING ? "flow-matching" : "likelihood");
    nft_json_integer(&w, "rows_train", nf_dataset_rows(run->train));
    nft_json_integer(&w, "rows_valid", nf_dataset_rows(run->valid));
    nft_json_number(&w, "train_nll", r->train_nll);
    nft_json_number(&w, "valid_nll", valid);
    nft_json_number(&w, "train_nll_standardised", r->train_nll - run->log_sd);
    nft_json_number(&w, "valid_nll_standardised", valid - run->log_sd);
    nft_json_number(&w, "train_bits", bits(run, r->train_nll));
    nft_json_number(&w, "valid_bits", bits(run, valid));
    nft_json_number(&w, "entropy", h);
    nft_json_number(&w, "entropy_standardised", h - run->log_sd);
    nft_json_number(&w, "gaussian_valid_nll", run->gaussian);
    if (isfinite(run->gaussian))
        nft_json_flag(&w, "beats_gaussian", valid < run->gaussian);
    else
        nft_json_string(&w, "beats_gaussian", NULL);
    nft_json_integer(&w, "epochs", r->epochs);
    nft_json_integer(&w, "best_epoch", r->best_epoch);
    nft_json_integer(&w, "steps", r->steps);
    nft_json_integer(&w, "skipped", r->skipped);
    nft_json_number(&w, "seconds", r->seconds);
    nft_json_integer(&w, "stopped", r->stopped);
    nft_json_integer(&w, "params", nf_flow_param_count(run->flow));
    nft_json_natural(&w, "seed", o->seed);
    nft_json_integer(&w, "threads", nf_context_threads(run->context));
    nft_json_end(&w);
}

static void print_losses(const train_run *run, double h)
{
    const nf_fit_report *r = &run->report;

    printf("%-22s %12s %14s\n", "NLL, nats a row", "data units", "standardised");
    printf("%-22s %12.4f %14.4f\n", "training rows", r->train_nll, r->train_nll - run->log_sd);
    if (run->valid) printf("%-22s %12.4f %14.4f\n", "held-out rows", r->valid_nll, r->valid_nll - run->log_sd);
    if (isfinite(h)) printf("%-22s %12.4f %14.4f\n", "entropy (the floor)", h, h - run->log_sd);
    if (!isfinite(run->gaussian)) return;
    printf("%-22s %12.4f %14.4f\n", "a Gaussian, held out", run->gaussian, run->gaussian - run->log_sd);
    if (r->valid_nll < run->gaussian)
        printf("better than the full-covariance Gaussian by %.4f nats a row\n", run->gaussian - r->valid_nll);
    else
        printf("NOT better than the full-covariance Gaussian: worse by %.4f nats a row; it is the better model of these rows\n",
               r->valid_nll - run->gaussian);
}

static void print_image_losses(const train_run *run)
{
    const nf_fit_report *r = &run->report;

    printf("%-22s %12s %14s\n", "NLL", "bits/dim", "nats an image");
    printf("%-22s %12.4f %14.4f\n", "training images", bits(run, r->train_nll), r->train_nll);
    if (run->valid) printf("%-22s %12.4f %14.4f\n", "held-out images", bits(run, r->valid_nll), r->valid_nll);
}

static void print_summary(const train_run *run, const train_options *o)
{
    const nf_fit_report *r = &run->report;

    if (run->shape.height)
        print_image_losses(run);
    else
        print_losses(run, entropy(run, o));
    printf("%lld epochs in %.1f s, best %lld; %lld parameters", (long long)r->epochs, r->seconds, (long long)r->best_epoch,
           (long long)nf_flow_param_count(run->flow));
    if (r->skipped) printf("; %lld steps skipped", (long long)r->skipped);
    printf("\nsaved as %s\n", o->output);
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
    print_plan(run, o);
    if ((code = fit(run, o, &fit_code))) return code;
    fit_gaussian(run);
    if ((status = nf_flow_save(run->flow, o->output)) < 0) return tool_file_failed(status, o->output);
    if (o->common.json)
        print_json(run, o);
    else if (!o->common.quiet)
        print_summary(run, o);
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
    table_kinds_free(&run->kinds);
}

static int parse(options **set, train_options *o, int argc, char **argv, int *first)
{
    const option_group groups[] = {
        { .title = "Training", .target = o, .fields = train_fields, .n_fields = sizeof train_fields / sizeof *train_fields },
        { .title = "RealNVP", .target = &o->realnvp, .config = "realnvp", .skip = "preset,dim,cond_dim,mean,sd",
          .decided = "layers,hidden,activation,separate,actnorm,weights,bound" },
        { .title = "GLOW", .target = &o->glow, .config = "glow", .skip = "height,width,channels,cond_dim,hidden,noise,temperature,alpha" },
        { .title = "RealNVP on images", .target = &o->realnvp_image, .config = "realnvp_image",
          .skip = "height,width,channels,cond_dim,hidden,blocks,noise,bits,alpha" },
        { .title = "FFJORD, besides --hidden and --activation", .target = &o->ffjord, .config = "ffjord", .skip = "preset,dim,cond_dim,blocks,mean,sd,height,width,channels,noise,alpha",
          .decided = "hidden,activation,time,trace,end_time,rtol,atol" },
        { .title = "Tables: nsf, maf, iaf, nice, besides --layers, --hidden, --activation, --bound", .target = &o->table, .config = "table",
          .skip = "dim,cond_dim,mean,sd,kind,low,high,alpha,noise", .decided = "layers,hidden,activation,mix,bins,bound" },
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
