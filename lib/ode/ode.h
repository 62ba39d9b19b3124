/* SPDX-License-Identifier: MIT
 *
 * ode.h - integrators of ordinary differential equations, many rows at once, each with a step size of its own
 *
 *   dy/dt = f(t, y),  y(t0) given,  y(t1) wanted;  t1 < t0 is allowed
 *
 * The rows of a call share the evaluations of f, not their steps: each accepts and rejects alone, so that a row's bits do not depend on
 * its neighbours. A working set of at most NFI_ODE_ROWS rows is evaluated at once; a row that is done leaves it, and the next one
 * comes in. Everything is in double; whoever evaluates f in float converts.
 */
#ifndef NFI_ODE_ODE_H
#define NFI_ODE_ODE_H

#include "core/memory.h"
#include <nflow/status.h>

#define NFI_ODE_ROWS 128  /* of the working set */
#define NFI_ODE_STAGES 7  /* most stages of a method */

/* One method: k_i = f(t + c_i h, y + h sum_{j<i} a_ij k_j),  y1 = y + h sum b_i k_i,  error = h sum e_i k_i. */
typedef struct nfi_ode_method {
    const char *name;
    int32_t stages, order;
    int32_t fsal;     /* 1: the last stage is f(t + h, y1), the first of the next step */
    int32_t adaptive; /* 1: has an error estimate */
    const double *c;  /* [stages] */
    const double *a;  /* [stages][stages], row i uses j < i */
    const double *b, *e; /* [stages]; e NULL where not adaptive */
} nfi_ode_method;
const nfi_ode_method *nfi_ode_method_at(int32_t index); /* in the order of NF_ODE_..., from 1; NULL past the last */

typedef struct nfi_ode_config {
    const nfi_ode_method *method;
    double rtol, atol;  /* adaptive */
    double step;        /* fixed: its length, rounded down so that whole steps fill [t0, t1]; adaptive: the first one, 0: chosen */
    double step_most;   /* adaptive: longest step; 0: none */
    int64_t max_steps;  /* accepted and rejected, a row */
    int64_t max_rejects; /* in a row */
} nfi_ode_config;

/* f of n rows. row[i] is the caller's number of working row i. */
typedef void nfi_ode_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *y, double *dy);

typedef struct nfi_ode_end { /* how a row ended */
    nf_status status; /* NF_OK, NF_ERR_ODE_MAXSTEPS, _STEP, _RHS */
    double t, h;      /* where, and the step tried: for messages */
    int64_t accepted, rejected, evaluations;
} nfi_ode_end;

typedef struct nfi_ode_problem {
    nfi_ode_config config;
    int64_t n, dim;
    double t0, t1;
    const double *scale; /* [dim]: weight of each component in the norm of errors, NULL: ones */
    nfi_ode_eval *eval;
    void *user;
    /* Called for each accepted step, before y moves: y is that at t. NULL: not wanted. */
    void (*accepted)(void *user, int64_t row, double t, double h, const double *y);
} nfi_ode_problem;

int64_t nfi_ode_scratch_bytes(int64_t dim);
/* y [n][dim] in and out; end [n]. A row that fails leaves its y as it was at its last accepted step; the others go on. Never allocates. */
void nfi_ode_solve(const nfi_ode_problem *problem, double *y, nfi_ode_end *end, void *scratch);

/* Gradient of the discrete solution, one step of up to NFI_ODE_ROWS rows at once, step sizes held constant:
 *   kbar_i = h b_i ybar1 + h sum_{j>i} a_ji Ybar_j,   Ybar_i = (df/dY_i)^T kbar_i,   ybar0 = ybar1 + sum_i Ybar_i. */
typedef struct nfi_ode_back {
    const nfi_ode_method *method;
    int64_t n, dim;
    const int64_t *row;
    const double *t, *h;  /* [n] */
    const double *y;      /* [n][dim] at t */
    double *g;            /* [n][dim]: dL/dy(t + h) in, dL/dy(t) out */
    /* f at stage i, keeping what the vjp of that stage needs; then, stages descending, gy [n][dim] = (df/dY)^T gk. Stages whose kbar is
     * zero (the last of fsal methods) are neither evaluated nor reversed. */
    void (*eval)(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, double *dy);
    void (*vjp)(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, const double *gk, double *gy);
    void *user;
} nfi_ode_back;
int64_t nfi_ode_back_bytes(int64_t dim);
void nfi_ode_step_back(const nfi_ode_back *back, void *scratch);

#endif
