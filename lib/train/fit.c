/* SPDX-License-Identifier: MIT
 *
 * fit.c - fitting a flow: checks, epochs, stopping
 *
 *   loss = sum_i w_i loss(x_i) / sum_i w_i  (+ l2 |W|^2),   one shuffled pass over the rows an epoch
 *
 * loss(x) = -log p(x), or that of flow/match.c.
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "train/schedule.h"
#include "train/train.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

#define FIT_FIELD(member, kind, fallback, min, max, help) \
    NFI_FIELD(nf_fit_config, member, kind, 0, fallback, min, max, NULL, help)
static const nf_field fit_fields[] = {
    NFI_FIELD(nf_fit_config, schedule, NF_FIELD_CHOICE, 0, NF_SCHEDULE_CONSTANT, 1, 4, "constant,cosine,step,plateau",
              "how the learning rate falls"),
    FIT_FIELD(epochs, NF_FIELD_I64, 100, 1, 1e9, "passes over the data"),
    FIT_FIELD(batch, NF_FIELD_I64, 256, 1, 2147483647, "rows a step"),
    FIT_FIELD(seed, NF_FIELD_U64, 0, 0, 0, "seed of the shuffles"),
    FIT_FIELD(patience, NF_FIELD_I64, 0, 0, 1e9, "stop after this many epochs without a better loss; 0: never"),
    FIT_FIELD(clip_norm, NF_FIELD_F64, 5, -1e300, 1e300, "largest norm of the gradient; negative: no limit"),
    FIT_FIELD(l2, NF_FIELD_F64, 0, 0, 1e6, "adds l2 times the squared weights to the loss"),
    FIT_FIELD(ema_decay, NF_FIELD_F64, 0, 0, 0.99999999, "decay of the moving average of the weights; 0: off"),
    FIT_FIELD(warmup_steps, NF_FIELD_I64, 0, 0, 1e12, "steps over which the learning rate rises"),
    FIT_FIELD(final_lr_factor, NF_FIELD_F64, 0.01, 0, 1, "cosine: last learning rate over the first"),
    FIT_FIELD(factor, NF_FIELD_F64, 0.5, 0, 1, "step and plateau: what the learning rate is multiplied by"),
    FIT_FIELD(step_epochs, NF_FIELD_I64, 50, 1, 1e9, "step: epochs between drops"),
    FIT_FIELD(plateau_epochs, NF_FIELD_I64, 10, 1, 1e9, "plateau: epochs without a better loss before a drop"),
    FIT_FIELD(keep_last, NF_FIELD_FLAG, 0, 0, 1, "result is the last weights instead of the best"),
    FIT_FIELD(no_init, NF_FIELD_FLAG, 0, 0, 1, "no data-dependent initialisation"),
    FIT_FIELD(progress_steps, NF_FIELD_I64, 0, 0, 1e12, "report progress every this many steps too; 0: epochs only"),
    FIT_FIELD(progress, NF_FIELD_POINTER, 0, 0, 0, "progress callback"),
    FIT_FIELD(progress_user, NF_FIELD_POINTER, 0, 0, 0, "its argument"),
    FIT_FIELD(checkpoint, NF_FIELD_STRING, 0, 0, 0, "file to write checkpoints to"),
    FIT_FIELD(checkpoint_epochs, NF_FIELD_I64, 10, 1, 1e9, "epochs between checkpoints"),
    FIT_FIELD(resume, NF_FIELD_STRING, 0, 0, 0, "checkpoint to go on from"),
    NFI_FIELD(nf_fit_config, objective, NF_FIELD_CHOICE, 0, NF_OBJECTIVE_LIKELIHOOD, 1, 2, "likelihood,flow-matching",
              "what is minimised; flow-matching: of a flow with one continuous layer"),
    NFI_FIELD(nf_fit_config, pairing, NF_FIELD_CHOICE, 0, NF_PAIRING_STRAIGHT, 1, 2, "straight,transport",
              "flow-matching: which noise a row is joined with"),
};
static const nfi_config_type fit_config = { "fit", sizeof(nf_fit_config), sizeof(nf_fit_config), fit_fields,
                                            (int32_t)(sizeof fit_fields / sizeof *fit_fields) };

const nfi_config_type *nfi_train_configs(int32_t i) { return i == 0 ? &fit_config : i == 1 ? &nfi_target_config_type : NULL; }

void nf_fit_config_init(nf_fit_config *config)
{
    if (config) *config = (nf_fit_config)NF_FIT_CONFIG_INIT;
}

static nf_status fit_check_data(const nf_flow *flow, const nf_dataset *data, const char *what)
{
    nf_status status = nfi_object_check(data, NFI_TAG_DATASET, what);

    if (status) return status;
    if ((status = nfi_loss_check(flow, data, what))) return status;
    return nfi_dataset_check_finite(data, flow->dtype, what);
}

static nf_status fit_check(nfi_trainer *t)
{
    nf_status status;

    if ((status = fit_check_data(t->flow, t->train, "nf_flow_fit: train"))) return status;
    if (t->valid && (status = fit_check_data(t->flow, t->valid, "nf_flow_fit: valid"))) return status;
    if (t->config.batch > (int64_t)1 << 31 || t->config.epochs > INT64_MAX / nfi_max(t->train->n, 1))
        return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_fit: epochs times rows is too large to compute");
    t->batch = nfi_min(t->config.batch, t->train->n);
    return nfi_trainer_check_objective(t);
}

static nf_status fit_init_data(nfi_trainer *t)
{
    const int64_t n = nfi_trainer_init_rows(t);

    if (t->config.no_init || !nfi_flow_wants_init(t->flow)) return NF_OK;
    if (n < 2) return nfi_fail(NF_ERR_DEGENERATE, "nf_flow_fit: train has 1 row, the flow's layers need at least 2 to be initialised");
    nfi_trainer_shuffle(t);
    nfi_dataset_gather(t->train, t->order, 0, n, t->flow->dtype, t->rows.x, t->rows.cond, NULL);
    return nfi_flow_init_data(t->flow, n, t->rows.x, t->rows.cond, "nf_flow_fit");
}

/* What a step takes, in the log before the first one. */
static void fit_tell_memory(const nfi_trainer *t)
{
    const double mib = 1048576.0;
    nf_step_memory_report m = { .struct_size = sizeof m };

    if (nf_flow_step_memory(t->flow, t->batch, &m) < 0) return;
    nfi_context_log(t->flow->object.context, NF_LOG_INFO,
                    "nf_flow_fit: a step of %lld rows takes %.1f MiB: parameters %.1f, gradients %.1f, inputs %.1f, hidden %.1f%s, scratch %.1f",
                    (long long)t->batch, (double)m.total / mib, (double)m.params / mib, (double)m.gradients / mib, (double)m.inputs / mib,
                    (double)m.hidden / mib, m.recompute ? " (computed twice, to stay within the memory budget)" : "", (double)m.scratch / mib);
}

/* Weights, moments and counters as of the first step. */
static nf_status fit_begin(nfi_trainer *t)
{
    const size_t bytes = (size_t)(t->flow->count * t->flow->size);
    nf_status status;

    fit_tell_memory(t);
    if (t->flow->lent) nfi_flow_pack(t->flow);
    status = t->config.resume ? nfi_trainer_load(t) : fit_init_data(t);
    if (status < 0) return status;
    if (t->ema && !t->config.resume) memcpy(t->ema, t->flow->theta, bytes);
    if (!t->config.resume) memcpy(t->best, t->flow->theta, bytes);
    nfi_snapshot_good(t);
    t->started_batches = t->now.epoch * t->steps_per_epoch + t->now.position;
    return NF_OK;
}

/* The loss that decides which weights are best: sets train_nll and valid_nll. */
static nf_status fit_measure(nfi_trainer *t)
{
    nf_status status = NF_OK;

    t->train_nll = t->now.weight_sum > 0 ? t->now.loss_sum / t->now.weight_sum : NAN;
    if (!t->valid) return NF_OK;
    nfi_snapshot_swap(t);
    status = t->matching ? nfi_trainer_match_loss(t, &t->valid_nll)
                         : nfi_loss_mean(t->flow, t->valid, &t->rows, &t->valid_nll, "nf_flow_fit: valid");
    nfi_snapshot_swap(t);
    return nfi_trainer_is_numeric(status) ? NF_OK : status;
}

static void fit_judge(nfi_trainer *t)
{
    nfi_counters *now = &t->now;
    const nfi_schedule *schedule = nfi_schedule_at(t->config.schedule);
    const double loss = t->valid ? t->valid_nll : t->train_nll;

    now->since_best++;
    now->since_drop++;
    if (isfinite(loss) && loss < now->best_nll && nfi_snapshot_finite(t)) { /* an infinite weight may hide behind tanh */
        nfi_snapshot_best(t);
        now->best_nll = loss;
        now->best_train = t->train_nll;
        now->best_valid = t->valid_nll;
        now->best_epoch = now->epoch;
        now->since_best = now->since_drop = 0;
    }
    if (now->since_drop >= t->config.plateau_epochs) {
        if (schedule && schedule->drops) now->plateau *= t->config.factor;
        now->since_drop = 0;
    }
    if (t->config.patience > 0 && now->since_best >= t->config.patience) t->stopped = NFI_RUN_EARLY;
}

static nf_status fit_end_epoch(nfi_trainer *t)
{
    nf_status status = fit_measure(t);

    if (status < 0) return status;
    t->now.epoch++;
    t->now.position = 0;
    fit_judge(t);
    nfi_trainer_curve(t);
    t->now.loss_sum = t->now.weight_sum = 0;
    if (t->config.checkpoint && t->now.epoch % t->config.checkpoint_epochs == 0 && nfi_trainer_save(t) < 0)
        nfi_context_log(t->flow->object.context, NF_LOG_WARNING, "%s; training goes on", nf_last_error());
    if (nfi_trainer_progress(t, 1) && !t->stopped) t->stopped = NFI_RUN_STOPPED;
    return NF_OK;
}

static nf_status fit_epoch(nfi_trainer *t)
{
    nf_status status;

    nfi_trainer_shuffle(t);
    while (t->now.position < t->steps_per_epoch) {
        if (nfi_context_cancelled(t->flow->object.context)) return NF_ERR_CANCELLED;
        if ((status = nfi_trainer_step(t)) < 0 || t->stopped) return status;
        if (t->config.progress_steps > 0 && t->now.position % t->config.progress_steps == 0 && nfi_trainer_progress(t, 0)) {
            t->stopped = NFI_RUN_STOPPED;
            return NF_OK;
        }
    }
    return fit_end_epoch(t);
}

static nf_status fit_epochs(nfi_trainer *t)
{
    nf_status status = NF_OK;

    while (t->now.epoch < t->config.epochs && !t->stopped && !status) status = fit_epoch(t);
    if (status == NF_ERR_CANCELLED) {
        t->stopped = NFI_RUN_STOPPED;
        status = NF_OK;
    }
    return status;
}

static nf_status fit_answer(const nfi_trainer *t, nf_status status)
{
    if (status < 0) return status;
    if (t->stopped == NFI_RUN_DIVERGED)
        return nfi_fail(NF_ERR_DIVERGED, "nf_flow_fit: epoch %lld, batch %lld, after %d returns to good weights: %s",
                        (long long)t->now.epoch + 1, (long long)t->now.position, NFI_ROLLBACKS, t->reason);
    if (t->stopped == NFI_RUN_STOPPED)
        return nfi_fail(NF_STOPPED, "nf_flow_fit: stopped in epoch %lld as asked", (long long)t->now.epoch + 1);
    return NF_OK;
}

static nf_status fit_run(nfi_trainer *t)
{
    nf_status status, saved;

    t->matching = t->config.objective == NF_OBJECTIVE_FLOW_MATCHING;
    if ((status = fit_check(t))) return status;
    if ((status = nfi_trainer_make(t))) return status;
    t->started = nfi_trainer_clock();
    if ((status = fit_begin(t))) return status;
    status = fit_epochs(t);
    saved = status < 0 || t->stopped == NFI_RUN_DIVERGED ? NF_OK : nfi_trainer_save(t);
    nfi_snapshot_result(t);
    t->optimizer->lr = t->base_lr;
    nfi_flow_clear_grad(t->flow);
    if (status >= 0) nfi_trainer_report(t);
    return saved < 0 ? saved : fit_answer(t, status);
}

static nf_status fit_resolve(nfi_trainer *t, const nf_fit_config *config)
{
    nf_fit_config defaults = NF_FIT_CONFIG_INIT;
    nf_fit_report *r = t->report;

    const nf_status status = r ? nfi_report_check(r, sizeof *r, "nf_flow_fit") : NF_OK;

    if (status) return status;
    if (r && r->curve_capacity < 0)
        return nfi_fail(NF_ERR_ARG, "nf_flow_fit: report->curve_capacity is %lld", (long long)r->curve_capacity);
    if (r) r->curve_count = 0;
    return nfi_config_resolve(&fit_config, config ? config : &defaults, &t->config, "nf_flow_fit");
}

nf_status nf_flow_fit(nf_flow *flow, nf_optimizer *optimizer, const nf_dataset *train, const nf_dataset *valid,
                      const nf_fit_config *config, nf_fit_report *report)
{
    nfi_trainer t = { .flow = flow, .optimizer = optimizer, .train = train, .valid = valid, .report = report,
                      .names = { "nf_flow_fit", "epoch", "batch" } };
    nf_status status;

    if ((status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_fit: flow"))) return status;
    if ((status = nfi_object_check(optimizer, NFI_TAG_OPTIMIZER, "nf_flow_fit: optimizer"))) return status;
    if ((status = fit_resolve(&t, config))) return status;
    if ((status = nfi_flow_begin(flow, "nf_flow_fit"))) return status;
    t.fpenv = nfi_fpenv_enter();
    status = fit_run(&t);
    nfi_fpenv_leave(t.fpenv);
    nfi_flow_end(flow);
    nfi_trainer_free(&t);
    return status;
}
