/* The ops' files, private to the engine. */
#ifndef TRAIN_ENGINE_OP_H
#define TRAIN_ENGINE_OP_H

#include "train/engine/exec.h"

#define SLC_RUN(name) extern const slc_run slc_run_##name;
#include "train/engine/op_list.h"
#undef SLC_RUN

#endif
