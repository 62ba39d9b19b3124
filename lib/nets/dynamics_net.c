/* SPDX-License-Identifier: MIT
 *
 * dynamics_net.c - shapes, views and sizes of networks of time; which precision computes
 */
#include "nets/dynamics_shape.h"

#include <stdio.h>

#include "core/status.h"

#define DYNAMICS_MAX_WIDTH 65536 /* as mlp.c */

static nf_status dynamics_check(int64_t dim, int64_t cond_dim, int64_t n_hidden, int32_t activation, int32_t kind)
{
    if (activation == NF_ACTIVATION_RELU || activation == NF_ACTIVATION_LEAKY_RELU)
        return nfi_fail(NF_ERR_ARG, "dynamics: activation is %s, which has no second derivative, and gradients of the divergence need one: "
                        "tanh, softplus, silu or elu", activation == NF_ACTIVATION_RELU ? "relu" : "leaky_relu");
    if (activation < NF_ACTIVATION_TANH || activation > NF_ACTIVATION_ELU)
        return nfi_fail(NF_ERR_ARG, "dynamics: activation is %d: tanh (%d), softplus (%d), silu (%d) or elu (%d)", (int)activation,
                        NF_ACTIVATION_TANH, NF_ACTIVATION_SOFTPLUS, NF_ACTIVATION_SILU, NF_ACTIVATION_ELU);
    if (kind < NFI_DYNAMICS_IGNORE || kind > NFI_DYNAMICS_SQUASH)
        return nfi_fail(NF_ERR_ARG, "dynamics: kind of layers is %d: ignore (%d), concat (%d) or concat_squash (%d)", (int)kind,
                        NFI_DYNAMICS_IGNORE, NFI_DYNAMICS_CONCAT, NFI_DYNAMICS_SQUASH);
    if (dim < 1 || dim > DYNAMICS_MAX_WIDTH || cond_dim < 0 || cond_dim > DYNAMICS_MAX_WIDTH - dim)
        return nfi_fail(NF_ERR_LIMIT, "dynamics: %lld dimensions and %lld of the condition: at least 1 and 0, together at most %d",
                        (long long)dim, (long long)cond_dim, DYNAMICS_MAX_WIDTH);
    if (n_hidden < 0 || n_hidden > DYNAMICS_MAX_WIDTH)
        return nfi_fail(NF_ERR_LIMIT, "dynamics: %lld hidden layers, not in [0, %d]", (long long)n_hidden, DYNAMICS_MAX_WIDTH);
    return NF_OK;
}

static nf_status dynamics_count(nfi_dynamics *net)
{
    for (int32_t l = 0; l < net->n_layers; l++) {
        int64_t count;
        if (!nfi_mul(net->width[l] + 1 + dynamics_vectors(net), net->width[l + 1], &count) ||
            !nfi_add(net->theta_count, count, &net->theta_count))
            return nfi_fail(NF_ERR_OVERFLOW, "dynamics: the number of parameters is too large to compute");
    }
    return NF_OK;
}

nf_status nfi_dynamics_create(nfi_dynamics *net, nf_maker *maker, int64_t dim, int64_t cond_dim, const int64_t *hidden, int64_t n_hidden,
                              int32_t activation, int32_t kind)
{
    const nf_status status = dynamics_check(dim, cond_dim, n_hidden, activation, kind);
    if (status) return status;
    for (int64_t l = 0; l < n_hidden; l++)
        if (hidden[l] < 1 || hidden[l] > DYNAMICS_MAX_WIDTH)
            return nfi_fail(NF_ERR_LIMIT, "dynamics: hidden[%lld] is %lld, not in [1, %d]", (long long)l, (long long)hidden[l],
                            DYNAMICS_MAX_WIDTH);
    int64_t *width = nfi_maker_alloc(maker, n_hidden + 2, (int64_t)sizeof *width);
    if (!width) return NF_ERR_MEMORY;

    width[0] = dim + cond_dim;
    for (int64_t l = 0; l < n_hidden; l++) width[l + 1] = hidden[l];
    width[n_hidden + 1] = dim;
    *net = (nfi_dynamics){ .n_layers = (int32_t)n_hidden + 1, .activation = activation, .kind = kind, .dim = dim, .cond_dim = cond_dim,
                           .width = width };
    return dynamics_count(net);
}

/* Views: weight, bias, then the vectors of the kind, in the order of theta. */

int32_t nfi_dynamics_param_count(const nfi_dynamics *net) { return net->n_layers * (2 + (int32_t)dynamics_vectors(net)); }

void nfi_dynamics_param(const nfi_dynamics *net, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    static const char *const concat[] = { "weight", "bias", "time" }, *const squash[] = { "weight", "bias", "gate", "gate_bias", "time" };
    const int32_t views = 2 + (int32_t)dynamics_vectors(net), l = i / views, view = i % views;
    const int64_t in = net->width[l], out = net->width[l + 1];
    const bool squashes = net->kind == NFI_DYNAMICS_SQUASH;

    (void)snprintf(param->name, sizeof param->name, "%s.%d.%s", prefix, (int)l, (squashes ? squash : concat)[view]);
    param->properties = view == 1 || (squashes && view == 3) ? NF_PARAM_NO_DECAY : 0;
    param->offset = theta_offset + dynamics_theta_at(net, l) + (view > 0 ? (in + view - 1) * out : 0);
    param->rank = view == 0 ? 2 : 1;
    param->shape[0] = view == 0 ? in : out;
    if (view == 0) param->shape[1] = out;
}

/* Sizes */

int64_t nfi_dynamics_ld_in(const nfi_dynamics *net) { return dynamics_ld(net, 0); }
int64_t nfi_dynamics_ld_out(const nfi_dynamics *net) { return dynamics_ld(net, net->n_layers); }

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
    return n * dynamics_kept_at(net, net->n_layers, m) * kernels->size;
}

int64_t nfi_dynamics_scratch_bytes(const nfi_dynamics *net, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    const int64_t rows = nfi_min(n, dynamics_strip_rows(m));
    return (2 * rows * (1 + m) * dynamics_ld_most(net, true) + (rows + 4) * dynamics_ld_most(net, false)) * kernels->size;
}

double nfi_dynamics_flop(const nfi_dynamics *net, int64_t m)
{
    double weights = 0;
    for (int32_t l = 0; l < net->n_layers; l++) weights += (double)net->width[l] * (double)net->width[l + 1];
    return 2.0 * (double)(1 + m) * weights;
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
