/* Winograd's F(4 x 4, 3 x 3): 4 x 4 outputs from 6 x 6 inputs with 36 products instead of
 * 144. Pixels are transformed tile by tile into 36 planes of tiles x channels, each plane is
 * multiplied by its plane of transformed weights, and the products are transformed back; a
 * block of tiles at a time, so that planes stay in cache. The data gradient is the same
 * with the filters turned by 180 degrees; the weight gradient is the transposed algorithm.
 * The error is about twice that of a plain convolution. No sum depends on the threads, so
 * neither do the bits.
 * Source: Lavin & Gray, Fast algorithms for convolutional neural networks, CVPR 2016; for
 * the points, Barabasz et al., Error analysis and improving the accuracy of Winograd
 * convolution for deep neural networks, ACM TOMS 46 (2020). */
#include "train/engine/winograd.h"

#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/num.h"
#include "train/engine/kernel.h"
#include "train/engine/shares.h"

enum {
    IN = 6, /* sides of a tile */
    OUT = 4,
    TAPS = 3 * 3,
    PLANES = IN * IN,
    LEAST_TILES = 24, /* that weights are fetched for */
    MOST_TILES = 192,
    CHUNK_FLOATS = 256 * 1024, /* of both planes of a weight gradient */
    SHIFT = 16,                /* floats between planes, lest they share a cache's sets */
    LEAST_BALANCE = 16,        /* fewer, and the transforms cost more than they save */
    LEAST_SIDE = 3
};

typedef struct product {
    slc_geom geom;
    size_t threads, block, chunk; /* tiles done at a time */
    const slc_kernels *k;
    uint64_t version;
    float *zeros; /* as many as channels, of either side */
    float *u;     /* [plane] of weights, in panels; NULL: made in scratch */
} product;

/* One direction of the convolution. */
typedef struct way {
    const float *from, *u, *bias;
    float *to;
    slc_shape in, out;
    size_t padding;
    bool add;
} way;

/* Tiles whose planes, of both sides, take as much as those of the weights. */
static size_t balance(const slc_geom *g)
{
    return g->in.c * g->out.c / (g->in.c + g->out.c);
}

bool slc_winograd_fits(const slc_geom *g, slc_dtype type)
{
    return type == SLC_F32 && !g->linear && g->kernel_h == 3 && g->kernel_w == 3 &&
           g->stride == 1 && g->dilation == 1 && g->groups == 1 && g->padding <= 2 &&
           balance(g) >= LEAST_BALANCE && slc_min(g->out.h, g->out.w) >= LEAST_SIDE;
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

/* Floats from one plane to the next: of rows x c numbers in panels of c, and of weights
 * whichever way they lie. */
static size_t panels_size(const product *p, size_t rows, size_t c)
{
    return rows * slc_round_up(c, p->k->panel) + SHIFT;
}

static size_t plane_size(const product *p)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c;
    return slc_max(panels_size(p, in, out), panels_size(p, out, in));
}

/* Of both sides' planes of tiles. */
static size_t room_size(const product *p, size_t tiles)
{
    return PLANES *
           (panels_size(p, tiles, p->geom.in.c) + panels_size(p, tiles, p->geom.out.c));
}

static size_t across(size_t pixels)
{
    return (pixels + OUT - 1) / OUT;
}

static size_t tiles_of(const product *p, slc_shape outs)
{
    return p->geom.n * across(outs.h) * across(outs.w);
}

static size_t block_of(const slc_geom *g)
{
    return slc_min(slc_max(balance(g), LEAST_TILES), MOST_TILES);
}

/* Of a chunk: what a shared cache holds. */
static size_t chunk_of(const slc_geom *g)
{
    return slc_max(CHUNK_FLOATS / (PLANES * (g->in.c + g->out.c)), MOST_TILES);
}

static slc_status make(void **out, void *threads, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "winograd: memory ran out");
    p->geom = *g;
    p->threads = *(const size_t *)threads;
    p->k = slc_kernels_for(slc_isa_detect(), SLC_F32);
    const size_t tiles = slc_max(tiles_of(p, g->in), tiles_of(p, g->out));
    p->block = slc_min(block_of(g), (tiles + p->threads - 1) / p->threads);
    p->chunk = slc_min(chunk_of(g), tiles);
    p->zeros = calloc(slc_max(g->in.c, g->out.c), sizeof(float));
    if (!g->train) p->u = slc_block_alloc(PLANES * plane_size(p) * sizeof(float));
    return p->zeros && (g->train || p->u)
               ? SLC_OK
               : slc_fail(err, SLC_ENOMEM, "winograd: memory ran out");
}

static size_t bytes(const void *out)
{
    const product *p = out;
    return p->u ? PLANES * plane_size(p) * sizeof(float) : 0;
}

static size_t scratch(const void *out)
{
    const product *p = out;
    const size_t rooms = p->threads * room_size(p, p->block);
    if (!p->geom.train) return rooms * sizeof(float);
    return (PLANES * plane_size(p) + slc_max(rooms, room_size(p, p->chunk))) *
           sizeof(float);
}

/* Weights of a product by planes, as the kernels read them: inputs to outputs, or back. */
static void set_weights(const product *p, const float *w, bool turned, float *u)
{
    const size_t in = p->geom.in.c, out = p->geom.out.c, panel = p->k->panel;
    const size_t rows = turned ? out : in, lanes = turned ? in : out;
    const size_t row = TAPS * (turned ? in : 1), lane = TAPS * (turned ? 1 : in);
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < lanes; l += panel)
            p->k->winograd_weights(u + (l * rows + r * panel), plane_size(p),
                                   w + r * row + l * lane, lane,
                                   slc_min(panel, lanes - l), turned);
}

/* Tile number i of those that cut outs, in a block with room for so many: its corner in
 * pictures of shape here, and the number of its image. */
static slc_tile tile_of(const product *p, slc_shape outs, slc_shape here, size_t padding,
                        size_t i, size_t room, size_t *image)
{
    const size_t row = across(outs.w), all = across(outs.h) * row;
    *image = i / all;
    return (slc_tile){.c = here.c,
                      .h = here.h,
                      .w = here.w,
                      .y = (ptrdiff_t)(i % all / row * OUT) - (ptrdiff_t)padding,
                      .x = (ptrdiff_t)(i % row * OUT) - (ptrdiff_t)padding,
                      .next = panels_size(p, room, here.c),
                      .panel = room * p->k->panel,
                      .zeros = p->zeros};
}

static void convolve_block(const product *p, const way *w, size_t first, size_t count,
                           float *room)
{
    const size_t panel = p->k->panel, in = w->in.c, out = w->out.c,
                 next_v = panels_size(p, p->block, in),
                 next_m = panels_size(p, p->block, out);
    float *v = room, *m = room + PLANES * next_v;
    size_t image;
    for (size_t i = 0; i < count; i++) {
        const slc_tile t =
            tile_of(p, w->out, w->in, w->padding, first + i, p->block, &image);
        p->k->winograd_in(v + i * panel, w->from + image * slc_shape_size(w->in), &t);
    }
    for (size_t t = 0; t < PLANES; t++)
        p->k->winograd_product(m + t * next_m, v + t * next_v, w->u + t * plane_size(p),
                               count, in, out, p->block);
    for (size_t i = 0; i < count; i++) {
        slc_tile t = tile_of(p, w->out, w->out, 0, first + i, p->block, &image);
        t.add = w->add;
        p->k->winograd_out(w->to + image * slc_shape_size(w->out), m + i * panel, w->bias,
                           &t);
    }
}

static void convolve(const product *p, const way *w, float *room)
{
    const size_t tiles = tiles_of(p, w->out), blocks = (tiles + p->block - 1) / p->block;
    slc_shares shares;
    slc_shares_set(&shares, blocks, p->threads);
#pragma omp parallel num_threads((int)p->threads)
    SLC_EACH_SHARE (shares, b)
        convolve_block(p, w, b * p->block, slc_min(p->block, tiles - b * p->block),
                       room + (size_t)omp_get_thread_num() * room_size(p, p->block));
}

/* Weights of a net that learns are other ones in every step: their planes, four times as
 * large as they, are made in scratch. */
static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    const bool kept = p->u != NULL;
    float *u = kept ? p->u : call->scratch;
    if (!kept || p->version != call->version) set_weights(p, call->w, false, u);
    p->version = call->version;
    convolve(p,
             &(way){.from = call->x,
                    .to = call->y,
                    .bias = call->b,
                    .u = u,
                    .in = p->geom.in,
                    .out = p->geom.out,
                    .padding = p->geom.padding},
             (float *)call->scratch + (kept ? 0 : PLANES * plane_size(p)));
    return true;
}

static bool backward_data(void *out, const slc_product_call *call)
{
    const product *p = out;
    float *u = call->scratch;
    set_weights(p, call->w, true, u);
    convolve(p,
             &(way){.from = call->dy,
                    .to = call->dx,
                    .u = u,
                    .in = p->geom.out,
                    .out = p->geom.in,
                    .padding = 2 - p->geom.padding,
                    .add = call->add_dx},
             u + PLANES * plane_size(p));
    return true;
}

/* Both planes of one chunk of tiles, by all threads. */
static void spread_chunk(const product *p, const slc_product_call *call, size_t first,
                         size_t count, float *v, float *m)
{
    const slc_geom *g = &p->geom;
    const float *x = call->x, *dy = call->dy;
#pragma omp for schedule(static)
    for (size_t i = 0; i < count; i++) {
        const size_t at = i * p->k->panel;
        size_t image;
        slc_tile t = tile_of(p, g->out, g->in, g->padding, first + i, p->chunk, &image);
        p->k->winograd_in(v + at, x + image * slc_shape_size(g->in), &t);
        t = tile_of(p, g->out, g->out, 0, first + i, p->chunk, &image);
        p->k->winograd_spread(m + at, dy + image * slc_shape_size(g->out), &t);
    }
}

static bool backward_weights(void *out, const slc_product_call *call)
{
    const product *p = out;
    const size_t in = p->geom.in.c, outs = p->geom.out.c, panel = p->k->panel,
                 plane = plane_size(p), tiles = tiles_of(p, p->geom.out),
                 next_v = panels_size(p, p->chunk, in),
                 next_m = panels_size(p, p->chunk, outs);
    const size_t panels = (in + panel - 1) / panel;
    float *sums = call->scratch, *v = sums + PLANES * plane, *m = v + PLANES * next_v;
    slc_shares shares;
#pragma omp parallel num_threads((int)p->threads)
    {
        for (size_t first = 0; first < tiles; first += p->chunk) {
            const size_t count = slc_min(p->chunk, tiles - first);
#pragma omp single nowait
            slc_shares_set(&shares, PLANES * panels, (size_t)omp_get_num_threads());
            spread_chunk(p, call, first, count, v, m);
            SLC_EACH_SHARE (shares, i) {
                const size_t t = i / panels, c = i % panels * panel;
                p->k->winograd_learn(sums + t * plane + c * outs, first > 0,
                                     m + t * next_m, v + t * next_v + c * p->chunk, count,
                                     outs, p->chunk);
            }
#pragma omp barrier
        }
#pragma omp for schedule(static)
        for (size_t k = 0; k < outs; k++)
            for (size_t c = 0; c < in; c += panel)
                p->k->winograd_gather(call->dw + TAPS * (k * in + c), call->add_dw,
                                      sums + (c * outs + k * panel), plane,
                                      slc_min(panel, in - c));
    }
    return true;
}

const slc_engine slc_engine_winograd = {
    .name = "winograd",
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .adds_dx = true,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
