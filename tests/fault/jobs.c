/* SPDX-License-Identifier: MIT
 *
 * jobs.c - the table of public calls that allocate
 */
#include "jobs.h"
#include "pack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const float job_array[] = { 2.385f, -0.7613f, 0.31f, 1.9f, -1.25f, 0.05f };
static const double job_array_f64[] = { 2.385, -0.7613, 0.31, 1.9, -1.25, 0.05 };
static char job_model_path[160], job_checkpoint_path[160], job_csv_path[160], job_out_path[160], job_labels_path[160], job_pictures_path[160];

#define JOB_CONFIG(type, ...) &(const type){ .struct_size = sizeof(type), __VA_ARGS__ }

/* Parts */

static nf_status run_coupling(job_scene *s)
{
    static const int64_t hidden[] = { 5, 3 };
    return nf_coupling_affine_create(&s->out_layer, s->context, JOB_CONFIG(nf_coupling_affine_config, .dim = 4, .hidden = hidden, .n_hidden = 2));
}

static nf_status run_coupling_spline(job_scene *s)
{
    static const int64_t hidden[] = { 5, 3 };
    return nf_coupling_spline_create(&s->out_layer, s->context, JOB_CONFIG(nf_coupling_spline_config, .dim = 4, .hidden = hidden, .n_hidden = 2,
                                                                            .periodic = hidden + 1, .n_periodic = 1));
}

static nf_status run_permutation(job_scene *s) { return nf_permutation_create(&s->out_layer, s->context, JOB_CONFIG(nf_permutation_config, .dim = 5, .seed = 3)); }
static nf_status run_actnorm(job_scene *s) { return nf_actnorm_create(&s->out_layer, s->context, JOB_CONFIG(nf_actnorm_config, .dim = 3)); }
static nf_status run_affine(job_scene *s) { return nf_affine_create(&s->out_layer, s->context, JOB_CONFIG(nf_affine_config, .dim = 3)); }
static nf_status run_logit(job_scene *s) { return nf_logit_create(&s->out_layer, s->context, JOB_CONFIG(nf_logit_config, .dim = 3)); }
static nf_status run_householder(job_scene *s)
{
    return nf_householder_create(&s->out_layer, s->context, JOB_CONFIG(nf_householder_config, .dim = 3));
}
static nf_status run_planar(job_scene *s) { return nf_planar_create(&s->out_layer, s->context, JOB_CONFIG(nf_planar_config, .dim = 3)); }
static nf_status run_radial(job_scene *s) { return nf_radial_create(&s->out_layer, s->context, JOB_CONFIG(nf_radial_config, .dim = 3)); }
static nf_status run_sylvester(job_scene *s)
{
    return nf_sylvester_create(&s->out_layer, s->context, JOB_CONFIG(nf_sylvester_config, .dim = 3, .rank = 2));
}
static nf_status run_linear(job_scene *s) { return nf_linear_create(&s->out_layer, s->context, JOB_CONFIG(nf_linear_config, .dim = 3)); }
static nf_status run_invconv(job_scene *s)
{
    return nf_invconv_create(&s->out_layer, s->context, JOB_CONFIG(nf_invconv_config, .height = 2, .width = 3, .channels = 4));
}
static nf_status run_squeeze(job_scene *s)
{
    return nf_squeeze_create(&s->out_layer, s->context, JOB_CONFIG(nf_squeeze_config, .height = 2, .width = 4, .channels = 3));
}
static nf_status run_coupling_conv(job_scene *s)
{
    return nf_coupling_conv_create(&s->out_layer, s->context, JOB_CONFIG(nf_coupling_conv_config, .height = 2, .width = 3, .channels = 2, .hidden = 3));
}
static nf_status run_split_layer(job_scene *s)
{
    return nf_split_create(&s->out_layer, s->context, JOB_CONFIG(nf_split_config, .height = 2, .width = 3, .channels = 2));
}
static nf_status run_cnf(job_scene *s) { return nf_cnf_create(&s->out_layer, s->context, JOB_CONFIG(nf_cnf_config, .dim = 3)); }
static nf_status run_autoregressive(job_scene *s)
{
    static const int64_t hidden[] = { 5, 3 };
    return nf_autoregressive_create(&s->out_layer, s->context, JOB_CONFIG(nf_autoregressive_config, .dim = 4, .transform = NF_TRANSFORM_SPLINE,
                                                                          .order = NF_ORDER_REVERSED, .hidden = hidden, .n_hidden = 2));
}
static nf_status run_dequantise(job_scene *s) { return nf_dequantise_create(&s->out_layer, s->context, JOB_CONFIG(nf_dequantise_config, .dim = 3)); }
static nf_status run_columns(job_scene *s)
{
    static const int64_t kind[] = { NF_COLUMN_POSITIVE, NF_COLUMN_PERIODIC };
    return nf_columns_create(&s->out_layer, s->context, JOB_CONFIG(nf_columns_config, .dim = 2, .kind = kind, .n_kind = 2));
}
static nf_status run_layer(job_scene *s) { return nf_layer_create(&s->out_layer, s->context, "affine", JOB_CONFIG(nf_affine_config, .dim = 2)); }

static nf_status run_standardise(job_scene *s)
{
    static const double mean[] = { 1, 2 }, sd[] = { 0.5, 3 };
    return nf_standardise_create(&s->out_layer, s->context, JOB_CONFIG(nf_standardise_config, .dim = 2, .mean = mean, .n_mean = 2, .sd = sd, .n_sd = 2));
}

static nf_status run_normal(job_scene *s) { return nf_base_normal_create(&s->out_base, s->context, 3); }
static nf_status run_diagonal(job_scene *s) { return nf_base_diagonal_create(&s->out_base, s->context, 3); }
static nf_status run_uniform(job_scene *s) { return nf_base_uniform_create(&s->out_base, s->context, 3, -1, 2); }
static nf_status run_normal_full(job_scene *s)
{
    static const double mean[] = { 1, 2 }, covariance[] = { 2, 0.5, 0.5, 1 };
    return nf_base_normal_full_create(&s->out_base, s->context, JOB_CONFIG(nf_base_normal_full_config, .dim = 2, .mean = mean, .n_mean = 2,
                                                                           .covariance = covariance, .n_covariance = 4));
}
static nf_status run_mixture(job_scene *s)
{
    return nf_base_mixture_create(&s->out_base, s->context, JOB_CONFIG(nf_base_mixture_config, .dim = 2, .components = 3));
}
static nf_status run_student(job_scene *s) { return nf_base_student_create(&s->out_base, s->context, JOB_CONFIG(nf_base_student_config, .dim = 2)); }
static nf_status run_laplace(job_scene *s) { return nf_base_laplace_create(&s->out_base, s->context, 3); }
static nf_status run_logistic(job_scene *s) { return nf_base_logistic_create(&s->out_base, s->context, 3); }
static nf_status run_box(job_scene *s)
{
    static const double low[] = { -1, 0 }, high[] = { 2, 0 };
    static const int64_t normal[] = { 1 };
    return nf_base_box_create(&s->out_base, s->context, JOB_CONFIG(nf_base_box_config, .dim = 2, .low = low, .n_low = 2, .high = high, .n_high = 2,
                                                                   .normal = normal, .n_normal = 1));
}
static nf_status run_normal_conditional(job_scene *s)
{
    static const int64_t hidden[] = { 4, 3 };
    return nf_base_normal_conditional_create(&s->out_base, s->context, JOB_CONFIG(nf_base_normal_conditional_config, .dim = 2, .cond_dim = 3,
                                                                                  .hidden = hidden, .n_hidden = 2));
}
static nf_status run_base(job_scene *s) { return nf_base_create(&s->out_base, s->context, "normal", JOB_CONFIG(nf_base_normal_config, .dim = 2)); }
static nf_status run_adam(job_scene *s) { return nf_optimizer_adam_create(&s->out_optimizer, s->context, NULL); }
static nf_status run_adamw(job_scene *s) { return nf_optimizer_adamw_create(&s->out_optimizer, s->context, NULL); }
static nf_status run_adamax(job_scene *s) { return nf_optimizer_adamax_create(&s->out_optimizer, s->context, NULL); }
static nf_status run_sgd(job_scene *s) { return nf_optimizer_sgd_create(&s->out_optimizer, s->context, NULL); }
static nf_status run_optimizer(job_scene *s) { return nf_optimizer_create(&s->out_optimizer, s->context, "adam", NULL); }

/* Flows */

static nf_status run_flow(job_scene *s) { return nf_flow_create(&s->out_flow, s->context, NULL, s->base, (nf_layer *const[]){ s->layer, s->layer }, 2); }

static nf_status run_realnvp(job_scene *s)
{
    static const double mean[] = { 1, 2 }, sd[] = { 0.5, 3 };
    static const int64_t hidden[] = { 4 };
    return nf_flow_create_realnvp(&s->out_flow, s->context, JOB_CONFIG(nf_realnvp_config, .dim = 2, .layers = 2, .hidden = hidden, .n_hidden = 1,
                                                                       .cond_dim = 2, .cond_mean = mean, .n_cond_mean = 2, .cond_sd = sd, .n_cond_sd = 2,
                                                                       .embed_dim = 3, .embed_hidden = hidden, .n_embed_hidden = 1,
                                                                       .mean = mean, .n_mean = 2, .sd = sd, .n_sd = 2, .dtype = s->dtype));
}

static nf_status run_image(job_scene *s, int kind)
{
    s->out_flow = fault_image_flow(s->context, kind, s->dtype);
    return s->out_flow ? NF_OK : NF_ERR_MEMORY;
}
static nf_status run_glow(job_scene *s) { return run_image(s, 0); }
static nf_status run_realnvp_image(job_scene *s) { return run_image(s, 1); }

static const double table_mean[] = { 1, 2 }, table_sd[] = { 0.5, 3 };
static const int64_t table_hidden[] = { 3 };
#define TABLE_JOB JOB_CONFIG(nf_table_config, .dim = 2, .layers = 2, .hidden = table_hidden, .n_hidden = 1, .mean = table_mean, .n_mean = 2,    \
                             .sd = table_sd, .n_sd = 2, .dtype = s->dtype)
static nf_status run_nsf(job_scene *s)
{
    static const int64_t kind[] = { NF_COLUMN_PERIODIC, NF_COLUMN_REAL };
    nf_table_config config = *TABLE_JOB;
    config.kind = kind; /* recipes with a circle take memory of their own */
    config.n_kind = 2;
    return nf_flow_create_nsf(&s->out_flow, s->context, &config);
}
static nf_status run_maf(job_scene *s)
{
    return nf_flow_create_maf(&s->out_flow, s->context, TABLE_JOB);
}
static nf_status run_iaf(job_scene *s)
{
    return nf_flow_create_iaf(&s->out_flow, s->context, TABLE_JOB);
}
static nf_status run_nice(job_scene *s)
{
    return nf_flow_create_nice(&s->out_flow, s->context, TABLE_JOB);
}

static nf_status run_ffjord(job_scene *s)
{
    static const double mean[] = { 1, 2 }, sd[] = { 0.5, 3 };
    return nf_flow_create_ffjord(&s->out_flow, s->context, JOB_CONFIG(nf_ffjord_config, .dim = 2, .preset = NF_FFJORD_TABULAR, .blocks = 2,
                                                                      .mean = mean, .n_mean = 2, .sd = sd, .n_sd = 2, .dtype = s->dtype));
}

static nf_status run_from_json(job_scene *s) { return nf_flow_from_json(&s->out_flow, s->context, s->json); }
static nf_status run_load_memory(job_scene *s) { return nf_flow_load_memory(&s->out_flow, s->context, s->model, s->model_size); }
static nf_status run_load(job_scene *s) { return nf_flow_load(&s->out_flow, s->context, job_model_path); }
static nf_status run_convert(job_scene *s) { return nf_flow_convert(&s->out_flow, s->flow, s->dtype == NF_F32 ? NF_F64 : NF_F32); }
static nf_status run_save(job_scene *s) { return nf_flow_save(s->flow, job_out_path); }

static nf_status run_verify(job_scene *s)
{
    int64_t rows = 0;
    const nf_status status = nf_flow_verify(s->context, job_model_path, s->values, &rows);
    s->other = (uint64_t)rows;
    return status;
}

static nf_status run_to_json(job_scene *s)
{
    char text[4096];
    int64_t size = 0;
    const nf_status status = nf_flow_to_json(s->flow, text, sizeof text, &size);
    if (!status) s->other = fault_hash_bytes(0, text, size);
    return status;
}

static nf_status run_save_memory(job_scene *s)
{
    char bytes[16384];
    int64_t size = 0;
    const nf_status status = nf_flow_save_memory(s->flow, bytes, sizeof bytes, &size);
    if (!status) s->other = fault_hash_bytes(0, bytes, size);
    return status;
}

static nf_status run_log_prob(job_scene *s) { return any_log_prob(s->flow, JOB_ROWS, s->x, s->cond, s->values); }
static nf_status run_forward(job_scene *s) { return any_forward(s->flow, JOB_ROWS, s->x, s->cond, s->rows, s->values); }
static nf_status run_inverse(job_scene *s) { return any_inverse(s->flow, JOB_ROWS, s->x, s->cond, s->rows, s->values); }
static nf_status run_sample(job_scene *s) { return any_sample(s->flow, 5, 2, JOB_ROWS, s->cond, 1, s->rows, s->values); }
static nf_status run_score(job_scene *s) { return any_score(s->flow, JOB_ROWS, s->x, s->cond, s->values, s->rows); }
static nf_status run_nll_grad(job_scene *s) { return any_nll_grad(s->flow, JOB_ROWS, s->x, s->cond, NULL, s->values); }
static nf_status run_init_data(job_scene *s) { return any_init_data(s->flow, JOB_ROWS, s->x, s->cond); }
static nf_status run_reserve(job_scene *s) { return nf_flow_reserve(s->flow, 3000, 1); }
static nf_status run_mean_nll(job_scene *s) { return nf_flow_mean_nll(s->flow, s->data, s->values); }

static nf_status run_interpolate(job_scene *s)
{
    const void *second = (const char *)s->x + 2 * (s->dtype == NF_F32 ? 4 : 8);
    return s->dtype == NF_F32 ? nf_flow_interpolate(s->flow, NF_PATH_SPHERICAL, JOB_ROWS, s->x, second, s->cond, (void *)s->rows)
                              : nf_flow_interpolate_f64(s->flow, NF_PATH_SPHERICAL, JOB_ROWS, s->x, second, s->cond, (void *)s->rows);
}

static nf_status run_direction(job_scene *s)
{
    return s->dtype == NF_F32 ? nf_flow_direction(s->flow, JOB_ROWS, s->x, s->cond, 2, s->x, s->cond, (void *)s->rows)
                              : nf_flow_direction_f64(s->flow, JOB_ROWS, s->x, s->cond, 2, s->x, s->cond, (void *)s->rows);
}

static nf_status run_move(job_scene *s)
{
    return s->dtype == NF_F32 ? nf_flow_move(s->flow, JOB_ROWS, s->x, s->cond, s->x, 0.7, (void *)s->rows)
                              : nf_flow_move_f64(s->flow, JOB_ROWS, s->x, s->cond, s->x, 0.7, (void *)s->rows);
}

static nf_status run_temperatures(job_scene *s)
{
    static const double temperatures[] = { 0.8 };
    return s->dtype == NF_F32 ? nf_flow_sample_temperatures(s->flow, 5, 2, JOB_ROWS, s->cond, 1, temperatures, (void *)s->rows)
                              : nf_flow_sample_temperatures_f64(s->flow, 5, 2, JOB_ROWS, s->cond, 1, temperatures, (void *)s->rows);
}

static nf_status run_check(job_scene *s)
{
    nf_check_report report = { .struct_size = sizeof report };
    const nf_status status = s->dtype == NF_F32 ? nf_flow_check(s->flow, 6, s->x, s->cond, &report) : nf_flow_check_f64(s->flow, 6, s->x, s->cond, &report);
    if (!status) s->other = fault_hash_bytes(0, &report, sizeof report);
    return status;
}

/* Data */

static nf_status run_from_array(job_scene *s) { return nf_dataset_from_array(&s->out_data, s->context, 3, 2, job_array); }
static nf_status run_from_array_f64(job_scene *s) { return nf_dataset_from_array_f64(&s->out_data, s->context, 3, 2, job_array_f64); }
static nf_status run_csv(job_scene *s) { return nf_dataset_load(&s->out_data, s->context, job_csv_path, NULL); }
static nf_status run_moons(job_scene *s) { return nf_dataset_synthetic(&s->out_data, s->context, "moons-rotated", 20, 0.1, 3); }
static nf_status run_split(job_scene *s) { return nf_dataset_split(s->data, 0.3, 5, &s->out_data, &s->out_second); }
static nf_status run_standardise_from(job_scene *s) { return nf_standardise_from_dataset(&s->out_layer, s->context, s->data, 1); }
static nf_status run_set_weights(job_scene *s) { return nf_dataset_set_weights(s->valid, (const double[JOB_ROWS]){ 1, 2, 3 }); }

static nf_status run_set_cond(job_scene *s)
{
    return s->dtype == NF_F32 ? nf_dataset_set_cond(s->valid, 1, s->cond) : nf_dataset_set_cond_f64(s->valid, 1, s->cond);
}

static nf_status run_csv_memory(job_scene *s)
{
    static const char text[] = "a,\"b \"\"x\"\"\",c\n1,2,3\n4,5,6\n";
    static const int64_t cond[] = { 1 };
    return nf_dataset_load_memory(&s->out_data, s->context, text, sizeof text - 1, JOB_CONFIG(nf_read_config, .cond_columns = cond, .n_cond_columns = 1));
}

static nf_status run_npy_memory(job_scene *s)
{
    static const char file[] = "\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }          \n\0\0\x80?\0\0\0@";
    return nf_dataset_load_memory(&s->out_data, s->context, file, sizeof file - 1, NULL);
}

static const char job_idx[] = "\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\3abcdef";

static nf_status run_idx_memory(job_scene *s)
{
    return nf_dataset_load_memory(&s->out_data, s->context, job_idx, sizeof job_idx - 1, JOB_CONFIG(nf_read_config, .labels = job_labels_path));
}

static nf_status run_cifar_memory(job_scene *s)
{
    static const char file[2 * 3073];
    return nf_dataset_load_memory(&s->out_data, s->context, file, sizeof file, JOB_CONFIG(nf_read_config, .format = NF_FORMAT_CIFAR10, .label_kind = NF_LABEL_ONE_HOT));
}

#ifdef NFLOW_ZLIB
static nf_status run_gzip_memory(job_scene *s)
{
    unsigned char packed[sizeof job_idx + PACK_GZIP_MORE];
    return nf_dataset_load_memory(&s->out_data, s->context, packed, pack_gzip(packed, job_idx, sizeof job_idx - 1), NULL);
}
#endif

#ifdef NFLOW_PNG
/* A palette with transparency: libpng does without the memory of neither. */
static int64_t job_png(unsigned char *file)
{
    static const pack_picture picture = { .height = 1, .width = 3, .bits = 8, .colour = 3, .lines = "\0\1\0\1", .n = 4, .palette = "\1\2\3\4\5\6", .n_palette = 6,
                                          .transparent = "\x80", .n_transparent = 1 };
    return pack_png(file, &picture);
}

static nf_status run_png_memory(job_scene *s)
{
    unsigned char file[256];
    return nf_dataset_load_memory(&s->out_data, s->context, file, job_png(file), NULL);
}

static nf_status run_pictures(job_scene *s)
{
    return nf_dataset_load(&s->out_data, s->context, job_pictures_path, JOB_CONFIG(nf_read_config, .label_kind = NF_LABEL_NUMBER));
}
#endif

static nf_status run_column_check(job_scene *s)
{
    nf_column_report report = { .struct_size = sizeof report };
    const nf_status status = nf_dataset_check(s->data, 1, &report);
    if (!status) s->other = fault_hash_bytes(0, &report, sizeof report);
    return status;
}

/* Training */

static nf_status before_step(job_scene *s) { return any_nll_grad(s->flow, JOB_ROWS, s->x, s->cond, NULL, s->values); }
static nf_status run_step(job_scene *s) { return nf_optimizer_step(s->optimizer, s->flow); }
static nf_status run_step_clipped(job_scene *s) { return nf_optimizer_step_clipped(s->optimizer, s->flow, 0.5, s->values); }

static nf_status run_fit(job_scene *s)
{
    return nf_flow_fit(s->flow, s->optimizer, s->data, s->valid, JOB_CONFIG(nf_fit_config, .epochs = 2, .batch = 16, .ema_decay = 0.9), NULL);
}

static nf_status flat_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)x, (void)cond;
    memset(log_p, 0, (size_t)n * sizeof *log_p);
    if (grad) memset(grad, 0, (size_t)(n * dim) * sizeof *grad);
    return NF_OK;
}

static nf_status run_fit_target(job_scene *s)
{
    return nf_flow_fit_target(s->flow, s->optimizer, flat_density, NULL, s->data,
                              JOB_CONFIG(nf_target_config, .steps = 2, .batch = 16, .ema_decay = 0.9, .data_weight = 0.5), NULL);
}

static nf_status run_target_checkpoint(job_scene *s)
{
    return nf_flow_fit_target(s->flow, s->optimizer, flat_density, NULL, s->data,
                              JOB_CONFIG(nf_target_config, .steps = 3, .batch = 16, .round_steps = 2, .checkpoint = job_out_path, .checkpoint_rounds = 1), NULL);
}

static nf_status run_target_resume(job_scene *s)
{
    return nf_flow_fit_target(s->flow, s->optimizer, flat_density, NULL, s->data,
                              JOB_CONFIG(nf_target_config, .steps = 3, .batch = 16, .round_steps = 2, .resume = job_checkpoint_path), NULL);
}

static nf_status before_target_resume(job_scene *s)
{
    nf_flow *flow = NULL;
    nf_optimizer *optimizer = NULL;
    nf_status status = nf_flow_from_json(&flow, NULL, s->json);

    if (!status) status = nf_optimizer_adam_create(&optimizer, NULL, NULL);
    if (!status)
        status = nf_flow_fit_target(flow, optimizer, flat_density, NULL, s->data,
                                    JOB_CONFIG(nf_target_config, .steps = 1, .batch = 16, .round_steps = 2, .checkpoint = job_checkpoint_path), NULL);
    nf_flow_unref(flow);
    nf_optimizer_unref(optimizer);
    return status;
}

static nf_status run_importance(job_scene *s)
{
    nf_importance_report report = { .struct_size = sizeof report };
    const double cond[4] = { 0 };

    return nf_flow_importance(s->flow, flat_density, NULL, 1, 0, 50, nf_flow_cond_dim(s->flow) ? cond : NULL, NULL, NULL, &report);
}

static nf_status run_fit_checkpoint(job_scene *s)
{
    return nf_flow_fit(s->flow, s->optimizer, s->data, NULL,
                       JOB_CONFIG(nf_fit_config, .epochs = 2, .batch = 16, .checkpoint = job_out_path, .checkpoint_epochs = 1), NULL);
}

static nf_status run_fit_resume(job_scene *s)
{
    return nf_flow_fit(s->flow, s->optimizer, s->data, NULL, JOB_CONFIG(nf_fit_config, .epochs = 3, .batch = 16, .resume = job_checkpoint_path), NULL);
}

static nf_status before_resume(job_scene *s)
{
    nf_flow *flow = NULL;
    nf_optimizer *optimizer = NULL;
    nf_status status = nf_flow_from_json(&flow, NULL, s->json);

    if (!status) status = nf_optimizer_adam_create(&optimizer, NULL, NULL);
    if (!status)
        status = nf_flow_fit(flow, optimizer, s->data, NULL, JOB_CONFIG(nf_fit_config, .epochs = 1, .batch = 16, .checkpoint = job_checkpoint_path), NULL);
    nf_flow_unref(flow);
    nf_optimizer_unref(optimizer);
    return status;
}

/* A flow of images from its making to its file: whatever fails, nothing of it stays. */
static nf_status run_glow_life(job_scene *s)
{
    const nf_fit_config fit = { .struct_size = sizeof fit, .epochs = 1, .batch = 20 };
    char bytes[1 << 15];
    double x[4 * JOB_ROWS];
    nf_flow *flow = fault_image_flow(s->context, 0, s->dtype);
    nf_optimizer *optimizer = NULL;
    nf_dataset *data = NULL;
    nf_status status = flow ? NF_OK : NF_ERR_MEMORY;
    int64_t size = 0;

    for (int i = 0; i < 4 * JOB_ROWS; i++) support_set(s->dtype, x, i, (i * i * 7 + i * 31) % 256);
    if (!status) status = any_dataset(&data, s->context, s->dtype, JOB_ROWS, 4, x);
    if (!status) status = nf_optimizer_adamax_create(&optimizer, s->context, NULL);
    if (!status) status = nf_flow_fit(flow, optimizer, data, NULL, &fit, NULL);
    if (!status) status = any_log_prob(flow, JOB_ROWS, x, NULL, s->values);
    if (!status) status = nf_flow_save_memory(flow, bytes, sizeof bytes, &size);
    if (!status) s->other = fault_hash_bytes(0, bytes, size);
    nf_dataset_unref(data);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return status;
}

/* The environment */

static nf_status run_context(job_scene *s)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    config.threads = 2;
    return nf_context_create(&s->out_context, &config);
}

const job jobs[] = {
    { "nf_coupling_affine_create", run_coupling, NULL, false },
    { "nf_coupling_spline_create", run_coupling_spline, NULL, false },
    { "nf_permutation_create", run_permutation, NULL, false },
    { "nf_actnorm_create", run_actnorm, NULL, false },
    { "nf_affine_create", run_affine, NULL, false },
    { "nf_logit_create", run_logit, NULL, false },
    { "nf_householder_create", run_householder, NULL, false },
    { "nf_planar_create", run_planar, NULL, false },
    { "nf_radial_create", run_radial, NULL, false },
    { "nf_sylvester_create", run_sylvester, NULL, false },
    { "nf_linear_create", run_linear, NULL, false },
    { "nf_invconv_create", run_invconv, NULL, false },
    { "nf_squeeze_create", run_squeeze, NULL, false },
    { "nf_coupling_conv_create", run_coupling_conv, NULL, false },
    { "nf_split_create", run_split_layer, NULL, false },
    { "nf_cnf_create", run_cnf, NULL, false },
    { "nf_autoregressive_create", run_autoregressive, NULL, false },
    { "nf_dequantise_create", run_dequantise, NULL, false },
    { "nf_columns_create", run_columns, NULL, false },
    { "nf_standardise_create", run_standardise, NULL, false },
    { "nf_layer_create", run_layer, NULL, false },
    { "nf_base_normal_create", run_normal, NULL, false },
    { "nf_base_diagonal_create", run_diagonal, NULL, false },
    { "nf_base_uniform_create", run_uniform, NULL, false },
    { "nf_base_normal_full_create", run_normal_full, NULL, false },
    { "nf_base_mixture_create", run_mixture, NULL, false },
    { "nf_base_student_create", run_student, NULL, false },
    { "nf_base_laplace_create", run_laplace, NULL, false },
    { "nf_base_logistic_create", run_logistic, NULL, false },
    { "nf_base_box_create", run_box, NULL, false },
    { "nf_base_normal_conditional_create", run_normal_conditional, NULL, false },
    { "nf_base_create", run_base, NULL, false },
    { "nf_optimizer_adam_create", run_adam, NULL, false },
    { "nf_optimizer_adamw_create", run_adamw, NULL, false },
    { "nf_optimizer_adamax_create", run_adamax, NULL, false },
    { "nf_optimizer_sgd_create", run_sgd, NULL, false },
    { "nf_optimizer_create", run_optimizer, NULL, false },
    { "nf_flow_create", run_flow, NULL, false },
    { "nf_flow_create_realnvp", run_realnvp, NULL, false },
    { "nf_flow_create_glow", run_glow, NULL, false },
    { "nf_flow_create_realnvp_image", run_realnvp_image, NULL, false },
    { "nf_flow_create_nsf", run_nsf, NULL, false },
    { "nf_flow_create_maf", run_maf, NULL, false },
    { "nf_flow_create_iaf", run_iaf, NULL, false },
    { "nf_flow_create_nice", run_nice, NULL, false },
    { "nf_flow_create_ffjord", run_ffjord, NULL, false },
    { "nf_flow_from_json", run_from_json, NULL, false },
    { "nf_flow_to_json", run_to_json, NULL, false },
    { "nf_flow_load_memory", run_load_memory, NULL, false },
    { "nf_flow_load", run_load, NULL, false },
    { "nf_flow_verify", run_verify, NULL, false },
    { "nf_flow_save", run_save, NULL, false },
    { "nf_flow_save_memory", run_save_memory, NULL, false },
    { "nf_flow_convert", run_convert, NULL, false },
    { "nf_flow_log_prob", run_log_prob, NULL, false },
    { "nf_flow_forward", run_forward, NULL, false },
    { "nf_flow_inverse", run_inverse, NULL, false },
    { "nf_flow_sample", run_sample, NULL, false },
    { "nf_flow_score", run_score, NULL, false },
    { "nf_flow_nll_grad", run_nll_grad, NULL, false },
    { "nf_flow_init_data", run_init_data, NULL, false },
    { "nf_flow_reserve", run_reserve, NULL, false },
    { "nf_flow_mean_nll", run_mean_nll, NULL, false },
    { "nf_flow_check", run_check, NULL, false },
    { "nf_flow_interpolate", run_interpolate, NULL, false },
    { "nf_flow_direction", run_direction, NULL, false },
    { "nf_flow_move", run_move, NULL, false },
    { "nf_flow_sample_temperatures", run_temperatures, NULL, false },
    { "nf_dataset_from_array", run_from_array, NULL, false },
    { "nf_dataset_from_array_f64", run_from_array_f64, NULL, false },
    { "nf_dataset_load", run_csv, NULL, false },
    { "nf_dataset_load_memory csv", run_csv_memory, NULL, false },
    { "nf_dataset_load_memory npy", run_npy_memory, NULL, false },
    { "nf_dataset_load_memory idx, labels", run_idx_memory, NULL, false },
    { "nf_dataset_load_memory cifar10", run_cifar_memory, NULL, false },
#ifdef NFLOW_ZLIB
    { "nf_dataset_load_memory idx in gzip", run_gzip_memory, NULL, false },
#endif
#ifdef NFLOW_PNG
    { "nf_dataset_load_memory png", run_png_memory, NULL, false },
    { "nf_dataset_load pictures", run_pictures, NULL, false },
#endif
    { "nf_dataset_synthetic", run_moons, NULL, false },
    { "nf_dataset_split", run_split, NULL, false },
    { "nf_dataset_set_cond", run_set_cond, NULL, false },
    { "nf_dataset_set_weights", run_set_weights, NULL, false },
    { "nf_dataset_check", run_column_check, NULL, false },
    { "nf_standardise_from_dataset", run_standardise_from, NULL, false },
    { "nf_optimizer_step", run_step, before_step, false },
    { "nf_optimizer_step_clipped", run_step_clipped, before_step, false },
    { "nf_flow_fit", run_fit, NULL, false },
    { "nf_flow_fit_target", run_fit_target, NULL, false },
    { "nf_flow_fit_target checkpoint", run_target_checkpoint, NULL, true },
    { "nf_flow_fit_target resume", run_target_resume, before_target_resume, false },
    { "nf_flow_importance", run_importance, NULL, false },
    { "nf_flow_fit checkpoint", run_fit_checkpoint, NULL, true },
    { "nf_flow_fit resume", run_fit_resume, before_resume, false },
    { "nf_flow_fit of images", run_glow_life, NULL, false },
    { "nf_context_create", run_context, NULL, false },
};
const int job_count = SUPPORT_COUNT(jobs);

/* Two sub-folders of one picture each. */
static void job_pictures(void)
{
#ifdef NFLOW_PNG
    unsigned char file[256];
    char path[200];
    const int64_t size = job_png(file);

    (void)mkdir(job_pictures_path, 0700);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%d", job_pictures_path, i);
        (void)mkdir(path, 0700);
        (void)snprintf(path, sizeof path, "%s/%d/a.png", job_pictures_path, i);
        if (!fault_write_file(path, file, size)) abort();
    }
#endif
}

void job_files(void)
{
    nf_flow *flow = fault_flow(NULL, &fault_samples[0], NF_F32);

    (void)snprintf(job_model_path, sizeof job_model_path, "%s/model", fault_folder());
    (void)snprintf(job_checkpoint_path, sizeof job_checkpoint_path, "%s/checkpoint", fault_folder());
    (void)snprintf(job_csv_path, sizeof job_csv_path, "%s/table.csv", fault_folder());
    (void)snprintf(job_out_path, sizeof job_out_path, "%s/out", fault_folder());
    (void)snprintf(job_labels_path, sizeof job_labels_path, "%s/labels", fault_folder());
    (void)snprintf(job_pictures_path, sizeof job_pictures_path, "%s/pictures", fault_folder());
    job_pictures();
    if (!fault_write_file(job_labels_path, "\0\0\x08\1\0\0\0\2\1\0", 10)) abort();
    if (nf_flow_save(flow, job_model_path) || !fault_write_file(job_csv_path, "a,b\n1,2\n3,4\n", 12)) abort();
    nf_flow_unref(flow);
}
