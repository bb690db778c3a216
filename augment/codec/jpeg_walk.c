#include "augment/codec/jpeg_walk.h"

#include <string.h>

#include "augment/codec/frame.h"

enum {
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP1 = 0xe1,
    RST0 = 0xd0,
    RST7 = 0xd7,
    TEM = 1
};

typedef struct segment {
    unsigned marker;
    const uint8_t *data; /* behind the length */
    size_t size;
} segment;

/* The next marker segment at or after *at; entropy-coded data on the way is skipped, as it
 * holds no 0xff but before 0 and restart markers. False at the end of the picture. */
static bool next_segment(const uint8_t *bytes, size_t size, size_t *at, segment *out)
{
    while (*at < size) {
        const uint8_t *ff = memchr(bytes + *at, 0xff, size - *at);
        if (!ff || ff + 1 >= bytes + size) return false;
        const unsigned marker = ff[1];
        *at = (size_t)(ff - bytes) + (marker == 0xff ? 1 : 2);
        if (marker == EOI) return false;
        if (marker == 0xff || marker == 0 || marker == SOI || marker == TEM ||
            (marker >= RST0 && marker <= RST7))
            continue;
        if (size - *at < 2) return false;
        const size_t length = (size_t)bytes[*at] << 8 | bytes[*at + 1];
        if (length < 2 || length > size - *at) return false;
        *out = (segment){marker, bytes + *at + 2, length - 2};
        *at += length;
        return true;
    }
    return false;
}

unsigned slc_jpeg_orientation(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    segment s;
    while (next_segment(bytes, size, &at, &s) && s.marker != SOS)
        if (s.marker == APP1 && s.size >= 6 && memcmp(s.data, "Exif\0", 5) == 0)
            return slc_exif_orientation(s.data + 6, s.size - 6);
    return 1;
}

uint64_t slc_jpeg_scans(const uint8_t *bytes, size_t size, uint64_t most)
{
    size_t at = 0;
    uint64_t scans = 0;
    segment s;
    while (scans <= most && next_segment(bytes, size, &at, &s))
        scans += s.marker == SOS;
    return scans;
}
