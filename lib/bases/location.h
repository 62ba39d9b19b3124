/* SPDX-License-Identifier: MIT
 *
 * location.h - bases of independent columns of one standard density, moved and scaled: a row of functions makes one
 */
#ifndef NFI_BASES_LOCATION_H
#define NFI_BASES_LOCATION_H

#include "bases/base.h"

/* A density of one column, symmetric about 0. Arrays are [n] of double, out may be the argument; f64 are the kernels in double. */
typedef struct nfi_location_density {
    void (*log_p)(const nfi_kernels *f64, int64_t n, const double *r, double *out);
    void (*slope)(const nfi_kernels *f64, int64_t n, const double *r, double *out); /* d log p / dr */
    double (*quantile)(double u); /* of u in (0, 1): what makes samples */
} nfi_location_density;

typedef struct nfi_location { /* immutable after creation */
    const nfi_location_density *density;
    int64_t dim;
    int32_t fixed;
} nfi_location;

nf_status nfi_location_make(nf_maker *maker, const nfi_location_density *density, int64_t dim, int32_t fixed, void **self);
void nfi_location_describe(const void *self, nfi_base_info *info);
nf_status nfi_location_param(const void *self, int32_t i, nf_param *param);
/* tile->grad += g^T dz/d(location, log scale) [2][dim], of draws z = location + exp(log scale) r: dz/dlocation = 1, dz/dlog scale = z - location.
 * theta begins with them. */
void nfi_location_move_f32(int64_t dim, const nf_tile *tile, const void *z, const void *g);
void nfi_location_move_f64(int64_t dim, const nf_tile *tile, const void *z, const void *g);
extern const nfi_base_ops nfi_location_ops_f32, nfi_location_ops_f64;

#endif
