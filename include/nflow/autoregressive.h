/* SPDX-License-Identifier: MIT
 *
 * autoregressive.h - layers whose columns depend on those before them: masked autoregressive flow and inverse autoregressive flow
 *
 * What nflow/layer.h says of layers and of their constructors holds here too. Everything here since 0.1
 */
#ifndef NFLOW_AUTOREGRESSIVE_H
#define NFLOW_AUTOREGRESSIVE_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

/* What is done to a column. */
enum {
    NF_TRANSFORM_AFFINE = 1, /* T(x) = exp(s) x + t. Default */
    NF_TRANSFORM_SPLINE = 2  /* a monotone rational-quadratic spline of [-spline_bound, spline_bound], the identity beyond */
};

/* Which way is one pass of the network. */
enum {
    NF_AUTOREGRESSIVE_FORWARD = 1, /* MAF: densities in one pass, samples column by column. Default */
    NF_AUTOREGRESSIVE_INVERSE = 2  /* IAF: samples in one pass, densities column by column */
};

/* The order in which columns depend on each other. */
enum {
    NF_ORDER_ASCENDING = 1, /* column j depends on columns 0 .. j-1. Default */
    NF_ORDER_REVERSED = 2,  /* column j depends on columns j+1 .. dim-1 */
    NF_ORDER_INDEX = 3      /* column index[k] depends on columns index[0] .. index[k-1] */
};

/**
 * Layer "autoregressive", each column transformed by a network of the columns before it. With c the conditioning columns and T the
 * transform,
 *   direction forward:  z_j = T(x_j; p_j),  p_j = net_j(x_before(j), c),  log|det| = sum_j log dT/dx_j
 *   direction inverse:  x_j = T(z_j; p_j),  p_j = net_j(z_before(j), c),  log|det| = -sum_j log dT/dz_j
 * so that inverse is the inverse of the layer of direction forward with the same parameters. The network is one perceptron whose
 * weights are masked (MADE): a hidden unit of degree d sees c and the first d columns of the order, and the outputs of the k-th column
 * see units of lower degree than k. As many hidden units have each degree as counting through 1 .. dim-1 again and again gives, from 0
 * when there are conditioning columns; a layer of fewer units has degrees spread evenly over that range. Units are sorted by degree.
 * The slow way evaluates each unit once, as soon as what it sees is known: one pass of the network in all, column by column. Parameters of
 * the transforms have the same bits in both ways, but with CBLAS; every row is on its own.
 * Parameters: net.<l>.weight [in][out], net.<l>.bias [out] for each dense layer l. Inputs: c, then the columns in the order; outputs
 * [column in the order][parameter of T]. Weights outside the mask start at zero and training leaves them there; should a file or
 * nf_flow_set_params put other numbers there, they are not used.
 * NF_ERR_ARG (index without order index, or no bijection; bound, scale or spline fields of the other transform; minima and logit_bound
 * as in nf_coupling_spline_create), NF_ERR_SHAPE (n_index).
 * Refs: Germain, Gregor, Murray, Larochelle, "MADE", arXiv:1502.03509; Papamakarios, Pavlakou, Murray, arXiv:1705.07057; Kingma et al.,
 * arXiv:1606.04934; Durkan et al., "Neural spline flows", arXiv:1906.04032.
 */
typedef struct nf_autoregressive_config {
    uint32_t struct_size;
    int32_t transform;   /* NF_TRANSFORM_..., default affine */
    int64_t dim;         /* required, >= 1 */
    int64_t cond_dim;    /* default 0 */
    int32_t direction;   /* NF_AUTOREGRESSIVE_..., default forward */
    int32_t order;       /* NF_ORDER_..., default ascending, or index when index is given */
    int32_t activation;  /* NF_ACTIVATION_..., default relu */
    int32_t weights;     /* NF_WEIGHTS_..., default glorot */
    int32_t random_last; /* 1: the last dense layer starts random too; default zero, as in nf_coupling_affine_config */
    int32_t scale;       /* affine: NF_SCALE_..., default tanh */
    double bound;        /* affine: as in nf_coupling_affine_config */
    int32_t bins;        /* spline: 2..64, default 8 */
    int32_t circular;    /* spline: 1: the ends of the interval are one point, with one slope; default 0: slope 1 at both */
    int32_t form;        /* spline: NF_SPLINE_..., default safe */
    int32_t reserved;
    double spline_bound; /* spline: half the interval, in [1e-3, 1e6], default 3; pi for angles */
    double min_width;    /* spline: this and the next three as in nf_coupling_spline_config */
    double min_height;
    double min_slope;
    double logit_bound;
    const int64_t *hidden; /* widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer */
    int64_t n_hidden;
    const int64_t *index; /* NF_ORDER_INDEX: [dim], a bijection */
    int64_t n_index;
} nf_autoregressive_config;

#define NF_AUTOREGRESSIVE_CONFIG_INIT { .struct_size = sizeof(nf_autoregressive_config) }
NF_API void nf_autoregressive_config_init(nf_autoregressive_config *config);
NF_API nf_status nf_autoregressive_create(nf_layer **out, nf_context *context, const nf_autoregressive_config *config);

NF_END_DECLS
#endif
