/* SPDX-License-Identifier: MIT
 *
 * rules.c - update rules by name, their rate and their steps
 */
#include <nflow/nflow.h>
#include <stdio.h>

enum { ROWS = 200 };

static nf_status descend(nf_flow *flow, nf_optimizer *optimizer, const float *x, double *nll)
{
    nf_status status = NF_OK;

    for (int step = 0; status >= 0 && step < 20; step++) {
        if (step == 10) status = nf_optimizer_set_lr(optimizer, 0.1 * nf_optimizer_lr(optimizer));
        if (status >= 0) status = nf_flow_nll_grad(flow, ROWS, x, NULL, nll); /* adds to the gradient block ... */
        if (status >= 0) status = nf_optimizer_step(optimizer, flow);         /* ... which this applies and clears */
    }
    return status;
}

int main(void)
{
    static float x[2 * ROWS];
    nf_dataset *data = NULL;
    nf_flow *flow = NULL;
    nf_status status = nf_dataset_synthetic(&data, NULL, "moons", ROWS, -1.0, 1);

    if (status >= 0) status = nf_dataset_copy(data, 0, ROWS, x, NULL);
    if (status >= 0) status = nf_flow_load(&flow, NULL, "m.safetensors");
    for (int32_t i = 0; status >= 0 && nf_optimizer_type_at(i); i++) {
        nf_optimizer *optimizer = NULL;
        double nll = 0.0;

        status = nf_optimizer_create(&optimizer, NULL, nf_optimizer_type_at(i), NULL);
        if (status >= 0) status = descend(flow, optimizer, x, &nll);
        if (status >= 0) printf("%-7s NLL %.3f after %lld steps\n", nf_optimizer_type_name(optimizer), nll, (long long)nf_optimizer_steps(optimizer));
        if (status >= 0) status = nf_optimizer_reset(optimizer); /* forgets moments and steps: fit for another flow */
        nf_optimizer_unref(optimizer);
    }
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(flow);
    nf_dataset_unref(data);
    return status < 0;
}
