/* The settings of each kind of layer, shared by its definition (train/layer) and its
 * kernels (train/engine). */
#ifndef TRAIN_LAYER_H
#define TRAIN_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "train/net.h"

typedef struct slc_conv_settings {
    int64_t out, kernel, stride, padding, dilation, groups;
    bool bias;
} slc_conv_settings;

/* linear, and drop_connect, whose weights are dropped with probability p while training. */
typedef struct slc_linear_settings {
    int64_t out;
    bool bias;
    double p;
} slc_linear_settings;

/* batch_norm, layer_norm and group_norm; each uses what it needs. */
typedef struct slc_norm_settings {
    double eps, momentum;
    bool scale, shift;
    int64_t groups;
} slc_norm_settings;

/* All activations: a is the slope of leaky_relu, the alpha of elu, the ceiling of relu. */
typedef struct slc_act_settings {
    double a;
} slc_act_settings;

typedef struct slc_pool_settings {
    int64_t kernel, stride, padding; /* stride 0: as the kernel */
    bool count_padding;              /* avg_pool: divide by the whole window */
} slc_pool_settings;

typedef struct slc_drop_settings {
    double p;
    bool classic; /* scale when evaluating instead of when training */
} slc_drop_settings;

typedef struct slc_se_settings {
    int64_t squeeze;
} slc_se_settings;

typedef struct slc_scale_settings {
    double by;
} slc_scale_settings;

/* Activations as functions: kind by layer name, the same for the definition and kernels. */
typedef enum slc_act {
    SLC_ACT_RELU,
    SLC_ACT_LEAKY_RELU,
    SLC_ACT_ELU,
    SLC_ACT_GELU,
    SLC_ACT_SILU,
    SLC_ACT_SIGMOID,
    SLC_ACT_TANH,
    SLC_ACT_HARD_SWISH,
    SLC_ACT_COUNT
} slc_act;

/* Which one a layer is; SLC_ACT_COUNT if it is none. */
slc_act slc_act_of(const slc_layer *layer);

/* The layer called name; NULL if there is none. */
const slc_layer *slc_layer_named(const char *name);

/* Out of (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1; 0 if it does not fit. */
size_t slc_window_out(size_t size, int64_t kernel, int64_t stride, int64_t padding,
                      int64_t dilation);

#endif
