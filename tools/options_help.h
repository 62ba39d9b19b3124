/* SPDX-License-Identifier: MIT
 *
 * options_help.h - an option as the parser and the help text see it
 */
#ifndef NFT_OPTIONS_HELP_H
#define NFT_OPTIONS_HELP_H

#include "options.h"

enum { OPTION_NAME_SIZE = 64 };

/* One field of one struct. */
typedef struct option_target {
    nf_field field;
    void *base;
    char name[OPTION_NAME_SIZE]; /* as typed, without the dashes */
    char letter;                 /* 0: none */
    const option_group *group;
    int repeated;                /* 1: an earlier target has the same name */
    int given;
} option_target;

void options_print_help(const command *self, const option_target *targets, int n_targets);
/* "1, 2 or 3" for messages and help: the names of a list separated by ','. Returns text. */
const char *options_names(const char *list, char *text, size_t size);

#endif
