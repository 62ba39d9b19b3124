/* SPDX-License-Identifier: MIT
 *
 * dataset.h - the inside of nf_dataset
 */
#ifndef NFI_DATA_DATASET_H
#define NFI_DATA_DATASET_H

#include "core/config.h"
#include "core/memory.h"
#include <nflow/dataset.h>

struct nf_dataset {
    nfi_object object;
    int64_t n, dim, cond_dim;
    int32_t dtype; /* NF_F32 or NF_F64, of x and cond */
    void *x;       /* [n][dim] */
    void *cond;    /* [n][cond_dim] or NULL */
    double *weights; /* [n] or NULL */
    char **names;  /* [dim] or NULL; a name may be NULL */
    int64_t height, width, channels; /* of the image that a row is, or all 0 */
};

/* Config `index` of the data modules, NULL past the last. */
const nfi_config_type *nfi_data_configs(int32_t index);

/* An empty dataset [n][dim] with room for cond (cond_dim 0: none), zeroed. Checks n, dim and cond_dim against the limits
 * of the context: NF_ERR_SHAPE, NF_ERR_OVERFLOW, NF_ERR_LIMIT, NF_ERR_MEMORY; *out is NULL then. `function` names the
 * caller in messages. */
nf_status nfi_dataset_create(nf_dataset **out, nf_context *context, const char *function, int64_t n, int64_t dim,
                             int64_t cond_dim, int32_t dtype);
/* The checks of sizes alone. */
nf_status nfi_dataset_check_sizes(const nf_context *context, const char *function, int64_t n, int64_t dim, int64_t cond_dim);
/* Conditioning columns [n][cond_dim], zeroed, in the place of those there. The same errors: the dataset is as before. */
nf_status nfi_dataset_make_cond(nf_dataset *dataset, const char *function, int64_t cond_dim);
/* Stores value `index` of an array of `dtype` (dataset->x or dataset->cond). */
static inline void nfi_dataset_store(void *array, int32_t dtype, int64_t index, double value)
{
    if (dtype == NF_F32)
        ((float *)array)[index] = (float)value;
    else
        ((double *)array)[index] = value;
}
static inline double nfi_dataset_value(const void *array, int32_t dtype, int64_t index)
{
    return dtype == NF_F32 ? (double)((const float *)array)[index] : ((const double *)array)[index];
}

/* Gathers rows index[0..n) (NULL: first, first + 1, ...) as `dtype` into x [n][dim] and, when not NULL, cond, weights (1 when the
 * dataset has none). x may be NULL too. Never fails. */
void nfi_dataset_gather(const nf_dataset *dataset, const int64_t *index, int64_t first, int64_t n, int32_t dtype,
                        void *x, void *cond, double *weights);
/* NF_ERR_NONFINITE with row and column of the first value that is not finite as `dtype`. */
nf_status nfi_dataset_check_finite(const nf_dataset *dataset, int32_t dtype, const char *function);

#endif
