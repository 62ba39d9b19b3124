/* SPDX-License-Identifier: MIT
 *
 * consumer.c - a stranger's program, built from nothing but what pkg-config says: it trains, scores and samples
 */
#include <stdio.h>

#include <nflow/layer_type.h>
#include <nflow/nflow.h>

static int give_up(const char *call)
{
    fprintf(stderr, "%s: %s\n", call, nf_last_error());
    return 1;
}

int main(void)
{
    nf_realnvp_config realnvp = NF_REALNVP_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_dataset *data = NULL;
    nf_optimizer *optimizer = NULL;
    nf_flow *flow = NULL;
    double log_prob[4];
    float x[8];

    realnvp.dim = 2;
    realnvp.layers = 2;
    fit.epochs = 1;
    if (nf_dataset_synthetic(&data, NULL, "moons", 256, -1, 1) < 0) return give_up("dataset");
    if (nf_flow_create_realnvp(&flow, NULL, &realnvp) < 0) return give_up("flow");
    if (nf_optimizer_adam_create(&optimizer, NULL, &adam) < 0) return give_up("optimizer");
    if (nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL) < 0) return give_up("fit");
    if (nf_flow_sample(flow, 7, 0, 4, NULL, 1.0, x, log_prob) < 0) return give_up("sample");
    if (nf_flow_log_prob(flow, 4, x, NULL, log_prob) < 0) return give_up("log_prob");
    for (int i = 0; i < 4; i++) printf("%a %a %a\n", (double)x[2 * i], (double)x[2 * i + 1], log_prob[i]);
    if (nf_version_number() != NF_VERSION_MAJOR * 10000 + NF_VERSION_MINOR * 100 + NF_VERSION_PATCH) return give_up("version");
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    return 0;
}
