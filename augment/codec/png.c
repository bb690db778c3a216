/* PNG through libpng's low-level interface (its simplified one has had most of its recent
 * holes): every colour type and depth, palettes, transparency, interlace. Sixteen bits become
 * eight by (v * 255 + 32895) >> 16, which rounds to nearest; what is transparent shows the
 * background. libpng reports errors by a jump, which is taken in this file only. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "base/num.h"

enum { CHUNK_BYTES = 8000000, LEAST_FILE = 8 };

typedef struct settings {
    int64_t level;
} settings;

static const slc_param params[] = {
    {"level", SLC_FIELD(settings, level), .lo = 0, .hi = 9, .initial = "6",
     .help = "zlib's effort"},
    {0},
};

typedef struct reader {
    png_structp png;
    png_infop facts;
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    slc_arena *scratch;

    const uint8_t *bytes;
    size_t size, at;
    const slc_decode *how;
    slc_image_info info;

    slc_arena *arena; /* of the result */
    slc_frame frame;
    slc_image stored; /* px is set once rows are being read */
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
    (void)png, (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->size - r->at)
        stop(r, slc_fail(r->err, SLC_EFORMAT, "png: the file ends early, after %zu bytes",
                         r->size));
    memcpy(to, r->bytes + r->at, n);
    r->at += n;
}

/* libpng's memory comes from the decoder's scratch and goes back all at once. */
static png_voidp on_malloc(png_structp png, size_t size)
{
    reader *r = png_get_mem_ptr(png);
    return slc_arena_alloc(r->scratch, size);
}

static void on_free(png_structp png, png_voidp memory)
{
    (void)png, (void)memory;
}

/* Chunks that only tell about the picture, and that may hold bombs of their own. */
static void ignore_texts(png_structp png)
{
    static const png_byte names[] =
        "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0hIST\0pCAL\0sCAL\0tIME";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, 9);
}

static unsigned orientation_of(reader *r)
{
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(r->png, r->facts, &size, &exif))
        return slc_exif_orientation(exif, size);
#endif
    (void)r;
    return 1;
}

static void read_header(reader *r)
{
    const slc_limits limits = slc_limits_or_default(&r->how->limits);
    png_uint_32 w = 0, h = 0;
    int bits = 0, type = 0, interlace = 0;

    png_set_read_fn(r->png, r, on_read);
    ignore_texts(r->png);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours say more */
    png_set_chunk_cache_max(r->png, (png_uint_32)slc_min(limits.chunks, UINT32_MAX));
    png_set_chunk_malloc_max(r->png, CHUNK_BYTES);
    png_read_info(r->png, r->facts);
    png_get_IHDR(r->png, r->facts, &w, &h, &bits, &type, &interlace, NULL, NULL);
    const slc_status st = slc_check_size("png", w, h, &r->how->limits, r->err);
    if (st != SLC_OK) stop(r, st);

    const bool palette = type == PNG_COLOR_TYPE_PALETTE;
    const bool alpha =
        (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(r->png, r->facts, PNG_INFO_tRNS);
    r->info = (slc_image_info){
        .format = "png",
        .w = w,
        .h = h,
        .file_channels = (type & PNG_COLOR_MASK_COLOR ? 3u : 1u) + alpha,
        .bits = (unsigned)bits,
        .orientation = orientation_of(r),
        .alpha = alpha,
        .palette = palette,
    };
}

/* Every kind of pixel becomes 1, 2, 3 or 4 channels of eight bits. */
static void set_transforms(reader *r)
{
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->facts);
}

/* One row of the file to where it belongs in the result. */
static void put_row(reader *r, const uint8_t *row, size_t channels, size_t y)
{
    const slc_rect *part = &r->frame.region;
    if (y < part->y || y >= part->y + part->h) return;
    slc_row_convert(r->stored.px + (y - part->y) * r->stored.stride, r->frame.channels,
                    row + part->x * channels, channels, part->w, r->how->background);
}

static void *take(reader *r, size_t count, size_t size)
{
    size_t bytes = 0;
    /* Not cleared: a header may promise far more than the file will ever fill. */
    void *memory =
        slc_mul(count, size, &bytes) ? slc_arena_alloc(r->scratch, bytes) : NULL;
    if (!memory)
        stop(r, slc_fail(r->err, SLC_ENOMEM, "png: no memory for %zu x %zu px", r->info.w,
                         r->info.h));
    return memory;
}

/* Interlaced pictures come in passes over all rows: they are put together first. */
static void read_interlaced(reader *r, size_t rowbytes, size_t channels)
{
    uint8_t *all = take(r, r->info.h, rowbytes);
    png_bytepp rows = take(r, r->info.h, sizeof(*rows));
    if (r->how->accept_truncated) memset(all, 0, r->info.h * rowbytes);
    for (size_t y = 0; y < r->info.h; y++)
        rows[y] = all + y * rowbytes;
    png_read_image(r->png, rows);
    for (size_t y = 0; y < r->info.h; y++)
        put_row(r, rows[y], channels, y);
}

static void read_rows(reader *r, size_t rowbytes, size_t channels)
{
    const size_t end = r->frame.region.y + r->frame.region.h;
    uint8_t *row = take(r, 1, rowbytes);
    for (size_t y = 0; y < end; y++) {
        png_read_row(r->png, row, NULL);
        put_row(r, row, channels, y);
    }
    /* A whole picture is only whole if nothing is wrong up to its last chunk. */
    if (end == r->info.h) png_read_end(r->png, NULL);
}

/* Deflate shrinks by 1032 at most, so a small file cannot hold a large picture. */
static void check_density(reader *r)
{
    const size_t bits =
        png_get_bit_depth(r->png, r->facts) * (size_t)png_get_channels(r->png, r->facts);
    if (!r->how->accept_truncated && r->info.w * bits / 8 * r->info.h / 1032 > r->size)
        stop(r, slc_fail(r->err, SLC_EFORMAT, "png: %zu bytes cannot hold %zu x %zu px",
                         r->size, r->info.w, r->info.h));
}

static void read_picture(reader *r)
{
    read_header(r);
    check_density(r);
    slc_status st = slc_frame_make(&r->frame, r->info.w, r->info.h, r->info.file_channels,
                                   r->info.orientation, r->how, r->err);
    if (st != SLC_OK) stop(r, st);
    set_transforms(r);
    const size_t channels = png_get_channels(r->png, r->facts);
    const size_t rowbytes = png_get_rowbytes(r->png, r->facts);
    size_t expected = 0;
    if (channels < 1 || channels > 4 || !slc_mul(r->info.w, channels, &expected) ||
        rowbytes != expected)
        stop(r, slc_fail(r->err, SLC_EFORMAT,
                         "png: %zu bytes a row for %zu px of %zu channels", rowbytes,
                         r->info.w, channels));

    st = slc_image_alloc(&r->stored, r->arena, r->frame.region.w, r->frame.region.h,
                         r->frame.channels, r->err);
    if (st != SLC_OK) stop(r, st);
    if (r->how->accept_truncated) memset(r->stored.px, 0, r->stored.h * r->stored.stride);
    if (png_get_interlace_type(r->png, r->facts) == PNG_INTERLACE_NONE)
        read_rows(r, rowbytes, channels);
    else
        read_interlaced(r, rowbytes, channels);
}

/* Runs a body, whose way out on failure is stop(), with a fresh libpng reader. */
static slc_status guarded(reader *r, void (*body)(reader *))
{
    if (setjmp(r->jump) == 0) {
        r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning,
                                          r, on_malloc, on_free);
        if (r->png) r->facts = png_create_info_struct(r->png);
        if (r->facts)
            body(r);
        else
            r->status = slc_fail(r->err, SLC_ENOMEM, "png: out of memory");
    }
    /* After a jump out of its own creation png may never have been stored. */
    if (r->png) png_destroy_read_struct(&r->png, &r->facts, NULL);
    return r->status;
}

static bool is_png(const uint8_t *bytes, size_t size)
{
    return size >= LEAST_FILE && memcmp(bytes, "\x89PNG\r\n\x1a\n", LEAST_FILE) == 0;
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    reader r = {.err = err,
                .scratch = &decoder->scratch,
                .bytes = bytes,
                .size = size,
                .how = how};
    const slc_status st = guarded(&r, read_header);
    if (st == SLC_OK) *out = r.info;
    return st;
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    reader r = {.err = err,
                .scratch = &decoder->scratch,
                .bytes = bytes,
                .size = size,
                .how = how,
                .arena = arena};
    slc_status st = guarded(&r, read_picture);
    if (st == SLC_EFORMAT && how->accept_truncated && r.stored.px) st = SLC_OK;
    return st == SLC_OK
               ? slc_image_orient(out, &r.stored, r.frame.orientation, arena, err)
               : st;
}

/* --- writing -------------------------------------------------------------------------------- */

typedef struct writer {
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    slc_str *out;
} writer;

static void on_write_error(png_structp png, png_const_charp text)
{
    writer *w = png_get_error_ptr(png);
    w->status = slc_fail(w->err, SLC_EINVAL, "png: %s", text);
    longjmp(w->jump, 1);
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    writer *w = png_get_io_ptr(png);
    slc_str_add_n(w->out, bytes, n);
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void write_image(png_structp png, png_infop facts, const settings *set,
                        const slc_image *image)
{
    const int type = image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
    png_set_user_limits(png, SLC_MAX_SIDE, SLC_MAX_SIDE);
    png_set_compression_level(png, (int)set->level);
    png_set_IHDR(png, facts, (png_uint_32)image->w, (png_uint_32)image->h, 8, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, facts);
    for (size_t y = 0; y < image->h; y++)
        png_write_row(png, image->px + y * image->stride);
    png_write_end(png, facts);
}

static slc_status encode(const void *set, const slc_image *image, slc_str *out,
                         slc_err *err)
{
    writer w = {.err = err, .out = out};
    png_infop facts = NULL;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_write_error, on_warning);
    if (png) facts = png_create_info_struct(png);
    if (!facts) {
        png_destroy_write_struct(&png, NULL);
        return slc_fail(err, SLC_ENOMEM, "png: out of memory");
    }
    png_set_write_fn(png, &w, on_write, on_flush);
    if (setjmp(w.jump) == 0) write_image(png, facts, set, image);
    png_destroy_write_struct(&png, &facts);
    if (w.status == SLC_OK && out->failed)
        w.status = slc_fail(err, SLC_ENOMEM, "png: out of memory");
    return w.status;
}

const slc_codec slc_codec_png = {
    .entry = {.name = "png",
              .summary = "any picture, lossless",
              .source = "ISO/IEC 15948; libpng",
              .params = params,
              .settings_size = sizeof(settings)},
    .extensions = "png",
    .is = is_png,
    .info = info,
    .decode = decode,
    .encode = encode,
};
