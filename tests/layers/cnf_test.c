/* SPDX-License-Identifier: MIT
 *
 * cnf_test.c - the continuous layer: against closed forms, dense Jacobians, differences and a plain twin; rows that fail; training
 *
 * What scenes (cnf_scene.h) do not show goes through flows. Where gradients meet differences the steps are the same on both sides: fixed
 * ones, or a single step.
 */
#include <time.h>

#include "cnf_scene.h"

/* Closed forms */

/* y' = A y + b with A = (a, -w; w, a): z = c + e^(aT) R(wT) (x - c), c = -A^-1 b; log|det| = 2 a T */
START_TEST(cnf__linear_field_has_its_closed_form)
{
    static const double tolerances[] = { 1e-3, 1e-5, 1e-8, 1e-11 };
    const double a = -0.4, w = 1.7, b[] = { 0.3, -0.8 }, theta[] = { a, w, -w, a, b[0], b[1] }; /* weight is [in][out] */
    const double end = 1.3, q = a * a + w * w, c[] = { -(a * b[0] + w * b[1]) / q, -(a * b[1] - w * b[0]) / q };

    for (int i = 0; i < SUPPORT_COUNT(tolerances); i++) {
        struct scene *s = scene_new(CNF(.dim = 2, HIDDEN(0), .time = NF_TIME_IGNORE, .rtol = tolerances[i], .atol = tolerances[i]), 5);
        double x[10], z[10];
        fill(x, 10, 2.0);
        scene_theta(s, theta, end);
        scene_forward(s, x, z);
        for (int64_t r = 0; r < 5; r++) {
            const double u = x[2 * r] - c[0], v = x[2 * r + 1] - c[1], e = exp(a * end);
            near(z[2 * r], c[0] + e * (cos(w * end) * u - sin(w * end) * v), 20 * tolerances[i], "z", 2 * r);
            near(z[2 * r + 1], c[1] + e * (sin(w * end) * u + cos(w * end) * v), 20 * tolerances[i], "z", 2 * r + 1);
            near(s->log_det[r], 2 * a * end, 1e-12, "log_det", r);
        }
        scene_free(s);
    }
}
END_TEST

/* The same of an image of two pixels side by side: the middle row of W is (w, a, -w), the others lie beyond the border. */
START_TEST(cnf__linear_field_of_two_pixels_has_its_closed_form)
{
    const double a = -0.4, w = 1.7, b = 0.3, end = 1.3, q = a * a + w * w, c[] = { -(a + w) * b / q, -(a - w) * b / q };
    const double theta[] = { 7, 7, 7, w, a, -w, 7, 7, 7, b }, e = exp(a * end);
    struct scene *s = scene_new(CNF(.dim = 2, .height = 1, .width = 2, .channels = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .rtol = 1e-11,
                                    .atol = 1e-11), 5);
    double x[10], z[10];

    fill(x, 10, 2.0);
    scene_theta(s, theta, end);
    scene_forward(s, x, z);
    for (int64_t r = 0; r < 5; r++) {
        const double u = x[2 * r] - c[0], v = x[2 * r + 1] - c[1];
        near(z[2 * r], c[0] + e * (cos(w * end) * u - sin(w * end) * v), 1e-9, "z", 2 * r);
        near(z[2 * r + 1], c[1] + e * (sin(w * end) * u + cos(w * end) * v), 1e-9, "z", 2 * r + 1);
        near(s->log_det[r], 2 * a * end, 1e-12, "log_det", r);
    }
    scene_free(s);
}
END_TEST

static void refused(const nf_cnf_config *config, nf_status want, const char *says)
{
    nf_layer *layer = (nf_layer *)&layer;
    ck_assert_int_eq(nf_cnf_create(&layer, NULL, config), want);
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(nf_last_error(), says), "\"%s\" should say \"%s\"", nf_last_error(), says);
}

START_TEST(cnf__refusals_name_the_function_and_the_field)
{
    const int64_t hidden[] = { 4, 0 };
    refused(CNF(.dim = 2, .hidden = hidden, .n_hidden = 2), NF_ERR_LIMIT, "nf_cnf_create: hidden[1] is 0, not in [1, 65536]");
    refused(CNF(.dim = 2, .activation = NF_ACTIVATION_RELU), NF_ERR_ARG, "nf_cnf_create: activation is relu");
    refused(CNF(.dim = 65536, .cond_dim = 1), NF_ERR_LIMIT, "nf_cnf_create: dim is 65536 and cond_dim 1");
    refused(CNF(.dim = 6, .height = 3), NF_ERR_ARG, "nf_cnf_create: height is 3, width 0, channels 0: all of them for images, or none");
    refused(CNF(.dim = 6, .height = 3, .width = 2, .channels = 2), NF_ERR_SHAPE,
            "nf_cnf_create: dim is 6, height 3, width 2 and channels 2 do not make so many");
    refused(CNF(.dim = 6, .cond_dim = 1, .height = 3, .width = 2, .channels = 1), NF_ERR_ARG, "nf_cnf_create: cond_dim is 1, must be 0 with height");
    refused(CNF(.dim = 1 << 21, .height = 1 << 11, .width = 1 << 10, .channels = 1), NF_ERR_LIMIT, "nf_cnf_create: images of 2097152 numbers");
}
END_TEST

/* y' = (W y + b) s(v t + d) + w t: log|det| = W / v (softplus(v T + d) - softplus(d)) */
START_TEST(cnf__squashed_trace_has_its_closed_form)
{
    static const double tolerances[] = { 1e-5, 1e-9 };
    const double weight = 1.1, v = 2.3, d = -0.6, end = 0.9, theta[] = { weight, 0.2, v, d, -0.7 }; /* .., gate, gate_bias, time */

    for (int i = 0; i < SUPPORT_COUNT(tolerances); i++) {
        struct scene *s = scene_new(CNF(.dim = 1, HIDDEN(0), .rtol = tolerances[i], .atol = tolerances[i]), 4);
        double x[4], z[4];
        fill(x, 4, 2.0);
        scene_theta(s, theta, end);
        scene_forward(s, x, z);
        for (int64_t r = 0; r < 4; r++)
            near(s->log_det[r], weight / v * (log1p(exp(v * end + d)) - log1p(exp(d))), 20 * tolerances[i], "log_det", r);
        scene_free(s);
    }
}
END_TEST

/* Solvers */

static const struct { int32_t solver; double tolerance, step; int32_t order; double z_tol, jacobian_tol; } solvers[] = {
    { NF_ODE_DOPRI5, 1e-9, 0, 5, 1e-7, 1e-6 },
    { NF_ODE_TSIT5, 1e-9, 0, 5, 1e-7, 1e-6 },
    { NF_ODE_BOSH3, 1e-9, 0, 3, 1e-7, 1e-6 },
    { NF_ODE_RK4, 0, 0.02, 4, 1e-6, 1e-5 },
    { NF_ODE_MIDPOINT, 0, 0.005, 2, 1e-3, 1e-3 },
    { NF_ODE_EULER, 0, 0.004, 1, 2e-2, 2e-2 },
};

static struct scene *solver_scene(int i, double step, int64_t n)
{
    struct scene *s = scene_new(CNF(.dim = 2, .cond_dim = 1, HIDDEN(8, 8), .solver = solvers[i].solver, .step = step, .rtol = solvers[i].tolerance,
                                    .atol = solvers[i].tolerance), n);
    for (int64_t k = 0; k < s->count - 1; k++) s->theta[k] *= 1.5;
    scene_theta(s, NULL, 0.8);
    return s;
}

static void truth(const double *x, double *z, double *log_det)
{
    struct scene *s = scene_new(CNF(.dim = 2, .cond_dim = 1, HIDDEN(8, 8), .rtol = 1e-13, .atol = 1e-13), 4);
    for (int64_t k = 0; k < s->count - 1; k++) s->theta[k] *= 1.5;
    scene_theta(s, NULL, 0.8);
    scene_forward(s, x, z);
    memcpy(log_det, s->log_det, 4 * 8);
    scene_free(s);
}

static double solver_error(int i, double step, const double *x, const double *z_true, const double *log_det)
{
    struct scene *s = solver_scene(i, step, 4);
    double z[8], most = 0.0;
    scene_forward(s, x, z);
    for (int64_t k = 0; k < 8; k++) most = fmax(most, fabs(z[k] - z_true[k]));
    for (int64_t r = 0; r < 4; r++) most = fmax(most, fabs(s->log_det[r] - log_det[r]));
    scene_free(s);
    return most;
}

START_TEST(solver__reaches_the_solution_at_its_order)
{
    double x[8], z[8], log_det[4];
    fill(x, 8, 1.5);
    truth(x, z, log_det);
    const double error = solver_error(_i, solvers[_i].step, x, z, log_det);
    ck_assert_msg(error > 0 && error <= solvers[_i].z_tol, "error %g", error);
    if (solvers[_i].step == 0) return; /* orders of adaptive ones: ode_test */
    const double h = solvers[_i].order == 4 ? 0.1 : 0.02;
    const double ratio = solver_error(_i, h, x, z, log_det) / solver_error(_i, h / 2, x, z, log_det);
    const double want = pow(2.0, solvers[_i].order);
    ck_assert_msg(ratio > 0.6 * want && ratio < 1.7 * want, "halved steps: error / %g", ratio);
}
END_TEST

START_TEST(solver__log_det_is_that_of_the_dense_jacobian)
{
    struct scene *s = solver_scene(_i, solvers[_i].step, 4);
    double x[8], up[8], down[8], j[2][8];
    fill(x, 8, 1.5);
    for (int c = 0; c < 2; c++) {
        for (int r = 0; r < 4; r++) x[2 * r + c] += STEP;
        scene_forward(s, x, up);
        for (int r = 0; r < 4; r++) x[2 * r + c] -= 2 * STEP;
        scene_forward(s, x, down);
        for (int r = 0; r < 4; r++) x[2 * r + c] += STEP;
        for (int k = 0; k < 8; k++) j[c][k] = (up[k] - down[k]) / (2 * STEP);
    }
    scene_forward(s, x, up);
    for (int r = 0; r < 4; r++)
        near(s->log_det[r], log(fabs(j[0][2 * r] * j[1][2 * r + 1] - j[0][2 * r + 1] * j[1][2 * r])), solvers[_i].jacobian_tol, "log_det", r);
    scene_free(s);
}
END_TEST

/* Coarse steps, where a gradient of the equation instead of its solution would be far off. Adaptive methods: one step, of all of T. */
START_TEST(solver__gradients_are_those_of_the_discrete_solution)
{
    const bool adaptive = solvers[_i].step == 0;
    for (int32_t trace = NF_TRACE_EXACT; trace <= NF_TRACE_HUTCHINSON; trace++) {
        struct scene *s = scene_new(CNF(.dim = 2, .cond_dim = 2, HIDDEN(5, 4), .solver = solvers[_i].solver, .step = adaptive ? 10 : 0.3,
                                        .rtol = 1, .atol = 1, .trace = trace, .probes = 2), 3);
        double x[6];
        fill(x, 6, 1.5);
        scene_theta(s, NULL, 0.85);
        scene_gradients(s, x, SLOPE_TOL);
        scene_free(s);
    }
}
END_TEST

START_TEST(solver__gradients_of_fine_solves_are_those_of_the_equation)
{
    struct scene *s = scene_new(CNF(.dim = 2, HIDDEN(5, 4), .solver = 1 + _i, .rtol = 1e-11, .atol = 1e-11), 2);
    double x[4];
    fill(x, 4, 1.5);
    scene_theta(s, NULL, 0.85);
    scene_gradients(s, x, 1e-5);
    scene_free(s);
}
END_TEST

/* Round trips */

static void round_trip(int32_t dtype, double tolerance)
{
    enum { N = 200, D = 3 };
    nf_flow *flow = flow_of(NULL, dtype, CNF(.dim = D, HIDDEN(16, 16), .end_time = 1.0, .rtol = tolerance, .atol = tolerance));
    double x[N * D], up[N], down[N];
    support_perturb(flow, 0.3, 5);
    fill(x, N * D, 2.0);
    void *in = support_array(dtype, N * D, x), *z = support_array(dtype, N * D, x), *back = support_array(dtype, N * D, x);
    expect(any_forward(flow, N, in, NULL, z, up), NF_OK);
    expect(any_inverse(flow, N, z, NULL, back, down), NF_OK);
    for (int64_t k = 0; k < N * D; k++) near(support_at(dtype, back, k), support_at(dtype, in, k), 50 * tolerance, "x", k);
    for (int64_t i = 0; i < N; i++) near(down[i], -up[i], 50 * tolerance, "log_det", i);
    free(in), free(z), free(back);
    nf_flow_unref(flow);
}

START_TEST(cnf__inverse_undoes_forward_within_tolerance)
{
    round_trip(NF_F32, 1e-5);
    round_trip(NF_F64, 1e-5);
    round_trip(NF_F64, 1e-8);
}
END_TEST

/* Many steps */

/* The same steps as `parts` solves one after another, each with at most 16 steps: dL/dx, dL/dtheta. The field knows no time. */
static void parts_gradient(struct scene *s, int64_t parts, const double *x, double *g, const double *h, double *grad)
{
    double state[26][2], root = s->theta[s->count - 1];
    memcpy(state[0], x, sizeof state[0]);
    memset(grad, 0, (size_t)s->count * 8);
    for (int64_t p = 0; p < parts; p++) scene_forward(s, state[p], state[p + 1]);
    for (int64_t p = parts - 1; p >= 0; p--) {
        scene_forward(s, state[p], state[p + 1]);
        scene_backward(s, state[p], state[p + 1], g, h);
        for (int64_t k = 0; k < s->count - 1; k++) grad[k] += s->grad[k];
        grad[s->count - 1] += s->grad[s->count - 1] / (2.0 * root) / (double)parts; /* dL/dT */
    }
}

START_TEST(cnf__gradient_over_many_steps_is_that_of_short_solves)
{
    static const int64_t parts[] = { 1, 2, 10, 20, 25 }; /* steps: 10 .. 250; kept states are every 1st, 2nd, .. 16th */
    const nf_cnf_config *config = CNF(.dim = 2, HIDDEN(6), .time = NF_TIME_IGNORE, .solver = NF_ODE_RK4, .step = 0.01);
    for (int i = 0; i < SUPPORT_COUNT(parts); i++) {
        struct scene *all = scene_new(config, 1), *part = scene_new(config, 1);
        double x[] = { 0.7, -1.2 }, z[2], g[] = { 0.9, -0.4 }, g_part[] = { 0.9, -0.4 }, h[] = { -0.6 }, *grad = memory(all->count * 8);
        scene_theta(all, NULL, 0.1 * (double)parts[i]);
        scene_theta(part, NULL, 0.1);
        scene_forward(all, x, z);
        scene_backward(all, x, z, g, h);
        parts_gradient(part, parts[i], x, g_part, h, grad);
        all->grad[all->count - 1] /= 2.0 * all->theta[all->count - 1];
        for (int64_t k = 0; k < 2; k++) near(g[k], g_part[k], 1e-11, "dL/dx", k);
        for (int64_t k = 0; k < all->count; k++) near(all->grad[k], grad[k], 1e-11, "dL/dtheta", k);
        scene_free(all);
        scene_free(part);
        free(grad);
    }
}
END_TEST

START_TEST(cnf__training_has_at_most_256_steps)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), .solver = NF_ODE_RK4, .step = 0.5 / 257));
    const double x[] = { 0.3, -0.2, 1.0, 0.5 };
    double value[2], nll, *grad;
    int64_t count;
    expect(nf_flow_log_prob_f64(flow, 2, x, NULL, value), NF_OK);
    expect(nf_flow_nll_grad_f64(flow, 2, x, NULL, &nll), NF_ROWS_NONFINITE);
    says("2 of 2 rows");
    says("NF_ERR_ODE_MAXSTEPS");
    says("after 256 steps");
    expect(nf_flow_params_f64(flow, NULL, &grad, &count), NF_OK);
    for (int64_t k = 0; k < count; k++) ck_assert(grad[k] == 0.0);
    ck_assert(isnan(nll));
    nf_flow_unref(flow);
    flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), .solver = NF_ODE_RK4, .step = 0.5 / 256));
    expect(nf_flow_nll_grad_f64(flow, 2, x, NULL, &nll), NF_OK);
    nf_flow_unref(flow);
}
END_TEST

/* Hutchinson */

static double exact_log_det(const double *x)
{
    struct scene *s = scene_new(CNF(.dim = 3, HIDDEN(8), .solver = NF_ODE_RK4, .step = 0.05, .trace = NF_TRACE_EXACT), 1);
    double z[3];
    scene_forward(s, x, z);
    const double value = s->log_det[0];
    scene_free(s);
    return value;
}

/* Mean and variance of the estimate over 40 x 128 keys. */
static void estimate(int32_t probe, int64_t probes, const double *x, double *mean, double *variance)
{
    struct scene *s = scene_new(CNF(.dim = 3, HIDDEN(8), .solver = NF_ODE_RK4, .step = 0.05, .trace = NF_TRACE_HUTCHINSON, .probe = probe,
                                    .probes = probes), 128);
    double rows[128 * 3], z[128 * 3], sum = 0.0, square = 0.0;
    const double n = 40 * 128;
    for (int64_t i = 0; i < 128; i++) memcpy(rows + 3 * i, x, 24);
    for (uint64_t e = 0; e < 40; e++) {
        for (uint64_t i = 0; i < 128; i++) s->key[i] = 128 * e + i;
        scene_forward(s, rows, z);
        for (int64_t i = 0; i < 128; i++) sum += s->log_det[i], square += s->log_det[i] * s->log_det[i];
        for (int64_t k = 3; k < 128 * 3; k++) ck_assert(z[k] == z[k % 3]); /* probes do not move the state */
    }
    *mean = sum / n;
    *variance = square / n - *mean * *mean;
    scene_free(s);
}

START_TEST(hutchinson__mean_is_the_exact_trace)
{
    const double x[] = { 0.4, -0.9, 1.3 }, exact = exact_log_det(x), n = 40 * 128;
    for (int32_t probe = NF_PROBE_RADEMACHER; probe <= NF_PROBE_GAUSSIAN; probe++) {
        double mean, one, eight;
        estimate(probe, 1, x, &mean, &one);
        ck_assert_msg(one > 1e-4, "variance %g: nothing is estimated", one);
        ck_assert_msg(fabs(mean - exact) < 4 * sqrt(one / n), "%g, exact %g, standard error %g", mean, exact, sqrt(one / n));
        estimate(probe, 8, x, &mean, &eight);
        ck_assert_msg(fabs(mean - exact) < 4 * sqrt(eight / n), "8 probes: %g, exact %g", mean, exact);
        ck_assert_msg(eight * 8 > 0.8 * one && eight * 8 < 1.25 * one, "variance %g with one probe, %g with eight", one, eight);
    }
}
END_TEST

START_TEST(hutchinson__probes_follow_key_epoch_seed_and_place)
{
    struct scene *s = scene_new(CNF(.dim = 3, HIDDEN(8), .trace = NF_TRACE_HUTCHINSON, .probe = NF_PROBE_GAUSSIAN, .rtol = 1e-9, .atol = 1e-9), 1);
    const double x[] = { 0.4, -0.9, 1.3 };
    double z[3], seen[6];
    for (int i = 0; i < 6; i++) {
        s->key[0] = i == 2 ? 6 : 5;
        s->tile.epoch = i == 3 ? 1 : 0;
        s->tile.seed = i == 4 ? 8 : 7;
        s->tile.stream = i == 5 ? 512 : 256;
        scene_forward(s, x, z);
        seen[i] = s->log_det[0];
    }
    ck_assert(seen[0] == seen[1]);
    for (int i = 2; i < 6; i++)
        for (int j = 1; j < i; j++) ck_assert_msg(fabs(seen[i] - seen[j]) > 1e-6, "%d and %d have the same probes", i, j);
    scene_free(s);
}
END_TEST

static nf_dataset *moons(int64_t n)
{
    nf_dataset *data;
    expect(nf_dataset_synthetic(&data, NULL, "moons", n, 0.1, 4), NF_OK);
    return data;
}

static void fit(nf_flow *flow, double lr, int64_t epochs, int64_t batch, int64_t rows, nf_fit_report *report)
{
    const nf_adam_config adam = { .struct_size = sizeof adam, .lr = lr };
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = epochs, .batch = batch, .keep_last = 1 };
    nf_dataset *data = moons(rows);
    nf_optimizer *optimizer;
    expect(nf_optimizer_adam_create(&optimizer, NULL, &adam), NF_OK);
    expect(nf_flow_fit(flow, optimizer, data, NULL, &config, report), NF_OK);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
}

START_TEST(hutchinson__fit_draws_anew_each_epoch)
{
    double curve[2][3];
    for (int estimated = 0; estimated < 2; estimated++) {
        nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(8), .trace = estimated ? NF_TRACE_HUTCHINSON_TRAIN : NF_TRACE_EXACT));
        nf_fit_report report = { .struct_size = sizeof report, .curve_train = curve[estimated], .curve_capacity = 3 };
        fit(flow, 1e-13, 3, 64, 256, &report);
        nf_flow_unref(flow);
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++) {
            near(curve[0][i], curve[0][j], 1e-9, "exact loss", i);
            ck_assert_msg(fabs(curve[1][i] - curve[1][j]) > 1e-6, "epochs %d and %d have the same probes", i, j);
        }
}
END_TEST

/* Rows */

/* Rows of all magnitudes: their steps differ by factors. */
START_TEST(row__has_the_same_bits_alone_and_in_any_batch)
{
    enum { N = 300 };
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_flow *flow = flow_of(NULL, dtype, CNF(.dim = 2, HIDDEN(16, 16), .activation = NF_ACTIVATION_SOFTPLUS, .end_time = 2.0));
        double x[2 * N], all[N], one[N];
        const int64_t size = support_size(dtype);
        support_perturb(flow, 0.4, 6);
        fill(x, 2 * N, 1.0);
        for (int64_t k = 0; k < 2 * N; k++) x[k] *= pow(10.0, (double)(k / 2 % 5) - 2.0);
        char *in = support_array(dtype, 2 * N, x), *z = support_malloc(2 * N * size), *z1 = support_malloc(2 * size);
        expect(any_forward(flow, N, in, NULL, z, all), NF_OK);
        for (int64_t i = 0; i < N; i++) {
            expect(any_forward(flow, 1, in + 2 * i * size, NULL, z1, one + i), NF_OK);
            ck_assert_msg(memcmp(z1, z + 2 * i * size, (size_t)(2 * size)) == 0, "row %lld alone has other bits", (long long)i);
        }
        ck_assert_int_eq(support_differ(all, one, N, 8), -1);
        for (int64_t i = 0; i < N - 37; i += 37) { /* other neighbours, other places in the tile */
            expect(any_forward(flow, 37, in + 2 * i * size, NULL, z, one + i), NF_OK);
            ck_assert_int_eq(support_differ(all + i, one + i, 37, 8), -1);
        }
        free(in), free(z), free(z1);
        nf_flow_unref(flow);
    }
}
END_TEST

/* y' = W y (dim 1): x = 0 rests, any other row is as hard as W says. */
static nf_flow *scalar_flow(nf_context *context, double weight, int64_t max_steps)
{
    nf_flow *flow = flow_of(context, NF_F64, CNF(.dim = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .max_steps = max_steps, .end_time = 1.0));
    const double theta[] = { weight, 0.0, 1.0 };
    expect(nf_flow_set_params(flow, 3, theta), NF_OK);
    return flow;
}

static void others_complete(nf_flow *flow, const char *reason)
{
    enum { N = 150 };
    double x[N] = { 0 }, value[N];
    const clock_t start = clock();
    x[77] = 1.0;
    x[120] = -2.0;
    expect(nf_flow_log_prob_f64(flow, N, x, NULL, value), NF_ROWS_NONFINITE);
    says("2 of 150 rows");
    says("row 77");
    says(reason);
    says("at t = ");
    says("with a step of ");
    for (int i = 0; i < N; i++) ck_assert_msg(isnan(value[i]) == (i == 77 || i == 120), "row %d: %g", i, value[i]);
    ck_assert_msg((double)(clock() - start) < 5.0 * CLOCKS_PER_SEC, "took %g s", (double)(clock() - start) / CLOCKS_PER_SEC);
    ck_assert(value[0] == value[76] && value[76] == value[149] && isfinite(value[0]));
}

START_TEST(row__that_is_stiff_fails_alone)
{
    nf_flow *flow = scalar_flow(NULL, -1e6, 0);
    others_complete(flow, "NF_ERR_ODE_MAXSTEPS");
    nf_flow_unref(flow);
}
END_TEST

START_TEST(row__that_blows_up_fails_alone)
{
    nf_flow *flow = scalar_flow(NULL, 2000.0, 100000);
    others_complete(flow, "NF_ERR_ODE_RHS");
    nf_flow_unref(flow);
}
END_TEST

/* y' = -1e15 tanh(1e18 y) sticks where it reaches 0: a step that the tolerance allows there is lost in t. */
START_TEST(row__whose_steps_vanish_fails_alone)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 1, HIDDEN(1), .time = NF_TIME_IGNORE, .end_time = 1.0, .max_steps = 100000));
    const double theta[] = { 1e18, 0.0, -1e15, 0.0, 1.0 }, x[] = { 5e15, 3e14, -4e15 };
    double z[3], log_det[3];
    expect(nf_flow_set_params(flow, 5, theta), NF_OK);
    expect(nf_flow_forward_f64(flow, 3, x, NULL, z, log_det), NF_ROWS_NONFINITE);
    says("1 of 3 rows");
    says("row 1: NF_ERR_ODE_STEP");
    near(z[0], 4e15, 1e-4, "z", 0);
    near(z[2], -3e15, 1e-4, "z", 2);
    ck_assert(isnan(z[1]) && isnan(log_det[1]));
    nf_flow_unref(flow);
}
END_TEST

START_TEST(row__of_nan_weights_fails_at_once)
{
    for (int32_t solver = NF_ODE_DOPRI5; solver <= NF_ODE_EULER; solver++) {
        nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), .solver = solver, .step = 0.1, .max_steps = 100000));
        double x[6] = { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6 }, value[3], *theta;
        expect(nf_flow_params_f64(flow, &theta, NULL, NULL), NF_OK);
        theta[3] = NAN;
        expect(nf_flow_update(flow), NF_OK);
        expect(nf_flow_log_prob_f64(flow, 3, x, NULL, value), NF_ROWS_NONFINITE);
        says("3 of 3 rows are not finite, the first is row 0: NF_ERR_ODE_RHS");
        expect(nf_flow_sample_f64(flow, 1, 0, 3, NULL, 1.0, x, value), NF_ROWS_NONFINITE);
        for (int i = 0; i < 6; i++) ck_assert(isnan(x[i]));
        nf_flow_unref(flow);
    }
}
END_TEST

START_TEST(row__that_fails_is_an_error_in_a_strict_context)
{
    const nf_context_config config = { .struct_size = sizeof config, .strict = 1 };
    nf_context *context;
    expect(nf_context_create(&context, &config), NF_OK);
    nf_flow *flow = scalar_flow(context, -1e6, 0);
    const double x[] = { 0.0, 1.0 };
    double value[2] = { 5, 5 };
    expect(nf_flow_log_prob_f64(flow, 2, x, NULL, value), NF_ERR_NONFINITE);
    says("NF_ERR_ODE_MAXSTEPS");
    ck_assert(isnan(value[0]) && isnan(value[1]));
    nf_flow_unref(flow);
    nf_context_unref(context);
}
END_TEST

/* 255 rows at rest, one that is too hard: the one batch in four that it is in is not applied. */
START_TEST(fit__skips_steps_with_rows_that_fail)
{
    nf_flow *flow = scalar_flow(NULL, -1e6, 0);
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = 2, .batch = 64, .keep_last = 1, .no_init = 1 };
    const nf_adam_config adam = { .struct_size = sizeof adam, .lr = 1e-6 };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_optimizer *optimizer;
    nf_dataset *data;
    double x[256] = { 0 }, theta[3];
    x[100] = 1.0;
    expect(nf_dataset_from_array_f64(&data, NULL, 256, 1, x), NF_OK);
    expect(nf_optimizer_adam_create(&optimizer, NULL, &adam), NF_OK);
    const nf_status status = nf_flow_fit(flow, optimizer, data, NULL, &config, &report);
    ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error());
    ck_assert_int_eq(report.skipped, 2);
    ck_assert_int_eq(report.steps, 6);
    expect(nf_flow_get_params(flow, 3, theta), NF_OK);
    for (int i = 0; i < 3; i++) ck_assert(isfinite(theta[i]));
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(cnf__tolerance_below_float_is_refused_in_float)
{
    const nf_cnf_config *config = CNF(.dim = 2, HIDDEN(4), .rtol = 1e-8);
    nf_flow *f32 = flow_of(NULL, NF_F32, config), *f64 = flow_of(NULL, NF_F64, config);
    float xf[] = { 0.1f, 0.2f };
    double x[] = { 0.1, 0.2 }, value, nll;
    expect(nf_flow_log_prob(f32, 1, xf, NULL, &value), NF_ERR_ODE_TOL);
    says("rtol is 1e-08");
    says("1.2e-07");
    expect(nf_flow_sample(f32, 1, 0, 1, NULL, 1.0, xf, NULL), NF_ERR_ODE_TOL);
    expect(nf_flow_nll_grad(f32, 1, xf, NULL, &nll), NF_ERR_ODE_TOL);
    expect(nf_flow_log_prob_f64(f64, 1, x, NULL, &value), NF_OK);
    nf_flow_unref(f32);
    nf_flow_unref(f64);
}
END_TEST

/* Energies */

/* A twin of the layer: 2 columns, one hidden layer of 3 tanh, concat_squash, rk4 of (y, l, K, J) with the exact trace. */
#define TWIN_H 3
#define TWIN_STEPS 8

/* u = W h + b, g = s(v t + d): u g + w t; theta moves on. jac [out][2] = d u / d y */
static const double *twin_layer(const double *theta, int in, int out, double t, const double *h, double (*jac_in)[2], double *u, double (*jac)[2])
{
    const double *bias = theta + in * out, *gate = bias + out, *gate_bias = gate + out, *shift = gate_bias + out;
    for (int j = 0; j < out; j++) {
        const double g = 1.0 / (1.0 + exp(-(gate[j] * t + gate_bias[j])));
        double a = bias[j], d[2] = { 0, 0 };
        for (int k = 0; k < in; k++) {
            a += h[k] * theta[k * out + j];
            for (int c = 0; c < 2; c++) d[c] += jac_in[k][c] * theta[k * out + j];
        }
        u[j] = a * g + shift[j] * t;
        for (int c = 0; c < 2; c++) jac[j][c] = d[c] * g;
    }
    return shift + out;
}

static void twin_rates(const double *theta, double t, const double *y, double *dy)
{
    double unit[2][2] = { { 1, 0 }, { 0, 1 } }, u[TWIN_H], f[2], jac[TWIN_H][2], jf[2][2];
    theta = twin_layer(theta, 2, TWIN_H, t, y, unit, u, jac);
    for (int j = 0; j < TWIN_H; j++) {
        u[j] = tanh(u[j]);
        for (int c = 0; c < 2; c++) jac[j][c] *= 1.0 - u[j] * u[j];
    }
    (void)twin_layer(theta, TWIN_H, 2, t, u, jac, f, jf);
    dy[0] = f[0];
    dy[1] = f[1];
    dy[2] = jf[0][0] + jf[1][1];
    dy[3] = f[0] * f[0] + f[1] * f[1];
    dy[4] = jf[0][0] * jf[0][0] + jf[0][1] * jf[0][1] + jf[1][0] * jf[1][0] + jf[1][1] * jf[1][1];
}

/* NLL of a row under a standard normal, plus the weighted energies */
static double twin_loss(const double *theta, int64_t count, const double *x, double kinetic, double jacobian)
{
    const double end = theta[count - 1] * theta[count - 1], h = end / TWIN_STEPS;
    double y[5] = { x[0], x[1], 0, 0, 0 }, k[4][5], stage[5];
    for (int s = 0; s < TWIN_STEPS; s++) {
        for (int i = 0; i < 4; i++) {
            const double c = i == 0 ? 0.0 : i == 3 ? 1.0 : 0.5;
            for (int j = 0; j < 5; j++) stage[j] = y[j] + (i ? c * h * k[i - 1][j] : 0.0);
            twin_rates(theta, (s + c) * h, stage, k[i]);
        }
        for (int j = 0; j < 5; j++) y[j] += h / 6.0 * (k[0][j] + 2 * k[1][j] + 2 * k[2][j] + k[3][j]);
    }
    return 0.5 * (y[0] * y[0] + y[1] * y[1]) + log(2.0 * acos(-1.0)) - y[2] + kinetic * y[3] + jacobian * y[4];
}

static double twin_mean(const double *theta, int64_t count, const double *x, double kinetic, double jacobian)
{
    double sum = 0.0;
    for (int64_t i = 0; i < 5; i++) sum += twin_loss(theta, count, x + 2 * i, kinetic, jacobian);
    return sum / 5.0;
}

static nf_flow *energy_flow(double kinetic, double jacobian)
{
    nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(TWIN_H), .solver = NF_ODE_RK4, .step = 0.9 / (TWIN_STEPS - 0.5), .end_time = 0.9,
                                              .trace = NF_TRACE_EXACT, .kinetic = kinetic, .jacobian = jacobian));
    return flow;
}

START_TEST(energies__gradient_is_that_of_loss_and_quadrature)
{
    static const double weights[][2] = { { 0, 0 }, { 0.7, 0 }, { 0, 0.3 }, { 1.1, 0.4 } };
    for (int w = 0; w < SUPPORT_COUNT(weights); w++) {
        nf_flow *flow = energy_flow(weights[w][0], weights[w][1]);
        double x[10], nll, *theta, *grad;
        int64_t count;
        fill(x, 10, 1.5);
        expect(nf_flow_nll_grad_f64(flow, 5, x, NULL, &nll), NF_OK);
        expect(nf_flow_params_f64(flow, &theta, &grad, &count), NF_OK);
        near(nll, twin_mean(theta, count, x, 0, 0), 1e-12, "nll", w); /* without the energies */
        for (int64_t k = 0; k < count; k++) {
            const double keep = theta[k];
            theta[k] = keep + STEP;
            const double above = twin_mean(theta, count, x, weights[w][0], weights[w][1]);
            theta[k] = keep - STEP;
            const double below = twin_mean(theta, count, x, weights[w][0], weights[w][1]);
            theta[k] = keep;
            near(grad[k], (above - below) / (2.0 * STEP), SLOPE_TOL, "dL/dtheta", k);
        }
        nf_flow_unref(flow);
    }
}
END_TEST

START_TEST(energies__are_not_in_the_score)
{
    nf_flow *plain = energy_flow(0, 0), *weighted = energy_flow(10, 20);
    double x[10], value[2][5], score[2][10];
    fill(x, 10, 1.5);
    expect(nf_flow_score_f64(plain, 5, x, NULL, value[0], score[0]), NF_OK);
    expect(nf_flow_score_f64(weighted, 5, x, NULL, value[1], score[1]), NF_OK);
    ck_assert_int_eq(support_differ(value[0], value[1], 5, 8), -1);
    ck_assert_int_eq(support_differ(score[0], score[1], 10, 8), -1);
    nf_flow_unref(plain);
    nf_flow_unref(weighted);
}
END_TEST

START_TEST(cnf__fixed_end_time_has_no_gradient)
{
    for (int32_t fixed = 0; fixed <= 1; fixed++) {
        nf_flow *flow = flow_of(NULL, NF_F64, CNF(.dim = 2, HIDDEN(4), .end_time_fixed = fixed, .kinetic = 0.1));
        const int64_t count = nf_flow_param_count(flow);
        nf_param_view view = { .struct_size = sizeof view }, next = { .struct_size = sizeof next };
        double x[] = { 0.4, -0.3 }, nll, *grad;
        for (int64_t i = 0; nf_flow_param(flow, i, &next) == NF_OK; i++) view = next;
        ck_assert_str_eq(view.name, "layers.0.sqrt_time");
        ck_assert_int_eq(!!(view.properties & NF_PARAM_FROZEN), fixed);
        expect(nf_flow_nll_grad_f64(flow, 1, x, NULL, &nll), NF_OK);
        expect(nf_flow_params_f64(flow, NULL, &grad, NULL), NF_OK);
        ck_assert((grad[count - 1] == 0.0) == (fixed == 1));
        nf_flow_unref(flow);
    }
}
END_TEST

/* Flows */

static nf_flow *two_blocks(nf_context *context, int32_t dtype)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = dtype, .seed = 9 };
    const nf_actnorm_config actnorm = { .struct_size = sizeof actnorm, .dim = 2 };
    const nf_permutation_config permutation = { .struct_size = sizeof permutation, .dim = 2, .kind = NF_PERMUTATION_REVERSE };
    const nf_cnf_config *cnf = CNF(.dim = 2, HIDDEN(16, 16), .kinetic = 0.01);
    nf_layer *layers[4];
    nf_base *base;
    nf_flow *flow;
    expect(nf_cnf_create(&layers[0], context, cnf), NF_OK);
    expect(nf_actnorm_create(&layers[1], context, &actnorm), NF_OK);
    expect(nf_permutation_create(&layers[2], context, &permutation), NF_OK);
    expect(nf_cnf_create(&layers[3], context, cnf), NF_OK);
    expect(nf_base_normal_create(&base, context, 2), NF_OK);
    expect(nf_flow_create(&flow, context, &flow_config, base, layers, 4), NF_OK);
    for (int i = 0; i < 4; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    return flow;
}

static double integral(const nf_flow *flow)
{
    enum { N = 160 };
    const double low = -5.0, high = 6.0, cell = (high - low) / N;
    double value[N], sum = 0.0;
    float x[2 * N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            x[2 * j] = (float)(low + (i + 0.5) * cell);
            x[2 * j + 1] = (float)(low + (j + 0.5) * cell);
        }
        expect(nf_flow_log_prob(flow, N, x, NULL, value), NF_OK);
        for (int j = 0; j < N; j++) sum += exp(value[j]) * cell * cell;
    }
    return sum;
}

START_TEST(flow__of_two_blocks_trains_and_integrates_to_one)
{
    nf_flow *flow = two_blocks(NULL, NF_F32);
    nf_fit_report before = { .struct_size = sizeof before }, after = { .struct_size = sizeof after };
    fit(flow, 1e-12, 1, 128, 1280, &before);
    fit(flow, 1e-2, 20, 128, 1280, &after); /* 200 steps */
    ck_assert_int_eq(after.steps, 200);
    ck_assert_int_eq(after.skipped, 0);
    ck_assert_msg(after.train_nll < before.train_nll - 0.3, "loss %g, was %g", after.train_nll, before.train_nll);
    near(integral(flow), 1.0, 5e-4, "integral", 0);
    nf_flow_unref(flow);
}
END_TEST

static double *trained(int32_t threads, int32_t dtype, nf_flow **out)
{
    nf_context *context = support_context(threads, NULL);
    nf_flow *flow = two_blocks(context, dtype);
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);
    fit(flow, 1e-2, 2, 200, 600, NULL);
    expect(nf_flow_get_params(flow, count, theta), NF_OK);
    nf_context_unref(context);
    *out = flow;
    return theta;
}

START_TEST(flow__trains_to_the_same_bits_on_any_number_of_threads)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_flow *flow, *other;
        double *one = trained(1, dtype, &flow);
        for (int32_t threads = 2; threads <= 3; threads++) {
            double *more = trained(threads, dtype, &other);
            ck_assert_int_eq(support_differ(one, more, nf_flow_param_count(flow), 8), -1);
            free(more);
            nf_flow_unref(other);
        }
        free(one);
        nf_flow_unref(flow);
    }
}
END_TEST

START_TEST(flow__comes_back_from_its_file_with_the_same_bits)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        nf_flow *flow = two_blocks(NULL, dtype), *again;
        double x[40], value[2][20];
        int64_t size;
        support_perturb(flow, 0.1, 3);
        expect(nf_flow_save_memory(flow, NULL, 0, &size), NF_OK);
        void *bytes = support_malloc(size);
        expect(nf_flow_save_memory(flow, bytes, size, &size), NF_OK);
        expect(nf_flow_load_memory(&again, NULL, bytes, size), NF_OK);
        fill(x, 40, 2.0);
        void *in = support_array(dtype, 40, x), *a = support_array(dtype, 40, x), *b = support_array(dtype, 40, x);
        expect(any_log_prob(flow, 20, in, NULL, value[0]), NF_OK);
        expect(any_log_prob(again, 20, in, NULL, value[1]), NF_OK);
        ck_assert_int_eq(support_differ(value[0], value[1], 20, 8), -1);
        expect(any_sample(flow, 3, 0, 20, NULL, 1.0, a, NULL), NF_OK);
        expect(any_sample(again, 3, 0, 20, NULL, 1.0, b, NULL), NF_OK);
        ck_assert_int_eq(support_differ(a, b, 40, support_size(dtype)), -1);
        free(bytes), free(in), free(a), free(b);
        nf_flow_unref(flow);
        nf_flow_unref(again);
    }
}
END_TEST

START_TEST(flow__is_the_same_function_in_float_and_double)
{
    nf_flow *f32 = flow_of(NULL, NF_F32, CNF(.dim = 2, HIDDEN(16, 16))), *f64;
    double x[40], a[20], b[20];
    support_perturb(f32, 0.2, 3);
    expect(nf_flow_convert(&f64, f32, NF_F64), NF_OK);
    fill(x, 40, 2.0);
    float *xf = support_array(NF_F32, 40, x);
    for (int i = 0; i < 40; i++) x[i] = (double)xf[i];
    expect(nf_flow_log_prob(f32, 20, xf, NULL, a), NF_OK);
    expect(nf_flow_log_prob_f64(f64, 20, x, NULL, b), NF_OK);
    for (int i = 0; i < 20; i++) near(a[i], b[i], 2e-4, "log_prob", i);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    free(xf);
    nf_flow_unref(f32);
    nf_flow_unref(f64);
}
END_TEST

/* nf_fail_row, by a layer type of the user's own: z = x, but rows over 100 fail. */

typedef struct picky_config {
    uint32_t struct_size;
    int32_t reserved;
    int64_t dim;
} picky_config;
static const nf_field picky_fields[] = { { .name = "dim", .help = "Columns", .kind = NF_FIELD_I64, .offset = 8, .fallback = 2, .min = 1, .max = 8 } };

static nf_status picky_create(nf_maker *maker, void *config, void **self)
{
    (void)maker;
    *self = config;
    return NF_OK;
}

static nf_status picky_describe(const void *self, nf_layer_info *info)
{
    info->dim = ((const picky_config *)self)->dim;
    return NF_OK;
}

static nf_status picky_copy(const void *self, const nf_tile *tile, const void *from, void *to)
{
    const int64_t dim = ((const picky_config *)self)->dim;
    memcpy(to, from, (size_t)(tile->n * dim) * 8);
    nf_fail_row(NULL, 0, NF_ERR_SINGULAR, "no tile");
    nf_fail_row(tile, -1, NF_ERR_SINGULAR, "no such row");
    nf_fail_row(tile, tile->n, NF_ERR_SINGULAR, "no such row");
    for (int64_t i = tile->n - 1; i >= 0; i--) { /* backwards: the lowest is not the first that is told */
        char line[64];
        const double x = ((const double *)from)[i * dim];
        (void)snprintf(line, sizeof line, "picky: %g is over 100", x);
        if (x > 100.0) nf_fail_row(tile, i, NF_ERR_SINGULAR, line);
    }
    return NF_OK;
}

static nf_status picky_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)saved;
    return picky_copy(self, tile, in, out);
}

static nf_status picky_inverse(const void *self, const nf_tile *tile, const void *out, void *in) { return picky_copy(self, tile, out, in); }

static nf_status picky_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    (void)self, (void)tile, (void)in, (void)out, (void)saved, (void)g, (void)h;
    return NF_OK;
}

static const nf_layer_ops picky_ops = { .struct_size = sizeof picky_ops, .forward = picky_forward, .inverse = picky_inverse,
                                        .backward = picky_backward };
static const nf_layer_type picky_type = { .struct_size = sizeof picky_type, .version = 1, .name = "picky", .config_size = sizeof(picky_config),
                                          .config_first_size = sizeof(picky_config), .fields = picky_fields, .n_fields = 1,
                                          .create = picky_create, .describe = picky_describe, .f64 = &picky_ops };

static nf_flow *picky_flow(nf_context *context)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64 };
    const picky_config config = { .struct_size = sizeof config, .dim = 2 };
    nf_layer *layer;
    nf_base *base;
    nf_flow *flow;
    expect(nf_layer_create_custom(&layer, context, &picky_type, &config), NF_OK);
    expect(nf_base_normal_create(&base, context, 2), NF_OK);
    expect(nf_flow_create(&flow, context, &flow_config, base, (nf_layer *[]){ layer, layer }, 2), NF_OK);
    nf_layer_unref(layer);
    nf_base_unref(base);
    return flow;
}

START_TEST(fail_row__tells_the_lowest_row_on_any_number_of_threads)
{
    enum { N = 5000 };
    static const struct { int row; double x; } bad[] = { { 4999, 105 }, { 2100, 104 }, { 701, 103 }, { 700, 102 }, { 3000, 101 } };
    double *x = support_malloc(N * 16), *z = support_malloc(N * 16), *value = support_malloc(N * 8);
    for (int k = 0; k < 2 * N; k++) x[k] = draw((uint64_t)k);
    for (int b = 0; b < SUPPORT_COUNT(bad); b++) x[2 * bad[b].row] = bad[b].x;
    for (int32_t threads = 1; threads <= 3; threads++) {
        nf_context *context = support_context(threads, NULL);
        nf_flow *flow = picky_flow(context);
        for (int way = 0; way < 2; way++) {
            expect((way ? nf_flow_inverse_f64 : nf_flow_forward_f64)(flow, N, x, NULL, z, value), NF_ROWS_NONFINITE);
            says("5 of 5000 rows are not finite, the first is row 700: NF_ERR_SINGULAR: ");
            says("picky: 102 is over 100");
            for (int i = 0; i < N; i++) {
                const bool failed = x[2 * i] > 100.0;
                ck_assert_msg(isnan(value[i]) == failed && isnan(z[2 * i]) == failed && isnan(z[2 * i + 1]) == failed, "row %d", i);
                ck_assert(failed || (value[i] == 0.0 && z[2 * i] == x[2 * i] && z[2 * i + 1] == x[2 * i + 1]));
            }
        }
        nf_flow_unref(flow);
        nf_context_unref(context);
    }
    free(x), free(z), free(value);
}
END_TEST

/* A row that is NaN by itself is told as that, even where a later one fails with a reason. */
START_TEST(fail_row__reason_is_told_for_its_own_row_only)
{
    nf_flow *flow = picky_flow(NULL);
    double x[] = { NAN, 0, 1, 2, 102, 3 }, value[3];
    expect(nf_flow_log_prob_f64(flow, 3, x, NULL, value), NF_ROWS_NONFINITE);
    says("2 of 3 rows are not finite, the first is row 0");
    ck_assert_msg(strstr(nf_last_error(), "picky") == NULL, "%s", nf_last_error());
    x[0] = 0.0;
    expect(nf_flow_log_prob_f64(flow, 3, x, NULL, value), NF_ROWS_NONFINITE);
    says("1 of 3 rows are not finite, the first is row 2: NF_ERR_SINGULAR: picky: 102 is over 100");
    x[4] = 0.0; /* and nothing is left behind */
    expect(nf_flow_log_prob_f64(flow, 3, x, NULL, value), NF_OK);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(fail_row__adds_no_gradient)
{
    nf_flow *bad = flow_of(NULL, NF_F64, CNF(.dim = 1, HIDDEN(0), .time = NF_TIME_IGNORE, .solver = NF_ODE_RK4, .step = 0.1));
    const double theta[] = { 1e200, 0.0, 1.0 }, x[] = { 0.0, 1.0, 0.0 };
    double nll, *grad;
    expect(nf_flow_set_params(bad, 3, theta), NF_OK);
    expect(nf_flow_nll_grad_f64(bad, 3, x, NULL, &nll), NF_ROWS_NONFINITE);
    says("row 1: NF_ERR_ODE_RHS");
    ck_assert(isnan(nll));
    expect(nf_flow_params_f64(bad, NULL, &grad, NULL), NF_OK);
    for (int k = 0; k < 3; k++) ck_assert_msg(isfinite(grad[k]), "grad %d is %g", k, grad[k]);
    nf_flow_unref(bad);
}
END_TEST

static void add_cases(TCase *cases)
{
    tcase_add_test(cases, cnf__linear_field_has_its_closed_form);
    tcase_add_test(cases, cnf__linear_field_of_two_pixels_has_its_closed_form);
    tcase_add_test(cases, cnf__refusals_name_the_function_and_the_field);
    tcase_add_test(cases, cnf__squashed_trace_has_its_closed_form);
    tcase_add_loop_test(cases, solver__reaches_the_solution_at_its_order, 0, SUPPORT_COUNT(solvers));
    tcase_add_loop_test(cases, solver__log_det_is_that_of_the_dense_jacobian, 0, SUPPORT_COUNT(solvers));
    tcase_add_loop_test(cases, solver__gradients_are_those_of_the_discrete_solution, 0, SUPPORT_COUNT(solvers));
    tcase_add_loop_test(cases, solver__gradients_of_fine_solves_are_those_of_the_equation, 0, 2);
    tcase_add_test(cases, cnf__inverse_undoes_forward_within_tolerance);
    tcase_add_test(cases, cnf__gradient_over_many_steps_is_that_of_short_solves);
    tcase_add_test(cases, cnf__training_has_at_most_256_steps);
    tcase_add_test(cases, hutchinson__mean_is_the_exact_trace);
    tcase_add_test(cases, hutchinson__probes_follow_key_epoch_seed_and_place);
    tcase_add_test(cases, hutchinson__fit_draws_anew_each_epoch);
    tcase_add_test(cases, row__has_the_same_bits_alone_and_in_any_batch);
    tcase_add_test(cases, row__that_is_stiff_fails_alone);
    tcase_add_test(cases, row__that_blows_up_fails_alone);
    tcase_add_test(cases, row__whose_steps_vanish_fails_alone);
    tcase_add_test(cases, row__of_nan_weights_fails_at_once);
    tcase_add_test(cases, row__that_fails_is_an_error_in_a_strict_context);
    tcase_add_test(cases, fit__skips_steps_with_rows_that_fail);
    tcase_add_test(cases, cnf__tolerance_below_float_is_refused_in_float);
    tcase_add_test(cases, energies__gradient_is_that_of_loss_and_quadrature);
    tcase_add_test(cases, energies__are_not_in_the_score);
    tcase_add_test(cases, cnf__fixed_end_time_has_no_gradient);
    tcase_add_test(cases, flow__of_two_blocks_trains_and_integrates_to_one);
    tcase_add_test(cases, flow__trains_to_the_same_bits_on_any_number_of_threads);
    tcase_add_test(cases, flow__comes_back_from_its_file_with_the_same_bits);
    tcase_add_test(cases, flow__is_the_same_function_in_float_and_double);
    tcase_add_test(cases, fail_row__tells_the_lowest_row_on_any_number_of_threads);
    tcase_add_test(cases, fail_row__reason_is_told_for_its_own_row_only);
    tcase_add_test(cases, fail_row__adds_no_gradient);
}

int main(void)
{
    Suite *suite = suite_create("cnf");
    TCase *cases = tcase_create("cnf");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    add_cases(cases);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
