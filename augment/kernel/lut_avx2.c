#include "augment/kernel/planes_avx2.h"

#include "augment/kernel/lut.h"

/* A table as sixteen registers of sixteen entries, each XORed with the one before. A shuffle
 * gives 0 where the top bit of an index is set, and looks at the low four bits elsewhere, so
 * of indices that count down by 16 each step, the sum (XOR) of all steps that are not yet
 * negative telescopes to the part the index belongs to. Two chains of eight steps: indices
 * with and without the top bit; the subtraction saturates, so that what was negative stays
 * so. */
typedef struct steps {
    __m256i part[2][8];
} steps;

static inline __m256i sixteen(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

static inline void prepare(steps *s, const uint8_t table[256])
{
    for (int half = 0; half < 2; half++) {
        __m256i before = _mm256_setzero_si256();
        for (int i = 0; i < 8; i++) {
            const __m256i part = sixteen(table + 128 * half + 16 * i);
            s->part[half][i] = _mm256_xor_si256(part, before);
            before = part;
        }
    }
}

static inline __m256i chain(const __m256i part[8], __m256i index)
{
    const __m256i down = _mm256_set1_epi8(16);
    __m256i out = _mm256_shuffle_epi8(part[0], index);
    for (int i = 1; i < 8; i++) {
        index = _mm256_subs_epi8(index, down);
        out = _mm256_xor_si256(out, _mm256_shuffle_epi8(part[i], index));
    }
    return out;
}

static inline __m256i look(const steps *s, __m256i index)
{
    const __m256i top = _mm256_set1_epi8(-128);
    return _mm256_xor_si256(chain(s->part[0], index),
                            chain(s->part[1], _mm256_xor_si256(index, top)));
}

static inline void look_at(uint8_t *dst, const uint8_t *src, const steps *s)
{
    _mm256_storeu_si256((__m256i *)dst,
                        look(s, _mm256_loadu_si256((const __m256i *)src)));
}

void slc_lut_avx2(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t table[256])
{
    steps s;
    size_t i = 0;
    if (n >= 32) prepare(&s, table);
    for (; i + 64 <= n; i += 64) {
        look_at(dst + i, src + i, &s);
        look_at(dst + i + 32, src + i + 32, &s);
    }
    if (i + 32 <= n) {
        look_at(dst + i, src + i, &s);
        i += 32;
    }
    slc_lut_c(dst + i, src + i, n - i, table);
}

/* planes_avx2.h's gather3 for two blocks of 16 px at a time. */
static inline __m256i gather6(const __m256i v[3], const int8_t at[3][16])
{
    const __m256i a = _mm256_shuffle_epi8(v[0], sixteen((const uint8_t *)at[0])),
                  b = _mm256_shuffle_epi8(v[1], sixteen((const uint8_t *)at[1])),
                  c = _mm256_shuffle_epi8(v[2], sixteen((const uint8_t *)at[2]));
    return _mm256_or_si256(_mm256_or_si256(a, b), c);
}

/* 32 px: two blocks side by side, in registers all the way. */
static inline void look3(uint8_t *dst, const uint8_t *src, const steps s[3])
{
    __m256i in[3], out[3];
    for (int k = 0; k < 3; k++)
        in[k] = _mm256_loadu2_m128i((const __m128i *)(src + 48 + 16 * k),
                                    (const __m128i *)(src + 16 * k));
    for (int c = 0; c < 3; c++)
        out[c] = look(&s[c], gather6(in, split_at[c]));
    for (int k = 0; k < 3; k++)
        _mm256_storeu2_m128i((__m128i *)(dst + 48 + 16 * k), (__m128i *)(dst + 16 * k),
                             gather6(out, merge_at[k]));
}

void slc_lut3_avx2(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride,
                   size_t w, size_t h, const uint8_t table[3][256])
{
    enum { STEP = 32 };
    const size_t wide = w / STEP * STEP;
    steps s[3];
    for (int c = 0; c < 3 && wide; c++)
        prepare(&s[c], table[c]);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < wide; x += STEP)
            look3(dst + y * dst_stride + 3 * x, src + y * src_stride + 3 * x, s);
    slc_lut3_c(dst + 3 * wide, dst_stride, src + 3 * wide, src_stride, w - wide, h,
               table);
}
