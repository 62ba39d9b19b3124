/* SPDX-License-Identifier: MIT
 *
 * create.c - composing a flow from layers and a base
 */
#include "flow/flow.h"
#include "core/rng.h"
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/workspace.h"
#include <stddef.h>

static const nf_field flow_fields[] = {
    NFI_FIELD(nf_flow_config, dtype, NF_FIELD_CHOICE, 0, NF_F32, 1, 2, "f32,f64", "precision of parameters and rows"),
    NFI_FIELD(nf_flow_config, seed, NF_FIELD_U64, 0, 0, 0, 0, NULL, "seed of the initial weights and of the layers' noise"),
    NFI_FIELD(nf_flow_config, cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "conditioning columns of calls; 0: as many as layers want"),
    NFI_CONDITION_FIELDS(nf_flow_config),
};
static const nfi_config_type nfi_flow_config_type = { "flow", sizeof(nf_flow_config), sizeof(nf_flow_config), flow_fields,
                                               sizeof flow_fields / sizeof *flow_fields };

extern const nfi_config_type nfi_realnvp_config_type, nfi_glow_config_type, nfi_realnvp_image_config_type, nfi_ffjord_config_type,
    nfi_table_config_type;
const nfi_config_type *nfi_flow_configs(int32_t i)
{
    static const nfi_config_type *const types[] = { &nfi_flow_config_type, &nfi_realnvp_config_type, &nfi_glow_config_type,
                                                   &nfi_realnvp_image_config_type, &nfi_ffjord_config_type, &nfi_table_config_type };
    return i >= 0 && i < (int32_t)(sizeof types / sizeof *types) ? types[i] : NULL;
}

void nf_flow_config_init(nf_flow_config *config)
{
    if (config) *config = (nf_flow_config)NF_FLOW_CONFIG_INIT;
}

/* The columns that reach layer i, or -1: recorded. */
static nf_status create_check_layer(const nf_layer *layer, int64_t i, int64_t dim, int32_t dtype)
{
    const char *name = layer->type->name;

    if (layer->dim != dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_flow_create: layers[%lld] (%s) has dim %lld, expected %lld", (long long)i, name,
                        (long long)layer->dim, (long long)dim);
    if (!nfi_layer_ops(layer, dtype))
        return nfi_fail(NF_ERR_DTYPE, "nf_flow_create: layers[%lld] (%s) is not available in %s", (long long)i, name,
                        dtype == NF_F32 ? "f32" : "f64");
    return NF_OK;
}

/* *wanted: the conditioning columns that layers and base want, 0: none. */
static nf_status create_check(nf_context *context, const nf_base *base, nf_layer *const *layers, int64_t n, int32_t dtype, int64_t *wanted)
{
    const nf_context_config *limits = nfi_context_config(context);
    int64_t cond_dim = 0, active = base->dim;
    nf_status status;

    if (n < 0 || n > limits->max_layers)
        return nfi_fail(NF_ERR_LIMIT, "nf_flow_create: n_layers is %lld, allowed are 0 to %lld", (long long)n,
                        (long long)limits->max_layers);
    if (n > 0 && !layers) return nfi_fail(NF_ERR_NULL, "nf_flow_create: layers is NULL");
    for (int64_t i = 0; i < n; i++) {
        if ((status = nfi_object_check(layers[i], NFI_TAG_LAYER, "nf_flow_create: a layer"))) return status;
        if ((status = create_check_layer(layers[i], i, active, dtype))) return status;
        active = layers[i]->dim_out;
        if (layers[i]->cond_dim == 0) continue;
        if (cond_dim && cond_dim != layers[i]->cond_dim)
            return nfi_fail(NF_ERR_SHAPE, "nf_flow_create: layers[%lld] has cond_dim %lld, earlier layers %lld",
                            (long long)i, (long long)layers[i]->cond_dim, (long long)cond_dim);
        cond_dim = layers[i]->cond_dim;
    }
    if (cond_dim && base->cond_dim && base->cond_dim != cond_dim)
        return nfi_fail(NF_ERR_SHAPE, "nf_flow_create: base (%s) has cond_dim %lld, the layers %lld", base->type->name,
                        (long long)base->cond_dim, (long long)cond_dim);
    *wanted = cond_dim ? cond_dim : base->cond_dim;
    return NF_OK;
}

/* What the config leaves open about conditions follows from the layers; what both say must agree. */
static nf_status create_check_condition(nf_flow_config *config, nf_context *context, int64_t wanted)
{
    nf_status status;

    if (!config->cond_dim) config->cond_dim = config->n_cond_mean ? config->n_cond_mean : config->n_cond_sd;
    if (!config->cond_dim && !config->embed_dim) config->cond_dim = wanted;
    if ((status = nfi_condition_resolve(config, context, "nf_flow_create"))) return status;
    if (!wanted || wanted == nfi_condition_width(config)) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "nf_flow_create: layers or base have cond_dim %lld, expected %s, %lld", (long long)wanted,
                    config->embed_dim ? "embed_dim" : "that of the flow", (long long)nfi_condition_width(config));
}

/* Where the rows in and out of each place are kept in training: out of one place is in of the next, unless columns leave. */
static void create_place_rows(nf_flow *flow)
{
    flow->scratch = nfi_max(flow->base_info.scratch_fixed + flow->base_info.scratch_row * flow->tile_base, flow->condition.scratch);
    const int64_t align = flow->quantum < 16 ? NFI_ALIGN : 1; /* a multiple of 16 rows is aligned anyhow */
    int64_t act = 0, in = 0;

    for (int64_t i = 0; i < flow->n_places; i++) {
        nfi_place *p = &flow->places[i];
        const int64_t row = nfi_round_up(p->info.dim * flow->size, align);
        if (i == 0 || flow->places[i - 1].info.dim_out < flow->places[i - 1].info.dim) in = act, act += row;
        p->in = in;
        p->out = act;
        act += row;
        in = p->out;
        p->saved = flow->saved_row;
        flow->saved_row += p->info.saved_row;
        flow->saved_most = nfi_max(flow->saved_most, p->info.saved_row * p->info.tile_rows);
        flow->scratch = nfi_max(flow->scratch, p->info.scratch_fixed + p->info.scratch_row * p->info.tile_rows);
    }
    flow->act_row = act;
}

/* The largest power of two that is at most n: tiles of such sizes fit into one another, so that a tile is the same wherever its block
 * begins. */
static int64_t create_power(int64_t n)
{
    int64_t power = 1;
    while (2 * power <= n) power *= 2;
    return power;
}

/* How rows are cut up. A layer gets tiles of what it asks for, at most NFI_TILE_ROWS; one that does not care, as many rows as the cache
 * holds. */
static void create_tiles(nf_flow *flow)
{
    int64_t least = NFI_TILE_ROWS;

    for (int64_t i = 0; i < flow->n_places; i++) {
        int64_t *rows = &flow->places[i].info.tile_rows;
        if (*rows) *rows = create_power(nfi_min(*rows, NFI_TILE_ROWS));
        if (*rows) least = nfi_min(least, *rows);
    }
    const int64_t elements = least < NFI_TILE_ROWS ? NFI_SMALL_ELEMENTS : NFI_TILE_ELEMENTS;
    flow->tile_base = create_power(nfi_min(elements / flow->dim, NFI_TILE_ROWS));
    flow->tile_most = flow->tile_base;
    for (int64_t i = 0; i < flow->n_places; i++) {
        int64_t *rows = &flow->places[i].info.tile_rows;
        if (*rows == 0) *rows = flow->tile_base;
        flow->tile_most = nfi_max(flow->tile_most, *rows);
    }
    flow->quantum = nfi_min(flow->tile_most, 16);
    flow->row_weight = nfi_min(NFI_TILE_ROWS / least, NFI_ROW_WEIGHT);
    flow->block_most = nfi_max(create_power(nfi_min(NFI_BLOCK_ELEMENTS / flow->dim, NFI_BLOCK_ROWS)), flow->tile_most);
    nfi_condition_tiles(flow, flow->tile_base);
}

/* The stage of conditions stands between the layers' slices and the base's. */
static nf_status create_place_condition(nf_flow *flow, int64_t *count, int64_t *packed, int64_t *backward)
{
    nfi_condition *c = &flow->condition;

    c->theta = *count;
    c->packed = *packed;
    c->packed_backward = *backward;
    if (c->embeds) flow->flop_row += 2.0 * (double)c->mlp.theta_count;
    if (nfi_add(*count, c->count, count) && nfi_add(*packed, nfi_condition_packed_bytes(flow, false), packed) &&
        nfi_add(*backward, nfi_condition_packed_bytes(flow, true), backward))
        return NF_OK;
    return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_create: the number of parameters is too large to compute");
}

/* The base stands last in every block. */
static void create_base(nf_flow *flow, int64_t count, int64_t packed, int64_t packed_backward)
{
    const nfi_base_info info = nfi_base_describe(flow->base, flow->kernels);

    flow->base_info = info;
    flow->base_theta = count;
    flow->base_packed = packed;
    flow->base_packed_backward = packed_backward;
    flow->count = count + flow->base->param_count;
    flow->packed_bytes = packed + nfi_round_up(info.packed, NFI_ALIGN);
    flow->packed_backward_bytes = packed_backward + nfi_round_up(info.packed_backward, NFI_ALIGN);
    flow->flop_row += info.flop_row > 0 ? info.flop_row : 2.0 * (double)flow->base->param_count;
}

static nf_status create_places(nf_flow *flow, nf_layer *const *layers)
{
    int64_t count = 0, packed = 0, backward = 0;

    for (int64_t i = 0; i < flow->n_places; i++) {
        nfi_place *p = &flow->places[i];
        p->layer = nfi_object_ref(layers[i], NFI_TAG_LAYER);
        p->info = nfi_layer_describe(p->layer, flow->dtype, flow->kernels);
        p->info.saved_row = nfi_round_up(p->info.saved_row, NFI_ALIGN);
        p->info.packed = nfi_round_up(p->info.packed, NFI_ALIGN);
        p->info.packed_backward = nfi_round_up(p->info.packed_backward, NFI_ALIGN);
        p->theta = count;
        p->packed = packed;
        p->packed_backward = backward;
        p->stream = (uint32_t)(i + 1) << 8;
        flow->factors |= p->info.dim_out < p->info.dim;
        if (!nfi_add(count, p->layer->param_count, &count) || !nfi_add(packed, p->info.packed, &packed) ||
            !nfi_add(backward, p->info.packed_backward, &backward))
            return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_create: the number of parameters is too large to compute");
        flow->flop_row += p->info.flop_row > 0 ? p->info.flop_row : 2.0 * (double)p->layer->param_count;
    }
    const nf_status status = create_place_condition(flow, &count, &packed, &backward);
    if (status) return status;
    create_base(flow, count, packed, backward);
    create_tiles(flow);
    create_place_rows(flow);
    return NF_OK;
}

static nf_status create_blocks(nf_flow *flow, nf_context *context)
{
    const int64_t limit = nfi_context_config(context)->max_elements;
    nf_status status = NF_OK;

    if (flow->count > limit)
        return nfi_fail(NF_ERR_LIMIT, "nf_flow_create: the flow has %lld parameters, the context allows %lld",
                        (long long)flow->count, (long long)limit);
    flow->theta = nfi_alloc(context, flow->count, flow->size, &status);
    if (flow->theta) flow->packed = nfi_alloc(context, flow->packed_bytes, 1, &status);
    return status;
}

/* Initial parameters: every place draws from its own stream. */
static nf_status create_reset(nf_flow *flow)
{
    nf_status status;

    for (int64_t i = 0; i < flow->n_places; i++) {
        const nfi_place *p = &flow->places[i];
        const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
        char *theta = (char *)flow->theta + p->theta * flow->size;
        if (!ops->reset || !p->layer->param_count) continue;
        status = ops->reset(p->layer->self, flow->seed, p->stream + NFI_STREAM_INIT, theta);
        if (status) return nfi_fail_in(status, "nf_flow_create: layer %lld (%s)", (long long)i, p->layer->type->name);
    }
    nfi_condition_reset(flow);
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    return ops->reset ? ops->reset(flow->base->self, flow->seed, (char *)flow->theta + flow->base_theta * flow->size) : NF_OK;
}

/* Everything but the object itself; a flow that is only partly built can be released. */
static nf_status create_build(nf_flow *flow, nf_context *context, const nf_flow_config *config, nf_layer *const *layers, int64_t n_layers)
{
    nf_status status = nfi_condition_make(flow, config);

    if (status) return status;
    flow->places = nfi_alloc(context, n_layers, sizeof *flow->places, &status);
    if (!flow->places) return status;
    flow->n_places = n_layers;
    if ((status = create_places(flow, layers))) return status;
    return create_blocks(flow, context);
}

nf_status nfi_flow_create_bare(nf_flow **out, nf_context *context, const nf_flow_config *config, nf_base *base,
                               nf_layer *const *layers, int64_t n_layers)
{
    nf_flow_config resolved, defaults = NF_FLOW_CONFIG_INIT;
    nf_flow *flow = NULL;
    int64_t wanted = 0;
    nf_status status;
    uint64_t fpenv;

    if (!out) return nfi_fail(NF_ERR_NULL, "nf_flow_create: out is NULL");
    *out = NULL;
    if ((status = nfi_context_check(context, "nf_flow_create"))) return status;
    if ((status = nfi_config_resolve(&nfi_flow_config_type, config ? config : &defaults, &resolved, "nf_flow_create"))) return status;
    if ((status = nfi_object_check(base, NFI_TAG_BASE, "nf_flow_create: base"))) return status;
    if ((status = create_check(context, base, layers, n_layers, resolved.dtype, &wanted))) return status;
    if ((status = create_check_condition(&resolved, context, wanted))) return status;
    flow = nfi_object_create(context, sizeof *flow, NFI_TAG_FLOW);
    if (!flow) return NF_ERR_MEMORY;
    flow->dtype = resolved.dtype;
    flow->size = resolved.dtype == NF_F32 ? 4 : 8;
    flow->seed = resolved.seed;
    flow->dim = base->dim;
    flow->cond_dim = resolved.cond_dim;
    flow->base = nfi_object_ref(base, NFI_TAG_BASE);
    flow->kernels = nfi_kernels_for(context, resolved.dtype);
    fpenv = nfi_fpenv_enter();
    status = create_build(flow, context, &resolved, layers, n_layers);
    nfi_fpenv_leave(fpenv);
    if (status) {
        nf_flow_unref(flow);
        return status;
    }
    *out = flow;
    return NF_OK;
}

/* Conditions that nothing looks at are a mistake. */
static nf_status create_check_used(const nf_flow *flow)
{
    bool used = flow->cond_dim == 0 || flow->base->cond_dim > 0;

    for (int64_t i = 0; i < flow->n_places; i++) used |= flow->places[i].layer->cond_dim > 0;
    if (used) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "nf_flow_create: cond_dim is %lld, and neither a layer nor the base has a cond_dim", (long long)flow->cond_dim);
}

nf_status nf_flow_create(nf_flow **out, nf_context *context, const nf_flow_config *config, nf_base *base,
                         nf_layer *const *layers, int64_t n_layers)
{
    nf_status status = nfi_flow_create_bare(out, context, config, base, layers, n_layers);
    uint64_t fpenv;

    if (status) return status;
    fpenv = nfi_fpenv_enter();
    status = create_check_used(*out);
    if (!status) status = create_reset(*out);
    if (!status) nfi_flow_pack(*out);
    nfi_fpenv_leave(fpenv);
    if (!status) return NF_OK;
    nf_flow_unref(*out);
    *out = NULL;
    return status;
}

nf_flow *nf_flow_ref(nf_flow *flow) { return nfi_object_ref(flow, NFI_TAG_FLOW); }

void nf_flow_unref(nf_flow *flow)
{
    if (!nfi_object_release(flow, NFI_TAG_FLOW)) return;
    nf_context *context = flow->object.context;
    for (int64_t i = 0; i < flow->n_places; i++) nf_layer_unref(flow->places[i].layer);
    nf_base_unref(flow->base);
    nfi_workspace_free_all(flow);
    nfi_condition_free(flow);
    nfi_free(context, flow->places, flow->n_places, sizeof *flow->places);
    nfi_free(context, flow->slots, flow->n_slots, flow->count * flow->size);
    nfi_free(context, flow->theta, flow->count, flow->size);
    nfi_free(context, flow->grad, flow->count, flow->size);
    nfi_free(context, flow->squares, nfi_grad_chunks(flow), sizeof *flow->squares);
    nfi_free(context, flow->packed, flow->packed_bytes, 1);
    nfi_free(context, atomic_load(&flow->packed_backward), flow->packed_backward_bytes, 1);
    nfi_object_free(flow, sizeof *flow);
}

static bool create_is_flow(const nf_flow *flow) { return !nfi_object_check(flow, NFI_TAG_FLOW, "flow"); }

int64_t nf_flow_dim(const nf_flow *flow) { return create_is_flow(flow) ? flow->dim : 0; }
int64_t nf_flow_cond_dim(const nf_flow *flow) { return create_is_flow(flow) ? flow->cond_dim : 0; }
int32_t nf_flow_dtype(const nf_flow *flow) { return create_is_flow(flow) ? flow->dtype : 0; }
int64_t nf_flow_layers(const nf_flow *flow) { return create_is_flow(flow) ? flow->n_places : 0; }
int64_t nf_flow_param_count(const nf_flow *flow) { return create_is_flow(flow) ? flow->count : 0; }
nf_base *nf_flow_base(const nf_flow *flow) { return create_is_flow(flow) ? flow->base : NULL; }

nf_layer *nf_flow_layer(const nf_flow *flow, int64_t index)
{
    return create_is_flow(flow) && index >= 0 && index < flow->n_places ? flow->places[index].layer : NULL;
}

nf_status nf_flow_info(const nf_flow *flow, nf_flow_info_report *report)
{
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_info: flow");
    nf_flow_info_report own;
    int64_t frozen = 0, offset, count;
    int32_t properties;
    char name[96];
    uint64_t fpenv;

    if (status) return status;
    if ((status = nfi_report_check(report, sizeof *report, "nf_flow_info"))) return status;
    for (int64_t i = 0; nfi_flow_range(flow, i, &offset, &count, &properties, name); i++)
        if (properties & NF_PARAM_FROZEN) frozen += count;
    fpenv = nfi_fpenv_enter();
    own = (nf_flow_info_report){ .dtype = flow->dtype, .dim = flow->dim, .cond_dim = flow->cond_dim, .layers = flow->n_places,
                                 .params = flow->count, .trainable = flow->count - frozen,
                                 .bytes_params = flow->count * flow->size, .bytes_packed = flow->packed_bytes,
                                 .saved_bytes_row = flow->act_row + flow->saved_row, .gflop_row = flow->flop_row * 1e-9 };
    nfi_fpenv_leave(fpenv);
    nfi_report_write(report, &own, sizeof own);
    return NF_OK;
}
