/* SPDX-License-Identifier: MIT
 *
 * kernels.c - which table of kernels: by context, by name, by machine
 */
#include "math/kernels_isa.h"

#include <string.h>
#include <time.h>

#include "core/cpu.h"
#include <nflow/nflow.h>

typedef double peak_fn(int64_t count, double *sink);
typedef double read_fn(const void *block, int64_t bytes);
typedef struct kernel_row {
    int32_t isa;
    const char *name;
    const nfi_kernels *f32, *f64, *cblas_f32, *cblas_f64;
    peak_fn *peak_f32, *peak_f64;
    read_fn *read;
} kernel_row;
#if defined(NFI_CBLAS)
#define CBLAS_TABLE(name) &nfi_kernels_cblas_##name
#else
#define CBLAS_TABLE(name) NULL /* no context asks for it: nf_context_create refuses */
#endif
#define ROW(id, name)                                                                                                  \
    { id, #name, &nfi_kernels_##name##_f32, &nfi_kernels_##name##_f64, CBLAS_TABLE(name##_f32), CBLAS_TABLE(name##_f64), \
      nfi_kernel_peak_##name##_f32, nfi_kernel_peak_##name##_f64, nfi_kernel_read_##name }

static const kernel_row rows[] = {
    ROW(NF_ISA_BASELINE, baseline),
#if defined(NFI_X86)
    ROW(NF_ISA_AVX2, avx2),
    ROW(NF_ISA_AVX512, avx512),
#elif defined(NFI_ARM64)
    ROW(NF_ISA_NEON, neon),
#endif
};
#define N_ROWS (sizeof rows / sizeof rows[0])

static const kernel_row *row_of(int32_t isa)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].isa == isa) return &rows[i];
    return NULL;
}

/* The row of an instruction set that this machine has; there is always one. */
static const kernel_row *row_of_machine(int32_t isa)
{
    const kernel_row *row = row_of(isa);
    return row ? row : &rows[0];
}

bool nfi_has_isa(int32_t isa) { return row_of(isa) != NULL && nfi_cpu_has_isa(isa); }
int32_t nfi_best_isa(void)
{
    const int32_t best = nfi_cpu_best_isa();
    return row_of(best) ? best : NF_ISA_BASELINE;
}

static const nfi_kernels *kernels_cblas(int32_t isa, int32_t dtype)
{
    return dtype == NF_F64 ? row_of_machine(isa)->cblas_f64 : row_of_machine(isa)->cblas_f32;
}

const nfi_kernels *nfi_kernels_isa(int32_t isa, int32_t dtype)
{
    if (isa == 0) return kernels_cblas(nfi_best_isa(), dtype);
    if (!nfi_has_isa(isa)) return NULL;
    const kernel_row *row = row_of_machine(isa);
    return dtype == NF_F64 ? row->f64 : row->f32;
}

static int32_t context_isa(const nf_context *context)
{
    const int32_t isa = nfi_context_config(context)->isa;
    return isa != 0 && nfi_has_isa(isa) ? isa : nfi_best_isa();
}

const nfi_kernels *nfi_kernels_for(const nf_context *context, int32_t dtype)
{
    if (nfi_context_config(context)->backend == NF_BACKEND_CBLAS) return kernels_cblas(context_isa(context), dtype);
    return nfi_kernels_isa(context_isa(context), dtype);
}

const char *nf_context_isa(const nf_context *context)
{
    return nfi_context_check(context, "nf_context_isa") ? NULL : row_of_machine(context_isa(context))->name;
}

const char *nf_context_backend(const nf_context *context)
{
    if (nfi_context_check(context, "nf_context_backend")) return NULL;
    return nfi_context_config(context)->backend == NF_BACKEND_CBLAS ? "cblas" : "native";
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const kernel_row *row_named(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    return row_of(nfi_best_isa());
}

void nfi_read_block(const nfi_kernels *kernels, const void *block, int64_t bytes)
{
    volatile double sink = row_named(kernels->isa)->read(block, bytes);
    (void)sink;
}

/* The best of rounds of less than a millisecond, so that an interruption costs nothing */
double nfi_fma_peak(const nfi_kernels *kernels, double seconds)
{
    const kernel_row *row = row_named(kernels->isa);
    peak_fn *peak = kernels->dtype == NF_F64 ? row->peak_f64 : row->peak_f32;
    volatile double sink = 0;
    double sum = 0, best = 0;
    const double end = now() + seconds;
    do {
        const double start = now();
        const double operations = peak(20000, &sum);
        const double rate = operations / (now() - start);
        if (rate > best) best = rate;
    } while (now() < end);
    sink = sum;
    (void)sink;
    return best * 1e-9;
}
