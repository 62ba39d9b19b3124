/* SPDX-License-Identifier: MIT
 *
 * fpenv_test.c - the floating-point state: untouched by dlopen and by every call, and without influence on any result
 *
 * The library is loaded as a host would load it that knows nothing of it: dlopen, with the state compared around it. Then one scene of
 * calls runs under states that hosts really have - flush to zero, another rounding direction, every trap unmasked, flags raised - and
 * must give the bits of the default state. FPENV_LIBRARY names the library, FPENV_CONTROL (may be absent) one that spoils the state.
 */
#include <check.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nflow/layer_type.h>
#include <nflow/nflow.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define STATE_DEFAULT 0x1f80u
static uint32_t state_get(void) { return _mm_getcsr(); }
static void state_set(uint32_t state) { _mm_setcsr(state); }
static const struct state {
    const char *name;
    uint32_t bits;
} states[] = {
    { "flush to zero, denormals are zero", 0x1f80u | 0x8040u },
    { "rounding up", 0x1f80u | 0x4000u },
    { "rounding down", 0x1f80u | 0x2000u },
    { "rounding to zero", 0x1f80u | 0x6000u },
    { "every trap unmasked", 0 },
    { "every flag raised", 0x1fbfu },
};
#elif defined(__aarch64__)
#define STATE_DEFAULT 0u
static uint32_t state_get(void)
{
    uint64_t bits;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    return (uint32_t)bits;
}
static void state_set(uint32_t state) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)state)); }
static const struct state {
    const char *name;
    uint32_t bits;
} states[] = {
    { "flush to zero", 1u << 24 },
    { "rounding up", 1u << 22 },
    { "rounding down", 2u << 22 },
    { "rounding to zero", 3u << 22 },
};
#else
#define STATE_UNKNOWN 1
#endif

#ifndef STATE_UNKNOWN
#define N_STATES ((int)(sizeof states / sizeof states[0]))

/* What the scene calls. */
#define API(X)                                                                                                                          \
    X(nf_adam_config_init) X(nf_config_field) X(nf_context_config_init) X(nf_context_create) X(nf_context_unref)                        \
    X(nf_dataset_check) X(nf_dataset_copy) X(nf_dataset_copy_f64) X(nf_dataset_from_array_f64) X(nf_dataset_load_memory)                \
    X(nf_dataset_set_weights) X(nf_dataset_split) X(nf_dataset_synthetic) X(nf_dataset_synthetic_entropy) X(nf_dataset_unref)           \
    X(nf_fit_config_init) X(nf_flow_check) X(nf_flow_check_f64) X(nf_flow_convert) X(nf_flow_create_realnvp) X(nf_flow_fit)             \
    X(nf_flow_forward) X(nf_flow_forward_f64) X(nf_flow_from_json) X(nf_flow_get_params) X(nf_flow_info) X(nf_flow_init_data)           \
    X(nf_flow_init_data_f64) X(nf_flow_inverse) X(nf_flow_inverse_f64) X(nf_flow_load) X(nf_flow_load_memory) X(nf_flow_log_prob)       \
    X(nf_flow_log_prob_f64) X(nf_flow_mean_nll) X(nf_flow_nll_grad) X(nf_flow_nll_grad_f64) X(nf_flow_param_count)                      \
    X(nf_flow_reserve) X(nf_flow_sample) X(nf_flow_sample_f64) X(nf_flow_save) X(nf_flow_save_memory) X(nf_flow_score)                  \
    X(nf_flow_score_f64) X(nf_flow_set_params) X(nf_flow_to_json) X(nf_flow_unref) X(nf_flow_update) X(nf_flow_verify)                  \
    X(nf_flow_zero_grad) X(nf_last_error) X(nf_layer_create) X(nf_layer_unref) X(nf_optimizer_adam_create)                              \
    X(nf_optimizer_lr) X(nf_optimizer_set_lr) X(nf_optimizer_step_clipped) X(nf_optimizer_unref) X(nf_realnvp_config_init)              \
    X(nf_standardise_from_dataset) X(nf_affine_config_init) X(nf_affine_create) X(nf_logit_config_init) X(nf_logit_create)       \
    X(nf_flow_direction) X(nf_flow_direction_f64) X(nf_flow_image_shape) X(nf_flow_interpolate) X(nf_flow_interpolate_f64) X(nf_flow_move) \
    X(nf_flow_move_f64) X(nf_flow_sample_temperatures) X(nf_flow_sample_temperatures_f64)                                                \
    X(nf_base_cond_dim) X(nf_base_diagonal_create) X(nf_base_unref) X(nf_coupling_affine_config_init) X(nf_flow_create) X(nf_permutation_config_init) \
    X(nf_coupling_conv_config_init) X(nf_coupling_conv_create) X(nf_coupling_spline_config_init) X(nf_coupling_spline_create) X(nf_flow_create_glow) X(nf_flow_create_realnvp_image)                    \
    X(nf_flow_step_memory) X(nf_glow_config_init) X(nf_realnvp_image_config_init) X(nf_split_config_init) X(nf_split_create)     \
    X(nf_cnf_config_init) X(nf_cnf_create) X(nf_ffjord_config_init) X(nf_flow_create_ffjord) X(nf_flow_solver_report)                    \
    X(nf_flow_solver_report_f64) X(nf_flow_fit_target) X(nf_flow_importance) X(nf_target_config_init)                                      \
    X(nf_columns_config_init) X(nf_columns_create) X(nf_table_config_init) X(nf_flow_create_nsf)                                            \
    X(nf_flow_create_maf) X(nf_flow_create_iaf) X(nf_flow_create_nice) X(nf_autoregressive_config_init) X(nf_autoregressive_create)     \
    X(nf_base_normal_full_config_init) X(nf_base_normal_full_create) X(nf_base_mixture_config_init) X(nf_base_mixture_create)                \
    X(nf_base_student_config_init) X(nf_base_student_create) X(nf_base_laplace_create) X(nf_base_logistic_create)                            \
    X(nf_base_box_config_init) X(nf_base_box_create) X(nf_base_normal_conditional_config_init) X(nf_base_normal_conditional_create)
#define MEMBER(name) __typeof__(&name) name;
static struct api {
    API(MEMBER)
} api;

static void *load(const char *variable)
{
    const char *path = getenv(variable);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

    if (path && !library) printf("%s\n", dlerror());
    return library;
}

static void load_api(void)
{
    void *library = load("FPENV_LIBRARY");

    ck_assert_ptr_nonnull(library);
#define RESOLVE(name) ck_assert_ptr_nonnull(*(void **)&api.name = dlsym(library, #name));
    API(RESOLVE)
}

/* The scene: one digest a step, so that a difference names the call. */
#define MAX_STEPS 200
typedef struct scene {
    uint32_t state; /* set before each call, and expected after it */
    int32_t dtype, threads;
    int n;
    const char *name[MAX_STEPS];
    uint64_t digest[MAX_STEPS];
    int disturbed; /* calls that came back with another state */
    nf_context *context;
    nf_flow *flow;
    nf_optimizer *optimizer;
    nf_dataset *data;
    double x[512], z[512], value[256];
} scene;
#define ROWS 200 /* several tiles and blocks */

static const char *volatile running;

static void on_trap(int number)
{
    static const char text[] = "a trap was taken in ";

    (void)number;
    if (write(1, text, sizeof text - 1) < 0 || write(1, running, strlen(running)) < 0 || write(1, "\n", 1) < 0) _exit(3);
    _exit(2);
}

static void scene_note(scene *s, const char *name, const void *bytes, int64_t size)
{
    uint64_t hash = 14695981039346656037u;

    for (int64_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    ck_assert_int_lt(s->n, MAX_STEPS);
    s->name[s->n] = name;
    s->digest[s->n++] = hash;
}

static void scene_disturbed(scene *s, const char *call)
{
    printf("%s came back with another floating-point state\n", call);
    s->disturbed++;
}

/* Runs a call under the scene's state. */
#define UNDER(s, call)                                                                                                                   \
    do {                                                                                                                                 \
        running = #call;                                                                                                                 \
        state_set((s)->state);                                                                                                           \
        call;                                                                                                                            \
        const uint32_t after_ = state_get();                                                                                             \
        state_set(STATE_DEFAULT);                                                                                                        \
        if (after_ != (s)->state) scene_disturbed(s, #call);                                                                             \
    } while (0)
/* One that must succeed. */
#define CALL(s, call)                                                                                                                    \
    do {                                                                                                                                 \
        nf_status status_ = NF_OK;                                                                                                       \
        UNDER(s, status_ = call);                                                                                                        \
        ck_assert_msg(status_ == NF_OK, "%s: %d %s", #call, status_, api.nf_last_error());                                               \
    } while (0)
/* One that must fail; its line counts as a result. */
#define FAIL(s, call)                                                                                                                    \
    do {                                                                                                                                 \
        nf_status status_ = NF_OK;                                                                                                       \
        UNDER(s, status_ = call);                                                                                                        \
        ck_assert_msg(status_ < 0, "%s succeeded", #call);                                                                               \
        scene_note(s, #call, api.nf_last_error(), (int64_t)strlen(api.nf_last_error()));                                                 \
    } while (0)
/* A call of either precision. */
#define ANY(s, name, ...)                                                                                                                \
    do {                                                                                                                                 \
        if ((s)->dtype == NF_F32)                                                                                                        \
            CALL(s, api.name(__VA_ARGS__));                                                                                              \
        else                                                                                                                             \
            CALL(s, api.name##_f64(__VA_ARGS__));                                                                                        \
    } while (0)

static void scene_data(scene *s)
{
    static const char csv[] = "a,b\n0.1,-2.385e-3\n1e-310,7613.5\n0.30000000000000004,1e22\n";
    double weights[ROWS], entropy;
    nf_dataset *part[2], *read, *array;
    nf_column_report report = { .struct_size = sizeof report };
    nf_layer *layer;

    CALL(s, api.nf_dataset_synthetic(&s->data, s->context, "moons", ROWS, 0.07, 5));
    CALL(s, api.nf_dataset_copy_f64(s->data, 0, ROWS, s->x, NULL));
    scene_note(s, "nf_dataset_synthetic", s->x, sizeof(double) * 2 * ROWS);
    for (int i = 0; i < ROWS; i++) weights[i] = 0.1 + 0.37 * (i % 5);
    CALL(s, api.nf_dataset_set_weights(s->data, weights));
    CALL(s, api.nf_dataset_check(s->data, 1, &report));
    scene_note(s, "nf_dataset_check", &report, sizeof report);
    CALL(s, api.nf_dataset_split(s->data, 0.3, 9, &part[0], &part[1]));
    CALL(s, api.nf_dataset_copy_f64(part[0], 0, 60, s->z, NULL));
    scene_note(s, "nf_dataset_split", s->z, sizeof(double) * 120);
    for (int i = 0; i < 2; i++) UNDER(s, api.nf_dataset_unref(part[i]));
    CALL(s, api.nf_dataset_load_memory(&read, s->context, csv, sizeof csv - 1, NULL));
    CALL(s, api.nf_dataset_copy_f64(read, 0, 3, s->z, NULL));
    scene_note(s, "nf_dataset_load_memory", s->z, sizeof(double) * 6);
    CALL(s, api.nf_dataset_from_array_f64(&array, s->context, ROWS, 2, s->x));
    float narrow[2 * ROWS];
    CALL(s, api.nf_dataset_copy(array, 0, ROWS, narrow, NULL));
    scene_note(s, "nf_dataset_copy", narrow, sizeof narrow);
    CALL(s, api.nf_standardise_from_dataset(&layer, s->context, s->data, 1));
    UNDER(s, entropy = api.nf_dataset_synthetic_entropy("checkerboard", -1));
    scene_note(s, "nf_dataset_synthetic_entropy", &entropy, sizeof entropy);
    FAIL(s, api.nf_dataset_split(s->data, 1.0 / 3 + 1, 9, &part[0], &part[1]));
    UNDER(s, api.nf_layer_unref(layer));
    UNDER(s, api.nf_dataset_unref(read));
    UNDER(s, api.nf_dataset_unref(array));
}

static void scene_json(scene *s)
{
    char text[16384];
    int64_t size;
    nf_flow *again;

    CALL(s, api.nf_flow_to_json(s->flow, text, sizeof text, &size));
    scene_note(s, "nf_flow_to_json", text, size);
    CALL(s, api.nf_flow_from_json(&again, s->context, text));
    CALL(s, api.nf_flow_to_json(again, text, sizeof text, &size));
    scene_note(s, "nf_flow_from_json", text, size);
    UNDER(s, api.nf_flow_unref(again));
}

/* A flow put together by hand, out of parts with defaults that are computed: a random permutation, the bound ln 1000; and what is packed in
 * double. */
static void scene_compose(scene *s)
{
    nf_coupling_affine_config coupling;
    nf_coupling_spline_config spline;
    nf_autoregressive_config autoregressive;
    nf_permutation_config permutation;
    const nf_radial_config radial = { .struct_size = sizeof radial, .dim = 7 };
    const nf_sylvester_config sylvester = { .struct_size = sizeof sylvester, .dim = 7, .rank = 3 };
    nf_layer *layers[6];
    nf_base *base;
    nf_flow *flow;
    char text[8192];
    int64_t size;

    UNDER(s, api.nf_coupling_affine_config_init(&coupling));
    coupling.dim = 7;
    coupling.scale = NF_SCALE_SOFTCLIP;
    UNDER(s, api.nf_permutation_config_init(&permutation));
    permutation.dim = 7;
    permutation.seed = 41;
    CALL(s, api.nf_layer_create(&layers[0], s->context, "permutation", &permutation));
    CALL(s, api.nf_layer_create(&layers[1], s->context, "coupling_affine", &coupling));
    UNDER(s, api.nf_coupling_spline_config_init(&spline));
    spline.dim = 7;
    spline.min_slope = 1.0 / 3;
    CALL(s, api.nf_coupling_spline_create(&layers[2], s->context, &spline));
    UNDER(s, api.nf_autoregressive_config_init(&autoregressive));
    autoregressive.dim = 7;
    autoregressive.transform = NF_TRANSFORM_SPLINE;
    CALL(s, api.nf_autoregressive_create(&layers[3], s->context, &autoregressive));
    CALL(s, api.nf_layer_create(&layers[4], s->context, "radial", &radial));
    CALL(s, api.nf_layer_create(&layers[5], s->context, "sylvester", &sylvester));
    CALL(s, api.nf_base_diagonal_create(&base, s->context, 7));
    CALL(s, api.nf_flow_create(&flow, s->context, NULL, base, layers, 6));
    CALL(s, api.nf_flow_to_json(flow, text, sizeof text, &size));
    scene_note(s, "nf_flow_create", text, size);
    UNDER(s, api.nf_flow_unref(flow));
    UNDER(s, api.nf_base_unref(base));
    for (int i = 0; i < 6; i++) UNDER(s, api.nf_layer_unref(layers[i]));
}

static void scene_create(scene *s)
{
    static const double mean[2] = { 0.1, -0.7613 }, sd[2] = { 1.0 / 3, 2.385 };
    static const int64_t hidden[2] = { 24, 17 };
    nf_realnvp_config config;
    nf_adam_config adam;
    nf_affine_config affine;
    nf_logit_config logit;
    nf_layer *layer = NULL;
    nf_field field;

    UNDER(s, api.nf_realnvp_config_init(&config));
    config.dim = 2;
    config.layers = 4;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.dtype = s->dtype;
    config.bound = 1.7;
    config.mean = mean;
    config.sd = sd;
    config.n_mean = config.n_sd = 2;
    config.seed = 0xfedcba9876543211u;
    CALL(s, api.nf_flow_create_realnvp(&s->flow, s->context, &config));
    UNDER(s, api.nf_adam_config_init(&adam));
    adam.lr = 0.0123;
    adam.weight_decay = 1e-3;
    CALL(s, api.nf_optimizer_adam_create(&s->optimizer, s->context, &adam));
    UNDER(s, api.nf_affine_config_init(&affine));
    affine.dim = 3;
    affine.bound = 2.1;
    CALL(s, api.nf_affine_create(&layer, s->context, &affine));
    UNDER(s, api.nf_layer_unref(layer));
    CALL(s, api.nf_layer_create(&layer, s->context, "affine", &affine));
    UNDER(s, api.nf_layer_unref(layer));
    UNDER(s, api.nf_logit_config_init(&logit));
    logit.dim = 3;
    logit.alpha = 0.3;
    FAIL(s, api.nf_logit_create(&layer, s->context, &logit));
    CALL(s, api.nf_config_field("adam", 2, &field));
    scene_note(s, "nf_config_field", &field.fallback, 3 * sizeof(double));
    FAIL(s, api.nf_optimizer_set_lr(s->optimizer, -0.1));
    CALL(s, api.nf_optimizer_set_lr(s->optimizer, 0.0234));
}

/* The rows of x in the flow's precision, exact in both. */
static void *scene_rows(scene *s)
{
    void *rows = calloc(2 * ROWS, sizeof(double));

    for (int i = 0; i < 2 * ROWS; i++)
        if (s->dtype == NF_F32)
            ((float *)rows)[i] = (float)s->x[i];
        else
            ((double *)rows)[i] = s->x[i];
    return rows;
}

static void scene_use(scene *s)
{
    const int64_t bytes = 2 * ROWS * (s->dtype == NF_F32 ? 4 : 8);
    void *x = scene_rows(s);
    nf_flow_info_report info = { .struct_size = sizeof info };
    nf_check_report report = { .struct_size = sizeof report };

    ANY(s, nf_flow_init_data, s->flow, ROWS, x, NULL);
    CALL(s, api.nf_flow_reserve(s->flow, ROWS, 1));
    ANY(s, nf_flow_log_prob, s->flow, ROWS, x, NULL, s->value);
    scene_note(s, "nf_flow_log_prob", s->value, 8 * ROWS);
    ANY(s, nf_flow_sample, s->flow, 7, 3, ROWS, NULL, 0.9, (void *)s->z, s->value);
    scene_note(s, "nf_flow_sample", s->z, bytes);
    scene_note(s, "nf_flow_sample: log_prob", s->value, 8 * ROWS);
    ANY(s, nf_flow_forward, s->flow, ROWS, x, NULL, (void *)s->z, s->value);
    scene_note(s, "nf_flow_forward", s->z, bytes);
    ANY(s, nf_flow_inverse, s->flow, ROWS, x, NULL, (void *)s->z, s->value);
    scene_note(s, "nf_flow_inverse", s->z, bytes);
    ANY(s, nf_flow_score, s->flow, ROWS, x, NULL, s->value, (void *)s->z);
    scene_note(s, "nf_flow_score", s->z, bytes);
    ANY(s, nf_flow_check, s->flow, 20, x, NULL, &report);
    scene_note(s, "nf_flow_check", &report, sizeof report);
    CALL(s, api.nf_flow_info(s->flow, &info));
    scene_note(s, "nf_flow_info", &info, sizeof info);
    free(x);
}

static void scene_latent(scene *s)
{
    static const double temperatures[1] = { 0.7 };
    const int64_t size = s->dtype == NF_F32 ? 4 : 8, bytes = 2 * ROWS * size;
    double along[2] = { 0 };
    int64_t shape[3];
    void *x = scene_rows(s);

    ANY(s, nf_flow_interpolate, s->flow, NF_PATH_SPHERICAL, ROWS, x, (void *)((char *)x + 2 * size), NULL, (void *)s->z);
    scene_note(s, "nf_flow_interpolate", s->z, bytes);
    ANY(s, nf_flow_direction, s->flow, ROWS, x, NULL, ROWS / 3, x, NULL, (void *)along);
    scene_note(s, "nf_flow_direction", along, 2 * size);
    ANY(s, nf_flow_move, s->flow, ROWS, x, NULL, (void *)along, 0.77, (void *)s->z);
    scene_note(s, "nf_flow_move", s->z, bytes);
    ANY(s, nf_flow_sample_temperatures, s->flow, 3, 0, ROWS, NULL, 1, temperatures, (void *)s->z);
    scene_note(s, "nf_flow_sample_temperatures", s->z, bytes);
    CALL(s, api.nf_flow_image_shape(s->flow, &shape[0], &shape[1], &shape[2]));
    scene_note(s, "nf_flow_image_shape", shape, sizeof shape);
    free(x);
}

static void scene_params(scene *s, const char *name)
{
    const int64_t count = api.nf_flow_param_count(s->flow);
    double *theta = calloc((size_t)count, sizeof *theta);

    CALL(s, api.nf_flow_get_params(s->flow, count, theta));
    scene_note(s, name, theta, 8 * count);
    free(theta);
}

/* Under the caller's state, so without arithmetic that it could change: grad is that of a normal, log_p a constant. */
static nf_status flat_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    const scene *s = user;

    (void)cond;
    if (state_get() != s->state) return NF_ERR_CALLBACK;
    for (int64_t i = 0; i < n; i++) log_p[i] = 0;
    for (int64_t i = 0; grad && i < n * dim; i++) grad[i] = -x[i];
    return NF_OK;
}

static void scene_target(scene *s)
{
    nf_target_config config;
    nf_importance_report report = { .struct_size = sizeof report };

    UNDER(s, api.nf_target_config_init(&config));
    config.steps = 3;
    config.batch = 64;
    config.beta_start = 0.3;
    config.beta_steps = 2;
    CALL(s, api.nf_flow_fit_target(s->flow, s->optimizer, flat_density, s, s->data, &config, NULL));
    scene_params(s, "nf_flow_fit_target: theta");
    CALL(s, api.nf_flow_importance(s->flow, flat_density, s, 1, 0, 64, NULL, NULL, NULL, &report));
    scene_note(s, "nf_flow_importance: log_z", &report.log_z, sizeof report.log_z);
}

static void scene_train(scene *s)
{
    void *x = scene_rows(s);
    double nll, norm;
    nf_fit_config config;
    nf_fit_report report = { .struct_size = sizeof report };

    CALL(s, api.nf_flow_zero_grad(s->flow));
    ANY(s, nf_flow_nll_grad, s->flow, ROWS, x, NULL, &nll);
    scene_note(s, "nf_flow_nll_grad", &nll, sizeof nll);
    CALL(s, api.nf_optimizer_step_clipped(s->optimizer, s->flow, 0.3, &norm));
    scene_note(s, "nf_optimizer_step_clipped", &norm, sizeof norm);
    CALL(s, api.nf_flow_update(s->flow));
    scene_params(s, "nf_optimizer_step_clipped: theta");
    UNDER(s, api.nf_fit_config_init(&config));
    config.epochs = 2;
    config.batch = 64;
    config.schedule = NF_SCHEDULE_COSINE;
    config.ema_decay = 0.9;
    config.l2 = 1e-4;
    CALL(s, api.nf_flow_fit(s->flow, s->optimizer, s->data, s->data, &config, &report));
    scene_note(s, "nf_flow_fit: train_nll", &report.train_nll, sizeof report.train_nll);
    scene_params(s, "nf_flow_fit: theta");
    CALL(s, api.nf_flow_mean_nll(s->flow, s->data, &nll));
    scene_note(s, "nf_flow_mean_nll", &nll, sizeof nll);
    free(x);
}

static void scene_files(scene *s)
{
    static char bytes[1 << 20];
    char path[] = "/tmp/nflow-fpenv-XXXXXX";
    const int64_t count = api.nf_flow_param_count(s->flow);
    int64_t size, rows;
    double error, *theta = calloc((size_t)count, sizeof *theta);
    nf_flow *loaded, *converted;

    CALL(s, api.nf_flow_save_memory(s->flow, bytes, sizeof bytes, &size));
    scene_note(s, "nf_flow_save_memory", bytes, size);
    CALL(s, api.nf_flow_load_memory(&loaded, s->context, bytes, size));
    UNDER(s, api.nf_flow_unref(loaded));
    ck_assert_int_eq(close(mkstemp(path)), 0);
    CALL(s, api.nf_flow_save(s->flow, path));
    CALL(s, api.nf_flow_load(&loaded, s->context, path));
    CALL(s, api.nf_flow_verify(s->context, path, &error, &rows));
    scene_note(s, "nf_flow_verify", &error, sizeof error);
    unlink(path);
    CALL(s, api.nf_flow_convert(&converted, loaded, s->dtype == NF_F32 ? NF_F64 : NF_F32));
    CALL(s, api.nf_flow_get_params(converted, count, theta));
    scene_note(s, "nf_flow_convert", theta, 8 * count);
    for (int64_t i = 0; i < count; i++) theta[i] = theta[i] != 0 && theta[i] != 1 ? theta[i] * 1.1 : theta[i];
    CALL(s, api.nf_flow_set_params(loaded, count, theta));
    CALL(s, api.nf_flow_get_params(loaded, count, theta));
    scene_note(s, "nf_flow_set_params", theta, 8 * count);
    UNDER(s, api.nf_flow_unref(converted));
    UNDER(s, api.nf_flow_unref(loaded));
    free(theta);
}

/* Images: noise, rotations drawn by a seed, convolutions and their data-dependent start. x of the scene, as whole numbers. */
static void scene_use_images(scene *s, const char *name)
{
    enum { IMAGES = 16, PIXELS = 16 };
    const int64_t bytes = IMAGES * PIXELS * (s->dtype == NF_F32 ? 4 : 8);
    nf_step_memory_report memory = { .struct_size = sizeof memory };
    double x[IMAGES * PIXELS], nll;

    for (int i = 0; i < IMAGES * PIXELS; i++) {
        const double value = (double)((i * i * 31 + i * 7) % 256);
        if (s->dtype == NF_F32)
            ((float *)(void *)x)[i] = (float)value;
        else
            x[i] = value;
    }
    ANY(s, nf_flow_init_data, s->flow, IMAGES, (void *)x, NULL);
    ANY(s, nf_flow_nll_grad, s->flow, IMAGES, (void *)x, NULL, &nll);
    scene_note(s, name, &nll, sizeof nll);
    CALL(s, api.nf_optimizer_step_clipped(s->optimizer, s->flow, 0.3, NULL));
    scene_params(s, name);
    ANY(s, nf_flow_log_prob, s->flow, IMAGES, (void *)x, NULL, s->value);
    scene_note(s, name, s->value, 8 * IMAGES);
    ANY(s, nf_flow_sample, s->flow, 7, 3, IMAGES, NULL, 0.9, (void *)s->z, s->value);
    scene_note(s, name, s->z, bytes);
    scene_note(s, name, s->value, 8 * IMAGES);
    CALL(s, api.nf_flow_step_memory(s->flow, IMAGES, &memory));
    scene_note(s, "nf_flow_step_memory", &memory, sizeof memory);
    scene_json(s);
    UNDER(s, api.nf_flow_unref(s->flow));
}

static void scene_images(scene *s)
{
    nf_flow *kept = s->flow;
    nf_optimizer *optimizer = s->optimizer;
    nf_glow_config glow;
    nf_realnvp_image_config realnvp;
    nf_coupling_conv_config coupling;
    nf_split_config split;
    nf_layer *layer;

    UNDER(s, api.nf_glow_config_init(&glow));
    glow.height = glow.width = 4;
    glow.channels = 1;
    glow.levels = glow.steps = 2;
    glow.hidden = 5;
    glow.dtype = s->dtype;
    glow.seed = 9;
    CALL(s, api.nf_flow_create_glow(&s->flow, s->context, &glow));
    CALL(s, api.nf_optimizer_adam_create(&s->optimizer, s->context, NULL));
    scene_use_images(s, "glow");
    UNDER(s, api.nf_realnvp_image_config_init(&realnvp));
    realnvp.height = realnvp.width = 4;
    realnvp.channels = realnvp.blocks = 1;
    realnvp.levels = 2;
    realnvp.hidden = 5;
    realnvp.dtype = s->dtype;
    UNDER(s, api.nf_optimizer_unref(s->optimizer));
    CALL(s, api.nf_optimizer_adam_create(&s->optimizer, s->context, NULL));
    CALL(s, api.nf_flow_create_realnvp_image(&s->flow, s->context, &realnvp));
    scene_use_images(s, "realnvp_image");
    UNDER(s, api.nf_optimizer_unref(s->optimizer));
    s->flow = kept;
    s->optimizer = optimizer;
    UNDER(s, api.nf_coupling_conv_config_init(&coupling));
    coupling.height = coupling.width = coupling.channels = 2;
    coupling.bound = 1.0 / 3;
    CALL(s, api.nf_coupling_conv_create(&layer, s->context, &coupling));
    UNDER(s, api.nf_layer_unref(layer));
    UNDER(s, api.nf_split_config_init(&split));
    split.height = split.width = split.channels = 2;
    CALL(s, api.nf_split_create(&layer, s->context, &split));
    UNDER(s, api.nf_layer_unref(layer));
    split.keep = 2;
    FAIL(s, api.nf_split_create(&layer, s->context, &split));
}

/* Recipes for tables: the kinds of columns, splines, masked networks in both directions. */
static void scene_tables(scene *s)
{
    enum { POINTS = 20 };
    static const int64_t hidden[] = { 5 }, kind[] = { NF_COLUMN_BOUNDED, NF_COLUMN_REAL };
    static const double low[] = { -1e30, 0 }, high[] = { 1e30, 0 };
    static const int64_t circle[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL };
    static const double none[] = { 0, 0 }, third[] = { 1.0 / 3, 0 };
    const struct { const char *name; __typeof__(api.nf_flow_create_nsf) create; } recipes[] = {
        { "nsf", api.nf_flow_create_nsf }, { "maf", api.nf_flow_create_maf }, { "iaf", api.nf_flow_create_iaf }, { "nice", api.nf_flow_create_nice },
        { "nsf of a circle", api.nf_flow_create_nsf },
    };
    nf_flow *kept = s->flow;
    nf_table_config config;
    nf_columns_config columns;
    nf_base_box_config box;
    nf_layer *layer;
    nf_base *base;
    double nll;

    UNDER(s, api.nf_table_config_init(&config));
    config.dim = 2;
    config.hidden = hidden;
    config.n_hidden = 1;
    config.dtype = s->dtype;
    config.kind = kind;
    config.low = low;
    config.high = high;
    config.n_kind = config.n_low = config.n_high = 2;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        if (i == 4) config.kind = circle, config.low = none, config.high = third;
        CALL(s, recipes[i].create(&s->flow, s->context, &config));
        ANY(s, nf_flow_log_prob, s->flow, POINTS, (void *)s->x, NULL, s->value);
        scene_note(s, recipes[i].name, s->value, 8 * POINTS);
        ANY(s, nf_flow_nll_grad, s->flow, POINTS, (void *)s->x, NULL, &nll);
        scene_note(s, recipes[i].name, &nll, sizeof nll);
        UNDER(s, api.nf_flow_unref(s->flow));
    }
    s->flow = kept;
    UNDER(s, api.nf_columns_config_init(&columns));
    columns.dim = 3;
    CALL(s, api.nf_columns_create(&layer, s->context, &columns));
    UNDER(s, api.nf_layer_unref(layer));
    UNDER(s, api.nf_base_box_config_init(&box));
    box.dim = 3;
    box.normal = (const int64_t[]){ 1 };
    box.n_normal = 1;
    CALL(s, api.nf_base_box_create(&base, s->context, &box));
    UNDER(s, api.nf_base_unref(base));
}

/* Continuous flows: time steps chosen by rows, gradients of their solutions, probes drawn by a seed. */
static void scene_continuous(scene *s)
{
    enum { POINTS = 20 };
    static const int64_t hidden[] = { 5 };
    nf_flow *kept = s->flow;
    nf_solver_report report = { .struct_size = sizeof report };
    nf_ffjord_config config;
    nf_cnf_config cnf;
    nf_layer *layer;
    double nll;

    UNDER(s, api.nf_ffjord_config_init(&config));
    config.dim = 2;
    config.blocks = 2;
    config.hidden = hidden;
    config.n_hidden = 1;
    config.trace = NF_TRACE_HUTCHINSON_TRAIN;
    config.dtype = s->dtype;
    config.seed = 5;
    CALL(s, api.nf_flow_create_ffjord(&s->flow, s->context, &config));
    ANY(s, nf_flow_log_prob, s->flow, POINTS, (void *)s->x, NULL, s->value);
    scene_note(s, "ffjord: log_prob", s->value, 8 * POINTS);
    ANY(s, nf_flow_sample, s->flow, 7, 3, POINTS, NULL, 0.9, (void *)s->z, s->value);
    scene_note(s, "ffjord: sample", s->z, POINTS * 2 * (s->dtype == NF_F32 ? 4 : 8));
    ANY(s, nf_flow_nll_grad, s->flow, POINTS, (void *)s->x, NULL, &nll);
    scene_note(s, "ffjord: nll_grad", &nll, sizeof nll);
    ANY(s, nf_flow_solver_report, s->flow, POINTS, (void *)s->x, NULL, &report);
    scene_note(s, "nf_flow_solver_report", &report, sizeof report);
    UNDER(s, api.nf_flow_unref(s->flow));
    s->flow = kept;
    UNDER(s, api.nf_cnf_config_init(&cnf));
    cnf.dim = 2;
    cnf.end_time = 1.0 / 3;
    CALL(s, api.nf_cnf_create(&layer, s->context, &cnf));
    UNDER(s, api.nf_layer_unref(layer));
    cnf.solver = NF_ODE_RK4;
    FAIL(s, api.nf_cnf_create(&layer, s->context, &cnf));
}

/* Every base, as a flow of its own; what is fitted to a density are the base's own parameters. */
static void scene_base(scene *s, const char *name, nf_base *base)
{
    enum { POINTS = 60 };
    const int64_t cond_dim = api.nf_base_cond_dim(base);
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = s->dtype, .seed = 3 };
    const nf_target_config config = { .struct_size = sizeof config, .steps = 3, .batch = 64, .report_draws = 16, .estimator = NF_ESTIMATOR_TOTAL };
    nf_flow *kept = s->flow, *flow;
    nf_optimizer *optimizer;
    void *x = scene_rows(s), *cond = cond_dim ? x : NULL;

    CALL(s, api.nf_flow_create(&flow, s->context, &flow_config, base, NULL, 0));
    s->flow = flow;
    if (!cond) {
        CALL(s, api.nf_optimizer_adam_create(&optimizer, s->context, NULL));
        CALL(s, api.nf_flow_fit_target(flow, optimizer, flat_density, s, NULL, &config, NULL));
        UNDER(s, api.nf_optimizer_unref(optimizer));
    }
    scene_params(s, name);
    ANY(s, nf_flow_sample, flow, 7, 3, POINTS, cond, 0.9, (void *)s->z, s->value);
    scene_note(s, name, s->z, POINTS * 2 * (s->dtype == NF_F32 ? 4 : 8));
    ANY(s, nf_flow_score, flow, POINTS, x, cond, s->value, (void *)s->z);
    scene_note(s, name, s->value, 8 * POINTS);
    scene_note(s, name, s->z, POINTS * 2 * (s->dtype == NF_F32 ? 4 : 8));
    s->flow = kept;
    UNDER(s, api.nf_flow_unref(flow));
    UNDER(s, api.nf_base_unref(base));
    free(x);
}

static void scene_bases(scene *s)
{
    static const double mean[] = { 0.1, -0.7 }, covariance[] = { 1.0 / 3, 0.1, 0.1, 2.385 };
    nf_base_normal_full_config full;
    nf_base_mixture_config mixture;
    nf_base_student_config student;
    nf_base_normal_conditional_config conditional;
    nf_base *base;

    UNDER(s, api.nf_base_normal_full_config_init(&full));
    full.dim = full.n_mean = 2;
    full.n_covariance = 4;
    full.mean = mean;
    full.covariance = covariance;
    CALL(s, api.nf_base_normal_full_create(&base, s->context, &full));
    scene_base(s, "normal_full", base);
    full.covariance = (const double[]){ 1.0, 1.0 / 3, 1.0 / 3 + 0.1, 1.0 };
    FAIL(s, api.nf_base_normal_full_create(&base, s->context, &full));
    UNDER(s, api.nf_base_mixture_config_init(&mixture));
    mixture.dim = 2;
    mixture.components = 3;
    mixture.spread = 1.7;
    CALL(s, api.nf_base_mixture_create(&base, s->context, &mixture));
    scene_base(s, "mixture", base);
    UNDER(s, api.nf_base_student_config_init(&student));
    student.dim = 2;
    student.df = 2.385;
    CALL(s, api.nf_base_student_create(&base, s->context, &student));
    scene_base(s, "student", base);
    CALL(s, api.nf_base_laplace_create(&base, s->context, 2));
    scene_base(s, "laplace", base);
    CALL(s, api.nf_base_logistic_create(&base, s->context, 2));
    scene_base(s, "logistic", base);
    UNDER(s, api.nf_base_normal_conditional_config_init(&conditional));
    conditional.dim = conditional.cond_dim = 2;
    conditional.bound = 1.7;
    CALL(s, api.nf_base_normal_conditional_create(&base, s->context, &conditional));
    scene_base(s, "normal_conditional", base);
}

static void scene_run(scene *s, uint32_t state, int32_t dtype, int32_t threads)
{
    nf_context_config config;

    memset(s, 0, sizeof *s);
    s->state = state;
    s->dtype = dtype;
    s->threads = threads;
    UNDER(s, api.nf_context_config_init(&config));
    config.threads = threads;
    CALL(s, api.nf_context_create(&s->context, &config));
    scene_data(s);
    scene_create(s);
    scene_compose(s);
    scene_json(s);
    scene_use(s);
    scene_latent(s);
    scene_train(s);
    scene_target(s);
    scene_files(s);
    scene_images(s);
    scene_continuous(s);
    scene_tables(s);
    scene_bases(s);
    UNDER(s, api.nf_optimizer_unref(s->optimizer));
    UNDER(s, api.nf_flow_unref(s->flow));
    UNDER(s, api.nf_dataset_unref(s->data));
    UNDER(s, api.nf_context_unref(s->context));
}

/* Names each step whose result differs; how many. */
static int scene_differ(const scene *a, const scene *b, const char *state)
{
    int differ = a->n != b->n;

    for (int i = 0; i < a->n && i < b->n; i++)
        if (a->digest[i] != b->digest[i]) {
            printf("%s: other bits of %s\n", state, a->name[i]);
            differ++;
        }
    return differ;
}

START_TEST(fpenv__dlopen_leaves_it)
{
    for (int i = 0; i < N_STATES; i++) {
        state_set(states[i].bits);
        void *library = load("FPENV_LIBRARY");
        const uint32_t after = state_get();
        state_set(STATE_DEFAULT);
        ck_assert_ptr_nonnull(library);
        ck_assert_msg(after == states[i].bits, "%s: %#x became %#x", states[i].name, states[i].bits, after);
    }
}
END_TEST

START_TEST(fpenv__no_call_changes_it_nor_depends_on_it)
{
    const int32_t dtype = _i & 1 ? NF_F64 : NF_F32, threads = _i & 2 ? 3 : 1;
    static scene reference, other;
    int wrong = 0;

    load_api();
    signal(SIGFPE, on_trap);
    scene_run(&reference, STATE_DEFAULT, dtype, threads);
    for (int i = 0; i < N_STATES; i++) {
        scene_run(&other, states[i].bits, dtype, threads);
        wrong += other.disturbed + scene_differ(&reference, &other, states[i].name);
    }
    ck_assert_int_eq(wrong, 0);
}
END_TEST

static double product(double a, double b) { return a * b; }
static double (*volatile opaque_product)(double, double) = product; /* lest a compiler moves it out of the state it is for */

/* The comparison sees a state that a library changed at dlopen, and a result that depends on the state. */
START_TEST(fpenv__control_sees_a_spoiler)
{
    const uint32_t before = state_get();
    static scene a, b;

    if (load("FPENV_CONTROL"))
        ck_assert_uint_ne(state_get(), before);
    else
        puts("part left out: no control library");
    for (int i = 0; i < 2; i++) {
        state_set(i ? states[0].bits : STATE_DEFAULT);
        const double result = opaque_product(1e-300, 1e-10);
        state_set(STATE_DEFAULT);
        scene_note(i ? &b : &a, "a denormal", &result, sizeof result);
    }
    ck_assert_int_eq(scene_differ(&a, &b, states[0].name), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fpenv");
    TCase *cases = tcase_create("fpenv");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, fpenv__dlopen_leaves_it);
    tcase_add_loop_test(cases, fpenv__no_call_changes_it_nor_depends_on_it, 0, 4);
    tcase_add_test(cases, fpenv__control_sees_a_spoiler);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
#else
int main(void)
{
    puts("skipped: no way to read the floating-point state of this processor");
    return 77;
}
#endif
