/* Products of bf16 where nothing multiplies bf16: read into f32, multiplied there, rounded
 * once when stored. What a bf16 product gives, but for the order of its sums. */
#ifndef TRAIN_ENGINE_WIDENED_H
#define TRAIN_ENGINE_WIDENED_H

#include "train/engine/engine.h"

/* Its state: who multiplies f32. Copied when a product is made; open and close are not there. */
typedef struct slc_widening {
    const slc_engine *by;
    void *state;
    size_t threads;
} slc_widening;

extern const slc_engine slc_engine_widened;

#endif
