/* Colour arithmetic on rows of RGB pixels, with Pillow's roundings. dst may be src.
 *
 *   grey       L = (19595 R + 38470 G + 7471 B + 32768) >> 16 (Pillow's convert("L"))
 *   grey_sum   the sum of L over the row
 *   grey3      L in all three channels
 *   saturate   Image.blend(L, pixel, factor)
 *   hue        RGB to 8-bit HSV, H + shift modulo 256, and back, as Pillow's conversions
 *   matrix     out[c] = clamp(floor(m[c][0] R + m[c][1] G + m[c][2] B + m[c][3] + 0.5)), in
 *              float32, summed left to right
 *   shift      is - was added to the three channels, clamped
 *
 * One body (tint_body.h), written without branches on blocks of 64 px for the compiler's
 * vectoriser, is compiled once for each instruction set; only the separation of the channels
 * is written by hand. Exact: no operation depends on the order of lanes, so every set gives
 * the same bytes. Pillow's double-precision hue formulas were compared with these float and
 * integer ones over all 2^24 colours and all (h, s, v): no difference (tests/augment). */
#ifndef AUGMENT_KERNEL_TINT_H
#define AUGMENT_KERNEL_TINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

typedef struct slc_tint {
    void (*grey)(uint8_t *dst, const uint8_t *src, size_t w);
    uint64_t (*grey_sum)(const uint8_t *src, size_t w);
    void (*grey3)(uint8_t *dst, const uint8_t *src, size_t w);
    void (*saturate)(uint8_t *dst, const uint8_t *src, size_t w, float factor);
    void (*hue)(uint8_t *dst, const uint8_t *src, size_t w, uint8_t shift);
    void (*matrix)(uint8_t *dst, const uint8_t *src, size_t w, const float m[3][4]);
    void (*shift)(uint8_t *dst, const uint8_t *src, const uint8_t *was, const uint8_t *is,
                  size_t w);
} slc_tint;

extern const slc_tint slc_tint_c; /* the definition */
extern const slc_tint slc_tint_avx2, slc_tint_avx512;

extern const slc_tint *const slc_tints[SLC_ISA_COUNT];

#endif
