/* SPDX-License-Identifier: MIT
 *
 * dynamics_test.c - networks of time against a plain-C twin and central differences, for every kind, activation and shape, of rows and of
 * images
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "math/kernels.h"
#include "nets/dynamics.h"
#include <nflow/nflow.h>

#define MOST 80        /* widths, and numbers of an image */
#define TWIN_TOL 1e-12 /* double, sums of at most 80 terms */
#define STEP 1e-6
#define SLOPE_TOL 1e-7 /* relative to 1 + |value| */
#define FLOAT_TOL 1e-4

static double draw(uint64_t index) { return 2.0 * nfi_uniform(4711, NFI_STREAM_CHECK, index) - 1.0; }
static double draw_t(int64_t i) { return 0.5 + 0.5 * draw((uint64_t)(70000 + i)); }
static double draw_seed(int64_t i, int64_t j) { return draw((uint64_t)(30000 + i * 100 + j)); }

static void near(double got, double want, double tolerance, const char *what, int64_t k)
{
    ck_assert_msg(fabs(got - want) <= tolerance * (1.0 + fabs(want)), "%s %lld: %.15g, should be %.15g", what, (long long)k, got, want);
}

static void *memory(int64_t bytes)
{
    void *p = aligned_alloc(64, (size_t)nfi_round_up(bytes + 64, 64));
    ck_assert_ptr_nonnull(p);
    memset(p, 0xA5, (size_t)nfi_round_up(bytes + 64, 64));
    return p;
}

/* The twin: one row with one tangent, in the order of the formula */

static double twin_phi(int32_t activation, double u, double *slope)
{
    const double s = 1 / (1 + exp(-u));
    switch (activation) {
    case NF_ACTIVATION_TANH: *slope = 1 - tanh(u) * tanh(u); return tanh(u);
    case NF_ACTIVATION_SOFTPLUS: *slope = s; return log1p(exp(u));
    case NF_ACTIVATION_SILU: *slope = s + u * s * (1 - s); return u * s;
    default: *slope = u > 0 ? 1 : exp(u); return u > 0 ? u : expm1(u);
    }
}

/* Output j of layer l at pixel (y, x), or of a row that is no image, without its bias: W h. */
static double twin_product(const nfi_dynamics *net, int32_t l, const double *w, const double *h, int64_t y, int64_t x, int64_t j)
{
    const int64_t in = net->width[l], out = net->width[l + 1];
    double sum = 0;
    if (!net->height)
        for (int64_t k = 0; k < in; k++) sum += h[k] * w[k * out + j];
    for (int64_t dy = 0; dy < 3 && net->height; dy++)
        for (int64_t dx = 0; dx < 3; dx++) {
            const int64_t row = y + dy - 1, column = x + dx - 1;
            if (row < 0 || row >= net->height || column < 0 || column >= net->across) continue;
            for (int64_t k = 0; k < in; k++) sum += h[(row * net->across + column) * in + k] * w[((dy * 3 + dx) * in + k) * out + j];
        }
    return sum;
}

static void twin_pixel(const nfi_dynamics *net, int32_t l, const double *theta, double t, const double *h, const double *hd, int64_t p, double *u,
                       double *ud)
{
    const int64_t out = net->width[l + 1], y = net->height ? p / net->across : 0, x = net->height ? p % net->across : 0;
    const double *bias = theta + (net->height ? 9 : 1) * net->width[l] * out, *extra = bias + out;
    for (int64_t j = 0; j < out; j++) {
        double g = 1, shift = 0, slope = 1;
        if (net->kind == NFI_DYNAMICS_CONCAT) shift = extra[j] * t;
        if (net->kind == NFI_DYNAMICS_SQUASH) {
            g = 1 / (1 + exp(-(extra[j] * t + extra[out + j])));
            shift = extra[2 * out + j] * t;
        }
        u[j] = g * (bias[j] + twin_product(net, l, theta, h, y, x, j)) + shift;
        if (l + 1 < net->n_layers) u[j] = twin_phi(net->activation, u[j], &slope);
        ud[j] = g * slope * twin_product(net, l, theta, hd, y, x, j);
    }
}

static void twin_value(const nfi_dynamics *net, const double *theta, double t, const double *z, const double *e, double *f, double *fd)
{
    const int64_t pixels = net->height ? net->height * net->across : 1;
    double h[MOST], hd[MOST], u[MOST], ud[MOST];
    memcpy(h, z, (size_t)(pixels * net->width[0]) * sizeof *h);
    for (int64_t k = 0; k < pixels * net->width[0]; k++) hd[k] = k < net->dim ? e[k] : 0;
    for (int32_t l = 0; l < net->n_layers; l++) {
        const int64_t inputs = (net->height ? 9 : 1) * net->width[l], out = net->width[l + 1];
        for (int64_t p = 0; p < pixels; p++) twin_pixel(net, l, theta, t, h, hd, p, u + p * out, ud + p * out);
        memcpy(h, u, (size_t)(pixels * out) * sizeof *h);
        memcpy(hd, ud, (size_t)(pixels * out) * sizeof *hd);
        theta += out * (inputs + 1 + (net->kind == NFI_DYNAMICS_SQUASH ? 3 : net->kind == NFI_DYNAMICS_CONCAT ? 1 : 0));
    }
    memcpy(f, h, (size_t)net->dim * sizeof *f);
    memcpy(fd, hd, (size_t)net->dim * sizeof *fd);
}

/* A network with n rows and m tangents each, in either precision */

struct net {
    nf_maker *maker;
    nfi_dynamics net;
    const nfi_kernels *k;
    int64_t n, m, dim, columns, ld_in, ld_out; /* columns: dim and the condition */
    double *t, *g_t;
    void *theta, *in, *out, *grad, *g_in;
    void *packed, *turned, *saved, *scratch;
};

static double get(const struct net *s, const void *array, int64_t i)
{
    return s->k->dtype == NF_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static void put(const struct net *s, void *array, int64_t i, double value)
{
    if (s->k->dtype == NF_F32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

struct shape {
    int64_t dim, n_hidden, hidden[3], height, width; /* height 0: no images */
};
static const struct shape shapes[] = {
    { 2, 0, { 0, 0, 0 }, 0, 0 }, { 1, 1, { 1, 0, 0 }, 0, 0 }, { 3, 2, { 15, 16, 0 }, 0, 0 }, { 2, 3, { 5, 17, 4 }, 0, 0 },
    { 3, 2, { 64, 64, 0 }, 0, 0 },
    { 2, 0, { 0, 0, 0 }, 1, 2 }, { 1, 1, { 2, 0, 0 }, 1, 1 }, { 12, 1, { 5, 0, 0 }, 2, 3 }, { 9, 2, { 3, 4, 0 }, 3, 3 },
    { 20, 1, { 3, 0, 0 }, 4, 5 }, { 24, 2, { 3, 2, 0 }, 4, 3 }
};
#define N_SMALL 4 /* of them, those for central differences of everything */
#define IMAGES 5  /* the first of images, ... */
#define N_IMAGES 6
#define N_IMAGE_NETS (3 * 4 * N_IMAGES * 3)
#define N_NETS (3 * 4 * N_SMALL * 2 * 3)

struct spec {
    int32_t kind, activation, isa; /* isa -1: the best */
    int64_t shape, cond_dim, n, m;
};

/* kind, activation, shape, cond_dim 0 or 2, m 0, 1 or dim */
static struct spec spec_of(int index)
{
    struct spec p = { .isa = -1, .n = 3 };
    p.kind = 1 + index % 3, index /= 3;
    p.activation = NF_ACTIVATION_TANH + index % 4, index /= 4;
    p.shape = index % N_SMALL, index /= N_SMALL;
    p.cond_dim = index % 2 * 2, index /= 2;
    p.m = index == 0 ? 0 : index == 1 ? 1 : shapes[p.shape].dim;
    return p;
}

/* kind, activation, shape of images, m 0, 1 or dim */
static struct spec image_spec(int index)
{
    struct spec p = { .isa = -1, .n = 3 };
    p.kind = 1 + index % 3, index /= 3;
    p.activation = NF_ACTIVATION_TANH + index % 4, index /= 4;
    p.shape = IMAGES + index % N_IMAGES, index /= N_IMAGES;
    p.m = index == 0 ? 0 : index == 1 ? 1 : shapes[p.shape].dim;
    return p;
}
static struct spec any_spec(int index) { return index < N_NETS ? spec_of(index) : image_spec(index - N_NETS); }

static void net_fill(struct net *s)
{
    double *theta = memory(s->net.theta_count * 8);
    nfi_dynamics_reset(&s->net, NF_F64, 5, 77, theta);
    for (int64_t i = 0; i < s->net.theta_count; i++) put(s, s->theta, i, theta[i] + 0.2 * draw((uint64_t)i));
    free(theta);
    for (int64_t i = 0; i < s->n; i++) {
        s->t[i] = draw_t(i);
        for (int64_t j = 0; j < s->columns; j++) put(s, s->in, i * s->ld_in + j, 2.0 * draw((uint64_t)(10000 + i * 100 + j)));
    }
    for (int64_t r = 0; r < s->n * s->m; r++)
        for (int64_t j = 0; j < s->columns; j++)
            put(s, s->in, (s->n + r) * s->ld_in + j, j < s->dim ? draw((uint64_t)(200000 + r * 100 + j)) : 0.0);
    nfi_dynamics_pack(&s->net, s->k, s->theta, s->packed, s->turned);
}

static void net_begin(struct net *s, const struct spec *p, int32_t dtype)
{
    const struct shape *shape = &shapes[p->shape];
    const int64_t rows = p->n * (1 + p->m);
    const nfi_dynamics_config config = { .dim = shape->dim, .cond_dim = p->cond_dim, .height = shape->height, .width = shape->width,
                                         .channels = shape->height ? shape->dim / shape->height / shape->width : 0,
                                         .hidden = shape->hidden, .n_hidden = shape->n_hidden, .activation = p->activation, .kind = p->kind,
                                         .function = "test" };
    *s = (struct net){ .n = p->n, .m = p->m, .dim = shape->dim, .columns = shape->dim + p->cond_dim };
    s->k = p->isa < 0 ? nfi_kernels_for(NULL, dtype) : nfi_kernels_isa(p->isa, dtype);
    ck_assert_int_eq(nfi_maker_create(&s->maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_dynamics_create(&s->net, s->maker, &config), NF_OK);
    s->ld_in = nfi_dynamics_ld_in(&s->net);
    s->ld_out = nfi_dynamics_ld_out(&s->net);
    s->t = memory(p->n * 8);
    s->g_t = memory(p->n * 8);
    s->theta = memory(s->net.theta_count * 8);
    s->grad = memory(s->net.theta_count * 8);
    s->in = memory(rows * s->ld_in * 8);
    s->g_in = memory(p->n * s->ld_in * 8);
    s->out = memory(rows * s->ld_out * 8);
    s->packed = memory(nfi_dynamics_packed_bytes(&s->net, s->k));
    s->turned = memory(nfi_dynamics_turned_bytes(&s->net, s->k));
    s->saved = memory(nfi_dynamics_saved_bytes(&s->net, s->k, p->n, p->m));
    s->scratch = memory(nfi_dynamics_scratch_bytes(&s->net, s->k, p->n, p->m));
    net_fill(s);
}

static void net_end(struct net *s)
{
    void *const all[] = { s->t, s->g_t, s->theta, s->grad, s->in, s->g_in, s->out, s->packed, s->turned, s->saved, s->scratch };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    nfi_maker_free(s->maker);
}

static void net_value(struct net *s, bool saves)
{
    nfi_dynamics_value(&s->net, s->k, s->n, s->m, s->packed, s->t, s->in, s->out, saves ? s->saved : NULL, s->scratch);
}

/* From seeds on f and J e: row r of out gets draw_seed(r, .). */
static void net_reverse(struct net *s)
{
    for (int64_t r = 0; r < s->n * (1 + s->m); r++)
        for (int64_t j = 0; j < s->dim; j++) put(s, s->out, r * s->ld_out + j, draw_seed(r, j));
    memset(s->grad, 0, (size_t)(s->net.theta_count * s->k->size));
    for (int64_t i = 0; i < s->n; i++) s->g_t[i] = 0;
    nfi_dynamics_reverse(&s->net, s->k, s->n, s->m, s->turned, s->t, s->in, s->saved, s->out, s->g_in, s->g_t, s->grad, s->scratch);
}

static const double no_tangent[MOST];

/* f and J e of row i and tangent k (k < m, or 0 without tangents) by the twin; double only. */
static void twin_row(const struct net *s, int64_t i, int64_t k, double *f, double *fd)
{
    const double *in = s->in;
    const double *e = s->m > 0 ? in + (s->n + i * s->m + k) * s->ld_in : no_tangent;
    twin_value(&s->net, s->theta, s->t[i], in + i * s->ld_in, e, f, fd);
}

START_TEST(dynamics__value_equals_plain_twin)
{
    struct net s;
    double f[MOST], fd[MOST];
    const struct spec p = any_spec(_i);
    net_begin(&s, &p, NF_F64);
    for (int pass = 0; pass < 2; pass++) {
        net_value(&s, pass == 1);
        for (int64_t i = 0; i < s.n; i++)
            for (int64_t k = 0; k == 0 || k < s.m; k++) {
                twin_row(&s, i, k, f, fd);
                for (int64_t j = 0; j < s.dim; j++) near(get(&s, s.out, i * s.ld_out + j), f[j], TWIN_TOL, "f", j);
                for (int64_t j = 0; j < s.dim && s.m > 0; j++)
                    near(get(&s, s.out, (s.n + i * s.m + k) * s.ld_out + j), fd[j], TWIN_TOL, "J e", j);
            }
    }
    net_end(&s);
}
END_TEST

START_TEST(dynamics__tangents_match_central_differences)
{
    struct net s;
    double above[MOST], below[MOST], none[MOST], z[MOST];
    const struct spec p = any_spec(_i);
    net_begin(&s, &p, NF_F64);
    net_value(&s, false);
    const double *in = s.in;
    for (int64_t r = 0; r < s.n * s.m; r++) {
        const int64_t i = r / s.m;
        for (int64_t j = 0; j < s.columns; j++) z[j] = in[i * s.ld_in + j] + STEP * in[(s.n + r) * s.ld_in + j];
        twin_value(&s.net, s.theta, s.t[i], z, no_tangent, above, none);
        for (int64_t j = 0; j < s.columns; j++) z[j] = in[i * s.ld_in + j] - STEP * in[(s.n + r) * s.ld_in + j];
        twin_value(&s.net, s.theta, s.t[i], z, no_tangent, below, none);
        for (int64_t j = 0; j < s.dim; j++)
            near(get(&s, s.out, (s.n + r) * s.ld_out + j), (above[j] - below[j]) / (2.0 * STEP), SLOPE_TOL, "J e", j);
    }
    net_end(&s);
}
END_TEST

static double twin_loss_row(const struct net *s, int64_t i)
{
    double f[MOST], fd[MOST], loss = 0.0;
    for (int64_t k = 0; k == 0 || k < s->m; k++) {
        twin_row(s, i, k, f, fd);
        for (int64_t j = 0; j < s->dim && k == 0; j++) loss += draw_seed(i, j) * f[j];
        for (int64_t j = 0; j < s->dim && s->m > 0; j++) loss += draw_seed(s->n + i * s->m + k, j) * fd[j];
    }
    return loss;
}

/* Of the loss of rows [first, last). */
static double twin_slope(const struct net *s, double *at, int64_t first, int64_t last)
{
    const double keep = *at;
    double slope = 0;
    for (int64_t i = first; i < last; i++) {
        *at = keep + STEP;
        const double above = twin_loss_row(s, i);
        *at = keep - STEP;
        slope += (above - twin_loss_row(s, i)) / (2.0 * STEP);
    }
    *at = keep;
    return slope;
}

START_TEST(dynamics__reverse_matches_central_differences)
{
    struct net s;
    const struct spec p = any_spec(_i);
    net_begin(&s, &p, NF_F64);
    net_value(&s, true);
    net_reverse(&s);
    for (int64_t k = 0; k < s.net.theta_count; k++)
        near(get(&s, s.grad, k), twin_slope(&s, (double *)s.theta + k, 0, s.n), SLOPE_TOL, "theta", k);
    for (int64_t i = 0; i < s.n; i++) {
        near(s.g_t[i], twin_slope(&s, s.t + i, i, i + 1), SLOPE_TOL, "t", i);
        for (int64_t j = 0; j < s.columns; j++)
            near(get(&s, s.g_in, i * s.ld_in + j), twin_slope(&s, (double *)s.in + i * s.ld_in + j, i, i + 1), SLOPE_TOL, "z", j);
    }
    net_end(&s);
}
END_TEST

/* What is not wanted changes nothing in what is. */
START_TEST(dynamics__outputs_may_be_left_out)
{
    struct net s;
    struct spec p = { .kind = 1 + _i % 3, .activation = NF_ACTIVATION_SILU, .isa = -1, .shape = _i < 3 ? 2 : IMAGES + 4,
                      .cond_dim = _i < 3 ? 2 : 0, .n = _i < 3 ? 100 : 11, .m = 1 };
    net_begin(&s, &p, NF_F64);
    net_value(&s, true);
    net_reverse(&s);
    const size_t in_bytes = (size_t)(s.n * s.ld_in * 8), theta_bytes = (size_t)s.net.theta_count * 8, t_bytes = (size_t)s.n * 8;
    double *g_in = memory((int64_t)in_bytes), *grad = memory((int64_t)theta_bytes), *g_t = memory((int64_t)t_bytes);
    for (int which = 0; which < 3; which++) {
        for (int64_t r = 0; r < 2 * s.n; r++)
            for (int64_t j = 0; j < s.dim; j++) put(&s, s.out, r * s.ld_out + j, draw_seed(r, j));
        memset(grad, 0, theta_bytes);
        memset(g_t, 0, t_bytes);
        nfi_dynamics_reverse(&s.net, s.k, s.n, s.m, s.turned, s.t, s.in, s.saved, s.out, which == 0 ? g_in : NULL, which == 1 ? g_t : NULL,
                             which == 2 ? grad : NULL, s.scratch);
        for (int64_t i = 0; i < s.n && which == 0; i++)
            ck_assert_mem_eq(g_in + i * s.ld_in, (double *)s.g_in + i * s.ld_in, (size_t)s.columns * 8);
        if (which == 1) ck_assert_mem_eq(g_t, s.g_t, t_bytes);
        if (which == 2) ck_assert_mem_eq(grad, s.grad, theta_bytes);
    }
    free(g_in), free(grad), free(g_t);
    net_end(&s);
}
END_TEST

START_TEST(dynamics__float_is_near_double)
{
    struct net s, d;
    struct spec p = any_spec(_i);
    p.n = _i < N_NETS ? 70 : 9;
    p.shape = p.shape == 3 ? 4 : p.shape; /* the wide one */
    p.m = p.m > 1 ? shapes[p.shape].dim : p.m;
    net_begin(&s, &p, NF_F32);
    net_begin(&d, &p, NF_F64);
    net_value(&s, true);
    net_value(&d, true);
    for (int64_t r = 0; r < s.n * (1 + s.m); r++)
        for (int64_t j = 0; j < s.dim; j++)
            near(get(&s, s.out, r * s.ld_out + j), get(&d, d.out, r * d.ld_out + j), FLOAT_TOL, "out", r);
    net_reverse(&s);
    net_reverse(&d);
    for (int64_t i = 0; i < s.net.theta_count; i++) near(get(&s, s.grad, i), get(&d, d.grad, i), FLOAT_TOL, "theta", i);
    for (int64_t i = 0; i < s.n; i++) {
        near(s.g_t[i], d.g_t[i], FLOAT_TOL, "t", i);
        for (int64_t j = 0; j < s.columns; j++)
            near(get(&s, s.g_in, i * s.ld_in + j), get(&d, d.g_in, i * d.ld_in + j), FLOAT_TOL, "z", i);
    }
    net_end(&s);
    net_end(&d);
}
END_TEST

/* Bits */

/* Row i of `all` and row 0 of `one` are the same: f, J e, or after reverse dL/d(z, c) and dL/dt. */
static void same_row(const struct net *all, int64_t i, const struct net *one, bool reversed)
{
    const int64_t size = all->k->size;
    if (reversed) {
        ck_assert_mem_eq((char *)all->g_in + i * all->ld_in * size, one->g_in, (size_t)(all->columns * size));
        ck_assert_mem_eq(all->g_t + i, one->g_t, 8);
        return;
    }
    ck_assert_mem_eq((char *)all->out + i * all->ld_out * size, one->out, (size_t)(all->dim * size));
    for (int64_t k = 0; k < all->m; k++)
        ck_assert_mem_eq((char *)all->out + (all->n + i * all->m + k) * all->ld_out * size, (char *)one->out + (1 + k) * one->ld_out * size,
                         (size_t)(all->dim * size));
}

static void take_row(const struct net *all, int64_t i, struct net *one)
{
    for (int64_t k = 0; k <= all->m; k++) {
        const int64_t row = k == 0 ? i : all->n + i * all->m + k - 1;
        for (int64_t j = 0; j < all->columns; j++) put(one, one->in, k * one->ld_in + j, get(all, all->in, row * all->ld_in + j));
    }
    one->t[0] = all->t[i];
}

/* As net_reverse, with the seeds of row i of a call of n rows. */
static void row_reverse(struct net *one, int64_t i, int64_t n)
{
    for (int64_t k = 0; k <= one->m; k++)
        for (int64_t j = 0; j < one->dim; j++) put(one, one->out, k * one->ld_out + j, draw_seed(k == 0 ? i : n + i * one->m + k - 1, j));
    memset(one->grad, 0, (size_t)(one->net.theta_count * one->k->size));
    one->g_t[0] = 0;
    nfi_dynamics_reverse(&one->net, one->k, 1, one->m, one->turned, one->t, one->in, one->saved, one->out, one->g_in, one->g_t, one->grad,
                         one->scratch);
}

static struct spec bits_spec(int index)
{
    if (index >= 12)
        return (struct spec){ .kind = 1 + index % 3, .activation = NF_ACTIVATION_TANH + index / 3 % 4, .isa = -1,
                              .shape = IMAGES + 2 + index % 4, .n = 23, .m = index % 4 };
    return (struct spec){ .kind = 1 + index % 3, .activation = NF_ACTIVATION_TANH + index / 3 % 4, .isa = -1, .shape = 3 + index % 2,
                          .cond_dim = index % 2 * 2, .n = 150, .m = index % 4 };
}

/* And the gradients of the rows alone add up to that of all: strips leave nothing out. */
START_TEST(dynamics__row_alone_has_the_same_bits)
{
    struct net all, one;
    struct spec p = bits_spec(_i / 2);
    net_begin(&all, &p, _i % 2 ? NF_F32 : NF_F64);
    p.n = 1;
    net_begin(&one, &p, _i % 2 ? NF_F32 : NF_F64);
    double *sum = calloc((size_t)all.net.theta_count, sizeof *sum);
    ck_assert_ptr_nonnull(sum);
    net_value(&all, true);
    for (int64_t i = 0; i < all.n; i++) {
        take_row(&all, i, &one);
        net_value(&one, false);
        same_row(&all, i, &one, false);
    }
    net_reverse(&all);
    for (int64_t i = 0; i < all.n; i++) {
        take_row(&all, i, &one);
        net_value(&one, true);
        row_reverse(&one, i, all.n);
        same_row(&all, i, &one, true);
        for (int64_t k = 0; k < all.net.theta_count; k++) sum[k] += get(&one, one.grad, k);
    }
    for (int64_t k = 0; k < all.net.theta_count; k++) near(get(&all, all.grad, k), sum[k], _i % 2 ? FLOAT_TOL : 1e-11, "theta", k);
    free(sum);
    net_end(&all);
    net_end(&one);
}
END_TEST

/* One row of gates for all, or one for each: the other call differs in the t of its last row alone. */
START_TEST(dynamics__equal_and_differing_t_give_the_same_bits)
{
    struct net equal, differing;
    struct spec p = bits_spec(_i / 2);
    p.n = 20; /* one strip */
    net_begin(&equal, &p, _i % 2 ? NF_F32 : NF_F64);
    net_begin(&differing, &p, _i % 2 ? NF_F32 : NF_F64);
    for (int64_t i = 0; i < p.n; i++) equal.t[i] = differing.t[i] = 0.3;
    differing.t[p.n - 1] = 0.4;
    const size_t size = (size_t)equal.k->size, row_out = (size_t)equal.dim * size, row_in = (size_t)equal.columns * size;
    net_value(&equal, true);
    net_value(&differing, true);
    for (int64_t r = 0; r < p.n * (1 + p.m); r++) {
        if (r == p.n - 1 || r >= p.n + (p.n - 1) * p.m) continue;
        ck_assert_mem_eq((char *)equal.out + (size_t)(r * equal.ld_out) * size, (char *)differing.out + (size_t)(r * equal.ld_out) * size,
                         row_out);
    }
    net_reverse(&equal);
    net_reverse(&differing);
    for (int64_t i = 0; i < p.n - 1; i++)
        ck_assert_mem_eq((char *)equal.g_in + (size_t)(i * equal.ld_in) * size, (char *)differing.g_in + (size_t)(i * equal.ld_in) * size,
                         row_in);
    ck_assert_mem_eq(equal.g_t, differing.g_t, (size_t)(p.n - 1) * 8);
    net_end(&equal);
    net_end(&differing);
}
END_TEST

/* Instruction sets with FMA agree to the bit, gradients too; without, and CBLAS, to rounding. */
START_TEST(dynamics__instruction_sets_agree)
{
    static const int32_t isas[] = { 0, NF_ISA_BASELINE, NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON };
    struct net best, other;
    struct spec p = bits_spec(_i);
    p.n = 40;
    for (size_t which = 0; which < sizeof isas / sizeof *isas; which++) {
        const int32_t dtype = _i % 2 ? NF_F32 : NF_F64;
        if (!nfi_kernels_isa(isas[which], dtype)) continue;
        const bool bits = isas[which] > NF_ISA_BASELINE && nfi_best_isa() > NF_ISA_BASELINE;
        const double tolerance = bits ? 0 : dtype == NF_F32 ? FLOAT_TOL : 1e-11;
        net_begin(&best, &p, dtype);
        p.isa = isas[which];
        net_begin(&other, &p, dtype);
        p.isa = -1;
        net_value(&best, true);
        net_value(&other, true);
        for (int64_t i = 0; i < p.n * (1 + p.m) * best.ld_out; i++)
            if (i % best.ld_out < best.dim) near(get(&other, other.out, i), get(&best, best.out, i), tolerance, "out", i);
        net_reverse(&best);
        net_reverse(&other);
        for (int64_t i = 0; i < best.net.theta_count; i++) near(get(&other, other.grad, i), get(&best, best.grad, i), tolerance, "theta", i);
        for (int64_t i = 0; i < p.n; i++) near(other.g_t[i], best.g_t[i], tolerance, "t", i);
        net_end(&best);
        net_end(&other);
    }
}
END_TEST

/* Rest */

static void near_check_values(const nfi_dynamics *net, const nfi_kernels *k, const double *theta)
{
    const double t = 0.5;
    double *in = memory(512), *out = memory(512);
    void *packed = memory(nfi_dynamics_packed_bytes(net, k)), *scratch = memory(nfi_dynamics_scratch_bytes(net, k, 1, 1));
    in[0] = 2.385;
    in[nfi_dynamics_ld_in(net)] = 1;
    nfi_dynamics_pack(net, k, theta, packed, NULL);
    nfi_dynamics_value(net, k, 1, 1, packed, &t, in, out, NULL, scratch);
    near(out[0], 0.0407877680, 1e-10, "f", 0);
    near(out[nfi_dynamics_ld_out(net)], -0.1375932416, 1e-10, "J e", 0);
    free(in), free(out), free(packed), free(scratch);
}

START_TEST(dynamics__check_value)
{
    const double theta[] = { 0.7, 0.2, 0.5, 0.1, -0.2, -1.3, 0.4, -0.3, 0.6, 0.8 };
    const int64_t hidden[] = { 1 };
    const nfi_kernels *k = nfi_kernels_for(NULL, NF_F64);
    nf_maker *maker;
    nfi_dynamics net;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    const nfi_dynamics_config dense = { .dim = 1, .hidden = hidden, .n_hidden = 1, .activation = NF_ACTIVATION_TANH,
                                        .kind = NFI_DYNAMICS_SQUASH, .function = "test" };
    ck_assert_int_eq(nfi_dynamics_create(&net, maker, &dense), NF_OK);
    ck_assert_int_eq(net.theta_count, 10);
    ck_assert(nfi_dynamics_flop(&net, 1) == 8.0);
    near_check_values(&net, k, theta);
    nfi_maker_free(maker);

    /* a convolution of one pixel: all but the centres is beyond the border */
    double spread[2 * (9 + 4)];
    for (int64_t l = 0; l < 2; l++)
        for (int64_t i = 0; i < 13; i++) spread[13 * l + i] = i < 9 ? (i == 4 ? theta[5 * l] : 7.0) : theta[5 * l + i - 8];
    const nfi_dynamics_config image = { .dim = 1, .height = 1, .width = 1, .channels = 1, .hidden = hidden, .n_hidden = 1,
                                        .activation = NF_ACTIVATION_TANH, .kind = NFI_DYNAMICS_SQUASH, .function = "test" };
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_dynamics_create(&net, maker, &image), NF_OK);
    ck_assert_int_eq(net.theta_count, 26);
    ck_assert(nfi_dynamics_flop(&net, 1) == 72.0);
    near_check_values(&net, k, spread);
    nfi_maker_free(maker);
}
END_TEST

/* The views follow each other without gap, to the end of theta. */
START_TEST(dynamics__views_cover_theta)
{
    static const char *const names[][5] = { { "f.1.weight", "f.1.bias" }, { "f.1.weight", "f.1.bias", "f.1.time" },
                                            { "f.1.weight", "f.1.bias", "f.1.gate", "f.1.gate_bias", "f.1.time" } };
    static const int32_t views[] = { 2, 3, 5 };
    const int64_t hidden[] = { 7 };
    nf_maker *maker;
    nfi_dynamics net;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    const bool images = _i >= 3;
    const int32_t kind = _i % 3, n_views = views[kind];
    const nfi_dynamics_config config = { .dim = images ? 8 : 3, .cond_dim = images ? 0 : 2, .height = images ? 2 : 0, .width = images ? 2 : 0,
                                         .channels = images ? 2 : 0, .hidden = hidden, .n_hidden = 1, .activation = NF_ACTIVATION_ELU,
                                         .kind = 1 + kind, .function = "test" };
    ck_assert_int_eq(nfi_dynamics_create(&net, maker, &config), NF_OK);
    ck_assert_int_eq(nfi_dynamics_param_count(&net), 2 * n_views);
    int64_t at = 100;
    for (int32_t i = 0; i < nfi_dynamics_param_count(&net); i++) {
        nf_param param = { .rank = 0 };
        nfi_dynamics_param(&net, "f", 100, i, &param);
        ck_assert_int_eq(param.offset, at);
        ck_assert_int_eq(param.rank, i % n_views > 0 ? 1 : images ? 4 : 2);
        ck_assert_int_eq(param.properties, strstr(param.name, "bias") ? NF_PARAM_NO_DECAY : 0);
        if (i >= n_views) ck_assert_str_eq(param.name, names[kind][i - n_views]);
        int64_t count = 1;
        for (int32_t k = 0; k < param.rank; k++) count *= param.shape[k];
        at += count;
    }
    ck_assert_int_eq(at, 100 + net.theta_count);
    nfi_maker_free(maker);
}
END_TEST

START_TEST(dynamics__initial_weights_keep_to_their_rule)
{
    const int64_t hidden[] = { 60 };
    float theta32[(31 + 3) * 60 + (61 + 3) * 30];
    double theta[(31 + 3) * 60 + (61 + 3) * 30], dense = 0.0, time = 0.0, last = 0.0;
    nf_maker *maker;
    nfi_dynamics net;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    const nfi_dynamics_config config = { .dim = 30, .hidden = hidden, .n_hidden = 1, .activation = NF_ACTIVATION_TANH,
                                         .kind = NFI_DYNAMICS_SQUASH, .function = "test" };
    ck_assert_int_eq(nfi_dynamics_create(&net, maker, &config), NF_OK);
    ck_assert_int_eq(net.theta_count, (31 + 3) * 60 + (61 + 3) * 30);
    nfi_dynamics_reset(&net, NF_F64, 9, 3, theta);
    nfi_dynamics_reset(&net, NF_F32, 9, 3, theta32);
    for (int64_t i = 0; i < net.theta_count; i++) ck_assert((float)theta[i] == theta32[i] && theta[i] != 0.0);
    for (int64_t i = 0; i < 31 * 60; i++) dense = fmax(dense, fabs(theta[i]));
    for (int64_t i = 31 * 60; i < 34 * 60; i++) time = fmax(time, fabs(theta[i]));
    for (int64_t i = 34 * 60; i < 34 * 60 + 61 * 30; i++) last = fmax(last, fabs(theta[i]));
    ck_assert(dense <= sqrt(1.0 / 30.0) && dense > 0.98 * sqrt(1.0 / 30.0));
    ck_assert(last <= sqrt(1.0 / 60.0) && last > 0.98 * sqrt(1.0 / 60.0));
    ck_assert(time <= 1.0 && time > 0.95);
    nfi_maker_free(maker);
}
END_TEST

static void config_refused(const nfi_dynamics_config *config, nf_status want, const char *says)
{
    nf_maker *maker;
    nfi_dynamics net;
    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_dynamics_create(&net, maker, config), want);
    ck_assert_msg(strstr(nf_last_error(), says), "\"%s\" should say \"%s\"", nf_last_error(), says);
    nfi_maker_free(maker);
}

static void refused(int64_t dim, int64_t cond_dim, int64_t hidden, int64_t n_hidden, int32_t activation, int32_t kind, nf_status want,
                    const char *says)
{
    const nfi_dynamics_config config = { .dim = dim, .cond_dim = cond_dim, .hidden = &hidden, .n_hidden = n_hidden, .activation = activation,
                                         .kind = kind, .function = "test" };
    config_refused(&config, want, says);
}

static void image_refused(int64_t dim, int64_t height, int64_t width, int64_t channels, int64_t hidden, nf_status want, const char *says)
{
    const nfi_dynamics_config config = { .dim = dim, .height = height, .width = width, .channels = channels, .hidden = &hidden, .n_hidden = 1,
                                         .activation = NF_ACTIVATION_TANH, .kind = NFI_DYNAMICS_CONCAT, .function = "test" };
    config_refused(&config, want, says);
}

START_TEST(dynamics__refuses_what_it_cannot_do)
{
    refused(2, 0, 8, 1, NF_ACTIVATION_RELU, 1, NF_ERR_ARG, "relu, which has no second derivative");
    refused(2, 0, 8, 1, NF_ACTIVATION_LEAKY_RELU, 1, NF_ERR_ARG, "leaky_relu, which has no second derivative");
    refused(2, 0, 8, 1, NF_ACTIVATION_RELU, 1, NF_ERR_ARG, "tanh, softplus, silu or elu");
    refused(2, 0, 8, 1, 0, 1, NF_ERR_ARG, "activation is 0");
    refused(2, 0, 8, 1, 7, 1, NF_ERR_ARG, "activation is 7");
    refused(2, 0, 8, 1, NF_ACTIVATION_TANH, 0, NF_ERR_ARG, "test: time is 0");
    refused(2, 0, 8, 1, NF_ACTIVATION_TANH, 4, NF_ERR_ARG, "test: time is 4");
    refused(0, 0, 8, 1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "test: dim is 0");
    refused(2, -1, 8, 1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "cond_dim -1");
    refused(65536, 1, 8, 1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "test: dim is 65536 and cond_dim 1");
    refused(2, 0, 0, 1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "test: hidden[0] is 0");
    refused(2, 0, 65537, 1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "test: hidden[0] is 65537");
    refused(2, 0, 8, 65537, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "n_hidden is 65537");
    refused(2, 0, 8, -1, NF_ACTIVATION_TANH, 1, NF_ERR_LIMIT, "n_hidden is -1");
    image_refused(12, 2, 3, 0, 8, NF_ERR_ARG, "test: height is 2, width 3, channels 0");
    image_refused(12, 0, 3, 2, 8, NF_ERR_ARG, "test: height is 0, width 3, channels 2");
    image_refused(12, 2, 3, 3, 8, NF_ERR_SHAPE, "test: dim is 12, height 2, width 3 and channels 3 do not make so many");
    image_refused(12, INT64_MAX, 3, 3, 8, NF_ERR_SHAPE, "do not make so many");
    image_refused(1 << 21, 1 << 10, 1 << 10, 2, 8, NF_ERR_LIMIT, "test: images of 2097152 numbers, at most 1048576");
    image_refused(1 << 20, 1 << 10, 1 << 10, 1, 2048, NF_ERR_LIMIT, "times hidden channels at most 1073741824");
    image_refused(12, 2, 3, 2, 0, NF_ERR_LIMIT, "test: hidden[0] is 0");
    config_refused(&(nfi_dynamics_config){ .dim = 4, .cond_dim = 1, .height = 2, .width = 2, .channels = 1, .activation = NF_ACTIVATION_TANH,
                                           .kind = NFI_DYNAMICS_CONCAT, .function = "test" }, NF_ERR_ARG, "test: cond_dim is 1, must be 0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dynamics");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, dynamics__value_equals_plain_twin, 0, N_NETS + N_IMAGE_NETS);
    tcase_add_loop_test(all, dynamics__tangents_match_central_differences, 0, N_NETS + N_IMAGE_NETS);
    tcase_add_loop_test(all, dynamics__reverse_matches_central_differences, 0, N_NETS + N_IMAGE_NETS);
    tcase_add_loop_test(all, dynamics__outputs_may_be_left_out, 0, 6);
    tcase_add_loop_test(all, dynamics__float_is_near_double, 0, N_NETS + N_IMAGE_NETS);
    tcase_add_loop_test(all, dynamics__row_alone_has_the_same_bits, 0, 48);
    tcase_add_loop_test(all, dynamics__equal_and_differing_t_give_the_same_bits, 0, 48);
    tcase_add_loop_test(all, dynamics__instruction_sets_agree, 0, 24);
    tcase_add_test(all, dynamics__check_value);
    tcase_add_loop_test(all, dynamics__views_cover_theta, 0, 6);
    tcase_add_test(all, dynamics__initial_weights_keep_to_their_rule);
    tcase_add_test(all, dynamics__refuses_what_it_cannot_do);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
