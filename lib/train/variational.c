/* SPDX-License-Identifier: MIT
 *
 * variational.c - fitting a flow to a density that is known up to a factor
 *
 *   loss = (1 - d) E_q [ log q(x) - beta log p(x) ] + d E_data [ -log q(x) ],   d = data_weight
 *   beta_s = beta_start + (1 - beta_start) s / beta_steps  while s < beta_steps, then 1
 *
 * The gradient is flow/reverse.c's; steps, recovery, averages and checkpoints are those of a fit: an epoch is a round, a batch a step.
 * Draws follow from (seed, step), so that a run that goes on from a checkpoint ends in the bits of one that was not stopped. Which weights
 * are best is not asked: the loss of each round is of other draws, and where beta rises of another target.
 *
 * Refs: Rezende, Mohamed, arXiv:1505.05770 (and its annealing); Roeder, Wu, Duvenaud, arXiv:1703.09194.
 */
#include "core/fpenv.h"
#include "core/print.h"
#include "core/rng.h"
#include "core/status.h"
#include "flow/reverse.h"
#include "train/draws.h"
#include "train/train.h"
#include "train/trainer.h"
#include <math.h>
#include <stdio.h>

#define TARGET_FUNCTION "nf_flow_fit_target"
#define TARGET_INIT_ROWS 256

#define TARGET_FIELD(member, kind, fallback, min, max, help) \
    NFI_FIELD(nf_target_config, member, kind, 0, fallback, min, max, NULL, help)
static const nf_field target_fields[] = {
    NFI_FIELD(nf_target_config, estimator, NF_FIELD_CHOICE, 0, NF_ESTIMATOR_PATH, 1, 2, "path,total", "which gradient of the loss"),
    TARGET_FIELD(steps, NF_FIELD_I64, 2000, 1, 1e9, "steps"),
    TARGET_FIELD(batch, NF_FIELD_I64, 256, 1, 1e6, "draws a step"),
    TARGET_FIELD(seed, NF_FIELD_U64, 0, 0, 0, "seed of the draws"),
    TARGET_FIELD(beta_start, NF_FIELD_F64, 1, 1e-6, 1, "inverse temperature of the target at the first step"),
    TARGET_FIELD(beta_steps, NF_FIELD_I64, 0, 0, 1e12, "steps over which it rises to 1"),
    TARGET_FIELD(data_weight, NF_FIELD_F64, 0, 0, 0.999999, "share of the negative log-likelihood of data in the loss"),
    TARGET_FIELD(clip_norm, NF_FIELD_F64, 5, -1e300, 1e300, "largest norm of the gradient; negative: no limit"),
    TARGET_FIELD(ema_decay, NF_FIELD_F64, 0, 0, 0.99999999, "decay of the moving average of the weights; 0: off"),
    NFI_FIELD(nf_target_config, schedule, NF_FIELD_CHOICE, 0, NF_SCHEDULE_COSINE, 1, 2, "constant,cosine", "how the learning rate falls"),
    TARGET_FIELD(no_init, NF_FIELD_FLAG, 0, 0, 1, "no initialisation of layers that want it"),
    TARGET_FIELD(warmup_steps, NF_FIELD_I64, 0, 0, 1e12, "steps over which the learning rate rises"),
    TARGET_FIELD(final_lr_factor, NF_FIELD_F64, 0.01, 0, 1, "cosine: last learning rate over the first"),
    TARGET_FIELD(round_steps, NF_FIELD_I64, 100, 1, 1e9, "steps between calls of progress"),
    TARGET_FIELD(report_draws, NF_FIELD_I64, 10000, 1, 1e9, "draws of the report"),
    TARGET_FIELD(progress, NF_FIELD_POINTER, 0, 0, 0, "progress callback"),
    TARGET_FIELD(progress_user, NF_FIELD_POINTER, 0, 0, 0, "its argument"),
    TARGET_FIELD(checkpoint, NF_FIELD_STRING, 0, 0, 0, "file to write checkpoints to"),
    TARGET_FIELD(checkpoint_rounds, NF_FIELD_I64, 10, 1, 1e9, "rounds between checkpoints"),
    TARGET_FIELD(resume, NF_FIELD_STRING, 0, 0, 0, "checkpoint to go on from"),
};
const nfi_config_type nfi_target_config_type = { "target", sizeof(nf_target_config), sizeof(nf_target_config), target_fields,
                                                 (int32_t)(sizeof target_fields / sizeof *target_fields) };

void nf_target_config_init(nf_target_config *config)
{
    if (config) *config = (nf_target_config)NF_TARGET_CONFIG_INIT;
}

typedef struct target_run {
    nfi_trainer t;
    nf_target_config config; /* resolved */
    nf_target_report *report;
    nfi_draws draws;
    nfi_reverse reverse;
    int64_t step;            /* tried so far, and the number of the next one's draws */
    int64_t pass;            /* over the data, -1: none yet */
    double beta;
} target_run;

/* Checks and memory */

static nf_status target_check_data(const nfi_trainer *t, double data_weight)
{
    const nf_dataset *data = t->train;
    nf_status status;

    if (!data && data_weight > 0) return nfi_fail(NF_ERR_NULL, TARGET_FUNCTION ": data is NULL, data_weight is %g", data_weight);
    if (!data && t->flow->cond_dim)
        return nfi_fail(NF_ERR_SHAPE, TARGET_FUNCTION ": data is NULL, the flow has cond_dim %lld: conditions come from there",
                        (long long)t->flow->cond_dim);
    if (!data) return NF_OK;
    if ((status = nfi_object_check(data, NFI_TAG_DATASET, TARGET_FUNCTION ": data"))) return status;
    if ((status = nfi_loss_check(t->flow, data, TARGET_FUNCTION ": data"))) return status;
    return nfi_dataset_check_finite(data, t->flow->dtype, TARGET_FUNCTION ": data");
}

/* The trainer's config is that of a fit: what steps and schedules read of it. */
static void target_translate(target_run *r)
{
    const nf_target_config *c = &r->config;

    r->t.steps_per_epoch = c->round_steps;
    r->t.steps = c->steps;
    r->t.batch = c->batch;
    r->t.estimator = c->estimator;
    r->t.config = (nf_fit_config){ .epochs = (c->steps + c->round_steps - 1) / c->round_steps, .clip_norm = c->clip_norm,
                                   .checkpoint = c->checkpoint, .resume = c->resume, .objective = NFI_OBJECTIVE_TARGET,
                                   .ema_decay = c->ema_decay, .schedule = c->schedule, .warmup_steps = c->warmup_steps,
                                   .final_lr_factor = c->final_lr_factor, .seed = c->seed, .keep_last = 1 };
}

static nf_status target_reserve(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_status status = nf_flow_reserve(t->flow, nfi_max(t->batch, TARGET_INIT_ROWS), 0);

    if (!status) status = nfi_flow_reserve_grad(t->flow, t->batch);
    if (!status) status = nfi_draws_make(&r->draws, t->maker, nfi_max(t->batch, TARGET_INIT_ROWS), true);
    if (!status) status = nfi_reverse_make(&r->reverse, t->maker, t->flow);
    if (!status && t->train) status = nfi_rows_make(&t->rows, t->maker, t->flow, nfi_max(t->batch, TARGET_INIT_ROWS));
    if (!status && t->train && !(t->order = nfi_maker_alloc(t->maker, t->train->n, sizeof *t->order))) status = NF_ERR_MEMORY;
    if (!status && t->train && !(t->keys = nfi_maker_alloc(t->maker, nfi_max(t->batch, TARGET_INIT_ROWS), sizeof *t->keys))) status = NF_ERR_MEMORY;
    return status ? nfi_fail_in(status, TARGET_FUNCTION) : NF_OK;
}

static nf_status target_make(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_status status = nfi_maker_create(&t->maker, t->flow->object.context);

    if (status || (status = target_reserve(r))) return status;
    return nfi_trainer_make_state(t);
}

/* Rows of the data for one step, in the order of shuffles that follow one another without a gap. */
static void target_load(target_run *r, int64_t n)
{
    nfi_trainer *t = &r->t;
    const int64_t rows = t->train->n;
    const int64_t first = r->step * t->batch; /* at most 1e9 1e6 */

    for (int64_t i = 0; i < n; i++) {
        const int64_t pass = (first + i) / rows;
        if (pass != r->pass) nfi_random_permutation(t->config.seed, NFI_STREAM_SHUFFLE, (uint64_t)pass * (uint64_t)rows, rows, t->order);
        r->pass = pass;
        t->keys[i] = (uint64_t)t->order[(first + i) % rows];
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t row = (int64_t)t->keys[i];
        char *x = (char *)t->rows.x + i * t->flow->dim * t->flow->size, *cond = t->rows.cond;
        if (cond) cond += i * t->flow->cond_dim * t->flow->size;
        nfi_dataset_gather(t->train, &row, 0, 1, t->flow->dtype, x, cond, t->train->weights ? t->rows.weights + i : NULL);
    }
    if (t->rows.cond) memcpy(r->draws.cond, t->rows.cond, (size_t)(n * t->flow->cond_dim * t->flow->size));
}

/* The steps */

static double target_beta(const target_run *r)
{
    const nf_target_config *c = &r->config;

    if (r->step >= c->beta_steps) return 1;
    return c->beta_start + (1 - c->beta_start) * ((double)r->step / (double)c->beta_steps);
}

/* The first draw of which the target says nothing usable; -1: none. */
static int64_t target_bad_draw(const nfi_draws *d, int64_t n)
{
    const int64_t dim = d->flow->dim;

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(d->log_p[i])) return i;
        for (int64_t j = 0; j < dim; j++)
            if (!isfinite(d->grad[i * dim + j])) return i;
    }
    return -1;
}

/* Draws, and what the target says; true when all of it is finite. */
static bool target_ask(target_run *r, nf_status *status)
{
    nfi_trainer *t = &r->t;
    nfi_draws *d = &r->draws;
    int64_t bad;

    *status = nfi_draws_sample(d, r->config.seed, r->step * t->batch, t->batch);
    if (nfi_trainer_is_numeric(*status)) {
        snprintf(t->reason, sizeof t->reason, "%s", *status > 0 ? "a draw of the flow is not finite" : nf_last_error());
        *status = NF_OK;
        return false;
    }
    if (*status || (*status = nfi_draws_ask(d, t->batch))) return false;
    if ((bad = target_bad_draw(d, t->batch)) < 0) return true;
    if (isfinite(d->log_p[bad]))
        snprintf(t->reason, sizeof t->reason, "log_density answers a gradient that is not finite for draw %lld of the step", (long long)bad);
    else
        nfi_print(t->reason, sizeof t->reason, "log_density answers %g for draw %lld of the step", d->log_p[bad], (long long)bad);
    return false;
}

/* Adds the gradient of the data's part; false when it is not finite. */
static bool target_add_data(target_run *r, double *sum, nf_status *status)
{
    nfi_trainer *t = &r->t;
    double weight = 0;
    nfi_bad_rows bad = { .first = -1 };

    *sum = 0;
    for (int64_t i = 0; i < t->batch; i++) weight += t->train->weights ? t->rows.weights[i] : 1;
    if (!(weight > 0)) return true; /* rows that do not count */
    const nfi_batch batch = { .n = t->batch, .x = t->rows.x, .cond = t->rows.cond, .keys = t->keys, .epoch = (uint64_t)t->now.epoch,
                              .weights = t->train->weights ? t->rows.weights : NULL, .scale = r->config.data_weight / weight };
    *status = nfi_flow_grad(t->flow, &batch, sum, &bad, TARGET_FUNCTION);
    *sum *= (double)t->batch / weight;
    return *status == NF_OK && bad.count == 0 && isfinite(*sum);
}

static double target_mean_loss(const target_run *r)
{
    const nfi_draws *d = &r->draws;
    double sum = 0;

    for (int64_t i = 0; i < r->t.batch; i++) sum += d->log_q[i] - r->beta * d->log_p[i];
    return sum / (double)r->t.batch;
}

/* The gradient of the step in the flow's block; true when all is finite. *reverse: sum of log q - beta log p. */
static bool target_gradient(target_run *r, double *reverse, double *data, nf_status *status)
{
    nfi_trainer *t = &r->t;
    const nfi_target target = { .log_p = r->draws.log_p, .grad = r->draws.grad, .beta = r->beta, .baseline = target_mean_loss(r),
                                .seed = r->config.seed, .first = r->step * t->batch, .path = r->config.estimator == NF_ESTIMATOR_PATH };
    const nfi_batch batch = { .n = t->batch, .x = r->draws.x, .cond = r->draws.cond, .likelihood = true,
                              .scale = (1 - r->config.data_weight) / (double)t->batch };
    nfi_bad_rows bad = { .first = -1 };
    bool finite;

    *data = 0;
    if (t->dirty) nfi_flow_clear_grad(t->flow);
    t->dirty = true;
    *status = nfi_reverse_grad(t->flow, &r->reverse, &target, &batch, reverse, &bad, TARGET_FUNCTION);
    finite = *status == NF_OK && bad.count == 0 && isfinite(*reverse);
    if (finite && r->config.data_weight > 0) finite = target_add_data(r, data, status);
    if (finite) return true;
    snprintf(t->reason, sizeof t->reason, "%s", *status < 0 ? nf_last_error() : "the loss is not finite");
    if (nfi_trainer_is_numeric(*status)) *status = NF_OK;
    return false;
}

static double target_log_p_sum(const nfi_draws *d, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += d->log_p[i];
    return sum;
}

static nf_status target_step(target_run *r)
{
    nfi_trainer *t = &r->t;
    const int64_t applied = t->now.applied;
    double reverse = NAN, data = 0;
    nf_status status = NF_OK;

    r->beta = target_beta(r);
    if (t->train) target_load(r, t->batch);
    const bool finite = target_ask(r, &status) && target_gradient(r, &reverse, &data, &status);
    if (status) return status;
    const double loss = (1 - r->config.data_weight) * reverse + r->config.data_weight * data;
    if ((status = nfi_trainer_update(t, finite, loss, (double)t->batch))) return status;
    if (t->now.applied > applied) t->now.elbo_sum += (1 - r->beta) * target_log_p_sum(&r->draws, t->batch) - reverse;
    t->now.position++;
    r->step++;
    return NF_OK;
}

/* Rounds */

static bool target_progress(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_target_progress p = { .struct_size = sizeof p, .step = r->step, .steps = r->config.steps, .beta = r->beta, .lr = t->optimizer->lr,
                             .grad_norm = t->norm, .skipped = t->now.skipped };
    int32_t answer;

    t->seconds = nfi_trainer_clock() - t->started;
    if (!r->config.progress) return false;
    p.loss = t->now.weight_sum > 0 ? t->now.loss_sum / t->now.weight_sum : NAN;
    p.elbo = t->now.weight_sum > 0 ? t->now.elbo_sum / t->now.weight_sum : NAN;
    p.seconds = t->seconds;
    p.eta_seconds = t->seconds / (double)r->step * (double)(p.steps - p.step);
    nfi_fpenv_leave(t->fpenv);
    answer = r->config.progress(r->config.progress_user, &p);
    t->fpenv = nfi_fpenv_enter();
    return answer != 0;
}

static nf_status target_round(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_status status;

    while (t->now.position < t->steps_per_epoch && r->step < r->config.steps) {
        if (nfi_context_cancelled(t->flow->object.context)) {
            t->stopped = NFI_RUN_STOPPED;
            return NF_OK;
        }
        if ((status = target_step(r)) || t->stopped) return status;
    }
    if (target_progress(r)) t->stopped = NFI_RUN_STOPPED;
    if (t->now.position < t->steps_per_epoch) return NF_OK; /* the last round is short: a run of more steps may go on with it */
    t->now.epoch++;
    t->now.position = 0;
    t->now.loss_sum = t->now.weight_sum = t->now.elbo_sum = 0;
    if (t->config.checkpoint && t->now.epoch % r->config.checkpoint_rounds == 0 && nfi_trainer_save(t) < 0)
        nfi_context_log(t->flow->object.context, NF_LOG_WARNING, "%s; training goes on", nf_last_error());
    return NF_OK;
}

/* Layers that want data see rows of p where there are some, else what the flow itself draws. */
static nf_status target_init(target_run *r)
{
    nfi_trainer *t = &r->t;
    const int64_t n = TARGET_INIT_ROWS;
    nf_status status;

    if (r->config.no_init || !nfi_flow_wants_init(t->flow)) return NF_OK;
    if (t->train) target_load(r, n);
    const bool rows = t->train && t->train->n > 1 && r->config.data_weight > 0;
    status = rows ? NF_OK : nfi_draws_sample(&r->draws, r->config.seed, 0, n);
    if (status > 0) return nfi_fail(NF_ERR_NONFINITE, TARGET_FUNCTION ": the flow's draws are not finite");
    if (status) return status;
    return nfi_flow_init_data(t->flow, n, rows ? t->rows.x : r->draws.x, r->draws.cond, TARGET_FUNCTION);
}

/* Draws behind those of training, so that the report is of new ones. */
static nf_status target_report(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_target_report *to = r->report;
    nf_target_report own = { .struct_size = sizeof own, .stopped = t->stopped, .steps = t->now.applied, .skipped = t->now.skipped,
                             .rollbacks = t->now.rollbacks, .elbo = NAN, .elbo_se = NAN, .log_z = NAN, .log_z_se = NAN, .ess = NAN,
                             .pareto_k = NAN };
    nf_importance_report found = { .struct_size = sizeof found };
    nfi_draws draws = { .function = TARGET_FUNCTION, .flow = t->flow, .log_density = r->draws.log_density, .user = r->draws.user,
                        .fpenv = &t->fpenv };
    const int64_t first = r->config.steps * t->batch;
    nf_status status = NF_OK;

    if (!to) return NF_OK;
    if (!t->flow->cond_dim) status = nfi_importance(&draws, r->config.seed, first, r->config.report_draws, NULL, NULL, NULL, &found);
    if (!status && !t->flow->cond_dim) {
        own.draws = found.n;
        own.elbo = found.elbo;
        own.elbo_se = found.elbo_se;
        own.log_z = found.log_z;
        own.log_z_se = found.log_z_se;
        own.ess = found.ess;
        own.pareto_k = found.pareto_k;
    }
    own.seconds = nfi_trainer_clock() - t->started;
    nfi_report_write(to, &own, sizeof own);
    return nfi_trainer_is_numeric(status) || status == NF_ERR_CANCELLED ? NF_OK : status;
}

static nf_status target_answer(const nfi_trainer *t)
{
    if (t->stopped == NFI_RUN_DIVERGED)
        return nfi_fail(NF_ERR_DIVERGED, TARGET_FUNCTION ": step %lld, after %d returns to good weights: %s",
                        (long long)(t->now.epoch * t->steps_per_epoch + t->now.position), NFI_ROLLBACKS, t->reason);
    if (t->stopped == NFI_RUN_STOPPED)
        return nfi_fail(NF_STOPPED, TARGET_FUNCTION ": stopped after step %lld as asked",
                        (long long)(t->now.epoch * t->steps_per_epoch + t->now.position));
    return NF_OK;
}

/* Weights, moments and counters as of the first step of this run. */
static nf_status target_begin(target_run *r)
{
    nfi_trainer *t = &r->t;
    const size_t bytes = (size_t)(t->flow->count * t->flow->size);
    nf_status status;

    if (t->flow->lent) nfi_flow_pack(t->flow);
    if ((status = t->config.resume ? nfi_trainer_load(t) : target_init(r)) < 0) return status;
    if (t->ema && !t->config.resume) memcpy(t->ema, t->flow->theta, bytes);
    if (!t->config.resume) memcpy(t->best, t->flow->theta, bytes); /* what checkpoints hold: no loss here says which weights are best */
    r->step = t->now.epoch * t->steps_per_epoch + t->now.position;
    nfi_snapshot_good(t);
    return NF_OK;
}

static nf_status target_train(target_run *r)
{
    nfi_trainer *t = &r->t;
    nf_status status = NF_OK, saved, reported;

    t->started = nfi_trainer_clock();
    if ((status = target_begin(r))) return status;
    while (r->step < r->config.steps && !t->stopped && !status) status = target_round(r);
    saved = status < 0 || t->stopped == NFI_RUN_DIVERGED ? NF_OK : nfi_trainer_save(t);
    nfi_snapshot_result(t);
    t->optimizer->lr = t->base_lr;
    nfi_flow_clear_grad(t->flow);
    if (status < 0) return status;
    reported = target_report(r);
    if (reported < 0 || saved < 0) return saved < 0 ? saved : reported;
    return target_answer(t);
}

static nf_status target_run_all(target_run *r)
{
    nf_status status;

    if ((status = nfi_reverse_check(r->t.flow, TARGET_FUNCTION))) return status;
    if ((status = target_check_data(&r->t, r->config.data_weight))) return status;
    target_translate(r);
    status = target_make(r);
    return status ? status : target_train(r);
}

static nf_status target_check(const target_run *r)
{
    int64_t end;

    if (r->report && nfi_report_check(r->report, sizeof *r->report, TARGET_FUNCTION)) return NF_ERR_CONFIG_SMALL;
    if (!nfi_mul(r->config.steps, r->config.batch, &end) || !nfi_add(end, r->config.report_draws, &end) || !nfi_mul(end, r->t.flow->dim, &end))
        return nfi_fail(NF_ERR_OVERFLOW, TARGET_FUNCTION ": steps times batch is too large to compute");
    return NF_OK;
}

nf_status nf_flow_fit_target(nf_flow *flow, nf_optimizer *optimizer, nf_log_density_fn log_density, void *user, const nf_dataset *data,
                             const nf_target_config *config, nf_target_report *report)
{
    const nf_target_config defaults = NF_TARGET_CONFIG_INIT;
    target_run r = { .t = { .flow = flow, .optimizer = optimizer, .train = data, .names = { TARGET_FUNCTION, "round", "step" } }, .report = report,
                     .pass = -1 };
    nf_status status;

    if ((status = nfi_object_check(flow, NFI_TAG_FLOW, TARGET_FUNCTION ": flow"))) return status;
    if ((status = nfi_object_check(optimizer, NFI_TAG_OPTIMIZER, TARGET_FUNCTION ": optimizer"))) return status;
    if (!log_density) return nfi_fail(NF_ERR_NULL, TARGET_FUNCTION ": log_density is NULL");
    if ((status = nfi_config_resolve(&nfi_target_config_type, config ? config : &defaults, &r.config, TARGET_FUNCTION))) return status;
    if ((status = target_check(&r))) return status;
    if ((status = nfi_flow_begin(flow, TARGET_FUNCTION))) return status;
    r.draws = (nfi_draws){ .function = TARGET_FUNCTION, .flow = flow, .log_density = log_density, .user = user, .fpenv = &r.t.fpenv };
    r.t.fpenv = nfi_fpenv_enter();
    status = target_run_all(&r);
    nfi_fpenv_leave(r.t.fpenv);
    nfi_flow_end(flow);
    nfi_trainer_free(&r.t);
    return status;
}
