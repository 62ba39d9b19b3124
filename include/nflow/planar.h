/* SPDX-License-Identifier: MIT
 *
 * planar.h - layers that move a row along few directions, by functions of few numbers of it: planar, radial, sylvester
 *
 * What nflow/layer.h says of layers and of their constructors holds here too. Each is invertible whatever its parameters, and starts as
 * the identity. They are weak one by one: chains of tens are usual, above all for draws (nflow/variational.h). Everything here since 0.1
 */
#ifndef NFLOW_PLANAR_H
#define NFLOW_PLANAR_H

#include <nflow/layer.h>

NF_BEGIN_DECLS

/**
 * Layer "planar": z = x + v tanh(w.x + b); log|det| = log(1 + w.v tanh'(w.x + b)), v made from a trained u such that w.v > -1 and the
 * layer is always invertible. The inverse solves one equation of one unknown a row (safeguarded Newton). Starts as the identity.
 * Parameters: w [dim], u [dim], b.
 */
typedef struct nf_planar_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
} nf_planar_config;

#define NF_PLANAR_CONFIG_INIT { .struct_size = sizeof(nf_planar_config) }
NF_API void nf_planar_config_init(nf_planar_config *config);
NF_API nf_status nf_planar_create(nf_layer **out, nf_context *context, const nf_planar_config *config);

/**
 * Layer "radial", towards a centre or away from it: z = x + beta (x - x0) / (alpha + r), r = |x - x0|;
 * log|det| = (dim - 1) log(1 + beta / (alpha + r)) + log(1 + beta alpha / (alpha + r)^2). alpha > 0 and beta > -alpha are made of a and b,
 * any numbers: alpha = softplus(a + c), beta = alpha (softplus(b + c) - 1), c = log(e - 1). The inverse is a formula (a quadratic equation in
 * r). Starts as the identity, alpha = 1, x0 normal. Parameters: x0 [dim], a, b.
 */
typedef struct nf_radial_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim; /* required */
} nf_radial_config;

#define NF_RADIAL_CONFIG_INIT { .struct_size = sizeof(nf_radial_config) }
NF_API void nf_radial_config_init(nf_radial_config *config);
NF_API nf_status nf_radial_create(nf_layer **out, nf_context *context, const nf_radial_config *config);

/**
 * Layer "sylvester", planar with `rank` units: z = x + Q R tanh(S Q^T x + b); log|det| = sum_i log(1 + R_ii S_ii tanh'_i). Q [dim][rank] has
 * orthonormal columns, a product of reflections; R and S are upper triangular, S_ii > 0 and R_ii S_ii > -1 whatever the parameters. The
 * inverse solves one equation of one unknown a unit, the last unit first. Starts as the identity.
 * Parameters: v [reflections][dim], r [rank][rank] (R above the diagonal, S transposed below it), a [rank], b [rank].
 * NF_ERR_SHAPE: rank is more than dim.
 */
typedef struct nf_sylvester_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;         /* required */
    int64_t rank;        /* units, at most dim and 256; 0: dim, at most 32 */
    int64_t reflections; /* that make Q, at most 256; 0: rank, with which its columns span any subspace */
} nf_sylvester_config;

#define NF_SYLVESTER_CONFIG_INIT { .struct_size = sizeof(nf_sylvester_config) }
NF_API void nf_sylvester_config_init(nf_sylvester_config *config);
NF_API nf_status nf_sylvester_create(nf_layer **out, nf_context *context, const nf_sylvester_config *config);

NF_END_DECLS
#endif
