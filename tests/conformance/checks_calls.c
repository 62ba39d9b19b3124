/* SPDX-License-Identifier: MIT
 *
 * checks_calls.c - does it keep its promises: rows alone and in batches, threads, samples, bad rows, nothing, allocation, files
 */
#include "conformance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The four calls that take rows, as one shape: rows in, rows out (or none), one double a row out. */

typedef struct rows_call {
    const char *name;
    nf_status (*run)(const nf_flow *flow, int64_t n, const void *in, const void *cond, void *out, double *value);
    bool has_out, from_z;
} rows_call;

static nf_status rows_log_prob(const nf_flow *flow, int64_t n, const void *in, const void *cond, void *out, double *value)
{
    (void)out;
    return any_log_prob(flow, n, in, cond, value);
}

static nf_status rows_score(const nf_flow *flow, int64_t n, const void *in, const void *cond, void *out, double *value)
{
    return any_score(flow, n, in, cond, value, out);
}

static const rows_call rows_calls[] = {
    { "log_prob", rows_log_prob, false, false },
    { "forward", any_forward, true, false },
    { "inverse", any_inverse, true, true },
    { "score", rows_score, true, false },
};

/* Rows for a call: x, or z = f(x) for the inverse. */
static void *rows_input(const scene *s, const rows_call *call)
{
    void *in = support_malloc(s->n * s->c->dim * s->size);

    memcpy(in, s->x, (size_t)(s->n * s->c->dim * s->size));
    if (call->from_z && any_forward(s->flow, s->n, s->x, s->cond, in, NULL)) abort();
    return in;
}

static const void *rows_at(const void *array, int64_t row, int64_t bytes) { return array ? (const char *)array + row * bytes : NULL; }

/* Rows [first, first + m) in one call of their own, into guarded arrays; compared with the whole batch's results. */
static bool rows_part(const scene *s, const rows_call *call, const void *in, const void *out, const double *value, int64_t first, int64_t m,
                      char *why)
{
    const int64_t row = s->c->dim * s->size, row_cond = s->c->cond_dim * s->size;
    void *part = scene_guarded(m * row);
    double *part_value = scene_guarded(m * 8);
    bool ok = call->run(s->flow, m, rows_at(in, first, row), rows_at(s->cond, first, row_cond), part, part_value) == NF_OK;

    if (!ok) snprintf(why, WHY_SIZE, "%s of %lld rows: %s", call->name, (long long)m, nf_last_error());
    if (ok && ((call->has_out && memcmp(part, rows_at(out, first, row), (size_t)(m * row))) || memcmp(part_value, value + first, (size_t)m * 8))) {
        snprintf(why, WHY_SIZE, "%s: rows %lld.. in a batch of %lld have other bits than in one of %lld", call->name, (long long)first,
                 (long long)m, (long long)s->n);
        ok = false;
    }
    const bool whole = scene_free(part, m * row), whole_value = scene_free(part_value, m * 8);
    if (ok && !(whole && whole_value)) {
        snprintf(why, WHY_SIZE, "%s of %lld rows wrote outside its output", call->name, (long long)m);
        ok = false;
    }
    return ok;
}

bool check_rows(const conformance_case *c, int32_t dtype, char *why)
{
    static const int64_t batches[] = { 1, 2, 3, 7, 16, 33, 64, 100, 999 };
    const int64_t n = 1000;
    bool ok = true;
    scene s;

    scene_open(&s, c, dtype, n, 1, NULL);
    void *out = support_malloc(n * c->dim * s.size);
    double *value = support_malloc(n * 8);
    for (int k = 0; k < SUPPORT_COUNT(rows_calls) && ok; k++) {
        const rows_call *call = &rows_calls[k];
        void *in = rows_input(&s, call);
        ok = call->run(s.flow, n, in, s.cond, out, value) == NF_OK;
        if (!ok) snprintf(why, WHY_SIZE, "%s: %s", call->name, nf_last_error());
        for (int b = 0; b < SUPPORT_COUNT(batches) && ok; b++) {
            const int64_t m = batches[b], calls = b == 0 ? 50 : b < 4 ? 30 : n / m;
            for (int64_t i = 0; i < calls && ok; i++) ok = rows_part(&s, call, in, out, value, m == 999 ? 1 : i * m + (b < 4 ? 103 : 0), m, why);
        }
        free(in);
    }
    free(out), free(value);
    scene_close(&s);
    return ok;
}

/* Threads */

typedef struct thread_results {
    void *x, *grad;
    double *value; /* log_prob, then that of samples, then the mean NLL */
    int64_t count;
} thread_results;

static bool threads_run(thread_results *r, const conformance_case *c, int32_t dtype, int64_t n, int32_t threads, char *why)
{
    void *grad = NULL;
    scene s;

    scene_open(&s, c, dtype, n, threads, NULL);
    *r = (thread_results){ .x = support_malloc(n * c->dim * s.size), .value = support_malloc((2 * n + 1) * 8) };
    const bool ok = any_log_prob(s.flow, n, s.x, s.cond, r->value) == NF_OK &&
                    any_sample(s.flow, 17, 3, n, s.cond, 0.9, r->x, r->value + n) == NF_OK &&
                    any_nll_grad(s.flow, n, s.x, s.cond, NULL, r->value + 2 * n) == NF_OK &&
                    any_params(s.flow, NULL, &grad, &r->count) == NF_OK;
    if (!ok) snprintf(why, WHY_SIZE, "%d threads: %s", (int)threads, nf_last_error());
    r->grad = support_malloc(r->count * s.size);
    if (ok) memcpy(r->grad, grad, (size_t)(r->count * s.size));
    scene_close(&s);
    return ok;
}

static void threads_free(thread_results *r) { free(r->x), free(r->grad), free(r->value); }

bool check_threads(const conformance_case *c, int32_t dtype, char *why)
{
    static const int32_t threads[] = { 2, 3, 8 };
    /* rows that are solved for are much work: a few are cut among threads */
    const int64_t size = support_size(dtype), n = c->solved > 0 ? 345 : c->layer_type && c->dim >= 2 ? 12345 : 2345;
    thread_results one, many;
    bool ok = threads_run(&one, c, dtype, n, 1, why);

    for (int k = 0; k < SUPPORT_COUNT(threads) && ok; k++) {
        const char *what = NULL;
        ok = threads_run(&many, c, dtype, n, threads[k], why);
        if (ok && support_differ(one.value, many.value, n, 8) >= 0) what = "log_prob";
        if (ok && support_differ(one.x, many.x, n * c->dim, size) >= 0) what = "samples";
        if (ok && support_differ(one.value + n, many.value + n, n, 8) >= 0) what = "log_prob of samples";
        if (ok && support_differ(one.grad, many.grad, one.count, size) >= 0) what = "gradient";
        if (ok && support_differ(one.value + 2 * n, many.value + 2 * n, 1, 8) >= 0) what = "mean NLL";
        if (what) snprintf(why, WHY_SIZE, "threads: %s has other bits with %d threads than with one", what, (int)threads[k]);
        ok = ok && !what;
        threads_free(&many);
    }
    threads_free(&one);
    return ok;
}

/* Samples */

bool check_samples(const conformance_case *c, int32_t dtype, char *why)
{
    static const double temperatures[] = { 1.0, 0.7 };
    const int64_t n = 300, first = 41;
    const double bound = dtype == NF_F32 ? 1e-4 : 1e-10;
    bool ok = true;
    scene s;

    scene_open(&s, c, dtype, n, 1, NULL);
    const int64_t row = c->dim * s.size, row_cond = c->cond_dim * s.size;
    void *x = support_malloc(n * row), *alone = scene_guarded(row);
    double *log_prob = support_malloc(2 * n * 8), *again = log_prob + n, value;
    for (int k = 0; k < SUPPORT_COUNT(temperatures) && ok; k++) {
        const double temperature = temperatures[k];
        ok = any_sample(s.flow, 12, first, n, s.cond, temperature, x, log_prob) == NF_OK && any_log_prob(s.flow, n, x, s.cond, again) == NF_OK;
        if (!ok) snprintf(why, WHY_SIZE, "sample: %s", nf_last_error());
        for (int64_t i = 0; i < n && ok && !c->whole; i++) { /* whole: z is drawn, log_prob of x then takes other noise */
            if (fabs(log_prob[i] - again[i]) <= fmax(bound * fmax(1.0, fabs(again[i])), c->solved)) continue;
            snprintf(why, WHY_SIZE, "sample %lld: its log_prob is %.12g, that of nf_flow_log_prob %.12g", (long long)i, log_prob[i], again[i]);
            ok = false;
        }
        for (int64_t i = 0; i < n && ok; i += 7) {
            ok = any_sample(s.flow, 12, first + i, 1, rows_at(s.cond, i, row_cond), temperature, alone, &value) == NF_OK &&
                 !memcmp(alone, rows_at(x, i, row), (size_t)row) && !memcmp(&value, &log_prob[i], 8);
            if (!ok) snprintf(why, WHY_SIZE, "sample %lld alone has other bits than among %lld", (long long)(first + i), (long long)n);
        }
    }
    if (ok && any_sample(s.flow, 12, first, n, s.cond, 0.7, x, NULL) != NF_OK) {
        snprintf(why, WHY_SIZE, "sample without log_prob: %s", nf_last_error());
        ok = false;
    }
    free(x), free(log_prob);
    if (!scene_free(alone, row) && ok) {
        snprintf(why, WHY_SIZE, "sample wrote outside its output");
        ok = false;
    }
    scene_close(&s);
    return ok;
}

/* Rows that are not finite */

#define BAD_ROWS 5
static const int64_t bad_rows[BAD_ROWS] = { 3, 17, 18, 49, 29 }; /* the last by its cond, where there is one */

static bool nonfinite_is_bad(const scene *s, int64_t row)
{
    for (int k = 0; k < BAD_ROWS; k++)
        if (bad_rows[k] == row && (k < BAD_ROWS - 1 || s->cond)) return true;
    return false;
}

static void nonfinite_spoil(const scene *s, void *in, void *cond)
{
    static const double values[] = { NAN, INFINITY, -INFINITY, NAN, NAN };
    const int64_t dim = s->c->dim;

    for (int k = 0; k < BAD_ROWS - 1; k++) support_set(s->dtype, in, bad_rows[k] * dim + (k % 2 ? 0 : dim - 1), values[k]);
    if (cond) support_set(s->dtype, cond, bad_rows[BAD_ROWS - 1] * s->c->cond_dim, NAN);
}

static bool nonfinite_compare(const scene *s, const rows_call *call, const void *clean, const double *clean_value, const void *got,
                              const double *value, char *why)
{
    const int64_t dim = s->c->dim;

    for (int64_t i = 0; i < s->n; i++) {
        bool all_nan = isnan(value[i]), same = !memcmp(&value[i], &clean_value[i], 8);
        for (int64_t j = 0; j < dim && call->has_out; j++) {
            all_nan &= isnan(support_at(s->dtype, got, i * dim + j)) != 0;
            same &= !memcmp(rows_at(got, i * dim + j, s->size), rows_at(clean, i * dim + j, s->size), (size_t)s->size);
        }
        if (nonfinite_is_bad(s, i) ? all_nan : same) continue;
        snprintf(why, WHY_SIZE, "%s: row %lld %s", call->name, (long long)i,
                 nonfinite_is_bad(s, i) ? "holds NaN or Inf and did not become NaN" : "changed because another row is not finite");
        return false;
    }
    return true;
}

static bool nonfinite_call(const scene *s, const rows_call *call, char *why)
{
    const int64_t bytes = s->n * s->c->dim * s->size, bytes_cond = s->n * s->c->cond_dim * s->size;
    void *in = rows_input(s, call), *clean = support_malloc(bytes), *got = support_malloc(bytes);
    void *cond = s->cond ? support_malloc(bytes_cond) : NULL;
    double *clean_value = support_malloc(2 * s->n * 8), *value = clean_value + s->n;
    bool ok = call->run(s->flow, s->n, in, s->cond, clean, clean_value) == NF_OK;

    if (cond) memcpy(cond, s->cond, (size_t)bytes_cond);
    nonfinite_spoil(s, in, cond);
    const nf_status status = call->run(s->flow, s->n, in, cond, got, value);
    if (!ok || status != NF_ROWS_NONFINITE || !strstr(nf_last_error(), s->cond ? "5 of 50" : "4 of 50") || !strstr(nf_last_error(), "row 3")) {
        snprintf(why, WHY_SIZE, "%s with rows that are not finite: status %d, line: %.200s", call->name, (int)status, nf_last_error());
        ok = false;
    }
    ok = ok && nonfinite_compare(s, call, clean, clean_value, got, value, why);
    free(in), free(clean), free(got), free(cond), free(clean_value);
    return ok;
}

/* The gradient is that of the rows that are finite. */
static bool nonfinite_gradient(const scene *s, char *why)
{
    const int64_t count = nf_flow_param_count(s->flow), bytes = s->n * s->c->dim * s->size, bytes_cond = s->n * s->c->cond_dim * s->size;
    double *weights = support_malloc(s->n * 8), nll = 0, nll_bad = 0, *clean = support_malloc(count * 8);
    void *grad = NULL, *x = support_malloc(bytes), *cond = s->cond ? support_malloc(bytes_cond) : NULL;
    int64_t good = 0;
    bool ok;

    memcpy(x, s->x, (size_t)bytes);
    if (cond) memcpy(cond, s->cond, (size_t)bytes_cond);
    for (int64_t i = 0; i < s->n; i++) weights[i] = !nonfinite_is_bad(s, i), good += weights[i] > 0;
    ok = nf_flow_zero_grad(s->flow) == NF_OK && any_nll_grad(s->flow, s->n, x, cond, weights, &nll) == NF_OK &&
         any_params(s->flow, NULL, &grad, NULL) == NF_OK;
    for (int64_t k = 0; k < count && ok; k++) clean[k] = support_at(s->dtype, grad, k) * (double)good / (double)s->n;
    nonfinite_spoil(s, x, cond);
    const nf_status status = ok ? nf_flow_zero_grad(s->flow) : NF_OK;
    const nf_status bad = any_nll_grad(s->flow, s->n, x, cond, NULL, &nll_bad);
    if (!ok || status || bad != NF_ROWS_NONFINITE || !isnan(nll_bad)) {
        snprintf(why, WHY_SIZE, "nll_grad with rows that are not finite: status %d, mean %g, line: %.200s", (int)bad, nll_bad, nf_last_error());
        ok = false;
    }
    for (int64_t k = 0; k < count && ok; k++) {
        if (fabs(support_at(s->dtype, grad, k) - clean[k]) <= (s->dtype == NF_F32 ? 1e-5 : 1e-13) * fmax(1.0, fabs(clean[k]))) continue;
        snprintf(why, WHY_SIZE, "nll_grad: element %lld is %g with rows that are not finite, %g without them", (long long)k,
                 support_at(s->dtype, grad, k), clean[k]);
        ok = false;
    }
    free(weights), free(clean), free(x), free(cond);
    return ok;
}

bool check_nonfinite(const conformance_case *c, int32_t dtype, char *why)
{
    scene s;
    bool ok = true;

    scene_open(&s, c, dtype, 50, 1, NULL);
    for (int k = 0; k < SUPPORT_COUNT(rows_calls) && ok; k++) ok = nonfinite_call(&s, &rows_calls[k], why);
    ok = ok && nonfinite_gradient(&s, why);
    scene_close(&s);
    return ok;
}

/* Nothing: n = 0 succeeds, touches nothing, needs no arrays. */

bool check_empty(const conformance_case *c, int32_t dtype, char *why)
{
    scene s;
    void *grad = NULL;
    int64_t count = 0;

    scene_open(&s, c, dtype, 1, 1, NULL);
    const char *failed = NULL;
    for (int k = 0; k < SUPPORT_COUNT(rows_calls); k++)
        if (rows_calls[k].run(s.flow, 0, NULL, NULL, NULL, NULL) != NF_OK) failed = rows_calls[k].name;
    if (any_sample(s.flow, 1, 0, 0, NULL, 1.0, NULL, NULL) != NF_OK) failed = "sample";
    if (nf_flow_zero_grad(s.flow) || any_nll_grad(s.flow, 0, NULL, NULL, NULL, NULL) != NF_OK) failed = "nll_grad";
    if (any_params(s.flow, NULL, &grad, &count)) failed = "params";
    for (int64_t i = 0; i < count && !failed; i++)
        if (support_at(dtype, grad, i) != 0) failed = "nll_grad: its gradient";
    if (failed) snprintf(why, WHY_SIZE, "n = 0: %s: %s", failed, nf_last_error());
    scene_close(&s);
    return !failed;
}

/* Allocation */

bool check_no_allocation(const conformance_case *c, int32_t dtype, char *why)
{
    const int64_t n = 300;
    nf_optimizer *optimizer = NULL;
    ledger l;
    scene s;
    const char *failed = NULL;

    ledger_reset(&l);
    scene_open(&s, c, dtype, n, 1, &l);
    void *out = support_malloc(n * c->dim * s.size);
    double *value = support_malloc(n * 8), nll;
    if (nf_optimizer_create(&optimizer, s.context, "adam", NULL)) failed = "create";
    for (int pass = 0; pass < 3 && !failed; pass++) {
        const long long before = atomic_load(&l.calls);
        for (int k = 0; k < SUPPORT_COUNT(rows_calls); k++)
            if (rows_calls[k].run(s.flow, n, s.x, s.cond, out, value) < 0) failed = rows_calls[k].name;
        if (any_sample(s.flow, 1, 0, n, s.cond, 1.0, out, value)) failed = "sample";
        if (any_nll_grad(s.flow, n, s.x, s.cond, NULL, &nll)) failed = "nll_grad";
        if (nf_optimizer_step(optimizer, s.flow)) failed = "optimizer_step";
        if (failed)
            snprintf(why, WHY_SIZE, "%s: %s", failed, nf_last_error());
        else if (pass && atomic_load(&l.calls) != before) {
            failed = "allocation";
            snprintf(why, WHY_SIZE, "pass %d allocated %lld times", pass, atomic_load(&l.calls) - before);
        }
    }
    nf_optimizer_unref(optimizer);
    free(out), free(value);
    scene_close(&s);
    if (!failed && (atomic_load(&l.blocks) || atomic_load(&l.bytes) || atomic_load(&l.damaged))) {
        snprintf(why, WHY_SIZE, "%lld blocks leak, %lld are damaged or freed with another size", atomic_load(&l.blocks), atomic_load(&l.damaged));
        return false;
    }
    return !failed;
}

typedef struct life {
    nf_context *context;
    nf_flow *flow, *loaded;
    nf_optimizer *optimizer;
    nf_dataset *data;
    void *bytes;
} life;

static nf_status life_fit(life *f, const conformance_case *c, int32_t dtype, const void *x, const void *cond, int64_t n)
{
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_status status = any_dataset(&f->data, f->context, dtype, n, c->dim, x);

    fit.epochs = 1;
    fit.batch = 16;
    if (!status && c->cond_dim) status = any_set_cond(f->data, dtype, c->cond_dim, cond);
    if (!status) status = nf_optimizer_create(&f->optimizer, f->context, "adam", NULL);
    if (!status) status = nf_flow_fit(f->flow, f->optimizer, f->data, NULL, &fit, NULL);
    return status;
}

/* All that a program does with a flow, with this context's memory. */
static nf_status life_live(life *f, const conformance_case *c, int32_t dtype, const void *x, const void *cond, int64_t n, void *out, double *value,
                           ledger *l)
{
    int64_t size = 0;
    nf_status status = support_context_try(&f->context, 1, l);

    if (!status && c->custom) status = nf_context_register_layer(f->context, c->custom);
    if (!status) status = conformance_flow(&f->flow, f->context, c, dtype);
    if (!status) status = life_fit(f, c, dtype, x, cond, n);
    if (!status) status = any_log_prob(f->flow, n, x, cond, value);
    if (!status) status = any_score(f->flow, n, x, cond, value, out);
    if (!status) status = any_sample(f->flow, 1, 0, n, cond, 1.0, out, value);
    if (!status) status = nf_flow_save_memory(f->flow, NULL, 0, &size);
    if (!status) f->bytes = support_malloc(size);
    if (!status) status = nf_flow_save_memory(f->flow, f->bytes, size, &size);
    if (!status) status = nf_flow_load_memory(&f->loaded, f->context, f->bytes, size);
    return status;
}

static void life_end(life *f)
{
    nf_flow_unref(f->loaded);
    nf_flow_unref(f->flow);
    nf_optimizer_unref(f->optimizer);
    nf_dataset_unref(f->data);
    nf_context_unref(f->context);
    free(f->bytes);
}

/* Allocation k fails, in one run only that, in the other all from it on; until a run needs no more than k. */
static bool failing_at(const conformance_case *c, int32_t dtype, const scene *s, long long k, bool forever, bool *reached, char *why)
{
    static const char marker[] = "a line of the test";
    void *out = support_malloc(s->n * c->dim * s->size);
    double *value = support_malloc(s->n * 8);
    life f = { 0 };
    ledger l;
    bool ok = true;

    ledger_reset(&l);
    l.fail_at = k;
    l.fail_forever = forever;
    (void)nf_fail(NF_ERR_ARG, marker);
    const nf_status status = life_live(&f, c, dtype, s->x, s->cond, s->n, out, value, &l);
    *reached = atomic_load(&l.calls) > k;
    if (status < 0 && (status != NF_ERR_MEMORY || !*nf_last_error() || !strcmp(nf_last_error(), marker))) {
        snprintf(why, WHY_SIZE, "allocation %lld fails: status %s, line: %.200s", k, nf_status_name(status), nf_last_error());
        ok = false;
    }
    if (ok && status == NF_OK && *reached && forever) {
        snprintf(why, WHY_SIZE, "all allocations from %lld on fail, and yet everything succeeds", k);
        ok = false;
    }
    life_end(&f);
    if (ok && (atomic_load(&l.blocks) || atomic_load(&l.damaged))) {
        snprintf(why, WHY_SIZE, "allocation %lld fails: %lld blocks of %lld bytes leak, %lld are damaged", k, atomic_load(&l.blocks),
                 atomic_load(&l.bytes), atomic_load(&l.damaged));
        ok = false;
    }
    free(out), free(value);
    return ok;
}

bool check_failing_allocation(const conformance_case *c, int32_t dtype, char *why)
{
    bool ok = true, reached = true;
    long long k = 0;
    scene s;

    scene_open(&s, c, dtype, 24, 1, NULL);
    while (ok && reached && k < 3000) ok = failing_at(c, dtype, &s, k++, dtype == NF_F64, &reached, why);
    if (ok && (reached || k < 10)) {
        snprintf(why, WHY_SIZE, "%lld allocations: implausible", k);
        ok = false;
    }
    scene_close(&s);
    return ok;
}

/* Files */

static bool saved_equal(const scene *s, const nf_flow *loaded, char *why)
{
    const int64_t count = nf_flow_param_count(s->flow), n = s->n;
    double *theta = support_malloc(2 * count * 8), *value = support_malloc(2 * n * 8);
    void *x = support_malloc(2 * n * s->c->dim * s->size), *x2 = (char *)x + n * s->c->dim * s->size;
    bool ok = nf_flow_dtype(loaded) == s->dtype && nf_flow_param_count(loaded) == count && nf_flow_dim(loaded) == s->c->dim &&
              nf_flow_cond_dim(loaded) == s->c->cond_dim;

    if (!ok) snprintf(why, WHY_SIZE, "load: another dtype, dim, cond_dim or number of parameters");
    if (ok && (nf_flow_get_params(s->flow, count, theta) || nf_flow_get_params(loaded, count, theta + count) ||
               support_differ(theta, theta + count, count, 8) >= 0)) {
        snprintf(why, WHY_SIZE, "load: parameters have other bits");
        ok = false;
    }
    if (ok && (any_log_prob(s->flow, n, s->x, s->cond, value) || any_log_prob(loaded, n, s->x, s->cond, value + n) ||
               support_differ(value, value + n, n, 8) >= 0)) {
        snprintf(why, WHY_SIZE, "load: log_prob has other bits");
        ok = false;
    }
    if (ok && (any_sample(s->flow, 5, 0, n, s->cond, 1, x, NULL) || any_sample(loaded, 5, 0, n, s->cond, 1, x2, NULL) ||
               support_differ(x, x2, n * s->c->dim, s->size) >= 0)) {
        snprintf(why, WHY_SIZE, "load: samples have other bits");
        ok = false;
    }
    free(theta), free(value), free(x);
    return ok;
}

static void *saved_bytes(const nf_flow *flow, int64_t *size)
{
    int64_t again = 0;

    if (nf_flow_save_memory(flow, NULL, 0, size) != NF_OK) return NULL;
    void *bytes = scene_guarded(*size);
    return nf_flow_save_memory(flow, bytes, *size, &again) == NF_OK && again == *size ? bytes : NULL;
}

bool check_save_load(const conformance_case *c, int32_t dtype, char *why)
{
    int64_t size = 0, size_again = 0;
    void *bytes = NULL, *again = NULL;
    nf_flow *loaded = NULL, *described = NULL;
    char *text = NULL;
    bool ok = true;
    scene s;

    scene_open(&s, c, dtype, 60, 1, NULL);
    if (c->custom && nf_context_register_layer(s.context, c->custom)) ok = false;
    bytes = ok ? saved_bytes(s.flow, &size) : NULL;
    ok = bytes && nf_flow_load_memory(&loaded, s.context, bytes, size) == NF_OK;
    if (!ok) snprintf(why, WHY_SIZE, "save and load: %s", nf_last_error());
    ok = ok && saved_equal(&s, loaded, why);
    again = ok ? saved_bytes(loaded, &size_again) : NULL;
    if (ok && (!again || size != size_again || memcmp(bytes, again, (size_t)size))) {
        snprintf(why, WHY_SIZE, "save(load(file)) is another file");
        ok = false;
    }
    if (ok) {
        int64_t length = 0;
        ok = nf_flow_to_json(s.flow, NULL, 0, &length) == NF_OK && (text = support_malloc(length)) &&
             nf_flow_to_json(s.flow, text, length, &length) == NF_OK && nf_flow_from_json(&described, s.context, text) == NF_OK &&
             nf_flow_param_count(described) == nf_flow_param_count(s.flow) && nf_flow_dtype(described) == dtype;
        if (!ok) snprintf(why, WHY_SIZE, "description: %s", nf_last_error());
    }
    nf_flow_unref(described), nf_flow_unref(loaded);
    if (bytes && !scene_free(bytes, size) && ok) {
        snprintf(why, WHY_SIZE, "save_memory wrote outside its buffer");
        ok = false;
    }
    if (again) (void)scene_free(again, size_again);
    free(text);
    scene_close(&s);
    return ok;
}
