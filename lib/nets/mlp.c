/* SPDX-License-Identifier: MIT
 *
 * mlp.c - multilayer perceptrons on tiles of rows (compiled once; the kernels know the dtype)
 *
 *   h_0 = x,  u_l = h_{l-1} W_l + b_l,  h_l = phi(u_l) (l < L),  y = u_L
 *
 * theta holds W_l [in][out] then b_l [out] per dense layer, so that [W; b] is one matrix of in + 1 rows: with a column
 * of ones in h, the single product [h 1]^T g adds both gradients. packed holds W_l and W_l^T in the kernels' order.
 * Masked networks: packed and W^T are followed by theta with zeros outside the mask, from which they were made; gradients there are zero.
 * Products leave out the zeros by steps of columns (nfi_stairs): of W the rows at the end that a step does not see, of W^T the outputs at
 * the beginning of a part that a step does not feed. Inside a step zeros are multiplied, and their gradients cleared.
 * saved holds, per hidden layer, h_l [n][ld], and u_l [n][ld] after it where the activation's slope needs u.
 *
 * Check value: widths 1-1-1, tanh, W = (0.7, -1.3), b = (0.2, 0.4), x = 2.385 -> y = -0.8396134049
 * Ref: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
 */
#include "nets/mlp.h"

#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define MLP_MAX_WIDTH 65536 /* a dense layer of two such widths still fits the limit of parameters */

static int64_t mlp_row_bytes(const nfi_kernels *kernels, int64_t width)
{
    return nfi_mlp_ld(width) * kernels->size;
}

static int64_t mlp_pack_bytes(const nfi_kernels *kernels, int64_t in, int64_t out)
{
    return nfi_round_up(kernels->packed_count(in, out) * kernels->size, NFI_ALIGN);
}

static const nfi_activation *mlp_activation(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return &kernels->activations[mlp->activation - 1];
}

/* Element offset of dense layer l in theta. */
int64_t nfi_mlp_theta_at(const nfi_mlp *mlp, int32_t l)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += (mlp->width[i] + 1) * mlp->width[i + 1];
    return at;
}

/* Byte offset of the packed W of dense layer l. */
static int64_t mlp_packed_at(const nfi_mlp *mlp, const nfi_kernels *kernels, int32_t l)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += mlp_pack_bytes(kernels, mlp->width[i], mlp->width[i + 1]);
    return at;
}

/* Byte offset of the packed W^T of dense layer l. */
static int64_t mlp_turned_at(const nfi_mlp *mlp, const nfi_kernels *kernels, int32_t l)
{
    int64_t at = 0;
    for (int32_t i = 0; i < l; i++) at += mlp_pack_bytes(kernels, mlp->width[i + 1], mlp->width[i]);
    return at;
}

/* Bytes per row that the hidden layers before layer l keep; h_l itself starts there. */
int64_t nfi_mlp_saved_at(const nfi_mlp *mlp, const nfi_kernels *kernels, int32_t l)
{
    const int64_t copies = mlp_activation(mlp, kernels)->saves_input ? 2 : 1;
    int64_t at = 0;
    for (int32_t i = 1; i < l; i++) at += copies * mlp_row_bytes(kernels, mlp->width[i]);
    return at;
}

static int64_t mlp_widest_hidden(const nfi_mlp *mlp)
{
    int64_t widest = 0;
    for (int32_t l = 1; l < mlp->n_layers; l++) widest = nfi_max(widest, mlp->width[l]);
    return widest;
}

/* Shape, parameters and sizes */

static nf_status mlp_count(nfi_mlp *mlp)
{
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        int64_t count;
        if (!nfi_mul(mlp->width[l] + 1, mlp->width[l + 1], &count) ||
            !nfi_add(mlp->theta_count, count, &mlp->theta_count))
            return nfi_fail(NF_ERR_OVERFLOW, "mlp: the number of parameters is too large to compute");
    }
    return NF_OK;
}

nf_status nfi_mlp_check_hidden(const char *function, const char *field, const int64_t *hidden, int64_t n)
{
    for (int64_t l = 0; l < n && n > 1; l++)
        if (hidden[l] == 0)
            return nfi_fail(NF_ERR_ARG, "%s: %s[%lld] is 0; only {0} alone means no hidden layer", function, field, (long long)l);
    return NF_OK;
}

nf_status nfi_mlp_default_hidden(nf_maker *maker, const int64_t **hidden, int64_t *n)
{
    static const int64_t widths[] = { 64, 64 };
    if (*n > 0) return NF_OK;
    int64_t *to = nf_maker_alloc(maker, (int64_t)sizeof widths);
    if (!to) return NF_ERR_MEMORY;
    memcpy(to, widths, sizeof widths);
    *hidden = to;
    *n = NFI_COUNT(widths);
    return NF_OK;
}

nf_status nfi_mlp_create(nfi_mlp *mlp, nf_maker *maker, int64_t in, int64_t out, const int64_t *hidden,
                         int64_t n_hidden, int32_t activation, int32_t weights, int32_t zero_last)
{
    if (n_hidden > MLP_MAX_WIDTH)
        return nfi_fail(NF_ERR_LIMIT, "mlp: %lld hidden layers, at most %d", (long long)n_hidden, MLP_MAX_WIDTH);
    int64_t *width = nfi_maker_alloc(maker, n_hidden + 2, (int64_t)sizeof *width);
    if (!width) return NF_ERR_MEMORY;

    width[0] = in;
    for (int64_t l = 0; l < n_hidden; l++) width[l + 1] = hidden[l];
    width[n_hidden + 1] = out;
    for (int64_t l = 0; l < n_hidden + 2; l++)
        if (width[l] < 1 || width[l] > MLP_MAX_WIDTH)
            return nfi_fail(NF_ERR_LIMIT, "mlp: width %lld of a network is %lld, not in [1, %d]", (long long)l,
                            (long long)width[l], MLP_MAX_WIDTH);
    *mlp = (nfi_mlp){ .n_layers = (int32_t)n_hidden + 1, .activation = activation, .weights = weights,
                      .zero_last = zero_last, .width = width, .theta_count = 0 };
    return mlp_count(mlp);
}

/* Stairs of a mask */

/* Rows of W that have weights up to column j: the first so many. */
static int64_t mlp_rows_upto(const nfi_mlp_mask *mask, int64_t in, int64_t j)
{
    int64_t low = 0, high = in;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (mask->first[middle] <= j) low = middle + 1;
        else high = middle;
    }
    return low;
}

static nf_status mlp_make_stairs(nfi_mlp_mask *mask, nf_maker *maker, int64_t in, int64_t out)
{
    int64_t *to = nfi_maker_alloc(maker, (out + NFI_STEP - 1) / NFI_STEP, (int64_t)sizeof *to);
    int64_t *from = nfi_maker_alloc(maker, (in + NFI_STEP - 1) / NFI_STEP, (int64_t)sizeof *from);
    if (!to || !from) return NF_ERR_MEMORY;
    for (int64_t j = 0; j < out; j += NFI_STEP) to[j / NFI_STEP] = mlp_rows_upto(mask, in, nfi_min(j + NFI_STEP, out) - 1);
    for (int64_t i = 0; i < in; i += NFI_STEP) from[i / NFI_STEP] = mask->first[i];
    mask->stairs = (nfi_stairs){ .to = to };
    mask->turned = (nfi_stairs){ .from = from };
    return NF_OK;
}

nf_status nfi_mlp_set_mask(nfi_mlp *mlp, nf_maker *maker, nfi_mlp_mask *mask)
{
    nf_status status = NF_OK;
    for (int32_t l = 0; status == NF_OK && l < mlp->n_layers; l++) status = mlp_make_stairs(&mask[l], maker, mlp->width[l], mlp->width[l + 1]);
    if (status == NF_OK) mlp->mask = mask;
    return status;
}

static const nfi_stairs *mlp_stairs(const nfi_mlp *mlp, int32_t l) { return mlp->mask ? &mlp->mask[l].stairs : NULL; }

double nfi_mlp_flop(const nfi_mlp *mlp)
{
    int64_t count = 0;
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        const int64_t in = mlp->width[l], out = mlp->width[l + 1];
        for (int64_t j = 0; j < out; j += NFI_STEP)
            count += (1 + (mlp->mask ? mlp->mask[l].stairs.to[j / NFI_STEP] : in)) * nfi_min(NFI_STEP, out - j);
    }
    return 2.0 * (double)count;
}

int32_t nfi_mlp_param_count(const nfi_mlp *mlp) { return 2 * mlp->n_layers; }

void nfi_mlp_param(const nfi_mlp *mlp, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    const int32_t l = i / 2;
    const bool bias = i % 2 == 1;
    const int64_t in = mlp->width[l], out = mlp->width[l + 1];

    (void)snprintf(param->name, sizeof param->name, "%s.%d.%s", prefix, (int)l, bias ? "bias" : "weight");
    param->properties = bias ? NF_PARAM_NO_DECAY : 0;
    param->offset = theta_offset + nfi_mlp_theta_at(mlp, l) + (bias ? in * out : 0);
    param->rank = bias ? 1 : 2;
    param->shape[0] = bias ? out : in;
    if (!bias) param->shape[1] = out;
}

/* Bytes of the copy of theta within the mask. */
static int64_t mlp_weights_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return mlp->mask ? nfi_round_up(mlp->theta_count * kernels->size, NFI_ALIGN) : 0;
}

int64_t nfi_mlp_packed_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return mlp_packed_at(mlp, kernels, mlp->n_layers) + mlp_weights_bytes(mlp, kernels);
}

int64_t nfi_mlp_turned_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return mlp_turned_at(mlp, kernels, mlp->n_layers) + mlp_weights_bytes(mlp, kernels);
}

const void *nfi_mlp_packed_weights(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *packed)
{
    return (const char *)packed + mlp_packed_at(mlp, kernels, mlp->n_layers);
}

const void *nfi_mlp_turned_weights(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *turned)
{
    return (const char *)turned + mlp_turned_at(mlp, kernels, mlp->n_layers);
}

int64_t nfi_mlp_saved_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return nfi_mlp_saved_at(mlp, kernels, mlp->n_layers);
}

int64_t nfi_mlp_scratch_bytes(const nfi_mlp *mlp, const nfi_kernels *kernels)
{
    return mlp->n_layers == 1 ? 0 : 2 * mlp_row_bytes(kernels, mlp_widest_hidden(mlp));
}

/* Weights W of dense layer l outside the mask become zero. */
static void mlp_clear_outside(const nfi_mlp *mlp, int32_t l, int64_t size, char *w)
{
    const int64_t in = mlp->width[l], out = mlp->width[l + 1];
    const nfi_mlp_mask *mask = mlp->mask ? &mlp->mask[l] : NULL;
    for (int64_t i = 0; mask && i < in; i++) memset(w + i * out * size, 0, (size_t)(mask->first[i] * size));
}

static void mlp_clear_all_outside(const nfi_mlp *mlp, int64_t size, void *theta)
{
    for (int32_t l = 0; l < mlp->n_layers; l++) mlp_clear_outside(mlp, l, size, (char *)theta + nfi_mlp_theta_at(mlp, l) * size);
}

/* Columns [j, end) of a gradient, where rows [0, to) were added to: those outside the mask become zero. */
static void mlp_clear_columns(const nfi_mlp_mask *mask, int64_t to, int64_t j, int64_t end, int64_t size, char *column, int64_t row_bytes)
{
    for (int64_t i = to - 1; i >= 0 && mask->first[i] > j; i--) memset(column + i * row_bytes, 0, (size_t)((nfi_min(mask->first[i], end) - j) * size));
}

/* dw += [h 1]^T g within the mask; elements outside it that were zero stay zero. */
static void mlp_add_masked(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const char *h, const void *g, char *dw)
{
    const nfi_mlp_mask *mask = &mlp->mask[l];
    const int64_t in = mlp->width[l], out = mlp->width[l + 1], size = kernels->size;
    kernels->gemm_tn(n, in, out, h, nfi_mlp_ld(in), g, nfi_mlp_ld(out), dw, &mask->stairs);
    kernels->gemm_tn(n, 1, out, h + in * size, nfi_mlp_ld(in), g, nfi_mlp_ld(out), dw + in * out * size, NULL);
    for (int64_t j = 0; j < out; j += NFI_STEP)
        mlp_clear_columns(mask, mask->stairs.to[j / NFI_STEP], j, nfi_min(j + NFI_STEP, out), size, dw + j * size, out * size);
}

/* theta within the mask, behind what is packed; theta itself without a mask. */
static const void *mlp_within(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *theta, void *packed, void *turned)
{
    char *to = NULL;
    if (!mlp->mask || (!packed && !turned)) return theta;
    for (int32_t side = 0; side < 2; side++) {
        if (!(side == 0 ? packed : turned)) continue;
        to = side == 0 ? (char *)packed + mlp_packed_at(mlp, kernels, mlp->n_layers) : (char *)turned + mlp_turned_at(mlp, kernels, mlp->n_layers);
        memcpy(to, theta, (size_t)(mlp->theta_count * kernels->size));
        mlp_clear_all_outside(mlp, kernels->size, to);
    }
    return to;
}

void nfi_mlp_pack(const nfi_mlp *mlp, const nfi_kernels *kernels, const void *theta, void *packed, void *turned)
{
    const char *w = mlp_within(mlp, kernels, theta, packed, turned);
    char *to = packed, *to_turned = turned;
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        const int64_t in = mlp->width[l], out = mlp->width[l + 1];
        kernels->pack(in, out, w, w + in * out * kernels->size, NULL, to, to_turned);
        if (to) to += mlp_pack_bytes(kernels, in, out);
        if (to_turned) to_turned += mlp_pack_bytes(kernels, out, in);
        w += (in + 1) * out * kernels->size;
    }
}

/* Initial weights. By Glorot and Bengio (2010), He et al. (2015), LeCun et al. (1998): uniform in +-limit. "spread" draws the
 * biases too: the bends of an activation of few inputs then start spread over the data, not all at the origin. */

static double mlp_limit(const nfi_mlp *mlp, int32_t l)
{
    const double in = (double)mlp->width[l], out = (double)mlp->width[l + 1];
    const double square[] = { 6.0 / (in + out), 6.0 / in, 3.0 / in, 1.0 / in }; /* in the order of NF_WEIGHTS_* */
    if (mlp->zero_last && l + 1 == mlp->n_layers) return 0.0;
    return nfi_sqrt(square[mlp->weights - 1]);
}

/* Elements of dense layer l that are drawn: weights, and for "spread" the biases behind them. */
static int64_t mlp_drawn(const nfi_mlp *mlp, int32_t l)
{
    return (mlp->width[l] + (mlp->weights == NF_WEIGHTS_SPREAD)) * mlp->width[l + 1];
}

/* Weight `index` of theta, drawn in double whatever the dtype: both precisions start from the same network. */
static double mlp_draw(uint64_t seed, uint32_t stream, int64_t index, double limit)
{
    return limit > 0.0 ? (2.0 * nfi_uniform(seed, stream, (uint64_t)index) - 1.0) * limit : 0.0;
}

void nfi_mlp_reset_f32(const nfi_mlp *mlp, uint64_t seed, uint32_t stream, void *theta)
{
    float *to = theta;
    memset(to, 0, (size_t)mlp->theta_count * sizeof *to);
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        const int64_t first = nfi_mlp_theta_at(mlp, l), count = mlp_drawn(mlp, l);
        const double limit = mlp_limit(mlp, l);
        for (int64_t i = first; i < first + count; i++) to[i] = (float)mlp_draw(seed, stream, i, limit);
    }
    mlp_clear_all_outside(mlp, (int64_t)sizeof *to, to);
}

void nfi_mlp_reset_f64(const nfi_mlp *mlp, uint64_t seed, uint32_t stream, void *theta)
{
    double *to = theta;
    memset(to, 0, (size_t)mlp->theta_count * sizeof *to);
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        const int64_t first = nfi_mlp_theta_at(mlp, l), count = mlp_drawn(mlp, l);
        const double limit = mlp_limit(mlp, l);
        for (int64_t i = first; i < first + count; i++) to[i] = mlp_draw(seed, stream, i, limit);
    }
    mlp_clear_all_outside(mlp, (int64_t)sizeof *to, to);
}

/* Value */

/* Column `width` of a row buffer becomes 1. */
static void mlp_set_ones(const nfi_kernels *kernels, int64_t n, int64_t width, void *x)
{
    const int64_t ld = nfi_mlp_ld(width);
    if (kernels->dtype == NF_F32)
        for (int64_t i = 0; i < n; i++) ((float *)x)[i * ld + width] = 1.0F;
    else
        for (int64_t i = 0; i < n; i++) ((double *)x)[i * ld + width] = 1.0;
}

/* h = phi(u) row by row: what lies beyond the width was never written. */
static void mlp_activate(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const char *u, char *h)
{
    const nfi_activation *phi = mlp_activation(mlp, kernels);
    const int64_t row = mlp_row_bytes(kernels, mlp->width[l]);
    for (int64_t i = 0; i < n; i++) phi->value(mlp->width[l], u + i * row, h + i * row);
}

/* g *= phi'(u), from what the activation keeps. */
static void mlp_slope(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const char *kept, char *g)
{
    const nfi_activation *phi = mlp_activation(mlp, kernels);
    const int64_t row = mlp_row_bytes(kernels, mlp->width[l]);
    for (int64_t i = 0; i < n; i++) phi->slope(mlp->width[l], kept + i * row, g + i * row);
}

/* u_{l+1} = h_l W + b into `to`; the activation of a ReLU network rides on the product. */
static void mlp_dense(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const void *packed,
                      const void *h, void *to)
{
    const int64_t in = mlp->width[l], out = mlp->width[l + 1];
    const bool relu = mlp->activation == NF_ACTIVATION_RELU && l + 1 < mlp->n_layers;
    const nfi_epilogue epilogue = { .kind = relu ? NFI_EPILOGUE_RELU : NFI_EPILOGUE_NONE, .stairs = mlp_stairs(mlp, l) };
    const char *w = (const char *)packed + mlp_packed_at(mlp, kernels, l);
    kernels->gemm(n, in, out, h, nfi_mlp_ld(in), w, to, nfi_mlp_ld(out), &epilogue);
}

/* One of the two buffers of the scratch, in turns. */
static char *mlp_turn(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, void *scratch)
{
    return (char *)scratch + (l % 2) * n * mlp_row_bytes(kernels, mlp_widest_hidden(mlp));
}

void nfi_mlp_value(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *packed, void *x, void *y,
                   void *saved, void *scratch)
{
    const bool relu = mlp->activation == NF_ACTIVATION_RELU;
    const bool keeps_u = saved && mlp_activation(mlp, kernels)->saves_input;
    const char *from = x;

    mlp_set_ones(kernels, n, mlp->width[0], x);
    for (int32_t l = 1; l < mlp->n_layers; l++) {
        char *h = saved ? (char *)saved + n * nfi_mlp_saved_at(mlp, kernels, l) : mlp_turn(mlp, kernels, n, l, scratch);
        char *u = keeps_u ? h + n * mlp_row_bytes(kernels, mlp->width[l]) : h;
        mlp_dense(mlp, kernels, n, l - 1, packed, from, u);
        if (!relu) mlp_activate(mlp, kernels, n, l, u, h);
        if (saved) mlp_set_ones(kernels, n, mlp->width[l], h);
        from = h;
    }
    mlp_dense(mlp, kernels, n, mlp->n_layers - 1, packed, from, y);
}

/* Reverse. With g_l = dL/du_l (g_L = dL/dy):
 *   dL/dW_l = h_{l-1}^T g_l,   dL/db_l = 1^T g_l,   dL/dh_{l-1} = g_l W_l^T,   g_{l-1} = dL/dh_{l-1} * phi'(u_{l-1}).
 * phi' of a ReLU is a mask by h, which the product applies itself. */

static void mlp_pull(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const void *turned,
                     const char *h, const void *g, char *to)
{
    const int64_t in = mlp->width[l], out = mlp->width[l + 1];
    const bool relu = mlp->activation == NF_ACTIVATION_RELU;
    const nfi_epilogue epilogue = { .kind = relu && l > 0 ? NFI_EPILOGUE_RELU_MASK : NFI_EPILOGUE_NONE, .mask = h,
                                    .ld_mask = nfi_mlp_ld(in), .stairs = mlp->mask ? &mlp->mask[l].turned : NULL };
    const char *w = (const char *)turned + mlp_turned_at(mlp, kernels, l);

    kernels->gemm(n, out, in, g, nfi_mlp_ld(out), w, to, nfi_mlp_ld(in), &epilogue);
    if (relu || l == 0) return;
    if (mlp_activation(mlp, kernels)->saves_input) h += n * mlp_row_bytes(kernels, in); /* u follows h */
    mlp_slope(mlp, kernels, n, l, h, to);
}

void nfi_mlp_reverse(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *turned, const void *x,
                     const void *saved, void *gy, void *gx, void *grad, void *scratch)
{
    const void *g = gy;
    for (int32_t l = mlp->n_layers - 1; l >= 0; l--) {
        const int64_t in = mlp->width[l], out = mlp->width[l + 1];
        const char *h = l > 0 ? (const char *)saved + n * nfi_mlp_saved_at(mlp, kernels, l) : x;
        char *to = l > 0 ? mlp_turn(mlp, kernels, n, l, scratch) : gx;
        if (grad) {
            char *dw = (char *)grad + nfi_mlp_theta_at(mlp, l) * kernels->size;
            if (mlp->mask) mlp_add_masked(mlp, kernels, n, l, h, g, dw);
            else kernels->gemm_tn(n, in + 1, out, h, nfi_mlp_ld(in), g, nfi_mlp_ld(out), dw, NULL);
        }
        if (!to || (l > 0 && !gx && !grad)) return;
        mlp_pull(mlp, kernels, n, l, turned, h, g, to);
        g = to;
    }
}

/* Tangents: du_l = dh_{l-1} W_l without the bias, dh_l = phi'(u_l) du_l. */

static void mlp_dense_tangent(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, int32_t l, const void *packed,
                              const void *dh, void *du)
{
    const int64_t in = mlp->width[l], out = mlp->width[l + 1];
    const nfi_epilogue epilogue = { .no_bias = 1, .stairs = mlp_stairs(mlp, l) };
    const char *w = (const char *)packed + mlp_packed_at(mlp, kernels, l);
    kernels->gemm(n, in, out, dh, nfi_mlp_ld(in), w, du, nfi_mlp_ld(out), &epilogue);
}

void nfi_mlp_jvp(const nfi_mlp *mlp, const nfi_kernels *kernels, int64_t n, const void *packed, void *x, const void *dx,
                 void *y, void *dy, void *scratch)
{
    const bool relu = mlp->activation == NF_ACTIVATION_RELU;
    const bool from_u = mlp_activation(mlp, kernels)->saves_input;
    char *second = (char *)scratch + n * nfi_mlp_scratch_bytes(mlp, kernels); /* the tangents' half */
    const char *from = x, *d_from = dx;

    mlp_set_ones(kernels, n, mlp->width[0], x);
    for (int32_t l = 1; l < mlp->n_layers; l++) {
        char *h = mlp_turn(mlp, kernels, n, l, scratch), *dh = mlp_turn(mlp, kernels, n, l, second);
        mlp_dense(mlp, kernels, n, l - 1, packed, from, h);
        mlp_dense_tangent(mlp, kernels, n, l - 1, packed, d_from, dh);
        if (from_u) mlp_slope(mlp, kernels, n, l, h, dh);
        if (!relu) mlp_activate(mlp, kernels, n, l, h, h);
        if (!from_u) mlp_slope(mlp, kernels, n, l, h, dh);
        from = h;
        d_from = dh;
    }
    mlp_dense(mlp, kernels, n, mlp->n_layers - 1, packed, from, y);
    mlp_dense_tangent(mlp, kernels, n, mlp->n_layers - 1, packed, d_from, dy);
}

/* As a kind of net: the contract is nets/net.h */

static int32_t net_param_count(const void *net) { return nfi_mlp_param_count(net); }
static void net_param(const void *net, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    nfi_mlp_param(net, prefix, theta_offset, i, param);
}
static int64_t net_packed(const void *net, const nfi_kernels *kernels) { return nfi_mlp_packed_bytes(net, kernels); }
static int64_t net_turned(const void *net, const nfi_kernels *kernels) { return nfi_mlp_turned_bytes(net, kernels); }
static int64_t net_saved(const void *net, const nfi_kernels *kernels) { return nfi_mlp_saved_bytes(net, kernels); }
static int64_t net_scratch(const void *net, const nfi_kernels *kernels) { return nfi_mlp_scratch_bytes(net, kernels); }
static void net_pack(const void *net, const nfi_kernels *kernels, const void *theta, void *packed, void *turned)
{
    nfi_mlp_pack(net, kernels, theta, packed, turned);
}
static void net_reset(const void *net, int32_t dtype, uint64_t seed, uint32_t stream, void *theta)
{
    (dtype == NF_F32 ? nfi_mlp_reset_f32 : nfi_mlp_reset_f64)(net, seed, stream, theta);
}
static void net_value(const void *net, const nfi_kernels *kernels, int64_t n, const void *packed, void *in, void *out, void *saved, void *scratch)
{
    nfi_mlp_value(net, kernels, n, packed, in, out, saved, scratch);
}
static void net_reverse(const void *net, const nfi_kernels *kernels, int64_t n, const void *turned, const void *in, const void *saved,
                        void *g_out, void *g_in, void *grad, void *scratch)
{
    nfi_mlp_reverse(net, kernels, n, turned, in, saved, g_out, g_in, grad, scratch);
}
static void net_jvp(const void *net, const nfi_kernels *kernels, int64_t n, const void *packed, void *in, const void *d_in, void *out,
                    void *d_out, void *scratch)
{
    nfi_mlp_jvp(net, kernels, n, packed, in, d_in, out, d_out, scratch);
}

static const nfi_net_ops mlp_net_ops = {
    .param_count = net_param_count, .param = net_param, .packed_bytes = net_packed, .turned_bytes = net_turned,
    .saved_bytes = net_saved, .scratch_bytes = net_scratch, .pack = net_pack, .reset = net_reset, .value = net_value,
    .reverse = net_reverse, .jvp = net_jvp,
};

nfi_net nfi_mlp_net(const nfi_mlp *mlp)
{
    return (nfi_net){ .ops = &mlp_net_ops, .self = mlp, .theta_count = mlp->theta_count, .ld_in = nfi_mlp_ld(mlp->width[0]),
                      .ld_out = nfi_mlp_ld(mlp->width[mlp->n_layers]), .flop_row = nfi_mlp_flop(mlp) };
}
