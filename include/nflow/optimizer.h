/* SPDX-License-Identifier: MIT
 *
 * optimizer.h - update rules over the flat parameter block
 */
#ifndef NFLOW_OPTIMIZER_H
#define NFLOW_OPTIMIZER_H

#include <nflow/flow.h>

NF_BEGIN_DECLS

/** An optimizer. Threads: confined. Lifetime: reference counted. Its state is made at the first step and belongs to that flow's size and dtype. Since 0.1 */
typedef struct nf_optimizer nf_optimizer;

NF_API nf_optimizer *nf_optimizer_ref(nf_optimizer *optimizer);
NF_API void nf_optimizer_unref(nf_optimizer *optimizer);
NF_API const char *nf_optimizer_type_name(const nf_optimizer *optimizer);
NF_API const char *nf_optimizer_type_at(int32_t index); /* NULL past the last */
NF_API nf_status nf_optimizer_create(nf_optimizer **out, nf_context *context, const char *type, const void *config);

/** Adam: m, v moments with bias correction; theta -= lr m^ / (sqrt(v^) + eps). weight_decay: g += weight_decay theta (L2).
 * Ref: Kingma, Ba, arXiv:1412.6980. */
typedef struct nf_adam_config {
    uint32_t struct_size;
    uint32_t reserved;
    double lr;           /* default 1e-3 */
    double beta1, beta2; /* default 0.9, 0.999 */
    double eps;          /* default 1e-8 */
    double weight_decay; /* default 0 */
} nf_adam_config;
/** AdamW: the same config; decay is decoupled: theta -= lr weight_decay theta; default 0.01. Ref: Loshchilov, Hutter, arXiv:1711.05101. */
typedef nf_adam_config nf_adamw_config;
/** Adamax: v is the running maximum of |g|: theta -= lr / (1 - beta1^t) m / (v + eps). Ref: Kingma, Ba, section 7.1. */
typedef nf_adam_config nf_adamax_config;
/** SGD with momentum: v = momentum v + g; theta -= lr v (nesterov: lr (g + momentum v)). */
typedef struct nf_sgd_config {
    uint32_t struct_size;
    int32_t nesterov;
    double lr;       /* default 1e-2 */
    double momentum; /* default 0.9; negative: none */
    double weight_decay;
} nf_sgd_config;

#define NF_ADAM_CONFIG_INIT { .struct_size = sizeof(nf_adam_config) }
#define NF_ADAMW_CONFIG_INIT { .struct_size = sizeof(nf_adamw_config) }
#define NF_ADAMAX_CONFIG_INIT { .struct_size = sizeof(nf_adamax_config) }
#define NF_SGD_CONFIG_INIT { .struct_size = sizeof(nf_sgd_config) }
NF_API void nf_adam_config_init(nf_adam_config *config);
NF_API void nf_sgd_config_init(nf_sgd_config *config);
NF_API nf_status nf_optimizer_adam_create(nf_optimizer **out, nf_context *context, const nf_adam_config *config);
NF_API nf_status nf_optimizer_adamw_create(nf_optimizer **out, nf_context *context, const nf_adamw_config *config);
NF_API nf_status nf_optimizer_adamax_create(nf_optimizer **out, nf_context *context, const nf_adamax_config *config);
NF_API nf_status nf_optimizer_sgd_create(nf_optimizer **out, nf_context *context, const nf_sgd_config *config);

/** One update of the flow from its gradient block, which is then zeroed. NF_ERR_NONFINITE: a gradient is NaN or Inf; nothing was
 * applied, the gradient is kept. NF_ERR_SHAPE: the optimizer belongs to a flow of another size. Exclusive on both. */
NF_API nf_status nf_optimizer_step(nf_optimizer *optimizer, nf_flow *flow);
/** The same after scaling the gradient so that its Euclidean norm is at most max_norm (<= 0: no limit); *norm (may be NULL) is the norm before. */
NF_API nf_status nf_optimizer_step_clipped(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm);
NF_API double nf_optimizer_lr(const nf_optimizer *optimizer);
NF_API nf_status nf_optimizer_set_lr(nf_optimizer *optimizer, double lr); /* >= 0, finite */
NF_API int64_t nf_optimizer_steps(const nf_optimizer *optimizer);
NF_API nf_status nf_optimizer_reset(nf_optimizer *optimizer); /* forgets state and steps */

NF_END_DECLS
#endif
