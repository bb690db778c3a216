/* Ensembles: several trained models as one. */
#ifndef TRAIN_ENSEMBLE_H
#define TRAIN_ENSEMBLE_H

#include "train/fit.h"

typedef enum slc_ensemble_mode {
    SLC_ENSEMBLE_LOGITS,  /* mean of the logits */
    SLC_ENSEMBLE_PROB,    /* mean of the probabilities */
    SLC_ENSEMBLE_VOTE,    /* majority */
    SLC_ENSEMBLE_WEIGHTS, /* one net with the mean of the weights */
    SLC_ENSEMBLE_SOUP /* the same, keeping only members that help on the validation set
                             (greedy soup: Wortsman et al., arXiv:2203.05482) */
} slc_ensemble_mode;

typedef struct slc_ensemble_settings {
    const char *const *paths; /* model files or run directories */
    size_t count;
    slc_ensemble_mode mode;
    const char *output;       /* model file to write; NULL = none */
    const slc_source *source; /* what to score on; NULL = the first recipe's test set */
    const char *data;         /* what to call it in the result */
    uint64_t norm_batches;    /* for batch-norm statistics of averaged weights; 0 = 100 */
    size_t threads;
    const slc_log *log;
    const atomic_int *stop;
} slc_ensemble_settings;

/* Scores the members and the ensemble and writes it. *result: {"mode", "top1", "loss", "members":
 * [{"path", "top1", "used"}], "best_member", "mean_member", "gain" (over the best member),
 * "disagreement" (mean over pairs: share of images answered differently), "metric": {...}}; the
 * caller drops it. Errors: SLC_EINVAL for members with other classes, input or preprocessing,
 * and for averaging weights of different nets or without common ancestry. */
SLC_API SLC_CHECKED slc_status slc_ensemble_run(const slc_ensemble_settings *settings,
                                                json_t **result, slc_err *err);

/* Writes output without scoring anything: paths, count, mode (one of the first three), output,
 * threads and log count. Errors: as above. */
SLC_API SLC_CHECKED slc_status slc_ensemble_write(const slc_ensemble_settings *settings,
                                                  slc_err *err);

#endif
