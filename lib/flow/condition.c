/* SPDX-License-Identifier: MIT
 *
 * condition.c - conditioning columns, standardised and embedded
 *
 *   s_j = (c_j - mean_j) / sd_j          c raw, as callers give it
 *   e = net(s)                           with an embedding: a multilayer perceptron, the last layer linear; else e = s
 *
 * Every layer and the base condition on e. Conditions are no part of x: there is no log-determinant.
 *
 * theta = (mean [cond_dim], sd [cond_dim], frozen, if there is a standardisation; then the network), between the layers' slices and the
 * base's. With G_i = sum over layers and base of dL/de_i, dL/dtheta = sum_i G_i de_i/dtheta: the network runs again, tile by tile, and then
 * backward; its hidden activations are not kept, since it is small. Tiles are as long as the base's, so that sums have the order of every
 * gradient.
 *
 * Check value: cond_dim 1, mean 0.7, sd 1.3, c = 2.385, embed_hidden {0}, W = 0.5, b = -0.25 -> s = 1.2961538462, e = 0.3980769231
 * Ref: Papamakarios, Nalisnick, Rezende, Mohamed, Lakshminarayanan, "Normalizing flows for probabilistic modeling and inference",
 * arXiv:1912.02762, conditional flows; embedding networks as in Radev et al., "BayesFlow", arXiv:2003.06281.
 */
#include "core/real.h"
#include "flow/condition.h"

void NFI_NAME(nfi_condition_scale)(int64_t n, int64_t dim, const void *theta, const void *raw, void *out, int64_t ld)
{
    const real *mean = theta, *sd = mean + dim, *c = raw;
    real *s = out;

    for (int64_t i = 0; i < n; i++, c += dim, s += ld)
        for (int64_t j = 0; j < dim; j++) s[j] = (real)(((double)c[j] - (double)mean[j]) / (double)sd[j]);
}

#if NFI_ONCE
#include "core/rng.h"
#include "core/status.h"
#include "flow/job.h"
#include "flow/rows.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const nf_field condition_fields[] = { NFI_CONDITION_FIELDS(nf_flow_config) };
const nfi_config_type nfi_condition_config_type = { "condition", sizeof(nf_flow_config), sizeof(nf_flow_config), condition_fields,
                                                    NFI_COUNT(condition_fields) };
static const int64_t condition_hidden[] = { 32, 32 };

/* Configs */

static nf_status condition_check_length(const nf_flow_config *c, const char *name, int64_t n, const char *function)
{
    if (n == 0 || n == c->cond_dim) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "%s: %s is %lld, must be 0 or cond_dim, %lld", function, name, (long long)n, (long long)c->cond_dim);
}

static nf_status condition_check_limits(const nf_flow_config *c, nf_context *context, const char *function)
{
    const int64_t limit = nfi_context_config(context)->max_dim;

    if (c->cond_dim <= limit && c->embed_dim <= limit) return NF_OK;
    return nfi_fail(NF_ERR_LIMIT, "%s: cond_dim is %lld and embed_dim %lld, the context's max_dim is %lld", function, (long long)c->cond_dim,
                    (long long)c->embed_dim, (long long)limit);
}

nf_status nfi_condition_resolve(nf_flow_config *c, nf_context *context, const char *function)
{
    nf_status status;

    if ((status = condition_check_length(c, "n_cond_mean", c->n_cond_mean, function))) return status;
    if ((status = condition_check_length(c, "n_cond_sd", c->n_cond_sd, function))) return status;
    if (nfi_condition_has_stage(c) && !c->cond_dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: cond_dim is 0, but %s is %lld: there is no condition", function,
                        c->embed_dim ? "embed_dim" : "cond_standardise", (long long)(c->embed_dim ? c->embed_dim : c->cond_standardise));
    if (c->n_embed_hidden && !c->embed_dim)
        return nfi_fail(NF_ERR_ARG, "%s: embed_dim is 0, must be at least 1 with embed_hidden", function);
    if (c->n_cond_mean || c->n_cond_sd) c->cond_standardise = 1;
    if (c->embed_dim && !c->n_embed_hidden) {
        c->embed_hidden = condition_hidden;
        c->n_embed_hidden = NFI_COUNT(condition_hidden);
    }
    return condition_check_limits(c, context, function);
}

bool nfi_condition_count(const nf_flow_config *c, int64_t *count)
{
    const int64_t n = nfi_mlp_n_hidden(c->embed_hidden, c->n_embed_hidden);
    int64_t in = c->cond_dim, more;

    *count = c->cond_standardise ? 2 * c->cond_dim : 0;
    for (int64_t l = 0; c->embed_dim && l <= n; l++) {
        const int64_t out = l < n ? c->embed_hidden[l] : c->embed_dim;
        if (!nfi_mul(in + 1, out, &more) || !nfi_add(*count, more, count)) return false;
        in = out;
    }
    return true;
}

/* Making */

/* A tile's memory: rows in and out of the network, what it keeps for its reverse, and its own scratch. */
typedef struct condition_work {
    char *in, *out, *saved, *net;
} condition_work;

static int64_t condition_carve(const nf_flow *flow, char *base, condition_work *work)
{
    const nfi_condition *c = &flow->condition;
    const nfi_net net = nfi_mlp_net(&c->mlp);
    int64_t at = 0;

    work->in = nfi_carve(base, &at, c->tile_rows * net.ld_in * flow->size);
    work->out = nfi_carve(base, &at, c->tile_rows * net.ld_out * flow->size);
    work->saved = nfi_carve(base, &at, c->tile_rows * net.ops->saved_bytes(net.self, flow->kernels));
    work->net = nfi_carve(base, &at, c->tile_rows * net.ops->scratch_bytes(net.self, flow->kernels) + nfi_net_scratch_fixed(&net, flow->kernels));
    return at;
}

static nf_status condition_make_net(nfi_condition *c)
{
    const nf_flow_config *config = &c->config;
    const nf_status status = nfi_mlp_create(&c->mlp, c->maker, config->cond_dim, config->embed_dim, config->embed_hidden,
                                            nfi_mlp_n_hidden(config->embed_hidden, config->n_embed_hidden), config->embed_activation, NF_WEIGHTS_SPREAD, 0);

    return status ? nfi_fail_in(status, "nf_flow_create: embed_hidden") : NF_OK;
}

nf_status nfi_condition_make(nf_flow *flow, const nf_flow_config *config)
{
    nfi_condition *c = &flow->condition;
    nf_status status;

    *c = (nfi_condition){ .config = *config, .width = nfi_condition_width(config) };
    if (!nfi_condition_has_stage(config)) return NF_OK;
    if ((status = nfi_maker_create(&c->maker, flow->object.context))) return status;
    if ((status = nfi_config_own(&nfi_condition_config_type, &c->config, c->maker))) return status;
    c->scales = config->cond_standardise != 0;
    c->embeds = config->embed_dim > 0;
    if (!nfi_condition_count(config, &c->count))
        return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_create: the number of the embedding's parameters is too large to compute");
    c->net_at = c->scales ? 2 * config->cond_dim : 0;
    if (c->embeds && (status = condition_make_net(c))) return status;
    c->n_params = (c->scales ? 2 : 0) + (c->embeds ? nfi_mlp_param_count(&c->mlp) : 0);
    return NF_OK;
}

void nfi_condition_tiles(nf_flow *flow, int64_t rows)
{
    condition_work work;

    flow->condition.tile_rows = rows;
    if (flow->condition.embeds) flow->condition.scratch = condition_carve(flow, NULL, &work);
}

void nfi_condition_free(nf_flow *flow) { nfi_maker_free(flow->condition.maker); }

int64_t nfi_condition_packed_bytes(const nf_flow *flow, bool backward)
{
    const nfi_condition *c = &flow->condition;

    if (!c->embeds) return 0;
    return nfi_round_up((backward ? nfi_mlp_turned_bytes : nfi_mlp_packed_bytes)(&c->mlp, flow->kernels), NFI_ALIGN);
}

/* Parameters */

nf_status nfi_condition_param(const nfi_condition *c, int32_t i, nf_param *param)
{
    static const char *const names[] = { "mean", "sd" };

    if (i < 0 || i >= c->n_params) return NF_ERR_ARG;
    if (!c->scales || i >= NFI_COUNT(names)) {
        nfi_mlp_param(&c->mlp, "net", c->net_at, i - (c->scales ? NFI_COUNT(names) : 0), param);
        return NF_OK;
    }
    memcpy(param->name, names[i], strlen(names[i]) + 1);
    param->properties = NF_PARAM_FROZEN;
    param->offset = i * c->config.cond_dim;
    param->rank = 1;
    param->shape[0] = c->config.cond_dim;
    return NF_OK;
}

static char *condition_theta(const nf_flow *flow) { return (char *)flow->theta + flow->condition.theta * flow->size; }

static double condition_get(const nf_flow *flow, int64_t i)
{
    const void *theta = condition_theta(flow);
    return flow->dtype == NF_F32 ? (double)((const float *)theta)[i] : ((const double *)theta)[i];
}

static void condition_set(nf_flow *flow, int64_t i, double value)
{
    void *theta = condition_theta(flow);
    if (flow->dtype == NF_F32) ((float *)theta)[i] = (float)value;
    else ((double *)theta)[i] = value;
}

double nfi_condition_raw(const nf_flow *flow, int64_t j, double value)
{
    return flow->condition.scales ? condition_get(flow, j) + condition_get(flow, flow->cond_dim + j) * value : value;
}

/* Seeds of their own for the network's stream: places of layers have streams from 256 on. */
void nfi_condition_reset(nf_flow *flow)
{
    const nfi_condition *c = &flow->condition;
    const nf_flow_config *config = &c->config;

    for (int64_t j = 0; c->scales && j < config->cond_dim; j++) {
        condition_set(flow, j, config->n_cond_mean ? config->cond_mean[j] : 0.0);
        condition_set(flow, config->cond_dim + j, config->n_cond_sd ? config->cond_sd[j] : 1.0);
    }
    if (c->embeds)
        (flow->dtype == NF_F32 ? nfi_mlp_reset_f32 : nfi_mlp_reset_f64)(&c->mlp, flow->seed, NFI_STREAM_CONDITION,
                                                                        condition_theta(flow) + c->net_at * flow->size);
}

void nfi_condition_pack(const nf_flow *flow, void *packed, void *packed_backward)
{
    const nfi_condition *c = &flow->condition;

    if (!c->embeds) return;
    nfi_mlp_pack(&c->mlp, flow->kernels, condition_theta(flow) + c->net_at * flow->size, packed ? (char *)packed + c->packed : NULL,
                 packed_backward ? (char *)packed_backward + c->packed_backward : NULL);
}

/* Rows */

/* s of n rows from row i on. */
static void condition_scale(const nf_flow *flow, const nfi_workspace *w, int64_t i, int64_t n, void *out, int64_t ld)
{
    const nfi_condition *c = &flow->condition;
    const int64_t bytes = flow->cond_dim * flow->size;
    const char *raw = w->raw + i * bytes;

    if (c->scales)
        (flow->dtype == NF_F32 ? nfi_condition_scale_f32 : nfi_condition_scale_f64)(n, flow->cond_dim, condition_theta(flow), raw, out, ld);
    else
        nfi_rows_copy(n, bytes, raw, bytes, out, ld * flow->size);
}

/* The network's answers for n rows from row i on, in work->out; keep: work->saved has what its reverse needs. */
static void condition_value(const nf_flow *flow, const nfi_workspace *w, int64_t i, int64_t n, const condition_work *work, bool keep)
{
    const nfi_condition *c = &flow->condition;

    condition_scale(flow, w, i, n, work->in, nfi_mlp_ld(flow->cond_dim));
    nfi_mlp_value(&c->mlp, flow->kernels, n, (const char *)flow->packed + c->packed, work->in, work->out, keep ? work->saved : NULL, work->net);
}

static void condition_embed(const nf_flow *flow, nfi_workspace *w, int64_t n)
{
    const nfi_condition *c = &flow->condition;
    const int64_t bytes = c->width * flow->size, ld = nfi_mlp_ld(c->width) * flow->size;
    condition_work work;

    (void)condition_carve(flow, w->scratch, &work);
    for (int64_t i = 0, m; i < n; i += m) {
        m = nfi_min(c->tile_rows, n - i);
        condition_value(flow, w, i, m, &work, false);
        nfi_rows_copy(m, bytes, work.out, ld, w->cond + i * bytes, bytes);
    }
}

/* A condition that is finite but overflows on the way: the row is marked, and computed with zeros. */
static void condition_mark(const nf_flow *flow, nfi_workspace *w, int64_t n)
{
    const int64_t width = flow->condition.width, bytes = width * flow->size;

    for (int64_t i = 0; i < n; i++) {
        if (nfi_first_nonfinite(flow->dtype, width, w->cond + i * bytes) < 0) continue;
        memset(w->cond + i * bytes, 0, (size_t)bytes);
        w->bad[i] = 1;
    }
}

void nfi_condition_apply(const nf_flow *flow, nfi_workspace *w, int64_t n)
{
    const nfi_condition *c = &flow->condition;

    if (c->embeds) condition_embed(flow, w, n);
    else if (c->scales) condition_scale(flow, w, 0, n, w->cond, c->width);
    if (c->maker) condition_mark(flow, w, n);
    if (w->grad_cond) memset(w->grad_cond, 0, (size_t)(n * c->width * flow->size));
}

void nfi_condition_load(const nf_flow *flow, nfi_workspace *w, int64_t n, const void *raw)
{
    memset(w->bad, 0, (size_t)n);
    if (!flow->cond_dim) return;
    memcpy(w->raw, raw, (size_t)(n * flow->cond_dim * flow->size));
    nfi_condition_apply(flow, w, n);
}

void *nfi_condition_grad(const nf_flow *flow, const nfi_workspace *w, const nfi_grad *grad, int64_t i)
{
    return grad->block && w->grad_cond ? w->grad_cond + i * flow->condition.width * flow->size : NULL;
}

/* The network's reverse of n rows from row i on. */
static void condition_reverse(const nf_flow *flow, nfi_workspace *w, int64_t i, int64_t n, const condition_work *work, char *slice)
{
    const nfi_condition *c = &flow->condition;
    const char *backward = atomic_load_explicit(&((nf_flow *)(uintptr_t)flow)->packed_backward, memory_order_acquire);
    const int64_t bytes = c->width * flow->size;

    condition_value(flow, w, i, n, work, true);
    nfi_rows_copy(n, bytes, w->grad_cond + i * bytes, bytes, work->out, nfi_mlp_ld(c->width) * flow->size);
    nfi_mlp_reverse(&c->mlp, flow->kernels, n, backward + c->packed_backward, work->in, work->saved, work->out, NULL, slice + c->net_at * flow->size,
                    work->net);
}

void nfi_condition_backward(const nf_flow *flow, nfi_workspace *w, int64_t n, const nfi_grad *grad)
{
    const nfi_condition *c = &flow->condition;
    condition_work work;

    if (!c->count || !grad->block) return;
    if (!c->embeds) { /* constants: zeros */
        (void)nfi_grad_open(flow, w, grad, c->theta, c->count, 0);
        return;
    }
    (void)condition_carve(flow, w->scratch, &work);
    for (int64_t i = 0, m; i < n; i += m) {
        m = nfi_tile_size(w, i, n, c->tile_rows);
        char *slice = nfi_grad_open(flow, w, grad, c->theta, c->count, i);
        condition_reverse(flow, w, i, m, &work, slice);
        nfi_grad_close(flow, w, grad, c->theta, c->count, i + m, n);
    }
}
#endif
