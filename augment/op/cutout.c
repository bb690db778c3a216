/* Cutout (DeVries & Taylor, arXiv:1708.04552): squares of one colour whose centres fall
 * evenly on the image, so that they may be clipped at its border. */
#include <math.h>
#include <string.h>

#include "augment/kernel/move.h"
#include "augment/keys.h"
#include "base/num.h"

enum { MAX_HOLES = 10 };

typedef struct settings {
    double p;
    int64_t holes, size;
    slc_reals fill;
} settings;

static const slc_param params[] = {
    {"size", SLC_FIELD(settings, size), .lo = 0, .hi = SLC_MAX_SIDE, .initial = "16",
     .unit = "px", .help = "side of the squares"},
    {"holes", SLC_FIELD(settings, holes), .lo = 1, .hi = MAX_HOLES, .initial = "1",
     .help = "how many squares"},
    SLC_FILL(settings, "their colour"),
    SLC_CHANCE(settings, "1"),
    {0}};

/* Values: the centres. */
static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    for (size_t i = 0; i < MAX_HOLES; i++) {
        const bool used = (int64_t)i < s->holes;
        out->v[2 * i + 1] = used ? (double)slc_draw_below(at, at->h) : (double)NAN;
        out->v[2 * i] = used ? (double)slc_draw_below(at, at->w) : (double)NAN;
    }
    return true;
}

/* From centre - size / 2, size px, as far as they lie in [0, n). */
static void clip(double centre, int64_t size, size_t n, size_t *from, size_t *to)
{
    const int64_t lo = (int64_t)centre - size / 2, hi = lo + size;
    *from = lo < 0 ? 0 : slc_min((size_t)lo, n);
    *to = hi < 0 ? 0 : slc_min((size_t)hi, n);
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    const settings *s = context->settings;
    uint8_t fill[3];
    (void)in, (void)work, (void)err;
    slc_fill_of(&s->fill, fill);
    for (int64_t i = 0; i < s->holes; i++) {
        size_t x0, x1, y0, y1;
        clip(drawn->v[2 * i], s->size, out->w, &x0, &x1);
        clip(drawn->v[2 * i + 1], s->size, out->h, &y0, &y1);
        for (size_t y = y0; y < y1; y++)
            slc_paint(out->px + y * out->stride + x0 * out->channels, x1 - x0,
                      out->channels, fill);
    }
    return SLC_OK;
}

const slc_op slc_op_cutout = {
    .entry = {"cutout", "paint squares of one colour",
              "DeVries & Taylor 2017, arXiv:1708.04552", params, sizeof(settings)},
    .value = {"x0", "y0", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4",
              "x5", "y5", "x6", "y6", "x7", "y7", "x8", "y8", "x9", "y9"},
    .exactness = "exact by definition",
    .neutral = "{size: 0}",
    .draw = draw,
    .area = area,
    .in_place = true,
};
