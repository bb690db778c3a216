#include "augment/kernel/lut.h"

#include "augment/kernel/variant.h"

void slc_lut_c(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t table[256])
{
    for (size_t i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

void slc_lut3_c(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride,
                size_t w, size_t h, const uint8_t table[3][256])
{
    for (size_t y = 0; y < h; y++, dst += dst_stride, src += src_stride)
        for (size_t i = 0; i < 3 * w; i += 3) {
            dst[i] = table[0][src[i]];
            dst[i + 1] = table[1][src[i + 1]];
            dst[i + 2] = table[2][src[i + 2]];
        }
}

slc_lut_fn *const slc_lut[SLC_ISA_COUNT] = {slc_lut_c, SLC_AVX2(slc_lut),
                                            SLC_AVX512(slc_lut)};
slc_lut3_fn *const slc_lut3[SLC_ISA_COUNT] = {slc_lut3_c, SLC_AVX2(slc_lut3),
                                              SLC_AVX512(slc_lut3)};
