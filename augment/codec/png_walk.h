/* A PNG file's chunks, walked without decoding anything (ISO/IEC 15948, clause 5). */
#ifndef AUGMENT_CODEC_PNG_WALK_H
#define AUGMENT_CODEC_PNG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct slc_png_facts {
    size_t w, h;
    unsigned bits, colour_type, orientation;
    bool transparent; /* has a tRNS chunk */
    bool animated;
    uint64_t ancillary; /* chunks that are not needed to show the picture */
} slc_png_facts;

/* False if the bytes do not begin as a PNG with a complete header. */
bool slc_png_walk(slc_png_facts *out, const uint8_t *bytes, size_t size);

#endif
