/* SPDX-License-Identifier: MIT
 *
 * dequantise.c - whole numbers 0..255 spread over the unit interval by noise
 *
 *   q_j = floor(x_j / 2^(8 - bits)),   z_j = (q_j + u_j) / 2^bits - shift,   u_j uniform in (0, 1)
 *   log|det dz/dx| = -dim bits log 2
 *
 * No parameters. The log-determinant is that of z as a function of q + u: a flow whose z is uniform on its unit interval
 * then scores exactly `bits` bits a column. The inverse is the level that z falls in, clipped to 0..2^bits - 1.
 *
 * u must survive the rounding of z, or the last u below a level would come back as the next one. In float u has 15 bits
 * and stands in the middle of its interval: q + u, at most 8 + 16 bits, is exact, and so far from the next level, 2^-24
 * of z, that the rounding of the shift, at most 2^-25 while |z| <= 1, does not reach it. In double u has 31 bits.
 *
 * Numbers: Philox with the key mixed of the flow's seed and the row's key, stream NFI_STREAM_NOISE of the layer's place,
 * index (epoch << 32) + j / 4, word j mod 4. So u does not depend on batch, tile or thread, and is fresh every epoch.
 *
 * Check value: noise off (u = 1/2), dim=2, bits=5, shift=0.5, x = (255, 9) -> z = (0.484375, -0.453125), log|det| = -10 log 2
 * Ref: Theis, van den Oord, Bethge, "A note on the evaluation of generative models", arXiv:1511.01844.
 */
#include "core/real.h"
#include "layers/layer.h"

#include "core/rng.h"
#include "core/status.h"

#define DEQUANTISE_BITS 8 /* of x */
#define DEQUANTISE_MOST 255
#define DEQUANTISE_LOG_2 0.69314718055994530942

#if NFI_REAL == 32
#define DEQUANTISE_DROP 17 /* bits of a word that u does without */
#define DEQUANTISE_STEP 0x1p-15F
#else
#define DEQUANTISE_DROP 1
#define DEQUANTISE_STEP 0x1p-31
#endif

extern const nf_layer_ops nfi_dequantise_ops_f32, nfi_dequantise_ops_f64;

struct dequantise { /* immutable after creation */
    int64_t dim;
    int32_t bits, noise;
    double shift;
};

/* x as an index of 0..255, -1 where it is none: never a conversion that is out of range */
static int32_t dequantise_whole(real x)
{
    const real inside = x >= 0 && x <= DEQUANTISE_MOST ? x : 0;
    const int32_t whole = (int32_t)inside;
    return (real)whole == x ? whole : -1;
}

static nf_status dequantise_refuse(const struct dequantise *dq, int64_t row, const real *x)
{
    int64_t j = 0;
    while (j + 1 < dq->dim && dequantise_whole(x[j]) >= 0) j++;
    return nfi_fail(NF_ERR_DOMAIN, "dequantise: row %lld, column %lld is %g, not a whole number in [0, %d]", (long long)row,
                    (long long)j, (double)x[j], DEQUANTISE_MOST);
}

/* z of one row; words NULL: u = 1/2. Answers a negative number when some x is no whole number of the range. */
static int32_t dequantise_row(const struct dequantise *dq, const uint32_t *restrict words, const real *restrict x,
                              real *restrict z)
{
    const int32_t drop = DEQUANTISE_BITS - dq->bits;
    const real scale = (real)1 / (real)(1 << dq->bits), shift = (real)dq->shift, half = (real)0.5;
    int32_t worst = 0;

    for (int64_t j = 0; j < dq->dim; j++) {
        const int32_t whole = dequantise_whole(x[j]);
        const real q = (real)(whole >> drop);
        const real u = words ? ((real)(int32_t)(words[j] >> DEQUANTISE_DROP) + half) * DEQUANTISE_STEP : half;
        worst |= whole;
        z[j] = (q + u) * scale - shift;
    }
    return worst;
}

/* Operations: the contract is nflow/layer_type.h. */
static nf_status dequantise_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct dequantise *dq = self;
    const bool noise = dq->noise == NF_NOISE_ALWAYS || tile->training;
    const double log_det = -(double)(dq->dim * dq->bits) * DEQUANTISE_LOG_2;
    uint32_t *words = tile->scratch;
    const real *x = in;
    real *z = out;

    (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += dq->dim, z += dq->dim) {
        if (noise)
            nfi_random_words(nfi_row_seed(tile->seed, tile->row_key[i]), tile->stream + NFI_STREAM_NOISE, tile->epoch << 32,
                             (dq->dim + 3) / 4, words);
        if (dequantise_row(dq, noise ? words : NULL, x, z) < 0) return dequantise_refuse(dq, tile->row + i, x);
        tile->log_det[i] += log_det;
    }
    return NF_OK;
}

/* x of one row: the level that z + shift lies in; NaN stays NaN. */
static void dequantise_row_back(const struct dequantise *dq, const real *restrict z, real *restrict x)
{
    const int32_t drop = DEQUANTISE_BITS - dq->bits;
    const double levels = (double)(1 << dq->bits), most = levels - 1.0, shift = (double)(real)dq->shift;

    for (int64_t j = 0; j < dq->dim; j++) {
        const double level = ((double)z[j] + shift) * levels;
        const double inside = level >= 0.0 ? (level <= most ? level : most) : 0.0; /* NaN: 0, until the last line */
        x[j] = z[j] == z[j] ? (real)((int32_t)inside << drop) : z[j];
    }
}

static nf_status dequantise_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct dequantise *dq = self;
    const double log_det = (double)(dq->dim * dq->bits) * DEQUANTISE_LOG_2;
    const real *z = out;
    real *x = in;

    for (int64_t i = 0; i < tile->n; i++, z += dq->dim, x += dq->dim) {
        dequantise_row_back(dq, z, x);
        tile->log_det[i] += log_det;
    }
    return NF_OK;
}

/* With u held fixed and q taken for x / 2^(8 - bits):  dz/dx = 2^-bits 2^(bits - 8) = 1/256 */
static void dequantise_slope(int64_t count, const real *from, real *to)
{
    for (int64_t k = 0; k < count; k++) to[k] = from[k] * (real)0x1p-8;
}

static nf_status dequantise_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                     void *g, const double *h)
{
    const struct dequantise *dq = self;
    (void)in, (void)out, (void)saved, (void)h;
    dequantise_slope(tile->n * dq->dim, g, g);
    return NF_OK;
}

static nf_status dequantise_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                                double *d_log_det)
{
    const struct dequantise *dq = self;
    (void)d_log_det;
    dequantise_slope(tile->n * dq->dim, d_in, d_out);
    return dequantise_forward(self, tile, in, out, NULL);
}

const nf_layer_ops NFI_NAME(nfi_dequantise_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = dequantise_forward,
    .inverse = dequantise_inverse,
    .backward = dequantise_backward,
    .jvp = dequantise_jvp,
};

#if NFI_ONCE
static nf_status dequantise_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_dequantise_config *config = resolved;
    struct dequantise *dq = nf_maker_alloc(maker, (int64_t)sizeof *dq);
    if (!dq) return NF_ERR_MEMORY;
    *dq = (struct dequantise){ .dim = config->dim, .bits = config->bits, .noise = config->noise, .shift = config->shift };
    *self = dq;
    return NF_OK;
}

static nf_status dequantise_describe(const void *self, nf_layer_info *info)
{
    const struct dequantise *dq = self;
    info->dim = dq->dim;
    info->scratch_fixed = nfi_round_up(dq->dim, 4) * (int64_t)sizeof(uint32_t);
    info->discrete = 1;
    return NF_OK;
}

static const nf_field dequantise_fields[] = {
    NFI_FIELD(nf_dequantise_config, noise, NF_FIELD_CHOICE, 0, NF_NOISE_ALWAYS, 1, 2, "always,training", "When noise is drawn"),
    NFI_FIELD(nf_dequantise_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_FIELD(nf_dequantise_config, bits, NF_FIELD_I32, 0, DEQUANTISE_BITS, 1, DEQUANTISE_BITS, NULL, "Upper bits that are kept"),
    NFI_FIELD(nf_dequantise_config, shift, NF_FIELD_F64, 0, 0, 0, 1, NULL, "Taken off the unit interval"),
};
const nfi_config_type nfi_dequantise_config_type = NFI_CONFIG_TYPE("dequantise", nf_dequantise_config, dequantise_fields);
const nf_layer_type nfi_dequantise_type = {
    NFI_LAYER_TYPE("dequantise", nf_dequantise_config, dequantise_fields),
    .create = dequantise_make,
    .describe = dequantise_describe,
    .f32 = &nfi_dequantise_ops_f32,
    .f64 = &nfi_dequantise_ops_f64,
};

void nf_dequantise_config_init(nf_dequantise_config *config)
{
    if (config) *config = (nf_dequantise_config)NF_DEQUANTISE_CONFIG_INIT;
}

nf_status nf_dequantise_create(nf_layer **out, nf_context *context, const nf_dequantise_config *config)
{
    return nfi_layer_make(out, context, &nfi_dequantise_type, config, "nf_dequantise_create");
}
#endif
