/* The engine that is always there: image to column in tiles that stay in the second-level
 * cache, and single-threaded SGEMM from our own parallel regions. The work is cut by data
 * into parts that do not depend on the number of threads, so neither do the results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "train/engine/engine.h"
#include "train/gemm.h"

/* Not in every cblas.h. */
extern char *openblas_get_config(void);

enum {
    TILE_FLOATS = 96 * 1024, /* of columns: 384 KB, with its output inside 1 MB */
    PARTS = 8,               /* of the batch, each with its own sum of weight gradients */
    PART_FLOATS = 1 << 20,   /* larger weights are summed in half as many parts */
    SLICE = 64,              /* outputs (or inputs) of a linear layer done in one piece */
};

typedef struct state {
    size_t threads;
} state;

typedef struct product {
    slc_geom geom;
    size_t threads;
    size_t taps, depth;       /* taps of the filter; taps x channels of a group */
    size_t rows, tile, tiles; /* output pixels of the batch, and how they are cut */
    bool direct;              /* the input is its own matrix of columns */
    size_t parts;
    uint64_t version;
    float
        *w; /* [out][tap][channel of the group]; the caller's if the order is the same */
} product;

static bool runs(slc_dtype type)
{
    return type == SLC_F32;
}

static void describe(char *text, size_t size)
{
    char config[128] = "";
    snprintf(config, sizeof(config), "%s", openblas_get_config());
    int spaces = 0;
    for (char *at = config; *at; at++)
        if (*at == ' ' && ++spaces == 2) *at = '\0';
    snprintf(text, size, "blas (%s)", config);
}

static slc_status open_state(void **out, size_t threads, slc_dtype type, slc_err *err)
{
    state *s = calloc(1, sizeof(*s));
    *out = s;
    (void)type; /* what it runs */
    if (!s) return slc_fail(err, SLC_ENOMEM, "engine blas: memory ran out");
    s->threads = threads;
    slc_gemm_alone();
    return SLC_OK;
}

static void close_state(void **s)
{
    free(*s);
    *s = NULL;
}

static void free_product(void **out)
{
    product *p = *out;
    if (!p) return;
    free(p->w);
    free(p);
    *out = NULL;
}

static size_t weight_count(const product *p)
{
    return p->geom.out.c * p->depth;
}

static slc_status make(void **out, void *st, const slc_geom *g, slc_err *err)
{
    product *p = calloc(1, sizeof(*p));
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "engine blas: memory ran out");
    p->geom = *g;
    p->threads = ((const state *)st)->threads;
    p->taps = g->kernel_h * g->kernel_w;
    p->depth = p->taps * (g->in.c / g->groups);
    p->rows = g->n * g->out.h * g->out.w;
    p->direct = g->linear || (p->taps == 1 && g->stride == 1 && g->padding == 0);
    p->tile = slc_min(slc_max(TILE_FLOATS / p->depth, 16), 1024);
    p->tiles = (p->rows + p->tile - 1) / p->tile;
    p->parts = weight_count(p) > PART_FLOATS ? PARTS / 2 : PARTS;
    if (p->taps == 1) return SLC_OK;
    p->w = slc_block_alloc(weight_count(p) * sizeof(float));
    return p->w ? SLC_OK : slc_fail(err, SLC_ENOMEM, "engine blas: memory ran out");
}

/* The columns of one tile per thread, or the partial sums of weight gradients with them. */
static size_t scratch(const void *out)
{
    const product *p = out;
    const size_t columns = slc_round_up(p->tile * p->depth, 16);
    const size_t sums = p->geom.train ? p->parts * slc_round_up(weight_count(p), 16) : 0;
    if (p->geom.linear)
        return p->taps > 1 ? slc_round_up(weight_count(p) * sizeof(float), 64) : 0;
    return (slc_max(p->threads, p->parts) * columns + sums) * sizeof(float);
}

static size_t bytes(const void *out)
{
    const product *p = out;
    return p->w ? weight_count(p) * sizeof(float) : 0;
}

/* The weights with channels innermost. */
static const float *weights(product *p, const slc_product_call *call)
{
    const size_t channels = p->depth / p->taps, taps = p->taps;
    if (taps == 1) return call->w;
    if (p->version == call->version) return p->w;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t k = 0; k < p->geom.out.c; k++)
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < channels; c++)
                p->w[(k * taps + t) * channels + c] =
                    call->w[(k * channels + c) * taps + t];
    p->version = call->version;
    return p->w;
}

/* Where tap (u, v) of output pixel row reads: NULL outside the image. */
typedef struct spot {
    size_t image, y, x; /* y and x of the output */
} spot;

static spot spot_of(const product *p, size_t row)
{
    const size_t area = p->geom.out.h * p->geom.out.w;
    return (spot){row / area, row % area / p->geom.out.w, row % p->geom.out.w};
}

/* Offset of the pixel under tap (u, v), or -1 outside. */
static ptrdiff_t under(const product *p, spot at, size_t u, size_t v)
{
    const slc_geom *g = &p->geom;
    const ptrdiff_t y =
        (ptrdiff_t)(at.y * g->stride + u * g->dilation) - (ptrdiff_t)g->padding;
    const ptrdiff_t x =
        (ptrdiff_t)(at.x * g->stride + v * g->dilation) - (ptrdiff_t)g->padding;
    if (y < 0 || x < 0 || y >= (ptrdiff_t)g->in.h || x >= (ptrdiff_t)g->in.w) return -1;
    return (((ptrdiff_t)at.image * (ptrdiff_t)g->in.h + y) * (ptrdiff_t)g->in.w + x) *
           (ptrdiff_t)g->in.c;
}

/* Rows row to row + count of the matrix of columns of one group. */
static void gather(const product *p, const float *x, size_t group, size_t row,
                   size_t count, float *to)
{
    const slc_geom *g = &p->geom;
    const size_t channels = g->in.c / g->groups;
    const bool runs_on =
        g->dilation == 1 && g->groups == 1; /* a filter row is contiguous */
    for (size_t i = row; i < row + count; i++) {
        const spot at = spot_of(p, i);
        for (size_t u = 0; u < g->kernel_h; u++) {
            const ptrdiff_t first = under(p, at, u, 0),
                            last = under(p, at, u, g->kernel_w - 1);
            if (runs_on && first >= 0 && last >= 0) {
                memcpy(to, x + first, g->kernel_w * channels * sizeof(float));
                to += g->kernel_w * channels;
                continue;
            }
            for (size_t v = 0; v < g->kernel_w; v++, to += channels) {
                const ptrdiff_t from = under(p, at, u, v);
                if (from < 0)
                    memset(to, 0, channels * sizeof(float));
                else
                    memcpy(to, x + from + group * channels, channels * sizeof(float));
            }
        }
    }
}

/* The reverse of gather: adds columns to the pixels they came from. */
static void scatter(const product *p, const float *from, size_t group, size_t row,
                    size_t count, float *dx)
{
    const slc_geom *g = &p->geom;
    const size_t channels = g->in.c / g->groups;
    for (size_t i = row; i < row + count; i++) {
        const spot at = spot_of(p, i);
        for (size_t t = 0; t < p->taps; t++, from += channels) {
            const ptrdiff_t to = under(p, at, t / g->kernel_w, t % g->kernel_w);
            if (to < 0) continue;
            float *restrict pixel = dx + to + group * channels;
            for (size_t c = 0; c < channels; c++)
                pixel[c] += from[c];
        }
    }
}

static void add_bias(const product *p, const slc_product_call *call, size_t row,
                     size_t count)
{
    const size_t out = p->geom.out.c;
    float *y = (float *)call->y + row * out;
    for (size_t i = 0; call->b && i < count; i++)
        for (size_t k = 0; k < out; k++)
            y[i * out + k] += call->b[k];
}

static void forward_tile(const product *p, const slc_product_call *call, const float *w,
                         size_t tile, float *columns)
{
    const slc_geom *g = &p->geom;
    const size_t row = tile * p->tile, count = slc_min(p->tile, p->rows - row);
    const size_t outs = g->out.c / g->groups, ins = g->in.c / g->groups;
    for (size_t k = 0; k < g->groups; k++) {
        const float *a = (const float *)call->x + row * g->in.c + k * ins;
        if (!p->direct) gather(p, call->x, k, row, count, columns);
        slc_gemm(false, true, count, outs, p->depth, p->direct ? a : columns,
                 p->direct ? g->in.c : p->depth, w + k * outs * p->depth, p->depth, 0,
                 (float *)call->y + row * g->out.c + k * outs, g->out.c);
    }
    add_bias(p, call, row, count);
}

static bool forward(void *out, const slc_product_call *call)
{
    product *p = out;
    const float *w = weights(p, call);
    const size_t columns = slc_round_up(p->tile * p->depth, 16), outs = p->geom.out.c;
    if (p->geom.linear) {
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
        for (size_t k = 0; k < outs; k += SLICE)
            slc_gemm(false, true, p->rows, slc_min(SLICE, outs - k), p->depth, call->x,
                     p->depth, w + k * p->depth, p->depth, 0, (float *)call->y + k, outs);
        add_bias(p, call, 0, p->rows);
        return true;
    }
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t part = 0; part < p->threads; part++)
        for (size_t t = p->tiles * part / p->threads;
             t < p->tiles * (part + 1) / p->threads; t++)
            forward_tile(p, call, w, t, (float *)call->scratch + part * columns);
    return true;
}

/* Columns' gradients of some rows, and from them the pixels'. */
static void data_rows(const product *p, const slc_product_call *call, const float *w,
                      size_t row, size_t count, float *columns)
{
    const slc_geom *g = &p->geom;
    const size_t outs = g->out.c / g->groups, ins = g->in.c / g->groups;
    for (size_t k = 0; k < g->groups; k++) {
        float *to = p->direct ? (float *)call->dx + row * g->in.c + k * ins : columns;
        slc_gemm(false, false, count, p->depth, outs,
                 (const float *)call->dy + row * g->out.c + k * outs, g->out.c,
                 w + k * outs * p->depth, p->depth, 0, to,
                 p->direct ? g->in.c : p->depth);
        if (!p->direct) scatter(p, columns, k, row, count, call->dx);
    }
}

/* Images start to end, tile by tile. */
static void data_images(const product *p, const slc_product_call *call, const float *w,
                        size_t start, size_t end, float *columns)
{
    const size_t area = p->geom.out.h * p->geom.out.w, size = slc_shape_size(p->geom.in);
    if (!p->direct)
        memset((float *)call->dx + start * size, 0, (end - start) * size * sizeof(float));
    for (size_t row = start * area; row < end * area; row += p->tile)
        data_rows(p, call, w, row, slc_min(p->tile, end * area - row), columns);
}

static bool backward_data(void *out, const slc_product_call *call)
{
    product *p = out;
    const float *w = weights(p, call);
    const size_t columns = slc_round_up(p->tile * p->depth, 16), n = p->geom.n;
    /* Whole images, cut without regard to threads: how a product rounds a row depends, with
     * some CPUs' kernels, on the row's place in it. */
    const size_t chunk = slc_max(p->tile / (p->geom.out.h * p->geom.out.w), 1);
    const size_t chunks = (n + chunk - 1) / chunk;
    if (p->geom.linear) {
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
        for (size_t c = 0; c < p->depth; c += SLICE)
            slc_gemm(false, false, p->rows, slc_min(SLICE, p->depth - c), p->geom.out.c,
                     call->dy, p->geom.out.c, w + c, p->depth, 0, (float *)call->dx + c,
                     p->depth);
        return true;
    }
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t part = 0; part < p->threads; part++)
        for (size_t i = chunks * part / p->threads; i < chunks * (part + 1) / p->threads;
             i++)
            data_images(p, call, w, i * chunk, slc_min((i + 1) * chunk, n),
                        (float *)call->scratch + part * columns);
    return true;
}

/* Adds the weight gradients of one part of the tiles to sum. */
static void learn_part(const product *p, const slc_product_call *call, size_t part,
                       float *sum, float *columns)
{
    const slc_geom *g = &p->geom;
    const size_t outs = g->out.c / g->groups, ins = g->in.c / g->groups;
    float beta = 0;
    const size_t first = p->tiles * part / p->parts,
                 end = p->tiles * (part + 1) / p->parts;
    if (first == end) memset(sum, 0, weight_count(p) * sizeof(float));
    for (size_t tile = first; tile < end; tile++, beta = 1) {
        const size_t row = tile * p->tile, count = slc_min(p->tile, p->rows - row);
        for (size_t k = 0; k < g->groups; k++) {
            const float *a = (const float *)call->x + row * g->in.c + k * ins;
            if (!p->direct) gather(p, call->x, k, row, count, columns);
            slc_gemm(true, false, outs, p->depth, count,
                     (const float *)call->dy + row * g->out.c + k * outs, g->out.c,
                     p->direct ? a : columns, p->direct ? g->in.c : p->depth, beta,
                     sum + k * outs * p->depth, p->depth);
        }
    }
}

/* From the sums, with channels innermost, to PyTorch's order. */
static void give_weights(const product *p, const slc_product_call *call,
                         const float *sums, size_t parts, size_t next)
{
    const size_t channels = p->depth / p->taps, taps = p->taps;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t k = 0; k < p->geom.out.c; k++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < taps; t++) {
                float total = 0;
                for (size_t i = 0; i < parts; i++)
                    total += sums[i * next + (k * taps + t) * channels + c];
                float *to = &call->dw[(k * channels + c) * taps + t];
                *to = call->add_dw ? *to + total : total;
            }
}

static bool linear_weights(product *p, const slc_product_call *call)
{
    const size_t outs = p->geom.out.c;
    float *to = p->taps > 1 ? call->scratch : call->dw;
    const float beta = p->taps == 1 && call->add_dw;
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t c = 0; c < p->depth; c += SLICE)
        slc_gemm(true, false, outs, slc_min(SLICE, p->depth - c), p->rows, call->dy, outs,
                 (const float *)call->x + c, p->depth, beta, to + c, p->depth);
    if (p->taps > 1) give_weights(p, call, call->scratch, 1, 0);
    return true;
}

static bool backward_weights(void *out, const slc_product_call *call)
{
    product *p = out;
    const size_t columns = slc_round_up(p->tile * p->depth, 16);
    const size_t next = slc_round_up(weight_count(p), 16);
    float *sums = (float *)call->scratch + slc_max(p->threads, p->parts) * columns;
    if (p->geom.linear) return linear_weights(p, call);
#pragma omp parallel for num_threads((int)p->threads) schedule(static)
    for (size_t part = 0; part < p->parts; part++)
        learn_part(p, call, part, sums + part * next,
                   (float *)call->scratch + part * columns);
    give_weights(p, call, sums, p->parts, next);
    return true;
}

const slc_engine slc_engine_blas = {
    .name = "blas",
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
