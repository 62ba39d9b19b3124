/* SPDX-License-Identifier: MIT
 *
 * architectures.c - what nflow train can make: architectures, their presets, and which of them the data ask for
 */
#include "train.h"
#include <stdio.h>
#include <string.h>

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

/* Conditions and their figures, in any of the configs. */
#define TAKE_CONDITIONS(config, run)                                                                                   \
    ((config)->cond_dim = nf_dataset_cond_dim((run)->train), (config)->cond_mean = (run)->cond_mean, (config)->cond_sd = (run)->cond_sd, \
     (config)->n_cond_mean = (config)->n_cond_sd = (run)->cond_mean ? (config)->cond_dim : 0)

static nf_status create_realnvp(nf_flow **out, train_run *run, train_options *o)
{
    o->realnvp.preset = o->preset;
    o->realnvp.dim = nf_dataset_dim(run->train);
    TAKE_CONDITIONS(&o->realnvp, run);
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
    TAKE_CONDITIONS(&o->glow, run);
    o->glow.hidden = o->hidden_channels;
    o->glow.alpha = isfinite(o->alpha) ? o->alpha : o->glow.bits == NF_GLOW_REAL ? 0.0 : glow_alpha;
    return nf_flow_create_glow(out, run->context, &o->glow);
}

static nf_status create_realnvp_image(nf_flow **out, train_run *run, train_options *o)
{
    o->realnvp_image.height = run->shape.height;
    o->realnvp_image.width = run->shape.width;
    o->realnvp_image.channels = run->shape.channels;
    TAKE_CONDITIONS(&o->realnvp_image, run);
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
    TAKE_CONDITIONS(&o->ffjord, run);
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
    TAKE_CONDITIONS(&o->table, run);
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
enum { N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

void train_notes(void)
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

const architecture *train_architecture(const train_options *o)
{
    return &architectures[o->arch - 1];
}

const preset *train_preset(const train_options *o)
{
    return &presets[o->preset - 1];
}

int train_takes_images(const train_options *o)
{
    return train_architecture(o)->images || o->preset == PRESET_FFJORD_IMAGES;
}

static int apply_preset(options *set, const train_options *o)
{
    const preset *p = train_preset(o);

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
            if (!options_given(set, name) || options_listed(train_architecture(o)->own, name)) continue;
            for (char *c = name; *c; c++)
                if (*c == '_') *c = '-';
            return tool_usage(&command_train, "--%s: not an option of --arch %s", name, train_architecture(o)->name);
        }
    return CODE_OK;
}

/* The architecture's first preset, or for images its last, unless one was asked for, which must be its own. */
static int choose_preset(const train_run *run, train_options *o)
{
    const architecture *a = train_architecture(o);
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
    return tool_usage(&command_train, "--alpha: 0 is no logit, which --arch %s needs; above 0 to 0.25", train_architecture(o)->name);
}

int train_choose(train_run *run, train_options *o)
{
    int code;

    if (!o->arch) o->arch = run->shape.height ? GLOW : table_density(run->data_name) || o->preset ? REALNVP : NSF;
    if ((code = check_own(run->set, o))) return code;
    if ((code = choose_preset(run, o))) return code;
    if (train_takes_images(o) && !run->shape.height)
        return tool_usage(&command_train, "--arch %s: %s does not tell the shape of its images: give --height, --width and --channels",
                          train_architecture(o)->name, run->data_name);
    if (train_takes_images(o)) o->no_standardise = 1;
    if ((code = check_image_options(run->set, o))) return code;
    if ((code = check_alpha(o))) return code;
    if (o->preset == PRESET_TABLES && (code = table_size(run->set, nf_dataset_rows(run->all), nf_dataset_dim(run->all)))) return code;
    return apply_preset(run->set, o);
}
