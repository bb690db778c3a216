/* A copy of an image with a margin round it, for filters. */
#ifndef AUGMENT_OP_BORDERED_H
#define AUGMENT_OP_BORDERED_H

#include "augment/kernel/move.h"
#include "augment/op.h"

/* out shows in itself, but up to margin px outside it may be read; at() names the pixel that
 * stands there (slc_edge_at, slc_reflect_at). Rows have 80 bytes more behind the margin. */
SLC_CHECKED slc_status slc_bordered(slc_image *out, const slc_image *in, size_t margin_x,
                                    size_t margin_y, size_t (*at)(ptrdiff_t, size_t),
                                    slc_arena *arena, slc_err *err);

#endif
