/* SPDX-License-Identifier: MIT
 *
 * doctor.c - nflow doctor: what the library found on this machine, whether it works, what to change
 */
#include "common.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct doctor_options {
    common_options common;
} doctor_options;

/* Core types that OpenBLAS falls back to on a processor that it does not know. */
static const char *const generic_cores[] = { "Prescott", "Generic", "GENERIC", "Core2", "Katmai", "ARMV8" };

/* What was found. */
typedef struct doctor_report {
    nf_context *context;
    const char *generic_core; /* NULL: none */
    double error_native, error_cblas; /* of the check of a small flow; NaN: it failed */
    double rows_second;
    int ok;
} doctor_report;

static const char *generic_core(const char *description)
{
    for (size_t i = 0; i < sizeof generic_cores / sizeof *generic_cores; i++)
        if (strstr(description, generic_cores[i])) return generic_cores[i];
    return NULL;
}

/* The core type in OpenBLAS's line about itself: the word before MAX_THREADS; "" when the library does not tell. */
static const char *core_type(const char *description, char *core, size_t size)
{
    const char *end = strstr(description, " MAX_THREADS"), *start = end;

    *core = '\0';
    while (start && start > description && start[-1] != ' ')
        start--;
    if (start) snprintf(core, size, "%.*s", (int)(end - start), start);
    return core;
}

/* A small flow with random last layers, so that every part takes part. */
static nf_status small_flow(nf_flow **flow, nf_context *context)
{
    static const int64_t hidden[] = { 64, 64 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;

    config.preset = NF_PRESET_BOOK;
    config.dim = 4;
    config.activation = NF_ACTIVATION_SILU; /* smooth: central differences need it */
    config.layers = 4;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.seed = 1;
    return nf_flow_create_realnvp(flow, context, &config);
}

/* Largest round-trip error of the small flow on its own samples with a back end; NaN when its check fails. */
static double try_backend(int32_t backend, const nf_context_config *settings)
{
    enum { ROWS = 256 };
    nf_context_config config = *settings;
    nf_check_report report = { .struct_size = sizeof report };
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    float *x = malloc(ROWS * 4 * sizeof *x);
    nf_status status = NF_ERR_MEMORY;

    config.backend = backend;
    if (x) status = nf_context_create(&context, &config);
    if (status >= 0) status = small_flow(&flow, context);
    if (status >= 0) status = nf_flow_sample(flow, 1, 0, ROWS, NULL, 1.0, x, NULL);
    if (status >= 0) status = nf_flow_check(flow, ROWS, x, NULL, &report);
    if (status < 0) tool_library_failed(status);
    free(x);
    nf_flow_unref(flow);
    nf_context_unref(context);
    return status >= 0 && report.passed ? report.round_trip_max : (double)NAN;
}

/* Rows a second of the two-moons flow of the book (2.4 million parameters). */
static double measure(nf_context *context)
{
    enum { ROWS = 4096, TRIES = 3 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;
    float *x = calloc(ROWS * 2, sizeof *x);
    double *log_prob = malloc(ROWS * sizeof *log_prob), best = INFINITY;
    nf_status status = NF_ERR_MEMORY;

    config.preset = NF_PRESET_BOOK;
    config.dim = 2;
    if (x && log_prob) status = nf_flow_create_realnvp(&flow, context, &config);
    for (int i = 0; status >= 0 && i < TRIES; i++) {
        const double start = tool_seconds();
        status = nf_flow_log_prob(flow, ROWS, x, NULL, log_prob);
        best = fmin(best, tool_seconds() - start);
    }
    nf_flow_unref(flow);
    free(x);
    free(log_prob);
    return status >= 0 ? ROWS / best : (double)NAN;
}

static void print_advice(const doctor_report *r)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const char *isa = nf_context_isa(r->context);

    if (r->generic_core)
        printf("advice: the BLAS library runs its %s kernels, made for old processors. Set OPENBLAS_CORETYPE to %s in the "
               "environment, or install a newer OpenBLAS. The native kernels, which are the default, are not affected.\n",
               r->generic_core, strcmp(isa, "avx512") == 0 ? "SkylakeX" : strcmp(isa, "avx2") == 0 ? "Haswell" : "that of this machine");
    if (strcmp(isa, "baseline") == 0)
        printf("advice: no instruction set with fused multiply-add is in use: expect a fraction of the speed, and last bits "
               "that differ from other machines.\n");
    if (processors > nf_context_threads(r->context))
        printf("advice: %ld processors are online, %d threads in use: see --threads and the affinity of the process.\n",
               processors, nf_context_threads(r->context));
    if (nf_version_number() != NF_VERSION_MAJOR * 10000 + NF_VERSION_MINOR * 100 + NF_VERSION_PATCH)
        printf("advice: this command was compiled with the headers of %d.%d.%d and runs with the library %s: look for a "
               "second copy of the library.\n", NF_VERSION_MAJOR, NF_VERSION_MINOR, NF_VERSION_PATCH, nf_version());
}

static int has_cblas(void)
{
    return strcmp(nf_blas_description(), "none") != 0;
}

static void print_line(const char *what, double error)
{
    if (isnan(error))
        printf("%-22s FAILED\n", what);
    else
        printf("%-22s passed (round trip within %.2g)\n", what, error);
}

static void print_text(const doctor_report *r)
{
    char core[64];

    printf("%-22s %s (headers %d.%d.%d)\n", "library", nf_version(), NF_VERSION_MAJOR, NF_VERSION_MINOR, NF_VERSION_PATCH);
    printf("%-22s %s\n", "back end", nf_context_backend(r->context));
    printf("%-22s %s\n", "instruction set", nf_context_isa(r->context));
    printf("%-22s %d of %ld processors\n", "threads", nf_context_threads(r->context), sysconf(_SC_NPROCESSORS_ONLN));
    printf("%-22s %s\n", "CBLAS library", nf_blas_description());
    printf("%-22s %s\n", "CBLAS core type", *core_type(nf_blas_description(), core, sizeof core) ? core : "not told");
    print_line("native kernels", r->error_native);
    if (has_cblas())
        print_line("CBLAS kernels", r->error_cblas);
    else
        printf("%-22s not built in\n", "CBLAS kernels");
    printf("%-22s %.0f log-densities a second (2-D, 2.4 million parameters)\n", "speed", r->rows_second);
    print_advice(r);
    printf("%s\n", r->ok ? "all well" : "something is wrong");
}

static void print_json(const doctor_report *r)
{
    char core[64];
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "version", nf_version());
    nft_json_string(&w, "backend", nf_context_backend(r->context));
    nft_json_string(&w, "isa", nf_context_isa(r->context));
    nft_json_integer(&w, "threads", nf_context_threads(r->context));
    nft_json_integer(&w, "processors", sysconf(_SC_NPROCESSORS_ONLN));
    nft_json_string(&w, "blas", nf_blas_description());
    nft_json_string(&w, "blas_core", *core_type(nf_blas_description(), core, sizeof core) ? core : NULL);
    nft_json_string(&w, "blas_generic_core", r->generic_core);
    nft_json_number(&w, "native_round_trip", r->error_native);
    nft_json_number(&w, "cblas_round_trip", r->error_cblas);
    nft_json_number(&w, "log_prob_rows_second", r->rows_second);
    nft_json_flag(&w, "ok", r->ok);
    nft_json_end(&w);
}

static int doctor_run_command(int argc, char **argv)
{
    doctor_options o = { .common = COMMON_OPTIONS_INIT };
    const option_group groups[] = { common_threads_group(&o.common), common_context_group(&o.common), common_output_group(&o.common) };
    doctor_report r = { 0 };
    options *set;
    int first, code = options_parse(&set, &command_doctor, groups, sizeof groups / sizeof *groups, argc, argv, &first);

    if (!code && argc != first) code = tool_usage(&command_doctor, "expects no arguments");
    if (!code) code = tool_context_open(&r.context, &o.common.context);
    if (!code) {
        r.generic_core = generic_core(nf_blas_description());
        r.error_native = try_backend(NF_BACKEND_NATIVE, &o.common.context);
        r.error_cblas = has_cblas() ? try_backend(NF_BACKEND_CBLAS, &o.common.context) : (double)NAN;
        r.rows_second = measure(r.context);
        r.ok = !isnan(r.error_native) && (!has_cblas() || !isnan(r.error_cblas)) && !isnan(r.rows_second);
        if (o.common.json)
            print_json(&r);
        else
            print_text(&r);
        if (!r.ok) code = CODE_CHECK;
    }
    nf_context_unref(r.context);
    options_free(set);
    return code;
}

const command command_doctor = { .name = "doctor", .arguments = "[options]",
                              .help = "versions, BLAS, instruction set and threads in use; a self-check; what to change",
                              .run = doctor_run_command };
