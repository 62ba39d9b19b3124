/* SPDX-License-Identifier: MIT
 *
 * registry.c - the table of layer types, and the one constructor of layers
 *
 * A layer is a type and the state that the type made of a config. All checks of a type's answers stand here, once:
 * whatever passes nfi_layer_make may be trusted by the flow.
 */
#include "layers/layer.h"

#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"

extern const nf_layer_type nfi_coupling_affine_type, nfi_coupling_conv_type, nfi_coupling_spline_type, nfi_permutation_type, nfi_actnorm_type, nfi_affine_type,
    nfi_standardise_type, nfi_logit_type, nfi_linear_type, nfi_householder_type, nfi_planar_type, nfi_radial_type, nfi_sylvester_type, nfi_invconv_type,
    nfi_squeeze_type, nfi_split_type, nfi_dequantise_type, nfi_cnf_type, nfi_columns_type, nfi_autoregressive_type;
extern const nfi_config_type nfi_coupling_affine_config_type, nfi_coupling_conv_config_type, nfi_coupling_spline_config_type, nfi_permutation_config_type,
    nfi_actnorm_config_type, nfi_affine_config_type, nfi_standardise_config_type, nfi_logit_config_type, nfi_linear_config_type,
    nfi_householder_config_type, nfi_planar_config_type, nfi_radial_config_type, nfi_sylvester_config_type, nfi_invconv_config_type,
    nfi_squeeze_config_type, nfi_split_config_type, nfi_dequantise_config_type, nfi_cnf_config_type, nfi_columns_config_type, nfi_autoregressive_config_type;

/* The only shared edit of a new layer: its two rows. */
static const struct registry_row {
    const nf_layer_type *type;
    const nfi_config_type *config;
} registry_rows[] = {
    { &nfi_coupling_affine_type, &nfi_coupling_affine_config_type },
    { &nfi_coupling_conv_type, &nfi_coupling_conv_config_type },
    { &nfi_coupling_spline_type, &nfi_coupling_spline_config_type },
    { &nfi_split_type, &nfi_split_config_type },
    { &nfi_permutation_type, &nfi_permutation_config_type },
    { &nfi_actnorm_type, &nfi_actnorm_config_type },
    { &nfi_affine_type, &nfi_affine_config_type },
    { &nfi_standardise_type, &nfi_standardise_config_type },
    { &nfi_logit_type, &nfi_logit_config_type },
    { &nfi_linear_type, &nfi_linear_config_type },
    { &nfi_householder_type, &nfi_householder_config_type },
    { &nfi_planar_type, &nfi_planar_config_type },
    { &nfi_radial_type, &nfi_radial_config_type },
    { &nfi_sylvester_type, &nfi_sylvester_config_type },
    { &nfi_invconv_type, &nfi_invconv_config_type },
    { &nfi_squeeze_type, &nfi_squeeze_config_type },
    { &nfi_cnf_type, &nfi_cnf_config_type },
    { &nfi_autoregressive_type, &nfi_autoregressive_config_type },
    { &nfi_columns_type, &nfi_columns_config_type },
    { &nfi_dequantise_type, &nfi_dequantise_config_type },
};

#define REGISTRY_MAX_NAME 48

int32_t nfi_layer_type_count(void) { return NFI_COUNT(registry_rows); }

const nf_layer_type *nfi_layer_type_row(int32_t i)
{
    return i >= 0 && i < nfi_layer_type_count() ? registry_rows[i].type : NULL;
}

const nfi_config_type *nfi_layer_configs(int32_t i)
{
    return i >= 0 && i < nfi_layer_type_count() ? registry_rows[i].config : NULL;
}

static const nf_layer_type *registry_find(const nf_context *context, const char *name)
{
    for (int32_t i = 0; i < nfi_layer_type_count(); i++)
        if (strcmp(registry_rows[i].type->name, name) == 0) return registry_rows[i].type;
    return nfi_context_find_type(context, name);
}

const nf_layer_type *nfi_layer_type_find(const nf_context *context, const char *name)
{
    const nf_layer_type *type = registry_find(context, name);
    if (!type) (void)nfi_fail(NF_ERR_UNKNOWN, "layer type \"%.64s\" is neither built in nor registered", name);
    return type;
}

/* Checks of a type */

static nf_status registry_check_ops(const nf_layer_type *type, const nf_layer_ops *ops, const char *function)
{
    if (!ops) return NF_OK;
    if (ops->struct_size != sizeof *ops)
        return nfi_fail(NF_ERR_VERSION, "%s: the operations of type \"%.48s\" have %u bytes, not %u", function,
                        type->name, (unsigned)ops->struct_size, (unsigned)sizeof *ops);
    if (!ops->forward || !ops->backward)
        return nfi_fail(NF_ERR_ARG, "%s: type \"%.48s\" lacks forward or backward", function, type->name);
    return NF_OK;
}

static nf_status registry_check_name(const char *name, const char *function)
{
    const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || length > REGISTRY_MAX_NAME || name[length] != '\0')
        return nfi_fail(NF_ERR_ARG, "%s: the type's name \"%.64s\" is not 1 to %d of [a-z0-9_]", function, name,
                        REGISTRY_MAX_NAME);
    return NF_OK;
}

static nf_status registry_check_type(const nf_layer_type *type, const char *function)
{
    if (!type) return nfi_fail(NF_ERR_NULL, "%s: type is NULL", function);
    if (type->struct_size != sizeof *type)
        return nfi_fail(NF_ERR_VERSION, "%s: the type has %u bytes, not %u", function, (unsigned)type->struct_size,
                        (unsigned)sizeof *type);
    if (!type->name || !type->create || !type->describe || (!type->f32 && !type->f64))
        return nfi_fail(NF_ERR_ARG, "%s: the type lacks its name, create, describe or operations", function);
    if (type->n_fields < 0 || (type->n_fields > 0 && !type->fields))
        return nfi_fail(NF_ERR_ARG, "%s: type \"%.48s\" has a bad field table", function, type->name);
    if (type->config_first_size < sizeof(uint32_t) || type->config_size < type->config_first_size)
        return nfi_fail(NF_ERR_ARG, "%s: type \"%.48s\" has bad config sizes", function, type->name);
    nf_status status = registry_check_name(type->name, function);
    if (status == NF_OK) status = registry_check_ops(type, type->f32, function);
    if (status == NF_OK) status = registry_check_ops(type, type->f64, function);
    return status;
}

/* Checks of what a type answers */

/* A type answers NF_OK or a negative status. */
static nf_status registry_answer(nf_status status, const nf_layer_type *type, const char *operation)
{
    if (status <= 0) return status;
    return nfi_fail(NF_ERR_CALLBACK, "layer \"%s\": %s returned %d", type->name, operation, (int)status);
}

static nf_status registry_check_info(const nf_layer *layer, const nf_layer_info *info)
{
    const nf_context_config *limits = nfi_context_config(layer->object.context);
    const char *name = layer->type->name;

    if (info->dim < 1 || info->dim_out < 0 || info->dim_out > info->dim || info->cond_dim < 0)
        return nfi_fail(NF_ERR_SHAPE, "layer \"%s\": dim is %lld, dim_out %lld, cond_dim %lld", name,
                        (long long)info->dim, (long long)info->dim_out, (long long)info->cond_dim);
    if (info->dim > limits->max_dim || info->cond_dim > limits->max_dim)
        return nfi_fail(NF_ERR_LIMIT, "layer \"%s\": dim is %lld, cond_dim %lld, over the context's max_dim %lld", name,
                        (long long)info->dim, (long long)info->cond_dim, (long long)limits->max_dim);
    if (info->tile_rows < 0 || info->saved_row < 0 || info->scratch_row < 0 || info->scratch_fixed < 0 ||
        info->packed < 0 || info->packed_backward < 0 || info->packed_parts < 0)
        return nfi_fail(NF_ERR_OVERFLOW, "layer \"%s\": describe answered a negative size", name);
    return NF_OK;
}

static nf_status registry_describe(nf_layer *layer, int32_t dtype)
{
    nf_layer_info info = { .struct_size = sizeof info, .dtype = dtype,
                           .kernels = nfi_kernels_for(layer->object.context, dtype) };
    nf_status status = registry_answer(layer->type->describe(layer->self, &info), layer->type, "describe");
    if (status == NF_OK) status = registry_check_info(layer, &info);
    if (status != NF_OK) return status;

    const int64_t dim_out = info.dim_out ? info.dim_out : info.dim;
    if (layer->dim && (layer->dim != info.dim || layer->dim_out != dim_out || layer->cond_dim != info.cond_dim))
        return nfi_fail(NF_ERR_SHAPE, "layer \"%s\": describe answers other columns in f32 than in f64",
                        layer->type->name);
    layer->dim = info.dim;
    layer->dim_out = dim_out;
    layer->cond_dim = info.cond_dim;
    return NF_OK;
}

static nf_status registry_add_param(nf_layer *layer, const nf_param *param)
{
    const int64_t limit = nfi_context_config(layer->object.context)->max_elements;
    const char *name = layer->type->name;
    int64_t count = 1;

    if (param->name[0] == '\0' || !memchr(param->name, '\0', sizeof param->name) || param->rank < 0 ||
        param->rank > 4)
        return nfi_fail(NF_ERR_ARG, "layer \"%s\": parameter %d has a bad name or rank", name, (int)layer->n_params);
    if (param->offset != layer->param_count)
        return nfi_fail(NF_ERR_ARG, "layer \"%s\": parameter \"%s\" starts at %lld, not %lld", name, param->name,
                        (long long)param->offset, (long long)layer->param_count);
    for (int32_t d = 0; d < param->rank; d++)
        if (param->shape[d] < 1 || !nfi_mul(count, param->shape[d], &count))
            return nfi_fail(NF_ERR_SHAPE, "layer \"%s\": parameter \"%s\" has a bad shape", name, param->name);
    if (!nfi_add(layer->param_count, count, &layer->param_count) || layer->param_count > limit)
        return nfi_fail(NF_ERR_LIMIT, "layer \"%s\": more parameters than the context's max_elements %lld", name,
                        (long long)limit);
    layer->n_params++;
    return NF_OK;
}

static nf_status registry_params(nf_layer *layer)
{
    nf_status status = NF_OK;
    while (layer->type->param && status == NF_OK) {
        nf_param param = { .struct_size = sizeof param };
        status = layer->type->param(layer->self, layer->n_params, &param);
        if (status == NF_ERR_ARG) return NF_OK; /* past the last */
        status = registry_answer(status, layer->type, "param");
        if (status == NF_OK) status = registry_add_param(layer, &param);
    }
    return status;
}

/* Layers */

static void registry_free(nf_layer *layer)
{
    if (layer->self && layer->type->destroy) layer->type->destroy(layer->self);
    nfi_maker_free(layer->maker);
    nfi_object_free(layer, (int64_t)sizeof *layer);
}

/* The context's limit on columns holds before create allocates by them: fields dim and cond_dim, and height x width x channels; that on the
 * steps of solves for max_steps. */
static nf_status registry_check_limits(const nf_layer *layer, const char *function)
{
    const int64_t limit = nfi_context_config(layer->object.context)->max_dim, steps = nfi_context_config(layer->object.context)->max_solver_steps;
    int64_t image = 1;

    for (int32_t i = 0; i < layer->type->n_fields; i++) {
        const nf_field *field = &layer->type->fields[i];
        const bool alone = strcmp(field->name, "dim") == 0 || strcmp(field->name, "cond_dim") == 0;
        const bool side = strcmp(field->name, "height") == 0 || strcmp(field->name, "width") == 0 || strcmp(field->name, "channels") == 0;
        const bool solver = strcmp(field->name, "max_steps") == 0;
        int64_t value = 0;
        if (field->kind != NF_FIELD_I64 || !(alone || side || solver)) continue;
        memcpy(&value, (const char *)layer->config + field->offset, sizeof value);
        if (solver && value > steps)
            return nfi_fail(NF_ERR_LIMIT, "%s: max_steps is %lld, over the context's max_solver_steps %lld", function, (long long)value, (long long)steps);
        if (alone && value > limit)
            return nfi_fail(NF_ERR_LIMIT, "%s: %s is %lld, over the context's max_dim %lld", function, field->name,
                            (long long)value, (long long)limit);
        if (side && (!nfi_mul(image, value, &image) || image > limit))
            return nfi_fail(NF_ERR_LIMIT, "%s: height x width x channels is over the context's max_dim %lld", function, (long long)limit);
    }
    return NF_OK;
}

static nf_status registry_fill(nf_layer *layer, const void *config, const char *function)
{
    const nf_layer_type *type = layer->type;
    const nfi_config_type row = { .name = type->name, .first_size = type->config_first_size,
                                  .size = type->config_size, .fields = type->fields, .n_fields = type->n_fields };

    nf_status status = nfi_maker_create(&layer->maker, layer->object.context);
    if (status != NF_OK) return status;
    layer->config = nfi_maker_alloc(layer->maker, 1, type->config_size);
    if (!layer->config) return NF_ERR_MEMORY;
    status = nfi_config_resolve(&row, config, layer->config, function);
    if (status == NF_OK) status = registry_check_limits(layer, function);
    if (status == NF_OK) status = nfi_config_own(&row, layer->config, layer->maker);
    if (status == NF_OK)
        status = registry_answer(type->create(layer->maker, layer->config, &layer->self), type, "create");
    if (status == NF_OK && type->f32) status = registry_describe(layer, NF_F32);
    if (status == NF_OK && type->f64) status = registry_describe(layer, NF_F64);
    if (status == NF_OK) status = registry_params(layer);
    return status;
}

nf_status nfi_layer_make(nf_layer **out, nf_context *context, const nf_layer_type *type, const void *config,
                         const char *function)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", function);
    *out = NULL;
    nf_status status = nfi_context_check(context, function);
    if (status) return status;
    nf_layer *layer = nfi_object_create(context, (int64_t)sizeof *layer, NFI_TAG_LAYER);
    if (!layer) return NF_ERR_MEMORY;
    layer->type = type;
    const uint64_t fpenv = nfi_fpenv_enter();
    status = registry_fill(layer, config, function);
    nfi_fpenv_leave(fpenv);
    if (status != NF_OK) {
        registry_free(layer);
        return status;
    }
    *out = layer;
    return NF_OK;
}

nf_layer *nf_layer_ref(nf_layer *layer) { return nfi_object_ref(layer, NFI_TAG_LAYER); }

void nf_layer_unref(nf_layer *layer)
{
    if (nfi_object_release(layer, NFI_TAG_LAYER)) registry_free(layer);
}

static bool registry_is_layer(const nf_layer *layer, const char *what)
{
    return layer && nfi_object_check(layer, NFI_TAG_LAYER, what) == NF_OK;
}

int64_t nf_layer_dim(const nf_layer *layer) { return registry_is_layer(layer, "nf_layer_dim: layer") ? layer->dim : 0; }

int64_t nf_layer_cond_dim(const nf_layer *layer)
{
    return registry_is_layer(layer, "nf_layer_cond_dim: layer") ? layer->cond_dim : 0;
}

const char *nf_layer_type_name(const nf_layer *layer)
{
    return registry_is_layer(layer, "nf_layer_type_name: layer") ? layer->type->name : NULL;
}

const char *nf_layer_type_at(int32_t index)
{
    const nf_layer_type *type = nfi_layer_type_row(index);
    return type ? type->name : NULL;
}

nf_status nf_layer_create(nf_layer **out, nf_context *context, const char *type, const void *config)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "nf_layer_create: out is NULL");
    *out = NULL;
    if (!type) return nfi_fail(NF_ERR_NULL, "nf_layer_create: type is NULL");
    const nf_status status = nfi_context_check(context, "nf_layer_create");
    if (status != NF_OK) return status;
    const nf_layer_type *row = nfi_layer_type_find(context, type);
    return row ? nfi_layer_make(out, context, row, config, "nf_layer_create") : NF_ERR_UNKNOWN;
}

nf_status nf_layer_create_custom(nf_layer **out, nf_context *context, const nf_layer_type *type, const void *config)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "nf_layer_create_custom: out is NULL");
    *out = NULL;
    const nf_status status = registry_check_type(type, "nf_layer_create_custom");
    return status == NF_OK ? nfi_layer_make(out, context, type, config, "nf_layer_create_custom") : status;
}

nf_status nf_context_register_layer(nf_context *context, const nf_layer_type *type)
{
    if (!context) return nfi_fail(NF_ERR_NULL, "nf_context_register_layer: context is NULL");
    nf_status status = nfi_object_check(context, NFI_TAG_CONTEXT, "nf_context_register_layer: context");
    if (status == NF_OK) status = registry_check_type(type, "nf_context_register_layer");
    if (status != NF_OK) return status;
    if (registry_find(context, type->name))
        return nfi_fail(NF_ERR_ARG, "nf_context_register_layer: the name \"%s\" is taken", type->name);
    return nfi_context_add_type(context, type->name, type);
}
