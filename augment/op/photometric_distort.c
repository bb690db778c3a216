/* Photometric distortion: brightness, contrast before or after saturation and hue, channel
 * order, each by chance. */
#include <math.h>

#include "augment/kernel/tint.h"
#include "augment/keys.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals range[SLC_ENHANCE_COUNT];
    double p;
} settings;

#define RANGE(what, kind, from, to, start, text)                                         \
    {                                                                                    \
        what, SLC_FIELD(settings, range[kind]),                                          \
            .lo = (from), .hi = (to), .min_count = 2, .max_count = 2,                    \
            .initial = (start), .unit = "ratio", .help = (text)                          \
    }

static const slc_param params[] = {
    RANGE("brightness", SLC_ENHANCE_BRIGHTNESS, 0, 1000, "[0.875, 1.125]",
          "range of the factor"),
    RANGE("contrast", SLC_ENHANCE_CONTRAST, 0, 1000, "[0.5, 1.5]", "range of the factor"),
    RANGE("saturation", SLC_ENHANCE_SATURATION, 0, 1000, "[0.5, 1.5]",
          "range of the factor"),
    RANGE("hue", SLC_ENHANCE_HUE, -0.5, 0.5, "[-0.05, 0.05]", "range in turns"),
    {"p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = "0.5",
     .help = "chance of each part"},
    {0}};

enum { LAST = SLC_ENHANCE_COUNT, FROM0, FROM1, FROM2 }; /* values after the amounts */

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    for (int i = 0; i < SLC_ENHANCE_COUNT; i++) {
        const slc_status status = slc_range_check(params[i].name, &s->range[i], err);
        if (status) return status;
    }
    return SLC_OK;
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    static const uint8_t order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const settings *s = set;
    for (int i = 0; i < SLC_ENHANCE_COUNT; i++) {
        const double amount = slc_draw_range(at, &s->range[i]);
        out->v[i] = slc_draw_chance(at, s->p) ? amount : (double)NAN;
    }
    out->v[LAST] = slc_draw_chance(at, 0.5);
    const uint64_t which = slc_draw_below(at, 6);
    const bool permute = slc_draw_chance(at, s->p) && at->channels == 3;
    for (int c = 0; c < 3; c++)
        out->v[FROM0 + c] = permute ? order[which][c] : (double)NAN;
    return true;
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    static const slc_enhance_kind order[2][SLC_ENHANCE_COUNT] = {
        {SLC_ENHANCE_BRIGHTNESS, SLC_ENHANCE_CONTRAST, SLC_ENHANCE_SATURATION,
         SLC_ENHANCE_HUE},
        {SLC_ENHANCE_BRIGHTNESS, SLC_ENHANCE_SATURATION, SLC_ENHANCE_HUE,
         SLC_ENHANCE_CONTRAST}};
    slc_enhance steps[SLC_ENHANCE_COUNT];
    size_t count = 0;
    (void)context, (void)in, (void)err;
    for (int i = 0; i < SLC_ENHANCE_COUNT; i++) {
        const slc_enhance_kind kind = order[drawn->v[LAST] != 0][i];
        if (!isnan(drawn->v[kind])) steps[count++] = (slc_enhance){kind, drawn->v[kind]};
    }
    slc_enhance_image(out, steps, count, work->isa);
    if (isnan(drawn->v[FROM0]) || out->channels != 3) return SLC_OK;
    float m[3][4] = {{0}};
    for (int c = 0; c < 3; c++)
        m[c][(int)drawn->v[FROM0 + c]] = 1;
    for (size_t y = 0; y < out->h; y++) {
        uint8_t *px = out->px + y * out->stride;
        slc_tints[work->isa]->matrix(px, px, out->w, (const float(*)[4])m);
    }
    return SLC_OK;
}

const slc_op slc_op_photometric_distort = {
    .entry = {"photometric_distort",
              "brightness, contrast, saturation, hue, channel order",
              "Liu et al., SSD, ECCV 2016, as torchvision RandomPhotometricDistort",
              params, sizeof(settings)},
    .value = {"brightness", "contrast", "saturation", "hue", "contrast_last", "from0",
              "from1", "from2"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 functions on PIL images, same numbers",
    .neutral = "{p: 0}",
    .prepare = prepare,
    .draw = draw,
    .area = area,
    .in_place = true,
};
