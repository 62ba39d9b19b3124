/* SPDX-License-Identifier: MIT
 *
 * plotting_none.c - plotting.h in a build without cairo: every call says so or does nothing
 */
#include "plotting.h"
#include <stddef.h>

nfplot *nfplot_create(const char *path, double width, double height)
{
    (void)path, (void)width, (void)height;
    return NULL;
}

int nfplot_finish(nfplot *figure)
{
    (void)figure;
    return -1;
}

const char *nfplot_error(void)
{
    return "built without cairo: install libcairo2-dev (or your system's name for it) and build again to draw pictures";
}

void nfplot_begin(nfplot *figure, double left, double top, double width, double height, const nfplot_axes *axes)
{
    (void)figure, (void)left, (void)top, (void)width, (void)height, (void)axes;
}

void nfplot_end(nfplot *figure)
{
    (void)figure;
}

void nfplot_scatter(nfplot *figure, int64_t n, const double *xy, double radius, nfplot_color color)
{
    (void)figure, (void)n, (void)xy, (void)radius, (void)color;
}

void nfplot_line(nfplot *figure, int64_t n, const double *x, const double *y, double width, nfplot_color color)
{
    (void)figure, (void)n, (void)x, (void)y, (void)width, (void)color;
}

void nfplot_heat(nfplot *figure, int64_t nx, int64_t ny, const double *values, double max, nfplot_range range)
{
    (void)figure, (void)nx, (void)ny, (void)values, (void)max, (void)range;
}

void nfplot_color_bar(nfplot *figure, double max, const char *label)
{
    (void)figure, (void)max, (void)label;
}

void nfplot_legend(nfplot *figure, int count, const char *const *labels, const nfplot_color *colors, int lines, int left)
{
    (void)figure, (void)count, (void)labels, (void)colors, (void)lines, (void)left;
}

void nfplot_image(nfplot *figure, double left, double top, int zoom, int height, int width, int channels, const unsigned char *pixels)
{
    (void)figure, (void)left, (void)top, (void)zoom, (void)height, (void)width, (void)channels, (void)pixels;
}

void nfplot_text(nfplot *figure, double x, double y, const char *string)
{
    (void)figure, (void)x, (void)y, (void)string;
}

nfplot_range nfplot_range_of(int64_t n, const double *xy, double trim)
{
    (void)n, (void)xy, (void)trim;
    return (nfplot_range){ 0.0, 1.0, 0.0, 1.0 };
}
