/* Resize with products of 16-bit pairs: coefficients are split as c = hi * 2^15 + lo, lo in
 * [0, 2^15), and the two sums put together modulo 2^32, which is exact because the true sum
 * fits. */
#include <immintrin.h>
#include <string.h>

#include "augment/kernel/resize.h"

enum { HALF = 1 << (SLC_TAP_BITS - 1), ROWS = 4 };

typedef const uint8_t *rows_in[ROWS];
typedef uint8_t *rows_out[ROWS];

typedef struct sums {
    __m256i lo, hi;
} sums;

static inline void add(sums *s, __m256i v, __m256i lo, __m256i hi)
{
    s->lo = _mm256_add_epi32(s->lo, _mm256_madd_epi16(v, lo));
    s->hi = _mm256_add_epi32(s->hi, _mm256_madd_epi16(v, hi));
}

static inline __m256i join(sums s)
{
    return _mm256_srai_epi32(_mm256_add_epi32(s.lo, _mm256_slli_epi32(s.hi, 15)),
                             SLC_TAP_BITS);
}

/* Four taps of two rows: v01 = r0 r1 g0 g1 b0 b1 - -, v23 likewise, in 16 bits. */
static inline void four_taps(sums *s, __m128i a, __m128i b, __m256i c)
{
    const __m256i order01 = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const __m256i order23 = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    const __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
    add(s, _mm256_shuffle_epi8(v, order01), _mm256_shuffle_epi32(c, 0x00),
        _mm256_shuffle_epi32(c, 0xaa));
    add(s, _mm256_shuffle_epi8(v, order23), _mm256_shuffle_epi32(c, 0x55),
        _mm256_shuffle_epi32(c, 0xff));
}

static inline __m256i split(const int32_t *coef)
{
    const __m128i c = _mm_loadu_si128((const __m128i *)coef);
    return _mm256_broadcastsi128_si256(
        _mm_packs_epi32(_mm_and_si128(c, _mm_set1_epi32(0x7fff)), _mm_srai_epi32(c, 15)));
}

/* One output pixel of four rows: r g b - of each. */
static inline __m128i pixel(const rows_in src, const slc_taps *taps, size_t x)
{
    const int32_t *coef = taps->coef + x * taps->room;
    const int32_t count = taps->count[x];
    size_t at = 3 * (size_t)taps->first[x];
    const __m256i half = _mm256_set1_epi32(HALF), zero = _mm256_setzero_si256();
    sums s[2] = {{half, zero}, {half, zero}};

    for (int32_t t = 0; t < count; t += 4, at += 12) {
        const __m256i c = split(coef + t);
        for (int k = 0; k < 2; k++)
            four_taps(&s[k], _mm_loadu_si128((const __m128i *)(src[2 * k] + at)),
                      _mm_loadu_si128((const __m128i *)(src[2 * k + 1] + at)), c);
    }
    /* In 128-bit halves: rows 0 and 2, rows 1 and 3. */
    const __m256i words = _mm256_packus_epi32(join(s[0]), join(s[1]));
    const __m256i bytes = _mm256_packus_epi16(words, words);
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes),
                              _mm256_extracti128_si256(bytes, 1));
}

static void rgb(rows_out dst, rows_in src, size_t x, size_t safe, const slc_taps *taps)
{
    uint32_t word[4];
    for (; x < safe; x++) {
        _mm_storeu_si128((__m128i *)word, pixel(src, taps, x));
        for (int r = 0; r < ROWS; r++)
            memcpy(dst[r] + 3 * x, word + r, 4);
    }
}

/* Enlarging takes two taps at most: the same without a loop. */
static inline __m128i pixel_of_two(const rows_in src, const slc_taps *taps, size_t x)
{
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const size_t at = 3 * (size_t)taps->first[x];
    const __m256i c = split(taps->coef + x * taps->room), half = _mm256_set1_epi32(HALF);
    const __m256i lo = _mm256_shuffle_epi32(c, 0x00), hi = _mm256_shuffle_epi32(c, 0xaa);
    __m256i out[2];
    for (int k = 0; k < 2; k++) {
        const __m128i a = _mm_loadl_epi64((const __m128i *)(src[2 * k] + at)),
                      b = _mm_loadl_epi64((const __m128i *)(src[2 * k + 1] + at));
        const __m256i v = _mm256_shuffle_epi8(
            _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1), order);
        out[k] = join((sums){_mm256_add_epi32(half, _mm256_madd_epi16(v, lo)),
                             _mm256_madd_epi16(v, hi)});
    }
    const __m256i words = _mm256_packus_epi32(out[0], out[1]);
    const __m256i bytes = _mm256_packus_epi16(words, words);
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes),
                              _mm256_extracti128_si256(bytes, 1));
}

static bool has_two_taps(const slc_taps *taps)
{
    int32_t most = 0;
    for (size_t x = 0; x < taps->out; x++)
        most = taps->count[x] > most ? taps->count[x] : most;
    return most <= 2;
}

/* Four pixels of each row are stored with four bytes of the next ones' places. Returns how
 * many pixels were done. */
static size_t rgb_of_two(rows_out dst, rows_in src, size_t safe, const slc_taps *taps)
{
    const __m128i order =
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    size_t x = 0;
    for (; x + 6 <= safe; x += 4) {
        const __m128i p0 = pixel_of_two(src, taps, x),
                      p1 = pixel_of_two(src, taps, x + 1),
                      p2 = pixel_of_two(src, taps, x + 2),
                      p3 = pixel_of_two(src, taps, x + 3);
        const __m128i a = _mm_unpacklo_epi32(p0, p1), b = _mm_unpackhi_epi32(p0, p1),
                      c = _mm_unpacklo_epi32(p2, p3), d = _mm_unpackhi_epi32(p2, p3);
        const __m128i row[ROWS] = {_mm_unpacklo_epi64(a, c), _mm_unpackhi_epi64(a, c),
                                   _mm_unpacklo_epi64(b, d), _mm_unpackhi_epi64(b, d)};
        for (int r = 0; r < ROWS; r++)
            _mm_storeu_si128((__m128i *)(dst[r] + 3 * x),
                             _mm_shuffle_epi8(row[r], order));
    }
    return x;
}

/* Pixels whose last load would pass the row's end, and the last one (each is stored with a
 * byte of the next one's place), are left to the C version. */
void slc_resize_across_avx2(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                            size_t src_stride, size_t in, size_t rows, size_t channels,
                            const slc_taps *taps)
{
    const size_t most = channels == 3 ? slc_taps_safe(taps, 3 * in) : 0;
    const size_t safe = most == taps->out ? most - 1 : most;
    const bool two = has_two_taps(taps);
    for (size_t y = 0; channels == 3 && y < rows; y += ROWS) {
        rows_in from;
        rows_out to;
        for (size_t r = 0; r < ROWS; r++) {
            const size_t row = y + r < rows ? y + r : rows - 1;
            from[r] = src + row * src_stride;
            to[r] = dst + row * dst_stride;
        }
        rgb(to, from, two ? rgb_of_two(to, from, safe, taps) : 0, safe, taps);
    }
    const slc_taps rest = {.out = taps->out - safe,
                           .room = taps->room,
                           .first = taps->first + safe,
                           .count = taps->count + safe,
                           .coef = taps->coef + safe * taps->room,
                           .quad = taps->quad + safe * taps->room / 4 * 3};
    slc_resize_across_c(dst + safe * channels, dst_stride, src, src_stride, in, rows,
                        channels, &rest);
}

/* 32 columns of two rows as 16-bit pairs, eight columns to a vector. */
static inline void columns(__m256i out[4], __m256i a, __m256i b)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i lo = _mm256_unpacklo_epi8(a, b), hi = _mm256_unpackhi_epi8(a, b);
    out[0] = _mm256_unpacklo_epi8(lo, zero);
    out[1] = _mm256_unpackhi_epi8(lo, zero);
    out[2] = _mm256_unpacklo_epi8(hi, zero);
    out[3] = _mm256_unpackhi_epi8(hi, zero);
}

void slc_resize_down_avx2(uint8_t *dst, const uint8_t *src, size_t src_stride, size_t n,
                          const int32_t *coef, const uint32_t *quad, size_t count)
{
    const __m256i half = _mm256_set1_epi32(HALF), zero = _mm256_setzero_si256();
    size_t x = 0;
    for (; x + 32 <= n; x += 32) {
        sums s[4] = {{half, zero}, {half, zero}, {half, zero}, {half, zero}};
        for (size_t t = 0; t < count; t += 2) {
            const uint8_t *p = src + t * src_stride + x;
            const bool two = t + 1 < count;
            const int32_t c0 = coef[t], c1 = two ? coef[t + 1] : 0;
            const __m256i lo = _mm256_set1_epi32((c0 & 0x7fff) | (c1 & 0x7fff) << 16);
            const __m256i hi = _mm256_set1_epi32(
                (int)((uint32_t)(c0 >> 15 & 0xffff) | (uint32_t)(c1 >> 15) << 16));
            __m256i v[4];
            columns(v, _mm256_loadu_si256((const __m256i *)p),
                    two ? _mm256_loadu_si256((const __m256i *)(p + src_stride)) : zero);
            for (int q = 0; q < 4; q++)
                add(&s[q], v[q], lo, hi);
        }
        /* Bytes were spread within 128-bit halves; packing puts them back in order. */
        const __m256i a = _mm256_packus_epi32(join(s[0]), join(s[1])),
                      b = _mm256_packus_epi32(join(s[2]), join(s[3]));
        _mm256_storeu_si256((__m256i *)(dst + x), _mm256_packus_epi16(a, b));
    }
    if (x < n) slc_resize_down_c(dst + x, src + x, src_stride, n - x, coef, quad, count);
}
