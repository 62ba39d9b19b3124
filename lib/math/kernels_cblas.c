/* SPDX-License-Identifier: MIT
 *
 * kernels_cblas.c - products by the CBLAS library; kernels_isa.c puts them beside the other kernels of its instruction set
 *
 * Packed weights are plain: W [k][m], then the bias. Bits depend on the library and on the batch. Stairs make a call of every run of
 * steps that are alike.
 */
#include <cblas.h>
#include <string.h>

#include "math/kernels_isa.h"
#include <nflow/nflow.h>

int64_t nfi_cblas_packed_count(int64_t k, int64_t m) { return (k + 1) * m; }

/* Columns [j, answer) of m have the rows [*from, *to) of k. */
static int64_t cblas_alike(const nfi_stairs *stairs, int64_t j, int64_t m, int64_t k, int64_t *from, int64_t *to)
{
    int64_t end = stairs ? j + NFI_STEP : m;
    *from = stairs && stairs->from ? stairs->from[j / NFI_STEP] : 0;
    *to = stairs && stairs->to ? stairs->to[j / NFI_STEP] : k;
    while (end < m && (!stairs->from || stairs->from[end / NFI_STEP] == *from) && (!stairs->to || stairs->to[end / NFI_STEP] == *to)) end += NFI_STEP;
    return end < m ? end : m;
}

#define CBLAS_KERNELS(real, suffix, gemm_call)                                                                         \
    void nfi_cblas_pack_##suffix(int64_t k, int64_t m, const void *w_, const void *bias, const void *scale_,           \
                                 void *packed_, void *turned_)                                                         \
    {                                                                                                                  \
        const real *w = w_, *scale = scale_;                                                                           \
        real *packed = packed_, *turned = turned_;                                                                     \
        for (int64_t i = 0; packed && i <= k; i++, packed += m) {                                                      \
            const real *from = i < k ? w + i * m : bias;                                                               \
            for (int64_t j = 0; j < m; j++) packed[j] = from ? (scale ? scale[j] : 1) * from[j] : 0;                   \
        }                                                                                                              \
        if (!turned) return;                                                                                           \
        for (int64_t i0 = 0; i0 < k; i0 += 16)                                                                         \
            for (int64_t j = 0; j < m; j++)                                                                            \
                for (int64_t i = i0; i < k && i < i0 + 16; i++) turned[j * k + i] = w[i * m + j];                      \
        for (int64_t i = 0; i < k; i++) turned[m * k + i] = 0;                                                         \
    }                                                                                                                  \
    void nfi_cblas_gemm_##suffix(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *packed,       \
                                 void *y_, int64_t ldy, const nfi_epilogue *epilogue)                               \
    {                                                                                                                  \
        real *y = y_;                                                                                                  \
        const real *bias = (const real *)packed + k * m;                                                               \
        if (n <= 0 || m <= 0) return;                                                                                  \
        const bool no_bias = epilogue && epilogue->no_bias;                                                            \
        for (int64_t i = 0; i < n; i++)                                                                                \
            for (int64_t j = 0; j < m; j++) y[i * ldy + j] = no_bias ? 0 : bias[j];                                    \
        const nfi_stairs *stairs = epilogue ? epilogue->stairs : NULL;                                                 \
        for (int64_t j = 0, end, from, to; j < m; j = end) {                                                           \
            end = cblas_alike(stairs, j, m, k, &from, &to);                                                            \
            if (from < to)                                                                                             \
                gemm_call(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)(end - j), (int)(to - from), 1,      \
                          (const real *)x + from, (int)ldx, (const real *)packed + from * m + j, (int)m, 1, y + j, (int)ldy); \
        }                                                                                                              \
        const int32_t kind = epilogue ? epilogue->kind : NFI_EPILOGUE_NONE;                                            \
        if (kind == NFI_EPILOGUE_RELU) {                                                                               \
            for (int64_t i = 0; i < n; i++)                                                                            \
                for (int64_t j = 0; j < m; j++) y[i * ldy + j] = y[i * ldy + j] <= 0 ? 0 : y[i * ldy + j];             \
        } else if (kind == NFI_EPILOGUE_RELU_MASK) {                                                                   \
            const real *mask = epilogue->mask;                                                                         \
            for (int64_t i = 0; i < n; i++)                                                                            \
                for (int64_t j = 0; j < m; j++)                                                                        \
                    y[i * ldy + j] = mask[i * epilogue->ld_mask + j] > 0 ? y[i * ldy + j] : 0;                         \
        }                                                                                                              \
    }                                                                                                                  \
    void nfi_cblas_gemm_tn_##suffix(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *dy,        \
                                    int64_t ldy, void *dw, const nfi_stairs *stairs)                                   \
    {                                                                                                                  \
        if (n <= 0 || k <= 0 || m <= 0) return;                                                                        \
        for (int64_t j = 0, end, from, to; j < m; j = end) {                                                           \
            end = cblas_alike(stairs, j, m, k, &from, &to);                                                            \
            if (from < to)                                                                                             \
                gemm_call(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(to - from), (int)(end - j), (int)n, 1,        \
                          (const real *)x + from, (int)ldx, (const real *)dy + j, (int)ldy, 1, (real *)dw + from * m + j, (int)m); \
        }                                                                                                              \
    }

CBLAS_KERNELS(float, f32, cblas_sgemm)
CBLAS_KERNELS(double, f64, cblas_dgemm)

/* What the library says of itself, where it says anything: looked up weakly, for there is no common call */
__attribute__((weak)) extern char *openblas_get_config(void);
__attribute__((weak)) extern char *openblas_get_corename(void);
__attribute__((weak)) extern const char *bli_info_get_version_str(void);

/* In a buffer of the calling thread: the library keeps nothing writable that threads share. */
const char *nf_blas_description(void)
{
    static _Thread_local char description[256];
    const char *core = NULL, *prefix = "", *text = "CBLAS";
    size_t length = 0;

    if (openblas_get_config) {
        text = openblas_get_config();
        core = openblas_get_corename ? openblas_get_corename() : NULL;
        if (core && strstr(text, core)) core = NULL;
    } else if (bli_info_get_version_str) {
        prefix = "BLIS ";
        text = bli_info_get_version_str();
    }
    const char *parts[4] = { prefix, text, core ? " " : "", core ? core : "" };
    for (int p = 0; p < 4; p++)
        for (const char *c = parts[p]; *c && length + 1 < sizeof description; c++) description[length++] = *c;
    while (length > 0 && description[length - 1] == ' ') length--;
    description[length] = 0;
    return description;
}
