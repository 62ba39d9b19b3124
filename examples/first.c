/* SPDX-License-Identifier: MIT
 *
 * first.c - a density learned from points, and new points drawn from it
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    nf_dataset *data = NULL;
    nf_flow *flow = NULL;
    nf_optimizer *adam = NULL;
    nf_realnvp_config shape = NF_REALNVP_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    float x[2 * 5];
    double log_prob[5];

    shape.dim = 2;
    fit.epochs = 20;
    if (nf_dataset_synthetic(&data, NULL, "moons", 2000, -1.0, 1) < 0 || nf_flow_create_realnvp(&flow, NULL, &shape) < 0 ||
        nf_optimizer_adam_create(&adam, NULL, NULL) < 0 || nf_flow_fit(flow, adam, data, NULL, &fit, NULL) < 0 ||
        nf_flow_sample(flow, 1, 0, 5, NULL, 1.0, x, log_prob) < 0) {
        fprintf(stderr, "%s\n", nf_last_error());
        return 1;
    }
    for (int i = 0; i < 5; i++)
        printf("sample (%7.3f, %7.3f)  log p = %.3f\n", (double)x[2 * i], (double)x[2 * i + 1], log_prob[i]);
    nf_optimizer_unref(adam);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    return 0;
}
