/* SPDX-License-Identifier: MIT
 *
 * folder.h - what stands in a folder, in an order of its own
 */
#ifndef NFI_DATA_FOLDER_H
#define NFI_DATA_FOLDER_H

#include "data/source.h"

typedef struct nfi_entry {
    char *path;
    int64_t label; /* of its sub-folder */
} nfi_entry;

typedef struct nfi_listing {
    nfi_entry *entries;
    int64_t n, capacity;
    int64_t classes; /* sub-folders; 0: the files lie in the folder itself */
} nfi_listing;

/* The .png files of the folder source->name, sorted bytewise by name; or those of its sub-folders, one behind the other in sorted
 * order. Names that start with a dot and other files are passed over. NF_ERR_IO, NF_ERR_FORMAT (no such file, in the folder or in
 * one of its sub-folders; files beside sub-folders), NF_ERR_MEMORY: the listing is empty. */
nf_status nfi_folder_list(const nfi_source *source, nfi_listing *listing);
void nfi_folder_free(nfi_listing *listing, nf_context *context); /* a zeroed one is accepted */

#endif
