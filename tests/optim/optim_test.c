/* SPDX-License-Identifier: MIT
 *
 * optim_test.c - update rules against scalar twins, clipping, refusal of gradients that are not finite
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/cpu.h"
#include "optim/optimizer.h"
#include "flow/sums.h"
#include <nflow/layer_type.h>

enum { N = 37, STEPS = 7 };

/* One element of a rule, as the header states it. */
typedef struct twin {
    double theta, m, v;
} twin;

static void twin_adam(twin *w, double g, const nf_adam_config *c, int64_t t, double decay, int decoupled)
{
    const double wd = c->weight_decay * decay;

    if (!decoupled) g += wd * w->theta;
    w->m = c->beta1 * w->m + (1 - c->beta1) * g;
    w->v = c->beta2 * w->v + (1 - c->beta2) * g * g;
    if (decoupled) w->theta -= c->lr * wd * w->theta;
    w->theta -= c->lr * (w->m / (1 - pow(c->beta1, (double)t))) / (sqrt(w->v / (1 - pow(c->beta2, (double)t))) + c->eps);
}

static void twin_adamax(twin *w, double g, const nf_adam_config *c, int64_t t, double decay)
{
    g += c->weight_decay * decay * w->theta;
    w->m = c->beta1 * w->m + (1 - c->beta1) * g;
    w->v = fmax(c->beta2 * w->v, fabs(g));
    w->theta -= c->lr / (1 - pow(c->beta1, (double)t)) * w->m / (w->v + c->eps);
}

static void twin_sgd(twin *w, double g, const nf_sgd_config *c, double decay)
{
    const double momentum = c->momentum < 0 ? 0 : c->momentum;

    g += c->weight_decay * decay * w->theta;
    w->m = momentum * w->m + g;
    w->theta -= c->lr * (c->nesterov ? g + momentum * w->m : w->m);
}

static void twin_step(const char *name, twin *w, double g, const nfi_optimizer_config *c, int64_t t, double decay)
{
    if (strcmp(name, "adam") == 0) twin_adam(w, g, &c->adam, t, decay, 0);
    if (strcmp(name, "adamw") == 0) twin_adam(w, g, &c->adam, t, decay, 1);
    if (strcmp(name, "adamax") == 0) twin_adamax(w, g, &c->adam, t, decay);
    if (strcmp(name, "sgd") == 0) twin_sgd(w, g, &c->sgd, decay);
}

/* The resolved config of a rule with a weight decay. */
static nfi_optimizer_config config_of(const nfi_optimizer_type *type, int32_t variant)
{
    nfi_optimizer_config in, out;

    memset(&in, 0, sizeof in);
    if (strcmp(type->name, "sgd") == 0)
        in.sgd = (nf_sgd_config){ .struct_size = sizeof in.sgd, .nesterov = variant == 1, .momentum = variant == 2 ? -1 : 0.8,
                                  .weight_decay = 0.1 };
    else
        in.adam = (nf_adam_config){ .struct_size = sizeof in.adam, .weight_decay = 0.1, .beta2 = variant == 1 ? 0.99 : 0 };
    ck_assert_int_eq(nfi_config_resolve(type->config, &in, &out, "test"), NF_OK);
    return out;
}

static double gradient_of(int64_t t, int64_t i) { return sin((double)(3 * t + 7 * i)) * (i % 5 == 0 ? 1e-3 : 2); }

static double lr_of(const nfi_optimizer_type *type, const nfi_optimizer_config *config)
{
    double lr;

    memcpy(&lr, (const char *)config + type->lr_offset, sizeof lr);
    return lr;
}

static void check_rule_f64(const nfi_optimizer_type *type, int32_t variant, double decay)
{
    const nfi_optimizer_config config = config_of(type, variant);
    double theta[N], grad[N], m[N] = { 0 }, v[N] = { 0 };
    twin twins[N] = { { 0 } };

    for (int64_t i = 0; i < N; i++) theta[i] = twins[i].theta = cos((double)i);
    for (int64_t t = 1; t <= STEPS; t++) {
        nfi_update u = { .t = t, .n = N, .lr = lr_of(type, &config), .scale = 0.5, .decay = decay, .theta = theta, .grad = grad,
                         .m = m, .v = v };
        for (int64_t i = 0; i < N; i++) grad[i] = gradient_of(t, i);
        type->update[1][0](&config, &u);
        for (int64_t i = 0; i < N; i++) {
            twin_step(type->name, &twins[i], 0.5 * gradient_of(t, i), &config, t, decay);
            ck_assert_msg(fabs(theta[i] - twins[i].theta) < 1e-13, "%s step %d", type->name, (int)t);
            ck_assert_double_eq(grad[i], gradient_of(t, i)); /* the optimizer zeroes it */
        }
    }
}

static void check_rule_f32(const nfi_optimizer_type *type, int32_t variant, double decay)
{
    const nfi_optimizer_config config = config_of(type, variant);
    float theta[N], grad[N], m[N] = { 0 }, v[N] = { 0 };
    twin twins[N] = { { 0 } };

    for (int64_t i = 0; i < N; i++) twins[i].theta = theta[i] = (float)cos((double)i);
    for (int64_t t = 1; t <= STEPS; t++) {
        nfi_update u = { .t = t, .n = N, .lr = lr_of(type, &config), .scale = 0.5, .decay = decay, .theta = theta, .grad = grad,
                         .m = m, .v = v };
        for (int64_t i = 0; i < N; i++) grad[i] = (float)gradient_of(t, i);
        type->update[0][0](&config, &u);
        for (int64_t i = 0; i < N; i++) {
            twin_step(type->name, &twins[i], 0.5 * (double)(float)gradient_of(t, i), &config, t, decay);
            ck_assert_msg(fabs((double)theta[i] - twins[i].theta) < 2e-6, "%s step %d", type->name, (int)t);
        }
    }
}

/* The version for wide vectors gives the bits of the plain one, tails included. */
static void check_wide_f32(const nfi_optimizer_type *type, int32_t variant)
{
    const nfi_optimizer_config config = config_of(type, variant);
    float state[2][4][N] = { { { 0 } } };

    for (int64_t t = 1; t <= STEPS; t++) {
        for (int w = 0; w < 2; w++) {
            nfi_update u = { .t = t, .n = N, .lr = 0.01, .scale = 0.7, .decay = 1, .theta = state[w][0], .grad = state[w][1], .m = state[w][2], .v = state[w][3] };
            for (int64_t i = 0; i < N; i++) state[w][1][i] = (float)gradient_of(t, i);
            type->update[0][w](&config, &u);
        }
        ck_assert_int_eq(memcmp(state[0], state[1], sizeof state[0]), 0);
    }
}

static void check_wide_f64(const nfi_optimizer_type *type, int32_t variant)
{
    const nfi_optimizer_config config = config_of(type, variant);
    double state[2][4][N] = { { { 0 } } };

    for (int64_t t = 1; t <= STEPS; t++) {
        for (int w = 0; w < 2; w++) {
            nfi_update u = { .t = t, .n = N, .lr = 0.01, .scale = 0.7, .decay = 1, .theta = state[w][0], .grad = state[w][1], .m = state[w][2], .v = state[w][3] };
            for (int64_t i = 0; i < N; i++) state[w][1][i] = gradient_of(t, i);
            type->update[1][w](&config, &u);
        }
        ck_assert_int_eq(memcmp(state[0], state[1], sizeof state[0]), 0);
    }
}

START_TEST(wide_rules_give_the_same_bits)
{
    if (!nfi_cpu_has_isa(NF_ISA_AVX2) && !nfi_cpu_has_isa(NF_ISA_NEON)) {
        printf("skipped: this machine has no wide vectors, the plain rules are the only ones\n");
        return;
    }
    for (int32_t r = 0; nfi_rule_at(r); r++)
        for (int32_t variant = 0; variant < 3; variant++) {
            check_wide_f32(nfi_rule_at(r), variant);
            check_wide_f64(nfi_rule_at(r), variant);
        }
}
END_TEST

START_TEST(rules_match_their_twins)
{
    for (int32_t r = 0; nfi_rule_at(r); r++)
        for (int32_t variant = 0; variant < 3; variant++)
            for (int32_t decay = 0; decay < 2; decay++) {
                check_rule_f64(nfi_rule_at(r), variant, decay);
                check_rule_f32(nfi_rule_at(r), variant, decay);
            }
}
END_TEST

/* The first step of Adam, AdamW and Adamax without eps and decay is lr sign(g); of SGD lr g. */
START_TEST(first_steps_of_closed_form)
{
    for (int32_t r = 0; nfi_rule_at(r); r++) {
        const nfi_optimizer_type *type = nfi_rule_at(r);
        nfi_optimizer_config config = config_of(type, 0);
        double theta[3] = { 1, 1, 1 }, grad[3] = { 1e-3, -2, 50 }, m[3] = { 0 }, v[3] = { 0 };
        nfi_update u = { .t = 1, .n = 3, .lr = 0.25, .scale = 1, .decay = 0, .theta = theta, .grad = grad, .m = m, .v = v };
        const bool sgd = strcmp(type->name, "sgd") == 0;
        if (!sgd) config.adam.eps = 0;
        type->update[1][0](&config, &u);
        ck_assert_double_eq_tol(theta[0], sgd ? 1 - 0.25e-3 : 0.75, 1e-12);
        ck_assert_double_eq_tol(theta[1], sgd ? 1.5 : 1.25, 1e-12);
        ck_assert_double_eq_tol(theta[2], sgd ? 1 - 12.5 : 0.75, 1e-12);
    }
}
END_TEST

START_TEST(quadratic_is_minimised)
{
    for (int32_t r = 0; nfi_rule_at(r); r++) {
        const nfi_optimizer_type *type = nfi_rule_at(r);
        const nfi_optimizer_config config = config_of(type, 0);
        double theta[2] = { 5, -5 }, grad[2], m[2] = { 0 }, v[2] = { 0 };
        for (int64_t t = 1; t <= 4000; t++) {
            nfi_update u = { .t = t, .n = 2, .lr = t < 2000 ? 0.02 : 0.002, .scale = 1, .theta = theta, .grad = grad, .m = m, .v = v };
            grad[0] = theta[0] - 3;
            grad[1] = 4 * (theta[1] + 1);
            type->update[1][0](&config, &u);
        }
        ck_assert_msg(fabs(theta[0] - 3) < 1e-2 && fabs(theta[1] + 1) < 1e-2, "%s: %g %g", type->name, theta[0], theta[1]);
    }
}
END_TEST

START_TEST(small_moments_become_zero)
{
    for (int32_t r = 0; nfi_rule_at(r); r++) {
        const nfi_optimizer_config config = config_of(nfi_rule_at(r), 0);
        float theta[1] = { 0 }, grad[1] = { 0 }, m[1] = { 1e-31f }, v[1] = { 1e-31f };
        nfi_update u = { .t = 2, .n = 1, .lr = 0.1, .scale = 1, .theta = theta, .grad = grad, .m = m, .v = v };
        nfi_rule_at(r)->update[0][0](&config, &u);
        ck_assert_double_eq((double)m[0], 0);
        if (nfi_rule_at(r)->n_moments > 1) ck_assert_double_eq((double)v[0], 0);
    }
}
END_TEST

START_TEST(sums_and_powers)
{
    double x[N], a[N], sum = 0;

    for (int64_t i = 0; i < N; i++) {
        x[i] = sin((double)i);
        a[i] = 1;
        sum += x[i] * x[i];
    }
    ck_assert_double_eq_tol(nfi_sum_squares_f64(N, x), sum, 1e-13);
    ck_assert_double_eq(nfi_sum_squares_f64(0, x), 0);
    nfi_blend_f64(N, 0.25, x, a);
    ck_assert_double_eq_tol(a[5], 1 + 0.25 * (x[5] - 1), 1e-15);
    nfi_add_scaled_f64(N, 2, x, a);
    ck_assert_double_eq_tol(a[6], 1 + 0.25 * (x[6] - 1) + 2 * x[6], 1e-15);
    ck_assert_int_eq(nfi_find_nonfinite_f64(N, x), -1);
    x[36] = INFINITY;
    ck_assert_int_eq(nfi_find_nonfinite_f64(N, x), 36);
    ck_assert_double_eq(nfi_power(0.9, 0), 1);
    ck_assert_double_eq_tol(nfi_power(0.999, 1000003), pow(0.999, 1000003), 1e-300);
    ck_assert_double_eq_tol(nfi_power(0.9, 37), pow(0.9, 37), 1e-15);
}
END_TEST

static nf_flow *flow_of(nf_context *context, int32_t dtype, int64_t width)
{
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    const int64_t hidden[2] = { width, width };
    nf_flow *flow = NULL;

    config.dim = 2;
    config.layers = 2;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.dtype = dtype;
    config.seed = 5;
    ck_assert_msg(nf_flow_create_realnvp(&flow, context, &config) == NF_OK, "%s", nf_last_error());
    return flow;
}

static nf_context *context_of(int32_t threads)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.threads = threads;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    return context;
}

static int32_t properties_at(const nf_flow *flow, int64_t element)
{
    nf_param_view view = { .struct_size = sizeof view };

    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++)
        if (element >= view.offset && element < view.offset + view.count) return view.properties;
    return -1;
}

/* Writes a gradient to the trained elements; its norm. */
static double fill_gradient(nf_flow *flow, double *grad)
{
    double sum = 0;

    for (int64_t i = 0; i < nf_flow_param_count(flow); i++) {
        grad[i] = properties_at(flow, i) & NF_PARAM_FROZEN ? 0 : sin((double)i + 1);
        sum += grad[i] * grad[i];
    }
    return sqrt(sum);
}

START_TEST(step_clips_decays_and_zeroes)
{
    nf_flow *flow = flow_of(NULL, NF_F64, 8);
    nf_optimizer *optimizer = NULL;
    nf_sgd_config config = { .struct_size = sizeof config, .lr = 0.5, .momentum = -1, .weight_decay = 0.125 };
    static double before[4096];
    double *theta, *grad, norm, want;
    int64_t count, frozen = 0, spared = 0;

    ck_assert_int_eq(nf_optimizer_sgd_create(&optimizer, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_flow_params_f64(flow, &theta, &grad, &count), NF_OK);
    ck_assert_int_le(count, 4096);
    memcpy(before, theta, (size_t)count * sizeof *theta);
    want = fill_gradient(flow, grad);
    ck_assert_int_eq(nf_optimizer_step_clipped(optimizer, flow, 2, &norm), NF_OK);
    ck_assert_double_eq_tol(norm, want, 1e-12 * want);
    for (int64_t i = 0; i < count; i++) {
        const int32_t properties = properties_at(flow, i);
        const double g = sin((double)i + 1) * 2 / norm, wd = properties & NF_PARAM_NO_DECAY ? 0 : 0.125;
        frozen += (properties & NF_PARAM_FROZEN) != 0;
        spared += properties == NF_PARAM_NO_DECAY;
        ck_assert_double_eq_tol(theta[i], properties & NF_PARAM_FROZEN ? before[i] : before[i] - 0.5 * (g + wd * before[i]), 1e-14);
        ck_assert_double_eq(grad[i], 0);
    }
    ck_assert_int_gt(spared, 0);
    ck_assert_int_ge(frozen, 0);
    ck_assert_int_eq(nf_optimizer_steps(optimizer), 1);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(nan_gradient_is_refused_and_named)
{
    nf_flow *flow = flow_of(NULL, NF_F32, 8);
    nf_optimizer *optimizer = NULL;
    nf_param_view view = { .struct_size = sizeof view };
    static float before[4096];
    float *theta, *grad;
    double norm;
    int64_t count;

    ck_assert_int_eq(nf_optimizer_create(&optimizer, NULL, "adam", NULL), NF_OK);
    ck_assert_int_eq(nf_flow_params(flow, &theta, &grad, &count), NF_OK);
    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK && view.properties & NF_PARAM_FROZEN; i++) continue;
    memcpy(before, theta, (size_t)count * sizeof *theta);
    grad[view.offset] = NAN;
    ck_assert_int_eq(nf_optimizer_step_clipped(optimizer, flow, 1, &norm), NF_ERR_NONFINITE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), view.name));
    ck_assert(isnan(norm) && isnan(grad[view.offset]));
    ck_assert_int_eq(memcmp(before, theta, (size_t)count * sizeof *theta), 0);
    ck_assert_int_eq(nf_optimizer_steps(optimizer), 0);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
}
END_TEST

/* More than one chunk: the norm and the step have the same bits for any number of threads. */
START_TEST(same_bits_for_any_threads)
{
    double norm[3], sample[3];

    for (int32_t threads = 1; threads <= 3; threads++) {
        nf_context *context = context_of(threads);
        nf_flow *flow = flow_of(context, NF_F64, 150);
        nf_optimizer *optimizer = NULL;
        double *theta, *grad;
        int64_t count;
        ck_assert_int_eq(nf_optimizer_create(&optimizer, context, "adamw", NULL), NF_OK);
        ck_assert_int_eq(nf_flow_params_f64(flow, &theta, &grad, &count), NF_OK);
        ck_assert_int_gt(count, 2 * NFI_OPTIM_CHUNK);
        for (int64_t i = 0; i < count; i++) grad[i] = sin((double)i) * 0.1;
        ck_assert_int_eq(nf_optimizer_step_clipped(optimizer, flow, 1, &norm[threads - 1]), NF_OK);
        sample[threads - 1] = theta[count / 2];
        nf_optimizer_unref(optimizer);
        nf_flow_unref(flow);
        nf_context_unref(context);
    }
    ck_assert(memcmp(&norm[0], &norm[1], 8) == 0 && memcmp(&norm[0], &norm[2], 8) == 0);
    ck_assert(memcmp(&sample[0], &sample[1], 8) == 0 && memcmp(&sample[0], &sample[2], 8) == 0);
}
END_TEST

START_TEST(optimizer_belongs_to_a_size)
{
    nf_flow *one = flow_of(NULL, NF_F64, 8), *other = flow_of(NULL, NF_F64, 9), *single = flow_of(NULL, NF_F32, 8);
    nf_optimizer *optimizer = NULL;

    ck_assert_int_eq(nf_optimizer_adamax_create(&optimizer, NULL, &(nf_adamax_config)NF_ADAMAX_CONFIG_INIT), NF_OK);
    ck_assert_int_eq(nf_optimizer_step(optimizer, one), NF_OK);
    ck_assert_int_eq(nf_optimizer_step(optimizer, other), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_optimizer_step(optimizer, single), NF_ERR_DTYPE);
    ck_assert_int_eq(nf_optimizer_reset(optimizer), NF_OK);
    ck_assert_int_eq(nf_optimizer_steps(optimizer), 0);
    ck_assert_int_eq(nf_optimizer_step(optimizer, other), NF_OK);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(one);
    nf_flow_unref(other);
    nf_flow_unref(single);
}
END_TEST

START_TEST(creation_and_arguments)
{
    nf_optimizer *optimizer = NULL;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;

    ck_assert_int_eq(nf_optimizer_create(&optimizer, NULL, "none", NULL), NF_ERR_UNKNOWN);
    ck_assert_ptr_null(optimizer);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "adam, adamw, adamax, sgd"));
    ck_assert_int_eq(nf_optimizer_create(NULL, NULL, "adam", NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_optimizer_create(&optimizer, NULL, NULL, NULL), NF_ERR_NULL);
    adam.beta1 = 1;
    ck_assert_int_eq(nf_optimizer_adam_create(&optimizer, NULL, &adam), NF_ERR_ARG);
    adam.beta1 = 0;
    adam.lr = 0.125;
    ck_assert_int_eq(nf_optimizer_adamw_create(&optimizer, NULL, &adam), NF_OK);
    ck_assert_double_eq(optimizer->config.adam.weight_decay, 0.01);
    ck_assert_double_eq(nf_optimizer_lr(optimizer), 0.125);
    ck_assert_str_eq(nf_optimizer_type_name(optimizer), "adamw");
    ck_assert_int_eq(nf_optimizer_set_lr(optimizer, -1), NF_ERR_ARG);
    ck_assert_int_eq(nf_optimizer_set_lr(optimizer, NAN), NF_ERR_ARG);
    ck_assert_int_eq(nf_optimizer_set_lr(optimizer, 0), NF_OK);
    ck_assert_int_eq(nf_optimizer_step(optimizer, NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_optimizer_step(NULL, NULL), NF_ERR_NULL);
    nf_optimizer_unref(optimizer);
    nf_optimizer_unref(NULL);
    for (int32_t i = 0; i < 4; i++) ck_assert_str_eq(nfi_optim_configs(i)->name, nf_optimizer_type_at(i));
    ck_assert_ptr_null(nf_optimizer_type_at(4));
    ck_assert_ptr_null(nfi_optim_configs(4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optim");
    TCase *cases = tcase_create("optim");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, rules_match_their_twins);
    tcase_add_test(cases, wide_rules_give_the_same_bits);
    tcase_add_test(cases, first_steps_of_closed_form);
    tcase_add_test(cases, quadratic_is_minimised);
    tcase_add_test(cases, small_moments_become_zero);
    tcase_add_test(cases, sums_and_powers);
    tcase_add_test(cases, step_clips_decays_and_zeroes);
    tcase_add_test(cases, nan_gradient_is_refused_and_named);
    tcase_add_test(cases, same_bits_for_any_threads);
    tcase_add_test(cases, optimizer_belongs_to_a_size);
    tcase_add_test(cases, creation_and_arguments);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
