/* SPDX-License-Identifier: MIT
 *
 * dataset.c - rows in memory: making, copying, gathering, splitting
 */
#include "data/dataset.h"

#include <math.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/rng.h"
#include "core/status.h"
#include "data/read.h"
#include "math/functions.h"

static int64_t width_of(int32_t dtype) { return dtype == NF_F32 ? (int64_t)sizeof(float) : (int64_t)sizeof(double); }

static nf_status check_handle(const nf_dataset *dataset, const char *what)
{
    return nfi_object_check(dataset, NFI_TAG_DATASET, what);
}

static bool is_alive(const nf_dataset *dataset) { return dataset != NULL && dataset->object.tag == NFI_TAG_DATASET; }

/* ---- life ------------------------------------------------------------------------------------------------------ */

nf_dataset *nf_dataset_ref(nf_dataset *dataset) { return nfi_object_ref(dataset, NFI_TAG_DATASET); }

static void free_names(nf_dataset *dataset)
{
    if (dataset->names == NULL)
        return;
    for (int64_t j = 0; j < dataset->dim; j++)
        nfi_strfree(dataset->object.context, dataset->names[j]);
    nfi_free(dataset->object.context, dataset->names, dataset->dim, sizeof(char *));
}

void nf_dataset_unref(nf_dataset *dataset)
{
    if (!nfi_object_release(dataset, NFI_TAG_DATASET))
        return;
    nf_context *context = dataset->object.context;
    const int64_t width = width_of(dataset->dtype);
    free_names(dataset);
    nfi_free(context, dataset->x, dataset->n * dataset->dim, width);
    nfi_free(context, dataset->cond, dataset->n * dataset->cond_dim, width);
    nfi_free(context, dataset->weights, dataset->n, sizeof(double));
    nfi_object_free(dataset, sizeof *dataset);
}

static nf_status check_dim(const nf_context_config *limits, const char *function, const char *name, int64_t dim)
{
    if (dim < 1)
        return nfi_fail(NF_ERR_SHAPE, "%s: %s is %lld, must be at least 1", function, name, (long long)dim);
    if (dim > limits->max_dim)
        return nfi_fail(NF_ERR_LIMIT, "%s: %s is %lld, the context allows %lld", function, name, (long long)dim,
                        (long long)limits->max_dim);
    return NF_OK;
}

/* The sizes of a dataset against the limits of the context. cond_dim 0: none. */
nf_status nfi_dataset_check_sizes(const nf_context *context, const char *function, int64_t n, int64_t dim, int64_t cond_dim)
{
    const nf_context_config *limits = nfi_context_config(context);
    int64_t values = 0, bytes = 0;
    if (n < 1)
        return nfi_fail(NF_ERR_SHAPE, "%s: n is %lld, must be at least 1", function, (long long)n);
    nf_status status = check_dim(limits, function, "dim", dim);
    if (status >= 0 && cond_dim != 0)
        status = check_dim(limits, function, "cond_dim", cond_dim);
    if (status < 0)
        return status;
    if (!nfi_mul(n, dim + cond_dim, &values) || !nfi_mul(values, (int64_t)sizeof(double), &bytes))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: n %lld times %lld columns is too large to compute", function,
                        (long long)n, (long long)(dim + cond_dim));
    if (values > limits->max_elements)
        return nfi_fail(NF_ERR_LIMIT, "%s: n %lld times %lld columns is %lld values, the context allows %lld", function,
                        (long long)n, (long long)(dim + cond_dim), (long long)values, (long long)limits->max_elements);
    return NF_OK;
}

nf_status nfi_dataset_create(nf_dataset **out, nf_context *context, const char *function, int64_t n, int64_t dim,
                             int64_t cond_dim, int32_t dtype)
{
    *out = NULL;
    nf_status status = nfi_dataset_check_sizes(context, function, n, dim, cond_dim);
    if (status < 0)
        return status;
    nf_dataset *dataset = nfi_object_create(context, sizeof *dataset, NFI_TAG_DATASET);
    if (dataset == NULL)
        return NF_ERR_MEMORY;
    dataset->n = n;
    dataset->dim = dim;
    dataset->dtype = dtype;
    dataset->x = nfi_alloc(context, n * dim, width_of(dtype), &status);
    if (dataset->x != NULL && cond_dim > 0) {
        dataset->cond = nfi_alloc(context, n * cond_dim, width_of(dtype), &status);
        dataset->cond_dim = dataset->cond != NULL ? cond_dim : 0;
    }
    if (dataset->x == NULL || (cond_dim > 0 && dataset->cond == NULL)) {
        nf_dataset_unref(dataset);
        return status < 0 ? status : NF_ERR_MEMORY;
    }
    *out = dataset;
    return NF_OK;
}

/* ---- arrays in and out ----------------------------------------------------------------------------------------- */

/* Copies `count` values from one type to the other. Neither address needs to be aligned. */
static void convert(void *to, int32_t to_type, const void *from, int32_t from_type, int64_t count)
{
    if (to_type == from_type) {
        memcpy(to, from, (size_t)(count * width_of(to_type)));
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        double wide;
        float narrow;
        if (from_type == NF_F32) {
            memcpy(&narrow, (const char *)from + i * (int64_t)sizeof narrow, sizeof narrow);
            wide = (double)narrow;
            memcpy((char *)to + i * (int64_t)sizeof wide, &wide, sizeof wide);
        } else {
            memcpy(&wide, (const char *)from + i * (int64_t)sizeof wide, sizeof wide);
            narrow = (float)wide;
            memcpy((char *)to + i * (int64_t)sizeof narrow, &narrow, sizeof narrow);
        }
    }
}

static nf_status from_array(nf_dataset **out, nf_context *context, const char *function, int64_t n, int64_t dim,
                            const void *x, int32_t dtype)
{
    if (out == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: out is NULL", function);
    *out = NULL;
    if (x == NULL)
        return nfi_fail(NF_ERR_NULL, "%s: x is NULL", function);
    nf_status status = nfi_context_check(context, function);
    if (status >= 0)
        status = nfi_dataset_create(out, context, function, n, dim, 0, dtype);
    if (status < 0)
        return status;
    memcpy((*out)->x, x, (size_t)(n * dim * width_of(dtype)));
    return NF_OK;
}

nf_status nf_dataset_from_array(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const float *x)
{
    return from_array(out, context, "nf_dataset_from_array", n, dim, x, NF_F32);
}

nf_status nf_dataset_from_array_f64(nf_dataset **out, nf_context *context, int64_t n, int64_t dim, const double *x)
{
    return from_array(out, context, "nf_dataset_from_array_f64", n, dim, x, NF_F64);
}

static void replace_cond(nf_dataset *dataset, void *cond, int64_t cond_dim)
{
    nfi_free(dataset->object.context, dataset->cond, dataset->n * dataset->cond_dim, width_of(dataset->dtype));
    dataset->cond = cond;
    dataset->cond_dim = cond_dim;
}

nf_status nfi_dataset_make_cond(nf_dataset *dataset, const char *function, int64_t cond_dim)
{
    nf_context *context = dataset->object.context;
    nf_status status = nfi_dataset_check_sizes(context, function, dataset->n, dataset->dim, cond_dim);
    if (status < 0)
        return status;
    void *cond = nfi_alloc(context, dataset->n * cond_dim, width_of(dataset->dtype), &status);
    if (cond == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    replace_cond(dataset, cond, cond_dim);
    return NF_OK;
}

static nf_status set_cond(nf_dataset *dataset, const char *function, int64_t cond_dim, const void *cond, int32_t dtype)
{
    nf_status status = NF_OK;
    if (cond == NULL) {
        replace_cond(dataset, NULL, 0);
        return NF_OK;
    }
    if (cond_dim == 0)
        return nfi_fail(NF_ERR_SHAPE, "%s: cond_dim is 0, must be at least 1", function);
    status = nfi_dataset_make_cond(dataset, function, cond_dim);
    if (status < 0)
        return status;
    const uint64_t saved = nfi_fpenv_enter();
    convert(dataset->cond, dataset->dtype, cond, dtype, dataset->n * cond_dim);
    nfi_fpenv_leave(saved);
    return NF_OK;
}

nf_status nf_dataset_set_cond(nf_dataset *dataset, int64_t cond_dim, const float *cond)
{
    const nf_status status = check_handle(dataset, "nf_dataset_set_cond: dataset");
    return status < 0 ? status : set_cond(dataset, "nf_dataset_set_cond", cond_dim, cond, NF_F32);
}

nf_status nf_dataset_set_cond_f64(nf_dataset *dataset, int64_t cond_dim, const double *cond)
{
    const nf_status status = check_handle(dataset, "nf_dataset_set_cond_f64: dataset");
    return status < 0 ? status : set_cond(dataset, "nf_dataset_set_cond_f64", cond_dim, cond, NF_F64);
}

/* Finite, >= 0, not all zero. Reads from a copy, which is aligned. */
static nf_status check_weights(const double *weights, int64_t n)
{
    bool positive = false;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(weights[i]))
            return nfi_fail(NF_ERR_NONFINITE, "nf_dataset_set_weights: weight %lld is not finite", (long long)i);
        if (weights[i] < 0)
            return nfi_fail(NF_ERR_ARG, "nf_dataset_set_weights: weight %lld is %g, must be at least 0", (long long)i,
                            weights[i]);
        positive = positive || weights[i] > 0;
    }
    return positive ? NF_OK : nfi_fail(NF_ERR_ARG, "nf_dataset_set_weights: all %lld weights are 0", (long long)n);
}

nf_status nf_dataset_set_weights(nf_dataset *dataset, const double *weights)
{
    nf_status status = check_handle(dataset, "nf_dataset_set_weights: dataset");
    if (status < 0)
        return status;
    nf_context *context = dataset->object.context;
    double *copy = NULL;
    if (weights != NULL) {
        copy = nfi_alloc(context, dataset->n, sizeof *copy, &status);
        if (copy == NULL)
            return status < 0 ? status : NF_ERR_MEMORY;
        memcpy(copy, weights, (size_t)dataset->n * sizeof *copy);
        status = check_weights(copy, dataset->n);
        if (status < 0) {
            nfi_free(context, copy, dataset->n, sizeof *copy);
            return status;
        }
    }
    nfi_free(context, dataset->weights, dataset->n, sizeof *copy);
    dataset->weights = copy;
    return NF_OK;
}

static void gather_rows(const void *from, int32_t from_type, int64_t dim, const int64_t *index, int64_t first, int64_t n,
                        int32_t dtype, void *to)
{
    const int64_t source = dim * width_of(from_type), target = dim * width_of(dtype);
    if (index == NULL) {
        convert(to, dtype, (const char *)from + first * source, from_type, n * dim);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        convert((char *)to + i * target, dtype, (const char *)from + index[i] * source, from_type, dim);
}

void nfi_dataset_gather(const nf_dataset *dataset, const int64_t *index, int64_t first, int64_t n, int32_t dtype,
                        void *x, void *cond, double *weights)
{
    if (n < 1)
        return;
    if (x != NULL)
        gather_rows(dataset->x, dataset->dtype, dataset->dim, index, first, n, dtype, x);
    if (cond != NULL && dataset->cond != NULL)
        gather_rows(dataset->cond, dataset->dtype, dataset->cond_dim, index, first, n, dtype, cond);
    if (weights == NULL)
        return;
    if (dataset->weights != NULL) {
        gather_rows(dataset->weights, NF_F64, 1, index, first, n, NF_F64, weights);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        weights[i] = 1.0;
}

static nf_status copy_rows(const nf_dataset *dataset, const char *function, int64_t first, int64_t n, int32_t dtype,
                           void *x, void *cond)
{
    if (first < 0 || first > dataset->n)
        return nfi_fail(NF_ERR_SHAPE, "%s: first is %lld, the dataset has %lld rows", function, (long long)first,
                        (long long)dataset->n);
    if (n < 0 || n > dataset->n - first)
        return nfi_fail(NF_ERR_SHAPE, "%s: n is %lld, the dataset has %lld rows from row %lld on", function,
                        (long long)n, (long long)(dataset->n - first), (long long)first);
    const uint64_t saved = nfi_fpenv_enter();
    nfi_dataset_gather(dataset, NULL, first, n, dtype, x, cond, NULL);
    nfi_fpenv_leave(saved);
    return NF_OK;
}

nf_status nf_dataset_copy(const nf_dataset *dataset, int64_t first, int64_t n, float *x, float *cond)
{
    const nf_status status = check_handle(dataset, "nf_dataset_copy: dataset");
    return status < 0 ? status : copy_rows(dataset, "nf_dataset_copy", first, n, NF_F32, x, cond);
}

nf_status nf_dataset_copy_f64(const nf_dataset *dataset, int64_t first, int64_t n, double *x, double *cond)
{
    const nf_status status = check_handle(dataset, "nf_dataset_copy_f64: dataset");
    return status < 0 ? status : copy_rows(dataset, "nf_dataset_copy_f64", first, n, NF_F64, x, cond);
}

/* ---- questions ------------------------------------------------------------------------------------------------- */

int64_t nf_dataset_rows(const nf_dataset *dataset) { return is_alive(dataset) ? dataset->n : 0; }
int64_t nf_dataset_dim(const nf_dataset *dataset) { return is_alive(dataset) ? dataset->dim : 0; }
int64_t nf_dataset_cond_dim(const nf_dataset *dataset) { return is_alive(dataset) ? dataset->cond_dim : 0; }

const char *nf_dataset_column_name(const nf_dataset *dataset, int64_t column)
{
    if (!is_alive(dataset) || dataset->names == NULL || column < 0 || column >= dataset->dim)
        return NULL;
    return dataset->names[column];
}

nf_status nf_dataset_image_shape(const nf_dataset *dataset, int64_t *height, int64_t *width, int64_t *channels)
{
    const nf_status status = check_handle(dataset, "nf_dataset_image_shape: dataset");
    if (status < 0)
        return status;
    if (height == NULL || width == NULL || channels == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_dataset_image_shape: %s is NULL",
                        height == NULL ? "height" : width == NULL ? "width" : "channels");
    *height = dataset->height;
    *width = dataset->width;
    *channels = dataset->channels;
    return NF_OK;
}

nf_status nf_dataset_set_image_shape(nf_dataset *dataset, int64_t height, int64_t width, int64_t channels)
{
    const nf_status status = check_handle(dataset, "nf_dataset_set_image_shape: dataset");
    int64_t product = 0;
    if (status < 0)
        return status;
    const bool none = height == 0 && width == 0 && channels == 0;
    const bool positive = height > 0 && width > 0 && channels > 0;
    if (!none && (!positive || !nfi_mul(height, width, &product) || !nfi_mul(product, channels, &product) || product != dataset->dim))
        return nfi_fail(NF_ERR_SHAPE,
                        "nf_dataset_set_image_shape: height %lld, width %lld, channels %lld: the product must be the %lld columns of the "
                        "dataset, or all must be 0", (long long)height, (long long)width, (long long)channels, (long long)dataset->dim);
    dataset->height = height;
    dataset->width = width;
    dataset->channels = channels;
    return NF_OK;
}

static nf_status check_finite_array(const nf_dataset *dataset, int32_t dtype, const char *function, const char *what,
                                    const void *array, int64_t dim)
{
    const double limit = dtype == NF_F32 ? NFI_F32_LIMIT : (double)INFINITY;
    for (int64_t i = 0; i < dataset->n * dim; i++) {
        const double value = nfi_dataset_value(array, dataset->dtype, i);
        if (fabs(value) < limit) /* not true of NaN */
            continue;
        return nfi_fail(NF_ERR_NONFINITE, "%s: row %lld, %s %lld is %s", function, (long long)(i / dim), what,
                        (long long)(i % dim), isfinite(value) ? "out of range of f32" : "NaN or Inf");
    }
    return NF_OK;
}

nf_status nfi_dataset_check_finite(const nf_dataset *dataset, int32_t dtype, const char *function)
{
    const nf_status status = check_finite_array(dataset, dtype, function, "column", dataset->x, dataset->dim);
    if (status < 0 || dataset->cond == NULL)
        return status;
    return check_finite_array(dataset, dtype, function, "conditioning column", dataset->cond, dataset->cond_dim);
}

/* ---- splitting ------------------------------------------------------------------------------------------------- */

static nf_status copy_names(nf_dataset *to, const nf_dataset *from)
{
    nf_status status = NF_OK;
    nf_context *context = to->object.context;
    if (from->names == NULL)
        return NF_OK;
    to->names = nfi_alloc(context, to->dim, sizeof(char *), &status);
    if (to->names == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t j = 0; j < to->dim; j++) {
        if (from->names[j] == NULL)
            continue;
        to->names[j] = nfi_strdup(context, from->names[j], &status);
        if (to->names[j] == NULL)
            return status < 0 ? status : NF_ERR_MEMORY;
    }
    return NF_OK;
}

/* The rows index[0..n) as a dataset of its own. */
static nf_status take(nf_dataset **out, const nf_dataset *dataset, const int64_t *index, int64_t n)
{
    nf_context *context = dataset->object.context;
    nf_dataset *part = NULL;
    nf_status status =
        nfi_dataset_create(&part, context, "nf_dataset_split", n, dataset->dim, dataset->cond_dim, dataset->dtype);
    if (status < 0)
        return status;
    if (dataset->weights != NULL)
        part->weights = nfi_alloc(context, n, sizeof(double), &status);
    if (status >= 0)
        status = copy_names(part, dataset);
    if (status < 0) {
        nf_dataset_unref(part);
        return status;
    }
    nfi_dataset_gather(dataset, index, 0, n, dataset->dtype, part->x, part->cond, part->weights);
    part->height = dataset->height;
    part->width = dataset->width;
    part->channels = dataset->channels;
    *out = part;
    return NF_OK;
}

/* index[0..n): the chosen `count` rows in ascending order, then the others in ascending order. `chosen` is scratch [n]. */
static void partition(uint64_t seed, int64_t n, int64_t count, int64_t *index, unsigned char *chosen)
{
    if (seed == UINT64_MAX) {
        for (int64_t i = 0; i < n; i++)
            index[i] = i;
        return;
    }
    nfi_random_permutation(seed, NFI_STREAM_SPLIT, 0, n, index);
    for (int64_t i = 0; i < count; i++)
        chosen[index[i]] = 1;
    int64_t next = 0, other = count;
    for (int64_t i = 0; i < n; i++)
        index[chosen[i] ? next++ : other++] = i;
}

static nf_status split(const nf_dataset *dataset, int64_t count, uint64_t seed, nf_dataset **first, nf_dataset **second)
{
    nf_context *context = dataset->object.context;
    nf_status status = NF_OK;
    int64_t *index = nfi_alloc(context, dataset->n, sizeof *index, &status);
    unsigned char *chosen = index != NULL ? nfi_alloc(context, dataset->n, 1, &status) : NULL;
    if (chosen != NULL) {
        partition(seed, dataset->n, count, index, chosen);
        status = take(first, dataset, index, count);
        if (status >= 0)
            status = take(second, dataset, index + count, dataset->n - count);
        if (status < 0) {
            nf_dataset_unref(*first);
            *first = NULL;
        }
    } else if (status >= 0) {
        status = NF_ERR_MEMORY;
    }
    nfi_free(context, chosen, dataset->n, 1);
    nfi_free(context, index, dataset->n, sizeof *index);
    return status;
}

nf_status nf_dataset_split(const nf_dataset *dataset, double fraction, uint64_t seed, nf_dataset **first,
                           nf_dataset **second)
{
    if (first != NULL)
        *first = NULL;
    if (second != NULL)
        *second = NULL;
    if (first == NULL || second == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_dataset_split: %s is NULL", first == NULL ? "first" : "second");
    if (first == second)
        return nfi_fail(NF_ERR_ALIAS, "nf_dataset_split: first and second are the same place");
    const nf_status status = check_handle(dataset, "nf_dataset_split: dataset");
    if (status < 0)
        return status;
    if (!(fraction > 0 && fraction < 1))
        return nfi_fail(NF_ERR_ARG, "nf_dataset_split: fraction is %g, must lie between 0 and 1, both exclusive", fraction);
    const uint64_t saved = nfi_fpenv_enter();
    const int64_t count = (int64_t)nfi_floor(fraction * (double)dataset->n + 0.5);
    nfi_fpenv_leave(saved);
    if (count < 1 || count >= dataset->n)
        return nfi_fail(NF_ERR_ARG, "nf_dataset_split: fraction is %g: %lld of %lld rows leave the %s part empty", fraction,
                        (long long)count, (long long)dataset->n, count < 1 ? "first" : "second");
    return split(dataset, count, seed, first, second);
}
