#include "augment/kernel/move.h"

#include <string.h>

#include "augment/kernel/variant.h"
#include "base/num.h"

void slc_mirror_c(uint8_t *dst, const uint8_t *src, size_t w, size_t channels)
{
    if (channels == 1) {
        for (size_t x = 0; x < w; x++)
            dst[x] = src[w - 1 - x];
        return;
    }
    for (size_t x = 0; x < w; x++) {
        const uint8_t *p = src + 3 * (w - 1 - x);
        dst[3 * x] = p[0];
        dst[3 * x + 1] = p[1];
        dst[3 * x + 2] = p[2];
    }
}

/* A VBMI variant (21 pixels a step) was tried: masked stores made it three times slower. */
slc_mirror_fn *const slc_mirror[SLC_ISA_COUNT] = {slc_mirror_c, SLC_AVX2(slc_mirror),
                                                  SLC_AVX2(slc_mirror)};

/* Blocks, so that both sides stay in the first-level cache. */
enum { BLOCK = 32 };

static void transpose_grey(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                           ptrdiff_t src_stride, size_t w, size_t h)
{
    for (size_t x = 0; x < w; x++)
        for (size_t y = 0; y < h; y++)
            dst[(ptrdiff_t)x * dst_stride + (ptrdiff_t)y] =
                src[(ptrdiff_t)y * src_stride + (ptrdiff_t)x];
}

/* Four bytes a pixel: the fourth is overwritten by the next one's first. The last column of
 * the block's source and the last row of its target move three. */
static void transpose_rgb(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                          ptrdiff_t src_stride, size_t w, size_t h)
{
    for (size_t x = 0; x < w; x++) {
        uint8_t *to = dst + (ptrdiff_t)x * dst_stride;
        const uint8_t *from = src + 3 * x;
        const size_t wide = x + 1 < w ? h - 1 : 0;
        for (size_t y = 0; y < wide; y++, to += 3, from += src_stride)
            memcpy(to, from, 4);
        for (size_t y = wide; y < h; y++, to += 3, from += src_stride)
            memcpy(to, from, 3);
    }
}

void slc_transpose_c(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                     ptrdiff_t src_stride, size_t w, size_t h, size_t channels)
{
    for (size_t y = 0; y < h; y += BLOCK)
        for (size_t x = 0; x < w; x += BLOCK)
            (channels == 1 ? transpose_grey : transpose_rgb)(
                dst + (ptrdiff_t)x * dst_stride + (ptrdiff_t)(y * channels), dst_stride,
                src + (ptrdiff_t)y * src_stride + (ptrdiff_t)(x * channels), src_stride,
                slc_min(BLOCK, w - x), slc_min(BLOCK, h - y));
}

slc_transpose_fn *const slc_transpose[SLC_ISA_COUNT] = {
    slc_transpose_c, SLC_AVX2(slc_transpose), SLC_AVX2(slc_transpose)};

void slc_paint(uint8_t *dst, size_t n, size_t channels, const uint8_t fill[3])
{
    if (channels == 1 || (fill[0] == fill[1] && fill[1] == fill[2])) {
        memset(dst, fill[0], n * channels);
        return;
    }
    for (size_t x = 0; x < n; x++)
        memcpy(dst + 3 * x, fill, 3);
}

size_t slc_edge_at(ptrdiff_t i, size_t n)
{
    return i < 0 ? 0 : slc_min((size_t)i, n - 1);
}

/* i modulo period, never negative. */
static size_t modulo(ptrdiff_t i, size_t period)
{
    const ptrdiff_t r = i % (ptrdiff_t)period;
    return (size_t)(r < 0 ? r + (ptrdiff_t)period : r);
}

size_t slc_reflect_at(ptrdiff_t i, size_t n)
{
    if (n == 1) return 0;
    const size_t r = modulo(i, 2 * n - 2);
    return r < n ? r : 2 * n - 2 - r;
}

size_t slc_symmetric_at(ptrdiff_t i, size_t n)
{
    const size_t r = modulo(i, 2 * n);
    return r < n ? r : 2 * n - 1 - r;
}
