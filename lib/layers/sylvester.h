/* SPDX-License-Identifier: MIT
 *
 * sylvester.h - what values and gradients of Sylvester layers share: what pack makes, the memory of a tile, products
 *
 * The formula and its letters are those of sylvester.c. Included by sylvester.c and sylvester_back.c, once per precision.
 */
#ifndef NFI_LAYERS_SYLVESTER_H
#define NFI_LAYERS_SYLVESTER_H

#include "core/real.h"
#include "layers/fold.h"
#include "layers/layer.h"
#include "layers/reflect.h"

struct sylvester { /* immutable after creation */
    int64_t dim, rank, k;
};

/* What pack makes. Panels of a matrix take rows of its right-hand side: `into` y of x, `out` x of y, S a of y with b, S back y of a, ... */
typedef struct sylvester_block {
    nfi_fold *fold;              /* [M]: m_i */
    double *s_diagonal, *s_slope, *r_diagonal, *b; /* [M]; s_slope = dS_ii/da_i */
    double *s, *r;               /* [M][M], transposed: row i is column i */
    double *q, *turned;          /* [M][dim], [dim][M] */
    double *scales;              /* [k] of the reflections */
    double *into, *out, *s_panels, *s_back, *r_panels, *r_back;
    int64_t bytes;
} sylvester_block;

static inline sylvester_block sylvester_at(const struct sylvester *sy, const nfi_kernels *f64, const void *packed)
{
    const int64_t m = sy->rank, square = m * m, wide = (int64_t)sizeof(double);
    void *base = (void *)(uintptr_t)packed;
    sylvester_block b;

    b.bytes = 0;
    b.fold = nfi_carve(base, &b.bytes, m * (int64_t)sizeof *b.fold);
    double **const columns[] = { &b.s_diagonal, &b.s_slope, &b.r_diagonal, &b.b };
    for (int i = 0; i < NFI_COUNT(columns); i++) *columns[i] = nfi_carve(base, &b.bytes, m * wide);
    b.s = nfi_carve(base, &b.bytes, square * wide);
    b.r = nfi_carve(base, &b.bytes, square * wide);
    b.q = nfi_carve(base, &b.bytes, m * sy->dim * wide);
    b.turned = nfi_carve(base, &b.bytes, m * sy->dim * wide);
    b.scales = nfi_carve(base, &b.bytes, sy->k * wide);
    b.into = nfi_carve(base, &b.bytes, f64->packed_count(sy->dim, m) * wide);
    b.out = nfi_carve(base, &b.bytes, f64->packed_count(m, sy->dim) * wide);
    double **const panels[] = { &b.s_panels, &b.s_back, &b.r_panels, &b.r_back };
    for (int i = 0; i < NFI_COUNT(panels); i++) *panels[i] = nfi_carve(base, &b.bytes, f64->packed_count(m, m) * wide);
    return b;
}

static inline nfi_reflections sylvester_reflections(const struct sylvester *sy, const sylvester_block *b, const void *theta)
{
    return (nfi_reflections){ .dim = sy->dim, .k = sy->k, .v = theta, .s = b->scales };
}

/* Memory of a tile: rows of dim columns are wide, of `rank` narrow, each to the multiple of 16 that products ask for. */
typedef struct sylvester_work {
    const struct sylvester *sy;
    const nfi_kernels *f64;
    sylvester_block b;
    int64_t n, wide, narrow;     /* lengths of rows */
    double *x, *g, *step;        /* [n][wide]: the row, another one, and what is added to one of them */
    double *y, *a, *t, *d;       /* [n][narrow] */
    double *e, *u;               /* [n][narrow]: of what goes back, or of tangents */
    double *solve;               /* [n][1 + NFI_FOLD_WORK]: of one unit */
    double *q, *gq, *sum;        /* [M][dim], [M][dim], [dim]: the gradient of Q */
    double *dq, *ds, *dr;        /* [dim][M], [M][M], [M][M]: of the products */
    double *dm, *db;             /* [M] */
    int64_t bytes;
} sylvester_work;

static inline sylvester_work sylvester_carve(const struct sylvester *sy, int64_t n, void *base)
{
    const int64_t width = (int64_t)sizeof(double), m = sy->rank;
    sylvester_work w = { .sy = sy, .n = n, .wide = nfi_round_up(sy->dim, 16), .narrow = nfi_round_up(m, 16) };

    double **const rows[] = { &w.x, &w.g, &w.step }, **const units[] = { &w.y, &w.a, &w.t, &w.d, &w.e, &w.u };
    double **const large[] = { &w.q, &w.gq, &w.dq }, **const squares[] = { &w.ds, &w.dr }, **const columns[] = { &w.dm, &w.db };
    for (int i = 0; i < NFI_COUNT(rows); i++) *rows[i] = nfi_carve(base, &w.bytes, n * w.wide * width);
    for (int i = 0; i < NFI_COUNT(units); i++) *units[i] = nfi_carve(base, &w.bytes, n * w.narrow * width);
    w.solve = nfi_carve(base, &w.bytes, nfi_round_up(n, 8) * (1 + NFI_FOLD_WORK) * width);
    for (int i = 0; i < NFI_COUNT(large); i++) *large[i] = nfi_carve(base, &w.bytes, m * sy->dim * width);
    for (int i = 0; i < NFI_COUNT(squares); i++) *squares[i] = nfi_carve(base, &w.bytes, m * m * width);
    for (int i = 0; i < NFI_COUNT(columns); i++) *columns[i] = nfi_carve(base, &w.bytes, m * width);
    w.sum = nfi_carve(base, &w.bytes, sy->dim * width);
    return w;
}

static inline sylvester_work sylvester_open(const struct sylvester *sy, const nf_tile *tile)
{
    sylvester_work w = sylvester_carve(sy, tile->n, tile->scratch);
    w.f64 = ((const nfi_kernels *)tile->kernels)->f64;
    w.b = sylvester_at(sy, w.f64, tile->packed);
    return w;
}

static inline void sylvester_load(const sylvester_work *w, const real *rows, double *to)
{
    const int64_t dim = w->sy->dim;
    for (int64_t i = 0; i < w->n; i++, rows += dim, to += w->wide) {
        for (int64_t j = 0; j < dim; j++) to[j] = (double)rows[j];
        for (int64_t j = dim; j < w->wide; j++) to[j] = 0.0;
    }
}

/* rows = from + sign w->step */
static inline void sylvester_store(const sylvester_work *w, const double *from, double sign, real *rows)
{
    const double *step = w->step;
    for (int64_t i = 0; i < w->n; i++, rows += w->sy->dim, from += w->wide, step += w->wide)
        for (int64_t j = 0; j < w->sy->dim; j++) rows[j] = (real)(from[j] + sign * step[j]);
}

static inline void sylvester_into(const sylvester_work *w, const double *rows, double *units)
{
    w->f64->gemm(w->n, w->sy->dim, w->sy->rank, rows, w->wide, w->b.into, units, w->narrow, NULL);
}
static inline void sylvester_out(const sylvester_work *w, const double *units, double *rows)
{
    w->f64->gemm(w->n, w->sy->rank, w->sy->dim, units, w->narrow, w->b.out, rows, w->wide, NULL);
}
static inline void sylvester_square(const sylvester_work *w, const double *panels, const double *units, double *to)
{
    w->f64->gemm(w->n, w->sy->rank, w->sy->rank, units, w->narrow, panels, to, w->narrow, NULL);
}

/* w->x of the rows, w->y, w->a and w->t */
static inline void sylvester_values(const sylvester_work *w, const real *rows)
{
    sylvester_load(w, rows, w->x);
    sylvester_into(w, w->x, w->y);
    sylvester_square(w, w->b.s_panels, w->y, w->a);
    for (int64_t i = 0; i < w->n; i++) w->f64->tanh(w->sy->rank, w->a + i * w->narrow, w->t + i * w->narrow);
}

/* w->step = Q R t */
static inline void sylvester_step(const sylvester_work *w)
{
    sylvester_square(w, w->b.r_panels, w->t, w->d);
    sylvester_out(w, w->d, w->step);
}

nf_status NFI_NAME(nfi_sylvester_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                           const double *g_log_det);
nf_status NFI_NAME(nfi_sylvester_inverse_backward)(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g);

#endif
