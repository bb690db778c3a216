/* One thread decoding photos: Sluice against a bare libjpeg-turbo loop on the same bytes, taken in turns,
 * whole and a region of a quarter of the pixels. Prints MB of pixels a second, medians of 5, and their
 * ratio.
 *     bench_decode FOLDER      (every JPEG below it; 77 = nothing to do) */
#include <ftw.h>
#include <stdio.h>
#include <time.h>

#include <jpeglib.h>

#include "augment/codec.h"
#include "base/file.h"
#include "tests/check.h"

enum { MOST = 4096, ROUNDS = 5 };

typedef struct photo {
    uint8_t *bytes;
    size_t size, w, h;
} photo;

static photo
    photos[MOST]; /* a program of its own may have globals: nftw has no user pointer */
static size_t count;

static int add(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)where;
    if (type != FTW_F || count == MOST) return 0;
    photo *p = &photos[count];
    if (slc_file_read(&p->bytes, &p->size, path, 1 << 26, NULL) != SLC_OK) return 0;
    if (p->size > 2 && memcmp(p->bytes, "\xff\xd8", 2) == 0)
        count++;
    else
        free(p->bytes);
    return 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static slc_rect part_of(const photo *p, bool whole)
{
    if (whole) return (slc_rect){.w = p->w, .h = p->h};
    return (slc_rect){p->w / 4, p->h / 4, p->w / 2, p->h / 2};
}

static double run_bare(struct jpeg_decompress_struct *c, const photo *p, slc_rect r,
                       bool whole, uint8_t *buffer)
{
    const double begin = now();
    JDIMENSION x = (JDIMENSION)r.x, w = (JDIMENSION)r.w;
    jpeg_mem_src(c, p->bytes, p->size);
    jpeg_read_header(c, TRUE);
    c->out_color_space = JCS_RGB;
    jpeg_start_decompress(c);
    if (!whole) {
        jpeg_crop_scanline(c, &x, &w);
        jpeg_skip_scanlines(c, (JDIMENSION)r.y);
    }
    const size_t stride = (size_t)c->output_width * 3;
    for (size_t y = 0; y < r.h; y++) {
        JSAMPROW row = buffer + y * stride;
        jpeg_read_scanlines(c, &row, 1);
    }
    if (whole)
        jpeg_finish_decompress(c);
    else
        jpeg_abort_decompress(c);
    return now() - begin;
}

static double run_ours(slc_decoder *decoder, const photo *p, slc_rect r, slc_arena *arena)
{
    const double begin = now();
    slc_image image;
    slc_err err = {0};
    const slc_decode how = {.channels = 3, .ignore_orientation = true, .region = r};
    CHECK(slc_decode_image(decoder, p->bytes, p->size, &how, arena, &image, &err) ==
              SLC_OK,
          "%s", err.msg);
    slc_arena_reset(arena);
    return now() - begin;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double v[ROUNDS])
{
    qsort(v, ROUNDS, sizeof(*v), by_size);
    return v[ROUNDS / 2];
}

/* The two take turns photo by photo, and each photo counts with its median, so that a machine
 * that changes its speed changes it for both. Times are of this thread's CPU. */
static void compare(bool whole, slc_decoder *decoder, uint8_t *buffer)
{
    double bare = 0, ours = 0, bytes = 0;
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    slc_arena arena = {0};
    c.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&c);
    for (size_t i = 0; i < count; i++) {
        double b[ROUNDS], o[ROUNDS];
        const slc_rect r = part_of(&photos[i], whole);
        run_ours(decoder, &photos[i], r, &arena);
        for (size_t k = 0; k < ROUNDS; k++) {
            if ((i + k) % 2) b[k] = run_bare(&c, &photos[i], r, whole, buffer);
            o[k] = run_ours(decoder, &photos[i], r, &arena);
            if ((i + k) % 2 == 0) b[k] = run_bare(&c, &photos[i], r, whole, buffer);
        }
        bare += median(b);
        ours += median(o);
        bytes += 3e-6 * (double)r.w * (double)r.h;
    }
    printf(
        "%-7s %4zu photos  bare %6.1f MB/s %6.0f/s  sluice %6.1f MB/s %6.0f/s  %.3f x\n",
        whole ? "whole" : "quarter", count, bytes / bare, (double)count / bare,
        bytes / ours, (double)count / ours, bare / ours);
    jpeg_destroy_decompress(&c);
    slc_arena_free(&arena);
}

int main(int argc, char **argv)
{
    slc_decoder *decoder;
    size_t largest = 0;
    if (argc == 2) nftw(argv[1], add, 16, FTW_PHYS);
    if (count == 0) return 77;
    CHECK(slc_decoder_create(&decoder, NULL) == SLC_OK, "decoder");
    for (size_t i = 0; i < count; i++) {
        slc_image_info info;
        CHECK(slc_decode_info(decoder, photos[i].bytes, photos[i].size,
                              &(slc_decode){.ignore_orientation = true}, &info,
                              NULL) == SLC_OK,
              "photo %zu", i);
        photos[i].w = info.w;
        photos[i].h = info.h;
        if (info.w * info.h > largest) largest = info.w * info.h;
    }
    uint8_t *buffer = malloc(largest * 3);
    CHECK(buffer, "memory");
    compare(true, decoder, buffer);
    compare(false, decoder, buffer);
    free(buffer);
    slc_decoder_destroy(&decoder);
    for (size_t i = 0; i < count; i++)
        free(photos[i].bytes);
    return 0;
}
