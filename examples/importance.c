/* SPDX-License-Identifier: MIT
 *
 * importance.c - integrals of densities that are known up to a factor, by a flow trained on the density alone
 *
 *   importance [FOLDER] [--steps N]      writes importance.png
 *
 * Four energies of the plane, p = e^-U: their constant Z = integral of e^-U by draws from the trained flow and their weights, beside
 * its value by quadrature. Then the probability of a rare region, by the flow's weighted draws and by plain ones of a normal.
 *
 * U2, U3 and U4 do not decay in x1: they are those of the box [-4, 4]^2. Training needs a density that is positive everywhere, so
 * there it gets steep walls; the weights know the box itself, where what lies outside has density 0.
 *
 * The energies: Rezende, Mohamed, "Variational inference with normalizing flows", arXiv:1505.05770, table 1.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENERGIES = 4, DRAWS = 40000, SHOWN = 1500, PLAIN = 40000 };

#define BOX 4.0
#define WALL 0.15 /* width of the walls that training sees */
#define PI 3.14159265358979323846

/* log of the integral of e^-U, by quadrature */
static const double log_z[ENERGIES] = { 1.877502, 2.082089, 2.641705, 2.684568 };

/* One target: which energy, and whether outside of the box there is nothing or a wall. */
typedef struct target {
    int energy;
    int hard;
} target;

static double square(double x) { return x * x; }

/* log(e^-a + e^-b), and how much of it is the first */
static double log_add(double a, double b, double *first)
{
    const double least = fmin(a, b), sum = exp(least - a) + exp(least - b);
    *first = exp(least - a) / sum;
    return log(sum) - least;
}

/* log p = -U, and its gradient */
static double energy_1(const double *x, double *g)
{
    const double r = hypot(x[0], x[1]), ring = (r - 2) / 0.4;
    double first;
    const double sides = log_add(0.5 * square((x[0] - 2) / 0.6), 0.5 * square((x[0] + 2) / 0.6), &first);
    const double pull = r > 0 ? -ring / 0.4 / r : 0;

    g[0] = pull * x[0] - first * (x[0] - 2) / 0.36 - (1 - first) * (x[0] + 2) / 0.36;
    g[1] = pull * x[1];
    return -0.5 * square(ring) + sides;
}

/* Waves: U2 is one, U3 and U4 are two that part by `gap`, whose derivative is `slope`. */
static double energy_waves(const double *x, double *g, double gap, double slope, double width_1, double width_2)
{
    const double w = sin(0.5 * PI * x[0]), dw = 0.5 * PI * cos(0.5 * PI * x[0]);
    const double a = (x[1] - w) / width_1, b = (x[1] - w + gap) / width_2;
    double first;
    const double value = log_add(0.5 * a * a, 0.5 * b * b, &first);

    g[0] = first * a / width_1 * dw + (1 - first) * b / width_2 * (dw - slope);
    g[1] = -first * a / width_1 - (1 - first) * b / width_2;
    return value;
}

static double energy_2(const double *x, double *g)
{
    const double w = sin(0.5 * PI * x[0]), a = (x[1] - w) / 0.4;

    g[0] = a / 0.4 * 0.5 * PI * cos(0.5 * PI * x[0]);
    g[1] = -a / 0.4;
    return -0.5 * a * a;
}

static double energy_3(const double *x, double *g)
{
    const double gap = 3 * exp(-0.5 * square((x[0] - 1) / 0.6));
    return energy_waves(x, g, gap, -gap * (x[0] - 1) / 0.36, 0.35, 0.35);
}

static double energy_4(const double *x, double *g)
{
    const double s = 1 / (1 + exp(-(x[0] - 1) / 0.3));
    return energy_waves(x, g, 3 * s, 3 * s * (1 - s) / 0.3, 0.4, 0.35);
}

static double (*const energies[ENERGIES])(const double *, double *) = { energy_1, energy_2, energy_3, energy_4 };

/* The wall of one column: how much it takes from log p. */
static double wall(double x, double *g)
{
    const double out = fabs(x) > BOX ? (fabs(x) - BOX) / WALL : 0;

    *g -= (x > 0 ? out : -out) / WALL;
    return 0.5 * out * out;
}

static nf_status log_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    const target *t = user;

    (void)cond;
    for (int64_t i = 0; i < n; i++, x += dim) {
        double g[2];
        log_p[i] = energies[t->energy](x, g);
        if (t->energy > 0 && t->hard && (fabs(x[0]) > BOX || fabs(x[1]) > BOX)) log_p[i] = -INFINITY;
        for (int j = 0; j < 2 && t->energy > 0 && !t->hard; j++) log_p[i] -= wall(x[j], &g[j]);
        if (grad) memcpy(grad + i * dim, g, sizeof g);
    }
    return NF_OK;
}

static nf_status train(nf_flow **flow, target *t, int64_t steps, nf_target_report *report)
{
    const int64_t hidden[] = { 32, 32 };
    const nf_realnvp_config shape = { .struct_size = sizeof shape, .dim = 2, .layers = 12, .hidden = hidden, .n_hidden = 2, .seed = 1 };
    const nf_adam_config rule = { .struct_size = sizeof rule, .lr = 3e-3 };
    const nf_target_config config = { .struct_size = sizeof config, .steps = steps, .batch = 256, .seed = 1, .beta_start = 0.1,
                                      .beta_steps = steps / 2 };
    nf_optimizer *adam = NULL;
    nf_status status = nf_flow_create_realnvp(flow, NULL, &shape);

    if (status >= 0) status = nf_optimizer_adam_create(&adam, NULL, &rule);
    if (status >= 0) status = nf_flow_fit_target(*flow, adam, log_density, t, NULL, &config, report);
    nf_optimizer_unref(adam);
    return status;
}

/* 1 in the region, else 0 */
static double region(const double *x) { return x[0] > 2.2 && x[1] > 0.5 ? 1 : 0; }

/* A mean under the normalised target by weights: sum w h / sum w, with its standard error. */
static void weighted_mean(int64_t n, const double *x, const double *log_w, double *mean, double *se)
{
    double top = -INFINITY, sum = 0, hits = 0, spread = 0;

    for (int64_t i = 0; i < n; i++) top = fmax(top, log_w[i]);
    for (int64_t i = 0; i < n; i++) {
        sum += exp(log_w[i] - top);
        hits += exp(log_w[i] - top) * region(x + 2 * i);
    }
    *mean = hits / sum;
    for (int64_t i = 0; i < n; i++) spread += square(exp(log_w[i] - top) * (region(x + 2 * i) - *mean));
    *se = sqrt(spread) / sum;
}

/* The same by draws of a normal of sd 2: what one would do without a flow. */
static nf_status plain_mean(double *mean, double *se)
{
    static double x[2 * PLAIN], log_w[PLAIN];
    target t = { .energy = 0, .hard = 1 };
    nf_importance_report report = { .struct_size = sizeof report };
    const double mean_0[2] = { 0, 0 }, sd[2] = { 2, 2 };
    const nf_standardise_config wide = { .struct_size = sizeof wide, .dim = 2, .mean = mean_0, .n_mean = 2, .sd = sd, .n_sd = 2 };
    nf_layer *layer = NULL;
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    nf_status status = nf_standardise_create(&layer, NULL, &wide);

    if (status >= 0) status = nf_base_normal_create(&base, NULL, 2);
    if (status >= 0) status = nf_flow_create(&flow, NULL, NULL, base, &layer, 1);
    if (status >= 0) status = nf_flow_importance(flow, log_density, &t, 3, 0, PLAIN, NULL, x, log_w, &report);
    if (status >= 0) weighted_mean(PLAIN, x, log_w, mean, se);
    nf_flow_unref(flow);
    nf_base_unref(base);
    nf_layer_unref(layer);
    return status;
}

static void panel(nfplot *figure, int k, const double *x)
{
    const nfplot_range view = { -BOX, BOX, -BOX, BOX };
    char title[16];

    snprintf(title, sizeof title, "U%d", k + 1);
    nfplot_begin(figure, 240.0 * k, 0, 240, 240, &(nfplot_axes){ .range = view, .title = title, .equal = 1 });
    nfplot_scatter(figure, SHOWN, x, 0.8, NFPLOT_BLUE);
    nfplot_end(figure);
}

static nf_status one_energy(int k, int64_t steps, nfplot *figure, int *good)
{
    static double x[2 * DRAWS], log_w[DRAWS];
    target t = { .energy = k };
    nf_flow *flow = NULL;
    nf_target_report trained = { .struct_size = sizeof trained };
    nf_importance_report r = { .struct_size = sizeof r };
    double mean = 0, se = 0, plain = 0, plain_se = 0;
    nf_status status = train(&flow, &t, steps, &trained);

    t.hard = 1;
    if (status >= 0) status = nf_flow_importance(flow, log_density, &t, 2, 0, DRAWS, NULL, x, log_w, &r);
    nf_flow_unref(flow);
    if (status < 0) return status;
    *good += fabs(r.log_z - log_z[k]) < 0.02;
    printf("U%d   log Z %.4f +- %.4f, true %.4f   ELBO %7.4f   effective draws %5.1f %%   Pareto k %5.2f   %4.1f s\n", k + 1, r.log_z, r.log_z_se,
           log_z[k], r.elbo, 100 * r.ess / DRAWS, r.pareto_k, trained.seconds);
    if (figure) panel(figure, k, x);
    if (k > 0) return NF_OK;
    weighted_mean(DRAWS, x, log_w, &mean, &se);
    if ((status = plain_mean(&plain, &plain_se)) < 0) return status;
    printf("     P(x1 > 2.2, x2 > 0.5)   flow %.5f +- %.5f   normal %.5f +- %.5f: as good with %.0f %% of the draws\n", mean, se, plain, plain_se,
           100 * square(se / plain_se));
    return NF_OK;
}

static nf_status run(const char *folder, int64_t steps, int *good)
{
    char path[4096];
    nfplot *figure;
    nf_status status = NF_OK;

    snprintf(path, sizeof path, "%s/importance.png", folder);
    if (!(figure = nfplot_create(path, 240.0 * ENERGIES, 240))) fprintf(stderr, "importance: no picture: %s\n", nfplot_error());
    for (int k = 0; k < ENERGIES && status >= 0; k++) status = one_energy(k, steps, figure, good);
    if (figure && nfplot_finish(figure)) fprintf(stderr, "importance: no picture: %s\n", nfplot_error());
    return status;
}

int main(int argc, char **argv)
{
    const char *folder = ".";
    int64_t steps = 2500;
    int good = 0;
    nf_status status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc) steps = strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-') folder = argv[i];
        else steps = 0;
    }
    if (steps < 1) {
        fprintf(stderr, "usage: importance [FOLDER] [--steps N]\n");
        return 2;
    }
    status = run(folder, steps, &good);
    if (status < 0) fprintf(stderr, "importance: %s\n", nf_last_error());
    else printf("%d of %d within 0.02 of the true log Z\n", good, ENERGIES);
    return status < 0 || good < ENERGIES;
}
