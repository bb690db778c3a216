/* Draws have the distributions they state (chi-square and Kolmogorov-Smirnov on fixed seeds,
 * limits at p < 1e-9), and the draw modes do over the epochs what they say. */
#include <math.h>

#include "augment/policy/steps.h"
#include "tests/augment/easy.h"
#include "tests/augment/even.h"

enum { N = 20000 };

/* The draw of a policy's only op for a 100 x 80 px image. */
static slc_draw draw_of(const slc_policy *policy, uint64_t epoch, uint64_t index,
                        bool *hit)
{
    const slc_step *step = policy->steps;
    const slc_key key = {.seed = 11, .epoch = epoch, .index = index};
    slc_at at = slc_at_make(&key, step->slot, step->mode, 100, 80, 3);
    slc_draw draw = {0};
    *hit = step->op->draw(step->settings, &at, &draw);
    return draw;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov against even on [lo, hi]: sqrt(n) D < 3.3 is p > 1e-9. */
static void check_uniform(const char *what, double *v, double lo, double hi)
{
    double most = 0;
    qsort(v, N, sizeof(*v), compare);
    CHECK(v[0] >= lo && v[N - 1] <= hi, "%s: %g to %g", what, v[0], v[N - 1]);
    for (size_t i = 0; i < N; i++) {
        const double f = (v[i] - lo) / (hi - lo);
        most = fmax(most, fmax(fabs(f - (double)i / N), fabs(f - (double)(i + 1) / N)));
    }
    CHECK(most * sqrt(N) < 3.3, "%s: D = %g", what, most);
}

static void test_crops_fall_evenly(void)
{
    slc_arena arena = {0};
    slc_policy *policy =
        easy_policy("[{random_crop: {size: 72, padding: 4}}]", &arena, 3);
    uint64_t xs[37] = {0}, ys[17] = {0};
    for (uint64_t i = 0; i < N; i++) {
        bool hit;
        const slc_draw d = draw_of(policy, 0, i, &hit);
        CHECK(d.v[0] >= -4 && d.v[0] <= 32 && d.v[1] >= -4 && d.v[1] <= 12, "%g %g",
              d.v[0], d.v[1]);
        xs[(size_t)(d.v[0] + 4)]++;
        ys[(size_t)(d.v[1] + 4)]++;
    }
    check_even("x", xs, 37, N);
    check_even("y", ys, 17, N);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

static void test_ranges_are_even(void)
{
    static double v[N], area[N], ratio[N];
    slc_arena arena = {0};
    bool hit;
    slc_policy *policy = easy_policy("[{rotate: {degrees: 30}}]", &arena, 3);
    for (uint64_t i = 0; i < N; i++)
        v[i] = draw_of(policy, 0, i, &hit).v[0];
    check_uniform("angle", v, -30, 30);
    slc_policy_destroy(&policy);
    /* Boxes that always fit: area even, ratio even in the logarithm, up to whole pixels. */
    policy = easy_policy(
        "[{random_resized_crop: {size: 8, scale: [0.2, 0.5], ratio: [0.8, 1.25]}}]",
        &arena, 3);
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw d = draw_of(policy, 0, i, &hit);
        area[i] = d.v[2] * d.v[3] / 8000;
        ratio[i] = log(d.v[2] / d.v[3]);
        sum += area[i];
        square += ratio[i];
        CHECK(d.v[0] >= 0 && d.v[0] + d.v[2] <= 100 && d.v[1] + d.v[3] <= 80, "outside");
    }
    /* Six deviations of the mean, and a pixel's rounding. */
    CHECK(fabs(sum / N - 0.35) < 6 * 0.3 / sqrt(12.0 * N) + 1e-3, "area %g", sum / N);
    CHECK(fabs(square / N) < 6 * 0.446 / sqrt(12.0 * N) + 1e-3, "ratio %g", square / N);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* A bias of 3 % of the chance is seen. */
static void test_chances_hold(void)
{
    enum { MANY = 400000 };
    slc_arena arena = {0};
    slc_policy *policy = easy_policy("[{hflip: {p: 0.3}}]", &arena, 3);
    uint64_t hits = 0;
    bool hit;
    for (uint64_t i = 0; i < MANY; i++) {
        draw_of(policy, i % 7, i, &hit);
        hits += hit;
    }
    CHECK(fabs((double)hits - 0.3 * MANY) < 6 * sqrt(0.21 * MANY), "%llu of %d",
          (unsigned long long)hits, MANY);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Draws are written down in recipes and logs: what a stream of random numbers becomes may not
 * change, not even to another one of the same distribution. */
static void test_draws_follow_the_stream(void)
{
    const slc_key key = {.seed = 3, .epoch = 4, .index = 5};
    slc_rng rng = slc_rng_at(3, 4, 5, 6);
    slc_at at = slc_at_make(&key, 6, SLC_DRAW_IID, 10, 10, 3);
    CHECK(slc_draw_chance(&at, 0.5) == (slc_rng_unit(&rng) < 0.5), "chance");
    CHECK(slc_draw_uniform(&at, -2, 5) == -2 + 7 * slc_rng_unit(&rng), "uniform");
    CHECK(slc_draw_int(&at, -3, 9) == -3 + (int64_t)slc_rng_below(&rng, 13), "int");
}

/* Drawn once per image, then the other way every epoch. */
static void test_alternate_flips_every_epoch(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy("[{hflip: {draw: alternate}}]", &arena, 3);
    uint64_t first = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        bool even, hit;
        draw_of(policy, 0, i, &even);
        first += even;
        for (uint64_t epoch = 1; epoch < 6; epoch++) {
            draw_of(policy, epoch, i, &hit);
            CHECK(hit == (even != (epoch & 1)), "image %llu, epoch %llu",
                  (unsigned long long)i, (unsigned long long)epoch);
        }
    }
    CHECK(first > 850 && first < 1150, "%llu of 2000 begin flipped",
          (unsigned long long)first);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Every tenth of a range comes once in ten epochs, every whole value once in their number; in
 * another order for every image. */
static void test_stratified_meets_every_value_once(void)
{
    slc_arena arena = {0};
    slc_policy *range =
        easy_policy("[{rotate: {degrees: [0, 50], draw: stratified}}]", &arena, 3);
    slc_policy *whole = easy_policy("[{rot90: {draw: stratified}}]", &arena, 3);
    unsigned orders = 0;
    for (uint64_t i = 0; i < 200; i++) {
        unsigned seen = 0, turns = 0;
        bool hit;
        for (uint64_t epoch = 10; epoch < 20; epoch++)
            seen |= 1u << (int)(draw_of(range, epoch, i, &hit).v[0] / 5);
        CHECK(seen == 1023, "image %llu: parts %x", (unsigned long long)i, seen);
        for (uint64_t epoch = 4; epoch < 8; epoch++)
            turns |= 1u << (int)draw_of(whole, epoch, i, &hit).v[0];
        CHECK(turns == 15, "image %llu: turns %x", (unsigned long long)i, turns);
        orders |= 1u << (int)draw_of(whole, 4, i, &hit).v[0];
    }
    CHECK(orders == 15, "every image begins alike: %x", orders);
    slc_policy_destroy(&range);
    slc_policy_destroy(&whole);
    slc_arena_free(&arena);
}

/* Each round of ten epochs has an order of its own, and so has each number that an op draws;
 * within its tenth a draw is even. */
static void test_strata_are_shuffled_anew(void)
{
    static double v[N];
    slc_arena arena = {0};
    slc_policy *policy = easy_policy(
        "[{translate: {x: [0, 1000], y: [0, 1000], unit: px, draw: stratified}}]", &arena,
        3);
    unsigned again = 0, alike = 0;
    bool hit;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw first = draw_of(policy, i % 10, i, &hit);
        const slc_draw later = draw_of(policy, i % 10 + 10, i, &hit);
        again += (int)(first.v[0] / 100) == (int)(later.v[0] / 100);
        alike += (int)(first.v[0] / 100) == (int)(first.v[1] / 100);
        v[i] = first.v[0];
    }
    const double most = 6 * sqrt(0.09 * N);
    CHECK(fabs(again - 0.1 * N) < most, "%u of %d in the same place again", again, N);
    CHECK(fabs(alike - 0.1 * N) < most, "%u of %d x and y alike", alike, N);
    check_uniform("stratified", v, 0, 1000);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

int main(void)
{
    test_crops_fall_evenly();
    test_ranges_are_even();
    test_chances_hold();
    test_draws_follow_the_stream();
    test_alternate_flips_every_epoch();
    test_stratified_meets_every_value_once();
    test_strata_are_shuffled_anew();
    return 0;
}
