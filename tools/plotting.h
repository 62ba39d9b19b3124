/* SPDX-License-Identifier: MIT
 *
 * plotting.h - pictures of densities, points and curves, as PNG or SVG
 *
 * A figure holds panels, a panel holds marks in data coordinates. Sizes are in points; a PNG has
 * three pixels for two points. Used by `nflow plot` and by the examples; without cairo nfplot_create says so.
 */
#ifndef NFPLOT_PLOTTING_H
#define NFPLOT_PLOTTING_H

#include <stdint.h>

typedef struct nfplot nfplot;

typedef struct nfplot_color {
    double red, green, blue, alpha;
} nfplot_color;

/* Colours that stay apart for colour-blind readers and in print. */
#define NFPLOT_BLUE ((nfplot_color){ 0.12, 0.38, 0.66, 1.0 })
#define NFPLOT_ORANGE ((nfplot_color){ 0.87, 0.42, 0.10, 1.0 })
#define NFPLOT_GREEN ((nfplot_color){ 0.10, 0.53, 0.38, 1.0 })
#define NFPLOT_RED ((nfplot_color){ 0.78, 0.16, 0.22, 1.0 })
#define NFPLOT_GREY ((nfplot_color){ 0.45, 0.45, 0.45, 1.0 })

/* A range of data: x from x0 to x1, y from y0 to y1. */
typedef struct nfplot_range {
    double x0, x1, y0, y1;
} nfplot_range;

typedef struct nfplot_axes {
    nfplot_range range;
    const char *title, *x_label, *y_label; /* NULL: none */
    int equal;                             /* 1: the same scale on both axes; the range grows to fit */
    int grid;                              /* 1: light lines at the ticks */
} nfplot_axes;

/* A figure; path ends in .png or .svg. NULL on failure: nfplot_error() tells. */
nfplot *nfplot_create(const char *path, double width, double height);
/* Writes the file and frees the figure. 0, or -1: nfplot_error() tells. NULL is refused. */
int nfplot_finish(nfplot *figure);
const char *nfplot_error(void);

/* A panel in the box (left, top, width, height) of the figure, titles and labels included. Marks go between these two calls. */
void nfplot_begin(nfplot *figure, double left, double top, double width, double height, const nfplot_axes *axes);
void nfplot_end(nfplot *figure);

void nfplot_scatter(nfplot *figure, int64_t n, const double *xy, double radius, nfplot_color color);
void nfplot_line(nfplot *figure, int64_t n, const double *x, const double *y, double width, nfplot_color color);
/* Colours of values [ny][nx], row 0 at the bottom, 0 to max, over `range`; color_bar draws the scale at the right. */
void nfplot_heat(nfplot *figure, int64_t nx, int64_t ny, const double *values, double max, nfplot_range range);
void nfplot_color_bar(nfplot *figure, double max, const char *label);
/* Labels at the top of the panel, at the right or (left = 1) at the left, with a line or (lines = 0) a dot before each. */
void nfplot_legend(nfplot *figure, int count, const char *const *labels, const nfplot_color *colors, int lines, int left);

/* Pictures of pictures, outside of panels. An image [height][width][channels] (1: grey, 3: red, green, blue) with its upper left corner at
 * (left, top), each of its pixels zoom x zoom of a PNG's; and a line of text whose left end is at (x, y), at half its height. */
void nfplot_image(nfplot *figure, double left, double top, int zoom, int height, int width, int channels, const unsigned char *pixels);
void nfplot_text(nfplot *figure, double x, double y, const char *string);

/* The range of points [n][2], the outermost `trim` part of each side left out, widened by a tenth. */
nfplot_range nfplot_range_of(int64_t n, const double *xy, double trim);

#endif
