/* SPDX-License-Identifier: MIT
 *
 * cnf_scene.h - what tests of the continuous layer share: a scene runs the layer's operations on one tile in double, where row keys, epoch
 * and gradients of cond are in hand; and a flow of one such layer
 */
#ifndef NFLOW_TESTS_CNF_SCENE_H
#define NFLOW_TESTS_CNF_SCENE_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "layers/layer.h"
#include "support.h"

#define MOST_ROWS 128
#define STEP 1e-5       /* of central differences */
#define SLOPE_TOL 2e-7  /* relative to 1 + |value| */
#define CNF(...) (&(const nf_cnf_config){ .struct_size = sizeof(nf_cnf_config), __VA_ARGS__ })
#define HIDDEN(...) .hidden = (const int64_t[]){ __VA_ARGS__ }, .n_hidden = (int64_t)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static inline double draw(uint64_t index) { return 2.0 * nfi_uniform(90210, NFI_STREAM_CHECK, index) - 1.0; }

static inline void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.12g, should be %.12g", what, (long long)k, got, want);
}

static inline void expect(nf_status status, nf_status wanted)
{
    ck_assert_msg(status == wanted, "%s instead of %s: %s", nf_status_name(status), nf_status_name(wanted), nf_last_error());
}

static inline void says(const char *words)
{
    ck_assert_msg(strstr(nf_last_error(), words) != NULL, "\"%s\" is not in: %s", words, nf_last_error());
}

/* Scenes */

struct scene {
    nf_layer *layer;
    const nf_layer_ops *ops;
    nf_layer_info info;
    nf_tile tile;
    int64_t n, dim, cond_dim, count;
    double *theta, *grad, *cond, *grad_cond;
    void *packed, *turned, *scratch, *saved;
    double log_det[MOST_ROWS];
    uint64_t key[MOST_ROWS];
};

static inline void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64)); /* nothing is cleared for an operation */
    return p;
}

static inline void scene_pack(struct scene *s) { s->ops->pack(s->layer->self, s->info.kernels, s->theta, s->packed, s->turned, 0); }

static inline struct scene *scene_new(const nf_cnf_config *config, int64_t n)
{
    const nfi_kernels *kernels = nfi_kernels_for(NULL, NF_F64);
    struct scene *s = memory((int64_t)sizeof *s);
    nf_layer *layer;

    expect(nf_cnf_create(&layer, NULL, config), NF_OK);
    *s = (struct scene){ .layer = layer, .ops = nfi_layer_ops(layer, NF_F64), .info = nfi_layer_describe(layer, NF_F64, kernels), .n = n,
                         .dim = layer->dim, .cond_dim = layer->cond_dim, .count = layer->param_count };
    ck_assert_int_le(n, s->info.tile_rows);
    s->theta = memory(s->count * 8);
    s->grad = memory(s->count * 8);
    s->cond = memory(n * s->cond_dim * 8);
    s->grad_cond = memory(n * s->cond_dim * 8);
    s->packed = memory(s->info.packed);
    s->turned = memory(s->info.packed_backward);
    s->scratch = memory(s->info.scratch_fixed + n * s->info.scratch_row);
    s->saved = memory(n * s->info.saved_row);
    for (int64_t i = 0; i < n; i++) s->key[i] = 40 + 3 * (uint64_t)i;
    for (int64_t i = 0; i < n * s->cond_dim; i++) s->cond[i] = draw(600 + (uint64_t)i);
    expect(s->ops->reset(layer->self, 5, 256, s->theta), NF_OK);
    s->tile = (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = NF_F64, .n = n, .theta = s->theta, .packed = s->packed,
                         .packed_backward = s->turned, .cond = s->cond_dim ? s->cond : NULL, .cond_dim = s->cond_dim, .scratch = s->scratch,
                         .log_det = s->log_det, .row_key = s->key, .seed = 3, .stream = 256, .training = 1, .kernels = kernels };
    scene_pack(s);
    return s;
}

static inline void scene_free(struct scene *s)
{
    void *const all[] = { s->theta, s->grad, s->cond, s->grad_cond, s->packed, s->turned, s->scratch, s->saved };
    for (int i = 0; i < SUPPORT_COUNT(all); i++) free(all[i]);
    nf_layer_unref(s->layer);
    free(s);
}

static inline void scene_theta(struct scene *s, const double *theta, double end_time)
{
    if (theta) memcpy(s->theta, theta, (size_t)(s->count - 1) * 8);
    s->theta[s->count - 1] = sqrt(end_time);
    scene_pack(s);
}

static inline void scene_forward(struct scene *s, const double *x, double *z)
{
    memset(s->log_det, 0, sizeof s->log_det);
    expect(s->ops->forward(s->layer->self, &s->tile, x, z, s->saved), NF_OK);
}

static inline double mix_z(int64_t k) { return draw(9000 + (uint64_t)k); }
static inline double mix_log_det(int64_t i) { return -0.5 + 0.3 * draw(9900 + (uint64_t)i); }

/* A fixed mix of z and log_det: what gradients are of. */
static inline double scene_loss(struct scene *s, const double *x)
{
    double z[MOST_ROWS * 4], loss = 0.0;
    scene_pack(s);
    scene_forward(s, x, z);
    for (int64_t k = 0; k < s->n * s->dim; k++) loss += mix_z(k) * z[k];
    for (int64_t i = 0; i < s->n; i++) loss += mix_log_det(i) * s->log_det[i];
    return loss;
}

static inline double scene_slope(struct scene *s, const double *x, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    const double above = scene_loss(s, x);
    *at = keep - STEP;
    const double below = scene_loss(s, x);
    *at = keep;
    scene_pack(s);
    return (above - below) / (2.0 * STEP);
}

/* g: dL/dz of the mix in, dL/dx out; theta's and cond's in s. */
static inline void scene_backward(struct scene *s, const double *x, const double *z, double *g, const double *h)
{
    memset(s->grad, 0, (size_t)s->count * 8);
    memset(s->grad_cond, 0, (size_t)(s->n * s->cond_dim) * 8);
    s->tile.grad = s->grad;
    s->tile.grad_cond = s->cond_dim ? s->grad_cond : NULL;
    expect(s->ops->backward(s->layer->self, &s->tile, x, z, s->saved, g, h), NF_OK);
}

static inline void scene_gradients(struct scene *s, double *x, double tolerance)
{
    double z[MOST_ROWS * 4], g[MOST_ROWS * 4], h[MOST_ROWS];

    for (int64_t k = 0; k < s->n * s->dim; k++) g[k] = mix_z(k);
    for (int64_t i = 0; i < s->n; i++) h[i] = mix_log_det(i);
    scene_forward(s, x, z);
    scene_backward(s, x, z, g, h);
    for (int64_t k = 0; k < s->n * s->dim; k++) near(g[k], scene_slope(s, x, x + k), tolerance, "dL/dx", k);
    for (int64_t k = 0; k < s->n * s->cond_dim; k++) near(s->grad_cond[k], scene_slope(s, x, s->cond + k), tolerance, "dL/dcond", k);
    for (int64_t k = 0; k < s->count; k++) near(s->grad[k], scene_slope(s, x, s->theta + k), tolerance, "dL/dtheta", k);
}

static inline void fill(double *x, int64_t count, double scale)
{
    for (int64_t k = 0; k < count; k++) x[k] = scale * draw(100 + (uint64_t)k);
}

static inline nf_flow *flow_of(nf_context *context, int32_t dtype, const nf_cnf_config *config)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = dtype, .seed = 4 };
    nf_layer *layer;
    nf_base *base;
    nf_flow *flow;
    expect(nf_cnf_create(&layer, context, config), NF_OK);
    expect(nf_base_normal_create(&base, context, config->dim), NF_OK);
    expect(nf_flow_create(&flow, context, &flow_config, base, &layer, 1), NF_OK);
    nf_layer_unref(layer);
    nf_base_unref(base);
    return flow;
}

#endif
