/* SPDX-License-Identifier: MIT
 *
 * kernels.c - matrix products at the shapes of the networks, vector functions, splines, random normals; one thread
 */
#include "bench.h"
#include "math/kernels.h"
#include "math/functions.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct product {
    const nfi_kernels *k;
    int64_t n, in, out;
    int kind; /* 0: forward, 1: input gradient, 2: weight gradient */
    float *x, *y, *w, *packed;
} product;

static int64_t padded(int64_t width) { return (width + 16) / 16 * 16; }

static float *random_block(int64_t count)
{
    float *v = aligned_alloc(64, (size_t)((count * 4 + 63) / 64 * 64 + 64));
    for (int64_t i = 0; i < count; i++) v[i] = (float)nfi_normal(3, 1, (uint64_t)i) * 0.1f;
    return v;
}

static nf_status call_product(void *arg)
{
    product *p = arg;
    if (p->kind == 0)
        p->k->gemm(p->n, p->in, p->out, p->x, padded(p->in), p->packed, p->y, padded(p->out), NULL);
    else if (p->kind == 1)
        p->k->gemm(p->n, p->out, p->in, p->y, padded(p->out), p->packed, p->x, padded(p->in), NULL);
    else
        p->k->gemm_tn(p->n, p->in, p->out, p->x, padded(p->in), p->y, padded(p->out), p->w, NULL);
    return NF_OK;
}

static void measure_product(const bench_workload *w, int64_t n, int64_t in, int64_t out, int kind, const bench_options *o)
{
    static const char *const kinds[] = { "forward", "input gradient", "weight gradient" };
    const nfi_kernels *k = nfi_kernels_for(NULL, NF_F32);
    product p = { .k = k, .n = n, .in = in, .out = out, .kind = kind, .x = random_block(n * padded(in)), .y = random_block(n * padded(out)),
                  .w = random_block(in * out) };
    const double gflop = 2e-9 * (double)n * (double)in * (double)out;
    bench_case c = { .workload = w->name, .metric = "us", .batch = n, .per_call = 1, .gflop_per_call = gflop, .gflop_per_unit = gflop,
                     .call = call_product, .arg = &p };

    p.packed = random_block(kind == 1 ? k->packed_count(out, in) : k->packed_count(in, out));
    k->pack(in, out, p.w, NULL, NULL, kind == 0 ? p.packed : NULL, kind == 1 ? p.packed : NULL);
    snprintf(c.note, sizeof c.note, "%s %lldx%lldx%lld f32 %s", kinds[kind], (long long)n, (long long)in, (long long)out, k->isa);
    bench_measure(&c, o);
    free(p.x);
    free(p.y);
    free(p.w);
    free(p.packed);
}

typedef struct map_call {
    void (*f)(int64_t, const void *, void *);
    const nfi_kernels *k;
    void *x, *y;
} map_call;

static nf_status call_map(void *arg)
{
    map_call *m = arg;
    if (m->f) m->f(4096, m->x, m->y);
    else m->k->normal(1, 1, 0, 4096, m->y);
    return NF_OK;
}

static void measure_maps(const bench_workload *w, const bench_options *o)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        const nfi_kernels *k = nfi_kernels_for(NULL, dtype);
        const struct { const char *name; void (*f)(int64_t, const void *, void *); } rows[] = {
            { "exp", k->exp }, { "log", k->log }, { "tanh", k->tanh }, { "sigmoid", k->sigmoid }, { "softplus", k->softplus }, { "normal", NULL } };
        float *x = random_block(8192), *y = random_block(8192);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            map_call m = { rows[i].f, k, x, y };
            bench_case c = { .workload = w->name, .metric = "ns/element", .batch = 4096, .per_call = 1, .call = call_map, .arg = &m };
            const double start = bench_now();
            for (int r = 0; r < 2000; r++) (void)call_map(&m);
            c.per_call = 4096;
            c.metric = "elements/s";
            snprintf(c.note, sizeof c.note, "%s %s: %.2f ns an element", rows[i].name, dtype == NF_F32 ? "f32" : "f64", (bench_now() - start) / 2000 / 4096 * 1e9);
            bench_measure(&c, o);
        }
        free(x);
        free(y);
    }
}

/* Splines of 8 bins, tails at 3, of the numbers that fit a strip */
#define SPLINE_COUNT 256
typedef struct spline_call {
    void (*f)(const nfi_spline *);
    nfi_spline s;
} spline_call;

static nf_status call_spline(void *arg)
{
    const spline_call *m = arg;
    m->f(&m->s);
    return NF_OK;
}

static void measure_splines(const bench_workload *w, const bench_options *o)
{
    const nfi_kernels *k = nfi_kernels_for(NULL, NF_F32);
    const struct { const char *name; void (*f)(const nfi_spline *); } rows[] = {
        { "forward", k->spline_value }, { "inverse", k->spline_inverse }, { "backward", k->spline_backward } };
    float *p = random_block(SPLINE_COUNT * 23), *gp = random_block(SPLINE_COUNT * 23), *x = random_block(SPLINE_COUNT * 4);
    void *work = aligned_alloc(64, NFI_SPLINE_WORK(8));

    for (int64_t i = 0; i < SPLINE_COUNT; i++) x[i] *= 10.0f;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spline_call m = { rows[i].f, { .count = SPLINE_COUNT, .stride = SPLINE_COUNT, .bins = 8, .bound = 3, .min_width = 1e-2, .min_height = 1e-2,
                                       .min_slope = 1e-2, .slope_centre = 0.526, .logit_bound = 2, .p = p, .x = x, .z = x + SPLINE_COUNT,
                                       .log_slope = x + 2 * SPLINE_COUNT, .h = x + 2 * SPLINE_COUNT, .g = x + 3 * SPLINE_COUNT, .gp = gp, .work = work } };
        bench_case c = { .workload = w->name, .metric = "elements/s", .batch = SPLINE_COUNT, .per_call = SPLINE_COUNT, .call = call_spline, .arg = &m };
        for (int r = 0; r < 200; r++) (void)call_spline(&m);
        const double start = bench_now();
        for (int r = 0; r < 2000; r++) (void)call_spline(&m);
        snprintf(c.note, sizeof c.note, "spline %s f32: %.2f ns an element", rows[i].name, (bench_now() - start) / 2000 / SPLINE_COUNT * 1e9);
        bench_measure(&c, o);
    }
    free(p);
    free(gp);
    free(x);
    free(work);
}

void bench_kernels(const bench_workload *w, int64_t batch, const bench_options *o)
{
    static const int64_t shapes[][2] = { { 256, 256 }, { 22, 256 }, { 256, 42 }, { 1, 256 }, { 256, 1 } };
    bench_options one = { .threads = 1, .seconds = o->seconds / 4 };

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int kind = 0; kind < 3; kind++) measure_product(w, batch, shapes[s][0], shapes[s][1], kind, &one);
    measure_maps(w, &one);
    measure_splines(w, &one);
}
