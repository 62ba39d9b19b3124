/* SPDX-License-Identifier: MIT
 *
 * kernels.h - the table of kernels: matrix products, vector functions, random normals
 *
 * One const table per (dtype, instruction set), and one per dtype on top of CBLAS; the context's choice is made once by
 * nfi_kernels_for(). Lanes are rows or outputs, never a reduction; each output is one FMA chain with k ascending, bias first. So
 * a row's bits never depend on its batch, tile or instruction set (with FMA).
 *
 * Activations are row-major [n][ld], ld a multiple of 16 elements, 64-byte aligned; columns between the width and
 * round_up(width, 16) may be written with anything finite.
 */
#ifndef NFI_MATH_KERNELS_H
#define NFI_MATH_KERNELS_H

#include "core/context.h"

/* Rows of weights W [k][m] that are zero and left out, by steps of columns: columns [s NFI_STEP, (s + 1) NFI_STEP) have none but
 * [from[s], to[s]), from <= to <= k. No panel is wider than a step, so that what a row multiplies does not depend on the instruction set. */
#define NFI_STEP 32
typedef struct nfi_stairs {
    const int64_t *from, *to; /* NULL: 0, k */
} nfi_stairs;

/* What follows the product, per element: y = acc;  relu: max(acc, 0) (NaN stays NaN);
 * relu_mask: mask[i][j] > 0 ? acc : 0. */
enum { NFI_EPILOGUE_NONE = 0, NFI_EPILOGUE_RELU = 1, NFI_EPILOGUE_RELU_MASK = 2 };
typedef struct nfi_epilogue {
    int32_t kind;
    int32_t no_bias;  /* 1: sums start from zero: for tangents */
    const void *mask; /* [n][ld_mask] of the dtype, relu_mask only */
    int64_t ld_mask;
    const nfi_stairs *stairs; /* of the product itself; NULL: all rows of W count */
} nfi_epilogue;

/* Backward through y = phi(scale_j a + skip), per column j, phi a ReLU or nothing: with g = dL/dy [n][ld] and, for a ReLU, g = 0 where
 * y <= 0,  sum_j += sum_i g (y - skip),  g_skip = g,  g = scale_j g.  Arrays beyond column m hold anything finite; ld a multiple of 16;
 * scale and sum have room for round_up(m, 16), and scale holds zeros beyond m. */
typedef struct nfi_unscale {
    int32_t relu;
    int64_t ld;
    const void *scale, *y, *skip; /* skip NULL: none */
    void *g, *g_skip, *sum;       /* g_skip NULL: not wanted */
} nfi_unscale;

/* Elementwise functions of activations. `saved` is what the row keeps for its slope: phi(u), or u when saves_input. */
typedef struct nfi_activation {
    const char *name;
    int32_t saves_input;
    void (*value)(int64_t n, const void *u, void *h);         /* h = phi(u); h may be u */
    void (*slope)(int64_t n, const void *saved, void *g);     /* g *= phi'(u) */
    void (*curve)(int64_t n, const void *saved, void *g);     /* g *= phi''(u); NULL where it is zero or undefined (relu, leaky) */
} nfi_activation;
#define NFI_N_ACTIVATIONS 6 /* in the order of NF_ACTIVATION_*, from 1 */

/* What follows the products in networks of time (nets/dynamics.h), for n rows of `width` numbers and the m tangents of each:
 * u = g a + w t, h = phi(u); ud = g ad, hd = phi'(u) ud. value writes h and hd, which may be a and ad, and behind the width the column
 * that yields the gradient of the bias: 1 in h, 0 in hd. reverse turns dL/dh, dL/dhd into dL/da, dL/dad, in place.
 * Every array of one number a column has room for ld; so has every row. */
typedef struct nfi_timed {
    int64_t n, m, width, ld;
    const double *t;         /* [n] */
    const void *time;        /* w, NULL: zeros, and t is not read */
    const void *gate;        /* g [n][ld_gate], NULL: ones */
    int64_t ld_gate;         /* ld, or 0: one row serves all */
    const void *a, *ad;      /* [n][ld], [n m][ld]; reverse: ad for phi'' and gates, a for gates and where the activation keeps u */
    void *h, *hd;            /* reverse reads h alone, where the activation keeps it */
    /* reverse */
    void *g_h, *g_hd;
    const void *gate_weight; /* v of g = sigmoid(v t + d); with gate */
    void *sum;               /* [4][ld]: dL/dw, dL/dv, dL/dd are added to, the last is working memory; NULL: not wanted, as without w */
    double *g_t;             /* [n] += dL/dt, with sum; NULL: not wanted */
} nfi_timed;
typedef struct nfi_timed_phi {
    void (*value)(const nfi_timed *p);
    void (*reverse)(const nfi_timed *p);
} nfi_timed_phi;

/* Rational-quadratic splines of `count` numbers: math/spline.h. Parameter q of number i stands at p + q stride + i: `bins` of the
 * widths, `bins` of the heights, then the slopes', bins - 1 or with circular bins. stride a multiple of 16; every array has room for
 * round_up(count, 16), where it holds something finite and may be written. */
#define NFI_SPLINE_BINS 64 /* at most */
#define NFI_SPLINE_WORK(bins) (3 * 64 * (int64_t)(bins)) /* bytes */
typedef struct nfi_spline {
    int64_t count, stride;
    int32_t bins, circular, softclip;
    double bound;             /* the spline maps [-bound, bound] onto itself */
    double min_width, min_height, min_slope; /* of a bin, as parts of 2 bound; of a knot */
    double slope_centre;      /* c: min_slope + softplus(c) = 1 */
    double logit_bound;       /* 0: none; of softclip in [0.1, 5] */
    const void *p, *x;
    void *z, *log_slope;      /* value, inverse; their tangents in jvp */
    const void *dx, *dp;      /* jvp */
    const void *h;            /* backward: dL/dlog_slope */
    void *g, *gp;             /* backward: dL/dz in, dL/dx out; dL/dp out */
    void *work;               /* NFI_SPLINE_WORK, aligned to 64 */
} nfi_spline;

typedef struct nfi_kernels nfi_kernels;
struct nfi_kernels {
    const char *isa;     /* "avx512", ... , "cblas" */
    int32_t dtype;       /* NF_F32 or NF_F64 */
    int32_t size;        /* bytes of an element */
    /* Weights W [k][m] (row-major, ld = m) followed by the bias [m] (row k; NULL: zeros) packed for gemm. */
    int64_t (*packed_count)(int64_t k, int64_t m);            /* elements */
    /* Also W^T, as the weights [m][k] of the input's gradient, without bias: packed_count(m, k). Either may be NULL; both are made
     * in one reading of W. scale [m], NULL for ones, multiplies the columns of `packed` and the bias, not W^T. */
    void (*pack)(int64_t k, int64_t m, const void *w, const void *bias, const void *scale, void *packed, void *transposed);
    /* y[n][m] = epilogue(x[n][k] W + bias); y must not overlap x. */
    void (*gemm)(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *packed, void *y, int64_t ldy,
                 const nfi_epilogue *epilogue /* NULL: none */);
    /* dw[k][m] (dense, ld = m, any alignment) += x[n][k]^T dy[n][m], rows ascending; what stairs leave out of dw is not touched. */
    void (*gemm_tn)(int64_t n, int64_t k, int64_t m, const void *x, int64_t ldx, const void *dy, int64_t ldy, void *dw,
                    const nfi_stairs *stairs /* NULL: all of dw */);
    /* y[m][ld] = W^T x[k][ld] + bias, W[i][j] = w[i wk + j wj], bias_j = bias[j wj], NULL: zeros; lanes are rows of the batch, of which ld, a multiple
     * of 16, holds all. An output has the bits that gemm's has; terms whose weight is zero may be left out at the end of a chain. */
    void (*gemm_turned)(int64_t ld, int64_t k, int64_t m, const void *w, int64_t wk, int64_t wj, const void *bias, const void *x, void *y);
    /* to [m][ld_to] = the transpose of from [n][ld_from], and nothing between its rows */
    void (*turn)(int64_t n, int64_t m, const void *from, int64_t ld_from, void *to, int64_t ld_to);
    void (*unscale)(int64_t n, int64_t m, const nfi_unscale *u);
    const nfi_activation *activations; /* [NFI_N_ACTIVATIONS] */
    /* gate [n][ld] = sigmoid(weight t + bias), a row for each t; arrays have room for ld */
    void (*gates)(int64_t n, int64_t width, int64_t ld, const double *t, const void *weight, const void *bias, void *gate);
    const nfi_timed_phi *timed; /* [NFI_N_ACTIVATIONS + 1] by NF_ACTIVATION_*, 0: phi(u) = u; NULL where phi'' is undefined */
    void (*spline_value)(const nfi_spline *s);   /* z of x */
    void (*spline_inverse)(const nfi_spline *s); /* x holds z, and z becomes x; log_slope that of the inverse */
    void (*spline_backward)(const nfi_spline *s);
    void (*spline_jvp)(const nfi_spline *s);
    /* y[i] = f(x[i]) in the dtype, y may be x */
    void (*exp)(int64_t n, const void *x, void *y);
    void (*log)(int64_t n, const void *x, void *y);
    void (*tanh)(int64_t n, const void *x, void *y);
    void (*sigmoid)(int64_t n, const void *x, void *y);
    void (*softplus)(int64_t n, const void *x, void *y);
    /* Element first + i of the normal stream of (seed, stream), i in [0, n), always in double: see math/random.h */
    void (*normal)(uint64_t seed, uint32_t stream, uint64_t first, int64_t n, double *out);
    const nfi_kernels *f64; /* the table of the same instruction set in double (itself when dtype is f64) */
};

const nfi_kernels *nfi_kernels_for(const nf_context *context, int32_t dtype);
/* By name, for tests and benches: NULL when the machine lacks it. isa: NF_ISA_..., or 0 for CBLAS. */
const nfi_kernels *nfi_kernels_isa(int32_t isa, int32_t dtype);
int32_t nfi_best_isa(void);       /* NF_ISA_... of this machine */
bool nfi_has_isa(int32_t isa);

/* Loads `bytes` at block once with the widest vectors: the least that a call must do that needs them all. */
void nfi_read_block(const nfi_kernels *kernels, const void *block, int64_t bytes);

/* GFLOP/s of a register-only FMA loop of the widest vectors in use, run for about `seconds` on the calling thread. */
double nfi_fma_peak(const nfi_kernels *kernels, double seconds);

#endif
