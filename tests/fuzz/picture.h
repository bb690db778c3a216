/* What the picture targets share: decode with small limits, and what must hold then. */
#ifndef TESTS_FUZZ_PICTURE_H
#define TESTS_FUZZ_PICTURE_H

#include <stdint.h>

#include "augment/codec.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { PICTURE_PIXELS = 1 << 19 };

/* Whether the bytes are of one of the formats in a list like "bmp gif". */
static inline bool picture_is(const char *formats, const uint8_t *bytes, size_t size)
{
    const slc_codec *codec = slc_codec_of(bytes, size);
    return codec && strstr(formats, codec->entry.name);
}

/* Decodes; a failure has a reason, a picture has the size it was announced with. */
static inline slc_status picture_decode(const uint8_t *bytes, size_t size, slc_decode how,
                                        slc_arena *arena, slc_image *out)
{
    slc_decoder *decoder;
    slc_image_info info;
    slc_err err = {0};
    how.limits.pixels = PICTURE_PIXELS;
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    const slc_status known = slc_decode_info(decoder, bytes, size, &how, &info, &err);
    CHECK(known == SLC_OK || err.msg[0], "no reason");
    const slc_status st = slc_decode_image(decoder, bytes, size, &how, arena, out, &err);
    CHECK(st == SLC_OK || err.msg[0], "no reason");
    slc_decoder_destroy(&decoder);
    if (st != SLC_OK) return st;

    CHECK(known == SLC_OK, "a picture without a header: %s", err.msg);
    CHECK(out->w > 0 && out->h > 0 && out->w * out->h <= PICTURE_PIXELS, "%zu x %zu",
          out->w, out->h);
    if (how.region.w == 0 && how.least_w == 0)
        CHECK(out->w == info.w && out->h == info.h, "%zu x %zu", out->w, out->h);
    unsigned sum = 0; /* every pixel can be read, and was written */
    for (size_t y = 0; y < out->h; y++)
        for (size_t i = 0; i < out->w * out->channels; i++)
            sum += out->px[y * out->stride + i];
    CHECK(sum + 1 > 0 || sum == UINT32_MAX, "%u", sum);
    return SLC_OK;
}

/* A region that depends on the input's last bytes. */
static inline slc_rect picture_region(const uint8_t *bytes, size_t size, size_t w,
                                      size_t h)
{
    const size_t d = size < 4 ? 0 : size;
    const uint8_t *p = bytes + (d ? size - 4 : 0);
    slc_rect r = {.x = d ? p[0] % w : 0, .y = d ? p[1] % h : 0};
    r.w = 1 + (d ? p[2] * 3u % (w - r.x) : 0);
    r.h = 1 + (d ? p[3] * 3u % (h - r.y) : 0);
    return r;
}

/* A region is that part of the whole, in every format. */
static inline void picture_check(const char *formats, const uint8_t *bytes, size_t size)
{
    slc_arena arena = {0};
    slc_image whole, part;
    slc_decode how = {.background = {1, 2, 3}};
    if (!picture_is(formats, bytes, size)) return;
    if (picture_decode(bytes, size, how, &arena, &whole) == SLC_OK) {
        how.region = picture_region(bytes, size, whole.w, whole.h);
        CHECK(picture_decode(bytes, size, how, &arena, &part) == SLC_OK, "part");
        CHECK(part.w == how.region.w && part.h == how.region.h, "%zu x %zu", part.w,
              part.h);
        const slc_image wanted = slc_image_part(&whole, how.region);
        for (size_t y = 0; y < part.h; y++)
            CHECK(memcmp(part.px + y * part.stride, wanted.px + y * wanted.stride,
                         part.w * part.channels) == 0,
                  "row %zu of %zu x %zu at %zu, %zu", y, part.w, part.h, how.region.x,
                  how.region.y);
    }
    slc_arena_reset(&arena);
    how = (slc_decode){.accept_truncated = true, .channels = 3};
    if (picture_decode(bytes, size, how, &arena, &whole) == SLC_OK)
        CHECK(whole.channels == 3, "%zu", whole.channels);
    slc_arena_free(&arena);
}

#endif
