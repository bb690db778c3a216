/* oneDNN's C API as version 2 and version 3 both can say it: what differs stays in
 * dnnl_shim.c. */
#ifndef TRAIN_ENGINE_DNNL_SHIM_H
#define TRAIN_ENGINE_DNNL_SHIM_H

#include <oneapi/dnnl/dnnl.h>

#include "train/engine/engine.h"

/* A borrowed description of memory. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t slc_dnnl_md;
#else
typedef const dnnl_memory_desc_t *slc_dnnl_md;
#endif

typedef enum slc_dnnl_pass {
    SLC_DNNL_FORWARD,
    SLC_DNNL_DATA,
    SLC_DNNL_WEIGHTS
} slc_dnnl_pass;

/* The description of one pass of a convolution or linear layer: pictures channels-last,
 * weights in the library's own order, scratchpad from us. hint: the forward's. False if
 * the library cannot. */
bool slc_dnnl_describe(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
                       slc_dnnl_pass pass, const slc_geom *geom, slc_dtype type,
                       const_dnnl_primitive_desc_t hint);

/* What the description says about an argument (dnnl_query_weights_md, ...). */
slc_dnnl_md slc_dnnl_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what);

/* A memory object of f32 weights in PyTorch's order, without bytes. */
bool slc_dnnl_plain(dnnl_memory_t *out, dnnl_engine_t engine, const slc_geom *geom);

#endif
