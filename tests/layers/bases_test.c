/* SPDX-License-Identifier: MIT
 *
 * bases_test.c - every base: check values, gradients against central differences, integrals, samples against their distribution
 *
 * Integrals: double-exponential quadrature (Takahasi, Mori 1974) on both sides of each column's centre, so that kinks at the centre and
 * tails that are powers cost nothing. Samples: energy distances (Szekely, Rizzo 2013), in one column to the integral of the density, in
 * two to draws that rejection makes from the density alone.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bases/base.h"
#include "core/rng.h"
#include "math/functions.h"
#include <nflow/coupling.h>
#include <nflow/flow.h>

#define ROWS 4
#define DIM 3
#define SAMPLES 4096
#define STEP 1e-5
#define SLOPE_TOL 1e-7
#define MAX_PARAMS 32
#define COMPONENTS 2
#define COND_DIM 2
#define HIDDEN 2

static double draw(uint64_t index) { return 2.0 * nfi_uniform(99, NFI_STREAM_CHECK, index) - 1.0; }

static nf_base *make(int32_t i, int64_t dim)
{
    nf_base *base = NULL;
    nf_status status = NF_ERR_UNKNOWN;
    const char *name = nf_base_type_at(i);
    if (strcmp(name, "normal") == 0) status = nf_base_normal_create(&base, NULL, dim);
    if (strcmp(name, "diagonal") == 0) status = nf_base_diagonal_create(&base, NULL, dim);
    if (strcmp(name, "uniform") == 0) status = nf_base_uniform_create(&base, NULL, dim, -1.0, 1.5);
    if (strcmp(name, "normal_full") == 0)
        status = nf_base_normal_full_create(&base, NULL, &(nf_base_normal_full_config){ .struct_size = sizeof(nf_base_normal_full_config), .dim = dim });
    if (strcmp(name, "mixture") == 0)
        status = nf_base_mixture_create(&base, NULL, &(nf_base_mixture_config){ .struct_size = sizeof(nf_base_mixture_config), .dim = dim,
                                                                                .components = COMPONENTS });
    if (strcmp(name, "student") == 0)
        status = nf_base_student_create(&base, NULL, &(nf_base_student_config){ .struct_size = sizeof(nf_base_student_config), .dim = dim });
    if (strcmp(name, "laplace") == 0) status = nf_base_laplace_create(&base, NULL, dim);
    if (strcmp(name, "logistic") == 0) status = nf_base_logistic_create(&base, NULL, dim);
    if (strcmp(name, "box") == 0) { /* the columns behind the first two are normal */
        static const double low[] = { -1.0, -2.0, 0.0 }, high[] = { 1.5, 0.5, 0.0 };
        status = nf_base_box_create(&base, NULL, &(nf_base_box_config){ .struct_size = sizeof(nf_base_box_config), .dim = dim, .low = low, .n_low = dim,
                                                                        .high = high, .n_high = dim, .normal = (int64_t[]){ 2 }, .n_normal = dim > 2 });
    }
    if (strcmp(name, "normal_conditional") == 0)
        status = nf_base_normal_conditional_create(&base, NULL, &(nf_base_normal_conditional_config){
            .struct_size = sizeof(nf_base_normal_conditional_config), .dim = dim, .cond_dim = COND_DIM, .hidden = (const int64_t[]){ HIDDEN },
            .n_hidden = 1, .activation = NF_ACTIVATION_TANH });
    ck_assert_msg(status == NF_OK, "no case for base %s", name);
    ck_assert_int_le(base->param_count, MAX_PARAMS);
    return base;
}

static nf_base *make_named(const char *name, int64_t dim)
{
    int32_t i = 0;
    while (nf_base_type_at(i) && strcmp(nf_base_type_at(i), name) != 0) i++;
    return make(i, dim);
}

/* Conditioning columns of every tile: one condition for all rows, unless a test writes others */
static double cond_rows[SAMPLES * COND_DIM];
static void cond_reset(void)
{
    for (int i = 0; i < SAMPLES; i++) {
        cond_rows[COND_DIM * i] = -0.25;
        cond_rows[COND_DIM * i + 1] = -0.75;
    }
}

/* A tile for a base: with scratch for n rows, and what is packed behind it, freed by the caller */
static nf_tile tile_of(const nf_base *base, const double *theta, int64_t n)
{
    const nfi_kernels *k = nfi_kernels_for(NULL, NF_F64);
    const nfi_base_info info = nfi_base_describe(base, k);
    const int64_t bytes = nfi_round_up(info.scratch_fixed + n * info.scratch_row, NFI_ALIGN);
    char *scratch = aligned_alloc(NFI_ALIGN, (size_t)nfi_round_up(bytes + info.packed + info.packed_backward, NFI_ALIGN));
    if (!scratch || base->cond_dim != info.cond_dim) ck_abort_msg("no memory, or cond_dim %lld", (long long)info.cond_dim); /* ck_assert writes each time */
    if (base->type->f64->pack) base->type->f64->pack(base->self, k, theta, scratch + bytes, scratch + bytes + info.packed);
    return (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = NF_F64, .n = n, .theta = theta, .packed = scratch + bytes,
                      .packed_backward = scratch + bytes + info.packed, .cond = info.cond_dim ? cond_rows : NULL, .cond_dim = info.cond_dim,
                      .scratch = scratch, .kernels = k };
}

static double log_prob(const nf_base *base, const double *theta, int64_t n, const double *z, const double *weight)
{
    double log_det[ROWS] = { 0 }, sum = 0.0;
    nf_tile tile = tile_of(base, theta, n);
    tile.log_det = log_det;
    if (base->type->f64->log_prob(base->self, &tile, z) != NF_OK) ck_abort_msg("log_prob: %s", nf_last_error());
    free(tile.scratch);
    for (int64_t i = 0; i < n; i++) sum += (weight ? weight[i] : 1.0) * log_det[i];
    return sum;
}

static double slope(const nf_base *base, const double *theta, const double *z, const double *weight, double *at)
{
    const double keep = *at;
    *at = keep + STEP;
    const double above = log_prob(base, theta, ROWS, z, weight);
    *at = keep - STEP;
    const double below = log_prob(base, theta, ROWS, z, weight);
    *at = keep;
    return (above - below) / (2.0 * STEP);
}

START_TEST(base__gradients_match_central_differences)
{
    nf_base *base = make(_i, DIM);
    double theta[MAX_PARAMS], grad[MAX_PARAMS] = { 0 }, z[ROWS * DIM], g[ROWS * DIM], weight[ROWS], grad_cond[ROWS * COND_DIM];
    for (int k = 0; k < ROWS * COND_DIM; k++) cond_rows[k] = draw(70 + (uint64_t)k);
    for (int k = 0; k < ROWS * COND_DIM; k++) grad_cond[k] = 0.5; /* to be added to */
    for (int k = 0; k < MAX_PARAMS; k++) theta[k] = draw((uint64_t)k);
    for (int k = 0; k < ROWS * DIM; k++) z[k] = 0.9 * draw(50 + (uint64_t)k);
    for (int i = 0; i < ROWS; i++) weight[i] = draw(90 + (uint64_t)i);
    nf_tile tile = tile_of(base, theta, ROWS);
    tile.grad = grad;
    tile.grad_cond = base->cond_dim ? grad_cond : NULL;
    ck_assert_int_eq(base->type->f64->backward(base->self, &tile, z, weight, g), NF_OK);
    free(tile.scratch);
    for (int k = 0; k < ROWS * base->cond_dim; k++)
        ck_assert_double_eq_tol(grad_cond[k] - 0.5, slope(base, theta, z, weight, cond_rows + k), SLOPE_TOL);
    for (int k = 0; k < ROWS * DIM; k++) ck_assert_double_eq_tol(g[k], slope(base, theta, z, weight, z + k), SLOPE_TOL);
    for (int k = 0; k < base->param_count; k++)
        ck_assert_double_eq_tol(grad[k], slope(base, theta, z, weight, theta + k), SLOPE_TOL);
    nf_base_unref(base);
}
END_TEST

/* sum_i g_i z_i of draws from row 40 on */
static double drawn(const nf_base *base, const double *theta, const double *g, double *z)
{
    nf_tile tile = tile_of(base, theta, ROWS);
    double sum = 0.0;
    tile.seed = 31;
    tile.row = 40;
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, 1.0, z), NF_OK);
    free(tile.scratch);
    for (int64_t k = 0; k < ROWS * base->dim; k++) sum += g[k] * z[k];
    return sum;
}

/* Draws are moved by every parameter but a mixture's logits, which have the score's gradient; what fixed parameters have is in a test of
 * their own. */
START_TEST(base__draws_move_as_they_say)
{
    nf_base *base = make(_i, DIM);
    double theta[MAX_PARAMS], grad[MAX_PARAMS], score[MAX_PARAMS] = { 0 }, z[ROWS * DIM], other[ROWS * DIM], g[ROWS * DIM], value[ROWS];
    double grad_cond[ROWS * COND_DIM] = { 0 };
    const bool mixed = strcmp(nf_base_type_name(base), "mixture") == 0;
    for (int k = 0; k < ROWS * COND_DIM; k++) cond_rows[k] = draw(70 + (uint64_t)k);
    for (int k = 0; k < MAX_PARAMS; k++) theta[k] = draw((uint64_t)k), grad[k] = 0.25;
    for (int k = 0; k < ROWS * DIM; k++) g[k] = draw(50 + (uint64_t)k);
    for (int i = 0; i < ROWS; i++) value[i] = draw(90 + (uint64_t)i);
    (void)drawn(base, theta, g, z);
    ck_assert_int_eq(base->type->f64->sample_backward != NULL, base->param_count > 0);
    if (base->param_count) {
        nf_tile tile = tile_of(base, theta, ROWS);
        tile.seed = 31;
        tile.row = 40;
        tile.grad = grad;
        tile.grad_cond = base->cond_dim ? grad_cond : NULL;
        ck_assert_int_eq(base->type->f64->sample_backward(base->self, &tile, z, g, value), NF_OK);
        tile.grad = score;
        ck_assert_int_eq(base->type->f64->backward(base->self, &tile, z, value, other), NF_OK);
        free(tile.scratch);
    }
    for (int k = 0; k < base->param_count; k++) {
        const double keep = theta[k];
        theta[k] = keep + STEP;
        const double above = drawn(base, theta, g, other);
        theta[k] = keep - STEP;
        const double below = drawn(base, theta, g, other), want = mixed && k < COMPONENTS ? score[k] : (above - below) / (2.0 * STEP);
        theta[k] = keep;
        ck_assert_double_eq_tol(grad[k] - 0.25, want, SLOPE_TOL);
    }
    nf_base_unref(base);
}
END_TEST

/* Mean and standard deviation of SAMPLES draws, and the draws in two tiles have the bits of one. */
START_TEST(base__samples_follow_the_distribution)
{
    static const struct { const char *name; double mean, sd, kurtosis; } want[] = {
        { "normal", 0.0, 0.5, 3 }, { "diagonal", 0.3, 0.67492940378, 3 }, { "uniform", 0.25, 0.36084391824, 1.8 },
        { "box", 0.25, 0.36084391824, 1.8 },
        { "normal_full", 0.3, 0.67492940378, 3 }, { "mixture", 0.3, 0.67492940378, 3 },
        { "student", 0.3, 0.73934811836, 3.75 }, /* nu = 12 */
        { "laplace", 0.3, 0.95449431647, 6 }, { "logistic", 0.3, 1.22418652349, 4.2 },
        { "normal_conditional", 0.3, 0.67468682218, 3 }, /* of a condition at which the hidden layer is 0: sd = exp(5 tanh(0.3/5))/2 */
    };
    static double z[SAMPLES], part[SAMPLES];
    nf_base *base = make(_i, 1);
    double theta[MAX_PARAMS], mean = 0.0, square = 0.0;
    int w = 0;
    while (strcmp(want[w].name, nf_base_type_at(_i)) != 0) w++;
    for (int k = 0; k < MAX_PARAMS; k++) theta[k] = 0.3;
    if (strcmp(want[w].name, "student") == 0) theta[2] = 2.4849066497880004; /* log 12 */
    nf_tile tile = tile_of(base, theta, SAMPLES);
    tile.seed = 5;
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, 0.5, z), NF_OK);
    for (int i = 0; i < SAMPLES; i++) mean += z[i] / SAMPLES;
    for (int i = 0; i < SAMPLES; i++) square += (z[i] - mean) * (z[i] - mean) / SAMPLES;
    ck_assert_double_eq_tol(mean, want[w].mean, 4.0 * want[w].sd / sqrt(SAMPLES)); /* 4 standard errors, both */
    ck_assert_double_eq_tol(sqrt(square), want[w].sd, 4.0 * want[w].sd * sqrt((want[w].kurtosis - 1.0) / (4.0 * SAMPLES)));
    tile.row = 1001;
    tile.n = 57;
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, 0.5, part), NF_OK);
    ck_assert_mem_eq(part, z + 1001, 57 * sizeof *z);
    free(tile.scratch);
    nf_base_unref(base);
}
END_TEST

/* theta of the tests below: nothing standard, tails that die out within the boxes */
static void theta_tame(const nf_base *base, double *theta)
{
    for (int k = 0; k < base->param_count; k++) theta[k] = 0.5 * draw(200 + (uint64_t)k);
    if (strcmp(nf_base_type_name(base), "student") == 0)
        for (int64_t j = 0; j < base->dim; j++) theta[2 * base->dim + j] = 2.5;
}

/* Nodes and weights of an axis: z = centre +- exp(pi/2 sinh t) */
#define NODES 384
#define NODE_STEP 0.04
static void axis(double centre, double *z, double *weight)
{
    for (int k = 0; k < NODES / 2; k++) {
        const double t = NODE_STEP * (k - NODES / 4), step = exp(0.5 * M_PI * sinh(t));
        z[2 * k] = centre + step;
        z[2 * k + 1] = centre - step;
        weight[2 * k] = weight[2 * k + 1] = NODE_STEP * 0.5 * M_PI * cosh(t) * step;
    }
}

/* The integral of the density over 1 or 2 columns */
static double integral(const nf_base *base, const double *theta, const double *centre)
{
    static double z0[NODES], w0[NODES], z1[NODES], w1[NODES];
    double sum = 0.0;
    axis(centre[0], z0, w0);
    axis(base->dim == 2 ? centre[1] : 0.0, z1, w1);
    for (int a = 0; a < NODES; a++)
        for (int b = 0; b < (base->dim == 2 ? NODES : 1); b++)
            sum += w0[a] * (base->dim == 2 ? w1[b] : 1.0) * exp(log_prob(base, theta, 1, (double[]){ z0[a], z1[b] }, NULL));
    return sum;
}

START_TEST(base__integrates_to_one)
{
    for (int64_t dim = 1; dim <= 2; dim++) {
        nf_base *base = make(_i, dim);
        double theta[MAX_PARAMS], centre[2] = { 0.1, -0.2 };
        for (int k = 0; k < MAX_PARAMS; k++) theta[k] = 0.5 * draw(300 + (uint64_t)k); /* for "student", nu about 1: no mean */
        if (strcmp(nf_base_type_name(base), "laplace") == 0) memcpy(centre, theta, (size_t)dim * sizeof *theta);
        /* the box has walls where no node is: its density is constant, and check_values and the conformance suite have it */
        const bool walls = strcmp(nf_base_type_name(base), "uniform") == 0 || strcmp(nf_base_type_name(base), "box") == 0;
        if (!walls) ck_assert_double_eq_tol(integral(base, theta, centre), 1.0, 1e-8);
        nf_base_unref(base);
    }
}
END_TEST

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *samples_of(const nf_base *base, const double *theta, int64_t n, double temperature)
{
    double *z = malloc((size_t)(n * base->dim) * sizeof *z);
    nf_tile tile = tile_of(base, theta, n);
    tile.seed = 11;
    ck_assert_int_eq(base->type->f64->sample(base->self, &tile, temperature, z), NF_OK);
    free(tile.scratch);
    return z;
}

/* 2 int (F_n - F)^2 dz, the energy distance of sorted z [n] to the density, over its mean (2/n) int F (1 - F) dz when z are of it */
static double energy_ratio(const nf_base *base, const double *theta, int n, const double *z)
{
    const double reach = 60.0, h = 0.005;
    double f = 0.0, before = 0.0, energy = 0.0, expected = 0.0;
    int below = 0;
    for (double at = -reach; at < reach; at += h) {
        const double p = exp(log_prob(base, theta, 1, &at, NULL));
        f += 0.5 * h * (before + p);
        before = p;
        while (below < n && z[below] <= at) below++;
        const double apart = (double)below / n - f;
        energy += 2.0 * h * apart * apart;
        expected += 2.0 * h * f * (1.0 - f) / n;
    }
    return energy / expected;
}

/* Right samples are within 4 times the mean (one seed in a thousand is not); colder ones are seen. */
START_TEST(base__samples_are_near_the_density)
{
    nf_base *base = make(_i, 1);
    double theta[MAX_PARAMS];
    theta_tame(base, theta);
    for (int cold = 0; cold < 2; cold++) {
        double *z = samples_of(base, theta, SAMPLES, cold ? 0.8 : 1.0);
        qsort(z, SAMPLES, sizeof *z, ascending);
        const double ratio = energy_ratio(base, theta, SAMPLES, z);
        ck_assert_msg(cold ? ratio > 4.0 : ratio < 4.0, "%s, %s: energy distance %.3g of what is expected", nf_base_type_at(_i),
                      cold ? "cold" : "right", ratio);
        free(z);
    }
    nf_base_unref(base);
}
END_TEST

/* Draws by rejection from a box, which know nothing but log_prob */
#define PAIRS 1000
#define REACH 10.0
static void reject(const nf_base *base, const double *theta, double *y)
{
    double top = -INFINITY, at[2];
    uint64_t k = 0;
    for (int probe = 0; probe < 40000; probe++) {
        for (int j = 0; j < 2; j++) at[j] = 0.2 * REACH * draw(1000000 + k++);
        top = fmax(top, log_prob(base, theta, 1, at, NULL));
    }
    for (int n = 0; n < PAIRS;) {
        for (int j = 0; j < 2; j++) at[j] = REACH * draw(2000000 + k++);
        const double lp = log_prob(base, theta, 1, at, NULL);
        if (log(nfi_uniform(98, NFI_STREAM_CHECK, k++)) < lp - top) memcpy(y + 2 * n++, at, sizeof at);
    }
}

static double mean_distance(const double *x, const double *y)
{
    double sum = 0.0;
    for (int i = 0; i < PAIRS; i++)
        for (int k = 0; k < PAIRS; k++) sum += hypot(x[2 * i] - y[2 * k], x[2 * i + 1] - y[2 * k + 1]);
    return sum / ((double)PAIRS * PAIRS);
}

/* 2 E|X - Y| - E|X - X'| - E|Y - Y'|, over its mean (2/n) E|Y - Y'| for equal distributions */
START_TEST(base__samples_are_near_rejected_ones)
{
    static double y[2 * PAIRS];
    nf_base *base = make(_i, 2);
    double theta[MAX_PARAMS];
    theta_tame(base, theta);
    reject(base, theta, y);
    const double yy = mean_distance(y, y);
    for (int cold = 0; cold < 2; cold++) {
        double *x = samples_of(base, theta, PAIRS, cold ? 0.7 : 1.0);
        const double ratio = (2.0 * mean_distance(x, y) - mean_distance(x, x) - yy) / (2.0 / PAIRS * yy);
        ck_assert_msg(cold ? ratio > 3.0 : ratio < 3.0, "%s, %s: energy distance %.3g of what is expected", nf_base_type_at(_i),
                      cold ? "cold" : "right", ratio);
        free(x);
    }
    nf_base_unref(base);
}
END_TEST

START_TEST(base__check_values)
{
    nf_base *normal = make(0, 2), *diagonal = make(1, 1), *uniform = make(2, 2);
    ck_assert_double_eq_tol(log_prob(normal, NULL, 1, (double[]){ 0.7, -1.3 }, NULL), -2.9278770664, 1e-9);
    ck_assert_double_eq_tol(log_prob(diagonal, (double[]){ 0.7, -0.4 }, 1, (double[]){ -1.3 }, NULL), -4.9700203902, 1e-9);
    ck_assert_double_eq_tol(log_prob(uniform, NULL, 1, (double[]){ 0.7, -0.3 }, NULL), -1.8325814637, 1e-9);
    ck_assert(log_prob(uniform, NULL, 1, (double[]){ 0.7, 1.6 }, NULL) == -INFINITY);
    ck_assert(isnan(log_prob(uniform, NULL, 1, (double[]){ NAN, 1.6 }, NULL)));
    nf_base_unref(normal), nf_base_unref(diagonal), nf_base_unref(uniform);
}
END_TEST

START_TEST(box__check_values_and_refusals)
{
    const double low[] = { -1.0, 7.0 }, high[] = { 1.5, 7.0 };
    const int64_t second[] = { 1, 1 }, third[] = { 2 };
    nf_base_box_config config = { .struct_size = sizeof config, .dim = 2, .low = low, .n_low = 2, .high = high, .n_high = 2, .normal = second, .n_normal = 1 };
    nf_base *box = NULL;

    ck_assert_int_eq(nf_base_box_create(&box, NULL, &config), NF_OK);
    ck_assert_double_eq_tol(log_prob(box, NULL, 1, (double[]){ 0.7, -1.3 }, NULL), -2.6802292651, 1e-9);
    ck_assert_double_eq_tol(log_prob(box, NULL, 1, (double[]){ 1.5, -1.3 }, NULL), -2.6802292651, 1e-9);
    ck_assert(log_prob(box, NULL, 1, (double[]){ 1.6, -1.3 }, NULL) == -INFINITY);
    ck_assert(isnan(log_prob(box, NULL, 1, (double[]){ 1.6, NAN }, NULL)));
    nf_base_unref(box);
    config.n_normal = 2;
    ck_assert_int_eq(nf_base_box_create(&box, NULL, &config), NF_ERR_ARG);
    ck_assert_str_eq(nf_last_error(), "nf_base_box_create: normal[1] is 1, not a column of 2 or given twice");
    config.normal = third;
    config.n_normal = 1;
    ck_assert_int_eq(nf_base_box_create(&box, NULL, &config), NF_ERR_ARG);
    config.n_normal = 0;
    ck_assert_int_eq(nf_base_box_create(&box, NULL, &config), NF_ERR_ARG);
    ck_assert_str_eq(nf_last_error(), "nf_base_box_create: low[1] is 7 and high[1] 7; low must be below high unless `normal` lists the column");
    config.n_high = 0;
    ck_assert_int_eq(nf_base_box_create(&box, NULL, &config), NF_ERR_SHAPE);
    ck_assert_ptr_null(box);
}
END_TEST

/* Columns of one sample are independent: the words of a normal number are not those of a uniform one beside it. */
START_TEST(box__columns_are_independent)
{
    static double z[2 * SAMPLES];
    double both = 0.0, squares = 0.0;
    nf_base *box = NULL;

    ck_assert_int_eq(nf_base_box_create(&box, NULL, &(nf_base_box_config){ .struct_size = sizeof(nf_base_box_config), .dim = 2,
                                                                           .normal = (int64_t[]){ 1 }, .n_normal = 1 }), NF_OK);
    nf_tile tile = tile_of(box, NULL, SAMPLES);
    ck_assert_int_eq(box->type->f64->sample(box->self, &tile, 1.0, z), NF_OK);
    for (int i = 0; i < SAMPLES; i++) {
        both += z[2 * i] * z[2 * i + 1];
        squares += z[2 * i] * z[2 * i] * (z[2 * i + 1] * z[2 * i + 1] - 1.0);
    }
    ck_assert_double_eq_tol(both / SAMPLES, 0.0, 4.0 * sqrt(1.0 / 3.0 / SAMPLES)); /* 4 standard errors, both */
    ck_assert_double_eq_tol(squares / SAMPLES, 0.0, 4.0 * sqrt(2.0 / 5.0 / SAMPLES));
    free(tile.scratch);
    nf_base_unref(box);
}
END_TEST

START_TEST(base__check_values_of_heads_of_files)
{
    static const struct { const char *name; int64_t dim; double theta[12], z[2], want; } values[] = {
        { "normal_full", 2, { 0.7, -1.3, -0.4, 0.6, 0.2 }, { -0.5, 0.25 }, -5.5481694519 },
        { "mixture", 1, { 0.3, -0.5, 0.7, -1.1, -0.4, 0.2 }, { -1.3 }, -2.2566133388 },
        { "student", 1, { 0.7, -0.4, 1.0986122886681098 }, { -1.3 }, -3.3571046889 },
        { "laplace", 1, { 0.7, -0.4 }, { -1.3 }, -3.2767965758 },
        { "logistic", 1, { 0.7, -0.4 }, { -1.3 }, -2.6823871193 },
        { "normal_conditional", 1, { 0.7, -0.4, 0.3, 0.9, -0.7, 0.2, 0.5, -0.8, 0.6, 1.1, 0.1, -0.2 }, { -1.3 }, -1.2458703489 },
    };
    for (int k = 0; k < (int)(sizeof values / sizeof *values); k++) {
        nf_base *base = make_named(values[k].name, values[k].dim);
        ck_assert_double_eq_tol(log_prob(base, values[k].theta, 1, values[k].z, NULL), values[k].want, 1e-9);
        ck_assert(isnan(log_prob(base, values[k].theta, 1, (double[]){ NAN, 0.0 }, NULL)));
        nf_base_unref(base);
    }
}
END_TEST

START_TEST(normal_conditional__check_value)
{
    const nf_base_normal_conditional_config config = { .struct_size = sizeof config, .dim = 1, .cond_dim = 1, .hidden = (const int64_t[]){ 0 },
                                                       .n_hidden = 1, .bound = 2.0 };
    nf_base *base = NULL;
    ck_assert_int_eq(nf_base_normal_conditional_create(&base, NULL, &config), NF_OK);
    ck_assert_int_eq(nf_base_cond_dim(base), 1);
    ck_assert_int_eq(nf_base_cond_dim(NULL), 0);
    cond_rows[0] = 0.7;
    ck_assert_double_eq_tol(log_prob(base, (double[]){ -0.4, 0.9, 0.3, -0.2 }, 1, (double[]){ -1.3 }, NULL), -1.7159198432, 1e-9);
    nf_base_unref(base);
}
END_TEST

static nf_status conditional_flow(nf_flow **out, const nf_base_normal_conditional_config *config, int64_t layer_cond)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64, .seed = 3 };
    const nf_coupling_affine_config coupling = { .struct_size = sizeof coupling, .dim = 2, .cond_dim = layer_cond };
    nf_base *base = NULL;
    nf_layer *layer = NULL;
    nf_status status = nf_base_normal_conditional_create(&base, NULL, config);
    *out = NULL;
    if (!status) status = nf_coupling_affine_create(&layer, NULL, &coupling);
    if (!status) status = nf_flow_create(out, NULL, &flow_config, base, &layer, 1);
    nf_layer_unref(layer);
    nf_base_unref(base);
    return status;
}

/* A flow over it takes conditions, whether its layers do or not; layers that want others are refused. */
START_TEST(normal_conditional__makes_a_flow_conditional)
{
    static const nf_base_normal_conditional_config config = { .struct_size = sizeof config, .dim = 2, .cond_dim = 3 };
    static const double x[] = { 0.3, -1.2 }, cond[] = { 5.0, -7.0, 0.4 };
    const int64_t layers[] = { 0, 3 };
    double log_prob_of, *theta, other;
    int64_t count;
    nf_flow *flow;
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(conditional_flow(&flow, &config, layers[i]) == NF_OK, "%s", nf_last_error());
        ck_assert_int_eq(nf_flow_cond_dim(flow), 3);
        ck_assert_int_eq(nf_flow_log_prob_f64(flow, 1, x, cond, &log_prob_of), NF_OK);
        ck_assert_double_eq_tol(log_prob_of, -0.5 * (0.09 + 1.44) - log(2.0 * M_PI), 1e-14); /* it starts as the standard normal */
        ck_assert_int_eq(nf_flow_log_prob_f64(flow, 1, x, NULL, &other), NF_ERR_SHAPE);
        ck_assert_int_eq(nf_flow_params_f64(flow, &theta, NULL, &count), NF_OK);
        theta[count - 1] = 1.0; /* the last u's bias: of the base, packed with the rest */
        ck_assert_int_eq(nf_flow_update(flow), NF_OK);
        ck_assert_int_eq(nf_flow_log_prob_f64(flow, 1, x, cond, &other), NF_OK);
        ck_assert_double_eq_tol(other - log_prob_of, -5.0 * tanh(0.2) + 0.72 * (1.0 - exp(-10.0 * tanh(0.2))), 1e-12);
        nf_flow_unref(flow);
    }
    ck_assert_int_eq(conditional_flow(&flow, &config, 2), NF_ERR_SHAPE);
    ck_assert_str_eq(nf_last_error(), "nf_flow_create: base (normal_conditional) has cond_dim 3, the layers 2");
    ck_assert_ptr_null(flow);
}
END_TEST

START_TEST(normal_conditional__refuses_bad_configs)
{
    static const int64_t gap[] = { 8, 0 };
    const struct { nf_base_normal_conditional_config config; nf_status status; const char *line; } bad[] = {
        { { .dim = 2 }, NF_ERR_ARG, NULL },
        { { .cond_dim = 2 }, NF_ERR_ARG, NULL },
        { { .dim = 2, .cond_dim = -1 }, NF_ERR_ARG, NULL },
        { { .dim = 2, .cond_dim = 1, .bound = 81 }, NF_ERR_ARG, NULL },
        { { .dim = 2, .cond_dim = 1, .activation = 7 }, NF_ERR_ARG, NULL },
        { { .dim = 2, .cond_dim = 1, .hidden = gap, .n_hidden = 2 }, NF_ERR_ARG,
          "nf_base_normal_conditional_create: hidden[1] is 0; only {0} alone means no hidden layer" },
    };
    nf_context_config limits = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_base *base;
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        nf_base_normal_conditional_config config = bad[k].config;
        config.struct_size = sizeof config;
        base = (nf_base *)&base;
        ck_assert_msg(nf_base_normal_conditional_create(&base, NULL, &config) == bad[k].status, "%d: %s", k, nf_last_error());
        ck_assert_ptr_null(base);
        if (bad[k].line) ck_assert_str_eq(nf_last_error(), bad[k].line);
    }
    limits.max_dim = 4;
    ck_assert_int_eq(nf_context_create(&context, &limits), NF_OK);
    const nf_base_normal_conditional_config wide = { .struct_size = sizeof wide, .dim = 2, .cond_dim = 5 };
    ck_assert_int_eq(nf_base_normal_conditional_create(&base, context, &wide), NF_ERR_LIMIT);
    ck_assert_str_eq(nf_last_error(), "nf_base_normal_conditional_create: cond_dim is 5, over the context's max_dim 4");
    const nf_base_box_config sides = { .struct_size = sizeof sides, .dim = INT32_MAX }; /* found before memory of 50 GB is asked for */
    ck_assert_int_eq(nf_base_box_create(&base, context, &sides), NF_ERR_LIMIT);
    ck_assert_str_eq(nf_last_error(), "nf_base_box_create: dim is 2147483647, over the context's max_dim 4");
    nf_context_unref(context);
}
END_TEST

/* Rows far out keep a finite density and slope, at any sign. */
START_TEST(base__far_rows_are_finite)
{
    nf_base *base = make(_i, 1);
    double theta[MAX_PARAMS] = { 0 }, g;
    if (strcmp(nf_base_type_name(base), "uniform") != 0 && strcmp(nf_base_type_name(base), "box") != 0)
        for (int s = -1; s <= 1; s += 2) {
            const double z = s * 1e30, weight = 1.0;
            nf_tile tile = tile_of(base, theta, 1);
            ck_assert(isfinite(log_prob(base, theta, 1, &z, NULL)));
            ck_assert_int_eq(base->type->f64->backward(base->self, &tile, &z, &weight, &g), NF_OK);
            ck_assert(isfinite(g) && s * g < 0.0);
            free(tile.scratch);
        }
    nf_base_unref(base);
}
END_TEST

static nf_flow *flow_of(const char *type, const void *config, uint64_t seed)
{
    const nf_flow_config flow_config = { .struct_size = sizeof flow_config, .dtype = NF_F64, .seed = seed };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    ck_assert_msg(nf_base_create(&base, NULL, type, config) == NF_OK, "%s", nf_last_error());
    ck_assert_msg(nf_flow_create(&flow, NULL, &flow_config, base, NULL, 0) == NF_OK, "%s", nf_last_error());
    nf_base_unref(base);
    return flow;
}

/* What is fixed has a gradient of zero, and stays out of training; the rest of the same base has one. */
START_TEST(base__fixed_parameters_have_no_gradient)
{
    static const nf_base_laplace_config laplace = { .struct_size = sizeof laplace, .dim = 2, .fixed = 1 };
    static const nf_base_logistic_config logistic = { .struct_size = sizeof logistic, .dim = 2, .fixed = 1 };
    static const nf_base_normal_full_config full = { .struct_size = sizeof full, .dim = 2, .fixed = 1 };
    static const nf_base_student_config half = { .struct_size = sizeof half, .dim = 2, .fixed = 1 };
    static const nf_base_student_config df = { .struct_size = sizeof df, .dim = 2, .df_fixed = 1 };
    static const struct { const char *type; const void *config; int from, to; } cases[] = {
        { "laplace", &laplace, 0, 4 }, { "logistic", &logistic, 0, 4 }, { "normal_full", &full, 0, 5 }, { "student", &half, 0, 4 }, { "student", &df, 4, 6 },
    };
    for (int c = 0; c < (int)(sizeof cases / sizeof *cases); c++) {
        nf_flow *flow = flow_of(cases[c].type, cases[c].config, 1);
        double *theta, *grad;
        int64_t count;
        ck_assert_int_eq(nf_flow_params_f64(flow, &theta, &grad, &count), NF_OK);
        ck_assert_int_eq(nf_flow_nll_grad_f64(flow, 2, (double[]){ 0.3, -0.7, 1.2, 0.4 }, NULL, &(double){ 0 }), NF_OK);
        for (int k = 0; k < count; k++) ck_assert_msg((grad[k] == 0.0) == (k >= cases[c].from && k < cases[c].to), "%s %d: %g", cases[c].type, k, grad[k]);
        const nf_base *base = nf_flow_base(flow);
        double moved[MAX_PARAMS] = { 0 };
        nf_tile tile = tile_of(base, theta, 1);
        tile.grad = moved;
        ck_assert_int_eq(base->type->f64->sample_backward(base->self, &tile, (double[]){ 0.5, -0.8 }, (double[]){ 1.0, 2.0 }, &(double){ 1.0 }), NF_OK);
        free(tile.scratch);
        for (int k = 0; k < count; k++) ck_assert_msg((moved[k] == 0.0) == (k >= cases[c].from && k < cases[c].to), "%s %d: %g", cases[c].type, k, moved[k]);
        nf_flow_unref(flow);
    }
}
END_TEST

START_TEST(normal_full__starts_where_it_is_told)
{
    static const double mean[] = { 1.0, -2.0 }, covariance[] = { 4.0, 1.2, 1.2, 0.85 }; /* L = (2, 0; 0.6, 0.7) */
    const nf_base_normal_full_config config = { .struct_size = sizeof config, .dim = 2, .mean = mean, .n_mean = 2, .covariance = covariance,
                                                .n_covariance = 4 };
    const double want[] = { 1.0, -2.0, 0.6931471805599453, 0.6, -0.35667494393873245 };
    double theta[5];
    nf_flow *flow = flow_of("normal_full", &config, 1);
    ck_assert_int_eq(nf_flow_get_params(flow, 5, theta), NF_OK);
    for (int k = 0; k < 5; k++) ck_assert_double_eq_tol(theta[k], want[k], 1e-14);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(normal_full__refuses_bad_covariances)
{
    static const double skew[] = { 1.0, 0.5, 0.4, 1.0 }, flat[] = { 1.0, 1.0, 1.0, 1.0 }, negative[] = { -1.0, 0.0, 0.0, 1.0 };
    const struct { const double *covariance; int64_t n, n_mean; nf_status status; const char *line; } bad[] = {
        { skew, 4, 0, NF_ERR_ARG, "nf_base_normal_full_create: covariance is not symmetric: [1][0] is 0.4, [0][1] 0.5" },
        { flat, 4, 0, NF_ERR_ARG, "nf_base_normal_full_create: covariance is not positive definite: pivot 1 is 0, must be > 0" },
        { negative, 4, 0, NF_ERR_ARG, "nf_base_normal_full_create: covariance is not positive definite: pivot 0 is -1, must be > 0" },
        { skew, 3, 0, NF_ERR_SHAPE, "nf_base_normal_full_create: n_covariance is 3, dim x dim is 4" },
        { NULL, 0, 1, NF_ERR_SHAPE, "nf_base_normal_full_create: n_mean is 1, dim is 2" },
    };
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        nf_base *base = (nf_base *)&base;
        const nf_base_normal_full_config config = { .struct_size = sizeof config, .dim = 2, .covariance = bad[k].covariance, .n_covariance = bad[k].n,
                                                    .mean = bad[k].n_mean ? skew : NULL, .n_mean = bad[k].n_mean };
        ck_assert_int_eq(nf_base_normal_full_create(&base, NULL, &config), bad[k].status);
        ck_assert_ptr_null(base);
        ck_assert_str_eq(nf_last_error(), bad[k].line);
    }
}
END_TEST

START_TEST(mixture__starts_from_the_seed)
{
    const nf_base_mixture_config config = { .struct_size = sizeof config, .dim = 3, .components = 4, .spread = 2.5 };
    double theta[3][28];
    for (int k = 0; k < 3; k++) {
        nf_flow *flow = flow_of("mixture", &config, k < 2 ? 5 : 6);
        ck_assert_int_eq(nf_flow_get_params(flow, 28, theta[k]), NF_OK);
        nf_flow_unref(flow);
    }
    ck_assert_mem_eq(theta[0], theta[1], sizeof theta[0]);
    for (int k = 0; k < 28; k++) ck_assert((theta[0][k] != theta[2][k]) == (k >= 4 && k < 16));
    ck_assert_double_eq(theta[0][4], 2.5 * nfi_normal(5, NFI_STREAM_INIT, 0));
    nf_base *base = (nf_base *)&base;
    const nf_base_mixture_config large = { .struct_size = sizeof large, .dim = 65536, .components = 65536 };
    ck_assert_int_eq(nf_base_mixture_create(&base, NULL, &large), NF_ERR_LIMIT);
    ck_assert_ptr_null(base);
}
END_TEST

/* Groups scale samples, column by column, and nothing else; alone and among others alike. */
START_TEST(normal__groups_have_temperatures)
{
    static const int64_t columns[] = { 2, 1, 2 };
    static const double temperature[] = { 1.0, 0.25, 3.0 }, factor[] = { 1.0, 1.0, 0.25, 3.0, 3.0 };
    const nf_base_normal_config config = { .struct_size = sizeof config, .dim = 5, .columns = columns, .n_columns = 3,
                                           .temperature = temperature, .n_temperature = 3 };
    nf_base *groups, *plain;
    double scratch[10], a[10], b[10];
    nf_tile tile = { .struct_size = sizeof tile, .dtype = NF_F64, .n = 2, .row = 7, .scratch = scratch, .seed = 4,
                     .kernels = nfi_kernels_for(NULL, NF_F64) };
    ck_assert_int_eq(nf_base_create(&groups, NULL, "normal", &config), NF_OK);
    ck_assert_int_eq(nf_base_normal_create(&plain, NULL, 5), NF_OK);
    ck_assert_int_eq(groups->type->f64->sample(groups->self, &tile, 0.5, a), NF_OK);
    ck_assert_int_eq(plain->type->f64->sample(plain->self, &tile, 1.0, b), NF_OK);
    for (int k = 0; k < 10; k++) ck_assert(a[k] == 0.5 * factor[k % 5] * b[k]);
    ck_assert(log_prob(groups, NULL, 2, b, NULL) == log_prob(plain, NULL, 2, b, NULL));
    nf_base_unref(groups), nf_base_unref(plain);
}
END_TEST

START_TEST(normal__refuses_bad_groups)
{
    static const int64_t columns[] = { 2, 1 }, zero[] = { 3, 0 };
    static const double warm[] = { 1.0, 2.0 }, cold[] = { 1.0, 0.0 }, infinite[] = { 1.0, INFINITY };
    const struct {
        nf_base_normal_config config;
        nf_status status;
    } bad[] = {
        { { .dim = 4, .columns = columns, .n_columns = 2, .temperature = warm, .n_temperature = 2 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = warm, .n_temperature = 1 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = columns, .n_columns = 2 }, NF_ERR_SHAPE },
        { { .dim = 3, .columns = zero, .n_columns = 2, .temperature = warm, .n_temperature = 2 }, NF_ERR_ARG },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = cold, .n_temperature = 2 }, NF_ERR_ARG },
        { { .dim = 3, .columns = columns, .n_columns = 2, .temperature = infinite, .n_temperature = 2 }, NF_ERR_NONFINITE },
    };
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++) {
        nf_base *base = (nf_base *)&base;
        nf_base_normal_config config = bad[k].config;
        config.struct_size = sizeof config;
        ck_assert_msg(nf_base_create(&base, NULL, "normal", &config) == bad[k].status, "%d: %s", k, nf_last_error());
        ck_assert_ptr_null(base);
        if (k == 0) ck_assert_str_eq(nf_last_error(), "nf_base_create: columns add up to 3, dim is 4");
    }
}
END_TEST

START_TEST(base__refuses_bad_configs)
{
    nf_base *base = (nf_base *)&base;
    ck_assert_int_eq(nf_base_normal_create(&base, NULL, 0), NF_ERR_ARG);
    ck_assert_ptr_null(base);
    ck_assert_int_eq(nf_base_uniform_create(&base, NULL, 2, 1.0, 1.0), NF_ERR_ARG);
    ck_assert_int_eq(nf_base_create(&base, NULL, "cauchy", NULL), NF_ERR_UNKNOWN);
    ck_assert_int_eq(nf_base_create(&base, NULL, "normal", NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_base_normal_create(NULL, NULL, 1), NF_ERR_NULL);
    ck_assert_int_eq(nf_base_uniform_create(&base, NULL, 2, 0.0, 0.0), NF_OK);
    ck_assert_double_eq_tol(log_prob(base, NULL, 1, (double[]){ 0.1, 0.2 }, NULL), -2.0 * log(2.0), 1e-14);
    ck_assert_int_eq(nf_base_dim(base), 2);
    ck_assert_str_eq(nf_base_type_name(base), "uniform");
    nf_base_unref(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bases");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, cond_reset, NULL);
    tcase_add_loop_test(all, base__gradients_match_central_differences, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__draws_move_as_they_say, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__samples_follow_the_distribution, 0, nfi_base_type_count());
    tcase_add_test(all, box__check_values_and_refusals);
    tcase_add_test(all, box__columns_are_independent);
    tcase_add_loop_test(all, base__integrates_to_one, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__samples_are_near_the_density, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__samples_are_near_rejected_ones, 0, nfi_base_type_count());
    tcase_add_loop_test(all, base__far_rows_are_finite, 0, nfi_base_type_count());
    tcase_add_test(all, base__check_values);
    tcase_add_test(all, base__check_values_of_heads_of_files);
    tcase_add_test(all, base__fixed_parameters_have_no_gradient);
    tcase_add_test(all, normal_full__starts_where_it_is_told);
    tcase_add_test(all, normal_full__refuses_bad_covariances);
    tcase_add_test(all, mixture__starts_from_the_seed);
    tcase_add_test(all, normal_conditional__check_value);
    tcase_add_test(all, normal_conditional__makes_a_flow_conditional);
    tcase_add_test(all, normal_conditional__refuses_bad_configs);
    tcase_add_test(all, base__refuses_bad_configs);
    tcase_add_test(all, normal__groups_have_temperatures);
    tcase_add_test(all, normal__refuses_bad_groups);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
