/* What differs between version 2 and version 3 of oneDNN's C API: version 3 has no
 * operation descriptors, and its memory descriptors are objects. */
#include "train/engine/dnnl_shim.h"

#include <string.h>

#define V3 (DNNL_VERSION_MAJOR >= 3)

#if V3
typedef dnnl_memory_desc_t owned_md;
#define REF(m) (m)
#else
typedef struct owned_md {
    dnnl_memory_desc_t md;
    bool made;
} owned_md;
#define REF(m) ((m).made ? &(m).md : NULL)
#endif

static bool make_md(owned_md *out, int rank, const dnnl_dim_t *dim, dnnl_data_type_t type,
                    dnnl_format_tag_t tag)
{
    dnnl_dims_t all = {0}; /* the library's prototype wants them all */
    memcpy(all, dim, (size_t)rank * sizeof(*dim));
#if V3
    return dnnl_memory_desc_create_with_tag(out, rank, all, type, tag) == dnnl_success;
#else
    out->made = true;
    return dnnl_memory_desc_init_by_tag(&out->md, rank, all, type, tag) == dnnl_success;
#endif
}

static void free_md(owned_md *md)
{
#if V3
    if (*md) dnnl_memory_desc_destroy(*md);
#else
    md->made = false;
#endif
}

/* Everything a description is made from. */
typedef struct parts {
    owned_md src, dst, weights, bias;
    dnnl_dims_t stride, dilate, low, high;
    dnnl_primitive_attr_t attr;
} parts;

/* Weights' dimensions in PyTorch's order, with groups in front if there are any. */
static int weight_dims(const slc_geom *g, dnnl_dim_t dim[5], dnnl_format_tag_t *plain)
{
    int rank = 0;
    if (g->groups > 1) dim[rank++] = (dnnl_dim_t)g->groups;
    dim[rank++] = (dnnl_dim_t)(g->out.c / g->groups);
    dim[rank++] = (dnnl_dim_t)(g->in.c / g->groups);
    if (!g->linear || g->in.h * g->in.w > 1) {
        dim[rank++] = (dnnl_dim_t)g->kernel_h;
        dim[rank++] = (dnnl_dim_t)g->kernel_w;
    }
    *plain = rank == 5 ? dnnl_goihw : rank == 4 ? dnnl_oihw : dnnl_oi;
    return rank;
}

static bool make_pictures(parts *p, const slc_geom *g, dnnl_data_type_t type)
{
    const bool flat = g->linear && g->in.h * g->in.w == 1;
    const dnnl_dim_t in[4] = {(dnnl_dim_t)g->n, (dnnl_dim_t)g->in.c, (dnnl_dim_t)g->in.h,
                              (dnnl_dim_t)g->in.w};
    const dnnl_dim_t out[4] = {(dnnl_dim_t)g->n, (dnnl_dim_t)g->out.c,
                               (dnnl_dim_t)g->out.h, (dnnl_dim_t)g->out.w};
    return make_md(&p->src, flat ? 2 : 4, in, type, flat ? dnnl_nc : dnnl_nhwc) &&
           make_md(&p->dst, g->linear ? 2 : 4, out, type,
                   g->linear ? dnnl_nc : dnnl_nhwc);
}

static bool make_parts(parts *p, const slc_geom *g, slc_dtype type, slc_dnnl_pass pass)
{
    const dnnl_data_type_t t = type == SLC_BF16 ? dnnl_bf16 : dnnl_f32;
    const dnnl_dim_t bias = (dnnl_dim_t)g->out.c;
    const size_t in[2] = {g->in.h, g->in.w}, out[2] = {g->out.h, g->out.w};
    const size_t kernel[2] = {g->kernel_h, g->kernel_w};
    dnnl_dim_t dim[5];
    dnnl_format_tag_t plain;
    const int rank = weight_dims(g, dim, &plain);
    for (int i = 0; i < 2; i++) {
        p->stride[i] = (dnnl_dim_t)g->stride;
        p->dilate[i] = (dnnl_dim_t)g->dilation - 1;
        p->low[i] = (dnnl_dim_t)g->padding;
        p->high[i] =
            (dnnl_dim_t)((out[i] - 1) * g->stride + g->dilation * (kernel[i] - 1) + 1) -
            (dnnl_dim_t)(in[i] + g->padding);
    }
    return make_pictures(p, g, t) &&
           make_md(&p->weights, rank, dim, pass == SLC_DNNL_WEIGHTS ? dnnl_f32 : t,
                   dnnl_format_tag_any) &&
           (!g->bias || pass != SLC_DNNL_FORWARD ||
            make_md(&p->bias, 1, &bias, dnnl_f32, dnnl_a)) &&
           dnnl_primitive_attr_create(&p->attr) == dnnl_success &&
           dnnl_primitive_attr_set_scratchpad_mode(p->attr, dnnl_scratchpad_mode_user) ==
               dnnl_success;
}

static void free_parts(parts *p)
{
    free_md(&p->src);
    free_md(&p->dst);
    free_md(&p->weights);
    free_md(&p->bias);
    if (p->attr) dnnl_primitive_attr_destroy(p->attr);
}

#if V3
static dnnl_status_t convolution(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                 slc_dnnl_pass pass, const slc_geom *g, const parts *p,
                                 const_dnnl_primitive_desc_t hint)
{
    const dnnl_alg_kind_t alg = dnnl_convolution_direct;
    if (pass == SLC_DNNL_DATA)
        return dnnl_convolution_backward_data_primitive_desc_create(
            out, e, alg, p->src, p->weights, p->dst, p->stride, p->dilate, p->low,
            p->high, hint, p->attr);
    if (pass == SLC_DNNL_WEIGHTS)
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, e, alg, p->src, p->weights, NULL, p->dst, p->stride, p->dilate, p->low,
            p->high, hint, p->attr);
    return dnnl_convolution_forward_primitive_desc_create(
        out, e, g->train ? dnnl_forward_training : dnnl_forward_inference, alg, p->src,
        p->weights, p->bias, p->dst, p->stride, p->dilate, p->low, p->high, p->attr);
}

static dnnl_status_t linear(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                            slc_dnnl_pass pass, const slc_geom *g, const parts *p,
                            const_dnnl_primitive_desc_t hint)
{
    if (pass == SLC_DNNL_DATA)
        return dnnl_inner_product_backward_data_primitive_desc_create(
            out, e, p->src, p->weights, p->dst, hint, p->attr);
    if (pass == SLC_DNNL_WEIGHTS)
        return dnnl_inner_product_backward_weights_primitive_desc_create(
            out, e, p->src, p->weights, NULL, p->dst, hint, p->attr);
    return dnnl_inner_product_forward_primitive_desc_create(
        out, e, g->train ? dnnl_forward_training : dnnl_forward_inference, p->src,
        p->weights, p->bias, p->dst, p->attr);
}
#else
static dnnl_status_t convolution(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                 slc_dnnl_pass pass, const slc_geom *g, const parts *p,
                                 const_dnnl_primitive_desc_t hint)
{
    const dnnl_alg_kind_t alg = dnnl_convolution_direct;
    dnnl_convolution_desc_t d;
    dnnl_status_t s;
    if (pass == SLC_DNNL_DATA)
        s = dnnl_dilated_convolution_backward_data_desc_init(
            &d, alg, REF(p->src), REF(p->weights), REF(p->dst), p->stride, p->dilate,
            p->low, p->high);
    else if (pass == SLC_DNNL_WEIGHTS)
        s = dnnl_dilated_convolution_backward_weights_desc_init(
            &d, alg, REF(p->src), REF(p->weights), NULL, REF(p->dst), p->stride,
            p->dilate, p->low, p->high);
    else
        s = dnnl_dilated_convolution_forward_desc_init(
            &d, g->train ? dnnl_forward_training : dnnl_forward_inference, alg,
            REF(p->src), REF(p->weights), REF(p->bias), REF(p->dst), p->stride, p->dilate,
            p->low, p->high);
    return s == dnnl_success ? dnnl_primitive_desc_create(out, &d, p->attr, e, hint) : s;
}

static dnnl_status_t linear(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                            slc_dnnl_pass pass, const slc_geom *g, const parts *p,
                            const_dnnl_primitive_desc_t hint)
{
    dnnl_inner_product_desc_t d;
    dnnl_status_t s;
    if (pass == SLC_DNNL_DATA)
        s = dnnl_inner_product_backward_data_desc_init(&d, REF(p->src), REF(p->weights),
                                                       REF(p->dst));
    else if (pass == SLC_DNNL_WEIGHTS)
        s = dnnl_inner_product_backward_weights_desc_init(
            &d, REF(p->src), REF(p->weights), NULL, REF(p->dst));
    else
        s = dnnl_inner_product_forward_desc_init(
            &d, g->train ? dnnl_forward_training : dnnl_forward_inference, REF(p->src),
            REF(p->weights), REF(p->bias), REF(p->dst));
    return s == dnnl_success ? dnnl_primitive_desc_create(out, &d, p->attr, e, hint) : s;
}
#endif

bool slc_dnnl_describe(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
                       slc_dnnl_pass pass, const slc_geom *geom, slc_dtype type,
                       const_dnnl_primitive_desc_t hint)
{
    parts p;
    memset(&p, 0, sizeof(p));
    bool good = make_parts(&p, geom, type, pass);
    if (good)
        good = (geom->linear ? linear : convolution)(out, engine, pass, geom, &p, hint) ==
               dnnl_success;
    free_parts(&p);
    return good;
}

slc_dnnl_md slc_dnnl_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

bool slc_dnnl_plain(dnnl_memory_t *out, dnnl_engine_t engine, const slc_geom *geom)
{
    dnnl_dim_t dim[5];
    dnnl_format_tag_t plain;
    owned_md md;
    memset(&md, 0, sizeof(md));
    const int rank = weight_dims(geom, dim, &plain);
    const bool good =
        make_md(&md, rank, dim, dnnl_f32, plain) &&
        dnnl_memory_create(out, REF(md), engine, DNNL_MEMORY_NONE) == dnnl_success;
    free_md(&md);
    return good;
}
