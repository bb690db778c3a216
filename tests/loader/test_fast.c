/* decode: fast may scale while decoding. How near it stays to exact, and that it does scale.
 * usage: test_fast [FOLDER]   prints the PSNR of the pictures of a folder instead */
#include <math.h>

#include "tests/loader/build.h"

enum { COUNT = 4 };

/* Waves of a few periods and an edge: what photos are made of, in three channels. */
static void write_scene(const char *dir, unsigned seed)
{
    char name[32];
    slc_arena arena = {0};
    slc_image im;
    slc_str out = {0};
    slc_err err = {0};
    snprintf(name, sizeof(name), "scene/%u.jpg", seed);
    CHECK(slc_image_alloc(&im, &arena, 800, 600, 3, &err) == SLC_OK, "%s", err.msg);
    for (size_t y = 0; y < im.h; y++)
        for (size_t i = 0; i < 3 * im.w; i++) {
            const double x = (double)(i / 3) / 800, v = (double)y / 600;
            const double wave =
                sin(20 * x + 9 * v * (1 + seed) + (double)(i % 3)) * cos(31 * v - 13 * x);
            const double edge = x + 0.3 * v > 0.5 + 0.05 * seed ? 60 : 0;
            im.px[y * im.stride + i] = (uint8_t)(80 + 70 * wave + edge);
        }
    CHECK(slc_encode(slc_codec_by_extension(name), &(slc_encoding){.quality = 92}, &im,
                     &out, &err) == SLC_OK,
          "%s", err.msg);
    write_bytes(dir, name, out.text, out.size);
    slc_str_free(&out);
    slc_arena_free(&arena);
}

/* Mean square difference of the two ways to decode, over a whole data set. */
static double difference(const slc_source *s, const slc_policy *policy)
{
    const slc_batch *b[2];
    slc_loader *loader[2];
    slc_err err = {0};
    double sum = 0, n = 0;
    for (int fast = 0; fast < 2; fast++)
        loader[fast] = open_loader(&(slc_loader_settings){.source = s,
                                                          .policy = policy,
                                                          .batch = 1,
                                                          .threads = 2,
                                                          .type = SLC_U8,
                                                          .epochs = 1,
                                                          .seed = 5,
                                                          .fast = fast});
    for (;;) {
        for (int fast = 0; fast < 2; fast++)
            CHECK(slc_loader_next(loader[fast], &b[fast], &err) == SLC_OK, "%s", err.msg);
        if (!b[0] || !b[1]) break;
        const uint8_t *exact = b[0]->data, *near = b[1]->data;
        const size_t size = b[0]->height * b[0]->width * b[0]->channels;
        for (size_t i = 0; i < size; i++)
            sum += (exact[i] - near[i]) * (exact[i] - near[i]);
        n += (double)size;
        for (int fast = 0; fast < 2; fast++)
            slc_loader_release(loader[fast], b[fast]);
    }
    CHECK(!b[0] && !b[1] && n > 0, "streams of different lengths");
    for (int fast = 0; fast < 2; fast++)
        slc_loader_close(&loader[fast]);
    return sum / n;
}

static double psnr(double square)
{
    return 10 * log10(255 * 255 / square);
}

static void print_psnr(const char *folder)
{
    static const int sizes[] = {224, 128, 96, 64, 32};
    slc_source *s = open_source(folder, "train");
    for (size_t i = 0; i < SLC_COUNT(sizes); i++) {
        char ops[80];
        snprintf(ops, sizeof(ops), "[{random_resized_crop: {size: %d}}]", sizes[i]);
        slc_policy *policy = make_policy(ops);
        printf("random_resized_crop %3d: %.1f dB\n", sizes[i],
               psnr(difference(s, policy)));
        slc_policy_destroy(&policy);
    }
    slc_source_close(&s);
}

int main(int argc, char **argv)
{
    char dir[256];
    if (argc == 2) return print_psnr(argv[1]), 0;
    make_dir(dir, sizeof(dir));
    for (unsigned i = 0; i < COUNT; i++)
        write_scene(dir, i);
    slc_source *s = open_source(dir, NULL);
    slc_policy *small = make_policy("[{resize: {size: 96}}, {center_crop: {size: 96}}]");
    slc_policy *large =
        make_policy("[{resize: {size: 400}}, {center_crop: {size: 400}}]");
    const double near = difference(s, small);
    CHECK(near > 0, "decode: fast did not scale");
    CHECK(psnr(near) > 40, "%.1f dB", psnr(near));
    CHECK(difference(s, large) == 0, "scaled to less than twice the target");
    slc_policy_destroy(&small);
    slc_policy_destroy(&large);
    slc_source_close(&s);
    drop_dir(dir);
    return 0;
}
