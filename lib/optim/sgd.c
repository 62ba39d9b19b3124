/* SPDX-License-Identifier: MIT
 *
 * sgd.c - gradient descent with momentum
 *
 *   v = momentum v + g,   theta -= lr v;   nesterov: theta -= lr (g + momentum v)
 *
 * weight_decay theta is added to g. Ref: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in
 * deep learning", ICML 2013, in the form where lr multiplies v. Check: the first step moves theta by lr g.
 */
#include "core/real.h"
#include "optim/rule.h"
#include <stddef.h>

#define SGD_TINY ((real)1e-30)

NFI_RULE_DECLARE(nfi_sgd_update);

NFI_RULE_INLINE void sgd_run(const nf_sgd_config *c, const nfi_update *u)
{
    const double momentum_ = c->momentum < 0 ? 0 : c->momentum;
    const real momentum = (real)momentum_, lr = (real)u->lr, scale = (real)u->scale;
    const real l2 = (real)(c->weight_decay * u->decay);
    const real direct = c->nesterov ? 1 : 0, along = c->nesterov ? momentum : 1;
    const real *restrict grad = u->grad;
    real *restrict theta = u->theta, *restrict v = u->m;

    for (int64_t i = 0; i < u->n; i++) {
        const real g = grad[i] * scale + l2 * theta[i];
        real vi = momentum * v[i] + g;
        vi = vi < SGD_TINY && vi > -SGD_TINY ? 0 : vi;
        theta[i] -= lr * (direct * g + along * vi);
        v[i] = vi;
    }
}

NFI_RULE_DEFINE(nfi_sgd_update, sgd_run)

#if NFI_ONCE
static const nf_field sgd_fields[] = {
    NFI_FIELD(nf_sgd_config, nesterov, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "look ahead along the momentum"),
    NFI_FIELD(nf_sgd_config, lr, NF_FIELD_F64, 0, 1e-2, 0, 1e6, NULL, "learning rate"),
    NFI_FIELD(nf_sgd_config, momentum, NF_FIELD_F64, 0, 0.9, -1, 0.9999999, NULL, "momentum; negative: none"),
    NFI_FIELD(nf_sgd_config, weight_decay, NF_FIELD_F64, 0, 0, 0, 1e3, NULL,
              "L2 decay: weight_decay theta is added to the gradient"),
};
static const nfi_config_type sgd_config = { "sgd", sizeof(nf_sgd_config), sizeof(nf_sgd_config), sgd_fields,
                                            (int32_t)(sizeof sgd_fields / sizeof *sgd_fields) };

const nfi_optimizer_type nfi_rule_sgd = { "sgd", &sgd_config, 1, offsetof(nf_sgd_config, lr),
                                          NFI_RULE_UPDATES(nfi_sgd_update) };

void nf_sgd_config_init(nf_sgd_config *config)
{
    if (config) *config = (nf_sgd_config)NF_SGD_CONFIG_INIT;
}
#endif
