/* SPDX-License-Identifier: MIT
 *
 * images.h - rows that are images, and grids of them as PNG
 *
 * An image is a row [height][width][channels] of values from 0 to 255, with one channel (grey) or three (red, green, blue).
 */
#ifndef NFT_IMAGES_H
#define NFT_IMAGES_H

#include "options.h"
#include <stdio.h>

typedef struct image_shape {
    int64_t height, width, channels; /* all 0: rows are no images */
} image_shape;

/* Options of commands that draw images. */
typedef struct image_options {
    image_shape shape;
    int64_t zoom, columns; /* 0: chosen by the number and size of the images */
} image_options;
option_group image_group(image_options *o, const char *skip); /* skip: fields left out, separated by ','; NULL: none */

/* Shape of the images of a dataset, or of a model: what the options say, else what the object tells, else all 0. Shapes that do not
 * fit `dim` columns are refused, with a message. */
int tool_image_shape(const command *self, const nf_dataset *data, const image_options *o, image_shape *shape);
int tool_model_image_shape(const command *self, const nf_flow *flow, const image_options *o, image_shape *shape);

int image_path(const char *path); /* 1: the name ends in .png */

/* A grid: blocks of images, each of the same number in lines of `columns`. */
typedef struct image_grid {
    image_shape shape;
    int64_t blocks, block; /* images: blocks x block */
    int64_t columns, zoom; /* 0: chosen */
} image_grid;
/* Refuses what cannot be drawn, before the work is done. */
int image_grid_check(const command *self, const image_grid *grid);
/* Draws x [blocks][block][height][width][channels] into a PNG that gets its name when it is complete; values that are not finite are
 * black. The grid was checked. Exit codes, after a message. */
int image_grid_write(const char *path, const image_grid *grid, const double *x);

/* What commands that walk through the latent space write: x [lines][columns][dim], a picture with as many lines when the name ends in
 * .png, a table elsewhere. lines_check fills the grid, and refuses what cannot be drawn. Exit codes, after a message. */
int lines_check(const command *self, const nf_flow *flow, const char *path, const image_options *o, int64_t lines, int64_t columns,
                image_grid *grid);
int lines_write(const nf_flow *flow, const char *path, const image_grid *grid, const double *x);

/* Writes pixels [height][width][channels] as PNG, channels 1 or 3. NULL, or what went wrong (static). */
const char *image_file_write(FILE *file, int64_t height, int64_t width, int64_t channels, const unsigned char *pixels);
/* NULL, or why this build cannot write any (static). */
const char *image_file_refusal(void);

#endif
