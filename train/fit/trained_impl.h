/* What opening a model of this program and importing another's have in common. */
#ifndef TRAIN_FIT_TRAINED_IMPL_H
#define TRAIN_FIT_TRAINED_IMPL_H

#include "train/fit.h"

/* A model of the net that spec describes, for t's input and classes. */
SLC_CHECKED slc_status slc_trained_make(slc_model **out, const slc_trained *t,
                                        const slc_node *spec,
                                        const slc_trained_settings *settings,
                                        slc_err *err);

#endif
