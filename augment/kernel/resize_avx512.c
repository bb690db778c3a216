/* Resize with VNNI: dot products of four unsigned pixels with four signed digits of the
 * coefficients. The three digits' sums are put together modulo 2^32, which is exact because
 * the true sum fits. */
#include <immintrin.h>
#include <string.h>

#include "augment/kernel/resize.h"

enum { HALF = 1 << (SLC_TAP_BITS - 1), ROWS = 4 };

/* Pixels of four rows at one place, each row in its own 128 bits: rrrr gggg bbbb 0000. */
static inline __m512i four_rows(__m128i a, __m128i b, __m128i c, __m128i d)
{
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
    const __m512i v = _mm512_inserti32x4(
        _mm512_inserti32x4(_mm512_inserti32x4(_mm512_castsi128_si512(a), b, 1), c, 2), d,
        3);
    return _mm512_shuffle_epi8(v, order);
}

static inline __m512i join(const __m512i digit[3])
{
    const __m512i sum =
        _mm512_add_epi32(digit[0], _mm512_add_epi32(_mm512_slli_epi32(digit[1], 8),
                                                    _mm512_slli_epi32(digit[2], 16)));
    return _mm512_max_epi32(_mm512_srai_epi32(sum, SLC_TAP_BITS), _mm512_setzero_si512());
}

static inline void dots(__m512i digit[3], __m512i v, const uint32_t *quad)
{
    for (int d = 0; d < 3; d++)
        digit[d] = _mm512_dpbusd_epi32(digit[d], v, _mm512_set1_epi32((int)quad[d]));
}

typedef const uint8_t *rows_in[ROWS];
typedef uint8_t *rows_out[ROWS];

/* One output pixel of four rows. left: bytes that may be read from first on. */
static inline __m128i pixel(const rows_in src, const slc_taps *taps, size_t x,
                            size_t left, int near_end)
{
    const uint32_t *quad = taps->quad + x * taps->room / 4 * 3;
    const size_t groups = ((size_t)taps->count[x] + 3) / 4;
    size_t at = 3 * (size_t)taps->first[x];
    __m512i digit[3] = {_mm512_set1_epi32(HALF), _mm512_setzero_si512(),
                        _mm512_setzero_si512()};

    for (size_t g = 0; g < groups; g++, at += 12, quad += 3) {
        __m128i v[ROWS];
        const __mmask16 mask =
            !near_end || left - at >= 16 ? 0xffff : (__mmask16)((1u << (left - at)) - 1);
        for (int r = 0; r < ROWS; r++)
            v[r] = near_end ? _mm_maskz_loadu_epi8(mask, src[r] + at)
                            : _mm_loadu_si128((const __m128i *)(src[r] + at));
        dots(digit, four_rows(v[0], v[1], v[2], v[3]), quad);
    }
    return _mm512_cvtusepi32_epi8(join(digit));
}

/* Each row's pixel is written with a byte of the next one's place; the last one is not. */
static void rgb(rows_out dst, rows_in src, size_t in, size_t safe, const slc_taps *taps)
{
    const size_t left = 3 * in;
    uint32_t word[4];

    for (size_t x = 0; x < safe; x++) {
        const __m128i px = pixel(src, taps, x, left, 0);
        _mm_storeu_si128((__m128i *)word, px);
        for (int r = 0; r < ROWS; r++)
            memcpy(dst[r] + 3 * x, word + r, 4);
    }
    for (size_t x = safe; x < taps->out; x++) {
        const __m128i px = pixel(src, taps, x, left, 1);
        _mm_storeu_si128((__m128i *)word, px);
        for (int r = 0; r < ROWS; r++)
            memcpy(dst[r] + 3 * x, word + r, 3);
    }
}

void slc_resize_across_avx512(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                              size_t src_stride, size_t in, size_t rows, size_t channels,
                              const slc_taps *taps)
{
    if (channels == 1) {
        slc_resize_across_c(dst, dst_stride, src, src_stride, in, rows, channels, taps);
        return;
    }
    const size_t most = slc_taps_safe(taps, 3 * in);
    const size_t safe = most == taps->out ? most - 1 : most;
    for (size_t y = 0; y < rows; y += ROWS) {
        rows_in from;
        rows_out to;
        for (size_t r = 0; r < ROWS; r++) {
            const size_t row = y + r < rows ? y + r : rows - 1;
            from[r] = src + row * src_stride;
            to[r] = dst + row * dst_stride;
        }
        rgb(to, from, in, safe, taps);
    }
}

/* 64 columns of four rows, transposed to four bytes per column. Rows that do not exist are 0. */
static inline void columns(__m512i out[4], const uint8_t *src, size_t stride, size_t rows,
                           __mmask64 mask)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i r0 = _mm512_maskz_loadu_epi8(mask, src);
    const __m512i r1 = rows > 1 ? _mm512_maskz_loadu_epi8(mask, src + stride) : zero;
    const __m512i r2 = rows > 2 ? _mm512_maskz_loadu_epi8(mask, src + 2 * stride) : zero;
    const __m512i r3 = rows > 3 ? _mm512_maskz_loadu_epi8(mask, src + 3 * stride) : zero;
    const __m512i lo01 = _mm512_unpacklo_epi8(r0, r1),
                  hi01 = _mm512_unpackhi_epi8(r0, r1);
    const __m512i lo23 = _mm512_unpacklo_epi8(r2, r3),
                  hi23 = _mm512_unpackhi_epi8(r2, r3);
    out[0] = _mm512_unpacklo_epi16(lo01, lo23);
    out[1] = _mm512_unpackhi_epi16(lo01, lo23);
    out[2] = _mm512_unpacklo_epi16(hi01, hi23);
    out[3] = _mm512_unpackhi_epi16(hi01, hi23);
}

void slc_resize_down_avx512(uint8_t *dst, const uint8_t *src, size_t src_stride, size_t n,
                            const int32_t *coef, const uint32_t *quad, size_t count)
{
    (void)coef;
    for (size_t x = 0; x < n; x += 64) {
        const __mmask64 mask =
            n - x >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (n - x)) - 1;
        __m512i digit[4][3];
        for (int q = 0; q < 4; q++) {
            digit[q][0] = _mm512_set1_epi32(HALF);
            digit[q][1] = digit[q][2] = _mm512_setzero_si512();
        }
        for (size_t t = 0; t < count; t += 4) {
            __m512i v[4];
            columns(v, src + t * src_stride + x, src_stride, count - t, mask);
            for (int q = 0; q < 4; q++)
                dots(digit[q], v[q], quad + t / 4 * 3);
        }
        const __m512i lo = _mm512_packus_epi32(join(digit[0]), join(digit[1])),
                      hi = _mm512_packus_epi32(join(digit[2]), join(digit[3]));
        const __m512i bytes = _mm512_packus_epi16(lo, hi);
        if (n - x >= 64) /* masked stores are slow, even with a full mask */
            _mm512_storeu_si512(dst + x, bytes);
        else
            _mm512_mask_storeu_epi8(dst + x, mask, bytes);
    }
}
