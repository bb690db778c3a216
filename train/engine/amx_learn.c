/* Weight gradients on matrix tiles: sums over pixels, so outputs are turned, inputs laid in
 * pairs, and every tap's sum grows from part to part of the batch. */
#include <omp.h>

#include "base/num.h"
#include "train/engine/amx_impl.h"
#include "train/engine/kernel.h"
#include "train/engine/shares.h"

enum {
    CHUNK_BYTES = 1536 * 1024
}; /* of both sides that all threads learn from at a time */

/* What is learned from at a time: both sides' pixels of a part as tiles. */
typedef struct chunk {
    slc_part u;
    size_t slabs, pairs;             /* of 32 places; with those that taps step on to */
    size_t turned_next, paired_next; /* from 16 channels to the next */
    uint16_t *turned, *paired;
    uint16_t *laid; /* runs: all copies */
    float *sums;    /* [tap][outputs / 16][inputs / 16][16][16] */
} chunk;

static size_t cut_lessons(const slc_sweep *s, slc_part *first)
{
    return slc_sweep_cut(s, (s->depth + s->out.c) * sizeof(uint16_t), CHUNK_BYTES, 1,
                         first);
}

static void set_chunk(const slc_sweep *s, slc_part u, chunk *c)
{
    c->u = u;
    c->slabs = (slc_sweep_places(s, u) + SLC_TILE_DEPTH - 1) / SLC_TILE_DEPTH;
    c->pairs = c->slabs + (s->more * s->wide + SLC_TILE_DEPTH - 1) / SLC_TILE_DEPTH;
    c->turned_next = c->slabs * SLC_TILE_SIZE + SLC_TILE_SIDE;
    c->paired_next = c->pairs * SLC_TILE_SIZE + SLC_TILE_SIDE;
}

static size_t blocks(size_t c)
{
    return 2 * slc_amx_sides(c);
}

static size_t sums_size(const slc_tiled *p)
{
    return p->filter * blocks(p->ins) * blocks(p->geom.out.c) * SLC_TILE * SLC_TILE;
}

size_t slc_amx_learn_bytes(const slc_tiled *p)
{
    const slc_sweep *s = &p->sweep[1];
    slc_part first;
    chunk c;
    cut_lessons(s, &first);
    set_chunk(s, first, &c);
    return sums_size(p) * sizeof(float) +
           (c.turned_next * blocks(p->geom.out.c) + c.paired_next * blocks(p->ins) +
            (s->runs ? slc_sweep_laid(s, first) : 0)) *
               sizeof(uint16_t);
}

/* A place of a chunk: image, row and column of the grid, rows of zeros among them. */
typedef struct place {
    size_t a, i, j;
} place;

static place place_of(const slc_sweep *s, const chunk *c, size_t q)
{
    const size_t rows = c->u.rows + s->more;
    return (place){q / s->wide / rows, q / s->wide % rows, q % s->wide};
}

static void step_on(const slc_sweep *s, const chunk *c, place *at)
{
    if (++at->j < s->wide) return;
    at->j = 0;
    if (++at->i < c->u.rows + s->more) return;
    at->i = 0;
    at->a++;
}

/* Channels from low to high - 1, whole tiles but for the last. */
typedef struct range {
    size_t low, high;
} range;

/* Outputs' gradients of 32 places. */
static void find_outputs(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                         const uint16_t *dy, size_t slab, size_t low,
                         const uint16_t *from[SLC_TILE_DEPTH])
{
    place at = place_of(s, c, slab * SLC_TILE_DEPTH);
    for (size_t i = 0; i < SLC_TILE_DEPTH; i++, step_on(s, c, &at))
        from[i] =
            at.a < c->u.images && at.i < c->u.rows && at.j < s->w
                ? dy +
                      (((c->u.image + at.a) * s->h + c->u.row + at.i) * s->w + at.j) *
                          s->out.c +
                      low
                : p->zeros;
}

/* Slabs from first to last - 1. */
static void turn_slabs(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                       const uint16_t *dy, size_t first, size_t last, range k)
{
    const uint16_t *from[2][SLC_TILE_DEPTH];
    if (first < last) find_outputs(p, s, c, dy, first, k.low, from[first % 2]);
    for (size_t slab = first; slab < last; slab++) {
        find_outputs(p, s, c, dy, slab + 1, k.low, from[(slab + 1) % 2]);
        slc_amx_turn(c->turned + k.low / SLC_TILE * c->turned_next + slab * SLC_TILE_SIZE,
                     c->turned_next, from[slab % 2], from[(slab + 1) % 2],
                     k.high - k.low);
    }
}

/* The input of a place; row: where its row begins, if that is known. */
static const uint16_t *input_at(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                                const uint16_t *x, size_t v, place at,
                                const uint16_t **row)
{
    const ptrdiff_t column = (ptrdiff_t)(at.j * s->step) + s->variant[v].x;
    if (at.a >= c->u.images) return p->zeros;
    if (s->runs)
        return c->laid +
               (((v * c->u.images + at.a) * (c->u.rows + s->more) + at.i) * s->wide +
                at.j) *
                   s->pitch;
    if (!*row || at.j == 0)
        *row = slc_sweep_row(s, x, c->u.image + at.a,
                             (ptrdiff_t)((c->u.row + at.i) * s->step) + s->variant[v].y);
    return *row && column >= 0 && (size_t)column < s->in.w
               ? *row + (size_t)column * s->in.c
               : p->zeros;
}

/* 32 places of copy v of the inputs. */
static void find_inputs(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                        const uint16_t *x, size_t v, size_t slab, size_t low,
                        const uint16_t *from[SLC_TILE_DEPTH])
{
    const uint16_t *row = NULL;
    place at = place_of(s, c, slab * SLC_TILE_DEPTH);
    for (size_t k = 0; k < SLC_TILE_DEPTH; k++, step_on(s, c, &at)) {
        from[k] = input_at(p, s, c, x, v, at, &row);
        if (from[k] != p->zeros) from[k] += low;
    }
}

/* Batch norm of channels from low on. */
static const slc_affine *norm_from(const slc_product_call *call, size_t low,
                                   slc_affine *room)
{
    if (!call->norm) return NULL;
    *room = *call->norm;
    room->a += low, room->b += low;
    return room;
}

static void pair_slabs(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                       const slc_product_call *call, size_t v, size_t first, size_t last,
                       range i)
{
    const uint16_t *from[2][SLC_TILE_DEPTH], *const x = call->x;
    slc_affine room;
    const slc_affine *const norm = norm_from(call, i.low, &room);
    if (first < last) find_inputs(p, s, c, x, v, first, i.low, from[first % 2]);
    for (size_t slab = first; slab < last; slab++) {
        find_inputs(p, s, c, x, v, slab + 1, i.low, from[(slab + 1) % 2]);
        slc_amx_pair(c->paired + i.low / SLC_TILE * c->paired_next + slab * SLC_TILE_SIZE,
                     c->paired_next, from[slab % 2], from[(slab + 1) % 2], i.high - i.low,
                     norm, p->zeros);
    }
}

/* Adds to the sums of a tap, of 32 outputs and 32 inputs from k and i on. */
static void learn(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                  const slc_tap *t, size_t k, size_t i, bool add)
{
    const size_t across = blocks(p->ins), down = blocks(s->out.c);
    const size_t from = t->row * s->wide / 2 * 2 * SLC_TILE;
    const uint16_t *const a = c->turned + k / SLC_TILE * c->turned_next;
    const uint16_t *const b = c->paired + i / SLC_TILE * c->paired_next + from;
    float *const to =
        c->sums + (((size_t)(t - s->tap) * down + k / SLC_TILE) * across + i / SLC_TILE) *
                      SLC_TILE * SLC_TILE;
    float *const sum[2][2] = {
        {to, to + SLC_TILE * SLC_TILE},
        {to + across * SLC_TILE * SLC_TILE, to + (across + 1) * SLC_TILE * SLC_TILE}};
    slc_amx_learn(sum, add, (const uint16_t *const[2]){a, a + c->turned_next},
                  (const uint16_t *const[2]){b, b + c->paired_next}, c->slabs);
}

/* A sum of runs: number i of a row of the filter, times 16 outputs from k on. */
static void give_run(const slc_tiled *p, const slc_product_call *call, const float *sum,
                     size_t k, size_t i, size_t row)
{
    const slc_geom *g = &p->geom;
    for (size_t r = 0; r < slc_min(SLC_TILE, g->out.c - k); r++)
        for (size_t l = i; l < slc_min(i + SLC_TILE, p->ins); l++) {
            const size_t at =
                (((k + r) * g->in.c + l % g->in.c) * g->kernel_h + row) * g->kernel_w +
                l / g->in.c;
            call->dw[at] = sum[r * SLC_TILE + l - i] + (call->add_dw ? call->dw[at] : 0);
        }
}

/* The sums of 16 outputs to PyTorch's order. */
static void give_outputs(const slc_tiled *p, const slc_product_call *call,
                         const float *sums, size_t k)
{
    const size_t across = blocks(p->ins), down = blocks(p->geom.out.c);
    const size_t c = p->ins, taps = p->filter;
    for (size_t i = 0; i < c; i += SLC_TILE)
        for (size_t t = 0; t < taps; t++) {
            const float *from =
                sums +
                ((t * down + k / SLC_TILE) * across + i / SLC_TILE) * SLC_TILE * SLC_TILE;
            if (p->plain)
                give_run(p, call, from, k, i, t);
            else
                slc_amx_give(call->dw + (k * c + i) * taps + t, call->add_dw,
                             slc_min(SLC_TILE, p->geom.out.c - k), c - i, c * taps, taps,
                             from);
        }
}

/* Thread number t's share of sides of 32 channels. */
static range share(size_t channels, size_t t, size_t threads)
{
    const size_t sides = slc_amx_sides(channels);
    return (range){slc_min(sides * t / threads * SLC_TILE_SIDE, channels),
                   slc_min(sides * (t + 1) / threads * SLC_TILE_SIDE, channels)};
}

static bool shares_well(size_t channels)
{
    const size_t sides = slc_amx_sides(channels);
    const size_t threads =
        (size_t)omp_get_num_threads(); /* perhaps fewer than asked for */
    return sides % threads == 0 || sides >= 4 * threads;
}

/* Who lays out what, and what is shared out: with outs or ins, every thread has channels of that
 * side, and an item is one thread's channels with 32 of the other side; else it is 32
 * outputs with 32 inputs. */
typedef struct plan {
    bool outs, ins;
    size_t threads;
} plan;

static size_t items_of(const slc_tiled *p, plan by)
{
    const size_t outs = slc_amx_sides(p->geom.out.c), ins = slc_amx_sides(p->ins);
    return by.ins ? by.threads * outs : by.outs ? by.threads * ins : outs * ins;
}

static range one_side(size_t side, size_t channels)
{
    return (range){side * SLC_TILE_SIDE, slc_min((side + 1) * SLC_TILE_SIDE, channels)};
}

/* Adds to the sums of item number i, of the taps of copy v. */
static void learn_item(const slc_tiled *p, const slc_sweep *s, const chunk *c, size_t v,
                       plan by, size_t i, bool add)
{
    const size_t outs = slc_amx_sides(p->geom.out.c), ins = slc_amx_sides(p->ins);
    range k = one_side(i / ins, s->out.c), l = one_side(i % ins, p->ins);
    if (by.outs) k = share(s->out.c, i / ins, by.threads);
    if (by.ins) k = one_side(i % outs, s->out.c), l = share(p->ins, i / outs, by.threads);
    for (size_t t = 0; t < s->taps; t++)
        for (size_t a = k.low; s->tap[t].variant == v && a < k.high; a += SLC_TILE_SIDE)
            for (size_t b = l.low; b < l.high; b += SLC_TILE_SIDE)
                learn(p, s, c, &s->tap[t], a, b, add);
}

/* What a core lays out itself it need not fetch from another: each thread has its own channels
 * of the larger side, if they share well, and the smaller side is laid out by all for all. */
static void learn_chunk(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                        const slc_product_call *call, slc_shares *shares, bool add)
{
    const range outs = {0, s->out.c}, ins = {0, p->ins};
    const bool larger = p->ins * s->variants > s->out.c;
    plan by = {.ins = larger && shares_well(p->ins),
               .threads = (size_t)omp_get_num_threads()};
    by.outs = !by.ins && shares_well(s->out.c);
    const size_t me = (size_t)omp_get_thread_num();
    const range k = by.outs ? share(s->out.c, me, by.threads) : outs;
    const range i = by.ins ? share(p->ins, me, by.threads) : ins;
    if (s->runs) {
#pragma omp for schedule(static) collapse(2)
        for (size_t v = 0; v < s->variants; v++)
            for (size_t a = 0; a < c->u.images; a++)
                slc_sweep_lay_image(s, call->x, NULL, c->u, v, a, c->laid);
    }
    if (by.outs)
        turn_slabs(p, s, c, call->dy, 0, c->slabs, k);
    else
#pragma omp for schedule(static)
        for (size_t t = 0; t < p->threads; t++)
            turn_slabs(p, s, c, call->dy, c->slabs * t / p->threads,
                       c->slabs * (t + 1) / p->threads, outs);
    for (size_t v = 0; v < s->variants; v++) {
#pragma omp single nowait
        {
            slc_shares_set(shares, items_of(p, by), by.threads);
            shares->kept = 1;
        }
        if (by.ins)
            pair_slabs(p, s, c, call, v, 0, c->pairs, i);
        else
#pragma omp for schedule(static) nowait
            for (size_t t = 0; t < p->threads; t++)
                pair_slabs(p, s, c, call, v, c->pairs * t / p->threads,
                           c->pairs * (t + 1) / p->threads, ins);
#pragma omp barrier
        SLC_EACH_SHARE (*shares, b)
            learn_item(p, s, c, v, by, b, add);
#pragma omp barrier
    }
}

bool slc_amx_backward_weights(void *out, const slc_product_call *call)
{
    const slc_tiled *p = out;
    const slc_sweep *s = &p->sweep[1];
    float *const sums = call->scratch;
    slc_part first;
    slc_shares shares;
    const size_t parts = cut_lessons(s, &first);
#pragma omp parallel num_threads((int)p->threads)
    {
        chunk c = {.sums = sums, .turned = (uint16_t *)(sums + sums_size(p))};
        set_chunk(s, first, &c);
        c.paired = c.turned + c.turned_next * blocks(s->out.c);
        c.laid = c.paired + c.paired_next * blocks(p->ins);
        slc_amx_begin();
        for (size_t i = 0; i < parts; i++) {
            set_chunk(s, slc_sweep_part(s, &first, i), &c);
            learn_chunk(p, s, &c, call, &shares, i > 0);
        }
        slc_amx_end();
#pragma omp for schedule(static)
        for (size_t k = 0; k < s->out.c; k += SLC_TILE)
            give_outputs(p, call, sums, k);
    }
    return true;
}
