/* SPDX-License-Identifier: MIT
 *
 * log_layer.c - a layer of one's own without a config: the logarithm, z_j = log x_j
 */
#include <math.h>
#include <nflow/layer_type.h>
#include <nflow/nflow.h>
#include <stdio.h>

enum { DIM = 2 };

static nf_status log_create(nf_maker *maker, void *config, void **self)
{
    (void)config;
    *self = nf_maker_alloc(maker, 1); /* no hyper-parameters: a byte stands for them */
    return *self ? NF_OK : NF_ERR_MEMORY;
}

static nf_status log_describe(const void *self, nf_layer_info *info)
{
    (void)self;
    info->dim = DIM;
    return NF_OK;
}

/* log|det| = -sum_j log x_j. A row with a value that has no logarithm is given up, the others go on. */
static nf_status log_forward(const void *self, const nf_tile *t, const void *in, void *out, void *saved)
{
    const double *x = in;
    double *z = out;

    (void)self, (void)saved;
    for (int64_t i = 0; i < t->n * DIM; i++) {
        if (x[i] <= 0.0) nf_fail_row(t, i / DIM, NF_ERR_DOMAIN, "log: a value is not positive");
        z[i] = log(x[i]);
        t->log_det[i / DIM] -= z[i];
    }
    return NF_OK;
}

/* dL/dx_j = (dL/dz_j - dL/dlog_det) / x_j */
static nf_status log_backward(const void *self, const nf_tile *t, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    (void)self, (void)out, (void)saved;
    for (int64_t i = 0; i < t->n * DIM; i++) ((double *)g)[i] = (((double *)g)[i] - h[i / DIM]) / ((const double *)in)[i];
    return NF_OK;
}

static const nf_layer_ops log_ops = { .struct_size = sizeof log_ops, .forward = log_forward, .backward = log_backward };
static const nf_field no_fields[1];
static const struct { uint32_t struct_size, reserved; } config = { .struct_size = sizeof config };
static const nf_layer_type log_type = {
    .struct_size = sizeof log_type, .version = 1, .name = "log", .config_size = sizeof config, .config_first_size = sizeof config,
    .fields = no_fields, .n_fields = 0, .create = log_create, .describe = log_describe, .f64 = &log_ops,
};

int main(void)
{
    const double x[] = { 1.5, 0.2, 3.0, -1.0 };
    nf_flow_config shape = { .struct_size = sizeof shape, .dtype = NF_F64 };
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    double log_prob[2];
    nf_status status = nf_layer_create_custom(&layer, NULL, &log_type, &config);

    if (status >= 0) status = nf_base_normal_create(&base, NULL, DIM);
    if (status >= 0) status = nf_flow_create(&flow, NULL, &shape, base, &layer, 1);
    if (status >= 0) status = nf_flow_log_prob_f64(flow, 2, x, NULL, log_prob);
    if (status >= 0) printf("log p = %.4f and %.4f\n", log_prob[0], log_prob[1]);
    if (status != NF_OK) fprintf(stderr, "%s: %s\n", nf_status_name(status), nf_last_error());
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
    return status != NF_ROWS_NONFINITE; /* the second row has no logarithm */
}
