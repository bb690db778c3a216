#include <immintrin.h>

#include "augment/kernel/pack.h"

/* Constants of sixteen lanes. */
typedef struct lanes {
    __m512 mean, by_std, rest_std;
} lanes;

/* Lane i belongs to channel (first + i) % channels; first is 0, 16 or 32. Rows of small pictures
 * are short, so this must cost next to nothing. */
static inline lanes lanes_of(const slc_norm *norm, size_t first, size_t channels)
{
    static const int32_t phase[48] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0,
                                      1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1,
                                      2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
    const __m512i at =
        channels == 3 ? _mm512_loadu_si512(phase + first) : _mm512_setzero_si512();
    return (lanes){_mm512_permutexvar_ps(at, _mm512_maskz_loadu_ps(7, norm->mean)),
                   _mm512_permutexvar_ps(at, _mm512_maskz_loadu_ps(7, norm->by_std)),
                   _mm512_permutexvar_ps(at, _mm512_maskz_loadu_ps(7, norm->rest_std))};
}

/* slc_norm_shortcut of sixteen pixels. */
static inline __m512 normal(__m128i px, const lanes *k)
{
    const __m512 by_255 = _mm512_set1_ps(SLC_BY_255),
                 rest_255 = _mm512_set1_ps(SLC_REST_255);
    const __m512 v = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(px));
    const __m512 x =
        _mm512_sub_ps(_mm512_fmadd_ps(v, by_255, _mm512_mul_ps(v, rest_255)), k->mean);
    return _mm512_fmadd_ps(x, k->by_std, _mm512_mul_ps(x, k->rest_std));
}

static inline __m256i bf16(__m512 v)
{
    const __m512i u = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    const __m512i up =
        _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16));
}

static inline void put(void *dst, slc_dtype type, size_t i, __mmask16 mask, __m512 v)
{
    if (type == SLC_F32)
        _mm512_mask_storeu_ps((float *)dst + i, mask, v);
    else
        _mm256_mask_storeu_epi16(
            (uint16_t *)dst + i, mask,
            type == SLC_BF16 ? bf16(v) : _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

/* put, past the cache if far: then dst + i is aligned. */
static inline void put_far(void *dst, slc_dtype type, size_t i, __mmask16 mask, bool far,
                           __m512 v)
{
    if (type == SLC_F32 && far && mask == 0xffff)
        _mm512_stream_ps((float *)dst + i, v);
    else
        put(dst, type, i, mask, v);
}

static inline bool is_far(const slc_pack *pack, const void *dst, size_t plane)
{
    return pack->past_cache &&
           ((uintptr_t)dst | plane * sizeof(float)) % sizeof(__m512) == 0;
}

static inline __mmask16 mask_of(size_t left)
{
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

/* Sixteen pixels r g b r g b ... as three vectors of sixteen. */
static inline __m512i planes(const uint8_t *src, size_t left)
{
    uint8_t order[64];
    for (int i = 0; i < 64; i++)
        order[i] = (uint8_t)(i % 16 * 3 + i / 16 % 3);
    const __mmask64 mask = left >= 16 ? 0xffffffffffffu : ((__mmask64)1 << 3 * left) - 1;
    return _mm512_permutexvar_epi8(_mm512_loadu_si512(order),
                                   _mm512_maskz_loadu_epi8(mask, src));
}

static void split_u8(uint8_t *dst, size_t plane, const uint8_t *src, size_t w)
{
    for (size_t x = 0; x < w; x += 16) {
        const __mmask16 mask = mask_of(w - x);
        const __m512i v = planes(src + 3 * x, w - x);
        const __m128i part[3] = {_mm512_castsi512_si128(v),
                                 _mm512_extracti32x4_epi32(v, 1),
                                 _mm512_extracti32x4_epi32(v, 2)};
        for (size_t c = 0; c < 3; c++)
            if (mask == 0xffff)
                _mm_storeu_si128((__m128i *)(dst + c * plane + x), part[c]);
            else
                _mm_mask_storeu_epi8(dst + c * plane + x, mask, part[c]);
    }
}

static inline void split(const slc_pack *pack, void *dst, slc_dtype type,
                         const uint8_t *src, size_t w)
{
    const lanes k[3] = {
        lanes_of(pack->norm, 0, 1),
        {_mm512_set1_ps(pack->norm->mean[1]), _mm512_set1_ps(pack->norm->by_std[1]),
         _mm512_set1_ps(pack->norm->rest_std[1])},
        {_mm512_set1_ps(pack->norm->mean[2]), _mm512_set1_ps(pack->norm->by_std[2]),
         _mm512_set1_ps(pack->norm->rest_std[2])}};
    const bool far = is_far(pack, dst, pack->plane);
    for (size_t x = 0; x < w; x += 16) {
        const __mmask16 mask = mask_of(w - x);
        const __m512i v = planes(src + 3 * x, w - x);
        put_far(dst, type, x, mask, far, normal(_mm512_castsi512_si128(v), &k[0]));
        put_far(dst, type, pack->plane + x, mask, far,
                normal(_mm512_extracti32x4_epi32(v, 1), &k[1]));
        put_far(dst, type, 2 * pack->plane + x, mask, far,
                normal(_mm512_extracti32x4_epi32(v, 2), &k[2]));
    }
}

/* NHWC, and grey: elements stay in their order; three vectors see every phase. */
static inline void straight(const slc_pack *pack, void *dst, slc_dtype type,
                            const uint8_t *src, size_t n)
{
    lanes k[3];
    for (size_t p = 0; p < 3; p++)
        k[p] = lanes_of(pack->norm, 16 * p, pack->channels);
    const bool far = is_far(pack, dst, 0);
    for (size_t i = 0, p = 0; i < n; i += 16, p = p == 2 ? 0 : p + 1) {
        const __mmask16 mask = mask_of(n - i);
        put_far(dst, type, i, mask, far,
                normal(_mm_maskz_loadu_epi8(mask, src + i), &k[p]));
    }
}

void slc_pack_row_avx512(const slc_pack *pack, void *dst, const uint8_t *src, size_t w)
{
    const bool planar = pack->channels == 3 && pack->step == 1;
    if (pack->type == SLC_U8) {
        if (planar)
            split_u8(dst, pack->plane, src, w);
        else
            memcpy(dst, src, w * pack->channels);
        return;
    }
    if (!pack->norm->arithmetic) {
        slc_pack_row_c(pack, dst, src, w);
        return;
    }
    /* The type is a constant in each call, so that put() becomes one instruction. */
    const size_t n = w * pack->channels;
    if (pack->type == SLC_F32)
        planar ? split(pack, dst, SLC_F32, src, w) : straight(pack, dst, SLC_F32, src, n);
    else if (pack->type == SLC_BF16)
        planar ? split(pack, dst, SLC_BF16, src, w)
               : straight(pack, dst, SLC_BF16, src, n);
    else
        planar ? split(pack, dst, SLC_F16, src, w) : straight(pack, dst, SLC_F16, src, n);
}
