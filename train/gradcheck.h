/* Gradients checked: a net's definition in double against central differences, an engine
 * against the definition, and losses against differences of their values. */
#ifndef TRAIN_GRADCHECK_H
#define TRAIN_GRADCHECK_H

#include "train/loss.h"
#include "train/net.h"

/* One layer where it stands in the net. */
typedef struct slc_gradcheck_layer {
    char name[64];
    const char *type;
    double
        numeric; /* its definition against central differences, in place; < 0: skipped */
    double forward;  /* engine's output against the definition's */
    double backward; /* engine's gradients of its tensors; < 0: it has none */
} slc_gradcheck_layer;

/* Errors are relative: the length of the difference over the length of what is right. */
typedef struct slc_gradcheck {
    double numeric;          /* definition's gradients against central differences, or its
                                worst layer's; < 0: neither was asked for */
    double forward;          /* engine's logits against the definition's */
    double engine;           /* engine's gradients, worst tensor */
    char worst[96];          /* its name */
    size_t checked, skipped; /* weights differenced; those left out for lying at a kink */
    slc_gradcheck_layer *layer; /* if asked for: freed by slc_gradcheck_free */
    size_t layers;
    size_t
        parts_skipped; /* inputs and tensors of layers, at kinks in every direction tried */
} slc_gradcheck;

typedef struct slc_gradcheck_settings {
    const slc_node *spec;
    slc_shape in;
    size_t classes, batch;
    const char *engine;
    slc_precision precision;
    size_t threads;
    size_t differences; /* weights of each tensor to difference; 0 = 8; SIZE_MAX = none */
    uint64_t seed;
    bool by_layer;
} slc_gradcheck_settings;

/* One training step of a net on random images with a random linear loss, three ways. */
SLC_API SLC_CHECKED slc_status slc_gradcheck_run(slc_gradcheck *out,
                                                 const slc_gradcheck_settings *settings,
                                                 slc_err *err);
SLC_API void slc_gradcheck_free(slc_gradcheck *g);

/* A small net around each kind of layer, so that gradients flow through it: {layer, list
 * of layers as YAML}. NULL layer at the end. 6 x 9 x 9 inputs, 5 classes. */
typedef struct slc_gradcheck_case {
    const char *layer, *net;
} slc_gradcheck_case;
extern SLC_API const slc_gradcheck_case slc_gradcheck_cases[];

/* Every model, as small as it goes: {model, its spec as YAML, input, most that engine and
 * definition may differ by}. Deep nets gather rounding errors and relus that flip. NULL
 * model at the end. 10 classes. */
typedef struct slc_gradcheck_net {
    const char *model, *spec;
    slc_shape in;
    double most;
} slc_gradcheck_net;
extern SLC_API const slc_gradcheck_net slc_gradcheck_nets[];

/* A loss with settings as YAML; mixed: two labels an image; weighted: by class. NULL loss
 * at the end. */
typedef struct slc_gradcheck_loss_case {
    const char *loss, *settings;
    bool mixed, weighted;
} slc_gradcheck_loss_case;
extern SLC_API const slc_gradcheck_loss_case slc_gradcheck_loss_cases[];

/* *error: a loss's gradient against central differences of its value, relative. */
SLC_API SLC_CHECKED slc_status slc_gradcheck_loss(double *error,
                                                  const slc_gradcheck_loss_case *what,
                                                  slc_err *err);

#endif
