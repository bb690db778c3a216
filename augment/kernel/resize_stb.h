/* Resizing by stb_image_resize 0.97: the filters that Pillow does not have, and filtering in
 * linear light. In float inside; always antialiased when shrinking. */
#ifndef AUGMENT_KERNEL_RESIZE_STB_H
#define AUGMENT_KERNEL_RESIZE_STB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { SLC_STB_MAX_SIDE = 16384 }; /* its time grows with the product of both lengths */

typedef enum slc_stb_filter {
    SLC_STB_BOX,
    SLC_STB_TRIANGLE,
    SLC_STB_CUBIC_BSPLINE,
    SLC_STB_CATMULL_ROM,
    SLC_STB_MITCHELL
} slc_stb_filter;

typedef struct slc_stb_image {
    uint8_t *px;
    size_t w, h, stride;
} slc_stb_image;

/* The part box (x0, y0, x1, y1 in px) of in becomes all of out. linear_light: sRGB is decoded
 * before and encoded after. Scratch comes from arena. False if memory ran out or a side is
 * over SLC_STB_MAX_SIDE. */
bool slc_resize_stb(const slc_stb_image *out, const slc_stb_image *in,
                    const double box[4], size_t channels, slc_stb_filter filter,
                    bool linear_light, slc_arena *arena);

#endif
