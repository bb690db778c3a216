/* Uncertainty by Monte Carlo dropout: many passes, dropout drawing, batch norm at rest. */
#ifndef TRAIN_UNCERTAINTY_H
#define TRAIN_UNCERTAINTY_H

#include "train/fit.h"

/* One picture after all passes; entropies in nats. */
typedef struct slc_doubt {
    uint64_t index;
    bool seen;         /* false if it could not be read: nothing below means anything */
    int32_t label;     /* -1 = unknown */
    size_t best;       /* class of the mean distribution */
    double confidence; /* its mean probability */
    double entropy;    /* of the mean distribution: all uncertainty */
    double mutual; /* entropy minus the mean of the passes' entropies: what the weights do
                          not know (Gal & Ghahramani, ICML 2016; Houlsby et al. 2011) */
    double variance; /* of the best class's probability over the passes */
} slc_doubt;

/* Runs the loader of settings passes times; only the first tells of pictures that cannot be read.
 * out has one entry per picture of the source, in the order of the source. Errors: SLC_EINVAL if
 * the net has no dropout (passes do not differ). */
SLC_API SLC_CHECKED slc_status slc_doubt_run(const slc_trained *trained,
                                             const slc_loader_settings *settings,
                                             uint64_t passes, const atomic_int *stop,
                                             slc_doubt *out, slc_err *err);

/* Chance that a value drawn from high is larger than one from low (ties count half): the
 * area under the ROC curve. Both lists are sorted in place. */
SLC_API double slc_auroc(double *low, size_t low_count, double *high, size_t high_count);

#endif
