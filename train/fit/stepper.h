/* One optimizer step: clip, move, average, in one pass over the flat block. */
#ifndef TRAIN_FIT_STEPPER_H
#define TRAIN_FIT_STEPPER_H

#include "train/model.h"
#include "train/recipe.h"

enum { STEPPER_CHUNK = 8192 }; /* floats: w, g and two slots of a chunk fit into L2 */

/* A run of weights with one rate and one decay, or a piece of it. */
typedef struct stepper_chunk {
    size_t offset, size;
    double lr_factor, decay;
    size_t rows; /* of a matrix that is moved whole */
    bool plain;
    uint64_t since; /* steps done before it began to learn */
} stepper_chunk;

typedef struct stepper_unit {
    size_t offset, size; /* weights that AGC clips together */
} stepper_unit;

typedef struct stepper {
    slc_model *model;
    const slc_recipe *recipe;
    size_t count, slots, threads;
    uint64_t
        thawed; /* steps done before train.freeze's tensors learn: their moments begin then */
    float *slot[SLC_MAX_SLOTS];
    float *slow;    /* lookahead; NULL = off */
    float *ema;     /* NULL = off */
    float *scratch; /* of each thread, scratch_size floats */
    size_t scratch_size;
    stepper_chunk *chunks;
    size_t chunk_count;
    double *sums;        /* one per chunk */
    stepper_unit *units; /* adaptive clipping; NULL = off */
    size_t unit_count;
} stepper;

typedef struct stepper_result {
    double norm, clipped; /* of all gradients that move, before and after clipping */
} stepper_result;

/* Errors: SLC_EINVAL for groups and freezing patterns that match nothing. */
SLC_CHECKED slc_status slc_stepper_create(stepper *out, slc_model *model,
                                          const slc_recipe *recipe, size_t threads,
                                          slc_err *err);
void slc_stepper_free(stepper *s);

/* Cuts the block anew: after freezing or thawing. */
SLC_CHECKED slc_status slc_stepper_cut(stepper *s, slc_err *err);

/* The norm of the gradients as they are; fixed order, double: the same bits for any number
 * of threads. */
double slc_stepper_norm(stepper *s);

/* Clips and moves; at counts from 1, ema_share < 0: no averaging this time. If norm is not
 * finite nothing is touched. */
stepper_result slc_stepper_step(stepper *s, uint64_t step, slc_rate rate,
                                double ema_share);

#endif
