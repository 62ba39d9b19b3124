/* SPDX-License-Identifier: MIT
 *
 * cnf_layer.c - the continuous layer as a type: its config, its sizes, its views
 */
#include "layers/cnf.h"

#include <string.h>

#include "core/status.h"

#define CNF_REJECTS 10        /* one after another */
#define CNF_TILE_ROWS 4096    /* of rows and tangents together; of images, their pixels */
#define CNF_EXACT_EVALUATE 32 /* columns up to which traces are exact unless asked otherwise */
#define CNF_EXACT_TRAIN 4
#define CNF_EVALUATIONS 40.0  /* of a solve, about: the work of a row, by which calls choose their threads */

static const char cnf_function[] = "nf_cnf_create";

static nf_status cnf_normalise(nf_maker *maker, nf_cnf_config *config)
{
    static const int64_t widths[] = { 64, 64, 64 };
    if (config->n_hidden > 0) return NF_OK;
    int64_t *hidden = nf_maker_alloc(maker, (int64_t)sizeof widths);
    if (!hidden) return NF_ERR_MEMORY;
    memcpy(hidden, widths, sizeof widths);
    config->hidden = hidden;
    config->n_hidden = NFI_COUNT(widths);
    return NF_OK;
}

static void cnf_trace(nfi_cnf *cf, const nf_cnf_config *config)
{
    cf->exact_evaluate = config->trace == NF_TRACE_AUTO ? CNF_EXACT_EVALUATE : config->trace == NF_TRACE_EXACT ? cf->dim : 0;
    cf->exact_train = config->trace == NF_TRACE_AUTO ? CNF_EXACT_TRAIN : cf->exact_evaluate;
    if (config->trace == NF_TRACE_HUTCHINSON_TRAIN) {
        cf->exact_evaluate = cf->dim;
        cf->exact_train = 0;
    }
    cf->probes = config->probes;
    cf->gaussian = config->probe == NF_PROBE_GAUSSIAN;
}

/* Backward keeps every layer of a row's network at every stage of a step: a tile has as many rows as that allows. */
static void cnf_tiles(nfi_cnf *cf, int64_t pixels)
{
    const int64_t tangents = nfi_max(nfi_cnf_tangents(cf, 0), nfi_cnf_tangents(cf, 1));
    cf->tile_rows = NFI_ODE_ROWS;
    while (cf->tile_rows > 1 && cf->tile_rows * (1 + tangents) * pixels > CNF_TILE_ROWS) cf->tile_rows /= 2;
}

static nf_status cnf_network(nfi_cnf *cf, nf_maker *maker, const nf_cnf_config *config)
{
    const nfi_dynamics_config net = { .dim = config->dim, .cond_dim = config->cond_dim, .height = config->height, .width = config->width,
                                      .channels = config->channels, .hidden = config->hidden,
                                      .n_hidden = config->hidden[0] == 0 ? 0 : config->n_hidden, .activation = config->activation,
                                      .kind = config->time, .function = cnf_function };
    return nfi_dynamics_create(&cf->net, maker, &net);
}

static nf_status cnf_make(nf_maker *maker, void *resolved, void **self)
{
    nf_cnf_config *config = resolved;
    nfi_cnf *cf = nf_maker_alloc(maker, (int64_t)sizeof *cf);

    if (!cf) return NF_ERR_MEMORY;
    nf_status status = cnf_normalise(maker, config);
    if (status != NF_OK) return status;
    *cf = (nfi_cnf){ .dim = config->dim, .cond_dim = config->cond_dim, .end_time = config->end_time, .kinetic = config->kinetic,
                     .jacobian = config->jacobian, .time_fixed = config->end_time_fixed, .adjoint = config->gradient == NF_GRADIENT_ADJOINT,
                     .ode = { .method = nfi_ode_method_at(config->solver), .rtol = config->rtol, .atol = config->atol, .step = config->step,
                              .max_steps = config->max_steps, .max_rejects = CNF_REJECTS } };
    if (!cf->ode.method->adaptive && config->step == 0.0)
        return nfi_fail(NF_ERR_ARG, "%s: solver %s has fixed steps: step must be given", cnf_function, cf->ode.method->name);
    if ((status = cnf_network(cf, maker, config))) return status;
    cnf_trace(cf, config);
    cnf_tiles(cf, nfi_max(1, config->height * config->width));
    *self = cf;
    return status;
}

/* Whatever the tile is for must fit. */
static int64_t cnf_scratch(const nfi_cnf *cf, const nfi_kernels *k)
{
    const int64_t n = cf->tile_rows, evaluate = nfi_cnf_tangents(cf, 0), train = nfi_cnf_tangents(cf, 1);
    const int64_t solve = nfi_cnf_solve_bytes(cf, n), back = cf->adjoint ? nfi_cnf_adjoint_bytes(cf, k, n, train) : nfi_cnf_back_bytes(cf, k, n, train);
    const int64_t ways = nfi_max(nfi_cnf_work_bytes(cf, k, n, evaluate) + solve, nfi_cnf_work_bytes(cf, k, n, train) + nfi_max(solve, back));
    return nfi_max(ways, nfi_cnf_match_bytes(cf, k, n));
}

static nf_status cnf_describe(const void *self, nf_layer_info *info)
{
    const nfi_cnf *cf = self;
    const nfi_kernels *k = info->kernels;

    info->dim = cf->dim;
    info->cond_dim = cf->cond_dim;
    info->tile_rows = cf->tile_rows;
    info->saved_row = nfi_cnf_saved_bytes(cf);
    info->scratch_fixed = cnf_scratch(cf, k);
    info->packed = nfi_dynamics_packed_bytes(&cf->net, k);
    info->packed_backward = nfi_dynamics_turned_bytes(&cf->net, k);
    info->inverse_is_iterative = 1;
    info->flop_row = CNF_EVALUATIONS * nfi_dynamics_flop(&cf->net, nfi_cnf_tangents(cf, 0));
    return NF_OK;
}

static nf_status cnf_param(const void *self, int32_t i, nf_param *param)
{
    const nfi_cnf *cf = self;
    const int32_t n = nfi_dynamics_param_count(&cf->net);

    if (i < 0 || i > n) return NF_ERR_ARG;
    if (i < n) {
        nfi_dynamics_param(&cf->net, "net", 0, i, param);
        return NF_OK;
    }
    memcpy(param->name, "sqrt_time", sizeof "sqrt_time");
    param->properties = NF_PARAM_NO_DECAY | NF_PARAM_NO_MATCH | (cf->time_fixed ? NF_PARAM_FROZEN : 0);
    param->offset = cf->net.theta_count;
    return NF_OK;
}

#define CNF_FIELD(member, kind, properties, fallback, min, max, choices, help)                                         \
    NFI_FIELD(nf_cnf_config, member, kind, properties, fallback, min, max, choices, help)
static const nf_field cnf_fields[] = {
    CNF_FIELD(solver, NF_FIELD_CHOICE, 0, NF_ODE_DOPRI5, 1, 6, "dopri5,tsit5,bosh3,rk4,midpoint,euler", "Integrator"),
    CNF_FIELD(dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),
    CNF_FIELD(cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "Conditioning columns"),
    CNF_FIELD(activation, NF_FIELD_CHOICE, 0, NF_ACTIVATION_TANH, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu",
              "Activation of the network: one with a second derivative"),
    CNF_FIELD(time, NF_FIELD_CHOICE, 0, NF_TIME_SQUASH, 1, 3, "ignore,concat,concat_squash", "How the network sees the time"),
    CNF_FIELD(trace, NF_FIELD_CHOICE, 0, NF_TRACE_AUTO, 1, 4, "auto,exact,hutchinson,hutchinson_train", "How the trace is found"),
    CNF_FIELD(probe, NF_FIELD_CHOICE, 0, NF_PROBE_RADEMACHER, 1, 2, "rademacher,gaussian", "Distribution of Hutchinson's probes"),
    CNF_FIELD(probes, NF_FIELD_I64, 0, 1, 1, 1024, NULL, "Probes of a row"),
    CNF_FIELD(end_time_fixed, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "The end time is not trained"),
    CNF_FIELD(end_time, NF_FIELD_F64, NF_FIELD_INITIAL, 0.5, 1e-6, 1e6, NULL, "Initial end time"),
    CNF_FIELD(rtol, NF_FIELD_F64, 0, 1e-5, 1e-14, 1, NULL, "Relative tolerance"),
    CNF_FIELD(atol, NF_FIELD_F64, 0, 1e-5, 1e-14, 1, NULL, "Absolute tolerance"),
    CNF_FIELD(step, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "Length of a fixed step, or of the first one; 0: chosen"),
    CNF_FIELD(max_steps, NF_FIELD_I64, 0, 1000, 1, 1000000, NULL, "Most steps of a row"),
    CNF_FIELD(gradient, NF_FIELD_CHOICE, 0, NF_GRADIENT_DISCRETE, 1, 2, "discrete,adjoint", "What gradients are of: the steps taken, or the equation"),
    CNF_FIELD(kinetic, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "Weight of the kinetic energy in the loss"),
    CNF_FIELD(jacobian, NF_FIELD_F64, 0, 0, 0, 1e6, NULL, "Weight of the Jacobian's squared norm in the loss"),
    NFI_ARRAY(nf_cnf_config, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,
              "Widths of the hidden layers, in images channels; 64, 64 and 64 unless given; a single 0 means none"),
    CNF_FIELD(height, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "Pixels downwards, of rows that are images; 0: they are not"),
    CNF_FIELD(width, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "Pixels across"),
    CNF_FIELD(channels, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "Numbers a pixel"),
};
const nfi_config_type nfi_cnf_config_type = NFI_CONFIG_TYPE("cnf", nf_cnf_config, cnf_fields);
const nf_layer_type nfi_cnf_type = {
    NFI_LAYER_TYPE("cnf", nf_cnf_config, cnf_fields),
    .create = cnf_make,
    .describe = cnf_describe,
    .param = cnf_param,
    .f32 = &nfi_cnf_ops_f32,
    .f64 = &nfi_cnf_ops_f64,
};

void nf_cnf_config_init(nf_cnf_config *config)
{
    if (config) *config = (nf_cnf_config)NF_CNF_CONFIG_INIT;
}

nf_status nf_cnf_create(nf_layer **out, nf_context *context, const nf_cnf_config *config)
{
    return nfi_layer_make(out, context, &nfi_cnf_type, config, cnf_function);
}
