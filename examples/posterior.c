/* SPDX-License-Identifier: MIT
 *
 * posterior.c - the posterior of a simulator's parameters for any observation, learned once from simulations
 *
 *   posterior [FOLDER] [--epochs N]      writes posterior.png
 *
 * The simulator throws a ball with speed v and angle a, both from a uniform prior, and measures where it lands and how high it
 * gets, with noise. A conditional flow learns p(v, a | measurements) from simulated pairs; then a new measurement costs one call.
 *
 * Is it calibrated? For parameters from the prior and their simulated measurements, the rank of the true one among draws from the
 * posterior is uniform, column by column, if the posterior is right: simulation-based calibration. The ranks' histogram is compared with
 * what chance allows.
 *
 * Ref: Talts, Betancourt, Simpson, Vehtari, Gelman, "Validating Bayesian inference algorithms with simulation-based calibration",
 * arXiv:1804.06788.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 2, COND = 2, PAIRS = 20000, TRIALS = 1000, RANK_DRAWS = 99, BINS = 10, SHOWN = 1500 };

static const char *const names[DIM] = { "speed", "angle" };

/* SplitMix64 and Box-Muller: the simulator's own noise. */
static uint64_t noise_state = 11;
static double uniform(void)
{
    uint64_t h = noise_state += 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return ((double)((h ^ (h >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()); }

/* Parameters in units of their prior, [0, 1]: v = 5 .. 15 m/s, a = 0.3 .. 1.2 rad. Measurements in metres. */
static void simulate(const double u[DIM], float measured[COND])
{
    const double g = 9.81, v = 5 + 10 * u[0], a = 0.3 + 0.9 * u[1];
    const double range = v * v * sin(2 * a) / g, height = v * v * sin(a) * sin(a) / (2 * g);

    measured[0] = (float)(range + 1.0 * normal());
    measured[1] = (float)(height + 0.5 * normal());
}

/* What measurements are like under the prior, about: the flow is given them in metres, and brings them to a size of about 1 itself. */
static const double cond_mean[COND] = { 9.0, 3.0 }, cond_sd[COND] = { 6.0, 2.0 };

/* The flow works on all of the plane: parameters pass through the logit, which the prior's box is for. */
static double logit(double u) { return log(u) - log1p(-u); }
static double unlogit(double x) { return 1 / (1 + exp(-x)); }

static void draw_pair(double u[DIM], float x[DIM], float cond[COND])
{
    for (int j = 0; j < DIM; j++) {
        u[j] = uniform();
        x[j] = (float)logit(u[j]);
    }
    simulate(u, cond);
}

static nf_status make_data(nf_dataset **train, nf_dataset **valid)
{
    static float x[PAIRS * DIM], cond[PAIRS * COND];
    double u[DIM];
    nf_dataset *all = NULL;
    nf_status status;

    for (int i = 0; i < PAIRS; i++) draw_pair(u, x + i * DIM, cond + i * COND);
    status = nf_dataset_from_array(&all, NULL, PAIRS, DIM, x);
    if (status >= 0) status = nf_dataset_set_cond(all, COND, cond);
    if (status >= 0) status = nf_dataset_split(all, 0.9, 1, train, valid);
    nf_dataset_unref(all);
    return status;
}

static nf_status train_flow(nf_flow **flow, int64_t epochs)
{
    const int64_t hidden[] = { 32, 32 };
    const nf_realnvp_config shape = { .struct_size = sizeof shape, .dim = DIM, .cond_dim = COND, .layers = 8, .hidden = hidden, .n_hidden = 2, .seed = 1,
                                      .cond_mean = cond_mean, .n_cond_mean = COND, .cond_sd = cond_sd, .n_cond_sd = COND };
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 2e-3 };
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = epochs, .batch = 256, .schedule = NF_SCHEDULE_COSINE };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_dataset *train = NULL, *valid = NULL;
    nf_optimizer *adam = NULL;
    nf_status status = make_data(&train, &valid);

    if (status >= 0) status = nf_flow_create_realnvp(flow, NULL, &shape);
    if (status >= 0) status = nf_optimizer_adam_create(&adam, NULL, &rule);
    if (status >= 0) status = nf_flow_fit(*flow, adam, train, valid, &fit, &report);
    if (status >= 0) printf("%d simulations, %lld epochs in %.1f s, held-out NLL %.3f nats\n", PAIRS, (long long)report.epochs, report.seconds, report.valid_nll);
    nf_optimizer_unref(adam);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
    return status;
}

/* Ranks of TRIALS true parameters among RANK_DRAWS draws each: histogram [DIM][BINS]. */
static nf_status rank(const nf_flow *flow, int64_t histogram[DIM][BINS])
{
    static float x[RANK_DRAWS * DIM], cond[RANK_DRAWS * COND];
    nf_status status = NF_OK;

    for (int t = 0; t < TRIALS && status >= 0; t++) {
        double u[DIM];
        float truth[DIM], seen[COND];
        draw_pair(u, truth, seen);
        for (int i = 0; i < RANK_DRAWS; i++) memcpy(cond + i * COND, seen, sizeof seen);
        status = nf_flow_sample(flow, 5, (int64_t)t * RANK_DRAWS, RANK_DRAWS, cond, 1.0, x, NULL);
        for (int j = 0; j < DIM; j++) {
            int below = 0;
            for (int i = 0; i < RANK_DRAWS; i++) below += x[i * DIM + j] < truth[j];
            histogram[j][below * BINS / (RANK_DRAWS + 1)]++;
        }
    }
    return status;
}

/* chi^2 of a histogram against the uniform one; its mean is BINS - 1 = 9, and 27.9 is passed once in 1000 by chance. */
static double chi_square(const int64_t counts[BINS])
{
    const double expected = (double)TRIALS / BINS;
    double sum = 0;

    for (int b = 0; b < BINS; b++) sum += ((double)counts[b] - expected) * ((double)counts[b] - expected) / expected;
    return sum;
}

static void draw_histogram(nfplot *figure, int j, const int64_t counts[BINS])
{
    const double expected = (double)TRIALS / BINS, spread = 2.6 * sqrt(expected * (1 - 1.0 / BINS));
    const nfplot_axes axes = { .range = { 0, 1, 0, 2 * expected }, .title = names[j], .x_label = "rank of the truth", .y_label = "trials" };
    double x[2 * BINS], y[2 * BINS];

    nfplot_begin(figure, 260 * (j + 1), 0, 260, 260, &axes);
    for (int b = 0; b < 2 * BINS; b++) {
        x[b] = (double)((b + 1) / 2) / BINS;
        y[b] = (double)counts[b / 2];
    }
    nfplot_line(figure, 2 * BINS, x, y, 1.5, NFPLOT_BLUE);
    for (int side = -1; side <= 1; side += 2)
        nfplot_line(figure, 2, (double[]){ 0, 1 }, (double[]){ expected + side * spread, expected + side * spread }, 0.8, NFPLOT_GREY);
    nfplot_end(figure);
}

/* The posterior for one measurement: two throws reach as far, the height tells them apart only as well as it is measured. */
static nf_status draw_posterior(nfplot *figure, const nf_flow *flow)
{
    static float x[SHOWN * DIM], cond[SHOWN * COND];
    static double xy[SHOWN * DIM];
    const double truth[DIM] = { 0.5, 0.6 };
    const nfplot_axes axes = { .range = { 5, 15, 0.3, 1.2 }, .title = "one posterior, and the truth", .x_label = "speed", .y_label = "angle" };
    float seen[COND];
    nf_status status;

    simulate(truth, seen);
    for (int i = 0; i < SHOWN; i++) memcpy(cond + i * COND, seen, sizeof seen);
    status = nf_flow_sample(flow, 6, 0, SHOWN, cond, 1.0, x, NULL);
    for (int i = 0; i < SHOWN; i++) {
        xy[2 * i] = 5 + 10 * unlogit((double)x[2 * i]);
        xy[2 * i + 1] = 0.3 + 0.9 * unlogit((double)x[2 * i + 1]);
    }
    nfplot_begin(figure, 0, 0, 260, 260, &axes);
    nfplot_scatter(figure, SHOWN, xy, 0.8, NFPLOT_BLUE);
    nfplot_scatter(figure, 1, (double[]){ 5 + 10 * truth[0], 0.3 + 0.9 * truth[1] }, 4, NFPLOT_ORANGE);
    nfplot_end(figure);
    return status;
}

static nf_status picture(const nf_flow *flow, const char *folder, int64_t histogram[DIM][BINS])
{
    char path[4096];
    nfplot *figure;
    nf_status status = NF_OK;

    snprintf(path, sizeof path, "%s/posterior.png", folder);
    figure = nfplot_create(path, 260 * (DIM + 1), 260);
    if (figure) {
        status = draw_posterior(figure, flow);
        for (int j = 0; j < DIM; j++) draw_histogram(figure, j, histogram[j]);
    }
    if (!figure || nfplot_finish(figure)) fprintf(stderr, "posterior: no picture: %s\n", nfplot_error());
    return status;
}

static nf_status run(const char *folder, int64_t epochs, int *calibrated)
{
    int64_t histogram[DIM][BINS] = { { 0 } };
    nf_flow *flow = NULL;
    nf_status status = train_flow(&flow, epochs);

    if (status >= 0) status = rank(flow, histogram);
    for (int j = 0; j < DIM && status >= 0; j++) {
        const double chi = chi_square(histogram[j]);
        printf("%s: ranks in tenths", names[j]);
        for (int b = 0; b < BINS; b++) printf(" %3lld", (long long)histogram[j][b]);
        printf("   chi^2 %.1f of 9 degrees\n", chi);
        *calibrated += chi < 27.9;
    }
    if (status >= 0) status = picture(flow, folder, histogram);
    nf_flow_unref(flow);
    return status;
}

int main(int argc, char **argv)
{
    const char *folder = ".";
    int64_t epochs = 20;
    int calibrated = 0;
    nf_status status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--epochs") == 0 && i + 1 < argc) epochs = strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-') folder = argv[i];
        else epochs = 0;
    }
    if (epochs < 1) {
        fprintf(stderr, "usage: posterior [FOLDER] [--epochs N]\n");
        return 2;
    }
    status = run(folder, epochs, &calibrated);
    if (status < 0) fprintf(stderr, "posterior: %s\n", nf_last_error());
    else printf("%s\n", calibrated == DIM ? "calibrated, as far as 1000 trials can tell" : "not calibrated");
    return status < 0 || calibrated < DIM;
}
