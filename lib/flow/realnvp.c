/* SPDX-License-Identifier: MIT
 *
 * realnvp.c - the RealNVP recipe
 *
 *   x -> [standardise] -> ([actnorm] -> affine coupling) x layers -> N(0, I)
 *
 * Ref: Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803. Preset "book" is the two-moons example of the Keras documentation (6 couplings,
 * separate nets for s and t of 4 x 256 ReLU, tanh on s), which multiplies the masked columns by zero; here they are left out
 * of the networks, which is the same family of functions.
 */
#include "core/status.h"
#include "flow/recipe.h"
#include <stddef.h>

#define REALNVP_ACTIVATIONS "relu,leaky_relu,tanh,softplus,silu,elu"
#define REALNVP_SCALES "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive,softplus_eps"

/* Zero where the preset decides. */
static const nf_field realnvp_fields[] = {
    NFI_FIELD(nf_realnvp_config, preset, NF_FIELD_CHOICE, 0, NF_PRESET_DEFAULT, 1, 2, "default,book", "what the other fields default to"),
    NFI_FIELD(nf_realnvp_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 16777216, NULL, "columns of the data"),
    NFI_FIELD(nf_realnvp_config, cond_dim, NF_FIELD_I64, 0, 0, 0, 16777216, NULL, "conditioning columns"),
    NFI_FIELD(nf_realnvp_config, layers, NF_FIELD_I64, 0, 0, 0, 1024, NULL, "number of couplings; 0: the preset's"),
    NFI_ARRAY(nf_realnvp_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536, "widths of the hidden layers; empty: the preset's"),
    NFI_FIELD(nf_realnvp_config, activation, NF_FIELD_CHOICE, 0, 0, 0, 6, REALNVP_ACTIVATIONS, "activation of the networks"),
    NFI_FIELD(nf_realnvp_config, mask, NF_FIELD_CHOICE, 0, NF_MASK_ALTERNATING, 1, 2, "alternating,half", "which columns a coupling transforms"),
    NFI_FIELD(nf_realnvp_config, scale, NF_FIELD_CHOICE, 0, NF_SCALE_TANH, 1, 10, REALNVP_SCALES, "form of the log-scale"),
    NFI_FIELD(nf_realnvp_config, separate, NF_FIELD_CHOICE, 0, 0, 0, 2, "yes,no", "separate networks for s and t"),
    NFI_FIELD(nf_realnvp_config, actnorm, NF_FIELD_CHOICE, 0, 0, 0, 2, "yes,no", "an actnorm before each coupling"),
    NFI_FIELD(nf_realnvp_config, dtype, NF_FIELD_CHOICE, 0, NF_F32, 1, 2, "f32,f64", "precision"),
    NFI_FIELD(nf_realnvp_config, weights, NF_FIELD_CHOICE, 0, 0, 0, 4, "glorot,he,lecun,spread", "rule of the initial weights"),
    NFI_FIELD(nf_realnvp_config, bound, NF_FIELD_F64, 0, 0, 0, 100, NULL, "bound of the log-scale; 0: the preset's"),
    NFI_FIELD(nf_realnvp_config, seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "seed of the initial weights"),
    NFI_ARRAY(nf_realnvp_config, mean, n_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -1.7e308, 1.7e308, "means to subtract first"),
    NFI_ARRAY(nf_realnvp_config, sd, n_sd, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, 1e-300, 1.7e308, "standard deviations to divide by first"),
    NFI_CONDITION_FIELDS(nf_realnvp_config),
};
const nfi_config_type nfi_realnvp_config_type = { "realnvp", sizeof(nf_realnvp_config), sizeof(nf_realnvp_config), realnvp_fields,
                                                  sizeof realnvp_fields / sizeof *realnvp_fields };

static const struct realnvp_preset {
    int64_t layers, hidden[4], n_hidden;
    int32_t activation, separate, actnorm, random_last, weights;
    double bound;
} realnvp_presets[] = {
    [NF_PRESET_DEFAULT] = { 16, { 64, 64 }, 2, NF_ACTIVATION_TANH, 2, 1, 0, NF_WEIGHTS_SPREAD, 2.0 },
    [NF_PRESET_BOOK] = { 6, { 256, 256, 256, 256 }, 4, NF_ACTIVATION_RELU, 1, 2, 1, NF_WEIGHTS_GLOROT, 1.0 },
};

void nf_realnvp_config_init(nf_realnvp_config *config)
{
    if (config) *config = (nf_realnvp_config)NF_REALNVP_CONFIG_INIT;
}

static void realnvp_apply_preset(nf_realnvp_config *c)
{
    const struct realnvp_preset *preset = &realnvp_presets[c->preset];

    if (!c->layers) c->layers = preset->layers;
    if (!c->n_hidden) {
        c->hidden = preset->hidden;
        c->n_hidden = preset->n_hidden;
    }
    if (!c->activation) c->activation = preset->activation;
    if (!c->weights) c->weights = preset->weights;
    if (!c->separate) c->separate = preset->separate;
    if (!c->actnorm) c->actnorm = preset->actnorm;
    if (c->bound == 0.0 && c->scale == NF_SCALE_TANH) c->bound = preset->bound;
}

static nf_status realnvp_check(nf_context *context, const nf_realnvp_config *c)
{
    if (c->dim < 2 && c->cond_dim == 0)
        return nfi_fail(NF_ERR_SHAPE, "nf_flow_create_realnvp: dim is 1; a coupling needs 2 columns, or cond_dim > 0");
    if ((c->n_mean && c->n_mean != c->dim) || (c->n_sd && c->n_sd != c->dim))
        return nfi_fail(NF_ERR_SHAPE, "nf_flow_create_realnvp: n_mean is %lld and n_sd %lld, each must be 0 or dim, %lld",
                        (long long)c->n_mean, (long long)c->n_sd, (long long)c->dim);
    if (2 * c->layers + 1 > nfi_context_config(context)->max_layers)
        return nfi_fail(NF_ERR_LIMIT, "nf_flow_create_realnvp: layers is %lld, more than the context allows", (long long)c->layers);
    return NF_OK;
}

static nf_status realnvp_coupling(nf_layer **out, nf_context *context, const nf_realnvp_config *c, int64_t i)
{
    nf_coupling_affine_config coupling = NF_COUPLING_AFFINE_CONFIG_INIT;

    coupling.dim = c->dim;
    coupling.cond_dim = c->cond_dim;
    coupling.mask = c->mask;
    coupling.swap = (int32_t)(i % 2);
    coupling.scale = c->scale;
    coupling.bound = c->bound;
    coupling.separate = c->separate == 1;
    coupling.activation = c->activation;
    coupling.weights = c->weights;
    coupling.random_last = realnvp_presets[c->preset].random_last;
    coupling.hidden = c->hidden;
    coupling.n_hidden = c->n_hidden;
    return nf_coupling_affine_create(out, context, &coupling);
}

static nf_status realnvp_layers(nf_layer **layers, int64_t *n, nf_context *context, const nf_realnvp_config *c)
{
    nf_standardise_config standardise = { .struct_size = sizeof standardise, .dim = c->dim, .mean = c->mean, .n_mean = c->n_mean, .sd = c->sd, .n_sd = c->n_sd };
    nf_actnorm_config actnorm = { .struct_size = sizeof actnorm, .dim = c->dim };
    nf_status status = NF_OK;

    if (c->n_mean || c->n_sd) {
        if ((status = nf_standardise_create(&layers[*n], context, &standardise))) return status;
        ++*n;
    }
    for (int64_t i = 0; i < c->layers; i++) {
        if (c->actnorm == 1) {
            if ((status = nf_actnorm_create(&layers[*n], context, &actnorm))) return status;
            ++*n;
        }
        if ((status = realnvp_coupling(&layers[*n], context, c, i))) return status;
        ++*n;
    }
    return NF_OK;
}

nf_status nf_flow_create_realnvp(nf_flow **out, nf_context *context, const nf_realnvp_config *config)
{
    nf_realnvp_config c;
    nf_layer **layers = NULL;
    nf_base *base = NULL;
    int64_t n = 0, most;
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "nf_flow_create_realnvp: out is NULL");
    *out = NULL;
    if ((status = nfi_context_check(context, "nf_flow_create_realnvp"))) return status;
    if ((status = nfi_config_resolve(&nfi_realnvp_config_type, config, &c, "nf_flow_create_realnvp"))) return status;
    realnvp_apply_preset(&c);
    nf_flow_config flow = NFI_RECIPE_FLOW(&c);
    if ((status = nfi_recipe_condition(&flow, &c.cond_dim, context, "nf_flow_create_realnvp"))) return status;
    if ((status = realnvp_check(context, &c))) return status;
    most = 2 * c.layers + 1;
    layers = nfi_alloc(context, most, sizeof *layers, &status);
    if (!layers) return status;
    if ((status = realnvp_layers(layers, &n, context, &c))) goto done;
    if ((status = nf_base_normal_create(&base, context, c.dim))) goto done;
    status = nf_flow_create(out, context, &flow, base, layers, n);
done:
    for (int64_t i = 0; i < n; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    nfi_free(context, layers, most, sizeof *layers);
    return status;
}
