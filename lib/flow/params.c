/* SPDX-License-Identifier: MIT
 *
 * params.c - the flat parameter block: views, access, packing, exclusive use
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/flow.h"
#include "flow/rows.h"
#include <stdio.h>
#include <string.h>

nf_status nfi_flow_begin(nf_flow *flow, const char *function)
{
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, function, "flow");
    int idle = 0;

    if (status) return status;
    if (!atomic_compare_exchange_strong_explicit(&flow->busy, &idle, 1, memory_order_acquire, memory_order_relaxed))
        return nfi_fail(NF_ERR_BUSY, "%s: another exclusive call is using the flow", function);
    return NF_OK;
}

void nfi_flow_end(nf_flow *flow) { atomic_store_explicit(&flow->busy, 0, memory_order_release); }

void nfi_flow_clear_grad(nf_flow *flow)
{
    flow->grad_clean = true;
    flow->squares_known = false;
    if (flow->grad_lent) (void)nfi_flow_grad_block(flow);
}

void *nfi_flow_grad_block(nf_flow *flow)
{
    if (flow->grad_clean && flow->grad) memset(flow->grad, 0, (size_t)(flow->count * flow->size));
    flow->grad_clean = false;
    return flow->grad;
}

void nfi_flow_pack_place(const nf_flow *flow, const nfi_place *p, void *packed, void *packed_backward)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    const char *theta = (const char *)flow->theta + p->theta * flow->size;

    if (!ops->pack) return;
    for (int64_t part = 0; part < p->info.packed_parts; part++)
        ops->pack(p->layer->self, flow->kernels, theta, packed ? (char *)packed + p->packed : NULL,
                  packed_backward && p->info.packed_backward ? (char *)packed_backward + p->packed_backward : NULL, part);
}

typedef struct params_pack {
    const nf_flow *flow;
    void *packed, *packed_backward; /* NULL: not wanted */
} params_pack;

static void params_pack_base(const nf_flow *flow, void *packed, void *packed_backward)
{
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    const nfi_base_info *info = &flow->base_info;

    if (!ops->pack) return;
    ops->pack(flow->base->self, flow->kernels, (const char *)flow->theta + flow->base_theta * flow->size,
              packed ? (char *)packed + flow->base_packed : NULL,
              packed_backward && info->packed_backward ? (char *)packed_backward + flow->base_packed_backward : NULL);
}

static void params_pack_place(void *arg, int64_t i)
{
    const params_pack *job = arg;
    if (i < job->flow->n_places) nfi_flow_pack_place(job->flow, &job->flow->places[i], job->packed, job->packed_backward);
    else if (i == job->flow->n_places) params_pack_base(job->flow, job->packed, job->packed_backward);
    else nfi_condition_pack(job->flow, job->packed, job->packed_backward);
}

/* Of the places, behind them of the base and of the embedding. */
static void params_pack_all(params_pack *job)
{
    nfi_parallel_for(job->flow->object.context, job->flow->n_places + 2, params_pack_place, job);
}

nf_status nfi_flow_check_theta(const nf_flow *flow, const void *theta)
{
    for (int64_t i = 0; i < flow->n_places; i++) {
        const nfi_place *p = &flow->places[i];
        const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
        const nf_status status = ops->check ? ops->check(p->layer->self, (const char *)theta + p->theta * flow->size) : NF_OK;
        if (status) return nfi_fail_in(NF_ERR_FORMAT, "layer %lld (%s)", (long long)i, p->layer->type->name);
    }
    return NF_OK;
}

void nfi_flow_pack(nf_flow *flow)
{
    params_pack job = { flow, flow->packed, atomic_load_explicit(&flow->packed_backward, memory_order_acquire) };
    params_pack_all(&job);
}

/* Of several threads that come by at once each packs, and the first one's block is kept. */
nf_status nfi_flow_need_backward(const nf_flow *flow)
{
    nf_flow *owner = (nf_flow *)(uintptr_t)flow; /* the block says nothing that theta does not */
    params_pack job = { .flow = flow };
    void *none = NULL;
    nf_status status = NF_OK;

    if (!flow->packed_backward_bytes || atomic_load_explicit(&owner->packed_backward, memory_order_acquire)) return NF_OK;
    job.packed_backward = nfi_alloc(flow->object.context, flow->packed_backward_bytes, 1, &status);
    if (!job.packed_backward) return status;
    params_pack_all(&job);
    if (!atomic_compare_exchange_strong_explicit(&owner->packed_backward, &none, job.packed_backward, memory_order_acq_rel, memory_order_acquire))
        nfi_free(flow->object.context, job.packed_backward, flow->packed_backward_bytes, 1);
    return NF_OK;
}

nf_status nfi_flow_need_grad(nf_flow *flow)
{
    nf_context *context = flow->object.context;
    nf_status status = nfi_flow_need_backward(flow);

    if (!status && !flow->squares) flow->squares = nfi_alloc(context, nfi_grad_chunks(flow), sizeof *flow->squares, &status);
    if (!status && !flow->grad) flow->grad = nfi_alloc(context, flow->count, flow->size, &status);
    return status;
}

/* View i as the layer or base names it, with the flow's prefix and offset. */
static nf_status params_view(const nf_flow *flow, int64_t index, nf_param_view *out)
{
    nf_param param = { .struct_size = sizeof param };
    char prefix[32] = "base";
    int64_t theta = flow->base_theta;
    nf_status status = NF_ERR_ARG;

    for (int64_t i = 0; i < flow->n_places; i++) {
        const nf_layer *layer = flow->places[i].layer;
        if (index < layer->n_params) {
            snprintf(prefix, sizeof prefix, "layers.%lld", (long long)i);
            theta = flow->places[i].theta;
            status = layer->type->param(layer->self, (int32_t)index, &param);
            index = -1;
            break;
        }
        index -= layer->n_params;
    }
    if (index >= 0 && index < flow->condition.n_params) {
        snprintf(prefix, sizeof prefix, "condition");
        theta = flow->condition.theta;
        status = nfi_condition_param(&flow->condition, (int32_t)index, &param);
        index = -1;
    }
    index -= flow->condition.n_params;
    if (index >= 0 && index < flow->base->n_params) status = flow->base->type->param(flow->base->self, (int32_t)index, &param);
    if (status) return status;
    *out = (nf_param_view){ .struct_size = sizeof *out, .properties = param.properties, .offset = theta + param.offset,
                            .count = 1, .rank = param.rank };
    snprintf(out->name, sizeof out->name, "%s.%.63s", prefix, param.name);
    for (int32_t k = 0; k < param.rank; k++) {
        out->shape[k] = param.shape[k];
        out->count *= param.shape[k];
    }
    return NF_OK;
}

nf_status nf_flow_param(const nf_flow *flow, int64_t index, nf_param_view *out)
{
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_param: flow");
    nf_param_view own;

    if (status) return status;
    if ((status = nfi_report_check(out, sizeof *out, "nf_flow_param"))) return status;
    if (index < 0 || params_view(flow, index, &own))
        return nfi_fail(NF_ERR_ARG, "nf_flow_param: index is %lld, past the last view", (long long)index);
    nfi_report_write(out, &own, sizeof own);
    return NF_OK;
}

bool nfi_flow_range(const nf_flow *flow, int64_t index, int64_t *offset, int64_t *count, int32_t *properties, char name[96])
{
    nf_param_view view;

    if (params_view(flow, index, &view)) return false;
    *offset = view.offset;
    *count = view.count;
    *properties = view.properties;
    memcpy(name, view.name, sizeof view.name);
    return true;
}

static nf_status params_lend(nf_flow *flow, int32_t dtype, void **theta, void **grad, int64_t *count, const char *function)
{
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, function, "flow");

    if (status) return status;
    if (flow->dtype != dtype)
        return nfi_fail(NF_ERR_DTYPE, "%s: the flow is %s", function, flow->dtype == NF_F32 ? "f32, use nf_flow_params" : "f64, use nf_flow_params_f64");
    if ((status = nfi_flow_begin(flow, function))) return status;
    if (grad && (status = nfi_flow_need_grad(flow))) {
        nfi_flow_end(flow);
        return nfi_fail_in(status, "%s", function);
    }
    if (theta) {
        *theta = flow->theta;
        flow->lent = true;
    }
    if (grad) {
        *grad = nfi_flow_grad_block(flow);
        flow->grad_lent = true;
    }
    if (count) *count = flow->count;
    nfi_flow_end(flow);
    return NF_OK;
}

nf_status nf_flow_params(nf_flow *flow, float **theta, float **grad, int64_t *count)
{
    void *t = NULL, *g = NULL;
    nf_status status = params_lend(flow, NF_F32, theta ? &t : NULL, grad ? &g : NULL, count, "nf_flow_params");

    if (status) return status;
    if (theta) *theta = t;
    if (grad) *grad = g;
    return NF_OK;
}

nf_status nf_flow_params_f64(nf_flow *flow, double **theta, double **grad, int64_t *count)
{
    void *t = NULL, *g = NULL;
    nf_status status = params_lend(flow, NF_F64, theta ? &t : NULL, grad ? &g : NULL, count, "nf_flow_params_f64");

    if (status) return status;
    if (theta) *theta = t;
    if (grad) *grad = g;
    return NF_OK;
}

nf_status nf_flow_update(nf_flow *flow)
{
    nf_status status = nfi_flow_begin(flow, "nf_flow_update");

    if (status) return status;
    nfi_flow_pack(flow);
    nfi_flow_end(flow);
    return NF_OK;
}

nf_status nf_flow_zero_grad(nf_flow *flow)
{
    nf_status status = nfi_flow_begin(flow, "nf_flow_zero_grad");

    if (status) return status;
    nfi_flow_clear_grad(flow);
    nfi_flow_end(flow);
    return NF_OK;
}

static nf_status params_check(const nf_flow *flow, int64_t count, const void *theta, const char *function)
{
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, function, "flow");

    if (status) return status;
    if (count != flow->count)
        return nfi_fail(NF_ERR_SHAPE, "%s: count is %lld, the flow has %lld parameters", function, (long long)count,
                        (long long)flow->count);
    return theta || !count ? NF_OK : nfi_fail(NF_ERR_NULL, "%s: theta is NULL", function);
}

nf_status nf_flow_get_params(const nf_flow *flow, int64_t count, double *theta)
{
    nf_status status = params_check(flow, count, theta, "nf_flow_get_params");

    if (status) return status;
    if (flow->dtype == NF_F32)
        nfi_rows_convert(NF_F64, count, flow->theta, theta);
    else
        memcpy(theta, flow->theta, (size_t)count * sizeof *theta);
    return NF_OK;
}

/* First element that is not finite in the dtype, -1: none. */
static int64_t params_beyond(int32_t dtype, int64_t count, const double *theta)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    int64_t bad = -1;

    for (int64_t i = 0; i < count && bad < 0; i++) {
        const float narrow = (float)theta[i];
        if (nfi_first_nonfinite(dtype, 1, dtype == NF_F32 ? (const void *)&narrow : (const void *)&theta[i]) >= 0) bad = i;
    }
    nfi_fpenv_leave(fpenv);
    return bad;
}

nf_status nf_flow_set_params(nf_flow *flow, int64_t count, const double *theta)
{
    nf_status status = params_check(flow, count, theta, "nf_flow_set_params");
    int64_t bad;

    if (status) return status;
    if ((bad = params_beyond(flow->dtype, count, theta)) >= 0)
        return nfi_fail(NF_ERR_NONFINITE, "nf_flow_set_params: theta[%lld] is %g, no finite number in %s", (long long)bad, theta[bad],
                        flow->dtype == NF_F32 ? "f32" : "f64");
    if ((status = nfi_flow_begin(flow, "nf_flow_set_params"))) return status;
    if (flow->dtype == NF_F32)
        nfi_rows_convert(NF_F32, count, theta, flow->theta);
    else
        memcpy(flow->theta, theta, (size_t)count * sizeof *theta);
    nfi_flow_pack(flow);
    nfi_flow_end(flow);
    return NF_OK;
}

nf_status nf_flow_convert(nf_flow **out, const nf_flow *flow, int32_t dtype)
{
    nf_flow_config config;
    nf_layer **layers;
    nf_status status;
    int64_t bad;

    if (!out) return nfi_fail(NF_ERR_NULL, "nf_flow_convert: out is NULL");
    *out = NULL;
    if ((status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_convert: flow"))) return status;
    if (dtype != NF_F32 && dtype != NF_F64)
        return nfi_fail(NF_ERR_ARG, "nf_flow_convert: dtype is %d, allowed are NF_F32 and NF_F64", (int)dtype);
    if (dtype == NF_F32 && flow->dtype == NF_F64 && (bad = params_beyond(NF_F32, flow->count, flow->theta)) >= 0)
        return nfi_fail(NF_ERR_NONFINITE, "nf_flow_convert: parameter %lld is %g, more than f32 can hold", (long long)bad,
                        ((const double *)flow->theta)[bad]);
    layers = nfi_alloc(flow->object.context, flow->n_places, sizeof *layers, &status);
    if (!layers) return status;
    for (int64_t i = 0; i < flow->n_places; i++) layers[i] = flow->places[i].layer;
    config = flow->condition.config;
    config.dtype = dtype;
    status = nfi_flow_create_bare(out, flow->object.context, &config, flow->base, layers, flow->n_places);
    nfi_free(flow->object.context, layers, flow->n_places, sizeof *layers);
    if (status) return status;
    if (dtype == flow->dtype)
        memcpy((*out)->theta, flow->theta, (size_t)(flow->count * flow->size));
    else
        nfi_rows_convert(dtype, flow->count, flow->theta, (*out)->theta);
    nfi_flow_pack(*out);
    return NF_OK;
}
