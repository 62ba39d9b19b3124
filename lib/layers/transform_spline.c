/* SPDX-License-Identifier: MIT
 *
 * transform_spline.c - rational-quadratic spline of single numbers: gathers strips of rows for the kernels of math/spline.h
 *
 * Parameters of a column: `bins` for the widths, `bins` for the heights, bins - 1 for the slopes at the inner knots, or with circular
 * `bins`, of which the first is the slope at both ends. All zero: z = x. Among circles a column that is none has a slope of 1 at its ends,
 * which is what logit 0 means: it is put there whatever the parameter, whose tangent and gradient are 0.
 * Kernels want parameter q of all elements of a strip side by side: copied there and back, m numbers at a time where a row's parameters are
 * [params][m], turned where they are [m][params]. saved: nothing but the parameters, strip after strip [params][n m], from which backward
 * computes again.
 *
 * Check value: 2 bins, B = 1, minima 0.01, no bound of the logits, parameters (0.4, -0.3, -0.2, 0.5, 0.6), x = 0.25:
 * z = -0.4233741043, log dz/dx = -0.0204221937
 * Ref: Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", arXiv:1906.04032.
 */
#include "core/real.h"
#include "core/status.h"
#include "layers/transform.h"
#include "math/functions.h"

#include <string.h>

#define SPLINE_STRIP 256 /* elements at once: 23 parameters of them fill half of the second cache's share of a core */

struct spline_work { /* in scratch, of one strip of at most `stride` elements */
    int64_t stride;
    real *p, *dp;                  /* [params][stride]; dp: tangents or gradients */
    real *x, *z, *d, *log_slope;   /* [stride] */
    void *kernel;
};

static int64_t spline_strip_rows(int64_t m) { return nfi_max(1, SPLINE_STRIP / m); }

static int64_t spline_carve(const nfi_transform_spline *sp, int64_t m, void *base, struct spline_work *w)
{
    const int64_t stride = nfi_round_up(nfi_max(SPLINE_STRIP, m), 16), row = stride * (int64_t)sizeof(real);
    int64_t at = 0;
    w->stride = stride;
    w->p = nfi_carve(base, &at, nfi_transform_spline_params(sp) * row);
    w->dp = nfi_carve(base, &at, nfi_transform_spline_params(sp) * row);
    w->x = nfi_carve(base, &at, row);
    w->z = nfi_carve(base, &at, row);
    w->d = nfi_carve(base, &at, row);
    w->log_slope = nfi_carve(base, &at, row);
    w->kernel = nfi_carve(base, &at, NFI_SPLINE_WORK(sp->bins));
    return at;
}

static int64_t spline_scratch_bytes(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    (void)kernels, (void)n;
    return spline_carve(self, m, NULL, &(struct spline_work){ 0 });
}

static int64_t spline_saved_bytes(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    return n * nfi_transform_spline_params(self) * m * kernels->size;
}

/* What all calls to the kernels have in common. */
static nfi_spline spline_call(const nfi_transform_spline *sp, const struct spline_work *w, int64_t count)
{
    return (nfi_spline){ .count = count, .stride = w->stride, .bins = sp->bins, .circular = sp->circular, .softclip = sp->softclip, .bound = sp->bound,
                         .min_width = sp->min_width, .min_height = sp->min_height, .min_slope = sp->min_slope,
                         .slope_centre = sp->slope_centre, .logit_bound = sp->logit_bound, .p = w->p, .work = w->kernel };
}

/* to [count] from x, zeros up to a multiple of 16. */
static void spline_load(int64_t count, const real *x, real *to)
{
    memcpy(to, x, (size_t)count * sizeof *to);
    for (int64_t i = count; i % 16; i++) to[i] = 0;
}

/* Elements before parameter q of row i in p[q > 0]. */
static int64_t spline_param_at(const nfi_transform_rows *rows, int64_t i, int64_t q) { return i * rows->ld + (q > 0 ? q - 1 : 0) * rows->step; }

/* p [params][stride], parameters, tangents or gradients of n rows: zeros at the ends of columns that are no circles */
static void spline_open_ends(const nfi_transform_spline *sp, int64_t stride, int64_t n, int64_t m, real *p)
{
    real *ends = p + 2 * sp->bins * stride;
    for (int64_t i = 0; sp->open && i < n; i++, ends += m)
        for (int64_t j = 0; j < m; j++)
            if (sp->open[j]) ends[j] = 0;
}

/* Numbers side by side: those of a row, or where there is one column, of that. */
struct spline_runs {
    int64_t count, length, apart; /* `count` runs of `length` numbers, whose parameters are `apart` */
};
static struct spline_runs spline_runs_of(const nfi_transform_rows *rows, int64_t n)
{
    if (rows->m == 1) return (struct spline_runs){ .count = 1, .length = n, .apart = rows->ld };
    return (struct spline_runs){ .count = n, .length = rows->m, .apart = rows->column };
}

/* to [params][stride] of n rows, zeros up to a multiple of 16. */
static void spline_gather(const nfi_transform_spline *sp, const nfi_transform_rows *rows, const void *const p[2], int64_t first, int64_t n,
                          const struct spline_work *w, real *out)
{
    const int64_t params = nfi_transform_spline_params(sp), end = n * rows->m;
    const struct spline_runs runs = spline_runs_of(rows, n);
    for (int64_t i = 0; runs.apart > 1 && i < runs.count; i++)
        rows->kernels->turn(runs.length, params, (const real *)p[0] + (first + i) * rows->ld, runs.apart, out + i * runs.length, w->stride);
    for (int64_t q = 0; q < params; q++) {
        real *to = out + q * w->stride;
        for (int64_t i = 0; runs.apart == 1 && i < runs.count; i++) {
            const real *from = (const real *)p[q > 0] + spline_param_at(rows, first + i, q);
            for (int64_t j = 0; j < runs.length; j++) to[i * runs.length + j] = from[j];
        }
        for (int64_t i = end; i % 16; i++) to[i] = 0;
    }
    spline_open_ends(sp, w->stride, n, rows->m, out);
}

static void spline_scatter(const nfi_transform_spline *sp, const nfi_transform_rows *rows, real *from, int64_t stride, int64_t first, int64_t n,
                           void *const p[2])
{
    const int64_t params = nfi_transform_spline_params(sp);
    const struct spline_runs runs = spline_runs_of(rows, n);
    spline_open_ends(sp, stride, n, rows->m, from);
    for (int64_t i = 0; runs.apart > 1 && i < runs.count; i++)
        rows->kernels->turn(params, runs.length, from + i * runs.length, stride, (real *)p[0] + (first + i) * rows->ld, runs.apart);
    for (int64_t q = 0; runs.apart == 1 && q < params; q++, from += stride)
        for (int64_t i = 0; i < runs.count; i++)
            memcpy((real *)p[q > 0] + spline_param_at(rows, first + i, q), from + i * runs.length, (size_t)runs.length * sizeof *from);
}

static void spline_add_log_det(int64_t n, int64_t m, const real *log_slope, double *log_det)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < m; j++) sum += (double)log_slope[i * m + j];
        log_det[i] += sum;
    }
}

/* keep [params][count] = what is gathered in w->p, and back */
static void spline_keep(const nfi_transform_spline *sp, int64_t count, const struct spline_work *w, real *keep)
{
    for (int64_t q = 0; q < nfi_transform_spline_params(sp); q++)
        memcpy(keep + q * count, w->p + q * w->stride, (size_t)count * sizeof *keep);
}
static void spline_recall(const nfi_transform_spline *sp, int64_t count, const real *keep, const struct spline_work *w)
{
    for (int64_t q = 0; q < nfi_transform_spline_params(sp); q++) spline_load(count, keep + q * count, w->p + q * w->stride);
}

/* keep NULL: not wanted */
static void spline_map(const nfi_transform_spline *sp, const nfi_transform_rows *rows, void (*kernel)(const nfi_spline *), const real *in,
                       real *out, double *log_det, real *keep)
{
    const int64_t m = rows->m, most = spline_strip_rows(m);
    struct spline_work w;

    (void)spline_carve(sp, m, rows->scratch, &w);
    for (int64_t first = 0; first < rows->n; first += most) {
        const int64_t n = nfi_min(most, rows->n - first), count = n * m;
        nfi_spline call = spline_call(sp, &w, count);
        call.x = w.x;
        call.z = w.z;
        call.log_slope = w.log_slope;
        spline_gather(sp, rows, rows->p, first, n, &w, w.p);
        if (keep) spline_keep(sp, count, &w, keep + first * m * nfi_transform_spline_params(sp));
        spline_load(count, in + first * m, w.x);
        kernel(&call);
        memcpy(out + first * m, w.z, (size_t)count * sizeof *out);
        spline_add_log_det(n, m, w.log_slope, log_det + first);
    }
}

static void spline_forward(const void *self, const nfi_transform_rows *rows, const void *x, void *z, double *log_det, void *saved)
{
    spline_map(self, rows, rows->kernels->spline_value, x, z, log_det, saved);
}

static void spline_inverse(const void *self, const nfi_transform_rows *rows, const void *z, void *x, double *log_det)
{
    spline_map(self, rows, rows->kernels->spline_inverse, z, x, log_det, NULL);
}

static void spline_backward(const void *self, const nfi_transform_rows *rows, const void *in, const void *out, const void *saved, void *g_inout,
                            const double *h, void *const gp[2])
{
    const int64_t m = rows->m, most = spline_strip_rows(m);
    const real *kept = saved;
    real *g = g_inout;
    struct spline_work w;

    (void)out;
    (void)spline_carve(self, m, rows->scratch, &w);
    for (int64_t first = 0; first < rows->n; first += most) {
        const int64_t n = nfi_min(most, rows->n - first), count = n * m;
        nfi_spline call = spline_call(self, &w, count);
        call.x = w.x;
        call.g = w.d;
        call.h = w.log_slope;
        call.gp = w.dp;
        spline_recall(self, count, kept + first * m * nfi_transform_spline_params(self), &w);
        spline_load(count, (const real *)in + first * m, w.x);
        spline_load(count, g + first * m, w.d);
        for (int64_t i = 0; i < nfi_round_up(count, 16); i++) w.log_slope[i] = i < count ? (real)h[first + i / m] : 0;
        rows->kernels->spline_backward(&call);
        memcpy(g + first * m, w.d, (size_t)count * sizeof *g);
        spline_scatter(self, rows, w.dp, w.stride, first, n, gp);
    }
}

static void spline_jvp(const void *self, const nfi_transform_rows *rows, const void *x, const void *z, const void *d_in,
                       const void *const dp[2], void *d_out, double *d_log_det)
{
    const int64_t m = rows->m, most = spline_strip_rows(m);
    struct spline_work w;

    (void)z;
    (void)spline_carve(self, m, rows->scratch, &w);
    for (int64_t first = 0; first < rows->n; first += most) {
        const int64_t n = nfi_min(most, rows->n - first), count = n * m;
        nfi_spline call = spline_call(self, &w, count);
        call.x = w.x;
        call.dx = w.d;
        call.dp = w.dp;
        call.z = w.z;
        call.log_slope = w.log_slope;
        spline_gather(self, rows, rows->p, first, n, &w, w.p);
        spline_gather(self, rows, dp, first, n, &w, w.dp);
        spline_load(count, (const real *)x + first * m, w.x);
        spline_load(count, (const real *)d_in + first * m, w.d);
        rows->kernels->spline_jvp(&call);
        memcpy((real *)d_out + first * m, w.z, (size_t)count * sizeof(real));
        spline_add_log_det(n, m, w.log_slope, d_log_det + first);
    }
}

const nfi_transform_ops NFI_NAME(nfi_transform_spline_ops) = {
    .scratch_bytes = spline_scratch_bytes, .saved_bytes = spline_saved_bytes, .forward = spline_forward, .inverse = spline_inverse,
    .backward = spline_backward, .jvp = spline_jvp,
};

#if NFI_ONCE
#define SPLINE_LEAST 1e-5 /* of a minimum: 64 bins of f32 keep their order */
#define SPLINE_LOGIT 2.0
#define SPLINE_SOFTCLIP 3.4538776394910684 /* ln(1000) / 2: zuko */
#define SPLINE_SOFTCLIP_MOST 5.0 /* parts of e^-10: 64 bins of f32 keep their order */

static void spline_defaults(nfi_transform_spline *sp, int32_t form)
{
    const double minimum = form == NF_SPLINE_FREE ? 1e-3 : 1e-2, half = 0.5 / sp->bins, side = minimum < half ? minimum : half;
    if (sp->logit_bound == 0.0) sp->logit_bound = form == NF_SPLINE_SAFE ? SPLINE_LOGIT : sp->softclip ? SPLINE_SOFTCLIP : 0.0;
    if (sp->softclip) return;
    if (sp->min_width == 0.0) sp->min_width = side;
    if (sp->min_height == 0.0) sp->min_height = side;
    if (sp->min_slope == 0.0) sp->min_slope = minimum;
}

static nf_status spline_check_minimum(const nfi_transform_spline *sp, const char *name, double value, double most, const char *function)
{
    if (sp->softclip && value != 0.0) return nfi_fail(NF_ERR_ARG, "%s: %s is %g, but form softclip has no minima", function, name, value);
    if (!sp->softclip && (value < SPLINE_LEAST || value > most))
        return nfi_fail(NF_ERR_ARG, "%s: %s is %g; with %d bins it must be in [%g, %g]", function, name, value, (int)sp->bins, SPLINE_LEAST, most);
    return NF_OK;
}

/* slope_centre c: min_slope + softplus(c) = 1 */
nf_status nfi_transform_spline_resolve(nfi_transform_spline *sp, int32_t form, const char *function)
{
    sp->softclip = form == NF_SPLINE_SOFTCLIP;
    spline_defaults(sp, form);
    nf_status status = spline_check_minimum(sp, "min_width", sp->min_width, 0.5 / sp->bins, function);
    if (status == NF_OK) status = spline_check_minimum(sp, "min_height", sp->min_height, 0.5 / sp->bins, function);
    if (status == NF_OK) status = spline_check_minimum(sp, "min_slope", sp->min_slope, 0.9, function);
    if (status != NF_OK) return status;
    if (form == NF_SPLINE_FREE && sp->logit_bound != 0.0)
        return nfi_fail(NF_ERR_ARG, "%s: logit_bound is %g, but form free bounds no logits", function, sp->logit_bound);
    if (sp->softclip && (sp->logit_bound < 0.1 || sp->logit_bound > SPLINE_SOFTCLIP_MOST))
        return nfi_fail(NF_ERR_ARG, "%s: logit_bound is %g; with form softclip it must be in [0.1, %g]", function, sp->logit_bound,
                        SPLINE_SOFTCLIP_MOST);
    sp->slope_centre = nfi_log(nfi_expm1(1.0 - sp->min_slope));
    return NF_OK;
}

nfi_transform nfi_transform_spline_of(const nfi_transform_spline *spline)
{
    return (nfi_transform){ .f32 = &nfi_transform_spline_ops_f32, .f64 = &nfi_transform_spline_ops_f64, .self = spline,
                            .params = nfi_transform_spline_params(spline) };
}
#endif
