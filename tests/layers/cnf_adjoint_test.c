/* SPDX-License-Identifier: MIT
 *
 * cnf_adjoint_test.c - the gradient of the continuous layer by the adjoint equation: against its closed form, the discrete gradient at
 * several tolerances, differences of fine solves; rows that fail; bits, memory, training
 */
#include "cnf_scene.h"

#define ADJOINT .gradient = NF_GRADIENT_ADJOINT

/* Closed form */

/* y' = 0.7 y - 0.3 to T = 0.5 with L = z: dL/dx = e^0.35, dL/db = (e^0.35 - 1) / 0.7, dL/dT = f(z); dL/dW = integral of a y; and the
 * trace's integral 0.7 T, which W and T change too. */
START_TEST(adjoint__linear_field_has_its_closed_form)
{
    struct scene *s = scene_new(CNF(.dim = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .rtol = 1e-12, .atol = 1e-12, ADJOINT), 1);
    const double theta[] = { 0.7, -0.3 }, x = 1.3, end = 0.5, c = 3.0 / 7, e = exp(0.35);
    for (int way = 0; way < 2; way++) { /* z alone, log_det alone */
        double z, g = way ? 0.0 : 1.0;
        const double h = way ? 1.0 : 0.0;
        scene_theta(s, theta, end);
        scene_forward(s, &x, &z);
        scene_backward(s, &x, &z, &g, &h);
        near(g, way ? 0.0 : 1.4190675486, 1e-10, "dL/dx", 0);
        near(s->grad[0], way ? end : end * e * (x - c) + c * (e - 1) / 0.7, 1e-10, "dL/dW", 0);
        near(s->grad[1], way ? 0.0 : 0.5986679266, 1e-10, "dL/db", 0);
        near(s->grad[2] / (2.0 * sqrt(end)), way ? 0.7 : 0.8656312046, 1e-10, "dL/dT", 0);
    }
    scene_free(s);
}
END_TEST

/* Against the discrete gradient */

static const struct { const char *name; nf_cnf_config config; } fields[] = {
    { "exact", { .trace = NF_TRACE_EXACT } },
    { "hutchinson", { .trace = NF_TRACE_HUTCHINSON, .probes = 2 } },
    { "gaussian, energies", { .trace = NF_TRACE_HUTCHINSON, .probe = NF_PROBE_GAUSSIAN, .kinetic = 0.3, .jacobian = 0.2 } },
    { "exact, energies, concat", { .trace = NF_TRACE_EXACT, .kinetic = 0.3, .jacobian = 0.2, .time = NF_TIME_CONCAT } },
    { "tsit5, silu", { .trace = NF_TRACE_EXACT, .solver = NF_ODE_TSIT5, .activation = NF_ACTIVATION_SILU } },
    { "bosh3, ignore", { .trace = NF_TRACE_EXACT, .solver = NF_ODE_BOSH3, .time = NF_TIME_IGNORE } },
    { "T fixed", { .trace = NF_TRACE_EXACT, .end_time_fixed = 1, .kinetic = 0.1 } },
};

static const int64_t field_hidden[] = { 5, 4 };
static nf_cnf_config field_config(int i, double tolerance, int32_t gradient)
{
    nf_cnf_config config = fields[i].config;
    config.struct_size = sizeof config;
    config.dim = 2;
    config.cond_dim = 2;
    config.hidden = field_hidden;
    config.n_hidden = 2;
    config.rtol = config.atol = tolerance;
    config.gradient = gradient;
    return config;
}

/* All gradients of the mix, one after another: dL/dx, dL/dcond, dL/dtheta. */
static int64_t all_gradients(const nf_cnf_config *config, int64_t n, double *to)
{
    struct scene *s = scene_new(config, n);
    double x[MOST_ROWS * 2], z[MOST_ROWS * 2], h[MOST_ROWS];
    const int64_t count = n * s->dim, count_cond = n * s->cond_dim, all = count + count_cond + s->count;

    fill(x, count, 1.5);
    for (int64_t k = 0; k < s->count - 1; k++) s->theta[k] *= 1.5;
    scene_theta(s, NULL, 0.85);
    for (int64_t k = 0; k < count; k++) to[k] = mix_z(k);
    for (int64_t i = 0; i < n; i++) h[i] = mix_log_det(i);
    scene_forward(s, x, z);
    scene_backward(s, x, z, to, h);
    memcpy(to + count, s->grad_cond, (size_t)count_cond * 8);
    memcpy(to + count + count_cond, s->grad, (size_t)s->count * 8);
    scene_free(s);
    return all;
}

static double gradient_gap(const nf_cnf_config *a, const nf_cnf_config *b, int64_t n)
{
    double one[512], two[512], gap = 0.0;
    const int64_t count = all_gradients(a, n, one);
    ck_assert_int_eq(all_gradients(b, n, two), count);
    for (int64_t k = 0; k < count; k++) gap = fmax(gap, fabs(one[k] - two[k]) / (1.0 + fabs(two[k])));
    return gap;
}

/* Errors of steps add up on both ways and in the integrals, which no error control sees: hence a hundred tolerances. bosh3 would need more than
 * the 256 steps that the discrete gradient may follow at the last one. */
START_TEST(adjoint__nears_the_discrete_gradient_as_tolerances_shrink)
{
    static const double fifth[] = { 1e-4, 1e-7, 1e-10 }, third[] = { 1e-4, 1e-6, 1e-8 };
    const double *tolerances = fields[_i].config.solver == NF_ODE_BOSH3 ? third : fifth;
    double before = 1.0;
    for (int i = 0; i < 3; i++) {
        const double tol = tolerances[i];
        const nf_cnf_config adjoint = field_config(_i, tol, NF_GRADIENT_ADJOINT), discrete = field_config(_i, tol, NF_GRADIENT_DISCRETE);
        const double gap = gradient_gap(&adjoint, &discrete, 9);
        ck_assert_msg(gap <= 100 * tol, "%s: %g at tolerance %g", fields[_i].name, gap, tol);
        ck_assert_msg(gap > 0.0 && gap < 0.1 * before, "%s: %g at tolerance %g, before %g", fields[_i].name, gap, tol, before);
        before = gap;
    }
}
END_TEST

/* Fixed steps: the two differ by the error of the method. */
START_TEST(adjoint__of_fixed_steps_nears_the_equation_at_the_method_s_order)
{
    static const struct { int32_t solver, order; double step; } fixed[] = {
        { NF_ODE_RK4, 4, 0.1 }, { NF_ODE_MIDPOINT, 2, 0.02 }, { NF_ODE_EULER, 1, 0.01 } };
    const nf_cnf_config truth = field_config(2, 1e-12, NF_GRADIENT_DISCRETE);
    double gap[2];
    for (int half = 0; half < 2; half++) {
        nf_cnf_config config = field_config(2, 0, NF_GRADIENT_ADJOINT);
        config.solver = fixed[_i].solver;
        config.step = half ? fixed[_i].step / 2 : fixed[_i].step;
        gap[half] = gradient_gap(&config, &truth, 3);
    }
    const double want = pow(2.0, fixed[_i].order), ratio = gap[0] / gap[1];
    ck_assert_msg(ratio > 0.6 * want && ratio < 1.7 * want, "gaps %g and %g, their ratio %g should be %g", gap[0], gap[1], ratio, want);
}
END_TEST

/* Against differences: x, cond, theta, T */
START_TEST(adjoint__of_fine_solves_is_the_slope)
{
    for (int32_t solver = NF_ODE_DOPRI5; solver <= NF_ODE_RK4; solver++) {
        for (int32_t trace = NF_TRACE_EXACT; trace <= NF_TRACE_HUTCHINSON; trace++) {
            const double tol = solver == NF_ODE_BOSH3 ? 1e-10 : 1e-12;
            struct scene *s = scene_new(CNF(.dim = 2, .cond_dim = 2, HIDDEN(5, 4), .solver = solver, .step = solver == NF_ODE_RK4 ? 0.005 : 0.0,
                                            .rtol = tol, .atol = tol, .trace = trace, .probes = 2, .max_steps = 100000, ADJOINT), 3);
            double x[6];
            fill(x, 6, 1.5);
            scene_theta(s, NULL, 0.85);
            scene_gradients(s, x, SLOPE_TOL);
            scene_free(s);
        }
    }
}
END_TEST

/* The loss's scale is no matter: a is solved for in units of it. */
START_TEST(adjoint__scales_with_the_loss)
{
    struct scene *s = scene_new(CNF(.dim = 2, HIDDEN(8), ADJOINT), 4);
    double x[8], z[8], g[2][8], h[4], grad[128];
    ck_assert_int_le(s->count, 128);
    fill(x, 8, 1.5);
    scene_theta(s, NULL, 0.85);
    for (int way = 0; way < 2; way++) {
        const double scale = way ? 1.0 / 1048576 : 1.0;
        for (int k = 0; k < 8; k++) g[way][k] = scale * mix_z(k);
        for (int i = 0; i < 4; i++) h[i] = scale * mix_log_det(i);
        scene_forward(s, x, z);
        scene_backward(s, x, z, g[way], h);
        if (!way) memcpy(grad, s->grad, (size_t)s->count * 8);
    }
    for (int k = 0; k < 8; k++) ck_assert(g[1][k] * 1048576 == g[0][k]);
    for (int64_t k = 0; k < s->count; k++) near(s->grad[k] * 1048576, grad[k], 1e-14, "dL/dtheta", k);
    scene_free(s);
}
END_TEST

/* Rows */

static const double resting[] = { -50.0, 0.0, 1.0 }; /* y' = -50 y to T = 1: from z back to x there are more steps than from x to z */
static nf_flow *contracting_flow(void)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .max_steps = 60, ADJOINT));
    expect(nf_flow_set_params(flow, 3, resting), NF_OK);
    return flow;
}

START_TEST(adjoint__row_that_fails_on_the_way_back_is_told)
{
    nf_flow *flow = contracting_flow();
    const double x[] = { 0.0, 0.0, 2.0, 0.0 };
    double value[4], score[4], nll, *grad;
    expect(nf_flow_log_prob_f64(flow, 4, x, NULL, value), NF_OK);
    expect(nf_flow_nll_grad_f64(flow, 4, x, NULL, &nll), NF_ROWS_NONFINITE);
    says("1 of 4 rows are not finite, the first is row 2: NF_ERR_ODE_MAXSTEPS: cnf, the adjoint: at t = ");
    ck_assert(isnan(nll));
    expect(nf_flow_params_f64(flow, NULL, &grad, NULL), NF_OK);
    for (int k = 0; k < 3; k++) ck_assert_msg(isnan(grad[k]), "grad %d is %g: a part of a row's gradient passes for the whole", k, grad[k]);
    expect(nf_flow_score_f64(flow, 4, x, NULL, value, score), NF_ROWS_NONFINITE);
    for (int i = 0; i < 4; i++) ck_assert_msg(isnan(score[i]) == (i == 2), "score %d: %g", i, score[i]);
    expect(nf_flow_zero_grad(flow), NF_OK);
    expect(nf_flow_nll_grad_f64(flow, 2, x, NULL, &nll), NF_OK); /* and nothing is left behind */
    for (int k = 0; k < 3; k++) ck_assert(isfinite(grad[k]));
    nf_flow_unref(flow);
}
END_TEST

/* Forward fails: the row adds nothing, as with the discrete gradient. */
START_TEST(adjoint__row_without_a_solution_adds_nothing)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .solver = NF_ODE_RK4, .step = 0.1, ADJOINT));
    const double theta[] = { 1e200, 0.0, 1.0 }, x[] = { 0.0, 1.0, 0.0 };
    double nll, *grad;
    expect(nf_flow_set_params(flow, 3, theta), NF_OK);
    expect(nf_flow_nll_grad_f64(flow, 3, x, NULL, &nll), NF_ROWS_NONFINITE);
    says("1 of 3 rows are not finite, the first is row 1: NF_ERR_ODE_RHS: cnf: at");
    nf_flow_unref(flow);
    flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), ADJOINT));
    const double bad[] = { 0.3, -0.2, NAN, 0.5, 1.0, 0.5 }, good[] = { 0.3, -0.2, 1.0, 0.5 };
    double keep[64];
    int64_t count;
    expect(nf_flow_nll_grad_f64(flow, 2, good, NULL, &nll), NF_OK);
    expect(nf_flow_params_f64(flow, NULL, &grad, &count), NF_OK);
    memcpy(keep, grad, (size_t)count * 8);
    expect(nf_flow_zero_grad(flow), NF_OK);
    expect(nf_flow_nll_grad_f64(flow, 3, bad, NULL, &nll), NF_ROWS_NONFINITE);
    for (int64_t k = 0; k < count; k++) near(1.5 * grad[k], keep[k], 1e-12, "grad", k);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(adjoint__fit_skips_steps_with_rows_that_fail)
{
    nf_flow *flow = contracting_flow();
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 2, .batch = 64, .keep_last = 1, .no_init = 1 };
    const nf_adam_config adam = { .struct_size = sizeof adam, .lr = 1e-9 };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *optimizer;
    nf_dataset *data;
    double x[256] = { 0 }, theta[3];
    x[100] = 2.0;
    expect(nf_dataset_from_array_f64(&data, NULL, 256, 1, x), NF_OK);
    expect(nf_optimizer_adam_create(&optimizer, NULL, &adam), NF_OK);
    expect(nf_flow_fit(flow, optimizer, data, NULL, &config, &report), NF_OK);
    ck_assert_int_eq(report.skipped, 2);
    ck_assert_int_eq(report.steps, 6);
    expect(nf_flow_get_params(flow, 3, theta), NF_OK);
    for (int i = 0; i < 3; i++) ck_assert(isfinite(theta[i]));
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

/* Bits */

enum { ROWS = 700 };
static nf_flow *wide_flow(nf_context *context, int32_t dtype)
{
    nf_flow *flow = flow_of(context, dtype, CNF(.dim = 2, HIDDEN(16, 16), .trace = NF_TRACE_HUTCHINSON, .kinetic = 0.01, ADJOINT));
    support_perturb(flow, 0.4, 6);
    return flow;
}

static void *wide_rows(int32_t dtype)
{
    double x[2 * ROWS];
    fill(x, 2 * ROWS, 1.0);
    for (int64_t k = 0; k < 2 * ROWS; k++) x[k] *= pow(10.0, (double)(k / 2 % 4) - 2.0); /* steps differ by factors */
    return support_array(dtype, 2 * ROWS, x);
}

START_TEST(adjoint__gradient_has_the_same_bits_on_any_number_of_threads)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        void *x = wide_rows(dtype), *first = NULL;
        for (int32_t threads = 1; threads <= 3; threads++) {
            nf_context *context = support_context(threads, NULL);
            nf_flow *flow = wide_flow(context, dtype);
            const int64_t bytes = nf_flow_param_count(flow) * support_size(dtype);
            float *grad32 = NULL;
            double *grad64 = NULL;
            expect(dtype == NF_F32 ? nf_flow_nll_grad(flow, ROWS, x, NULL, NULL) : nf_flow_nll_grad_f64(flow, ROWS, x, NULL, NULL), NF_OK);
            expect(dtype == NF_F32 ? nf_flow_params(flow, NULL, &grad32, NULL) : nf_flow_params_f64(flow, NULL, &grad64, NULL), NF_OK);
            const void *grad = grad32 ? (void *)grad32 : grad64;
            if (!first) first = memcpy(support_malloc(bytes), grad, (size_t)bytes);
            ck_assert_msg(memcmp(first, grad, (size_t)bytes) == 0, "%d threads", threads);
            nf_flow_unref(flow);
            nf_context_unref(context);
        }
        free(x), free(first);
    }
}
END_TEST

START_TEST(adjoint__score_of_a_row_has_the_same_bits_in_any_batch)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_flow *flow = wide_flow(NULL, dtype);
        const int64_t row = 2 * support_size(dtype);
        char *x = wide_rows(dtype), *all = support_malloc(ROWS * row), *one = support_malloc(37 * row);
        for (int64_t i = 0, n = ROWS; i < ROWS - 37; n = i % 3 ? 37 : 1, i += 29) {
            char *to = n == ROWS ? all : one;
            expect(dtype == NF_F32 ? nf_flow_score(flow, n, (float *)(void *)(x + i * row), NULL, NULL, (float *)(void *)to)
                                   : nf_flow_score_f64(flow, n, (double *)(void *)(x + i * row), NULL, NULL, (double *)(void *)to), NF_OK);
            ck_assert_msg(memcmp(all + i * row, to, (size_t)((n == ROWS ? 1 : n) * row)) == 0, "%lld rows from %lld", (long long)n, (long long)i);
        }
        free(x), free(all), free(one);
        nf_flow_unref(flow);
    }
}
END_TEST

/* Memory, and what it allows */

static nf_step_memory_report step_memory(int32_t gradient)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(16), .gradient = gradient));
    nf_step_memory_report report = { .struct_size = sizeof report };
    expect(nf_flow_step_memory(flow, 1000, &report), NF_OK);
    nf_flow_unref(flow);
    return report;
}

START_TEST(adjoint__keeps_next_to_nothing_of_a_row)
{
    const nf_step_memory_report discrete = step_memory(NF_GRADIENT_DISCRETE), adjoint = step_memory(NF_GRADIENT_ADJOINT);
    ck_assert_msg(adjoint.hidden <= 64 * 1024 && adjoint.hidden * 60 < discrete.hidden, "%lld bytes of rows, discrete %lld",
                  (long long)adjoint.hidden, (long long)discrete.hidden);
    ck_assert_msg(adjoint.total < discrete.total, "%lld, discrete %lld", (long long)adjoint.total, (long long)discrete.total);
}
END_TEST

START_TEST(adjoint__training_has_as_many_steps_as_it_needs)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), .solver = NF_ODE_RK4, .step = 0.5 / 700, ADJOINT));
    const double x[] = { 0.3, -0.2, 1.0, 0.5 };
    double nll;
    expect(nf_flow_nll_grad_f64(flow, 2, x, NULL, &nll), NF_OK);
    ck_assert(isfinite(nll));
    nf_flow_unref(flow);
}
END_TEST

/* Training by either gradient goes the same way. */
START_TEST(adjoint__trains_as_the_discrete_gradient_does)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        double nll[2], start[2];
        for (int way = 0; way < 2; way++) {
            const nf_ffjord_config shape = { .struct_size = sizeof shape, .dim = 2, .blocks = 2, HIDDEN(16, 16), .dtype = dtype, .seed = 3,
                                             .gradient = way ? NF_GRADIENT_ADJOINT : NF_GRADIENT_DISCRETE };
            const nf_adam_config adam = { .struct_size = sizeof adam, .lr = 1e-2 };
            const nf_fit_config config = { .struct_size = sizeof config, .epochs = 8, .batch = 100, .keep_last = 1 };
            double curve[8];
            nf_fit_report report = { .struct_size = sizeof report, .curve_train = curve, .curve_capacity = 8 };
            nf_optimizer *optimizer;
            nf_dataset *data;
            nf_flow *flow;
            expect(nf_flow_create_ffjord(&flow, NULL, &shape), NF_OK);
            expect(nf_dataset_synthetic(&data, NULL, "moons", 500, 0.1, 4), NF_OK);
            expect(nf_optimizer_adam_create(&optimizer, NULL, &adam), NF_OK);
            expect(nf_flow_fit(flow, optimizer, data, NULL, &config, &report), NF_OK);
            start[way] = curve[0];
            nll[way] = curve[7];
            nf_optimizer_unref(optimizer);
            nf_dataset_unref(data);
            nf_flow_unref(flow);
        }
        ck_assert_msg(nll[1] < start[1] - 0.2, "from %g to %g", start[1], nll[1]);
        ck_assert_msg(fabs(nll[0] - nll[1]) < 0.02, "discrete %g, adjoint %g", nll[0], nll[1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cnf_adjoint");
    TCase *cases = tcase_create("cnf_adjoint");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, adjoint__linear_field_has_its_closed_form);
    tcase_add_loop_test(cases, adjoint__nears_the_discrete_gradient_as_tolerances_shrink, 0, SUPPORT_COUNT(fields));
    tcase_add_loop_test(cases, adjoint__of_fixed_steps_nears_the_equation_at_the_method_s_order, 0, 3);
    tcase_add_test(cases, adjoint__of_fine_solves_is_the_slope);
    tcase_add_test(cases, adjoint__scales_with_the_loss);
    tcase_add_test(cases, adjoint__row_that_fails_on_the_way_back_is_told);
    tcase_add_test(cases, adjoint__row_without_a_solution_adds_nothing);
    tcase_add_test(cases, adjoint__fit_skips_steps_with_rows_that_fail);
    tcase_add_test(cases, adjoint__gradient_has_the_same_bits_on_any_number_of_threads);
    tcase_add_test(cases, adjoint__score_of_a_row_has_the_same_bits_in_any_batch);
    tcase_add_test(cases, adjoint__keeps_next_to_nothing_of_a_row);
    tcase_add_test(cases, adjoint__training_has_as_many_steps_as_it_needs);
    tcase_add_test(cases, adjoint__trains_as_the_discrete_gradient_does);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
