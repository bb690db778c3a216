/* The small formats: BMP, GIF, PNM, TGA. */
#include "tests/fuzz/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    picture_check("bmp gif pnm tga", bytes, size);
    return 0;
}
