/* Pixels moved without change: copies, the eight symmetries, borders. Exact. channels is 1 or
 * 3. dst and src must not overlap. */
#ifndef AUGMENT_KERNEL_MOVE_H
#define AUGMENT_KERNEL_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* dst(x) = src(w - 1 - x), one row of w px. */
typedef void slc_mirror_fn(uint8_t *dst, const uint8_t *src, size_t w, size_t channels);
slc_mirror_fn slc_mirror_c; /* the definition */
slc_mirror_fn slc_mirror_avx2;
extern slc_mirror_fn *const slc_mirror[SLC_ISA_COUNT];

/* dst(x, y) = src(y, x); src has w x h px, dst h x w. Strides may be negative: with dst at its
 * last row and a negative stride the result is upside down, too. */
typedef void slc_transpose_fn(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                              ptrdiff_t src_stride, size_t w, size_t h, size_t channels);
slc_transpose_fn slc_transpose_c; /* the definition */
slc_transpose_fn slc_transpose_avx2;
extern slc_transpose_fn *const slc_transpose[SLC_ISA_COUNT];

/* A row of n px of one colour. */
void slc_paint(uint8_t *dst, size_t n, size_t channels, const uint8_t fill[3]);

/* The position inside [0, n) that stands for position i outside: i clamped, reflected about
 * the border pixels' centres, or about the border itself; any distance. */
size_t slc_edge_at(ptrdiff_t i, size_t n);
size_t slc_reflect_at(ptrdiff_t i, size_t n);
size_t slc_symmetric_at(ptrdiff_t i, size_t n);

#endif
