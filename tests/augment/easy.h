/* Policies and images in one line each, for tests. */
#ifndef TESTS_AUGMENT_EASY_H
#define TESTS_AUGMENT_EASY_H

#include "augment/op.h"
#include "base/hash.h"
#include "tests/check.h"

/* Compiles ops; stops the test if that fails. */
static inline slc_policy *easy_policy_for(const char *ops, slc_arena *arena,
                                          slc_images images)
{
    slc_err err = {0};
    slc_node *list = NULL;
    slc_policy *policy = NULL;
    CHECK(!slc_node_parse(&list, arena, ops, strlen(ops), "test", &err), "%s", err.msg);
    CHECK(!slc_policy_create(&policy, list, "test", images, &err), "%s: %s", ops,
          err.msg);
    return policy;
}

static inline slc_policy *easy_policy(const char *ops, slc_arena *arena, size_t channels)
{
    return easy_policy_for(ops, arena, (slc_images){.channels = channels});
}

/* The message with which ops are refused. */
static inline slc_err easy_refused(const char *ops, size_t channels)
{
    slc_err err = {0};
    slc_arena arena = {0};
    slc_node *list = NULL;
    slc_policy *policy = NULL;
    CHECK(!slc_node_parse(&list, &arena, ops, strlen(ops), "test", &err), "%s", err.msg);
    CHECK(slc_policy_create(&policy, list, "test", (slc_images){.channels = channels},
                            &err),
          "accepted: %s", ops);
    CHECK(!policy && err.code == SLC_EINVAL && err.msg[0], "%s: no message", ops);
    slc_arena_free(&arena);
    return err;
}

static inline uint8_t easy_byte(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(*state >> 56);
}

/* An image full of noise that depends on nothing but its sizes and seed. */
static inline slc_image easy_noise(slc_arena *arena, size_t w, size_t h, size_t channels,
                                   uint64_t seed)
{
    slc_image image;
    uint64_t state = slc_hash64(&(uint64_t[]){w, h, channels}, 24, seed);
    CHECK(!slc_image_alloc(&image, arena, w, h, channels, NULL), "%zu x %zu", w, h);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w * channels; x++)
            image.px[y * image.stride + x] = easy_byte(&state);
    return image;
}

static inline bool easy_same(const slc_image *a, const slc_image *b)
{
    if (a->w != b->w || a->h != b->h || a->channels != b->channels) return false;
    for (size_t y = 0; y < a->h; y++)
        if (memcmp(a->px + y * a->stride, b->px + y * b->stride, a->w * a->channels))
            return false;
    return true;
}

#endif
