/* SPDX-License-Identifier: MIT
 *
 * variational_test.c - reverse KL: gradients against central differences of the same draws, known constants, checkpoints, faults
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/reverse.h"
#include "layers/layer.h"
#include "support.h"
#include "train/draws.h"

enum { DIM = 3, ROWS = 64 };

/* A correlated normal of mean 0.5 that was multiplied by exp(1.25): log Z = 1.25. */
#define LOG_Z 1.25
static const double precision[DIM][DIM] = { { 2.0, 0.6, 0.0 }, { 0.6, 1.0, -0.3 }, { 0.0, -0.3, 0.5 } };
#define PRECISION_DET 0.64

typedef struct target {
    int64_t calls;
    double answer_bad; /* not 0: this instead of log_p of row 1 */
    int64_t bad_from;  /* calls before are good */
    nf_status status;
} target;

static nf_status normal_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    target *t = user;
    const double constant = LOG_Z + 0.5 * log(PRECISION_DET) - 0.5 * DIM * log(2 * 3.14159265358979323846);

    ck_assert_int_eq(dim, DIM);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < DIM; j++) {
            double a = 0;
            for (int k = 0; k < DIM; k++) a += precision[j][k] * (x[i * DIM + k] - 0.5 - (cond ? cond[i] : 0));
            sum += a * (x[i * DIM + j] - 0.5 - (cond ? cond[i] : 0));
            if (grad) grad[i * DIM + j] = -a;
        }
        log_p[i] = constant - 0.5 * sum;
    }
    if (!t) return NF_OK;
    if (t->calls++ >= t->bad_from && (t->answer_bad < 0 || t->answer_bad > 0 || t->answer_bad != t->answer_bad)) log_p[1] = t->answer_bad;
    return t->status;
}

static nf_layer *layer_of(nf_context *context, const char *type, const void *config)
{
    nf_layer *layer = NULL;
    ck_assert_msg(nf_layer_create(&layer, context, type, config) == NF_OK, "%s", nf_last_error());
    return layer;
}

/* Chains of all layers with an inverse_backward of their own that fit. */
typedef struct chain_row {
    const char *type;
    const void *config;
} chain_row;

static const double mean[DIM] = { 0.3, -0.2, 0.1 }, sd[DIM] = { 1.5, 0.8, 1.1 };
static const int64_t eight[1] = { 8 };
#define ROW(type_, ...) { #type_, &(const nf_##type_##_config){ .struct_size = sizeof(nf_##type_##_config), .dim = DIM, __VA_ARGS__ } }

static const chain_row mixed[] = {
    ROW(standardise, .mean = mean, .n_mean = DIM, .sd = sd, .n_sd = DIM), ROW(coupling_affine, .hidden = eight, .n_hidden = 1),
    ROW(actnorm, .channels = 0), ROW(linear, .form = NF_LINEAR_PLU), ROW(permutation, .seed = 3),
    ROW(coupling_affine, .hidden = eight, .n_hidden = 1, .separate = 1, .swap = 1), ROW(affine, .bound = 0),
};
static const chain_row moved[] = {
    ROW(planar, .reserved = 0), ROW(householder, .reflections = 0), ROW(radial, .reserved = 0), ROW(linear, .form = NF_LINEAR_PLAIN),
    ROW(sylvester, .rank = 2), ROW(columns, .alpha = 0), ROW(sylvester, .rank = 3, .reflections = 1),
};
static const chain_row ordered[] = {
    ROW(autoregressive, .hidden = eight, .n_hidden = 1, .activation = NF_ACTIVATION_TANH), ROW(permutation, .kind = NF_PERMUTATION_REVERSE),
    ROW(autoregressive, .hidden = eight, .n_hidden = 1, .activation = NF_ACTIVATION_TANH, .direction = NF_AUTOREGRESSIVE_INVERSE),
    ROW(linear, .form = NF_LINEAR_PLU),
};
static const chain_row splines[] = {
    ROW(autoregressive, .hidden = eight, .n_hidden = 1, .activation = NF_ACTIVATION_TANH, .transform = NF_TRANSFORM_SPLINE, .bins = 4),
    ROW(autoregressive, .hidden = eight, .n_hidden = 1, .activation = NF_ACTIVATION_TANH, .transform = NF_TRANSFORM_SPLINE, .bins = 4,
        .direction = NF_AUTOREGRESSIVE_INVERSE, .order = NF_ORDER_REVERSED),
};
static const struct chain {
    const chain_row *rows;
    int n;
} chains[] = { { mixed, SUPPORT_COUNT(mixed) }, { moved, SUPPORT_COUNT(moved) }, { ordered, SUPPORT_COUNT(ordered) },
               { splines, SUPPORT_COUNT(splines) } };

/* The same type without the operation: what is then solved for must be the same. */
static nf_layer *layer_without(nf_context *context, int at, const chain_row *row)
{
    static struct copy {
        nf_layer_type type;
        nf_layer_ops f32, f64;
        char name[32];
    } copies[8];
    struct copy *c = &copies[at];
    nf_layer *layer = NULL;

    c->type = *nfi_layer_type_find(NULL, row->type);
    c->f32 = *c->type.f32;
    c->f64 = *c->type.f64;
    ck_assert_msg(c->f64.inverse_backward != NULL && c->f32.inverse_backward != NULL, "%s has none", row->type);
    c->f32.inverse_backward = c->f64.inverse_backward = NULL;
    c->type.f32 = &c->f32;
    c->type.f64 = &c->f64;
    snprintf(c->name, sizeof c->name, "bare_%s", row->type);
    c->type.name = c->name;
    ck_assert_msg(nf_layer_create_custom(&layer, context, &c->type, row->config) == NF_OK, "%s", nf_last_error());
    return layer;
}

static nf_flow *chain_flow(const struct chain *chain, nf_context *context, int32_t dtype, bool dense)
{
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = dtype, .seed = 5 };
    nf_layer *layers[8];
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    for (int i = 0; i < chain->n; i++)
        layers[i] = dense ? layer_without(context, i, &chain->rows[i]) : layer_of(context, chain->rows[i].type, chain->rows[i].config);
    ck_assert_int_eq(nf_base_normal_create(&base, context, DIM), NF_OK);
    ck_assert_msg(nf_flow_create(&flow, context, &config, base, layers, chain->n) == NF_OK, "%s", nf_last_error());
    for (int i = 0; i < chain->n; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    support_perturb(flow, 0.3, 9);
    return flow;
}

static nf_flow *mixed_flow(nf_context *context, int32_t dtype) { return chain_flow(&chains[0], context, dtype, false); }

static nf_flow *small_flow(nf_context *context, int32_t dtype, int64_t cond_dim)
{
    const int64_t hidden[1] = { 16 };
    const nf_realnvp_config config = { .struct_size = sizeof config, .dim = DIM, .cond_dim = cond_dim, .layers = 4, .hidden = hidden, .n_hidden = 1,
                                       .dtype = dtype, .seed = 2 };
    nf_flow *flow = NULL;

    ck_assert_msg(nf_flow_create_realnvp(&flow, context, &config) == NF_OK, "%s", nf_last_error());
    return flow;
}

static nf_optimizer *adam(double lr)
{
    const nf_adam_config config = { .struct_size = sizeof config, .lr = lr };
    nf_optimizer *optimizer = NULL;
    ck_assert_int_eq(nf_optimizer_adam_create(&optimizer, NULL, &config), NF_OK);
    return optimizer;
}

/* The gradient of the batch x, as train would have it; copied to out [count]. */
static void reverse_gradient(nf_flow *flow, const double *x, double beta, bool path, bool dense, double *loss, double *out)
{
    double log_p[ROWS], grad[ROWS * DIM];
    const nfi_batch batch = { .n = ROWS, .x = x, .likelihood = true, .scale = 1.0 / ROWS };
    const nfi_target to = { .log_p = log_p, .grad = grad, .beta = beta, .path = path };
    nf_maker *maker = NULL;
    nfi_reverse reverse;
    nfi_bad_rows bad;

    ck_assert_int_eq(normal_density(NULL, ROWS, DIM, x, NULL, log_p, grad), NF_OK);
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_reverse_make(&reverse, maker, flow), NF_OK);
    ck_assert(dense == (reverse.dense != NULL)); /* is it solved for? */
    nfi_flow_clear_grad(flow);
    ck_assert_msg(nfi_reverse_grad(flow, &reverse, &to, &batch, loss, &bad, "test") == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(bad.count, 0);
    memcpy(out, nfi_flow_grad_block(flow), (size_t)nf_flow_param_count(flow) * sizeof *out);
    nfi_maker_free(maker);
}

/* mean log q(f^-1(z)) - beta log p, with q of theta, or of `other` as it stands. */
static double reverse_loss(const nf_flow *flow, const nf_flow *other, const double *z, double beta)
{
    double x[ROWS * DIM], log_q[ROWS], log_p[ROWS], sum = 0;

    ck_assert_msg(nf_flow_inverse_f64(flow, ROWS, z, NULL, x, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_log_prob_f64(other, ROWS, x, NULL, log_q), NF_OK);
    ck_assert_int_eq(normal_density(NULL, ROWS, DIM, x, NULL, log_p, NULL), NF_OK);
    for (int i = 0; i < ROWS; i++) sum += log_q[i] - beta * log_p[i];
    return sum / ROWS;
}

static double difference(nf_flow *flow, const nf_flow *other, double *theta, int64_t j, const double *z)
{
    const double step = 1e-5, at = theta[j];
    double side[2];

    for (int s = 0; s < 2; s++) {
        theta[j] = at + (s ? step : -step);
        ck_assert_int_eq(nf_flow_set_params(flow, nf_flow_param_count(flow), theta), NF_OK);
        side[s] = reverse_loss(flow, other ? other : flow, z, 0.7);
    }
    theta[j] = at;
    ck_assert_int_eq(nf_flow_set_params(flow, nf_flow_param_count(flow), theta), NF_OK);
    return (side[1] - side[0]) / (2 * step);
}

/* Chain _i / 2, by the path (odd) or in total. */
START_TEST(gradient_is_that_of_the_loss)
{
    const struct chain *chain = &chains[_i / 2];
    const bool path = _i % 2;
    nf_flow *flow = chain_flow(chain, NULL, NF_F64, false), *other = chain_flow(chain, NULL, NF_F64, false);
    const int64_t count = nf_flow_param_count(flow);
    double z[ROWS * DIM], x[ROWS * DIM], loss, worst = 0;
    double *theta = support_malloc(count * 8), *grad = support_malloc(count * 8);
    uint64_t state = 4;

    for (int i = 0; i < ROWS * DIM; i++) z[i] = random_normal(&state);
    ck_assert_msg(nf_flow_inverse_f64(flow, ROWS, z, NULL, x, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_get_params(flow, count, theta), NF_OK);
    reverse_gradient(flow, x, 0.7, path, false, &loss, grad);
    ck_assert_double_eq_tol(loss / ROWS, reverse_loss(flow, flow, z, 0.7), 1e-12);
    for (int64_t j = 0; j < count; j++) {
        if (!(grad[j] < 0 || grad[j] > 0)) continue; /* frozen */
        const double d = difference(flow, path ? other : NULL, theta, j, z);
        worst = fmax(worst, fabs(d - grad[j]) / fmax(1, fabs(d)));
    }
    ck_assert_msg(worst < 1e-7, "chain %d, path %d: error %g", _i / 2, path, worst);
    free(theta), free(grad);
    nf_flow_unref(flow), nf_flow_unref(other);
}
END_TEST

/* Layers' own inverse_backward, and dense Jacobians of the same layers */
START_TEST(gradient_is_that_of_dense_solves)
{
    nf_flow *flow = chain_flow(&chains[_i], NULL, NF_F64, false), *dense = chain_flow(&chains[_i], NULL, NF_F64, true);
    const int64_t count = nf_flow_param_count(flow);
    double x[ROWS * DIM], loss[2];
    double *grad = support_malloc(2 * count * 8);
    uint64_t state = 4;

    for (int i = 0; i < ROWS * DIM; i++) x[i] = random_normal(&state);
    reverse_gradient(flow, x, 0.7, true, false, &loss[0], grad);
    reverse_gradient(dense, x, 0.7, true, true, &loss[1], grad + count);
    ck_assert_double_eq_tol(loss[0], loss[1], 1e-12);
    for (int64_t j = 0; j < count; j++) ck_assert_double_eq_tol(grad[j], grad[count + j], 1e-11 * fmax(1, fabs(grad[j])));
    free(grad);
    nf_flow_unref(flow), nf_flow_unref(dense);
}
END_TEST

/* Training a recipe of tables on a density never solves for a dense Jacobian, and takes more columns than a dense one may have. */
START_TEST(recipes_are_not_solved_densely)
{
    static nf_status (*const recipes[])(nf_flow **, nf_context *, const nf_table_config *) = { nf_flow_create_nsf, nf_flow_create_maf, nf_flow_create_iaf,
                                                                                             nf_flow_create_nice };
    static const int32_t mixes[] = { NF_MIX_LINEAR, NF_MIX_RANDOM, NF_MIX_REVERSE };
    static int64_t kinds[200];

    for (int j = 0; j < 200; j++) kinds[j] = j % 2 ? NF_COLUMN_REAL : NF_COLUMN_POSITIVE;
    for (int i = 0; i < SUPPORT_COUNT(recipes) * SUPPORT_COUNT(mixes); i++) {
        const nf_table_config config = { .struct_size = sizeof config, .dim = 200, .layers = 2, .hidden = eight, .n_hidden = 1, .kind = kinds, .n_kind = 200,
                                         .mix = mixes[i / SUPPORT_COUNT(recipes)] };
        nf_flow *flow = NULL;
        nf_maker *maker = NULL;
        nfi_reverse reverse;

        ck_assert_msg(recipes[i % SUPPORT_COUNT(recipes)](&flow, NULL, &config) == NF_OK, "%s", nf_last_error());
        ck_assert_msg(nfi_reverse_check(flow, "test") == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
        ck_assert_int_eq(nfi_reverse_make(&reverse, maker, flow), NF_OK);
        ck_assert_ptr_null(reverse.dense);
        nfi_maker_free(maker);
        nf_flow_unref(flow);
    }
}
END_TEST

/* A trained parameter without gradient would pass above: this sees that there is one. */
START_TEST(gradient_reaches_every_layer)
{
    nf_flow *flow = mixed_flow(NULL, NF_F64);
    const int64_t count = nf_flow_param_count(flow);
    double x[ROWS * DIM], loss, *grad = support_malloc(count * 8);
    uint64_t state = 4;
    int64_t zeros = 0;

    for (int i = 0; i < ROWS * DIM; i++) x[i] = random_normal(&state);
    reverse_gradient(flow, x, 0.7, true, false, &loss, grad);
    for (int64_t j = 0; j < count; j++) zeros += !(grad[j] < 0 || grad[j] > 0);
    ck_assert_int_le(zeros, 2 * DIM + 1 + 2 * DIM); /* mean, sd, actnorm's flag, what linear keeps frozen */
    free(grad);
    nf_flow_unref(flow);
}
END_TEST

static nf_status fit(nf_context *context, int32_t dtype, const nf_target_config *config, nf_target_report *report, double *theta, target *user)
{
    nf_flow *flow = small_flow(context, dtype, 0);
    nf_optimizer *optimizer = adam(5e-3);
    const nf_status status = nf_flow_fit_target(flow, optimizer, normal_density, user, NULL, config, report);

    ck_assert_double_eq(nf_optimizer_lr(optimizer), 5e-3);
    if (theta) ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), theta), NF_OK);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return status;
}

START_TEST(normal_constant_is_found)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++)
        for (int32_t estimator = NF_ESTIMATOR_PATH; estimator <= NF_ESTIMATOR_TOTAL; estimator++) {
            const nf_target_config config = { .struct_size = sizeof config, .estimator = estimator, .steps = 400, .batch = 64, .seed = 3,
                                              .beta_start = 0.2, .beta_steps = 100, .report_draws = 4000 };
            nf_target_report r = { .struct_size = sizeof r };

            ck_assert_msg(fit(NULL, dtype, &config, &r, NULL, NULL) == NF_OK, "%s", nf_last_error());
            ck_assert_int_eq(r.steps, 400);
            ck_assert_int_eq(r.draws, 4000);
            ck_assert_msg(fabs(r.log_z - LOG_Z) < 0.02, "log Z %g +- %g", r.log_z, r.log_z_se);
            ck_assert_double_lt(r.elbo, r.log_z + 1e-9);
            ck_assert_double_gt(r.elbo, LOG_Z - 0.1);
            ck_assert_double_gt(r.ess, 3000);
            ck_assert(r.pareto_k > -1 && r.pareto_k < 1);
            ck_assert_double_gt(r.log_z_se, 0);
        }
}
END_TEST

START_TEST(threads_give_the_same_bits)
{
    double theta[2][4096];
    const nf_target_config config = { .struct_size = sizeof config, .steps = 20, .batch = 300, .seed = 3, .ema_decay = 0.5 };

    for (int k = 0; k < 2; k++) {
        nf_context *context = support_context(k ? 4 : 1, NULL);
        memset(theta[k], 0, sizeof theta[k]);
        ck_assert_msg(fit(context, NF_F32, &config, NULL, theta[k], NULL) == NF_OK, "%s", nf_last_error());
        nf_context_unref(context);
    }
    ck_assert_mem_eq(theta[0], theta[1], sizeof theta[0]);
}
END_TEST

/* Of every chain, and of the first with what dense solves need per slot. */
START_TEST(threads_give_the_same_bits_of_chains)
{
    double theta[2][4096];

    for (int k = 0; k < 2; k++) {
        nf_context *context = support_context(k ? 4 : 1, NULL);
        nf_flow *flow = chain_flow(&chains[_i % SUPPORT_COUNT(chains)], context, NF_F32, _i == SUPPORT_COUNT(chains));
        nf_optimizer *optimizer = adam(1e-3);
        const nf_target_config config = { .struct_size = sizeof config, .steps = 5, .batch = 2100, .seed = 3 };
        memset(theta[k], 0, sizeof theta[k]);
        ck_assert_msg(nf_flow_fit_target(flow, optimizer, normal_density, NULL, NULL, &config, NULL) == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), theta[k]), NF_OK);
        nf_optimizer_unref(optimizer);
        nf_flow_unref(flow);
        nf_context_unref(context);
    }
    ck_assert_mem_eq(theta[0], theta[1], sizeof theta[0]);
}
END_TEST

/* q(x | c) moves with c; data give the conditions, and here rows too. */
START_TEST(conditions_and_data)
{
    enum { N = 500 };
    double x[N * DIM], cond[N], fitted[2];
    uint64_t state = 8;
    nf_dataset *data = NULL;
    nf_flow *flow = small_flow(NULL, NF_F64, 1);
    nf_optimizer *optimizer = adam(5e-3);
    nf_target_config config = { .struct_size = sizeof config, .steps = 500, .batch = 64, .seed = 1 };

    for (int i = 0; i < N; i++) {
        cond[i] = random_uniform(&state, -1, 1);
        for (int j = 0; j < DIM; j++) x[i * DIM + j] = 0.5 + cond[i] + random_normal(&state);
    }
    ck_assert_int_eq(nf_flow_fit_target(flow, optimizer, normal_density, NULL, NULL, &config, NULL), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_dataset_from_array_f64(&data, NULL, N, DIM, x), NF_OK);
    ck_assert_int_eq(nf_dataset_set_cond_f64(data, 1, cond), NF_OK);
    for (int k = 0; k < 2; k++) {
        nf_importance_report r = { .struct_size = sizeof r };
        const double at = 0.5;
        config.data_weight = k ? 0.2 : 0;
        ck_assert_msg(nf_flow_fit_target(flow, optimizer, normal_density, NULL, data, &config, NULL) == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 1, 0, 4000, NULL, NULL, NULL, &r), NF_ERR_SHAPE);
        ck_assert_msg(nf_flow_importance(flow, normal_density, NULL, 1, 0, 4000, &at, NULL, NULL, &r) == NF_OK, "%s", nf_last_error());
        ck_assert_msg(fabs(r.log_z - LOG_Z) < 0.05, "log Z %g +- %g", r.log_z, r.log_z_se);
        fitted[k] = r.elbo;
    }
    ck_assert_double_ne(fitted[0], fitted[1]);
    nf_dataset_unref(data);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(summary_of_known_weights)
{
    const double log_w[2] = { 0, log(3.0) }, none[2] = { -INFINITY, -INFINITY };
    double work[2], tail[2000];
    nf_importance_report r = { .struct_size = sizeof r };
    uint64_t state = 6;

    nfi_importance_summary(2, log_w, work, &r);
    ck_assert_double_eq_tol(r.log_z, 0.6931471806, 1e-10);
    ck_assert_double_eq_tol(r.elbo, 0.5493061443, 1e-10);
    ck_assert_double_eq_tol(r.ess, 1.6, 1e-12);
    ck_assert_double_eq_tol(r.log_z_se, 0.5, 1e-12);
    ck_assert(isnan(r.pareto_k));
    nfi_importance_summary(2, none, work, &r);
    ck_assert(isinf(r.log_z) && r.log_z < 0);
    ck_assert_double_eq(r.ess, 0);
    for (int t = 0; t < 3; t++) { /* weights u^-k have a tail of shape k */
        const double k = 0.2 + 0.4 * t;
        for (int i = 0; i < 2000; i++) tail[i] = -k * log(random_uniform(&state, 1e-12, 1));
        ck_assert_double_eq_tol(nfi_pareto_k(2000, tail), k, 0.2);
    }
}
END_TEST

static int32_t stop_at_200(void *user, const nf_target_progress *p)
{
    int *rounds = user;
    ++*rounds;
    ck_assert_double_gt(p->elbo, -20);
    return p->step >= 200;
}

START_TEST(faults)
{
    nf_flow *flow = small_flow(NULL, NF_F32, 0);
    double before[4096] = { 0 }, after[4096] = { 0 };
    int rounds = 0;
    nf_target_config config = { .struct_size = sizeof config, .steps = 300, .batch = 16 };
    nf_target_report r = { .struct_size = sizeof r };
    nf_importance_report i = { .struct_size = sizeof i };
    target nan = { .answer_bad = NAN, .bad_from = 5 }, outside = { .answer_bad = -INFINITY }, refuses = { .status = NF_ERR_DOMAIN };

    ck_assert_int_eq(fit(NULL, NF_F32, &config, &r, after, &nan), NF_ERR_DIVERGED);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "log_density answers"));
    ck_assert_int_eq(r.stopped, 3);
    ck_assert_int_eq(r.steps, 5);
    ck_assert(isnan(r.log_z));
    for (int64_t k = 0; k < nf_flow_param_count(flow); k++) ck_assert(isfinite(after[k]));
    ck_assert_int_eq(fit(NULL, NF_F32, &config, NULL, NULL, &outside), NF_ERR_DIVERGED);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "-inf for draw 1"));
    ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), before), NF_OK);
    ck_assert_int_eq(fit(NULL, NF_F32, &config, NULL, NULL, &refuses), NF_ERR_CALLBACK);
    config.round_steps = 100, config.progress = stop_at_200, config.progress_user = &rounds;
    ck_assert_int_eq(fit(NULL, NF_F32, &config, &r, NULL, NULL), NF_STOPPED);
    ck_assert_int_eq(rounds, 2);
    ck_assert_int_eq(r.steps, 200);
    config.data_weight = 0.5;
    ck_assert_int_eq(fit(NULL, NF_F32, &config, NULL, NULL, NULL), NF_ERR_NULL);

    /* a weight of nothing is a weight; what is no number is not */
    outside.calls = nan.calls = 0, nan.bad_from = 0;
    ck_assert_int_eq(nf_flow_importance(flow, normal_density, &outside, 0, 0, 100, NULL, NULL, NULL, &i), NF_OK);
    ck_assert(isfinite(i.log_z) && isinf(i.elbo));
    ck_assert_int_eq(nf_flow_importance(flow, normal_density, &nan, 0, 0, 100, NULL, NULL, NULL, &i), NF_ERR_NONFINITE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "NaN for draw 1"));
    ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 0, -1, 100, NULL, NULL, NULL, &i), NF_ERR_ARG);
    ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 0, 0, 0, NULL, NULL, NULL, &i), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 0, 0, 2, NULL, after, after + 1, &i), NF_ERR_ALIAS);
    nf_flow_unref(flow);
}
END_TEST

/* The arrays are those of the summary, and draws those of nf_flow_sample. */
START_TEST(arrays_of_importance)
{
    enum { N = 5000 };
    nf_flow *flow = small_flow(NULL, NF_F64, 0);
    double *x = support_malloc(N * DIM * 8), *sample = support_malloc(N * DIM * 8), *log_w = support_malloc(N * 8), *work = support_malloc(N * 8);
    nf_importance_report r = { .struct_size = sizeof r }, again = { .struct_size = sizeof again };

    ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 7, 11, N, NULL, x, log_w, &r), NF_OK);
    ck_assert_int_eq(nf_flow_sample_f64(flow, 7, 11, N, NULL, 1, sample, NULL), NF_OK);
    ck_assert_mem_eq(x, sample, N * DIM * 8);
    nfi_importance_summary(N, log_w, work, &again);
    ck_assert_double_eq(r.log_z, again.log_z);
    ck_assert_double_eq(r.ess, again.ess);
    free(x), free(sample), free(log_w), free(work);
    nf_flow_unref(flow);
}
END_TEST

/* A density of any number of columns */
static nf_status wide_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)cond;
    for (int64_t i = 0; i < n; i++, x += dim) {
        double square = 0.0;
        for (int64_t j = 0; j < dim; j++) {
            const double d = x[j] - 0.3 - 0.2 * (j ? x[j - 1] : 0.0), next = j + 1 < dim ? x[j + 1] - 0.3 - 0.2 * x[j] : 0.0;
            square += d * d;
            if (grad) grad[i * dim + j] = -d + 0.2 * next;
        }
        log_p[i] = -0.5 * square;
    }
    return NF_OK;
}

#define DRAW_SEED 77
#define DRAW_FIRST 13
#define BETA 0.7

/* Gradient of the draws [DRAW_FIRST, DRAW_FIRST + ROWS), copied to out [count] */
static void draws_gradient(nf_flow *flow, bool path, double *out)
{
    const int64_t dim = nf_flow_dim(flow);
    double x[ROWS * 8], log_p[ROWS], log_q[ROWS], grad[ROWS * 8], loss;
    const nfi_batch batch = { .n = ROWS, .x = x, .likelihood = true, .scale = 1.0 / ROWS };
    nfi_target to = { .log_p = log_p, .grad = grad, .beta = BETA, .seed = DRAW_SEED, .first = DRAW_FIRST, .path = path };
    nf_maker *maker = NULL;
    nfi_reverse reverse;
    nfi_bad_rows bad;

    ck_assert_int_eq(nf_flow_sample_f64(flow, DRAW_SEED, DRAW_FIRST, ROWS, NULL, 1, x, log_q), NF_OK);
    ck_assert_int_eq(wide_density(NULL, ROWS, dim, x, NULL, log_p, grad), NF_OK);
    for (int i = 0; i < ROWS; i++) to.baseline += (log_q[i] - BETA * log_p[i]) / ROWS;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_msg(nfi_reverse_check(flow, "test") == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nfi_reverse_make(&reverse, maker, flow), NF_OK);
    nfi_flow_clear_grad(flow);
    ck_assert_msg(nfi_reverse_grad(flow, &reverse, &to, &batch, &loss, &bad, "test") == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(bad.count, 0);
    memcpy(out, nfi_flow_grad_block(flow), (size_t)nf_flow_param_count(flow) * sizeof *out);
    nfi_maker_free(maker);
}

/* The same by differences, with log q of the flow, or of `other` as it stands */
static double draws_difference(nf_flow *flow, const nf_flow *other, double *theta, int64_t j)
{
    const double step = 1e-5, at = theta[j];
    double x[ROWS * 8], log_p[ROWS], log_q[ROWS], side[2] = { 0 };

    for (int s = 0; s < 2; s++) {
        theta[j] = at + (s ? step : -step);
        ck_assert_int_eq(nf_flow_set_params(flow, nf_flow_param_count(flow), theta), NF_OK);
        ck_assert_int_eq(nf_flow_sample_f64(flow, DRAW_SEED, DRAW_FIRST, ROWS, NULL, 1, x, NULL), NF_OK);
        ck_assert_int_eq(nf_flow_log_prob_f64(other ? other : flow, ROWS, x, NULL, log_q), NF_OK);
        ck_assert_int_eq(wide_density(NULL, ROWS, nf_flow_dim(flow), x, NULL, log_p, NULL), NF_OK);
        for (int i = 0; i < ROWS; i++) side[s] += (log_q[i] - BETA * log_p[i]) / ROWS;
    }
    theta[j] = at;
    ck_assert_int_eq(nf_flow_set_params(flow, nf_flow_param_count(flow), theta), NF_OK);
    return (side[1] - side[0]) / (2 * step);
}

/* A base under: 0 no layer; 1 an affine layer; 2 a split, with an affine layer of the columns that go on */
static nf_flow *over(const char *type, const void *config, int layers_of, nf_context *context)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64, .seed = 4 };
    const nf_split_config split = { .struct_size = sizeof split, .height = 2, .width = 1, .channels = 4, .keep = 1 };
    const nf_affine_config all = { .struct_size = sizeof all, .dim = 8 }, few = { .struct_size = sizeof few, .dim = 2 };
    nf_layer *layers[3] = { NULL };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    int n = 0;

    if (layers_of) layers[n++] = layer_of(context, "affine", &all);
    if (layers_of == 2) layers[n++] = layer_of(context, "split", &split);
    if (layers_of == 2) layers[n++] = layer_of(context, "affine", &few);
    ck_assert_msg(nf_base_create(&base, context, type, config) == NF_OK, "%s", nf_last_error());
    ck_assert_msg(nf_flow_create(&flow, context, &flow_config, base, layers, n) == NF_OK, "%s", nf_last_error());
    for (int i = 0; i < n; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    support_perturb(flow, 0.2, 9);
    return flow;
}

static const nf_base_diagonal_config diagonal = { .struct_size = sizeof diagonal, .dim = 8 };
static const nf_base_normal_full_config full = { .struct_size = sizeof full, .dim = 8 };
static const nf_base_mixture_config mixture = { .struct_size = sizeof mixture, .dim = 8, .components = 3 };
static const nf_base_student_config student = { .struct_size = sizeof student, .dim = 8 };
static const nf_base_laplace_config laplace = { .struct_size = sizeof laplace, .dim = 8 };
static const nf_base_logistic_config logistic = { .struct_size = sizeof logistic, .dim = 8 };
static const struct { const char *type; const void *config; int jumps; } trained_bases[] = {
    { "diagonal", &diagonal, 0 }, { "normal_full", &full, 0 }, { "mixture", &mixture, 3 }, { "student", &student, 0 },
    { "laplace", &laplace, 0 }, { "logistic", &logistic, 0 },
};

/* Of every parameter, the base's too, alone, behind a layer, and behind columns that left early; but of logits, by which draws jump. */
START_TEST(gradient_of_the_base)
{
    const bool path = _i % 2, splits = _i / 2 % 3 == 2;
    const int b = _i / 6;
    nf_flow *flow = over(trained_bases[b].type, trained_bases[b].config, _i / 2 % 3, NULL), *other = NULL;
    const int64_t count = nf_flow_param_count(flow), first_jump = nf_flow_layers(flow) ? 16 + (splits ? 4 : 0) : 0;
    double *theta = support_malloc(count * 8), *grad = support_malloc(count * 8), worst = 0;
    int64_t zeros = 0;

    ck_assert_int_eq(nf_flow_convert(&other, flow, NF_F64), NF_OK);
    ck_assert_int_eq(nf_flow_get_params(flow, count, theta), NF_OK);
    draws_gradient(flow, path, grad);
    for (int64_t j = 0; j < count; j++) {
        zeros += grad[j] == 0.0;
        if (j >= first_jump && j < first_jump + trained_bases[b].jumps) continue;
        const double d = draws_difference(flow, path ? other : NULL, theta, j);
        worst = fmax(worst, fabs(d - grad[j]) / fmax(1, fabs(d)));
    }
    ck_assert_msg(worst < 1e-6, "%s, path %d: error %g", trained_bases[b].type, path, worst);
    ck_assert_int_eq(zeros, 0);
    free(theta), free(grad);
    nf_flow_unref(flow), nf_flow_unref(other);
}
END_TEST

/* Without layers a normal base is fitted to the normal that it can be: with the path's gradient, to all digits that steps leave. */
START_TEST(base_is_trained)
{
    const nf_base_normal_full_config config = { .struct_size = sizeof config, .dim = DIM };
    const nf_target_config fit_config = { .struct_size = sizeof fit_config, .steps = 1500, .batch = 64, .report_draws = 2000 };
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64 };
    nf_target_report r = { .struct_size = sizeof r };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    nf_optimizer *optimizer = adam(2e-2);
    double theta[DIM + DIM * (DIM + 1) / 2];

    ck_assert_int_eq(nf_base_normal_full_create(&base, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_flow_create(&flow, NULL, &flow_config, base, NULL, 0), NF_OK);
    ck_assert_msg(nf_flow_fit_target(flow, optimizer, normal_density, NULL, NULL, &fit_config, &r) == NF_OK, "%s", nf_last_error());
    ck_assert_msg(fabs(r.elbo - LOG_Z) < 1e-6, "ELBO %.9g", r.elbo);
    ck_assert_int_eq(nf_flow_get_params(flow, DIM + DIM * (DIM + 1) / 2, theta), NF_OK);
    for (int j = 0; j < DIM; j++) ck_assert_double_eq_tol(theta[j], 0.5, 1e-3);
    nf_optimizer_unref(optimizer), nf_flow_unref(flow), nf_base_unref(base);
}
END_TEST

/* 0.8 N(2, 0.5^2) + 0.2 N(-2, 0.5^2) */
static nf_status two_modes(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)cond;
    ck_assert_int_eq(dim, 1);
    for (int64_t i = 0; i < n; i++) {
        const double a = 0.8 * exp(-2 * (x[i] - 2) * (x[i] - 2)), b = 0.2 * exp(-2 * (x[i] + 2) * (x[i] + 2));
        log_p[i] = log(a + b);
        if (grad) grad[i] = (-4 * (x[i] - 2) * a - 4 * (x[i] + 2) * b) / (a + b);
    }
    return NF_OK;
}

/* Weights of components are learned, by the score. */
START_TEST(weights_of_a_mixture_are_learned)
{
    const nf_base_mixture_config config = { .struct_size = sizeof config, .dim = 1, .components = 2 };
    const nf_target_config fit_config = { .struct_size = sizeof fit_config, .steps = 1500, .batch = 128, .report_draws = 4000 };
    const double start[] = { 0, 0, 1, -1, 0, 0 };
    nf_target_report r = { .struct_size = sizeof r };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    nf_optimizer *optimizer = adam(2e-2);
    double theta[6];

    ck_assert_int_eq(nf_base_mixture_create(&base, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_flow_create(&flow, NULL, NULL, base, NULL, 0), NF_OK);
    ck_assert_int_eq(nf_flow_set_params(flow, 6, start), NF_OK);
    ck_assert_msg(nf_flow_fit_target(flow, optimizer, two_modes, NULL, NULL, &fit_config, &r) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_get_params(flow, 6, theta), NF_OK);
    ck_assert_msg(fabs(theta[0] - theta[1] - log(4)) < 0.02, "logits differ by %g", theta[0] - theta[1]);
    for (int c = 0; c < 2; c++) ck_assert_double_eq_tol(theta[2 + c], c ? -2 : 2, 0.02);
    ck_assert_double_gt(r.elbo, r.log_z - 1e-3);
    nf_optimizer_unref(optimizer), nf_flow_unref(flow), nf_base_unref(base);
}
END_TEST

/* What is fixed stays, whatever the optimizer adds. */
START_TEST(fixed_base_is_not_trained)
{
    const nf_base_student_config config = { .struct_size = sizeof config, .dim = DIM, .fixed = 1 };
    const nf_adamw_config decay = { .struct_size = sizeof decay, .lr = 1e-2, .weight_decay = 0.1 };
    const nf_target_config fit_config = { .struct_size = sizeof fit_config, .steps = 20, .batch = 16 };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    nf_optimizer *optimizer = NULL;
    double before[3 * DIM], after[3 * DIM];

    ck_assert_int_eq(nf_base_student_create(&base, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_flow_create(&flow, NULL, NULL, base, NULL, 0), NF_OK);
    ck_assert_int_eq(nf_optimizer_adamw_create(&optimizer, NULL, &decay), NF_OK);
    ck_assert_int_eq(nf_flow_get_params(flow, 3 * DIM, before), NF_OK);
    ck_assert_msg(nf_flow_fit_target(flow, optimizer, normal_density, NULL, NULL, &fit_config, NULL) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_get_params(flow, 3 * DIM, after), NF_OK);
    ck_assert_mem_eq(before, after, 2 * DIM * 8);
    for (int j = 2 * DIM; j < 3 * DIM; j++) ck_assert_double_ne(before[j], after[j]);
    nf_optimizer_unref(optimizer), nf_flow_unref(flow), nf_base_unref(base);
}
END_TEST

/* Groups of columns with temperatures are for samples: draws of training and their weights are of the density. */
START_TEST(draws_know_no_temperatures_of_groups)
{
    const int64_t columns[] = { 1, 2 };
    const double temperature[] = { 0.5, 2.0 };
    const nf_base_normal_config groups = { .struct_size = sizeof groups, .dim = DIM, .columns = columns, .n_columns = 2,
                                           .temperature = temperature, .n_temperature = 2 };
    const nf_base_normal_config plain = { .struct_size = sizeof plain, .dim = DIM };
    double x[2][64 * DIM];

    for (int k = 0; k < 2; k++) {
        nf_base *base = NULL;
        nf_flow *flow = NULL;
        nf_importance_report r = { .struct_size = sizeof r };
        ck_assert_int_eq(nf_base_create(&base, NULL, "normal", k ? &groups : &plain), NF_OK);
        ck_assert_int_eq(nf_flow_create(&flow, NULL, NULL, base, NULL, 0), NF_OK);
        ck_assert_int_eq(nf_flow_importance(flow, normal_density, NULL, 1, 0, 64, NULL, x[k], NULL, &r), NF_OK);
        nf_flow_unref(flow), nf_base_unref(base);
    }
    ck_assert_mem_eq(x[0], x[1], sizeof x[0]);
}
END_TEST

/* q(x | c) of a base that knows c, behind a layer that does not */
static nf_flow *conditional_flow(nf_context *context)
{
    const int64_t hidden[] = { 16 };
    const nf_base_normal_conditional_config config = { .struct_size = sizeof config, .dim = DIM, .cond_dim = 1, .hidden = hidden, .n_hidden = 1,
                                                       .activation = NF_ACTIVATION_TANH };
    const nf_linear_config linear = { .struct_size = sizeof linear, .dim = DIM };
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64, .seed = 4 };
    nf_layer *layer = layer_of(context, "linear", &linear);
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    ck_assert_int_eq(nf_base_normal_conditional_create(&base, context, &config), NF_OK);
    ck_assert_msg(nf_flow_create(&flow, context, &flow_config, base, &layer, 1) == NF_OK, "%s", nf_last_error());
    nf_layer_unref(layer), nf_base_unref(base);
    return flow;
}

static nf_dataset *conditional_data(void)
{
    enum { N = 300 };
    double x[N * DIM], cond[N];
    uint64_t state = 8;
    nf_dataset *data = NULL;

    for (int i = 0; i < N; i++) {
        cond[i] = random_uniform(&state, -1, 1);
        for (int j = 0; j < DIM; j++) x[i * DIM + j] = 0.5 + cond[i] + random_normal(&state);
    }
    ck_assert_int_eq(nf_dataset_from_array_f64(&data, NULL, N, DIM, x), NF_OK);
    ck_assert_int_eq(nf_dataset_set_cond_f64(data, 1, cond), NF_OK);
    return data;
}

START_TEST(conditional_base_follows_its_conditions)
{
    const nf_target_config config = { .struct_size = sizeof config, .steps = 800, .batch = 64, .seed = 1 };
    nf_flow *flow = conditional_flow(NULL);
    nf_dataset *data = conditional_data();
    nf_optimizer *optimizer = adam(1e-2);

    ck_assert_msg(nf_flow_fit_target(flow, optimizer, normal_density, NULL, data, &config, NULL) == NF_OK, "%s", nf_last_error());
    for (int k = -1; k <= 1; k++) {
        const double at = 0.7 * k;
        nf_importance_report r = { .struct_size = sizeof r };
        ck_assert_msg(nf_flow_importance(flow, normal_density, NULL, 1, 0, 4000, &at, NULL, NULL, &r) == NF_OK, "%s", nf_last_error());
        ck_assert_msg(fabs(r.elbo - LOG_Z) < 0.02 && fabs(r.log_z - LOG_Z) < 0.02, "c %g: ELBO %g, log Z %g +- %g", at, r.elbo, r.log_z, r.log_z_se);
    }
    nf_dataset_unref(data), nf_optimizer_unref(optimizer), nf_flow_unref(flow);
}
END_TEST

/* Checkpoints: of the conditional flow, with data, so that shuffles go on as well */

typedef struct stopper {
    nf_context *context;
    int64_t calls; /* of log_density before the run is cancelled; 0: never */
} stopper;

static nf_status cancelling_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    stopper *s = user;
    if (s->calls && --s->calls == 0) nf_context_cancel(s->context);
    return normal_density(NULL, n, dim, x, cond, log_p, grad);
}

static nf_status checkpoint_fit(const nf_target_config *config, int64_t calls, int32_t threads, nf_target_report *report, double *theta)
{
    nf_context *context = support_context(threads, NULL);
    stopper s = { context, calls };
    nf_flow *flow = conditional_flow(context);
    nf_dataset *data = conditional_data();
    nf_optimizer *optimizer = adam(1e-2);
    const nf_status status = nf_flow_fit_target(flow, optimizer, cancelling_density, &s, data, config, report);

    ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), theta), NF_OK);
    nf_dataset_unref(data), nf_optimizer_unref(optimizer), nf_flow_unref(flow);
    nf_context_unref(context);
    return status;
}

#define CHECKPOINT_MOST 512
static char checkpoint_path[64], checkpoint_before[80];
static void checkpoint_paths(void)
{
    snprintf(checkpoint_path, sizeof checkpoint_path, "variational_test_%ld.nflow", (long)getpid());
    snprintf(checkpoint_before, sizeof checkpoint_before, "%s.previous", checkpoint_path);
}

START_TEST(resume_ends_in_the_same_bits)
{
    static const int64_t stops[] = { 1, 17, 30, 31, 47, 90, 99 }; /* in the first round, at its end, ..., before the last step */
    double want[CHECKPOINT_MOST] = { 0 };
    nf_target_config config = { .struct_size = sizeof config, .steps = 100, .batch = 48, .seed = 2, .round_steps = 30, .ema_decay = 0.9,
                                .data_weight = 0.2, .beta_start = 0.3, .beta_steps = 60, .warmup_steps = 7, .estimator = NF_ESTIMATOR_TOTAL };
    nf_target_report report = { .struct_size = sizeof report };

    checkpoint_paths();
    ck_assert_msg(checkpoint_fit(&config, 0, 1, NULL, want) == NF_OK, "%s", nf_last_error());
    for (int k = 0; k < SUPPORT_COUNT(stops); k++) {
        double theta[CHECKPOINT_MOST] = { 0 };
        config.checkpoint = checkpoint_path, config.resume = NULL;
        ck_assert_int_eq(checkpoint_fit(&config, stops[k], 1, &report, theta), NF_STOPPED);
        ck_assert_int_eq(report.steps, stops[k]);
        ck_assert_int_ne(memcmp(theta, want, sizeof theta), 0);
        config.checkpoint = NULL, config.resume = checkpoint_path;
        ck_assert_msg(checkpoint_fit(&config, 0, 3, &report, theta) == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(report.steps, 100);
        ck_assert_msg(memcmp(theta, want, sizeof theta) == 0, "stopped after %lld steps", (long long)stops[k]);
        ck_assert_int_eq(unlink(checkpoint_path), 0);
        unlink(checkpoint_before);
    }
}
END_TEST

/* A run that has ended goes on to more steps, where no schedule looks ahead; and from the checkpoint before. */
START_TEST(resume_to_more_steps)
{
    double want[CHECKPOINT_MOST] = { 0 }, theta[CHECKPOINT_MOST] = { 0 };
    nf_target_config config = { .struct_size = sizeof config, .steps = 100, .batch = 16, .seed = 2, .round_steps = 30, .checkpoint_rounds = 1,
                                .schedule = NF_SCHEDULE_CONSTANT };

    checkpoint_paths();
    ck_assert_int_eq(checkpoint_fit(&config, 0, 1, NULL, want), NF_OK);
    config.steps = 44, config.checkpoint = checkpoint_path;
    ck_assert_int_eq(checkpoint_fit(&config, 0, 1, NULL, theta), NF_OK);
    config.steps = 100, config.checkpoint = NULL;
    for (int k = 0; k < 2; k++) {
        config.resume = k ? checkpoint_before : checkpoint_path;
        ck_assert_msg(checkpoint_fit(&config, 0, 1, NULL, theta) == NF_OK, "%s", nf_last_error());
        ck_assert_mem_eq(theta, want, sizeof theta);
        ck_assert_int_eq(unlink(config.resume), 0);
    }
}
END_TEST

/* What another run left is refused, and nothing changes. */
START_TEST(resume_refuses_other_runs)
{
    double theta[CHECKPOINT_MOST] = { 0 }, fresh[CHECKPOINT_MOST] = { 0 };
    const nf_target_config config = { .struct_size = sizeof config, .steps = 20, .batch = 16, .seed = 2, .round_steps = 10 };
    nf_target_config first = config, other[5] = { config, config, config, config, config };
    static const char *const lines[] = { "another batch: 16, this run has 17", "another seed: 2, this run has 3", "another number of steps a round: 10",
                                         "another estimator: 1, this run has 2", "resume:" };
    nf_flow *flow = conditional_flow(NULL);
    nf_dataset *data = conditional_data();
    nf_optimizer *optimizer = adam(1e-2);
    nf_fit_config fit_config = { .struct_size = sizeof fit_config, .epochs = 1, .batch = 16, .seed = 2 };

    checkpoint_paths();
    ck_assert_int_eq(nf_flow_get_params(flow, nf_flow_param_count(flow), fresh), NF_OK);
    first.checkpoint = checkpoint_path;
    ck_assert_int_eq(checkpoint_fit(&first, 0, 1, NULL, theta), NF_OK);
    other[0].batch = 17, other[1].seed = 3, other[2].round_steps = 11, other[3].estimator = NF_ESTIMATOR_TOTAL;
    for (int k = 0; k < 5; k++) {
        other[k].resume = k < 4 ? checkpoint_path : "no_such_file";
        ck_assert_int_eq(checkpoint_fit(&other[k], 0, 1, NULL, theta), k < 4 ? NF_ERR_STATE : NF_ERR_IO);
        ck_assert_msg(strncmp(nf_last_error(), "nf_flow_fit_target: ", 20) == 0 && strstr(nf_last_error(), lines[k]), "%s", nf_last_error());
        ck_assert_mem_eq(theta, fresh, sizeof theta);
    }
    fit_config.resume = checkpoint_path; /* of a fit to a density, by one to data */
    ck_assert_int_eq(nf_flow_fit(flow, optimizer, data, NULL, &fit_config, NULL), NF_ERR_STATE);
    ck_assert_msg(strstr(nf_last_error(), "nf_flow_fit: the checkpoint is of a run with another objective: 3") != NULL, "%s", nf_last_error());
    ck_assert_int_eq(unlink(checkpoint_path), 0);
    unlink(checkpoint_before);
    nf_dataset_unref(data), nf_optimizer_unref(optimizer), nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("variational");
    TCase *tcase = tcase_create("variational");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, gradient_is_that_of_the_loss, 0, 2 * SUPPORT_COUNT(chains));
    tcase_add_loop_test(tcase, gradient_is_that_of_dense_solves, 0, SUPPORT_COUNT(chains));
    tcase_add_test(tcase, recipes_are_not_solved_densely);
    tcase_add_test(tcase, gradient_reaches_every_layer);
    tcase_add_test(tcase, normal_constant_is_found);
    tcase_add_test(tcase, threads_give_the_same_bits);
    tcase_add_loop_test(tcase, threads_give_the_same_bits_of_chains, 0, SUPPORT_COUNT(chains) + 1);
    tcase_add_test(tcase, conditions_and_data);
    tcase_add_test(tcase, summary_of_known_weights);
    tcase_add_test(tcase, faults);
    tcase_add_test(tcase, arrays_of_importance);
    tcase_add_loop_test(tcase, gradient_of_the_base, 0, 6 * SUPPORT_COUNT(trained_bases));
    tcase_add_test(tcase, base_is_trained);
    tcase_add_test(tcase, weights_of_a_mixture_are_learned);
    tcase_add_test(tcase, fixed_base_is_not_trained);
    tcase_add_test(tcase, draws_know_no_temperatures_of_groups);
    tcase_add_test(tcase, conditional_base_follows_its_conditions);
    tcase_add_test(tcase, resume_ends_in_the_same_bits);
    tcase_add_test(tcase, resume_to_more_steps);
    tcase_add_test(tcase, resume_refuses_other_runs);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
