/* Point operations: histograms, colour matrices. Exact: every variant gives the same
 * bytes. dst may be src. channels is 1 or 3. */
#ifndef AUGMENT_KERNEL_POINT_H
#define AUGMENT_KERNEL_POINT_H

#include <stddef.h>
#include <stdint.h>

#include "augment/image.h"

/* The histogram of each channel; zeros for channels that a grey image lacks. */
void slc_hist(uint32_t hist[3][256], const slc_image *image);

/* out[c] = clamp(floor(m[c][0] r + m[c][1] g + m[c][2] b + m[c][3] + 0.5)), in float32, summed
 * left to right; three channels. */
typedef void slc_colour_fn(uint8_t *dst, const uint8_t *src, size_t w,
                           const float m[3][4]);
slc_colour_fn slc_colour_c;
extern slc_colour_fn *const slc_colour_row[SLC_ISA_COUNT];

#endif
