/* SPDX-License-Identifier: MIT
 *
 * conv.c - convolutional networks over images
 *
 * Images are rows of pixels, [n height width][channels]. A 3x3 convolution is a matrix product with 9 neighbours of each pixel, in
 * strips of CONV_STRIP pixels: where the input is thinner than the output, the neighbours are gathered in front of the product,
 * [strip][9 in] W; where the output is thinner, the product makes 9 contributions, [strip][9 out] = y W, which are scattered and
 * added. So the hidden tensors, which are wide, are never copied, and all the arithmetic is in the kernels. Sources are taken in
 * raster order, so that an image has the same bits whatever the strips and its neighbours.
 *
 * theta, per stage: weight, edge, bias, log_scale.
 *   point    weight [in][out]
 *   gather   weight [3][3][in][out],  edge [9][out]:   y(p) += weight[dy][dx] . x(p + (dy - 1, dx - 1))
 *   scatter  weight [in][3][3][out],  edge [9][out]:   y(p + (dy - 1, dx - 1)) += x(p) . weight[.][dy][dx]
 * edge[t] is added to y(p) for each neighbour t of p that lies beyond the border.
 * packed, per stage: the weights times exp(3 r), the bias times exp(3 r), and for reverse the turned weights and exp(3 r).
 * saved, per tile: y_1..y_{L-1} [pixels][ld] with a column of ones behind the channels, y_L [pixels][out].
 *
 * Check value: 1x1 image, linear, in=1, out=1, edge: weight centre 0.7, edge sums to 8 x 0.1, bias 0.2, r = 0.05, x = 2.385:
 * y = (0.7 2.385 + 0.8 + 0.2) exp(0.15) = 3.1015165110
 * Ref: Kingma, Dhariwal, "Glow", arXiv:1807.03039.
 */
#include "core/real.h"
#include "nets/conv_image.h"

#include "core/status.h"
#include "math/functions.h"

#define CONV_DEGENERATE 1e-6 /* as actnorm */

/* Memory of a tile of n images. */
struct conv_work {
    real *planes;               /* [pixels][in], and room to read and write a vector beyond */
    real *last;                 /* [pixels][ld_last] */
    real *hidden[CONV_BUFFERS]; /* [pixels][ld] */
    real *strip;                /* [CONV_STRIP][ld_strip] */
    real *sum;                  /* [ld_strip] */
};

/* The memory of values (which 0) or of their tangents (1). */
static struct conv_work conv_carve(const nfi_convnet *net, int64_t n, int which, void *scratch)
{
    real *at = (real *)scratch + which * (n * conv_image_size(net) + conv_fixed_size(net));
    struct conv_work w = { .planes = at };
    at += n * nfi_round_up(net->pixels * conv_ld_planes(net) + CONV_BEYOND, 16);
    w.last = at;
    at += n * nfi_round_up(net->pixels * conv_ld_last(net) + CONV_BEYOND, 16);
    for (int i = 0; i < CONV_BUFFERS; i++, at += n * net->pixels * net->ld) w.hidden[i] = at;
    w.strip = at;
    w.sum = at + CONV_STRIP * conv_ld_strip(net);
    return w;
}

/* A stage and what it works on */

struct conv_step {
    const nfi_convnet *net;
    const nfi_conv *c;
    const nfi_kernels *k;
    const char *block; /* packed, or turned in reverse, of this stage */
    int64_t pixels;
    const real *x, *skip; /* [pixels][ld_x] in, and what is added, as y; NULL: nothing */
    int64_t ld_x;
    real *y;
    int64_t ld_y;
    real *strip;
    bool tangent;         /* no bias, no edge, no ReLU */
    bool linear;          /* no ReLU */
};

static struct conv_side conv_side(const nfi_convnet *net, int64_t channels, int64_t ld)
{
    return (struct conv_side){ .height = net->height, .width = net->width, .channels = channels, .ld = ld };
}

static const real *conv_part(const struct conv_step *s, int64_t bytes) { return (const real *)(const void *)(s->block + bytes); }

/* Behind the gathered neighbours: flags of the border, and the 1 that yields the gradient of the bias. */
static void conv_flag(const struct conv_step *s, int64_t first, int64_t count)
{
    const nfi_conv *c = s->c;
    const struct conv_side m = conv_side(s->net, c->in, s->ld_x);
    struct conv_at at = conv_start(&m, first);
    real *flag = s->strip + CONV_TAPS * c->in;

    for (int64_t i = 0; i < count; i++, conv_next(&m, &at), flag += conv_ld_strip(s->net)) {
        const bool inner = s->tangent || conv_is_inner(&m, &at);
        for (int64_t t = 0; c->edge && t < CONV_TAPS; t++) flag[t] = !inner && conv_beyond(&m, &at, t) ? 1 : 0;
        flag[c->edge * CONV_TAPS] = 1;
    }
}

/* For each neighbour t of p beyond the border: edge[t] += y(p), or y(p) += edge[t]. */
static void conv_edges_of(const struct conv_step *s, int64_t channels, real *edge, real *y, int64_t ld, bool into_edge)
{
    const struct conv_side m = conv_side(s->net, channels, ld);
    struct conv_at at = conv_start(&m, 0);
    for (int64_t p = 0; p < s->pixels; p++, conv_next(&m, &at)) {
        if (conv_is_inner(&m, &at)) continue;
        for (int64_t t = 0; t < CONV_TAPS; t++) {
            if (!conv_beyond(&m, &at, t)) continue;
            if (into_edge)
                conv_add(channels, y + p * ld, edge + t * channels);
            else
                conv_add(channels, edge + t * channels, y + p * ld);
        }
    }
}

static void conv_start_scatter(const struct conv_step *s)
{
    const nfi_conv *c = s->c;
    const struct conv_packed at = conv_packed_layout(c, s->k);
    const real *bias = conv_part(s, at.bias);
    for (int64_t p = 0; p < s->pixels; p++)
        for (int64_t j = 0; j < c->out; j++) s->y[p * s->ld_y + j] = s->tangent ? 0 : bias[j];
    if (c->edge && !s->tangent) conv_edges_of(s, c->out, (real *)(uintptr_t)conv_part(s, at.edge), s->y, s->ld_y, false); /* only read */
}

/* y = phi(y + skip), where the product did not do it. */
static void conv_finish(const struct conv_step *s)
{
    const nfi_conv *c = s->c;
    const bool relu = c->relu && !s->tangent && !s->linear;
    if (!s->skip && !(relu && c->form == NFI_CONV_SCATTER)) return;
    for (int64_t p = 0; p < s->pixels; p++) {
        real *y = s->y + p * s->ld_y;
        if (s->skip) conv_add(c->out, s->skip + p * s->ld_y, y);
        for (int64_t j = 0; relu && j < c->out; j++) y[j] = y[j] > 0 ? y[j] : 0;
    }
}

static void conv_strip(const struct conv_step *s, int64_t first, int64_t count)
{
    const nfi_conv *c = s->c;
    const int64_t ld_strip = conv_ld_strip(s->net);
    const bool relu = c->relu && !s->tangent && !s->linear && !s->skip && c->form != NFI_CONV_SCATTER;
    const nfi_epilogue epilogue = { .kind = relu ? NFI_EPILOGUE_RELU : NFI_EPILOGUE_NONE,
                                    .no_bias = s->tangent || c->form == NFI_CONV_SCATTER };
    const real *x = s->x + first * s->ld_x;
    real *y = s->y + first * s->ld_y;

    if (c->form == NFI_CONV_GATHER) {
        const struct conv_side m = conv_side(s->net, c->in, s->ld_x);
        conv_gather(&m, s->x, first, count, s->strip, ld_strip);
        conv_flag(s, first, count);
        s->k->gemm(count, conv_k(c), conv_m(c), s->strip, ld_strip, s->block, y, s->ld_y, &epilogue);
    } else if (c->form == NFI_CONV_SCATTER) {
        const struct conv_side m = conv_side(s->net, c->out, s->ld_y);
        s->k->gemm(count, conv_k(c), conv_m(c), x, s->ld_x, s->block, s->strip, ld_strip, &epilogue);
        conv_scatter(&m, s->y, first, count, s->strip, ld_strip);
    } else {
        s->k->gemm(count, conv_k(c), conv_m(c), x, s->ld_x, s->block, y, s->ld_y, &epilogue);
    }
}

static void conv_stage(const struct conv_step *s)
{
    if (s->c->form == NFI_CONV_SCATTER) conv_start_scatter(s);
    for (int64_t p = 0; p < s->pixels; p += CONV_STRIP) conv_strip(s, p, nfi_min(CONV_STRIP, s->pixels - p));
    conv_finish(s);
}

/* The network */

/* y_l of stage l: kept, or in the buffers in turn. */
static real *conv_output(const nfi_convnet *net, int64_t n, int32_t l, const struct conv_work *w, real *saved)
{
    const bool last = l + 1 == net->n_stages;
    if (saved) return saved + n * net->pixels * net->ld * l;
    return last ? w->last : w->hidden[l % CONV_BUFFERS];
}

/* Column `channels` of a hidden stage becomes 1: the product with it is the gradient of the bias. */
static void conv_set_ones(const nfi_conv *c, int64_t pixels, int64_t ld, real *y)
{
    for (int64_t p = 0; p < pixels; p++) y[p * ld + c->out] = 1;
}

static struct conv_step conv_step_of(const nfi_convnet *net, const nfi_kernels *k, int64_t n, int32_t l, const struct conv_work *w, real *saved)
{
    const nfi_conv *c = &net->stage[l];
    const bool last = l + 1 == net->n_stages;
    return (struct conv_step){ .net = net, .c = c, .k = k, .pixels = n * net->pixels,
                               .x = l ? conv_output(net, n, l - 1, w, saved) : w->planes, .ld_x = l ? net->ld : conv_ld_planes(net),
                               .y = conv_output(net, n, l, w, saved), .ld_y = last ? conv_ld_last(net) : net->ld,
                               .skip = c->back ? conv_output(net, n, l - c->back, w, saved) : NULL, .strip = w->strip };
}

static void conv_fill_planes(const nfi_convnet *net, int64_t n, const real *in, real *planes, real one)
{
    const int64_t ld = conv_ld_planes(net);
    for (int64_t i = 0; i < n; i++, in += conv_ld(net->n_in)) {
        const int32_t *plane = net->plane;
        for (int64_t p = 0; p < net->pixels; p++, planes += ld, plane += net->in)
            for (int64_t j = 0; j < net->in; j++) planes[j] = plane[j] >= 0 ? in[plane[j]] : plane[j] == NFI_PLANE_ONE ? one : 0;
    }
}

static void conv_read_answer(const nfi_convnet *net, int64_t n, const real *last, real *out)
{
    const int64_t count = net->pixels * conv_ld_last(net);
    for (int64_t i = 0; i < n; i++, last += count, out += conv_ld(net->n_out))
        for (int64_t j = 0; j < net->n_out; j++) out[j] = last[net->answer[j]];
}

static const char *conv_block(const nfi_convnet *net, const nfi_kernels *k, int32_t l, const void *packed)
{
    const char *block = packed;
    for (int32_t i = 0; i < l; i++) block += conv_packed_layout(&net->stage[i], k).end;
    return block;
}

/* Stages [0, end) of the planes in w. */
static void conv_run(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const struct conv_work *w, real *saved, int32_t end)
{
    for (int32_t l = 0; l < end; l++) {
        struct conv_step s = conv_step_of(net, k, n, l, w, saved);
        s.block = conv_block(net, k, l, packed);
        conv_stage(&s);
        if (saved && l + 1 < net->n_stages) conv_set_ones(s.c, s.pixels, net->ld, s.y);
    }
}

void NFI_NAME(nfi_conv_value)(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in, void *out,
                              void *saved, void *scratch)
{
    const struct conv_work w = conv_carve(net, n, 0, scratch);
    conv_fill_planes(net, n, in, w.planes, 1);
    conv_run(net, k, n, packed, &w, saved, net->n_stages);
    conv_read_answer(net, n, conv_output(net, n, net->n_stages - 1, &w, saved), out);
}

/* Reverse. With s = (K * x + b) e, e = exp(3 r), y = phi(s + skip), g = dL/dy:
 *   g = 0 where a ReLU gave 0;   dL/dskip = g;   dL/dr = 3 sum_p g s = 3 sum_p g (y - skip)   (where g is not 0, y = s + skip);
 *   a = g e = dL/d(K * x + b);   dL/db = sum_p a;   dL/dedge[t] = sum of a(p) with t beyond the border;
 *   gather:  dL/dW = neighbours(x)^T a,   dL/dx = scatter(a W^T);
 *   scatter: dL/dW = x^T neighbours(a),   dL/dx = neighbours(a) W^T;   point: dL/dW = x^T a,   dL/dx = a W^T. */

struct conv_back {
    struct conv_step s;     /* y: g, then a; block: turned */
    const real *y;          /* of the forward pass */
    real *g_x;              /* dL/dx [pixels][ld_x], NULL: not wanted; a gather adds to it */
    real *g_skip;           /* dL/dskip, written; NULL: none */
    bool relu_x;            /* x comes of a ReLU, whose mask the product may apply */
    real *grad;             /* of this stage; NULL: not wanted */
    real *sum;
};

/* The same as the kernel, for thin rows. */
static void conv_unscale_thin(const struct conv_back *b, const real *scale)
{
    const struct conv_step *s = &b->s;
    for (int64_t p = 0; p < s->pixels; p++)
        for (int64_t j = 0; j < s->c->out; j++) {
            const int64_t at = p * s->ld_y + j;
            b->sum[j] += s->y[at] * b->y[at];
            s->y[at] *= scale[j];
        }
}

static void conv_unscale(const struct conv_back *b)
{
    const struct conv_step *s = &b->s;
    const nfi_conv *c = s->c;
    const real *scale = conv_part(s, conv_turned_scale(c, s->k));
    const nfi_unscale u = { .relu = c->relu, .ld = s->ld_y, .scale = scale, .y = b->y, .skip = s->skip, .g = s->y, .g_skip = b->g_skip,
                            .sum = b->sum };

    memset(b->sum, 0, (size_t)nfi_round_up(c->out, 16) * sizeof *b->sum);
    if (s->ld_y % 16 == 0)
        s->k->unscale(s->pixels, c->out, &u);
    else
        conv_unscale_thin(b, scale);
    if (!b->grad) return;
    real *log_scale = b->grad + conv_count(c) - c->out;
    for (int64_t j = 0; j < c->out; j++) log_scale[j] += (real)CONV_LOG_SCALE * b->sum[j];
}

static void conv_back_strip(const struct conv_back *b, int64_t first, int64_t count)
{
    const struct conv_step *s = &b->s;
    const nfi_conv *c = s->c;
    const int64_t ld_strip = conv_ld_strip(s->net);
    const struct conv_side x_side = conv_side(s->net, c->in, s->ld_x), y_side = conv_side(s->net, c->out, s->ld_y);
    const real *x = s->x + first * s->ld_x, *a = s->y + first * s->ld_y;
    const nfi_epilogue epilogue = { .kind = b->relu_x ? NFI_EPILOGUE_RELU_MASK : NFI_EPILOGUE_NONE, .mask = x, .ld_mask = s->ld_x };

    if (c->form == NFI_CONV_GATHER) {
        if (b->grad) {
            conv_gather(&x_side, s->x, first, count, s->strip, ld_strip);
            conv_flag(s, first, count);
            s->k->gemm_tn(count, conv_k(c) + 1, c->out, s->strip, ld_strip, a, s->ld_y, b->grad, NULL);
        }
        if (!b->g_x || c->in == 0) return;
        s->k->gemm(count, c->out, CONV_TAPS * c->in, a, s->ld_y, s->block, s->strip, ld_strip, NULL);
        conv_scatter(&x_side, b->g_x, first, count, s->strip, ld_strip);
    } else if (c->form == NFI_CONV_SCATTER) {
        conv_gather(&y_side, s->y, first, count, s->strip, ld_strip);
        if (b->grad) s->k->gemm_tn(count, c->in, conv_m(c), x, s->ld_x, s->strip, ld_strip, b->grad, NULL);
        if (b->g_x) s->k->gemm(count, conv_m(c), c->in, s->strip, ld_strip, s->block, b->g_x + first * s->ld_x, s->ld_x, &epilogue);
    } else {
        if (b->grad) s->k->gemm_tn(count, c->in + 1, c->out, x, s->ld_x, a, s->ld_y, b->grad, NULL);
        if (b->g_x) s->k->gemm(count, c->out, c->in, a, s->ld_y, s->block, b->g_x + first * s->ld_x, s->ld_x, &epilogue);
    }
}

/* Edge and bias of a scatter stop at the image: no product has them. */
static void conv_back_thin(const struct conv_back *b)
{
    const struct conv_step *s = &b->s;
    const nfi_conv *c = s->c;
    real *edge = b->grad + conv_weights(c), *bias = edge + conv_edges(c);
    if (c->edge) conv_edges_of(s, c->out, edge, s->y, s->ld_y, true);
    for (int64_t p = 0; p < s->pixels; p++) conv_add(c->out, s->y + p * s->ld_y, bias);
}

static void conv_back_stage(const struct conv_back *b)
{
    conv_unscale(b);
    if (b->s.c->form == NFI_CONV_SCATTER && b->grad) conv_back_thin(b);
    if (!b->grad && !b->g_x) return;
    for (int64_t p = 0; p < b->s.pixels; p += CONV_STRIP) conv_back_strip(b, p, nfi_min(CONV_STRIP, b->s.pixels - p));
}

static void conv_write_answer(const nfi_convnet *net, int64_t n, const real *g_out, real *last)
{
    const int64_t count = net->pixels * conv_ld_last(net);
    memset(last, 0, (size_t)(n * count) * sizeof *last);
    for (int64_t i = 0; i < n; i++, last += count, g_out += conv_ld(net->n_out))
        for (int64_t j = 0; j < net->n_out; j++) last[net->answer[j]] = g_out[j];
}

static void conv_sum_planes(const nfi_convnet *net, int64_t n, const real *planes, real *g_in)
{
    const int64_t ld = conv_ld_planes(net);
    for (int64_t i = 0; i < n; i++, g_in += conv_ld(net->n_in)) {
        const int32_t *plane = net->plane;
        memset(g_in, 0, (size_t)conv_ld(net->n_in) * sizeof *g_in);
        for (int64_t p = 0; p < net->pixels; p++, planes += ld, plane += net->in)
            for (int64_t j = 0; j < net->in; j++)
                if (plane[j] >= 0) g_in[plane[j]] += planes[j];
    }
}

/* Gradients stand in the buffers in turn. A stage that gathers adds to the gradient of its input: zeros, or what a skip put there. */
static void conv_back_run(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const char *turned, real *saved, real *grad,
                          const struct conv_work *w, real *g_planes)
{
    for (int32_t l = net->n_stages - 1; l >= 0; l--) {
        const nfi_conv *c = &net->stage[l];
        struct conv_back b = { .s = conv_step_of(net, k, n, l, w, saved), .y = conv_output(net, n, l, w, saved), .sum = w->sum,
                               .g_x = l ? w->hidden[(l - 1) % CONV_BUFFERS] : g_planes, .grad = grad ? grad + c->theta : NULL };
        const bool filled = l > 0 && l + 1 < net->n_stages && net->stage[l + 1].back; /* by the skip of the next stage */
        b.s.y = l + 1 == net->n_stages ? w->last : w->hidden[l % CONV_BUFFERS];
        b.s.block = turned;
        for (int32_t i = 0; i < l; i++) b.s.block += conv_turned_end(&net->stage[i], k);
        b.g_skip = c->back ? w->hidden[(l - c->back) % CONV_BUFFERS] : NULL;
        b.relu_x = l > 0 && net->stage[l - 1].relu;
        if (c->form == NFI_CONV_GATHER && b.g_x && !filled)
            memset(b.g_x, 0, (size_t)(b.s.pixels * b.s.ld_x) * sizeof *b.g_x);
        conv_back_stage(&b);
    }
}

void NFI_NAME(nfi_conv_reverse)(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *turned, const void *in,
                                const void *saved, void *g_out, void *g_in, void *grad, void *scratch)
{
    const struct conv_work w = conv_carve(net, n, 0, scratch);
    real *kept = (real *)(uintptr_t)saved; /* only read */
    real *g_planes = g_in ? (real *)(void *)conv_carve(net, n, 1, scratch).planes : NULL;

    conv_fill_planes(net, n, in, w.planes, 1);
    conv_write_answer(net, n, g_out, w.last);
    conv_back_run(net, k, n, turned, kept, grad, &w, g_planes);
    if (g_in) conv_sum_planes(net, n, g_planes, g_in);
}

/* Tangents: dy = phi'(y) ((K * dx) e + dskip). */
void NFI_NAME(nfi_conv_jvp)(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in, const void *d_in,
                            void *out, void *d_out, void *scratch)
{
    const struct conv_work w = conv_carve(net, n, 0, scratch), d = conv_carve(net, n, 1, scratch);

    conv_fill_planes(net, n, in, w.planes, 1);
    conv_fill_planes(net, n, d_in, d.planes, 0);
    for (int32_t l = 0; l < net->n_stages; l++) {
        struct conv_step s = conv_step_of(net, k, n, l, &w, NULL), t = conv_step_of(net, k, n, l, &d, NULL);
        s.block = t.block = conv_block(net, k, l, packed);
        t.tangent = true;
        conv_stage(&s);
        conv_stage(&t);
        for (int64_t p = 0; s.c->relu && p < s.pixels; p++)
            for (int64_t j = 0; j < s.c->out; j++)
                if (!(s.y[p * s.ld_y + j] > 0)) t.y[p * t.ld_y + j] = 0;
    }
    conv_read_answer(net, n, w.last, out);
    conv_read_answer(net, n, d.last, d_out);
}

/* Data-dependent initialisation of hidden stage l, those before it being done. With s = (K * y + b) exp(3 r) of the present
 * parameters, of mean m and standard deviation d over all pixels: r - log(d) / 3 and b - m exp(-3 r) make it 0 and 1. */

/* Adds sum_p (s - mean) or, squared, their squares to `sum`, over all rows in parts. */
static void conv_moment(const nfi_convnet *net, const nfi_kernels *k, int32_t l, const nfi_net_data *data, const void *packed,
                        const double *mean, bool squared, double *sum)
{
    const nfi_conv *c = &net->stage[l];
    for (int64_t i = 0, n; i < data->n; i += n) {
        n = nfi_min(data->most, data->n - i);
        const struct conv_work w = conv_carve(net, n, 0, data->scratch);
        data->fill(data->user, i, n, data->in);
        conv_fill_planes(net, n, data->in, w.planes, 1);
        conv_run(net, k, n, packed, &w, NULL, l);
        struct conv_step s = conv_step_of(net, k, n, l, &w, NULL);
        s.block = conv_block(net, k, l, packed);
        s.linear = true;
        s.skip = NULL;
        conv_stage(&s);
        for (int64_t p = 0; p < s.pixels; p++)
            for (int64_t j = 0; j < c->out; j++) {
                const double rest = (double)s.y[p * s.ld_y + j] - mean[j];
                sum[j] += squared ? rest * rest : rest;
            }
    }
}

nf_status NFI_NAME(nfi_conv_init)(const nfi_convnet *net, const nfi_kernels *k, int32_t l, const nfi_net_data *data, const void *packed,
                                  void *theta)
{
    const nfi_conv *c = &net->stage[l];
    const double count = (double)(data->n * net->pixels);
    double *mean = (double *)(void *)conv_carve(net, data->most, 1, data->scratch).strip, *square = mean + c->out, *zero = square + c->out;
    real *bias = (real *)theta + c->theta + conv_weights(c) + conv_edges(c), *r = bias + c->out;

    memset(mean, 0, (size_t)(3 * c->out) * sizeof *mean);
    conv_moment(net, k, l, data, packed, zero, false, mean);
    for (int64_t j = 0; j < c->out; j++) mean[j] /= count;
    conv_moment(net, k, l, data, packed, mean, true, square);
    for (int64_t j = 0; j < c->out; j++) {
        square[j] = nfi_sqrt(square[j] / count);
        if (!(square[j] > CONV_DEGENERATE * ((mean[j] < 0 ? -mean[j] : mean[j]) + 1e-3)))
            return nfi_fail(NF_ERR_DEGENERATE, "network stage %d: channel %lld does not vary over the initial batch: mean %g, standard deviation %g",
                            (int)l, (long long)j, mean[j], square[j]);
    }
    for (int64_t j = 0; j < c->out; j++) {
        bias[j] = (real)((double)bias[j] - mean[j] * nfi_exp(-CONV_LOG_SCALE * (double)r[j]));
        r[j] = (real)((double)r[j] - nfi_log(square[j]) / CONV_LOG_SCALE);
    }
    return NF_OK;
}
