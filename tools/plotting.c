/* SPDX-License-Identifier: MIT
 *
 * plotting.c - pictures with cairo
 */
#include "plotting.h"
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TICKS = 6 };
static const double pixels_point = 1.5;

/* Room around the axes of a panel, in points. */
static const double room_left = 52.0, room_right = 14.0, room_top = 30.0, room_bottom = 40.0;
static const double font_title = 13.0, font_label = 11.0, font_tick = 9.5;
static const double pi = 3.14159265358979323846;

struct nfplot {
    cairo_t *cairo;
    cairo_surface_t *surface;
    char *path;
    int svg;
    double left, top, width, height; /* of the axes */
    nfplot_axes axes;
};

static _Thread_local char error_line[512];

const char *nfplot_error(void)
{
    return error_line;
}

static int ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);

    return n >= m && strcmp(text + n - m, ending) == 0;
}

static void set_color(nfplot *f, nfplot_color c)
{
    cairo_set_source_rgba(f->cairo, c.red, c.green, c.blue, c.alpha);
}

static void release(nfplot *f)
{
    cairo_destroy(f->cairo);
    cairo_surface_destroy(f->surface);
    free(f->path);
    free(f);
}

nfplot *nfplot_create(const char *path, double width, double height)
{
    nfplot *f = calloc(1, sizeof *f);

    if (!f || !(f->path = malloc(strlen(path) + 1))) {
        snprintf(error_line, sizeof error_line, "%s: out of memory", path);
        free(f);
        return NULL;
    }
    memcpy(f->path, path, strlen(path) + 1);
    f->svg = ends_with(path, ".svg");
    if (!f->svg && !ends_with(path, ".png")) {
        snprintf(error_line, sizeof error_line, "%s: pictures end in .png or .svg", path);
        free(f->path);
        free(f);
        return NULL;
    }
    f->surface = f->svg ? cairo_svg_surface_create(path, width, height)
                        : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * pixels_point), (int)(height * pixels_point));
    f->cairo = cairo_create(f->surface);
    if (cairo_status(f->cairo) != CAIRO_STATUS_SUCCESS) {
        snprintf(error_line, sizeof error_line, "%s: %s", path, cairo_status_to_string(cairo_status(f->cairo)));
        release(f);
        return NULL;
    }
    if (!f->svg) cairo_scale(f->cairo, pixels_point, pixels_point);
    cairo_set_source_rgb(f->cairo, 1.0, 1.0, 1.0);
    cairo_paint(f->cairo);
    return f;
}

/* Rounds colours to SHADES a channel: the eye does not see it, and a PNG of many points shrinks by a third. */
static void round_colors(cairo_surface_t *image)
{
    enum { SHADES = 52 };
    unsigned char *bytes, table[256];
    const int width = cairo_image_surface_get_width(image), height = cairo_image_surface_get_height(image);
    const int stride = cairo_image_surface_get_stride(image);

    for (int i = 0; i < 256; i++)
        table[i] = (unsigned char)((i * (SHADES - 1) + 127) / 255 * 255 / (SHADES - 1));
    cairo_surface_flush(image);
    bytes = cairo_image_surface_get_data(image);
    for (int y = 0; bytes && y < height; y++)
        for (int x = 0; x < 4 * width; x++)
            bytes[(ptrdiff_t)y * stride + x] = table[bytes[(ptrdiff_t)y * stride + x]];
    cairo_surface_mark_dirty(image);
}

int nfplot_finish(nfplot *f)
{
    cairo_status_t status;

    if (!f) return -1;
    if (f->svg)
        cairo_surface_finish(f->surface);
    else
        round_colors(f->surface);
    status = f->svg ? cairo_surface_status(f->surface) : cairo_surface_write_to_png(f->surface, f->path);
    if (status != CAIRO_STATUS_SUCCESS)
        snprintf(error_line, sizeof error_line, "%s: %s", f->path, cairo_status_to_string(status));
    release(f);
    return status == CAIRO_STATUS_SUCCESS ? 0 : -1;
}

/* data -> points */
static double at_x(const nfplot *f, double x)
{
    const nfplot_range *r = &f->axes.range;

    return f->left + f->width * (x - r->x0) / (r->x1 - r->x0);
}

static double at_y(const nfplot *f, double y)
{
    const nfplot_range *r = &f->axes.range;

    return f->top + f->height * (r->y1 - y) / (r->y1 - r->y0);
}

/* Text with its anchor (0 left or top, 1 right or bottom) at (x, y), turned by angle. */
static void text(nfplot *f, double x, double y, double anchor_x, double anchor_y, double size, double angle, int bold,
                 const char *string)
{
    cairo_text_extents_t extents;
    cairo_font_extents_t font;

    if (!string) return;
    cairo_save(f->cairo);
    cairo_select_font_face(f->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(f->cairo, size);
    cairo_text_extents(f->cairo, string, &extents);
    cairo_font_extents(f->cairo, &font);
    cairo_translate(f->cairo, x, y);
    cairo_rotate(f->cairo, angle);
    cairo_move_to(f->cairo, -anchor_x * extents.x_advance, font.ascent * 0.85 * (1.0 - anchor_y));
    cairo_set_source_rgb(f->cairo, 0.13, 0.13, 0.13);
    cairo_show_text(f->cairo, string);
    cairo_restore(f->cairo);
}

/* The largest of 1, 2, 5 times a power of ten that gives at most MAX_TICKS ticks. */
static double tick_step(double span)
{
    const double power = pow(10.0, floor(log10(span / MAX_TICKS)));
    static const double factors[] = { 1.0, 2.0, 5.0, 10.0 };

    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (span / (factors[i] * power) <= MAX_TICKS) return factors[i] * power;
    return 10.0 * power;
}

static void tick_text(double value, double step, char *out, size_t size)
{
    const int decimals = step < 1.0 ? (int)ceil(-log10(step) - 1e-9) : 0;

    if (fabs(value) < step * 1e-6) value = 0.0;
    if (fabs(value) >= 1e6 || decimals > 4)
        snprintf(out, size, "%.3g", value);
    else
        snprintf(out, size, "%.*f", decimals, value);
}

/* The smaller dimension's range grows until one unit is as long on both axes. */
static void make_equal(nfplot *f)
{
    nfplot_range *r = &f->axes.range;
    const double unit_x = (r->x1 - r->x0) / f->width, unit_y = (r->y1 - r->y0) / f->height;
    const double unit = fmax(unit_x, unit_y);
    const double mid_x = 0.5 * (r->x0 + r->x1), mid_y = 0.5 * (r->y0 + r->y1);

    r->x0 = mid_x - 0.5 * unit * f->width;
    r->x1 = mid_x + 0.5 * unit * f->width;
    r->y0 = mid_y - 0.5 * unit * f->height;
    r->y1 = mid_y + 0.5 * unit * f->height;
}

static void draw_grid(nfplot *f)
{
    const nfplot_range *r = &f->axes.range;
    const double sx = tick_step(r->x1 - r->x0), sy = tick_step(r->y1 - r->y0);

    cairo_set_source_rgb(f->cairo, 0.91, 0.91, 0.91);
    cairo_set_line_width(f->cairo, 0.7);
    for (double x = ceil(r->x0 / sx) * sx; x <= r->x1; x += sx) {
        cairo_move_to(f->cairo, at_x(f, x), f->top);
        cairo_rel_line_to(f->cairo, 0.0, f->height);
    }
    for (double y = ceil(r->y0 / sy) * sy; y <= r->y1; y += sy) {
        cairo_move_to(f->cairo, f->left, at_y(f, y));
        cairo_rel_line_to(f->cairo, f->width, 0.0);
    }
    cairo_stroke(f->cairo);
}

void nfplot_begin(nfplot *f, double left, double top, double width, double height, const nfplot_axes *axes)
{
    f->axes = *axes;
    f->left = left + room_left;
    f->top = top + room_top;
    f->width = width - room_left - room_right;
    f->height = height - room_top - room_bottom;
    if (!(f->axes.range.x1 > f->axes.range.x0)) f->axes.range.x1 = f->axes.range.x0 + 1.0;
    if (!(f->axes.range.y1 > f->axes.range.y0)) f->axes.range.y1 = f->axes.range.y0 + 1.0;
    if (axes->equal) make_equal(f);
    if (axes->grid) draw_grid(f);
    cairo_save(f->cairo);
    cairo_rectangle(f->cairo, f->left, f->top, f->width, f->height);
    cairo_clip(f->cairo);
}

static void draw_ticks(nfplot *f)
{
    const nfplot_range *r = &f->axes.range;
    const double sx = tick_step(r->x1 - r->x0), sy = tick_step(r->y1 - r->y0);
    char label[40];

    for (double x = ceil(r->x0 / sx) * sx; x <= r->x1 + 1e-9 * sx; x += sx) {
        cairo_move_to(f->cairo, at_x(f, x), f->top + f->height);
        cairo_rel_line_to(f->cairo, 0.0, 4.0);
        cairo_stroke(f->cairo);
        tick_text(x, sx, label, sizeof label);
        text(f, at_x(f, x), f->top + f->height + 6.0, 0.5, 0.0, font_tick, 0.0, 0, label);
        cairo_new_path(f->cairo);
    }
    for (double y = ceil(r->y0 / sy) * sy; y <= r->y1 + 1e-9 * sy; y += sy) {
        cairo_move_to(f->cairo, f->left, at_y(f, y));
        cairo_rel_line_to(f->cairo, -4.0, 0.0);
        cairo_stroke(f->cairo);
        tick_text(y, sy, label, sizeof label);
        text(f, f->left - 7.0, at_y(f, y), 1.0, 0.55, font_tick, 0.0, 0, label);
        cairo_new_path(f->cairo);
    }
}

void nfplot_end(nfplot *f)
{
    cairo_restore(f->cairo);
    cairo_new_path(f->cairo);
    cairo_set_source_rgb(f->cairo, 0.35, 0.35, 0.35);
    cairo_set_line_width(f->cairo, 0.9);
    cairo_rectangle(f->cairo, f->left, f->top, f->width, f->height);
    cairo_stroke(f->cairo);
    draw_ticks(f);
    text(f, f->left + 0.5 * f->width, f->top - 9.0, 0.5, 1.0, font_title, 0.0, 1, f->axes.title);
    text(f, f->left + 0.5 * f->width, f->top + f->height + 22.0, 0.5, 0.0, font_label, 0.0, 0, f->axes.x_label);
    text(f, f->left - 44.0, f->top + 0.5 * f->height, 0.5, 0.0, font_label, -0.5 * pi, 0, f->axes.y_label);
    cairo_new_path(f->cairo);
}

void nfplot_scatter(nfplot *f, int64_t n, const double *xy, double radius, nfplot_color color)
{
    set_color(f, color);
    for (int64_t i = 0; i < n; i++) {
        const double x = at_x(f, xy[2 * i]), y = at_y(f, xy[2 * i + 1]);
        if (!(x > f->left - radius && x < f->left + f->width + radius)) continue;
        if (!(y > f->top - radius && y < f->top + f->height + radius)) continue;
        cairo_arc(f->cairo, x, y, radius, 0.0, 2.0 * pi);
        cairo_fill(f->cairo);
    }
}

void nfplot_line(nfplot *f, int64_t n, const double *x, const double *y, double width, nfplot_color color)
{
    int pen = 0;

    set_color(f, color);
    cairo_set_line_width(f->cairo, width);
    cairo_set_line_join(f->cairo, CAIRO_LINE_JOIN_ROUND);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) {
            pen = 0;
            continue;
        }
        if (pen)
            cairo_line_to(f->cairo, at_x(f, x[i]), at_y(f, y[i]));
        else
            cairo_move_to(f->cairo, at_x(f, x[i]), at_y(f, y[i]));
        pen = 1;
    }
    cairo_stroke(f->cairo);
}

/* White to dark through green and blue, lightness falling evenly, so that equal steps look equal; no density is no ink. */
static const double colormap[][3] = {
    { 1.000, 1.000, 1.000 }, { 0.871, 0.961, 0.898 }, { 0.690, 0.890, 0.780 }, { 0.480, 0.802, 0.693 }, { 0.251, 0.718, 0.678 },
    { 0.210, 0.635, 0.667 }, { 0.204, 0.561, 0.655 }, { 0.208, 0.478, 0.638 }, { 0.216, 0.396, 0.620 }, { 0.251, 0.316, 0.570 },
    { 0.255, 0.239, 0.482 }, { 0.218, 0.180, 0.360 }, { 0.180, 0.118, 0.235 },
};

static nfplot_color color_of(double value)
{
    enum { LAST = sizeof colormap / sizeof *colormap - 1 };
    const double at = (value > 0.0 ? fmin(value, 1.0) : 0.0) * LAST;
    const int i = at < LAST ? (int)at : LAST - 1;
    const double part = at - i;
    const double *a = colormap[i], *b = colormap[i + 1];

    return (nfplot_color){ a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2]), 1.0 };
}

static uint32_t pixel_of(nfplot_color c)
{
    return ((uint32_t)(255.0 * c.red + 0.5) << 16) | ((uint32_t)(255.0 * c.green + 0.5) << 8) | (uint32_t)(255.0 * c.blue + 0.5);
}

void nfplot_heat(nfplot *f, int64_t nx, int64_t ny, const double *values, double max, nfplot_range range)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)nx, (int)ny);
    unsigned char *bytes = cairo_image_surface_get_data(image);
    const int stride = cairo_image_surface_get_stride(image);

    for (int64_t i = 0; bytes && i < ny; i++) {
        for (int64_t j = 0; j < nx; j++) {
            const uint32_t pixel = pixel_of(color_of(values[(ny - 1 - i) * nx + j] / max));
            memcpy(bytes + i * stride + 4 * j, &pixel, sizeof pixel);
        }
    }
    cairo_surface_mark_dirty(image);
    cairo_save(f->cairo);
    cairo_translate(f->cairo, at_x(f, range.x0), at_y(f, range.y1));
    cairo_scale(f->cairo, (at_x(f, range.x1) - at_x(f, range.x0)) / (double)nx, (at_y(f, range.y0) - at_y(f, range.y1)) / (double)ny);
    cairo_set_source_surface(f->cairo, image, 0.0, 0.0);
    cairo_pattern_set_filter(cairo_get_source(f->cairo), CAIRO_FILTER_BILINEAR);
    cairo_pattern_set_extend(cairo_get_source(f->cairo), CAIRO_EXTEND_PAD);
    cairo_rectangle(f->cairo, 0.0, 0.0, (double)nx, (double)ny);
    cairo_fill(f->cairo);
    cairo_restore(f->cairo);
    cairo_surface_destroy(image);
}

void nfplot_color_bar(nfplot *f, double max, const char *label)
{
    const double left = f->left + f->width + 12.0, width = 10.0, step = tick_step(max);
    cairo_pattern_t *gradient = cairo_pattern_create_linear(0.0, f->top + f->height, 0.0, f->top);
    const int last = (int)(sizeof colormap / sizeof *colormap) - 1;
    char number[40];

    for (int i = 0; i <= last; i++)
        cairo_pattern_add_color_stop_rgb(gradient, (double)i / last, colormap[i][0], colormap[i][1], colormap[i][2]);
    cairo_save(f->cairo);
    cairo_reset_clip(f->cairo);
    cairo_rectangle(f->cairo, left, f->top, width, f->height);
    cairo_set_source(f->cairo, gradient);
    cairo_fill_preserve(f->cairo);
    cairo_set_source_rgb(f->cairo, 0.35, 0.35, 0.35);
    cairo_set_line_width(f->cairo, 0.7);
    cairo_stroke(f->cairo);
    for (double v = 0.0; v <= max * (1.0 + 1e-9); v += step) {
        tick_text(v, step, number, sizeof number);
        text(f, left + width + 4.0, f->top + f->height * (1.0 - v / max), 0.0, 0.55, font_tick, 0.0, 0, number);
    }
    text(f, left, f->top - 7.0, 0.0, 1.0, font_label, 0.0, 0, label);
    cairo_restore(f->cairo);
    cairo_pattern_destroy(gradient);
}

static double widest(nfplot *f, int count, const char *const *labels)
{
    double width = 0.0;
    cairo_text_extents_t extents;

    cairo_select_font_face(f->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(f->cairo, font_label);
    for (int i = 0; i < count; i++) {
        cairo_text_extents(f->cairo, labels[i], &extents);
        width = fmax(width, extents.x_advance);
    }
    return width;
}

void nfplot_legend(nfplot *f, int count, const char *const *labels, const nfplot_color *colors, int lines, int at_left)
{
    const double row = 16.0, width = widest(f, count, labels) + 40.0;
    const double left = at_left ? f->left + 8.0 : f->left + f->width - width - 8.0, top = f->top + 8.0;

    cairo_rectangle(f->cairo, left, top, width, count * row + 8.0);
    cairo_set_source_rgba(f->cairo, 1.0, 1.0, 1.0, 0.88);
    cairo_fill_preserve(f->cairo);
    cairo_set_source_rgb(f->cairo, 0.8, 0.8, 0.8);
    cairo_set_line_width(f->cairo, 0.7);
    cairo_stroke(f->cairo);
    for (int i = 0; i < count; i++) {
        const double y = top + 4.0 + (i + 0.5) * row;
        set_color(f, colors[i]);
        if (lines) {
            cairo_set_line_width(f->cairo, 2.0);
            cairo_move_to(f->cairo, left + 8.0, y);
            cairo_line_to(f->cairo, left + 26.0, y);
            cairo_stroke(f->cairo);
        } else {
            cairo_arc(f->cairo, left + 17.0, y, 3.0, 0.0, 2.0 * pi);
            cairo_fill(f->cairo);
        }
        text(f, left + 32.0, y, 0.0, 0.55, font_label, 0.0, 0, labels[i]);
        cairo_new_path(f->cairo);
    }
}

/* Pixels as a surface; a failed one draws nothing. */
static cairo_surface_t *image_surface(int height, int width, int channels, const unsigned char *pixels)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *bytes = cairo_image_surface_get_data(image);
    const int stride = cairo_image_surface_get_stride(image);

    for (int y = 0; bytes && y < height; y++)
        for (int x = 0; x < width; x++) {
            const unsigned char *p = pixels + ((ptrdiff_t)y * width + x) * channels;
            const uint32_t rgb = channels == 3 ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : p[0] * UINT32_C(0x10101);
            memcpy(bytes + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4, &rgb, sizeof rgb);
        }
    cairo_surface_mark_dirty(image);
    return image;
}

void nfplot_image(nfplot *f, double left, double top, int zoom, int height, int width, int channels, const unsigned char *pixels)
{
    const double scale = f->svg ? zoom / pixels_point : zoom;
    cairo_surface_t *image = image_surface(height, width, channels, pixels);

    cairo_save(f->cairo);
    cairo_user_to_device(f->cairo, &left, &top);
    cairo_identity_matrix(f->cairo);
    cairo_translate(f->cairo, floor(left + 0.5), floor(top + 0.5)); /* pixels stay squares */
    cairo_scale(f->cairo, scale, scale);
    cairo_set_source_surface(f->cairo, image, 0.0, 0.0);
    cairo_pattern_set_filter(cairo_get_source(f->cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(f->cairo);
    cairo_restore(f->cairo);
    cairo_surface_destroy(image);
}

void nfplot_text(nfplot *f, double x, double y, const char *string)
{
    text(f, x, y, 0.0, 0.55, font_label, 0.0, 0, string);
    cairo_new_path(f->cairo);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* low and high of column j, trimmed and widened. */
static void column_range(int64_t n, const double *xy, int j, double trim, double *sorted, double *low, double *high)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(xy[2 * i + j])) sorted[count++] = xy[2 * i + j];
    *low = 0.0;
    *high = 1.0;
    if (count == 0) return;
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    const int64_t cut = (int64_t)(trim * (double)(count - 1));
    const double a = sorted[cut], b = sorted[count - 1 - cut], margin = b > a ? 0.1 * (b - a) : 0.5;
    *low = a - margin;
    *high = b + margin;
}

nfplot_range nfplot_range_of(int64_t n, const double *xy, double trim)
{
    nfplot_range r = { 0.0, 1.0, 0.0, 1.0 };
    double *sorted = n > 0 ? malloc((size_t)n * sizeof *sorted) : NULL;

    if (!sorted) return r;
    column_range(n, xy, 0, trim, sorted, &r.x0, &r.x1);
    column_range(n, xy, 1, trim, sorted, &r.y0, &r.y1);
    free(sorted);
    return r;
}
