/* SPDX-License-Identifier: MIT
 *
 * normal_conditional.c - normal base whose mean and standard deviation of each column a network answers, of the conditioning columns
 *
 *   (mean, u) = net(cond),   l_j = m tanh(u_j / m)
 *   r_j = (z_j - mean_j) exp(-l_j),   log p(z | cond) = -sum_j (r_j^2 / 2 + l_j + log(2 pi) / 2)
 *   samples: z_j = mean_j + temperature exp(l_j) eps_j, eps standard normal
 *
 * theta: the perceptron's, views "net.<l>...", mean before u in its outputs. Its last dense layer starts at zero, so that the base
 * starts as the standard normal, whatever cond. l is bounded by m, so that no cond, however far from those of training, makes a density
 * that overflows. The network runs again in backward: what it keeps is in scratch.
 *
 * Check value: dim=1, cond_dim=1, hidden={0}, m=2, W = (-0.4, 0.9), b = (0.3, -0.2), cond=0.7, z=-1.3:
 * mean = 0.02, u = 0.43 -> log p = -1.7159198432
 * Ref: Winkler, Worrall, Hoogeboom, Welling, "Learning likelihoods with conditional normalizing flows", arXiv:1912.00042.
 */
#include "core/real.h"
#include "bases/base.h"

#include <string.h>

#include "core/rng.h"
#include "layers/scale.h"
#include "math/functions.h"
#include "nets/mlp.h"

#define CONDITIONAL_BOUND 5.0 /* of l: standard deviations from 1/148 to 148 */

extern const nfi_base_ops nfi_base_normal_conditional_ops_f32, nfi_base_normal_conditional_ops_f64;

struct conditional { /* immutable after creation */
    int64_t dim, cond_dim;
    double bound;
    const nfi_scale_form *form;
    nfi_net net;
};

struct conditional_work { /* in scratch */
    real *in, *g_in;  /* [n][ld_in] the network's input, and its gradient */
    real *out;        /* [n][ld_out] (mean, u), or their gradient */
    double *u, *l, *e; /* [n][dim]: u, or dl/du; l; exp of l or -l, or the draws' eps */
    void *saved, *net; /* the network's own */
};

static int64_t conditional_carve(const struct conditional *cd, const nfi_kernels *k, int64_t n, void *base, struct conditional_work *w)
{
    const int64_t in = n * cd->net.ld_in * (int64_t)k->size, wide = n * cd->dim * (int64_t)sizeof(double);
    int64_t at = 0;

    w->in = nfi_carve(base, &at, in);
    w->g_in = nfi_carve(base, &at, in);
    w->out = nfi_carve(base, &at, n * cd->net.ld_out * (int64_t)k->size);
    w->u = nfi_carve(base, &at, wide);
    w->l = nfi_carve(base, &at, wide);
    w->e = nfi_carve(base, &at, wide);
    w->saved = nfi_carve(base, &at, n * cd->net.ops->saved_bytes(cd->net.self, k));
    w->net = nfi_carve(base, &at, n * cd->net.ops->scratch_bytes(cd->net.self, k) + nfi_net_scratch_fixed(&cd->net, k));
    return at;
}

static nf_status conditional_reset(const void *self, uint64_t seed, void *theta)
{
    const struct conditional *cd = self;
    cd->net.ops->reset(cd->net.self, NFI_DTYPE, seed, NFI_STREAM_INIT, theta);
    return NF_OK;
}

static void conditional_pack(const void *self, const nfi_kernels *kernels, const void *theta, void *packed, void *packed_backward)
{
    const struct conditional *cd = self;
    cd->net.ops->pack(cd->net.self, kernels, theta, packed, packed_backward);
}

/* The network's answer: mean in out, u and l; kept: with what its reverse needs. */
static void conditional_answer(const struct conditional *cd, const nf_tile *tile, struct conditional_work *w, bool kept)
{
    const nfi_kernels *k = tile->kernels;
    const real *cond = tile->cond;
    const int64_t dim = cd->dim;

    (void)conditional_carve(cd, k, tile->n, tile->scratch, w);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < cd->cond_dim; j++) w->in[i * cd->net.ld_in + j] = cond[i * tile->cond_dim + j];
    cd->net.ops->value(cd->net.self, k, tile->n, tile->packed, w->in, w->out, kept ? w->saved : NULL, w->net);
    for (int64_t i = 0; i < tile->n; i++)
        for (int64_t j = 0; j < dim; j++) w->u[i * dim + j] = (double)w->out[i * cd->net.ld_out + dim + j];
    cd->form->value(k->f64, cd->bound, tile->n * dim, w->u, w->l);
}

/* e = exp(sign l) */
static void conditional_exp(const struct conditional *cd, const nf_tile *tile, const struct conditional_work *w, double sign)
{
    const nfi_kernels *k = tile->kernels;
    const int64_t count = tile->n * cd->dim;

    for (int64_t i = 0; i < count; i++) w->e[i] = sign * w->l[i];
    k->f64->exp(count, w->e, w->e);
}

static nf_status conditional_log_prob(const void *self, const nf_tile *tile, const void *from)
{
    const struct conditional *cd = self;
    const int64_t dim = cd->dim;
    const real *z = from;
    struct conditional_work w;

    conditional_answer(cd, tile, &w, false);
    conditional_exp(cd, tile, &w, -1.0);
    for (int64_t i = 0; i < tile->n; i++) {
        const real *mean = w.out + i * cd->net.ld_out;
        double sum = 0.5 * (double)dim * NFI_LOG_2PI;
        for (int64_t j = 0; j < dim; j++) {
            const double r = ((double)z[i * dim + j] - (double)mean[j]) * w.e[i * dim + j];
            sum += 0.5 * r * r + w.l[i * dim + j];
        }
        tile->log_det[i] -= sum;
    }
    return NF_OK;
}

/* From dL/d(mean, u) in out to the network's parameters and cond, as far as the tile wants them. */
static void conditional_reverse(const struct conditional *cd, const nf_tile *tile, struct conditional_work *w)
{
    real *grad_cond = tile->grad_cond;

    if (!tile->grad && !grad_cond) return;
    cd->net.ops->reverse(cd->net.self, tile->kernels, tile->n, tile->packed_backward, w->in, w->saved, w->out, grad_cond ? w->g_in : NULL,
                         tile->grad, w->net);
    for (int64_t i = 0; grad_cond && i < tile->n; i++)
        for (int64_t j = 0; j < cd->cond_dim; j++) grad_cond[i * tile->cond_dim + j] += w->g_in[i * cd->net.ld_in + j];
}

/* The network's answer, e = exp(-l), and dl/du in u */
static void conditional_answer_slopes(const struct conditional *cd, const nf_tile *tile, struct conditional_work *w)
{
    const nfi_kernels *k = tile->kernels;
    const int64_t count = tile->n * cd->dim;

    conditional_answer(cd, tile, w, true);
    cd->form->slope(k->f64, cd->bound, count, w->u, w->l, w->e);
    memcpy(w->u, w->e, (size_t)count * sizeof *w->u);
    conditional_exp(cd, tile, w, -1.0);
}

/* With w the weights: g_ij = -w_i r_ij exp(-l_ij),   dL/dmean_ij = -g_ij,   dL/du_ij = w_i (r_ij^2 - 1) dl/du. */
static nf_status conditional_backward(const void *self, const nf_tile *tile, const void *from, const double *weight, void *gradient)
{
    const struct conditional *cd = self;
    const int64_t dim = cd->dim;
    const real *z = from;
    real *g = gradient;
    struct conditional_work w;

    conditional_answer_slopes(cd, tile, &w);
    for (int64_t i = 0; i < tile->n; i++) {
        real *mean = w.out + i * cd->net.ld_out, *u = mean + dim;
        for (int64_t j = 0; j < dim; j++) {
            const int64_t at = i * dim + j;
            const double r = ((double)z[at] - (double)mean[j]) * w.e[at], gz = -weight[i] * r * w.e[at];
            g[at] = (real)gz;
            mean[j] = (real)-gz;
            u[j] = (real)(weight[i] * (r * r - 1.0) * w.u[at]);
        }
    }
    conditional_reverse(cd, tile, &w);
    return NF_OK;
}

static nf_status conditional_sample(const void *self, const nf_tile *tile, double temperature, void *to)
{
    const struct conditional *cd = self;
    const nfi_kernels *k = tile->kernels;
    const int64_t dim = cd->dim;
    real *z = to;
    struct conditional_work w;

    conditional_answer(cd, tile, &w, false);
    conditional_exp(cd, tile, &w, 1.0);
    k->normal(tile->seed, NFI_STREAM_BASE, (uint64_t)(tile->row * dim), tile->n * dim, w.u);
    for (int64_t i = 0; i < tile->n; i++) {
        const real *mean = w.out + i * cd->net.ld_out;
        for (int64_t j = 0; j < dim; j++)
            z[i * dim + j] = (real)((double)mean[j] + temperature * w.e[i * dim + j] * w.u[i * dim + j]);
    }
    return NF_OK;
}

/* dz/dmean = 1,   dz/dl = z - mean */
static nf_status conditional_sample_backward(const void *self, const nf_tile *tile, const void *from, const void *gradient, const double *value)
{
    const struct conditional *cd = self;
    const int64_t dim = cd->dim;
    const real *z = from, *g = gradient;
    struct conditional_work w;

    (void)value;
    conditional_answer_slopes(cd, tile, &w);
    for (int64_t i = 0; i < tile->n; i++) {
        real *mean = w.out + i * cd->net.ld_out, *u = mean + dim;
        for (int64_t j = 0; j < dim; j++) {
            const int64_t at = i * dim + j;
            u[j] = (real)((double)g[at] * ((double)z[at] - (double)mean[j]) * w.u[at]);
            mean[j] = g[at];
        }
    }
    conditional_reverse(cd, tile, &w);
    return NF_OK;
}

const nfi_base_ops NFI_NAME(nfi_base_normal_conditional_ops) = {
    .reset = conditional_reset,
    .pack = conditional_pack,
    .log_prob = conditional_log_prob,
    .backward = conditional_backward,
    .sample = conditional_sample,
    .sample_backward = conditional_sample_backward,
};

#if NFI_ONCE
static nf_status conditional_net(struct conditional *cd, nf_maker *maker, nf_base_normal_conditional_config *config)
{
    nf_status status = nfi_mlp_default_hidden(maker, &config->hidden, &config->n_hidden);
    nfi_mlp *mlp = status ? NULL : nfi_maker_alloc(maker, 1, (int64_t)sizeof *mlp);

    if (!mlp) return NF_ERR_MEMORY;
    status = nfi_mlp_check_hidden("nf_base_normal_conditional_create", "hidden", config->hidden, config->n_hidden);
    if (status == NF_OK)
        status = nfi_mlp_create(mlp, maker, config->cond_dim, 2 * config->dim, config->hidden, nfi_mlp_n_hidden(config->hidden, config->n_hidden),
                                config->activation, config->weights, 1);
    if (status == NF_OK) cd->net = nfi_mlp_net(mlp);
    return status;
}

static nf_status conditional_make(nf_maker *maker, void *resolved, void **self, int64_t *dim)
{
    nf_base_normal_conditional_config *config = resolved;
    struct conditional *cd = nf_maker_alloc(maker, (int64_t)sizeof *cd);
    if (!cd) return NF_ERR_MEMORY;
    *cd = (struct conditional){ .dim = config->dim, .cond_dim = config->cond_dim, .bound = config->bound,
                                .form = nfi_scale_form_of(NF_SCALE_TANH) };
    *dim = config->dim;
    *self = cd;
    return conditional_net(cd, maker, config);
}

static void conditional_describe(const void *self, nfi_base_info *info)
{
    const struct conditional *cd = self;
    const nfi_kernels *k = info->kernels;
    struct conditional_work w;

    info->cond_dim = cd->cond_dim;
    info->scratch_fixed = conditional_carve(cd, k, 0, NULL, &w);
    info->scratch_row = conditional_carve(cd, k, 1, NULL, &w) - info->scratch_fixed;
    info->packed = cd->net.ops->packed_bytes(cd->net.self, k);
    info->packed_backward = cd->net.ops->turned_bytes(cd->net.self, k);
    info->flop_row = cd->net.flop_row;
}

static nf_status conditional_param(const void *self, int32_t i, nf_param *param)
{
    const struct conditional *cd = self;
    if (i < 0 || i >= cd->net.ops->param_count(cd->net.self)) return NF_ERR_ARG;
    cd->net.ops->param(cd->net.self, "net", 0, i, param);
    return NF_OK;
}

#define CONDITIONAL_MAX_WIDTH 65536 /* of a network */
#define CONDITIONAL_FIELD(member, kind, properties, fallback, min, max, choices, help)                                             \
    NFI_FIELD(nf_base_normal_conditional_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field conditional_fields[] = {
    CONDITIONAL_FIELD(dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, CONDITIONAL_MAX_WIDTH / 2, NULL, "Columns of z"),
    CONDITIONAL_FIELD(cond_dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, CONDITIONAL_MAX_WIDTH, NULL, "Conditioning columns"),
    CONDITIONAL_FIELD(bound, NF_FIELD_F64, 0, CONDITIONAL_BOUND, 1e-6, 80, NULL, "Bound of the log of the standard deviation"),
    CONDITIONAL_FIELD(activation, NF_FIELD_CHOICE, 0, 1, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu", "Activation of the network"),
    CONDITIONAL_FIELD(weights, NF_FIELD_CHOICE, NF_FIELD_INITIAL, 1, 1, 4, "glorot,he,lecun,spread", "Rule of the initial weights"),
    NFI_ARRAY(nf_base_normal_conditional_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, CONDITIONAL_MAX_WIDTH,
              "Widths of the hidden layers, 64 and 64 unless given; a single 0 means none"),
};
const nfi_base_type nfi_base_normal_conditional_type = {
    .name = "normal_conditional",
    .version = 1,
    .config = { .name = "base_normal_conditional", .first_size = sizeof(nf_base_normal_conditional_config),
                .size = sizeof(nf_base_normal_conditional_config), .fields = conditional_fields, .n_fields = NFI_COUNT(conditional_fields) },
    .create = conditional_make,
    .describe = conditional_describe,
    .param = conditional_param,
    .f32 = &nfi_base_normal_conditional_ops_f32,
    .f64 = &nfi_base_normal_conditional_ops_f64,
};

void nf_base_normal_conditional_config_init(nf_base_normal_conditional_config *config)
{
    if (config) *config = (nf_base_normal_conditional_config)NF_BASE_NORMAL_CONDITIONAL_CONFIG_INIT;
}

nf_status nf_base_normal_conditional_create(nf_base **out, nf_context *context, const nf_base_normal_conditional_config *config)
{
    return nfi_base_make(out, context, &nfi_base_normal_conditional_type, config, "nf_base_normal_conditional_create");
}
#endif
