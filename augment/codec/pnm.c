/* PNM: the portable bitmap, graymap and pixmap (P1 to P6) of Netpbm, samples of up to 16
 * bits. Values are scaled from the file's maximum to 255, rounded to nearest. Written here and
 * not taken from stb_image, which knows neither plain files nor bitmaps nor maxima, and reads
 * 16 bits with exchanged bytes. */
#include <string.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "base/num.h"

typedef struct reader {
    const uint8_t *at, *end;
    size_t w, h, channels;
    unsigned top; /* the largest value a sample may have */
    bool plain, bitmap;
} reader;

static bool is_pnm(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
           (bytes[2] == '#' || (bytes[2] != 0 && strchr(" \t\n\v\f\r", bytes[2])));
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next decimal number, after white space and comments; false if there is none. */
static bool read_number(reader *r, unsigned *out)
{
    unsigned v = 0, digits = 0;
    while (r->at < r->end && (is_space(*r->at) || *r->at == '#'))
        if (*r->at++ == '#')
            while (r->at < r->end && *r->at != '\n' && *r->at != '\r')
                r->at++;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++) {
        v = v * 10 + (*r->at - '0');
        if (v > 1u << 30) return false;
    }
    *out = v;
    return digits > 0;
}

static slc_status read_header(reader *r, const uint8_t *bytes, size_t size,
                              const slc_decode *how, slc_err *err)
{
    unsigned w, h;
    const unsigned type = bytes[1] - '0';
    *r = (reader){.at = bytes + 2,
                  .end = bytes + size,
                  .channels = type % 3 == 0 ? 3 : 1,
                  .top = 1,
                  .plain = type <= 3,
                  .bitmap = type % 3 == 1};
    if (!read_number(r, &w) || !read_number(r, &h) ||
        (!r->bitmap && !read_number(r, &r->top)))
        return slc_fail(err, SLC_EFORMAT, "pnm: the header is incomplete");
    if (r->top < 1 || r->top > 65535)
        return slc_fail(err, SLC_EFORMAT, "pnm: a maximum of %u is not from 1 to 65535",
                        r->top);
    r->w = w;
    r->h = h;
    const slc_status st = slc_check_size("pnm", w, h, &how->limits, err);
    if (st != SLC_OK) return st;
    if (r->at == r->end || !is_space(*r->at))
        return slc_fail(err, SLC_EFORMAT, "pnm: no white space behind the header");
    r->at++;
    return SLC_OK;
}

static size_t row_bytes(const reader *r)
{
    return r->bitmap ? (r->w + 7) / 8 : r->w * r->channels * (r->top > 255 ? 2 : 1);
}

static uint8_t scale(const reader *r, unsigned v)
{
    return (uint8_t)((slc_min(v, r->top) * 255 + r->top / 2) / r->top);
}

static void unpack_row(reader *r, uint8_t *row)
{
    const uint8_t *src = r->at;
    const size_t n = r->w * r->channels;
    if (r->bitmap)
        for (size_t i = 0; i < n; i++)
            row[i] = src[i / 8] >> (7 - i % 8) & 1 ? 0 : 255;
    else if (r->top == 255)
        memcpy(row, src, n);
    else if (r->top < 255)
        for (size_t i = 0; i < n; i++)
            row[i] = scale(r, src[i]);
    else
        for (size_t i = 0; i < n; i++)
            row[i] = scale(r, (unsigned)src[2 * i] << 8 | src[2 * i + 1]);
    r->at += row_bytes(r);
}

/* False if the file ends before the row does, or something is no number. */
static bool parse_row(reader *r, uint8_t *row)
{
    for (size_t i = 0; i < r->w * r->channels; i++) {
        unsigned v;
        if (r->bitmap) { /* digits may stand without space between them */
            while (r->at < r->end && is_space(*r->at))
                r->at++;
            if (r->at == r->end || (*r->at != '0' && *r->at != '1')) return false;
            row[i] = *r->at++ == '1' ? 0 : 255;
        } else {
            if (!read_number(r, &v)) return false;
            row[i] = scale(r, v);
        }
    }
    return true;
}

static bool read_row(reader *r, uint8_t *row)
{
    if (r->plain) return parse_row(r, row);
    if ((size_t)(r->end - r->at) < row_bytes(r)) return false;
    unpack_row(r, row);
    return true;
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    reader r;
    (void)decoder;
    const slc_status st = read_header(&r, bytes, size, how, err);
    *out = (slc_image_info){.format = "pnm",
                            .w = r.w,
                            .h = r.h,
                            .file_channels = (unsigned)r.channels,
                            .bits = r.bitmap      ? 1
                                    : r.top > 255 ? 16
                                                  : 8,
                            .orientation = 1};
    return st;
}

/* Refuses what is too short before memory is taken: a sample is a bit, a byte or two; in plain
 * files at least one character. */
static bool is_too_short(const reader *r)
{
    size_t need;
    const size_t row = r->plain ? r->w * r->channels : row_bytes(r);
    return !slc_mul(row, r->h, &need) || need > (size_t)(r->end - r->at);
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    reader r;
    slc_frame f;
    slc_status st = read_header(&r, bytes, size, how, err);
    if (st == SLC_OK)
        st = slc_frame_make(&f, r.w, r.h, (unsigned)r.channels, 1, how, err);
    if (st == SLC_OK && !how->accept_truncated && is_too_short(&r))
        st = slc_fail(err, SLC_EFORMAT, "pnm: %zu bytes cannot hold %zu x %zu px", size,
                      r.w, r.h);
    if (st == SLC_OK)
        st = slc_image_alloc(out, arena, f.region.w, f.region.h, f.channels, err);
    if (st != SLC_OK) return st;

    uint8_t *row = slc_arena_alloc(&decoder->scratch, r.w * r.channels);
    if (!row) return slc_fail(err, SLC_ENOMEM, "pnm: out of memory");
    if (how->accept_truncated) memset(out->px, 0, out->h * out->stride);
    for (size_t y = 0; y < f.region.y + f.region.h; y++) {
        if (!read_row(&r, row)) {
            if (how->accept_truncated) break;
            return slc_fail(err, SLC_EFORMAT, "pnm: row %zu of %zu is cut short or bad",
                            y, r.h);
        }
        if (y >= f.region.y)
            slc_row_convert(out->px + (y - f.region.y) * out->stride, out->channels,
                            row + f.region.x * r.channels, r.channels, f.region.w,
                            how->background);
    }
    return SLC_OK;
}

const slc_codec slc_codec_pnm = {
    .entry = {.name = "pnm",
              .summary = "Netpbm's bitmaps, graymaps and pixmaps",
              .source = "netpbm.sourceforge.net/doc/pnm.html"},
    .extensions = "ppm pgm pbm pnm",
    .is = is_pnm,
    .info = info,
    .decode = decode,
};
