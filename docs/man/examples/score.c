/* SPDX-License-Identifier: MIT
 *
 * score.c - climbing to a mode of the density along the score, without an allocation
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    nf_flow *flow = NULL;
    float x[2], slope[2];
    double log_prob = 0.0, first = 0.0;
    nf_status status = nf_flow_load(&flow, NULL, "m.safetensors");

    if (status >= 0) status = nf_flow_reserve(flow, 1, 1); /* work space now, nothing later */
    if (status >= 0) status = nf_flow_sample(flow, 1, 0, 1, NULL, 1.0, x, &first);
    for (int step = 0; status >= 0 && step < 50; step++) {
        status = nf_flow_score(flow, 1, x, NULL, &log_prob, slope); /* slope = d log p / dx */
        for (int j = 0; j < 2; j++) x[j] += 0.01f * slope[j];
    }
    if (status >= 0) printf("from log p = %.3f to %.3f at (%.3f, %.3f)\n", first, log_prob, (double)x[0], (double)x[1]);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(flow);
    return status < 0 || log_prob < first;
}
