/* SPDX-License-Identifier: MIT
 *
 * solver.c - continuous flows: how often a solve evaluates its dynamics, and what the solver costs beside them
 *
 * The layer's own solve is run on tiles; a twin of it, on the same network, counts. The floor of a solve is the network called
 * alone, on full tiles, as many times as the solve evaluates rows.
 */
#include "bench.h"
#include "layers/cnf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct solver {
    nf_layer *layer;
    const nfi_cnf *cf;
    const nf_layer_ops *ops;
    nf_layer_info info;
    nf_tile tile;
    nfi_cnf_work work;
    int64_t n, rows; /* in all; evaluated so far */
    const float *x;
    float *z;
    double *t, *log_det;
    uint64_t *key;
    void *packed, *scratch, *net;
} solver;

static void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    if (!p) bench_die("solver", NF_ERR_MEMORY);
    memset(p, 0, (size_t)nfi_round_up(bytes + 64, 64));
    return p;
}

static void solver_open(solver *s, nf_flow *flow, int64_t n, const float *x, int32_t training)
{
    const nfi_kernels *kernels = nfi_kernels_for(NULL, NF_F32);
    float *theta;

    *s = (solver){ .layer = nf_flow_layer(flow, 0), .n = n, .x = x };
    s->cf = s->layer->self;
    s->ops = nfi_layer_ops(s->layer, NF_F32);
    s->info = nfi_layer_describe(s->layer, NF_F32, kernels);
    if (nf_flow_params(flow, &theta, NULL, NULL)) bench_die("params", NF_ERR_STATE);
    s->z = memory(n * s->cf->dim * 4);
    s->log_det = memory(n * 8);
    s->t = memory(s->cf->tile_rows * 8);
    s->key = memory(n * 8);
    s->packed = memory(s->info.packed);
    s->scratch = memory(s->info.scratch_fixed);
    for (int64_t i = 0; i < n; i++) s->key[i] = (uint64_t)i;
    for (int64_t i = 0; i < s->cf->tile_rows; i++) s->t[i] = 0.1;
    s->ops->pack(s->cf, kernels, theta, s->packed, NULL, 0);
    s->tile = (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = NF_F32, .theta = theta, .packed = s->packed, .scratch = s->scratch,
                         .training = training, .kernels = kernels };
}

static void solver_close(solver *s)
{
    free(s->z), free(s->log_det), free(s->t), free(s->key), free(s->packed), free(s->scratch);
}

static int64_t solver_tile(solver *s, int64_t i)
{
    s->tile.n = nfi_min(s->cf->tile_rows, s->n - i);
    s->tile.row_key = s->key + i;
    s->tile.log_det = s->log_det + i;
    return s->tile.n;
}

static void solver_eval(void *user, int64_t n, const int64_t *row, const double *t, const double *y, double *dy)
{
    solver *s = user;
    const nfi_cnf_work *w = &s->work;
    const int64_t aug = s->cf->dim + 1;

    nfi_cnf_fill_f32(w, n, w->m, row, y, aug, w->in);
    nfi_dynamics_value(&s->cf->net, s->tile.kernels, n, w->m, s->packed, t, w->in, w->out, NULL, w->net);
    nfi_cnf_rates_f32(w, n, row, w->out, aug, dy);
    s->rows += n;
}

/* Rows evaluated in the solve of a tile. */
static void solver_count_tile(solver *s, int64_t i, int inverse)
{
    const int64_t n = solver_tile(s, i), dim = s->cf->dim, aug = dim + 1;
    const double root = (double)((const float *)s->tile.theta)[s->cf->net.theta_count], end_time = root * root;
    double *y = memory(n * aug * 8);
    nfi_ode_end *end = memory(n * (int64_t)sizeof *end);
    void *ode = memory(nfi_ode_scratch_bytes(aug));
    const nfi_ode_problem p = { .config = s->cf->ode, .n = n, .dim = aug, .t0 = inverse ? end_time : 0.0, .t1 = inverse ? 0.0 : end_time,
                                .eval = solver_eval, .user = s };

    s->work = nfi_cnf_begin_f32(s->cf, &s->tile);
    for (int64_t r = 0; r < n; r++)
        for (int64_t j = 0; j < dim; j++) y[r * aug + j] = (double)s->x[(i + r) * dim + j];
    nfi_ode_solve(&p, y, end, ode);
    for (int64_t r = 0; r < n; r++)
        if (end[r].status) bench_die("a row of the benchmark cannot be solved", end[r].status);
    free(y), free(end), free(ode);
}

bench_solve bench_count_solve(nf_flow *flow, int64_t n, const float *x, int inverse, int32_t training)
{
    solver s;
    solver_open(&s, flow, n, x, training);
    for (int64_t i = 0; i < n; i += s.tile.n) solver_count_tile(&s, i, inverse);
    const double evaluations = (double)s.rows / (double)n;
    const double flop = nfi_dynamics_flop(&s.cf->net, nfi_cnf_tangents(s.cf, training));
    solver_close(&s);
    return (bench_solve){ .evaluations = evaluations, .gflop_row = 1e-9 * evaluations * flop };
}

static nf_status solver_solve(void *arg)
{
    solver *s = arg;
    for (int64_t i = 0; i < s->n; i += s->tile.n) {
        (void)solver_tile(s, i);
        const nf_status status = s->ops->forward(s->cf, &s->tile, s->x + i * s->cf->dim, s->z + i * s->cf->dim, NULL);
        if (status) return status;
    }
    return NF_OK;
}

/* The network alone: on as many rows and tangents, a full tile at a time. */
static nf_status solver_network(void *arg)
{
    const solver *s = arg;
    const nfi_cnf_work *w = &s->work;
    for (int64_t left = s->rows, n; left > 0; left -= n) {
        n = nfi_min(left, s->cf->tile_rows);
        nfi_dynamics_value(&s->cf->net, s->tile.kernels, n, w->m, s->packed, s->t, w->in, w->out, NULL, w->net);
    }
    return NF_OK;
}

void bench_time_solver(bench_case *c, nf_flow *flow, int64_t n, const float *x, const bench_options *o)
{
    solver s;
    solver_open(&s, flow, n, x, 0);
    for (int64_t i = 0; i < n; i += s.tile.n) solver_count_tile(&s, i, 0);
    (void)solver_tile(&s, 0);
    s.work = nfi_cnf_begin_f32(s.cf, &s.tile);
    c->metric = "evals/s";
    c->per_call = (double)s.rows;
    c->gflop_per_unit = 1e-9 * nfi_dynamics_flop(&s.cf->net, s.work.m);
    c->gflop_per_call = c->gflop_per_unit * (double)s.rows;
    c->call = solver_solve;
    c->floor = solver_network;
    c->arg = &s;
    snprintf(c->note, sizeof c->note, "%.1f evaluations a row, tiles of %lld; the network alone", (double)s.rows / (double)n, (long long)s.cf->tile_rows);
    bench_measure(c, o);
    solver_close(&s);
}
