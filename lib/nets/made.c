/* SPDX-License-Identifier: MIT
 *
 * made.c - masked perceptrons (compiled once; the kernels know the dtype)
 *
 * Units are sorted by degree, so that a mask is a prefix of every row of a weight matrix, and what a unit sees a prefix of the layer below.
 * Column by column, unit j of degree d is evaluated when the inputs up to degree d are known, before the outputs of column d + 1:
 *   u_l[d] = b_l[d] + W_l[<= d, d]^T h_{l-1}[<= d],   h_l[d] = phi(u_l[d]),   p_k = b_L[k] + W_L[< k, k]^T h_{L-1}[< k]
 * Every weight within the mask is used once a row, so the dim steps cost what one evaluation without the zeros does. Chains are those of
 * nfi_mlp_value, shorter by the products with zeros that it leaves inside a step of columns.
 * Backward in the opposite order: dL/dh_l[d] needs dL/dp of the columns after d and dL/du_{l+1} of degrees d and more.
 *
 * Check value: dim 2, no hidden layer, params 1, W = (0, 0.7; 0, 0), b = (0.2, 0.4): columns (2.385, 9) -> p = (0.2, 2.0695)
 * Ref: Germain, Gregor, Murray, Larochelle, "MADE: masked autoencoder for distribution estimation", arXiv:1502.03509.
 */
#include "nets/made.h"

#include <string.h>

/* Creation */

static int64_t made_upto(const nfi_made *made, int32_t l, int64_t d)
{
    return d < 0 ? 0 : made->upto[l * (made->dim + 1) + d];
}

/* Degree of unit i of `width`: as many of each as cycling gives; fewer units than degrees are spread evenly over them. */
static int64_t made_degree(const nfi_made *made, int64_t width, int64_t i)
{
    const int64_t degrees = made->dim - made->low, each = width / degrees, more = width % degrees;
    if (each == 0) return made->low + (width > 1 ? i * (degrees - 1) / (width - 1) : 0);
    if (i < more * (each + 1)) return made->low + i / (each + 1);
    return made->low + more + (i - more * (each + 1)) / each;
}

static nf_status made_count(nfi_made *made, nf_maker *maker)
{
    int64_t *upto = nfi_maker_alloc(maker, (made->dim + 1) * made->mlp.n_layers, (int64_t)sizeof *upto);
    if (!upto) return NF_ERR_MEMORY;
    made->upto = upto;
    for (int64_t d = 0; d <= made->dim; d++) upto[d] = made->cond_dim + d;
    for (int32_t l = 1; l < made->mlp.n_layers; l++) {
        upto += made->dim + 1;
        for (int64_t i = 0; i < made->mlp.width[l]; i++) upto[made_degree(made, made->mlp.width[l], i)]++;
        for (int64_t d = 1; d <= made->dim; d++) upto[d] += upto[d - 1];
    }
    return NF_OK;
}

/* Units of degree d feed units of degree d and more, and the outputs of columns after d. */
static nf_status made_mask(nfi_made *made, nf_maker *maker)
{
    nfi_mlp_mask *mask = nfi_maker_alloc(maker, made->mlp.n_layers, (int64_t)sizeof *mask);
    int64_t *first = nfi_maker_alloc(maker, nfi_made_units(made), (int64_t)sizeof *first);
    if (!mask || !first) return NF_ERR_MEMORY;
    for (int32_t l = 0; l < made->mlp.n_layers; l++) {
        const bool last = l + 1 == made->mlp.n_layers;
        mask[l] = (nfi_mlp_mask){ .first = first };
        for (int64_t d = 0; d <= made->dim; d++)
            for (int64_t i = made_upto(made, l, d - 1); i < made_upto(made, l, d); i++) *first++ = last ? d * made->params : made_upto(made, l + 1, d - 1);
    }
    return nfi_mlp_set_mask(&made->mlp, maker, mask);
}

int64_t nfi_made_units(const nfi_made *made)
{
    int64_t units = 0;
    for (int32_t l = 0; l < made->mlp.n_layers; l++) units += made->mlp.width[l];
    return units;
}

nf_status nfi_made_create(nfi_made *made, nf_maker *maker, int64_t dim, int64_t cond_dim, int64_t params, const int64_t *hidden,
                          int64_t n_hidden, int32_t activation, int32_t weights, int32_t zero_last)
{
    made->dim = dim;
    made->cond_dim = cond_dim;
    made->params = params;
    made->low = cond_dim > 0 || dim == 1 ? 0 : 1; /* the first column depends on cond through units of degree 0 */
    nf_status status = nfi_mlp_create(&made->mlp, maker, cond_dim + dim, params * dim, hidden, n_hidden, activation, weights, zero_last);
    if (status == NF_OK) status = made_count(made, maker);
    if (status == NF_OK) status = made_mask(made, maker);
    return status;
}

/* Column by column */

static char *made_at(const nfi_made_pass *pass, void *units, int32_t l, int64_t i)
{
    for (int32_t below = 0; below < l; below++) i += pass->made->mlp.width[below];
    return (char *)units + i * pass->ld * pass->kernels->size;
}

static const char *made_weight(const nfi_made_pass *pass, int32_t l, int64_t row, int64_t column)
{
    const int64_t at = nfi_mlp_theta_at(&pass->made->mlp, l) + row * pass->made->mlp.width[l + 1] + column;
    return (const char *)pass->weights + at * pass->kernels->size;
}

static const nfi_activation *made_activation(const nfi_made_pass *pass)
{
    return &pass->kernels->activations[pass->made->mlp.activation - 1];
}

/* `count` outputs of dense layer l from column `first` on, of units of degrees up to d; of tangents: without bias. */
static void made_product(const nfi_made_pass *pass, int32_t l, int64_t d, int64_t first, int64_t count, void *units, bool bias, void *to)
{
    const int64_t in = pass->made->mlp.width[l], out = pass->made->mlp.width[l + 1];
    pass->kernels->gemm_turned(pass->ld, made_upto(pass->made, l, d), count, made_weight(pass, l, 0, first), out, 1,
                               bias ? made_weight(pass, l, in, first) : NULL, made_at(pass, units, l, 0), to);
}

/* The units of degree d, layer after layer; inputs are there. */
static void made_units_of(const nfi_made_pass *pass, int64_t d)
{
    const nfi_activation *phi = made_activation(pass);
    for (int32_t l = 1; l < pass->made->mlp.n_layers; l++) {
        const int64_t first = made_upto(pass->made, l, d - 1), count = made_upto(pass->made, l, d) - first;
        if (count == 0) continue;
        char *h = made_at(pass, pass->h, l, first), *u = phi->saves_input ? made_at(pass, pass->u, l, first) : h;
        made_product(pass, l - 1, d, first, count, pass->h, true, u);
        phi->value(count * pass->ld, u, h);
        if (!pass->d) continue;
        char *dh = made_at(pass, pass->d, l, first);
        made_product(pass, l - 1, d, first, count, pass->d, false, dh);
        phi->slope(count * pass->ld, u, dh);
    }
}

void nfi_made_column(const nfi_made_pass *pass, int64_t k, void *p, void *dp)
{
    const nfi_made *made = pass->made;
    const int32_t last = made->mlp.n_layers - 1;
    made_units_of(pass, k - 1);
    made_product(pass, last, k - 1, (k - 1) * made->params, made->params, pass->h, true, p);
    if (pass->d) made_product(pass, last, k - 1, (k - 1) * made->params, made->params, pass->d, false, dp);
}

/* to [width][ld] = the transpose of from [n][ld_from], zeros behind */
static void made_turn(const nfi_made_pass *pass, int64_t n, int64_t width, const char *from, int64_t ld_from, char *to)
{
    const int64_t size = pass->kernels->size;
    if (n < pass->ld)
        for (int64_t j = 0; j < width; j++) memset(to + (j * pass->ld + n) * size, 0, (size_t)((pass->ld - n) * size));
    pass->kernels->turn(n, width, from, ld_from, to, pass->ld);
}

void nfi_made_load(const nfi_made_pass *pass, int64_t n, const void *saved)
{
    const nfi_mlp *mlp = &pass->made->mlp;
    for (int32_t l = 1; l < mlp->n_layers; l++) {
        const int64_t ld = nfi_mlp_ld(mlp->width[l]), rows = n * ld * pass->kernels->size;
        const char *h = (const char *)saved + n * nfi_mlp_saved_at(mlp, pass->kernels, l);
        made_turn(pass, n, mlp->width[l], h, ld, made_at(pass, pass->h, l, 0));
        if (made_activation(pass)->saves_input) made_turn(pass, n, mlp->width[l], h + rows, ld, made_at(pass, pass->u, l, 0));
    }
}

const void *nfi_made_back(const nfi_made_pass *pass, int64_t k, const void *gp)
{
    const nfi_made *made = pass->made;
    const nfi_activation *phi = made_activation(pass);
    for (int32_t l = made->mlp.n_layers - 1; l >= 0; l--) {
        const bool last = l + 1 == made->mlp.n_layers;
        const int64_t out = made->mlp.width[l + 1], first = made_upto(made, l, k - 1), count = made_upto(made, l, k) - first;
        const int64_t from = last ? k * made->params : made_upto(made, l + 1, k - 1);
        if (count == 0) continue;
        const void *g = last ? (const char *)gp + from * pass->ld * pass->kernels->size : made_at(pass, pass->d, l + 1, from);
        pass->kernels->gemm_turned(pass->ld, out - from, count, made_weight(pass, l, first, from), 1, out, NULL, g, made_at(pass, pass->d, l, first));
        if (l > 0)
            phi->slope(count * pass->ld, made_at(pass, phi->saves_input ? pass->u : pass->h, l, first), made_at(pass, pass->d, l, first));
    }
    return made_at(pass, pass->d, 0, made_upto(made, 0, k - 1));
}
