#include "augment/codec/frame.h"

#include <string.h>

slc_limits slc_limits_or_default(const slc_limits *limits)
{
    slc_limits l = *limits;
    if (l.pixels == 0) l.pixels = 178956970; /* Pillow: twice a quarter of a GiB / 3 */
    if (l.side == 0) l.side = SLC_MAX_SIDE;
    if (l.file_bytes == 0) l.file_bytes = (uint64_t)256 << 20;
    if (l.scans == 0) l.scans = 100;
    if (l.chunks == 0) l.chunks = 1000;
    return l;
}

slc_status slc_check_size(const char *format, size_t w, size_t h,
                          const slc_limits *limits, slc_err *err)
{
    const slc_limits l = slc_limits_or_default(limits);
    if (w == 0 || h == 0)
        return slc_fail(err, SLC_EFORMAT, "%s: %zu x %zu px is empty", format, w, h);
    if (w > l.side || h > l.side)
        return slc_fail(err, SLC_ELIMIT,
                        "%s: %zu x %zu px is over the limit of %llu px a side", format, w,
                        h, (unsigned long long)l.side);
    if (h > l.pixels / w)
        return slc_fail(err, SLC_ELIMIT,
                        "%s: %zu x %zu px is over the limit of %llu pixels", format, w, h,
                        (unsigned long long)l.pixels);
    return SLC_OK;
}

/* An orientation as three steps from the stored picture to the upright one: exchange the
 * axes, after mirroring along the stored x or y. */
typedef struct steps {
    bool swap, mirror_x, mirror_y;
} steps;

static const steps STEPS[9] = {
    [2] = {.mirror_x = true},
    [3] = {.mirror_x = true, .mirror_y = true},
    [4] = {.mirror_y = true},
    [5] = {.swap = true},
    [6] = {.swap = true, .mirror_y = true},
    [7] = {.swap = true, .mirror_x = true, .mirror_y = true},
    [8] = {.swap = true, .mirror_x = true},
};

bool slc_orientation_swaps(unsigned orientation)
{
    return STEPS[orientation].swap;
}

static slc_rect rect_to_stored(slc_rect r, steps s, size_t w, size_t h)
{
    if (s.swap) r = (slc_rect){.x = r.y, .y = r.x, .w = r.h, .h = r.w};
    if (s.mirror_x) r.x = w - r.x - r.w;
    if (s.mirror_y) r.y = h - r.y - r.h;
    return r;
}

slc_status slc_frame_make(slc_frame *out, size_t w, size_t h, unsigned file_channels,
                          unsigned orientation, const slc_decode *how, slc_err *err)
{
    const steps s = STEPS[how->ignore_orientation ? 1 : orientation];
    const size_t ow = s.swap ? h : w, oh = s.swap ? w : h;
    slc_rect r = how->region;
    if (r.w == 0) r = (slc_rect){.w = ow, .h = oh};
    if (r.h == 0 || r.w > ow || r.x > ow - r.w || r.h > oh || r.y > oh - r.h)
        return slc_fail(err, SLC_EINVAL,
                        "region: %zu x %zu px at (%zu, %zu) is not inside %zu x %zu px",
                        r.w, r.h, r.x, r.y, ow, oh);
    if (how->channels != 0 && how->channels != 1 && how->channels != 3)
        return slc_fail(err, SLC_EINVAL, "decode: %u channels; 1 or 3 are possible",
                        how->channels);
    *out = (slc_frame){
        .w = w,
        .h = h,
        .orientation = how->ignore_orientation ? 1 : orientation,
        .region = rect_to_stored(r, s, w, h),
        .least_w = s.swap ? how->least_h : how->least_w,
        .least_h = s.swap ? how->least_w : how->least_h,
        .channels = how->channels        ? how->channels
                    : file_channels <= 2 ? 1
                                         : 3,
    };
    return SLC_OK;
}

static void copy_pixels(uint8_t *dst, const uint8_t *src, ptrdiff_t step, size_t n,
                        size_t channels)
{
    if (channels == 1)
        for (size_t i = 0; i < n; i++, src += step)
            dst[i] = *src;
    else
        for (size_t i = 0; i < n; i++, src += step, dst += 3) {
            dst[0] = src[0];
            dst[1] = src[1];
            dst[2] = src[2];
        }
}

slc_status slc_image_orient(slc_image *out, const slc_image *stored, unsigned orientation,
                            slc_arena *arena, slc_err *err)
{
    const steps s = STEPS[orientation];
    const size_t c = stored->channels;
    slc_image image;
    if (orientation == 1) {
        *out = *stored;
        return SLC_OK;
    }
    const slc_status st = slc_image_alloc(&image, arena, s.swap ? stored->h : stored->w,
                                          s.swap ? stored->w : stored->h, c, err);
    if (st != SLC_OK) return st;

    /* Where the upright corner lies in the file, and where its x and y lead there. */
    const ptrdiff_t x_step = s.mirror_x ? -(ptrdiff_t)c : (ptrdiff_t)c;
    const ptrdiff_t y_step =
        s.mirror_y ? -(ptrdiff_t)stored->stride : (ptrdiff_t)stored->stride;
    const uint8_t *corner = stored->px + (s.mirror_x ? (stored->w - 1) * c : 0) +
                            (s.mirror_y ? (stored->h - 1) * stored->stride : 0);
    for (size_t y = 0; y < image.h; y++)
        copy_pixels(image.px + y * image.stride,
                    corner + (ptrdiff_t)y * (s.swap ? x_step : y_step),
                    s.swap ? y_step : x_step, image.w, c);
    *out = image;
    return SLC_OK;
}

static uint8_t grey_of(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 32768u) >> 16);
}

/* (a * alpha + b * (255 - alpha)) / 255, rounded to nearest. */
static uint8_t over(uint8_t a, uint8_t b, uint8_t alpha)
{
    const unsigned t = a * alpha + b * (255u - alpha) + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

static void convert_alpha(uint8_t *dst, size_t dst_channels, const uint8_t *src,
                          size_t colours, size_t n, const uint8_t background[3])
{
    for (size_t i = 0; i < n; i++, src += colours + 1, dst += dst_channels) {
        uint8_t rgb[3];
        for (size_t k = 0; k < 3; k++)
            rgb[k] = over(src[colours == 3 ? k : 0], background[k], src[colours]);
        if (dst_channels == 3)
            memcpy(dst, rgb, 3);
        else
            *dst = grey_of(rgb);
    }
}

void slc_row_convert(uint8_t *dst, size_t dst_channels, const uint8_t *src,
                     size_t src_channels, size_t n, const uint8_t background[3])
{
    if (src_channels == 2 || src_channels == 4)
        convert_alpha(dst, dst_channels, src, src_channels - 1, n, background);
    else if (src_channels == dst_channels)
        memcpy(dst, src, n * dst_channels);
    else if (dst_channels == 1)
        for (size_t i = 0; i < n; i++)
            dst[i] = grey_of(src + 3 * i);
    else
        for (size_t i = 0; i < n; i++)
            memset(dst + 3 * i, src[i], 3);
}
