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
