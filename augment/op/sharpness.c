/* Sharpness: a blend with the smoothed picture, as Pillow's ImageEnhance.Sharpness. */
#include <string.h>

#include "augment/kernel/filter.h"
#include "augment/keys.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals factor;
    double p;
} settings;

static const slc_param params[] = {
    {"factor", SLC_FIELD(settings, factor), .lo = 0, .hi = 1000, .min_count = 1,
     .max_count = 2, .initial = "[0.1, 1.9]", .unit = "ratio",
     .help = "0 smooth, 1 unchanged, 2 sharp; one value or a range"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("factor", &((settings *)set)->factor, err);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->factor);
    return true;
}

/* The border stays as it is; an image smaller than the filter has nothing else. */
static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    const slc_filters *f = slc_filters_of[work->isa];
    const size_t step = in->channels, n = in->w * step;
    (void)context, (void)err;
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *row = in->px + y * in->stride;
        uint8_t *dst = out->px + y * out->stride;
        memcpy(dst, row, n);
        if (y == 0 || y + 1 == in->h || in->w < 3) continue;
        f->smooth(dst, row - in->stride, row, row + in->stride, n, step);
        f->blend(dst + step, dst + step, row + step, n - 2 * step, (float)drawn->v[0]);
    }
    return SLC_OK;
}

const slc_op slc_op_sharpness = {
    .entry = {"sharpness", "blend with the smoothed picture",
              "Pillow ImageEnhance.Sharpness", params, sizeof(settings)},
    .value = {"factor"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageEnhance.Sharpness",
    .neutral = "{factor: 1}",
    .prepare = prepare,
    .draw = draw,
    .area = area,
};
