/* The two passes of a separable 8-bit resize, bit for bit as Pillow 9.4: sums in 32-bit
 * integers of SLC_TAP_BITS fixed point, rounded to nearest, clamped, in bytes between passes.
 * Exact: every variant gives the same bytes. Nothing outside the given rows is read. */
#ifndef AUGMENT_KERNEL_RESIZE_H
#define AUGMENT_KERNEL_RESIZE_H

#include "augment/kernel/taps.h"
#include "base/isa.h"

/* rows of src, each at least in px wide, become rows of dst, taps->out px wide. channels 1 or
 * 3; bytes of a dst row behind its last pixel stay as they are. dst must not overlap src. */
typedef void slc_resize_across_fn(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                  size_t src_stride, size_t in, size_t rows,
                                  size_t channels, const slc_taps *taps);

/* One row of n bytes from count rows of src. quad: as in slc_taps. */
typedef void slc_resize_down_fn(uint8_t *dst, const uint8_t *src, size_t src_stride,
                                size_t n, const int32_t *coef, const uint32_t *quad,
                                size_t count);

slc_resize_across_fn slc_resize_across_c; /* the definitions */
slc_resize_down_fn slc_resize_down_c;
slc_resize_across_fn slc_resize_across_avx2, slc_resize_across_avx512;
slc_resize_down_fn slc_resize_down_avx2, slc_resize_down_avx512;

extern slc_resize_across_fn *const slc_resize_across[SLC_ISA_COUNT];
extern slc_resize_down_fn *const slc_resize_down[SLC_ISA_COUNT];

#endif
