/* SPDX-License-Identifier: MIT
 *
 * png_none.c - a build without libpng
 */
#include "core/status.h"
#include "data/picture.h"

nf_status nfi_png_read(const nfi_source *source, nfi_picture *picture)
{
    *picture = (nfi_picture){0};
    return nfi_fail(NF_ERR_UNSUPPORTED, "%s: %s is a PNG file and this library was built without libpng: store the pictures as NPY, or build with "
                    "-Dpng=enabled", source->function, source->name);
}
