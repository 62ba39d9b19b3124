/* SPDX-License-Identifier: MIT
 *
 * optimizer.c - making optimizers, and one update of a flow
 *
 * A step is two passes over the block in chunks: the norm of the gradient (partial sums in double, added in order), then the rule,
 * which scales the gradient, updates and zeroes it. Nothing is applied when the norm is not finite.
 */
#include "optim/optimizer.h"
#include "core/cpu.h"
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/sums.h"
#include <math.h>
#include <nflow/layer_type.h>
#include <string.h>

nf_optimizer *nf_optimizer_ref(nf_optimizer *optimizer) { return nfi_object_ref(optimizer, NFI_TAG_OPTIMIZER); }

static void optimizer_drop_moments(nf_optimizer *optimizer)
{
    const int64_t size = optimizer->dtype == NF_F32 ? 4 : 8;

    nfi_free(optimizer->object.context, optimizer->m, optimizer->count, size);
    nfi_free(optimizer->object.context, optimizer->v, optimizer->count, size);
    optimizer->m = optimizer->v = NULL;
    optimizer->count = 0;
}

void nf_optimizer_unref(nf_optimizer *optimizer)
{
    if (!nfi_object_release(optimizer, NFI_TAG_OPTIMIZER)) return;
    optimizer_drop_moments(optimizer);
    nfi_pieces_free(&optimizer->pieces);
    nfi_object_free(optimizer, sizeof *optimizer);
}

static nf_status optimizer_make(nf_optimizer **out, nf_context *context, const nfi_optimizer_type *type, const void *config,
                                const char *function)
{
    nfi_optimizer_config resolved, defaults;
    nf_optimizer *optimizer;
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", function);
    *out = NULL;
    if ((status = nfi_context_check(context, function))) return status;
    memset(&defaults, 0, sizeof defaults);
    memcpy(&defaults, &type->config->size, sizeof type->config->size);
    memset(&resolved, 0, sizeof resolved);
    if ((status = nfi_config_resolve(type->config, config ? config : &defaults, &resolved, function))) return status;
    optimizer = nfi_object_create(context, sizeof *optimizer, NFI_TAG_OPTIMIZER);
    if (!optimizer) return NF_ERR_MEMORY;
    optimizer->type = type;
    optimizer->config = resolved;
    optimizer->wide = nfi_cpu_has_isa(NF_ISA_AVX2);
    memcpy(&optimizer->lr, (const char *)&resolved + type->lr_offset, sizeof optimizer->lr);
    *out = optimizer;
    return NF_OK;
}

static nf_status optimizer_unknown(const char *name)
{
    char list[160] = "";

    for (int32_t i = 0; nfi_rule_at(i); i++) {
        const size_t used = strlen(list), room = sizeof list - used - 1;
        if (i > 0 && room > 2) strncat(list, ", ", room);
        strncat(list, nfi_rule_at(i)->name, sizeof list - strlen(list) - 1);
    }
    return nfi_fail(NF_ERR_UNKNOWN, "nf_optimizer_create: type is \"%.40s\", known are %s", name, list);
}

nf_status nf_optimizer_create(nf_optimizer **out, nf_context *context, const char *type, const void *config)
{
    const nfi_optimizer_type *rule;

    if (!out) return nfi_fail(NF_ERR_NULL, "nf_optimizer_create: out is NULL");
    *out = NULL;
    if (!type) return nfi_fail(NF_ERR_NULL, "nf_optimizer_create: type is NULL");
    rule = nfi_rule_find(type);
    return rule ? optimizer_make(out, context, rule, config, "nf_optimizer_create") : optimizer_unknown(type);
}

nf_status nf_optimizer_adam_create(nf_optimizer **out, nf_context *context, const nf_adam_config *config)
{
    return optimizer_make(out, context, &nfi_rule_adam, config, "nf_optimizer_adam_create");
}

nf_status nf_optimizer_adamw_create(nf_optimizer **out, nf_context *context, const nf_adamw_config *config)
{
    return optimizer_make(out, context, &nfi_rule_adamw, config, "nf_optimizer_adamw_create");
}

nf_status nf_optimizer_adamax_create(nf_optimizer **out, nf_context *context, const nf_adamax_config *config)
{
    return optimizer_make(out, context, &nfi_rule_adamax, config, "nf_optimizer_adamax_create");
}

nf_status nf_optimizer_sgd_create(nf_optimizer **out, nf_context *context, const nf_sgd_config *config)
{
    return optimizer_make(out, context, &nfi_rule_sgd, config, "nf_optimizer_sgd_create");
}

static nf_status optimizer_make_moments(nf_optimizer *optimizer, const nf_flow *flow)
{
    nf_status status = NF_OK;

    optimizer->count = flow->count;
    optimizer->dtype = flow->dtype;
    optimizer->m = nfi_alloc(optimizer->object.context, flow->count, flow->size, &status);
    if (optimizer->m && optimizer->type->n_moments > 1)
        optimizer->v = nfi_alloc(optimizer->object.context, flow->count, flow->size, &status);
    if (status) optimizer_drop_moments(optimizer);
    return status;
}

nf_status nfi_optimizer_bind(nf_optimizer *optimizer, nf_flow *flow, const char *function)
{
    nf_status status = nfi_flow_need_grad(flow);

    if (status) return nfi_fail_in(status, "%s: gradient", function);

    if (!optimizer->m) {
        if ((status = optimizer_make_moments(optimizer, flow))) return nfi_fail_in(status, "%s: moments", function);
    }
    if (optimizer->count != flow->count)
        return nfi_fail(NF_ERR_SHAPE, "%s: the optimizer belongs to a flow of %lld parameters, this one has %lld", function,
                        (long long)optimizer->count, (long long)flow->count);
    if (optimizer->dtype != flow->dtype)
        return nfi_fail(NF_ERR_DTYPE, "%s: the optimizer belongs to a flow of %s", function,
                        optimizer->dtype == NF_F32 ? "f32" : "f64");
    status = nfi_pieces_build(&optimizer->pieces, optimizer->object.context, flow);
    return status ? nfi_fail_in(status, "%s: list of parameters", function) : NF_OK;
}

/* Names the first view whose gradient is not finite. */
static nf_status optimizer_nonfinite(const nf_flow *flow, const char *function)
{
    int64_t offset, count, at;
    int32_t properties;
    char name[96];

    for (int64_t i = 0; nfi_flow_range(flow, i, &offset, &count, &properties, name); i++) {
        const char *grad = (const char *)flow->grad + offset * flow->size;
        if (properties & NF_PARAM_FROZEN) continue;
        at = flow->dtype == NF_F32 ? nfi_find_nonfinite_f32(count, grad) : nfi_find_nonfinite_f64(count, grad);
        if (at >= 0)
            return nfi_fail(NF_ERR_NONFINITE, "%s: the gradient of %s is not finite, first at element %lld", function, name,
                            (long long)at);
    }
    return nfi_fail(NF_ERR_NONFINITE, "%s: the norm of the gradient is too large to compute", function);
}

typedef struct optimizer_job {
    nf_optimizer *optimizer;
    nf_flow *flow;
    double scale;
} optimizer_job;

static void optimizer_update_chunk(void *arg, int64_t chunk)
{
    const optimizer_job *job = arg;
    const nf_optimizer *o = job->optimizer;
    const nf_flow *flow = job->flow;
    const nfi_update_fn update = o->type->update[flow->dtype == NF_F64][o->wide];

    for (int64_t i = o->pieces.first[chunk]; i < o->pieces.first[chunk + 1]; i++) {
        const nfi_piece *piece = &o->pieces.piece[i];
        const int64_t at = piece->offset * flow->size;
        nfi_update u = { .t = o->steps + 1, .n = piece->n, .lr = o->lr, .scale = job->scale, .decay = piece->decay,
                         .theta = (char *)flow->theta + at, .grad = (char *)flow->grad + at, .m = (char *)o->m + at,
                         .v = o->v ? (char *)o->v + at : NULL };
        update(&o->config, &u);
    }
}

nf_status nfi_optimizer_apply(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm, const char *function)
{
    /* Squares of larger gradients would overflow in the moments. */
    const double top = flow->dtype == NF_F32 ? 1e18 : 1e150;
    const double limit = max_norm > 0 && max_norm < top ? max_norm : top;
    const double size = nfi_flow_grad_norm(flow);
    optimizer_job job = { .optimizer = optimizer, .flow = flow, .scale = size > limit ? limit / size : 1 };

    if (norm) *norm = size;
    if (!isfinite(size)) return optimizer_nonfinite(flow, function);
    nfi_parallel_for(flow->object.context, optimizer->pieces.n_chunks, optimizer_update_chunk, &job);
    optimizer->steps++;
    nfi_flow_clear_grad(flow);
    nfi_flow_pack(flow);
    return NF_OK;
}

static nf_status optimizer_step(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm, const char *function)
{
    nf_status status = nfi_argument_check(optimizer, NFI_TAG_OPTIMIZER, function, "optimizer");
    uint64_t fpenv;

    if (norm) *norm = NAN;
    if (status) return status;
    if (isnan(max_norm)) return nfi_fail(NF_ERR_ARG, "%s: max_norm is NaN", function);
    if ((status = nfi_flow_begin(flow, function))) return status;
    fpenv = nfi_fpenv_enter();
    status = nfi_optimizer_bind(optimizer, flow, function);
    if (!status) status = nfi_optimizer_apply(optimizer, flow, max_norm, norm, function);
    nfi_fpenv_leave(fpenv);
    nfi_flow_end(flow);
    return status;
}

nf_status nf_optimizer_step(nf_optimizer *optimizer, nf_flow *flow)
{
    return optimizer_step(optimizer, flow, 0, NULL, "nf_optimizer_step");
}

nf_status nf_optimizer_step_clipped(nf_optimizer *optimizer, nf_flow *flow, double max_norm, double *norm)
{
    return optimizer_step(optimizer, flow, max_norm, norm, "nf_optimizer_step_clipped");
}

static bool optimizer_is(const nf_optimizer *optimizer, const char *function)
{
    return nfi_argument_check(optimizer, NFI_TAG_OPTIMIZER, function, "optimizer") == NF_OK;
}

const char *nf_optimizer_type_name(const nf_optimizer *optimizer)
{
    return optimizer_is(optimizer, "nf_optimizer_type_name") ? optimizer->type->name : NULL;
}

double nf_optimizer_lr(const nf_optimizer *optimizer)
{
    return optimizer_is(optimizer, "nf_optimizer_lr") ? optimizer->lr : NAN;
}

int64_t nf_optimizer_steps(const nf_optimizer *optimizer)
{
    return optimizer_is(optimizer, "nf_optimizer_steps") ? optimizer->steps : 0;
}

nf_status nf_optimizer_set_lr(nf_optimizer *optimizer, double lr)
{
    nf_status status = nfi_object_check(optimizer, NFI_TAG_OPTIMIZER, "nf_optimizer_set_lr: optimizer");

    if (status) return status;
    if (!isfinite(lr) || lr < 0)
        return nfi_fail(NF_ERR_ARG, "nf_optimizer_set_lr: lr is %g, allowed are finite values from 0", lr);
    optimizer->lr = lr;
    return NF_OK;
}

nf_status nf_optimizer_reset(nf_optimizer *optimizer)
{
    nf_status status = nfi_object_check(optimizer, NFI_TAG_OPTIMIZER, "nf_optimizer_reset: optimizer");

    if (status) return status;
    optimizer_drop_moments(optimizer);
    optimizer->steps = 0;
    return NF_OK;
}
