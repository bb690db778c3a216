/* Convolutions and linear layers in bf16 on a processor's matrix tiles (AMX), for the engine
 * that multiplies bf16. */
#ifndef TRAIN_ENGINE_AMX_H
#define TRAIN_ENGINE_AMX_H

#include "train/engine/engine.h"

/* Whether the machine has tiles, and it pays: channels enough on both sides. */
bool slc_amx_fits(const slc_geom *geom, slc_dtype type);

/* Its state is a pointer to the number of threads; open and close are not there. */
extern const slc_engine slc_engine_amx;

#endif
