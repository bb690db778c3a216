/* See kernel_amx.h. */
#include "train/engine/kernel_amx.h"

#include <immintrin.h>
#include <string.h>

#include "base/num.h"
#include "train/engine/kernel.h"

typedef struct config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} config;

/* Every tile is whole; each function says which hold sums. In memory before the program runs: the
 * compiler does not know how much of it the instruction reads. */
static const config whole = {.palette = 1,
                             .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                             .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

void slc_amx_begin(void)
{
    _tile_loadconfig(&whole);
}

void slc_amx_end(void)
{
    _mm_sfence(); /* what went past the caches is there */
    _tile_release();
}

void slc_amx_product(float *sum, const uint16_t *const a[2], size_t stride,
                     const size_t *at, size_t steps, const uint16_t *b,
                     const uint16_t *ahead, size_t lines)
{
    const size_t bytes = stride * sizeof(*b);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t i = 0; i < steps; i++, b += 2 * SLC_TILE_SIZE) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a[0] + at[i], bytes);
        _tile_loadd(7, b + SLC_TILE_SIZE, 64);
        _tile_loadd(5, a[1] + at[i], bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        for (size_t k = 0; k < lines; k++, ahead += SLC_TILE_DEPTH)
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
    }
    _tile_stored(0, sum, 128);
    _tile_stored(1, sum + SLC_TILE, 128);
    _tile_stored(2, sum + SLC_TILE * SLC_TILE_SIDE, 128);
    _tile_stored(3, sum + SLC_TILE * SLC_TILE_SIDE + SLC_TILE, 128);
}

/* The first n of 16 numbers. */
static inline __mmask16 first_of(size_t n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

static inline __m512i steps_of(size_t step)
{
    return _mm512_mullo_epi32(
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
        _mm512_set1_epi32((int)step));
}

static inline __m512 widen(__m256i x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

static inline __m256i narrow(__m512 x)
{
    return (__m256i)_mm512_cvtneps_pbh(x);
}

static inline void store_half(uint16_t *y, size_t left, bool add, const float *bias,
                              const float *sum)
{
    const __mmask16 m = first_of(left);
    __m512 s = _mm512_loadu_ps(sum);
    if (bias) s = _mm512_add_ps(s, _mm512_maskz_loadu_ps(m, bias));
    if (add) s = _mm512_add_ps(s, widen(_mm256_maskz_loadu_epi16(m, y)));
    _mm256_mask_storeu_epi16(y, m, narrow(s));
}

static inline void store_rows(uint16_t *y, const int32_t pixel[32], size_t c, size_t left,
                              bool add, const float *bias, const float *sum)
{
    for (size_t r = 0; r < SLC_TILE_SIDE; r++, sum += SLC_TILE_SIDE) {
        if (pixel[r] < 0) continue;
        uint16_t *to = y + (size_t)pixel[r] * c;
        store_half(to, left, add, bias, sum);
        if (left > 16)
            store_half(to + 16, left - 16, add, bias ? bias + 16 : NULL, sum + 16);
    }
}

static inline void store_line(uint16_t *to, bool past, __m512i line)
{
    if (past)
        _mm512_stream_si512((void *)to, line);
    else
        _mm512_storeu_si512(to, line);
}

static inline void store_whole(uint16_t *y, const int32_t pixel[32], size_t c, bool past,
                               const float *sum)
{
    for (size_t r = 0; r < SLC_TILE_SIDE; r++, sum += SLC_TILE_SIDE) {
        if (pixel[r] < 0) continue;
        uint16_t *to = y + (size_t)pixel[r] * c;
        const __m512i line = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(sum + SLC_TILE),
                                                          _mm512_loadu_ps(sum));
        store_line(to, past, line);
    }
}

static inline void add_doubles(double *to, size_t left, __m512 x)
{
    for (size_t half = 0; half < 2; half++, to += 8) {
        const __mmask8 m = (__mmask8)(first_of(left) >> (8 * half));
        const __m256 part =
            half ? _mm512_extractf32x8_ps(x, 1) : _mm512_castps512_ps256(x);
        _mm512_mask_storeu_pd(
            to, m, _mm512_add_pd(_mm512_maskz_loadu_pd(m, to), _mm512_cvtps_pd(part)));
    }
}

/* Sums of 16 channels, as they are stored, over rows in f32, and on in double. */
static inline void sum_half(double *sums, size_t c, size_t left, const int32_t pixel[32],
                            const float *bias, const float *sum)
{
    const __m512 b =
        bias ? _mm512_maskz_loadu_ps(first_of(left), bias) : _mm512_setzero_ps();
    __m512 s = _mm512_setzero_ps(), q = s;
    for (size_t r = 0; r < SLC_TILE_SIDE; r++, sum += SLC_TILE_SIDE) {
        const __mmask16 m = pixel[r] < 0 ? 0 : 0xffff;
        const __m512 x = widen(narrow(_mm512_add_ps(_mm512_loadu_ps(sum), b)));
        s = _mm512_mask_add_ps(s, m, s, x);
        q = _mm512_mask3_fmadd_ps(x, x, q, m);
    }
    add_doubles(sums, left, s);
    add_doubles(sums + c, left, q);
}

/* store_whole with sums: rows by two, whose numbers of a channel make a pair. */
static inline void store_summed(uint16_t *y, const int32_t pixel[32], size_t c, bool past,
                                double *sums, const float *sum)
{
    const __m512i ones = _mm512_set1_epi16(0x3f80);
    const __m512i first = _mm512_set_epi32(23, 22, 21, 20, 7, 6, 5, 4, 19, 18, 17, 16, 3,
                                           2, 1, 0),
                  second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    __m512 s[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, q[2] = {s[0], s[0]};
    for (size_t r = 0; r < SLC_TILE_SIDE; r += 2) {
        __m512i line[2];
        for (size_t i = 0; i < 2; i++, sum += SLC_TILE_SIDE) {
            line[i] = _mm512_setzero_si512();
            if (pixel[r + i] < 0) continue;
            line[i] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(sum + SLC_TILE),
                                                   _mm512_loadu_ps(sum));
            store_line(y + (size_t)pixel[r + i] * c, past, line[i]);
        }
        const __m512i pair[2] = {_mm512_unpacklo_epi16(line[0], line[1]),
                                 _mm512_unpackhi_epi16(line[0], line[1])};
        for (size_t i = 0; i < 2; i++) {
            s[i] = _mm512_dpbf16_ps(s[i], (__m512bh)pair[i], (__m512bh)ones);
            q[i] = _mm512_dpbf16_ps(q[i], (__m512bh)pair[i], (__m512bh)pair[i]);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const __m512i at = i ? second : first;
        add_doubles(sums + i * SLC_TILE, SLC_TILE,
                    _mm512_permutex2var_ps(s[0], at, s[1]));
        add_doubles(sums + c + i * SLC_TILE, SLC_TILE,
                    _mm512_permutex2var_ps(q[0], at, q[1]));
    }
}

void slc_amx_ask(const slc_amx_out *out, const int32_t pixel[32], size_t first)
{
    if (out->past) return;
    for (size_t r = 0; r < SLC_TILE_SIDE; r++)
        if (pixel[r] >= 0)
            __builtin_prefetch(out->y + (size_t)pixel[r] * out->c + first, 1);
}

void slc_amx_store(const slc_amx_out *out, const int32_t pixel[32], size_t first,
                   const float *sum)
{
    const size_t left = slc_min(out->c - first, SLC_TILE_SIDE);
    const float *bias = out->bias ? out->bias + first : NULL;
    uint16_t *y = out->y + first;
    double *sums = out->sums ? out->sums + first : NULL;
    const bool plain = !bias && !out->add && left == SLC_TILE_SIDE;
    if (!plain)
        store_rows(y, pixel, out->c, left, out->add, bias, sum);
    else if (sums && out->past)
        store_summed(y, pixel, out->c, true, sums, sum);
    else if (sums)
        store_summed(y, pixel, out->c, false, sums, sum);
    else
        store_whole(y, pixel, out->c, out->past, sum);
    if (plain || !sums) return;
    sum_half(sums, out->c, left, pixel, bias, sum);
    if (left > 16)
        sum_half(sums + 16, out->c, left - 16, pixel, bias ? bias + 16 : NULL, sum + 16);
}

/* 16 x 16 words turned: by pairs, fours, and quarters of registers. */
static inline void turn_words(__m512i r[16])
{
    __m512i t[16];
    for (size_t i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (size_t i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (size_t i = 0; i < 4; i++) {
        const __m512i a = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88),
                      b = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd),
                      c = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88),
                      d = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
        t[i] = _mm512_shuffle_i32x4(a, c, 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
        t[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
        t[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
    memcpy(r, t, sizeof(t));
}

/* 16 numbers, across apart, in bf16's upper halves of words. */
static inline __m512i column_words(const float *w, __mmask16 m, __m512i at, bool dense)
{
    const __m512 x = dense ? _mm512_maskz_loadu_ps(m, w)
                           : _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, at, w, 4);
    return _mm512_cvtepu16_epi32(narrow(x));
}

/* Weights whose rows lie side by side: columns as they are, turned. */
static void turn_weights(uint16_t *to, const float *w, size_t columns, size_t rows,
                         size_t across)
{
    const __mmask16 low = first_of(rows), high = first_of(rows > 16 ? rows - 16 : 0);
    for (size_t half = 0; half < 2; half++) {
        __m512i word[SLC_TILE];
        for (size_t i = 0; i < SLC_TILE; i++, w += across) {
            word[i] = _mm512_setzero_si512();
            if (half * SLC_TILE + i < columns)
                word[i] = (__m512i)_mm512_cvtne2ps_pbh(
                    _mm512_maskz_loadu_ps(high, w + 16), _mm512_maskz_loadu_ps(low, w));
        }
        turn_words(word);
        for (size_t r = 0; r < SLC_TILE; r++, to += 2 * SLC_TILE)
            _mm512_storeu_si512(to, word[r]);
    }
}

void slc_amx_weights(uint16_t *to, const float *w, size_t columns, size_t rows,
                     size_t across, size_t down)
{
    if (down == 1) {
        turn_weights(to, w, columns, rows, across);
        return;
    }
    const __m512i at = steps_of(across);
    for (size_t half = 0; half < 2; half++) {
        const size_t from = half * SLC_TILE;
        const __mmask16 m = first_of(columns > from ? columns - from : 0);
        for (size_t r = 0; r < SLC_TILE_DEPTH; r += 2, to += 2 * SLC_TILE) {
            __m512i pair = _mm512_setzero_si512();
            const float *x = w + from * across + r * down;
            if (r < rows) pair = column_words(x, m, at, across == 1);
            if (r + 1 < rows)
                pair = _mm512_or_si512(
                    pair,
                    _mm512_slli_epi32(column_words(x + down, m, at, across == 1), 16));
            _mm512_storeu_si512(to, pair);
        }
    }
}

/* Asks for step number i's part, of steps, of count sums. */
static inline void ask_sums(float *const *next, size_t count, size_t i, size_t steps)
{
    const size_t lines = count * SLC_TILE, each = (lines + steps - 1) / steps;
    for (size_t l = i * each; l < lines && l < (i + 1) * each; l++)
        _mm_prefetch((const char *)(next[l / SLC_TILE] + l % SLC_TILE * SLC_TILE),
                     _MM_HINT_T0);
}

void slc_amx_learn(float *const to[4], float *const next[4], bool add, const uint16_t *a0,
                   const uint16_t *a1, const uint16_t *b0, const uint16_t *b1,
                   size_t steps)
{
    if (add) {
        _tile_loadd(0, to[0], 64);
        _tile_loadd(1, to[1], 64);
        _tile_loadd(2, to[2], 64);
        _tile_loadd(3, to[3], 64);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t s = 0, i = 0; s < steps; s++, i += SLC_TILE_SIZE) {
        _tile_loadd(6, b0 + i, 64);
        _tile_loadd(4, a0 + i, 64);
        _tile_loadd(7, b1 + i, 64);
        _tile_loadd(5, a1 + i, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        if (add) ask_sums(next, 4, s, steps);
    }
    _tile_stored(0, to[0], 64);
    _tile_stored(1, to[1], 64);
    _tile_stored(2, to[2], 64);
    _tile_stored(3, to[3], 64);
}

void slc_amx_learn_rows(float *const to[6], float *const next[6], bool add,
                        const uint16_t *a0, const uint16_t *a1, const uint16_t *b0,
                        const uint16_t *b1, const uint16_t *b2, size_t steps)
{
    if (add) {
        _tile_loadd(0, to[0], 64);
        _tile_loadd(1, to[1], 64);
        _tile_loadd(2, to[2], 64);
        _tile_loadd(3, to[3], 64);
        _tile_loadd(4, to[4], 64);
        _tile_loadd(5, to[5], 64);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        _tile_zero(4);
        _tile_zero(5);
    }
    for (size_t s = 0, i = 0; s < steps; s++, i += SLC_TILE_SIZE) {
        _tile_loadd(6, b0 + i, 64);
        _tile_loadd(7, a0 + i, 64);
        _tile_dpbf16ps(0, 7, 6);
        _tile_loadd(6, b1 + i, 64);
        _tile_dpbf16ps(2, 7, 6);
        _tile_loadd(6, b2 + i, 64);
        _tile_dpbf16ps(4, 7, 6);
        _tile_loadd(7, a1 + i, 64);
        _tile_dpbf16ps(5, 7, 6);
        _tile_loadd(6, b1 + i, 64);
        _tile_dpbf16ps(3, 7, 6);
        _tile_loadd(6, b0 + i, 64);
        _tile_dpbf16ps(1, 7, 6);
        if (add) ask_sums(next, 6, s, steps);
    }
    _tile_stored(0, to[0], 64);
    _tile_stored(1, to[1], 64);
    _tile_stored(2, to[2], 64);
    _tile_stored(3, to[3], 64);
    _tile_stored(4, to[4], 64);
    _tile_stored(5, to[5], 64);
}

/* Words of two pixels' numbers, of 16 channels. */
static inline __m512i pair_words(const uint16_t *a, const uint16_t *b, __mmask16 m)
{
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, a));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, b));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* Asks for a line of each of 32 pixels, if channel k begins one. */
static inline void ask_ahead(const uint16_t *const ahead[32], size_t k)
{
    for (size_t i = 0; k % SLC_TILE_DEPTH == 0 && i < SLC_TILE_DEPTH; i++)
        _mm_prefetch((const char *)(ahead[i] + k), _MM_HINT_T0);
}

/* Batch norm of 16 numbers of channels k and on. */
static inline __m512 normed(__m512 x, const slc_affine *f, size_t k, __mmask16 m)
{
    x = _mm512_add_ps(_mm512_mul_ps(x, _mm512_maskz_loadu_ps(m, f->a + k)),
                      _mm512_maskz_loadu_ps(m, f->b + k));
    x = _mm512_max_ps(_mm512_set1_ps(f->lo), x); /* NaN stays */
    return _mm512_min_ps(_mm512_set1_ps(f->hi), x);
}

/* Words of two pixels' numbers, of 16 channels from k on; what lies at zeros stays 0. */
static inline __m512i normed_words(const uint16_t *a, const uint16_t *b,
                                   const uint16_t *zeros, const slc_affine *f, size_t k,
                                   __mmask16 m)
{
    const __mmask16 low = a == zeros ? 0 : m, high = b == zeros ? 0 : m;
    const __m512 x = normed(widen(_mm256_maskz_loadu_epi16(low, a + k)), f, k, m),
                 y = normed(widen(_mm256_maskz_loadu_epi16(high, b + k)), f, k, m);
    return _mm512_or_si512(
        _mm512_maskz_cvtepu16_epi32(low, narrow(x)),
        _mm512_slli_epi32(_mm512_maskz_cvtepu16_epi32(high, narrow(y)), 16));
}

void slc_amx_pair(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c,
                  const struct slc_affine *norm, const uint16_t *zeros)
{
    for (size_t k = 0; k < c; k += SLC_TILE, to += next) {
        const __mmask16 m = first_of(c - k);
        ask_ahead(ahead, k);
        for (size_t i = 0; i < SLC_TILE; i++)
            _mm512_storeu_si512(
                to + i * 2 * SLC_TILE,
                norm ? normed_words(x[2 * i], x[2 * i + 1], zeros, norm, k, m)
                     : pair_words(x[2 * i] + k, x[2 * i + 1] + k, m));
    }
}

void slc_amx_norm(uint16_t *to, const uint16_t *x, size_t count, size_t c,
                  const struct slc_affine *norm)
{
    enum { AHEAD = 2048 }; /* a page */
    for (size_t i = 0; i < count; i++, x += c, to += c)
        for (size_t k = 0; k < c; k += SLC_TILE) {
            const __mmask16 m = first_of(c - k);
            _mm_prefetch((const char *)(x + k + AHEAD), _MM_HINT_T0);
            const __m512 y =
                normed(widen(_mm256_maskz_loadu_epi16(m, x + k)), norm, k, m);
            _mm256_mask_storeu_epi16(to + k, m, narrow(y));
        }
}

void slc_amx_give(float *w, bool add, size_t rows, size_t columns, size_t across,
                  size_t down, const float *sum)
{
    const __mmask16 m = first_of(columns);
    const __m512i at = steps_of(down);
    for (size_t r = 0; r < rows; r++, w += across, sum += SLC_TILE) {
        __m512 s = _mm512_loadu_ps(sum);
        if (add)
            s = _mm512_add_ps(s,
                              _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, at, w, 4));
        if (down == 1)
            _mm512_mask_storeu_ps(w, m, s);
        else
            _mm512_mask_i32scatter_ps(w, m, at, s, 4);
    }
}

void slc_amx_turn(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c)
{
    for (size_t k = 0; k < c; k += SLC_TILE, to += next) {
        ask_ahead(ahead, k);
        const __mmask16 m = first_of(c - k);
        __m512i word[SLC_TILE];
        for (size_t i = 0; i < SLC_TILE; i++)
            word[i] = pair_words(x[2 * i] + k, x[2 * i + 1] + k, m);
        turn_words(word);
        for (size_t i = 0; i < SLC_TILE; i++)
            _mm512_storeu_si512(to + i * SLC_TILE_DEPTH, word[i]);
    }
}
