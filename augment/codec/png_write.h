/* The PNG encoder. */
#ifndef AUGMENT_CODEC_PNG_WRITE_H
#define AUGMENT_CODEC_PNG_WRITE_H

#include "augment/codec.h"

typedef struct slc_png_settings {
    int64_t level;
} slc_png_settings;

extern const slc_param slc_png_params[];

slc_status slc_png_encode(const void *settings, const slc_image *image, slc_str *out,
                          slc_err *err);

#endif
