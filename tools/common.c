/* SPDX-License-Identifier: MIT
 *
 * common.c - what commands share
 */
#include "common.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What the signal handler sees. */
static nf_context *volatile interrupt_context;
static volatile sig_atomic_t interrupted;

static const nf_field output_fields[] = {
    OPTION(common_options, json, NF_FIELD_FLAG, NULL, "end with one line of JSON"),
    OPTION(common_options, quiet, NF_FIELD_FLAG, NULL, "print nothing but errors and what was asked for"),
};

static const nf_field threads_fields[] = {
    { .name = "threads", .help = "threads to compute on, at most 1024 (default: as many as the process may use)", .kind = NF_FIELD_I32,
      .offset = (uint32_t)(offsetof(common_options, context) + offsetof(nf_context_config, threads)), .min = 1, .max = 1024 },
};

option_group common_output_group(common_options *common)
{
    return (option_group){ .title = "Output", .target = common, .fields = output_fields,
                           .n_fields = sizeof output_fields / sizeof *output_fields };
}

option_group common_threads_group(common_options *common)
{
    return (option_group){ .title = "Machine", .target = common, .fields = threads_fields,
                           .n_fields = sizeof threads_fields / sizeof *threads_fields };
}

option_group common_context_group(common_options *common)
{
    return (option_group){ .title = "Machine", .target = &common->context, .config = "context",
                           .only = "backend,isa,max_file_bytes,max_elements,max_solver_steps" };
}

option_group common_read_group(common_options *common)
{
    return (option_group){ .title = "Tables", .target = &common->read, .config = "read", .skip = "dtype" };
}

static void print_message(const char *prefix, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", prefix);
    vfprintf(stderr, format, arguments);
    putc('\n', stderr);
}

int tool_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_message("nflow", format, arguments);
    va_end(arguments);
    return CODE_FAILED;
}

int tool_usage(const command *self, const char *format, ...)
{
    char prefix[64];
    va_list arguments;

    snprintf(prefix, sizeof prefix, "nflow %s", self->name);
    va_start(arguments, format);
    print_message(prefix, format, arguments);
    va_end(arguments);
    fprintf(stderr, "usage: nflow %s %s\n", self->name, self->arguments);
    return CODE_USAGE;
}

int tool_code(nf_status status)
{
    static const struct { nf_status status; int code; } rows[] = {
        { NF_OK, CODE_OK },          { NF_ROWS_NONFINITE, CODE_ROWS }, { NF_STOPPED, CODE_INTERRUPTED },
        { NF_ERR_CANCELLED, CODE_INTERRUPTED }, { NF_ERR_ARG, CODE_USAGE },       { NF_ERR_UNKNOWN, CODE_USAGE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status) return rows[i].code;
    return CODE_FAILED;
}

/* Appends the text, with names of fields as the options that set them. */
static void append_words(char *out, size_t size, const char *text)
{
    static const struct { const char *field, *option; } rows[] = { { "drop_columns", "--drop" }, { "cond_columns", "--cond" } };
    size_t used = strlen(out);

    while (*text && used + 1 < size) {
        size_t i = 0;
        while (i < sizeof rows / sizeof *rows && strncmp(text, rows[i].field, strlen(rows[i].field)) != 0)
            i++;
        if (i < sizeof rows / sizeof *rows) {
            used += (size_t)snprintf(out + used, size - used, "%s", rows[i].option);
            text += strlen(rows[i].field);
        } else {
            out[used++] = *text++;
            out[used] = '\0';
        }
    }
}

/* Past "nf_...: ", once or more: names of functions mean nothing on a command line. */
static const char *past_function(const char *line)
{
    while (strncmp(line, "nf_", 3) == 0) {
        const char *at = line + strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (at[0] != ':' || at[1] != ' ') break;
        line = at + 2;
    }
    return line;
}

const char *tool_library_line(nf_status status)
{
    static char text[1024];
    const char *line = nf_last_error();

    *text = '\0';
    append_words(text, sizeof text, *line ? past_function(line) : nf_status_text(status));
    return text;
}

int tool_library_failed(nf_status status)
{
    tool_fail("%s", status == NF_ERR_CANCELLED ? "interrupted; nothing was written" : tool_library_line(status));
    return tool_code(status);
}

int tool_file_failed(nf_status status, const char *path)
{
    const char *line = tool_library_line(status);

    if (strstr(line, path))
        tool_fail("%s", line);
    else
        tool_fail("%s: %s", path, line);
    return tool_code(status);
}

int tool_check_output(const char *path)
{
    struct stat info;
    char folder[4096];
    const char *slash = strrchr(path, '/');

    if (strcmp(path, "-") == 0) return CODE_OK;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return tool_fail("%s: cannot write: it is a folder", path);
        if (!S_ISREG(info.st_mode)) return CODE_OK;
    }
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    if (access(folder, W_OK | X_OK) == 0) return CODE_OK;
    return tool_fail("%s: cannot write into the folder %s: %s", path, folder, strerror(errno));
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
    if (interrupt_context) nf_context_cancel(interrupt_context);
}

int tool_interrupted(void)
{
    return interrupted;
}

int tool_context_open(nf_context **out, const nf_context_config *config)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    const nf_status status = nf_context_create(out, config);

    if (status < 0) return tool_library_failed(status);
    interrupt_context = *out; /* referenced until the process ends */
    nf_context_ref(*out);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return CODE_OK;
}

int tool_model_open(nf_flow **flow, nf_context **context, const nf_context_config *config, const char *path)
{
    nf_status status;
    int code;

    *flow = NULL;
    *context = NULL;
    if ((code = tool_context_open(context, config))) return code;
    if ((status = nf_flow_load(flow, *context, path)) < 0) return tool_file_failed(status, path);
    return CODE_OK;
}

int tool_check_columns(const nf_flow *flow, const nf_dataset *data, const char *path)
{
    const long long dim = nf_flow_dim(flow), cond = nf_flow_cond_dim(flow);
    const long long has = nf_dataset_dim(data), has_cond = nf_dataset_cond_dim(data);

    if (dim == has && cond == has_cond) return CODE_OK;
    if (cond == 0)
        return tool_fail("%s: has %lld columns%s, the model has %lld; choose them with --columns or --drop", path, has,
                         has_cond ? " and conditioning ones" : "", dim);
    return tool_fail("%s: has %lld columns and %lld conditioning ones, the model has %lld and %lld; --cond names the "
                     "conditioning columns", path, has, has_cond, dim, cond);
}

static float *to_float(int64_t count, const double *values)
{
    float *out = malloc((size_t)count * sizeof *out);

    for (int64_t i = 0; out && i < count; i++)
        out[i] = (float)values[i];
    return out;
}

/* n copies of a row of conditioning values; NULL when there is none or no memory. */
static double *repeat(const double *row, int64_t width, int64_t n)
{
    double *out = row && width ? malloc((size_t)(n * width) * sizeof *out) : NULL;

    for (int64_t i = 0; out && i < n; i++)
        memcpy(out + i * width, row, (size_t)width * sizeof *row);
    return out;
}

/* cond [n][cond_dim] */
static nf_status log_prob_rows(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob)
{
    float *fx, *fc;
    nf_status status = NF_ERR_MEMORY;

    if (nf_flow_dtype(flow) == NF_F64) return nf_flow_log_prob_f64(flow, n, x, cond, log_prob);
    fx = to_float(n * nf_flow_dim(flow), x);
    fc = cond ? to_float(n * nf_flow_cond_dim(flow), cond) : NULL;
    if (fx && (fc || !cond)) status = nf_flow_log_prob(flow, n, fx, fc, log_prob);
    free(fx);
    free(fc);
    return status;
}

/* The same; a row with a value outside its column's kind has no density, and costs the other rows nothing: it is found by halving. */
static nf_status log_prob_inside(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob)
{
    const nf_status status = log_prob_rows(flow, n, x, cond, log_prob);
    const int64_t half = n / 2;

    if (status != NF_ERR_DOMAIN) return status;
    if (n == 1) {
        *log_prob = -INFINITY;
        return NF_ROWS_NONFINITE;
    }
    const nf_status first = log_prob_inside(flow, half, x, cond, log_prob);
    if (first < 0) return first;
    const nf_status second = log_prob_inside(flow, n - half, x + half * nf_flow_dim(flow), cond ? cond + half * nf_flow_cond_dim(flow) : NULL,
                                             log_prob + half);
    return second ? second : first;
}

nf_status tool_log_prob(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob)
{
    double *rows = repeat(cond, nf_flow_cond_dim(flow), n);
    const nf_status status = log_prob_inside(flow, n, x, rows, log_prob);

    free(rows);
    return status;
}

nf_status tool_log_prob_dataset(const nf_flow *flow, const nf_dataset *data, int64_t first, int64_t n, double *log_prob)
{
    const int64_t dim = nf_dataset_dim(data), cond_dim = nf_dataset_cond_dim(data);
    double *x = malloc((size_t)(n * (dim + cond_dim) + 1) * sizeof *x);
    double *cond = x && cond_dim ? x + n * dim : NULL;
    nf_status status = NF_ERR_MEMORY;

    if (x) status = nf_dataset_copy_f64(data, first, n, x, cond);
    if (status >= 0) status = log_prob_inside(flow, n, x, cond, log_prob);
    free(x);
    return status;
}

static nf_status sample_float(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                              double temperature, double *x)
{
    const int64_t count = n * nf_flow_dim(flow);
    float *fx = malloc((size_t)count * sizeof *fx + 1), *fc = cond ? to_float(n * nf_flow_cond_dim(flow), cond) : NULL;
    nf_status status = NF_ERR_MEMORY;

    if (fx && (fc || !cond)) status = nf_flow_sample(flow, seed, first, n, fc, temperature, fx, NULL);
    for (int64_t i = 0; fx && i < count; i++)
        x[i] = (double)fx[i];
    free(fx);
    free(fc);
    return status;
}

nf_status tool_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                      double temperature, double *x)
{
    double *rows = repeat(cond, nf_flow_cond_dim(flow), n);
    nf_status status;

    if (nf_flow_dtype(flow) == NF_F64)
        status = nf_flow_sample_f64(flow, seed, first, n, rows, temperature, x, NULL);
    else
        status = sample_float(flow, seed, first, n, rows, temperature, x);
    free(rows);
    return status;
}

static nf_status interpolate_float(const nf_flow *flow, int32_t path, int64_t steps, const double *x0, const double *x1,
                                   const double *cond, double *x)
{
    const int64_t dim = nf_flow_dim(flow), count = steps * dim;
    float *f0 = to_float(dim, x0), *f1 = to_float(dim, x1), *fc = cond ? to_float(steps * nf_flow_cond_dim(flow), cond) : NULL;
    float *fx = malloc((size_t)count * sizeof *fx);
    nf_status status = NF_ERR_MEMORY;

    if (f0 && f1 && fx && (fc || !cond)) status = nf_flow_interpolate(flow, path, steps, f0, f1, fc, fx);
    for (int64_t i = 0; fx && status >= 0 && i < count; i++)
        x[i] = (double)fx[i];
    free(f0);
    free(f1);
    free(fc);
    free(fx);
    return status;
}

nf_status tool_interpolate(const nf_flow *flow, int32_t path, int64_t steps, const double *x0, const double *x1, const double *cond,
                           double *x)
{
    if (nf_flow_dtype(flow) == NF_F64) return nf_flow_interpolate_f64(flow, path, steps, x0, x1, cond, x);
    return interpolate_float(flow, path, steps, x0, x1, cond, x);
}

double tool_mean_nll(const nf_flow *flow, const nf_dataset *data)
{
    double nll = (double)NAN;

    if (!data || nf_flow_mean_nll(flow, data, &nll) < 0) return (double)NAN;
    return nll;
}

double tool_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
