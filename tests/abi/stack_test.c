/* SPDX-License-Identifier: MIT
 *
 * stack_test.c - everything runs in a thread with a small stack: 128 KiB, what musl gives by default
 *
 * Wide networks on purpose: their products copy the most to the stack.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <nflow/nflow.h>

#define STACK_BYTES (128 * 1024)
#define ROWS 300
#define DIM 64

static const char *stack_train(nf_flow *flow, const float *x)
{
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    nf_optimizer *optimizer = NULL;
    nf_dataset *data = NULL;
    const char *failed = NULL;

    fit.epochs = 1;
    fit.batch = 128;
    if (nf_optimizer_adam_create(&optimizer, NULL, &adam)) failed = "optimizer";
    if (nf_dataset_from_array(&data, NULL, ROWS, DIM, x)) failed = "dataset";
    if (!failed && nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL)) failed = "fit";
    nf_dataset_unref(data);
    nf_optimizer_unref(optimizer);
    return failed;
}

static const char *stack_file(const nf_flow *flow)
{
    char path[] = "/tmp/nflow-stack-XXXXXX";
    nf_flow *loaded = NULL;
    const char *failed = NULL;

    if (close(mkstemp(path))) return "temporary file";
    if (nf_flow_save(flow, path)) failed = "save";
    if (!failed && nf_flow_load(&loaded, NULL, path)) failed = "load";
    unlink(path);
    nf_flow_unref(loaded);
    return failed;
}

/* The call that failed, or NULL. */
static void *stack_scene(void *unused)
{
    static const int64_t hidden[2] = { 512, 512 };
    nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
    static float x[ROWS * DIM];
    static double log_prob[ROWS];
    nf_check_report report = { .struct_size = sizeof report };
    nf_flow *flow = NULL;
    const char *failed = NULL;

    (void)unused;
    config.dim = DIM;
    config.layers = 2;
    config.hidden = hidden;
    config.n_hidden = 2;
    if (nf_flow_create_realnvp(&flow, NULL, &config)) return (void *)(uintptr_t)"create";
    if (nf_flow_sample(flow, 1, 0, ROWS, NULL, 1.0, x, log_prob)) failed = "sample";
    if (!failed && nf_flow_log_prob(flow, ROWS, x, NULL, log_prob)) failed = "log_prob";
    if (!failed) failed = stack_train(flow, x);
    if (!failed) failed = stack_file(flow);
    if (!failed && nf_flow_check(flow, 20, x, NULL, &report) < 0) failed = "check";
    nf_flow_unref(flow);
    return (void *)(uintptr_t)failed;
}

START_TEST(stack__128_KiB_are_enough)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *failed;

    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, stack_scene, NULL), 0);
    pthread_join(thread, &failed);
    ck_assert_msg(failed == NULL, "%s: %s", failed ? (const char *)failed : "", nf_last_error());
    pthread_attr_destroy(&attributes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stack");
    TCase *cases = tcase_create("stack");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, stack__128_KiB_are_enough);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
