/* SPDX-License-Identifier: MIT
 *
 * dynamics_net.c - shapes, views and sizes of networks of time; which precision computes
 */
#include "nets/dynamics_shape.h"

#include <stdio.h>

#include "core/status.h"

#define DYNAMICS_MAX_WIDTH 65536 /* as mlp.c */

#define DYNAMICS_MAX_IMAGE (INT64_C(1) << 20) /* numbers of an image, ... */
#define DYNAMICS_MAX_HIDDEN (INT64_C(1) << 30) /* ... and of all its layers: sizes with a tangent for each number stay in int64_t */

static nf_status dynamics_check(const nfi_dynamics_config *c)
{
    const char *function = c->function;
    const int32_t activation = c->activation;
    if (activation == NF_ACTIVATION_RELU || activation == NF_ACTIVATION_LEAKY_RELU)
        return nfi_fail(NF_ERR_ARG, "%s: activation is %s, which has no second derivative, and gradients of the divergence need one: "
                        "tanh, softplus, silu or elu", function, activation == NF_ACTIVATION_RELU ? "relu" : "leaky_relu");
    if (activation < NF_ACTIVATION_TANH || activation > NF_ACTIVATION_ELU)
        return nfi_fail(NF_ERR_ARG, "%s: activation is %d: tanh (%d), softplus (%d), silu (%d) or elu (%d)", function,
                        (int)activation, NF_ACTIVATION_TANH, NF_ACTIVATION_SOFTPLUS, NF_ACTIVATION_SILU, NF_ACTIVATION_ELU);
    if (c->kind < NFI_DYNAMICS_IGNORE || c->kind > NFI_DYNAMICS_SQUASH)
        return nfi_fail(NF_ERR_ARG, "%s: time is %d: ignore (%d), concat (%d) or concat_squash (%d)", function, (int)c->kind,
                        NFI_DYNAMICS_IGNORE, NFI_DYNAMICS_CONCAT, NFI_DYNAMICS_SQUASH);
    if (!c->height && (c->dim < 1 || c->dim > DYNAMICS_MAX_WIDTH || c->cond_dim < 0 || c->cond_dim > DYNAMICS_MAX_WIDTH - c->dim))
        return nfi_fail(NF_ERR_LIMIT, "%s: dim is %lld and cond_dim %lld: at least 1 and 0, together at most %d", function,
                        (long long)c->dim, (long long)c->cond_dim, DYNAMICS_MAX_WIDTH);
    if (c->n_hidden < 0 || c->n_hidden > DYNAMICS_MAX_WIDTH)
        return nfi_fail(NF_ERR_LIMIT, "%s: n_hidden is %lld, not in [0, %d]", function, (long long)c->n_hidden, DYNAMICS_MAX_WIDTH);
    for (int64_t l = 0; l < c->n_hidden; l++)
        if (c->hidden[l] < 1 || c->hidden[l] > DYNAMICS_MAX_WIDTH)
            return nfi_fail(NF_ERR_LIMIT, "%s: hidden[%lld] is %lld, not in [1, %d]", function, (long long)l, (long long)c->hidden[l],
                            DYNAMICS_MAX_WIDTH);
    return NF_OK;
}

/* Of images: all three sides or none. */
static nf_status dynamics_check_image(const nfi_dynamics_config *c)
{
    const long long height = c->height, width = c->width, channels = c->channels;
    int64_t dim, hidden = 0;

    if (!height && !width && !channels) return NF_OK;
    if (height < 1 || width < 1 || channels < 1)
        return nfi_fail(NF_ERR_ARG, "%s: height is %lld, width %lld, channels %lld: all of them for images, or none", c->function, height, width,
                        channels);
    if (!nfi_mul(c->height, c->width, &dim) || !nfi_mul(dim, c->channels, &dim) || dim != c->dim)
        return nfi_fail(NF_ERR_SHAPE, "%s: dim is %lld, height %lld, width %lld and channels %lld do not make so many", c->function,
                        (long long)c->dim, height, width, channels);
    if (c->cond_dim)
        return nfi_fail(NF_ERR_ARG, "%s: cond_dim is %lld, must be 0 with height, width and channels: convolutions take no condition", c->function,
                        (long long)c->cond_dim);
    for (int64_t l = 0; l < c->n_hidden; l++) hidden += c->hidden[l];
    if (dim > DYNAMICS_MAX_IMAGE || !nfi_mul(dim / c->channels, hidden, &hidden) || hidden > DYNAMICS_MAX_HIDDEN)
        return nfi_fail(NF_ERR_LIMIT, "%s: images of %lld numbers, at most %lld; times hidden channels at most %lld", c->function, (long long)dim,
                        (long long)DYNAMICS_MAX_IMAGE, (long long)DYNAMICS_MAX_HIDDEN);
    return NF_OK;
}

static nf_status dynamics_count(nfi_dynamics *net, const char *function)
{
    for (int32_t l = 0; l < net->n_layers; l++) {
        int64_t count;
        if (!nfi_mul(dynamics_inputs(net, l) + 1 + dynamics_vectors(net), net->width[l + 1], &count) ||
            !nfi_add(net->theta_count, count, &net->theta_count))
            return nfi_fail(NF_ERR_OVERFLOW, "%s: the number of parameters is too large to compute", function);
    }
    return NF_OK;
}

nf_status nfi_dynamics_create(nfi_dynamics *net, nf_maker *maker, const nfi_dynamics_config *c)
{
    nf_status status = dynamics_check(c);
    if (status == NF_OK) status = dynamics_check_image(c);
    if (status) return status;
    int64_t *width = nfi_maker_alloc(maker, c->n_hidden + 2, (int64_t)sizeof *width);
    if (!width) return NF_ERR_MEMORY;

    width[0] = c->height ? c->channels : c->dim + c->cond_dim;
    for (int64_t l = 0; l < c->n_hidden; l++) width[l + 1] = c->hidden[l];
    width[c->n_hidden + 1] = c->height ? c->channels : c->dim;
    *net = (nfi_dynamics){ .n_layers = (int32_t)c->n_hidden + 1, .activation = c->activation, .kind = c->kind, .dim = c->dim,
                           .cond_dim = c->cond_dim, .height = c->height, .across = c->width, .width = width };
    return dynamics_count(net, c->function);
}

/* Views: weight, bias, then the vectors of the kind, in the order of theta. */

int32_t nfi_dynamics_param_count(const nfi_dynamics *net) { return net->n_layers * (2 + (int32_t)dynamics_vectors(net)); }

void nfi_dynamics_param(const nfi_dynamics *net, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    static const char *const concat[] = { "weight", "bias", "time" }, *const squash[] = { "weight", "bias", "gate", "gate_bias", "time" };
    const int32_t views = 2 + (int32_t)dynamics_vectors(net), l = i / views, view = i % views;
    const int64_t in = dynamics_inputs(net, l), out = net->width[l + 1];
    const bool squashes = net->kind == NFI_DYNAMICS_SQUASH;

    (void)snprintf(param->name, sizeof param->name, "%s.%d.%s", prefix, (int)l, (squashes ? squash : concat)[view]);
    param->properties = view == 1 || (squashes && view == 3) ? NF_PARAM_NO_DECAY : 0;
    param->offset = theta_offset + dynamics_theta_at(net, l) + (view > 0 ? (in + view - 1) * out : 0);
    param->rank = view > 0 ? 1 : dynamics_has_images(net) ? 4 : 2;
    for (int32_t k = 0; k + 2 < param->rank; k++) param->shape[k] = 3; /* [3][3][in][out] */
    if (view == 0) param->shape[param->rank - 2] = net->width[l];
    param->shape[param->rank - 1] = out;
}

/* Sizes */

int64_t nfi_dynamics_ld_in(const nfi_dynamics *net) { return dynamics_ld_row(net, 0); }
int64_t nfi_dynamics_ld_out(const nfi_dynamics *net) { return dynamics_ld_row(net, net->n_layers); }

int64_t nfi_dynamics_packed_bytes(const nfi_dynamics *net, const nfi_kernels *kernels)
{
    return nfi_round_up(dynamics_block_at(net, kernels, net->n_layers, false) * kernels->size, NFI_ALIGN);
}

int64_t nfi_dynamics_turned_bytes(const nfi_dynamics *net, const nfi_kernels *kernels)
{
    return nfi_round_up(dynamics_block_at(net, kernels, net->n_layers, true) * kernels->size, NFI_ALIGN);
}

int64_t nfi_dynamics_saved_bytes(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    return n * dynamics_pixels(net) * dynamics_kept_at(net, net->n_layers, m) * kernels->size;
}

int64_t nfi_dynamics_scratch_bytes(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    const int64_t rows = nfi_min(n, dynamics_strip_rows(net, m));
    return dynamics_scratch(net, rows * dynamics_pixels(net), m, kernels->size) * kernels->size;
}

double nfi_dynamics_flop(const nfi_dynamics *net, int64_t m)
{
    double weights = 0;
    for (int32_t l = 0; l < net->n_layers; l++) weights += (double)dynamics_inputs(net, l) * (double)net->width[l + 1];
    return 2.0 * (double)(1 + m) * (double)dynamics_pixels(net) * weights;
}

/* Which precision */

#define DYNAMICS_CALL(name) (kernels->dtype == NF_F32 ? name##_f32 : name##_f64)

void nfi_dynamics_pack(const nfi_dynamics *net, const nfi_kernels *kernels, const void *theta, void *packed, void *turned)
{
    DYNAMICS_CALL(nfi_dynamics_pack)(net, kernels, theta, packed, turned);
}

void nfi_dynamics_reset(const nfi_dynamics *net, int32_t dtype, uint64_t seed, uint32_t stream, void *theta)
{
    (dtype == NF_F32 ? nfi_dynamics_reset_f32 : nfi_dynamics_reset_f64)(net, seed, stream, theta);
}

void nfi_dynamics_value(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m, const void *packed, const double *t,
                        void *in, void *out, void *saved, void *scratch)
{
    DYNAMICS_CALL(nfi_dynamics_value)(net, kernels, n, m, packed, t, in, out, saved, scratch);
}

void nfi_dynamics_reverse(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m, const void *turned, const double *t,
                          const void *in, const void *saved, void *g_out, void *g_in, double *g_t, void *grad, void *scratch)
{
    DYNAMICS_CALL(nfi_dynamics_reverse)(net, kernels, n, m, turned, t, in, saved, g_out, g_in, g_t, grad, scratch);
}
