#include "augment/kernel/taps.h"

#include <math.h>
#include <string.h>

#include "base/num.h"

#define INLINE static inline __attribute__((always_inline))

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* The float constants are Pillow's. */
static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    x = x * M_PI;
    return sin(x) / x * ((double)0.54f + (double)0.46f * cos(x));
}

static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double bicubic(double x)
{
    return cubic(x, -0.5);
}

static double bicubic_sharp(double x)
{
    return cubic(x, -0.75);
}

static double sinc(double x)
{
    if (x == 0.0) return 1.0;
    x = x * M_PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

const slc_kernel_filter slc_filter_box = {box, 0.5},
                        slc_filter_bilinear = {bilinear, 1.0},
                        slc_filter_hamming = {hamming, 1.0},
                        slc_filter_bicubic = {bicubic, 2.0},
                        slc_filter_bicubic_sharp = {bicubic_sharp, 2.0},
                        slc_filter_lanczos = {lanczos, 3.0};

/* Four taps as three words of signed bytes: c = d0 + 256 d1 + 65536 d2, each d in
 * [-128, 127]. |c| < 2^23 - 2^15 holds because coefficients are at most about 1.3 * 2^22. */
INLINE void split(const int32_t *coef, uint32_t *quad)
{
    uint32_t word[3] = {0};
    for (int t = 0; t < 4; t++) {
        int32_t c = coef[t];
        for (int d = 0; d < 3; d++) {
            word[d] |= ((uint32_t)c & 255) << (8 * t);
            c = (c + 128) >> 8; /* what is left when the low digit is signed */
        }
    }
    memcpy(quad, word, sizeof(word));
}

static bool reserve(slc_taps *taps, slc_arena *arena, size_t out, size_t room)
{
    size_t n;
    if (!slc_mul3(out, room, sizeof(int32_t), &n)) return false;
    *taps = (slc_taps){.out = out, .room = room};
    taps->first = slc_arena_alloc(arena, out * sizeof(int32_t));
    taps->count = slc_arena_alloc(arena, out * sizeof(int32_t));
    taps->coef = slc_arena_zero(arena, out * room, sizeof(int32_t));
    taps->quad = slc_arena_alloc(arena, n / 4 * 3);
    return taps->first && taps->count && taps->coef && taps->quad;
}

typedef struct axis {
    double origin, scale, support, inverse; /* inverse: filter units per source pixel */
    size_t in;
    bool clamp;
} axis;

/* Weights of the taps first... of the output position around center into w; returns how many. */
INLINE size_t weigh(const axis *a, double at(double), double center, double *w,
                    int32_t *first)
{
    const ptrdiff_t from = (ptrdiff_t)(center - a->support + 0.5),
                    to = (ptrdiff_t)(center + a->support + 0.5);
    const ptrdiff_t lo = from < 0 ? 0 : from,
                    hi = to > (ptrdiff_t)a->in ? (ptrdiff_t)a->in : to;
    double sum = 0;

    for (ptrdiff_t x = lo; x < hi; x++) {
        w[x - lo] = at(((double)x - center + 0.5) * a->inverse);
        sum += w[x - lo];
    }
    if (a->clamp) {
        const ptrdiff_t left = (ptrdiff_t)floor(center - a->support + 0.5);
        for (ptrdiff_t x = left; x <= to; x++) {
            if (x >= lo && x < hi) continue;
            const double v = at(((double)x - center + 0.5) * a->inverse);
            w[x < lo ? 0 : hi - lo - 1] += v;
            sum += v;
        }
    }
    for (ptrdiff_t x = 0; x < hi - lo; x++)
        if (sum != 0.0) w[x] /= sum;
    *first = (int32_t)lo;
    return (size_t)(hi - lo);
}

/* Inline, so that the compiler sees the filter. w: room for the weights of a position. */
INLINE void make_all(slc_taps *taps, const axis *a, double at(double), double *w)
{
    for (size_t i = 0; i < taps->out; i++) {
        int32_t *coef = taps->coef + i * taps->room;
        const double center = a->origin + ((double)i + 0.5) * a->scale;
        const size_t n = weigh(a, at, center, w, taps->first + i);
        for (size_t t = 0; t < n; t++)
            coef[t] = (int32_t)((w[t] < 0 ? -0.5 : 0.5) + w[t] * (1 << SLC_TAP_BITS));
        taps->count[i] = (int32_t)n;
        for (size_t t = 0; t < n; t += 4)
            split(coef + t, taps->quad + (i * taps->room + t) / 4 * 3);
    }
}

bool slc_taps_make(slc_taps *taps, slc_arena *arena, const slc_kernel_filter *filter,
                   size_t in, double from, double to, size_t out, bool clamp)
{
    /* Pillow keeps boxes in floats. */
    const float f0 = (float)from, f1 = (float)to;
    const double scale = (double)(f1 - f0) / (double)out;
    const double wide = clamp || scale < 1.0 ? 1.0 : scale;
    const axis a = {(double)f0, scale, filter->support * wide, 1.0 / wide, in, clamp};
    const size_t most = (size_t)ceil(a.support) * 2 + 1;

    if (!reserve(taps, arena, out, slc_round_up(most, 4))) return false;
    const slc_arena_mark mark = slc_arena_get_mark(arena);
    double *w = slc_arena_alloc(arena, most * sizeof(double));
    if (!w) return false;
    if (filter == &slc_filter_bilinear)
        make_all(taps, &a, bilinear, w);
    else
        make_all(taps, &a, filter->at, w);
    slc_arena_rewind(arena, mark);
    return true;
}

size_t slc_taps_safe(const slc_taps *taps, size_t limit)
{
    size_t x = 0;
    while (x < taps->out &&
           3 * (size_t)taps->first[x] + 12 * (((size_t)taps->count[x] + 3) / 4) + 4 <=
               limit)
        x++;
    return x;
}
