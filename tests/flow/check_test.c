/* SPDX-License-Identifier: MIT
 *
 * check_test.c - nf_flow_check on tables: rows on another turn of a circle and on its seam, columns of large numbers; and inverses that are wrong
 */
#include "layers/layer.h"
#include "support.h"
#include <check.h>
#include <math.h>
#include <nflow/tables.h>
#include <string.h>

enum { ROWS = 200, DIM = 4 };

static const int64_t kind[] = { NF_COLUMN_PERIODIC, NF_COLUMN_POSITIVE, NF_COLUMN_INTEGER, NF_COLUMN_REAL };
static const double low[] = { 0, 0, 0, 0 }, high[] = { 24, 0, 0, 0 };

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

/* Hours of which every third is whole, midnight among them; incomes; counts; a pressure that is large and does not vary with the rest. */
static void rows(int64_t turns, double *x, float *xf)
{
    for (int i = 0; i < ROWS; i++) {
        double *r = x + (ptrdiff_t)i * DIM;
        r[0] = (i % 3 ? i * 24.0 / ROWS : (i / 3) % 24) + 24.0 * (double)(i % (2 * turns + 1) - turns);
        r[1] = 20000.0 * exp(0.7 * sin(7.0 * i));
        r[2] = i * 5 % 13;
        r[3] = 1013.0 + 30.0 * cos(3.0 * i);
    }
    for (int k = 0; k < ROWS * DIM; k++) xf[k] = (float)x[k];
}

/* With the first n kinds; the rest are real. */
static nf_flow *flow_of_kinds(int32_t dtype, int n)
{
    static const double mean[] = { 0, 9.9, 6, 1013 }, sd[] = { 1, 0.5, 4, 20 };
    static const int64_t hidden[] = { 8 };
    int64_t kinds[DIM] = { NF_COLUMN_REAL, NF_COLUMN_REAL, NF_COLUMN_REAL, NF_COLUMN_REAL };
    const double plain_mean[] = { mean[0], n > 1 ? mean[1] : 20000, mean[2], mean[3] }, plain_sd[] = { 1, n > 1 ? sd[1] : 10000, sd[2], sd[3] };
    const nf_table_config config = { .struct_size = sizeof config, .dtype = dtype, .dim = DIM, .layers = 2, .hidden = hidden, .n_hidden = 1, .seed = 3,
                                     .mean = plain_mean, .n_mean = DIM, .sd = plain_sd, .n_sd = DIM, .kind = kinds, .n_kind = DIM, .low = low, .n_low = DIM,
                                     .high = high, .n_high = DIM };
    nf_flow *flow = NULL;

    memcpy(kinds, kind, (size_t)n * sizeof *kind);
    expect(nf_flow_create_nsf(&flow, NULL, &config));
    support_perturb(flow, 0.1, 5);
    return flow;
}

static nf_check_report checked(const nf_flow *flow, int64_t turns)
{
    double x[ROWS * DIM];
    float xf[ROWS * DIM];
    nf_check_report r = { .struct_size = sizeof r };

    rows(turns, x, xf);
    expect(nf_flow_dtype(flow) == NF_F32 ? nf_flow_check(flow, ROWS, xf, NULL, &r) : nf_flow_check_f64(flow, ROWS, x, NULL, &r));
    return r;
}

static void passes(const nf_check_report *r)
{
    ck_assert_msg(r->passed, "round trip %g %g, log-det %g %g, gradients %g %g, layer %lld", r->round_trip_max, r->round_trip_p99, r->log_det_sum_max,
                  r->log_det_error_max, r->grad_x_error_max, r->grad_theta_error_max, (long long)r->worst_layer);
    ck_assert(r->log_det_error_max >= 0 && r->grad_theta_error_max > 0); /* measured */
}

/* Both precisions; one circle among real columns, and all kinds. */
START_TEST(check__passes_on_every_turn_of_a_circle)
{
    nf_flow *flow = flow_of_kinds(_i % 2 ? NF_F64 : NF_F32, _i < 2 ? 1 : DIM);

    for (int64_t turns = 0; turns < 3; turns++) {
        const nf_check_report r = checked(flow, turns);
        passes(&r);
    }
    nf_flow_unref(flow);
}
END_TEST

/* Incomes in float are wrong by 0.002 by rounding alone. */
START_TEST(check__measures_in_the_spread_of_a_column)
{
    nf_flow *flow = flow_of_kinds(NF_F32, 0);
    const nf_check_report r = checked(flow, 0);

    passes(&r);
    nf_flow_unref(flow);
}
END_TEST

/* Controls: the layer `columns` with an inverse that is wrong in one column. */

static const nf_layer_type *columns_type(void)
{
    for (int32_t i = 0; i < nfi_layer_type_count(); i++)
        if (!strcmp(nfi_layer_type_row(i)->name, "columns")) return nfi_layer_type_row(i);
    ck_abort_msg("no type columns");
    return NULL;
}

static nf_status wrong(const void *self, const nf_tile *tile, const void *out, void *in, int column, double by, double times)
{
    const nf_status status = columns_type()->f32->inverse(self, tile, out, in);
    for (int64_t i = 0; i < tile->n; i++) {
        float *x = (float *)in + i * DIM + column;
        *x = (float)((double)*x * times + by);
    }
    return status;
}
static nf_status another_turn(const void *self, const nf_tile *tile, const void *out, void *in) { return wrong(self, tile, out, in, 0, 48.0, 1.0); }
static nf_status half_an_hour(const void *self, const nf_tile *tile, const void *out, void *in) { return wrong(self, tile, out, in, 0, 0.5, 1.0); }
static nf_status mirrored(const void *self, const nf_tile *tile, const void *out, void *in) { return wrong(self, tile, out, in, 0, 24.0, -1.0); }
static nf_status richer(const void *self, const nf_tile *tile, const void *out, void *in) { return wrong(self, tile, out, in, 1, 0.0, 1.01); }
static nf_status one_more(const void *self, const nf_tile *tile, const void *out, void *in) { return wrong(self, tile, out, in, 2, 1.0, 1.0); }
static const struct { const char *name; nf_status (*inverse)(const void *self, const nf_tile *tile, const void *out, void *in); bool right; } inverses[] = {
    { "another turn", another_turn, true }, { "half an hour", half_an_hour, false }, { "mirrored", mirrored, false },
    { "richer", richer, false }, { "one more", one_more, false },
};

START_TEST(check__sees_a_wrong_inverse_beside_a_circle)
{
    const nf_columns_config config = { .struct_size = sizeof config, .dim = DIM, .kind = kind, .n_kind = DIM, .low = low, .n_low = DIM, .high = high, .n_high = DIM };
    const double box_low[] = { -4, 0, 0, 0 }, box_high[] = { 4, 0, 0, 0 };
    const int64_t normal[] = { 1, 2, 3 };
    const nf_base_box_config box = { .struct_size = sizeof box, .dim = DIM, .low = box_low, .n_low = DIM, .high = box_high, .n_high = DIM, .normal = normal, .n_normal = 3 };
    nf_layer_type type = *columns_type();
    nf_layer_ops ops = *type.f32;
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    ops.inverse = inverses[_i].inverse;
    type.name = "wrong";
    type.f32 = &ops;
    type.f64 = NULL;
    expect(nf_layer_create_custom(&layer, NULL, &type, &config));
    expect(nf_base_box_create(&base, NULL, &box));
    expect(nf_flow_create(&flow, NULL, NULL, base, &layer, 1));
    const nf_check_report r = checked(flow, 1);
    ck_assert_msg(r.not_invertible == !inverses[_i].right && r.passed == inverses[_i].right, "%s: round trip %g", inverses[_i].name, r.round_trip_max);
    ck_assert_int_eq(r.worst_layer, inverses[_i].right ? -1 : 0);
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *tests = tcase_create("check");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, check__passes_on_every_turn_of_a_circle, 0, 4);
    tcase_add_test(tests, check__measures_in_the_spread_of_a_column);
    tcase_add_loop_test(tests, check__sees_a_wrong_inverse_beside_a_circle, 0, SUPPORT_COUNT(inverses));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
