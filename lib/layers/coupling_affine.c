/* SPDX-License-Identifier: MIT
 *
 * coupling_affine.c - affine coupling of a table's columns, by perceptrons
 *
 *   z_a = x_a,   z_b = exp(s) x_b + t, with shift_first exp(s) (x_b + t),   (t, u) = net(x_a, cond),   s = s(u):   see coupling.c
 *
 * theta: views "net.<l>..." with t before u, or with `separate` "t.<l>...", then "s.<l>...".
 *
 * Check value: dim=2, hidden={0}, tanh with m=2, W = (-0.4, 0.9), b = (0.3, -0.2), x = (0.7, 2.385):
 * t = 0.02, u = 0.43 -> z = (0.7, 3.6625857417), log|det| = 0.4234946737
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "layers/coupling_table.h"

static const char coupling_function[] = "nf_coupling_affine_create";

static nf_status coupling_transform(nfi_coupling *cp, nf_maker *maker, const nf_coupling_affine_config *config)
{
    nfi_transform_affine *affine = nfi_maker_alloc(maker, 1, (int64_t)sizeof *affine);
    if (!affine) return NF_ERR_MEMORY;
    *affine = (nfi_transform_affine){ .form = nfi_scale_form_of(config->scale), .bound = config->bound, .shift_first = config->shift_first };
    cp->transform = nfi_transform_affine_of(affine);
    return NF_OK;
}

static nf_status coupling_make(nf_maker *maker, void *resolved, void **self)
{
    nf_coupling_affine_config *config = resolved;
    nfi_coupling *cp = nf_maker_alloc(maker, (int64_t)sizeof *cp);
    if (!cp) return NF_ERR_MEMORY;

    if (config->bound == 0.0) config->bound = nfi_scale_form_of(config->scale)->bound;
    nf_status status = nfi_mlp_default_hidden(maker, &config->hidden, &config->n_hidden);
    if (status != NF_OK) return status;
    nfi_table table = NFI_TABLE(config, coupling_function);
    table.separate = config->separate;
    status = nfi_table_columns(cp, maker, &table);
    if (status == NF_OK) status = coupling_transform(cp, maker, config);
    if (status == NF_OK) status = nfi_table_nets(cp, maker, &table);
    *self = cp;
    return status;
}

#define COUPLING_FIELD(member, kind, properties, fallback, min, max, choices, help)                                    \
    NFI_FIELD(nf_coupling_affine_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field coupling_fields[] = {
    NFI_TABLE_COLUMN_FIELDS(nf_coupling_affine_config),
    COUPLING_FIELD(scale, NF_FIELD_CHOICE, 0, 1, 1, 10,
                   "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive,softplus_eps", "Form of the log-scale"),
    COUPLING_FIELD(bound, NF_FIELD_F64, 0, 0, 0, 80, NULL,
                   "Bound of the log-scale; 0 means 2 (tanh, asymmetric) or ln 1000 (softclip)"),
    COUPLING_FIELD(separate, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Two networks, one for the shift and one for the scale"),
    COUPLING_FIELD(shift_first, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "The shift is added before scaling"),
    NFI_TABLE_NET_FIELDS(nf_coupling_affine_config),
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
