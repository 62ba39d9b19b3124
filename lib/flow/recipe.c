/* SPDX-License-Identifier: MIT
 *
 * recipe.c - assembling a flow layer by layer
 */
#include "flow/recipe.h"
#include "core/status.h"

#define RECIPE_SHIFT 0.5 /* pixels in [-1/2, 1/2) */

nf_status nfi_recipe_begin(nfi_recipe *recipe, nf_context *context, int64_t most, const char *function)
{
    const int64_t limit = nfi_context_config(context)->max_layers;
    nf_status status = NF_OK;

    *recipe = (nfi_recipe){ .context = context, .function = function, .most = most };
    if (most > limit)
        return nfi_fail(NF_ERR_LIMIT, "%s: up to %lld layers, the context allows %lld", function, (long long)most, (long long)limit);
    recipe->layers = nfi_alloc(context, most, sizeof *recipe->layers, &status);
    return recipe->layers ? NF_OK : status;
}

nf_status nfi_recipe_add(nfi_recipe *recipe, const char *type, const void *config)
{
    if (recipe->n == recipe->most) return nfi_fail(NF_ERR_LIMIT, "%s: more layers than %lld", recipe->function, (long long)recipe->most);
    const nf_status status = nf_layer_create(&recipe->layers[recipe->n], recipe->context, type, config);
    if (status < 0) return nfi_fail_in(status, "%s", recipe->function);
    recipe->n++;
    return NF_OK;
}

nf_status nfi_recipe_end(nfi_recipe *recipe, nf_status status, nf_flow **out, const nf_flow_config *config, nf_base *base)
{
    if (status >= 0) status = nf_flow_create(out, recipe->context, config, base, recipe->layers, recipe->n);
    for (int64_t i = 0; i < recipe->n; i++) nf_layer_unref(recipe->layers[i]);
    nf_base_unref(base);
    nfi_free(recipe->context, recipe->layers, recipe->most, sizeof *recipe->layers);
    return status;
}

nf_status nfi_recipe_condition(nf_flow_config *flow, int64_t *cond_dim, nf_context *context, const char *function)
{
    const nf_status status = nfi_condition_resolve(flow, context, function);

    if (!status) *cond_dim = nfi_condition_width(flow);
    return status;
}

nf_status nfi_recipe_check_standardise(const char *function, int64_t dim, int64_t n_mean, int64_t n_sd)
{
    if ((!n_mean || n_mean == dim) && (!n_sd || n_sd == dim)) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "%s: n_mean is %lld and n_sd %lld, each must be 0 or dim, %lld", function, (long long)n_mean, (long long)n_sd,
                    (long long)dim);
}

nf_status nfi_recipe_standardise(nfi_recipe *recipe, int64_t dim, const double *mean, int64_t n_mean, const double *sd, int64_t n_sd)
{
    const nf_standardise_config config = { .struct_size = sizeof config, .dim = dim, .mean = mean, .n_mean = n_mean, .sd = sd, .n_sd = n_sd };
    return n_mean || n_sd ? nfi_recipe_add(recipe, "standardise", &config) : NF_OK;
}

nf_status nfi_recipe_levels(const char *function, const nfi_image *m, int64_t most, int64_t usual, int64_t *levels)
{
    if (*levels > most)
        return nfi_fail(NF_ERR_SHAPE, "%s: levels is %lld; height %lld and width %lld allow %lld: pad the images", function, (long long)*levels,
                        (long long)m->height, (long long)m->width, (long long)most);
    if (*levels == 0) *levels = nfi_min(most, usual);
    return NF_OK;
}

nf_status nfi_recipe_check_bits(const char *function, int32_t bits)
{
    if (bits <= 8 || bits == NF_GLOW_REAL) return NF_OK;
    return nfi_fail(NF_ERR_ARG, "%s: bits is %d, must be 1 to 8, or NF_GLOW_REAL", function, (int)bits);
}

nf_status nfi_recipe_pixels(nfi_recipe *recipe, const nfi_image *m, int32_t bits, int32_t noise, double alpha)
{
    const nf_dequantise_config dequantise = { .struct_size = sizeof dequantise, .dim = nfi_image_dim(m), .bits = bits, .noise = noise,
                                              .shift = alpha > 0 ? 0.0 : RECIPE_SHIFT };
    const nf_logit_config logit = { .struct_size = sizeof logit, .dim = nfi_image_dim(m), .alpha = alpha };
    const nf_status status = bits != NF_GLOW_REAL ? nfi_recipe_add(recipe, "dequantise", &dequantise) : NF_OK;
    return status || alpha == 0 ? status : nfi_recipe_add(recipe, "logit", &logit);
}

nf_status nfi_recipe_squeeze(nfi_recipe *recipe, nfi_image *m, int32_t order)
{
    const nf_squeeze_config config = { .struct_size = sizeof config, .order = order, .height = m->height, .width = m->width,
                                       .channels = m->channels };
    *m = (nfi_image){ m->height / 2, m->width / 2, m->channels * 4 };
    return nfi_recipe_add(recipe, "squeeze", &config);
}

nf_status nfi_recipe_unsqueeze(nfi_recipe *recipe, nfi_image *m, int32_t order)
{
    const nf_squeeze_config config = { .struct_size = sizeof config, .order = order, .height = m->height, .width = m->width,
                                       .channels = m->channels, .reverse = 1 };
    *m = (nfi_image){ m->height * 2, m->width * 2, m->channels / 4 };
    return nfi_recipe_add(recipe, "squeeze", &config);
}

nf_status nfi_recipe_split(nfi_recipe *recipe, nfi_image *m)
{
    const nf_split_config config = { .struct_size = sizeof config, .height = m->height, .width = m->width, .channels = m->channels };
    m->channels /= 2;
    return nfi_recipe_add(recipe, "split", &config);
}

nf_status nfi_recipe_actnorm(nfi_recipe *recipe, const nfi_image *m)
{
    const nf_actnorm_config config = { .struct_size = sizeof config, .dim = nfi_image_dim(m), .channels = m->channels };
    return nfi_recipe_add(recipe, "actnorm", &config);
}
