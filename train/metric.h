/* Metrics: what a stream of logits and labels adds up to. */
#ifndef TRAIN_METRIC_H
#define TRAIN_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "train/loss.h"

enum { SLC_ECE_BINS = 15 };

/* Counts so far. Zero is not valid: slc_metric_create. */
typedef struct slc_metric {
    size_t classes, k; /* k of top-k: 5, or fewer classes */
    uint64_t count, hits, hits_k;
    double loss; /* sum */
    double soft,
        bound; /* sums of the target's weight at the prediction, and of its largest
                            weight: training accuracy with mixed labels and its ceiling */
    uint64_t *confusion; /* classes x classes: row = truth, column = prediction */
    uint64_t bin_count[SLC_ECE_BINS];
    double bin_hits[SLC_ECE_BINS], bin_confidence[SLC_ECE_BINS];
} slc_metric;
SLC_API SLC_CHECKED slc_status slc_metric_create(slc_metric *out, size_t classes,
                                                 slc_err *err);
SLC_API void slc_metric_free(slc_metric *metric);

/* Adds n images. real (may be NULL) is 0 for images that do not count; labels -1 do not
 * count either. each (may be NULL) is the loss per image. */
SLC_API void slc_metric_add(slc_metric *metric, const float *logits,
                            const slc_targets *targets, const uint8_t *real,
                            const float *each, size_t n);

/* Softmax of one row in double, and the index of the largest logit (the first of equals). */
SLC_API void slc_softmax(const float *logits, size_t classes, double *probs);
SLC_API size_t slc_argmax(const float *logits, size_t classes);

SLC_API double slc_metric_top1(const slc_metric *metric);
SLC_API double slc_metric_topk(const slc_metric *metric);
SLC_API double slc_metric_loss(const slc_metric *metric);
SLC_API double slc_metric_soft(const slc_metric *metric); /* soft-label accuracy */
SLC_API double slc_metric_bound(const slc_metric *metric);

/* Expected calibration error over 15 equal bins of confidence (Guo et al., ICML 2017). */
SLC_API double slc_metric_ece(const slc_metric *metric);

/* Of one class; 0 where the denominator is. */
typedef struct slc_class_score {
    uint64_t count;
    double precision, recall, f1;
} slc_class_score;
SLC_API slc_class_score slc_metric_class(const slc_metric *metric, size_t c);

/* The n largest cells off the diagonal, largest first (of equals the first row, then column);
 * how many there are. */
typedef struct slc_confused {
    size_t truth, prediction;
    uint64_t count;
} slc_confused;
SLC_API size_t slc_metric_confused(const slc_metric *metric, slc_confused *out, size_t n);

/* {"top1", "topk", "k", "loss", "count", "ece", "macro_precision", "macro_recall", "macro_f1",
 *  "classes": [{"name", "count", "precision", "recall", "f1"}], "confusion": [[...]],
 *  "confused": [{"truth", "prediction", "count"}], "reliability": [{"lo", "hi", "count", "accuracy",
 *  "confidence"}]}; names may be NULL: classes are then numbers. NULL if memory ran out; the
 * caller drops it. */
SLC_API json_t *slc_metric_json(const slc_metric *metric, const char *const *names);

#endif
