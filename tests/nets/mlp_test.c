/* SPDX-License-Identifier: MIT
 *
 * mlp_test.c - networks against a plain-C twin and central differences, for every activation and shape
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "nets/made.h"

#define MOST 64        /* widths */
#define ROWS 6
#define TWIN_TOL 1e-13 /* double, sums of at most 64 terms */
#define STEP 1e-6
#define SLOPE_TOL 2e-8 /* relative to 1 + |value| */

static double draw(uint64_t index) { return 2.0 * nfi_uniform(4711, NFI_STREAM_CHECK, index) - 1.0; }

static void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64));
    return p;
}

static double twin_activation(int32_t activation, double u)
{
    switch (activation) {
    case NF_ACTIVATION_RELU: return u > 0 ? u : 0;
    case NF_ACTIVATION_LEAKY_RELU: return u > 0 ? u : 0.01 * u;
    case NF_ACTIVATION_TANH: return tanh(u);
    case NF_ACTIVATION_SOFTPLUS: return log1p(exp(u));
    case NF_ACTIVATION_SILU: return u / (1 + exp(-u));
    default: return u > 0 ? u : expm1(u);
    }
}

static void twin_value(const nfi_mlp *mlp, const double *theta, const double *x, double *y)
{
    double h[MOST], u[MOST];
    memcpy(h, x, (size_t)mlp->width[0] * sizeof *h);
    for (int32_t l = 0; l < mlp->n_layers; l++) {
        const int64_t in = mlp->width[l], out = mlp->width[l + 1];
        for (int64_t j = 0; j < out; j++) {
            u[j] = theta[in * out + j];
            for (int64_t k = 0; k < in; k++) u[j] += h[k] * theta[k * out + j];
            if (l + 1 < mlp->n_layers) u[j] = twin_activation(mlp->activation, u[j]);
        }
        memcpy(h, u, (size_t)out * sizeof *h);
        theta += (in + 1) * out;
    }
    memcpy(y, h, (size_t)mlp->width[mlp->n_layers] * sizeof *y);
}

struct net {
    nf_maker *maker;
    nfi_mlp mlp;
    const nfi_kernels *k;
    int64_t in, out, ld_in, ld_out;
    double *theta, *x, *y, *dx, *dy, *grad, *gx;
    void *packed, *turned, *saved, *scratch;
};

static const int64_t shapes[][5] = { /* n_hidden, widths */
    { 0, 0, 0, 0, 0 }, { 1, 1, 0, 0, 0 }, { 2, 15, 16, 0, 0 }, { 3, 17, 32, 5, 0 }
};
#define N_SHAPES 4
#define N_NETS (N_SHAPES * 6)

static void net_begin(struct net *t, int index)
{
    const int64_t *shape = shapes[index % N_SHAPES];
    *t = (struct net){ .k = nfi_kernels_for(NULL, NF_F64), .in = 1 + index % 3, .out = 2 + 15 * (index % 2) };
    ck_assert_int_eq(nfi_maker_create(&t->maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_mlp_create(&t->mlp, t->maker, t->in, t->out, shape + 1, shape[0], 1 + index / N_SHAPES,
                                    1 + index % 3, 0), NF_OK);
    t->ld_in = nfi_mlp_ld(t->in);
    t->ld_out = nfi_mlp_ld(t->out);
    t->theta = memory(t->mlp.theta_count * 8);
    t->grad = memory(t->mlp.theta_count * 8);
    t->x = memory(ROWS * t->ld_in * 8);
    t->dx = memory(ROWS * t->ld_in * 8);
    t->gx = memory(ROWS * t->ld_in * 8);
    t->y = memory(ROWS * t->ld_out * 8);
    t->dy = memory(ROWS * t->ld_out * 8);
    t->packed = memory(nfi_mlp_packed_bytes(&t->mlp, t->k));
    t->turned = memory(nfi_mlp_turned_bytes(&t->mlp, t->k));
    t->saved = memory(ROWS * nfi_mlp_saved_bytes(&t->mlp, t->k));
    t->scratch = memory(ROWS * 2 * nfi_mlp_scratch_bytes(&t->mlp, t->k));
    nfi_mlp_reset_f64(&t->mlp, 5, 77, t->theta);
    for (int64_t i = 0; i < t->mlp.theta_count; i++) t->theta[i] += 0.2 * draw((uint64_t)i);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < t->in; j++) {
            t->x[i * t->ld_in + j] = 2.0 * draw((uint64_t)(10000 + i * 100 + j));
            t->dx[i * t->ld_in + j] = draw((uint64_t)(20000 + i * 100 + j));
        }
    nfi_mlp_pack(&t->mlp, t->k, t->theta, t->packed, t->turned);
}

static void net_end(struct net *t)
{
    void *const all[] = { t->theta, t->grad, t->x, t->dx, t->gx, t->y, t->dy, t->packed, t->turned, t->saved, t->scratch };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    nfi_maker_free(t->maker);
}

static void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.15g, should be %.15g", what,
                  (long long)k, got, want);
}

START_TEST(mlp__value_equals_plain_twin)
{
    struct net t;
    double want[MOST];
    net_begin(&t, _i);
    for (int pass = 0; pass < 2; pass++) {
        nfi_mlp_value(&t.mlp, t.k, ROWS, t.packed, t.x, t.y, pass ? t.saved : NULL, t.scratch);
        for (int64_t i = 0; i < ROWS; i++) {
            twin_value(&t.mlp, t.theta, t.x + i * t.ld_in, want);
            for (int64_t j = 0; j < t.out; j++) near(t.y[i * t.ld_out + j], want[j], TWIN_TOL, "y", j);
        }
    }
    net_end(&t);
}
END_TEST

static double twin_loss(const struct net *t)
{
    double y[MOST], loss = 0.0;
    for (int64_t i = 0; i < ROWS; i++) {
        twin_value(&t->mlp, t->theta, t->x + i * t->ld_in, y);
        for (int64_t j = 0; j < t->out; j++) loss += draw((uint64_t)(30000 + i * 100 + j)) * y[j];
    }
    return loss;
}

static double twin_slope(const struct net *t, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    const double above = twin_loss(t);
    *at = keep - STEP;
    const double below = twin_loss(t);
    *at = keep;
    return (above - below) / (2.0 * STEP);
}

START_TEST(mlp__reverse_matches_central_differences)
{
    struct net t;
    net_begin(&t, _i);
    nfi_mlp_value(&t.mlp, t.k, ROWS, t.packed, t.x, t.y, t.saved, t.scratch);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < t.out; j++) t.y[i * t.ld_out + j] = draw((uint64_t)(30000 + i * 100 + j));
    memset(t.grad, 0, (size_t)t.mlp.theta_count * 8);
    nfi_mlp_reverse(&t.mlp, t.k, ROWS, t.turned, t.x, t.saved, t.y, t.gx, t.grad, t.scratch);
    for (int64_t k = 0; k < t.mlp.theta_count; k++) near(t.grad[k], twin_slope(&t, t.theta + k), SLOPE_TOL, "theta", k);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < t.in; j++)
            near(t.gx[i * t.ld_in + j], twin_slope(&t, t.x + i * t.ld_in + j), SLOPE_TOL, "x", i);
    net_end(&t);
}
END_TEST

START_TEST(mlp__tangents_match_central_differences)
{
    struct net t;
    double above[MOST], below[MOST], x[MOST];
    net_begin(&t, _i);
    nfi_mlp_jvp(&t.mlp, t.k, ROWS, t.packed, t.x, t.dx, t.y, t.dy, t.scratch);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < t.in; j++) x[j] = t.x[i * t.ld_in + j] + STEP * t.dx[i * t.ld_in + j];
        twin_value(&t.mlp, t.theta, x, above);
        for (int64_t j = 0; j < t.in; j++) x[j] = t.x[i * t.ld_in + j] - STEP * t.dx[i * t.ld_in + j];
        twin_value(&t.mlp, t.theta, x, below);
        for (int64_t j = 0; j < t.out; j++)
            near(t.dy[i * t.ld_out + j], (above[j] - below[j]) / (2.0 * STEP), SLOPE_TOL, "dy", j);
    }
    net_end(&t);
}
END_TEST

START_TEST(mlp__check_value)
{
    const double theta[] = { 0.7, 0.2, -1.3, 0.4 };
    const int64_t hidden[] = { 1 };
    const nfi_kernels *k = nfi_kernels_for(NULL, NF_F64);
    nf_maker *maker;
    nfi_mlp mlp;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_mlp_create(&mlp, maker, 1, 1, hidden, 1, NF_ACTIVATION_TANH, NF_WEIGHTS_GLOROT, 0), NF_OK);
    double *x = memory(128), *y = memory(128);
    void *packed = memory(nfi_mlp_packed_bytes(&mlp, k)), *scratch = memory(nfi_mlp_scratch_bytes(&mlp, k));
    x[0] = 2.385;
    nfi_mlp_pack(&mlp, k, theta, packed, NULL);
    nfi_mlp_value(&mlp, k, 1, packed, x, y, NULL, scratch);
    near(y[0], -0.8396134049, 1e-10, "y", 0);
    free(x), free(y), free(packed), free(scratch);
    nfi_maker_free(maker);
}
END_TEST

START_TEST(mlp__initial_weights_keep_to_their_rule)
{
    static const double square[] = { 6.0 / 80.0, 6.0 / 30.0, 3.0 / 30.0 };
    const int64_t hidden[] = { 50 };
    float theta32[31 * 50 + 51 * 4];
    double theta[31 * 50 + 51 * 4], most = 0.0;
    nf_maker *maker;
    nfi_mlp mlp;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_mlp_create(&mlp, maker, 30, 4, hidden, 1, NF_ACTIVATION_RELU, 1 + _i, 1), NF_OK);
    ck_assert_int_eq(mlp.theta_count, 31 * 50 + 51 * 4);
    nfi_mlp_reset_f64(&mlp, 9, 3, theta);
    nfi_mlp_reset_f32(&mlp, 9, 3, theta32);
    for (int64_t i = 0; i < mlp.theta_count; i++) ck_assert((float)theta[i] == theta32[i]);
    for (int64_t i = 0; i < 1500; i++) most = fmax(most, fabs(theta[i]));
    for (int64_t i = 1500; i < mlp.theta_count; i++) ck_assert(theta[i] == 0.0); /* bias, and the last layer */
    ck_assert(most <= sqrt(square[_i]) && most > 0.98 * sqrt(square[_i]));
    nfi_maker_free(maker);
}
END_TEST

START_TEST(mlp__refuses_widths_out_of_range)
{
    const int64_t hidden[] = { 65537 };
    nf_maker *maker;
    nfi_mlp mlp;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_mlp_create(&mlp, maker, 1, 1, hidden, 1, 1, 1, 0), NF_ERR_LIMIT);
    ck_assert_int_eq(nfi_mlp_create(&mlp, maker, 0, 1, hidden, 0, 1, 1, 0), NF_ERR_LIMIT);
    nfi_maker_free(maker);
}
END_TEST

/* A masked network against the full one whose weights are zero where the mask is: the same numbers, for any batch */

struct side {
    const nfi_mlp *mlp;
    void *packed, *turned, *x, *y, *dy, *gx, *grad, *saved, *scratch;
};

static void side_begin(struct side *s, const nfi_mlp *mlp, const nfi_kernels *k, int64_t n, const void *theta)
{
    const int64_t in = nfi_mlp_ld(mlp->width[0]) * k->size, out = nfi_mlp_ld(mlp->width[mlp->n_layers]) * k->size;
    *s = (struct side){ .mlp = mlp, .packed = memory(nfi_mlp_packed_bytes(mlp, k)), .turned = memory(nfi_mlp_turned_bytes(mlp, k)), .x = memory(n * in),
                        .y = memory(n * out), .dy = memory(n * out), .gx = memory(n * in), .grad = memory(mlp->theta_count * k->size),
                        .saved = memory(n * nfi_mlp_saved_bytes(mlp, k)), .scratch = memory(n * 2 * nfi_mlp_scratch_bytes(mlp, k)) };
    nfi_mlp_pack(mlp, k, theta, s->packed, s->turned);
    memset(s->grad, 0, (size_t)(mlp->theta_count * k->size));
}

static void side_run(struct side *s, const nfi_kernels *k, int64_t n, const void *x, const void *dx, const void *gy)
{
    const int64_t in = n * nfi_mlp_ld(s->mlp->width[0]) * k->size, out = n * nfi_mlp_ld(s->mlp->width[s->mlp->n_layers]) * k->size;
    void *g = memory(out);
    memcpy(s->x, x, (size_t)in);
    memcpy(g, gy, (size_t)out);
    nfi_mlp_jvp(s->mlp, k, n, s->packed, s->x, dx, s->y, s->dy, s->scratch);
    nfi_mlp_value(s->mlp, k, n, s->packed, s->x, s->y, s->saved, s->scratch);
    nfi_mlp_reverse(s->mlp, k, n, s->turned, s->x, s->saved, g, s->gx, s->grad, s->scratch);
    free(g);
}

static void side_end(struct side *s)
{
    free(s->packed), free(s->turned), free(s->x), free(s->y), free(s->dy), free(s->gx), free(s->grad), free(s->saved), free(s->scratch);
}

static double element(const nfi_kernels *k, const void *a, int64_t i) { return k->dtype == NF_F32 ? (double)((const float *)a)[i] : ((const double *)a)[i]; }

static void *drawn(const nfi_kernels *k, int64_t n, double scale)
{
    void *a = memory(n * k->size);
    for (int64_t i = 0; i < n; i++)
        if (k->dtype == NF_F32) ((float *)a)[i] = (float)(scale * draw((uint64_t)i));
        else ((double *)a)[i] = scale * draw((uint64_t)i);
    return a;
}

static void same_rows(const nfi_kernels *k, int64_t n, int64_t width, const void *a, const void *b, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < width; j++) {
            const int64_t at = i * nfi_mlp_ld(width) + j;
            if (element(k, a, at) != element(k, b, at)) ck_abort_msg("%s, row %d of %d, column %d", what, (int)i, (int)n, (int)j); /* NOLINT */
        }
}

START_TEST(made__leaves_out_nothing_but_zeros)
{
    static const int64_t hidden[] = { 300, 70 }, batches[] = { 1, 2, 3, 7, 40 };
    const nfi_kernels *k = nfi_kernels_for(NULL, _i % 2 ? NF_F64 : NF_F32);
    const int64_t cond = _i / 2 % 2 ? 5 : 0, params = _i / 4 % 2 ? 3 : 1;
    nf_maker *maker;
    nfi_made made = { 0 };
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_made_create(&made, maker, 41, cond, params, hidden, 2, 1 + _i % 6, NF_WEIGHTS_HE, 0), NF_OK);
    nfi_mlp full = made.mlp;
    full.mask = NULL;
    ck_assert(nfi_mlp_flop(&made.mlp) < 0.8 * nfi_mlp_flop(&full));
    void *theta = drawn(k, full.theta_count, 0.2);
    for (int b = 0; b < 5; b++) {
        const int64_t n = batches[b], in = full.width[0], out = full.width[3];
        void *x = drawn(k, n * nfi_mlp_ld(in), 1), *dx = drawn(k, n * nfi_mlp_ld(in), 0.5), *gy = drawn(k, n * nfi_mlp_ld(out), 0.7);
        struct side masked, plain;
        side_begin(&masked, &made.mlp, k, n, theta);
        const void *weights = nfi_mlp_packed_weights(&made.mlp, k, masked.packed);
        side_begin(&plain, &full, k, n, weights);
        side_run(&masked, k, n, x, dx, gy);
        side_run(&plain, k, n, x, dx, gy);
        same_rows(k, n, out, masked.y, plain.y, "y");
        same_rows(k, n, out, masked.dy, plain.dy, "dy");
        same_rows(k, n, in, masked.gx, plain.gx, "gx");
        int64_t differ = 0;
        for (int64_t i = 0; i < full.theta_count; i++) /* no weight within the mask is zero */
            differ += element(k, masked.grad, i) != (element(k, weights, i) != 0.0 ? element(k, plain.grad, i) : 0.0); /* NOLINT */
        ck_assert_int_eq(differ, 0);
        side_end(&masked), side_end(&plain);
        free(x), free(dx), free(gy);
    }
    free(theta);
    nfi_maker_free(maker);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, mlp__value_equals_plain_twin, 0, N_NETS);
    tcase_add_loop_test(all, mlp__reverse_matches_central_differences, 0, N_NETS);
    tcase_add_loop_test(all, mlp__tangents_match_central_differences, 0, N_NETS);
    tcase_add_loop_test(all, made__leaves_out_nothing_but_zeros, 0, 24);
    tcase_add_test(all, mlp__check_value);
    tcase_add_loop_test(all, mlp__initial_weights_keep_to_their_rule, 0, 3);
    tcase_add_test(all, mlp__refuses_widths_out_of_range);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
