/* SPDX-License-Identifier: MIT
 *
 * conditional.c - a density whose shape depends on c: two moons turned by the angle c
 *
 *   conditional [FOLDER] [--epochs N]      writes conditional.png and conditional.safetensors
 *
 * One flow learns p(x | c) for all angles in [0, pi) from pairs (x, c). The picture shows its samples and its density for
 * three angles below the true points. Turning does not change the entropy, so the best held-out NLL that any model can reach is known.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 40000, SHOWN = 900, ANGLES = 3, GRID = 160 };

static const double angles[ANGLES] = { 0.5235987755982988, 1.5707963267948966, 2.6179938779914944 };
static const char *const angle_names[ANGLES] = { "c = \xCF\x80/6", "c = \xCF\x80/2", "c = 5\xCF\x80/6" };

/* The part of the plane that is shown, and the size of a panel. */
static const nfplot_range view = { -2.6, 2.6, -2.6, 2.6 };
static const double panel_size = 240.0;

typedef struct objects {
    nf_context *context;
    nf_dataset *data, *train, *valid, *moons;
    nf_flow *flow;
    nf_optimizer *adam;
} objects;

static int32_t show_progress(void *user, const nf_fit_progress *p)
{
    (void)user;
    if (!isatty(STDERR_FILENO) || !p->end_of_epoch) return 0;
    fprintf(stderr, "\repoch %lld/%lld  train %.4f  held out %.4f  ETA %.0f s \033[K%s", (long long)p->epoch,
            (long long)p->epochs, p->train_nll, p->valid_nll, p->eta_seconds, p->epoch == p->epochs ? "\n" : "");
    return 0;
}

static nf_status make_data(objects *o)
{
    nf_status status = nf_dataset_synthetic(&o->data, o->context, "moons-rotated", ROWS, -1.0, 1);

    if (status >= 0) status = nf_dataset_split(o->data, 0.9, 1, &o->train, &o->valid);
    if (status >= 0) status = nf_dataset_synthetic(&o->moons, o->context, "moons-sklearn", SHOWN, -1.0, 2);
    return status;
}

static nf_status train(objects *o, int64_t epochs)
{
    const int64_t hidden[] = { 64, 64 };
    nf_realnvp_config shape = NF_REALNVP_CONFIG_INIT;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_fit_report report = { .struct_size = sizeof report };
    nf_status status;

    shape.dim = 2;
    shape.cond_dim = 1;
    shape.layers = 16;
    shape.hidden = hidden;
    shape.n_hidden = 2;
    shape.seed = 1;
    adam.lr = 2e-3;
    fit.epochs = epochs;
    fit.batch = 512;
    fit.schedule = NF_SCHEDULE_COSINE;
    fit.progress = show_progress;
    if ((status = nf_flow_create_realnvp(&o->flow, o->context, &shape)) < 0) return status;
    if ((status = nf_optimizer_adam_create(&o->adam, o->context, &adam)) < 0) return status;
    if ((status = nf_flow_fit(o->flow, o->adam, o->train, o->valid, &fit, &report)) < 0) return status;
    printf("%lld epochs in %.1f s, %lld parameters\n", (long long)report.epochs, report.seconds, (long long)nf_flow_param_count(o->flow));
    printf("held-out NLL of x given c  %.4f nats a row\n", report.valid_nll);
    printf("true conditional entropy   %.4f: no model can do better on average\n",
           nf_dataset_synthetic_entropy("moons-rotated", -1.0));
    return status;
}

/* Points of the density itself: the moons, turned by c. */
static nf_status turn_moons(const objects *o, double c, double *xy)
{
    static double x[2 * SHOWN];
    const nf_status status = nf_dataset_copy_f64(o->moons, 0, SHOWN, x, NULL);

    for (int i = 0; status >= 0 && i < SHOWN; i++) {
        xy[2 * i] = cos(c) * x[2 * i] - sin(c) * x[2 * i + 1];
        xy[2 * i + 1] = sin(c) * x[2 * i] + cos(c) * x[2 * i + 1];
    }
    return status;
}

static nf_status sample(const objects *o, double c, double *xy)
{
    static float x[2 * SHOWN], cond[SHOWN];
    nf_status status;

    for (int i = 0; i < SHOWN; i++)
        cond[i] = (float)c;
    status = nf_flow_sample(o->flow, 1, 0, SHOWN, cond, 1.0, x, NULL);
    for (int i = 0; status >= 0 && i < 2 * SHOWN; i++)
        xy[i] = (double)x[i];
    return status;
}

/* Densities on a grid; *max is the largest. */
static nf_status map_density(const objects *o, double c, nfplot_range r, double *density, double *max)
{
    static float x[2 * GRID * GRID], cond[GRID * GRID];
    nf_status status;

    for (int i = 0; i < GRID * GRID; i++) {
        x[2 * i] = (float)(r.x0 + (r.x1 - r.x0) * (i % GRID + 0.5) / GRID);
        x[2 * i + 1] = (float)(r.y0 + (r.y1 - r.y0) * (i / GRID + 0.5) / GRID);
        cond[i] = (float)c;
    }
    *max = 1e-300;
    status = nf_flow_log_prob(o->flow, GRID * GRID, x, cond, density);
    for (int i = 0; status >= 0 && i < GRID * GRID; i++) {
        density[i] = exp(density[i]);
        *max = fmax(*max, density[i]);
    }
    return status;
}

static void draw_points(nfplot *figure, double left, double top, const char *title, const double *xy, nfplot_color color)
{
    const nfplot_axes axes = { view, title, "x\xE2\x82\x81", "x\xE2\x82\x82", 1, 1 };

    nfplot_begin(figure, left, top, panel_size, panel_size, &axes);
    nfplot_scatter(figure, SHOWN, xy, 1.1, color);
    nfplot_end(figure);
}

/* One column of the picture: true points, samples and density at an angle. */
static nf_status draw_angle(const objects *o, nfplot *figure, int k)
{
    static double truth[2 * SHOWN], samples[2 * SHOWN], density[GRID * GRID];
    const double left = 4.0 + k * panel_size;
    const nfplot_axes axes = { view, "density p(x | c)", "x\xE2\x82\x81", "x\xE2\x82\x82", 1, 0 };
    char title[64];
    double max;
    nf_status status;

    if ((status = turn_moons(o, angles[k], truth)) < 0) return status;
    if ((status = sample(o, angles[k], samples)) < 0) return status;
    if ((status = map_density(o, angles[k], view, density, &max)) < 0) return status;
    snprintf(title, sizeof title, "true points, %s", angle_names[k]);
    draw_points(figure, left, 4.0, title, truth, NFPLOT_ORANGE);
    snprintf(title, sizeof title, "samples, %s", angle_names[k]);
    draw_points(figure, left, 4.0 + panel_size, title, samples, NFPLOT_BLUE);
    nfplot_begin(figure, left, 4.0 + 2 * panel_size, panel_size, panel_size, &axes);
    nfplot_heat(figure, GRID, GRID, density, max, view);
    nfplot_end(figure);
    return NF_OK;
}

/* Pictures are extra: a build without cairo says so and goes on. */
static nf_status draw(const objects *o, const char *path)
{
    nfplot *figure = nfplot_create(path, 8.0 + ANGLES * panel_size, 8.0 + 3 * panel_size);
    nf_status status = NF_OK;

    for (int k = 0; figure && status >= 0 && k < ANGLES; k++)
        status = draw_angle(o, figure, k);
    if (nfplot_finish(figure)) fprintf(stderr, "pictures: %s\n", nfplot_error());
    return status;
}

static nf_status run(objects *o, const char *folder, int64_t epochs)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    char path[4096];
    nf_status status;

    config.threads = -1;
    if ((status = nf_context_create(&o->context, &config)) < 0) return status;
    if ((status = make_data(o)) < 0) return status;
    if ((status = train(o, epochs)) < 0) return status;
    snprintf(path, sizeof path, "%s/conditional.safetensors", folder);
    if ((status = nf_flow_save(o->flow, path)) < 0) return status;
    snprintf(path, sizeof path, "%s/conditional.png", folder);
    return draw(o, path);
}

static int usage(void)
{
    fprintf(stderr, "usage: conditional [FOLDER] [--epochs N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    objects o = { 0 };
    const char *folder = ".";
    int64_t epochs = 100;
    nf_status status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--epochs") == 0 && i + 1 < argc)
            epochs = strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-')
            folder = argv[i];
        else
            return usage();
    }
    if (epochs < 1) return usage();
    status = run(&o, folder, epochs);
    if (status < 0) fprintf(stderr, "conditional: %s\n", nf_last_error());
    nf_optimizer_unref(o.adam);
    nf_flow_unref(o.flow);
    nf_dataset_unref(o.moons);
    nf_dataset_unref(o.valid);
    nf_dataset_unref(o.train);
    nf_dataset_unref(o.data);
    nf_context_unref(o.context);
    return status < 0;
}
