/* SPDX-License-Identifier: MIT
 *
 * transform.h - monotone maps of single numbers, z = T(x; p), whose parameters p a network answers: what couplings and autoregressive
 * layers apply to their columns
 *
 * A call takes n rows of m columns: x and z are [n][m] without gaps. A column has `params` parameters. Of row i and column j, parameter 0
 * stands at p[0] + i ld + j column, parameter q > 0 at p[1] + i ld + (q - 1) step + j column. That is one of
 *   [n][params][m]  column 1, step m: couplings; of affine ones two networks may answer parameter 0 and the others
 *   [n][m][params]  column params, step 1, p[1] = p[0] + 1: autoregressive layers
 *   [params][n]     m 1, ld 1, column 1, p[1] = p[0] + step: the same, column by column; inverse and jvp alone
 * Pointers to reals are of the dtype of the kernels.
 */
#ifndef NFI_LAYERS_TRANSFORM_H
#define NFI_LAYERS_TRANSFORM_H

#include "core/memory.h"
#include "layers/scale.h"

typedef struct nfi_transform_rows {
    const nfi_kernels *kernels;
    int64_t n, m;
    const void *p[2];
    int64_t ld, step, column; /* elements between rows, parameters, columns */
    void *scratch; /* scratch_bytes */
} nfi_transform_rows;

typedef struct nfi_transform_ops {
    int64_t (*scratch_bytes)(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m);
    int64_t (*saved_bytes)(const void *self, const nfi_kernels *kernels, int64_t n, int64_t m);
    /* log_det[i] += sum over columns of log dz/dx. saved NULL: nothing is kept for backward. x and z may be one. */
    void (*forward)(const void *self, const nfi_transform_rows *rows, const void *x, void *z, double *log_det, void *saved);
    void (*inverse)(const void *self, const nfi_transform_rows *rows, const void *z, void *x, double *log_det); /* that of x = T^-1(z) */
    /* g: dL/dz -> dL/dx; h [n] = dL/dlog_det; gp[0], gp[1]: dL/dp, laid out as p, every one written. rows->p is not to be read. x and z
     * are those of forward. */
    void (*backward)(const void *self, const nfi_transform_rows *rows, const void *x, const void *z, const void *saved, void *g,
                     const double *h, void *const gp[2]);
    /* dz of dx and dp, laid out as p; d_log_det[i] +=. dx and dz may be one. */
    void (*jvp)(const void *self, const nfi_transform_rows *rows, const void *x, const void *z, const void *dx, const void *const dp[2],
                void *dz, double *d_log_det);
} nfi_transform_ops;

typedef struct nfi_transform {
    const nfi_transform_ops *f32, *f64;
    const void *self;
    int64_t params; /* of a column */
} nfi_transform;

static inline const nfi_transform_ops *nfi_transform_ops_of(const nfi_transform *transform, const nfi_kernels *kernels)
{
    return kernels->dtype == NF_F32 ? transform->f32 : transform->f64;
}

/* z = exp(s) x + t, or with shift_first exp(s) (x + t); s = s(u) by layers/scale.c. Parameters: t, u; of the additive form t alone. */
typedef struct nfi_transform_affine {
    const nfi_scale_form *form;
    double bound;
    int32_t shift_first;
} nfi_transform_affine;
extern const nfi_transform_ops nfi_transform_affine_ops_f32, nfi_transform_affine_ops_f64;
nfi_transform nfi_transform_affine_of(const nfi_transform_affine *affine); /* borrowed as long as the transform is used */

/* A monotone rational-quadratic spline of [-bound, bound], the identity beyond: math/spline.h. */
typedef struct nfi_transform_spline {
    int32_t bins, circular, softclip;
    const unsigned char *open; /* circular: [m], columns that are no circles all the same: slope 1 at both ends; NULL: none */
    double bound, min_width, min_height, min_slope, slope_centre, logit_bound; /* as in nfi_spline */
} nfi_transform_spline;
static inline int64_t nfi_transform_spline_params(const nfi_transform_spline *spline) { return 3 * spline->bins - (spline->circular ? 0 : 1); }
extern const nfi_transform_ops nfi_transform_spline_ops_f32, nfi_transform_spline_ops_f64;
nfi_transform nfi_transform_spline_of(const nfi_transform_spline *spline);
/* From the fields of a config, and back once defaults are filled; `function` for messages. NF_ERR_ARG. */
#define NFI_TRANSFORM_SPLINE(config, bound_)                                                                           \
    (nfi_transform_spline){ .bins = (config)->bins, .bound = (bound_),                                                 \
                            .min_width = (config)->min_width, .min_height = (config)->min_height,                      \
                            .min_slope = (config)->min_slope, .logit_bound = (config)->logit_bound }
nf_status nfi_transform_spline_resolve(nfi_transform_spline *spline, int32_t form, const char *function);
#define NFI_TRANSFORM_SPLINE_TOLD(spline, config)                                                                      \
    ((config)->min_width = (spline)->min_width, (config)->min_height = (spline)->min_height,                           \
     (config)->min_slope = (spline)->min_slope, (config)->logit_bound = (spline)->logit_bound)

#endif
