/* Filters by hand for AVX2 and what is above it, where compilers spend their time on widening
 * bytes. In 16 bits neighbours are interleaved, and one instruction multiplies, adds and widens a
 * pair of them. The rest is filter_body.h. */
#include <immintrin.h>
#include <string.h>

#include "augment/kernel/filter.h"

static inline __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Sums of 32 values; the unpacking puts eight of each half into lo, the next eight into hi. */
typedef struct sums {
    __m256i lo, hi;
} sums;

/* a * the low byte of weights + b * the high one. */
static inline sums pair(__m256i a, __m256i b, __m256i weights)
{
    return (sums){_mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), weights),
                  _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), weights)};
}

static inline sums plus(sums a, sums b)
{
    return (sums){_mm256_add_epi16(a.lo, b.lo), _mm256_add_epi16(a.hi, b.hi)};
}

/* High halves of products of unsigned numbers. */
static inline sums times(sums a, __m256i b)
{
    return (sums){_mm256_mulhi_epu16(a.lo, b), _mm256_mulhi_epu16(a.hi, b)};
}

static inline void smooth_block(uint8_t *dst, const uint8_t *above, const uint8_t *row,
                                const uint8_t *below, size_t step)
{
    const __m256i one = _mm256_set1_epi8(1), five = _mm256_set1_epi16(0x0105);
    sums s = pair(load(above - step), load(above), one);
    s = plus(s, pair(load(above + step), load(row - step), one));
    s = plus(s, pair(load(row), load(row + step), five));
    s = plus(s, pair(load(below - step), load(below), one));
    s = plus(s, pair(load(below + step), _mm256_set1_epi8(6), one));
    s = times(s, _mm256_set1_epi16(5042));
    _mm256_storeu_si256((__m256i *)dst, _mm256_packus_epi16(s.lo, s.hi));
}

/* The last block lies over the one before. */
static void smooth(uint8_t *dst, const uint8_t *above, const uint8_t *row,
                   const uint8_t *below, size_t n, size_t step)
{
    enum { LANES = 32 };
    if (n < 2 * step + LANES) {
        slc_filters_c.smooth(dst, above, row, below, n, step);
        return;
    }
    const size_t last = n - step - LANES;
    for (size_t i = step; i < last; i += LANES)
        smooth_block(dst + i, above + i, row + i, below + i, step);
    smooth_block(dst + last, above + last, row + last, below + last, step);
}

static inline void put_ordered(uint16_t *dst, sums s)
{
    __m256i *const to = (__m256i *)dst;
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(s.lo, s.hi, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(s.lo, s.hi, 0x31));
}

/* 64 (a + b) times 2 tap is what 128 (a + b) times tap is; outer taps are below a half. */
static void even_down(uint16_t *dst, const uint8_t *const *rows, const uint16_t *taps,
                      size_t count, size_t n)
{
    enum { BLOCK = 64 };
    const __m256i by_64 = _mm256_set1_epi8(64);
    const __m256i half = _mm256_set1_epi16((short)(count / 4));
    const size_t middle = count / 2;
    for (size_t i = 0; i < n; i += BLOCK) {
        uint16_t rest[BLOCK], *const to = n - i < BLOCK ? rest : dst + i;
        __m256i tap = _mm256_set1_epi16((short)taps[middle]);
        sums s[2];
        for (size_t k = 0; k < 2; k++) {
            const __m256i a = load(rows[middle] + i + 32 * k);
            s[k] = plus((sums){half, half}, times(pair(a, a, by_64), tap));
        }
        for (size_t t = 0; t < middle; t++) {
            const uint8_t *a = rows[t] + i, *b = rows[count - 1 - t] + i;
            tap = _mm256_set1_epi16((short)(2 * taps[t]));
            for (size_t k = 0; k < 2; k++)
                s[k] = plus(s[k],
                            times(pair(load(a + 32 * k), load(b + 32 * k), by_64), tap));
        }
        put_ordered(to, s[0]);
        put_ordered(to + 32, s[1]);
        if (to == rest) memcpy(dst + i, rest, (n - i) * sizeof(*rest));
    }
}

/* Eight bytes times tap. */
static inline __m256 weighed(const uint8_t *p, __m256 tap)
{
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)p);
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), tap);
}

static void down(float *dst, const uint8_t *const *rows, const float *taps, size_t count,
                 size_t n)
{
    enum { BLOCK = 64 };
    for (size_t i = 0; i < n; i += BLOCK) {
        float rest[BLOCK], *const to = n - i < BLOCK ? rest : dst + i;
        __m256 tap = _mm256_set1_ps(taps[0]), sum[BLOCK / 8];
        for (size_t k = 0; k < BLOCK / 8; k++)
            sum[k] = weighed(rows[0] + i + 8 * k, tap);
        for (size_t t = 1; t < count; t++) {
            tap = _mm256_set1_ps(taps[t]);
            for (size_t k = 0; k < BLOCK / 8; k++)
                sum[k] = _mm256_add_ps(sum[k], weighed(rows[t] + i + 8 * k, tap));
        }
        for (size_t k = 0; k < BLOCK / 8; k++)
            _mm256_storeu_ps(to + 8 * k, sum[k]);
        if (to == rest) memcpy(dst + i, rest, (n - i) * sizeof(*rest));
    }
}

static void add(float *sum, const uint8_t *src, float weight, size_t n)
{
    const __m256 tap = _mm256_set1_ps(weight);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(sum + i,
                         _mm256_add_ps(_mm256_loadu_ps(sum + i), weighed(src + i, tap)));
    for (; i < n; i++)
        sum[i] += weight * (float)src[i];
}

#define ADD add
#define DOWN down
#define SMOOTH smooth
#define EVEN_DOWN even_down
