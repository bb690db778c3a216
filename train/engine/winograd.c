/* Winograd's F(2 x 2, 3 x 3): 2 x 2 outputs from 4 x 4 inputs with 16 products instead of
 * 36. Pixels are transformed tile by tile into 16 planes of tiles x channels, each plane is
 * multiplied by its plane of transformed weights, and the products are transformed back; a
 * block of tiles at a time, so that planes stay in cache. The data gradient is the same
 * with the filter turned by 180 degrees, which only exchanges planes; the weight gradient
 * is the transposed algorithm. All transforms are sums with factors 1 and 1/2: the error is
 * that of a plain convolution. Blocks do not depend on threads, so neither do the bits.
 * Source: Lavin & Gray, Fast algorithms for convolutional neural networks, CVPR 2016. */
#include "train/engine/winograd.h"

#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/num.h"
#include "train/engine/kernel.h"

enum {
    PLANES = 16,
    BLOCK_FLOATS = 64 * 1024,  /* of a thread's planes, in and out: half of a cache */
    CHUNK_FLOATS = 256 * 1024, /* of both planes of a weight gradient */
    LEAST_TILES = 96,          /* that a plane of weights is fetched for */
    LEAST_CHUNK = 192,         /* tiles that a plane of sums is fetched for */
    SHIFT =
        16, /* planes lie a line further apart than their size, lest they share sets */
    LEAST_CHANNELS = 32
};

typedef struct product {
    slc_geom geom;
    size_t threads, block, chunk; /* tiles done at a time */
    const slc_kernels *k;
    uint64_t version;
    bool turned; /* which way u lies */
    float *u;    /* [plane] of weights transformed, in panels */
} product;

/* One direction of the convolution. */
typedef struct way {
    const float *from, *bias;
    float *to;
    slc_shape in, out;
    size_t padding;
    bool turned;
} way;

bool slc_winograd_fits(const slc_geom *g, slc_dtype type)
{
    return type == SLC_F32 && !g->linear && g->kernel_h == 3 && g->kernel_w == 3 &&
           g->stride == 1 && g->dilation == 1 && g->groups == 1 && g->padding <= 2 &&
           slc_min(g->in.c, g->out.c) >= LEAST_CHANNELS &&
           slc_min(g->out.h, g->out.w) >= 4;
}

static void free_product(void **out)
{
    product *p = *out;
    if (p) free(p->u);
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

static slc_status make(void **out, void *threads, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    const size_t both = PLANES * (g->in.c + g->out.c);
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "winograd: memory ran out");
    p->geom = *g;
    p->threads = *(const size_t *)threads;
    p->k = slc_kernels_for(slc_isa_detect(), SLC_F32);
    p->block = slc_max(BLOCK_FLOATS / both, LEAST_TILES);
    p->chunk = slc_max(CHUNK_FLOATS / both, LEAST_CHUNK);
    p->u = aligned_alloc(64, slc_round_up(PLANES * plane_size(p) * sizeof(float), 64));
    return p->u ? SLC_OK : slc_fail(err, SLC_ENOMEM, "winograd: memory ran out");
}

static size_t bytes(const void *out)
{
    return PLANES * plane_size(out) * sizeof(float);
}

static size_t scratch(const void *out)
{
    const product *p = out;
    const size_t learn = room_size(p, p->chunk) + PLANES * plane_size(p);
    return slc_max(p->threads * room_size(p, p->block), p->geom.train ? learn : 0) *
           sizeof(float);
}

/* G g G': 9 weights become 16. */
static void spread_weights(const float *g, float *u, size_t next)
{
    float half[4][3];
    for (size_t j = 0; j < 3; j++) {
        const float sum = 0.5f * (g[j] + g[6 + j]), middle = 0.5f * g[3 + j];
        half[0][j] = g[j], half[1][j] = sum + middle;
        half[2][j] = sum - middle, half[3][j] = g[6 + j];
    }
    for (size_t i = 0; i < 4; i++, u += 4 * next) {
        const float sum = 0.5f * (half[i][0] + half[i][2]), middle = 0.5f * half[i][1];
        u[0] = half[i][0], u[next] = sum + middle;
        u[2 * next] = sum - middle, u[3 * next] = half[i][2];
    }
}

/* Row r of the panels that a product multiplies with: inputs to outputs, or back. */
static void set_row(const product *p, const float *w, bool turned, size_t rows,
                    size_t lanes, size_t r)
{
    const size_t in = p->geom.in.c, panel = p->k->panel;
    for (size_t l = 0; l < lanes; l++)
        spread_weights(w + 9 * (turned ? r * in + l : l * in + r),
                       p->u + (l / panel * rows + r) * panel + l % panel, plane_size(p));
}

static void set_weights(product *p, const slc_product_call *call, bool turned)
{
    const size_t rows = turned ? p->geom.out.c : p->geom.in.c,
                 lanes = turned ? p->geom.in.c : p->geom.out.c;
    if (p->version == call->version && p->turned == turned) return;
    p->version = call->version;
    p->turned = turned;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t r = 0; r < rows; r++)
        set_row(p, call->w, turned, rows, lanes, r);
}

/* Tile number i, of those that cut outs; its corner in pictures of shape here, and the
 * number of its image. */
static slc_tile tile_of(slc_shape outs, slc_shape here, size_t padding, size_t i,
                        size_t *image)
{
    const size_t across = (outs.w + 1) / 2, all = (outs.h + 1) / 2 * across;
    *image = i / all;
    return (slc_tile){.c = here.c,
                      .h = here.h,
                      .w = here.w,
                      .y = (ptrdiff_t)(i % all / across * 2) - (ptrdiff_t)padding,
                      .x = (ptrdiff_t)(i % across * 2) - (ptrdiff_t)padding};
}

static size_t tiles_of(const product *p, slc_shape outs)
{
    return p->geom.n * ((outs.h + 1) / 2) * ((outs.w + 1) / 2);
}

/* Turning a filter turns G g G' with it: the first and last of four change places. */
static size_t plane_of(size_t plane, bool turned)
{
    static const uint8_t other[4] = {3, 1, 2, 0};
    return turned ? 4u * other[plane / 4] + other[plane % 4] : plane;
}

/* Tile number i of a block or chunk with room for so many. */
static slc_tile tile_in(const product *p, slc_shape outs, slc_shape here, size_t padding,
                        size_t i, size_t room, size_t *image)
{
    slc_tile t = tile_of(outs, here, padding, i, image);
    t.next = panels_size(p, room, here.c);
    t.panel = room * p->k->panel;
    return t;
}

static void multiply(const product *p, const way *w, size_t count, const float *v,
                     float *m)
{
    const size_t in = w->in.c, out = w->out.c;
    for (size_t t = 0; t < PLANES; t++)
        p->k->winograd_product(
            m + t * panels_size(p, p->block, out), v + t * panels_size(p, p->block, in),
            p->u + plane_of(t, w->turned) * plane_size(p), count, in, out, p->block);
}

static void convolve_block(const product *p, const way *w, size_t first, size_t count,
                           float *room)
{
    const size_t panel = p->k->panel;
    float *v = room, *m = room + PLANES * panels_size(p, p->block, w->in.c);
    size_t image;
    for (size_t i = 0; i < count; i++) {
        const slc_tile t =
            tile_in(p, w->out, w->in, w->padding, first + i, p->block, &image);
        p->k->winograd_in(v + i * panel, w->from + image * slc_shape_size(w->in), &t);
    }
    multiply(p, w, count, v, m);
    for (size_t i = 0; i < count; i++) {
        const slc_tile t = tile_in(p, w->out, w->out, 0, first + i, p->block, &image);
        p->k->winograd_out(w->to + image * slc_shape_size(w->out), m + i * panel, w->bias,
                           &t);
    }
}

static void convolve(product *p, const way *w, float *room)
{
    const size_t tiles = tiles_of(p, w->out), blocks = (tiles + p->block - 1) / p->block;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t part = 0; part < p->threads; part++)
        for (size_t b = blocks * part / p->threads; b < blocks * (part + 1) / p->threads;
             b++)
            convolve_block(p, w, b * p->block, slc_min(p->block, tiles - b * p->block),
                           room + part * room_size(p, p->block));
}

static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    set_weights(p, call, false);
    convolve(p,
             &(way){.from = call->x,
                    .to = call->y,
                    .bias = call->b,
                    .in = p->geom.in,
                    .out = p->geom.out,
                    .padding = p->geom.padding},
             call->scratch);
    return true;
}

static bool backward_data(void *out, const slc_product_call *call)
{
    product *p = out;
    set_weights(p, call, true);
    convolve(p,
             &(way){.from = call->dy,
                    .to = call->dx,
                    .in = p->geom.out,
                    .out = p->geom.in,
                    .padding = 2 - p->geom.padding,
                    .turned = true},
             call->scratch);
    return true;
}

/* G' s G: 16 sums become the gradients of 9 weights. */
static void gather_weights(const float *s, size_t next, float *dw, bool add)
{
    float half[3][4];
    for (size_t j = 0; j < 4; j++) {
        const float a = s[j * next], b = s[(4 + j) * next], c = s[(8 + j) * next],
                    d = s[(12 + j) * next];
        half[0][j] = a + 0.5f * (b + c), half[1][j] = 0.5f * (b - c);
        half[2][j] = d + 0.5f * (b + c);
    }
    for (size_t i = 0; i < 3; i++, dw += 3) {
        const float *h = half[i];
        const float sum = 0.5f * (h[1] + h[2]);
        dw[0] = h[0] + sum + (add ? dw[0] : 0);
        dw[1] = 0.5f * (h[1] - h[2]) + (add ? dw[1] : 0);
        dw[2] = h[3] + sum + (add ? dw[2] : 0);
    }
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
        slc_tile t = tile_in(p, g->out, g->in, g->padding, first + i, p->chunk, &image);
        p->k->winograd_in(v + at, x + image * slc_shape_size(g->in), &t);
        t = tile_in(p, g->out, g->out, 0, first + i, p->chunk, &image);
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
    float *sums = call->scratch, *v = sums + PLANES * plane, *m = v + PLANES * next_v;
#pragma omp parallel num_threads((int)p->threads)
    {
        for (size_t first = 0; first < tiles; first += p->chunk) {
            const size_t count = slc_min(p->chunk, tiles - first);
            spread_chunk(p, call, first, count, v, m);
#pragma omp for schedule(static)
            for (size_t t = 0; t < PLANES; t++)
                p->k->winograd_learn(sums + t * plane, first > 0, m + t * next_m,
                                     v + t * next_v, count, in, outs, p->chunk);
        }
#pragma omp for schedule(static)
        for (size_t k = 0; k < outs; k++)
            for (size_t c = 0; c < in; c++)
                gather_weights(sums + (c / panel * outs + k) * panel + c % panel, plane,
                               call->dw + 9 * (k * in + c), call->add_dw);
    }
    return true;
}

const slc_engine slc_engine_winograd = {
    .name = "winograd",
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
