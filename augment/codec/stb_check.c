#include "augment/codec/stb_check.h"

#include <string.h>

#include "augment/codec/frame.h"
#include "base/num.h"

static size_t get16(const uint8_t *p)
{
    return p[0] | (size_t)p[1] << 8;
}

static size_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static slc_status cut_short(slc_err *err, const slc_image_info *info, size_t size)
{
    return slc_fail(err, SLC_EFORMAT, "%s: %zu bytes are too few for %zu x %zu px",
                    info->format, size, info->w, info->h);
}

/* --- BMP --------------------------------------------------------------------------------- */

enum { BMP_FILE_HEADER = 14, BMP_OS2 = 12, BMP_V4 = 108 };

/* Whether a row of indices stays inside a palette of n colours. */
static bool fits_palette(const uint8_t *row, size_t w, unsigned bits, size_t n)
{
    for (size_t x = 0; x < w; x++) {
        const unsigned shift = 8 - bits - x * bits % 8;
        if ((row[x * bits / 8] >> shift & ((1u << bits) - 1)) >= n) return false;
    }
    return true;
}

static slc_status check_bmp_rows(const slc_image_info *info, const uint8_t *bytes,
                                 size_t size, size_t palette, const slc_decode *how,
                                 slc_err *err)
{
    const size_t offset = get32(bytes + 10),
                 stride = (info->w * info->bits + 31) / 32 * 4;
    /* The padding of the last row may be missing. */
    const size_t need = offset + stride * (info->h - 1) + (info->w * info->bits + 7) / 8;
    if (need > size && !how->accept_truncated) return cut_short(err, info, size);
    if (!info->palette) return SLC_OK;
    for (size_t y = 0; y < info->h; y++) {
        const size_t at = offset + y * stride;
        if (at + stride > size && need > size) break;
        if (!fits_palette(bytes + at, info->w, info->bits, palette))
            return slc_fail(err, SLC_EFORMAT, "bmp: a pixel beyond the palette of %zu",
                            palette);
    }
    return SLC_OK;
}

slc_status slc_bmp_check(slc_image_info *out, const uint8_t *bytes, size_t size,
                         const slc_decode *how, bool complete, slc_err *err)
{
    const size_t header = get32(bytes + 14);
    const bool old = header == BMP_OS2;
    if (!old && (header < 40 || size < BMP_FILE_HEADER + header))
        return slc_fail(err, SLC_EFORMAT, "bmp: the header is cut short or bad");
    const int32_t signed_w =
        old ? (int32_t)get16(bytes + 18) : (int32_t)get32(bytes + 18);
    const int32_t signed_h =
        old ? (int32_t)get16(bytes + 20) : (int32_t)get32(bytes + 22);
    const unsigned bits = (unsigned)get16(bytes + (old ? 24 : 28));
    const size_t compression = old ? 0 : get32(bytes + 30), offset = get32(bytes + 10);
    if (signed_w < 0 || signed_h == INT32_MIN)
        return slc_fail(err, SLC_EFORMAT, "bmp: negative size");
    /* Four bytes a pixel are padding unless the newer headers name a mask, as in Pillow. */
    const bool alpha = bits == 32 && compression == 3 && header >= BMP_V4 &&
                       get32(bytes + BMP_FILE_HEADER + 52) != 0;
    *out = (slc_image_info){.format = "bmp",
                            .w = (size_t)signed_w,
                            .h = (size_t)(signed_h < 0 ? -signed_h : signed_h),
                            .file_channels = alpha ? 4 : 3,
                            .bits = bits,
                            .orientation = 1,
                            .alpha = alpha,
                            .palette = bits <= 8};
    const slc_status st = slc_check_size("bmp", out->w, out->h, &how->limits, err);
    if (st != SLC_OK) return st;
    if ((bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32) ||
        (compression != 0 && !(compression == 3 && bits >= 16 && bits != 24)) ||
        (old && bits != 24))
        return slc_fail(
            err, SLC_EFORMAT,
            "bmp: %u bits with compression %zu in a header of %zu are not read", bits,
            compression, header);
    const size_t behind = BMP_FILE_HEADER + header;
    if (offset < behind)
        return slc_fail(err, SLC_EFORMAT, "bmp: pixels inside the header");
    const size_t palette = bits <= 8 ? (offset - behind) / 4 : 0;
    if (bits <= 8 && (palette == 0 || palette > 256 || offset > size))
        return slc_fail(err, SLC_EFORMAT, "bmp: a palette of %zu colours", palette);
    return complete ? check_bmp_rows(out, bytes, size, palette, how, err) : SLC_OK;
}

/* --- TGA --------------------------------------------------------------------------------- */

enum { TGA_HEADER = 18, TGA_MAPPED = 1, TGA_RGB = 2, TGA_GREY = 3, TGA_RLE = 8 };

bool slc_is_tga(const uint8_t *bytes, size_t size)
{
    if (size <= TGA_HEADER || bytes[1] > 1 || (bytes[17] & 0xc0)) return false;
    const unsigned type = bytes[2] & ~(unsigned)TGA_RLE, bits = bytes[16];
    if (bytes[2] > 11 || get16(bytes + 12) == 0 || get16(bytes + 14) == 0) return false;
    if (type == TGA_MAPPED) {
        const unsigned entry = bytes[7];
        return bytes[1] == 1 && get16(bytes + 3) == 0 && get16(bytes + 5) > 0 &&
               get16(bytes + 5) <= 256 && bits == 8 &&
               (entry == 15 || entry == 16 || entry == 24 || entry == 32);
    }
    /* Without a palette its fields are 0 (which tells icons from pictures). */
    for (size_t i = 3; i < 8; i++)
        if (bytes[1] == 0 && bytes[i] != 0) return false;
    if (bytes[1] == 1) return false;
    if (type == TGA_GREY) return bits == 8 || bits == 16;
    return type == TGA_RGB && (bits == 15 || bits == 16 || bits == 24 || bits == 32);
}

/* Behind the run-length packets of count pixels, or 0 if they are cut short. */
static size_t skip_packets(const uint8_t *bytes, size_t size, size_t at, size_t count,
                           size_t pixel)
{
    while (count > 0) {
        if (at >= size) return 0;
        const size_t run = (bytes[at] & 127u) + 1;
        at += 1 + (bytes[at] & 128 ? pixel : run * pixel);
        count -= slc_min(run, count);
    }
    return at <= size ? at : 0;
}

slc_status slc_tga_check(slc_image_info *out, const uint8_t *bytes, size_t size,
                         const slc_decode *how, bool complete, slc_err *err)
{
    const bool mapped = bytes[1] == 1, rle = bytes[2] & TGA_RLE;
    const bool grey = (bytes[2] & ~(unsigned)TGA_RLE) == TGA_GREY;
    const size_t entry = mapped ? (bytes[7] + 7u) / 8 : 0, pixel = (bytes[16] + 7u) / 8;
    const bool alpha = grey ? bytes[16] == 16 : (mapped ? bytes[7] : bytes[16]) == 32;
    *out = (slc_image_info){.format = "tga",
                            .w = get16(bytes + 12),
                            .h = get16(bytes + 14),
                            .file_channels = (grey ? 1 : 3) + alpha,
                            .bits = 8,
                            .orientation = 1,
                            .alpha = alpha,
                            .palette = mapped};
    const slc_status st = slc_check_size("tga", out->w, out->h, &how->limits, err);
    if (st != SLC_OK || !complete) return st;
    const size_t begin = TGA_HEADER + bytes[0] + entry * get16(bytes + 5);
    const size_t count = out->w * out->h;
    if (begin > size) return cut_short(err, out, size);
    if (mapped && bytes[0] + get16(bytes + 5) * entry > size - TGA_HEADER)
        return cut_short(err, out, size);
    if (how->accept_truncated) return SLC_OK;
    if (rle ? skip_packets(bytes, size, begin, count, pixel) == 0
            : count * pixel > size - begin)
        return cut_short(err, out, size);
    return SLC_OK;
}
