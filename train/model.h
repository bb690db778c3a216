/* Models: a list of layers, its weights, and an engine that runs it.
 *
 * All trainable weights are one flat f32 block, their gradients another of the same shape,
 * and what is learned without gradients (running means and variances) a third: optimizer,
 * averaging, checkpoint and clipping are loops over blocks. Engines keep whatever layout
 * and precision they like behind that. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/log.h"
#include "base/node.h"

typedef struct slc_model
    slc_model; /* Threads: one at a time; it uses its own threads inside */

typedef enum slc_role {
    SLC_ROLE_WEIGHT, /* decays */
    SLC_ROLE_BIAS,   /* does not, unless asked */
    SLC_ROLE_NORM,   /* scale and shift of a normalisation: does not, unless asked */
    SLC_ROLE_BUFFER, /* running statistics: no gradient; lives in the buffer block */
} slc_role;

/* One named tensor. Names are torchvision's: "layer1.0.conv1.weight". */
typedef struct slc_tensor_info {
    const char *name;
    slc_role role;
    size_t rank,
        dim[4];    /* PyTorch's order: conv out, in / groups, h, w; linear out, in */
    size_t size;   /* product of dim */
    size_t offset; /* in floats, into the weight block or (buffers) the buffer block */
    size_t layer;  /* index of the layer it belongs to */
    bool whitens;  /* init whitening: a run fills it from its pictures and freezes it */
    bool frozen;   /* no gradient is computed and no step is taken */
} slc_tensor_info;

typedef enum slc_precision {
    SLC_PRECISION_AUTO,
    SLC_PRECISION_F32,
    SLC_PRECISION_BF16
} slc_precision;

typedef struct slc_model_settings {
    const slc_node
        *spec; /* recipe's model section: {name: resnet18, ...} or {layers: [...]} */
    size_t channels, height, width, classes;
    size_t batch;   /* most images in one call; 0 = 1 */
    size_t threads; /* 0 = all cores */
    slc_precision
        precision; /* AUTO: bf16 where the CPU has AMX or AVX512-BF16 and the engine can, else f32.
                      BF16 runs everywhere: where the engine does not multiply it, numbers are
                      kept in bf16 and multiplied in f32 (less memory, no faster) */
    const char
        *engine;    /* "onednn", "blas"; NULL or "auto" = onednn if built in, else blas */
    bool inference; /* forward only: no gradients, no optimizer memory */
    bool
        grad_checkpoint; /* less memory for more time: backward computes activations again,
                             all but about sqrt(n) of them; gradients have the same bits */
    bool keep_outputs; /* more memory: slc_model_activation finds every layer's output */
    uint64_t seed;     /* of the initial weights and of the layers' own draws */
} slc_model_settings;

SLC_API SLC_CHECKED slc_status slc_model_create(slc_model **out,
                                                const slc_model_settings *settings,
                                                slc_err *err);
SLC_API void slc_model_destroy(slc_model **model); /* accepts NULL inside */

SLC_API size_t
slc_model_tensor_count(const slc_model *model); /* weights first, then buffers */
SLC_API const slc_tensor_info *slc_model_tensor(const slc_model *model, size_t i);

/* The blocks. After writing weights or buffers from outside (load, optimizer step, averaging)
 * call slc_model_touch, so that engines renew what they derived from them. */
SLC_API size_t slc_model_weight_count(const slc_model *model);
SLC_API float *slc_model_weights(slc_model *model);
SLC_API float *slc_model_grads(slc_model *model); /* NULL for inference models */
SLC_API size_t slc_model_buffer_count(const slc_model *model);
SLC_API float *slc_model_buffers(slc_model *model);
SLC_API void slc_model_touch(slc_model *model);

/* Freezes (or thaws) every tensor whose name matches the glob ("layer1.*"); batch norm of a
 * frozen layer runs on its running statistics. Returns how many tensors matched. */
SLC_API size_t slc_model_freeze(slc_model *model, const char *glob, bool frozen);

typedef enum slc_mode {
    SLC_MODE_EVAL,
    SLC_MODE_TRAIN,
    SLC_MODE_MC /* as eval, but dropout layers draw: uncertainty (Gal & Ghahramani 2016) */
} slc_mode;

/* A batch of images as they lie in memory, borrowed: n x h x w x c or n x c x h x w, dense. */
typedef struct slc_view {
    const void *data;
    slc_dtype
        type; /* F32 or BF16 (U8 and F16 are refused: normalise them in the loader) */
    slc_layout layout;
    size_t n;
} slc_view;

/* Which draws the random layers make: pure functions of (seed, step, layer). */
typedef struct slc_pass {
    slc_mode mode;
    uint64_t step;
    bool accumulate; /* backward adds to the gradients instead of replacing them */
} slc_pass;

/* Whether it can train on batches of n. Errors: SLC_EDATA: a batch norm would see one value per
 * channel. */
SLC_API SLC_CHECKED slc_status slc_model_check_batch(const slc_model *model, size_t n,
                                                     slc_err *err);

/* n x classes logits, owned by the model, valid until the next call. n is 1 to settings.batch.
 * In TRAIN mode running statistics move. Errors: SLC_EINVAL (n too large), SLC_EDATA (a batch norm
 * that would see one value per channel), SLC_ENOMEM (first call with a new n). */
SLC_API SLC_CHECKED slc_status slc_model_forward(slc_model *model, const slc_view *x,
                                                 const slc_pass *pass,
                                                 const float **logits, slc_err *err);

/* The frozen beginning: the layers from the input on that neither learn nor draw, up to where
 * they hand on one value. Its bytes for one image; 0 if there is none. As long as nothing is
 * frozen, thawed or written, the same image gives the same bytes, so a caller may keep them. */
SLC_API size_t slc_model_prefix_bytes(const slc_model *model);

/* A TRAIN forward in two parts: the beginning's bytes to out (x->n times as many), and the rest
 * from there. Backward follows the second. Only if there is a beginning. */
SLC_API SLC_CHECKED slc_status slc_model_prefix(slc_model *model, const slc_view *x,
                                                const slc_pass *pass, void *out,
                                                slc_err *err);
SLC_API SLC_CHECKED slc_status slc_model_suffix(slc_model *model, const void *features,
                                                size_t n, const slc_pass *pass,
                                                const float **logits, slc_err *err);

/* Gradients of the loss with respect to all weights, from its gradient with respect to the
 * logits of the last TRAIN forward (n x classes). The input view must still be alive. */
SLC_API SLC_CHECKED slc_status slc_model_backward(slc_model *model, const float *dlogits,
                                                  const slc_pass *pass, slc_err *err);

/* The output of one layer of the last forward, as f32 NCHW, copied to out (room floats).
 * SLC_EINVAL: it is gone; all are there after a forward in train mode with keep_outputs. */
typedef struct slc_layer_info {
    const char *name;               /* "layer1.0.conv1" */
    const char *type;               /* "conv2d" */
    size_t channels, height, width; /* of the output */
    size_t weights;                 /* count of trainable numbers */
    double flops;                   /* multiply-adds x 2, forward, one image */
} slc_layer_info;
SLC_API size_t slc_model_layer_count(const slc_model *model);
SLC_API slc_layer_info slc_model_layer(const slc_model *model, size_t i);
SLC_API SLC_CHECKED slc_status slc_model_activation(slc_model *model, size_t layer,
                                                    float *out, size_t room,
                                                    slc_err *err);

/* Whose output slc_model_activation shows for this layer: its own, or that of the last layer
 * that runs in the same memory (a relu behind a batch norm). In training. */
SLC_API size_t slc_model_shown(const slc_model *model, size_t layer);

/* The first layer, in execution order, with a non-finite output or gradient in the last
 * step; NULL if there is none. For the sentence that stops a diverged run. Outputs that are
 * gone, or were never made (a batch norm on matrix tiles), are not looked at: then it is a
 * layer behind. */
SLC_API const char *slc_model_first_bad(slc_model *model);

typedef struct slc_model_facts {
    const char *engine;      /* "onednn 2.6.3", "blas (OpenBLAS 0.3.21)" */
    slc_precision precision; /* what is really used: never AUTO */
    size_t channels, height, width, classes, batch, threads;
    size_t weights; /* trainable numbers */
    double flops;   /* forward, one image */
    size_t bytes;   /* memory of blocks, activations and engine */
} slc_model_facts;
SLC_API slc_model_facts slc_model_facts_of(const slc_model *model);

#endif
