/* SPDX-License-Identifier: MIT
 *
 * misuse_rows.c - the calls on rows: sizes, NULL arrays, overlaps, the other precision, misaligned arrays
 */
#include "misuse.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct rows_args {
    const nf_flow *flow;
    int64_t n;
    void *in, *cond, *out;
    double *value;
} rows_args;

#define FLOW(a) ((nf_flow *)(uintptr_t)(a)->flow)
#define CALL(name_, ...)                                                                                                                       \
    static nf_status rows_##name_(const rows_args *a) { return nf_flow_##name_ __VA_ARGS__; }
CALL(log_prob, (a->flow, a->n, a->in, a->cond, a->value))
CALL(log_prob_f64, (a->flow, a->n, a->in, a->cond, a->value))
CALL(forward, (a->flow, a->n, a->in, a->cond, a->out, a->value))
CALL(forward_f64, (a->flow, a->n, a->in, a->cond, a->out, a->value))
CALL(inverse, (a->flow, a->n, a->in, a->cond, a->out, a->value))
CALL(inverse_f64, (a->flow, a->n, a->in, a->cond, a->out, a->value))
CALL(score, (a->flow, a->n, a->in, a->cond, a->value, a->out))
CALL(score_f64, (a->flow, a->n, a->in, a->cond, a->value, a->out))
CALL(sample, (a->flow, 1, 0, a->n, a->cond, 1.0, a->out, a->value))
CALL(sample_f64, (a->flow, 1, 0, a->n, a->cond, 1.0, a->out, a->value))
CALL(nll_grad, (FLOW(a), a->n, a->in, a->cond, a->value))
CALL(nll_grad_f64, (FLOW(a), a->n, a->in, a->cond, a->value))
/* The weights are the bytes of the rows' own place in `out`, which these calls do not write. */
CALL(nll_grad_weighted, (FLOW(a), a->n, a->in, a->cond, a->out, a->value))
CALL(nll_grad_weighted_f64, (FLOW(a), a->n, a->in, a->cond, a->out, a->value))

static const double along[2] = { 0.5, -0.25 }, warm[1] = { 0.75 };
static const float along_f32[2] = { 0.5f, -0.25f };
CALL(move, (a->flow, a->n, a->in, a->cond, along_f32, 1.5, a->out))
CALL(move_f64, (a->flow, a->n, a->in, a->cond, along, 1.5, a->out))
CALL(sample_temperatures, (a->flow, 1, 0, a->n, a->cond, 1, warm, a->out))
CALL(sample_temperatures_f64, (a->flow, 1, 0, a->n, a->cond, 1, warm, a->out))

enum { HAS_IN = 1, HAS_OUT = 2, NEEDS_VALUE = 4, ONE_VALUE = 8, NO_VALUE = 16 };
static const struct { const char *function; nf_status (*call)(const rows_args *a); int f64, has; } calls[] = {
#define ROWS(name_, has_) { "nf_flow_" #name_, rows_##name_, 0, has_ }, { "nf_flow_" #name_ "_f64", rows_##name_##_f64, 1, has_ }
    ROWS(log_prob, HAS_IN | NEEDS_VALUE), ROWS(forward, HAS_IN | HAS_OUT), ROWS(inverse, HAS_IN | HAS_OUT),
    ROWS(score, HAS_IN | HAS_OUT), ROWS(sample, HAS_OUT), ROWS(nll_grad, HAS_IN | ONE_VALUE),
    ROWS(nll_grad_weighted, HAS_IN | ONE_VALUE), ROWS(move, HAS_IN | HAS_OUT | NO_VALUE), ROWS(sample_temperatures, HAS_OUT | NO_VALUE),
};

/* Arrays apart from each other in one block. */
static union { double f64[512]; float f32[1024]; char bytes[4096]; } block;

static rows_args good_args(const misuse_scene *s, int f64, int cond)
{
    memset(&block, 0, sizeof block);
    for (int k = 0; k < MISUSE_ROWS; k++) block.f64[250 + k] = 0.5 + k; /* weights, where a call takes them */
    return (rows_args){ .flow = s->flow[f64][cond], .n = MISUSE_ROWS, .in = block.bytes, .cond = cond ? block.bytes + 1000 : NULL,
                        .out = block.bytes + 2000, .value = (double *)(void *)(block.bytes + 3000) };
}

static bool expect(fault_log *log, int i, const rows_args *a, const char *words, nf_status expected)
{
    fault_mark();
    return misuse_expect(log, calls[i].function, words, calls[i].call(a), expected);
}

static bool rows_sizes(fault_log *log, const misuse_scene *s, int i, int cond)
{
    static const struct { int64_t n; nf_status status; } sizes[] = {
        { -1, NF_ERR_SHAPE }, { INT64_MIN, NF_ERR_SHAPE }, { INT64_MAX, NF_ERR_OVERFLOW }, { INT64_MAX / 2, NF_ERR_OVERFLOW },
        { INT64_MAX / 8, NF_ERR_OVERFLOW }, { INT64_C(1) << 62, NF_ERR_OVERFLOW }, { 0, NF_OK }, { 1, NF_OK }, { MISUSE_ROWS, NF_OK },
    };
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(sizes) && ok; k++) {
        rows_args a = good_args(s, calls[i].f64, cond);
        a.n = sizes[k].n;
        ok = expect(log, i, &a, NULL, sizes[k].status);
    }
    return ok;
}

static bool rows_nulls(fault_log *log, const misuse_scene *s, int i, int cond)
{
    rows_args a = good_args(s, calls[i].f64, cond);
    bool ok = true;

    a.in = NULL;
    if (calls[i].has & HAS_IN) ok = expect(log, i, &a, "NULL", NF_ERR_NULL);
    a = good_args(s, calls[i].f64, cond);
    a.out = NULL;
    if (ok && calls[i].has & HAS_OUT) ok = expect(log, i, &a, "NULL", NF_ERR_NULL);
    a = good_args(s, calls[i].f64, cond);
    a.value = NULL;
    if (ok) ok = expect(log, i, &a, NULL, calls[i].has & NEEDS_VALUE ? NF_ERR_NULL : NF_OK);
    a = good_args(s, calls[i].f64, cond);
    a.cond = cond ? NULL : block.bytes + 1000;
    return ok && expect(log, i, &a, "cond", NF_ERR_SHAPE); /* the width is wrong either way: 0 or not */
}

static bool rows_precision(fault_log *log, const misuse_scene *s, int i, int cond)
{
    rows_args a = good_args(s, calls[i].f64, cond);

    a.flow = s->flow[!calls[i].f64][cond];
    return expect(log, i, &a, NULL, NF_ERR_DTYPE);
}

/* Each output onto each other array, at the same place, one element later, and with the last element only. */
static bool rows_overlaps(fault_log *log, const misuse_scene *s, int i, int cond)
{
    const int64_t size = calls[i].f64 ? 8 : 4, shifts[] = { 0, size, (2 * MISUSE_ROWS - 1) * size };
    const bool value = !(calls[i].has & NO_VALUE);
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(shifts) && ok; k++) {
        rows_args a = good_args(s, calls[i].f64, cond);
        a.out = (char *)a.in + shifts[k];
        if (calls[i].has & HAS_IN && calls[i].has & HAS_OUT) ok = expect(log, i, &a, NULL, NF_ERR_ALIAS);
        a = good_args(s, calls[i].f64, cond);
        a.value = (double *)(void *)((char *)a.in + shifts[k] / 8 * 8);
        if (ok && value && calls[i].has & HAS_IN) ok = expect(log, i, &a, NULL, NF_ERR_ALIAS);
        a = good_args(s, calls[i].f64, cond);
        a.value = (double *)(void *)((char *)a.out + shifts[k] / 8 * 8);
        if (ok && value && calls[i].has & HAS_OUT) ok = expect(log, i, &a, NULL, NF_ERR_ALIAS);
        a = good_args(s, calls[i].f64, cond);
        a.out = a.cond;
        if (ok && cond && calls[i].has & HAS_OUT) ok = expect(log, i, &a, NULL, NF_ERR_ALIAS);
        a = good_args(s, calls[i].f64, cond);
        a.value = a.cond;
        if (ok && value && cond) ok = expect(log, i, &a, NULL, NF_ERR_ALIAS);
    }
    return ok;
}

bool misuse_rows(fault_log *log)
{
    misuse_scene s;
    bool ok = true;

    misuse_open(&s);
    for (int k = 0; k < 2 * SUPPORT_COUNT(calls) && ok; k++)
        ok = rows_sizes(log, &s, k / 2, k % 2) && rows_nulls(log, &s, k / 2, k % 2) && rows_precision(log, &s, k / 2, k % 2) &&
             rows_overlaps(log, &s, k / 2, k % 2);
    misuse_close(&s);
    return ok;
}

/* Arrays at odd addresses give the bits of aligned ones. Outputs are compared as bytes. */
static bool unaligned_one(fault_log *log, const misuse_scene *s, int i, int cond, int offset)
{
    static char want[1000], moved[4096];
    rows_args a = good_args(s, calls[i].f64, cond);
    const int64_t size = calls[i].f64 ? 8 : 4, out_bytes = calls[i].has & HAS_OUT ? 2 * MISUSE_ROWS * size : 0;
    const int64_t value_bytes = calls[i].has & ONE_VALUE ? 8 : 8 * MISUSE_ROWS;

    for (int k = 0; k < 2 * MISUSE_ROWS; k++) support_set(calls[i].f64 ? NF_F64 : NF_F32, a.in, k, 0.37 * k - 2);
    if (calls[i].has & HAS_IN && offset % 2) support_set(calls[i].f64 ? NF_F64 : NF_F32, a.in, 3, NAN); /* the way of rows that are spoilt */
    const nf_status status = calls[i].call(&a);
    if (status < 0) return fault_fails(log, "%s: %s", calls[i].function, nf_last_error());
    memcpy(want, a.out, (size_t)out_bytes);
    memcpy(want + 500, a.value, (size_t)value_bytes);
    memcpy(moved + offset, block.bytes, sizeof moved - 64);
    memset(moved + offset + 2000 + 8 * MISUSE_ROWS, 0, 2000 - 8 * MISUSE_ROWS); /* the weights stay */
    /* through integers: the addresses are not those of the types */
    a.in = (void *)((uintptr_t)moved + (uintptr_t)offset);
    a.cond = cond ? (void *)((uintptr_t)moved + (uintptr_t)offset + 1000) : NULL;
    a.out = (void *)((uintptr_t)moved + (uintptr_t)offset + 2000);
    a.value = (double *)((uintptr_t)moved + (uintptr_t)offset + 3000);
    log->points++;
    if (calls[i].call(&a) != status) return fault_fails(log, "%s, moved by %d: %s", calls[i].function, offset, nf_last_error());
    if (memcmp(want, (const void *)a.out, (size_t)out_bytes) || memcmp(want + 500, (const void *)a.value, (size_t)value_bytes))
        return fault_fails(log, "%s, moved by %d: other bits", calls[i].function, offset);
    return true;
}

bool misuse_unaligned(fault_log *log)
{
    misuse_scene s;
    bool ok = true;

    misuse_open(&s);
    for (int k = 0; k < 2 * SUPPORT_COUNT(calls) && ok; k++)
        for (int offset = 1; offset < 16 && ok; offset++) ok = unaligned_one(log, &s, k / 2, k % 2, offset);
    misuse_close(&s);
    return ok;
}
