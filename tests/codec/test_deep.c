/* Samples of 16 bits become 8 by the formula in augment/codec.h: every value of them, in every
 * kind of PNG that holds them, and in PNM. */
#include <setjmp.h>

#include <png.h>

#include "augment/codec.h"
#include "tests/check.h"

enum { SIDE = 256, VALUES = SIDE * SIDE };

static unsigned wanted(unsigned v)
{
    const unsigned nearest = (v + 128) / 257;
    CHECK((v * 255 + 32895) >> 16 == nearest, "%u: the formula does not round", v);
    return nearest;
}

/* The value of a sample: channels go through all of them, each in its own order. */
static unsigned value_at(size_t i, size_t channel)
{
    return (unsigned)(i * (2 * channel + 1) + 12345 * channel) % VALUES;
}

static void add_bytes(png_structp png, png_bytep bytes, size_t n)
{
    slc_str_add_n(png_get_io_ptr(png), bytes, n);
}

/* All values in each channel; alpha, if there, is full. */
static void write_png(slc_str *out, int colour_type, int interlace)
{
    static uint8_t px[VALUES * 4 * 2];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytep rows[SIDE];
    CHECK(info && setjmp(png_jmpbuf(png)) == 0, "libpng");
    png_set_write_fn(png, out, add_bytes, NULL);
    png_set_IHDR(png, info, SIDE, SIDE, 16, colour_type, interlace, 0, 0);
    const size_t channels = png_get_channels(png, info);
    const bool alpha = colour_type & PNG_COLOR_MASK_ALPHA;
    for (size_t i = 0; i < VALUES; i++)
        for (size_t c = 0; c < channels; c++) {
            const bool full = alpha && c == channels - 1;
            const unsigned v = full ? 65535 : value_at(i, c);
            px[2 * (i * channels + c)] = (uint8_t)(v >> 8);
            px[2 * (i * channels + c) + 1] = (uint8_t)v;
        }
    for (size_t y = 0; y < SIDE; y++)
        rows[y] = px + y * SIDE * channels * 2;
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static void write_pnm(slc_str *out, size_t channels)
{
    slc_str_add(out, channels == 3 ? "P6 256 256 65535\n" : "P5 256 256 65535\n");
    for (size_t i = 0; i < VALUES; i++)
        for (size_t c = 0; c < channels; c++) {
            const unsigned v = value_at(i, c);
            slc_str_add_n(out, (const uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
        }
}

static void check_all_values(slc_decoder *decoder, slc_str *file, const char *what)
{
    slc_arena arena = {0};
    slc_image image;
    slc_err err = {0};
    CHECK(slc_decode_image(decoder, (const uint8_t *)file->text, file->size,
                           &(slc_decode){0}, &arena, &image, &err) == SLC_OK,
          "%s: %s", what, err.msg);
    CHECK(image.w == SIDE && image.h == SIDE, "%s: %zu x %zu", what, image.w, image.h);
    for (size_t i = 0; i < VALUES; i++)
        for (size_t c = 0; c < image.channels; c++) {
            const uint8_t got =
                image.px[i / SIDE * image.stride + i % SIDE * image.channels + c];
            CHECK(got == wanted(value_at(i, c)), "%s: %u becomes %u", what,
                  value_at(i, c), got);
        }
    slc_arena_free(&arena);
    slc_str_free(file);
}

int main(void)
{
    static const int kinds[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    slc_decoder *decoder;
    char what[64];
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    for (size_t k = 0; k < 2 * SLC_COUNT(kinds); k++) {
        slc_str file = {0};
        snprintf(what, sizeof(what), "PNG of type %d%s", kinds[k / 2],
                 k % 2 ? ", interlaced" : "");
        write_png(&file, kinds[k / 2], k % 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE);
        check_all_values(decoder, &file, what);
    }
    for (size_t channels = 1; channels <= 3; channels += 2) {
        slc_str file = {0};
        write_pnm(&file, channels);
        check_all_values(decoder, &file, channels == 3 ? "P6" : "P5");
    }
    slc_decoder_destroy(&decoder);
    return 0;
}
