/* SPDX-License-Identifier: MIT
 *
 * made.h - masked perceptrons: parameters of column k from the columns before it, all columns at once or one after the other
 *
 * Columns are counted from 1, in the order in which they depend on each other. Inputs: cond_dim conditioning columns, of degree 0, then
 * column k of degree k. Hidden units have degrees in [low, dim - 1], ascending. A unit of degree d sees units of the layer below of
 * degrees up to d, the outputs of column k those of degrees below k. Outputs: [dim][params], ascending too.
 *
 * At once is nfi_mlp. A pass goes column by column over a block of rows, forward or backward, each unit once; arrays of a pass are
 * [features][ld], ld = nfi_made_ld(n), rows beyond n zero or finite.
 */
#ifndef NFI_NETS_MADE_H
#define NFI_NETS_MADE_H

#include "nets/mlp.h"

typedef struct nfi_made {
    nfi_mlp mlp;
    int64_t dim, cond_dim, params, low;
    const int64_t *upto; /* [n_layers][dim + 1]: units of layer l, 0 the inputs, of degree d or less */
} nfi_made;

/* Units of a pass, layer after layer from the inputs: h [units][ld], and u of them where the activation keeps u. */
typedef struct nfi_made_pass {
    const nfi_made *made;
    const nfi_kernels *kernels;
    int64_t ld;
    const void *weights; /* as theta, within the mask */
    void *h, *u;         /* nfi_made_units() ld elements each */
    void *d;             /* tangents or gradients of h; forward: NULL: not wanted */
} nfi_made_pass;

static inline int64_t nfi_made_ld(int64_t n) { return nfi_round_up(n, 16); }

/* As nfi_mlp_create; outputs start at zero with zero_last. */
nf_status nfi_made_create(nfi_made *made, nf_maker *maker, int64_t dim, int64_t cond_dim, int64_t params, const int64_t *hidden,
                          int64_t n_hidden, int32_t activation, int32_t weights, int32_t zero_last);
int64_t nfi_made_units(const nfi_made *made); /* inputs and hidden units */

/* The outputs p [params][ld] of column k, in order for k = 1 .. dim, when the inputs of degrees below k are in h; and their tangents dp
 * from those in d, when d is given. */
void nfi_made_column(const nfi_made_pass *pass, int64_t k, void *p, void *dp);

/* h and u of hidden units from what nfi_mlp_value saved of n rows, for nfi_made_back. */
void nfi_made_load(const nfi_made_pass *pass, int64_t n, const void *saved);
/* dL/dinput of column k in d, in order for k = dim .. 1, from gp [dim][params][ld] = dL/dp, read in columns after k. */
const void *nfi_made_back(const nfi_made_pass *pass, int64_t k, const void *gp);

#endif
