#include "augment/kernel/resize.h"

#include "augment/kernel/variant.h"

static inline uint8_t clip(int32_t sum)
{
    const int32_t v = sum >> SLC_TAP_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

enum { HALF = 1 << (SLC_TAP_BITS - 1) };

static void across_grey(uint8_t *dst, const uint8_t *src, const slc_taps *taps)
{
    for (size_t x = 0; x < taps->out; x++) {
        const int32_t *coef = taps->coef + x * taps->room;
        const uint8_t *p = src + taps->first[x];
        int32_t sum = HALF;
        for (int32_t t = 0; t < taps->count[x]; t++)
            sum += p[t] * coef[t];
        dst[x] = clip(sum);
    }
}

static void across_rgb(uint8_t *dst, const uint8_t *src, const slc_taps *taps)
{
    for (size_t x = 0; x < taps->out; x++) {
        const int32_t *coef = taps->coef + x * taps->room;
        const uint8_t *p = src + 3 * (size_t)taps->first[x];
        int32_t r = HALF, g = HALF, b = HALF;
        for (int32_t t = 0; t < taps->count[x]; t++, p += 3) {
            r += p[0] * coef[t];
            g += p[1] * coef[t];
            b += p[2] * coef[t];
        }
        dst[3 * x] = clip(r);
        dst[3 * x + 1] = clip(g);
        dst[3 * x + 2] = clip(b);
    }
}

void slc_resize_across_c(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                         size_t src_stride, size_t in, size_t rows, size_t channels,
                         const slc_taps *taps)
{
    (void)in;
    for (size_t y = 0; y < rows; y++)
        (channels == 1 ? across_grey : across_rgb)(dst + y * dst_stride,
                                                   src + y * src_stride, taps);
}

void slc_resize_down_c(uint8_t *dst, const uint8_t *src, size_t src_stride, size_t n,
                       const int32_t *coef, const uint32_t *quad, size_t count)
{
    (void)quad;
    for (size_t x = 0; x < n; x++) {
        int32_t sum = HALF;
        for (size_t t = 0; t < count; t++)
            sum += src[t * src_stride + x] * coef[t];
        dst[x] = clip(sum);
    }
}

slc_resize_across_fn *const slc_resize_across[SLC_ISA_COUNT] = {
    slc_resize_across_c, SLC_AVX2(slc_resize_across), SLC_AVX512(slc_resize_across)};
slc_resize_down_fn *const slc_resize_down[SLC_ISA_COUNT] = {
    slc_resize_down_c, SLC_AVX2(slc_resize_down), SLC_AVX512(slc_resize_down)};
