/* Pictures of shapes: a data set for those who have none at hand. */
#include "tools/shapes.h"

#include <math.h>
#include <stdio.h>

#include "augment/codec.h"
#include "base/file.h"
#include "base/rng.h"

enum { SIDE = 32, TRAIN = 120, TEST = 30 }; /* px, pictures of each class */

static double disc(double x, double y)
{
    return hypot(x, y);
}
static double square(double x, double y)
{
    return fmax(fabs(x), fabs(y));
}
static double cross(double x, double y)
{
    return fmax(fmax(fabs(x), fabs(y)), 2.5 * fmin(fabs(x), fabs(y)));
}
static double ring(double x, double y)
{
    return 2.5 * fabs(hypot(x, y) - 0.7);
}

/* Inside is where the function is below 1, at a radius of 1. */
static const struct {
    const char *name;
    double (*edge)(double x, double y);
} shape[] = {{"cross", cross}, {"disc", disc}, {"ring", ring}, {"square", square}};

/* A shape of random place, size, angle and colours, with noise over it. */
static void draw(slc_image *image, size_t c, slc_rng *rng)
{
    const double radius = 6 + 6 * slc_rng_unit(rng), angle = 3 * slc_rng_unit(rng);
    const double cx = SIDE * (0.35 + 0.3 * slc_rng_unit(rng));
    const double cy = SIDE * (0.35 + 0.3 * slc_rng_unit(rng));
    double colour[2][3];
    for (size_t k = 0; k < 6; k++)
        colour[k / 3][k % 3] = (k < 3 ? 20 : 130) + 90 * slc_rng_unit(rng);

    for (size_t y = 0; y < image->h; y++)
        for (size_t x = 0; x < image->w; x++) {
            const double dx = ((double)x - cx) / radius, dy = ((double)y - cy) / radius;
            const bool in = shape[c].edge(dx * cos(angle) + dy * sin(angle),
                                          dy * cos(angle) - dx * sin(angle)) < 1;
            for (size_t k = 0; k < 3; k++)
                image->px[y * image->stride + 3 * x + k] =
                    (uint8_t)(colour[in][k] + 30 * slc_rng_unit(rng));
        }
}

static slc_status write_one(const char *dir, const char *part, size_t c, size_t i,
                            slc_err *err)
{
    char path[1024];
    slc_arena arena = {0};
    slc_image image;
    slc_str bytes = {0};
    slc_rng rng = slc_rng_at(part[1], c, i, SLC_SLOT_SOURCE);

    snprintf(path, sizeof(path), "%s/%s/%s/%03zu.png", dir, part, shape[c].name, i);
    slc_status st = slc_image_alloc(&image, &arena, SIDE, SIDE, 3, err);
    if (st == SLC_OK) draw(&image, c, &rng);
    if (st == SLC_OK)
        st = slc_encode(slc_codec_by_extension(path), NULL, &image, &bytes, err);
    if (st == SLC_OK) st = slc_file_replace(path, bytes.text, bytes.size, err);
    slc_str_free(&bytes);
    slc_arena_free(&arena);
    return st;
}

slc_status cli_shapes_write(const char *dir, slc_err *err)
{
    static const struct {
        const char *name;
        size_t count;
    } part[] = {{"train", TRAIN}, {"test", TEST}};
    slc_status st = SLC_OK;

    for (size_t p = 0; p < SLC_COUNT(part); p++)
        for (size_t c = 0; c < SLC_COUNT(shape) && st == SLC_OK; c++) {
            char path[1024];
            snprintf(path, sizeof(path), "%s/%s/%s", dir, part[p].name, shape[c].name);
            st = slc_dir_make(path, err);
            for (size_t i = 0; i < part[p].count && st == SLC_OK; i++)
                st = write_one(dir, part[p].name, c, i, err);
        }
    return st;
}
