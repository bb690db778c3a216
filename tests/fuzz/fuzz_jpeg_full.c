/* JPEG: whole pictures, in their colours and in grey, upright or not. */
#include "tests/fuzz/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    slc_arena arena = {0};
    slc_image image;
    if (!picture_is("jpeg", bytes, size)) return 0;
    for (unsigned i = 0; i < 4; i++) {
        const slc_decode how = {.channels = i == 1 ? 1 : 0,
                                .ignore_orientation = i == 2,
                                .accept_truncated = i == 3};
        if (picture_decode(bytes, size, how, &arena, &image) != SLC_OK && i == 0) i = 2;
        slc_arena_reset(&arena);
    }
    slc_arena_free(&arena);
    return 0;
}
