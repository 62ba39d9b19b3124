/* SPDX-License-Identifier: MIT
 *
 * adamax.c - Adamax: Adam with the running maximum of |g|
 *
 *   m = b1 m + (1 - b1) g,   v = max(b2 v, |g|),   theta -= lr / (1 - b1^t) * m / (v + eps)
 *
 * weight_decay theta is added to g. Ref: Kingma, Ba, arXiv:1412.6980, section 7.1. Check: the first step with eps = 0 moves every
 * element by lr.
 */
#include "core/real.h"
#include "optim/rule.h"
#include <stddef.h>

#define ADAMAX_TINY ((real)1e-30)

NFI_RULE_DECLARE(nfi_adamax_update);

NFI_RULE_INLINE void adamax_run(const nf_adamax_config *c, const nfi_update *u)
{
    const real b1 = (real)c->beta1, b2 = (real)c->beta2, a1 = (real)(1 - c->beta1), eps = (real)c->eps;
    const real rate = (real)(u->lr / (1 - nfi_power(c->beta1, u->t)));
    const real scale = (real)u->scale, l2 = (real)(c->weight_decay * u->decay);
    const real *restrict grad = u->grad;
    real *restrict theta = u->theta, *restrict m = u->m, *restrict v = u->v;

    for (int64_t i = 0; i < u->n; i++) {
        const real g = grad[i] * scale + l2 * theta[i];
        const real size = g < 0 ? -g : g, old = b2 * v[i];
        real mi = b1 * m[i] + a1 * g;
        real vi = old > size ? old : size;
        mi = mi < ADAMAX_TINY && mi > -ADAMAX_TINY ? 0 : mi;
        vi = vi < ADAMAX_TINY ? 0 : vi;
        theta[i] -= rate * (mi / (vi + eps));
        m[i] = mi;
        v[i] = vi;
    }
}

NFI_RULE_DEFINE(nfi_adamax_update, adamax_run)

#if NFI_ONCE
static const nf_field adamax_fields[] = {
    NFI_FIELD(nf_adamax_config, lr, NF_FIELD_F64, 0, 1e-3, 0, 1e6, NULL, "learning rate"),
    NFI_FIELD(nf_adamax_config, beta1, NF_FIELD_F64, 0, 0.9, 0, 0.9999999, NULL, "decay of the first moment"),
    NFI_FIELD(nf_adamax_config, beta2, NF_FIELD_F64, 0, 0.999, 0, 0.9999999, NULL, "decay of the running maximum"),
    NFI_FIELD(nf_adamax_config, eps, NF_FIELD_F64, 0, 1e-8, 0, 1, NULL, "added to the running maximum"),
    NFI_FIELD(nf_adamax_config, weight_decay, NF_FIELD_F64, 0, 0, 0, 1e3, NULL,
              "L2 decay: weight_decay theta is added to the gradient"),
};
static const nfi_config_type adamax_config = { "adamax", sizeof(nf_adamax_config), sizeof(nf_adamax_config), adamax_fields,
                                               (int32_t)(sizeof adamax_fields / sizeof *adamax_fields) };

const nfi_optimizer_type nfi_rule_adamax = { "adamax", &adamax_config, 2, offsetof(nf_adamax_config, lr),
                                             NFI_RULE_UPDATES(nfi_adamax_update) };
#endif
