/* The transforms of Winograd's F(2 x 2, 3 x 3), a tile at a time: only additions. */
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

/* Where a pixel's channels lie: outside the image step is 0 and all of them are 0. */
typedef struct tile_pixel {
    const float *at;
    size_t step;
} tile_pixel;

INLINE tile_pixel pixel_of(const float *image, const slc_tile *t, size_t i, size_t j)
{
    static const float nothing[V] = {0};
    const ptrdiff_t y = t->y + (ptrdiff_t)i, x = t->x + (ptrdiff_t)j;
    if (y < 0 || x < 0 || y >= (ptrdiff_t)t->h || x >= (ptrdiff_t)t->w)
        return (tile_pixel){nothing, 0};
    return (tile_pixel){image + ((size_t)y * t->w + (size_t)x) * t->c, 1};
}

/* Runs call(k, n) over the tile's channels, n of them from k on. */
#define EACH_CHANNEL(t, call)                                                            \
    do {                                                                                 \
        size_t k = 0;                                                                    \
        for (; k + V <= (t)->c; k += V)                                                  \
            call(k, V);                                                                  \
        if (k < (t)->c) call(k, (t)->c - k);                                             \
    } while (0)

INLINE vecf pixel_load(tile_pixel p, size_t k, size_t n)
{
    return tile_load(p.at + k * p.step, n);
}

INLINE void in_channels(float *to, const slc_tile *t, const tile_pixel pixel[16],
                        size_t k, size_t n)
{
    vecf d[4][4];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        const vecf a = pixel_load(pixel[j], k, n), b = pixel_load(pixel[4 + j], k, n),
                   c = pixel_load(pixel[8 + j], k, n),
                   e = pixel_load(pixel[12 + j], k, n);
        d[0][j] = a - c, d[1][j] = b + c, d[2][j] = c - b, d[3][j] = b - e;
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++, to += 4 * t->next) {
        tile_store(to + k, d[i][0] - d[i][2], n);
        tile_store(to + t->next + k, d[i][1] + d[i][2], n);
        tile_store(to + 2 * t->next + k, d[i][2] - d[i][1], n);
        tile_store(to + 3 * t->next + k, d[i][1] - d[i][3], n);
    }
}

/* B' d B of the 4 x 4 pixels d. */
static void winograd_in(float *planes, const float *image, const slc_tile *t)
{
    tile_pixel pixel[16];
    for (size_t i = 0; i < 16; i++)
        pixel[i] = pixel_of(image, t, i / 4, i % 4);
#define CALL(k, n) in_channels(planes, t, pixel, k, n)
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
        tile_store(to + k, d[i][0], n);
        tile_store(to + t->next + k, d[i][0] + d[i][1], n);
        tile_store(to + 2 * t->next + k, d[i][0] - d[i][1], n);
        tile_store(to + 3 * t->next + k, -d[i][1], n);
    }
}

/* A d A' of the 2 x 2 pixels d. */
static void winograd_spread(float *planes, const float *image, const slc_tile *t)
{
    tile_pixel pixel[4];
    for (size_t i = 0; i < 4; i++)
        pixel[i] = pixel_of(image, t, i / 2, i % 2);
#define CALL(k, n) spread_channels(planes, t, pixel, k, n)
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
        const float *m = from + j * t->next + k;
        const vecf b = tile_load(m + 4 * t->next, n), c = tile_load(m + 8 * t->next, n);
        d[0][j] = tile_load(m, n) + b + c;
        d[1][j] = b - c - tile_load(m + 12 * t->next, n);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        float *a = (float *)pixel[2 * i].at, *b = (float *)pixel[2 * i + 1].at;
        if (pixel[2 * i].step) tile_store(a + k, d[i][0] + d[i][1] + d[i][2] + more, n);
        if (pixel[2 * i + 1].step)
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
#define CALL(k, n) out_channels(planes, t, pixel, bias, k, n)
    EACH_CHANNEL(t, CALL);
#undef CALL
}

#endif
