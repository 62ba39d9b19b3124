/* SPDX-License-Identifier: MIT
 *
 * image_file.c - pixels as PNG, by libpng
 */
#include "images.h"
#include <png.h>

const char *image_file_refusal(void)
{
    return NULL;
}

const char *image_file_write(FILE *file, int64_t height, int64_t width, int64_t channels, const unsigned char *pixels)
{
    static char message[64];
    png_image image = { .version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height,
                        .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY };

    if (png_image_write_to_stdio(&image, file, 0, pixels, 0, NULL)) return NULL;
    snprintf(message, sizeof message, "%s", image.message);
    return message;
}
