/* SPDX-License-Identifier: MIT
 *
 * options.h - command-line options made from tables of fields
 *
 * An option is a field of a config struct: the library's own configs bring their tables
 * (nf_config_field), commands describe theirs the same way. Option --final-lr-factor sets the
 * field final_lr_factor; a name that several structs have sets all of them. A zero that would mean
 * "the default" in a library's config is refused, because it is not what was typed.
 */
#ifndef NFT_OPTIONS_H
#define NFT_OPTIONS_H

#include "command.h"
#include <math.h>
#include <stddef.h>

/* Rows of a command's own table. */
#define OPTION(type, member, kind_, choices_, help_)                                                                   \
    { .name = #member, .help = help_, .choices = choices_, .kind = kind_, .offset = (uint32_t)offsetof(type, member),  \
      .min = -INFINITY, .max = INFINITY }
#define OPTION_RANGE(type, member, kind_, fallback_, min_, max_, help_)                                                \
    { .name = #member, .help = help_, .kind = kind_, .offset = (uint32_t)offsetof(type, member), .fallback = fallback_, \
      .min = min_, .max = max_ }
#define OPTION_CHOICE(type, member, choices_, help_)                                                                   \
    { .name = #member, .help = help_, .choices = choices_, .kind = NF_FIELD_CHOICE, .offset = (uint32_t)offsetof(type, member),  \
      .fallback = 1 }
#define OPTION_LIST(type, member, count, kind_, help_)                                                                 \
    { .name = #member, .help = help_, .kind = kind_, .offset = (uint32_t)offsetof(type, member),                       \
      .count_offset = (uint32_t)offsetof(type, count), .min = -INFINITY, .max = INFINITY }

/* The options of one struct. */
typedef struct option_group {
    const char *title;
    void *target;           /* the struct */
    const char *config;     /* its name in the library, or NULL and: */
    const nf_field *fields; /* the command's own table */
    int32_t n_fields;
    const char *only;       /* comma-separated fields to offer; NULL: all */
    const char *skip;       /* comma-separated fields to leave out; NULL: none */
    const char *decided;    /* comma-separated fields whose default a preset decides; NULL: none */
} option_group;

typedef struct options options;

/**
 * Parses argv against the groups, at most 20. Returns CODE_OK with the first positional argument at *first
 * (arguments are permuted), CODE_USAGE after a message, or -1 when --help was printed. *out is to be
 * freed with options_free whatever the answer; it owns the lists that the structs point to.
 */
int options_parse(options **out, const command *self, const option_group *groups, int n_groups, int argc, char **argv,
                  int *first);

/* Sets an option that the user did not give. A name that no group has is passed over. */
int options_default(options *o, const char *name, const char *value);
/* 1 when the user gave the option (field name, with '_'). */
int options_given(const options *o, const char *name);
/* 1 when the comma-separated list holds the name. list may be NULL. */
int options_listed(const char *list, const char *name);
void options_free(options *o);

#endif
