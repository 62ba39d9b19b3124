/* SPDX-License-Identifier: MIT
 *
 * solver_report.c - what the solves of continuous layers cost: rows go forward, layers count (nfi_count_solve), blocks add up
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/job.h"
#include "flow/rows.h"
#include <nflow/continuous.h>

static nf_status solver_forward(const nfi_job *job, nfi_workspace *w, int64_t row, int64_t n)
{
    nfi_chain_load(job, w, row, n, w->state[0]);
    const nf_status status = nfi_chain_forward(job->flow, w, row, n, 0, 0);
    if (!status) nfi_rows_mark(job->flow->dtype, n, job->flow->dim, w->z, w->bad);
    return status;
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

static nf_status solver_run(const nfi_call *c, nf_solver_report *report)
{
    nfi_solve_sums sums = { 0 };
    nfi_job job = { .function = c->function, .flow = c->flow, .n = c->n, .in = c->in, .cond = c->cond, .run = solver_forward, .solves = &sums };
    nf_solver_report own = { 0 };
    nf_status status = nfi_call_check(c);

    if (status || (status = nfi_report_check(report, sizeof *report, c->function))) return status;
    if (c->n && (status = nfi_job_run(&job)) < 0) return status;
    const uint64_t fpenv = nfi_fpenv_enter();
    solver_fill(&sums, &own);
    nfi_fpenv_leave(fpenv);
    nfi_report_write(report, &own, sizeof own);
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
