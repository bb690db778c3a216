/* Our Huffman decoding gives the pixels of libjpeg alone: for every quality, with standard and
 * with optimised codes, with restarts, whole and scaled; and of a damaged picture what libjpeg
 * makes of it, or its refusal. Pictures are made here with libjpeg. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "augment/codec.h"
#include "base/rng.h"
#include "tests/check.h"

enum { W = 203, H = 157 };

typedef struct file {
    unsigned char *bytes;
    unsigned long size;
} file;

typedef struct kind {
    int quality, colours, h, v;
    bool optimize;
    unsigned restart;
    int detail; /* 0 smooth .. 255 noise */
} kind;

static file make(const kind *k, slc_rng *rng)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    file f = {0};
    uint8_t row[3 * W];
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &f.bytes, &f.size);
    c.image_width = W;
    c.image_height = H;
    c.input_components = k->colours;
    c.in_color_space = k->colours == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, k->quality, TRUE);
    c.comp_info[0].h_samp_factor = k->h;
    c.comp_info[0].v_samp_factor = k->v;
    c.optimize_coding = k->optimize;
    c.restart_interval = k->restart;
    jpeg_start_compress(&c, TRUE);
    for (unsigned y = 0; y < H; y++) {
        JSAMPROW p = row;
        for (unsigned i = 0; i < W * (unsigned)k->colours; i++)
            row[i] =
                (uint8_t)(i + y + slc_rng_below(rng, (unsigned)k->detail + 1) * (y / 40));
        jpeg_write_scanlines(&c, &p, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return f;
}

/* -- libjpeg alone -- */

typedef struct alone {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    int extraneous; /* of the warnings: bytes before a marker */
    uint8_t px[H * W * 3];
    unsigned w, h;
} alone;

static void on_error(j_common_ptr c)
{
    longjmp(((alone *)c->err)->jump, 1);
}

static void on_message(j_common_ptr c, int level)
{
    if (level >= 0) return;
    c->err->num_warnings++;
    ((alone *)c->err)->extraneous += c->err->msg_code == JWRN_EXTRANEOUS_DATA;
}

/* False if libjpeg refuses; warnings are counted in a->errors. */
static bool decode_alone(alone *a, const file *f, int eighths, int channels)
{
    struct jpeg_decompress_struct c;
    c.err = jpeg_std_error(&a->errors);
    a->errors.error_exit = on_error;
    a->errors.emit_message = on_message;
    a->extraneous = 0;
    jpeg_create_decompress(&c);
    if (setjmp(a->jump) != 0) {
        jpeg_destroy_decompress(&c);
        return false;
    }
    jpeg_mem_src(&c, f->bytes, f->size);
    jpeg_read_header(&c, TRUE);
    c.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    c.scale_num = (unsigned)eighths;
    c.scale_denom = 8;
    jpeg_start_decompress(&c);
    a->w = c.output_width;
    a->h = c.output_height;
    while (c.output_scanline < c.output_height) {
        JSAMPROW row = a->px + (size_t)c.output_scanline * a->w * (unsigned)channels;
        jpeg_read_scanlines(&c, &row, 1);
    }
    jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
    return true;
}

static void check_same(const alone *a, const slc_image *m, const kind *k)
{
    CHECK(m->w == a->w && m->h == a->h, "%zu x %zu, not %u x %u", m->w, m->h, a->w, a->h);
    for (size_t y = 0; y < m->h; y++)
        CHECK(memcmp(m->px + y * m->stride, a->px + y * a->w * m->channels,
                     a->w * m->channels) == 0,
              "row %zu: quality %d, %dx%d, optimised %d, restart %u, detail %d", y,
              k->quality, k->h, k->v, k->optimize, k->restart, k->detail);
}

static void check(slc_decoder *decoder, const kind *k, const file *f, bool damaged)
{
    static alone a; /* large */
    for (int eighths = 8; eighths >= 1; eighths /= 2) {
        slc_arena arena = {0};
        slc_image m;
        slc_err err = {0};
        slc_decode how = {.least_w = ((size_t)W * (size_t)eighths + 7) / 8,
                          .least_h = ((size_t)H * (size_t)eighths + 7) / 8,
                          .channels = (unsigned)k->colours};
        const bool ok = decode_alone(&a, f, eighths, k->colours);
        const slc_status strict =
            slc_decode_image(decoder, f->bytes, f->size, &how, &arena, &m, &err);
        CHECK(damaged || strict == SLC_OK, "%s", err.msg);
        CHECK(strict == SLC_OK || !ok || a.errors.num_warnings > 0,
              "refused what libjpeg takes: %s", err.msg);
        CHECK(strict != SLC_OK || a.errors.num_warnings == a.extraneous,
              "taken, where libjpeg gives %ld warnings", a.errors.num_warnings);
        if (strict == SLC_OK) check_same(&a, &m, k);

        how.accept_truncated = true;
        const slc_status kind_one =
            slc_decode_image(decoder, f->bytes, f->size, &how, &arena, &m, &err);
        CHECK((kind_one == SLC_OK) == ok, "%s, libjpeg alone: %d", err.msg, ok);
        if (ok) check_same(&a, &m, k);
        slc_arena_free(&arena);
    }
}

/* Where the entropy-coded bytes begin. */
static size_t data_of(const file *f)
{
    size_t at = 2;
    while (f->bytes[at + 1] != 0xda)
        at += 2 + ((size_t)f->bytes[at + 2] << 8 | f->bytes[at + 3]);
    return at + 2 + ((size_t)f->bytes[at + 2] << 8 | f->bytes[at + 3]);
}

static void check_damaged(slc_decoder *decoder, const kind *k, file *f, slc_rng *rng)
{
    const size_t from = data_of(f), n = f->size - from;
    for (int i = 0; i < 12; i++) {
        const size_t at = from + slc_rng_below(rng, n);
        const unsigned char was = f->bytes[at];
        f->bytes[at] = i % 3 ? (unsigned char)slc_rng_u32(rng) : 0xff;
        check(decoder, k, f, true);
        f->bytes[at] = was;
    }
    const file cut = {f->bytes, from + slc_rng_below(rng, n)};
    check(decoder, k, &cut, true);
}

/* Bytes before a restart marker, more of them than libjpeg has read ahead: not what was meant. */
static void check_extra(slc_decoder *decoder, const kind *k, const file *f)
{
    enum { EXTRA = 24 };
    size_t at = data_of(f);
    while (f->bytes[at] != 0xff || (f->bytes[at + 1] & 0xf8) != 0xd0)
        at++;
    file more = {malloc(f->size + EXTRA), f->size + EXTRA};
    CHECK(more.bytes, "memory");
    memcpy(more.bytes, f->bytes, at);
    memset(more.bytes + at, 0x12, EXTRA);
    memcpy(more.bytes + at + EXTRA, f->bytes + at, f->size - at);
    slc_arena arena = {0};
    slc_image m;
    slc_err err = {0};
    CHECK(slc_decode_image(decoder, more.bytes, more.size, &(slc_decode){0}, &arena, &m,
                           &err) == SLC_EFORMAT,
          "extra bytes were taken, quality %d", k->quality);
    check(decoder, k, &more, true);
    slc_arena_free(&arena);
    free(more.bytes);
}

int main(void)
{
    static const int qualities[] = {1, 20, 75, 90, 97, 100};
    static const int details[] = {0, 12, 255};
    static const int factors[][3] = {{1, 1, 1}, {3, 1, 1}, {3, 2, 1}, {3, 2, 2}};
    slc_rng rng = slc_rng_at(3, 1, 4, 1);
    slc_decoder *decoder;
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    for (size_t q = 0; q < SLC_COUNT(qualities); q++)
        for (size_t d = 0; d < SLC_COUNT(details); d++)
            for (size_t s = 0; s < SLC_COUNT(factors); s++) {
                const kind k = {.quality = qualities[q],
                                .colours = factors[s][0],
                                .h = factors[s][1],
                                .v = factors[s][2],
                                .detail = details[d],
                                .optimize = slc_rng_below(&rng, 2),
                                .restart = slc_rng_below(&rng, 2) ? 7 : 0};
                file f = make(&k, &rng);
                check(decoder, &k, &f, false);
                check_damaged(decoder, &k, &f, &rng);
                if (k.restart) check_extra(decoder, &k, &f);
                free(f.bytes);
            }
    slc_decoder_destroy(&decoder);
    return 0;
}
