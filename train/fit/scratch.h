/* A run that leaves nothing behind: for steps that only measure. */
#ifndef TRAIN_FIT_SCRATCH_H
#define TRAIN_FIT_SCRATCH_H

#include "train/fit/run.h"

typedef struct scratch {
    slc_fit_settings settings; /* with a directory that is gone when it is closed */
    char dir[256];
    run run;
} scratch;

/* Opens the run and its training stream. The run keeps a pointer into *s: do not move it, and
 * close it also after a failure. */
SLC_CHECKED slc_status slc_scratch_open(scratch *s, const slc_fit_settings *settings,
                                        slc_err *err);
void slc_scratch_close(scratch *s);

/* One batch and one step at that rate; *loss is the mean over the batch, or not finite if the
 * loss (then also SLC_EDATA) or a gradient was no number. Other errors leave it 0. */
SLC_CHECKED slc_status slc_scratch_step(scratch *s, double lr, double *loss,
                                        slc_err *err);

#endif
