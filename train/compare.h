/* Comparing two models on the same images, and making probabilities honest. */
#ifndef TRAIN_COMPARE_H
#define TRAIN_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct slc_comparison {
    uint64_t n, both, only_a, only_b;  /* images answered rightly by both, by one */
    double top1_a, top1_b, difference; /* b - a */
    double lo, hi;  /* 95 % bootstrap interval of the difference (percentiles) */
    double p_value; /* McNemar's exact test, two-sided: is the difference chance? */
} slc_comparison;

/* right_a[i], right_b[i]: was image i answered rightly. The bootstrap draws whole images,
 * resamples times, from seed. Source: McNemar, Psychometrika 12 (1947); Efron (1979). */
SLC_API slc_comparison slc_compare(const uint8_t *right_a, const uint8_t *right_b,
                                   uint64_t n, uint64_t resamples, uint64_t seed);

/* The temperature T that makes softmax(logits / T) the most likely for the labels (-1 is left
 * out): Guo et al., ICML 2017. Golden section on log T within [1/20, 20]; 1 without labels. */
SLC_API double slc_fit_temperature(const float *logits, const int32_t *labels, size_t n,
                                   size_t classes);

#endif
