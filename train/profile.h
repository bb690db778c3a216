/* Where a training step's time goes: each step of the plan, forward and backward. */
#ifndef TRAIN_PROFILE_H
#define TRAIN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "train/model.h"

typedef enum slc_part {
    SLC_PART_FORWARD,
    SLC_PART_DATA, /* gradient of the input; of layers that are no products, all of backward */
    SLC_PART_WEIGHTS,
    SLC_PARTS
} slc_part;

/* One step of the plan: a layer, with a following add and relu where they run inside it. */
typedef struct slc_profile_row {
    const char *name, *type; /* borrowed from the model */
    bool add, relu;
    size_t channels, height, width; /* of the output */
    double ms[SLC_PARTS];           /* of the last training step */
    double gflop[SLC_PARTS];        /* of a plain convolution or matrix product, whatever
                                       algorithm runs; 0 where nothing is multiplied */
} slc_profile_row;

/* Begins to measure, or ends. Off, a step costs nothing more; on, two looks at the clock for
 * each row. Errors: SLC_ENOMEM. */
SLC_API SLC_CHECKED slc_status slc_model_profile(slc_model *model, bool on, slc_err *err);

/* Rows in the order of the forward pass; 0 if nothing was measured. */
SLC_API size_t slc_model_profile_rows(const slc_model *model);
SLC_API slc_profile_row slc_model_profile_row(const slc_model *model, size_t i);

/* What this machine multiplies at most in f32, in GFLOP/s: the best of several products of
 * 1024 x 1024 matrices by OpenBLAS, one on each thread. Half a second. 0: memory ran out. */
SLC_API double slc_product_limit(size_t threads);

#endif
