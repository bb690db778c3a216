#include "augment/kernel/move.h"

#include <string.h>

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

slc_mirror_fn *const slc_mirror[SLC_ISA_COUNT] = {slc_mirror_c, slc_mirror_c,
                                                  slc_mirror_c};

/* In blocks, so that both sides stay in the first-level cache. */
void slc_transpose(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride,
                   size_t w, size_t h, size_t channels)
{
    enum { BLOCK = 32 };
    for (size_t y0 = 0; y0 < h; y0 += BLOCK)
        for (size_t x0 = 0; x0 < w; x0 += BLOCK)
            for (size_t x = x0; x < slc_min(x0 + BLOCK, w); x++)
                for (size_t y = y0; y < slc_min(y0 + BLOCK, h); y++)
                    for (size_t c = 0; c < channels; c++)
                        dst[x * dst_stride + y * channels + c] =
                            src[y * src_stride + x * channels + c];
}

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
