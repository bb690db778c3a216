#include "augment/codec/png_walk.h"

#include <string.h>

#include "augment/codec/frame.h"

enum { SIGNATURE = 8, FRAME = 12 /* length, type and CRC of a chunk */ };

static size_t get32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

bool slc_png_walk(slc_png_facts *out, const uint8_t *bytes, size_t size)
{
    *out = (slc_png_facts){.orientation = 1};
    if (size < SIGNATURE + FRAME + 13 || memcmp(bytes + 12, "IHDR", 4) != 0) return false;
    out->w = get32(bytes + 16);
    out->h = get32(bytes + 20);
    out->bits = bytes[24];
    out->colour_type = bytes[25];

    for (size_t at = SIGNATURE; size - at >= FRAME;) {
        const size_t length = get32(bytes + at);
        const uint8_t *type = bytes + at + 4, *data = bytes + at + 8;
        if (length > size - at - FRAME) break;
        if (type[0] & 0x20) out->ancillary++;
        if (memcmp(type, "eXIf", 4) == 0)
            out->orientation = slc_exif_orientation(data, length);
        else if (memcmp(type, "tRNS", 4) == 0)
            out->transparent = true;
        else if (memcmp(type, "acTL", 4) == 0)
            out->animated = true;
        else if (memcmp(type, "IEND", 4) == 0)
            break;
        at += FRAME + length;
    }
    return true;
}
