/* SPDX-License-Identifier: MIT
 *
 * conv_image.h - the neighbours of an image's pixels: gathered side by side, or scattered back, in either precision
 */
#ifndef NFI_NETS_CONV_IMAGE_H
#define NFI_NETS_CONV_IMAGE_H

#include <string.h>

#include "core/real.h"
#include "nets/conv_shape.h"

/* Rearranging. Pixel (y, x) has neighbours t = 3 (dy + 1) + dx + 1 at (y + dy, x + dx). */

struct conv_side { /* images whose pixels are rearranged */
    int64_t height, width, channels, ld; /* ld: elements of a pixel */
};
struct conv_at { /* a pixel of a row of images */
    int64_t p, y, x;
};

static inline struct conv_at conv_start(const struct conv_side *m, int64_t p)
{
    const int64_t in_image = p % (m->height * m->width);
    return (struct conv_at){ .p = p, .y = in_image / m->width, .x = in_image % m->width };
}
static inline void conv_next(const struct conv_side *m, struct conv_at *at)
{
    at->p++;
    if (++at->x < m->width) return;
    at->x = 0;
    if (++at->y == m->height) at->y = 0;
}
static inline bool conv_is_inner(const struct conv_side *m, const struct conv_at *at)
{
    return at->y > 0 && at->y + 1 < m->height && at->x > 0 && at->x + 1 < m->width;
}
static inline bool conv_beyond(const struct conv_side *m, const struct conv_at *at, int64_t t)
{
    const int64_t y = at->y + t / 3 - 1, x = at->x + t % 3 - 1;
    return y < 0 || y >= m->height || x < 0 || x >= m->width;
}

/* In steps of 16 bytes: may touch up to 15 bytes beyond. */
static inline void conv_copy(int64_t count, const real *from, real *to)
{
    const int64_t step = 16 / (int64_t)sizeof(real);
    for (int64_t j = 0; j < count; j += step) memcpy(to + j, from + j, 16);
}

/* to [9][channels] = the neighbours of a pixel, zeros beyond the border. What a copy writes beyond its end is overwritten by the next. */
static inline void conv_neighbours(const struct conv_side *m, const struct conv_at *at, const real *images, real *to)
{
    const bool inner = conv_is_inner(m, at);
    const real *pixel = images + at->p * m->ld;

    for (int64_t dy = -1; dy <= 1 && inner && m->ld == m->channels; dy++, to += 3 * m->channels)
        conv_copy(3 * m->channels, pixel + (dy * m->width - 1) * m->ld, to);
    if (inner && m->ld == m->channels) return;
    for (int64_t t = 0; t < CONV_TAPS; t++, to += m->channels) {
        if (!inner && conv_beyond(m, at, t))
            memset(to, 0, (size_t)m->channels * sizeof *to);
        else
            memcpy(to, pixel + ((t / 3 - 1) * m->width + t % 3 - 1) * m->ld, (size_t)m->channels * sizeof *to);
    }
}

/* to [count][ld_to] = the neighbours of pixels [first, first + count). */
static inline void conv_gather(const struct conv_side *m, const real *images, int64_t first, int64_t count, real *to, int64_t ld_to)
{
    struct conv_at at = conv_start(m, first);
    for (int64_t i = 0; i < count; i++, conv_next(m, &at)) conv_neighbours(m, &at, images, to + i * ld_to);
}

static inline void conv_add(int64_t count, const real *restrict from, real *restrict to)
{
    for (int64_t j = 0; j < count; j++) to[j] += from[j];
}

/* images(p + t) += from[p][t] for pixels [first, first + count): the transpose of gather. */
static inline void conv_scatter(const struct conv_side *m, real *images, int64_t first, int64_t count, const real *from, int64_t ld_from)
{
    struct conv_at at = conv_start(m, first);
    for (int64_t i = 0; i < count; i++, conv_next(m, &at), from += ld_from) {
        const int64_t low = at.x > 0 ? -1 : 0, high = at.x + 1 < m->width ? 1 : 0;
        for (int64_t dy = at.y > 0 ? -1 : 0; dy <= 1 && at.y + dy < m->height; dy++) {
            const real *row = from + (3 * (dy + 1) + 1) * m->channels;
            real *to = images + (at.p + dy * m->width) * m->ld;
            if (m->ld == m->channels)
                conv_add((high - low + 1) * m->channels, row + low * m->channels, to + low * m->ld);
            else
                for (int64_t dx = low; dx <= high; dx++) conv_add(m->channels, row + dx * m->channels, to + dx * m->ld);
        }
    }
}

#endif
