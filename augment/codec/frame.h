/* What all decoders share: limits, the part of the file's picture that is wanted, EXIF
 * orientation, and the way from the file's channels to ours. */
#ifndef AUGMENT_CODEC_FRAME_H
#define AUGMENT_CODEC_FRAME_H

#include "augment/codec.h"

/* The limits with their defaults filled in. */
slc_limits slc_limits_or_default(const slc_limits *limits);

/* Refuses empty pictures and those over the limits. Errors: SLC_EFORMAT, SLC_ELIMIT. */
slc_status slc_check_size(const char *format, size_t w, size_t h,
                          const slc_limits *limits, slc_err *err);

/* The Orientation tag (1 to 8) of a TIFF structure as in EXIF; 1 if there is none. */
unsigned slc_exif_orientation(const uint8_t *tiff, size_t size);

/* What is wanted, in the file's own coordinates (before orientation). */
typedef struct slc_frame {
    size_t w, h;          /* the whole picture */
    unsigned orientation; /* still to be applied; 1 if ignored */
    slc_rect region;
    size_t least_w, least_h;
    size_t channels; /* of the result: 1 or 3 */
} slc_frame;

/* Fills frame from the stored size, the file's channels and orientation, and the wishes.
 * Errors: SLC_EINVAL if the region does not lie in the picture. */
slc_status slc_frame_make(slc_frame *out, size_t w, size_t h, unsigned file_channels,
                          unsigned orientation, const slc_decode *how, slc_err *err);

/* The oriented copy of a picture, in the arena; orientation 1 gives back a view of it. */
slc_status slc_image_orient(slc_image *out, const slc_image *stored, unsigned orientation,
                            slc_arena *arena, slc_err *err);

/* Whether an orientation exchanges width and height. */
bool slc_orientation_swaps(unsigned orientation);

/* One row of n pixels from 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels to 1 or 3.
 * Alpha is composited over background, rounded to nearest; RGB becomes grey by Pillow's
 * (19595 R + 38470 G + 7471 B + 32768) >> 16. src and dst must not overlap. */
void slc_row_convert(uint8_t *dst, size_t dst_channels, const uint8_t *src,
                     size_t src_channels, size_t n, const uint8_t background[3]);

#endif
