/* 3 x 3 convolutions of stride 1 in f32 by Winograd's F(4 x 4, 3 x 3), for both engines. */
#ifndef TRAIN_ENGINE_WINOGRAD_H
#define TRAIN_ENGINE_WINOGRAD_H

#include "train/engine/engine.h"

/* Whether it pays: enough channels for a matrix product, pixels enough for tiles. */
bool slc_winograd_fits(const slc_geom *geom, slc_dtype type);

/* Its state is a pointer to the number of threads; open and close are not there. */
extern const slc_engine slc_engine_winograd;

#endif
