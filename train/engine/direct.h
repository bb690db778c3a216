/* Convolutions in f32 that Winograd's way does not fit, for both engines: 1 x 1, strided, and
 * others with many channels. */
#ifndef TRAIN_ENGINE_DIRECT_H
#define TRAIN_ENGINE_DIRECT_H

#include "train/engine/engine.h"

/* Whether it pays: enough channels on both sides, and a machine on which it was measured. */
bool slc_direct_fits(const slc_geom *geom, slc_dtype type);

/* Its state is a pointer to the number of threads; open and close are not there. */
extern const slc_engine slc_engine_direct;

#endif
