/* SPDX-License-Identifier: MIT
 *
 * tables_test.c - the recipes for tables: layers, defaults, refusals, densities that integrate to one, files, training
 */
#include "support.h"
#include <check.h>
#include <math.h>
#include <nflow/tables.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 200

typedef nf_status (*create_call)(nf_flow **out, nf_context *context, const nf_table_config *config);
static const struct recipe {
    const char *name;
    create_call create;
    int64_t layers;      /* of a flow of two columns with standardise and all defaults */
    const char *step;
} recipes[] = {
    { "nsf", nf_flow_create_nsf, 1 + 2 * 6, "coupling_spline" },
    { "maf", nf_flow_create_maf, 1 + 2 * 5, "autoregressive" },
    { "iaf", nf_flow_create_iaf, 1 + 2 * 5, "autoregressive" },
    { "nice", nf_flow_create_nice, 1 + 4 + 1, "coupling_affine" },
};
enum { RECIPES = SUPPORT_COUNT(recipes) };

static const int64_t hidden[] = { 8, 8 };
static const double mean[] = { 1.0, -2.0 }, sd[] = { 2.0, 0.5 };

static void expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

static nf_flow *make(const struct recipe *r, nf_table_config config)
{
    nf_flow *flow = NULL;

    config.struct_size = sizeof config;
    expect(r->create(&flow, NULL, &config));
    return flow;
}

static const char *layer_name(const nf_flow *flow, int64_t i) { return nf_layer_type_name(nf_flow_layer(flow, i)); }

START_TEST(tables__have_the_layers_that_the_header_says)
{
    const struct recipe *r = &recipes[_i];
    nf_flow *flow = make(r, (nf_table_config){ .dim = 2, .mean = mean, .n_mean = 2, .sd = sd, .n_sd = 2 });

    ck_assert_int_eq(nf_flow_layers(flow), r->layers);
    ck_assert_str_eq(layer_name(flow, 0), "standardise");
    ck_assert_str_eq(layer_name(flow, _i == 3 ? 1 : 2), r->step);
    ck_assert_str_eq(layer_name(flow, r->layers - 1), _i == 3 ? "affine" : r->step);
    nf_flow_unref(flow);
}
END_TEST

/* Every mix, also of three columns, where a reversal keeps the middle one in its place: a flow with random weights moves all columns. */
START_TEST(tables__transform_every_column)
{
    const struct recipe *r = &recipes[_i];

    for (int32_t mix = NF_MIX_LINEAR; mix <= NF_MIX_NONE; mix++)
        for (int64_t dim = 2; dim <= 3; dim++) {
            nf_flow *flow = make(r, (nf_table_config){ .dim = dim, .layers = 2, .mix = mix, .hidden = hidden, .n_hidden = 2, .seed = 3 });
            const float x[] = { 0.3f, -0.4f, 0.7f };
            float z[3], before[3];
            expect(nf_flow_forward(flow, 1, x, NULL, before, NULL));
            support_perturb(flow, 0.5, 5);
            expect(nf_flow_forward(flow, 1, x, NULL, z, NULL));
            for (int64_t j = 0; j < dim; j++) ck_assert_msg(fabsf(z[j] - before[j]) > 1e-4F, "mix %d, dim %lld: column %lld stayed", mix, (long long)dim, (long long)j);
            nf_flow_unref(flow);
        }
}
END_TEST

static const struct { const char *name; int recipe; nf_table_config config; nf_status status; const char *words; } bad[] = {
    { "no dim", 0, { .dim = 0 }, NF_ERR_ARG, "nf_flow_create_nsf: dim is required" },
    { "one column", 0, { .dim = 1 }, NF_ERR_SHAPE, "nf_flow_create_nsf: dim is 1; a coupling needs 2 columns, or cond_dim > 0; maf takes one" },
    { "one column", 3, { .dim = 1 }, NF_ERR_SHAPE, "nf_flow_create_nice: dim is 1" },
    { "transform", 0, { .dim = 2, .transform = NF_TRANSFORM_AFFINE }, NF_ERR_ARG, "transform is 1, must be 0: it is of maf and iaf" },
    { "bins", 3, { .dim = 2, .bins = 8 }, NF_ERR_ARG, "bins is 8, must be 0: nothing here is a spline" },
    { "bins", 1, { .dim = 2, .bins = 8 }, NF_ERR_ARG, "bins is 8, must be 0" },
    { "bound", 3, { .dim = 2, .bound = 2 }, NF_ERR_ARG, "bound is 2, must be 0: additive couplings have none" },
    { "mean", 1, { .dim = 2, .mean = mean, .n_mean = 1 }, NF_ERR_SHAPE, "nf_flow_create_maf: n_mean is 1 and n_sd 0, each must be 0 or dim, 2" },
    { "low", 2, { .dim = 2, .low = mean, .n_low = 2 }, NF_ERR_ARG, "n_low is 2 and n_high 0, kind must be given" },
    { "kind", 0, { .dim = 2, .kind = hidden, .n_kind = 2 }, NF_ERR_ARG, "kind" },
    { "layers", 0, { .dim = 2, .layers = 1025 }, NF_ERR_ARG, "layers is 1025" },
    { "mix", 0, { .dim = 2, .mix = 5 }, NF_ERR_ARG, "mix is 5" },
};

START_TEST(tables__refuse_bad_configs)
{
    nf_table_config config = bad[_i].config;
    nf_flow *flow = (nf_flow *)&config;
    nf_status status;

    config.struct_size = sizeof config;
    status = recipes[bad[_i].recipe].create(&flow, NULL, &config);
    ck_assert_msg(status == bad[_i].status && !flow, "%s: %s", bad[_i].name, nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), bad[_i].words), "%s: '%s' lacks '%s'", bad[_i].name, nf_last_error(), bad[_i].words);
    ck_assert_int_eq(recipes[bad[_i].recipe].create(NULL, NULL, &config), NF_ERR_NULL);
    ck_assert_int_eq(recipes[bad[_i].recipe].create(&flow, NULL, NULL), NF_ERR_NULL);
}
END_TEST

/* Integral of the density over a bounded and a positive column, by the midpoint rule, of random weights. */
START_TEST(tables__density_integrates_to_one)
{
    enum { SIDE = 400 };
    static const int64_t kind[] = { NF_COLUMN_BOUNDED, NF_COLUMN_POSITIVE };
    static const double low[] = { -1, 0 }, high[] = { 1, 0 };
    nf_flow *flow = make(&recipes[_i], (nf_table_config){ .dim = 2, .layers = 2, .hidden = hidden, .n_hidden = 2, .dtype = NF_F64, .seed = 3, .kind = kind,
                                                          .n_kind = 2, .low = low, .n_low = 2, .high = high, .n_high = 2 });
    double *x = support_malloc(SIDE * 2 * 8), *log_prob = support_malloc(SIDE * 8), sum = 0.0;

    support_perturb(flow, 0.2, 5);
    for (int i = 0; i < SIDE; i++) {
        const double first = -1.0 + 2.0 * (i + 0.5) / SIDE, width = 16.0 / SIDE;
        for (int k = 0; k < SIDE; k++) { /* x2 = exp(v), dx2 = x2 dv */
            x[2 * k] = first;
            x[2 * k + 1] = exp(-8.0 + width * (k + 0.5));
        }
        expect(nf_flow_log_prob_f64(flow, SIDE, x, NULL, log_prob));
        for (int k = 0; k < SIDE; k++) sum += exp(log_prob[k]) * x[2 * k + 1] * width * 2.0 / SIDE;
    }
    ck_assert_msg(fabs(sum - 1.0) < 2e-3, "%s: the integral is %g", recipes[_i].name, sum);
    free(x), free(log_prob);
    nf_flow_unref(flow);
}
END_TEST

/* What is sampled lies in the columns' kinds, has the density that it is said to have, and so it has after saving and loading. */
START_TEST(tables__samples_keep_to_the_kinds_and_files_keep_the_flow)
{
    static const int64_t kind[] = { NF_COLUMN_INTEGER, NF_COLUMN_BOUNDED, NF_COLUMN_POSITIVE };
    static const double low[] = { -5, 2, 10 }, high[] = { 5, 3, 0 };
    nf_flow *flow = make(&recipes[_i], (nf_table_config){ .dim = 3, .cond_dim = 1, .layers = 2, .hidden = hidden, .n_hidden = 2, .seed = 3, .kind = kind,
                                                          .n_kind = 3, .low = low, .n_low = 3, .high = high, .n_high = 3 });
    float x[ROWS * 3], cond[ROWS];
    double a[ROWS], b[ROWS];
    int64_t size = 0;
    nf_flow *again = NULL;

    support_perturb(flow, 0.3, 5);
    for (int i = 0; i < ROWS; i++) cond[i] = (float)i / ROWS;
    expect(nf_flow_sample(flow, 1, 0, ROWS, cond, 1.0, x, NULL));
    for (int i = 0; i < ROWS; i++)
        ck_assert(fabsf(x[3 * i]) <= 5.0F && floorf(x[3 * i]) >= x[3 * i] && x[3 * i + 1] >= 2.0F && x[3 * i + 1] <= 3.0F && x[3 * i + 2] > 10.0F);
    expect(nf_flow_log_prob(flow, ROWS, x, cond, a));
    expect(nf_flow_save_memory(flow, NULL, 0, &size));
    void *bytes = support_malloc(size);
    expect(nf_flow_save_memory(flow, bytes, size, &size));
    expect(nf_flow_load_memory(&again, NULL, bytes, size));
    expect(nf_flow_log_prob(again, ROWS, x, cond, b));
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    free(bytes);
    nf_flow_unref(flow);
    nf_flow_unref(again);
}
END_TEST

/* Two moons: a few epochs leave the identity far behind. */
START_TEST(tables__learn)
{
    nf_dataset *data = NULL;
    nf_optimizer *adam = NULL;
    nf_adam_config rule = { .struct_size = sizeof rule, .lr = 3e-3 };
    nf_fit_config config = { .struct_size = sizeof config, .epochs = 8, .batch = 100, .seed = 1 };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_flow *flow = make(&recipes[_i], (nf_table_config){ .dim = 2, .hidden = hidden, .n_hidden = 2, .seed = 3 });
    double before;

    expect(nf_dataset_synthetic(&data, NULL, "moons", 1000, -1, 1));
    expect(nf_flow_mean_nll(flow, data, &before));
    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_fit(flow, adam, data, NULL, &config, &report));
    ck_assert_msg(report.train_nll < before - 0.2, "%s: %g from %g", recipes[_i].name, report.train_nll, before);
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");
    TCase *tests = tcase_create("tables");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, tables__have_the_layers_that_the_header_says, 0, RECIPES);
    tcase_add_loop_test(tests, tables__transform_every_column, 0, RECIPES);
    tcase_add_loop_test(tests, tables__refuse_bad_configs, 0, SUPPORT_COUNT(bad));
    tcase_add_loop_test(tests, tables__density_integrates_to_one, 0, RECIPES);
    tcase_add_loop_test(tests, tables__samples_keep_to_the_kinds_and_files_keep_the_flow, 0, RECIPES);
    tcase_add_loop_test(tests, tables__learn, 0, RECIPES);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
