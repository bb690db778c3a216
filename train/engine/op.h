/* The ops' files, private to the engine. */
#ifndef TRAIN_ENGINE_OP_H
#define TRAIN_ENGINE_OP_H

#include "train/engine/exec.h"
#include "train/engine/shares.h"

/* Lanes 0 to SLC_LANES - 1 of a batch, shared out to threads. */
#define SLC_LANES_SHARED(c, i)                                                           \
    slc_shares i##_shares;                                                               \
    slc_shares_set(&i##_shares, SLC_LANES, (size_t)(c)->threads);                        \
    _Pragma("omp parallel num_threads((c)->threads)") SLC_EACH_SHARE (i##_shares, i)

#define SLC_RUN(name) extern const slc_run slc_run_##name;
#include "train/engine/op_list.h"
#undef SLC_RUN

#endif
