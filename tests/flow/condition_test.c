/* SPDX-License-Identifier: MIT
 *
 * condition_test.c - conditions standardised and embedded: values, gradients against differences, bits, files, refusals, training
 */
#include <check.h>
#include <math.h>
#include <nflow/base.h>
#include <nflow/continuous.h>
#include <nflow/planar.h>
#include <nflow/tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/match.h"
#include "flow/reverse.h"
#include "support.h"

enum { ROWS = 40, DIM = 2, COND = 3 };
static const double cond_mean[COND] = { 1e3, -2.0, 0.25 }, cond_sd[COND] = { 250.0, 0.5, 3.0 };
static const int64_t hidden[1] = { 6 }, embed_hidden[2] = { 5, 4 };

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

/* A stage, as every recipe takes it. */
typedef struct stage {
    int32_t dtype, standardise, activation;
    int64_t embed_dim, n_hidden;
} stage;
static const stage raw = { .dtype = NF_F64 }, standardised = { .dtype = NF_F64, .standardise = 1 },
                   embedded = { .dtype = NF_F64, .embed_dim = 4, .n_hidden = 2 },
                   both = { .dtype = NF_F64, .standardise = 1, .embed_dim = 4, .n_hidden = 2, .activation = NF_ACTIVATION_TANH };

#define STAGE(s)                                                                                                                               \
    .cond_dim = COND, .dtype = (s)->dtype, .cond_mean = (s)->standardise ? cond_mean : NULL, .n_cond_mean = (s)->standardise ? COND : 0,         \
    .cond_sd = (s)->standardise ? cond_sd : NULL, .n_cond_sd = (s)->standardise ? COND : 0, .embed_dim = (s)->embed_dim,                         \
    .embed_hidden = (s)->n_hidden ? embed_hidden : NULL, .n_embed_hidden = (s)->n_hidden, .embed_activation = (s)->activation

static nf_flow *make_realnvp(nf_context *context, const stage *s)
{
    nf_flow *flow = NULL;
    expect(nf_flow_create_realnvp(&flow, context, &(nf_realnvp_config){ .struct_size = sizeof(nf_realnvp_config), STAGE(s), .dim = DIM, .layers = 3,
                                                                        .hidden = hidden, .n_hidden = 1, .actnorm = 2, .seed = 7 }));
    return flow;
}

static nf_flow *make_table(nf_context *context, const stage *s, nf_status (*create)(nf_flow **, nf_context *, const nf_table_config *))
{
    nf_flow *flow = NULL;
    expect(create(&flow, context, &(nf_table_config){ .struct_size = sizeof(nf_table_config), STAGE(s), .dim = DIM, .layers = 2, .hidden = hidden,
                                                      .n_hidden = 1, .seed = 7 }));
    return flow;
}
static nf_flow *make_nsf(nf_context *context, const stage *s) { return make_table(context, s, nf_flow_create_nsf); }
static nf_flow *make_maf(nf_context *context, const stage *s) { return make_table(context, s, nf_flow_create_maf); }
static nf_flow *make_iaf(nf_context *context, const stage *s) { return make_table(context, s, nf_flow_create_iaf); }

static nf_flow *make_cnf(nf_context *context, const stage *s, int32_t gradient)
{
    const double tolerance = s->dtype == NF_F32 ? 1e-6 : 1e-9;
    nf_flow *flow = NULL;
    expect(nf_flow_create_ffjord(&flow, context, &(nf_ffjord_config){ .struct_size = sizeof(nf_ffjord_config), STAGE(s), .dim = DIM, .hidden = hidden,
                                                                      .n_hidden = 1, .gradient = gradient, .rtol = tolerance, .atol = tolerance, .seed = 7 }));
    return flow;
}
static nf_flow *make_discrete(nf_context *context, const stage *s) { return make_cnf(context, s, NF_GRADIENT_DISCRETE); }
static nf_flow *make_adjoint(nf_context *context, const stage *s) { return make_cnf(context, s, NF_GRADIENT_ADJOINT); }

/* Of images 2 x 2 of one channel: four columns. */
static nf_flow *make_glow(nf_context *context, const stage *s)
{
    nf_flow *flow = NULL;
    expect(nf_flow_create_glow(&flow, context, &(nf_glow_config){ .struct_size = sizeof(nf_glow_config), STAGE(s), .height = 2, .width = 2, .channels = 1,
                                                                  .steps = 1, .hidden = 3, .bits = NF_GLOW_REAL, .seed = 7 }));
    return flow;
}

/* A base that conditions, under a layer that does not. */
static nf_flow *make_based(nf_context *context, const stage *s)
{
    const nf_base_normal_conditional_config config = { .struct_size = sizeof config, .dim = DIM, .cond_dim = s->embed_dim ? s->embed_dim : COND,
                                                       .hidden = hidden, .n_hidden = 1, .activation = NF_ACTIVATION_TANH };
    nf_base *base = NULL;
    nf_layer *layer = NULL;
    nf_flow *flow = NULL;
    expect(nf_base_normal_conditional_create(&base, context, &config));
    expect(nf_planar_create(&layer, context, &(nf_planar_config){ .struct_size = sizeof(nf_planar_config), .dim = DIM }));
    expect(nf_flow_create(&flow, context, &(nf_flow_config){ .struct_size = sizeof(nf_flow_config), STAGE(s), .seed = 7 }, base, &layer, 1));
    nf_layer_unref(layer);
    nf_base_unref(base);
    return flow;
}

static const struct kind {
    const char *name;
    nf_flow *(*make)(nf_context *context, const stage *s);
    double tolerance; /* of gradients */
} kinds[] = {
    { "realnvp", make_realnvp, 1e-7 }, { "nsf", make_nsf, 1e-6 }, { "maf", make_maf, 1e-7 }, { "iaf", make_iaf, 1e-7 },
    { "ffjord", make_discrete, 1e-6 }, { "ffjord by the adjoint", make_adjoint, 1e-5 }, { "a conditional base", make_based, 1e-6 },
    { "glow", make_glow, 1e-6 }, /* last: of four columns */
};
enum { KINDS = SUPPORT_COUNT(kinds) };

/* Rows and raw conditions, about as far apart as cond_sd says. */
typedef struct rows {
    double x[ROWS * 4], cond[ROWS * COND];
} rows;
static rows make_rows(uint64_t seed)
{
    rows r;
    for (int i = 0; i < ROWS * 4; i++) r.x[i] = 0.7 * random_normal(&seed);
    for (int i = 0; i < ROWS * COND; i++) r.cond[i] = cond_mean[i % COND] + cond_sd[i % COND] * random_normal(&seed);
    return r;
}
/* Those of a flow that does not standardise: about 1. */
static rows make_plain(uint64_t seed)
{
    rows r = make_rows(seed);
    for (int i = 0; i < ROWS * COND; i++) r.cond[i] = (r.cond[i] - cond_mean[i % COND]) / cond_sd[i % COND];
    return r;
}
static rows rows_of(const stage *s, uint64_t seed) { return s->standardise ? make_rows(seed) : make_plain(seed); }

static nf_param_view view_of(const nf_flow *flow, const char *name)
{
    nf_param_view view = { .struct_size = sizeof view };

    for (int64_t i = 0; nf_flow_param(flow, i, &view) == NF_OK; i++)
        if (strcmp(view.name, name) == 0) return view;
    ck_abort_msg("no parameter %s", name);
    return view;
}

/* First element and number of elements of the network. */
static int64_t net_first(const nf_flow *flow) { return view_of(flow, "condition.net.0.weight").offset; }
static int64_t net_count(void) { return (COND + 1) * 5 + 6 * 4 + 5 * 4; }

/* Values */

START_TEST(condition__check_value)
{
    const double mean = 0.7, sd = 1.3, e = 0.3980769230769231, x[2] = { 0.3, -0.8 }, c = 2.385;
    nf_realnvp_config config = { .struct_size = sizeof config, .dim = 2, .cond_dim = 1, .layers = 2, .hidden = hidden, .n_hidden = 1, .dtype = NF_F64,
                                 .actnorm = 2, .seed = 3 };
    const int64_t none[1] = { 0 };
    nf_flow *plain = NULL, *flow = NULL;
    double want, got, theta[1024];

    expect(nf_flow_create_realnvp(&plain, NULL, &config));
    config.cond_mean = &mean, config.n_cond_mean = 1, config.cond_sd = &sd, config.n_cond_sd = 1;
    config.embed_dim = 1, config.embed_hidden = none, config.n_embed_hidden = 1;
    expect(nf_flow_create_realnvp(&flow, NULL, &config));
    support_perturb(plain, 0.5, 4);
    const int64_t count = nf_flow_param_count(plain), more = nf_flow_param_count(flow);
    ck_assert_int_eq(more, count + 4); /* mean, sd, W, b */
    expect(nf_flow_get_params(plain, count, theta));
    ck_assert_int_eq(view_of(flow, "condition.mean").offset, count);
    ck_assert_int_eq(view_of(flow, "condition.sd").properties, NF_PARAM_FROZEN);
    theta[count] = mean, theta[count + 1] = sd, theta[count + 2] = 0.5, theta[count + 3] = -0.25;
    expect(nf_flow_set_params(flow, more, theta));
    expect(nf_flow_log_prob_f64(plain, 1, x, &e, &want));
    expect(nf_flow_log_prob_f64(flow, 1, x, &c, &got));
    ck_assert_double_eq_tol(got, want, 1e-13);
    ck_assert_int_eq(nf_flow_cond_dim(flow), 1);
    nf_flow_unref(plain);
    nf_flow_unref(flow);
}
END_TEST

/* Of rows of the flow's precision and conditions that the caller has standardised, every call has the bits of raw ones through the stage. */
START_TEST(condition__standardises_as_a_caller_would)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        const stage with = { .dtype = dtype, .standardise = 1 }, without = { .dtype = dtype };
        nf_flow *flow = kinds[_i].make(NULL, &with), *plain = kinds[_i].make(NULL, &without);
        const rows r = make_rows(3);
        const int64_t dim = nf_flow_dim(flow), size = support_size(dtype), count = nf_flow_param_count(plain);
        void *x = support_array(dtype, ROWS * dim, r.x), *cond = support_array(dtype, ROWS * COND, r.cond), *seen = support_array(dtype, ROWS * COND, r.cond);
        void *grad[2], *a = support_malloc(ROWS * dim * size), *b = support_malloc(ROWS * dim * size);
        double p[ROWS], q[ROWS], nll[2];

        for (int i = 0; i < ROWS * COND; i++) {
            const double mean = dtype == NF_F32 ? (double)(float)cond_mean[i % COND] : cond_mean[i % COND];
            const double sd = dtype == NF_F32 ? (double)(float)cond_sd[i % COND] : cond_sd[i % COND];
            support_set(dtype, seen, i, (support_at(dtype, cond, i) - mean) / sd);
        }
        support_perturb(plain, 0.2, 5); /* the trained parameters come in the same order in both */
        support_perturb(flow, 0.2, 5);
        expect(any_log_prob(plain, ROWS, x, seen, p));
        expect(any_log_prob(flow, ROWS, x, cond, q));
        ck_assert_int_eq(support_differ(p, q, ROWS, 8), -1);
        expect(any_score(plain, ROWS, x, seen, p, a));
        expect(any_score(flow, ROWS, x, cond, q, b));
        ck_assert_int_eq(support_differ(p, q, ROWS, 8), -1);
        ck_assert_int_eq(support_differ(a, b, ROWS * dim, size), -1);
        expect(any_sample(plain, 9, 0, ROWS, seen, 1.0, a, p));
        expect(any_sample(flow, 9, 0, ROWS, cond, 1.0, b, q));
        ck_assert_int_eq(support_differ(p, q, ROWS, 8), -1);
        ck_assert_int_eq(support_differ(a, b, ROWS * dim, size), -1);
        expect(any_forward(plain, ROWS, x, seen, a, p));
        expect(any_forward(flow, ROWS, x, cond, b, q));
        ck_assert_int_eq(support_differ(a, b, ROWS * dim, size), -1);
        expect(any_inverse(plain, ROWS, x, seen, a, p));
        expect(any_inverse(flow, ROWS, x, cond, b, q));
        ck_assert_int_eq(support_differ(a, b, ROWS * dim, size), -1);
        expect(any_nll_grad(plain, ROWS, x, seen, NULL, &nll[0]));
        expect(any_nll_grad(flow, ROWS, x, cond, NULL, &nll[1]));
        ck_assert_double_eq(nll[0], nll[1]);
        expect(any_params(plain, NULL, &grad[0], NULL));
        expect(any_params(flow, NULL, &grad[1], NULL));
        const int64_t slice = view_of(flow, "condition.mean").offset;
        ck_assert_int_eq(support_differ(grad[0], grad[1], slice, size), -1);
        for (int64_t j = 0; j < 2 * COND; j++) ck_assert_double_eq(support_at(dtype, grad[1], slice + j), 0.0);
        for (int64_t j = slice; j < count; j++) ck_assert_double_eq(support_at(dtype, grad[1], j + 2 * COND), support_at(dtype, grad[0], j)); /* the base's */
        free(x), free(cond), free(seen), free(a), free(b);
        nf_flow_unref(flow);
        nf_flow_unref(plain);
    }
}
END_TEST

START_TEST(condition__data_initialise_through_the_stage)
{
    nf_flow *flow[2] = { NULL, NULL };
    const rows r = make_rows(3);
    double seen[ROWS * COND], theta[2][4096];

    for (int i = 0; i < ROWS * COND; i++) seen[i] = (r.cond[i] - cond_mean[i % COND]) / cond_sd[i % COND];
    for (int k = 0; k < 2; k++) {
        const stage *s = k ? &standardised : &raw;
        expect(nf_flow_create_realnvp(&flow[k], NULL, &(nf_realnvp_config){ .struct_size = sizeof(nf_realnvp_config), STAGE(s), .dim = DIM, .layers = 3,
                                                                            .hidden = hidden, .n_hidden = 1, .actnorm = 1, .seed = 7 }));
        support_perturb(flow[k], 0.3, 2);
        expect(nf_flow_init_data_f64(flow[k], ROWS, r.x, k ? r.cond : seen));
        ck_assert_int_le(nf_flow_param_count(flow[k]), 4096);
        expect(nf_flow_get_params(flow[k], nf_flow_param_count(flow[k]), theta[k]));
    }
    ck_assert_int_eq(support_differ(theta[0], theta[1], nf_flow_param_count(flow[0]), 8), -1);
    nf_flow_unref(flow[0]);
    nf_flow_unref(flow[1]);
}
END_TEST

/* Gradients */

static double mean_nll(nf_flow *flow, const rows *r)
{
    double p[ROWS], sum = 0.0;
    expect(nf_flow_log_prob_f64(flow, ROWS, r->x, r->cond, p));
    for (int i = 0; i < ROWS; i++) sum -= p[i] / ROWS;
    return sum;
}

/* Largest error of grad over the embedding, relative to the largest entry of the differences of `loss`. */
typedef double loss_fn(nf_flow *flow, const rows *r);
static double embedding_error(nf_flow *flow, const rows *r, const double *grad, loss_fn *loss)
{
    const int64_t count = nf_flow_param_count(flow), first = net_first(flow);
    double *theta = support_malloc(count * 8), worst = 0.0, scale = 0.0;

    expect(nf_flow_get_params(flow, count, theta));
    for (int64_t k = first; k < first + net_count(); k++) {
        const double at = theta[k], step = 1e-5;
        double side[2];
        for (int s = 0; s < 2; s++) {
            theta[k] = at + (s ? step : -step);
            expect(nf_flow_set_params(flow, count, theta));
            side[s] = loss(flow, r);
        }
        theta[k] = at;
        const double slope = (side[1] - side[0]) / (2 * step);
        scale = fmax(scale, fabs(slope));
        worst = fmax(worst, fabs(slope - grad[k]));
    }
    expect(nf_flow_set_params(flow, count, theta));
    free(theta);
    ck_assert_msg(scale > 1e-3, "the loss does not depend on the embedding: %g", scale);
    return worst / scale;
}

START_TEST(condition__gradient_is_that_of_the_loss)
{
    const stage *const stages[] = { &embedded, &both };

    for (int k = 0; k < 2; k++) {
        nf_flow *flow = kinds[_i].make(NULL, stages[k]);
        const rows r = rows_of(stages[k], 3);
        double *grad, error;

        support_perturb(flow, 0.3, 5);
        expect(nf_flow_nll_grad_f64(flow, ROWS, r.x, r.cond, NULL));
        expect(nf_flow_params_f64(flow, NULL, &grad, NULL));
        error = embedding_error(flow, &r, grad, mean_nll);
        ck_assert_msg(error < kinds[_i].tolerance, "%s, stage %d: error %g", kinds[_i].name, k, error);
        nf_flow_unref(flow);
    }
}
END_TEST

/* The same in f32, to its precision, against f64; it adds to what stands there. */
START_TEST(condition__gradient_in_f32)
{
    stage s = both;
    s.dtype = NF_F32;
    nf_flow *flow = kinds[_i].make(NULL, &s), *wide = NULL;
    const rows r = make_rows(3);
    const int64_t dim = nf_flow_dim(flow);
    float x[ROWS * 4], cond[ROWS * COND], *grad;
    double xs[ROWS * 4], conds[ROWS * COND], *want, scale = 0.0, worst = 0.0;

    support_perturb(flow, 0.3, 5);
    expect(nf_flow_convert(&wide, flow, NF_F64));
    for (int64_t i = 0; i < ROWS * dim; i++) xs[i] = x[i] = (float)r.x[i];
    for (int64_t i = 0; i < ROWS * COND; i++) conds[i] = cond[i] = (float)r.cond[i];
    expect(nf_flow_nll_grad_f64(wide, ROWS, xs, conds, NULL));
    expect(nf_flow_params_f64(wide, NULL, &want, NULL));
    expect(nf_flow_params(flow, NULL, &grad, NULL));
    const int64_t first = net_first(flow);
    for (int64_t k = first; k < first + net_count(); k++) grad[k] = 0.5F;
    expect(nf_flow_nll_grad(flow, ROWS, x, cond, NULL));
    for (int64_t k = first; k < first + net_count(); k++) {
        scale = fmax(scale, fabs(want[k]));
        worst = fmax(worst, fabs((double)grad[k] - 0.5 - want[k]));
    }
    ck_assert_msg(worst <= 2e-4 * fmax(scale, 1.0), "%s: error %g of %g", kinds[_i].name, worst, scale);
    nf_flow_unref(flow);
    nf_flow_unref(wide);
}
END_TEST

/* The flow's own check, which looks at the embedding's gradient besides. */
START_TEST(condition__check_passes)
{
    nf_flow *flow = kinds[_i].make(NULL, &both);
    const rows r = make_rows(3);
    nf_check_report report = { .struct_size = sizeof report };

    support_perturb(flow, 0.2, 5);
    expect(nf_flow_check_f64(flow, 8, r.x, r.cond, &report));
    ck_assert_msg(report.passed && report.grad_theta_error_max < 1e-5, "%s: %g %g %g", kinds[_i].name, report.round_trip_max, report.grad_x_error_max,
                  report.grad_theta_error_max);
    nf_flow_unref(flow);
}
END_TEST

/* A target that is normal about the first condition. */
static nf_status target_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user;
    for (int64_t i = 0; i < n; i++, x += dim) {
        const double centre = 0.5 * (cond[i * COND] - cond_mean[0]) / cond_sd[0];
        log_p[i] = 0.0;
        for (int64_t j = 0; j < dim; j++) {
            log_p[i] -= 2.0 * (x[j] - centre) * (x[j] - centre);
            if (grad) grad[i * dim + j] = -4.0 * (x[j] - centre);
        }
    }
    return NF_OK;
}

enum { DRAWS_SEED = 17 };

/* Of the flow's draws, which move with its parameters, the base's included. */
static double reverse_loss(nf_flow *flow, const rows *r)
{
    double x[ROWS * DIM], log_q[ROWS], log_p[ROWS], sum = 0.0;

    expect(nf_flow_sample_f64(flow, DRAWS_SEED, 0, ROWS, r->cond, 1.0, x, NULL));
    expect(nf_flow_log_prob_f64(flow, ROWS, x, r->cond, log_q));
    (void)target_density(NULL, ROWS, DIM, x, r->cond, log_p, NULL);
    for (int i = 0; i < ROWS; i++) sum += (log_q[i] - log_p[i]) / ROWS;
    return sum;
}

START_TEST(condition__gradient_through_draws)
{
    nf_flow *flow = kinds[_i].make(NULL, &both);
    const rows r = make_rows(3);
    double x[ROWS * DIM], log_p[ROWS], slope[ROWS * DIM], sum;
    const nfi_batch batch = { .n = ROWS, .x = x, .cond = r.cond, .likelihood = true, .scale = 1.0 / ROWS };
    const nfi_target target = { .log_p = log_p, .grad = slope, .beta = 1.0, .seed = DRAWS_SEED };
    nf_maker *maker = NULL;
    nfi_reverse reverse;
    nfi_bad_rows bad;
    double *grad, error;

    support_perturb(flow, 0.3, 5);
    expect(nf_flow_params_f64(flow, NULL, &grad, NULL));
    expect(nf_flow_sample_f64(flow, DRAWS_SEED, 0, ROWS, r.cond, 1.0, x, NULL));
    (void)target_density(NULL, ROWS, DIM, x, r.cond, log_p, slope);
    expect(nfi_maker_create(&maker, NULL));
    expect(nfi_reverse_make(&reverse, maker, flow));
    expect(nfi_reverse_grad(flow, &reverse, &target, &batch, &sum, &bad, "test"));
    nfi_maker_free(maker);
    error = embedding_error(flow, &r, grad, reverse_loss);
    ck_assert_msg(error < 1e-5, "%s: error %g", kinds[_i].name, error);
    nf_flow_unref(flow);
}
END_TEST

/* Flow matching */

static uint64_t match_keys[ROWS];
static double match_sum(nf_flow *flow, const rows *r)
{
    const nfi_batch batch = { .n = ROWS, .x = r->x, .cond = r->cond, .keys = match_keys, .epoch = 3 };
    nf_maker *maker = NULL;
    nfi_match match;
    double sum = 0.0;

    expect(nfi_maker_create(&maker, NULL));
    expect(nfi_match_make(&match, maker, flow, 0, ROWS));
    expect(nfi_match_losses(flow, &match, &batch, "test"));
    for (int i = 0; i < ROWS; i++) sum += match.loss[i] / ROWS;
    nfi_maker_free(maker);
    return sum;
}

START_TEST(condition__gradient_of_flow_matching)
{
    nf_flow *flow = make_discrete(NULL, &both);
    const rows r = make_rows(3);
    const nfi_batch batch = { .n = ROWS, .x = r.x, .cond = r.cond, .keys = match_keys, .epoch = 3, .scale = 1.0 / ROWS };
    nf_maker *maker = NULL;
    nfi_match match;
    nfi_bad_rows bad;
    double *grad, sum, error;

    for (int i = 0; i < ROWS; i++) match_keys[i] = (uint64_t)i;
    support_perturb(flow, 0.3, 5);
    expect(nf_flow_params_f64(flow, NULL, &grad, NULL));
    expect(nfi_maker_create(&maker, NULL));
    expect(nfi_match_make(&match, maker, flow, 0, ROWS));
    expect(nfi_match_grad(flow, &match, &batch, &sum, &bad, "test"));
    nfi_maker_free(maker);
    ck_assert_double_eq_tol(sum / ROWS, match_sum(flow, &r), 1e-12);
    error = embedding_error(flow, &r, grad, match_sum);
    ck_assert_msg(error < 1e-7, "error %g", error);
    nf_flow_unref(flow);
}
END_TEST

/* Bits */

/* A batch of several slots and blocks: log p, draws, and the gradient, by threads, memory budget and batch. */
enum { MANY = 700 };
static void bits_of(const struct kind *kind, int32_t threads, int64_t budget, int64_t batch, double *log_prob, void *draws, void *grad)
{
    const stage s = { .dtype = NF_F32, .standardise = 1, .embed_dim = 4, .n_hidden = 2 };
    const nf_context_config config = { .struct_size = sizeof config, .threads = threads, .memory_budget = budget };
    nf_context *context = NULL;
    float *x = support_malloc(MANY * 4 * 4), *cond = support_malloc(MANY * COND * 4), *g;
    uint64_t state = 5;

    expect(nf_context_create(&context, &config));
    nf_flow *flow = kind->make(context, &s);
    const int64_t dim = nf_flow_dim(flow), size = 4;
    support_perturb(flow, 0.2, 5);
    for (int64_t i = 0; i < MANY * dim; i++) x[i] = (float)random_normal(&state);
    for (int64_t i = 0; i < MANY * COND; i++) cond[i] = (float)(cond_mean[i % COND] + cond_sd[i % COND] * random_normal(&state));
    for (int64_t i = 0; i < MANY; i += batch) {
        const int64_t n = MANY - i < batch ? MANY - i : batch;
        expect(nf_flow_log_prob(flow, n, x + i * dim, cond + i * COND, log_prob + i));
        expect(nf_flow_sample(flow, 3, i, n, cond + i * COND, 1.0, (float *)draws + i * dim, NULL));
    }
    expect(nf_flow_nll_grad(flow, MANY, x, cond, NULL));
    expect(nf_flow_params(flow, NULL, &g, NULL));
    memcpy(grad, g, (size_t)(nf_flow_param_count(flow) * size));
    free(x), free(cond);
    nf_flow_unref(flow);
    nf_context_unref(context);
}

START_TEST(condition__bits_depend_on_no_thread_batch_or_memory)
{
    static double p[2][MANY];
    static float x[2][MANY * 4], grad[2][8192];
    static const struct { int32_t threads; int64_t budget, batch; } ways[] = { { 1, 0, 1 }, { 3, 0, MANY }, { 1, 1, 50 }, { 4, 1, MANY } };

    memset(grad, 0, sizeof grad);
    bits_of(&kinds[_i], 1, 0, MANY, p[0], x[0], grad[0]);
    for (int k = 0; k < SUPPORT_COUNT(ways); k++) {
        bits_of(&kinds[_i], ways[k].threads, ways[k].budget, ways[k].batch, p[1], x[1], grad[1]);
        ck_assert_int_eq(support_differ(p[0], p[1], MANY, 8), -1);
        ck_assert_int_eq(support_differ(x[0], x[1], MANY * 4, 4), -1);
        ck_assert_msg(support_differ(grad[0], grad[1], 8192, 4) == -1, "%s, way %d: gradient element %lld", kinds[_i].name, k,
                      (long long)support_differ(grad[0], grad[1], 8192, 4));
    }
}
END_TEST

/* After nf_flow_reserve no call of up to so many rows allocates, nor does a gradient. */
START_TEST(condition__computing_allocates_nothing)
{
    ledger book;
    ledger_reset(&book);
    nf_context *context = support_context(1, &book);
    nf_flow *flow = kinds[_i].make(context, &both);
    const rows r = make_rows(3);
    double p[ROWS], out[ROWS * 4], nll;

    support_perturb(flow, 0.2, 5);
    expect(nf_flow_reserve(flow, ROWS, 1));
    const long long before = atomic_load(&book.calls);
    expect(nf_flow_log_prob_f64(flow, ROWS, r.x, r.cond, p));
    expect(nf_flow_log_prob_f64(flow, 1, r.x, r.cond, p));
    expect(nf_flow_sample_f64(flow, 1, 0, ROWS, r.cond, 1.0, out, p));
    expect(nf_flow_score_f64(flow, ROWS, r.x, r.cond, p, out));
    expect(nf_flow_nll_grad_f64(flow, ROWS, r.x, r.cond, &nll));
    ck_assert_int_eq(atomic_load(&book.calls), before);
    nf_flow_unref(flow);
    nf_context_unref(context);
    ck_assert_int_eq(atomic_load(&book.blocks), 0);
    ck_assert_int_eq(atomic_load(&book.damaged), 0);
}
END_TEST

/* Every allocation of making, saving, loading and initialising an embedded flow fails once, and nothing leaks. */
static nf_status make_and_use(nf_context *context)
{
    const rows r = make_rows(3);
    nf_flow *flow = NULL, *again = NULL;
    int64_t size = 0;
    nf_status status = nf_flow_create_realnvp(&flow, context, &(nf_realnvp_config){ .struct_size = sizeof(nf_realnvp_config), STAGE(&both), .dim = DIM, .layers = 2,
                                                                                    .hidden = hidden, .n_hidden = 1, .seed = 7 });
    char bytes[32768];

    if (!status) status = nf_flow_init_data_f64(flow, ROWS, r.x, r.cond);
    if (!status) status = nf_flow_save_memory(flow, bytes, sizeof bytes, &size);
    if (!status) status = nf_flow_load_memory(&again, context, bytes, size);
    if (!status) status = nf_flow_nll_grad_f64(again, ROWS, r.x, r.cond, NULL);
    nf_flow_unref(flow);
    nf_flow_unref(again);
    return status;
}

START_TEST(condition__failing_allocations_leak_nothing)
{
    for (long long fail = 0;; fail++) {
        ledger book;
        nf_context *context;
        nf_status status;
        ledger_reset(&book);
        context = support_context(1, &book);
        book.fail_at = atomic_load(&book.calls) + fail;
        status = make_and_use(context);
        const bool reached = atomic_load(&book.calls) > book.fail_at;
        nf_context_unref(context);
        ck_assert_int_eq(atomic_load(&book.blocks), 0);
        ck_assert_int_eq(atomic_load(&book.damaged), 0);
        ck_assert_msg(status == (reached ? NF_ERR_MEMORY : NF_OK), "allocation %lld: %s", fail, nf_last_error());
        if (!reached) break;
        ck_assert_int_lt(fail, 2000);
    }
}
END_TEST

/* A row with NaN in its condition is told, and the others have their bits. */
START_TEST(condition__rows_that_are_not_finite)
{
    nf_flow *flow = make_realnvp(NULL, &both);
    rows r = make_rows(3);
    double p[ROWS], q[ROWS], nll;

    support_perturb(flow, 0.3, 5);
    expect(nf_flow_log_prob_f64(flow, ROWS, r.x, r.cond, p));
    r.cond[5 * COND + 1] = (double)NAN;
    ck_assert_int_eq(nf_flow_log_prob_f64(flow, ROWS, r.x, r.cond, q), NF_ROWS_NONFINITE);
    for (int i = 0; i < ROWS; i++) ck_assert(i == 5 ? isnan(q[i]) : q[i] == p[i]);
    ck_assert_int_eq(nf_flow_nll_grad_f64(flow, ROWS, r.x, r.cond, &nll), NF_ROWS_NONFINITE);
    double *grad;
    expect(nf_flow_params_f64(flow, NULL, &grad, NULL));
    for (int64_t k = 0; k < nf_flow_param_count(flow); k++) ck_assert(isfinite(grad[k]));
    nf_flow_unref(flow);
}
END_TEST

/* Nor does initialisation take it: what it learns from would not be the rows. */
START_TEST(condition__initialisation_refuses_what_is_not_finite)
{
    const stage *stages[] = { &raw, &standardised, &embedded };
    nf_flow *flow = make_based(NULL, stages[_i]);
    const int64_t count = nf_flow_param_count(flow), dim = nf_flow_dim(flow);
    double *before = support_malloc(count * 8), *after = support_malloc(count * 8), *x = support_malloc(3 * dim * 8), cond[3 * COND] = { 0 };

    for (int64_t i = 0; i < 3 * dim; i++) x[i] = sin((double)i);
    cond[COND + 2] = -INFINITY;
    expect(nf_flow_get_params(flow, count, before));
    ck_assert_int_eq(nf_flow_init_data_f64(flow, 3, x, cond), NF_ERR_NONFINITE);
    ck_assert_str_eq(nf_last_error(), "nf_flow_init_data_f64: cond[1][2] is not finite");
    expect(nf_flow_get_params(flow, count, after));
    ck_assert_mem_eq(before, after, (size_t)count * 8);
    free(before), free(after), free(x);
    nf_flow_unref(flow);
}
END_TEST

/* One that is finite, but not when standardised, or not as the network has it, is told likewise. */
START_TEST(condition__that_overflows)
{
    const double tiny[COND] = { 1e-30, 1.0, 1.0 };
    float x[3 * 4] = { 0.3F, -0.2F, 0.1F }, cond[3 * COND] = { 0, 1, 2, 1e10F, 1, 2, 0, -1, 0.5F }, out[3 * 4];
    double p[3], q[3];
    stage s = embedded;

    s.dtype = NF_F32;
    for (int k = 0; k < 2; k++, s.embed_dim = s.n_hidden = 0, s.standardise = 1) {
        nf_flow *flow = kinds[_i].make(NULL, &s);
        if (s.standardise) { /* sd 1e-30 */
            float *theta;
            const int64_t mean = view_of(flow, "condition.mean").offset;
            expect(nf_flow_params(flow, &theta, NULL, NULL));
            for (int j = 0; j < COND; j++) theta[mean + j] = 0, theta[mean + COND + j] = (float)tiny[j];
        } else { /* 1e10 times 1e37 */
            float *theta;
            expect(nf_flow_params(flow, &theta, NULL, NULL));
            for (int j = 0; j < 5; j++) theta[net_first(flow) + j] = 1e37F;
        }
        expect(nf_flow_update(flow));
        cond[COND] = 0;
        expect(nf_flow_log_prob(flow, 3, x, cond, p));
        cond[COND] = 1e10F;
        ck_assert_int_eq(nf_flow_log_prob(flow, 3, x, cond, q), NF_ROWS_NONFINITE);
        ck_assert(isnan(q[1]) && q[0] == p[0] && q[2] == p[2]);
        ck_assert_int_eq(nf_flow_sample(flow, 1, 0, 3, cond, 1.0, out, q), NF_ROWS_NONFINITE);
        ck_assert(isnan(q[1]) && isfinite(q[0]) && isfinite(q[2]));
        nf_flow_unref(flow);
    }
}
END_TEST

/* Behind layers of whole numbers the check takes its differences, and conditions come with it. */
START_TEST(condition__check_behind_whole_numbers)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_glow_config config = { .struct_size = sizeof config, STAGE(&both), .height = 2, .width = 2, .channels = 1, .steps = 1, .hidden = 3, .seed = 7 };
        const rows r = make_rows(3);
        double x[8 * 4];
        nf_check_report report = { .struct_size = sizeof report };
        nf_flow *flow = NULL;
        void *xs, *conds = support_array(dtype, 8 * COND, r.cond);

        for (int i = 0; i < 8 * 4; i++) x[i] = (i * 37) % 256;
        xs = support_array(dtype, 8 * 4, x);
        config.dtype = dtype;
        expect(nf_flow_create_glow(&flow, NULL, &config));
        expect(any_init_data(flow, 8, xs, conds));
        support_perturb(flow, 0.05, 5);
        expect(dtype == NF_F32 ? nf_flow_check(flow, 8, xs, conds, &report) : nf_flow_check_f64(flow, 8, xs, conds, &report));
        ck_assert_msg(report.passed, "%g %g %g %g", report.round_trip_max, report.log_det_error_max, report.grad_x_error_max, report.grad_theta_error_max);
        free(xs), free(conds);
        nf_flow_unref(flow);
    }
}
END_TEST

/* Files */

START_TEST(condition__files_and_descriptions_keep_the_stage)
{
    const stage *const stages[] = { &raw, &standardised, &embedded, &both };

    for (int k = 0; k < SUPPORT_COUNT(stages); k++) {
        nf_flow *flow = kinds[_i].make(NULL, stages[k]), *loaded = NULL, *again = NULL, *narrow = NULL;
        const rows r = rows_of(stages[k], 3);
        char text[2][16384];
        int64_t size, text_size;
        double p[ROWS], q[ROWS];

        support_perturb(flow, 0.2, 5);
        expect(nf_flow_save_memory(flow, NULL, 0, &size));
        void *bytes = support_malloc(size);
        expect(nf_flow_save_memory(flow, bytes, size, &size));
        expect(nf_flow_load_memory(&loaded, NULL, bytes, size));
        free(bytes);
        expect(nf_flow_log_prob_f64(flow, ROWS, r.x, r.cond, p));
        expect(nf_flow_log_prob_f64(loaded, ROWS, r.x, r.cond, q));
        ck_assert_int_eq(support_differ(p, q, ROWS, 8), -1);
        expect(nf_flow_to_json(flow, text[0], sizeof text[0], &text_size));
        expect(nf_flow_to_json(loaded, text[1], sizeof text[1], &text_size));
        ck_assert_str_eq(text[0], text[1]);
        ck_assert_int_eq(strstr(text[0], "\"condition\"") != NULL, k > 0);
        expect(nf_flow_from_json(&again, NULL, text[0]));
        ck_assert_int_eq(nf_flow_param_count(again), nf_flow_param_count(flow));
        ck_assert_int_eq(nf_flow_cond_dim(again), COND);
        expect(nf_flow_convert(&narrow, loaded, NF_F32));
        ck_assert_int_eq(nf_flow_param_count(narrow), nf_flow_param_count(flow));
        nf_flow_unref(flow);
        nf_flow_unref(loaded);
        nf_flow_unref(again);
        nf_flow_unref(narrow);
    }
}
END_TEST

/* Self-test rows lie where the conditions do: those of a flow far from zero are finite, and verify. */
START_TEST(condition__files_verify)
{
    static const char path[] = "condition_test.safetensors";
    nf_flow *flow = make_maf(NULL, &both);
    double error = 1.0;
    int64_t n = 0;

    support_perturb(flow, 0.2, 5);
    expect(nf_flow_save(flow, path));
    expect(nf_flow_verify(NULL, path, &error, &n));
    ck_assert_int_gt(n, 0);
    ck_assert_double_le(error, 1e-9);
    (void)remove(path);
    nf_flow_unref(flow);
}
END_TEST

#define HEAD "{\"format\":1,\"dim\":2,\"cond_dim\":3,\"dtype\":\"f64\",\"base\":{\"type\":\"normal\",\"dim\":2},"
#define LAYER(cond) "\"layers\":[{\"type\":\"coupling_affine\",\"dim\":2,\"cond_dim\":" cond ",\"hidden\":[4]}]}"
static const struct { const char *text; nf_status status; const char *words; } texts[] = {
    { HEAD "\"condition\":{\"embed_dim\":4}," LAYER("4"), NF_OK, "" },
    { HEAD "\"condition\":{\"cond_standardise\":true}," LAYER("3"), NF_OK, "" },
    { HEAD "\"condition\":{\"cond_mean\":[1,2,3],\"cond_sd\":[1,2,3]}," LAYER("3"), NF_OK, "" },
    { HEAD "\"condition\":{\"embed_dim\":4}," LAYER("3"), NF_ERR_FORMAT, "layers or base have cond_dim 3, expected embed_dim, 4" },
    { HEAD "\"condition\":{\"embed_dim\":-1}," LAYER("3"), NF_ERR_FORMAT, "condition: embed_dim is -1" },
    { HEAD "\"condition\":{\"cond_mean\":[1]}," LAYER("3"), NF_ERR_FORMAT, "n_cond_mean is 1, must be 0 or cond_dim, 3" },
    { HEAD "\"condition\":[1]," LAYER("3"), NF_ERR_FORMAT, "condition: expected is an object" },
    { HEAD "\"condition\":{\"seed\":1}," LAYER("3"), NF_ERR_FORMAT, "condition.seed: no such key" },
    { HEAD "\"condition\":{\"embed_hidden\":[4]}," LAYER("3"), NF_ERR_FORMAT, "embed_dim is 0" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"condition\":{\"embed_dim\":4}," LAYER("4"), NF_ERR_FORMAT, "condition: needs cond_dim" },
};

START_TEST(condition__descriptions_are_checked)
{
    nf_flow *flow = NULL;
    const nf_status status = nf_flow_from_json(&flow, NULL, texts[_i].text);

    ck_assert_msg(status == texts[_i].status && !flow == (status != NF_OK), "%d: %s", _i, nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), texts[_i].words) || !status, "%d: '%s' lacks '%s'", _i, nf_last_error(), texts[_i].words);
    nf_flow_unref(flow);
}
END_TEST

/* Refusals */

static const double negative[3] = { 1, -1, 1 };
static const int64_t zero_within[2] = { 4, 0 };
static const struct { const char *name; nf_table_config config; nf_status status; const char *words; } bad[] = {
    { "mean without cond", { .cond_mean = cond_mean, .n_cond_mean = 3 }, NF_ERR_SHAPE, "nf_flow_create_nsf: n_cond_mean is 3, must be 0 or cond_dim, 0" },
    { "short mean", { .cond_dim = 3, .cond_mean = cond_mean, .n_cond_mean = 2 }, NF_ERR_SHAPE, "n_cond_mean is 2, must be 0 or cond_dim, 3" },
    { "long sd", { .cond_dim = 2, .cond_sd = cond_sd, .n_cond_sd = 3 }, NF_ERR_SHAPE, "n_cond_sd is 3, must be 0 or cond_dim, 2" },
    { "negative sd", { .cond_dim = 3, .cond_sd = negative, .n_cond_sd = 3 }, NF_ERR_ARG, "cond_sd is -1" },
    { "embed without cond", { .embed_dim = 4 }, NF_ERR_SHAPE, "cond_dim is 0, but embed_dim is 4" },
    { "standardise without cond", { .cond_standardise = 1 }, NF_ERR_SHAPE, "cond_dim is 0, but cond_standardise is 1" },
    { "hidden without embed", { .cond_dim = 3, .embed_hidden = embed_hidden, .n_embed_hidden = 2 }, NF_ERR_ARG, "embed_dim is 0" },
    { "zero width", { .cond_dim = 3, .embed_dim = 2, .embed_hidden = zero_within, .n_embed_hidden = 2 }, NF_ERR_LIMIT, "embed_hidden" },
    { "negative embed", { .cond_dim = 3, .embed_dim = -2 }, NF_ERR_ARG, "embed_dim is -2" },
    { "huge embed", { .cond_dim = 3, .embed_dim = 65537 }, NF_ERR_ARG, "embed_dim is 65537" },
    { "activation", { .cond_dim = 3, .embed_dim = 2, .embed_activation = 7 }, NF_ERR_ARG, "embed_activation is 7" },
    { "flag", { .cond_dim = 3, .cond_standardise = 2 }, NF_ERR_ARG, "cond_standardise is 2" },
};

START_TEST(condition__refuse_bad_configs)
{
    nf_table_config config = bad[_i].config;
    nf_flow *flow = (nf_flow *)&config;

    config.struct_size = sizeof config;
    config.dim = 2;
    const nf_status status = nf_flow_create_nsf(&flow, NULL, &config);
    ck_assert_msg(status == bad[_i].status && !flow, "%s: %d %s", bad[_i].name, (int)status, nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), bad[_i].words), "%s: '%s' lacks '%s'", bad[_i].name, nf_last_error(), bad[_i].words);
}
END_TEST

static nf_status create_plain(int64_t layer_cond, const nf_flow_config *config, nf_flow **flow)
{
    nf_layer *layer = NULL;
    nf_base *base = NULL;

    expect(nf_coupling_affine_create(&layer, NULL, &(nf_coupling_affine_config){ .struct_size = sizeof(nf_coupling_affine_config), .dim = 2,
                                                                                 .cond_dim = layer_cond, .hidden = hidden, .n_hidden = 1 }));
    expect(nf_base_normal_create(&base, NULL, 2));
    const nf_status status = nf_flow_create(flow, NULL, config, base, &layer, 1);
    nf_layer_unref(layer);
    nf_base_unref(base);
    return status;
}

START_TEST(condition__flows_check_what_layers_want)
{
    nf_flow_config config = { .struct_size = sizeof config, .embed_dim = 4, .cond_dim = 3 };
    nf_flow *flow = NULL;

    ck_assert_int_eq(create_plain(3, &config, &flow), NF_ERR_SHAPE);
    ck_assert(strstr(nf_last_error(), "layers or base have cond_dim 3, expected embed_dim, 4") && !flow);
    ck_assert_int_eq(create_plain(0, &config, &flow), NF_ERR_SHAPE);
    ck_assert(strstr(nf_last_error(), "cond_dim is 3, and neither a layer nor the base has a cond_dim") && !flow);
    expect(create_plain(4, &config, &flow));
    ck_assert_int_eq(nf_flow_cond_dim(flow), 3);
    nf_flow_unref(flow);
    config.cond_dim = 0;
    ck_assert_int_eq(create_plain(4, &config, &flow), NF_ERR_SHAPE);
    config.cond_mean = cond_mean, config.n_cond_mean = 3;
    expect(create_plain(4, &config, &flow));
    ck_assert_int_eq(nf_flow_cond_dim(flow), 3);
    nf_flow_unref(flow);
    config = (nf_flow_config){ .struct_size = sizeof config, .cond_standardise = 1 };
    expect(create_plain(5, &config, &flow));
    ck_assert_int_eq(nf_flow_cond_dim(flow), 5);
    nf_flow_unref(flow);
    config.cond_dim = 4;
    ck_assert_int_eq(create_plain(5, &config, &flow), NF_ERR_SHAPE);
    ck_assert(strstr(nf_last_error(), "layers or base have cond_dim 5, expected that of the flow, 4"));
}
END_TEST

START_TEST(condition__limits_of_the_context_hold)
{
    const nf_context_config limits = { .struct_size = sizeof limits, .max_dim = 8 };
    nf_table_config config = { .struct_size = sizeof config, .dim = 2, .cond_dim = 9, .embed_dim = 2, .hidden = hidden, .n_hidden = 1 };
    nf_context *context = NULL;
    nf_flow *flow = NULL;

    expect(nf_context_create(&context, &limits));
    ck_assert_int_eq(nf_flow_create_maf(&flow, context, &config), NF_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "cond_dim is 9 and embed_dim 2, the context's max_dim is 8"));
    config.cond_dim = 2, config.embed_dim = 9;
    ck_assert_int_eq(nf_flow_create_maf(&flow, context, &config), NF_ERR_LIMIT);
    nf_context_unref(context);
}
END_TEST

/* Training */

/* Rows whose mean follows a condition of mean 1e4 and sd 50, and their order. */
enum { TRAIN = 1500 };
static nf_dataset *shifted_data(double *mean, double *sd)
{
    double *x = support_malloc(TRAIN * DIM * 8), *cond = support_malloc(TRAIN * 8);
    nf_dataset *data = NULL;
    uint64_t state = 11;

    *mean = 1e4, *sd = 50.0;
    for (int i = 0; i < TRAIN; i++) {
        const double c = random_normal(&state);
        cond[i] = *mean + *sd * c;
        x[DIM * i] = sin(2.0 * c) + 0.1 * random_normal(&state);
        x[DIM * i + 1] = c * c - 1.0 + 0.1 * random_normal(&state);
    }
    expect(nf_dataset_from_array_f64(&data, NULL, TRAIN, DIM, x));
    expect(nf_dataset_set_cond_f64(data, 1, cond));
    free(x), free(cond);
    return data;
}

static nf_flow *shifted_flow(const double *mean, const double *sd, int64_t embed_dim)
{
    nf_flow *flow = NULL;
    const int64_t wide[1] = { 32 };
    expect(nf_flow_create_maf(&flow, NULL, &(nf_table_config){ .struct_size = sizeof(nf_table_config), .dim = DIM, .cond_dim = 1, .layers = 2, .hidden = wide,
                                                               .n_hidden = 1, .seed = 3, .cond_mean = mean, .n_cond_mean = mean ? 1 : 0, .cond_sd = sd,
                                                               .n_cond_sd = sd ? 1 : 0, .embed_dim = embed_dim }));
    return flow;
}

static double fit(nf_flow *flow, const nf_dataset *data, const nf_fit_config *config)
{
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 5e-3 };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *adam = NULL;

    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_fit(flow, adam, data, NULL, config, &report));
    nf_optimizer_unref(adam);
    return report.train_nll;
}

START_TEST(condition__of_a_far_scale_are_learned_standardised)
{
    double mean, sd;
    nf_dataset *data = shifted_data(&mean, &sd);
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 12, .batch = 128, .seed = 1 };
    nf_flow *flow[3] = { shifted_flow(NULL, NULL, 0), shifted_flow(&mean, &sd, 0), shifted_flow(&mean, &sd, 6) };
    double nll[3];

    for (int k = 0; k < 3; k++) nll[k] = fit(flow[k], data, &config);
    ck_assert_msg(nll[1] < nll[0] - 1.0, "standardised %g, raw %g", nll[1], nll[0]);
    ck_assert_msg(nll[2] < nll[0] - 1.0, "embedded %g, raw %g", nll[2], nll[0]);
    for (int k = 0; k < 3; k++) nf_flow_unref(flow[k]);
    nf_dataset_unref(data);
}
END_TEST

/* A run that is stopped and resumed ends in the bits of one that was not; the embedding has moved, its constants have not. */
START_TEST(condition__training_resumes_to_the_same_bits)
{
    static const char path[] = "condition_test.checkpoint";
    double mean, sd, theta[3][4096];
    nf_dataset *data = shifted_data(&mean, &sd);
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 4, .batch = 200, .seed = 1, .keep_last = 1 };
    nf_flow *whole = shifted_flow(&mean, &sd, 6), *parts = shifted_flow(&mean, &sd, 6);
    const int64_t count = nf_flow_param_count(whole), at = view_of(whole, "condition.mean").offset, net = net_first(whole);

    ck_assert_int_le(count, 4096);
    expect(nf_flow_get_params(whole, count, theta[2]));
    (void)fit(whole, data, &config);
    config.epochs = 2, config.checkpoint = path;
    (void)fit(parts, data, &config);
    config.epochs = 4, config.checkpoint = NULL, config.resume = path;
    (void)fit(parts, data, &config);
    expect(nf_flow_get_params(whole, count, theta[0]));
    expect(nf_flow_get_params(parts, count, theta[1]));
    ck_assert_int_eq(support_differ(theta[0], theta[1], count, 8), -1);
    ck_assert_int_eq(support_differ(theta[0] + at, theta[2] + at, 2, 8), -1);
    ck_assert_int_eq(support_differ(theta[0] + net, theta[2] + net, 1, 8), 0);
    (void)remove(path);
    nf_flow_unref(whole);
    nf_flow_unref(parts);
    nf_dataset_unref(data);
}
END_TEST

/* Of q(x | c) by its density alone: the conditions are raw for the density too. */
START_TEST(condition__targets_are_fitted_for_every_condition)
{
    const stage s = { .dtype = NF_F32, .standardise = 1, .embed_dim = 4, .n_hidden = 2 };
    const nf_target_config config = { .struct_size = sizeof config, .steps = 400, .batch = 64, .seed = 3 };
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 5e-3 };
    nf_flow *flow = make_realnvp(NULL, &s);
    const rows r = make_rows(3);
    nf_importance_report report = { .struct_size = sizeof report };
    nf_optimizer *adam = NULL;
    nf_dataset *data = NULL;
    double theta[2][2048];
    const int64_t count = nf_flow_param_count(flow), net = net_first(flow);

    ck_assert_int_le(count, 2048);
    expect(nf_dataset_from_array_f64(&data, NULL, ROWS, DIM, r.x));
    expect(nf_dataset_set_cond_f64(data, COND, r.cond));
    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_get_params(flow, count, theta[0]));
    expect(nf_flow_fit_target(flow, adam, target_density, NULL, data, &config, NULL));
    expect(nf_flow_get_params(flow, count, theta[1]));
    ck_assert_int_eq(support_differ(theta[0] + net, theta[1] + net, net_count(), 8), 0);
    for (int i = 0; i < 3; i++) { /* log of the integral of exp(-2 |x - m|^2) over the plane */
        expect(nf_flow_importance(flow, target_density, NULL, 5, 0, 4000, r.cond + i * COND, NULL, NULL, &report));
        ck_assert_msg(fabs(report.log_z - log(3.14159265358979323846 / 2)) < 0.05 && report.ess > 2000, "log Z %g, ess %g", report.log_z, report.ess);
    }
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Flow matching moves the embedding with its layer. */
START_TEST(condition__flow_matching_trains_the_embedding)
{
    double mean, sd, theta[2][4096];
    nf_dataset *data = shifted_data(&mean, &sd);
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 30, .batch = 128, .seed = 1, .objective = NF_OBJECTIVE_FLOW_MATCHING };
    nf_flow *flow = NULL;
    const int64_t wide[2] = { 32, 32 };

    expect(nf_flow_create_ffjord(&flow, NULL, &(nf_ffjord_config){ .struct_size = sizeof(nf_ffjord_config), .dim = DIM, .cond_dim = 1, .hidden = wide, .n_hidden = 2,
                                                                   .cond_mean = &mean, .n_cond_mean = 1, .cond_sd = &sd, .n_cond_sd = 1, .embed_dim = 6, .seed = 3 }));
    const int64_t count = nf_flow_param_count(flow), net = net_first(flow);
    ck_assert_int_le(count, 4096);
    expect(nf_flow_get_params(flow, count, theta[0]));
    const double nll = fit(flow, data, &config);
    expect(nf_flow_get_params(flow, count, theta[1]));
    ck_assert_int_eq(support_differ(theta[0] + net, theta[1] + net, 1, 8), 0);
    ck_assert_msg(nll < 0, "NLL %g", nll); /* without the condition it stays above 2 */
    nf_flow_unref(flow);
    nf_dataset_unref(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *tests = tcase_create("condition");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, condition__check_value);
    tcase_add_loop_test(tests, condition__standardises_as_a_caller_would, 0, KINDS);
    tcase_add_test(tests, condition__data_initialise_through_the_stage);
    tcase_add_loop_test(tests, condition__gradient_is_that_of_the_loss, 0, KINDS);
    tcase_add_loop_test(tests, condition__gradient_in_f32, 0, KINDS);
    tcase_add_loop_test(tests, condition__check_passes, 0, KINDS);
    tcase_add_loop_test(tests, condition__gradient_through_draws, 0, KINDS - 1); /* of two columns */
    tcase_add_test(tests, condition__gradient_of_flow_matching);
    tcase_add_loop_test(tests, condition__bits_depend_on_no_thread_batch_or_memory, 0, KINDS);
    tcase_add_test(tests, condition__rows_that_are_not_finite);
    tcase_add_loop_test(tests, condition__computing_allocates_nothing, 0, KINDS);
    tcase_add_test(tests, condition__failing_allocations_leak_nothing);
    tcase_add_loop_test(tests, condition__initialisation_refuses_what_is_not_finite, 0, 3);
    tcase_add_loop_test(tests, condition__that_overflows, 0, KINDS);
    tcase_add_test(tests, condition__check_behind_whole_numbers);
    tcase_add_loop_test(tests, condition__files_and_descriptions_keep_the_stage, 0, KINDS);
    tcase_add_test(tests, condition__files_verify);
    tcase_add_loop_test(tests, condition__descriptions_are_checked, 0, SUPPORT_COUNT(texts));
    tcase_add_loop_test(tests, condition__refuse_bad_configs, 0, SUPPORT_COUNT(bad));
    tcase_add_test(tests, condition__flows_check_what_layers_want);
    tcase_add_test(tests, condition__limits_of_the_context_hold);
    tcase_add_test(tests, condition__of_a_far_scale_are_learned_standardised);
    tcase_add_test(tests, condition__training_resumes_to_the_same_bits);
    tcase_add_test(tests, condition__targets_are_fitted_for_every_condition);
    tcase_add_test(tests, condition__flow_matching_trains_the_embedding);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
