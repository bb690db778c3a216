/* What losses share: one image's row of logits and its target distribution. Everything is
 * computed in double: classes are few, and gradients are checked against differences. */
#ifndef TRAIN_LOSS_ROW_H
#define TRAIN_LOSS_ROW_H

#include <math.h>
#include <stdbool.h>

#include "train/loss.h"

/* An image's target: class a with weight lambda, class b with the rest. */
typedef struct row_target {
    size_t a, b;
    double lambda;
    bool counts; /* a label of -1 means that the image does not count */
} row_target;

static inline row_target row_target_of(const slc_targets *targets, size_t i)
{
    const int32_t a = targets->label_a[i];
    const int32_t b = targets->label_b ? targets->label_b[i] : a;
    return (row_target){.a = (size_t)a,
                        .b = (size_t)b,
                        .lambda = targets->lambda ? (double)targets->lambda[i] : 1,
                        .counts = a >= 0 && b >= 0};
}

/* The target's weight on class c, without and with smoothing. */
static inline double row_at(const row_target *t, size_t c)
{
    return (c == t->a ? t->lambda : 0) + (c == t->b ? 1 - t->lambda : 0);
}

static inline double row_smooth(const row_target *t, size_t c, double smoothing,
                                size_t classes)
{
    return (1 - smoothing) * row_at(t, c) + smoothing / (double)classes;
}

/* What the image counts in a mean: PyTorch's sum of class weights. */
static inline double row_mass(const row_target *t, const float *weight)
{
    if (!t->counts) return 0;
    if (!weight) return 1;
    return t->lambda * (double)weight[t->a] + (1 - t->lambda) * (double)weight[t->b];
}

static inline double row_mass_sum(const slc_targets *targets, size_t n,
                                  const float *weight)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const row_target t = row_target_of(targets, i);
        sum += row_mass(&t, weight);
    }
    return sum;
}

/* log(sum exp(z)): log p_c = z_c - this. */
static inline double row_lse(const float *z, size_t classes)
{
    double top = (double)z[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        if ((double)z[c] > top) top = (double)z[c];
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)z[c] - top);
    return top + log(sum);
}

static inline void row_clear(float *dlogits, size_t classes)
{
    for (size_t c = 0; dlogits && c < classes; c++)
        dlogits[c] = 0;
}

#endif
