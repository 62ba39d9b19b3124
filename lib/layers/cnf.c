/* SPDX-License-Identifier: MIT
 *
 * cnf.c - continuous layer: z is where the solution of an ordinary differential equation leads x
 *
 *   dy/dt = f(y, t, cond),  y(0) = x,  y(T) = z;      log|det dz/dx| = integral over [0, T] of tr(df/dy) dt
 *
 * f is a network (nets/dynamics.h), the integrators are those of ode/. The state that is integrated is (y, l, K, J): l the trace,
 * and in training, where a weight asks for them, K the kinetic energy |f|^2 and J the squared norm of Jacobian times probe, in double.
 * Trace: exact, by dim tangents e_k, sum_k (df/dy e_k)_k; or Hutchinson's estimate, the mean over probes e of e . (df/dy e), E e e^T = I.
 * A row's probes are drawn once a solve, from the row's key: all stages, and backward, see the same ones.
 * The inverse solves from T to 0. Each row has steps of its own; a row that fails ends the call, naming row, t and h.
 *
 * Backward is that of the discrete solution (ode/ode.h), exact for the z and log|det| that forward returned, step sizes held constant.
 * forward keeps a row's steps in `saved`: (t, h, y) of every k-th step, k doubling when CNF_KEPT are full, so memory is bounded
 * whatever the number of steps; backward solves again from a kept state to the next, and takes the steps in between from there.
 * T = theta_T^2 (trained, unless end_time_fixed), since it must not change its sign. With the steps' proportions held,
 *   dL/dT = (1 / T) sum over steps and stages of (kbar_i . k_i + t_i dL/dt_i).
 * Weights of K and J add  -g_log_det (kinetic K + jacobian J)  to the loss, g_log_det < 0 being the weight of the row's log p.
 *
 * theta: net views "net.<l>....", then sqrt_time.
 *
 * Check value: dim=1, no hidden layer, ignore, W = 0.7, b = -0.3, T = 0.5, x = 1.3: f = 0.7 y - 0.3:
 * z = 3/7 + (1.3 - 3/7) exp(0.35) = 1.6652446, log|det| = 0.35
 * Refs: Grathwohl et al., "FFJORD", arXiv:1810.01367; Finlay et al., "How to train your neural ODE", arXiv:2002.02798.
 */
#include "core/real.h"
#include "layers/cnf.h"

#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define CNF_KEPT 16   /* states a row keeps of its solve, for backward */
#define CNF_STEPS 256 /* most steps of a solve that backward may follow */

/* Memory */

/* One row's solve, in `saved`: times and lengths of all its steps, and the state at every `every`-th. */
struct cnf_track {
    int64_t steps, every;
    double t[CNF_STEPS], h[CNF_STEPS];
    double y[]; /* [CNF_KEPT][dim] */
};
static int64_t cnf_track_bytes(const nfi_cnf *cf)
{
    return nfi_round_up((int64_t)sizeof(struct cnf_track) + CNF_KEPT * cf->dim * (int64_t)sizeof(double), NFI_ALIGN);
}
static struct cnf_track *cnf_track(const nfi_cnf *cf, void *saved, int64_t row)
{
    return (struct cnf_track *)(void *)((char *)saved + row * cnf_track_bytes(cf));
}

/* What a solve of a tile works with. */
struct cnf_solve {
    const nfi_cnf *cf;
    const nf_tile *tile;
    int64_t m;         /* tangents of a row */
    int64_t aug;       /* dim + 1, or + 3 with the energies */
    bool exact;
    real *probe;       /* [n][m][dim], Hutchinson */
    real *in, *out;    /* [n (1 + m)][ld] of the network */
    void *net;         /* its scratch */
    double *y;         /* [n][aug] */
    nfi_ode_end *end;  /* [n] */
    void *ode;
    void *saved;       /* tracks, NULL: none are kept */
    bool overrun;      /* a row took more steps than can be kept */
};
