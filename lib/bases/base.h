/* SPDX-License-Identifier: MIT
 *
 * base.h - the contract of base distributions, the inside of nf_base, and their table
 */
#ifndef NFI_BASES_BASE_H
#define NFI_BASES_BASE_H

#include "core/config.h"
#include "core/memory.h"
#include "math/kernels.h"
#include <nflow/base.h>
#include <nflow/layer_type.h>

/* Tiles as for layers; theta, grad are the base's slice; tile->log_det is added to. */
typedef struct nfi_base_ops {
    nf_status (*reset)(const void *self, uint64_t seed, void *theta); /* NULL: zeros; random ones from (seed, NFI_STREAM_INIT) */
    /* log_det += log p(z) per row */
    nf_status (*log_prob)(const void *self, const nf_tile *tile, const void *z);
    /* g [n][dim] = weight_i d log p(z_i) / dz (overwritten); tile->grad += weight_i d log p / dtheta if not NULL */
    nf_status (*backward)(const void *self, const nf_tile *tile, const void *z, const double *weight, void *g);
    /* z of samples tile->row .. tile->row + n of stream (seed, NFI_STREAM_BASE): element row * dim + j.
     * tile->training: of the density itself, whatever temperatures the base has for samples */
    nf_status (*sample)(const void *self, const nf_tile *tile, double temperature, void *z);
} nfi_base_ops;

typedef struct nfi_base_type {
    const char *name; /* stored in model files: never rename */
    uint32_t version;
    nfi_config_type config;
    nf_status (*create)(nf_maker *maker, void *config, void **self, int64_t *dim);
    int64_t (*scratch)(const void *self, int64_t rows); /* bytes for a tile of so many rows; NULL: rows x dim doubles */
    nf_status (*param)(const void *self, int32_t i, nf_param *param); /* NULL: none */
    const nfi_base_ops *f32, *f64;
} nfi_base_type;

struct nf_base {
    nfi_object object;
    const nfi_base_type *type;
    nf_maker *maker;
    void *config, *self;
    int64_t dim, param_count;
    int32_t n_params;
};

int32_t nfi_base_type_count(void);
const nfi_base_type *nfi_base_type_row(int32_t i);
const nfi_base_type *nfi_base_type_find(const char *name); /* NULL with line */
int64_t nfi_base_scratch(const nf_base *base, int64_t rows); /* bytes */
/* Config of base type i, NULL past the last: the discovery of fields reads it. */
const nfi_config_type *nfi_base_configs(int32_t i);
/* Checks config, makes state, validates dim and param(). `function` for messages. */
nf_status nfi_base_make(nf_base **out, nf_context *context, const nfi_base_type *type, const void *config, const char *function);
static inline const nfi_base_ops *nfi_base_ops_of(const nf_base *base, int32_t dtype) { return dtype == NF_F32 ? base->type->f32 : base->type->f64; }

#endif
