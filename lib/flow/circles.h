/* SPDX-License-Identifier: MIT
 *
 * circles.h - periodic columns in a recipe for tables
 */
#ifndef NFI_FLOW_CIRCLES_H
#define NFI_FLOW_CIRCLES_H

#include "flow/flow.h"
#include <nflow/tables.h>

typedef struct nfi_circles {
    nf_maker *maker; /* owns the arrays */
    int64_t n;
    int64_t *column; /* [n], ascending */
    int64_t *order, *index; /* [dim]: a random order of the columns, the columns of a mask */
} nfi_circles;

int64_t nfi_circles_count(const nf_table_config *config);
/* The periodic columns of config; when there are any, its mean and sd become copies that leave them alone. Free it whatever is
 * answered. NF_ERR_MEMORY. */
nf_status nfi_circles_make(nfi_circles *circles, nf_context *context, nf_table_config *config);
void nfi_circles_free(nfi_circles *circles);
/* The columns that pair number `pair` of couplings transforms first, into circles->index; answers how many. dim >= 2. */
int64_t nfi_circles_mask(const nfi_circles *circles, int64_t dim, uint64_t seed, int64_t pair);
/* Base "box": uniform on [-bound, bound] in the periodic columns, normal in the others. */
nf_status nfi_circles_base(nf_base **out, nf_context *context, const nfi_circles *circles, const nf_table_config *config);

#endif
