/* Making a model's probabilities honest: temperature scaling (Guo et al., ICML 2017). */
#ifndef TRAIN_CALIBRATE_H
#define TRAIN_CALIBRATE_H

#include "train/fit.h"

typedef struct slc_calibrate_settings {
    const char *path; /* model file or run directory; an ensemble too */
    const char
        *output; /* the same file with the temperature in its metadata; NULL = none */
    const slc_source *source; /* to fit on; NULL = the recipe's validation set */
    size_t threads;
    const slc_log *log;
    const atomic_int *stop;
} slc_calibrate_settings;

/* Finds the temperature on one set and measures on it and on the recipe's test set, if that can
 * be opened. *result: {"model", "temperature", "before" (the file's own, usually 1), "fit":
 * {"images", "ece_before", "ece_after", "loss_before", "loss_after"}, "test": the same or
 * absent}; the caller drops it. The answers stay, their probabilities change. Errors: SLC_EINVAL
 * without a validation set; slc_trained_open's and slc_fit_eval's. */
SLC_API SLC_CHECKED slc_status slc_calibrate_run(const slc_calibrate_settings *settings,
                                                 json_t **result, slc_err *err);

#endif
