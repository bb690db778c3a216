/* The WebP encoder. */
#ifndef AUGMENT_CODEC_WEBP_WRITE_H
#define AUGMENT_CODEC_WEBP_WRITE_H

#include "augment/codec.h"

typedef struct slc_webp_settings {
    int64_t quality, effort;
    bool lossless;
} slc_webp_settings;

extern const slc_param slc_webp_params[];

slc_status slc_webp_encode(const void *settings, const slc_image *image, slc_str *out,
                           slc_err *err);

#endif
