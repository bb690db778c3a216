#include "augment/kernel/warp.h"

#include <math.h>
#include <string.h>

#include "augment/kernel/variant.h"

/* Rounded down, with everything far outside (and NaN) at a place that is outside too. */
static inline int32_t fixed(double v)
{
    const double u = v * SLC_WARP_ONE;
    if (!(u > -0x1p29)) return -0x20000000;
    if (u > 0x1p29) return 0x20000000;
    const int32_t t = (int32_t)u;
    return t - (u < (double)t); /* a tiny negative number is outside, too */
}

void slc_warp_affine_c(int32_t *xs, int32_t *ys, const double a[3][3], size_t y, size_t n)
{
    const double yin = (double)y + 0.5;
    for (size_t i = 0; i < n; i++) {
        const double xin = (double)i + 0.5;
        xs[i] = fixed(a[0][0] * xin + a[0][1] * yin + a[0][2]);
        ys[i] = fixed(a[1][0] * xin + a[1][1] * yin + a[1][2]);
    }
}

void slc_warp_perspective_c(int32_t *xs, int32_t *ys, const double a[3][3], size_t y,
                            size_t n)
{
    const double yin = (double)y + 0.5;
    for (size_t i = 0; i < n; i++) {
        const double xin = (double)i + 0.5;
        const double z = a[2][0] * xin + a[2][1] * yin + a[2][2];
        xs[i] = fixed((a[0][0] * xin + a[0][1] * yin + a[0][2]) / z);
        ys[i] = fixed((a[1][0] * xin + a[1][1] * yin + a[1][2]) / z);
    }
}

static inline void put(uint8_t *dst, const uint8_t *src, size_t channels)
{
    dst[0] = src[0];
    if (channels == 1) return;
    dst[1] = src[1];
    dst[2] = src[2];
}

static inline int32_t coord(double v)
{
    return v < 0.0 ? -1 : v < 0x1p30 ? (int32_t)v : 0x40000000;
}

static void scale_nearest(const slc_warp_source *in, const double a[3][3], uint8_t *out,
                          size_t out_stride, size_t out_w, size_t out_h, int32_t *columns)
{
    double xo = a[0][2] + a[0][0] * 0.5, yo = a[1][2] + a[1][1] * 0.5;
    for (size_t x = 0; x < out_w; x++, xo += a[0][0])
        columns[x] = coord(xo);
    for (size_t y = 0; y < out_h; y++, yo += a[1][1]) {
        const int32_t row = coord(yo);
        const bool inside = row >= 0 && row < (int32_t)in->h;
        const uint8_t *src = in->px + (inside ? (size_t)row : 0) * in->stride;
        uint8_t *dst = out + y * out_stride;
        for (size_t x = 0; x < out_w; x++, dst += in->channels) {
            const bool on = inside && columns[x] >= 0 && columns[x] < (int32_t)in->w;
            put(dst, on ? src + (size_t)columns[x] * in->channels : in->fill,
                in->channels);
        }
    }
}

static bool fits(const double a[3][3], size_t x, size_t y)
{
    const double u = (double)x, v = (double)y;
    return fabs(u * a[0][0] + v * a[0][1] + a[0][2]) < 32768.0 &&
           fabs(u * a[1][0] + v * a[1][1] + a[1][2]) < 32768.0;
}

static int32_t fix(double v)
{
    return (int32_t)floor(v * 65536.0 + 0.5);
}

/* Whether the position in 16.16 is inside. */
static inline bool holds(const slc_warp_source *in, uint32_t xx, uint32_t yy)
{
    return (size_t)((int32_t)xx >> 16) < in->w && (size_t)((int32_t)yy >> 16) < in->h;
}

/* Positions are linear along a row, so those inside are one stretch, found from both ends.
 * (Sums wrap only outside the range that fits() allows.) */
static void fixed_row(uint8_t *dst, const slc_warp_source *in, uint32_t xx, uint32_t yy,
                      uint32_t dx, uint32_t dy, size_t n)
{
    const size_t c = in->channels;
    size_t lo = 0, hi = n;
    while (lo < n && !holds(in, xx + (uint32_t)lo * dx, yy + (uint32_t)lo * dy))
        lo++;
    while (hi > lo &&
           !holds(in, xx + (uint32_t)(hi - 1) * dx, yy + (uint32_t)(hi - 1) * dy))
        hi--;
    for (size_t x = 0; x < lo; x++)
        put(dst + c * x, in->fill, c);
    for (size_t x = hi; x < n; x++)
        put(dst + c * x, in->fill, c);
    xx += (uint32_t)lo * dx;
    yy += (uint32_t)lo * dy;
    if (c == 3) {
        for (size_t x = lo; x < hi; x++, xx += dx, yy += dy)
            memcpy(dst + 3 * x, in->px + (yy >> 16) * in->stride + 3 * (size_t)(xx >> 16),
                   3);
    } else {
        for (size_t x = lo; x < hi; x++, xx += dx, yy += dy)
            dst[x] = in->px[(yy >> 16) * in->stride + (xx >> 16)];
    }
}

static void fixed_nearest(const slc_warp_source *in, const double a[3][3], uint8_t *out,
                          size_t out_stride, size_t out_w, size_t out_h)
{
    const uint32_t dx = (uint32_t)fix(a[0][0]), dy = (uint32_t)fix(a[1][0]);
    uint32_t x0 = (uint32_t)fix(a[0][2] + a[0][0] * 0.5 + a[0][1] * 0.5),
             y0 = (uint32_t)fix(a[1][2] + a[1][0] * 0.5 + a[1][1] * 0.5);
    for (size_t y = 0; y < out_h; y++) {
        fixed_row(out + y * out_stride, in, x0, y0, dx, dy, out_w);
        x0 += (uint32_t)fix(a[0][1]);
        y0 += (uint32_t)fix(a[1][1]);
    }
}

static void double_nearest(const slc_warp_source *in, const double a[3][3], uint8_t *out,
                           size_t out_stride, size_t out_w, size_t out_h)
{
    double xo = a[0][2] + a[0][1] * 0.5 + a[0][0] * 0.5,
           yo = a[1][2] + a[1][1] * 0.5 + a[1][0] * 0.5;
    for (size_t y = 0; y < out_h; y++, xo += a[0][1], yo += a[1][1]) {
        uint8_t *dst = out + y * out_stride;
        double xx = xo, yy = yo;
        for (size_t x = 0; x < out_w; x++, dst += in->channels) {
            const size_t px = (size_t)coord(xx), py = (size_t)coord(yy);
            const bool on = px < in->w && py < in->h;
            put(dst, on ? in->px + py * in->stride + px * in->channels : in->fill,
                in->channels);
            xx += a[0][0];
            yy += a[1][0];
        }
    }
}

void slc_warp_affine_nearest(const slc_warp_source *in, const double a[3][3],
                             uint8_t *out, size_t out_stride, size_t out_w, size_t out_h,
                             int32_t *columns)
{
    if (a[0][1] == 0 && a[1][0] == 0)
        scale_nearest(in, a, out, out_stride, out_w, out_h, columns);
    else if (fits(a, 0, 0) && fits(a, out_w, out_h) && fits(a, 0, out_h) &&
             fits(a, out_w, 0))
        fixed_nearest(in, a, out, out_stride, out_w, out_h);
    else
        double_nearest(in, a, out, out_stride, out_w, out_h);
}

static inline bool outside(const slc_warp_source *in, int32_t x, int32_t y)
{
    return x < 0 || y < 0 || (uint32_t)x >> SLC_WARP_BITS >= in->w ||
           (uint32_t)y >> SLC_WARP_BITS >= in->h;
}

void slc_sample_nearest_c(uint8_t *dst, const slc_warp_source *in, const int32_t *xs,
                          const int32_t *ys, size_t n)
{
    for (size_t i = 0; i < n; i++, dst += in->channels) {
        const size_t x = (size_t)(xs[i] >> SLC_WARP_BITS),
                     y = (size_t)(ys[i] >> SLC_WARP_BITS);
        put(dst,
            outside(in, xs[i], ys[i]) ? in->fill
                                      : in->px + y * in->stride + x * in->channels,
            in->channels);
    }
}

static inline size_t clamp(int32_t i, size_t n)
{
    return i < 0 ? 0 : (size_t)i < n ? (size_t)i : n - 1;
}

void slc_sample_bilinear_c(uint8_t *dst, const slc_warp_source *in, const int32_t *xs,
                           const int32_t *ys, size_t n)
{
    const size_t channels = in->channels;
    for (size_t i = 0; i < n; i++, dst += channels) {
        if (outside(in, xs[i], ys[i])) {
            put(dst, in->fill, channels);
            continue;
        }
        const int32_t x = xs[i] - SLC_WARP_ONE / 2, y = ys[i] - SLC_WARP_ONE / 2;
        const int32_t ix = x >> SLC_WARP_BITS, iy = y >> SLC_WARP_BITS;
        const uint32_t fx = (uint32_t)x & (SLC_WARP_ONE - 1),
                       fy = (uint32_t)y & (SLC_WARP_ONE - 1);
        const uint8_t *top = in->px + clamp(iy, in->h) * in->stride,
                      *bottom = in->px + clamp(iy + 1, in->h) * in->stride;
        const size_t left = clamp(ix, in->w) * channels,
                     right = clamp(ix + 1, in->w) * channels;
        for (size_t c = 0; c < channels; c++) {
            const uint32_t t = top[left + c] * (SLC_WARP_ONE - fx) + top[right + c] * fx;
            const uint32_t b =
                bottom[left + c] * (SLC_WARP_ONE - fx) + bottom[right + c] * fx;
            dst[c] = (uint8_t)((t * (SLC_WARP_ONE - fy) + b * fy) >> (2 * SLC_WARP_BITS));
        }
    }
}

/* Pillow's cubic (a = -1) through four values. */
static inline float cubic(float a, float b, float c, float d, float t)
{
    const float p2 = c - a;
    const float p3 = 2 * (a - b) + c - d;
    const float p4 = b - a - c + d;
    return b + t * (p2 + t * (p3 + t * p4));
}

void slc_sample_bicubic_c(uint8_t *dst, const slc_warp_source *in, const int32_t *xs,
                          const int32_t *ys, size_t n)
{
    const size_t channels = in->channels;
    for (size_t i = 0; i < n; i++, dst += channels) {
        if (outside(in, xs[i], ys[i])) {
            put(dst, in->fill, channels);
            continue;
        }
        const int32_t x = xs[i] - SLC_WARP_ONE / 2, y = ys[i] - SLC_WARP_ONE / 2;
        const int32_t ix = x >> SLC_WARP_BITS, iy = y >> SLC_WARP_BITS;
        const float fx = (float)(x & (SLC_WARP_ONE - 1)) / SLC_WARP_ONE,
                    fy = (float)(y & (SLC_WARP_ONE - 1)) / SLC_WARP_ONE;
        size_t column[4];
        for (int k = 0; k < 4; k++)
            column[k] = clamp(ix - 1 + k, in->w) * channels;
        for (size_t c = 0; c < channels; c++) {
            float v[4];
            for (int k = 0; k < 4; k++) {
                const uint8_t *row = in->px + clamp(iy - 1 + k, in->h) * in->stride + c;
                v[k] = cubic(row[column[0]], row[column[1]], row[column[2]],
                             row[column[3]], fx);
            }
            const float r = cubic(v[0], v[1], v[2], v[3], fy);
            dst[c] = (uint8_t)(r <= 0 ? 0 : r >= 255 ? 255 : r);
        }
    }
}

slc_warp_rows_fn *const slc_warp_affine[SLC_ISA_COUNT] = {
    slc_warp_affine_c, SLC_AVX2(slc_warp_affine), SLC_AVX2(slc_warp_affine)};
slc_warp_rows_fn *const slc_warp_perspective[SLC_ISA_COUNT] = {
    slc_warp_perspective_c, SLC_AVX2(slc_warp_perspective),
    SLC_AVX2(slc_warp_perspective)};
slc_warp_sample_fn *const slc_sample_nearest[SLC_ISA_COUNT] = {
    slc_sample_nearest_c, slc_sample_nearest_c, slc_sample_nearest_c};
slc_warp_sample_fn *const slc_sample_bilinear[SLC_ISA_COUNT] = {
    slc_sample_bilinear_c, SLC_AVX2(slc_sample_bilinear), SLC_AVX2(slc_sample_bilinear)};
slc_warp_sample_fn *const slc_sample_bicubic[SLC_ISA_COUNT] = {
    slc_sample_bicubic_c, SLC_AVX2(slc_sample_bicubic), SLC_AVX2(slc_sample_bicubic)};
