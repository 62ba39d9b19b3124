/* SPDX-License-Identifier: MIT
 *
 * optimizer.h - update rules over the flat parameter block
 *
 * g is the gradient, theta the parameters, t the number of the step from 1. Frozen parameters never move. weight_decay spares the
 * parameters marked NF_PARAM_NO_DECAY (biases, scales). Moments are held in the flow's precision; those below 1e-30 become 0.
 *
 * Constructors: config NULL means all defaults; copied. *out is NULL after failure: NF_ERR_NULL, NF_ERR_HANDLE, NF_ERR_ARG (the
 * line names field and range), NF_ERR_CONFIG_*, NF_ERR_MEMORY. Everything here since 0.1
 */
#ifndef NFLOW_OPTIMIZER_H
#define NFLOW_OPTIMIZER_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/**
 * An update rule and its state, which is made at the first step, and then belongs to flows of that size and precision.
 * Threads: confined. Lifetime: reference counted; holds a reference to its context, none to a flow.
 */
typedef struct nf_optimizer nf_optimizer;

NF_API nf_optimizer *nf_optimizer_ref(nf_optimizer *optimizer); /* returns its argument */
NF_API void nf_optimizer_unref(nf_optimizer *optimizer);
NF_API const char *nf_optimizer_type_name(const nf_optimizer *optimizer); /* static; NULL for NULL */
NF_API const char *nf_optimizer_type_at(int32_t index); /* name of rule `index`; NULL past the last */
/** An optimizer by the name of its rule; config is that rule's config struct, or NULL. Further error: NF_ERR_UNKNOWN. */
NF_API nf_status nf_optimizer_create(nf_optimizer **out, nf_context *context, const char *type, const void *config);

/**
 * "adam": weight_decay adds to the gradient, g += weight_decay theta (L2), and
 *   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,  theta -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 * Ref: Kingma, Ba, arXiv:1412.6980.
 */
typedef struct nf_adam_config {
    uint32_t struct_size;
    uint32_t reserved;
    double lr;           /* default 1e-3; for 0 use nf_optimizer_set_lr */
    double beta1, beta2; /* default 0.9, 0.999 */
    double eps;          /* default 1e-8 */
    double weight_decay; /* default 0 */
} nf_adam_config;
/** "adamw": the same config; decay is decoupled, theta -= lr weight_decay theta, default 0.01. Ref: Loshchilov, Hutter,
 * arXiv:1711.05101. */
typedef nf_adam_config nf_adamw_config;
/** "adamax": v = max(beta2 v, |g|), theta -= lr / (1 - beta1^t) m / (v + eps); weight_decay as adam. Ref: Kingma, Ba,
 * arXiv:1412.6980, section 7.1. */
typedef nf_adam_config nf_adamax_config;
/** "sgd" with momentum: v = momentum v + g, theta -= lr v (nesterov: lr (g + momentum v)); weight_decay as adam. */
typedef struct nf_sgd_config {
    uint32_t struct_size;
    int32_t nesterov; /* 1: look ahead along the momentum */
    double lr;       /* default 1e-2 */
    double momentum; /* default 0.9; negative: none */
    double weight_decay; /* default 0 */
} nf_sgd_config;

#define NF_ADAM_CONFIG_INIT { .struct_size = sizeof(nf_adam_config) }
#define NF_ADAMW_CONFIG_INIT { .struct_size = sizeof(nf_adamw_config) }
#define NF_ADAMAX_CONFIG_INIT { .struct_size = sizeof(nf_adamax_config) }
#define NF_SGD_CONFIG_INIT { .struct_size = sizeof(nf_sgd_config) }
/** An optimizer by its rule: the typed constructors. */
NF_API void nf_adam_config_init(nf_adam_config *config); /* for adam, adamw and adamax */
NF_API void nf_sgd_config_init(nf_sgd_config *config);
NF_API nf_status nf_optimizer_adam_create(nf_optimizer **out, nf_context *context, const nf_adam_config *config);
NF_API nf_status nf_optimizer_adamw_create(nf_optimizer **out, nf_context *context, const nf_adamw_config *config);
NF_API nf_status nf_optimizer_adamax_create(nf_optimizer **out, nf_context *context, const nf_adamax_config *config);
NF_API nf_status nf_optimizer_sgd_create(nf_optimizer **out, nf_context *context, const nf_sgd_config *config);

/**
 * One update of the flow from its gradient block, which is then zeroed.
 * NF_ERR_NONFINITE (a gradient is NaN or Inf; the line names the parameter): nothing was applied, the gradient is kept.
 * NF_ERR_SHAPE, NF_ERR_DTYPE (the optimizer belongs to a flow of another size or precision), NF_ERR_BUSY, NF_ERR_NULL,
 * NF_ERR_HANDLE, NF_ERR_MEMORY: nothing was changed. Exclusive on both. Allocates the moments at the first step. The same bits
 * for any number of threads.
 */
NF_API nf_status nf_optimizer_step(nf_optimizer *optimizer, nf_flow *flow);
/** nf_optimizer_step with a clipped gradient: scaled so that its Euclidean norm is at most max_norm (<= 0: no limit; NaN:
 * NF_ERR_ARG). *norm (may be NULL) is the norm before; NaN after failures found in the arguments. */
NF_API nf_status nf_optimizer_step_clipped(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm);
/** The learning rate of an optimizer: that of the config until set; NaN for NULL. lr: finite, >= 0, else NF_ERR_ARG. */
NF_API double nf_optimizer_lr(const nf_optimizer *optimizer);
NF_API nf_status nf_optimizer_set_lr(nf_optimizer *optimizer, double lr);
/** Steps that an optimizer has applied; 0 for NULL. */
NF_API int64_t nf_optimizer_steps(const nf_optimizer *optimizer);
/** Forgets moments and steps, keeps the learning rate: the optimizer may then serve a flow of another size. */
NF_API nf_status nf_optimizer_reset(nf_optimizer *optimizer);

NF_END_DECLS
#endif
