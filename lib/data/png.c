/* SPDX-License-Identifier: MIT
 *
 * png.c - the pixels of a PNG file, by libpng
 *
 * Not by its simplified interface: that one corrects colours, and takes its memory from malloc. What libpng may do is bounded before it
 * starts: our own look at the first chunk refuses sizes that the file cannot hold, and chunks that no pixel depends on are never read.
 * libpng leaves by longjmp, so that all that has to survive stands in one struct behind a pointer.
 */
#include "data/picture.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"

enum {
    HEADER = 33,          /* signature, and the chunk IHDR with its length and CRC */
    IHDR = 8,             /* where it starts */
    REASON = 64,          /* characters of libpng's message */
    MOST_EXPANSION = 1032, /* bytes that one byte of deflate can become */
    MOST_CHUNK = 1 << 16  /* bytes of a chunk other than pixels: a palette has 768 */
};

typedef struct decoder {
    const nfi_source *source;
    int64_t at; /* bytes that libpng has taken */
    png_structp png;
    png_infop info;
    nfi_picture picture;
    bool out_of_memory;
    char reason[REASON];
    jmp_buf failed;
} decoder;

/* ---- what libpng calls ----------------------------------------------------------------------------------------- */

static void *decoder_alloc(png_structp png, png_alloc_size_t size)
{
    decoder *d = png_get_mem_ptr(png);
    void *block = size <= (png_alloc_size_t)INT64_MAX ? nfi_block_alloc(d->source->context, (int64_t)size) : NULL;
    d->out_of_memory = d->out_of_memory || block == NULL;
    return block;
}

static void decoder_free(png_structp png, void *block)
{
    const decoder *d = png_get_mem_ptr(png);
    nfi_block_free(d->source->context, block);
}

static void decoder_error(png_structp png, const char *message)
{
    decoder *d = png_get_error_ptr(png);
    (void)snprintf(d->reason, sizeof d->reason, "%s", message);
    longjmp(d->failed, 1);
}

static void decoder_warning(png_structp png, const char *message) { (void)png, (void)message; }

static void decoder_read(png_structp png, png_bytep to, size_t size)
{
    decoder *d = png_get_io_ptr(png);
    if ((int64_t)size > d->source->size - d->at) {
        d->at = d->source->size;
        png_error(png, "the file ends there");
    }
    memcpy(to, d->source->bytes + d->at, size);
    d->at += (int64_t)size;
}

/* ---- the first chunk ------------------------------------------------------------------------------------------- */

static int64_t load_u32(const unsigned char *b) { return (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | b[3]; }

static int64_t channels_of(unsigned colour)
{
    static const unsigned char channels[] = {1, 0, 3, 3, 2, 0, 4}; /* by colour type; a palette (3) gives 3, or 4 with tRNS */
    return colour < sizeof channels ? channels[colour] : 0;
}

/* The claims of IHDR against the limits and against the bytes that are there. */
static nf_status check_header(const nfi_source *source)
{
    const unsigned char *b = (const unsigned char *)source->bytes;
    if (!nfi_png_has_magic(source->bytes, source->size))
        return nfi_fail(NF_ERR_FORMAT, "%s: %s is no PNG file: it does not start with \\x89PNG", source->function, source->name);
    if (source->size < HEADER || memcmp(b + IHDR, "\0\0\0\x0dIHDR", 8) != 0)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s: no IHDR in the first %d bytes (the file has %lld)", source->function, source->name, HEADER,
                        (long long)source->size);
    const int64_t width = load_u32(b + 16), height = load_u32(b + 20), bits = b[24], channels = channels_of(b[25]);
    const int64_t limit = nfi_context_config(source->context)->max_dim;
    int64_t pixels = 0, values = 0;
    if (channels == 0 || bits == 16)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s has colour type %d with %lld bits, read are 0, 2, 3, 4 and 6 with up to 8", source->function,
                        source->name, b[25], (long long)bits);
    if (!nfi_mul(width, height, &pixels) || !nfi_mul(pixels, channels, &values) || values > limit)
        return nfi_fail(NF_ERR_LIMIT, "%s: %s is %lld x %lld x %lld, the context allows %lld values (max_dim)", source->function, source->name,
                        (long long)height, (long long)width, (long long)channels, (long long)limit);
    if (pixels / 8 / MOST_EXPANSION > source->size) /* one bit a pixel at least */
        return nfi_fail(NF_ERR_FORMAT, "%s: %s claims %lld x %lld pixels, its %lld bytes cannot hold them", source->function, source->name,
                        (long long)height, (long long)width, (long long)source->size);
    return NF_OK;
}

/* ---- decoding -------------------------------------------------------------------------------------------------- */

static void set_up(decoder *d)
{
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, decoder_error, decoder_warning, d, decoder_alloc, decoder_free);
    if (d->png == NULL)
        longjmp(d->failed, 1);
    d->info = png_create_info_struct(d->png);
    if (d->info == NULL)
        png_error(d->png, "out of memory");
    png_set_read_fn(d->png, d, decoder_read);
    png_set_user_limits(d->png, 0x7fffffff, 0x7fffffff); /* check_header has the limits */
    png_set_chunk_malloc_max(d->png, MOST_CHUNK);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all but IHDR PLTE tRNS IDAT IEND */
    png_set_benign_errors(d->png, 0);
    png_set_crc_action(d->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT); /* else a damaged tRNS would be left out in silence */
}

/* 8 bits, no palette, no transparent colour; the shape after that. */
static void read_shape(decoder *d)
{
    png_read_info(d->png, d->info);
    if (png_get_color_type(d->png, d->info) == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(d->png);
    if (png_get_bit_depth(d->png, d->info) < 8)
        png_set_expand_gray_1_2_4_to_8(d->png);
    if (png_get_valid(d->png, d->info, PNG_INFO_tRNS) != 0)
        png_set_tRNS_to_alpha(d->png);
    (void)png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    d->picture.height = png_get_image_height(d->png, d->info);
    d->picture.width = png_get_image_width(d->png, d->info);
    d->picture.channels = png_get_channels(d->png, d->info);
}

static void read_pixels(decoder *d)
{
    const int64_t row = d->picture.width * d->picture.channels;
    d->picture.pixels = nfi_alloc(d->source->context, d->picture.height, row, NULL);
    if (d->picture.pixels == NULL) {
        d->out_of_memory = true;
        png_error(d->png, "out of memory");
    }
    const bool interlaced = png_get_interlace_type(d->png, d->info) != PNG_INTERLACE_NONE;
    for (int pass = 0; pass < (interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1); pass++)
        for (int64_t i = 0; i < d->picture.height; i++)
            png_read_row(d->png, d->picture.pixels + i * row, NULL);
    png_read_end(d->png, NULL);
}

/* False: libpng gave up, or memory was refused for something that it can do without. */
static bool decode(decoder *d)
{
    if (setjmp(d->failed) != 0)
        return false;
    set_up(d);
    read_shape(d);
    read_pixels(d);
    return !d->out_of_memory;
}

static nf_status fail_decode(const decoder *d)
{
    const nfi_source *source = d->source;
    if (d->out_of_memory)
        return nfi_fail(NF_ERR_MEMORY, "%s: %s: out of memory while unpacking", source->function, source->name);
    if (d->png == NULL)
        return nfi_fail(NF_ERR_UNSUPPORTED, "%s: the libpng found here does not fit the one built for (%s)", source->function,
                        PNG_LIBPNG_VER_STRING);
    return nfi_fail(NF_ERR_CORRUPT, "%s: %s is damaged before byte %lld: %s", source->function, source->name, (long long)d->at, d->reason);
}

nf_status nfi_png_read(const nfi_source *source, nfi_picture *picture)
{
    decoder d = {.source = source};
    nf_status status = check_header(source);
    if (status < 0)
        return status;
    status = decode(&d) ? NF_OK : fail_decode(&d);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    if (status >= 0 && d.at != source->size)
        status = nfi_fail(NF_ERR_FORMAT, "%s: %s: the picture ends at byte %lld of %lld", source->function, source->name, (long long)d.at,
                          (long long)source->size);
    *picture = d.picture;
    if (status < 0)
        nfi_picture_free(picture, source->context);
    return status;
}
