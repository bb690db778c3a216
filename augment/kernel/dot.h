/* The sum of a[i] * b[i], in sixteen partial sums that depend on i alone, added in order:
 * every variant gives the same bits. */
#ifndef AUGMENT_KERNEL_DOT_H
#define AUGMENT_KERNEL_DOT_H

#include <stddef.h>

#include "base/isa.h"

typedef float slc_dot_fn(const float *a, const float *b, size_t n);
slc_dot_fn slc_dot_c, slc_dot_avx2;
extern slc_dot_fn *const slc_dot[SLC_ISA_COUNT];

#endif
