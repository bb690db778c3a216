/* The arithmetic of filter.h, compiled once for each instruction set; FILTERS names the table
 * to define. Blocks of fixed length keep the sums in registers. */
#include <string.h>

enum { BLOCK = 64 };

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
static void median3(uint8_t *restrict dst, const uint8_t *above, const uint8_t *row,
                    const uint8_t *below, size_t n, size_t step)
{
    for (size_t i = step; i + step < n; i++) {
        uint8_t lo[3], mid[3], hi[3];
        for (int k = 0; k < 3; k++) {
            const size_t at = i + (size_t)k * step - step;
            const uint8_t a = above[at], b = row[at], c = below[at];
            lo[k] = low(low(a, b), c);
            hi[k] = high(high(a, b), c);
            mid[k] = middle(a, b, c);
        }
        dst[i] = middle(high(high(lo[0], lo[1]), lo[2]), middle(mid[0], mid[1], mid[2]),
                        low(low(hi[0], hi[1]), hi[2]));
    }
}

/* count += a >= b, for one block. Loops of their own, so that the vectoriser sees nothing
 * else. */
static inline void count_block(uint8_t *restrict count, const uint8_t *restrict a,
                               const uint8_t *restrict b)
{
    for (size_t k = 0; k < BLOCK; k++)
        count[k] = (uint8_t)(count[k] + (a[k] >= b[k] ? 1 : 0));
}

static inline void keep_block(uint8_t *restrict found, const uint8_t *restrict next,
                              const uint8_t *restrict count, uint8_t least)
{
    for (size_t k = 0; k < BLOCK; k++)
        found[k] = count[k] >= least ? next[k] : found[k];
}

/* Bit by bit from the top: a bit stays if at least half of the values reach the number so far.
 * Counting is what vectors do best; a histogram that slides loses by 3 to 10 times. */
static void median(uint8_t *restrict dst, const uint8_t *const *rows, size_t size,
                   size_t n, size_t step)
{
    const uint8_t half = (uint8_t)((size * size + 1) / 2);
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t m = n - i < BLOCK ? n - i : BLOCK;
        _Alignas(64) uint8_t found[BLOCK] = {0}, next[BLOCK], count[BLOCK];
        for (unsigned bit = 128; bit; bit >>= 1) {
            for (size_t k = 0; k < BLOCK; k++)
                next[k] = (uint8_t)(found[k] | bit);
            memset(count, 0, sizeof(count));
            for (size_t y = 0; y < size; y++)
                for (size_t x = 0; x < size; x++)
                    count_block(count, rows[y] + i + x * step, next);
            keep_block(found, next, count, half);
        }
        memcpy(dst + i, found, m);
    }
}

static void blend(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n, float alpha)
{
    for (size_t i = 0; i < n; i++) {
        const int v = (int)((float)a[i] + alpha * (float)((int)b[i] - (int)a[i]));
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

/* sum += weight * src, for one block: bytes, then floats. */
static inline void weigh_bytes(float *restrict sum, const uint8_t *restrict src,
                               float weight)
{
    for (size_t k = 0; k < BLOCK; k++)
        sum[k] += weight * (float)src[k];
}

static inline void weigh_floats(float *restrict sum, const float *restrict src,
                                float weight)
{
    for (size_t k = 0; k < BLOCK; k++)
        sum[k] += weight * src[k];
}

static void down(float *restrict dst, const uint8_t *const *rows, const float *taps,
                 size_t count, size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        _Alignas(64) float sum[BLOCK] = {0};
        for (size_t t = 0; t < count; t++)
            weigh_bytes(sum, rows[t] + i, taps[t]);
        memcpy(dst + i, sum, sizeof(sum[0]) * (n - i < BLOCK ? n - i : BLOCK));
    }
}

/* To the nearest, ties to even: adding 1.5 * 2^23 leaves no bits below one. */
static inline uint8_t level(float v)
{
    const int i = (int)((v + 12582912.0f) - 12582912.0f);
    return (uint8_t)(i < 0 ? 0 : i > 255 ? 255 : i);
}

static void across(uint8_t *restrict dst, const float *restrict src, const float *taps,
                   size_t count, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        _Alignas(64) float sum[BLOCK] = {0};
        _Alignas(64) uint8_t out[BLOCK];
        for (size_t t = 0; t < count; t++)
            weigh_floats(sum, src + i + t * step, taps[t]);
        for (size_t k = 0; k < BLOCK; k++)
            out[k] = level(sum[k]);
        memcpy(dst + i, out, n - i < BLOCK ? n - i : BLOCK);
    }
}

static void add(float *restrict sum, const uint8_t *restrict src, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += weight * (float)src[i];
}

static void cut(uint8_t *restrict dst, const float *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int v = (int)src[i];
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void box(uint8_t *restrict dst, uint32_t *restrict sum, const uint8_t *before,
                const uint8_t *last, const uint8_t *after, const uint32_t weight[2],
                size_t n)
{
    const uint32_t whole = weight[0], end = weight[1];
    for (size_t i = 0; i < n; i++) {
        const uint32_t inside = sum[i] + last[i] - before[i];
        const uint32_t ends = (uint32_t)before[i] + after[i];
        sum[i] = inside;
        dst[i] = (uint8_t)((inside * whole + ends * end + (1u << 23)) >> 24);
    }
}

const slc_filters FILTERS = {smooth, median3, median, blend, down, across, add, cut, box};
