/* SPDX-License-Identifier: MIT
 *
 * models.c - the workloads on whole flows: training steps, log_prob, samples, start
 *
 * Networks start random in the last layer too, because zeros run faster than real weights. gflop counts the matrix products
 * that are run: 2 x weights a row forward, three times that in training.
 */
#include "bench.h"
#include "math/kernels.h"
#include "math/functions.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct model {
    nf_context *context;
    nf_flow *flow;
    nf_optimizer *optimizer;
    int64_t dim, n;
    float *x;
    double *value;
    void *block; /* to be read as a floor; NULL: none */
    double gflop_row;
} model;

static double weights_of(int64_t in, int64_t out, const int64_t *hidden, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)in * (double)hidden[i];
        in = hidden[i];
    }
    return sum + (double)in * (double)out;
}

static void add_coupling(model *m, nf_layer **layer, const int64_t *hidden, int64_t n_hidden, int32_t separate, int32_t swap)
{
    nf_coupling_affine_config c = NF_COUPLING_AFFINE_CONFIG_INIT;
    const int64_t moved = swap ? m->dim - m->dim / 2 : m->dim / 2, kept = m->dim - moved;

    c.dim = m->dim;
    c.swap = swap;
    c.separate = separate;
    c.bound = 1.0;
    c.random_last = 1;
    c.hidden = hidden;
    c.n_hidden = n_hidden;
    if (nf_coupling_affine_create(layer, m->context, &c)) bench_die("coupling", NF_ERR_ARG);
    m->gflop_row += 2e-9 * (separate ? 2.0 * weights_of(kept, moved, hidden, n_hidden) : weights_of(kept, 2 * moved, hidden, n_hidden));
}

static model model_create(int32_t kind, int32_t threads, int64_t n)
{
    static const int64_t deep[] = { 256, 256, 256, 256 }, wide[] = { 256, 256 };
    nf_context_config context = NF_CONTEXT_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    model m = { .dim = kind ? 43 : 2, .n = n };
    const int32_t couplings = kind ? 10 : 6;
    nf_layer *layers[10];
    nf_base *base;
    nf_status status;

    context.threads = threads;
    if ((status = nf_context_create(&m.context, &context))) bench_die("context", status);
    for (int32_t i = 0; i < couplings; i++) add_coupling(&m, &layers[i], kind ? wide : deep, kind ? 2 : 4, !kind, i % 2);
    if ((status = nf_base_normal_create(&base, m.context, m.dim))) bench_die("base", status);
    if ((status = nf_flow_create(&m.flow, m.context, NULL, base, layers, couplings))) bench_die("flow", status);
    for (int32_t i = 0; i < couplings; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    adam.lr = 1e-6; /* steps that hardly move: the work is the same, the weights stay ordinary */
    if ((status = nf_optimizer_adam_create(&m.optimizer, m.context, &adam))) bench_die("adam", status);
    m.x = malloc((size_t)(n * m.dim) * sizeof *m.x);
    m.value = malloc((size_t)n * sizeof *m.value);
    for (int64_t i = 0; i < n * m.dim; i++) m.x[i] = (float)nfi_normal(7, 1, (uint64_t)i);
    return m;
}

static void model_free(model *m)
{
    nf_optimizer_unref(m->optimizer);
    nf_flow_unref(m->flow);
    nf_context_unref(m->context);
    free(m->x);
    free(m->value);
    free(m->block);
}

static nf_status call_train(void *arg)
{
    model *m = arg;
    double nll;
    const nf_status status = nf_flow_nll_grad(m->flow, m->n, m->x, NULL, &nll);
    return status ? status : nf_optimizer_step(m->optimizer, m->flow);
}

static nf_status call_log_prob(void *arg)
{
    model *m = arg;
    return nf_flow_log_prob(m->flow, m->n, m->x, NULL, m->value);
}

static nf_status call_sample(void *arg)
{
    model *m = arg;
    return nf_flow_sample(m->flow, 1, 0, m->n, NULL, 1.0, m->x, NULL);
}

void bench_train(const bench_workload *w, int64_t batch, const bench_options *o)
{
    model m = model_create(w->model, o->threads, batch);
    bench_case c = { .workload = w->name, .metric = "steps/s", .batch = batch, .per_call = 1.0, .gflop_per_call = 3.0 * m.gflop_row * (double)batch,
                     .gflop_per_unit = 3.0 * m.gflop_row * (double)batch, .call = call_train, .arg = &m };

    snprintf(c.note, sizeof c.note, "%lld parameters, Adam included, %s", (long long)nf_flow_param_count(m.flow), nf_context_isa(m.context));
    bench_measure(&c, o);
    model_free(&m);
}

/* Reads as many bytes as the weights have: the floor of a call that needs every weight. The block is as far away as they are,
 * for both are passed over in turn. */
static nf_status floor_read(void *arg)
{
    const model *m = arg;
    nfi_read_block(nfi_kernels_for(m->context, NF_F32), m->block, nf_flow_param_count(m->flow) * 4);
    return NF_OK;
}

void bench_log_prob(const bench_workload *w, int64_t batch, const bench_options *o)
{
    model m = model_create(w->model, o->threads, batch);
    bench_case c = { .workload = w->name, .metric = batch == 1 ? "us" : "samples/s", .batch = batch, .per_call = (double)batch,
                     .gflop_per_call = m.gflop_row * (double)batch, .gflop_per_unit = m.gflop_row, .call = call_log_prob, .arg = &m };

    if (batch == 1) {
        const int64_t bytes = nf_flow_param_count(m.flow) * 4;
        m.block = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64);
        memset(m.block, 1, (size_t)bytes);
        c.floor = floor_read;
        snprintf(c.note, sizeof c.note, "reading the %.2f MB of weights once", (double)bytes * 1e-6);
    }
    bench_measure(&c, o);
    model_free(&m);
}

void bench_sample(const bench_workload *w, int64_t batch, const bench_options *o)
{
    model m = model_create(w->model, o->threads, batch);
    bench_case c = { .workload = w->name, .metric = batch == 1 ? "us" : "samples/s", .batch = batch, .per_call = (double)batch,
                     .gflop_per_call = m.gflop_row * (double)batch, .gflop_per_unit = m.gflop_row, .call = call_sample, .arg = &m };

    bench_measure(&c, o);
    model_free(&m);
}

static nf_status call_start(void *arg)
{
    const char *path = arg;
    const float x[2] = { 0.5f, -0.25f };
    double lp;
    nf_flow *flow;
    nf_status status = nf_flow_load(&flow, NULL, path);

    if (!status) status = nf_flow_log_prob(flow, 1, x, NULL, &lp);
    nf_flow_unref(flow);
    return status;
}

void bench_start(const bench_workload *w, int64_t batch, const bench_options *o)
{
    char path[] = P_tmpdir "/nflow-bench-XXXXXX";
    const int fd = mkstemp(path);
    model m = model_create(w->model, 1, batch);
    bench_case c = { .workload = w->name, .metric = "us", .batch = batch, .per_call = 1.0, .call = call_start, .arg = path };
    nf_status status;

    if (fd < 0) bench_die("temporary file", NF_ERR_IO);
    close(fd);
    if ((status = nf_flow_save(m.flow, path))) bench_die("save", status);
    snprintf(c.note, sizeof c.note, "load of %.1f MB and first log_prob", (double)nf_flow_param_count(m.flow) * 4e-6);
    bench_measure(&c, o);
    unlink(path);
    model_free(&m);
}
