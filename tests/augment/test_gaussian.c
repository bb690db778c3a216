/* gaussian_blur is within one level of torchvision's: the bound is computed from the taps of every
 * size over all sigmas, and pictures made to come as near to it as they can are blurred and
 * compared with sums in double precision. */
#include <math.h>

#include "augment/kernel/gaussian.h"
#include "tests/augment/easy.h"

enum { MOST = SLC_MAX_GAUSSIAN, UNIT = 65536 };

/* torchvision's weights in double precision, of MOST places around the middle. */
static void exact(double weight[MOST], size_t size, double sigma)
{
    double sum = 0;
    for (int i = 0; i < MOST; i++) {
        const double x = (i - MOST / 2) / sigma;
        weight[i] = (size_t)abs(i - MOST / 2) <= size / 2 ? exp(-0.5 * x * x) : 0;
        sum += weight[i];
    }
    for (int i = 0; i < MOST; i++)
        weight[i] /= sum;
}

/* What each of these places has too much. */
static size_t excess(double out[MOST], size_t size, double sigma)
{
    uint16_t taps[MOST];
    const size_t n = slc_gaussian_taps(taps, size, sigma), first = (MOST - n) / 2;
    uint32_t sum = 0;
    CHECK(n % 2 == 1 && n <= size, "%zu taps of %zu", n, size);
    exact(out, size, sigma);
    for (size_t i = 0; i < n; i++) {
        CHECK(taps[i] == taps[n - 1 - i], "size %zu, sigma %g: not symmetric", size,
              sigma);
        CHECK(i == n / 2 || taps[i] < UNIT / 2, "size %zu, sigma %g: %u", size, sigma,
              taps[i]);
        out[first + i] = taps[i] / (double)UNIT - out[first + i];
        sum += taps[i];
    }
    for (size_t i = 0; i < first; i++) {
        out[i] = -out[i];
        out[MOST - 1 - i] = -out[MOST - 1 - i];
    }
    CHECK(sum == (n == 1 ? UNIT - 1 : UNIT), "size %zu, sigma %g: %u together", size,
          sigma, sum);
    return n;
}

/* By how many levels one pass may be off, whatever the picture. */
static double bound(size_t size, double sigma)
{
    double e[MOST], above = 0, below = 0;
    const size_t n = excess(e, size, sigma);
    for (int i = 0; i < MOST; i++) {
        above += e[i] > 0 ? e[i] : 0;
        below -= e[i] < 0 ? e[i] : 0;
    }
    return 255 * fmax(above, below) + (double)(n / 2 + 1 - n / 4) / 128;
}

static void test_less_than_a_level(void)
{
    double most = 0;
    for (size_t size = 1; size <= MOST; size += 2)
        for (double sigma = 0.001; sigma <= 1000; sigma *= 1.01)
            most = fmax(most, 2 * bound(size, sigma));
    const double theirs = MOST * MOST * 255.0 / (1 << 24);
    CHECK(most < 0.8 && most + theirs < 1, "off by %g, theirs by %g", most, theirs);
}

/* 255 where the product of the taps is too large (or too small), 0 elsewhere. */
static void worst(uint8_t *px, size_t stride, const double *weight, const double *e,
                  bool large, double *sum)
{
    *sum = 0;
    for (size_t y = 0; y < MOST; y++)
        for (size_t x = 0; x < MOST; x++) {
            const double want = weight[y] * weight[x],
                         got = (weight[y] + e[y]) * (weight[x] + e[x]);
            px[y * stride + x] = (got > want) == large ? 255 : 0;
            *sum += want * px[y * stride + x];
        }
}

static void test_worst_pictures(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    const slc_image in = easy_noise(&arena, MOST, MOST, 1, 1);
    for (size_t size = 3; size <= MOST; size += 14)
        for (double sigma = 0.3; sigma < 60; sigma *= 1.7)
            for (int large = 0; large < 2; large++) {
                char ops[96];
                double weight[MOST], e[MOST], want;
                slc_image out;
                slc_err err = {0};
                snprintf(ops, sizeof(ops),
                         "[{gaussian_blur: {kernel_size: %zu, sigma: %.17g}}]", size,
                         sigma);
                slc_policy *policy = easy_policy(ops, &arena, 1);
                exact(weight, size, sigma);
                excess(e, size, sigma);
                worst(in.px, in.stride, weight, e, large, &want);
                slc_arena_reset(&work.arena);
                CHECK(!slc_policy_run(policy, &(slc_key){0}, NULL, &in, &work, NULL, &out,
                                      NULL, &err),
                      "%s", err.msg);
                const double got = out.px[MOST / 2 * out.stride + MOST / 2];
                CHECK(fabs(got - want) < 0.5 + 2 * bound(size, sigma), "%s: %g is not %g",
                      ops, got, want);
                slc_policy_destroy(&policy);
            }
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

int main(void)
{
    test_less_than_a_level();
    test_worst_pictures();
    return 0;
}
