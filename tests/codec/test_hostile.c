/* Pictures made to hurt: bombs are refused at once and cost no memory, liars are named, and
 * what was met leaves the decoder as it was. Also: what is written is read back. */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include <jpeglib.h>

#include "augment/codec.h"
#include "config.h"
#include "tests/alloc.h"
#include "tests/check.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

typedef struct outcome {
    slc_status status;
    double seconds;
    long kb;
    char text[512];
} outcome;

static outcome decode(slc_decoder *decoder, const void *bytes, size_t size,
                      const slc_decode *how)
{
    outcome o = {0};
    slc_arena arena = {0};
    slc_image image;
    slc_err err = {0};
    const long before = peak_kb();
    const double begin = now();
    o.status = slc_decode_image(decoder, bytes, size, how, &arena, &image, &err);
    o.seconds = now() - begin;
    slc_arena_free(&arena);
    o.kb = peak_kb() - before;
    snprintf(o.text, sizeof(o.text), "%s", err.msg);
    return o;
}

/* Headers that promise 60,000 x 60,000 pixels. */
static void test_size_bombs(slc_decoder *decoder)
{
    static const struct {
        const char *name;
        size_t size;
        unsigned char bytes[64];
    } bombs[] = {
        {"jpeg", 40,
         "\xff\xd8\xff\xc0\0\x11\x08\xea\x60\xea\x60\3\1\x22\0\2\x11\1\3\x11\1\xff\xda\0"
         "\x0c\3\1"
         "\0\2\x11\3\x11\0\x3f\0"},
        {"png", 57,
         "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\6\0\0\0\0\0\0\0\0\0\0"
         "\0IDAT"},
        {"gif", 40,
         "GIF89a\x60\xea\x60\xea\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x60\xea\x60\xea"},
        {"bmp", 60,
         "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x60\xea\0\0\x60\xea\0\0\1\0\x18\0"},
        {"pnm", 20, "P6 60000 60000 255\n"},
        {"tga", 30, "\0\0\2\0\0\0\0\0\0\0\0\0\x60\xea\x60\xea\x18"},
#if SLC_HAVE_WEBP
        {"webp", 54,
         "RIFF\x2e\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\x5f\xea\0\x5f\xea\0VP8L\x10\0\0\0\x2f"
         "\xff\xff\xff\x0f"},
#endif
    };
    for (size_t i = 0; i < SLC_COUNT(bombs); i++) {
        const outcome o =
            decode(decoder, bombs[i].bytes, bombs[i].size, &(slc_decode){0});
        CHECK(o.status == SLC_ELIMIT && strstr(o.text, bombs[i].name),
              "%s: status %d: %s", bombs[i].name, o.status, o.text);
        CHECK(o.seconds < 0.01 && o.kb < 16384, "%s: %g s, %ld kB", bombs[i].name,
              o.seconds, o.kb);
    }
}

/* Large but allowed sizes, with nothing behind them: no memory is touched for what is not there. */
static void test_promised_pixels_cost_nothing(slc_decoder *decoder)
{
    static const unsigned char jpeg[] = "\xff\xd8\xff\xc0\0\x0b\x08\x32\xc8\x32\xc8\1\1"
                                        "\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0";
    static const unsigned char gif[] = "GIF89a\xc8\x32\xc8\x32\x80\0\0\0\0\0\xff\xff\xff,"
                                       "\0\0\0\0\xc8\x32\xc8\x32\0\2\0;";
    static const unsigned char bmp[60] =
        "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xc8\x32\0\0\xc8\x32\0\0\1\0\x18\0";
    static const unsigned char pnm[] = "P6 13000 13000 255\n";
    const struct {
        const unsigned char *bytes;
        size_t size;
    } files[] = {{jpeg, sizeof(jpeg) - 1}, {gif, sizeof(gif) - 1}, {bmp, 60}, {pnm, 19}};
    for (size_t i = 0; i < SLC_COUNT(files); i++) {
        const outcome o =
            decode(decoder, files[i].bytes, files[i].size, &(slc_decode){0});
        CHECK(o.status == SLC_EFORMAT && o.seconds < 0.1 && o.kb < 16384,
              "file %zu: status %d, %g s, %ld kB: %s", i, o.status, o.seconds, o.kb,
              o.text);
    }
}

/* The same sizes with noise behind them, which decoders take for a picture for a while, and a
 * small frame on a huge canvas. */
static void test_noise_costs_nothing(slc_decoder *decoder)
{
    enum { NOISE = 42500 };
    static const struct {
        size_t size;
        unsigned char bytes[64];
    } heads[] = {
        {31, "GIF89a\xc8\x32\xc8\x32\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xc8\x32\xc8\x32"
             "\0\x08\xff"},
        {38, "GIF89a\xc8\x32\xc8\x32\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0"
             "\0\2\2\x4c\1\0;"},
        {18, "\0\0\x0a\0\0\0\0\0\0\0\0\0\xc8\x32\xc8\x32\x18"},
        {28,
         "\xff\xd8\xff\xc2\0\x0b\x08\x32\xc8\x32\xc8\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f"
         "\0"},
    };
    static unsigned char file[64 + NOISE];
    for (size_t i = 0; i < SLC_COUNT(heads); i++) {
        uint32_t noise = 12345;
        for (size_t k = 0; k < sizeof(file); k++)
            file[k] =
                (unsigned char)((noise = noise * 1664525 + 1013904223) >> 24) & 0x7f;
        if (i == 0) /* whole sub-blocks of codes that are all legal, of a pixel each */
            for (size_t k = 0; k < sizeof(file); k++)
                file[k] = (k - heads[0].size) % 256 == 255 ? 255 : 0;
        memcpy(file, heads[i].bytes, heads[i].size);
        const outcome o = decode(decoder, file, sizeof(file), &(slc_decode){0});
        CHECK(o.status == SLC_EFORMAT && o.seconds < 0.1 && o.kb < 16384,
              "file %zu: status %d, %g s, %ld kB: %s", i, o.status, o.seconds, o.kb,
              o.text);
    }
}

typedef struct file {
    unsigned char *at;
    unsigned long size;
} file;

/* A progressive picture of n scans: the same refinement said again and again is not legal,
 * so one component's coefficients come one by one, then once more. */
static file many_scans(unsigned w, unsigned h)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    file b = {0};
    jpeg_scan_info scans[1 + 63] = {{.comps_in_scan = 1}};
    for (int k = 1; k <= 63; k++)
        scans[k] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = k, .Se = k};
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &b.at, &b.size);
    c.image_width = w;
    c.image_height = h;
    c.input_components = 1;
    c.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&c);
    c.scan_info = scans;
    c.num_scans = 64;
    jpeg_start_compress(&c, TRUE);
    unsigned char *row = calloc(1, w);
    CHECK(row, "memory");
    for (unsigned y = 0; y < h; y++)
        jpeg_write_scanlines(&c, &row, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    return b;
}

/* The scans of a picture, again and again, up to at least n. */
static file repeat_scans(file b, unsigned n)
{
    size_t first = 2;
    while (!(b.at[first] == 0xff && b.at[first + 1] == 0xc4))
        first++; /* the Huffman table of the first scan */
    const size_t body = b.size - 2 - first, times = n / 64 + 1;
    file out = {.size = first + body * times + 2};
    out.at = malloc(out.size);
    CHECK(out.at, "memory");
    memcpy(out.at, b.at, first);
    for (size_t i = 0; i < times; i++)
        memcpy(out.at + first + i * body, b.at + first, body);
    memcpy(out.at + out.size - 2, "\xff\xd9", 2);
    return out;
}

static void test_scans(slc_decoder *decoder)
{
    const file few = many_scans(2000, 2000), many = repeat_scans(few, 1000);
    outcome o = decode(decoder, few.at, few.size, &(slc_decode){0});
    CHECK(o.status == SLC_OK, "64 scans: %s", o.text);
    o = decode(decoder, few.at, few.size, &(slc_decode){.limits.scans = 63});
    CHECK(o.status == SLC_ELIMIT, "63 scans allowed: %s", o.text);
    o = decode(decoder, many.at, many.size, &(slc_decode){0});
    CHECK(o.status == SLC_ELIMIT && o.seconds < 0.01 && o.kb < 16384,
          "1,000 scans: status %d, %g s, %ld kB: %s", o.status, o.seconds, o.kb, o.text);
    fprintf(stderr, "%g %ld\n", o.seconds, o.kb);
    free(few.at);
    free(many.at);
}

/* A progressive picture whose first scan is zeros: legal codes, for a while. */
static void test_zeros_cost_nothing(slc_decoder *decoder)
{
    enum { ZEROS = 100000 };
    const file small = many_scans(64, 64);
    size_t at = 2;
    while (!(small.at[at] == 0xff && small.at[at + 1] == 0xda))
        at++;
    at += 10; /* behind the scan's header: one channel */
    unsigned char *big = calloc(1, at + ZEROS);
    CHECK(big, "memory");
    memcpy(big, small.at, at);
    for (size_t k = 2; k < at; k++)
        if (big[k] == 0xff && big[k + 1] == 0xc2)
            memcpy(big + k + 5, "\x32\xc8\x32\xc8", 4);
    const outcome o = decode(decoder, big, at + ZEROS, &(slc_decode){0});
    CHECK(o.status == SLC_EFORMAT && o.seconds < 0.1 && o.kb < 16384,
          "status %d, %g s, %ld kB: %s", o.status, o.seconds, o.kb, o.text);
    free(big);
    free(small.at);
}

static void test_limits(slc_decoder *decoder)
{
    static const unsigned char pnm[] = "P5 4 3 255\nabcdefghijkl";
    const size_t size = sizeof(pnm) - 1;
    const struct {
        slc_limits limits;
        slc_status wanted;
    } cases[] = {
        {{0}, SLC_OK},
        {{.pixels = 12}, SLC_OK},
        {{.pixels = 11}, SLC_ELIMIT},
        {{.side = 4}, SLC_OK},
        {{.side = 3}, SLC_ELIMIT},
        {{.file_bytes = size}, SLC_OK},
        {{.file_bytes = size - 1}, SLC_ELIMIT},
    };
    for (size_t i = 0; i < SLC_COUNT(cases); i++) {
        const outcome o =
            decode(decoder, pnm, size, &(slc_decode){.limits = cases[i].limits});
        CHECK(o.status == cases[i].wanted, "case %zu: status %d: %s", i, o.status,
              o.text);
    }
    const slc_decode outside = {.region = {.x = 3, .w = 2, .h = 1}};
    const outcome o = decode(decoder, pnm, size, &outside);
    CHECK(o.status == SLC_EINVAL && strstr(o.text, "region"), "%s", o.text);
}

static void test_liars(slc_decoder *decoder)
{
    static const char html[] = "<html><body>404</body></html>                ";
    const outcome o = decode(decoder, html, sizeof(html), &(slc_decode){0});
    CHECK(o.status == SLC_EFORMAT && strstr(o.text, "HTML"), "%s", o.text);
    CHECK(decode(decoder, "", 0, &(slc_decode){0}).status == SLC_EFORMAT, "0 bytes");
    static const unsigned char zeros[64];
    CHECK(decode(decoder, zeros, 64, &(slc_decode){0}).status == SLC_EFORMAT, "zeros");
}

static double psnr(const slc_image *a, const slc_image *b)
{
    double sum = 0;
    for (size_t y = 0; y < a->h; y++)
        for (size_t i = 0; i < a->w * a->channels; i++) {
            const double d = a->px[y * a->stride + i] - b->px[y * b->stride + i];
            sum += d * d;
        }
    return 10 * log10(255 * 255 * (double)(a->h * a->w * a->channels) / (sum + 1e-9));
}

/* Each writer's picture comes back: exactly from PNG, nearly from the others. A decoder that
 * has met a picture allocates nothing when it meets it again (JPEG and PNG). */
static void test_round_trips(slc_decoder *decoder, size_t channels)
{
    slc_arena arena = {0};
    slc_image image, again;
    slc_err err = {0};
    CHECK(slc_image_alloc(&image, &arena, 67, 41, channels, &err) == SLC_OK, "%s",
          err.msg);
    for (size_t y = 0; y < image.h; y++)
        for (size_t i = 0; i < image.w * channels; i++)
            image.px[y * image.stride + i] = (uint8_t)(i * 3 / channels + y * 2);
    for (const slc_codec *const *codec = slc_codecs; *codec; codec++) {
        slc_str text = {0};
        const char *name = (*codec)->entry.name;
        const slc_status st = slc_encode(*codec, NULL, &image, &text, &err);
        CHECK((st == SLC_OK) == ((*codec)->encode != NULL), "%s: %s", name, err.msg);
        if (st != SLC_OK) continue;
        const uint8_t *bytes = (const uint8_t *)text.text;
        const slc_decode how = {.channels = (unsigned)channels};
        size_t mallocs = 0;
        for (int i = 0; i < 3; i++) {
            const slc_arena_mark mark = slc_arena_get_mark(&arena);
            mallocs = alloc_count();
            CHECK(slc_decode_image(decoder, bytes, text.size, &how, &arena, &again,
                                   &err) == SLC_OK,
                  "%s: %s", name, err.msg);
            mallocs = alloc_count() - mallocs;
            const double db = psnr(&image, &again);
            CHECK(db > (strcmp(name, "png") ? 30 : 120), "%s: %g dB", name, db);
            slc_arena_rewind(&arena, mark);
        }
        CHECK(mallocs == 0 || !strcmp(name, "webp"), "%s: %zu allocations", name,
              mallocs);
        slc_str_free(&text);
    }
    slc_arena_free(&arena);
}

int main(void)
{
    slc_decoder *decoder;
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    test_size_bombs(decoder);
    test_promised_pixels_cost_nothing(decoder);
    test_noise_costs_nothing(decoder);
    test_zeros_cost_nothing(decoder);
    test_limits(decoder);
    test_liars(decoder);
    test_round_trips(decoder, 3);
    test_round_trips(decoder, 1);
    test_scans(decoder);
    slc_decoder_destroy(&decoder);
    return 0;
}
