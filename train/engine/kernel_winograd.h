/* Winograd's F(2 x 2, 3 x 3): the transforms, a tile at a time, only additions; and the
 * products of planes. A plane of tiles x channels lies in panels of PANEL channels, [channel
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

/* Where a pixel's channels lie: outside the image all of them are the same zeros. */
typedef struct tile_pixel {
    const float *at;
    size_t mask;
} tile_pixel;

INLINE tile_pixel pixel_of(const float *image, const slc_tile *t, size_t i, size_t j)
{
    static const float nothing[V] = {0};
    const ptrdiff_t y = t->y + (ptrdiff_t)i, x = t->x + (ptrdiff_t)j;
    if (y < 0 || x < 0 || y >= (ptrdiff_t)t->h || x >= (ptrdiff_t)t->w)
        return (tile_pixel){nothing, 0};
    return (tile_pixel){image + ((size_t)y * t->w + (size_t)x) * t->c, SIZE_MAX};
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

INLINE vecf pixel_load(tile_pixel p, size_t k, size_t n)
{
    return tile_load(p.at + (k & p.mask), n);
}

/* Of a tile inside the image rows are the four rows of pixels; else pixel is asked. */
INLINE void in_channels(float *to, const slc_tile *t, const float *const rows[4],
                        const tile_pixel pixel[16], size_t k, size_t n)
{
    vecf d[4][4];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        vecf at[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            at[i] = rows ? tile_load(rows[i] + j * t->c + k, n)
                         : pixel_load(pixel[4 * i + j], k, n);
        d[0][j] = at[0] - at[2], d[1][j] = at[1] + at[2];
        d[2][j] = at[2] - at[1], d[3][j] = at[1] - at[3];
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, to += 4 * t->next) {
        tile_store(to, d[i][0] - d[i][2], V);
        tile_store(to + t->next, d[i][1] + d[i][2], V);
        tile_store(to + 2 * t->next, d[i][2] - d[i][1], V);
        tile_store(to + 3 * t->next, d[i][1] - d[i][3], V);
    }
}

/* B' d B of the 4 x 4 pixels d. */
static void winograd_in(float *planes, const float *image, const slc_tile *t)
{
    const float *rows[4];
    tile_pixel pixel[16];
#define CALL(k, n) in_channels(planes + panel_at(t, k), t, rows, NULL, k, n)
    if (tile_inside(t, 4)) {
        for (size_t i = 0; i < 4; i++)
            rows[i] = image + (((size_t)t->y + i) * t->w + (size_t)t->x) * t->c;
        EACH_CHANNEL(t, CALL);
        return;
    }
#undef CALL
    for (size_t i = 0; i < 16; i++)
        pixel[i] = pixel_of(image, t, i / 4, i % 4);
#define CALL(k, n) in_channels(planes + panel_at(t, k), t, NULL, pixel, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

INLINE void spread_channels(float *to, const slc_tile *t, const tile_pixel pixel[4],
                            size_t k, size_t n)
{
    vecf d[4][2];
#pragma GCC unroll 2
    for (size_t j = 0; j < 2; j++) {
        const vecf a = pixel_load(pixel[j], k, n), b = pixel_load(pixel[2 + j], k, n);
        d[0][j] = a, d[1][j] = a + b, d[2][j] = a - b, d[3][j] = -b;
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, to += 4 * t->next) {
        tile_store(to, d[i][0], V);
        tile_store(to + t->next, d[i][0] + d[i][1], V);
        tile_store(to + 2 * t->next, d[i][0] - d[i][1], V);
        tile_store(to + 3 * t->next, -d[i][1], V);
    }
}

/* A d A' of the 2 x 2 pixels d. */
static void winograd_spread(float *planes, const float *image, const slc_tile *t)
{
    tile_pixel pixel[4];
    for (size_t i = 0; i < 4; i++)
        pixel[i] = pixel_of(image, t, i / 2, i % 2);
#define CALL(k, n) spread_channels(planes + panel_at(t, k), t, pixel, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

INLINE void out_channels(const float *from, const slc_tile *t, const tile_pixel pixel[4],
                         const float *bias, size_t k, size_t n)
{
    vecf d[2][4];
    const vecf more = bias ? tile_load(bias + k, n) : (vecf){0};
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        const float *m = from + j * t->next;
        const vecf b = load_f(m + 4 * t->next), c = load_f(m + 8 * t->next);
        d[0][j] = load_f(m) + b + c;
        d[1][j] = b - c - load_f(m + 12 * t->next);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        float *a = (float *)pixel[2 * i].at, *b = (float *)pixel[2 * i + 1].at;
        if (pixel[2 * i].mask) tile_store(a + k, d[i][0] + d[i][1] + d[i][2] + more, n);
        if (pixel[2 * i + 1].mask)
            tile_store(b + k, d[i][1] - d[i][2] - d[i][3] + more, n);
    }
}

/* A' m A, the 2 x 2 pixels, of the 4 x 4 planes m; plus a bias. */
static void winograd_out(float *image, const float *planes, const float *bias,
                         const slc_tile *t)
{
    tile_pixel pixel[4];
    for (size_t i = 0; i < 4; i++)
        pixel[i] = pixel_of(image, t, i / 2, i % 2);
#define CALL(k, n) out_channels(planes + panel_at(t, k), t, pixel, bias, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

/* sum += rows of a, whose numbers lie step apart, times the k rows of a panel b. */
INLINE void rows_by_panel(vecf sum[][2], size_t rows, const float *a, size_t row,
                          size_t step, const float *b, size_t k)
{
    for (; k; k--, a += step, b += PANEL) {
        const vecf left = load_f(b), right = load_f(b + V);
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++) {
            const vecf at = splat(a[r * row]);
            sum[r][0] = vfma(at, left, sum[r][0]);
            sum[r][1] = vfma(at, right, sum[r][1]);
        }
    }
}

INLINE void rows_store(float *to, vecf sum[][2], size_t rows)
{
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++, to += PANEL) {
        tile_store(to, sum[r][0], V);
        tile_store(to + V, sum[r][1], V);
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

INLINE void product_rows(float *m, const float *v, const float *u, size_t in, size_t room,
                         size_t rows)
{
    vecf sum[ROWS][2] = {0};
    for (size_t k = 0; k < in; k += PANEL, v += room * PANEL)
        rows_by_panel(sum, rows, v, PANEL, 1, u + k * PANEL,
                      in - k < PANEL ? in - k : PANEL);
    rows_store(m, sum, rows);
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
                       size_t rows)
{
    vecf sum[ROWS][2] = {0};
    if (add)
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++) {
            sum[r][0] = load_f(to + r * PANEL);
            sum[r][1] = load_f(to + r * PANEL + V);
        }
    rows_by_panel(sum, rows, m, 1, PANEL, v, tiles);
    rows_store(to, sum, rows);
}

static void winograd_learn(float *to, bool add, const float *m, const float *v,
                           size_t tiles, size_t in, size_t out, size_t room)
{
    for (size_t j = 0; j < in; j += PANEL, v += room * PANEL)
        for (size_t k = 0; k < out; k += PANEL) {
            const size_t here = out - k < PANEL ? out - k : PANEL;
            const float *rows_of = m + k * room;
#define CALL(i, rows) learn_rows(to + (i)*PANEL, add, rows_of + (i), v, tiles, rows)
            EACH_ROWS(here, CALL);
#undef CALL
            to += here * PANEL;
        }
}

#endif
