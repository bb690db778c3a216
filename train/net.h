/* Nets: what the layers are, before any engine runs them.
 *
 * A net is a list of nodes in execution order. Each node is a layer (a descriptor of
 * train/layer plus its settings), the nodes it reads, the shape of what it makes, and the
 * tensors it owns. Engines read nets; they never change them. */
#ifndef TRAIN_NET_H
#define TRAIN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/params.h"
#include "base/rng.h"
#include "train/model.h"

enum { SLC_MAX_INPUTS = 8, SLC_MAX_TENSORS = 6, SLC_NO_NODE = -1 };

/* Of one image. A vector of k features is k x 1 x 1. */
typedef struct slc_shape {
    size_t c, h, w;
} slc_shape;

static inline size_t slc_shape_size(slc_shape s)
{
    return s.c * s.h * s.w;
}

/* A tensor that a layer asks for. */
typedef struct slc_tensor_spec {
    const char *suffix; /* "weight": its name is the layer's, a dot and this */
    slc_role role;
    size_t rank, dim[4];
    const char *init; /* how it starts unless the recipe says otherwise: an init's name */
    double value;     /* of init "constant" */
    size_t fan_in;    /* of init "fan_in_uniform" on a bias: its layer's; else 0 */
} slc_tensor_spec;

/* The arguments of a layer's definition, in double, n x c x h x w. */
typedef struct slc_ref {
    const void *settings;
    size_t n, inputs;
    const slc_shape *in;
    slc_shape out;
    slc_mode mode;
    slc_rng rng;                     /* of this layer in this step */
    const double *x[SLC_MAX_INPUTS]; /* backward sees the forward's x, y and t */
    double *y;
    double *t[SLC_MAX_TENSORS]; /* its tensors, in the order of tensors() */
    const double *dy;
    double *dx[SLC_MAX_INPUTS];  /* written; NULL: not wanted */
    double *dt[SLC_MAX_TENSORS]; /* written; NULL for buffers */
} slc_ref;

/* A kind of layer. forward and backward are its definition: plain loops in double, against
 * which both engines and the gradient by central differences are tested. forward does not
 * move running statistics. */
typedef struct slc_layer {
    slc_entry entry;
    size_t min_inputs, max_inputs; /* 0, 0: one */
    slc_status (*shape)(const void *settings, const slc_shape *in, size_t inputs,
                        slc_shape *out, slc_err *err); /* NULL: as the input */
    size_t (*tensors)(const void *settings, const slc_shape *in,
                      slc_tensor_spec spec[SLC_MAX_TENSORS]); /* NULL: none */
    double (*flops)(const void *settings, const slc_shape *in,
                    slc_shape out); /* NULL: 0 */
    void (*forward)(const slc_ref *r);
    void (*backward)(const slc_ref *r);
} slc_layer;

extern SLC_API const slc_layer *const slc_layers[]; /* sorted by name, NULL at the end */

/* A family of ready nets. */
typedef struct slc_arch {
    slc_entry entry;
    /* Writes the net as the list of layers a recipe would hold (YAML flow, without the
     * brackets). The last layer gives classes outputs. */
    slc_status (*write)(const void *settings, slc_shape in, size_t classes, slc_str *out,
                        slc_err *err);
    slc_shape shape; /* the input it was made for; what listings and benchmarks use */
    size_t classes;
} slc_arch;

extern SLC_API const slc_arch *const slc_archs[]; /* sorted by name, NULL at the end */

/* What an init may ask about the tensor it fills. */
typedef struct slc_fill {
    size_t rank, dim[4], size;
    size_t fan_in, fan_out; /* in / groups x kernel area, out / groups x kernel area */
} slc_fill;

typedef struct slc_init {
    slc_entry entry;
    void (*fill)(const void *settings, const slc_fill *what, slc_rng *rng, float *out);
} slc_init;

extern SLC_API const slc_init *const slc_inits[]; /* sorted by name, NULL at the end */

typedef struct slc_net_node {
    const slc_layer *layer;
    const void *settings;
    const char *name;
    const slc_node *init; /* the recipe's wish for the weight's start, or NULL */
    size_t inputs;
    int from[SLC_MAX_INPUTS]; /* node numbers; SLC_NO_NODE is the net's input */
    slc_shape in[SLC_MAX_INPUTS], out;
    size_t tensor, tensors; /* first one and count in the net's list */
    double flops;
} slc_net_node;

typedef struct slc_net {
    slc_arena arena; /* holds all of it */
    slc_shape in;
    size_t classes;
    size_t nodes;
    slc_net_node *node;
    size_t tensors;
    slc_tensor_info *tensor;
    slc_tensor_spec *spec;   /* one per tensor */
    size_t weights, buffers; /* floats in the two blocks */
} slc_net;

/* Builds the net that spec describes for images of this shape. Errors: SLC_EINVAL with
 * the place in the recipe: unknown layer or key, a name used twice; SLC_EDATA for shapes that do
 * not fit (layer, expected, got), a last layer that does not give classes numbers. */
SLC_API SLC_CHECKED slc_status slc_net_build(slc_net **out, const slc_node *spec,
                                             slc_shape in, size_t classes, slc_err *err);
/* What can be said of a spec before its shapes are known: whether the net is in the list and takes
 * these keys. Layers are looked at by slc_net_build. Errors: SLC_EINVAL with line. */
SLC_API SLC_CHECKED slc_status slc_net_check(const slc_node *spec, slc_err *err);
SLC_API void slc_net_free(slc_net **net); /* accepts NULL inside */

/* Fills weights and buffers with what training starts from: each tensor from its own
 * stream (seed, tensor number). */
SLC_API SLC_CHECKED slc_status slc_net_start(const slc_net *net, uint64_t seed,
                                             float *weights, float *buffers,
                                             slc_err *err);

/* The stream of a layer's own draws in a step. */
SLC_API slc_rng slc_net_rng(uint64_t seed, uint64_t step, size_t node);

/* Element i of a stream of evenly spread words: what dropout compares with its threshold.
 * Any element may be asked for alone. */
static inline uint32_t slc_net_word(const slc_rng *rng, uint64_t i)
{
    uint32_t block[4];
    const uint32_t counter[4] = {(uint32_t)(i >> 2), rng->counter[1], rng->counter[2],
                                 rng->counter[3]};
    slc_philox(counter, rng->key, block);
    return block[i & 3];
}

#endif
