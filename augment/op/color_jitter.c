/* ColorJitter: brightness, contrast, saturation and hue by random amounts in random order,
 * with torchvision's draws and roundings. */
#include <math.h>

#include "augment/keys.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals amount[SLC_ENHANCE_COUNT]; /* as written */
    double p;
    slc_reals range[SLC_ENHANCE_COUNT]; /* n = 0: left out */
} settings;

#define AMOUNT(what, kind, from, to, text)                                               \
    {                                                                                    \
        what, SLC_FIELD(settings, amount[kind]),                                         \
            .lo = (from), .hi = (to), .min_count = 1, .max_count = 2, .initial = "0",    \
            .unit = "ratio", .help = (text)                                              \
    }

static const slc_param params[] = {
    AMOUNT("brightness", SLC_ENHANCE_BRIGHTNESS, 0, 1000,
           "x: factor in [max(0, 1 - x), 1 + x]; or [lo, hi]"),
    AMOUNT("contrast", SLC_ENHANCE_CONTRAST, 0, 1000, "as brightness"),
    AMOUNT("saturation", SLC_ENHANCE_SATURATION, 0, 1000, "as brightness"),
    AMOUNT("hue", SLC_ENHANCE_HUE, -0.5, 0.5, "x: turns in [-x, x]; or [lo, hi]"),
    SLC_CHANCE(settings, "1"),
    {0}};

/* Values: the four amounts, then the order as a number of four digits, 1 for brightness to
 * 4 for hue: 3124 is saturation, brightness, contrast, hue. */
enum { ORDER = SLC_ENHANCE_COUNT };

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    (void)arena;
    for (size_t i = 0; i < SLC_ENHANCE_COUNT; i++) {
        const slc_reals *a = &s->amount[i];
        slc_reals *r = &s->range[i];
        const double neutral = i == SLC_ENHANCE_HUE ? 0 : 1;
        const slc_status status = slc_range_check(params[i].name, a, err);
        if (status) return status;
        if (a->n == 1 && a->v[0] < 0)
            return slc_fail(err, SLC_EINVAL, "%s: a single number must not be negative",
                            params[i].name);
        *r = *a;
        if (a->n == 1) {
            *r = (slc_reals){.n = 2, .v = {neutral - a->v[0], neutral + a->v[0]}};
            if (i != SLC_ENHANCE_HUE && r->v[0] < 0) r->v[0] = 0;
        }
        if (r->v[0] == r->v[1] && r->v[0] == neutral) r->n = 0;
    }
    return SLC_OK;
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    int digit[SLC_ENHANCE_COUNT] = {1, 2, 3, 4};

    if (!slc_draw_chance(at, s->p)) return false;
    for (int i = SLC_ENHANCE_COUNT - 1; i > 0; i--) { /* Fisher-Yates */
        const uint64_t j = slc_draw_below(at, (uint64_t)i + 1);
        const int t = digit[i];
        digit[i] = digit[j];
        digit[j] = t;
    }
    for (int i = 0; i < SLC_ENHANCE_COUNT; i++)
        out->v[i] = s->range[i].n ? slc_draw_range(at, &s->range[i]) : (double)NAN;
    out->v[ORDER] = 1000 * digit[0] + 100 * digit[1] + 10 * digit[2] + digit[3];
    return true;
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    slc_enhance steps[SLC_ENHANCE_COUNT];
    size_t count = 0;
    const int order = (int)drawn->v[ORDER];
    (void)context, (void)in, (void)err;
    for (int place = 1000; place > 0; place /= 10) {
        const int kind = order / place % 10 - 1;
        if (!isnan(drawn->v[kind]))
            steps[count++] = (slc_enhance){(slc_enhance_kind)kind, drawn->v[kind]};
    }
    slc_enhance_image(out, steps, count, work->isa);
    return SLC_OK;
}

const slc_op slc_op_color_jitter = {
    .entry = {"color_jitter", "brightness, contrast, saturation and hue in random order",
              "torchvision ColorJitter", params, sizeof(settings)},
    .value = {"brightness", "contrast", "saturation", "hue", "order"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 ColorJitter on PIL images, same factors and order",
    .neutral = "{}",
    .example = "{brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}",
    .prepare = prepare,
    .draw = draw,
    .area = area,
    .in_place = true,
};
