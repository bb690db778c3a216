/* Learning-rate schedules: the rate as a function of the step. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

#include "base/params.h"

/* Where in the run a step stands. Steps count from 0; a run has steps >= 1 of them. */
typedef struct slc_when {
    uint64_t step, steps, steps_per_epoch;
    uint64_t warmup; /* steps spent warming up: annealing begins after them */
    double base_lr, base_momentum;
    const double *loss, *top1; /* plateau: validation so far, one per evaluation */
    uint64_t evaluations;
} slc_when;

typedef struct slc_rate {
    double lr, momentum; /* momentum < 0: unchanged */
    double progress;     /* share of the run's steps that are done after this one */
} slc_rate;

typedef struct slc_schedule {
    slc_entry entry;
    slc_rate (*at)(const void *settings, const slc_when *when); /* pure */

    /* Refuses settings that make no sense for this run (when->step is 0); NULL = never. */
    slc_status (*check)(const void *settings, const slc_when *when, slc_err *err);
    bool warms_up;     /* has a warm-up of its own and takes no other */
    bool uses_history; /* reads when->loss or top1 */
} slc_schedule;

extern SLC_API const slc_schedule
    *const slc_schedules[]; /* sorted by name, NULL at the end */

typedef enum slc_warmup_kind { SLC_WARMUP_LINEAR, SLC_WARMUP_CONSTANT } slc_warmup_kind;

/* What precedes any schedule: start * lr, rising to lr (linear) or staying (constant). */
typedef struct slc_warmup {
    double epochs;
    int64_t steps; /* counted when epochs is 0 */
    double start;  /* factor */
    int kind;      /* slc_warmup_kind */
} slc_warmup;
SLC_API extern const slc_param slc_warmup_params[]; /* names begin with "warmup_" */

SLC_API uint64_t slc_warmup_steps(const slc_warmup *warmup, uint64_t steps_per_epoch);

/* The rate of a step: warm-up, then the schedule. when->warmup is set by this function. */
SLC_API slc_rate slc_schedule_rate(const slc_schedule *schedule, const void *settings,
                                   const slc_warmup *warmup, const slc_when *when);

/* Errors: SLC_EINVAL with one sentence if schedule and warm-up do not fit the run: zero
 * steps, a warm-up as long as the run, a warm-up before one_cycle. */
SLC_API SLC_CHECKED slc_status slc_schedule_check(const slc_schedule *schedule,
                                                  const void *settings,
                                                  const slc_warmup *warmup,
                                                  const slc_when *when, slc_err *err);

#endif
