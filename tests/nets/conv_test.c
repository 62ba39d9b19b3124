/* SPDX-License-Identifier: MIT
 *
 * conv_test.c - convolutional networks against a plain-C twin and central differences, for every kind, form of stage and shape
 *
 * The twin convolves directly, in double: a pixel at a time, a neighbour at a time, beyond the border the edge in the neighbour's place.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "nets/conv.h"

#define ROWS 5          /* images: more than a tile, and no multiple of one */
#define TWIN_TOL 1e-12  /* double, sums of at most 9 x 20 terms, stage after stage */
#define FLOAT_TOL 3e-5
#define STEP 1e-6
#define SLOPE_TOL 1e-7  /* relative to 1 + |value|: exp(3 r) is steep */

static double draw(uint64_t index) { return 2.0 * nfi_uniform(4712, NFI_STREAM_CHECK, index) - 1.0; }

static void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64));
    return p;
}

/* Planes: `data` of the row's numbers, one of ones and zeros by the checkerboard where `board`, then `cond` that are constant. */
struct shape {
    int32_t kind;
    int64_t height, width, data, board, cond, out, hidden, blocks;
};
static const struct shape shapes[] = {
    /* in <= out gathers, in > out scatters; the last stage of glow scatters where hidden > out */
    { NFI_CONVNET_LINEAR, 1, 1, 1, 0, 0, 1, 1, 1 },
    { NFI_CONVNET_LINEAR, 5, 4, 2, 0, 0, 5, 1, 1 },
    { NFI_CONVNET_LINEAR, 5, 4, 5, 0, 1, 2, 1, 1 },
    { NFI_CONVNET_LINEAR, 1, 6, 3, 1, 0, 2, 1, 1 },
    { NFI_CONVNET_LINEAR, 2, 2, 0, 0, 3, 2, 1, 1 },
    { NFI_CONVNET_LINEAR, 3, 3, 0, 0, 0, 4, 1, 1 }, /* of nothing: the border alone */
    { NFI_CONVNET_GLOW, 1, 1, 1, 0, 0, 2, 4, 1 },
    { NFI_CONVNET_GLOW, 1, 7, 2, 0, 1, 4, 5, 1 },
    { NFI_CONVNET_GLOW, 7, 1, 2, 0, 0, 4, 3, 1 },
    { NFI_CONVNET_GLOW, 2, 2, 1, 0, 0, 17, 16, 1 },
    { NFI_CONVNET_GLOW, 5, 4, 3, 1, 2, 6, 18, 1 },
    { NFI_CONVNET_GLOW, 5, 4, 6, 0, 0, 9, 4, 1 }, /* scatters first, gathers last */
    { NFI_CONVNET_RESIDUAL, 1, 1, 2, 1, 0, 2, 3, 1 },
    { NFI_CONVNET_RESIDUAL, 1, 3, 1, 0, 0, 2, 5, 2 },
    { NFI_CONVNET_RESIDUAL, 2, 2, 5, 0, 1, 4, 3, 1 },
    { NFI_CONVNET_RESIDUAL, 4, 5, 1, 1, 0, 3, 4, 3 },
    /* strips: 128 pixels are one, images straddle them */
    { NFI_CONVNET_LINEAR, 11, 12, 1, 0, 0, 2, 1, 1 },
    { NFI_CONVNET_GLOW, 12, 11, 1, 0, 0, 2, 3, 1 },
    { NFI_CONVNET_RESIDUAL, 9, 15, 1, 0, 0, 2, 2, 1 },
};
#define N_SHAPES ((int)(sizeof shapes / sizeof *shapes))
#define N_SMALL (N_SHAPES - 3) /* of those that differences of every parameter are affordable */

/* The twin */

struct twin_stage {
    int64_t in, out;
    int three, relu, back;
};

static int twin_stages(const struct shape *s, struct twin_stage *to)
{
    const int64_t in = s->data + s->board + s->cond, h = s->hidden;
    int count = 0;
    if (s->kind == NFI_CONVNET_LINEAR) {
        to[count++] = (struct twin_stage){ in, s->out, 1, 0, 0 };
        return count;
    }
    to[count++] = (struct twin_stage){ in, h, 1, 1, 0 };
    for (int64_t i = 0; s->kind == NFI_CONVNET_RESIDUAL && i < s->blocks; i++) {
        to[count++] = (struct twin_stage){ h, h, 1, 1, 0 };
        to[count++] = (struct twin_stage){ h, h, 1, 1, 2 };
    }
    if (s->kind == NFI_CONVNET_GLOW) to[count++] = (struct twin_stage){ h, h, 0, 1, 0 };
    to[count++] = (struct twin_stage){ h, s->out, s->kind == NFI_CONVNET_GLOW, 0, 0 };
    return count;
}

static int64_t twin_weights(const struct twin_stage *c) { return (c->three ? 9 : 1) * c->in * c->out; }
static int64_t twin_count(const struct twin_stage *c) { return twin_weights(c) + (c->three ? 9 * c->out : 0) + 2 * c->out; }

/* Of neighbour t = 3 (dy + 1) + dx + 1, at p + (dy, dx): thick inputs hold it by where their products go, that is at -(dy, dx). */
static double twin_weight(const struct twin_stage *c, const double *w, int64_t t, int64_t i, int64_t j)
{
    if (!c->three) return w[i * c->out + j];
    return c->in <= c->out ? w[(t * c->in + i) * c->out + j] : w[(i * 9 + 8 - t) * c->out + j];
}

/* (K * x + b) exp(3 r) at a pixel and channel. */
static double twin_pixel(const struct shape *s, const struct twin_stage *c, const double *theta, const double *x, int64_t p, int64_t j)
{
    const double *edge = theta + twin_weights(c), *bias = edge + (c->three ? 9 * c->out : 0), *r = bias + c->out;
    double sum = bias[j];
    for (int64_t t = c->three ? 0 : 4; t < (c->three ? 9 : 5); t++) {
        const int64_t y = p / s->width + t / 3 - 1, v = p % s->width + t % 3 - 1;
        if (y < 0 || y >= s->height || v < 0 || v >= s->width) {
            sum += edge[t * c->out + j];
            continue;
        }
        for (int64_t i = 0; i < c->in; i++) sum += x[(y * s->width + v) * c->in + i] * twin_weight(c, theta, t, i, j);
    }
    return sum * exp(3.0 * r[j]);
}

/* All stages of one image; y[l] of each [pixels][out], and where `linear` is not NULL the sums of stage `stop` before skip and ReLU. */
static void twin_run(const struct shape *s, const double *theta, const double *planes, double *const *y, int stop, double *linear)
{
    struct twin_stage stage[12];
    const int count = twin_stages(s, stage);
    const int64_t pixels = s->height * s->width;

    for (int l = 0; l < count; theta += twin_count(&stage[l]), l++) {
        const struct twin_stage *c = &stage[l];
        for (int64_t k = 0; k < pixels * c->out; k++) {
            double value = twin_pixel(s, c, theta, l ? y[l - 1] : planes, k / c->out, k % c->out);
            if (linear && l == stop) linear[k] = value;
            if (c->back) value += y[l - c->back][k];
            y[l][k] = c->relu && value < 0 ? 0 : value;
        }
        if (linear && l == stop) return;
    }
}

/* One net in one precision, with all the memory that its operations ask for */

struct bench {
    const struct shape *shape;
    nf_maker *maker;
    nfi_convnet conv;
    nfi_net net;
    const nfi_kernels *k;
    int64_t n, pixels;
    int32_t *plane, *answer;
    double *theta, *x, *dx; /* of both precisions: exact in float */
    void *narrow, *packed, *turned, *saved, *scratch, *in, *out, *d_in, *d_out, *grad, *g_in;
};

static double get(const struct bench *b, const void *array, int64_t i)
{
    return b->k->size == 4 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static void put(const struct bench *b, void *array, int64_t i, double value)
{
    if (b->k->size == 4) ((float *)array)[i] = (float)value;
    else ((double *)array)[i] = value;
}

static void bench_maps(struct bench *b)
{
    const struct shape *s = b->shape;
    const int64_t ld = nfi_convnet_ld_out(&b->conv);
    int32_t *to = b->plane = memory(b->pixels * b->conv.in * 4 + 4);

    for (int64_t p = 0; p < b->pixels; p++) {
        for (int64_t j = 0; j < s->data; j++) *to++ = (int32_t)(p * s->data + j);
        if (s->board) *to++ = (p / s->width + p % s->width) % 2 ? NFI_PLANE_ZERO : NFI_PLANE_ONE;
        for (int64_t j = 0; j < s->cond; j++) *to++ = (int32_t)(b->pixels * s->data + j);
    }
    b->answer = memory(b->conv.n_out * 4);
    for (int64_t i = 0; i < b->conv.n_out; i++) { /* backwards */
        const int64_t k = b->conv.n_out - 1 - i;
        b->answer[i] = (int32_t)(k / s->out * ld + k % s->out);
    }
    b->conv.plane = b->plane;
    b->conv.answer = b->answer;
}

static void bench_pack(struct bench *b)
{
    for (int64_t i = 0; i < b->net.theta_count; i++) put(b, b->narrow, i, b->theta[i]);
    b->net.ops->pack(b->net.self, b->k, b->narrow, b->packed, b->turned);
}

static void bench_fill(const struct bench *b, const double *rows, int64_t first, int64_t n, void *to)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < b->conv.n_in; j++) put(b, to, i * b->net.ld_in + j, rows[(first + i) * b->conv.n_in + j]);
}

static void bench_values(struct bench *b)
{
    const int64_t count = b->net.theta_count, rows = b->n * b->conv.n_in;
    b->theta = memory(count * 8);
    b->x = memory(rows * 8);
    b->dx = memory(rows * 8);
    b->net.ops->reset(b->net.self, NF_F64, 5, 77, b->theta);
    for (int64_t i = 0; i < count; i++) b->theta[i] = (double)(float)(b->theta[i] + 0.25 * draw((uint64_t)i));
    for (int64_t i = 0; i < rows; i++) {
        b->x[i] = (double)(float)(1.5 * draw((uint64_t)(100000 + i)));
        b->dx[i] = (double)(float)draw((uint64_t)(200000 + i));
    }
}

static void bench_begin_with(struct bench *b, int shape, const nfi_kernels *k, int64_t n)
{
    const struct shape *s = &shapes[shape];
    const int64_t pixels = s->height * s->width;
    *b = (struct bench){ .shape = s, .k = k, .n = n, .pixels = pixels };
    b->conv = (nfi_convnet){ .height = s->height, .width = s->width, .pixels = pixels, .in = s->data + s->board + s->cond, .out = s->out,
                             .n_in = pixels * s->data + s->cond, .n_out = pixels * s->out };
    ck_assert_int_eq(nfi_maker_create(&b->maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_convnet_create(&b->conv, b->maker, s->kind, s->hidden, s->blocks), NF_OK);
    bench_maps(b);
    b->net = nfi_convnet_net(&b->conv);
    bench_values(b);
    b->narrow = memory(b->net.theta_count * k->size);
    b->grad = memory(b->net.theta_count * k->size);
    b->packed = memory(b->net.ops->packed_bytes(b->net.self, k));
    b->turned = memory(b->net.ops->turned_bytes(b->net.self, k));
    b->saved = memory(n * b->net.ops->saved_bytes(b->net.self, k));
    b->scratch = memory(2 * n * b->net.ops->scratch_bytes(b->net.self, k) + nfi_net_scratch_fixed(&b->net, k));
    b->in = memory(n * b->net.ld_in * k->size);
    b->d_in = memory(n * b->net.ld_in * k->size);
    b->g_in = memory(n * b->net.ld_in * k->size);
    b->out = memory(n * b->net.ld_out * k->size);
    b->d_out = memory(n * b->net.ld_out * k->size);
    bench_fill(b, b->x, 0, n, b->in);
    bench_fill(b, b->dx, 0, n, b->d_in);
    bench_pack(b);
}

static void bench_begin(struct bench *b, int shape, int32_t dtype, int64_t n) { bench_begin_with(b, shape, nfi_kernels_for(NULL, dtype), n); }

static void bench_end(struct bench *b)
{
    void *const all[] = { b->plane, b->answer, b->theta, b->x, b->dx, b->narrow, b->packed, b->turned, b->saved, b->scratch, b->in, b->out,
                          b->d_in, b->d_out, b->grad, b->g_in };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    nfi_maker_free(b->maker);
}

/* The twin's hidden and last stages of row i; freed with free(y[0]). */
static void bench_twin(const struct bench *b, int64_t i, double **y, int stop, double *linear)
{
    struct twin_stage stage[12];
    const int count = twin_stages(b->shape, stage);
    double *planes = memory(b->pixels * b->conv.in * 8), *all;
    int64_t sum = 0;

    for (int l = 0; l < count; l++) sum += b->pixels * stage[l].out;
    all = memory(sum * 8);
    for (int l = 0; l < count; all += b->pixels * stage[l].out, l++) y[l] = all;
    for (int64_t k = 0; k < b->pixels * b->conv.in; k++)
        planes[k] = b->plane[k] >= 0 ? b->x[i * b->conv.n_in + b->plane[k]] : b->plane[k] == NFI_PLANE_ONE ? 1 : 0;
    twin_run(b->shape, b->theta, planes, y, stop, linear);
    free(planes);
}

/* What goes out of row i. */
static void bench_want(const struct bench *b, int64_t i, double *want)
{
    struct twin_stage stage[12];
    const int last = twin_stages(b->shape, stage) - 1;
    double *y[12];
    bench_twin(b, i, y, -1, NULL);
    for (int64_t j = 0; j < b->conv.n_out; j++) want[j] = y[last][b->conv.n_out - 1 - j];
    free(y[0]);
}

static void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.15g, should be %.15g", what, (long long)k, got, want);
}

static void bench_value(struct bench *b, int64_t n, void *saved)
{
    b->net.ops->value(b->net.self, b->k, n, b->packed, b->in, b->out, saved, b->scratch);
}

START_TEST(conv__value_equals_plain_twin)
{
    struct bench b;
    bench_begin(&b, _i / 2, _i % 2 ? NF_F32 : NF_F64, ROWS);
    double *want = memory(b.conv.n_out * 8);
    for (int pass = 0; pass < 2; pass++) {
        bench_value(&b, ROWS, pass ? b.saved : NULL);
        for (int64_t i = 0; i < ROWS; i++) {
            bench_want(&b, i, want);
            for (int64_t j = 0; j < b.conv.n_out; j++)
                near(get(&b, b.out, i * b.net.ld_out + j), want[j], _i % 2 ? FLOAT_TOL : TWIN_TOL, "y", j);
        }
    }
    free(want);
    bench_end(&b);
}
END_TEST

/* The loss whose gradient is compared: a fixed mix of all outputs. */
static double mix(int64_t i, int64_t j) { return draw((uint64_t)(300000 + i * 1000 + j)); }

static double twin_loss(const struct bench *b)
{
    double *y = memory(b->conv.n_out * 8), loss = 0.0;
    for (int64_t i = 0; i < b->n; i++) {
        bench_want(b, i, y);
        for (int64_t j = 0; j < b->conv.n_out; j++) loss += mix(i, j) * y[j];
    }
    free(y);
    return loss;
}

static double twin_slope(const struct bench *b, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    const double above = twin_loss(b);
    *at = keep - STEP;
    const double below = twin_loss(b);
    *at = keep;
    return (above - below) / (2.0 * STEP);
}

/* Gradients of the mix; grad and g_in may be left out. grad starts at `start`. */
static void bench_reverse(struct bench *b, double start, bool grad, bool g_in)
{
    bench_value(b, b->n, b->saved);
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t j = 0; j < b->conv.n_out; j++) put(b, b->out, i * b->net.ld_out + j, mix(i, j));
    for (int64_t i = 0; i < b->net.theta_count; i++) put(b, b->grad, i, start);
    b->net.ops->reverse(b->net.self, b->k, b->n, b->turned, b->in, b->saved, b->out, g_in ? b->g_in : NULL, grad ? b->grad : NULL, b->scratch);
}

START_TEST(conv__reverse_matches_central_differences)
{
    struct bench b;
    bench_begin(&b, _i, NF_F64, 2);
    bench_reverse(&b, 1.0, true, true);
    for (int64_t k = 0; k < b.net.theta_count; k++) near(get(&b, b.grad, k) - 1.0, twin_slope(&b, b.theta + k), SLOPE_TOL, "theta", k);
    for (int64_t i = 0; i < b.n; i++)
        for (int64_t j = 0; j < b.conv.n_in; j++)
            near(get(&b, b.g_in, i * b.net.ld_in + j), twin_slope(&b, b.x + i * b.conv.n_in + j), SLOPE_TOL, "x", i * b.conv.n_in + j);
    bench_end(&b);
}
END_TEST

/* Images of strips: some parameters and inputs of each stage. */
START_TEST(conv__reverse_of_strips_matches_central_differences)
{
    struct bench b;
    bench_begin(&b, N_SMALL + _i, NF_F64, 2);
    bench_reverse(&b, 0.0, true, true);
    for (int64_t k = 0; k < b.net.theta_count; k += 5) near(get(&b, b.grad, k), twin_slope(&b, b.theta + k), SLOPE_TOL, "theta", k);
    for (int64_t k = 0; k < b.n * b.conv.n_in; k += 11)
        near(get(&b, b.g_in, k / b.conv.n_in * b.net.ld_in + k % b.conv.n_in), twin_slope(&b, b.x + k), SLOPE_TOL, "x", k);
    bench_end(&b);
}
END_TEST

/* In float the same gradients, and each alone has the bits it has beside the other. */
START_TEST(conv__reverse_in_float_and_in_parts)
{
    struct bench wide, b, part;
    bench_begin(&wide, _i, NF_F64, ROWS);
    bench_begin(&b, _i, NF_F32, ROWS);
    bench_begin(&part, _i, NF_F32, ROWS);
    bench_reverse(&wide, 0.0, true, true);
    bench_reverse(&b, 0.0, true, true);
    double most = 1.0;
    for (int64_t k = 0; k < b.net.theta_count; k++) most = fmax(most, fabs(get(&wide, wide.grad, k)));
    for (int64_t k = 0; k < b.net.theta_count; k++) near(get(&b, b.grad, k) / most, get(&wide, wide.grad, k) / most, FLOAT_TOL, "theta", k);
    bench_reverse(&part, 0.0, true, false);
    ck_assert_mem_eq(part.grad, b.grad, (size_t)b.net.theta_count * 4);
    bench_reverse(&part, 0.0, false, true);
    for (int64_t k = 0; k < b.net.theta_count; k++) ck_assert(((float *)part.grad)[k] == 0);
    for (int64_t i = 0; i < ROWS; i++) {
        const float *row = (const float *)b.g_in + i * b.net.ld_in;
        ck_assert_mem_eq((const float *)part.g_in + i * b.net.ld_in, row, (size_t)b.conv.n_in * 4);
        for (int64_t j = 0; j < b.conv.n_in; j++) near(row[j], get(&wide, wide.g_in, i * b.net.ld_in + j), 10 * FLOAT_TOL, "x", j);
    }
    bench_end(&wide);
    bench_end(&b);
    bench_end(&part);
}
END_TEST

START_TEST(conv__tangents_match_central_differences)
{
    struct bench b;
    bench_begin(&b, _i, NF_F64, ROWS);
    const int64_t count = b.conv.n_out, rows = b.n * b.conv.n_in;
    double *above = memory(count * 8), *below = memory(count * 8), *value = memory(b.n * b.net.ld_out * 8);
    double *keep = memory(rows * 8 + 8);

    bench_value(&b, ROWS, NULL);
    memcpy(value, b.out, (size_t)(b.n * b.net.ld_out) * 8);
    b.net.ops->jvp(b.net.self, b.k, ROWS, b.packed, b.in, b.d_in, b.out, b.d_out, b.scratch);
    memcpy(keep, b.x, (size_t)rows * 8);
    for (int64_t i = 0; i < ROWS; i++) {
        ck_assert_mem_eq((double *)b.out + i * b.net.ld_out, value + i * b.net.ld_out, (size_t)count * 8);
        for (int64_t k = 0; k < rows; k++) b.x[k] = keep[k] + STEP * b.dx[k];
        bench_want(&b, i, above);
        for (int64_t k = 0; k < rows; k++) b.x[k] = keep[k] - STEP * b.dx[k];
        bench_want(&b, i, below);
        for (int64_t j = 0; j < count; j++)
            near(((double *)b.d_out)[i * b.net.ld_out + j], (above[j] - below[j]) / (2.0 * STEP), SLOPE_TOL, "dy", j);
    }
    free(above), free(below), free(value), free(keep);
    bench_end(&b);
}
END_TEST

/* Of 7 images, each alone and in tiles of 2, 3, 4, kept or not: the same bits. */
START_TEST(conv__image_has_the_same_bits_in_any_tile)
{
    enum { ALL = 7 };
    struct bench b, part;
    bench_begin(&b, _i / 2, _i % 2 ? NF_F32 : NF_F64, ALL);
    bench_begin(&part, _i / 2, _i % 2 ? NF_F32 : NF_F64, ALL);
    const int64_t row = b.net.ld_out * b.k->size, used = b.conv.n_out * b.k->size;

    bench_value(&b, ALL, b.saved);
    for (int64_t tile = 1; tile <= 4; tile++)
        for (int64_t first = 0; first < ALL; first += tile) {
            const int64_t n = nfi_min(tile, ALL - first);
            bench_fill(&part, b.x, first, n, part.in);
            bench_value(&part, n, tile % 2 ? NULL : part.saved);
            for (int64_t i = 0; i < n; i++) ck_assert_mem_eq((char *)part.out + i * row, (char *)b.out + (first + i) * row, (size_t)used);
        }
    bench_end(&b);
    bench_end(&part);
}
END_TEST

/* Values and gradients of every instruction set with fused multiply-add. */
START_TEST(conv__instruction_sets_agree)
{
    static const int32_t isas[] = { NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON };
    struct bench first = { 0 }, b;
    for (int k = 0; k < 3; k++) {
        const nfi_kernels *kernels = nfi_kernels_isa(isas[k], _i % 2 ? NF_F32 : NF_F64);
        if (!kernels) continue;
        bench_begin_with(&b, _i / 2, kernels, ROWS);
        bench_value(&b, ROWS, NULL);
        memcpy(b.d_out, b.out, (size_t)(ROWS * b.net.ld_out * b.k->size));
        bench_reverse(&b, 0.0, true, true);
        if (first.k) {
            for (int64_t i = 0; i < ROWS; i++) {
                const int64_t in = i * b.net.ld_in * b.k->size, out = i * b.net.ld_out * b.k->size;
                ck_assert_mem_eq((char *)b.d_out + out, (char *)first.d_out + out, (size_t)(b.conv.n_out * b.k->size));
                ck_assert_mem_eq((char *)b.g_in + in, (char *)first.g_in + in, (size_t)(b.conv.n_in * b.k->size));
            }
            ck_assert_mem_eq(b.grad, first.grad, (size_t)(b.net.theta_count * b.k->size));
            bench_end(&b);
        } else {
            first = b;
        }
    }
    if (first.k) bench_end(&first);
}
END_TEST

/* Initialisation */

static void init_fill(const void *user, int64_t first, int64_t n, void *in)
{
    const struct bench *b = user;
    bench_fill(b, b->x, first, n, in);
}

static nf_status bench_init(struct bench *b, int64_t most)
{
    const nfi_net_data data = { .fill = init_fill, .user = b, .n = b->n, .most = most, .in = b->in, .scratch = b->scratch };
    nf_status status = NF_OK;
    for (int32_t pass = 0; pass < b->net.init_passes && status == NF_OK; pass++) {
        status = b->net.ops->init(b->net.self, b->k, pass, &data, b->packed, b->narrow);
        for (int64_t i = 0; i < b->net.theta_count; i++) b->theta[i] = get(b, b->narrow, i);
        bench_pack(b);
    }
    return status;
}

/* Mean and standard deviation of the twin's channel before skip and ReLU, over images and pixels. */
static void twin_moments(const struct bench *b, int l, int64_t out, double *mean, double *sd)
{
    double *y[12], *linear = memory(b->pixels * out * 8);
    for (int64_t j = 0; j < out; j++) mean[j] = sd[j] = 0.0;
    for (int64_t i = 0; i < b->n; i++) {
        bench_twin(b, i, y, l, linear);
        for (int64_t k = 0; k < b->pixels * out; k++) {
            mean[k % out] += linear[k];
            sd[k % out] += linear[k] * linear[k];
        }
        free(y[0]);
    }
    for (int64_t j = 0; j < out; j++) {
        mean[j] /= (double)(b->n * b->pixels);
        sd[j] = sqrt(sd[j] / (double)(b->n * b->pixels) - mean[j] * mean[j]);
    }
    free(linear);
}

START_TEST(conv__init_makes_hidden_channels_standard)
{
    struct twin_stage stage[12];
    struct bench b, other;
    double mean[32], sd[32];
    bench_begin(&b, _i / 2, _i % 2 ? NF_F32 : NF_F64, 33);
    bench_begin(&other, _i / 2, _i % 2 ? NF_F32 : NF_F64, 33);
    const int count = twin_stages(b.shape, stage);
    ck_assert_int_eq(b.net.init_passes, count - 1);
    ck_assert_msg(bench_init(&b, 4) == NF_OK, "%s", nf_last_error());
    for (int l = 0; l + 1 < count; l++) {
        twin_moments(&b, l, stage[l].out, mean, sd);
        for (int64_t j = 0; j < stage[l].out; j++) {
            ck_assert_msg(fabs(mean[j]) <= (_i % 2 ? 1e-4 : 1e-11), "stage %d channel %lld: mean %g", l, (long long)j, mean[j]);
            near(sd[j], 1.0, _i % 2 ? 1e-4 : 1e-10, "sd", j);
        }
    }
    ck_assert_int_eq(bench_init(&other, 7), NF_OK); /* in other parts: the same bits */
    ck_assert_mem_eq(b.narrow, other.narrow, (size_t)(b.net.theta_count * b.k->size));
    bench_end(&b);
    bench_end(&other);
}
END_TEST

/* Of the first stage, the last weights and everything: unchanged, but what earlier passes did. */
START_TEST(conv__init_names_a_channel_that_does_not_vary)
{
    struct bench b;
    int shape = 0;
    while (shapes[shape].kind != NFI_CONVNET_GLOW || shapes[shape].height != 5 || shapes[shape].board) shape++; /* no plane of its own varies */
    bench_begin(&b, shape, NF_F64, 6);
    double *before = memory(b.net.theta_count * 8);
    for (int64_t k = 0; k < b.n * b.conv.n_in; k++) b.x[k] = 3.0;
    for (int64_t k = 0; k < 9 * b.conv.in * b.shape->hidden + 9 * b.shape->hidden; k++) b.theta[k] = 0.0; /* weight and edge of stage 0 */
    bench_pack(&b);
    memcpy(before, b.theta, (size_t)b.net.theta_count * 8);
    ck_assert_int_eq(bench_init(&b, 3), NF_ERR_DEGENERATE);
    ck_assert_msg(strstr(nf_last_error(), "network stage 0: channel 0 does not vary"), "%s", nf_last_error());
    ck_assert_mem_eq(b.narrow, before, (size_t)b.net.theta_count * 8);
    bench_end(&b);

    bench_begin(&b, shape, NF_F64, 6);
    const int64_t hidden = b.shape->hidden, second = 9 * b.conv.in * hidden + 11 * hidden;
    for (int64_t i = 0; i < hidden; i++) b.theta[second + i * hidden + 2] = 0.0; /* column 2 of the 1x1 */
    bench_pack(&b);
    ck_assert_int_eq(bench_init(&b, 3), NF_ERR_DEGENERATE);
    ck_assert_msg(strstr(nf_last_error(), "network stage 1: channel 2 does not vary"), "%s", nf_last_error());
    free(before);
    bench_end(&b);
}
END_TEST

/* Parameters */

START_TEST(conv__check_value)
{
    struct bench b;
    bench_begin(&b, 0, NF_F64, 1);
    ck_assert_int_eq(b.net.theta_count, 9 + 9 + 2);
    for (int64_t k = 0; k < 20; k++) b.theta[k] = k == 4 ? 0.7 : k >= 9 && k < 18 && k != 13 ? 0.1 : 0.0;
    b.theta[13] = 17.0; /* of no neighbour that is ever beyond the border */
    b.theta[18] = 0.2;
    b.theta[19] = 0.05;
    b.x[0] = 2.385;
    bench_fill(&b, b.x, 0, 1, b.in);
    bench_pack(&b);
    bench_value(&b, 1, NULL);
    near(get(&b, b.out, 0), 3.1015165110, 1e-10, "y", 0);
    bench_end(&b);
}
END_TEST

/* Views are contiguous, cover everything, and say what shape the twin reads them by. */
START_TEST(conv__views_cover_the_parameters)
{
    struct twin_stage stage[12];
    struct bench b;
    bench_begin(&b, _i, NF_F64, 1);
    const int count = twin_stages(b.shape, stage);
    int64_t at = 0;
    int32_t view = 0;
    for (int l = 0; l < count; l++) {
        const int64_t sizes[] = { twin_weights(&stage[l]), stage[l].three ? 9 * stage[l].out : 0, stage[l].out, stage[l].out };
        static const char *const names[] = { "weight", "edge", "bias", "log_scale" };
        for (int v = 0; v < 4; at += sizes[v], v++) {
            nf_param param = { .struct_size = sizeof param };
            char name[64];
            int64_t size = 1;
            if (sizes[v] == 0) continue;
            b.net.ops->param(b.net.self, "net", 100, view++, &param);
            (void)snprintf(name, sizeof name, "net.%d.%s", l, names[v]);
            ck_assert_str_eq(param.name, name);
            ck_assert_int_eq(param.offset, 100 + at);
            for (int32_t d = 0; d < param.rank; d++) size *= param.shape[d];
            ck_assert_int_eq(size, sizes[v]);
            ck_assert_int_eq(param.properties, v ? NF_PARAM_NO_DECAY : 0);
        }
    }
    ck_assert_int_eq(view, b.net.ops->param_count(b.net.self));
    ck_assert_int_eq(at, b.net.theta_count);
    bench_end(&b);
}
END_TEST

/* Hidden weights are uniform with sd 0.05; edges, biases, scales and the last stage 0, so that a net starts by answering 0. */
START_TEST(conv__initial_weights_keep_to_their_rule)
{
    struct twin_stage stage[12];
    struct bench b;
    bench_begin(&b, _i, NF_F64, 2);
    const int count = twin_stages(b.shape, stage);
    const double limit = 0.05 * sqrt(3.0);
    double most = 0.0;
    int64_t at = 0;
    b.net.ops->reset(b.net.self, NF_F64, 9, 3, b.theta);
    b.net.ops->reset(b.net.self, NF_F32, 9, 3, b.narrow);
    for (int64_t k = 0; k < b.net.theta_count; k++) ck_assert(((float *)b.narrow)[k] == (float)b.theta[k]);
    for (int l = 0; l < count; at += twin_count(&stage[l]), l++)
        for (int64_t k = 0; k < twin_count(&stage[l]); k++) {
            if (l + 1 < count && k < twin_weights(&stage[l])) most = fmax(most, fabs(b.theta[at + k]));
            else ck_assert(b.theta[at + k] == 0.0);
        }
    ck_assert(count == 1 ? most == 0.0 : most <= limit && most > 0.8 * limit);
    bench_pack(&b);
    bench_value(&b, 2, NULL);
    for (int64_t k = 0; k < b.conv.n_out; k++) ck_assert(get(&b, b.out, k) == 0.0);
    bench_end(&b);
}
END_TEST

START_TEST(conv__refuses_sizes_out_of_range)
{
    static const struct { int64_t side, in, out, hidden, blocks; } bad[] = {
        { 2, 1, 2, 65537, 1 }, { 2, 65537, 2, 4, 1 }, { 2, 1, 65537, 4, 1 }, { 2, 1, 2, 4, 65 }, { 65536, 1, 2, 4096, 1 }, { 3037000499, 65536, 2, 4, 1 },
    };
    nf_maker *maker;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    nfi_convnet net = { .height = bad[_i].side, .width = bad[_i].side, .pixels = bad[_i].side * bad[_i].side, .in = bad[_i].in, .out = bad[_i].out };
    ck_assert_int_eq(nfi_convnet_create(&net, maker, NFI_CONVNET_RESIDUAL, bad[_i].hidden, bad[_i].blocks), NF_ERR_LIMIT);
    ck_assert_msg(strncmp(nf_last_error(), "network: ", 9) == 0, "%s", nf_last_error());
    nfi_maker_free(maker);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, conv__value_equals_plain_twin, 0, 2 * N_SHAPES);
    tcase_add_loop_test(all, conv__reverse_matches_central_differences, 0, N_SMALL);
    tcase_add_loop_test(all, conv__reverse_of_strips_matches_central_differences, 0, N_SHAPES - N_SMALL);
    tcase_add_loop_test(all, conv__reverse_in_float_and_in_parts, 0, N_SHAPES);
    tcase_add_loop_test(all, conv__tangents_match_central_differences, 0, N_SHAPES);
    tcase_add_loop_test(all, conv__image_has_the_same_bits_in_any_tile, 0, 2 * N_SHAPES);
    tcase_add_loop_test(all, conv__instruction_sets_agree, 0, 2 * N_SHAPES);
    tcase_add_loop_test(all, conv__init_makes_hidden_channels_standard, 2 * 6, 2 * N_SHAPES); /* those before have no hidden stage */
    tcase_add_test(all, conv__init_names_a_channel_that_does_not_vary);
    tcase_add_test(all, conv__check_value);
    tcase_add_loop_test(all, conv__views_cover_the_parameters, 0, N_SHAPES);
    tcase_add_loop_test(all, conv__initial_weights_keep_to_their_rule, 0, N_SHAPES);
    tcase_add_loop_test(all, conv__refuses_sizes_out_of_range, 0, 6);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
