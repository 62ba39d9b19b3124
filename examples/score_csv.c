/* SPDX-License-Identifier: MIT
 *
 * score_csv.c - find the unlikely rows of a table
 *
 *   score_csv TABLE.csv [--epochs N] [--top K] [--drop COLUMN]
 *
 * Half of the rows (by a seed) train a flow, the other half says when to stop; then every row gets its log-density under
 * the model, and the K least likely ones are printed with their row numbers, counted from 0, and their values.
 */
#include <math.h>
#include <nflow/nflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 6 }; /* columns printed */

typedef struct search {
    const char *path;
    int64_t epochs, top, drop; /* drop < 0: keep all columns */
    nf_dataset *all, *train, *valid;
    nf_layer *standardise;
    nf_flow *flow;
    nf_optimizer *adam;
} search;

typedef struct scored {
    int64_t row;
    double log_prob;
} scored;

static nf_status read_table(search *s)
{
    nf_read_config read = NF_READ_CONFIG_INIT;
    nf_status status;

    read.drop_columns = &s->drop;
    read.n_drop_columns = s->drop >= 0;
    status = nf_dataset_load(&s->all, NULL, s->path, &read);
    if (status >= 0) status = nf_dataset_split(s->all, 0.5, 1, &s->train, &s->valid);
    return status;
}

static nf_status make_flow(search *s)
{
    enum { COUPLINGS = 6 };
    const int64_t hidden[] = { 64, 64 };
    nf_layer *layers[1 + COUPLINGS] = { NULL };
    nf_coupling_affine_config coupling = NF_COUPLING_AFFINE_CONFIG_INIT;
    nf_base *base = NULL;
    nf_status status = nf_standardise_from_dataset(&s->standardise, NULL, s->train, 0);

    coupling.dim = nf_dataset_dim(s->all);
    coupling.hidden = hidden;
    coupling.n_hidden = 2;
    coupling.activation = NF_ACTIVATION_SILU;
    layers[0] = s->standardise;
    for (int i = 0; status >= 0 && i < COUPLINGS; i++) {
        coupling.swap = i % 2;
        status = nf_coupling_affine_create(&layers[i + 1], NULL, &coupling);
    }
    if (status >= 0) status = nf_base_normal_create(&base, NULL, coupling.dim);
    if (status >= 0) status = nf_flow_create(&s->flow, NULL, NULL, base, layers, 1 + COUPLINGS);
    for (int i = 0; i < COUPLINGS; i++)
        nf_layer_unref(layers[i + 1]); /* the flow has its own references */
    nf_base_unref(base);
    return status;
}

static nf_status fit(search *s)
{
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    nf_fit_report report = { .struct_size = sizeof report };
    nf_status status = nf_optimizer_adam_create(&s->adam, NULL, NULL);

    config.epochs = s->epochs;
    config.patience = 30;
    config.schedule = NF_SCHEDULE_COSINE;
    if (status >= 0) status = nf_flow_fit(s->flow, s->adam, s->train, s->valid, &config, &report);
    if (status >= 0)
        printf("trained on %lld rows: %lld epochs, %.1f s, held-out NLL %.4f nats a row\n", (long long)nf_dataset_rows(s->train),
               (long long)report.epochs, report.seconds, report.valid_nll);
    return status;
}

static void print_header(const search *s)
{
    printf("%8s  %12s", "row", "log p");
    for (int64_t j = 0; j < nf_dataset_dim(s->all) && j < SHOWN; j++) {
        const char *name = nf_dataset_column_name(s->all, j);
        char number[32];
        snprintf(number, sizeof number, "column %lld", (long long)j);
        printf("  %14.14s", name ? name : number);
    }
    putchar('\n');
}

static void print_row(const search *s, const scored *row, const float *x)
{
    printf("%8lld  %12.4f", (long long)row->row, row->log_prob);
    for (int64_t j = 0; j < nf_dataset_dim(s->all) && j < SHOWN; j++)
        printf("  %14g", (double)x[j]);
    putchar('\n');
}

static int rarer(const void *a, const void *b)
{
    const double x = ((const scored *)a)->log_prob, y = ((const scored *)b)->log_prob;

    return (x > y) - (x < y);
}

static nf_status score(const search *s)
{
    const int64_t n = nf_dataset_rows(s->all), dim = nf_dataset_dim(s->all);
    float *x = malloc((size_t)(n * dim) * sizeof *x);
    double *log_prob = malloc((size_t)n * sizeof *log_prob);
    scored *rows = malloc((size_t)n * sizeof *rows);
    nf_status status = x && log_prob && rows ? nf_dataset_copy(s->all, 0, n, x, NULL) : NF_ERR_MEMORY;

    if (status >= 0) status = nf_flow_log_prob(s->flow, n, x, NULL, log_prob);
    if (status >= 0) {
        for (int64_t i = 0; i < n; i++)
            rows[i] = (scored){ i, log_prob[i] };
        qsort(rows, (size_t)n, sizeof *rows, rarer);
        print_header(s);
        for (int64_t i = 0; i < n && i < s->top; i++)
            print_row(s, &rows[i], x + rows[i].row * dim);
        printf("median log p of all %lld rows: %.4f\n", (long long)n, rows[n / 2].log_prob);
    }
    free(rows);
    free(log_prob);
    free(x);
    return status;
}

static int read_arguments(search *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--epochs") == 0 && i + 1 < argc)
            s->epochs = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--top") == 0 && i + 1 < argc)
            s->top = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--drop") == 0 && i + 1 < argc)
            s->drop = strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-')
            s->path = argv[i];
        else
            return -1;
    }
    return s->path && s->epochs > 0 && s->top > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    search s = { .epochs = 100, .top = 10, .drop = -1 };
    nf_status status;

    if (read_arguments(&s, argc, argv)) {
        fprintf(stderr, "usage: score_csv TABLE.csv [--epochs N] [--top K] [--drop COLUMN]\n");
        return 2;
    }
    status = read_table(&s);
    if (status >= 0) status = make_flow(&s);
    if (status >= 0) status = fit(&s);
    if (status >= 0) status = score(&s);
    if (status < 0) fprintf(stderr, "score_csv: %s\n", nf_last_error());
    nf_optimizer_unref(s.adam);
    nf_flow_unref(s.flow);
    nf_layer_unref(s.standardise);
    nf_dataset_unref(s.valid);
    nf_dataset_unref(s.train);
    nf_dataset_unref(s.all);
    return status < 0;
}
