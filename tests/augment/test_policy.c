/* What a policy promises: plans change nothing, tables compose exactly, keys alone decide,
 * recipes are refused with their line, and a sample costs no allocation. */
#include "augment/policy/steps.h"
#include "tests/alloc.h"
#include "tests/augment/easy.h"

static slc_image run(const slc_policy *policy, const slc_key *key, const slc_plan *plan,
                     const slc_image *in, slc_work *work)
{
    slc_image out = {0};
    slc_err err = {0};
    CHECK(!slc_policy_run(policy, key, plan, in, work, NULL, &out, NULL, &err), "%s",
          err.msg);
    return out;
}

/* Decoding only what the plan asks for gives the same picture. */
static void test_plan_changes_nothing(void)
{
    static const char *const lists[] = {
        "[{random_resized_crop: {size: [20, 31]}}, {hflip: {}}]",
        "[{random_crop: {size: 24, padding: 4}}]",
        "[{random_crop: {size: 24, padding: 4, padding_mode: reflect}}]",
        "[{invert: {p: 1}}, {crop: {top: 3, left: 4, height: 20, width: 9}}]",
        "[{center_crop: {size: 90}}, {resize: {size: 10}}]",
        "[{resize: {size: 20}}, {center_crop: {size: 18}}]",
        "[{hflip: {p: 1}}, {random_crop: {size: 20}}]",
        "[{cutout: {}}, {random_crop: {size: 20}}]",
        "[{resize: {size: [9, 40], mode: fill}}]",
        "[]",
    };
    slc_arena arena = {0};
    slc_work one = {.isa = slc_isa_detect()}, two = one;
    unsigned smaller = 0;
    for (size_t i = 0; i < SLC_COUNT(lists); i++) {
        slc_policy *policy = easy_policy(lists[i], &arena, 3);
        for (uint64_t index = 0; index < 50; index++) {
            const slc_key key = {.seed = 5, .index = index};
            const slc_image in = easy_noise(&arena, 47 + index, 83 - index, 3, index);
            const slc_plan plan = slc_policy_plan(policy, &key, in.w, in.h);
            CHECK(plan.full_w == in.w && plan.region.x + plan.region.w <= in.w &&
                      plan.region.y + plan.region.h <= in.h && plan.region.w,
                  "%s: region outside", lists[i]);
            const slc_image part = slc_image_part(&in, plan.region);
            const slc_image a = run(policy, &key, NULL, &in, &one),
                            b = run(policy, &key, &plan, &part, &two);
            CHECK(easy_same(&a, &b), "%s: index %llu, region %zu x %zu of %zu x %zu",
                  lists[i], (unsigned long long)index, plan.region.w, plan.region.h, in.w,
                  in.h);
            smaller += part.w < in.w;
            slc_arena_reset(&one.arena);
            slc_arena_reset(&two.arena);
        }
        slc_policy_destroy(&policy);
    }
    CHECK(smaller > 150, "only %u plans asked for less than the image", smaller);
    slc_arena_free(&one.arena);
    slc_arena_free(&two.arena);
    slc_arena_free(&arena);
}

/* Scaled decoding is asked for only where at least twice the target remains. */
static void test_plan_scales_for_the_last_filter_only(void)
{
    static const struct {
        const char *ops;
        size_t least;
    } known[] = {{"[{resize: {size: [20, 30]}}]", 60},
                 {"[{random_resized_crop: {size: 20}}]", 40},
                 {"[{resize: {size: [20, 30], interpolation: nearest}}]", 0},
                 {"[{resize: {size: [20, 30], antialias: false}}]", 0},
                 {"[{random_crop: {size: 20}}, {resize: {size: 10}}]", 0},
                 {"[{cutout: {}}, {resize: {size: 10}}]", 0},
                 {"[]", 0}};
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        slc_policy *policy = easy_policy(known[i].ops, &arena, 3);
        const slc_plan plan = slc_policy_plan(policy, &(slc_key){0}, 500, 400);
        CHECK(plan.least_w == known[i].least, "%s: least %zu, not %zu", known[i].ops,
              plan.least_w, known[i].least);
        slc_policy_destroy(&policy);
    }
    slc_arena_free(&arena);
}

/* A region that came at half the size: the box is scaled with it. */
static void test_plan_accepts_scaled_images(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_policy *policy = easy_policy("[{resize: {size: [10, 12]}}]", &arena, 3);
    const slc_plan plan = slc_policy_plan(policy, &(slc_key){0}, 101, 81);
    const slc_image half = easy_noise(&arena, 51, 41, 3, 1);
    const slc_image a = run(policy, &(slc_key){0}, &plan, &half, &work),
                    b = run(policy, &(slc_key){0}, NULL, &half, &work);
    CHECK(easy_same(&a, &b), "scaled image resized otherwise");
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_keys_alone_decide(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_policy *policy = easy_policy(
        "[{random_resized_crop: {size: 16}}, {rotate: {degrees: 30}}]", &arena, 3);
    const slc_image in = easy_noise(&arena, 64, 64, 3, 1);
    const slc_key keys[] = {{1, 0, 0, 0}, {2, 0, 0, 0}, {1, 1, 0, 0}, {1, 0, 1, 0}};
    slc_image out[4];
    for (int i = 0; i < 4; i++)
        out[i] = run(policy, keys + i, NULL, &in, &work);
    for (int i = 1; i < 4; i++)
        CHECK(!easy_same(out, out + i), "key %d changes nothing", i);
    for (int i = 0; i < 4; i++) {
        const slc_image again = run(policy, keys + i, NULL, &in, &work);
        CHECK(easy_same(out + i, &again), "key %d gives another picture", i);
    }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

typedef struct seen {
    char text[1024];
    size_t steps;
    slc_image last;
} seen;

static void see(void *user, const char *op, const char *drawn, const slc_image *image)
{
    seen *s = user;
    const size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof(s->text) - used, "%s(%s) ", op, drawn);
    s->steps++;
    s->last = *image;
}

static void test_trace_tells_every_step(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    seen s = {0};
    slc_image out = {0};
    slc_policy *policy = easy_policy("[{invert: {p: 1}}, {hflip: {p: 0}}, "
                                     "{ten_crop: {size: 8}}, {invert: {p: 1}}]",
                                     &arena, 3);
    const slc_image in = easy_noise(&arena, 20, 20, 3, 1);
    const slc_trace trace = {see, &s};
    CHECK(slc_policy_views(policy) == 10, "%u views", slc_policy_views(policy));
    CHECK(!slc_policy_run(policy, &(slc_key){.view = 6}, NULL, &in, &work, &trace, &out,
                          NULL, NULL),
          "run");
    CHECK(strcmp(s.text, "invert() hflip(not applied) ten_crop/five_crop(view=1) "
                         "ten_crop/hflip() invert() ") == 0,
          "%s", s.text);
    CHECK(easy_same(&s.last, &out), "the last step is not the result");
    const slc_image plain = run(policy, &(slc_key){.view = 6}, NULL, &in, &work);
    CHECK(easy_same(&plain, &out), "tracing changes the picture");
    slc_policy_destroy(&policy);
    policy = easy_policy("[hflip_views]", &arena, 3);
    CHECK(slc_policy_views(policy) == 2 && !slc_policy_is_random(policy),
          "two, not drawn");
    for (uint32_t view = 0; view < 2; view++) {
        const slc_image got = run(policy, &(slc_key){.view = view}, NULL, &in, &work);
        const size_t x = view ? in.w - 1 : 0;
        CHECK(memcmp(got.px, in.px + 3 * x, 3) == 0, "view %u", view);
    }
    slc_policy_destroy(&policy);
    policy = easy_policy("[{ten_crop: {size: 8}}]", &arena, 3);
    CHECK(!slc_policy_is_random(policy), "views are not drawn");
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_five_crop_takes_the_corners(void)
{
    static const slc_rect places[] = {
        {0, 0, 8, 8}, {13, 0, 8, 8}, {0, 6, 8, 8}, {13, 6, 8, 8}, {6, 3, 8, 8}};
    slc_arena arena = {0};
    slc_work work = {.isa = SLC_ISA_C};
    slc_policy *policy = easy_policy("[{five_crop: {size: 8}}]", &arena, 3);
    const slc_image in = easy_noise(&arena, 21, 14, 3, 1);
    for (uint32_t v = 0; v < 5; v++) {
        const slc_image out = run(policy, &(slc_key){.view = v}, NULL, &in, &work),
                        want = slc_image_part(&in, places[v]);
        CHECK(easy_same(&out, &want), "view %u", v);
    }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

/* Scale 2 is the middle half resized; 1 the middle as it is; less than fits is what fits. */
static void test_scale_crops_zoom(void)
{
    static const char *const same[] = {
        "[{center_crop: {size: 4}}, {resize: {size: [8, 8]}}]",
        "[{center_crop: {size: 8}}]",
        "[{center_crop: {size: 14}}, {resize: {size: [8, 8]}}]"};
    slc_arena arena = {0};
    slc_work work = {.isa = SLC_ISA_C}, other = work;
    slc_policy *policy =
        easy_policy("[{scale_crops: {size: 8, scales: [2, 1, 0.3]}}]", &arena, 3);
    const slc_image in = easy_noise(&arena, 22, 14, 3, 1);
    CHECK(slc_policy_views(policy) == 3 && !slc_policy_is_random(policy), "%u views",
          slc_policy_views(policy));
    for (uint32_t v = 0; v < 3; v++) {
        slc_policy *one = easy_policy(same[v], &arena, 3);
        const slc_image out = run(policy, &(slc_key){.view = v}, NULL, &in, &work),
                        want = run(one, &(slc_key){0}, NULL, &in, &other);
        CHECK(easy_same(&out, &want), "view %u", v);
        slc_policy_destroy(&one);
    }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&other.arena);
    slc_arena_free(&arena);
}

static const struct {
    const char *ops, *want;
    slc_images images;
} refused[] = {
    {"- hflip\n- hflp", "test:2: unknown op \"hflp\"; did you mean \"hflip\"?", {0}},
    {"- resize: {size: 0}", "size is 0", {0}},
    {"- resize: {size: 10, sise: 3}", "did you mean \"size\"", {0}},
    {"- resize: {size: .nan}", "not a number", {0}},
    {"- resize: {}", "size", {0}},
    {"- resize: {size: 3.5}", "not a whole number", {0}},
    {"- brightness: {factor: .inf}", "not a number", {0}},
    {"- brightness: 1.37", "did you mean {factor: 1.37}?", {0}},
    {"- resize: {size: 9, filter: box}", "unknown key \"filter\", not size, mode, ", {0}},
    {"- RandomHorizontalFlip", "did you mean \"hflip\"?", {0}},
    {"- random_rotation: {degrees: 3}", "did you mean \"rotate\"?", {0}},
    {"- hflip\n- one_of: {ops: [hflip, one_of]}",
     "test:2: one_of: ops: one_of names itself",
     {0}},
    {"- hflip\n- channel_shuffle",
     "test:2: channel_shuffle needs three channels",
     {.channels = 1}},
    {"- rand_augment: {moves: [shear]}", "did you mean \"shear_x\"?", {0}},
    {"- hflip\n- resize: {size: [3, 4], mode: short}", "test:2: resize: size", {0}},
    {"- resize: {size: 9, interpolation: mitchell, antialias: false}", "antialias", {0}},
    {"- normalize: {mean: 0.5, std: 0.5}\n- hflip",
     "test:2: hflip cannot come after",
     {0}},
    {"- random_crop: {size: 4, padding: [1, 2, 3]}", "1, 2 or 4", {0}},
    {"- hflip: {draw: sometimes}", "expected iid, alternate or stratified", {0}},
    {"- hflip\n- brightness: {factor: 1,\n    draw: alternate}",
     "test:3: op brightness: draw: expected iid or stratified; alternate is for "
     "flips",
     {0}},
    {"- elastic: {draw: stratified}",
     "expected iid; alternate is for flips, stratified for what is drawn from",
     {0}},
    {"- resize: {size: 3, draw: iid}", "op resize: draw: it draws nothing", {0}},
    {"- five_crop: {size: 3, draw: stratified}", "it draws nothing", {0}},
    {"- {hflip: {}, vflip: {}}", "expected one op", {0}},
    {"hflip", "expected a list", {0}},
    {"- perspective: {endpoints: [1, 2]}", "8 numbers", {0}},
    {"- resize: {size: [20, 20]}\n- hflip\n- random_crop: {size: 30}",
     "test:3: random_crop: 30 x 30 px does not fit into 20 x 20 px",
     {0}},
    {"- hflip\n- random_crop: {size: 40}",
     "test:2: random_crop: 40 x 40 px does not fit into 28 x 28 px; pad_if_needed",
     {28, 28, 1}},
    {"- random_crop: {size: 40, padding: 5}",
     "40 x 40 px does not fit into 38 x 38 px, padding included",
     {28, 28, 1}},
    {"- random_apply:\n    ops:\n    - hflip\n    - random_crop: {size: 40}",
     "test:4: random_crop: 40 x 40 px does not fit into 28 x 28 px",
     {28, 28, 1}},
    {"- hflip\n- ten_crop: {size: 40}",
     "test:2: five_crop: 40 x 40 px does not fit into 28",
     {28, 28, 1}},
    {"- grayscale\n- channel_shuffle",
     "test:2: channel_shuffle needs three channels, images have 1",
     {0}},
    {"- resize: {size: [20, 20]}\n- one_of:\n    ops:\n    - center_crop: {size: 30}\n"
     "    - five_crop: {size: 30}",
     "test:5: five_crop: 30 x 30 px does not fit into 20 x 20",
     {0}},
    {"- rotate: {degrees: -30}", "-30 is negative; one number d is [-d, d]", {0}},
    {"- affine:\n    degrees: 5\n    shear: [2, 1]", "the range [2, 1] is empty", {0}},
    {"- zoom_out: {side_range: [2, 1]}", "the range [2, 1] is empty", {0}},
    {"- some_of: {n: [2, 1], ops: [hflip, vflip]}", "the range [2, 1] is empty", {0}},
    {"- autocontrast: {cutoff: [60, 40]}", "60 and 40 % leave no pixel", {0}},
    {"- whiten: {file: /nowhere/zca.safetensors}", "/nowhere/zca.safetensors", {0}},
};

static void test_refuses_with_line_and_reason(void)
{
    for (size_t i = 0; i < SLC_COUNT(refused); i++) {
        slc_arena arena = {0};
        slc_err err = {0};
        slc_node *list = NULL;
        slc_policy *policy = NULL;
        CHECK(!slc_node_parse(&list, &arena, refused[i].ops, strlen(refused[i].ops),
                              "test", &err),
              "%s", err.msg);
        CHECK(slc_policy_create(&policy, list, "test", refused[i].images, &err) &&
                  !policy,
              "accepted: %s", refused[i].ops);
        CHECK(strstr(err.msg, refused[i].want), "\"%s\" does not say \"%s\"", err.msg,
              refused[i].want);
        slc_arena_free(&arena);
    }
}

/* Ops of which one is chosen do not see what another would leave; nobody knows what follows. */
static void test_choices_see_the_same_image(void)
{
    static const char *const fine[] = {
        "[{one_of: {ops: [grayscale, channel_shuffle]}}]",
        "[{some_of: {ops: [{crop: {height: 4, width: 4}}, {crop: {height: 6, width: "
        "6}}]}}]",
        "[{one_of: {ops: [{pad: {padding: 9}}, hflip]}}, {random_crop: {size: 20}}]",
        "[{random_apply: {p: 1, ops: [{pad: {padding: 9}}, {random_crop: {size: "
        "20}}]}}]"};
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(fine); i++) {
        slc_policy *policy = easy_policy_for(fine[i], &arena, (slc_images){10, 10, 3});
        slc_policy_destroy(&policy);
    }
    slc_arena_free(&arena);
}

/* What depends on the image is an error of the sample, with its numbers. */
static void test_reports_images_that_do_not_suit(void)
{
    static const struct {
        const char *ops, *want;
    } known[] = {
        {"[{crop: {height: 9, width: 30}}]",
         "crop: 30 x 9 px at (0, 0) does not fit into 20 x 20"},
        {"[{random_crop: {size: 24}}]",
         "random_crop: 24 x 24 px does not fit into 20 x 20 px"},
        {"[{five_crop: {size: 24}}]", "five_crop: 24 x 24 px does not fit"},
        {"[{pad: {padding: 40000}}]", "pad: image: 80020 x 80020 px, sides are 1 to"},
        {"[{resize: {size: [9, 65535]}}, {zoom_out: {side_range: 2, p: 1}}]",
         "zoom_out: image: 131070 x 18 px, sides are 1 to"},
    };
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    const slc_image in = easy_noise(&arena, 20, 20, 3, 1);
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        slc_err err = {0};
        slc_image out;
        slc_policy *policy = easy_policy(known[i].ops, &arena, 3);
        CHECK(slc_policy_run(policy, &(slc_key){0}, NULL, &in, &work, NULL, &out, NULL,
                             &err),
              "%s: accepted", known[i].ops);
        CHECK(strstr(err.msg, known[i].want), "%s", err.msg);
        slc_policy_destroy(&policy);
    }
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_normalises_as_torch_does(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_policy *policy = easy_policy(
        "[{normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}]",
        &arena, 3);
    const slc_image in = easy_noise(&arena, 37, 11, 3, 1);
    const slc_tail *tail = NULL;
    slc_image out;
    slc_err err = {0};
    static float nchw[3 * 11 * 37], nhwc[3 * 11 * 37];
    static const float mean[3] = {0.485f, 0.456f, 0.406f},
                       std[3] = {0.229f, 0.224f, 0.225f};

    CHECK(slc_policy_is_normalized(policy) && !slc_policy_is_random(policy), "facts");
    CHECK(
        !slc_policy_run(policy, &(slc_key){0}, NULL, &in, &work, NULL, &out, &tail, &err),
        "%s", err.msg);
    CHECK(slc_tail_write(tail, &out, SLC_U8, SLC_NCHW, work.isa, nchw, &err) ==
              SLC_EINVAL,
          "bytes accepted");
    CHECK(!slc_tail_write(tail, &out, SLC_F32, SLC_NCHW, work.isa, nchw, &err), "%s",
          err.msg);
    CHECK(!slc_tail_write(tail, &out, SLC_F32, SLC_NHWC, work.isa, nhwc, &err), "%s",
          err.msg);
    for (size_t y = 0; y < 11; y++)
        for (size_t x = 0; x < 37; x++)
            for (size_t c = 0; c < 3; c++) {
                const float px = in.px[y * in.stride + 3 * x + c];
                const float want = (px / 255.0f - mean[c]) / std[c];
                CHECK(nchw[(c * 11 + y) * 37 + x] == want &&
                          nhwc[(y * 37 + x) * 3 + c] == want,
                      "(%zu, %zu, %zu)", x, y, c);
            }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_knows_its_output_size(void)
{
    static const struct {
        const char *ops;
        size_t in_w, in_h, w, h; /* w = 0: not fixed */
    } known[] = {
        {"[{resize: {size: 20}}]", 0, 0, 0, 0},
        {"[{resize: {size: 20}}]", 60, 40, 30, 20},
        {"[{resize: {size: 20}}, {center_crop: {size: [7, 9]}}]", 0, 0, 9, 7},
        {"[{rotate: {}}, {pad: {padding: 2}}]", 10, 10, 14, 14},
        {"[{rotate: {expand: true}}]", 10, 10, 0, 0},
        {"[{rot90: {}}]", 10, 20, 0, 0},
        {"[{rot90: {}}]", 10, 10, 10, 10},
        {"[{ten_crop: {size: 5}}]", 0, 0, 5, 5},
        {"[]", 0, 0, 0, 0},
    };
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        size_t w = 0, h = 0;
        slc_policy *policy = easy_policy(known[i].ops, &arena, 3);
        const bool fixed =
            slc_policy_output_size(policy, known[i].in_w, known[i].in_h, &w, &h);
        CHECK(fixed == (known[i].w > 0) &&
                  (!fixed || (w == known[i].w && h == known[i].h)),
              "%s: %d, %zu x %zu", known[i].ops, fixed, w, h);
        slc_policy_destroy(&policy);
    }
    slc_arena_free(&arena);
}

/* After the largest sample of a list, none allocates. */
static void count_allocations(const char *ops, bool tail_follows)
{
    enum { SIDE = 210, SAMPLES = 12 }; /* examples of crops are made for 224 px */
    static float slot[3 * SIDE * SIDE];
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_policy *policy = easy_policy(ops, &arena, 3);
    const slc_image in = easy_noise(&arena, SIDE, SIDE, 3, 1);
    size_t before = 0;

    CHECK(!slc_decoder_create(&work.decoder, NULL), "decoder");
    for (uint64_t i = 0; i < 2 * SAMPLES; i++) {
        const slc_tail *tail = NULL;
        slc_image out;
        if (i == SAMPLES) before = alloc_count();
        slc_arena_reset(&work.arena);
        const slc_key key = {.seed = 1, .index = i % SAMPLES};
        CHECK(!slc_policy_run(policy, &key, NULL, &in, &work, NULL, &out, &tail, NULL),
              "run %s", ops);
        if (tail_follows)
            CHECK(!slc_tail_write(tail, &out, SLC_F32, SLC_NCHW, work.isa, slot, NULL),
                  "write");
    }
    CHECK(before > 0 && alloc_count() == before, "%s: %zu allocations", ops,
          alloc_count() - before);
    slc_policy_destroy(&policy);
    slc_decoder_destroy(&work.decoder);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_allocates_nothing_per_sample(void)
{
    count_allocations(
        "[{random_resized_crop: {size: 48}}, {perspective: {p: 1}}, "
        "{elastic: {}}, {hflip: {}}, {random_crop: {size: 48, padding: 4}}, "
        "{normalize: {mean: 0.5, std: 0.2}}]",
        true);
    for (const slc_op *const *op = slc_ops; *op; op++) {
        char text[512];
        if (strcmp((*op)->entry.name, "whiten") == 0) continue; /* has no file here */
        snprintf(text, sizeof(text), "[{%s: %s}]", (*op)->entry.name,
                 (*op)->example ? (*op)->example : "{}");
        count_allocations(text, false);
    }
}

int main(void)
{
    test_plan_changes_nothing();
    test_plan_scales_for_the_last_filter_only();
    test_plan_accepts_scaled_images();
    test_keys_alone_decide();
    test_trace_tells_every_step();
    test_five_crop_takes_the_corners();
    test_scale_crops_zoom();
    test_refuses_with_line_and_reason();
    test_choices_see_the_same_image();
    test_reports_images_that_do_not_suit();
    test_normalises_as_torch_does();
    test_knows_its_output_size();
    test_allocates_nothing_per_sample();
    return 0;
}
