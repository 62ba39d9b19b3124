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

/* Tiles as for layers: theta, packed and grad are the base's slices, cond is the flow's, tile->log_det is added to. */
typedef struct nfi_base_ops {
    nf_status (*reset)(const void *self, uint64_t seed, void *theta); /* NULL: zeros; random ones from (seed, NFI_STREAM_INIT) */
    /* Rearranges theta, after every change of it, into what describe asked room for; either may be NULL: not wanted. NULL: nothing is packed. */
    void (*pack)(const void *self, const nfi_kernels *kernels, const void *theta, void *packed, void *packed_backward);
    /* log_det += log p(z) per row */
    nf_status (*log_prob)(const void *self, const nf_tile *tile, const void *z);
    /* g [n][dim] = weight_i d log p(z_i) / dz (overwritten); tile->grad += weight_i d log p / dtheta and tile->grad_cond [n][cond_dim] +=
     * weight_i d log p / dcond, where they are not NULL */
    nf_status (*backward)(const void *self, const nf_tile *tile, const void *z, const double *weight, void *g);
    /* z of samples tile->row .. tile->row + n of stream (seed, NFI_STREAM_BASE): element row * dim + j.
     * tile->training: of the density itself, whatever temperatures the base has for samples */
    nf_status (*sample)(const void *self, const nf_tile *tile, double temperature, void *z);
    /* Of z that `sample` drew, at temperature 1, for the tile's seed and rows, whose loss is L_i, with g [n][dim] = dL_i/dz_i (left alone):
     * tile->grad += sum_i g_i dz_i/dtheta, where draws move smoothly with theta; sum_i value_i dlog p(z_i)/dtheta, value_i being L_i less
     * a number that the draw has no part in, where they jump; and the same by cond to tile->grad_cond. NULL: no parameters. */
    nf_status (*sample_backward)(const void *self, const nf_tile *tile, const void *z, const void *g, const double *value);
} nfi_base_ops;

/* What describe answers. All zero on entry but the kernels, which tell the precision asked for. */
typedef struct nfi_base_info {
    const nfi_kernels *kernels;
    int64_t cond_dim;      /* conditioning columns wanted, 0 none: the same in both precisions */
    int64_t scratch_row;   /* bytes of scratch per row of a tile ... */
    int64_t scratch_fixed; /* ... plus these */
    int64_t packed, packed_backward; /* bytes that pack fills, the second for backward and sample_backward alone; 0: no pack */
    double flop_row;       /* floating-point operations of log_prob for a row; 0: 2 a parameter */
} nfi_base_info;

typedef struct nfi_base_type {
    const char *name; /* stored in model files: never rename */
    uint32_t version;
    nfi_config_type config;
    nf_status (*create)(nf_maker *maker, void *config, void **self, int64_t *dim);
    void (*describe)(const void *self, nfi_base_info *info); /* NULL: dim doubles of scratch a row, and nothing else */
    nf_status (*param)(const void *self, int32_t i, nf_param *param); /* NULL: none */
    const nfi_base_ops *f32, *f64;
} nfi_base_type;

struct nf_base {
    nfi_object object;
    const nfi_base_type *type;
    nf_maker *maker;
    void *config, *self;
    int64_t dim, cond_dim, param_count;
    int32_t n_params;
};

int32_t nfi_base_type_count(void);
const nfi_base_type *nfi_base_type_row(int32_t i);
const nfi_base_type *nfi_base_type_find(const char *name); /* NULL with line */
nfi_base_info nfi_base_describe(const nf_base *base, const nfi_kernels *kernels);
/* Config of base type i, NULL past the last: the discovery of fields reads it. */
const nfi_config_type *nfi_base_configs(int32_t i);
/* Checks config, makes state, validates dim and param(). `function` for messages. */
nf_status nfi_base_make(nf_base **out, nf_context *context, const nfi_base_type *type, const void *config, const char *function);
static inline const nfi_base_ops *nfi_base_ops_of(const nf_base *base, int32_t dtype) { return dtype == NF_F32 ? base->type->f32 : base->type->f64; }

#endif
