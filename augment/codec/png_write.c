/* PNG files: 8-bit grey or RGB, rows filtered as libpng sees fit. */
#include "augment/codec/png_write.h"

#include <setjmp.h>

#include <png.h>

const slc_param slc_png_params[] = {{"level", SLC_FIELD(slc_png_settings, level), .lo = 0,
                                     .hi = 9, .initial = "6",
                                     .help = "of zlib: 0 stores, 9 tries hardest"},
                                    {0}};

typedef struct writer {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    slc_str *out;
} writer;

static void on_error(png_structp png, png_const_charp text)
{
    writer *w = png_get_error_ptr(png);
    w->status = slc_fail(w->err, SLC_EINVAL, "png: %s", text);
    longjmp(w->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    const writer *w = png_get_io_ptr(png);
    slc_str_add_n(w->out, bytes, n);
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void write_image(writer *w, const slc_png_settings *set, const slc_image *image)
{
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    if (w->png) w->info = png_create_info_struct(w->png);
    if (!w->info) {
        w->status = slc_fail(w->err, SLC_ENOMEM, "png: out of memory");
        return;
    }
    png_set_write_fn(w->png, w, on_write, on_flush);
    png_set_compression_level(w->png, (int)set->level);
    png_set_IHDR(w->png, w->info, (png_uint_32)image->w, (png_uint_32)image->h, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    for (size_t y = 0; y < image->h; y++)
        png_write_row(w->png, image->px + y * image->stride);
    png_write_end(w->png, NULL);
}

static slc_status guarded(writer *w, const slc_png_settings *set, const slc_image *image)
{
    if (setjmp(w->jump) == 0) write_image(w, set, image);
    return w->status;
}

slc_status slc_png_encode(const void *settings, const slc_image *image, slc_str *out,
                          slc_err *err)
{
    writer w = {.err = err, .out = out};
    const slc_status st = guarded(&w, settings, image);
    png_destroy_write_struct(&w.png, &w.info);
    if (st == SLC_OK && out->failed)
        return slc_fail(err, SLC_ENOMEM, "png: out of memory");
    return st;
}
