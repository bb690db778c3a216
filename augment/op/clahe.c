/* Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994), with
 * OpenCV's tiles and roundings. Of a colour picture the luma is equalised and the change added
 * to the three channels, which keeps the colour differences. */
#include <math.h>
#include <string.h>

#include "augment/kernel/move.h"
#include "augment/kernel/tint.h"
#include "augment/op.h"
#include "augment/op/chance.h"
#include "augment/op/enhance.h"

enum { MAX_TILES = 64 };

typedef struct settings {
    slc_reals clip_limit, tile_grid_size;
    double p;
} settings;

static const slc_param params[] = {
    {"clip_limit", SLC_FIELD(settings, clip_limit), .lo = 0, .hi = 1000, .min_count = 1,
     .max_count = 2, .initial = "[1, 4]", .unit = "ratio",
     .help = "largest slope of a tile's curve, 0 for none; one value or a range"},
    {"tile_grid_size", SLC_FIELD(settings, tile_grid_size), .lo = 1, .hi = MAX_TILES,
     .min_count = 1, .max_count = 2, .initial = "[8, 8]",
     .help = "tiles: [down, across] or one number"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("clip_limit", &((settings *)set)->clip_limit, err);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->clip_limit);
    return true;
}

/* The tiles cover the image and, if a side is not a multiple, some of its reflection. */
typedef struct grid {
    size_t across, down; /* tiles */
    size_t w, h;         /* px of a tile */
    uint8_t (*curve)[256];
} grid;

static grid make_grid(const settings *s, const slc_image *image)
{
    grid g;
    slc_size_of(&s->tile_grid_size, &g.down, &g.across);
    const bool whole = image->w % g.across == 0 && image->h % g.down == 0;
    const size_t w = whole ? image->w : image->w + g.across - image->w % g.across;
    const size_t h = whole ? image->h : image->h + g.down - image->h % g.down;
    g.w = w / g.across;
    g.h = h / g.down;
    g.curve = NULL;
    return g;
}

/* What is above the limit is spread evenly, the rest of that at even distances. */
static void clip(uint32_t hist[256], uint32_t limit)
{
    uint32_t over = 0;
    for (int i = 0; i < 256; i++)
        if (hist[i] > limit) {
            over += hist[i] - limit;
            hist[i] = limit;
        }
    uint32_t rest = over % 256;
    for (int i = 0; i < 256; i++)
        hist[i] += over / 256;
    const uint32_t step = rest ? (256 / rest > 1 ? 256 / rest : 1) : 1;
    for (uint32_t i = 0; i < 256 && rest > 0; i += step, rest--)
        hist[i]++;
}

static void make_curve(const grid *g, const slc_image *luma, size_t tx, size_t ty,
                       double limit)
{
    uint32_t hist[256] = {0};
    const size_t size = g->w * g->h;
    uint8_t *curve = g->curve[ty * g->across + tx];
    for (size_t y = ty * g->h; y < (ty + 1) * g->h; y++) {
        const uint8_t *row =
            luma->px + slc_reflect_at((ptrdiff_t)y, luma->h) * luma->stride;
        for (size_t x = tx * g->w; x < (tx + 1) * g->w; x++)
            hist[row[slc_reflect_at((ptrdiff_t)x, luma->w)]]++;
    }
    if (limit > 0) {
        const double most = limit * (double)size / 256;
        clip(hist, most < 1 ? 1 : (uint32_t)most);
    }
    const float scale = 255.0f / (float)size;
    uint32_t sum = 0;
    for (int i = 0; i < 256; i++) {
        sum += hist[i];
        const float v = rintf((float)sum * scale);
        curve[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* Where a position lies between the centres of two tiles. */
typedef struct between {
    size_t first, second;
    float to_second;
} between;

static between find(size_t at, size_t tile, size_t tiles)
{
    const float f = (float)at * (1.0f / (float)tile) - 0.5f;
    const float lower = floorf(f);
    return (between){lower < 0 ? 0 : (size_t)lower,
                     lower + 1 > (float)(tiles - 1) ? tiles - 1 : (size_t)(lower + 1),
                     f - lower};
}

static void map_row(const grid *g, uint8_t *dst, const uint8_t *src, size_t w, size_t y,
                    const between *xs)
{
    const between at = find(y, g->h, g->down);
    uint8_t(*above)[256] = g->curve + at.first * g->across;
    uint8_t(*below)[256] = g->curve + at.second * g->across;
    const float b = at.to_second, a = 1.0f - b;
    for (size_t x = 0; x < w; x++) {
        const between *i = &xs[x];
        const uint8_t v = src[x];
        const float r = i->to_second, l = 1.0f - r;
        const float up = (float)above[i->first][v] * l + (float)above[i->second][v] * r;
        const float lo = (float)below[i->first][v] * l + (float)below[i->second][v] * r;
        const float sum = rintf(up * a + lo * b);
        dst[x] = (uint8_t)(sum > 255 ? 255 : sum);
    }
}

static void shift_row(uint8_t *dst, const uint8_t *src, const uint8_t *was,
                      const uint8_t *is, size_t w)
{
    for (size_t x = 0; x < w; x++)
        for (size_t c = 0; c < 3; c++) {
            const int v = src[3 * x + c] + is[x] - was[x];
            dst[3 * x + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    slc_image luma = *in;
    slc_status status = SLC_OK;
    if (in->channels == 3)
        status = slc_image_alloc(&luma, &work->arena, in->w, in->h, 1, err);
    if (status) return status;
    for (size_t y = 0; in->channels == 3 && y < in->h; y++)
        slc_tints[work->isa]->grey(luma.px + y * luma.stride, in->px + y * in->stride,
                                   in->w);
    grid g = make_grid(context->settings, in);
    g.curve = slc_arena_alloc(&work->arena, g.across * g.down * sizeof(*g.curve));
    between *xs = slc_arena_alloc(&work->arena, in->w * sizeof(*xs));
    uint8_t *row = slc_arena_alloc(&work->arena, in->w);
    if (!g.curve || !xs || !row) return slc_fail(err, SLC_ENOMEM, "clahe: no memory");
    for (size_t ty = 0; ty < g.down; ty++)
        for (size_t tx = 0; tx < g.across; tx++)
            make_curve(&g, &luma, tx, ty, drawn->v[0]);
    for (size_t x = 0; x < in->w; x++)
        xs[x] = find(x, g.w, g.across);
    for (size_t y = 0; y < in->h; y++) {
        uint8_t *dst = out->px + y * out->stride;
        const uint8_t *grey = luma.px + y * luma.stride;
        map_row(&g, in->channels == 1 ? dst : row, grey, in->w, y, xs);
        if (in->channels == 3) shift_row(dst, in->px + y * in->stride, grey, row, in->w);
    }
    return SLC_OK;
}

const slc_op slc_op_clahe = {
    .entry = {"clahe", "equalize within tiles, with limited slope",
              "Zuiderveld, Graphics Gems IV, 1994", params, sizeof(settings)},
    .value = {"clip_limit"},
    .exactness = "grey bit-exact; colour exact by definition: the luma's change on every "
                 "channel",
    .peer = "OpenCV 4.6 createCLAHE",
    .neutral = "{p: 0}",
    .prepare = prepare,
    .draw = draw,
    .area = area,
};
