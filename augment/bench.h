/* How fast ops are: each alone, on one thread, on a synthetic picture. */
#ifndef AUGMENT_BENCH_H
#define AUGMENT_BENCH_H

#include "augment/op.h"

typedef struct slc_bench {
    const char *op, *settings; /* what was run; settings as YAML */
    size_t w, h;               /* of the picture it got */
    uint64_t runs;
    double images_per_second;
} slc_bench;

/* Runs an op with its example settings (or its defaults) on a picture of side x side px and
 * three channels, with a draw of its own each time, for about the given seconds, and reports
 * the fastest of five parts. Ops that resample get 9/4 x 5/3 of that (504 x 373 px for
 * 224), the size of an ordinary photo in a data set. Ops of the tail (normalize...) are timed as
 * the write of a float32 NCHW tensor; whiten on 16 x 16 px, with statistics measured on the
 * picture itself. Errors: SLC_EINVAL if the op refuses that size, SLC_ENOMEM, SLC_EIO. */
SLC_API SLC_CHECKED slc_status slc_bench_op(const slc_op *op, size_t side, double seconds,
                                            slc_isa isa, slc_bench *out, slc_err *err);

/* The picture: smooth colours and some noise, the same for everyone. */
SLC_API SLC_CHECKED slc_status slc_bench_picture(slc_image *out, slc_arena *arena,
                                                 size_t w, size_t h, size_t channels,
                                                 slc_err *err);

#endif
