/* SPDX-License-Identifier: MIT
 *
 * evaluate.c - log_prob, forward, inverse, sample: the public calls and what each does with a block
 */
#include "core/rng.h"
#include "core/status.h"
#include "flow/job.h"
#include "flow/evaluate.h"
#include "flow/rows.h"
#include <string.h>

/* Writes a block's results: x or z rows and values; rows whose input or result is not finite become NaN and are marked.
 * A value of -inf (outside the support of a uniform base) stays, marked. */
static void evaluate_store(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n, const char *rows)
{
    const nf_flow *flow = job->flow;
    const int64_t bytes = flow->dim * flow->size;

    if (job->out) {
        nfi_rows_mark(flow->dtype, n, flow->dim, rows, w->bad);
        memcpy(job->out + row * bytes, rows, (size_t)(n * bytes));
    }
    for (int64_t i = 0; i < n && job->value; i++) {
        nfi_put_f64(job->value, row + i, w->bad[i] ? (double)__builtin_nanf("") : nfi_rows_value(w->log_det[i]));
        if (w->log_det[i] - w->log_det[i] != 0.0) w->bad[i] = 1;
    }
    if (job->out) nfi_rows_spoil(flow->dtype, n, flow->dim, job->out + row * bytes, w->bad);
}

static nf_status evaluate_log_prob(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nf_status status;

    nfi_chain_load(job, w, row, n, w->state[0]);
    if ((status = nfi_chain_forward(job->flow, w, row, n, 0, 0))) return status;
    if ((status = nfi_chain_base(job->flow, w, row, n))) return status;
    evaluate_store(job, w, row, n, NULL);
    return NF_OK;
}

static nf_status evaluate_forward(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nf_status status;

    nfi_chain_load(job, w, row, n, w->state[0]);
    if ((status = nfi_chain_forward(job->flow, w, row, n, 0, 0))) return status;
    evaluate_store(job, w, row, n, w->z);
    return NF_OK;
}

static nf_status evaluate_inverse(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nf_status status;

    nfi_chain_load(job, w, row, n, w->z);
    if ((status = nfi_chain_inverse(job->flow, w, row, n))) return status;
    evaluate_store(job, w, row, n, w->state[0]);
    return NF_OK;
}

static nf_status evaluate_draw(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    const nf_flow *flow = job->flow;
    const nfi_base_ops *ops = nfi_base_ops_of(flow->base, flow->dtype);
    nf_status status = NF_OK;

    for (int64_t i = 0; i < n && !status; i += flow->tile_base) {
        nf_tile tile = nfi_chain_tile(flow, NULL, w, row + job->first, i, nfi_min(flow->tile_base, n - i));
        tile.seed = job->seed;
        tile.training = job->density;
        status = ops->sample(flow->base->self, &tile, job->temperature, w->z + i * flow->dim * flow->size);
    }
    nfi_rows_hash(n, flow->dim * flow->size, w->z, flow->cond_dim * flow->size, w->raw, w->key);
    return status;
}

/* log p(x) = log p_base(z) - log|det dx/dz| */
static nf_status evaluate_sample(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nf_status status;

    nfi_chain_load(job, w, row, n, NULL);
    if ((status = evaluate_draw(job, w, row, n))) return status;
    if ((status = nfi_chain_inverse(job->flow, w, row, n))) return status;
    for (int64_t i = 0; i < n; i++) w->log_det[i] = -w->log_det[i];
    if ((status = nfi_chain_base(job->flow, w, row, n))) return status;
    evaluate_store(job, w, row, n, w->state[0]);
    return NF_OK;
}

nf_status nfi_flow_log_prob(const nf_flow *flow, int64_t n, const void *x, const void *cond, double *log_prob, const char *function)
{
    nfi_job job = { .function = function, .flow = flow, .n = n, .in = x, .cond = cond, .value = log_prob, .run = evaluate_log_prob };
    return n ? nfi_job_run(&job) : NF_OK;
}

nf_status nfi_flow_forward(const nf_flow *flow, int64_t n, const void *x, const void *cond, void *z, const char *function)
{
    nfi_job job = { .function = function, .flow = flow, .n = n, .in = x, .cond = cond, .out = z, .run = evaluate_forward };
    return n ? nfi_job_run(&job) : NF_OK;
}

/* A block is loaded as a whole before any of its rows is stored: z and x may be the same. */
nf_status nfi_flow_inverse(const nf_flow *flow, int64_t n, const void *z, const void *cond, void *x, const char *function)
{
    nfi_job job = { .function = function, .flow = flow, .n = n, .in = z, .cond = cond, .out = x, .run = evaluate_inverse };
    return n ? nfi_job_run(&job) : NF_OK;
}

/* The one check at the boundary. */
bool nfi_overlap(const void *a, int64_t bytes_a, const void *b, int64_t bytes_b)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return a && b && p < q + (uintptr_t)bytes_b && q < p + (uintptr_t)bytes_a;
}

static nf_status evaluate_check_alias(const nfi_call *c, int64_t bytes, int64_t bytes_cond)
{
    const void *outs[2] = { c->out, c->value };
    const int64_t sizes[2] = { bytes, (c->value_is == NFI_VALUE_SINGLE ? 1 : c->n) * (int64_t)sizeof(double) };

    for (int i = 0; i < 2; i++) {
        const char *name = i ? c->value_name : c->out_name;
        if (nfi_overlap(outs[i], sizes[i], c->in, bytes) || nfi_overlap(outs[i], sizes[i], c->cond, bytes_cond))
            return nfi_fail(NF_ERR_ALIAS, "%s: %s overlaps an input", c->function, name);
    }
    if (nfi_overlap(c->out, bytes, c->value, sizes[1]))
        return nfi_fail(NF_ERR_ALIAS, "%s: %s and %s overlap", c->function, c->out_name, c->value_name);
    return NF_OK;
}

nf_status nfi_cond_check(const nf_flow *flow, const void *cond, const char *function, const char *name)
{
    if (flow->cond_dim && !cond)
        return nfi_fail(NF_ERR_SHAPE, "%s: %s is NULL, the flow has cond_dim %lld", function, name, (long long)flow->cond_dim);
    if (!flow->cond_dim && cond) return nfi_fail(NF_ERR_SHAPE, "%s: %s is given, the flow has cond_dim 0: pass NULL", function, name);
    return NF_OK;
}

static nf_status evaluate_check_pointers(const nfi_call *c)
{
    if (c->in_name && !c->in) return nfi_fail(NF_ERR_NULL, "%s: %s is NULL", c->function, c->in_name);
    if (c->out_required && !c->out) return nfi_fail(NF_ERR_NULL, "%s: %s is NULL", c->function, c->out_name);
    if (c->value_is == NFI_VALUE_REQUIRED && !c->value) return nfi_fail(NF_ERR_NULL, "%s: %s is NULL", c->function, c->value_name);
    return nfi_cond_check(c->flow, c->cond, c->function, "cond");
}

nf_status nfi_call_check(const nfi_call *c)
{
    nf_status status = nfi_argument_check(c->flow, NFI_TAG_FLOW, c->function, "flow");
    int64_t bytes, bytes_cond;

    if (status) return status;
    if (c->flow->dtype != c->dtype)
        return nfi_fail(NF_ERR_DTYPE, "%s: the flow is %s: use the call %s", c->function, c->dtype == NF_F32 ? "f64" : "f32",
                        c->dtype == NF_F32 ? "whose name ends in _f64" : "without _f64");
    if (c->n < 0) return nfi_fail(NF_ERR_SHAPE, "%s: n is %lld, must be at least 0", c->function, (long long)c->n);
    if (c->n == 0) return NF_OK;
    if (!nfi_mul(c->n, c->flow->dim * 8, &bytes) || !nfi_mul(c->n, c->flow->cond_dim * 8, &bytes_cond))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: n is %lld, too many rows", c->function, (long long)c->n);
    if ((status = evaluate_check_pointers(c))) return status;
    return evaluate_check_alias(c, c->n * c->flow->dim * c->flow->size, c->n * c->flow->cond_dim * c->flow->size);
}

static nf_status evaluate_run(const nfi_call *c, nf_status (*run)(const nfi_job *, nfi_workspace *, int64_t, int64_t))
{
    const nf_status status = nfi_call_check(c);
    nfi_job job = { .function = c->function, .flow = c->flow, .n = c->n, .in = c->in, .cond = c->cond, .out = c->out, .value = c->value, .run = run };

    return status || c->n == 0 ? status : nfi_job_run(&job);
}

nf_status nf_flow_log_prob(const nf_flow *flow, int64_t n, const float *x, const float *cond, double *log_prob)
{
    return evaluate_run(&(nfi_call){ "nf_flow_log_prob", flow, NF_F32, n, "x", x, cond, "x", NULL, 0, "log_prob", log_prob, NFI_VALUE_REQUIRED }, evaluate_log_prob);
}

nf_status nf_flow_log_prob_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob)
{
    return evaluate_run(&(nfi_call){ "nf_flow_log_prob_f64", flow, NF_F64, n, "x", x, cond, "x", NULL, 0, "log_prob", log_prob, NFI_VALUE_REQUIRED }, evaluate_log_prob);
}

nf_status nf_flow_forward(const nf_flow *flow, int64_t n, const float *x, const float *cond, float *z, double *log_det)
{
    return evaluate_run(&(nfi_call){ "nf_flow_forward", flow, NF_F32, n, "x", x, cond, "z", z, 1, "log_det", log_det, NFI_VALUE_OPTIONAL }, evaluate_forward);
}

nf_status nf_flow_forward_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *z, double *log_det)
{
    return evaluate_run(&(nfi_call){ "nf_flow_forward_f64", flow, NF_F64, n, "x", x, cond, "z", z, 1, "log_det", log_det, NFI_VALUE_OPTIONAL }, evaluate_forward);
}

nf_status nf_flow_inverse(const nf_flow *flow, int64_t n, const float *z, const float *cond, float *x, double *log_det)
{
    return evaluate_run(&(nfi_call){ "nf_flow_inverse", flow, NF_F32, n, "z", z, cond, "x", x, 1, "log_det", log_det, NFI_VALUE_OPTIONAL }, evaluate_inverse);
}

nf_status nf_flow_inverse_f64(const nf_flow *flow, int64_t n, const double *z, const double *cond, double *x, double *log_det)
{
    return evaluate_run(&(nfi_call){ "nf_flow_inverse_f64", flow, NF_F64, n, "z", z, cond, "x", x, 1, "log_det", log_det, NFI_VALUE_OPTIONAL }, evaluate_inverse);
}

nf_status nfi_sample_check(const nfi_call *c, int64_t first)
{
    int64_t end;

    if (first >= 0 && nfi_add(first, c->n, &end) && nfi_mul(end, c->flow->dim, &end)) return NF_OK;
    return nfi_fail(NF_ERR_ARG, "%s: first is %lld, must be at least 0 and leave room for n rows", c->function, (long long)first);
}

nf_status nfi_flow_sample(const nfi_call *c, uint64_t seed, int64_t first, double temperature, bool density)
{
    nfi_job job = { .function = c->function, .flow = c->flow, .n = c->n, .cond = c->cond, .out = c->out, .value = c->value,
                    .seed = seed, .first = first, .temperature = temperature, .density = density, .run = evaluate_sample };
    return c->n ? nfi_job_run(&job) : NF_OK;
}

static nf_status evaluate_run_sample(const nfi_call *c, uint64_t seed, int64_t first, double temperature)
{
    nf_status status = nfi_call_check(c);

    if (status || (status = nfi_sample_check(c, first))) return status;
    if (!(temperature > 0.0 && temperature < (double)__builtin_inff()))
        return nfi_fail(NF_ERR_ARG, "%s: temperature must be positive and finite", c->function);
    return nfi_flow_sample(c, seed, first, temperature, false);
}

nf_status nf_flow_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const float *cond, double temperature,
                         float *x, double *log_prob)
{
    return evaluate_run_sample(&(nfi_call){ "nf_flow_sample", flow, NF_F32, n, NULL, NULL, cond, "x", x, 1, "log_prob", log_prob, NFI_VALUE_OPTIONAL },
                               seed, first, temperature);
}

nf_status nf_flow_sample_f64(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond, double temperature,
                             double *x, double *log_prob)
{
    return evaluate_run_sample(&(nfi_call){ "nf_flow_sample_f64", flow, NF_F64, n, NULL, NULL, cond, "x", x, 1, "log_prob", log_prob, NFI_VALUE_OPTIONAL },
                               seed, first, temperature);
}
