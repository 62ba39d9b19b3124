/* SPDX-License-Identifier: MIT
 *
 * configs.c - finding a field of any config, from each module's own list
 */
#include "bases/base.h"
#include "core/status.h"
#include "data/dataset.h"
#include "flow/flow.h"
#include "layers/layer.h"
#include "optim/optimizer.h"
#include "train/train.h"
#include <stdio.h>
#include <string.h>

static const nfi_config_type *configs_context(int32_t i) { return i == 0 ? &nfi_context_config_type : NULL; }

static const nfi_config_type *(*const configs_lists[])(int32_t) = {
    configs_context, nfi_layer_configs, nfi_base_configs, nfi_flow_configs, nfi_data_configs, nfi_optim_configs, nfi_train_configs,
};
#define CONFIGS_LISTS ((int32_t)(sizeof configs_lists / sizeof *configs_lists))

/* The config at a running index over all lists, NULL past the last. */
static const nfi_config_type *configs_at(int32_t index)
{
    for (int32_t list = 0; list < CONFIGS_LISTS; list++)
        for (int32_t i = 0; configs_lists[list](i); i++)
            if (index-- == 0) return configs_lists[list](i);
    return NULL;
}

static nf_status configs_unknown(const char *name)
{
    char known[600] = "";
    size_t used = 0;
    const nfi_config_type *type;

    for (int32_t i = 0; (type = configs_at(i)) && used + 48 < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", type->name);
    return nfi_fail(NF_ERR_UNKNOWN, "nf_config_field: config is \"%.48s\"; there are %s", name, known);
}

nf_status nf_config_field(const char *config, int32_t index, nf_field *out)
{
    const nfi_config_type *type;

    if (!config || !out) return nfi_fail(NF_ERR_NULL, "nf_config_field: %s is NULL", config ? "out" : "config");
    for (int32_t i = 0; (type = configs_at(i)); i++)
        if (!strcmp(type->name, config)) break;
    if (!type) return configs_unknown(config);
    if (index < 0 || index >= type->n_fields)
        return nfi_fail(NF_ERR_ARG, "nf_config_field: index is %d, \"%s\" has %d fields", (int)index, config, (int)type->n_fields);
    *out = type->fields[index];
    return NF_OK;
}
