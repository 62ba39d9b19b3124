/* SPDX-License-Identifier: MIT
 *
 * pictures.c - PNG files as rows: one file, or a folder with one row for each
 */
#include <string.h>

#include "core/status.h"
#include "data/array.h"
#include "data/folder.h"
#include "data/picture.h"

bool nfi_png_has_magic(const char *bytes, int64_t size) { return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0; }

bool nfi_png_recognise(const char *bytes, int64_t size, bool named) { return named || nfi_png_has_magic(bytes, size); }

void nfi_picture_free(nfi_picture *p, nf_context *context)
{
    nfi_free(context, p->pixels, p->height * p->width * p->channels, 1);
    *p = (nfi_picture){0};
}

/* n pictures of the same shape, one behind the other. */
static nf_status read_pixels(const nfi_source *source, int64_t n, const nfi_picture *p, nfi_table *out)
{
    const nfi_array array = {.data = p->pixels, .present = n * p->height * p->width * p->channels, .type = nfi_number_type_find("u1"),
                             .axes = 4, .shape = {n, p->height, p->width, p->channels}};
    return nfi_array_read(source, &array, out);
}

static nf_status read_one(const nfi_source *source, nfi_table *out)
{
    nfi_picture picture = {0};
    nf_status status = nfi_png_read(source, &picture);
    if (status >= 0)
        status = read_pixels(source, 1, &picture, out);
    nfi_picture_free(&picture, source->context);
    return status;
}

/* ---- folders --------------------------------------------------------------------------------------------------- */

/* The rows of a folder as they come. */
typedef struct gallery {
    const nfi_source *source;
    nfi_listing listing;
    int64_t rows;     /* to read */
    nfi_buffer file;  /* the file at hand */
    nfi_picture all;  /* the shape of the first, and room for all of them */
    int64_t size;     /* bytes of one */
} gallery;

static nf_status read_picture(gallery *g, int64_t i, nfi_picture *picture)
{
    nfi_source file = *g->source;
    file.name = g->listing.entries[i].path;
    file.folder = false;
    const nf_status status = nfi_source_read(&file, &g->file, NULL);
    file.bytes = g->file.bytes;
    file.size = g->file.size;
    return status < 0 ? status : nfi_png_read(&file, picture);
}

/* Room for all rows of the shape of the first, when a dataset of them is allowed. */
static nf_status make_room(gallery *g, const nfi_picture *first)
{
    nf_status status = NF_OK;
    g->size = first->height * first->width * first->channels;
    status = nfi_dataset_check_sizes(g->source->context, g->source->function, g->rows, g->size, 0);
    if (status < 0)
        return status;
    unsigned char *pixels = nfi_alloc(g->source->context, g->rows, g->size, &status);
    if (pixels == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    g->all = (nfi_picture){.height = first->height, .width = first->width, .channels = first->channels, .pixels = pixels};
    return NF_OK;
}

static nf_status check_shape(const gallery *g, int64_t i, const nfi_picture *p)
{
    const nfi_picture *first = &g->all;
    if (p->height == first->height && p->width == first->width && p->channels == first->channels)
        return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: %s is %lld x %lld x %lld, %s is %lld x %lld x %lld: all pictures of a folder are of one size",
                    g->source->function, g->listing.entries[i].path, (long long)p->height, (long long)p->width, (long long)p->channels,
                    g->listing.entries[0].path, (long long)first->height, (long long)first->width, (long long)first->channels);
}

static nf_status add_picture(gallery *g, int64_t i)
{
    nfi_picture picture = {0};
    nf_status status = read_picture(g, i, &picture);
    if (status >= 0 && i == 0)
        status = make_room(g, &picture);
    if (status >= 0)
        status = check_shape(g, i, &picture);
    if (status >= 0)
        memcpy(g->all.pixels + i * g->size, picture.pixels, (size_t)g->size);
    nfi_picture_free(&picture, g->source->context);
    return status;
}

static nf_status read_labels(const gallery *g, nfi_table *out)
{
    nf_status status = NF_OK;
    out->rows = g->listing.n;
    out->classes = g->listing.classes;
    if (out->classes == 0)
        return NF_OK;
    out->labels = nfi_alloc(g->source->context, g->rows, sizeof *out->labels, &status);
    if (out->labels == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    for (int64_t i = 0; i < g->rows; i++)
        out->labels[i] = g->listing.entries[i].label;
    return NF_OK;
}

static nf_status read_folder(const nfi_source *source, nfi_table *out)
{
    nf_context *context = source->context;
    gallery g = {.source = source};
    nf_status status = nfi_folder_list(source, &g.listing);
    g.rows = nfi_rows_wanted(source, g.listing.n);
    for (int64_t i = 0; status >= 0 && i < g.rows; i++)
        status = add_picture(&g, i);
    if (status >= 0)
        status = read_pixels(source, g.rows, &g.all, out);
    if (status >= 0)
        status = read_labels(&g, out);
    nfi_free(context, g.all.pixels, g.rows, g.size);
    nfi_buffer_free(&g.file, context);
    nfi_folder_free(&g.listing, context);
    return status;
}

nf_status nfi_images_read(const nfi_source *source, nfi_table *out)
{
    return source->folder ? read_folder(source, out) : read_one(source, out);
}
