/* JPEG: scaled in the DCT domain, whole and in parts, never smaller than allowed. */
#include "tests/fuzz/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    slc_arena arena = {0};
    slc_image whole, part;
    if (!picture_is("jpeg", bytes, size)) return 0;
    slc_decode how = {.accept_truncated = size % 2};
    if (picture_decode(bytes, size, how, &arena, &whole) == SLC_OK) {
        how.region = picture_region(bytes, size, whole.w, whole.h);
        how.least_w = 1 + how.region.w / (2 + bytes[size / 2] % 8);
        how.least_h = 1 + how.region.h / (2 + bytes[size / 3] % 8);
        if (how.least_w > how.region.w) how.least_w = how.region.w;
        if (how.least_h > how.region.h) how.least_h = how.region.h;
        CHECK(picture_decode(bytes, size, how, &arena, &part) == SLC_OK, "part");
        CHECK(part.w >= how.least_w && part.h >= how.least_h && part.w <= how.region.w &&
                  part.h <= how.region.h,
              "%zu x %zu for at least %zu x %zu", part.w, part.h, how.least_w,
              how.least_h);
    }
    slc_arena_free(&arena);
    return 0;
}
