/* GIF: the first frame of 87a and 89a files, on a transparent canvas (as most viewers show it;
 * the file's background colour is ignored).
 *
 * Written here and not taken from stb_image, which asks for nine bytes a pixel before it knows
 * whether there is anything behind the header. The codes are read twice: once to count the
 * pixels they stand for, which needs no memory, then into the rows that are wanted. */
#include <string.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "augment/codec/gif_lzw.h"
#include "base/num.h"

enum { SCREEN = 13, DESCRIPTOR = 10, TABLE = 0x80, INTERLACED = 0x40, OPAQUE = -1 };

/* What is said before the first frame's codes. */
typedef struct gif {
    slc_rect frame; /* on the canvas */
    const uint8_t *palette;
    size_t colours, codes; /* codes: where they begin */
    int transparent;       /* a colour's number, or OPAQUE */
    bool interlaced;
} gif;

static size_t get16(const uint8_t *p)
{
    return p[0] | (size_t)p[1] << 8;
}

/* Behind a chain of sub-blocks; size if it does not end. */
static size_t skip_blocks(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size && bytes[at] != 0)
        at += 1 + (size_t)bytes[at];
    return at < size ? at + 1 : size;
}

static size_t table_colours(unsigned flags)
{
    return flags & TABLE ? (size_t)2 << (flags & 7) : 0;
}

/* The next frame's descriptor at or behind *at; false if there is none. Tells the colour that
 * a control block before it makes transparent. */
static bool find_frame(size_t *at, int *transparent, const uint8_t *bytes, size_t size)
{
    while (*at < size && size - *at > DESCRIPTOR) {
        const uint8_t *p = bytes + *at;
        if (p[0] == ',') return true;
        if (p[0] != '!') return false;
        if (p[1] == 0xf9 && p[2] >= 4) *transparent = p[3] & 1 ? p[6] : OPAQUE;
        *at = skip_blocks(bytes, size, *at + 2);
    }
    return false;
}

/* Header and first descriptor. The canvas grows to what the frame needs, as in Pillow: there
 * are files that give it no size. */
static slc_status read_header(gif *g, slc_image_info *out, const uint8_t *bytes,
                              size_t size, const slc_decode *how, slc_err *err)
{
    int ignored;
    size_t at = SCREEN + 3 * table_colours(bytes[10]);
    *g = (gif){.transparent = OPAQUE};
    if (!find_frame(&at, &g->transparent, bytes, size)) {
        const slc_status st =
            slc_check_size("gif", slc_max(get16(bytes + 6), 1),
                           slc_max(get16(bytes + 8), 1), &how->limits, err);
        return st == SLC_OK ? slc_fail(err, SLC_EFORMAT, "gif: there is no frame in it")
                            : st;
    }
    const uint8_t *p = bytes + at;
    const size_t own = table_colours(p[9]);
    g->frame = (slc_rect){get16(p + 1), get16(p + 3), get16(p + 5), get16(p + 7)};
    g->interlaced = p[9] & INTERLACED;
    g->colours = own ? own : table_colours(bytes[10]);
    g->palette = own ? p + DESCRIPTOR : bytes + SCREEN;
    g->codes = at + DESCRIPTOR + 3 * own;
    *out = (slc_image_info){.format = "gif",
                            .w = slc_max(get16(bytes + 6), g->frame.x + g->frame.w),
                            .h = slc_max(get16(bytes + 8), g->frame.y + g->frame.h),
                            .file_channels = g->transparent == OPAQUE ? 3 : 4,
                            .bits = 8,
                            .orientation = 1,
                            .alpha = g->transparent != OPAQUE,
                            .palette = true};
    if (g->codes >= size)
        return slc_fail(err, SLC_EFORMAT, "gif: the file ends before the first frame");
    at = skip_blocks(bytes, size, g->codes + 1);
    out->animated = find_frame(&at, &ignored, bytes, size);
    return slc_check_size("gif", out->w, out->h, &how->limits, err);
}

/* All 256 indices in the picture's channels. Those without a colour are grey, as in Pillow. */
static void fill_colours(uint8_t *out, size_t channels, const gif *g,
                         const slc_decode *how)
{
    for (size_t i = 0; i < 256; i++) {
        uint8_t rgba[4] = {(uint8_t)i, (uint8_t)i, (uint8_t)i, 255};
        if (i < g->colours) memcpy(rgba, g->palette + 3 * i, 3);
        if ((int)i == g->transparent) rgba[3] = 0;
        slc_row_convert(out + i * channels, channels, rgba, 4, 1, how->background);
    }
}

/* One row of the frame's indices, as far as it lies in the region. */
static void draw_row(const slc_image *out, const slc_rect *region, const gif *g,
                     const uint8_t *colours, const uint8_t *row, size_t y)
{
    const size_t c = out->channels, left = slc_max(g->frame.x, region->x);
    const size_t right = slc_min(g->frame.x + g->frame.w, region->x + region->w);
    y += g->frame.y;
    if (y < region->y || y >= region->y + region->h) return;
    uint8_t *dst = out->px + (y - region->y) * out->stride + (left - region->x) * c;
    for (size_t x = left; x < right; x++, dst += c)
        memcpy(dst, colours + row[x - g->frame.x] * c, c);
}

/* The row that comes i-th in a file of h interlaced rows. */
static size_t interlaced_row(size_t i, size_t h)
{
    static const struct {
        size_t first, step;
    } passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    for (size_t k = 0; k < SLC_COUNT(passes); k++) {
        const size_t first = passes[k].first, step = passes[k].step;
        const size_t rows = h > first ? (h - first + step - 1) / step : 0;
        if (i < rows) return first + i * step;
        i -= rows;
    }
    return h;
}

static void paint_background(const slc_image *out, const uint8_t background[3])
{
    uint8_t pixel[3];
    slc_row_convert(pixel, out->channels, background, 3, 1, background);
    for (size_t y = 0; y < out->h; y++)
        for (size_t x = 0; x < out->w; x++)
            memcpy(out->px + y * out->stride + x * out->channels, pixel, out->channels);
}

static void draw_frame(const slc_image *out, const slc_rect *region, const gif *g,
                       slc_gif_lzw *codes, const uint8_t *colours, uint8_t *row)
{
    size_t n = 0, y = 0, length;
    for (const uint8_t *string; (string = slc_gif_lzw_next(codes, &length));)
        while (length > 0) {
            const size_t part = slc_min(length, g->frame.w - n);
            memcpy(row + n, string, part);
            string += part;
            length -= part;
            n += part;
            if (n < g->frame.w) break;
            n = 0;
            draw_row(out, region, g, colours, row,
                     g->interlaced ? interlaced_row(y, g->frame.h) : y);
            if (++y == g->frame.h) return;
        }
}

static slc_status check_codes(slc_gif_lzw *codes, const gif *g,
                              const slc_image_info *info, const slc_decode *how,
                              slc_err *err)
{
    enum { CANVAS = 4 << 20, A_CODE = 4096 }; /* pixels that are free; behind a code */
    const uint64_t wanted = (uint64_t)g->frame.w * g->frame.h, canvas = info->w * info->h;
    const uint8_t *begin = codes->at;
    const uint64_t there = slc_gif_lzw_count(codes, wanted);
    const size_t size = (size_t)(codes->at - begin);
    if (codes->bad) return slc_fail(err, SLC_EFORMAT, "gif: a code that cannot be there");
    /* A large canvas must not cost more than the codes of its frame could fill. */
    if (!how->accept_truncated &&
        (there < wanted || (canvas > CANVAS && canvas / A_CODE > size)))
        return slc_fail(err, SLC_EFORMAT,
                        "gif: the file ends too early: %zu bytes for %zu x %zu px", size,
                        info->w, info->h);
    return SLC_OK;
}

static bool is_gif(const uint8_t *bytes, size_t size)
{
    return size >= SCREEN &&
           (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0);
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    gif g;
    (void)decoder;
    return read_header(&g, out, bytes, size, how, err);
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    gif g;
    slc_image_info facts = {0};
    slc_frame f;
    uint8_t colours[3 * 256];
    slc_status st = read_header(&g, &facts, bytes, size, how, err);
    if (st == SLC_OK)
        st = slc_frame_make(&f, facts.w, facts.h, facts.file_channels, 1, how, err);
    if (st != SLC_OK) return st;
    slc_gif_lzw *codes = slc_arena_alloc(&decoder->scratch, sizeof(*codes));
    uint8_t *row = slc_arena_alloc(&decoder->scratch, g.frame.w + 1);
    if (!codes || !row) return slc_fail(err, SLC_ENOMEM, "gif: out of memory");
    slc_gif_lzw_begin(codes, bytes + g.codes, bytes + size);
    st = check_codes(codes, &g, &facts, how, err);
    if (st == SLC_OK)
        st = slc_image_alloc(out, arena, f.region.w, f.region.h, f.channels, err);
    if (st != SLC_OK) return st;
    paint_background(out, how->background);
    fill_colours(colours, f.channels, &g, how);
    slc_gif_lzw_begin(codes, bytes + g.codes, bytes + size);
    if (g.frame.w > 0 && g.frame.h > 0)
        draw_frame(out, &f.region, &g, codes, colours, row);
    return SLC_OK;
}

const slc_codec slc_codec_gif = {
    .entry = {.name = "gif",
              .summary = "animations, of which the first frame is read",
              .source = "GIF89a, CompuServe"},
    .extensions = "gif",
    .is = is_gif,
    .info = info,
    .decode = decode,
};
