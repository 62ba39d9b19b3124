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

#define FULL(name_, dim_)                                                                                                          \
    { .name = "normal_full/" name_, .base_type = "normal_full", .dim = dim_,                                                       \
      .base_config = &(const nf_base_normal_full_config){ .struct_size = sizeof(nf_base_normal_full_config), .dim = dim_ } }
#define MIXTURE(name_, dim_, components_)                                                                                          \
    { .name = "mixture/" name_, .base_type = "mixture", .dim = dim_,                                                               \
      .base_config = &(const nf_base_mixture_config){ .struct_size = sizeof(nf_base_mixture_config), .dim = dim_,                  \
                                                      .components = components_ } }
/* Kinks and tails that are powers are no matter for the grid of `normalised`: `elsewhere`, in bases_test.c, at 1e-8 */
#define STUDENT(name_, dim_, ...)                                                                                                  \
    { .name = "student/" name_, .base_type = "student", .dim = dim_, .elsewhere = true,                                            \
      .base_config = &(const nf_base_student_config){ .struct_size = sizeof(nf_base_student_config), .dim = dim_, __VA_ARGS__ } }
#define LAPLACE(name_, dim_, ...)                                                                                                  \
    { .name = "laplace/" name_, .base_type = "laplace", .dim = dim_, .elsewhere = true,                                            \
      .base_config = &(const nf_base_laplace_config){ .struct_size = sizeof(nf_base_laplace_config), .dim = dim_, __VA_ARGS__ } }
#define LOGISTIC(name_, dim_, ...)                                                                                                 \
    { .name = "logistic/" name_, .base_type = "logistic", .dim = dim_, .elsewhere = true,                                          \
      .base_config = &(const nf_base_logistic_config){ .struct_size = sizeof(nf_base_logistic_config), .dim = dim_, __VA_ARGS__ } }

/* The grid of `normalised` goes from -1 to 1 for a box, which is all of it when it is the default. */
#define BOX(name_, dim_, from, to, ...)                                                                                            \
    { .name = "box/" name_, .base_type = "box", .dim = dim_, .low = from, .high = to,                                              \
      .base_config = &(const nf_base_box_config){ .struct_size = sizeof(nf_base_box_config), .dim = dim_, __VA_ARGS__ } }

static const double wide_low[] = { -9.0, 0.0 }, wide_high[] = { 9.0, 0.0 };
static const double box_low[] = { -2.385, -3.5, -2.5, 0.0 }, box_high[] = { 0.7613, 2.0, 1.25, 0.0 };
/* `normalised` integrates it for one condition */
#define CONDITIONAL(name_, dim_, cond_, ...)                                                                                       \
    { .name = "normal_conditional/" name_, .base_type = "normal_conditional", .dim = dim_, .cond_dim = cond_,                      \
      .base_config = &(const nf_base_normal_conditional_config){ .struct_size = sizeof(nf_base_normal_conditional_config),         \
                                                                 .dim = dim_, .cond_dim = cond_, .activation = NF_ACTIVATION_TANH, __VA_ARGS__ } }

static const int64_t hidden[] = { 8, 5 }, no_hidden[] = { 0 };
static const double full_mean[] = { 0.5, -1.0, 0.25 };
static const double full_covariance[] = { 1.5, 0.5, -0.25, 0.5, 0.75, 0.125, -0.25, 0.125, 1.0 };

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
    BOX("default", 2, -0.99, 0.99, .n_low = 0),
    { .name = "box/normal", .base_type = "box", .dim = 2, .low = -9, .high = 9, .integral = 1e-6,
      .base_config = &(const nf_base_box_config){ .struct_size = sizeof(nf_base_box_config), .dim = 2, .low = wide_low, .n_low = 2, .high = wide_high,
                                                  .n_high = 2, .normal = columns + 1, .n_normal = 1 } },
    BOX("four", 4, -2.37, 0.75, .low = box_low, .n_low = 4, .high = box_high, .n_high = 4, .normal = columns, .n_normal = 1),
    FULL("one_column", 1),
    FULL("two", 2),
    FULL("seven", 7),
    { .name = "normal_full/given", .base_type = "normal_full", .dim = 3,
      .base_config = &(const nf_base_normal_full_config){ .struct_size = sizeof(nf_base_normal_full_config), .dim = 3, .fixed = 1,
                                                          .mean = full_mean, .n_mean = 3, .covariance = full_covariance, .n_covariance = 9 } },
    MIXTURE("one_column", 1, 3),
    MIXTURE("two", 2, 4),
    MIXTURE("single", 3, 1),
    MIXTURE("five", 5, 7),
    STUDENT("one_column", 1, .df = 3),
    STUDENT("two", 2, .reserved = 0),
    STUDENT("fixed", 3, .df_fixed = 1, .fixed = 1),
    LAPLACE("one_column", 1, .fixed = 0),
    LAPLACE("fixed", 2, .fixed = 1),
    LAPLACE("five", 5, .fixed = 0),
    LOGISTIC("one_column", 1, .fixed = 0),
    LOGISTIC("fixed", 2, .fixed = 1),
    LOGISTIC("five", 5, .fixed = 0),
    CONDITIONAL("one_column", 1, 1, .hidden = hidden, .n_hidden = 2, .bound = 1),
    CONDITIONAL("two", 2, 3, .hidden = hidden, .n_hidden = 1, .bound = 1),
    CONDITIONAL("straight", 3, 2, .hidden = no_hidden, .n_hidden = 1, .bound = 2),
    CONDITIONAL("wide", 5, 7, .weights = NF_WEIGHTS_SPREAD, .bound = 1),
};
const int base_case_count = SUPPORT_COUNT(base_cases);
