/* SPDX-License-Identifier: MIT
 *
 * continuous.c - a continuous layer by hand
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    const int64_t hidden[] = { 16, 16 };
    nf_cnf_config config = NF_CNF_CONFIG_INIT;
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    float x[2 * 5];
    double log_prob[5];
    nf_status status;

    config.dim = 2;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.solver = NF_ODE_TSIT5;
    config.trace = NF_TRACE_EXACT;
    status = nf_cnf_create(&layer, NULL, &config);
    if (status >= 0) status = nf_base_normal_create(&base, NULL, 2);
    if (status >= 0) status = nf_flow_create(&flow, NULL, NULL, base, &layer, 1);
    if (status >= 0) status = nf_flow_sample(flow, 1, 0, 5, NULL, 1.0, x, log_prob);
    if (status >= 0) printf("(%.3f, %.3f) has log p = %.3f\n", (double)x[0], (double)x[1], log_prob[0]);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
    return status < 0;
}
