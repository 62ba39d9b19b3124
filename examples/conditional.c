/* SPDX-License-Identifier: MIT
 *
 * conditional.c - a density whose shape depends on c: two moons turned by the angle c
 *
 *   conditional [FOLDER] [--epochs N]      writes conditional.png and conditional.safetensors
 *
 * One flow learns p(x | c) for all angles from pairs (x, c); the picture shows its samples and density for three of them.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 12000, SAMPLES = 2000, ANGLES = 3, GRID = 160 };

static const double angles[ANGLES] = { 0.0, 0.7853981633974483, 1.5707963267948966 }; /* 0, pi/4, pi/2 */
static const char *const angle_names[ANGLES] = { "c = 0", "c = \xCF\x80/4", "c = \xCF\x80/2" };

typedef struct objects {
    nf_context *context;
    nf_dataset *data, *train, *valid;
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

static nf_status train(objects *o, int64_t epochs)
{
    nf_realnvp_config shape = NF_REALNVP_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_fit_report report = { .struct_size = sizeof report };
    nf_status status;

    shape.dim = 2;
    shape.cond_dim = 1;
    shape.seed = 1;
    fit.epochs = epochs;
    fit.schedule = NF_SCHEDULE_COSINE;
    fit.ema_decay = 0.999;
    fit.progress = show_progress;
    if ((status = nf_dataset_synthetic(&o->data, o->context, "moons-rotated", ROWS, -1.0, 1)) < 0) return status;
    if ((status = nf_dataset_split(o->data, 0.9, 1, &o->train, &o->valid)) < 0) return status;
    if ((status = nf_flow_create_realnvp(&o->flow, o->context, &shape)) < 0) return status;
    if ((status = nf_optimizer_adam_create(&o->adam, o->context, NULL)) < 0) return status;
    status = nf_flow_fit(o->flow, o->adam, o->train, o->valid, &fit, &report);
    if (status >= 0)
        printf("p(x | c): held-out NLL %.4f nats a row after %lld epochs, %.1f s\n", report.valid_nll,
               (long long)report.epochs, report.seconds);
    return status;
}

static nf_status sample(const objects *o, double c, double *xy)
{
    static float x[2 * SAMPLES], cond[SAMPLES];
    nf_status status;

    for (int i = 0; i < SAMPLES; i++)
        cond[i] = (float)c;
    status = nf_flow_sample(o->flow, 1, 0, SAMPLES, cond, 1.0, x, NULL);
    for (int i = 0; status >= 0 && i < 2 * SAMPLES; i++)
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

static nf_status draw_angle(const objects *o, nfplot *figure, int k)
{
    static double xy[2 * SAMPLES], density[GRID * GRID];
    const double size = 300.0, left = 4.0 + k * size;
    const nfplot_axes top = { { -3.0, 3.0, -3.0, 3.0 }, angle_names[k], "x\xE2\x82\x81", "x\xE2\x82\x82", 1, 1 };
    nfplot_axes bottom = top;
    const nfplot_color blue = { 0.12, 0.38, 0.66, 0.5 };
    double max;
    nf_status status = sample(o, angles[k], xy);

    bottom.title = "density";
    bottom.grid = 0;
    if (status >= 0) status = map_density(o, angles[k], top.range, density, &max);
    if (status < 0) return status;
    nfplot_begin(figure, left, 4.0, size, size + 4.0, &top);
    nfplot_scatter(figure, SAMPLES, xy, 1.3, blue);
    nfplot_end(figure);
    nfplot_begin(figure, left, 4.0 + size, size, size + 4.0, &bottom);
    nfplot_heat(figure, GRID, GRID, density, max, top.range);
    nfplot_end(figure);
    return NF_OK;
}

/* Pictures are extra: a build without cairo says so and goes on. */
static nf_status draw(const objects *o, const char *path)
{
    nfplot *figure = nfplot_create(path, 908.0, 612.0);
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
    if ((status = train(o, epochs)) < 0) return status;
    snprintf(path, sizeof path, "%s/conditional.safetensors", folder);
    if ((status = nf_flow_save(o->flow, path)) < 0) return status;
    snprintf(path, sizeof path, "%s/conditional.png", folder);
    return draw(o, path);
}

int main(int argc, char **argv)
{
    objects o = { 0 };
    const char *folder = ".";
    int64_t epochs = 150;
    nf_status status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--epochs") == 0 && i + 1 < argc)
            epochs = strtol(argv[++i], NULL, 10);
        else
            folder = argv[i];
    }
    status = run(&o, folder, epochs);
    if (status < 0) fprintf(stderr, "conditional: %s\n", nf_last_error());
    nf_optimizer_unref(o.adam);
    nf_flow_unref(o.flow);
    nf_dataset_unref(o.valid);
    nf_dataset_unref(o.train);
    nf_dataset_unref(o.data);
    nf_context_unref(o.context);
    return status < 0;
}
