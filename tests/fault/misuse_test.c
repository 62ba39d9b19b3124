/* SPDX-License-Identifier: MIT
 *
 * misuse_test.c - calls with arguments that are not allowed: the documented code, and a line that names function and argument
 */
#include "misuse.h"

static bool case_total(fault_log *log)
{
    fault_log all = { 0 };

    (void)(misuse_handles(&all) && misuse_queries(&all) && misuse_rows(&all) && misuse_unaligned(&all) && misuse_config_sizes(&all) && misuse_config_fields(&all));
    log->points = all.points;
    return all.points >= 2000 || fault_fails(log, "only %lld cases", (long long)all.points);
}

static const fault_case cases[] = {
    { "misuse__wrong_handles_are_refused", misuse_handles },
    { "misuse__queries_of_wrong_handles_answer_nothing", misuse_queries },
    { "misuse__wrong_sizes_and_arrays_are_refused", misuse_rows },
    { "misuse__misaligned_arrays_give_the_same_bits", misuse_unaligned },
    { "misuse__config_sizes_have_three_codes", misuse_config_sizes },
    { "misuse__config_values_outside_the_table_are_refused", misuse_config_fields },
    { "misuse__every_code_is_provoked", misuse_codes },
    { "misuse__the_matrix_has_2000_cases", case_total },
    { "misuse__control_wrong_answers_are_caught", misuse_control },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
