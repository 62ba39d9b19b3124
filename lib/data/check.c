/* SPDX-License-Identifier: MIT
 *
 * check.c - figures of columns, and the standardise layer made from them
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"
#include "data/dataset.h"
#include "math/functions.h"

enum { MAX_DISTINCT = 1000 };
#define MAD_TO_SD 1.4826 /* of a normal distribution */
#define SPREAD_MIN 1e-30 /* what a standardise layer takes: its table of fields */
#define SPREAD_MAX 1e30

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Order-preserving map of doubles that are not NaN to unsigned integers, and back. */
static uint64_t key_of(double x)
{
    const uint64_t bits = bits_of(x);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}
static double of_key(uint64_t key) { return of_bits(key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key); }

/* One pass of the radix sort by the byte at `shift`; false when all keys agree in it and nothing was moved. */
static bool sort_by_byte(const uint64_t *from, uint64_t *to, int64_t n, int shift)
{
    int64_t start[257] = {0};
    for (int64_t i = 0; i < n; i++)
        start[(from[i] >> shift & 255) + 1]++;
    for (int b = 1; b <= 256; b++)
        if (start[b] == n)
            return false;
    for (int b = 0; b < 256; b++)
        start[b + 1] += start[b];
    for (int64_t i = 0; i < n; i++)
        to[start[from[i] >> shift & 255]++] = from[i];
    return true;
}

/* Sorts values[0..n); `keys` is scratch of 2 n. */
static void sort_values(double *values, int64_t n, uint64_t *keys)
{
    uint64_t *from = keys, *to = keys + n;
    for (int64_t i = 0; i < n; i++)
        from[i] = key_of(values[i]);
    for (int shift = 0; shift < 64; shift += 8) {
        if (!sort_by_byte(from, to, n, shift))
            continue;
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    for (int64_t i = 0; i < n; i++)
        values[i] = of_key(from[i]);
}

static double median_of_sorted(const double *values, int64_t n)
{
    return n % 2 ? values[n / 2] : 0.5 * values[n / 2 - 1] + 0.5 * values[n / 2];
}

/* A power of two s with |x| s near 1, so that squares neither overflow nor vanish. */
static double scale_for(double largest)
{
    const int64_t exponent = (int64_t)(bits_of(largest) >> 52 & 0x7ff);
    return of_bits((uint64_t)nfi_max(2046 - exponent, 1) << 52);
}

/* Mean and sd of n >= 1 finite values, in two passes. */
static void moments(const double *values, int64_t n, double scale, nf_column_report *report)
{
    double sum = 0, rest = 0, square = 0;
    for (int64_t i = 0; i < n; i++)
        sum += values[i] * scale;
    double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        rest += values[i] * scale - mean;
    mean += rest / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double d = values[i] * scale - mean;
        square += d * d;
    }
    report->mean = mean / scale;
    report->sd = nfi_sqrt(square / (double)n) / scale;
}

/* Finite values of a column into `values`; counts the others. Returns how many there are. */
static int64_t collect(const nf_dataset *dataset, int64_t column, double *values, nf_column_report *report)
{
    int64_t count = 0;
    for (int64_t i = 0; i < dataset->n; i++) {
        const double value = nfi_dataset_value(dataset->x, dataset->dtype, i * dataset->dim + column);
        if (isfinite(value)) {
            values[count++] = value;
            continue;
        }
        if (report->n_nonfinite++ == 0)
            report->first_nonfinite = i;
    }
    return count;
}

static int64_t count_distinct(const double *sorted, int64_t n)
{
    int64_t distinct = n > 0;
    for (int64_t i = 1; i < n && distinct < MAX_DISTINCT; i++)
        distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

/* Fills the report of one column; values [n] and keys [2 n] are scratch. */
static void report_column(const nf_dataset *dataset, int64_t column, double *values, uint64_t *keys,
                          nf_column_report *report)
{
    *report = (nf_column_report){.first_nonfinite = -1};
    const int64_t n = collect(dataset, column, values, report);
    if (n == 0) {
        report->min = report->max = report->mean = report->sd = report->median = report->mad = (double)NAN;
        return;
    }
    sort_values(values, n, keys);
    report->n_distinct = count_distinct(values, n);
    report->min = values[0];
    report->max = values[n - 1];
    report->is_constant = values[0] == values[n - 1];
    report->median = median_of_sorted(values, n);
    moments(values, n, scale_for(fabs(values[0]) > fabs(values[n - 1]) ? values[0] : values[n - 1]), report);
    if (report->is_constant) { /* no rounding where there is nothing to round */
        report->mean = report->min;
        report->sd = 0;
    }
    for (int64_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - report->median);
    sort_values(values, n, keys);
    report->mad = median_of_sorted(values, n);
}

typedef struct scratch {
    double *values;
    uint64_t *keys;
} scratch;

static void scratch_free(scratch *s, const nf_dataset *dataset)
{
    nfi_free(dataset->object.context, s->values, dataset->n, sizeof *s->values);
    nfi_free(dataset->object.context, s->keys, 2 * dataset->n, sizeof *s->keys);
    *s = (scratch){0};
}

static nf_status scratch_create(scratch *s, const nf_dataset *dataset)
{
    nf_status status = NF_OK;
    *s = (scratch){0};
    s->values = nfi_alloc(dataset->object.context, dataset->n, sizeof *s->values, &status);
    if (s->values != NULL)
        s->keys = nfi_alloc(dataset->object.context, 2 * dataset->n, sizeof *s->keys, &status);
    if (s->keys != NULL)
        return NF_OK;
    scratch_free(s, dataset);
    return status < 0 ? status : NF_ERR_MEMORY;
}

nf_status nf_dataset_check(const nf_dataset *dataset, int64_t column, nf_column_report *report)
{
    nf_status status = nfi_object_check(dataset, NFI_TAG_DATASET, "nf_dataset_check: dataset");
    if (status < 0)
        return status;
    if ((status = nfi_report_check(report, sizeof *report, "nf_dataset_check")) < 0)
        return status;
    if (column < 0 || column >= dataset->dim)
        return nfi_fail(NF_ERR_ARG, "nf_dataset_check: column is %lld, must lie between 0 and %lld", (long long)column,
                        (long long)(dataset->dim - 1));
    scratch s;
    status = scratch_create(&s, dataset);
    if (status < 0)
        return status;
    nf_column_report own;
    const uint64_t saved = nfi_fpenv_enter();
    report_column(dataset, column, s.values, s.keys, &own);
    nfi_fpenv_leave(saved);
    nfi_report_write(report, &own, sizeof own);
    scratch_free(&s, dataset);
    return NF_OK;
}

/* ---- standardise ----------------------------------------------------------------------------------------------- */

/* Spreads up to this many units in the last place of the largest value are rounding, not variation. */
static double least_spread(const nf_dataset *dataset, const nf_column_report *report)
{
    const double ulp = dataset->dtype == NF_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    const double low = fabs(report->min), high = fabs(report->max);
    return 4 * ulp * (low > high ? low : high);
}

static nf_status check_column(const nf_dataset *dataset, int64_t column, const nf_column_report *report, int32_t robust)
{
    const char *name = nf_dataset_column_name(dataset, column);
    const char *quote = name != NULL ? "\"" : "", *space = name != NULL ? " " : "";
    name = name != NULL ? name : "";
    if (report->n_nonfinite > 0)
        return nfi_fail(NF_ERR_NONFINITE,
                        "nf_standardise_from_dataset: row %lld, column %lld%s%s%.60s%s is NaN or Inf (%lld such rows)",
                        (long long)report->first_nonfinite, (long long)column, space, quote, name, quote,
                        (long long)report->n_nonfinite);
    if (report->is_constant || report->sd <= least_spread(dataset, report))
        return nfi_fail(NF_ERR_DEGENERATE,
                        "nf_standardise_from_dataset: column %lld%s%s%.60s%s does not vary (every value is %g within "
                        "rounding): leave it out (drop_columns) or add noise to it",
                        (long long)column, space, quote, name, quote, report->mean);
    if (robust && report->mad <= least_spread(dataset, report))
        return nfi_fail(NF_ERR_DEGENERATE,
                        "nf_standardise_from_dataset: column %lld%s%s%.60s%s has a median absolute deviation of 0 (over half "
                        "of its values are %g): use robust 0, leave it out or add noise to it",
                        (long long)column, space, quote, name, quote, report->median);
    const double spread = robust ? MAD_TO_SD * report->mad : report->sd;
    if (!(spread >= SPREAD_MIN && spread <= SPREAD_MAX && fabs(report->mean) <= SPREAD_MAX))
        return nfi_fail(NF_ERR_ARG,
                        "nf_standardise_from_dataset: column %lld%s%s%.60s%s has mean %g and sd %g, allowed are at most %g and %g to %g: "
                        "multiply it by a constant first",
                        (long long)column, space, quote, name, quote, report->mean, spread, SPREAD_MAX, SPREAD_MIN, SPREAD_MAX);
    return NF_OK;
}

static nf_status measure(const nf_dataset *dataset, int32_t robust, double *mean, double *sd)
{
    scratch s;
    nf_status status = scratch_create(&s, dataset);
    for (int64_t j = 0; status >= 0 && j < dataset->dim; j++) {
        nf_column_report report;
        report_column(dataset, j, s.values, s.keys, &report);
        status = check_column(dataset, j, &report, robust);
        mean[j] = robust ? report.median : report.mean;
        sd[j] = robust ? MAD_TO_SD * report.mad : report.sd;
    }
    scratch_free(&s, dataset);
    return status;
}

static nf_status standardise(nf_layer **out, nf_context *context, const nf_dataset *dataset, int32_t robust, double *figures)
{
    const uint64_t saved = nfi_fpenv_enter();
    const nf_status status = measure(dataset, robust, figures, figures + dataset->dim);
    nfi_fpenv_leave(saved);
    if (status < 0)
        return status;
    nf_standardise_config config = NF_STANDARDISE_CONFIG_INIT;
    config.dim = config.n_mean = config.n_sd = dataset->dim;
    config.mean = figures;
    config.sd = figures + dataset->dim;
    return nf_standardise_create(out, context, &config);
}

nf_status nf_standardise_from_dataset(nf_layer **out, nf_context *context, const nf_dataset *dataset, int32_t robust)
{
    if (out == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_standardise_from_dataset: out is NULL");
    *out = NULL;
    nf_status status = nfi_object_check(dataset, NFI_TAG_DATASET, "nf_standardise_from_dataset: dataset");
    if (status >= 0 && context != NULL)
        status = nfi_object_check(context, NFI_TAG_CONTEXT, "nf_standardise_from_dataset: context");
    if (status < 0)
        return status;
    if (robust != 0 && robust != 1)
        return nfi_fail(NF_ERR_ARG, "nf_standardise_from_dataset: robust is %d, must be 0 or 1", (int)robust);
    double *figures = nfi_alloc(dataset->object.context, 2 * dataset->dim, sizeof *figures, &status);
    if (figures == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    status = standardise(out, context, dataset, robust, figures);
    nfi_free(dataset->object.context, figures, 2 * dataset->dim, sizeof *figures);
    return status;
}
