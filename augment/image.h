/* Images in memory: eight bits a channel, channels interleaved, one (grey) or three (RGB). */
#ifndef AUGMENT_IMAGE_H
#define AUGMENT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/isa.h"

enum { SLC_MAX_SIDE = 65535 };

/* A value: a view of pixels that somebody else owns (an arena, a map, a batch).
 * Pixel (x, y), channel c: px[y * stride + x * channels + c]. */
typedef struct slc_image {
    uint8_t *px;
    size_t w, h, channels, stride;
} slc_image;

typedef struct slc_rect {
    size_t x, y, w, h;
} slc_rect;

/* What one worker thread owns while it makes samples: memory that is given up after each
 * sample, and the instruction set its kernels may use. decoder is borrowed and serves the op
 * jpeg; without one (NULL) each of its calls makes its own. Threads: one at a time. */
typedef struct slc_work {
    slc_arena arena;
    slc_isa isa;
    struct slc_decoder *decoder;
} slc_work;

/* Pixels from the arena, rows padded to 64 bytes with 64 more behind the last (kernels may
 * read, not trust, that far). Errors: SLC_ENOMEM; SLC_ELIMIT if a side is 0 or over SLC_MAX_SIDE. */
SLC_API SLC_CHECKED slc_status slc_image_alloc(slc_image *out, slc_arena *arena, size_t w,
                                               size_t h, size_t channels, slc_err *err);

/* The part of an image inside rect, which must lie within it: a view, no copy. */
SLC_API slc_image slc_image_part(const slc_image *image, slc_rect rect);

#endif
