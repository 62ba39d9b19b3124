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
#include "nets/conv.h"

#include <stdio.h>
#include <string.h>

#include "core/rng.h"
#include "core/status.h"
#include "math/functions.h"

#define CONV_STRIP 128
#define CONV_IMAGES 4         /* most images of a tile: blocks of a training step are multiples of it, and an image may keep 10 MB */
#define CONV_TAPS 9
#define CONV_BUFFERS 3        /* a stage, the one before, and the one that is skipped from */
#define CONV_MAX_WIDTH 65536
#define CONV_MAX_BLOCKS 64
#define CONV_LOG_SCALE 3.0    /* Glow's factor of r: a faster learning rate of the scales */
#define CONV_INITIAL_SD 0.05  /* Glow's */
#define CONV_DEGENERATE 1e-6  /* as actnorm */

#define CONV_DECLARE(suffix)                                                                                           \
    void nfi_conv_value_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in, void *out,  \
                                 void *saved, void *scratch);                                                          \
    void nfi_conv_reverse_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *turned, const void *in,  \
                                   const void *saved, void *g_out, void *g_in, void *grad, void *scratch);             \
    void nfi_conv_jvp_##suffix(const nfi_convnet *net, const nfi_kernels *k, int64_t n, const void *packed, const void *in,  \
                               const void *d_in, void *out, void *d_out, void *scratch);                               \
    void nfi_conv_pack_##suffix(const nfi_convnet *net, const nfi_kernels *k, const void *theta, void *packed, void *turned);  \
    void nfi_conv_reset_##suffix(const nfi_convnet *net, uint64_t seed, uint32_t stream, void *theta);                 \
    nf_status nfi_conv_init_##suffix(const nfi_convnet *net, const nfi_kernels *k, int32_t stage, const nfi_net_data *data,  \
                                     const void *packed, void *theta);
CONV_DECLARE(f32)
CONV_DECLARE(f64)

/* Shapes. The product of a stage is [pixels][k] times [k][m]. */

static int64_t conv_taps(const nfi_conv *c) { return c->form == NFI_CONV_POINT ? 1 : CONV_TAPS; }
static int64_t conv_k(const nfi_conv *c)
{
    if (c->form == NFI_CONV_GATHER) return CONV_TAPS * (c->in + c->edge);
    return c->in;
}
static int64_t conv_m(const nfi_conv *c) { return c->form == NFI_CONV_SCATTER ? CONV_TAPS * c->out : c->out; }
static int64_t conv_weights(const nfi_conv *c) { return conv_taps(c) * c->in * c->out; }
static int64_t conv_edges(const nfi_conv *c) { return c->edge ? CONV_TAPS * c->out : 0; }
static int64_t conv_count(const nfi_conv *c) { return conv_weights(c) + conv_edges(c) + 2 * c->out; }
static int64_t conv_ld(int64_t width) { return nfi_round_up(width + 1, 16); }

/* Elements of a pixel of y_L: dense where it is scattered to, else whole vectors, which the product writes. */
static int64_t conv_ld_last(const nfi_convnet *net)
{
    const nfi_conv *c = &net->stage[net->n_stages - 1];
    return c->form == NFI_CONV_SCATTER ? c->out : conv_ld(c->out);
}

/* The same for the planes: dense where neighbours are gathered from them. */
static int64_t conv_ld_planes(const nfi_convnet *net)
{
    return net->stage[0].form == NFI_CONV_GATHER ? net->in : conv_ld(net->in);
}

/* Elements of a pixel of a strip. */
static int64_t conv_ld_strip(const nfi_convnet *net)
{
    int64_t widest = net->in;
    for (int32_t l = 0; l < net->n_stages; l++)
        widest = nfi_max(widest, nfi_max(conv_k(&net->stage[l]), conv_m(&net->stage[l])));
    return conv_ld(widest);
}

/* The packed block of a stage, in bytes from its start. */
struct conv_packed {
    int64_t weights, scale, edge, bias, end; /* scale: of each column of the product */
};

static struct conv_packed conv_packed_layout(const nfi_conv *c, const nfi_kernels *k)
{
    struct conv_packed at = { .weights = 0 };
    at.scale = nfi_round_up(k->packed_count(conv_k(c), conv_m(c)) * k->size, NFI_ALIGN);
    at.edge = at.scale + nfi_round_up(nfi_round_up(conv_m(c), 16) * k->size, NFI_ALIGN);
    at.bias = at.edge + nfi_round_up(conv_edges(c) * k->size, NFI_ALIGN);
    at.end = at.bias + nfi_round_up(c->out * k->size, NFI_ALIGN);
    return at;
}

/* The block for reverse: turned weights, then exp(3 r), zeros beyond the channels. */
static int64_t conv_turned_scale(const nfi_conv *c, const nfi_kernels *k)
{
    const int64_t columns = c->form == NFI_CONV_GATHER ? CONV_TAPS * c->in : conv_k(c); /* the edge has no input */
    return nfi_round_up(k->packed_count(conv_m(c), columns) * k->size, NFI_ALIGN);
}
static int64_t conv_turned_end(const nfi_conv *c, const nfi_kernels *k)
{
    return conv_turned_scale(c, k) + nfi_round_up(nfi_round_up(c->out, 16) * k->size, NFI_ALIGN);
}

/* Memory of a tile of n images. */
struct conv_work {
    real *planes;               /* [pixels][in], and room to read and write a vector beyond */
    real *last;                 /* [pixels][ld_last] */
    real *hidden[CONV_BUFFERS]; /* [pixels][ld] */
    real *strip;                /* [CONV_STRIP][ld_strip] */
    real *sum;                  /* [ld_strip] */
};

#define CONV_BEYOND 16 /* elements that steps of a vector may touch past an array */

/* Elements that an image needs; the fixed part. */
static int64_t conv_image_size(const nfi_convnet *net)
{
    return nfi_round_up(net->pixels * conv_ld_planes(net) + CONV_BEYOND, 16) + nfi_round_up(net->pixels * conv_ld_last(net) + CONV_BEYOND, 16) +
           CONV_BUFFERS * net->pixels * net->ld;
}
static int64_t conv_fixed_size(const nfi_convnet *net) { return (CONV_STRIP + 1) * conv_ld_strip(net); }

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

/* Rearranging. Pixel (y, x) has neighbours t = 3 (dy + 1) + dx + 1 at (y + dy, x + dx). */

struct conv_side { /* images whose pixels are rearranged */
    int64_t height, width, channels, ld; /* ld: elements of a pixel */
};
struct conv_at { /* a pixel of a row of images */
    int64_t p, y, x;
};

static struct conv_at conv_start(const struct conv_side *m, int64_t p)
{
    const int64_t in_image = p % (m->height * m->width);
    return (struct conv_at){ .p = p, .y = in_image / m->width, .x = in_image % m->width };
}
static void conv_next(const struct conv_side *m, struct conv_at *at)
{
    at->p++;
    if (++at->x < m->width) return;
    at->x = 0;
    if (++at->y == m->height) at->y = 0;
}
static bool conv_is_inner(const struct conv_side *m, const struct conv_at *at)
{
    return at->y > 0 && at->y + 1 < m->height && at->x > 0 && at->x + 1 < m->width;
}
static bool conv_beyond(const struct conv_side *m, const struct conv_at *at, int64_t t)
{
    const int64_t y = at->y + t / 3 - 1, x = at->x + t % 3 - 1;
    return y < 0 || y >= m->height || x < 0 || x >= m->width;
}

/* In steps of 16 bytes: may touch up to 15 bytes beyond. */
static inline void conv_copy(int64_t count, const real *from, real *to)
{
    const int64_t step = 16 / (int64_t)sizeof(real);
    for (int64_t j = 0; j < count; j += step) memcpy(to + j, from + j, 16);
}

/* to [9][channels] = the neighbours of a pixel, zeros beyond the border. What a copy writes beyond its end is overwritten by the next. */
static void conv_neighbours(const struct conv_side *m, const struct conv_at *at, const real *images, real *to)
{
    const bool inner = conv_is_inner(m, at);
    const real *pixel = images + at->p * m->ld;

    for (int64_t dy = -1; dy <= 1 && inner && m->ld == m->channels; dy++, to += 3 * m->channels)
        conv_copy(3 * m->channels, pixel + (dy * m->width - 1) * m->ld, to);
    if (inner && m->ld == m->channels) return;
    for (int64_t t = 0; t < CONV_TAPS; t++, to += m->channels) {
        if (!inner && conv_beyond(m, at, t))
            memset(to, 0, (size_t)m->channels * sizeof *to);
        else
            memcpy(to, pixel + ((t / 3 - 1) * m->width + t % 3 - 1) * m->ld, (size_t)m->channels * sizeof *to);
    }
}

/* to [count][ld_to] = the neighbours of pixels [first, first + count). */
static void conv_gather(const struct conv_side *m, const real *images, int64_t first, int64_t count, real *to, int64_t ld_to)
{
    struct conv_at at = conv_start(m, first);
    for (int64_t i = 0; i < count; i++, conv_next(m, &at)) conv_neighbours(m, &at, images, to + i * ld_to);
}

static inline void conv_add(int64_t count, const real *restrict from, real *restrict to)
{
    for (int64_t j = 0; j < count; j++) to[j] += from[j];
}

/* images(p + t) += from[p][t] for pixels [first, first + count): the transpose of gather. */
static void conv_scatter(const struct conv_side *m, real *images, int64_t first, int64_t count, const real *from, int64_t ld_from)
{
    struct conv_at at = conv_start(m, first);
    for (int64_t i = 0; i < count; i++, conv_next(m, &at), from += ld_from) {
        const int64_t low = at.x > 0 ? -1 : 0, high = at.x + 1 < m->width ? 1 : 0;
        for (int64_t dy = at.y > 0 ? -1 : 0; dy <= 1 && at.y + dy < m->height; dy++) {
            const real *row = from + (3 * (dy + 1) + 1) * m->channels;
            real *to = images + (at.p + dy * m->width) * m->ld;
            if (m->ld == m->channels)
                conv_add((high - low + 1) * m->channels, row + low * m->channels, to + low * m->ld);
            else
                for (int64_t dx = low; dx <= high; dx++) conv_add(m->channels, row + dx * m->channels, to + dx * m->ld);
        }
    }
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

/* Calls add(count, from, to) for each neighbour beyond the border: edge[t] += y(p), or y(p) += edge[t]. */
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
            s->k->gemm_tn(count, conv_k(c) + 1, c->out, s->strip, ld_strip, a, s->ld_y, b->grad);
        }
        if (!b->g_x || c->in == 0) return;
        s->k->gemm(count, c->out, CONV_TAPS * c->in, a, s->ld_y, s->block, s->strip, ld_strip, NULL);
        conv_scatter(&x_side, b->g_x, first, count, s->strip, ld_strip);
    } else if (c->form == NFI_CONV_SCATTER) {
        conv_gather(&y_side, s->y, first, count, s->strip, ld_strip);
        if (b->grad) s->k->gemm_tn(count, c->in, conv_m(c), x, s->ld_x, s->strip, ld_strip, b->grad);
        if (b->g_x) s->k->gemm(count, conv_m(c), c->in, s->strip, ld_strip, s->block, b->g_x + first * s->ld_x, s->ld_x, &epilogue);
    } else {
        if (b->grad) s->k->gemm_tn(count, c->in + 1, c->out, x, s->ld_x, a, s->ld_y, b->grad);
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

/* Parameters */

/* e into every column of the product, edges and bias times e. scale holds e on entry. */
static void conv_pack_value(const nfi_conv *c, const nfi_kernels *k, const real *w, char *to, const struct conv_packed *at)
{
    const real *edge = w + conv_weights(c), *bias = edge + conv_edges(c);
    const bool scatter = c->form == NFI_CONV_SCATTER;
    real *scale = (real *)(void *)(to + at->scale), *to_edge = (real *)(void *)(to + at->edge), *to_bias = (real *)(void *)(to + at->bias);

    for (int64_t t = 0; c->edge && t < CONV_TAPS; t++)
        for (int64_t j = 0; j < c->out; j++) to_edge[t * c->out + j] = edge[t * c->out + j] * scale[j];
    for (int64_t j = 0; j < c->out; j++) to_bias[j] = bias[j] * scale[j];
    for (int64_t j = c->out; j < conv_m(c); j++) scale[j] = scale[j - c->out];
    k->pack(conv_k(c), conv_m(c), w, scatter ? NULL : bias, scale, to, NULL);
}

static void conv_pack_turned(const nfi_conv *c, const nfi_kernels *k, const real *w, const real *e, char *to)
{
    const int64_t rows = c->form == NFI_CONV_GATHER ? CONV_TAPS * c->in : conv_k(c);
    real *scale = (real *)(void *)(to + conv_turned_scale(c, k));
    for (int64_t j = 0; j < nfi_round_up(c->out, 16); j++) scale[j] = j < c->out ? e[j] : 0;
    if (rows > 0) k->pack(rows, conv_m(c), w, NULL, NULL, NULL, to);
}

void NFI_NAME(nfi_conv_pack)(const nfi_convnet *net, const nfi_kernels *k, const void *theta, void *packed, void *turned)
{
    char *to = packed, *back = turned;
    for (int32_t l = 0; l < net->n_stages; l++) {
        const nfi_conv *c = &net->stage[l];
        const struct conv_packed at = conv_packed_layout(c, k);
        const real *w = (const real *)theta + c->theta, *r = w + conv_count(c) - c->out;
        real *e = (real *)(void *)(to ? to + at.scale : back + conv_turned_scale(c, k));

        for (int64_t j = 0; j < c->out; j++) e[j] = (real)nfi_exp(CONV_LOG_SCALE * (double)r[j]);
        if (back) {
            conv_pack_turned(c, k, w, e, back);
            back += conv_turned_end(c, k);
        }
        if (to) {
            conv_pack_value(c, k, w, to, &at);
            to += at.end;
        }
    }
}

void NFI_NAME(nfi_conv_reset)(const nfi_convnet *net, uint64_t seed, uint32_t stream, void *theta)
{
    const double limit = CONV_INITIAL_SD * 1.7320508075688772; /* sqrt(3): uniform in +-limit has this sd */
    real *to = theta;
    memset(to, 0, (size_t)net->theta_count * sizeof *to);
    for (int32_t l = 0; l + 1 < net->n_stages; l++) {
        const nfi_conv *c = &net->stage[l];
        for (int64_t i = c->theta; i < c->theta + conv_weights(c); i++)
            to[i] = (real)((2.0 * nfi_uniform(seed, stream, (uint64_t)i) - 1.0) * limit);
    }
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

#if NFI_ONCE
/* What exists once: shapes and parameters */

#define CONV_MOST (INT64_C(1) << 28) /* pixels times channels times neighbours: maps are of int32, and no file may ask for more */

struct conv_plan { /* the stages of a kind, one after the other */
    int32_t size, relu, back;
};

/* Stage l of a kind; false past the last. */
static bool conv_plan_of(int32_t kind, int64_t blocks, int64_t l, struct conv_plan *plan)
{
    static const struct conv_plan glow[] = { { 3, 1, 0 }, { 1, 1, 0 }, { 3, 0, 0 } }, linear[] = { { 3, 0, 0 } };
    static const struct conv_plan residual[] = { { 3, 1, 0 }, { 3, 1, 2 }, { 1, 0, 0 } };
    if (kind == NFI_CONVNET_RESIDUAL) {
        if (l > 2 * blocks + 1) return false;
        *plan = l == 0 || (l % 2 == 1 && l < 2 * blocks) ? residual[0] : l == 2 * blocks + 1 ? residual[2] : residual[1];
        return true;
    }
    if (l >= (kind == NFI_CONVNET_GLOW ? 3 : 1)) return false;
    *plan = kind == NFI_CONVNET_GLOW ? glow[l] : linear[l];
    return true;
}

static nf_status conv_stages(nfi_convnet *net, nf_maker *maker, int32_t kind, int64_t hidden, int64_t blocks)
{
    struct conv_plan plan;
    int64_t count = 0, in = net->in;

    while (conv_plan_of(kind, blocks, count, &plan)) count++;
    nfi_conv *stage = nfi_maker_alloc(maker, count, (int64_t)sizeof *stage);
    if (!stage) return NF_ERR_MEMORY;
    net->stage = stage;
    net->n_stages = (int32_t)count;
    for (int64_t l = 0; l < count; l++) {
        nfi_conv *c = &stage[l];
        (void)conv_plan_of(kind, blocks, l, &plan);
        *c = (nfi_conv){ .in = in, .out = l + 1 < count ? hidden : net->out, .relu = plan.relu, .back = plan.back, .theta = net->theta_count,
                         .edge = plan.size == 3 };
        c->form = plan.size == 1 ? NFI_CONV_POINT : c->in <= c->out ? NFI_CONV_GATHER : NFI_CONV_SCATTER;
        in = c->out;
        if (!nfi_add(net->theta_count, conv_count(c), &net->theta_count)) return nfi_fail(NF_ERR_OVERFLOW, "network: too many parameters to compute");
    }
    return NF_OK;
}

nf_status nfi_convnet_create(nfi_convnet *net, nf_maker *maker, int32_t kind, int64_t hidden, int64_t blocks)
{
    const int64_t widest = nfi_max(nfi_max(net->in, net->out), hidden);
    int64_t numbers;
    if (widest > CONV_MAX_WIDTH || blocks > CONV_MAX_BLOCKS)
        return nfi_fail(NF_ERR_LIMIT, "network: %lld channels and %lld blocks, at most %d and %d", (long long)widest, (long long)blocks,
                        CONV_MAX_WIDTH, CONV_MAX_BLOCKS);
    if (!nfi_mul(net->pixels, widest * 2 * CONV_TAPS, &numbers) || numbers > CONV_MOST)
        return nfi_fail(NF_ERR_LIMIT, "network: %lld pixels of %lld channels are more than the network can address", (long long)net->pixels,
                        (long long)widest);
    net->ld = kind == NFI_CONVNET_LINEAR ? 0 : conv_ld(hidden);
    return conv_stages(net, maker, kind, hidden, blocks);
}

int64_t nfi_convnet_ld_out(const nfi_convnet *net) { return conv_ld_last(net); }

/* As a kind of net: the contract is nets/net.h */

/* Views of a stage: a 1x1 has no edge, a stage without input no weight. */
static const char *const conv_views[] = { "weight", "edge", "bias", "log_scale" };

static int32_t conv_view_count(const nfi_conv *c) { return 2 + (c->in > 0) + c->edge; }

static int32_t conv_param_count(const void *self)
{
    const nfi_convnet *net = self;
    int32_t count = 0;
    for (int32_t l = 0; l < net->n_stages; l++) count += conv_view_count(&net->stage[l]);
    return count;
}

static void conv_shape(const nfi_conv *c, int32_t view, nf_param *param)
{
    int32_t rank = 0;
    if (view == 0 && c->form == NFI_CONV_SCATTER) param->shape[rank++] = c->in;
    for (int i = 0; view == 0 && c->form != NFI_CONV_POINT && i < 2; i++) param->shape[rank++] = 3;
    if (view == 0 && c->form != NFI_CONV_SCATTER) param->shape[rank++] = c->in;
    if (view == 1) param->shape[rank++] = CONV_TAPS;
    param->shape[rank++] = c->out;
    param->rank = rank;
}

static void conv_param(const void *self, const char *prefix, int64_t theta_offset, int32_t i, nf_param *param)
{
    const nfi_convnet *net = self;
    int32_t l = 0;
    while (i >= conv_view_count(&net->stage[l])) i -= conv_view_count(&net->stage[l++]);
    const nfi_conv *c = &net->stage[l];
    int32_t view = i + (c->in == 0);
    if (view > 0 && !c->edge) view++;
    const int64_t before[] = { 0, conv_weights(c), conv_weights(c) + conv_edges(c), conv_count(c) - c->out };

    (void)snprintf(param->name, sizeof param->name, "%s.%d.%s", prefix, (int)l, conv_views[view]);
    param->properties = view == 0 ? 0 : NF_PARAM_NO_DECAY;
    param->offset = theta_offset + c->theta + before[view];
    conv_shape(c, view, param);
}

static int64_t conv_packed_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    int64_t bytes = 0;
    for (int32_t l = 0; l < net->n_stages; l++) bytes += conv_packed_layout(&net->stage[l], k).end;
    return bytes;
}
static int64_t conv_turned_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    int64_t bytes = 0;
    for (int32_t l = 0; l < net->n_stages; l++) bytes += conv_turned_end(&net->stage[l], k);
    return bytes;
}
static int64_t conv_saved_bytes(const void *self, const nfi_kernels *k)
{
    const nfi_convnet *net = self;
    return ((net->n_stages - 1) * net->pixels * net->ld + nfi_round_up(net->pixels * conv_ld_last(net) + CONV_BEYOND, 16)) * k->size;
}
static int64_t conv_scratch_bytes(const void *self, const nfi_kernels *k) { return nfi_round_up(conv_image_size(self) * k->size, NFI_ALIGN); }
static int64_t conv_scratch_fixed(const void *self, const nfi_kernels *k) { return nfi_round_up(2 * conv_fixed_size(self) * k->size, NFI_ALIGN); }

#define CONV_CALL(name) (k->dtype == NF_F32 ? name##_f32 : name##_f64)
static void conv_pack(const void *self, const nfi_kernels *k, const void *theta, void *packed, void *turned)
{
    CONV_CALL(nfi_conv_pack)(self, k, theta, packed, turned);
}
static void conv_reset(const void *self, int32_t dtype, uint64_t seed, uint32_t stream, void *theta)
{
    (dtype == NF_F32 ? nfi_conv_reset_f32 : nfi_conv_reset_f64)(self, seed, stream, theta);
}
static void conv_value(const void *self, const nfi_kernels *k, int64_t n, const void *packed, void *in, void *out, void *saved, void *scratch)
{
    CONV_CALL(nfi_conv_value)(self, k, n, packed, in, out, saved, scratch);
}
static void conv_reverse(const void *self, const nfi_kernels *k, int64_t n, const void *turned, const void *in, const void *saved,
                         void *g_out, void *g_in, void *grad, void *scratch)
{
    CONV_CALL(nfi_conv_reverse)(self, k, n, turned, in, saved, g_out, g_in, grad, scratch);
}
static void conv_jvp(const void *self, const nfi_kernels *k, int64_t n, const void *packed, void *in, const void *d_in, void *out,
                     void *d_out, void *scratch)
{
    CONV_CALL(nfi_conv_jvp)(self, k, n, packed, in, d_in, out, d_out, scratch);
}
static nf_status conv_init(const void *self, const nfi_kernels *k, int32_t pass, const nfi_net_data *data, const void *packed, void *theta)
{
    return CONV_CALL(nfi_conv_init)(self, k, pass, data, packed, theta);
}

static const nfi_net_ops conv_net_ops = {
    .param_count = conv_param_count, .param = conv_param, .packed_bytes = conv_packed_bytes, .turned_bytes = conv_turned_bytes,
    .saved_bytes = conv_saved_bytes, .scratch_bytes = conv_scratch_bytes, .scratch_fixed = conv_scratch_fixed, .pack = conv_pack,
    .reset = conv_reset, .value = conv_value, .reverse = conv_reverse, .jvp = conv_jvp, .init = conv_init,
};

nfi_net nfi_convnet_net(const nfi_convnet *net)
{
    int64_t tile = 1;
    double products = 0;
    while (2 * tile * net->pixels <= CONV_STRIP && tile < CONV_IMAGES) tile *= 2;
    for (int32_t l = 0; l < net->n_stages; l++) products += (double)conv_weights(&net->stage[l]); /* the edge is not counted */
    return (nfi_net){ .ops = &conv_net_ops, .self = net, .theta_count = net->theta_count, .ld_in = conv_ld(net->n_in),
                      .ld_out = conv_ld(net->n_out), .tile_rows = tile, .init_passes = net->n_stages - 1,
                      .flop_row = 2.0 * (double)net->pixels * products };
}
#endif
