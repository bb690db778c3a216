/* The fast engine: oneDNN's convolutions and bf16 products. Weights are put into the
 * library's own order once per step, their gradients back into PyTorch's. What winograd.c,
 * direct.c and, in bf16 on matrix tiles, amx.c take does not come here; of the rest, in f32,
 * convolutions of one pixel and linear layers go to OpenBLAS, which is faster at plain matrix
 * products where it knows the processor (195 against 100 to 170 GFLOP/s on two Zen 4 cores). */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/num.h"
#include "train/engine/dnnl_shim.h"

/* Not in every cblas.h. */
extern char *openblas_get_corename(void);

typedef struct state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    size_t threads;
    slc_dtype type;
    void *blas;
} state;

/* One pass: its primitive, its weights (or their gradients) in the library's order, and how
 * they come from or go to PyTorch's. */
typedef struct pass {
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive, reorder;
    dnnl_memory_t picture[2], weights, bias, scratchpad; /* picture: src, dst */
    size_t scratch, weight_bytes;
    bool same_order; /* the library's order is PyTorch's */
    void *own;       /* bytes of weights in the library's order */
    uint64_t version;
} pass;

typedef struct product {
    state *st;
    slc_geom geom;
    dnnl_memory_t plain;
    pass pass[3];
    void *blas; /* not NULL: somebody else does it all */
} product;

static bool runs(slc_dtype type)
{
    return type == SLC_F32 || slc_isa_detect() >= SLC_ISA_AVX512;
}

static void describe(char *text, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, size, "onednn %d.%d.%d", v->major, v->minor, v->patch);
}

static void close_state(void **out)
{
    state *s = *out;
    if (!s) return;
    if (s->stream) dnnl_stream_destroy(s->stream);
    if (s->engine) dnnl_engine_destroy(s->engine);
    if (s->blas) slc_engine_blas.close(&s->blas);
    free(s);
    *out = NULL;
}

static slc_status open_state(void **out, size_t threads, slc_dtype type, slc_err *err)
{
    state *s = calloc(1, sizeof(*s));
    *out = s;
    if (!s) return slc_fail(err, SLC_ENOMEM, "engine onednn: memory ran out");
    s->threads = threads;
    s->type = type;
    if (dnnl_engine_create(&s->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags) !=
            dnnl_success)
        return slc_fail(err, SLC_ENOMEM, "engine onednn: cannot start");
    return type == SLC_F32 ? slc_engine_blas.open(&s->blas, threads, type, err) : SLC_OK;
}

static void free_memory(dnnl_memory_t *m)
{
    if (*m) dnnl_memory_destroy(*m);
    *m = NULL;
}

static void free_pass(pass *p)
{
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->reorder) dnnl_primitive_destroy(p->reorder);
    if (p->pd) dnnl_primitive_desc_destroy(p->pd);
    for (size_t i = 0; i < 2; i++)
        free_memory(&p->picture[i]);
    free_memory(&p->weights);
    free_memory(&p->bias);
    free_memory(&p->scratchpad);
    free(p->own);
    *p = (pass){0};
}

static void free_product(void **out)
{
    product *p = *out;
    if (!p) return;
    for (size_t i = 0; i < 3; i++)
        free_pass(&p->pass[i]);
    free_memory(&p->plain);
    if (p->blas) slc_engine_blas.free(&p->blas);
    free(p);
    *out = NULL;
}

static bool add_memory(const product *p, pass *at, dnnl_memory_t *out, dnnl_query_t what)
{
    return dnnl_memory_create(out, slc_dnnl_query(at->pd, what), p->st->engine,
                              DNNL_MEMORY_NONE) == dnnl_success;
}

static slc_dnnl_md plain_md(const product *p)
{
    slc_dnnl_md md = NULL;
    dnnl_memory_get_memory_desc(p->plain, &md);
    return md;
}

/* Between PyTorch's order and the library's; not needed if they are one. */
static bool add_reorder(const product *p, pass *at, slc_dnnl_pass which)
{
    const slc_dnnl_md own =
        slc_dnnl_query(at->pd, which == SLC_DNNL_WEIGHTS ? dnnl_query_diff_weights_md
                                                         : dnnl_query_weights_md);
    const slc_dnnl_md plain = plain_md(p);
    const slc_dnnl_md from = which == SLC_DNNL_WEIGHTS ? own : plain;
    const slc_dnnl_md to = which == SLC_DNNL_WEIGHTS ? plain : own;
    dnnl_primitive_desc_t pd = NULL;
    at->weight_bytes = dnnl_memory_desc_get_size(own);
    at->same_order = dnnl_memory_desc_equal(own, plain);
    if (at->same_order) return true;
    bool good = dnnl_reorder_primitive_desc_create(&pd, from, p->st->engine, to,
                                                   p->st->engine, NULL) == dnnl_success;
    good = good && dnnl_primitive_create(&at->reorder, pd) == dnnl_success;
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (!good || which == SLC_DNNL_WEIGHTS) return good;
    at->own = slc_block_alloc(at->weight_bytes);
    return at->own != NULL;
}

static bool make_pass(product *p, slc_dnnl_pass which)
{
    static const dnnl_query_t picture[3][2] = {
        {dnnl_query_src_md, dnnl_query_dst_md},
        {dnnl_query_diff_src_md, dnnl_query_diff_dst_md},
        {dnnl_query_src_md, dnnl_query_diff_dst_md}};
    pass *at = &p->pass[which];
    if (!slc_dnnl_describe(&at->pd, p->st->engine, which, &p->geom, p->st->type,
                           p->pass[SLC_DNNL_FORWARD].pd) ||
        dnnl_primitive_create(&at->primitive, at->pd) != dnnl_success ||
        !add_memory(p, at, &at->picture[0], picture[which][0]) ||
        !add_memory(p, at, &at->picture[1], picture[which][1]) ||
        !add_memory(p, at, &at->weights,
                    which == SLC_DNNL_WEIGHTS ? dnnl_query_diff_weights_md
                                              : dnnl_query_weights_md) ||
        !add_memory(p, at, &at->scratchpad, dnnl_query_scratchpad_md))
        return false;
    if (which == SLC_DNNL_FORWARD && p->geom.bias) {
        const slc_dnnl_md md =
            dnnl_primitive_desc_query_md(at->pd, dnnl_query_weights_md, 1);
        if (dnnl_memory_create(&at->bias, md, p->st->engine, DNNL_MEMORY_NONE) !=
            dnnl_success)
            return false;
    }
    at->scratch =
        dnnl_memory_desc_get_size(slc_dnnl_query(at->pd, dnnl_query_scratchpad_md));
    return add_reorder(p, at, which);
}

/* OpenBLAS falls back to this one, without AVX, on processors newer than itself: a quarter as
 * fast as the library. */
static bool blas_knows_better(void)
{
    return slc_isa_detect() == SLC_ISA_C ||
           strcmp(openblas_get_corename(), "Prescott") != 0;
}

/* Products of f32 that SGEMM does better. Without AVX-512 columns and SGEMM beat the library's
 * 3 x 3 convolutions of stride 2 (96 to 112 and 63 to 74 GFLOP/s on two Zen 3 cores); those
 * of few channels still come here. In its 1 x 1 weight gradients of stride 2 (version 2.6,
 * 4 channels) one thread wrote over the barrier that another one waited at. */
static bool goes_to_blas(const state *s, const slc_geom *g)
{
    const bool point = g->kernel_h * g->kernel_w == 1 && g->padding == 0;
    const bool strided = g->stride > 1 && slc_isa_detect() < SLC_ISA_AVX512;
    if (s->type != SLC_F32 || g->groups > 1) return false;
    if (point && g->stride > 1) return true;
    return blas_knows_better() && (g->linear || point || strided);
}

static slc_status make(void **out, void *st, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    state *s = st;
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "engine onednn: memory ran out");
    p->st = s;
    p->geom = *g;
    if (goes_to_blas(s, g)) return slc_engine_blas.make(&p->blas, s->blas, g, err);
    const int before = omp_get_max_threads();
    omp_set_num_threads((int)s->threads);
    bool good = slc_dnnl_plain(&p->plain, s->engine, g) && make_pass(p, SLC_DNNL_FORWARD);
    if (good && g->train && g->wants_dx) good = make_pass(p, SLC_DNNL_DATA);
    if (good && g->train) good = make_pass(p, SLC_DNNL_WEIGHTS);
    omp_set_num_threads(before);
    return good ? SLC_OK
                : slc_fail(err, SLC_ENOMEM, "engine onednn: cannot make the primitives");
}

/* The library's scratchpad, then (weights) gradients in its order and in PyTorch's. */
static size_t scratch(const void *out)
{
    const product *p = out;
    size_t most = 0;
    if (p->blas) return slc_engine_blas.scratch(p->blas);
    for (size_t i = 0; i < 3; i++)
        most = slc_max(most, slc_round_up(p->pass[i].scratch, 64) +
                                 2 * slc_round_up(p->pass[i].weight_bytes, 64));
    return most;
}

static size_t bytes(const void *out)
{
    const product *p = out;
    size_t sum = 0;
    if (p->blas) return slc_engine_blas.bytes(p->blas);
    for (size_t i = 0; i < 3; i++)
        sum += p->pass[i].own ? p->pass[i].weight_bytes : 0;
    return sum;
}

static bool reorder(const product *p, const pass *at, dnnl_memory_t from,
                    dnnl_memory_t to)
{
    const dnnl_exec_arg_t arg[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return dnnl_primitive_execute(at->reorder, p->st->stream, 2, arg) == dnnl_success;
}

/* Weights of a pass, renewed if they have changed. */
static bool set_weights(const product *p, pass *at, const slc_product_call *call)
{
    dnnl_memory_set_data_handle(at->weights, at->same_order ? (void *)call->w : at->own);
    if (at->same_order || at->version == call->version) return true;
    dnnl_memory_set_data_handle(p->plain, (void *)call->w);
    at->version = call->version;
    return reorder(p, at, p->plain, at->weights);
}

static bool run(const product *p, const pass *at, const dnnl_exec_arg_t *arg, int count)
{
    return dnnl_primitive_execute(at->primitive, p->st->stream, count, arg) ==
               dnnl_success &&
           dnnl_stream_wait(p->st->stream) == dnnl_success;
}

static bool forward_run(product *p, const slc_product_call *call)
{
    pass *at = &p->pass[SLC_DNNL_FORWARD];
    dnnl_memory_set_data_handle(at->picture[0], (void *)call->x);
    dnnl_memory_set_data_handle(at->picture[1], call->y);
    dnnl_memory_set_data_handle(at->scratchpad, call->scratch);
    if (at->bias) dnnl_memory_set_data_handle(at->bias, (void *)call->b);
    const dnnl_exec_arg_t arg[5] = {{DNNL_ARG_SRC, at->picture[0]},
                                    {DNNL_ARG_DST, at->picture[1]},
                                    {DNNL_ARG_WEIGHTS, at->weights},
                                    {DNNL_ARG_SCRATCHPAD, at->scratchpad},
                                    {DNNL_ARG_BIAS, at->bias}};
    return set_weights(p, at, call) && run(p, at, arg, at->bias ? 5 : 4);
}

static bool data_run(product *p, const slc_product_call *call)
{
    pass *at = &p->pass[SLC_DNNL_DATA];
    dnnl_memory_set_data_handle(at->picture[0], call->dx);
    dnnl_memory_set_data_handle(at->picture[1], (void *)call->dy);
    dnnl_memory_set_data_handle(at->scratchpad, call->scratch);
    const dnnl_exec_arg_t arg[4] = {{DNNL_ARG_DIFF_SRC, at->picture[0]},
                                    {DNNL_ARG_DIFF_DST, at->picture[1]},
                                    {DNNL_ARG_WEIGHTS, at->weights},
                                    {DNNL_ARG_SCRATCHPAD, at->scratchpad}};
    return set_weights(p, at, call) && run(p, at, arg, 4);
}

static bool weights_run(product *p, const slc_product_call *call)
{
    pass *at = &p->pass[SLC_DNNL_WEIGHTS];
    const size_t size = p->geom.out.c * (p->geom.in.c / p->geom.groups) *
                        p->geom.kernel_h * p->geom.kernel_w;
    char *own = (char *)call->scratch + slc_round_up(at->scratch, 64);
    float *plain = (float *)(own + slc_round_up(at->weight_bytes, 64));
    if (!call->add_dw) plain = call->dw;
    dnnl_memory_set_data_handle(at->picture[0], (void *)call->x);
    dnnl_memory_set_data_handle(at->picture[1], (void *)call->dy);
    dnnl_memory_set_data_handle(at->scratchpad, call->scratch);
    dnnl_memory_set_data_handle(at->weights, at->same_order ? (void *)plain : own);
    const dnnl_exec_arg_t arg[4] = {{DNNL_ARG_SRC, at->picture[0]},
                                    {DNNL_ARG_DIFF_DST, at->picture[1]},
                                    {DNNL_ARG_DIFF_WEIGHTS, at->weights},
                                    {DNNL_ARG_SCRATCHPAD, at->scratchpad}};
    bool good = run(p, at, arg, 4);
    dnnl_memory_set_data_handle(p->plain, plain);
    if (good && !at->same_order) good = reorder(p, at, at->weights, p->plain);
    for (size_t i = 0; call->add_dw && i < size; i++)
        call->dw[i] += plain[i];
    return good;
}

/* With the model's number of threads, whatever the process's is. */
static bool with_threads(product *p, const slc_product_call *call,
                         bool (*work)(product *, const slc_product_call *))
{
    const int before = omp_get_max_threads();
    omp_set_num_threads((int)p->st->threads);
    const bool good = work(p, call);
    omp_set_num_threads(before);
    return good;
}

static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    return p->blas ? slc_engine_blas.forward(p->blas, call)
                   : with_threads(p, call, forward_run);
}

static bool backward_data(void *out, const slc_product_call *call)
{
    product *p = out;
    return p->blas ? slc_engine_blas.backward_data(p->blas, call)
                   : with_threads(p, call, data_run);
}

static bool backward_weights(void *out, const slc_product_call *call)
{
    product *p = out;
    return p->blas ? slc_engine_blas.backward_weights(p->blas, call)
                   : with_threads(p, call, weights_run);
}

const slc_engine slc_engine_onednn = {
    .name = "onednn",
    .runs = runs,
    .describe = describe,
    .open = open_state,
    .close = close_state,
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
