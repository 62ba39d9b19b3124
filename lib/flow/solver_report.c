/* SPDX-License-Identifier: MIT
 *
 * solver_report.c - what the solves of continuous layers cost: rows go forward, layers count (nfi_count_solve), blocks add up
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/job.h"
#include "flow/rows.h"
#include "math/functions.h"
#include <nflow/continuous.h>
#include <string.h>

static nf_status solver_forward(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nfi_chain_load(job, w, row, n, w->state[0]);
    memset(w->spare, 0, (size_t)n * sizeof *w->spare);
    w->trace_error = w->spare;
    const nf_status status = nfi_chain_forward(job->flow, w, row, n, 0, 0);
    w->trace_error = NULL;
    if (status) return status;
    nfi_rows_mark(job->flow->dtype, n, job->flow->dim, w->z, w->bad);
    for (int64_t i = 0; i < n; i++) job->value[row + i] = w->bad[i] ? (double)__builtin_nanf("") : nfi_sqrt(w->spare[i]);
    return NF_OK;
}

static void solver_fill(const nfi_solve_sums *s, nf_solver_report *own)
{
    const double share = s->solves ? 1.0 / (double)s->solves : (double)__builtin_nanf("");

    own->solves = s->solves;
    own->failed = s->failed;
    own->accepted_mean = share * (double)s->accepted;
    own->rejected_mean = share * (double)s->rejected;
    own->evaluations_mean = share * (double)s->evaluations;
    own->accepted_max = s->accepted_max;
    own->rejected_max = s->rejected_max;
    own->evaluations_max = s->evaluations_max;
}

/* In the order of rows: the mean's bits depend on no thread. */
static void solver_errors(int64_t n, const double *error, nf_solver_report *own)
{
    double sum = 0.0;
    int64_t rows = 0;

    for (int64_t i = 0; i < n; i++) {
        if (error[i] != error[i]) continue;
        rows++;
        sum += error[i];
        if (error[i] > own->trace_error_max) own->trace_error_max = error[i];
    }
    own->trace_error_mean = rows ? sum / (double)rows : (double)__builtin_nanf("");
    if (rows == 0) own->trace_error_max = own->trace_error_mean;
    for (int64_t i = 0; own->trace_error && i < nfi_min(n, own->trace_error_capacity); i++) nfi_put_f64(own->trace_error, i, error[i]);
}

/* error [n], of one row at least */
static nf_status solver_count(const nfi_call *c, double *error, nf_solver_report *report)
{
    nfi_solve_sums sums = { 0 };
    nfi_job job = { .function = c->function, .flow = c->flow, .n = c->n, .in = c->in, .cond = c->cond, .value = error, .run = solver_forward,
                    .solves = &sums };
    nf_solver_report own = { .trace_error = report->trace_error, .trace_error_capacity = report->trace_error_capacity };
    nf_status status = c->n ? nfi_job_run(&job) : NF_OK;

    if (status < 0) return status;
    const uint64_t fpenv = nfi_fpenv_enter();
    solver_fill(&sums, &own);
    solver_errors(c->n, error, &own);
    nfi_fpenv_leave(fpenv);
    nfi_report_write(report, &own, sizeof own);
    return status;
}

static nf_status solver_run(const nfi_call *c, nf_solver_report *report)
{
    nf_context *context;
    nf_status status = nfi_call_check(c);

    if (status || (status = nfi_report_check(report, sizeof *report, c->function))) return status;
    context = c->flow->object.context;
    const int64_t rows = nfi_max(c->n, 1);
    double *error = nfi_alloc(context, rows, sizeof *error, &status);
    if (!error) return status;
    status = solver_count(c, error, report);
    nfi_free(context, error, rows, sizeof *error);
    return status;
}

nf_status nf_flow_solver_report(const nf_flow *flow, int64_t n, const float *x, const float *cond, nf_solver_report *report)
{
    return solver_run(&(nfi_call){ .function = "nf_flow_solver_report", .flow = flow, .dtype = NF_F32, .n = n, .in_name = "x", .in = x,
                                   .cond = cond }, report);
}

nf_status nf_flow_solver_report_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, nf_solver_report *report)
{
    return solver_run(&(nfi_call){ .function = "nf_flow_solver_report_f64", .flow = flow, .dtype = NF_F64, .n = n, .in_name = "x", .in = x,
                                   .cond = cond }, report);
}
