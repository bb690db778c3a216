/* Colour, table, filter and noise kernels: every instruction set gives the bytes of the C
 * definition, at every length and at both ends of guarded buffers, in place where allowed;
 * hue gives what Pillow's double-precision formulas give. */
#include "augment/kernel/filter.h"
#include "augment/kernel/lut.h"
#include "augment/kernel/noise.h"
#include "augment/kernel/tint.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/guard.h"

enum { MOST = 150, BYTES = 3 * MOST, SLACK = 64, TAPS = 7 };

static void fill(slc_rng *rng, uint8_t *p, size_t n)
{
    const uint32_t style = slc_rng_u32(rng) % 4; /* noise, all 0, all 255, two levels */
    for (size_t i = 0; i < n; i++) {
        const uint32_t u = slc_rng_u32(rng);
        p[i] = (uint8_t)(style == 0   ? u
                         : style == 3 ? (u & 1) * 200u
                         : style == 2 ? 255u
                                      : 0u);
    }
}

/* A row of n bytes against the end or the beginning of a guarded buffer. */
static uint8_t *place(const guard *g, size_t n, int at_end)
{
    return at_end ? g->end - n : g->begin;
}

static void same(const uint8_t *got, const uint8_t *want, size_t n, const char *what,
                 slc_isa isa, size_t w)
{
    for (size_t i = 0; i < n; i++)
        CHECK(got[i] == want[i], "%s, %s, %zu px: byte %zu is %d, not %d", what,
              slc_isa_name(isa), w, i, got[i], want[i]);
}

static void test_lut(slc_isa isa, slc_rng *rng, const guard *g, size_t w, int at_end)
{
    uint8_t table[3][256], want[BYTES];
    uint8_t *const px = place(&g[0], 3 * w, at_end), *const out =
                                                         place(&g[1], 3 * w, at_end);
    fill(rng, px, 3 * w);
    for (int i = 0; i < 768; i++)
        table[i / 256][i % 256] = (uint8_t)slc_rng_u32(rng);
    slc_lut_c(want, px, 3 * w, table[0]);
    slc_lut[isa](out, px, 3 * w, table[0]);
    same(out, want, 3 * w, "lut", isa, w);
    for (size_t i = 0; i < 3 * w; i++)
        want[i] = table[i % 3][px[i]];
    slc_lut3[isa](px, 3 * w, px, 3 * w, w, 1, (const uint8_t(*)[256])table);
    same(px, want, 3 * w, "lut3 in place", isa, w);
    if (w % 3) return; /* three rows with a byte between them that stays */
    const size_t n = w / 3 * 3;
    uint8_t gaps[BYTES + 2];
    memset(gaps, 77, sizeof(gaps));
    slc_lut3[isa](gaps, n + 1, px, n, w / 3, 3, (const uint8_t(*)[256])table);
    for (size_t i = 0; i < 3 * n; i++)
        CHECK(gaps[i / n * (n + 1) + i % n] == table[i % 3][px[i]], "lut3, %s: row %zu",
              slc_isa_name(isa), i / n);
    CHECK(w == 0 || (gaps[n] == 77 && gaps[2 * n + 1] == 77), "lut3 wrote into the gap");
}

static void test_tint(slc_isa isa, slc_rng *rng, const guard *g, size_t w, int at_end)
{
    const slc_tint *c = &slc_tint_c, *t = slc_tints[isa];
    const float factor = (float)slc_rng_uniform(rng, 0, 3);
    const uint8_t shift = (uint8_t)slc_rng_u32(rng);
    float m[3][4];
    uint8_t want[BYTES];
    uint8_t *const px = place(&g[0], 3 * w, at_end),
                   *const out = place(&g[1], 3 * w, at_end),
                   *const one = place(&g[2], w, at_end);

    for (int i = 0; i < 12; i++)
        m[i / 4][i % 4] = (float)slc_rng_uniform(rng, -1, 1);
    fill(rng, px, 3 * w);
    c->grey(want, px, w);
    t->grey(one, px, w);
    same(one, want, w, "grey", isa, w);
    CHECK(c->grey_sum(px, w) == t->grey_sum(px, w), "grey_sum, %s, %zu px",
          slc_isa_name(isa), w);
    c->grey3(want, px, w);
    t->grey3(out, px, w);
    same(out, want, 3 * w, "grey3", isa, w);
    c->matrix(want, px, w, (const float(*)[4])m);
    t->matrix(out, px, w, (const float(*)[4])m);
    same(out, want, 3 * w, "matrix", isa, w);
    c->saturate(want, px, w, factor);
    t->saturate(out, px, w, factor);
    same(out, want, 3 * w, "saturate", isa, w);
    c->shift(want, px, one, px, w);
    t->shift(out, px, one, px, w);
    same(out, want, 3 * w, "shift", isa, w);
    for (size_t i = 0; i < 3 * w; i++) {
        const int v = px[i] + px[i / 3] - one[i / 3];
        CHECK(out[i] == (v < 0 ? 0 : v > 255 ? 255 : v), "shift: %d, not %d", out[i], v);
    }
    c->hue(want, px, w, shift);
    t->hue(px, px, w, shift);
    same(px, want, 3 * w, "hue in place", isa, w);
}

static void test_filters(slc_isa isa, slc_rng *rng, const guard *g, size_t n, int at_end)
{
    const slc_filters *c = &slc_filters_c, *f = slc_filters_of[isa];
    const float alpha = (float)slc_rng_uniform(rng, -1, 3);
    const size_t step = slc_rng_u32(rng) & 1 ? 3 : 1;
    uint8_t want[BYTES + SLACK] = {0}, got[BYTES + SLACK] = {0};
    uint8_t *const a = place(&g[0], n, at_end), *const b = place(&g[1], n, at_end),
                   *const d = place(&g[2], n, at_end);
    fill(rng, a, n);
    fill(rng, b, n);
    fill(rng, d, n);
    c->smooth(want, a, b, d, n, step);
    f->smooth(got, a, b, d, n, step);
    same(got, want, n, "smooth", isa, n);
    c->median3(want, a, b, d, n, step);
    f->median3(got, a, b, d, n, step);
    same(got, want, n, "median3", isa, n);
    c->blend(want, a, b, n, alpha);
    f->blend(a, a, b, n, alpha);
    same(a, want, n, "blend in place", isa, n);

    uint32_t *const first = (uint32_t *)(void *)place(&g[3], 4 * n, at_end),
                    *const last = (uint32_t *)(void *)place(&g[4], 4 * n, at_end);
    uint8_t *const out = place(&g[5], n, at_end);
    const uint32_t weight[2] = {1u << 14, 77};
    for (size_t i = 0; i < n; i++)
        first[i] = last[i] = a[i] + 2000u;
    c->box_down(want, first, a, b, d, weight, n);
    f->box_down(out, last, a, b, d, weight, n);
    same(out, want, n, "box_down", isa, n);
    CHECK(memcmp(first, last, 4 * n) == 0, "box sums, %s", slc_isa_name(isa));

    for (size_t i = 0; i < n; i++)
        first[i] = slc_rng_u32(rng) % 500;
    c->box_across(want, first, last, a, d, weight, n);
    f->box_across(out, first, last, a, d, weight, n);
    same(out, want, n, "box_across", isa, n);

    float *const right = (float *)(void *)place(&g[4], 4 * n, at_end);
    for (size_t i = 0; i < n; i++) {
        right[i] = (float)slc_rng_uniform(rng, 0, 1);
        first[i] = slc_rng_u32(rng);
    }
    const float under = (float)slc_rng_uniform(rng, 0, 1);
    c->between(want, first, right, under, n);
    f->between(out, first, right, under, n);
    same(out, want, n, "between", isa, n);

    float sum[BYTES] = {0}, *const got_sum = right;
    memset(got_sum, 0, 4 * n);
    c->add(sum, b, alpha, n);
    f->add(got_sum, b, alpha, n);
    CHECK(memcmp(sum, got_sum, 4 * n) == 0, "add, %s, %zu", slc_isa_name(isa), n);
    c->cut(want, sum, n);
    f->cut(d, got_sum, n);
    same(d, want, n, "cut", isa, n);
}

/* Places each row so that what a kernel may read of it ends at the guard page. */
static void put_rows(const uint8_t *rows[TAPS], const guard g[TAPS], slc_rng *rng,
                     size_t n, int at_end)
{
    for (int t = 0; t < TAPS; t++) {
        uint8_t *const row = place(&g[t], n, at_end);
        fill(rng, row, n);
        rows[t] = row;
    }
}

/* Symmetric taps that are one together. */
static const uint16_t even_taps[TAPS] = {3277, 6554, 13107, 19660, 13107, 6554, 3277};

static void test_sums(slc_isa isa, slc_rng *rng, const guard *g, size_t n, int at_end)
{
    const slc_filters *c = &slc_filters_c, *f = slc_filters_of[isa];
    const uint8_t *rows[TAPS];
    float taps[TAPS], want[BYTES];
    uint16_t want_even[BYTES], *const even =
                                   (uint16_t *)(void *)place(&g[0], 2 * n, at_end);
    float *const got = (float *)(void *)place(&g[0], 4 * n, at_end);
    for (int t = 0; t < TAPS; t++)
        taps[t] = (float)slc_rng_uniform(rng, 0, 0.3);
    put_rows(rows, g + 1, rng, n + 63, at_end);
    c->down(want, rows, taps, TAPS, n);
    f->down(got, rows, taps, TAPS, n);
    CHECK(memcmp(want, got, 4 * n) == 0, "down, %s, %zu", slc_isa_name(isa), n);

    const float *floats[TAPS];
    for (int t = 0; t < TAPS; t++) {
        float *const row = (float *)(void *)place(&g[1 + t], 4 * (n + 63), at_end);
        for (size_t i = 0; i < n + 63; i++)
            row[i] = (float)slc_rng_uniform(rng, -1, 1);
        floats[t] = row;
    }
    c->weigh(want, floats, taps, TAPS, n);
    f->weigh(got, floats, taps, TAPS, n);
    CHECK(memcmp(want, got, 4 * n) == 0, "weigh, %s, %zu", slc_isa_name(isa), n);

    put_rows(rows, g + 1, rng, n + 63, at_end);
    for (int t = 0; t < TAPS; t++)
        taps[t] = (float)even_taps[t] / 512;
    c->down(want, rows, taps, TAPS, n);
    c->even_down(want_even, rows, even_taps, TAPS, n);
    f->even_down(even, rows, even_taps, TAPS, n);
    CHECK(memcmp(want_even, even, 2 * n) == 0, "even_down, %s, %zu", slc_isa_name(isa),
          n);
    for (size_t i = 0; i < n; i++)
        CHECK(fabs(even[i] - (double)want[i]) < TAPS / 2 + 1, "%d is not %g", even[i],
              (double)want[i]);
}

static void test_across(slc_isa isa, slc_rng *rng, const guard *g, size_t n, int at_end)
{
    enum { STEP = 3, MORE = (TAPS - 1) * STEP + 63 };
    const slc_filters *c = &slc_filters_c, *f = slc_filters_of[isa];
    uint16_t *const src = (uint16_t *)(void *)place(&g[1], 2 * (n + MORE), at_end);
    float *const level = (float *)(void *)place(&g[2], 4 * n, at_end);
    uint8_t want[BYTES], *const got = place(&g[0], n, at_end);
    for (size_t i = 0; i < n + MORE; i++)
        src[i] = (uint16_t)slc_rng_uniform(rng, 0, 255.25 * 128);
    c->even_across(want, src, even_taps, TAPS, n, STEP);
    f->even_across(got, src, even_taps, TAPS, n, STEP);
    same(got, want, n, "even_across", isa, n);
    for (size_t i = 0; i < n; i++) {
        double all = 0;
        for (size_t t = 0; t < TAPS; t++)
            all += (double)even_taps[t] * src[i + STEP * t] / 65536 / 128;
        CHECK(fabs(got[i] - all) < 0.52, "%d is not %g", got[i], all);
    }
    for (size_t i = 0; i < n; i++)
        level[i] = (float)(slc_rng_u32(rng) % 2 ? slc_rng_uniform(rng, 0, 255.5)
                                                : slc_rng_u32(rng) % 511 / 2.0);
    f->nearest(got, level, n);
    for (size_t i = 0; i < n; i++)
        CHECK(got[i] == rintf(level[i]), "%g is not %d", (double)level[i], got[i]);
}

static void test_medians(slc_isa isa, slc_rng *rng, const guard *g, size_t n, int at_end)
{
    const slc_filters *c = &slc_filters_c, *f = slc_filters_of[isa];
    const uint8_t *rows[TAPS];
    uint8_t want[BYTES], *const got = place(&g[0], n, at_end);
    for (size_t size = 1; size <= TAPS; size += 2) {
        put_rows(rows, g + 1, rng, n + (size - 1) * 3 + 63, at_end);
        c->median(want, rows, size, n, 3);
        f->median(got, rows, size, n, 3);
        same(got, want, n, "median", isa, n);
    }
    for (size_t step = 1; step <= 4; step++) {
        put_rows(rows, g + 1, rng, n + 79, at_end);
        c->median(want, rows, 5, n, step);
        f->median5(got, rows, n, step);
        same(got, want, n, "median5 and median", isa, n);
    }
}

/* Against sorting, which knows no tricks. */
static void test_median_is_the_middle(slc_rng *rng)
{
    uint8_t from[5][SLACK + 16], got[1];
    const uint8_t *rows[5];
    for (int round = 0; round < 200; round++) {
        unsigned below = 0, above = 0;
        for (int y = 0; y < 5; y++) {
            fill(rng, from[y], sizeof(from[y]));
            rows[y] = from[y];
        }
        slc_filters_c.median(got, rows, 5, 1, 3);
        for (int i = 0; i < 25; i++) {
            below += from[i / 5][i % 5 * 3] < got[0];
            above += from[i / 5][i % 5 * 3] > got[0];
        }
        CHECK(below <= 12 && above <= 12, "median %d: %u below, %u above", got[0], below,
              above);
    }
}

static void test_noise(slc_isa isa)
{
    uint16_t number[SLC_NOISE_BITS];
    const uint32_t key[2] = {7, 9};
    slc_noise_of[isa]->bits(number, key, (const uint32_t[]){0xfffffff0u, 2, 3, 4});
    for (uint32_t b = 0; b < SLC_NOISE_BLOCKS; b++) {
        const uint32_t counter[4] = {0xfffffff0u + b, 2, 3, 4};
        uint32_t out[4];
        slc_philox(counter, key, out);
        for (uint32_t k = 0; k < 4; k++)
            CHECK(number[64 * k + b] == (uint16_t)out[k] &&
                      number[256 + 64 * k + b] == out[k] >> 16,
                  "%s: block %u, word %u", slc_isa_name(isa), b, k);
    }
}

/* Pillow's conversions to 8-bit HSV and back, in double as there (Smith 1978). */
static void pillow_hue(uint8_t *px, uint8_t shift)
{
    const int r = px[0], g = px[1], b = px[2];
    const int most = r > g ? (r > b ? r : b) : (g > b ? g : b);
    const int least = r < g ? (r < b ? r : b) : (g < b ? g : b);
    const float range = (float)(most - least);
    uint8_t h8 = 0, s8 = 0;
    if (most > least) {
        const float rc = (float)(most - r) / range, gc = (float)(most - g) / range,
                    bc = (float)(most - b) / range;
        float h = r == most   ? bc - gc
                  : g == most ? (float)(2.0 + (double)rc - (double)bc)
                              : (float)(4.0 + (double)gc - (double)rc);
        h = (float)fmod((double)h / 6.0 + 1.0, 1.0);
        h8 = (uint8_t)(int)((double)h * 255.0);
        s8 = (uint8_t)(int)((double)(range / (float)most) * 255.0);
    }
    h8 = (uint8_t)(h8 + shift);
    const int i = (int)floor((double)h8 * 6.0 / 255.0);
    const float f = (float)((double)h8 * 6.0 / 255.0 - i), fs = (float)(s8 / 255.0);
    const uint8_t v = (uint8_t)most, p = (uint8_t)round(v * (1.0 - (double)fs)),
                  q = (uint8_t)round(v * (1.0 - (double)(fs * f))),
                  t = (uint8_t)round(v * (1.0 - (double)fs * (1.0 - (double)f)));
    const uint8_t out[6][3] = {{v, t, p}, {q, v, p}, {p, v, t},
                               {p, q, v}, {t, p, v}, {v, p, q}};
    for (int c = 0; c < 3; c++)
        px[c] = s8 ? out[i % 6][c] : v;
}

/* Colours on a lattice that meets all sectors, ties and both ends; the full cube was compared
 * once by hand. */
static void test_hue_is_pillows(slc_isa isa)
{
    uint8_t row[3 * 52], want[3 * 52];
    for (int shift = 0; shift < 256; shift += 17)
        for (int r = 0; r < 256; r += 5)
            for (int g = 0; g < 256; g += 3) {
                for (int k = 0; k < 52; k++) {
                    row[3 * k] = (uint8_t)r;
                    row[3 * k + 1] = (uint8_t)g;
                    row[3 * k + 2] = (uint8_t)(5 * k);
                }
                memcpy(want, row, sizeof(row));
                for (int k = 0; k < 52; k++)
                    pillow_hue(want + 3 * k, (uint8_t)shift);
                slc_tints[isa]->hue(row, row, 52, (uint8_t)shift);
                same(row, want, sizeof(row), "hue", isa, (size_t)(r * 256 + g));
            }
}

int main(void)
{
    guard g[TAPS + 1];
    for (size_t i = 0; i < SLC_COUNT(g); i++)
        g[i] = guard_alloc(4 * (BYTES + 2 * SLACK));
    slc_rng rng = slc_rng_at(1, 0, 0, 0);

    for (slc_isa isa = SLC_ISA_C; isa <= slc_isa_detect(); isa++) {
        for (size_t w = 0; w <= MOST; w++)
            for (int round = 0; round < 8; round++) {
                test_lut(isa, &rng, g, w, round & 1);
                test_tint(isa, &rng, g, w, round & 1);
                test_filters(isa, &rng, g, w * 3, round & 1);
                if (round > 1) continue;
                test_sums(isa, &rng, g, w * 3, round);
                test_across(isa, &rng, g, w * 3, round);
                test_medians(isa, &rng, g, w * 3, round);
            }
        test_noise(isa);
        test_hue_is_pillows(isa);
    }
    test_median_is_the_middle(&rng);
    for (size_t i = 0; i < SLC_COUNT(g); i++)
        guard_free(&g[i]);
    return 0;
}
