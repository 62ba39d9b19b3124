/* SPDX-License-Identifier: MIT
 *
 * threads_test.c - one flow, many threads of the host, no lock: the bits of a serial run
 *
 * Half of the threads score, sample, invert and save a shared flow; the other half create, load, train and release flows of their own
 * in the same context. Under ThreadSanitizer this is the test that matters most. NFLOW_ROUNDS sets how many calls each thread makes.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nflow/nflow.h>

#define THREADS 8
#define ROWS 1200
#define FILE_BYTES (1 << 18)

typedef struct scene {
    nf_context *context;
    nf_flow *flow;
    nf_dataset *data;
    float x[2 * ROWS], sampled[2 * ROWS], inverted[2 * ROWS], scored[2 * ROWS];
    double log_prob[ROWS], sampled_log_prob[ROWS];
    char file[FILE_BYTES];
    int64_t file_size;
    int rounds;
    atomic_int wrong;
} scene;

typedef struct worker {
    pthread_t thread;
    scene *s;
    int number;
} worker;

static nf_flow *small_flow(nf_context *context, uint64_t seed)
{
    static const int64_t hidden[2] = { 24, 24 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    nf_flow *flow = NULL;

    config.dim = 2;
    config.layers = 4;
    config.hidden = hidden;
    config.n_hidden = 2;
    config.seed = seed;
    return nf_flow_create_realnvp(&flow, context, &config) == NF_OK ? flow : NULL;
}

static void scene_make(scene *s)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    const char *rounds = getenv("NFLOW_ROUNDS");
    nf_flow *twin = NULL;

    config.threads = 2; /* the pool is shared by all of them */
    s->rounds = rounds ? atoi(rounds) : 60;
    atomic_init(&s->wrong, 0);
    ck_assert_int_eq(nf_context_create(&s->context, &config), NF_OK);
    ck_assert_ptr_nonnull(s->flow = small_flow(s->context, 1));
    ck_assert_int_eq(nf_dataset_synthetic(&s->data, s->context, "moons", ROWS, -1, 1), NF_OK);
    ck_assert_int_eq(nf_dataset_copy(s->data, 0, ROWS, s->x, NULL), NF_OK);
    ck_assert_int_eq(nf_flow_init_data(s->flow, ROWS, s->x, NULL), NF_OK);
    ck_assert_int_eq(nf_flow_log_prob(s->flow, ROWS, s->x, NULL, s->log_prob), NF_OK);
    ck_assert_int_eq(nf_flow_sample(s->flow, 5, 0, ROWS, NULL, 1.0, s->sampled, s->sampled_log_prob), NF_OK);
    ck_assert_int_eq(nf_flow_inverse(s->flow, ROWS, s->x, NULL, s->inverted, NULL), NF_OK);
    ck_assert_int_eq(nf_flow_save_memory(s->flow, s->file, FILE_BYTES, &s->file_size), NF_OK);
    /* by a twin: the shared flow has not taken a gradient when the threads begin */
    ck_assert_int_eq(nf_flow_load_memory(&twin, s->context, s->file, s->file_size), NF_OK);
    ck_assert_int_eq(nf_flow_score(twin, ROWS, s->x, NULL, NULL, s->scored), NF_OK);
    nf_flow_unref(twin);
}

static void expect(scene *s, bool good, const char *what)
{
    if (good) return;
    if (atomic_fetch_add(&s->wrong, 1) < 5) printf("wrong: %s: %s\n", what, nf_last_error());
}

/* One call on the shared flow; n rows from a place of its own. */
static void share(scene *s, int round, char *file)
{
    double log_prob[ROWS];
    float x[2 * ROWS];
    const int64_t first = round * 37 % (ROWS / 2), n = 1 + round * 101 % (ROWS / 2);
    int64_t size;

    switch (round % 5) {
    case 0:
        expect(s, nf_flow_log_prob(s->flow, n, s->x + 2 * first, NULL, log_prob) == NF_OK, "log_prob");
        expect(s, !memcmp(log_prob, s->log_prob + first, (size_t)n * sizeof *log_prob), "bits of log_prob");
        break;
    case 1:
        expect(s, nf_flow_sample(s->flow, 5, first, n, NULL, 1.0, x, log_prob) == NF_OK, "sample");
        expect(s, !memcmp(x, s->sampled + 2 * first, (size_t)n * 2 * sizeof *x), "bits of samples");
        break;
    case 2:
        expect(s, nf_flow_inverse(s->flow, n, s->x + 2 * first, NULL, x, NULL) == NF_OK, "inverse");
        expect(s, !memcmp(x, s->inverted + 2 * first, (size_t)n * 2 * sizeof *x), "bits of the inverse");
        break;
    case 3: /* the first of these make what only gradients need, at the same time */
        expect(s, nf_flow_score(s->flow, n, s->x + 2 * first, NULL, log_prob, x) == NF_OK, "score");
        expect(s, !memcmp(x, s->scored + 2 * first, (size_t)n * 2 * sizeof *x), "bits of the score");
        break;
    default:
        expect(s, nf_flow_save_memory(s->flow, file, FILE_BYTES, &size) == NF_OK && size == s->file_size, "save");
        expect(s, !memcmp(file, s->file, (size_t)s->file_size), "bytes of the file");
    }
}

/* One life of a flow of its own. */
static void own(scene *s, int round)
{
    double log_prob[ROWS], nll;
    nf_flow *flow = NULL;

    if (round % 2) {
        expect(s, nf_flow_load_memory(&flow, s->context, s->file, s->file_size) == NF_OK, "load");
        expect(s, nf_flow_log_prob(flow, ROWS, s->x, NULL, log_prob) == NF_OK, "log_prob of a loaded flow");
        expect(s, !memcmp(log_prob, s->log_prob, sizeof log_prob), "bits of a loaded flow");
    } else {
        flow = small_flow(s->context, (uint64_t)round);
        expect(s, flow && nf_flow_nll_grad(flow, 200, s->x, NULL, &nll) == NF_OK, "nll_grad");
    }
    nf_flow_unref(flow);
}

static void *work(void *arg)
{
    worker *w = arg;
    scene *s = w->s;
    char *file = malloc(FILE_BYTES);

    for (int round = 0; round < s->rounds; round++) {
        nf_flow *held = nf_flow_ref(s->flow);
        if (w->number % 2)
            own(s, round + w->number);
        else
            share(s, round + w->number, file);
        nf_flow_unref(held);
    }
    free(file);
    return NULL;
}

START_TEST(threads__share_a_flow_and_keep_its_bits)
{
    static scene s;
    worker workers[THREADS];

    scene_make(&s);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){ .s = &s, .number = i };
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    ck_assert_int_eq(atomic_load(&s.wrong), 0);
    nf_dataset_unref(s.data);
    nf_flow_unref(s.flow);
    nf_context_unref(s.context);
}
END_TEST

/* A second exclusive call at the same time is refused, never mixed in. */
static void *train_alone(void *arg)
{
    scene *s = arg;
    double nll;

    for (int round = 0; round < s->rounds; round++) {
        const nf_status status = nf_flow_nll_grad(s->flow, ROWS, s->x, NULL, &nll);
        expect(s, status == NF_OK || status == NF_ERR_BUSY, "nll_grad");
    }
    return NULL;
}

START_TEST(threads__exclusive_calls_are_refused_or_whole)
{
    static scene s;
    pthread_t threads[3];

    scene_make(&s);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, train_alone, &s), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&s.wrong), 0);
    nf_dataset_unref(s.data);
    nf_flow_unref(s.flow);
    nf_context_unref(s.context);
}
END_TEST

START_TEST(threads__control_sees_other_bits)
{
    static scene s;

    scene_make(&s);
    s.log_prob[ROWS - 1] += 1e-9;
    own(&s, 1);
    ck_assert_int_eq(atomic_load(&s.wrong), 1);
    nf_dataset_unref(s.data);
    nf_flow_unref(s.flow);
    nf_context_unref(s.context);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *cases = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 300);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, threads__share_a_flow_and_keep_its_bits);
    tcase_add_test(cases, threads__exclusive_calls_are_refused_or_whole);
    tcase_add_test(cases, threads__control_sees_other_bits);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
