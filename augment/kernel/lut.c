#include "augment/kernel/lut.h"

void slc_lut_c(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t table[256])
{
    for (size_t i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

void slc_lut3_c(uint8_t *dst, const uint8_t *src, size_t w, const uint8_t table[3][256])
{
    for (size_t i = 0; i < 3 * w; i += 3) {
        dst[i] = table[0][src[i]];
        dst[i + 1] = table[1][src[i + 1]];
        dst[i + 2] = table[2][src[i + 2]];
    }
}

/* No AVX2 variants: sixteen shuffles for 256 entries lose to two scalar loads a cycle. */
slc_lut_fn *const slc_lut[SLC_ISA_COUNT] = {
    [SLC_ISA_C] = slc_lut_c,
    [SLC_ISA_AVX2] = slc_lut_c,
#if defined(__x86_64__)
    [SLC_ISA_AVX512] = slc_lut_avx512,
#endif
};

slc_lut3_fn *const slc_lut3[SLC_ISA_COUNT] = {
    [SLC_ISA_C] = slc_lut3_c,
    [SLC_ISA_AVX2] = slc_lut3_c,
#if defined(__x86_64__)
    [SLC_ISA_AVX512] = slc_lut3_avx512,
#endif
};
