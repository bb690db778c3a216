/* The arithmetic of filter.h, compiled once for each instruction set; FILTERS names the table
 * to define. Blocks of fixed length keep the sums in registers. */
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

/* Bit by bit from the top: a bit stays if at least half of the values reach the number so far.
 * Counting is what vectors do best; a histogram that slides loses by 3 to 10 times. */
static void median(uint8_t *restrict dst, const uint8_t *const *rows, size_t size,
                   size_t n, size_t step)
{
    const uint8_t half = (uint8_t)((size * size + 1) / 2);
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t m = n - i < BLOCK ? n - i : BLOCK;
        uint8_t found[BLOCK] = {0};
        for (unsigned bit = 128; bit; bit >>= 1) {
            uint8_t next[BLOCK], count[BLOCK] = {0};
            for (int k = 0; k < BLOCK; k++)
                next[k] = (uint8_t)(found[k] | bit);
            for (size_t t = 0; t < size * size; t++) {
                const uint8_t *src = rows[t / size] + i + t % size * step;
                for (int k = 0; k < BLOCK; k++)
                    count[k] = (uint8_t)(count[k] + (src[k] >= next[k]));
            }
            for (int k = 0; k < BLOCK; k++)
                found[k] = count[k] >= half ? next[k] : found[k];
        }
        for (size_t k = 0; k < m; k++)
            dst[i + k] = found[k];
    }
}

static void blend(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n, float alpha)
{
    for (size_t i = 0; i < n; i++) {
        const int v = (int)((float)a[i] + alpha * (float)((int)b[i] - (int)a[i]));
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void down(float *restrict dst, const uint8_t *const *rows, const float *taps,
                 size_t count, size_t n)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        float sum[BLOCK] = {0};
        for (size_t t = 0; t < count; t++)
            for (int k = 0; k < BLOCK; k++)
                sum[k] += taps[t] * (float)rows[t][i + (size_t)k];
        for (int k = 0; k < BLOCK; k++)
            dst[i + (size_t)k] = sum[k];
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < count; t++)
            sum += taps[t] * (float)rows[t][i];
        dst[i] = sum;
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
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        float sum[BLOCK] = {0};
        for (size_t t = 0; t < count; t++)
            for (int k = 0; k < BLOCK; k++)
                sum[k] += taps[t] * src[i + (size_t)k + t * step];
        for (int k = 0; k < BLOCK; k++)
            dst[i + (size_t)k] = level(sum[k]);
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < count; t++)
            sum += taps[t] * src[i + t * step];
        dst[i] = level(sum);
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

const slc_filters FILTERS = {smooth, median3, median, blend, down, across, add, cut};
