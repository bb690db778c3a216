/* Mixup and CutMix: what they do to pixels and labels, in every type and layout. */
#include <math.h>

#include "augment/kernel/pack.h"
#include "augment/mix.h"
#include "base/rng.h"
#include "tests/augment/even.h"
#include "tests/check.h"

enum { IMAGES = 5, C = 3, H = 9, W = 12, SIZE = C * H * W };

typedef struct fixture {
    slc_arena arena;
    slc_mix *mix;
    float before[IMAGES][SIZE];
    float data[IMAGES * SIZE];
    uint16_t half[IMAGES * SIZE];
    uint8_t bytes[IMAGES * SIZE];
    float scratch[SIZE];
    int32_t label_a[IMAGES], label_b[IMAGES];
    float lambda[IMAGES];
    uint32_t partner[IMAGES];
    char text[128];
} fixture;

static slc_mix *mix_of(fixture *f, const char *list)
{
    slc_node *node = NULL;
    slc_err err = {0};
    CHECK(!slc_node_parse(&node, &f->arena, list, strlen(list), "test", &err), "%s",
          err.msg);
    CHECK(!slc_mix_create(&f->mix, node, &err), "%s", err.msg);
    return f->mix;
}

static void run(fixture *f, void *data, slc_dtype type, slc_layout layout,
                uint64_t number)
{
    slc_rng rng = slc_rng_at(1, 2, number, 3);
    for (size_t i = 0; i < IMAGES * SIZE; i++) {
        const float v = (float)slc_rng_below(&rng, 200);
        slc_element_put(data, type, i, v);
        f->before[i / SIZE][i % SIZE] = v;
    }
    for (int32_t i = 0; i < IMAGES; i++)
        f->label_a[i] = 10 + i;
    slc_mix_batch batch = {.data = data,
                           .type = type,
                           .layout = layout,
                           .n = IMAGES,
                           .channels = C,
                           .height = H,
                           .width = W,
                           .label_a = f->label_a,
                           .label_b = f->label_b,
                           .lambda = f->lambda,
                           .partner = f->partner,
                           .scratch = f->scratch};
    CHECK(slc_mix_scratch(f->mix, IMAGES, C, H, W, type) <= sizeof(f->scratch),
          "scratch");
    slc_mix_run(f->mix, 9, 1, number, &batch, slc_isa_detect(), f->text, sizeof(f->text));
}

static void check_partners(const fixture *f)
{
    for (uint32_t i = 0; i < IMAGES; i++) {
        const uint32_t want = i ? i - 1 : IMAGES - 1;
        CHECK(f->partner[i] == want && f->label_b[i] == f->label_a[want],
              "image %u: partner %u, label %d", i, f->partner[i], f->label_b[i]);
        CHECK(f->lambda[i] >= 0 && f->lambda[i] <= 1, "lambda %g", (double)f->lambda[i]);
    }
}

static void test_mixup_blends(void)
{
    static fixture f;
    void *const data[] = {f.bytes, f.data, f.half, f.half};
    mix_of(&f, "[{mixup: {alpha: 0.4}}]");
    for (uint64_t number = 0; number < 20; number++)
        for (int type = 0; type < SLC_DTYPE_COUNT; type++) {
            const float allowed = type == SLC_F32   ? 1e-4f
                                  : type == SLC_F16 ? 0.07f
                                                    : 0.51f;
            run(&f, data[type], (slc_dtype)type, SLC_NCHW, number);
            check_partners(&f);
            for (size_t i = 0; i < IMAGES; i++)
                for (size_t k = 0; k < SIZE; k++) {
                    const float l = f.lambda[0];
                    const float want =
                        l * f.before[i][k] + (1 - l) * f.before[f.partner[i]][k];
                    const float got =
                        slc_element_get(data[type], (slc_dtype)type, i * SIZE + k);
                    CHECK(fabsf(got - want) <= allowed, "type %d: %g, not %g", type,
                          (double)got, (double)want);
                }
        }
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

/* Every pixel is its own or its partner's, all channels alike; their share is lambda. */
static void test_cutmix_counts_what_it_cut(void)
{
    static fixture f;
    mix_of(&f, "[{cutmix: {}}]");
    for (uint64_t number = 0; number < 60; number++) {
        const bool planar = number & 1;
        run(&f, f.data, SLC_F32, planar ? SLC_NCHW : SLC_NHWC, number);
        check_partners(&f);
        unsigned x, y, w, h;
        CHECK(sscanf(strstr(f.text, "box="), "box=%u,%u,%u,%u", &x, &y, &w, &h) == 4,
              "%s", f.text);
        /* Twice a whole half side, unless the border clips it. */
        CHECK((x == 0 || x + w == W || w % 2 == 0) &&
                  (y == 0 || y + h == H || h % 2 == 0),
              "%s", f.text);
        for (size_t i = 0; i < IMAGES; i++) {
            size_t own = 0;
            for (size_t p = 0; p < H * W; p++) {
                bool mine = true, theirs = true;
                for (size_t c = 0; c < C; c++) {
                    const size_t k = planar ? c * H * W + p : p * C + c;
                    const float v = f.data[i * SIZE + k];
                    mine = mine && v == f.before[i][k];
                    theirs = theirs && v == f.before[f.partner[i]][k];
                }
                CHECK(mine || theirs, "a pixel of nobody");
                own += mine && !theirs;
            }
            /* A pixel that both share counts for neither; noise shares few. */
            CHECK(fabsf((float)own / (H * W) - f.lambda[i]) < 0.03f, "own %zu, lambda %g",
                  own, (double)f.lambda[i]);
        }
    }
    CHECK(strncmp(f.text, "cutmix lambda=", 14) == 0, "%s", f.text);
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

/* What mixing draws for a batch of two images of w x h px. */
static float draw_number(fixture *f, uint64_t epoch, uint64_t number, size_t w, size_t h)
{
    slc_mix_batch batch = {f->bytes,   SLC_U8,     SLC_NCHW,  2,          1,         h, w,
                           f->label_a, f->label_b, f->lambda, f->partner, f->scratch};
    slc_mix_run(f->mix, 3, epoch, number, &batch, SLC_ISA_C, f->text, sizeof(f->text));
    return f->lambda[0];
}

/* Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)); six deviations, from the fourth moment. */
static void test_lambda_is_beta(void)
{
    static fixture f;
    static const char *const lists[] = {"[{mixup: {alpha: 0.2}}]", "[{mixup: {}}]",
                                        "[{mixup: {alpha: 8}}]"};
    static const double alphas[] = {0.2, 1, 8};
    enum { N = 20000 };
    for (size_t k = 0; k < SLC_COUNT(lists); k++) {
        const double want = 1 / (4 * (2 * alphas[k] + 1));
        double sum = 0, square = 0, fourth = 0;
        mix_of(&f, lists[k]);
        for (uint64_t number = 0; number < N; number++) {
            const double off = (double)draw_number(&f, 0, number, 1, 1) - 0.5;
            sum += off;
            square += off * off;
            fourth += off * off * off * off;
        }
        CHECK(fabs(sum / N) < 6 * sqrt(want / N), "mean %g", 0.5 + sum / N);
        CHECK(fabs(square / N - want) < 6 * sqrt((fourth / N - want * want) / N),
              "alpha %g: variance %g, not %g", alphas[k], square / N, want);
        CHECK(draw_number(&f, 0, 1, 1, 1) != draw_number(&f, 1, 1, 1, 1), "epochs alike");
        slc_mix_destroy(&f.mix);
        slc_arena_free(&f.arena);
    }
}

/* A large alpha makes lambda 1/2 and half the sides sqrt(1/2) / 2: 7 px of 21 and 4 of 13;
 * so the box tells its centre, which is every pixel as often. */
static void test_boxes_lie_everywhere(void)
{
    static fixture f;
    enum { MANY = 40000, WIDE = 21, HIGH = 13 };
    uint64_t xs[WIDE] = {0}, ys[HIGH] = {0};
    mix_of(&f, "[{cutmix: {alpha: 1000}}]");
    for (uint64_t number = 0; number < MANY; number++) {
        unsigned x, y, w, h;
        draw_number(&f, 0, number, WIDE, HIGH);
        CHECK(sscanf(strstr(f.text, "box="), "box=%u,%u,%u,%u", &x, &y, &w, &h) == 4,
              "%s", f.text);
        CHECK(w <= 14 && h <= 8 && (x == 0 || x + w == WIDE || w == 14), "%s", f.text);
        xs[x ? x + 7 : w - 7]++;
        ys[y ? y + 4 : h - 4]++;
    }
    check_even("x", xs, WIDE, MANY);
    check_even("y", ys, HIGH, MANY);
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

/* A bias of 3 % of a chance is seen. */
static void test_chances_hold(void)
{
    static fixture f;
    enum { MANY = 400000 };
    double mixup = 0, cutmix = 0;
    mix_of(&f, "[{mixup: {p: 0.2}}, {cutmix: {p: 0.5}}]");
    for (uint64_t number = 0; number < MANY; number++) {
        draw_number(&f, 0, number, 1, 1);
        mixup += f.text[0] == 'm';
        cutmix += f.text[0] == 'c';
    }
    CHECK(fabs(mixup - 0.2 * MANY) < 6 * sqrt(0.16 * MANY), "mixup %g", mixup);
    CHECK(fabs(cutmix - 0.5 * MANY) < 6 * sqrt(0.25 * MANY), "cutmix %g", cutmix);
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

static void test_chooses_by_probability(void)
{
    static fixture f;
    unsigned count[3] = {0};
    mix_of(&f, "[{mixup: {p: 0.2}}, {cutmix: {p: 0.5}}]");
    for (uint64_t number = 0; number < 3000; number++) {
        run(&f, f.data, SLC_F32, SLC_NCHW, number);
        count[f.text[0] == 'm' ? 0 : f.text[0] == 'c' ? 1 : 2]++;
        if (!f.text[0])
            for (size_t i = 0; i < IMAGES; i++)
                CHECK(f.lambda[i] == 1 && f.partner[i] == i &&
                          f.label_b[i] == f.label_a[i] &&
                          memcmp(f.data + i * SIZE, f.before[i], sizeof(f.before[i])) ==
                              0,
                      "changed for nothing");
    }
    CHECK(count[0] > 470 && count[0] < 730, "mixup %u", count[0]);
    CHECK(count[1] > 1330 && count[1] < 1670, "cutmix %u", count[1]);
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

static void test_per_sample_draws_for_each(void)
{
    static fixture f;
    mix_of(&f, "[{mixup: {per: sample}}]");
    run(&f, f.data, SLC_F32, SLC_NCHW, 1);
    check_partners(&f);
    CHECK(f.lambda[0] != f.lambda[1] && f.lambda[1] != f.lambda[2], "one lambda for all");
    slc_mix_destroy(&f.mix);
    slc_arena_free(&f.arena);
}

static void test_refuses_what_it_does_not_know(void)
{
    static const char *const bad[] = {"[{mixap: {}}]", "[{mixup: {alpha: 0}}]",
                                      "[{mixup: {p: 2}}]", "mixup",
                                      "[{cutmix: {size: 3}}]"};
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_arena arena = {0};
        slc_node *node = NULL;
        slc_mix *mix = NULL;
        slc_err err = {0};
        CHECK(!slc_node_parse(&node, &arena, bad[i], strlen(bad[i]), "test", &err), "%s",
              err.msg);
        CHECK(slc_mix_create(&mix, node, &err) == SLC_EINVAL && !mix && err.msg[0],
              "accepted: %s", bad[i]);
        slc_arena_free(&arena);
    }
}

int main(void)
{
    test_mixup_blends();
    test_cutmix_counts_what_it_cut();
    test_lambda_is_beta();
    test_boxes_lie_everywhere();
    test_chances_hold();
    test_chooses_by_probability();
    test_per_sample_draws_for_each();
    test_refuses_what_it_does_not_know();
    return 0;
}
