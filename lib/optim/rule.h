/* SPDX-License-Identifier: MIT
 *
 * rule.h - one update rule: its row and the piece of the block that it sees
 *
 * To add a rule: one file foo.c with the update function (compiled twice) and its const row, one line in rules.c.
 */
#ifndef NFI_OPTIM_RULE_H
#define NFI_OPTIM_RULE_H

#include "core/config.h"
#include <nflow/optimizer.h>

/* One piece of the block. theta, grad, m, v point at its first element. The rule multiplies the gradient by `scale` before
 * use; the optimizer zeroes it afterwards. t counts steps from 1. decay is 0 for pieces that weight decay leaves alone, else 1. */
typedef struct nfi_update {
    int64_t t, n;
    double lr, scale, decay;
    const void *grad;
    void *theta, *m, *v; /* v: NULL when the rule has one moment */
} nfi_update;
/* Division and square root limit a rule, so a version for wide vectors pays: the same source, compiled again. */
#if defined(__x86_64__) || defined(__i386__)
#define NFI_WIDE __attribute__((target("avx2")))
#else
#define NFI_WIDE
#endif
#define NFI_RULE_INLINE static inline __attribute__((always_inline))
/* Declares both versions of a rule in both precisions. */
#define NFI_RULE_DECLARE(rule)                                                                                         \
    void rule##_f32(const void *config, const nfi_update *update);                                                     \
    void rule##_f64(const void *config, const nfi_update *update);                                                     \
    void rule##_wide_f32(const void *config, const nfi_update *update);                                                \
    void rule##_wide_f64(const void *config, const nfi_update *update)
#define NFI_RULE_UPDATES(rule) { { rule##_f32, rule##_wide_f32 }, { rule##_f64, rule##_wide_f64 } }
/* Defines both versions of the precision being compiled, from the body `run`. */
#define NFI_RULE_DEFINE(rule, run)                                                                                     \
    void NFI_NAME(rule)(const void *config, const nfi_update *update) { run(config, update); }                         \
    NFI_WIDE void NFI_NAME(rule##_wide)(const void *config, const nfi_update *update) { run(config, update); }

typedef void (*nfi_update_fn)(const void *config, const nfi_update *update);

typedef struct nfi_optimizer_type {
    const char *name;
    const nfi_config_type *config;
    int32_t n_moments;    /* 1 or 2 */
    uint32_t lr_offset;   /* of the double `lr` in the config */
    nfi_update_fn update[2][2]; /* f32, f64; each for any machine, and for wide vectors: the same bits */
} nfi_optimizer_type;

extern const nfi_optimizer_type nfi_rule_adam, nfi_rule_adamw, nfi_rule_adamax, nfi_rule_sgd;

const nfi_optimizer_type *nfi_rule_at(int32_t index);           /* NULL past the last; the order is permanent */
int32_t nfi_rule_index(const nfi_optimizer_type *type);
const nfi_optimizer_type *nfi_rule_find(const char *name);      /* NULL: none */

/* base^n for n >= 0 by repeated squaring: the same bits for the same n, however it was reached. */
static inline double nfi_power(double base, int64_t n)
{
    double result = 1;

    for (; n > 0; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

#endif
