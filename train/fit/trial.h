/* A small trial: some pictures held in memory as the net sees them, and a net to teach them to. */
#ifndef TRAIN_FIT_TRIAL_H
#define TRAIN_FIT_TRIAL_H

#include "train/fit/stepper.h"
#include "train/sanity.h"

typedef struct trial {
    const slc_sanity_settings *settings;
    slc_arena arena;
    slc_recipe_sources sources;
    slc_recipe_plans plans;
    slc_layout layout;
    size_t channels, height, width, classes;
    size_t count, each; /* pictures held, floats of one */
    float *pictures;
    int32_t *labels;
    uint64_t *index;      /* into the training source */
    const slc_node *spec; /* of the net: the recipe's, or what overfit makes of it */
    slc_model *model;
    stepper stepper;
    size_t batch;
    double lr; /* the highest of the steps */
} trial;

/* Opens the training data and keeps up to images pictures, drawn by the recipe's seed, as its eval
 * policy makes them. */
SLC_CHECKED slc_status slc_trial_open(trial *t, const slc_sanity_settings *settings,
                                      uint64_t images, slc_err *err);
void slc_trial_close(trial *t); /* accepts what open left */

/* A fresh net for batches of that many pictures; lr becomes the settings' or the recipe's. */
SLC_CHECKED slc_status slc_trial_net(trial *t, size_t batch, slc_err *err);

/* Cross-entropy and top-1 of pictures first to first + n with these labels; one batch at most in
 * TRAIN mode. */
typedef struct trial_score {
    double loss, top1;
} trial_score;
SLC_CHECKED slc_status slc_trial_score(trial *t, size_t first, size_t n,
                                       const int32_t *labels, slc_mode mode,
                                       trial_score *out, slc_err *err);

/* One step on pictures first to first + n: step from 1 of steps, rate rising over the first tenth
 * and falling to zero along a cosine in the second half. The score is of the forward pass, before the step. */
SLC_CHECKED slc_status slc_trial_step(trial *t, size_t first, size_t n,
                                      const int32_t *labels, uint64_t step,
                                      uint64_t steps, trial_score *out, slc_err *err);

#endif
