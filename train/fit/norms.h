/* Statistics of batch norm, re-estimated. */
#ifndef TRAIN_FIT_NORMS_H
#define TRAIN_FIT_NORMS_H

#include "loader/loader.h"
#include "train/model.h"

/* Replaces the buffers by plain means over up to batches batches of the stream. The model
 * must be trainable; weights do not change. */
SLC_CHECKED slc_status slc_norms_measure(slc_model *model, slc_loader *loader,
                                         uint64_t batches, slc_err *err);

#endif
