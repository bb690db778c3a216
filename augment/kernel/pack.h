/* Pixels into a tensor: type, normalisation and layout in one pass.
 *
 * Floats are ((px / 255) - mean) / std, each step rounded to float32 as torchvision's ToTensor
 * and Normalize do, then rounded to nearest even for bf16 and f16; u8 is the pixel itself.
 * Exact: every variant gives the same bits. */
#ifndef AUGMENT_KERNEL_PACK_H
#define AUGMENT_KERNEL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/isa.h"

/* 1 / 255 as a sum of two floats. */
#define SLC_BY_255 (1.0f / 255.0f)
#define SLC_REST_255 ((float)(1.0 / 255.0 - (double)SLC_BY_255))

typedef struct slc_norm {
    float mean[3], std[3];
    float table[3][256];          /* the definition: value of each pixel */
    float by_std[3], rest_std[3]; /* reciprocals, and what they lack */
    /* Whether the shortcut of the vector variants (products with the reciprocal as a sum of two
     * floats, one rounding) gives table's bits for all 768 values. */
    bool arithmetic;
} slc_norm;

/* mean and std in units of 1 (not 255); 0 and 1 for none. */
void slc_norm_make(slc_norm *norm, const float mean[3], const float std[3]);

/* The shortcut; exposed for slc_norm_make and tests. */
float slc_norm_shortcut(const slc_norm *norm, size_t c, uint8_t px);

/* Where a row of w px goes: element x of channel c at dst[c * plane + x * step]. NCHW:
 * plane = height * width, step = 1; NHWC: plane = 1, step = channels. */
typedef struct slc_pack {
    slc_dtype type;
    size_t channels, plane, step;
    const slc_norm *norm; /* not read for u8 */
    /* Floats may be written past the caches, where they would only push out what is in use: for
     * tensors too large to stay there. Whoever hands them to another thread fences first. */
    bool past_cache;
} slc_pack;

/* dst: the place of the row's first element; reads w * channels bytes. */
typedef void slc_pack_row_fn(const slc_pack *pack, void *dst, const uint8_t *src,
                             size_t w);
slc_pack_row_fn slc_pack_row_c; /* the definition */
slc_pack_row_fn slc_pack_row_avx2, slc_pack_row_avx512;
extern slc_pack_row_fn *const slc_pack_row[SLC_ISA_COUNT];

uint16_t slc_f16_from_f32(float f); /* to nearest, ties to even */
float slc_f32_from_f16(uint16_t h);

/* Writes one float as type at dst[i]; reads one back. */
void slc_element_put(void *dst, slc_dtype type, size_t i, float value);
float slc_element_get(const void *src, slc_dtype type, size_t i);

#endif
