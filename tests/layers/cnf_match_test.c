/* SPDX-License-Identifier: MIT
 *
 * cnf_match_test.c - the continuous layer's match: its loss, its gradient, its times
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "layers/cnf.h"
#include "layers/layer.h"

enum { ROWS = 24, MOST = 64 };
static const double step = 1e-5;

static double draw(uint64_t index) { return 2.0 * nfi_uniform(1848, NFI_STREAM_CHECK, index) - 1.0; }

/* One layer in one precision, and what a tile of n rows needs. */
struct scene {
    nf_layer *layer;
    const nf_layer_ops *ops;
    nf_layer_info info;
    nf_tile tile;
    int64_t n, dim, count;
    void *theta, *grad, *packed, *turned, *scratch, *cond, *x, *z;
    uint64_t key[MOST];
    double weight[MOST], loss[MOST];
};

static void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64)); /* nothing is cleared for an operation */
    return p;
}

static void put(const struct scene *s, void *array, int64_t i, double value)
{
    if (s->tile.dtype == NF_F32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

static double get(const struct scene *s, const void *array, int64_t i)
{
    return s->tile.dtype == NF_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static void pack(struct scene *s) { s->ops->pack(s->layer->self, s->info.kernels, s->theta, s->packed, s->turned, 0); }

static struct scene *scene_new(const nf_cnf_config *config, int32_t dtype, int64_t n)
{
    const nfi_kernels *kernels = nfi_kernels_for(NULL, dtype);
    struct scene *s = memory((int64_t)sizeof *s);
    nf_layer *layer = NULL;

    ck_assert_msg(nf_cnf_create(&layer, NULL, config) == NF_OK, "%s", nf_last_error());
    *s = (struct scene){ .layer = layer, .ops = nfi_layer_ops(layer, dtype), .info = nfi_layer_describe(layer, dtype, kernels), .n = n,
                         .dim = layer->dim, .count = layer->param_count };
    s->theta = memory(s->count * 8);
    s->grad = memory(s->count * 8);
    s->packed = memory(s->info.packed);
    s->turned = memory(s->info.packed_backward);
    s->scratch = memory(s->info.scratch_fixed + n * s->info.scratch_row);
    s->cond = memory(n * layer->cond_dim * 8);
    s->x = memory(n * s->dim * 8);
    s->z = memory(n * s->dim * 8);
    s->tile = (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = dtype, .n = n, .theta = s->theta, .packed = s->packed, .packed_backward = s->turned,
                         .cond = layer->cond_dim ? s->cond : NULL, .cond_dim = layer->cond_dim, .scratch = s->scratch, .row_key = s->key, .seed = 3,
                         .epoch = 2, .stream = 256, .training = 1, .kernels = kernels };
    for (int64_t i = 0; i < n; i++) s->key[i] = 40 + 3 * (uint64_t)i;
    for (int64_t i = 0; i < n; i++) s->weight[i] = 0.3 + 0.2 * draw(800 + (uint64_t)i);
    for (int64_t i = 0; i < n * layer->cond_dim; i++) put(s, s->cond, i, draw(600 + (uint64_t)i));
    for (int64_t i = 0; i < n * s->dim; i++) put(s, s->x, i, 1.5 * draw(1000 + (uint64_t)i));
    for (int64_t i = 0; i < n * s->dim; i++) put(s, s->z, i, 2.0 * draw(2000 + (uint64_t)i));
    ck_assert_int_eq(s->ops->reset(layer->self, 5, 256, s->theta), NF_OK);
    pack(s);
    return s;
}

static void scene_free(struct scene *s)
{
    void *const all[] = { s->theta, s->grad, s->packed, s->turned, s->scratch, s->cond, s->x, s->z };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    nf_layer_unref(s->layer);
    free(s);
}

/* The weighted sum of losses; gradient: also that, added to what stands in s->grad. */
static double match(struct scene *s, int gradient)
{
    double sum = 0;
    s->tile.grad = gradient ? s->grad : NULL;
    ck_assert_msg(s->ops->match(s->layer->self, &s->tile, s->x, s->z, s->weight, s->loss) == NF_OK, "%s", nf_last_error());
    for (int64_t i = 0; i < s->n; i++) sum += s->weight[i] * s->loss[i];
    return sum;
}

static double slope(struct scene *s, int64_t k)
{
    const double keep = get(s, s->theta, k);
    double value[2];
    for (int way = 0; way < 2; way++) {
        put(s, s->theta, k, keep + (way ? -step : step));
        pack(s);
        value[way] = match(s, 0);
    }
    put(s, s->theta, k, keep);
    pack(s);
    return (value[0] - value[1]) / (2 * step);
}

static const int64_t hidden[] = { 7, 5 }, none[] = { 0 };
static const nf_cnf_config shapes[] = {
    { .struct_size = sizeof(nf_cnf_config), .dim = 3, .hidden = hidden, .n_hidden = 2 },
    { .struct_size = sizeof(nf_cnf_config), .dim = 2, .cond_dim = 2, .hidden = hidden, .n_hidden = 2, .time = NF_TIME_CONCAT, .activation = NF_ACTIVATION_SOFTPLUS },
    { .struct_size = sizeof(nf_cnf_config), .dim = 1, .hidden = none, .n_hidden = 1, .time = NF_TIME_IGNORE },
    { .struct_size = sizeof(nf_cnf_config), .dim = 40, .hidden = hidden, .n_hidden = 1, .trace = NF_TRACE_HUTCHINSON, .kinetic = 0.1, .jacobian = 0.1 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Every parameter but the time, whose gradient is zero: T is held constant. What stood in grad stays in the sum. */
START_TEST(gradients_are_differences)
{
    for (int k = 0; k < SHAPES; k++) {
        struct scene *s = scene_new(&shapes[k], NF_F64, 13);
        for (int64_t i = 0; i < s->count; i++) put(s, s->grad, i, 0.25);
        const double sum = match(s, 1);
        ck_assert_double_gt(sum, 0.01);
        ck_assert_double_eq(sum, match(s, 0)); /* the loss does not depend on whether the gradient is wanted */
        for (int64_t i = 0; i + 1 < s->count; i++) {
            const double got = get(s, s->grad, i) - 0.25, want = slope(s, i);
            ck_assert_msg(fabs(got - want) <= 1e-8 * fmax(1, fabs(want)), "shape %d, parameter %ld: %.12g, by differences %.12g", k, (long)i, got, want);
        }
        ck_assert_double_eq(get(s, s->grad, s->count - 1), 0.25);
        ck_assert_double_gt(fabs(slope(s, s->count - 1)), 1e-6); /* and yet the loss depends on it */
        scene_free(s);
    }
}
END_TEST

static struct scene *linear(int32_t dtype, int32_t time, double end_time, const double *theta, int64_t n)
{
    const nf_cnf_config config = { .struct_size = sizeof config, .dim = 1, .hidden = none, .n_hidden = 1, .time = time };
    struct scene *s = scene_new(&config, dtype, n);
    for (int64_t i = 0; i + 1 < s->count; i++) put(s, s->theta, i, theta[i]);
    put(s, s->theta, s->count - 1, sqrt(end_time));
    pack(s);
    return s;
}

START_TEST(the_check_value)
{
    const double theta[] = { 0.7, -0.3 };
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        struct scene *s = linear(dtype, NF_TIME_IGNORE, 0.5, theta, 5);
        for (int64_t i = 0; i < 5; i++) {
            put(s, s->x, i, 1.3);
            put(s, s->z, i, 1.3);
        }
        (void)match(s, 0);
        for (int64_t i = 0; i < 5; i++) ck_assert_double_eq_tol(s->loss[i], 0.093025, dtype == NF_F32 ? 1e-7 : 1e-15);
        scene_free(s);
    }
}
END_TEST

/* z = x + 0.9: the field 0.9 / T leads there, whatever T, and nothing is left to learn. */
START_TEST(an_exact_field_has_no_loss)
{
    const double times[] = { 0.25, 1, 3 };
    for (int k = 0; k < 3; k++) {
        const double theta[] = { 0, 0.9 / times[k] };
        struct scene *s = linear(NF_F64, NF_TIME_IGNORE, times[k], theta, ROWS);
        for (int64_t i = 0; i < ROWS; i++) put(s, s->z, i, get(s, s->x, i) + 0.9);
        memset(s->grad, 0, (size_t)s->count * 8);
        ck_assert_double_le(match(s, 1), 1e-28);
        for (int64_t i = 0; i < s->count; i++) ck_assert_double_le(fabs(get(s, s->grad, i)), 1e-14);
        scene_free(s);
    }
}
END_TEST

/* A field times 1 / T in the time t T is the same flow, with the same loss: T does not weigh. */
START_TEST(the_loss_does_not_depend_on_the_end_time)
{
    const double slow[] = { 0.4, -0.2, 0.8 }, fast[] = { 0.1, -0.05, 0.05 }; /* f(y, t) = W y + b + w t, T = 1 and 4 */
    struct scene *a = linear(NF_F64, NF_TIME_CONCAT, 1, slow, ROWS), *b = linear(NF_F64, NF_TIME_CONCAT, 4, fast, ROWS);

    ck_assert_double_eq_tol(match(a, 0), match(b, 0), 1e-13);
    scene_free(a);
    scene_free(b);
}
END_TEST

/* f = t, x = z = 0, T = 1: the loss is s^2. */
static double time_of(struct scene *s, uint64_t key, uint64_t epoch)
{
    s->key[0] = key;
    s->tile.epoch = epoch;
    put(s, s->x, 0, 0);
    put(s, s->z, 0, 0);
    (void)match(s, 0);
    return sqrt(s->loss[0]);
}

/* The largest distance of the times' distribution from the uniform one. */
static double unevenness(double *s, int n)
{
    double worst = 0;
    for (int i = 0; i < n; i++) {
        int below = 0;
        for (int j = 0; j < n; j++) below += s[j] <= s[i];
        worst = fmax(worst, fabs((double)below / n - s[i]));
    }
    return worst;
}

START_TEST(times_are_uniform)
{
    const double theta[] = { 0, 0, 1 };
    struct scene *s = linear(NF_F64, NF_TIME_CONCAT, 1, theta, 1);
    static double rows[2000], epochs[2000];

    for (int i = 0; i < 2000; i++) {
        rows[i] = time_of(s, (uint64_t)i, 5);
        epochs[i] = time_of(s, 77, (uint64_t)i);
        ck_assert(rows[i] > 0 && rows[i] < 1 && epochs[i] > 0 && epochs[i] < 1);
    }
    ck_assert_double_lt(unevenness(rows, 2000), 1.63 / sqrt(2000)); /* Kolmogorov-Smirnov, 1 per cent */
    ck_assert_double_lt(unevenness(epochs, 2000), 3.0 / 2000);      /* far more even than chance: 1.63 / sqrt(2000) is 0.036 */
    scene_free(s);
}
END_TEST

/* Rows one by one, and in f32: the same times, so nearly the same losses. */
START_TEST(rows_do_not_depend_on_one_another)
{
    for (int32_t dtype = NF_F32; dtype <= NF_F64; dtype++) {
        struct scene *s = scene_new(&shapes[0], dtype, ROWS);
        double together[ROWS];
        (void)match(s, 0);
        memcpy(together, s->loss, sizeof together);
        const nf_tile whole = s->tile;
        for (int64_t i = 0; i < ROWS; i++) {
            const int64_t at = i * s->dim * (dtype == NF_F32 ? 4 : 8);
            s->tile = whole;
            s->tile.n = 1;
            s->tile.row_key = s->key + i;
            ck_assert_int_eq(s->ops->match(s->layer->self, &s->tile, (char *)s->x + at, (char *)s->z + at, s->weight, s->loss), NF_OK);
            ck_assert_double_eq(s->loss[0], together[i]);
        }
        scene_free(s);
    }
}
END_TEST

START_TEST(precisions_agree)
{
    struct scene *a = scene_new(&shapes[0], NF_F32, ROWS), *b = scene_new(&shapes[0], NF_F64, ROWS);

    for (int64_t i = 0; i < a->count; i++) put(b, b->theta, i, get(a, a->theta, i));
    pack(b);
    (void)match(a, 0);
    (void)match(b, 0);
    for (int64_t i = 0; i < ROWS; i++) ck_assert_double_eq_tol(a->loss[i], b->loss[i], 1e-5 * (1 + b->loss[i]));
    scene_free(a);
    scene_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cnf_match");
    TCase *cases = tcase_create("cnf_match");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 100);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, gradients_are_differences);
    tcase_add_test(cases, the_check_value);
    tcase_add_test(cases, an_exact_field_has_no_loss);
    tcase_add_test(cases, the_loss_does_not_depend_on_the_end_time);
    tcase_add_test(cases, times_are_uniform);
    tcase_add_test(cases, rows_do_not_depend_on_one_another);
    tcase_add_test(cases, precisions_agree);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
