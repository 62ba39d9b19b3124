/* SPDX-License-Identifier: MIT
 *
 * custom_layer.c - a layer type of one's own: it trains, is checked, saved and loaded like a built-in one
 *
 *   custom_layer [FOLDER]      writes custom_layer.safetensors
 *
 * Sinh-arcsinh, column by column: a shapes the tails, e the skewness.
 *
 *   u_j = d_j asinh(x_j) + e_j,   d_j = exp(a_j),   z_j = sinh(u_j)
 *   log|det dz/dx| = sum_j (log cosh u_j + a_j - log(1 + x_j^2) / 2)
 *   x_j = sinh((asinh(z_j) - e_j) / d_j)
 *
 * theta = (a_0..a_{dim-1}, e_0..e_{dim-1}); theta = 0 is the identity.
 * The exponential keeps d positive, so that the map is increasing for every theta.
 *
 * Ref: Jones, Pewsey, "Sinh-arcsinh distributions", Biometrika 96 (2009).
 */
#include <math.h>
#include <nflow/layer_type.h>
#include <nflow/nflow.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what a user configures */
typedef struct tails_config {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t dim;
} tails_config;

static const nf_field tails_fields[] = {
    { .name = "dim", .help = "columns", .kind = NF_FIELD_I64, .properties = NF_FIELD_REQUIRED,
      .offset = offsetof(tails_config, dim), .min = 1, .max = 16777216 },
};

/* state: hyper-parameters only, immutable after creation */
typedef struct tails {
    int64_t dim;
} tails;

/* One table serves both precisions: arithmetic is in double, the arrays are what the tile says. */
static double get(const nf_tile *t, const void *array, int64_t i)
{
    return t->dtype == NF_F64 ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static void set(const nf_tile *t, void *array, int64_t i, double value)
{
    if (t->dtype == NF_F64)
        ((double *)array)[i] = value;
    else
        ((float *)array)[i] = (float)value;
}

/* log cosh u without overflow */
static double log_cosh(double u)
{
    return fabs(u) + log1p(exp(-2.0 * fabs(u))) - log(2.0);
}

static double log_slope(double a, double u, double x)
{
    return log_cosh(u) + a - 0.5 * log1p(x * x);
}

static nf_status tails_create(nf_maker *maker, void *config, void **self)
{
    tails *state = nf_maker_alloc(maker, sizeof *state);

    if (!state) return NF_ERR_MEMORY;
    state->dim = ((const tails_config *)config)->dim;
    *self = state;
    return NF_OK;
}

static nf_status tails_describe(const void *self, nf_layer_info *info)
{
    info->dim = ((const tails *)self)->dim;
    return NF_OK;
}

static nf_status tails_param(const void *self, int32_t i, nf_param *param)
{
    static const char *const names[] = { "log_tail", "skew" };
    const int64_t dim = ((const tails *)self)->dim;

    if (i < 0 || i > 1) return NF_ERR_ARG;
    snprintf(param->name, sizeof param->name, "%s", names[i]);
    param->properties = NF_PARAM_NO_DECAY;
    param->offset = i * dim;
    param->rank = 1;
    param->shape[0] = dim;
    return NF_OK;
}

static nf_status tails_forward(const void *self, const nf_tile *t, const void *in, void *out, void *saved)
{
    const int64_t dim = ((const tails *)self)->dim;

    (void)saved; /* backward needs x alone, and the flow keeps it */
    for (int64_t i = 0; i < t->n * dim; i++) {
        const double a = get(t, t->theta, i % dim), x = get(t, in, i);
        const double u = exp(a) * asinh(x) + get(t, t->theta, dim + i % dim);
        set(t, out, i, sinh(u));
        t->log_det[i / dim] += log_slope(a, u, x);
    }
    return NF_OK;
}

static nf_status tails_inverse(const void *self, const nf_tile *t, const void *out, void *in)
{
    const int64_t dim = ((const tails *)self)->dim;

    for (int64_t i = 0; i < t->n * dim; i++) {
        const double a = get(t, t->theta, i % dim), u = asinh(get(t, out, i));
        const double x = sinh((u - get(t, t->theta, dim + i % dim)) * exp(-a));
        set(t, in, i, x);
        t->log_det[i / dim] -= log_slope(a, u, x);
    }
    return NF_OK;
}

/* With g = dL/dz, h = dL/dlog_det:
 *   dL/du = g cosh u + h tanh u
 *   dL/dx = dL/du d / sqrt(1 + x^2) - h x / (1 + x^2)
 *   dL/da = sum_i (dL/du d asinh(x) + h),   dL/de = sum_i dL/du
 */
static nf_status tails_backward(const void *self, const nf_tile *t, const void *in, const void *out, const void *saved,
                                void *g, const double *g_log_det)
{
    const int64_t dim = ((const tails *)self)->dim;

    (void)out, (void)saved;
    for (int64_t i = 0; i < t->n * dim; i++) {
        const int64_t j = i % dim;
        const double d = exp(get(t, t->theta, j)), x = get(t, in, i), h = g_log_det[i / dim];
        const double u = d * asinh(x) + get(t, t->theta, dim + j);
        const double gu = get(t, g, i) * cosh(u) + h * tanh(u);
        set(t, g, i, gu * d / sqrt(1.0 + x * x) - h * x / (1.0 + x * x));
        if (!t->grad) continue; /* only dL/dx was asked for */
        set(t, t->grad, j, get(t, t->grad, j) + gu * d * asinh(x) + h);
        set(t, t->grad, dim + j, get(t, t->grad, dim + j) + gu);
    }
    return NF_OK;
}

static const nf_layer_ops tails_ops = {
    .struct_size = sizeof(nf_layer_ops),
    .forward = tails_forward,
    .inverse = tails_inverse,
    .backward = tails_backward,
};

static const nf_layer_type tails_type = {
    .struct_size = sizeof(nf_layer_type),
    .version = 1,
    .name = "sinh_arcsinh",
    .config_size = sizeof(tails_config),
    .config_first_size = sizeof(tails_config),
    .fields = tails_fields,
    .n_fields = sizeof tails_fields / sizeof *tails_fields,
    .create = tails_create,
    .describe = tails_describe,
    .param = tails_param,
    .f32 = &tails_ops,
    .f64 = &tails_ops,
};

/* ---- using it ---- */

enum { ROWS = 4000, DIM = 2 };

typedef struct objects {
    nf_context *context;
    nf_dataset *data;
    nf_layer *layers[2];
    nf_base *base;
    nf_flow *flow, *loaded;
    nf_optimizer *adam;
} objects;

/* Normal points, pulled into heavy tails and skewness. */
static nf_status make_data(objects *o, float *x)
{
    nf_flow *normal = NULL;
    nf_status status = nf_flow_create(&normal, o->context, NULL, o->base, NULL, 0);

    if (status >= 0) status = nf_flow_sample(normal, 3, 0, ROWS, NULL, 1.0, x, NULL);
    for (int i = 0; status >= 0 && i < ROWS * DIM; i++)
        x[i] = (float)(0.5 + sinh(1.5 * asinh((double)x[i]) + 0.7));
    if (status >= 0) status = nf_dataset_from_array(&o->data, o->context, ROWS, DIM, x);
    nf_flow_unref(normal);
    return status;
}

/* x -> affine -> sinh-arcsinh -> N(0, I); the new type goes by its name, as any other. */
static nf_status make_flow(objects *o)
{
    const tails_config config = { .struct_size = sizeof config, .dim = DIM };
    nf_affine_config affine = NF_AFFINE_CONFIG_INIT;
    nf_status status;

    affine.dim = DIM;
    status = nf_affine_create(&o->layers[0], o->context, &affine);
    if (status >= 0) status = nf_layer_create(&o->layers[1], o->context, "sinh_arcsinh", &config);
    if (status >= 0) status = nf_flow_create(&o->flow, o->context, NULL, o->base, o->layers, 2);
    return status;
}

static nf_status train(objects *o)
{
    nf_adam_config adam = NF_ADAM_CONFIG_INIT;
    nf_fit_config fit = NF_FIT_CONFIG_INIT;
    double before, after;
    nf_status status;

    adam.lr = 0.02;
    fit.epochs = 40;
    fit.schedule = NF_SCHEDULE_COSINE;
    if ((status = nf_flow_mean_nll(o->flow, o->data, &before)) < 0) return status;
    if ((status = nf_optimizer_adam_create(&o->adam, o->context, &adam)) < 0) return status;
    if ((status = nf_flow_fit(o->flow, o->adam, o->data, NULL, &fit, NULL)) < 0) return status;
    if ((status = nf_flow_mean_nll(o->flow, o->data, &after)) < 0) return status;
    printf("mean NLL %.4f before training, %.4f after\n", before, after);
    return after < before - 0.5 ? NF_OK : nf_fail(NF_ERR_DIVERGED, "training did not improve the fit");
}

/* The saved flow gives the same densities, bit for bit. The context of the loader must know the type. */
static nf_status save_and_load(objects *o, const char *path, const float *x)
{
    static double kept[ROWS], again[ROWS];
    nf_status status;

    if ((status = nf_flow_save(o->flow, path)) < 0) return status;
    if ((status = nf_flow_load(&o->loaded, o->context, path)) < 0) return status;
    if ((status = nf_flow_log_prob(o->flow, ROWS, x, NULL, kept)) < 0) return status;
    if ((status = nf_flow_log_prob(o->loaded, ROWS, x, NULL, again)) < 0) return status;
    if (memcmp(kept, again, sizeof kept) != 0) return nf_fail(NF_ERR_CORRUPT, "the loaded flow differs");
    printf("saved as %s and loaded: the same bits\n", path);
    return NF_OK;
}

static nf_status check(const objects *o, const float *x)
{
    nf_check_report report = { .struct_size = sizeof report };
    const nf_status status = nf_flow_check(o->flow, 256, x, NULL, &report);

    if (status < 0) return status;
    printf("check: round trip %.2g, log-det %.2g, gradients %.2g and %.2g: %s\n", report.round_trip_max,
           report.log_det_error_max, report.grad_x_error_max, report.grad_theta_error_max,
           report.passed ? "passed" : "failed");
    return report.passed ? NF_OK : nf_fail(NF_ERR_STATE, "the check failed");
}

static nf_status run(objects *o, const char *path)
{
    static float x[ROWS * DIM];
    nf_status status;

    if ((status = nf_context_create(&o->context, NULL)) < 0) return status;
    if ((status = nf_context_register_layer(o->context, &tails_type)) < 0) return status;
    if ((status = nf_base_normal_create(&o->base, o->context, DIM)) < 0) return status;
    if ((status = make_data(o, x)) < 0) return status;
    if ((status = make_flow(o)) < 0) return status;
    if ((status = train(o)) < 0) return status;
    if ((status = check(o, x)) < 0) return status;
    return save_and_load(o, path, x);
}

int main(int argc, char **argv)
{
    objects o = { 0 };
    char path[4096];
    nf_status status;

    snprintf(path, sizeof path, "%s/custom_layer.safetensors", argc > 1 ? argv[1] : ".");
    status = run(&o, path);
    if (status < 0) fprintf(stderr, "custom_layer: %s\n", nf_last_error());
    nf_optimizer_unref(o.adam);
    nf_flow_unref(o.loaded);
    nf_flow_unref(o.flow);
    nf_base_unref(o.base);
    nf_layer_unref(o.layers[0]);
    nf_layer_unref(o.layers[1]);
    nf_dataset_unref(o.data);
    nf_context_unref(o.context);
    return status < 0;
}
