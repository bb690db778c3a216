/* What a run would take, from its first steps: they are made, timed and thrown away. */
#ifndef TRAIN_REHEARSE_H
#define TRAIN_REHEARSE_H

#include "train/fit.h"

typedef struct slc_rehearsal {
    uint64_t images, val_images,
        test_images;                /* of the parts of the data; 0 = no such part */
    size_t channels, height, width; /* of what the net sees */
    slc_model_facts model;
    char engine[96];
    uint64_t steps_per_epoch, steps; /* of the whole run; under a time budget: about */
    uint64_t tried;                  /* steps that the figures come from */
    double step_seconds;             /* of one step; the slower kind if a net thaws */
    double eval_seconds;  /* of one evaluation; 0 = there is nothing to evaluate */
    double seconds;       /* of the whole run, unless a rule ends it earlier */
    uint64_t cache_bytes; /* what the loader's cache will hold when it is full */
    uint64_t more_bytes;  /* of these, not yet held when the rehearsal ended */
} slc_rehearsal;

/* Opens everything the run would open, makes steps at rate 0 for about two seconds (at least two
 * steps) and closes it again; nothing stays on disk, and settings->run is not looked at. Times
 * hold for a machine as busy as it is now. Errors: as slc_fit_run. */
SLC_API SLC_CHECKED slc_status slc_rehearse(slc_rehearsal *out,
                                            const slc_fit_settings *settings,
                                            slc_err *err);

#endif
