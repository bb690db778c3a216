/* JPEG: a region is exactly that part of the whole. */
#include "tests/fuzz/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    picture_check("jpeg", bytes, size);
    return 0;
}
