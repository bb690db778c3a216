/* A data set small enough to train on in a test: four classes of 8 x 8 px in IDX files, each
 * class a bright corner under noise. */
#ifndef TESTS_TRAIN_TINY_H
#define TESTS_TRAIN_TINY_H

#include <stdint.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"

enum { TINY_CLASSES = 4, TINY_SIDE = 8, TINY_MOST = 512 };

static inline void tiny_big(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void tiny_part(const char *dir, const char *part, uint32_t n, uint64_t seed)
{
    static uint8_t image[16 + TINY_MOST * TINY_SIDE * TINY_SIDE], label[8 + TINY_MOST];
    char path[600];
    slc_err err = {0};
    const uint32_t side = TINY_SIDE;
    tiny_big(image, 0x803);
    tiny_big(image + 4, n);
    tiny_big(image + 8, side);
    tiny_big(image + 12, side);
    tiny_big(label, 0x801);
    tiny_big(label + 4, n);
    for (uint32_t i = 0; i < n; i++) {
        slc_rng rng = slc_rng_at(seed, 0, i, 0);
        const uint32_t c = i % TINY_CLASSES;
        label[8 + i] = (uint8_t)c;
        for (uint32_t y = 0; y < side; y++)
            for (uint32_t x = 0; x < side; x++) {
                const bool in = (x < 4) == (c % 2 == 0) && (y < 4) == (c / 2 == 0);
                image[16 + (i * side + y) * side + x] =
                    (uint8_t)(slc_rng_below(&rng, 150) + (in ? 70 : 0));
            }
    }
    snprintf(path, sizeof(path), "%s/%s-images-idx3-ubyte", dir, part);
    CHECK(slc_file_replace(path, image, 16 + n * side * side, &err) == SLC_OK, "%s",
          err.msg);
    snprintf(path, sizeof(path), "%s/%s-labels-idx1-ubyte", dir, part);
    CHECK(slc_file_replace(path, label, 8 + n, &err) == SLC_OK, "%s", err.msg);
}

static inline void tiny_make(const char *dir)
{
    slc_err err = {0};
    CHECK(slc_dir_make(dir, &err) == SLC_OK, "%s", err.msg);
    tiny_part(dir, "train", 320, 1);
    tiny_part(dir, "t10k", 120, 2);
}

#endif
