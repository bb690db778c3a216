/* Policies and combinators: what is refused, what is drawn, and how often; colour_jitter's
 * order, erasing's boxes, the noise ops' distributions. */
#include <math.h>

#include "augment/policy/space.h"
#include "augment/policy/steps.h"
#include "tests/augment/easy.h"

enum { N = 20000 };

static slc_draw draw_of(const slc_policy *policy, uint64_t index, bool *hit)
{
    const slc_step *step = policy->steps;
    const slc_key key = {.seed = 11, .index = index};
    slc_at at = slc_at_make(&key, step->slot, step->mode, 100, 80, 3);
    slc_draw draw = {0};
    *hit = step->op->draw(step->settings, &at, &draw);
    return draw;
}

/* Each count within six deviations of what is expected of N draws. */
static void check_share(const char *what, uint64_t count, double share)
{
    const double want = share * N, sd = sqrt(want * (1 - share)) + 1e-9;
    CHECK(fabs((double)count - want) < 6 * sd + 1e-6, "%s: %llu times, not about %g",
          what, (unsigned long long)count, want);
}

static void refused(const char *ops, const char *part)
{
    const slc_err err = easy_refused(ops, 0);
    CHECK(strstr(err.msg, part), "%s: \"%s\" does not say \"%s\"", ops, err.msg, part);
}

static void test_refusals(void)
{
    refused("[hflip,\n {one_of: {ops: [invert,\n one_of]}}]", "names itself at test:3");
    refused("[{some_of: {ops: [\ninvert, some_of]}}]", "names itself at test:2");
    refused("[{random_apply: {ops: [random_apply]}}]", "names itself");
    refused("[{random_order: {ops: [random_order]}}]", "names itself");
    refused("[{auto_augment: {policy: auto_augment}}]", "test:1");
    refused("[{one_of: {ops: []}}]", "expected a list of ops");
    refused("[{one_of: {ops: invert}}]", "expected a list of ops");
    refused("[hflip,\none_of]", "test:2: op one_of: ops is missing");
    refused("[hflip,\n{hflip: {}, vflip: {}}]", "test:2: expected one op");
    refused("[{hflip: {draw: now}}]", "test:1: op hflip: draw");
    refused("[{rotate: {degrees: 9,\nfill: [1, 2]}}]", "test:2: op rotate: fill has 2");
    refused("[{perspective: {endpoints: [0, 0, 5, 5, 9, 9, 0, 9]}}]", "on a line");
    refused("[{random_apply: {ops: [\n{solarize: {threshold: 300}}]}}]", "test:2");
    refused("[{random_apply: {ops: [\nsolarise]}}]", "did you mean \"solarize\"");
    refused("[{random_apply: {ops: [{normalize: {mean: 0, std: 1}}]}}]", "normalize");
    refused("[{one_of: {ops: [invert, hflip], weights: [1]}}]", "1 numbers for 2 ops");
    refused("[{one_of: {ops: [invert, hflip], weights: [0, 0]}}]", "all are 0");
    refused("[{some_of: {ops: [invert], n: 2}}]", "without replacement");
    refused("[{rand_augment: {magnitude: 31}}]", "not one of 31 bins");
    refused("[{brightness: {factor: [1.4, 0.6]}}]", "is empty");
    refused("[{brightness: {factor: .nan}}]", "factor");
    refused("[{color_jitter: {hue: -0.1}}]", "must not be negative");
    refused("[{color_jitter: {hue: 0.6}}]", "hue");
    refused("[{posterize: {bits: 2.5}}]", "whole number");
    refused("[{gaussian_blur: {kernel_size: 4}}]", "not odd");
    refused("[{random_erasing: {value: red}}]", "neither a number nor random");
    refused("[{grayscale: {channels: 2}}]", "1 or 3");
    const slc_err err = easy_refused("[channel_shuffle]", 1);
    CHECK(strstr(err.msg, "three channels"), "%s", err.msg);
}

/* All moves as often as each other, magnitudes on their bins, both signs. */
static void test_trivial_augment_draws(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy("[trivial_augment_wide]", &arena, 3);
    uint64_t moves[14] = {0}, bins[31] = {0}, minus = 0, rotations = 0;
    bool hit;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw d = draw_of(policy, i, &hit);
        CHECK(hit && d.v[0] >= 0 && d.v[0] < 14, "move %g", d.v[0]);
        moves[(int)d.v[0]]++;
        if ((int)d.v[0] != SLC_MOVE_ROTATE) continue;
        const double bin = fabs(d.v[1]) / 135 * 30;
        CHECK(fabs(bin - rint(bin)) < 1e-5, "%g degrees", d.v[1]);
        bins[(int)rint(bin)]++;
        minus += signbit(d.v[1]) != 0;
        rotations++;
    }
    for (int i = 0; i < 14; i++)
        check_share("move", moves[i], 1.0 / 14);
    for (int i = 0; i < 31; i++)
        check_share("bin", bins[i], 1.0 / 14 / 31);
    CHECK(fabs((double)minus / (double)rotations - 0.5) < 0.1,
          "%llu of %llu to the right", (unsigned long long)minus,
          (unsigned long long)rotations);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Values where neighbouring mistakes differ: torch.linspace's ends, half-to-even bits. */
static void test_magnitudes(void)
{
    const slc_reach wide = {.shear = 0.99,
                            .rotate = 135,
                            .enhance = 0.99,
                            .translate_w = 32,
                            .translate_h = 32,
                            .posterize_from = 8,
                            .posterize_span = 6};
    const slc_reach mix = {.posterize_from = 4, .posterize_span = 4};
    CHECK(slc_move_magnitude(SLC_MOVE_TRANSLATE_X, &wide, 15, 31) == 16, "translate");
    CHECK(slc_move_magnitude(SLC_MOVE_ROTATE, &wide, 30, 31) == 135, "rotate");
    CHECK(slc_move_magnitude(SLC_MOVE_SOLARIZE, &wide, 0, 31) == 255, "solarize");
    CHECK(slc_move_magnitude(SLC_MOVE_SOLARIZE, &wide, 30, 31) == 0, "solarize");
    CHECK(slc_move_magnitude(SLC_MOVE_BRIGHTNESS, &wide, 30, 31) == (double)0.99f,
          "bright");
    static const int bits[31] = {8, 8, 8, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 5, 5, 5,
                                 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2};
    for (int i = 0; i < 31; i++)
        CHECK(slc_move_magnitude(SLC_MOVE_POSTERIZE, &wide, i, 31) == bits[i],
              "bin %d: %g", i, slc_move_magnitude(SLC_MOVE_POSTERIZE, &wide, i, 31));
    CHECK(slc_move_magnitude(SLC_MOVE_POSTERIZE, &mix, 9, 10) == 0, "augmix bits");
    CHECK(slc_move_magnitude(SLC_MOVE_EQUALIZE, &wide, 9, 31) == 0, "no magnitude");
}

static void test_auto_augment_draws(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy("[auto_augment]", &arena, 3);
    uint64_t subs[25] = {0}, first = 0;
    bool hit;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw d = draw_of(policy, i, &hit);
        subs[(int)d.v[0]]++;
        if (d.v[0] != 0) continue; /* posterize .4 8, rotate .6 9 */
        first += !isnan(d.v[1]);
        CHECK(isnan(d.v[1]) || d.v[1] == 4, "posterize %g", d.v[1]);
        CHECK(isnan(d.v[2]) || fabs(d.v[2]) == 30, "rotate %g", d.v[2]);
    }
    for (int i = 0; i < 25; i++)
        check_share("sub-policy", subs[i], 1.0 / 25);
    check_share("first move of the first", first, 0.4 / 25);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

static void test_jitter_draws(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy(
        "[{color_jitter: {brightness: 0.4, contrast: [0.5, 0.9], hue: 0.1}}]", &arena, 3);
    uint16_t orders[5000] = {0};
    uint64_t used = 0;
    bool hit;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw d = draw_of(policy, i, &hit);
        orders[(int)d.v[4]]++;
        CHECK(d.v[0] >= 0.6 && d.v[0] <= 1.4 && d.v[1] >= 0.5 && d.v[1] <= 0.9 &&
                  isnan(d.v[2]) && fabs(d.v[3]) <= 0.1,
              "%g %g %g %g", d.v[0], d.v[1], d.v[2], d.v[3]);
    }
    for (int i = 0; i < 5000; i++)
        if (orders[i]) {
            check_share("order", orders[i], 1.0 / 24);
            used++;
        }
    CHECK(used == 24, "%llu orders", (unsigned long long)used);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

static void test_one_of_weights(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy(
        "[{one_of: {ops: [invert, hflip, vflip], weights: [1, 0, 3]}}]", &arena, 3);
    uint64_t count[3] = {0};
    bool hit;
    for (uint64_t i = 0; i < N; i++)
        count[(int)draw_of(policy, i, &hit).v[0]]++;
    check_share("weight 1", count[0], 0.25);
    CHECK(count[1] == 0, "weight 0 came");
    check_share("weight 3", count[2], 0.75);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Steps as traced: the names of the ops that ran, one letter each. */
typedef struct seen {
    char text[256];
} seen;

static void note(void *user, const char *op, const char *drawn, const slc_image *image)
{
    seen *s = user;
    (void)image;
    const size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof(s->text) - used, "%s(%s) ", op, drawn);
}

static seen trace_of(const slc_policy *policy, uint64_t index)
{
    seen s = {{0}};
    slc_work work = {.isa = slc_isa_detect()};
    slc_err err = {0};
    slc_image out;
    const slc_image in = easy_noise(&work.arena, 20, 17, 3, index);
    const slc_key key = {.seed = 5, .index = index};
    CHECK(!slc_policy_run(policy, &key, NULL, &in, &work, &(slc_trace){note, &s}, &out,
                          NULL, &err),
          "%s", err.msg);
    slc_arena_free(&work.arena);
    return s;
}

static void test_some_of_takes_each_once(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy(
        "[{some_of: {n: 2, ops: [{solarize: {threshold: 1}}, {solarize: {threshold: 2}}, "
        "{solarize: {threshold: 3}}]}}]",
        &arena, 3);
    uint64_t pairs[4][4] = {{0}};
    for (uint64_t i = 0; i < 600; i++) {
        const seen s = trace_of(policy, i);
        int a, b;
        CHECK(sscanf(s.text,
                     "some_of/solarize(threshold=%d) some_of/solarize(threshold=%d)", &a,
                     &b) == 2 &&
                  a != b,
              "%s", s.text);
        pairs[a][b]++;
    }
    for (int a = 1; a < 4; a++)
        for (int b = 1; b < 4; b++)
            CHECK(a == b || (pairs[a][b] > 50 && pairs[a][b] < 150), "%d, %d: %llu times",
                  a, b, (unsigned long long)pairs[a][b]);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* One inside another of the same name is an op like any other, with draws of its own. */
static void test_combinators_nest(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy(
        "[{one_of: {ops: [{one_of: {ops: [{solarize: {threshold: 0}}, "
        "{random_apply: {p: 0.5, ops: [{random_apply: {p: 1, ops: [{solarize: "
        "{threshold: 1}}]}}]}}]}}, {solarize: {threshold: 2}}]}}]",
        &arena, 3);
    uint64_t count[4] = {0};
    for (uint64_t i = 0; i < N; i++) {
        const seen s = trace_of(policy, i);
        const char *at = strstr(s.text, "threshold=");
        count[at ? at[10] - '0' : 3]++;
    }
    check_share("inner first", count[0], 0.25);
    check_share("inner second", count[1], 0.125);
    check_share("outer second", count[2], 0.5);
    check_share("none", count[3], 0.125);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Explain shows which move was drawn with which numbers, also within AugMix and when a policy
 * drew nothing to do. */
static void test_traces_name_the_moves(void)
{
    slc_arena arena = {0};
    slc_policy *trivial = easy_policy("[trivial_augment_wide]", &arena, 3),
               *mix = easy_policy("[augmix]", &arena, 3);
    bool rotated = false, idle = false;
    for (uint64_t i = 0; i < 200; i++) {
        const seen s = trace_of(trivial, i);
        rotated |= strstr(s.text, "trivial_augment_wide/rotate(angle_deg=") != NULL;
        idle |= strstr(s.text, "trivial_augment_wide(identity") != NULL;
        CHECK(s.text[0], "nothing traced");
    }
    CHECK(rotated && idle, "rotate %d, identity %d", rotated, idle);
    const seen s = trace_of(mix, 1);
    CHECK(strstr(s.text, "augmix/") && strstr(s.text, "augmix(seed=") &&
              strstr(s.text, "own="),
          "%s", s.text);
    slc_policy_destroy(&trivial);
    slc_policy_destroy(&mix);
    slc_arena_free(&arena);
}

static void test_erasing_boxes(void)
{
    slc_arena arena = {0};
    slc_policy *policy = easy_policy("[{random_erasing: {value: random}}]", &arena, 3);
    uint64_t hits = 0;
    bool hit;
    for (uint64_t i = 0; i < N; i++) {
        const slc_draw d = draw_of(policy, i, &hit);
        if (!hit) continue;
        hits++;
        const double *v = d.v, share = v[2] * v[3] / (100 * 80), ratio = v[3] / v[2];
        CHECK(v[2] < 100 && v[3] < 80 && v[0] >= 0 && v[1] >= 0 && v[0] + v[2] <= 100 &&
                  v[1] + v[3] <= 80,
              "%g x %g at %g, %g", v[2], v[3], v[0], v[1]);
        CHECK(share > 0.015 && share < 0.345 && ratio > 0.27 && ratio < 3.7,
              "share %g, ratio %g", share, ratio);
    }
    check_share("erased", hits, 0.5);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
}

/* Mean and deviation of what an op makes of an even grey. */
static void moments(const char *ops, uint8_t level, double *mean, double *sd)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_image in = easy_noise(&arena, 300, 200, 3, 1), out;
    slc_policy *policy = easy_policy(ops, &arena, 3);
    slc_err err = {0};
    double sum = 0, squares = 0;
    for (size_t y = 0; y < in.h; y++)
        memset(in.px + y * in.stride, level, in.w * 3);
    CHECK(!slc_policy_run(policy, &(slc_key){.seed = 3}, NULL, &in, &work, NULL, &out,
                          NULL, &err),
          "%s", err.msg);
    for (size_t y = 0; y < out.h; y++)
        for (size_t i = 0; i < out.w * 3; i++) {
            const double v = out.px[y * out.stride + i];
            sum += v;
            squares += v * v;
        }
    const double n = (double)(out.w * out.h * 3);
    *mean = sum / n;
    *sd = sqrt(squares / n - *mean * *mean);
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

/* 180,000 values: six deviations of the mean are 0.014 sd, of the deviation 0.01 sd. */
static void test_noise_has_its_moments(void)
{
    double mean, sd;
    moments("[{gaussian_noise: {sigma: 0.1}}]", 128, &mean, &sd);
    CHECK(fabs(mean - 128) < 0.4 && fabs(sd - 25.5) < 0.3, "gaussian: %g, %g", mean, sd);
    moments("[{shot_noise: {photons: 40}}]", 64, &mean, &sd);
    const double want = sqrt(64 / 255.0 * 40) * 255 / 40;
    CHECK(fabs(mean - 64) < 0.4 && fabs(sd - want) < 0.3, "shot: %g, %g", mean, sd);
    moments("[{salt_pepper: {amount: 0.2, salt_vs_pepper: 0.25}}]", 128, &mean, &sd);
    const double pepper = 0.8 * 128 + 0.2 * 0.25 * 255;
    CHECK(fabs(mean - pepper) < 1.5, "salt and pepper: %g, not %g", mean, pepper);
}

int main(void)
{
    test_refusals();
    test_trivial_augment_draws();
    test_magnitudes();
    test_auto_augment_draws();
    test_jitter_draws();
    test_one_of_weights();
    test_some_of_takes_each_once();
    test_combinators_nest();
    test_traces_name_the_moves();
    test_erasing_boxes();
    test_noise_has_its_moments();
    return 0;
}
