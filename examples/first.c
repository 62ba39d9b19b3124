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
    nf_realnvp_config shape = { .struct_size = sizeof shape, .dim = 2 };
    float x[5 * 2];
    double log_prob[5];
    const int ok = nf_dataset_synthetic(&data, NULL, "moons", 2000, -1.0, 1) >= 0 &&
                   nf_flow_create_realnvp(&flow, NULL, &shape) >= 0 &&
                   nf_optimizer_adam_create(&adam, NULL, NULL) >= 0 &&
                   nf_flow_fit(flow, adam, data, NULL, NULL, NULL) >= 0 &&
                   nf_flow_sample(flow, 1, 0, 5, NULL, 1.0, x, log_prob) >= 0;

    for (int i = 0; ok && i < 5; i++)
        printf("(%6.3f, %6.3f)  log p = %.3f\n", (double)x[2 * i], (double)x[2 * i + 1], log_prob[i]);
    if (!ok) fprintf(stderr, "first: %s\n", nf_last_error());
    nf_optimizer_unref(adam);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    return !ok;
}
