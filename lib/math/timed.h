/* SPDX-License-Identifier: MIT
 *
 * timed.h - what follows the products in networks of time: gates, activation, tangents, and the reverse of them, each in one pass
 *
 * The contract is nfi_timed (math/kernels.h). Included by kernels_isa.c, once per instruction set and precision.
 *
 *   u = g a + w t,   ud = g ad,   h = phi(u),   hd = phi'(u) ud
 * Reverse, x. = dL/dx, sums over the tangents of a row:
 *   u. = phi' h. + phi'' sum ud hd.,   ud. = phi' hd.,   a. = g u.,   ad. = g ud.
 *   g. = u. a + sum ud. ad,   z. = g. g (1 - g),   w. += u. t,   v. += z. t,   d. += z.,   t. += sum_j (u. w + z. v)_j
 */
#ifndef NFI_MATH_TIMED_H
#define NFI_MATH_TIMED_H

#include "math/kernels.h"
#include "math/vmath.h"

typedef void timed_phi(vreal u, vreal *h, vreal *slope);         /* phi(u), phi'(u) */
typedef void timed_bend(vreal kept, vreal *slope, vreal *curve); /* phi', phi'' of what is kept: h, or u */

static void timed_gates(int64_t n, int64_t width, int64_t ld, const double *t, const void *weight, const void *bias, void *gate)
{
    const real *v = weight, *d = bias;
    real *g = gate;
    for (int64_t i = 0; i < n; i++, g += ld) {
        const vreal at = vsplat((real)t[i]);
        for (int64_t j = 0; j < width; j += NFI_VL) vstore(g + j, vsigmoid(NF_FMA(vload(v + j), at, vload(d + j))));
    }
}

struct timed_row { /* where the arrays of a row begin */
    const real *time, *weight, *gate, *a, *ad;
    real *h, *hd, *g_h, *g_hd, *sum;
    vreal t;
};

NF_INLINE struct timed_row timed_row_of(const nfi_timed *p, int64_t i)
{
    const int64_t at = i * p->ld, at_tangents = i * p->m * p->ld;
    return (struct timed_row){
        .time = p->time, .weight = p->gate_weight, .gate = p->gate ? (const real *)p->gate + i * p->ld_gate : NULL,
        .a = p->a ? (const real *)p->a + at : NULL, .ad = p->ad ? (const real *)p->ad + at_tangents : NULL,
        .h = p->h ? (real *)p->h + at : NULL, .hd = p->hd ? (real *)p->hd + at_tangents : NULL,
        .g_h = p->g_h ? (real *)p->g_h + at : NULL, .g_hd = p->g_hd ? (real *)p->g_hd + at_tangents : NULL,
        .sum = p->sum, .t = vsplat(p->time ? (real)p->t[i] : 0) };
}

NF_INLINE vreal timed_gate(const struct timed_row *r, int64_t j) { return r->gate ? vload(r->gate + j) : vsplat(1); }
NF_INLINE vreal timed_u(const struct timed_row *r, int64_t j, vreal g)
{
    return NF_FMA(g, vload(r->a + j), r->time ? vload(r->time + j) * r->t : vsplat(0));
}

NF_INLINE void timed_value_row(const nfi_timed *p, const struct timed_row *r, timed_phi *phi)
{
    for (int64_t j = 0; j < p->width; j += NFI_VL) {
        const vreal g = timed_gate(r, j);
        vreal h, slope;
        phi(timed_u(r, j, g), &h, &slope);
        slope *= g;
        vstore(r->h + j, h);
        for (int64_t k = 0; k < p->m * p->ld; k += p->ld) vstore(r->hd + k + j, slope * vload(r->ad + k + j));
    }
    r->h[p->width] = 1;
    for (int64_t k = 0; k < p->m; k++) r->hd[k * p->ld + p->width] = 0;
}

NF_INLINE void timed_value(const nfi_timed *p, timed_phi *phi)
{
    for (int64_t i = 0; i < p->n; i++) {
        const struct timed_row r = timed_row_of(p, i);
        timed_value_row(p, &r, phi);
    }
}

/* Sum of `width` products in 16 lanes, whatever the vectors: the same bits on every instruction set. Zeros the rest of the last lanes. */
static real timed_total(int64_t width, real *part)
{
    vreal sum[16 / NFI_VL];
    real lane[16];
    for (int64_t j = width; j % 16; j++) part[j] = 0;
    for (int l = 0; l < 16 / NFI_VL; l++) sum[l] = vsplat(0);
    for (int64_t j = 0; j < width; j += 16)
        for (int l = 0; l < 16 / NFI_VL; l++) sum[l] += vload(part + j + l * NFI_VL);
    for (int l = 0; l < 16 / NFI_VL; l++) vstore(lane + l * NFI_VL, sum[l]);
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* From u. and the tangents' share of g.: the sums over rows, and the row's products for dL/dt. */
NF_INLINE void timed_sums(const nfi_timed *p, const struct timed_row *r, int64_t j, vreal g, vreal g_u, vreal g_gate)
{
    real *time = r->sum + j, *weight = time + p->ld, *bias = weight + p->ld, *part = bias + p->ld;
    vreal product = vload(r->time + j) * g_u;

    vstore(time, NF_FMA(g_u, r->t, vload(time)));
    if (r->gate) {
        const vreal z = NF_FMA(g_u, vload(r->a + j), g_gate) * (g * (vsplat(1) - g));
        vstore(weight, NF_FMA(z, r->t, vload(weight)));
        vstore(bias, vload(bias) + z);
        product = NF_FMA(z, vload(r->weight + j), product);
    }
    vstore(part, product);
}

/* bend NULL: no activation, slope 1. */
NF_INLINE void timed_reverse_row(const nfi_timed *p, const struct timed_row *r, timed_bend *bend, const bool from_u)
{
    const bool reads_tangents = bend || r->gate;
    for (int64_t j = 0; j < p->width; j += NFI_VL) {
        const vreal g = timed_gate(r, j);
        vreal slope = vsplat(1), curve = vsplat(0), g_gate = vsplat(0);
        if (bend) bend(from_u ? timed_u(r, j, g) : vload(r->h + j), &slope, &curve);
        vreal g_u = slope * vload(r->g_h + j);
        curve *= g;
        for (int64_t k = 0; k < p->m * p->ld; k += p->ld) {
            const vreal g_hd = vload(r->g_hd + k + j), g_ud = slope * g_hd;
            const vreal ad = reads_tangents ? vload(r->ad + k + j) : vsplat(0);
            if (bend) g_u = NF_FMA(curve * ad, g_hd, g_u);
            g_gate = NF_FMA(g_ud, ad, g_gate);
            vstore(r->g_hd + k + j, g * g_ud);
        }
        vstore(r->g_h + j, g * g_u);
        if (r->sum) timed_sums(p, r, j, g, g_u, g_gate);
    }
}

NF_INLINE void timed_reverse(const nfi_timed *p, timed_bend *bend, const bool from_u)
{
    for (int64_t i = 0; i < p->n; i++) {
        const struct timed_row r = timed_row_of(p, i);
        timed_reverse_row(p, &r, bend, from_u);
        if (r.sum && p->g_t) p->g_t[i] += (double)timed_total(p->width, r.sum + 3 * p->ld);
    }
}

#endif
