/* SPDX-License-Identifier: MIT
 *
 * images.c - rows that are images, and grids of them
 *
 * Images stand side by side with a margin around each, every pixel drawn as a square of zoom x zoom; blocks have a wider margin
 * between them. The ground is white.
 */
#include "images.h"
#include "common.h"
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN = 2,
    BLOCK_MARGIN = 8,  /* added between blocks */
    TARGET = 56,       /* pixels that a side of an image has at least, when zoom is chosen */
    MOST_SIDE = 65535, /* pixels of the picture: what viewers take */
    WHITE = 255
};
static const double MOST_PIXELS = 4e8;
static const int64_t MOST_IMAGES = 1000000;

#define SHAPE_OPTION(member, help_)                                                                                            \
    { .name = #member, .help = help_, .kind = NF_FIELD_I64, .offset = (uint32_t)offsetof(image_options, shape.member), .min = 1, .max = 65536 }
static const nf_field image_fields[] = {
    SHAPE_OPTION(height, "height of the images, when nothing else tells it"),
    SHAPE_OPTION(width, "their width"),
    SHAPE_OPTION(channels, "their channels: 1 grey, 3 red, green and blue"),
    OPTION_RANGE(image_options, zoom, NF_FIELD_I64, 0, 1, 64, "PNG pixels for one of an image's (default: by its size)"),
    OPTION_RANGE(image_options, columns, NF_FIELD_I64, 0, 1, 65536, "images in a line (default: as many as lines)"),
};

option_group image_group(image_options *o, const char *skip)
{
    return (option_group){ .title = "Images", .target = o, .fields = image_fields,
                           .n_fields = sizeof image_fields / sizeof *image_fields, .skip = skip };
}

int image_path(const char *path)
{
    const size_t n = path ? strlen(path) : 0;

    return n >= 4 && strcmp(path + n - 4, ".png") == 0;
}

/* The options' shape where they give one, `told` elsewhere. */
static int choose_shape(const command *self, int64_t dim, const image_options *o, image_shape told, image_shape *shape)
{
    *shape = (image_shape){ o->shape.height ? o->shape.height : told.height, o->shape.width ? o->shape.width : told.width,
                            o->shape.channels ? o->shape.channels : told.channels };
    if (!shape->height && !shape->width && !shape->channels) return CODE_OK;
    if (!shape->height || !shape->width) return tool_usage(self, "--height and --width belong together");
    if (!shape->channels) shape->channels = 1;
    if (shape->height * shape->width * shape->channels == dim) return CODE_OK;
    return tool_usage(self, "images of %lld x %lld with %lld channels have %lld values, a row has %lld columns", (long long)shape->height,
                      (long long)shape->width, (long long)shape->channels, (long long)(shape->height * shape->width * shape->channels),
                      (long long)dim);
}

int tool_image_shape(const command *self, const nf_dataset *data, const image_options *o, image_shape *shape)
{
    image_shape told = { 0, 0, 0 };
    const nf_status status = nf_dataset_image_shape(data, &told.height, &told.width, &told.channels);

    return status < 0 ? tool_library_failed(status) : choose_shape(self, nf_dataset_dim(data), o, told, shape);
}

int tool_model_image_shape(const command *self, const nf_flow *flow, const image_options *o, image_shape *shape)
{
    image_shape told = { 0, 0, 0 };
    const nf_status status = nf_flow_image_shape(flow, &told.height, &told.width, &told.channels);

    return status < 0 ? tool_library_failed(status) : choose_shape(self, nf_flow_dim(flow), o, told, shape);
}

/* A picture being drawn. */
typedef struct canvas {
    const image_grid *grid;
    int64_t columns, zoom, lines; /* lines of a block */
    int64_t height, width;        /* pixels */
    unsigned char *pixels;        /* [height][width][channels] */
} canvas;

static int64_t at_least_1(int64_t value)
{
    return value < 1 ? 1 : value;
}

static canvas canvas_of(const image_grid *g)
{
    const int64_t longest = g->shape.height > g->shape.width ? g->shape.height : g->shape.width;
    canvas c = { .grid = g, .columns = g->columns, .zoom = g->zoom };

    if (!c.zoom) c.zoom = at_least_1((TARGET + longest - 1) / longest);
    while (!g->columns && c.columns * c.columns < g->block) c.columns++;
    if (c.columns > g->block) c.columns = at_least_1(g->block);
    c.lines = (g->block + c.columns - 1) / c.columns;
    c.width = c.columns * (g->shape.width * c.zoom + MARGIN) + MARGIN;
    c.height = g->blocks * c.lines * (g->shape.height * c.zoom + MARGIN) + MARGIN + (g->blocks - 1) * BLOCK_MARGIN;
    return c;
}

static unsigned char pixel(double value)
{
    if (!(value > 0.0)) return 0; /* NaN too */
    return value >= 255.0 ? 255 : (unsigned char)(value + 0.5);
}

/* The image x with its upper left corner at (top, left). */
static void draw_image(const canvas *c, int64_t top, int64_t left, const double *x)
{
    const image_shape *s = &c->grid->shape;

    for (int64_t i = 0; i < s->height * c->zoom; i++) {
        unsigned char *line = c->pixels + ((top + i) * c->width + left) * s->channels;
        for (int64_t j = 0; j < s->width * c->zoom; j++)
            for (int64_t k = 0; k < s->channels; k++)
                line[j * s->channels + k] = pixel(x[(i / c->zoom * s->width + j / c->zoom) * s->channels + k]);
    }
}

static void draw(const canvas *c, const double *x)
{
    const image_grid *g = c->grid;
    const int64_t dim = g->shape.height * g->shape.width * g->shape.channels;

    memset(c->pixels, WHITE, (size_t)(c->height * c->width * g->shape.channels));
    for (int64_t b = 0; b < g->blocks; b++)
        for (int64_t i = 0; i < g->block; i++) {
            const int64_t line = b * c->lines + i / c->columns, column = i % c->columns;
            draw_image(c, MARGIN + line * (g->shape.height * c->zoom + MARGIN) + b * BLOCK_MARGIN,
                       MARGIN + column * (g->shape.width * c->zoom + MARGIN), x + (b * g->block + i) * dim);
        }
}

/* The file is a table_writer's: it gets its name when it is complete. */
static int write_canvas(const char *path, const canvas *c)
{
    table_writer out;
    const char *wrong;
    int code = table_open(&out, path, 0, 0, NF_F32);

    if (code) return code;
    wrong = image_file_write(out.file, c->height, c->width, c->grid->shape.channels, c->pixels);
    code = wrong ? tool_fail("%s: %s", path, wrong) : table_close(&out);
    table_discard(&out);
    return code;
}

int image_grid_check(const command *self, const image_grid *grid)
{
    if (image_file_refusal()) return tool_fail("%s", image_file_refusal());
    if (grid->shape.channels != 1 && grid->shape.channels != 3)
        return tool_usage(self, "images have %lld channels; a PNG takes 1 or 3", (long long)grid->shape.channels);
    if (grid->blocks < 1 || grid->block < 1 || grid->block > MOST_IMAGES / grid->blocks)
        return tool_usage(self, "a picture takes 1 to %lld images", (long long)MOST_IMAGES);
    const canvas c = canvas_of(grid);
    if (c.width <= MOST_SIDE && c.height <= MOST_SIDE && (double)c.width * (double)c.height <= MOST_PIXELS) return CODE_OK;
    return tool_usage(self, "the picture would have %lld x %lld pixels, at most %d a side and 4e8 in all; draw fewer images or set --zoom",
                      (long long)c.height, (long long)c.width, MOST_SIDE);
}

int image_grid_write(const char *path, const image_grid *grid, const double *x)
{
    canvas c = canvas_of(grid);
    int code;

    c.pixels = malloc((size_t)(c.height * c.width * grid->shape.channels));
    if (!c.pixels) return tool_fail("out of memory");
    draw(&c, x);
    code = write_canvas(path, &c);
    free(c.pixels);
    return code;
}

int lines_check(const command *self, const nf_flow *flow, const char *path, const image_options *o, int64_t lines, int64_t columns,
                image_grid *grid)
{
    int code;

    *grid = (image_grid){ .blocks = 1, .block = lines * columns, .columns = columns, .zoom = o->zoom };
    if (!image_path(path)) return CODE_OK;
    if ((code = tool_model_image_shape(self, flow, o, &grid->shape))) return code;
    if (!grid->shape.height)
        return tool_usage(self, "the model does not tell the shape of its images: give --height, --width and --channels");
    return image_grid_check(self, grid);
}

int lines_write(const nf_flow *flow, const char *path, const image_grid *grid, const double *x)
{
    table_writer out;
    int code;

    if (image_path(path)) return image_grid_write(path, grid, x);
    if ((code = table_open(&out, path, grid->block, nf_flow_dim(flow), nf_flow_dtype(flow)))) return code;
    code = table_write(&out, grid->block, x);
    if (!code) code = table_close(&out);
    table_discard(&out);
    return code;
}
