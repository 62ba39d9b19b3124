/* SPDX-License-Identifier: MIT
 *
 * tables_test.c - the recipes for tables: layers, defaults, refusals, densities that integrate to one, files, training
 */
#include "flow/circles.h"
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
static const int64_t cylinder[] = { NF_COLUMN_REAL, NF_COLUMN_PERIODIC };
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
    { "one column", 3, { .dim = 1 }, NF_ERR_SHAPE, "nf_flow_create_nice: dim is 1; a coupling needs 2 columns, or cond_dim > 0; nsf and maf take one" },
    { "transform", 0, { .dim = 2, .transform = NF_TRANSFORM_AFFINE }, NF_ERR_ARG, "transform is 1, must be 0: it is of maf and iaf" },
    { "bins", 3, { .dim = 2, .bins = 8 }, NF_ERR_ARG, "bins is 8, must be 0: nothing here is a spline" },
    { "bins", 1, { .dim = 2, .bins = 8 }, NF_ERR_ARG, "bins is 8, must be 0" },
    { "bound", 3, { .dim = 2, .bound = 2 }, NF_ERR_ARG, "bound is 2, must be 0: additive couplings have none" },
    { "mean", 1, { .dim = 2, .mean = mean, .n_mean = 1 }, NF_ERR_SHAPE, "nf_flow_create_maf: n_mean is 1 and n_sd 0, each must be 0 or dim, 2" },
    { "low", 2, { .dim = 2, .low = mean, .n_low = 2 }, NF_ERR_ARG, "n_low is 2 and n_high 0, kind must be given" },
    { "kind", 0, { .dim = 2, .kind = hidden, .n_kind = 2 }, NF_ERR_ARG, "kind" },
    { "layers", 0, { .dim = 2, .layers = 1025 }, NF_ERR_ARG, "layers is 1025" },
    { "mix", 0, { .dim = 2, .mix = 5 }, NF_ERR_ARG, "mix is 5" },
    { "circle", 1, { .dim = 2, .kind = cylinder, .n_kind = 2 }, NF_ERR_ARG, "nf_flow_create_maf: kind[1] is periodic, which only nf_flow_create_nsf takes" },
    { "circle", 2, { .dim = 2, .kind = cylinder, .n_kind = 2 }, NF_ERR_ARG, "nf_flow_create_iaf: kind[1] is periodic" },
    { "circle", 3, { .dim = 2, .kind = cylinder, .n_kind = 2 }, NF_ERR_ARG, "nf_flow_create_nice: kind[1] is periodic" },
    { "circle", 0, { .dim = 2, .kind = cylinder, .n_kind = 2, .mix = NF_MIX_LINEAR }, NF_ERR_ARG,
      "mix is linear, but kind[1] is periodic and would not stay a circle; set mix to 0, random or none" },
    { "circle", 0, { .dim = 2, .kind = cylinder, .n_kind = 2, .mix = NF_MIX_REVERSE }, NF_ERR_ARG, "mix is reverse, but kind[1] is periodic" },
    { "circle", 0, { .dim = 3, .kind = cylinder, .n_kind = 2 }, NF_ERR_SHAPE, "n_kind is 2, must be dim, 3" },
    { "period", 0, { .dim = 2, .kind = cylinder, .n_kind = 2, .high = mean, .n_high = 2 }, NF_ERR_ARG, "a periodic column has low below high" },
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

/* Two humps of von Mises of concentration 8, one over the seam; a real column that follows the circle: y = cos(x - 0.5) + 0.3 N. */
enum { SEAM_ROWS = 4000 };
static const double humps[] = { 0.05, 2.3 }, concentration = 8.0, spread = 0.3;

/* Rejection from the uniform angle; numbers that do not come from the library. */
static double draw_hump(uint64_t *state)
{
    const double centre = humps[random_uniform(state, 0, 1) < 0.5];
    for (;;) {
        const double t = random_uniform(state, -M_PI, M_PI);
        if (random_uniform(state, 0, 1) < exp(concentration * (cos(t) - 1.0))) return centre + t;
    }
}
/* log of the true density of an angle: von Mises, I_0(8) = 427.56411572 */
static double log_humps(double x)
{
    return log(0.5 * exp(concentration * cos(x - humps[0])) + 0.5 * exp(concentration * cos(x - humps[1]))) - log(2.0 * M_PI * 427.5641157218048);
}

/* Angles from 0 to 2 pi, as a fraction of `turn`; dim 1: angles alone. Answers the mean of -log p of the truth, in these units. */
static double draw_rows(int64_t dim, double turn, uint64_t seed, float *x)
{
    uint64_t state = seed;
    double nll = 0.0;
    for (int64_t i = 0; i < SEAM_ROWS; i++) {
        const double angle = draw_hump(&state), e = random_normal(&state), part = angle / (2.0 * M_PI);
        x[dim * i] = (float)(turn * (part - floor(part)));
        nll += -log_humps(angle) + log(turn / (2.0 * M_PI));
        if (dim < 2) continue;
        x[dim * i + 1] = (float)(cos(angle - 0.5) + spread * e);
        nll += 0.5 * (e * e + log(2.0 * M_PI)) + log(spread);
    }
    return nll / SEAM_ROWS;
}

static void train_rows(nf_flow *flow, int64_t dim, const float *x, int32_t epochs)
{
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 5e-3 };
    const nf_fit_config config = { .struct_size = sizeof config, .epochs = epochs, .batch = 100, .seed = 1, .schedule = NF_SCHEDULE_COSINE };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_dataset *data = NULL;
    nf_optimizer *adam = NULL;

    expect(nf_dataset_from_array(&data, NULL, SEAM_ROWS, dim, x));
    expect(nf_optimizer_adam_create(&adam, NULL, &rule));
    expect(nf_flow_fit(flow, adam, data, NULL, &config, &report));
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
}

static nf_flow *train_circle(int64_t dim, const float *x, int32_t mix)
{
    static const int64_t kind[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL }, width[] = { 32, 32 };
    static const double high[] = { 24, 0 }, low[] = { 0, 0 }, centre[] = { 12, 0 }, scale[] = { 7, 0.7 };
    nf_flow *flow = make(&recipes[0], (nf_table_config){ .dim = dim, .layers = 4, .hidden = width, .n_hidden = 2, .seed = 3, .kind = kind, .n_kind = dim,
                                                          .low = low, .n_low = dim, .high = high, .n_high = dim, .mean = centre, .n_mean = dim, .sd = scale,
                                                          .n_sd = dim, .mix = mix });
    train_rows(flow, dim, x, dim == 1 ? 30 : 20);
    return flow;
}

/* Midpoint rule over the circle, and in the real column over [-4, 4]. */
static double circle_integral(const nf_flow *flow, int64_t dim)
{
    enum { SIDE = 600 };
    const double width = 24.0 / SIDE, height = dim == 2 ? 8.0 / SIDE : 1.0;
    float *x = support_malloc(SIDE * dim * (int64_t)sizeof *x);
    double *lp = support_malloc(SIDE * 8), sum = 0.0;

    for (int64_t k = 0; k < (dim == 2 ? SIDE : 1); k++) {
        for (int64_t i = 0; i < SIDE; i++) {
            x[dim * i] = (float)(width * ((double)i + 0.5));
            if (dim == 2) x[dim * i + 1] = (float)(-4.0 + height * ((double)k + 0.5));
        }
        expect(nf_flow_log_prob(flow, SIDE, x, NULL, lp));
        for (int64_t i = 0; i < SIDE; i++) sum += exp(lp[i]) * width * height;
    }
    free(x), free(lp);
    return sum;
}

/* The density a little before and after the seam, and whole turns away. */
static void check_seam(const nf_flow *flow, int64_t dim)
{
    for (int k = 0; k < 9; k++) {
        const float y = -1.0F + 0.3F * (float)k, hours[] = { 24.0F - 0x1p-19F, 0.0F, 0x1p-30F, 24.0F, -24.0F, 48.0F };
        float x[12];
        double lp[6];
        for (int i = 0; i < 6; i++) {
            x[dim * i] = hours[i];
            if (dim == 2) x[2 * i + 1] = y;
        }
        expect(nf_flow_log_prob(flow, 6, x, NULL, lp));
        for (int i = 1; i < 6; i++) ck_assert_msg(fabs(lp[i] - lp[0]) < 2e-4, "y %g: log p(%g) is %.8g, log p(%.9g) is %.8g", (double)y, (double)hours[0], lp[0], (double)hours[i], lp[i]);
    }
}

/* Energy distances (Szekely, Rizzo 2013) by chords of the circle. Of samples of one density, n each, 2 / n of the mean distance is expected. */
enum { ENERGY_ROWS = 1500 };
static double mean_distance(int64_t dim, int64_t n, const float *a, const float *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < n; k++) {
            const double chord = 2.0 * sin(M_PI / 24.0 * (double)(a[dim * i] - b[dim * k])), other = dim == 2 ? (double)(a[2 * i + 1] - b[2 * k + 1]) : 0.0;
            sum += sqrt(chord * chord + other * other);
        }
    return sum / (double)n / (double)n;
}
static double circle_energy(int64_t dim, int64_t n, const float *a, const float *b)
{
    return 2.0 * mean_distance(dim, n, a, b) - mean_distance(dim, n, a, a) - mean_distance(dim, n, b, b);
}

/* Trained over the seam: near the entropy, a density that integrates to one and has no seam, samples on the circle, round trips. Cases: an
 * angle by itself; the angle with a column that follows it, mixed by masks and by turns. */
START_TEST(tables__learn_circles)
{
    const int64_t dim = _i ? 2 : 1;
    float *x = support_malloc(SEAM_ROWS * dim * 4), *z = support_malloc(SEAM_ROWS * dim * 4), *back = support_malloc(SEAM_ROWS * dim * 4);
    double *lp = support_malloc(SEAM_ROWS * 8), nll = 0.0;
    (void)draw_rows(dim, 24.0, 11, x);
    nf_flow *flow = train_circle(dim, x, _i == 2 ? NF_MIX_NONE : 0);
    const double truth = draw_rows(dim, 24.0, 1234567, x); /* rows that training did not see */

    expect(nf_flow_log_prob(flow, SEAM_ROWS, x, NULL, lp));
    for (int64_t i = 0; i < SEAM_ROWS; i++) nll -= lp[i] / SEAM_ROWS;
    ck_assert_msg(nll < truth + 0.05 && nll > truth - 0.02, "%d: %g nats a row, the truth has %g", _i, nll, truth);
    ck_assert_double_eq_tol(circle_integral(flow, dim), 1.0, 1e-3);
    check_seam(flow, dim);
    expect(nf_flow_forward(flow, SEAM_ROWS, x, NULL, z, NULL));
    expect(nf_flow_inverse(flow, SEAM_ROWS, z, NULL, back, NULL));
    for (int64_t i = 0; i < SEAM_ROWS * dim; i++) {
        const double apart = (double)back[i] - (double)x[i];
        ck_assert_msg(fabs(i % dim ? apart : remainder(apart, 24.0)) < 1e-3, "%g comes back as %g", (double)x[i], (double)back[i]);
    }
    expect(nf_flow_sample(flow, 1, 0, SEAM_ROWS, NULL, 1.0, z, NULL));
    for (int64_t i = 0; i < SEAM_ROWS; i++) ck_assert(z[dim * i] >= 0.0F && z[dim * i] < 24.0F);
    const double energy = circle_energy(dim, ENERGY_ROWS, z, x), scale = mean_distance(dim, ENERGY_ROWS, x, x);
    ck_assert_msg(energy < 4.0 * 2.0 / ENERGY_ROWS * scale, "%d: energy distance %g between samples and rows", _i, energy);
    for (int64_t i = 0; i < SEAM_ROWS; i++) z[dim * i] = (float)fmod((double)z[dim * i] + 1.0, 24.0); /* an hour late is seen */
    ck_assert(circle_energy(dim, ENERGY_ROWS, z, x) > 4.0 * 2.0 / ENERGY_ROWS * scale);
    free(x), free(z), free(back), free(lp);
    nf_flow_unref(flow);
}
END_TEST

/* A real column by itself: two humps, N(-2, 0.3^2) and N(2, 0.5^2), of which a Gaussian knows nothing. Answers the mean of -log p. */
static double draw_two_humps(uint64_t seed, float *x)
{
    uint64_t state = seed;
    double nll = 0.0;
    for (int64_t i = 0; i < SEAM_ROWS; i++) {
        const double e = random_normal(&state), at = i % 2 ? -2.0 + 0.3 * e : 2.0 + 0.5 * e, a = (at + 2.0) / 0.3, b = (at - 2.0) / 0.5;
        x[i] = (float)at;
        nll -= log(0.5 * (exp(-0.5 * a * a) / 0.3 + exp(-0.5 * b * b) / 0.5)) - 0.5 * log(2.0 * M_PI);
    }
    return nll / SEAM_ROWS;
}

START_TEST(tables__learn_a_column_by_itself)
{
    static const double centre = 0.0, scale = 2.0;
    float *x = support_malloc(SEAM_ROWS * 4), *back = support_malloc(SEAM_ROWS * 4);
    double *lp = support_malloc(SEAM_ROWS * 8), nll = 0.0;
    nf_flow *flow = make(&recipes[0], (nf_table_config){ .dim = 1, .mean = &centre, .n_mean = 1, .sd = &scale, .n_sd = 1, .seed = 3 });
    (void)draw_two_humps(11, x);
    train_rows(flow, 1, x, 30);
    const double truth = draw_two_humps(1234567, x);

    expect(nf_flow_log_prob(flow, SEAM_ROWS, x, NULL, lp));
    for (int64_t i = 0; i < SEAM_ROWS; i++) nll -= lp[i] / SEAM_ROWS;
    ck_assert_msg(nll < truth + 0.05 && nll > truth - 0.02, "%g nats a row, the truth has %g", nll, truth);
    expect(nf_flow_sample(flow, 1, 0, SEAM_ROWS, NULL, 1.0, back, lp));
    double below = 0.0, sum = 0.0;
    for (int64_t i = 0; i < SEAM_ROWS; i++) below += back[i] < 0.0F;
    ck_assert_double_eq_tol(below / SEAM_ROWS, 0.5, 4.0 * sqrt(0.25 / SEAM_ROWS) + 0.02);
    for (int64_t i = 0; i < 4000; i++) {
        const float at = -8.0F + 0.004F * ((float)i + 0.5F);
        expect(nf_flow_log_prob(flow, 1, &at, NULL, lp));
        sum += 0.004 * exp(lp[0]);
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-3);
    free(x), free(back), free(lp);
    nf_flow_unref(flow);
}
END_TEST

/* The layers that the header tells of: nothing that mixes columns, the base a box; what is given as mean and sd of a circle is not used. */
START_TEST(tables__circles_are_left_alone)
{
    static const int64_t kind[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL, NF_COLUMN_PERIODIC, NF_COLUMN_REAL, NF_COLUMN_REAL };
    static const double centre[] = { 1, 2, 3, 4, 5 }, scale[] = { 2, 3, 4, 5, 6 }, low[] = { 0, 0, -180, 0, 0 }, high[] = { 24, 0, 180, 0, 0 };
    nf_table_config config = { .dim = 5, .hidden = hidden, .n_hidden = 2, .seed = 7, .kind = kind, .n_kind = 5, .low = low, .n_low = 5, .high = high, .n_high = 5,
                               .mean = centre, .n_mean = 5, .sd = scale, .n_sd = 5, .dtype = NF_F64 };
    nf_flow *flow = make(&recipes[0], config);
    const double x[] = { 6, 2, -90, 9, 11, 30, 2, 270, 9, 11 };
    double z[10], moved[10];

    ck_assert_int_eq(nf_flow_layers(flow), 2 + 6);
    for (int64_t i = 2; i < 8; i++) ck_assert_str_eq(layer_name(flow, i), "coupling_spline");
    expect(nf_flow_forward_f64(flow, 2, x, NULL, z, NULL)); /* couplings start as the identity */
    const double want[] = { -2, 0, -2, 1, 1 };
    for (int j = 0; j < 10; j++) ck_assert_double_eq_tol(z[j], want[j % 5], 1e-12);
    support_perturb(flow, 0.5, 5);
    expect(nf_flow_forward_f64(flow, 2, x, NULL, moved, NULL));
    for (int j = 0; j < 5; j++) ck_assert_msg(fabs(moved[j] - z[j]) > 1e-4 && fabs(moved[j] - moved[5 + j]) < 1e-12, "column %d: %g and %g", j, moved[j], moved[5 + j]);
    nf_flow_unref(flow);
    config.seed = 8; /* other masks */
    flow = make(&recipes[0], config);
    char a[16384], b[16384];
    expect(nf_flow_to_json(flow, a, sizeof a, &(int64_t){ 0 }));
    nf_flow_unref(flow);
    config.seed = 7;
    flow = make(&recipes[0], config);
    expect(nf_flow_to_json(flow, b, sizeof b, &(int64_t){ 0 }));
    ck_assert_str_ne(a, b);
    nf_flow_unref(flow);
}
END_TEST

/* Within ceil(log2 dim) pairs of couplings every two columns have been on different sides, and every pair transforms some and keeps some. */
START_TEST(circles__masks_part_every_two_columns)
{
    enum { MOST = 17 };
    int64_t column[MOST], order[MOST], index[MOST];
    const nfi_circles circles = { .n = 1, .column = column, .order = order, .index = index };
    const uint64_t seed = (uint64_t)_i;

    for (int64_t dim = 2; dim <= MOST; dim++) {
        uint32_t sides[MOST] = { 0 };
        const int64_t round = (int64_t)ceil(log2((double)dim)), first = round * (_i % 3);
        for (int64_t pair = first; pair < first + round; pair++) {
            const int64_t n = nfi_circles_mask(&circles, dim, seed, pair);
            ck_assert(n > 0 && n < dim);
            for (int64_t i = 0; i < n; i++) sides[index[i]] |= 1U << (pair - first);
        }
        for (int64_t j = 0; j < dim; j++)
            for (int64_t k = 0; k < j; k++) ck_assert_msg(sides[j] != sides[k], "dim %lld: columns %lld and %lld", (long long)dim, (long long)j, (long long)k);
    }
}
END_TEST

/* A circle that is a single column under a condition, and one that takes part in the condition of another. */
START_TEST(tables__circle_under_a_condition)
{
    static const int64_t kind[] = { NF_COLUMN_PERIODIC };
    nf_flow *flow = make(&recipes[0], (nf_table_config){ .dim = 1, .cond_dim = 1, .layers = 2, .hidden = hidden, .n_hidden = 2, .seed = 3, .kind = kind, .n_kind = 1 });
    const float x[] = { 3.14159274F, -3.14159274F, 9.42477798F, 0.5F }, cond[] = { 0.3F, 0.3F, 0.3F, 0.3F };
    double lp[4];

    support_perturb(flow, 0.5, 5);
    expect(nf_flow_log_prob(flow, 4, x, cond, lp));
    ck_assert(fabs(lp[0] - lp[1]) < 1e-4 && fabs(lp[0] - lp[2]) < 1e-4 && fabs(lp[0] - lp[3]) > 1e-3);
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
    tcase_add_loop_test(tests, tables__learn_circles, 0, 3);
    tcase_add_loop_test(tests, circles__masks_part_every_two_columns, 0, 9);
    tcase_add_test(tests, tables__circles_are_left_alone);
    tcase_add_test(tests, tables__learn_a_column_by_itself);
    tcase_add_test(tests, tables__circle_under_a_condition);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
