/* Solarize, solarize_add, posterize and gamma: tables with one number each. */
#include <math.h>

#include "augment/op/point.h"

typedef struct settings {
    slc_reals amount, second;
    double p;
} settings;

static const slc_param solarize_params[] = {
    SLC_RANGE("threshold", settings, amount, 0, 256, "128", "level",
              "smallest value to invert; one or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param add_params[] = {
    SLC_RANGE("addition", settings, amount, 0, 255, "[0, 110]", "level",
              "what is added; one or a range"),
    {"threshold", SLC_FIELD(settings, second), .lo = 0, .hi = 256, .min_count = 1,
     .max_count = 1, .initial = "128", .unit = "level",
     .help = "only values below it are changed"},
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param posterize_params[] = {
    SLC_RANGE("bits", settings, amount, 0, 8, "4", "bit",
              "how many high bits stay; one or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param gamma_params[] = {
    SLC_RANGE("gamma", settings, amount, 0, 100, "[0.8, 1.2]", "ratio",
              "exponent of values in [0, 1]; one or a range"),
    {"gain", SLC_FIELD(settings, second), .lo = 0, .hi = 1000, .min_count = 1,
     .max_count = 1, .initial = "1", .unit = "ratio", .help = "factor"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("range", &((settings *)set)->amount, err);
}

static slc_status whole(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    for (size_t i = 0; i < s->amount.n; i++)
        if (s->amount.v[i] != floor(s->amount.v[i]))
            return slc_fail(err, SLC_EINVAL, "bits: %g is not a whole number",
                            s->amount.v[i]);
    return prepare(set, arena, err);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->amount);
    return true;
}

static bool draw_whole(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    const size_t last = s->amount.n > 1;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] =
        (double)slc_draw_int(at, (int64_t)s->amount.v[0], (int64_t)s->amount.v[last]);
    return true;
}

static void solarize(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    (void)set;
    for (int i = 0; i < 256; i++)
        table[0][i] = (uint8_t)(i < drawn->v[0] ? i : 255 - i);
    slc_table_repeat(table);
}

static void solarize_add(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    const settings *s = set;
    for (int i = 0; i < 256; i++) {
        const int sum = i + (int)drawn->v[0];
        table[0][i] = (uint8_t)(i >= s->second.v[0] ? i : sum > 255 ? 255 : sum);
    }
    slc_table_repeat(table);
}

static void posterize(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    const unsigned drop = 8 - (unsigned)drawn->v[0];
    (void)set;
    for (unsigned i = 0; i < 256; i++)
        table[0][i] = (uint8_t)(i >> drop << drop);
    slc_table_repeat(table);
}

/* As torchvision on PIL images: int((256 - 0.001) * gain * (v / 255) ** gamma), clamped. */
static void gamma_lut(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    const settings *s = set;
    for (int i = 0; i < 256; i++) {
        const double v = (255 + 1 - 1e-3) * s->second.v[0] * pow(i / 255.0, drawn->v[0]);
        table[0][i] = (uint8_t)(v >= 255 ? 255 : v);
    }
    slc_table_repeat(table);
}

const slc_op slc_op_solarize = {
    .entry = {"solarize", "invert the values at or above a threshold",
              "Cubuk et al., AutoAugment, CVPR 2019, arXiv:1805.09501", solarize_params,
              sizeof(settings)},
    .value = {"threshold"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageOps.solarize",
    .neutral = "{threshold: 256}",
    .prepare = prepare,
    .draw = draw,
    .lut = solarize,
};

const slc_op slc_op_solarize_add = {
    .entry = {"solarize_add", "brighten the values below a threshold",
              "Cubuk et al., RandAugment, arXiv:1909.13719", add_params,
              sizeof(settings)},
    .value = {"addition"},
    .exactness = "bit-exact",
    .peer = "timm 0.9 solarize_add",
    .neutral = "{addition: 0}",
    .prepare = prepare,
    .draw = draw,
    .lut = solarize_add,
};

const slc_op slc_op_posterize = {
    .entry = {"posterize", "keep the high bits of every value",
              "Cubuk et al., AutoAugment, CVPR 2019, arXiv:1805.09501", posterize_params,
              sizeof(settings)},
    .value = {"bits"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageOps.posterize",
    .neutral = "{bits: 8}",
    .prepare = whole,
    .draw = draw_whole,
    .lut = posterize,
};

const slc_op slc_op_gamma = {
    .entry = {"gamma", "raise values to a power", "torchvision adjust_gamma",
              gamma_params, sizeof(settings)},
    .value = {"gamma"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 adjust_gamma on PIL images",
    .neutral = "{gamma: 1}",
    .prepare = prepare,
    .draw = draw,
    .lut = gamma_lut,
};
