#include <immintrin.h>

#include "augment/kernel/lut.h"

/* 256 bytes in four registers. */
typedef struct wide {
    __m512i part[4];
} wide;

static inline wide load(const uint8_t table[256])
{
    return (wide){{_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
                   _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)}};
}

/* vpermi2b looks at seven bits of an index; the eighth chooses the half. */
static inline __m512i look(const wide *t, __m512i index)
{
    const __m512i lo = _mm512_permutex2var_epi8(t->part[0], index, t->part[1]);
    const __m512i hi = _mm512_permutex2var_epi8(t->part[2], index, t->part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lo, hi);
}

static inline __mmask64 first(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

void slc_lut_avx512(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t table[256])
{
    const wide t = load(table);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(dst + i, look(&t, _mm512_loadu_si512(src + i)));
    if (i < n) {
        const __mmask64 m = first(n - i);
        _mm512_mask_storeu_epi8(dst + i, m,
                                look(&t, _mm512_maskz_loadu_epi8(m, src + i)));
    }
}

static inline void look3(uint8_t *dst, const uint8_t *src, size_t n, const wide t[3])
{
    /* Byte j of the k-th vector of three belongs to channel (64 k + j) % 3 = (k + j) % 3. */
    const __mmask64 every3[3] = {0x9249249249249249u, 0x2492492492492492u,
                                 0x4924924924924924u};
    for (size_t i = 0, k = 0; i < n; i += 64, k = (k + 1) % 3) {
        const __mmask64 m = first(n - i);
        const __m512i v = _mm512_maskz_loadu_epi8(m, src + i);
        __m512i out = look(&t[0], v);
        out = _mm512_mask_blend_epi8(every3[(4 - k) % 3], out, look(&t[1], v));
        out = _mm512_mask_blend_epi8(every3[(5 - k) % 3], out, look(&t[2], v));
        _mm512_mask_storeu_epi8(dst + i, m, out);
    }
}

void slc_lut3_avx512(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                     size_t src_stride, size_t w, size_t h, const uint8_t table[3][256])
{
    const wide t[3] = {load(table[0]), load(table[1]), load(table[2])};
    for (size_t y = 0; y < h; y++)
        look3(dst + y * dst_stride, src + y * src_stride, 3 * w, t);
}
