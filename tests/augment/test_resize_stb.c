/* The filters that come from stb_image_resize, and linear light, against their definitions in
 * double precision: at most one level off, on noise, up and down, at odd sizes and thin ones. */
#include <math.h>

#include "tests/augment/easy.h"

enum { MOST = 100 };

/* The family of cubics of Mitchell & Netravali, SIGGRAPH 1988. */
static double cubic(double x, double b, double c)
{
    x = fabs(x);
    if (x < 1)
        return ((12 - 9 * b - 6 * c) * x * x * x + (-18 + 12 * b + 6 * c) * x * x + 6 -
                2 * b) /
               6;
    if (x < 2)
        return ((-b - 6 * c) * x * x * x + (6 * b + 30 * c) * x * x +
                (-12 * b - 48 * c) * x + 8 * b + 24 * c) /
               6;
    return 0;
}

static double mitchell(double x)
{
    return cubic(x, 1.0 / 3, 1.0 / 3);
}

static double catmull_rom(double x)
{
    return cubic(x, 0, 0.5);
}

static double cubic_bspline(double x)
{
    return cubic(x, 1, 0);
}

static double bilinear(double x)
{
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

/* Weights of n pixels for pixel i of m; what lies outside is the edge. */
static void weigh(double *weight, size_t n, size_t m, size_t i, double (*kernel)(double))
{
    const double scale = (double)m / (double)n, wide = scale < 1 ? 1 / scale : 1;
    const double centre = ((double)i + 0.5) / scale;
    double sum = 0;
    memset(weight, 0, n * sizeof(*weight));
    for (ptrdiff_t k = (ptrdiff_t)floor(centre - 2 * wide) - 1;
         (double)k < centre + 2 * wide + 1; k++) {
        const double w = kernel(((double)k + 0.5 - centre) / wide);
        weight[k < 0 ? 0 : k >= (ptrdiff_t)n ? (ptrdiff_t)n - 1 : k] += w;
        sum += w;
    }
    for (size_t k = 0; k < n; k++)
        weight[k] /= sum;
}

static double to_light(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double to_srgb(double v)
{
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

static double wanted(const slc_image *in, size_t c, const double *across,
                     const double *down, bool light)
{
    double sum = 0;
    for (size_t y = 0; y < in->h; y++)
        for (size_t x = 0; x < in->w; x++) {
            const double v = in->px[y * in->stride + x * in->channels + c] / 255.0;
            sum += down[y] * across[x] * (light ? to_light(v) : v);
        }
    sum = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    return 255 * (light ? to_srgb(sum) : sum);
}

static void compare(const slc_image *in, size_t w, size_t h, const char *name,
                    double (*kernel)(double), bool light)
{
    char ops[160];
    double across[MOST], down[MOST];
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_image out = {0};
    slc_err err = {0};
    snprintf(ops, sizeof(ops),
             "[{resize: {size: [%zu, %zu], interpolation: %s, linear_light: %s}}]", h, w,
             name, light ? "true" : "false");
    slc_policy *policy = easy_policy(ops, &arena, in->channels);
    CHECK(!slc_policy_run(policy, &(slc_key){0}, NULL, in, &work, NULL, &out, NULL, &err),
          "%s: %s", ops, err.msg);
    CHECK(out.w == w && out.h == h, "%s: size", ops);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t c = 0; c < in->channels; c++) {
                weigh(across, in->w, w, x, kernel);
                weigh(down, in->h, h, y, kernel);
                const double want = wanted(in, c, across, down, light);
                const int got = out.px[y * out.stride + x * out.channels + c];
                CHECK(fabs(got - want) <= 1,
                      "%s of %zu x %zu: (%zu, %zu) is %d, not %.3f", ops, in->w, in->h, x,
                      y, got, want);
            }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

int main(void)
{
    static const struct {
        const char *name;
        double (*kernel)(double);
    } filters[] = {{"mitchell", mitchell},
                   {"catmull_rom", catmull_rom},
                   {"cubic_bspline", cubic_bspline},
                   {"bilinear", bilinear}};
    static const size_t sizes[][4] = {{31, 23, 12, 17}, {23, 31, 60, 45}, {1, 1, 5, 3},
                                      {1, 40, 7, 9},    {97, 5, 10, 11},  {20, 20, 1, 1}};
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(sizes); i++)
        for (size_t channels = 1; channels <= 3; channels += 2) {
            const slc_image in =
                easy_noise(&arena, sizes[i][0], sizes[i][1], channels, i);
            for (size_t f = 0; f < SLC_COUNT(filters); f++)
                for (int light = strcmp(filters[f].name, "bilinear") == 0; light < 2;
                     light++)
                    compare(&in, sizes[i][2], sizes[i][3], filters[f].name,
                            filters[f].kernel, light);
        }
    slc_arena_free(&arena);
    return 0;
}
