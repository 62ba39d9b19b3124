/* SPDX-License-Identifier: MIT
 *
 * conv_net.c - shapes and views of convolutional networks, and what makes them a kind of net
 */
#include "nets/conv_shape.h"

#include <stdio.h>

#include "core/status.h"

#define CONV_MAX_WIDTH 65536
#define CONV_MAX_BLOCKS 64
#define CONV_IMAGES 4         /* most images of a tile: blocks of a training step are multiples of it, and an image may keep 10 MB */

#define CONV_MOST (INT64_C(1) << 28) /* pixels times channels times neighbours: maps are of int32, and no file may ask for more */

struct conv_plan { /* the stages of a kind, one after the other */
    int32_t size, relu, back;
};

/* Stage l of a kind; false past the last. */
static bool conv_plan_of(int32_t kind, int64_t blocks, int64_t l, struct conv_plan *plan)
{
    static const struct conv_plan glow[] = { { 3, 1, 0 }, { 1, 1, 0 }, { 3, 0, 0 } }, linear[] = { { 3, 0, 0 } };
    static const struct conv_plan residual[] = { { 3, 1, 0 }, { 3, 1, 2 }, { 1, 0, 0 } };
    if (kind == NFI_CONVNET_RESIDUAL) {
        if (l > 2 * blocks + 1) return false;
        *plan = l == 0 || (l % 2 == 1 && l < 2 * blocks) ? residual[0] : l == 2 * blocks + 1 ? residual[2] : residual[1];
        return true;
    }
    if (l >= (kind == NFI_CONVNET_GLOW ? 3 : 1)) return false;
    *plan = kind == NFI_CONVNET_GLOW ? glow[l] : linear[l];
    return true;
}

static nf_status conv_stages(nfi_convnet *net, nf_maker *maker, int32_t kind, int64_t hidden, int64_t blocks)
{
    struct conv_plan plan;
    int64_t count = 0, in = net->in;

    while (conv_plan_of(kind, blocks, count, &plan)) count++;
    nfi_conv *stage = nfi_maker_alloc(maker, count, (int64_t)sizeof *stage);
    if (!stage) return NF_ERR_MEMORY;
    net->stage = stage;
    net->n_stages = (int32_t)count;
    for (int64_t l = 0; l < count; l++) {
        nfi_conv *c = &stage[l];
        (void)conv_plan_of(kind, blocks, l, &plan);
        *c = (nfi_conv){ .in = in, .out = l + 1 < count ? hidden : net->out, .relu = plan.relu, .back = plan.back, .theta = net->theta_count,
                         .edge = plan.size == 3 };
        c->form = plan.size == 1 ? NFI_CONV_POINT : c->in <= c->out ? NFI_CONV_GATHER : NFI_CONV_SCATTER;
        in = c->out;
        if (!nfi_add(net->theta_count, conv_count(c), &net->theta_count)) return nfi_fail(NF_ERR_OVERFLOW, "network: too many parameters to compute");
    }
    return NF_OK;
}

nf_status nfi_convnet_create(nfi_convnet *net, nf_maker *maker, int32_t kind, int64_t hidden, int64_t blocks)
{
    const int64_t widest = nfi_max(nfi_max(net->in, net->out), hidden);
    int64_t numbers;
    if (widest > CONV_MAX_WIDTH || blocks > CONV_MAX_BLOCKS)
        return nfi_fail(NF_ERR_LIMIT, "network: %lld channels and %lld blocks, at most %d and %d", (long long)widest, (long long)blocks,
                        CONV_MAX_WIDTH, CONV_MAX_BLOCKS);
    if (!nfi_mul(net->pixels, widest * 2 * CONV_TAPS, &numbers) || numbers > CONV_MOST)
        return nfi_fail(NF_ERR_LIMIT, "network: %lld pixels of %lld channels are more than the network can address", (long long)net->pixels,
                        (long long)widest);
    net->ld = kind == NFI_CONVNET_LINEAR ? 0 : conv_ld(hidden);
    return conv_stages(net, maker, kind, hidden, blocks);
}

int64_t nfi_convnet_ld_out(const nfi_convnet *net) { return conv_ld_last(net); }

/* As a kind of net: the contract is nets/net.h */

/* Views of a stage: a 1x1 has no edge, a stage without input no weight. */
static const char *const conv_views[] = { "weight", "edge", "bias", "log_scale" };

static int32_t conv_view_count(const nfi_conv *c) { return 2 + (c->in > 0) + c->edge; }

static int32_t conv_param_count(const void *self)
{
    const nfi_convnet *net = self;
    int32_t count = 0;
    for (int32_t l = 0; l < net->n_stages; l++) count += conv_view_count(&net->stage[l]);
    return count;
}

static void conv_shape(const nfi_conv *c, int32_t view, nf_param *param)
{
    int32_t rank = 0;
    if (view == 0 && c->form == NFI_CONV_SCATTER) param->shape[rank++] = c->in;
    for (int i = 0; view == 0 && c->form != NFI_CONV_POINT && i < 2; i++) param->shape[rank++] = 3;
    if (view == 0 && c->form != NFI_CONV_SCATTER) param->shape[rank++] = c->in;
    if (view == 1) param->shape[rank++] = CONV_TAPS;
    param->shape[rank++] = c->out;
    param->rank = rank;
}

static void conv_param(const void *self, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    const nfi_convnet *net = self;
    int32_t l = 0;
    while (i >= conv_view_count(&net->stage[l])) i -= conv_view_count(&net->stage[l++]);
    const nfi_conv *c = &net->stage[l];
    int32_t view = i + (c->in == 0);
    if (view > 0 && !c->edge) view++;
    const int64_t before[] = { 0, conv_weights(c), conv_weights(c) + conv_edges(c), conv_count(c) - c->out };

    (void)snprintf(param->name, sizeof param->name, "%s.%d.%s", prefix, (int)l, conv_views[view]);
    param->properties = view == 0 ? 0 : NF_PARAM_NO_DECAY;
    param->offset = theta_offset + c->theta + before[view];
    conv_shape(c, view, param);
}

static int64_t conv_packed_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    int64_t bytes = 0;
    for (int32_t l = 0; l < net->n_stages; l++) bytes += conv_packed_layout(&net->stage[l], k).end;
    return bytes;
}
static int64_t conv_turned_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    int64_t bytes = 0;
    for (int32_t l = 0; l < net->n_stages; l++) bytes += conv_turned_end(&net->stage[l], k);
    return bytes;
}
static int64_t conv_saved_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    return ((net->n_stages - 1) * net->pixels * net->ld + nfi_round_up(net->pixels * conv_ld_last(net) + CONV_BEYOND, 16)) * k->size;
}
static int64_t conv_scratch_bytes(const void *self, const nfi_kernels *k) { return nfi_round_up(conv_image_size(self) * k->size, NFI_ALIGN); }
static int64_t conv_scratch_fixed(const void *self, const nfi_kernels *k) { return nfi_round_up(2 * conv_fixed_size(self) * k->size, NFI_ALIGN); }

#define CONV_CALL(name) (k->dtype == NF_F32 ? name##_f32 : name##_f64)
static void conv_pack(const void *self, const nfi_kernels *k, const void *theta, void *packed, void *turned)
{
    CONV_CALL(nfi_conv_pack)(self, k, theta, packed, turned);
}
static void conv_reset(const void *self, int32_t dtype, uint64_t seed, uint32_t stream, void *theta)
{
    (dtype == NF_F32 ? nfi_conv_reset_f32 : nfi_conv_reset_f64)(self, seed, stream, theta);
}
static void conv_value(const void *self, const nfi_kernels *k, int64_t n, const void *packed, void *in, void *out, void *saved, void *scratch)
{
    CONV_CALL(nfi_conv_value)(self, k, n, packed, in, out, saved, scratch);
}
static void conv_reverse(const void *self, const nfi_kernels *k, int64_t n, const void *turned, const void *in, const void *saved,
                         void *g_out, void *g_in, void *grad, void *scratch)
{
    CONV_CALL(nfi_conv_reverse)(self, k, n, turned, in, saved, g_out, g_in, grad, scratch);
}
static void conv_jvp(const void *self, const nfi_kernels *k, int64_t n, const void *packed, void *in, const void *d_in, void *out,
                     void *d_out, void *scratch)
{
    CONV_CALL(nfi_conv_jvp)(self, k, n, packed, in, d_in, out, d_out, scratch);
}
static nf_status conv_init(const void *self, const nfi_kernels *k, int32_t pass, const nfi_net_data *data, const void *packed, void *theta)
{
    return CONV_CALL(nfi_conv_init)(self, k, pass, data, packed, theta);
}

static const nfi_net_ops conv_net_ops = {
    .param_count = conv_param_count, .param = conv_param, .packed_bytes = conv_packed_bytes, .turned_bytes = conv_turned_bytes,
    .saved_bytes = conv_saved_bytes, .scratch_bytes = conv_scratch_bytes, .scratch_fixed = conv_scratch_fixed, .pack = conv_pack,
    .reset = conv_reset, .value = conv_value, .reverse = conv_reverse, .jvp = conv_jvp, .init = conv_init,
};

nfi_net nfi_convnet_net(const nfi_convnet *net)
{
    int64_t tile = 1;
    double products = 0;
    while (2 * tile * net->pixels <= CONV_STRIP && tile < CONV_IMAGES) tile *= 2;
    for (int32_t l = 0; l < net->n_stages; l++) products += (double)conv_weights(&net->stage[l]); /* the edge is not counted */
    return (nfi_net){ .ops = &conv_net_ops, .self = net, .theta_count = net->theta_count, .ld_in = conv_ld(net->n_in),
                      .ld_out = conv_ld(net->n_out), .tile_rows = tile, .init_passes = net->n_stages - 1,
                      .flop_row = 2.0 * (double)net->pixels * products };
}
