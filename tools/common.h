/* SPDX-License-Identifier: MIT
 *
 * common.h - what commands share: messages, the context, models, evaluation in double
 */
#ifndef NFT_COMMON_H
#define NFT_COMMON_H

#include "options.h"
#include "table_io.h"

/* Rows evaluated at a time, so that memory does not grow with the table. */
enum { BLOCK_ROWS = 16384 };

/* Options that most commands have. */
typedef struct common_options {
    int32_t json, quiet;
    nf_context_config context;
    nf_read_config read;
} common_options;
#define COMMON_OPTIONS_INIT                                                                                            \
    { .context = { .struct_size = sizeof(nf_context_config), .threads = -1 },                                          \
      .read = { .struct_size = sizeof(nf_read_config) } }
/* The groups of a common_options: JSON and quiet, threads, and how to read tables. */
option_group common_output_group(common_options *common);
option_group common_threads_group(common_options *common);
option_group common_context_group(common_options *common);
option_group common_read_group(common_options *common);

/* "nflow: ..." on stderr. Returns CODE_FAILED, or the code of a failed library call. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_usage(const command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
int tool_library_failed(nf_status status);
const char *tool_library_line(nf_status status); /* the library's line about the latest failure, in the command's words */
int tool_file_failed(nf_status status, const char *path); /* names the file when the library's line does not */
/* Refuses a file that cannot be written, before the work is done. */
int tool_check_output(const char *path);
/* Exit code of a status: remarks included. */
int tool_code(nf_status status);

/* A context whose long calls Ctrl-C ends; a second Ctrl-C kills. */
int tool_context_open(nf_context **out, const nf_context_config *config);
int tool_interrupted(void);

/* A model and its context. */
int tool_model_open(nf_flow **flow, nf_context **context, const nf_context_config *config, const char *path);
/* Refuses a table whose columns do not fit the model. */
int tool_check_columns(const nf_flow *flow, const nf_dataset *data, const char *path);

/* Calls of either precision, in double. cond: one row for all, or NULL. A row with a value outside its column's kind gets -inf, and the call answers
 * NF_ROWS_NONFINITE. */
nf_status tool_log_prob(const nf_flow *flow, int64_t n, const double *x, const double *cond, double *log_prob);
nf_status tool_log_prob_dataset(const nf_flow *flow, const nf_dataset *data, int64_t first, int64_t n, double *log_prob);
nf_status tool_sample(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                      double temperature, double *x);
/* x [steps][dim] from x0 to x1 [dim]; cond [steps][cond_dim] or NULL. */
nf_status tool_interpolate(const nf_flow *flow, int32_t path, int64_t steps, const double *x0, const double *x1, const double *cond,
                           double *x);
/* Mean NLL in data units; NaN on failure. */
double tool_mean_nll(const nf_flow *flow, const nf_dataset *data);
double tool_seconds(void);

#endif
