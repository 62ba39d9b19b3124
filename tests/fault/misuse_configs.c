/* SPDX-License-Identifier: MIT
 *
 * misuse_configs.c - every config struct, from its table of fields: sizes too small, too old, too new; values outside the table
 */
#include "misuse.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_ROOM 1024

/* A config as bytes, so that the table's offsets say where fields are. */
typedef union config_bytes {
    char bytes[CONFIG_ROOM];
    uint32_t struct_size;
    int64_t align;
} config_bytes;

typedef nf_status (*config_call)(misuse_scene *s, const void *config);

#define LAYER(type_)                                                                                                                           \
    static nf_status make_##type_(misuse_scene *s, const void *config)                                                                         \
    {                                                                                                                                          \
        nf_layer *out = NULL;                                                                                                                  \
        const nf_status status = nf_layer_create(&out, s->context, #type_, config);                                                            \
        const bool left = status && out;                                                                                                       \
        nf_layer_unref(out);                                                                                                                   \
        return left ? NF_OK : status;                                                                                                          \
    }
#define BASE(type_)                                                                                                                            \
    static nf_status make_base_##type_(misuse_scene *s, const void *config)                                                                    \
    {                                                                                                                                          \
        nf_base *out = NULL;                                                                                                                   \
        const nf_status status = nf_base_create(&out, s->context, #type_, config);                                                             \
        nf_base_unref(out);                                                                                                                    \
        return status;                                                                                                                         \
    }
#define OPTIMIZER(type_)                                                                                                                       \
    static nf_status make_##type_(misuse_scene *s, const void *config)                                                                         \
    {                                                                                                                                          \
        nf_optimizer *out = NULL;                                                                                                              \
        const nf_status status = nf_optimizer_create(&out, s->context, #type_, config);                                                        \
        nf_optimizer_unref(out);                                                                                                               \
        return status;                                                                                                                         \
    }
LAYER(coupling_affine)
LAYER(coupling_conv)
LAYER(coupling_spline)
LAYER(split)
LAYER(permutation)
LAYER(actnorm)
LAYER(affine)
LAYER(standardise)
LAYER(logit)
LAYER(linear)
LAYER(householder)
LAYER(planar)
LAYER(radial)
LAYER(sylvester)
LAYER(invconv)
LAYER(squeeze)
LAYER(dequantise)
LAYER(columns)
LAYER(cnf)
LAYER(autoregressive)
BASE(normal)
BASE(diagonal)
BASE(uniform)
BASE(normal_full)
BASE(mixture)
BASE(student)
BASE(laplace)
BASE(logistic)
BASE(box)
BASE(normal_conditional)
OPTIMIZER(adam)
OPTIMIZER(adamw)
OPTIMIZER(adamax)
OPTIMIZER(sgd)

static nf_status make_flow(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create(&out, s->context, config, s->live[KIND_BASE], NULL, 0);

    nf_flow_unref(out);
    return status;
}

static nf_status make_realnvp(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_realnvp(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_glow(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_glow(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_realnvp_image(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_realnvp_image(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_ffjord(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_ffjord(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_nsf(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_nsf(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_maf(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_maf(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_iaf(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_iaf(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_nice(misuse_scene *s, const void *config)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_create_nice(&out, s->context, config);

    nf_flow_unref(out);
    return status;
}

static nf_status make_fit(misuse_scene *s, const void *config)
{
    return nf_flow_fit(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], s->live[KIND_DATASET], NULL, config, NULL);
}

static nf_status flat_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)x, (void)cond;
    memset(log_p, 0, (size_t)n * sizeof *log_p);
    if (grad) memset(grad, 0, (size_t)(n * dim) * sizeof *grad);
    return NF_OK;
}

static nf_status make_target(misuse_scene *s, const void *config)
{
    return nf_flow_fit_target(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], flat_density, NULL, NULL, config, NULL);
}

static nf_status make_read(misuse_scene *s, const void *config)
{
    nf_dataset *out = NULL;
    const nf_status status = nf_dataset_load_memory(&out, s->context, "1,2,3\n4,5,6\n", 12, config);

    nf_dataset_unref(out);
    return status;
}

static nf_status make_context(misuse_scene *s, const void *config)
{
    nf_context *out = NULL;
    const nf_status status = nf_context_create(&out, config);

    (void)s;
    nf_context_unref(out);
    return status;
}

static const struct { const char *name, *function; uint32_t size; config_call call; } configs[] = {
    { "coupling_affine", "nf_layer_create", sizeof(nf_coupling_affine_config), make_coupling_affine },
    { "coupling_conv", "nf_layer_create", sizeof(nf_coupling_conv_config), make_coupling_conv },
    { "coupling_spline", "nf_layer_create", sizeof(nf_coupling_spline_config), make_coupling_spline },
    { "split", "nf_layer_create", sizeof(nf_split_config), make_split },
    { "permutation", "nf_layer_create", sizeof(nf_permutation_config), make_permutation },
    { "actnorm", "nf_layer_create", sizeof(nf_actnorm_config), make_actnorm },
    { "affine", "nf_layer_create", sizeof(nf_affine_config), make_affine },
    { "standardise", "nf_layer_create", sizeof(nf_standardise_config), make_standardise },
    { "logit", "nf_layer_create", sizeof(nf_logit_config), make_logit },
    { "linear", "nf_layer_create", sizeof(nf_linear_config), make_linear },
    { "householder", "nf_layer_create", sizeof(nf_householder_config), make_householder },
    { "planar", "nf_layer_create", sizeof(nf_planar_config), make_planar },
    { "radial", "nf_layer_create", sizeof(nf_radial_config), make_radial },
    { "sylvester", "nf_layer_create", sizeof(nf_sylvester_config), make_sylvester },
    { "invconv", "nf_layer_create", sizeof(nf_invconv_config), make_invconv },
    { "squeeze", "nf_layer_create", sizeof(nf_squeeze_config), make_squeeze },
    { "dequantise", "nf_layer_create", sizeof(nf_dequantise_config), make_dequantise },
    { "columns", "nf_layer_create", sizeof(nf_columns_config), make_columns },
    { "cnf", "nf_layer_create", sizeof(nf_cnf_config), make_cnf },
    { "autoregressive", "nf_layer_create", sizeof(nf_autoregressive_config), make_autoregressive },
    { "base_normal", "nf_base_create", sizeof(nf_base_normal_config), make_base_normal },
    { "base_diagonal", "nf_base_create", sizeof(nf_base_diagonal_config), make_base_diagonal },
    { "base_uniform", "nf_base_create", sizeof(nf_base_uniform_config), make_base_uniform },
    { "base_normal_full", "nf_base_create", sizeof(nf_base_normal_full_config), make_base_normal_full },
    { "base_mixture", "nf_base_create", sizeof(nf_base_mixture_config), make_base_mixture },
    { "base_student", "nf_base_create", sizeof(nf_base_student_config), make_base_student },
    { "base_laplace", "nf_base_create", sizeof(nf_base_laplace_config), make_base_laplace },
    { "base_logistic", "nf_base_create", sizeof(nf_base_logistic_config), make_base_logistic },
    { "base_box", "nf_base_create", sizeof(nf_base_box_config), make_base_box },
    { "base_normal_conditional", "nf_base_create", sizeof(nf_base_normal_conditional_config), make_base_normal_conditional },
    { "adam", "nf_optimizer_create", sizeof(nf_adam_config), make_adam },
    { "adamw", "nf_optimizer_create", sizeof(nf_adamw_config), make_adamw },
    { "adamax", "nf_optimizer_create", sizeof(nf_adamax_config), make_adamax },
    { "sgd", "nf_optimizer_create", sizeof(nf_sgd_config), make_sgd },
    { "flow", "nf_flow_create", sizeof(nf_flow_config), make_flow },
    { "realnvp", "nf_flow_create_realnvp", sizeof(nf_realnvp_config), make_realnvp },
    { "glow", "nf_flow_create_glow", sizeof(nf_glow_config), make_glow },
    { "realnvp_image", "nf_flow_create_realnvp_image", sizeof(nf_realnvp_image_config), make_realnvp_image },
    { "ffjord", "nf_flow_create_ffjord", sizeof(nf_ffjord_config), make_ffjord },
    { "table", "nf_flow_create_nsf", sizeof(nf_table_config), make_nsf },
    { "table", "nf_flow_create_maf", sizeof(nf_table_config), make_maf },
    { "table", "nf_flow_create_iaf", sizeof(nf_table_config), make_iaf },
    { "table", "nf_flow_create_nice", sizeof(nf_table_config), make_nice },
    { "fit", "nf_flow_fit", sizeof(nf_fit_config), make_fit },
    { "target", "nf_flow_fit_target", sizeof(nf_target_config), make_target },
    { "read", "nf_dataset_load_memory", sizeof(nf_read_config), make_read },
    { "context", "nf_context_create", sizeof(nf_context_config), make_context },
};

static void put(config_bytes *c, uint32_t offset, const void *value, size_t size) { memcpy(c->bytes + offset, value, size); }

/* The smallest config that is accepted: what is required, and a run that is short. */
static config_bytes config_good(int i)
{
    config_bytes c = { { 0 } };
    nf_field field;
    const int64_t two = 2, one = 1;

    c.struct_size = configs[i].size;
    for (int32_t k = 0; nf_config_field(configs[i].name, k, &field) == NF_OK; k++) {
        if (strcmp(field.name, "dim") == 0 || (field.kind == NF_FIELD_I64 && (field.properties & NF_FIELD_REQUIRED))) put(&c, field.offset, &two, 8);
        if (strcmp(field.name, "epochs") == 0 || (strcmp(configs[i].name, "target") == 0 && strcmp(field.name, "steps") == 0)) put(&c, field.offset, &one, 8);
    }
    return c;
}

static bool config_expect(fault_log *log, misuse_scene *s, int i, const config_bytes *c, const char *words, nf_status expected)
{
    fault_mark();
    return misuse_expect(log, configs[i].function, words, configs[i].call(s, c), expected);
}

static bool sizes_of(fault_log *log, misuse_scene *s, int i)
{
    const struct { uint32_t size; bool tail; nf_status status; } sizes[] = {
        { 0, false, NF_ERR_CONFIG_SMALL }, { 1, false, NF_ERR_CONFIG_SMALL }, { 7, false, NF_ERR_CONFIG_SMALL },
        { 65537, false, NF_ERR_CONFIG_SMALL }, { UINT32_MAX, false, NF_ERR_CONFIG_SMALL },
        { configs[i].size > 8 ? 8 : 7, false, configs[i].size > 8 ? NF_ERR_CONFIG_OLD : NF_ERR_CONFIG_SMALL },
        { configs[i].size - 1, false, NF_ERR_CONFIG_OLD }, { configs[i].size + 8, false, NF_OK }, { CONFIG_ROOM, false, NF_OK },
        { configs[i].size + 1, true, NF_ERR_CONFIG_NEW }, { configs[i].size + 16, true, NF_ERR_CONFIG_NEW }, { configs[i].size, false, NF_OK },
    };
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(sizes) && ok; k++) {
        config_bytes c = config_good(i);
        c.struct_size = sizes[k].size;
        if (sizes[k].tail) c.bytes[sizes[k].size - 1] = 1;
        ok = config_expect(log, s, i, &c, "struct_size", sizes[k].status);
    }
    return ok;
}

bool misuse_config_sizes(fault_log *log)
{
    misuse_scene s;
    bool ok = true;

    misuse_open(&s);
    for (int i = 0; i < SUPPORT_COUNT(configs) && ok; i++) ok = sizes_of(log, &s, i);
    misuse_close(&s);
    return ok;
}

/* Values that the table does not allow, by kind of field */

static bool field_i32(fault_log *log, misuse_scene *s, int i, const nf_field *f)
{
    int32_t count = f->choices ? 1 : 0, bad[4], n = 0;
    bool ok = true;

    for (const char *c = f->choices ? f->choices : ""; *c; c++) count += *c == ',';
    if (f->kind == NF_FIELD_CHOICE || f->kind == NF_FIELD_FLAG) {
        bad[n++] = -1;
        bad[n++] = f->kind == NF_FIELD_FLAG ? 2 : count + 1;
    } else {
        if (f->min > INT32_MIN) bad[n++] = (int32_t)f->min - 1;
        if (f->max < INT32_MAX) bad[n++] = (int32_t)f->max + 1;
    }
    bad[n++] = INT32_MIN;
    if (f->max < INT32_MAX || f->kind != NF_FIELD_I32) bad[n++] = INT32_MAX;
    for (int32_t k = 0; k < n && ok; k++) {
        config_bytes c = config_good(i);
        if (bad[k] == 0) continue; /* the default */
        put(&c, f->offset, &bad[k], 4);
        ok = config_expect(log, s, i, &c, f->name, NF_ERR_ARG);
    }
    return ok;
}

static bool field_i64(fault_log *log, misuse_scene *s, int i, const nf_field *f)
{
    const int64_t bad[] = { f->min > 0 || f->min < -1e18 ? INT64_MIN : (int64_t)f->min - 1, INT64_MIN, f->max < 9e18 ? (int64_t)f->max + 1024 : 0, f->max < 9e18 ? INT64_MAX : 0 };
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(bad) && ok; k++) {
        config_bytes c = config_good(i);
        if (bad[k] == 0) continue;
        put(&c, f->offset, &bad[k], 8);
        ok = config_expect(log, s, i, &c, f->name, NF_ERR_ARG);
    }
    return ok;
}

static bool field_f64(fault_log *log, misuse_scene *s, int i, const nf_field *f)
{
    const struct { double value; nf_status status; bool use; } bad[] = {
        { NAN, NF_ERR_NONFINITE, true }, { INFINITY, NF_ERR_NONFINITE, true }, { -INFINITY, NF_ERR_NONFINITE, true },
        { nextafter(f->min, -INFINITY), NF_ERR_ARG, f->min > -1e300 && f->min != 0 }, { -1e-300, NF_ERR_ARG, f->min == 0 },
        { nextafter(f->max, INFINITY), NF_ERR_ARG, f->max < 1e300 },
    };
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(bad) && ok; k++) {
        config_bytes c = config_good(i);
        if (!bad[k].use) continue;
        put(&c, f->offset, &bad[k].value, 8);
        ok = config_expect(log, s, i, &c, f->name, bad[k].status);
    }
    return ok;
}

static bool field_array(fault_log *log, misuse_scene *s, int i, const nf_field *f)
{
    static const int64_t counts[] = { -1, INT64_MIN, 3 }; /* with a pointer that is NULL */
    static const double bad_real[] = { 1, NAN };
    const int64_t bad_integer[] = { 1, INT64_MIN };
    const void *items = f->kind == NF_FIELD_F64_ARRAY ? (const void *)bad_real : bad_integer;
    config_bytes c;
    bool ok = true;

    for (int k = 0; k < SUPPORT_COUNT(counts) && ok; k++) {
        c = config_good(i);
        put(&c, f->count_offset, &counts[k], 8);
        ok = config_expect(log, s, i, &c, f->name, NF_ERR_ARG);
    }
    c = config_good(i);
    put(&c, f->offset, &items, sizeof items);
    put(&c, f->count_offset, &(int64_t){ 2 }, 8);
    return ok && config_expect(log, s, i, &c, f->name, f->kind == NF_FIELD_F64_ARRAY ? NF_ERR_NONFINITE : NF_ERR_ARG);
}

static bool field_one(fault_log *log, misuse_scene *s, int i, const nf_field *f)
{
    config_bytes c = config_good(i);

    if (f->properties & NF_FIELD_REQUIRED) {
        memset(c.bytes + f->offset, 0, 8);
        if (!config_expect(log, s, i, &c, f->name, NF_ERR_ARG)) return false;
    }
    switch (f->kind) {
    case NF_FIELD_I32:
    case NF_FIELD_CHOICE:
    case NF_FIELD_FLAG: return field_i32(log, s, i, f);
    case NF_FIELD_I64: return field_i64(log, s, i, f);
    case NF_FIELD_F64: return field_f64(log, s, i, f);
    case NF_FIELD_I64_ARRAY:
    case NF_FIELD_F64_ARRAY: return field_array(log, s, i, f);
    default: return true; /* any 64 bits, any string, any callback */
    }
}

/* Each table of the library has a row here, and each row a table. */
static bool configs_are_complete(fault_log *log)
{
    nf_field field;

    if (!misuse_expect(log, "nf_config_field", NULL, nf_config_field("no such", 0, &field), NF_ERR_UNKNOWN)) return false;
    for (int i = 0; i < SUPPORT_COUNT(configs); i++)
        if (nf_config_field(configs[i].name, 0, &field)) return fault_fails(log, "no config \"%s\": %s", configs[i].name, nf_last_error());
    return true;
}

bool misuse_config_fields(fault_log *log)
{
    misuse_scene s;
    nf_field field;
    bool ok = configs_are_complete(log);

    misuse_open(&s);
    for (int i = 0; i < SUPPORT_COUNT(configs) && ok; i++) {
        for (int32_t k = 0; ok && nf_config_field(configs[i].name, k, &field) == NF_OK; k++) ok = field_one(log, &s, i, &field);
        ok = ok && misuse_expect(log, "nf_config_field", NULL, nf_config_field(configs[i].name, 1000, &field), NF_ERR_ARG) &&
             misuse_expect(log, "nf_config_field", NULL, nf_config_field(configs[i].name, -1, &field), NF_ERR_ARG);
    }
    misuse_close(&s);
    return ok;
}
