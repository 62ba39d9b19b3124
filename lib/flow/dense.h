/* SPDX-License-Identifier: MIT
 *
 * dense.h - inverse_backward of layers that have none of their own: the Jacobian of each row, by dim calls of backward
 */
#ifndef NFI_FLOW_DENSE_H
#define NFI_FLOW_DENSE_H

#include "flow/flow.h"

#define NFI_DENSE_MOST 128 /* columns: a tile's Jacobians then take 16 MiB */

/* Bytes of memory that a worker needs for the flow's layers; 0: all have inverse_backward. */
int64_t nfi_dense_bytes(const nf_flow *flow);
/* nf_layer_ops.inverse_backward, with memory. A row whose Jacobian is singular becomes NaN. */
nf_status nfi_dense_inverse_backward(const nfi_place *place, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                     void *memory);

#endif
