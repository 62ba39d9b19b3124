/* SPDX-License-Identifier: MIT
 *
 * base_cases.c - one row per base and shape
 */
#include "conformance.h"

#define NORMAL(name_, dim_)                                                                                                        \
    { .name = "normal/" name_, .base_type = "normal", .dim = dim_,                                                                 \
      .base_config = &(const nf_base_normal_config){ .struct_size = sizeof(nf_base_normal_config), .dim = dim_ } }
#define DIAGONAL(name_, dim_)                                                                                                      \
    { .name = "diagonal/" name_, .base_type = "diagonal", .dim = dim_,                                                             \
      .base_config = &(const nf_base_diagonal_config){ .struct_size = sizeof(nf_base_diagonal_config), .dim = dim_ } }
#define UNIFORM(name_, dim_, low_, high_, from, to)                                                                                \
    { .name = "uniform/" name_, .base_type = "uniform", .dim = dim_, .low = from, .high = to,                                      \
      .base_config = &(const nf_base_uniform_config){ .struct_size = sizeof(nf_base_uniform_config), .dim = dim_, .low = low_,     \
                                                      .high = high_ } }

static const int64_t columns[] = { 3, 1, 2 };
static const double temperature[] = { 1.0, 0.25, 2.0 };

const conformance_case base_cases[] = {
    NORMAL("one_column", 1),
    NORMAL("two", 2),
    NORMAL("seven", 7),
    { .name = "normal/groups", .base_type = "normal", .dim = 6,
      .base_config = &(const nf_base_normal_config){ .struct_size = sizeof(nf_base_normal_config), .dim = 6, .columns = columns,
                                                     .n_columns = 3, .temperature = temperature, .n_temperature = 3 } },
    DIAGONAL("one_column", 1),
    DIAGONAL("two", 2),
    DIAGONAL("five", 5),
    UNIFORM("one_column", 1, 0, 0, -0.99, 0.99),
    UNIFORM("default", 2, 0, 0, -0.99, 0.99),
    UNIFORM("box", 3, -2.385, 0.7613, -2.37, 0.75),
};
const int base_case_count = SUPPORT_COUNT(base_cases);
