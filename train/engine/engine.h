/* Engines: who multiplies. Everything else about running a net (order, memory, batch norm,
 * pooling...) is the same for all of them and lives in exec.c. Numbers are channels-last,
 * n x h x w x c: what AMX convolutions want, and with it one family of kernels serves both
 * engines and types. */
#ifndef TRAIN_ENGINE_ENGINE_H
#define TRAIN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "train/net.h"

enum {
    SLC_LANES = 16
}; /* parts that sums over a batch are cut into, whatever the threads */

/* A convolution, or (linear) a matrix product: then the filter is as large as the image. */
typedef struct slc_geom {
    size_t n;
    slc_shape in, out;
    size_t kernel_h, kernel_w, stride, padding, dilation, groups;
    bool linear, bias;
    bool train, wants_dx; /* what will be asked for */
} slc_geom;

typedef struct slc_product_call {
    const void *x; /* n x h x w x c of the engine's type */
    /* NULL, or what forward and backward_weights make of x as they read it, if reads_norm. */
    const struct slc_affine *norm;
    void *y;
    const float *w; /* PyTorch's order */
    const float *b; /* NULL: none */
    const void *dy;
    void *dx;
    float *dw;           /* PyTorch's order */
    bool add_dx, add_dw; /* to what is there; otherwise it is overwritten */
    uint64_t version;    /* of w: derived copies are renewed when it changes */
    void *scratch;
    /* NULL, or SLC_LANES x 2 x channels: forward sets them to sums of outputs as they are
     * stored, and of their squares, if gives_sums. */
    double *sums;
} slc_product_call;

typedef struct slc_engine {
    const char *name;
    bool (*runs)(slc_dtype type); /* on this machine */
    void (*describe)(char *text, size_t size);
    slc_status (*open)(void **state, size_t threads, slc_dtype type, slc_err *err);
    void (*close)(void **state);

    /* One product for one batch size. Nothing is allocated after make. */
    slc_status (*make)(void **product, void *state, const slc_geom *geom, slc_err *err);
    void (*free)(void **product);
    size_t (*scratch)(const void *product); /* bytes that its calls need */
    size_t (*bytes)(const void *product);   /* that it holds itself */

    bool adds_dx;                             /* add_dx may be asked for */
    bool (*reads_norm)(const slc_geom *geom); /* norm may be given; NULL: never */
    bool (*gives_sums)(const void *product);  /* sums may be asked for; NULL: never */
    /* False if the library below failed. */
    bool (*forward)(void *product, const slc_product_call *call);
    bool (*backward_data)(void *product, const slc_product_call *call);
    bool (*backward_weights)(void *product, const slc_product_call *call);
} slc_engine;

/* Our own for this product, if there is a faster one than the model's: else NULL. */
const slc_engine *slc_engine_own(const slc_geom *geom, slc_dtype type);

extern const slc_engine slc_engine_blas;
extern const slc_engine slc_engine_onednn; /* only if SLC_HAVE_ONEDNN */

#endif
