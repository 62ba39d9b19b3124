/* SPDX-License-Identifier: MIT
 *
 * scene.c - a flow of a case, with rows
 */
#include "conformance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENE_GUARD 128
#define SCENE_CANARY 0x5A

nf_status conformance_flow(nf_flow **out, nf_context *context, const conformance_case *c, int32_t dtype)
{
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype, .seed = 20231 };
    nf_base *base = NULL;
    nf_layer *layer = NULL;
    nf_status status = NF_OK;

    *out = NULL;
    if (c->base_type)
        status = nf_base_create(&base, context, c->base_type, c->base_config);
    else
        status = nf_base_normal_create(&base, context, c->dim);
    if (!status && c->custom) status = nf_layer_create_custom(&layer, context, c->custom, c->layer_config);
    if (!status && !c->custom && c->layer_type) status = nf_layer_create(&layer, context, c->layer_type, c->layer_config);
    if (!status) status = nf_flow_create(out, context, &config, base, layer ? &layer : NULL, layer ? 1 : 0);
    nf_layer_unref(layer);
    nf_base_unref(base);
    return status;
}

static void scene_die(const scene *s, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", s->c->name, what, nf_last_error());
    abort();
}

void scene_open(scene *s, const conformance_case *c, int32_t dtype, int64_t n, int32_t threads, ledger *book)
{
    uint64_t state = 7 + (uint64_t)c->dim;

    *s = (scene){ .c = c, .dtype = dtype, .n = n, .size = support_size(dtype) };
    s->context = support_context(threads, book);
    if (conformance_flow(&s->flow, s->context, c, dtype)) scene_die(s, "create");
    if (nf_flow_dim(s->flow) != c->dim || nf_flow_cond_dim(s->flow) != c->cond_dim) scene_die(s, "dims");
    support_perturb(s->flow, c->gain > 0 ? c->gain : 0.4, 99);
    s->x = support_malloc(n * c->dim * s->size);
    for (int64_t i = 0; i < n * c->dim; i++) {
        const double value = c->low < c->high ? random_uniform(&state, c->low, c->high) : 1.7 * random_normal(&state);
        support_set(dtype, s->x, i, c->whole ? c->whole * floor(value / c->whole) : (double)(float)value);
    }
    if (!c->cond_dim) return;
    s->cond = support_malloc(n * c->cond_dim * s->size);
    for (int64_t i = 0; i < n * c->cond_dim; i++) support_set(dtype, s->cond, i, (double)(float)random_normal(&state));
}

void scene_close(scene *s)
{
    nf_flow_unref(s->flow);
    nf_context_unref(s->context);
    free(s->x);
    free(s->cond);
}

void *scene_guarded(int64_t bytes)
{
    char *block = support_malloc(bytes + 2 * SCENE_GUARD);
    memset(block, SCENE_CANARY, (size_t)(bytes + 2 * SCENE_GUARD));
    return block + SCENE_GUARD;
}

bool scene_free(void *array, int64_t bytes)
{
    unsigned char *block = (unsigned char *)array - SCENE_GUARD;
    bool whole = true;

    for (int64_t i = 0; i < SCENE_GUARD; i++) whole &= block[i] == SCENE_CANARY && block[SCENE_GUARD + bytes + i] == SCENE_CANARY;
    free(block);
    return whole;
}
