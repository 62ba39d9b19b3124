/* SPDX-License-Identifier: MIT
 *
 * transform_affine.c - affine transform of single numbers
 *
 *   z = exp(s) x + t,   or with shift_first  z = exp(s) (x + t);   s = s(u) by layers/scale.c;   log dz/dx = s
 *
 * The network's answers are in the flow's dtype, s and everything after it in double; log|det| is the sum of s itself, never the logarithm
 * of exp(s), and the inverse computes s from the same inputs with the same operations, so both directions use the same bits.
 * saved: exp(s), ds/du.
 *
 * Check value: x = 2.385, t = 0.02, u = 0.43, tanh with m = 2: z = 3.6625857417, log dz/dx = 0.4234946737
 * Ref: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", arXiv:1605.08803.
 */
#include "core/real.h"
#include "layers/scale.h"
#include "layers/transform.h"

#include <string.h>

struct affine_work { /* in scratch */
    double *u, *s, *e; /* [n m]: u, s(u), and ds/du or exp(+-s) */
};

struct affine_saved {
    real *e, *d; /* [n m]: exp(s), ds/du */
};

static int64_t affine_carve_work(int64_t count, void *base, struct affine_work *w)
{
    int64_t at = 0;
    w->u = nfi_carve(base, &at, count * (int64_t)sizeof *w->u);
    w->s = nfi_carve(base, &at, count * (int64_t)sizeof *w->s);
    w->e = nfi_carve(base, &at, count * (int64_t)sizeof *w->e);
    return at;
}

static int64_t affine_carve_saved(int64_t count, void *base, struct affine_saved *saved)
{
    int64_t at = 0;
    saved->e = nfi_carve(base, &at, count * (int64_t)sizeof *saved->e);
    saved->d = nfi_carve(base, &at, count * (int64_t)sizeof *saved->d);
    return at;
}

static int64_t affine_scratch_bytes(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    (void)self, (void)kernels;
    return affine_carve_work(n * m, NULL, &(struct affine_work){ 0 });
}

static int64_t affine_saved_bytes(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m)
{
    (void)self, (void)kernels;
    return affine_carve_saved(n * m, NULL, &(struct affine_saved){ 0 });
}

/* w->u and w->s from the parameters. */
static void affine_scales(const nfi_transform_affine *a, const nfi_transform_rows *rows, struct affine_work *w)
{
    const int64_t n = rows->n, m = rows->m;
    if (!a->form->value) {
        memset(w->s, 0, (size_t)(n * m) * sizeof *w->s);
        return;
    }
    const real *u = rows->p[1];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) w->u[i * m + j] = (double)u[i * rows->ld + j * rows->column];
    a->form->value(rows->kernels->f64, a->bound, n * m, w->u, w->s);
}

/* w->e = ds/du */
static void affine_slopes(const nfi_transform_affine *a, const nfi_transform_rows *rows, struct affine_work *w)
{
    const int64_t count = rows->n * rows->m;
    if (a->form->slope)
        a->form->slope(rows->kernels->f64, a->bound, count, w->u, w->s, w->e);
    else
        memset(w->e, 0, (size_t)count * sizeof *w->e);
}

static void affine_narrow(int64_t count, const double *from, real *to)
{
    for (int64_t i = 0; i < count; i++) to[i] = (real)from[i];
}

/* log_det[i] += sign times the sum of row i's s */
static void affine_add_log_det(const nfi_transform_rows *rows, const double *s, double sign, double *log_det)
{
    for (int64_t i = 0; i < rows->n; i++, s += rows->m) {
        double sum = 0.0;
        for (int64_t j = 0; j < rows->m; j++) sum += s[j];
        log_det[i] += sign * sum;
    }
}

static void affine_forward(const void *self, const nfi_transform_rows *rows, const void *in, void *out, double *log_det, void *saved)
{
    const nfi_transform_affine *a = self;
    const int64_t m = rows->m, count = rows->n * m;
    const real *x = in, *t = rows->p[0];
    real *z = out;
    struct affine_work w;
    struct affine_saved keep;

    (void)affine_carve_work(count, rows->scratch, &w);
    affine_scales(a, rows, &w);
    if (saved) {
        (void)affine_carve_saved(count, saved, &keep);
        affine_slopes(a, rows, &w);
        affine_narrow(count, w.e, keep.d);
    }
    rows->kernels->f64->exp(count, w.s, w.e);
    if (saved) affine_narrow(count, w.e, keep.e);
    for (int64_t i = 0; i < rows->n; i++, x += m, z += m, t += rows->ld)
        for (int64_t j = 0; j < m; j++) {
            const double e = w.e[i * m + j], xj = (double)x[j], tj = (double)t[j * rows->column];
            z[j] = (real)(a->shift_first ? e * (xj + tj) : e * xj + tj);
        }
    affine_add_log_det(rows, w.s, 1.0, log_det);
}

/* x = exp(-s) (z - t), or exp(-s) z - t */
static void affine_inverse(const void *self, const nfi_transform_rows *rows, const void *out, void *in, double *log_det)
{
    const nfi_transform_affine *a = self;
    const int64_t m = rows->m, count = rows->n * m;
    const real *z = out, *t = rows->p[0];
    real *x = in;
    struct affine_work w;

    (void)affine_carve_work(count, rows->scratch, &w);
    affine_scales(a, rows, &w);
    for (int64_t i = 0; i < count; i++) w.e[i] = -w.s[i];
    rows->kernels->f64->exp(count, w.e, w.e);
    for (int64_t i = 0; i < rows->n; i++, x += m, z += m, t += rows->ld)
        for (int64_t j = 0; j < m; j++) {
            const double e = w.e[i * m + j], zj = (double)z[j], tj = (double)t[j * rows->column];
            x[j] = (real)(a->shift_first ? e * zj - tj : (zj - tj) * e);
        }
    affine_add_log_det(rows, w.s, -1.0, log_det);
}

/* With g = dL/dz, h = dL/dlog_det and e = exp(s):
 *   dL/dt = g,     dL/ds = g e x + h,   dL/du = dL/ds ds/du,   dL/dx = g e,   or with shift_first
 *   dL/dt = g e,   dL/ds = g z + h */
static void affine_backward(const void *self, const nfi_transform_rows *rows, const void *in, const void *out, const void *saved,
                            void *g_inout, const double *h, void *const gp[2])
{
    const nfi_transform_affine *a = self;
    const int64_t m = rows->m, ld = rows->ld, column = rows->column;
    const real *x = in, *z = out;
    real *g = g_inout, *gt = gp[0], *gu = a->form->value ? gp[1] : NULL;
    struct affine_saved keep;

    (void)affine_carve_saved(rows->n * m, (void *)(uintptr_t)saved, &keep); /* only read from here on */
    for (int64_t i = 0; i < rows->n; i++)
        for (int64_t j = 0; j < m; j++) {
            const int64_t at = i * m + j;
            const double gz = (double)g[at], gx = gz * (double)keep.e[at];
            const double gs = (a->shift_first ? gz * (double)z[at] : gx * (double)x[at]) + h[i];
            gt[i * ld + j * column] = (real)(a->shift_first ? gx : gz);
            if (gu) gu[i * ld + j * column] = (real)(gs * (double)keep.d[at]);
            g[at] = (real)gx;
        }
}

/* ds = ds/du du,   dlog_det = sum_j ds_j,   dz = e (dx + x ds) + dt,   or with shift_first  e (dx + dt) + z ds */
static void affine_jvp(const void *self, const nfi_transform_rows *rows, const void *in, const void *out, const void *d_in,
                       const void *const dp[2], void *d_out, double *d_log_det)
{
    const nfi_transform_affine *a = self;
    const int64_t m = rows->m, ld = rows->ld, column = rows->column;
    const real *x = in, *z = out, *dx = d_in, *dt = dp[0], *du = a->form->value ? dp[1] : NULL;
    real *dz = d_out;
    struct affine_work w;

    (void)affine_carve_work(rows->n * m, rows->scratch, &w);
    affine_scales(a, rows, &w);
    affine_slopes(a, rows, &w);
    double *d = w.u, *e = w.s;
    memcpy(d, w.e, (size_t)(rows->n * m) * sizeof *d);
    rows->kernels->f64->exp(rows->n * m, w.s, e);
    for (int64_t i = 0; i < rows->n; i++)
        for (int64_t j = 0; j < m; j++) {
            const int64_t at = i * m + j;
            const int64_t of = i * ld + j * column;
            const double ds = du ? d[at] * (double)du[of] : 0.0, dtj = (double)dt[of], dxj = (double)dx[at];
            dz[at] = (real)(a->shift_first ? e[at] * (dxj + dtj) + (double)z[at] * ds : e[at] * (dxj + (double)x[at] * ds) + dtj);
            d_log_det[i] += ds;
        }
}

const nfi_transform_ops NFI_NAME(nfi_transform_affine_ops) = {
    .scratch_bytes = affine_scratch_bytes, .saved_bytes = affine_saved_bytes, .forward = affine_forward, .inverse = affine_inverse,
    .backward = affine_backward, .jvp = affine_jvp,
};

#if NFI_ONCE
nfi_transform nfi_transform_affine_of(const nfi_transform_affine *affine)
{
    return (nfi_transform){ .f32 = &nfi_transform_affine_ops_f32, .f64 = &nfi_transform_affine_ops_f64, .self = affine,
                            .params = affine->form->value ? 2 : 1 };
}
#endif
