/* WebP: strict, cut short, in parts. */
#include "tests/fuzz/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    picture_check("webp", bytes, size);
    return 0;
}
