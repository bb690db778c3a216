/* What several schedules share: progress after the warm-up and the half cosine. */
#ifndef TRAIN_SCHEDULE_SHAPE_H
#define TRAIN_SCHEDULE_SHAPE_H

#include <math.h>

#include "train/schedule.h"

/* Steps after the warm-up, and how many of them the run has (at least 1). */
static inline double shape_done(const slc_when *when)
{
    return when->step > when->warmup ? (double)(when->step - when->warmup) : 0;
}

static inline double shape_total(const slc_when *when)
{
    return when->steps > when->warmup ? (double)(when->steps - when->warmup) : 1;
}

/* From a at part 0 to b at part 1 along half a cosine. */
static inline double shape_cosine(double a, double b, double part)
{
    return b + (a - b) / 2 * (1 + cos(3.14159265358979323846 * part));
}

/* Whole epochs, or steps, since the start of the run. */
typedef enum shape_unit { SHAPE_EPOCH, SHAPE_STEP } shape_unit;

static inline double shape_units(const slc_when *when, int unit)
{
    if (unit == SHAPE_STEP || when->steps_per_epoch == 0) return (double)when->step;
    return (double)(when->step / when->steps_per_epoch);
}

static inline slc_rate shape_rate(double lr)
{
    return (slc_rate){.lr = lr, .momentum = -1};
}

#endif
