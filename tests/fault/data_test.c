/* SPDX-License-Identifier: MIT
 *
 * data_test.c - data that no model likes, and tables that are not what they should be
 *
 * tests/data has the tables of good and bad files; here are whole ways: from the rows through the check, standardising and a fit to
 * a flow that computes, or a named error.
 */
#include "fault.h"
#include <nflow/nflow.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_ROWS 120

/* T20: column `j` of row `i`; n rows. */
typedef struct bad_set {
    const char *name;
    int64_t n, dim;
    double (*value)(int64_t i, int64_t j, uint64_t *random);
    nf_status check;   /* of nf_standardise_from_dataset */
    const char *words; /* of its line */
} bad_set;

static double v_constant(int64_t i, int64_t j, uint64_t *r) { return j == 1 ? 4.25 : random_normal(r) + (double)(i * 0); }
static double v_ulp(int64_t i, int64_t j, uint64_t *r) { return j == 1 ? nextafter(1.0, i % 2 ? 2.0 : 0.0) : random_normal(r); }
static double v_collinear(int64_t i, int64_t j, uint64_t *r) { (void)r; return (double)(j + 1) * sin((double)i); }
static double v_normal(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return random_normal(r); }
static double v_offset(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e6 + random_normal(r); }
static double v_offset_large(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e15 + 10 * random_normal(r); }
static double v_tiny(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e-30 * random_normal(r); }
static double v_denormal(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e-310 * random_normal(r); }
static double v_huge(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e29 * random_normal(r); }
static double v_small(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e-29 * random_normal(r); }
static double v_extreme(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return 1e300 * random_normal(r); }
static double v_cauchy(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return random_normal(r) / random_normal(r); }
static double v_outlier(int64_t i, int64_t j, uint64_t *r) { return i == 7 && j == 0 ? 1e6 : random_normal(r); }
static double v_duplicates(int64_t i, int64_t j, uint64_t *r) { (void)r; return cos((double)(i % 3 + 5 * j)); }
static double v_integers(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return (double)(random_bits(r) % 7); }
static double v_binary(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j; return (double)(random_bits(r) % 2); }
static double v_nan_column(int64_t i, int64_t j, uint64_t *r) { (void)i; return j == 1 ? NAN : random_normal(r); }
static double v_nan_one(int64_t i, int64_t j, uint64_t *r) { return i == 5 && j == 1 ? NAN : random_normal(r); }
static double v_inf_one(int64_t i, int64_t j, uint64_t *r) { return i == 5 && j == 0 ? -INFINITY : random_normal(r); }
static double v_zero(int64_t i, int64_t j, uint64_t *r) { (void)i, (void)j, (void)r; return 0; }
static double v_signs(int64_t i, int64_t j, uint64_t *r) { (void)r; return (i + j) % 2 ? -0.0 : 0.0; }
static double v_two_values(int64_t i, int64_t j, uint64_t *r) { (void)j, (void)r; return i == 0 ? 1 : 0; }
static double v_mixed(int64_t i, int64_t j, uint64_t *r) { (void)i; return random_normal(r) * (j ? 1e12 : 1e-12); }
static double v_sorted(int64_t i, int64_t j, uint64_t *r) { (void)j, (void)r; return (double)i * (double)i; }

static const bad_set bad_sets[] = {
    { "constant", DATA_ROWS, 2, v_constant, NF_ERR_DEGENERATE, "1" }, { "one ulp", DATA_ROWS, 2, v_ulp, NF_ERR_DEGENERATE, "1" },
    { "collinear", DATA_ROWS, 3, v_collinear, NF_OK, NULL }, { "one row", 1, 2, v_normal, NF_ERR_DEGENERATE, "0" },
    { "two rows", 2, 2, v_normal, NF_OK, NULL }, { "fewer rows than a batch", 17, 2, v_normal, NF_OK, NULL },
    { "offset 1e6", DATA_ROWS, 2, v_offset, NF_OK, NULL }, { "offset 1e15", DATA_ROWS, 2, v_offset_large, NF_OK, NULL },
    { "scale 1e-30", DATA_ROWS, 2, v_tiny, NF_ERR_ARG, "column 0" }, { "denormals", DATA_ROWS, 2, v_denormal, NF_ERR_ARG, "column 0" },
    { "scale 1e-29", DATA_ROWS, 2, v_small, NF_OK, NULL }, { "scale 1e29", DATA_ROWS, 2, v_huge, NF_OK, NULL },
    { "scale 1e300", DATA_ROWS, 2, v_extreme, NF_ERR_ARG, "column 0" },
    { "heavy tail", DATA_ROWS, 2, v_cauchy, NF_OK, NULL }, { "outlier of 1e6 sd", DATA_ROWS, 2, v_outlier, NF_OK, NULL },
    { "duplicates", DATA_ROWS, 2, v_duplicates, NF_OK, NULL }, { "integers", DATA_ROWS, 2, v_integers, NF_OK, NULL },
    { "binary", DATA_ROWS, 2, v_binary, NF_OK, NULL }, { "NaN column", DATA_ROWS, 2, v_nan_column, NF_ERR_NONFINITE, "column 1" },
    { "one NaN", DATA_ROWS, 2, v_nan_one, NF_ERR_NONFINITE, "5" }, { "one Inf", DATA_ROWS, 2, v_inf_one, NF_ERR_NONFINITE, "5" },
    { "all zero", DATA_ROWS, 2, v_zero, NF_ERR_DEGENERATE, "0" }, { "zeros of both signs", DATA_ROWS, 2, v_signs, NF_ERR_DEGENERATE, "0" },
    { "one row apart", DATA_ROWS, 2, v_two_values, NF_OK, NULL }, { "scales 1e-12 and 1e12", DATA_ROWS, 2, v_mixed, NF_OK, NULL },
    { "sorted", DATA_ROWS, 2, v_sorted, NF_OK, NULL }, { "one column", DATA_ROWS, 1, v_normal, NF_OK, NULL },
};

static nf_dataset *set_make(const bad_set *s)
{
    double *x = support_malloc(s->n * s->dim * 8);
    uint64_t random = 11;
    nf_dataset *data = NULL;

    for (int64_t i = 0; i < s->n * s->dim; i++) x[i] = s->value(i / s->dim, i % s->dim, &random);
    if (nf_dataset_from_array_f64(&data, NULL, s->n, s->dim, x)) abort();
    free(x);
    return data;
}

/* A standardised flow with actnorm and, from two columns on, couplings. */
static nf_status set_flow(nf_flow **out, const bad_set *s, nf_layer *standardise, int32_t dtype)
{
    static const int64_t hidden[] = { 8 };
    nf_coupling_affine_config coupling = { .struct_size = sizeof coupling, .dim = s->dim, .hidden = hidden, .n_hidden = 1 };
    nf_flow_config config = NF_FLOW_CONFIG_INIT;
    nf_layer *layers[4] = { nf_layer_ref(standardise) };
    nf_base *base = NULL;
    int64_t n = 1;
    nf_status status = nf_base_normal_create(&base, NULL, s->dim);

    config.dtype = dtype;
    if (!status) status = nf_actnorm_create(&layers[n++], NULL, &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = s->dim });
    for (; !status && s->dim > 1 && n < 4; n++, coupling.swap = 1) status = nf_coupling_affine_create(&layers[n], NULL, &coupling);
    if (!status) status = nf_flow_create(out, NULL, &config, base, layers, n);
    for (int64_t i = 0; i < 4; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    return status;
}

/* Finite parameters, and a finite density of the training rows or a line that says that they are not. */
static bool set_computes(fault_log *log, const bad_set *s, const nf_flow *flow, const nf_dataset *data)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8), *x = support_malloc(s->n * s->dim * 8), *value = support_malloc(s->n * 8);
    float *narrow = support_malloc(s->n * s->dim * 4);
    bool ok = nf_flow_get_params(flow, count, theta) == NF_OK && nf_dataset_copy_f64(data, 0, s->n, x, NULL) == NF_OK;

    for (int64_t i = 0; i < count && ok; i++) ok = isfinite(theta[i]) || fault_fails(log, "%s: parameter %lld is not finite", s->name, (long long)i);
    for (int64_t i = 0; i < s->n * s->dim; i++) narrow[i] = (float)x[i];
    fault_mark();
    const nf_status status = nf_flow_dtype(flow) == NF_F32 ? nf_flow_log_prob(flow, s->n, narrow, NULL, value) : nf_flow_log_prob_f64(flow, s->n, x, NULL, value);
    for (int64_t i = 0; i < s->n && ok && status == NF_OK; i++)
        ok = isfinite(value[i]) || fault_fails(log, "%s: density of row %lld is %g and not flagged", s->name, (long long)i, value[i]);
    if (ok && status != NF_OK) ok = fault_said(log, s->name, status, NF_ROWS_NONFINITE);
    free(theta), free(x), free(value), free(narrow);
    return ok;
}

static bool set_fit(fault_log *log, const bad_set *s, const nf_dataset *data, nf_layer *standardise, int32_t dtype, int *trained)
{
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    nf_optimizer *optimizer = NULL;
    nf_flow *flow = NULL;
    bool ok = true;

    config.epochs = 5;
    config.batch = 32;
    fault_mark();
    nf_status status = set_flow(&flow, s, standardise, dtype);
    if (status) return fault_said(log, s->name, status, NF_ERR_ARG) || fault_fails(log, "%s: flow: %s", s->name, nf_last_error());
    if (nf_optimizer_adam_create(&optimizer, NULL, NULL)) abort();
    status = nf_flow_fit(flow, optimizer, data, NULL, &config, NULL);
    log->points++;
    *trained += status == NF_OK;
    if (status != NF_OK)
        ok = status == NF_ERR_DEGENERATE || status == NF_ERR_DIVERGED || status == NF_ERR_NONFINITE ? fault_said(log, s->name, status, status)
                                                                                                    : fault_fails(log, "%s: fit: %s", s->name, nf_last_error());
    ok = ok && set_computes(log, s, flow, data);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return ok;
}

static bool set_run(fault_log *log, const bad_set *s, int *trained)
{
    nf_dataset *data = set_make(s);
    nf_layer *standardise = NULL;
    bool ok;

    fault_mark();
    const nf_status status = nf_standardise_from_dataset(&standardise, NULL, data, 0);
    ok = fault_said(log, s->name, status, s->check);
    if (ok && s->words && !strstr(nf_last_error(), s->words)) ok = fault_fails(log, "%s: the line does not name %s: %.200s", s->name, s->words, nf_last_error());
    log->points++;
    if (ok && !standardise && nf_standardise_create(&standardise, NULL, &(const nf_standardise_config){ .struct_size = sizeof(nf_standardise_config), .dim = s->dim }))
        abort();
    for (int32_t dtype = NF_F32; dtype <= NF_F64 && ok; dtype++) ok = set_fit(log, s, data, standardise, dtype, trained); /* without standardising where that was refused */
    nf_layer_unref(standardise);
    nf_dataset_unref(data);
    return ok;
}

static bool case_degenerate(fault_log *log)
{
    int trained = 0;
    bool ok = true;

    for (int i = 0; i < SUPPORT_COUNT(bad_sets) && ok; i++) ok = set_run(log, &bad_sets[i], &trained);
    (void)snprintf(log->note, sizeof log->note, "(%d sets, %d of %d fits end well)", SUPPORT_COUNT(bad_sets), trained, 2 * SUPPORT_COUNT(bad_sets));
    return ok && (trained > SUPPORT_COUNT(bad_sets) || fault_fails(log, "only %d fits end well", trained));
}

/* The report per column against plain sums. */
static bool report_is_right(fault_log *log, const bad_set *s, const nf_dataset *data, int64_t j)
{
    nf_column_report r = { .struct_size = sizeof r };
    double *x = support_malloc(s->n * s->dim * 8), sum = 0, squares = 0, min = INFINITY, max = -INFINITY;
    int64_t n = 0, bad = 0, first = -1;

    if (nf_dataset_copy_f64(data, 0, s->n, x, NULL)) abort();
    for (int64_t i = 0; i < s->n; i++) {
        const double v = x[i * s->dim + j];
        if (!isfinite(v)) { bad++; first = first < 0 ? i : first; continue; }
        sum += v, n++, min = fmin(min, v), max = fmax(max, v);
    }
    const double scale = fmax(fabs(min), fabs(max)) > 0 && n > 0 ? fmax(fabs(min), fabs(max)) : 1; /* so that squares neither overflow nor vanish */
    for (int64_t i = 0; i < s->n; i++) {
        const double apart = isfinite(x[i * s->dim + j]) ? (x[i * s->dim + j] - sum / (double)n) / scale : 0;
        squares += apart * apart;
    }
    free(x);
    log->points++;
    const nf_status status = nf_dataset_check(data, j, &r);
    if (status < 0) return fault_fails(log, "%s: %s", s->name, nf_last_error());
    if (r.n_nonfinite != bad || r.first_nonfinite != first) return fault_fails(log, "%s: %lld not finite, the first %lld", s->name, (long long)r.n_nonfinite, (long long)r.first_nonfinite);
    if (n == 0) return true;
    if (r.min != min || r.max != max) return fault_fails(log, "%s: min %g, max %g", s->name, r.min, r.max);
    const double sd = scale * sqrt(squares / (double)n);
    if (!(fabs(r.mean - sum / (double)n) <= 1e-12 * scale + 1e-323) || !(fabs(r.sd - sd) <= 1e-9 * scale + 1e-323))
        return fault_fails(log, "%s: mean %.17g instead of %.17g, sd %.17g instead of %.17g", s->name, r.mean, sum / (double)n, r.sd, sd);
    return !isnan(r.median) && !isnan(r.mad) && !isnan(r.sd) && !isnan(r.mean);
}

static bool case_reports(fault_log *log)
{
    bool ok = true;

    for (int i = 0; i < SUPPORT_COUNT(bad_sets) && ok; i++) {
        nf_dataset *data = set_make(&bad_sets[i]);
        for (int64_t j = 0; j < bad_sets[i].dim && ok; j++) ok = report_is_right(log, &bad_sets[i], data, j) || (*log->why ? false : fault_fails(log, "%s: NaN in a report", bad_sets[i].name));
        nf_dataset_unref(data);
    }
    return ok;
}

/* Tables: from a file and from memory, the same code; the line names the file or the memory, and where. */

static const struct { const char *bytes; int64_t size; nf_status status; const char *words; } tables[] = {
#define TEXT(text) text, (int64_t)sizeof(text) - 1
    { TEXT(""), NF_ERR_FORMAT, "no table" },
    { TEXT("\xef\xbb\xbf"), NF_ERR_FORMAT, "no table" },
    { TEXT("a,b\n"), NF_ERR_FORMAT, "no rows" },
    { TEXT("1,2\n3,\0""4\n"), NF_ERR_FORMAT, "line 2" },
    { TEXT("1,2\n3\n"), NF_ERR_PARSE, "line 2, column 2" },
    { TEXT("1,2\n3,4,5\n"), NF_ERR_PARSE, "line 2, column 3" },
    { TEXT("1,2\n\"3,4\n"), NF_ERR_PARSE, "line 2, column 1" },
    { TEXT("1;2\n3;1,5\n"), NF_ERR_PARSE, "line 2, column 2" },
    { TEXT("1,2\n3,1e999\n"), NF_ERR_PARSE, "out of range" },
    { TEXT("1,2\r\n3,x\r\n"), NF_ERR_PARSE, "line 2, column 2, byte 7" },
    { TEXT("\xef\xbb\xbf""1,2\n3,x\n"), NF_ERR_PARSE, "line 2, column 2, byte 9" },
    { TEXT("1,2\nnan,inf\n"), NF_OK, NULL },
    { TEXT("\xef\xbb\xbf""a,b\r\n1,2\r\n"), NF_OK, NULL },
    { TEXT("1,2\n3,-1e-999\n"), NF_OK, NULL },
#undef TEXT
};

static bool table_try(fault_log *log, int i, bool file)
{
    const char *path = fault_path("table.csv");
    nf_dataset *data = NULL;
    bool ok;

    if (file && !fault_write_file(path, tables[i].bytes, tables[i].size)) abort();
    fault_mark();
    const nf_status status = file ? nf_dataset_load(&data, NULL, path, NULL) : nf_dataset_load_memory(&data, NULL, tables[i].bytes, tables[i].size, NULL);
    ok = fault_said(log, "table", status, tables[i].status);
    if (ok && status && (!strstr(nf_last_error(), tables[i].words) || !strstr(nf_last_error(), file ? path : "memory")))
        ok = fault_fails(log, "table %d: the line does not say \"%s\" and where: %.300s", i, tables[i].words, nf_last_error());
    if (ok && !status != !!data) ok = fault_fails(log, "table %d: status and handle do not agree", i);
    nf_dataset_unref(data);
    log->points++;
    return ok;
}

static bool case_tables(fault_log *log)
{
    bool ok = true;

    for (int i = 0; i < 2 * SUPPORT_COUNT(tables) && ok; i++) ok = table_try(log, i / 2, i % 2);
    return ok;
}

/* A line of 10 MB without an end, in a file, under a context that allows 64 MB; and one longer than the context allows. */
static bool case_long_line(fault_log *log)
{
    const int64_t size = 10 << 20;
    const char *path = fault_path("long.csv");
    char *text = support_malloc(size);
    nf_context *context = NULL;
    nf_dataset *data = NULL;
    bool ok;

    memset(text, '7', (size_t)size);
    if (!fault_write_file(path, text, size)) abort();
    free(text);
    ok = fault_said(log, "10 MB of digits", nf_dataset_load(&data, NULL, path, NULL), NF_ERR_PARSE);
    if (nf_context_create(&context, &(const nf_context_config){ .struct_size = sizeof(nf_context_config), .max_file_bytes = 1 << 20 })) abort();
    ok = ok && fault_said(log, "10 MB where 1 MB is allowed", nf_dataset_load(&data, context, path, NULL), NF_ERR_LIMIT);
    nf_context_unref(context);
    log->points = 2;
    return ok;
}

/* Control: a model with a NaN that is not flagged. */
static bool case_control(fault_log *log)
{
    const bad_set *s = &bad_sets[4];
    nf_dataset *data = set_make(s);
    nf_layer *standardise = NULL;
    nf_flow *flow = NULL;
    double *theta = NULL;
    fault_log own = { 0 };

    if (nf_standardise_from_dataset(&standardise, NULL, data, 0) || set_flow(&flow, s, standardise, NF_F64) || nf_flow_params_f64(flow, &theta, NULL, NULL)) abort();
    theta[nf_flow_param_count(flow) - 1] = NAN;
    const bool caught = !set_computes(&own, s, flow, data);
    nf_flow_unref(flow);
    nf_layer_unref(standardise);
    nf_dataset_unref(data);
    return caught || fault_fails(log, "a parameter that is NaN is not caught");
}

static const fault_case cases[] = {
    { "data__degenerate_sets_are_named_or_train", case_degenerate },
    { "data__reports_are_right_on_degenerate_sets", case_reports },
    { "data__bad_tables_say_where", case_tables },
    { "data__long_lines_are_refused", case_long_line },
    { "data__control_a_broken_model_is_caught", case_control },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
