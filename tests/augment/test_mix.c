/* Mixup and CutMix: what they do to pixels and labels, in every type and layout. */
#include <math.h>

#include "augment/kernel/pack.h"
#include "augment/mix.h"
#include "base/rng.h"
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

/* lambda of Beta(1, 1) is even: mean 1/2, variance 1/12; of cutmix's before clipping, so its
 * mean is above. */
static void test_lambda_is_beta(void)
{
    static fixture f;
    double sum = 0, square = 0;
    enum { N = 20000 };
    mix_of(&f, "[{mixup: {}}]");
    for (uint64_t number = 0; number < N; number++) {
        slc_mix_batch batch = {f.data,    SLC_F32,   SLC_NCHW, 2,         1,        1, 1,
                               f.label_a, f.label_b, f.lambda, f.partner, f.scratch};
        slc_mix_run(f.mix, 3, 0, number, &batch, SLC_ISA_C, NULL, 0);
        const double l = (double)f.lambda[0];
        sum += l;
        square += (l - 0.5) * (l - 0.5);
    }
    CHECK(fabs(sum / N - 0.5) < 6 * sqrt(1.0 / 12 / N), "mean %g", sum / N);
    CHECK(fabs(square / N - 1.0 / 12) < 6 * sqrt(1.0 / 180 / N), "variance %g",
          square / N);
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
    test_chooses_by_probability();
    test_per_sample_draws_for_each();
    test_refuses_what_it_does_not_know();
    return 0;
}
