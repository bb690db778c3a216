/* Losses: from logits and targets to a number per image and its gradient. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/params.h"

/* Targets of a batch. Image i is label_a[i] with weight lambda[i], label_b[i] with the rest;
 * without mixing label_b and lambda are NULL. */
typedef struct slc_targets {
    const int32_t *label_a, *label_b;
    const float *lambda;
} slc_targets;

typedef struct slc_loss {
    slc_entry entry;
    /* Mean loss over n images in *value (double sums in index order). dlogits (n x classes,
     * may be NULL) is its gradient. each (n, may be NULL) is the loss of every image.
     * weight (classes, may be NULL) weighs classes as PyTorch: the mean divides by the sum
     * of weights. Pure; Threads: safe. */
    void (*run)(const void *settings, const float *logits, const slc_targets *targets,
                size_t n, size_t classes, const float *weight, double *value,
                float *dlogits, float *each);
} slc_loss;

extern SLC_API const slc_loss *const slc_losses[]; /* sorted by name, NULL at the end */

#endif
