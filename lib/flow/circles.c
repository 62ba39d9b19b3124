/* SPDX-License-Identifier: MIT
 *
 * circles.c - periodic columns in a recipe for tables: what must leave them alone, what takes the place of mixing, their base
 *
 * A matrix or a permutation of columns would put other columns in a circle's place; masks mix them instead. Let r_j be the place of column j in
 * a random order: pair number p of couplings, of ceil(log2 dim) in a round, transforms the columns whose r_j has bit p set, then the others.
 * After a round every two columns have been on different sides; the next round has an order of its own.
 */
#include "flow/circles.h"

#include <string.h>

#include "core/rng.h"
#include "core/status.h"

#define CIRCLES_SEED_STEP 0x9e3779b97f4a7c15u /* a seed a round */

int64_t nfi_circles_count(const nf_table_config *config)
{
    int64_t n = 0;
    for (int64_t j = 0; j < config->n_kind; j++) n += config->kind[j] == NF_COLUMN_PERIODIC;
    return n;
}

/* *values [dim], NULL stays NULL, becomes a copy that has `idle` in the periodic columns. */
static nf_status circles_replace(const nfi_circles *circles, int64_t dim, double idle, const double **values)
{
    if (!*values) return NF_OK;
    double *copy = nfi_maker_alloc(circles->maker, dim, (int64_t)sizeof *copy);
    if (!copy) return NF_ERR_MEMORY;
    memcpy(copy, *values, (size_t)dim * sizeof *copy);
    for (int64_t i = 0; i < circles->n; i++) copy[circles->column[i]] = idle;
    *values = copy;
    return NF_OK;
}

nf_status nfi_circles_make(nfi_circles *circles, nf_context *context, nf_table_config *config)
{
    *circles = (nfi_circles){ .n = nfi_circles_count(config) };
    if (!circles->n) return NF_OK;
    nf_status status = nfi_maker_create(&circles->maker, context);
    if (status) return status;
    circles->column = nfi_maker_alloc(circles->maker, circles->n, (int64_t)sizeof *circles->column);
    circles->order = nfi_maker_alloc(circles->maker, config->dim, (int64_t)sizeof *circles->order);
    circles->index = nfi_maker_alloc(circles->maker, config->dim, (int64_t)sizeof *circles->index);
    if (!circles->column || !circles->order || !circles->index) return NF_ERR_MEMORY;
    for (int64_t j = 0, n = 0; j < config->dim; j++)
        if (config->kind[j] == NF_COLUMN_PERIODIC) circles->column[n++] = j;
    if (config->n_mean) status = circles_replace(circles, config->dim, 0.0, &config->mean);
    if (config->n_sd && !status) status = circles_replace(circles, config->dim, 1.0, &config->sd);
    return status;
}

void nfi_circles_free(nfi_circles *circles) { nfi_maker_free(circles->maker); }

int64_t nfi_circles_mask(const nfi_circles *circles, int64_t dim, uint64_t seed, int64_t pair)
{
    int64_t bits = 1, n = 0;

    while ((int64_t)1 << bits < dim) bits++;
    nfi_random_permutation(seed + CIRCLES_SEED_STEP * (uint64_t)(pair / bits + 1), NFI_STREAM_PERMUTATION, 0, dim, circles->order);
    for (int64_t j = 0; j < dim; j++)
        if (circles->order[j] >> pair % bits & 1) circles->index[n++] = j;
    return n;
}

nf_status nfi_circles_base(nf_base **out, nf_context *context, const nfi_circles *circles, const nf_table_config *config)
{
    const int64_t dim = config->dim;
    double *low = nfi_maker_alloc(circles->maker, dim, (int64_t)sizeof *low), *high = nfi_maker_alloc(circles->maker, dim, (int64_t)sizeof *high);
    int64_t n = 0;

    if (!low || !high) return NF_ERR_MEMORY;
    for (int64_t j = 0, at = 0; j < dim; j++) {
        const int circle = at < circles->n && circles->column[at] == j;
        low[j] = circle ? -config->bound : 0.0;
        high[j] = circle ? config->bound : 0.0;
        if (circle) at++;
        else circles->index[n++] = j;
    }
    const nf_base_box_config box = { .struct_size = sizeof box, .dim = dim, .low = low, .n_low = dim, .high = high, .n_high = dim,
                                     .normal = circles->index, .n_normal = n };
    return nf_base_box_create(out, context, &box);
}
