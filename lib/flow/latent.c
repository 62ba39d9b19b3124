/* SPDX-License-Identifier: MIT
 *
 * latent.c - walking through the latent space: interpolation, directions, temperatures
 *
 * Each call is nf_flow_forward, a line of arithmetic in double on z, and nf_flow_inverse. z stands in the output array, in the rows
 * that x will overwrite: nothing is allocated but the rows whose mean is taken, and the bits are those of the three steps by hand.
 *
 * Spherical: the angle between z0 and z1 has cosine c and sine s = sqrt((1 - c)(1 + c)). Without libm's acos it is found by
 * a -= sin(a - angle) = sin a c - cos a s, which takes an error e to e - sin e = e^3 / 6: from at most 1/3, that of the chord
 * pi/2 (1 - c), to 6e-3, 4e-8, 1e-23. Check: c = 1/2 gives 1.0471975511965976 (pi / 3).
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/rows.h"
#include "math/functions.h"
#include <nflow/latent.h>
#include <stdio.h>

#define LATENT_ROWS 1024     /* rows encoded at a time for a mean */
#define LATENT_SMALLEST 1e-6 /* sine of an angle under which a great circle is not to be told from a line, or is not one alone */

/* Element i of an array of the flow's dtype, whose address may be any. */
static double latent_get(const nf_flow *flow, const void *array, int64_t i)
{
    float narrow;

    if (flow->dtype == NF_F64) return nfi_get_f64(array, i);
    memcpy(&narrow, (const char *)array + i * (int64_t)sizeof narrow, sizeof narrow);
    return (double)narrow;
}

static void latent_put(const nf_flow *flow, void *array, int64_t i, double value)
{
    const float narrow = (float)value;

    if (flow->dtype == NF_F64)
        nfi_put_f64(array, i, value);
    else
        memcpy((char *)array + i * (int64_t)sizeof narrow, &narrow, sizeof narrow);
}

static double latent_dot(const nf_flow *flow, const void *a, const void *b)
{
    double sum = 0.0;

    for (int64_t j = 0; j < flow->dim; j++) sum += latent_get(flow, a, j) * latent_get(flow, b, j);
    return sum;
}

/* The flow alone, before arguments that have other names than nfi_call_check gives them. */
static nf_status latent_check_flow(const nfi_call *c)
{
    nfi_call none = *c;

    none.n = 0;
    return nfi_call_check(&none);
}

/* What overlaps an output, for the inputs that nfi_call_check does not know. */
static nf_status latent_check_apart(const char *function, const char *out_name, const void *out, int64_t out_bytes, const char *name,
                                    const void *in, int64_t bytes)
{
    if (!in) return nfi_fail(NF_ERR_NULL, "%s: %s is NULL", function, name);
    if (nfi_overlap(out, out_bytes, in, bytes)) return nfi_fail(NF_ERR_ALIAS, "%s: %s overlaps %s", function, out_name, name);
    return NF_OK;
}

/* Interpolation */

static double latent_angle(double c)
{
    const double s = nfi_sqrt((1.0 - c) * (1.0 + c));
    double a = 0.5 * NFI_PI * (1.0 - c);

    for (int k = 0; k < 4; k++) a -= nfi_sin(a) * c - nfi_cos(a) * s;
    return a;
}

/* The angle from z0 to z1, or 0 where the way is linear. */
static double latent_path_angle(const nf_flow *flow, int32_t path, const void *z0, const void *z1)
{
    const double length = nfi_sqrt(latent_dot(flow, z0, z0)) * nfi_sqrt(latent_dot(flow, z1, z1));
    const double c = latent_dot(flow, z0, z1) / length;

    if (path != NF_PATH_SPHERICAL || !((1.0 - c) * (1.0 + c) >= LATENT_SMALLEST * LATENT_SMALLEST)) return 0.0;
    return latent_angle(c);
}

/* Rows between the first and the last of z [steps][dim], which are there. */
static void latent_path(const nf_flow *flow, int32_t path, int64_t steps, char *z)
{
    const int64_t bytes = flow->dim * flow->size;
    const char *z0 = z, *z1 = z + (steps - 1) * bytes;
    const double angle = latent_path_angle(flow, path, z0, z1);

    for (int64_t k = 1; k < steps - 1; k++) {
        const double t = (double)k / (double)(steps - 1);
        const double a = angle > 0.0 ? nfi_sin((1.0 - t) * angle) / nfi_sin(angle) : 1.0 - t;
        const double b = angle > 0.0 ? nfi_sin(t * angle) / nfi_sin(angle) : t;
        for (int64_t j = 0; j < flow->dim; j++)
            latent_put(flow, z + k * bytes, j, a * latent_get(flow, z0, j) + b * latent_get(flow, z1, j));
    }
}

static nf_status latent_check_path(const nfi_call *c, int32_t path, const void *x0, const void *x1)
{
    nf_status status = latent_check_flow(c);

    if (status) return status;
    if (path != NF_PATH_LINEAR && path != NF_PATH_SPHERICAL)
        return nfi_fail(NF_ERR_ARG, "%s: path is %d, allowed are %d (linear) and %d (spherical)", c->function, (int)path, NF_PATH_LINEAR,
                        NF_PATH_SPHERICAL);
    if (c->n < 2) return nfi_fail(NF_ERR_SHAPE, "%s: steps is %lld, must be at least 2", c->function, (long long)c->n);
    if ((status = nfi_call_check(c))) return status;
    const int64_t bytes = c->flow->dim * c->flow->size;
    if ((status = latent_check_apart(c->function, "x", c->out, c->n * bytes, "x0", x0, bytes))) return status;
    return latent_check_apart(c->function, "x", c->out, c->n * bytes, "x1", x1, bytes);
}

/* An end into its row of the output. What is not finite goes on as NaN, into every row. */
static nf_status latent_encode_end(const nfi_call *c, const char *name, const void *x, int64_t row)
{
    const int64_t bytes = c->flow->dim * c->flow->size, bytes_cond = c->flow->cond_dim * c->flow->size;
    const char *cond = c->cond ? (const char *)c->cond + row * bytes_cond : NULL;
    char function[64];

    snprintf(function, sizeof function, "%s: %s", c->function, name);
    const nf_status status = nfi_flow_forward(c->flow, 1, x, cond, (char *)c->out + row * bytes, function);
    return status < 0 ? status : NF_OK;
}

static nf_status latent_interpolate(const nfi_call *c, int32_t path, const void *x0, const void *x1)
{
    nf_status status = latent_check_path(c, path, x0, x1);
    uint64_t fpenv;

    if (status) return status;
    fpenv = nfi_fpenv_enter();
    status = latent_encode_end(c, "x0", x0, 0);
    if (!status) status = latent_encode_end(c, "x1", x1, c->n - 1);
    if (!status) latent_path(c->flow, path, c->n, c->out);
    if (!status) status = nfi_flow_inverse(c->flow, c->n, c->out, c->cond, c->out, c->function);
    if (status < 0) nfi_fill_nan(c->flow->dtype, c->n * c->flow->dim, c->out);
    nfi_fpenv_leave(fpenv);
    return status;
}

nf_status nf_flow_interpolate(const nf_flow *flow, int32_t path, int64_t steps, const float *x0, const float *x1, const float *cond, float *x)
{
    return latent_interpolate(&(nfi_call){ "nf_flow_interpolate", flow, NF_F32, steps, NULL, NULL, cond, "x", x, 1, "x", NULL, NFI_VALUE_OPTIONAL },
                              path, x0, x1);
}

nf_status nf_flow_interpolate_f64(const nf_flow *flow, int32_t path, int64_t steps, const double *x0, const double *x1, const double *cond,
                                  double *x)
{
    return latent_interpolate(&(nfi_call){ "nf_flow_interpolate_f64", flow, NF_F64, steps, NULL, NULL, cond, "x", x, 1, "x", NULL, NFI_VALUE_OPTIONAL },
                              path, x0, x1);
}

/* Directions */

/* The rows whose mean is taken, as a call that has them as input. */
typedef struct latent_set {
    nfi_call call;
    const char *n_name, *cond_name;
} latent_set;

static nf_status latent_check_set(const latent_set *set, const void *direction)
{
    const nfi_call *c = &set->call;
    nf_status status = latent_check_flow(c);

    if (status) return status;
    if (c->n < 1) return nfi_fail(NF_ERR_SHAPE, "%s: %s is %lld, must be at least 1", c->function, set->n_name, (long long)c->n);
    if ((status = nfi_cond_check(c->flow, c->cond, c->function, set->cond_name)) || (status = nfi_call_check(c))) return status;
    const int64_t bytes = c->flow->dim * c->flow->size, bytes_cond = c->flow->cond_dim * c->flow->size;
    if ((status = latent_check_apart(c->function, "direction", direction, bytes, c->in_name, c->in, c->n * bytes))) return status;
    if (!c->cond) return NF_OK;
    return latent_check_apart(c->function, "direction", direction, bytes, set->cond_name, c->cond, c->n * bytes_cond);
}

/* mean += sign / n sum_i z_i, z room for a block's rows; sum is cleared first. */
static nf_status latent_add_mean(const latent_set *set, double sign, char *z, double *sum, double *mean)
{
    const nf_flow *flow = set->call.flow;
    const int64_t dim = flow->dim, bytes = dim * flow->size, bytes_cond = flow->cond_dim * flow->size;
    const char *x = set->call.in, *cond = set->call.cond;
    char name[128];

    for (int64_t j = 0; j < dim; j++) sum[j] = 0.0;
    for (int64_t row = 0; row < set->call.n; row += LATENT_ROWS) {
        const int64_t n = nfi_min(LATENT_ROWS, set->call.n - row);
        snprintf(name, sizeof name, "%s: %s from row %lld on", set->call.function, set->call.in_name, (long long)row);
        const nf_status status = nfi_flow_forward(flow, n, x + row * bytes, cond ? cond + row * bytes_cond : NULL, z, name);
        if (status) return status;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < dim; j++) sum[j] += latent_get(flow, z, i * dim + j);
    }
    for (int64_t j = 0; j < dim; j++) mean[j] += sign * (sum[j] / (double)set->call.n);
    return NF_OK;
}

static nf_status latent_direction_run(const latent_set *with, const latent_set *without, nf_maker *maker, void *direction)
{
    const nf_flow *flow = with->call.flow;
    const int64_t rows = nfi_min(LATENT_ROWS, nfi_max(with->call.n, without->call.n));
    char *z = nfi_maker_alloc(maker, rows * flow->dim, flow->size);
    double *sum = z ? nfi_maker_alloc(maker, 2 * flow->dim, sizeof *sum) : NULL;
    nf_status status = sum ? NF_OK : NF_ERR_MEMORY;

    if (!status) status = latent_add_mean(with, 1.0, z, sum, sum + flow->dim);
    if (!status) status = latent_add_mean(without, -1.0, z, sum, sum + flow->dim);
    if (status) {
        nfi_fill_nan(flow->dtype, flow->dim, direction);
        return status;
    }
    for (int64_t j = 0; j < flow->dim; j++) latent_put(flow, direction, j, sum[flow->dim + j]);
    return NF_OK;
}

static nf_status latent_direction(const latent_set *with, const latent_set *without, void *direction)
{
    const nfi_call *c = &with->call;
    nf_maker *maker = NULL;
    nf_status status = latent_check_set(with, direction);
    uint64_t fpenv;

    if (status || (status = latent_check_set(without, direction))) return status;
    if (!direction) return nfi_fail(NF_ERR_NULL, "%s: direction is NULL", c->function);
    fpenv = nfi_fpenv_enter();
    status = nfi_maker_create(&maker, c->flow->object.context);
    if (!status)
        status = latent_direction_run(with, without, maker, direction);
    else
        nfi_fill_nan(c->flow->dtype, c->flow->dim, direction);
    nfi_maker_free(maker);
    nfi_fpenv_leave(fpenv);
    return status;
}

#define LATENT_SET(function_, dtype_, which)                                                                                             \
    { { .function = function_, .flow = flow, .dtype = dtype_, .n = n_##which, .in_name = "x_" #which, .in = x_##which, .cond = cond_##which,    \
        .out_name = "direction", .value_name = "direction" }, "n_" #which, "cond_" #which }

nf_status nf_flow_direction(const nf_flow *flow, int64_t n_with, const float *x_with, const float *cond_with, int64_t n_without,
                            const float *x_without, const float *cond_without, float *direction)
{
    const latent_set with = LATENT_SET("nf_flow_direction", NF_F32, with), without = LATENT_SET("nf_flow_direction", NF_F32, without);
    return latent_direction(&with, &without, direction);
}

nf_status nf_flow_direction_f64(const nf_flow *flow, int64_t n_with, const double *x_with, const double *cond_with, int64_t n_without,
                                const double *x_without, const double *cond_without, double *direction)
{
    const latent_set with = LATENT_SET("nf_flow_direction_f64", NF_F64, with), without = LATENT_SET("nf_flow_direction_f64", NF_F64, without);
    return latent_direction(&with, &without, direction);
}

/* Moves */

static nf_status latent_check_move(const nfi_call *c, const void *direction, double amount)
{
    const int64_t bytes = c->flow->dim * c->flow->size;
    const nf_status status = latent_check_apart(c->function, "out", c->out, c->n * bytes, "direction", direction, bytes);
    const int64_t bad = status ? -1 : nfi_first_nonfinite(c->flow->dtype, c->flow->dim, direction);

    if (status) return status;
    if (bad >= 0) return nfi_fail(NF_ERR_NONFINITE, "%s: direction[%lld] is not finite", c->function, (long long)bad);
    if (amount - amount != 0.0) return nfi_fail(NF_ERR_ARG, "%s: amount must be finite", c->function);
    return NF_OK;
}

static nf_status latent_move(const nfi_call *c, const void *direction, double amount)
{
    nf_status status = nfi_call_check(c);
    const nf_flow *flow = c->flow;
    uint64_t fpenv;

    if (status || c->n == 0 || (status = latent_check_move(c, direction, amount))) return status;
    fpenv = nfi_fpenv_enter();
    status = nfi_flow_forward(flow, c->n, c->in, c->cond, c->out, c->function);
    for (int64_t i = 0; i < c->n && status >= 0; i++)
        for (int64_t j = 0, k = i * flow->dim; j < flow->dim; j++, k++)
            latent_put(flow, c->out, k, latent_get(flow, c->out, k) + amount * latent_get(flow, direction, j));
    if (status >= 0) status = nfi_flow_inverse(flow, c->n, c->out, c->cond, c->out, c->function); /* counts the same rows again */
    nfi_fpenv_leave(fpenv);
    return status;
}

nf_status nf_flow_move(const nf_flow *flow, int64_t n, const float *x, const float *cond, const float *direction, double amount, float *out)
{
    return latent_move(&(nfi_call){ "nf_flow_move", flow, NF_F32, n, "x", x, cond, "out", out, 1, "out", NULL, NFI_VALUE_OPTIONAL }, direction, amount);
}

nf_status nf_flow_move_f64(const nf_flow *flow, int64_t n, const double *x, const double *cond, const double *direction, double amount, double *out)
{
    return latent_move(&(nfi_call){ "nf_flow_move_f64", flow, NF_F64, n, "x", x, cond, "out", out, 1, "out", NULL, NFI_VALUE_OPTIONAL }, direction, amount);
}

/* Temperatures */

typedef struct latent_sweep {
    uint64_t seed;
    int64_t first, count;
    const double *temperatures; /* [count] */
} latent_sweep;

static nf_status latent_check_sweep(const nfi_call *c, const latent_sweep *sweep)
{
    int64_t bytes;
    nf_status status;

    if (sweep->count < 1)
        return nfi_fail(NF_ERR_SHAPE, "%s: n_temperatures is %lld, must be at least 1", c->function, (long long)sweep->count);
    if (!nfi_mul(sweep->count, 8, &bytes) || !nfi_mul(bytes, c->flow->dim, &bytes) || !nfi_mul(bytes, nfi_max(c->n, 1), &bytes))
        return nfi_fail(NF_ERR_OVERFLOW, "%s: %lld temperatures of %lld rows are too many", c->function, (long long)sweep->count, (long long)c->n);
    bytes = c->flow->size * c->flow->dim * c->n * sweep->count;
    if ((status = latent_check_apart(c->function, "x", c->out, bytes, "temperatures", sweep->temperatures, sweep->count * 8))) return status;
    for (int64_t k = 0; k < sweep->count; k++) {
        const double t = nfi_get_f64(sweep->temperatures, k);
        if (!(t > 0.0 && t - t == 0.0)) return nfi_fail(NF_ERR_ARG, "%s: temperatures[%lld] must be positive and finite", c->function, (long long)k);
    }
    if (!c->cond) return NF_OK;
    return latent_check_apart(c->function, "x", c->out, bytes, "cond", c->cond, c->n * c->flow->cond_dim * c->flow->size);
}

static nf_status latent_sample(const nfi_call *call, const latent_sweep *sweep)
{
    const nf_flow *flow = call->flow;
    nf_status status = nfi_call_check(call), result = NF_OK;
    nfi_call c = *call;

    if (status || (status = nfi_sample_check(call, sweep->first)) || (status = latent_check_sweep(call, sweep))) return status;
    for (int64_t k = 0; k < sweep->count && call->n; k++) {
        c.out = (char *)call->out + k * call->n * flow->dim * flow->size;
        status = nfi_flow_sample(&c, sweep->seed, sweep->first, nfi_get_f64(sweep->temperatures, k), false);
        if (status < 0) {
            nfi_fill_nan(flow->dtype, sweep->count * call->n * flow->dim, call->out);
            return status;
        }
        if (status) result = status;
    }
    return result;
}

nf_status nf_flow_sample_temperatures(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const float *cond, int64_t n_temperatures,
                                      const double *temperatures, float *x)
{
    return latent_sample(&(nfi_call){ "nf_flow_sample_temperatures", flow, NF_F32, n, NULL, NULL, cond, "x", x, 1, "x", NULL, NFI_VALUE_OPTIONAL },
                         &(latent_sweep){ seed, first, n_temperatures, temperatures });
}

nf_status nf_flow_sample_temperatures_f64(const nf_flow *flow, uint64_t seed, int64_t first, int64_t n, const double *cond,
                                          int64_t n_temperatures, const double *temperatures, double *x)
{
    return latent_sample(&(nfi_call){ "nf_flow_sample_temperatures_f64", flow, NF_F64, n, NULL, NULL, cond, "x", x, 1, "x", NULL, NFI_VALUE_OPTIONAL },
                         &(latent_sweep){ seed, first, n_temperatures, temperatures });
}
