/* SPDX-License-Identifier: MIT
 *
 * conformance_test.c - every layer, base and optimizer of the registries keeps every promise, in f32 and in f64
 */
#include "conformance.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Case _i / 2 in f32 (even) or f64 (odd). */
static void conformance_run(const conformance_case *cases, int i, conformance_check check)
{
    char why[WHY_SIZE] = "";
    const int32_t dtype = i % 2 ? NF_F64 : NF_F32;

    if (!check(&cases[i / 2], dtype, why)) ck_abort_msg("%s in %s: %s", cases[i / 2].name, dtype == NF_F32 ? "f32" : "f64", why);
}

#define PROMISE(name, check)                                                                                                       \
    START_TEST(layer__##name) { conformance_run(layer_cases, _i, check); }                                                         \
    END_TEST                                                                                                                       \
    START_TEST(base__##name) { conformance_run(base_cases, _i, check); }                                                           \
    END_TEST

PROMISE(inverse_undoes_forward, check_round_trip)
PROMISE(log_det_is_that_of_dense_jacobian, check_log_det)
PROMISE(score_matches_differences, check_score)
PROMISE(gradient_of_theta_matches_differences, check_grad_theta)
PROMISE(operations_match_differences, check_operations)
PROMISE(row_has_same_bits_in_any_batch, check_rows)
PROMISE(threads_do_not_change_bits, check_threads)
PROMISE(sample_is_same_alone_and_scores_itself, check_samples)
PROMISE(row_not_finite_touches_no_other, check_nonfinite)
PROMISE(no_rows_do_nothing, check_empty)
PROMISE(computing_does_not_allocate, check_no_allocation)
PROMISE(failing_allocation_leaks_nothing, check_failing_allocation)
PROMISE(saved_is_loaded_bit_for_bit, check_save_load)
PROMISE(density_integrates_to_one, check_normalised)
START_TEST(layer__samples_are_near_the_density) { conformance_run(layer_cases, _i, check_samples_are_near); }
END_TEST

START_TEST(optimizer__steps_by_its_formula)
{
    char why[WHY_SIZE] = "";
    if (!check_optimizer(&optimizer_cases[_i / 2], _i % 2 ? NF_F64 : NF_F32, why)) ck_abort_msg("%s: %s", optimizer_cases[_i / 2].name, why);
}
END_TEST

START_TEST(optimizer__clips_and_refuses)
{
    char why[WHY_SIZE] = "";
    if (!check_optimizer_refusals(&optimizer_cases[_i / 2], _i % 2 ? NF_F64 : NF_F32, why))
        ck_abort_msg("%s: %s", optimizer_cases[_i / 2].name, why);
}
END_TEST

/* A row of a registry without a case fails, and so does a case whose name is not that of its type. */

START_TEST(registry__every_layer_has_a_case)
{
    for (int32_t t = 0; nf_layer_type_at(t); t++) {
        bool found = false;
        for (int i = 0; i < layer_case_count; i++) found |= !strcmp(layer_cases[i].layer_type, nf_layer_type_at(t));
        ck_assert_msg(found, "layer type \"%s\" has no case in layer_cases.c", nf_layer_type_at(t));
    }
}
END_TEST

START_TEST(registry__every_base_has_a_case)
{
    for (int32_t t = 0; nf_base_type_at(t); t++) {
        bool found = false;
        for (int i = 0; i < base_case_count; i++) found |= !strcmp(base_cases[i].base_type, nf_base_type_at(t));
        ck_assert_msg(found, "base type \"%s\" has no case in base_cases.c", nf_base_type_at(t));
    }
}
END_TEST

START_TEST(registry__every_optimizer_has_a_case)
{
    for (int32_t t = 0; nf_optimizer_type_at(t); t++) {
        bool found = false;
        for (int i = 0; i < optimizer_case_count; i++) found |= !strcmp(optimizer_cases[i].type, nf_optimizer_type_at(t));
        ck_assert_msg(found, "optimizer type \"%s\" has no case in optimizer_cases.c", nf_optimizer_type_at(t));
    }
}
END_TEST

/* Negative controls: the harness itself must see what is wrong. */

static const struct control {
    const char *name; /* of the case */
    conformance_check check;
    const char *reason; /* a part of it */
} controls[] = {
    { "broken/log_det", check_log_det, "log-det" },          { "broken/log_det", check_grad_theta, "grad of theta" },
    { "broken/inverse", check_round_trip, "inverse" },       { "broken/inverse", check_samples, "sample" },
    { "broken/grad_theta", check_grad_theta, "differences" }, { "broken/grad_theta", check_operations, "differences" },
    { "broken/grad_x", check_score, "differences" },         { "broken/grad_x", check_operations, "grad of x" },
    { "broken/rows", check_rows, "other bits" },             { "broken/rows", check_samples, "sample" },
    { "broken/inverse_backward", check_operations, "inverse_backward" },
};

static const conformance_case *control_case(const char *name)
{
    for (int i = 0; i < broken_case_count; i++)
        if (!strcmp(broken_cases[i].name, name)) return &broken_cases[i];
    ck_abort_msg("no case %s", name);
    return NULL;
}

START_TEST(control__broken_layer_is_caught)
{
    const struct control *control = &controls[_i / 2];
    char why[WHY_SIZE] = "";

    ck_assert_msg(!control->check(control_case(control->name), _i % 2 ? NF_F64 : NF_F32, why), "%s was not caught", control->name);
    ck_assert_msg(strstr(why, control->reason), "%s was caught for another reason: %s", control->name, why);
}
END_TEST

START_TEST(control__right_layer_passes)
{
    static const conformance_check checks[] = { check_round_trip, check_log_det, check_score, check_grad_theta, check_operations, check_rows,
                                                check_threads, check_samples, check_nonfinite, check_empty, check_no_allocation,
                                                check_failing_allocation, check_save_load };
    conformance_run(broken_cases, _i % 2, checks[_i / 2]);
}
END_TEST
#define RIGHT_CHECKS 13

#define ADD_TO(layers, bases, name)                                                                                                \
    do {                                                                                                                           \
        tcase_add_loop_test(layers, layer__##name, 0, 2 * layer_case_count);                                                       \
        tcase_add_loop_test(bases, base__##name, 0, 2 * base_case_count);                                                          \
    } while (0)
#define ADD(name) ADD_TO(layers, bases, name)

int main(void)
{
    Suite *suite = suite_create("conformance");
    TCase *layers = tcase_create("layers"), *bases = tcase_create("bases"), *others = tcase_create("others");
    TCase *threads = tcase_create("threads"); /* alone by CK_RUN_CASE: what ThreadSanitizer is for */
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(layers, 120);
    tcase_set_timeout(bases, 120);
    tcase_set_timeout(others, 120);
    tcase_set_timeout(threads, 120);
    ADD(inverse_undoes_forward);
    ADD(log_det_is_that_of_dense_jacobian);
    ADD(score_matches_differences);
    ADD(gradient_of_theta_matches_differences);
    ADD(operations_match_differences);
    ADD(row_has_same_bits_in_any_batch);
    ADD_TO(threads, threads, threads_do_not_change_bits);
    ADD(sample_is_same_alone_and_scores_itself);
    ADD(row_not_finite_touches_no_other);
    ADD(no_rows_do_nothing);
    ADD(computing_does_not_allocate);
    ADD(failing_allocation_leaks_nothing);
    ADD(saved_is_loaded_bit_for_bit);
    ADD(density_integrates_to_one);
    tcase_add_loop_test(layers, layer__samples_are_near_the_density, 0, 2 * layer_case_count);
    tcase_add_loop_test(others, optimizer__steps_by_its_formula, 0, 2 * optimizer_case_count);
    tcase_add_loop_test(others, optimizer__clips_and_refuses, 0, 2 * optimizer_case_count);
    tcase_add_test(others, registry__every_layer_has_a_case);
    tcase_add_test(others, registry__every_base_has_a_case);
    tcase_add_test(others, registry__every_optimizer_has_a_case);
    tcase_add_loop_test(others, control__broken_layer_is_caught, 0, 2 * SUPPORT_COUNT(controls));
    tcase_add_loop_test(others, control__right_layer_passes, 0, 2 * RIGHT_CHECKS);
    suite_add_tcase(suite, others);
    suite_add_tcase(suite, bases);
    suite_add_tcase(suite, layers);
    suite_add_tcase(suite, threads);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
