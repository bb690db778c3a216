/* The arithmetic of tint.h, compiled once for each instruction set. Before it is included,
 * split() and merge() exist (planes_*.h) and TINT names the table to define. */
#include <string.h>

enum { BLOCK = SLC_PLANES_BLOCK };

/* 64 px in planes. */
typedef struct block {
    _Alignas(64) uint8_t r[BLOCK], g[BLOCK], b[BLOCK];
} block;

/* Calls step on blocks of a row; the last one goes through a padded copy. */
#define FOR_BLOCKS(step)                                                                 \
    do {                                                                                 \
        size_t at = 0;                                                                   \
        for (; at + BLOCK <= w; at += BLOCK)                                             \
            step(dst + 3 * at, src + 3 * at);                                            \
        if (at < w) {                                                                    \
            uint8_t tail[3 * BLOCK] = {0};                                               \
            memcpy(tail, src + 3 * at, 3 * (w - at));                                    \
            step(tail, tail);                                                            \
            memcpy(dst + 3 * at, tail, 3 * (w - at));                                    \
        }                                                                                \
    } while (0)

static inline uint8_t luma(uint8_t r, uint8_t g, uint8_t b)
{
    return (uint8_t)((19595u * r + 38470u * g + 7471u * b + 32768u) >> 16);
}

static inline void luma_block(uint8_t *restrict out, const block *p)
{
    for (int i = 0; i < BLOCK; i++)
        out[i] = luma(p->r[i], p->g[i], p->b[i]);
}

static void grey(uint8_t *dst, const uint8_t *src, size_t w)
{
    block p;
    uint8_t out[BLOCK];
    for (size_t at = 0; at < w; at += BLOCK) {
        const size_t n = w - at < BLOCK ? w - at : BLOCK;
        uint8_t tail[3 * BLOCK];
        const uint8_t *from = src + 3 * at;
        if (n < BLOCK) {
            memset(tail, 0, sizeof(tail));
            from = memcpy(tail, from, 3 * n);
        }
        split(p.r, p.g, p.b, from);
        luma_block(out, &p);
        memcpy(dst + at, out, n);
    }
}

static uint64_t grey_sum(const uint8_t *src, size_t w)
{
    uint64_t total = 0;
    block p;
    size_t at = 0;
    for (; at + BLOCK <= w; at += BLOCK) {
        uint32_t sum = 0;
        split(p.r, p.g, p.b, src + 3 * at);
        for (int i = 0; i < BLOCK; i++)
            sum += (19595u * p.r[i] + 38470u * p.g[i] + 7471u * p.b[i] + 32768u) >> 16;
        total += sum;
    }
    for (; at < w; at++)
        total += luma(src[3 * at], src[3 * at + 1], src[3 * at + 2]);
    return total;
}

static inline void grey3_block(uint8_t *dst, const uint8_t *src)
{
    block p;
    uint8_t out[BLOCK];
    split(p.r, p.g, p.b, src);
    luma_block(out, &p);
    merge(dst, out, out, out);
}

static void grey3(uint8_t *dst, const uint8_t *src, size_t w)
{
    FOR_BLOCKS(grey3_block);
}

/* In int, so that the clamp is a min and a max; |factor| is at most 2^20. */
static inline uint8_t mix(uint8_t from, uint8_t to, float factor)
{
    const int v = (int)((float)from + factor * (float)((int)to - (int)from));
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static inline void saturate_block(uint8_t *dst, const uint8_t *src, float factor)
{
    block p;
    uint8_t y[BLOCK];
    split(p.r, p.g, p.b, src);
    luma_block(y, &p);
    for (int i = 0; i < BLOCK; i++)
        p.r[i] = mix(y[i], p.r[i], factor);
    for (int i = 0; i < BLOCK; i++)
        p.g[i] = mix(y[i], p.g[i], factor);
    for (int i = 0; i < BLOCK; i++)
        p.b[i] = mix(y[i], p.b[i], factor);
    merge(dst, p.r, p.g, p.b);
}

static void saturate(uint8_t *dst, const uint8_t *src, size_t w, float factor)
{
#define STEP(out, in) saturate_block(out, in, factor)
    FOR_BLOCKS(STEP);
#undef STEP
}

static inline void matrix_block(uint8_t *dst, const uint8_t *src, const float m[3][4])
{
    block p;
    uint8_t out[3][BLOCK];
    split(p.r, p.g, p.b, src);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < BLOCK; i++) {
            /* floor by truncation: values are kept above -2^20. */
            const float t = m[c][0] * (float)p.r[i] + m[c][1] * (float)p.g[i] +
                            m[c][2] * (float)p.b[i] + m[c][3] + 0.5f;
            const int v = t < 0 ? 0 : (int)t;
            out[c][i] = (uint8_t)(v > 255 ? 255 : v);
        }
    merge(dst, out[0], out[1], out[2]);
}

static void matrix(uint8_t *dst, const uint8_t *src, size_t w, const float m[3][4])
{
#define STEP(out, in) matrix_block(out, in, m)
    FOR_BLOCKS(STEP);
#undef STEP
}

/* Hue. Between the largest and the smallest of the channels lies the middle one; with
 * x = (max - mid) / (max - min), the angle in sixths of a turn is base + sign * x:
 *
 *   largest  smallest  base  sign   sector
 *      R        G       -1     +    (below 0: a turn is added)
 *      R        B       +1     -
 *      G        B       +1     +
 *      G        R       +3     -
 *      B        R       +3     +
 *      B        G       +5     -
 *
 * Among equals Pillow takes R before G before B as the largest. */
typedef struct hsv {
    uint8_t h[BLOCK], s[BLOCK], v[BLOCK];
} hsv;

static inline int largest(int a, int b)
{
    return a > b ? a : b;
}

static inline int smallest(int a, int b)
{
    return a < b ? a : b;
}

static inline void to_hsv(hsv *restrict out, const block *restrict p)
{
    for (int i = 0; i < BLOCK; i++) {
        const int r = p->r[i], g = p->g[i], b = p->b[i];
        const int most = largest(r, largest(g, b)), least = smallest(r, smallest(g, b));
        const int mid = r + g + b - most - least, range = most - least;
        const int is_r = r == most, is_g = (g == most) & !is_r;
        const int turn = is_r & (g < b);
        /* What is larger of the other two, seen round the circle, moves away from base. */
        const int up = is_r ? g < b : is_g ? r > b : g > r;
        const int base = is_r ? 1 - 2 * up : is_g ? 3 - 2 * up : 5 - 2 * up;
        const int sign = 2 * up - 1;
        const float x = (float)(most - mid) / (float)largest(range, 1);
        const float h = ((float)base + (float)sign * x) / 6.0f + (float)turn;
        const float s = (float)range / (float)largest(most, 1);
        out->h[i] = (uint8_t)(range ? (int)(h * 255.0f) : 0);
        out->s[i] = (uint8_t)(int)(s * 255.0f);
        out->v[i] = (uint8_t)most;
    }
}

/* Sector i = h * 6 / 255 and the rest m of it, in 255ths; odd sectors fall, even ones rise. */
static inline void from_hsv(block *restrict out, const hsv *restrict p, uint8_t shift)
{
    for (int i = 0; i < BLOCK; i++) {
        const int h = (p->h[i] + shift) & 255, s = p->s[i], v = p->v[i];
        const int sector6 = (6 * h * 257 + 257) >> 16; /* 6 h / 255, h to 255 */
        const int m = 6 * h - 255 * sector6;
        const int sector = sector6 == 6 ? 0 : sector6;
        const int part = sector & 1 ? m : 255 - m;
        const int low2 = v * (255 - s) + 127; /* no ties: 255 is odd */
        const int low = (low2 * 257 + 257) >> 16;
        const float n = (float)(v * (65025 - s * part));
        const int mid = (int)(n / 65025.0f + 0.5f);
        /* As masks: the vectoriser gives up on || and on chains of ?:. */
        const int s0 = -(sector == 0), s1 = -(sector == 1), s2 = -(sector == 2);
        const int s3 = -(sector == 3), s4 = -(sector == 4), s5 = -(sector == 5);
        out->r[i] = (uint8_t)((v & (s0 | s5)) | (mid & (s1 | s4)) | (low & (s2 | s3)));
        out->g[i] = (uint8_t)((v & (s1 | s2)) | (mid & (s0 | s3)) | (low & (s4 | s5)));
        out->b[i] = (uint8_t)((v & (s3 | s4)) | (mid & (s2 | s5)) | (low & (s0 | s1)));
    }
}

static inline void hue_block(uint8_t *dst, const uint8_t *src, uint8_t shift)
{
    block p;
    hsv t;
    split(p.r, p.g, p.b, src);
    to_hsv(&t, &p);
    from_hsv(&p, &t, shift);
    merge(dst, p.r, p.g, p.b);
}

static void hue(uint8_t *dst, const uint8_t *src, size_t w, uint8_t shift)
{
#define STEP(out, in) hue_block(out, in, shift)
    FOR_BLOCKS(STEP);
#undef STEP
}

/* One of up and down is 0, so that each may be cut off for itself, in bytes. */
static inline void shift_block(uint8_t *dst, const uint8_t *src, const uint8_t *was,
                               const uint8_t *is)
{
    uint8_t up[BLOCK], down[BLOCK], up3[3 * BLOCK], down3[3 * BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        up[i] = (uint8_t)((is[i] > was[i] ? is[i] : was[i]) - was[i]);
        down[i] = (uint8_t)((is[i] > was[i] ? is[i] : was[i]) - is[i]);
    }
    merge(up3, up, up, up);
    merge(down3, down, down, down);
    for (int i = 0; i < 3 * BLOCK; i++) {
        const uint8_t room = (uint8_t)(255 - src[i]);
        const uint8_t v = (uint8_t)(src[i] + (up3[i] < room ? up3[i] : room));
        dst[i] = (uint8_t)(v - (down3[i] < v ? down3[i] : v));
    }
}

static void shift(uint8_t *dst, const uint8_t *src, const uint8_t *was, const uint8_t *is,
                  size_t w)
{
    size_t at = 0;
    for (; at + BLOCK <= w; at += BLOCK)
        shift_block(dst + 3 * at, src + 3 * at, was + at, is + at);
    if (at == w) return;
    uint8_t px[3 * BLOCK] = {0}, old[BLOCK] = {0}, new[BLOCK] = {0};
    memcpy(px, src + 3 * at, 3 * (w - at));
    memcpy(old, was + at, w - at);
    memcpy(new, is + at, w - at);
    shift_block(px, px, old, new);
    memcpy(dst + 3 * at, px, 3 * (w - at));
}

const slc_tint TINT = {grey, grey_sum, grey3, saturate, hue, matrix, shift};
