/* SPDX-License-Identifier: MIT
 *
 * config.h - configs and their fields
 *
 * A config is a plain struct that begins with `uint32_t struct_size`. Initialise it with its
 * NF_<NAME>_CONFIG_INIT macro or nf_<name>_config_init(); every zero means the documented
 * default. Configs only ever grow at the end: a caller compiled against an older header keeps
 * working, one compiled against a newer header works as long as it leaves the new fields zero.
 *
 * Every config is described by a table of fields - name, kind, default, range, one line of help -
 * that drives the checks, the JSON of model files, the flags of the `nflow` command and the
 * reference pages. nf_config_field() reads the tables.
 */
#ifndef NFLOW_CONFIG_H
#define NFLOW_CONFIG_H

#include <nflow/status.h>

NF_BEGIN_DECLS

/* Element types of a flow and of arrays. */
enum {
    NF_F32 = 1, /* float, the default */
    NF_F64 = 2  /* double */
};

/* What a field holds. */
enum {
    NF_FIELD_I32 = 1,       /* int32_t, between min and max */
    NF_FIELD_I64 = 2,       /* int64_t, between min and max */
    NF_FIELD_U64 = 3,       /* uint64_t, any value */
    NF_FIELD_F64 = 4,       /* double, finite, between min and max */
    NF_FIELD_CHOICE = 5,    /* int32_t: 1 is the first name in `choices`, 2 the second, ... */
    NF_FIELD_FLAG = 6,      /* int32_t, 0 or 1 */
    NF_FIELD_STRING = 7,    /* const char *, UTF-8, or NULL */
    NF_FIELD_I64_ARRAY = 8, /* const int64_t *, its length an int64_t at count_offset */
    NF_FIELD_F64_ARRAY = 9, /* const double *, its length an int64_t at count_offset */
    NF_FIELD_POINTER = 10   /* a callback or an object; never described */
};

/* Properties of a field. */
enum {
    NF_FIELD_REQUIRED = 1, /* zero, NULL or an empty array is refused */
    NF_FIELD_INITIAL = 2   /* only sets initial parameters or the run: not part of a description */
};

/** One field of a config. All strings are static. Immutable. Since 0.1 */
typedef struct nf_field {
    const char *name;     /* as in the struct and in JSON; flags of the command use '-' for '_' */
    const char *help;     /* one line, no full stop */
    const char *choices;  /* NF_FIELD_CHOICE: names separated by ','; else NULL */
    int32_t kind;         /* NF_FIELD_... */
    int32_t properties;   /* NF_FIELD_REQUIRED | ... */
    uint32_t offset;      /* of the value in the struct */
    uint32_t count_offset; /* arrays: of the length in the struct; else 0 */
    double fallback;      /* numbers and choices: what zero means */
    double min, max;      /* numbers, and elements of arrays; inclusive */
} nf_field;

/**
 * Field `index` of the config called `config` ("coupling_affine", "adam", "fit", "realnvp", ...:
 * the struct's name without nf_ and _config).
 *
 * Returns NF_OK, or NF_ERR_UNKNOWN (no such config; the line lists those that exist), NF_ERR_ARG
 * (index past the last field: the way to find the end), NF_ERR_NULL. Threads: any. Since 0.1
 */
NF_API nf_status nf_config_field(const char *config, int32_t index, nf_field *out);

NF_END_DECLS
#endif
