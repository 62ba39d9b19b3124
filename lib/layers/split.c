/* SPDX-License-Identifier: MIT
 *
 * split.c - factoring channels out
 *
 * An image [pixels][channels] becomes the first `keep` channels of all pixels, dense, which go on, and behind them the other channels
 * of all pixels, which are final: they stand in z where they left the chain. A permutation of columns: log|det| = 0 exactly. No
 * parameters. A coupling of channels in front of it makes the density of what leaves depend on what goes on (Glow's split prior).
 *
 * Check value: 1x2 pixels, channels=3, keep=1: (0 1 2 3 4 5) -> (0 3 | 1 2 4 5)
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803, section 3.6.
 */
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"

struct split { /* immutable after creation */
    int64_t pixels, channels, keep;
};

/* Between an image and its two parts: `into` copies image to parts, else parts to image. */
static void split_move(const struct split *sp, int64_t size, char *image, char *parts, bool into)
{
    const int64_t widths[2] = { sp->keep * size, (sp->channels - sp->keep) * size };
    char *part[2] = { parts, parts + sp->pixels * widths[0] };

    for (int64_t p = 0; p < sp->pixels; p++)
        for (int i = 0; i < 2; i++) {
            if (into)
                memcpy(part[i], image, (size_t)widths[i]);
            else
                memcpy(image, part[i], (size_t)widths[i]);
            part[i] += widths[i];
            image += widths[i];
        }
}

static void split_rows(const struct split *sp, const nf_tile *tile, void *images, void *parts, bool into)
{
    const int64_t size = tile->dtype == NF_F32 ? 4 : 8, row = sp->pixels * sp->channels * size;
    for (int64_t i = 0; i < tile->n; i++) split_move(sp, size, (char *)images + i * row, (char *)parts + i * row, into);
}

/* Operations: the contract is nflow/layer_type.h. One table serves both precisions. */

static nf_status split_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)saved;
    split_rows(self, tile, (void *)(uintptr_t)in, out, true); /* in is only read */
    return NF_OK;
}

static nf_status split_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    split_rows(self, tile, in, (void *)(uintptr_t)out, false); /* out is only read */
    return NF_OK;
}

/* The transpose of a permutation is its inverse. */
static nf_status split_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                const double *g_log_det)
{
    const struct split *sp = self;
    const int64_t row = sp->pixels * sp->channels * (tile->dtype == NF_F32 ? 4 : 8);

    (void)in, (void)out, (void)saved, (void)g_log_det;
    for (int64_t i = 0; i < tile->n; i++) {
        char *at = (char *)g + i * row;
        memcpy(tile->scratch, at, (size_t)row);
        split_move(sp, tile->dtype == NF_F32 ? 4 : 8, at, tile->scratch, false);
    }
    return NF_OK;
}

static nf_status split_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out, double *d_log_det)
{
    (void)d_log_det;
    split_rows(self, tile, (void *)(uintptr_t)d_in, d_out, true); /* d_in is only read */
    return split_forward(self, tile, in, out, NULL);
}

static const nf_layer_ops split_ops = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = split_forward,
    .inverse = split_inverse,
    .backward = split_backward,
    .jvp = split_jvp,
};

static nf_status split_make(nf_maker *maker, void *resolved, void **self)
{
    nf_split_config *config = resolved;
    struct split *sp = nf_maker_alloc(maker, (int64_t)sizeof *sp);
    int64_t dim;

    if (!sp) return NF_ERR_MEMORY;
    if (config->keep == 0) config->keep = config->channels / 2;
    if (config->keep < 1 || config->keep >= config->channels)
        return nfi_fail(NF_ERR_ARG, "nf_split_create: keep is %lld; of %lld channels, 1 to %lld can go on", (long long)config->keep,
                        (long long)config->channels, (long long)config->channels - 1);
    if (!nfi_mul(config->height, config->width, &sp->pixels) || !nfi_mul(sp->pixels, config->channels, &dim) || dim > (int64_t)NFI_MAX_DIM)
        return nfi_fail(NF_ERR_LIMIT, "nf_split_create: height, width, channels are %lld, %lld, %lld: too large an image",
                        (long long)config->height, (long long)config->width, (long long)config->channels);
    sp->channels = config->channels;
    sp->keep = config->keep;
    *self = sp;
    return NF_OK;
}

static nf_status split_describe(const void *self, nf_layer_info *info)
{
    const struct split *sp = self;
    info->dim = sp->pixels * sp->channels;
    info->dim_out = sp->pixels * sp->keep;
    info->scratch_fixed = info->dim * (int64_t)sizeof(double);
    return NF_OK;
}

static const nf_field split_fields[] = {
    NFI_FIELD(nf_split_config, height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Pixels downwards"),
    NFI_FIELD(nf_split_config, width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Pixels across"),
    NFI_FIELD(nf_split_config, channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Numbers a pixel"),
    NFI_FIELD(nf_split_config, keep, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "Channels that go on, half of them unless given"),
};
const nfi_config_type nfi_split_config_type = NFI_CONFIG_TYPE("split", nf_split_config, split_fields);
const nf_layer_type nfi_split_type = {
    NFI_LAYER_TYPE("split", nf_split_config, split_fields),
    .create = split_make,
    .describe = split_describe,
    .f32 = &split_ops,
    .f64 = &split_ops,
};

void nf_split_config_init(nf_split_config *config)
{
    if (config) *config = (nf_split_config)NF_SPLIT_CONFIG_INIT;
}

nf_status nf_split_create(nf_layer **out, nf_context *context, const nf_split_config *config)
{
    return nfi_layer_make(out, context, &nfi_split_type, config, "nf_split_create");
}
