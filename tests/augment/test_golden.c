/* The same bytes as Pillow 9.4 and torchvision 0.14, for every op that promises them. */
#include "tests/augment/easy.h"
#include "tests/augment/golden_ops.h"

/* The picture of tests/golden/ops.py. */
static slc_image picture(slc_arena *arena, size_t w, size_t h, size_t channels)
{
    slc_image image;
    uint32_t state = (uint32_t)(w * 65536 + h * 4 + channels);
    CHECK(!slc_image_alloc(&image, arena, w, h, channels, NULL), "memory");
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w * channels; x++) {
            state = state * 1664525u + 1013904223u;
            image.px[y * image.stride + x] = (uint8_t)(state >> 24);
        }
    return image;
}

static uint64_t fnv(const slc_image *image)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t y = 0; y < image->h; y++)
        for (size_t x = 0; x < image->w * image->channels; x++)
            value = (value ^ image->px[y * image->stride + x]) * 0x100000001b3u;
    return value;
}

int main(void)
{
    for (slc_isa isa = SLC_ISA_C; isa <= slc_isa_detect(); isa++)
        for (size_t i = 0; i < SLC_COUNT(golden); i++) {
            slc_arena arena = {0};
            slc_work work = {.isa = isa};
            slc_err err = {0};
            slc_image out = {0};
            slc_policy *policy = easy_policy(golden[i].ops, &arena, 0);
            const slc_image in = picture(&arena, 41, 46, golden[i].channels);
            CHECK(!slc_policy_run(policy, &(slc_key){0}, NULL, &in, &work, NULL, &out,
                                  NULL, &err),
                  "%s: %s", golden[i].ops, err.msg);
            CHECK(out.w == golden[i].w && out.h == golden[i].h &&
                      fnv(&out) == golden[i].hash,
                  "%s, %u channels, %s: %zu x %zu, hash %llx, not %u x %u, %llx",
                  golden[i].ops, golden[i].channels, slc_isa_name(isa), out.w, out.h,
                  (unsigned long long)fnv(&out), golden[i].w, golden[i].h,
                  golden[i].hash);
            slc_policy_destroy(&policy);
            slc_arena_free(&work.arena);
            slc_arena_free(&arena);
        }
    return 0;
}
