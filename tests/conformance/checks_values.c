/* SPDX-License-Identifier: MIT
 *
 * checks_values.c - is it right: round trips, log-det against a dense Jacobian, gradients against central differences
 *
 * Differences are taken in double with three steps, and the nearest of the three counts: truncation, rounding and the kinks of
 * relu each spoil at most one of them, a wrong derivative spoils all.
 */
#include "conformance.h"
#include "flow/flow.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIFFERENCE_BOUND 1e-6
static const double steps[] = { 1e-5, 1e-6, 1e-7 };
#define STEPS SUPPORT_COUNT(steps)

static double values_eps(int32_t dtype) { return dtype == NF_F32 ? (double)FLT_EPSILON : DBL_EPSILON; }

/* Error of `got` against the nearest of STEPS differences, relative to scale. */
static double values_error(double got, const double *differences, double scale)
{
    double best = INFINITY;
    for (int k = 0; k < STEPS; k++) best = fmin(best, fabs(got - differences[k]) / scale);
    return best;
}

/* Round trips */

static bool values_compare(const scene *s, const char *what, int64_t count, const void *a, const void *b, double bound, char *why)
{
    for (int64_t i = 0; i < count; i++) {
        const double x = support_at(s->dtype, a, i), y = support_at(s->dtype, b, i);
        if (fabs(x - y) <= bound * fmax(1.0, fabs(x))) continue;
        snprintf(why, WHY_SIZE, "%s: row %lld column %lld: %.17g became %.17g, bound %g", what, (long long)(i / s->c->dim),
                 (long long)(i % s->c->dim), x, y, bound);
        return false;
    }
    return true;
}

static bool values_opposite(const double *a, const double *b, int64_t n, double bound, char *why)
{
    for (int64_t i = 0; i < n; i++) {
        if (fabs(a[i] + b[i]) <= bound * fmax(1.0, fabs(a[i]))) continue;
        snprintf(why, WHY_SIZE, "log-det: row %lld: forward %.17g, inverse %.17g", (long long)i, a[i], b[i]);
        return false;
    }
    return true;
}

bool check_round_trip(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t n = 257;
    const double bound = fmax((c->round_trip > 0 ? c->round_trip : 600) * values_eps(dtype), c->solved);
    uint64_t state = 31;
    scene s;

    scene_open(&s, c, dtype, n, 1, NULL);
    const int64_t bytes = n * c->dim * s.size;
    void *z = support_malloc(bytes), *x = support_malloc(bytes), *z2 = support_malloc(bytes);
    double *log_det = support_malloc(2 * n * 8), *inverse = log_det + n;
    bool ok = any_forward(s.flow, n, s.x, s.cond, z, log_det) == NF_OK && any_inverse(s.flow, n, z, s.cond, x, inverse) == NF_OK;
    if (!ok) snprintf(why, WHY_SIZE, "round trip: %s", nf_last_error());
    ok = ok && values_compare(&s, "inverse(forward(x))", n * c->dim, s.x, x, bound, why) &&
         values_opposite(log_det, inverse, n, bound * (double)c->dim, why);
    if (c->whole) goto done; /* the levels that many z fall in come back as one z each; layers_test has levels and ends */
    for (int64_t i = 0; ok && i < n * c->dim; i++)
        support_set(dtype, z, i, c->base_type && c->low < c->high ? support_at(dtype, s.x, i) : 1.3 * random_normal(&state));
    if (ok && (any_inverse(s.flow, n, z, s.cond, x, inverse) != NF_OK || any_forward(s.flow, n, x, s.cond, z2, log_det) != NF_OK)) {
        snprintf(why, WHY_SIZE, "round trip from z: %s", nf_last_error());
        ok = false;
    }
    ok = ok && values_compare(&s, "forward(inverse(z))", n * c->dim, z, z2, bound, why) &&
         values_opposite(log_det, inverse, n, bound * (double)c->dim, why);
done:
    free(z), free(x), free(z2), free(log_det);
    scene_close(&s);
    return ok;
}

/* log-det */

/* log|det| of a [dim][dim] by elimination with row exchanges. */
static double values_log_abs_det(int64_t dim, double *a)
{
    double sum = 0;

    for (int64_t k = 0; k < dim; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < dim; i++)
            if (fabs(a[i * dim + k]) > fabs(a[best * dim + k])) best = i;
        for (int64_t j = 0; j < dim; j++) {
            const double swap = a[k * dim + j];
            a[k * dim + j] = a[best * dim + j];
            a[best * dim + j] = swap;
        }
        sum += log(fabs(a[k * dim + k]));
        for (int64_t i = k + 1; i < dim; i++) {
            const double factor = a[i * dim + k] / a[k * dim + k];
            for (int64_t j = k; j < dim; j++) a[i * dim + j] -= factor * a[k * dim + j];
        }
    }
    return sum;
}

/* The row's Jacobian by central differences in double, as log|det|. */
static double values_jacobian(const nf_flow *flow, int64_t dim, const double *x, const double *cond, double h)
{
    double *row = support_malloc(3 * dim * 8), *high = row + dim, *low = high + dim, *a = support_malloc(dim * dim * 8), result = NAN;
    nf_status status = NF_OK;

    for (int64_t j = 0; j < dim && status == NF_OK; j++) {
        const double step = h * fmax(1.0, fabs(x[j]));
        memcpy(row, x, (size_t)dim * 8);
        row[j] = x[j] + step;
        const double up = row[j];
        status = nf_flow_forward_f64(flow, 1, row, cond, high, NULL);
        row[j] = x[j] - step;
        if (status == NF_OK) status = nf_flow_forward_f64(flow, 1, row, cond, low, NULL);
        for (int64_t i = 0; i < dim; i++) a[i * dim + j] = (high[i] - low[i]) / (up - row[j]);
    }
    if (status == NF_OK) result = values_log_abs_det(dim, a);
    free(a), free(row);
    return result;
}

bool check_log_det(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t n = 11;
    nf_flow *twin = NULL;
    scene s;
    bool ok = true;

    scene_open(&s, c, dtype, n, 1, NULL);
    double *x = support_malloc(n * c->dim * 8), *cond = support_malloc(n * c->cond_dim * 8), *log_det = support_malloc(2 * n * 8);
    double *exact = log_det + n;
    void *z = support_malloc(n * c->dim * 8);
    for (int64_t i = 0; i < n * c->dim; i++) x[i] = support_at(dtype, s.x, i);
    for (int64_t i = 0; i < n * c->cond_dim; i++) cond[i] = support_at(dtype, s.cond, i);
    if (nf_flow_convert(&twin, s.flow, NF_F64) || any_forward(s.flow, n, s.x, s.cond, z, log_det) ||
        nf_flow_forward_f64(twin, n, x, c->cond_dim ? cond : NULL, z, exact)) {
        snprintf(why, WHY_SIZE, "log-det: %s", nf_last_error());
        ok = false;
    }
    for (int64_t i = 0; i < n && ok && c->whole; i++) { /* volume a row: no differences, but the same in both precisions */
        ok = log_det[i] == exact[i] && log_det[i] < 0;
        if (!ok) snprintf(why, WHY_SIZE, "log-det: row %lld: %.12g in this precision, %.12g in f64", (long long)i, log_det[i], exact[i]);
    }
    for (int64_t i = 0; i < n && ok && !c->whole; i++) {
        double by_step[STEPS];
        for (int k = 0; k < STEPS; k++)
            by_step[k] = values_jacobian(twin, c->dim, x + i * c->dim, c->cond_dim ? cond + i * c->cond_dim : NULL, steps[k]);
        if (!(values_error(exact[i], by_step, fmax(1.0, fabs(exact[i]))) <= DIFFERENCE_BOUND)) {
            snprintf(why, WHY_SIZE, "log-det: row %lld: %.12g, dense Jacobian %.12g", (long long)i, exact[i], by_step[1]);
            ok = false;
        } else if (!(fabs(log_det[i] - exact[i]) <= fmax(3e4 * values_eps(dtype) * fmax(1.0, fabs(exact[i])), c->solved))) {
            snprintf(why, WHY_SIZE, "log-det: row %lld: %.12g in this precision, %.12g in f64", (long long)i, log_det[i], exact[i]);
            ok = false;
        }
    }
    free(x), free(cond), free(log_det), free(z);
    nf_flow_unref(twin);
    scene_close(&s);
    return ok;
}

/* Gradients of log p, through the public calls */

static double values_largest(int32_t dtype, const void *a, int64_t count)
{
    double largest = 1.0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(support_at(dtype, a, i)));
    return largest;
}

/* In f32: the same as f64 to 1e-4 of the largest entry. */
static bool values_agree(const char *what, int32_t dtype, const void *got, const double *exact, int64_t count, char *why)
{
    const double scale = values_largest(NF_F64, exact, count);

    for (int64_t i = 0; i < count; i++) {
        if (fabs(support_at(dtype, got, i) - exact[i]) <= (dtype == NF_F32 ? 1e-4 : 1e-13) * scale) continue;
        snprintf(why, WHY_SIZE, "%s: element %lld: %.9g in this precision, %.9g in f64", what, (long long)i, support_at(dtype, got, i),
                 exact[i]);
        return false;
    }
    return true;
}

/* The rows in double, on a twin of the flow in f64. */
typedef struct twin_scene {
    scene s;
    nf_flow *flow;
    double *x, *cond; /* cond NULL: none */
} twin_scene;

static void twin_open(twin_scene *t, const conformance_case *c, int32_t dtype, int64_t n)
{
    scene_open(&t->s, c, dtype, n, 1, NULL);
    if (nf_flow_convert(&t->flow, t->s.flow, NF_F64)) abort();
    t->x = support_malloc(n * c->dim * 8);
    t->cond = c->cond_dim ? support_malloc(n * c->cond_dim * 8) : NULL;
    for (int64_t i = 0; i < n * c->dim; i++) t->x[i] = support_at(dtype, t->s.x, i);
    for (int64_t i = 0; i < n * c->cond_dim; i++) t->cond[i] = support_at(dtype, t->s.cond, i);
}

static void twin_close(twin_scene *t)
{
    free(t->x), free(t->cond);
    nf_flow_unref(t->flow);
    scene_close(&t->s);
}

/* d log p(row i) / dx_j by differences of step h, for all rows at once. */
static void score_differences(const twin_scene *t, int64_t j, double h, double *out)
{
    const int64_t n = t->s.n, dim = t->s.c->dim;
    double *x = support_malloc(n * dim * 8), *high = support_malloc(2 * n * 8), *low = high + n, *width = support_malloc(n * 8);

    memcpy(x, t->x, (size_t)(n * dim) * 8);
    for (int64_t i = 0; i < n; i++) x[i * dim + j] = t->x[i * dim + j] + h, width[i] = x[i * dim + j];
    if (nf_flow_log_prob_f64(t->flow, n, x, t->cond, high) < 0) abort();
    for (int64_t i = 0; i < n; i++) x[i * dim + j] = t->x[i * dim + j] - h, width[i] -= x[i * dim + j];
    if (nf_flow_log_prob_f64(t->flow, n, x, t->cond, low) < 0) abort();
    for (int64_t i = 0; i < n; i++) out[i] = (high[i] - low[i]) / width[i];
    free(x), free(high), free(width);
}

bool check_score(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t n = 13;
    twin_scene t;
    bool ok;

    twin_open(&t, c, dtype, n);
    double *exact = support_malloc(n * c->dim * 8), *log_prob = support_malloc(2 * n * 8), *differences = support_malloc(STEPS * n * 8);
    void *grad = support_malloc(n * c->dim * 8);
    ok = any_score(t.s.flow, n, t.s.x, t.s.cond, log_prob, grad) == NF_OK && nf_flow_score_f64(t.flow, n, t.x, t.cond, NULL, exact) == NF_OK &&
         any_log_prob(t.s.flow, n, t.s.x, t.s.cond, log_prob + n) == NF_OK;
    if (!ok) snprintf(why, WHY_SIZE, "score: %s", nf_last_error());
    if (ok && !c->quiet && support_differ(log_prob, log_prob + n, n, 8) >= 0) {
        snprintf(why, WHY_SIZE, "score: its log_prob has other bits than that of nf_flow_log_prob");
        ok = false;
    }
    ok = ok && (c->whole || values_agree("grad of x", dtype, grad, exact, n * c->dim, why)); /* whole: other bits, other noise */
    const double scale = values_largest(NF_F64, exact, n * c->dim);
    for (int64_t j = 0; j < c->dim && ok && !c->whole; j++) {
        for (int k = 0; k < STEPS; k++) score_differences(&t, j, steps[k], differences + k * n);
        for (int64_t i = 0; i < n && ok; i++) {
            const double by_step[STEPS] = { differences[i], differences[n + i], differences[2 * n + i] };
            if (values_error(exact[i * c->dim + j], by_step, scale) <= DIFFERENCE_BOUND) continue;
            snprintf(why, WHY_SIZE, "grad of x: row %lld column %lld: %.12g, differences %.12g", (long long)i, (long long)j,
                     exact[i * c->dim + j], by_step[1]);
            ok = false;
        }
    }
    free(exact), free(log_prob), free(differences), free(grad);
    twin_close(&t);
    return ok;
}

static double theta_mean_nll(const twin_scene *t, const double *theta, double *log_prob)
{
    double sum = 0;

    if (nf_flow_set_params(t->flow, nf_flow_param_count(t->flow), theta)) abort();
    if (nf_flow_log_prob_f64(t->flow, t->s.n, t->x, t->cond, log_prob) < 0) abort();
    for (int64_t i = 0; i < t->s.n; i++) sum -= log_prob[i];
    return sum / (double)t->s.n;
}

/* One parameter's derivative against differences; a frozen one's gradient must be 0. */
static bool theta_element(const twin_scene *t, const nf_param_view *view, int64_t at, double *theta, double *log_prob, double got,
                          double scale, char *why)
{
    const double here = theta[at];
    double by_step[STEPS];

    if (view->properties & NF_PARAM_FROZEN) {
        if (got == 0) return true;
        snprintf(why, WHY_SIZE, "grad of theta: %s is frozen, its gradient is %g", view->name, got);
        return false;
    }
    for (int k = 0; k < STEPS; k++) {
        theta[at] = here + steps[k];
        const double high = theta[at], up = theta_mean_nll(t, theta, log_prob);
        theta[at] = here - steps[k];
        by_step[k] = (up - theta_mean_nll(t, theta, log_prob)) / (high - theta[at]);
    }
    theta[at] = here;
    if (values_error(got, by_step, scale) <= DIFFERENCE_BOUND) return true;
    snprintf(why, WHY_SIZE, "grad of theta: %s[%lld]: %.12g, differences %.12g", view->name, (long long)(at - view->offset), got,
             by_step[1]);
    return false;
}

bool check_grad_theta(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t n = 13, most = 60; /* elements of a view that are compared */
    nf_param_view view = { .struct_size = sizeof view };
    void *grad = NULL, *grad_f64 = NULL;
    twin_scene t;

    twin_open(&t, c, dtype, n);
    const int64_t count = nf_flow_param_count(t.flow);
    double *theta = support_malloc(count * 8), *log_prob = support_malloc(n * 8), *exact = support_malloc(count * 8), nll, nll_f64;
    bool ok = any_nll_grad(t.s.flow, n, t.s.x, t.s.cond, NULL, &nll) == NF_OK &&
              any_nll_grad(t.flow, n, t.x, t.cond, NULL, &nll_f64) == NF_OK && nf_flow_get_params(t.flow, count, theta) == NF_OK &&
              any_params(t.s.flow, NULL, &grad, NULL) == NF_OK && any_params(t.flow, NULL, &grad_f64, NULL) == NF_OK;
    if (!ok) snprintf(why, WHY_SIZE, "grad of theta: %s", nf_last_error());
    if (ok) memcpy(exact, grad_f64, (size_t)count * 8);
    if (ok && !c->quiet && !(fabs(nll_f64 - theta_mean_nll(&t, theta, log_prob)) <= 1e-13 * fmax(1.0, fabs(nll_f64)))) {
        snprintf(why, WHY_SIZE, "grad of theta: mean_nll %.17g is not the mean of -log_prob", nll_f64);
        ok = false;
    }
    ok = ok && values_agree("grad of theta", dtype, grad, exact, count, why);
    const double scale = values_largest(NF_F64, exact, count);
    for (int64_t v = 0; ok && nf_flow_param(t.flow, v, &view) == NF_OK; v++) {
        const int64_t stride = view.count > most ? view.count / most + 1 : 1;
        for (int64_t k = 0; k < view.count && ok; k += stride)
            ok = theta_element(&t, &view, view.offset + k, theta, log_prob, exact[view.offset + k], scale, why);
    }
    free(theta), free(log_prob), free(exact);
    twin_close(&t);
    return ok;
}

/* Operations of a layer, called as the chain calls them, with random cotangents a, b:  L = sum_i a_i . out_i + b_i log_det_i */

typedef struct operation {
    const nf_flow *flow;
    const nfi_place *place;
    const nf_layer_ops *ops;
    int64_t n, dim, cond_dim, size;
    int32_t dtype;
    void *in, *cond, *theta, *packed, *packed_backward, *out, *saved, *scratch, *g, *grad, *grad_cond;
    double *a, *b, *log_det;
    uint64_t *row_key;
} operation;

static nf_tile operation_tile(const operation *o, int64_t n)
{
    return (nf_tile){ .struct_size = sizeof(nf_tile), .dtype = o->dtype, .n = n, .theta = o->theta, .packed = o->packed, .packed_backward = o->packed_backward,
                      .cond = o->cond, .cond_dim = o->cond_dim, .scratch = o->scratch, .log_det = o->log_det,
                      .row_key = o->row_key, .stream = o->place->stream, .training = 1, .kernels = o->flow->kernels };
}

static void *operation_alloc(int64_t bytes)
{
    void *ptr = NULL;
    if (posix_memalign(&ptr, 64, (size_t)(bytes > 0 ? bytes : 64))) abort();
    memset(ptr, 0, (size_t)(bytes > 0 ? bytes : 64));
    return ptr;
}

static void operation_open(operation *o, const twin_scene *t, const nf_flow *flow, int64_t n)
{
    const nfi_place *p = &flow->places[0];
    const conformance_case *c = t->s.c;
    uint64_t state = 61;

    *o = (operation){ .flow = flow, .place = p, .ops = nfi_layer_ops(p->layer, flow->dtype), .n = n, .dim = c->dim, .cond_dim = c->cond_dim,
                      .size = flow->size, .dtype = flow->dtype };
    o->in = support_array(flow->dtype, n * c->dim, t->x);
    o->cond = c->cond_dim ? support_array(flow->dtype, n * c->cond_dim, t->cond) : NULL;
    o->theta = operation_alloc(p->layer->param_count * flow->size);
    memcpy(o->theta, flow->theta, (size_t)(p->layer->param_count * flow->size));
    o->packed = operation_alloc(p->info.packed);
    o->packed_backward = operation_alloc(p->info.packed_backward);
    o->out = operation_alloc(n * c->dim * 8);
    o->saved = operation_alloc(n * p->info.saved_row);
    o->scratch = operation_alloc(p->info.scratch_fixed + p->info.scratch_row * n);
    o->g = operation_alloc(n * c->dim * 8);
    o->grad = operation_alloc(p->layer->param_count * 8);
    o->grad_cond = operation_alloc(n * c->cond_dim * 8);
    o->a = operation_alloc(n * c->dim * 8);
    o->b = operation_alloc(n * 8);
    o->log_det = operation_alloc(n * 8);
    o->row_key = operation_alloc(n * 8);
    for (int64_t i = 0; i < n; i++) o->row_key[i] = random_bits(&state);
    for (int64_t i = 0; i < n * c->dim; i++) o->a[i] = (double)(float)random_normal(&state);
    for (int64_t i = 0; i < n; i++) o->b[i] = (double)(float)random_normal(&state);
}

static void operation_close(operation *o)
{
    void *all[] = { o->in, o->cond, o->theta, o->packed, o->packed_backward, o->out, o->saved, o->scratch, o->g, o->grad, o->grad_cond, o->a, o->b, o->log_det, o->row_key };
    for (int i = 0; i < SUPPORT_COUNT(all); i++) free(all[i]);
}

static nf_status operation_forward(operation *o, void *saved)
{
    const nf_tile tile = operation_tile(o, o->n);

    memset(o->log_det, 0, (size_t)o->n * 8);
    for (int64_t part = 0; o->ops->pack && part < o->place->info.packed_parts; part++)
        o->ops->pack(o->place->layer->self, o->flow->kernels, o->theta, o->packed, o->place->info.packed_backward ? o->packed_backward : NULL, part);
    return o->ops->forward(o->place->layer->self, &tile, o->in, o->out, saved);
}

static double operation_loss(operation *o)
{
    double sum = 0;

    if (operation_forward(o, NULL)) abort();
    for (int64_t i = 0; i < o->n * o->dim; i++) sum += o->a[i] * support_at(o->dtype, o->out, i);
    for (int64_t i = 0; i < o->n; i++) sum += o->b[i] * o->log_det[i];
    return sum;
}

static nf_status operation_backward(operation *o)
{
    nf_tile tile = operation_tile(o, o->n);
    nf_status status = operation_forward(o, o->saved);

    tile.grad = o->grad;
    tile.grad_cond = o->cond_dim ? o->grad_cond : NULL;
    for (int64_t i = 0; i < o->n * o->dim; i++) support_set(o->dtype, o->g, i, o->a[i]);
    if (status) return status;
    return o->ops->backward(o->place->layer->self, &tile, o->in, o->out, o->saved, o->g, o->b);
}

/* Derivatives `got` by the elements of `array` against differences of the loss. */
static bool operation_compare(operation *o, const char *what, double *array, int64_t count, const double *got, char *why)
{
    const int64_t stride = count > 200 ? count / 200 + 1 : 1;
    const double scale = values_largest(NF_F64, got, count);

    for (int64_t i = 0; i < count; i += stride) {
        const double here = array[i];
        double by_step[STEPS];
        for (int k = 0; k < STEPS; k++) {
            array[i] = here + steps[k];
            const double high = array[i], up = operation_loss(o);
            array[i] = here - steps[k];
            by_step[k] = (up - operation_loss(o)) / (high - array[i]);
        }
        array[i] = here;
        if (values_error(got[i], by_step, scale) <= DIFFERENCE_BOUND) continue;
        snprintf(why, WHY_SIZE, "%s: element %lld: %.12g, differences %.12g", what, (long long)i, got[i], by_step[1]);
        return false;
    }
    return true;
}

/* Forward without `saved` gives the bits of forward with it; null gradients are not touched. */
static bool operation_modes(operation *o, char *why)
{
    void *out = operation_alloc(o->n * o->dim * 8);
    double *log_det = operation_alloc(o->n * 8);
    nf_tile tile = operation_tile(o, o->n);
    bool ok = operation_forward(o, o->saved) == NF_OK;

    memcpy(out, o->out, (size_t)(o->n * o->dim * o->size));
    memcpy(log_det, o->log_det, (size_t)o->n * 8);
    ok = ok && operation_forward(o, NULL) == NF_OK && support_differ(out, o->out, o->n * o->dim, o->size) < 0 &&
         support_differ(log_det, o->log_det, o->n, 8) < 0;
    if (!ok) snprintf(why, WHY_SIZE, "forward with and without `saved` differ: %s", nf_last_error());
    /* dL/dx must not depend on whether the other gradients are wanted */
    if (ok && (operation_backward(o) || (memcpy(out, o->g, (size_t)(o->n * o->dim * o->size)), operation_forward(o, o->saved)))) ok = false;
    for (int64_t i = 0; i < o->n * o->dim; i++) support_set(o->dtype, o->g, i, o->a[i]);
    if (ok && (o->ops->backward(o->place->layer->self, &tile, o->in, o->out, o->saved, o->g, o->b) ||
               support_differ(out, o->g, o->n * o->dim, o->size) >= 0)) {
        snprintf(why, WHY_SIZE, "backward: dL/dx depends on whether grad and grad_cond are wanted");
        ok = false;
    }
    free(out), free(log_det);
    return ok;
}

/* The tangent against differences along it. */
static bool operation_jvp(operation *o, char *why)
{
    const nf_tile tile = operation_tile(o, o->n);
    double *d_in = operation_alloc(o->n * o->dim * 8), *d_out = operation_alloc(o->n * o->dim * 8), *d_log_det = operation_alloc(o->n * 8);
    double *in = o->in, by_step[STEPS], got = 0, scale = 1;
    bool ok = true;
    uint64_t state = 67;

    if (!o->ops->jvp) goto done;
    for (int64_t i = 0; i < o->n * o->dim; i++) d_in[i] = random_normal(&state);
    memset(o->log_det, 0, (size_t)o->n * 8);
    ok = o->ops->jvp(o->place->layer->self, &tile, o->in, d_in, o->out, d_out, d_log_det) == NF_OK;
    for (int64_t i = 0; i < o->n * o->dim; i++) got += o->a[i] * d_out[i], scale += fabs(o->a[i] * d_out[i]);
    for (int64_t i = 0; i < o->n; i++) got += o->b[i] * d_log_det[i];
    for (int k = 0; k < STEPS; k++) {
        for (int64_t i = 0; i < o->n * o->dim; i++) in[i] += steps[k] * d_in[i];
        by_step[k] = operation_loss(o);
        for (int64_t i = 0; i < o->n * o->dim; i++) in[i] -= 2 * steps[k] * d_in[i];
        by_step[k] = (by_step[k] - operation_loss(o)) / (2 * steps[k]);
        for (int64_t i = 0; i < o->n * o->dim; i++) in[i] += steps[k] * d_in[i];
    }
    if (ok && values_error(got, by_step, scale) <= DIFFERENCE_BOUND) goto done;
    snprintf(why, WHY_SIZE, "jvp: %.12g, differences %.12g", got, by_step[1]);
    ok = false;
done:
    free(d_in), free(d_out), free(d_log_det);
    return ok;
}

/* J^T w = v: backward, which the other checks prove, undoes inverse_backward. Of the f64 operations; grad is not touched. */
static bool operation_inverse_backward(operation *o, char *why)
{
    nf_tile tile = operation_tile(o, o->n);
    double *zeros = operation_alloc(o->n * 8);
    const double *g = o->g;
    const double scale = fmax(1.0, values_largest(NF_F64, o->a, o->n * o->dim));
    bool ok = true;

    if (!o->ops->inverse_backward) goto done;
    memset(o->grad, 0, (size_t)(o->place->layer->param_count * 8));
    tile.grad = o->grad;
    memcpy(o->g, o->a, (size_t)(o->n * o->dim) * 8);
    ok = operation_forward(o, o->saved) == NF_OK &&
         o->ops->inverse_backward(o->place->layer->self, &tile, o->in, o->out, o->saved, o->g) == NF_OK;
    for (int64_t j = 0; ok && j < o->place->layer->param_count; j++) ok = support_at(NF_F64, o->grad, j) == 0;
    if (!ok) snprintf(why, WHY_SIZE, "inverse_backward fails, or adds to grad");
    tile.grad = NULL;
    ok = ok && o->ops->backward(o->place->layer->self, &tile, o->in, o->out, o->saved, o->g, zeros) == NF_OK;
    for (int64_t i = 0; ok && i < o->n * o->dim; i++) {
        if (fabs(g[i] - o->a[i]) <= 1e-9 * scale) continue;
        snprintf(why, WHY_SIZE, "inverse_backward: element %lld: backward makes %.12g of it, not %.12g", (long long)i, g[i], o->a[i]);
        ok = false;
    }
done:
    free(zeros);
    return ok;
}

static bool operation_frozen(const operation *o, char *why)
{
    for (int32_t v = 0; v < o->place->layer->n_params; v++) {
        nf_param param = { .struct_size = sizeof param };
        int64_t count = 1;
        if (o->place->layer->type->param(o->place->layer->self, v, &param)) return true;
        for (int32_t k = 0; k < param.rank; k++) count *= param.shape[k];
        for (int64_t i = 0; i < count && (param.properties & NF_PARAM_FROZEN); i++) {
            if (support_at(o->dtype, o->grad, param.offset + i) == 0) continue;
            snprintf(why, WHY_SIZE, "grad: %s is frozen, its gradient is not zero", param.name);
            return false;
        }
    }
    return true;
}

/* Frozen parameters are left out of the comparison by giving them the gradient that differences would find: their own. */
static bool operation_compare_theta(operation *o, char *why)
{
    for (int32_t v = 0; v < o->place->layer->n_params; v++) {
        nf_param param = { .struct_size = sizeof param };
        int64_t count = 1;
        if (o->place->layer->type->param(o->place->layer->self, v, &param)) return true;
        for (int32_t k = 0; k < param.rank; k++) count *= param.shape[k];
        if (param.properties & NF_PARAM_FROZEN) continue;
        if (!operation_compare(o, param.name, (double *)o->theta + param.offset, count, (double *)o->grad + param.offset, why)) return false;
    }
    return true;
}

bool check_operations(const conformance_case *c, int32_t dtype, char *why)
{
    twin_scene t;
    operation o, single;
    int64_t n = 7;
    bool ok;

    if (!c->layer_type) return true;
    twin_open(&t, c, dtype, n);
    if (t.flow->places[0].info.tile_rows < n) n = t.flow->places[0].info.tile_rows;
    operation_open(&o, &t, t.flow, n);
    operation_open(&single, &t, t.s.flow, n);
    ok = operation_modes(&single, why) && operation_frozen(&single, why);
    if (c->whole) goto done; /* layers_test has its gradients: differences in x mean nothing */
    memset(single.grad, 0, (size_t)(single.place->layer->param_count * single.size));
    memset(single.grad_cond, 0, (size_t)(n * c->cond_dim * single.size));
    if (ok && (operation_backward(&o) || operation_backward(&single))) {
        snprintf(why, WHY_SIZE, "backward: %s", nf_last_error());
        ok = false;
    }
    double *g = operation_alloc(n * c->dim * 8);
    memcpy(g, o.g, (size_t)(n * c->dim) * 8);
    ok = ok && values_agree("operation: grad of x", dtype, single.g, g, n * c->dim, why) &&
         values_agree("operation: grad of cond", dtype, single.grad_cond, o.grad_cond, n * c->cond_dim, why) &&
         values_agree("operation: grad of theta", dtype, single.grad, o.grad, o.place->layer->param_count, why) &&
         operation_compare(&o, "operation: grad of x", o.in, n * c->dim, g, why) &&
         operation_compare(&o, "operation: grad of cond", o.cond, n * c->cond_dim, o.grad_cond, why) && operation_compare_theta(&o, why) &&
         operation_jvp(&o, why) && operation_inverse_backward(&o, why);
    free(g);
done:
    operation_close(&o);
    operation_close(&single);
    twin_close(&t);
    return ok;
}

/* The density integrates to one: the midpoint rule over a box that holds all but 1e-20 of it; smooth densities only need few points. */
bool check_normalised(const conformance_case *c, int32_t dtype, char *why)
{
    const bool box = c->low < c->high, part = box && c->integral > 0, solved = c->solved > 0; /* solves are dear, and their densities smooth and near the normal */
    const int64_t side = c->dim == 1 ? (solved ? 2001 : 20001) : solved ? 201 : 801;
    const double reach = part ? 0.5 * (c->high - c->low) : box ? 1.0 : solved ? 12.0 : 24.0, middle = part ? 0.5 * (c->low + c->high) : 0.0, h = 2 * reach / (double)side;
    double *cond = support_malloc(side * c->cond_dim * 8), *lp = support_malloc(side * 8), sum = 0;
    void *x, *cond_any;
    bool ok = true;
    scene s;

    if (c->dim > 2 || (c->layer_type && box && !part) || c->elsewhere) {
        free(cond), free(lp);
        return true; /* grids are for one and two columns; the logit's domain has its own test */
    }
    scene_open(&s, c, dtype, 1, 1, NULL);
    x = support_malloc(side * c->dim * s.size);
    for (int64_t i = 0; i < side * c->cond_dim; i++) cond[i] = 0.25 * (double)(1 + i % c->cond_dim);
    cond_any = c->cond_dim ? support_array(dtype, side * c->cond_dim, cond) : NULL;
    for (int64_t row = 0; row < (c->dim == 1 ? 1 : side) && ok; row++) {
        for (int64_t i = 0; i < side; i++) {
            support_set(dtype, x, i * c->dim, middle - reach + h * ((double)i + 0.5));
            if (c->dim == 2) support_set(dtype, x, 2 * i + 1, middle - reach + h * ((double)row + 0.5));
        }
        ok = any_log_prob(s.flow, side, x, cond_any, lp) == NF_OK;
        for (int64_t i = 0; i < side; i++) sum += exp(lp[i]);
    }
    sum *= c->dim == 1 ? h : h * h;
    const double bound = c->integral > 0 ? c->integral : dtype == NF_F32 ? 1e-4 : 1e-6;
    if (!ok)
        snprintf(why, WHY_SIZE, "density: %s", nf_last_error());
    else if (!(fabs(sum - 1) <= bound)) {
        snprintf(why, WHY_SIZE, "the density integrates to %.12g", sum);
        ok = false;
    }
    free(x), free(cond), free(cond_any), free(lp);
    scene_close(&s);
    return ok;
}
