/* SPDX-License-Identifier: MIT
 *
 * assignment_test.c - the assignment problem: against all permutations where they can be counted, by its dual where not
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/rng.h"
#include "math/assignment.h"

enum { MOST = 400 };

static double draw(uint64_t index) { return 2.0 * nfi_uniform(4711, NFI_STREAM_CHECK, index) - 1.0; }

struct problem {
    int64_t n, column[MOST];
    double *cost;
    nfi_assignment work;
    void *memory;
};

static struct problem *problem_new(int64_t n)
{
    struct problem *p = calloc(1, sizeof *p);

    ck_assert_int_le(n, MOST);
    p->n = n;
    p->cost = malloc((size_t)(n * n) * sizeof *p->cost);
    p->memory = aligned_alloc(64, (size_t)nfi_round_up(nfi_assignment_bytes(n), 64));
    memset(p->memory, 0xA5, (size_t)nfi_assignment_bytes(n)); /* nothing is cleared */
    nfi_assignment_carve(&p->work, n, p->memory);
    return p;
}

static void problem_free(struct problem *p)
{
    free(p->memory);
    free(p->cost);
    free(p);
}

static double total(const struct problem *p, const int64_t *column)
{
    double sum = 0;
    for (int64_t i = 0; i < p->n; i++) sum += p->cost[i * p->n + column[i]];
    return sum;
}

/* The least cost over all permutations: Heap's order of them. */
static double brute(const struct problem *p, int64_t *column, int64_t k)
{
    if (k <= 1) return total(p, column);
    double best = INFINITY;
    for (int64_t i = 0; i < k; i++) {
        best = fmin(best, brute(p, column, k - 1));
        const int64_t a = k % 2 ? 0 : i, keep = column[a];
        column[a] = column[k - 1];
        column[k - 1] = keep;
    }
    return best;
}

/* A permutation, feasible potentials, and no gap between them: nothing can be better. */
static void certify(const struct problem *p, double tolerance)
{
    char taken[MOST] = { 0 };
    double dual = 0;

    for (int64_t i = 0; i < p->n; i++) {
        ck_assert_int_ge(p->column[i], 0);
        ck_assert_int_lt(p->column[i], p->n);
        ck_assert_msg(!taken[p->column[i]], "column %ld twice", (long)p->column[i]);
        taken[p->column[i]] = 1;
        dual += p->work.u[i] + p->work.v[i];
        for (int64_t j = 0; j < p->n; j++) ck_assert_double_ge(p->cost[i * p->n + j] - p->work.u[i] - p->work.v[j], -tolerance);
    }
    ck_assert_double_eq_tol(total(p, p->column), dual, (double)p->n * tolerance);
}

START_TEST(the_check_value)
{
    const double cost[] = { 4, 1, 3, 2, 0, 5, 3, 2, 2 };
    struct problem *p = problem_new(3);

    memcpy(p->cost, cost, sizeof cost);
    nfi_assign(&p->work, 3, p->cost, p->column);
    ck_assert_int_eq(p->column[0], 1);
    ck_assert_int_eq(p->column[1], 0);
    ck_assert_int_eq(p->column[2], 2);
    ck_assert_double_eq(total(p, p->column), 5);
    certify(p, 1e-15);
    problem_free(p);
}
END_TEST

/* Costs of several kinds: any, whole numbers with many ties, all the same, products. */
static double cost_of(int kind, int64_t n, int64_t seed, int64_t i, int64_t j)
{
    const uint64_t at = (uint64_t)((seed * n + i) * n + j), row = (uint64_t)(1000000 + seed * n + i), column = (uint64_t)(2000000 + seed * n + j);

    switch (kind) {
    case 0: return draw(at);
    case 1: return floor(3 * draw(at));
    case 2: return 7;
    default: return -draw(row) * draw(column);
    }
}

static void fill(struct problem *p, int kind, int64_t seed)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t j = 0; j < p->n; j++) p->cost[i * p->n + j] = cost_of(kind, p->n, seed, i, j);
}

START_TEST(no_permutation_is_better)
{
    for (int64_t n = 1; n <= 7; n++)
        for (int kind = 0; kind < 4; kind++)
            for (int64_t seed = 0; seed < 30; seed++) {
                struct problem *p = problem_new(n);
                int64_t column[7] = { 0, 1, 2, 3, 4, 5, 6 };
                fill(p, kind, seed);
                nfi_assign(&p->work, n, p->cost, p->column);
                certify(p, 1e-13);
                ck_assert_double_eq_tol(total(p, p->column), brute(p, column, n), 1e-13);
                problem_free(p);
            }
}
END_TEST

START_TEST(the_dual_certifies_larger_ones)
{
    const int64_t sizes[] = { 8, 31, 64, 129, MOST };

    for (int k = 0; k < 5; k++)
        for (int kind = 0; kind < 4; kind++) {
            struct problem *p = problem_new(sizes[k]);
            fill(p, kind, 3);
            nfi_assign(&p->work, p->n, p->cost, p->column);
            certify(p, 1e-12);
            problem_free(p);
        }
}
END_TEST

/* Points on a line: the cheapest pairs are those in order. */
START_TEST(sorted_points_meet_in_order)
{
    struct problem *p = problem_new(50);

    for (int64_t i = 0; i < 50; i++)
        for (int64_t j = 0; j < 50; j++) p->cost[i * 50 + j] = -((double)i * 1.7) * ((double)j * 0.3 - 4);
    nfi_assign(&p->work, 50, p->cost, p->column);
    for (int64_t i = 0; i < 50; i++) ck_assert_int_eq(p->column[i], i);
    problem_free(p);
}
END_TEST

/* Numbers at the ends of what match.c lets through. */
START_TEST(extreme_costs_end)
{
    struct problem *p = problem_new(64);

    for (int64_t k = 0; k < 64 * 64; k++) p->cost[k] = k % 3 == 0 ? 1e290 : k % 3 == 1 ? -1e290 : draw((uint64_t)k);
    nfi_assign(&p->work, 64, p->cost, p->column);
    certify(p, 1e276);
    problem_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("assignment");
    TCase *cases = tcase_create("assignment");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 100);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, the_check_value);
    tcase_add_test(cases, no_permutation_is_better);
    tcase_add_test(cases, the_dual_certifies_larger_ones);
    tcase_add_test(cases, sorted_points_meet_in_order);
    tcase_add_test(cases, extreme_costs_end);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
