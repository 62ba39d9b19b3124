/* SPDX-License-Identifier: MIT
 *
 * columns.c - columns that are positive, bounded, whole numbers or periodic, each mapped by a formula of its kind: to the line, or to a circle
 *
 *   real      z = x                                                              log dz/dx = 0
 *   positive  z = log(x - low)                                x > low            log dz/dx = -z
 *   bounded   z = log(p / (1 - p)),  p = alpha + (1 - 2 alpha) (x - low) / (high - low)
 *                                                             low <= x <= high   log dz/dx = softplus(z) + softplus(-z) + log((1 - 2 alpha) / (high - low))
 *   integer   z = x + u - 1/2,  u uniform in (0, 1)           x whole            log dz/dx = 0
 *   periodic  z = -T + 2 T (v - floor v),  v = (x - low) / (high - low)          log dz/dx = log(2 T / (high - low))
 *
 * No parameters. low and high are taken as the flow's precision rounds them, as the data are. A value outside is an error, never clipped;
 * inverses end at the nearest value that forward takes, so that what is generated can be evaluated. 1 - p is formed from high - x, which
 * keeps its digits near high; log dz/dx comes from z, in both directions, as in logit.c.
 *
 * The ends of a period are one point: what rounds up to T becomes -T, what rounds up to high becomes low, so that z lies in [-T, T) and x in
 * [low, high), T as the precision rounds it.
 *
 * u must survive the rounding of z, or the last u of a number would come back as the next one. In float u has 15 bits up to |x| = 255 and 7
 * beyond, up to 65535, and stands in the middle of its interval: z, at most 24 bits, is exact. In double u has 20 bits, and |x| at most
 * 2^31 - 1. Numbers and keys are those of dequantise.c: word j of the row for column j.
 *
 * Check value: dim=4 of real, positive, bounded (0, 2, alpha 0.05), integer without noise; x = (0.5, 2, 0.477, 3):
 * z = (0.5, 0.6931471806, -1.0219383780, 3), log|det| = 0.1451009065; dim=1, periodic (0, 24), T = pi: x = 25: z = -2.8797932658,
 * log|det| = -1.3401767639
 * Ref: logit and noise as in logit.c and dequantise.c.
 */
#include "core/real.h"
#include "layers/layer.h"

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#if NFI_REAL == 32
#define COLUMNS_WHOLE 65535.0       /* largest whole number */
#define COLUMNS_FINE 255.0          /* up to here u has its many bits */
#define COLUMNS_BITS_FINE 15
#define COLUMNS_BITS 7
#define COLUMNS_EPSILON 0x1p-23     /* spacing of numbers, relative */
#define COLUMNS_TINY 0x1p-126       /* smallest normal number */
#else
#define COLUMNS_WHOLE 2147483647.0
#define COLUMNS_FINE 2147483647.0
#define COLUMNS_BITS_FINE 20
#define COLUMNS_BITS 20
#define COLUMNS_EPSILON 0x1p-52
#define COLUMNS_TINY 0x1p-1022
#endif

extern const nf_layer_ops nfi_columns_ops_f32, nfi_columns_ops_f64;

struct column {
    int64_t kind;
    double low, high; /* integer without a range: both 0 */
};

struct columns { /* immutable after creation */
    int64_t dim, n_integer, n_periodic;
    int32_t noise;
    double alpha, width; /* width = 1 - 2 alpha */
    double half_turn;    /* T */
    struct column column[];
};

static double column_low(const struct column *c) { return (double)(real)c->low; }
static double column_high(const struct column *c) { return (double)(real)c->high; }
static bool column_ranged(const struct column *c) { return c->low < c->high; }

/* Real: nothing to do. */
static double real_forward(const struct columns *cs, const struct column *c, double x, double u, double *log_slope)
{
    (void)cs, (void)c, (void)u, (void)log_slope;
    return x;
}
static double real_inverse(const struct columns *cs, const struct column *c, double z, double *log_slope)
{
    (void)cs, (void)c, (void)log_slope;
    return z;
}
static void real_slope(const struct columns *cs, const struct column *c, double x, double *slope, double *d_log_slope)
{
    (void)cs, (void)c, (void)x;
    *slope = 1.0;
    *d_log_slope = 0.0;
}
static bool real_takes(const struct column *c, double x)
{
    (void)c, (void)x;
    return true;
}

/* Positive. */
static double positive_forward(const struct columns *cs, const struct column *c, double x, double u, double *log_slope)
{
    const double z = nfi_log(x - column_low(c));
    (void)cs, (void)u;
    *log_slope = -z;
    return z;
}
static double positive_inverse(const struct columns *cs, const struct column *c, double z, double *log_slope)
{
    const double low = column_low(c), least = low + (low < 0 ? -low : low) * COLUMNS_EPSILON + COLUMNS_TINY, x = low + nfi_exp(z);
    (void)cs;
    *log_slope = -z;
    return x < least ? least : x;
}
static void positive_slope(const struct columns *cs, const struct column *c, double x, double *slope, double *d_log_slope)
{
    (void)cs;
    *slope = 1.0 / (x - column_low(c));
    *d_log_slope = -*slope;
}
static bool positive_takes(const struct column *c, double x) { return x > column_low(c); }

/* Bounded. */
static double bounded_scale(const struct columns *cs, const struct column *c) { return cs->width / (column_high(c) - column_low(c)); }
static double bounded_log_slope(const struct columns *cs, const struct column *c, double z)
{
    return nfi_softplus(z) + nfi_softplus(-z) + nfi_log(bounded_scale(cs, c));
}
static double bounded_p(const struct columns *cs, const struct column *c, double x) { return cs->alpha + bounded_scale(cs, c) * (x - column_low(c)); }
static double bounded_q(const struct columns *cs, const struct column *c, double x) { return cs->alpha + bounded_scale(cs, c) * (column_high(c) - x); }
static double bounded_forward(const struct columns *cs, const struct column *c, double x, double u, double *log_slope)
{
    const double z = nfi_log(bounded_p(cs, c, x)) - nfi_log(bounded_q(cs, c, x));
    (void)u;
    *log_slope = bounded_log_slope(cs, c, z);
    return z;
}
static double bounded_inverse(const struct columns *cs, const struct column *c, double z, double *log_slope)
{
    const double low = column_low(c), high = column_high(c), x = low + (nfi_sigmoid(z) - cs->alpha) / bounded_scale(cs, c);
    *log_slope = bounded_log_slope(cs, c, z);
    return x < low ? low : x > high ? high : x;
}
static void bounded_slope(const struct columns *cs, const struct column *c, double x, double *slope, double *d_log_slope)
{
    const double p = bounded_p(cs, c, x), q = bounded_q(cs, c, x), scale = bounded_scale(cs, c);
    *slope = scale / (p * q);
    *d_log_slope = scale * (1.0 / q - 1.0 / p);
}
static bool bounded_takes(const struct column *c, double x) { return x >= column_low(c) && x <= column_high(c); }

/* Integer. */
static double integer_forward(const struct columns *cs, const struct column *c, double x, double u, double *log_slope)
{
    (void)cs, (void)c, (void)log_slope;
    return x + (u - 0.5);
}
static double integer_inverse(const struct columns *cs, const struct column *c, double z, double *log_slope)
{
    const double low = column_ranged(c) ? c->low : -COLUMNS_WHOLE, high = column_ranged(c) ? c->high : COLUMNS_WHOLE;
    const double x = nfi_floor(z + 0.5);
    (void)cs, (void)log_slope;
    return x < low ? low : x > high ? high : x;
}
static bool integer_takes(const struct column *c, double x)
{
    const bool whole = x >= -COLUMNS_WHOLE && x <= COLUMNS_WHOLE && !(nfi_floor(x) < x);
    return whole && (!column_ranged(c) || (x >= c->low && x <= c->high));
}

/* Periodic. */
static double periodic_half(const struct columns *cs) { return (double)(real)cs->half_turn; }
static double periodic_slope_of(const struct columns *cs, const struct column *c) { return 2.0 * periodic_half(cs) / (column_high(c) - column_low(c)); }
/* Circle [from, to) onto circle [low, high); an end that is reached by rounding is the other one. */
static double periodic_wrap(double x, double from, double to, double low, double high)
{
    const double turns = (x - from) / (to - from), at = low + (high - low) * (turns - nfi_floor(turns));
    return (double)(real)at >= high ? low : at;
}
static double periodic_forward(const struct columns *cs, const struct column *c, double x, double u, double *log_slope)
{
    const double T = periodic_half(cs);
    (void)u;
    *log_slope = nfi_log(periodic_slope_of(cs, c));
    return periodic_wrap(x, column_low(c), column_high(c), -T, T);
}
static double periodic_inverse(const struct columns *cs, const struct column *c, double z, double *log_slope)
{
    const double T = periodic_half(cs);
    *log_slope = nfi_log(periodic_slope_of(cs, c));
    return periodic_wrap(z, -T, T, column_low(c), column_high(c));
}
static void periodic_slope(const struct columns *cs, const struct column *c, double x, double *slope, double *d_log_slope)
{
    (void)x;
    *slope = periodic_slope_of(cs, c);
    *d_log_slope = 0.0;
}

/* The kinds, by their numbers. */
static const struct column_kind {
    bool (*takes)(const struct column *c, double x); /* x is finite */
    double (*forward)(const struct columns *cs, const struct column *c, double x, double u, double *log_slope);
    double (*inverse)(const struct columns *cs, const struct column *c, double z, double *log_slope); /* log_slope: still that of dz/dx */
    void (*slope)(const struct columns *cs, const struct column *c, double x, double *slope, double *d_log_slope);
} column_kinds[] = {
    [NF_COLUMN_REAL] = { real_takes, real_forward, real_inverse, real_slope },
    [NF_COLUMN_POSITIVE] = { positive_takes, positive_forward, positive_inverse, positive_slope },
    [NF_COLUMN_BOUNDED] = { bounded_takes, bounded_forward, bounded_inverse, bounded_slope },
    [NF_COLUMN_INTEGER] = { integer_takes, integer_forward, integer_inverse, real_slope },
    [NF_COLUMN_PERIODIC] = { real_takes, periodic_forward, periodic_inverse, periodic_slope },
};

static nf_status columns_refuse(const struct column *c, int64_t row, int64_t j, double x)
{
    const long long at = (long long)row, column = (long long)j;

    if (c->kind == NF_COLUMN_POSITIVE)
        return nfi_fail(NF_ERR_DOMAIN, "columns: row %lld, column %lld is %g, a positive column is above low, %g", at, column, x, c->low);
    if (c->kind == NF_COLUMN_BOUNDED)
        return nfi_fail(NF_ERR_DOMAIN, "columns: row %lld, column %lld is %g, not in the column's bounds, [%g, %g]", at, column, x, c->low, c->high);
    return nfi_fail(NF_ERR_DOMAIN, "columns: row %lld, column %lld is %g, not a whole number in [%g, %g]", at, column, x,
                    column_ranged(c) ? c->low : -COLUMNS_WHOLE, column_ranged(c) ? c->high : COLUMNS_WHOLE);
}

/* u in (0, 1) of so many bits, in the middle of its interval. */
static double columns_u(uint32_t word, double x)
{
    const int bits = x >= -COLUMNS_FINE && x <= COLUMNS_FINE ? COLUMNS_BITS_FINE : COLUMNS_BITS;
    return ((double)(word >> (32 - bits)) + 0.5) / (double)((int64_t)1 << bits);
}

/* Operations: the contract is nflow/layer_type.h. */
static nf_status columns_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct columns *cs = self;
    const bool noise = cs->n_integer > 0 && (cs->noise == NF_NOISE_ALWAYS || tile->training);
    uint32_t *words = tile->scratch;
    const real *x = in;
    real *z = out;

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < tile->n; i++, x += cs->dim, z += cs->dim) {
        double sum = 0.0;
        if (noise)
            nfi_random_words(nfi_row_seed(tile->seed, tile->row_key[i]), tile->stream + NFI_STREAM_NOISE, tile->epoch << 32, (cs->dim + 3) / 4, words);
        for (int64_t j = 0; j < cs->dim; j++) {
            const struct column *c = &cs->column[j];
            const struct column_kind *kind = &column_kinds[c->kind];
            const double xj = (double)x[j];
            double log_slope = 0.0;
            const bool inside = xj - xj != 0.0 || kind->takes(c, xj); /* NaN passes and makes its row NaN */
            if (!inside && !nfi_row_is_bad(tile, i)) return columns_refuse(c, tile->row + i, j, xj);
            z[j] = inside ? (real)kind->forward(cs, c, xj, noise ? columns_u(words[j], xj) : 0.5, &log_slope) : 0;
            sum += log_slope;
        }
        tile->log_det[i] += sum;
    }
    return NF_OK;
}

static nf_status columns_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct columns *cs = self;
    const real *z = out;
    real *x = in;

    for (int64_t i = 0; i < tile->n; i++, z += cs->dim, x += cs->dim) {
        double sum = 0.0;
        for (int64_t j = 0; j < cs->dim; j++) {
            double log_slope = 0.0;
            x[j] = (real)column_kinds[cs->column[j].kind].inverse(cs, &cs->column[j], (double)z[j], &log_slope);
            sum += log_slope;
        }
        tile->log_det[i] -= sum;
    }
    return NF_OK;
}

/* Columns are on their own: dL/dx_j = g_j dz_j/dx_j + h d log(dz_j/dx_j)/dx_j, with u held fixed. Of positive, dz/dx = 1 / (x - low) and
 * the other is its negative; of bounded, with s = (1 - 2 alpha) / (high - low) and q = 1 - p, dz/dx = s / (p q) and the other is
 * s (1 / q - 1 / p). */
static nf_status columns_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g_inout,
                                  const double *h)
{
    const struct columns *cs = self;
    const real *x = in;
    real *g = g_inout;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += cs->dim, g += cs->dim)
        for (int64_t j = 0; j < cs->dim; j++) {
            double slope, d_log_slope;
            column_kinds[cs->column[j].kind].slope(cs, &cs->column[j], (double)x[j], &slope, &d_log_slope);
            g[j] = (real)((double)g[j] * slope + h[i] * d_log_slope);
        }
    return NF_OK;
}

static nf_status columns_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g_inout)
{
    const struct columns *cs = self;
    const real *x = in;
    real *g = g_inout;

    (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n; i++, x += cs->dim, g += cs->dim)
        for (int64_t j = 0; j < cs->dim; j++) {
            double slope, d_log_slope;
            column_kinds[cs->column[j].kind].slope(cs, &cs->column[j], (double)x[j], &slope, &d_log_slope);
            g[j] = (real)((double)g[j] / slope);
        }
    return NF_OK;
}

static nf_status columns_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out, double *d_log_det)
{
    const struct columns *cs = self;
    const real *x = in, *dx = d_in;
    real *dz = d_out;

    for (int64_t i = 0; i < tile->n; i++, x += cs->dim, dx += cs->dim, dz += cs->dim)
        for (int64_t j = 0; j < cs->dim; j++) {
            double slope, d_log_slope;
            column_kinds[cs->column[j].kind].slope(cs, &cs->column[j], (double)x[j], &slope, &d_log_slope);
            dz[j] = (real)(slope * (double)dx[j]);
            d_log_det[i] += d_log_slope * (double)dx[j];
        }
    return columns_forward(self, tile, in, out, NULL);
}

const nf_layer_ops NFI_NAME(nfi_columns_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = columns_forward,
    .inverse = columns_inverse,
    .backward = columns_backward,
    .jvp = columns_jvp,
    .inverse_backward = columns_inverse_backward,
};

#if NFI_ONCE
static nf_status columns_check_lengths(const nf_columns_config *c)
{
    const long long dim = (long long)c->dim;

    if ((!c->n_kind || c->n_kind == c->dim) && (!c->n_low || c->n_low == c->dim) && (!c->n_high || c->n_high == c->dim)) return NF_OK;
    return nfi_fail(NF_ERR_SHAPE, "nf_columns_create: n_kind is %lld, n_low %lld and n_high %lld, each must be 0 or dim, %lld", (long long)c->n_kind,
                    (long long)c->n_low, (long long)c->n_high, dim);
}

static bool column_none(const struct column *c) { return !(c->low < 0.0 || c->low > 0.0 || c->high < 0.0 || c->high > 0.0); }

/* low < high in both precisions; integers may do without either. */
static nf_status columns_check(const struct column *c, int64_t j)
{
    const bool none = column_none(c), below = (float)c->low < (float)c->high;

    if (c->kind == NF_COLUMN_BOUNDED && !below)
        return nfi_fail(NF_ERR_ARG, "nf_columns_create: low[%lld] is %g and high[%lld] %g, a bounded column has low below high", (long long)j, c->low,
                        (long long)j, c->high);
    if (c->kind == NF_COLUMN_PERIODIC && !below)
        return nfi_fail(NF_ERR_ARG, "nf_columns_create: low[%lld] is %g and high[%lld] %g, a periodic column has low below high, its period apart", (long long)j,
                        c->low, (long long)j, c->high);
    if (c->kind == NF_COLUMN_INTEGER && !none && (!(c->low < c->high) || nfi_floor(c->low) < c->low || nfi_floor(c->high) < c->high))
        return nfi_fail(NF_ERR_ARG, "nf_columns_create: low[%lld] is %g and high[%lld] %g, an integer column has whole numbers, low below high, or both 0",
                        (long long)j, c->low, (long long)j, c->high);
    return NF_OK;
}

/* Column j as the config has it. A circle without ends is that of angles. */
static struct column columns_column(const nf_columns_config *config, int64_t j)
{
    struct column c = { config->n_kind ? config->kind[j] : NF_COLUMN_REAL, config->n_low ? config->low[j] : 0.0, config->n_high ? config->high[j] : 0.0 };
    if (c.kind == NF_COLUMN_PERIODIC && column_none(&c)) {
        c.low = -NFI_PI;
        c.high = NFI_PI;
    }
    return c;
}

static nf_status columns_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_columns_config *config = resolved;
    nf_status status = columns_check_lengths(config);
    if (status) return status;

    struct columns *cs = nf_maker_alloc(maker, (int64_t)sizeof *cs + config->dim * (int64_t)sizeof cs->column[0]);
    if (!cs) return NF_ERR_MEMORY;
    *cs = (struct columns){ .dim = config->dim, .noise = config->noise, .alpha = config->alpha, .width = 1.0 - 2.0 * config->alpha, .half_turn = config->half_turn };
    for (int64_t j = 0; j < config->dim && !status; j++) {
        cs->column[j] = columns_column(config, j);
        cs->n_integer += cs->column[j].kind == NF_COLUMN_INTEGER;
        cs->n_periodic += cs->column[j].kind == NF_COLUMN_PERIODIC;
        status = columns_check(&cs->column[j], j);
    }
    *self = cs;
    return status;
}

static nf_status columns_describe(const void *self, nf_layer_info *info)
{
    const struct columns *cs = self;
    info->dim = cs->dim;
    info->scratch_fixed = nfi_round_up(cs->dim, 4) * (int64_t)sizeof(uint32_t);
    info->discrete = cs->n_integer > 0;
    info->wraps = cs->n_periodic > 0;
    return NF_OK;
}

#define COLUMNS_BOUND 1e30 /* of |low| and |high|: far inside the range of float */

static const nf_field columns_fields[] = {
    NFI_FIELD(nf_columns_config, noise, NF_FIELD_CHOICE, 0, NF_NOISE_ALWAYS, 1, 2, "always,training", "When noise is added to whole numbers"),
    NFI_FIELD(nf_columns_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    NFI_ARRAY(nf_columns_config, kind, n_kind, NF_FIELD_I64_ARRAY, 0, 1, NF_COLUMN_PERIODIC,
              "Kind of each column: 1 real, 2 positive, 3 bounded, 4 integer, 5 periodic; empty: all real"),
    NFI_ARRAY(nf_columns_config, low, n_low, NF_FIELD_F64_ARRAY, 0, -COLUMNS_BOUND, COLUMNS_BOUND, "Lower bound of each column, 0 unless given"),
    NFI_ARRAY(nf_columns_config, high, n_high, NF_FIELD_F64_ARRAY, 0, -COLUMNS_BOUND, COLUMNS_BOUND, "Upper bound of each column, 0 unless given"),
    NFI_FIELD(nf_columns_config, alpha, NF_FIELD_F64, 0, 1e-6, 1e-12, 0.25, NULL, "Margin that keeps the logit of both bounds finite"),
    NFI_FIELD(nf_columns_config, half_turn, NF_FIELD_F64, 0, NFI_PI, 1e-3, 1e6, NULL, "Periodic columns are mapped onto [-half_turn, half_turn)"),
};
const nfi_config_type nfi_columns_config_type = NFI_CONFIG_TYPE("columns", nf_columns_config, columns_fields);
const nf_layer_type nfi_columns_type = {
    NFI_LAYER_TYPE("columns", nf_columns_config, columns_fields),
    .create = columns_make,
    .describe = columns_describe,
    .f32 = &nfi_columns_ops_f32,
    .f64 = &nfi_columns_ops_f64,
};

void nf_columns_config_init(nf_columns_config *config)
{
    if (config) *config = (nf_columns_config)NF_COLUMNS_CONFIG_INIT;
}

nf_status nf_columns_create(nf_layer **out, nf_context *context, const nf_columns_config *config)
{
    return nfi_layer_make(out, context, &nfi_columns_type, config, "nf_columns_create");
}
#endif
