/* See widened.h. Pictures are widened into scratch, whole: one layer's input and output in f32
 * at a time. Weights are rounded to bf16 when they change, as an engine of bf16 does. */
#include "train/engine/widened.h"

#include <stdlib.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/num.h"
#include "train/engine/kernel.h"

enum { STEP = 1 << 14 }; /* numbers that a thread converts at a time */

typedef struct product {
    slc_widening in_f32;
    void *inner;
    const slc_kernels *k;
    size_t x, y, weights; /* numbers */
    uint64_t version;
    float *w; /* of bf16's values */
} product;

static void free_product(void **out)
{
    product *p = *out;
    if (!p) return;
    if (p->inner) p->in_f32.by->free(&p->inner);
    free(p->w);
    free(p);
    *out = NULL;
}

static slc_status make(void **out, void *state, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "engine: memory ran out");
    p->in_f32 = *(const slc_widening *)state;
    p->k = slc_kernels_for(slc_isa_detect(), SLC_BF16);
    p->x = g->n * slc_shape_size(g->in);
    p->y = g->n * slc_shape_size(g->out);
    p->weights = g->out.c * (g->in.c / g->groups) * g->kernel_h * g->kernel_w;
    p->w = slc_block_alloc(p->weights * sizeof(float));
    if (!p->w) return slc_fail(err, SLC_ENOMEM, "engine: memory ran out");
    return p->in_f32.by->make(&p->inner, p->in_f32.state, g, err);
}

static size_t room(size_t numbers)
{
    return slc_round_up(numbers * sizeof(float), 64);
}

static size_t scratch(const void *out)
{
    const product *p = out;
    return room(p->x) + room(p->y) + p->in_f32.by->scratch(p->inner);
}

static size_t bytes(const void *out)
{
    const product *p = out;
    return p->weights * sizeof(float) + p->in_f32.by->bytes(p->inner);
}

static void widen(const product *p, float *to, const uint16_t *from, size_t count)
{
#pragma omp parallel for num_threads((int)p->in_f32.threads) schedule(static)
    for (size_t i = 0; i < count; i += STEP)
        p->k->to_f32(to + i, from + i, slc_min(STEP, count - i));
}

static void narrow(const product *p, uint16_t *to, bool add, const float *from,
                   size_t count)
{
#pragma omp parallel for num_threads((int)p->in_f32.threads) schedule(static)
    for (size_t i = 0; i < count; i += STEP)
        p->k->from_f32(to + i, add, from + i, slc_min(STEP, count - i));
}

static const float *rounded(product *p, const slc_product_call *call)
{
    if (p->version == call->version) return p->w;
#pragma omp parallel for num_threads((int)p->in_f32.threads) schedule(static)
    for (size_t i = 0; i < p->weights; i++)
        p->w[i] = slc_f32_from_bf16(slc_bf16_from_f32(call->w[i]));
    p->version = call->version;
    return p->w;
}

/* The call in f32: scratch holds the input or its gradient, the output or its, and then what
 * the other engine needs. */
static slc_product_call in_f32(product *p, const slc_product_call *call)
{
    float *x = call->scratch;
    float *y = (float *)((char *)x + room(p->x));
    slc_product_call c = *call;
    c.x = c.dx = x;
    c.dy = c.y = y;
    c.add_dx = false;
    c.w = rounded(p, call);
    c.scratch = (char *)y + room(p->y);
    return c;
}

static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    const slc_product_call c = in_f32(p, call);
    widen(p, (float *)c.x, call->x, p->x);
    if (!p->in_f32.by->forward(p->inner, &c)) return false;
    narrow(p, call->y, false, c.y, p->y);
    return true;
}

static bool backward_data(void *out, const slc_product_call *call)
{
    product *p = out;
    const slc_product_call c = in_f32(p, call);
    widen(p, (float *)c.dy, call->dy, p->y);
    if (!p->in_f32.by->backward_data(p->inner, &c)) return false;
    narrow(p, call->dx, call->add_dx, c.dx, p->x);
    return true;
}

static bool backward_weights(void *out, const slc_product_call *call)
{
    product *p = out;
    const slc_product_call c = in_f32(p, call);
    widen(p, (float *)c.x, call->x, p->x);
    widen(p, (float *)c.dy, call->dy, p->y);
    return p->in_f32.by->backward_weights(p->inner, &c);
}

const slc_engine slc_engine_widened = {
    .name = "widened",
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .adds_dx = true,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
