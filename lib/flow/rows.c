/* SPDX-License-Identifier: MIT
 *
 * rows.c - moving rows between the caller's arrays and the chain's, in either precision
 *
 * Finiteness is read off the bits (exponent all ones), so that no flag or trap of the host matters.
 */
#include "flow/rows.h"
#include "core/fpenv.h"
#include "core/rng.h"
#include <nflow/config.h>
#include <stdbool.h>
#include <string.h>

static bool rows_finite_f32(int64_t n, const char *x)
{
    uint32_t worst = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + 4 * i, 4);
        bits &= 0x7f800000u;
        worst = bits > worst ? bits : worst;
    }
    return worst != 0x7f800000u;
}

static bool rows_finite_f64(int64_t n, const char *x)
{
    const uint64_t exponent = 0x7ff0000000000000u;
    uint64_t worst = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, x + 8 * i, 8);
        bits &= exponent;
        worst = bits > worst ? bits : worst;
    }
    return worst != exponent;
}

static bool rows_finite(int32_t dtype, int64_t n, const void *x)
{
    return dtype == NF_F32 ? rows_finite_f32(n, x) : rows_finite_f64(n, x);
}

static int64_t rows_width(int32_t dtype) { return dtype == NF_F32 ? 4 : 8; }

static void rows_fill(int32_t dtype, int64_t count, double value, void *x)
{
    const float narrow = (float)value;

    if (dtype == NF_F32)
        for (int64_t i = 0; i < count; i++) memcpy((char *)x + 4 * i, &narrow, 4); /* the address may be any */
    else
        for (int64_t i = 0; i < count; i++) memcpy((char *)x + 8 * i, &value, 8);
}

void nfi_rows_load(int32_t dtype, int64_t n, int64_t dim, const void *src, void *dst, uint8_t *bad)
{
    const int64_t bytes = dim * rows_width(dtype);

    if (n * dim > 0) memcpy(dst, src, (size_t)(n * bytes));
    for (int64_t i = 0; i < n; i++) {
        if (rows_finite(dtype, dim, (const char *)src + i * bytes)) continue;
        rows_fill(dtype, dim, 1.0, (char *)dst + i * bytes);
        bad[i] = 1;
    }
}

void nfi_fill_nan(int32_t dtype, int64_t count, void *x) { rows_fill(dtype, count, (double)__builtin_nanf(""), x); }

void nfi_rows_spoil(int32_t dtype, int64_t n, int64_t dim, void *x, const uint8_t *bad)
{
    for (int64_t i = 0; i < n; i++)
        if (bad[i]) nfi_fill_nan(dtype, dim, (char *)x + i * dim * rows_width(dtype));
}

void nfi_rows_mark(int32_t dtype, int64_t n, int64_t dim, const void *x, uint8_t *bad)
{
    for (int64_t i = 0; i < n; i++)
        if (!rows_finite(dtype, dim, (const char *)x + i * dim * rows_width(dtype))) bad[i] = 1;
}

/* FNV-1a over 32-bit words, finished by the mixer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t rows_hash_words(uint64_t h, int64_t bytes, const char *x)
{
    for (int64_t i = 0; i < bytes; i += 4) {
        uint32_t word;
        memcpy(&word, x + i, 4);
        h = (h ^ word) * 0x100000001b3u;
    }
    return nfi_mix(h);
}

void nfi_rows_hash(int64_t n, int64_t bytes_x, const void *x, int64_t bytes_cond, const void *cond, uint64_t *key)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t h = rows_hash_words(0xcbf29ce484222325u, bytes_x, (const char *)x + i * bytes_x);
        key[i] = bytes_cond ? rows_hash_words(h, bytes_cond, (const char *)cond + i * bytes_cond) : h;
    }
}

void nfi_rows_copy(int64_t n, int64_t bytes, const void *src, int64_t ld_src, void *dst, int64_t ld_dst)
{
    for (int64_t i = 0; i < n; i++) memcpy((char *)dst + i * ld_dst, (const char *)src + i * ld_src, (size_t)bytes);
}

void nfi_rows_convert(int32_t dtype, int64_t count, const void *src, void *dst)
{
    const uint64_t fpenv = nfi_fpenv_enter();

    if (dtype == NF_F32)
        for (int64_t i = 0; i < count; i++) ((float *)dst)[i] = (float)((const double *)src)[i];
    else
        for (int64_t i = 0; i < count; i++) ((double *)dst)[i] = (double)((const float *)src)[i];
    nfi_fpenv_leave(fpenv);
}

int64_t nfi_first_nonfinite(int32_t dtype, int64_t count, const void *x)
{
    for (int64_t i = 0; i < count; i++)
        if (!rows_finite(dtype, 1, (const char *)x + i * rows_width(dtype))) return i;
    return -1;
}
