/* SPDX-License-Identifier: MIT
 *
 * glow.c - the GLOW recipe
 *
 *   x -> dequantise [-> logit] -> level 1 .. levels -> N(0, I)
 *   level: squeeze -> (actnorm -> 1x1 convolution -> coupling of channels) x steps -> prior -> split, at the last level without split
 *
 * A prior is a coupling with a linear network: of what a split lets go, given what goes on; at the last level of everything, given the
 * border and cond alone. z_b = (x_b + t) exp(s) being standard normal means that x_b is normal with mean -t and standard deviation
 * exp(-s): so z is whitened at every level, and one temperature serves all.
 *
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
#include "core/status.h"
#include "flow/recipe.h"
#include <stddef.h>

static const char glow_function[] = "nf_flow_create_glow";

#define GLOW_LEVELS 16 /* 2^16 is the largest side of an image */
#define GLOW_DEFAULT_LEVELS 3

#define GLOW_FIELD(member, kind, properties, fallback, min, max, choices, help)                                        \
    NFI_FIELD(nf_glow_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field glow_fields[] = {
    GLOW_FIELD(coupling, NF_FIELD_CHOICE, 0, NF_GLOW_AFFINE, 1, 2, "affine,additive", "form of the couplings"),
    GLOW_FIELD(height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "pixels downwards"),
    GLOW_FIELD(width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "pixels across"),
    GLOW_FIELD(channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 4096, NULL, "numbers a pixel"),
    GLOW_FIELD(levels, NF_FIELD_I64, 0, 0, 0, GLOW_LEVELS, NULL, "levels; 0: as many as height and width allow, at most 3"),
    GLOW_FIELD(steps, NF_FIELD_I64, 0, 8, 1, 1024, NULL, "steps of each level"),
    GLOW_FIELD(hidden, NF_FIELD_I64, 0, 128, 1, 65536, NULL, "channels of the networks' hidden stages"),
    GLOW_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "conditioning columns"),
    GLOW_FIELD(bits, NF_FIELD_I32, 0, 8, 1, NF_GLOW_REAL, NULL, "bits of a value, 1 to 8; 17: values are real numbers"),
    GLOW_FIELD(noise, NF_FIELD_CHOICE, 0, NF_NOISE_ALWAYS, 1, 2, "always,training", "when noise spreads the values"),
    GLOW_FIELD(linear, NF_FIELD_CHOICE, 0, NF_LINEAR_PLU, 1, 2, "plu,plain", "form of the 1x1 convolutions"),
    GLOW_FIELD(dtype, NF_FIELD_CHOICE, 0, NF_F32, 1, 2, "f32,f64", "precision"),
    GLOW_FIELD(seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "seed of the initial weights and of the noise"),
    GLOW_FIELD(alpha, NF_FIELD_F64, 0, 0, 0, 0.25, NULL, "margin of a logit behind the dequantisation; 0: no logit"),
    GLOW_FIELD(scale, NF_FIELD_CHOICE, 0, NF_SCALE_TANH, 1, 10, "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive,softplus_eps",
               "form of the log-scale of affine couplings"),
    NFI_ARRAY(nf_glow_config, temperature, n_temperature, NF_FIELD_F64_ARRAY, 0, 1e-30, 1e30,
              "factors of the temperature of samples at each level, the one next to the data first"),
    NFI_CONDITION_FIELDS(nf_glow_config),
};
const nfi_config_type nfi_glow_config_type = { "glow", sizeof(nf_glow_config), sizeof(nf_glow_config), glow_fields,
                                               sizeof glow_fields / sizeof *glow_fields };

void nf_glow_config_init(nf_glow_config *config)
{
    if (config) *config = (nf_glow_config)NF_GLOW_CONFIG_INIT;
}

static nf_status glow_check(nf_glow_config *c)
{
    const nfi_image image = { c->height, c->width, c->channels };
    const int64_t most = nfi_image_halvings(&image, GLOW_LEVELS);

    if (most == 0 || c->levels > most)
        return nfi_fail(NF_ERR_SHAPE, "%s: levels is %lld; height %lld and width %lld can be halved %lld times: pad the images", glow_function,
                        (long long)c->levels, (long long)c->height, (long long)c->width, (long long)most);
    if (c->levels == 0) c->levels = nfi_min(most, GLOW_DEFAULT_LEVELS);
    const nf_status status = nfi_recipe_check_bits(glow_function, c->bits);
    if (status) return status;
    if (c->n_temperature && c->n_temperature != c->levels)
        return nfi_fail(NF_ERR_SHAPE, "%s: n_temperature is %lld, must be 0 or levels, %lld", glow_function, (long long)c->n_temperature,
                        (long long)c->levels);
    return NF_OK;
}

/* A coupling with a network of 3 stages, or a prior. */
static nf_status glow_coupling(nfi_recipe *recipe, const nf_glow_config *c, const nfi_image *m, int32_t mask, int32_t net)
{
    const int32_t form = c->coupling == NF_GLOW_ADDITIVE ? NF_SCALE_ADDITIVE : c->scale;
    const nf_coupling_conv_config config = { .struct_size = sizeof config, .height = m->height, .width = m->width, .channels = m->channels,
                                             .cond_dim = c->cond_dim, .mask = mask, .net = net, .hidden = c->hidden,
                                             .scale = net == NF_CONV_LINEAR ? NF_SCALE_SOFTCLIP : form };
    return nfi_recipe_add(recipe, "coupling_conv", &config);
}

static nf_status glow_step(nfi_recipe *recipe, const nf_glow_config *c, const nfi_image *m)
{
    const nf_invconv_config invconv = { .struct_size = sizeof invconv, .form = c->linear, .height = m->height, .width = m->width,
                                        .channels = m->channels };
    nf_status status;

    if ((status = nfi_recipe_actnorm(recipe, m))) return status;
    if ((status = nfi_recipe_add(recipe, "invconv", &invconv))) return status;
    return glow_coupling(recipe, c, m, NF_IMAGE_MASK_CHANNELS, NF_CONV_GLOW);
}

/* m goes in and what reaches the next level comes out; *leaves: columns that are final after this level. */
static nf_status glow_level(nfi_recipe *recipe, const nf_glow_config *c, nfi_image *m, bool last, int64_t *leaves)
{
    nf_status status = nfi_recipe_squeeze(recipe, m, NF_SQUEEZE_ROWS);
    const int64_t all = nfi_image_dim(m);

    for (int64_t i = 0; i < c->steps && !status; i++) status = glow_step(recipe, c, m);
    if (!status) status = glow_coupling(recipe, c, m, last ? NF_IMAGE_MASK_ALL : NF_IMAGE_MASK_CHANNELS, NF_CONV_LINEAR);
    if (!status && !last) status = nfi_recipe_split(recipe, m);
    *leaves = last ? all : all - nfi_image_dim(m);
    return status;
}

/* A normal whose samples have the levels' temperatures; z holds the last level first. */
static nf_status glow_base(nf_base **out, const nf_glow_config *c, nf_context *context, const int64_t *leaves)
{
    int64_t columns[GLOW_LEVELS];
    double temperature[GLOW_LEVELS];
    nf_base_normal_config config = { .struct_size = sizeof config, .dim = c->height * c->width * c->channels };

    for (int64_t l = 0; l < c->n_temperature; l++) {
        columns[c->levels - 1 - l] = leaves[l];
        temperature[c->levels - 1 - l] = c->temperature[l];
    }
    config.n_columns = config.n_temperature = c->n_temperature;
    if (c->n_temperature) {
        config.columns = columns;
        config.temperature = temperature;
    }
    return nf_base_create(out, context, "normal", &config);
}

nf_status nf_flow_create_glow(nf_flow **out, nf_context *context, const nf_glow_config *config)
{
    int64_t leaves[GLOW_LEVELS];
    nfi_recipe recipe;
    nf_base *base = NULL;
    nf_glow_config c;
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", glow_function);
    *out = NULL;
    if ((status = nfi_context_check(context, glow_function))) return status;
    if ((status = nfi_config_resolve(&nfi_glow_config_type, config, &c, glow_function))) return status;
    nf_flow_config flow = NFI_RECIPE_FLOW(&c);
    if ((status = nfi_recipe_condition(&flow, &c.cond_dim, context, glow_function))) return status;
    if ((status = glow_check(&c))) return status;
    if ((status = nfi_recipe_begin(&recipe, context, 2 + c.levels * (3 * c.steps + 3), glow_function))) return status;

    nfi_image image = { c.height, c.width, c.channels };
    status = nfi_recipe_pixels(&recipe, &image, c.bits, c.noise, c.alpha);
    for (int64_t l = 0; l < c.levels && !status; l++) status = glow_level(&recipe, &c, &image, l + 1 == c.levels, &leaves[l]);
    if (!status) status = glow_base(&base, &c, context, leaves);
    return nfi_recipe_end(&recipe, status, out, &flow, base);
}
