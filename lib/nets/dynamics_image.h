/* SPDX-License-Identifier: MIT
 *
 * dynamics_image.h - images in networks of time: where their pixels are, and the neighbours of some gathered or scattered
 *
 * In front of the network an image is one dense row, and so is each of its tangents. Between layers a pixel is a row, with its m
 * tangents side by side, as the passes of math/timed.h want them.
 */
#ifndef NFI_NETS_DYNAMICS_IMAGE_H
#define NFI_NETS_DYNAMICS_IMAGE_H

#include "nets/conv_image.h"

/* The images of a strip, or the m tangents of each. Tangent k of image i begins at  at + i image + k tangent,  its pixels side.ld apart. */
struct planes {
    struct conv_side side;
    real *at;
    int64_t m, image, tangent;
};

/* Pixels from `first` on that are in the same image, of `count`. */
static inline int64_t planes_part(const struct planes *p, int64_t first, int64_t count)
{
    const int64_t pixels = p->side.height * p->side.width;
    return nfi_min(count, pixels - first % pixels);
}
static inline real *planes_image(const struct planes *p, int64_t first, int64_t k)
{
    return p->at + first / (p->side.height * p->side.width) * p->image + k * p->tangent;
}

/* to [count][m][ld] = the neighbours of pixels [first, first + count) of the strip. */
static inline void planes_gather(const struct planes *p, int64_t first, int64_t count, real *to, int64_t ld)
{
    const int64_t pixels = p->side.height * p->side.width;
    for (int64_t part; count > 0; first += part, count -= part, to += part * p->m * ld) {
        part = planes_part(p, first, count);
        for (int64_t k = 0; k < p->m; k++)
            conv_gather(&p->side, planes_image(p, first, k), first % pixels, part, to + k * ld, p->m * ld);
    }
}

/* The transpose: adds `from` to the neighbours. */
static inline void planes_scatter(const struct planes *p, int64_t first, int64_t count, const real *from, int64_t ld)
{
    const int64_t pixels = p->side.height * p->side.width;
    for (int64_t part; count > 0; first += part, count -= part, from += part * p->m * ld) {
        part = planes_part(p, first, count);
        for (int64_t k = 0; k < p->m; k++)
            conv_scatter(&p->side, planes_image(p, first, k), first % pixels, part, from + k * ld, p->m * ld);
    }
}

#endif
