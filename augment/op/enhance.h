/* Pillow's ImageEnhance as row steps that several ops share: color_jitter, the four single
 * ops, photometric_distort. */
#ifndef AUGMENT_OP_ENHANCE_H
#define AUGMENT_OP_ENHANCE_H

#include "augment/op.h"

/* Image.blend(from, to, factor) of two bytes: from + factor * (to - from) in float32, cut
 * off towards zero and clamped. */
uint8_t slc_enhance_mix(uint8_t from, uint8_t to, float factor);

/* What each value becomes when it is blended with one level: brightness has level 0, contrast
 * the mean grey. */
void slc_enhance_table(uint8_t table[256], uint8_t level, double factor);

typedef enum slc_enhance_kind {
    SLC_ENHANCE_BRIGHTNESS,
    SLC_ENHANCE_CONTRAST,
    SLC_ENHANCE_SATURATION,
    SLC_ENHANCE_HUE,
    SLC_ENHANCE_COUNT
} slc_enhance_kind;

typedef struct slc_enhance {
    slc_enhance_kind kind;
    double amount; /* a factor; for hue, turns from -0.5 to 0.5 */
} slc_enhance;

/* Applies steps in order and in place, each with torchvision's roundings on PIL images, in as
 * few passes as the means of contrast allow. */
void slc_enhance_image(slc_image *image, const slc_enhance *steps, size_t count,
                       slc_isa isa);

/* Refuses a range [lo, hi] with lo > hi. */
slc_status slc_range_check(const char *name, const slc_reals *range, slc_err *err);

/* The same for slc_draw_around, whose one number must not be negative. */
slc_status slc_around_check(const char *name, const slc_reals *range, slc_err *err);

#endif
