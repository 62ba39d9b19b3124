/* SPDX-License-Identifier: MIT
 *
 * assignment.c - the linear assignment problem by shortest augmenting paths
 *
 *   minimise sum_i c[i][pi(i)] over permutations pi;    dual: maximise sum_i u_i + sum_j v_j,  u_i + v_j <= c[i][j]
 *
 * First cheaply: a column's price v_j is its least cost, and a row for which it is that takes it. Then rows without a column bid, as in
 * an auction, twice round: a row takes the column that is best at the present prices, and lowers v_j until the second best is as good;
 * the column's owner is left without, and bids next.
 * Then, for the rows that are left, exactly: the shortest way, in reduced costs c - u - v >= 0, from the row to a free column over
 * columns with owners, by Dijkstra's method on the full matrix; along it the columns change hands. The potentials of what the search has
 * settled are moved so that reduced costs stay >= 0 and those of pairs 0, which is the certificate. n^2 steps a row, n^3 at worst.
 * The same cost gives the same answer, and the lowest index wins ties, so that nothing depends on the machine.
 *
 * Check value: {{4, 1, 3}, {2, 0, 5}, {3, 2, 2}} -> columns 1, 0, 2 at a cost of 5
 * Ref: Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing 38 (1987).
 */
#include "math/assignment.h"

#include "core/memory.h"
#include <string.h>

#define ASSIGNMENT_LANES 8
#define ASSIGNMENT_ROUNDS 2
#define ASSIGNMENT_BIDS 4 /* of a round, a row: bids that lower a price by less than its last digit would never end */

static const double far = (double)__builtin_inff();

static int64_t assignment_layout(nfi_assignment *a, int64_t n, void *memory)
{
    double **const numbers[] = { &a->u, &a->v, &a->price, &a->way, &a->settled };
    int64_t **const indices[] = { &a->owner, &a->before, &a->list };
    int64_t at = 0;

    for (int i = 0; i < 5; i++) *numbers[i] = nfi_carve(memory, &at, n * (int64_t)sizeof(double));
    for (int i = 0; i < 3; i++) *indices[i] = nfi_carve(memory, &at, n * (int64_t)sizeof(int64_t));
    return at;
}

int64_t nfi_assignment_bytes(int64_t n) { return n > INT64_MAX / 4096 ? -1 : assignment_layout(&(nfi_assignment){ 0 }, n, NULL); }
void nfi_assignment_carve(nfi_assignment *a, int64_t n, void *memory) { (void)assignment_layout(a, n, memory); }

/* Cheap beginnings */

/* v_j = min_i c_ij. */
static void assignment_prices(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column)
{
    memcpy(a->v, cost, (size_t)n * sizeof *a->v);
    for (int64_t j = 0; j < n; j++) {
        a->owner[j] = column[j] = -1;
        a->before[j] = 0;
    }
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (cost[i * n + j] < a->v[j]) {
                a->v[j] = cost[i * n + j];
                a->before[j] = i;
            }
    for (int64_t j = 0; j < n; j++) {
        if (column[a->before[j]] >= 0) continue;
        column[a->before[j]] = j;
        a->owner[j] = a->before[j];
    }
}

static int64_t assignment_without(const nfi_assignment *a, int64_t n, const int64_t *column)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (column[i] < 0) a->list[count++] = i;
    return count;
}

/* The best and the second best column of a row at the present prices; n >= 2. */
static void assignment_two(const nfi_assignment *a, int64_t n, const double *c, int64_t best[2], double least[2])
{
    least[0] = least[1] = far;
    best[0] = best[1] = 0;
    for (int64_t j = 0; j < n; j++) {
        const double rest = c[j] - a->v[j];
        if (rest >= least[1]) continue;
        const int rank = rest < least[0] ? 0 : 1;
        if (rank == 0) {
            least[1] = least[0];
            best[1] = best[0];
        }
        least[rank] = rest;
        best[rank] = j;
    }
}

/* Row i bids: who is left without a column, -1: nobody; *cheaper: the price went down. */
static int64_t assignment_bid(const nfi_assignment *a, int64_t n, const double *cost, int64_t i, int64_t *column, bool *cheaper)
{
    int64_t best[2];
    double least[2];

    assignment_two(a, n, cost + i * n, best, least);
    *cheaper = least[0] < least[1];
    const int64_t j = *cheaper || a->owner[best[0]] < 0 ? best[0] : best[1], other = a->owner[j];
    if (*cheaper) a->v[j] -= least[1] - least[0];
    column[i] = j;
    a->owner[j] = i;
    if (other >= 0) column[other] = -1;
    return other;
}

static void assignment_round(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column)
{
    const int64_t count = assignment_without(a, n, column);
    int64_t bids = ASSIGNMENT_BIDS * n;

    for (int64_t k = 0; k < count; k++) {
        int64_t i = a->list[k];
        bool cheaper = true;
        while (i >= 0 && cheaper && bids-- > 0) i = assignment_bid(a, n, cost, i, column, &cheaper);
    }
}

/* u_i = min_j (c_ij - v_j), which pairs attain. */
static void assignment_potentials(const nfi_assignment *a, int64_t n, const double *cost)
{
    for (int64_t i = 0; i < n; i++) {
        const double *c = cost + i * n;
        a->u[i] = c[0] - a->v[0];
        for (int64_t j = 1; j < n; j++)
            if (c[j] - a->v[j] < a->u[i]) a->u[i] = c[j] - a->v[j];
    }
}

/* Shortest ways */

/* Ways to all columns through a row. */
static void assignment_relax(int64_t n, const double *restrict c, const double *restrict price, int64_t row, double length, double *restrict way,
                             int64_t *restrict before)
{
    for (int64_t j = 0; j < n; j++) {
        const double through = length + (c[j] - price[j]), old = way[j];
        before[j] = through < old ? row : before[j];
        way[j] = through < old ? through : old;
    }
}

/* The nearest column: the least of each lane, of those, and where it stands. */
static int64_t assignment_nearest(int64_t n, const double *way)
{
    double lane[ASSIGNMENT_LANES], least = far;
    int64_t j = 0;

    for (int k = 0; k < ASSIGNMENT_LANES; k++) lane[k] = far;
    for (; j + ASSIGNMENT_LANES <= n; j += ASSIGNMENT_LANES)
        for (int k = 0; k < ASSIGNMENT_LANES; k++) lane[k] = way[j + k] < lane[k] ? way[j + k] : lane[k];
    for (int k = 0; j < n; j++, k++) lane[k] = way[j] < lane[k] ? way[j] : lane[k];
    for (int k = 0; k < ASSIGNMENT_LANES; k++) least = lane[k] < least ? lane[k] : least;
    for (j = 0; way[j] > least; j++) continue;
    return j;
}

/* Settles columns until one is free, and returns it; *count settled ones stand in `list`, without the free one. */
static int64_t assignment_search(const nfi_assignment *a, int64_t n, const double *cost, int64_t row, int64_t *count)
{
    double length = 0.0;

    memcpy(a->price, a->v, (size_t)n * sizeof *a->price);
    for (int64_t j = 0; j < n; j++) a->way[j] = far;
    for (*count = 0;;) {
        assignment_relax(n, cost + row * n, a->price, row, length - a->u[row], a->way, a->before);
        const int64_t j = assignment_nearest(n, a->way);
        a->settled[j] = length = a->way[j];
        if (a->owner[j] < 0) return j;
        a->list[(*count)++] = j;
        a->price[j] = -far;
        a->way[j] = far;
        row = a->owner[j];
    }
}

/* Settled columns get cheaper by what they were nearer than the free one, their owners dearer, and the row by the whole way. */
static void assignment_raise(const nfi_assignment *a, int64_t row, int64_t free_column, int64_t count)
{
    const double length = a->settled[free_column];

    a->u[row] += length;
    for (int64_t k = 0; k < count; k++) {
        const int64_t j = a->list[k];
        a->u[a->owner[j]] += length - a->settled[j];
        a->v[j] -= length - a->settled[j];
    }
}

static void assignment_augment(const nfi_assignment *a, int64_t row, int64_t j, int64_t *column)
{
    for (int64_t i = -1; i != row;) {
        i = a->before[j];
        const int64_t next = column[i];
        a->owner[j] = i;
        column[i] = j;
        j = next;
    }
}

void nfi_assign(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column)
{
    if (n < 1) return;
    assignment_prices(a, n, cost, column);
    for (int round = 0; round < ASSIGNMENT_ROUNDS && n > 1; round++) assignment_round(a, n, cost, column);
    assignment_potentials(a, n, cost);
    for (int64_t i = 0; i < n; i++) {
        int64_t count;
        if (column[i] >= 0) continue;
        const int64_t j = assignment_search(a, n, cost, i, &count);
        assignment_raise(a, i, j, count);
        assignment_augment(a, i, j, column);
    }
}
