/* SPDX-License-Identifier: MIT
 *
 * checks_samples.c - samples against the density: energy distances (Szekely, Rizzo 2013) to draws that are made of log_prob alone
 *
 *   2 E|X - Y| - E|X - X'| - E|Y - Y'|, over its mean (2/n) E|Y - Y'| where X and Y, n of each, have one distribution
 *
 * Y are cells of a grid, chosen by their densities, and a uniform point of the cell. Right samples are within 4 times the mean (one seed in a
 * thousand is not); colder ones must be seen.
 */
#include "conformance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLES_PAIRS 800
#define SAMPLES_REACH 12.0
#define SAMPLES_MOST 4.0
#define SAMPLES_COLD 0.6

/* sum[i]: density of cells 0 .. i, n of them */
static bool samples_cells(const scene *s, int64_t side, void *x, void *cond, double *lp, double *sum)
{
    const int64_t dim = s->c->dim, rows = dim == 1 ? 1 : side;
    const double h = 2 * SAMPLES_REACH / (double)side;
    double total = 0;

    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < side; i++) {
            support_set(s->dtype, x, i * dim, -SAMPLES_REACH + h * ((double)i + 0.5));
            if (dim == 2) support_set(s->dtype, x, 2 * i + 1, -SAMPLES_REACH + h * ((double)row + 0.5));
        }
        if (any_log_prob(s->flow, side, x, cond, lp) != NF_OK) return false;
        for (int64_t i = 0; i < side; i++) sum[row * side + i] = total += exp(lp[i]);
    }
    return true;
}

static void samples_draw(int64_t dim, int64_t side, const double *sum, double *y)
{
    const int64_t cells = dim == 1 ? side : side * side;
    const double h = 2 * SAMPLES_REACH / (double)side;
    uint64_t state = 77;

    for (int64_t n = 0; n < SAMPLES_PAIRS; n++, y += dim) {
        const double at = random_uniform(&state, 0.0, sum[cells - 1]);
        int64_t low = 0, high = cells - 1;
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            if (sum[middle] > at) high = middle;
            else low = middle + 1;
        }
        y[0] = -SAMPLES_REACH + h * ((double)(low % side) + random_uniform(&state, 0.0, 1.0));
        if (dim == 2) y[1] = -SAMPLES_REACH + h * ((double)(low / side) + random_uniform(&state, 0.0, 1.0));
    }
}

static double samples_distance(int64_t dim, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < SAMPLES_PAIRS; i++)
        for (int64_t k = 0; k < SAMPLES_PAIRS; k++)
            sum += dim == 1 ? fabs(x[i] - y[k]) : hypot(x[2 * i] - y[2 * k], x[2 * i + 1] - y[2 * k + 1]);
    return sum / ((double)SAMPLES_PAIRS * SAMPLES_PAIRS);
}

static double samples_ratio(const scene *s, const void *x, const double *y)
{
    const int64_t dim = s->c->dim;
    double *wide = support_malloc(SAMPLES_PAIRS * dim * 8);

    for (int64_t i = 0; i < SAMPLES_PAIRS * dim; i++) wide[i] = support_at(s->dtype, x, i);
    const double yy = samples_distance(dim, y, y);
    const double energy = 2 * samples_distance(dim, wide, y) - samples_distance(dim, wide, wide) - yy;
    free(wide);
    return energy / (2.0 / SAMPLES_PAIRS * yy);
}

bool check_samples_are_near(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t side = c->dim == 1 ? 4001 : 201, rows = side > SAMPLES_PAIRS ? side : SAMPLES_PAIRS;
    scene s;

    if (!c->layer_type || c->dim > 2 || c->whole || c->low < c->high) return true; /* bases_test has bases; a grid is of two columns at most */
    scene_open(&s, c, dtype, 1, 1, NULL);
    double *values = support_malloc(rows * c->cond_dim * 8), *lp = support_malloc(side * 8), *sum = support_malloc(side * (c->dim == 1 ? 1 : side) * 8);
    double *y = support_malloc(SAMPLES_PAIRS * c->dim * 8);
    void *x = support_malloc(rows * c->dim * s.size), *cond;
    for (int64_t i = 0; i < rows * c->cond_dim; i++) values[i] = 0.25 * (double)(1 + i % c->cond_dim);
    cond = c->cond_dim ? support_array(dtype, rows * c->cond_dim, values) : NULL;
    bool ok = samples_cells(&s, side, x, cond, lp, sum);
    if (ok) samples_draw(c->dim, side, sum, y);
    for (int cold = 0; cold < 2 && ok; cold++) {
        ok = any_sample(s.flow, 29, 0, SAMPLES_PAIRS, cond, cold ? SAMPLES_COLD : 1.0, x, NULL) == NF_OK;
        const double ratio = ok ? samples_ratio(&s, x, y) : 0;
        if (!ok || (cold ? ratio > SAMPLES_MOST : ratio < SAMPLES_MOST)) continue;
        snprintf(why, WHY_SIZE, "%s samples: energy distance %.3g of what is expected", cold ? "cold" : "right", ratio);
        ok = false;
        goto done;
    }
    if (!ok) snprintf(why, WHY_SIZE, "samples and density: %s", nf_last_error());
done:
    free(values), free(lp), free(sum), free(y), free(x), free(cond);
    scene_close(&s);
    return ok;
}
