/* dst = a * lambda + b * (1 - lambda), n elements of type; dst may be a. Floats: both
 * products and the sum rounded to float32; u8: rounded to nearest. */
#ifndef AUGMENT_KERNEL_LERP_H
#define AUGMENT_KERNEL_LERP_H

#include <stddef.h>

#include "base/dtype.h"
#include "base/isa.h"

typedef void slc_lerp_fn(void *dst, const void *a, const void *b, size_t n,
                         slc_dtype type, float lambda);
slc_lerp_fn slc_lerp_c;
extern slc_lerp_fn *const slc_lerp[SLC_ISA_COUNT];

#endif
