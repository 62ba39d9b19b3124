/* SPDX-License-Identifier: MIT
 *
 * importance.c - draws of a flow and their weights under a target: its normalising constant
 *
 *   w_i = p(x_i) / q(x_i), x_i ~ q:   log Z = log mean w,  ELBO = mean log w <= log Z,  ess = (sum w)^2 / sum w^2
 *   standard error of log Z: sd(w) / (mean(w) sqrt(n)), by the delta method
 *
 * All sums are of exp(log w - max log w), row by row in double.
 *
 * Check: log w = 0, log 3 -> log Z = log 2 = 0.6931471806, ELBO = 0.5493061443, ess = 1.6
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/rows.h"
#include "math/functions.h"
#include "train/draws.h"
#include <math.h>
#include <string.h>

#define IMPORTANCE_ROWS 4096 /* draws at a time */

/* Draws */

nf_status nfi_draws_make(nfi_draws *d, nf_maker *maker, int64_t rows, bool grad)
{
    const nf_flow *flow = d->flow;
    int64_t values, conds;

    if (!nfi_mul(rows, flow->dim, &values) || !nfi_mul(rows, flow->cond_dim, &conds))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: %lld draws are too many to compute", d->function, (long long)rows);
    d->rows = rows;
    d->x = nfi_maker_alloc(maker, values, flow->size);
    d->cond = flow->cond_dim ? nfi_maker_alloc(maker, conds, flow->size) : NULL;
    d->wide = nfi_maker_alloc(maker, values, sizeof *d->wide);
    d->wide_cond = flow->cond_dim ? nfi_maker_alloc(maker, conds, sizeof *d->wide_cond) : NULL;
    d->log_q = nfi_maker_alloc(maker, rows, sizeof *d->log_q);
    d->log_p = nfi_maker_alloc(maker, rows, sizeof *d->log_p);
    d->grad = grad ? nfi_maker_alloc(maker, values, sizeof *d->grad) : NULL;
    if (!d->x || !d->wide || !d->log_q || !d->log_p || (grad && !d->grad) || (flow->cond_dim && (!d->cond || !d->wide_cond))) return NF_ERR_MEMORY;
    return NF_OK;
}

nf_status nfi_draws_sample(nfi_draws *d, uint64_t seed, int64_t first, int64_t n)
{
    const nfi_call call = { .function = d->function, .flow = d->flow, .dtype = d->flow->dtype, .n = n, .cond = d->cond, .out = d->x, .value = d->log_q };

    return nfi_flow_sample(&call, seed, first, 1.0, true);
}

static void draws_widen(int32_t dtype, int64_t count, const void *from, double *to)
{
    for (int64_t i = 0; i < count; i++) to[i] = dtype == NF_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

nf_status nfi_draws_ask(nfi_draws *d, int64_t n)
{
    const nf_flow *flow = d->flow;
    nf_status status;

    draws_widen(flow->dtype, n * flow->dim, d->x, d->wide);
    if (flow->cond_dim) draws_widen(flow->dtype, n * flow->cond_dim, d->cond, d->wide_cond);
    nfi_fpenv_leave(*d->fpenv);
    status = d->log_density(d->user, n, flow->dim, d->wide, d->wide_cond, d->log_p, d->grad);
    *d->fpenv = nfi_fpenv_enter();
    return status ? nfi_fail(NF_ERR_CALLBACK, "%s: log_density returned %d", d->function, (int)status) : NF_OK;
}

/* Weights */

static void importance_mean(int64_t n, const double *log_w, double *mean, double *se)
{
    double sum = 0, squares = 0;

    for (int64_t i = 0; i < n; i++) sum += log_w[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (log_w[i] - *mean) * (log_w[i] - *mean);
    *se = n > 1 ? nfi_sqrt(squares / (double)(n - 1) / (double)n) : NAN;
}

static double importance_largest(int64_t n, const double *log_w)
{
    double top = -INFINITY;

    for (int64_t i = 0; i < n; i++)
        if (log_w[i] > top) top = log_w[i];
    return top;
}

void nfi_importance_summary(int64_t n, const double *log_w, double *work, nf_importance_report *r)
{
    const double top = importance_largest(n, log_w);
    double sum = 0, squares = 0, spread = 0;

    r->n = n;
    importance_mean(n, log_w, &r->elbo, &r->elbo_se);
    r->log_z = -INFINITY;
    r->log_z_se = r->pareto_k = NAN;
    r->ess = 0;
    if (!(top > -INFINITY)) return; /* nothing but draws outside the support */
    for (int64_t i = 0; i < n; i++) {
        work[i] = nfi_exp(log_w[i] - top);
        sum += work[i];
        squares += work[i] * work[i];
    }
    const double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) spread += (work[i] / mean - 1) * (work[i] / mean - 1);
    r->log_z = top + nfi_log(mean);
    if (n > 1) r->log_z_se = nfi_sqrt(spread / (double)(n - 1) / (double)n);
    r->ess = sum * sum / squares;
    memcpy(work, log_w, (size_t)n * sizeof *work);
    r->pareto_k = nfi_pareto_k(n, work);
}

/* One condition for all draws. */
static void importance_fill_cond(nfi_draws *d, const double *cond)
{
    const int64_t dim = d->flow->cond_dim;

    for (int64_t i = 0; i < d->rows * dim; i++) {
        const double value = nfi_get_f64(cond, i % dim);
        if (d->flow->dtype == NF_F32) ((float *)d->cond)[i] = (float)value;
        else ((double *)d->cond)[i] = value;
    }
}

static nf_status importance_weigh(const nfi_draws *d, int64_t first, int64_t n, double *log_w)
{
    for (int64_t i = 0; i < n; i++) {
        const double log_p = d->log_p[i];
        if (log_p != log_p || log_p == INFINITY)
            return nfi_fail(NF_ERR_NONFINITE, "%s: log_density answers %s for draw %lld", d->function, log_p != log_p ? "NaN" : "+inf",
                            (long long)(first + i));
        log_w[i] = log_p - d->log_q[i];
    }
    return NF_OK;
}

static nf_status importance_part(nfi_draws *d, uint64_t seed, int64_t first, int64_t n, double *log_w)
{
    nf_status status = nfi_draws_sample(d, seed, first, n);

    for (int64_t i = 0; i < n && status > 0; i++)
        if (d->log_q[i] - d->log_q[i] != 0.0)
            return nfi_fail(NF_ERR_NONFINITE, "%s: draw %lld of the flow is not finite", d->function, (long long)(first + i));
    if (status) return status < 0 ? status : NF_ERR_NONFINITE;
    status = nfi_draws_ask(d, n);
    return status ? status : importance_weigh(d, first, n, log_w);
}

static nf_status importance_parts(nfi_draws *d, uint64_t seed, int64_t first, int64_t n, double *x, double *log_w)
{
    const int64_t row = d->flow->dim * (int64_t)sizeof *x;

    for (int64_t i = 0; i < n; i += d->rows) {
        const int64_t m = nfi_min(d->rows, n - i);
        const nf_status status = importance_part(d, seed, first + i, m, log_w + i);
        if (status) return status;
        if (x) memcpy((char *)x + i * row, d->wide, (size_t)(m * row));
    }
    return NF_OK;
}

nf_status nfi_importance(nfi_draws *d, uint64_t seed, int64_t first, int64_t n, const double *cond, double *x, double *log_weight,
                         nf_importance_report *report)
{
    nf_importance_report own = { .struct_size = sizeof own };
    nf_maker *maker = NULL;
    nf_status status = nfi_maker_create(&maker, d->flow->object.context);
    double *log_w = NULL, *work = NULL;

    if (!status) status = nfi_draws_make(d, maker, nfi_min(n, IMPORTANCE_ROWS), false);
    if (!status) {
        log_w = nfi_maker_alloc(maker, n, sizeof *log_w);
        work = nfi_maker_alloc(maker, n, sizeof *work);
        if (!log_w || !work) status = NF_ERR_MEMORY;
    }
    if (!status && d->cond) importance_fill_cond(d, cond);
    if (!status) status = importance_parts(d, seed, first, n, x, log_w);
    if (!status) {
        if (log_weight) memcpy(log_weight, log_w, (size_t)n * sizeof *log_w);
        nfi_importance_summary(n, log_w, work, &own);
        nfi_report_write(report, &own, sizeof own);
    }
    nfi_maker_free(maker);
    return status;
}

/* The public call */

static nf_status importance_check(const nfi_call *c, int64_t first, nf_log_density_fn log_density, const double *x, const double *log_weight)
{
    int64_t end;

    if (!log_density) return nfi_fail(NF_ERR_NULL, "%s: log_density is NULL", c->function);
    if (c->n < 1) return nfi_fail(NF_ERR_SHAPE, "%s: n is %lld, must be at least 1", c->function, (long long)c->n);
    if (!nfi_mul(c->n, c->flow->dim * 8, &end)) return nfi_fail(NF_ERR_OVERFLOW, "%s: n is %lld, too many rows", c->function, (long long)c->n);
    if (nfi_overlap(x, end, log_weight, c->n * 8)) return nfi_fail(NF_ERR_ALIAS, "%s: x and log_weight overlap", c->function);
    const nf_status status = nfi_cond_check(c->flow, c->cond, c->function, "cond");
    return status ? status : nfi_sample_check(c, first);
}

/* A condition that is no number would make every draw NaN. */
static nf_status importance_check_cond(const nf_flow *flow, const double *cond, const char *function)
{
    for (int64_t j = 0; j < flow->cond_dim; j++) {
        const double value = nfi_get_f64(cond, j);
        if (value - value != 0.0) return nfi_fail(NF_ERR_NONFINITE, "%s: cond[%lld] is not finite", function, (long long)j);
    }
    return NF_OK;
}

nf_status nf_flow_importance(const nf_flow *flow, nf_log_density_fn log_density, void *user, uint64_t seed, int64_t first, int64_t n,
                             const double *cond, double *x, double *log_weight, nf_importance_report *report)
{
    const char *const function = "nf_flow_importance";
    const nfi_call call = { .function = function, .flow = flow, .n = n, .cond = cond };
    uint64_t fpenv;
    nfi_draws draws = { .function = function, .flow = flow, .log_density = log_density, .user = user, .fpenv = &fpenv };
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, function, "flow");

    if (status || (status = importance_check(&call, first, log_density, x, log_weight))) return status;
    if ((status = importance_check_cond(flow, cond, function))) return status;
    if ((status = nfi_report_check(report, sizeof *report, function))) return status;
    fpenv = nfi_fpenv_enter();
    status = nfi_importance(&draws, seed, first, n, cond, x, log_weight, report);
    nfi_fpenv_leave(fpenv);
    return status;
}
