/* Geometric resampling in two halves: rows of input positions, and samplers that look there.
 *
 * Positions are in units of 1 / 2048 px, rounded down; the centre of pixel (x, y) is at
 * (x + 0.5, y + 0.5), as in Pillow's Image.transform. A position outside [0, w) x [0, h) gives
 * the fill colour. All variants of a function give the same bytes.
 *
 * Agreement with Pillow 9.4: nearest is bit-exact (its 16.16 fixed point for affine maps, its
 * doubles for perspective); bilinear and bicubic are at most 1 level off, because Pillow
 * interpolates in double at unrounded positions. */
#ifndef AUGMENT_KERNEL_WARP_H
#define AUGMENT_KERNEL_WARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

enum { SLC_WARP_BITS = 11, SLC_WARP_ONE = 1 << SLC_WARP_BITS };

/* What a sampler looks at, and what it shows outside. */
typedef struct slc_warp_source {
    const uint8_t *px;
    size_t w, h, channels, stride;
    uint8_t fill[3];
} slc_warp_source;

/* Positions of the n output pixels of row y under the projective map a. */
typedef void slc_warp_rows_fn(int32_t *xs, int32_t *ys, const double a[3][3], size_t y,
                              size_t n);
slc_warp_rows_fn slc_warp_affine_c, slc_warp_perspective_c;
slc_warp_rows_fn slc_warp_affine_avx2, slc_warp_perspective_avx2;
extern slc_warp_rows_fn *const slc_warp_affine[SLC_ISA_COUNT];
extern slc_warp_rows_fn *const slc_warp_perspective[SLC_ISA_COUNT];

/* Nearest under an affine map, whole image, in Pillow's three manners: pure scalings by
 * repeated addition of doubles, small images in 16.16 fixed point, others in double. columns:
 * out_w numbers of scratch. */
void slc_warp_affine_nearest(const slc_warp_source *in, const double a[3][3],
                             uint8_t *out, size_t out_stride, size_t out_w, size_t out_h,
                             int32_t *columns);

/* One row of n px from positions. */
typedef void slc_warp_sample_fn(uint8_t *dst, const slc_warp_source *in,
                                const int32_t *xs, const int32_t *ys, size_t n);
slc_warp_sample_fn slc_sample_nearest_c, slc_sample_bilinear_c, slc_sample_bicubic_c;
slc_warp_sample_fn slc_sample_bilinear_avx2, slc_sample_bicubic_avx2;
extern slc_warp_sample_fn *const slc_sample_nearest[SLC_ISA_COUNT];
extern slc_warp_sample_fn *const slc_sample_bilinear[SLC_ISA_COUNT];
extern slc_warp_sample_fn *const slc_sample_bicubic[SLC_ISA_COUNT];

#endif
