/* SPDX-License-Identifier: MIT
 *
 * tables.c - the four recipes for tables, and the layer that knows kinds of columns
 */
#include <nflow/nflow.h>
#include <stdio.h>

enum { RECIPES = 4 };

int main(void)
{
    static const int64_t kind[] = { NF_COLUMN_INTEGER, NF_COLUMN_BOUNDED, NF_COLUMN_POSITIVE }; /* age, share, income */
    static const double low[] = { 0, 0, 0 }, high[] = { 130, 1, 0 };
    static nf_status (*const create[RECIPES])(nf_flow **, nf_context *, const nf_table_config *) = {
        nf_flow_create_nsf, nf_flow_create_maf, nf_flow_create_iaf, nf_flow_create_nice,
    };
    const float x[] = { 41.0f, 0.25f, 1200.0f };
    nf_table_config config;
    nf_columns_config columns;
    nf_layer *layer = NULL;
    nf_status status = NF_OK;

    nf_table_config_init(&config);
    config.dim = 3;
    config.kind = kind;
    config.low = low;
    config.high = high;
    config.n_kind = config.n_low = config.n_high = 3;
    for (int i = 0; i < RECIPES && status >= 0; i++) {
        nf_flow *flow = NULL;
        double log_prob = 0.0;
        status = create[i](&flow, NULL, &config);
        if (status >= 0) status = nf_flow_log_prob(flow, 1, x, NULL, &log_prob);
        if (status >= 0) printf("%lld layers, log p %.4f\n", (long long)nf_flow_layers(flow), log_prob);
        nf_flow_unref(flow);
    }
    nf_columns_config_init(&columns); /* the layer by itself */
    columns.dim = 3;
    columns.kind = kind;
    columns.low = low;
    columns.high = high;
    columns.n_kind = columns.n_low = columns.n_high = 3;
    if (status >= 0) status = nf_columns_create(&layer, NULL, &columns);
    nf_layer_unref(layer);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    return status < 0;
}
