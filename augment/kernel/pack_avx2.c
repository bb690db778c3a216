#include <immintrin.h>

#include "augment/kernel/pack.h"

typedef struct lanes {
    __m256 mean, by_std, rest_std;
} lanes;

static lanes lanes_of(const slc_norm *norm, size_t first, size_t channels)
{
    float v[3][8];
    for (size_t i = 0; i < 8; i++) {
        const size_t c = (first + i) % channels;
        v[0][i] = norm->mean[c];
        v[1][i] = norm->by_std[c];
        v[2][i] = norm->rest_std[c];
    }
    return (lanes){_mm256_loadu_ps(v[0]), _mm256_loadu_ps(v[1]), _mm256_loadu_ps(v[2])};
}

/* slc_norm_shortcut of eight pixels. */
static inline __m256 normal(__m128i px, const lanes *k)
{
    const __m256 by_255 = _mm256_set1_ps(SLC_BY_255),
                 rest_255 = _mm256_set1_ps(SLC_REST_255);
    const __m256 v = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(px));
    const __m256 x =
        _mm256_sub_ps(_mm256_fmadd_ps(v, by_255, _mm256_mul_ps(v, rest_255)), k->mean);
    return _mm256_fmadd_ps(x, k->by_std, _mm256_mul_ps(x, k->rest_std));
}

static inline __m128i bf16(__m256 v)
{
    const __m256i u = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_srli_epi32(
        _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(up), _mm256_extracti128_si256(up, 1));
}

static inline void put(void *dst, slc_dtype type, size_t i, __m256 v)
{
    if (type == SLC_F32)
        _mm256_storeu_ps((float *)dst + i, v);
    else
        _mm_storeu_si128(
            (__m128i *)((uint16_t *)dst + i),
            type == SLC_BF16 ? bf16(v) : _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

/* Channel c of eight pixels, from the first and the last sixteen of their 24 bytes. */
static inline __m128i plane(__m128i lo, __m128i hi, int c)
{
    const __m128i step =
        _mm_setr_epi8(0, 3, 6, 9, 12, 15, 18, 21, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i at = _mm_add_epi8(step, _mm_set1_epi8((char)c));
    const __m128i high = _mm_cmpgt_epi8(at, _mm_set1_epi8(15));
    const __m128i a = _mm_shuffle_epi8(lo, at),
                  b = _mm_shuffle_epi8(hi, _mm_sub_epi8(at, _mm_set1_epi8(8)));
    return _mm_blendv_epi8(a, b, high);
}

/* Eight pixels at a time; returns how many were done. */
static inline size_t split(const slc_pack *pack, void *dst, slc_dtype type,
                           const uint8_t *src, size_t w)
{
    lanes k[3];
    size_t x = 0;
    for (size_t c = 0; c < 3; c++)
        k[c] = (lanes){_mm256_set1_ps(pack->norm->mean[c]),
                       _mm256_set1_ps(pack->norm->by_std[c]),
                       _mm256_set1_ps(pack->norm->rest_std[c])};
    const bool past_cache =
        type == SLC_F32 && pack->past_cache &&
        ((uintptr_t)dst | pack->plane * sizeof(float)) % sizeof(__m256) == 0;
    for (; x + 8 <= w; x += 8) {
        const __m128i lo = _mm_loadu_si128((const __m128i *)(src + 3 * x));
        const __m128i hi = _mm_loadu_si128((const __m128i *)(src + 3 * x + 8));
        for (int c = 0; c < 3; c++) {
            const size_t at = (size_t)c * pack->plane + x;
            const __m256 v = normal(plane(lo, hi, c), &k[c]);
            if (past_cache)
                _mm256_stream_ps((float *)dst + at, v);
            else
                put(dst, type, at, v);
        }
    }
    return x;
}

static inline __m128i eight(const uint8_t *src)
{
    return _mm_loadl_epi64((const __m128i *)src);
}

/* Elements in their order, eight at a time; returns how many were done, a multiple of 24 px
 * phases so that the rest begins with channel 0. */
static inline size_t straight(const slc_pack *pack, void *dst, slc_dtype type,
                              const uint8_t *src, size_t n)
{
    lanes k[3];
    size_t i = 0;
    for (size_t p = 0; p < 3; p++)
        k[p] = lanes_of(pack->norm, 8 * p, pack->channels);
    if (type == SLC_F32 && pack->past_cache && (uintptr_t)dst % sizeof(__m256) == 0)
        for (; i + 24 <= n; i += 24)
            for (size_t p = 0; p < 3; p++)
                _mm256_stream_ps((float *)dst + i + 8 * p,
                                 normal(eight(src + i + 8 * p), &k[p]));
    for (; i + 24 <= n; i += 24)
        for (size_t p = 0; p < 3; p++)
            put(dst, type, i + 8 * p, normal(eight(src + i + 8 * p), &k[p]));
    return i;
}

static inline size_t many(const slc_pack *pack, void *dst, slc_dtype type,
                          const uint8_t *src, size_t w)
{
    if (pack->channels == 3 && pack->step == 1) return split(pack, dst, type, src, w);
    return straight(pack, dst, type, src, w * pack->channels) / pack->channels;
}

void slc_pack_row_avx2(const slc_pack *pack, void *dst, const uint8_t *src, size_t w)
{
    size_t done = 0;
    if (pack->type == SLC_U8 && pack->step == pack->channels) {
        memcpy(dst, src, w * pack->channels);
        return;
    }
    if (pack->type != SLC_U8 && pack->norm->arithmetic) {
        if (pack->type == SLC_F32)
            done = many(pack, dst, SLC_F32, src, w);
        else if (pack->type == SLC_BF16)
            done = many(pack, dst, SLC_BF16, src, w);
        else
            done = many(pack, dst, SLC_F16, src, w);
    }
    if (done < w)
        slc_pack_row_c(pack, (char *)dst + done * pack->step * slc_dtype_size(pack->type),
                       src + done * pack->channels, w - done);
}
