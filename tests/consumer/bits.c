/* SPDX-License-Identifier: MIT
 *
 * bits.c - the bits of log_prob of a model file, on 35 rows: the programs of every language must print the same
 *
 *   bits MODEL      a model of two columns in float; the second column is that of its copy in double
 */
#include <inttypes.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 35 };

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

int main(int argc, char **argv)
{
    nf_flow *flow = NULL, *wide = NULL;
    float x[2 * ROWS];
    double y[2 * ROWS], log_prob[ROWS], log_prob_wide[ROWS];

    for (int i = 0; i < ROWS; i++) { /* exact in both precisions */
        y[2 * i] = (i % 7 - 3) * 0.375;
        y[2 * i + 1] = (i % 5 - 2) * 0.4375;
        x[2 * i] = (float)y[2 * i];
        x[2 * i + 1] = (float)y[2 * i + 1];
    }
    if (argc != 2 || nf_flow_load(&flow, NULL, argv[1]) < 0 || nf_flow_convert(&wide, flow, NF_F64) < 0 ||
        nf_flow_log_prob(flow, ROWS, x, NULL, log_prob) < 0 || nf_flow_log_prob_f64(wide, ROWS, y, NULL, log_prob_wide) < 0) {
        fprintf(stderr, "bits: %s\n", argc == 2 ? nf_last_error() : "usage: bits MODEL");
        return 1;
    }
    for (int i = 0; i < ROWS; i++) printf("%016" PRIx64 " %016" PRIx64 "\n", bits_of(log_prob[i]), bits_of(log_prob_wide[i]));
    nf_flow_unref(wide);
    nf_flow_unref(flow);
    return 0;
}
