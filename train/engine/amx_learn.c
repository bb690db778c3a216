/* Weight gradients on matrix tiles: sums over pixels, so outputs are turned, inputs laid in
 * pairs, and every tap's sum grows from part to part of the batch. */
#include "base/num.h"
#include "train/engine/amx_impl.h"

enum {
    CHUNK_BYTES = 1536 * 1024
}; /* of both sides that all threads learn from at a time */

/* What is learned from at a time: both sides' pixels of a part as tiles. */
typedef struct chunk {
    slc_part u;
    size_t count, slabs, pairs; /* places; 32 of them; with those that taps step on to */
    size_t turned_next, paired_next; /* from 16 channels to the next */
    uint16_t *turned, *paired;
    float *sums; /* [tap][outputs / 16][inputs / 16][16][16] */
} chunk;

static size_t cut_lessons(const slc_sweep *s, slc_part *first)
{
    return slc_sweep_cut(s, (s->depth + s->out.c) * sizeof(uint16_t), CHUNK_BYTES, 1,
                         first);
}

static void set_chunk(const slc_sweep *s, slc_part u, chunk *c)
{
    c->u = u;
    c->count = slc_sweep_places(s, u);
    c->slabs = (c->count + SLC_TILE_DEPTH - 1) / SLC_TILE_DEPTH;
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
           (c.turned_next * blocks(p->geom.out.c) + c.paired_next * blocks(p->ins)) *
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

static void turn_slab(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                      const uint16_t *dy, size_t slab)
{
    const uint16_t *from[SLC_TILE_DEPTH];
    place at = place_of(s, c, slab * SLC_TILE_DEPTH);
    for (size_t k = 0; k < SLC_TILE_DEPTH; k++, step_on(s, c, &at))
        from[k] =
            at.a < c->u.images && at.i < c->u.rows && at.j < s->w
                ? dy + (((c->u.image + at.a) * s->h + c->u.row + at.i) * s->w + at.j) *
                           s->out.c
                : p->zeros;
    slc_amx_turn(c->turned + slab * SLC_TILE_SIZE, c->turned_next, from, s->out.c);
}

/* 32 places of a copy of the inputs; columns are made in room. */
static void pair_slab(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                      const uint16_t *x, const slc_variant *v, size_t slab)
{
    const uint16_t *from[SLC_TILE_DEPTH], *row = NULL;
    uint16_t room[SLC_TILE_DEPTH][SLC_MAX_COLUMN];
    place at = place_of(s, c, slab * SLC_TILE_DEPTH);
    for (size_t k = 0; k < SLC_TILE_DEPTH; k++, step_on(s, c, &at)) {
        const ptrdiff_t y = (ptrdiff_t)((c->u.row + at.i) * s->step) + v->y,
                        column = (ptrdiff_t)(at.j * s->step) + v->x;
        from[k] = p->zeros;
        if (at.a >= c->u.images) continue;
        if (s->columns) {
            from[k] = room[k];
            slc_sweep_column(s, x, c->u.image + at.a, y, column, room[k]);
            continue;
        }
        if (k == 0 || at.j == 0) row = slc_sweep_row(s, x, c->u.image + at.a, y);
        if (row && column >= 0 && (size_t)column < s->in.w)
            from[k] = row + (size_t)column * s->in.c;
    }
    slc_amx_pair(c->paired + slab * SLC_TILE_SIZE, c->paired_next, from, p->ins);
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

/* The sums of 16 outputs to PyTorch's order. */
static void give_outputs(const slc_tiled *p, const slc_product_call *call,
                         const float *sums, size_t k)
{
    const size_t across = blocks(p->ins), down = blocks(p->geom.out.c);
    const size_t c = p->geom.in.c, taps = p->ins * p->filter / c, outs = p->geom.out.c;
    const size_t rows = slc_min(SLC_TILE, outs - k);
    for (size_t i = 0; i < p->ins; i += SLC_TILE)
        for (size_t t = 0; t < p->filter; t++) {
            const float *from =
                sums +
                ((t * down + k / SLC_TILE) * across + i / SLC_TILE) * SLC_TILE * SLC_TILE;
            if (!p->plain) {
                slc_amx_give(call->dw + (k * c + i) * taps + t, call->add_dw, rows,
                             p->ins - i, c * taps, taps, from);
                continue;
            }
            for (size_t r = 0; r < rows; r++)
                for (size_t l = i; l < slc_min(i + SLC_TILE, p->ins); l++) {
                    float *to = call->dw + (k + r) * p->ins + l % c * taps + l / c;
                    *to = from[r * SLC_TILE + l - i] + (call->add_dw ? *to : 0);
                }
        }
}

static void learn_chunk(const slc_tiled *p, const slc_sweep *s, const chunk *c,
                        const slc_product_call *call, bool add)
{
#pragma omp for schedule(static)
    for (size_t i = 0; i < c->slabs; i++)
        turn_slab(p, s, c, call->dy, i);
    for (size_t v = 0; v < s->variants; v++) {
#pragma omp for schedule(static)
        for (size_t i = 0; i < c->pairs; i++)
            pair_slab(p, s, c, call->x, &s->variant[v], i);
#pragma omp for schedule(static) collapse(2)
        for (size_t k = 0; k < s->out.c; k += SLC_TILE_SIDE)
            for (size_t i = 0; i < p->ins; i += SLC_TILE_SIDE)
                for (size_t t = 0; t < s->taps; t++)
                    if (s->tap[t].variant == v) learn(p, s, c, &s->tap[t], k, i, add);
    }
}

bool slc_amx_backward_weights(void *out, const slc_product_call *call)
{
    const slc_tiled *p = out;
    const slc_sweep *s = &p->sweep[1];
    float *const sums = call->scratch;
    slc_part first;
    const size_t parts = cut_lessons(s, &first);
#pragma omp parallel num_threads((int)p->threads)
    {
        chunk c = {.sums = sums, .turned = (uint16_t *)(sums + sums_size(p))};
        set_chunk(s, first, &c);
        c.paired = c.turned + c.turned_next * blocks(s->out.c);
        slc_amx_begin();
        for (size_t i = 0; i < parts; i++) {
            set_chunk(s, slc_sweep_part(s, &first, i), &c);
            learn_chunk(p, s, &c, call, i > 0);
        }
        slc_amx_end();
#pragma omp for schedule(static)
        for (size_t k = 0; k < s->out.c; k += SLC_TILE)
            give_outputs(p, call, sums, k);
    }
    return true;
}
