/* The learning-rate range test: train a few steps while the rate rises exponentially, and see
 * where the loss falls fastest and where it runs away (Smith, WACV 2017). */
#ifndef TRAIN_LR_FIND_H
#define TRAIN_LR_FIND_H

#include "train/fit.h"

typedef struct slc_lr_find_settings {
    const slc_recipe *recipe;
    size_t threads;
    double lo, hi;  /* rates of the first and the last step; 0 = 1e-5, 10 */
    uint64_t steps; /* 0 = 100 */
    double smooth;  /* share of the past in the smoothed loss; 0 = 0.98 */
    double diverge; /* stop at so many times the least smoothed loss; 0 = 4 */
    const slc_log *log;
    const atomic_int *stop;
} slc_lr_find_settings;

typedef struct slc_lr_find {
    size_t n;                     /* steps taken */
    double *lr, *loss, *smoothed; /* n each; smoothed as fastai: bias-corrected average */
    double
        steepest; /* rate where the smoothed loss falls fastest in log rate; NaN if it never does */
    double valley; /* rate two thirds along the longest fall; NaN if there is none */
    double least;  /* rate of the least smoothed loss, divided by 10 */
    bool diverged;
} slc_lr_find;

/* Trains a copy of the recipe's model on its training stream; nothing is written, the recipe's
 * own weights and data are as they were. Release with slc_lr_find_free, also after failure.
 * Errors: as slc_fit_run. */
SLC_API SLC_CHECKED slc_status slc_lr_find_run(slc_lr_find *out,
                                               const slc_lr_find_settings *settings,
                                               slc_err *err);
SLC_API void slc_lr_find_free(slc_lr_find *found);

/* Fills smoothed and the suggestions from lr and loss. Pure apart from found. */
SLC_API void slc_lr_find_suggest(slc_lr_find *found, double smooth);

#endif
