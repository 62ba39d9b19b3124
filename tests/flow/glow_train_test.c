/* SPDX-License-Identifier: MIT
 *
 * glow_train_test.c - training of flows of images: the same bits everywhere, memory as announced, noise
 */
#include "glow_scene.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_START 0xcbf29ce484222325u

static nf_context *context_of(int32_t isa, int32_t threads, int64_t memory_budget, ledger *book)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.isa = isa;
    config.threads = threads;
    config.memory_budget = memory_budget;
    if (book) {
        config.alloc = ledger_alloc;
        config.free = ledger_free;
        config.alloc_user = book;
    }
    if (nf_context_create(&context, &config) == NF_ERR_UNSUPPORTED) return NULL;
    ck_assert_ptr_nonnull(context);
    return context;
}

/* Bits */

/* Parameters after `steps` Adamax steps on n images, then an epoch of fit. */
static void train(nf_context *context, nf_flow *flow, const glow_case *c, int64_t n, int steps)
{
    const int32_t dtype = nf_flow_dtype(flow);
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 1, .batch = 40, .keep_last = 1 };
    nf_dataset *data = glow_dataset(context, c, dtype, n, 2);
    void *x = glow_images(c, dtype, n, 2), *cond = glow_cond(c, dtype, n);
    nf_optimizer *optimizer = NULL;
    double nll;

    glow_expect(nf_optimizer_adamax_create(&optimizer, context, NULL));
    glow_expect(any_init_data(flow, n, x, cond));
    for (int i = 0; i < steps; i++) {
        glow_expect(any_nll_grad(flow, n, x, cond, NULL, &nll));
        glow_expect(nf_optimizer_step(optimizer, flow));
    }
    glow_expect(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL));
    free(x), free(cond);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
}

/* Some steps and an epoch, then log_prob in batches of 1, 7, 64 and the rest, and samples: every bit. */
static uint64_t run_digest(nf_context *context, const glow_case *c, int32_t dtype, int steps)
{
    enum { N = 100 };
    const int64_t batches[] = { 1, 7, 64, 28 }, size = support_size(dtype), row = glow_dim(c) * size;
    nf_flow *flow = glow_make(context, c, dtype, 0);
    void *x = glow_images(c, dtype, N, 6), *cond = glow_cond(c, dtype, N), *s = support_malloc(N * row);
    double lp[N];
    uint64_t h = DIGEST_START;

    train(context, flow, c, N, steps);
    double *theta = glow_theta(flow);
    h = glow_digest(h, theta, nf_flow_param_count(flow) * 8);
    for (int64_t i = 0, b = 0; i < N; i += batches[b++])
        glow_expect(any_log_prob(flow, batches[b], (char *)x + i * row, cond ? (char *)cond + i * c->cond_dim * size : NULL, lp + i));
    h = glow_digest(h, lp, sizeof lp);
    glow_expect(any_sample(flow, 9, 1000000007, N, cond, 0.9, s, lp));
    h = glow_digest(glow_digest(h, s, N * row), lp, sizeof lp);
    free(theta), free(x), free(cond), free(s);
    nf_flow_unref(flow);
    return h;
}

/* The bits of "affine" after twenty steps on every machine with fused multiply-add, whatever compiler, optimisation and thread count. */
static const uint64_t digests[2] = { 0x5043fcafe8c01223, 0x8442412b6adedfd3 };

static void check_digest(const glow_case *c, int32_t dtype, const int32_t *threads, int n_threads, int steps, uint64_t pinned)
{
    static const int32_t isas[] = { NF_ISA_AVX2, NF_ISA_AVX512, NF_ISA_NEON };
    uint64_t wanted = pinned;
    int ran = 0;

    for (int k = 0; k < SUPPORT_COUNT(isas) * n_threads; k++) {
        nf_context *context = context_of(isas[k / n_threads], threads[k % n_threads], 0, NULL);
        if (!context) continue;
        const uint64_t h = run_digest(context, c, dtype, steps);
        if (!wanted) wanted = h;
        ck_assert_msg(h == wanted, "%s, %s, %d threads: %#llx, not %#llx", c->name, nf_context_isa(context), (int)threads[k % n_threads],
                      (unsigned long long)h, (unsigned long long)wanted);
        nf_context_unref(context);
        ran++;
    }
    if (!ran) printf("skipped: this machine has no fused multiply-add, its last bits are its own\n");
}

START_TEST(digest__is_the_same_everywhere)
{
    static const int32_t threads[] = { 1, 2, 3, 4 };
    check_digest(glow_case_named("affine"), _i ? NF_F64 : NF_F32, threads, 4, 20, digests[_i]);
}
END_TEST

/* Of the other forms, not pinned: instruction sets and threads agree. */
START_TEST(digest__of_other_forms_agrees)
{
    static const int32_t threads[] = { 1, 3 };
    check_digest(&glow_cases[1 + _i], NF_F32, threads, 2, 4, 0);
}
END_TEST

/* Recomputed activations, blocks of one tile: the bits of a context with all the memory it wants. */
START_TEST(memory_budget__changes_no_bit)
{
    const glow_case *c = glow_case_named(_i / 6 ? "realnvp_cond" : "affine");
    const int32_t dtype = _i % 2 ? NF_F64 : NF_F32, threads = 1 + _i / 2 % 3;
    const int64_t budgets[] = { 0, 1, 200000 };
    uint64_t h[3];
    nf_step_memory_report memory[3];

    for (int k = 0; k < 3; k++) {
        nf_context *context = context_of(0, threads, budgets[k], NULL);
        nf_flow *flow = glow_make(context, c, dtype, 0);
        memory[k] = (nf_step_memory_report){ .struct_size = sizeof memory[k] };
        glow_expect(nf_flow_step_memory(flow, 100, &memory[k]));
        h[k] = run_digest(context, c, dtype, 5);
        nf_flow_unref(flow);
        nf_context_unref(context);
    }
    ck_assert(memory[0].recompute == 0 && memory[1].recompute == 1);
    ck_assert(memory[1].hidden < memory[0].hidden && memory[1].inputs <= memory[0].inputs);
    ck_assert_msg(h[0] == h[1] && h[0] == h[2], "%#llx, %#llx, %#llx", (unsigned long long)h[0], (unsigned long long)h[1], (unsigned long long)h[2]);
}
END_TEST

/* Memory */

static nf_step_memory_report memory_of(const nf_flow *flow, int64_t n)
{
    nf_step_memory_report r = { .struct_size = sizeof r };
    glow_expect(nf_flow_step_memory(flow, n, &r));
    ck_assert_int_eq(r.total, r.params + r.gradients + r.inputs + r.hidden + r.scratch);
    return r;
}

/* With a tight budget twice the steps take twice the inputs, weights and gradients, but no more hidden activations. */
START_TEST(step_memory__hidden_does_not_grow_with_depth)
{
    const glow_case *c = glow_case_named(_i % 2 ? "additive" : "affine");
    nf_context *tight = context_of(0, 1 + _i / 2, 1, NULL), *wide = context_of(0, 1 + _i / 2, 0, NULL);
    nf_step_memory_report r[2], w[2];

    for (int k = 0; k < 2; k++) {
        nf_flow *flow = glow_make(tight, c, NF_F32, k ? 16 : 8), *other = glow_make(wide, c, NF_F32, k ? 16 : 8);
        r[k] = memory_of(flow, 64);
        w[k] = memory_of(other, 64);
        nf_flow_unref(flow);
        nf_flow_unref(other);
    }
    ck_assert(r[0].recompute && r[1].recompute && !w[0].recompute && !w[1].recompute);
    ck_assert_int_eq(r[1].hidden, r[0].hidden);
    ck_assert_int_eq(r[1].scratch, r[0].scratch);
    ck_assert(2 * r[1].inputs > 3 * r[0].inputs && 2 * r[1].params > 3 * r[0].params);
    ck_assert_int_eq(r[1].total - r[0].total, r[1].inputs - r[0].inputs + r[1].params - r[0].params + r[1].gradients - r[0].gradients);
    ck_assert(2 * w[1].hidden > 3 * w[0].hidden); /* the control: without the budget it does */
    nf_context_unref(tight);
    nf_context_unref(wide);
}
END_TEST

/* What the first gradient takes from the allocator, and what the flow has taken before. */
START_TEST(step_memory__is_what_is_allocated)
{
    static const int64_t rows[] = { 1, 10, 100, 700 };
    const glow_case *c = &glow_cases[_i % glow_case_count];
    const int64_t budget = _i / glow_case_count ? 1 : 0;
    ledger book;
    double nll;

    for (int k = 0; k < SUPPORT_COUNT(rows); k++) {
        ledger_reset(&book);
        nf_context *context = context_of(0, 1, budget, &book);
        nf_flow *flow = glow_make(context, c, NF_F32, 0);
        void *x = glow_images(c, NF_F32, rows[k], 3), *cond = glow_cond(c, NF_F32, rows[k]);
        nf_flow_info_report info = { .struct_size = sizeof info };
        const nf_step_memory_report r = memory_of(flow, rows[k]);
        glow_expect(nf_flow_info(flow, &info));
        const long long before = atomic_load(&book.bytes);
        glow_expect(nf_flow_nll_grad(flow, rows[k], x, cond, &nll));
        const double taken = (double)(atomic_load(&book.bytes) - before), announced = (double)(r.total - info.bytes_params - info.bytes_packed);
        ck_assert_msg(fabs(taken - announced) <= 0.01 * announced + 1024, "%s, %d rows: %g bytes announced, %g taken (gradients %g)", c->name,
                      (int)rows[k], announced, taken, (double)r.gradients);
        glow_expect(nf_flow_nll_grad(flow, rows[k], x, cond, &nll));
        ck_assert_int_eq(atomic_load(&book.bytes) - before, (long long)taken); /* and no more at the next */
        free(x), free(cond);
        nf_flow_unref(flow);
        nf_context_unref(context);
        ck_assert(atomic_load(&book.blocks) == 0 && atomic_load(&book.damaged) == 0);
    }
}
END_TEST

/* Several workers take no more than announced. */
START_TEST(step_memory__bounds_several_threads)
{
    const glow_case *c = glow_case_named("affine");
    ledger book;
    double nll;

    ledger_reset(&book);
    nf_context *context = context_of(0, 3, 0, &book);
    nf_flow *flow = glow_make(context, c, NF_F64, 0);
    void *x = glow_images(c, NF_F64, 300, 3);
    nf_flow_info_report info = { .struct_size = sizeof info };
    const nf_step_memory_report r = memory_of(flow, 300);
    glow_expect(nf_flow_info(flow, &info));
    const long long before = atomic_load(&book.bytes);
    glow_expect(nf_flow_nll_grad_f64(flow, 300, x, NULL, &nll));
    const long long taken = atomic_load(&book.bytes) - before, announced = r.total - info.bytes_params - info.bytes_packed;
    ck_assert_int_gt(r.workers, 1);
    ck_assert_msg(taken <= announced + announced / 100 + 1024 && taken > r.gradients, "%lld bytes announced, %lld taken", announced, taken);
    free(x);
    nf_flow_unref(flow);
    nf_context_unref(context);
}
END_TEST

START_TEST(step_memory__refuses_what_it_cannot_answer)
{
    nf_flow *flow = glow_make(NULL, glow_case_named("real"), NF_F32, 0);
    nf_step_memory_report r = { .struct_size = sizeof r, .total = 77 }, old = { .total = 77 };

    glow_refused(nf_flow_step_memory(flow, 0, &r), NF_ERR_SHAPE, "n is 0");
    glow_refused(nf_flow_step_memory(flow, -5, &r), NF_ERR_SHAPE, "n is -5");
    glow_refused(nf_flow_step_memory(NULL, 1, &r), NF_ERR_NULL, "flow");
    glow_refused(nf_flow_step_memory(flow, 1, NULL), NF_ERR_NULL, "report");
    glow_refused(nf_flow_step_memory(flow, 1, &old), NF_ERR_CONFIG_SMALL, "struct_size");
    ck_assert(r.total == 77 && old.total == 77);
    nf_flow_unref(flow);
}
END_TEST

/* Noise */

#define EPOCHS 6

static int32_t note_norm(void *user, const nf_fit_progress *progress)
{
    double *norm = user;
    if (!progress->end_of_epoch && progress->epoch >= 1 && progress->epoch <= EPOCHS) norm[progress->epoch - 1] = progress->grad_norm;
    return 0;
}

/* Norms of the gradient of the same 8 images, epoch after epoch, at a learning rate that moves nothing. */
static void epoch_norms(const glow_case *c, uint64_t seed, double norm[EPOCHS])
{
    nf_fit_config fit = { .struct_size = sizeof fit, .epochs = EPOCHS, .batch = 8, .progress_steps = 1, .progress = note_norm,
                          .progress_user = norm, .seed = seed };
    const nf_sgd_config sgd = { .struct_size = sizeof sgd, .lr = 1e-30 };
    nf_flow *flow = glow_make(NULL, c, NF_F64, 0);
    nf_dataset *data = glow_dataset(NULL, c, NF_F64, 8, 12);
    nf_optimizer *optimizer = NULL;

    for (int k = 0; k < EPOCHS; k++) norm[k] = 0;
    glow_expect(nf_optimizer_sgd_create(&optimizer, NULL, &sgd));
    glow_expect(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL));
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    nf_flow_unref(flow);
}

START_TEST(fit__noise_is_fresh_each_epoch_and_the_same_by_seed)
{
    double norm[EPOCHS], again[EPOCHS];

    epoch_norms(glow_case_named("affine"), 5, norm);
    epoch_norms(glow_case_named("affine"), 5, again);
    ck_assert_mem_eq(norm, again, sizeof norm);
    for (int a = 0; a < EPOCHS; a++) {
        ck_assert(norm[a] > 0);
        for (int b = 0; b < a; b++) ck_assert_msg(fabs(norm[a] / norm[b] - 1) > 1e-6, "epochs %d and %d: %.17g and %.17g", a, b, norm[a], norm[b]);
    }
    epoch_norms(glow_case_named("real"), 5, norm); /* the control: without noise only the order of the sums differs */
    for (int a = 1; a < EPOCHS; a++) ck_assert_msg(fabs(norm[a] / norm[0] - 1) < 1e-10, "epoch %d: %.17g and %.17g", a, norm[a], norm[0]);
}
END_TEST

/* Checkpoints */

static int32_t stop_in_epoch_three(void *user, const nf_fit_progress *progress)
{
    (void)user;
    return progress->epoch == 3 && progress->step == 1;
}

/* Parameters after four epochs; `stopped`: stopped in the third, and resumed by a new flow and a new optimizer. */
static double *resumed_theta(const glow_case *c, int32_t dtype, bool stopped)
{
    char path[] = "/tmp/nflow-resume-XXXXXX", previous[sizeof path + 16];
    nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 4, .batch = 10, .seed = 6, .keep_last = 1 };
    nf_dataset *data = glow_dataset(NULL, c, dtype, 30, 8);
    nf_optimizer *optimizer = NULL;
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    const int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    (void)close(file);
    glow_expect(nf_optimizer_adamax_create(&optimizer, NULL, NULL));
    if (stopped) {
        fit.checkpoint = path;
        fit.progress_steps = 1;
        fit.progress = stop_in_epoch_three;
        ck_assert_int_eq(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL), NF_STOPPED);
        nf_flow_unref(flow);
        nf_optimizer_unref(optimizer);
        flow = glow_make(NULL, c, dtype, 0);
        glow_expect(nf_optimizer_adamax_create(&optimizer, NULL, NULL));
        fit = (nf_fit_config){ .struct_size = sizeof fit, .epochs = 4, .batch = 10, .seed = 6, .keep_last = 1, .resume = path };
    }
    glow_expect(nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL));
    double *theta = glow_theta(flow);
    (void)snprintf(previous, sizeof previous, "%s.previous", path);
    (void)unlink(path);
    (void)unlink(previous);
    nf_flow_unref(flow);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    return theta;
}

START_TEST(resume__ends_in_the_bits_of_a_run_that_was_not_stopped)
{
    const glow_case *c = &glow_cases[_i / 2];
    const int32_t dtype = _i % 2 ? NF_F64 : NF_F32;
    nf_flow *flow = glow_make(NULL, c, dtype, 0);
    double *whole = resumed_theta(c, dtype, false), *parts = resumed_theta(c, dtype, true);

    ck_assert_int_eq(support_differ(whole, parts, nf_flow_param_count(flow), 8), -1);
    free(whole), free(parts);
    nf_flow_unref(flow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("glow_train");
    TCase *cases = tcase_create("glow_train");

    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, digest__is_the_same_everywhere, 0, 2);
    tcase_add_loop_test(cases, digest__of_other_forms_agrees, 0, glow_case_count - 1);
    tcase_add_loop_test(cases, memory_budget__changes_no_bit, 0, 12);
    tcase_add_loop_test(cases, step_memory__hidden_does_not_grow_with_depth, 0, 4);
    tcase_add_loop_test(cases, step_memory__is_what_is_allocated, 0, 2 * glow_case_count);
    tcase_add_test(cases, step_memory__bounds_several_threads);
    tcase_add_test(cases, step_memory__refuses_what_it_cannot_answer);
    tcase_add_loop_test(cases, resume__ends_in_the_bits_of_a_run_that_was_not_stopped, 0, 2 * glow_case_count);
    tcase_add_test(cases, fit__noise_is_fresh_each_epoch_and_the_same_by_seed);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
