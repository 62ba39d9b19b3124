/* SPDX-License-Identifier: MIT
 *
 * fuzz_model.c - nf_flow_load_memory, and what is done with a flow that it accepts
 */
#include "fuzz.h"
#include <nflow/model.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const fuzz_words[] = { "\"__metadata__\":{", "\"nflow.format\":\"1\"", "\"dtype\":\"F64\"", "\"dtype\":\"BF16\"", "\"shape\":[]",
                                   "\"data_offsets\":[0,0]", "\\u0000", "\\\"type\\\":\\\"permutation\\\"", "\\\"dim\\\":1", "\\\"index\\\":[2,1,0]",
                                   "\\\"hidden\\\":[65536]", "[[[[[[[[", "{\"a\":", "\\\"kind\\\":\\\"reverse\\\"", "\\\"height\\\":65536", "\\\"channels\\\":2", "\\\"mask\\\":\\\"checkerboard\\\"", "\\\"net\\\":\\\"residual\\\"", "\\\"version\\\":2",
                                   "\\\"type\\\":\\\"cnf\\\"", "\\\"rtol\\\":1e-14", "\\\"probes\\\":1024", "\\\"trace\\\":\\\"hutchinson\\\"", "\\\"solver\\\":\\\"euler\\\"", NULL };

void *fuzz_seed(int index, int64_t *size)
{
    const int32_t dtype = index % 2 ? NF_F64 : NF_F32;
    const int image = index / 2 - fault_sample_count;
    if (image >= 2) return NULL;
    nf_flow *flow = image < 0 ? fault_flow(NULL, &fault_samples[index / 2], dtype) : fault_image_flow(NULL, image, dtype);
    void *bytes = fault_model(flow, size);
    nf_flow_unref(flow);
    return bytes;
}

void fuzz_repair(unsigned char *bytes, int64_t size) { (void)fault_repair(bytes, size); }

/* save(load(x)) loads again, into the same flow. */
static void model_again(const nf_flow *flow)
{
    nf_flow *again = NULL;
    int64_t size, size_again;
    void *bytes = fault_model(flow, &size), *bytes_again;

    if (nf_flow_load_memory(&again, NULL, bytes, size)) fuzz_found("the file of a loaded flow is refused: %s", nf_last_error());
    bytes_again = fault_model(again, &size_again);
    if (size != size_again || memcmp(bytes, bytes_again, (size_t)size)) fuzz_found("save(load(file)) is another file");
    nf_flow_unref(again);
    free(bytes);
    free(bytes_again);
}

static void model_use(const nf_flow *flow)
{
    double value[FAULT_ROWS];
    const bool wide = nf_flow_dim(flow) * FAULT_ROWS > 64 || nf_flow_cond_dim(flow) * FAULT_ROWS > 64;

    fuzz_accepted++;
    if (wide) return;
    const nf_status status = fault_density(flow, FAULT_ANY, value);
    if (status < 0 && status != NF_ERR_DOMAIN && status != NF_ERR_SINGULAR && status != NF_ERR_ODE_TOL) fuzz_found("log_prob: %s", nf_last_error());
    for (int i = 0; i < FAULT_ROWS && status == NF_OK; i++)
        if (isnan(value[i]) || value[i] > INFINITY) fuzz_found("log_prob of row %d is NaN and not flagged", i);
    model_again(flow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_CORRUPT, NF_ERR_LIMIT, NF_ERR_OVERFLOW, NF_OK };
    fuzz_memory memory = { 0 };
    nf_context *context = fuzz_context(&memory);
    nf_flow *flow = NULL;

    fault_mark();
    const nf_status status = nf_flow_load_memory(&flow, context, data, (int64_t)size);
    fuzz_check_most(&memory, 2, size, "nf_flow_load_memory");
    if (status) fuzz_check_failure(status, allowed, "nf_flow_load_memory");
    if (!status != !!flow) fuzz_found("status %d and handle do not agree", (int)status);
    if (flow) model_use(flow);
    nf_flow_unref(flow);
    nf_context_unref(context);
    fuzz_check_none(&memory, "nf_flow_load_memory");
    return 0;
}
