/* SPDX-License-Identifier: MIT
 *
 * tables.c - the recipes for tables: NSF, MAF, IAF, NICE
 *
 *   x -> [columns] -> [standardise] -> ([mix] -> step) x layers -> [affine] -> N(0, I)
 *
 * With periodic columns masks do what mixing does, and the base is uniform in them: circles.c.
 * A recipe is a row of table_recipes. Refs: Durkan et al., arXiv:1906.04032; Papamakarios et al., arXiv:1705.07057; Kingma et al.,
 * arXiv:1606.04934; Dinh, Krueger, Bengio, arXiv:1410.8516.
 */
#include "core/status.h"
#include "flow/circles.h"
#include "flow/recipe.h"
#include <nflow/tables.h>
#include <stddef.h>

#define TABLE_ACTIVATIONS "relu,leaky_relu,tanh,softplus,silu,elu"
#define TABLE_SPLINE_BOUND 4.0 /* sd: few standardised rows lie beyond */
#define TABLE_SEED_STEP 0x9e3779b97f4a7c15u /* random mixes: a seed a step */

/* Zero where the recipe decides. */
#define TABLE_FIELD(member, kind_, fallback, min, max, choices, help)                                                                          \
    NFI_FIELD(nf_table_config, member, kind_, 0, fallback, min, max, choices, help)
static const nf_field table_fields[] = {
    TABLE_FIELD(dtype, NF_FIELD_CHOICE, NF_F32, 1, 2, "f32,f64", "precision"),
    NFI_FIELD(nf_table_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 16777216, NULL, "columns of the data"),
    TABLE_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 16777216, NULL, "conditioning columns"),
    TABLE_FIELD(layers, NF_FIELD_I64, 0, 0, 1024, NULL, "number of steps; 0: the recipe's"),
    NFI_ARRAY(nf_table_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536, "widths of the hidden layers; empty: 64,64, a single 0: none"),
    TABLE_FIELD(activation, NF_FIELD_CHOICE, NF_ACTIVATION_SILU, 1, 6, TABLE_ACTIVATIONS, "activation of the networks"),
    TABLE_FIELD(mix, NF_FIELD_CHOICE, 0, 0, 4, "linear,random,reverse,none", "what mixes the columns before each step"),
    TABLE_FIELD(transform, NF_FIELD_CHOICE, 0, 0, 2, "affine,spline", "maf, iaf: what is done to a column"),
    TABLE_FIELD(bins, NF_FIELD_I32, 0, 0, 64, NULL, "bins of splines; 0: 8"),
    TABLE_FIELD(bound, NF_FIELD_F64, 0, 0, 1e6, NULL, "splines: the identity beyond, half the period of periodic columns (0: 4); maf, iaf, affine: of the log-scale (0: 2)"),
    TABLE_FIELD(seed, NF_FIELD_U64, 0, 0, 0, NULL, "seed of the initial weights"),
    NFI_ARRAY(nf_table_config, mean, n_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -1.7e308, 1.7e308, "means to subtract first"),
    NFI_ARRAY(nf_table_config, sd, n_sd, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, 1e-300, 1.7e308, "standard deviations to divide by first"),
    NFI_ARRAY(nf_table_config, kind, n_kind, NF_FIELD_I64_ARRAY, 0, 1, NF_COLUMN_PERIODIC, "kind of each column; empty: all real"),
    NFI_ARRAY(nf_table_config, low, n_low, NF_FIELD_F64_ARRAY, 0, -1e30, 1e30, "lower bound of each column"),
    NFI_ARRAY(nf_table_config, high, n_high, NF_FIELD_F64_ARRAY, 0, -1e30, 1e30, "upper bound of each column"),
    TABLE_FIELD(alpha, NF_FIELD_F64, 1e-6, 1e-12, 0.25, NULL, "margin of bounded columns"),
    TABLE_FIELD(noise, NF_FIELD_CHOICE, NF_NOISE_ALWAYS, 1, 2, "always,training", "when noise is added to whole numbers"),
    NFI_CONDITION_FIELDS(nf_table_config),
};
const nfi_config_type nfi_table_config_type = { "table", sizeof(nf_table_config), sizeof(nf_table_config), table_fields,
                                                sizeof table_fields / sizeof *table_fields };

void nf_table_config_init(nf_table_config *config)
{
    if (config) *config = (nf_table_config)NF_TABLE_CONFIG_INIT;
}

static const int64_t table_hidden[] = { 64, 64 };

typedef struct table_recipe table_recipe;

typedef struct table_plan {
    const table_recipe *r;
    nf_table_config c; /* every field resolved; cond_dim is what layers see */
    nf_flow_config flow;
    nfi_circles circles;
} table_plan;

/* Couplings take turns. A reversal of an even number of columns is a turn by itself. */
static int32_t table_swap(const nf_table_config *c, int64_t i)
{
    return c->mix == NF_MIX_REVERSE && c->dim % 2 == 0 ? 0 : (int32_t)(i % 2);
}

/* A column by itself: nothing to ask a network about. */
static nf_status table_lone_column(nfi_recipe *recipe, const table_plan *plan)
{
    static const int64_t none[] = { 0 };
    const nf_autoregressive_config layer = { .struct_size = sizeof layer, .transform = NF_TRANSFORM_SPLINE, .dim = 1, .circular = plan->circles.n > 0,
                                             .bins = plan->c.bins, .spline_bound = plan->c.bound, .hidden = none, .n_hidden = 1 };
    return nfi_recipe_add(recipe, "autoregressive", &layer);
}

static nf_status table_spline_coupling(nfi_recipe *recipe, const table_plan *plan, int64_t i)
{
    const nf_table_config *c = &plan->c;
    nf_coupling_spline_config coupling = { .struct_size = sizeof coupling, .dim = c->dim, .cond_dim = c->cond_dim,
                                           .swap = table_swap(c, i), .bins = c->bins, .bound = c->bound, .activation = c->activation,
                                           .weights = NF_WEIGHTS_SPREAD, .hidden = c->hidden, .n_hidden = c->n_hidden,
                                           .periodic = plan->circles.column, .n_periodic = plan->circles.n };
    if (c->dim == 1 && c->cond_dim == 0) return table_lone_column(recipe, plan);
    if (plan->circles.n && c->dim > 1 && c->mix == NF_MIX_RANDOM) {
        coupling.mask = NF_MASK_INDEX;
        coupling.index = plan->circles.index;
        coupling.n_index = nfi_circles_mask(&plan->circles, c->dim, c->seed, i / 2);
    }
    return nfi_recipe_add(recipe, "coupling_spline", &coupling);
}

static nf_status table_additive_coupling(nfi_recipe *recipe, const table_plan *plan, int64_t i)
{
    const nf_table_config *c = &plan->c;
    const nf_coupling_affine_config coupling = { .struct_size = sizeof coupling, .dim = c->dim, .cond_dim = c->cond_dim,
                                                 .swap = table_swap(c, i), .scale = NF_SCALE_ADDITIVE, .activation = c->activation,
                                                 .weights = NF_WEIGHTS_SPREAD, .hidden = c->hidden, .n_hidden = c->n_hidden };
    return nfi_recipe_add(recipe, "coupling_affine", &coupling);
}

static nf_status table_autoregressive(nfi_recipe *recipe, const nf_table_config *c, int32_t direction)
{
    nf_autoregressive_config layer = { .struct_size = sizeof layer, .transform = c->transform, .dim = c->dim, .cond_dim = c->cond_dim,
                                       .direction = direction, .activation = c->activation, .weights = NF_WEIGHTS_SPREAD,
                                       .bins = c->bins, .hidden = c->hidden, .n_hidden = c->n_hidden };
    *(c->transform == NF_TRANSFORM_SPLINE ? &layer.spline_bound : &layer.bound) = c->bound;
    return nfi_recipe_add(recipe, "autoregressive", &layer);
}
static nf_status table_masked(nfi_recipe *recipe, const table_plan *plan, int64_t i)
{
    (void)i;
    return table_autoregressive(recipe, &plan->c, NF_AUTOREGRESSIVE_FORWARD);
}
static nf_status table_inverse(nfi_recipe *recipe, const table_plan *plan, int64_t i)
{
    (void)i;
    return table_autoregressive(recipe, &plan->c, NF_AUTOREGRESSIVE_INVERSE);
}

struct table_recipe {
    const char *function;
    int64_t layers;
    int32_t mix;
    int32_t transform; /* 0: not for the user to choose */
    int32_t spline, scaled; /* a step is of splines; the columns are scaled at the end */
    int32_t couples;
    nf_status (*step)(nfi_recipe *recipe, const table_plan *plan, int64_t i);
};

static const table_recipe table_nsf = { "nf_flow_create_nsf", 6, NF_MIX_LINEAR, 0, 1, 0, 1, table_spline_coupling };
static const table_recipe table_maf = { "nf_flow_create_maf", 5, NF_MIX_REVERSE, NF_TRANSFORM_AFFINE, 0, 0, 0, table_masked };
static const table_recipe table_iaf = { "nf_flow_create_iaf", 5, NF_MIX_REVERSE, NF_TRANSFORM_AFFINE, 0, 0, 0, table_inverse };
static const table_recipe table_nice = { "nf_flow_create_nice", 4, NF_MIX_NONE, 0, 0, 1, 1, table_additive_coupling };

/* Fields that the recipe has no use for. */
static nf_status table_refuse(const table_recipe *r, const nf_table_config *c)
{
    const int spline = r->spline || c->transform == NF_TRANSFORM_SPLINE;

    if (c->transform && !r->transform) return nfi_fail(NF_ERR_ARG, "%s: transform is %d, must be 0: it is of maf and iaf", r->function, (int)c->transform);
    if (c->bins && !spline) return nfi_fail(NF_ERR_ARG, "%s: bins is %d, must be 0: nothing here is a spline", r->function, (int)c->bins);
    if (c->bound > 0.0 && r->scaled) return nfi_fail(NF_ERR_ARG, "%s: bound is %g, must be 0: additive couplings have none", r->function, c->bound);
    if (!c->n_kind && (c->n_low || c->n_high))
        return nfi_fail(NF_ERR_ARG, "%s: n_low is %lld and n_high %lld, kind must be given with them", r->function, (long long)c->n_low,
                        (long long)c->n_high);
    return NF_OK;
}

/* Periodic columns: n of them, more than 0 */
static nf_status table_refuse_circles(const table_recipe *r, const nf_table_config *c)
{
    long long j = 0;

    while (c->kind[j] != NF_COLUMN_PERIODIC) j++;
    if (r->step != table_spline_coupling)
        return nfi_fail(NF_ERR_ARG, "%s: kind[%lld] is periodic, which only nf_flow_create_nsf takes", r->function, j);
    if (c->n_kind != c->dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: n_kind is %lld, must be dim, %lld", r->function, (long long)c->n_kind, (long long)c->dim);
    if (c->mix == NF_MIX_LINEAR || c->mix == NF_MIX_REVERSE)
        return nfi_fail(NF_ERR_ARG, "%s: mix is %s, but kind[%lld] is periodic and would not stay a circle; set mix to 0, random or none", r->function,
                        c->mix == NF_MIX_LINEAR ? "linear" : "reverse", j);
    return NF_OK;
}

static nf_status table_resolve(const table_recipe *r, nf_table_config *c)
{
    const int64_t circles = nfi_circles_count(c);
    nf_status status = table_refuse(r, c);

    if (!status && circles) status = table_refuse_circles(r, c);
    if (status) return status;
    if (r->couples && !r->spline && c->dim < 2 && c->cond_dim == 0)
        return nfi_fail(NF_ERR_SHAPE, "%s: dim is 1; a coupling needs 2 columns, or cond_dim > 0; nsf and maf take one", r->function);
    if (!c->layers) c->layers = r->layers;
    if (!c->mix) c->mix = circles ? NF_MIX_RANDOM : r->mix;
    if (!c->transform) c->transform = r->transform;
    if (!c->n_hidden) {
        c->hidden = table_hidden;
        c->n_hidden = sizeof table_hidden / sizeof *table_hidden;
    }
    if (!(c->bound > 0.0) && (r->spline || c->transform == NF_TRANSFORM_SPLINE)) c->bound = TABLE_SPLINE_BOUND;
    return nfi_recipe_check_standardise(r->function, c->dim, c->n_mean, c->n_sd);
}

static nf_status table_columns(nfi_recipe *recipe, const nf_table_config *c)
{
    const nf_columns_config columns = { .struct_size = sizeof columns, .noise = c->noise, .dim = c->dim, .kind = c->kind, .n_kind = c->n_kind,
                                        .low = c->low, .n_low = c->n_low, .high = c->high, .n_high = c->n_high, .alpha = c->alpha, .half_turn = c->bound };
    return c->n_kind ? nfi_recipe_add(recipe, "columns", &columns) : NF_OK;
}

/* Random permutations stand before every other coupling: the two behind one take turns, and together transform every column. */
static int table_mixes(const table_plan *plan, int64_t i)
{
    const int32_t mix = plan->c.mix;
    return mix != NF_MIX_NONE && !plan->circles.n && !(mix == NF_MIX_RANDOM && plan->r->couples && i % 2);
}

static nf_status table_mix(nfi_recipe *recipe, const nf_table_config *c, int64_t i)
{
    const nf_linear_config linear = { .struct_size = sizeof linear, .dim = c->dim };
    const nf_permutation_config permutation = { .struct_size = sizeof permutation, .dim = c->dim,
                                                .kind = c->mix == NF_MIX_RANDOM ? NF_PERMUTATION_RANDOM : NF_PERMUTATION_REVERSE,
                                                .seed = c->seed + TABLE_SEED_STEP * (uint64_t)(i + 1) };
    return c->mix == NF_MIX_LINEAR ? nfi_recipe_add(recipe, "linear", &linear) : nfi_recipe_add(recipe, "permutation", &permutation);
}

static nf_status table_layers(nfi_recipe *recipe, const table_plan *plan)
{
    const nf_table_config *c = &plan->c;
    const nf_affine_config affine = { .struct_size = sizeof affine, .dim = c->dim };
    nf_status status = table_columns(recipe, c);

    if (!status) status = nfi_recipe_standardise(recipe, c->dim, c->mean, c->n_mean, c->sd, c->n_sd);
    for (int64_t i = 0; i < c->layers && !status; i++) {
        if (table_mixes(plan, i)) status = table_mix(recipe, c, i);
        if (!status) status = plan->r->step(recipe, plan, i);
    }
    return status || !plan->r->scaled ? status : nfi_recipe_add(recipe, "affine", &affine);
}

static nf_status table_base(nf_base **base, nf_context *context, const table_plan *plan)
{
    return plan->circles.n ? nfi_circles_base(base, context, &plan->circles, &plan->c) : nf_base_normal_create(base, context, plan->c.dim);
}

static nf_status table_build(nf_flow **out, nf_context *context, const table_plan *plan)
{
    nfi_recipe recipe;
    nf_base *base = NULL;
    nf_status status = nfi_recipe_begin(&recipe, context, 2 * plan->c.layers + 3, plan->r->function);

    if (status) return status;
    status = table_layers(&recipe, plan);
    if (!status) status = table_base(&base, context, plan);
    return nfi_recipe_end(&recipe, status, out, &plan->flow, base);
}

static nf_status table_create(nf_flow **out, nf_context *context, const nf_table_config *config, const table_recipe *r)
{
    table_plan plan = { .r = r };
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", r->function);
    *out = NULL;
    if ((status = nfi_context_check(context, r->function))) return status;
    if ((status = nfi_config_resolve(&nfi_table_config_type, config, &plan.c, r->function))) return status;
    plan.flow = (nf_flow_config)NFI_RECIPE_FLOW(&plan.c);
    if ((status = nfi_recipe_condition(&plan.flow, &plan.c.cond_dim, context, r->function))) return status;
    if ((status = table_resolve(r, &plan.c))) return status;
    status = nfi_circles_make(&plan.circles, context, &plan.c);
    if (!status) status = table_build(out, context, &plan);
    nfi_circles_free(&plan.circles);
    return status;
}

nf_status nf_flow_create_nsf(nf_flow **out, nf_context *context, const nf_table_config *config) { return table_create(out, context, config, &table_nsf); }
nf_status nf_flow_create_maf(nf_flow **out, nf_context *context, const nf_table_config *config) { return table_create(out, context, config, &table_maf); }
nf_status nf_flow_create_iaf(nf_flow **out, nf_context *context, const nf_table_config *config) { return table_create(out, context, config, &table_iaf); }
nf_status nf_flow_create_nice(nf_flow **out, nf_context *context, const nf_table_config *config) { return table_create(out, context, config, &table_nice); }
