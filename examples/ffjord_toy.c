/* SPDX-License-Identifier: MIT
 *
 * ffjord_toy.c - continuous flows learn densities of the plane, and show the way from noise to data
 *
 *   ffjord_toy [DENSITY ...] [--folder FOLDER] [--steps N] [--lr RATE] [--seed N]
 *
 * Each DENSITY (default: 2spirals; nf_dataset_synthetic_at lists them) is trained on as it comes, not standardised, and leaves in FOLDER
 * (default: the current one)
 *   ffjord_DENSITY.png          samples on their way from t = T to 0, data, the density learned, the field at three times, some paths
 *   ffjord_DENSITY.safetensors  the model
 * A table compares the NLL of points that training has not seen with the entropy H of the density, which no model can beat, and adds up the
 * density learned over a square, which must give 1.
 *
 * Any time between 0 and T can be looked at by a copy of the flow whose end time is that one: the end time is a parameter.
 *
 * Ref: Grathwohl et al., "FFJORD", arXiv:1810.01367.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EPOCHS = 10,
    BATCH = 100,
    VALID_ROWS = 2000,  /* choose the best epoch */
    TEST_ROWS = 20000,  /* what the table reports */
    POINTS = 1500,
    FRAMES = 6,
    GRID = 120,
    ARROWS = 17,        /* a side */
    PATHS = 7,          /* a side */
    CELLS = 512,        /* a side, of the integral */
    INSTANTS = 24,      /* of a path */
    MAX_DENSITIES = 16,
};
static const double integral_reach = 8.0; /* of the square over which the density is added up */
static const double field_step = 0.01; /* of T: field = difference of two ends over it */

typedef struct toy {
    const char *folder, *density;
    int64_t steps;
    double lr; /* at the start; falls by a cosine */
    uint64_t seed;
    nf_context *context;
    nf_dataset *train, *valid, *test;
    nf_flow *flow, *wide; /* wide: in double, its end time changed at will */
    nf_optimizer *optimizer;
    int64_t count;
    double *theta; /* of wide, as trained; the last is the square root of T */
    double end_time;
    nf_fit_report report;
    nf_solver_report solver;
    double nll;
    double integral; /* of the density learned: 1 but for what lies outside the square */
} toy;

static int32_t show_progress(void *user, const nf_fit_progress *p)
{
    const toy *m = user;
    const int last = p->epoch == p->epochs;

    if (!isatty(STDERR_FILENO) || !p->end_of_epoch) return 0;
    fprintf(stderr, "\r%s: epoch %lld/%lld  train %.4f  held out %.4f  ETA %.0f s \033[K%s", m->density, (long long)p->epoch,
            (long long)p->epochs, p->train_nll, p->valid_nll, p->eta_seconds, last ? "\n" : "");
    return 0;
}

static nf_status make_data(toy *m)
{
    const int64_t rows = m->steps * BATCH / EPOCHS < BATCH ? BATCH : m->steps * BATCH / EPOCHS;
    nf_status status = nf_dataset_synthetic(&m->train, m->context, m->density, rows, -1.0, m->seed);

    if (status >= 0) status = nf_dataset_synthetic(&m->valid, m->context, m->density, VALID_ROWS, -1.0, m->seed + 1);
    if (status >= 0) status = nf_dataset_synthetic(&m->test, m->context, m->density, TEST_ROWS, -1.0, m->seed + 2);
    return status;
}

static nf_status make_flow(toy *m)
{
    nf_ffjord_config shape = NF_FFJORD_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_status status;

    shape.dim = 2;
    shape.seed = m->seed;
    adam.lr = m->lr;
    adam.weight_decay = 1e-5;
    status = nf_flow_create_ffjord(&m->flow, m->context, &shape);
    if (status >= 0) status = nf_optimizer_adam_create(&m->optimizer, m->context, &adam);
    return status;
}

static nf_status train(toy *m)
{
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_status status;

    fit.epochs = EPOCHS;
    fit.batch = BATCH;
    fit.seed = m->seed;
    fit.schedule = NF_SCHEDULE_COSINE;
    fit.ema_decay = 0.99;
    fit.progress = show_progress;
    fit.progress_user = m;
    m->report = (nf_fit_report){ .struct_size = sizeof m->report };
    status = nf_flow_fit(m->flow, m->optimizer, m->train, m->valid, &fit, &m->report);
    return status < 0 ? status : nf_flow_mean_nll(m->flow, m->test, &m->nll);
}

static nf_status measure(toy *m)
{
    static float x[2 * POINTS];
    nf_status status = nf_dataset_copy(m->test, 0, POINTS, x, NULL);

    m->solver = (nf_solver_report){ .struct_size = sizeof m->solver };
    return status < 0 ? status : nf_flow_solver_report(m->flow, POINTS, x, NULL, &m->solver);
}

/* Midpoint rule, a row of cells at a time. Cells of 1/32 resolve what the flow can draw here; a failed row counts as 0. */
static nf_status integrate(toy *m)
{
    static float x[2 * CELLS];
    static double log_p[CELLS];
    const double side = 2.0 * integral_reach / CELLS;
    nf_status status = NF_OK;

    m->integral = 0.0;
    for (int i = 0; i < CELLS && status >= 0; i++) {
        for (int j = 0; j < CELLS; j++) {
            x[2 * j] = (float)((j + 0.5) * side - integral_reach);
            x[2 * j + 1] = (float)((i + 0.5) * side - integral_reach);
        }
        status = nf_flow_log_prob(m->flow, CELLS, x, NULL, log_p);
        for (int j = 0; j < CELLS && status >= 0; j++) m->integral += isfinite(log_p[j]) ? side * side * exp(log_p[j]) : 0.0;
    }
    return status;
}

/* The flow in double, so that differences of its ends mean something; and its parameters. */
static nf_status widen(toy *m)
{
    nf_status status = nf_flow_convert(&m->wide, m->flow, NF_F64);

    m->count = nf_flow_param_count(m->flow);
    m->theta = malloc((size_t)m->count * sizeof *m->theta);
    if (status >= 0 && !m->theta) status = NF_ERR_MEMORY;
    if (status >= 0) status = nf_flow_get_params(m->wide, m->count, m->theta);
    if (status >= 0) m->end_time = m->theta[m->count - 1] * m->theta[m->count - 1];
    return status;
}

/* From now on `wide` goes from 0 to t. */
static nf_status look_at(toy *m, double t)
{
    const double trained = m->theta[m->count - 1];

    m->theta[m->count - 1] = sqrt(t);
    const nf_status status = nf_flow_set_params(m->wide, m->count, m->theta);
    m->theta[m->count - 1] = trained;
    return status;
}

/* Where the points x, given at t = 0, are at time t. */
static nf_status move_to(toy *m, double t, int64_t n, const double *x, double *y)
{
    if (!(t > 0.0)) {
        memcpy(y, x, (size_t)(2 * n) * sizeof *y);
        return NF_OK;
    }
    const nf_status status = look_at(m, t);
    return status < 0 ? status : nf_flow_forward_f64(m->wide, n, x, NULL, y, NULL);
}

/* The converse. */
static nf_status move_from(toy *m, double t, int64_t n, const double *y, double *x)
{
    if (!(t > 0.0)) {
        memcpy(x, y, (size_t)(2 * n) * sizeof *x);
        return NF_OK;
    }
    const nf_status status = look_at(m, t);
    return status < 0 ? status : nf_flow_inverse_f64(m->wide, n, y, NULL, x, NULL);
}

/* A square grid of points over [-reach, reach]^2. */
static void make_grid(int side, double reach, double *y)
{
    for (int i = 0; i < side * side; i++) {
        y[2 * i] = reach * (2.0 * (i % side) / (side - 1) - 1.0);
        y[2 * i + 1] = reach * (2.0 * (i / side) / (side - 1) - 1.0); /* NOLINT(bugprone-integer-division): the line */
    }
}

/* Pictures */

static const nfplot_range shown = { -4.2, 4.2, -4.2, 4.2 };
static const double panel_side = 220.0, panel_height = 226.0;

static void panel(nfplot *figure, int row, int column, const char *title)
{
    const nfplot_axes axes = { shown, title, NULL, NULL, 1, 0 };
    nfplot_begin(figure, 2.0 + column * panel_side, 2.0 + row * panel_height, panel_side, panel_height, &axes);
}

/* Points in the colour of the quadrant in which their noise lies. */
static void scatter(nfplot *figure, const double *noise, const double *xy)
{
    static double group[2 * POINTS];
    const nfplot_color colors[] = { NFPLOT_BLUE, NFPLOT_ORANGE, NFPLOT_GREEN, NFPLOT_RED };

    for (int which = 0; which < 4; which++) {
        int64_t n = 0;
        for (int i = 0; i < POINTS; i++) {
            if ((noise[2 * i] > 0.0) + 2 * (noise[2 * i + 1] > 0.0) != which) continue;
            group[2 * n] = xy[2 * i];
            group[2 * n++ + 1] = xy[2 * i + 1];
        }
        nfplot_scatter(figure, n, group, 1.0, colors[which]);
    }
}

/* The same points at t = T, ..., 0. */
static nf_status draw_frames(toy *m, nfplot *figure)
{
    static float samples[2 * POINTS];
    static double x[2 * POINTS], noise[2 * POINTS], y[2 * POINTS];
    char title[64];
    nf_status status = nf_flow_sample(m->flow, 7, 0, POINTS, NULL, 1.0, samples, NULL);

    for (int i = 0; i < 2 * POINTS; i++) x[i] = (double)samples[i];
    if (status >= 0) status = move_to(m, m->end_time, POINTS, x, noise);
    for (int k = 0; k < FRAMES && status >= 0; k++) {
        const double t = m->end_time * (FRAMES - 1 - k) / (FRAMES - 1);
        if ((status = move_to(m, t, POINTS, x, y)) < 0) break;
        snprintf(title, sizeof title, k ? "t = %.2f" : "noise, t = T = %.2f", t);
        panel(figure, 0, k, k + 1 < FRAMES ? title : "samples, t = 0");
        scatter(figure, noise, y);
        nfplot_end(figure);
    }
    return status;
}

static nf_status draw_data(const toy *m, nfplot *figure)
{
    static double x[2 * POINTS];
    const nf_status status = nf_dataset_copy_f64(m->test, 0, POINTS, x, NULL);

    if (status < 0) return status;
    panel(figure, 1, 0, "data");
    nfplot_scatter(figure, POINTS, x, 1.0, NFPLOT_GREY);
    nfplot_end(figure);
    return NF_OK;
}

static nf_status draw_density(const toy *m, nfplot *figure)
{
    static float x[2 * GRID * GRID];
    static double p[GRID * GRID];
    double max = 0.0;

    for (int i = 0; i < GRID * GRID; i++) {
        x[2 * i] = (float)(shown.x0 + (shown.x1 - shown.x0) * (i % GRID + 0.5) / GRID);
        x[2 * i + 1] = (float)(shown.y0 + (shown.y1 - shown.y0) * (i / GRID + 0.5) / GRID); /* NOLINT(bugprone-integer-division): the line */
    }
    const nf_status status = nf_flow_log_prob(m->flow, GRID * GRID, x, NULL, p);
    if (status < 0) return status;
    for (int i = 0; i < GRID * GRID; i++) {
        p[i] = isfinite(p[i]) ? exp(p[i]) : 0.0;
        max = fmax(max, p[i]);
    }
    panel(figure, 1, 1, "density learned");
    nfplot_heat(figure, GRID, GRID, p, max > 0.0 ? max : 1.0, shown);
    nfplot_end(figure);
    return NF_OK;
}

static void arrow(nfplot *figure, double x, double y, double dx, double dy)
{
    const double tip_x = x + dx, tip_y = y + dy;
    const double shaft_x[] = { x, tip_x }, shaft_y[] = { y, tip_y };
    const double head_x[] = { tip_x - 0.35 * dx - 0.2 * dy, tip_x, tip_x - 0.35 * dx + 0.2 * dy };
    const double head_y[] = { tip_y - 0.35 * dy + 0.2 * dx, tip_y, tip_y - 0.35 * dy - 0.2 * dx };

    nfplot_line(figure, 2, shaft_x, shaft_y, 0.8, NFPLOT_BLUE);
    nfplot_line(figure, 3, head_x, head_y, 0.8, NFPLOT_BLUE);
}

/* Arrows of -f, the direction from noise to data; the longest has the length of a cell of the grid. */
static void draw_arrows(nfplot *figure, const double *y, const double *f)
{
    double most = 0.0;

    for (int i = 0; i < ARROWS * ARROWS; i++)
        if (isfinite(f[2 * i]) && isfinite(f[2 * i + 1])) most = fmax(most, hypot(f[2 * i], f[2 * i + 1]));
    if (!(most > 0.0)) return;
    for (int i = 0; i < ARROWS * ARROWS; i++) {
        const double length = hypot(f[2 * i], f[2 * i + 1]);
        const double scale = length > 0.0 ? 0.5 * sqrt(length / most) / length : 0.0; /* short ones would not be seen */
        if (isfinite(length)) arrow(figure, y[2 * i], y[2 * i + 1], -scale * f[2 * i], -scale * f[2 * i + 1]);
    }
}

/* The field at time t: what `wide` moves within a short while from there. Rows without a solution are NaN and left out. */
static nf_status draw_field(toy *m, nfplot *figure, int column, double t, const char *title)
{
    static double y[2 * ARROWS * ARROWS], x[2 * ARROWS * ARROWS], f[2 * ARROWS * ARROWS];
    const double h = field_step * m->end_time;
    nf_status status;

    make_grid(ARROWS, 4.0, y);
    if ((status = move_from(m, t, ARROWS * ARROWS, y, x)) < 0) return status;
    if ((status = move_to(m, t + h, ARROWS * ARROWS, x, f)) < 0) return status;
    for (int i = 0; i < 2 * ARROWS * ARROWS; i++) f[i] = (f[i] - y[i]) / h;
    panel(figure, 1, column, title);
    draw_arrows(figure, y, f);
    nfplot_end(figure);
    return NF_OK;
}

/* The way of a grid of noise to where it becomes a sample, marked by a dot. */
static nf_status draw_paths(toy *m, nfplot *figure)
{
    enum { N = PATHS * PATHS };
    static double noise[2 * N], x[2 * N], y[INSTANTS][2 * N], path_x[INSTANTS], path_y[INSTANTS];
    nf_status status;

    make_grid(PATHS, 2.2, noise);
    status = move_from(m, m->end_time, N, noise, x);
    for (int k = 0; k < INSTANTS && status >= 0; k++) status = move_to(m, m->end_time * (INSTANTS - 1 - k) / (INSTANTS - 1), N, x, y[k]);
    if (status < 0) return status;
    panel(figure, 1, 5, "paths of noise");
    for (int i = 0; i < N; i++) {
        if (!isfinite(x[2 * i])) continue;
        for (int k = 0; k < INSTANTS; k++) {
            path_x[k] = y[k][2 * i];
            path_y[k] = y[k][2 * i + 1];
        }
        nfplot_line(figure, INSTANTS, path_x, path_y, 0.8, NFPLOT_BLUE);
        nfplot_scatter(figure, 1, x + 2 * i, 1.8, NFPLOT_ORANGE);
    }
    nfplot_end(figure);
    return NF_OK;
}

static nf_status draw_panels(toy *m, nfplot *figure)
{
    nf_status status = widen(m);

    if (status >= 0) status = draw_frames(m, figure);
    if (status >= 0) status = draw_data(m, figure);
    if (status >= 0) status = draw_density(m, figure);
    if (status >= 0) status = draw_field(m, figure, 2, m->end_time * (1.0 - field_step), "field near t = T");
    if (status >= 0) status = draw_field(m, figure, 3, 0.5 * m->end_time, "field at t = T/2");
    if (status >= 0) status = draw_field(m, figure, 4, 0.0, "field at t = 0");
    return status < 0 ? status : draw_paths(m, figure);
}

/* A build without cairo says so and goes on. */
static nf_status draw(toy *m)
{
    char path[4096];
    nfplot *figure;

    snprintf(path, sizeof path, "%s/ffjord_%s.png", m->folder, m->density);
    figure = nfplot_create(path, 4.0 + FRAMES * panel_side, 4.0 + 2 * panel_height);
    if (!figure) {
        fprintf(stderr, "pictures: %s\n", nfplot_error());
        return NF_OK;
    }
    const nf_status status = draw_panels(m, figure);
    if (nfplot_finish(figure)) fprintf(stderr, "pictures: %s\n", nfplot_error());
    return status;
}

/* One density */

static void print_line(const toy *m)
{
    const double entropy = nf_dataset_synthetic_entropy(m->density, -1.0);

    printf("%-14s %12.4f %9.4f %8.4f %9.5f %9.1f %13.1f %5lld %8lld\n", m->density, m->nll, entropy, m->nll - entropy, m->integral,
           m->report.seconds, m->solver.evaluations_mean, (long long)m->solver.evaluations_max, (long long)m->solver.failed);
    fflush(stdout);
}

static nf_status run(toy *m)
{
    char path[4096];
    nf_status status;

    if ((status = make_data(m)) < 0) return status;
    if ((status = make_flow(m)) < 0) return status;
    if ((status = train(m)) < 0) return status;
    if ((status = measure(m)) < 0) return status;
    if ((status = integrate(m)) < 0) return status;
    snprintf(path, sizeof path, "%s/ffjord_%s.safetensors", m->folder, m->density);
    if ((status = nf_flow_save(m->flow, path)) < 0) return status;
    print_line(m);
    return draw(m);
}

static void release(toy *m)
{
    free(m->theta);
    nf_optimizer_unref(m->optimizer);
    nf_flow_unref(m->wide);
    nf_flow_unref(m->flow);
    nf_dataset_unref(m->test);
    nf_dataset_unref(m->valid);
    nf_dataset_unref(m->train);
}

static nf_status run_all(const toy *settings, int n, const char *const *densities)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_status status;

    config.threads = -1;
    status = nf_context_create(&context, &config);
    if (status >= 0) printf("%-14s %12s %9s %8s %9s %9s %19s %8s\n", "density", "held-out NLL", "H", "gap", "integral", "seconds", "evaluations, most", "failed");
    for (int i = 0; i < n && status >= 0; i++) {
        toy m = *settings;
        m.context = context;
        m.density = densities[i];
        status = run(&m);
        release(&m);
    }
    nf_context_unref(context);
    return status;
}

static int read_arguments(toy *m, const char **densities, int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
            m->folder = argv[++i];
        else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc)
            m->steps = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--lr") == 0 && i + 1 < argc)
            m->lr = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            m->seed = strtoull(argv[++i], NULL, 10);
        else if (argv[i][0] != '-' && n < MAX_DENSITIES)
            densities[n++] = argv[i];
        else
            return -1;
    }
    return m->steps >= 1 && m->steps <= 1000000 && m->lr > 0.0 ? n : -1;
}

int main(int argc, char **argv)
{
    toy settings = { .folder = ".", .steps = 2500, .lr = 1e-2, .seed = 1 };
    const char *densities[MAX_DENSITIES] = { "2spirals" };
    const int n = read_arguments(&settings, densities, argc, argv);
    nf_status status;

    if (n < 0) {
        fprintf(stderr, "usage: ffjord_toy [DENSITY ...] [--folder FOLDER] [--steps N] [--lr RATE] [--seed N]\n");
        return 2;
    }
    status = run_all(&settings, n ? n : 1, densities);
    if (status < 0) fprintf(stderr, "ffjord_toy: %s\n", nf_last_error());
    return status < 0;
}
