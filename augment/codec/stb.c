/* BMP and TGA through stb_image. Its loaders trust their input in places (they read
 * palettes that are not there, and take the end of the file for zeros), so each file is
 * checked here first: what reaches stb is complete. */
#include <stdlib.h>
#include <string.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "augment/codec/stb_check.h"

/* stb_image writes (never reads) a static text; the optimiser drops it, which keeps the
 * library without writable state, so it is always on. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC optimize("O2")
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_THREAD_LOCALS
#define STBI_NO_FAILURE_STRINGS
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_JPEG
#define STBI_NO_PNG
#define STBI_NO_PNM
#define STBI_NO_GIF
#define STBI_NO_PSD
#define STBI_NO_PIC
#define STBI_MAX_DIMENSIONS 65535
#define STBI_ASSERT(x) ((void)0)
#define STBI_MALLOC(n) calloc(1, n) /* never what was in memory before */
#define STBI_REALLOC(p, n) realloc(p, n)
#define STBI_FREE(p) free(p)
#include <stb/stb_image.h>
#pragma GCC diagnostic pop
#pragma GCC diagnostic ignored "-Wunused-function" /* judged at the end of the file */

/* Pixels as stb gives them, dense. */
typedef struct pixels {
    uint8_t *px;
    int w, h, channels;
} pixels;

typedef bool (*loader)(pixels *out, stbi__context *s);

static bool load_bmp(pixels *out, stbi__context *s)
{
    stbi__result_info facts;
    out->px = stbi__bmp_load(s, &out->w, &out->h, &out->channels, 0, &facts);
    return out->px;
}

static bool load_tga(pixels *out, stbi__context *s)
{
    stbi__result_info facts;
    out->px = stbi__tga_load(s, &out->w, &out->h, &out->channels, 0, &facts);
    return out->px;
}

static slc_status copy_region(const pixels *p, const slc_decode *how,
                              const slc_image_info *facts, slc_arena *arena,
                              slc_image *out, slc_err *err)
{
    slc_frame f;
    const size_t channels = (size_t)p->channels, stride = (size_t)p->w * channels;
    if ((size_t)p->w != facts->w || (size_t)p->h != facts->h)
        return slc_fail(err, SLC_EFORMAT, "%s: the header contradicts itself",
                        facts->format);
    for (size_t i = 3; channels == 4 && !facts->alpha && i < stride * facts->h; i += 4)
        p->px[i] = 255; /* stb guesses */
    slc_status st =
        slc_frame_make(&f, facts->w, facts->h, facts->file_channels, 1, how, err);
    if (st == SLC_OK)
        st = slc_image_alloc(out, arena, f.region.w, f.region.h, f.channels, err);
    if (st != SLC_OK) return st;
    for (size_t y = 0; y < f.region.h; y++)
        slc_row_convert(out->px + y * out->stride, f.channels,
                        p->px + (f.region.y + y) * stride + f.region.x * channels,
                        channels, f.region.w, how->background);
    return SLC_OK;
}

static slc_status load(loader loads, const uint8_t *bytes, size_t size,
                       const slc_decode *how, const slc_image_info *facts,
                       slc_arena *arena, slc_image *out, slc_err *err)
{
    pixels p = {0};
    stbi__context s;
    slc_status st;
    if (size > INT_MAX)
        return slc_fail(err, SLC_ELIMIT, "%s: %zu bytes", facts->format, size);
    stbi__start_mem(&s, bytes, (int)size);
    if (!loads(&p, &s))
        st = slc_fail(err, SLC_EFORMAT, "%s: corrupt, or of a kind that is not read",
                      facts->format);
    else
        st = copy_region(&p, how, facts, arena, out, err);
    STBI_FREE(p.px);
    return st;
}

static bool is_bmp(const uint8_t *bytes, size_t size)
{
    return size >= 26 && memcmp(bytes, "BM", 2) == 0;
}

static slc_status bmp_info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                           const slc_decode *how, slc_image_info *out, slc_err *err)
{
    (void)decoder;
    return slc_bmp_check(out, bytes, size, how, false, err);
}

static slc_status bmp_decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                             const slc_decode *how, slc_arena *arena, slc_image *out,
                             slc_err *err)
{
    slc_image_info facts;
    (void)decoder;
    const slc_status st = slc_bmp_check(&facts, bytes, size, how, true, err);
    return st == SLC_OK ? load(load_bmp, bytes, size, how, &facts, arena, out, err) : st;
}

const slc_codec slc_codec_bmp = {
    .entry = {.name = "bmp", .summary = "Windows bitmaps", .source = "stb_image"},
    .extensions = "bmp dib",
    .is = is_bmp,
    .info = bmp_info,
    .decode = bmp_decode,
};

static slc_status tga_info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                           const slc_decode *how, slc_image_info *out, slc_err *err)
{
    (void)decoder;
    return slc_tga_check(out, bytes, size, how, false, err);
}

static slc_status tga_decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                             const slc_decode *how, slc_arena *arena, slc_image *out,
                             slc_err *err)
{
    slc_image_info facts;
    (void)decoder;
    const slc_status st = slc_tga_check(&facts, bytes, size, how, true, err);
    return st == SLC_OK ? load(load_tga, bytes, size, how, &facts, arena, out, err) : st;
}

const slc_codec slc_codec_tga = {
    .entry = {.name = "tga",
              .summary = "Truevision's pictures",
              .source = "Truevision TGA 2.0; stb_image"},
    .extensions = "tga",
    .is = slc_is_tga,
    .info = tga_info,
    .decode = tga_decode,
};
