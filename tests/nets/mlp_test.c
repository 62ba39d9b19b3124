/* SPDX-License-Identifier: MIT
 *
 * mlp_test.c - networks against a plain-C twin and central differences, for every activation and shape
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "nets/mlp.h"

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

int main(void)
{
    Suite *suite = suite_create("mlp");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, mlp__value_equals_plain_twin, 0, N_NETS);
    tcase_add_loop_test(all, mlp__reverse_matches_central_differences, 0, N_NETS);
    tcase_add_loop_test(all, mlp__tangents_match_central_differences, 0, N_NETS);
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
