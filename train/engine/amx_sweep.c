/* See amx_sweep.h. */
#include "train/engine/amx_sweep.h"

#include <string.h>

#include "base/num.h"
#include "train/engine/kernel_amx.h"

/* a / b, rounded down. */
static ptrdiff_t floor_div(ptrdiff_t a, ptrdiff_t b)
{
    return a / b - (a % b < 0);
}

/* Gives every tap its copy. A copy for every tap, or one for all that differ by whole rows. */
static void lay_out(slc_sweep *s, bool each)
{
    const ptrdiff_t step = (ptrdiff_t)s->step;
    s->variants = s->more = 0;
    s->wide = s->w;
    for (size_t t = 0; t < s->taps; t++) {
        slc_tap *at = &s->tap[t];
        size_t v = each ? s->variants : 0;
        while (v < s->variants &&
               (s->variant[v].x != at->x || (at->y - s->variant[v].y) % step != 0))
            v++;
        if (v == s->variants) s->variant[s->variants++] = (slc_variant){at->y, at->x};
        if (at->y < s->variant[v].y) s->variant[v].y = at->y;
        at->variant = v;
    }
    for (size_t t = 0; t < s->taps; t++) {
        slc_tap *at = &s->tap[t];
        at->row = (size_t)((at->y - s->variant[at->variant].y) / step);
        s->more = slc_max(s->more, at->row);
    }
}

/* One copy for all taps of step 1: rows with zeros in front, which are also behind the row
 * before. */
static void join(slc_sweep *s)
{
    slc_variant low = {s->tap[0].y, s->tap[0].x};
    ptrdiff_t high = low.x;
    for (size_t t = 0; t < s->taps; t++) {
        if (s->tap[t].y < low.y) low.y = s->tap[t].y;
        if (s->tap[t].x < low.x) low.x = s->tap[t].x;
        if (s->tap[t].x > high) high = s->tap[t].x;
    }
    for (size_t t = 0; t < s->taps; t++) {
        s->tap[t].variant = 0;
        s->tap[t].row = (size_t)(s->tap[t].y - low.y);
        s->tap[t].column = (size_t)(s->tap[t].x - low.x);
    }
    const ptrdiff_t front = low.x < 0 ? -low.x : 0;
    const ptrdiff_t reach = (ptrdiff_t)s->w + high - low.x;
    ptrdiff_t wide = (ptrdiff_t)s->in.w - low.x;
    if (reach - wide > front) wide = reach - front;
    s->variant[0] = low;
    s->variants = 1;
    s->wide = (size_t)wide;
    s->joined = true;
}

/* Places by which a row of the filter reaches beyond the last. */
static size_t reach_of_runs(const slc_sweep *s)
{
    return (s->geom->kernel_w - 1) / s->step;
}

/* What costs what, in cycles of Emerald Rapids: a number laid out, a thousand products; these
 * half as much again if what all taps read for 32 places does not stay in the first cache. */
static double laying(const slc_sweep *s)
{
    enum { FIRST_CACHE = 44 * 1024 };
    const size_t tiles = s->more > 0
                             ? (s->h * s->wide + SLC_TILE - 1) / SLC_TILE * SLC_TILE
                             : s->h * s->wide;
    const size_t reach = s->variants * (SLC_TILE_SIDE + s->more * s->wide) * s->pitch;
    const double product = reach * sizeof(uint16_t) > FIRST_CACHE ? 6e-3 : 4e-3;
    return 0.22 * (double)(s->variants * (s->h + s->more) * s->wide * s->depth) +
           product * (double)(tiles * s->taps * s->depth * s->out.c);
}

static void lay_out_products(slc_sweep *s)
{
    lay_out(s, false);
    if (s->runs) s->wide += reach_of_runs(s);
    if (s->step > 1 || s->variants == 1) return;
    slc_sweep joined = *s;
    join(&joined);
    if (joined.wide >= s->w && laying(&joined) < laying(s)) *s = joined;
}

/* To learn, rows of zeros cost products and copies cost copying: a number copied costs as much
 * as some 98 multiplied. Pairs do not go into an odd number of columns. */
static void lay_out_lessons(slc_sweep *s)
{
    lay_out(s, false);
    if (s->runs) s->wide += reach_of_runs(s);
    if (s->more == 0) return;
    if (!s->runs && s->more * s->taps * s->out.c > 98 * s->h * (s->taps - s->variants))
        lay_out(s, true);
    else
        s->wide = slc_round_up(s->wide, 2);
}

void slc_sweep_forward(slc_sweep *s, const slc_geom *g, size_t ins, bool learns)
{
    *s = (slc_sweep){.geom = g,
                     .in = g->in,
                     .out = g->out,
                     .h = g->out.h,
                     .w = g->out.w,
                     .step = g->stride,
                     .out_step = 1,
                     .depth = slc_round_up(ins, SLC_TILE_DEPTH),
                     .runs = ins != g->in.c};
    s->pitch = s->runs ? g->stride * g->in.c : s->depth;
    for (size_t y = 0; y < g->kernel_h; y++)
        for (size_t x = 0; x < (s->runs ? 1 : g->kernel_w); x++)
            s->tap[s->taps++] =
                (slc_tap){.y = (ptrdiff_t)(y * g->dilation) - (ptrdiff_t)g->padding,
                          .x = (ptrdiff_t)(x * g->dilation) - (ptrdiff_t)g->padding,
                          .index = s->runs ? y : y * g->kernel_w + x};
    (learns ? lay_out_lessons : lay_out_products)(s);
}

void slc_sweep_back(slc_sweep *s, const slc_geom *g, size_t y0, size_t x0)
{
    const ptrdiff_t step = (ptrdiff_t)g->stride;
    *s = (slc_sweep){.geom = g,
                     .in = g->out,
                     .out = g->in,
                     .h = (g->in.h - y0 + g->stride - 1) / g->stride,
                     .w = (g->in.w - x0 + g->stride - 1) / g->stride,
                     .step = 1,
                     .out_step = g->stride,
                     .y0 = y0,
                     .x0 = x0,
                     .depth = slc_round_up(g->out.c, SLC_TILE_DEPTH)};
    s->pitch = s->depth;
    for (size_t i = g->kernel_h * g->kernel_w; i-- > 0;) {
        const ptrdiff_t y = (ptrdiff_t)(y0 + g->padding) -
                            (ptrdiff_t)(i / g->kernel_w * g->dilation),
                        x = (ptrdiff_t)(x0 + g->padding) -
                            (ptrdiff_t)(i % g->kernel_w * g->dilation);
        if (y % step == 0 && x % step == 0)
            s->tap[s->taps++] =
                (slc_tap){.y = floor_div(y, step), .x = floor_div(x, step), .index = i};
    }
    if (s->taps > 0) lay_out_products(s);
}

size_t slc_sweep_places(const slc_sweep *s, slc_part u)
{
    return u.images * (u.rows + s->more) * s->wide;
}

size_t slc_sweep_cut(const slc_sweep *s, size_t each, size_t bytes, size_t least,
                     slc_part *first)
{
    const size_t n = s->geom->n, image = (s->h + s->more) * s->wide * each;
    size_t parts = slc_max((n * image + bytes - 1) / bytes, 1);
    *first = (slc_part){.images = 1, .rows = s->h};
    parts = (parts + least - 1) / least * least;
    if (parts <= n) {
        first->images = (n + parts - 1) / parts;
        return (n + first->images - 1) / first->images;
    }
    const size_t bands = slc_min((parts + n - 1) / n, s->h);
    first->rows = (s->h + bands - 1) / bands;
    if (s->w == 1) first->rows = slc_round_up(first->rows, SLC_TILE_SIDE);
    return n * ((s->h + first->rows - 1) / first->rows);
}

slc_part slc_sweep_part(const slc_sweep *s, const slc_part *first, size_t i)
{
    const size_t bands = (s->h + first->rows - 1) / first->rows;
    slc_part u = {.image = i / bands * first->images, .row = i % bands * first->rows};
    u.images = slc_min(first->images, s->geom->n - u.image);
    u.rows = slc_min(first->rows, s->h - u.row);
    return u;
}

/* Lays out a row of a copy as it is, from pixel x on. */
static void lay_run(const slc_sweep *s, const uint16_t *row, ptrdiff_t x, uint16_t *to)
{
    const size_t c = s->in.c, pixels = s->wide * s->step;
    const size_t low = slc_min(x < 0 ? (size_t)-x : 0, pixels);
    const size_t from = x > 0 ? (size_t)x : 0;
    const size_t here = from < s->in.w ? slc_min(s->in.w - from, pixels - low) : 0;
    memset(to, 0, low * c * sizeof(*to));
    memcpy(to + low * c, row + from * c, here * c * sizeof(*to));
    memset(to + (low + here) * c, 0, (pixels - low - here) * c * sizeof(*to));
}

static void lay_pixels(const slc_sweep *s, const uint16_t *from,
                       const struct slc_affine *norm, size_t count, uint16_t *to)
{
    if (norm)
        slc_amx_norm(to, from, count, s->in.c, norm);
    else
        memcpy(to, from, count * s->in.c * sizeof(*to));
}

/* Lays out a row of a copy: pixels step apart, the first at x; row NULL: zeros. */
static void lay_row(const slc_sweep *s, const uint16_t *row,
                    const struct slc_affine *norm, ptrdiff_t x, uint16_t *to)
{
    const size_t c = s->in.c, step = s->step;
    if (!row) {
        memset(to, 0, s->wide * s->pitch * sizeof(*to));
        return;
    }
    if (s->runs) {
        lay_run(s, row, x, to);
        return;
    }
    for (size_t j = 0; j < s->wide;) {
        const ptrdiff_t from = x + (ptrdiff_t)(j * step);
        size_t run = 1;
        if (from < 0 || (size_t)from >= s->in.w) {
            memset(to, 0, s->depth * sizeof(*to));
        } else {
            if (step == 1 && c == s->depth)
                run = slc_min(s->wide - j, s->in.w - (size_t)from);
            lay_pixels(s, row + (size_t)from * c, norm, run, to);
            memset(to + c, 0, run == 1 ? (s->depth - c) * sizeof(*to) : 0);
        }
        to += run * s->depth;
        j += run;
    }
}

const uint16_t *slc_sweep_row(const slc_sweep *s, const uint16_t *from, size_t image,
                              ptrdiff_t y)
{
    if (y < 0 || (size_t)y >= s->in.h) return NULL;
    return from + (image * s->in.h + (size_t)y) * s->in.w * s->in.c;
}

/* Numbers behind the last row: zeros that taps may step on to. */
static size_t behind(const slc_sweep *s)
{
    return s->runs ? s->depth : s->joined ? s->wide * s->pitch : 0;
}

static size_t image_size(const slc_sweep *s, slc_part u)
{
    return (u.rows + s->more) * s->wide * s->pitch;
}

size_t slc_sweep_laid(const slc_sweep *s, slc_part u)
{
    return s->variants * u.images * image_size(s, u) + behind(s);
}

/* A copy is the inputs themselves: pixels one below the other. */
static bool is_column(const slc_sweep *s)
{
    return s->taps == 1 && !s->runs && s->step == 1 && s->w == 1 && s->in.w == 1 &&
           s->depth == s->in.c && s->variant[0].y == 0 && s->variant[0].x == 0 &&
           s->h == s->in.h;
}

void slc_sweep_lay_image(const slc_sweep *s, const uint16_t *from,
                         const struct slc_affine *norm, slc_part u, size_t v, size_t a,
                         uint16_t *to)
{
    to += (v * u.images + a) * image_size(s, u);
    if (is_column(s)) {
        lay_pixels(s, slc_sweep_row(s, from, u.image + a, (ptrdiff_t)u.row), norm, u.rows,
                   to);
        return;
    }
    for (size_t i = 0; i < u.rows + s->more; i++, to += s->wide * s->pitch)
        lay_row(s,
                slc_sweep_row(s, from, u.image + a,
                              (ptrdiff_t)((u.row + i) * s->step) + s->variant[v].y),
                norm, s->variant[v].x, to);
    if (v + 1 == s->variants && a + 1 == u.images) memset(to, 0, behind(s) * sizeof(*to));
}

void slc_sweep_lay(const slc_sweep *s, const uint16_t *from,
                   const struct slc_affine *norm, slc_part u, uint16_t *to)
{
    for (size_t v = 0; v < s->variants; v++)
        for (size_t a = 0; a < u.images; a++)
            slc_sweep_lay_image(s, from, norm, u, v, a, to);
}
