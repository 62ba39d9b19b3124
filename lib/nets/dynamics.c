/* SPDX-License-Identifier: MIT
 *
 * dynamics.c - networks of time f(t, z, c): value, tangents, and the reverse of both
 *
 *   a = W h + b,  ad = W hd;   u = a,  a + w t,  or  g a + w t with g = sigmoid(v t + d);   ud = ad, or g ad
 *   next h = phi(u),  hd = phi'(u) ud;   of the last layer  f = u,  fd = ud = J e
 *
 * Work goes by strips of rows with their tangents, through all layers, so that a strip's numbers stay in the cache; products of whole
 * strips are kernels->gemm, all the rest is kernels->timed, one pass a layer. Gates are a row for each t; where the t of a strip are
 * equal, as in solvers of fixed steps, one row serves all, with the same bits.
 * saved, per strip and layer: a and ad, h and hd, gates (dynamics_kept). theta, packed, turned: dynamics_shape.h.
 * Images: strips of whole ones, each pixel a row with the t of its image. In front of the product the neighbours of some pixels are
 * gathered; in reverse they are gathered again, for W., and what reaches them is scattered. The rest is the same.
 *
 * Reverse. With x. = dL/dx, from f. and fd., for every tangent of the row:
 *   all kinds       dL/dh of the layer before = W^T a.,  dL/dhd = W^T ad.,  W. += a. h^T + sum ad. hd^T,  b. += a.
 *                   u. = phi' h. + phi'' sum ud hd.,  ud. = phi' hd.      (h = phi(u) and hd = phi'(u) ud both depend on u)
 *   ignore          a. = u.,  ad. = ud.
 *   concat          the same, and  w. += u. t,  t. += w . u.
 *   concat_squash   a. = g u.,  ad. = g ud.,  g. = u. a + sum ud. ad,  z. = g. g (1 - g) for g = sigmoid(z),  z = v t + d:
 *                   v. += z. t,  d. += z.,  w. += u. t,  t. += w . u. + v . z.
 * The tangents e are constants: what reaches them is not computed. h holds a column of ones behind its numbers, hd one of zeros: the
 * product that yields W. yields b. with it. Sums run over rows ascending, values before tangents, strip by strip.
 *
 * Check value: 1-1-1, concat_squash, tanh; W = (0.7, -1.3), b = (0.2, 0.4), v = (0.5, -0.3), d = (0.1, 0.6), w = (-0.2, 0.8), t = 0.5,
 * z = 2.385, e = 1: f = 0.0407877680, J e = -0.1375932416. The same of an image of 1x1, where all but the centre of W is beyond the border.
 * Ref: Grathwohl et al., "FFJORD", arXiv:1810.01367.
 */
#include "core/real.h"
#include "nets/dynamics_image.h"
#include "nets/dynamics_shape.h"

struct stack { /* rows, and the tangents of each: in one piece, or in two */
    real *rows, *tangents;
    int64_t ld;
    bool dense; /* a row is a whole image, else a pixel of one */
};

struct strip {
    const nfi_dynamics *net;
    const nfi_kernels *k;
    const real *block; /* packed, or turned in reverse */
    const double *t;   /* of the strip */
    int64_t n, m;      /* n pixels, or rows that are no images */
    bool one_t;        /* all the same */
    real *saved;       /* of the strip; NULL: nothing is kept */
    real *scratch;
};

static struct stack stack_at(real *at, int64_t n, int64_t ld) { return (struct stack){ at, at + n * ld, ld, false }; }
static bool stack_is_whole(const struct stack *s, int64_t n) { return s->tangents == s->rows + n * s->ld; }

/* Rows [first, ...) of an array of n rows of layer l and their tangents. */
static struct stack stack_part(const struct strip *call, void *array, int64_t first, int32_t l)
{
    const int64_t ld = dynamics_ld_row(call->net, l);
    real *rows = array;
    return (struct stack){ rows + first * ld, rows + (call->n + first * call->m) * ld, ld, dynamics_has_images(call->net) };
}

static bool strip_has_one_t(const struct strip *s)
{
    if (s->net->kind != NFI_DYNAMICS_SQUASH) return false; /* it matters to gates alone */
    for (int64_t i = 1; i < s->n; i++)
        if (s->t[i] != s->t[0]) return false;
    return true;
}

/* One of the two stacks of the scratch, in turns. */
static struct stack strip_turn(const struct strip *s, int32_t l)
{
    return stack_at(s->scratch + l % 2 * dynamics_stack_size(s->net, s->n, s->m), s->n, dynamics_ld(s->net, l + 1));
}
/* Behind the stacks: gates of value, then the sums of reverse. */
static real *strip_rest(const struct strip *s) { return s->scratch + 2 * dynamics_stack_size(s->net, s->n, s->m); }
/* Behind those: t, then dL/dt, of each pixel; and neighbours. */
static double *strip_times(const struct strip *s)
{
    return (double *)(void *)(s->scratch + dynamics_times_at(s->net, s->n, s->m));
}
static real *strip_patches(const struct strip *s)
{
    return s->scratch + dynamics_patches_at(s->net, s->n, s->m, (int64_t)sizeof(real));
}

/* What layer l keeps, or where value works when nothing is kept: a and ad in place of h and hd. */
struct kept {
    struct stack a, h;
    real *gates;
};

static struct kept strip_kept(const struct strip *s, int32_t l, struct stack out)
{
    const bool last = dynamics_is_last(s->net, l), gated = s->net->kind == NFI_DYNAMICS_SQUASH;
    const int64_t ld = dynamics_ld(s->net, l + 1), stack = s->n * (1 + s->m) * ld;
    struct kept kept = { .h = last ? out : strip_turn(s, l), .gates = strip_rest(s) };
    kept.a = kept.h;
    if (!s->saved || (last && !gated)) return kept;

    real *at = s->saved + s->n * dynamics_kept_at(s->net, l, s->m);
    kept.a = stack_at(at, s->n, ld);
    at += stack;
    if (!last) {
        kept.h = stack_at(at, s->n, ld);
        at += stack;
    }
    kept.gates = at;
    return kept;
}

/* The vectors of layer l in its block; NULL those that the kind has not. */
struct vectors {
    const real *gate, *gate_bias, *time;
};

static struct vectors strip_vectors(const struct strip *s, int32_t l, bool turned)
{
    const int64_t in = dynamics_inputs(s->net, l), out = s->net->width[l + 1], padded = dynamics_padded(s->net, l);
    const real *at = s->block + dynamics_block_at(s->net, s->k, l, turned) +
                     (turned ? dynamics_weights(s->k, out, in) : dynamics_weights(s->k, in, out));
    if (s->net->kind == NFI_DYNAMICS_IGNORE) return (struct vectors){ NULL, NULL, NULL };
    if (s->net->kind == NFI_DYNAMICS_CONCAT) return (struct vectors){ NULL, NULL, at };
    return (struct vectors){ at, at + padded, at + 2 * padded };
}

/* The pass behind (or in reverse, in front of) the product of layer l; the caller sets what is particular to either. */
static nfi_timed strip_timed(const struct strip *s, int32_t l, const struct vectors *v, const struct kept *kept)
{
    const int64_t ld = dynamics_ld(s->net, l + 1);
    return (nfi_timed){ .n = s->n, .m = s->m, .width = s->net->width[l + 1], .ld = ld, .t = s->t, .time = v->time,
                        .gate = v->gate ? kept->gates : NULL, .ld_gate = s->one_t ? 0 : ld, .gate_weight = v->gate, .a = kept->a.rows,
                        .ad = kept->a.tangents, .h = kept->h.rows, .hd = kept->h.tangents };
}

static const nfi_timed_phi *strip_phi(const struct strip *s, int32_t l)
{
    return &s->k->timed[dynamics_is_last(s->net, l) ? 0 : s->net->activation];
}

/* Nothing follows the product where there is neither time nor activation. */
static bool strip_is_plain(const struct strip *s, int32_t l)
{
    return dynamics_is_last(s->net, l) && s->net->kind == NFI_DYNAMICS_IGNORE;
}

/* Images */

/* The input of layer l of rows, or of their tangents. */
static struct planes strip_planes(const struct strip *s, int32_t l, const struct stack *h, bool tangents)
{
    const int64_t m = tangents ? s->m : 1, channels = s->net->width[l];
    return (struct planes){ .side = { .height = s->net->height, .width = s->net->across, .channels = channels,
                                      .ld = h->dense ? channels : m * h->ld },
                            .at = tangents ? h->tangents : h->rows, .m = m, .image = (h->dense ? 1 : dynamics_pixels(s->net)) * m * h->ld,
                            .tangent = h->ld };
}
static int64_t planes_chunk(const struct planes *p) { return nfi_max(1, DYNAMICS_STRIP / p->m); }

/* y [n m][ld_y] = W times neighbours. */
static void strip_convolve(const struct strip *s, int32_t l, struct planes p, real *y, int64_t ld_y, const nfi_epilogue *epilogue)
{
    const real *w = s->block + dynamics_block_at(s->net, s->k, l, false);
    const int64_t ld = dynamics_ld_patch(s->net);
    for (int64_t first = 0, count; first < s->n; first += count, y += count * p.m * ld_y) {
        count = nfi_min(planes_chunk(&p), s->n - first);
        planes_gather(&p, first, count, strip_patches(s), ld);
        s->k->gemm(count * p.m, dynamics_inputs(s->net, l), s->net->width[l + 1], strip_patches(s), ld, w, y, ld_y, epilogue);
    }
}

/* to += neighbours^T g, the bias behind, from a column of `one`. */
static void strip_correlate(const struct strip *s, int32_t l, struct planes p, real one, const real *g, int64_t ld_g, real *to)
{
    const int64_t ld = dynamics_ld_patch(s->net), inputs = dynamics_inputs(s->net, l);
    real *patches = strip_patches(s);
    for (int64_t first = 0, count; first < s->n; first += count, g += count * p.m * ld_g) {
        count = nfi_min(planes_chunk(&p), s->n - first);
        planes_gather(&p, first, count, patches, ld);
        for (int64_t i = 0; i < count * p.m; i++) patches[i * ld + inputs] = one;
        s->k->gemm_tn(count * p.m, inputs + 1, s->net->width[l + 1], patches, ld, g, ld_g, to, NULL);
    }
}

/* The images of p += what reaches them from g. */
static void strip_spread(const struct strip *s, int32_t l, struct planes p, const real *g, int64_t ld_g)
{
    const real *w = s->block + dynamics_block_at(s->net, s->k, l, true); /* its bias is zero */
    const int64_t ld = dynamics_ld_patch(s->net);
    for (int64_t first = 0, count; first < s->n; first += count, g += count * p.m * ld_g) {
        count = nfi_min(planes_chunk(&p), s->n - first);
        s->k->gemm(count * p.m, s->net->width[l + 1], dynamics_inputs(s->net, l), g, ld_g, w, strip_patches(s), ld, NULL);
        planes_scatter(&p, first, count, strip_patches(s), ld);
    }
}

/* Between the pixels of the last layer and dense images of the caller. */
static void strip_move(const struct strip *s, const struct stack *pixels, const struct stack *images, bool in)
{
    const struct planes one = strip_planes(s, s->net->n_layers, images, false), many = strip_planes(s, s->net->n_layers, images, true);
    const int64_t channels = one.side.channels, size = dynamics_pixels(s->net);
    for (int64_t r = 0; r < s->n * (1 + s->m); r++) {
        const int64_t row = r < s->n ? r : (r - s->n) / s->m, k = r < s->n ? 0 : (r - s->n) % s->m;
        real *image = planes_image(r < s->n ? &one : &many, row, k) + row % size * channels, *pixel = pixels->rows + r * pixels->ld;
        memcpy(in ? pixel : image, in ? image : pixel, (size_t)channels * sizeof *pixel);
    }
}

/* Value */

static void strip_dense(const struct strip *s, int32_t l, const struct stack *h, const struct stack *a)
{
    static const nfi_epilogue tangent = { .no_bias = 1 };
    if (dynamics_has_images(s->net)) {
        strip_convolve(s, l, strip_planes(s, l, h, false), a->rows, a->ld, NULL);
        if (s->m > 0) strip_convolve(s, l, strip_planes(s, l, h, true), a->tangents, a->ld, &tangent);
        return;
    }
    const int64_t in = s->net->width[l], out = s->net->width[l + 1];
    const real *w = s->block + dynamics_block_at(s->net, s->k, l, false);
    s->k->gemm(s->n, in, out, h->rows, h->ld, w, a->rows, a->ld, NULL);
    if (s->m > 0) s->k->gemm(s->n * s->m, in, out, h->tangents, h->ld, w, a->tangents, a->ld, &tangent);
}

static void strip_value(const struct strip *s, struct stack h, struct stack to)
{
    const struct stack out = to.dense ? strip_turn(s, s->net->n_layers - 1) : to;
    for (int32_t l = 0; l < s->net->n_layers; l++) {
        const struct vectors v = strip_vectors(s, l, false);
        const struct kept kept = strip_kept(s, l, out);
        const nfi_timed timed = strip_timed(s, l, &v, &kept);

        strip_dense(s, l, &h, &kept.a);
        if (v.gate) s->k->gates(s->one_t ? 1 : s->n, timed.width, timed.ld, s->t, v.gate, v.gate_bias, kept.gates);
        if (!strip_is_plain(s, l)) strip_phi(s, l)->value(&timed);
        h = kept.h;
    }
    if (to.dense) strip_move(s, &out, &to, false);
}

/* The column behind the width: 1 in rows, 0 in tangents. */
static void dynamics_set_ones(const nfi_dynamics *net, int64_t n, int64_t m, real *in)
{
    const int64_t ld = dynamics_ld(net, 0);
    for (int64_t i = 0; i < n + n * m && !dynamics_has_images(net); i++) in[i * ld + net->width[0]] = i < n ? 1 : 0;
}

/* Each pixel has the t of its image. */
static void strip_set_times(struct strip *s)
{
    double *times = strip_times(s);
    for (int64_t i = 0; i < s->n; i++) times[i] = s->t[i / dynamics_pixels(s->net)];
    s->t = times;
}

/* Strip of rows [first, ...) of a call of n. */
static struct strip dynamics_strip(const struct strip *call, int64_t first)
{
    const int64_t pixels = dynamics_pixels(call->net);
    struct strip s = *call;
    s.n = nfi_min(dynamics_strip_rows(s.net, s.m), call->n - first) * pixels;
    s.t = call->t ? call->t + first : NULL;
    s.saved = call->saved ? call->saved + first * pixels * dynamics_kept_at(s.net, s.net->n_layers, s.m) : NULL;
    if (pixels > 1 && s.net->kind != NFI_DYNAMICS_IGNORE) strip_set_times(&s);
    s.one_t = strip_has_one_t(&s);
    return s;
}

void NFI_NAME(nfi_dynamics_value)(const nfi_dynamics *net, const nfi_kernels *k, int64_t n, int64_t m, const void *packed, const double *t,
                                  void *in, void *out, void *saved, void *scratch)
{
    const struct strip call = { .net = net, .k = k, .block = packed, .t = t, .n = n, .m = m, .saved = saved, .scratch = scratch };
    dynamics_set_ones(net, n, m, in);
    for (int64_t first = 0; first < n; first += dynamics_strip_rows(net, m)) {
        const struct strip s = dynamics_strip(&call, first);
        strip_value(&s, stack_part(&call, in, first, 0), stack_part(&call, out, first, net->n_layers));
    }
}

/* Reverse: the derivation is at the top */

/* grad += (w., v., d.), which the pass left in `sum` as rows of ld; theta has them as gate, gate_bias, time. */
static void strip_add_sums(const struct strip *s, int32_t l, const real *sum, real *grad)
{
    const int64_t out = s->net->width[l + 1], ld = dynamics_ld(s->net, l + 1), vectors = dynamics_vectors(s->net);
    real *to = grad + dynamics_theta_at(s->net, l) + (dynamics_inputs(s->net, l) + 1) * out;
    for (int64_t i = 0; i < vectors; i++, to += out) {
        const real *from = sum + (i + 1) % vectors * ld;
        for (int64_t j = 0; j < out; j++) to[j] += from[j];
    }
}

/* g: dL/dh, dL/dhd of layer l become dL/da, dL/dad. */
static void strip_pass_back(const struct strip *s, int32_t l, const struct stack *g, double *g_t, real *grad)
{
    const struct vectors v = strip_vectors(s, l, true);
    const struct kept kept = strip_kept(s, l, (struct stack){ NULL, NULL, 0, false });
    nfi_timed timed = strip_timed(s, l, &v, &kept);
    real *sum = v.time && (grad || g_t) ? strip_rest(s) : NULL;

    if (sum) memset(sum, 0, (size_t)(4 * timed.ld) * sizeof *sum);
    timed.g_h = g->rows;
    timed.g_hd = g->tangents;
    timed.sum = sum;
    timed.g_t = g_t;
    strip_phi(s, l)->reverse(&timed);
    if (sum && grad) strip_add_sums(s, l, sum, grad);
}

/* W., b. += [h hd]^T [a. ad.] */
static void strip_add_weights(const struct strip *s, int32_t l, const struct stack *h, const struct stack *g, real *grad)
{
    const int64_t in = s->net->width[l], out = s->net->width[l + 1], tangents = s->n * s->m;
    const bool whole = stack_is_whole(h, s->n) && stack_is_whole(g, s->n);
    real *to = grad + dynamics_theta_at(s->net, l);
    if (dynamics_has_images(s->net)) {
        strip_correlate(s, l, strip_planes(s, l, h, false), 1, g->rows, g->ld, to);
        if (s->m > 0) strip_correlate(s, l, strip_planes(s, l, h, true), 0, g->tangents, g->ld, to);
        return;
    }
    s->k->gemm_tn(whole ? s->n + tangents : s->n, in + 1, out, h->rows, h->ld, g->rows, g->ld, to, NULL);
    if (!whole && tangents > 0) s->k->gemm_tn(tangents, in + 1, out, h->tangents, h->ld, g->tangents, g->ld, to, NULL);
}

/* dL/dh, dL/dhd of the layer before, or dL/d(z, c), where the tangents are not wanted. */
static void strip_pull(const struct strip *s, int32_t l, const struct stack *g, const struct stack *to)
{
    const int64_t in = s->net->width[l], out = s->net->width[l + 1], tangents = l > 0 ? s->n * s->m : 0;
    const bool whole = stack_is_whole(g, s->n) && stack_is_whole(to, s->n);
    const real *w = s->block + dynamics_block_at(s->net, s->k, l, true); /* its bias is zero */
    if (dynamics_has_images(s->net)) {
        const int64_t rows = to->dense ? s->n / dynamics_pixels(s->net) : s->n + tangents;
        memset(to->rows, 0, (size_t)(rows * to->ld) * sizeof *to->rows); /* tangents follow */
        strip_spread(s, l, strip_planes(s, l, to, false), g->rows, g->ld);
        if (tangents > 0) strip_spread(s, l, strip_planes(s, l, to, true), g->tangents, g->ld);
        return;
    }
    s->k->gemm(whole ? s->n + tangents : s->n, out, in, g->rows, g->ld, w, to->rows, to->ld, NULL);
    if (!whole && tangents > 0) s->k->gemm(tangents, out, in, g->tangents, g->ld, w, to->tangents, to->ld, NULL);
}

static void strip_reverse(const struct strip *s, struct stack in, struct stack g_out, real *g_in, double *g_t, real *grad)
{
    struct stack g = g_out.dense ? strip_turn(s, s->net->n_layers - 1) : g_out;
    if (g_out.dense) {
        memset(g.rows, 0, (size_t)(s->n * (1 + s->m) * g.ld) * sizeof *g.rows); /* behind the channels too, which passes read */
        strip_move(s, &g, &g_out, true);
    }
    for (int32_t l = s->net->n_layers - 1; l >= 0; l--) {
        const struct stack h = l > 0 ? strip_kept(s, l - 1, in).h : in;
        const struct stack to = l > 0 ? strip_turn(s, l - 1) : (struct stack){ g_in, NULL, in.ld, in.dense };
        if (!strip_is_plain(s, l)) strip_pass_back(s, l, &g, g_t, grad);
        if (grad) strip_add_weights(s, l, &h, &g, grad);
        if (to.rows) strip_pull(s, l, &g, &to);
        g = to;
    }
}

/* dL/dt of a pixel is summed over the layers first, then over the image: where a pixel is the whole row, in place. */
static double *strip_begin_g_t(const struct strip *s, double *g_t)
{
    double *pixel = strip_times(s) + s->n;
    if (dynamics_pixels(s->net) == 1) return g_t;
    memset(pixel, 0, (size_t)s->n * sizeof *pixel);
    return pixel;
}
static void strip_end_g_t(const struct strip *s, const double *pixel, double *g_t)
{
    const int64_t pixels = dynamics_pixels(s->net);
    for (int64_t i = 0; i < s->n && pixels > 1; i++) g_t[i / pixels] += pixel[i];
}

void NFI_NAME(nfi_dynamics_reverse)(const nfi_dynamics *net, const nfi_kernels *k, int64_t n, int64_t m, const void *turned, const double *t,
                                    const void *in, const void *saved, void *g_out, void *g_in, double *g_t, void *grad, void *scratch)
{
    /* in and saved are only read: the strips of value write to them */
    const struct strip call = { .net = net, .k = k, .block = turned, .t = t, .n = n, .m = m, .saved = (real *)(uintptr_t)saved,
                                .scratch = scratch };
    const int64_t ld_in = dynamics_ld_row(net, 0);
    for (int64_t first = 0; first < n; first += dynamics_strip_rows(net, m)) {
        const struct strip s = dynamics_strip(&call, first);
        double *pixel_g_t = g_t ? strip_begin_g_t(&s, g_t + first) : NULL;
        strip_reverse(&s, stack_part(&call, (void *)(uintptr_t)in, first, 0), stack_part(&call, g_out, first, net->n_layers),
                      g_in ? (real *)g_in + first * ld_in : NULL, pixel_g_t, grad);
        if (g_t) strip_end_g_t(&s, pixel_g_t, g_t + first);
    }
}
