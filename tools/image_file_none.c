/* SPDX-License-Identifier: MIT
 *
 * image_file_none.c - image_file.c of a build without libpng: says so
 */
#include "images.h"

const char *image_file_refusal(void)
{
    return "built without libpng: install libpng-dev (or your system's name for it) and build again to draw images";
}

const char *image_file_write(FILE *file, int64_t height, int64_t width, int64_t channels, const unsigned char *pixels)
{
    (void)file, (void)height, (void)width, (void)channels, (void)pixels;
    return image_file_refusal();
}
