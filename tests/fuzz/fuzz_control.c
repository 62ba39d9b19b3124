/* SPDX-License-Identifier: MIT
 *
 * fuzz_control.c - a target that is broken on purpose: the driver must find it
 *
 * It believes the first element of any model that loads, behind the checksum: a value above 1e6 would be an index too far.
 */
#include "fuzz.h"
#include <nflow/model.h>
#include <stdlib.h>

const char *const fuzz_words[] = { NULL };

void *fuzz_seed(int index, int64_t *size)
{
    if (index > 0) return NULL;
    nf_flow *flow = fault_flow(NULL, &fault_samples[0], NF_F32);
    void *bytes = fault_model(flow, size);
    nf_flow_unref(flow);
    return bytes;
}

void fuzz_repair(unsigned char *bytes, int64_t size) { (void)fault_repair(bytes, size); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nf_flow *flow = NULL;
    float *theta = NULL;

    if (nf_flow_load_memory(&flow, NULL, data, (int64_t)size)) return 0;
    fuzz_accepted++;
    if (nf_flow_params(flow, &theta, NULL, NULL)) fuzz_found("%s", nf_last_error());
    for (int64_t i = 0; i < nf_flow_param_count(flow); i++)
        if (theta[i] > 1e6f) exit(7); /* what the test expects */
    nf_flow_unref(flow);
    return 0;
}
