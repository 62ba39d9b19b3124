/* SPDX-License-Identifier: MIT
 *
 * config.h - configs and their fields
 *
 * A config is a plain struct that begins with `uint32_t struct_size`. Initialise it with its NF_<NAME>_CONFIG_INIT macro or
 * nf_<name>_config_init() (NULL accepted); every zero means the documented default. Functions copy what they need of a config,
 * its arrays and strings included. Configs only ever grow at the end: a caller compiled against an older header keeps working,
 * one compiled against a newer header works as long as it leaves the new fields zero. Three statuses tell sizes apart:
 *
 *   NF_ERR_CONFIG_SMALL   struct_size is no plausible size: the struct was not initialised
 *   NF_ERR_CONFIG_OLD     smaller than the config's first release
 *   NF_ERR_CONFIG_NEW     larger than this library knows, and a byte behind what it knows is set
 *
 * A value out of range is NF_ERR_ARG, a size that does not fit NF_ERR_SHAPE; the line names field, value and range. Headers write
 * NF_ERR_CONFIG_* for all of these.
 *
 * Reports (structs that the library fills) begin with struct_size too. Set it before the call, as in
 * `nf_check_report report = { .struct_size = sizeof report };`: the library fills as much as both sides know. A smaller size than
 * that of the first release is NF_ERR_CONFIG_SMALL.
 *
 * Every config is described by a table of fields - name, kind, default, range, one line of help - that drives the checks, the
 * JSON of model files and the flags of the `nflow` command. nf_config_field() reads the tables.
 */
#ifndef NFLOW_CONFIG_H
#define NFLOW_CONFIG_H

#include <nflow/status.h>

NF_BEGIN_DECLS

/* Element types of a flow and of arrays. Since 0.1 */
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
 * Field `index` of the config called `config`: the struct's name without nf_ and _config. There are "context", the layers
 * "coupling_affine", "coupling_conv", "coupling_spline", "split", "permutation", "actnorm", "affine", "standardise", "logit", "linear", "householder",
 * "planar", "radial", "sylvester", "invconv", "squeeze", "dequantise", "columns", "cnf", "autoregressive"; "base_normal", "base_diagonal",
 * "base_uniform", "base_normal_full", "base_mixture", "base_student", "base_laplace", "base_logistic", "base_box", "base_normal_conditional";
 * "flow", "realnvp", "glow", "realnvp_image", "ffjord", "table"; "read"; the optimizers "adam", "adamw", "adamax", "sgd"; "fit"; "target".
 *
 * out  overwritten; its strings are static
 * Returns NF_OK; NF_ERR_UNKNOWN (no such config; the line lists those that exist), NF_ERR_ARG (index past the last field: the way
 * to find the end), NF_ERR_NULL: *out untouched. Allocates nothing. Threads: any. Since 0.1
 */
NF_API nf_status nf_config_field(const char *config, int32_t index, nf_field *out);

NF_END_DECLS
#endif
