/* SPDX-License-Identifier: MIT
 *
 * rules.c - the table of update rules, and their configs
 */
#include "optim/optimizer.h"
#include <string.h>

/* Checkpoints name a rule by its place here: new rules go to the end. */
static const nfi_optimizer_type *const rules[] = { &nfi_rule_adam, &nfi_rule_adamw, &nfi_rule_adamax, &nfi_rule_sgd };
#define N_RULES ((int32_t)(sizeof rules / sizeof *rules))

const nfi_optimizer_type *nfi_rule_at(int32_t index) { return index >= 0 && index < N_RULES ? rules[index] : NULL; }

int32_t nfi_rule_index(const nfi_optimizer_type *type)
{
    for (int32_t i = 0; i < N_RULES; i++)
        if (rules[i] == type) return i;
    return -1;
}

const nfi_optimizer_type *nfi_rule_find(const char *name)
{
    for (int32_t i = 0; i < N_RULES; i++)
        if (strcmp(rules[i]->name, name) == 0) return rules[i];
    return NULL;
}

const char *nf_optimizer_type_at(int32_t index)
{
    const nfi_optimizer_type *type = nfi_rule_at(index);

    return type ? type->name : NULL;
}

const nfi_config_type *nfi_optim_configs(int32_t i)
{
    const nfi_optimizer_type *type = nfi_rule_at(i);

    return type ? type->config : NULL;
}
