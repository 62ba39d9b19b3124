/* SPDX-License-Identifier: MIT
 *
 * misuse_handles.c - every call that takes a handle: NULL, another kind, a released one, no object at all
 */
#include "misuse.h"
#include <stdint.h>
#include <string.h>

static double room[64];
static float narrow[64];

#define CONFIG(type, ...) &(const type){ .struct_size = sizeof(type), __VA_ARGS__ }
#define CALL(name_) static nf_status call_##name_(misuse_scene *s, void *h)

CALL(flow_log_prob) { (void)s; return nf_flow_log_prob(h, 1, narrow, NULL, room); }
CALL(flow_log_prob_f64) { (void)s; return nf_flow_log_prob_f64(h, 1, room + 8, NULL, room); }
CALL(flow_sample) { (void)s; return nf_flow_sample(h, 1, 0, 1, NULL, 1, narrow, room); }
CALL(flow_sample_f64) { (void)s; return nf_flow_sample_f64(h, 1, 0, 1, NULL, 1, room + 8, room); }
CALL(flow_forward) { (void)s; return nf_flow_forward(h, 1, narrow, NULL, narrow + 8, room); }
CALL(flow_forward_f64) { (void)s; return nf_flow_forward_f64(h, 1, room + 8, NULL, room + 16, room); }
CALL(flow_inverse) { (void)s; return nf_flow_inverse(h, 1, narrow, NULL, narrow + 8, room); }
CALL(flow_inverse_f64) { (void)s; return nf_flow_inverse_f64(h, 1, room + 8, NULL, room + 16, room); }
CALL(flow_score) { (void)s; return nf_flow_score(h, 1, narrow, NULL, room, narrow + 8); }
CALL(flow_score_f64) { (void)s; return nf_flow_score_f64(h, 1, room + 8, NULL, room, room + 16); }
CALL(flow_nll_grad) { (void)s; return nf_flow_nll_grad(h, 1, narrow, NULL, room); }
CALL(flow_nll_grad_f64) { (void)s; return nf_flow_nll_grad_f64(h, 1, room + 8, NULL, room); }
CALL(flow_nll_grad_weighted) { (void)s; return nf_flow_nll_grad_weighted(h, 1, narrow, NULL, NULL, room); }
CALL(flow_nll_grad_weighted_f64) { (void)s; return nf_flow_nll_grad_weighted_f64(h, 1, room + 8, NULL, NULL, room); }
CALL(flow_interpolate) { (void)s; return nf_flow_interpolate(h, 1, 2, narrow, narrow, NULL, narrow + 8); }
CALL(flow_interpolate_f64) { (void)s; return nf_flow_interpolate_f64(h, 1, 2, room, room, NULL, room + 8); }
CALL(flow_direction) { (void)s; return nf_flow_direction(h, 1, narrow, NULL, 1, narrow, NULL, narrow + 8); }
CALL(flow_direction_f64) { (void)s; return nf_flow_direction_f64(h, 1, room, NULL, 1, room, NULL, room + 8); }
CALL(flow_move) { (void)s; return nf_flow_move(h, 1, narrow, NULL, narrow, 1, narrow + 8); }
CALL(flow_move_f64) { (void)s; return nf_flow_move_f64(h, 1, room, NULL, room, 1, room + 8); }
CALL(flow_sample_temperatures) { (void)s; return nf_flow_sample_temperatures(h, 1, 0, 1, NULL, 1, room, narrow); }
CALL(flow_sample_temperatures_f64) { (void)s; return nf_flow_sample_temperatures_f64(h, 1, 0, 1, NULL, 1, room, room + 8); }
CALL(flow_image_shape) { (void)s; int64_t shape[3]; return nf_flow_image_shape(h, shape, shape + 1, shape + 2); }
CALL(flow_params) { (void)s; return nf_flow_params(h, NULL, NULL, NULL); }
CALL(flow_params_f64) { (void)s; return nf_flow_params_f64(h, NULL, NULL, NULL); }
CALL(flow_update) { (void)s; return nf_flow_update(h); }
CALL(flow_zero_grad) { (void)s; return nf_flow_zero_grad(h); }
CALL(flow_get_params) { (void)s; return nf_flow_get_params(h, 1, room); }
CALL(flow_set_params) { (void)s; return nf_flow_set_params(h, 1, room); }
CALL(flow_param) { (void)s; return nf_flow_param(h, 0, &(nf_param_view){ .struct_size = sizeof(nf_param_view) }); }
CALL(flow_init_data) { (void)s; return nf_flow_init_data(h, 2, narrow, NULL); }
CALL(flow_init_data_f64) { (void)s; return nf_flow_init_data_f64(h, 2, room, NULL); }
CALL(flow_reserve) { (void)s; return nf_flow_reserve(h, 1, 1); }
CALL(flow_convert) { (void)s; nf_flow *out = NULL; return nf_flow_convert(&out, h, NF_F64); }
CALL(flow_info) { (void)s; return nf_flow_info(h, &(nf_flow_info_report){ .struct_size = sizeof(nf_flow_info_report) }); }
CALL(flow_check) { (void)s; return nf_flow_check(h, 1, narrow, NULL, &(nf_check_report){ .struct_size = sizeof(nf_check_report) }); }
CALL(flow_check_f64) { (void)s; return nf_flow_check_f64(h, 1, room, NULL, &(nf_check_report){ .struct_size = sizeof(nf_check_report) }); }
CALL(flow_save) { (void)s; return nf_flow_save(h, "/nowhere/at/all"); }
CALL(flow_save_memory) { (void)s; int64_t size; return nf_flow_save_memory(h, NULL, 0, &size); }
CALL(flow_to_json) { (void)s; int64_t size; return nf_flow_to_json(h, NULL, 0, &size); }
CALL(flow_mean_nll) { return nf_flow_mean_nll(h, s->live[KIND_DATASET], room); }
CALL(flow_fit) { return nf_flow_fit(h, s->live[KIND_OPTIMIZER], s->live[KIND_DATASET], NULL, NULL, NULL); }
CALL(fit_optimizer) { return nf_flow_fit(s->live[KIND_FLOW], h, s->live[KIND_DATASET], NULL, NULL, NULL); }
CALL(fit_train) { return nf_flow_fit(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], h, NULL, NULL, NULL); }
static nf_status no_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)x, (void)cond;
    for (int64_t i = 0; i < n; i++) log_p[i] = 0;
    for (int64_t i = 0; grad && i < n * dim; i++) grad[i] = 0;
    return NF_OK;
}
#define TARGET CONFIG(nf_target_config, .steps = 1, .batch = 4)
CALL(flow_fit_target) { return nf_flow_fit_target(h, s->live[KIND_OPTIMIZER], no_density, NULL, NULL, TARGET, NULL); }
CALL(fit_target_optimizer) { return nf_flow_fit_target(s->live[KIND_FLOW], h, no_density, NULL, NULL, TARGET, NULL); }
CALL(fit_target_data)
{
    return nf_flow_fit_target(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], no_density, NULL, h,
                              CONFIG(nf_target_config, .steps = 1, .batch = 4, .data_weight = 0.5), NULL);
}
CALL(flow_importance)
{
    (void)s;
    return nf_flow_importance(h, no_density, NULL, 0, 0, 1, NULL, NULL, NULL, &(nf_importance_report){ .struct_size = sizeof(nf_importance_report) });
}
CALL(mean_nll_data) { return nf_flow_mean_nll(s->live[KIND_FLOW], h, room); }
CALL(step_optimizer) { return nf_optimizer_step(h, s->live[KIND_FLOW]); }
CALL(step_flow) { return nf_optimizer_step(s->live[KIND_OPTIMIZER], h); }
CALL(clipped_optimizer) { return nf_optimizer_step_clipped(h, s->live[KIND_FLOW], 1, NULL); }
CALL(clipped_flow) { return nf_optimizer_step_clipped(s->live[KIND_OPTIMIZER], h, 1, NULL); }
CALL(optimizer_set_lr) { (void)s; return nf_optimizer_set_lr(h, 1); }
CALL(optimizer_reset) { (void)s; return nf_optimizer_reset(h); }
CALL(dataset_set_cond) { (void)s; return nf_dataset_set_cond(h, 1, narrow); }
CALL(dataset_set_cond_f64) { (void)s; return nf_dataset_set_cond_f64(h, 1, room); }
CALL(dataset_set_weights) { (void)s; return nf_dataset_set_weights(h, room); }
CALL(dataset_split) { (void)s; nf_dataset *a = NULL, *b = NULL; return nf_dataset_split(h, 0.5, 1, &a, &b); }
CALL(dataset_copy) { (void)s; return nf_dataset_copy(h, 0, 1, narrow, NULL); }
CALL(dataset_copy_f64) { (void)s; return nf_dataset_copy_f64(h, 0, 1, room, NULL); }
CALL(dataset_image_shape) { (void)s; int64_t a, b, c; return nf_dataset_image_shape(h, &a, &b, &c); }
CALL(dataset_set_image_shape) { (void)s; return nf_dataset_set_image_shape(h, 1, 2, 1); }
CALL(dataset_check) { (void)s; return nf_dataset_check(h, 0, &(nf_column_report){ .struct_size = sizeof(nf_column_report) }); }
CALL(standardise_from) { (void)s; nf_layer *out = NULL; return nf_standardise_from_dataset(&out, NULL, h, 0); }
CALL(create_base) { nf_flow *out = NULL; return nf_flow_create(&out, s->context, NULL, h, NULL, 0); }
CALL(create_layer) { nf_flow *out = NULL; return nf_flow_create(&out, s->context, NULL, s->live[KIND_BASE], (nf_layer *const[]){ h }, 1); }

/* Calls that take a context, where NULL is fine. */
CALL(context_layer) { (void)s; nf_layer *out = NULL; return nf_actnorm_create(&out, h, CONFIG(nf_actnorm_config, .dim = 2)); }
CALL(context_base) { (void)s; nf_base *out = NULL; return nf_base_normal_create(&out, h, 2); }
CALL(context_optimizer) { (void)s; nf_optimizer *out = NULL; return nf_optimizer_adam_create(&out, h, NULL); }
CALL(context_array) { (void)s; nf_dataset *out = NULL; return nf_dataset_from_array(&out, h, 1, 2, narrow); }
CALL(context_csv) { (void)s; nf_dataset *out = NULL; return nf_dataset_load_memory(&out, h, "1,2\n", 4, NULL); }
CALL(context_path) { (void)s; nf_dataset *out = NULL; return nf_dataset_load(&out, h, "/nowhere", NULL); }
CALL(context_moons) { (void)s; nf_dataset *out = NULL; return nf_dataset_synthetic(&out, h, "moons", 3, 0.1, 1); }
CALL(context_standardise) { nf_layer *out = NULL; return nf_standardise_from_dataset(&out, h, s->live[KIND_DATASET], 0); }
CALL(context_flow) { nf_flow *out = NULL; return nf_flow_create(&out, h, NULL, s->live[KIND_BASE], NULL, 0); }
CALL(context_realnvp) { (void)s; nf_flow *out = NULL; return nf_flow_create_realnvp(&out, h, CONFIG(nf_realnvp_config, .dim = 2)); }
CALL(context_json) { (void)s; nf_flow *out = NULL; return nf_flow_from_json(&out, h, "{}"); }
CALL(context_load) { (void)s; nf_flow *out = NULL; return nf_flow_load(&out, h, "/nowhere"); }
CALL(context_load_memory) { (void)s; nf_flow *out = NULL; return nf_flow_load_memory(&out, h, "x", 1); }
CALL(context_verify) { (void)s; return nf_flow_verify(h, "/nowhere", NULL, NULL); }

static const struct { const char *function; int kind; nf_status (*call)(misuse_scene *s, void *h); } calls[] = {
#define ROW(name_, kind_) { "nf_" #name_, kind_, call_##name_ }
    ROW(flow_log_prob, KIND_FLOW), ROW(flow_log_prob_f64, KIND_FLOW), ROW(flow_sample, KIND_FLOW), ROW(flow_sample_f64, KIND_FLOW),
    ROW(flow_forward, KIND_FLOW), ROW(flow_forward_f64, KIND_FLOW), ROW(flow_inverse, KIND_FLOW), ROW(flow_inverse_f64, KIND_FLOW),
    ROW(flow_score, KIND_FLOW), ROW(flow_score_f64, KIND_FLOW), ROW(flow_nll_grad, KIND_FLOW), ROW(flow_nll_grad_f64, KIND_FLOW),
    ROW(flow_nll_grad_weighted, KIND_FLOW), ROW(flow_nll_grad_weighted_f64, KIND_FLOW), ROW(flow_params, KIND_FLOW),
    ROW(flow_params_f64, KIND_FLOW), ROW(flow_update, KIND_FLOW), ROW(flow_zero_grad, KIND_FLOW), ROW(flow_get_params, KIND_FLOW),
    ROW(flow_set_params, KIND_FLOW), ROW(flow_param, KIND_FLOW), ROW(flow_init_data, KIND_FLOW), ROW(flow_init_data_f64, KIND_FLOW),
    ROW(flow_reserve, KIND_FLOW), ROW(flow_convert, KIND_FLOW), ROW(flow_info, KIND_FLOW), ROW(flow_check, KIND_FLOW),
    ROW(flow_check_f64, KIND_FLOW), ROW(flow_save, KIND_FLOW), ROW(flow_save_memory, KIND_FLOW), ROW(flow_to_json, KIND_FLOW),
    ROW(flow_interpolate, KIND_FLOW), ROW(flow_interpolate_f64, KIND_FLOW), ROW(flow_direction, KIND_FLOW), ROW(flow_direction_f64, KIND_FLOW),
    ROW(flow_move, KIND_FLOW), ROW(flow_move_f64, KIND_FLOW), ROW(flow_sample_temperatures, KIND_FLOW),
    ROW(flow_sample_temperatures_f64, KIND_FLOW), ROW(flow_image_shape, KIND_FLOW),
    ROW(flow_mean_nll, KIND_FLOW), ROW(flow_fit, KIND_FLOW), ROW(flow_fit_target, KIND_FLOW), ROW(flow_importance, KIND_FLOW), ROW(optimizer_set_lr, KIND_OPTIMIZER), ROW(optimizer_reset, KIND_OPTIMIZER),
    ROW(dataset_set_cond, KIND_DATASET), ROW(dataset_set_cond_f64, KIND_DATASET), ROW(dataset_set_weights, KIND_DATASET),
    ROW(dataset_split, KIND_DATASET), ROW(dataset_copy, KIND_DATASET), ROW(dataset_copy_f64, KIND_DATASET), ROW(dataset_check, KIND_DATASET),
    ROW(dataset_image_shape, KIND_DATASET), ROW(dataset_set_image_shape, KIND_DATASET),
    { "nf_flow_fit", KIND_OPTIMIZER, call_fit_optimizer }, { "nf_flow_fit", KIND_DATASET, call_fit_train },
    { "nf_flow_fit_target", KIND_OPTIMIZER, call_fit_target_optimizer }, { "nf_flow_fit_target", KIND_DATASET, call_fit_target_data },
    { "nf_flow_mean_nll", KIND_DATASET, call_mean_nll_data }, { "nf_optimizer_step", KIND_OPTIMIZER, call_step_optimizer },
    { "nf_optimizer_step", KIND_FLOW, call_step_flow }, { "nf_optimizer_step_clipped", KIND_OPTIMIZER, call_clipped_optimizer },
    { "nf_optimizer_step_clipped", KIND_FLOW, call_clipped_flow }, { "nf_standardise_from_dataset", KIND_DATASET, call_standardise_from },
    { "nf_flow_create", KIND_BASE, call_create_base }, { "nf_flow_create", KIND_LAYER, call_create_layer },
    { "nf_actnorm_create", KIND_CONTEXT, call_context_layer }, { "nf_base_normal_create", KIND_CONTEXT, call_context_base },
    { "nf_optimizer_adam_create", KIND_CONTEXT, call_context_optimizer }, { "nf_dataset_from_array", KIND_CONTEXT, call_context_array },
    { "nf_dataset_load_memory", KIND_CONTEXT, call_context_csv }, { "nf_dataset_load", KIND_CONTEXT, call_context_path },
    { "nf_dataset_synthetic", KIND_CONTEXT, call_context_moons }, { "nf_standardise_from_dataset", KIND_CONTEXT, call_context_standardise },
    { "nf_flow_create", KIND_CONTEXT, call_context_flow }, { "nf_flow_create_realnvp", KIND_CONTEXT, call_context_realnvp },
    { "nf_flow_from_json", KIND_CONTEXT, call_context_json }, { "nf_flow_load", KIND_CONTEXT, call_context_load },
    { "nf_flow_load_memory", KIND_CONTEXT, call_context_load_memory }, { "nf_flow_verify", KIND_CONTEXT, call_context_verify },
};

bool misuse_handles(fault_log *log)
{
    static uint64_t nothing[32];
    misuse_scene s;
    bool ok = true;

    misuse_open(&s);
    for (int i = 0; i < SUPPORT_COUNT(calls) && ok; i++) {
        const int own = calls[i].kind;
        fault_mark();
        if (own != KIND_CONTEXT) ok = misuse_expect(log, calls[i].function, NULL, calls[i].call(&s, NULL), NF_ERR_NULL);
        for (int kind = 0; kind < KINDS && ok; kind++) {
            fault_mark();
            if (kind != own) ok = misuse_expect(log, calls[i].function, NULL, calls[i].call(&s, s.live[kind]), NF_ERR_HANDLE);
            fault_mark();
            ok = ok && misuse_expect(log, calls[i].function, NULL, calls[i].call(&s, s.released[kind]), NF_ERR_HANDLE);
        }
        fault_mark();
        ok = ok && misuse_expect(log, calls[i].function, NULL, calls[i].call(&s, nothing), NF_ERR_HANDLE);
    }
    misuse_close(&s);
    return ok;
}

/* Queries answer 0 or NULL, and unref does nothing, for whatever is not theirs. */
static bool query_one(fault_log *log, void *h, int kind)
{
    const bool flow = kind != KIND_FLOW && (nf_flow_dim(h) || nf_flow_cond_dim(h) || nf_flow_dtype(h) || nf_flow_layers(h) || nf_flow_param_count(h) ||
                                            nf_flow_layer(h, 0) || nf_flow_base(h));
    const bool data = kind != KIND_DATASET && (nf_dataset_rows(h) || nf_dataset_dim(h) || nf_dataset_cond_dim(h) || nf_dataset_column_name(h, 0));
    const bool layer = kind != KIND_LAYER && (nf_layer_dim(h) || nf_layer_cond_dim(h));
    const bool base = kind != KIND_BASE && (nf_base_dim(h) || nf_base_cond_dim(h));

    log->points += 14;
    if (kind != KIND_FLOW) nf_flow_unref(h);
    if (kind != KIND_DATASET) nf_dataset_unref(h);
    if (kind != KIND_LAYER) nf_layer_unref(h);
    if (kind != KIND_BASE) nf_base_unref(h);
    if (kind != KIND_OPTIMIZER) nf_optimizer_unref(h);
    if (kind != KIND_CONTEXT) nf_context_unref(h);
    return !(flow || data || layer || base) || fault_fails(log, "a query of another kind answers for kind %d", kind);
}

bool misuse_queries(fault_log *log)
{
    static uint64_t nothing[32];
    misuse_scene s;
    bool ok;

    misuse_open(&s);
    ok = query_one(log, NULL, -1) && query_one(log, nothing, -1);
    for (int kind = 0; kind < KINDS && ok; kind++) ok = query_one(log, s.live[kind], kind) && query_one(log, s.released[kind], -1);
    if (ok && nf_flow_dim(s.live[KIND_FLOW]) != 2) ok = fault_fails(log, "an unref of another kind released a flow");
    misuse_close(&s);
    return ok;
}
