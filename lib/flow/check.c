/* SPDX-License-Identifier: MIT
 *
 * check.c - is this flow what it says it is: round trip, log-det against a dense Jacobian, gradients against differences
 *
 * Round trips are measured in the flow's own precision; Jacobians and gradients on a copy in double where every layer offers it,
 * by central differences (f(v + h) - f(v - h)) / 2h with h = 1e-5 max(1, |v|), whose error is about 1e-9 relative. Networks of ReLU
 * have kinks, and a difference across one is no derivative: where an error is over its bound it is measured again with smaller
 * steps, and the smallest counts. A wrong derivative stays wrong at every step.
 *
 * Differences are those of the loss of training, with the noise of the same rows: a layer that estimates its log-determinant there is checked
 * by the probes that its gradient has, and what a layer solves for is solved more precisely than the flow asks for (nf_tile.precise), so that the
 * differences judge the mathematics and not the tolerances. What layers add to that loss besides log p is left out of the gradient (nf_tile.likelihood).
 *
 * Round trips are measured in the units of x, or in the standard deviation of a column over the rows where that is larger: the last digits of
 * an income in float are more than 1e-3, and no defect.
 *
 * Layers that spread whole numbers by noise (nf_layer_info.discrete) or turn circles back to one turn (wraps) at the beginning of a chain have no
 * differences. Rows go through them once, and the flow of the other layers is checked at the rows that leave them; each of them must have a true
 * inverse: what comes back is what was there, or is mapped, with the noise of the same row, to the same values. What wraps may answer another
 * turn, if that is mapped to within the bounds of a round trip.
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/job.h"
#include "flow/rows.h"
#include "math/functions.h"
#include "math/linalg.h"
#include "core/rng.h"
#include <string.h>

#define CHECK_ROWS 64    /* rows whose Jacobian and gradients are taken */
#define CHECK_DIM 64     /* largest dim for a dense Jacobian */
#define CHECK_THETA 64   /* parameters whose gradient is compared */
#define CHECK_STEP 1e-5
#define CHECK_SHRINK 16.0 /* from one step to the next; at the last, 4e-8, rounding costs 1e-8 */
#define CHECK_STEPS 3

/* Bounds of RELIABILITY: what a flow of this precision must keep on data. */
enum { CHECK_SOLVED = 0 }; /* beside NF_F32 and NF_F64 */
static const struct check_bounds {
    double round_trip, round_trip_p99, log_det_sum, log_det, gradient;
} check_bounds[] = {
    [NF_F32] = { 1e-3, 1e-4, 1e-3, 1e-5, 1e-4 },
    [NF_F64] = { 1e-10, 1e-10, 1e-9, 1e-6, 1e-5 },
    [CHECK_SOLVED] = { 1e-2, 1e-3, 1e-2, 1e-5, 1e-4 }, /* both ways are as good as the tolerances, in double too */
};

/* Everything the checks need, taken once and freed once. */
typedef struct check_memory {
    nf_context *context;
    nf_flow *f64;
    int64_t rows, cols, bytes;
    char *z, *back;             /* [n][dim] of the flow's dtype */
    double *log_det, *log_det_inverse, *error; /* [n] */
    double *x, *cond, *grad, *probe, *image, *image2, *jacobian;
    double *unit; /* [dim] */
    int64_t n, dim, cond_dim, size;
    double step; /* of differences */
} check_memory;

static void check_free(check_memory *m)
{
    const int64_t n = m->n, dim = m->dim;

    nf_flow_unref(m->f64);
    nfi_free(m->context, m->z, n * dim, m->size);
    nfi_free(m->context, m->back, n * dim, m->size);
    nfi_free(m->context, m->log_det, 3 * n, 8);
    nfi_free(m->context, m->x, 5 * m->rows * dim + m->rows * m->cond_dim + dim * dim + dim, 8);
}

static nf_status check_alloc(check_memory *m, const nf_flow *flow, int64_t n)
{
    nf_status status = NF_OK;

    *m = (check_memory){ .context = flow->object.context, .n = n, .dim = flow->dim, .cond_dim = flow->cond_dim, .size = flow->size,
                         .rows = nfi_min(n, CHECK_ROWS) };
    m->z = nfi_alloc(m->context, n * m->dim, m->size, &status);
    if (m->z) m->back = nfi_alloc(m->context, n * m->dim, m->size, &status);
    if (m->back) m->log_det = nfi_alloc(m->context, 3 * n, 8, &status);
    if (m->log_det) m->x = nfi_alloc(m->context, 5 * m->rows * m->dim + m->rows * m->cond_dim + m->dim * m->dim + m->dim, 8, &status);
    if (!m->x) { /* the status is that of the allocation that failed */
        check_free(m);
        return status;
    }
    m->log_det_inverse = m->log_det + n;
    m->error = m->log_det + 2 * n;
    m->grad = m->x + m->rows * m->dim;
    m->probe = m->grad + m->rows * m->dim;
    m->image = m->probe + m->rows * m->dim;
    m->image2 = m->image + m->rows * m->dim;
    m->cond = m->image2 + m->rows * m->dim;
    m->jacobian = m->cond + m->rows * m->cond_dim;
    m->unit = m->jacobian + m->dim * m->dim;
    return NF_OK;
}

static double check_value(const nf_flow *flow, const void *x, int64_t i)
{
    return flow->dtype == NF_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static nf_status check_forward(const nf_flow *flow, int64_t n, const void *x, const void *cond, void *z, double *log_det)
{
    return flow->dtype == NF_F32 ? nf_flow_forward(flow, n, x, cond, z, log_det) : nf_flow_forward_f64(flow, n, x, cond, z, log_det);
}

static nf_status check_inverse(const nf_flow *flow, int64_t n, const void *z, const void *cond, void *x, double *log_det)
{
    return flow->dtype == NF_F32 ? nf_flow_inverse(flow, n, z, cond, x, log_det) : nf_flow_inverse_f64(flow, n, z, cond, x, log_det);
}

static double check_max(double a, double b) { return b > a || b != b ? b : a; } /* NaN stays */
static double check_abs(double a) { return a < 0 ? -a : a; }

/* unit [dim]: what an error in each column of rows [n][dim] is measured in, the sd of its finite values, at least 1. */
static void check_units(const nf_flow *flow, int64_t n, int64_t dim, const void *rows, double *unit)
{
    for (int64_t j = 0; j < dim; j++) {
        double mean = 0.0, square = 0.0;
        int64_t seen = 0;
        for (int64_t i = 0; i < n; i++) { /* Welford's sums: no square of what is far from 0 */
            const double v = check_value(flow, rows, i * dim + j), d = v - mean;
            if (!(d - d == 0.0)) continue;
            mean += d / (double)++seen;
            square += d * (v - mean);
        }
        unit[j] = square > (double)seen && square - square == 0.0 ? nfi_sqrt(square / (double)seen) : 1.0;
    }
}

/* The value below which 99 in 100 of n values lie: by counting, n^2, for n up to a thousand; else over a thousand of them. */
static double check_p99(int64_t n, const double *value)
{
    const int64_t step = n > 1000 ? n / 1000 : 1;
    double best = (double)__builtin_inff();

    for (int64_t i = 0; i < n; i += step) {
        int64_t below = 0, all = 0;
        for (int64_t j = 0; j < n; j += step, all++) below += value[j] <= value[i];
        if (100 * below >= 99 * all && value[i] < best) best = value[i];
    }
    return best;
}

static nf_status check_round_trip(const nf_flow *flow, check_memory *m, const void *x, const void *cond, nf_check_report *r)
{
    nf_status status = check_forward(flow, m->n, x, cond, m->z, m->log_det);

    if (status < 0) return status;
    status = check_inverse(flow, m->n, m->z, cond, m->back, m->log_det_inverse);
    if (status < 0) return status;
    check_units(flow, m->n, m->dim, x, m->unit);
    for (int64_t i = 0; i < m->n; i++) {
        const double sum = check_abs(m->log_det[i] + m->log_det_inverse[i]);
        m->error[i] = 0.0;
        if (!(sum == sum)) {
            r->rows_nonfinite++;
            continue;
        }
        for (int64_t j = 0; j < m->dim; j++)
            m->error[i] = check_max(m->error[i], check_abs(check_value(flow, x, i * m->dim + j) - check_value(flow, m->back, i * m->dim + j)) / m->unit[j]);
        r->round_trip_max = check_max(r->round_trip_max, m->error[i]);
        r->log_det_sum_max = check_max(r->log_det_sum_max, sum);
    }
    r->round_trip_p99 = check_p99(m->n, m->error);
    return NF_OK;
}

static double check_step(const check_memory *m, double v) { return m->step * check_max(1.0, check_abs(v)); }

/* An error by differences: the smallest that one of the steps finds, no step more than the bound wants. */
typedef nf_status check_measure(check_memory *m, int64_t i, double *error);
static nf_status check_smallest(check_memory *m, check_measure *measure, int64_t i, double bound, double *worst)
{
    double best = (double)__builtin_inff(), error = best;

    m->step = CHECK_STEP;
    for (int k = 0; k < CHECK_STEPS && !(best <= bound); k++, m->step /= CHECK_SHRINK) {
        const nf_status status = measure(m, i, &error);
        if (status) return status;
        if (error < best) best = error;
    }
    *worst = check_max(*worst, best);
    return NF_OK;
}

/* Column j of every row's Jacobian into image: (f(x + h e_j) - f(x - h e_j)) / 2h. */
static nf_status check_column(const check_memory *m, int64_t row, int64_t j, double *column)
{
    const int64_t dim = m->dim;
    const double *x = m->x + row * dim, *cond = m->cond_dim ? m->cond + row * m->cond_dim : NULL;
    const double h = check_step(m, x[j]);
    nf_status status;

    memcpy(m->probe, x, (size_t)dim * sizeof *x);
    m->probe[j] = x[j] + h;
    if ((status = nf_flow_forward_f64(m->f64, 1, m->probe, cond, m->image, NULL))) return status;
    m->probe[j] = x[j] - h;
    if ((status = nf_flow_forward_f64(m->f64, 1, m->probe, cond, m->image2, NULL))) return status;
    for (int64_t i = 0; i < dim; i++) column[i * dim] = (m->image[i] - m->image2[i]) / (2.0 * h);
    return NF_OK;
}

static nf_status check_log_det(check_memory *m, int64_t row, double *error)
{
    double log_det, dense;
    int64_t pivots[CHECK_DIM];
    const double *cond = m->cond_dim ? m->cond + row * m->cond_dim : NULL;

    for (int64_t j = 0; j < m->dim; j++) {
        const nf_status status = check_column(m, row, j, m->jacobian + j);
        if (status) return status;
    }
    const nf_status status = nf_flow_forward_f64(m->f64, 1, m->x + row * m->dim, cond, m->image, &log_det);
    if (status) return status;
    (void)nfi_lu_factor(m->dim, m->jacobian, m->dim, pivots);
    dense = nfi_lu_log_det(m->dim, m->jacobian, m->dim);
    *error = check_abs(dense - log_det) / check_max(1.0, check_abs(log_det));
    return NF_OK;
}

/* Keys of the noise of rows [row, row + n): those that they have in evaluation. */
static void check_keys(const check_memory *m, int64_t row, int64_t n, uint64_t *key)
{
    const int64_t bytes = m->dim * 8, bytes_cond = m->cond_dim * 8;
    nfi_rows_hash(n, bytes, m->x + row * m->dim, bytes_cond, m->cond_dim ? m->cond + row * m->cond_dim : NULL, key);
}

/* Mean of log p over n rows x, which have the keys of rows from `row` on; its gradient too where it is asked for. */
static nf_status check_log_prob(const check_memory *m, int64_t row, int64_t n, const double *x, bool gradient, double *mean)
{
    uint64_t key[CHECK_ROWS];
    const nfi_batch batch = { .n = n, .x = x, .cond = m->cond_dim ? m->cond + row * m->cond_dim : NULL, .keys = key, .scale = 1.0 / (double)n,
                              .likelihood = true, .no_gradient = !gradient };
    nfi_bad_rows bad;
    double nll;

    check_keys(m, row, n, key);
    const nf_status status = nfi_flow_grad(m->f64, &batch, &nll, &bad, "nf_flow_check");
    *mean = -nll / (double)n;
    return status || !bad.count ? status : NF_ROWS_NONFINITE;
}

/* Score against differences of log_prob, one row at a time; relative to the row's largest entry. */
static nf_status check_grad_x(check_memory *m, int64_t row, double *error)
{
    const double *x = m->x + row * m->dim, *g = m->grad + row * m->dim;
    double scale = 1.0, worst = 0.0, up = 0.0, down = 0.0;
    nf_status status = NF_OK;

    for (int64_t j = 0; j < m->dim && !status; j++) {
        const double h = check_step(m, x[j]);
        memcpy(m->probe, x, (size_t)m->dim * sizeof *x);
        m->probe[j] = x[j] + h;
        status = check_log_prob(m, row, 1, m->probe, false, &up);
        m->probe[j] = x[j] - h;
        if (!status) status = check_log_prob(m, row, 1, m->probe, false, &down);
        scale = check_max(scale, check_abs(g[j]));
        worst = check_max(worst, check_abs(g[j] - (up - down) / (2.0 * h)));
    }
    *error = worst / scale;
    return status;
}

/* |dL/dtheta_k - difference of the mean NLL|; f64's own block is moved and put back. */
static nf_status check_theta(check_memory *m, int64_t k, double *error)
{
    double *theta = m->f64->theta, up = 0.0, down = 0.0;
    const double old = theta[k], h = check_step(m, old), *grad = m->f64->grad;
    nf_status status;

    theta[k] = old + h;
    nfi_flow_pack(m->f64);
    status = check_log_prob(m, 0, m->rows, m->x, false, &up);
    theta[k] = old - h;
    nfi_flow_pack(m->f64);
    if (!status) status = check_log_prob(m, 0, m->rows, m->x, false, &down);
    theta[k] = old;
    nfi_flow_pack(m->f64);
    *error = check_abs(grad[k] + (up - down) / (2.0 * h));
    return status;
}

static bool check_trainable(const nf_flow *flow, int64_t k)
{
    int64_t offset, count;
    int32_t properties;
    char name[96];

    for (int64_t i = 0; nfi_flow_range(flow, i, &offset, &count, &properties, name); i++)
        if (k >= offset && k < offset + count) return !(properties & NF_PARAM_FROZEN);
    return false;
}

/* Some parameters among [first, first + count), CHECK_THETA at most; *scale and *error grow. */
static nf_status check_some_theta(check_memory *m, int64_t first, int64_t count, double *scale, double *error)
{
    const double *grad = m->f64->grad;
    nf_status status = NF_OK;

    for (int64_t t = 0; t < nfi_min(CHECK_THETA, count) && !status; t++) {
        const int64_t k = first + (int64_t)(nfi_random_u64(0, NFI_STREAM_CHECK, (uint64_t)t) % (uint64_t)count);
        if (!check_trainable(m->f64, k)) continue;
        *scale = check_max(*scale, check_abs(grad[k]));
        status = check_smallest(m, check_theta, k, check_bounds[NF_F64].gradient * *scale, error);
    }
    return status;
}

/* Of the whole block, and of the embedding again, which may be a small part of it. */
static nf_status check_grad_theta(check_memory *m, nf_check_report *r)
{
    const nfi_condition *c = &m->f64->condition;
    double scale = 1e-3, error = 0.0, mean;
    nf_status status = check_log_prob(m, 0, m->rows, m->x, true, &mean);

    if (!status) status = check_some_theta(m, 0, m->f64->count, &scale, &error);
    if (!status && c->embeds) status = check_some_theta(m, c->theta + c->net_at, c->count - c->net_at, &scale, &error);
    r->grad_theta_error_max = error / scale;
    return status;
}

/* Error of one layer's own round trip at the rows h that reach it; h becomes the rows that leave it. */
static nf_status check_layer_alone(const nf_flow *flow, const nfi_place *p, check_memory *m, const void *cond, char *h, char *image, char *back, double *error)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    nfi_workspace *w = nfi_workspace_take(flow, NFI_TILE_ROWS, 0);
    const uint64_t fpenv = nfi_fpenv_enter();
    const int64_t rows = nfi_min(m->n, p->info.tile_rows);
    nf_status status = w ? NF_OK : NF_ERR_MEMORY;

    *error = 0.0;
    if (!status) {
        const nf_tile tile = nfi_chain_tile(flow, p, w, 0, 0, rows);
        nfi_condition_load(flow, w, rows, cond);
        memset(w->key, 0, (size_t)rows * sizeof *w->key);
        status = ops->forward(p->layer->self, &tile, h, image, NULL);
        if (!status && ops->inverse) status = ops->inverse(p->layer->self, &tile, image, back);
    }
    if (!status) check_units(flow, rows, p->info.dim, h, m->unit);
    for (int64_t i = 0; i < rows * p->info.dim && !status && ops->inverse; i++)
        *error = check_max(*error, check_abs(check_value(flow, h, i) - check_value(flow, back, i)) / m->unit[i % p->info.dim]);
    if (!status) nfi_rows_copy(rows, p->info.dim_out * flow->size, image, p->info.dim * flow->size, h, p->info.dim_out * flow->size);
    nfi_fpenv_leave(fpenv);
    nfi_workspace_put(flow, w);
    return status;
}

/* Names the layer to look at: the one whose own round trip over the first tile is worst, or the first without an inverse. */
static nf_status check_worst_layer(const nf_flow *flow, check_memory *m, const void *x, const void *cond, nf_check_report *r)
{
    const int64_t count = nfi_min(m->n, NFI_TILE_ROWS) * m->dim;
    nf_status status = NF_OK;
    char *h = nfi_alloc(m->context, 3 * count, m->size, &status);
    double worst = 0.0, error;

    if (!h) return status;
    memcpy(h, x, (size_t)(count * m->size));
    for (int64_t l = 0; l < flow->n_places && !status; l++) {
        status = check_layer_alone(flow, &flow->places[l], m, cond, h, h + count * m->size, h + 2 * count * m->size, &error);
        if (!nfi_layer_ops(flow->places[l].layer, flow->dtype)->inverse) error = (double)__builtin_inff();
        if (!status && error > worst) {
            worst = error;
            r->worst_layer = l;
        }
    }
    nfi_free(m->context, h, 3 * count, m->size);
    return status;
}

/* Leading layers that rows go through once: discrete ones, and those that wrap */

static int64_t check_count_front(const nf_flow *flow)
{
    int64_t l = 0;
    for (; l < flow->n_places; l++) {
        const nf_layer_info *info = &flow->places[l].info;
        if (!(info->discrete || info->wraps) || info->dim_out != flow->dim) break;
    }
    return l;
}

/* The flow of the places from `first` on, with the parameters of the whole one. */
static nf_status check_make_rest(nf_flow **out, const nf_flow *flow, int64_t first)
{
    const int64_t n = flow->n_places - first, theta = n ? flow->places[first].theta : flow->condition.theta;
    nf_status status;
    nf_layer **layers = nfi_alloc(flow->object.context, n, sizeof *layers, &status);

    if (!layers) return status;
    for (int64_t l = 0; l < n; l++) layers[l] = flow->places[first + l].layer;
    status = nfi_flow_create_bare(out, flow->object.context, &flow->condition.config, flow->base, layers, n);
    nfi_free(flow->object.context, layers, n, sizeof *layers);
    if (status) return status;
    memcpy((*out)->theta, (const char *)flow->theta + theta * flow->size, (size_t)((flow->count - theta) * flow->size));
    nfi_flow_pack(*out);
    return NF_OK;
}

static bool check_whole(double v) { return !(nfi_floor(v) < v); }

/* How far x and what came back are apart. Whole numbers of a discrete layer that differ by more than rounding are lost, whatever the unit. */
static double check_lost(const nf_flow *flow, const nf_layer_info *info, double x, double back, double unit)
{
    const double gap = check_abs(x - back), rounding = check_abs(x) * (flow->dtype == NF_F32 ? 0x1p-20 : 0x1p-49);
    return info->discrete && gap > rounding && check_whole(x) && check_whole(back) ? gap : gap / unit;
}

/* The figures of one tile: x and what came back, y and what that is mapped to. */
static void check_front_rows(const nf_flow *flow, const nfi_place *p, const nf_tile *tile, const char *x, const char *y, const char *back,
                             const char *again, const double *unit, nf_check_report *r)
{
    for (int64_t k = 0; k < tile->n * p->info.dim; k++) {
        const double xk = check_value(flow, x, k), back_k = check_value(flow, back, k);
        const double gap = check_abs(check_value(flow, y, k) - check_value(flow, again, k));
        double error = check_lost(flow, &p->info, xk, back_k, unit[k % p->info.dim]);
        if (gap == 0.0 || nfi_row_is_bad(tile, k / p->info.dim)) continue;
        if (xk == back_k) r->not_invertible = 1; /* the same number, mapped to another place */
        if (p->info.wraps && gap < error) error = gap;
        if (!(error <= check_bounds[flow->dtype].round_trip) || r->not_invertible) r->worst_layer = p - flow->places;
        r->round_trip_max = check_max(r->round_trip_max, error);
    }
}

/* A tile of x [n][dim] through one layer to y, and back to `back`, and from there to `again`, with the same noise. */
static nf_status check_front_tile(const nf_flow *flow, const nfi_place *p, const nf_tile *tile, const char *x, char *y, char *back,
                                  char *again, const double *unit, nf_check_report *r)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    nf_status status = ops->forward(p->layer->self, tile, x, y, NULL);

    if (status || !ops->inverse) {
        r->not_invertible |= !ops->inverse;
        return status;
    }
    if ((status = ops->inverse(p->layer->self, tile, y, back))) return status;
    for (int64_t i = 0; i < tile->n; i++) r->log_det_sum_max = check_max(r->log_det_sum_max, check_abs(tile->log_det[i]));
    if ((status = ops->forward(p->layer->self, tile, back, again, NULL))) return status;
    check_front_rows(flow, p, tile, x, y, back, again, unit, r);
    return NF_OK;
}

/* rows [n][dim] become those that leave the first `first` layers; room for a tile's rows three times. unit [dim]: of x; bad [n]. */
static nf_status check_through_front(const nf_flow *flow, int64_t first, int64_t n, const void *cond, const uint8_t *bad, char *rows, char *room,
                                     const double *unit, nfi_workspace *w, nf_check_report *r)
{
    const int64_t row = flow->dim * flow->size, row_cond = flow->cond_dim * flow->size;
    nf_status status = NF_OK;

    for (int64_t i = 0, m; i < n && !status; i += m) {
        m = nfi_min(NFI_TILE_ROWS, n - i);
        for (int64_t l = 0; l < first; l++) m = nfi_min(m, flow->places[l].info.tile_rows);
        const void *c = flow->cond_dim ? (const char *)cond + i * row_cond : NULL;
        nfi_rows_hash(m, row, rows + i * row, row_cond, c, w->key);
        nfi_condition_load(flow, w, m, c);
        for (int64_t k = 0; k < m; k++) w->bad[k] |= bad[i + k];
        for (int64_t l = 0; l < first && !status; l++) {
            nf_tile tile = nfi_chain_tile(flow, &flow->places[l], w, 0, 0, m);
            tile.row = i;
            memset(w->log_det, 0, (size_t)m * sizeof *w->log_det);
            memcpy(room, rows + i * row, (size_t)(m * row));
            status = check_front_tile(flow, &flow->places[l], &tile, room, rows + i * row, room + NFI_TILE_ROWS * row,
                                      room + 2 * NFI_TILE_ROWS * row, unit, r);
        }
    }
    return status;
}

/* *y: rows that leave the leading layers that are passed once, NaN where x is not finite. Freed by the caller, on failure too. */
static nf_status check_front(const nf_flow *flow, int64_t first, int64_t n, const void *x, const void *cond, void **y, nf_check_report *r)
{
    const int64_t count = n * flow->dim, room = 3 * NFI_TILE_ROWS * flow->dim;
    nf_context *context = flow->object.context;
    nf_status status = NF_OK;
    nfi_workspace *w = nfi_workspace_take(flow, NFI_TILE_ROWS, 0);
    char *tiles = w ? nfi_alloc(context, room, flow->size, &status) : NULL;
    double *unit = tiles ? nfi_alloc(context, flow->dim, 8, &status) : NULL;
    uint8_t *bad = unit ? nfi_alloc(context, n, 1, &status) : NULL;

    if (!bad) status = NF_ERR_MEMORY;
    if (bad && (*y = nfi_alloc(context, count, flow->size, &status))) {
        memset(bad, 0, (size_t)n);
        nfi_rows_load(flow->dtype, n, flow->dim, x, *y, bad);
        check_units(flow, n, flow->dim, *y, unit);
        status = check_through_front(flow, first, n, cond, bad, *y, tiles, unit, w, r);
        nfi_rows_spoil(flow->dtype, n, flow->dim, *y, bad);
    }
    nfi_free(context, bad, n, 1);
    nfi_free(context, unit, flow->dim, 8);
    nfi_free(context, tiles, room, flow->size);
    nfi_workspace_put(flow, w);
    return status;
}

/* The first rows, finite ones only, in double. */
static void check_take_rows(const nf_flow *flow, check_memory *m, const void *x, const void *cond)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < m->n && kept < m->rows; i++) {
        if (!(m->log_det[i] == m->log_det[i])) continue;
        for (int64_t j = 0; j < m->dim; j++) m->x[kept * m->dim + j] = check_value(flow, x, i * m->dim + j);
        for (int64_t j = 0; j < m->cond_dim; j++) m->cond[kept * m->cond_dim + j] = check_value(flow, cond, i * m->cond_dim + j);
        kept++;
    }
    m->rows = kept;
}

/* What the layers in front answer may lie nearer to the end of the next layer's domain than a step of the differences (a black pixel in front of
 * a logit, midnight on a circle): rows are moved a tenth of the way to their common mean, and each column within what it has. */
static void check_move_inside(check_memory *m)
{
    const int64_t count = m->rows * m->dim;
    double mean = 0.0;

    for (int64_t i = 0; i < count; i++) mean += m->x[i] / (double)count;
    for (int64_t j = 0; j < m->dim; j++) {
        double low = m->x[j], high = m->x[j], target = mean;
        for (int64_t i = j; i < count; i += m->dim) {
            low = m->x[i] < low ? m->x[i] : low;
            high = m->x[i] > high ? m->x[i] : high;
        }
        if (high - low >= 1.0) target = mean < low ? low : mean > high ? high : mean; /* else it may be black in all rows */
        for (int64_t i = j; i < count; i += m->dim) m->x[i] += 0.1 * (target - m->x[i]);
    }
}

static nf_status check_differences(const nf_flow *flow, check_memory *m, nf_check_report *r)
{
    nf_status status = nf_flow_convert(&m->f64, flow, NF_F64);

    if (status == NF_ERR_DTYPE) { /* a layer has no f64: not measured */
        r->log_det_error_max = r->grad_x_error_max = r->grad_theta_error_max = (double)__builtin_nanf("");
        return NF_OK;
    }
    if (status) return status;
    m->f64->precise = true;
    r->log_det_error_max = m->dim > CHECK_DIM ? (double)__builtin_nanf("") : 0.0;
    for (int64_t row = 0; row < m->rows && m->dim <= CHECK_DIM && !status; row++)
        status = check_smallest(m, check_log_det, row, check_bounds[NF_F64].log_det, &r->log_det_error_max);
    if (!status) status = nf_flow_score_f64(m->f64, m->rows, m->x, m->cond_dim ? m->cond : NULL, NULL, m->grad);
    for (int64_t row = 0; row < m->rows && !status; row++)
        status = check_smallest(m, check_grad_x, row, check_bounds[NF_F64].gradient, &r->grad_x_error_max);
    return status ? status : check_grad_theta(m, r);
}

/* measured: the differences were taken, so that NaN among them is an error. */
static void check_judge(const nf_flow *flow, bool measured, nf_check_report *r)
{
    bool solved = false;
    for (int64_t l = 0; l < flow->n_places; l++) solved |= flow->places[l].info.inverse_is_iterative != 0;
    const struct check_bounds *b = &check_bounds[solved ? CHECK_SOLVED : flow->dtype];

    r->not_invertible |= !(r->round_trip_max <= b->round_trip && r->round_trip_p99 <= b->round_trip_p99);
    r->passed = !r->not_invertible && r->log_det_sum_max <= b->log_det_sum && r->rows_nonfinite == 0;
    if (!measured) return;
    r->passed &= r->grad_x_error_max <= b->gradient && r->grad_theta_error_max <= b->gradient &&
                 (r->log_det_error_max <= b->log_det || flow->dim > CHECK_DIM);
}

/* Everything but the judgement, of a flow without layers in front that are passed once; behind: they were there. */
static nf_status check_measure_all(const nf_flow *flow, int64_t n, const void *x, const void *cond, bool behind, bool *measured,
                                   nf_check_report *r)
{
    check_memory m;
    nf_status status = check_alloc(&m, flow, n);

    if (status) return status;
    status = check_round_trip(flow, &m, x, cond, r);
    if (status == NF_ERR_NOT_INVERTIBLE) {
        status = check_forward(flow, m.n, x, cond, m.z, m.log_det) < 0 ? status : NF_OK;
        r->not_invertible = 1;
    }
    if (!status) status = check_worst_layer(flow, &m, x, cond, r);
    const int64_t rows = m.rows;
    if (!status) check_take_rows(flow, &m, x, cond);
    if (!status && behind) check_move_inside(&m);
    if (!status && m.rows) status = check_differences(flow, &m, r);
    *measured = m.f64 && m.rows;
    m.rows = rows;
    check_free(&m);
    return status;
}

/* The rest's report, with what the layers in front of it did. */
static void check_merge(const nf_check_report *front, int64_t first, nf_check_report *r)
{
    if (r->worst_layer >= 0) r->worst_layer += first;
    if (front->worst_layer >= 0) r->worst_layer = front->worst_layer;
    r->not_invertible |= front->not_invertible;
    r->round_trip_max = check_max(r->round_trip_max, front->round_trip_max);
    r->log_det_sum_max = check_max(r->log_det_sum_max, front->log_det_sum_max);
}

static nf_status check_behind_front(const nfi_call *c, int64_t first, bool *measured, nf_check_report *r)
{
    nf_check_report front = { .worst_layer = -1 };
    nf_flow *rest = NULL;
    void *y = NULL;
    nf_status status = check_front(c->flow, first, c->n, c->in, c->cond, &y, &front);

    if (!status) status = check_make_rest(&rest, c->flow, first);
    if (!status) status = check_measure_all(rest, c->n, y, rest->cond_dim ? c->cond : NULL, true, measured, r);
    if (!status) check_merge(&front, first, r);
    nf_flow_unref(rest);
    nfi_free(c->flow->object.context, y, c->n * c->flow->dim, c->flow->size);
    return status;
}

static nf_status check_run_call(const nfi_call *c, nf_check_report *r)
{
    nf_status status = nfi_call_check(c);
    nf_check_report report = { .worst_layer = -1 };
    bool measured = false;

    if (status) return status;
    if ((status = nfi_report_check(r, sizeof *r, c->function))) return status;
    if (c->n == 0) return nfi_fail(NF_ERR_SHAPE, "%s: n is 0, must be at least 1", c->function);
    const int64_t first = check_count_front(c->flow);
    status = first ? check_behind_front(c, first, &measured, &report)
                   : check_measure_all(c->flow, c->n, c->in, c->cond, false, &measured, &report);
    if (status < 0) return nfi_fail_in(status, "%s", c->function);
    check_judge(c->flow, measured, &report);
    nfi_report_write(r, &report, sizeof report);
    return NF_OK;
}

static nf_status check_run(const nfi_call *c, nf_check_report *r)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    const nf_status status = check_run_call(c, r);

    nfi_fpenv_leave(fpenv);
    return status;
}

nf_status nf_flow_check(const nf_flow *flow, int64_t n, const float *x, const float *cond, nf_check_report *report)
{
    return check_run(&(nfi_call){ "nf_flow_check", flow, NF_F32, n, "x", x, cond, "x", NULL, 0, "x", NULL, NFI_VALUE_OPTIONAL }, report);
}

nf_status nf_flow_check_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, nf_check_report *report)
{
    return check_run(&(nfi_call){ "nf_flow_check_f64", flow, NF_F64, n, "x", x, cond, "x", NULL, 0, "x", NULL, NFI_VALUE_OPTIONAL }, report);
}
