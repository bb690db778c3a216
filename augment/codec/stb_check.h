/* What stb_image takes on trust, checked before it sees a file: sizes against the limits and
 * against what is there, palettes, run lengths. complete: also that all pixels are there
 * (unless truncation is accepted). */
#ifndef AUGMENT_CODEC_STB_CHECK_H
#define AUGMENT_CODEC_STB_CHECK_H

#include "augment/codec.h"

slc_status slc_bmp_check(slc_image_info *out, const uint8_t *bytes, size_t size,
                         const slc_decode *how, bool complete, slc_err *err);
slc_status slc_tga_check(slc_image_info *out, const uint8_t *bytes, size_t size,
                         const slc_decode *how, bool complete, slc_err *err);

/* TGA has no magic: every field of its header must make sense, and no text does. */
bool slc_is_tga(const uint8_t *bytes, size_t size);

#endif
