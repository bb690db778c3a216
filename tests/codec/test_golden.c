/* Every kind of picture in fixtures/ decodes to the pixels Pillow gives, whole and in parts.
 * The files and expected.txt are made by tests/golden/codecs.py. */
#include <zlib.h>

#include "config.h"

#include "augment/codec.h"
#include "base/file.h"
#include "tests/check.h"

typedef struct picture {
    uint8_t *bytes;
    size_t size;
    slc_image image;
} picture;

static const slc_decode PLAIN = {.background = {10, 200, 90}};

static uint32_t hash(const slc_image *image)
{
    uLong crc = 0;
    for (size_t y = 0; y < image->h; y++)
        crc =
            crc32(crc, image->px + y * image->stride, (uInt)(image->w * image->channels));
    return (uint32_t)crc;
}

/* Any part is exactly that part of the whole. */
static void check_parts(const char *name, slc_decoder *decoder, const picture *p)
{
    for (size_t i = 0; i < 40; i++) {
        slc_arena arena = {0};
        slc_image part;
        slc_err err = {0};
        slc_decode how = PLAIN;
        slc_rect *r = &how.region;
        r->x = i * 7 % p->image.w;
        r->y = i * 5 % p->image.h;
        r->w = 1 + i * 11 % (p->image.w - r->x);
        r->h = 1 + i * 13 % (p->image.h - r->y);
        CHECK(slc_decode_image(decoder, p->bytes, p->size, &how, &arena, &part, &err) ==
                  SLC_OK,
              "%s: %s", name, err.msg);
        const slc_image wanted = slc_image_part(&p->image, *r);
        CHECK(part.w == r->w && part.h == r->h && hash(&part) == hash(&wanted),
              "%s: %zu x %zu at %zu, %zu", name, r->w, r->h, r->x, r->y);
        slc_arena_free(&arena);
    }
}

static void check_channels(const char *name, slc_decoder *decoder, const picture *p)
{
    slc_arena arena = {0};
    slc_image other;
    slc_decode how = PLAIN;
    how.channels = p->image.channels == 1 ? 3 : 1;
    CHECK(slc_decode_image(decoder, p->bytes, p->size, &how, &arena, &other, NULL) ==
              SLC_OK,
          "%s", name);
    CHECK(other.channels == how.channels, "%s: %zu channels", name, other.channels);
    for (size_t i = 0; i < p->image.w && how.channels == 1; i++) {
        const uint8_t *rgb = p->image.px + 3 * i;
        const int grey = (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 32768) >> 16;
        CHECK(other.px[i] == grey, "%s: %zu: %d, not %d", name, i, other.px[i], grey);
    }
    slc_arena_free(&arena);
}

/* Cut short, a picture is an error or the same; accepted, it has its size. */
static void check_cut(const char *name, slc_decoder *decoder, const picture *p)
{
    for (size_t size = 0; size < p->size; size += 1 + p->size / 50) {
        slc_arena arena = {0};
        slc_image image;
        slc_err err = {0};
        slc_decode how = PLAIN;
        const slc_status st =
            slc_decode_image(decoder, p->bytes, size, &how, &arena, &image, &err);
        /* Behind the pixels of some formats is nothing that is needed. */
        const bool text = strstr(name, "plain"); /* 25 may have been 252 */
        CHECK(st == SLC_OK ? text || hash(&image) == hash(&p->image)
                           : st == SLC_EFORMAT && err.msg[0],
              "%s of %zu bytes: status %d", name, size, st);
        const bool may_lose_nothing =
            strstr(name, ".gif") || strstr(name, ".tga") || text || strstr(name, ".bmp");
        CHECK(st != SLC_OK || may_lose_nothing, "%s of %zu bytes", name, size);
        how.accept_truncated = true;
        if (slc_decode_image(decoder, p->bytes, size, &how, &arena, &image, &err) ==
            SLC_OK)
            CHECK(image.w * image.h == p->image.w * p->image.h, "%s: %zu x %zu", name,
                  image.w, image.h);
        slc_arena_free(&arena);
    }
}

static void check_file(const char *folder, const char *line, slc_decoder *decoder)
{
    char name[64], path[4096];
    size_t w, h, channels;
    unsigned wanted;
    slc_err err = {0};
    slc_arena arena = {0};
    slc_image_info info;
    picture p;
    CHECK(sscanf(line, "%63s %zu %zu %zu %x", name, &w, &h, &channels, &wanted) == 5,
          "%s", line);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    CHECK(slc_file_read(&p.bytes, &p.size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    if (!slc_codec_of(p.bytes, p.size) && !SLC_HAVE_WEBP && strstr(name, ".webp")) {
        free(p.bytes);
        return;
    }
    CHECK(slc_decode_info(decoder, p.bytes, p.size, &PLAIN, &info, &err) == SLC_OK,
          "%s: %s", name, err.msg);
    CHECK(info.w == w && info.h == h, "%s: %zu x %zu", name, info.w, info.h);
    CHECK(slc_codec_by_extension(path) == slc_codec_of(p.bytes, p.size), "%s is %s", name,
          info.format);
    CHECK(slc_decode_image(decoder, p.bytes, p.size, &PLAIN, &arena, &p.image, &err) ==
              SLC_OK,
          "%s: %s", name, err.msg);
    CHECK(p.image.w == w && p.image.h == h && p.image.channels == channels,
          "%s: %zu x %zu x %zu", name, p.image.w, p.image.h, p.image.channels);
    CHECK(hash(&p.image) == wanted, "%s: pixels are %08x, not %08x", name, hash(&p.image),
          wanted);
    check_parts(name, decoder, &p);
    check_channels(name, decoder, &p);
    check_cut(name, decoder, &p);
    slc_arena_free(&arena);
    free(p.bytes);
}

int main(int argc, char **argv)
{
    char path[4096], line[256];
    slc_decoder *decoder;
    int files = 0;
    CHECK(argc == 2, "usage: test_golden FIXTURES");
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    snprintf(path, sizeof(path), "%s/expected.txt", argv[1]);
    FILE *list = fopen(path, "r");
    CHECK(list, "%s", path);
    for (; fgets(line, sizeof(line), list); files++)
        check_file(argv[1], line, decoder);
    fclose(list);
    slc_decoder_destroy(&decoder);
    CHECK(files > 80, "%d files", files);
    return 0;
}
