/* SPDX-License-Identifier: MIT
 *
 * layer.h - the inside of nf_layer, and the registry
 */
#ifndef NFI_LAYERS_LAYER_H
#define NFI_LAYERS_LAYER_H

#include "core/config.h"
#include "core/memory.h"
#include "math/kernels.h"
#include <nflow/layer_type.h>

struct nf_layer {
    nfi_object object;
    const nf_layer_type *type;
    nf_maker *maker;  /* owns config and self */
    void *config;     /* resolved, arrays owned: what the description is written from */
    void *self;
    int64_t dim, dim_out, cond_dim;
    int64_t param_count; /* elements */
    int32_t n_params;    /* views */
};

/* The one table of built-in layer types (registry.c). */
int32_t nfi_layer_type_count(void);
const nf_layer_type *nfi_layer_type_row(int32_t i);
/* By name, the context's registered types included; NULL with the line recorded (NF_ERR_UNKNOWN). */
const nf_layer_type *nfi_layer_type_find(const nf_context *context, const char *name);

/* Config of built-in layer type i, NULL past the last: the discovery of fields reads it. */
const nfi_config_type *nfi_layer_configs(int32_t i);

/* Counts a solve of row i of the tile, for nf_flow_solver_report: to be called before nf_fail_row. Defined with nf_fail_row. */
void nfi_count_solve(const nf_tile *tile, int64_t i, bool failed, int64_t accepted, int64_t rejected, int64_t evaluations);
/* Row i is given up already, most often because the caller's is not finite: numbers stand in for it that mean nothing. */
bool nfi_row_is_bad(const nf_tile *tile, int64_t i);
/* [n] squares of the standard errors of the tile's log_det, to be added to, for nf_flow_solver_report; NULL: not wanted. */
double *nfi_trace_error(const nf_tile *tile);

#define NFI_MAX_DIM 2147483647.0 /* of field tables; the context's max_dim is the limit in force */

/* A built-in layer's file defines nfi_<name>_type and nfi_<name>_config_type, both from its field table. */
#define NFI_CONFIG_TYPE(name_, config_, fields_)                                                                       \
    { .name = name_, .first_size = sizeof(config_), .size = sizeof(config_), .fields = fields_,                        \
      .n_fields = NFI_COUNT(fields_) }
#define NFI_LAYER_TYPE(name_, config_, fields_)                                                                        \
    .struct_size = sizeof(nf_layer_type), .version = NF_LAYER_TYPE_VERSION, .name = name_,                             \
    .config_size = sizeof(config_), .config_first_size = sizeof(config_), .fields = fields_,                           \
    .n_fields = NFI_COUNT(fields_)

/* The one generic constructor: checks config, makes state, validates describe() and param(). `function` for messages. */
nf_status nfi_layer_make(nf_layer **out, nf_context *context, const nf_layer_type *type, const void *config, const char *function);

static inline const nf_layer_ops *nfi_layer_ops(const nf_layer *layer, int32_t dtype)
{
    return dtype == NF_F32 ? layer->type->f32 : layer->type->f64;
}
static inline nf_layer_info nfi_layer_describe(const nf_layer *layer, int32_t dtype, const nfi_kernels *kernels)
{
    nf_layer_info info = { .struct_size = sizeof info, .dtype = dtype, .kernels = kernels };
    (void)layer->type->describe(layer->self, &info); /* validated by nfi_layer_make */
    if (info.dim_out == 0) info.dim_out = info.dim;
    if (info.packed_parts == 0) info.packed_parts = 1;
    return info;
}

#endif
