/* SPDX-License-Identifier: MIT
 *
 * autoregressive.h - the state of an autoregressive layer: autoregressive.c does the work, autoregressive_layer.c makes it of a config
 */
#ifndef NFI_LAYERS_AUTOREGRESSIVE_H
#define NFI_LAYERS_AUTOREGRESSIVE_H

#include "layers/layer.h"
#include "layers/transform.h"
#include "nets/made.h"
#include <nflow/autoregressive.h>

typedef struct nfi_autoregressive { /* hyper-parameters only, immutable after creation */
    int64_t dim, cond_dim;
    const int64_t *order; /* [dim]: the k-th column to depend on those before it */
    int32_t solves;       /* 1: forward goes column by column (direction inverse); 0: inverse does */
    nfi_made made;
    nfi_transform transform;
} nfi_autoregressive;

extern const nf_layer_ops nfi_autoregressive_ops_f32, nfi_autoregressive_ops_f64;
nf_status nfi_autoregressive_describe(const void *self, nf_layer_info *info);
nf_status nfi_autoregressive_param(const void *self, int32_t i, nf_param *param);

#endif
