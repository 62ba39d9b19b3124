/* SPDX-License-Identifier: MIT
 *
 * actnorm.c - activation normalisation, of columns or of the channels of an image
 *
 *   z_j = exp(s_c) (x_j + b_c),  c = j mod channels      x, z in R^dim, channels = dim unless given
 *   log|det dz/dx| = dim / channels sum_c s_c            (the same for every row)
 *
 * theta = (s_0..s_{channels-1}, b_0..b_{channels-1}, initialised): theta = 0 is the identity. From the first batch, init
 * sets b = -mean and s = -log sd over rows and pixels, so that z has mean 0 and variance 1 there, and the flag, which is
 * saved with the model: a loaded flow is not initialised again. Mean and variance take two passes in double: one pass in
 * float loses all digits of the variance at mean 1e6, sd 1. A channel that does not vary is refused, because a floor
 * under sd would only hide it behind a huge scale.
 *
 * Rows are worked on in strips of whole pixels, long enough to fill vectors and short enough that the scales and shifts
 * of a strip, laid out once a tile, stay in the first cache.
 *
 * Check value: dim=1, s=0.7, b=-1.3, x=2.385 -> z = 2.1849216876, log|det| = 0.7; dim=4, channels=2, s=(0.7, -0.2),
 * b=(-1.3, 0.4), x=(2.385, 1, 0, -2) -> z = (2.1849216876, 1.1462230543, -2.6178785197, -1.3099692049), log|det| = 1;
 * init from x = (1, 2, 4): b = -7/3, s = -0.2209163761
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"
#include "math/functions.h"

#define ACTNORM_MAX_LOG_SCALE 7.0 /* of init: exp(7) = 1097 */
#define ACTNORM_DEGENERATE 1e-6   /* sd <= this (|mean| + 1) does not vary: the resolution of float data */
#define ACTNORM_MIN_VALUES 2
#define ACTNORM_STRIP 256         /* columns of a strip, about */

extern const nf_layer_ops nfi_actnorm_ops_f32, nfi_actnorm_ops_f64;

struct actnorm { /* immutable after creation */
    int64_t dim, channels, pixels;
    int64_t strip; /* columns of a strip, a multiple of channels */
};

/* [strip] each, in scratch: what the columns of a strip are scaled and shifted by, and two sums */
struct actnorm_strip {
    double *scale, *shift, *sum_s, *sum_b;
};

static struct actnorm_strip actnorm_memory(const struct actnorm *an, void *scratch)
{
    double *at = scratch;
    return (struct actnorm_strip){ at, at + an->strip, at + 2 * an->strip, at + 3 * an->strip };
}

/* Fills scale = exp(sign s) and shift = b of a strip, and returns log|det|. */
static double actnorm_fill(const struct actnorm *an, const real *theta, double sign, const struct actnorm_strip *to)
{
    const real *s = theta, *b = s + an->channels;
    double sum = 0.0;

    for (int64_t c = 0; c < an->channels; c++) {
        to->scale[c] = nfi_exp(sign * (double)s[c]);
        to->shift[c] = (double)b[c];
        sum += (double)s[c];
    }
    for (int64_t j = an->channels; j < an->strip; j++) {
        to->scale[j] = to->scale[j - an->channels];
        to->shift[j] = to->shift[j - an->channels];
    }
    return (double)an->pixels * sum;
}

/* Sums of x [n][channels] by channel, and of the residuals r = x - mean and their squares, contiguously */
static void actnorm_sums(int64_t n, int64_t channels, const real *x, double *restrict sum)
{
    for (int64_t i = 0; i < n; i++, x += channels)
        for (int64_t c = 0; c < channels; c++) sum[c] += (double)x[c];
}

static void actnorm_squares(int64_t n, int64_t channels, const real *x, const double *restrict mean,
                            double *restrict square, double *restrict rest)
{
    for (int64_t i = 0; i < n; i++, x += channels)
        for (int64_t c = 0; c < channels; c++) {
            const double r = (double)x[c] - mean[c];
            square[c] += r * r;
            rest[c] += r; /* what rounding left in the mean */
        }
}

/* Mean and standard deviation of every channel over n values, two passes in double; scratch holds 3 [strip] */
static void actnorm_moments(const struct actnorm *an, int64_t n, const real *x, double *mean, double *sd, double *rest)
{
    memset(mean, 0, (size_t)an->channels * sizeof *mean);
    memset(sd, 0, (size_t)an->channels * sizeof *sd);
    memset(rest, 0, (size_t)an->channels * sizeof *rest);
    actnorm_sums(n, an->channels, x, mean);
    for (int64_t c = 0; c < an->channels; c++) mean[c] /= (double)n;
    actnorm_squares(n, an->channels, x, mean, sd, rest);
    for (int64_t c = 0; c < an->channels; c++) sd[c] = nfi_sqrt((sd[c] - rest[c] * rest[c] / (double)n) / (double)n);
}

static bool actnorm_varies(double mean, double sd)
{
    return sd > ACTNORM_DEGENERATE * ((mean < 0.0 ? -mean : mean) + 1.0); /* false for NaN */
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */
static nf_status actnorm_init(const void *self, const nf_tile *tile, const void *in, void *theta)
{
    const struct actnorm *an = self;
    const struct actnorm_strip at = actnorm_memory(an, tile->scratch);
    const int64_t values = tile->n * an->pixels;
    double *mean = at.scale, *sd = at.shift;
    real *s = theta, *b = s + an->channels;

    if (values < ACTNORM_MIN_VALUES)
        return nfi_fail(NF_ERR_DEGENERATE, "actnorm: %lld rows to initialise from, at least %d are needed",
                        (long long)tile->n, ACTNORM_MIN_VALUES);
    actnorm_moments(an, values, in, mean, sd, at.sum_s);
    for (int64_t c = 0; c < an->channels; c++) /* before theta is touched */
        if (!actnorm_varies(mean[c], sd[c]))
            return nfi_fail(NF_ERR_DEGENERATE, "actnorm: %s %lld does not vary: mean %g, standard deviation %g",
                            an->pixels == 1 ? "column" : "channel", (long long)c, mean[c], sd[c]);
    for (int64_t c = 0; c < an->channels; c++) {
        const double log_sd = nfi_log(sd[c]);
        const double low = log_sd < -ACTNORM_MAX_LOG_SCALE ? -ACTNORM_MAX_LOG_SCALE : log_sd;
        s[c] = (real)-(low > ACTNORM_MAX_LOG_SCALE ? ACTNORM_MAX_LOG_SCALE : low);
        b[c] = (real)-mean[c];
    }
    b[an->channels] = 1; /* initialised */
    return NF_OK;
}

static void actnorm_forward_strip(int64_t count, const struct actnorm_strip *by, const real *restrict x, real *restrict z)
{
    const double *restrict scale = by->scale, *restrict shift = by->shift;
    for (int64_t j = 0; j < count; j++) z[j] = (real)(scale[j] * ((double)x[j] + shift[j]));
}

static nf_status actnorm_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct actnorm *an = self;
    const struct actnorm_strip by = actnorm_memory(an, tile->scratch);
    const double log_det = actnorm_fill(an, tile->theta, 1.0, &by);
    const real *x = in;
    real *z = out;

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < tile->n; i++, x += an->dim, z += an->dim) {
        for (int64_t j = 0; j < an->dim; j += an->strip)
            actnorm_forward_strip(nfi_min(an->strip, an->dim - j), &by, x + j, z + j);
        tile->log_det[i] += log_det;
    }
    return NF_OK;
}

static void actnorm_inverse_strip(int64_t count, const struct actnorm_strip *by, const real *restrict z, real *restrict x)
{
    const double *restrict scale = by->scale, *restrict shift = by->shift;
    for (int64_t j = 0; j < count; j++) x[j] = (real)(scale[j] * (double)z[j] - shift[j]);
}

static nf_status actnorm_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct actnorm *an = self;
    const struct actnorm_strip by = actnorm_memory(an, tile->scratch);
    const double log_det = actnorm_fill(an, tile->theta, -1.0, &by);
    const real *z = out;
    real *x = in;

    for (int64_t i = 0; i < tile->n; i++, x += an->dim, z += an->dim) {
        for (int64_t j = 0; j < an->dim; j += an->strip)
            actnorm_inverse_strip(nfi_min(an->strip, an->dim - j), &by, z + j, x + j);
        tile->log_det[i] -= log_det;
    }
    return NF_OK;
}

static void actnorm_backward_strip(int64_t count, const struct actnorm_strip *by, const real *restrict x, double h,
                                   real *restrict g)
{
    const double *restrict scale = by->scale, *restrict shift = by->shift;
    double *restrict sum_s = by->sum_s, *restrict sum_b = by->sum_b;
    for (int64_t j = 0; j < count; j++) {
        const double gx = (double)g[j] * scale[j];
        sum_s[j] += gx * ((double)x[j] + shift[j]) + h;
        sum_b[j] += gx;
        g[j] = (real)gx;
    }
}

/* Adds the sums of a strip, channel by channel, to the gradient. */
static void actnorm_add_gradient(const struct actnorm *an, const struct actnorm_strip *by, real *grad)
{
    for (int64_t j = an->channels; j < an->strip; j++) { /* each channel's first column takes in the others */
        by->sum_s[j % an->channels] += by->sum_s[j];
        by->sum_b[j % an->channels] += by->sum_b[j];
    }
    for (int64_t c = 0; c < an->channels; c++) {
        grad[c] += (real)by->sum_s[c];
        grad[an->channels + c] += (real)by->sum_b[c];
    }
}

/* With g = dL/dz, h = dL/dlog_det, c the channel of column j:
 *   dL/dx_ij = g_ij exp(s_c),   dL/db_c = sum_i sum_{j of c} g_ij exp(s_c),
 *   dL/ds_c  = sum_i sum_{j of c} (g_ij exp(s_c) (x_ij + b_c) + h_i);   the flag has no gradient. */
static nf_status actnorm_backward(const void *self, const nf_tile *tile, const void *in, const void *out,
                                  const void *saved, void *g_inout, const double *h)
{
    const struct actnorm *an = self;
    const struct actnorm_strip by = actnorm_memory(an, tile->scratch);
    const real *x = in;
    real *g = g_inout;

    (void)out, (void)saved;
    (void)actnorm_fill(an, tile->theta, 1.0, &by);
    memset(by.sum_s, 0, (size_t)(2 * an->strip) * sizeof *by.sum_s); /* and sum_b behind it */
    for (int64_t i = 0; i < tile->n; i++, x += an->dim, g += an->dim)
        for (int64_t j = 0; j < an->dim; j += an->strip)
            actnorm_backward_strip(nfi_min(an->strip, an->dim - j), &by, x + j, h[i], g + j);
    if (tile->grad) actnorm_add_gradient(an, &by, tile->grad); /* else only dL/dx was asked for */
    return NF_OK;
}

/* w = exp(-s) v */
static nf_status actnorm_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                          void *g_inout)
{
    const struct actnorm *an = self;
    const struct actnorm_strip by = actnorm_memory(an, tile->scratch);
    real *g = g_inout;

    (void)in, (void)out, (void)saved;
    (void)actnorm_fill(an, tile->theta, -1.0, &by);
    for (int64_t i = 0; i < tile->n; i++, g += an->dim)
        for (int64_t j = 0; j < an->dim; j++) g[j] = (real)(by.scale[j % an->channels] * (double)g[j]);
    return NF_OK;
}

/* dz = exp(s) dx; log|det| does not depend on x. */
static nf_status actnorm_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out,
                             void *d_out, double *d_log_det)
{
    const struct actnorm *an = self;
    const real *dx = d_in;
    real *dz = d_out;
    const double *scale = tile->scratch; /* left there by forward */

    (void)d_log_det;
    const nf_status status = actnorm_forward(self, tile, in, out, NULL);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < an->dim; j++)
            dz[i * an->dim + j] = (real)(scale[j % an->channels] * (double)dx[i * an->dim + j]);
    return status;
}

const nf_layer_ops NFI_NAME(nfi_actnorm_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .init = actnorm_init,
    .forward = actnorm_forward,
    .inverse = actnorm_inverse,
    .backward = actnorm_backward,
    .jvp = actnorm_jvp,
    .inverse_backward = actnorm_inverse_backward,
};

#if NFI_ONCE
static nf_status actnorm_make(nf_maker *maker, void *resolved, void **self)
{
    nf_actnorm_config *config = resolved;
    struct actnorm *an = nf_maker_alloc(maker, (int64_t)sizeof *an);
    if (!an) return NF_ERR_MEMORY;
    const int64_t dim = config->dim, channels = config->channels ? config->channels : dim;
    if (dim % channels)
        return nfi_fail(NF_ERR_SHAPE, "nf_actnorm_create: channels is %lld, does not divide dim %lld",
                        (long long)channels, (long long)dim);
    if (channels == dim) config->channels = 0; /* one description for one layer */
    *an = (struct actnorm){ .dim = dim, .channels = channels, .pixels = dim / channels };
    an->strip = channels * nfi_min(an->pixels, 1 + (ACTNORM_STRIP - 1) / channels);
    *self = an;
    return NF_OK;
}

static nf_status actnorm_describe(const void *self, nf_layer_info *info)
{
    const struct actnorm *an = self;
    info->dim = an->dim;
    info->scratch_fixed = 4 * an->strip * (int64_t)sizeof(double);
    info->needs_init = 1;
    return NF_OK;
}

static nf_status actnorm_param(const void *self, int32_t i, nf_param *param)
{
    static const struct {
        const char *name;
        int32_t properties, rank;
    } views[] = { { "log_scale", NF_PARAM_NO_DECAY, 1 },
                  { "shift", NF_PARAM_NO_DECAY, 1 },
                  { "initialised", NF_PARAM_FROZEN, 0 } };
    const struct actnorm *an = self;

    if (i < 0 || i >= NFI_COUNT(views)) return NF_ERR_ARG;
    memcpy(param->name, views[i].name, strlen(views[i].name) + 1);
    param->properties = views[i].properties;
    param->offset = i * an->channels;
    param->rank = views[i].rank;
    if (param->rank == 1) param->shape[0] = an->channels;
    return NF_OK;
}

static const nf_field actnorm_fields[] = {
    NFI_FIELD(nf_actnorm_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_FIELD(nf_actnorm_config, channels, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL,
              "Channels of an image, which divide dim; 0: every column for itself"),
};
const nfi_config_type nfi_actnorm_config_type = NFI_CONFIG_TYPE("actnorm", nf_actnorm_config, actnorm_fields);
const nf_layer_type nfi_actnorm_type = {
    NFI_LAYER_TYPE("actnorm", nf_actnorm_config, actnorm_fields),
    .create = actnorm_make,
    .describe = actnorm_describe,
    .param = actnorm_param,
    .f32 = &nfi_actnorm_ops_f32,
    .f64 = &nfi_actnorm_ops_f64,
};

void nf_actnorm_config_init(nf_actnorm_config *config)
{
    if (config) *config = (nf_actnorm_config)NF_ACTNORM_CONFIG_INIT;
}

nf_status nf_actnorm_create(nf_layer **out, nf_context *context, const nf_actnorm_config *config)
{
    return nfi_layer_make(out, context, &nfi_actnorm_type, config, "nf_actnorm_create");
}
#endif
