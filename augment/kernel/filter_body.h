/* The arithmetic of filter.h, compiled once for each instruction set; FILTERS names the table
 * to define; ADD, DOWN, EVEN_DOWN and SMOOTH are a set's own, if defined. Blocks of fixed length
 * keep the sums in registers. */
#include <string.h>

enum { BLOCK = 64, REACH = 16 }; /* REACH: 5 px of 3 channels, and some */

#ifndef SMOOTH
#define SMOOTH smooth
static void smooth(uint8_t *restrict dst, const uint8_t *above, const uint8_t *row,
                   const uint8_t *below, size_t n, size_t step)
{
    for (size_t i = step; i + step < n; i++) {
        const unsigned up = (unsigned)above[i - step] + above[i] + above[i + step];
        const unsigned here = (unsigned)row[i - step] + 5u * row[i] + row[i + step];
        const unsigned under = (unsigned)below[i - step] + below[i] + below[i + step];
        /* sum / 13 to the nearest; 13 is odd, so there are no ties. 5042 = ceil(65536 / 13)
         * divides exactly up to 13 * 255 + 6. */
        const uint16_t sum = (uint16_t)(up + here + under + 6);
        dst[i] = (uint8_t)((sum * 5042u) >> 16);
    }
}
#endif

/* A block, or as much of it as is left; the constant length matters. */
static inline void put(uint8_t *restrict dst, const uint8_t block[BLOCK], size_t left)
{
    if (left >= BLOCK)
        memcpy(dst, block, BLOCK);
    else
        memcpy(dst, block, left);
}

static inline uint8_t low(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static inline uint8_t high(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static inline uint8_t middle(uint8_t a, uint8_t b, uint8_t c)
{
    return high(low(a, b), low(high(a, b), c));
}

/* With columns sorted, the median of nine is the median of: the largest of the lows, the
 * median of the middles, the smallest of the highs (Smith 1996). */
static inline void median3_strip(uint8_t *restrict dst, const uint8_t *above,
                                 const uint8_t *row, const uint8_t *below, size_t n,
                                 size_t step)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t lo[3], mid[3], hi[3];
        for (int k = 0; k < 3; k++) {
            const size_t at = i + (size_t)k * step;
            const uint8_t a = above[at], b = row[at], c = below[at];
            lo[k] = low(low(a, b), c);
            hi[k] = high(high(a, b), c);
            mid[k] = middle(a, b, c);
        }
        dst[i] = middle(high(high(lo[0], lo[1]), lo[2]), middle(mid[0], mid[1], mid[2]),
                        low(low(hi[0], hi[1]), hi[2]));
    }
}

/* In strips of fixed length, the last one over the one before. */
static void median3(uint8_t *restrict dst, const uint8_t *above, const uint8_t *row,
                    const uint8_t *below, size_t n, size_t step)
{
    enum { STRIP = 32 };
    const size_t inside = n > 2 * step ? n - 2 * step : 0;
    if (inside < STRIP) {
        median3_strip(dst + step, above, row, below, inside, step);
        return;
    }
    for (size_t i = 0; i < inside; i += STRIP) {
        const size_t at = i < inside - STRIP ? i : inside - STRIP;
        median3_strip(dst + step + at, above + at, row + at, below + at, STRIP, step);
    }
}

static inline void order(uint8_t *a, uint8_t *b)
{
    const uint8_t least = low(*a, *b);
    *b = high(*a, *b);
    *a = least;
}

/* The least two of five come first. */
static inline void least_first(uint8_t v[5])
{
    order(&v[0], &v[1]), order(&v[0], &v[2]), order(&v[0], &v[3]), order(&v[0], &v[4]);
    order(&v[1], &v[2]), order(&v[1], &v[3]), order(&v[1], &v[4]);
}

static inline void largest_last(uint8_t v[5])
{
    order(&v[0], &v[4]), order(&v[1], &v[4]), order(&v[2], &v[4]), order(&v[3], &v[4]);
    order(&v[0], &v[3]), order(&v[1], &v[3]), order(&v[2], &v[3]);
}

/* v[0] becomes the least, v[n - 1] the largest. */
static inline __attribute__((always_inline)) void ends(uint8_t *v, int n)
{
#pragma GCC unroll 4
    for (int i = 0; i < n / 2; i++)
        order(&v[i], &v[n - 1 - i]);
#pragma GCC unroll 4
    for (int i = 1; i < (n + 1) / 2; i++) {
        order(&v[0], &v[i]);
        order(&v[n - 1 - i], &v[n - 1]);
    }
}

/* The middle of 13: the least and the largest of eight cannot be it; one of the rest takes
 * their place, and so on (forgetful selection). */
static inline uint8_t middle13(uint8_t v[13])
{
    ends(v, 8), v[0] = v[8];
    ends(v, 7), v[0] = v[9];
    ends(v, 6), v[0] = v[10];
    ends(v, 5), v[0] = v[11];
    ends(v, 4), v[0] = v[12];
    return middle(v[0], v[1], v[2]);
}

typedef struct columns {
    _Alignas(64) uint8_t at[5][BLOCK + REACH];
} columns;

/* Columns of five, sorted from top to bottom. */
static inline void sort_columns(columns *restrict out, const uint8_t *const *rows,
                                size_t from)
{
    const uint8_t *a = rows[0] + from, *b = rows[1] + from, *c = rows[2] + from,
                  *d = rows[3] + from, *e = rows[4] + from;
    for (size_t i = 0; i < BLOCK + REACH; i++) {
        uint8_t v[5] = {a[i], b[i], c[i], d[i], e[i]};
        order(&v[0], &v[1]), order(&v[3], &v[4]), order(&v[2], &v[4]);
        order(&v[2], &v[3]), order(&v[0], &v[3]), order(&v[0], &v[2]);
        order(&v[1], &v[4]), order(&v[1], &v[3]), order(&v[1], &v[2]);
        out->at[0][i] = v[0];
        out->at[1][i] = v[1];
        out->at[2][i] = v[2];
        out->at[3][i] = v[3];
        out->at[4][i] = v[4];
    }
}

/* With columns and then rows sorted, 12 of the 25 have too many on one side: among the largest
 * two of the least row, and so on to the least two of the largest, is the median. */
static inline void merge_columns(uint8_t *restrict dst, const columns *restrict sorted,
                                 size_t step)
{
    for (size_t i = 0; i < BLOCK; i++) {
#define ROW(y)                                                                           \
    {sorted->at[y][i], sorted->at[y][i + step], sorted->at[y][i + 2 * step],             \
     sorted->at[y][i + 3 * step], sorted->at[y][i + 4 * step]}
        uint8_t a[5] = ROW(0), b[5] = ROW(1), c[5] = ROW(2), d[5] = ROW(3), e[5] = ROW(4);
#undef ROW
        largest_last(a), least_first(b), ends(c, 5), largest_last(d), least_first(e);
        dst[i] = middle13((uint8_t[]){a[3], a[4], b[2], b[3], b[4], c[1], c[2], c[3],
                                      d[0], d[1], d[2], e[0], e[1]});
    }
}

static void median5(uint8_t *restrict dst, const uint8_t *const rows[5], size_t n,
                    size_t step)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        columns sorted;
        uint8_t out[BLOCK];
        sort_columns(&sorted, rows, i);
        merge_columns(out, &sorted, step);
        put(dst + i, out, n - i);
    }
}

/* How many of size x size values reach least; a loop of its own for the vectoriser. */
static inline void count_block(uint8_t *restrict count, const uint8_t *const *rows,
                               size_t at, size_t size, size_t step,
                               const uint8_t *restrict least)
{
    uint8_t sum[BLOCK] = {0};
    for (size_t y = 0; y < size; y++)
        for (size_t x = 0; x < size; x++) {
            const uint8_t *v = rows[y] + at + x * step;
            for (size_t k = 0; k < BLOCK; k++)
                sum[k] = (uint8_t)(sum[k] - (v[k] >= least[k] ? 255 : 0));
        }
    memcpy(count, sum, sizeof(sum));
}

/* Bit by bit from the top: a bit stays if at least half of the values reach the number so
 * far. */
static void median(uint8_t *restrict dst, const uint8_t *const *rows, size_t size,
                   size_t n, size_t step)
{
    const uint8_t half = (uint8_t)((size * size + 1) / 2);
    for (size_t i = 0; i < n; i += BLOCK) {
        uint8_t found[BLOCK] = {0}, next[BLOCK], count[BLOCK];
        for (unsigned bit = 128; bit; bit >>= 1) {
            for (size_t k = 0; k < BLOCK; k++)
                next[k] = (uint8_t)(found[k] | bit);
            count_block(count, rows, i, size, step, next);
            for (size_t k = 0; k < BLOCK; k++)
                found[k] |= (uint8_t)(count[k] >= half ? bit : 0);
        }
        put(dst + i, found, n - i);
    }
}

static void blend(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n, float alpha)
{
    for (size_t i = 0; i < n; i++) {
        const int v = (int)((float)a[i] + alpha * (float)((int)b[i] - (int)a[i]));
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static inline void put_sums(float *restrict dst, const float sum[BLOCK], size_t left)
{
    if (left >= BLOCK)
        memcpy(dst, sum, BLOCK * sizeof(*sum));
    else
        memcpy(dst, sum, left * sizeof(*sum));
}

#ifndef DOWN
#define DOWN down
static void down(float *restrict dst, const uint8_t *const *rows, const float *taps,
                 size_t count, size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        _Alignas(64) float sum[BLOCK];
        for (size_t k = 0; k < BLOCK; k++)
            sum[k] = taps[0] * (float)rows[0][i + k];
        for (size_t t = 1; t < count; t++)
            for (size_t k = 0; k < BLOCK; k++)
                sum[k] += taps[t] * (float)rows[t][i + k];
        put_sums(dst + i, sum, n - i);
    }
}
#endif

static void weigh(float *restrict dst, const float *const *rows, const float *taps,
                  size_t count, size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        _Alignas(64) float sum[BLOCK];
        for (size_t k = 0; k < BLOCK; k++)
            sum[k] = taps[0] * rows[0][i + k];
        for (size_t t = 1; t < count; t++)
            for (size_t k = 0; k < BLOCK; k++)
                sum[k] += taps[t] * rows[t][i + k];
        put_sums(dst + i, sum, n - i);
    }
}

/* The high half of a product of unsigned 16-bit numbers. */
static inline uint16_t high_half(uint16_t a, uint16_t b)
{
    return (uint16_t)(((uint32_t)a * b) >> 16);
}

#ifndef EVEN_DOWN
#define EVEN_DOWN even_down
static void even_down(uint16_t *restrict dst, const uint8_t *const *rows,
                      const uint16_t *taps, size_t count, size_t n)
{
    const size_t middle = count / 2;
    for (size_t i = 0; i < n; i += BLOCK) {
        uint16_t rest[BLOCK], *restrict to = n - i < BLOCK ? rest : dst + i;
        _Alignas(64) uint16_t sum[BLOCK];
        for (size_t k = 0; k < BLOCK; k++)
            sum[k] = high_half((uint16_t)(rows[middle][i + k] << 7), taps[middle]);
        for (size_t t = 0; t < middle; t++) {
            const uint8_t *a = rows[t] + i, *b = rows[count - 1 - t] + i;
            for (size_t k = 0; k < BLOCK; k++)
                sum[k] += high_half((uint16_t)((a[k] + b[k]) << 7), taps[t]);
        }
        for (size_t k = 0; k < BLOCK; k++)
            to[k] = (uint16_t)(sum[k] + count / 4);
        if (to == rest) memcpy(dst + i, rest, (n - i) * sizeof(*rest));
    }
}
#endif

static void even_across(uint8_t *restrict dst, const uint16_t *restrict src,
                        const uint16_t *taps, size_t count, size_t n, size_t step)
{
    const size_t middle = count / 2;
    for (size_t i = 0; i < n; i += BLOCK) {
        uint8_t rest[BLOCK], *restrict to = n - i < BLOCK ? rest : dst + i;
        _Alignas(64) uint16_t sum[BLOCK];
        for (size_t k = 0; k < BLOCK; k++)
            sum[k] = high_half(src[i + middle * step + k], taps[middle]);
        for (size_t t = 0; t < middle; t++) {
            const uint16_t *a = src + i + t * step, *b = src + i + (count - 1 - t) * step;
            for (size_t k = 0; k < BLOCK; k++)
                sum[k] += high_half((uint16_t)(a[k] + b[k]), taps[t]);
        }
        for (size_t k = 0; k < BLOCK; k++)
            to[k] = (uint8_t)((sum[k] + count / 4 + 64) >> 7);
        if (to == rest) memcpy(dst + i, rest, n - i);
    }
}

/* To the nearest, ties to even, from 0 to 255: beside 2^23 there is no room for bits below one,
 * and the lowest byte is the number. */
static inline uint8_t level(float v)
{
    const float sum = v + 8388608.0f;
    uint32_t bits;
    memcpy(&bits, &sum, sizeof(bits));
    return (uint8_t)bits;
}

static void nearest(uint8_t *restrict dst, const float *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = level(src[i]);
}

#ifndef ADD
#define ADD add
static void add(float *restrict sum, const uint8_t *restrict src, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += weight * (float)src[i];
}
#endif

static void cut(uint8_t *restrict dst, const float *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int v = (int)src[i];
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static inline uint8_t box_level(uint32_t inside, uint32_t ends, const uint32_t weight[2])
{
    return (uint8_t)((inside * weight[0] + ends * weight[1] + (1u << 23)) >> 24);
}

static void box_across(uint8_t *restrict dst, const uint32_t *first, const uint32_t *last,
                       const uint8_t *before, const uint8_t *after,
                       const uint32_t weight[2], size_t n)
{
    const uint32_t w[2] = {weight[0], weight[1]};
    for (size_t i = 0; i < n; i++)
        dst[i] = box_level(last[i] - first[i], (uint32_t)before[i] + after[i], w);
}

static void box_down(uint8_t *restrict dst, uint32_t *restrict sum, const uint8_t *before,
                     const uint8_t *last, const uint8_t *after, const uint32_t weight[2],
                     size_t n)
{
    const uint32_t w[2] = {weight[0], weight[1]};
    for (size_t i = 0; i < n; i++) {
        sum[i] += (uint32_t)last[i] - before[i];
        dst[i] = box_level(sum[i], (uint32_t)before[i] + after[i], w);
    }
}

static void between(uint8_t *restrict dst, const slc_corners *restrict corners,
                    const float *restrict right, float under, size_t n)
{
    const float over = 1.0f - under;
    for (size_t i = 0; i < n; i++) {
        const int four = (int)corners[i];
        const float r = right[i], l = 1.0f - r;
        const float up = (float)(four & 255) * l + (float)(four >> 8 & 255) * r;
        const float lo = (float)(four >> 16 & 255) * l + (float)(four >> 24 & 255) * r;
        dst[i] = level(up * over + lo * under);
    }
}

const slc_filters FILTERS = {.smooth = SMOOTH,
                             .median3 = median3,
                             .median5 = median5,
                             .median = median,
                             .blend = blend,
                             .down = DOWN,
                             .weigh = weigh,
                             .even_down = EVEN_DOWN,
                             .even_across = even_across,
                             .nearest = nearest,
                             .add = ADD,
                             .cut = cut,
                             .box_across = box_across,
                             .box_down = box_down,
                             .between = between};
