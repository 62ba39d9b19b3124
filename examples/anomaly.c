/* SPDX-License-Identifier: MIT
 *
 * anomaly.c - rows that are not like the others: a flow learns the normal ones, and -log p tells how strange a row is
 *
 *   anomaly TABLE.csv [--label COLUMN] [--layers N] [--epochs N] [--seeds N]
 *
 * TABLE is a table of numbers with a label of 1 for anomalies and 0 for normal rows, in column COLUMN, counted from 0 (default: the last).
 * The first half of the normal rows, in the file's order, is what the flows learn from; a tenth of it tells them when to stop. The other
 * half and all anomalies are the test. Printed is the area under the ROC curve: the chance that an anomaly scores higher than a normal row.
 * The score is the mean of -log p over N flows that differ in their seeds alone (default 3), which evens out what is luck of one.
 *
 * Without a table the program says where to get one and exits with 77.
 *
 * Ref: the protocol is that of Zong et al., "Deep autoencoding Gaussian mixture model", ICLR 2018, in the file's order.
 */
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIPPED = 77 /* what test harnesses take for it */ };

typedef struct anomaly {
    const char *path;
    int64_t label, layers, epochs, seeds;
    int64_t rows, dim, train_rows, test_rows;
    double *table;          /* [rows][dim + 1] as read */
    float *train, *test;    /* [train_rows][dim], [test_rows][dim] */
    int32_t *is_anomaly;    /* [test_rows] */
    double *score, *log_prob; /* [test_rows] */
} anomaly;

static int out_of_memory(void)
{
    fprintf(stderr, "anomaly: out of memory\n");
    return 1;
}

static int library_failed(void)
{
    fprintf(stderr, "anomaly: %s\n", nf_last_error());
    return 1;
}

/* ---- data */

static int read_table(anomaly *a)
{
    nf_dataset *data = NULL;
    nf_status status = nf_dataset_load(&data, NULL, a->path, NULL);

    if (status < 0) return library_failed();
    a->rows = nf_dataset_rows(data);
    a->dim = nf_dataset_dim(data) - 1;
    if (a->label < 0) a->label = a->dim;
    a->table = malloc((size_t)(a->rows * (a->dim + 1)) * sizeof *a->table);
    if (a->table) status = nf_dataset_copy_f64(data, 0, a->rows, a->table, NULL);
    nf_dataset_unref(data);
    if (!a->table) return out_of_memory();
    if (status < 0) return library_failed();
    if (a->dim >= 2 && a->label <= a->dim) return 0;
    fprintf(stderr, "anomaly: %s has %lld columns; a label, --label %lld, and two more are needed\n", a->path, (long long)a->dim + 1,
            (long long)a->label);
    return 1;
}

static int is_anomaly(const anomaly *a, int64_t row) { return a->table[row * (a->dim + 1) + a->label] > 0.5; }

static void put_row(const anomaly *a, int64_t row, float *x)
{
    const double *from = a->table + row * (a->dim + 1);

    for (int64_t j = 0; j <= a->dim; j++)
        if (j != a->label) *x++ = (float)from[j];
}

/* The first half of the normal rows is for training, all others are the test. */
static int divide(anomaly *a)
{
    int64_t normal = 0, seen = 0, tested = 0;

    for (int64_t i = 0; i < a->rows; i++) normal += !is_anomaly(a, i);
    a->train_rows = (normal + 1) / 2;
    a->test_rows = a->rows - a->train_rows;
    if (normal < 20 || normal == a->rows) {
        fprintf(stderr, "anomaly: %s has %lld normal rows and %lld anomalies; 20 and 1 are needed\n", a->path, (long long)normal,
                (long long)(a->rows - normal));
        return 1;
    }
    a->train = malloc((size_t)(a->train_rows * a->dim) * sizeof *a->train);
    a->test = malloc((size_t)(a->test_rows * a->dim) * sizeof *a->test);
    a->is_anomaly = malloc((size_t)a->test_rows * sizeof *a->is_anomaly);
    a->score = calloc((size_t)a->test_rows, sizeof *a->score);
    a->log_prob = malloc((size_t)a->test_rows * sizeof *a->log_prob);
    if (!a->train || !a->test || !a->is_anomaly || !a->score || !a->log_prob) return out_of_memory();
    for (int64_t i = 0; i < a->rows; i++) {
        if (!is_anomaly(a, i) && seen < a->train_rows) {
            put_row(a, i, a->train + seen++ * a->dim);
        } else {
            a->is_anomaly[tested] = is_anomaly(a, i);
            put_row(a, i, a->test + tested++ * a->dim);
        }
    }
    return 0;
}

/* ---- flows */

/* A flow with the columns' mean and sd. */
static nf_status make_flow(const anomaly *a, const nf_dataset *train, uint64_t seed, nf_flow **out)
{
    nf_table_config config = NF_TABLE_CONFIG_INIT;
    double *mean = malloc(2 * (size_t)a->dim * sizeof *mean), *sd = mean ? mean + a->dim : NULL;
    nf_status status = mean ? NF_OK : NF_ERR_MEMORY;

    for (int64_t j = 0; j < a->dim && status >= 0; j++) {
        nf_column_report column = { .struct_size = sizeof column };
        status = nf_dataset_check(train, j, &column);
        mean[j] = column.mean;
        sd[j] = column.is_constant ? 1.0 : column.sd;
    }
    config.dim = a->dim;
    config.layers = a->layers;
    config.hidden = (const int64_t[]){ 32, 32 };
    config.n_hidden = 2;
    config.mean = mean;
    config.sd = sd;
    config.n_mean = config.n_sd = a->dim;
    config.seed = seed;
    if (status >= 0) status = nf_flow_create_nsf(out, NULL, &config);
    free(mean);
    return status;
}

static nf_status fit(const anomaly *a, nf_flow *flow, const nf_dataset *train, const nf_dataset *valid, uint64_t seed)
{
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    nf_optimizer *optimizer = NULL;
    nf_status status;

    adam.lr = 1e-3;
    config.epochs = a->epochs;
    config.batch = 64;
    config.patience = 20;
    config.l2 = 1e-3;
    config.ema_decay = 0.99;
    config.seed = seed;
    status = nf_optimizer_adam_create(&optimizer, NULL, &adam);
    if (status >= 0) status = nf_flow_fit(flow, optimizer, train, valid, &config, NULL);
    nf_optimizer_unref(optimizer);
    return status;
}

/* One flow more: trained, and its -log p added to the scores. */
static nf_status add_flow(anomaly *a, const nf_dataset *normal, uint64_t seed)
{
    nf_dataset *train = NULL, *valid = NULL;
    nf_flow *flow = NULL;
    nf_status status = nf_dataset_split(normal, 0.9, seed, &train, &valid);

    if (status >= 0) status = make_flow(a, train, seed, &flow);
    if (status >= 0) status = fit(a, flow, train, valid, seed);
    if (status >= 0) status = nf_flow_log_prob(flow, a->test_rows, a->test, NULL, a->log_prob);
    for (int64_t i = 0; i < a->test_rows && status >= 0; i++) a->score[i] -= a->log_prob[i] / (double)a->seeds;
    nf_flow_unref(flow);
    nf_dataset_unref(train);
    nf_dataset_unref(valid);
    return status;
}

/* ---- the ROC curve */

/* Pairs in which the anomaly scores higher, ties half, of all pairs. */
static double auroc(const anomaly *a)
{
    double won = 0.0, pairs = 0.0;

    for (int64_t i = 0; i < a->test_rows; i++) {
        if (!a->is_anomaly[i]) continue;
        for (int64_t k = 0; k < a->test_rows; k++) {
            if (a->is_anomaly[k]) continue;
            pairs += 1.0;
            won += a->score[i] > a->score[k] ? 1.0 : a->score[i] < a->score[k] ? 0.0 : 0.5;
        }
    }
    return won / pairs;
}

static int run(anomaly *a)
{
    nf_dataset *normal = NULL;
    nf_status status;

    if (read_table(a) || divide(a)) return 1;
    status = nf_dataset_from_array(&normal, NULL, a->train_rows, a->dim, a->train);
    for (int64_t s = 0; s < a->seeds && status >= 0; s++) status = add_flow(a, normal, (uint64_t)s + 1);
    nf_dataset_unref(normal);
    if (status < 0) return library_failed();
    printf("%lld normal rows to learn from, %lld rows to tell apart, %lld columns\n", (long long)a->train_rows, (long long)a->test_rows,
           (long long)a->dim);
    printf("AUROC %.2f %%\n", 100.0 * auroc(a));
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: anomaly TABLE.csv [--label COLUMN] [--layers N] [--epochs N] [--seeds N]\n");
    return 2;
}

static int no_table(void)
{
    printf("anomaly: skipped, no table was given: any CSV with a last column of 1 for anomalies and 0 else, such as thyroid of the ODDS library\n");
    return EXIT_SKIPPED;
}

int main(int argc, char **argv)
{
    anomaly a = { .label = -1, .layers = 3, .epochs = 200, .seeds = 3 };
    const struct { const char *name; int64_t *value; int64_t least; } options[] = {
        { "--label", &a.label, 0 }, { "--layers", &a.layers, 1 }, { "--epochs", &a.epochs, 1 }, { "--seeds", &a.seeds, 1 },
    };
    int code;

    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        char *end = NULL;
        while (k < sizeof options / sizeof *options && strcmp(argv[i], options[k].name) != 0) k++;
        if (k == sizeof options / sizeof *options) {
            if (a.path || argv[i][0] == '-') return usage();
            a.path = argv[i];
            continue;
        }
        if (++i == argc) return usage();
        *options[k].value = strtoll(argv[i], &end, 10);
        if (end == argv[i] || *end || *options[k].value < options[k].least) return usage();
    }
    if (!a.path) return no_table();
    code = run(&a);
    free(a.table);
    free(a.train);
    free(a.test);
    free(a.is_anomaly);
    free(a.score);
    free(a.log_prob);
    return code;
}
