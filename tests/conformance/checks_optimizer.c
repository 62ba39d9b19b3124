/* SPDX-License-Identifier: MIT
 *
 * checks_optimizer.c - an update rule against itself written in plain double, and what a step refuses
 */
#include "conformance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Couplings give weights (decayed) and biases (not), actnorm a frozen flag. */
static nf_flow *optimizer_flow(nf_context *context, int32_t dtype)
{
    static const int64_t hidden[] = { 5 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;

    config.dim = 3;
    config.layers = 2;
    config.hidden = hidden;
    config.n_hidden = 1;
    config.dtype = dtype;
    if (nf_flow_create_realnvp(&flow, context, &config)) abort();
    support_perturb(flow, 0.4, 5);
    return flow;
}

/* properties[i] of every parameter. */
static void optimizer_properties(const nf_flow *flow, int32_t *properties)
{
    nf_param_view view = { .struct_size = sizeof view };

    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++)
        for (int64_t k = 0; k < view.count; k++) properties[view.offset + k] = view.properties;
}

bool check_optimizer(const optimizer_case *c, int32_t dtype, char *why)
{
    const double bound = dtype == NF_F32 ? 2e-5 : 1e-12;
    nf_context *context = support_context(1, NULL);
    nf_flow *flow = optimizer_flow(context, dtype);
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(4 * count * 8), *m = theta + count, *v = m + count, *start = v + count;
    int32_t *properties = support_malloc(count * 4);
    nf_optimizer *optimizer = NULL;
    void *block = NULL, *grad = NULL;
    uint64_t state = 71;
    bool ok = nf_optimizer_create(&optimizer, context, c->type, c->config) == NF_OK && any_params(flow, &block, &grad, NULL) == NF_OK &&
              nf_flow_get_params(flow, count, theta) == NF_OK && nf_optimizer_lr(optimizer) == c->lr &&
              !strcmp(nf_optimizer_type_name(optimizer), c->type);

    if (!ok) snprintf(why, WHY_SIZE, "create: %s", nf_last_error());
    optimizer_properties(flow, properties);
    memset(m, 0, (size_t)count * 16);
    memcpy(start, theta, (size_t)count * 8);
    for (int64_t t = 1; t <= 6 && ok; t++) {
        const double lr = t < 4 ? c->lr : c->lr / 2;
        for (int64_t i = 0; i < count; i++) {
            const double g = (double)(float)random_normal(&state);
            support_set(dtype, grad, i, g);
            if (!(properties[i] & NF_PARAM_FROZEN))
                c->reference(c, t, lr, properties[i] & NF_PARAM_NO_DECAY ? 0 : 1, g, &theta[i], &m[i], &v[i]);
        }
        ok = nf_optimizer_set_lr(optimizer, lr) == NF_OK && nf_optimizer_step(optimizer, flow) == NF_OK && nf_optimizer_steps(optimizer) == t;
        if (!ok) snprintf(why, WHY_SIZE, "step %lld: %s", (long long)t, nf_last_error());
        for (int64_t i = 0; i < count && ok; i++) {
            const double got = support_at(dtype, block, i);
            if (fabs(got - theta[i]) <= bound * fmax(1.0, fabs(theta[i])) && support_at(dtype, grad, i) == 0) continue;
            snprintf(why, WHY_SIZE, "step %lld: theta[%lld] is %.12g, by the formula %.12g; its gradient is left as %g", (long long)t,
                     (long long)i, got, theta[i], support_at(dtype, grad, i));
            ok = false;
        }
    }
    /* after a reset, the state is that of a new optimizer */
    ok = ok && nf_optimizer_reset(optimizer) == NF_OK && nf_optimizer_steps(optimizer) == 0;
    free(theta), free(properties);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return ok;
}

/* Clipping scales to the norm; a gradient that is not finite is refused and kept; another flow's size is refused. */
bool check_optimizer_refusals(const optimizer_case *c, int32_t dtype, char *why)
{
    nf_context *context = support_context(1, NULL);
    nf_flow *flow = optimizer_flow(context, dtype), *other = NULL;
    nf_base *base = NULL;
    const int64_t count = nf_flow_param_count(flow);
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype };
    double *before = support_malloc(2 * count * 8), *after = before + count, norm = 0, sum = 0;
    int32_t *properties = support_malloc(count * 4);
    nf_optimizer *optimizer = NULL;
    void *grad = NULL;
    const char *failed = NULL;

    optimizer_properties(flow, properties);
    if (nf_optimizer_create(&optimizer, context, c->type, c->config) || any_params(flow, NULL, &grad, NULL)) failed = "create";
    for (int64_t i = 0; i < count && !failed; i++) {
        support_set(dtype, grad, i, properties[i] & NF_PARAM_FROZEN ? 0 : 3 + (double)(i % 5));
        sum += support_at(dtype, grad, i) * support_at(dtype, grad, i);
    }
    if (!failed && (nf_optimizer_step_clipped(optimizer, flow, 0.25, &norm) || !(fabs(norm - sqrt(sum)) <= 1e-6 * norm))) failed = "norm";
    if (!failed && nf_flow_get_params(flow, count, before)) failed = "get_params";
    for (int k = 0; k < 3 && !failed; k++) {
        const double values[] = { NAN, INFINITY, -INFINITY };
        int64_t at = count - 1;
        while (at > 0 && (properties[at] & NF_PARAM_FROZEN)) at--;
        support_set(dtype, grad, at, values[k]);
        if (nf_optimizer_step(optimizer, flow) != NF_ERR_NONFINITE) failed = "a gradient that is not finite was accepted";
        if (!failed && (isfinite(support_at(dtype, grad, at)) || nf_optimizer_steps(optimizer) != 1)) failed = "the gradient was not kept";
        if (!failed && (nf_flow_get_params(flow, count, after) || support_differ(before, after, count, 8) >= 0)) failed = "theta moved";
    }
    if (!failed && (nf_base_diagonal_create(&base, context, 3) || nf_flow_create(&other, context, &config, base, NULL, 0))) failed = "other";
    if (!failed && nf_optimizer_step(optimizer, other) != NF_ERR_SHAPE) failed = "a flow of another size was accepted";
    if (!failed && (nf_optimizer_set_lr(optimizer, -1) != NF_ERR_ARG || nf_optimizer_set_lr(optimizer, NAN) >= 0)) failed = "lr";
    if (!failed && nf_optimizer_step(NULL, flow) != NF_ERR_NULL) failed = "NULL optimizer";
    if (!failed && nf_optimizer_step(optimizer, NULL) != NF_ERR_NULL) failed = "NULL flow";
    if (failed) snprintf(why, WHY_SIZE, "%s: %s", failed, nf_last_error());
    free(before), free(properties);
    nf_base_unref(base);
    nf_flow_unref(other);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return !failed;
}
