/* A region of a JPEG is bit for bit that region of the whole, for every sampling, coding,
 * scale and place. Pictures are made here with libjpeg. */
#include <stdio.h>

#include <jpeglib.h>

#include "augment/codec.h"
#include "base/rng.h"
#include "config.h"
#include "tests/check.h"

typedef struct kind {
    const char *name;
    int h, v;    /* luma sampling factors */
    int colours; /* 1, 3 or 4 */
    bool progressive, arithmetic;
    int restart; /* MCUs */
} kind;

static const kind KINDS[] = {
    {"grey", 1, 1, 1, false, false, 0},
    {"grey 2x2", 2, 2, 1, false, false, 0},
    {"4:4:4", 1, 1, 3, false, false, 0},
    {"4:2:2", 2, 1, 3, false, false, 0},
    {"4:2:0", 2, 2, 3, false, false, 0},
    {"4:4:0", 1, 2, 3, false, false, 0},
    {"4:1:1", 4, 1, 3, false, false, 0},
    {"4:1:0", 4, 2, 3, false, false, 0},
    {"1x4", 1, 4, 3, false, false, 0},
    {"4:2:0 restart 1", 2, 2, 3, false, false, 1},
    {"4:2:0 restart 5", 2, 2, 3, false, false, 5},
    {"4:2:2 restart 2", 2, 1, 3, false, false, 2},
    {"4:4:4 restart 4", 1, 1, 3, false, false, 4},
    {"grey restart 3", 1, 1, 1, false, false, 3},
    {"4:2:0 progressive", 2, 2, 3, true, false, 0},
    {"4:2:2 progressive", 2, 1, 3, true, false, 0},
    {"4:4:0 progressive", 1, 2, 3, true, false, 0},
    {"4:2:0 arithmetic", 2, 2, 3, false, true, 0},
    {"4:2:0 arithmetic progressive", 2, 2, 3, true, true, 0},
    {"cmyk", 1, 1, 4, false, false, 0},
    {"cmyk 2x2", 2, 2, 4, false, false, 0},
};

typedef struct file {
    unsigned char *bytes;
    unsigned long size;
} file;

static file make(const kind *k, unsigned w, unsigned h, slc_rng *rng)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    file f = {0};
    uint8_t row[4 * 1024];
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &f.bytes, &f.size);
    c.image_width = w;
    c.image_height = h;
    c.input_components = k->colours;
    c.in_color_space = k->colours == 1   ? JCS_GRAYSCALE
                       : k->colours == 3 ? JCS_RGB
                                         : JCS_CMYK;
    jpeg_set_defaults(&c);
    if (k->colours == 4 && k->h > 1) jpeg_set_colorspace(&c, JCS_YCCK);
    jpeg_set_quality(&c, 85, TRUE);
    c.comp_info[0].h_samp_factor = k->h;
    c.comp_info[0].v_samp_factor = k->v;
    c.arith_code = k->arithmetic;
    c.restart_interval = (unsigned)k->restart;
    if (k->progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (unsigned y = 0; y < h; y++) {
        JSAMPROW p = row;
        for (unsigned i = 0; i < w * (unsigned)k->colours; i++)
            row[i] = (uint8_t)((i * 3 + y * 5) ^ (slc_rng_u32(rng) & 63));
        jpeg_write_scanlines(&c, &p, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return f;
}

static void compare(const kind *k, const slc_image *whole, const slc_image *part,
                    slc_rect r)
{
    CHECK(part->w == r.w && part->h == r.h, "%s: %zu x %zu for %zu x %zu", k->name,
          part->w, part->h, r.w, r.h);
    for (size_t y = 0; y < r.h; y++)
        for (size_t i = 0; i < r.w * whole->channels; i++) {
            const int a =
                whole->px[(r.y + y) * whole->stride + r.x * whole->channels + i];
            const int b = part->px[y * part->stride + i];
            CHECK(a == b,
                  "%s %zu x %zu: %zu x %zu at %zu, %zu: %d, not %d at row %zu, %zu",
                  k->name, whole->w, whole->h, r.w, r.h, r.x, r.y, b, a, y, i);
        }
}

static slc_rect draw(slc_rng *rng, size_t w, size_t h)
{
    slc_rect r;
    r.w = 1 + slc_rng_below(rng, slc_rng_below(rng, 2) ? w : w / 4 + 1);
    r.h = 1 + slc_rng_below(rng, slc_rng_below(rng, 2) ? h : h / 4 + 1);
    r.x = slc_rng_below(rng, w - r.w + 1);
    r.y = slc_rng_below(rng, h - r.h + 1);
    return r;
}

static void check_regions(slc_decoder *decoder, const kind *k, unsigned w, unsigned h,
                          slc_rng *rng)
{
    slc_arena arena = {0};
    slc_image whole, part;
    slc_err err = {0};
    file f = make(k, w, h, rng);
    CHECK(slc_decode_image(decoder, f.bytes, f.size, &(slc_decode){0}, &arena, &whole,
                           &err) == SLC_OK,
          "%s: %s", k->name, err.msg);
    for (int i = 0; i < 30; i++) {
        const slc_arena_mark mark = slc_arena_get_mark(&arena);
        const slc_decode how = {.region = draw(rng, w, h)};
        CHECK(slc_decode_image(decoder, f.bytes, f.size, &how, &arena, &part, &err) ==
                  SLC_OK,
              "%s: %s", k->name, err.msg);
        compare(k, &whole, &part, how.region);
        slc_arena_rewind(&arena, mark);
    }
    slc_arena_free(&arena);
    free(f.bytes);
}

/* Scaled by 1/2, 1/4, 1/8 a region equals that part of the whole scaled as much. Regions are
 * multiples of 8, so that their scaled place is exact. */
static void check_scaled(slc_decoder *decoder, const kind *k, slc_rng *rng)
{
    file f = make(k, 512, 384, rng);
    for (size_t scale = 2; scale <= 8; scale *= 2) {
        slc_arena arena = {0};
        slc_image whole, part;
        slc_err err = {0};
        slc_decode how = {.least_w = 512 / scale, .least_h = 384 / scale};
        CHECK(slc_decode_image(decoder, f.bytes, f.size, &how, &arena, &whole, &err) ==
                  SLC_OK,
              "%s: %s", k->name, err.msg);
        CHECK(whole.w == 512 / scale && whole.h == 384 / scale, "%zu", whole.w);
        for (int i = 0; i < 20; i++) {
            slc_rect r = draw(rng, 64, 48);
            how.least_w = r.w * 8 / scale;
            how.least_h = r.h * 8 / scale;
            how.region = (slc_rect){r.x * 8, r.y * 8, r.w * 8, r.h * 8};
            CHECK(slc_decode_image(decoder, f.bytes, f.size, &how, &arena, &part, &err) ==
                      SLC_OK,
                  "%s: %s", k->name, err.msg);
            r.x = r.x * 8 / scale;
            r.y = r.y * 8 / scale;
            r.w = how.least_w;
            r.h = how.least_h;
            compare(k, &whole, &part, r);
        }
        slc_arena_free(&arena);
    }
    free(f.bytes);
}

/* What comes scaled is never smaller than allowed, whatever the numbers. */
static void check_least(slc_decoder *decoder, slc_rng *rng)
{
    file f = make(&KINDS[4], 333, 217, rng);
    for (int i = 0; i < 300; i++) {
        slc_arena arena = {0};
        slc_image part;
        slc_err err = {0};
        slc_decode how = {.region = draw(rng, 333, 217)};
        how.least_w = 1 + slc_rng_below(rng, how.region.w);
        how.least_h = 1 + slc_rng_below(rng, how.region.h);
        CHECK(slc_decode_image(decoder, f.bytes, f.size, &how, &arena, &part, &err) ==
                  SLC_OK,
              "%s", err.msg);
        CHECK(part.w >= how.least_w && part.h >= how.least_h && part.w <= how.region.w &&
                  part.h <= how.region.h,
              "%zu x %zu for at least %zu x %zu", part.w, part.h, how.least_w,
              how.least_h);
        slc_arena_free(&arena);
    }
    free(f.bytes);
}

/* Between restart markers nothing is looked at that lies outside of a region: bits there may
 * be damaged. */
static void check_passed_over(slc_decoder *decoder, slc_rng *rng)
{
    const kind k = {"4:2:0 restart 2", 2, 2, 3, false, false, 2}; /* 32 px */
    const slc_decode right = {.region = {128, 0, 120, 40}},
                     below = {.region = {0, 120, 90, 40}};
    slc_arena arena = {0};
    slc_image whole, part;
    slc_err err = {0};
    file f = make(&k, 256, 160, rng);
    CHECK(slc_decode_image(decoder, f.bytes, f.size, &(slc_decode){0}, &arena, &whole,
                           &err) == SLC_OK,
          "%s", err.msg);
    unsigned char *at = f.bytes;
    while (at[0] != 0xff || at[1] != JPEG_RST0)
        at++;
    memset(at - 40, 0, 40); /* the end of the first interval */
    CHECK(slc_decode_image(decoder, f.bytes, f.size, &(slc_decode){0}, &arena, &part,
                           &err) == SLC_EFORMAT,
          "damage was not noticed");
    CHECK(slc_decode_image(decoder, f.bytes, f.size, &right, &arena, &part, &err) ==
              SLC_OK,
          "%s", err.msg);
    compare(&k, &whole, &part, right.region);
    CHECK(slc_decode_image(decoder, f.bytes, f.size, &below, &arena, &part, &err) ==
              SLC_OK,
          "%s", err.msg);
    compare(&k, &whole, &part, below.region);
    slc_arena_free(&arena);
    free(f.bytes);
}

int main(void)
{
    static const unsigned sizes[][2] = {{1, 1},     {3, 7},    {17, 16},
                                        {33, 70},   {64, 64},  {65, 130},
                                        {200, 150}, {255, 97}, {301, 203}};
    slc_decoder *decoder;
    slc_rng rng = slc_rng_at(1, 2, 3, 4);
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    for (size_t k = 0; k < SLC_COUNT(KINDS); k++) {
        for (size_t i = 0; i < SLC_COUNT(sizes); i++)
            check_regions(decoder, &KINDS[k], sizes[i][0], sizes[i][1], &rng);
        check_scaled(decoder, &KINDS[k], &rng);
    }
    check_least(decoder, &rng);
    if (SLC_HAVE_JPEGINT) check_passed_over(decoder, &rng);
    slc_decoder_destroy(&decoder);
    return 0;
}
