/* SPDX-License-Identifier: MIT
 *
 * realnvp_image.c - the RealNVP recipe for images
 *
 *   x -> dequantise -> logit -> scale 1 .. scales -> N(0, I)
 *   scale: 3 checkerboard couplings -> squeeze -> 3 couplings of channels -> squeeze in the other order -> split
 *   last scale: 4 checkerboard couplings
 *
 * Each coupling ends in an actnorm, where the paper normalises by batches: so rows stay independent of their batch. The second
 * order of squeezing puts a diagonal of each 2x2 block into the channels that go on.
 *
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/status.h"
#include "flow/recipe.h"
#include <stddef.h>

static const char image_function[] = "nf_flow_create_realnvp_image";

#define IMAGE_SCALES 16
#define IMAGE_DEFAULT_SCALES 3
#define IMAGE_COUPLINGS 3      /* of each kind and scale */
#define IMAGE_LAST_COUPLINGS 4
#define IMAGE_BOUND 2.0        /* of the log-scale */

#define IMAGE_FIELD(member, kind, properties, fallback, min, max, choices, help)                                       \
    NFI_FIELD(nf_realnvp_image_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field image_fields[] = {
    IMAGE_FIELD(dtype, NF_FIELD_CHOICE, 0, NF_F32, 1, 2, "f32,f64", "precision"),
    IMAGE_FIELD(height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "pixels downwards"),
    IMAGE_FIELD(width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "pixels across"),
    IMAGE_FIELD(channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 4096, NULL, "numbers a pixel"),
    IMAGE_FIELD(levels, NF_FIELD_I64, 0, 0, 0, IMAGE_SCALES, NULL, "scales; 0: as many as height and width allow, at most 3"),
    IMAGE_FIELD(hidden, NF_FIELD_I64, 0, 32, 1, 4096, NULL, "channels of the networks at the first scale; each next one has twice as many"),
    IMAGE_FIELD(blocks, NF_FIELD_I64, 0, 2, 1, 64, NULL, "residual blocks of a network"),
    IMAGE_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "conditioning columns"),
    IMAGE_FIELD(bits, NF_FIELD_I32, 0, 8, 1, 8, NULL, "bits of a value"),
    IMAGE_FIELD(noise, NF_FIELD_CHOICE, 0, NF_NOISE_ALWAYS, 1, 2, "always,training", "when noise spreads the values"),
    IMAGE_FIELD(alpha, NF_FIELD_F64, 0, 0.05, 1e-12, 0.25, NULL, "margin of the logit"),
    IMAGE_FIELD(seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "seed of the initial weights and of the noise"),
    NFI_CONDITION_FIELDS(nf_realnvp_image_config),
};
const nfi_config_type nfi_realnvp_image_config_type = { "realnvp_image", sizeof(nf_realnvp_image_config), sizeof(nf_realnvp_image_config),
                                                        image_fields, sizeof image_fields / sizeof *image_fields };

void nf_realnvp_image_config_init(nf_realnvp_image_config *config)
{
    if (config) *config = (nf_realnvp_image_config)NF_REALNVP_IMAGE_CONFIG_INIT;
}

static nf_status image_check(nf_realnvp_image_config *c)
{
    const nfi_image image = { c->height, c->width, c->channels };
    int64_t most = nfi_image_halvings(&image, IMAGE_SCALES - 1) + 1; /* the last scale does not halve */
    const bool one_pixel = c->height >> (most - 1) == 1 && c->width >> (most - 1) == 1; /* where no checkerboard fits */

    if (one_pixel && most > 1) most--;
    return nfi_recipe_levels(image_function, &image, most, IMAGE_DEFAULT_SCALES, &c->levels);
}

static nf_status image_coupling(nfi_recipe *recipe, const nf_realnvp_image_config *c, const nfi_image *m, int64_t hidden, int32_t mask, int64_t i)
{
    const nf_coupling_conv_config config = { .struct_size = sizeof config, .height = m->height, .width = m->width, .channels = m->channels,
                                             .cond_dim = c->cond_dim, .mask = mask, .swap = (int32_t)(i % 2), .net = NF_CONV_RESIDUAL,
                                             .hidden = hidden, .blocks = c->blocks, .scale = NF_SCALE_TANH, .bound = IMAGE_BOUND };
    const nf_status status = nfi_recipe_add(recipe, "coupling_conv", &config);
    return status ? status : nfi_recipe_actnorm(recipe, m);
}

static nf_status image_couplings(nfi_recipe *recipe, const nf_realnvp_image_config *c, const nfi_image *m, int64_t hidden, int32_t mask, int64_t n)
{
    nf_status status = NF_OK;
    for (int64_t i = 0; i < n && !status; i++) status = image_coupling(recipe, c, m, hidden, mask, i);
    return status;
}

static nf_status image_scale(nfi_recipe *recipe, const nf_realnvp_image_config *c, nfi_image *m, int64_t hidden)
{
    nf_status status = image_couplings(recipe, c, m, hidden, NF_IMAGE_MASK_CHECKERBOARD, IMAGE_COUPLINGS);

    if (!status) status = nfi_recipe_squeeze(recipe, m, NF_SQUEEZE_ROWS);
    if (!status) status = image_couplings(recipe, c, m, 2 * hidden, NF_IMAGE_MASK_CHANNELS, IMAGE_COUPLINGS);
    if (!status) status = nfi_recipe_unsqueeze(recipe, m, NF_SQUEEZE_ROWS);
    if (!status) status = nfi_recipe_squeeze(recipe, m, NF_SQUEEZE_DIAGONAL);
    return status ? status : nfi_recipe_split(recipe, m);
}

static nf_status image_layers(nfi_recipe *recipe, const nf_realnvp_image_config *c)
{
    nfi_image image = { c->height, c->width, c->channels };
    nf_status status = nfi_recipe_pixels(recipe, &image, c->bits, c->noise, c->alpha);
    int64_t hidden = c->hidden;

    for (int64_t l = 0; l + 1 < c->levels && !status; l++, hidden *= 2) status = image_scale(recipe, c, &image, hidden);
    return status ? status : image_couplings(recipe, c, &image, hidden, NF_IMAGE_MASK_CHECKERBOARD, IMAGE_LAST_COUPLINGS);
}

nf_status nf_flow_create_realnvp_image(nf_flow **out, nf_context *context, const nf_realnvp_image_config *config)
{
    nf_realnvp_image_config c;
    nf_base *base = NULL;
    nfi_recipe recipe;
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", image_function);
    *out = NULL;
    if ((status = nfi_context_check(context, image_function))) return status;
    if ((status = nfi_config_resolve(&nfi_realnvp_image_config_type, config, &c, image_function))) return status;
    nf_flow_config flow = NFI_RECIPE_FLOW(&c);
    if ((status = nfi_recipe_condition(&flow, &c.cond_dim, context, image_function))) return status;
    if ((status = image_check(&c))) return status;
    if ((status = nfi_recipe_begin(&recipe, context, 2 + c.levels * (4 * IMAGE_COUPLINGS + 4) + 2 * IMAGE_LAST_COUPLINGS, image_function)))
        return status;
    status = image_layers(&recipe, &c);
    if (!status) status = nf_base_normal_create(&base, context, c.height * c.width * c.channels);
    return nfi_recipe_end(&recipe, status, out, &flow, base);
}
