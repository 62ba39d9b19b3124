/* SPDX-License-Identifier: MIT
 *
 * linear.c - an invertible matrix, of columns ("linear") or of the channels of each pixel ("invconv", 1x1 convolution)
 *
 *   z_p = W x_p  at each of `pixels` pixels;  W [C][C];  "linear" has one pixel, C = dim
 *   log|det dz/dx| = pixels log|det W|              (the same for every row)
 *
 * Two forms of W:
 *   plu    W = P L (U + diag(sign exp(log_s)));  P and sign are fixed, L has a unit diagonal, U is strictly upper.
 *          theta = (permutation [C], sign [C], lu [C][C]): row i of L (U + ...) is row permutation[i] of W; lu holds L below,
 *          log_s on and U above the diagonal. log|det W| = sum log_s, in every precision and without a factorisation
 *   plain  theta = weight [C][C]; LU with partial pivoting in double whenever it changes
 *
 * It starts as a random rotation, so log|det W| = 0 up to rounding; the sign of det W stays what it is (plu), and both
 * forms work with either. The rotation is orthogonalised in the flow's own precision, each sum in double: two passes of
 * modified Gram-Schmidt leave W orthogonal to rounding.
 *
 * What depends on W alone is made by pack, once per change of theta: W packed for the products of both directions, its
 * factors in double, log|det W|, and what the gradient needs. Forward is one product; the inverse is two triangular
 * solves in double, over many pixels at once. A W that cannot be inverted is an error of the calls that use it.
 *
 * Check value: plu, dim=2, permutation = (1, 0), sign = (1, -1), lu = (0.7, -1.3; 0.4, -0.2), x = (0.7, 2.385)
 *   -> z = (-2.6290220880, -1.6908731048), log|det| = 0.5
 *   plain, dim=2, weight = (0.7, -1.3; 2, 0.4), x = (0.7, 2.385) -> z = (-2.6105, 2.354), log|det| = 1.0577902941
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039. Golub, Van Loan, "Matrix Computations", 4th ed., 3.4, 5.2.
 */
#include "core/real.h"
#include "layers/layer.h"

#include <string.h>

#include "core/status.h"
#include "math/functions.h"
#include "math/linalg.h"

#define LINEAR_MAX 4096 /* of C: W and its factors take 100 MB and more beyond */
#define LINEAR_STRIP 128 /* pixels of a product, and of a solve */
#define LINEAR_LANES (LINEAR_STRIP + 8) /* a row of a solve: not a power of two apart */

extern const nf_layer_ops nfi_linear_ops_f32, nfi_linear_ops_f64;

struct linear { /* immutable after creation */
    const char *name;
    int32_t form;
    int64_t channels, pixels;
};

/* Why W cannot be used, and at which index. */
enum { LINEAR_FINE, LINEAR_PIVOT, LINEAR_NONFINITE, LINEAR_PERMUTATION, LINEAR_SIGN };

/* Head of a packed block; behind it, each from a multiple of 64 bytes: factor [C][C] (L below the diagonal, U on and above
 * it), order [C] and spare [C] as int64, row [C] doubles, W^T [C][C] and its panels for the products in the flow's
 * precision. The block for backward ends with extra [C][C]: U transposed (plu), the inverse of W (plain). */
typedef struct linear_head {
    int64_t fault, at;
    double log_det;
} linear_head;

typedef struct linear_block {
    linear_head *head;
    double *factor, *row, *extra;
    int64_t *order, *spare; /* row i of the factors is row order[i] of W */
    real *turned;
    void *panels;
    int64_t bytes;
} linear_block;

static linear_block linear_at(const struct linear *ln, const nfi_kernels *kernels, const void *block)
{
    const int64_t c = ln->channels, square = c * c;
    char *base = (char *)(uintptr_t)block;
    nfi_layout layout = { .size = 0 };
    linear_block b;

    b.head = (void *)(base + nfi_layout_add(&layout, 1, (int64_t)sizeof *b.head));
    b.factor = (void *)(base + nfi_layout_add(&layout, square, (int64_t)sizeof *b.factor));
    b.order = (void *)(base + nfi_layout_add(&layout, c, (int64_t)sizeof *b.order));
    b.spare = (void *)(base + nfi_layout_add(&layout, c, (int64_t)sizeof *b.spare));
    b.row = (void *)(base + nfi_layout_add(&layout, c, (int64_t)sizeof *b.row));
    b.turned = (void *)(base + nfi_layout_add(&layout, square, kernels->size));
    b.panels = base + nfi_layout_add(&layout, kernels->packed_count(c, c), kernels->size);
    b.bytes = layout.size;
    b.extra = (void *)(base + nfi_layout_add(&layout, square, (int64_t)sizeof *b.extra));
    return b;
}

static bool linear_finite(double x) { return x - x == 0.0; }

/* y += a x */
static void linear_axpy(int64_t n, double a, const double *restrict x, double *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* Packing */

/* The fixed permutation as indices, and each index once. */
static int64_t linear_take_order(const struct linear *ln, const real *permutation, const linear_block *b)
{
    const int64_t c = ln->channels;
    for (int64_t i = 0; i < c; i++) b->spare[i] = 0;
    for (int64_t i = 0; i < c; i++) {
        if (!(permutation[i] >= 0 && permutation[i] < (real)c)) return i;
        b->order[i] = (int64_t)permutation[i];
        if ((real)b->order[i] != permutation[i] || b->spare[b->order[i]]++) return i;
    }
    return -1;
}

static void linear_fault(const linear_block *b, int64_t fault, int64_t at)
{
    if (b->head->fault != LINEAR_FINE) return; /* the first one is told */
    b->head->fault = fault;
    b->head->at = at;
}

/* Row i of the factors from theta, finite or told. */
static void linear_take_row(const struct linear *ln, const real *lu, double sign, int64_t i, const linear_block *b)
{
    const int64_t c = ln->channels;
    double *row = b->factor + i * c;
    for (int64_t j = 0; j < c; j++) row[j] = (double)lu[i * c + j];
    row[i] = sign * nfi_exp(row[i]);
    if (row[i] == 0.0) linear_fault(b, LINEAR_PIVOT, i);
    for (int64_t j = 0; j < c; j++)
        if (!linear_finite(row[j])) linear_fault(b, LINEAR_NONFINITE, i);
}

/* W^T from the factors: W[order[i]][j] = sum_{k <= i, j} L_ik U_kj */
static void linear_multiply(const struct linear *ln, const linear_block *b)
{
    const int64_t c = ln->channels;
    for (int64_t i = 0; i < c; i++) {
        memset(b->row, 0, (size_t)c * sizeof *b->row);
        for (int64_t k = 0; k < i; k++) linear_axpy(c - k, b->factor[i * c + k], b->factor + k * c + k, b->row + k);
        for (int64_t j = i; j < c; j++) b->row[j] += b->factor[i * c + j]; /* L_ii = 1 */
        for (int64_t j = 0; j < c; j++) b->turned[j * c + b->order[i]] = (real)b->row[j];
    }
}

static void linear_factors_plu(const struct linear *ln, const real *theta, const linear_block *b)
{
    const int64_t c = ln->channels, bad = linear_take_order(ln, theta, b);
    const real *sign = theta + c, *lu = theta + 2 * c;

    if (bad >= 0) {
        linear_fault(b, LINEAR_PERMUTATION, bad);
        return;
    }
    for (int64_t i = 0; i < c; i++) {
        if (sign[i] != 1 && sign[i] != -1) linear_fault(b, LINEAR_SIGN, i);
        linear_take_row(ln, lu, (double)sign[i], i, b);
        b->head->log_det += (double)lu[i * c + i];
    }
    if (b->head->fault == LINEAR_FINE) linear_multiply(ln, b);
}

static void linear_factors_plain(const struct linear *ln, const real *weight, const linear_block *b)
{
    const int64_t c = ln->channels;

    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < c; j++) {
            b->factor[i * c + j] = (double)weight[i * c + j];
            b->turned[j * c + i] = weight[i * c + j];
            if (!linear_finite((double)weight[i * c + j])) linear_fault(b, LINEAR_NONFINITE, i);
        }
    if (b->head->fault != LINEAR_FINE) return;
    if (nfi_lu_factor(c, b->factor, c, b->spare) == 0) linear_fault(b, LINEAR_PIVOT, nfi_lu_bad_pivot(c, b->factor, c));
    if (b->head->fault != LINEAR_FINE) return;
    nfi_lu_order(c, b->spare, b->order);
    b->head->log_det = nfi_lu_log_det(c, b->factor, c);
}

/* t [C][count] := W^-1 y, t holding y's rows in `order`: by L, then by U, a lane for each right-hand side */
static void linear_solve(int64_t c, const double *factor, int64_t count, int64_t ld, double *t)
{
    for (int64_t i = 0; i < c; i++)
        for (int64_t k = 0; k < i; k++) linear_axpy(count, -factor[i * c + k], t + k * ld, t + i * ld);
    for (int64_t i = c - 1; i >= 0; i--) {
        double *row = t + i * ld;
        for (int64_t k = i + 1; k < c; k++) linear_axpy(count, -factor[i * c + k], t + k * ld, row);
        for (int64_t j = 0; j < count; j++) row[j] /= factor[i * c + i];
    }
}

/* What the gradient needs of the factors: see linear_block. */
static void linear_fill_extra(const struct linear *ln, const linear_block *made, double *extra)
{
    const int64_t c = ln->channels;
    memset(extra, 0, (size_t)(c * c) * sizeof *extra);
    for (int64_t i = 0; i < c; i++) {
        if (ln->form == NF_LINEAR_PLAIN) extra[i * c + made->order[i]] = 1.0;
        else
            for (int64_t j = i; j < c; j++) extra[j * c + i] = made->factor[i * c + j];
    }
    if (ln->form == NF_LINEAR_PLAIN) linear_solve(c, made->factor, c, c, extra);
}

static void linear_pack(const void *self, const void *kernels_, const void *theta, void *packed, void *packed_backward,
                        int64_t part)
{
    const struct linear *ln = self;
    const nfi_kernels *kernels = kernels_;
    const linear_block made = linear_at(ln, kernels, packed ? packed : packed_backward);
    const linear_block back = linear_at(ln, kernels, packed_backward ? packed_backward : packed);

    (void)part; /* there is one */
    *made.head = (linear_head){ .fault = LINEAR_FINE };
    if (ln->form == NF_LINEAR_PLU) linear_factors_plu(ln, theta, &made);
    else linear_factors_plain(ln, theta, &made);
    for (int64_t i = 0; i < ln->channels * ln->channels && made.head->fault == LINEAR_FINE; i++)
        if (!linear_finite((double)made.turned[i])) linear_fault(&made, LINEAR_NONFINITE, i % ln->channels);
    if (!linear_finite(made.head->log_det)) linear_fault(&made, LINEAR_NONFINITE, 0);
    if (made.head->fault != LINEAR_FINE) return;
    kernels->pack(ln->channels, ln->channels, made.turned, NULL, NULL, packed ? made.panels : NULL,
                  packed_backward ? back.panels : NULL);
    if (packed_backward) linear_fill_extra(ln, &made, back.extra);
}

static nf_status linear_check(const struct linear *ln, const linear_block *b)
{
    static const char *const what[] = {
        [LINEAR_PIVOT] = "W is singular: zero at pivot", [LINEAR_NONFINITE] = "W is not finite in row",
        [LINEAR_PERMUTATION] = "\"permutation\" is none: not a row, or one a second time, at index",
        [LINEAR_SIGN] = "\"sign\" is neither 1 nor -1 at index",
    };
    if (b->head->fault == LINEAR_FINE) return NF_OK;
    return nfi_fail(NF_ERR_SINGULAR, "%s: %s %lld", ln->name, what[b->head->fault], (long long)b->head->at);
}

/* Initial W */

/* A random rotation in place: rows of normal numbers made orthonormal, each in two passes. */
static void linear_rotation(int64_t c, uint64_t seed, uint32_t stream, real *w)
{
    for (int64_t i = 0; i < c; i++) {
        real *row = w + i * c;
        double square = 0.0;
        for (int64_t j = 0; j < c; j++) row[j] = (real)nfi_normal(seed, stream, (uint64_t)(i * c + j));
        for (int64_t k = 0; k < 2 * i; k++) {
            const real *other = w + k % i * c;
            double along = 0.0;
            for (int64_t j = 0; j < c; j++) along += (double)row[j] * (double)other[j];
            for (int64_t j = 0; j < c; j++) row[j] = (real)((double)row[j] - along * (double)other[j]);
        }
        for (int64_t j = 0; j < c; j++) square += (double)row[j] * (double)row[j];
        const double scale = 1.0 / nfi_sqrt(square);
        for (int64_t j = 0; j < c; j++) row[j] = (real)((double)row[j] * scale);
    }
}

static double linear_magnitude(real x) { return x < 0 ? -(double)x : (double)x; }

static void linear_swap(int64_t n, real *a, real *b)
{
    for (int64_t i = 0; i < n; i++) {
        const real kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

/* a [C][C] becomes L and U, with its rows exchanged as permutation [C] then says. */
static void linear_factor(int64_t c, real *a, real *permutation)
{
    for (int64_t i = 0; i < c; i++) permutation[i] = (real)i;
    for (int64_t j = 0; j < c; j++) {
        int64_t best = j;
        for (int64_t i = j + 1; i < c; i++)
            if (linear_magnitude(a[i * c + j]) > linear_magnitude(a[best * c + j])) best = i;
        linear_swap(c, a + j * c, a + best * c);
        linear_swap(1, permutation + j, permutation + best);
        for (int64_t i = j + 1; i < c; i++) {
            const double factor = (double)a[i * c + j] / (double)a[j * c + j];
            for (int64_t k = j + 1; k < c; k++) a[i * c + k] = (real)((double)a[i * c + k] - factor * (double)a[j * c + k]);
            a[i * c + j] = (real)factor;
        }
    }
}

static nf_status linear_reset(const void *self, uint64_t seed, uint32_t stream, void *theta)
{
    const struct linear *ln = self;
    const int64_t c = ln->channels;
    real *permutation = theta, *sign = permutation + c, *lu = permutation + 2 * c;

    if (ln->form == NF_LINEAR_PLAIN) {
        linear_rotation(c, seed, stream, theta);
        return NF_OK;
    }
    linear_rotation(c, seed, stream, lu);
    linear_factor(c, lu, permutation);
    for (int64_t i = 0; i < c; i++) {
        sign[i] = lu[i * c + i] < 0 ? -1 : 1;
        lu[i * c + i] = (real)nfi_log(linear_magnitude(lu[i * c + i]));
    }
    return NF_OK;
}

/* Products */

/* Length of a row in the buffers that products read and write: as math/kernels.h asks for */
static int64_t linear_ld(int64_t channels)
{
    const int64_t ld = nfi_round_up(channels, 16);
    return ld % 256 ? ld : ld + 16; /* rows a multiple of 1 KiB apart would share few sets of the first cache */
}

typedef struct linear_scratch {
    real *x, *g, *y;   /* [LINEAR_STRIP][ld] each */
    real *turned;      /* [C][C]: gradient of W^T */
    double *gradient;  /* [C][C]: of W, rows in the order of the factors */
    double *row;       /* [C] */
    double *solve;     /* [C][LINEAR_LANES], in the place of all others */
    int64_t bytes;
} linear_scratch;

static linear_scratch linear_memory(const struct linear *ln, int64_t size, void *scratch)
{
    const int64_t c = ln->channels, strip = LINEAR_STRIP * linear_ld(c);
    char *base = scratch;
    nfi_layout layout = { .size = 0 }, solve = { .size = 0 };
    linear_scratch m;

    m.x = (void *)(base + nfi_layout_add(&layout, strip, size));
    m.g = (void *)(base + nfi_layout_add(&layout, strip, size));
    m.y = (void *)(base + nfi_layout_add(&layout, strip, size));
    m.turned = (void *)(base + nfi_layout_add(&layout, c * c, size));
    m.gradient = (void *)(base + nfi_layout_add(&layout, c * c, (int64_t)sizeof *m.gradient));
    m.row = (void *)(base + nfi_layout_add(&layout, c, (int64_t)sizeof *m.row));
    m.solve = (void *)(base + nfi_layout_add(&solve, c * LINEAR_LANES, (int64_t)sizeof *m.solve));
    m.bytes = nfi_max(layout.size, solve.size);
    return m;
}

/* Rows of pixels as a product takes them: where they are, and how far apart */
typedef struct linear_rows {
    real *at;
    int64_t ld;
} linear_rows;

static bool linear_fits(int64_t channels, const void *rows) { return channels % 16 == 0 && (uintptr_t)rows % 64 == 0; }

/* The rows themselves where they fit, else a copy in `room`, zero beyond the channels. */
static linear_rows linear_load(int64_t channels, int64_t n, const real *rows, real *room)
{
    const int64_t ld = linear_ld(channels);
    real *to = room;

    if (linear_fits(channels, rows)) return (linear_rows){ (real *)(uintptr_t)rows, channels };
    for (int64_t i = 0; i < n; i++, rows += channels, to += ld) {
        for (int64_t c = 0; c < channels; c++) to[c] = rows[c];
        for (int64_t c = channels; c < ld; c++) to[c] = 0;
    }
    return (linear_rows){ room, ld };
}

static void linear_store(int64_t channels, int64_t n, const linear_rows *from, real *rows)
{
    const real *at = from->at;
    if (at == rows) return;
    for (int64_t i = 0; i < n; i++, at += from->ld, rows += channels)
        for (int64_t c = 0; c < channels; c++) rows[c] = at[c];
}

/* y_p = W x_p for all pixels of the tile; y is not x */
static void linear_product(const struct linear *ln, const nf_tile *tile, const real *x, real *y)
{
    const nfi_kernels *kernels = tile->kernels;
    const linear_block b = linear_at(ln, kernels, tile->packed);
    const linear_scratch m = linear_memory(ln, kernels->size, tile->scratch);
    const int64_t c = ln->channels, pixels = tile->n * ln->pixels;

    for (int64_t i = 0, n; i < pixels; i += n, x += n * c, y += n * c) {
        n = nfi_min(LINEAR_STRIP, pixels - i);
        const linear_rows in = linear_load(c, n, x, m.x);
        const linear_rows out = linear_fits(c, y) ? (linear_rows){ y, c } : (linear_rows){ m.y, linear_ld(c) };
        kernels->gemm(n, c, c, in.at, in.ld, b.panels, out.at, out.ld, NULL);
        linear_store(c, n, &out, y);
    }
}

/* Operations: the contract is nflow/layer_type.h; inputs are checked. */
static nf_status linear_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    const struct linear *ln = self;
    const linear_block b = linear_at(ln, tile->kernels, tile->packed);
    const nf_status status = linear_check(ln, &b);

    (void)saved; /* backward needs x alone, and the flow keeps it */
    if (status != NF_OK) return status;
    linear_product(ln, tile, in, out);
    for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] += (double)ln->pixels * b.head->log_det;
    return NF_OK;
}

/* x_p = W^-1 z_p for n pixels, turned so that a row holds one channel of all of them */
static void linear_inverse_strip(const struct linear *ln, const linear_block *b, int64_t n, const real *z, double *t, real *x)
{
    const int64_t c = ln->channels;
    for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < c; i++) t[i * LINEAR_LANES + p] = (double)z[p * c + b->order[i]];
    linear_solve(c, b->factor, n, LINEAR_LANES, t);
    for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < c; i++) x[p * c + i] = (real)t[i * LINEAR_LANES + p];
}

static nf_status linear_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    const struct linear *ln = self;
    const linear_block b = linear_at(ln, tile->kernels, tile->packed);
    const linear_scratch m = linear_memory(ln, (int64_t)sizeof(real), tile->scratch);
    const int64_t pixels = tile->n * ln->pixels;
    const nf_status status = linear_check(ln, &b);
    const real *z = out;
    real *x = in;

    if (status != NF_OK) return status;
    for (int64_t i = 0; i < pixels; i += LINEAR_STRIP)
        linear_inverse_strip(ln, &b, nfi_min(LINEAR_STRIP, pixels - i), z + i * ln->channels, m.solve, x + i * ln->channels);
    for (int64_t i = 0; i < tile->n; i++) tile->log_det[i] -= (double)ln->pixels * b.head->log_det;
    return NF_OK;
}

/* g becomes dL/dx; dL/dW^T is left in scratch where it is wanted. */
static void linear_backward_rows(const struct linear *ln, const nf_tile *tile, const linear_scratch *m, const real *x, real *g)
{
    const nfi_kernels *kernels = tile->kernels;
    const linear_block back = linear_at(ln, kernels, tile->packed_backward);
    const int64_t c = ln->channels, pixels = tile->n * ln->pixels;
    const linear_rows y = { m->y, linear_ld(c) };

    if (tile->grad) memset(m->turned, 0, (size_t)(c * c) * sizeof *m->turned);
    for (int64_t i = 0, n; i < pixels; i += n, x += n * c, g += n * c) {
        n = nfi_min(LINEAR_STRIP, pixels - i);
        const linear_rows from = linear_load(c, n, g, m->g);
        if (tile->grad) {
            const linear_rows in = linear_load(c, n, x, m->x);
            kernels->gemm_tn(n, c, c, in.at, in.ld, from.at, from.ld, m->turned, NULL);
        }
        kernels->gemm(n, c, c, from.at, from.ld, back.panels, y.at, y.ld, NULL);
        linear_store(c, n, &y, g);
    }
}

/* One row of dL/dlu: left of the diagonal that of L, from it on that of U */
static void linear_gradient_row(int64_t c, int64_t i, const double *factor, const double *upper_turned, const double *gradient,
                                double *row)
{
    memset(row, 0, (size_t)c * sizeof *row);
    for (int64_t j = 0; j < c; j++) linear_axpy(nfi_min(i, j + 1), gradient[i * c + j], upper_turned + j * c, row);
    for (int64_t j = i; j < c; j++) row[j] += gradient[i * c + j]; /* L_ii = 1 */
    for (int64_t k = i + 1; k < c; k++) linear_axpy(c - i, factor[k * c + i], gradient + k * c + i, row + i);
}

/* With G = dL/d(L U), that is dL/dW with its rows in the order of the factors, and u = sign exp(log_s):
 *   dL/dL = G U^T below the diagonal,  dL/dU = L^T G above it,  dL/dlog_s_i = (L^T G)_ii u_i + pixels sum h */
static void linear_gradient_plu(const struct linear *ln, const linear_block *b, const double *upper_turned,
                                const linear_scratch *m, double h, real *grad)
{
    const int64_t c = ln->channels;

    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < c; j++) m->gradient[i * c + j] = (double)m->turned[j * c + b->order[i]];
    grad += 2 * c; /* permutation and sign are frozen */
    for (int64_t i = 0; i < c; i++) {
        linear_gradient_row(c, i, b->factor, upper_turned, m->gradient, m->row);
        m->row[i] = m->row[i] * b->factor[i * c + i] + h;
        for (int64_t j = 0; j < c; j++) grad[i * c + j] += (real)m->row[j];
    }
}

/* d log|det W| / dW = W^-T */
static void linear_gradient_plain(const struct linear *ln, const double *inverse, const linear_scratch *m, double h, real *grad)
{
    const int64_t c = ln->channels;

    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < c; j++) grad[i * c + j] += (real)((double)m->turned[j * c + i] + h * inverse[j * c + i]);
}

/* With g = dL/dz, h = dL/dlog_det:  dL/dx_p = W^T g_p,  dL/dW = sum_p g_p x_p^T + pixels sum_i h_i W^-T */
static nf_status linear_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved,
                                 void *g, const double *h)
{
    const struct linear *ln = self;
    const linear_block b = linear_at(ln, tile->kernels, tile->packed);
    const linear_block back = linear_at(ln, tile->kernels, tile->packed_backward);
    const linear_scratch m = linear_memory(ln, (int64_t)sizeof(real), tile->scratch);
    const nf_status status = linear_check(ln, &b);
    double sum = 0.0;

    (void)out, (void)saved;
    if (status != NF_OK) return status;
    linear_backward_rows(ln, tile, &m, in, g);
    if (!tile->grad) return NF_OK; /* only dL/dx was asked for */
    for (int64_t i = 0; i < tile->n; i++) sum += h[i];
    sum *= (double)ln->pixels;
    if (ln->form == NF_LINEAR_PLU) linear_gradient_plu(ln, &b, back.extra, &m, sum, tile->grad);
    else linear_gradient_plain(ln, back.extra, &m, sum, tile->grad);
    return NF_OK;
}

/* t [C][count] := (L U)^-T t, as linear_solve does: by U^T, then by L^T */
static void linear_solve_turned(int64_t c, const double *factor, int64_t count, int64_t ld, double *t)
{
    for (int64_t i = 0; i < c; i++) {
        double *row = t + i * ld;
        for (int64_t k = 0; k < i; k++) linear_axpy(count, -factor[k * c + i], t + k * ld, row);
        for (int64_t j = 0; j < count; j++) row[j] /= factor[i * c + i];
    }
    for (int64_t i = c - 1; i >= 0; i--)
        for (int64_t k = i + 1; k < c; k++) linear_axpy(count, -factor[k * c + i], t + k * ld, t + i * ld);
}

/* W^T w_p = v_p at each pixel, in place: row order[i] of W is row i of L U, so that element order[i] of w_p is element i of (L U)^-T v_p. */
static nf_status linear_inverse_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g)
{
    const struct linear *ln = self;
    const linear_block b = linear_at(ln, tile->kernels, tile->packed);
    double *t = linear_memory(ln, (int64_t)sizeof(real), tile->scratch).solve;
    const int64_t c = ln->channels, pixels = tile->n * ln->pixels;
    const nf_status status = linear_check(ln, &b);
    real *v = g;

    (void)in, (void)out, (void)saved;
    if (status != NF_OK) return status;
    for (int64_t start = 0, n; start < pixels; start += n, v += n * c) {
        n = nfi_min(LINEAR_STRIP, pixels - start);
        for (int64_t p = 0; p < n; p++)
            for (int64_t i = 0; i < c; i++) t[i * LINEAR_LANES + p] = (double)v[p * c + i];
        linear_solve_turned(c, b.factor, n, LINEAR_LANES, t);
        for (int64_t p = 0; p < n; p++)
            for (int64_t i = 0; i < c; i++) v[p * c + b.order[i]] = (real)t[i * LINEAR_LANES + p];
    }
    return NF_OK;
}

/* dz_p = W dx_p; log|det| does not depend on x. */
static nf_status linear_jvp(const void *self, const nf_tile *tile, const void *in, const void *d_in, void *out, void *d_out,
                            double *d_log_det)
{
    const nf_status status = linear_forward(self, tile, in, out, NULL);

    (void)d_log_det;
    if (status == NF_OK) linear_product(self, tile, d_in, d_out);
    return status;
}

/* A permutation, and signs. */
static nf_status linear_check_theta(const void *self, const void *theta)
{
    const struct linear *ln = self;
    const real *permutation = theta, *sign = permutation + ln->channels;

    for (int64_t i = 0; ln->form == NF_LINEAR_PLU && i < ln->channels; i++) {
        bool wrong = !(permutation[i] >= 0 && permutation[i] < (real)ln->channels) || permutation[i] != (real)(int64_t)permutation[i];
        for (int64_t j = 0; j < i && !wrong; j++) wrong = permutation[j] == permutation[i];
        if (wrong)
            return nfi_fail(NF_ERR_FORMAT, "%s: element %lld of \"permutation\" is %g: not a row, or one a second time", ln->name,
                            (long long)i, (double)permutation[i]);
        if (sign[i] != 1 && sign[i] != -1)
            return nfi_fail(NF_ERR_FORMAT, "%s: element %lld of \"sign\" is %g, must be 1 or -1", ln->name, (long long)i, (double)sign[i]);
    }
    return NF_OK;
}

const nf_layer_ops NFI_NAME(nfi_linear_ops) = {
    .struct_size = sizeof(nf_layer_ops),
    .reset = linear_reset,
    .pack = linear_pack,
    .forward = linear_forward,
    .inverse = linear_inverse,
    .backward = linear_backward,
    .jvp = linear_jvp,
    .check = linear_check_theta,
    .inverse_backward = linear_inverse_backward,
};

#if NFI_ONCE
static nf_status linear_make_any(nf_maker *maker, const char *name, int32_t form, int64_t channels, int64_t pixels, void **self)
{
    struct linear *ln = nf_maker_alloc(maker, (int64_t)sizeof *ln);
    if (!ln) return NF_ERR_MEMORY;
    *ln = (struct linear){ .name = name, .form = form, .channels = channels, .pixels = pixels };
    *self = ln;
    return NF_OK;
}

static nf_status linear_make(nf_maker *maker, void *resolved, void **self)
{
    const nf_linear_config *config = resolved;
    return linear_make_any(maker, "linear", config->form, config->dim, 1, self);
}

static nf_status linear_make_invconv(nf_maker *maker, void *resolved, void **self)
{
    const nf_invconv_config *config = resolved;
    int64_t pixels, dim;
    if (!nfi_mul(config->height, config->width, &pixels) || !nfi_mul(pixels, config->channels, &dim))
        return nfi_fail(NF_ERR_OVERFLOW, "nf_invconv_create: height %lld times width %lld times channels %lld is too large",
                        (long long)config->height, (long long)config->width, (long long)config->channels);
    return linear_make_any(maker, "invconv", config->form, config->channels, pixels, self);
}

static nf_status linear_describe(const void *self, nf_layer_info *info)
{
    const struct linear *ln = self;
    const nfi_kernels *kernels = info->kernels;
    char sizing = 0; /* only differences to its address are used */
    const linear_block b = linear_at(ln, kernels, &sizing);

    info->dim = ln->pixels * ln->channels;
    info->scratch_fixed = linear_memory(ln, kernels->size, &sizing).bytes;
    info->packed = b.bytes;
    info->packed_backward = b.bytes + ln->channels * ln->channels * (int64_t)sizeof *b.extra;
    info->flop_row = 2.0 * (double)info->dim * (double)ln->channels;
    return NF_OK;
}

static nf_status linear_param(const void *self, int32_t i, nf_param *param)
{
    static const struct linear_view {
        const char *name;
        int32_t properties, rank;
    } plu[] = { { "permutation", NF_PARAM_FROZEN, 1 }, { "sign", NF_PARAM_FROZEN, 1 }, { "lu", NF_PARAM_NO_DECAY, 2 } },
      plain[] = { { "weight", 0, 2 } };
    const struct linear *ln = self;
    const bool is_plu = ln->form == NF_LINEAR_PLU;

    if (i < 0 || i >= (is_plu ? NFI_COUNT(plu) : NFI_COUNT(plain))) return NF_ERR_ARG;
    const struct linear_view *view = is_plu ? &plu[i] : &plain[i];
    memcpy(param->name, view->name, strlen(view->name) + 1);
    param->properties = view->properties;
    param->offset = i * ln->channels;
    param->rank = view->rank;
    param->shape[0] = ln->channels;
    if (view->rank == 2) param->shape[1] = ln->channels;
    return NF_OK;
}

#define LINEAR_FORMS "plu,plain"
static const nf_field linear_fields[] = {
    NFI_FIELD(nf_linear_config, form, NF_FIELD_CHOICE, 0, NF_LINEAR_PLU, 1, 2, LINEAR_FORMS, "How W is parametrised"),
    NFI_FIELD(nf_linear_config, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, LINEAR_MAX, NULL, "Columns in and out"),
};
static const nf_field invconv_fields[] = {
    NFI_FIELD(nf_invconv_config, form, NF_FIELD_CHOICE, 0, NF_LINEAR_PLU, 1, 2, LINEAR_FORMS, "How W is parametrised"),
    NFI_FIELD(nf_invconv_config, height, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Rows of pixels"),
    NFI_FIELD(nf_invconv_config, width, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns of pixels"),
    NFI_FIELD(nf_invconv_config, channels, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, LINEAR_MAX, NULL, "Values of a pixel"),
};
const nfi_config_type nfi_linear_config_type = NFI_CONFIG_TYPE("linear", nf_linear_config, linear_fields);
const nfi_config_type nfi_invconv_config_type = NFI_CONFIG_TYPE("invconv", nf_invconv_config, invconv_fields);
const nf_layer_type nfi_linear_type = {
    NFI_LAYER_TYPE("linear", nf_linear_config, linear_fields),
    .create = linear_make,
    .describe = linear_describe,
    .param = linear_param,
    .f32 = &nfi_linear_ops_f32,
    .f64 = &nfi_linear_ops_f64,
};
const nf_layer_type nfi_invconv_type = {
    NFI_LAYER_TYPE("invconv", nf_invconv_config, invconv_fields),
    .create = linear_make_invconv,
    .describe = linear_describe,
    .param = linear_param,
    .f32 = &nfi_linear_ops_f32,
    .f64 = &nfi_linear_ops_f64,
};

void nf_linear_config_init(nf_linear_config *config)
{
    if (config) *config = (nf_linear_config)NF_LINEAR_CONFIG_INIT;
}

void nf_invconv_config_init(nf_invconv_config *config)
{
    if (config) *config = (nf_invconv_config)NF_INVCONV_CONFIG_INIT;
}

nf_status nf_linear_create(nf_layer **out, nf_context *context, const nf_linear_config *config)
{
    return nfi_layer_make(out, context, &nfi_linear_type, config, "nf_linear_create");
}

nf_status nf_invconv_create(nf_layer **out, nf_context *context, const nf_invconv_config *config)
{
    return nfi_layer_make(out, context, &nfi_invconv_type, config, "nf_invconv_create");
}
#endif
