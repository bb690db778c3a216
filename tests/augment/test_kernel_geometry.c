/* Kernels of geometry and packing: every instruction set gives the bytes of the C definition,
 * at every length, with input and output against guard pages. */
#include "augment/kernel/move.h"
#include "augment/kernel/pack.h"
#include "augment/kernel/resize.h"
#include "augment/kernel/warp.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/guard.h"

static void fill(slc_rng *rng, uint8_t *p, size_t n)
{
    const uint64_t style = slc_rng_below(rng, 4); /* noise, noise, all 0, all 255 */
    for (size_t i = 0; i < n; i++)
        p[i] = style < 2 ? (uint8_t)slc_rng_u32(rng) : (uint8_t)(0 - (style == 3));
}

static void same(const char *what, slc_isa isa, const uint8_t *got, const uint8_t *want,
                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK(got[i] == want[i], "%s, %s: byte %zu of %zu is %d, not %d", what,
              slc_isa_name(isa), i, n, got[i], want[i]);
}

/* A buffer that ends at a guard page. */
static uint8_t *ending(const guard *g, size_t n)
{
    return g->end - n;
}

static const slc_kernel_filter *const filters[] = {
    &slc_filter_box, &slc_filter_bilinear, &slc_filter_bicubic, &slc_filter_lanczos};

static void across(slc_isa isa, slc_rng *rng, const guard *g, slc_arena *arena)
{
    const size_t in = 1 + slc_rng_below(rng, 90), out = 1 + slc_rng_below(rng, 90);
    const size_t rows = 1 + slc_rng_below(rng, 7), c = slc_rng_below(rng, 2) ? 3 : 1;
    const size_t pad = slc_rng_below(rng, 3); /* bytes of a row that must stay */
    const size_t stride = out * c + pad, size = stride * rows - pad;
    uint8_t *src = ending(g, in * c * rows), *dst = ending(g + 1, size);
    uint8_t *want = slc_arena_zero(arena, size, 1);
    slc_taps taps;
    CHECK(slc_taps_make(&taps, arena, filters[slc_rng_below(rng, 4)], in, 0, (double)in,
                        out, slc_rng_below(rng, 2)),
          "memory");
    fill(rng, src, in * c * rows);
    memset(dst, 77, size);
    memset(want, 77, size);
    slc_resize_across_c(want, stride, src, in * c, in, rows, c, &taps);
    slc_resize_across[isa](dst, stride, src, in * c, in, rows, c, &taps);
    same("resize across", isa, dst, want, size);
}

static void down(slc_isa isa, slc_rng *rng, const guard *g, slc_arena *arena)
{
    const size_t n = 1 + slc_rng_below(rng, 200), in = 1 + slc_rng_below(rng, 20);
    uint8_t *src = ending(g, n * in), *dst = ending(g + 1, n);
    uint8_t *want = slc_arena_alloc(arena, n);
    slc_taps taps;
    CHECK(slc_taps_make(&taps, arena, filters[slc_rng_below(rng, 4)], in, 0, (double)in,
                        5, false),
          "memory");
    fill(rng, src, n * in);
    for (size_t y = 0; y < 5; y++) {
        const uint8_t *from = src + (size_t)taps.first[y] * n;
        const int32_t *coef = taps.coef + y * taps.room;
        const uint32_t *quad = taps.quad + y * taps.room / 4 * 3;
        slc_resize_down_c(want, from, n, n, coef, quad, (size_t)taps.count[y]);
        slc_resize_down[isa](dst, from, n, n, coef, quad, (size_t)taps.count[y]);
        same("resize down", isa, dst, want, n);
    }
}

static void test_resize(slc_isa isa, const guard *g)
{
    slc_rng rng = slc_rng_at(1, 0, 0, 0);
    slc_arena arena = {0};
    for (int round = 0; round < 1500; round++) {
        across(isa, &rng, g, &arena);
        down(isa, &rng, g, &arena);
        slc_arena_reset(&arena);
    }
    slc_arena_free(&arena);
}

/* All 256 values of all channels, for the means and deviations that people use and others. */
static void test_norm(void)
{
    static const float known[][2] = {{0, 1},
                                     {0.485f, 0.229f},
                                     {0.5f, 0.5f},
                                     {0.286f, 0.353f},
                                     {0.48145466f, 0.26862954f}};
    for (size_t k = 0; k < SLC_COUNT(known); k++) {
        const float m = known[k][0], s = known[k][1];
        slc_norm norm;
        slc_norm_make(&norm, (float[3]){m, m, m}, (float[3]){s, s, s});
        CHECK(norm.arithmetic, "mean %g, std %g needs the table", (double)m, (double)s);
        for (unsigned i = 0; i < 256; i++)
            CHECK(norm.table[2][i] == ((float)i / 255.0f - m) / s, "value %u", i);
    }
}

static void test_pack(slc_isa isa, const guard *g)
{
    slc_rng rng = slc_rng_at(2, 0, 0, 0);
    slc_norm norm;
    uint8_t want[3 * 120 * 4];
    for (size_t w = 1; w <= 120; w++)
        for (int mode = 0; mode < 32; mode++) {
            const size_t c = mode & 1 ? 3 : 1;
            const bool planar = mode & 2, past_cache = mode & 16;
            const slc_dtype type = (slc_dtype)(mode >> 2 & 3);
            const size_t size = w * c * slc_dtype_size(type);
            /* The first channel becomes px + 255: nine bits, half of them ties in bf16. */
            slc_norm_make(&norm, (float[3]){-1, 0.456f, 0.406f},
                          (float[3]){1.0f / 255, 0.224f, mode == 5 ? 1e-5f : 0.225f});
            const slc_pack pack = {type,           c,     planar ? w : 1,
                                   planar ? 1 : c, &norm, past_cache};
            uint8_t *src = ending(g, w * c), *dst = ending(g + 1, size);
            fill(&rng, src, w * c);
            slc_pack_row_c(&pack, want, src, w);
            slc_pack_row[isa](&pack, dst, src, w);
            same("pack", isa, dst, want, size);
        }
}

static void test_halves(void)
{
    static const struct {
        float f;
        uint16_t h;
    } known[] = {{0, 0},
                 {1, 0x3c00},
                 {-2, 0xc000},
                 {65504, 0x7bff},
                 {65520, 0x7c00},
                 {0x1p-24f, 1},
                 {0x1p-25f, 0},
                 {0x1.8p-24f, 2},
                 {1.0009765f, 0x3c01},
                 {1.00048828125f, 0x3c00},
                 {0x1p-14f, 0x0400}};
    for (size_t i = 0; i < SLC_COUNT(known); i++)
        CHECK(slc_f16_from_f32(known[i].f) == known[i].h, "%g: %04x, not %04x",
              (double)known[i].f, slc_f16_from_f32(known[i].f), known[i].h);
    for (uint32_t h = 0; h < 0x7c00; h++)
        CHECK(slc_f16_from_f32(slc_f32_from_f16((uint16_t)h)) == h, "%04x", h);
}

static void test_warp_rows(slc_isa isa)
{
    slc_rng rng = slc_rng_at(3, 0, 0, 0);
    int32_t want[2][80], got[2][80];
    for (int round = 0; round < 4000; round++) {
        const size_t n = 1 + slc_rng_below(&rng, 70), y = slc_rng_below(&rng, 300);
        const double far = round % 7 ? 1 : 1e9;
        double a[3][3] = {{0}, {0}, {0, 0, 1}};
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 3; k++)
                a[i][k] = i == 2 && k == 2 ? 1
                                           : far * slc_rng_uniform(&rng, -2, 2) *
                                                 (i == 2   ? 1e-2
                                                  : k == 2 ? 99
                                                           : 1);
        const double(*map)[3] = (const double(*)[3])a;
        for (int p = 0; p < 2; p++) {
            (p ? slc_warp_perspective_c : slc_warp_affine_c)(want[0], want[1], map, y, n);
            (p ? slc_warp_perspective : slc_warp_affine)[isa](got[0], got[1], map, y, n);
            for (size_t i = 0; i < n; i++)
                CHECK(got[0][i] == want[0][i] && got[1][i] == want[1][i],
                      "%s: position %zu of %zu: %d %d, not %d %d", slc_isa_name(isa), i,
                      n, got[0][i], got[1][i], want[0][i], want[1][i]);
        }
    }
}

/* Positions inside, near the border, on it, and far away. */
static void test_samplers(slc_isa isa, const guard *g)
{
    static const struct {
        slc_warp_sample_fn *c, *const *all;
    } samplers[] = {{slc_sample_nearest_c, slc_sample_nearest},
                    {slc_sample_bilinear_c, slc_sample_bilinear},
                    {slc_sample_bicubic_c, slc_sample_bicubic}};
    slc_rng rng = slc_rng_at(4, 0, 0, 0);
    int32_t xs[64], ys[64];
    uint8_t want[3 * 64];
    for (int round = 0; round < 6000; round++) {
        const size_t w = 1 + slc_rng_below(&rng, 20), h = 1 + slc_rng_below(&rng, 20);
        const size_t c = round & 1 ? 3 : 1, n = 1 + slc_rng_below(&rng, 63);
        uint8_t *px = ending(g, w * h * c), *dst = ending(g + 1, n * c);
        const slc_warp_source in = {px, w, h, c, w * c, {9, 99, 199}};
        const int64_t margin = slc_rng_below(&rng, 2) ? 0 : 3000;
        fill(&rng, px, w * h * c);
        for (size_t i = 0; i < n; i++) {
            xs[i] =
                (int32_t)((int64_t)slc_rng_below(&rng, w * 2048 + (uint64_t)margin * 2) -
                          margin);
            ys[i] =
                (int32_t)((int64_t)slc_rng_below(&rng, h * 2048 + (uint64_t)margin * 2) -
                          margin);
            if (slc_rng_below(&rng, 99) == 0) xs[i] = -0x20000000;
            if (slc_rng_below(&rng, 99) == 0) ys[i] = 0x20000000;
        }
        for (size_t k = 0; k < SLC_COUNT(samplers); k++) {
            samplers[k].c(want, &in, xs, ys, n);
            samplers[k].all[isa](dst, &in, xs, ys, n);
            same("sample", isa, dst, want, n * c);
        }
    }
}

static void test_mirror(slc_isa isa, const guard *g)
{
    slc_rng rng = slc_rng_at(5, 0, 0, 0);
    uint8_t want[3 * 200];
    for (size_t w = 1; w <= 200; w++)
        for (size_t c = 1; c <= 3; c += 2) {
            uint8_t *src = ending(g, w * c), *dst = ending(g + 1, w * c);
            fill(&rng, src, w * c);
            slc_mirror_c(want, src, w, c);
            slc_mirror[isa](dst, src, w, c);
            same("mirror", isa, dst, want, w * c);
            memmove(g->begin, src, w * c); /* and at the lower end */
            slc_mirror[isa](g[1].begin, g->begin, w, c);
            same("mirror", isa, g[1].begin, want, w * c);
        }
}

/* All sizes to 40 px, both sides against guard pages, each the right way up
 * or upside down; pixel by
 * pixel what the name says. */
static void test_transpose(slc_isa isa, const guard *g)
{
    slc_rng rng = slc_rng_at(8, 0, 0, 0);
    for (size_t w = 1; w <= 40; w++)
        for (size_t h = 1; h <= 40; h++) {
            const size_t c = slc_rng_below(&rng, 4) ? 3 : 1, size = w * h * c;
            const bool turned = slc_rng_below(&rng, 2), up = slc_rng_below(&rng, 2);
            const bool at_end = slc_rng_below(&rng, 2);
            uint8_t *src = at_end ? ending(g, size) : g->begin;
            uint8_t *dst = at_end ? ending(g + 1, size) : g[1].begin;
            fill(&rng, src, size);
            memset(dst, 77, size);
            const ptrdiff_t to = (ptrdiff_t)(h * c), from = (ptrdiff_t)(w * c);
            slc_transpose[isa](turned ? dst + (w - 1) * h * c : dst, turned ? -to : to,
                               up ? src + (h - 1) * w * c : src, up ? -from : from, w, h,
                               c);
            for (size_t x = 0; x < w; x++)
                for (size_t y = 0; y < h; y++) {
                    const size_t row = up ? h - 1 - y : y, line = turned ? w - 1 - x : x;
                    CHECK(memcmp(dst + (line * h + y) * c, src + (row * w + x) * c, c) ==
                              0,
                          "%s: %zu x %zu: pixel %zu, %zu", slc_isa_name(isa), w, h, x, y);
                }
        }
}

int main(void)
{
    guard g[2] = {guard_alloc(8192), guard_alloc(8192)};
    test_norm();
    test_halves();
    for (slc_isa isa = SLC_ISA_C; isa <= slc_isa_detect(); isa++) {
        test_resize(isa, g);
        test_pack(isa, g);
        test_warp_rows(isa);
        test_samplers(isa, g);
        test_mirror(isa, g);
        test_transpose(isa, g);
    }
    guard_free(g);
    guard_free(g + 1);
    return 0;
}
