/* SPDX-License-Identifier: MIT
 *
 * command.h - what every command of `nflow` has: a row in the table, and its exit codes
 */
#ifndef NFT_COMMAND_H
#define NFT_COMMAND_H

#include <nflow/nflow.h>

/* Exit codes; nflow(1) documents them. */
enum {
    CODE_OK = 0,
    CODE_FAILED = 1,      /* the run failed: files, memory, damaged models, diverged training */
    CODE_USAGE = 2,       /* unknown command, option, name or value */
    CODE_CHECK = 3,       /* check, verify or doctor found a defect */
    CODE_ROWS = 4,        /* completed, but some rows were not finite */
    CODE_INTERRUPTED = 130 /* Ctrl-C; train has saved the best model so far */
};

/* One command. argv[0] is its name. */
typedef struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *help;      /* one line */
    int (*run)(int argc, char **argv);
    void (*notes)(void); /* prints the end of the help text; NULL: nothing */
} command;

extern const command command_train, command_score, command_sample, command_interpolate, command_attribute, command_info, command_plot,
    command_check, command_doctor;

#endif
