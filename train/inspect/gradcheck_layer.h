/* gradcheck, layer by layer of a net. */
#ifndef TRAIN_INSPECT_GRADCHECK_LAYER_H
#define TRAIN_INSPECT_GRADCHECK_LAYER_H

#include "train/inspect/reference.h"

/* *error: gradients of the definition of layer node, at its inputs in r (which has run forward),
 * against central differences: the worst of its inputs and tensors, relative to the length of
 * that one's gradient. Directions that lead over a kink do not count; *skipped is raised by one
 * for an input or tensor where all did, and *error is -1 if that is the whole layer. */
SLC_CHECKED slc_status slc_gradcheck_in_place(double *error, size_t *skipped,
                                              const slc_reference *r, size_t node,
                                              uint64_t seed, slc_err *err);

#endif
