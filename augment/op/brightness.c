/* Brightness, contrast, saturation and hue, each alone. */
#include "augment/keys.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals factor;
    double p;
} settings;

static const slc_param brightness_params[] = {
    SLC_RANGE("factor", settings, factor, 0, 1000, "[0.6, 1.4]", "ratio",
              "0 black, 1 unchanged; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param contrast_params[] = {
    SLC_RANGE("factor", settings, factor, 0, 1000, "[0.6, 1.4]", "ratio",
              "0 even grey, 1 unchanged; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param saturation_params[] = {
    SLC_RANGE("factor", settings, factor, 0, 1000, "[0.6, 1.4]", "ratio",
              "0 grey, 1 unchanged; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param hue_params[] = {
    SLC_RANGE("factor", settings, factor, -0.5, 0.5, "[-0.1, 0.1]", "turn",
              "how far colours go round the circle; one value or a range"),
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

static void brightness_lut(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    (void)set;
    for (size_t c = 0; c < 3; c++)
        slc_enhance_table(table[c], 0, drawn->v[0]);
}

static slc_status run(slc_enhance_kind kind, const slc_draw *drawn, const slc_work *work,
                      slc_image *out)
{
    slc_enhance_image(out, &(slc_enhance){kind, drawn->v[0]}, 1, work->isa);
    return SLC_OK;
}

static slc_status contrast_area(const slc_context *context, const slc_draw *drawn,
                                const slc_image *in, slc_work *work, slc_image *out,
                                slc_err *err)
{
    (void)context, (void)in, (void)err;
    return run(SLC_ENHANCE_CONTRAST, drawn, work, out);
}

static slc_status saturation_area(const slc_context *context, const slc_draw *drawn,
                                  const slc_image *in, slc_work *work, slc_image *out,
                                  slc_err *err)
{
    (void)context, (void)in, (void)err;
    return run(SLC_ENHANCE_SATURATION, drawn, work, out);
}

static slc_status hue_area(const slc_context *context, const slc_draw *drawn,
                           const slc_image *in, slc_work *work, slc_image *out,
                           slc_err *err)
{
    (void)context, (void)in, (void)err;
    return run(SLC_ENHANCE_HUE, drawn, work, out);
}

const slc_op slc_op_brightness = {
    .entry = {"brightness", "blend with black", "Pillow ImageEnhance.Brightness",
              brightness_params, sizeof(settings)},
    .value = {"factor"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageEnhance.Brightness",
    .neutral = "{factor: 1}",
    .prepare = prepare,
    .draw = draw,
    .lut = brightness_lut,
};

const slc_op slc_op_contrast = {
    .entry = {"contrast", "blend with the mean grey", "Pillow ImageEnhance.Contrast",
              contrast_params, sizeof(settings)},
    .value = {"factor"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageEnhance.Contrast",
    .neutral = "{factor: 1}",
    .prepare = prepare,
    .draw = draw,
    .area = contrast_area,
    .in_place = true,
};

const slc_op slc_op_saturation = {
    .entry = {"saturation", "blend with the grey picture", "Pillow ImageEnhance.Color",
              saturation_params, sizeof(settings)},
    .value = {"factor"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageEnhance.Color",
    .neutral = "{factor: 1}",
    .prepare = prepare,
    .draw = draw,
    .area = saturation_area,
    .in_place = true,
};

/* Not neutral at 0: the way through 8-bit HSV loses something, as in torchvision. */
const slc_op slc_op_hue = {
    .entry = {"hue", "turn the colour circle",
              "torchvision adjust_hue on PIL images: 8-bit HSV", hue_params,
              sizeof(settings)},
    .value = {"factor"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 adjust_hue",
    .neutral = "{p: 0}",
    .prepare = prepare,
    .draw = draw,
    .area = hue_area,
    .in_place = true,
};
