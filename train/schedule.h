/* Learning-rate schedules: a factor of the base rate as a function of the step. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

#include "base/params.h"

/* Where in the run a step stands. Steps count from 0; a run has steps >= 1 of them. */
typedef struct slc_when {
    uint64_t step, steps, steps_per_epoch;
    double base_lr, base_momentum;
    const double *history; /* plateau: the watched metric of each finished epoch */
    uint64_t epochs_done;
} slc_when;

typedef struct slc_rate {
    double lr, momentum; /* momentum < 0: unchanged */
} slc_rate;

typedef struct slc_schedule {
    slc_entry entry;
    slc_rate (*at)(const void *settings, const slc_when *when); /* pure */
} slc_schedule;

extern SLC_API const slc_schedule
    *const slc_schedules[]; /* sorted by name, NULL at the end */

#endif
