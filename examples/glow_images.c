/* SPDX-License-Identifier: MIT
 *
 * glow_images.c - GLOW learns pictures of clothes, and draws new ones
 *
 *   glow_images [FOLDER] [--minutes M] [--epochs N] [--steps N] [--hidden N] [--data FOLDER]
 *   glow_images [FOLDER] --model FILE [--data FOLDER]     draws the pictures of a model that was trained before
 *
 * Writes into FOLDER (default: the current one)
 *   fashion_samples.png         samples, a line for each temperature
 *   fashion_interpolation.png   ways through the latent space from one test image to another
 *   fashion_reconstruction.png  test images, and what decoding their latents gives
 *   fashion_attribute.png       sneakers moved towards boots, T-shirts towards pullovers
 *   fashion_bits.png            bits per dimension by epoch
 *   fashion.safetensors         the model
 *
 * The data are Fashion-MNIST, 70000 grey images of 28 x 28 pixels, where Debian's package dataset-fashion-mnist puts them, or in the
 * folder of --data: four IDX files, in gzip or not. MNIST has the same names and sizes. Without them the program says so and exits with 77.
 *
 * Training takes about M minutes (default 1.5: shapes of clothes begin to show; 25 and more: clothes). Epochs are made shorter than the
 * data, so that a short run has a curve too. Ctrl-C ends it early and keeps the best.
 *
 * Ref: Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv:1708.07747; Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
#include "plotting.h"
#include <math.h>
#include <nflow/layer_type.h>
#include <nflow/nflow.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SIDE = 28,
    PIXELS = SIDE * SIDE,
    TRAIN_ROWS = 60000,
    HELD_OUT = 2000, /* of the training images, the last that are read: they choose the best epoch */
    TEST_ROWS = 10000,
    BATCH = 16,
    EPOCHS = 10, /* of a run too short for as many passes over all images */
    MAX_EPOCHS = 1000,
    LINES = 6,
    COLUMNS = 12,
    EXIT_SKIPPED = 77 /* what test harnesses take for it */
};

static const char default_folder[] = "/usr/share/datasets/fashion-mnist";
static const double temperatures[] = { 0.6, 0.7, 0.8, 0.9, 1.0 };
static const double amounts[] = { -0.5, 0.0, 0.5, 1.0, 1.5 };
enum { TEMPERATURES = sizeof temperatures / sizeof *temperatures, AMOUNTS = sizeof amounts / sizeof *amounts };

/* Classes of Fashion-MNIST. */
enum { T_SHIRT = 0, TROUSER = 1, PULLOVER = 2, DRESS = 3, SANDAL = 5, SHIRT = 6, SNEAKER = 7, BAG = 8, BOOT = 9 };

typedef struct fashion {
    const char *folder, *data, *model; /* model NULL: train one */
    double minutes;
    int64_t epochs, rows; /* 0: by the minutes */
    int64_t steps, hidden;
    nf_context *context;
    nf_dataset *all, *train, *valid, *test;
    nf_flow *flow;
    nf_optimizer *adam;
    float *x, *label; /* of the test images: [TEST_ROWS][PIXELS], [TEST_ROWS] */
    int64_t test_rows;
    double curve_train[MAX_EPOCHS], curve_valid[MAX_EPOCHS];
    nf_fit_report report;
} fashion;

/* ---- data */

/* The file's path, in gzip or not; 0 when there is neither. */
static int find_file(const fashion *f, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.gz", f->data, name);
    if (access(path, R_OK) == 0) return 1;
    snprintf(path, size, "%s/%s", f->data, name);
    return access(path, R_OK) == 0;
}

static int data_are_there(const fashion *f)
{
    static const char *const names[] = { "train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };
    char path[4096];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (find_file(f, names[i], path, sizeof path)) continue;
        printf("glow_images: skipped, there is no %s.gz in %s: apt install dataset-fashion-mnist, or --data FOLDER\n", names[i], f->data);
        return 0;
    }
    return 1;
}

static nf_status wrong_size(int64_t dim)
{
    char line[80];

    snprintf(line, sizeof line, "images have %lld values, expected %d", (long long)dim, PIXELS);
    return nf_fail(NF_ERR_SHAPE, line);
}

static nf_status read_images(const fashion *f, const char *images, const char *labels, int64_t rows, nf_dataset **out)
{
    nf_read_config read = NF_READ_CONFIG_INIT;
    char path[4096], label_path[4096];
    nf_status status;

    find_file(f, images, path, sizeof path);
    if (labels) {
        find_file(f, labels, label_path, sizeof label_path);
        read.labels = label_path;
        read.label_kind = NF_LABEL_NUMBER;
    }
    read.max_rows = rows;
    if ((status = nf_dataset_load(out, f->context, path, &read)) < 0) return status;
    return nf_dataset_dim(*out) == PIXELS ? NF_OK : wrong_size(nf_dataset_dim(*out));
}

/* The test images, for the last score and for the pictures. */
static nf_status read_test(fashion *f)
{
    nf_status status = read_images(f, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST_ROWS, &f->test);

    if (status < 0) return status;
    f->test_rows = nf_dataset_rows(f->test);
    f->x = malloc((size_t)f->test_rows * PIXELS * sizeof *f->x);
    f->label = malloc((size_t)f->test_rows * sizeof *f->label);
    if (!f->x || !f->label) return nf_fail(NF_ERR_MEMORY, NULL);
    return nf_dataset_copy(f->test, 0, f->test_rows, f->x, f->label);
}

static nf_status read_train(fashion *f)
{
    nf_status status = read_images(f, "train-images-idx3-ubyte", NULL, f->rows + HELD_OUT, &f->all);
    double rows;

    if (status < 0) return status;
    rows = (double)nf_dataset_rows(f->all);
    return nf_dataset_split(f->all, rows > 2.0 * HELD_OUT ? 1.0 - HELD_OUT / rows : 0.5, UINT64_MAX, &f->train, &f->valid);
}

/* ---- training */

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Two levels: 28 -> 14 -> 7 pixels a side. The logit of alpha spares the flow the sharp spike that a black ground is. */
static nf_status make_flow(fashion *f)
{
    nf_glow_config shape = NF_GLOW_CONFIG_INIT;
    nf_adam_config rule = NF_ADAM_CONFIG_INIT;
    nf_status status;

    shape.height = shape.width = SIDE;
    shape.channels = 1;
    shape.levels = 2;
    shape.steps = f->steps;
    shape.hidden = f->hidden;
    shape.alpha = 1e-6;
    shape.seed = 1;
    rule.lr = 5e-3;
    status = nf_flow_create_glow(&f->flow, f->context, &shape);
    if (status >= 0) status = nf_optimizer_adam_create(&f->adam, f->context, &rule);
    return status;
}

/* Measures a step, and cuts the minutes into epochs. */
static nf_status plan(fashion *f)
{
    enum { TRIALS = 6 };
    const int64_t batch = f->test_rows < BATCH ? f->test_rows : BATCH;
    const double look = HELD_OUT / 3.0; /* images trained in the time that measuring the held-out ones takes */
    double begin = 0.0, images;
    nf_status status = NF_OK;

    for (int i = 0; status >= 0 && i <= TRIALS; i++) {
        if (i == 1) begin = seconds(); /* the first one makes work space */
        status = nf_flow_nll_grad(f->flow, batch, f->x, NULL, NULL);
    }
    if (status >= 0) status = nf_flow_zero_grad(f->flow);
    images = 60.0 * f->minutes * (double)(TRIALS * batch) / (seconds() - begin);
    f->rows = TRAIN_ROWS - HELD_OUT;
    if (f->epochs) return status;
    f->rows = (int64_t)fmin(fmax(images / EPOCHS - look, BATCH), (double)f->rows);
    f->epochs = (int64_t)fmin(fmax(images / ((double)f->rows + look), 1.0), MAX_EPOCHS);
    return status;
}

static int32_t show_progress(void *user, const nf_fit_progress *p)
{
    (void)user;
    if (!isatty(STDERR_FILENO)) return 0;
    fprintf(stderr, "\repoch %lld/%lld  ETA %.0f s  bits/dim %.3f", (long long)p->epoch, (long long)p->epochs, p->eta_seconds, p->train_bits);
    if (isfinite(p->valid_bits)) fprintf(stderr, "  held out %.3f  best %.3f", p->valid_bits, p->best_bits);
    fprintf(stderr, " \033[K%s", p->end_of_epoch && p->epoch == p->epochs ? "\n" : "");
    return 0;
}

static nf_context *volatile interrupted;

/* One Ctrl-C ends the training, the next one the program. */
static void on_interrupt(int number)
{
    (void)number;
    if (interrupted) nf_context_cancel(interrupted);
}

static nf_status train(fashion *f)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_status status;

    fit.epochs = f->epochs;
    fit.batch = BATCH;
    fit.seed = 1;
    fit.schedule = NF_SCHEDULE_COSINE;
    fit.warmup_steps = 300;
    fit.clip_norm = 100.0;
    fit.ema_decay = 0.995;
    fit.progress = show_progress;
    fit.progress_steps = 5;
    f->report = (nf_fit_report){ .struct_size = sizeof f->report, .curve_train = f->curve_train, .curve_valid = f->curve_valid,
                                 .curve_capacity = MAX_EPOCHS };
    interrupted = f->context;
    sigaction(SIGINT, &action, NULL);
    status = nf_flow_fit(f->flow, f->adam, f->train, f->valid, &fit, &f->report);
    interrupted = NULL;
    nf_context_resume(f->context);
    if (status == NF_STOPPED) fprintf(stderr, "\nstopped; the best weights so far are kept\n");
    return status;
}

/* ---- pictures */

/* Lines of images with a label before each. x [lines][columns][PIXELS]. */
typedef struct grid {
    const char *name;
    int lines, columns;
    const char *const *labels; /* [lines] */
    double label_width;
    const float *x;
} grid;

static void path_of(const fashion *f, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", f->folder, name);
}

static unsigned char pixel(float value)
{
    return value >= 255.0f ? 255 : value > 0.0f ? (unsigned char)(value + 0.5f) : 0;
}

/* An image that is not finite is grey. */
static void draw_image(nfplot *figure, double left, double top, const float *x)
{
    enum { GREY = 200 };
    unsigned char pixels[PIXELS];

    for (int i = 0; i < PIXELS; i++)
        pixels[i] = isfinite(x[i]) ? pixel(x[i]) : GREY;
    nfplot_image(figure, left, top, 2, SIDE, SIDE, 1, pixels);
}

/* Images that are not finite are counted, not passed over in silence. */
static void report_lost(const grid *g)
{
    int lost = 0;

    for (int i = 0; i < g->lines * g->columns; i++)
        lost += !isfinite(g->x[(ptrdiff_t)i * PIXELS]);
    if (lost) printf("%s: %d of %d images are not finite, and grey\n", g->name, lost, g->lines * g->columns);
}

static int draw_grid(const fashion *f, const grid *g)
{
    static const double cell = 40.0, margin = 2.0; /* points: 60 pixels of the PNG, 56 of them an image */
    char path[4096];
    nfplot *figure;

    report_lost(g);
    path_of(f, g->name, path, sizeof path);
    if (!(figure = nfplot_create(path, g->label_width + g->columns * cell + margin, g->lines * cell + margin))) return -1;
    for (int i = 0; i < g->lines; i++) {
        nfplot_text(figure, 2.0 * margin, (i + 0.5) * cell, g->labels[i]);
        for (int j = 0; j < g->columns; j++)
            draw_image(figure, g->label_width + j * cell + margin, i * cell + margin, g->x + (ptrdiff_t)(i * g->columns + j) * PIXELS);
    }
    return nfplot_finish(figure);
}

/* Test image number k of a class; the last of the class, or image 0, when there are not as many. */
static const float *image_of(const fashion *f, int class, int k)
{
    int64_t found = 0;

    for (int64_t i = 0; i < f->test_rows && k >= 0; i++)
        if ((int)f->label[i] == class) {
            found = i;
            k--;
        }
    return f->x + found * PIXELS;
}

static nf_status draw_samples(const fashion *f, float *x, int *drawn)
{
    static const char *const labels[] = { "T = 0.6", "T = 0.7", "T = 0.8", "T = 0.9", "T = 1.0" };
    const grid g = { "fashion_samples.png", TEMPERATURES, COLUMNS, labels, 50.0, x };
    nf_status status = nf_flow_sample_temperatures(f->flow, 1, 0, COLUMNS, NULL, TEMPERATURES, temperatures, x);

    if (status >= 0) *drawn = draw_grid(f, &g) == 0;
    return status;
}

static nf_status draw_interpolation(const fashion *f, float *x, int *drawn)
{
    enum { WAYS = 5, WAY = 10 };
    static const int ends[WAYS][2] = { { BOOT, SNEAKER }, { T_SHIRT, PULLOVER }, { TROUSER, DRESS }, { BAG, SHIRT }, { SANDAL, BOOT } };
    static const char *const labels[WAYS] = { NULL, NULL, NULL, NULL, NULL };
    const grid g = { "fashion_interpolation.png", WAYS, WAY, labels, 0.0, x };
    nf_status status = NF_OK;

    for (int i = 0; status >= 0 && i < WAYS; i++)
        status = nf_flow_interpolate(f->flow, NF_PATH_LINEAR, WAY, image_of(f, ends[i][0], 1), image_of(f, ends[i][1], 2), NULL,
                                     x + (ptrdiff_t)i * WAY * PIXELS);
    if (status >= 0) *drawn = draw_grid(f, &g) == 0;
    return status;
}

static nf_status draw_reconstruction(const fashion *f, float *x, int *drawn)
{
    static const char *const labels[] = { "x", "f\xE2\x81\xBB\xC2\xB9(f(x))" };
    static float z[COLUMNS * PIXELS];
    const int columns = f->test_rows < COLUMNS ? (int)f->test_rows : COLUMNS;
    const grid g = { "fashion_reconstruction.png", 2, columns, labels, 58.0, x };
    double worst = 0.0;
    nf_status status = nf_flow_forward(f->flow, columns, f->x, NULL, z, NULL);

    memcpy(x, f->x, (size_t)columns * PIXELS * sizeof *x);
    if (status >= 0) status = nf_flow_inverse(f->flow, columns, z, NULL, x + columns * PIXELS, NULL);
    for (int i = 0; i < columns * PIXELS; i++)
        worst = fmax(worst, fabs((double)(x[i] - x[columns * PIXELS + i])));
    printf("reconstruction: %d images, largest error %g of 255\n", columns, worst);
    if (status >= 0) *drawn = draw_grid(f, &g) == 0;
    return status;
}

/* The images of a class, one after the other; their number. */
static int64_t gather(const fashion *f, int class, float *x)
{
    int64_t n = 0;

    for (int64_t i = 0; i < f->test_rows; i++)
        if ((int)f->label[i] == class) memcpy(x + n++ * PIXELS, f->x + i * PIXELS, PIXELS * sizeof *x);
    return n;
}

/* direction [PIXELS] from one class to another: the difference of their means in the latent space. */
static nf_status direction_of(const fashion *f, int from, int to, float *direction)
{
    const ptrdiff_t size = (ptrdiff_t)f->test_rows * PIXELS;
    float *with = malloc(2 * (size_t)size * sizeof *with);
    nf_status status = with ? NF_OK : nf_fail(NF_ERR_MEMORY, NULL);

    if (status >= 0) status = nf_flow_direction(f->flow, gather(f, to, with), with, NULL, gather(f, from, with + size), with + size, NULL, direction);
    free(with);
    return status;
}

static nf_status draw_attribute(const fashion *f, float *x, int *drawn)
{
    static const int ways[][2] = { { SNEAKER, BOOT }, { T_SHIRT, PULLOVER } };
    static const char *const labels[LINES] = { "sneaker \xE2\x86\x92 boot", NULL, NULL, "T-shirt \xE2\x86\x92 pullover", NULL, NULL };
    const grid g = { "fashion_attribute.png", LINES, AMOUNTS, labels, 110.0, x };
    float direction[PIXELS];
    nf_status status = NF_OK;

    for (int i = 0; status >= 0 && i < LINES; i++) {
        const int *way = ways[i / 3];
        if (i % 3 == 0) status = direction_of(f, way[0], way[1], direction);
        for (int j = 0; status >= 0 && j < AMOUNTS; j++)
            status = nf_flow_move(f->flow, 1, image_of(f, way[0], i % 3), NULL, direction, amounts[j], x + (ptrdiff_t)(i * AMOUNTS + j) * PIXELS);
    }
    if (status >= 0) *drawn = draw_grid(f, &g) == 0;
    return status;
}

static double bits(double nll)
{
    return nll / (PIXELS * log(2.0));
}

static int draw_bits(const fashion *f)
{
    static double epoch[MAX_EPOCHS], train_bits[MAX_EPOCHS], valid_bits[MAX_EPOCHS];
    static const char *const labels[] = { "training", "held out" };
    const nfplot_color colors[] = { NFPLOT_BLUE, NFPLOT_ORANGE };
    const int64_t n = f->report.curve_count;
    nfplot_axes axes = { { 1.0, (double)n, 100.0, 0.0 }, "GLOW on Fashion-MNIST", "epoch", "bits per dimension", 0, 1 };
    char path[4096];
    nfplot *figure;

    for (int64_t i = 0; i < n; i++) {
        epoch[i] = (double)(i + 1);
        train_bits[i] = bits(f->curve_train[i]);
        valid_bits[i] = bits(f->curve_valid[i]);
        axes.range.y0 = fmin(axes.range.y0, fmin(train_bits[i], valid_bits[i]) - 0.05);
        axes.range.y1 = fmin(fmax(axes.range.y1, fmax(train_bits[i], valid_bits[i]) + 0.05), 8.0); /* 8: what knows nothing */
    }
    if (n == 0) return 0; /* stopped within the first epoch */
    path_of(f, "fashion_bits.png", path, sizeof path);
    if (!(figure = nfplot_create(path, 480.0, 320.0))) return -1;
    nfplot_begin(figure, 4.0, 4.0, 468.0, 312.0, &axes);
    nfplot_line(figure, n, epoch, train_bits, 1.4, colors[0]);
    nfplot_line(figure, n, epoch, valid_bits, 1.4, colors[1]);
    nfplot_legend(figure, 2, labels, colors, 1, 0);
    nfplot_end(figure);
    return nfplot_finish(figure);
}

/* Pictures are extra: a build without cairo says so and goes on. */
static nf_status draw(const fashion *f)
{
    float *x = malloc((size_t)LINES * COLUMNS * PIXELS * sizeof *x);
    nf_status (*const pictures[])(const fashion *, float *, int *) = { draw_samples, draw_interpolation, draw_reconstruction, draw_attribute };
    nf_status status = x ? NF_OK : nf_fail(NF_ERR_MEMORY, NULL);
    int drawn = 1, all = 1;

    for (size_t i = 0; status >= 0 && i < sizeof pictures / sizeof *pictures; i++) {
        status = pictures[i](f, x, &drawn);
        all = all && drawn;
    }
    if (status >= 0 && (draw_bits(f) || !all)) fprintf(stderr, "pictures: %s\n", nfplot_error());
    free(x);
    return status;
}

/* ---- the program */

static nf_status draw_model(fashion *f)
{
    double nll;
    nf_status status = nf_flow_load(&f->flow, f->context, f->model);

    if (status >= 0 && nf_flow_dim(f->flow) != PIXELS) status = nf_fail(NF_ERR_SHAPE, "the model is not one of 28 x 28 pixels");
    if (status >= 0) status = nf_flow_mean_nll(f->flow, f->test, &nll);
    if (status < 0) return status;
    printf("%lld parameters: test images %.3f bits/dim\n", (long long)nf_flow_param_count(f->flow), bits(nll));
    return draw(f);
}

static nf_status run(fashion *f)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    char path[4096];
    double valid_nll, nll;
    nf_status status;

    config.threads = -1;
    if ((status = nf_context_create(&f->context, &config)) < 0) return status;
    if ((status = read_test(f)) < 0) return status;
    if (f->model) return draw_model(f);
    if ((status = make_flow(f)) < 0) return status;
    if ((status = plan(f)) < 0) return status;
    if ((status = read_train(f)) < 0) return status;
    printf("GLOW of %lld parameters: %lld epochs of %lld images\n", (long long)nf_flow_param_count(f->flow), (long long)f->epochs,
           (long long)nf_dataset_rows(f->train));
    fflush(stdout);
    if ((status = train(f)) < 0) return status;
    path_of(f, "fashion.safetensors", path, sizeof path);
    if ((status = nf_flow_save(f->flow, path)) < 0) return status;
    if ((status = nf_flow_mean_nll(f->flow, f->valid, &valid_nll)) < 0) return status;
    if ((status = nf_flow_mean_nll(f->flow, f->test, &nll)) < 0) return status;
    printf("%lld epochs in %.0f s, best %lld: held out %.3f bits/dim, test images %.3f\n", (long long)f->report.epochs, f->report.seconds,
           (long long)f->report.best_epoch, bits(valid_nll), bits(nll));
    return draw(f);
}

static void release(fashion *f)
{
    nf_optimizer_unref(f->adam);
    nf_flow_unref(f->flow);
    nf_dataset_unref(f->test);
    nf_dataset_unref(f->valid);
    nf_dataset_unref(f->train);
    nf_dataset_unref(f->all);
    nf_context_unref(f->context);
    free(f->label);
    free(f->x);
}

static int read_arguments(fashion *f, int argc, char **argv)
{
    const struct { const char *name; int64_t *value; } numbers[] = {
        { "--epochs", &f->epochs }, { "--steps", &f->steps }, { "--hidden", &f->hidden } };
    const size_t n = sizeof numbers / sizeof *numbers;

    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < n && strcmp(argv[i], numbers[k].name) != 0) k++;
        if (argv[i][0] != '-')
            f->folder = argv[i];
        else if (i + 1 == argc)
            return -1;
        else if (k < n)
            *numbers[k].value = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--minutes") == 0)
            f->minutes = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--data") == 0)
            f->data = argv[++i];
        else if (strcmp(argv[i], "--model") == 0)
            f->model = argv[++i];
        else
            return -1;
    }
    return f->minutes > 0.0 && f->epochs >= 0 && f->epochs <= MAX_EPOCHS ? 0 : -1;
}

int main(int argc, char **argv)
{
    static fashion f = { .folder = ".", .data = default_folder, .minutes = 1.5 };
    const double long_run = 5.0; /* minutes from which a larger model pays */
    nf_status status;

    if (read_arguments(&f, argc, argv)) {
        fprintf(stderr, "usage: glow_images [FOLDER] [--minutes M] [--epochs N] [--steps N] [--hidden N] [--data FOLDER] [--model FILE]\n");
        return 2;
    }
    if (!f.steps) f.steps = f.minutes < long_run ? 6 : 16;
    if (!f.hidden) f.hidden = f.minutes < long_run ? 32 : 64;
    if (!data_are_there(&f)) return EXIT_SKIPPED;
    status = run(&f);
    if (status < 0) fprintf(stderr, "glow_images: %s\n", nf_last_error());
    release(&f);
    return status < 0;
}
