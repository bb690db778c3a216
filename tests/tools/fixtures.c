/* Makes the small data sets of the command-line tests. usage: fixtures DIR
 *
 *     DIR/photos/{cat,dog,owl}/NN.{png,jpg}   24 pictures of different sizes
 *     DIR/idx/{train,t10k}-{images,labels}-*.gz   4 classes of 16 x 16 px that a model can learn */
#include <string.h>
#include <zlib.h>

#include "augment/codec.h"
#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"

enum { SIDE = 16, CLASSES = 4, TRAIN = 512, TEST = 128 };

static char path[4096];

static const char *in(const char *dir, const char *rest)
{
    snprintf(path, sizeof(path), "%s/%s", dir, rest);
    return path;
}

static void make_dir(const char *dir, const char *rest)
{
    slc_err err = {0};
    CHECK(slc_dir_make(in(dir, rest), &err) == SLC_OK, "%s", err.msg);
}

/* A disc on a coloured ground, different for every class and picture. */
static void write_photo(const char *dir, const char *class_name, size_t c, size_t i)
{
    slc_arena arena = {0};
    slc_image image;
    slc_err err = {0};
    slc_str bytes = {0};
    char name[256];
    const char *const ending = i % 2 ? "jpg" : "png";

    CHECK(slc_image_alloc(&image, &arena, 40 + 3 * i, 36 + 2 * i, 3, &err) == SLC_OK,
          "%s", err.msg);
    for (size_t y = 0; y < image.h; y++)
        for (size_t x = 0; x < image.w; x++) {
            const double dx = (double)x - 20 - (double)i, dy = (double)y - 18;
            uint8_t *const p = image.px + y * image.stride + 3 * x;
            const bool disc = dx * dx + dy * dy < 90;
            for (size_t k = 0; k < 3; k++)
                p[k] = (uint8_t)(disc ? (k == c ? 240 : 30) : 90 + 40 * k + x);
        }
    snprintf(name, sizeof(name), "photos/%s/%02zu.%s", class_name, i, ending);
    CHECK(slc_encode(slc_codec_by_extension(name), NULL, &image, &bytes, &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_file_replace(in(dir, name), bytes.text, bytes.size, &err) == SLC_OK, "%s",
          err.msg);
    slc_str_free(&bytes);
    slc_arena_free(&arena);
}

static void put_u32(uint8_t *out, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_gz(const char *name, const uint8_t *bytes, size_t size)
{
    gzFile file = gzopen(name, "wb9");
    CHECK(file && gzwrite(file, bytes, (unsigned)size) == (int)size &&
              gzclose(file) == Z_OK,
          "%s", name);
}

/* Class c is a bright square in corner c, with noise. */
static void write_idx(const char *dir, const char *prefix, uint32_t n, uint64_t seed)
{
    static uint8_t images[16 + TRAIN * SIDE * SIDE], labels[8 + TRAIN];
    char name[256];

    put_u32(images, 0x803), put_u32(images + 4, n), put_u32(images + 8, SIDE),
        put_u32(images + 12, SIDE);
    put_u32(labels, 0x801), put_u32(labels + 4, n);
    for (uint32_t i = 0; i < n; i++) {
        slc_rng rng = slc_rng_at(seed, 0, i, 0);
        const size_t c = i % CLASSES;
        labels[8 + i] = (uint8_t)c;
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++) {
                const bool lit =
                    (x >= SIDE / 2) == (c % 2 == 1) && (y >= SIDE / 2) == (c / 2 == 1);
                images[16 + (i * SIDE + y) * SIDE + x] =
                    (uint8_t)((lit ? 90 : 30) + slc_rng_below(&rng, 120));
            }
    }
    snprintf(name, sizeof(name), "idx/%s-images-idx3-ubyte.gz", prefix);
    write_gz(in(dir, name), images, 16 + (size_t)n * SIDE * SIDE);
    snprintf(name, sizeof(name), "idx/%s-labels-idx1-ubyte.gz", prefix);
    write_gz(in(dir, name), labels, 8 + n);
}

int main(int argc, char **argv)
{
    static const char *const classes[] = {"cat", "dog", "owl"};

    CHECK(argc == 2, "usage: fixtures DIR");
    make_dir(argv[1], "idx");
    write_idx(argv[1], "train", TRAIN, 1);
    write_idx(argv[1], "t10k", TEST, 2);
    for (size_t c = 0; c < SLC_COUNT(classes); c++) {
        char name[64];
        snprintf(name, sizeof(name), "photos/%s", classes[c]);
        make_dir(argv[1], name);
        for (size_t i = 0; i < 8; i++)
            write_photo(argv[1], classes[c], c, i);
    }
    return 0;
}
