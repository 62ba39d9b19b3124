/* SPDX-License-Identifier: MIT
 *
 * sweep.c - one job, with its first, second, third ... allocation refused
 */
#include "jobs.h"
#include <nflow/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sweep_json[] = "{\"format\":1,\"dtype\":\"%s\",\"seed\":\"7\",\"base\":{\"type\":\"diagonal\",\"dim\":2},\"layers\":["
                                 "{\"type\":\"standardise\",\"dim\":2},{\"type\":\"actnorm\",\"dim\":2},"
                                 "{\"type\":\"coupling_affine\",\"dim\":2,\"cond_dim\":1,\"hidden\":[4],\"random_last\":true},"
                                 "{\"type\":\"coupling_affine\",\"dim\":2,\"cond_dim\":1,\"hidden\":[4],\"swap\":true}]}";

static void scene_must(nf_status status, const char *what)
{
    if (status >= 0) return;
    (void)fprintf(stderr, "scene: %s: %s\n", what, nf_last_error());
    abort();
}

static void scene_rows(job_scene *s)
{
    double x[2 * JOB_ROWS];
    uint64_t seed = 9;

    for (int i = 0; i < 2 * JOB_ROWS; i++) x[i] = random_normal(&seed);
    s->x = support_array(s->dtype, 2 * JOB_ROWS, x);
    s->cond = support_array(s->dtype, JOB_ROWS, x);
}

static void scene_make(job_scene *s, const job_source *source, int32_t dtype, int32_t threads)
{
    char json[800];

    *s = (job_scene){ .dtype = dtype, .context = source->open(threads) };
    (void)snprintf(json, sizeof json, sweep_json, dtype == NF_F32 ? "f32" : "f64"); /* NOLINT: a literal of this file */
    s->json = strcpy(support_malloc((int64_t)sizeof json), json);
    scene_must(nf_flow_from_json(&s->flow, s->context, json), "flow");
    s->model = fault_model(s->flow, &s->model_size);
    scene_rows(s);
    scene_must(nf_dataset_synthetic(&s->data, s->context, "moons-rotated", JOB_ROWS, 0.1, 4), "data");
    scene_must(nf_dataset_synthetic(&s->valid, s->context, "moons-rotated", JOB_ROWS, 0.1, 5), "valid");
    scene_must(nf_optimizer_adam_create(&s->optimizer, s->context, NULL), "optimizer");
    scene_must(nf_base_normal_create(&s->base, s->context, 3), "base");
    scene_must(nf_affine_create(&s->layer, s->context, &(const nf_affine_config){ .struct_size = sizeof(nf_affine_config), .dim = 3 }), "layer");
}

static void scene_drop_made(job_scene *s)
{
    nf_context_unref(s->out_context);
    nf_flow_unref(s->out_flow);
    nf_optimizer_unref(s->out_optimizer);
    nf_dataset_unref(s->out_data);
    nf_dataset_unref(s->out_second);
    nf_layer_unref(s->out_layer);
    nf_base_unref(s->out_base);
}

static void scene_free(job_scene *s)
{
    scene_drop_made(s);
    nf_flow_unref(s->flow);
    nf_optimizer_unref(s->optimizer);
    nf_dataset_unref(s->data);
    nf_dataset_unref(s->valid);
    nf_layer_unref(s->layer);
    nf_base_unref(s->base);
    nf_context_unref(s->context);
    free(s->json);
    free(s->model);
    free(s->x);
    free(s->cond);
}

static uint64_t hash_dataset(uint64_t hash, const nf_dataset *data)
{
    const int64_t n = data ? nf_dataset_rows(data) : 0, dim = nf_dataset_dim(data), cond_dim = nf_dataset_cond_dim(data);
    double *x = support_malloc(n * (dim + cond_dim) * 8);

    if (n) scene_must(nf_dataset_copy_f64(data, 0, n, x, cond_dim ? x + n * dim : NULL), "copy");
    hash = fault_hash_bytes(hash, x, n * (dim + cond_dim) * 8);
    free(x);
    return fault_hash_bytes(hash, &n, sizeof n);
}

/* Everything that was there before the call. */
static uint64_t hash_state(const job_scene *s)
{
    const int64_t steps = nf_optimizer_steps(s->optimizer);
    const double lr = nf_optimizer_lr(s->optimizer);
    void *grad = NULL;
    int64_t count = 0;
    uint64_t hash = fault_hash_flow(s->flow);

    scene_must(any_params(s->flow, NULL, &grad, &count), "params");
    hash = fault_hash_bytes(hash, grad, count * support_size(s->dtype));
    hash = fault_hash_bytes(hash, &steps, sizeof steps);
    hash = fault_hash_bytes(hash, &lr, sizeof lr);
    return hash_dataset(hash_dataset(hash, s->data), s->valid);
}

/* Everything that came out, handles and the changed state included. */
static uint64_t hash_result(const job_scene *s)
{
    uint64_t hash = hash_state(s);

    if (s->out_flow) hash = fault_hash_bytes(hash, &(uint64_t){ fault_hash_flow(s->out_flow) }, 8);
    hash = hash_dataset(hash_dataset(hash, s->out_data), s->out_second);
    hash = fault_hash_bytes(hash, s->values, sizeof s->values);
    hash = fault_hash_bytes(hash, s->rows, sizeof s->rows);
    hash = fault_hash_bytes(hash, &s->other, sizeof s->other);
    hash = fault_hash_bytes(hash, &(int64_t){ nf_layer_dim(s->out_layer) }, 8);
    return fault_hash_bytes(hash, &(int64_t){ nf_base_dim(s->out_base) + nf_base_cond_dim(s->out_base) }, 8);
}

static bool scene_has_made(const job_scene *s)
{
    return s->out_context || s->out_flow || s->out_optimizer || s->out_data || s->out_second || s->out_layer || s->out_base;
}

static bool scene_is_sound(const job_scene *s)
{
    const int64_t count = nf_flow_param_count(s->flow);
    double *theta = support_malloc(count * 8);
    bool sound = nf_flow_get_params(s->flow, count, theta) == NF_OK;

    for (int64_t i = 0; i < count; i++) sound &= isfinite(theta[i]) != 0;
    free(theta);
    return sound;
}

/* After a failure: code, line, no handle, nothing changed, and the same call then does what it always does. */
static bool sweep_failed(fault_log *log, const job *j, job_scene *s, nf_status status, uint64_t before, uint64_t want, long long k)
{
    char what[120];

    (void)snprintf(what, sizeof what, "%s, allocation %lld refused", j->name, k);
    if (!fault_said(log, what, status, NF_ERR_MEMORY)) return false;
    if (scene_has_made(s)) return fault_fails(log, "%s: an out-handle is not NULL", what);
    if (j->may_change) return scene_is_sound(s) || fault_fails(log, "%s: the flow is not sound", what);
    if (hash_state(s) != before) return fault_fails(log, "%s: the state changed", what);
    memset(s->values, 0, sizeof s->values);
    memset(s->rows, 0, sizeof s->rows);
    s->other = 0;
    status = j->run(s);
    if (status < 0) return fault_fails(log, "%s, then tried again: %.200s", what, nf_last_error());
    return hash_result(s) == want || fault_fails(log, "%s, then tried again: another result", what);
}

/* One refusal; *more: it took place. */
static bool sweep_once(fault_log *log, const job_source *source, const job *j, job_scene *s, int mode, long long k, uint64_t want, bool *more)
{
    uint64_t before;

    if (j->before) scene_must(j->before(s), j->name);
    memset(s->values, 0, sizeof s->values);
    before = hash_state(s);
    fault_mark();
    source->arm(mode, k);
    const nf_status status = j->run(s);
    *more = source->disarm();
    log->points += *more;
    if (status < 0) return sweep_failed(log, j, s, status, before, want, k);
    return hash_result(s) == want || fault_fails(log, "%s, allocation %lld refused: it succeeds with another result", j->name, k);
}

bool job_refuses(int mode, long long k, long long call)
{
    uint64_t random = (uint64_t)k * 0x9e3779b97f4a7c15u + (uint64_t)call;

    if (mode == REFUSE_RANDOM) return random_bits(&random) % 4 == 0;
    return call == k || (mode == REFUSE_FOREVER && call > k);
}

/* What the call comes to when nothing is refused. */
static uint64_t sweep_reference(const job_source *source, const job *j, int32_t dtype, int32_t threads)
{
    job_scene s;
    uint64_t want;

    scene_make(&s, source, dtype, threads);
    if (j->before) scene_must(j->before(&s), j->name);
    memset(s.values, 0, sizeof s.values);
    scene_must(j->run(&s), j->name);
    want = hash_result(&s);
    scene_free(&s);
    return want;
}

bool job_sweep(fault_log *log, const job_source *source, const job *j, int32_t dtype, int32_t threads, int mode)
{
    const long long live = source->live(), most = mode == REFUSE_RANDOM ? (fault_is_full() ? 500 : 60) : 5000;
    const uint64_t want = sweep_reference(source, j, dtype, threads);
    bool more = true, ok = source->live() == live || fault_fails(log, "%s: %lld blocks leak", j->name, source->live() - live);

    for (long long k = 0; (more || mode == REFUSE_RANDOM) && k < most && ok; k++) {
        job_scene s;
        scene_make(&s, source, dtype, threads);
        ok = sweep_once(log, source, j, &s, mode, k, want, &more);
        scene_free(&s);
        if (ok && source->live() != live) ok = fault_fails(log, "%s, allocation %lld refused: %lld blocks leak", j->name, k, source->live() - live);
    }
    return ok && (!more || mode == REFUSE_RANDOM || fault_fails(log, "%s: it never ends", j->name));
}

bool job_sweep_all(fault_log *log, const job_source *source, int32_t threads, int mode)
{
    bool ok = true;

    job_files();
    for (int i = 0; i < 2 * job_count && ok; i++) ok = job_sweep(log, source, &jobs[i / 2], i % 2 ? NF_F64 : NF_F32, threads, mode);
    return ok;
}
