/* Histograms of weights, gradients and updates, per tensor. */
#ifndef TRAIN_HISTOGRAM_H
#define TRAIN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "train/model.h"

enum { SLC_HISTOGRAM_BINS = 40 };

typedef struct slc_histogram {
    double lo, hi; /* of the bins, equal in width */
    uint64_t count[SLC_HISTOGRAM_BINS];
    double mean, std, norm; /* Euclidean */
    size_t n;
} slc_histogram;

SLC_API slc_histogram slc_histogram_of(const float *values, size_t n);

/* Of log10 |w - before| / |before|, value by value; values that did not move or were 0 are left out. */
SLC_API slc_histogram slc_histogram_of_update(const float *w, const float *before,
                                              size_t n);

/* {"epoch", "tensors": [{"name", "shape", "weight": {...}, "gradient": {...}, "update": {...},
 * "update_ratio"}]} of a model after a step; before are its weights before that step (NULL: no update).
 * update_ratio is |w - before| / |before| of the tensor as a whole (Euclidean). */
SLC_API json_t *slc_histogram_line(slc_model *model, const float *before, uint64_t epoch);

#endif
