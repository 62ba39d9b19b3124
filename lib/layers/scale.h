/* SPDX-License-Identifier: MIT
 *
 * scale.h - the log-scale s of a coupling as a function of its network's output u
 */
#ifndef NFI_LAYERS_SCALE_H
#define NFI_LAYERS_SCALE_H

#include "math/kernels.h"
#include <nflow/layer.h>

/* One form. Arrays [n] of double; `f64` are the kernels in double; m is the config's bound. s and d must not be u. */
typedef struct nfi_scale_form {
    const char *name;
    double bound; /* default m; 0 where the form has none */
    /* s = s(u). NULL: s is 0 and there is no u. */
    void (*value)(const nfi_kernels *f64, double m, int64_t n, const double *u, double *s);
    /* d = ds/du, from u and s */
    void (*slope)(const nfi_kernels *f64, double m, int64_t n, const double *u, const double *s, double *d);
} nfi_scale_form;

/* The form of NF_SCALE_...; NULL for other numbers. */
const nfi_scale_form *nfi_scale_form_of(int32_t scale);

#endif
