/* SPDX-License-Identifier: MIT
 *
 * coupling.h - couplings of a table's columns: some are transformed, by parameters that a network answers from the others
 *
 * Directions, constructors, networks and their activations and weights, forms of the log-scale: nflow/layer.h. Everything here since 0.1
 */
#ifndef NFLOW_COUPLING_H
#define NFLOW_COUPLING_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

/* Which columns a coupling transforms (the others, and cond, feed its networks). */
enum {
    NF_MASK_ALTERNATING = 1, /* the odd columns; with swap the even ones. Default */
    NF_MASK_HALF = 2,        /* the columns from dim/2 (rounded down) on; with swap those before it */
    NF_MASK_INDEX = 3        /* the columns listed in `index` */
};

/**
 * Layer "coupling_affine", some columns scaled and shifted by a network of the others. With a the columns kept, b the columns
 * transformed and c the conditioning columns,
 *   z_a = x_a,   z_b = exp(s(x_a, c)) x_b + t(x_a, c),   log|det| = sum s;   with shift_first  z_b = exp(s) (x_b + t)
 * s = s(u) is one of the forms NF_SCALE_...; t and u come from one network with 2 |b| outputs (first t, then u), or from two networks.
 * Networks compute in the flow's precision, s and all behind it in double. Every row is on its own; the inverse uses the same
 * bits of s.
 * Parameters: net.<l>.weight [in][out], net.<l>.bias [out] for each dense layer l; two networks: t.<l>..., then s.<l>...
 * A single column (dim 1) is always the one transformed. NF_ERR_ARG (mask and swap transform no column, or leave the networks
 * none).
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
typedef struct nf_coupling_affine_config {
    uint32_t struct_size;
    int32_t mask;       /* NF_MASK_..., default alternating */
    int64_t dim;        /* required, >= 2, or >= 1 with cond_dim > 0 */
    int64_t cond_dim;   /* default 0 */
    int32_t swap;       /* 1: transform the columns that the mask would keep */
    int32_t scale;      /* NF_SCALE_..., default tanh */
    double bound;       /* m, at most 80; default 2 (tanh, asymmetric), ln 1000 (softclip) */
    int32_t separate;   /* 1: two networks, one for s and one for t */
    int32_t activation; /* NF_ACTIVATION_..., default relu */
    int32_t weights;    /* NF_WEIGHTS_..., default glorot */
    int32_t random_last; /* 1: the last dense layer starts random too; default zero, so that the layer starts as the identity (forms
                            tanh, asymmetric, softclip, exp, additive) */
    int32_t shift_first; /* 1: t is added before scaling, as where flows are stored from z to x */
    int32_t reserved;
    const int64_t *hidden; /* widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer */
    int64_t n_hidden;
    const int64_t *index; /* NF_MASK_INDEX: the columns to transform, distinct */
    int64_t n_index;
} nf_coupling_affine_config;

#define NF_COUPLING_AFFINE_CONFIG_INIT { .struct_size = sizeof(nf_coupling_affine_config) }
NF_API void nf_coupling_affine_config_init(nf_coupling_affine_config *config);
NF_API nf_status nf_coupling_affine_create(nf_layer **out, nf_context *context, const nf_coupling_affine_config *config);

/**
 * Layer "coupling_spline", some columns bent by monotone rational-quadratic splines whose knots a network answers from the others. With
 * a the columns kept, b the columns transformed and c the conditioning columns,
 *   z_a = x_a,   z_b = T(x_b; p(x_a, c)),   log|det| = sum log dT/dx_b
 * T maps [-B, B] onto itself by `bins` pieces and is the identity beyond: every x has a z, and a density. With K bins and
 * softmax over the K logits of a side,
 *   width = 2 B (min_width + (1 - K min_width) softmax(v)),   height likewise,   slope = min_slope + softplus(v + c)
 * where c makes the slope 1 at v = 0 (form softclip: slope = exp(v), no minima). Slopes at -B and B are 1.
 * Columns in `periodic` are circles of period 2 B, their values in [-B, B): where they are transformed the slopes at -B and B are one
 * learned parameter; where they are kept the network sees cos(pi x / B) and sin(pi x / B). The density has no seam in any of them: -B
 * and B are one point. Circles and other columns may stand in one layer. "columns" brings data there, base "box" is uniform there.
 * Scale data so that most of a column lies inside [-B, B] ("standardise"). Networks and splines compute in the flow's precision,
 * log-determinants are summed in double.
 * Parameters: net.<l>.weight [in][out], net.<l>.bias [out] for each dense layer l; outputs: docs/model-format.md.
 * A single column (dim 1) is always the one transformed. NF_ERR_ARG (mask and swap transform no column, or leave the networks none;
 * a minimum out of range, or given with form softclip; logit_bound with form free; periodic names no column or one twice).
 * Ref: Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", arXiv:1906.04032; circles: Rezende et al., arXiv:2002.02428.
 */
typedef struct nf_coupling_spline_config {
    uint32_t struct_size;
    int32_t mask;        /* NF_MASK_..., default alternating */
    int64_t dim;         /* required, >= 2, or >= 1 with cond_dim > 0 */
    int64_t cond_dim;    /* default 0 */
    int32_t swap;        /* 1: transform the columns that the mask would keep */
    int32_t form;        /* NF_SPLINE_..., default safe */
    int32_t bins;        /* K, 2..64, default 8 */
    int32_t activation;  /* NF_ACTIVATION_..., default relu */
    double bound;        /* B, in the units of x, 1e-3..1e6, default 3 */
    double min_width;    /* of a bin, as part of 2 B; 1e-5..1 / (2 K). Default 1e-2, and with free 1e-3, but not above 1 / (2 K) */
    double min_height;   /* as min_width */
    double min_slope;    /* of z by x at a knot, 1e-5..0.9; default 1e-2, and with free 1e-3 */
    double logit_bound;  /* m: of safe at most 40, default 2; of softclip 0.1..5, default ln(1000) / 2 */
    int32_t weights;     /* NF_WEIGHTS_..., default glorot */
    int32_t random_last; /* 1: the last dense layer starts random too; default zero, so that the layer starts as the identity */
    const int64_t *hidden; /* widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer */
    int64_t n_hidden;
    const int64_t *index; /* NF_MASK_INDEX: the columns to transform, distinct */
    int64_t n_index;
    const int64_t *periodic; /* the columns, kept or transformed, that are circles of period 2 B, distinct */
    int64_t n_periodic;
} nf_coupling_spline_config;

#define NF_COUPLING_SPLINE_CONFIG_INIT { .struct_size = sizeof(nf_coupling_spline_config) }
NF_API void nf_coupling_spline_config_init(nf_coupling_spline_config *config);
NF_API nf_status nf_coupling_spline_create(nf_layer **out, nf_context *context, const nf_coupling_spline_config *config);

NF_END_DECLS
#endif
