/* Weight gradients on matrix tiles: sums over pixels, so outputs are turned, inputs laid in
 * pairs, and every tap's sum grows from part to part of the batch. */
#include <omp.h>

#include "base/num.h"
#include "train/engine/amx_impl.h"
#include "train/engine/kernel.h"
#include "train/engine/shares.h"

enum {
    CHUNK_BYTES = 1024 * 1024, /* of both sides that a thread learns from at a time */
    LANES = 16,
    LANE_BYTES = 12 * 1024 * 1024, /* of all lanes' sums */
    LANE_PLACES = 512,             /* at least */
    ITEMS = 8,                     /* the same, whatever the threads */
};

/* What is learned from at a time: both sides' pixels of a part as tiles. */
typedef struct chunk {
    slc_part u;
    size_t out, in;                  /* first channels */
    size_t slabs, pairs;             /* of 32 places; with those that taps step on to */
    size_t turned_next, paired_next; /* from 16 channels to the next */
    uint16_t *turned, *paired;
    uint16_t *laid; /* runs: all copies */
    float *sums;    /* [tap][outputs / 16][inputs / 16][16][16] */
} chunk;

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

/* How the work is cut: lanes of the batch have sums of their own, which are joined in order;
 * an item is a lane's, of a group of outputs with one of inputs. Bits depend on lanes and
 * parts, which depend on the shape alone. */
typedef struct plan {
    size_t parts, lanes, outs, ins;
    slc_part first;
} plan;

/* Halves groups of the larger side until there are items enough: an item lays out both its
 * sides, so lanes come first. */
static void cut_groups(const slc_tiled *p, plan *by, size_t items)
{
    const size_t outs = slc_amx_sides(p->geom.out.c), ins = slc_amx_sides(p->ins);
    while (by->lanes * by->outs * by->ins < items && (by->outs < outs || by->ins < ins)) {
        const bool larger = p->sweep[1].variants * ins * by->outs > outs * by->ins;
        if (by->ins < ins && (larger || by->outs == outs))
            by->ins = slc_min(2 * by->ins, ins);
        else
            by->outs = slc_min(2 * by->outs, outs);
    }
}

/* A side's channels in the largest of its groups. */
static size_t widest(size_t channels, size_t groups)
{
    return (slc_amx_sides(channels) + groups - 1) / groups * SLC_TILE_SIDE;
}

static plan plan_of(const slc_tiled *p)
{
    const slc_sweep *s = &p->sweep[1];
    const size_t places = p->geom.n * s->h * s->w;
    const size_t lanes = slc_min(LANES, LANE_BYTES / (sums_size(p) * sizeof(float)));
    plan by = {
        .lanes = slc_max(slc_min(lanes, places / LANE_PLACES), 1), .outs = 1, .ins = 1};
    cut_groups(p, &by, ITEMS);
    const size_t each =
        (widest(p->ins, by.ins) + widest(s->out.c, by.outs)) * sizeof(uint16_t);
    by.parts = slc_sweep_cut(s, each, CHUNK_BYTES, by.lanes, &by.first);
    by.lanes = slc_min(by.lanes, by.parts);
    cut_groups(p, &by, 4 * p->threads);
    return by;
}

/* Numbers that a thread lays out at a time. */
static size_t room_of(const slc_tiled *p, const plan *by, chunk *c)
{
    const slc_sweep *s = &p->sweep[1];
    set_chunk(s, by->first, c);
    return slc_round_up(c->turned_next * blocks(widest(p->geom.out.c, by->outs)) +
                            c->paired_next * blocks(widest(p->ins, by->ins)) +
                            (s->runs ? slc_sweep_laid(s, by->first) : 0),
                        64);
}

size_t slc_amx_learn_bytes(const slc_tiled *p)
{
    chunk c;
    const plan by = plan_of(p);
    return by.lanes * sums_size(p) * sizeof(float) +
           p->threads * room_of(p, &by, &c) * sizeof(uint16_t);
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
        slc_amx_turn(c->turned + slab * SLC_TILE_SIZE, c->turned_next, from[slab % 2],
                     from[(slab + 1) % 2], k.high - k.low);
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
        slc_amx_pair(c->paired + slab * SLC_TILE_SIZE, c->paired_next, from[slab % 2],
                     from[(slab + 1) % 2], i.high - i.low, norm, p->zeros);
    }
}

/* The sum of a tap, of 16 outputs and 16 inputs from k and i on. */
static float *sum_at(const slc_tiled *p, const chunk *c, const slc_sweep *s,
                     const slc_tap *t, size_t k, size_t i)
{
    const size_t across = blocks(p->ins), down = blocks(s->out.c);
    return c->sums +
           (((size_t)(t - s->tap) * down + k / SLC_TILE) * across + i / SLC_TILE) *
               SLC_TILE * SLC_TILE;
}

static const uint16_t *outputs_at(const chunk *c, size_t k)
{
    return c->turned + (k - c->out) / SLC_TILE * c->turned_next;
}

static const uint16_t *inputs_at(const chunk *c, size_t i)
{
    return c->paired + (i - c->in) / SLC_TILE * c->paired_next;
}

static size_t row_of(const slc_sweep *s, const slc_tap *t)
{
    return t->row * s->wide / 2 * 2 * SLC_TILE;
}

/* 32 outputs with 32 inputs, from k and i on, and those that come after them. */
typedef struct visit {
    size_t k, i, next_k, next_i;
} visit;

/* Adds to the sums of a tap. */
static void learn(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                  const slc_tap *t, const visit *at, bool add)
{
    const uint16_t *const a = outputs_at(c, at->k);
    const uint16_t *const b = inputs_at(c, at->i) + row_of(s, t);
    const size_t k[2] = {at->k, at->next_k}, i[2] = {at->i, at->next_i};
    float *sum[2][4];
    for (size_t n = 0; n < 2; n++)
        for (size_t j = 0; j < 4; j++)
            sum[n][j] =
                sum_at(p, c, s, t, k[n] + j / 2 * SLC_TILE, i[n] + j % 2 * SLC_TILE);
    slc_amx_learn(sum[0], sum[1], add, a, a + c->turned_next, b, b + c->paired_next,
                  c->slabs);
}

/* Adds to those of three taps that lie in one copy: its tiles come from the first cache twice. */
static void learn_rows(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                       const slc_tap *const t[3], const visit *at, bool add)
{
    const uint16_t *const a = outputs_at(c, at->k);
    const bool both = p->ins - at->i > SLC_TILE;
    for (size_t half = 0; half <= both; half++) {
        const bool stays = half < both;
        const size_t l = at->i + half * SLC_TILE;
        const uint16_t *const b = inputs_at(c, l);
        const size_t k[2] = {at->k, stays ? at->k : at->next_k},
                     i[2] = {l, stays ? l + SLC_TILE : at->next_i};
        float *sum[2][6];
        for (size_t n = 0; n < 2; n++)
            for (size_t j = 0; j < 6; j++)
                sum[n][j] = sum_at(p, c, s, t[j / 2], k[n] + j % 2 * SLC_TILE, i[n]);
        slc_amx_learn_rows(sum[0], sum[1], add, a, a + c->turned_next,
                           b + row_of(s, t[0]), b + row_of(s, t[1]), b + row_of(s, t[2]),
                           c->slabs);
    }
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

/* The lanes' sums of 16 outputs, joined, to PyTorch's order. */
static void give_outputs(const slc_tiled *p, const slc_product_call *call, float *sums,
                         size_t lanes, size_t k)
{
    const size_t across = blocks(p->ins), down = blocks(p->geom.out.c);
    const size_t c = p->ins, taps = p->filter;
    for (size_t i = 0; i < c; i += SLC_TILE)
        for (size_t t = 0; t < taps; t++) {
            float *const from =
                sums +
                ((t * down + k / SLC_TILE) * across + i / SLC_TILE) * SLC_TILE * SLC_TILE;
            for (size_t l = 1; l < lanes; l++)
                for (size_t j = 0; j < SLC_TILE * SLC_TILE; j++)
                    from[j] += from[l * sums_size(p) + j];
            if (p->plain)
                give_run(p, call, from, k, i, t);
            else
                slc_amx_give(call->dw + (k * c + i) * taps + t, call->add_dw,
                             slc_min(SLC_TILE, p->geom.out.c - k), c - i, c * taps, taps,
                             from);
        }
}

/* Group number g's share of sides of 32 channels. */
static range share(size_t channels, size_t g, size_t groups)
{
    const size_t sides = slc_amx_sides(channels);
    return (range){slc_min(sides * g / groups * SLC_TILE_SIDE, channels),
                   slc_min(sides * (g + 1) / groups * SLC_TILE_SIDE, channels)};
}

/* All taps of copy v, three at a time. */
static void learn_taps(const slc_tiled *p, const slc_sweep *s, const chunk *c, size_t v,
                       range k, range l, bool add)
{
    const slc_tap *of[SLC_MAX_TAPS];
    size_t taps = 0;
    for (size_t t = 0; t < s->taps; t++)
        if (s->tap[t].variant == v) of[taps++] = &s->tap[t];
    for (size_t a = k.low; a < k.high; a += SLC_TILE_SIDE)
        for (size_t b = l.low; b < l.high; b += SLC_TILE_SIDE) {
            const bool more = b + SLC_TILE_SIDE < l.high;
            const size_t down = a + SLC_TILE_SIDE < k.high ? a + SLC_TILE_SIDE : k.low;
            const visit at = {a, b, more ? a : down, more ? b + SLC_TILE_SIDE : l.low};
            size_t t = 0;
            for (; t + 3 <= taps; t += 3)
                learn_rows(p, s, c, of + t, &at, add);
            for (; t < taps; t++)
                learn(p, s, c, of[t], &at, add);
        }
}

static void learn_item(const slc_tiled *p, const slc_product_call *call, const plan *by,
                       size_t item, chunk c)
{
    const slc_sweep *s = &p->sweep[1];
    const size_t lane = item / (by->outs * by->ins);
    const range k = share(s->out.c, item / by->ins % by->outs, by->outs);
    const range l = share(p->ins, item % by->ins, by->ins);
    const size_t begin = by->parts * lane / by->lanes,
                 end = by->parts * (lane + 1) / by->lanes;
    c.sums += lane * sums_size(p);
    c.out = k.low, c.in = l.low;
    for (size_t i = begin; i < end; i++) {
        set_chunk(s, slc_sweep_part(s, &by->first, i), &c);
        for (size_t v = 0; s->runs && v < s->variants; v++)
            for (size_t a = 0; a < c.u.images; a++)
                slc_sweep_lay_image(s, call->x, NULL, c.u, v, a, c.laid);
        turn_slabs(p, s, &c, call->dy, 0, c.slabs, k);
        for (size_t v = 0; v < s->variants; v++) {
            pair_slabs(p, s, &c, call, v, 0, c.pairs, l);
            learn_taps(p, s, &c, v, k, l, i > begin);
        }
    }
}

/* What a core lays out itself it need not fetch from another, or wait for. */
bool slc_amx_backward_weights(void *out, const slc_product_call *call)
{
    const slc_tiled *p = out;
    const plan by = plan_of(p);
    float *const sums = call->scratch;
    slc_shares shares;
    slc_shares_set(&shares, by.lanes * by.outs * by.ins, p->threads);
#pragma omp parallel num_threads((int)p->threads)
    {
        chunk c = {.sums = sums};
        const size_t room = room_of(p, &by, &c);
        c.turned = (uint16_t *)(sums + by.lanes * sums_size(p)) +
                   (size_t)omp_get_thread_num() * room;
        c.paired = c.turned + c.turned_next * blocks(widest(p->geom.out.c, by.outs));
        c.laid = c.paired + c.paired_next * blocks(widest(p->ins, by.ins));
        slc_amx_begin();
        SLC_EACH_SHARE (shares, i)
            learn_item(p, call, &by, i, c);
        slc_amx_end();
#pragma omp barrier
#pragma omp for schedule(static)
        for (size_t k = 0; k < p->geom.out.c; k += SLC_TILE)
            give_outputs(p, call, sums, by.lanes, k);
    }
    return true;
}
