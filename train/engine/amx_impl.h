/* What amx.c and amx_learn.c share. */
#ifndef TRAIN_ENGINE_AMX_IMPL_H
#define TRAIN_ENGINE_AMX_IMPL_H

#include "train/engine/amx_sweep.h"
#include "train/engine/kernel_amx.h"

typedef struct slc_tiled {
    slc_geom geom;
    size_t threads;
    size_t ins, filter; /* inputs and taps as they are multiplied */
    size_t sweeps;      /* forward, weight gradients, and then data gradients */
    slc_sweep *sweep;
    size_t weights[2], room[2]; /* numbers: of weights, of a thread's; forward, data */
    uint64_t version;
    uint16_t *zeros; /* a pixel */
    float *plain;    /* weights in the order of runs; or NULL */
    uint16_t *u;     /* the weights of forward; NULL: made in scratch */
} slc_tiled;

static inline size_t slc_amx_sides(size_t c)
{
    return (c + SLC_TILE_SIDE - 1) / SLC_TILE_SIDE;
}

size_t slc_amx_learn_bytes(const slc_tiled *p); /* of scratch */
bool slc_amx_backward_weights(void *product, const slc_product_call *call);

#endif
