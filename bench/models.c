/* SPDX-License-Identifier: MIT
 *
 * models.c - the workloads on whole flows: training steps, log_prob, samples, start
 *
 * Networks start random in the last layer too, because zeros run faster than real weights. gflop counts the matrix products
 * that are run: 2 x weights a row forward, three times that in training.
 */
#include "bench.h"
#include "flow/match.h"
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
    double evaluations; /* of the dynamics a row; 0: not continuous */
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

static void add_spline(model *m, nf_layer **layer, const int64_t *hidden, int64_t n_hidden, int32_t swap)
{
    const nf_coupling_spline_config c = { .struct_size = sizeof c, .dim = m->dim, .swap = swap, .random_last = 1, .hidden = hidden,
                                          .n_hidden = n_hidden };
    const int64_t moved = swap ? m->dim - m->dim / 2 : m->dim / 2;

    if (nf_coupling_spline_create(layer, m->context, &c)) bench_die("coupling", NF_ERR_ARG);
    m->gflop_row += 2e-9 * weights_of(m->dim - moved, 23 * moved, hidden, n_hidden);
}

/* Products are counted when the flow is there: those with zeros of the mask that are run are among them. */
static void add_autoregressive(model *m, nf_layer **layer, const int64_t *hidden, int64_t n_hidden, int32_t reversed, int32_t spline)
{
    nf_autoregressive_config c = NF_AUTOREGRESSIVE_CONFIG_INIT;

    c.dim = m->dim;
    if (spline) c.transform = NF_TRANSFORM_SPLINE;
    else c.bound = 1.0;
    c.order = reversed ? NF_ORDER_REVERSED : NF_ORDER_ASCENDING;
    c.random_last = 1;
    c.hidden = hidden;
    c.n_hidden = n_hidden;
    if (nf_autoregressive_create(layer, m->context, &c)) bench_die("autoregressive", NF_ERR_ARG);
}

enum { LAYER_AFFINE, LAYER_SPLINE, LAYER_AUTOREGRESSIVE, LAYER_AUTOREGRESSIVE_SPLINE };

/* Which flow: a chain of couplings of columns, or of autoregressive layers, GLOW on 32x32x3, or one continuous layer. */
static const nf_cnf_config cnf_toy = { .struct_size = sizeof cnf_toy, .dim = 2, .hidden = (const int64_t[]){ 64, 64, 64 }, .n_hidden = 3,
                                       .trace = NF_TRACE_EXACT, .end_time = 0.5, .rtol = 1e-5, .atol = 1e-5 };
static const nf_cnf_config cnf_toy_adjoint = { .struct_size = sizeof cnf_toy_adjoint, .dim = 2, .hidden = (const int64_t[]){ 64, 64, 64 },
                                               .n_hidden = 3, .trace = NF_TRACE_EXACT, .end_time = 0.5, .rtol = 1e-5, .atol = 1e-5,
                                               .gradient = NF_GRADIENT_ADJOINT };
static const nf_cnf_config cnf_tabular = { .struct_size = sizeof cnf_tabular, .dim = 43, .hidden = (const int64_t[]){ 860, 860 }, .n_hidden = 2,
                                           .activation = NF_ACTIVATION_SOFTPLUS, .trace = NF_TRACE_HUTCHINSON, .end_time = 1.0, .rtol = 1e-6,
                                           .atol = 1e-8 };
static const nf_cnf_config cnf_images = { .struct_size = sizeof cnf_images, .dim = 784, .height = 28, .width = 28, .channels = 1,
                                          .hidden = (const int64_t[]){ 16, 16 }, .n_hidden = 2, .activation = NF_ACTIVATION_SOFTPLUS,
                                          .time = NF_TIME_CONCAT, .end_time = 1.0, .rtol = 1e-5, .atol = 1e-5 };
static const struct model_kind {
    int64_t dim, couplings, hidden[4], n_hidden;
    int32_t separate;
    int64_t steps; /* of GLOW, with hidden[0] channels; 0: not GLOW */
    const nf_cnf_config *cnf; /* NULL: not continuous */
    double gain;   /* of its initial weights: those of a trained network are larger */
    int32_t layer; /* of the chain: LAYER_... */
} model_kinds[] = {
    [MODEL_MOONS] = { 2, 6, { 256, 256, 256, 256 }, 4, 1, 0, NULL, 0.0, LAYER_AFFINE },
    [MODEL_TABULAR] = { 43, 10, { 256, 256 }, 2, 0, 0, NULL, 0.0, LAYER_AFFINE },
    [MODEL_NSF] = { 43, 10, { 256, 256 }, 2, 0, 0, NULL, 0.0, LAYER_SPLINE },
    [MODEL_MAF] = { 43, 10, { 256, 256 }, 2, 0, 0, NULL, 0.0, LAYER_AUTOREGRESSIVE },
    [MODEL_MAF_SPLINE] = { 43, 10, { 256, 256 }, 2, 0, 0, NULL, 0.0, LAYER_AUTOREGRESSIVE_SPLINE },
    [MODEL_GLOW_K8_H512] = { 3072, 0, { 512 }, 1, 0, 8, NULL, 0.0, 0 },
    [MODEL_GLOW_K8_H128] = { 3072, 0, { 128 }, 1, 0, 8, NULL, 0.0, 0 },
    [MODEL_GLOW_K32_H512] = { 3072, 0, { 512 }, 1, 0, 32, NULL, 0.0, 0 },
    [MODEL_FFJORD_TOY] = { 2, 0, { 0 }, 0, 0, 0, &cnf_toy, 4.0, 0 },
    [MODEL_FFJORD_TABULAR] = { 43, 0, { 0 }, 0, 0, 0, &cnf_tabular, 3.0, 0 },
    [MODEL_FFJORD_TOY_ADJOINT] = { 2, 0, { 0 }, 0, 0, 0, &cnf_toy_adjoint, 4.0, 0 },
    [MODEL_FFJORD_IMAGES] = { 784, 0, { 0 }, 0, 0, 0, &cnf_images, 2.0, 0 },
};

static void create_columns(model *m, const struct model_kind *kind)
{
    nf_layer *layers[10];
    nf_base *base;
    nf_status status;
    const bool spline = kind->layer == LAYER_AUTOREGRESSIVE_SPLINE, masked = spline || kind->layer == LAYER_AUTOREGRESSIVE;

    for (int32_t i = 0; i < kind->couplings; i++) {
        if (kind->layer == LAYER_SPLINE) add_spline(m, &layers[i], kind->hidden, kind->n_hidden, i % 2);
        else if (masked) add_autoregressive(m, &layers[i], kind->hidden, kind->n_hidden, i % 2, spline);
        else add_coupling(m, &layers[i], kind->hidden, kind->n_hidden, kind->separate, i % 2);
    }
    if ((status = nf_base_normal_create(&base, m->context, m->dim))) bench_die("base", status);
    if ((status = nf_flow_create(&m->flow, m->context, NULL, base, layers, kind->couplings))) bench_die("flow", status);
    for (int32_t i = 0; i < kind->couplings; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    if (masked) {
        nf_flow_info_report info = { .struct_size = sizeof info };
        if ((status = nf_flow_info(m->flow, &info))) bench_die("info", status);
        m->gflop_row = info.gflop_row;
    }
}

/* Weights that start at zero become small random numbers. */
static void shake_weights(nf_flow *flow)
{
    nf_param_view view = { .struct_size = sizeof view };
    float *theta;

    if (nf_flow_params(flow, &theta, NULL, NULL)) bench_die("params", NF_ERR_STATE);
    for (int64_t i = 0; !nf_flow_param(flow, i, &view); i++)
        for (int64_t j = view.offset; strstr(view.name, ".weight") && j < view.offset + view.count; j++)
            if (theta[j] == 0.0f) theta[j] = 0.01f * (float)nfi_normal(7, 2, (uint64_t)j);
    if (nf_flow_update(flow)) bench_die("update", NF_ERR_STATE);
}

static void create_glow(model *m, const struct model_kind *kind)
{
    const nf_glow_config c = { .struct_size = sizeof c, .height = 32, .width = 32, .channels = 3, .levels = 3, .steps = kind->steps,
                               .hidden = kind->hidden[0] };
    nf_flow_info_report info = { .struct_size = sizeof info };
    nf_status status;

    if ((status = nf_flow_create_glow(&m->flow, m->context, &c))) bench_die("glow", status);
    shake_weights(m->flow);
    if ((status = nf_flow_info(m->flow, &info))) bench_die("info", status);
    m->gflop_row = info.gflop_row;
}

static void create_continuous(model *m, const struct model_kind *kind)
{
    nf_param_view view = { .struct_size = sizeof view };
    nf_layer *layer;
    nf_base *base;
    nf_status status;
    float *theta;

    if ((status = nf_cnf_create(&layer, m->context, kind->cnf))) bench_die("cnf", status);
    if ((status = nf_base_normal_create(&base, m->context, m->dim))) bench_die("base", status);
    if ((status = nf_flow_create(&m->flow, m->context, NULL, base, &layer, 1))) bench_die("flow", status);
    nf_layer_unref(layer);
    nf_base_unref(base);
    if ((status = nf_flow_params(m->flow, &theta, NULL, NULL))) bench_die("params", status);
    for (int64_t i = 0; !nf_flow_param(m->flow, i, &view); i++)
        for (int64_t j = view.offset; strstr(view.name, ".weight") && j < view.offset + view.count; j++) theta[j] *= (float)kind->gain;
    if ((status = nf_flow_update(m->flow))) bench_die("update", status);
}

/* The work of a continuous flow is known once its rows are. */
static void count_evaluations(model *m, int32_t kind, int inverse, int32_t training)
{
    nf_status status;

    if (!model_kinds[kind].cnf) return;
    /* sampling solves from the latents of its own rows, and the tally must be of those */
    if (inverse && (status = nf_flow_sample(m->flow, 1, 0, m->n, NULL, 1.0, m->x, NULL))) bench_die("sample", status);
    if (inverse) {
        float *z = malloc((size_t)(m->n * m->dim) * sizeof *z);
        if (!z || (status = nf_flow_forward(m->flow, m->n, m->x, NULL, z, NULL))) bench_die("forward", status);
        memcpy(m->x, z, (size_t)(m->n * m->dim) * sizeof *z);
        free(z);
    }
    const bench_solve solve = bench_count_solve(m->flow, m->n, m->x, inverse, training);
    m->evaluations = solve.evaluations;
    m->gflop_row = solve.gflop_row;
}

static model model_create(int32_t kind, int32_t threads, int64_t n)
{
    nf_context_config context = NF_CONTEXT_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    model m = { .dim = model_kinds[kind].dim, .n = n };
    nf_status status;

    context.threads = threads;
    if ((status = nf_context_create(&m.context, &context))) bench_die("context", status);
    (model_kinds[kind].cnf ? create_continuous : model_kinds[kind].steps ? create_glow : create_columns)(&m, &model_kinds[kind]);
    adam.lr = 1e-6; /* steps that hardly move: the work is the same, the weights stay ordinary */
    if ((status = nf_optimizer_adam_create(&m.optimizer, m.context, &adam))) bench_die("adam", status);
    m.x = malloc((size_t)(n * m.dim) * sizeof *m.x);
    m.value = malloc((size_t)n * sizeof *m.value);
    for (int64_t i = 0; i < n * m.dim; i++) m.x[i] = model_kinds[kind].steps ? (float)(i * 7919 % 256) : (float)nfi_normal(7, 1, (uint64_t)i);
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

static void note_evaluations(bench_case *c, const model *m)
{
    const size_t at = strlen(c->note);
    if (m->evaluations > 0) snprintf(c->note + at, sizeof c->note - at, "%s%.1f evaluations a row", at ? ", " : "", m->evaluations);
}

static void measure_train(const bench_workload *w, int64_t batch, const bench_options *o, const char *metric, double per_call)
{
    model m = model_create(w->model, o->threads, batch);
    count_evaluations(&m, w->model, 0, 1);
    const double gflop = 3.0 * m.gflop_row * (double)batch;
    bench_case c = { .workload = w->name, .metric = metric, .batch = batch, .per_call = per_call, .gflop_per_call = gflop,
                     .gflop_per_unit = gflop / per_call, .call = call_train, .arg = &m };

    snprintf(c.note, sizeof c.note, "%lld parameters, Adam included, %s", (long long)nf_flow_param_count(m.flow), nf_context_isa(m.context));
    note_evaluations(&c, &m);
    bench_measure(&c, o);
    model_free(&m);
}

void bench_train(const bench_workload *w, int64_t batch, const bench_options *o) { measure_train(w, batch, o, "steps/s", 1.0); }
void bench_train_rows(const bench_workload *w, int64_t batch, const bench_options *o) { measure_train(w, batch, o, "images/s", (double)batch); }

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
    count_evaluations(&m, w->model, 0, 0);
    bench_case c = { .workload = w->name, .metric = batch == 1 ? "us" : "samples/s", .batch = batch, .per_call = (double)batch,
                     .gflop_per_call = m.gflop_row * (double)batch, .gflop_per_unit = m.gflop_row, .call = call_log_prob, .arg = &m };

    note_evaluations(&c, &m);
    if (batch == 1 && m.evaluations == 0) {
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
    count_evaluations(&m, w->model, 1, 0);
    bench_case c = { .workload = w->name, .metric = batch == 1 ? "us" : "samples/s", .batch = batch, .per_call = (double)batch,
                     .gflop_per_call = m.gflop_row * (double)batch, .gflop_per_unit = m.gflop_row, .call = call_sample, .arg = &m };

    note_evaluations(&c, &m);
    bench_measure(&c, o);
    model_free(&m);
}

/* A step of flow matching, from the inside: outside it is part of nf_flow_fit. */
typedef struct match_run {
    model m;
    nf_maker *maker;
    nfi_match match;
    nfi_batch batch;
} match_run;

static nf_status call_match(void *arg)
{
    match_run *r = arg;
    nfi_bad_rows bad;
    double sum;
    nf_status status = nfi_flow_begin(r->m.flow, "bench");

    if (status) return status;
    status = nfi_match_grad(r->m.flow, &r->match, &r->batch, &sum, &bad, "bench");
    nfi_flow_end(r->m.flow);
    return status ? status : nf_optimizer_step(r->m.optimizer, r->m.flow);
}

void bench_match(const bench_workload *w, int64_t batch, const bench_options *o)
{
    const nf_cnf_config *cnf = model_kinds[w->model].cnf;
    const double gflop = 6e-9 * weights_of(cnf->dim, cnf->dim, cnf->hidden, cnf->n_hidden) * (double)batch;
    match_run r = { .m = model_create(w->model, o->threads, batch) };
    uint64_t *keys = malloc((size_t)batch * sizeof *keys);
    bench_case c = { .workload = w->name, .metric = "steps/s", .batch = batch, .per_call = 1.0, .gflop_per_call = gflop, .gflop_per_unit = gflop,
                     .call = call_match, .arg = &r };
    nf_status status;

    for (int64_t i = 0; i < batch; i++) keys[i] = (uint64_t)i;
    r.batch = (nfi_batch){ .n = batch, .x = r.m.x, .keys = keys, .scale = 1.0 / (double)batch };
    if ((status = nfi_maker_create(&r.maker, r.m.context))) bench_die("maker", status);
    if ((status = nfi_match_make(&r.match, r.maker, r.m.flow, 0, batch))) bench_die("match", status);
    snprintf(c.note, sizeof c.note, "%lld parameters, Adam included, %s", (long long)nf_flow_param_count(r.m.flow), nf_context_isa(r.m.context));
    bench_measure(&c, o);
    nfi_maker_free(r.maker);
    model_free(&r.m);
    free(keys);
}

void bench_solver(const bench_workload *w, int64_t batch, const bench_options *o)
{
    model m = model_create(w->model, 1, batch);
    bench_case c = { .workload = w->name, .batch = batch };

    bench_time_solver(&c, m.flow, batch, m.x, o);
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
