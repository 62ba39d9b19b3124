/* SPDX-License-Identifier: MIT
 *
 * memory.c - a model in memory, its description as JSON text, and a file that is verified
 */
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>

/* The same weights by way of memory: asks for the size first. */
static nf_status copy_by_memory(nf_flow **out, const nf_flow *flow)
{
    int64_t size = 0;
    nf_status status = nf_flow_save_memory(flow, NULL, 0, &size);
    void *bytes = status >= 0 ? malloc((size_t)size) : NULL;

    if (status >= 0 && !bytes) status = NF_ERR_MEMORY;
    if (status >= 0) status = nf_flow_save_memory(flow, bytes, size, &size);
    if (status >= 0) status = nf_flow_load_memory(out, NULL, bytes, size);
    free(bytes);
    return status;
}

/* The same shape with fresh weights. */
static nf_status make_untrained(nf_flow **out, const nf_flow *flow)
{
    char description[65536];
    int64_t size = 0;
    nf_status status = nf_flow_to_json(flow, description, sizeof description, &size);

    if (status >= 0) status = nf_flow_from_json(out, NULL, description);
    return status;
}

int main(void)
{
    nf_flow *flow = NULL, *copy = NULL, *untrained = NULL;
    double error = 0.0;
    int64_t rows = 0;
    nf_status status = nf_flow_verify(NULL, "m.safetensors", &error, &rows);

    if (status >= 0) status = nf_flow_load(&flow, NULL, "m.safetensors");
    if (status >= 0) status = copy_by_memory(&copy, flow);
    if (status >= 0) status = make_untrained(&untrained, flow);
    if (status >= 0) printf("%lld rows within %.1e; a copy and a fresh flow of %lld parameters\n", (long long)rows, error,
                            (long long)nf_flow_param_count(untrained));
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(untrained);
    nf_flow_unref(copy);
    nf_flow_unref(flow);
    return status < 0;
}
