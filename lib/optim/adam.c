/* SPDX-License-Identifier: MIT
 *
 * adam.c - Adam and AdamW
 *
 *   m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
 *   theta -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *
 * Adam adds weight_decay theta to g; AdamW first does theta -= lr weight_decay theta. Corrections and factors are made in double;
 * moments below 1e-30 become 0, so that no denormals linger. Ref: Kingma, Ba, arXiv:1412.6980; Loshchilov, Hutter,
 * arXiv:1711.05101. Check: first step with eps = 0 moves every element by lr.
 */
#include "core/real.h"
#include "optim/rule.h"
#include <math.h>
#include <stddef.h>

#if NFI_REAL == 32
#define ADAM_SQRT sqrtf
#else
#define ADAM_SQRT sqrt
#endif
#define ADAM_TINY ((real)1e-30)

NFI_RULE_DECLARE(nfi_adam_update);
NFI_RULE_DECLARE(nfi_adamw_update);

/* l2 is the decay inside the gradient, keep the factor of theta before the step. */
NFI_RULE_INLINE void adam_step(const nf_adam_config *c, const nfi_update *u, double l2_, double keep_)
{
    const real b1 = (real)c->beta1, b2 = (real)c->beta2, a1 = (real)(1 - c->beta1), a2 = (real)(1 - c->beta2);
    const real rate = (real)(u->lr / (1 - nfi_power(c->beta1, u->t)));
    const real root = (real)(1 / sqrt(1 - nfi_power(c->beta2, u->t)));
    const real eps = (real)c->eps, scale = (real)u->scale, l2 = (real)l2_, keep = (real)keep_;
    const real *restrict grad = u->grad;
    real *restrict theta = u->theta, *restrict m = u->m, *restrict v = u->v;

    for (int64_t i = 0; i < u->n; i++) {
        const real g = grad[i] * scale + l2 * theta[i];
        real mi = b1 * m[i] + a1 * g;
        real vi = b2 * v[i] + a2 * (g * g);
        mi = mi < ADAM_TINY && mi > -ADAM_TINY ? 0 : mi;
        vi = vi < ADAM_TINY ? 0 : vi;
        theta[i] = theta[i] * keep - rate * (mi / (ADAM_SQRT(vi) * root + eps));
        m[i] = mi;
        v[i] = vi;
    }
}

NFI_RULE_INLINE void adam_run(const nf_adam_config *c, const nfi_update *u)
{
    adam_step(c, u, c->weight_decay * u->decay, 1);
}

NFI_RULE_INLINE void adamw_run(const nf_adam_config *c, const nfi_update *u)
{
    adam_step(c, u, 0, 1 - u->lr * c->weight_decay * u->decay);
}

NFI_RULE_DEFINE(nfi_adam_update, adam_run)
NFI_RULE_DEFINE(nfi_adamw_update, adamw_run)

#if NFI_ONCE
#define ADAM_FIELDS(decay, help)                                                                                       \
    NFI_FIELD(nf_adam_config, lr, NF_FIELD_F64, 0, 1e-3, 0, 1e6, NULL, "learning rate"),                               \
        NFI_FIELD(nf_adam_config, beta1, NF_FIELD_F64, 0, 0.9, 0, 0.9999999, NULL, "decay of the first moment"),       \
        NFI_FIELD(nf_adam_config, beta2, NF_FIELD_F64, 0, 0.999, 0, 0.9999999, NULL, "decay of the second moment"),    \
        NFI_FIELD(nf_adam_config, eps, NF_FIELD_F64, 0, 1e-8, 0, 1, NULL, "added to the root of the second moment"),   \
        NFI_FIELD(nf_adam_config, weight_decay, NF_FIELD_F64, 0, decay, 0, 1e3, NULL, help)
#define ADAM_CONFIG(name, fields)                                                                                      \
    { name, sizeof(nf_adam_config), sizeof(nf_adam_config), fields, (int32_t)(sizeof(fields) / sizeof *(fields)) }

static const nf_field adam_fields[] = { ADAM_FIELDS(0, "L2 decay: weight_decay theta is added to the gradient") };
static const nf_field adamw_fields[] = { ADAM_FIELDS(0.01, "decoupled decay: theta -= lr weight_decay theta") };
static const nfi_config_type adam_config = ADAM_CONFIG("adam", adam_fields);
static const nfi_config_type adamw_config = ADAM_CONFIG("adamw", adamw_fields);

const nfi_optimizer_type nfi_rule_adam = { "adam", &adam_config, 2, offsetof(nf_adam_config, lr),
                                           NFI_RULE_UPDATES(nfi_adam_update) };
const nfi_optimizer_type nfi_rule_adamw = { "adamw", &adamw_config, 2, offsetof(nf_adam_config, lr),
                                            NFI_RULE_UPDATES(nfi_adamw_update) };

void nf_adam_config_init(nf_adam_config *config)
{
    if (config) *config = (nf_adam_config)NF_ADAM_CONFIG_INIT;
}
#endif
