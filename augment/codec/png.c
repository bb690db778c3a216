/* PNG through libpng's low-level interface. libpng turns every kind of PNG into 8-bit grey or
 * RGB with or without alpha; only the chunks that pixels depend on are read, so that the
 * others cannot cost memory or meet a bug. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "augment/codec/png_walk.h"
#include "augment/codec/png_write.h"
#include "base/num.h"

typedef struct reader {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    const uint8_t *bytes, *end;
    const slc_decode *how;
    slc_arena *arena, *scratch;
    slc_png_facts facts;
    slc_frame frame;
    slc_image stored; /* the region, before orientation */
    bool any;         /* stored exists, and rows may have come */
} reader;

static void stop(reader *r, slc_status status)
{
    r->status = status;
    longjmp(r->jump, 1);
}

static void on_error(png_structp png, png_const_charp text)
{
    reader *r = png_get_error_ptr(png);
    stop(r, slc_fail(r->err, SLC_EFORMAT, "png: %s", text));
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* libpng frees little before its end; the arena takes all at once. */
static png_voidp take(png_structp png, png_alloc_size_t size)
{
    return slc_arena_alloc(png_get_mem_ptr(png), size);
}

static void give(png_structp png, png_voidp p)
{
    (void)png;
    (void)p;
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if ((size_t)(r->end - r->bytes) < n) png_error(png, "the file ends too early");
    memcpy(out, r->bytes, n);
    r->bytes += n;
}

/* Everything but IHDR, PLTE, tRNS, IDAT and IEND is passed over, its CRC checked. */
static void skip_other_chunks(png_structp png)
{
    static const png_byte others[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0"
        "sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, others, sizeof(others) / 5);
}

/* Asks libpng for 8 bits a channel, and alpha wherever something is transparent. */
static void set_transforms(reader *r)
{
    png_set_expand(r->png);   /* palettes, 1 to 4 bits, tRNS to alpha */
    png_set_scale_16(r->png); /* (v * 255 + 32895) >> 16 */
}

/* Rows one by one; only those of the region are kept. */
static void read_rows(reader *r, uint8_t *row, size_t channels)
{
    const slc_rect region = r->frame.region;
    for (size_t y = 0; y < region.y + region.h; y++) {
        png_read_row(r->png, row, NULL);
        if (y < region.y) continue;
        slc_row_convert(r->stored.px + (y - region.y) * r->stored.stride,
                        r->stored.channels, row + region.x * channels, channels, region.w,
                        r->how->background);
    }
}

/* Interlaced pictures come in seven passes over the whole. */
static void read_interlaced(reader *r, size_t row_size, size_t channels)
{
    const slc_rect region = r->frame.region;
    size_t size, table;
    png_bytep *rows = NULL;
    uint8_t *px = NULL;
    if (slc_mul(row_size, r->frame.h, &size) &&
        slc_mul(sizeof(*rows), r->frame.h, &table)) {
        rows = slc_arena_alloc(r->scratch, table);
        px = slc_arena_alloc(r->scratch, size);
    }
    if (!rows || !px) stop(r, slc_fail(r->err, SLC_ENOMEM, "png: out of memory"));
    for (size_t y = 0; y < r->frame.h; y++)
        rows[y] = px + y * row_size;
    png_read_image(r->png, rows);
    for (size_t y = 0; y < region.h; y++)
        slc_row_convert(r->stored.px + y * r->stored.stride, r->stored.channels,
                        rows[region.y + y] + region.x * channels, channels, region.w,
                        r->how->background);
}

static void begin(reader *r)
{
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning,
                                      r->scratch, take, give);
    if (r->png) r->info = png_create_info_struct(r->png);
    if (!r->info) stop(r, slc_fail(r->err, SLC_ENOMEM, "png: out of memory"));
    const slc_limits l = slc_limits_or_default(&r->how->limits);
    png_set_read_fn(r->png, r, on_read);
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours were checked */
    png_set_chunk_cache_max(r->png, (png_uint_32)slc_min(l.chunks, INT32_MAX));
    skip_other_chunks(r->png);
    png_read_info(r->png, r->info);
    set_transforms(r);
}

static void decode_body(reader *r)
{
    begin(r);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    const size_t channels = png_get_channels(r->png, r->info);
    const size_t row_size = png_get_rowbytes(r->png, r->info);

    const slc_rect region = r->frame.region;
    slc_status st = slc_image_alloc(&r->stored, r->arena, region.w, region.h,
                                    r->frame.channels, r->err);
    if (st != SLC_OK) stop(r, st);
    if (r->how->accept_truncated) memset(r->stored.px, 0, r->stored.stride * r->stored.h);
    r->any = true;

    if (passes > 1) {
        read_interlaced(r, row_size, channels);
    } else {
        uint8_t *row = slc_arena_alloc(r->scratch, row_size);
        if (!row) stop(r, slc_fail(r->err, SLC_ENOMEM, "png: out of memory"));
        read_rows(r, row, channels);
    }
    if (passes > 1 || region.y + region.h == r->frame.h) png_read_end(r->png, NULL);
}

static slc_status guarded(reader *r)
{
    if (setjmp(r->jump) == 0) decode_body(r);
    return r->status;
}

static bool is_png(const uint8_t *bytes, size_t size)
{
    return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

/* The header and the limits, without libpng. */
static slc_status check(slc_png_facts *facts, const uint8_t *bytes, size_t size,
                        const slc_decode *how, slc_err *err)
{
    const slc_limits l = slc_limits_or_default(&how->limits);
    if (!slc_png_walk(facts, bytes, size))
        return slc_fail(err, SLC_EFORMAT, "png: the header is incomplete");
    if (facts->ancillary > l.chunks)
        return slc_fail(err, SLC_ELIMIT, "png: over the limit of %llu ancillary chunks",
                        (unsigned long long)l.chunks);
    const slc_status st = slc_check_size("png", facts->w, facts->h, &how->limits, err);
    if (st != SLC_OK) return st;

    /* Deflate shrinks by 1032 at most, so a small file cannot hold a large picture. */
    if (!how->accept_truncated && facts->w * facts->bits / 8 * facts->h / 1032 > size)
        return slc_fail(err, SLC_EFORMAT, "png: %zu bytes cannot hold %zu x %zu px", size,
                        facts->w, facts->h);
    return SLC_OK;
}

static unsigned file_channels(const slc_png_facts *facts)
{
    const unsigned colours = facts->colour_type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    return colours + (facts->colour_type & PNG_COLOR_MASK_ALPHA || facts->transparent);
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    slc_png_facts facts;
    (void)decoder;
    const slc_status st = check(&facts, bytes, size, how, err);
    if (st != SLC_OK) return st;
    *out = (slc_image_info){
        .format = "png",
        .w = facts.w,
        .h = facts.h,
        .file_channels = file_channels(&facts),
        .bits = facts.bits,
        .orientation = facts.orientation,
        .alpha = facts.colour_type & PNG_COLOR_MASK_ALPHA || facts.transparent,
        .palette = facts.colour_type == PNG_COLOR_TYPE_PALETTE,
        .animated = facts.animated,
    };
    return SLC_OK;
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    reader r = {.bytes = bytes,
                .end = bytes + size,
                .how = how,
                .arena = arena,
                .scratch = &decoder->scratch,
                .err = err};
    slc_status st = check(&r.facts, bytes, size, how, err);
    if (st == SLC_OK)
        st = slc_frame_make(&r.frame, r.facts.w, r.facts.h, file_channels(&r.facts),
                            r.facts.orientation, how, err);
    if (st != SLC_OK) return st;

    st = guarded(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    if (st == SLC_EFORMAT && how->accept_truncated && r.any) {
        if (err) *err = (slc_err){0};
        st = SLC_OK;
    }
    if (st != SLC_OK) return st;
    return slc_image_orient(out, &r.stored, r.frame.orientation, arena, err);
}

const slc_codec slc_codec_png = {
    .entry = {.name = "png",
              .summary = "lossless pictures",
              .source = "ISO/IEC 15948; libpng",
              .params = slc_png_params,
              .settings_size = sizeof(slc_png_settings)},
    .extensions = "png apng",
    .is = is_png,
    .info = info,
    .decode = decode,
    .encode = slc_png_encode,
};
