/* SPDX-License-Identifier: MIT
 *
 * coupling.h - what the layers that couple have in common: coupling.c does the work, each layer's file says which columns and networks
 */
#ifndef NFI_LAYERS_COUPLING_H
#define NFI_LAYERS_COUPLING_H

#include "layers/layer.h"
#include "layers/transform.h"
#include "nets/net.h"

#define NFI_COUPLING_NETS 2

typedef struct nfi_coupling { /* hyper-parameters only, immutable after creation */
    int64_t dim, cond_dim;
    const int64_t *a, *b; /* columns kept and transformed, ascending */
    int64_t n_a, n_b;
    const unsigned char *circle; /* [n_a]: which of the columns kept are periodic; NULL: none */
    double half_period, frequency; /* B; pi / B */
    int64_t n_in;                /* inputs of the networks: features of the columns kept, cond */
    int32_t n_nets; /* 1: its outputs are all parameters of the transform; 2: one for parameter 0, one for the others */
    const char *prefix[NFI_COUPLING_NETS];
    nfi_net net[NFI_COUPLING_NETS];
    nfi_transform transform;
    int64_t tile_rows;   /* 0: no limit */
    int32_t init_passes; /* of networks that want data; 0: none do */
} nfi_coupling;

extern const nf_layer_ops nfi_coupling_ops_f32, nfi_coupling_ops_f64;
/* Fills a, b, n_a, n_b, n_in from dim, cond_dim and taken [dim]. NF_ERR_MEMORY. */
nf_status nfi_coupling_columns(nfi_coupling *coupling, nf_maker *maker, const unsigned char *taken);
/* Then circle, half_period, frequency, n_in from periodic [dim]. NF_ERR_MEMORY. */
nf_status nfi_coupling_circles(nfi_coupling *coupling, nf_maker *maker, const unsigned char *periodic, double half_period);
nf_status nfi_coupling_describe(const void *self, nf_layer_info *info);
nf_status nfi_coupling_param(const void *self, int32_t i, nf_param *param);

#endif
