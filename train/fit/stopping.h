/* When to stop: rules over what the epochs so far came to. */
#ifndef TRAIN_FIT_STOPPING_H
#define TRAIN_FIT_STOPPING_H

#include "train/recipe.h"

/* One entry per evaluation, in order. */
typedef struct stopping_history {
    const double *val_loss, *val_top1;
    size_t evaluations;
    const double *train_loss; /* one per epoch */
    size_t epochs;
} stopping_history;

/* Is a better than b in this metric by more than min_delta? */
bool slc_stopping_better(int metric, double a, double b, double min_delta);

/* The best evaluation (the first of equals), SIZE_MAX if there is none. */
size_t slc_stopping_best(int metric, const stopping_history *h);

/* True if the rule says stop; reason (size bytes) then says why. Patience counts evaluations
 * since the last improvement by more than min_delta; GL, PQ and UP: Prechelt, "Early
 * stopping - but when?" (1998), on the validation loss. */
bool slc_stopping_says(const slc_early_stop *rule, const stopping_history *h,
                       char *reason, size_t size);

#endif
