/* SPDX-License-Identifier: MIT
 *
 * layer_cases.c - one row per layer and mode
 */
#include "conformance.h"

#include <nflow/autoregressive.h>
#include <nflow/planar.h>

static const int64_t small[] = { 12, 9 }, none[] = { 0 }, one[] = { 16 }, channels[] = { 2 }, wide[] = { 64, 48 };
static const int64_t columns[] = { 4, 0, 3 };
static const int64_t cycle[] = { 3, 0, 4, 1, 2 };
static const double mean[] = { 2.385, -0.7613, 41.7 }, sd[] = { 0.373, 5.91, 12.25 };

#define COUPLING(name_, dim_, cond_, ...)                                                                                          \
    { .name = "coupling_affine/" name_, .layer_type = "coupling_affine", .dim = dim_, .cond_dim = cond_,                           \
      .layer_config = &(const nf_coupling_affine_config){ .struct_size = sizeof(nf_coupling_affine_config), .dim = dim_,           \
                                                          .cond_dim = cond_, __VA_ARGS__ } }
#define SMALL .hidden = small, .n_hidden = 2
/* Smooth activations keep central differences free of kinks where the row is about something else. */
#define SMOOTH SMALL, .activation = NF_ACTIVATION_TANH

#define AUTO(name_, dim_, cond_, ...)                                                                                              \
    { .name = "autoregressive/" name_, .layer_type = "autoregressive", .dim = dim_, .cond_dim = cond_,                             \
      .layer_config = &(const nf_autoregressive_config){ .struct_size = sizeof(nf_autoregressive_config), .dim = dim_,             \
                                                         .cond_dim = cond_, __VA_ARGS__ } }
/* Gain: f32, where 64 outputs add up, sees too little of steeper curves; any gain is in tests/math/spline_test.c. On the grid of
 * two columns bends of the density at knots are worth 1e-5. */
#define SPLINE(name_, dim_, cond_, ...)                                                                                            \
    { .name = "coupling_spline/" name_, .gain = 0.15, .layer_type = "coupling_spline", .dim = dim_, .cond_dim = cond_,             \
      .layer_config = &(const nf_coupling_spline_config){ .struct_size = sizeof(nf_coupling_spline_config), .dim = dim_,           \
                                                          .cond_dim = cond_, __VA_ARGS__ } }

/* Circles of half period 3.25 or 8 over a base that is uniform there, in other columns normal; the integral is that of two columns and all
 * of [-8, 8], where bends at knots are worth 1e-5. */
#define CIRCLES(name_, dim_, cond_, half_, base_, integral_, ...)                                                                  \
    { .name = "coupling_spline/" name_, .gain = 0.15, .layer_type = "coupling_spline", .dim = dim_, .cond_dim = cond_,             \
      .base_type = "box", .base_config = &base_, .low = -(half_), .high = half_, .integral = integral_,                            \
      .layer_config = &(const nf_coupling_spline_config){ .struct_size = sizeof(nf_coupling_spline_config), .dim = dim_,           \
                                                          .cond_dim = cond_, .bound = half_, __VA_ARGS__ } }

/* Steep splines cost digits of f32 whichever way is solved: a smaller gain. Integrals in one column alone: their densities have bends,
 * circular ones jumps at the ends, which the grid of two columns is too coarse for. */
#define AUTO_SPLINE(name_, dim_, cond_, ...)                                                                                       \
    { .name = "autoregressive/" name_, .gain = 0.2, .layer_type = "autoregressive", .dim = dim_, .cond_dim = cond_,                \
      .layer_config = &(const nf_autoregressive_config){ .struct_size = sizeof(nf_autoregressive_config), .dim = dim_,             \
                                                         .transform = NF_TRANSFORM_SPLINE, .cond_dim = cond_, __VA_ARGS__ } }
#define CONV(name_, h_, w_, c_, cond_, ...)                                                                                        \
    { .name = "coupling_conv/" name_, .gain = 0.15, .layer_type = "coupling_conv", .dim = (h_) * (w_) * (c_), .cond_dim = cond_,                 \
      .layer_config = &(const nf_coupling_conv_config){ .struct_size = sizeof(nf_coupling_conv_config), .height = h_, .width = w_, \
                                                        .channels = c_, .cond_dim = cond_, __VA_ARGS__ } }
#define SPLIT(name_, h_, w_, c_, keep_)                                                                                            \
    { .name = "split/" name_, .layer_type = "split", .dim = (h_) * (w_) * (c_),                                                    \
      .layer_config = &(const nf_split_config){ .struct_size = sizeof(nf_split_config), .height = h_, .width = w_,                 \
                                                .channels = c_, .keep = keep_ } }
/* Fixed steps: the gradient is that of the discrete solution, and differences see the same steps. That of the adjoint has finer ones. */
#define CNF(name_, dim_, cond_, solver_, step_, ...)                                                                               \
    { .name = "cnf/" name_, .layer_type = "cnf", .dim = dim_, .cond_dim = cond_, .solved = 2e-5,                                    \
      .layer_config = &(const nf_cnf_config){ .struct_size = sizeof(nf_cnf_config), .dim = dim_, .cond_dim = cond_,                \
                                              .solver = solver_, .step = step_, .hidden = small, .n_hidden = 2, __VA_ARGS__ } }
/* Traces are exact: estimates keep no log-det. */
#define CNF_IMAGE(name_, h_, w_, c_, ...)                                                                                          \
    { .name = "cnf/" name_, .layer_type = "cnf", .dim = (h_) * (w_) * (c_), .solved = 2e-5, .gain = 0.2,                           \
      .layer_config = &(const nf_cnf_config){ .struct_size = sizeof(nf_cnf_config), .dim = (h_) * (w_) * (c_), .height = h_,       \
                                              .width = w_, .channels = c_, .solver = NF_ODE_RK4, .step = 0.2, .end_time = 0.4,     \
                                              .trace = NF_TRACE_EXACT, __VA_ARGS__ } }
#define LINEAR(name_, dim_, form_)                                                                                                 \
    { .name = "linear/" name_, .layer_type = "linear", .dim = dim_, .gain = 0.2,                                                   \
      .layer_config = &(const nf_linear_config){ .struct_size = sizeof(nf_linear_config), .dim = dim_, .form = form_ } }
#define HOUSEHOLDER(name_, dim_, reflections_)                                                                                     \
    { .name = "householder/" name_, .layer_type = "householder", .dim = dim_,                                                      \
      .layer_config = &(const nf_householder_config){ .struct_size = sizeof(nf_householder_config), .dim = dim_,                   \
                                                      .reflections = reflections_ } }
#define PLANAR(name_, dim_, gain_)                                                                                                 \
    { .name = "planar/" name_, .layer_type = "planar", .dim = dim_, .gain = gain_,                                                 \
      .layer_config = &(const nf_planar_config){ .struct_size = sizeof(nf_planar_config), .dim = dim_ } }
#define RADIAL(name_, dim_)                                                                                                        \
    { .name = "radial/" name_, .layer_type = "radial", .dim = dim_,                                                                \
      .layer_config = &(const nf_radial_config){ .struct_size = sizeof(nf_radial_config), .dim = dim_ } }
#define SYLVESTER(name_, dim_, ...)                                                                                                \
    { .name = "sylvester/" name_, .layer_type = "sylvester", .dim = dim_,                                                          \
      .layer_config = &(const nf_sylvester_config){ .struct_size = sizeof(nf_sylvester_config), .dim = dim_, __VA_ARGS__ } }
#define INVCONV(name_, height_, width_, channels_, form_)                                                                          \
    { .name = "invconv/" name_, .layer_type = "invconv", .dim = height_ * width_ * channels_, .gain = 0.2,                         \
      .layer_config = &(const nf_invconv_config){ .struct_size = sizeof(nf_invconv_config), .height = height_, .width = width_,    \
                                                  .channels = channels_, .form = form_ } }
#define SQUEEZE(name_, height_, width_, channels_, ...)                                                                            \
    { .name = "squeeze/" name_, .layer_type = "squeeze", .dim = height_ * width_ * channels_,                                      \
      .layer_config = &(const nf_squeeze_config){ .struct_size = sizeof(nf_squeeze_config), .height = height_, .width = width_,    \
                                                  .channels = channels_, __VA_ARGS__ } }
#define COLUMNS(name_, low_, high_, whole_, kind_, ...)                                                                            \
    { .name = "columns/" name_, .layer_type = "columns", .dim = 3, .low = low_, .high = high_, .whole = whole_,                     \
      .layer_config = &(const nf_columns_config){ .struct_size = sizeof(nf_columns_config), .dim = 3, .kind = kind_, .n_kind = 3,   \
                                                  __VA_ARGS__ } }
#define DEQUANTISE(name_, dim_, whole_, ...)                                                                                      \
    { .name = "dequantise/" name_, .layer_type = "dequantise", .dim = dim_, .low = 0, .high = 256, .whole = whole_,                \
      .layer_config = &(const nf_dequantise_config){ .struct_size = sizeof(nf_dequantise_config), .dim = dim_, __VA_ARGS__ } }

static const int64_t kinds[] = { NF_COLUMN_BOUNDED, NF_COLUMN_REAL, NF_COLUMN_POSITIVE };
static const int64_t whole_kinds[] = { NF_COLUMN_INTEGER, NF_COLUMN_INTEGER, NF_COLUMN_BOUNDED };

static const int64_t turn_kinds[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL, NF_COLUMN_PERIODIC };

static const int64_t three[] = { 0, 1, 2 }, mixed[] = { 3, 0 }, mixed_others[] = { 1, 2, 4 };
static const double below[] = { -8, -8, 0, -8, 0 }, above[] = { 8, 8, 0, 8, 0 };
static const double narrow_low[] = { -3.25, -3.25, -3.25 }, narrow_high[] = { 3.25, 3.25, 3.25 };
static const nf_base_box_config all_circles = { .struct_size = sizeof all_circles, .dim = 3, .low = narrow_low, .n_low = 3, .high = narrow_high, .n_high = 3 };
static const nf_base_box_config mixed_circles = { .struct_size = sizeof mixed_circles, .dim = 5, .low = below, .n_low = 5, .high = above, .n_high = 5,
                                                  .normal = mixed_others, .n_normal = 3 };
static const nf_base_box_config two_circles = { .struct_size = sizeof two_circles, .dim = 2, .low = below, .n_low = 2, .high = above, .n_high = 2 };
static const nf_base_box_config lone_circle = { .struct_size = sizeof lone_circle, .dim = 1, .low = below, .n_low = 1, .high = above, .n_high = 1 };
static const nf_base_box_config one_circle = { .struct_size = sizeof one_circle, .dim = 2, .low = below, .n_low = 2, .high = above, .n_high = 2,
                                               .normal = three + 1, .n_normal = 1 };
static const double turn_low[] = { -8, 0, -8 }, turn_high[] = { 8, 0, 8 };
static const nf_base_box_config turns = { .struct_size = sizeof turns, .dim = 3, .low = turn_low, .n_low = 3, .high = turn_high, .n_high = 3, .normal = three + 1, .n_normal = 1 };

const conformance_case layer_cases[] = {
    COUPLING("default", 2, 0, .mask = 0),
    COUPLING("alternating", 5, 0, SMOOTH, .mask = NF_MASK_ALTERNATING),
    COUPLING("alternating_swap", 5, 0, SMOOTH, .mask = NF_MASK_ALTERNATING, .swap = 1),
    COUPLING("half", 5, 0, SMOOTH, .mask = NF_MASK_HALF),
    COUPLING("half_swap", 4, 0, SMOOTH, .mask = NF_MASK_HALF, .swap = 1),
    COUPLING("index", 6, 0, SMOOTH, .mask = NF_MASK_INDEX, .index = columns, .n_index = 3),
    COUPLING("index_swap", 6, 0, SMOOTH, .mask = NF_MASK_INDEX, .index = columns, .n_index = 3, .swap = 1),
    COUPLING("cond", 3, 2, SMOOTH, .mask = NF_MASK_ALTERNATING),
    COUPLING("cond_one_column", 1, 3, SMOOTH, .swap = 1),
    COUPLING("cond_one_column_index", 1, 3, SMOOTH, .mask = NF_MASK_INDEX, .index = columns + 1, .n_index = 1),
    COUPLING("separate", 4, 0, SMOOTH, .separate = 1),
    COUPLING("separate_cond", 4, 3, SMOOTH, .separate = 1),
    COUPLING("separate_swap", 3, 0, SMOOTH, .separate = 1, .swap = 1, .random_last = 1),
    COUPLING("wide", 17, 5, .hidden = wide, .n_hidden = 2, .activation = NF_ACTIVATION_SILU),
    COUPLING("empty_net", 4, 0, .hidden = none, .n_hidden = 1),
    COUPLING("one_hidden", 3, 0, .hidden = one, .n_hidden = 1, .activation = NF_ACTIVATION_SILU),
    COUPLING("random_last", 3, 0, SMOOTH, .random_last = 1, .weights = NF_WEIGHTS_HE),
    COUPLING("lecun", 3, 0, SMOOTH, .random_last = 1, .weights = NF_WEIGHTS_LECUN),
    COUPLING("relu", 3, 1, SMALL, .activation = NF_ACTIVATION_RELU),
    COUPLING("leaky_relu", 3, 1, SMALL, .activation = NF_ACTIVATION_LEAKY_RELU),
    COUPLING("tanh", 3, 1, SMALL, .activation = NF_ACTIVATION_TANH),
    COUPLING("softplus", 3, 1, SMALL, .activation = NF_ACTIVATION_SOFTPLUS),
    COUPLING("silu", 3, 1, SMALL, .activation = NF_ACTIVATION_SILU),
    COUPLING("elu", 3, 1, SMALL, .activation = NF_ACTIVATION_ELU),
    COUPLING("scale_tanh", 3, 0, SMOOTH, .scale = NF_SCALE_TANH, .bound = 1.0),
    COUPLING("scale_safe", 3, 0, SMOOTH, .scale = NF_SCALE_SAFE),
    COUPLING("scale_asymmetric", 3, 0, SMOOTH, .scale = NF_SCALE_ASYMMETRIC),
    COUPLING("scale_sigmoid", 3, 0, SMOOTH, .scale = NF_SCALE_SIGMOID),
    COUPLING("scale_sigmoid_eps", 3, 0, SMOOTH, .scale = NF_SCALE_SIGMOID_EPS),
    COUPLING("scale_softplus", 3, 0, SMOOTH, .scale = NF_SCALE_SOFTPLUS),
    COUPLING("scale_softclip", 3, 0, SMOOTH, .scale = NF_SCALE_SOFTCLIP),
    COUPLING("scale_exp", 3, 0, SMOOTH, .scale = NF_SCALE_EXP),
    COUPLING("scale_additive", 3, 0, SMOOTH, .scale = NF_SCALE_ADDITIVE),
    COUPLING("scale_softplus_eps", 3, 0, SMOOTH, .scale = NF_SCALE_SOFTPLUS_EPS),
    COUPLING("shift_first", 3, 1, SMOOTH, .shift_first = 1),
    COUPLING("scale_additive_separate", 3, 0, SMOOTH, .scale = NF_SCALE_ADDITIVE, .separate = 1),
    SPLINE("default", 3, 0, .mask = 0),
    SPLINE("alternating_swap", 5, 0, SMOOTH, .swap = 1),
    SPLINE("half", 6, 0, SMOOTH, .mask = NF_MASK_HALF),
    SPLINE("index", 6, 0, SMOOTH, .mask = NF_MASK_INDEX, .index = columns, .n_index = 3),
    SPLINE("cond", 3, 2, SMOOTH, .bins = 5),
    SPLINE("cond_one_column", 1, 3, SMOOTH, .bound = 6),
    SPLINE("free", 3, 0, SMOOTH, .form = NF_SPLINE_FREE),
    SPLINE("softclip", 3, 0, SMOOTH, .form = NF_SPLINE_SOFTCLIP, .bound = 5),
    { .name = "coupling_spline/two_columns", .gain = 0.15, .layer_type = "coupling_spline", .dim = 2, .integral = 1e-4,
      .layer_config = &(const nf_coupling_spline_config){ .struct_size = sizeof(nf_coupling_spline_config), .dim = 2, .bins = 4, SMOOTH } },
    CIRCLES("periodic", 3, 0, 3.25, all_circles, 0, SMOOTH, .periodic = three, .n_periodic = 3),
    CIRCLES("periodic_swap", 3, 1, 3.25, all_circles, 0, SMOOTH, .periodic = three, .n_periodic = 3, .swap = 1),
    CIRCLES("periodic_mixed", 5, 1, 8.0, mixed_circles, 0, SMOOTH, .periodic = mixed, .n_periodic = 2),
    CIRCLES("periodic_mixed_swap", 5, 0, 8.0, mixed_circles, 0, SMOOTH, .periodic = mixed, .n_periodic = 2, .swap = 1, .bins = 3),
    CIRCLES("periodic_free_cond", 1, 1, 8.0, lone_circle, 1e-4, SMOOTH, .periodic = three, .n_periodic = 1, .form = NF_SPLINE_FREE, .bins = 4),
    CIRCLES("periodic_torus", 2, 0, 8.0, two_circles, 1e-4, SMOOTH, .periodic = three, .n_periodic = 2),
    CIRCLES("periodic_cylinder", 2, 1, 8.0, one_circle, 1e-4, SMOOTH, .periodic = three, .n_periodic = 1),
    CIRCLES("periodic_cylinder_swap", 2, 0, 8.0, one_circle, 1e-4, SMOOTH, .periodic = three, .n_periodic = 1, .swap = 1),
    CIRCLES("periodic_free", 2, 0, 8.0, one_circle, 1e-4, SMOOTH, .periodic = three, .n_periodic = 1, .swap = 1, .form = NF_SPLINE_FREE),
    CIRCLES("periodic_softclip", 2, 0, 8.0, one_circle, 1e-4, SMOOTH, .periodic = three, .n_periodic = 1, .swap = 1, .form = NF_SPLINE_SOFTCLIP),
    SPLINE("two_bins", 3, 0, SMOOTH, .bins = 2, .min_width = 0.1, .min_height = 0.2, .min_slope = 0.3, .logit_bound = 1),
    SPLINE("many_bins", 3, 0, SMOOTH, .bins = 64, .bound = 20),
    SPLINE("wide", 41, 5, .hidden = wide, .n_hidden = 2, .activation = NF_ACTIVATION_SILU, .random_last = 1),
    SPLINE("empty_net", 4, 0, .hidden = none, .n_hidden = 1),
    /* Every form of stage: gathers where in <= out, scatters where not, points; on images with and without an inside */
    CONV("default", 1, 1, 3, 0, .hidden = 0), /* 128 channels: no integral over them */
    CONV("two_numbers", 1, 1, 2, 0, .hidden = 5),
    CONV("channels", 3, 4, 3, 0, .hidden = 7),
    CONV("channels_swap", 2, 3, 3, 0, .hidden = 17, .swap = 1),
    CONV("channels_column", 1, 5, 2, 0, .hidden = 4),
    CONV("checkerboard", 4, 4, 1, 0, .mask = NF_IMAGE_MASK_CHECKERBOARD, .hidden = 6),
    CONV("checkerboard_swap", 3, 3, 2, 0, .mask = NF_IMAGE_MASK_CHECKERBOARD, .hidden = 6, .swap = 1),
    CONV("all_cond", 2, 3, 2, 3, .mask = NF_IMAGE_MASK_ALL, .net = NF_CONV_LINEAR),
    CONV("all", 3, 3, 2, 0, .mask = NF_IMAGE_MASK_ALL, .net = NF_CONV_LINEAR),
    CONV("linear", 3, 3, 4, 0, .net = NF_CONV_LINEAR, .scale = NF_SCALE_SOFTCLIP),
    CONV("linear_scatter", 3, 2, 2, 5, .net = NF_CONV_LINEAR, .scale = NF_SCALE_TANH),
    CONV("cond", 3, 3, 2, 2, .hidden = 8),
    CONV("cond_thick", 2, 2, 2, 9, .hidden = 4),
    CONV("residual", 3, 3, 2, 0, .net = NF_CONV_RESIDUAL, .hidden = 6, .blocks = 2),
    CONV("residual_one", 3, 3, 1, 1, .net = NF_CONV_RESIDUAL, .mask = NF_IMAGE_MASK_CHECKERBOARD, .hidden = 5, .blocks = 1),
    CONV("additive", 3, 3, 2, 0, .scale = NF_SCALE_ADDITIVE, .hidden = 8),
    CONV("tanh", 2, 2, 2, 0, .scale = NF_SCALE_TANH, .hidden = 8),
    SPLIT("half", 2, 3, 4, 0),
    SPLIT("keep_one", 3, 1, 3, 1),
    CNF("rk4", 2, 0, NF_ODE_RK4, 0.05, .end_time = 0.4),
    CNF("concat_cond", 3, 2, NF_ODE_RK4, 0.05, .end_time = 0.4, .time = NF_TIME_CONCAT, .activation = NF_ACTIVATION_SOFTPLUS),
    CNF("ignore_time", 1, 0, NF_ODE_RK4, 0.05, .end_time = 0.4, .time = NF_TIME_IGNORE, .activation = NF_ACTIVATION_SILU),
    CNF("adjoint", 2, 1, NF_ODE_RK4, 0.01, .end_time = 0.1, .gradient = NF_GRADIENT_ADJOINT),
    CNF("end_time_fixed", 2, 0, NF_ODE_RK4, 0.05, .end_time = 0.4, .end_time_fixed = 1, .activation = NF_ACTIVATION_ELU),
    CNF_IMAGE("image_squash", 1, 2, 1, .hidden = channels, .n_hidden = 1),
    CNF_IMAGE("image_concat", 1, 1, 2, .hidden = channels, .n_hidden = 1, .time = NF_TIME_CONCAT, .activation = NF_ACTIVATION_SOFTPLUS),
    AUTO("default", 3, 0, .transform = 0),
    AUTO("inverse", 3, 0, SMOOTH, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO("reversed", 4, 0, SMOOTH, .order = NF_ORDER_REVERSED),
    AUTO("index", 5, 0, SMOOTH, .index = cycle, .n_index = 5),
    AUTO("index_inverse", 5, 0, SMOOTH, .index = cycle, .n_index = 5, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO("cond", 3, 2, SMOOTH, .scale = NF_SCALE_SOFTCLIP),
    AUTO("cond_inverse", 3, 2, SMOOTH, .scale = NF_SCALE_SIGMOID, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO("one_column", 1, 0, SMOOTH),
    AUTO("two_columns", 2, 0, SMOOTH),
    AUTO("two_columns_inverse", 2, 1, SMOOTH, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO("one_column_cond_inverse", 1, 2, SMOOTH, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO("empty_net", 4, 0, .hidden = none, .n_hidden = 1),
    AUTO("few_units", 17, 2, .hidden = small, .n_hidden = 2, .activation = NF_ACTIVATION_SILU),
    AUTO("additive", 3, 0, SMOOTH, .scale = NF_SCALE_ADDITIVE, .random_last = 1),
    AUTO_SPLINE("spline", 3, 0, SMOOTH, .bins = 0),
    AUTO_SPLINE("spline_inverse", 3, 0, SMOOTH, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO_SPLINE("spline_cond", 4, 3, SMOOTH, .bins = 5, .order = NF_ORDER_REVERSED),
    AUTO_SPLINE("spline_cond_inverse", 3, 2, SMOOTH, .bins = 3, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO_SPLINE("spline_one_column", 1, 2, SMOOTH, .bins = 4),
    AUTO_SPLINE("spline_one_column_inverse", 1, 2, SMOOTH, .bins = 4, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO_SPLINE("spline_free", 3, 0, SMOOTH, .form = NF_SPLINE_FREE),
    AUTO_SPLINE("spline_softclip_inverse", 3, 1, SMOOTH, .form = NF_SPLINE_SOFTCLIP, .direction = NF_AUTOREGRESSIVE_INVERSE),
    AUTO_SPLINE("spline_circular", 3, 0, SMOOTH, .circular = 1),
    { .name = "autoregressive/spline_circular_one_column", .gain = 0.2, .layer_type = "autoregressive", .dim = 1, .low = -8, .high = 8, .integral = 1e-4,
      .base_type = "box", .base_config = &lone_circle,
      .layer_config = &(const nf_autoregressive_config){ .struct_size = sizeof(nf_autoregressive_config), .dim = 1, .transform = NF_TRANSFORM_SPLINE,
                                                         .circular = 1, .spline_bound = 8, .hidden = none, .n_hidden = 1 } },
    { .name = "permutation/random", .layer_type = "permutation", .dim = 7,
      .layer_config = &(const nf_permutation_config){ .struct_size = sizeof(nf_permutation_config), .dim = 7, .seed = 5 } },
    { .name = "permutation/reverse", .layer_type = "permutation", .dim = 4,
      .layer_config = &(const nf_permutation_config){ .struct_size = sizeof(nf_permutation_config), .dim = 4,
                                                      .kind = NF_PERMUTATION_REVERSE } },
    { .name = "permutation/index", .layer_type = "permutation", .dim = 5,
      .layer_config = &(const nf_permutation_config){ .struct_size = sizeof(nf_permutation_config), .dim = 5, .index = cycle,
                                                      .n_index = 5 } },
    { .name = "permutation/one_column", .layer_type = "permutation", .dim = 1,
      .layer_config = &(const nf_permutation_config){ .struct_size = sizeof(nf_permutation_config), .dim = 1 } },
    { .name = "actnorm/three", .layer_type = "actnorm", .dim = 3,
      .layer_config = &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = 3 } },
    { .name = "actnorm/one_column", .layer_type = "actnorm", .dim = 1,
      .layer_config = &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = 1 } },
    { .name = "actnorm/channels", .layer_type = "actnorm", .dim = 12,
      .layer_config = &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = 12, .channels = 3 } },
    { .name = "actnorm/one_channel", .layer_type = "actnorm", .dim = 4,
      .layer_config = &(const nf_actnorm_config){ .struct_size = sizeof(nf_actnorm_config), .dim = 4, .channels = 1 } },
    { .name = "affine/three", .layer_type = "affine", .dim = 3,
      .layer_config = &(const nf_affine_config){ .struct_size = sizeof(nf_affine_config), .dim = 3 } },
    { .name = "affine/bound", .layer_type = "affine", .dim = 2, .gain = 1.3,
      .layer_config = &(const nf_affine_config){ .struct_size = sizeof(nf_affine_config), .dim = 2, .bound = 0.75 } },
    { .name = "affine/one_column", .layer_type = "affine", .dim = 1,
      .layer_config = &(const nf_affine_config){ .struct_size = sizeof(nf_affine_config), .dim = 1 } },
    { .name = "standardise/given", .layer_type = "standardise", .dim = 3,
      .layer_config = &(const nf_standardise_config){ .struct_size = sizeof(nf_standardise_config), .dim = 3, .mean = mean,
                                                      .n_mean = 3, .sd = sd, .n_sd = 3 } },
    { .name = "standardise/default", .layer_type = "standardise", .dim = 2,
      .layer_config = &(const nf_standardise_config){ .struct_size = sizeof(nf_standardise_config), .dim = 2 } },
    { .name = "standardise/one_column", .layer_type = "standardise", .dim = 1,
      .layer_config = &(const nf_standardise_config){ .struct_size = sizeof(nf_standardise_config), .dim = 1, .mean = mean,
                                                      .n_mean = 1, .sd = sd, .n_sd = 1 } },
    /* alpha small enough that the latents drawn, up to 5 or so, stay within logit(1 - alpha) */
    { .name = "logit/default", .layer_type = "logit", .dim = 3, .low = 0.03, .high = 0.97,
      .layer_config = &(const nf_logit_config){ .struct_size = sizeof(nf_logit_config), .dim = 3 } },
    { .name = "logit/alpha", .layer_type = "logit", .dim = 2, .low = 0.001, .high = 0.999,
      .layer_config = &(const nf_logit_config){ .struct_size = sizeof(nf_logit_config), .dim = 2, .alpha = 0.002 } },
    { .name = "logit/one_column", .layer_type = "logit", .dim = 1, .low = 0.03, .high = 0.97,
      .layer_config = &(const nf_logit_config){ .struct_size = sizeof(nf_logit_config), .dim = 1, .alpha = 0.001 } },
    LINEAR("plu", 3, NF_LINEAR_PLU),
    LINEAR("plu_one_column", 1, NF_LINEAR_PLU),
    LINEAR("plu_two_columns", 2, NF_LINEAR_PLU),
    LINEAR("plu_sixteen", 16, NF_LINEAR_PLU),
    LINEAR("plain", 3, NF_LINEAR_PLAIN),
    LINEAR("plain_one_column", 1, NF_LINEAR_PLAIN),
    LINEAR("plain_two_columns", 2, NF_LINEAR_PLAIN),
    HOUSEHOLDER("one_column", 1, 0),
    HOUSEHOLDER("two_columns", 2, 0),
    HOUSEHOLDER("few", 7, 2),
    HOUSEHOLDER("many", 3, 8),
    HOUSEHOLDER("sixteen", 16, 0),
    PLANAR("one_column", 1, 0.4),
    PLANAR("two_columns", 2, 0.4),
    PLANAR("five", 5, 0.4),
    PLANAR("nineteen", 19, 0.4),
    RADIAL("one_column", 1),
    RADIAL("two_columns", 2),
    RADIAL("five", 5),
    RADIAL("nineteen", 19),
    SYLVESTER("one_column", 1, .rank = 0),
    SYLVESTER("two_columns", 2, .rank = 0),
    SYLVESTER("one_unit", 2, .rank = 1),
    SYLVESTER("five", 5, .rank = 3),
    SYLVESTER("reflections", 4, .rank = 3, .reflections = 7),
    SYLVESTER("one_reflection", 6, .rank = 4, .reflections = 1),
    SYLVESTER("nineteen", 19, .rank = 17),
    INVCONV("one_pixel", 1, 1, 3, NF_LINEAR_PLU),
    INVCONV("one_channel", 2, 3, 1, NF_LINEAR_PLU),
    INVCONV("plu", 2, 3, 3, NF_LINEAR_PLU),
    INVCONV("plu_square", 4, 4, 3, NF_LINEAR_PLU),
    INVCONV("plain", 2, 3, 3, NF_LINEAR_PLAIN),
    INVCONV("plain_one_channel", 4, 4, 1, NF_LINEAR_PLAIN),
    SQUEEZE("rows", 2, 2, 1, .order = NF_SQUEEZE_ROWS),
    SQUEEZE("diagonal", 4, 4, 3, .order = NF_SQUEEZE_DIAGONAL),
    SQUEEZE("reverse", 1, 3, 4, .reverse = 1),
    SQUEEZE("reverse_diagonal", 2, 1, 12, .order = NF_SQUEEZE_DIAGONAL, .reverse = 1),
    { .name = "columns/all_real", .layer_type = "columns", .dim = 2, .layer_config = &(const nf_columns_config){ .struct_size = sizeof(nf_columns_config), .dim = 2 } },
    COLUMNS("kinds", 0.03, 0.97, 0, kinds, .low = (const double[]){ 0, 0, -0.5 }, .n_low = 3, .high = (const double[]){ 1, 0, 0 }, .n_high = 3),
    COLUMNS("whole", 0, 256, 1, whole_kinds, .high = (const double[]){ 0, 255, 256 }, .n_high = 3),
    { .name = "columns/periodic", .layer_type = "columns", .dim = 3, .low = -0.75, .high = 3.0, .base_type = "box", .base_config = &turns,
      .layer_config = &(const nf_columns_config){ .struct_size = sizeof(nf_columns_config), .dim = 3, .kind = turn_kinds, .n_kind = 3, .half_turn = 8.0,
                                                  .low = (const double[]){ -1, 0, 0 }, .n_low = 3, .high = (const double[]){ 5, 0, 0 }, .n_high = 3 } },
    DEQUANTISE("default", 3, 1, .bits = 0),
    DEQUANTISE("five_bits", 6, 8, .bits = 5, .shift = 0.5),
    DEQUANTISE("one_column", 1, 1, .shift = 1.0 / 3.0),
    { .name = "dequantise/noise_in_training", .layer_type = "dequantise", .dim = 12, .high = 256, .whole = 1, .quiet = true,
      .layer_config = &(const nf_dequantise_config){ .struct_size = sizeof(nf_dequantise_config), .dim = 12,
                                                     .noise = NF_NOISE_TRAINING } },
};
const int layer_case_count = SUPPORT_COUNT(layer_cases);
