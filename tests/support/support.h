/* SPDX-License-Identifier: MIT
 *
 * support.h - what several test programs share: a counting allocator, random numbers, calls in either precision
 */
#ifndef NFLOW_TESTS_SUPPORT_H
#define NFLOW_TESTS_SUPPORT_H

#include <nflow/nflow.h>
#include <nflow/layer_type.h>
#include <stdatomic.h>
#include <stdbool.h>

#define SUPPORT_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* Counts what lives; refuses allocation number fail_at (from 0; -1: none), and with fail_forever every one after it. Every block
 * has canaries on both sides: `damaged` counts blocks whose canaries changed or whose size at free was another. */
typedef struct ledger {
    atomic_llong calls, blocks, bytes, damaged;
    long long fail_at;
    bool fail_forever;
} ledger;

void ledger_reset(ledger *book);
void *ledger_alloc(void *user, int64_t size, int64_t alignment);
void ledger_free(void *user, void *ptr, int64_t size);
/* A context; ledger may be NULL. Aborts the test program when it cannot be made. */
nf_context *support_context(int32_t threads, ledger *book);
nf_status support_context_try(nf_context **out, int32_t threads, ledger *book);

/* SplitMix64: numbers that do not come from the library under test. */
uint64_t random_bits(uint64_t *state);
double random_uniform(uint64_t *state, double low, double high);
double random_normal(uint64_t *state);

/* malloc that ends the program when it fails; filled with 0xA5. */
void *support_malloc(int64_t bytes);
/* Arrays of dtype out of doubles, and back. Freed with free(). */
void *support_array(int32_t dtype, int64_t count, const double *values);
double support_at(int32_t dtype, const void *array, int64_t i);
void support_set(int32_t dtype, void *array, int64_t i, double value);
int64_t support_size(int32_t dtype);
/* Bits of two arrays are the same; NaN equals NaN of the same bits only. Index of the first difference, -1: none. */
int64_t support_differ(const void *a, const void *b, int64_t count, int64_t size);

/* Calls in the precision of the flow. */
nf_status any_log_prob(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob);
nf_status any_forward(const nf_flow *flow, int64_t n, const void *x, const void *cond, void *z, double *log_det);
nf_status any_inverse(const nf_flow *flow, int64_t n, const void *z, const void *cond, void *x, double *log_det);
nf_status any_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const void *cond, double temperature, void *x,
                     double *log_prob);
nf_status any_score(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob, void *grad_x);
nf_status any_nll_grad(nf_flow *flow, int64_t n, const void *x, const void *cond, const double *weights, double *mean_nll);
nf_status any_params(nf_flow *flow, void **theta, void **grad, int64_t *count);
nf_status any_init_data(nf_flow *flow, int64_t n, const void *x, const void *cond);
nf_status any_dataset(nf_dataset **out, nf_context *context, int32_t dtype, int64_t n, int64_t dim, const void *x);
nf_status any_set_cond(nf_dataset *dataset, int32_t dtype, int64_t cond_dim, const void *cond);

/* Adds gain * normal to every trained parameter: away from the identity that many layers start as. */
void support_perturb(nf_flow *flow, double gain, uint64_t seed);

#endif
