/* The stream: the same bytes whatever the threads, caches, ring and point of entry. */
#include <unistd.h>

#include "tests/loader/build.h"

static const char *OPS = "[{random_resized_crop: {size: 24}}, hflip, {color_jitter: "
                         "{brightness: 0.4, hue: 0.1}},"
                         " {normalize: {mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25]}}]";

static void same_for_all_threads(const slc_loader_settings *base, const char *what)
{
    static const size_t threads[] = {1, 2, 3, 8};
    static const size_t ahead[] = {3, 2, 5, 4};
    char first[65], other[65];
    for (size_t i = 0; i < 4; i++) {
        slc_loader_settings set = *base;
        set.threads = threads[i];
        set.ahead = ahead[i];
        const uint64_t n = stream_hash(&set, 0, i ? other : first);
        CHECK(n > 2, "%s: %llu batches", what, (unsigned long long)n);
        CHECK(i == 0 || strcmp(first, other) == 0, "%s: %zu threads give another stream",
              what, threads[i]);
    }
}

static void test_threads_give_the_same_bytes(const slc_source *tree,
                                             const slc_source *idx)
{
    slc_policy *policy = make_policy(OPS);
    slc_policy *small =
        make_policy("[{random_crop: {size: 28, padding: 4}}, hflip, cutout,"
                    " {normalize: {mean: [0.5], std: [0.2]}}]");
    slc_mix *mix = NULL;
    slc_arena arena = {0};
    slc_node *list;
    slc_err err = {0};
    const char *yaml = "[{mixup: {alpha: 0.2}}, {cutmix: {alpha: 1}}]";
    CHECK(slc_node_parse(&list, &arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_mix_create(&mix, list, &err) == SLC_OK, "%s", err.msg);
    same_for_all_threads(&(slc_loader_settings){.source = tree,
                                                .policy = policy,
                                                .batch = 8,
                                                .type = SLC_F32,
                                                .shuffle = true,
                                                .seed = 3,
                                                .epochs = 3,
                                                .mix = mix},
                         "tree, mixed");
    same_for_all_threads(&(slc_loader_settings){.source = tree,
                                                .policy = policy,
                                                .batch = 8,
                                                .type = SLC_BF16,
                                                .layout = SLC_NCHW,
                                                .shuffle = true,
                                                .fast = true,
                                                .epochs = 2,
                                                .repeats = 3},
                         "tree, fast, repeated");
    same_for_all_threads(&(slc_loader_settings){.source = idx,
                                                .policy = small,
                                                .batch = 64,
                                                .type = SLC_F32,
                                                .shuffle = true,
                                                .seed = 9,
                                                .epochs = 3,
                                                .mix = mix,
                                                .mix_until = 2},
                         "idx");
    slc_mix_destroy(&mix);
    slc_policy_destroy(&policy);
    slc_policy_destroy(&small);
    slc_arena_free(&arena);
}

static void test_caches_change_nothing(const slc_source *tree)
{
    static const slc_cache caches[] = {SLC_CACHE_NONE, SLC_CACHE_ENCODED,
                                       SLC_CACHE_DECODED, SLC_CACHE_DECODED};
    slc_policy *policy = make_policy(OPS);
    char first[2][65], other[65];
    for (int i = 0; i < 8; i++) {
        const slc_loader_settings set = {.source = tree,
                                         .policy = policy,
                                         .batch = 7,
                                         .type = SLC_F32,
                                         .shuffle = true,
                                         .epochs = 3,
                                         .threads = 2,
                                         .cache = caches[i % 4],
                                         .fast = i >= 4,
                                         .cache_bytes =
                                             i % 4 == 3 ? 40000 : 0 /* room for some */};
        stream_hash(&set, 0, i % 4 ? other : first[i / 4]);
        CHECK(i % 4 == 0 || strcmp(first[i / 4], other) == 0, "cache %d: another stream",
              i);
    }
    slc_policy_destroy(&policy);
}

/* A loader opened at any position goes on as one that came there by itself. */
static void test_resumes_anywhere(const slc_source *tree)
{
    slc_policy *policy = make_policy(OPS);
    slc_loader_settings set = {.source = tree,
                               .policy = policy,
                               .batch = 8,
                               .type = SLC_F32,
                               .shuffle = true,
                               .epochs = 3};
    char whole[65], part[65];
    const uint64_t n = stream_hash(&set, 0, whole);
    slc_loader *l = open_loader(&set);
    const uint64_t per_epoch = slc_loader_batches(l);
    slc_loader_close(&l);
    CHECK(n == 3 * per_epoch, "%llu batches", (unsigned long long)n);
    for (uint64_t at = 0; at < n; at += 3) {
        slc_loader_settings from = set;
        from.epoch = at / per_epoch;
        from.position = at % per_epoch;
        stream_hash(&set, at, whole);
        const uint64_t rest = stream_hash(&from, 0, part);
        CHECK(rest == n - at && strcmp(whole, part) == 0, "resumed at %llu: differs",
              (unsigned long long)at);
    }
    slc_policy_destroy(&policy);
}

/* What replay makes alone is what the stream made. */
static void test_a_sample_alone_is_the_streams(const slc_source *tree)
{
    slc_policy *policy = make_policy("[{random_resized_crop: {size: 24}}, hflip]");
    slc_loader *l = open_loader(&(slc_loader_settings){.source = tree,
                                                       .policy = policy,
                                                       .batch = 10,
                                                       .shuffle = true,
                                                       .epochs = 2,
                                                       .seed = 5,
                                                       .repeats = 2});
    slc_err err = {0};
    slc_work work = {.isa = slc_isa_detect()};
    const slc_batch *b;
    size_t repeated = 0;
    while (slc_loader_next(l, &b, &err) == SLC_OK && b) {
        for (size_t i = 0; i < b->n; i++) {
            slc_image im;
            const slc_tail *tail;
            uint8_t slot[24 * 24 * 3];
            const slc_key key = {5, b->epoch, b->index[i], b->view[i]};
            slc_arena_reset(&work.arena);
            CHECK(slc_loader_sample(l, &key, &work, NULL, &im, &tail, &err) == SLC_OK,
                  "%s", err.msg);
            CHECK(slc_tail_write(tail, &im, b->type, b->layout, work.isa, slot, &err) ==
                      SLC_OK,
                  "%s", err.msg);
            const uint8_t *px = (const uint8_t *)b->data + i * sizeof(slot);
            CHECK(memcmp(px, slot, sizeof(slot)) == 0, "sample %zu, in its slot", i);
            for (size_t y = 0; y < 24; y++)
                CHECK(memcmp(px + y * 72, im.px + y * im.stride, 72) == 0,
                      "sample %zu, row %zu", i, y);
            if (i > 0 && b->index[i] == b->index[i - 1])
                repeated += memcmp(px, px - 24 * 72, 24 * 72) != 0;
        }
        slc_loader_release(l, b);
    }
    CHECK(repeated > 20, "repeats look alike: only %zu differ", repeated);
    slc_arena_free(&work.arena);
    slc_loader_close(&l);
    slc_policy_destroy(&policy);
}

static void test_epochs_visit_everything_once(const slc_source *idx)
{
    static uint8_t seen[2][1000];
    const slc_batch *b;
    slc_err err = {0};
    uint64_t first[2][4] = {{0}};
    slc_loader *l = open_loader(
        &(slc_loader_settings){.source = idx, .batch = 64, .shuffle = true, .epochs = 2});
    while (slc_loader_next(l, &b, &err) == SLC_OK && b) {
        for (size_t i = 0; i < b->n; i++) {
            seen[b->epoch][b->index[i]]++;
            CHECK(b->label_a[i] == (int32_t)(b->index[i] % 10), "label %d",
                  b->label_a[i]);
            const uint8_t *px = (const uint8_t *)b->data + i * 784;
            CHECK(px[5] == (uint8_t)(b->index[i] * 7 + 15 + (5 * b->index[i] >> 5)),
                  "pixel %d of %llu", px[5], (unsigned long long)b->index[i]);
        }
        if (b->number == 0) memcpy(first[b->epoch], b->index, sizeof(first[0]));
        CHECK(b->last == (b->number == 15), "last at %llu",
              (unsigned long long)b->number);
        CHECK(b->n == (b->last ? 40 : 64) && b->channels == 1, "n = %zu", b->n);
        slc_loader_release(l, b);
    }
    for (size_t i = 0; i < 2000; i++)
        CHECK(seen[i / 1000][i % 1000] == 1, "sample %zu: %d times", i % 1000,
              seen[i / 1000][i % 1000]);
    CHECK(memcmp(first[0], first[1], sizeof(first[0])) != 0, "both epochs in one order");
    slc_loader_close(&l);
}

static void test_a_full_ring_is_refused(const slc_source *idx)
{
    const slc_batch *held[2], *b;
    slc_err err = {0};
    slc_loader *l =
        open_loader(&(slc_loader_settings){.source = idx, .batch = 10, .ahead = 2});
    for (int i = 0; i < 2; i++)
        CHECK(slc_loader_next(l, &held[i], &err) == SLC_OK && held[i], "%s", err.msg);
    CHECK(slc_loader_next(l, &b, &err) == SLC_EINVAL && strstr(err.msg, "release"), "%s",
          err.msg);
    slc_loader_release(l, held[1]); /* out of order */
    slc_loader_release(l, held[0]);
    CHECK(slc_loader_next(l, &b, &err) == SLC_OK && b && b->number == 2, "%s", err.msg);
    slc_loader_release(l, b);
    slc_loader_release(l, b); /* twice does no harm */
    slc_loader_close(&l);
    slc_loader_close(&l);
}

static void test_settings_are_checked(const slc_source *tree, const slc_source *idx)
{
    slc_policy *floats = make_policy("[{normalize: {mean: [0.5], std: [0.5]}}]");
    slc_policy *sizes = make_policy("[{random_resized_crop: {size: 24}}]");
    const slc_loader_settings bad[] = {
        {0},
        {.source = idx, .policy = floats},
        {.source = idx, .channels = 2},
        {.source = idx, .ahead = 1},
        {.source = idx, .rank = 2, .world = 2},
        {.source = idx, .batch = 2000, .tail = SLC_TAIL_DROP},
        {.source = idx, .threads = 100000},
        {.source = tree, .ragged_sizes = true, .batch = 2},
        {.source = idx, .max_errors = -1},
    };
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_loader *l = NULL;
        slc_err err = {0};
        CHECK(slc_loader_open(&l, &bad[i], &err) == SLC_EINVAL && !l && err.msg[0],
              "case %zu: %s", i, err.msg);
    }
    slc_policy_destroy(&floats);
    slc_policy_destroy(&sizes);
}

int main(void)
{
    char dir[256], folder[300], numbers[300];
    make_dir(dir, sizeof(dir));
    snprintf(folder, sizeof(folder), "%s/tree", dir);
    snprintf(numbers, sizeof(numbers), "%s/idx", dir);
    write_tree(folder, 60);
    write_idx(numbers, "train", 1000);
    slc_source *tree = open_source(folder, NULL), *idx = open_source(numbers, "train");
    test_threads_give_the_same_bytes(tree, idx);
    test_caches_change_nothing(tree);
    test_resumes_anywhere(tree);
    test_a_sample_alone_is_the_streams(tree);
    test_epochs_visit_everything_once(idx);
    test_a_full_ring_is_refused(idx);
    test_settings_are_checked(tree, idx);
    slc_source_close(&tree);
    slc_source_close(&idx);
    drop_dir(dir);
    return 0;
}
