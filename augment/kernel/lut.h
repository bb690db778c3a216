/* dst[i] = table[src[i]], for n bytes; dst may be src. Exact: every variant gives the same
 * bytes. */
#ifndef AUGMENT_KERNEL_LUT_H
#define AUGMENT_KERNEL_LUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

typedef void slc_lut_fn(uint8_t *dst, const uint8_t *src, size_t n,
                        const uint8_t table[256]);
slc_lut_fn slc_lut_c;      /* the definition */
slc_lut_fn slc_lut_avx2;   /* 32 look-ups in 48 instructions: 3 to 5 times the C loop */
slc_lut_fn slc_lut_avx512; /* VBMI: 64 look-ups in three instructions */
extern slc_lut_fn *const slc_lut[SLC_ISA_COUNT];

/* One table for each of three interleaved channels; h rows of w px, strides in bytes. */
typedef void slc_lut3_fn(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                         size_t src_stride, size_t w, size_t h,
                         const uint8_t table[3][256]);
slc_lut3_fn slc_lut3_c;
slc_lut3_fn slc_lut3_avx2, slc_lut3_avx512;
extern slc_lut3_fn *const slc_lut3[SLC_ISA_COUNT];

#endif
