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

/* The target's weight on class c, smoothed, times the class's own. */
static inline double row_weighted(const row_target *t, size_t c, double smoothing,
                                  size_t classes, const float *weight)
{
    return row_smooth(t, c, smoothing, classes) * (weight ? (double)weight[c] : 1);
}

/* Loss of one row of logits against t; its gradient times scale goes to dz (may be NULL). */
typedef double row_loss(const void *settings, const float *z, const row_target *t,
                        size_t classes, const float *weight, double scale, float *dz);

/* The arguments of slc_loss.run after the settings. */
typedef struct row_batch {
    const float *logits;
    const slc_targets *targets;
    size_t n, classes;
    const float *weight;
    double *value;
    float *dlogits, *each;
} row_batch;

/* slc_loss.run of a loss that takes rows one by one: share * sum of the rows' losses / mass. */
static inline void row_run(row_loss *loss_of, const void *settings, const row_batch *b,
                           double mass, double share)
{
    const double scale = mass > 0 ? share / mass : 0;
    double total = 0;
    for (size_t i = 0; i < b->n; i++) {
        const row_target t = row_target_of(b->targets, i);
        float *dz = b->dlogits ? b->dlogits + i * b->classes : NULL;
        double loss = 0;
        if (t.counts)
            loss = loss_of(settings, b->logits + i * b->classes, &t, b->classes,
                           b->weight, scale, dz);
        else
            row_clear(dz, b->classes);
        total += loss;
        if (b->each) b->each[i] = (float)(loss * share);
    }
    *b->value = total * scale;
}

/* sum_c q_c (-log p_c) with q the weighted target; its gradient is p sum(q) - q. */
static inline double row_cross_entropy(double smoothing, const float *z,
                                       const row_target *t, size_t classes,
                                       const float *weight, double scale, float *dz)
{
    const double lse = row_lse(z, classes);
    double loss = 0, mass = 0;
    for (size_t c = 0; c < classes; c++) {
        const double q = row_weighted(t, c, smoothing, classes, weight);
        mass += q;
        loss += q * (lse - (double)z[c]);
    }
    for (size_t c = 0; dz && c < classes; c++) {
        const double q = row_weighted(t, c, smoothing, classes, weight);
        dz[c] = (float)((exp((double)z[c] - lse) * mass - q) * scale);
    }
    return loss;
}

#endif
