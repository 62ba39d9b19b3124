/* SPDX-License-Identifier: MIT
 *
 * draws.h - draws of a flow, and what a target density of the caller's says about them
 */
#ifndef NFI_TRAIN_DRAWS_H
#define NFI_TRAIN_DRAWS_H

#include "flow/flow.h"
#include <nflow/variational.h>

typedef struct nfi_draws {
    const char *function;
    const nf_flow *flow;
    nf_log_density_fn log_density;
    void *user;
    uint64_t *fpenv;   /* the caller's state, put back around log_density */
    int64_t rows;
    void *x, *cond;    /* [rows][dim], [rows][cond_dim] of the flow's dtype; cond is the caller's to fill in */
    double *wide, *wide_cond; /* the same in double */
    double *log_q, *log_p;    /* [rows] */
    double *grad;      /* [rows][dim], NULL: not wanted */
} nfi_draws;

/* Memory for `rows` draws; the fields before it are set. */
nf_status nfi_draws_make(nfi_draws *draws, nf_maker *maker, int64_t rows, bool grad);
/* Samples [first, first + n) of the flow's density: x, log_q. NF_ROWS_NONFINITE: a draw is not. */
nf_status nfi_draws_sample(nfi_draws *draws, uint64_t seed, int64_t first, int64_t n);
/* wide, log_p and grad of x. NF_ERR_CALLBACK. */
nf_status nfi_draws_ask(nfi_draws *draws, int64_t n);

/* What weights say: log_w [n], n >= 1, none NaN or +inf. `work` [n] is overwritten. */
void nfi_importance_summary(int64_t n, const double *log_w, double *work, nf_importance_report *report);
/* The whole of nf_flow_importance but its checks: x, log_weight and cond as there; fpenv as in nfi_draws. */
nf_status nfi_importance(nfi_draws *draws, uint64_t seed, int64_t first, int64_t n, const double *cond, double *x, double *log_weight,
                         nf_importance_report *report);

/* pareto.c: shape of the upper tail of the weights exp(log_w); sorts log_w [n]. */
double nfi_pareto_k(int64_t n, double *log_w);

#endif
