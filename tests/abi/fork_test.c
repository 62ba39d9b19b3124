/* SPDX-License-Identifier: MIT
 *
 * fork_test.c - a child made after the pool was used evaluates, trains and lets go of everything, and its parent does not notice
 *
 * Children get FORK_SECONDS by alarm. NFLOW_FORKS sets how many are made; the control is a child that hangs.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nflow/nflow.h>

#define FORK_SECONDS 5
#define ROWS 1500 /* blocks for every thread */

typedef struct scene {
    nf_context *context;
    nf_flow *flow;
    nf_dataset *data;
    float x[2 * ROWS];
    double expected[ROWS];
} scene;

static int fork_count(int preset)
{
    const char *text = getenv("NFLOW_FORKS");

    return text ? atoi(text) : preset;
}

static void scene_make(scene *s, int32_t threads, int32_t backend)
{
    static const int64_t hidden[2] = { 64, 64 };
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_realnvp_config realnvp = NF_REALNVP_CONFIG_INIT;

    config.threads = threads;
    config.backend = backend;
    realnvp.dim = 2;
    realnvp.hidden = hidden;
    realnvp.n_hidden = 2;
    ck_assert_int_eq(nf_context_create(&s->context, &config), NF_OK);
    ck_assert_int_eq(nf_flow_create_realnvp(&s->flow, s->context, &realnvp), NF_OK);
    ck_assert_int_eq(nf_dataset_synthetic(&s->data, s->context, "moons", ROWS, -1, 3), NF_OK);
    ck_assert_int_eq(nf_dataset_copy(s->data, 0, ROWS, s->x, NULL), NF_OK);
    ck_assert_int_eq(nf_flow_log_prob(s->flow, ROWS, s->x, NULL, s->expected), NF_OK);
}

static void scene_free(scene *s)
{
    nf_dataset_unref(s->data);
    nf_flow_unref(s->flow);
    nf_context_unref(s->context);
}

/* What a child does: 0 when all is as in the parent. */
static int child_evaluate(scene *s)
{
    double log_prob[ROWS];

    for (int round = 0; round < 3; round++)
        if (nf_flow_log_prob(s->flow, ROWS, s->x, NULL, log_prob) != NF_OK || memcmp(log_prob, s->expected, sizeof log_prob)) return 1;
    scene_free(s);
    return 0;
}

static int child_train(scene *s)
{
    nf_optimizer *optimizer = NULL;
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config config = NF_FIT_CONFIG_INIT;

    config.epochs = 1;
    if (nf_optimizer_adam_create(&optimizer, s->context, &adam) != NF_OK) return 1;
    if (nf_flow_fit(s->flow, optimizer, s->data, NULL, &config, NULL) != NF_OK) return 2;
    nf_optimizer_unref(optimizer);
    scene_free(s);
    return 0;
}

static int child_hang(scene *s)
{
    (void)s;
    pause();
    return 0;
}

/* How the child ended, as of waitpid. */
static int in_child(scene *s, int (*work)(scene *), unsigned seconds)
{
    int status = -1;

    fflush(NULL);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL); /* Check's own handler would end the whole test */
        alarm(seconds);
        _exit(work(s));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(fork__children_evaluate_and_end)
{
    static scene s;
    const int n = fork_count(150);
    int wrong = 0;

    scene_make(&s, 4, _i ? NF_BACKEND_CBLAS : NF_BACKEND_NATIVE);
    for (int i = 0; i < n && wrong < 5; i++) {
        const int status = in_child(&s, child_evaluate, FORK_SECONDS);
        if (status != 0) {
            printf("child %d: wait status %#x%s\n", i, (unsigned)status, WIFSIGNALED(status) ? " (hung or crashed)" : "");
            wrong++;
        }
        double again[ROWS]; /* the parent's pool still works */
        ck_assert_int_eq(nf_flow_log_prob(s.flow, ROWS, s.x, NULL, again), NF_OK);
        ck_assert_int_eq(memcmp(again, s.expected, sizeof again), 0);
    }
    ck_assert_int_eq(wrong, 0);
    scene_free(&s);
}
END_TEST

START_TEST(fork__children_train)
{
    static scene s;

    scene_make(&s, 3, NF_BACKEND_NATIVE);
    for (int i = 0; i < fork_count(150) / 10; i++) ck_assert_int_eq(in_child(&s, child_train, FORK_SECONDS), 0);
    scene_free(&s);
}
END_TEST

/* Another thread keeps the pool busy while children are made: the child finds it in any state. */
static atomic_int busy_stop;
static void *busy_thread(void *arg)
{
    scene *s = arg;
    static double log_prob[ROWS];

    while (!atomic_load(&busy_stop))
        if (nf_flow_log_prob(s->flow, ROWS, s->x, NULL, log_prob) != NF_OK) abort();
    return NULL;
}

static int child_evaluate_only(scene *s)
{
    double log_prob[ROWS];

    if (nf_flow_log_prob(s->flow, ROWS, s->x, NULL, log_prob) != NF_OK) return 1;
    return memcmp(log_prob, s->expected, sizeof log_prob) != 0;
}

START_TEST(fork__while_another_thread_computes)
{
    static scene s;
    pthread_t thread;
    int wrong = 0;

    scene_make(&s, 3, NF_BACKEND_NATIVE);
    atomic_store(&busy_stop, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, busy_thread, &s), 0);
    for (int i = 0; i < fork_count(150) && wrong < 3; i++) wrong += in_child(&s, child_evaluate_only, FORK_SECONDS) != 0;
    atomic_store(&busy_stop, 1);
    pthread_join(thread, NULL);
    ck_assert_int_eq(wrong, 0);
    scene_free(&s);
}
END_TEST

START_TEST(fork__control_sees_a_child_that_hangs)
{
    const int status = in_child(NULL, child_hang, 1);

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGALRM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");
    TCase *cases = tcase_create("fork");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, fork__children_evaluate_and_end, 0, 2);
    tcase_add_test(cases, fork__children_train);
    tcase_add_test(cases, fork__while_another_thread_computes);
    tcase_add_test(cases, fork__control_sees_a_child_that_hangs);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
