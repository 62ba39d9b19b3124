/* SPDX-License-Identifier: MIT
 *
 * schedule.c - learning-rate schedules
 *
 *   cosine    f + (1 - f) (1 + cos(pi step / steps)) / 2,  f = final_lr_factor   (Loshchilov, Hutter, arXiv:1608.03983)
 *   step      factor^(epoch / step_epochs)
 *   plateau   factor^(number of drops)
 *   warm-up   multiplies by (step + 1) / warmup_steps while that is below 1      (Goyal et al., arXiv:1706.02677)
 *
 * Check: cosine starts at 1 and stands at (1 + f) / 2 halfway.
 */
#include "train/schedule.h"
#include "math/functions.h"
#include "optim/rule.h"

static double schedule_constant(const nf_fit_config *config, const nfi_schedule_state *state)
{
    (void)config;
    (void)state;
    return 1;
}

static double schedule_cosine(const nf_fit_config *config, const nfi_schedule_state *state)
{
    const double done = (double)state->step / (double)state->steps;

    return config->final_lr_factor + (1 - config->final_lr_factor) * 0.5 * (1 + nfi_cos(NFI_PI * done));
}

static double schedule_step(const nf_fit_config *config, const nfi_schedule_state *state)
{
    return nfi_power(config->factor, state->epoch / config->step_epochs);
}

static double schedule_plateau(const nf_fit_config *config, const nfi_schedule_state *state)
{
    (void)config;
    return state->plateau;
}

static const nfi_schedule schedules[] = {
    { "constant", schedule_constant, 0 },
    { "cosine", schedule_cosine, 0 },
    { "step", schedule_step, 0 },
    { "plateau", schedule_plateau, 1 },
};

const nfi_schedule *nfi_schedule_at(int32_t schedule)
{
    const int32_t n = (int32_t)(sizeof schedules / sizeof *schedules);

    return schedule >= 1 && schedule <= n ? &schedules[schedule - 1] : NULL;
}

double nfi_schedule_factor(const nf_fit_config *config, const nfi_schedule_state *state)
{
    const nfi_schedule *schedule = nfi_schedule_at(config->schedule);
    const double factor = schedule ? schedule->factor(config, state) : 1;

    if (state->step + 1 >= config->warmup_steps) return factor;
    return factor * ((double)(state->step + 1) / (double)config->warmup_steps);
}
