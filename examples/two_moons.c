/* SPDX-License-Identifier: MIT
 *
 * two_moons.c - RealNVP learns two half-moons, with the recipe of the book or a better one
 *
 *   two_moons [FOLDER] [--epochs N] [--preset default|book]
 *
 * Writes into FOLDER (default: the current one)
 *   two_moons.png           both directions, data -> latent and noise -> samples, untrained and trained
 *   two_moons_loss.png      training and held-out loss, and the entropy that no model can beat
 *   two_moons_density.png   the density learned
 *   two_moons.safetensors   the model
 *
 * The recipe "book" is the example of the Keras documentation, "Density estimation using Real NVP": 3000 points, standardised, the last
 * 600 held out; 6 couplings with networks of 4 x 256 ReLU; Adam with rate 1e-4, batches of 256, 300 epochs.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 3000, SHOWN = 1500, HELD_OUT = 600, MAX_EPOCHS = 10000, GRID = 240 };

static const double moons_noise = 0.05;

/* The recipes: what a training run is made of. */
static const struct recipe {
    const char *name;
    int32_t preset, schedule;
    double lr, eps, clip_norm, ema_decay, l2;
} recipes[] = {
    { "default", NF_PRESET_DEFAULT, NF_SCHEDULE_COSINE, 3e-3, 1e-8, 5.0, 0.99, 1e-5 },
    { "book", NF_PRESET_BOOK, NF_SCHEDULE_CONSTANT, 1e-4, 1e-7, -1.0, 0.0, 0.0 },
};

/* Both directions of a flow, as pairs of coordinates. */
typedef struct directions {
    double latent[2 * POINTS];  /* of the data */
    double samples[2 * POINTS]; /* of the noise */
} directions;

typedef struct moons {
    const char *folder;
    const struct recipe *recipe;
    int64_t epochs;
    nf_context *context;
    nf_dataset *all, *train, *valid;
    nf_flow *flow;
    nf_optimizer *optimizer;
    double mean[2], sd[2], log_sd; /* log_sd: sum of the logarithms */
    float data[2 * POINTS], noise[2 * POINTS];
    directions before, after;
    double curve_train[MAX_EPOCHS], curve_valid[MAX_EPOCHS];
    nf_fit_report report;
} moons;

static int32_t show_progress(void *user, const nf_fit_progress *p)
{
    const moons *m = user;
    const int last = p->epoch == p->epochs;

    if (!isatty(STDERR_FILENO) || !p->end_of_epoch) return 0;
    fprintf(stderr, "\repoch %lld/%lld  train %.4f  held out %.4f  ETA %.0f s \033[K%s", (long long)p->epoch,
            (long long)p->epochs, p->train_nll - m->log_sd, p->valid_nll - m->log_sd, p->eta_seconds, last ? "\n" : "");
    return 0;
}

static nf_status make_data(moons *m)
{
    nf_status status = nf_dataset_synthetic(&m->all, m->context, "moons-sklearn", POINTS, moons_noise, 1);

    if (status >= 0) status = nf_dataset_split(m->all, 1.0 - (double)HELD_OUT / POINTS, UINT64_MAX, &m->train, &m->valid);
    if (status >= 0) status = nf_dataset_copy(m->all, 0, POINTS, m->data, NULL);
    for (int j = 0; status >= 0 && j < 2; j++) {
        nf_column_report column = { .struct_size = sizeof column };
        status = nf_dataset_check(m->all, j, &column);
        m->mean[j] = column.mean;
        m->sd[j] = column.sd;
        m->log_sd += log(column.sd);
    }
    return status;
}

/* Points of the standard normal: the samples of a flow without layers. */
static nf_status make_noise(moons *m)
{
    nf_base *base = NULL;
    nf_flow *normal = NULL;
    nf_status status = nf_base_normal_create(&base, m->context, 2);

    if (status >= 0) status = nf_flow_create(&normal, m->context, NULL, base, NULL, 0);
    if (status >= 0) status = nf_flow_sample(normal, 7, 0, POINTS, NULL, 1.0, m->noise, NULL);
    nf_flow_unref(normal);
    nf_base_unref(base);
    return status;
}

static nf_status make_flow(moons *m)
{
    nf_realnvp_config shape = NF_REALNVP_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_status status;

    shape.preset = m->recipe->preset;
    shape.dim = 2;
    shape.seed = 1;
    shape.mean = m->mean;
    shape.n_mean = 2;
    shape.sd = m->sd;
    shape.n_sd = 2;
    adam.lr = m->recipe->lr;
    adam.eps = m->recipe->eps;
    status = nf_flow_create_realnvp(&m->flow, m->context, &shape);
    if (status >= 0) status = nf_optimizer_adam_create(&m->optimizer, m->context, &adam);
    return status;
}

static nf_status run_both_ways(const moons *m, directions *out)
{
    static float z[2 * POINTS], x[2 * POINTS];
    nf_status status = nf_flow_forward(m->flow, POINTS, m->data, NULL, z, NULL);

    if (status >= 0) status = nf_flow_inverse(m->flow, POINTS, m->noise, NULL, x, NULL);
    for (int i = 0; status >= 0 && i < 2 * POINTS; i++) {
        out->latent[i] = (double)z[i];
        out->samples[i] = (double)x[i];
    }
    return status;
}

static nf_status train(moons *m)
{
    nf_fit_config fit = NF_FIT_CONFIG_INIT;

    fit.epochs = m->epochs;
    fit.batch = 256;
    fit.seed = 1;
    fit.schedule = m->recipe->schedule;
    fit.clip_norm = m->recipe->clip_norm;
    fit.ema_decay = m->recipe->ema_decay;
    fit.l2 = m->recipe->l2;
    fit.progress = show_progress;
    fit.progress_user = m;
    m->report.struct_size = sizeof m->report;
    m->report.curve_train = m->curve_train;
    m->report.curve_valid = m->curve_valid;
    m->report.curve_capacity = MAX_EPOCHS;
    return nf_flow_fit(m->flow, m->optimizer, m->train, m->valid, &fit, &m->report);
}

static void path_of(const moons *m, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", m->folder, name);
}

static void to_double(int64_t count, const float *from, double *to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

static double square(double x)
{
    return x * x;
}

/* Distance of (x, y) from the upper half of the unit circle. */
static double from_arc(double x, double y)
{
    return y > 0.0 ? fabs(sqrt(x * x + y * y) - 1.0) : sqrt(square(fabs(x) - 1.0) + y * y);
}

/* 1 for points that are nearer to the lower moon. */
static void find_moons(const double *xy, unsigned char *lower)
{
    for (int i = 0; i < POINTS; i++)
        lower[i] = from_arc(1.0 - xy[2 * i], 0.5 - xy[2 * i + 1]) < from_arc(xy[2 * i], xy[2 * i + 1]);
}

/* One panel of points in the colour of their moon; outliers of an untrained flow may leave the picture. */
static void panel(nfplot *figure, int row, int column, const char *title, const double *xy, const unsigned char *lower, int latent)
{
    static double group[2 * POINTS];
    static const nfplot_range ranges[] = { { -1.75, 2.75, -2.0, 2.5 }, { -3.6, 3.6, -3.6, 3.6 } };
    static const char *const labels[][2] = { { "x\xE2\x82\x81", "x\xE2\x82\x82" }, { "z\xE2\x82\x81", "z\xE2\x82\x82" } };
    const nfplot_color colors[] = { NFPLOT_BLUE, NFPLOT_ORANGE };
    const double size = 250.0;
    const nfplot_axes axes = { ranges[latent], title, labels[latent][0], labels[latent][1], 1, 1 };

    nfplot_begin(figure, 4.0 + column * size, 4.0 + row * size, size, size, &axes);
    for (int which = 0; which < 2; which++) {
        int64_t n = 0;
        for (int i = 0; i < SHOWN; i++) {
            if (lower[i] != which) continue;
            group[2 * n] = xy[2 * i];
            group[2 * n++ + 1] = xy[2 * i + 1];
        }
        nfplot_scatter(figure, n, group, 1.1, colors[which]);
    }
    nfplot_end(figure);
}

/* Every point keeps its colour on the way: the moon that it comes from, or the one that the trained flow makes of it. */
static int draw_directions(const moons *m)
{
    static double data[2 * POINTS], noise[2 * POINTS];
    static unsigned char from[POINTS], to[POINTS];
    char path[4096];
    nfplot *figure;

    to_double(2 * POINTS, m->data, data);
    to_double(2 * POINTS, m->noise, noise);
    find_moons(data, from);
    find_moons(m->after.samples, to);
    path_of(m, "two_moons.png", path, sizeof path);
    if (!(figure = nfplot_create(path, 758.0, 508.0))) return -1;
    panel(figure, 0, 0, "data", data, from, 0);
    panel(figure, 0, 1, "data \xE2\x86\x92 latent, untrained", m->before.latent, from, 1);
    panel(figure, 0, 2, "data \xE2\x86\x92 latent, trained", m->after.latent, from, 1);
    panel(figure, 1, 0, "noise", noise, to, 1);
    panel(figure, 1, 1, "noise \xE2\x86\x92 samples, untrained", m->before.samples, to, 0);
    panel(figure, 1, 2, "noise \xE2\x86\x92 samples, trained", m->after.samples, to, 0);
    return nfplot_finish(figure);
}

static int draw_loss(const moons *m, double entropy)
{
    static double epoch[MAX_EPOCHS], train_nll[MAX_EPOCHS], valid_nll[MAX_EPOCHS], floor_nll[MAX_EPOCHS];
    static const char *const labels[] = { "training", "held out", "entropy of the density: the floor" };
    static const double room_above = 1.8; /* a worse loss than this leaves the picture */
    const nfplot_color colors[] = { NFPLOT_BLUE, NFPLOT_ORANGE, NFPLOT_GREY };
    const int64_t n = m->report.curve_count;
    nfplot_axes axes = { { 0.0, n > 1 ? (double)n : 1.0, entropy - 0.1, entropy + 0.2 },
                         "RealNVP on two moons", "epoch", "loss (nats a point, standardised)", 0, 1 };
    char path[4096];
    nfplot *figure;

    for (int64_t i = 0; i < n; i++) {
        epoch[i] = (double)(i + 1);
        train_nll[i] = m->curve_train[i] - m->log_sd;
        valid_nll[i] = m->curve_valid[i] - m->log_sd;
        floor_nll[i] = entropy;
        axes.range.y1 = fmax(axes.range.y1, fmin(fmax(train_nll[i], valid_nll[i]) + 0.05, entropy + room_above));
    }
    path_of(m, "two_moons_loss.png", path, sizeof path);
    if (!(figure = nfplot_create(path, 640.0, 420.0))) return -1;
    nfplot_begin(figure, 8.0, 8.0, 620.0, 404.0, &axes);
    nfplot_line(figure, n, epoch, train_nll, 1.4, colors[0]);
    nfplot_line(figure, n, epoch, valid_nll, 1.4, colors[1]);
    nfplot_line(figure, n, epoch, floor_nll, 1.2, colors[2]);
    nfplot_legend(figure, 3, labels, colors, 1, 0);
    nfplot_end(figure);
    return nfplot_finish(figure);
}

/* Densities at the middles of the cells of the range; the largest, or 0 on failure. */
static double map_density(const moons *m, nfplot_range r, double *density)
{
    static float x[2 * GRID * GRID];
    double max = 0.0;

    for (int i = 0; i < GRID * GRID; i++) {
        x[2 * i] = (float)(r.x0 + (r.x1 - r.x0) * (i % GRID + 0.5) / GRID);
        x[2 * i + 1] = (float)(r.y0 + (r.y1 - r.y0) * (i / GRID + 0.5) / GRID);
    }
    if (nf_flow_log_prob(m->flow, GRID * GRID, x, NULL, density) < 0) return 0.0;
    for (int i = 0; i < GRID * GRID; i++) {
        density[i] = exp(density[i]);
        max = fmax(max, density[i]);
    }
    return max;
}

static int draw_density(const moons *m)
{
    static double density[GRID * GRID];
    const nfplot_axes axes = { { -1.6, 2.6, -1.05, 1.55 }, "density learned", "x\xE2\x82\x81", "x\xE2\x82\x82", 1, 0 };
    const double max = map_density(m, axes.range, density);
    char path[4096];
    nfplot *figure;

    path_of(m, "two_moons_density.png", path, sizeof path);
    if (!(max > 0.0) || !(figure = nfplot_create(path, 580.0, 392.0))) return -1;
    nfplot_begin(figure, 8.0, 4.0, 516.0, 384.0, &axes);
    nfplot_heat(figure, GRID, GRID, density, max, axes.range);
    nfplot_color_bar(figure, max, "p(x)");
    nfplot_end(figure);
    return nfplot_finish(figure);
}

/* Pictures are extra: a build without cairo says so and goes on. */
static void draw(const moons *m, double entropy)
{
    if (draw_directions(m) || draw_loss(m, entropy) || draw_density(m)) fprintf(stderr, "pictures: %s\n", nfplot_error());
}

static nf_status run(moons *m)
{
    const double entropy = nf_dataset_synthetic_entropy("moons-sklearn", moons_noise);
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    char path[4096];
    nf_status status;

    config.threads = -1;
    if ((status = nf_context_create(&m->context, &config)) < 0) return status;
    if ((status = make_data(m)) < 0) return status;
    if ((status = make_noise(m)) < 0) return status;
    if ((status = make_flow(m)) < 0) return status;
    if ((status = run_both_ways(m, &m->before)) < 0) return status;
    if ((status = train(m)) < 0) return status;
    if ((status = run_both_ways(m, &m->after)) < 0) return status;
    path_of(m, "two_moons.safetensors", path, sizeof path);
    if ((status = nf_flow_save(m->flow, path)) < 0) return status;
    printf("recipe \"%s\": %lld epochs in %.1f s, %lld parameters\n", m->recipe->name, (long long)m->report.epochs,
           m->report.seconds, (long long)nf_flow_param_count(m->flow));
    printf("held-out NLL  %.4f nats a point (standardised), best epoch %lld\n", m->report.valid_nll - m->log_sd,
           (long long)m->report.best_epoch);
    printf("true entropy  %.4f: no model can do better on average\n", entropy - m->log_sd);
    draw(m, entropy - m->log_sd);
    return NF_OK;
}

static void release(moons *m)
{
    nf_optimizer_unref(m->optimizer);
    nf_flow_unref(m->flow);
    nf_dataset_unref(m->valid);
    nf_dataset_unref(m->train);
    nf_dataset_unref(m->all);
    nf_context_unref(m->context);
}

static const struct recipe *recipe_named(const char *name)
{
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        if (strcmp(recipes[i].name, name) == 0) return &recipes[i];
    return NULL;
}

static int read_arguments(moons *m, int argc, char **argv)
{
    m->folder = ".";
    m->recipe = &recipes[0];
    m->epochs = 300;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--epochs") == 0 && i + 1 < argc)
            m->epochs = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--preset") == 0 && i + 1 < argc)
            m->recipe = recipe_named(argv[++i]);
        else if (argv[i][0] != '-')
            m->folder = argv[i];
        else
            return -1;
    }
    return m->recipe && m->epochs >= 1 && m->epochs <= MAX_EPOCHS ? 0 : -1;
}

int main(int argc, char **argv)
{
    static moons m;
    nf_status status;

    if (read_arguments(&m, argc, argv)) {
        fprintf(stderr, "usage: two_moons [FOLDER] [--epochs N] [--preset default|book]\n");
        return 2;
    }
    status = run(&m);
    if (status < 0) fprintf(stderr, "two_moons: %s\n", nf_last_error());
    release(&m);
    return status < 0;
}
