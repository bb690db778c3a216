/* Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994), with
 * OpenCV's tiles and roundings. Of a colour picture the luma is equalised and the change added
 * to the three channels, which keeps the colour differences. */
#include <math.h>
#include <string.h>

#include "augment/kernel/filter.h"
#include "augment/kernel/move.h"
#include "augment/kernel/point.h"
#include "augment/kernel/tint.h"
#include "augment/keys.h"
#include "augment/op.h"
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
    for (int i = 0; i < 256; i++) {
        const uint32_t kept = hist[i] < limit ? hist[i] : limit;
        over += hist[i] - kept;
        hist[i] = kept;
    }
    uint32_t rest = over % 256;
    for (int i = 0; i < 256; i++)
        hist[i] += over / 256;
    const uint32_t step = rest ? (256 / rest > 1 ? 256 / rest : 1) : 1;
    for (uint32_t i = 0; i < 256 && rest > 0; i += step, rest--)
        hist[i]++;
}

static void count_tile(const grid *g, const slc_image *luma, size_t tx, size_t ty,
                       uint32_t hist[3][256])
{
    const size_t left = tx * g->w, top = ty * g->h;
    if (left + g->w <= luma->w && top + g->h <= luma->h) {
        slc_image tile = *luma;
        tile.px += top * luma->stride + left;
        tile.w = g->w;
        tile.h = g->h;
        slc_hist(hist, &tile);
        return;
    }
    memset(hist[0], 0, sizeof(hist[0]));
    for (size_t y = top; y < top + g->h; y++) {
        const uint8_t *row =
            luma->px + slc_reflect_at((ptrdiff_t)y, luma->h) * luma->stride;
        for (size_t x = left; x < left + g->w; x++)
            hist[0][row[slc_reflect_at((ptrdiff_t)x, luma->w)]]++;
    }
}

static void make_curve(const grid *g, const slc_image *luma, size_t tx, size_t ty,
                       double limit)
{
    uint32_t hist[3][256];
    const size_t size = g->w * g->h;
    uint8_t *curve = g->curve[ty * g->across + tx];
    count_tile(g, luma, tx, ty, hist);
    if (limit > 0) {
        const double most = limit * (double)size / 256;
        clip(hist[0], most < 1 ? 1 : (uint32_t)most);
    }
    const float scale = 255.0f / (float)size;
    uint32_t sum = 0;
    for (int i = 0; i < 256; i++) {
        sum += hist[0][i];
        const float even = ((float)sum * scale + 0x1p23f) - 0x1p23f; /* rintf, inline */
        curve[i] = (uint8_t)(even > 255 ? 255 : even);
    }
}

/* A position lies between the centres of two tiles, first and second, in gap number
 * first + 1; before the first centre and behind the last one both are the same. */
typedef struct between {
    size_t gap, first, second;
    float to_second;
} between;

static between find(size_t at, size_t tile, size_t tiles)
{
    const float f = (float)at * (1.0f / (float)tile) - 0.5f;
    const float lower = floorf(f);
    const size_t gap = (size_t)(lower + 1);
    return (between){gap, gap ? gap - 1 : 0, gap < tiles ? gap : tiles - 1, f - lower};
}

/* For each gap between two columns of tiles and each level, the curves of the four tiles around:
 * one load fetches them. */
static void gather_curves(const grid *g, const between *at, slc_corners (*out)[256])
{
    uint8_t(*above)[256] = g->curve + at->first * g->across;
    uint8_t(*below)[256] = g->curve + at->second * g->across;
    for (size_t gap = 0; gap <= g->across; gap++) {
        const size_t l = gap ? gap - 1 : 0, r = gap < g->across ? gap : g->across - 1;
        for (size_t i = 0; i < 256; i++)
            out[gap][i] = (slc_corners)above[l][i] | (slc_corners)above[r][i] << 8 |
                          (slc_corners)below[l][i] << 16 | (slc_corners)below[r][i] << 24;
    }
}

/* What does not depend on the row, and room for one. */
typedef struct lines {
    uint32_t *gap; /* times 256 */
    float *right;
    slc_corners (*curves)[256], *found;
    uint8_t *mapped;
} lines;

static slc_status make_lines(lines *l, const grid *g, size_t w, slc_arena *arena,
                             slc_err *err)
{
    l->gap = slc_arena_alloc(arena, w * sizeof(*l->gap));
    l->right = slc_arena_alloc(arena, w * sizeof(*l->right));
    l->curves = slc_arena_alloc(arena, (g->across + 1) * sizeof(*l->curves));
    l->found = slc_arena_alloc(arena, w * sizeof(*l->found));
    l->mapped = slc_arena_alloc(arena, w);
    if (!l->gap || !l->right || !l->curves || !l->found || !l->mapped)
        return slc_fail(err, SLC_ENOMEM, "clahe: no memory");
    for (size_t x = 0; x < w; x++) {
        const between at = find(x, g->w, g->across);
        l->gap[x] = (uint32_t)at.gap * 256;
        l->right[x] = at.to_second;
    }
    return SLC_OK;
}

static void map_rows(const grid *g, const lines *l, const slc_image *luma,
                     const slc_image *in, slc_image *out, slc_isa isa)
{
    const slc_corners *const curves = (const slc_corners *)l->curves;
    size_t gap = SIZE_MAX;
    for (size_t y = 0; y < in->h; y++) {
        uint8_t *dst = out->px + y * out->stride;
        const uint8_t *grey = luma->px + y * luma->stride;
        const between at = find(y, g->h, g->down);
        if (at.gap != gap) gather_curves(g, &at, l->curves);
        gap = at.gap;
        for (size_t x = 0; x < in->w; x++)
            l->found[x] = curves[l->gap[x] + grey[x]];
        slc_filters_of[isa]->between(in->channels == 1 ? dst : l->mapped, l->found,
                                     l->right, at.to_second, in->w);
        if (in->channels == 3)
            slc_tints[isa]->shift(dst, in->px + y * in->stride, grey, l->mapped, in->w);
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
    lines l;
    g.curve = slc_arena_alloc(&work->arena, g.across * g.down * sizeof(*g.curve));
    if (!g.curve) return slc_fail(err, SLC_ENOMEM, "clahe: no memory");
    status = make_lines(&l, &g, in->w, &work->arena, err);
    if (status) return status;
    for (size_t ty = 0; ty < g.down; ty++)
        for (size_t tx = 0; tx < g.across; tx++)
            make_curve(&g, &luma, tx, ty, drawn->v[0]);
    map_rows(&g, &l, &luma, in, out, work->isa);
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
