/* SPDX-License-Identifier: MIT
 *
 * description.h - a flow as JSON text, and back
 */
#ifndef NFI_IO_DESCRIPTION_H
#define NFI_IO_DESCRIPTION_H

#include "flow/flow.h"
#include "io/json_text.h"

#define NFI_DESCRIPTION_FORMAT 1

/* What a file can hold: bounds that a description must keep before memory is spent on it. */
typedef struct nfi_description_limits {
    int64_t parameters; /* exactly so many; -1: any */
    int64_t columns;    /* most columns, summed over layers and base; -1: any */
    int64_t images;     /* most numbers of images, summed over layers that say height, width and channels; -1: any */
    bool bare;          /* the weights are in the file: none are drawn, the caller packs */
} nfi_description_limits;

/* Appends the description. Failures stick in text->status. */
void nfi_description_write(nfi_text *text, const nf_flow *flow);
/* A flow with fresh weights, or none where limits say so. limits may be NULL; `function` begins messages. NF_ERR_FORMAT, _VERSION, _LIMIT, _MEMORY, and what a
 * user's layer answers. */
nf_status nfi_description_read(nf_flow **out, nf_context *context, const char *text, int64_t size,
                               const nfi_description_limits *limits, const char *function);

#endif
