/* Running a net by its layers' definitions, in double. Slow, and right. */
#ifndef TRAIN_INSPECT_REFERENCE_H
#define TRAIN_INSPECT_REFERENCE_H

#include "train/net.h"

typedef struct slc_reference {
    const slc_net *net;
    size_t n;
    uint64_t seed, step;
    slc_mode mode;
    double *weights, *buffers, *grads; /* the model's blocks */
    double *x, **y, **dy;              /* input; outputs and their gradients by node */
} slc_reference;

SLC_CHECKED slc_status slc_reference_open(slc_reference *r, const slc_net *net, size_t n,
                                          slc_err *err);
void slc_reference_close(slc_reference *r);
void slc_reference_forward(slc_reference *r);

/* From the gradient of the last node's output, already in dy[nodes - 1]. */
SLC_CHECKED slc_status slc_reference_backward(slc_reference *r, slc_err *err);

/* The arguments of node i's definition. dx stays NULL. */
slc_ref slc_reference_at(const slc_reference *r, size_t i);

#endif
