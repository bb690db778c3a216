#include <immintrin.h>

#include "augment/kernel/move.h"

/* Five pixels in sixteen bytes: each store's last byte is overwritten by the next. */
static void mirror_rgb(uint8_t *dst, const uint8_t *src, size_t w)
{
    const __m128i order =
        _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
    size_t x = 0;
    for (; x + 6 <= w; x += 5) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(src + 3 * (w - x) - 16));
        _mm_storeu_si128((__m128i *)(dst + 3 * x), _mm_shuffle_epi8(v, order));
    }
    slc_mirror_c(dst + 3 * x, src, w - x, 3);
}

static void mirror_grey(uint8_t *dst, const uint8_t *src, size_t w)
{
    const __m128i order =
        _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t x = 0;
    for (; x + 16 <= w; x += 16) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(src + w - x - 16));
        _mm_storeu_si128((__m128i *)(dst + x), _mm_shuffle_epi8(v, order));
    }
    slc_mirror_c(dst + x, src, w - x, 1);
}

void slc_mirror_avx2(uint8_t *dst, const uint8_t *src, size_t w, size_t channels)
{
    if (channels == 1)
        mirror_grey(dst, src, w);
    else
        mirror_rgb(dst, src, w);
}

/* 4 x 4 pixels, each in four bytes on the way; rows of dst get four bytes more. */
static inline void transpose16(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                               ptrdiff_t src_stride)
{
    const __m128i widen =
        _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    const __m128i narrow =
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    __m128i row[4];
    for (int i = 0; i < 4; i++)
        row[i] = _mm_shuffle_epi8(
            _mm_loadu_si128((const __m128i *)(src + i * src_stride)), widen);
    const __m128i a = _mm_unpacklo_epi32(row[0], row[1]),
                  b = _mm_unpacklo_epi32(row[2], row[3]),
                  c = _mm_unpackhi_epi32(row[0], row[1]),
                  d = _mm_unpackhi_epi32(row[2], row[3]);
    const __m128i column[4] = {_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b),
                               _mm_unpacklo_epi64(c, d), _mm_unpackhi_epi64(c, d)};
    for (int i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(dst + i * dst_stride),
                         _mm_shuffle_epi8(column[i], narrow));
}

/* The bytes too many of a store are overwritten by the next one of that row; the last two
 * columns and rows, and what is no multiple of four, are left to C, which comes last. */
void slc_transpose_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                        ptrdiff_t src_stride, size_t w, size_t h, size_t channels)
{
    enum { BLOCK = 32 }; /* so that both sides stay in the first-level cache */
    const size_t wide = channels == 3 && w > 5 ? (w - 2) / 4 * 4 : 0;
    const size_t high = wide && h > 5 ? (h - 2) / 4 * 4 : 0;
    for (size_t y0 = 0; y0 < high; y0 += BLOCK)
        for (size_t x0 = 0; x0 < wide; x0 += BLOCK)
            for (size_t y = y0; y < high && y < y0 + BLOCK; y += 4)
                for (size_t x = x0; x < wide && x < x0 + BLOCK; x += 4)
                    transpose16(dst + (ptrdiff_t)x * dst_stride + 3 * y, dst_stride,
                                src + (ptrdiff_t)y * src_stride + 3 * x, src_stride);
    if (high)
        slc_transpose_c(dst + (ptrdiff_t)wide * dst_stride, dst_stride, src + 3 * wide,
                        src_stride, w - wide, high, 3);
    slc_transpose_c(dst + high * channels, dst_stride, src + (ptrdiff_t)high * src_stride,
                    src_stride, w, h - high, channels);
}
