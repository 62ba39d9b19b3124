/* SPDX-License-Identifier: MIT
 *
 * gemm.h - matrix products on packed weights
 *
 * Packed: panels of NR columns, each [1 + k][NR]: the bias, then the rows of W; columns past m are zero. A tile is MR
 * rows by one panel: MR x NV accumulators that start from the bias and take one FMA for each k ascending, so an output's
 * bits depend on nothing else. One to three rows take several panels at once, for enough independent chains.
 * Stairs (kernels.h) shorten the chains of a panel; panels taken together that differ join or leave one after the other.
 * Accumulators stand in a fixed array and row counts are constants through always_inline, or they leave the registers.
 */
#ifndef NFI_MATH_GEMM_H
#define NFI_MATH_GEMM_H

#include "math/kernels.h"
#include "math/vec.h"

#define NFI_TN_ROWS 128 /* rows between two visits of an element of dw */
#define NFI_TN_AHEAD 16 /* rows of x fetched ahead: about 400 cycles, a trip to memory */
#define NFI_NARROW 4    /* columns of dy up to which lanes are columns of x */

#if NFI_MR == 12 && !defined(__clang__) /* registers to spare: saves address arithmetic */
#define NFI_UNROLL_K _Pragma("GCC unroll 2")
#else
#define NFI_UNROLL_K
#endif

typedef struct tile {
    int64_t k, ldx, ldy, ld_mask, stride; /* k: rows of W that count; stride: elements of a panel */
    int64_t lead, all;                    /* lead: elements of a panel before its first row that counts; all: rows of W */
    const real *mask;
    int32_t kind, no_bias;
} tile;

/* What stairs leave of the panel that begins at column j */
NF_INLINE int64_t stairs_from(const nfi_stairs *s, int64_t j) { return s && s->from ? s->from[j / NFI_STEP] : 0; }
NF_INLINE int64_t stairs_to(const nfi_stairs *s, int64_t j, int64_t k) { return s && s->to ? s->to[j / NFI_STEP] : k; }

NF_INLINE vreal apply_epilogue(vreal c, int32_t kind, const real *mask)
{
    if (kind == NFI_EPILOGUE_RELU) return vselect(vless_equal(c, vsplat(0)), vsplat(0), c);
    if (kind == NFI_EPILOGUE_RELU_MASK) return vkeep(vless(vsplat(0), vload(mask)), c);
    return c;
}

/* mr rows by np panels of nv vectors: accumulators begin, take `count` rows of panels [p0, p1) from x and w on, and end as y. */
NF_INLINE void tile_begin(const int mr, const int np, const int nv, const tile *t, const real *panel, const real *mask, vreal c[12][NFI_NV])
{
    if (mask && mr == NFI_MR) { /* last touched in the forward pass: fetched while the tile runs */
        NF_UNROLL
        for (int i = 0; i < mr; i++) {
            __builtin_prefetch(mask + i * t->ld_mask);
            __builtin_prefetch(mask + i * t->ld_mask + nv * NFI_VL - 1);
        }
    }
    NF_UNROLL
    for (int p = 0; p < np; p++) {
        NF_UNROLL
        for (int i = 0; i < mr; i++) {
            NF_UNROLL
            for (int v = 0; v < nv; v++) c[p * mr + i][v] = t->no_bias ? vsplat(0) : vload(panel + p * t->stride + v * NFI_VL);
        }
    }
}

NF_INLINE void tile_run(const int mr, const int p0, const int p1, const int nv, int64_t ldx, int64_t stride, int64_t count,
                        const real *x, const real *w, vreal c[12][NFI_NV])
{
    NFI_UNROLL_K
    for (int64_t kk = 0; kk < count; kk++, w += NFI_NR) {
        NF_UNROLL
        for (int p = p0; p < p1; p++) {
            vreal b[NFI_NV];
            NF_UNROLL
            for (int v = 0; v < nv; v++) b[v] = vload(w + p * stride + v * NFI_VL);
            NF_UNROLL
            for (int i = 0; i < mr; i++) {
                const vreal a = vsplat(x[i * ldx + kk]);
                NF_UNROLL
                for (int v = 0; v < nv; v++) c[p * mr + i][v] = NF_FMA(a, b[v], c[p * mr + i][v]);
            }
        }
    }
}

NF_INLINE void tile_end(const int mr, const int np, const int nv, const tile *t, real *y, const real *mask, vreal c[12][NFI_NV])
{
    const int64_t ldy = t->ldy, ld_mask = t->ld_mask;
    const int32_t kind = t->kind;
    NF_UNROLL
    for (int p = 0; p < np; p++) {
        NF_UNROLL
        for (int i = 0; i < mr; i++) {
            NF_UNROLL
            for (int v = 0; v < nv; v++) {
                const int64_t column = p * NFI_NR + v * NFI_VL;
                vstore(y + i * ldy + column, apply_epilogue(c[p * mr + i][v], kind, mask ? mask + i * ld_mask + column : NULL));
            }
        }
    }
}

NF_INLINE void gemm_tile(const int mr, const int np, const int nv, const tile *t, const real *x, const real *panel,
                         real *y, const real *mask)
{
    vreal c[12][NFI_NV];
    const int64_t ldx = t->ldx, stride = t->stride, k = t->k;
    const real *w = panel + t->lead;
    tile_begin(mr, np, nv, t, panel, mask, c);
    tile_run(mr, 0, np, nv, ldx, stride, k, x, w, c);
    tile_end(mr, np, nv, t, y, mask, c);
}

/* Panels that differ, x and lead at the part's row 0: they take rows up to to[p], ascending, ... */
NF_INLINE void gemm_tile_to(const int mr, const int np, const int nv, const tile *t, const int64_t *to, const real *x, const real *panel,
                            real *y, const real *mask)
{
    vreal c[12][NFI_NV];
    tile_begin(mr, np, nv, t, panel, mask, c);
    NF_UNROLL
    for (int p = 0; p < np; p++) {
        const int64_t first = p > 0 ? to[p - 1] : 0;
        tile_run(mr, p, np, nv, t->ldx, t->stride, to[p] - first, x + first, panel + t->lead + first * NFI_NR, c);
    }
    tile_end(mr, np, nv, t, y, mask, c);
}

/* ... or from from[p] on, ascending, to the end. */
NF_INLINE void gemm_tile_from(const int mr, const int np, const int nv, const tile *t, const int64_t *from, const real *x, const real *panel,
                              real *y, const real *mask)
{
    vreal c[12][NFI_NV];
    tile_begin(mr, np, nv, t, panel, mask, c);
    NF_UNROLL
    for (int p = 0; p < np; p++) {
        const int64_t next = p + 1 < np ? from[p + 1] : t->all;
        tile_run(mr, 0, p + 1, nv, t->ldx, t->stride, next - from[p], x + from[p], panel + t->lead + from[p] * NFI_NR, c);
    }
    tile_end(mr, np, nv, t, y, mask, c);
}

typedef void tile_fn(const tile *t, const real *x, const real *panel, real *y, const real *mask);
#define NFI_TILE(mr, np, nv)                                                                                           \
    static __attribute__((noinline)) void tile_##mr##_##np##_##nv(const tile *t, const real *x, const real *panel,     \
                                                                  real *y, const real *mask)                           \
    {                                                                                                                  \
        gemm_tile(mr, np, nv, t, x, panel, y, mask);                                                                   \
    }

#if NFI_NV == 2
#define NFI_TILES(mr) NFI_TILE(mr, 1, 2)
#define NFI_FULL(mr, np) tile_##mr##_##np##_2
#else
#define NFI_TILES(mr) NFI_TILE(mr, 1, 4)
#define NFI_FULL(mr, np) tile_##mr##_##np##_4
#endif
NFI_TILES(1)
NFI_TILES(2)
NFI_TILES(3)
NFI_TILES(4)
NFI_TILES(5)
NFI_TILES(6)
#if NFI_MR == 12
NFI_TILES(7)
NFI_TILES(8)
NFI_TILES(9)
NFI_TILES(10)
NFI_TILES(11)
NFI_TILES(12)
#endif
static tile_fn *const tiles_full[NFI_MR + 1] = {
    NULL, NFI_FULL(1, 1), NFI_FULL(2, 1), NFI_FULL(3, 1), NFI_FULL(4, 1), NFI_FULL(5, 1), NFI_FULL(6, 1),
#if NFI_MR == 12
    NFI_FULL(7, 1), NFI_FULL(8, 1), NFI_FULL(9, 1), NFI_FULL(10, 1), NFI_FULL(11, 1), NFI_FULL(12, 1),
#endif
};
/* Several panels at once, by rows */
typedef void stairs_fn(const tile *t, const int64_t *edges, const real *x, const real *panel, real *y, const real *mask);
#define NFI_TILE_STAIRS(mr, np, nv, edge)                                                                              \
    static __attribute__((noinline)) void tile_##edge##_##mr(const tile *t, const int64_t *edge, const real *x,        \
                                                             const real *panel, real *y, const real *mask)             \
    {                                                                                                                  \
        gemm_tile_##edge(mr, np, nv, t, edge, x, panel, y, mask);                                                      \
    }
#define NFI_TILE_WIDE(mr, np, nv)                                                                                      \
    NFI_TILE(mr, np, nv)                                                                                               \
    NFI_TILE_STAIRS(mr, np, nv, to)                                                                                    \
    NFI_TILE_STAIRS(mr, np, nv, from)
#define NFI_PANELS_MOST 8
#if NFI_MR == 12
NFI_TILE_WIDE(1, 8, 2)
NFI_TILE_WIDE(2, 4, 2)
NFI_TILE_WIDE(3, 4, 2)
static tile_fn *const tiles_wide[4] = { NULL, tile_1_8_2, tile_2_4_2, tile_3_4_2 };
static const int panels_wide[4] = { 0, 8, 4, 4 };
#elif NFI_NV == 2
NFI_TILE_WIDE(1, 4, 2)
NFI_TILE_WIDE(2, 2, 2)
NFI_TILE_WIDE(3, 2, 2)
static tile_fn *const tiles_wide[4] = { NULL, tile_1_4_2, tile_2_2_2, tile_3_2_2 };
static const int panels_wide[4] = { 0, 4, 2, 2 };
#else
NFI_TILE_WIDE(1, 4, 4)
NFI_TILE_WIDE(2, 2, 4)
NFI_TILE_WIDE(3, 2, 4)
static tile_fn *const tiles_wide[4] = { NULL, tile_1_4_4, tile_2_2_4, tile_3_2_4 };
static const int panels_wide[4] = { 0, 4, 2, 2 };
#endif
static stairs_fn *const tiles_to[4] = { NULL, tile_to_1, tile_to_2, tile_to_3 }, *const tiles_from[4] = { NULL, tile_from_1, tile_from_2, tile_from_3 };
#if NFI_NR > 16 /* rows end at a multiple of 16: the last panel may be half as wide */
NFI_TILE(1, 1, 1)
NFI_TILE(2, 1, 1)
NFI_TILE(3, 1, 1)
NFI_TILE(4, 1, 1)
NFI_TILE(5, 1, 1)
NFI_TILE(6, 1, 1)
NFI_TILE(7, 1, 1)
NFI_TILE(8, 1, 1)
NFI_TILE(9, 1, 1)
NFI_TILE(10, 1, 1)
NFI_TILE(11, 1, 1)
NFI_TILE(12, 1, 1)
static tile_fn *const tiles_half[NFI_MR + 1] = { NULL,       tile_1_1_1, tile_2_1_1, tile_3_1_1,  tile_4_1_1,
                                                 tile_5_1_1, tile_6_1_1, tile_7_1_1, tile_8_1_1,  tile_9_1_1,
                                                 tile_10_1_1, tile_11_1_1, tile_12_1_1 };
#endif

/* Small vectors, 16 bytes on every instruction set: blocks of NFI_T x NFI_T elements are turned in them, by two interleaves
 * (f32) or one (f64). */
#if NFI_REAL == 32
#define NFI_T 4
#else
#define NFI_T 2
#endif
typedef real vsmall __attribute__((vector_size(16)));
typedef real vsmall_any __attribute__((vector_size(16), aligned(NFI_SIZE), may_alias));
typedef ireal vsmall_index __attribute__((vector_size(16)));
#if defined(__clang__)
#define NFI_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define NFI_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vsmall_index){ __VA_ARGS__ })
#endif
NF_INLINE void turn_small(const real *from, int64_t ld_from, vsmall out[NFI_T])
{
#if NFI_REAL == 32
    const vsmall a = *(const vsmall_any *)from, b = *(const vsmall_any *)(from + ld_from);
    const vsmall c = *(const vsmall_any *)(from + 2 * ld_from), d = *(const vsmall_any *)(from + 3 * ld_from);
    const vsmall e = NFI_SHUFFLE(a, c, 0, 4, 1, 5), f = NFI_SHUFFLE(b, d, 0, 4, 1, 5);
    const vsmall g = NFI_SHUFFLE(a, c, 2, 6, 3, 7), h = NFI_SHUFFLE(b, d, 2, 6, 3, 7);
    out[0] = NFI_SHUFFLE(e, f, 0, 4, 1, 5);
    out[1] = NFI_SHUFFLE(e, f, 2, 6, 3, 7);
    out[2] = NFI_SHUFFLE(g, h, 0, 4, 1, 5);
    out[3] = NFI_SHUFFLE(g, h, 2, 6, 3, 7);
#else
    const vsmall a = *(const vsmall_any *)from, b = *(const vsmall_any *)(from + ld_from);
    out[0] = NFI_SHUFFLE(a, b, 0, 2);
    out[1] = NFI_SHUFFLE(a, b, 1, 3);
#endif
}
NF_INLINE vsmall splat_small(real s)
{
#if NFI_REAL == 32
    return (vsmall){ s, s, s, s };
#else
    return (vsmall){ s, s };
#endif
}
NF_INLINE vsmall fma_small(vsmall a, vsmall b, vsmall c)
{
#if defined(__FMA__) && NFI_REAL == 32
    return (vsmall)_mm_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return (vsmall)_mm_fmadd_pd(a, b, c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return NF_FMA(a, b, c);
#else
    return a * b + c;
#endif
}

/* Few outputs: lanes are rows, so that none idles. 4 groups of NFI_T rows; each output is the one chain it always is. */
#define NFI_NARROW_ROWS (4 * NFI_T)
NF_INLINE void narrow_run(const int m, int64_t k, const real *x, int64_t ldx, const real *w, vsmall c[NFI_NARROW][4])
{
    int64_t kk = 0;
    for (; kk + NFI_T <= k; kk += NFI_T, w += NFI_T * NFI_NR) {
        NF_UNROLL
        for (int g = 0; g < 4; g++) {
            vsmall a[NFI_T];
            turn_small(x + g * NFI_T * ldx + kk, ldx, a);
            NF_UNROLL
            for (int i = 0; i < NFI_T * m; i++) c[i % m][g] = fma_small(a[i / m], splat_small(w[i / m * NFI_NR + i % m]), c[i % m][g]);
        }
    }
    for (; kk < k; kk++, w += NFI_NR) {
        NF_UNROLL
        for (int g = 0; g < 4; g++) {
            vsmall a;
            NF_UNROLL
            for (int r = 0; r < NFI_T; r++) a[r] = x[(g * NFI_T + r) * ldx + kk];
            NF_UNROLL
            for (int j = 0; j < m; j++) c[j][g] = fma_small(a, splat_small(w[j]), c[j][g]);
        }
    }
}

NF_INLINE void gemm_narrow_rows(const int m, const tile *t, const real *x, const real *panel, real *y)
{
    vsmall c[NFI_NARROW][4];
    const int64_t ldx = t->ldx, ldy = t->ldy;
    const real *w = panel + t->lead;
    NF_UNROLL
    for (int i = 0; i < 4 * m; i++) c[i / 4][i % 4] = splat_small(panel[i / 4]);
    narrow_run(m, t->k, x, ldx, w, c);
    for (int g = 0; g < 4; g++)
        for (int r = 0; r < NFI_T; r++)
            for (int j = 0; j < m; j++) y[(g * NFI_T + r) * ldy + j] = c[j][g][r];
}

typedef void narrow_fn(const tile *t, const real *x, const real *panel, real *y);
#define NFI_GEMM_NARROW(m)                                                                                             \
    static __attribute__((noinline)) void gemm_narrow_##m(const tile *t, const real *x, const real *panel, real *y)    \
    {                                                                                                                  \
        gemm_narrow_rows(m, t, x, panel, y);                                                                           \
    }
NFI_GEMM_NARROW(1)
NFI_GEMM_NARROW(2)
NFI_GEMM_NARROW(3)
NFI_GEMM_NARROW(4)
static narrow_fn *const gemm_narrow[NFI_NARROW + 1] = { NULL, gemm_narrow_1, gemm_narrow_2, gemm_narrow_3, gemm_narrow_4 };

/* What counts in the panel at column j; returns how far x goes for it. */
static int64_t tile_stairs(tile *t, const nfi_stairs *stairs, int64_t j)
{
    const int64_t from = stairs_from(stairs, j);
    t->k = stairs_to(stairs, j, t->all) - from;
    t->lead = (1 + from) * NFI_NR;
    return from;
}

/* Panels p and on that may be taken together with their stairs: all alike, or only `to`, or only `from` ascending. */
enum { WIDE_ALIKE, WIDE_TO, WIDE_FROM, WIDE_NOT };
static int wide_kind(const nfi_stairs *stairs, int64_t k, int64_t p, int np, int64_t *from, int64_t *to)
{
    bool from_same = true, to_same = true, from_up = true, to_up = true;
    for (int i = 0; i < np; i++) {
        from[i] = stairs_from(stairs, (p + i) * NFI_NR);
        to[i] = stairs_to(stairs, (p + i) * NFI_NR, k);
        from_same &= from[i] == from[0], to_same &= to[i] == to[0];
        from_up &= i == 0 || from[i] >= from[i - 1], to_up &= i == 0 || to[i] >= to[i - 1];
    }
    if (from_same && to_same) return WIDE_ALIKE;
    if (from_same && from[0] == 0 && to_up) return WIDE_TO;
    return to_same && to[0] == k && from_up ? WIDE_FROM : WIDE_NOT;
}

/* One to three rows, from panel p on: together what may be. Returns how many panels that were. */
static int gemm_few(int mr, int64_t p, int64_t full, tile *t, const nfi_stairs *stairs, const real *x, const real *panel, real *y, const real *mask)
{
    const int np = p + panels_wide[mr] <= full ? panels_wide[mr] : 1;
    int64_t from[NFI_PANELS_MOST], to[NFI_PANELS_MOST];
    const int kind = stairs ? wide_kind(stairs, t->all, p, np, from, to) : WIDE_ALIKE;

    if (kind == WIDE_TO || kind == WIDE_FROM) {
        t->lead = NFI_NR;
        if (kind == WIDE_TO) tiles_to[mr](t, to, x, panel, y, mask);
        else tiles_from[mr](t, from, x, panel, y, mask);
        return np;
    }
    x += tile_stairs(t, stairs, p * NFI_NR);
    (np > 1 && kind == WIDE_ALIKE ? tiles_wide : tiles_full)[mr](t, x, panel, y, mask);
    return kind == WIDE_ALIKE ? np : 1;
}

static void gemm_rows(int64_t n, int64_t m, tile *t, const nfi_stairs *stairs, const real *x, const real *packed, real *y)
{
    const int64_t panels = (m + NFI_NR - 1) / NFI_NR, ldx = t->ldx, ldy = t->ldy;
    int64_t full = panels;
#if NFI_NR > 16
    if (m > 0 && m - (panels - 1) * NFI_NR <= NFI_VL) full--;
#endif
    const int64_t tail = n % NFI_MR, body = n - tail;
    int64_t p = 0;
    for (; p < panels; p++) {
        tile_fn *const *tiles = tiles_full;
#if NFI_NR > 16
        if (p >= full) tiles = tiles_half;
#endif
        const real *panel = packed + p * t->stride;
        const int64_t j = p * NFI_NR;
        const real *at = x + tile_stairs(t, stairs, j);
        for (int64_t i = 0; i < body; i += NFI_MR)
            tiles[NFI_MR](t, at + i * ldx, panel, y + i * ldy + j, t->mask ? t->mask + i * t->ld_mask + j : NULL);
        if (tail > 3 || (tail > 0 && p >= full))
            tiles[tail](t, at + body * ldx, panel, y + body * ldy + j, t->mask ? t->mask + body * t->ld_mask + j : NULL);
    }
    if (tail == 0 || tail > 3) return;
    const real *mask = t->mask ? t->mask + body * t->ld_mask : NULL;
    x += body * ldx;
    y += body * ldy;
    for (p = 0; p < full;) {
        const int64_t j = p * NFI_NR;
        p += gemm_few((int)tail, p, full, t, stairs, x, packed + p * t->stride, y + j, mask ? mask + j : NULL);
    }
}

static void gemm(int64_t n, int64_t k, int64_t m, const void *x_, int64_t ldx, const void *packed_, void *y_,
                 int64_t ldy, const nfi_epilogue *epilogue)
{
    const real *x = x_, *packed = packed_;
    real *y = y_;
    const nfi_stairs *stairs = epilogue ? epilogue->stairs : NULL;
    const int32_t kind = epilogue ? epilogue->kind : NFI_EPILOGUE_NONE;
    tile t = { .all = k, .ldx = ldx, .ldy = ldy, .stride = (k + 1) * NFI_NR, .kind = kind, .no_bias = epilogue && epilogue->no_bias };
    if (kind == NFI_EPILOGUE_RELU_MASK) {
        t.mask = epilogue->mask;
        t.ld_mask = epilogue->ld_mask;
    }
    if (m > 0 && m <= NFI_NARROW && kind == NFI_EPILOGUE_NONE && !t.no_bias) {
        const int64_t from = tile_stairs(&t, stairs, 0);
        for (; n >= NFI_NARROW_ROWS; n -= NFI_NARROW_ROWS, x += NFI_NARROW_ROWS * ldx, y += NFI_NARROW_ROWS * ldy)
            gemm_narrow[m](&t, x + from, packed, y);
    }
    gemm_rows(n, m, &t, stairs, x, packed, y);
}

/* The product turned: `count` outputs of nv vectors of rows. */
#define NFI_TURNED 6 /* outputs at most: their accumulators, two vectors of x and a weight fill 16 registers */
NF_INLINE void gemm_turned_block(const int count, const int nv, int64_t ld, int64_t k, const real *w, int64_t wk, int64_t wj,
                                 const real *bias, const real *x, real *y)
{
    vreal c[NFI_TURNED][2];
    NF_UNROLL
    for (int j = 0; j < count; j++) {
        NF_UNROLL
        for (int v = 0; v < nv; v++) c[j][v] = vsplat(bias ? bias[j * wj] : 0);
    }
    for (int64_t kk = 0; kk < k; kk++, w += wk, x += ld) {
        NF_UNROLL
        for (int j = 0; j < count; j++) {
            const vreal b = vsplat(w[j * wj]);
            NF_UNROLL
            for (int v = 0; v < nv; v++) c[j][v] = NF_FMA(vload(x + v * NFI_VL), b, c[j][v]);
        }
    }
    NF_UNROLL
    for (int j = 0; j < count; j++) {
        NF_UNROLL
        for (int v = 0; v < nv; v++) vstore(y + j * ld + v * NFI_VL, c[j][v]);
    }
}

/* Outputs that are left over go together: a chain alone waits for itself. */
NF_INLINE void gemm_turned_rows(const int nv, int64_t ld, int64_t k, int64_t m, const real *w, int64_t wk, int64_t wj, const real *bias,
                                const real *x, real *y)
{
    for (; m >= NFI_TURNED; m -= NFI_TURNED, w += NFI_TURNED * wj, y += NFI_TURNED * ld) {
        gemm_turned_block(NFI_TURNED, nv, ld, k, w, wk, wj, bias, x, y);
        if (bias) bias += NFI_TURNED * wj;
    }
    switch (m) {
    case 1: gemm_turned_block(1, nv, ld, k, w, wk, wj, bias, x, y); break;
    case 2: gemm_turned_block(2, nv, ld, k, w, wk, wj, bias, x, y); break;
    case 3: gemm_turned_block(3, nv, ld, k, w, wk, wj, bias, x, y); break;
    case 4: gemm_turned_block(4, nv, ld, k, w, wk, wj, bias, x, y); break;
    case 5: gemm_turned_block(5, nv, ld, k, w, wk, wj, bias, x, y); break;
    default: break;
    }
}

static void gemm_turned(int64_t ld, int64_t k, int64_t m, const void *w, int64_t wk, int64_t wj, const void *bias, const void *x_, void *y_)
{
    const real *x = x_;
    real *y = y_;
    int64_t i = 0;
    for (; i + 2 * NFI_VL <= ld; i += 2 * NFI_VL) gemm_turned_rows(2, ld, k, m, w, wk, wj, bias, x + i, y + i);
    for (; i < ld; i += NFI_VL) gemm_turned_rows(1, ld, k, m, w, wk, wj, bias, x + i, y + i);
}

static int64_t packed_count(int64_t k, int64_t m) { return (m + NFI_NR - 1) / NFI_NR * NFI_NR * (k + 1); }

/* Panels' rows [first, last): reads in long runs */
static void pack_rows(int64_t k, int64_t m, const real *w, const real *scale, real *packed, int64_t first, int64_t last)
{
    const int64_t stride = (k + 1) * NFI_NR, whole = m / NFI_NR, rest = m - whole * NFI_NR;
    for (int64_t p = 0; p < whole; p++) {
        real *row = packed + p * stride + (first + 1) * NFI_NR;
        vreal by[NFI_NV];
        for (int v = 0; v < NFI_NV; v++) by[v] = scale ? vload(scale + p * NFI_NR + v * NFI_VL) : vsplat(1);
        for (int64_t i = first; i < last; i++, row += NFI_NR) {
            NF_UNROLL
            for (int v = 0; v < NFI_NV; v++) vstore(row + v * NFI_VL, by[v] * vload(w + i * m + p * NFI_NR + v * NFI_VL));
        }
    }
    if (rest == 0) return;
    real *row = packed + whole * stride + (first + 1) * NFI_NR;
    if (scale) scale += whole * NFI_NR;
    for (int64_t i = first; i < last; i++, row += NFI_NR)
        for (int64_t l = 0; l < NFI_NR; l++) row[l] = l < rest ? (scale ? scale[l] : 1) * w[i * m + whole * NFI_NR + l] : 0;
}

static void pack_bias(int64_t k, int64_t m, const real *bias, const real *scale, real *packed)
{
    for (int64_t j = 0; j < m; j += NFI_NR, packed += (k + 1) * NFI_NR)
        for (int64_t l = 0; l < NFI_NR; l++) packed[l] = bias && j + l < m ? (scale ? scale[j + l] : 1) * bias[j + l] : 0;
}

/* One panel of W^T: `count` rows of W, in turned blocks */
static void pack_turned(int64_t m, const real *block, int64_t count, real *packed)
{
    const int64_t whole = count / NFI_T * NFI_T;
    const int64_t line = 64 / NFI_SIZE; /* columns of a cache line, used up at once: far rows share few sets of L1 */
    memset(packed, 0, NFI_NR * sizeof(real));
    for (int64_t j0 = 0; j0 < m; j0 += line) {
        const int64_t end = j0 + line < m ? j0 + line : m;
        const int64_t j = j0 + (end - j0) / NFI_T * NFI_T;
        for (int64_t l = 0; l < whole; l += NFI_T)
            for (int64_t jj = j0; jj < j; jj += NFI_T) {
                vsmall turned[NFI_T];
                turn_small(block + l * m + jj, m, turned);
                NF_UNROLL
                for (int i = 0; i < NFI_T; i++) *(vsmall_any *)(packed + (jj + i + 1) * NFI_NR + l) = turned[i];
            }
        for (int64_t jj = j0; jj < end; jj++) {
            real *to = packed + (jj + 1) * NFI_NR;
            for (int64_t l = jj < j ? whole : 0; l < count; l++) to[l] = block[l * m + jj];
            for (int64_t l = count; l < NFI_NR; l++) to[l] = 0;
        }
    }
}

static void pack(int64_t k, int64_t m, const void *w_, const void *bias, const void *scale, void *packed, void *transposed_)
{
    const real *w = w_;
    real *transposed = transposed_;
    if (packed) pack_bias(k, m, bias, scale, packed);
    for (int64_t first = 0; first < k; first += NFI_NR) {
        const int64_t last = first + NFI_NR < k ? first + NFI_NR : k;
        if (transposed) pack_turned(m, w + first * m, last - first, transposed + first * (m + 1));
        if (packed) pack_rows(k, m, w, scale, packed, first, last);
    }
}

static void turn_by_ones(int64_t n, int64_t m, const real *from, int64_t ld_from, real *to, int64_t ld_to)
{
    for (int64_t j = 0; j < m; j++)
        for (int64_t i = 0; i < n; i++) to[j * ld_to + i] = from[i * ld_from + j];
}

NF_INLINE void turn_block(const real *from, int64_t ld_from, real *to, int64_t ld_to)
{
    vsmall turned[NFI_T];
    turn_small(from, ld_from, turned);
    NF_UNROLL
    for (int i = 0; i < NFI_T; i++) *(vsmall_any *)(to + i * ld_to) = turned[i];
}

/* By blocks, of which the last overlap those before. */
static void turn(int64_t n, int64_t m, const void *from_, int64_t ld_from, void *to_, int64_t ld_to)
{
    const real *from = from_;
    real *to = to_;
    if (n < NFI_T || m < NFI_T) {
        turn_by_ones(n, m, from, ld_from, to, ld_to);
        return;
    }
    for (int64_t i = 0; i < n; i += NFI_T) {
        const int64_t row = i + NFI_T <= n ? i : n - NFI_T;
        for (int64_t j = 0; j + NFI_T <= m; j += NFI_T) turn_block(from + row * ld_from + j, ld_from, to + j * ld_to + row, ld_to);
        if (m % NFI_T) turn_block(from + row * ld_from + m - NFI_T, ld_from, to + (m - NFI_T) * ld_to + row, ld_to);
    }
}

/* mr rows of dw (columns of x) by nv vectors, over n rows; nv vectors of dy lie ldy apart */
NF_INLINE void tn_tile(const int mr, const int nv, int64_t n, const real *x, int64_t ldx, const real *dy, int64_t ldy,
                       real *dw, int64_t ldw)
{
    vreal c[12][NFI_NV];
    NF_UNROLL
    for (int i = 0; i < mr; i++) {
        NF_UNROLL
        for (int v = 0; v < nv; v++) c[i][v] = vload(dw + i * ldw + v * NFI_VL);
    }
    const real *next = dw + mr * ldw; /* the next tile's dw, fetched meanwhile */
    for (int64_t r = 0; r < n; r++, x += ldx, dy += ldy) {
        if (r < mr) {
            __builtin_prefetch(next, 1);
            __builtin_prefetch(next + nv * NFI_VL - 1, 1);
            next += ldw;
        }
        vreal b[NFI_NV];
        __builtin_prefetch(x + NFI_TN_AHEAD * ldx);
        NF_UNROLL
        for (int v = 0; v < nv; v++) b[v] = vload(dy + v * NFI_VL);
        NF_UNROLL
        for (int i = 0; i < mr; i++) {
            const vreal a = vsplat(x[i]);
            NF_UNROLL
            for (int v = 0; v < nv; v++) c[i][v] = NF_FMA(a, b[v], c[i][v]);
        }
    }
    NF_UNROLL
    for (int i = 0; i < mr; i++) {
        NF_UNROLL
        for (int v = 0; v < nv; v++) vstore(dw + i * ldw + v * NFI_VL, c[i][v]);
    }
}

typedef void tn_fn(int64_t n, const real *x, int64_t ldx, const real *dy, int64_t ldy, real *dw, int64_t ldw);
#define NFI_TN(mr)                                                                                                     \
    static __attribute__((noinline)) void tn_##mr(int64_t n, const real *x, int64_t ldx, const real *dy, int64_t ldy,  \
                                                  real *dw, int64_t ldw)                                               \
    {                                                                                                                  \
        tn_tile(mr, NFI_NV, n, x, ldx, dy, ldy, dw, ldw);                                                              \
    }                                                                                                                  \
    static __attribute__((noinline)) void tn_half_##mr(int64_t n, const real *x, int64_t ldx, const real *dy,          \
                                                       int64_t ldy, real *dw, int64_t ldw)                             \
    {                                                                                                                  \
        tn_tile(mr, 1, n, x, ldx, dy, ldy, dw, ldw);                                                                   \
    }
NFI_TN(1)
NFI_TN(2)
NFI_TN(3)
NFI_TN(4)
NFI_TN(5)
NFI_TN(6)
#if NFI_MR == 12
NFI_TN(7)
NFI_TN(8)
NFI_TN(9)
NFI_TN(10)
NFI_TN(11)
NFI_TN(12)
#endif
static tn_fn *const tn_full[NFI_MR + 1] = { NULL, tn_1, tn_2, tn_3, tn_4, tn_5, tn_6,
#if NFI_MR == 12
                                            tn_7, tn_8, tn_9, tn_10, tn_11, tn_12
#endif
};
static tn_fn *const tn_half[NFI_MR + 1] = { NULL,      tn_half_1, tn_half_2, tn_half_3, tn_half_4, tn_half_5, tn_half_6,
#if NFI_MR == 12
                                            tn_half_7, tn_half_8, tn_half_9, tn_half_10, tn_half_11, tn_half_12
#endif
};

/* One panel of dw, `columns` wide */
static void tn_panel(int64_t rows, int64_t k, int64_t columns, int64_t m, const real *x, int64_t ldx, const real *dy,
                     int64_t ldy, real *dw)
{
    real edge[12 * NFI_NR] __attribute__((aligned(64)));
    const bool half = columns <= NFI_VL, dense = columns == (half ? NFI_VL : NFI_NR);
    tn_fn *const *fn = half ? tn_half : tn_full;
    for (int64_t i = 0; i < k; i += NFI_MR, dw += NFI_MR * m) {
        const int64_t mr = k - i < NFI_MR ? k - i : NFI_MR;
        if (dense) {
            fn[mr](rows, x + i, ldx, dy, ldy, dw, m);
            continue;
        }
        memset(edge, 0, sizeof edge);
        for (int64_t a = 0; a < mr; a++) memcpy(edge + a * NFI_NR, dw + a * m, (size_t)columns * sizeof(real));
        fn[mr](rows, x + i, ldx, dy, ldy, edge, NFI_NR);
        for (int64_t a = 0; a < mr; a++) memcpy(dw + a * m, edge + a * NFI_NR, (size_t)columns * sizeof(real));
    }
}

/* Few columns: lanes are columns of x, so that none idles. sum[m][nv VL] goes in and out; rows ascending as everywhere. */
NF_INLINE void tn_narrow_tile(const int nv, const int m, int64_t n, const real *x, int64_t ldx, const real *dy,
                              int64_t ldy, real *sum)
{
    vreal c[8];
    NF_UNROLL
    for (int i = 0; i < m * nv; i++) c[i] = vload(sum + i * NFI_VL);
    for (int64_t r = 0; r < n; r++, x += ldx, dy += ldy) {
        __builtin_prefetch(x + NFI_TN_AHEAD * ldx);
        NF_UNROLL
        for (int i = 0; i < m * nv; i++) c[i] = NF_FMA(vload(x + i % nv * NFI_VL), vsplat(dy[i / nv]), c[i]);
    }
    NF_UNROLL
    for (int i = 0; i < m * nv; i++) vstore(sum + i * NFI_VL, c[i]);
}

#define NFI_TN_NARROW(m, nv)                                                                                           \
    static __attribute__((noinline)) void tn_narrow_##m(int64_t n, const real *x, int64_t ldx, const real *dy,         \
                                                        int64_t ldy, real *sum)                                        \
    {                                                                                                                  \
        tn_narrow_tile(nv, m, n, x, ldx, dy, ldy, sum);                                                                \
    }
NFI_TN_NARROW(1, 8)
NFI_TN_NARROW(2, 4)
NFI_TN_NARROW(3, 2)
NFI_TN_NARROW(4, 2)
typedef void tn_narrow_fn(int64_t n, const real *x, int64_t ldx, const real *dy, int64_t ldy, real *sum);
static tn_narrow_fn *const tn_narrow_tiles[NFI_NARROW + 1] = { NULL, tn_narrow_1, tn_narrow_2, tn_narrow_3, tn_narrow_4 };
static const int tn_narrow_vectors[NFI_NARROW + 1] = { 0, 8, 4, 2, 2 };

static void tn_narrow(int64_t rows, int64_t k, int64_t m, const real *x, int64_t ldx, const real *dy, int64_t ldy, real *dw)
{
    const int64_t wide = tn_narrow_vectors[m] * NFI_VL;
    real sum[8 * NFI_VL] __attribute__((aligned(64)));
    for (int64_t i = 0; i < k; i += wide) {
        const int64_t columns = k - i < wide ? k - i : wide;
        if (columns + NFI_VL <= wide) { /* the rest: whole vectors of x would reach past its rows */
            tn_panel(rows, columns, m, m, x + i, ldx, dy, ldy, dw + i * m);
            return;
        }
        for (int64_t j = 0; j < m; j++)
            for (int64_t c = 0; c < wide; c++) sum[j * wide + c] = c < columns ? dw[(i + c) * m + j] : 0;
        tn_narrow_tiles[m](rows, x + i, ldx, dy, ldy, sum);
        for (int64_t j = 0; j < m; j++)
            for (int64_t c = 0; c < columns; c++) dw[(i + c) * m + j] = sum[j * wide + c];
    }
}

static void unscale_row(int64_t m, const nfi_unscale *u, const real *y, const real *skip, real *g, real *g_skip)
{
    const real *scale = u->scale;
    real *sum = u->sum;
    for (int64_t j = 0; j < m; j += NFI_VL) {
        const vreal yj = vload(y + j);
        vreal gj = vload(g + j);
        if (u->relu) gj = vkeep(vless(vsplat(0), yj), gj);
        vstore(sum + j, NF_FMA(gj, skip ? yj - vload(skip + j) : yj, vload(sum + j)));
        if (g_skip) vstore(g_skip + j, gj);
        vstore(g + j, gj * vload(scale + j));
    }
}

static void unscale(int64_t n, int64_t m, const nfi_unscale *u)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = i * u->ld;
        unscale_row(m, u, (const real *)u->y + at, u->skip ? (const real *)u->skip + at : NULL, (real *)u->g + at,
                    u->g_skip ? (real *)u->g_skip + at : NULL);
    }
}

/* By blocks of rows. */
static void gemm_tn(int64_t n, int64_t k, int64_t m, const void *x_, int64_t ldx, const void *dy_, int64_t ldy, void *dw_, const nfi_stairs *stairs)
{
    for (int64_t r0 = 0; r0 < n; r0 += NFI_TN_ROWS) {
        const int64_t rows = n - r0 < NFI_TN_ROWS ? n - r0 : NFI_TN_ROWS;
        const real *x = (const real *)x_ + r0 * ldx, *dy = (const real *)dy_ + r0 * ldy;
        for (int64_t j = 0; j < m; j += NFI_NR) {
            const int64_t from = stairs_from(stairs, j), count = stairs_to(stairs, j, k) - from, columns = m - j < NFI_NR ? m - j : NFI_NR;
            real *dw = (real *)dw_ + from * m + j;
            if (m <= NFI_NARROW && from == 0) tn_narrow(rows, count, m, x, ldx, dy, ldy, dw);
            else tn_panel(rows, count, columns, m, x + from, ldx, dy + j, ldy, dw);
        }
    }
}

#endif
