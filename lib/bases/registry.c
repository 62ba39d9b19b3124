/* SPDX-License-Identifier: MIT
 *
 * registry.c - the table of base types, and the one constructor of bases
 */
#include "bases/base.h"

#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"

extern const nfi_base_type nfi_base_normal_type, nfi_base_diagonal_type, nfi_base_uniform_type, nfi_base_normal_full_type,
    nfi_base_mixture_type, nfi_base_student_type, nfi_base_laplace_type, nfi_base_logistic_type, nfi_base_box_type,
    nfi_base_normal_conditional_type;

/* The only shared edit of a new base: its row. */
static const nfi_base_type *const registry_rows[] = {
    &nfi_base_normal_type,
    &nfi_base_diagonal_type,
    &nfi_base_uniform_type,
    &nfi_base_normal_full_type,
    &nfi_base_mixture_type,
    &nfi_base_student_type,
    &nfi_base_laplace_type,
    &nfi_base_logistic_type,
    &nfi_base_box_type,
    &nfi_base_normal_conditional_type,
};

int32_t nfi_base_type_count(void) { return (int32_t)(sizeof registry_rows / sizeof *registry_rows); }

const nfi_base_type *nfi_base_type_row(int32_t i)
{
    return i >= 0 && i < nfi_base_type_count() ? registry_rows[i] : NULL;
}

const nfi_config_type *nfi_base_configs(int32_t i)
{
    const nfi_base_type *type = nfi_base_type_row(i);
    return type ? &type->config : NULL;
}

const nfi_base_type *nfi_base_type_find(const char *name)
{
    for (int32_t i = 0; i < nfi_base_type_count(); i++)
        if (strcmp(registry_rows[i]->name, name) == 0) return registry_rows[i];
    (void)nfi_fail(NF_ERR_UNKNOWN, "base type \"%.64s\" does not exist; there are normal, diagonal, uniform, normal_full, mixture, student, laplace, logistic, "
                   "box, normal_conditional", name);
    return NULL;
}

nfi_base_info nfi_base_describe(const nf_base *base, const nfi_kernels *kernels)
{
    nfi_base_info info = { .kernels = kernels };
    if (base->type->describe) base->type->describe(base->self, &info);
    else info.scratch_row = base->dim * (int64_t)sizeof(double);
    return info;
}

static void registry_free(nf_base *base)
{
    nfi_maker_free(base->maker);
    nfi_object_free(base, (int64_t)sizeof *base);
}

/* Counts the parameters; the views of built-in bases are contiguous. */
static nf_status registry_params(nf_base *base)
{
    nf_param param = { .struct_size = sizeof param };
    while (base->type->param && base->type->param(base->self, base->n_params, &param) == NF_OK) {
        int64_t count = 1;
        for (int32_t d = 0; d < param.rank; d++)
            if (!nfi_mul(count, param.shape[d], &count))
                return nfi_fail(NF_ERR_OVERFLOW, "base \"%s\": too many parameters", base->type->name);
        if (!nfi_add(base->param_count, count, &base->param_count))
            return nfi_fail(NF_ERR_OVERFLOW, "base \"%s\": too many parameters", base->type->name);
        base->n_params++;
    }
    return NF_OK;
}

/* The context's limit on columns holds before create allocates by them. */
static nf_status registry_check_limits(const nf_base *base, const char *function)
{
    const nfi_config_type *row = &base->type->config;
    const int64_t limit = nfi_context_config(base->object.context)->max_dim;

    for (int32_t i = 0; i < row->n_fields; i++) {
        const nf_field *field = &row->fields[i];
        int64_t value;
        if (strcmp(field->name, "dim") != 0 && strcmp(field->name, "cond_dim") != 0) continue;
        memcpy(&value, (const char *)base->config + field->offset, sizeof value);
        if (value > limit)
            return nfi_fail(NF_ERR_LIMIT, "%s: %s is %lld, over the context's max_dim %lld", function, field->name, (long long)value, (long long)limit);
    }
    return NF_OK;
}

static nf_status registry_fill(nf_base *base, const void *config, const char *function)
{
    const nfi_config_type *row = &base->type->config;

    nf_status status = nfi_maker_create(&base->maker, base->object.context);
    if (status != NF_OK) return status;
    base->config = nfi_maker_alloc(base->maker, 1, row->size);
    if (!base->config) return NF_ERR_MEMORY;
    status = nfi_config_resolve(row, config, base->config, function);
    if (status == NF_OK) status = registry_check_limits(base, function);
    if (status == NF_OK) status = nfi_config_own(row, base->config, base->maker);
    if (status == NF_OK) status = base->type->create(base->maker, base->config, &base->self, &base->dim);
    if (status == NF_OK) base->cond_dim = nfi_base_describe(base, nfi_kernels_for(base->object.context, NF_F32)).cond_dim;
    if (status == NF_OK) status = registry_params(base);
    return status;
}

nf_status nfi_base_make(nf_base **out, nf_context *context, const nfi_base_type *type, const void *config,
                        const char *function)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", function);
    *out = NULL;
    nf_status status = nfi_context_check(context, function);
    if (status) return status;
    nf_base *base = nfi_object_create(context, (int64_t)sizeof *base, NFI_TAG_BASE);
    if (!base) return NF_ERR_MEMORY;
    base->type = type;
    const uint64_t fpenv = nfi_fpenv_enter();
    status = registry_fill(base, config, function);
    nfi_fpenv_leave(fpenv);
    if (status != NF_OK) {
        registry_free(base);
        return status;
    }
    *out = base;
    return NF_OK;
}

nf_base *nf_base_ref(nf_base *base) { return nfi_object_ref(base, NFI_TAG_BASE); }

void nf_base_unref(nf_base *base)
{
    if (nfi_object_release(base, NFI_TAG_BASE)) registry_free(base);
}

static bool registry_is_base(const nf_base *base, const char *what)
{
    return base && nfi_object_check(base, NFI_TAG_BASE, what) == NF_OK;
}

int64_t nf_base_dim(const nf_base *base) { return registry_is_base(base, "nf_base_dim: base") ? base->dim : 0; }

int64_t nf_base_cond_dim(const nf_base *base) { return registry_is_base(base, "nf_base_cond_dim: base") ? base->cond_dim : 0; }

const char *nf_base_type_name(const nf_base *base)
{
    return registry_is_base(base, "nf_base_type_name: base") ? base->type->name : NULL;
}

const char *nf_base_type_at(int32_t index)
{
    const nfi_base_type *type = nfi_base_type_row(index);
    return type ? type->name : NULL;
}

nf_status nf_base_create(nf_base **out, nf_context *context, const char *type, const void *config)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "nf_base_create: out is NULL");
    *out = NULL;
    if (!type) return nfi_fail(NF_ERR_NULL, "nf_base_create: type is NULL");
    const nfi_base_type *row = nfi_base_type_find(type);
    return row ? nfi_base_make(out, context, row, config, "nf_base_create") : NF_ERR_UNKNOWN;
}
