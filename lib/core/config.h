/* SPDX-License-Identifier: MIT
 *
 * config.h - reading configs through their field tables
 */
#ifndef NFI_CORE_CONFIG_H
#define NFI_CORE_CONFIG_H

#include <stddef.h>

#include "core/memory.h"
#include <nflow/config.h>

/* One config: its name, its first released size, its present size and its fields. One const row beside each
 * constructor; core/configs.c does not know them: each module lists its own (see nfi_config_lists). */
typedef struct nfi_config_type {
    const char *name;
    uint32_t first_size, size;
    const nf_field *fields;
    int32_t n_fields;
} nfi_config_type;

extern const nfi_config_type nfi_context_config_type; /* of nf_context_create, in core/context.c */

#define NFI_COUNT(array) ((int32_t)(sizeof(array) / sizeof *(array)))

/* Rows: NFI_FIELD(struct, member, kind, properties, fallback, min, max, choices, help) */
#define NFI_FIELD(type, member, kind_, properties_, fallback_, min_, max_, choices_, help_)                            \
    { .name = #member, .help = help_, .choices = choices_, .kind = kind_, .properties = properties_,                   \
      .offset = (uint32_t)offsetof(type, member), .count_offset = 0, .fallback = fallback_, .min = min_, .max = max_ }
#define NFI_ARRAY(type, member, count, kind_, properties_, min_, max_, help_)                                          \
    { .name = #member, .help = help_, .choices = NULL, .kind = kind_, .properties = properties_,                       \
      .offset = (uint32_t)offsetof(type, member), .count_offset = (uint32_t)offsetof(type, count), .fallback = 0,      \
      .min = min_, .max = max_ }

/* Checks `config` (caller's struct, any known size) and writes a full-size copy with every default filled in to
 * `resolved` (type->size bytes). Arrays and strings are still borrowed. `function` names the caller in messages.
 * NF_ERR_NULL, NF_ERR_CONFIG_SMALL/OLD/NEW, NF_ERR_ARG (field, value, range), NF_ERR_NONFINITE. Unknown choice numbers and flags
 * other than 0/1 are refused. config == NULL: NF_ERR_NULL. */
nf_status nfi_config_resolve(const nfi_config_type *type, const void *config, void *resolved, const char *function);
/* marks [dim] = 1 for the n columns that `index`, the config's array `field`, lists; the others stay. NF_ERR_ARG: one that is no column of
 * dim, or marked already. */
nf_status nfi_config_mark(const char *function, const char *field, const int64_t *index, int64_t n, int64_t dim, unsigned char *marks);
/* Replaces borrowed arrays and strings of a resolved config by copies in `maker`. */
nf_status nfi_config_own(const nfi_config_type *type, void *resolved, nf_maker *maker);
/* Reports: structs that begin with struct_size, which the caller sets and the library fills. `first` is the size in the first
 * release. NF_ERR_NULL, NF_ERR_CONFIG_SMALL. */
nf_status nfi_report_check(const void *report, uint32_t first, const char *function);
/* Copies what both know; struct_size stays the caller's. */
void nfi_report_write(void *report, const void *own, uint32_t size);
/* Name of a choice's value (1-based), into buffer; "?" when out of range. Value of a name, 0 when unknown. */
void nfi_choice_name(const nf_field *field, int32_t value, char *buffer, int64_t size);
int32_t nfi_choice_value(const nf_field *field, const char *name);

#endif
