/* SPDX-License-Identifier: MIT
 *
 * squeeze.c - squares of 2x2 pixels become pixels of four times the channels
 *
 *   z[y][x][sub C + c] = x[2 y + row(sub)][2 x + column(sub)][c],   log|det dz/dx| = 0 exactly
 *
 * [H][W][C] -> [H/2][W/2][4 C]; reverse is the opposite mapping, of x [H][W][C] to z [2 H][2 W][C/4]. No parameters. The
 * order of the sub-pixels is a row of a table: by rows, or with the diagonal first (RealNVP alternates the two, so that
 * what a coupling keeps after a squeeze was a checkerboard before it).
 *
 * create lays the mapping out once as a list of runs: the squeezed side's run r, C values, is pixel runs[r] of the
 * unsqueezed one. The mapping is then one gather or one scatter of runs.
 *
 * Check value: 2x2, C=1, diagonal, x = (1, 2, 3, 4) -> z = (1, 4, 2, 3), log|det| = 0
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803, 3.6.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"

extern const nf_layer_ops nfi_squeeze_ops_f32, nfi_squeeze_ops_f64;

struct squeeze { /* immutable after creation */
    int64_t dim, run; /* columns; values of a run: channels of the unsqueezed side */
    const int32_t *runs; /* [dim / run] */
    int32_t reverse;
};

/* Between one row of each side */
static void squeeze_gather(const struct squeeze *sq, const real *restrict whole, real *restrict squeezed)
{
    for (int64_t r = 0; r < sq->dim / sq->run; r++, squeezed += sq->run) {
        const real *from = whole + sq->runs[r] * sq->run;
        for (int64_t c = 0; c < sq->run; c++) squeezed[c] = from[c];
    }
}

static void squeeze_scatter(const struct squeeze *sq, const real *restrict squeezed, real *restrict whole)
{
    for (int64_t r = 0; r < sq->dim / sq->run; r++, squeezed += sq->run) {
        real *to = whole + sq->runs[r] * sq->run;
        for (int64_t c = 0; c < sq->run; c++) to[c] = squeezed[c];
    }
}

static void squeeze_map(const struct squeeze *sq, bool gather, int64_t n, const real *from, real *to)
{
    for (int64_t i = 0; i < n; i++, from += sq->dim, to += sq->dim) {
        if (gather) squeeze_gather(sq, from, to);
        else squeeze_scatter(sq, from, to);
    }
}

/* Operations: the contract is nflow/layer_type.h; log_det gets nothing added. */
static nf_status squeeze_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct squeeze *sq = self;
    (void)saved;
    squeeze_map(sq, !sq->reverse, tile->n, in, out);
    return NF_OK;
}

static nf_status squeeze_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct squeeze *sq = self;
    squeeze_map(sq, sq->reverse, tile->n, out, in);
    return NF_OK;
}

/* In place, through one row of scratch. */
static void squeeze_rows(const struct squeeze *sq, const nf_tile *tile, bool gather, real *g)
{
    real *row = tile->scratch;
    for (int64_t i = 0; i < tile->n; i++, g += sq->dim) {
        memcpy(row, g, (size_t)sq->dim * sizeof *g);
        squeeze_map(sq, gather, 1, row, g);
    }
}

/* dL/dx is dL/dz mapped back. */
static nf_status squeeze_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                  const double *h)
{
    const struct squeeze *sq = self;
    (void)in, (void)out, (void)saved, (void)h;
    squeeze_rows(sq, tile, sq->reverse, g);
    return NF_OK;
}

static nf_status squeeze_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const struct squeeze *sq = self;
    (void)in, (void)out, (void)saved;
    squeeze_rows(sq, tile, !sq->reverse, g);
    return NF_OK;
}

static nf_status squeeze_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                             double *d_log_det)
{
    const struct squeeze *sq = self;
    (void)d_log_det;
    squeeze_map(sq, !sq->reverse, tile->n, in, out);
    squeeze_map(sq, !sq->reverse, tile->n, d_in, d_out);
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_squeeze_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = squeeze_forward,
    .inverse = squeeze_inverse,
    .backward = squeeze_backward,
    .jvp = squeeze_jvp,
    .inverse_backward = squeeze_inverse_backward,
};

#if NFI_ONCE
/* Row and column of each sub-pixel, by NF_SQUEEZE_... */
static const struct squeeze_order {
    int32_t row[4], column[4];
} squeeze_orders[] = {
    [NF_SQUEEZE_ROWS] = { { 0, 0, 1, 1 }, { 0, 1, 0, 1 } },
    [NF_SQUEEZE_DIAGONAL] = { { 0, 1, 0, 1 }, { 0, 1, 1, 0 } },
};

/* height and width are those of the squeezed side. */
static void squeeze_fill(const struct squeeze_order *order, int64_t height, int64_t width, int32_t *runs)
{
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int sub = 0; sub < 4; sub++)
                *runs++ = (int32_t)((2 * y + order->row[sub]) * 2 * width + 2 * x + order->column[sub]);
}

static nf_status squeeze_check(const nf_squeeze_config *c, int64_t *dim)
{
    if (!c->reverse && (c->height % 2 || c->width % 2))
        return nfi_fail(NF_ERR_SHAPE, "nf_squeeze_create: height is %lld and width %lld, both must be even",
                        (long long)c->height, (long long)c->width);
    if (c->reverse && c->channels % 4)
        return nfi_fail(NF_ERR_SHAPE, "nf_squeeze_create: channels is %lld, to be reversed it must be a multiple of 4",
                        (long long)c->channels);
    if (!nfi_mul(c->height, c->width, dim) || !nfi_mul(*dim, c->channels, dim) || *dim > (int64_t)NFI_MAX_DIM)
        return nfi_fail(NF_ERR_LIMIT, "nf_squeeze_create: height %lld times width %lld times channels %lld is over %lld",
                        (long long)c->height, (long long)c->width, (long long)c->channels, (long long)NFI_MAX_DIM);
    return NF_OK;
}

static nf_status squeeze_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_squeeze_config *config = resolved;
    int64_t dim;
    const nf_status status = squeeze_check(config, &dim);
    if (status != NF_OK) return status;
    struct squeeze *sq = nf_maker_alloc(maker, (int64_t)sizeof *sq);
    if (!sq) return NF_ERR_MEMORY;
    *sq = (struct squeeze){ .dim = dim, .run = config->reverse ? config->channels / 4 : config->channels, .reverse = config->reverse };
    int32_t *runs = nfi_maker_alloc(maker, dim / sq->run, (int64_t)sizeof *runs);
    if (!runs) return NF_ERR_MEMORY;
    const int64_t shrink = config->reverse ? 1 : 2;
    squeeze_fill(&squeeze_orders[config->order], config->height / shrink, config->width / shrink, runs);
    sq->runs = runs;
    *self = sq;
    return NF_OK;
}

static nf_status squeeze_describe(const void *self, nf_layer_info *info)
{
    const struct squeeze *sq = self;
    info->dim = sq->dim;
    info->scratch_fixed = sq->dim * (int64_t)sizeof(double);
    return NF_OK;
}

static const nf_field squeeze_fields[] = {
    NFI_FIELD(nf_squeeze_config, order, NF_FIELD_CHOICE, 0, NF_SQUEEZE_ROWS, 1, 2, "rows,diagonal",
              "Order of the four sub-pixels of a square"),
    NFI_FIELD(nf_squeeze_config, height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Rows of pixels of x"),
    NFI_FIELD(nf_squeeze_config, width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns of pixels of x"),
    NFI_FIELD(nf_squeeze_config, channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Values of a pixel of x"),
    NFI_FIELD(nf_squeeze_config, reverse, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "The opposite mapping"),
};
const nfi_config_type nfi_squeeze_config_type = NFI_CONFIG_TYPE("squeeze", nf_squeeze_config, squeeze_fields);
const nf_layer_type nfi_squeeze_type = {
    NFI_LAYER_TYPE("squeeze", nf_squeeze_config, squeeze_fields),
    .create = squeeze_make,
    .describe = squeeze_describe,
    .f32 = &nfi_squeeze_ops_f32,
    .f64 = &nfi_squeeze_ops_f64,
};

void nf_squeeze_config_init(nf_squeeze_config *config)
{
    if (config) *config = (nf_squeeze_config)NF_SQUEEZE_CONFIG_INIT;
}

nf_status nf_squeeze_create(nf_layer **out, nf_context *context, const nf_squeeze_config *config)
{
    return nfi_layer_make(out, context, &nfi_squeeze_type, config, "nf_squeeze_create");
}
#endif
