/* SPDX-License-Identifier: MIT
 *
 * parameters.c - what a flow is made of: sizes, and the named views of its flat block
 */
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>

static nf_status show_parameters(const nf_flow *flow)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = malloc((size_t)count * sizeof *theta);
    nf_param_view view = { .struct_size = sizeof view };
    nf_status status = theta ? nf_flow_get_params(flow, count, theta) : NF_ERR_MEMORY;

    for (int64_t i = 0; status >= 0 && nf_flow_param(flow, i, &view) == NF_OK; i++) {
        double sum = 0.0;
        for (int64_t k = 0; k < view.count; k++) sum += theta[view.offset + k];
        printf("%-32s %4lld values, mean %.4f\n", view.name, (long long)view.count, sum / (double)view.count);
    }
    free(theta);
    return status;
}

int main(void)
{
    nf_flow_info_report info = { .struct_size = sizeof info };
    nf_flow *flow = NULL;
    nf_status status = nf_flow_load(&flow, NULL, "m.safetensors");

    if (status >= 0) status = nf_flow_info(flow, &info);
    if (status >= 0) printf("%lld columns, %lld layers, %lld parameters, of which %lld are trained\n", (long long)info.dim,
                            (long long)info.layers, (long long)info.params, (long long)info.trainable);
    if (status >= 0) status = show_parameters(flow);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(flow);
    return status < 0;
}
