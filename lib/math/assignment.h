/* SPDX-License-Identifier: MIT
 *
 * assignment.h - the linear assignment problem
 */
#ifndef NFI_MATH_ASSIGNMENT_H
#define NFI_MATH_ASSIGNMENT_H
#include <stdint.h>

/* Work space for n rows and columns, and the certificate of what was found: u_i + v_j <= cost_ij, with equality where i has j. */
typedef struct nfi_assignment {
    double *u, *v;        /* [n] */
    double *price;        /* [n]: v of columns that a search has not settled, else -inf */
    double *way, *settled; /* [n]: lengths of ways to columns, so far and for good */
    int64_t *owner;       /* [n]: the row that has column j; -1: none */
    int64_t *before;      /* [n]: the row before column j on the way to it */
    int64_t *list;        /* [n] */
} nfi_assignment;

/* Bytes of work space; -1: too large to compute. `memory` of so many, 64-aligned, is carved into *a. */
int64_t nfi_assignment_bytes(int64_t n);
void nfi_assignment_carve(nfi_assignment *a, int64_t n, void *memory);
/* column[i]: the column of row i, all different, such that sum_i cost[i n + column[i]] is least. cost [n][n] is finite. The same
 * answer for the same cost, also where several are best. */
void nfi_assign(const nfi_assignment *a, int64_t n, const double *cost, int64_t *column);

#endif
