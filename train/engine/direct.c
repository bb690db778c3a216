/* Convolutions as sums over the filter's taps of products of pixels. Forward and for the data
 * gradient nothing is gathered into columns: pixels are read where they lie. The data
 * gradient of a strided convolution is one such sum for every place of a pixel modulo the
 * stride, each with the taps that reach it. For weight gradients a chunk of pixels is put
 * into panels, outputs once, inputs anew for every tap, and panels are multiplied. No sum
 * depends on the threads, so neither do the bits. */
#include "train/engine/direct.h"

#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/num.h"
#include "train/engine/kernel.h"
#include "train/engine/shares.h"

enum {
    BLOCK = 48,                /* pixels multiplied at a time */
    CHUNK_FLOATS = 256 * 1024, /* of both sides' panels, for each thread */
    LEAST_CHUNK = 64,
    /* Channels, on either side, from which it pays (one Zen 3 core, against oneDNN 2.6): 1 x 1
     * and strided filters, where 16 to 32 channels are as fast; others, where 16 channels are
     * half as fast and 64 1.3 times. */
    LEAST_CHANNELS = 16,
    MANY_CHANNELS = 64
};

typedef struct product {
    slc_geom geom;
    size_t threads, chunk;
    const slc_kernels *k;
    uint64_t version;
    float *zeros; /* a pixel outside of the picture, as many channels as either side */
    float *u;     /* the weights of forward by tap, in panels; NULL: made in scratch */
} product;

/* One pass over pixels of the side to, from those of the side from. */
typedef struct way {
    const float *from, *u, *bias;
    float *to;
    slc_shape in, out; /* of from and to */
    bool back;         /* the data gradient, */
    size_t y0, x0;     /* of the pixels at this place modulo the stride alone */
    bool add;          /* to what is there */
} way;

/* A pixel that is made, and its place. */
typedef struct spot {
    size_t image, y, x;
} spot;

/* Plain C is slower than SGEMM. A picture of one pixel makes few rows, which SGEMM does better. */
bool slc_direct_fits(const slc_geom *g, slc_dtype type)
{
    const bool loose = g->kernel_h * g->kernel_w == 1 || g->stride > 1;
    return type == SLC_F32 && !g->linear && g->groups == 1 && g->out.h * g->out.w > 1 &&
           slc_isa_detect() >= SLC_ISA_AVX2 &&
           slc_min(g->in.c, g->out.c) >= (loose ? LEAST_CHANNELS : MANY_CHANNELS);
}

static size_t taps_of(const slc_geom *g)
{
    return g->kernel_h * g->kernel_w;
}

/* Floats of one tap's weights in panels, whichever way they lie. */
static size_t tap_size(const product *p)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c, panel = p->k->panel;
    return slc_max(in * slc_round_up(out, panel), out * slc_round_up(in, panel));
}

static size_t weight_bytes(const product *p)
{
    return taps_of(&p->geom) * tap_size(p) * sizeof(float);
}

/* Floats of a chunk's panels of c channels. */
static size_t room_size(const product *p, size_t c)
{
    return p->chunk * slc_round_up(c, p->k->panel);
}

static void free_product(void **out)
{
    product *p = *out;
    if (p) {
        free(p->zeros);
        free(p->u);
    }
    free(p);
    *out = NULL;
}

static slc_status make(void **out, void *threads, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "convolution: memory ran out");
    p->geom = *g;
    p->threads = *(const size_t *)threads;
    p->k = slc_kernels_for(slc_isa_detect(), SLC_F32);
    p->chunk = slc_min(slc_max(CHUNK_FLOATS / (g->in.c + g->out.c), LEAST_CHUNK),
                       g->n * g->out.h * g->out.w);
    p->zeros = calloc(slc_max(g->in.c, g->out.c), sizeof(float));
    if (!g->train) p->u = slc_block_alloc(weight_bytes(p));
    return p->zeros && (g->train || p->u)
               ? SLC_OK
               : slc_fail(err, SLC_ENOMEM, "convolution: memory ran out");
}

static size_t bytes(const void *out)
{
    const product *p = out;
    return p->u ? weight_bytes(p) : 0;
}

static size_t scratch(const void *out)
{
    const product *p = out;
    if (!p->geom.train) return 0;
    return weight_bytes(p) +
           p->threads * (room_size(p, p->geom.in.c) + room_size(p, p->geom.out.c)) *
               sizeof(float);
}

/* A corner of weights, outs x ins x taps, to places of each tap so far apart. */
static void turn(const product *p, const float *w, size_t outs, size_t ins,
                 size_t out_step, size_t in_step, float *u)
{
    const size_t taps = taps_of(&p->geom), next = tap_size(p);
    for (size_t k = 0; k < outs; k++)
        for (size_t c = 0; c < ins; c++)
            for (size_t t = 0; t < taps; t++)
                u[t * next + k * out_step + c * in_step] =
                    w[(k * p->geom.in.c + c) * taps + t];
}

/* Weights by tap in panels: from inputs to outputs, or (back) from outputs to inputs. */
static void set_weights(const product *p, const float *w, bool back, float *u)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c, taps = taps_of(&p->geom);
    const size_t panel = p->k->panel, rows = back ? out : in, lanes = back ? in : out;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t l = 0; l < lanes; l += panel) {
        const size_t here = slc_min(panel, lanes - l);
        for (size_t t = 0; here < panel && t < taps; t++)
            memset(u + t * tap_size(p) + l * rows, 0, panel * rows * sizeof(float));
        for (size_t r = 0; r < rows; r += panel)
            if (back)
                turn(p, w + (r * in + l) * taps, slc_min(panel, rows - r), here, panel, 1,
                     u + l * rows + r * panel);
            else
                turn(p, w + (l * in + r) * taps, here, slc_min(panel, rows - r), 1, panel,
                     u + l * rows + r * panel);
    }
}

/* Pixels a way makes in one image: down and across. */
static size_t down(const product *p, const way *w)
{
    const size_t step = w->back ? p->geom.stride : 1;
    return (w->out.h - w->y0 + step - 1) / step;
}

static size_t across(const product *p, const way *w)
{
    const size_t step = w->back ? p->geom.stride : 1;
    return (w->out.w - w->x0 + step - 1) / step;
}

static spot spot_of(const product *p, const way *w, size_t i)
{
    const size_t row = across(p, w), all = down(p, w) * row;
    const size_t step = w->back ? p->geom.stride : 1;
    return (spot){i / all, w->y0 + i % all / row * step, w->x0 + i % row * step};
}

/* Where tap number v of the filter along one side finds what goes to place at, of size
 * places; false: outside, or between the filter's steps. */
static bool reach(const slc_geom *g, bool back, size_t at, size_t v, size_t size,
                  size_t *from)
{
    if (!back) {
        *from = at * g->stride + v * g->dilation - g->padding; /* huge if less than 0 */
        return *from < size;
    }
    const size_t far = at + g->padding - v * g->dilation;
    *from = far / g->stride;
    return far % g->stride == 0 && *from < size;
}

static const float *source(const product *p, const way *w, spot at, size_t tap)
{
    size_t y, x;
    if (!reach(&p->geom, w->back, at.y, tap / p->geom.kernel_w, w->in.h, &y) ||
        !reach(&p->geom, w->back, at.x, tap % p->geom.kernel_w, w->in.w, &x))
        return p->zeros;
    return w->from + ((at.image * w->in.h + y) * w->in.w + x) * w->in.c;
}

/* Whether a tap steps onto the pixels of a way at all. */
static bool steps_on(const product *p, const way *w, size_t tap)
{
    const slc_geom *g = &p->geom;
    const size_t y = w->y0 + g->padding + g->stride * g->kernel_h * g->dilation,
                 x = w->x0 + g->padding + g->stride * g->kernel_w * g->dilation;
    return !w->back || ((y - tap / g->kernel_w * g->dilation) % g->stride == 0 &&
                        (x - tap % g->kernel_w * g->dilation) % g->stride == 0);
}

static void convolve_block(const product *p, const way *w, size_t first, size_t count)
{
    spot at[BLOCK];
    float *to[BLOCK];
    const float *from[BLOCK];
    bool add = w->bias || w->add;
    for (size_t i = 0; i < count; i++) {
        at[i] = spot_of(p, w, first + i);
        to[i] =
            w->to + ((at[i].image * w->out.h + at[i].y) * w->out.w + at[i].x) * w->out.c;
        if (w->bias) memcpy(to[i], w->bias, w->out.c * sizeof(float));
    }
    for (size_t t = 0; t < taps_of(&p->geom); t++) {
        if (!steps_on(p, w, t)) continue;
        for (size_t i = 0; i < count; i++)
            from[i] = source(p, w, at[i], t);
        p->k->pixel_product(to, add, from, count, w->in.c, w->u + t * tap_size(p),
                            w->out.c);
        add = true;
    }
    for (size_t i = 0; !add && i < count; i++)
        memset(to[i], 0, w->out.c * sizeof(float));
}

static void convolve(const product *p, const way *w)
{
    const size_t pixels = p->geom.n * down(p, w) * across(p, w);
    slc_shares shares;
    slc_shares_set(&shares, (pixels + BLOCK - 1) / BLOCK, p->threads);
#pragma omp parallel num_threads((int)p->threads)
    SLC_EACH_SHARE (shares, i)
        convolve_block(p, w, i * BLOCK, slc_min(BLOCK, pixels - i * BLOCK));
}

static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    float *u = p->u ? p->u : call->scratch;
    if (!p->u || p->version != call->version) set_weights(p, call->w, false, u);
    p->version = call->version;
    convolve(p, &(way){.from = call->x,
                       .to = call->y,
                       .bias = call->b,
                       .u = u,
                       .in = p->geom.in,
                       .out = p->geom.out});
    return true;
}

static bool backward_data(void *out, const slc_product_call *call)
{
    const product *p = out;
    const slc_geom *g = &p->geom;
    way w = {.from = call->dy,
             .to = call->dx,
             .u = call->scratch,
             .in = g->out,
             .out = g->in,
             .back = true,
             .add = call->add_dx};
    set_weights(p, call->w, true, call->scratch);
    for (w.y0 = 0; w.y0 < slc_min(g->stride, g->in.h); w.y0++)
        for (w.x0 = 0; w.x0 < slc_min(g->stride, g->in.w); w.x0++)
            convolve(p, &w);
    return true;
}

/* Channels from low to high - 1, whole panels but for the last. */
typedef struct range {
    size_t low, high;
} range;

static size_t panels_of(const product *p, size_t c)
{
    return (c + p->k->panel - 1) / p->k->panel;
}

/* Part number i of parts of c channels. */
static range part_of(const product *p, size_t c, size_t i, size_t parts)
{
    const size_t panel = p->k->panel, panels = panels_of(p, c);
    return (range){slc_min(panels * i / parts * panel, c),
                   slc_min(panels * (i + 1) / parts * panel, c)};
}

/* A thread's share of a weight gradient: what it learns it packs itself, into its own cache. */
typedef struct share {
    range in, out;
    float *v, *m; /* its panels of both */
} share;

/* Threads along the wide side: such that the largest share of products is smallest, and then
 * that as few channels as can be are packed twice. */
static size_t threads_across(size_t threads, size_t wide, size_t narrow)
{
    size_t best = 1, least = SIZE_MAX;
    for (size_t across = slc_min(threads, wide); across > 0; across--) {
        const size_t down = slc_min(threads / across, narrow);
        const size_t largest =
            ((wide + across - 1) / across) * ((narrow + down - 1) / down);
        if (largest < least) least = largest, best = across;
    }
    return best;
}

static share share_of(const product *p, float *rooms)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c;
    const size_t threads = (size_t)omp_get_num_threads(),
                 i = (size_t)omp_get_thread_num();
    const size_t wide = slc_max(in, out), narrow = panels_of(p, slc_min(in, out));
    const size_t across = threads_across(threads, panels_of(p, wide), narrow),
                 down = slc_min(threads / across, narrow);
    const bool idle = i >= across * down;
    const range high = idle ? (range){0} : part_of(p, wide, i % across, across),
                low = idle ? (range){0} : part_of(p, slc_min(in, out), i / across, down);
    share s = {.in = in > out ? high : low, .out = in > out ? low : high};
    s.v = rooms + i * (room_size(p, in) + room_size(p, out));
    s.m = s.v + room_size(p, in);
    return s;
}

/* Outputs from number first on into panels. */
static void pack_outputs(const product *p, const float *dy, size_t first, size_t count,
                         const share *s)
{
    const size_t c = p->geom.out.c;
    for (size_t i = 0; i < count; i += BLOCK) {
        const float *from[BLOCK];
        const size_t here = slc_min(BLOCK, count - i);
        for (size_t j = 0; j < here; j++)
            from[j] = dy + (first + i + j) * c + s->out.low;
        p->k->pixel_pack(s->m + i * p->k->panel, from, here, s->out.high - s->out.low,
                         p->chunk);
    }
}

/* The inputs under a tap of them. */
static void pack_inputs(const product *p, const way *w, size_t tap, size_t first,
                        size_t count, const share *s)
{
    for (size_t i = 0; i < count; i += BLOCK) {
        const float *from[BLOCK];
        const size_t here = slc_min(BLOCK, count - i);
        for (size_t j = 0; j < here; j++) {
            from[j] = source(p, w, spot_of(p, w, first + i + j), tap);
            if (from[j] != p->zeros) from[j] += s->in.low;
        }
        p->k->pixel_pack(s->v + i * p->k->panel, from, here, s->in.high - s->in.low,
                         p->chunk);
    }
}

/* Adds a chunk's products of two sides' panels, of channels l and h, to sums,
 * [wide / panel][narrow][panel]. */
static void learn(const product *p, const float *narrow, range l, const float *wide,
                  range h, size_t count, bool add, float *sums)
{
    const size_t panel = p->k->panel, low = slc_min(p->geom.in.c, p->geom.out.c);
    for (size_t j = h.low; j < h.high && l.low < l.high; j += panel)
        p->k->pixel_learn(sums + j * low + l.low * panel, add, narrow,
                          wide + (j - h.low) * p->chunk, count, l.high - l.low, p->chunk);
}

/* From sums to PyTorch's order. */
static void give_weights(const product *p, const slc_product_call *call,
                         const float *sums)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c, panel = p->k->panel;
    const size_t taps = taps_of(&p->geom);
#pragma omp for schedule(static)
    for (size_t k = 0; k < out; k++)
        for (size_t c = 0; c < in; c++)
            for (size_t t = 0; t < taps; t++) {
                const size_t at = out < in ? (c / panel * out + k) * panel + c % panel
                                           : (k / panel * in + c) * panel + k % panel;
                float *to = call->dw + (k * in + c) * taps + t;
                *to = sums[t * tap_size(p) + at] + (call->add_dw ? *to : 0);
            }
}

static bool backward_weights(void *out, const slc_product_call *call)
{
    const product *p = out;
    const slc_geom *g = &p->geom;
    const size_t pixels = g->n * g->out.h * g->out.w;
    const way w = {.from = call->x, .in = g->in, .out = g->out};
    float *sums = call->scratch, *rooms = sums + taps_of(g) * tap_size(p);
#pragma omp parallel num_threads((int)p->threads)
    {
        const share s = share_of(p, rooms);
        const bool idle = s.in.low == s.in.high || s.out.low == s.out.high;
        for (size_t first = 0; first < pixels && !idle; first += p->chunk) {
            const size_t count = slc_min(p->chunk, pixels - first);
            pack_outputs(p, call->dy, first, count, &s);
            for (size_t t = 0; t < taps_of(g); t++) {
                float *to = sums + t * tap_size(p);
                pack_inputs(p, &w, t, first, count, &s);
                if (g->out.c < g->in.c)
                    learn(p, s.m, s.out, s.v, s.in, count, first > 0, to);
                else
                    learn(p, s.v, s.in, s.m, s.out, count, first > 0, to);
            }
        }
#pragma omp barrier
        give_weights(p, call, sums);
    }
    return true;
}

const slc_engine slc_engine_direct = {
    .name = "direct",
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .adds_dx = true,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
