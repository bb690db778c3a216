/* 64 interleaved RGB pixels to planes and back with VBMI's byte permutations. */
#ifndef AUGMENT_KERNEL_PLANES_AVX512_H
#define AUGMENT_KERNEL_PLANES_AVX512_H

#include <immintrin.h>
#include <stdint.h>

enum { SLC_PLANES_BLOCK = 64 };

/* Where each byte comes from: of the first two vectors together, or, where the mask says so,
 * of the third. */
typedef struct byte_from {
    uint8_t index[64];
    uint64_t third;
} byte_from;

static const byte_from split_from[3] = {
    {{0,  3,  6,   9,   12,  15,  18,  21,  24,  27,  30,  33, 36, 39, 42, 45,
      48, 51, 54,  57,  60,  63,  66,  69,  72,  75,  78,  81, 84, 87, 90, 93,
      96, 99, 102, 105, 108, 111, 114, 117, 120, 123, 126, 1,  4,  7,  10, 13,
      16, 19, 22,  25,  28,  31,  34,  37,  40,  43,  46,  49, 52, 55, 58, 61},
     0xfffff80000000000u},
    {{1,  4,   7,   10,  13,  16,  19,  22,  25,  28,  31,  34, 37, 40, 43, 46,
      49, 52,  55,  58,  61,  64,  67,  70,  73,  76,  79,  82, 85, 88, 91, 94,
      97, 100, 103, 106, 109, 112, 115, 118, 121, 124, 127, 2,  5,  8,  11, 14,
      17, 20,  23,  26,  29,  32,  35,  38,  41,  44,  47,  50, 53, 56, 59, 62},
     0xfffff80000000000u},
    {{2,  5,   8,   11,  14,  17,  20,  23,  26,  29,  32, 35, 38, 41, 44, 47,
      50, 53,  56,  59,  62,  65,  68,  71,  74,  77,  80, 83, 86, 89, 92, 95,
      98, 101, 104, 107, 110, 113, 116, 119, 122, 125, 0,  3,  6,  9,  12, 15,
      18, 21,  24,  27,  30,  33,  36,  39,  42,  45,  48, 51, 54, 57, 60, 63},
     0xfffffc0000000000u}};

static const byte_from merge_from[3] = {
    {{0,  64, 0,  1,  65, 1,  2,  66, 2,  3,  67, 3,  4,  68, 4,  5,
      69, 5,  6,  70, 6,  7,  71, 7,  8,  72, 8,  9,  73, 9,  10, 74,
      10, 11, 75, 11, 12, 76, 12, 13, 77, 13, 14, 78, 14, 15, 79, 15,
      16, 80, 16, 17, 81, 17, 18, 82, 18, 19, 83, 19, 20, 84, 20, 21},
     0x4924924924924924u},
    {{85,  21, 22, 86,  22, 23, 87,  23, 24, 88,  24, 25, 89,  25,  26, 90,
      26,  27, 91, 27,  28, 92, 28,  29, 93, 29,  30, 94, 30,  31,  95, 31,
      32,  96, 32, 33,  97, 33, 34,  98, 34, 35,  99, 35, 36,  100, 36, 37,
      101, 37, 38, 102, 38, 39, 103, 39, 40, 104, 40, 41, 105, 41,  42, 106},
     0x2492492492492492u},
    {{42,  43,  107, 43,  44,  108, 44,  45,  109, 45,  46,  110, 46,  47,  111, 47,
      48,  112, 48,  49,  113, 49,  50,  114, 50,  51,  115, 51,  52,  116, 52,  53,
      117, 53,  54,  118, 54,  55,  119, 55,  56,  120, 56,  57,  121, 57,  58,  122,
      58,  59,  123, 59,  60,  124, 60,  61,  125, 61,  62,  126, 62,  63,  127, 63},
     0x9249249249249249u}};

static inline __m512i pick(const byte_from *from, __m512i a, __m512i b, __m512i c)
{
    const __m512i index = _mm512_loadu_si512(from->index);
    return _mm512_mask_permutexvar_epi8(_mm512_permutex2var_epi8(a, index, b),
                                        from->third, index, c);
}

static inline void split(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                         const uint8_t *src)
{
    const __m512i v0 = _mm512_loadu_si512(src), v1 = _mm512_loadu_si512(src + 64),
                  v2 = _mm512_loadu_si512(src + 128);
    _mm512_storeu_si512(r, pick(&split_from[0], v0, v1, v2));
    _mm512_storeu_si512(g, pick(&split_from[1], v0, v1, v2));
    _mm512_storeu_si512(b, pick(&split_from[2], v0, v1, v2));
}

static inline void merge(uint8_t *dst, const uint8_t *r, const uint8_t *g,
                         const uint8_t *b)
{
    const __m512i v0 = _mm512_loadu_si512(r), v1 = _mm512_loadu_si512(g),
                  v2 = _mm512_loadu_si512(b);
    for (int k = 0; k < 3; k++)
        _mm512_storeu_si512(dst + 64 * k, pick(&merge_from[k], v0, v1, v2));
}

#endif
