/* Additive and affine changes of the channels: pca_lighting, random_brightness_contrast. */
#include "augment/op/point.h"

typedef struct settings {
    double alpha;
    slc_reals brightness, contrast;
    double p;
} settings;

static const slc_param pca_params[] = {
    {"alpha", SLC_FIELD(settings, alpha), .lo = 0, .hi = 10, .initial = "0.1",
     .unit = "ratio", .help = "standard deviation of the three weights"},
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param random_params[] = {
    {"brightness", SLC_FIELD(settings, brightness), .lo = -1, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "[-0.2, 0.2]", .unit = "ratio",
     .help = "of 255 that is added; one value or a range"},
    {"contrast", SLC_FIELD(settings, contrast), .lo = -1, .hi = 10, .min_count = 1,
     .max_count = 2, .initial = "[-0.2, 0.2]", .unit = "ratio",
     .help = "values times 1 + this; one value or a range"},
    SLC_CHANCE(settings, "0.5"),
    {0}};

static bool pca_draw(const void *set, slc_at *at, slc_draw *out)
{
    /* Of the RGB values of ImageNet's training set, in [0, 1] (fb.resnet.torch). */
    static const double value[3] = {0.2175, 0.0188, 0.0045};
    static const double vector[3][3] = {{-0.5675, 0.7192, 0.4009},
                                        {-0.5808, -0.0045, -0.8140},
                                        {-0.5836, -0.6948, 0.4203}};
    const settings *s = set;
    double weight[3];
    if (!slc_draw_chance(at, s->p)) return false;
    for (int i = 0; i < 3; i++)
        weight[i] = s->alpha * slc_draw_normal(at) * value[i];
    for (int c = 0; c < 3; c++)
        out->v[c] = vector[c][0] * weight[0] + vector[c][1] * weight[1] +
                    vector[c][2] * weight[2];
    return true;
}

static void pca_lut(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    (void)set;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++)
            table[c][i] = slc_level(i + 255 * drawn->v[c]);
}

static slc_status random_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    const slc_status status = slc_range_check("brightness", &s->brightness, err);
    return status ? status : slc_range_check("contrast", &s->contrast, err);
}

static bool random_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->brightness);
    out->v[1] = slc_draw_range(at, &s->contrast);
    return true;
}

static void random_lut(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    (void)set;
    for (int i = 0; i < 256; i++)
        table[0][i] = slc_level(i * (1 + drawn->v[1]) + 255 * drawn->v[0]);
    slc_table_repeat(table);
}

const slc_op slc_op_pca_lighting = {
    .entry = {"pca_lighting", "add along the colours' principal axes",
              "Krizhevsky, Sutskever & Hinton, NIPS 2012", pca_params, sizeof(settings)},
    .value = {"red", "green", "blue"},
    .exactness = "exact by definition: rounded to the nearest level",
    .neutral = "{alpha: 0}",
    .min_channels = 3,
    .draw = pca_draw,
    .unordered = true,
    .lut = pca_lut,
};

const slc_op slc_op_random_brightness_contrast = {
    .entry = {"random_brightness_contrast", "scale values and add to them",
              "Albumentations RandomBrightnessContrast, brightness_by_max", random_params,
              sizeof(settings)},
    .value = {"brightness", "contrast"},
    .exactness = "exact by definition: rounded to the nearest level",
    .neutral = "{brightness: 0, contrast: 0}",
    .prepare = random_prepare,
    .draw = random_draw,
    .lut = random_lut,
};
