/* SPDX-License-Identifier: MIT
 *
 * cnf.h - the continuous layer: cnf.c solves, cnf_back.c takes the gradient of the solution, cnf_adjoint.c that of the equation,
 * cnf_match.c trains f without either, cnf_layer.c makes the layer
 */
#ifndef NFI_LAYERS_CNF_H
#define NFI_LAYERS_CNF_H

#include "core/real.h"
#include "layers/layer.h"
#include "nets/dynamics.h"
#include "ode/ode.h"
#include <nflow/continuous.h>

#define NFI_CNF_KEPT 16   /* states that a row keeps of its solve, for backward */
#define NFI_CNF_STEPS 256 /* most steps of a solve that backward may follow: whole multiple of NFI_CNF_KEPT */

typedef struct nfi_cnf { /* hyper-parameters only, immutable after creation */
    int64_t dim, cond_dim;
    nfi_dynamics net;
    nfi_ode_config ode;
    double end_time;           /* initial */
    double kinetic, jacobian;  /* weights of the energies in the loss */
    int32_t time_fixed, gaussian;
    int32_t adjoint;           /* the gradient is that of the equation, else of the discrete solution */
    int64_t probes;
    int64_t exact_evaluate, exact_train; /* columns up to which the trace is exact */
    int64_t tile_rows;
} nfi_cnf;

/* One row's solve, in `saved`: times and lengths of all its steps, and the state at every `every`-th. */
typedef struct nfi_cnf_track {
    int64_t steps, every;
    double t[NFI_CNF_STEPS], h[NFI_CNF_STEPS];
    double y[]; /* [NFI_CNF_KEPT][dim] */
} nfi_cnf_track;

static inline int64_t nfi_cnf_track_bytes(const nfi_cnf *cf)
{
    return nfi_round_up((int64_t)sizeof(nfi_cnf_track) + NFI_CNF_KEPT * cf->dim * (int64_t)sizeof(double), NFI_ALIGN);
}
static inline nfi_cnf_track *nfi_cnf_track_of(const nfi_cnf *cf, const void *saved, int64_t row)
{
    return (nfi_cnf_track *)((uintptr_t)saved + (uintptr_t)(row * nfi_cnf_track_bytes(cf)));
}
/* A row in `saved` where backward solves the adjoint equation: it starts from the output, and needs to know whether there is one. */
static inline int64_t *nfi_cnf_lost(const void *saved, int64_t row) { return (int64_t *)((uintptr_t)saved + (uintptr_t)(row * NFI_ALIGN)); }
static inline int64_t nfi_cnf_saved_bytes(const nfi_cnf *cf) { return cf->adjoint ? NFI_ALIGN : nfi_cnf_track_bytes(cf); }
static inline bool nfi_cnf_exact(const nfi_cnf *cf, int32_t training)
{
    return cf->dim <= (training ? cf->exact_train : cf->exact_evaluate);
}
/* Tangents of a row. */
static inline int64_t nfi_cnf_tangents(const nfi_cnf *cf, int32_t training) { return nfi_cnf_exact(cf, training) ? cf->dim : cf->probes; }

/* What the network works with, of one tile. */
typedef struct nfi_cnf_work {
    const nfi_cnf *cf;
    const nf_tile *tile;
    int64_t m;     /* tangents of a row */
    bool exact;    /* they are the unit vectors, else probes */
    void *probe;   /* [n][m][dim] */
    void *in, *out; /* [n + n m][ld] */
    void *net;
    void *rest;    /* what follows in the tile's scratch */
} nfi_cnf_work;

/* Bytes up to `rest` for n rows. */
int64_t nfi_cnf_work_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m);
int64_t nfi_cnf_solve_bytes(const nfi_cnf *cf, int64_t n);
int64_t nfi_cnf_back_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m);
int64_t nfi_cnf_match_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n); /* of match: all that it needs */
int64_t nfi_cnf_adjoint_bytes(const nfi_cnf *cf, const nfi_kernels *kernels, int64_t n, int64_t m);
/* Components of the integrand: f and the trace, and where the loss has them and theta's gradient is wanted, the energies. */
static inline int64_t nfi_cnf_components(const nfi_cnf *cf, const nf_tile *tile)
{
    return tile->grad && !tile->likelihood && (cf->kinetic > 0.0 || cf->jacobian > 0.0) ? cf->dim + 3 : cf->dim + 1;
}
#define NFI_CNF_PRECISE 4 /* how much shorter steps are in a precise tile, about: errors fall with the order of the method */
nfi_ode_config nfi_cnf_ode(const nfi_cnf *cf, const nf_tile *tile);
/* Gives row i up: `which` solve, and where it ended. */
void nfi_cnf_fail_row(const nfi_cnf *cf, const nf_tile *tile, int64_t i, const nfi_ode_end *end, const char *which);
#define NFI_CNF_DECLARE(suffix)                                                                                        \
    /* Carves the scratch and draws the probes. */                                                                    \
    nfi_cnf_work nfi_cnf_begin_##suffix(const nfi_cnf *cf, const nf_tile *tile);                                       \
    /* Rows (z, cond) and tangents of n working rows into `in`; y [n][ld_y] starts with z. m may be 0. */              \
    void nfi_cnf_fill_##suffix(const nfi_cnf_work *w, int64_t n, int64_t m, const int64_t *row, const double *y, int64_t ld_y, void *in); \
    /* dy [n][aug] of the network's answers: f, the trace, and with aug = dim + 3 the energies. */                    \
    void nfi_cnf_rates_##suffix(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *out, int64_t aug, double *dy); \
    /* g_out = dL/d(f, J e) from gk [n][aug] = dL/d(f, trace, and with aug = dim + 3 the energies) at the network's answers. */ \
    void nfi_cnf_seed_##suffix(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *out, int64_t aug, const double *gk,  \
                               void *g_out);                                                                           \
    /* grad_cond += the part of g_in [n][ld_in] that is cond's, where it is wanted. */                                  \
    void nfi_cnf_add_cond_##suffix(const nfi_cnf_work *w, int64_t n, const int64_t *row, const void *g_in);             \
    nf_status nfi_cnf_adjoint_##suffix(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, \
                                       const double *h);                                                               \
    nf_status nfi_cnf_backward_##suffix(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, \
                                        const double *h);                                                             \
    nf_status nfi_cnf_match_##suffix(const void *self, const nf_tile *tile, const void *in, const void *out, const double *h, double *loss);
NFI_CNF_DECLARE(f32)
NFI_CNF_DECLARE(f64)
extern const nf_layer_ops nfi_cnf_ops_f32, nfi_cnf_ops_f64;

#endif
