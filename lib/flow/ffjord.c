/* SPDX-License-Identifier: MIT
 *
 * ffjord.c - the FFJORD recipe
 *
 *   tables   x -> [standardise] -> cnf x blocks -> N(0, I)
 *   images   x -> dequantise -> logit -> level 1 .. levels -> N(0, I)
 *            level: cnf x blocks -> squeeze -> cnf x blocks -> split;  last level: cnf x blocks
 *
 * Ref: Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, "FFJORD", arXiv:1810.01367. Preset "toy" is what the paper's code uses for
 * points in the plane, "tabular" what it uses for tables, with Rademacher probes for Gaussian ones, since their estimates vary less;
 * "images" what it uses for images, where time is a number of a channel and not a plane beside it, which differs at borders alone.
 */
#include "core/status.h"
#include "flow/recipe.h"
#include <nflow/continuous.h>
#include <stddef.h>

static const char ffjord_function[] = "nf_flow_create_ffjord";

#define FFJORD_WIDTH 20        /* of a hidden layer, times the columns ... */
#define FFJORD_WIDTH_MOST 1024 /* ... and no more than that */
#define FFJORD_LEVELS 16
#define FFJORD_USUAL_LEVELS 3
#define FFJORD_SIDE 4          /* the shortest of an image that is not halved further unless asked to */
#define FFJORD_ALPHA 1e-6

/* Zero where the preset decides. */
#define FFJORD_FIELD(member, kind, properties, fallback, min, max, choices, help)                                      \
    NFI_FIELD(nf_ffjord_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field ffjord_fields[] = {
    FFJORD_FIELD(preset, NF_FIELD_CHOICE, 0, NF_FFJORD_TOY, 1, 3, "toy,tabular,images", "what the other fields default to"),
    FFJORD_FIELD(dim, NF_FIELD_I64, 0, 0, 0, 16777216, NULL, "columns of the data; of images 0, or all their numbers"),
    FFJORD_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, 16777216, NULL, "conditioning columns"),
    FFJORD_FIELD(blocks, NF_FIELD_I64, 0, 0, 0, 1024, NULL,
                 "continuous layers, one after the other; of images, before and after each halving; 0: the preset's"),
    NFI_ARRAY(nf_ffjord_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,
              "widths of the hidden layers, of images channels; empty: the preset's, a single 0: none"),
    FFJORD_FIELD(activation, NF_FIELD_CHOICE, 0, 0, 0, 6, "relu,leaky_relu,tanh,softplus,silu,elu",
                 "activation of the networks: one with a second derivative"),
    FFJORD_FIELD(time, NF_FIELD_CHOICE, 0, 0, 0, 3, "ignore,concat,concat_squash", "how the networks see the time"),
    FFJORD_FIELD(solver, NF_FIELD_CHOICE, 0, NF_ODE_DOPRI5, 1, 6, "dopri5,tsit5,bosh3,rk4,midpoint,euler", "integrator"),
    FFJORD_FIELD(trace, NF_FIELD_CHOICE, 0, 0, 0, 4, "auto,exact,hutchinson,hutchinson_train", "how the trace is found"),
    FFJORD_FIELD(probe, NF_FIELD_CHOICE, 0, NF_PROBE_RADEMACHER, 1, 2, "rademacher,gaussian", "distribution of Hutchinson's probes"),
    FFJORD_FIELD(probes, NF_FIELD_I64, 0, 1, 1, 1024, NULL, "probes of a row"),
    FFJORD_FIELD(end_time_fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "the end time is not trained"),
    FFJORD_FIELD(max_steps, NF_FIELD_I64, 0, 1000, 1, 1000000, NULL, "most steps of a row"),
    FFJORD_FIELD(end_time, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "initial end time; 0: the preset's"),
    FFJORD_FIELD(rtol, NF_FIELD_F64, 0, 0, 0, 1, NULL, "relative tolerance; 0: the preset's"),
    FFJORD_FIELD(atol, NF_FIELD_F64, 0, 0, 0, 1, NULL, "absolute tolerance; 0: the preset's"),
    FFJORD_FIELD(step, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "length of a fixed step, or of the first one; 0: chosen"),
    FFJORD_FIELD(gradient, NF_FIELD_CHOICE, 0, NF_GRADIENT_DISCRETE, 1, 2, "discrete,adjoint", "what gradients are of: the steps taken, or the equation"),
    FFJORD_FIELD(kinetic, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "weight of the kinetic energy in the loss"),
    FFJORD_FIELD(jacobian, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "weight of the Jacobian's squared norm in the loss"),
    FFJORD_FIELD(dtype, NF_FIELD_CHOICE, 0, NF_F32, 1, 2, "f32,f64", "precision"),
    FFJORD_FIELD(seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "seed of the initial weights and of the probes"),
    NFI_ARRAY(nf_ffjord_config, mean, n_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -1.7e308, 1.7e308, "means to subtract first"),
    NFI_ARRAY(nf_ffjord_config, sd, n_sd, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, 1e-300, 1.7e308, "standard deviations to divide by first"),
    FFJORD_FIELD(height, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "pixels downwards, of images"),
    FFJORD_FIELD(width, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "pixels across"),
    FFJORD_FIELD(channels, NF_FIELD_I64, 0, 0, 0, 4096, NULL, "numbers a pixel"),
    FFJORD_FIELD(levels, NF_FIELD_I64, 0, 0, 0, FFJORD_LEVELS, NULL,
                 "levels of images; 0: as many as height and width allow without falling below 4, at most 3"),
    FFJORD_FIELD(bits, NF_FIELD_I32, 0, 8, 1, NF_GLOW_REAL, NULL, "bits of a value, 1 to 8; 17: values are real numbers"),
    FFJORD_FIELD(noise, NF_FIELD_CHOICE, 0, NF_NOISE_ALWAYS, 1, 2, "always,training", "when noise spreads the values"),
    FFJORD_FIELD(alpha, NF_FIELD_F64, 0, 0, 0, 0.25, NULL, "margin of the logit; 0: 1e-6, of real numbers none"),
    NFI_CONDITION_FIELDS(nf_ffjord_config),
};
const nfi_config_type nfi_ffjord_config_type = { "ffjord", sizeof(nf_ffjord_config), sizeof(nf_ffjord_config), ffjord_fields,
                                                 sizeof ffjord_fields / sizeof *ffjord_fields };

static const struct ffjord_preset {
    int64_t blocks, n_hidden, hidden[3]; /* hidden 0: FFJORD_WIDTH dim */
    int32_t activation, time, trace;
    double end_time, rtol, atol;
} ffjord_presets[] = {
    [NF_FFJORD_TOY] = { 1, 3, { 64, 64, 64 }, NF_ACTIVATION_TANH, NF_TIME_SQUASH, NF_TRACE_EXACT, 0.5, 1e-5, 1e-5 },
    [NF_FFJORD_TABULAR] = { 1, 2, { 0, 0 }, NF_ACTIVATION_SOFTPLUS, NF_TIME_SQUASH, NF_TRACE_AUTO, 1.0, 1e-6, 1e-8 },
    [NF_FFJORD_IMAGES] = { 2, 3, { 64, 64, 64 }, NF_ACTIVATION_SOFTPLUS, NF_TIME_CONCAT, NF_TRACE_AUTO, 1.0, 1e-5, 1e-5 },
};

void nf_ffjord_config_init(nf_ffjord_config *config)
{
    if (config) *config = (nf_ffjord_config)NF_FFJORD_CONFIG_INIT;
}

/* hidden [3]: room for the widths that the preset has. */
static void ffjord_apply_preset(nf_ffjord_config *c, int64_t *hidden)
{
    const struct ffjord_preset *preset = &ffjord_presets[c->preset];

    if (!c->n_hidden) {
        for (int64_t i = 0; i < preset->n_hidden; i++)
            hidden[i] = preset->hidden[i] ? preset->hidden[i] : nfi_min(FFJORD_WIDTH * c->dim, FFJORD_WIDTH_MOST);
        c->hidden = hidden;
        c->n_hidden = preset->n_hidden;
    }
    if (!c->blocks) c->blocks = preset->blocks;
    if (!c->activation) c->activation = preset->activation;
    if (!c->time) c->time = preset->time;
    if (!c->trace) c->trace = preset->trace;
    if (c->end_time == 0.0) c->end_time = preset->end_time;
    if (c->rtol == 0.0) c->rtol = preset->rtol;
    if (c->atol == 0.0) c->atol = preset->atol;
}

static nf_status ffjord_check_table(nf_ffjord_config *c)
{
    if (!c->dim) return nfi_fail(NF_ERR_ARG, "%s: dim is required", ffjord_function);
    if (c->height || c->width || c->channels || c->levels)
        return nfi_fail(NF_ERR_ARG, "%s: height is %lld, width %lld, channels %lld, levels %lld: they are of preset images (%d), this is %d",
                        ffjord_function, (long long)c->height, (long long)c->width, (long long)c->channels, (long long)c->levels,
                        NF_FFJORD_IMAGES, (int)c->preset);
    return nfi_recipe_check_standardise(ffjord_function, c->dim, c->n_mean, c->n_sd);
}

static int64_t ffjord_usual_levels(const nfi_image *m)
{
    int64_t n = 1;
    while (n < FFJORD_USUAL_LEVELS && nfi_min(m->height, m->width) >> n >= FFJORD_SIDE) n++;
    return n;
}

static nf_status ffjord_check_images(nf_ffjord_config *c)
{
    const nfi_image image = { c->height, c->width, c->channels };
    const int64_t dim = nfi_image_dim(&image);
    nf_status status;

    if (dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: %s is required with preset images", ffjord_function, !c->height ? "height" : !c->width ? "width" : "channels");
    if (c->dim && c->dim != dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: dim is %lld, must be 0 or height times width times channels, %lld", ffjord_function, (long long)c->dim,
                        (long long)dim);
    if (c->n_mean || c->n_sd)
        return nfi_fail(NF_ERR_ARG, "%s: n_mean is %lld and n_sd %lld, must be 0 with preset images: pixels are not standardised", ffjord_function,
                        (long long)c->n_mean, (long long)c->n_sd);
    if (c->cond_dim)
        return nfi_fail(NF_ERR_ARG, "%s: cond_dim is %lld, must be 0 with preset images: convolutions take no condition", ffjord_function,
                        (long long)c->cond_dim);
    if ((status = nfi_recipe_check_bits(ffjord_function, c->bits))) return status;
    if (c->alpha == 0.0 && c->bits != NF_GLOW_REAL) c->alpha = FFJORD_ALPHA;
    c->dim = dim;
    return nfi_recipe_levels(ffjord_function, &image, nfi_image_halvings(&image, FFJORD_LEVELS - 1) + 1, ffjord_usual_levels(&image), &c->levels);
}

/* m: what the rows are images of; all 0: of nothing. */
static nf_status ffjord_blocks(nfi_recipe *recipe, const nf_ffjord_config *c, const nfi_image *m)
{
    const nf_cnf_config cnf = { .struct_size = sizeof cnf, .solver = c->solver, .dim = m->height ? nfi_image_dim(m) : c->dim,
                                .cond_dim = c->cond_dim, .activation = c->activation, .time = c->time, .trace = c->trace, .probe = c->probe,
                                .probes = c->probes, .end_time_fixed = c->end_time_fixed, .end_time = c->end_time, .rtol = c->rtol,
                                .atol = c->atol, .step = c->step, .max_steps = c->max_steps, .kinetic = c->kinetic, .jacobian = c->jacobian, .gradient = c->gradient,
                                .hidden = c->hidden, .n_hidden = c->n_hidden, .height = m->height, .width = m->width,
                                .channels = m->channels };
    nf_status status = NF_OK;
    for (int64_t i = 0; i < c->blocks && !status; i++) status = nfi_recipe_add(recipe, "cnf", &cnf);
    return status;
}

static nf_status ffjord_level(nfi_recipe *recipe, const nf_ffjord_config *c, nfi_image *m)
{
    nf_status status = ffjord_blocks(recipe, c, m);
    if (!status) status = nfi_recipe_squeeze(recipe, m, NF_SQUEEZE_ROWS);
    if (!status) status = ffjord_blocks(recipe, c, m);
    return status ? status : nfi_recipe_split(recipe, m);
}

static nf_status ffjord_layers(nfi_recipe *recipe, const nf_ffjord_config *c)
{
    nfi_image image = { c->height, c->width, c->channels };
    nf_status status = image.height ? nfi_recipe_pixels(recipe, &image, c->bits, c->noise, c->alpha)
                                    : nfi_recipe_standardise(recipe, c->dim, c->mean, c->n_mean, c->sd, c->n_sd);
    for (int64_t l = 0; l + 1 < c->levels && !status; l++) status = ffjord_level(recipe, c, &image);
    return status ? status : ffjord_blocks(recipe, c, &image);
}

static int64_t ffjord_most(const nf_ffjord_config *c)
{
    const int64_t halvings = nfi_max(c->levels - 1, 0), front = c->preset == NF_FFJORD_IMAGES ? 2 : 1;
    return front + c->blocks + halvings * (2 * c->blocks + 2);
}

nf_status nf_flow_create_ffjord(nf_flow **out, nf_context *context, const nf_ffjord_config *config)
{
    int64_t hidden[3];
    nfi_recipe recipe;
    nf_base *base = NULL;
    nf_ffjord_config c;
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", ffjord_function);
    *out = NULL;
    if ((status = nfi_context_check(context, ffjord_function))) return status;
    if ((status = nfi_config_resolve(&nfi_ffjord_config_type, config, &c, ffjord_function))) return status;
    ffjord_apply_preset(&c, hidden);
    nf_flow_config flow = NFI_RECIPE_FLOW(&c);
    if ((status = nfi_recipe_condition(&flow, &c.cond_dim, context, ffjord_function))) return status;
    if ((status = (c.preset == NF_FFJORD_IMAGES ? ffjord_check_images : ffjord_check_table)(&c))) return status;
    if ((status = nfi_recipe_begin(&recipe, context, ffjord_most(&c), ffjord_function))) return status;

    status = ffjord_layers(&recipe, &c);
    if (!status) status = nf_base_normal_create(&base, context, c.dim);
    return nfi_recipe_end(&recipe, status, out, &flow, base);
}
