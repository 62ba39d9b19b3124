/* SPDX-License-Identifier: MIT
 *
 * misuse_codes.c - every status that the library has, provoked; those that nothing here can provoke are listed with the reason
 */
#include "misuse.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG(type, ...) &(const type){ .struct_size = sizeof(type), __VA_ARGS__ }

static float rows[64];
static double values[64];

/* A user's layer that answers what it is told. */
static nf_status told;
static nf_status told_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)self, (void)saved;
    memcpy(out, in, (size_t)(tile->n * 2 * 4));
    return told;
}

static nf_status told_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g, const double *h)
{
    (void)self, (void)tile, (void)in, (void)out, (void)saved, (void)g, (void)h;
    return NF_OK;
}

static nf_status told_create(nf_maker *maker, void *config, void **self)
{
    (void)config;
    *self = nf_maker_alloc(maker, 8);
    return *self ? NF_OK : NF_ERR_MEMORY;
}

static nf_status told_describe(const void *self, nf_layer_info *info)
{
    (void)self;
    info->dim = 2;
    return NF_OK;
}

struct told_config { uint32_t struct_size, reserved; int64_t dim; };
static const nf_layer_ops told_ops = { .struct_size = sizeof told_ops, .forward = told_forward, .backward = told_backward };
static const nf_field told_fields[] = { { .name = "dim", .help = "columns", .kind = NF_FIELD_I64, .offset = offsetof(struct told_config, dim), .min = 0, .max = 9 } };
static const nf_layer_type told_type = { .struct_size = sizeof told_type, .version = 1, .name = "told", .config_size = sizeof(struct told_config),
                                         .config_first_size = sizeof(struct told_config), .fields = told_fields, .n_fields = 1,
                                         .create = told_create, .describe = told_describe, .f32 = &told_ops };

static nf_flow *told_flow(misuse_scene *s)
{
    const struct told_config config = { sizeof config, 0, 2 };
    nf_layer *layer = NULL;
    nf_flow *flow = NULL;

    if (nf_layer_create_custom(&layer, s->context, &told_type, &config) || nf_flow_create(&flow, s->context, NULL, s->live[KIND_BASE], &layer, 1)) abort();
    nf_layer_unref(layer);
    return flow;
}

static nf_status told_run(misuse_scene *s, nf_status answer, bool inverse)
{
    nf_flow *flow = told_flow(s);

    told = answer;
    const nf_status status = inverse ? nf_flow_inverse(flow, 1, rows, NULL, rows + 8, values) : nf_flow_log_prob(flow, 1, rows, NULL, values);
    told = NF_OK;
    nf_flow_unref(flow);
    return status;
}

static nf_status make_callback(misuse_scene *s) { return told_run(s, 77, false); }
static nf_status make_singular(misuse_scene *s) { return told_run(s, NF_ERR_SINGULAR, false); }
static nf_status make_not_invertible(misuse_scene *s) { return told_run(s, NF_OK, true); }

static nf_status make_null(misuse_scene *s) { (void)s; return nf_flow_load(NULL, NULL, "x"); }
static nf_status make_arg(misuse_scene *s) { return nf_optimizer_set_lr(s->live[KIND_OPTIMIZER], -1); }
static nf_status make_shape(misuse_scene *s) { return nf_flow_set_params(s->live[KIND_FLOW], 1, values); }
static nf_status make_overflow(misuse_scene *s) { return nf_flow_log_prob(s->live[KIND_FLOW], INT64_MAX, rows, NULL, values); }
static nf_status make_alias(misuse_scene *s) { return nf_flow_forward(s->live[KIND_FLOW], 1, rows, NULL, rows, values); }
static nf_status make_handle(misuse_scene *s) { return nf_flow_update(s->live[KIND_DATASET]); }
static nf_status make_small(misuse_scene *s) { nf_context *out = NULL; (void)s; return nf_context_create(&out, &(nf_context_config){ .struct_size = 0 }); }
static nf_status make_old(misuse_scene *s) { nf_context *out = NULL; (void)s; return nf_context_create(&out, &(nf_context_config){ .struct_size = 16 }); }
static nf_status make_dtype(misuse_scene *s) { return nf_flow_log_prob_f64(s->live[KIND_FLOW], 1, values, NULL, values + 8); }
static nf_status make_io(misuse_scene *s) { nf_flow *out = NULL; (void)s; return nf_flow_load(&out, NULL, "/nowhere/at/all"); }
static nf_status make_format(misuse_scene *s) { nf_flow *out = NULL; (void)s; return nf_flow_load_memory(&out, NULL, "x", 1); }
static nf_status make_parse(misuse_scene *s) { nf_dataset *out = NULL; (void)s; return nf_dataset_load_memory(&out, NULL, "1,2\n3\n", 6, NULL); }
static nf_status make_unknown(misuse_scene *s) { nf_dataset *out = NULL; (void)s; return nf_dataset_synthetic(&out, NULL, "no such", 3, 0, 1); }
static nf_status make_unsupported(misuse_scene *s)
{
    nf_context *out = NULL;
    nf_status status = NF_OK;

    (void)s;
    for (int32_t isa = NF_ISA_AVX2; isa <= NF_ISA_NEON && !status; isa++) { /* no machine has them all */
        status = nf_context_create(&out, CONFIG(nf_context_config, .isa = isa));
        nf_context_unref(out);
    }
    return status;
}

static nf_status make_new(misuse_scene *s)
{
    struct { nf_context_config config; int64_t more; } grown = { .config = { .struct_size = sizeof grown }, .more = 1 };
    nf_context *out = NULL;

    (void)s;
    return nf_context_create(&out, &grown.config);
}

static nf_status make_memory(misuse_scene *s)
{
    ledger book;
    nf_context *context = NULL;

    (void)s;
    ledger_reset(&book);
    book.fail_at = 0;
    return support_context_try(&context, 1, &book);
}

static int32_t busy_progress(void *user, const nf_fit_progress *progress)
{
    misuse_scene *s = user;

    (void)progress;
    misuse_record(nf_flow_update(s->live[KIND_FLOW]));
    return 1;
}

static nf_status make_stopped(misuse_scene *s)
{
    return nf_flow_fit(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], s->live[KIND_DATASET], NULL,
                       CONFIG(nf_fit_config, .epochs = 2, .progress = busy_progress, .progress_user = s, .checkpoint = fault_path("codes")), NULL);
}

static nf_status make_state(misuse_scene *s)
{
    return nf_flow_fit(s->live[KIND_FLOW], s->live[KIND_OPTIMIZER], s->live[KIND_DATASET], NULL,
                       CONFIG(nf_fit_config, .epochs = 2, .seed = 99, .resume = fault_path("codes")), NULL);
}

static nf_status make_busy(misuse_scene *s) { (void)s; return misuse_is_recorded(NF_ERR_BUSY) ? nf_fail(NF_ERR_BUSY, "seen within a callback") : NF_OK; }

static nf_status make_cancelled(misuse_scene *s)
{
    nf_context_cancel(s->context);
    const nf_status status = nf_flow_log_prob(s->live[KIND_FLOW], 4, rows, NULL, values);
    nf_context_resume(s->context);
    return status;
}

static nf_status make_limit(misuse_scene *s)
{
    nf_context *context = NULL;
    nf_base *out = NULL;

    (void)s;
    if (nf_context_create(&context, CONFIG(nf_context_config, .max_dim = 3))) abort();
    const nf_status status = nf_base_normal_create(&out, context, 4);
    nf_context_unref(context);
    return status;
}

static nf_status changed_model(misuse_scene *s, const char *from, const char *to, bool repair)
{
    int64_t size;
    unsigned char *bytes = fault_model(s->flow[0][0], &size), *at = memmem(bytes, (size_t)size, from, strlen(from));
    nf_flow *out = NULL;

    if (!at) abort();
    memcpy(at, to, strlen(to));
    if (repair) (void)fault_repair(bytes, size);
    const nf_status status = nf_flow_load_memory(&out, NULL, bytes, size);
    free(bytes);
    nf_flow_unref(out);
    return status;
}

static nf_status make_version(misuse_scene *s) { return changed_model(s, "coupling_affine", "coupling_affinX", true); }
static nf_status make_corrupt(misuse_scene *s) { return changed_model(s, "coupling_affine", "coupling_affinX", false); }

static nf_status make_domain(misuse_scene *s)
{
    nf_layer *layer = NULL;
    nf_flow *flow = NULL;

    if (nf_logit_create(&layer, s->context, CONFIG(nf_logit_config, .dim = 2)) || nf_flow_create(&flow, s->context, NULL, s->live[KIND_BASE], &layer, 1)) abort();
    const nf_status status = nf_flow_log_prob(flow, 1, (const float[]){ 2, 3 }, NULL, values);
    nf_layer_unref(layer);
    nf_flow_unref(flow);
    return status;
}

static nf_status make_rows(misuse_scene *s) { return nf_flow_log_prob(s->live[KIND_FLOW], 1, (const float[]){ NAN, 3 }, NULL, values); }
static nf_status make_nonfinite(misuse_scene *s) { return nf_flow_init_data(s->live[KIND_FLOW], 2, (const float[]){ NAN, 3, 1, 2 }, NULL); }

static nf_status make_degenerate(misuse_scene *s)
{
    nf_dataset *data = NULL;
    nf_layer *out = NULL;

    if (nf_dataset_from_array(&data, s->context, 3, 1, (const float[]){ 5, 5, 5 })) abort();
    const nf_status status = nf_standardise_from_dataset(&out, s->context, data, 0);
    nf_dataset_unref(data);
    return status;
}

static nf_status make_diverged(misuse_scene *s)
{
    nf_flow *flow = told_flow(s);
    nf_optimizer *optimizer = NULL;

    if (nf_optimizer_sgd_create(&optimizer, s->context, NULL)) abort();
    told = NF_ERR_SINGULAR; /* every step is bad */
    const nf_status status = nf_flow_fit(flow, optimizer, s->live[KIND_DATASET], NULL, CONFIG(nf_fit_config, .epochs = 30), NULL);
    told = NF_OK;
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return status;
}

static const struct { nf_status status; nf_status (*make)(misuse_scene *s); } provoked[] = {
    { NF_ERR_NULL, make_null }, { NF_ERR_ARG, make_arg }, { NF_ERR_SHAPE, make_shape }, { NF_ERR_OVERFLOW, make_overflow },
    { NF_ERR_ALIAS, make_alias }, { NF_ERR_MEMORY, make_memory }, { NF_ERR_HANDLE, make_handle }, { NF_ERR_CONFIG_SMALL, make_small },
    { NF_ERR_CONFIG_OLD, make_old }, { NF_ERR_CONFIG_NEW, make_new }, { NF_ERR_DTYPE, make_dtype }, { NF_STOPPED, make_stopped },
    { NF_ERR_BUSY, make_busy }, { NF_ERR_STATE, make_state }, { NF_ERR_CANCELLED, make_cancelled }, { NF_ERR_CALLBACK, make_callback },
    { NF_ERR_LIMIT, make_limit }, { NF_ERR_IO, make_io }, { NF_ERR_FORMAT, make_format }, { NF_ERR_VERSION, make_version },
    { NF_ERR_CORRUPT, make_corrupt }, { NF_ERR_PARSE, make_parse }, { NF_ERR_UNKNOWN, make_unknown }, { NF_ERR_DOMAIN, make_domain },
    { NF_ERR_NONFINITE, make_nonfinite }, { NF_ROWS_NONFINITE, make_rows }, { NF_ERR_SINGULAR, make_singular },
    { NF_ERR_NOT_INVERTIBLE, make_not_invertible }, { NF_ERR_DEGENERATE, make_degenerate }, { NF_ERR_DIVERGED, make_diverged },
    { NF_ERR_UNSUPPORTED, make_unsupported },
};

/* No layer that solves differential equations is there yet. */
static const nf_status never[] = { NF_OK, NF_ERR_ODE_MAXSTEPS, NF_ERR_ODE_STEP, NF_ERR_ODE_TOL, NF_ERR_ODE_RHS };

static bool is_listed(nf_status status)
{
    for (int i = 0; i < SUPPORT_COUNT(never); i++)
        if (never[i] == status) return true;
    return misuse_is_recorded(status);
}

bool misuse_codes(fault_log *log)
{
    misuse_scene s;
    bool ok = true;

    misuse_open(&s);
    for (int i = 0; i < SUPPORT_COUNT(provoked) && ok; i++, log->points++) {
        fault_mark();
        const nf_status status = provoked[i].make(&s);
        misuse_record(status);
        ok = fault_said(log, nf_status_name(provoked[i].status), status, provoked[i].status);
    }
    misuse_close(&s);
#define CODE(number, name, text)                                                                                                               \
    if (ok && !is_listed(number)) ok = fault_fails(log, "%s is provoked by nothing", #name);
    NF_STATUS_LIST(CODE)
#undef CODE
    return ok;
}

/* Control: a call with another code, without a line, with a line of another function. */
bool misuse_control(fault_log *log)
{
    fault_log own = { 0 };

    fault_mark();
    if (misuse_expect(&own, "nf_flow_update", NULL, nf_flow_update(NULL), NF_ERR_HANDLE)) return fault_fails(log, "a wrong code is not caught");
    fault_mark();
    if (misuse_expect(&own, "nf_flow_update", NULL, NF_ERR_NULL, NF_ERR_NULL)) return fault_fails(log, "a missing line is not caught");
    return !misuse_expect(&own, "nf_flow_save", NULL, nf_flow_update(NULL), NF_ERR_NULL) || fault_fails(log, "another function's line is not caught");
}
