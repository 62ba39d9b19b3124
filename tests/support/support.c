/* SPDX-License-Identifier: MIT
 *
 * support.c - random numbers, arrays and calls in either precision
 */
#include "support.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double random_uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * ((double)(random_bits(state) >> 11) + 0.5) * 0x1p-53;
}

double random_normal(uint64_t *state)
{
    const double u = random_uniform(state, 0, 1), v = random_uniform(state, 0, 1);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void *support_malloc(int64_t bytes)
{
    void *ptr = malloc((size_t)(bytes > 0 ? bytes : 1));
    if (!ptr) abort();
    memset(ptr, 0xA5, (size_t)(bytes > 0 ? bytes : 1));
    return ptr;
}

int64_t support_size(int32_t dtype) { return dtype == NF_F32 ? 4 : 8; }

double support_at(int32_t dtype, const void *array, int64_t i)
{
    return dtype == NF_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

void support_set(int32_t dtype, void *array, int64_t i, double value)
{
    if (dtype == NF_F32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

void *support_array(int32_t dtype, int64_t count, const double *values)
{
    void *array = support_malloc(count * support_size(dtype));
    for (int64_t i = 0; i < count; i++) support_set(dtype, array, i, values[i]);
    return array;
}

int64_t support_differ(const void *a, const void *b, int64_t count, int64_t size)
{
    for (int64_t i = 0; i < count; i++)
        if (memcmp((const char *)a + i * size, (const char *)b + i * size, (size_t)size)) return i;
    return -1;
}

#define ANY_IS_F32(flow) (nf_flow_dtype(flow) == NF_F32)

nf_status any_log_prob(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob)
{
    return ANY_IS_F32(flow) ? nf_flow_log_prob(flow, n, x, cond, log_prob) : nf_flow_log_prob_f64(flow, n, x, cond, log_prob);
}

nf_status any_forward(const nf_flow *flow, int64_t n, const void *x, const void *cond, void *z, double *log_det)
{
    return ANY_IS_F32(flow) ? nf_flow_forward(flow, n, x, cond, z, log_det) : nf_flow_forward_f64(flow, n, x, cond, z, log_det);
}

nf_status any_inverse(const nf_flow *flow, int64_t n, const void *z, const void *cond, void *x, double *log_det)
{
    return ANY_IS_F32(flow) ? nf_flow_inverse(flow, n, z, cond, x, log_det) : nf_flow_inverse_f64(flow, n, z, cond, x, log_det);
}

nf_status any_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const void *cond, double temperature, void *x,
                     double *log_prob)
{
    return ANY_IS_F32(flow) ? nf_flow_sample(flow, seed, first, n, cond, temperature, x, log_prob)
                            : nf_flow_sample_f64(flow, seed, first, n, cond, temperature, x, log_prob);
}

nf_status any_score(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob, void *grad_x)
{
    return ANY_IS_F32(flow) ? nf_flow_score(flow, n, x, cond, log_prob, grad_x) : nf_flow_score_f64(flow, n, x, cond, log_prob, grad_x);
}

nf_status any_nll_grad(nf_flow *flow, int64_t n, const void *x, const void *cond, const double *weights, double *mean_nll)
{
    return ANY_IS_F32(flow) ? nf_flow_nll_grad_weighted(flow, n, x, cond, weights, mean_nll)
                            : nf_flow_nll_grad_weighted_f64(flow, n, x, cond, weights, mean_nll);
}

nf_status any_params(nf_flow *flow, void **theta, void **grad, int64_t *count)
{
    float *theta_f32 = NULL, *grad_f32 = NULL;
    double *theta_f64 = NULL, *grad_f64 = NULL;
    const bool is_f32 = ANY_IS_F32(flow);
    const nf_status status = is_f32 ? nf_flow_params(flow, theta ? &theta_f32 : NULL, &grad_f32, count)
                                    : nf_flow_params_f64(flow, theta ? &theta_f64 : NULL, &grad_f64, count);

    if (status) return status;
    if (theta) *theta = is_f32 ? (void *)theta_f32 : (void *)theta_f64;
    if (grad) *grad = is_f32 ? (void *)grad_f32 : (void *)grad_f64;
    return NF_OK;
}

nf_status any_init_data(nf_flow *flow, int64_t n, const void *x, const void *cond)
{
    return ANY_IS_F32(flow) ? nf_flow_init_data(flow, n, x, cond) : nf_flow_init_data_f64(flow, n, x, cond);
}

nf_status any_dataset(nf_dataset **out, nf_context *context, int32_t dtype, int64_t n, int64_t dim, const void *x)
{
    return dtype == NF_F32 ? nf_dataset_from_array(out, context, n, dim, x) : nf_dataset_from_array_f64(out, context, n, dim, x);
}

nf_status any_set_cond(nf_dataset *dataset, int32_t dtype, int64_t cond_dim, const void *cond)
{
    return dtype == NF_F32 ? nf_dataset_set_cond(dataset, cond_dim, cond) : nf_dataset_set_cond_f64(dataset, cond_dim, cond);
}

void support_perturb(nf_flow *flow, double gain, uint64_t seed)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);
    nf_param_view view = { .struct_size = sizeof view };

    if (nf_flow_get_params(flow, count, theta)) abort();
    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++)
        for (int64_t k = 0; k < view.count && !(view.properties & NF_PARAM_FROZEN); k++)
            theta[view.offset + k] += gain * random_normal(&seed);
    if (nf_flow_set_params(flow, count, theta)) abort();
    free(theta);
}
