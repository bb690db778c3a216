/* Bicubic warps: one pixel at a time, its channels in four lanes, two source rows in the two
 * halves. The same operations in the same order as the C version. */
#include <immintrin.h>
#include <string.h>

#include "augment/kernel/warp.h"

typedef struct four {
    __m256 a, b, c, d;
} four;

/* Four neighbours of two rows as floats: r g b - in each half. */
static inline four neighbours(const uint8_t *row0, const uint8_t *row1)
{
    const __m256i v = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)row0)),
        _mm_loadu_si128((const __m128i *)row1), 1);
    const __m256i spread = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1, -1));
    return (four){
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(v, spread)),
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(_mm256_srli_si256(v, 3), spread)),
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(_mm256_srli_si256(v, 6), spread)),
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(_mm256_srli_si256(v, 9), spread))};
}

static inline __m256 cubic256(four v, __m256 t)
{
    const __m256 p2 = _mm256_sub_ps(v.c, v.a);
    const __m256 twice = _mm256_mul_ps(_mm256_set1_ps(2), _mm256_sub_ps(v.a, v.b));
    const __m256 p3 = _mm256_sub_ps(_mm256_add_ps(twice, v.c), v.d);
    const __m256 p4 = _mm256_add_ps(_mm256_sub_ps(_mm256_sub_ps(v.b, v.a), v.c), v.d);
    const __m256 inner = _mm256_add_ps(p3, _mm256_mul_ps(t, p4));
    const __m256 outer = _mm256_add_ps(p2, _mm256_mul_ps(t, inner));
    return _mm256_add_ps(v.b, _mm256_mul_ps(t, outer));
}

static inline __m128 cubic128(__m128 a, __m128 b, __m128 c, __m128 d, __m128 t)
{
    const __m128 p2 = _mm_sub_ps(c, a);
    const __m128 twice = _mm_mul_ps(_mm_set1_ps(2), _mm_sub_ps(a, b));
    const __m128 p3 = _mm_sub_ps(_mm_add_ps(twice, c), d);
    const __m128 p4 = _mm_add_ps(_mm_sub_ps(_mm_sub_ps(b, a), c), d);
    const __m128 inner = _mm_add_ps(p3, _mm_mul_ps(t, p4));
    const __m128 outer = _mm_add_ps(p2, _mm_mul_ps(t, inner));
    return _mm_add_ps(b, _mm_mul_ps(t, outer));
}

/* Truncated and clamped to bytes. */
static inline uint32_t pixel(const uint8_t *px, size_t stride, float fx, float fy)
{
    const __m256 t = _mm256_set1_ps(fx);
    const __m256 top = cubic256(neighbours(px, px + stride), t);
    const __m256 bottom = cubic256(neighbours(px + 2 * stride, px + 3 * stride), t);
    const __m128 v = cubic128(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1),
                              _mm256_castps256_ps128(bottom),
                              _mm256_extractf128_ps(bottom, 1), _mm_set1_ps(fy));
    const __m128i whole = _mm_cvttps_epi32(v);
    const __m128i words = _mm_packus_epi32(whole, whole);
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(words, words));
}

void slc_sample_bicubic_avx2(uint8_t *dst, const slc_warp_source *in, const int32_t *xs,
                             const int32_t *ys, size_t n)
{
    const size_t bytes = (in->h - 1) * in->stride + 3 * in->w;
    for (size_t i = 0; i < n; i++) {
        const int32_t x = xs[i] - SLC_WARP_ONE / 2, y = ys[i] - SLC_WARP_ONE / 2;
        const int32_t left = (x >> SLC_WARP_BITS) - 1, top = (y >> SLC_WARP_BITS) - 1;
        const size_t at = (size_t)top * in->stride + 3 * (size_t)left;
        /* Sixteen bytes of each of four rows must lie within the image's memory. */
        const bool easy = in->channels == 3 && left >= 0 && top >= 0 &&
                          (size_t)left + 4 <= in->w && (size_t)top + 4 <= in->h &&
                          at + 3 * in->stride + 16 <= bytes;
        if (!easy) {
            slc_sample_bicubic_c(dst + in->channels * i, in, xs + i, ys + i, 1);
            continue;
        }
        const uint32_t px =
            pixel(in->px + at, in->stride, (float)(x & (SLC_WARP_ONE - 1)) / SLC_WARP_ONE,
                  (float)(y & (SLC_WARP_ONE - 1)) / SLC_WARP_ONE);
        memcpy(dst + 3 * i, &px, 3);
    }
}
