/* SPDX-License-Identifier: MIT
 *
 * autoregressive_layer.c - config, checks and constructor of the autoregressive layer (autoregressive.c)
 */
#include "layers/autoregressive.h"

#include "core/status.h"
#include "math/functions.h"

static const char auto_function[] = "nf_autoregressive_create";

#define AUTO_BINS 8
#define AUTO_BOUND 3.0

/* The first field of the transform that is not used which differs from its default, as if it were given; NULL: none. */
static const char *auto_idle_field(const nf_autoregressive_config *c)
{
    const nf_autoregressive_config idle = { .scale = NF_SCALE_TANH, .bins = AUTO_BINS, .form = NF_SPLINE_SAFE, .spline_bound = AUTO_BOUND };
    if (c->transform == NF_TRANSFORM_SPLINE) return c->scale != idle.scale ? "scale" : c->bound != idle.bound ? "bound" : NULL;
    if (c->bins != idle.bins || c->circular) return c->circular ? "circular" : "bins";
    if (c->form != idle.form) return "form";
    if (c->spline_bound != idle.spline_bound) return "spline_bound";
    if (c->min_width != idle.min_width || c->min_height != idle.min_height) return c->min_width != idle.min_width ? "min_width" : "min_height";
    if (c->min_slope != idle.min_slope) return "min_slope";
    return c->logit_bound != idle.logit_bound ? "logit_bound" : NULL;
}

/* A field that does nothing would be forgotten in silence. */
static nf_status auto_check_fields(const nf_autoregressive_config *c)
{
    const char *idle = auto_idle_field(c);
    if (idle)
        return nfi_fail(NF_ERR_ARG, "%s: %s is given, but transform is %s", auto_function, idle,
                        c->transform == NF_TRANSFORM_SPLINE ? "spline" : "affine");
    return nfi_mlp_check_hidden(auto_function, "hidden", c->hidden, c->n_hidden);
}

/* Fills the defaults that depend on other fields, so that the description tells them. */
static nf_status auto_normalise(nf_maker *maker, nf_autoregressive_config *config)
{
    if (config->transform == NF_TRANSFORM_AFFINE && config->bound == 0.0) config->bound = nfi_scale_form_of(config->scale)->bound;
    return nfi_mlp_default_hidden(maker, &config->hidden, &config->n_hidden);
}

/* index is a bijection of 0..dim-1 */
static nf_status auto_check_index(nf_maker *maker, const nf_autoregressive_config *config)
{
    if (config->n_index != config->dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: index has %lld values, dim is %lld", auto_function, (long long)config->n_index, (long long)config->dim);
    unsigned char *seen = nfi_maker_alloc(maker, config->dim, 1);
    if (!seen) return NF_ERR_MEMORY;
    return nfi_config_mark(auto_function, "index", config->index, config->n_index, config->dim, seen);
}

static nf_status auto_order(nfi_autoregressive *a, nf_maker *maker, nf_autoregressive_config *config)
{
    if (config->order == 0) config->order = config->n_index > 0 ? NF_ORDER_INDEX : NF_ORDER_ASCENDING;
    if (config->n_index > 0 && config->order != NF_ORDER_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: index is given, but order is %s", auto_function, config->order == NF_ORDER_REVERSED ? "reversed" : "ascending");
    if (config->n_index == 0 && config->order == NF_ORDER_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: order is index, but index is empty", auto_function);
    a->order = config->index;
    if (config->order == NF_ORDER_INDEX) return auto_check_index(maker, config);
    int64_t *order = nfi_maker_alloc(maker, config->dim, (int64_t)sizeof *order);
    if (!order) return NF_ERR_MEMORY;
    for (int64_t k = 0; k < config->dim; k++) order[k] = config->order == NF_ORDER_REVERSED ? config->dim - 1 - k : k;
    a->order = order;
    return NF_OK;
}

static nf_status auto_affine(nfi_autoregressive *a, nf_maker *maker, nf_autoregressive_config *config)
{
    nfi_transform_affine *affine = nfi_maker_alloc(maker, 1, (int64_t)sizeof *affine);
    if (!affine) return NF_ERR_MEMORY;
    *affine = (nfi_transform_affine){ .form = nfi_scale_form_of(config->scale), .bound = config->bound };
    a->transform = nfi_transform_affine_of(affine);
    return NF_OK;
}

static nf_status auto_spline(nfi_autoregressive *a, nf_maker *maker, nf_autoregressive_config *config)
{
    nfi_transform_spline *spline = nfi_maker_alloc(maker, 1, (int64_t)sizeof *spline);
    if (!spline) return NF_ERR_MEMORY;
    *spline = NFI_TRANSFORM_SPLINE(config, config->spline_bound);
    spline->circular = config->circular;
    const nf_status status = nfi_transform_spline_resolve(spline, config->form, auto_function);
    if (status != NF_OK) return status;
    NFI_TRANSFORM_SPLINE_TOLD(spline, config);
    a->transform = nfi_transform_spline_of(spline);
    return NF_OK;
}

static nf_status auto_make(nf_maker *maker, void *resolved, void **self)
{
    nf_autoregressive_config *config = resolved;
    nfi_autoregressive *a = nf_maker_alloc(maker, (int64_t)sizeof *a);
    if (!a) return NF_ERR_MEMORY;

    *self = a;
    a->dim = config->dim;
    a->cond_dim = config->cond_dim;
    a->solves = config->direction == NF_AUTOREGRESSIVE_INVERSE;
    nf_status status = auto_check_fields(config);
    if (status == NF_OK) status = auto_normalise(maker, config);
    if (status == NF_OK) status = auto_order(a, maker, config);
    if (status == NF_OK) status = (config->transform == NF_TRANSFORM_SPLINE ? auto_spline : auto_affine)(a, maker, config);
    if (status != NF_OK) return status;
    int64_t outputs;
    if (!nfi_mul(a->transform.params, a->dim, &outputs)) return nfi_fail(NF_ERR_OVERFLOW, "%s: dim is %lld", auto_function, (long long)a->dim);
    return nfi_made_create(&a->made, maker, a->dim, a->cond_dim, a->transform.params, config->hidden,
                           nfi_mlp_n_hidden(config->hidden, config->n_hidden), config->activation, config->weights, !config->random_last);
}

#define AUTO_FIELD(member, kind, properties, fallback, min, max, choices, help)                                                            \
    NFI_FIELD(nf_autoregressive_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field auto_fields[] = {
    AUTO_FIELD(transform, NF_FIELD_CHOICE, 0, 1, 1, 2, "affine,spline", "What is done to a column"),
    AUTO_FIELD(dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    AUTO_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "Conditioning columns"),
    AUTO_FIELD(direction, NF_FIELD_CHOICE, 0, 1, 1, 2, "forward,inverse",
               "Which way is one pass: forward, densities (MAF), or inverse, samples (IAF)"),
    AUTO_FIELD(order, NF_FIELD_CHOICE, 0, 0, 1, 3, "ascending,reversed,index", "Order of the columns; ascending, or index when index is given"),
    AUTO_FIELD(activation, NF_FIELD_CHOICE, 0, 1, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu", "Activation of the network"),
    AUTO_FIELD(weights, NF_FIELD_CHOICE, NF_FIELD_INITIAL, 1, 1, 4, "glorot,he,lecun,spread", "Rule of the initial weights"),
    AUTO_FIELD(random_last, NF_FIELD_FLAG, NF_FIELD_INITIAL, 0, 0, 1, NULL, "The last dense layer starts random instead of zero"),
    AUTO_FIELD(scale, NF_FIELD_CHOICE, 0, 1, 1, 10, "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive,softplus_eps",
               "Form of the log-scale, transform affine"),
    AUTO_FIELD(bound, NF_FIELD_F64, 0, 0, 0, 80, NULL, "Bound of the log-scale; 0 means 2 (tanh, asymmetric) or ln 1000 (softclip)"),
    AUTO_FIELD(bins, NF_FIELD_I32, 0, AUTO_BINS, 2, NFI_SPLINE_BINS, NULL, "Bins, transform spline"),
    AUTO_FIELD(circular, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "The ends of the spline's interval are one point"),
    AUTO_FIELD(form, NF_FIELD_CHOICE, 0, 1, 1, 3, "safe,free,softclip", "Whether and how the logits of the spline are bounded"),
    AUTO_FIELD(spline_bound, NF_FIELD_F64, 0, AUTO_BOUND, 1e-3, 1e6, NULL, "Half the interval that the spline maps onto itself"),
    AUTO_FIELD(min_width, NF_FIELD_F64, 0, 0, 0, 0.25, NULL, "Least width of a bin, as a part of the interval; 0 means 1e-2 (safe) or 1e-3 (free)"),
    AUTO_FIELD(min_height, NF_FIELD_F64, 0, 0, 0, 0.25, NULL, "Least height of a bin, as a part of the interval; 0 as for min_width"),
    AUTO_FIELD(min_slope, NF_FIELD_F64, 0, 0, 0, 0.9, NULL, "Least slope of the spline at a knot; 0 as for min_width"),
    AUTO_FIELD(logit_bound, NF_FIELD_F64, 0, 0, 0, 40, NULL, "Bound of the logits; 0 means 2 (safe) or ln(1000) / 2 (softclip)"),
    NFI_ARRAY(nf_autoregressive_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,
              "Widths of the hidden layers, 64 and 64 unless given; a single 0 means none"),
    NFI_ARRAY(nf_autoregressive_config, index, n_index, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM, "The columns in their order, with order index"),
};
const nfi_config_type nfi_autoregressive_config_type = NFI_CONFIG_TYPE("autoregressive", nf_autoregressive_config, auto_fields);
const nf_layer_type nfi_autoregressive_type = {
    NFI_LAYER_TYPE("autoregressive", nf_autoregressive_config, auto_fields),
    .create = auto_make,
    .describe = nfi_autoregressive_describe,
    .param = nfi_autoregressive_param,
    .f32 = &nfi_autoregressive_ops_f32,
    .f64 = &nfi_autoregressive_ops_f64,
};

void nf_autoregressive_config_init(nf_autoregressive_config *config)
{
    if (config) *config = (nf_autoregressive_config)NF_AUTOREGRESSIVE_CONFIG_INIT;
}

nf_status nf_autoregressive_create(nf_layer **out, nf_context *context, const nf_autoregressive_config *config)
{
    return nfi_layer_make(out, context, &nfi_autoregressive_type, config, auto_function);
}
