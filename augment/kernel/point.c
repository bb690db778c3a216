#include "augment/kernel/point.h"

#include <math.h>

#include "augment/kernel/tint.h"

void slc_hist_add(uint32_t hist[3][256], const uint8_t *src, size_t w, size_t channels)
{
    if (channels == 1) {
        for (size_t x = 0; x < w; x++)
            hist[0][src[x]]++;
        return;
    }
    for (size_t x = 0; x < 3 * w; x += 3) {
        hist[0][src[x]]++;
        hist[1][src[x + 1]]++;
        hist[2][src[x + 2]]++;
    }
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
