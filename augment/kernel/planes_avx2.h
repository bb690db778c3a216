/* 64 interleaved RGB pixels to planes and back, sixteen at a time. */
#ifndef AUGMENT_KERNEL_PLANES_AVX2_H
#define AUGMENT_KERNEL_PLANES_AVX2_H

#include <immintrin.h>
#include <stdint.h>

enum { SLC_PLANES_BLOCK = 64 };

/* [plane][third]: which byte of that third of 48 bytes lands where in the plane. */
static const int8_t split_at[3][3][16] = {
    {{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13}},
    {{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14}},
    {{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15}}};

/* [third][plane]: which byte of the plane lands where in that third. */
static const int8_t merge_at[3][3][16] = {
    {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
     {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
     {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1}},
    {{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
     {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
     {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1}},
    {{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},
     {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},
     {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}}};

static inline __m128i gather3(const __m128i v[3], const int8_t at[3][16])
{
    const __m128i a = _mm_shuffle_epi8(v[0], _mm_loadu_si128((const __m128i *)at[0]));
    const __m128i b = _mm_shuffle_epi8(v[1], _mm_loadu_si128((const __m128i *)at[1]));
    const __m128i c = _mm_shuffle_epi8(v[2], _mm_loadu_si128((const __m128i *)at[2]));
    return _mm_or_si128(_mm_or_si128(a, b), c);
}

static inline void split(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                         const uint8_t *src)
{
    for (int i = 0; i < SLC_PLANES_BLOCK; i += 16) {
        const __m128i v[3] = {_mm_loadu_si128((const __m128i *)(src + 3 * i)),
                              _mm_loadu_si128((const __m128i *)(src + 3 * i + 16)),
                              _mm_loadu_si128((const __m128i *)(src + 3 * i + 32))};
        _mm_storeu_si128((__m128i *)(r + i), gather3(v, split_at[0]));
        _mm_storeu_si128((__m128i *)(g + i), gather3(v, split_at[1]));
        _mm_storeu_si128((__m128i *)(b + i), gather3(v, split_at[2]));
    }
}

static inline void merge(uint8_t *dst, const uint8_t *r, const uint8_t *g,
                         const uint8_t *b)
{
    for (int i = 0; i < SLC_PLANES_BLOCK; i += 16) {
        const __m128i v[3] = {_mm_loadu_si128((const __m128i *)(r + i)),
                              _mm_loadu_si128((const __m128i *)(g + i)),
                              _mm_loadu_si128((const __m128i *)(b + i))};
        for (int k = 0; k < 3; k++)
            _mm_storeu_si128((__m128i *)(dst + 3 * i + 16 * k), gather3(v, merge_at[k]));
    }
}

#endif
