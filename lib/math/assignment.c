/* SPDX-License-Identifier: MIT
 *
 * assignment.c - the linear assignment problem by shortest augmenting paths
 *
 *   minimise sum_i c[i][pi(i)] over permutations pi;    dual: maximise sum_i u_i + sum_j v_j,  u_i + v_j <= c[i][j]
 *
 * Rows get columns one after the other. A row's column is found along the shortest way of reduced costs c - u - v >= 0 from the row to
 * a column that is free, over columns that have owners, by Dijkstra's method on the full matrix, n^2 steps; along it the columns change
 * hands. The potentials of what the search has settled are then raised so that reduced costs stay >= 0 and those of pairs 0, which is
 * the certificate. n^3 in all; since the first potentials are the least costs of columns and rows, and most rows take a column of
 * reduced cost 0 at once, far less for costs that are not contrived. Ties go to the lowest index.
 *
 * Check value: {{4, 1, 3}, {2, 0, 5}, {3, 2, 2}} -> columns 1, 0, 2 at a cost of 5
 * Ref: Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing 38 (1987).
 */
#include "math/assignment.h"

#include "core/memory.h"

static int64_t assignment_layout(nfi_assignment *a, int64_t n, void *memory)
{
    int64_t at = 0;
    a->u = nfi_carve(memory, &at, n * (int64_t)sizeof *a->u);
    a->v = nfi_carve(memory, &at, n * (int64_t)sizeof *a->v);
    a->way = nfi_carve(memory, &at, n * (int64_t)sizeof *a->way);
    a->owner = nfi_carve(memory, &at, n * (int64_t)sizeof *a->owner);
    a->before = nfi_carve(memory, &at, n * (int64_t)sizeof *a->before);
    a->open = nfi_carve(memory, &at, n * (int64_t)sizeof *a->open);
    return at;
}

int64_t nfi_assignment_bytes(int64_t n) { return n > INT64_MAX / 4096 ? -1 : assignment_layout(&(nfi_assignment){ 0 }, n, NULL); }
void nfi_assignment_carve(nfi_assignment *a, int64_t n, void *memory) { (void)assignment_layout(a, n, memory); }

/* v_j: the least cost of the column; u_i: the least of cost - v of the row, whose column it takes if that is free. */
static void assignment_begin(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column)
{
    for (int64_t j = 0; j < n; j++) {
        a->v[j] = cost[j];
        a->owner[j] = -1;
    }
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (cost[i * n + j] < a->v[j]) a->v[j] = cost[i * n + j];
    for (int64_t i = 0; i < n; i++) {
        int64_t best = 0;
        for (int64_t j = 1; j < n; j++)
            if (cost[i * n + j] - a->v[j] < cost[i * n + best] - a->v[best]) best = j;
        a->u[i] = cost[i * n + best] - a->v[best];
        column[i] = a->owner[best] < 0 ? best : -1;
        if (column[i] >= 0) a->owner[best] = i;
    }
}

/* Ways to open columns through `row`, which is reached at `length`; returns the place in `open` of the nearest one. */
static int64_t assignment_relax(const nfi_assignment *a, int64_t n, const double *cost, int64_t row, double length, int64_t n_open)
{
    const double *c = cost + row * n;
    int64_t nearest = 0;

    for (int64_t k = 0; k < n_open; k++) {
        const int64_t j = a->open[k];
        const double way = length + (c[j] - a->u[row] - a->v[j]);
        if (way < a->way[j]) {
            a->way[j] = way;
            a->before[j] = row;
        }
        const int64_t best = a->open[nearest];
        if (a->way[j] < a->way[best] || (a->way[j] == a->way[best] && j < best)) nearest = k;
    }
    return nearest;
}

/* Settles columns until one is free, and returns it; settled ones stand in open[*n_open ..], the free one first. */
static int64_t assignment_search(const nfi_assignment *a, int64_t n, const double *cost, int64_t row, int64_t *n_open)
{
    double length = 0.0;

    for (int64_t j = 0; j < n; j++) {
        a->open[j] = j;
        a->way[j] = (double)__builtin_inff();
    }
    for (*n_open = n;;) {
        const int64_t k = assignment_relax(a, n, cost, row, length, *n_open), j = a->open[k];
        a->open[k] = a->open[--*n_open];
        a->open[*n_open] = j;
        length = a->way[j];
        if (a->owner[j] < 0) return j;
        row = a->owner[j];
    }
}

/* Settled columns get cheaper by what they were nearer than the free one, their owners dearer, and the row by the whole way. */
static void assignment_raise(const nfi_assignment *a, int64_t n, int64_t row, int64_t free_column, int64_t n_open)
{
    const double length = a->way[free_column];

    a->u[row] += length;
    for (int64_t k = n_open + 1; k < n; k++) {
        const int64_t j = a->open[k];
        a->u[a->owner[j]] += length - a->way[j];
        a->v[j] -= length - a->way[j];
    }
}

static void assignment_augment(const nfi_assignment *a, int64_t row, int64_t j, int64_t *column)
{
    for (;;) {
        const int64_t i = a->before[j], next = column[i];
        a->owner[j] = i;
        column[i] = j;
        if (i == row) return;
        j = next;
    }
}

void nfi_assign(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column)
{
    assignment_begin(a, n, cost, column);
    for (int64_t i = 0; i < n; i++) {
        int64_t n_open;
        if (column[i] >= 0) continue;
        const int64_t j = assignment_search(a, n, cost, i, &n_open);
        assignment_raise(a, n, i, j, n_open);
        assignment_augment(a, i, j, column);
    }
}
