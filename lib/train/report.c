/* SPDX-License-Identifier: MIT
 *
 * report.c - what a fit tells its caller: progress, curves, the final report
 */
#include "core/fpenv.h"
#include "train/trainer.h"
#include <math.h>
#include <time.h>

double nfi_trainer_clock(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now)) return 0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t report_batches(const nfi_trainer *t) { return t->now.epoch * t->steps_per_epoch + t->now.position; }

static double report_eta(const nfi_trainer *t)
{
    const double done = (double)(report_batches(t) - t->started_batches);
    const double left = (double)t->config.epochs * (double)t->steps_per_epoch - (double)report_batches(t);

    return done > 0 ? t->seconds / done * left : NAN;
}

#define REPORT_LN_2 0.69314718055994530942

/* Nats a row as bits a column: NaN stays NaN. */
static double report_bits(const nfi_trainer *t, double nll) { return nll / ((double)t->flow->dim * REPORT_LN_2); }

/* A loss that is no NLL has no bits. */
static double report_loss_bits(const nfi_trainer *t, double loss) { return t->matching ? NAN : report_bits(t, loss); }

bool nfi_trainer_progress(nfi_trainer *t, int32_t end_of_epoch)
{
    nf_fit_progress p = { .struct_size = sizeof p, .end_of_epoch = end_of_epoch };
    int32_t answer;

    t->seconds = nfi_trainer_clock() - t->started;
    if (!t->config.progress) return false;
    p.epoch = end_of_epoch ? t->now.epoch : t->now.epoch + 1;
    p.epochs = t->config.epochs;
    p.step = end_of_epoch ? t->steps_per_epoch : t->now.position;
    p.steps_per_epoch = t->steps_per_epoch;
    p.train_nll = end_of_epoch ? t->train_nll : t->now.loss_sum / t->now.weight_sum;
    p.valid_nll = t->valid_nll;
    p.best_nll = t->now.best_epoch ? t->now.best_nll : NAN;
    p.lr = t->optimizer->lr;
    p.grad_norm = t->norm;
    p.seconds = t->seconds;
    p.eta_seconds = report_eta(t);
    p.skipped = t->now.skipped;
    p.train_bits = report_loss_bits(t, p.train_nll);
    p.valid_bits = report_loss_bits(t, p.valid_nll);
    p.best_bits = report_loss_bits(t, p.best_nll);
    p.objective = t->config.objective;
    nfi_fpenv_leave(t->fpenv);
    answer = t->config.progress(t->config.progress_user, &p);
    t->fpenv = nfi_fpenv_enter();
    return answer != 0;
}

void nfi_trainer_curve(nfi_trainer *t)
{
    nf_fit_report *r = t->report;

    if (!r || r->curve_count >= r->curve_capacity) return;
    if (r->curve_train) r->curve_train[r->curve_count] = t->train_nll;
    if (r->curve_valid) r->curve_valid[r->curve_count] = t->valid_nll;
    r->curve_count++;
}

/* The mean over a set, or what was seen in the best epoch when the run was cancelled, if that was an NLL. */
static double report_mean(const nfi_trainer *t, const nf_dataset *data, double seen)
{
    double mean = NAN;

    if (!data) return NAN;
    if (nfi_loss_mean(t->flow, data, &t->rows, &mean, "nf_flow_fit") != NF_ERR_CANCELLED) return mean;
    return t->matching ? NAN : seen;
}

void nfi_trainer_report(nfi_trainer *t)
{
    nf_fit_report *r = t->report;

    t->seconds = nfi_trainer_clock() - t->started;
    if (!r) return;
    r->stopped = t->stopped;
    r->epochs = t->now.epoch;
    r->steps = t->now.applied;
    r->skipped = t->now.skipped;
    r->rollbacks = t->now.rollbacks;
    r->best_epoch = t->now.best_epoch;
    r->train_nll = report_mean(t, t->train, t->now.best_train);
    r->valid_nll = report_mean(t, t->valid, t->now.best_valid);
    r->seconds = t->seconds;
    r->train_bits = report_bits(t, r->train_nll);
    r->valid_bits = report_bits(t, r->valid_nll);
}
