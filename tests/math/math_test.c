/* SPDX-License-Identifier: MIT
 *
 * math_test.c - products, vector functions, normals, scalar functions, LU
 *
 * Every table that the machine has against references: products against long sums in double (CBLAS dgemm in f32's case),
 * functions against long double libm in units in the last place.
 */
#include <cblas.h>
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "math/functions.h"
#include "math/gamma.h"
#include "math/kernels.h"
#include "math/linalg.h"
#include <nflow/nflow.h>

#define N_ISAS 5
static const int32_t isas[N_ISAS] = { NF_ISA_BASELINE, NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON, 0 };

static uint64_t draws;
static double draw(void) { return 2 * nfi_uniform(11, NFI_STREAM_CHECK, draws++) - 1; }
static int64_t draw_size(int64_t most) { return 1 + (int64_t)(nfi_random_u64(12, NFI_STREAM_CHECK, draws++) % (uint64_t)most); }
static int64_t up16(int64_t n) { return (n + 15) / 16 * 16; }

/* Arrays of either dtype */
static double get(const nfi_kernels *k, const void *a, int64_t i)
{
    return k->dtype == NF_F32 ? (double)((const float *)a)[i] : ((const double *)a)[i];
}
static void set(const nfi_kernels *k, void *a, int64_t i, double value)
{
    if (k->dtype == NF_F32) ((float *)a)[i] = (float)value;
    else ((double *)a)[i] = value;
}
static void *make(const nfi_kernels *k, int64_t n)
{
    const size_t bytes = ((size_t)(n * k->size) + 127) / 64 * 64;
    void *a = aligned_alloc(64, bytes);
    ck_assert_ptr_nonnull(a);
    memset(a, 0, bytes);
    return a;
}
static void *make_random(const nfi_kernels *k, int64_t n)
{
    void *a = make(k, n);
    for (int64_t i = 0; i < n; i++) set(k, a, i, draw());
    return a;
}
static double *widen(const nfi_kernels *k, const void *a, int64_t n)
{
    double *w = malloc((size_t)(n + 1) * sizeof(double));
    for (int64_t i = 0; i < n; i++) w[i] = get(k, a, i);
    return w;
}

static void check_products(const nfi_kernels *t, int64_t n, int64_t k, int64_t m, int32_t kind)
{
    const int64_t ldx = up16(k), ldy = up16(m) + 16;
    const double bound_one = t->dtype == NF_F32 ? 0x1p-23 : 0x1p-51, bound = (double)(k + n + 4) * bound_one;
    void *w = make_random(t, k * m), *bias = make_random(t, m), *x = make_random(t, n * ldx);
    void *packed = make_random(t, t->packed_count(k, m)), *y = make(t, n * ldy), *mask = make_random(t, n * ldy);
    double *w2 = widen(t, w, k * m), *x2 = widen(t, x, n * ldx), *r = calloc((size_t)(n * m + 1), sizeof(double));
    for (int64_t i = 0; i < n * ldy; i++) set(t, y, i, 77);
    void *packed_t = make_random(t, t->packed_count(m, k)), *dx = make(t, n * ldx);
    t->pack(k, m, w, bias, NULL, packed, packed_t);
    double worst = 0;
    int beyond = 0;
    const nfi_epilogue e = { .kind = kind, .mask = mask, .ld_mask = ldy };
    t->gemm(n, k, m, x, ldx, packed, y, ldy, kind ? &e : NULL);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)k, 1, x2, (int)ldx, w2, (int)m, 0, r, (int)m);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double expected = r[i * m + j] + get(t, bias, j);
            if (kind == NFI_EPILOGUE_RELU) expected = expected > 0 ? expected : 0;
            if (kind == NFI_EPILOGUE_RELU_MASK) expected = get(t, mask, i * ldy + j) > 0 ? expected : 0;
            worst = fmax(worst, fabs(get(t, y, i * ldy + j) - expected) / bound);
        }
        for (int64_t j = up16(m); j < ldy; j++) beyond += get(t, y, i * ldy + j) != 77; /* NOLINT */
    }
    ck_assert_msg(worst <= 1, "%s gemm %lld %lld %lld", t->isa, (long long)n, (long long)k, (long long)m);
    ck_assert_int_eq(beyond, 0);

    /* y W^T: dx */
    t->gemm(n, m, k, mask, ldy, packed_t, dx, ldx, NULL);
    double *g2 = widen(t, mask, n * ldy), *r2 = calloc((size_t)(n * k + 1), sizeof(double));
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)k, (int)m, 1, g2, (int)ldy, w2, (int)m, 0, r2, (int)k);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++)
            worst = fmax(worst, fabs(get(t, dx, i * ldx + j) - r2[i * k + j]) / ((double)(m + 4) * bound_one));
    ck_assert_msg(worst <= 1, "%s transposed %lld %lld %lld", t->isa, (long long)n, (long long)k, (long long)m);

    /* x^T y, at an odd address, and no further */
    void *dw = make(t, k * m + 4);
    double *r3 = calloc((size_t)(k * m + 1), sizeof(double));
    for (int64_t i = 0; i < k * m + 4; i++) set(t, dw, i, 0.5);
    for (int64_t i = 0; i < k * m; i++) r3[i] = 0.5;
    t->gemm_tn(n, k, m, x, ldx, mask, ldy, (char *)dw + t->size, NULL);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)m, (int)n, 1, x2, (int)ldx, g2, (int)ldy, 1, r3, (int)m);
    for (int64_t i = 0; i < k * m; i++) worst = fmax(worst, fabs(get(t, dw, i + 1) - r3[i]) / bound);
    ck_assert_msg(worst <= 1, "%s gemm_tn %lld %lld %lld", t->isa, (long long)n, (long long)k, (long long)m);
    ck_assert(get(t, dw, 0) == 0.5 && get(t, dw, k * m + 1) == 0.5 && get(t, dw, k * m + 2) == 0.5); /* NOLINT */
    free(w), free(bias), free(x), free(packed), free(y), free(mask), free(w2), free(x2), free(r);
    free(packed_t), free(dx), free(g2), free(r2), free(dw), free(r3);
}

START_TEST(products)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    for (int64_t n = 1; n <= 13; n++)
        for (int64_t m = 1; m <= 49; m += 4) check_products(t, n, draw_size(20), m, (int32_t)(m / 4 % 3));
    for (int i = 0; i < 60; i++) check_products(t, draw_size(300), draw_size(300), draw_size(300), i % 3);
    for (int64_t m = 1; m <= 40; m++) check_products(t, 2, m, 41 - m, 0);
    check_products(t, 50, 1024, 40, 1); /* rows of x 4 KiB apart */
    check_products(t, 25, 512 + 7, 1024, 2);
}
END_TEST

/* Stairs: what they leave out is not read, and the rest has the bits that products with zeros have, whatever the batch. */
enum { STAIRS_TO, STAIRS_FROM, STAIRS_BOTH, N_STAIRS };
static void draw_stairs(int form, int64_t k, int64_t steps, int64_t *from, int64_t *to)
{
    for (int64_t s = 0; s < steps; s++) {
        from[s] = form == STAIRS_TO ? 0 : form == STAIRS_FROM ? k * s / steps : draw_size(k + 1) - 1;
        to[s] = form == STAIRS_FROM ? k : form == STAIRS_TO ? k * (s + 1) / steps : from[s] + draw_size(k - from[s] + 1) - 1;
    }
}

static void check_stairs(const nfi_kernels *t, int64_t n, int64_t k, int64_t m, int form, int32_t kind)
{
    const int64_t ldx = up16(k), ldy = up16(m), steps = (m + NFI_STEP - 1) / NFI_STEP;
    int64_t from[64], to[64];
    draw_stairs(form, k, steps, from, to);
    const nfi_stairs stairs = { .from = form == STAIRS_TO ? NULL : from, .to = form == STAIRS_FROM ? NULL : to };
    void *w = make_random(t, k * m), *bias = make_random(t, m), *x = make_random(t, n * ldx), *mask = make_random(t, n * ldy);
    void *full = make(t, t->packed_count(k, m)), *part = make(t, t->packed_count(k, m)), *dw0 = make_random(t, k * m), *dw = make(t, k * m);
    void *y0 = make(t, n * ldy), *y = make(t, n * ldy);
    memcpy(dw, dw0, (size_t)(k * m * t->size));
    for (int32_t other = 0; other < 2; other++) { /* outside: zeros, then NaN */
        for (int64_t i = 0; i < k * m; i++) {
            const int64_t row = i / m, s = i % m / NFI_STEP;
            if (row < from[s] || row >= to[s]) set(t, w, i, other ? (double)NAN : 0.0);
        }
        t->pack(k, m, w, bias, NULL, other ? part : full, NULL);
    }
    const nfi_epilogue e0 = { .kind = kind, .mask = mask, .ld_mask = ldy, .no_bias = form == STAIRS_BOTH };
    nfi_epilogue e = e0;
    e.stairs = &stairs;
    t->gemm(n, k, m, x, ldx, full, y0, ldy, &e0);
    t->gemm(n, k, m, x, ldx, part, y, ldy, &e);
    t->gemm_tn(n, k, m, x, ldx, mask, ldy, dw0, NULL);
    t->gemm_tn(n, k, m, x, ldx, mask, ldy, dw, &stairs);
    const double bound = strcmp(t->isa, "cblas") != 0 ? 0 : (double)(k + n + 4) * (t->dtype == NF_F32 ? 0x1p-23 : 0x1p-51);
    int64_t differ = 0;
    for (int64_t i = 0; i < n * m; i++) differ += !(fabs(get(t, y, i / m * ldy + i % m) - get(t, y0, i / m * ldy + i % m)) <= bound);
    for (int64_t i = 0; i < k * m; i++) differ += !isnan(get(t, w, i)) && !(fabs(get(t, dw, i) - get(t, dw0, i)) <= bound);
    ck_assert_msg(differ == 0, "%s n %lld k %lld m %lld form %d", t->isa, (long long)n, (long long)k, (long long)m, form);
    free(w), free(bias), free(x), free(mask), free(full), free(part), free(dw0), free(dw), free(y0), free(y);
}

START_TEST(stairs)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    for (int form = 0; form < N_STAIRS; form++) {
        for (int64_t n = 1; n <= 14; n++) check_stairs(t, n, draw_size(180), 200 + draw_size(200), form, (int32_t)(n % 3));
        for (int64_t m = 1; m <= 5; m++) check_stairs(t, 20, m == 3 ? 18 : 9, m, form, 0);
        check_stairs(t, 1, 50, 512, form, 0);
        check_stairs(t, 150, 86, 256, form, 2);
    }
}
END_TEST

/* dw of what stairs leave out is not touched. */
START_TEST(stairs_leave_gradients_alone)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    const int64_t k = 30, m = 70, to[] = { 4, 17, 30 };
    const nfi_stairs one = { .to = to };
    void *x = make_random(t, 9 * 32), *g = make_random(t, 9 * 80), *dw = make(t, k * m);
    t->gemm_tn(9, k, m, x, 32, g, 80, dw, &one);
    for (int64_t i = 0; i < k * m; i++) ck_assert_int_eq(get(t, dw, i) != 0.0, i / m < to[i % m / NFI_STEP]); /* NOLINT */
    free(x), free(g), free(dw);
}
END_TEST

/* Every element once in its place, whatever the shape; what lies between rows stays. */
static void check_turn(const nfi_kernels *t, int64_t n, int64_t m, int64_t ld, int64_t ld_to)
{
    void *x = make_random(t, n * ld), *y = make_random(t, m * ld_to), *before = make(t, m * ld_to);
    int64_t differ = 0;
    memcpy(before, y, (size_t)(m * ld_to * t->size));
    t->turn(n, m, x, ld, y, ld_to);
    for (int64_t i = 0; i < m * ld_to; i++) {
        const int64_t j = i / ld_to, row = i % ld_to;
        differ += get(t, y, i) != (row < n ? get(t, x, row * ld + j) : get(t, before, i)); /* NOLINT */
    }
    ck_assert_msg(differ == 0, "%s turn %lld %lld", t->isa, (long long)n, (long long)m);
    free(x), free(y), free(before);
}

START_TEST(turn)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    for (int64_t n = 1; n <= 11; n++)
        for (int64_t m = 1; m <= 11; m++) check_turn(t, n, m, m + n % 3, n + m % 4);
    check_turn(t, 43, 23, 23, 256);
    check_turn(t, 23, 256, 256, 23);
}
END_TEST

/* The product turned, against three loops; and with the bits of gemm */
static void check_turned(const nfi_kernels *t, int64_t ld, int64_t k, int64_t m, int64_t step, bool biased)
{
    const int64_t out = m * step, ldx = up16(k), ldy = up16(m);
    const double bound = (double)(k + m + 4) * (t->dtype == NF_F32 ? 0x1p-23 : 0x1p-51);
    void *w = make_random(t, k * out), *bias = make_random(t, out), *x = make_random(t, k * ld), *y = make(t, m * ld + 16);
    void *dense = make(t, k * m), *dense_bias = make(t, m), *rows = make(t, ld * ldx), *z = make(t, ld * ldy), *packed = make(t, t->packed_count(k, m));
    for (int64_t i = 0; i < m * ld + 16; i++) set(t, y, i, 77);
    t->gemm_turned(ld, k, m, w, out, step, biased ? bias : NULL, x, y);
    for (int64_t i = 0; i < k * m; i++) set(t, dense, i, get(t, w, i / m * out + i % m * step));
    for (int64_t j = 0; j < m; j++) set(t, dense_bias, j, get(t, bias, j * step));
    for (int64_t i = 0; i < k * ld; i++) set(t, rows, i % ld * ldx + i / ld, get(t, x, i));
    t->pack(k, m, dense, biased ? dense_bias : NULL, NULL, packed, NULL);
    t->gemm(ld, k, m, rows, ldx, packed, z, ldy, NULL);
    int64_t differ = 0;
    for (int64_t j = 0; j < m; j++)
        for (int64_t r = 0; r < ld; r++) {
            double expected = biased ? get(t, bias, j * step) : 0;
            for (int64_t i = 0; i < k; i++) expected += get(t, w, i * out + j * step) * get(t, x, i * ld + r);
            differ += !(fabs(get(t, y, j * ld + r) - expected) <= bound);
            if (strcmp(t->isa, "cblas") != 0) differ += get(t, y, j * ld + r) != get(t, z, r * ldy + j); /* NOLINT */
        }
    ck_assert_msg(differ == 0, "%s gemm_turned %lld %lld %lld", t->isa, (long long)ld, (long long)k, (long long)m);
    for (int64_t i = m * ld; i < m * ld + 16; i++) ck_assert(get(t, y, i) == 77); /* NOLINT */
    /* W^T of the same block: columns of w as rows */
    t->gemm_turned(ld, m, k, w, step, out, NULL, y, x);
    for (int64_t i = 0; i < k; i++) {
        double expected = 0, size = 1;
        for (int64_t j = 0; j < m; j++) expected += get(t, w, i * out + j * step) * get(t, y, j * ld), size += fabs(get(t, y, j * ld));
        ck_assert(fabs(get(t, x, i * ld) - expected) <= bound * size);
    }
    free(w), free(bias), free(x), free(y), free(dense), free(dense_bias), free(rows), free(z), free(packed);
}

START_TEST(turned_products)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    for (int64_t m = 1; m <= 9; m++) check_turned(t, 16 * (m % 4 + 1), m * 3 % 7, m, m % 3 + 1, m % 2);
    for (int i = 0; i < 20; i++) check_turned(t, 16 * draw_size(9), draw_size(80), draw_size(50), draw_size(3), i % 2);
}
END_TEST

START_TEST(relu_keeps_nan)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    void *w = make(t, 1), *packed = make(t, t->packed_count(1, 1)), *x = make(t, 16), *y = make(t, 16);
    set(t, w, 0, 1);
    set(t, x, 0, NAN);
    t->pack(1, 1, w, NULL, NULL, packed, NULL);
    const nfi_epilogue e = { .kind = NFI_EPILOGUE_RELU };
    t->gemm(1, 1, 1, x, 16, packed, y, 16, &e);
    ck_assert(isnan(get(t, y, 0)));
    free(w), free(packed), free(x), free(y);
}
END_TEST

/* A row alone has the bits it has in any batch; AVX2, AVX-512 and NEON agree, as each agrees with scalar FMA */
START_TEST(rows_have_their_own_bits)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    static const int64_t batches[] = { 1, 2, 3, 7, 16, 33, 64, 100 }, ks[] = { 1, 7, 150, 1024 }, ms[] = { 1, 2, 3, 4, 15, 17, 40, 150, 256 };
    for (size_t s = 0; s < sizeof ks / sizeof ks[0] * (sizeof ms / sizeof ms[0]); s++) {
        const int64_t k = ks[s % 4], m = ms[s / 4], ldx = up16(k), ldy = up16(m);
        const nfi_kernels *base = nfi_kernels_isa(NF_ISA_BASELINE, dtype);
        void *w = make_random(base, k * m), *bias = make_random(base, m), *x = make_random(base, 100 * ldx);
        void *y = make(base, 100 * ldy), *y0 = make(base, 100 * ldy), *dw = make(base, k * m), *dw0 = make(base, k * m);
        void *dy = make_random(base, 100 * ldy);
        bool first = true;
        for (int i = 0; i < N_ISAS - 1; i++) {
            const nfi_kernels *t = nfi_kernels_isa(isas[i], dtype);
            if (!t) continue;
            void *packed = make(t, t->packed_count(k, m));
            t->pack(k, m, w, bias, NULL, packed, NULL);
            const bool fused = isas[i] != NF_ISA_BASELINE;
            for (size_t b = 0; b < 8; b++) {
                for (int64_t r = 0; r < 100; r += batches[b]) {
                    const int64_t n = r + batches[b] <= 100 ? batches[b] : 100 - r;
                    t->gemm(n, k, m, (char *)x + r * ldx * t->size, ldx, packed, (char *)y + r * ldy * t->size, ldy, NULL);
                }
                if (b == 0 && (!fused || first)) memcpy(y0, y, (size_t)(100 * ldy * t->size));
                int differ = 0;
                for (int64_t r = 0; r < 100; r++)
                    differ += memcmp((char *)y + r * ldy * t->size, (char *)y0 + r * ldy * t->size, (size_t)(m * t->size)) != 0;
                ck_assert_msg(differ == 0, "%s %lld %lld batch %lld", t->isa, (long long)k, (long long)m, (long long)batches[b]);
            }
            /* gemm_tn: whole, and in two halves */
            memset(dw, 0, (size_t)(k * m * t->size));
            t->gemm_tn(100, k, m, x, ldx, dy, ldy, dw, NULL);
            if (!fused || first) memcpy(dw0, dw, (size_t)(k * m * t->size));
            ck_assert_mem_eq(dw, dw0, (size_t)(k * m * t->size));
            memset(dw, 0, (size_t)(k * m * t->size));
            t->gemm_tn(37, k, m, x, ldx, dy, ldy, dw, NULL);
            t->gemm_tn(63, k, m, (char *)x + 37 * ldx * t->size, ldx, (char *)dy + 37 * ldy * t->size, ldy, dw, NULL);
            ck_assert_mem_eq(dw, dw0, (size_t)(k * m * t->size));
            if (fused) first = false;
            free(packed);
        }
        free(w), free(bias), free(x), free(y), free(y0), free(dw), free(dw0), free(dy);
    }
}
END_TEST

/* Functions */
typedef void vector_fn(int64_t n, const void *x, void *y);
static long double ref_sigmoid(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static long double ref_softplus(long double x) { return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))); }
static long double ref_log_sigmoid(long double x) { return -ref_softplus(-x); }

/* |value - reference| in units of the last place of the reference in the dtype */
static double ulps(int32_t dtype, double value, long double reference)
{
    const double rounded = dtype == NF_F32 ? (double)(float)reference : (double)reference;
    if (isnan(value) && isnan(rounded)) return 0;
    if (isinf(value) || isinf(rounded)) return value == rounded ? 0 : 1e9; /* NOLINT */
    int exponent;
    (void)frexpl(reference, &exponent);
    const int digits = dtype == NF_F32 ? 24 : 53, least = dtype == NF_F32 ? -149 : -1074;
    const int place = exponent - digits > least ? exponent - digits : least;
    return (double)fabsl(ldexpl((long double)value - reference, -place));
}

typedef struct function_row {
    const char *name;
    long double (*reference)(long double);
    double low, high;   /* range, uniform */
    int32_t logarithmic; /* instead: over all positive numbers */
    double bound_f32, bound_f64;
} function_row;
static const function_row functions[] = {
    { "exp", expl, -110, 92, 0, 1.5, 1.5 },           { "exp", expl, -760, 715, 0, 1.5, 1.5 },
    { "exp", expl, -1, 1, 0, 1.5, 1.5 },              { "log", logl, 0, 0, 1, 1.5, 1.5 },
    { "log", logl, 0.5, 2, 0, 1.5, 1.5 },             { "tanh", tanhl, -10, 10, 0, 2.5, 2.5 },
    { "tanh", tanhl, -1, 1, 0, 2.5, 2.5 },            { "tanh", tanhl, -1e-3, 1e-3, 0, 2.5, 2.5 },
    { "sigmoid", ref_sigmoid, -110, 40, 0, 2.5, 2.5 },  { "sigmoid", ref_sigmoid, -3, 3, 0, 2.5, 2.5 },
    { "softplus", ref_softplus, -110, 40, 0, 2.5, 2.5 }, { "softplus", ref_softplus, -3, 3, 0, 2.5, 2.5 },
};
static vector_fn *function_of(const nfi_kernels *t, const char *name)
{
    return strcmp(name, "exp") == 0 ? t->exp : strcmp(name, "log") == 0 ? t->log : strcmp(name, "tanh") == 0 ? t->tanh
         : strcmp(name, "sigmoid") == 0 ? t->sigmoid : t->softplus;
}

#define N_POINTS 100000
START_TEST(vector_functions)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    void *x = make(t, N_POINTS), *y = make(t, N_POINTS), *z = make(t, 64);
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        const function_row *row = &functions[f];
        vector_fn *fn = function_of(t, row->name);
        for (int64_t i = 0; i < N_POINTS; i++) {
            const double u = draw();
            set(t, x, i, row->logarithmic ? exp2(u * (t->dtype == NF_F32 ? 149 : 1074))
                                          : row->low + (row->high - row->low) * (0.5 * u + 0.5));
        }
        fn(N_POINTS, x, y);
        double worst = 0;
        for (int64_t i = 0; i < N_POINTS; i++) {
            const double e = ulps(t->dtype, get(t, y, i), row->reference((long double)get(t, x, i)));
            if (e > worst) worst = e;
        }
        if (getenv("NFLOW_TEST_VERBOSE")) printf("%s f%d %s [%g, %g]: %.2f ulp\n", t->isa, 8 * t->size, row->name, row->low, row->high, worst);
        ck_assert_msg(worst <= (t->dtype == NF_F32 ? row->bound_f32 : row->bound_f64), "%s %s f%d: %g ulp", t->isa, row->name, 8 * t->size, worst);
        /* wherever an element stands, and in place */
        for (int64_t n = 1; n < 40; n++) {
            memcpy(z, (char *)x + n * t->size, (size_t)(n * t->size));
            fn(n, z, z);
            ck_assert_mem_eq(z, (char *)y + n * t->size, (size_t)(n * t->size));
        }
    }
    free(x), free(y), free(z);
}
END_TEST

static void check_special(const nfi_kernels *t, const char *name, double x, double expected)
{
    void *in = make(t, 1), *out = make(t, 1);
    set(t, in, 0, x);
    function_of(t, name)(1, in, out);
    const double y = get(t, out, 0);
    ck_assert_msg(isnan(expected) ? isnan(y) : y == expected && signbit(y) == signbit(expected), "%s %s(%g) = %g", t->isa, name, x, y);
    free(in), free(out);
}
START_TEST(special_values)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    const double least = t->dtype == NF_F32 ? 0x1p-149 : 0x1p-1074;
    static const char *const names[] = { "exp", "log", "tanh", "sigmoid", "softplus" };
    for (int i = 0; i < 5; i++) check_special(t, names[i], NAN, NAN);
    check_special(t, "exp", INFINITY, INFINITY), check_special(t, "exp", -INFINITY, 0), check_special(t, "exp", 0, 1);
    check_special(t, "exp", -0.0, 1), check_special(t, "log", 0, -INFINITY), check_special(t, "log", -0.0, -INFINITY);
    check_special(t, "log", -1, NAN), check_special(t, "log", -INFINITY, NAN), check_special(t, "log", INFINITY, INFINITY);
    check_special(t, "log", 1, 0), check_special(t, "tanh", 0, 0), check_special(t, "tanh", -0.0, -0.0);
    check_special(t, "tanh", INFINITY, 1), check_special(t, "tanh", -INFINITY, -1), check_special(t, "tanh", least, least);
    check_special(t, "sigmoid", INFINITY, 1), check_special(t, "sigmoid", -INFINITY, 0), check_special(t, "sigmoid", 0, 0.5);
    check_special(t, "softplus", INFINITY, INFINITY), check_special(t, "softplus", -INFINITY, 0);
}
END_TEST

/* Values, slopes and curves of activations against formulas in long double */
static long double phi(int a, long double u, int order)
{
    const long double s = ref_sigmoid(u), t = ref_sigmoid(-u), h = tanhl(u);
    switch (a * 3 + order) {
    case 0: return u > 0 ? u : 0;
    case 1: return u > 0;
    case 3: return u > 0 ? u : 0.01L * u;
    case 4: return u > 0 ? 1 : 0.01L;
    case 6: return h;
    case 7: return 1 - h * h;
    case 8: return -2 * h * (1 - h * h);
    case 9: return ref_softplus(u);
    case 10: return s;
    case 11: return s * t;
    case 12: return u * s;
    case 13: return s + u * s * t;
    case 14: return s * t * (2 + u * (t - s));
    case 15: return u > 0 ? u : expm1l(u);
    case 16: return u > 0 ? 1 : expl(u);
    case 17: return u > 0 ? 0 : expl(u);
    default: return 0;
    }
}
START_TEST(activation_rows)
{
    const nfi_kernels *t = nfi_kernels_isa(isas[_i / 2], _i % 2 ? NF_F64 : NF_F32);
    if (!t) return;
    const int64_t n = 1003;
    const double eps = t->dtype == NF_F32 ? 0x1p-23 : 0x1p-52;
    void *u = make(t, n), *h = make(t, n), *g = make(t, n);
    for (int64_t i = 0; i < n; i++) set(t, u, i, 8 * draw());
    for (int a = 0; a < NFI_N_ACTIVATIONS; a++) {
        const nfi_activation *row = &t->activations[a];
        ck_assert((row->curve == NULL) == (a < 2));
        row->value(n, u, h);
        for (int order = 0; order < (row->curve ? 3 : 2); order++) {
            for (int64_t i = 0; i < n; i++) set(t, g, i, 1.5);
            if (order > 0) (order == 1 ? row->slope : row->curve)(n, row->saves_input ? u : h, g);
            for (int64_t i = 0; i < n; i++) {
                const double expected = (double)phi(a, (long double)get(t, u, i), order) * (order ? 1.5 : 1);
                const double y = get(t, order ? g : h, i);
                if (!(fabs(y - expected) <= 8 * eps * (1 + fabs(expected))))
                    ck_abort_msg("%s %s order %d at %g: %g, not %g", t->isa,
                              row->name, order, get(t, u, i), y, expected);
            }
        }
        const double ends[3] = { INFINITY, -INFINITY, NAN };
        for (int i = 0; i < 3; i++) {
            set(t, h, 0, ends[i]);
            row->value(1, h, h);
            const double low[6] = { 0, -INFINITY, -1, 0, 0, -1 }, y = get(t, h, 0);
            if (i == 2) ck_assert(isnan(y));
            else ck_assert_msg(y == (i == 0 ? (a == 2 ? 1 : INFINITY) : low[a]), "%s(%g) = %g", row->name, ends[i], y); /* NOLINT */
            if (row->saves_input) set(t, h, 0, ends[i]);
            set(t, g, 0, 1);
            row->slope(1, h, g);
            if (i < 2) ck_assert(!isnan(get(t, g, 0)));
        }
    }
    free(u), free(h), free(g);
}
END_TEST

/* Tables with FMA agree bit for bit */
START_TEST(functions_agree)
{
    const int32_t dtype = _i ? NF_F64 : NF_F32;
    const nfi_kernels *a = nfi_kernels_isa(NF_ISA_AVX2, dtype), *b = nfi_kernels_isa(NF_ISA_AVX512, dtype);
    if (!a || !b) return;
    const int64_t n = 20001;
    void *x = make(a, n), *y = make(a, n), *z = make(a, n);
    for (int64_t i = 0; i < n; i++) set(a, x, i, 100 * draw() * draw() * draw());
    static const char *const names[] = { "exp", "log", "tanh", "sigmoid", "softplus" };
    for (int i = 0; i < 5; i++) {
        function_of(a, names[i])(n, x, y);
        function_of(b, names[i])(n, x, z);
        int differ = 0;
        for (int64_t j = 0; j < n; j++)
            if (!isnan(get(a, y, j)) || !isnan(get(a, z, j)))
                differ += memcmp((char *)y + j * a->size, (char *)z + j * a->size, (size_t)a->size) != 0;
        ck_assert_msg(differ == 0, "%s: %d values", names[i], differ);
    }
    for (int i = 0; i < NFI_N_ACTIVATIONS; i++) {
        for (int order = 0; order < 3; order++) {
            memcpy(y, x, (size_t)(n * a->size));
            memcpy(z, x, (size_t)(n * a->size));
            const nfi_activation *p = &a->activations[i], *q = &b->activations[i];
            if (order == 0) p->value(n, y, y), q->value(n, z, z);
            else if (order == 1) p->slope(n, x, y), q->slope(n, x, z);
            else if (p->curve) p->curve(n, x, y), q->curve(n, x, z);
            ck_assert_mem_eq(y, z, (size_t)(n * a->size));
        }
    }
    free(x), free(y), free(z);
}
END_TEST

START_TEST(normals)
{
    const int64_t n = 200000;
    double *x = malloc((size_t)n * sizeof(double)), *y = malloc((size_t)n * sizeof(double)), sum[5] = { 0 };
    const nfi_kernels *best = nfi_kernels_isa(nfi_best_isa(), NF_F32);
    best->normal(5, 3, 7, n, x);
    for (int64_t i = 0; i < 500; i++) {
        const double one = nfi_normal(5, 3, 7 + (uint64_t)i);
        ck_assert_mem_eq(&one, &x[i], sizeof one);
    }
    for (int64_t first = 0; first < 40; first++) {
        best->normal(5, 3, 7 + (uint64_t)first, 41, y);
        ck_assert_mem_eq(y, x + first, 41 * sizeof(double));
    }
    for (int i = 0; i < N_ISAS; i++) {
        const nfi_kernels *t = nfi_kernels_isa(isas[i], NF_F64);
        if (!t) continue;
        t->normal(5, 3, 7, n, y);
        if (isas[i] != NF_ISA_BASELINE) ck_assert_mem_eq(x, y, (size_t)n * sizeof(double));
        double worst = 0;
        for (int64_t j = 0; j < n; j++) worst = fmax(worst, fabs(x[j] - y[j]));
        ck_assert_double_le(worst, 1e-14);
        ck_assert_ptr_eq(t->f64, t);
        ck_assert_ptr_eq(nfi_kernels_isa(isas[i], NF_F32)->f64, t);
    }
    /* the definition */
    for (uint64_t i = 0; i < 4000; i++) {
        uint32_t w[4];
        const uint64_t at = i < 2000 ? i + 7 : i + ((uint64_t)1 << 40);
        nfi_random_block(5, 3, at / 2, w);
        const long double u1 = ldexpl((long double)((w[0] | (uint64_t)w[1] << 32) >> 11) + 0.5L, -53);
        const long double u2 = ldexpl((long double)((w[2] | (uint64_t)w[3] << 32) >> 11) + 0.5L, -53);
        const long double angle = 2 * 3.141592653589793238462643L * u2, r = sqrtl(-2 * logl(u1));
        ck_assert_double_le(fabs(nfi_normal(5, 3, at) - (double)(r * (at % 2 ? sinl(angle) : cosl(angle)))), 1e-14);
    }
    for (int64_t i = 0; i < n; i++)
        for (int p = 1; p <= 4; p++) sum[p] += pow(x[i], p) / (double)n;
    ck_assert_double_le(fabs(sum[1]), 5 / sqrt((double)n));
    ck_assert_double_le(fabs(sum[2] - 1), 5 * sqrt(2 / (double)n));
    ck_assert_double_le(fabs(sum[3]), 5 * sqrt(15 / (double)n));
    ck_assert_double_le(fabs(sum[4] - 3), 5 * sqrt(96 / (double)n));
    free(x), free(y);
}
END_TEST

typedef struct scalar_row {
    const char *name;
    double (*fn)(double);
    long double (*reference)(long double);
    double low, high;
    double bound;
} scalar_row;
static const scalar_row scalars[] = {
    { "exp", nfi_exp, expl, -760, 715, 1 },
    { "exp", nfi_exp, expl, -1, 1, 1 },
    { "expm1", nfi_expm1, expm1l, -40, 40, 2 },
    { "expm1", nfi_expm1, expm1l, -1, 1, 2 },
    { "log", nfi_log, logl, 0, 1e6, 1 },
    { "log", nfi_log, logl, 0.5, 2, 1 },
    { "log", nfi_log, logl, 0, 1e-310, 1 },
    { "log1p", nfi_log1p, log1pl, -1, 4, 1 },
    { "log1p", nfi_log1p, log1pl, -1e-5, 1e-5, 1 },
    { "log1p", nfi_log1p, log1pl, 0, 1e20, 1 },
    { "tanh", nfi_tanh, tanhl, -25, 25, 2.5 },
    { "tanh", nfi_tanh, tanhl, -1, 1, 2.5 },
    { "sigmoid", nfi_sigmoid, ref_sigmoid, -750, 40, 2.5 },
    { "sigmoid", nfi_sigmoid, ref_sigmoid, -3, 3, 2.5 },
    { "softplus", nfi_softplus, ref_softplus, -740, 40, 2 },
    { "softplus", nfi_softplus, ref_softplus, -3, 3, 2 },
    { "log_sigmoid", nfi_log_sigmoid, ref_log_sigmoid, -40, 40, 2 },
    { "sin", nfi_sin, sinl, -1e5, 1e5, 1 },
    { "sin", nfi_sin, sinl, -4, 4, 1 },
    { "cos", nfi_cos, cosl, -1e5, 1e5, 1 },
    { "cos", nfi_cos, cosl, -4, 4, 1 },
    { "sqrt", nfi_sqrt, sqrtl, 0, 1e9, 0.51 },
    { "floor", nfi_floor, floorl, -1e9, 1e9, 0 },
};
START_TEST(scalar_functions)
{
    const scalar_row *row = &scalars[_i];
    double worst = 0;
    for (int64_t i = 0; i < N_POINTS; i++) {
        const double x = row->low + (row->high - row->low) * (0.5 * draw() + 0.5);
        const double e = ulps(NF_F64, row->fn(x), row->reference((long double)x));
        if (e > worst) worst = e;
    }
    if (getenv("NFLOW_TEST_VERBOSE")) printf("%s [%g, %g]: %.2f ulp\n", row->name, row->low, row->high, worst);
    ck_assert_msg(worst <= row->bound, "%s: %g ulp", row->name, worst);
    ck_assert(isnan(row->fn(NAN)));
}
END_TEST
START_TEST(scalar_special_values)
{
    const double cases[][2] = {
        { nfi_exp(INFINITY), INFINITY }, { nfi_exp(-INFINITY), 0 },          { nfi_exp(0), 1 },
        { nfi_expm1(-0.0), -0.0 },       { nfi_expm1(-INFINITY), -1 },       { nfi_expm1(INFINITY), INFINITY },
        { nfi_log(0), -INFINITY },       { nfi_log(INFINITY), INFINITY },    { nfi_log(1), 0 },
        { nfi_log(-1), NAN },            { nfi_log1p(-1), -INFINITY },       { nfi_log1p(-0.0), -0.0 },
        { nfi_log1p(INFINITY), INFINITY }, { nfi_log1p(-2), NAN },           { nfi_log1p(0x1p-1074), 0x1p-1074 },
        { nfi_tanh(-0.0), -0.0 },        { nfi_tanh(INFINITY), 1 },          { nfi_tanh(-INFINITY), -1 },
        { nfi_sigmoid(-INFINITY), 0 },   { nfi_sigmoid(INFINITY), 1 },       { nfi_softplus(-INFINITY), 0 },
        { nfi_softplus(INFINITY), INFINITY }, { nfi_log_sigmoid(-INFINITY), -INFINITY }, { nfi_sin(-0.0), -0.0 },
        { nfi_sin(INFINITY), NAN },      { nfi_cos(0), 1 },                  { nfi_floor(-0.5), -1 },
        { nfi_floor(-0.0), -0.0 },       { nfi_floor(INFINITY), INFINITY },  { nfi_sqrt(-1), NAN },
        { nfi_fma(0x1p-30 + 1, 0x1p-30 + 1, -1 - 0x1p-29), 0x1p-60 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double y = cases[i][0], expected = cases[i][1];
        ck_assert_msg(isnan(expected) ? isnan(y) : y == expected && signbit(y) == signbit(expected), "case %d: %g, not %g",
                      (int)i, y, expected);
    }
}
END_TEST

START_TEST(lu)
{
    for (int64_t n = 1; n <= 40; n++) {
        double *a = malloc((size_t)(n * n) * sizeof(double)), *f = malloc((size_t)(n * n) * sizeof(double));
        double *x = malloc((size_t)n * sizeof(double)), *b = calloc((size_t)n, sizeof(double)), *bt = calloc((size_t)n, sizeof(double));
        int64_t *pivots = malloc((size_t)n * sizeof(int64_t));
        for (int64_t i = 0; i < n * n; i++) a[i] = f[i] = draw() + (i % (n + 1) == 0 ? 0.5 : 0);
        for (int64_t i = 0; i < n; i++) x[i] = draw();
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) b[i] += a[i * n + j] * x[j], bt[j] += a[i * n + j] * x[i];
        ck_assert_int_ne(nfi_lu_factor(n, f, n, pivots), 0);
        nfi_lu_solve(n, f, n, pivots, b);
        nfi_lu_solve_transposed(n, f, n, pivots, bt);
        for (int64_t i = 0; i < n; i++) {
            ck_assert_double_le(fabs(b[i] - x[i]), 1e-9);
            ck_assert_double_le(fabs(bt[i] - x[i]), 1e-9);
        }
        free(a), free(f), free(x), free(b), free(bt), free(pivots);
    }
    double a[9] = { 0, 2, 0, 3, 0, 0, 0, 0, -5 }, singular[4] = { 1, 2, 2, 4 }; /* det 30 */
    int64_t pivots[3];
    ck_assert_int_eq(nfi_lu_factor(3, a, 3, pivots), 1);
    ck_assert_double_le(fabs(nfi_lu_log_det(3, a, 3) - log(30)), 1e-15 * 8);
    int64_t order[3];
    nfi_lu_order(3, pivots, order); /* the row of A behind each pivot */
    for (int i = 0; i < 3; i++) ck_assert(order[i] >= 0 && order[i] < 3 && order[i] != order[(i + 1) % 3]);
    ck_assert_int_eq(nfi_lu_bad_pivot(3, a, 3), 3);
    ck_assert_int_eq(nfi_lu_factor(2, singular, 2, pivots), 0);
    ck_assert_int_eq(nfi_lu_bad_pivot(2, singular, 2), 1);
}
END_TEST

/* Published values: OEIS A002161 (Gamma(1/2) = sqrt(pi)), A068465 and A068466 (Gamma(3/4), Gamma(1/4)); DLMF 5.4.13 and 5.5.4 for psi.
 * Between them, libm. */
START_TEST(gamma_steps)
{
    static const struct { double x, log, psi; } known[] = {
        { 0.25, -1.0847415732667820858, 3.14159265358979323846 }, { 0.5, -0.57236494292470008707, 1.38629436111989061883 },
        { 1.0, -0.12078223763524522235, 0.61370563888010938117 }, { 1.5, 0.12078223763524522235, 0.38629436111989061883 },
        { 1e8, 9.21034037072618273607, 5.00000001250000032e-09 }, /* log(x)/2 - 1/(8x) and 1/(2x) + 1/(8 x^2) */
    };
    for (int k = 0; k < (int)(sizeof known / sizeof *known); k++) {
        ck_assert_double_eq_tol(nfi_lgamma_step(known[k].x), known[k].log, 2e-15 * fmax(1.0, fabs(known[k].log)));
        ck_assert_double_eq_tol(nfi_digamma_step(known[k].x), known[k].psi, 4e-15 * known[k].psi);
    }
    for (double x = 0.005; x < 40.0; x *= 1.07) {
        const double h = 1e-4 * x, slope = (nfi_lgamma_step(x + h) - nfi_lgamma_step(x - h)) / (2.0 * h);
        ck_assert_double_eq_tol(nfi_lgamma_step(x), lgamma(x + 0.5) - lgamma(x), 4e-14);
        ck_assert_double_eq_tol(nfi_digamma_step(x), slope, 2e-7 * fabs(slope));
    }
}
END_TEST

START_TEST(choice)
{
    ck_assert(nfi_has_isa(NF_ISA_BASELINE));
    ck_assert(nfi_has_isa(nfi_best_isa()));
    ck_assert(!nfi_has_isa(99));
    ck_assert_ptr_null(nfi_kernels_isa(99, NF_F32));
    ck_assert_ptr_eq(nfi_kernels_for(NULL, NF_F32), nfi_kernels_isa(nfi_best_isa(), NF_F32));
    ck_assert_str_eq(nf_context_isa(NULL), nfi_kernels_for(NULL, NF_F64)->isa);
    ck_assert_str_eq(nf_context_backend(NULL), "native");
    ck_assert_str_eq(nfi_kernels_isa(0, NF_F32)->isa, "cblas");
    ck_assert_uint_gt(strlen(nf_blas_description()), 0);
    ck_assert(nfi_fma_peak(nfi_kernels_for(NULL, NF_F32), 0.01) > 0.1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("math");
    TCase *t = tcase_create("math");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, products, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, stairs, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, turn, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, stairs_leave_gradients_alone, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, turned_products, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, relu_keeps_nan, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, rows_have_their_own_bits, 0, 2);
    tcase_add_loop_test(t, vector_functions, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, special_values, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, activation_rows, 0, 2 * N_ISAS);
    tcase_add_loop_test(t, functions_agree, 0, 2);
    tcase_add_test(t, normals);
    tcase_add_loop_test(t, scalar_functions, 0, (int)(sizeof scalars / sizeof scalars[0]));
    tcase_add_test(t, scalar_special_values);
    tcase_add_test(t, lu);
    tcase_add_test(t, gamma_steps);
    tcase_add_test(t, choice);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
