/* SPDX-License-Identifier: MIT
 *
 * coupling_conv.c - affine coupling of an image's channels or pixels, by convolutional networks
 *
 *   z_a = x_a,   z_b = exp(s) (x_b + t),   (t, u) = net(x_a, cond),   s = s(u):   see coupling.c
 *
 * Rows are images [height][width][channels]. The mask says what b is:
 *   channels      the upper half of the channels, from channels / 2 on (with swap the others)
 *   checkerboard  all channels of the pixels whose y + x is odd (with swap even)
 *   all           everything: t and u depend on cond and on the border alone (a learned normal at the end of a flow)
 * The network sees planes: the channels of a, with a checkerboard zeros at b's pixels and one plane that is 1 at a's, and a constant
 * plane for each column of cond. At each pixel it answers t of all transformed channels, then u of them.
 * theta: net.<l>.weight, .edge, .bias, .log_scale as nets/conv.c says, then "initialised" where there are hidden stages.
 *
 * Check value: 1x1x2 image, linear net, tanh with m=2, weight centre (-0.4, 0.9), edges 0, bias (0.3, -0.2), log_scale (0, 0),
 * x = (0.7, 2.385): t = 0.02, u = 0.43 -> z = (0.7, 3.6731315341), log|det| = 0.4234946737
 * Refs: Kingma, Dhariwal, "Glow", arXiv:1807.03039; Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803.
 */
#include "layers/coupling.h"

#include "core/status.h"
#include "nets/conv.h"

static const char coupling_conv_function[] = "nf_coupling_conv_create";

/* The channels that a channel mask keeps and transforms: [keep, keep + n_keep), [take, take + n_take) */
struct coupling_conv_split {
    int64_t keep, n_keep, take, n_take;
};

static struct coupling_conv_split coupling_conv_channels(const nf_coupling_conv_config *config)
{
    const int64_t low = config->channels / 2, high = config->channels - low;
    if (config->mask != NF_IMAGE_MASK_CHANNELS) return (struct coupling_conv_split){ .n_keep = config->channels, .n_take = config->channels };
    return config->swap ? (struct coupling_conv_split){ .keep = low, .n_keep = high, .take = 0, .n_take = low }
                        : (struct coupling_conv_split){ .keep = 0, .n_keep = low, .take = low, .n_take = high };
}

static bool coupling_conv_takes(const nf_coupling_conv_config *config, int64_t pixel, int64_t channel)
{
    const struct coupling_conv_split c = coupling_conv_channels(config);
    if (config->mask == NF_IMAGE_MASK_ALL) return true;
    if (config->mask == NF_IMAGE_MASK_CHANNELS) return channel >= c.take && channel < c.take + c.n_take;
    return (pixel / config->width + pixel % config->width) % 2 == (config->swap ? 0 : 1);
}

static nf_status coupling_conv_check(const nf_coupling_conv_config *config, int64_t *dim)
{
    if (!nfi_mul(config->height, config->width, dim) || !nfi_mul(*dim, config->channels, dim) || *dim > (int64_t)NFI_MAX_DIM)
        return nfi_fail(NF_ERR_LIMIT, "%s: height, width, channels are %lld, %lld, %lld: too large an image", coupling_conv_function,
                        (long long)config->height, (long long)config->width, (long long)config->channels);
    if (config->mask == NF_IMAGE_MASK_CHANNELS && config->channels < 2)
        return nfi_fail(NF_ERR_ARG, "%s: channels is 1; a coupling of channels needs 2 (squeeze first, or use a checkerboard)",
                        coupling_conv_function);
    if (config->mask == NF_IMAGE_MASK_CHECKERBOARD && config->height * config->width < 2)
        return nfi_fail(NF_ERR_ARG, "%s: the image has one pixel; a checkerboard needs 2", coupling_conv_function);
    return NF_OK;
}

static nf_status coupling_conv_columns(nfi_coupling *cp, nf_maker *maker, const nf_coupling_conv_config *config)
{
    unsigned char *taken = nfi_maker_alloc(maker, cp->dim, 1);
    if (!taken) return NF_ERR_MEMORY;
    for (int64_t j = 0; j < cp->dim; j++) taken[j] = coupling_conv_takes(config, j / config->channels, j % config->channels);
    return nfi_coupling_columns(cp, maker, taken);
}

/* Which number of the row (x_a, cond) each plane shows at each pixel. Columns of a are ascending, so they come in the planes' order. */
static int32_t *coupling_conv_planes(const nfi_coupling *cp, const nfi_convnet *net, nf_maker *maker, const nf_coupling_conv_config *config)
{
    const struct coupling_conv_split c = coupling_conv_channels(config);
    const int64_t seen = config->mask == NF_IMAGE_MASK_ALL ? 0 : c.n_keep;
    int32_t *plane = nfi_maker_alloc(maker, net->pixels * net->in + 1, (int64_t)sizeof *plane), *to = plane, next = 0;

    for (int64_t p = 0; plane && p < net->pixels; p++) {
        const bool kept = !coupling_conv_takes(config, p, c.keep);
        for (int64_t j = 0; j < seen; j++) *to++ = kept ? next++ : NFI_PLANE_ZERO;
        if (config->mask == NF_IMAGE_MASK_CHECKERBOARD) *to++ = kept ? NFI_PLANE_ONE : NFI_PLANE_ZERO;
        for (int64_t j = 0; j < cp->cond_dim; j++) *to++ = (int32_t)(cp->n_a + j);
    }
    return plane;
}

/* Where t, then u, of each transformed column stand in the answer [pixels][out]. */
static int32_t *coupling_conv_answers(const nfi_coupling *cp, const nfi_convnet *net, nf_maker *maker, const nf_coupling_conv_config *config)
{
    const struct coupling_conv_split c = coupling_conv_channels(config);
    const int64_t ld = nfi_convnet_ld_out(net);
    int32_t *answer = nfi_maker_alloc(maker, net->n_out, (int64_t)sizeof *answer);

    for (int64_t i = 0; answer && i < net->n_out; i++) {
        const int64_t column = cp->b[i % cp->n_b], pixel = column / config->channels, channel = column % config->channels - c.take;
        answer[i] = (int32_t)(pixel * ld + i / cp->n_b * c.n_take + channel);
    }
    return answer;
}

static nf_status coupling_conv_net(nfi_coupling *cp, nf_maker *maker, const nf_coupling_conv_config *config)
{
    const struct coupling_conv_split c = coupling_conv_channels(config);
    const int64_t parts = cp->transform.params, kept = config->mask == NF_IMAGE_MASK_ALL ? 0 : c.n_keep;
    nfi_convnet *net = nfi_maker_alloc(maker, 1, (int64_t)sizeof *net);

    if (!net) return NF_ERR_MEMORY;
    *net = (nfi_convnet){ .height = config->height, .width = config->width, .pixels = config->height * config->width,
                          .in = kept + (config->mask == NF_IMAGE_MASK_CHECKERBOARD) + cp->cond_dim, .out = parts * c.n_take };
    nf_status status = nfi_convnet_create(net, maker, config->net, config->hidden, config->blocks);
    if (status == NF_OK) status = coupling_conv_columns(cp, maker, config); /* after the network's limits: they are as long as an image */
    if (status != NF_OK) return status;
    net->n_in = cp->n_in;
    net->n_out = parts * cp->n_b;
    net->plane = coupling_conv_planes(cp, net, maker, config);
    net->answer = coupling_conv_answers(cp, net, maker, config);
    if (!net->plane || !net->answer) return NF_ERR_MEMORY;
    cp->n_nets = 1;
    cp->prefix[0] = "net";
    cp->net[0] = nfi_convnet_net(net);
    cp->tile_rows = cp->net[0].tile_rows;
    cp->init_passes = cp->net[0].init_passes;
    return NF_OK;
}

static nf_status coupling_conv_make(nf_maker *maker, void *resolved, void **self)
{
    nf_coupling_conv_config *config = resolved;
    nfi_coupling *cp = nf_maker_alloc(maker, (int64_t)sizeof *cp);
    if (!cp) return NF_ERR_MEMORY;

    nf_status status = coupling_conv_check(config, &cp->dim);
    if (status != NF_OK) return status;
    nfi_transform_affine *affine = nfi_maker_alloc(maker, 1, (int64_t)sizeof *affine);
    if (!affine) return NF_ERR_MEMORY;
    *affine = (nfi_transform_affine){ .form = nfi_scale_form_of(config->scale), .shift_first = 1 };
    if (config->bound == 0.0) config->bound = affine->form->bound;
    affine->bound = config->bound;
    cp->transform = nfi_transform_affine_of(affine);
    cp->cond_dim = config->cond_dim;
    status = coupling_conv_net(cp, maker, config);
    *self = cp;
    return status;
}

#define COUPLING_CONV_FIELD(member, kind, properties, fallback, min, max, choices, help)                               \
    NFI_FIELD(nf_coupling_conv_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field coupling_conv_fields[] = {
    COUPLING_CONV_FIELD(mask, NF_FIELD_CHOICE, 0, 1, 1, 3, "channels,checkerboard,all", "What is transformed"),
    COUPLING_CONV_FIELD(height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Pixels downwards"),
    COUPLING_CONV_FIELD(width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Pixels across"),
    COUPLING_CONV_FIELD(channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, 65536, NULL, "Numbers a pixel"),
    COUPLING_CONV_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "Conditioning columns"),
    COUPLING_CONV_FIELD(swap, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Transform what the mask would keep"),
    COUPLING_CONV_FIELD(scale, NF_FIELD_CHOICE, 0, 4, 1, 10,
                        "tanh,safe,asymmetric,sigmoid,sigmoid_eps,softplus,softclip,exp,additive,softplus_eps", "Form of the log-scale"),
    COUPLING_CONV_FIELD(bound, NF_FIELD_F64, 0, 0, 0, 80, NULL,
                        "Bound of the log-scale; 0 means 2 (tanh, asymmetric) or ln 1000 (softclip)"),
    COUPLING_CONV_FIELD(net, NF_FIELD_CHOICE, 0, 1, 1, 3, "glow,residual,linear", "Kind of network"),
    COUPLING_CONV_FIELD(hidden, NF_FIELD_I64, 0, 128, 1, 65536, NULL, "Channels of the hidden stages"),
    COUPLING_CONV_FIELD(blocks, NF_FIELD_I64, 0, 2, 1, 64, NULL, "Residual blocks, with net residual"),
};
const nfi_config_type nfi_coupling_conv_config_type =
    NFI_CONFIG_TYPE("coupling_conv", nf_coupling_conv_config, coupling_conv_fields);
const nf_layer_type nfi_coupling_conv_type = {
    NFI_LAYER_TYPE("coupling_conv", nf_coupling_conv_config, coupling_conv_fields),
    .create = coupling_conv_make,
    .describe = nfi_coupling_describe,
    .param = nfi_coupling_param,
    .f32 = &nfi_coupling_ops_f32,
    .f64 = &nfi_coupling_ops_f64,
};

void nf_coupling_conv_config_init(nf_coupling_conv_config *config)
{
    if (config) *config = (nf_coupling_conv_config)NF_COUPLING_CONV_CONFIG_INIT;
}

nf_status nf_coupling_conv_create(nf_layer **out, nf_context *context, const nf_coupling_conv_config *config)
{
    return nfi_layer_make(out, context, &nfi_coupling_conv_type, config, coupling_conv_function);
}
