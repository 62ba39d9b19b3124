/* SPDX-License-Identifier: MIT
 *
 * misuse_scene.c - good, wrong and released handles
 */
#include "misuse.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool recorded[128];

void misuse_record(nf_status status)
{
    if (status > -100 && status < 28) recorded[status + 100] = true;
}

bool misuse_is_recorded(nf_status status) { return recorded[status + 100]; }

bool misuse_expect(fault_log *log, const char *function, const char *words, nf_status status, nf_status expected)
{
    log->points++;
    misuse_record(status);
    if (!fault_said(log, function, status, expected)) return false;
    if (expected == NF_OK) return true;
    if (strncmp(nf_last_error(), function, strlen(function)) != 0 || nf_last_error()[strlen(function)] != ':' || (words && !strstr(nf_last_error(), words)))
        return fault_fails(log, "%.80s: the line should name the function and \"%.60s\": %.300s", function, words ? words : "", nf_last_error());
    return true;
}

/* Memory that is never given back while the test runs, so that released handles can be looked at. */
static void *kept[4096];
static int n_kept;

static void *keep_alloc(void *user, int64_t size, int64_t alignment)
{
    void *ptr = NULL;

    (void)user;
    return posix_memalign(&ptr, (size_t)alignment, (size_t)size) ? NULL : ptr;
}

static void keep_free(void *user, void *ptr, int64_t size)
{
    (void)user, (void)size;
    if (n_kept < SUPPORT_COUNT(kept)) kept[n_kept++] = ptr;
    else free(ptr);
}

static void must(nf_status status, const char *what)
{
    if (status >= 0) return;
    (void)fprintf(stderr, "%s: %s\n", what, nf_last_error());
    abort();
}

static nf_flow *scene_flow(nf_context *context, int f64, int cond)
{
    char text[400];
    nf_flow *flow = NULL;

    (void)snprintf(text, sizeof text, "{\"format\":1,\"dtype\":\"%s\",\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":["
                   "{\"type\":\"coupling_affine\",\"dim\":2,\"cond_dim\":%d,\"hidden\":[3],\"random_last\":true}]}", f64 ? "f64" : "f32", cond);
    must(nf_flow_from_json(&flow, context, text), "flow");
    return flow;
}

static void scene_handles(nf_context *context, void *handle[KINDS])
{
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_dataset *data = NULL;
    nf_optimizer *optimizer = NULL;

    must(nf_actnorm_create(&layer, context, &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = 2 }), "layer");
    must(nf_base_normal_create(&base, context, 2), "base");
    must(nf_dataset_synthetic(&data, context, "moons", MISUSE_ROWS, 0.1, 1), "data");
    must(nf_optimizer_adam_create(&optimizer, context, NULL), "optimizer");
    handle[KIND_LAYER] = layer;
    handle[KIND_BASE] = base;
    handle[KIND_FLOW] = scene_flow(context, 0, 0);
    handle[KIND_DATASET] = data;
    handle[KIND_OPTIMIZER] = optimizer;
}

static void scene_release(void *handle[KINDS])
{
    nf_layer_unref(handle[KIND_LAYER]);
    nf_base_unref(handle[KIND_BASE]);
    nf_flow_unref(handle[KIND_FLOW]);
    nf_dataset_unref(handle[KIND_DATASET]);
    nf_optimizer_unref(handle[KIND_OPTIMIZER]);
    nf_context_unref(handle[KIND_CONTEXT]);
}

static nf_context *keeping_context(void)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.alloc = keep_alloc;
    config.free = keep_free;
    must(nf_context_create(&context, &config), "context");
    return context;
}

void misuse_open(misuse_scene *s)
{
    s->context = keeping_context();
    s->live[KIND_CONTEXT] = nf_context_ref(s->context);
    scene_handles(s->context, s->live);
    s->released[KIND_CONTEXT] = keeping_context();
    scene_handles(s->context, s->released);
    scene_release(s->released);
    for (int k = 0; k < 4; k++) s->flow[k / 2][k % 2] = scene_flow(s->context, k / 2, k % 2);
}

void misuse_close(misuse_scene *s)
{
    scene_release(s->live);
    for (int k = 0; k < 4; k++) nf_flow_unref(s->flow[k / 2][k % 2]);
    nf_context_unref(s->context);
    while (n_kept > 0) free(kept[--n_kept]);
}
