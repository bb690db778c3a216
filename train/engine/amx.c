/* Convolutions as sums over the filter's taps of products of matrix tiles. Pixels are laid out
 * as the tiles want them (amx_sweep.h), a part of the batch at a time, so that it stays in a core's
 * own cache. The data gradient of a strided convolution is one such sum for every place of a
 * pixel modulo the stride, each with the taps that reach it. No sum depends on the threads, so
 * neither do the bits. */
#include "train/engine/amx.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/num.h"
#include "train/engine/amx_impl.h"
#include "train/engine/shares.h"

enum {
    MAX_STEPS = 800,
    PART_BYTES = 768 * 1024,   /* of laid out pixels that a thread multiplies at a time */
    WEIGHT_BYTES = 512 * 1024, /* that stay in a core's cache beside a part */
    PARTS = 2,                 /* for each thread, be they ever so small */
    PAST_BYTES = 8 << 20,      /* outputs that no cache keeps until they are read again */
    LEAST_PITCH = 16,          /* numbers that a place counts for, be they less */
    LEAST_CHANNELS = 16,
    /* inputs of fewer are multiplied by runs, a row of the filter at a time */
    FEW_CHANNELS = 16
};

bool slc_amx_fits(const slc_geom *g, slc_dtype type)
{
    const size_t taps = g->kernel_h * g->kernel_w;
    if (type != SLC_BF16 || g->groups > 1 || !slc_isa_tiles() || taps > SLC_MAX_TAPS ||
        g->out.c < LEAST_CHANNELS || (g->linear && g->in.h != g->in.w) ||
        taps * slc_amx_sides(slc_max(g->in.c, g->out.c)) > MAX_STEPS)
        return false;
    return g->in.c >= FEW_CHANNELS ||
           (!g->linear && !g->wants_dx && g->dilation == 1 && taps > 1);
}

/* Numbers laid out for a part, with what a last tile reads beyond. */
static size_t laid_out(const slc_sweep *s, const slc_part *u)
{
    return slc_sweep_laid(s, *u) + (SLC_TILE_SIDE + (s->more + 1) * s->wide) * s->pitch +
           s->depth;
}

static size_t cut_products(const slc_sweep *s, size_t lanes, slc_part *first)
{
    return slc_sweep_cut(s,
                         slc_max(s->variants * s->pitch, LEAST_PITCH) * sizeof(uint16_t),
                         PART_BYTES, lanes, first);
}

/* Inputs may be read where they lie. */
static bool lies_well(const slc_sweep *s, size_t n)
{
    return s->taps == 1 && !s->runs && s->step == 1 && s->w == 1 && s->out_step == 1 &&
           s->tap[0].y == 0 && s->tap[0].x == 0 && s->depth == s->in.c &&
           n * s->h % SLC_TILE == 0;
}

/* Numbers of a thread's room: laid out pixels, then what tiles begin at and their pixels. */
static size_t list_size(const slc_sweep *s, const slc_part *u)
{
    const size_t tiles = slc_sweep_places(s, *u) / SLC_TILE + u->images + 2;
    return slc_round_up(tiles * (sizeof(size_t) + SLC_TILE * sizeof(int32_t)) /
                            sizeof(uint16_t),
                        SLC_TILE_SIDE);
}

static size_t weights_size(const slc_sweep *s)
{
    return slc_amx_sides(s->out.c) * SLC_TILE_SIDE * s->taps * s->depth;
}

static bool has_few(const slc_sweep *s)
{
    return weights_size(s) * sizeof(uint16_t) <= WEIGHT_BYTES;
}

/* What the batch is cut into at least. Many weights go past once for each part. */
static size_t lanes_of(const slc_tiled *p, const slc_sweep *s, bool sums)
{
    return sums || has_few(s) ? slc_max(SLC_LANES, p->threads) : PARTS * p->threads;
}

static void free_product(void **out)
{
    slc_tiled *p = *out;
    if (p) {
        free(p->sweep);
        free(p->zeros);
        free(p->plain);
        free(p->u);
    }
    free(p);
    *out = NULL;
}

/* Any picture under a filter of one pixel is a column of pixels; a linear layer is a filter as
 * large as its picture, whose stride may be taken for as large. */
static void simplify(slc_geom *g)
{
    if (g->linear) g->stride = slc_max(g->in.h, 1);
    if (g->kernel_h * g->kernel_w > 1 || g->stride > 1 || g->padding > 0) return;
    g->in.h *= g->n * g->in.w;
    g->out.h = g->in.h;
    g->in.w = g->out.w = g->n = 1;
}

static size_t room_of(const slc_sweep *s, size_t lanes)
{
    slc_part first;
    cut_products(s, lanes, &first);
    return laid_out(s, &first) + list_size(s, &first);
}

static void set_rooms(slc_tiled *p)
{
    for (size_t i = 0; i < p->sweeps; i++) {
        if (i == 1) continue;
        slc_sweep *s = &p->sweep[i];
        s->u = p->weights[i > 0];
        p->weights[i > 0] += weights_size(s);
        p->room[i > 0] = slc_max(p->room[i > 0], room_of(s, lanes_of(p, s, false)));
    }
    p->room[0] = slc_max(p->room[0], room_of(&p->sweep[0], SLC_LANES)); /* with sums */
}

static slc_status make(void **out, void *threads, const slc_geom *g, slc_err *err)
{
    slc_tiled *p = calloc(1, sizeof(*p));
    *out = p;
    if (!p) return slc_fail(err, SLC_ENOMEM, "convolution: memory ran out");
    p->geom = *g;
    p->threads = *(const size_t *)threads;
    simplify(&p->geom);
    const size_t taps = g->kernel_h * g->kernel_w, stride = p->geom.stride;
    const bool runs = g->in.c < FEW_CHANNELS;
    p->ins = runs ? g->in.c * g->kernel_w : g->in.c;
    p->filter = runs ? g->kernel_h : taps;
    const size_t down = slc_min(stride, p->geom.in.h),
                 across = slc_min(stride, p->geom.in.w);
    p->sweeps = g->train ? 2 + (g->wants_dx ? down * across : 0) : 1;
    p->sweep = calloc(p->sweeps, sizeof(*p->sweep));
    p->zeros =
        calloc(slc_round_up(slc_max(p->ins, g->out.c), SLC_TILE_SIDE), sizeof(uint16_t));
    if (runs) p->plain = calloc(p->ins * p->filter * g->out.c, sizeof(*p->plain));
    if (!p->sweep || !p->zeros || (runs && !p->plain))
        return slc_fail(err, SLC_ENOMEM, "convolution: memory ran out");
    slc_sweep_forward(&p->sweep[0], &p->geom, p->ins, false);
    if (p->sweeps > 1) slc_sweep_forward(&p->sweep[1], &p->geom, p->ins, true);
    for (size_t i = 2; i < p->sweeps; i++)
        slc_sweep_back(&p->sweep[i], &p->geom, (i - 2) / across, (i - 2) % across);
    set_rooms(p);
    if (!g->train) p->u = slc_block_alloc(p->weights[0] * sizeof(uint16_t));
    return g->train || p->u ? SLC_OK
                            : slc_fail(err, SLC_ENOMEM, "convolution: memory ran out");
}

static size_t bytes(const void *out)
{
    const slc_tiled *p = out;
    return p->u ? p->weights[0] * sizeof(uint16_t) : 0;
}

/* Where tiles begin, as places of a copy, and the pixels that they make. They go by two: after
 * an odd one comes one that makes none. */
static size_t list_tiles(const slc_sweep *s, slc_part u, size_t *at, int32_t *pixel)
{
    const size_t runs = s->more > 0 ? u.images : 1, each = u.images / runs;
    size_t tiles = 0, count = 0;
    for (size_t r = 0; r < runs; r++) {
        const size_t begin = r * (u.rows + s->more) * s->wide, first = tiles;
        for (size_t i = 0; i < each * u.rows; i++) {
            const size_t image = u.image + r + i / u.rows;
            const size_t y = (u.row + i % u.rows) * s->out_step + s->y0;
            const size_t row = (image * s->out.h + y) * s->out.w + s->x0;
            for (size_t j = 0; j < s->wide; j++)
                pixel[count++] = j < s->w ? (int32_t)(row + j * s->out_step) : -1;
        }
        while (count % SLC_TILE != 0)
            pixel[count++] = -1;
        for (; tiles < count / SLC_TILE; tiles++)
            at[tiles] = begin + (tiles - first) * SLC_TILE;
    }
    at[tiles] = 0;
    for (size_t k = 0; k < SLC_TILE; k++)
        pixel[count++] = -1;
    return tiles;
}

typedef struct way {
    const uint16_t *from, *u;
    const struct slc_affine *norm; /* of what is read; or NULL */
    slc_amx_out out;               /* sums: of the first lane */
} way;

static void multiply_part(const slc_tiled *p, const slc_sweep *s, const way *w,
                          slc_part u, const slc_amx_out *out, uint16_t *room,
                          const slc_part *largest)
{
    size_t at[MAX_STEPS], steps = 0;
    const size_t copy = slc_sweep_places(s, u) * s->pitch;
    size_t *begin = (size_t *)(room + slc_round_up(laid_out(s, largest), SLC_TILE_SIDE));
    int32_t *pixel = (int32_t *)(begin + slc_sweep_places(s, *largest) / SLC_TILE +
                                 largest->images + 2);
    const uint16_t *laid = room;
    float sum[SLC_TILE_SIDE * SLC_TILE_SIDE] __attribute__((aligned(64)));
    if (!w->norm && lies_well(s, p->geom.n))
        laid = w->from + u.row * s->in.c;
    else
        slc_sweep_lay(s, w->from, w->norm, u, room);
    const size_t tiles = list_tiles(s, u, begin, pixel);
    for (size_t t = 0; t < s->taps; t++)
        for (size_t k = 0; k < s->depth; k += SLC_TILE_DEPTH)
            at[steps++] = s->tap[t].variant * copy +
                          (s->tap[t].row * s->wide + s->tap[t].column) * s->pitch + k;
    /* Few weights stay in cache, and pixels are made whole, while the next pixels are asked for
     * if they come from afar; many weights go past once, and the next are asked for. */
    const bool few = has_few(s);
    const size_t pairs = (tiles + 1) / 2, sides = slc_amx_sides(s->out.c);
    const size_t block = SLC_TILE_SIDE * s->taps * s->depth;
    const size_t others = few ? sides : pairs;
    const size_t lines = few && laid == room ? 0 : (SLC_TILE_SIDE + others - 1) / others;
    for (size_t i = 0; i < pairs * sides; i++) {
        const size_t t = 2 * (few ? i / sides : i % pairs);
        const size_t side = few ? i % sides : i / pairs;
        const uint16_t *const a[2] = {laid + begin[t] * s->pitch,
                                      laid + begin[t + 1] * s->pitch};
        const uint16_t *const b = w->u + side * block;
        const uint16_t *const next =
            few ? a[0] + 2 * SLC_TILE_SIDE * s->pitch : b + block;
        slc_amx_ask(out, pixel + t * SLC_TILE, side * SLC_TILE_SIDE);
        slc_amx_product(sum, a, s->pitch, at, steps, b,
                        next + i % others * lines * steps * SLC_TILE_DEPTH, lines);
        slc_amx_store(out, pixel + t * SLC_TILE, side * SLC_TILE_SIDE, sum);
    }
}

/* Pixels that no tap reaches. */
static void clear_part(const slc_sweep *s, const way *w, slc_part u)
{
    for (size_t a = 0; !w->out.add && a < u.images; a++)
        for (size_t i = 0; i < u.rows; i++)
            for (size_t j = 0; j < s->w; j++)
                memset(w->out.y + (((u.image + a) * s->out.h + (u.row + i) * s->out_step +
                                    s->y0) *
                                       s->out.w +
                                   j * s->out_step + s->x0) *
                                      s->out.c,
                       0, s->out.c * sizeof(*w->out.y));
}

/* One part, or with sums all those of a lane. */
static void multiply_lane(const slc_tiled *p, const slc_sweep *s, const way *w,
                          const slc_part *first, size_t parts, size_t lanes, size_t lane,
                          uint16_t *room)
{
    const size_t c = s->out.c;
    slc_amx_out out = w->out;
    if (out.sums) out.sums = memset(out.sums + lane * 2 * c, 0, 2 * c * sizeof(double));
    for (size_t i = parts * lane / lanes; i < parts * (lane + 1) / lanes; i++) {
        const slc_part u = slc_sweep_part(s, first, i);
        if (s->taps > 0)
            multiply_part(p, s, w, u, &out, room, first);
        else
            clear_part(s, w, u);
    }
}

static void multiply(const slc_tiled *p, const slc_sweep *s, const way *w,
                     uint16_t *rooms, size_t room)
{
    slc_part first;
    slc_shares shares;
    const size_t parts = cut_products(s, lanes_of(p, s, w->out.sums), &first);
    const size_t lanes = w->out.sums ? SLC_LANES : parts;
    slc_shares_set(&shares, lanes, p->threads);
#pragma omp parallel num_threads((int)p->threads)
    {
        const size_t t = (size_t)omp_get_thread_num();
        slc_amx_begin();
        SLC_EACH_SHARE (shares, lane)
            multiply_lane(p, s, w, &first, parts, lanes, lane, rooms + t * room);
        slc_amx_end();
    }
}

/* A sweep's weights: for every 32 outputs tap by tap, 32 inputs at a time. */
static void set_weights(const slc_tiled *p, const slc_sweep *s, bool back, const float *w,
                        uint16_t *u)
{
    const size_t in = p->ins, taps = p->filter, blocks = s->depth / SLC_TILE_DEPTH;
    const size_t across = back ? taps : in * taps, down = back ? in * taps : taps;
    const size_t rows = back ? s->in.c : in;
#pragma omp parallel for num_threads((int)p->threads) schedule(static) collapse(2)
    for (size_t k = 0; k < s->out.c; k += SLC_TILE_SIDE)
        for (size_t r = 0; r < blocks; r++)
            for (size_t t = 0; t < s->taps; t++) {
                const size_t row = r * SLC_TILE_DEPTH;
                slc_amx_weights(u + (k * s->taps + t * SLC_TILE_SIDE) * s->depth +
                                    r * 2 * SLC_TILE_SIZE,
                                w + k * across + row * down + s->tap[t].index,
                                slc_min(s->out.c - k, SLC_TILE_SIDE), rows - row, across,
                                down);
            }
}

static size_t room_bytes(const slc_tiled *p, size_t side)
{
    return (slc_round_up(p->weights[side], SLC_TILE_SIDE) +
            p->threads * slc_round_up(p->room[side], SLC_TILE_SIDE)) *
           sizeof(uint16_t);
}

static size_t scratch(const void *out)
{
    const slc_tiled *p = out;
    const size_t most = slc_max(room_bytes(p, 0), room_bytes(p, 1));
    return p->geom.train ? slc_max(most, slc_amx_learn_bytes(p)) : most;
}

/* Weights with the inputs of a row of the filter side by side, and its rows as taps. */
static const float *weights_of(const slc_tiled *p, const float *w)
{
    const size_t c = p->geom.in.c, h = p->geom.kernel_h, across = p->geom.kernel_w;
    if (!p->plain) return w;
    for (size_t k = 0; k < p->geom.out.c; k++)
        for (size_t i = 0; i < p->ins; i++)
            for (size_t y = 0; y < h; y++)
                p->plain[(k * p->ins + i) * h + y] =
                    w[((k * c + i % c) * h + y) * across + i / c];
    return p->plain;
}

static bool goes_past(const slc_tiled *p, const void *y)
{
    return p->geom.train && p->geom.out.c % SLC_TILE_SIDE == 0 &&
           (uintptr_t)y % 64 == 0 &&
           p->geom.n * slc_shape_size(p->geom.out) * sizeof(uint16_t) >= PAST_BYTES;
}

/* Sums cut the batch into lanes, for each of which many weights would go past once more, and
 * beyond which threads would have nothing to do. */
static bool gives_sums(const void *out)
{
    const slc_tiled *p = out;
    return has_few(&p->sweep[0]) && p->threads <= SLC_LANES;
}

static bool forward(void *out, const slc_product_call *call)
{
    slc_tiled *p = out;
    uint16_t *rooms = call->scratch;
    uint16_t *u = p->u ? p->u : rooms;
    if (!p->u || p->version != call->version)
        set_weights(p, &p->sweep[0], false, weights_of(p, call->w), u);
    p->version = call->version;
    rooms += slc_round_up(p->weights[0], SLC_TILE_SIDE);
    multiply(p, &p->sweep[0],
             &(way){.from = call->x,
                    .u = u,
                    .norm = call->norm,
                    .out = {.y = call->y,
                            .c = p->geom.out.c,
                            .bias = call->b,
                            .past = goes_past(p, call->y),
                            .sums = call->sums}},
             rooms, slc_round_up(p->room[0], SLC_TILE_SIDE));
    return true;
}

static bool backward_data(void *out, const slc_product_call *call)
{
    const slc_tiled *p = out;
    uint16_t *u = call->scratch, *rooms = u + slc_round_up(p->weights[1], SLC_TILE_SIDE);
    for (size_t i = 2; i < p->sweeps; i++) {
        const slc_sweep *s = &p->sweep[i];
        set_weights(p, s, true, call->w, u + s->u);
        multiply(p, s,
                 &(way){.from = call->dy,
                        .u = u + s->u,
                        .out = {.y = call->dx, .c = p->geom.in.c, .add = call->add_dx}},
                 rooms, slc_round_up(p->room[1], SLC_TILE_SIDE));
    }
    return true;
}

/* Not by runs. */
static bool reads_norm(const slc_geom *g)
{
    return g->in.c >= FEW_CHANNELS;
}

const slc_engine slc_engine_amx = {
    .name = "amx",
    .make = make,
    .free = free_product,
    .scratch = scratch,
    .bytes = bytes,
    .adds_dx = true,
    .reads_norm = reads_norm,
    .gives_sums = gives_sums,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = slc_amx_backward_weights,
};
