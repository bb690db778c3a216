/* Zoom out: the image somewhere on a larger canvas of one colour. */
#include "augment/keys.h"
#include "augment/op/enhance.h"

enum { LEFT, TOP, WIDTH, HEIGHT };

typedef struct settings {
    slc_reals side_range, fill;
    double p;
} settings;

static const slc_param params[] = {{"side_range", SLC_FIELD(settings, side_range),
                                    .lo = 1, .hi = 100, .min_count = 1, .max_count = 2,
                                    .initial = "[1, 4]", .unit = "ratio",
                                    .help = "how many times as long the sides become"},
                                   SLC_FILL(settings, "colour of the canvas"),
                                   SLC_CHANCE(settings, "0.5"),
                                   {0}};

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    const double r = slc_draw_range(at, &s->side_range);
    out->v[WIDTH] = (double)(size_t)((double)at->w * r);
    out->v[HEIGHT] = (double)(size_t)((double)at->h * r);
    const double u = slc_draw_uniform(at, 0, 1), v = slc_draw_uniform(at, 0, 1);
    out->v[LEFT] = (double)(size_t)((out->v[WIDTH] - (double)at->w) * u);
    out->v[TOP] = (double)(size_t)((out->v[HEIGHT] - (double)at->h) * v);
    return true;
}

static slc_status region(const void *set, const slc_draw *drawn, size_t w, size_t h,
                         slc_region *out, slc_err *err)
{
    const settings *s = set;
    (void)w, (void)h, (void)err;
    *out = (slc_region){.x = -(ptrdiff_t)drawn->v[LEFT],
                        .y = -(ptrdiff_t)drawn->v[TOP],
                        .w = (size_t)drawn->v[WIDTH],
                        .h = (size_t)drawn->v[HEIGHT]};
    slc_fill_of(&s->fill, out->fill);
    return SLC_OK;
}

static bool size(const void *set, size_t *w, size_t *h)
{
    (void)w, (void)h;
    const settings *s = set;
    return s->p == 0 ||
           (s->side_range.v[0] == 1 && s->side_range.v[s->side_range.n - 1] == 1);
}

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    return slc_range_check("side_range", &s->side_range, err);
}

const slc_op slc_op_zoom_out = {
    .entry = {"zoom_out", "put on a larger canvas", "torchvision RandomZoomOut (SSD)",
              params, sizeof(settings)},
    .value = {"x", "y", "w", "h"},
    .exactness = "bit-exact for the same draw",
    .peer = "torchvision 0.15 RandomZoomOut",
    .neutral = "{side_range: 1, p: 1}",
    .example = "{side_range: 1.5, p: 1}",
    .prepare = prepare,
    .draw = draw,
    .size = size,
    .region = region,
};
