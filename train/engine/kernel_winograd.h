/* Winograd's F(4 x 4, 3 x 3): the transforms, a tile at a time, and the products of planes.
 * A plane of tiles x channels lies in panels of PANEL channels, [channel
 * / PANEL][tile][PANEL], as the products read it: nothing is packed twice. Numbers past the
 * last channel of a panel are never used. */
#ifndef TRAIN_ENGINE_KERNEL_WINOGRAD_H
#define TRAIN_ENGINE_KERNEL_WINOGRAD_H

#include "train/engine/kernel_vec.h"

/* n is a constant where it is called, V but for the last channels. */
INLINE vecf tile_load(const float *p, size_t n)
{
    vecf part = {0};
    if (n == V) return *(const vecf_any *)p;
    memcpy(&part, p, n * sizeof(float));
    return part;
}

INLINE void tile_store(float *p, vecf v, size_t n)
{
    if (n == V)
        *(vecf_any *)p = v;
    else
        memcpy(p, &v, n * sizeof(float));
}

/* Where a pixel's channels lie; NULL: outside the image. */
INLINE const float *pixel_of(const float *image, const slc_tile *t, size_t i, size_t j)
{
    const ptrdiff_t y = t->y + (ptrdiff_t)i, x = t->x + (ptrdiff_t)j;
    if (y < 0 || x < 0 || y >= (ptrdiff_t)t->h || x >= (ptrdiff_t)t->w) return NULL;
    return image + ((size_t)y * t->w + (size_t)x) * t->c;
}

INLINE const float *pixel_or_zeros(const float *image, const slc_tile *t, size_t i,
                                   size_t j)
{
    const float *const at = pixel_of(image, t, i, j);
    return at ? at : t->zeros;
}

/* Whether all side x side pixels lie in the image. */
INLINE bool tile_inside(const slc_tile *t, ptrdiff_t side)
{
    return t->y >= 0 && t->x >= 0 && t->y + side <= (ptrdiff_t)t->h &&
           t->x + side <= (ptrdiff_t)t->w;
}

enum {
    PANEL = 2 * V,
    ROWS = 3 * V / 4, /* of a product at a time: their sums fill the registers */
    FEWER = V / 2
};

/* Runs call(k, n) over the tile's channels, n of them from k on. */
#define EACH_CHANNEL(t, call)                                                            \
    do {                                                                                 \
        size_t k = 0;                                                                    \
        for (; k + V <= (t)->c; k += V)                                                  \
            call(k, V);                                                                  \
        if (k < (t)->c) call(k, (t)->c - k);                                             \
    } while (0)

/* Where channel k of a tile lies in its plane. */
INLINE size_t panel_at(const slc_tile *t, size_t k)
{
    return k / PANEL * t->panel + k % PANEL;
}

/* The five points and infinity that F(4, 3) evaluates polynomials at are 0, +-1/sqrt 2,
 * +-sqrt 2: reciprocal, so that large factors of one transform meet small ones of the next,
 * and the error is twice that of a plain sum (with 0, +-1, +-2 four times). */
#define NEAR 0.70710678f
#define FAR 1.41421356f

/* B' d: pixels to points. */
INLINE void pixels_to_points(vecf *o, const vecf *d)
{
    const vecf even = vfma(splat(-2), d[2], d[4]), odd = vfma(splat(-2), d[1], d[3]);
    const vecf even2 = vfma(splat(-0.5f), d[2], d[4]),
               odd2 = vfma(splat(-0.5f), d[1], d[3]);
    o[0] = vfma(splat(-2.5f), d[2], d[0] + d[4]);
    o[1] = vfma(splat(NEAR), odd, even);
    o[2] = vfma(splat(-NEAR), odd, even);
    o[3] = vfma(splat(FAR), odd2, even2);
    o[4] = vfma(splat(-FAR), odd2, even2);
    o[5] = vfma(splat(-2.5f), d[3], d[1] + d[5]);
}

/* A' m: points to the four outputs. */
INLINE void points_to_outs(vecf *y, const vecf *m)
{
    const vecf even = m[1] + m[2], odd = m[1] - m[2], even2 = m[3] + m[4],
               odd2 = m[3] - m[4];
    y[0] = m[0] + even + even2;
    y[1] = vfma(splat(FAR), odd2, NEAR * odd);
    y[2] = vfma(splat(2), even2, 0.5f * even);
    y[3] = vfma(splat(2 * FAR), odd2, vfma(splat(NEAR / 2), odd, m[5]));
}

/* A y: gradients of the four outputs to points. */
INLINE void outs_to_points(vecf *o, const vecf *y)
{
    const vecf even = vfma(splat(0.5f), y[2], y[0]), odd = vfma(splat(0.5f), y[3], y[1]);
    const vecf even2 = vfma(splat(2), y[2], y[0]), odd2 = vfma(splat(2), y[3], y[1]);
    o[0] = y[0];
    o[1] = vfma(splat(NEAR), odd, even);
    o[2] = vfma(splat(-NEAR), odd, even);
    o[3] = vfma(splat(FAR), odd2, even2);
    o[4] = vfma(splat(-FAR), odd2, even2);
    o[5] = y[3];
}

/* G g: a row of weights to points. */
INLINE void weights_to_points(vecf *o, const vecf *g)
{
    const vecf even = vfma(splat(0.5f), g[2], g[0]) * (-2.0f / 3),
               even2 = vfma(splat(2), g[2], g[0]) * (1.0f / 6);
    o[0] = g[0];
    o[1] = vfma(splat(-2 * NEAR / 3), g[1], even);
    o[2] = vfma(splat(2 * NEAR / 3), g[1], even);
    o[3] = vfma(splat(FAR / 6), g[1], even2);
    o[4] = vfma(splat(-FAR / 6), g[1], even2);
    o[5] = g[2];
}

/* G' s: points to gradients of a row of weights. */
INLINE void points_to_weights(vecf *g, const vecf *s)
{
    const vecf even = s[1] + s[2], odd = s[1] - s[2], even2 = s[3] + s[4],
               odd2 = s[3] - s[4];
    g[0] = vfma(splat(1.0f / 6), even2, vfma(splat(-2.0f / 3), even, s[0]));
    g[1] = vfma(splat(FAR / 6), odd2, odd * (-2 * NEAR / 3));
    g[2] = vfma(splat(1.0f / 3), even2 - even, s[5]);
}

#undef NEAR
#undef FAR

/* f along columns, then along rows: from[n][n] to to[m][m]. */
#define BOTH_WAYS(f, to, m, from, n)                                                     \
    do {                                                                                 \
        vecf half[m][n];                                                                 \
        UNROLL(6) for (size_t j = 0; j < (n); j++)                                       \
        {                                                                                \
            vecf column[n], done[m];                                                     \
            UNROLL(6) for (size_t i = 0; i < (n); i++) column[i] = (from)[i][j];         \
            f(done, column);                                                             \
            UNROLL(6) for (size_t i = 0; i < (m); i++) half[i][j] = done[i];             \
        }                                                                                \
        UNROLL(6) for (size_t i = 0; i < (m); i++) f((to)[i], half[i]);                  \
    } while (0)

enum { IN = 6, OUT = 4, TAPS = 3 };

INLINE void points_store(float *to, size_t next, vecf o[IN][IN])
{
    UNROLL(36)
    for (size_t i = 0; i < IN * IN; i++)
        tile_store(to + i * next, o[i / IN][i % IN], V);
}

/* Of a tile inside the image rows are the six rows of pixels; else pixel is asked. */
INLINE void in_channels(float *to, const slc_tile *t, const float *const rows[IN],
                        const float *const pixel[IN * IN], size_t k, size_t n)
{
    vecf d[IN][IN], o[IN][IN];
    UNROLL(36)
    for (size_t i = 0; i < IN * IN; i++)
        d[i / IN][i % IN] = rows ? tile_load(rows[i / IN] + i % IN * t->c + k, n)
                                 : tile_load(pixel[i] + k, n);
    BOTH_WAYS(pixels_to_points, o, IN, d, IN);
    points_store(to, t->next, o);
}

/* B' d B of the 6 x 6 pixels d. */
static void winograd_in(float *planes, const float *image, const slc_tile *t)
{
    const float *rows[IN];
    const float *pixel[IN * IN];
#define CALL(k, n) in_channels(planes + panel_at(t, k), t, rows, NULL, k, n)
    if (tile_inside(t, IN)) {
        for (size_t i = 0; i < IN; i++)
            rows[i] = image + (((size_t)t->y + i) * t->w + (size_t)t->x) * t->c;
        EACH_CHANNEL(t, CALL);
        return;
    }
#undef CALL
    for (size_t i = 0; i < IN * IN; i++)
        pixel[i] = pixel_or_zeros(image, t, i / IN, i % IN);
#define CALL(k, n) in_channels(planes + panel_at(t, k), t, NULL, pixel, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

INLINE void spread_channels(float *to, const slc_tile *t,
                            const float *const pixel[OUT * OUT], size_t k, size_t n)
{
    vecf d[OUT][OUT], o[IN][IN];
    UNROLL(16)
    for (size_t i = 0; i < OUT * OUT; i++)
        d[i / OUT][i % OUT] = tile_load(pixel[i] + k, n);
    BOTH_WAYS(outs_to_points, o, IN, d, OUT);
    points_store(to, t->next, o);
}

/* A d A' of the 4 x 4 pixels d. */
static void winograd_spread(float *planes, const float *image, const slc_tile *t)
{
    const float *pixel[OUT * OUT];
    for (size_t i = 0; i < OUT * OUT; i++)
        pixel[i] = pixel_or_zeros(image, t, i / OUT, i % OUT);
#define CALL(k, n) spread_channels(planes + panel_at(t, k), t, pixel, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

INLINE void out_channels(const float *from, const slc_tile *t,
                         const float *const pixel[OUT * OUT], const float *bias, size_t k,
                         size_t n)
{
    vecf d[IN][IN], o[OUT][OUT];
    const vecf more = bias ? tile_load(bias + k, n) : (vecf){0};
    UNROLL(36)
    for (size_t i = 0; i < IN * IN; i++)
        d[i / IN][i % IN] = load_f(from + i * t->next);
    BOTH_WAYS(points_to_outs, o, OUT, d, IN);
    UNROLL(16)
    for (size_t i = 0; i < OUT * OUT; i++)
        if (pixel[i]) {
            const vecf there = t->add ? tile_load(pixel[i] + k, n) : (vecf){0};
            tile_store((float *)pixel[i] + k, o[i / OUT][i % OUT] + more + there, n);
        }
}

/* A' m A, the 4 x 4 pixels, of the 6 x 6 planes m; plus a bias, and what is there. */
static void winograd_out(float *image, const float *planes, const float *bias,
                         const slc_tile *t)
{
    const float *pixel[OUT * OUT];
    for (size_t i = 0; i < OUT * OUT; i++)
        pixel[i] = pixel_of(image, t, i / OUT, i % OUT);
#define CALL(k, n) out_channels(planes + panel_at(t, k), t, pixel, bias, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

/* G g G' of up to a panel of filters; turned: by 180 degrees. */
static void winograd_weights(float *planes, size_t next, const float *w, size_t step,
                             size_t n, bool turned)
{
    for (size_t k = 0; k < n; k += V, w += V * step) {
        vecf g[TAPS][TAPS] = {0}, o[IN][IN];
        for (size_t l = 0; l < V && k + l < n; l++)
            for (size_t i = 0; i < TAPS * TAPS; i++)
                g[i / TAPS][i % TAPS][l] = w[l * step + (turned ? 8 - i : i)];
        BOTH_WAYS(weights_to_points, o, IN, g, TAPS);
        points_store(planes + k, next, o);
    }
}

/* G' s G of up to a panel of sums. */
static void winograd_gather(float *dw, bool add, const float *planes, size_t next,
                            size_t n)
{
    for (size_t k = 0; k < n; k += V, dw += V * TAPS * TAPS) {
        vecf s[IN][IN], g[TAPS][TAPS];
        for (size_t i = 0; i < IN * IN; i++)
            s[i / IN][i % IN] = load_f(planes + k + i * next);
        BOTH_WAYS(points_to_weights, g, TAPS, s, IN);
        for (size_t l = 0; l < V && k + l < n; l++)
            for (size_t i = 0; i < TAPS * TAPS; i++) {
                float *to = dw + l * TAPS * TAPS + i;
                *to = g[i / TAPS][i % TAPS][l] + (add ? *to : 0);
            }
    }
}
#undef BOTH_WAYS

/* sum += rows of a, whose numbers lie step apart, times the k rows of a panel b. */
INLINE void rows_by_panel(vecf sum[][2], size_t rows, const float *a, size_t row,
                          size_t step, const float *b, size_t k)
{
    for (; k; k--, a += step, b += PANEL) {
        const vecf left = load_f(b), right = load_f(b + V);
        UNROLL(12)
        for (size_t r = 0; r < rows; r++) {
            const vecf at = splat(a[r * row]);
            sum[r][0] = vfma(at, left, sum[r][0]);
            sum[r][1] = vfma(at, right, sum[r][1]);
        }
    }
}

INLINE void rows_store(float *to, bool add, vecf sum[][2], size_t rows)
{
    UNROLL(12)
    for (size_t r = 0; r < rows; r++, to += PANEL) {
        tile_store(to, add ? load_f(to) + sum[r][0] : sum[r][0], V);
        tile_store(to + V, add ? load_f(to + V) + sum[r][1] : sum[r][1], V);
    }
}

/* Runs call(i, rows) over count rows, rows of them (a constant) from i on. */
#define EACH_ROWS(count, call)                                                           \
    do {                                                                                 \
        size_t i = 0;                                                                    \
        for (; i + ROWS <= (count); i += ROWS)                                           \
            call(i, ROWS);                                                               \
        for (; i + FEWER <= (count); i += FEWER)                                         \
            call(i, FEWER);                                                              \
        for (; i < (count); i++)                                                         \
            call(i, 1);                                                                  \
    } while (0)

/* So many products are summed, then added to the sum of those before: that halves the error
 * of adding all of them one by one. A multiple of PANEL. */
#ifndef SUMMED
#define SUMMED 32
#endif

INLINE void product_rows(float *m, const float *v, const float *u, size_t in, size_t room,
                         size_t rows)
{
    for (size_t k = 0; k < in; k += SUMMED) {
        vecf sum[ROWS][2] = {0};
        const size_t end = in - k < SUMMED ? in : k + SUMMED;
        for (size_t j = k; j < end; j += PANEL)
            rows_by_panel(sum, rows, v + j * room, PANEL, 1, u + j * PANEL,
                          end - j < PANEL ? end - j : PANEL);
        rows_store(m, k > 0, sum, rows);
    }
}

static void winograd_product(float *m, const float *v, const float *u, size_t tiles,
                             size_t in, size_t out, size_t room)
{
    for (size_t j = 0; j < out; j += PANEL, m += room * PANEL, u += in * PANEL) {
#define CALL(i, rows) product_rows(m + (i)*PANEL, v + (i)*PANEL, u, in, room, rows)
        EACH_ROWS(tiles, CALL);
#undef CALL
    }
}

INLINE void learn_rows(float *to, bool add, const float *m, const float *v, size_t tiles,
                       size_t run, size_t rows)
{
    for (size_t k = 0; k < tiles; k += run) {
        vecf sum[ROWS][2] = {0};
        rows_by_panel(sum, rows, m + k * PANEL, 1, PANEL, v + k * PANEL,
                      tiles - k < run ? tiles - k : run);
        rows_store(to, add || k > 0, sum, rows);
    }
}

/* Sums of run products are added up. */
INLINE void learn_panel(float *to, bool add, const float *m, const float *v, size_t tiles,
                        size_t run, size_t out, size_t room)
{
    for (size_t k = 0; k < out; k += PANEL, m += room * PANEL) {
        const size_t here = out - k < PANEL ? out - k : PANEL;
#define CALL(i, rows) learn_rows(to + (i)*PANEL, add, m + (i), v, tiles, run, rows)
        EACH_ROWS(here, CALL);
#undef CALL
        to += here * PANEL;
    }
}

static void winograd_learn(float *to, bool add, const float *m, const float *v,
                           size_t tiles, size_t out, size_t room)
{
    learn_panel(to, add, m, v, tiles, SUMMED, out, room);
}

#endif
