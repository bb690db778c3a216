#include "augment/kernel/point.h"

#include <math.h>

#include "augment/kernel/tint.h"

/* Neighbours often are equal, and an increment has to wait for the one before of the same
 * counter: four sets of counters take turns. */
enum { TURNS = 4 };

static void count3(uint32_t hist[TURNS][3][256], const uint8_t *src, size_t w)
{
    size_t x = 0;
    for (; x + TURNS <= w; x += TURNS, src += 3 * TURNS)
        for (size_t t = 0; t < TURNS; t++) {
            hist[t][0][src[3 * t]]++;
            hist[t][1][src[3 * t + 1]]++;
            hist[t][2][src[3 * t + 2]]++;
        }
    for (; x < w; x++, src += 3)
        for (size_t c = 0; c < 3; c++)
            hist[0][c][src[c]]++;
}

static void count1(uint32_t hist[TURNS][3][256], const uint8_t *src, size_t w)
{
    size_t x = 0;
    for (; x + TURNS <= w; x += TURNS)
        for (size_t t = 0; t < TURNS; t++)
            hist[t][0][src[x + t]]++;
    for (; x < w; x++)
        hist[0][0][src[x]]++;
}

void slc_hist(uint32_t hist[3][256], const slc_image *image)
{
    uint32_t turn[TURNS][3][256] = {0};
    for (size_t y = 0; y < image->h; y++)
        (image->channels == 1 ? count1 : count3)(turn, image->px + y * image->stride,
                                                 image->w);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 256; i++)
            hist[c][i] = turn[0][c][i] + turn[1][c][i] + turn[2][c][i] + turn[3][c][i];
}

void slc_colour_c(uint8_t *dst, const uint8_t *src, size_t w, const float m[3][4])
{
    for (size_t x = 0; x < 3 * w; x += 3) {
        const float r = src[x], g = src[x + 1], b = src[x + 2];
        for (size_t c = 0; c < 3; c++) {
            const float v =
                floorf(m[c][0] * r + m[c][1] * g + m[c][2] * b + m[c][3] + 0.5f);
            dst[x + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

#if defined(__x86_64__)
static void colour_avx2(uint8_t *dst, const uint8_t *src, size_t w, const float m[3][4])
{
    slc_tint_avx2.matrix(dst, src, w, m);
}

static void colour_avx512(uint8_t *dst, const uint8_t *src, size_t w, const float m[3][4])
{
    slc_tint_avx512.matrix(dst, src, w, m);
}
#else
#define colour_avx2 slc_colour_c
#define colour_avx512 slc_colour_c
#endif

slc_colour_fn *const slc_colour_row[SLC_ISA_COUNT] = {slc_colour_c, colour_avx2,
                                                      colour_avx512};
