/* SPDX-License-Identifier: MIT
 *
 * layers_test.c - the operations of every built-in layer, against independent answers
 *
 * Each row of layer_cases is run through: inverse undoes forward; log|det| equals that of a dense central-difference
 * Jacobian; gradients of x, theta and cond, and tangents, match central differences. Check values repeat the files'.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "layers/autoregressive.h"
#include "layers/fold.h"
#include "layers/layer.h"
#include "layers/scale.h"
#include "nets/mlp.h"
#include <nflow/autoregressive.h>
#include <nflow/continuous.h>
#include <nflow/planar.h>

#define ROWS 5
#define STEP 1e-5       /* of central differences: error about STEP^2 + 1e-16 / STEP */
#define SLOPE_TOL 2e-7  /* relative to 1 + |value|: ten times that */
#define ROUND_TOL 1e-11 /* a round trip in double */

/* Keys of rows, as the flow would give them */
static const uint64_t row_keys[64] = { 901, 17, 4, 0, 65537, 12, 3, 7777, 1, 2, 5 };

/* One layer in one precision, with all the memory that its operations ask for */
struct bench {
    nf_layer *layer;
    const nf_layer_ops *ops;
    int64_t size, n, dim, cond_dim, count;
    nf_layer_info info;
    nf_tile tile;
    void *theta, *grad, *packed, *packed_backward, *scratch, *saved, *cond, *grad_cond;
    double *log_det;
};

static void *bench_memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64)); /* nothing is cleared for an operation */
    return p;
}

static double draw(uint64_t index) { return 2.0 * nfi_uniform(20817, NFI_STREAM_CHECK, index) - 1.0; }

static void put(const struct bench *b, void *array, int64_t i, double value)
{
    if (b->size == 4) ((float *)array)[i] = (float)value;
    else ((double *)array)[i] = value;
}

static double get(const struct bench *b, const void *array, int64_t i)
{
    return b->size == 4 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static void bench_pack(struct bench *b)
{
    for (int64_t part = 0; b->ops->pack && part < b->info.packed_parts; part++)
        b->ops->pack(b->layer->self, b->info.kernels, b->theta, b->packed, b->info.packed_backward ? b->packed_backward : NULL, part);
}

static void bench_begin(struct bench *b, nf_layer *layer, int32_t dtype, int64_t n)
{
    const nfi_kernels *kernels = nfi_kernels_for(NULL, dtype);
    *b = (struct bench){ .layer = layer, .ops = nfi_layer_ops(layer, dtype), .size = kernels->size, .n = n,
                         .dim = layer->dim, .cond_dim = layer->cond_dim, .count = layer->param_count,
                         .info = nfi_layer_describe(layer, dtype, kernels) };
    b->theta = bench_memory(b->count * b->size);
    b->grad = bench_memory(b->count * b->size);
    b->packed = bench_memory(b->info.packed);
    b->packed_backward = bench_memory(b->info.packed_backward);
    b->scratch = bench_memory(b->info.scratch_row * n + b->info.scratch_fixed);
    b->saved = bench_memory(b->info.saved_row * n);
    b->cond = bench_memory(n * b->cond_dim * b->size);
    b->grad_cond = bench_memory(n * b->cond_dim * b->size);
    b->log_det = bench_memory(n * (int64_t)sizeof(double));
    memset(b->theta, 0, (size_t)(b->count * b->size));
    if (b->ops->reset) ck_assert_int_eq(b->ops->reset(layer->self, 11, 256, b->theta), NF_OK);
    for (int64_t i = 0; i < n * b->cond_dim; i++) put(b, b->cond, i, draw(5000 + (uint64_t)i));
    b->tile = (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = dtype, .n = n, .theta = b->theta,
                         .packed = b->packed, .packed_backward = b->packed_backward, .cond = b->cond_dim ? b->cond : NULL, .cond_dim = b->cond_dim,
                         .scratch = b->scratch, .log_det = b->log_det, .row_key = row_keys, .seed = 3, .stream = 256,
                         .kernels = kernels };
    bench_pack(b);
}

static int64_t param_count_of(const nf_param *param)
{
    int64_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) count *= param->shape[d];
    return count;
}

/* Moves theta away from its special start; frozen views stay. */
static void bench_shake(struct bench *b)
{
    const double gain = strcmp(b->layer->type->name, "coupling_conv") == 0 ? 0.3 : 0.8; /* exp(3 r) is steep: stage after stage of it */
    for (int32_t i = 0; i < b->layer->n_params; i++) {
        nf_param param = { .struct_size = sizeof param };
        ck_assert_int_eq(b->layer->type->param(b->layer->self, i, &param), NF_OK);
        if (param.properties & NF_PARAM_FROZEN) continue;
        for (int64_t k = param.offset; k < param.offset + param_count_of(&param); k++) put(b, b->theta, k, gain * draw((uint64_t)k));
    }
    bench_pack(b);
}

static void bench_end(struct bench *b)
{
    void *const memory[] = { b->theta, b->grad, b->packed, b->packed_backward, b->scratch, b->saved, b->cond, b->grad_cond, b->log_det };
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
    nf_layer_unref(b->layer);
}

static void bench_forward(struct bench *b, const void *x, void *z, void *saved)
{
    memset(b->log_det, 0, (size_t)b->n * sizeof(double));
    ck_assert_int_eq(b->ops->forward(b->layer->self, &b->tile, x, z, saved), NF_OK);
}

/* The loss whose gradient is compared: a fixed mix of all outputs. */
static double mix_z(int64_t k) { return draw(9000 + (uint64_t)k); }
static double mix_log_det(int64_t i) { return draw(9900 + (uint64_t)i); }

static double bench_loss(struct bench *b, const void *x)
{
    double *z = bench_memory(b->n * b->dim * b->size), loss = 0.0;
    bench_forward(b, x, z, NULL);
    for (int64_t k = 0; k < b->n * b->dim; k++) loss += mix_z(k) * get(b, z, k);
    for (int64_t i = 0; i < b->n; i++) loss += mix_log_det(i) * b->log_det[i];
    free(z);
    return loss;
}

/* d loss / d at[k] by central differences; repack when `at` is theta. */
static double bench_slope(struct bench *b, const void *x, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    bench_pack(b);
    const double above = bench_loss(b, x);
    *at = keep - STEP;
    bench_pack(b);
    const double below = bench_loss(b, x);
    *at = keep;
    bench_pack(b);
    return (above - below) / (2.0 * STEP);
}

static void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.12g, should be %.12g", what,
                  (long long)k, got, want);
}

/* Cases */

static nf_layer *make_affine(int32_t variant)
{
    nf_affine_config config = NF_AFFINE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 3;
    config.bound = variant ? 0.9 : 0.0;
    ck_assert_int_eq(nf_affine_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_actnorm(int32_t variant)
{
    nf_actnorm_config config = NF_ACTNORM_CONFIG_INIT;
    nf_layer *layer;
    static const int64_t shape[][2] = { { 1, 0 }, { 3, 0 }, { 4, 2 }, { 12, 3 }, { 300, 3 }, { 7, 1 } };
    config.dim = shape[variant][0];
    config.channels = shape[variant][1];
    ck_assert_int_eq(nf_actnorm_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_permutation(int32_t variant)
{
    nf_permutation_config config = NF_PERMUTATION_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 4;
    config.kind = variant ? NF_PERMUTATION_REVERSE : 0;
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_standardise(int32_t variant)
{
    const double mean[] = { 0.7, -1.3, 2.385 }, sd[] = { 1.3, 0.4, 2.2 };
    nf_standardise_config config = NF_STANDARDISE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 3;
    if (variant) {
        config.mean = mean;
        config.sd = sd;
        config.n_mean = config.n_sd = 3;
    }
    ck_assert_int_eq(nf_standardise_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_logit(int32_t variant)
{
    nf_logit_config config = NF_LOGIT_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 3;
    config.alpha = variant ? 0.05 : 0.0;
    ck_assert_int_eq(nf_logit_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Forms and sizes: those below, of and above a multiple of 16 columns */
static nf_layer *make_householder(int32_t variant)
{
    static const int64_t dims[] = { 2, 1, 5, 5 }, reflections[] = { 2, 0, 2, 9 };
    nf_householder_config config = NF_HOUSEHOLDER_CONFIG_INIT;
    nf_layer *layer;
    config.dim = dims[variant];
    config.reflections = reflections[variant];
    ck_assert_int_eq(nf_householder_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_planar(int32_t variant)
{
    static const int64_t dims[] = { 2, 1, 5 };
    const nf_planar_config config = { .struct_size = sizeof config, .dim = dims[variant] };
    nf_layer *layer;
    ck_assert_int_eq(nf_planar_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_radial(int32_t variant)
{
    static const int64_t dims[] = { 2, 1, 11 };
    nf_radial_config config = NF_RADIAL_CONFIG_INIT;
    nf_layer *layer;
    config.dim = dims[variant];
    ck_assert_int_eq(nf_radial_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_sylvester(int32_t variant)
{
    static const int64_t dims[] = { 2, 1, 5, 6, 19 }, ranks[] = { 0, 1, 2, 4, 17 }, reflections[] = { 0, 0, 3, 2, 0 };
    nf_sylvester_config config = NF_SYLVESTER_CONFIG_INIT;
    nf_layer *layer;
    config.dim = dims[variant];
    config.rank = ranks[variant];
    config.reflections = reflections[variant];
    ck_assert_int_eq(nf_sylvester_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_linear(int32_t variant)
{
    static const int64_t dims[] = { 1, 2, 5, 16, 19 };
    nf_linear_config config = NF_LINEAR_CONFIG_INIT;
    nf_layer *layer;
    config.dim = dims[variant % 5];
    config.form = 1 + variant / 5;
    ck_assert_int_eq(nf_linear_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Images of 1x1, 2x3 and 4x4 pixels, of one channel, three, and as many as products read in place; 169 pixels: two strips */
static nf_layer *make_invconv(int32_t variant)
{
    static const int64_t shapes[][3] = { { 1, 1, 3 }, { 2, 3, 1 }, { 2, 3, 3 }, { 4, 4, 3 }, { 1, 2, 16 }, { 13, 13, 2 } };
    nf_invconv_config config = NF_INVCONV_CONFIG_INIT;
    nf_layer *layer;
    config.height = shapes[variant % 6][0];
    config.width = shapes[variant % 6][1];
    config.channels = shapes[variant % 6][2];
    config.form = 1 + variant / 6;
    ck_assert_int_eq(nf_invconv_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_squeeze(int32_t variant)
{
    nf_squeeze_config config = NF_SQUEEZE_CONFIG_INIT;
    nf_layer *layer;
    config.height = variant / 4 ? 4 : 2;
    config.width = variant / 4 ? 4 : 6;
    config.channels = variant & 2 ? 4 : 1 + 2 * (variant / 4);
    config.order = 1 + variant % 2;
    config.reverse = variant & 2 ? 1 : 0;
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_dequantise(int32_t variant)
{
    nf_dequantise_config config = NF_DEQUANTISE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 1 + 6 * (variant % 3);
    config.shift = variant & 1 ? 0.5 : variant == 2 ? 1.0 / 3.0 : 0.0;
    config.noise = variant == 3 ? NF_NOISE_TRAINING : 0;
    ck_assert_int_eq(nf_dequantise_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static nf_layer *make_columns(int32_t variant)
{
    static const int64_t kind[] = { NF_COLUMN_POSITIVE, NF_COLUMN_BOUNDED, NF_COLUMN_REAL };
    static const double low[] = { -0.5, 0.0, 0.0 }, high[] = { 0.0, 1.0, 0.0 };
    static const int64_t turn[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL, NF_COLUMN_PERIODIC };
    static const double from[] = { -0.25, 0.0, 0.0 }, to[] = { 1.5, 0.0, 0.0 };
    nf_columns_config config = NF_COLUMNS_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 3;
    config.kind = variant == 2 ? turn : kind;
    config.low = variant == 2 ? from : low;
    config.high = variant == 2 ? to : high;
    config.n_kind = config.n_low = config.n_high = 3;
    config.half_turn = variant == 2 ? 2.5 : 0.0;
    config.alpha = variant == 1 ? 0.05 : 0.0;
    ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Every mask, kind of network and form of stage (gather, scatter, point), with and without cond; images of one pixel, one row, with an
 * inside, and of more pixels than a strip. */
#define CONV_VARIANTS 12
static nf_layer *make_coupling_conv(int32_t variant)
{
    static const struct { int64_t height, width, channels, cond_dim, hidden; int32_t mask, net, scale; } rows[CONV_VARIANTS] = {
        { 1, 1, 2, 0, 3, NF_IMAGE_MASK_CHANNELS, NF_CONV_GLOW, NF_SCALE_SIGMOID },
        { 1, 4, 3, 0, 5, NF_IMAGE_MASK_CHANNELS, NF_CONV_GLOW, NF_SCALE_SIGMOID },
        { 3, 3, 2, 2, 5, NF_IMAGE_MASK_CHANNELS, NF_CONV_GLOW, NF_SCALE_TANH },
        { 2, 2, 4, 0, 1, NF_IMAGE_MASK_CHANNELS, NF_CONV_GLOW, NF_SCALE_ADDITIVE },
        { 3, 2, 2, 0, 4, NF_IMAGE_MASK_CHECKERBOARD, NF_CONV_RESIDUAL, NF_SCALE_TANH },
        { 3, 4, 1, 1, 4, NF_IMAGE_MASK_CHECKERBOARD, NF_CONV_RESIDUAL, NF_SCALE_TANH },
        { 2, 2, 2, 0, 4, NF_IMAGE_MASK_CHECKERBOARD, NF_CONV_GLOW, NF_SCALE_SIGMOID },
        { 2, 3, 3, 0, 1, NF_IMAGE_MASK_CHANNELS, NF_CONV_LINEAR, NF_SCALE_SOFTCLIP },
        { 2, 2, 2, 6, 1, NF_IMAGE_MASK_CHANNELS, NF_CONV_LINEAR, NF_SCALE_SOFTCLIP }, /* in > out */
        { 3, 2, 2, 0, 1, NF_IMAGE_MASK_ALL, NF_CONV_LINEAR, NF_SCALE_SOFTCLIP },
        { 2, 3, 1, 2, 1, NF_IMAGE_MASK_ALL, NF_CONV_LINEAR, NF_SCALE_SOFTCLIP },
        { 12, 11, 1, 0, 1, NF_IMAGE_MASK_CHECKERBOARD, NF_CONV_LINEAR, NF_SCALE_SOFTCLIP },
    };
    nf_coupling_conv_config config = NF_COUPLING_CONV_CONFIG_INIT;
    nf_layer *layer;
    config.height = rows[variant].height;
    config.width = rows[variant].width;
    config.channels = rows[variant].channels;
    config.cond_dim = rows[variant].cond_dim;
    config.hidden = rows[variant].hidden;
    config.mask = rows[variant].mask;
    config.net = rows[variant].net;
    config.scale = rows[variant].scale;
    config.swap = variant & 1;
    config.blocks = 1 + variant % 2;
    ck_assert_msg(nf_coupling_conv_create(&layer, NULL, &config) == NF_OK, "variant %d: %s", variant, nf_last_error());
    return layer;
}

static nf_layer *make_split(int32_t variant)
{
    static const int64_t shapes[][4] = { { 1, 1, 2, 0 }, { 2, 3, 4, 0 }, { 3, 1, 3, 2 }, { 1, 2, 3, 0 } };
    nf_split_config config = NF_SPLIT_CONFIG_INIT;
    nf_layer *layer;
    config.height = shapes[variant][0];
    config.width = shapes[variant][1];
    config.channels = shapes[variant][2];
    config.keep = shapes[variant][3];
    ck_assert_int_eq(nf_split_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Every scale form and activation, both numbers of networks, cond or not, all masks. */
#define COUPLING_VARIANTS 36
static nf_layer *make_coupling(int32_t variant)
{
    static const int64_t hidden[] = { 7, 16 }, none[] = { 0 }, index[] = { 3, 0 };
    nf_coupling_affine_config config = NF_COUPLING_AFFINE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = variant == 35 ? 1 : 5;
    config.scale = variant == 26 ? NF_SCALE_SOFTPLUS_EPS : 1 + variant % 9;
    config.shift_first = variant % 5 == 2;
    config.activation = 1 + variant % 6;
    config.separate = variant / 9 % 2;
    config.cond_dim = variant / 18 ? 2 : 0;
    config.mask = 1 + variant % 3;
    config.swap = variant % 4 == 1;
    config.weights = 1 + variant % 3;
    config.random_last = 1;
    config.hidden = variant % 11 == 3 ? none : hidden;
    config.n_hidden = variant % 11 == 3 ? 1 : 2;
    config.index = config.mask == NF_MASK_INDEX && config.dim > 1 ? index : none;
    config.n_index = config.mask == NF_MASK_INDEX ? (config.dim > 1 ? 2 : 1) : 0;
    ck_assert_msg(nf_coupling_affine_create(&layer, NULL, &config) == NF_OK, "variant %d: %s", variant,
                  nf_last_error());
    return layer;
}

/* Both transforms, directions, all orders, every activation, cond or not, fewer hidden units than columns, one column. */
#define AUTO_VARIANTS 48
static nf_layer *make_autoregressive(int32_t variant)
{
    static const int64_t hidden[] = { 11, 16 }, few[] = { 3 }, none[] = { 0 }, index[] = { 3, 0, 4, 1, 2 };
    nf_autoregressive_config config = NF_AUTOREGRESSIVE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = variant % 12 == 11 ? 1 : 5;
    config.direction = 1 + variant % 2;
    config.transform = 1 + variant / 2 % 2;
    config.cond_dim = variant / 4 % 2 ? 2 : 0;
    config.order = 1 + variant % 3;
    config.activation = 1 + variant / 2 % 6;
    if (config.transform == NF_TRANSFORM_AFFINE) config.scale = variant == 8 ? NF_SCALE_SOFTPLUS_EPS : 1 + variant % 9;
    else config.circular = variant % 5 == 1, config.bins = 2 + variant % 7, config.spline_bound = 2.5;
    config.random_last = 1;
    config.hidden = variant % 7 == 3 ? none : variant % 7 == 5 ? few : hidden;
    config.n_hidden = config.hidden == hidden ? 2 : 1;
    config.index = config.order == NF_ORDER_INDEX ? (config.dim > 1 ? index : none) : NULL;
    config.n_index = config.order == NF_ORDER_INDEX ? config.dim : 0;
    ck_assert_msg(nf_autoregressive_create(&layer, NULL, &config) == NF_OK, "variant %d: %s", variant, nf_last_error());
    return layer;
}

/* Several steps of columns in every dense layer, and in parts of them */
static nf_layer *make_wide_autoregressive(void)
{
    static const int64_t hidden[] = { 300, 70 };
    nf_autoregressive_config config = NF_AUTOREGRESSIVE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 41;
    config.cond_dim = 3;
    config.random_last = 1;
    config.hidden = hidden;
    config.n_hidden = 2;
    ck_assert_int_eq(nf_autoregressive_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Of form safe: the other is steeper than differences and f32 can follow. The kernels have a test of their own. */
#define SPLINE_VARIANTS 12
static nf_layer *make_coupling_spline(int32_t variant)
{
    static const int64_t hidden[] = { 7, 16 }, circles[] = { 3, 0, 4 };
    nf_coupling_spline_config config = NF_COUPLING_SPLINE_CONFIG_INIT;
    nf_layer *layer;
    config.dim = variant == 11 ? 1 : 5;
    config.cond_dim = variant >= 6 ? 2 : 0;
    config.mask = 1 + variant % 2;
    config.swap = variant % 4 == 1;
    config.bins = 2 + variant % 4;
    config.periodic = circles + (config.dim == 1); /* among columns kept and transformed, or the only one */
    config.n_periodic = variant % 3 != 1 ? 0 : config.dim == 1 ? 1 : 3;
    config.bound = 2.5 + variant % 2;
    config.activation = NF_ACTIVATION_TANH;
    config.random_last = 1;
    config.hidden = hidden;
    config.n_hidden = 2;
    ck_assert_msg(nf_coupling_spline_create(&layer, NULL, &config) == NF_OK, "variant %d: %s", variant, nf_last_error());
    return layer;
}

/* So accurate that its own error is below what is measured. */
static nf_layer *make_cnf(int32_t variant)
{
    static const int64_t hidden[] = { 3 };
    nf_cnf_config config = NF_CNF_CONFIG_INIT;
    nf_layer *layer;
    config.dim = 2;
    config.cond_dim = variant % 2;
    config.time = 1 + variant / 2;
    config.hidden = hidden;
    config.n_hidden = 1;
    config.end_time = 0.125;
    config.solver = NF_ODE_RK4;
    config.step = 0x1p-8;
    ck_assert_int_eq(nf_cnf_create(&layer, NULL, &config), NF_OK);
    return layer;
}

static const struct layer_case {
    const char *name;
    nf_layer *(*make)(int32_t variant);
    int32_t variants;
    double low, high; /* of x */
} layer_cases[] = {
    { "coupling_affine", make_coupling, COUPLING_VARIANTS, -2.0, 2.0 },
    { "coupling_conv", make_coupling_conv, CONV_VARIANTS, -2.0, 2.0 },
    { "coupling_spline", make_coupling_spline, SPLINE_VARIANTS, -2.0, 2.0 },
    { "split", make_split, 4, -2.0, 2.0 },
    { "permutation", make_permutation, 2, -2.0, 2.0 },
    { "actnorm", make_actnorm, 6, -2.0, 2.0 },
    { "affine", make_affine, 2, -2.0, 2.0 },
    { "standardise", make_standardise, 2, -2.0, 2.0 },
    { "logit", make_logit, 2, 0.05, 0.95 },
    { "linear", make_linear, 10, -2.0, 2.0 },
    { "householder", make_householder, 4, -2.0, 2.0 },
    { "planar", make_planar, 3, -2.0, 2.0 },
    { "radial", make_radial, 3, -2.0, 2.0 },
    { "sylvester", make_sylvester, 5, -2.0, 2.0 },
    { "invconv", make_invconv, 12, -2.0, 2.0 },
    { "squeeze", make_squeeze, 8, -2.0, 2.0 },
    { "cnf", make_cnf, 6, -2.0, 2.0 },
    { "autoregressive", make_autoregressive, AUTO_VARIANTS, -2.0, 2.0 },
    { "columns", make_columns, 3, 0.05, 0.95 },
    { "dequantise", make_dequantise, 4, 0.0, 256.0 },
};
#define N_CASES ((int)(sizeof layer_cases / sizeof *layer_cases))
#define N_SMOOTH (N_CASES - 1) /* of x that may be moved a little: not of whole numbers, which the last one takes */

static const struct layer_case *case_of(const char *name)
{
    for (int i = 0; i < N_CASES; i++)
        if (strcmp(layer_cases[i].name, name) == 0) return &layer_cases[i];
    ck_abort_msg("no case %s", name);
}

static void *case_x(const struct layer_case *c, const struct bench *b)
{
    void *x = bench_memory(b->n * b->dim * b->size);
    for (int64_t k = 0; k < b->n * b->dim; k++)
    {
        const double value = c->low + (c->high - c->low) * (0.5 + 0.5 * draw(700 + (uint64_t)k));
        put(b, x, k, b->info.discrete ? floor(value) : value);
    }
    return x;
}

static void case_gradients(const struct layer_case *c, int32_t variant)
{
    struct bench b;
    bench_begin(&b, c->make(variant), NF_F64, ROWS);
    bench_shake(&b);
    double *x = case_x(c, &b), *z = bench_memory(b.n * b.dim * b.size), *g = bench_memory(b.n * b.dim * b.size);
    double h[ROWS];

    bench_forward(&b, x, z, b.saved);
    for (int64_t k = 0; k < b.n * b.dim; k++) g[k] = mix_z(k);
    for (int64_t i = 0; i < b.n; i++) h[i] = mix_log_det(i);
    memset(b.grad, 0, (size_t)(b.count * b.size));
    memset(b.grad_cond, 0, (size_t)(b.n * b.cond_dim * b.size));
    b.tile.grad = b.grad;
    b.tile.grad_cond = b.cond_dim ? b.grad_cond : NULL;
    ck_assert_int_eq(b.ops->backward(b.layer->self, &b.tile, x, z, b.saved, g, h), NF_OK);

    for (int64_t k = 0; k < b.n * b.dim; k++) near(g[k], bench_slope(&b, x, x + k), SLOPE_TOL, "dL/dx", k);
    for (int64_t k = 0; k < b.n * b.cond_dim; k++)
        near(((double *)b.grad_cond)[k], bench_slope(&b, x, (double *)b.cond + k), SLOPE_TOL, "dL/dcond", k);
    for (int32_t p = 0; p < b.layer->n_params; p++) {
        nf_param param = { .struct_size = sizeof param };
        ck_assert_int_eq(b.layer->type->param(b.layer->self, p, &param), NF_OK);
        const int64_t end = param.offset + param_count_of(&param);
        for (int64_t k = param.offset; k < end; k++)
            near(((double *)b.grad)[k],
                 param.properties & NF_PARAM_FROZEN ? 0.0 : bench_slope(&b, x, (double *)b.theta + k), SLOPE_TOL,
                 param.name, k);
    }
    free(x), free(z), free(g);
    bench_end(&b);
}

START_TEST(layer__gradients_match_central_differences)
{
    for (int32_t v = 0; v < layer_cases[_i].variants; v++) case_gradients(&layer_cases[_i], v);
}
END_TEST

/* log|det| of a dense matrix [d][d], destroyed: elimination with row pivots */
static double log_abs_det(double *a, int64_t d)
{
    double sum = 0.0;
    for (int64_t k = 0; k < d; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < d; i++)
            if (fabs(a[i * d + k]) > fabs(a[pivot * d + k])) pivot = i;
        for (int64_t j = 0; j < d; j++) {
            const double swap = a[k * d + j];
            a[k * d + j] = a[pivot * d + j];
            a[pivot * d + j] = swap;
        }
        sum += log(fabs(a[k * d + k]));
        for (int64_t i = k + 1; i < d; i++) {
            const double factor = a[i * d + k] / a[k * d + k];
            for (int64_t j = k; j < d; j++) a[i * d + j] -= factor * a[k * d + j];
        }
    }
    return sum;
}

static void case_jacobian(const struct layer_case *c, int32_t variant)
{
    struct bench b;
    bench_begin(&b, c->make(variant), NF_F64, ROWS);
    bench_shake(&b);
    const int64_t d = b.dim, bytes = b.n * d * b.size;
    double *x = case_x(c, &b), *up = bench_memory(bytes), *down = bench_memory(bytes), *jacobian = bench_memory(bytes * d);

    for (int64_t j = 0; j < d; j++) {
        for (int64_t i = 0; i < b.n; i++) x[i * d + j] += STEP;
        bench_forward(&b, x, up, NULL);
        for (int64_t i = 0; i < b.n; i++) x[i * d + j] -= 2.0 * STEP;
        bench_forward(&b, x, down, NULL);
        for (int64_t i = 0; i < b.n; i++) x[i * d + j] += STEP;
        for (int64_t k = 0; k < b.n * d; k++) jacobian[(k / d * d + k % d) * d + j] = (up[k] - down[k]) / (2.0 * STEP);
    }
    bench_forward(&b, x, up, NULL);
    for (int64_t i = 0; i < b.n; i++) near(b.log_det[i], log_abs_det(jacobian + i * d * d, d), SLOPE_TOL, "log_det", i);
    free(x), free(up), free(down), free(jacobian);
    bench_end(&b);
}

START_TEST(layer__log_det_equals_dense_jacobian)
{
    for (int32_t v = 0; v < layer_cases[_i].variants; v++) case_jacobian(&layer_cases[_i], v);
}
END_TEST

static void case_round_trip(const struct layer_case *c, int32_t variant, int32_t dtype, double tolerance)
{
    struct bench b;
    bench_begin(&b, c->make(variant), dtype, ROWS);
    bench_shake(&b);
    void *x = case_x(c, &b), *z = bench_memory(b.n * b.dim * b.size), *back = bench_memory(b.n * b.dim * b.size);

    bench_forward(&b, x, z, b.saved); /* log_det stays in place: the inverse takes it back to zero */
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
    for (int64_t k = 0; k < b.n * b.dim; k++) near(get(&b, back, k), get(&b, x, k), tolerance, "x", k);
    for (int64_t i = 0; i < b.n; i++) near(b.log_det[i], 0.0, tolerance, "log_det", i);
    free(x), free(z), free(back);
    bench_end(&b);
}

START_TEST(layer__inverse_undoes_forward)
{
    for (int32_t v = 0; v < layer_cases[_i].variants; v++) {
        case_round_trip(&layer_cases[_i], v, NF_F64, ROUND_TOL);
        case_round_trip(&layer_cases[_i], v, NF_F32, 2e-4); /* float: 1e-7 amplified by exp(s) and 1 / (p q) */
    }
}
END_TEST

static void case_tangents(const struct layer_case *c, int32_t variant)
{
    struct bench b;
    bench_begin(&b, c->make(variant), NF_F64, ROWS);
    if (!b.ops->jvp) { /* optional: only this one has none */
        ck_assert_str_eq(c->name, "cnf");
        bench_end(&b);
        return;
    }
    bench_shake(&b);
    const int64_t count = b.n * b.dim, bytes = count * b.size;
    double *x = case_x(c, &b), *dx = bench_memory(bytes), *z = bench_memory(bytes), *dz = bench_memory(bytes);
    double *up = bench_memory(bytes), *down = bench_memory(bytes), d_log_det[ROWS] = { 0 }, value[ROWS], above[ROWS];

    for (int64_t k = 0; k < count; k++) dx[k] = draw(800 + (uint64_t)k);
    memset(b.log_det, 0, (size_t)b.n * sizeof(double));
    ck_assert_int_eq(b.ops->jvp(b.layer->self, &b.tile, x, dx, z, dz, d_log_det), NF_OK);
    memcpy(value, b.log_det, sizeof value);
    bench_forward(&b, x, up, NULL);
    for (int64_t k = 0; k < count; k++) ck_assert(z[k] == up[k]);
    for (int64_t i = 0; i < b.n; i++) ck_assert(value[i] == b.log_det[i]);

    for (int64_t k = 0; k < count; k++) x[k] += STEP * dx[k];
    bench_forward(&b, x, up, NULL);
    memcpy(above, b.log_det, sizeof above);
    for (int64_t k = 0; k < count; k++) x[k] -= 2.0 * STEP * dx[k];
    bench_forward(&b, x, down, NULL);
    for (int64_t k = 0; k < count; k++) near(dz[k], (up[k] - down[k]) / (2.0 * STEP), SLOPE_TOL, "dz", k);
    for (int64_t i = 0; i < b.n; i++)
        near(d_log_det[i], (above[i] - b.log_det[i]) / (2.0 * STEP), SLOPE_TOL, "d_log_det", i);
    free(x), free(dx), free(z), free(dz), free(up), free(down);
    bench_end(&b);
}

START_TEST(layer__tangents_match_central_differences)
{
    for (int32_t v = 0; v < layer_cases[_i].variants; v++) case_tangents(&layer_cases[_i], v);
}
END_TEST

/* Row i of a tile has the bits of row i alone. */
static void case_rows(const struct layer_case *c, int32_t variant, int32_t dtype)
{
    struct bench all, one;
    bench_begin(&all, c->make(variant), dtype, 37);
    bench_begin(&one, c->make(variant), dtype, 1);
    bench_shake(&all);
    bench_shake(&one);
    char *x = case_x(c, &all), *z = bench_memory(all.n * all.dim * all.size), *z1 = bench_memory(all.dim * all.size);
    const int64_t row = all.dim * all.size;

    bench_forward(&all, x, z, all.saved);
    for (int64_t i = 0; i < all.n; i++) {
        if (one.cond_dim) one.tile.cond = (char *)all.cond + i * all.cond_dim * all.size;
        one.tile.row_key = row_keys + i;
        bench_forward(&one, x + i * row, z1, NULL);
        ck_assert_mem_eq(z1, z + i * row, (size_t)row);
        ck_assert(one.log_det[0] == all.log_det[i]);
    }
    free(x), free(z), free(z1);
    bench_end(&all);
    bench_end(&one);
}

START_TEST(layer__row_alone_has_the_same_bits)
{
    for (int32_t v = 0; v < layer_cases[_i].variants; v++) {
        case_rows(&layer_cases[_i], v, NF_F64);
        case_rows(&layer_cases[_i], v, NF_F32);
    }
}
END_TEST

START_TEST(registry__every_type_has_a_case)
{
    ck_assert_int_eq(nfi_layer_type_count(), N_CASES);
    for (int32_t i = 0; i < nfi_layer_type_count(); i++) {
        ck_assert_str_eq(nf_layer_type_at(i), layer_cases[i].name);
        ck_assert_str_eq(nfi_layer_configs(i)->name, nfi_layer_type_row(i)->name);
        ck_assert_ptr_eq(nfi_layer_configs(i)->fields, nfi_layer_type_row(i)->fields);
    }
    ck_assert_ptr_null(nf_layer_type_at(nfi_layer_type_count()));
    ck_assert_ptr_null(nfi_layer_configs(nfi_layer_type_count()));
}
END_TEST

/* Check values of the files' headers */

static void check_layer(nf_layer *layer, const double *theta, const double *x, const double *z, double log_det)
{
    struct bench b;
    double out[8];
    bench_begin(&b, layer, NF_F64, 1);
    for (int64_t k = 0; theta && k < b.count; k++) put(&b, b.theta, k, theta[k]);
    bench_pack(&b);
    bench_forward(&b, x, out, NULL);
    for (int64_t j = 0; j < b.dim; j++) near(out[j], z[j], 1e-10, "check value", j);
    near(b.log_det[0], log_det, 1e-10, "check log_det", 0);
    bench_end(&b);
}

START_TEST(affine__check_value)
{
    nf_affine_config config = { .struct_size = sizeof config, .dim = 1, .bound = 3 };
    nf_layer *layer;
    ck_assert_int_eq(nf_affine_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 0.7, -1.3 }, (double[]){ 2.385 }, (double[]){ 3.4434566166 }, 0.6875669896);
}
END_TEST

START_TEST(actnorm__check_value)
{
    check_layer(make_actnorm(0), (double[]){ 0.7, -1.3, 1 }, (double[]){ 2.385 }, (double[]){ 2.1849216876 }, 0.7);
    check_layer(make_actnorm(2), (double[]){ 0.7, -0.2, -1.3, 0.4, 1 }, (double[]){ 2.385, 1, 0, -2 },
                (double[]){ 2.1849216876, 1.1462230543, -2.6178785197, -1.3099692049 }, 1.0);
}
END_TEST

START_TEST(permutation__check_value)
{
    nf_permutation_config config = { .struct_size = sizeof config, .dim = 3, .index = (int64_t[]){ 2, 0, 1 }, .n_index = 3 };
    nf_layer *layer;
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 0.7, -1.3, 2.385 }, (double[]){ 2.385, 0.7, -1.3 }, 0.0);
}
END_TEST

START_TEST(standardise__check_value)
{
    nf_standardise_config config = { .struct_size = sizeof config, .dim = 1, .mean = (double[]){ 0.7 }, .n_mean = 1,
                                     .sd = (double[]){ 1.3 }, .n_sd = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_standardise_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 2.385 }, (double[]){ 1.2961538462 }, -0.2623642645);
}
END_TEST

START_TEST(logit__check_value)
{
    nf_logit_config config = { .struct_size = sizeof config, .dim = 1, .alpha = 0.05 };
    nf_layer *layer;
    ck_assert_int_eq(nf_logit_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 0.2385 }, (double[]){ -1.0219383780 }, 1.5313952677);
}
END_TEST

START_TEST(columns__check_value)
{
    static const int64_t kind[] = { NF_COLUMN_REAL, NF_COLUMN_POSITIVE, NF_COLUMN_BOUNDED, NF_COLUMN_INTEGER };
    nf_columns_config config = { .struct_size = sizeof config, .noise = NF_NOISE_TRAINING, .dim = 4, .kind = kind, .n_kind = 4,
                                 .high = (double[]){ 0, 0, 2, 0 }, .n_high = 4, .alpha = 0.05 };
    nf_layer *layer;
    ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 0.5, 2, 0.477, 3 }, (double[]){ 0.5, 0.6931471806, -1.0219383780, 3 }, 0.1451009065);
    config = (nf_columns_config){ .struct_size = sizeof config, .dim = 1, .kind = (int64_t[]){ NF_COLUMN_PERIODIC }, .n_kind = 1,
                                  .high = (double[]){ 24 }, .n_high = 1 };
    ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 1 }, (double[]){ -2.8797932658 }, -1.3401767639);
}
END_TEST

START_TEST(linear__check_values)
{
    const double x[] = { 0.7, 2.385 };
    check_layer(make_linear(1), (double[]){ 1, 0, 1, -1, 0.7, -1.3, 0.4, -0.2 }, x, (double[]){ -2.6290220880, -1.6908731048 }, 0.5);
    check_layer(make_linear(6), (double[]){ 0.7, -1.3, 2, 0.4 }, x, (double[]){ -2.6105, 2.354 }, 1.0577902941);
}
END_TEST

START_TEST(squeeze__check_value)
{
    nf_squeeze_config config = { .struct_size = sizeof config, .order = NF_SQUEEZE_DIAGONAL, .height = 2, .width = 2, .channels = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 1, 2, 3, 4 }, (double[]){ 1, 4, 2, 3 }, 0.0);
}
END_TEST

START_TEST(dequantise__check_value)
{
    nf_dequantise_config config = { .struct_size = sizeof config, .noise = NF_NOISE_TRAINING, .dim = 2, .bits = 5, .shift = 0.5 };
    nf_layer *layer;
    ck_assert_int_eq(nf_dequantise_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, NULL, (double[]){ 255, 9 }, (double[]){ 0.484375, -0.453125 }, -10.0 * log(2.0));
}
END_TEST

START_TEST(coupling__check_value)
{
    nf_coupling_affine_config config = { .struct_size = sizeof config, .dim = 2, .hidden = (int64_t[]){ 0 }, .n_hidden = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_coupling_affine_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ -0.4, 0.9, 0.3, -0.2 }, (double[]){ 0.7, 2.385 },
                (double[]){ 0.7, 3.6625857417 }, 0.4234946737);
    config.shift_first = 1;
    ck_assert_int_eq(nf_coupling_affine_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ -0.4, 0.9, 0.3, -0.2 }, (double[]){ 0.7, 2.385 },
                (double[]){ 0.7, 3.6731315341 }, 0.4234946737);
}
END_TEST

/* theta: W [1][5], b [5]; the spline of p = b, and that of a circle */
START_TEST(coupling_spline__check_value)
{
    nf_coupling_spline_config config = { .struct_size = sizeof config, .dim = 2, .bins = 2, .hidden = (int64_t[]){ 0 }, .n_hidden = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 0, 0, 0, 0, 0, 0.4, -0.3, -0.2, 0.5, 0.6 }, (double[]){ 0.7, 0.75 }, (double[]){ 0.7, -1.2463298345 },
                -0.0046561241);
    config.periodic = (int64_t[]){ 1 };
    config.n_periodic = 1;
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 0, 0, 0, 0, 0, 0, 0.4, -0.3, -0.2, 0.5, 0.6, -0.7 }, (double[]){ 0.7, 0.75 },
                (double[]){ 0.7, -1.1022233046 }, -0.6952954317);
    config.periodic = (int64_t[]){ 0, 1 }; /* W: of cosine and sine of 0.7 pi / 3, which are 0.7431448255 and 0.6691306064 */
    config.n_periodic = 2;
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.4 - 2 * 0.74314482547739424, -0.3 - 0.66913060635885821, -0.2, 0.5, 0.6, -0.7 },
                (double[]){ 0.7, 0.75 }, (double[]){ 0.7, -1.1022233046 }, -0.6952954317);
    config = (nf_coupling_spline_config){ .struct_size = sizeof config, .dim = 2, .bins = 2, .form = NF_SPLINE_FREE, .bound = 1, .min_width = 1e-2,
                                          .min_height = 1e-2, .min_slope = 1e-2, .hidden = (int64_t[]){ 0 }, .n_hidden = 1 };
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 0, 0, 0, 0, 0, 0.4, -0.3, -0.2, 0.5, 0.6 }, (double[]){ 0.7, 0.25 }, (double[]){ 0.7, -0.4233741043 },
                -0.0204221937);
    config = (nf_coupling_spline_config){ .struct_size = sizeof config, .dim = 2, .bins = 2, .form = NF_SPLINE_SOFTCLIP,
                                          .hidden = (int64_t[]){ 0 }, .n_hidden = 1 };
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, (double[]){ 0, 0, 0, 0, 0, 0.4, -0.3, -0.2, 0.5, 0.6 }, (double[]){ 0.7, 0.75 }, (double[]){ 0.7, -1.1640701560 },
                0.2459332964);
}
END_TEST

static const struct { nf_coupling_spline_config config; const char *words; } bad_splines[] = {
    { { .dim = 1 }, "dim is 1; a coupling needs 2 columns, or cond_dim > 0" },
    { { .dim = 2, .bins = 1 }, "bins is 1" },
    { { .dim = 2, .bins = 65 }, "bins is 65" },
    { { .dim = 2, .bound = -1 }, "bound is -1" },
    { { .dim = 2, .form = 4 }, "form is 4" },
    { { .dim = 2, .form = NF_SPLINE_SOFTCLIP, .min_slope = 1e-3 }, "min_slope is 0.001, but form softclip has no minima" },
    { { .dim = 2, .form = NF_SPLINE_SOFTCLIP, .logit_bound = 6 }, "logit_bound is 6; with form softclip it must be in [0.1, 5]" },
    { { .dim = 2, .min_width = 0.07 }, "min_width is 0.07; with 8 bins it must be in [1e-05, 0.0625]" },
    { { .dim = 2, .bins = 4, .min_height = 1e-6 }, "min_height is 1e-06; with 4 bins it must be in [1e-05, 0.125]" },
    { { .dim = 2, .min_slope = 1 }, "min_slope is 1" },
    { { .dim = 2, .form = NF_SPLINE_FREE, .logit_bound = 2 }, "logit_bound is 2, but form free bounds no logits" },
    { { .dim = 2, .mask = NF_MASK_INDEX }, "index is empty" },
    { { .dim = 2, .periodic = (const int64_t[]){ 0, 2 }, .n_periodic = 2 }, "periodic[1] is 2, not a column of 2 or given twice" },
    { { .dim = 2, .periodic = (const int64_t[]){ 1, 1 }, .n_periodic = 2 }, "periodic[1] is 1, not a column of 2 or given twice" },
};
START_TEST(coupling_spline__refuses_bad_configs)
{
    nf_layer *layer = (nf_layer *)&layer;
    nf_coupling_spline_config config = bad_splines[_i].config;
    config.struct_size = sizeof config;
    ck_assert_int_eq(nf_coupling_spline_create(&layer, NULL, &config), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(nf_last_error(), bad_splines[_i].words) != NULL, "%s", nf_last_error());
}
END_TEST

/* Column 1 as in coupling__check_value; the weight outside the mask is not used */
START_TEST(autoregressive__check_value)
{
    nf_autoregressive_config config = { .struct_size = sizeof config, .dim = 2, .hidden = (int64_t[]){ 0 }, .n_hidden = 1 };
    const double theta[] = { 0, 0, -0.4, 0.9, 0, 0, 0, 0, 0, 0, 0.3, -0.2 };
    nf_layer *layer;
    ck_assert_int_eq(nf_autoregressive_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, theta, (double[]){ 0.7, 2.385 }, (double[]){ 0.7, 3.6625857417 }, 0.4234946737);
    config.direction = NF_AUTOREGRESSIVE_INVERSE;
    ck_assert_int_eq(nf_autoregressive_create(&layer, NULL, &config), NF_OK);
    check_layer(layer, theta, (double[]){ 0.7, 3.6625857417 }, (double[]){ 0.7, 2.385 }, -0.4234946737);
}
END_TEST

/* dz_k/dx_j is exactly 0 for j after k in the order, whatever theta holds outside the mask; what lies before is not, somewhere. */
START_TEST(autoregressive__is_triangular)
{
    static const int64_t order[][5] = { { 0, 1, 2, 3, 4 }, { 4, 3, 2, 1, 0 }, { 3, 0, 4, 1, 2 } };
    const struct layer_case *c = case_of("autoregressive");
    struct bench b;
    bench_begin(&b, c->make(_i), NF_F64, ROWS);
    bench_shake(&b);
    double *x = case_x(c, &b), *z = bench_memory(b.n * b.dim * 8), *moved = bench_memory(b.n * b.dim * 8);
    bench_forward(&b, x, z, NULL);
    for (int64_t j = 0; b.dim == 5 && j < 5; j++) {
        int differ = 0;
        const int64_t at = order[_i % 3][j];
        for (int64_t i = 0; i < b.n; i++) x[i * 5 + at] += 0.25;
        bench_forward(&b, x, moved, NULL);
        for (int64_t i = 0; i < b.n; i++) x[i * 5 + at] -= 0.25;
        for (int64_t i = 0; i < b.n; i++)
            for (int64_t k = 0; k < 5; k++) {
                const int64_t of = i * 5 + order[_i % 3][k];
                if (k < j) ck_assert_msg(memcmp(&z[of], &moved[of], 8) == 0, "column %d of %d changes one before it", (int)j, (int)k);
                differ += k > j && z[of] != moved[of];
            }
        ck_assert_msg(j == 4 || differ > 0, "variant %d: column %d of the order changes nothing behind it", (int)_i, (int)j);
    }
    free(x), free(z), free(moved);
    bench_end(&b);
}
END_TEST

/* The slow way back: to rounding in both precisions, log-dets too, and for several rows at once as for one. */
START_TEST(autoregressive__solves_what_it_maps)
{
    const struct layer_case *c = case_of("autoregressive");
    const int32_t dtype = _i % 2 ? NF_F32 : NF_F64;
    struct bench b;
    bench_begin(&b, c->make(_i / 2), dtype, 37);
    bench_shake(&b);
    void *x = case_x(c, &b), *z = bench_memory(b.n * b.dim * b.size), *back = bench_memory(b.n * b.dim * b.size);
    bench_forward(&b, x, z, NULL);
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
    for (int64_t k = 0; k < b.n * b.dim; k++) near(get(&b, back, k), get(&b, x, k), dtype == NF_F32 ? 3e-3 : ROUND_TOL, "x", k);
    for (int64_t i = 0; i < b.n; i++) near(b.log_det[i], 0.0, dtype == NF_F32 ? 3e-3 : ROUND_TOL, "log_det", i);
    b.tile.n = 1;
    if (b.cond_dim) b.tile.cond = (char *)b.cond + 36 * b.cond_dim * b.size;
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, (char *)z + 36 * b.dim * b.size, x), NF_OK);
    ck_assert_mem_eq(x, (char *)back + 36 * b.dim * b.size, (size_t)(b.dim * b.size));
    free(x), free(z), free(back);
    bench_end(&b);
}
END_TEST

/* A pass column by column answers the very numbers of one evaluation */
START_TEST(autoregressive__column_by_column_has_the_same_bits)
{
    struct bench b;
    bench_begin(&b, _i / 2 == AUTO_VARIANTS ? make_wide_autoregressive() : make_autoregressive(_i / 2), _i % 2 ? NF_F32 : NF_F64, 21);
    bench_shake(&b);
    const nfi_made *made = &((const nfi_autoregressive *)b.layer->self)->made;
    const int64_t in = made->mlp.width[0], out = made->params * made->dim, ld_in = nfi_mlp_ld(in), ld_out = nfi_mlp_ld(out), ld = nfi_made_ld(b.n);
    void *x = bench_memory(b.n * ld_in * b.size), *y = bench_memory(b.n * ld_out * b.size), *p = bench_memory(made->params * ld * b.size);
    void *h = bench_memory(nfi_made_units(made) * ld * b.size), *u = bench_memory(nfi_made_units(made) * ld * b.size);
    const nfi_made_pass pass = { .made = made, .kernels = b.info.kernels, .ld = ld, .h = h, .u = u,
                                 .weights = nfi_mlp_packed_weights(&made->mlp, b.info.kernels, b.packed) };
    memset(h, 0, (size_t)(in * ld * b.size));
    for (int64_t i = 0; i < b.n; i++)
        for (int64_t j = 0; j < in; j++) put(&b, x, i * ld_in + j, draw((uint64_t)(i * in + j))), put(&b, h, j * ld + i, draw((uint64_t)(i * in + j)));
    nfi_mlp_value(&made->mlp, b.info.kernels, b.n, b.packed, x, y, NULL, b.scratch);
    for (int64_t k = 0; k < made->dim; k++) {
        nfi_made_column(&pass, k + 1, p, NULL);
        for (int64_t i = 0; i < b.n; i++)
            for (int64_t q = 0; q < made->params; q++)
                ck_assert_msg(get(&b, p, q * ld + i) == get(&b, y, i * ld_out + k * made->params + q), "row %d, column %d, parameter %d", (int)i, (int)k, (int)q);
    }
    free(x), free(y), free(p), free(h), free(u);
    bench_end(&b);
}
END_TEST

/* reset leaves zeros outside the mask, and so do gradients */
START_TEST(autoregressive__masked_weights_stay_zero)
{
    const nf_autoregressive_config config = { .struct_size = sizeof config, .dim = 3, .hidden = (int64_t[]){ 4 }, .n_hidden = 1, .random_last = 1 };
    static const int degree[] = { 1, 1, 2, 2 }; /* of the hidden units */
    nf_layer *layer;
    struct bench b;
    ck_assert_int_eq(nf_autoregressive_create(&layer, NULL, &config), NF_OK);
    bench_begin(&b, layer, NF_F64, ROWS);
    double *x = case_x(case_of("autoregressive"), &b), *z = bench_memory(b.n * 3 * 8), *g = bench_memory(b.n * 3 * 8), h[ROWS];
    for (int i = 0; i < ROWS; i++) h[i] = mix_log_det(i);
    for (int k = 0; k < 3 * ROWS; k++) g[k] = mix_z(k);
    bench_forward(&b, x, z, b.saved);
    memset(b.grad, 0, (size_t)(b.count * b.size));
    b.tile.grad = b.grad;
    ck_assert_int_eq(b.ops->backward(layer->self, &b.tile, x, z, b.saved, g, h), NF_OK);
    const double *theta[] = { b.theta, b.grad };
    for (int t = 0; t < 2; t++) {
        int inside = 0;
        for (int j = 0; j < 3; j++)
            for (int u = 0; u < 4; u++) {
                if (degree[u] < j + 1) ck_assert(theta[t][j * 4 + u] == 0.0);
                else inside += theta[t][j * 4 + u] != 0.0;
            }
        for (int u = 0; u < 4; u++)
            for (int o = 0; o < 6; o++) {
                if (o / 2 < degree[u]) ck_assert(theta[t][16 + u * 6 + o] == 0.0);
                else inside += theta[t][16 + u * 6 + o] != 0.0;
            }
        ck_assert_int_gt(inside, t == 0 ? 17 : 4); /* a ReLU may be off for all rows */
    }
    free(x), free(z), free(g);
    bench_end(&b);
}
END_TEST

static const struct { nf_autoregressive_config config; nf_status status; const char *words; } bad_autoregressive[] = {
    { { .dim = 0 }, NF_ERR_ARG, "dim is required" },
    { { .dim = 2, .direction = 3 }, NF_ERR_ARG, "direction is 3" },
    { { .dim = 2, .transform = 3 }, NF_ERR_ARG, "transform is 3" },
    { { .dim = 2, .order = NF_ORDER_INDEX }, NF_ERR_ARG, "order is index, but index is empty" },
    { { .dim = 2, .order = NF_ORDER_REVERSED, .index = (const int64_t[]){ 1, 0 }, .n_index = 2 }, NF_ERR_ARG, "index is given, but order is reversed" },
    { { .dim = 2, .index = (const int64_t[]){ 1, 1 }, .n_index = 2 }, NF_ERR_ARG, "index[1] is 1" },
    { { .dim = 2, .index = (const int64_t[]){ 0, 2 }, .n_index = 2 }, NF_ERR_ARG, "index[1] is 2" },
    { { .dim = 3, .index = (const int64_t[]){ 0, 2 }, .n_index = 2 }, NF_ERR_SHAPE, "index has 2 values, dim is 3" },
    { { .dim = 2, .hidden = (const int64_t[]){ 4, 0 }, .n_hidden = 2 }, NF_ERR_ARG, "hidden[1] is 0" },
    { { .dim = 2, .bins = 5 }, NF_ERR_ARG, "bins is given, but transform is affine" },
    { { .dim = 2, .circular = 1 }, NF_ERR_ARG, "circular is given, but transform is affine" },
    { { .dim = 2, .spline_bound = 5 }, NF_ERR_ARG, "spline_bound is given, but transform is affine" },
    { { .dim = 2, .min_slope = 0.1 }, NF_ERR_ARG, "min_slope is given, but transform is affine" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .bound = 1 }, NF_ERR_ARG, "bound is given, but transform is spline" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .scale = NF_SCALE_EXP }, NF_ERR_ARG, "scale is given, but transform is spline" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .bins = 65 }, NF_ERR_ARG, "bins is 65" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .bins = 64, .min_width = 0.01 }, NF_ERR_ARG, "min_width is 0.01; with 64 bins" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .min_height = 0.1 }, NF_ERR_ARG, "min_height is 0.1; with 8 bins" },
    { { .dim = 2, .form = NF_SPLINE_FREE }, NF_ERR_ARG, "form is given, but transform is affine" },
    { { .dim = 2, .transform = NF_TRANSFORM_SPLINE, .form = NF_SPLINE_FREE, .logit_bound = 2 }, NF_ERR_ARG, "form free bounds no logits" },
};

START_TEST(autoregressive__refuses_bad_configs)
{
    nf_autoregressive_config config = bad_autoregressive[_i].config;
    nf_layer *layer = (nf_layer *)&layer;
    config.struct_size = sizeof config;
    ck_assert_int_eq(nf_autoregressive_create(&layer, NULL, &config), bad_autoregressive[_i].status);
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(nf_last_error(), bad_autoregressive[_i].words) != NULL, "%s", nf_last_error());
}
END_TEST

/* z_1 = (2.385 + t) exp(s): t = -0.4 0.7 + 0.3 = 0.02, u = 0.9 0.7 - 0.2 = 0.43, s = 2 tanh(0.215) */
START_TEST(coupling_conv__check_value)
{
    const nf_coupling_conv_config config = { .struct_size = sizeof config, .height = 1, .width = 1, .channels = 2, .net = NF_CONV_LINEAR,
                                             .scale = NF_SCALE_TANH, .bound = 2.0 };
    double theta[18 + 18 + 2 + 2] = { 0 }; /* weight [3][3][1][2], edge [9][2], bias, log_scale */
    nf_layer *layer;
    theta[2 * 4] = -0.4;
    theta[2 * 4 + 1] = 0.9;
    theta[36] = 0.3;
    theta[37] = -0.2;
    ck_assert_int_eq(nf_coupling_conv_create(&layer, NULL, &config), NF_OK);
    ck_assert_int_eq(layer->param_count, 40);
    near(2.0 * tanh(0.215), 0.4234946737, 1e-10, "s", 0);
    near((2.385 + 0.02) * exp(2.0 * tanh(0.215)), 3.6731315341, 1e-10, "z", 1);
    check_layer(layer, theta, (double[]){ 0.7, 2.385 }, (double[]){ 0.7, 3.6731315341 }, 0.4234946737);
}
END_TEST

START_TEST(split__check_value)
{
    const nf_split_config config = { .struct_size = sizeof config, .height = 1, .width = 2, .channels = 3, .keep = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_split_create(&layer, NULL, &config), NF_OK);
    ck_assert_int_eq(layer->dim_out, 2);
    check_layer(layer, NULL, (double[]){ 0, 1, 2, 3, 4, 5 }, (double[]){ 0, 3, 1, 2, 4, 5 }, 0.0);
}
END_TEST

START_TEST(scale__check_values)
{
    static const double want[][2] = { { 0.6875669896, 0.9474724039 }, { -0.1814093097, 0.1329064252 },
                                      { 0.2944104244, 0.0369166890 }, { -0.0650435618, 0.0629733561 },
                                      { -0.0639769253, 0.0629062222 }, { 0.0991084562, 0.6051405674 },
                                      { 0.5675675676, 0.6574141709 }, { 0.7, 1.0 } };
    static const double steep[] = { 1.3910704196, 0.2443337043 }; /* softplus_eps at u = 4, where softplus is ln 3 */
    const nfi_kernels *f64 = nfi_kernels_for(NULL, NF_F64);
    for (int32_t i = 0; i < 8; i++) {
        const double u = 0.7;
        double s, d;
        nfi_scale_form_of(i + 1)->value(f64, 3.0, 1, &u, &s);
        nfi_scale_form_of(i + 1)->slope(f64, 3.0, 1, &u, &s, &d);
        near(s, want[i][0], 1e-9, "s", i);
        near(d, want[i][1], 1e-9, "ds/du", i);
    }
    const double u = 4.0;
    double s, d;
    nfi_scale_form_of(NF_SCALE_SOFTPLUS_EPS)->value(f64, 0.0, 1, &u, &s);
    nfi_scale_form_of(NF_SCALE_SOFTPLUS_EPS)->slope(f64, 0.0, 1, &u, &s, &d);
    near(s, steep[0], 1e-9, "s", NF_SCALE_SOFTPLUS_EPS);
    near(d, steep[1], 1e-9, "ds/du", NF_SCALE_SOFTPLUS_EPS);
    ck_assert_ptr_null(nfi_scale_form_of(11));
}
END_TEST

/* Promises of single layers */

START_TEST(coupling__starts_as_identity)
{
    static const int32_t forms[] = { NF_SCALE_TANH, NF_SCALE_ASYMMETRIC, NF_SCALE_SOFTCLIP, NF_SCALE_EXP, NF_SCALE_ADDITIVE };
    nf_coupling_affine_config config = { .struct_size = sizeof config, .dim = 4, .scale = forms[_i] };
    nf_layer *layer;
    struct bench b;
    ck_assert_int_eq(nf_coupling_affine_create(&layer, NULL, &config), NF_OK);
    bench_begin(&b, layer, NF_F32, ROWS);
    void *x = case_x(&layer_cases[0], &b), *z = bench_memory(b.n * b.dim * b.size);
    bench_forward(&b, x, z, NULL);
    ck_assert_mem_eq(x, z, (size_t)(b.n * b.dim * b.size));
    for (int64_t i = 0; i < b.n; i++) ck_assert(b.log_det[i] == 0.0);
    free(x), free(z);
    bench_end(&b);
}
END_TEST

START_TEST(coupling__refuses_bad_configs)
{
    static const int64_t all[] = { 0, 1 }, twice[] = { 1, 1 }, far[] = { 2 }, zero_in[] = { 4, 0 };
    const nf_coupling_affine_config bad[] = {
        { .dim = 1 },
        { .dim = 2, .mask = NF_MASK_INDEX },
        { .dim = 2, .index = far, .n_index = 1 },
        { .dim = 2, .mask = NF_MASK_INDEX, .index = far, .n_index = 1 },
        { .dim = 2, .mask = NF_MASK_INDEX, .index = twice, .n_index = 2 },
        { .dim = 2, .mask = NF_MASK_INDEX, .index = all, .n_index = 2 },
        { .dim = 2, .mask = NF_MASK_INDEX, .index = all, .n_index = 2, .swap = 1 },
        { .dim = 2, .hidden = zero_in, .n_hidden = 2 },
        { .dim = 2, .scale = 11 },
        { .dim = 2, .bound = -1 },
        { .dim = 0 },
    };
    nf_layer *layer = (nf_layer *)&layer;
    nf_coupling_affine_config config = bad[_i];
    config.struct_size = sizeof config;
    ck_assert_int_eq(nf_coupling_affine_create(&layer, NULL, &config), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    if (_i == 0)
        ck_assert_str_eq(nf_last_error(),
                         "nf_coupling_affine_create: dim is 1; a coupling needs 2 columns, or cond_dim > 0");
}
END_TEST

static const struct { nf_coupling_conv_config coupling; nf_split_config split; nf_status status; const char *words; } bad_images[] = {
    { .coupling = { .height = 2, .width = 2, .channels = 1 }, .status = NF_ERR_ARG, .words = "channels is 1" },
    { .coupling = { .height = 1, .width = 1, .channels = 3, .mask = NF_IMAGE_MASK_CHECKERBOARD }, .status = NF_ERR_ARG, .words = "one pixel" },
    { .coupling = { .height = 2, .width = 2, .channels = 2, .mask = 4 }, .status = NF_ERR_ARG, .words = "mask is 4" },
    { .coupling = { .height = 2, .width = 2, .channels = 2, .net = 4 }, .status = NF_ERR_ARG, .words = "net is 4" },
    { .coupling = { .height = 2, .width = 2, .channels = 2, .blocks = 65 }, .status = NF_ERR_ARG, .words = "blocks is 65" },
    { .coupling = { .height = 2, .width = 2, .channels = 2, .hidden = 65537 }, .status = NF_ERR_ARG, .words = "hidden is 65537" },
    { .coupling = { .width = 2, .channels = 2 }, .status = NF_ERR_ARG, .words = "height is required" },
    { .coupling = { .height = 65536, .width = 65536, .channels = 65536 }, .status = NF_ERR_LIMIT, .words = "max_dim" },
    { .split = { .height = 2, .width = 2, .channels = 1 }, .status = NF_ERR_ARG, .words = "keep is 0" },
    { .split = { .height = 2, .width = 2, .channels = 3, .keep = 3 }, .status = NF_ERR_ARG, .words = "keep is 3; of 3 channels, 1 to 2 can go on" },
    { .split = { .height = 2, .width = 2, .channels = 3, .keep = -1 }, .status = NF_ERR_ARG, .words = "keep is -1" },
    { .split = { .height = 65536, .width = 65536, .channels = 65536 }, .status = NF_ERR_LIMIT, .words = "max_dim" },
};
#define N_BAD_IMAGES ((int)(sizeof bad_images / sizeof *bad_images))

START_TEST(image_layers__refuse_bad_configs)
{
    nf_layer *layer = (nf_layer *)&layer;
    nf_coupling_conv_config coupling = bad_images[_i].coupling;
    nf_split_config split = bad_images[_i].split;
    coupling.struct_size = sizeof coupling;
    split.struct_size = sizeof split;
    const nf_status status = split.height ? nf_split_create(&layer, NULL, &split) : nf_coupling_conv_create(&layer, NULL, &coupling);
    ck_assert_int_eq(status, bad_images[_i].status);
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(nf_last_error(), bad_images[_i].words), "%s", nf_last_error());
}
END_TEST

START_TEST(permutation__description_holds_the_index)
{
    nf_permutation_config config = { .struct_size = sizeof config, .dim = 9, .seed = 77 };
    nf_layer *layer;
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_OK);
    const nf_permutation_config *made = layer->config;
    ck_assert_int_eq(made->kind, NF_PERMUTATION_INDEX);
    ck_assert_int_eq(made->n_index, 9);
    nf_layer *again;
    ck_assert_int_eq(nf_permutation_create(&again, NULL, made), NF_OK);
    ck_assert_mem_eq(((const nf_permutation_config *)again->config)->index, made->index, 9 * sizeof(int64_t));
    nf_layer_unref(again);
    nf_layer_unref(layer);
}
END_TEST

START_TEST(permutation__refuses_what_is_no_bijection)
{
    nf_permutation_config config = { .struct_size = sizeof config, .dim = 3, .index = (int64_t[]){ 2, 0, 2 }, .n_index = 3 };
    nf_layer *layer;
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_ERR_ARG);
    config.n_index = 2;
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_ERR_SHAPE);
    config = (nf_permutation_config){ .struct_size = sizeof config, .dim = 3, .kind = NF_PERMUTATION_INDEX };
    ck_assert_int_eq(nf_permutation_create(&layer, NULL, &config), NF_ERR_ARG);
}
END_TEST

START_TEST(actnorm__init_normalises_the_batch)
{
    struct bench b;
    bench_begin(&b, make_actnorm(1), NF_F64, 64);
    double *x = case_x(case_of("actnorm"), &b), *z = bench_memory(b.n * b.dim * b.size);
    for (int64_t i = 0; i < b.n; i++) x[i * 3 + 1] += 1e6; /* one pass in float would lose the variance */
    ck_assert_int_eq(b.ops->init(b.layer->self, &b.tile, x, b.theta), NF_OK);
    ck_assert(((double *)b.theta)[6] == 1.0);
    bench_forward(&b, x, z, NULL);
    for (int64_t j = 0; j < 3; j++) {
        double mean = 0.0, square = 0.0;
        for (int64_t i = 0; i < b.n; i++) mean += z[i * 3 + j] / 64.0;
        for (int64_t i = 0; i < b.n; i++) square += z[i * 3 + j] * z[i * 3 + j] / 64.0;
        near(mean, 0.0, 1e-9, "mean", j);
        near(square, 1.0, 1e-9, "variance", j);
    }
    free(x), free(z);
    bench_end(&b);
}
END_TEST

/* Statistics of a channel go over rows and pixels. */
START_TEST(actnorm__init_normalises_channels)
{
    struct bench b;
    bench_begin(&b, make_actnorm(4), NF_F32, ROWS);
    void *x = case_x(case_of("actnorm"), &b), *z = bench_memory(b.n * b.dim * b.size);
    for (int64_t k = 0; k < b.n * b.dim; k++) put(&b, x, k, get(&b, x, k) * (double)(1 + k % 3) + 100.0 * (double)(k % 3));
    ck_assert_int_eq(b.ops->init(b.layer->self, &b.tile, x, b.theta), NF_OK);
    ck_assert_int_eq(b.count, 7);
    bench_forward(&b, x, z, NULL);
    for (int64_t c = 0; c < 3; c++) {
        const double count = (double)(b.n * b.dim / 3);
        double mean = 0.0, square = 0.0;
        for (int64_t k = c; k < b.n * b.dim; k += 3) mean += get(&b, z, k) / count;
        for (int64_t k = c; k < b.n * b.dim; k += 3) square += get(&b, z, k) * get(&b, z, k) / count;
        near(mean, 0.0, 1e-5, "mean", c);
        near(square, 1.0, 1e-5, "variance", c);
    }
    for (int64_t k = 1; k < b.n * b.dim; k += 3) put(&b, x, k, 4.25);
    ck_assert_int_eq(b.ops->init(b.layer->self, &b.tile, x, b.theta), NF_ERR_DEGENERATE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "channel 1"));
    free(x), free(z);
    bench_end(&b);
}
END_TEST

START_TEST(actnorm__refuses_channels_that_do_not_divide)
{
    nf_actnorm_config config = { .struct_size = sizeof config, .dim = 8, .channels = 3 };
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_actnorm_create(&layer, NULL, &config), NF_ERR_SHAPE);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(nf_last_error(), "nf_actnorm_create: channels is 3, does not divide dim 8");
    config.channels = 16;
    ck_assert_int_eq(nf_actnorm_create(&layer, NULL, &config), NF_ERR_SHAPE);
    config.channels = -2;
    ck_assert_int_eq(nf_actnorm_create(&layer, NULL, &config), NF_ERR_ARG);
}
END_TEST

START_TEST(actnorm__init_refuses_a_constant_column)
{
    struct bench b;
    bench_begin(&b, make_actnorm(1), NF_F64, ROWS);
    double *x = case_x(case_of("actnorm"), &b);
    for (int64_t i = 0; i < b.n; i++) x[i * 3 + 2] = 4.25;
    ck_assert_int_eq(b.ops->init(b.layer->self, &b.tile, x, b.theta), NF_ERR_DEGENERATE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "column 2"));
    for (int64_t k = 0; k < b.count; k++) ck_assert(((double *)b.theta)[k] == 0.0);
    b.tile.n = 1;
    ck_assert_int_eq(b.ops->init(b.layer->self, &b.tile, x, b.theta), NF_ERR_DEGENERATE);
    free(x);
    bench_end(&b);
}
END_TEST

/* The start is a rotation: W W^T = I, |det W| = 1, whatever the form and the precision; another one at another place. */
static void linear_rotates(int32_t variant, int32_t dtype, double tolerance)
{
    struct bench b;
    bench_begin(&b, make_linear(variant), dtype, 64);
    const int64_t d = b.dim;
    void *x = bench_memory(b.n * d * b.size), *z = bench_memory(b.n * d * b.size);
    for (int64_t k = 0; k < b.n * d; k++) put(&b, x, k, k / d == k % d);
    bench_forward(&b, x, z, NULL); /* row j of z is column j of W */
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double product = 0.0;
            for (int64_t k = 0; k < d; k++) product += get(&b, z, i * d + k) * get(&b, z, j * d + k);
            near(product, i == j, tolerance, "W^T W", i * d + j);
        }
    near(b.log_det[0], 0.0, tolerance, "log|det W|", 0);
    if (d > 1) ck_assert(fabs(get(&b, z, 1)) > 1e-3); /* not the identity */
    ck_assert_int_eq(b.ops->reset(b.layer->self, 11, 512, b.grad), NF_OK);
    if (d > 1) ck_assert_mem_ne(b.grad, b.theta, (size_t)(b.count * b.size));
    free(x), free(z);
    bench_end(&b);
}

START_TEST(linear__starts_as_rotation)
{
    for (int32_t v = 0; v < 10; v++) {
        linear_rotates(v, NF_F64, 1e-13);
        linear_rotates(v, NF_F32, 1e-5);
    }
}
END_TEST

/* What W is singular or not finite or no permutation at all: told by every operation, with layer and index. */
START_TEST(linear__names_what_cannot_be_inverted)
{
    const double plain_singular[] = { 1, 2, 2, 4 }, plain_infinite[] = { 1, 0, 0, INFINITY }, zero[] = { 0, 0, 0, 0 };
    const double plu_twice[] = { 1, 1, 1, 1, 0, 0, 0, 0 }, plu_half[] = { 0, 0.5, 1, 1, 0, 0, 0, 0 }, plu_sign[] = { 0, 1, 1, 0, 0, 0, 0, 0 };
    const double plu_deep[] = { 0, 1, 1, 1, 0, 0, 0, -800 }, plu_nan[] = { 0, 1, 1, 1, 0, 0, NAN, 0 }, plu_far[] = { 0, -1, 1, 1, 0, 0, 0, 0 };
    const struct {
        int32_t variant;
        const double *theta;
        const char *line;
    } bad[] = {
        { 6, plain_singular, "linear: W is singular: zero at pivot 1" },
        { 6, zero, "linear: W is singular: zero at pivot 0" },
        { 6, plain_infinite, "linear: W is not finite in row 1" },
        { 1, plu_twice, "linear: \"permutation\" is none: not a row, or one a second time, at index 1" },
        { 1, plu_half, "linear: \"permutation\" is none: not a row, or one a second time, at index 1" },
        { 1, plu_far, "linear: \"permutation\" is none: not a row, or one a second time, at index 1" },
        { 1, plu_sign, "linear: \"sign\" is neither 1 nor -1 at index 1" },
        { 1, plu_deep, "linear: W is singular: zero at pivot 1" },
        { 1, plu_nan, "linear: W is not finite in row 1" },
    };
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        double x[2] = { 1, 2 }, z[2] = { 5, 5 }, g[2] = { 3, 4 }, h[1] = { 1 };
        struct bench b;
        bench_begin(&b, make_linear(bad[k].variant), NF_F64, 1);
        for (int64_t i = 0; i < b.count; i++) put(&b, b.theta, i, bad[k].theta[i]);
        bench_pack(&b);
        ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_ERR_SINGULAR);
        ck_assert_str_eq(nf_last_error(), bad[k].line);
        ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, x, z), NF_ERR_SINGULAR);
        ck_assert_int_eq(b.ops->jvp(b.layer->self, &b.tile, x, x, z, z, h), NF_ERR_SINGULAR);
        ck_assert_int_eq(b.ops->backward(b.layer->self, &b.tile, x, z, NULL, g, h), NF_ERR_SINGULAR);
        ck_assert(g[0] == 3 && z[0] == 5);
        bench_end(&b);
    }
}
END_TEST

/* det W < 0 is as good as det W > 0. */
/* The value at the head of the file; no length of v matters; v = 0 is no reflection. */
START_TEST(householder__check_values)
{
    const double x[] = { 0.7, 2.385 }, z[] = { -1.9134932957, -1.5864326041 };
    check_layer(make_householder(0), (double[]){ 0.7, -1.3, 2, 0.4 }, x, z, 0.0);
    check_layer(make_householder(0), (double[]){ 7e-90, -13e-90, -2e60, -4e59 }, x, z, 0.0);
    check_layer(make_householder(0), (double[]){ 0, 0, 0, 3 }, x, (double[]){ 0.7, -2.385 }, 0.0);
}
END_TEST

START_TEST(householder__refuses_bad_configs)
{
    nf_layer *layer = (nf_layer *)&layer;
    nf_householder_config config = { .struct_size = sizeof config, .dim = 4097 };
    ck_assert_int_eq(nf_householder_create(&layer, NULL, &config), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    config = (nf_householder_config){ .struct_size = sizeof config, .dim = 3, .reflections = -1 };
    ck_assert_int_eq(nf_householder_create(&layer, NULL, &config), NF_ERR_ARG);
    config.reflections = 4097;
    ck_assert_int_eq(nf_householder_create(&layer, NULL, &config), NF_ERR_ARG);
    ck_assert_int_eq(nf_householder_create(&layer, NULL, NULL), NF_ERR_NULL);
}
END_TEST

/* The value at the head of the file; u = 0 and w = 0; and a fold so strong that Newton alone would leave (m = -0.99997 at its steepest). */
START_TEST(planar__check_values)
{
    const double x[] = { 0.7, 0.385 };
    check_layer(make_planar(0), (double[]){ 0.7, -1.3, 2, 0.4, 0.2 }, x, (double[]){ 1.0599495011, 0.4869790702 }, 0.4794600381);
    check_layer(make_planar(0), (double[]){ 0.7, -1.3, 0, 0, 0.2 }, x, x, 0.0);
    check_layer(make_planar(0), (double[]){ 0, 0, 2, 0.4, 0.2 }, x, (double[]){ 0.7 + 2 * tanh(0.2), 0.385 + 0.4 * tanh(0.2) }, 0.0);
    const double m = log1p((M_E - 1.0) * exp(-11.0)) - 1.0; /* w = 1, u = -11: v = m */
    check_layer(make_planar(1), (double[]){ 1, -11, 0 }, (double[]){ 0.1 }, (double[]){ 0.1 + m * tanh(0.1) }, log(1.0 + m / pow(cosh(0.1), 2)));
    check_layer(make_planar(1), (double[]){ 1, 40, 0 }, (double[]){ -0.1 }, (double[]){ -0.1 - (log((M_E - 1.0)) + 39.0) * tanh(0.1) },
                log(1.0 + (log((M_E - 1.0)) + 39.0) / pow(cosh(0.1), 2)));
}
END_TEST

static void check_inverse(nf_layer *layer, const double *theta, const double *x)
{
    struct bench b;
    double z[8], back[8];
    bench_begin(&b, layer, NF_F64, 1);
    for (int64_t k = 0; k < b.count; k++) put(&b, b.theta, k, theta[k]);
    bench_pack(&b);
    bench_forward(&b, x, z, NULL);
    const double log_det = b.log_det[0];
    b.log_det[0] = 0.0;
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
    for (int64_t j = 0; j < b.dim; j++) near(back[j], x[j], 1e-12, "round trip", j);
    near(b.log_det[0], -log_det, 1e-12, "log_det", 0);
    bench_end(&b);
}

/* m = 5.35 and more: between two points Newton's steps alone would go back and forth. */
START_TEST(planar__inverts_what_newton_circles_in)
{
    for (int k = 0; k < 200; k++) {
        const double u = 5.0 + 0.2 * (k % 20), x[] = { 2.0 * draw((uint64_t)k), 0.385 };
        check_inverse(make_planar(1), (double[]){ 1, u, 0 }, x);
        check_inverse(make_sylvester(0), (double[]){ 0.7, -1.3, 2, 0.4, u, -0.8, 0.6, u, 0.2, -0.4, 0.1, -0.3 }, x);
    }
}
END_TEST

START_TEST(planar__refuses_bad_configs)
{
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_planar_create(&layer, NULL, &(nf_planar_config){ .struct_size = sizeof(nf_planar_config) }), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    ck_assert_int_eq(nf_planar_create(&layer, NULL, NULL), NF_ERR_NULL);
}
END_TEST

/* The value at the head of the file; b = 0; the centre itself; a near-collapse (1 + m = 5e-18) and a tiny alpha, and numbers whose squares overflow. */
START_TEST(radial__check_values)
{
    const double x[] = { 0.5, 0.385 };
    check_layer(make_radial(0), (double[]){ 0.7, -1.3, 0.2, 0.4 }, x, (double[]){ 0.4783460016, 0.5674349368 }, 0.1451915707);
    check_layer(make_radial(0), (double[]){ 0.7, -1.3, 0.2, 0 }, x, x, 0.0);
    check_layer(make_radial(0), (double[]){ 0.5, 0.385, 0.2, -40 }, x, x, 2.0 * (log(M_E - 1.0) - 40.0)); /* log softplus(s) = s for small s */
    check_layer(make_radial(1), (double[]){ 0, -900, 3 }, (double[]){ -0.1 }, (double[]){ -0.1 }, 0.0);
    check_layer(make_radial(0), (double[]){ 0.7, -1.3, 0.2, 0.4 }, (double[]){ 1e200, -1e220 }, (double[]){ 1e200, -1e220 }, 0.0);
}
END_TEST

/* Back from where r and alpha part by hundreds of orders, and where the layer all but folds */
START_TEST(radial__inverts_at_the_ends)
{
    const double bad[][4] = { { 0, 0, -900, 3 }, { 0, 0, 800, 3 }, { 0, 0, 0, 1e6 }, { 0, 0, 0, -20 }, { 0.5, 0.25, 0, -30 } };
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        double x[2] = { 0.5, 0.25 }, z[2], back[2];
        struct bench b;
        bench_begin(&b, make_radial(0), NF_F64, 1);
        for (int64_t i = 0; i < b.count; i++) put(&b, b.theta, i, bad[k][i]);
        bench_forward(&b, x, z, NULL);
        const double log_det = b.log_det[0];
        b.log_det[0] = 0.0;
        ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
        for (int j = 0; j < 2; j++) near(back[j], x[j], 1e-9, "radial round trip", k);
        near(b.log_det[0], -log_det, 1e-9 * fmax(1.0, fabs(log_det)), "radial log_det", k);
        bench_end(&b);
    }
}
END_TEST

START_TEST(radial__refuses_bad_configs)
{
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_radial_create(&layer, NULL, &(nf_radial_config){ .struct_size = sizeof(nf_radial_config) }), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    ck_assert_int_eq(nf_radial_create(&layer, NULL, NULL), NF_ERR_NULL);
}
END_TEST

/* The value at the head of the file; what it starts as is the identity to the last bit; one unit in one column is planar with w = S and v = R. */
START_TEST(sylvester__check_values)
{
    const double x[] = { 0.7, 0.385 }, m = log1p((M_E - 1.0) * exp(-11.0)) - 1.0, s = 1e-3 + (1.0 - 1e-3) * log1p((M_E - 1.0) * exp(0.7));
    check_layer(make_sylvester(0), (double[]){ 0.7, -1.3, 2, 0.4, 0.3, -0.8, 0.6, -0.5, 0.2, -0.4, 0.1, -0.3 }, x,
                (double[]){ 0.6844424228, 0.2665195146 }, -0.2023024027);
    check_layer(make_sylvester(1), (double[]){ 0, -11, 0.7, 0.3 }, (double[]){ 0.1 }, (double[]){ 0.1 + m / s * tanh(0.1 * s + 0.3) },
                log(1.0 + m / pow(cosh(0.1 * s + 0.3), 2)));
    for (int32_t v = 0; v < 5; v++) {
        struct bench b;
        double row[19], z[19];
        bench_begin(&b, make_sylvester(v), NF_F64, 1);
        for (int64_t j = 0; j < b.dim; j++) row[j] = 3.0 * draw((uint64_t)j);
        bench_forward(&b, row, z, NULL);
        ck_assert_mem_eq(row, z, (size_t)b.dim * sizeof *z);
        ck_assert(b.log_det[0] == 0.0);
        bench_end(&b);
    }
}
END_TEST

START_TEST(sylvester__refuses_bad_configs)
{
    const nf_sylvester_config bad[] = { { .dim = 0 }, { .dim = 300, .rank = 257 }, { .dim = 3, .rank = -1 }, { .dim = 3, .reflections = 257 } };
    nf_layer *layer = (nf_layer *)&layer;
    nf_sylvester_config config = { .struct_size = sizeof config, .dim = 3, .rank = 4 };
    ck_assert_int_eq(nf_sylvester_create(&layer, NULL, &config), NF_ERR_SHAPE);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(nf_last_error(), "nf_sylvester_create: rank is 4, must be at most dim, 3");
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        config = bad[i];
        config.struct_size = sizeof config;
        ck_assert_int_eq(nf_sylvester_create(&layer, NULL, &config), NF_ERR_ARG);
    }
    ck_assert_int_eq(nf_sylvester_create(&layer, NULL, NULL), NF_ERR_NULL);
}
END_TEST

/* The value at the head of the file; m from what all but folds (1 + m = 4e-16) to what stretches fifteenfold. */
START_TEST(fold__solves)
{
    enum { N = 400 };
    const nfi_kernels *f64 = nfi_kernels_for(NULL, NF_F64);
    const nfi_fold fold = nfi_fold_at(0.88);
    double work[NFI_FOLD_WORK * N], a[N], y[N], t[N], alone = 1.0;
    near(fold.m, 0.6375597907, 1e-10, "m", 0);
    nfi_fold_solve(f64, &fold, 1, &alone, &alone, work);
    near(alone, 0.5648248945, 1e-10, "tanh(a)", 0);
    ck_assert(nfi_fold_at(0.0).m == 0.0 && nfi_fold_at(0.0).p == 1.0);
    for (int s = 0; s < 140; s++) {
        const nfi_fold f = nfi_fold_at(-36.0 + 0.37 * s);
        for (int k = 0; k < N; k++) a[k] = 6.0 * draw((uint64_t)(N * s + k)), y[k] = a[k] + f.m * tanh(a[k]);
        nfi_fold_solve(f64, &f, N, y, t, work);
        for (int k = 0; k < N; k++) near(atanh(t[k]) + f.m * t[k], y[k], 1e-11, "a + m tanh(a)", k);
        for (int k = 0; k < N; k += 57) {
            nfi_fold_solve(f64, &f, 1, &y[k], &alone, work);
            ck_assert_mem_eq(&alone, &t[k], sizeof alone);
        }
    }
}
END_TEST

START_TEST(linear__takes_reflections)
{
    check_layer(make_linear(6), (double[]){ 0, 2, 3, 0 }, (double[]){ 5, 7 }, (double[]){ 14, 15 }, log(6.0));
    check_layer(make_linear(1), (double[]){ 1, 0, 1, 1, 0, 0, 0, 0 }, (double[]){ 5, 7 }, (double[]){ 7, 5 }, 0.0);
}
END_TEST

START_TEST(linear__refuses_bad_configs)
{
    nf_linear_config linear = { .struct_size = sizeof linear, .dim = 4097 };
    nf_invconv_config invconv = { .struct_size = sizeof invconv, .height = 2, .width = 2, .channels = 4097 };
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_linear_create(&layer, NULL, &linear), NF_ERR_ARG);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "dim is 4097"));
    ck_assert_int_eq(nf_invconv_create(&layer, NULL, &invconv), NF_ERR_ARG);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "channels is 4097"));
    invconv.channels = 4096;
    invconv.height = invconv.width = 2147483647; /* the product is no int64 */
    ck_assert_int_eq(nf_invconv_create(&layer, NULL, &invconv), NF_ERR_LIMIT);
    invconv.height = invconv.width = 4096;
    ck_assert_int_eq(nf_invconv_create(&layer, NULL, &invconv), NF_ERR_LIMIT);
    linear.dim = 2;
    linear.form = 3;
    ck_assert_int_eq(nf_linear_create(&layer, NULL, &linear), NF_ERR_ARG);
}
END_TEST

/* Against the index written out: [4][6][2] by rows and by the diagonal, and back. */
START_TEST(squeeze__matches_an_index_table)
{
    static const int64_t places[2][4][2] = { { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, { { 0, 0 }, { 1, 1 }, { 0, 1 }, { 1, 0 } } };
    nf_squeeze_config config = { .struct_size = sizeof config, .order = 1 + _i, .height = 4, .width = 6, .channels = 2 };
    nf_squeeze_config back = { .struct_size = sizeof back, .order = 1 + _i, .height = 2, .width = 3, .channels = 8, .reverse = 1 };
    nf_layer *layer, *reverse;
    struct bench b, r;
    float x[2 * 48], z[2 * 48], again[2 * 48];
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_squeeze_create(&reverse, NULL, &back), NF_OK);
    bench_begin(&b, layer, NF_F32, 2);
    bench_begin(&r, reverse, NF_F32, 2);
    for (int k = 0; k < 2 * 48; k++) x[k] = (float)k;
    bench_forward(&b, x, z, NULL);
    for (int64_t k = 0; k < 2 * 48; k++) {
        const int64_t row = k / 48, c = k % 2, sub = k / 2 % 4, column = k / 8 % 3, line = k / 24 % 2;
        const int64_t y = 2 * line + places[_i][sub][0], at = 2 * column + places[_i][sub][1];
        ck_assert(z[k] == (float)(row * 48 + (y * 6 + at) * 2 + c));
    }
    ck_assert(b.log_det[0] == 0.0);
    bench_forward(&r, z, again, NULL);
    ck_assert_mem_eq(again, x, sizeof x);
    bench_end(&b);
    bench_end(&r);
}
END_TEST

START_TEST(squeeze__refuses_odd_images)
{
    nf_squeeze_config config = { .struct_size = sizeof config, .height = 3, .width = 4, .channels = 2 };
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_ERR_SHAPE);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(nf_last_error(), "nf_squeeze_create: height is 3 and width 4, both must be even");
    config.height = 4, config.width = 5;
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_ERR_SHAPE);
    config.reverse = 1;
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_ERR_SHAPE);
    ck_assert_str_eq(nf_last_error(), "nf_squeeze_create: channels is 2, to be reversed it must be a multiple of 4");
    config.channels = 4; /* odd sides are fine in this direction */
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_OK);
    nf_layer_unref(layer);
    config = (nf_squeeze_config){ .struct_size = sizeof config, .height = 65536, .width = 65536, .channels = 2147483647 };
    ck_assert_int_eq(nf_squeeze_create(&layer, NULL, &config), NF_ERR_LIMIT);
}
END_TEST

/* All 256 levels, every number of bits, any shift: back exactly; noise inside the level, with the moments of a uniform. */
static void dequantise_levels(int32_t bits, double shift, int32_t dtype)
{
    const double width = ldexp(1.0, 8 - bits);
    nf_dequantise_config config = { .struct_size = sizeof config, .dim = 1024, .bits = bits, .shift = shift };
    nf_layer *layer;
    struct bench b;
    double sum = 0.0, square = 0.0;
    ck_assert_int_eq(nf_dequantise_create(&layer, NULL, &config), NF_OK);
    bench_begin(&b, layer, dtype, 16);
    const int64_t count = b.n * b.dim;
    void *x = bench_memory(count * b.size), *z = bench_memory(count * b.size), *back = bench_memory(count * b.size);
    for (int64_t k = 0; k < count; k++) put(&b, x, k, (double)(k % 256));
    bench_forward(&b, x, z, NULL);
    near(b.log_det[15], -1024.0 * bits * log(2.0), 1e-15, "log_det", 15);
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
    ck_assert(b.log_det[15] == 0.0);
    for (int64_t k = 0; k < count; k++) {
        const double level = floor(get(&b, x, k) / width), u = (get(&b, z, k) + (b.size == 4 ? (double)(float)shift : shift)) * ldexp(1.0, bits) - level;
        ck_assert(get(&b, back, k) == level * width);
        ck_assert(u > 0 && u < 1);
        sum += u, square += u * u;
    }
    near(sum / (double)count, 0.5, 0.01, "mean of u", 0); /* sd 0.002 */
    near(square / (double)count, 1.0 / 3.0, 0.01, "mean of u^2", 0);
    free(x), free(z), free(back);
    bench_end(&b);
}

START_TEST(dequantise__levels_come_back_exactly)
{
    static const double shifts[] = { 0.0, 0.5, 1.0, 1.0 / 3.0 };
    for (int k = 0; k < 4; k++) {
        dequantise_levels(1 + _i, shifts[k], NF_F32);
        dequantise_levels(1 + _i, shifts[k], NF_F64);
    }
}
END_TEST

/* The largest and the smallest words there are: z stays inside its level. */
START_TEST(dequantise__clips_what_lies_outside)
{
    struct bench b;
    bench_begin(&b, make_dequantise(1), NF_F32, 1);
    float z[7] = { -1e30F, 1e30F, 0.499999970F, -0.5F, 0.5F, NAN, -INFINITY }, x[7];
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, x), NF_OK);
    ck_assert(x[0] == 0 && x[1] == 255 && x[2] == 255 && x[3] == 0 && x[4] == 255 && x[5] != x[5] && x[6] == 0);
    bench_end(&b);
}
END_TEST

START_TEST(dequantise__noise_is_fresh_each_epoch_and_place)
{
    struct bench b;
    bench_begin(&b, make_dequantise(1), NF_F64, ROWS);
    void *x = case_x(&layer_cases[N_CASES - 1], &b);
    double *z = bench_memory(b.n * 7 * 8), *other = bench_memory(b.n * 7 * 8);
    bench_forward(&b, x, z, NULL);
    bench_forward(&b, x, other, NULL);
    ck_assert_mem_eq(z, other, (size_t)(b.n * 7 * 8));
    for (int k = 0; k < 4; k++) {
        const nf_tile kept = b.tile;
        if (k == 0) b.tile.epoch = 1;
        if (k == 1) b.tile.stream += 256;
        if (k == 2) b.tile.seed++;
        if (k == 3) b.tile.row_key++;
        bench_forward(&b, x, other, NULL);
        for (int64_t i = 0; i < b.n * 7; i++) ck_assert(z[i] != other[i] && fabs(z[i] - other[i]) < 1.0 / 256);
        b.tile = kept;
    }
    free(x), free(z), free(other);
    bench_end(&b);
}
END_TEST

/* u = 1/2 outside training, noise in it; gradients and tangents hold u fixed. */
START_TEST(dequantise__noise_in_training_only)
{
    double x[1] = { 200 }, z[1], g[1] = { 3.0 }, h[1] = { 1 }, d[1] = { -2.0 }, dz[1], d_log_det[1] = { 0 };
    struct bench b;
    bench_begin(&b, make_dequantise(3), NF_F64, 1);
    ck_assert_int_eq(b.dim, 1);
    bench_forward(&b, x, z, NULL);
    ck_assert(z[0] == 200.5 / 256 - 0.5);
    b.tile.training = 1;
    bench_forward(&b, x, z, NULL);
    ck_assert(z[0] != 200.5 / 256 - 0.5);
    ck_assert_int_eq(b.ops->backward(b.layer->self, &b.tile, x, z, NULL, g, h), NF_OK);
    ck_assert(g[0] == 3.0 / 256);
    ck_assert_int_eq(b.ops->jvp(b.layer->self, &b.tile, x, d, z, dz, d_log_det), NF_OK);
    ck_assert(dz[0] == -2.0 / 256 && d_log_det[0] == 0);
    bench_end(&b);
}
END_TEST

START_TEST(dequantise__names_row_and_column_outside_the_domain)
{
    static const double bad[] = { 0.5, -1.0, 256.0, NAN, 254.99 };
    struct bench b;
    bench_begin(&b, make_dequantise(1), NF_F32, ROWS);
    void *x = case_x(&layer_cases[N_CASES - 1], &b), *z = bench_memory(b.n * b.dim * b.size);
    b.tile.row = 100;
    for (int k = 0; k < 5; k++) {
        put(&b, x, 2 * 7 + 6, bad[k]);
        ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_ERR_DOMAIN);
        if (k == 0) ck_assert_str_eq(nf_last_error(), "dequantise: row 102, column 6 is 0.5, not a whole number in [0, 255]");
    }
    free(x), free(z);
    bench_end(&b);
}
END_TEST

static const struct { const char *name; nf_columns_config config; nf_status status; const char *words; } bad_columns[] = {
    { "lengths", { .dim = 2, .n_kind = 1 }, NF_ERR_SHAPE, "n_kind is 1, n_low 0 and n_high 0, each must be 0 or dim, 2" },
    { "kind", { .dim = 1, .kind = (const int64_t[]){ 6 }, .n_kind = 1 }, NF_ERR_ARG, "kind" },
    { "period", { .dim = 1, .kind = (const int64_t[]){ 5 }, .n_kind = 1, .low = (const double[]){ 24 }, .n_low = 1 }, NF_ERR_ARG,
      "low[0] is 24 and high[0] 0, a periodic column has low below high, its period apart" },
    { "half turn", { .dim = 1, .half_turn = -1 }, NF_ERR_ARG, "half_turn is -1" },
    { "bounds", { .dim = 1, .kind = (const int64_t[]){ 3 }, .n_kind = 1, .low = (const double[]){ 2 }, .n_low = 1, .high = (const double[]){ 2 }, .n_high = 1 },
      NF_ERR_ARG, "low[0] is 2 and high[0] 2, a bounded column has low below high" },
    { "no bounds", { .dim = 1, .kind = (const int64_t[]){ 3 }, .n_kind = 1 }, NF_ERR_ARG, "a bounded column has low below high" },
    { "halves", { .dim = 1, .kind = (const int64_t[]){ 4 }, .n_kind = 1, .high = (const double[]){ 2.5 }, .n_high = 1 }, NF_ERR_ARG,
      "an integer column has whole numbers" },
    { "alpha", { .dim = 1, .alpha = 0.3 }, NF_ERR_ARG, "alpha is 0.3" },
};

START_TEST(columns__refuses_bad_configs)
{
    nf_columns_config config = bad_columns[_i].config;
    const int64_t real = NF_COLUMN_REAL;
    nf_layer *layer = NULL;

    config.struct_size = sizeof config;
    if (!config.kind) config.kind = &real;
    ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), bad_columns[_i].status);
    ck_assert_msg(strstr(nf_last_error(), bad_columns[_i].words) && !layer, "%s: %s", bad_columns[_i].name, nf_last_error());
}
END_TEST

/* One column of a kind, low and high. */
static void one_column(struct bench *b, int64_t kind, double low, double high, int32_t dtype)
{
    nf_columns_config config = { .struct_size = sizeof config, .dim = 1, .kind = &kind, .n_kind = 1, .low = &low, .n_low = 1, .high = &high, .n_high = 1 };
    nf_layer *layer;
    ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), NF_OK);
    bench_begin(b, layer, dtype, ROWS);
}

START_TEST(columns__names_row_and_column_outside_the_domain)
{
    static const struct { int64_t kind; double low, high, good, bad; const char *words; } rows[] = {
        { NF_COLUMN_POSITIVE, 0.0, 0.0, 1.0, 0.0, "columns: row 102, column 0 is 0, a positive column is above low, 0" },
        { NF_COLUMN_POSITIVE, -1.5, 0.0, -1.0, -2.0, "columns: row 102, column 0 is -2, a positive column is above low, -1.5" },
        { NF_COLUMN_BOUNDED, -1.0, 3.0, 3.0, 3.25, "columns: row 102, column 0 is 3.25, not in the column's bounds, [-1, 3]" },
        { NF_COLUMN_INTEGER, 0.0, 9.0, 9.0, 10.0, "columns: row 102, column 0 is 10, not a whole number in [0, 9]" },
        { NF_COLUMN_INTEGER, 0.0, 0.0, -7.0, 0.5, "columns: row 102, column 0 is 0.5, not a whole number in [-65535, 65535]" },
        { NF_COLUMN_INTEGER, 0.0, 0.0, -65535.0, 65536.0, "columns: row 102, column 0 is 65536, not a whole number in [-65535, 65535]" },
    };
    struct bench b;
    void *x = NULL, *z = NULL;

    one_column(&b, rows[_i].kind, rows[_i].low, rows[_i].high, NF_F32);
    x = bench_memory(b.n * b.size);
    z = bench_memory(b.n * b.size);
    for (int64_t i = 0; i < b.n; i++) put(&b, x, i, rows[_i].good);
    ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_OK);
    put(&b, x, 2, rows[_i].bad);
    b.tile.row = 100;
    ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_ERR_DOMAIN);
    ck_assert_str_eq(nf_last_error(), rows[_i].words);
    free(x), free(z);
    bench_end(&b);
}
END_TEST

/* A circle has no other end: z in [-T, T) and x in [low, high) whatever comes in and however it is rounded; what differs by whole periods is one. */
START_TEST(columns__turn_round)
{
    static const double x[] = { 0.0, 24.0, -24.0, 25.0, -1e-9, 23.999999999, 1.0, 49.0, 1e6, -3e30, 12.0, 6.0 };
    const double T = _i ? 4.0 : (double)(float)M_PI;
    struct bench b;
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        const int64_t kind = NF_COLUMN_PERIODIC;
        nf_columns_config config = { .struct_size = sizeof config, .dim = 1, .kind = &kind, .n_kind = 1, .high = (double[]){ 24 }, .n_high = 1, .half_turn = _i ? 4.0 : 0.0 };
        nf_layer *layer;
        ck_assert_int_eq(nf_columns_create(&layer, NULL, &config), NF_OK);
        bench_begin(&b, layer, dtype, ROWS);
        void *in = bench_memory(b.n * b.size), *z = bench_memory(b.n * b.size), *back = bench_memory(b.n * b.size);
        for (int k = 0; k < (int)(sizeof x / sizeof *x); k++) {
            for (int64_t i = 0; i < b.n; i++) put(&b, in, i, x[k]);
            ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, in, z, NULL), NF_OK);
            const double at = get(&b, z, 0), want = T * (2.0 * fmod(fmod(get(&b, in, 0), 24.0) + 24.0, 24.0) / 24.0 - 1.0);
            ck_assert_msg(at >= -T && at < (dtype == NF_F32 || _i ? T : M_PI), "%g becomes %.17g", x[k], at);
            if (fabs(x[k]) < 100) ck_assert_msg(remainder(at - want, 2.0 * T) < 1e-6 && remainder(at - want, 2.0 * T) > -1e-6, "%g becomes %.17g, not %.17g", x[k], at, want);
            ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
            ck_assert(get(&b, back, 0) >= 0.0 && get(&b, back, 0) < 24.0);
            for (int64_t i = 0; i < b.n; i++) put(&b, z, i, nextafterf((float)T, 0.0F) + (i == 1 ? 10.0 * T : 0.0)); /* latents at the end and beyond */
            ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
            for (int64_t i = 0; i < b.n; i++) ck_assert(get(&b, back, i) >= 0.0 && get(&b, back, i) < 24.0);
        }
        free(in), free(z), free(back);
        bench_end(&b);
    }
}
END_TEST

/* Whatever is generated can be evaluated: latents far out come back as the nearest value, bounds as the precision rounds them. */
START_TEST(columns__generates_what_it_takes)
{
    static const double far[] = { -1e4, -200.0, -3.0, 0.0, 3.0, 80.0 };
    const int64_t kind = 1 + _i / 2;
    struct bench b;
    void *x = NULL, *z = NULL;

    one_column(&b, kind, kind == NF_COLUMN_INTEGER ? -2.0 : 0.1, kind == NF_COLUMN_INTEGER ? 300.0 : 0.3, 1 + _i % 2);
    x = bench_memory(b.n * b.size);
    z = bench_memory(b.n * b.size);
    for (int64_t i = 0; i < b.n; i++) put(&b, z, i, far[i % 6]);
    ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, x), NF_OK);
    ck_assert_msg(b.ops->forward(b.layer->self, &b.tile, x, z, NULL) == NF_OK, "%s", nf_last_error());
    free(x), free(z);
    bench_end(&b);
}
END_TEST

/* Every whole number comes back, with all noise that 2000 rows draw. */
START_TEST(columns__whole_numbers_come_back_exactly)
{
    static const double least[] = { -260.0, 65000.0, -65535.0, 0.0 };
    struct bench b;
    void *x = NULL, *z = NULL, *back = NULL;

    for (int k = 0; k < 4; k++) {
        one_column(&b, NF_COLUMN_INTEGER, 0.0, 0.0, 1 + _i);
        x = bench_memory(b.n * b.size);
        z = bench_memory(b.n * b.size);
        back = bench_memory(b.n * b.size);
        for (uint64_t epoch = 0; epoch < 40; epoch++) {
            b.tile.epoch = epoch;
            for (int64_t i = 0; i < b.n; i++) put(&b, x, i, least[k] + (double)(((int64_t)epoch * b.n + i) % 530));
            ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_OK);
            ck_assert_int_eq(b.ops->inverse(b.layer->self, &b.tile, z, back), NF_OK);
            ck_assert_int_eq(memcmp(x, back, (size_t)(b.n * b.size)), 0);
        }
        free(x), free(z), free(back);
        bench_end(&b);
    }
}
END_TEST

START_TEST(logit__names_row_and_column_outside_the_domain)
{
    struct bench b;
    bench_begin(&b, make_logit(0), NF_F32, ROWS);
    void *x = case_x(case_of("logit"), &b), *z = bench_memory(b.n * b.dim * b.size);
    put(&b, x, 2 * 3 + 1, 1.25);
    b.tile.row = 100;
    ck_assert_int_eq(b.ops->forward(b.layer->self, &b.tile, x, z, NULL), NF_ERR_DOMAIN);
    ck_assert_str_eq(nf_last_error(), "logit: row 102, column 1 is 1.25, not in [0, 1]");
    free(x), free(z);
    bench_end(&b);
}
END_TEST

/* Users' types */

static nf_status bad_describe(const void *self, nf_layer_info *info)
{
    (void)self, (void)info;
    return 3;
}

static const nf_layer_type *type_named(const char *name)
{
    for (int32_t i = 0; i < nfi_layer_type_count(); i++)
        if (strcmp(nf_layer_type_at(i), name) == 0) return nfi_layer_type_row(i);
    ck_abort_msg("no type %s", name);
}

START_TEST(registry__refuses_bad_types)
{
    const nf_layer_type *good = type_named("affine");
    nf_affine_config config = { .struct_size = sizeof config, .dim = 2 };
    nf_layer_type type = *good;
    nf_layer *layer;
    nf_context *context;

    ck_assert_int_eq(nf_context_create(&context, NULL), NF_OK);
    ck_assert_int_eq(nf_context_register_layer(context, &type), NF_ERR_ARG); /* the name is taken */
    type.name = "Mine";
    ck_assert_int_eq(nf_context_register_layer(context, &type), NF_ERR_ARG);
    type.name = "mine";
    ck_assert_int_eq(nf_context_register_layer(context, &type), NF_OK);
    ck_assert_int_eq(nf_context_register_layer(context, &type), NF_ERR_ARG);
    ck_assert_int_eq(nf_layer_create(&layer, context, "mine", &config), NF_OK);
    ck_assert_str_eq(nf_layer_type_name(layer), "mine");
    nf_layer_unref(layer);
    ck_assert_int_eq(nf_layer_create(&layer, context, "yours", &config), NF_ERR_UNKNOWN);
    nf_layer_type broken = type;
    broken.describe = bad_describe;
    ck_assert_int_eq(nf_layer_create_custom(&layer, NULL, &broken, &config), NF_ERR_CALLBACK);
    broken = type;
    broken.struct_size--;
    ck_assert_int_eq(nf_layer_create_custom(&layer, NULL, &broken, &config), NF_ERR_VERSION);
    broken = type;
    broken.create = NULL;
    ck_assert_int_eq(nf_layer_create_custom(&layer, NULL, &broken, &config), NF_ERR_ARG);
    ck_assert_int_eq(nf_layer_create_custom(NULL, NULL, &type, &config), NF_ERR_NULL);
    nf_context_unref(context);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layers");
    TCase *all = tcase_create("all"), *one = tcase_create("one");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, layer__gradients_match_central_differences, 0, N_SMOOTH);
    tcase_add_loop_test(all, layer__log_det_equals_dense_jacobian, 0, N_SMOOTH);
    tcase_add_loop_test(all, layer__inverse_undoes_forward, 0, N_CASES);
    tcase_add_loop_test(all, layer__tangents_match_central_differences, 0, N_SMOOTH);
    tcase_add_loop_test(all, layer__row_alone_has_the_same_bits, 0, N_CASES);
    tcase_add_test(one, registry__every_type_has_a_case);
    tcase_add_test(one, affine__check_value);
    tcase_add_test(one, actnorm__check_value);
    tcase_add_test(one, permutation__check_value);
    tcase_add_test(one, standardise__check_value);
    tcase_add_test(one, logit__check_value);
    tcase_add_test(one, linear__check_values);
    tcase_add_test(one, squeeze__check_value);
    tcase_add_test(one, columns__check_value);
    tcase_add_loop_test(one, columns__refuses_bad_configs, 0, (int)(sizeof bad_columns / sizeof *bad_columns));
    tcase_add_loop_test(one, columns__turn_round, 0, 2);
    tcase_add_loop_test(one, columns__names_row_and_column_outside_the_domain, 0, 6);
    tcase_add_loop_test(one, columns__generates_what_it_takes, 0, 8);
    tcase_add_loop_test(one, columns__whole_numbers_come_back_exactly, 0, 2);
    tcase_add_test(one, dequantise__check_value);
    tcase_add_test(one, coupling__check_value);
    tcase_add_test(one, coupling_spline__check_value);
    tcase_add_loop_test(one, coupling_spline__refuses_bad_configs, 0, (int)(sizeof bad_splines / sizeof *bad_splines));
    tcase_add_test(one, coupling_conv__check_value);
    tcase_add_test(one, autoregressive__check_value);
    tcase_add_loop_test(one, autoregressive__is_triangular, 0, AUTO_VARIANTS);
    tcase_add_loop_test(one, autoregressive__solves_what_it_maps, 0, 2 * AUTO_VARIANTS);
    tcase_add_test(one, autoregressive__masked_weights_stay_zero);
    tcase_add_loop_test(one, autoregressive__column_by_column_has_the_same_bits, 0, 2 * AUTO_VARIANTS + 2);
    tcase_add_loop_test(one, autoregressive__refuses_bad_configs, 0, (int)(sizeof bad_autoregressive / sizeof *bad_autoregressive));
    tcase_add_test(one, split__check_value);
    tcase_add_loop_test(one, image_layers__refuse_bad_configs, 0, N_BAD_IMAGES);
    tcase_add_test(one, linear__starts_as_rotation);
    tcase_add_test(one, linear__names_what_cannot_be_inverted);
    tcase_add_test(one, householder__check_values);
    tcase_add_test(one, householder__refuses_bad_configs);
    tcase_add_test(one, planar__check_values);
    tcase_add_test(one, planar__inverts_what_newton_circles_in);
    tcase_add_test(one, planar__refuses_bad_configs);
    tcase_add_test(one, radial__check_values);
    tcase_add_test(one, radial__inverts_at_the_ends);
    tcase_add_test(one, radial__refuses_bad_configs);
    tcase_add_test(one, sylvester__check_values);
    tcase_add_test(one, sylvester__refuses_bad_configs);
    tcase_add_test(one, fold__solves);
    tcase_add_test(one, linear__takes_reflections);
    tcase_add_test(one, linear__refuses_bad_configs);
    tcase_add_loop_test(one, squeeze__matches_an_index_table, 0, 2);
    tcase_add_test(one, squeeze__refuses_odd_images);
    tcase_add_loop_test(one, dequantise__levels_come_back_exactly, 0, 8);
    tcase_add_test(one, dequantise__clips_what_lies_outside);
    tcase_add_test(one, dequantise__noise_is_fresh_each_epoch_and_place);
    tcase_add_test(one, dequantise__noise_in_training_only);
    tcase_add_test(one, dequantise__names_row_and_column_outside_the_domain);
    tcase_add_test(one, scale__check_values);
    tcase_add_loop_test(one, coupling__starts_as_identity, 0, 5);
    tcase_add_loop_test(one, coupling__refuses_bad_configs, 0, 11);
    tcase_add_test(one, permutation__description_holds_the_index);
    tcase_add_test(one, permutation__refuses_what_is_no_bijection);
    tcase_add_test(one, actnorm__init_normalises_the_batch);
    tcase_add_test(one, actnorm__init_normalises_channels);
    tcase_add_test(one, actnorm__refuses_channels_that_do_not_divide);
    tcase_add_test(one, actnorm__init_refuses_a_constant_column);
    tcase_add_test(one, logit__names_row_and_column_outside_the_domain);
    tcase_add_test(one, registry__refuses_bad_types);
    suite_add_tcase(suite, all);
    suite_add_tcase(suite, one);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
