/* SPDX-License-Identifier: MIT
 *
 * broken_cases.c - a layer of one's own, right in mode "right" and wrong in one way in each other mode: the negative controls
 *
 *   z_j = exp(a_j) x_j + b_j
 */
#include "conformance.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

enum { BROKEN_RIGHT = 1, BROKEN_LOG_DET, BROKEN_INVERSE, BROKEN_GRAD_THETA, BROKEN_GRAD_X, BROKEN_ROWS, BROKEN_INVERSE_BACKWARD };

typedef struct broken_config {
    uint32_t struct_size;
    int32_t mode;
    int64_t dim;
} broken_config;

static const nf_field broken_fields[] = {
    { .name = "mode", .help = "what is wrong", .choices = "right,log_det,inverse,grad_theta,grad_x,rows,inverse_backward",
      .kind = NF_FIELD_CHOICE, .offset = offsetof(broken_config, mode), .fallback = BROKEN_RIGHT, .min = 1, .max = BROKEN_INVERSE_BACKWARD },
    { .name = "dim", .help = "columns", .kind = NF_FIELD_I64, .properties = NF_FIELD_REQUIRED, .offset = offsetof(broken_config, dim),
      .min = 1, .max = 1000 },
};

static nf_status broken_create(nf_maker *maker, void *config, void **self)
{
    broken_config *copy = nf_maker_alloc(maker, sizeof *copy);
    if (!copy) return NF_ERR_MEMORY;
    memcpy(copy, config, sizeof *copy);
    *self = copy;
    return NF_OK;
}

static nf_status broken_describe(const void *self, nf_layer_info *info)
{
    info->dim = ((const broken_config *)self)->dim;
    return NF_OK;
}

static nf_status broken_param(const void *self, int32_t i, nf_param *param)
{
    const int64_t dim = ((const broken_config *)self)->dim;

    if (i > 1) return NF_ERR_ARG;
    *param = (nf_param){ .struct_size = sizeof *param, .offset = i * dim, .rank = 1, .shape = { dim } };
    memcpy(param->name, i ? "shift" : "scale", 6);
    return NF_OK;
}

/* The wrong part of mode "rows": depends on how many rows the tile has. */
static double broken_leak(const broken_config *c, const nf_tile *tile)
{
    return c->mode == BROKEN_ROWS ? 1e-3 * (double)tile->n : 0.0;
}

static nf_status broken_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const broken_config *c = self;

    (void)saved;
    for (int64_t i = 0; i < tile->n; i++) {
        for (int64_t j = 0; j < c->dim; j++) {
            const double a = support_at(tile->dtype, tile->theta, j), b = support_at(tile->dtype, tile->theta, c->dim + j);
            const double x = support_at(tile->dtype, in, i * c->dim + j);
            const double z = exp(a) * x + b + broken_leak(c, tile);
            support_set(tile->dtype, out, i * c->dim + j, z);
            tile->log_det[i] += c->mode == BROKEN_LOG_DET ? 1.01 * a : a;
        }
    }
    return NF_OK;
}

static nf_status broken_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const broken_config *c = self;

    for (int64_t i = 0; i < tile->n; i++) {
        for (int64_t j = 0; j < c->dim; j++) {
            const double a = support_at(tile->dtype, tile->theta, j), b = support_at(tile->dtype, tile->theta, c->dim + j);
            const double z = support_at(tile->dtype, out, i * c->dim + j);
            support_set(tile->dtype, in, i * c->dim + j, (z - b) * exp(-a) + (c->mode == BROKEN_INVERSE ? 1e-3 : 0));
            tile->log_det[i] -= c->mode == BROKEN_LOG_DET ? 1.01 * a : a;
        }
    }
    return NF_OK;
}

static nf_status broken_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                 const double *g_log_det)
{
    const broken_config *c = self;

    (void)saved, (void)out;
    for (int64_t i = 0; i < tile->n; i++) {
        for (int64_t j = 0; j < c->dim; j++) {
            const double a = support_at(tile->dtype, tile->theta, j), x = support_at(tile->dtype, in, i * c->dim + j);
            const double gz = support_at(tile->dtype, g, i * c->dim + j);
            double ga = gz * exp(a) * x + g_log_det[i];
            if (c->mode == BROKEN_GRAD_THETA) ga *= 1.001;
            support_set(tile->dtype, g, i * c->dim + j, gz * exp(a) * (c->mode == BROKEN_GRAD_X ? 1.001 : 1.0));
            if (!tile->grad) continue;
            support_set(tile->dtype, tile->grad, j, support_at(tile->dtype, tile->grad, j) + ga);
            support_set(tile->dtype, tile->grad, c->dim + j, support_at(tile->dtype, tile->grad, c->dim + j) + gz);
        }
    }
    return NF_OK;
}

static nf_status broken_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const broken_config *c = self;

    (void)in, (void)out, (void)saved;
    for (int64_t i = 0; i < tile->n * c->dim; i++) {
        const double wrong = c->mode == BROKEN_INVERSE_BACKWARD ? 1.001 : 1.0;
        support_set(tile->dtype, g, i, support_at(tile->dtype, g, i) * exp(-support_at(tile->dtype, tile->theta, i % c->dim)) * wrong);
    }
    return NF_OK;
}

static const nf_layer_ops broken_ops = { .struct_size = sizeof broken_ops, .forward = broken_forward, .inverse = broken_inverse,
                                         .backward = broken_backward, .inverse_backward = broken_inverse_backward };
static const nf_layer_type broken_type = { .struct_size = sizeof broken_type, .version = 1, .name = "broken",
                                           .config_size = sizeof(broken_config), .config_first_size = sizeof(broken_config),
                                           .fields = broken_fields, .n_fields = SUPPORT_COUNT(broken_fields), .create = broken_create,
                                           .describe = broken_describe, .param = broken_param, .f32 = &broken_ops, .f64 = &broken_ops };

#define BROKEN(name_, mode_)                                                                                                       \
    { .name = "broken/" name_, .layer_type = "broken", .dim = 3, .custom = &broken_type,                                           \
      .layer_config = &(const broken_config){ .struct_size = sizeof(broken_config), .dim = 3, .mode = mode_ } }

/* The first is right and must pass; each other must be caught by the check of its place in broken_checks. */
const conformance_case broken_cases[] = {
    BROKEN("right", BROKEN_RIGHT),           BROKEN("log_det", BROKEN_LOG_DET), BROKEN("inverse", BROKEN_INVERSE),
    BROKEN("grad_theta", BROKEN_GRAD_THETA), BROKEN("grad_x", BROKEN_GRAD_X),   BROKEN("rows", BROKEN_ROWS),
    BROKEN("inverse_backward", BROKEN_INVERSE_BACKWARD),
};
const int broken_case_count = SUPPORT_COUNT(broken_cases);
