/* Warps: positions four doubles at a time; bilinear with one 128-bit lane per pixel, whose four
 * words are the channels. */
#include <immintrin.h>
#include <string.h>

#include "augment/kernel/warp.h"

/* Rounded down, far and NaN outside, as the C version. */
static inline __m128i fixed(__m256d v)
{
    const __m256d far = _mm256_set1_pd(0x1p29);
    __m256d u = _mm256_mul_pd(v, _mm256_set1_pd(SLC_WARP_ONE));
    u = _mm256_max_pd(u, _mm256_sub_pd(_mm256_setzero_pd(), far));
    u = _mm256_min_pd(u, far);
    return _mm256_cvttpd_epi32(_mm256_floor_pd(u));
}

/* a x + b y + c, in that order. */
static inline __m256d plane(const double a[3], __m256d x, double y)
{
    const __m256d ax = _mm256_mul_pd(_mm256_set1_pd(a[0]), x);
    const __m256d sum = _mm256_add_pd(ax, _mm256_set1_pd(a[1] * y));
    return _mm256_add_pd(sum, _mm256_set1_pd(a[2]));
}

static inline void rows(int32_t *xs, int32_t *ys, const double a[3][3], size_t y,
                        size_t n, int perspective)
{
    const double yin = (double)y + 0.5;
    const __m256d lane = _mm256_setr_pd(0.5, 1.5, 2.5, 3.5);
    for (size_t i = 0; i < n; i += 4) {
        int32_t px[4], py[4];
        const __m256d xin = _mm256_add_pd(_mm256_set1_pd((double)i), lane);
        __m256d u = plane(a[0], xin, yin), v = plane(a[1], xin, yin);
        if (perspective) {
            const __m256d z = plane(a[2], xin, yin);
            u = _mm256_div_pd(u, z);
            v = _mm256_div_pd(v, z);
        }
        if (i + 4 <= n) {
            _mm_storeu_si128((__m128i *)(xs + i), fixed(u));
            _mm_storeu_si128((__m128i *)(ys + i), fixed(v));
            continue;
        }
        _mm_storeu_si128((__m128i *)px, fixed(u));
        _mm_storeu_si128((__m128i *)py, fixed(v));
        memcpy(xs + i, px, (n - i) * sizeof(*px));
        memcpy(ys + i, py, (n - i) * sizeof(*py));
    }
}

void slc_warp_affine_avx2(int32_t *xs, int32_t *ys, const double a[3][3], size_t y,
                          size_t n)
{
    rows(xs, ys, a, y, n, 0);
}

void slc_warp_perspective_avx2(int32_t *xs, int32_t *ys, const double a[3][3], size_t y,
                               size_t n)
{
    rows(xs, ys, a, y, n, 1);
}

/* Where eight pixels' four neighbours begin, and their weights. */
typedef struct block {
    _Alignas(32) int32_t top[8], bottom[8]; /* bytes from the image's first */
    _Alignas(32) int32_t across[8];         /* 2048 - fx, and fx in the upper half */
    _Alignas(32) int32_t down[8];           /* fy */
    int inside;                             /* one bit for each pixel */
} block;

/* The right neighbour is always the next three bytes: at the left border the first pixel gets
 * weight 1, at the right border the last. */
static inline void locate(block *b, const slc_warp_source *in, const int32_t *xs,
                          const int32_t *ys)
{
    const __m256i half = _mm256_set1_epi32(SLC_WARP_ONE / 2),
                  zero = _mm256_setzero_si256();
    const __m256i one = _mm256_set1_epi32(SLC_WARP_ONE),
                  low = _mm256_set1_epi32(SLC_WARP_ONE - 1);
    const __m256i w = _mm256_set1_epi32((int)in->w), h = _mm256_set1_epi32((int)in->h);
    const __m256i px = _mm256_loadu_si256((const __m256i *)xs),
                  py = _mm256_loadu_si256((const __m256i *)ys);
    const __m256i x = _mm256_sub_epi32(px, half), y = _mm256_sub_epi32(py, half);
    const __m256i ix = _mm256_srai_epi32(x, SLC_WARP_BITS),
                  iy = _mm256_srai_epi32(y, SLC_WARP_BITS);
    const __m256i last = _mm256_sub_epi32(w, _mm256_set1_epi32(2));
    const __m256i bottom = _mm256_sub_epi32(h, _mm256_set1_epi32(1));
    const __m256i stride = _mm256_set1_epi32((int)in->stride);

    /* Inside: 0 <= position < size, in whole pixels. */
    const __m256i on =
        _mm256_and_si256(_mm256_cmpgt_epi32(w, _mm256_srai_epi32(px, SLC_WARP_BITS)),
                         _mm256_cmpgt_epi32(h, _mm256_srai_epi32(py, SLC_WARP_BITS)));
    b->inside = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_andnot_si256(
        _mm256_or_si256(_mm256_srai_epi32(px, 31), _mm256_srai_epi32(py, 31)), on)));

    __m256i fx = _mm256_and_si256(x, low);
    fx = _mm256_andnot_si256(_mm256_cmpgt_epi32(zero, ix), fx);
    fx = _mm256_blendv_epi8(fx, one, _mm256_cmpgt_epi32(ix, last));
    const __m256i column = _mm256_max_epi32(_mm256_min_epi32(ix, last), zero);
    const __m256i at = _mm256_add_epi32(column, _mm256_add_epi32(column, column));
    const __m256i y0 = _mm256_max_epi32(_mm256_min_epi32(iy, bottom), zero);
    const __m256i y1 = _mm256_max_epi32(
        _mm256_min_epi32(_mm256_add_epi32(iy, _mm256_set1_epi32(1)), bottom), zero);
    _mm256_store_si256((__m256i *)b->top,
                       _mm256_add_epi32(_mm256_mullo_epi32(y0, stride), at));
    _mm256_store_si256((__m256i *)b->bottom,
                       _mm256_add_epi32(_mm256_mullo_epi32(y1, stride), at));
    _mm256_store_si256((__m256i *)b->across, _mm256_or_si256(_mm256_sub_epi32(one, fx),
                                                             _mm256_slli_epi32(fx, 16)));
    _mm256_store_si256((__m256i *)b->down, _mm256_and_si256(y, low));
}

static inline __m256i two(const uint8_t *a, const uint8_t *b)
{
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)a)),
        _mm_loadl_epi64((const __m128i *)b), 1);
}

static inline __m256i both(const int32_t *v)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_set1_epi32(v[0])),
                                   _mm_set1_epi32(v[1]), 1);
}

/* Pixels i and i + 1 of a block: words r g b - of each. */
static inline __m256i pair(const uint8_t *px, const block *b, int i)
{
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const __m256i wx = both(b->across + i), fy = both(b->down + i);
    const __m256i top = _mm256_madd_epi16(
        _mm256_shuffle_epi8(two(px + b->top[i], px + b->top[i + 1]), order), wx);
    const __m256i bottom = _mm256_madd_epi16(
        _mm256_shuffle_epi8(two(px + b->bottom[i], px + b->bottom[i + 1]), order), wx);
    /* top * (2048 - fy) + bottom * fy, below 2^30 */
    const __m256i sum =
        _mm256_add_epi32(_mm256_slli_epi32(top, SLC_WARP_BITS),
                         _mm256_mullo_epi32(_mm256_sub_epi32(bottom, top), fy));
    return _mm256_srli_epi32(sum, 2 * SLC_WARP_BITS);
}

/* Eight pixels; false if one of them is outside or too near the end of the memory. */
static inline int eight(uint8_t *dst, const slc_warp_source *in, int32_t most,
                        const int32_t *xs, const int32_t *ys)
{
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    block b;
    locate(&b, in, xs, ys);
    if (!b.inside) {
        for (int i = 0; i < 8; i++)
            memcpy(dst + 3 * i, in->fill, 3);
        return 1;
    }
    const __m256i limit = _mm256_set1_epi32(most);
    const __m256i far =
        _mm256_cmpgt_epi32(_mm256_load_si256((const __m256i *)b.bottom), limit);
    if (b.inside != 255 || !_mm256_testz_si256(far, far)) return 0;
    const __m256i a = _mm256_packus_epi32(pair(in->px, &b, 0), pair(in->px, &b, 2)),
                  c = _mm256_packus_epi32(pair(in->px, &b, 4), pair(in->px, &b, 6));
    /* In the lower half pixels 0 2 4 6, in the upper 1 3 5 7. */
    const __m256i bytes = _mm256_packus_epi16(a, c);
    const __m128i even = _mm256_castsi256_si128(bytes),
                  odd = _mm256_extracti128_si256(bytes, 1);
    const __m128i lo = _mm_shuffle_epi8(_mm_unpacklo_epi32(even, odd),
                                        _mm256_castsi256_si128(order)),
                  hi = _mm_shuffle_epi8(_mm_unpackhi_epi32(even, odd),
                                        _mm256_castsi256_si128(order));
    uint8_t out[28];
    _mm_storeu_si128((__m128i *)out, lo);
    _mm_storeu_si128((__m128i *)(out + 12), hi);
    memcpy(dst, out, 24);
    return 1;
}

void slc_sample_bilinear_avx2(uint8_t *dst, const slc_warp_source *in, const int32_t *xs,
                              const int32_t *ys, size_t n)
{
    const size_t bytes = (in->h - 1) * in->stride + 3 * in->w;
    size_t i = 0;
    if (in->channels == 3 && in->w >= 2 && bytes >= 8 && bytes < (size_t)1 << 30)
        for (; i + 8 <= n; i += 8)
            if (!eight(dst + 3 * i, in, (int32_t)bytes - 8, xs + i, ys + i))
                slc_sample_bilinear_c(dst + 3 * i, in, xs + i, ys + i, 8);
    slc_sample_bilinear_c(dst + in->channels * i, in, xs + i, ys + i, n - i);
}
