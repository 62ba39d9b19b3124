/* SPDX-License-Identifier: MIT
 *
 * ode.h - integrators of ordinary differential equations, many rows at once, each with a step size of its own
 *
 *   dy/dt = f(t, y),  y(t0) given,  y(t1) wanted;  t1 < t0 is allowed
 *
 * The rows of a call share the evaluations of f, not their steps: each accepts and rejects alone, so that a row's bits do not
 * depend on its neighbours. A working set of at most NFI_ODE_ROWS rows is evaluated at once; a row that is done leaves it, and
 * new ones come in. Everything is in double; whoever evaluates f in float converts.
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
    const double *b, *e; /* [stages]; e NULL where not adaptive. Adaptive methods are fsal. */
} nfi_ode_method;
const nfi_ode_method *nfi_ode_method_at(int32_t index); /* in the order of NF_ODE_..., from 1; NULL past the last */

typedef struct nfi_ode_config {
    const nfi_ode_method *method;
    double rtol, atol;  /* adaptive */
    double step;         /* fixed: at most that long, whole steps fill [t0, t1], 0: one; adaptive: the first, 0: chosen */
    double step_most;    /* adaptive: longest step (the last one may be 1 % longer); 0: none */
    int64_t max_steps;   /* accepted and rejected, a row */
    int64_t max_rejects; /* adaptive: of steps that are not finite, one after another; a fixed step is never tried again */
} nfi_ode_config;

/* f of n rows. row[i] is the caller's number of working row i. y may hold values that are not finite, and dy may come back so. */
typedef void nfi_ode_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *y, double *dy);

typedef struct nfi_ode_end { /* how a row ended */
    nf_status status; /* NF_OK, NF_ERR_ODE_MAXSTEPS, _STEP, _RHS */
    double t, h;      /* where, and the step last tried or refused: for messages */
    int64_t accepted, rejected, evaluations;
} nfi_ode_end;

typedef struct nfi_ode_problem {
    nfi_ode_config config;
    int64_t n, dim;
    double t0, t1;
    const double *scale; /* [dim]: weight of each component in the norm of errors, 0 leaves it out; NULL: ones */
    nfi_ode_eval *eval;
    void *user;
    /* Called for each accepted step, before y moves: y is that at t, k + i * stride is what stage i found. NULL: not wanted. */
    void (*accepted)(void *user, int64_t row, double t, double h, const double *y, const double *k, int64_t stride);
    /* Called when all steps of a round are judged; a row has at most one in a round. NULL: not wanted. */
    void (*judged)(void *user);
} nfi_ode_problem;

int64_t nfi_ode_scratch_bytes(int64_t dim);
/* y [n][dim] in and out; end [n]; scratch aligned for double. A row that fails leaves its y as it was at its last accepted step;
 * the others go on. t0 == t1: nothing is evaluated, every row is NF_OK. Never allocates. */
void nfi_ode_solve(const nfi_ode_problem *problem, double *y, nfi_ode_end *end, void *scratch);

/* What the working loops share: linear combinations of stages, over `count` = rows x components elements. */
#define NFI_ODE_STAGGER 8 /* doubles between arrays of a working set, lest they all fall on the same lines of the cache */
typedef struct nfi_ode_terms {
    int32_t count;
    double coef[NFI_ODE_STAGES + 1];
    const double *k[NFI_ODE_STAGES + 1];
} nfi_ode_terms;
void nfi_ode_terms_add(nfi_ode_terms *terms, double coef, const double *k); /* zero coefficients are left out */
/* out = y + h sum coef_j k_j, y NULL: zero; at least one term. out overlaps none of the others. */
void nfi_ode_combine(const nfi_ode_terms *terms, int64_t count, const double *h, const double *y, double *out);
/* out = Y_stage from k [stages][stride]; stage = method->stages: y1 */
void nfi_ode_stage(const nfi_ode_method *method, int32_t stage, int64_t count, const double *k, int64_t stride, const double *h,
                   const double *y, double *out);
void nfi_ode_spread(int64_t n, int64_t dim, const double *h, double *out); /* out [n][dim] = h [n] */

/* Gradient of the discrete solution, one step of up to NFI_ODE_ROWS rows at once, step sizes held constant:
 *   kbar_i = h b_i ybar1 + h sum_{j>i} a_ji Ybar_j,   Ybar_i = (df/dY_i)^T kbar_i,   ybar0 = ybar1 + sum_i Ybar_i. */
typedef struct nfi_ode_back {
    const nfi_ode_method *method;
    int64_t n, dim;
    const int64_t *row;
    const double *t, *h;  /* [n] */
    const double *y;      /* [n][dim] at t */
    double *g;            /* [n][dim]: dL/dy(t + h) in, dL/dy(t) out */
    /* f at stage i, keeping what the vjp of that stage needs; then, stages descending, gy [n][dim] = (df/dY)^T gk. Stages whose
     * kbar is zero (the last of fsal methods) are neither evaluated nor reversed. */
    void (*eval)(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, double *dy);
    void (*vjp)(void *user, int32_t stage, int64_t n, const int64_t *row, const double *t, const double *y, const double *gk,
                double *gy);
    void *user;
} nfi_ode_back;
int64_t nfi_ode_back_bytes(int64_t dim);
void nfi_ode_step_back(const nfi_ode_back *back, void *scratch);

#endif
