/* SPDX-License-Identifier: MIT
 *
 * hmc_target.c - a trained flow as the target of a Hamiltonian Monte Carlo sampler, through nf_flow_score
 *
 *   hmc_target [FOLDER] [--draws N]      writes hmc_target.png
 *
 * A density learned from data is often one factor of a larger one. Here a flow learns the two moons, and the sampler draws from
 * p(x) times the likelihood of one noisy measurement of x1 + x2, which the flow alone cannot draw from. Many chains run side by side, so that
 * each step of all of them is one call. Draws of the flow, weighted by that likelihood, have the same means: the check at the end.
 *
 * Ref: Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte Carlo (2011).
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 2, CHAINS = 256, BURN = 60, LEAPS = 8, WEIGHTED = 50000 };

static const double measured = 0.6, noise = 0.5; /* of x1 + x2 */
static const double step_size = 0.12;

/* SplitMix64 and Box-Muller: a sampler's own noise. */
static uint64_t noise_state = 7;
static double uniform(void)
{
    uint64_t h = noise_state += 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return ((double)((h ^ (h >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()); }

static double log_likelihood(double x1, double x2) { return -0.5 * (x1 + x2 - measured) * (x1 + x2 - measured) / (noise * noise); }

/* log of the target and its gradient, at all chains */
static nf_status target(const nf_flow *flow, const double *x, double *log_p, double *grad)
{
    const nf_status status = nf_flow_score_f64(flow, CHAINS, x, NULL, log_p, grad);

    for (int i = 0; i < CHAINS; i++) {
        log_p[i] += log_likelihood(x[2 * i], x[2 * i + 1]);
        for (int j = 0; j < DIM; j++) grad[2 * i + j] -= (x[2 * i] + x[2 * i + 1] - measured) / (noise * noise);
    }
    return status;
}

/* Where the chains are. */
typedef struct chains {
    double x[CHAINS * DIM], log_p[CHAINS], grad[CHAINS * DIM];
} chains;

/* One leapfrog trajectory of all chains, from *now, with momenta p. */
static nf_status leap(const nf_flow *flow, chains *now, double *p)
{
    nf_status status = NF_OK;

    for (int l = 0; l < LEAPS && status >= 0; l++) {
        for (int i = 0; i < CHAINS * DIM; i++) {
            p[i] += 0.5 * step_size * now->grad[i];
            now->x[i] += step_size * p[i];
        }
        status = target(flow, now->x, now->log_p, now->grad);
        for (int i = 0; i < CHAINS * DIM; i++) p[i] += 0.5 * step_size * now->grad[i];
    }
    return status;
}

static double kinetic(const double *p) { return 0.5 * (p[0] * p[0] + p[1] * p[1]); }

/* One step of every chain; *accepted counts. A trajectory that left the numbers is not accepted. */
static nf_status hmc_step(const nf_flow *flow, chains *now, int64_t *accepted)
{
    static chains next;
    double p[CHAINS * DIM], before[CHAINS];
    nf_status status;

    for (int i = 0; i < CHAINS * DIM; i++) p[i] = normal();
    for (int i = 0; i < CHAINS; i++) before[i] = now->log_p[i] - kinetic(p + 2 * i);
    next = *now;
    if ((status = leap(flow, &next, p)) < 0) return status;
    for (int i = 0; i < CHAINS; i++) {
        if (!(log(uniform()) < next.log_p[i] - kinetic(p + 2 * i) - before[i])) continue;
        ++*accepted;
        memcpy(now->x + 2 * i, next.x + 2 * i, DIM * sizeof *now->x);
        memcpy(now->grad + 2 * i, next.grad + 2 * i, DIM * sizeof *now->grad);
        now->log_p[i] = next.log_p[i];
    }
    return NF_OK;
}

static nf_status train(nf_flow **flow)
{
    const int64_t hidden[] = { 32, 32 };
    const nf_realnvp_config shape = { .struct_size = sizeof shape, .dim = DIM, .layers = 8, .hidden = hidden, .n_hidden = 2, .dtype = NF_F64, .seed = 1 };
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 3e-3 };
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 30, .batch = 256, .schedule = NF_SCHEDULE_COSINE };
    nf_fit_report report = { .struct_size = sizeof report };
    nf_dataset *data = NULL;
    nf_optimizer *adam = NULL;
    nf_status status = nf_dataset_synthetic(&data, NULL, "moons-sklearn", 4000, 0.1, 1);

    if (status >= 0) status = nf_flow_create_realnvp(flow, NULL, &shape);
    if (status >= 0) status = nf_optimizer_adam_create(&adam, NULL, &rule);
    if (status >= 0) status = nf_flow_fit(*flow, adam, data, NULL, &fit, &report);
    if (status >= 0) printf("trained: NLL %.3f nats a row, %.1f s\n", report.train_nll, report.seconds);
    nf_optimizer_unref(adam);
    nf_dataset_unref(data);
    return status;
}

/* Means of x1 and x2 under the target by weighted draws of the flow, with their standard errors. */
static nf_status weighted_means(const nf_flow *flow, double mean[DIM], double se[DIM])
{
    static double x[WEIGHTED * DIM];
    const nf_status status = nf_flow_sample_f64(flow, 2, 0, WEIGHTED, NULL, 1.0, x, NULL);
    double sum = 0;

    memset(mean, 0, DIM * sizeof *mean);
    memset(se, 0, DIM * sizeof *se);
    for (int i = 0; i < WEIGHTED; i++) {
        const double w = exp(log_likelihood(x[2 * i], x[2 * i + 1]));
        sum += w;
        for (int j = 0; j < DIM; j++) mean[j] += w * x[2 * i + j];
    }
    for (int j = 0; j < DIM; j++) mean[j] /= sum;
    for (int i = 0; i < WEIGHTED; i++)
        for (int j = 0; j < DIM; j++) se[j] += pow(exp(log_likelihood(x[2 * i], x[2 * i + 1])) * (x[2 * i + j] - mean[j]), 2);
    for (int j = 0; j < DIM; j++) se[j] = sqrt(se[j]) / sum;
    return status;
}

/* `draws` steps of all chains behind the burn-in. chain_mean [CHAINS][DIM]: each chain's means, from which comes the error of theirs. */
static nf_status sample(const nf_flow *flow, int64_t draws, chains *now, double *chain_mean, double *rate)
{
    int64_t accepted = 0;
    nf_status status = nf_flow_sample_f64(flow, 3, 0, CHAINS, NULL, 1.0, now->x, NULL);

    if (status >= 0) status = target(flow, now->x, now->log_p, now->grad);
    for (int64_t step = 0; step < BURN + draws && status >= 0; step++) {
        status = hmc_step(flow, now, &accepted);
        for (int i = 0; i < CHAINS * DIM && step >= BURN; i++) chain_mean[i] += now->x[i] / (double)draws;
    }
    *rate = (double)accepted / (double)(CHAINS * (BURN + draws));
    return status;
}

static void chain_means(const double *chain_mean, double mean[DIM], double se[DIM])
{
    for (int j = 0; j < DIM; j++) {
        mean[j] = se[j] = 0;
        for (int i = 0; i < CHAINS; i++) mean[j] += chain_mean[2 * i + j] / CHAINS;
        for (int i = 0; i < CHAINS; i++) se[j] += pow(chain_mean[2 * i + j] - mean[j], 2);
        se[j] = sqrt(se[j] / (CHAINS - 1) / CHAINS);
    }
}

static void draw(const nf_flow *flow, const char *path, const chains *now)
{
    static double x[1500 * DIM];
    const nfplot_axes axes = { .range = { -2.6, 2.6, -2.6, 2.6 }, .title = "flow, and chains with the measurement", .equal = 1 };
    nfplot *figure = nfplot_create(path, 320, 320);

    if (figure && nf_flow_sample_f64(flow, 4, 0, 1500, NULL, 1.0, x, NULL) >= 0) {
        nfplot_begin(figure, 0, 0, 320, 320, &axes);
        nfplot_scatter(figure, 1500, x, 0.8, NFPLOT_GREY);
        nfplot_scatter(figure, CHAINS, now->x, 1.5, NFPLOT_ORANGE);
        nfplot_end(figure);
    }
    if (!figure || nfplot_finish(figure)) fprintf(stderr, "hmc_target: no picture: %s\n", nfplot_error());
}

static nf_status run(const char *folder, int64_t draws, int *agree)
{
    static chains now;
    static double chain_mean[CHAINS * DIM];
    double mean[DIM], se[DIM], expected[DIM], expected_se[DIM], rate = 0;
    char path[4096];
    nf_flow *flow = NULL;
    nf_status status = train(&flow);

    if (status >= 0) status = sample(flow, draws, &now, chain_mean, &rate);
    if (status >= 0) status = weighted_means(flow, expected, expected_se);
    if (status >= 0) {
        chain_means(chain_mean, mean, se);
        printf("%d chains, %lld draws each, %.0f %% accepted\n", CHAINS, (long long)draws, 100 * rate);
        for (int j = 0; j < DIM; j++) {
            printf("mean of x%d   HMC %.3f +- %.3f   weighted draws of the flow %.3f +- %.3f\n", j + 1, mean[j], se[j], expected[j], expected_se[j]);
            *agree += fabs(mean[j] - expected[j]) < 5 * hypot(se[j], expected_se[j]);
        }
        snprintf(path, sizeof path, "%s/hmc_target.png", folder);
        draw(flow, path, &now);
    }
    nf_flow_unref(flow);
    return status;
}

int main(int argc, char **argv)
{
    const char *folder = ".";
    int64_t draws = 150;
    int agree = 0;
    nf_status status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--draws") == 0 && i + 1 < argc) draws = strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-') folder = argv[i];
        else draws = 0;
    }
    if (draws < 1) {
        fprintf(stderr, "usage: hmc_target [FOLDER] [--draws N]\n");
        return 2;
    }
    status = run(folder, draws, &agree);
    if (status < 0) fprintf(stderr, "hmc_target: %s\n", nf_last_error());
    else printf("%s\n", agree == DIM ? "both agree" : "they do not agree");
    return status < 0 || agree < DIM;
}
