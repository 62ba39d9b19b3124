/* SPDX-License-Identifier: MIT
 *
 * main.c - the `nflow` command: finds the command by name and runs it
 */
#include "command.h"
#include "suggest.h"
#include <stdio.h>
#include <string.h>

static const command *const commands[] = {
    &command_train, &command_score, &command_sample, &command_interpolate, &command_attribute,
    &command_info,  &command_plot,  &command_check,  &command_doctor,
};

static void print_usage(FILE *file)
{
    fprintf(file, "usage: nflow COMMAND [options]\n\nNormalizing flows: exact densities and exact samples, learned from tables.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(file, "  %-12s %s\n", commands[i]->name, commands[i]->help);
    fprintf(file, "\nnflow COMMAND --help lists a command's options. nflow --version tells the version.\n");
}

static int unknown_command(const char *name)
{
    suggestion near = suggest_begin(name);
    char hint[96];

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        suggest_offer(&near, commands[i]->name, strlen(commands[i]->name));
    fprintf(stderr, "nflow: '%s' is not a command%s\n\n", name, suggest_text(&near, "", hint, sizeof hint));
    print_usage(stderr);
    return CODE_USAGE;
}

/* What was written must have arrived: a full disk or a closed pipe is a failure. */
static int finish(int code)
{
    if ((fflush(stdout) || ferror(stdout)) && code == CODE_OK) {
        fprintf(stderr, "nflow: stdout: the output could not be written\n");
        return CODE_FAILED;
    }
    return code;
}

/* argv[0] is the command's name. */
static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[0], commands[i]->name) != 0) continue;
        const int code = commands[i]->run(argc, argv);
        return finish(code < 0 ? CODE_OK : code);
    }
    return unknown_command(argv[0]);
}

int main(int argc, char **argv)
{
    static char help[] = "--help";

    if (argc < 2) {
        print_usage(stderr);
        return CODE_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2) {
        char *words[] = { argv[2], help, NULL };
        return run_command(2, words);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return finish(CODE_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("nflow %s\n", nf_version());
        return finish(CODE_OK);
    }
    return run_command(argc - 1, argv + 1);
}
