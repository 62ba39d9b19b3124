/* SPDX-License-Identifier: MIT
 *
 * coupling_affine.c - affine coupling of a table's columns, by perceptrons
 *
 *   z_a = x_a,   z_b = exp(s) x_b + t,   (t, u) = net(x_a, cond),   s = s(u):   see coupling.c
 *
 * theta: views "net.<l>..." with t before u, or with `separate` "t.<l>...", then "s.<l>...".
 *
 * Check value: dim=2, hidden={0}, tanh with m=2, W = (-0.4, 0.9), b = (0.3, -0.2), x = (0.7, 2.385):
 * t = 0.02, u = 0.43 -> z = (0.7, 3.6625857417), log|det| = 0.4234946737
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "layers/coupling.h"

#include <string.h>

#include "core/status.h"
#include "nets/mlp.h"

static const char coupling_function[] = "nf_coupling_affine_create";

static bool coupling_mask_takes(const nf_coupling_affine_config *config, int64_t j)
{
    if (config->mask == NF_MASK_INDEX) return false; /* marked one by one */
    return config->mask == NF_MASK_HALF ? j >= config->dim / 2 : j % 2 == 1;
}

static nf_status coupling_check(const nf_coupling_affine_config *config)
{
    if (config->dim == 1 && config->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: dim is 1; a coupling needs 2 columns, or cond_dim > 0", coupling_function);
    if (config->n_index > 0 && config->mask != NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: index is given, but mask is not index", coupling_function);
    if (config->n_index == 0 && config->mask == NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: mask is index, but index is empty", coupling_function);
    for (int64_t l = 0; l < config->n_hidden; l++)
        if (config->hidden[l] == 0 && config->n_hidden > 1)
            return nfi_fail(NF_ERR_ARG, "%s: hidden[%lld] is 0; only {0} alone means no hidden layer",
                            coupling_function, (long long)l);
    return NF_OK;
}

/* taken[j] = 1 for the columns of b. */
static nf_status coupling_mark(const nf_coupling_affine_config *config, unsigned char *taken)
{
    for (int64_t j = 0; j < config->dim; j++) taken[j] = coupling_mask_takes(config, j);
    for (int64_t i = 0; i < config->n_index; i++) {
        const int64_t j = config->index[i];
        if (j < 0 || j >= config->dim || taken[j])
            return nfi_fail(NF_ERR_ARG, "%s: index[%lld] is %lld, not a column of %lld or given twice",
                            coupling_function, (long long)i, (long long)j, (long long)config->dim);
        taken[j] = 1;
    }
    for (int64_t j = 0; config->swap && j < config->dim; j++) taken[j] = !taken[j];
    if (config->dim == 1) taken[0] = 1; /* the one column depends on cond alone */
    return NF_OK;
}

static nf_status coupling_columns(nfi_coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    unsigned char *taken = nfi_maker_alloc(maker, config->dim, 1);
    if (!taken) return NF_ERR_MEMORY;
    nf_status status = coupling_mark(config, taken);
    if (status == NF_OK) status = nfi_coupling_columns(cp, maker, taken);
    if (status != NF_OK) return status;
    if (cp->n_b == 0) return nfi_fail(NF_ERR_ARG, "%s: mask and swap transform no column", coupling_function);
    if (cp->n_a + config->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: mask and swap keep no column, and cond_dim is 0", coupling_function);
    return NF_OK;
}

/* Fills the defaults that depend on other fields, so that the description tells them. */
static nf_status coupling_normalise(nf_maker *maker, nf_coupling_affine_config *config)
{
    static const int64_t widths[] = { 64, 64 };
    if (config->bound == 0.0) config->bound = nfi_scale_form_of(config->scale)->bound;
    if (config->n_hidden > 0) return NF_OK;
    int64_t *hidden = nf_maker_alloc(maker, (int64_t)sizeof widths);
    if (!hidden) return NF_ERR_MEMORY;
    memcpy(hidden, widths, sizeof widths);
    config->hidden = hidden;
    config->n_hidden = NFI_COUNT(widths);
    return NF_OK;
}

static nf_status coupling_transform(nfi_coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    nfi_transform_affine *affine = nfi_maker_alloc(maker, 1, (int64_t)sizeof *affine);
    if (!affine) return NF_ERR_MEMORY;
    *affine = (nfi_transform_affine){ .form = nfi_scale_form_of(config->scale), .bound = config->bound };
    cp->transform = nfi_transform_affine_of(affine);
    return NF_OK;
}

static nf_status coupling_nets(nfi_coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    static const char *const names[] = { "t", "s" };
    const bool separate = config->separate && cp->transform.params > 1;
    const int64_t in = cp->n_a + cp->cond_dim;
    const int64_t n_hidden = config->hidden[0] == 0 ? 0 : config->n_hidden;
    nf_status status = NF_OK;

    cp->n_nets = separate ? 2 : 1;
    nfi_mlp *mlp = nfi_maker_alloc(maker, cp->n_nets, (int64_t)sizeof *mlp);
    if (!mlp) return NF_ERR_MEMORY;
    for (int32_t i = 0; i < cp->n_nets && status == NF_OK; i++) {
        cp->prefix[i] = config->separate ? names[i] : "net";
        status = nfi_mlp_create(&mlp[i], maker, in, separate ? cp->n_b : cp->transform.params * cp->n_b,
                                config->hidden, n_hidden, config->activation, config->weights, !config->random_last);
        if (status == NF_OK) cp->net[i] = nfi_mlp_net(&mlp[i]);
    }
    return status;
}

static nf_status coupling_make(nf_maker *maker, void *resolved, void **self)
{
    nf_coupling_affine_config *config = resolved;
    nfi_coupling *cp = nf_maker_alloc(maker, (int64_t)sizeof *cp);
    if (!cp) return NF_ERR_MEMORY;

    nf_status status = coupling_check(config);
    if (status == NF_OK) status = coupling_normalise(maker, config);
    if (status != NF_OK) return status;
    cp->dim = config->dim;
    cp->cond_dim = config->cond_dim;
    status = coupling_columns(cp, maker, config);
    if (status == NF_OK) status = coupling_transform(cp, maker, config);
    if (status == NF_OK) status = coupling_nets(cp, maker, config);
    *self = cp;
    return status;
}

#define COUPLING_FIELD(member, kind, properties, fallback, min, max, choices, help)                                    \
    NFI_FIELD(nf_coupling_affine_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field coupling_fields[] = {
    COUPLING_FIELD(mask, NF_FIELD_CHOICE, 0, 1, 1, 3, "alternating,half,index", "Which columns are transformed"),
    COUPLING_FIELD(dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    COUPLING_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "Conditioning columns"),
    COUPLING_FIELD(swap, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Transform the columns that the mask would keep"),
    COUPLING_FIELD(scale, NF_FIELD_CHOICE, 0, 1, 1, 9,
                   "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive", "Form of the log-scale"),
    COUPLING_FIELD(bound, NF_FIELD_F64, 0, 0, 0, 80, NULL,
                   "Bound of the log-scale; 0 means 2 (tanh, asymmetric) or ln 1000 (softclip)"),
    COUPLING_FIELD(separate, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Two networks, one for the shift and one for the scale"),
    COUPLING_FIELD(activation, NF_FIELD_CHOICE, 0, 1, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu",
                   "Activation of the networks"),
    COUPLING_FIELD(weights, NF_FIELD_CHOICE, NF_FIELD_INITIAL, 1, 1, 4, "glorot,he,lecun,spread", "Rule of the initial weights"),
    COUPLING_FIELD(random_last, NF_FIELD_FLAG, NF_FIELD_INITIAL, 0, 0, 1, NULL,
                   "The last dense layer starts random instead of zero"),
    NFI_ARRAY(nf_coupling_affine_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,
              "Widths of the hidden layers, 64 and 64 unless given; a single 0 means none"),
    NFI_ARRAY(nf_coupling_affine_config, index, n_index, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM,
              "Columns to transform, with mask index"),
};
const nfi_config_type nfi_coupling_affine_config_type =
    NFI_CONFIG_TYPE("coupling_affine", nf_coupling_affine_config, coupling_fields);
const nf_layer_type nfi_coupling_affine_type = {
    NFI_LAYER_TYPE("coupling_affine", nf_coupling_affine_config, coupling_fields),
    .create = coupling_make,
    .describe = nfi_coupling_describe,
    .param = nfi_coupling_param,
    .f32 = &nfi_coupling_ops_f32,
    .f64 = &nfi_coupling_ops_f64,
};

void nf_coupling_affine_config_init(nf_coupling_affine_config *config)
{
    if (config) *config = (nf_coupling_affine_config)NF_COUPLING_AFFINE_CONFIG_INIT;
}

nf_status nf_coupling_affine_create(nf_layer **out, nf_context *context, const nf_coupling_affine_config *config)
{
    return nfi_layer_make(out, context, &nfi_coupling_affine_type, config, coupling_function);
}
