/* Optimizers: how weights move, given their gradients. */
#ifndef TRAIN_OPTIM_H
#define TRAIN_OPTIM_H

#include <stddef.h>
#include <stdint.h>

#include "base/params.h"

enum { SLC_MAX_SLOTS = 4 };

/* What changes from step to step or from range to range; the rest is in the settings. */
typedef struct slc_step {
    uint64_t step;   /* from 1 */
    double lr;       /* after schedule and group factor */
    double decay;    /* weight decay of this range; 0 for biases and norms unless asked */
    double momentum; /* < 0: the settings' own (one_cycle moves it) */
    size_t
        rows; /* of a weight matrix: its first dimension; 0 = not one, or a range of it */
    bool plain;     /* move it as what is no matrix */
    float *scratch; /* the caller's, of scratch() floats */
} slc_step;

typedef struct slc_optim {
    slc_entry entry; /* settings begin with slc_optim_common */
    size_t slots; /* arrays of state per weight array, each as long, zero at the start */

    /* Moves n weights w against their gradients g. Touches only w[0..n), slot[k][0..n) and scratch:
     * disjoint ranges may be stepped by different threads, and the result does not depend
     * on how the range was cut. Optimizers that need a norm per tensor (lamb) set by_tensor
     * and are called once per tensor. */
    void (*run)(const void *settings, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS]);
    bool by_tensor;

    /* Moves matrices in a way of its own: floats of scratch it needs for one of n weights.
     * Not NULL sets step's rows and plain; by_tensor is set too. */
    size_t (*scratch)(size_t rows, size_t n);

    /* How many of the slots these settings really use; NULL = all of them. */
    size_t (*need)(const void *settings);
} slc_optim;

/* The first member of every optimizer's settings, and the first two lines of its table. */
typedef struct slc_optim_common {
    double lr;
    double weight_decay;
} slc_optim_common;

extern SLC_API const slc_optim *const slc_optims[]; /* sorted by name, NULL at the end */

#endif
