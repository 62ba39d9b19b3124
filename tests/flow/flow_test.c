/* SPDX-License-Identifier: MIT
 *
 * flow_test.c - whole flows: what a trained density is, what its samples are, and the same bits everywhere
 *
 * Bounds are those of docs/testing.md. The trained flow is a small RealNVP on two moons, fitted here in a few seconds.
 */
#include "support.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOW_X (-4.0) /* a box that holds all but 1e-9 of the trained density */
#define HIGH_X 5.0
#define LOW_Y (-3.5)
#define HIGH_Y 4.0

static const int64_t hidden[] = { 32, 32 };

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

static nf_dataset *moons(nf_context *context, int64_t n, uint64_t seed)
{
    nf_dataset *data = NULL;
    expect(nf_dataset_synthetic(&data, context, "moons-sklearn", n, -1.0, seed));
    return data;
}

static double *rows_of(const nf_dataset *data)
{
    const int64_t n = nf_dataset_rows(data);
    double *x = support_malloc(n * 2 * 8);
    expect(nf_dataset_copy_f64(data, 0, n, x, NULL));
    return x;
}

static nf_flow *realnvp(nf_context *context, int32_t dtype, int64_t layers)
{
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;

    config.dim = 2;
    config.layers = layers;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.dtype = dtype;
    config.seed = 5;
    expect(nf_flow_create_realnvp(&flow, context, &config));
    return flow;
}

static nf_flow *trained;      /* f32, made once: check runs these tests in one process (CK_NOFORK) or copies it on fork */
static nf_flow *trained_wide; /* the same weights in f64 */

static void train_moons(void)
{
    nf_dataset *data = moons(NULL, 3000, 8);
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_optimizer *optimizer = NULL;

    adam.lr = 5e-3;
    fit.epochs = 80;
    fit.schedule = NF_SCHEDULE_COSINE;
    trained = realnvp(NULL, NF_F32, 10);
    expect(nf_optimizer_adam_create(&optimizer, NULL, &adam));
    expect(nf_flow_fit(trained, optimizer, data, NULL, &fit, NULL));
    expect(nf_flow_convert(&trained_wide, trained, NF_F64));
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
}

static void forget_moons(void)
{
    nf_flow_unref(trained);
    nf_flow_unref(trained_wide);
}

/* Probability of cells [cells][cells] of the box, by the midpoint rule on about 1024 x 1024 points. */
static double *cell_masses(const nf_flow *flow, int64_t cells)
{
    const int64_t fine = 1024 / cells, side = fine * cells;
    const double dx = (HIGH_X - LOW_X) / (double)side, dy = (HIGH_Y - LOW_Y) / (double)side;
    double *x = support_malloc(side * 2 * 8), *lp = support_malloc(side * 8), *mass = calloc((size_t)(cells * cells), 8);
    void *row;

    for (int64_t i = 0; i < side; i++) {
        for (int64_t j = 0; j < side; j++) {
            x[2 * j] = LOW_X + ((double)j + 0.5) * dx;
            x[2 * j + 1] = LOW_Y + ((double)i + 0.5) * dy;
        }
        row = support_array(nf_flow_dtype(flow), side * 2, x);
        expect(any_log_prob(flow, side, row, NULL, lp));
        for (int64_t j = 0; j < side; j++) mass[i / fine * cells + j / fine] += exp(lp[j]) * dx * dy;
        free(row);
    }
    free(x), free(lp);
    return mass;
}

START_TEST(trained__density_integrates_to_one)
{
    const nf_flow *const flows[] = { trained, trained_wide };
    double *mass = cell_masses(flows[_i], 256), sum = 0;

    for (int64_t i = 0; i < 256 * 256; i++) sum += mass[i];
    ck_assert_msg(fabs(sum - 1) <= 1e-3, "the integral is %.9g", sum);
    free(mass);
}
END_TEST

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* On data, f32: 1e-3 at worst and 1e-4 for 99 of 100; f64: 1e-10. */
START_TEST(trained__inverse_undoes_forward_on_data)
{
    enum { N = 20000 };
    const nf_flow *flow = _i ? trained_wide : trained;
    const int32_t dtype = nf_flow_dtype(flow);
    nf_dataset *data = moons(NULL, N, 77);
    double *values = rows_of(data), *error = support_malloc(2 * N * 8), *log_det = support_malloc(2 * N * 8);
    void *x = support_array(dtype, 2 * N, values), *z = support_malloc(2 * N * 8), *back = support_malloc(2 * N * 8);
    double sum = 0;

    expect(any_forward(flow, N, x, NULL, z, log_det));
    expect(any_inverse(flow, N, z, NULL, back, log_det + N));
    for (int64_t i = 0; i < 2 * N; i++) error[i] = fabs(support_at(dtype, x, i) - support_at(dtype, back, i));
    for (int64_t i = 0; i < N; i++) sum = fmax(sum, fabs(log_det[i] + log_det[N + i]));
    qsort(error, 2 * N, sizeof *error, by_size);
    ck_assert_msg(error[2 * N - 1] <= (_i ? 1e-10 : 1e-3), "worst %g", error[2 * N - 1]);
    ck_assert_msg(error[2 * N * 99 / 100] <= (_i ? 1e-10 : 1e-4), "99th of 100: %g", error[2 * N * 99 / 100]);
    ck_assert_msg(sum <= (_i ? 1e-9 : 1e-2), "log-dets of the two directions: %g", sum);
    free(values), free(error), free(log_det), free(x), free(z), free(back);
    nf_dataset_unref(data);
}
END_TEST

/* Pearson's chi^2 of samples in cells with at least 5 expected; the critical value for p = 1e-4 by Wilson and Hilferty (1931):
 * k (1 - 2/(9k) + 3.719 sqrt(2/(9k)))^3 with k degrees of freedom. */
static bool samples_fit(const nf_flow *flow, int64_t n, double shift, double *chi2, double *critical)
{
    enum { CELLS = 24 };
    const int32_t dtype = nf_flow_dtype(flow);
    double *mass = cell_masses(flow, CELLS), rest = 1, degrees = 0;
    void *x = support_malloc(n * 2 * 8);
    int64_t *count = calloc(CELLS * CELLS + 1, sizeof *count), rest_count = 0;

    expect(any_sample(flow, 3, 0, n, NULL, 1.0, x, NULL));
    for (int64_t i = 0; i < n; i++) {
        const double u = (support_at(dtype, x, 2 * i) + shift - LOW_X) / (HIGH_X - LOW_X) * CELLS;
        const double v = (support_at(dtype, x, 2 * i + 1) - LOW_Y) / (HIGH_Y - LOW_Y) * CELLS;
        const bool inside = u >= 0 && u < CELLS && v >= 0 && v < CELLS;
        count[inside ? (int64_t)v * CELLS + (int64_t)u : CELLS * CELLS]++;
    }
    *chi2 = 0;
    for (int64_t i = 0; i < CELLS * CELLS; i++) {
        const double expected = mass[i] * (double)n;
        if (expected < 5) {
            rest_count += count[i];
            continue;
        }
        rest -= mass[i];
        degrees++;
        *chi2 += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
    }
    rest_count += count[CELLS * CELLS];
    rest = fmax(rest * (double)n, 1);
    *chi2 += ((double)rest_count - rest) * ((double)rest_count - rest) / rest;
    *critical = degrees * pow(1 - 2 / (9 * degrees) + 3.719 * sqrt(2 / (9 * degrees)), 3);
    free(mass), free(x), free(count);
    return *chi2 <= *critical;
}

START_TEST(trained__samples_follow_the_density)
{
    double chi2, critical;
    ck_assert_msg(samples_fit(trained, 20000, 0, &chi2, &critical), "chi^2 is %g, critical %g", chi2, critical);
}
END_TEST

/* The control: samples moved by a tenth are found out. */
START_TEST(trained__moved_samples_do_not_follow_the_density)
{
    double chi2, critical;
    ck_assert_msg(!samples_fit(trained, 20000, 0.1, &chi2, &critical), "chi^2 is %g, critical %g", chi2, critical);
}
END_TEST

START_TEST(trained__sample_scores_as_log_prob_does)
{
    enum { N = 2000 };
    const nf_flow *flow = _i ? trained_wide : trained;
    void *x = support_malloc(N * 2 * 8);
    double a[N], b[N];

    expect(any_sample(flow, 11, 0, N, NULL, 1.0, x, a));
    expect(any_log_prob(flow, N, x, NULL, b));
    for (int i = 0; i < N; i++) ck_assert_msg(fabs(a[i] - b[i]) <= (_i ? 1e-9 : 2e-2), "sample %d: %.12g and %.12g", i, a[i], b[i]);
    free(x);
}
END_TEST

/* On fresh data no density has less than the entropy; this one has learned the moons and is near. */
START_TEST(trained__held_out_nll_is_between_entropy_and_gaussian)
{
    enum { N = 20000 };
    nf_dataset *data = moons(NULL, N, 1234);
    double nll = 0, *x = rows_of(data), *lp = support_malloc(N * 8), sd = 0;

    expect(nf_flow_mean_nll(trained, data, &nll));
    expect(nf_flow_log_prob_f64(trained_wide, N, x, NULL, lp));
    for (int i = 0; i < N; i++) sd += (lp[i] + nll) * (lp[i] + nll);
    sd = sqrt(sd / N / N);
    const double entropy = nf_dataset_synthetic_entropy("moons-sklearn", -1.0);
    ck_assert_msg(nll > entropy - 4 * sd, "NLL %g +- %g under the entropy %g", nll, sd, entropy);
    ck_assert_msg(nll < entropy + 0.25, "NLL %g, the entropy is %g", nll, entropy);
    free(x), free(lp);
    nf_dataset_unref(data);
}
END_TEST

/* Untrained, after its data-dependent initialisation, the default preset is the normal with the data's mean and deviation. */
START_TEST(default_preset__starts_as_a_normal)
{
    enum { N = 500 };
    nf_dataset *data = moons(NULL, N, 3);
    double *x = rows_of(data), lp[N], mean[2] = { 0 }, var[2] = { 0 };
    nf_flow *flow = realnvp(NULL, NF_F64, 6);

    expect(nf_flow_init_data_f64(flow, N, x, NULL));
    expect(nf_flow_log_prob_f64(flow, N, x, NULL, lp));
    for (int i = 0; i < 2 * N; i++) mean[i % 2] += x[i] / N;
    for (int i = 0; i < 2 * N; i++) var[i % 2] += (x[i] - mean[i % 2]) * (x[i] - mean[i % 2]) / N;
    for (int i = 0; i < N; i++) {
        double want = -log(2 * acos(-1.0));
        for (int j = 0; j < 2; j++) want -= 0.5 * (x[2 * i + j] - mean[j]) * (x[2 * i + j] - mean[j]) / var[j] + 0.5 * log(var[j]);
        ck_assert_msg(fabs(lp[i] - want) <= 1e-9, "row %d: %.12g, the normal has %.12g", i, lp[i], want);
    }
    free(x);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
}
END_TEST

/* A coupling whose weights are ten times an ordinary network's stays finite, and undoes itself as well as rounding lets it:
 * |x - x'| <= 4 eps (|x| + |t| e^-s), with t e^-s = z e^-s - x. */
START_TEST(coupling__large_weights_stay_invertible)
{
    enum { N = 4000 };
    nf_coupling_affine_config c = NF_COUPLING_AFFINE_CONFIG_INIT;
    const nf_flow_config config = { .struct_size = sizeof config, .dtype = NF_F64 };
    double *x = support_malloc(N * 2 * 8), *z = support_malloc(N * 2 * 8), *back = support_malloc(N * 2 * 8), log_det[N];
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    uint64_t state = 17;

    c.dim = 2;
    c.hidden = hidden;
    c.n_hidden = 2;
    c.activation = NF_ACTIVATION_TANH;
    expect(nf_coupling_affine_create(&layer, NULL, &c));
    expect(nf_base_normal_create(&base, NULL, 2));
    expect(nf_flow_create(&flow, NULL, &config, base, &layer, 1));
    support_perturb(flow, 10, 4);
    for (int i = 0; i < 2 * N; i++) x[i] = 3 * random_normal(&state);
    expect(nf_flow_forward_f64(flow, N, x, NULL, z, log_det));
    expect(nf_flow_inverse_f64(flow, N, z, NULL, back, NULL));
    for (int i = 0; i < N; i++) {
        const double moved = x[2 * i + 1], t = z[2 * i + 1] * exp(-log_det[i]) - moved;
        ck_assert(fabs(log_det[i]) <= 2.0);
        ck_assert_double_eq(back[2 * i], x[2 * i]);
        ck_assert_msg(fabs(back[2 * i + 1] - moved) <= 4 * 0x1p-52 * (fabs(moved) + fabs(t)), "row %d: %g became %g", i, moved, back[2 * i + 1]);
    }
    free(x), free(z), free(back);
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
}
END_TEST

/* FNV-1a, to compare bits across machines by one number in the tree. */
static uint64_t digest(uint64_t h, const void *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return h;
}

/* Twenty Adam steps on 200 rows, then log_prob in batches of 1, 7, 128 and the rest, and samples: every bit. */
static uint64_t run_digest(nf_context *context, int32_t dtype)
{
    enum { N = 200, STEPS = 20 };
    nf_flow *flow = realnvp(context, dtype, 4);
    nf_dataset *data = moons(context, N, 2);
    double *values = rows_of(data), lp[N], nll, *theta;
    void *x = support_array(dtype, 2 * N, values), *s = support_malloc(N * 2 * 8);
    const int64_t batches[] = { 1, 7, 128, 64 }, count = nf_flow_param_count(flow), size = support_size(dtype);
    nf_optimizer *optimizer = NULL;
    uint64_t h = 0xcbf29ce484222325u;

    expect(nf_optimizer_adam_create(&optimizer, context, NULL));
    expect(any_init_data(flow, N, x, NULL));
    for (int i = 0; i < STEPS; i++) {
        expect(any_nll_grad(flow, N, x, NULL, NULL, &nll));
        expect(nf_optimizer_step(optimizer, flow));
    }
    theta = support_malloc(count * 8);
    expect(nf_flow_get_params(flow, count, theta));
    h = digest(h, theta, count * 8);
    for (int64_t row = 0, b = 0; row < N; row += batches[b++])
        expect(any_log_prob(flow, batches[b], (char *)x + 2 * row * size, NULL, lp + row));
    h = digest(h, lp, sizeof lp);
    expect(any_sample(flow, 9, 1000000007, N, NULL, 0.9, s, lp));
    h = digest(digest(h, s, N * 2 * size), lp, sizeof lp);
    free(values), free(x), free(s), free(theta);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
    return h;
}

/* The bits of every machine with fused multiply-add, whatever compiler, optimisation and thread count. */
static const uint64_t digests[2] = { 0xd32944c2262b45ae, 0x2981cbf0959bc8a0 };

START_TEST(digest__is_the_same_everywhere)
{
    static const int32_t isas[] = { NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON }, threads[] = { 1, 2, 3, 8 };
    int ran = 0;

    for (int k = 0; k < SUPPORT_COUNT(isas) * SUPPORT_COUNT(threads); k++) {
        nf_context_config config = NF_CONTEXT_CONFIG_INIT;
        nf_context *context = NULL;
        config.isa = isas[k / SUPPORT_COUNT(threads)];
        config.threads = threads[k % SUPPORT_COUNT(threads)];
        if (nf_context_create(&context, &config) == NF_ERR_UNSUPPORTED) continue;
        const uint64_t h = run_digest(context, _i ? NF_F64 : NF_F32);
        ck_assert_msg(h == digests[_i], "%s, %d threads: %#llx, not %#llx", nf_context_isa(context), (int)config.threads,
                      (unsigned long long)h, (unsigned long long)digests[_i]);
        nf_context_unref(context);
        ran++;
    }
    if (!ran) printf("skipped: this machine has no fused multiply-add, its last bits are its own\n");
}
END_TEST

static nf_flow *uniform_flow(nf_context *context)
{
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    expect(nf_base_uniform_create(&base, context, 1, 0.0, 1.0));
    expect(nf_flow_create(&flow, context, NULL, base, NULL, 0));
    nf_base_unref(base);
    return flow;
}

/* Outside the support: log density -inf, kept and counted; no gradient; no mean. */
START_TEST(rows_outside_the_support__are_counted_and_give_no_gradient)
{
    const float x[] = { 0.25F, 1e6F };
    nf_flow *flow = uniform_flow(NULL);
    double lp[2], nll = 0;
    float grad[2];

    ck_assert_int_eq(nf_flow_log_prob(flow, 2, x, NULL, lp), NF_ROWS_NONFINITE);
    ck_assert(isfinite(lp[0]) && isinf(lp[1]) && lp[1] < 0);
    ck_assert_int_eq(nf_flow_score(flow, 2, x, NULL, lp, grad), NF_ROWS_NONFINITE);
    ck_assert(isfinite(lp[0]) && isinf(lp[1]) && lp[1] < 0 && isfinite(grad[0]) && isnan(grad[1]));
    ck_assert_int_eq(nf_flow_nll_grad(flow, 2, x, NULL, &nll), NF_ROWS_NONFINITE);
    ck_assert(isnan(nll));
    nf_flow_unref(flow);
}
END_TEST

/* Flows of two columns, in which a row, or its condition, overflows although it is finite. */
static nf_flow *overflowing(int kind)
{
    const nf_base_normal_conditional_config conditional = { .struct_size = sizeof conditional, .dim = 2, .cond_dim = 2, .activation = NF_ACTIVATION_SILU };
    nf_realnvp_config config = { .struct_size = sizeof config, .dim = 2, .layers = 2, .hidden = hidden, .n_hidden = 2, .actnorm = 2, .seed = 5,
                                 .activation = NF_ACTIVATION_SILU, .cond_dim = kind > 0 ? 2 : 0, .embed_dim = kind == 2 ? 3 : 0 };
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    if (kind < 3) {
        expect(nf_flow_create_realnvp(&flow, NULL, &config));
    } else {
        expect(nf_base_normal_conditional_create(&base, NULL, &conditional));
        expect(nf_flow_create(&flow, NULL, NULL, base, NULL, 0));
        nf_base_unref(base);
    }
    support_perturb(flow, 0.3, 7);
    return flow;
}

static float *gradient_of(nf_flow *flow)
{
    float *grad;
    expect(nf_flow_params(flow, NULL, &grad, NULL));
    return grad;
}

/* What a row without a density leaves in layers and networks reaches no sum, wherever on its way it overflowed. */
START_TEST(rows_that_overflow__contribute_nothing_to_gradients)
{
    enum { ROWS = 19, LOST = 3 };
    nf_flow *flow = overflowing(_i);
    const int64_t count = nf_flow_param_count(flow);
    float x[ROWS * 2], cond[ROWS * 2], *grad = gradient_of(flow), *kept = support_malloc(count * 4);
    double weights[ROWS], nll;

    for (int i = 0; i < ROWS * 2; i++) x[i] = (float)sin(1.3 * i), cond[i] = (float)cos(0.7 * i);
    for (int i = 0; i < ROWS; i++) weights[i] = i != LOST;
    const float *given = _i > 0 ? cond : NULL;
    expect(nf_flow_nll_grad_weighted(flow, ROWS, x, given, weights, &nll));
    memcpy(kept, grad, (size_t)count * sizeof *kept);
    expect(nf_flow_zero_grad(flow));
    float *far = (_i > 0 ? cond : x) + 2 * LOST;
    far[0] = 3e38F, far[1] = -3e38F;
    ck_assert_int_eq(nf_flow_nll_grad(flow, ROWS, x, given, &nll), NF_ROWS_NONFINITE);
    ck_assert(isnan(nll));
    grad = gradient_of(flow);
    for (int64_t k = 0; k < count; k++) {
        const double expected = (double)kept[k] * (ROWS - 1) / ROWS;
        ck_assert_msg(fabs((double)grad[k] - expected) <= 1e-5 * (1 + fabs(expected)), "%lld: %g %g", (long long)k, (double)grad[k], expected);
    }
    memcpy(kept, grad, (size_t)count * sizeof *kept);
    ck_assert_int_eq(nf_flow_nll_grad(flow, 1, x + 2 * LOST, given ? given + 2 * LOST : NULL, &nll), NF_ROWS_NONFINITE); /* none has a density: it stays */
    ck_assert_mem_eq(gradient_of(flow), kept, (size_t)count * sizeof *kept);
    expect(nf_flow_zero_grad(flow));
    ck_assert_int_eq(nf_flow_nll_grad(flow, 1, x + 2 * LOST, given ? given + 2 * LOST : NULL, &nll), NF_ROWS_NONFINITE);
    grad = gradient_of(flow);
    for (int64_t k = 0; k < count; k++) ck_assert(grad[k] == 0);
    free(kept);
    nf_flow_unref(flow);
}
END_TEST

/* What stands in for a row of NaN need not lie where the columns' kinds want it: the others are computed all the same. */
START_TEST(columns__rows_that_are_not_finite_are_no_error_of_their_kind)
{
    const int64_t kind[2] = { _i, NF_COLUMN_REAL };
    const double low[2] = { 10, 0 }, high[2] = { 20, 0 };
    const nf_columns_config config = { .struct_size = sizeof config, .dim = 2, .kind = kind, .n_kind = 2, .low = low, .n_low = 2, .high = high, .n_high = 2 };
    float x[] = { 11, 0, 12, NAN, 13, 1 }, z[6], outside[] = { 11, 0, 5, 0 };
    double p[3];
    nf_check_report report = { .struct_size = sizeof report };
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    expect(nf_columns_create(&layer, NULL, &config));
    expect(nf_base_normal_create(&base, NULL, 2));
    expect(nf_flow_create(&flow, NULL, NULL, base, &layer, 1));
    ck_assert_int_eq(nf_flow_log_prob(flow, 3, x, NULL, p), NF_ROWS_NONFINITE);
    ck_assert(isfinite(p[0]) && isnan(p[1]) && isfinite(p[2]));
    ck_assert_int_eq(nf_flow_forward(flow, 3, x, NULL, z, p), NF_ROWS_NONFINITE);
    ck_assert(isfinite(z[0]) && isnan(z[2]) && isnan(z[3]) && isfinite(z[4]));
    ck_assert_int_eq(nf_flow_nll_grad(flow, 3, x, NULL, NULL), NF_ROWS_NONFINITE);
    expect(nf_flow_check(flow, 3, x, NULL, &report));
    ck_assert_int_eq(report.rows_nonfinite, 1);
    x[3] = 0;
    expect(nf_flow_init_data(flow, 3, x, NULL)); /* memory that rows were marked in serves rows that are not */
    ck_assert_int_eq(nf_flow_log_prob(flow, 2, outside, NULL, p), _i == NF_COLUMN_PERIODIC ? NF_OK : NF_ERR_DOMAIN);
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
}
END_TEST

START_TEST(strict_context__refuses_rows_in_gradients_too)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    const float x[] = { 0.5F, 0.25F, NAN, 1 };
    float *grad;
    int64_t count;
    double nll = 0;

    config.strict = 1;
    expect(nf_context_create(&context, &config));
    nf_flow *flow = realnvp(context, NF_F32, 2);
    ck_assert_int_eq(nf_flow_nll_grad(flow, 2, x, NULL, &nll), NF_ERR_NONFINITE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "row 1"));
    expect(nf_flow_params(flow, NULL, &grad, &count));
    for (int64_t i = 0; i < count; i++) ck_assert(grad[i] == 0);
    nf_flow_unref(flow);
    nf_context_unref(context);
}
END_TEST

START_TEST(parameters__beyond_f32_are_refused_by_index)
{
    nf_flow *narrow = realnvp(NULL, NF_F32, 2), *wide = realnvp(NULL, NF_F64, 2), *converted = NULL;
    const int64_t count = nf_flow_param_count(narrow);
    double *theta = support_malloc(count * 8), *before = support_malloc(count * 8);

    expect(nf_flow_get_params(narrow, count, theta));
    memcpy(before, theta, (size_t)count * 8);
    theta[7] = 1e300;
    ck_assert_int_eq(nf_flow_set_params(narrow, count, theta), NF_ERR_NONFINITE);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "theta[7]"));
    expect(nf_flow_get_params(narrow, count, theta));
    ck_assert_int_eq(support_differ(theta, before, count, 8), -1);
    theta[7] = 1e300;
    expect(nf_flow_set_params(wide, count, theta));
    ck_assert_int_eq(nf_flow_convert(&converted, wide, NF_F32), NF_ERR_NONFINITE);
    ck_assert_ptr_null(converted);
    free(theta), free(before);
    nf_flow_unref(narrow);
    nf_flow_unref(wide);
}
END_TEST

START_TEST(reserve__leaves_gradients_nothing_to_allocate)
{
    enum { N = 3000 };
    ledger book;
    ledger_reset(&book);
    nf_context *context = support_context(2, &book);
    nf_flow *flow = realnvp(context, NF_F32, 3);
    float *x = support_malloc(N * 2 * 4);
    double nll;

    for (int i = 0; i < 2 * N; i++) x[i] = (float)sin(1.7 * i);
    expect(nf_flow_reserve(flow, N, 1));
    const long long calls = atomic_load(&book.calls);
    expect(nf_flow_nll_grad(flow, N, x, NULL, &nll));
    ck_assert_int_eq(atomic_load(&book.calls), calls);
    nf_flow_unref(flow);
    nf_context_unref(context);
    free(x);
}
END_TEST

/* ReLU networks are kinked, and a difference across a kink is no derivative: the check is not taken in. */
START_TEST(check__passes_kinked_networks)
{
    static const int64_t wide[] = { 128, 128, 128 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_check_report report = { .struct_size = sizeof report };
    nf_dataset *data = moons(NULL, 64, 6);
    double *x = rows_of(data);
    nf_flow *flow = NULL;

    config.preset = NF_PRESET_BOOK;
    config.dim = 2;
    config.hidden = wide;
    config.n_hidden = 3;
    config.dtype = NF_F64;
    expect(nf_flow_create_realnvp(&flow, NULL, &config));
    support_perturb(flow, 0.08, 21);
    expect(nf_flow_check_f64(flow, 64, x, NULL, &report));
    ck_assert_msg(report.passed, "log-det %g, gradients %g and %g, round trip %g", report.log_det_error_max, report.grad_x_error_max,
                  report.grad_theta_error_max, report.round_trip_max);
    free(x);
    nf_flow_unref(flow);
    nf_dataset_unref(data);
}
END_TEST

/* A caller from before the struct was initialised, and one from a later release with a longer report. */
START_TEST(report__is_filled_as_far_as_both_sides_know)
{
    struct longer { nf_flow_info_report report; unsigned char later[24]; } big;
    nf_flow *flow = realnvp(NULL, NF_F32, 2);
    nf_flow_info_report small = { 0 };
    nf_check_report check = { 0 };
    nf_param_view view = { 0 };
    const float x[4] = { 0.1F, 0.2F, 0.3F, -0.4F };

    ck_assert_int_eq(nf_flow_info(flow, &small), NF_ERR_CONFIG_SMALL);
    ck_assert_int_eq(nf_flow_param(flow, 0, &view), NF_ERR_CONFIG_SMALL);
    ck_assert_int_eq(nf_flow_check(flow, 2, x, NULL, &check), NF_ERR_CONFIG_SMALL);
    ck_assert_int_eq(small.params, 0);
    memset(&big, 0xA5, sizeof big);
    big.report.struct_size = sizeof big;
    expect(nf_flow_info(flow, &big.report));
    ck_assert_int_eq(big.report.struct_size, sizeof big);
    ck_assert_int_eq(big.report.params, nf_flow_param_count(flow));
    for (size_t i = 0; i < sizeof big.later; i++) ck_assert_int_eq(big.later[i], 0xA5);
    nf_flow_unref(flow);
}
END_TEST

/* Twice in a row, with the block lent or not, with and without zeroing between: "added to the gradient block" holds. */
START_TEST(gradients__add_up)
{
    enum { N = 700 };
    nf_flow *flow = realnvp(NULL, NF_F64, 3);
    const int64_t count = nf_flow_param_count(flow);
    double *x = support_malloc(N * 2 * 8), *once = support_malloc(count * 8), *grad = NULL, nll;

    support_perturb(flow, 0.3, 12);
    for (int i = 0; i < 2 * N; i++) x[i] = sin(1.7 * i);
    expect(nf_flow_nll_grad_f64(flow, N, x, NULL, &nll));
    expect(nf_flow_zero_grad(flow));
    expect(nf_flow_nll_grad_f64(flow, N, x, NULL, &nll));
    expect(nf_flow_params_f64(flow, NULL, &grad, NULL));
    memcpy(once, grad, (size_t)count * 8);
    expect(nf_flow_nll_grad_f64(flow, N, x, NULL, &nll));
    for (int64_t i = 0; i < count; i++) ck_assert_msg(fabs(grad[i] - 2 * once[i]) <= 1e-12 * (1 + fabs(once[i])), "element %d", (int)i);
    expect(nf_flow_zero_grad(flow));
    for (int64_t i = 0; i < count; i++) ck_assert(grad[i] == 0);
    expect(nf_flow_nll_grad_f64(flow, N, x, NULL, &nll));
    ck_assert_int_eq(support_differ(grad, once, count, 8), -1);
    free(x), free(once);
    nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow");
    TCase *fitted = tcase_create("trained"), *others = tcase_create("others");

    tcase_add_unchecked_fixture(fitted, train_moons, forget_moons);
    tcase_set_timeout(fitted, 120);
    tcase_set_timeout(others, 120);
    tcase_add_loop_test(fitted, trained__density_integrates_to_one, 0, 2);
    tcase_add_loop_test(fitted, trained__inverse_undoes_forward_on_data, 0, 2);
    tcase_add_test(fitted, trained__samples_follow_the_density);
    tcase_add_test(fitted, trained__moved_samples_do_not_follow_the_density);
    tcase_add_loop_test(fitted, trained__sample_scores_as_log_prob_does, 0, 2);
    tcase_add_test(fitted, trained__held_out_nll_is_between_entropy_and_gaussian);
    tcase_add_test(others, default_preset__starts_as_a_normal);
    tcase_add_test(others, coupling__large_weights_stay_invertible);
    tcase_add_test(others, rows_outside_the_support__are_counted_and_give_no_gradient);
    tcase_add_loop_test(others, rows_that_overflow__contribute_nothing_to_gradients, 0, 4);
    tcase_add_loop_test(others, columns__rows_that_are_not_finite_are_no_error_of_their_kind, NF_COLUMN_POSITIVE, NF_COLUMN_PERIODIC + 1);
    tcase_add_test(others, strict_context__refuses_rows_in_gradients_too);
    tcase_add_test(others, parameters__beyond_f32_are_refused_by_index);
    tcase_add_test(others, reserve__leaves_gradients_nothing_to_allocate);
    tcase_add_test(others, report__is_filled_as_far_as_both_sides_know);
    tcase_add_test(others, check__passes_kinked_networks);
    tcase_add_test(others, gradients__add_up);
    tcase_add_loop_test(others, digest__is_the_same_everywhere, 0, 2);
    suite_add_tcase(suite, fitted);
    suite_add_tcase(suite, others);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
