/* SPDX-License-Identifier: MIT
 *
 * evaluate.h - what computing calls share: the boundary check, and the calls behind it
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
nf_status nfi_cond_check(const nf_flow *flow, const void *cond, const char *function, const char *name); /* there, or not */
bool nfi_overlap(const void *a, int64_t bytes_a, const void *b, int64_t bytes_b); /* of [a, a + bytes_a) and [b, b + bytes_b) */

/* nf_flow_forward and nf_flow_inverse in the flow's dtype, without log_det and without checks; z and x may be the same array in
 * inverse. nf_flow_sample likewise, or with `density` without temperatures of the base's own, and its check of the
 * samples' numbers, to follow nfi_call_check. */
nf_status nfi_flow_forward(const nf_flow *flow, int64_t n, const void *x, const void *cond, void *z, const char *function);
nf_status nfi_flow_inverse(const nf_flow *flow, int64_t n, const void *z, const void *cond, void *x, const char *function);
nf_status nfi_sample_check(const nfi_call *call, int64_t first);
nf_status nfi_flow_sample(const nfi_call *call, uint64_t seed, int64_t first, double temperature, bool density);

#endif
