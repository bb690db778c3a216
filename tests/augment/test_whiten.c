/* Whitening: what comes out of its own data set has no mean and no correlation; the file reads
 * back, and files that are none are refused. */
#include "augment/whiten.h"

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/augment/easy.h"

enum { W = 4, H = 3, N = W * H, IMAGES = 4000 };
static const char path[] = "test_whiten.safetensors";

/* Neighbours share most of their value. */
static slc_image correlated(slc_arena *arena, uint64_t index)
{
    slc_image image;
    slc_rng rng = slc_rng_at(1, 0, index, 0);
    const double common = slc_rng_uniform(&rng, 40, 160);
    CHECK(!slc_image_alloc(&image, arena, W, H, 1, NULL), "memory");
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++)
            image.px[y * image.stride + x] =
                (uint8_t)(common + slc_rng_uniform(&rng, 0, 60) + 10.0 * (double)x);
    return image;
}

static void measure(void)
{
    slc_arena arena = {0};
    slc_whiten *z = NULL;
    slc_err err = {0};
    CHECK(!slc_whiten_create(&z, W, H, 1, &err), "%s", err.msg);
    CHECK(slc_whiten_save(z, 1e-9, path, &err) == SLC_EDATA, "whitened nothing");
    for (uint64_t i = 0; i < IMAGES; i++) {
        const slc_image image = correlated(&arena, i);
        CHECK(!slc_whiten_add(z, &image, &err), "%s", err.msg);
        slc_arena_reset(&arena);
    }
    CHECK(!slc_whiten_save(z, 1e-9, path, &err), "%s", err.msg);
    slc_whiten_destroy(&z);
    slc_arena_free(&arena);
}

static void test_output_is_white(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    char ops[128];
    double sum[N] = {0}, product[N][N] = {{0}};
    snprintf(ops, sizeof(ops), "[{whiten: {file: %s}}]", path);
    slc_policy *policy = easy_policy(ops, &arena, 1);
    CHECK(slc_policy_is_normalized(policy), "not normalised");
    for (uint64_t i = 0; i < IMAGES; i++) {
        float out[N];
        slc_image image = correlated(&work.arena, i), same;
        const slc_tail *tail = NULL;
        slc_err err = {0};
        CHECK(!slc_policy_run(policy, &(slc_key){0}, NULL, &image, &work, NULL, &same,
                              &tail, &err),
              "%s", err.msg);
        CHECK(!slc_tail_write(tail, &same, SLC_F32, SLC_NCHW, work.isa, out, &err), "%s",
              err.msg);
        for (size_t a = 0; a < N; a++) {
            sum[a] += (double)out[a];
            for (size_t b = 0; b < N; b++)
                product[a][b] += (double)out[a] * (double)out[b];
        }
        slc_arena_reset(&work.arena);
    }
    for (size_t a = 0; a < N; a++) {
        CHECK(fabs(sum[a] / IMAGES) < 1e-4, "mean %g", sum[a] / IMAGES);
        for (size_t b = 0; b < N; b++)
            CHECK(fabs(product[a][b] / (IMAGES - 1) - (a == b)) < 1e-3, "%zu, %zu: %g", a,
                  b, product[a][b] / (IMAGES - 1));
    }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static void test_matrix_is_symmetric(void)
{
    slc_arena arena = {0};
    slc_whitening z;
    slc_err err = {0};
    CHECK(!slc_whitening_read(&z, path, &arena, &err), "%s", err.msg);
    CHECK(z.w == W && z.h == H && z.channels == 1, "%zu %zu %zu", z.w, z.h, z.channels);
    for (size_t a = 0; a < N; a++)
        for (size_t b = 0; b < N; b++)
            CHECK(z.matrix[a * N + b] == z.matrix[b * N + a], "%zu %zu", a, b);
    slc_arena_free(&arena);
}

static void test_other_sizes_are_errors(void)
{
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    slc_err err = {0};
    char ops[128];
    slc_image out;
    snprintf(ops, sizeof(ops), "[{whiten: {file: %s}}]", path);
    slc_policy *policy = easy_policy(ops, &arena, 1);
    const slc_image in = easy_noise(&arena, W, H + 1, 1, 1);
    CHECK(slc_policy_run(policy, &(slc_key){0}, NULL, &in, &work, NULL, &out, NULL,
                         &err) == SLC_EINVAL,
          "accepted");
    CHECK(strstr(err.msg, "measured on 4 x 3 px"), "%s", err.msg);
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

/* Every prefix of the file, and every flipped byte of its header, is read or refused, never
 * followed into nowhere. */
static void test_damaged_files_are_refused(void)
{
    slc_arena arena = {0};
    slc_err err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    slc_whitening z;
    CHECK(!slc_file_read(&bytes, &size, path, 1 << 20, &err), "%s", err.msg);
    for (size_t n = 0; n < size; n += n < 300 ? 7 : 61) {
        CHECK(!slc_file_replace(path, bytes, n, &err), "%s", err.msg);
        CHECK(slc_whitening_read(&z, path, &arena, &err), "%zu of %zu bytes accepted", n,
              size);
        slc_arena_reset(&arena);
    }
    for (size_t i = 0; i < 200; i++) {
        bytes[i] ^= 1;
        CHECK(!slc_file_replace(path, bytes, size, &err), "%s", err.msg);
        if (!slc_whitening_read(&z, path, &arena, &err))
            CHECK(z.w * z.h * z.channels == N, "byte %zu", i);
        bytes[i] ^= 1;
        slc_arena_reset(&arena);
    }
    free(bytes);
    unlink(path);
    slc_arena_free(&arena);
}

int main(void)
{
    measure();
    test_output_is_white();
    test_matrix_is_symmetric();
    test_other_sizes_are_errors();
    test_damaged_files_are_refused();
    return 0;
}
