/* SPDX-License-Identifier: MIT
 *
 * evaluate.h - the boundary check that all computing calls share
 */
#ifndef NFI_FLOW_EVALUATE_H
#define NFI_FLOW_EVALUATE_H

#include "flow/flow.h"

/* One value a row that may be NULL, one a row, or a single number. */
enum { NFI_VALUE_OPTIONAL = 0, NFI_VALUE_REQUIRED = 1, NFI_VALUE_SINGLE = 2 };

/* The arguments of a call, with their names for messages. in_name NULL: the call takes no rows. */
typedef struct nfi_call {
    const char *function;
    const nf_flow *flow;
    int32_t dtype;
    int64_t n;
    const char *in_name;
    const void *in, *cond;
    const char *out_name;
    void *out;
    int32_t out_required;
    const char *value_name;
    double *value;
    int32_t value_is; /* NFI_VALUE_... */
} nfi_call;
nf_status nfi_call_check(const nfi_call *call);

#endif
