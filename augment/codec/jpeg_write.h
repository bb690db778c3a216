/* The JPEG encoder. */
#ifndef AUGMENT_CODEC_JPEG_WRITE_H
#define AUGMENT_CODEC_JPEG_WRITE_H

#include "augment/codec.h"

typedef struct slc_jpeg_settings {
    int64_t quality, restart;
    int subsampling;
    bool progressive, optimize;
} slc_jpeg_settings;

extern const slc_param slc_jpeg_params[];

slc_status slc_jpeg_encode(const void *settings, const slc_image *image, slc_str *out,
                           slc_err *err);

#endif
