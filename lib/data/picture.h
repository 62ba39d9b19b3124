/* SPDX-License-Identifier: MIT
 *
 * picture.h - the pixels of a PNG file
 */
#ifndef NFI_DATA_PICTURE_H
#define NFI_DATA_PICTURE_H

#include "data/source.h"

typedef struct nfi_picture {
    int64_t height, width, channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    unsigned char *pixels; /* [height][width][channels], of the context */
} nfi_picture;

bool nfi_png_has_magic(const char *bytes, int64_t size);
/* Reads the picture in source->bytes. Samples are those of the file, without any correction of colour; 1, 2 and 4 bits are spread to 0..255,
 * palettes looked up, a transparent colour becomes alpha. NF_ERR_FORMAT (no PNG, 16 bits, more pixels than such a file can hold, bytes behind
 * the end), NF_ERR_CORRUPT, NF_ERR_LIMIT (max_dim), NF_ERR_MEMORY, NF_ERR_UNSUPPORTED (built without libpng); nothing to free then. */
nf_status nfi_png_read(const nfi_source *source, nfi_picture *picture);
void nfi_picture_free(nfi_picture *picture, nf_context *context); /* a zeroed one is accepted */

#endif
