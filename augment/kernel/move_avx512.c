#include <immintrin.h>

#include "augment/kernel/move.h"

/* 21 pixels of three bytes, or 64 of one, turned round by one permutation of bytes. */
void slc_mirror_avx512(uint8_t *dst, const uint8_t *src, size_t w, size_t channels)
{
    const size_t step = channels == 1 ? 64 : 21, bytes = step * channels;
    const __mmask64 all = ~(__mmask64)0 >> (64 - bytes);
    uint8_t order[64];
    size_t x = 0;

    for (size_t i = 0; i < 64; i++)
        order[i] = (uint8_t)((step - 1 - i / channels) * channels + i % channels);
    const __m512i turn = _mm512_loadu_si512(order);
    for (; x + step <= w; x += step) {
        const __m512i v = _mm512_maskz_loadu_epi8(all, src + (w - x - step) * channels);
        _mm512_mask_storeu_epi8(dst + x * channels, all,
                                _mm512_permutexvar_epi8(turn, v));
    }
    slc_mirror_avx2(dst + x * channels, src, w - x, channels);
}
