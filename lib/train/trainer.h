/* SPDX-License-Identifier: MIT
 *
 * trainer.h - the state of one fit
 *
 * fit.c checks and drives the epochs, objective.c knows what is minimised, trainer.c owns the memory, step.c does one step with its recovery, snapshot.c keeps weights,
 * resume.c writes and reads checkpoints, report.c talks to the caller.
 */
#ifndef NFI_TRAIN_TRAINER_H
#define NFI_TRAIN_TRAINER_H

#include "flow/match.h"
#include "optim/optimizer.h"
#include "train/loss.h"
#include <nflow/train.h>

/* Why a run ended: nf_fit_report.stopped. */
enum { NFI_RUN_DONE = 0, NFI_RUN_EARLY = 1, NFI_RUN_STOPPED = 2, NFI_RUN_DIVERGED = 3 };

#define NFI_OBJECTIVE_TARGET 3 /* of a fit to a target: behind NF_OBJECTIVE_..., in checkpoints */
#define NFI_BAD_STEPS 3       /* in a row: go back */
#define NFI_ROLLBACKS 5       /* then give up */
#define NFI_GOOD_STEPS 512    /* a snapshot to go back to at the start of each epoch and every so many batches */

/* What a checkpoint keeps beside weights and moments. */
typedef struct nfi_counters {
    int64_t epoch;      /* epochs done */
    int64_t position;   /* batches of the present epoch done */
    int64_t applied, skipped, rollbacks;
    int64_t best_epoch; /* 0: none yet */
    int64_t since_best, since_drop; /* epochs without a better loss */
    double loss_sum, weight_sum;    /* of the present epoch */
    double elbo_sum;    /* of a fit to a target, over weight_sum */
    double best_nll, best_train, best_valid;
    double lr_factor;   /* halved by each rollback */
    double plateau;
} nfi_counters;

typedef struct nfi_trainer {
    struct {
        const char *function, *epoch, *batch; /* in messages */
    } names;
    nf_flow *flow;
    nf_optimizer *optimizer;
    const nf_dataset *train, *valid; /* valid may be NULL */
    nf_fit_config config;            /* resolved */
    nf_fit_report *report;           /* may be NULL */
    nf_maker *maker;                 /* all memory below */
    int64_t batch, steps_per_epoch;
    int64_t steps;                   /* of the whole run: what schedules go by */
    int32_t estimator;               /* of a fit to a target; else 0 */
    int64_t *order;                  /* [n]: the epoch's permutation */
    uint64_t *keys;                  /* [batch] */
    nfi_rows rows;
    bool matching;                   /* objective: flow matching */
    nfi_match match;                 /* its memory */
    void *best, *ema;                /* [count]; ema NULL when off */
    void *good, *good_m, *good_v;    /* [count]: where to go back to */
    int64_t good_steps;              /* of the optimizer */
    nfi_counters now;
    double base_lr;
    double norm;                     /* of the latest gradient */
    double train_nll, valid_nll;     /* of the latest epoch */
    int64_t streak;                  /* bad steps in a row */
    int64_t saved_epoch, saved_position; /* of the latest checkpoint, -1: none */
    int32_t stopped;                 /* NFI_RUN_... */
    bool dirty;                      /* the gradient block may hold something */
    double started, seconds;
    int64_t started_batches;
    uint64_t fpenv;                  /* the caller's, put back around callbacks */
    char reason[320];                /* of the latest bad step */
} nfi_trainer;

/* trainer.c */
nf_status nfi_trainer_make(nfi_trainer *trainer);  /* flow, optimizer, data, config and names are set */
nf_status nfi_trainer_make_state(nfi_trainer *trainer); /* its part that knows no data: snapshots, moments, counters */
void nfi_trainer_free(nfi_trainer *trainer);
int64_t nfi_trainer_init_rows(const nfi_trainer *trainer); /* of the data-dependent initialisation */
void nfi_trainer_shuffle(nfi_trainer *trainer);    /* the order of epoch now.epoch */
nf_status nfi_trainer_check_objective(const nfi_trainer *trainer); /* whether this flow can be trained so */
/* The mean loss of flow matching over `valid`, in batches of its order. NF_ROWS_NONFINITE: NaN. */
nf_status nfi_trainer_match_loss(nfi_trainer *trainer, double *mean);
/* NaN and Inf met in computing: a bad step, not the end of a run. */
bool nfi_trainer_is_numeric(nf_status status);

/* step.c: one batch. Sets stopped on divergence; fails on what training cannot mend. */
nf_status nfi_trainer_step(nfi_trainer *trainer);
/* The second half of a step, for the flow's gradient block: the update, or, where it is not finite for `reason`, what is done then. */
nf_status nfi_trainer_update(nfi_trainer *trainer, bool finite, double loss_sum, double weight);

/* snapshot.c */
void nfi_snapshot_good(nfi_trainer *trainer);      /* remembers the present state */
void nfi_snapshot_back(nfi_trainer *trainer);      /* goes back to it */
void nfi_snapshot_best(nfi_trainer *trainer);      /* the weights (or their average) are the best */
void nfi_snapshot_average(nfi_trainer *trainer);   /* ema += (1 - decay) (theta - ema) */
void nfi_snapshot_swap(nfi_trainer *trainer);      /* exchanges weights and average, when there is one */
void nfi_snapshot_result(nfi_trainer *trainer);    /* puts the result into the flow */
bool nfi_snapshot_finite(const nfi_trainer *trainer);  /* all weights, and their average when there is one */
bool nfi_snapshot_healthy(const nfi_trainer *trainer); /* finite, and no bad step pending */

/* resume.c */
nf_status nfi_trainer_save(nfi_trainer *trainer);  /* nothing when already saved at this place or not healthy */
nf_status nfi_trainer_load(nfi_trainer *trainer);  /* flow and optimizer are unchanged after failure */

/* report.c */
double nfi_trainer_clock(void);                    /* seconds */
bool nfi_trainer_progress(nfi_trainer *trainer, int32_t end_of_epoch); /* true: the callback asks to stop */
void nfi_trainer_curve(nfi_trainer *trainer);      /* appends the epoch's losses */
void nfi_trainer_report(nfi_trainer *trainer);     /* fills the report from the flow as it is now */

#endif
