/* How wide a signal is after every layer, forward and backward: what initialisations are for. */
#ifndef TRAIN_SPREAD_H
#define TRAIN_SPREAD_H

#include "train/net.h"

typedef struct slc_spread {
    double forward;  /* variance of the layer's outputs */
    double backward; /* variance of the gradient that comes back to them */
} slc_spread;

/* out[net->nodes]: images of standard normal noise go through the net in training mode, and noise of
 * variance 1 comes back from its end; in double, by the layers' definitions (slow: some ten seconds
 * for a GFLOP). weights and buffers: the model's blocks. Source: Glorot & Bengio, AISTATS 2010, figures 6
 * and 7. Threads: pure. */
SLC_API SLC_CHECKED slc_status slc_spread_measure(slc_spread *out, const slc_net *net,
                                                  const float *weights,
                                                  const float *buffers, size_t images,
                                                  uint64_t seed, slc_err *err);

#endif
